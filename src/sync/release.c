// Puts a version into production: the latest one after a pull, or a given one without asking git.
// SPDX-License-Identifier: Apache-2.0
#include "app/scan.h"
#include "sync/pull_internal.h"

// A draft is saved before it is released, because what runs in production must not be edited.
static enum gs_status save_draft(struct gs_tx *tx, struct gs_version *version,
                                 struct gs_arena *arena, struct gs_error *err)
{
    if (!version->draft)
        return GS_OK;
    struct gs_document_blob blob;
    enum gs_status status = gs_workspace_saved_document(tx, version->document_id, NULL, &blob, err);
    if (status != GS_OK)
        return status;
    status = gs_store_put_document(tx, &blob, err);
    version->draft = false;
    version->document_id = gs_arena_strdup(arena, blob.id);
    gs_document_blob_release(&blob);
    return status;
}

static enum gs_status release_and_report(struct gs_tx *tx, struct task *task,
                                         const struct gs_app *app, struct gs_version *version,
                                         const char *commit, const struct gs_scan *scan,
                                         yyjson_mut_doc *doc, yyjson_mut_val *root,
                                         struct gs_error *err)
{
    struct gs_environment env;
    struct gs_release_input input = {
        .app = app, .version = version, .commit = commit, .operation_id = task->op.id};
    enum gs_status status = gs_workspace_release(tx, &input, task->arena, &env, err);
    if (status != GS_OK)
        return status;
    gs_report_app(app, version->id, doc, root);
    gs_report_version(doc, root, version, env.name);
    gs_json_add_cstr(doc, root, "previousVersionId", app->current_version_id);
    struct needs_place place = {app->organization_id, env.id, task->arena};
    return gs_report_needs(tx, scan, &place, doc, root, err);
}

enum gs_status gs_pull_promote(struct incoming *incoming, struct pull_plan *plan, struct gs_tx *tx,
                               yyjson_mut_val *root, struct gs_error *err)
{
    struct task *task = incoming->task;
    struct gs_app_view view;
    enum gs_status status = gs_workspace_get_app(tx, plan->view.app.id, task->arena, &view, err);
    if (status != GS_OK)
        return status;
    if (view.version_count == 0)
        return gs_fail(err, GS_CODE_UNKNOWN_VERSION, NULL, "the app has no version");
    struct gs_version *latest = &view.versions[0];
    struct gs_scan scan = incoming->scan;
    if (strcmp(latest->document_id, incoming->remote.document_id) != 0)
        status = gs_scan_stored(incoming->session->sync, tx, latest->document_id, task->arena,
                                &scan, err);
    if (status == GS_OK)
        status = save_draft(tx, latest, task->arena, err);
    if (status == GS_OK)
        status = release_and_report(tx, task, &view.app, latest, task->op.commit, &scan, plan->json,
                                    root, err);
    return status;
}

static enum gs_status find_releasable(struct gs_tx *tx, struct task *task, struct gs_app *app,
                                      struct gs_version *version, struct gs_error *err)
{
    enum gs_status status = gs_store_get_app(tx, task->request.app_id, task->arena, app, err);
    if (status == GS_NOT_FOUND)
        return gs_fail(err, GS_CODE_APP_NOT_FOUND, NULL, "App not found");
    if (status == GS_OK)
        status =
            gs_store_get_version(tx, app->id, task->request.version_id, task->arena, version, err);
    if (status == GS_NOT_FOUND)
        return gs_fail(err, GS_CODE_UNKNOWN_VERSION, "/versionId",
                       "the app has no version with the id '%s'", task->request.version_id);
    if (status == GS_OK && version->draft)
        return gs_fail(err, GS_CODE_VERSION_IS_DRAFT, "/versionId",
                       "version '%s' is a draft; save it first", version->name);
    return status;
}

enum gs_status gs_pull_release_version(struct session *session, struct task *task,
                                       struct gs_error *err)
{
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    GS_CLEANUP(gs_json_cleanup_mut) yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    struct gs_app app;
    struct gs_version version;
    enum gs_status status = gs_tx_write(session->sync->options.store, &tx, err);
    if (status == GS_OK)
        status = find_releasable(tx, task, &app, &version, err);
    if (status != GS_OK)
        return status;
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    struct plan_facts facts;
    gs_plan_begin(&facts, session, task);
    gs_plan_add(&facts, version.document_id);
    gs_plan_add(&facts, app.current_version_id);
    status = gs_plan_end(&facts, task, doc, root, err);
    struct gs_scan scan;
    if (status == GS_OK)
        status = gs_scan_stored(session->sync, tx, version.document_id, task->arena, &scan, err);
    if (status == GS_OK)
        status = release_and_report(tx, task, &app, &version, NULL, &scan, doc, root, err);
    return status == GS_OK ? gs_pull_end(task, &tx, doc, err) : status;
}
