// The git configuration of each organization; the key in it stays sealed here. Knows only the statements below it.
// SPDX-License-Identifier: Apache-2.0
#include "store/store_internal.h"

#define COLUMNS                                                                                    \
    "organization_id, git_url, branch, github_app_id, github_installation_id, api_url,"            \
    " enterprise_url, enterprise_api_url, sealed_key, key_fingerprint, layout, author_name,"       \
    " author_email, enabled, allow_secrets, tag, created_at, updated_at"

static void read_config(struct gs_row *row, void *out)
{
    struct gs_git_config *config = out;
    config->organization_id = gs_row_text(row);
    config->git_url = gs_row_text(row);
    config->branch = gs_row_text(row);
    config->github_app_id = gs_row_text(row);
    config->github_installation_id = gs_row_text(row);
    config->api_url = gs_row_text(row);
    config->enterprise_url = gs_row_text(row);
    config->enterprise_api_url = gs_row_text(row);
    config->sealed_key = gs_row_blob(row);
    config->key_fingerprint = gs_row_text(row);
    config->layout = gs_row_text(row);
    config->author_name = gs_row_text(row);
    config->author_email = gs_row_text(row);
    config->enabled = gs_row_int(row) != 0;
    config->allow_secrets = gs_row_int(row) != 0;
    config->tag = gs_row_int(row) != 0;
    config->created_at = gs_row_int(row);
    config->updated_at = gs_row_int(row);
}

static const struct gs_row_type config_type = {sizeof(struct gs_git_config), read_config};

// Everything but organization_id and created_at.
#define UPDATE_COLUMNS                                                                             \
    "git_url = excluded.git_url, branch = excluded.branch,"                                        \
    " github_app_id = excluded.github_app_id,"                                                     \
    " github_installation_id = excluded.github_installation_id, api_url = excluded.api_url,"       \
    " enterprise_url = excluded.enterprise_url,"                                                   \
    " enterprise_api_url = excluded.enterprise_api_url, sealed_key = excluded.sealed_key,"         \
    " key_fingerprint = excluded.key_fingerprint, layout = excluded.layout,"                       \
    " author_name = excluded.author_name, author_email = excluded.author_email,"                   \
    " enabled = excluded.enabled, allow_secrets = excluded.allow_secrets, tag = excluded.tag,"     \
    " updated_at = excluded.updated_at"

enum gs_status gs_store_put_git_config(struct gs_tx *tx, const struct gs_git_config *config,
                                       struct gs_error *err)
{
    return gs_sql_run(
        tx->db,
        "INSERT INTO git_configs (" COLUMNS ")"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (organization_id) DO UPDATE SET " UPDATE_COLUMNS,
        GS_SQL_ARGS(gs_sql_text(config->organization_id), gs_sql_text(config->git_url),
                    gs_sql_text(config->branch), gs_sql_text(config->github_app_id),
                    gs_sql_text(config->github_installation_id), gs_sql_text(config->api_url),
                    gs_sql_text(config->enterprise_url), gs_sql_text(config->enterprise_api_url),
                    gs_sql_blob(config->sealed_key), gs_sql_text(config->key_fingerprint),
                    gs_sql_text(config->layout), gs_sql_text(config->author_name),
                    gs_sql_text(config->author_email), gs_sql_int(config->enabled),
                    gs_sql_int(config->allow_secrets), gs_sql_int(config->tag),
                    gs_sql_int(config->created_at), gs_sql_int(config->updated_at)),
        err);
}

enum gs_status gs_store_get_git_config(struct gs_tx *tx, const char *organization_id,
                                       struct gs_arena *arena, struct gs_git_config *out_config,
                                       struct gs_error *err)
{
    return gs_sql_find(tx->db, "SELECT " COLUMNS " FROM git_configs WHERE organization_id = ?",
                       GS_SQL_ARGS(gs_sql_text(organization_id)), &config_type, arena, out_config,
                       err);
}

enum gs_status gs_store_delete_git_config(struct gs_tx *tx, const char *organization_id,
                                          struct gs_error *err)
{
    return gs_sql_change(tx->db, "DELETE FROM git_configs WHERE organization_id = ?",
                         GS_SQL_ARGS(gs_sql_text(organization_id)), err);
}
