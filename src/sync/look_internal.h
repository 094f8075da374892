// Calls that only look, shared by look.c and the files that write their answers.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_SYNC_LOOK_INTERNAL_H
#define GS_SYNC_LOOK_INTERNAL_H

#include "sync/sync_internal.h"

// Whether the call is about a branch, tag or commit as a whole, and no app here.
bool gs_look_has_ref(const struct gs_sync_request *request);
// Whether the call can do without the host.
bool gs_is_look(const struct gs_sync_request *request);
// Answers the call with done, at once or from the queue.
void gs_look_start(struct gs_sync *sync, const struct gs_sync_request *request, gs_sync_done *done,
                   void *arg);
// Asks the host where the branch is, then answers. Runs in a batch.
enum gs_status gs_look_run(struct session *session, struct task *task,
                           struct gs_error *err) GS_MUST_CHECK;

// The answers, from the store and the mirror at head. head is NULL when the organization has no git configuration.
enum gs_status gs_status_write(struct session *session, const struct gs_oid *head,
                               struct task *task, struct gs_error *err) GS_MUST_CHECK;
enum gs_status gs_history_write(struct session *session, const struct gs_oid *head,
                                struct task *task, struct gs_error *err) GS_MUST_CHECK;

// The apps at a commit, which is none in an empty repository.
enum gs_status gs_listing_write(struct session *session, const struct gs_oid *commit,
                                struct task *task, struct gs_error *err) GS_MUST_CHECK;
enum gs_status gs_check_write(struct session *session, const struct gs_oid *commit,
                              struct task *task, struct gs_error *err) GS_MUST_CHECK;
// False when it is no cursor.
bool gs_listing_read_cursor(const char *cursor, struct gs_oid *out_commit, size_t *out_first);

// Makes a release of the past the current one again. Asks git nothing.
enum gs_status gs_rerelease_run(struct session *session, struct task *task,
                                struct gs_error *err) GS_MUST_CHECK;

#endif
