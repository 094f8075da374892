// Looks for files that may not be there. Knows no layout.
// SPDX-License-Identifier: Apache-2.0
#include "layout/layout_internal.h"

// Not finding it is an answer.
static enum gs_status settle(enum gs_status status, struct gs_error *cause, bool *out_found,
                             struct gs_error *err)
{
    if (status == GS_OK || status == GS_NOT_FOUND) {
        *out_found = status == GS_OK;
        gs_error_release(cause);
        return GS_OK;
    }
    gs_error_move(err, cause);
    return status;
}

enum gs_status gs_layout_find_entry(struct gs_mirror *mirror, const struct gs_oid *commit,
                                    const char *path, struct gs_arena *arena,
                                    struct gs_entry *out_entry, struct gs_error *err)
{
    struct gs_error cause = GS_ERROR_INIT;
    struct gs_entry entry;
    bool found;
    enum gs_status status = gs_mirror_stat(mirror, commit, path, arena, &entry, &cause);
    status = settle(status, &cause, &found, err);
    if (status == GS_OK)
        *out_entry = found ? entry : (struct gs_entry){.name = NULL};
    return status;
}

enum gs_status gs_layout_find_file(struct gs_mirror *mirror, const struct gs_oid *commit,
                                   const char *path, struct gs_buf *out, bool *out_found,
                                   struct gs_error *err)
{
    struct gs_error cause = GS_ERROR_INIT;
    enum gs_status status = gs_mirror_read_file(mirror, commit, path, out, &cause);
    return settle(status, &cause, out_found, err);
}

enum gs_status gs_layout_find_list(struct gs_mirror *mirror, const struct gs_oid *commit,
                                   const char *path, struct gs_arena *arena,
                                   struct gs_entry **out_entries, size_t *out_count,
                                   struct gs_error *err)
{
    struct gs_error cause = GS_ERROR_INIT;
    struct gs_entry *entries = NULL;
    size_t count = 0;
    bool found;
    enum gs_status status = gs_mirror_list(mirror, commit, path, arena, &entries, &count, &cause);
    status = settle(status, &cause, &found, err);
    if (status == GS_OK) {
        *out_entries = entries;
        *out_count = count;
    }
    return status;
}
