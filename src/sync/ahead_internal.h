// The document of a push, made ready before its turn. Shared by ahead.c, submit.c and push_item.c.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_SYNC_AHEAD_INTERNAL_H
#define GS_SYNC_AHEAD_INTERNAL_H

#include "app/scan.h"
#include "sync/sync_internal.h"

struct ahead {
    struct gs_sync *sync;
    const char *document_id; // in the task's arena
    struct gs_buf document;
    struct gs_document parsed;
    struct gs_scan scan;      // in the task's arena
    struct gs_git_blob *blob; // NULL where the document is no file by itself
    size_t bytes;             // that it counts for
};

// Before the task is queued: makes its document ready if it is a push and there is room. What goes wrong is left to the worker.
void gs_ahead_prepare(struct gs_sync *sync, struct task *task, const char *git_url);
// What was made ready, if it still is the document; the caller's to free. Else NULL.
struct ahead *gs_ahead_take(struct task *task, const char *document_id);
// NULL is fine.
void gs_ahead_free(struct ahead *ahead);

#endif
