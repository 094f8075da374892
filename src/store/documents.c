// Documents in the database, and which of them nothing uses any more. How they are packed is pack.c's business.
// SPDX-License-Identifier: Apache-2.0
#include "store/store_internal.h"

enum gs_status gs_store_put_document(struct gs_tx *tx, const struct gs_document_blob *blob,
                                     struct gs_error *err)
{
    const char *summary = blob->summary.len > 0 ? blob->summary.data : NULL;
    // One that came from git may be saved here later.
    return gs_sql_run(tx->db,
                      "INSERT INTO documents (id, size, packed, summary) VALUES (?, ?, ?, ?)"
                      " ON CONFLICT (id) DO UPDATE"
                      " SET packed = excluded.packed, summary = excluded.summary"
                      " WHERE summary IS NULL AND excluded.summary IS NOT NULL",
                      GS_SQL_ARGS(gs_sql_text(blob->id), gs_sql_int((int64_t)blob->size),
                                  gs_sql_blob(gs_buf_slice(&blob->packed)), gs_sql_text(summary)),
                      err);
}

static enum gs_status fail_missing(struct gs_error *err)
{
    return gs_fail(err, GS_CODE_NOT_FOUND, NULL, "not found");
}

enum gs_status gs_store_get_document(struct gs_tx *tx, const char *id, struct gs_buf *out,
                                     struct gs_error *err)
{
    GS_CLEANUP(gs_sql_finish) struct gs_row *row = NULL;
    bool found = false;
    gs_buf_clear(out);
    enum gs_status status = gs_sql_start(tx->db, "SELECT size, packed FROM documents WHERE id = ?",
                                         GS_SQL_ARGS(gs_sql_text(id)), NULL, &row, err);
    if (status == GS_OK)
        status = gs_sql_next(row, &found, err);
    if (status != GS_OK)
        return status;
    if (!found)
        return fail_missing(err);
    int64_t size = gs_row_int(row);
    // Unpacked from where it lies: a copy of something this large is worth avoiding.
    struct gs_slice packed = gs_row_blob_view(row);
    status = gs_row_check(row, err);
    return status == GS_OK ? gs_document_unpack(packed, (size_t)size, id, out, err) : status;
}

enum gs_status gs_store_get_packed_document(struct gs_tx *tx, const char *id,
                                            struct gs_arena *arena,
                                            struct gs_stored_document *out_document,
                                            struct gs_error *err)
{
    GS_CLEANUP(gs_sql_finish) struct gs_row *row = NULL;
    bool found = false;
    enum gs_status status =
        gs_sql_start(tx->db, "SELECT size, packed, summary FROM documents WHERE id = ?",
                     GS_SQL_ARGS(gs_sql_text(id)), arena, &row, err);
    if (status == GS_OK)
        status = gs_sql_next(row, &found, err);
    if (status != GS_OK)
        return status;
    if (!found)
        return fail_missing(err);
    struct gs_stored_document document = {.size = (size_t)gs_row_int(row),
                                          .stream = gs_row_blob(row)};
    const char *summary = gs_row_text(row);
    document.summary = gs_slice_str(summary ? summary : "");
    if (!gs_document_is_zlib(document.stream))
        document.stream = GS_SLICE_EMPTY;
    status = gs_row_check(row, err);
    if (status == GS_OK)
        *out_document = document;
    return status;
}

void gs_documents_loosen(struct gs_tx *tx, const char *id)
{
    if (id)
        gs_buf_append(&tx->loose_documents, id, strlen(id) + 1);
}

// Each EXISTS has an index of its own.
static enum gs_status remove_unused(struct gs_db *db, const char *id, struct gs_error *err)
{
    return gs_sql_run(
        db,
        "DELETE FROM documents WHERE id = ?"
        " AND NOT EXISTS (SELECT 1 FROM versions v WHERE v.document_id = documents.id)"
        " AND NOT EXISTS (SELECT 1 FROM versions s WHERE s.synced_document_id = documents.id)"
        " AND NOT EXISTS (SELECT 1 FROM document_changes c WHERE c.document_id = documents.id)"
        " AND NOT EXISTS (SELECT 1 FROM releases r WHERE r.document_id = documents.id)",
        GS_SQL_ARGS(gs_sql_text(id)), err);
}

enum gs_status gs_documents_sweep(struct gs_tx *tx, struct gs_error *err)
{
    const struct gs_buf *loose = &tx->loose_documents;
    enum gs_status status = GS_OK;
    if (loose->failed)
        return gs_fail(err, GS_CODE_NO_MEMORY, NULL, "not enough memory for a list of documents");
    for (size_t at = 0; at < loose->len && status == GS_OK; at += strlen(loose->data + at) + 1)
        status = remove_unused(tx->db, loose->data + at, err);
    return status;
}
