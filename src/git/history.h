// What a mirror knows of the past without asking the host: where a ref was last seen, and which
// commits changed a path.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_GIT_HISTORY_H
#define GS_GIT_HISTORY_H

#include "git/git.h"

// Whether a mirror has been made in the folder. A second mirror may be opened on it for reading
// while its owner works.
bool gs_mirror_is_made(const char *folder);

// What the host's ref ("refs/heads/main") was when it was last fetched or pushed. not_found when
// the mirror does not know it.
enum gs_status gs_mirror_find_ref(struct gs_mirror *mirror, const char *ref, struct gs_oid *out_oid,
                                  struct gs_error *err) GS_MUST_CHECK;

// A commit that changed what is at a path.
struct gs_path_change {
    struct gs_oid commit; // none: there was no further one within the budget
    struct gs_oid parent; // where the path's history goes on; none when it begins here
    bool appeared;        // nothing was at the path in parent
};
// The next commit, from *at (itself included) into the past, that changed what is at the path. A
// merge that took a parent's side is passed by on that side, as git log does. Looks at no more than
// *budget commits and takes them off. *at is where to go on: the change's parent, or the first
// commit that was not looked at; none when the past has ended.
enum gs_status gs_mirror_next_change(struct gs_mirror *mirror, const char *path, struct gs_oid *at,
                                     size_t *budget, struct gs_path_change *out_change,
                                     struct gs_error *err) GS_MUST_CHECK;

// The commit that changed what is at each of the paths last, seen from head: one walk for all of
// them, which looks at no more than budget commits. None where the walk ended before, and for what
// is not there. Cost grows with the commits and the folders on the paths that they changed.
enum gs_status gs_mirror_last_changes(struct gs_mirror *mirror, const struct gs_oid *head,
                                      const char *const *paths, size_t count, size_t budget,
                                      struct gs_oid *out_commits,
                                      struct gs_error *err) GS_MUST_CHECK;

#endif
