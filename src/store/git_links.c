// Which app of a repository an app here is. Knows only the statements below it.
// SPDX-License-Identifier: Apache-2.0
#include "store/store_internal.h"

#define SELECT_LINK                                                                                \
    "SELECT app_id, organization_id, git_app_id, git_url, branch, commit_id, synced_at, name"      \
    " FROM git_links"

static void read_link(struct gs_row *row, void *out)
{
    struct gs_git_link *link = out;
    link->app_id = gs_row_text(row);
    link->organization_id = gs_row_text(row);
    link->git_app_id = gs_row_text(row);
    link->git_url = gs_row_text(row);
    link->branch = gs_row_text(row);
    link->commit = gs_row_text(row);
    link->synced_at = gs_row_int(row);
    link->name = gs_row_text(row);
}

static const struct gs_row_type link_type = {sizeof(struct gs_git_link), read_link};

enum gs_status gs_store_put_link(struct gs_tx *tx, const struct gs_git_link *link,
                                 struct gs_error *err)
{
    return gs_sql_run(tx->db,
                      "INSERT INTO git_links (app_id, organization_id, git_app_id, git_url,"
                      " branch, commit_id, synced_at, name) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
                      " ON CONFLICT (app_id) DO UPDATE SET"
                      " organization_id = excluded.organization_id,"
                      " git_app_id = excluded.git_app_id, git_url = excluded.git_url,"
                      " branch = excluded.branch, commit_id = excluded.commit_id,"
                      " synced_at = excluded.synced_at, name = excluded.name",
                      GS_SQL_ARGS(gs_sql_text(link->app_id), gs_sql_text(link->organization_id),
                                  gs_sql_text(link->git_app_id), gs_sql_text(link->git_url),
                                  gs_sql_text(link->branch), gs_sql_text(link->commit),
                                  gs_sql_int(link->synced_at), gs_sql_text(link->name)),
                      err);
}

enum gs_status gs_store_get_link(struct gs_tx *tx, const char *app_id, struct gs_arena *arena,
                                 struct gs_git_link *out_link, struct gs_error *err)
{
    return gs_sql_find(tx->db, SELECT_LINK " WHERE app_id = ?", GS_SQL_ARGS(gs_sql_text(app_id)),
                       &link_type, arena, out_link, err);
}

enum gs_status gs_store_find_link(struct gs_tx *tx, const char *organization_id,
                                  const char *git_app_id, struct gs_arena *arena,
                                  struct gs_git_link *out_link, struct gs_error *err)
{
    return gs_sql_find(tx->db, SELECT_LINK " WHERE organization_id = ? AND git_app_id = ?",
                       GS_SQL_ARGS(gs_sql_text(organization_id), gs_sql_text(git_app_id)),
                       &link_type, arena, out_link, err);
}
