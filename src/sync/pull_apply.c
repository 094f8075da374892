// Carries out what was planned, if the store still is as the plan saw it, in one transaction.
// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "base/crash.h"
#include "sync/pull_internal.h"

enum gs_status gs_pull_put_link(struct incoming *incoming, const struct gs_app *app,
                                struct gs_tx *tx, struct gs_error *err)
{
    const struct gs_git_config *config = &incoming->session->config;
    const char *branch = incoming->resolved.branch ? incoming->resolved.branch : config->branch;
    struct gs_git_link link = {.app_id = app->id,
                               .organization_id = app->organization_id,
                               .git_app_id = incoming->remote.entry->id,
                               .git_url = config->git_url,
                               .branch = branch,
                               .commit = incoming->resolved.commit.hex,
                               .synced_at = gs_clock_now_ms(),
                               .name = incoming->name};
    incoming->task->op.commit = gs_arena_strdup(incoming->task->arena, link.commit);
    return gs_store_put_link(tx, &link, err);
}

void gs_report_app(const struct gs_app *app, const char *current_version_id, yyjson_mut_doc *doc,
                   yyjson_mut_val *root)
{
    gs_json_add_cstr(doc, root, "id", app->id);
    gs_json_add_cstr(doc, root, "name", app->name);
    gs_json_add_cstr(doc, root, "slug", app->slug);
    gs_json_add_cstr(doc, root, "organizationId", app->organization_id);
    gs_json_add_cstr(doc, root, "currentVersionId", current_version_id);
}

// Writes the answer, ends the operation with it, and makes all of it durable. A dry run has done the same up to here, and
// the transaction that is not committed takes all of it back.
enum gs_status gs_pull_end(struct task *task, struct gs_tx **tx, yyjson_mut_doc *doc,
                           struct gs_error *err)
{
    if (task->request.dry_run)
        return gs_report_finish(task, doc, err);
    gs_json_add_cstr(doc, yyjson_mut_doc_get_root(doc), "operationId", task->op.id);
    enum gs_status status = gs_task_seal(task, err);
    gs_task_enter(task, PHASE_RECORDING);
    if (status == GS_OK)
        status = gs_report_finish(task, doc, err);
    if (status == GS_OK)
        status = gs_operation_end(*tx, task, err);
    gs_crash_point("pull.written");
    if (status == GS_OK)
        status = gs_tx_commit(tx, err);
    gs_crash_point("pull.recorded");
    return status;
}

// Whether the store still is as the plan saw it.
static enum gs_status check_unchanged(const struct pull_plan *plan, struct gs_tx *tx,
                                      struct gs_arena *arena, struct gs_error *err)
{
    struct gs_version now;
    if (plan->action == PULL_ADD)
        return GS_OK;
    enum gs_status status =
        gs_store_get_version(tx, plan->version.app_id, plan->version.id, arena, &now, err);
    if (status != GS_OK && status != GS_NOT_FOUND)
        return status;
    if (status == GS_OK && strcmp(now.document_id, plan->version.document_id) == 0)
        return GS_OK;
    return gs_fail(err, GS_CODE_CONFLICT, NULL,
                   "the version was edited here again and again while it was being pulled");
}

static enum gs_status apply_version(struct incoming *incoming, struct pull_plan *plan,
                                    struct gs_tx *tx, struct gs_error *err)
{
    struct task *task = incoming->task;
    const char *remote_id = incoming->remote.document_id;
    enum gs_status status = GS_OK;
    if (plan->has_blob)
        status = gs_store_put_document(tx, &plan->blob, err);
    if (status == GS_OK && plan->has_theirs)
        status = gs_store_put_document(tx, &plan->theirs, err);
    if (status != GS_OK)
        return status;
    struct gs_new_version added = {
        .app = &plan->view.app,
        .wanted_id = incoming->version_id,
        .name = incoming->version_name,
        .draft = incoming->draft,
        .document_id = remote_id,
        .synced = true,
        .created_at = gs_clock_now_ms(),
    };
    if (plan->action == PULL_ADD)
        return gs_workspace_add_version(tx, &added, task->arena, &plan->version, err);
    struct gs_version *version = &plan->version;
    version->synced_document_id = remote_id;
    if (plan->has_blob) {
        version->document_id = gs_arena_strdup(task->arena, plan->blob.id);
        version->updated_at = gs_clock_now_ms();
    }
    if (plan->action == PULL_REPLACE)
        version->draft = incoming->draft;
    return gs_store_update_version(tx, version, task->op.id, err);
}

const char *gs_pull_status(const struct pull_plan *plan)
{
    static const char *const states[] = {[PULL_NOTHING] = "up_to_date",
                                         [PULL_ADD] = "updated",
                                         [PULL_REPLACE] = "updated",
                                         [PULL_MERGE] = "merged"};
    if (plan->action == PULL_NOTHING && plan->renames)
        return "updated";
    return states[plan->action];
}

static void report_pull(struct incoming *incoming, struct pull_plan *plan, yyjson_mut_val *root)
{
    yyjson_mut_doc *doc = plan->json;
    gs_json_add_cstr(doc, root, "status", gs_pull_status(plan));
    gs_json_add_cstr(doc, root, "appId", plan->view.app.id);
    if (incoming->task->request.kind == GS_SYNC_PULL)
        gs_report_version(doc, root, &plan->version, NULL);
}

static void report_changes(struct pull_plan *plan, yyjson_mut_val *root)
{
    static const char *const groups[] = {"added", "modified", "deleted"};
    yyjson_mut_doc *doc = plan->json;
    if (!plan->changes) {
        plan->changes = yyjson_mut_obj(doc);
        for (size_t i = 0; i < GS_COUNT(groups); i++)
            yyjson_mut_obj_add_arr(doc, plan->changes, groups[i]);
    }
    yyjson_mut_obj_add_val(doc, root, "changes", plan->changes);
}

enum gs_status gs_pull_apply_rows(struct incoming *incoming, struct pull_plan *plan,
                                  struct gs_tx *tx, struct gs_error *err)
{
    enum gs_status status = check_unchanged(plan, tx, incoming->task->arena, err);
    if (status == GS_OK)
        status = apply_version(incoming, plan, tx, err);
    if (status == GS_OK)
        status = gs_pull_apply_names(incoming, plan, tx, err);
    return status == GS_OK ? gs_pull_put_link(incoming, &plan->view.app, tx, err) : status;
}

// That there was nothing to do is found out again, should its record be lost in a power cut.
static enum gs_status begin_apply(const struct incoming *incoming, const struct pull_plan *plan,
                                  struct gs_tx **out_tx, struct gs_error *err)
{
    struct gs_store *store = incoming->session->sync->options.store;
    const struct task *task = incoming->task;
    bool changes =
        plan->action != PULL_NOTHING || task->request.kind != GS_SYNC_PULL || plan->renames;
    return changes || task->detached ? gs_tx_write(store, out_tx, err)
                                     : gs_tx_write_relaxed(store, out_tx, err);
}

static enum gs_status apply_plan(struct incoming *incoming, struct pull_plan *plan,
                                 struct gs_error *err)
{
    struct task *task = incoming->task;
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    enum gs_status status = begin_apply(incoming, plan, &tx, err);
    if (status == GS_OK)
        status = gs_pull_apply_rows(incoming, plan, tx, err);
    if (status == GS_OK)
        status = gs_modules_apply(incoming, tx, err);
    if (status != GS_OK)
        return status;
    yyjson_mut_val *root = yyjson_mut_doc_get_root(plan->json);
    report_pull(incoming, plan, root);
    struct needs_place place = {task->organization_id, plan->version.environment_id, task->arena};
    if (task->request.kind == GS_SYNC_PROMOTE)
        status = gs_pull_promote(incoming, plan, tx, root, err);
    else
        status = gs_report_needs(tx, &incoming->scan, &place, plan->json, root, err);
    if (status == GS_OK)
        status =
            gs_report_commit(incoming->session, &incoming->resolved.commit, plan->json, root, err);
    report_changes(plan, root);
    gs_pull_report_names(incoming, plan, plan->json, root);
    gs_modules_report(incoming, plan->json, root);
    gs_report_warnings(&incoming->scan, &incoming->remote.problems, task->arena, plan->json, root);
    return status == GS_OK ? gs_pull_end(task, &tx, plan->json, err) : status;
}

enum gs_status gs_pull_update(struct incoming *incoming, struct gs_error *err)
{
    enum gs_status status = GS_OK;
    for (int attempt = 0; attempt < PULL_ATTEMPTS; attempt++) {
        struct pull_plan plan = {.json = NULL};
        gs_error_release(err);
        status = gs_modules_plan(incoming, err);
        if (status == GS_OK)
            status = gs_pull_plan(incoming, &plan, err);
        if (status == GS_OK)
            status = apply_plan(incoming, &plan, err);
        gs_pull_plan_release(&plan);
        // Only an edit between the plan and its transaction is worth another look.
        if (status != GS_CONFLICT || err->code != GS_CODE_CONFLICT)
            break;
    }
    return status;
}
