// Which version of an app is the released one, and which were. Knows only the statements below it.
// SPDX-License-Identifier: Apache-2.0
#include "store/store_internal.h"

static void read_release(struct gs_row *row, void *out)
{
    struct gs_release *release = out;
    release->id = gs_row_text(row);
    release->app_id = gs_row_text(row);
    release->version_id = gs_row_text(row);
    release->environment_id = gs_row_text(row);
    release->document_id = gs_row_text(row);
    release->previous_version_id = gs_row_text(row);
    release->commit = gs_row_text(row);
    release->operation_id = gs_row_text(row);
    release->created_at = gs_row_int(row);
}

static const struct gs_row_type release_type = {sizeof(struct gs_release), read_release};

#define SELECT_RELEASE                                                                             \
    "SELECT id, app_id, version_id, environment_id, document_id, previous_version_id,"             \
    " commit_id, operation_id, created_at FROM releases"

static enum gs_status record(struct gs_db *db, const struct gs_release *release,
                             struct gs_error *err)
{
    return gs_sql_run(
        db,
        "INSERT INTO releases (id, app_id, version_id, environment_id, document_id,"
        " previous_version_id, commit_id, operation_id, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        GS_SQL_ARGS(gs_sql_text(release->id), gs_sql_text(release->app_id),
                    gs_sql_text(release->version_id), gs_sql_text(release->environment_id),
                    gs_sql_text(release->document_id), gs_sql_text(release->previous_version_id),
                    gs_sql_text(release->commit), gs_sql_text(release->operation_id),
                    gs_sql_int(release->created_at)),
        err);
}

enum gs_status gs_store_add_release(struct gs_tx *tx, const struct gs_release *release,
                                    struct gs_error *err)
{
    // The record comes first: its foreign key says at once when the app has no such version.
    enum gs_status status = record(tx->db, release, err);
    if (status != GS_OK)
        return status;
    return gs_sql_change(tx->db,
                         "UPDATE apps SET current_version_id = ?, updated_at = ? WHERE id = ?",
                         GS_SQL_ARGS(gs_sql_text(release->version_id),
                                     gs_sql_int(release->created_at), gs_sql_text(release->app_id)),
                         err);
}

enum gs_status gs_store_list_releases(struct gs_tx *tx, const char *app_id, size_t limit,
                                      struct gs_arena *arena, struct gs_release **out_releases,
                                      size_t *out_count, struct gs_error *err)
{
    return gs_sql_list(tx->db,
                       SELECT_RELEASE " WHERE app_id = ? ORDER BY created_at DESC, id DESC LIMIT ?",
                       GS_SQL_ARGS(gs_sql_text(app_id), gs_sql_limit(limit)), &release_type, arena,
                       out_releases, out_count, err);
}

enum gs_status gs_store_get_release(struct gs_tx *tx, const char *app_id, const char *release_id,
                                    struct gs_arena *arena, struct gs_release *out_release,
                                    struct gs_error *err)
{
    return gs_sql_find(tx->db, SELECT_RELEASE " WHERE id = ? AND app_id = ?",
                       GS_SQL_ARGS(gs_sql_text(release_id), gs_sql_text(app_id)), &release_type,
                       arena, out_release, err);
}
