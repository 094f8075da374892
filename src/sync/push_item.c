// Prepares one push: compares the version with what git holds, and decides what travels.
// SPDX-License-Identifier: Apache-2.0
#include "base/random.h"
#include "sync/push_internal.h"
#include "sync/rollback_internal.h"

// The store does not know of an earlier push of the same batch yet.
static bool has_pushed(const struct push_item *made, const char *app_id, const char *document_id)
{
    return strcmp(made->app_id, app_id) == 0 && strcmp(made->document_id, document_id) == 0;
}

// The version is to hold this in the place of what the store has; takes the blob and the bytes. what names them.
static enum gs_status replace_document(struct push_item *item, struct local_version *local,
                                       struct gs_document_blob *blob, struct gs_buf bytes,
                                       const char *what, struct gs_error *err)
{
    if (item->takeover.wanted)
        gs_document_blob_release(&item->takeover.blob);
    else
        item->takeover.replaced_id = local->version.document_id;
    item->takeover.wanted = true;
    item->takeover.blob = *blob;
    item->document_id = gs_arena_strdup(item->task->arena, blob->id);
    local->version.document_id = item->document_id;
    return gs_ready_replace(&local->ready, item->document_id, bytes, what, item->task->arena, err);
}

// Puts the merge of both sides in the place of the local document.
static enum gs_status merge_into(struct push_batch *batch, struct push_item *item,
                                 const char *base_id, struct remote_app *remote,
                                 struct local_version *local, struct gs_error *err)
{
    struct gs_buf merged;
    struct gs_document_blob blob;
    enum gs_status status =
        gs_push_merge_documents(batch->session, base_id, remote, local, &merged, err);
    if (status != GS_OK)
        return status;
    status = gs_document_pack(gs_buf_slice(&merged), &blob, err);
    if (status != GS_OK) {
        gs_buf_release(&merged);
        return status;
    }
    return replace_document(item, local, &blob, merged, "the merged document", err);
}

// Nothing that somebody put into git is overwritten unseen: what is there must be what was last synced here.
static enum gs_status settle_divergence(struct push_batch *batch, struct push_item *item,
                                        struct remote_app *remote, struct local_version *local,
                                        struct gs_error *err)
{
    enum gs_divergence wish = item->task->request.divergence;
    if (!remote->entry || wish == GS_DIVERGENCE_OURS ||
        strcmp(remote->document_id, local->version.document_id) == 0 ||
        gs_push_made_before(batch, item, has_pushed, remote->document_id))
        return GS_OK;
    const char *base_id = NULL;
    enum gs_status status =
        gs_push_find_base(batch->session->sync, local, remote, item->task->arena, &base_id, err);
    if (status != GS_OK || (base_id && strcmp(base_id, remote->document_id) == 0))
        return status;
    if (wish != GS_DIVERGENCE_MERGE || !gs_push_can_merge(base_id, remote, local))
        return gs_push_fail_behind(batch, item, remote, local, err);
    gs_task_enter(item->task, PHASE_MERGING);
    return merge_into(batch, item, base_id, remote, local, err);
}

// The version takes over the form in which git will give the document back, so that both stay comparable by their bytes.
enum gs_status gs_push_take_normal_form(struct push_batch *batch, struct push_item *item,
                                        const struct remote_app *remote,
                                        struct local_version *local, struct gs_error *err)
{
    if (gs_push_layout(batch, remote) != GS_LAYOUT_PER_ENTITY)
        return GS_OK; // a single file is its document to the letter
    enum gs_status status = gs_ready_open(batch->session->sync, &local->ready, err);
    if (status != GS_OK)
        return status;
    struct gs_layout_push push = {.git_app_id = item->git_app_id,
                                  .app_name = local->app.name,
                                  .document = gs_buf_slice(&local->ready.bytes)};
    struct gs_buf normal = {.max = batch->session->sync->options.document_limit};
    struct gs_document_blob blob;
    status = gs_layout_normalize(GS_LAYOUT_PER_ENTITY, &push, &normal, err);
    bool same = status == GS_OK && gs_slice_eq(gs_buf_slice(&normal), push.document);
    if (status == GS_OK && !same)
        status = gs_document_pack(gs_buf_slice(&normal), &blob, err);
    if (status != GS_OK || same) {
        gs_buf_release(&normal);
        return status;
    }
    return replace_document(item, local, &blob, normal, "the version's document", err);
}

static enum gs_status prepare(struct push_batch *batch, struct push_item *item,
                              struct local_version *local, const struct restored *restored,
                              struct gs_oid *tip, struct gs_error *err)
{
    item->app_id = local->app.id;
    item->version_id = local->version.id;
    item->document_id = local->version.document_id;
    item->git_app_id = local->link.app_id ? local->link.git_app_id : local->app.id;
    struct remote_app remote;
    const struct gs_oid base = *tip;
    enum gs_status status =
        gs_session_find_app_to_push(batch->session, tip, item->git_app_id, &remote, err);
    if (status != GS_OK)
        return status;
    status = gs_push_settle_name(batch, item, &remote, local, err);
    if (status == GS_OK)
        status = gs_push_take_normal_form(batch, item, &remote, local, err);
    if (status == GS_OK)
        status = settle_divergence(batch, item, &remote, local, err);
    if (status == GS_OK)
        status = gs_push_take_normal_form(batch, item, &remote, local, err); // of a merge
    gs_task_enter(item->task, PHASE_COMMITTING);
    // What git has already does not travel.
    if (status == GS_OK && strcmp(remote.document_id, local->version.document_id) != 0)
        status = gs_check_secrets(batch->session, item->task, &local->app,
                                  &local->ready.summary.scan, err);
    if (status == GS_OK)
        status = gs_push_commit_item(batch, item, &remote, local, tip, err);
    if (status == GS_OK)
        status = gs_push_begin_answer(batch, item, &remote, &base, local, restored, err);
    gs_buf_release(&remote.document);
    return status;
}

static enum gs_status find_link(struct gs_sync *sync, struct task *task,
                                struct local_version *local, struct gs_error *err)
{
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    enum gs_status status = gs_tx_read(sync->options.store, &tx, err);
    return status == GS_OK ? gs_push_load_link(tx, task, local, err) : status;
}

static const char *default_message(struct task *task, const struct restored *restored)
{
    const struct gs_sync_request *request = &task->request;
    return gs_arena_printf(task->arena, "Roll %s %s back to %s %.*s", restored->app.name,
                           restored->version.name, request->commit ? "commit" : "before operation",
                           request->commit ? 12 : GS_UUID_TEXT,
                           request->commit ? request->commit : request->from_operation_id);
}

// The push of a rollback carries the document that comes back, which the version takes over when it has arrived.
static enum gs_status prepare_rollback(struct push_batch *batch, struct push_item *item,
                                       struct restored *restored, struct gs_oid *tip,
                                       struct gs_error *err)
{
    struct task *task = item->task;
    struct local_version local = {
        .app = restored->app,
        .version = restored->version,
        .ready = {.id = restored->document_id, .bytes = restored->document, .opened = true}};
    gs_document_summarize(&restored->parsed, task->arena, &local.ready.summary);
    // What git gives back may be another form of it, which takes its place.
    restored->document = (struct gs_buf){.data = NULL};
    // The item outlives what was loaded.
    local.version.document_id = gs_arena_strdup(task->arena, restored->document_id);
    task->op.version_id = restored->version.id;
    if (task->request.message.len == 0)
        task->request.message = gs_slice_str(default_message(task, restored));
    enum gs_status status = find_link(batch->session->sync, task, &local, err);
    if (status == GS_OK && !gs_restored_is_here(restored)) {
        status = gs_document_pack(gs_buf_slice(&local.ready.bytes), &item->takeover.blob, err);
        item->takeover.wanted = status == GS_OK;
        item->takeover.replaced_id = restored->version.document_id;
        item->takeover.has_draft = true;
        item->takeover.draft = restored->draft;
    }
    if (status == GS_OK && restored->is_new) {
        struct gs_version *added = gs_arena_alloc(task->arena, sizeof *added);
        *added = restored->version;
        item->takeover.added = added;
    }
    if (status == GS_OK)
        status = prepare(batch, item, &local, restored, tip, err);
    gs_push_release_version(&local);
    return status;
}

static enum gs_status prepare_version(struct push_batch *batch, struct push_item *item,
                                      struct gs_oid *tip, struct gs_error *err)
{
    struct local_version local;
    enum gs_status status = gs_push_load_version(batch, item->task, &local, err);
    if (status != GS_OK)
        return status;
    status = prepare(batch, item, &local, NULL, tip, err);
    gs_push_release_version(&local);
    return status;
}

enum gs_status gs_push_prepare(struct push_batch *batch, struct push_item *item, struct gs_oid *tip,
                               struct gs_error *err)
{
    enum gs_status status;
    gs_push_item_reset(item);
    if (item->task->request.kind == GS_SYNC_ROLLBACK) {
        struct restored restored;
        status = gs_restored_load(batch->session, item->task, &restored, err);
        if (status != GS_OK)
            return status;
        status = prepare_rollback(batch, item, &restored, tip, err);
        gs_restored_release(&restored);
    } else if (item->task->request.kind == GS_SYNC_CONVERT) {
        status = gs_conversion_prepare(batch, item, tip, err);
    } else {
        status = prepare_version(batch, item, tip, err);
    }
    item->prepared = status == GS_OK;
    return status;
}
