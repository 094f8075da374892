// Settings of the installation: names and texts. Knows only the statements below it.
// SPDX-License-Identifier: Apache-2.0
#include "store/store_internal.h"

enum gs_status gs_store_get_setting(struct gs_tx *tx, const char *name, struct gs_arena *arena,
                                    const char **out_value, struct gs_error *err)
{
    return gs_sql_find(tx->db, "SELECT value FROM settings WHERE name = ?",
                       GS_SQL_ARGS(gs_sql_text(name)), &gs_row_type_text, arena, out_value, err);
}

enum gs_status gs_store_put_setting(struct gs_tx *tx, const char *name, const char *value,
                                    struct gs_error *err)
{
    return gs_sql_run(tx->db,
                      "INSERT INTO settings (name, value) VALUES (?, ?)"
                      " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                      GS_SQL_ARGS(gs_sql_text(name), gs_sql_text(value)), err);
}
