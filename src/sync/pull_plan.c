// Decides what a pull does, from what was last synced, what is here and what is in git; changes nothing.
// SPDX-License-Identifier: Apache-2.0
#include "sync/pull_internal.h"

void gs_pull_plan_release(struct pull_plan *plan)
{
    if (plan->has_blob)
        gs_document_blob_release(&plan->blob);
    if (plan->has_theirs)
        gs_document_blob_release(&plan->theirs);
    gs_json_free_mut(plan->json);
    *plan = (struct pull_plan){.json = NULL};
}

static enum gs_status fail_never_synced(const struct incoming *incoming, struct gs_error *err)
{
    return gs_fail(err, GS_CODE_MERGE_CONFLICT, NULL,
                   "version '%s' is here and in git with different content, and the two were never "
                   "synced; say onConflict=theirs to take git's or onConflict=ours to keep this",
                   incoming->version_name);
}

static enum gs_status describe(struct incoming *incoming, struct pull_plan *plan,
                               struct gs_slice before, struct gs_slice after, struct gs_error *err)
{
    const struct task *task = incoming->task;
    struct comparison comparison;
    enum gs_status status = gs_compare_documents(before, after, &comparison, err);
    if (status != GS_OK)
        return status;
    plan->changes = gs_comparison_to_json(&comparison, plan->json, task->request.dry_run);
    status = gs_check_deletions(task, &comparison, err);
    gs_comparison_release(&comparison);
    if (status != GS_OK)
        return status;
    return gs_plan_add_document_diff(task, gs_remote_label(&incoming->remote, task->arena), before,
                                     after, plan->json, yyjson_mut_doc_get_root(plan->json), err);
}

static enum gs_status merge(struct incoming *incoming, struct pull_plan *plan, struct gs_tx *tx,
                            struct gs_slice local, struct gs_error *err)
{
    struct gs_buf merged;
    GS_CLEANUP(gs_buf_release)
    struct gs_buf base = {.max = incoming->session->sync->options.document_limit};
    enum gs_status status = gs_store_get_document(tx, plan->version.synced_document_id, &base, err);
    if (status != GS_OK)
        return status;
    enum gs_divergence wish = incoming->task->request.divergence;
    struct merge_input input = {
        .base = gs_buf_slice(&base),
        .ours = local,
        .theirs = gs_buf_slice(&incoming->remote.document),
        .policy = wish == GS_DIVERGENCE_THEIRS ? GS_CONFLICT_THEIRS
                  : wish == GS_DIVERGENCE_OURS ? GS_CONFLICT_OURS
                                               : GS_CONFLICT_FAIL,
        .advice = gs_advice_pull,
    };
    status = gs_merge_documents(&input, &merged, err);
    if (status != GS_OK)
        return status;
    status = gs_document_pack(gs_buf_slice(&merged), &plan->blob, err);
    plan->has_blob = status == GS_OK;
    if (status == GS_OK)
        status = describe(incoming, plan, local, gs_buf_slice(&merged), err);
    gs_buf_release(&merged);
    return status;
}

static enum gs_status take_theirs(struct incoming *incoming, struct pull_plan *plan,
                                  struct gs_slice local, struct gs_error *err)
{
    struct gs_slice theirs = gs_buf_slice(&incoming->remote.document);
    enum gs_status status = gs_document_pack(theirs, &plan->blob, err);
    plan->has_blob = status == GS_OK;
    return status == GS_OK ? describe(incoming, plan, local, theirs, err) : status;
}

// Decides from three documents: what was last synced, what is here, what is in git.
static void choose_action(const struct incoming *incoming, struct pull_plan *plan)
{
    const char *local = plan->version.document_id;
    const char *synced = plan->version.synced_document_id;
    const char *remote = incoming->remote.document_id;
    enum gs_divergence wish = incoming->task->request.divergence;
    if (strcmp(local, remote) == 0 || (synced && strcmp(synced, remote) == 0) ||
        (!synced && wish == GS_DIVERGENCE_OURS))
        plan->action = PULL_NOTHING;
    else if ((synced && strcmp(local, synced) == 0) || (!synced && wish == GS_DIVERGENCE_THEIRS))
        plan->action = PULL_REPLACE;
    else
        plan->action = PULL_MERGE;
}

// The document that both sides agree on afterwards is the base of the next merge, so the store must hold it.
static enum gs_status keep_theirs(const struct incoming *incoming, struct pull_plan *plan,
                                  struct gs_error *err)
{
    const char *remote = incoming->remote.document_id;
    const char *synced = plan->version.synced_document_id;
    if (strcmp(plan->version.document_id, remote) == 0 || (synced && strcmp(synced, remote) == 0) ||
        plan->action == PULL_REPLACE)
        return GS_OK;
    enum gs_status status =
        gs_document_pack(gs_buf_slice(&incoming->remote.document), &plan->theirs, err);
    plan->has_theirs = status == GS_OK;
    return status;
}

static enum gs_status plan_existing(struct incoming *incoming, struct pull_plan *plan,
                                    struct gs_tx *tx, struct gs_error *err)
{
    choose_action(incoming, plan);
    enum gs_status status = keep_theirs(incoming, plan, err);
    if (status != GS_OK || plan->action == PULL_NOTHING)
        return status;
    if (plan->action == PULL_MERGE && !plan->version.synced_document_id)
        return fail_never_synced(incoming, err);
    GS_CLEANUP(gs_buf_release)
    struct gs_buf local = {.max = incoming->session->sync->options.document_limit};
    status = gs_store_get_document(tx, plan->version.document_id, &local, err);
    if (status != GS_OK)
        return status;
    return plan->action == PULL_MERGE ? merge(incoming, plan, tx, gs_buf_slice(&local), err)
                                      : take_theirs(incoming, plan, gs_buf_slice(&local), err);
}

static enum gs_status plan_version(struct incoming *incoming, struct pull_plan *plan,
                                   struct gs_tx *tx, struct gs_error *err)
{
    enum gs_status status = gs_store_find_version_by_name(
        tx, plan->view.app.id, incoming->version_name, incoming->task->arena, &plan->version, err);
    if (status == GS_OK)
        return plan_existing(incoming, plan, tx, err);
    if (status != GS_NOT_FOUND)
        return status;
    gs_error_release(err);
    // A version that got another name here when it was saved is no new one.
    const struct gs_version *synced =
        gs_find_synced_version(&plan->view, incoming->remote.document_id);
    if (synced) {
        plan->version = *synced;
        plan->action = PULL_NOTHING;
        return GS_OK;
    }
    plan->action = PULL_ADD;
    return take_theirs(incoming, plan, GS_SLICE_EMPTY, err);
}

// What the plan of a pull rests on: the commit, what it holds of the app, and what is here of it.
static enum gs_status bind_plan(struct incoming *incoming, struct pull_plan *plan,
                                struct gs_error *err)
{
    const struct gs_app_view *view = &plan->view;
    struct plan_facts facts;
    gs_plan_begin(&facts, incoming->session, incoming->task);
    gs_plan_add(&facts, incoming->resolved.commit.hex);
    gs_plan_add(&facts, incoming->remote.document_id);
    gs_plan_add(&facts, incoming->name);
    gs_plan_add(&facts, view->app.name);
    gs_pull_add_names(plan, &facts);
    gs_plan_add(&facts, view->app.current_version_id);
    for (size_t i = 0; i < view->version_count; i++) {
        gs_plan_add(&facts, view->versions[i].document_id);
        gs_plan_add(&facts, view->versions[i].synced_document_id);
    }
    gs_modules_add_facts(incoming, &facts);
    return gs_plan_end(&facts, incoming->task, plan->json, yyjson_mut_doc_get_root(plan->json),
                       err);
}

// A document that was last synced here was looked at then, and there is nothing to do with it but to say so.
static bool is_synced_here(const struct incoming *incoming, const struct gs_app_view *view)
{
    const char *remote = incoming->remote.document_id;
    for (size_t i = 0; i < view->version_count; i++) {
        const struct gs_version *version = &view->versions[i];
        if (strcmp(version->name, incoming->version_name) == 0)
            return version->synced_document_id && strcmp(version->synced_document_id, remote) == 0;
    }
    return false;
}

enum gs_status gs_pull_plan(struct incoming *incoming, struct pull_plan *plan, struct gs_error *err)
{
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    *plan = (struct pull_plan){.json = yyjson_mut_doc_new(NULL)};
    yyjson_mut_doc_set_root(plan->json, yyjson_mut_obj(plan->json));
    enum gs_status status = gs_tx_read(incoming->session->sync->options.store, &tx, err);
    if (status == GS_OK)
        status = gs_workspace_get_app(tx, incoming->task->request.app_id, incoming->task->arena,
                                      &plan->view, err);
    if (status == GS_OK)
        status = gs_pull_plan_names(incoming, plan, tx, err);
    if (status == GS_OK)
        status = bind_plan(incoming, plan, err);
    if (status == GS_OK && !(incoming->remote.plain && is_synced_here(incoming, &plan->view)))
        status = gs_incoming_load(incoming, err);
    return status == GS_OK ? plan_version(incoming, plan, tx, err) : status;
}
