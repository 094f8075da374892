// A batch of calls that read from git: they share the look at the host and the fetch, and each then works on its own app.
// SPDX-License-Identifier: Apache-2.0
#include "base/crash.h"
#include "sync/group_internal.h"
#include "sync/look_internal.h"
#include "sync/pull_internal.h"

static enum gs_status fail_not_in_git(const struct session *session, const struct task *task,
                                      const char *git_app, const struct resolved *resolved,
                                      struct gs_error *err)
{
    return gs_fail(err, GS_CODE_NOT_IN_GIT, "/gitAppId",
                   "the repository has no app '%s' at %s (commit %.12s)", git_app,
                   task->request.ref ? task->request.ref : session->config.branch,
                   resolved->commit.hex);
}

enum gs_status gs_incoming_load(struct incoming *incoming, struct gs_error *err)
{
    if (incoming->checked)
        return GS_OK;
    enum gs_status status = gs_remote_load(incoming->session, &incoming->remote, err);
    if (status == GS_OK)
        status = gs_remote_parse(&incoming->remote, &incoming->parsed, err);
    if (status == GS_OK)
        status = gs_version_check_name(incoming->parsed.version_name, "/gitVersionId", err);
    if (status != GS_OK)
        return status;
    struct gs_arena *arena = incoming->task->arena;
    const struct gs_document *parsed = &incoming->parsed;
    incoming->checked = true;
    incoming->version_id = gs_arena_dup_slice(arena, parsed->version_id);
    incoming->version_name = gs_arena_dup_slice(arena, parsed->version_name);
    incoming->slug = parsed->app_slug.len ? gs_arena_dup_slice(arena, parsed->app_slug) : NULL;
    incoming->draft = parsed->has_status && parsed->draft;
    gs_document_scan(parsed, arena, &incoming->scan);
    incoming->remote.plain = gs_scan_is_empty(&incoming->scan);
    gs_remote_note(incoming->session, &incoming->remote);
    return GS_OK;
}

// What the metadata calls the app and its version; the document has the last word on the version when it is looked at.
static enum gs_status check_name(struct incoming *incoming, struct gs_error *err)
{
    const struct gs_git_app *entry = incoming->remote.entry;
    incoming->name = gs_arena_strdup(incoming->task->arena, entry->name);
    incoming->version_name = gs_arena_strdup(incoming->task->arena, entry->version_name);
    return gs_app_check_name(gs_slice_str(entry->name), "/gitAppId", err);
}

enum gs_status gs_pull_check_incoming(struct incoming *incoming, struct gs_error *err)
{
    enum gs_status status = check_name(incoming, err);
    return status == GS_OK ? gs_incoming_load(incoming, err) : status;
}

// A document that has nothing to tell need not be read before it is known that it is new here.
static bool can_wait(const struct incoming *incoming)
{
    return incoming->remote.plain && incoming->task->request.kind != GS_SYNC_CREATE;
}

// The git app id of the app that the task is about; from the request when it creates one.
static enum gs_status find_git_app(struct session *session, struct task *task,
                                   const char **out_git_app_id, struct gs_error *err)
{
    *out_git_app_id = task->request.git_app_id;
    if (task->request.kind == GS_SYNC_CREATE)
        return GS_OK;
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    struct gs_git_link link;
    enum gs_status status = gs_tx_read(session->sync->options.store, &tx, err);
    if (status == GS_OK)
        status = gs_store_get_link(tx, task->request.app_id, task->arena, &link, err);
    if (status == GS_NOT_FOUND)
        return gs_fail(err, GS_CODE_APP_NOT_LINKED, NULL, "App is not synced with Git");
    if (status == GS_OK)
        *out_git_app_id = link.git_app_id;
    return status;
}

static enum gs_status run_incoming(struct incoming *incoming, struct gs_error *err)
{
    struct task *task = incoming->task;
    struct session *session = incoming->session;
    const char *git_app_id = NULL;
    const char *git_app_name = task->request.git_app_name;
    enum gs_status status = find_git_app(session, task, &git_app_id, err);
    gs_task_enter(task, PHASE_FETCHING);
    session->ref_field = task->request.kind == GS_SYNC_CREATE ? "/gitVersionId" : "ref";
    if (status == GS_OK)
        status = gs_session_resolve(session, task->request.ref, &incoming->resolved, err);
    if (status == GS_OK)
        status = gs_session_find_app(session, &incoming->resolved.commit, git_app_id, git_app_name,
                                     &incoming->remote, err);
    if (status == GS_OK && !incoming->remote.entry)
        status = fail_not_in_git(session, task, git_app_id ? git_app_id : git_app_name,
                                 &incoming->resolved, err);
    gs_task_enter(task, PHASE_MERGING);
    if (status == GS_OK)
        status =
            can_wait(incoming) ? check_name(incoming, err) : gs_pull_check_incoming(incoming, err);
    if (status == GS_OK)
        status = gs_modules_read(incoming, err);
    gs_crash_point("pull.read");
    if (status == GS_OK)
        status = task->request.kind == GS_SYNC_CREATE ? gs_pull_create(incoming, err)
                                                      : gs_pull_update(incoming, err);
    gs_modules_release(incoming);
    gs_document_release(&incoming->parsed);
    gs_buf_release(&incoming->remote.document);
    return status;
}

static enum gs_status run_task(struct session *session, struct task *task, struct gs_error *err)
{
    if (task->request.kind == GS_SYNC_PROMOTE && task->request.version_id)
        return gs_pull_release_version(session, task, err);
    if (gs_is_look(&task->request))
        return gs_look_run(session, task, err);
    struct incoming incoming = {.task = task, .session = session};
    return run_incoming(&incoming, err);
}

static enum gs_status run_repaired(struct session *session, struct task *task, struct gs_error *err)
{
    enum gs_status status = run_task(session, task, err);
    return gs_session_repairs(session, &status, err) ? run_task(session, task, err) : status;
}

static void fail(struct session *session, struct task *task, struct task *tasks,
                 struct gs_error *err)
{
    // A host that is no use to the first is none to the others; they need not ask once more.
    enum gs_status status = gs_error_status(err);
    bool no_answer = status == GS_UPSTREAM || status == GS_TIMEOUT;
    if (status == GS_BUSY || (no_answer && !session->has_upload_advert))
        gs_tasks_fail(session->sync, task, err);
    else
        gs_task_fail(session->sync, task, err);
    gs_error_release(err);
    gs_group_skip_others(session->sync, task, tasks);
}

// Tries out all of a group whose parts are to succeed or to fail together, before the first one changes anything.
static void check_group(struct session *session, struct task *first)
{
    struct group *group = first->group;
    if (!group || !group->all_or_none || group->checked)
        return;
    group->checked = true;
    for (struct task *task = first; task && gs_group_has_both(first, task); task = task->next) {
        struct gs_error err = GS_ERROR_INIT;
        bool dry = task->request.dry_run;
        struct gs_operation op = task->op;
        task->request.dry_run = true;
        enum gs_status status = run_repaired(session, task, &err);
        task->request.dry_run = dry;
        task->op = op;
        if (status == GS_OK)
            continue;
        fail(session, task, first, &err);
        return;
    }
}

void gs_sync_run_pulls(struct session *session, struct task *tasks)
{
    GS_CLEANUP(gs_error_release) struct gs_error err = GS_ERROR_INIT;
    for (struct task *task = tasks; task; task = task->next) {
        if (!task->ended)
            check_group(session, task);
        if (task->ended)
            continue;
        if (run_repaired(session, task, &err) != GS_OK)
            fail(session, task, tasks, &err);
        task->ended = true;
    }
}
