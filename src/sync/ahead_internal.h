// The document of a push: what is needed of it, made ready before its turn or in it. Shared by ahead.c, ready.c, submit.c and the files push*.c.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_SYNC_AHEAD_INTERNAL_H
#define GS_SYNC_AHEAD_INTERNAL_H

#include "app/summary.h"
#include "sync/sync_internal.h"

// ---- ready.c ----

struct ready_document {
    const char *id; // in the store
    struct gs_summary summary;
    struct gs_git_blob *
        blob; // the document as a file of a commit; NULL where it is none, or is not compressed that way
    struct gs_buf bytes; // when it was opened
    bool opened;
};

// As a file: summary and blob as they were stored, if they were, and the bytes are not looked at. Else it is opened and its summary made. Strings live in
// the arena. Release it. Errors: those of gs_store_get_document.
enum gs_status gs_ready_load(struct gs_sync *sync, struct gs_tx *tx, const char *document_id,
                             bool as_file, struct gs_arena *arena, struct ready_document *out_ready,
                             struct gs_error *err) GS_MUST_CHECK;
// Makes the bytes available, if they are not.
enum gs_status gs_ready_open(struct gs_sync *sync, struct ready_document *ready,
                             struct gs_error *err) GS_MUST_CHECK;
// Another document takes its place; takes the bytes, in every case. what names them in messages.
enum gs_status gs_ready_replace(struct ready_document *ready, const char *document_id,
                                struct gs_buf bytes, const char *what, struct gs_arena *arena,
                                struct gs_error *err) GS_MUST_CHECK;
void gs_ready_release(struct ready_document *ready);

// ---- ahead.c ----

struct ahead {
    struct gs_sync *sync;
    struct ready_document ready;
    size_t bytes; // that it counts for
};

// Before the task is queued: makes its document ready if it is a push and there is room. What goes wrong is left to the worker.
void gs_ahead_prepare(struct gs_sync *sync, struct task *task, const char *git_url);
// What was made ready, if it still is the document, and released then. False: *out_ready is as it was.
bool gs_ahead_take(struct task *task, const char *document_id, struct ready_document *out_ready);
// NULL is fine.
void gs_ahead_free(struct ahead *ahead);

#endif
