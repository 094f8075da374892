// What the files of the three-way merge share. Nobody outside of this folder includes it.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_APP_MERGE_INTERNAL_H
#define GS_APP_MERGE_INTERNAL_H

#include "app/app_internal.h"

enum gs_side { GS_SIDE_BASE, GS_SIDE_OURS, GS_SIDE_THEIRS, GS_SIDES };

// What becomes of an entity that one side deleted. All others are merged.
enum gs_fate {
    GS_FATE_MERGED,
    GS_FATE_DELETED,
    GS_FATE_DISPUTED, // the other side changed it, or something it added or changed needs it
};

// One member or element as the three sides have it, NULL where absent.
struct gs_row {
    struct gs_slice key;
    yyjson_val *side[GS_SIDES];
    enum gs_fate fate; // of entities only
};
struct gs_rows {
    struct gs_row *items;
    size_t count;
};

static inline enum gs_side gs_side_other(enum gs_side side)
{
    return side == GS_SIDE_OURS ? GS_SIDE_THEIRS : GS_SIDE_OURS;
}

// Whether exactly one of the two sides has it.
static inline bool gs_row_is_single(const struct gs_row *row)
{
    return !row->side[GS_SIDE_OURS] != !row->side[GS_SIDE_THEIRS];
}

// The side that has it, of those two.
static inline enum gs_side gs_row_holder(const struct gs_row *row)
{
    return row->side[GS_SIDE_OURS] ? GS_SIDE_OURS : GS_SIDE_THEIRS;
}

// One row per key that ours or theirs has, in the order of the merged whole. That order is ours',
// or theirs' when only they moved what was there before; what only the other side has comes behind
// what it follows there, and behind what this side put at the same place.
void gs_merge_align(struct gs_keyed sides[GS_SIDES], struct gs_arena *arena,
                    struct gs_rows *out_rows);

// The rows of one list of appV2.
struct gs_entity_list {
    const char *type; // NULL: this member of appV2 is no list of entities
    struct gs_rows rows;
};
// Decides the fates of all rows: deleted, unless the other side changed the entity or refers to it
// in what stays.
void gs_merge_decide_fates(struct gs_entity_list *lists, size_t count, struct gs_arena *arena);

// One merge under way. What goes into the result is written at once, in the order of the result.
struct gs_merge {
    enum gs_conflict_policy policy;
    struct gs_arena *arena; // of the result
    struct gs_arena *work;  // of what is being merged
    struct gs_emitter out;
    struct gs_envelope sides[GS_SIDES];
    struct gs_conflict *conflicts;
    size_t conflict_count, conflict_capacity;
};

// The entity that a value is part of.
struct gs_entity {
    const char *type;
    struct gs_slice id, name;
    const char *id_text, *name_text; // in the result's arena, made for the first conflict
};
// Where in its entity a value is: a chain that ends in the entity itself (up is NULL).
struct gs_place {
    const struct gs_place *up;
    struct gs_entity *entity;
    struct gs_slice key;
};

// Writes what becomes of one member (with its key) or element of up's value; nothing when it is
// gone.
void gs_merge_row(struct gs_merge *merge, const struct gs_place *up, const struct gs_row *row,
                  bool is_member);
// Writes the object at a place, member by member; the base may be NULL.
void gs_merge_members(struct gs_merge *merge, const struct gs_place *at, const struct gs_row *row);
// Records that both sides changed the value at this place and returns the side whose value stands.
enum gs_side gs_merge_conflict(struct gs_merge *merge, const struct gs_place *at,
                               const struct gs_row *row);

#endif
