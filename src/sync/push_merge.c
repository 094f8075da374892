// What a push does about a change in git that nobody here has pulled: brings both sides together, or tells why it cannot go on and
// what would help.
// SPDX-License-Identifier: Apache-2.0
#include "sync/push_internal.h"

// A version that got another name when it was saved is still what git has.
enum gs_status gs_push_find_base(struct gs_sync *sync, const struct local_version *local,
                                 const struct remote_app *remote, struct gs_arena *arena,
                                 const char **out_document_id, struct gs_error *err)
{
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    struct gs_app_view view;
    enum gs_status status = gs_tx_read(sync->options.store, &tx, err);
    if (status == GS_OK)
        status = gs_workspace_get_app(tx, local->app.id, arena, &view, err);
    if (status != GS_OK)
        return status;
    const struct gs_version *found = NULL;
    for (size_t i = 0; !found && i < view.version_count; i++)
        if (strcmp(view.versions[i].name, remote->entry->version_name) == 0)
            found = &view.versions[i];
    if (!found)
        found = gs_find_synced_version(&view, remote->document_id);
    *out_document_id = found ? found->synced_document_id : NULL;
    return GS_OK;
}

bool gs_push_can_merge(const char *base_id, const struct remote_app *remote,
                       const struct local_version *local)
{
    return base_id && strcmp(remote->entry->version_name, local->version.name) == 0;
}

enum gs_status gs_push_merge_documents(struct session *session, const char *base_id,
                                       struct remote_app *remote, struct local_version *local,
                                       struct gs_buf *out_merged, struct gs_error *err)
{
    struct gs_sync *sync = session->sync;
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    GS_CLEANUP(gs_buf_release) struct gs_buf base = {.max = sync->options.document_limit};
    enum gs_status status = gs_ready_open(sync, &local->ready, err);
    if (status == GS_OK)
        status = gs_remote_load(session, remote, err);
    if (status == GS_OK)
        status = gs_tx_read(sync->options.store, &tx, err);
    if (status == GS_OK)
        status = gs_store_get_document(tx, base_id, &base, err);
    if (status != GS_OK)
        return status;
    struct merge_input input = {
        .base = gs_buf_slice(&base),
        .ours = gs_buf_slice(&local->ready.bytes),
        .theirs = gs_buf_slice(&remote->document),
        .policy = GS_CONFLICT_FAIL,
        .advice = "pull it, which takes onConflict=theirs or onConflict=ours, or push with "
                  "\"onConflict\":\"ours\"",
    };
    return gs_merge_documents(&input, out_merged, err);
}

// ---- Why it cannot go on ---------------------------------------------------------------

// Tries a merge out. OK with err set: it has conflicts, or cannot be made.
static enum gs_status try_merge(struct push_batch *batch, const struct push_item *item,
                                struct remote_app *remote, struct local_version *local,
                                bool *out_can, struct gs_error *err)
{
    struct session *session = batch->session;
    const char *base_id = NULL;
    GS_CLEANUP(gs_buf_release) struct gs_buf merged = {0};
    *out_can = false;
    if (item->task->request.kind == GS_SYNC_ROLLBACK)
        return GS_OK; // which never merges
    enum gs_status status =
        gs_push_find_base(session->sync, local, remote, item->task->arena, &base_id, err);
    if (status != GS_OK || !gs_push_can_merge(base_id, remote, local))
        return status;
    status = gs_push_check_gits_name(batch, item, remote, local, err);
    if (status == GS_OK)
        status = gs_push_merge_documents(session, base_id, remote, local, &merged, err);
    *out_can = status == GS_OK;
    return status == GS_INTERNAL || status == GS_NOMEM ? status : GS_OK;
}

enum gs_status gs_push_fail_behind(struct push_batch *batch, const struct push_item *item,
                                   struct remote_app *remote, struct local_version *local,
                                   struct gs_error *err)
{
    GS_CLEANUP(gs_error_release) struct gs_error cause = GS_ERROR_INIT;
    bool can_merge;
    enum gs_status status = try_merge(batch, item, remote, local, &can_merge, &cause);
    if (status != GS_OK) {
        gs_error_move(err, &cause);
        return status;
    }
    const char *advice = "pull it first, or push with \"onConflict\":\"ours\"";
    if (can_merge)
        advice = "pull it first, or push with \"onConflict\":\"merge\", which finds no conflict";
    else if (gs_code_status(cause.code) == GS_CONFLICT)
        advice = cause.message;
    else if (item->task->request.kind == GS_SYNC_ROLLBACK)
        advice = "pull it first, or say \"onConflict\":\"ours\"";
    status = gs_fail(err, GS_CODE_MERGE_CONFLICT, NULL,
                     "git holds a change of app '%s' (version %s) that this server has not pulled; "
                     "%s",
                     local->app.name, remote->entry->version_name, advice);
    gs_error_take_details(err, cause.details);
    cause.details = NULL;
    return status;
}
