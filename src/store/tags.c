// Which saved versions have a tag in git, or are to get one. Knows only the statements below it.
// SPDX-License-Identifier: Apache-2.0
#include "store/store_internal.h"

static void read_tag(struct gs_row *row, void *out)
{
    struct gs_version_tag *tag = out;
    tag->version_id = gs_row_text(row);
    tag->commit = gs_row_text(row);
}

static const struct gs_row_type tag_type = {sizeof(struct gs_version_tag), read_tag};

enum gs_status gs_store_put_tag(struct gs_tx *tx, const struct gs_version_tag *tag,
                                struct gs_error *err)
{
    return gs_sql_run(tx->db,
                      "INSERT INTO version_tags (version_id, commit_id) VALUES (?, ?)"
                      " ON CONFLICT (version_id) DO UPDATE SET commit_id = excluded.commit_id",
                      GS_SQL_ARGS(gs_sql_text(tag->version_id), gs_sql_text(tag->commit)), err);
}

enum gs_status gs_store_get_tag(struct gs_tx *tx, const char *version_id, struct gs_arena *arena,
                                struct gs_version_tag *out_tag, struct gs_error *err)
{
    return gs_sql_find(tx->db,
                       "SELECT version_id, commit_id FROM version_tags WHERE version_id = ?",
                       GS_SQL_ARGS(gs_sql_text(version_id)), &tag_type, arena, out_tag, err);
}
