// Merges the values of one entity: objects member by member at every depth, lists of objects with
// ids by id, all else as one value. Each value is visited once, so a merge stays linear however
// deep it is.
// SPDX-License-Identifier: Apache-2.0
#include "app/merge_internal.h"

enum { PATH_MAX_BYTES = 1024 };

// RFC 6901; "" for the entity itself.
static const char *make_path(struct gs_arena *arena, const struct gs_place *at)
{
    return at->up ? gs_json_pointer(arena, make_path(arena, at->up), at->key) : "";
}

// The place, or the nearest one around it whose path has a length that is of use to somebody.
static const struct gs_place *find_nameable(const struct gs_place *at)
{
    size_t length = 0;
    for (const struct gs_place *p = at; p->up; p = p->up)
        length += 1 + p->key.len;
    for (; length > PATH_MAX_BYTES; at = at->up)
        length -= 1 + at->key.len;
    return at;
}

static void describe(struct gs_merge *merge, struct gs_entity *entity)
{
    if (entity->id_text)
        return;
    entity->id_text = gs_arena_dup_slice(merge->arena, entity->id);
    entity->name_text = gs_arena_dup_slice(merge->arena, entity->name);
}

static void record(struct gs_merge *merge, const struct gs_place *at, const struct gs_row *row)
{
    GS_CLEANUP(gs_arena_cleanup) struct gs_arena *scratch = gs_arena_new();
    merge->conflicts = gs_arena_grow(merge->arena, merge->conflicts, merge->conflict_count,
                                     &merge->conflict_capacity, sizeof *merge->conflicts);
    describe(merge, at->entity);
    merge->conflicts[merge->conflict_count++] = (struct gs_conflict){
        .type = at->entity->type,
        .id = at->entity->id_text,
        .name = at->entity->name_text,
        .member =
            at->up ? gs_arena_strdup(merge->arena, make_path(scratch, find_nameable(at))) : NULL,
        .base = row->side[GS_SIDE_BASE],
        .ours = row->side[GS_SIDE_OURS],
        .theirs = row->side[GS_SIDE_THEIRS],
    };
}

enum gs_side gs_merge_conflict(struct gs_merge *merge, const struct gs_place *at,
                               const struct gs_row *row)
{
    if (merge->conflict_count < GS_CONFLICTS_MAX)
        record(merge, at, row);
    return merge->policy == GS_CONFLICT_THEIRS ? GS_SIDE_THEIRS : GS_SIDE_OURS;
}

// A component's layout is where it stands on one kind of screen: half of one and half of another is
// neither.
static bool is_layout(const struct gs_place *at)
{
    const struct gs_place *list = at->up;
    return list && list->up && !list->up->up && gs_slice_eq_str(list->key, "layouts") &&
           strcmp(at->entity->type, "component") == 0;
}

static bool same(const struct gs_place *at, const struct gs_row *row, enum gs_side a,
                 enum gs_side b)
{
    if (!row->side[a] || !row->side[b])
        return false;
    return is_layout(at) ? gs_stamp_same_content(row->side[a], row->side[b])
                         : gs_json_equal(row->side[a], row->side[b]);
}

// The side whose value stands, where both have one.
static enum gs_side choose(struct gs_merge *merge, const struct gs_place *at,
                           const struct gs_row *row)
{
    yyjson_val *ours = row->side[GS_SIDE_OURS], *theirs = row->side[GS_SIDE_THEIRS];
    if (same(at, row, GS_SIDE_OURS, GS_SIDE_THEIRS))
        return GS_SIDE_OURS;
    if (same(at, row, GS_SIDE_BASE, GS_SIDE_OURS))
        return GS_SIDE_THEIRS;
    if (same(at, row, GS_SIDE_BASE, GS_SIDE_THEIRS))
        return GS_SIDE_OURS;
    if (gs_stamp_is(at->key, ours) && gs_stamp_is(at->key, theirs))
        return gs_stamp_later(theirs, ours) ? GS_SIDE_THEIRS : GS_SIDE_OURS;
    return gs_merge_conflict(merge, at, row);
}

// The side whose value, or lack of one, stands, where only one has one.
static enum gs_side choose_single(struct gs_merge *merge, const struct gs_place *at,
                                  const struct gs_row *row)
{
    enum gs_side holder = gs_row_holder(row);
    if (!row->side[GS_SIDE_BASE])
        return holder;
    if (gs_stamp_same_content(row->side[GS_SIDE_BASE], row->side[holder]))
        return gs_side_other(holder);
    if (gs_stamp_is(at->key, row->side[holder]))
        return holder;
    return gs_merge_conflict(merge, at, row);
}

static void merge_rows(struct gs_merge *merge, const struct gs_place *at,
                       struct gs_keyed sides[GS_SIDES], bool are_members)
{
    struct gs_rows rows;
    gs_merge_align(sides, merge->work, &rows);
    for (int s = GS_SIDE_BASE; s < GS_SIDES; s++)
        gs_keyed_release(&sides[s]);
    gs_emit_open(&merge->out, are_members ? '{' : '[');
    for (size_t i = 0; i < rows.count; i++)
        gs_merge_row(merge, at, &rows.items[i], are_members);
    gs_emit_close(&merge->out, are_members ? '}' : ']');
}

void gs_merge_members(struct gs_merge *merge, const struct gs_place *at, const struct gs_row *row)
{
    struct gs_keyed sides[GS_SIDES];
    for (int s = GS_SIDE_BASE; s < GS_SIDES; s++)
        gs_keyed_members(row->side[s], merge->work, &sides[s]);
    merge_rows(merge, at, sides, true);
}

// False, with nothing written, when these are not lists of objects with ids.
static bool merge_elements(struct gs_merge *merge, const struct gs_place *at,
                           const struct gs_row *row)
{
    struct gs_keyed sides[GS_SIDES];
    for (int s = GS_SIDE_BASE; s < GS_SIDES; s++) {
        if (gs_keyed_elements(row->side[s], merge->work, &sides[s]))
            continue;
        while (s-- > GS_SIDE_BASE)
            gs_keyed_release(&sides[s]);
        return false;
    }
    merge_rows(merge, at, sides, false);
    return true;
}

// Objects that are not to be mixed: two different things (an editingVersion that was switched on
// one side), or two places of one layout.
static bool are_whole(const struct gs_place *at, const struct gs_row *row)
{
    if (is_layout(at))
        return !same(at, row, GS_SIDE_OURS, GS_SIDE_THEIRS);
    return !gs_slice_eq(gs_json_get_str(row->side[GS_SIDE_OURS], "id"),
                        gs_json_get_str(row->side[GS_SIDE_THEIRS], "id"));
}

// Both sides have a value here.
static void merge_both(struct gs_merge *merge, const struct gs_place *at, const struct gs_row *row)
{
    struct gs_row both = *row;
    yyjson_val *ours = row->side[GS_SIDE_OURS], *theirs = row->side[GS_SIDE_THEIRS];
    // A base of another kind has nothing to say about the inside of what both sides made of it.
    if (yyjson_get_type(row->side[GS_SIDE_BASE]) != yyjson_get_type(ours))
        both.side[GS_SIDE_BASE] = NULL;
    if (yyjson_is_obj(ours) && yyjson_is_obj(theirs) && !are_whole(at, row))
        gs_merge_members(merge, at, &both);
    else if (!yyjson_is_arr(ours) || !yyjson_is_arr(theirs) || !merge_elements(merge, at, &both))
        gs_emit_value(&merge->out, row->side[choose(merge, at, row)]);
}

void gs_merge_row(struct gs_merge *merge, const struct gs_place *up, const struct gs_row *row,
                  bool is_member)
{
    struct gs_place at = {up, up->entity, row->key};
    bool single = gs_row_is_single(row);
    enum gs_side side = single ? choose_single(merge, &at, row) : GS_SIDE_OURS;
    if (!row->side[side])
        return;
    if (is_member)
        gs_emit_key(&merge->out, row->key);
    if (single)
        gs_emit_value(&merge->out, row->side[side]);
    else
        merge_both(merge, &at, row);
}
