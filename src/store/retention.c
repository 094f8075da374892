// Removes what has been kept long enough, a few rows at a time. What is still referred to stays: an operation that a
// recorded answer names, what an operation replaced, an app's newest release, and any document that anything else uses.
// SPDX-License-Identifier: Apache-2.0
#include "store/store_internal.h"

enum {
    ROWS_AT_ONCE = 200,
    DOCUMENTS_AT_ONCE = 20, // each may be megabytes of pages to be freed
};

// A row that names a document.
struct old_row {
    int64_t rowid;
    const char *document_id;
};

static void read_old_row(struct gs_row *row, void *out)
{
    struct old_row *old = out;
    old->rowid = gs_row_int(row);
    old->document_id = gs_row_text(row);
}

static const struct gs_row_type old_row_type = {sizeof(struct old_row), read_old_row};

// The rows that select finds, oldest first, go with remove; their documents when nothing else uses them.
static enum gs_status remove_old_rows(struct gs_tx *tx, const char *select, const char *remove,
                                      int64_t before, bool *some, struct gs_error *err)
{
    GS_CLEANUP(gs_arena_cleanup) struct gs_arena *arena = gs_arena_new();
    struct old_row *rows = NULL;
    size_t count = 0;
    enum gs_status status =
        gs_sql_list(tx->db, select, GS_SQL_ARGS(gs_sql_int(before), gs_sql_int(DOCUMENTS_AT_ONCE)),
                    &old_row_type, arena, &rows, &count, err);
    for (size_t i = 0; status == GS_OK && i < count; i++) {
        status = gs_sql_run(tx->db, remove, GS_SQL_ARGS(gs_sql_int(rows[i].rowid)), err);
        gs_documents_loosen(tx, rows[i].document_id);
    }
    *some |= count > 0;
    return status;
}

static enum gs_status remove_answers(struct gs_tx *tx, int64_t now, bool *some,
                                     struct gs_error *err)
{
    enum gs_status status =
        gs_sql_run(tx->db,
                   "DELETE FROM recorded_answers WHERE rowid IN"
                   " (SELECT rowid FROM recorded_answers WHERE expires_at <= ? LIMIT ?)",
                   GS_SQL_ARGS(gs_sql_int(now), gs_sql_int(ROWS_AT_ONCE)), err);
    if (status == GS_OK)
        *some |= gs_sql_changed(tx->db);
    return status;
}

static enum gs_status remove_operations(struct gs_tx *tx, int64_t before, bool *some,
                                        struct gs_error *err)
{
    // In the words of the index, which are not those of the index by state.
    enum gs_status status = gs_sql_run(
        tx->db,
        "DELETE FROM operations WHERE rowid IN"
        " (SELECT o.rowid FROM operations o WHERE o.state NOT IN ('queued', 'running', 'committed')"
        " AND o.updated_at < ?"
        " AND NOT EXISTS (SELECT 1 FROM recorded_answers a WHERE a.operation_id = o.id)"
        " ORDER BY o.updated_at LIMIT ?)",
        GS_SQL_ARGS(gs_sql_int(before), gs_sql_int(ROWS_AT_ONCE)), err);
    if (status == GS_OK)
        *some |= gs_sql_changed(tx->db);
    return status;
}

static enum gs_status remove_document_changes(struct gs_tx *tx, int64_t before, bool *some,
                                              struct gs_error *err)
{
    return remove_old_rows(
        tx,
        "SELECT c.id, c.document_id FROM document_changes c WHERE c.replaced_at < ?"
        " AND NOT EXISTS (SELECT 1 FROM operations o WHERE o.id = c.operation_id)"
        " ORDER BY c.replaced_at LIMIT ?",
        "DELETE FROM document_changes WHERE id = ?", before, some, err);
}

static enum gs_status remove_releases(struct gs_tx *tx, int64_t before, bool *some,
                                      struct gs_error *err)
{
    return remove_old_rows(tx,
                           "SELECT r.rowid, r.document_id FROM releases r WHERE r.created_at < ?"
                           " AND EXISTS (SELECT 1 FROM releases n WHERE n.app_id = r.app_id"
                           " AND (n.created_at, n.id) > (r.created_at, r.id))"
                           " ORDER BY r.created_at LIMIT ?",
                           "DELETE FROM releases WHERE rowid = ?", before, some, err);
}

enum gs_status gs_store_forget(struct gs_tx *tx, const struct gs_retention *retention,
                               bool *out_some, struct gs_error *err)
{
    bool some = false;
    enum gs_status status = remove_answers(tx, retention->now, &some, err);
    if (status == GS_OK && retention->operations_before > 0)
        status = remove_operations(tx, retention->operations_before, &some, err);
    if (status == GS_OK && retention->operations_before > 0)
        status = remove_document_changes(tx, retention->operations_before, &some, err);
    if (status == GS_OK && retention->releases_before > 0)
        status = remove_releases(tx, retention->releases_before, &some, err);
    if (status == GS_OK)
        *out_some = some;
    return status;
}
