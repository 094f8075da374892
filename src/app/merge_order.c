// Lines up what three sides have under the same key, and orders it. Knows keys, not values.
// SPDX-License-Identifier: Apache-2.0
#include "app/merge_internal.h"

// A row in a chain, so that others can be put behind it.
struct link {
    struct gs_row row;
    struct link *next;
};

static struct gs_row make_row(struct gs_keyed sides[GS_SIDES], enum gs_side from, size_t index,
                              size_t hints[GS_SIDES])
{
    struct gs_row row = {.key = sides[from].items[index].key};
    for (int s = GS_SIDE_BASE; s < GS_SIDES; s++) {
        const struct gs_item *item = s == (int)from ? &sides[from].items[index]
                                                    : gs_keyed_find(&sides[s], row.key, hints[s]);
        if (!item)
            continue;
        row.side[s] = item->value;
        hints[s] = (size_t)(item - sides[s].items) + 1;
    }
    return row;
}

static bool same_keys(const struct gs_keyed *a, const struct gs_keyed *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!gs_slice_eq(a->items[i].key, b->items[i].key))
            return false;
    return true;
}

// What a side has in common with the base stands in another order there.
static bool is_reordered(struct gs_keyed *base, const struct gs_keyed *side)
{
    size_t next = 0;
    for (size_t i = 0; i < side->count; i++) {
        const struct gs_item *item = gs_keyed_find(base, side->items[i].key, next);
        if (!item)
            continue;
        size_t at = (size_t)(item - base->items);
        if (at < next)
            return true;
        next = at + 1;
    }
    return false;
}

// Both sides have the same keys in the same order: nothing to put anywhere.
static void align_same(struct gs_keyed sides[GS_SIDES], struct gs_rows *rows)
{
    size_t hints[GS_SIDES] = {0};
    for (size_t i = 0; i < sides[GS_SIDE_OURS].count; i++)
        rows->items[i] = make_row(sides, GS_SIDE_OURS, i, hints);
    rows->count = sides[GS_SIDE_OURS].count;
}

// Puts a row behind anchor and behind what the leading side added right there.
static struct link *insert(struct link *anchor, struct link *added, enum gs_side leading)
{
    enum gs_side other = gs_side_other(leading);
    while (anchor->next && anchor->next->row.side[leading] &&
           !anchor->next->row.side[GS_SIDE_BASE] && !anchor->next->row.side[other])
        anchor = anchor->next;
    added->next = anchor->next;
    anchor->next = added;
    return added;
}

// The rows of the leading side in its order, with those that only the other side has put between.
static struct link *chain_rows(struct gs_keyed sides[GS_SIDES], enum gs_side leading,
                               struct link *links)
{
    enum gs_side other = gs_side_other(leading);
    size_t hints[GS_SIDES] = {0};
    size_t count = sides[leading].count;
    struct link *head = &links[0];
    for (size_t i = 0; i < count; i++) {
        links[i + 1].row = make_row(sides, leading, i, hints);
        links[i].next = &links[i + 1];
    }
    struct link *anchor = head, *free_link = &links[count + 1];
    size_t hint = 0;
    for (size_t i = 0; i < sides[other].count; i++) {
        const struct gs_item *item =
            gs_keyed_find(&sides[leading], sides[other].items[i].key, hint);
        if (item) {
            hint = (size_t)(item - sides[leading].items) + 1;
            anchor = &links[hint];
            continue;
        }
        free_link->row = make_row(sides, other, i, hints);
        anchor = insert(anchor, free_link++, leading);
    }
    return head->next;
}

void gs_merge_align(struct gs_keyed sides[GS_SIDES], struct gs_arena *arena,
                    struct gs_rows *out_rows)
{
    struct gs_keyed *base = &sides[GS_SIDE_BASE], *ours = &sides[GS_SIDE_OURS],
                    *theirs = &sides[GS_SIDE_THEIRS];
    size_t most = ours->count + theirs->count;
    struct gs_rows rows = {gs_arena_array(arena, most, sizeof *rows.items), 0};
    if (same_keys(ours, theirs)) {
        align_same(sides, &rows);
    } else {
        bool theirs_leads = is_reordered(base, theirs) && !is_reordered(base, ours);
        struct link *links = gs_arena_array(arena, most + 1, sizeof *links);
        struct link *link = chain_rows(sides, theirs_leads ? GS_SIDE_THEIRS : GS_SIDE_OURS, links);
        for (; link; link = link->next)
            rows.items[rows.count++] = link->row;
    }
    *out_rows = rows;
}
