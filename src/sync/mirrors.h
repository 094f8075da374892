// The folders of the mirrors: their names, when they were last used, and taking them away. Knows nothing of who works on them.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_SYNC_MIRRORS_H
#define GS_SYNC_MIRRORS_H

#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"

// The name of the folder of a repository's mirror: digits of the URL's hash, then ".git".
enum { GS_MIRROR_NAME = 36 };
void gs_mirrors_name(const char *git_url, char out[GS_MIRROR_NAME + 1]);

struct gs_mirror_entry {
    const char *name;   // of its folder
    const char *folder; // the whole path
    int64_t used_at_ms; // the last time that a call worked on it, Unix time
};
// The mirrors in the folder, those that were not used for longest first. Their number is bounded by the disk alone.
enum gs_status gs_mirrors_list(const char *folder, struct gs_arena *arena,
                               struct gs_mirror_entry **out_entries, size_t *out_count,
                               struct gs_error *err) GS_MUST_CHECK;
// Notes that it is used now.
void gs_mirrors_touch(const char *folder);
// Takes it away in one step, under a name that gs_mirrors_sweep removes. One that is not there is fine.
enum gs_status gs_mirrors_hide(const char *folder, struct gs_error *err) GS_MUST_CHECK;
// Removes what was taken away; what cannot be removed stays until the next time.
void gs_mirrors_sweep(const char *folder);

#endif
