// Calls that only look, shared by look.c and the files that write their answers.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_SYNC_LOOK_INTERNAL_H
#define GS_SYNC_LOOK_INTERNAL_H

#include "sync/sync_internal.h"

// Asks the host where the branch is, then answers. Runs in a batch.
enum gs_status gs_look_run(struct session *session, struct task *task,
                           struct gs_error *err) GS_MUST_CHECK;

// The answers, from the store and the mirror at head. head is NULL when the organization has no git configuration.
enum gs_status gs_status_write(struct session *session, const struct gs_oid *head,
                               struct task *task, struct gs_error *err) GS_MUST_CHECK;
enum gs_status gs_history_write(struct session *session, const struct gs_oid *head,
                                struct task *task, struct gs_error *err) GS_MUST_CHECK;

#endif
