// Changes the branch over to another layout: a commit that travels as a push does, and afterwards the documents here in the form in
// which git now gives them back.
// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "crypto/crypto.h"
#include "sync/push_internal.h"

// A document in git that reads otherwise now.
struct changed_document {
    struct changed_document *next;
    const char *app_id;
    char old_id[GS_DOCUMENT_ID + 1];
    struct gs_document_blob blob;
};

void gs_conversion_release(struct changed_document *changed)
{
    for (; changed; changed = changed->next)
        gs_document_blob_release(&changed->blob);
}

// ---- What the apps here have to take over ------------------------------------------------------

// Whether the app is linked to the branch, with its git app id.
static enum gs_status find_link(struct gs_tx *tx, const struct gs_git_config *config,
                                const char *app_id, struct gs_arena *arena,
                                struct gs_git_link *out_link, bool *out_linked,
                                struct gs_error *err)
{
    enum gs_status status = gs_store_get_link(tx, app_id, arena, out_link, err);
    *out_linked = status == GS_OK && strcmp(out_link->git_url, config->git_url) == 0 &&
                  strcmp(out_link->branch, config->branch) == 0;
    if (status != GS_NOT_FOUND)
        return status;
    gs_error_release(err);
    return GS_OK;
}

// One that cannot be read on either side has nothing to take over.
static enum gs_status read_app(struct session *session, const struct gs_oid *commit,
                               const char *git_app_id, struct remote_app *out_remote,
                               bool *out_there, struct gs_error *err)
{
    enum gs_status status = gs_session_read_app(session, commit, git_app_id, NULL, out_remote, err);
    *out_there = status == GS_OK && out_remote->entry;
    if (status == GS_OK && !out_remote->entry)
        gs_buf_release(&out_remote->document);
    if (status != GS_NOT_FOUND && status != GS_INVALID && status != GS_LIMIT)
        return status;
    gs_error_release(err);
    return GS_OK;
}

struct linked_app {
    const char *app_id, *git_app_id;
    bool was_there;
    char old_id[GS_DOCUMENT_ID + 1];
};

static enum gs_status list_linked(struct session *session, struct gs_arena *arena,
                                  struct linked_app **out_apps, size_t *out_count,
                                  struct gs_error *err)
{
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    struct gs_app *apps = NULL;
    size_t count = 0, linked_count = 0;
    enum gs_status status = gs_tx_read(session->sync->options.store, &tx, err);
    if (status == GS_OK)
        status = gs_store_list_apps(tx, session->config.organization_id, arena, &apps, &count, err);
    struct linked_app *linked = gs_arena_array(arena, count, sizeof *linked);
    for (size_t i = 0; status == GS_OK && i < count; i++) {
        struct gs_git_link link;
        bool is_linked = false;
        status = find_link(tx, &session->config, apps[i].id, arena, &link, &is_linked, err);
        if (is_linked)
            linked[linked_count++] =
                (struct linked_app){.app_id = apps[i].id, .git_app_id = link.git_app_id};
    }
    *out_apps = linked;
    *out_count = linked_count;
    return status;
}

static enum gs_status read_old(struct session *session, const struct gs_oid *parent,
                               struct linked_app *apps, size_t count, struct gs_error *err)
{
    enum gs_status status = GS_OK;
    for (size_t i = 0; status == GS_OK && i < count; i++) {
        struct remote_app remote;
        status = read_app(session, parent, apps[i].git_app_id, &remote, &apps[i].was_there, err);
        if (status != GS_OK || !apps[i].was_there)
            continue;
        memcpy(apps[i].old_id, remote.document_id, sizeof apps[i].old_id);
        gs_buf_release(&remote.document);
    }
    return status;
}

static enum gs_status take_new(struct session *session, const struct gs_oid *commit,
                               const struct linked_app *app, struct gs_arena *arena,
                               struct changed_document **list, struct gs_error *err)
{
    struct remote_app remote;
    bool there = false;
    enum gs_status status = read_app(session, commit, app->git_app_id, &remote, &there, err);
    if (status != GS_OK || !there)
        return status;
    if (strcmp(remote.document_id, app->old_id) != 0) {
        struct changed_document *changed = gs_arena_alloc(arena, sizeof *changed);
        *changed = (struct changed_document){.next = *list, .app_id = app->app_id};
        memcpy(changed->old_id, app->old_id, sizeof changed->old_id);
        status = gs_document_pack(gs_buf_slice(&remote.document), &changed->blob, err);
        if (status == GS_OK)
            *list = changed;
    }
    gs_buf_release(&remote.document);
    return status;
}

// By the commit and its parent alone, so that it is known after a crash as well.
enum gs_status gs_conversion_load(struct push_batch *batch, struct push_item *item,
                                  struct gs_error *err)
{
    struct session *session = batch->session;
    struct gs_arena *arena = item->task->arena;
    struct gs_commit_info info;
    struct linked_app *apps = NULL;
    size_t count = 0;
    if (gs_oid_is_none(&item->commit) || item->task->request.dry_run)
        return GS_OK;
    enum gs_status status =
        gs_mirror_commit_info(session->repo->mirror, &item->commit, arena, &info, err);
    if (status == GS_OK)
        status = list_linked(session, arena, &apps, &count, err);
    if (status == GS_OK)
        status = read_old(session, &info.parent, apps, count, err);
    for (size_t i = 0; status == GS_OK && i < count; i++)
        if (apps[i].was_there)
            status = take_new(session, &item->commit, &apps[i], arena, &item->changed, err);
    return status;
}

// ---- Recording ---------------------------------------------------------------------------------

// A version that was edited here meanwhile keeps that, and is compared with what git holds now.
static enum gs_status take_over(struct gs_tx *tx, struct task *task,
                                const struct changed_document *changed, bool *out_any,
                                struct gs_error *err)
{
    struct gs_app_view view;
    enum gs_status status = gs_workspace_get_app(tx, changed->app_id, task->arena, &view, err);
    for (size_t i = 0; status == GS_OK && i < view.version_count; i++) {
        struct gs_version *version = &view.versions[i];
        if (!version->synced_document_id ||
            strcmp(version->synced_document_id, changed->old_id) != 0)
            continue;
        if (!*out_any)
            status = gs_store_put_document(tx, &changed->blob, err);
        *out_any = true;
        version->synced_document_id = changed->blob.id;
        if (strcmp(version->document_id, changed->old_id) == 0) {
            version->document_id = changed->blob.id;
            version->updated_at = gs_clock_now_ms();
        }
        if (status == GS_OK)
            status = gs_store_update_version(tx, version, task->op.id, err);
    }
    return status;
}

static enum gs_status record_app(struct session *session, struct gs_tx *tx, struct task *task,
                                 const struct changed_document *changed, struct gs_error *err)
{
    struct gs_git_link link;
    bool linked = false, any = false;
    enum gs_status status =
        find_link(tx, &session->config, changed->app_id, task->arena, &link, &linked, err);
    if (status == GS_OK && linked)
        status = take_over(tx, task, changed, &any, err);
    if (status != GS_OK || !any)
        return status;
    link.commit = task->op.commit;
    link.synced_at = gs_clock_now_ms();
    return gs_store_put_link(tx, &link, err);
}

// The configuration follows, so that it tells the truth, and an empty branch gets the layout that was asked for.
static enum gs_status record_layout(struct session *session, struct gs_tx *tx, struct task *task,
                                    struct gs_error *err)
{
    struct gs_git_config config;
    enum gs_status status =
        gs_store_get_git_config(tx, session->config.organization_id, task->arena, &config, err);
    if (status == GS_NOT_FOUND) {
        gs_error_release(err);
        return GS_OK;
    }
    bool same = status == GS_OK && strcmp(config.git_url, session->config.git_url) == 0 &&
                strcmp(config.branch, session->config.branch) == 0;
    if (status != GS_OK || !same || strcmp(config.layout, task->request.layout) == 0)
        return status;
    config.layout = task->request.layout;
    config.updated_at = gs_clock_now_ms();
    return gs_store_put_git_config(tx, &config, err);
}

enum gs_status gs_conversion_record(struct push_batch *batch, struct push_item *item,
                                    struct gs_tx *tx, struct gs_error *err)
{
    if (item->task->op.commit && !item->task->op.commit[0])
        item->task->op.commit = NULL; // the repository is empty
    enum gs_status status = record_layout(batch->session, tx, item->task, err);
    for (const struct changed_document *changed = item->changed; status == GS_OK && changed;
         changed = changed->next)
        status = record_app(batch->session, tx, item->task, changed, err);
    return status == GS_OK ? gs_operation_end(tx, item->task, err) : status;
}

// ---- Preparing -----------------------------------------------------------------------------------

static void count_files(const struct gs_converted *converted, yyjson_mut_doc *doc,
                        yyjson_mut_val *root)
{
    static const char *const names[] = {
        [GS_FILE_ADDED] = "added", [GS_FILE_MODIFIED] = "modified", [GS_FILE_DELETED] = "deleted"};
    size_t counts[GS_COUNT(names)] = {0};
    for (size_t i = 0; i < converted->file_count; i++)
        counts[converted->files[i].kind]++;
    yyjson_mut_val *obj = yyjson_mut_obj_add_obj(doc, root, "fileCount");
    for (size_t kind = 0; kind < GS_COUNT(names); kind++)
        yyjson_mut_obj_add_uint(doc, obj, names[kind], counts[kind]);
    yyjson_mut_obj_add_uint(doc, obj, "kept", converted->kept_count);
}

static enum gs_status begin_answer(struct push_batch *batch, struct push_item *item,
                                   const struct gs_converted *converted, const struct gs_oid *tip,
                                   struct gs_error *err)
{
    struct task *task = item->task;
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    item->answer = doc;
    item->report = root;
    gs_json_add_cstr(doc, root, "status",
                     gs_oid_is_none(&item->commit) ? "up_to_date" : "converted");
    gs_json_add_cstr(doc, root, "organizationId", task->organization_id);
    gs_json_add_cstr(doc, root, "branch", batch->session->config.branch);
    gs_json_add_cstr(doc, root, "layout", task->request.layout);
    yyjson_mut_obj_add_uint(doc, root, "appCount", converted->app_count);
    count_files(converted, doc, root);
    gs_report_problems(&converted->warnings, WARNINGS_MAX, doc,
                       yyjson_mut_obj_add_arr(doc, root, "warnings"));
    struct plan_facts facts;
    gs_plan_begin(&facts, batch->session, task);
    gs_plan_add(&facts, tip->hex);
    gs_plan_add(&facts, task->request.layout);
    return gs_plan_end(&facts, task, doc, root, err);
}

enum gs_status gs_conversion_prepare(struct push_batch *batch, struct push_item *item,
                                     struct gs_oid *tip, struct gs_error *err)
{
    struct session *session = batch->session;
    struct task *task = item->task;
    if (task->request.message.len == 0)
        task->request.message = gs_slice_str(gs_arena_printf(
            task->arena, "Convert the repository to the %s layout", task->request.layout));
    struct gs_conversion conversion = {.parent = *tip,
                                       .author_name = session->config.author_name,
                                       .author_email = session->config.author_email,
                                       .message = task->request.message,
                                       .when_ms = gs_clock_now_ms()};
    struct gs_converted converted;
    if (!gs_layout_from_text(task->request.layout, &conversion.target))
        return gs_fail(err, GS_CODE_INVALID_INPUT, "/layout", "'%s' is no layout",
                       task->request.layout);
    gs_task_enter(task, PHASE_COMMITTING);
    enum gs_status status =
        gs_layout_convert(session->repo->mirror, &conversion, task->arena, &converted, err);
    if (status != GS_OK)
        return status;
    item->commit = converted.commit;
    if (gs_oid_eq(&converted.commit, tip))
        item->commit.hex[0] = 0;
    status = begin_answer(batch, item, &converted, tip, err);
    if (status == GS_OK)
        status = gs_conversion_load(batch, item, err);
    if (status == GS_OK)
        *tip = converted.commit;
    return status;
}
