// A new app from git: rows, document, link and answer in one transaction.
// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "sync/pull_internal.h"

static void report_git(const struct incoming *incoming, yyjson_mut_doc *doc, yyjson_mut_val *root)
{
    yyjson_mut_val *git = yyjson_mut_obj_add_obj(doc, root, "git");
    gs_json_add_cstr(doc, git, "appId", incoming->remote.entry->id);
    gs_json_add_cstr(doc, git, "branch", incoming->resolved.branch);
    gs_json_add_cstr(doc, git, "commit", incoming->resolved.commit.hex);
}

// The organization has the app when one of its apps is linked to it, or was imported under its id and never linked.
static enum gs_status check_absent(struct incoming *incoming, struct gs_tx *tx,
                                   struct gs_error *err)
{
    struct task *task = incoming->task;
    const char *git_app_id = incoming->remote.entry->id;
    struct gs_git_link link = {.app_id = NULL};
    struct gs_app app = {.id = NULL};
    enum gs_status status =
        gs_store_find_link(tx, task->organization_id, git_app_id, task->arena, &link, err);
    if (status == GS_NOT_FOUND) {
        gs_error_release(err);
        status = gs_store_get_app(tx, git_app_id, task->arena, &app, err);
    }
    if (status == GS_NOT_FOUND) {
        gs_error_release(err);
        return GS_OK;
    }
    if (status != GS_OK || (app.id && strcmp(app.organization_id, task->organization_id) != 0))
        return status;
    return gs_fail(err, GS_CODE_APP_ALREADY_EXISTS, "/gitAppId",
                   "the app '%s' already exists in this organization (as %s); %s", incoming->name,
                   app.id ? app.id : link.app_id,
                   app.id ? "push it to link it, or delete it" : "pull into it");
}

enum gs_status gs_pull_add_rows(struct incoming *incoming, const struct gs_document_blob *blob,
                                struct gs_tx *tx, struct gs_app *app, struct gs_version *version,
                                struct gs_error *err)
{
    struct task *task = incoming->task;
    const char *organization_id = task->organization_id;
    const char *git_app_id = incoming->remote.entry->id;
    enum gs_status status = check_absent(incoming, tx, err);
    if (status != GS_OK)
        return status;
    status = gs_workspace_add_app(tx, organization_id, git_app_id, incoming->name, incoming->slug,
                                  task->arena, app, err);
    if (status == GS_OK)
        status = gs_store_put_document(tx, blob, err);
    struct gs_new_version first = {
        .app = app,
        .wanted_id = incoming->version_id,
        .name = incoming->version_name,
        .draft = incoming->draft,
        .document_id = blob->id,
        .synced = true,
        .created_at = gs_clock_now_ms(),
    };
    if (status == GS_OK)
        status = gs_workspace_add_version(tx, &first, task->arena, version, err);
    return status == GS_OK ? gs_pull_put_link(incoming, app, tx, err) : status;
}

// What the plan of a creation rests on: the commit and what it holds of the app.
static enum gs_status end_plan(struct incoming *incoming, yyjson_mut_doc *doc, yyjson_mut_val *root,
                               struct gs_error *err)
{
    struct task *task = incoming->task;
    struct gs_slice after = gs_buf_slice(&incoming->remote.document);
    struct plan_facts facts;
    gs_plan_begin(&facts, incoming->session, task);
    gs_plan_add(&facts, incoming->resolved.commit.hex);
    gs_plan_add(&facts, incoming->remote.entry->id);
    gs_plan_add(&facts, incoming->remote.document_id);
    gs_modules_add_facts(incoming, &facts);
    enum gs_status status = gs_plan_end(&facts, task, doc, root, err);
    if (status != GS_OK || !task->request.dry_run)
        return status;
    yyjson_mut_val *changes = NULL;
    status = gs_report_changes(task, GS_SLICE_EMPTY, after, doc, &changes, err);
    if (status != GS_OK)
        return status;
    yyjson_mut_obj_add_val(doc, root, "changes", changes);
    return gs_plan_add_document_diff(task, gs_remote_label(&incoming->remote, task->arena),
                                     GS_SLICE_EMPTY, after, doc, root, err);
}

static enum gs_status create(struct incoming *incoming, const struct gs_document_blob *blob,
                             struct gs_error *err)
{
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    GS_CLEANUP(gs_json_cleanup_mut) yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    struct gs_app app;
    struct gs_version version;
    enum gs_status status = gs_tx_write(incoming->session->sync->options.store, &tx, err);
    if (status == GS_OK)
        status = gs_pull_add_rows(incoming, blob, tx, &app, &version, err);
    if (status == GS_OK)
        status = gs_modules_apply(incoming, tx, err);
    if (status != GS_OK)
        return status;
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    gs_report_app(&app, NULL, doc, root);
    gs_report_version(doc, root, &version, NULL);
    report_git(incoming, doc, root);
    gs_modules_report(incoming, doc, root);
    gs_report_warnings(&incoming->scan, &incoming->remote.problems, incoming->task->arena, doc,
                       root);
    struct needs_place place = {app.organization_id, version.environment_id, incoming->task->arena};
    status = gs_report_needs(tx, &incoming->scan, &place, doc, root, err);
    if (status == GS_OK)
        status = end_plan(incoming, doc, root, err);
    if (status != GS_OK)
        return status;
    incoming->task->op.app_id = app.id;
    incoming->task->op.version_id = version.id;
    return gs_pull_end(incoming->task, &tx, doc, err);
}

enum gs_status gs_pull_create(struct incoming *incoming, struct gs_error *err)
{
    struct gs_document_blob blob;
    enum gs_status status = gs_modules_plan(incoming, err);
    if (status == GS_OK)
        status = gs_document_pack(gs_buf_slice(&incoming->remote.document), &blob, err);
    if (status != GS_OK)
        return status;
    status = create(incoming, &blob, err);
    gs_document_blob_release(&blob);
    return status;
}
