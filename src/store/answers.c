// Recorded answers: what a call with an Idempotency-Key was told, so that its repetition is told the same. Knows only
// the statements below it.
// SPDX-License-Identifier: Apache-2.0
#include "store/store_internal.h"

enum { FORGET_AT_ONCE = 100 }; // so that no call pays for all that expired in a quiet time

struct answer_row {
    struct gs_recorded_answer answer;
    const char *body_id;
    int64_t body_size;
    struct gs_slice body;
};

static void read_answer(struct gs_row *row, void *out)
{
    struct answer_row *r = out;
    r->answer.scope = gs_row_text(row);
    r->answer.key = gs_row_text(row);
    r->answer.request = gs_row_text(row);
    r->answer.request_id = gs_row_text(row);
    r->answer.operation_id = gs_row_text(row);
    r->answer.status = (int)gs_row_int(row);
    r->answer.created_at = gs_row_int(row);
    r->answer.expires_at = gs_row_int(row);
    r->body_id = gs_row_text(row);
    r->body_size = gs_row_int(row);
    r->body = gs_row_blob(row);
}

static const struct gs_row_type answer_type = {sizeof(struct answer_row), read_answer};

enum gs_status gs_store_get_answer(struct gs_tx *tx, const char *scope, const char *key,
                                   int64_t now, struct gs_arena *arena,
                                   struct gs_recorded_answer *out_answer, struct gs_buf *out_body,
                                   struct gs_error *err)
{
    struct answer_row row;
    enum gs_status status = gs_sql_find(
        tx->db,
        "SELECT scope, key, request, request_id, operation_id, status, created_at, expires_at,"
        " body_id, body_size, body FROM recorded_answers"
        " WHERE scope = ? AND key = ? AND expires_at > ?",
        GS_SQL_ARGS(gs_sql_text(scope), gs_sql_text(key), gs_sql_int(now)), &answer_type, arena,
        &row, err);
    if (status != GS_OK)
        return status;
    gs_buf_clear(out_body);
    if (row.body_id)
        status = gs_document_unpack(row.body, (size_t)row.body_size, row.body_id, out_body, err);
    if (status == GS_OK)
        *out_answer = row.answer;
    return status;
}

static enum gs_status forget_expired(struct gs_tx *tx, int64_t now, struct gs_error *err)
{
    return gs_sql_run(tx->db,
                      "DELETE FROM recorded_answers WHERE rowid IN"
                      " (SELECT rowid FROM recorded_answers WHERE expires_at <= ? LIMIT ?)",
                      GS_SQL_ARGS(gs_sql_int(now), gs_sql_int(FORGET_AT_ONCE)), err);
}

enum gs_status gs_store_put_answer(struct gs_tx *tx, const struct gs_recorded_answer *answer,
                                   const struct gs_document_blob *body, struct gs_error *err)
{
    enum gs_status status = forget_expired(tx, answer->created_at, err);
    if (status != GS_OK)
        return status;
    return gs_sql_run(
        tx->db,
        "INSERT INTO recorded_answers (scope, key, request, request_id, operation_id, status,"
        " body_id, body_size, body, created_at, expires_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (scope, key) DO UPDATE SET request = excluded.request,"
        " request_id = excluded.request_id, operation_id = excluded.operation_id,"
        " status = excluded.status, body_id = excluded.body_id, body_size = excluded.body_size,"
        " body = excluded.body, created_at = excluded.created_at, expires_at = excluded.expires_at",
        GS_SQL_ARGS(gs_sql_text(answer->scope), gs_sql_text(answer->key),
                    gs_sql_text(answer->request), gs_sql_text(answer->request_id),
                    gs_sql_text(answer->operation_id), gs_sql_int(answer->status),
                    gs_sql_text(body ? body->id : NULL), gs_sql_int(body ? (int64_t)body->size : 0),
                    gs_sql_blob(body ? gs_buf_slice(&body->packed) : GS_SLICE_EMPTY),
                    gs_sql_int(answer->created_at), gs_sql_int(answer->expires_at)),
        err);
}
