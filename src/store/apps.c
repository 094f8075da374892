// Apps, and what goes with them when they go. Knows only the statements below it.
// SPDX-License-Identifier: Apache-2.0
#include "store/store_internal.h"

#define SELECT_APP                                                                                 \
    "SELECT id, organization_id, name, slug, current_version_id, created_at, updated_at FROM apps"

static void read_app(struct gs_row *row, void *out)
{
    struct gs_app *app = out;
    app->id = gs_row_text(row);
    app->organization_id = gs_row_text(row);
    app->name = gs_row_text(row);
    app->slug = gs_row_text(row);
    app->current_version_id = gs_row_text(row);
    app->created_at = gs_row_int(row);
    app->updated_at = gs_row_int(row);
}

static const struct gs_row_type app_type = {sizeof(struct gs_app), read_app};

enum gs_status gs_store_add_app(struct gs_tx *tx, const struct gs_app *app, struct gs_error *err)
{
    return gs_sql_run(tx->db,
                      "INSERT INTO apps (id, organization_id, name, slug, current_version_id,"
                      " created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
                      GS_SQL_ARGS(gs_sql_text(app->id), gs_sql_text(app->organization_id),
                                  gs_sql_text(app->name), gs_sql_text(app->slug),
                                  gs_sql_text(app->current_version_id), gs_sql_int(app->created_at),
                                  gs_sql_int(app->updated_at)),
                      err);
}

enum gs_status gs_store_get_app(struct gs_tx *tx, const char *id, struct gs_arena *arena,
                                struct gs_app *out_app, struct gs_error *err)
{
    return gs_sql_find(tx->db, SELECT_APP " WHERE id = ?", GS_SQL_ARGS(gs_sql_text(id)), &app_type,
                       arena, out_app, err);
}

enum gs_status gs_store_find_app_by_slug(struct gs_tx *tx, const char *slug, struct gs_arena *arena,
                                         struct gs_app *out_app, struct gs_error *err)
{
    return gs_sql_find(tx->db, SELECT_APP " WHERE slug = ?", GS_SQL_ARGS(gs_sql_text(slug)),
                       &app_type, arena, out_app, err);
}

enum gs_status gs_store_find_app_by_name(struct gs_tx *tx, const char *organization_id,
                                         const char *name, struct gs_arena *arena,
                                         struct gs_app *out_app, struct gs_error *err)
{
    return gs_sql_find(tx->db, SELECT_APP " WHERE organization_id = ? AND name = ?",
                       GS_SQL_ARGS(gs_sql_text(organization_id), gs_sql_text(name)), &app_type,
                       arena, out_app, err);
}

enum gs_status gs_store_list_apps(struct gs_tx *tx, const char *organization_id,
                                  struct gs_arena *arena, struct gs_app **out_apps,
                                  size_t *out_count, struct gs_error *err)
{
    return gs_sql_list(tx->db, SELECT_APP " WHERE organization_id = ? ORDER BY created_at, id",
                       GS_SQL_ARGS(gs_sql_text(organization_id)), &app_type, arena, out_apps,
                       out_count, err);
}

enum gs_status gs_store_rename_app(struct gs_tx *tx, const char *app_id, const char *name,
                                   int64_t now, struct gs_error *err)
{
    return gs_sql_change(tx->db, "UPDATE apps SET name = ?, updated_at = ? WHERE id = ?",
                         GS_SQL_ARGS(gs_sql_text(name), gs_sql_int(now), gs_sql_text(app_id)), err);
}

static enum gs_status list_documents(struct gs_db *db, const char *app_id, struct gs_arena *arena,
                                     const char ***out_ids, size_t *out_count, struct gs_error *err)
{
    return gs_sql_list(db,
                       "SELECT document_id FROM versions WHERE app_id = ?"
                       " UNION SELECT synced_document_id FROM versions WHERE app_id = ?"
                       " UNION SELECT document_id FROM document_changes WHERE app_id = ?"
                       " UNION SELECT document_id FROM releases WHERE app_id = ?",
                       GS_SQL_ARGS(gs_sql_text(app_id), gs_sql_text(app_id), gs_sql_text(app_id),
                                   gs_sql_text(app_id)),
                       &gs_row_type_text, arena, out_ids, out_count, err);
}

enum gs_status gs_store_delete_app(struct gs_tx *tx, const char *app_id, struct gs_error *err)
{
    GS_CLEANUP(gs_arena_cleanup) struct gs_arena *arena = gs_arena_new();
    const char **ids;
    size_t count;
    enum gs_status status = list_documents(tx->db, app_id, arena, &ids, &count, err);
    // Versions, history, releases and the link follow by their foreign keys.
    if (status == GS_OK)
        status = gs_sql_change(tx->db, "DELETE FROM apps WHERE id = ?",
                               GS_SQL_ARGS(gs_sql_text(app_id)), err);
    for (size_t i = 0; status == GS_OK && i < count; i++)
        gs_documents_loosen(tx, ids[i]);
    return status;
}
