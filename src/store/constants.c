// Constants and secrets of organizations, by environment. Knows only the statements below it.
// SPDX-License-Identifier: Apache-2.0
#include "store/store_internal.h"

static void read_constant(struct gs_row *row, void *out)
{
    struct gs_constant *constant = out;
    constant->secret = gs_row_int(row) != 0;
    constant->name = gs_row_text(row);
    constant->environment_id = gs_row_text(row);
    constant->environment = gs_row_text(row);
    constant->value = gs_row_text(row);
}

static const struct gs_row_type constant_type = {sizeof(struct gs_constant), read_constant};

enum gs_status gs_store_put_constants(struct gs_tx *tx, const char *organization_id,
                                      const struct gs_constant *constants, size_t count,
                                      struct gs_error *err)
{
    enum gs_status status = gs_sql_run(tx->db, "DELETE FROM constants WHERE organization_id = ?",
                                       GS_SQL_ARGS(gs_sql_text(organization_id)), err);
    for (size_t i = 0; status == GS_OK && i < count; i++)
        status = gs_sql_run(
            tx->db,
            "INSERT INTO constants (organization_id, secret, name, environment_id, value)"
            " VALUES (?, ?, ?, ?, ?)",
            GS_SQL_ARGS(gs_sql_text(organization_id), gs_sql_int(constants[i].secret),
                        gs_sql_text(constants[i].name), gs_sql_text(constants[i].environment_id),
                        gs_sql_text(constants[i].value)),
            err);
    return status;
}

enum gs_status gs_store_list_constants(struct gs_tx *tx, const char *organization_id,
                                       struct gs_arena *arena, struct gs_constant **out_constants,
                                       size_t *out_count, struct gs_error *err)
{
    return gs_sql_list(tx->db,
                       "SELECT c.secret, c.name, e.id, e.name, c.value FROM constants c"
                       " JOIN environments e ON e.id = c.environment_id"
                       " WHERE c.organization_id = ? ORDER BY c.secret, c.name, e.priority",
                       GS_SQL_ARGS(gs_sql_text(organization_id)), &constant_type, arena,
                       out_constants, out_count, err);
}
