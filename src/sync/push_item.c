// Prepares one push: reads the version, compares with what git holds, builds the commit and the answer.
// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "crypto/crypto.h"
#include "sync/push_internal.h"

// What the store says about the version to push.
struct local_version {
    struct gs_app app;
    struct gs_version version;
    struct gs_git_link link; // app_id is NULL when the app is not linked
    struct gs_buf document;
    struct gs_document parsed;
};

static void release_local(struct local_version *local)
{
    gs_document_release(&local->parsed);
    gs_buf_release(&local->document);
}

static enum gs_status load_rows(struct push_batch *batch, struct task *task, struct gs_tx *tx,
                                struct local_version *local, struct gs_error *err)
{
    (void)batch;
    enum gs_status status =
        gs_store_get_app(tx, task->request.app_id, task->arena, &local->app, err);
    if (status == GS_NOT_FOUND)
        return gs_fail(err, GS_CODE_APP_NOT_FOUND, NULL, "App not found");
    if (status == GS_OK)
        status = gs_store_get_version(tx, local->app.id, task->request.version_id, task->arena,
                                      &local->version, err);
    if (status == GS_NOT_FOUND)
        return gs_fail(err, GS_CODE_WRONG_VERSION_ID, NULL, "Wrong version Id");
    if (status == GS_OK)
        status = gs_store_get_link(tx, local->app.id, task->arena, &local->link, err);
    if (status == GS_NOT_FOUND) {
        gs_error_release(err);
        local->link.app_id = NULL;
        status = GS_OK;
    }
    if (status == GS_OK)
        status = gs_store_get_document(tx, local->version.document_id, &local->document, err);
    return status;
}

static enum gs_status load_local(struct push_batch *batch, struct task *task,
                                 struct local_version *out_local, struct gs_error *err)
{
    struct gs_sync *sync = batch->session->sync;
    struct local_version local = {.parsed = {0}};
    gs_buf_init(&local.document, sync->options.document_limit);
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    enum gs_status status = gs_tx_read(sync->options.store, &tx, err);
    if (status == GS_OK)
        status = load_rows(batch, task, tx, &local, err);
    if (status == GS_OK)
        status = gs_document_parse(gs_buf_slice(&local.document), "the version's document",
                                   &local.parsed, err);
    if (status == GS_OK)
        *out_local = local;
    else
        release_local(&local);
    return status;
}

// Whether an earlier push of this batch put that document there; the store does not know of it yet.
static bool pushed_in_batch(const struct push_batch *batch, const struct push_item *item,
                            const char *document_id)
{
    for (const struct push_item *other = batch->items; other < item; other++)
        if (other->prepared && strcmp(other->app_id, item->app_id) == 0 &&
            strcmp(other->document_id, document_id) == 0)
            return true;
    return false;
}

// The version here that git's version of the app was last synced with, as the base to compare with.
static enum gs_status find_synced(struct gs_sync *sync, const struct local_version *local,
                                  const char *version_name, struct gs_arena *arena,
                                  const char **out_document_id, struct gs_error *err)
{
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    struct gs_version version;
    enum gs_status status = gs_tx_read(sync->options.store, &tx, err);
    if (status == GS_OK)
        status =
            gs_store_find_version_by_name(tx, local->app.id, version_name, arena, &version, err);
    if (status != GS_OK && status != GS_NOT_FOUND)
        return status;
    *out_document_id = status == GS_OK ? version.synced_document_id : NULL;
    if (status == GS_NOT_FOUND)
        gs_error_release(err);
    return GS_OK;
}

static enum gs_status fail_behind(const struct local_version *local,
                                  const struct remote_app *remote, struct gs_error *err)
{
    return gs_fail(err, GS_CODE_MERGE_CONFLICT, NULL,
                   "git holds a change of app '%s' (version %s) that this server has not pulled; "
                   "pull it first, or push with \"onConflict\":\"merge\" or \"ours\"",
                   local->app.name, remote->entry->version_name);
}

// Puts the merge of both sides in the place of the local document.
static enum gs_status merge_into(struct push_batch *batch, struct push_item *item,
                                 const char *base_id, const struct remote_app *remote,
                                 struct local_version *local, struct gs_error *err)
{
    struct gs_sync *sync = batch->session->sync;
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    GS_CLEANUP(gs_buf_release) struct gs_buf base = {.max = sync->options.document_limit};
    struct gs_buf merged = {.max = sync->options.document_limit};
    enum gs_status status = gs_tx_read(sync->options.store, &tx, err);
    if (status == GS_OK)
        status = gs_store_get_document(tx, base_id, &base, err);
    struct merge_input input = {.base = gs_buf_slice(&base),
                                .ours = gs_buf_slice(&local->document),
                                .theirs = gs_buf_slice(&remote->document),
                                .policy = GS_CONFLICT_FAIL};
    if (status == GS_OK)
        status = gs_merge_documents(&input, &merged, err);
    if (status == GS_OK)
        status = gs_document_pack(gs_buf_slice(&merged), &item->merged, err);
    if (status != GS_OK) {
        gs_buf_release(&merged);
        return status;
    }
    item->is_merged = true;
    item->base_document_id = local->version.document_id;
    item->document_id = gs_arena_strdup(item->task->arena, item->merged.id);
    gs_document_release(&local->parsed);
    gs_buf_release(&local->document);
    local->document = merged;
    return gs_document_parse(gs_buf_slice(&merged), "the merged document", &local->parsed, err);
}

// Nothing that somebody put into git is overwritten unseen: what is there must be what was last synced here.
static enum gs_status settle_divergence(struct push_batch *batch, struct push_item *item,
                                        const struct remote_app *remote,
                                        struct local_version *local, struct gs_error *err)
{
    enum gs_divergence wish = item->task->request.divergence;
    if (!remote->entry || wish == GS_DIVERGENCE_OURS ||
        strcmp(remote->document_id, local->version.document_id) == 0 ||
        pushed_in_batch(batch, item, remote->document_id))
        return GS_OK;
    const char *base_id = NULL;
    enum gs_status status = find_synced(batch->session->sync, local, remote->entry->version_name,
                                        item->task->arena, &base_id, err);
    if (status != GS_OK || (base_id && strcmp(base_id, remote->document_id) == 0))
        return status;
    bool same_version = strcmp(remote->entry->version_name, local->version.name) == 0;
    if (wish != GS_DIVERGENCE_MERGE || !base_id || !same_version)
        return fail_behind(local, remote, err);
    return merge_into(batch, item, base_id, remote, local, err);
}

static void add_files(yyjson_mut_doc *doc, yyjson_mut_val *obj,
                      const struct gs_file_change *changes, size_t count)
{
    static const char *const names[] = {
        [GS_FILE_ADDED] = "added", [GS_FILE_MODIFIED] = "modified", [GS_FILE_DELETED] = "deleted"};
    yyjson_mut_val *files = yyjson_mut_obj_add_obj(doc, obj, "files");
    for (size_t kind = 0; kind < GS_COUNT(names); kind++) {
        yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, files, names[kind]);
        for (size_t i = 0; i < count; i++)
            if ((size_t)changes[i].kind == kind)
                yyjson_mut_arr_add_strcpy(doc, list, changes[i].path);
    }
}

// What the plan of a push rests on: the document here, the branch, and with it all that git holds.
static enum gs_status end_plan(struct push_batch *batch, const struct push_item *item,
                               const struct local_version *local, const struct gs_oid *tip,
                               yyjson_mut_doc *doc, yyjson_mut_val *root, struct gs_error *err)
{
    struct plan_facts facts;
    gs_plan_begin(&facts, batch->session, item->task);
    gs_plan_add(&facts, tip->hex);
    gs_plan_add(&facts, local->version.document_id);
    gs_plan_add(&facts, local->app.name);
    gs_plan_add(&facts, item->git_app_id);
    return gs_plan_end(&facts, item->task, doc, root, err);
}

// Of a dry run: what changes for the app in git, entity by entity, and the text if it was asked for.
static enum gs_status describe(struct push_item *item, const struct remote_app *remote,
                               const struct local_version *local, yyjson_mut_doc *doc,
                               yyjson_mut_val *root, struct gs_error *err)
{
    if (!item->task->request.dry_run)
        return GS_OK;
    struct gs_slice before = gs_buf_slice(&remote->document);
    struct gs_slice after = gs_buf_slice(&local->document);
    yyjson_mut_val *changes = NULL;
    enum gs_status status = gs_report_changes(item->task, before, after, doc, &changes, err);
    if (status != GS_OK)
        return status;
    yyjson_mut_obj_add_val(doc, root, "changes", changes);
    const char *path =
        gs_arena_printf(item->task->arena, "%s/%s.json", local->app.name, local->version.name);
    return gs_plan_add_diff(item->task, path, before, after, doc, root, err);
}

static enum gs_status write_answer(struct push_batch *batch, struct push_item *item,
                                   const struct remote_app *remote, const struct gs_oid *tip,
                                   const struct local_version *local,
                                   const struct gs_file_change *changes, size_t count,
                                   struct gs_error *err)
{
    GS_CLEANUP(gs_json_cleanup_mut) yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    bool pushed = !gs_oid_is_none(&item->commit);
    gs_json_add_cstr(doc, root, "status", pushed ? "pushed" : "up_to_date");
    gs_json_add_cstr(doc, root, "appId", local->app.id);
    gs_json_add_cstr(doc, root, "versionId", local->version.id);
    gs_json_add_cstr(doc, root, "versionName", local->version.name);
    gs_json_add_cstr(doc, root, "gitAppId", item->git_app_id);
    gs_json_add_cstr(doc, root, "branch", batch->session->config.branch);
    gs_json_add_cstr(doc, root, "documentId", item->document_id);
    enum gs_status status = end_plan(batch, item, local, tip, doc, root, err);
    if (status == GS_OK && pushed && !item->task->request.dry_run)
        status = gs_report_commit(batch->session, &item->commit, doc, root, err);
    add_files(doc, root, changes, count);
    if (status == GS_OK)
        status = describe(item, remote, local, doc, root, err);
    if (item->task->op.id)
        gs_json_add_cstr(doc, root, "operationId", item->task->op.id);
    return status == GS_OK ? gs_report_finish(item->task, doc, err) : status;
}

static enum gs_status commit_item(struct push_batch *batch, struct push_item *item,
                                  const struct remote_app *remote, struct local_version *local,
                                  struct gs_oid *tip, struct gs_error *err)
{
    enum gs_layout layout = remote->layout;
    if (layout == GS_LAYOUT_NONE)
        (void)gs_layout_from_text(batch->session->config.layout, &layout);
    struct session *session = batch->session;
    struct gs_arena *arena = item->task->arena;
    int64_t now = gs_clock_now_ms();
    struct gs_layout_push push = {
        .git_app_id = item->git_app_id,
        .app_name = local->app.name,
        .version_id = gs_arena_dup_slice(arena, local->parsed.version_id),
        .version_name = gs_arena_dup_slice(arena, local->parsed.version_name),
        .message = gs_arena_dup_slice(arena, item->task->request.message),
        .user = session->config.author_name,
        .when_ms = now,
        .document = gs_buf_slice(&local->document),
    };
    struct gs_edit *edits;
    struct gs_commit_request request = {.parent = *tip,
                                        .author_name = session->config.author_name,
                                        .author_email = session->config.author_email,
                                        .message = item->task->request.message,
                                        .when_ms = now};
    enum gs_status status = gs_layout_plan_push(session->repo->mirror, tip, layout, &push, arena,
                                                &edits, &request.edit_count, err);
    if (status != GS_OK)
        return status;
    struct gs_oid commit = *tip;
    struct gs_file_change *changes = NULL;
    size_t count = 0;
    request.edits = edits;
    if (request.edit_count > 0)
        status = gs_mirror_commit(session->repo->mirror, &request, arena, &commit, &changes, &count,
                                  err);
    if (status != GS_OK)
        return status;
    item->commit = gs_oid_eq(&commit, tip) ? (struct gs_oid){""} : commit;
    status = write_answer(batch, item, remote, tip, local, changes, count, err);
    if (status == GS_OK)
        *tip = commit;
    return status;
}

static enum gs_status prepare(struct push_batch *batch, struct push_item *item,
                              struct local_version *local, struct gs_oid *tip, struct gs_error *err)
{
    item->app_id = local->app.id;
    item->version_id = local->version.id;
    item->document_id = local->version.document_id;
    item->git_app_id = local->link.app_id ? local->link.git_app_id : local->app.id;
    struct remote_app remote;
    enum gs_status status =
        gs_session_read_app(batch->session, tip, item->git_app_id, NULL, &remote, err);
    if (status != GS_OK)
        return status;
    status = settle_divergence(batch, item, &remote, local, err);
    if (status == GS_OK)
        status = commit_item(batch, item, &remote, local, tip, err);
    gs_buf_release(&remote.document);
    return status;
}

enum gs_status gs_push_prepare(struct push_batch *batch, struct push_item *item, struct gs_oid *tip,
                               struct gs_error *err)
{
    gs_push_item_reset(item);
    struct local_version local;
    enum gs_status status = load_local(batch, item->task, &local, err);
    if (status != GS_OK)
        return status;
    status = prepare(batch, item, &local, tip, err);
    release_local(&local);
    item->prepared = status == GS_OK;
    return status;
}

void gs_push_item_reset(struct push_item *item)
{
    if (item->is_merged)
        gs_document_blob_release(&item->merged);
    *item = (struct push_item){.task = item->task};
}

// The version takes over a merged document, unless it was edited here meanwhile; then git is ahead and the next pull merges.
static enum gs_status record_version(struct push_item *item, struct gs_tx *tx, struct gs_error *err)
{
    struct gs_version version;
    struct task *task = item->task;
    enum gs_status status =
        gs_store_get_version(tx, item->app_id, item->version_id, task->arena, &version, err);
    if (status != GS_OK)
        return status;
    if (item->is_merged) {
        status = gs_store_put_document(tx, &item->merged, err);
        if (strcmp(version.document_id, item->base_document_id) == 0)
            version.document_id = item->document_id;
    }
    version.synced_document_id = item->document_id;
    if (status == GS_OK)
        status = gs_store_update_version(tx, &version, task->op.id, err);
    return status;
}

enum gs_status gs_push_record(struct push_batch *batch, struct push_item *item, struct gs_tx *tx,
                              struct gs_error *err)
{
    const struct gs_git_config *config = &batch->session->config;
    enum gs_status status = record_version(item, tx, err);
    struct gs_git_link link = {.app_id = item->app_id,
                               .organization_id = config->organization_id,
                               .git_app_id = item->git_app_id,
                               .git_url = config->git_url,
                               .branch = config->branch,
                               .commit = item->task->op.commit,
                               .synced_at = gs_clock_now_ms()};
    if (status == GS_OK)
        status = gs_store_put_link(tx, &link, err);
    // The app was deleted here meanwhile: what was pushed stays in git, there is nothing left to link.
    if (status == GS_NOT_FOUND) {
        gs_error_release(err);
        status = GS_OK;
    }
    return status == GS_OK ? gs_operation_end(tx, item->task, err) : status;
}
