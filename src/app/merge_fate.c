// Decides what becomes of the entities that one side deleted, so that a merge neither loses what
// the other side did to them nor leaves something that names what is gone without saying so.
// Linear: every deletion is disputed once at most, and every entity is searched for links once,
// twice when it is disputed itself.
// SPDX-License-Identifier: Apache-2.0
#include "app/merge_internal.h"

struct fates {
    struct gs_map deleted;  // id to row of what goes unless it is needed
    struct gs_row **needed; // disputed, and still to be searched for what it needs in turn
    size_t needed_count;
};

// Lists whose rows are searched.
static void find_deletions(struct fates *fates, struct gs_rows *rows, size_t *count)
{
    for (size_t i = 0; i < rows->count; i++) {
        struct gs_row *row = &rows->items[i];
        yyjson_val *base = row->side[GS_SIDE_BASE];
        if (!base || !gs_row_is_single(row))
            continue;
        if (gs_stamp_same_content(base, row->side[gs_row_holder(row)])) {
            row->fate = GS_FATE_DELETED;
            gs_map_put(&fates->deleted, row->key, row);
            (*count)++;
        } else {
            row->fate = GS_FATE_DISPUTED;
        }
    }
}

// Whether a link that one side has will be in the merged entity because of that side: it is new
// there, or the whole entity stays for what that side changed. A link that the other side has as
// well dangles there already.
static bool is_due_to(const struct gs_row *row, enum gs_side side, struct gs_link link,
                      struct gs_slice text)
{
    yyjson_val *base = row->side[GS_SIDE_BASE], *other = row->side[gs_side_other(side)];
    if (other && gs_slice_eq(gs_entity_get_link(other, link), text))
        return false;
    return row->fate == GS_FATE_DISPUTED || !base ||
           !gs_slice_eq(gs_entity_get_link(base, link), text);
}

static void search_side(struct fates *fates, const struct gs_row *row, enum gs_side side)
{
    struct gs_link link;
    for (size_t i = 0; gs_entity_link(i, &link); i++) {
        struct gs_slice text = gs_entity_get_link(row->side[side], link);
        if (text.len == 0)
            continue;
        struct gs_row *target = gs_map_get(&fates->deleted, gs_link_target(text));
        if (!target || target->fate == GS_FATE_DISPUTED || !target->side[side] ||
            !is_due_to(row, side, link, text))
            continue;
        target->fate = GS_FATE_DISPUTED;
        fates->needed[fates->needed_count++] = target;
    }
}

static void search_row(struct fates *fates, const struct gs_row *row)
{
    if (row->fate == GS_FATE_DELETED)
        return;
    search_side(fates, row, GS_SIDE_OURS);
    search_side(fates, row, GS_SIDE_THEIRS);
}

void gs_merge_decide_fates(struct gs_entity_list *lists, size_t count, struct gs_arena *arena)
{
    struct fates fates = {0};
    size_t deletions = 0;
    gs_map_init(&fates.deleted);
    for (size_t l = 0; l < count; l++)
        find_deletions(&fates, &lists[l].rows, &deletions);
    if (deletions > 0) {
        fates.needed = gs_arena_array(arena, deletions, sizeof(struct gs_row *));
        for (size_t l = 0; l < count; l++)
            for (size_t i = 0; i < lists[l].rows.count; i++)
                search_row(&fates, &lists[l].rows.items[i]);
        while (fates.needed_count > 0)
            search_row(&fates, fates.needed[--fates.needed_count]);
    }
    gs_map_release(&fates.deleted);
}
