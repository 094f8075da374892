// One push inside a batch, shared by push.c and push_item.c.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_SYNC_PUSH_INTERNAL_H
#define GS_SYNC_PUSH_INTERNAL_H

#include "sync/sync_internal.h"

// What one push did to the branch in the round at hand; started anew in every round. Strings live in the task's arena.
struct push_item {
    struct task *task;
    const char *git_app_id;
    const char *app_id, *version_id;
    struct gs_oid commit;           // none: the branch holds exactly this already
    const char *document_id;        // what the branch holds of the app afterwards
    struct gs_document_blob merged; // of a merge: the document that the store must take over
    bool is_merged;
    const char *base_document_id; // of a merge: what the version held before
    bool prepared;
};

struct push_batch {
    struct session *session;
    struct push_item *items;
    size_t count;
    bool one_by_one; // the host refused the whole batch; each push is tried alone
};

// Builds the item's commit on top of *tip and moves *tip to it. Not GS_OK: *tip is as it was and err says why.
enum gs_status gs_push_prepare(struct push_batch *batch, struct push_item *item, struct gs_oid *tip,
                               struct gs_error *err) GS_MUST_CHECK;
void gs_push_item_reset(struct push_item *item);
// Records in the store what the finished push means: the link, what is synced, the operation's end.
enum gs_status gs_push_record(struct push_batch *batch, struct push_item *item, struct gs_tx *tx,
                              struct gs_error *err) GS_MUST_CHECK;

#endif
