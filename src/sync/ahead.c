// What a push needs that does not depend on the branch: its document, made ready on the caller's thread while other pushes are at work on the
// repository, so that its worker is left with what must be done one after the other.
// SPDX-License-Identifier: Apache-2.0
#include <stdatomic.h>

#include "sync/ahead_internal.h"

// What all waiting pushes together may hold; beyond it the worker does the work itself.
enum { BYTES_MAX = 64 << 20 };

static bool reserve(struct ahead *ahead)
{
    const struct gs_git_blob *blob = ahead->ready.blob;
    ahead->bytes = ahead->ready.bytes.len + (blob ? gs_git_blob_weight(blob) : 0);
    size_t held = atomic_fetch_add(&ahead->sync->ahead_bytes, ahead->bytes);
    return held + ahead->bytes <= BYTES_MAX;
}

void gs_ahead_free(struct ahead *ahead)
{
    if (!ahead)
        return;
    atomic_fetch_sub(&ahead->sync->ahead_bytes, ahead->bytes);
    gs_ready_release(&ahead->ready);
    free(ahead);
}

static enum gs_status prepare(struct gs_sync *sync, const struct task *task, const char *git_url,
                              struct ahead *ahead, struct gs_error *err)
{
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    struct gs_version version;
    enum gs_status status = gs_tx_read(sync->options.store, &tx, err);
    if (status == GS_OK)
        status = gs_store_get_version(tx, task->request.app_id, task->request.version_id,
                                      task->arena, &version, err);
    if (status == GS_OK)
        status = gs_ready_load(sync, tx, version.document_id,
                               gs_repository_has_single_files(sync, git_url), task->arena,
                               &ahead->ready, err);
    if (status == GS_OK && !reserve(ahead))
        status = GS_LIMIT;
    return status;
}

void gs_ahead_prepare(struct gs_sync *sync, struct task *task, const char *git_url)
{
    if (task->request.kind != GS_SYNC_PUSH)
        return;
    GS_CLEANUP(gs_error_release) struct gs_error ignored = GS_ERROR_INIT;
    struct ahead *ahead = gs_xcalloc(1, sizeof *ahead);
    ahead->sync = sync;
    // The worker meets the same failure and tells it.
    if (prepare(sync, task, git_url, ahead, &ignored) == GS_OK)
        task->ahead = ahead;
    else
        gs_ahead_free(ahead);
}

bool gs_ahead_take(struct task *task, const char *document_id, struct ready_document *out_ready)
{
    struct ahead *ahead = task->ahead;
    if (!ahead || strcmp(ahead->ready.id, document_id) != 0)
        return false;
    *out_ready = ahead->ready;
    ahead->ready = (struct ready_document){.id = NULL};
    gs_ahead_free(ahead);
    task->ahead = NULL;
    return true;
}
