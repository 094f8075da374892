// The folders of mirrors as files: what they weigh, what a killed process left in them, and packing what has gathered.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_GIT_UPKEEP_H
#define GS_GIT_UPKEEP_H

#include "git/git.h"

struct gs_mirror_size {
    size_t loose; // objects in files of their own
    size_t packs;
    uint64_t bytes; // on disk
};
// Walks the folder. A folder that is not there, or is going away meanwhile, weighs nothing.
void gs_mirror_measure(const char *folder, struct gs_mirror_size *out_size);

// Removes what a process that was killed left behind: temporary files, locks, packs without an index. Only for the one
// who owns the mirror, before it is opened.
void gs_mirror_tidy(const char *folder);

// Whether so much has gathered that packing is worth its time.
bool gs_mirror_wants_packing(const struct gs_mirror_size *size);
// Puts all loose objects into one pack, together with the small packs when there are many, and removes what it replaces. Takes
// about a second for 5,000 objects. The mirror must be closed afterwards. Errors: internal for a damaged mirror, store_failed.
enum gs_status gs_mirror_pack(struct gs_mirror *mirror, struct gs_error *err) GS_MUST_CHECK;

#endif
