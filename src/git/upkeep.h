// The folders of mirrors as files: what they weigh, what a killed process left in them, and packing
// what has gathered. None of it needs the mirror to be open, or to be left alone by its owner,
// unless it says so.
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

// Removes what a process that was killed left behind: temporary files, locks, packs without an
// index. For the mirror's owner, before it is opened, and while nobody moves a pack into it.
void gs_mirror_tidy(const char *folder);

// Whether so much has gathered that packing is worth its time: an estimate from one look.
bool gs_mirror_wants_packing(const char *folder);

// How a mirror is packed. The calls come on the packing thread.
struct gs_packing {
    const char *scratch; // a folder beside the mirrors that nobody else uses; removed at the end
    bool (*goes_on)(void *arg); // asked now and then; false ends the packing
    // Around the moments in which files of the mirror are moved and removed. Nobody may remove or
    // tidy the folder between them. False of the first ends the packing.
    bool (*enter)(void *arg);
    void (*leave)(void *arg);
    void *arg;
};
// Puts loose objects, at most some thousands and about a gigabyte, into one pack; when there are
// many packs, puts the small ones together. What is compressed is copied as it is. Each object is
// in the mirror at every moment, however this ends, and those who have the mirror open find it.
// *out_done: nothing is left to be packed. Memory: one object and its file, or one small pack (64
// MB). Errors: internal for a damaged mirror, store_failed for a full disk, no_memory.
enum gs_status gs_mirror_pack(const char *folder, const struct gs_packing *packing, bool *out_done,
                              struct gs_error *err) GS_MUST_CHECK;

#endif
