// What the store says of the version to push: its rows, and its document, which may have been made ready while the push waited.
// SPDX-License-Identifier: Apache-2.0
#include "sync/ahead_internal.h"
#include "sync/push_internal.h"

void gs_push_release_version(struct local_version *local)
{
    gs_document_release(&local->parsed);
    gs_buf_release(&local->document);
    gs_git_blob_free(local->blob);
}

enum gs_status gs_push_load_link(struct gs_tx *tx, struct task *task, struct local_version *local,
                                 struct gs_error *err)
{
    enum gs_status status = gs_store_get_link(tx, local->app.id, task->arena, &local->link, err);
    if (status != GS_NOT_FOUND)
        return status;
    gs_error_release(err);
    local->link.app_id = NULL;
    return GS_OK;
}

static enum gs_status load_rows(struct task *task, struct gs_tx *tx, struct local_version *local,
                                struct gs_error *err)
{
    enum gs_status status =
        gs_store_get_app(tx, task->request.app_id, task->arena, &local->app, err);
    if (status == GS_NOT_FOUND)
        return gs_fail(err, GS_CODE_APP_NOT_FOUND, NULL, "App not found");
    if (status == GS_OK)
        status = gs_store_get_version(tx, local->app.id, task->request.version_id, task->arena,
                                      &local->version, err);
    if (status == GS_NOT_FOUND)
        return gs_fail(err, GS_CODE_WRONG_VERSION_ID, NULL, "Wrong version Id");
    return status == GS_OK ? gs_push_load_link(tx, task, local, err) : status;
}

// What was made ready while the push waited, or now.
static enum gs_status load_document(struct task *task, struct gs_tx *tx,
                                    struct local_version *local, struct gs_error *err)
{
    struct ahead *ahead = gs_ahead_take(task, local->version.document_id);
    if (ahead) {
        local->document = ahead->document;
        local->parsed = ahead->parsed;
        local->scan = ahead->scan;
        local->scanned_id = ahead->document_id;
        local->blob = ahead->blob;
        ahead->document = (struct gs_buf){.data = NULL};
        ahead->parsed = (struct gs_document){.json = NULL};
        ahead->blob = NULL;
        gs_ahead_free(ahead);
        return GS_OK;
    }
    enum gs_status status =
        gs_store_get_document(tx, local->version.document_id, &local->document, err);
    return status == GS_OK ? gs_document_parse_stored(gs_buf_slice(&local->document),
                                                      "the version's document", &local->parsed, err)
                           : status;
}

enum gs_status gs_push_load_version(struct push_batch *batch, struct task *task,
                                    struct local_version *out_local, struct gs_error *err)
{
    struct gs_sync *sync = batch->session->sync;
    struct local_version local = {.parsed = {0}};
    gs_buf_init(&local.document, sync->options.document_limit);
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    enum gs_status status = gs_tx_read(sync->options.store, &tx, err);
    if (status == GS_OK)
        status = load_rows(task, tx, &local, err);
    if (status == GS_OK)
        status = load_document(task, tx, &local, err);
    if (status == GS_OK)
        *out_local = local;
    else
        gs_push_release_version(&local);
    return status;
}
