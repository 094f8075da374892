// A growing list of edits. Knows nothing of what they are for.
// SPDX-License-Identifier: Apache-2.0
#include "layout/layout_internal.h"

static void add(struct gs_edits *edits, struct gs_edit edit)
{
    if (edits->count == edits->capacity) {
        edits->capacity = edits->capacity ? edits->capacity * 2 : 4;
        struct gs_edit *grown = gs_arena_array(edits->arena, edits->capacity, sizeof *grown);
        if (edits->count > 0)
            memcpy(grown, edits->items, edits->count * sizeof *grown);
        edits->items = grown;
    }
    edits->items[edits->count++] = edit;
}

void gs_edits_write(struct gs_edits *edits, const char *path, struct gs_slice content)
{
    add(edits, (struct gs_edit){.kind = GS_EDIT_WRITE, .path = path, .content = content});
}

void gs_edits_write_blob(struct gs_edits *edits, const char *path, struct gs_git_blob **blob)
{
    add(edits, (struct gs_edit){.kind = GS_EDIT_WRITE, .path = path, .blob = blob});
}

void gs_edits_delete(struct gs_edits *edits, const char *path)
{
    add(edits, (struct gs_edit){.kind = GS_EDIT_DELETE, .path = path});
}

void gs_edits_move(struct gs_edits *edits, const char *path, const char *to_path)
{
    add(edits, (struct gs_edit){.kind = GS_EDIT_MOVE, .path = path, .to_path = to_path});
}
