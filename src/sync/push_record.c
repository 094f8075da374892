// What a push that has arrived means for the store: the version takes over what git holds now, the link and the operation follow.
// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "sync/push_internal.h"

void gs_push_item_reset(struct push_item *item)
{
    for (size_t i = 0; i < item->module_count; i++)
        gs_push_item_reset(&item->modules[i]);
    for (size_t i = 0; i < item->rename_count; i++)
        gs_push_item_reset(&item->renames[i]);
    if (item->takeover.wanted)
        gs_document_blob_release(&item->takeover.blob);
    gs_conversion_release(item->changed);
    gs_json_free_mut(item->answer);
    *item = (struct push_item){.task = item->task};
}

// A version that was edited here meanwhile keeps that; then git is ahead, and the next pull merges.
static enum gs_status take_over(struct push_item *item, struct gs_version *version,
                                struct gs_tx *tx, struct gs_error *err)
{
    const struct takeover *takeover = &item->takeover;
    if (!takeover->wanted)
        return GS_OK;
    enum gs_status status = gs_store_put_document(tx, &takeover->blob, err);
    if (strcmp(version->document_id, takeover->replaced_id) != 0)
        return status;
    version->document_id = item->document_id;
    version->updated_at = gs_clock_now_ms();
    if (takeover->has_draft)
        version->draft = takeover->draft;
    return status;
}

static enum gs_status add_version(struct push_item *item, struct gs_tx *tx, struct gs_error *err)
{
    struct gs_arena *arena = item->task->arena;
    const struct gs_version *wanted = item->takeover.added;
    struct gs_app app;
    struct gs_version version;
    enum gs_status status = gs_store_get_app(tx, item->app_id, arena, &app, err);
    if (status == GS_OK)
        status = gs_store_put_document(tx, &item->takeover.blob, err);
    struct gs_new_version added = {.app = &app,
                                   .wanted_id = wanted->id,
                                   .name = wanted->name,
                                   .draft = item->takeover.draft,
                                   .document_id = item->document_id,
                                   .synced = true,
                                   .created_at = gs_clock_now_ms()};
    if (status == GS_OK)
        status = gs_workspace_add_version(tx, &added, arena, &version, err);
    // Somebody made a version of that name meanwhile: it stays, and the next pull brings the two together.
    if (status != GS_CONFLICT)
        return status;
    gs_error_release(err);
    return GS_OK;
}

static enum gs_status record_version(struct push_item *item, struct gs_tx *tx, struct gs_error *err)
{
    struct gs_version version;
    struct task *task = item->task;
    if (item->takeover.added)
        return add_version(item, tx, err);
    enum gs_status status =
        gs_store_get_version(tx, item->app_id, item->version_id, task->arena, &version, err);
    if (status == GS_OK)
        status = take_over(item, &version, tx, err);
    version.synced_document_id = item->document_id;
    return status == GS_OK ? gs_store_update_version(tx, &version, task->op.id, err) : status;
}

enum gs_status gs_push_reload_takeover(struct push_batch *batch, struct push_item *item,
                                       const char *replaced_id, struct gs_error *err)
{
    struct remote_app remote;
    enum gs_status status =
        gs_session_read_app(batch->session, &item->commit, item->git_app_id, NULL, &remote, err);
    if (status != GS_OK)
        return status;
    if (remote.entry && strcmp(remote.document_id, item->document_id) == 0) {
        status = gs_document_pack(gs_buf_slice(&remote.document), &item->takeover.blob, err);
        item->takeover.wanted = status == GS_OK;
        item->takeover.replaced_id = replaced_id;
    }
    gs_buf_release(&remote.document);
    return status;
}

static enum gs_status record_app(struct push_batch *batch, struct push_item *item, struct gs_tx *tx,
                                 struct gs_error *err)
{
    const struct gs_git_config *config = &batch->session->config;
    if (item->task->request.kind == GS_SYNC_CONVERT)
        return gs_conversion_record(batch, item, tx, err);
    enum gs_status status = record_version(item, tx, err);
    struct gs_git_link link = {.app_id = item->app_id,
                               .organization_id = config->organization_id,
                               .git_app_id = item->git_app_id,
                               .git_url = config->git_url,
                               .branch = config->branch,
                               .commit = item->task->op.commit,
                               .synced_at = gs_clock_now_ms(),
                               .name = item->name};
    if (status == GS_OK)
        status = gs_store_put_link(tx, &link, err);
    if (status == GS_OK)
        status = gs_push_record_name(item, tx, err);
    if (status != GS_NOT_FOUND)
        return status;
    // The app was deleted here meanwhile: what was pushed stays in git, there is nothing left to link.
    gs_error_release(err);
    return GS_OK;
}

// What git holds of an app that made way may be what nobody here has seen; then its name is all that is in step.
static enum gs_status record_rename(struct push_batch *batch, struct push_item *rename,
                                    struct gs_tx *tx, struct gs_error *err)
{
    struct gs_git_link link;
    if (rename->version_id)
        return record_app(batch, rename, tx, err);
    enum gs_status status = gs_store_get_link(tx, rename->app_id, rename->task->arena, &link, err);
    if (status == GS_OK) {
        link.name = rename->name;
        status = gs_store_put_link(tx, &link, err);
    }
    if (status != GS_NOT_FOUND)
        return status;
    gs_error_release(err);
    return GS_OK;
}

enum gs_status gs_push_record(struct push_batch *batch, struct push_item *item, struct gs_tx *tx,
                              struct gs_error *err)
{
    enum gs_status status = record_app(batch, item, tx, err);
    for (size_t i = 0; status == GS_OK && i < item->module_count; i++)
        status = record_app(batch, &item->modules[i], tx, err);
    for (size_t i = 0; status == GS_OK && i < item->rename_count; i++)
        status = record_rename(batch, &item->renames[i], tx, err);
    return status == GS_OK ? gs_operation_end(tx, item->task, err) : status;
}
