// One call for all apps of an organization: a group of tasks that travel together, each with an operation of its own.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_SYNC_GROUP_INTERNAL_H
#define GS_SYNC_GROUP_INTERNAL_H

#include "sync/sync_internal.h"

struct group {
    struct gs_sync_request request; // in the arena
    bool one_commit;                // of all pushes
    bool all_or_none;               // when one fails, the others are not attempted
    bool checked;                   // all of an all_or_none group were tried out
    struct gs_arena *arena;
    struct group_part *parts;
    size_t count;
    pthread_mutex_t lock;
    size_t pending; // guarded by lock
    gs_sync_done *done;
    void *arg;
};

// Answers the call with done once all parts have ended; at once when there are none. Not GS_OK: done is never called.
enum gs_status gs_group_start(struct gs_sync *sync, const struct gs_sync_request *request,
                              gs_sync_done *done, void *arg, struct gs_error *err) GS_MUST_CHECK;
// Whether the two belong to one call.
bool gs_group_has_both(const struct task *a, const struct task *b);
// After task has failed: ends all of its group in the list that have not ended, if that is how the call wants it.
void gs_group_skip_others(struct gs_sync *sync, const struct task *failed, struct task *tasks);

#endif
