// What the store says of the version to push: its rows, and its document, which may have been made ready while the push waited.
// SPDX-License-Identifier: Apache-2.0
#include "sync/push_internal.h"

void gs_push_release_version(struct local_version *local)
{
    gs_ready_release(&local->ready);
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

enum gs_status gs_push_load_version(struct push_batch *batch, struct task *task,
                                    struct local_version *out_local, struct gs_error *err)
{
    struct gs_sync *sync = batch->session->sync;
    struct local_version local = {.ready = {.id = NULL}};
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    enum gs_status status = gs_tx_read(sync->options.store, &tx, err);
    if (status == GS_OK)
        status = load_rows(task, tx, &local, err);
    // What was made ready while the push waited, or now.
    if (status == GS_OK && !gs_ahead_take(task, local.version.document_id, &local.ready))
        status = gs_ready_load(sync, tx, local.version.document_id,
                               batch->session->repo->single_files, task->arena, &local.ready, err);
    if (status == GS_OK)
        *out_local = local;
    return status;
}
