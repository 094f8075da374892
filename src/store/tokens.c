// Access tokens by their hashes. Knows only the statements below it.
// SPDX-License-Identifier: Apache-2.0
#include "store/store_internal.h"

static void read_token(struct gs_row *row, void *out)
{
    struct gs_token *token = out;
    token->sha256 = gs_row_text(row);
    token->name = gs_row_text(row);
    token->created_at = gs_row_int(row);
}

static const struct gs_row_type token_type = {sizeof(struct gs_token), read_token};

enum gs_status gs_store_add_token(struct gs_tx *tx, const struct gs_token *token,
                                  struct gs_error *err)
{
    return gs_sql_run(tx->db,
                      "INSERT INTO tokens (sha256, name, created_at) VALUES (?, ?, ?)"
                      " ON CONFLICT (sha256) DO NOTHING",
                      GS_SQL_ARGS(gs_sql_text(token->sha256), gs_sql_text(token->name),
                                  gs_sql_int(token->created_at)),
                      err);
}

enum gs_status gs_store_delete_token(struct gs_tx *tx, const char *name, struct gs_error *err)
{
    return gs_sql_run(tx->db, "DELETE FROM tokens WHERE name = ?", GS_SQL_ARGS(gs_sql_text(name)),
                      err);
}

enum gs_status gs_store_list_tokens(struct gs_tx *tx, struct gs_arena *arena,
                                    struct gs_token **out_tokens, size_t *out_count,
                                    struct gs_error *err)
{
    return gs_sql_list(tx->db,
                       "SELECT sha256, name, created_at FROM tokens ORDER BY created_at, sha256",
                       GS_SQL_NO_ARGS, &token_type, arena, out_tokens, out_count, err);
}
