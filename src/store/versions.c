// Versions of apps, and the documents they held before. Knows only the statements below it.
// SPDX-License-Identifier: Apache-2.0
#include "store/store_internal.h"

#define SELECT_VERSION                                                                             \
    "SELECT id, app_id, name, draft, environment_id, document_id, synced_document_id,"             \
    " created_at, updated_at FROM versions"

static void read_version(struct gs_row *row, void *out)
{
    struct gs_version *version = out;
    version->id = gs_row_text(row);
    version->app_id = gs_row_text(row);
    version->name = gs_row_text(row);
    version->draft = gs_row_int(row) != 0;
    version->environment_id = gs_row_text(row);
    version->document_id = gs_row_text(row);
    version->synced_document_id = gs_row_text(row);
    version->created_at = gs_row_int(row);
    version->updated_at = gs_row_int(row);
}

static const struct gs_row_type version_type = {sizeof(struct gs_version), read_version};

static void read_change(struct gs_row *row, void *out)
{
    struct gs_document_change *change = out;
    change->version_id = gs_row_text(row);
    change->document_id = gs_row_text(row);
    change->operation_id = gs_row_text(row);
    change->replaced_at = gs_row_int(row);
}

static const struct gs_row_type change_type = {sizeof(struct gs_document_change), read_change};

enum gs_status gs_store_add_version(struct gs_tx *tx, const struct gs_version *version,
                                    struct gs_error *err)
{
    return gs_sql_run(
        tx->db,
        "INSERT INTO versions (id, app_id, name, draft, environment_id, document_id,"
        " synced_document_id, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        GS_SQL_ARGS(gs_sql_text(version->id), gs_sql_text(version->app_id),
                    gs_sql_text(version->name), gs_sql_int(version->draft),
                    gs_sql_text(version->environment_id), gs_sql_text(version->document_id),
                    gs_sql_text(version->synced_document_id), gs_sql_int(version->created_at),
                    gs_sql_int(version->updated_at)),
        err);
}

enum gs_status gs_store_get_version(struct gs_tx *tx, const char *app_id, const char *version_id,
                                    struct gs_arena *arena, struct gs_version *out_version,
                                    struct gs_error *err)
{
    return gs_sql_find(tx->db, SELECT_VERSION " WHERE id = ? AND app_id = ?",
                       GS_SQL_ARGS(gs_sql_text(version_id), gs_sql_text(app_id)), &version_type,
                       arena, out_version, err);
}

enum gs_status gs_store_find_version_by_name(struct gs_tx *tx, const char *app_id, const char *name,
                                             struct gs_arena *arena, struct gs_version *out_version,
                                             struct gs_error *err)
{
    return gs_sql_find(tx->db, SELECT_VERSION " WHERE app_id = ? AND name = ?",
                       GS_SQL_ARGS(gs_sql_text(app_id), gs_sql_text(name)), &version_type, arena,
                       out_version, err);
}

enum gs_status gs_store_version_id_exists(struct gs_tx *tx, const char *version_id,
                                          bool *out_exists, struct gs_error *err)
{
    int64_t count;
    enum gs_status status =
        gs_sql_find(tx->db, "SELECT count(*) FROM versions WHERE id = ?",
                    GS_SQL_ARGS(gs_sql_text(version_id)), &gs_row_type_int, NULL, &count, err);
    if (status == GS_OK)
        *out_exists = count > 0;
    return status;
}

enum gs_status gs_store_list_versions(struct gs_tx *tx, const char *app_id, struct gs_arena *arena,
                                      struct gs_version **out_versions, size_t *out_count,
                                      struct gs_error *err)
{
    return gs_sql_list(tx->db, SELECT_VERSION " WHERE app_id = ? ORDER BY created_at DESC, id DESC",
                       GS_SQL_ARGS(gs_sql_text(app_id)), &version_type, arena, out_versions,
                       out_count, err);
}

static enum gs_status change_version(struct gs_db *db, const struct gs_version *version,
                                     struct gs_error *err)
{
    return gs_sql_change(
        db,
        "UPDATE versions SET name = ?, draft = ?, environment_id = ?, document_id = ?,"
        " synced_document_id = ?, updated_at = ? WHERE id = ?",
        GS_SQL_ARGS(gs_sql_text(version->name), gs_sql_int(version->draft),
                    gs_sql_text(version->environment_id), gs_sql_text(version->document_id),
                    gs_sql_text(version->synced_document_id), gs_sql_int(version->updated_at),
                    gs_sql_text(version->id)),
        err);
}

static enum gs_status keep_replaced(struct gs_db *db, const struct gs_version *old,
                                    const char *operation_id, int64_t replaced_at,
                                    struct gs_error *err)
{
    return gs_sql_run(db,
                      "INSERT INTO document_changes (app_id, version_id, document_id,"
                      " operation_id, replaced_at) VALUES (?, ?, ?, ?, ?)",
                      GS_SQL_ARGS(gs_sql_text(old->app_id), gs_sql_text(old->id),
                                  gs_sql_text(old->document_id), gs_sql_text(operation_id),
                                  gs_sql_int(replaced_at)),
                      err);
}

enum gs_status gs_store_update_version(struct gs_tx *tx, const struct gs_version *version,
                                       const char *operation_id, struct gs_error *err)
{
    GS_CLEANUP(gs_arena_cleanup) struct gs_arena *arena = gs_arena_new();
    struct gs_version old;
    enum gs_status status =
        gs_sql_find(tx->db, SELECT_VERSION " WHERE id = ?", GS_SQL_ARGS(gs_sql_text(version->id)),
                    &version_type, arena, &old, err);
    if (status == GS_OK)
        status = change_version(tx->db, version, err);
    if (status == GS_OK && strcmp(old.document_id, version->document_id) != 0)
        status = keep_replaced(tx->db, &old, operation_id, version->updated_at, err);
    // Git has it; here it is of no use unless a version, a release or the history names it too.
    if (status == GS_OK)
        gs_documents_loosen(tx, old.synced_document_id);
    return status;
}

enum gs_status gs_store_list_document_changes(struct gs_tx *tx, const char *app_id, size_t limit,
                                              struct gs_arena *arena,
                                              struct gs_document_change **out_changes,
                                              size_t *out_count, struct gs_error *err)
{
    return gs_sql_list(tx->db,
                       "SELECT version_id, document_id, operation_id, replaced_at"
                       " FROM document_changes WHERE app_id = ? ORDER BY id DESC LIMIT ?",
                       GS_SQL_ARGS(gs_sql_text(app_id), gs_sql_limit(limit)), &change_type, arena,
                       out_changes, out_count, err);
}

enum gs_status gs_store_find_document_change(struct gs_tx *tx, const char *app_id,
                                             const char *operation_id, struct gs_arena *arena,
                                             struct gs_document_change *out_change,
                                             struct gs_error *err)
{
    return gs_sql_find(tx->db,
                       "SELECT version_id, document_id, operation_id, replaced_at"
                       " FROM document_changes WHERE app_id = ? AND operation_id = ?"
                       " ORDER BY id LIMIT 1",
                       GS_SQL_ARGS(gs_sql_text(app_id), gs_sql_text(operation_id)), &change_type,
                       arena, out_change, err);
}
