// What a push needs that does not depend on the branch: its document read, parsed and looked through, and in the form in which it travels. Done on the caller's thread while other
// pushes are at work on the repository, so that its worker is left with what must be done one after the other.
// SPDX-License-Identifier: Apache-2.0
#include <stdatomic.h>

#include "sync/ahead_internal.h"

// What all waiting pushes together may hold; beyond it the worker does the work itself. A parsed document takes about three times its bytes.
enum { BYTES_MAX = 64 << 20, BYTES_PER_BYTE = 4 };

static bool reserve(struct ahead *ahead)
{
    ahead->bytes = BYTES_PER_BYTE * ahead->document.len;
    size_t held = atomic_fetch_add(&ahead->sync->ahead_bytes, ahead->bytes);
    return held + ahead->bytes <= BYTES_MAX;
}

void gs_ahead_free(struct ahead *ahead)
{
    if (!ahead)
        return;
    atomic_fetch_sub(&ahead->sync->ahead_bytes, ahead->bytes);
    gs_document_release(&ahead->parsed);
    gs_buf_release(&ahead->document);
    gs_git_blob_free(ahead->blob);
    free(ahead);
}

static enum gs_status read_document(struct gs_sync *sync, const struct task *task,
                                    struct ahead *ahead, struct gs_buf *stream,
                                    struct gs_error *err)
{
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    struct gs_version version;
    enum gs_status status = gs_tx_read(sync->options.store, &tx, err);
    if (status == GS_OK)
        status = gs_store_get_version(tx, task->request.app_id, task->request.version_id,
                                      task->arena, &version, err);
    if (status != GS_OK)
        return status;
    ahead->document_id = version.document_id;
    return gs_store_get_document_packed(tx, version.document_id, &ahead->document, stream, err);
}

// What git will hold of a document that is a file by itself. What the store does not have as a stream is compressed by the worker.
static enum gs_status make_blob(struct ahead *ahead, const struct gs_buf *stream,
                                struct gs_error *err)
{
    if (stream->len == 0)
        return GS_OK;
    return gs_git_blob_make(gs_buf_slice(&ahead->document), gs_buf_slice(stream), &ahead->blob,
                            err);
}

static enum gs_status prepare(struct gs_sync *sync, const struct task *task, const char *git_url,
                              struct ahead *ahead, struct gs_error *err)
{
    bool single_file = gs_repository_has_single_files(sync, git_url);
    GS_CLEANUP(gs_buf_release) struct gs_buf stream = {.max = sync->options.document_limit};
    gs_buf_init(&ahead->document, sync->options.document_limit);
    enum gs_status status = read_document(sync, task, ahead, single_file ? &stream : NULL, err);
    if (status != GS_OK)
        return status;
    if (!reserve(ahead))
        return GS_LIMIT;
    status = make_blob(ahead, &stream, err);
    if (status == GS_OK)
        status = gs_document_parse_stored(gs_buf_slice(&ahead->document), "the version's document",
                                          &ahead->parsed, err);
    if (status == GS_OK)
        gs_document_scan(&ahead->parsed, task->arena, &ahead->scan);
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

struct ahead *gs_ahead_take(struct task *task, const char *document_id)
{
    struct ahead *ahead = task->ahead;
    if (!ahead || strcmp(ahead->document_id, document_id) != 0)
        return NULL;
    task->ahead = NULL;
    return ahead;
}
