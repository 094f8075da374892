// Makes a release of the past the current one again: its version gets the document that was released back, and is released
// once more.
// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "sync/look_internal.h"
#include "sync/pull_internal.h"

struct rerelease {
    struct task *task;
    struct gs_app app;
    struct gs_release wanted, current;
    bool has_current;
    struct gs_version version;
    struct gs_environment environment; // production
};

static enum gs_status load(struct rerelease *again, struct gs_tx *tx, struct gs_error *err)
{
    struct task *task = again->task;
    struct gs_release *newest;
    size_t count = 0;
    enum gs_status status =
        gs_store_get_app(tx, task->request.app_id, task->arena, &again->app, err);
    if (status == GS_NOT_FOUND)
        return gs_fail(err, GS_CODE_APP_NOT_FOUND, NULL, "App not found");
    if (status == GS_OK)
        status = gs_store_get_release(tx, again->app.id, task->request.release_id, task->arena,
                                      &again->wanted, err);
    if (status == GS_NOT_FOUND)
        return gs_fail(err, GS_CODE_NOT_FOUND, NULL, "the app has no release with the id '%s'",
                       task->request.release_id);
    if (status == GS_OK)
        status = gs_store_list_releases(tx, again->app.id, 1, task->arena, &newest, &count, err);
    if (status == GS_OK)
        status = gs_store_get_version(tx, again->app.id, again->wanted.version_id, task->arena,
                                      &again->version, err);
    if (status == GS_OK)
        status = gs_workspace_environment(tx, again->app.organization_id, true, task->arena,
                                          &again->environment, err);
    again->has_current = status == GS_OK && count > 0;
    if (again->has_current)
        again->current = newest[0];
    return status;
}

static bool is_current(const struct rerelease *again)
{
    const struct gs_version *version = &again->version;
    const char *document_id = again->wanted.document_id;
    return again->has_current && strcmp(again->current.version_id, version->id) == 0 &&
           strcmp(again->current.document_id, document_id) == 0 &&
           strcmp(version->document_id, document_id) == 0 && again->app.current_version_id &&
           strcmp(again->app.current_version_id, version->id) == 0 &&
           strcmp(version->environment_id, again->environment.id) == 0;
}

// The release that was made is the newest one.
static enum gs_status release(struct rerelease *again, struct gs_tx *tx, struct gs_error *err)
{
    struct task *task = again->task;
    struct gs_release_input input = {.app = &again->app,
                                     .version = &again->version,
                                     .commit = again->wanted.commit,
                                     .operation_id = task->op.id};
    again->version.document_id = again->wanted.document_id;
    again->version.draft = false;
    struct gs_release *newest;
    size_t count;
    enum gs_status status = gs_workspace_release(tx, &input, task->arena, &again->environment, err);
    if (status == GS_OK)
        status = gs_store_list_releases(tx, again->app.id, 1, task->arena, &newest, &count, err);
    if (status == GS_OK)
        again->current = newest[0];
    return status;
}

static void report(const struct rerelease *again, bool released, yyjson_mut_doc *doc,
                   yyjson_mut_val *root)
{
    const struct gs_release *wanted = &again->wanted;
    gs_json_add_cstr(doc, root, "status", released ? "released" : "up_to_date");
    gs_report_app(&again->app, again->version.id, doc, root);
    gs_report_version(doc, root, &again->version, again->environment.name);
    gs_json_add_cstr(doc, root, "previousVersionId", again->app.current_version_id);
    gs_json_add_cstr(doc, root, "releaseId", again->current.id);
    yyjson_mut_val *from = yyjson_mut_obj_add_obj(doc, root, "restoredFrom");
    gs_json_add_cstr(doc, from, "releaseId", wanted->id);
    gs_json_add_cstr(doc, from, "commit", wanted->commit);
    gs_json_add_cstr(doc, from, "documentId", wanted->document_id);
    gs_json_add_time(doc, from, "releasedAt", wanted->created_at);
}

static enum gs_status bind_plan(const struct rerelease *again, struct session *session,
                                yyjson_mut_doc *doc, yyjson_mut_val *root, struct gs_error *err)
{
    struct plan_facts facts;
    gs_plan_begin(&facts, session, again->task);
    gs_plan_add(&facts, again->wanted.id);
    gs_plan_add(&facts, again->version.document_id);
    gs_plan_add(&facts, again->app.current_version_id);
    return gs_plan_end(&facts, again->task, doc, root, err);
}

enum gs_status gs_rerelease_run(struct session *session, struct task *task, struct gs_error *err)
{
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    GS_CLEANUP(gs_json_cleanup_mut) yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    struct rerelease again = {.task = task};
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    enum gs_status status = gs_tx_write(session->sync->options.store, &tx, err);
    if (status == GS_OK)
        status = load(&again, tx, err);
    if (status == GS_OK)
        status = bind_plan(&again, session, doc, root, err);
    bool needed = status == GS_OK && !is_current(&again);
    if (needed)
        status = release(&again, tx, err);
    if (status != GS_OK)
        return status;
    task->op.version_id = again.version.id;
    task->op.commit = again.wanted.commit;
    report(&again, needed, doc, root);
    return gs_pull_end(task, &tx, doc, err);
}
