// Organizations and the environments that each of them starts with. Knows only the statements below it.
// SPDX-License-Identifier: Apache-2.0
#include "base/random.h"
#include "store/store_internal.h"

// By priority, starting with 1.
static const char *const first_environments[] = {"development", "staging", "production"};

static void read_organization(struct gs_row *row, void *out)
{
    struct gs_organization *org = out;
    org->id = gs_row_text(row);
    org->name = gs_row_text(row);
    org->created_at = gs_row_int(row);
}

static const struct gs_row_type organization_type = {sizeof(struct gs_organization),
                                                     read_organization};

static void read_environment(struct gs_row *row, void *out)
{
    struct gs_environment *env = out;
    env->id = gs_row_text(row);
    env->organization_id = gs_row_text(row);
    env->name = gs_row_text(row);
    env->priority = (int)gs_row_int(row);
}

static const struct gs_row_type environment_type = {sizeof(struct gs_environment),
                                                    read_environment};

static enum gs_status add_environment(struct gs_db *db, const char *organization_id,
                                      const char *name, int priority, struct gs_error *err)
{
    char id[GS_UUID_TEXT + 1];
    gs_uuid_new(id);
    return gs_sql_run(db,
                      "INSERT INTO environments (id, organization_id, name, priority)"
                      " VALUES (?, ?, ?, ?)",
                      GS_SQL_ARGS(gs_sql_text(id), gs_sql_text(organization_id), gs_sql_text(name),
                                  gs_sql_int(priority)),
                      err);
}

enum gs_status gs_store_add_organization(struct gs_tx *tx, const struct gs_organization *org,
                                         struct gs_error *err)
{
    enum gs_status status = gs_sql_run(
        tx->db, "INSERT INTO organizations (id, name, created_at) VALUES (?, ?, ?)",
        GS_SQL_ARGS(gs_sql_text(org->id), gs_sql_text(org->name), gs_sql_int(org->created_at)),
        err);
    for (size_t i = 0; i < GS_COUNT(first_environments) && status == GS_OK; i++)
        status = add_environment(tx->db, org->id, first_environments[i], (int)i + 1, err);
    return status;
}

enum gs_status gs_store_get_organization(struct gs_tx *tx, const char *id, struct gs_arena *arena,
                                         struct gs_organization *out_org, struct gs_error *err)
{
    return gs_sql_find(tx->db, "SELECT id, name, created_at FROM organizations WHERE id = ?",
                       GS_SQL_ARGS(gs_sql_text(id)), &organization_type, arena, out_org, err);
}

enum gs_status gs_store_list_organizations(struct gs_tx *tx, struct gs_arena *arena,
                                           struct gs_organization **out_orgs, size_t *out_count,
                                           struct gs_error *err)
{
    return gs_sql_list(tx->db,
                       "SELECT id, name, created_at FROM organizations ORDER BY created_at, id",
                       GS_SQL_NO_ARGS, &organization_type, arena, out_orgs, out_count, err);
}

enum gs_status gs_store_list_environments(struct gs_tx *tx, const char *organization_id,
                                          struct gs_arena *arena, struct gs_environment **out_envs,
                                          size_t *out_count, struct gs_error *err)
{
    return gs_sql_list(tx->db,
                       "SELECT id, organization_id, name, priority FROM environments"
                       " WHERE organization_id = ? ORDER BY priority",
                       GS_SQL_ARGS(gs_sql_text(organization_id)), &environment_type, arena,
                       out_envs, out_count, err);
}
