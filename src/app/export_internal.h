// Which versions of an export an element of appV2's lists belongs to. Nobody outside of this folder
// includes it.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_APP_EXPORT_INTERNAL_H
#define GS_APP_EXPORT_INTERNAL_H

#include "app/app_internal.h"

// The part an element goes into, counted from 1 in the order of appVersions, or all of them.
enum { GS_OWNER_ALL = 0 };

struct gs_owned_list {
    struct gs_slice name;
    yyjson_val *value;   // NULL: this member of appV2 is no list
    unsigned *owners;    // one per element
    struct gs_map by_id; // of lists whose elements others name: id to place in owners
};
struct gs_owners {
    struct gs_owned_list *lists; // one per member of appV2, in its order
    size_t count;
    const struct gs_owned_list *versions;
    unsigned home; // the part of what belongs to no version we have
};

// appVersions has to be a list of objects with distinct ids. Lives in arena but for the indexes:
// release with gs_owners_release.
void gs_owners_init(struct gs_owners *owners, yyjson_val *app, struct gs_arena *arena);
void gs_owners_release(struct gs_owners *owners);
// The part of a version, 0 when there is no such version.
unsigned gs_owners_find_part(const struct gs_owners *owners, struct gs_slice version_id);

#endif
