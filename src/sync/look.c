// Calls that can do without the host: answered at once from the store and the mirror, so that they work while it is down or
// busy; or in their repository's queue, when they want it to be asked or the mirror does not know enough.
// SPDX-License-Identifier: Apache-2.0
#include "git/history.h"
#include "sync/look_internal.h"
#include "sync/rollback_internal.h"

// A session of its own beside the repository's worker: no credentials, and a second view of the mirror on disk.
struct look {
    struct repository repo;
    struct session session;
    bool has_config;
    struct gs_oid head;
};

static void close_look(struct look *look)
{
    gs_mirror_close(look->repo.mirror);
    gs_session_release(&look->session);
}

static enum gs_status read_config(struct look *look, const char *organization_id,
                                  struct gs_error *err)
{
    struct session *session = &look->session;
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    enum gs_status status = gs_tx_read(session->sync->options.store, &tx, err);
    if (status == GS_OK)
        status =
            gs_store_get_git_config(tx, organization_id, session->arena, &session->config, err);
    look->has_config = status == GS_OK;
    if (status != GS_NOT_FOUND)
        return status;
    gs_error_release(err);
    return GS_OK;
}

bool gs_look_has_ref(const struct gs_sync_request *request)
{
    return request->kind == GS_SYNC_LIST || request->kind == GS_SYNC_CHECK;
}

// The commit that the call is about; of a page behind the first one, that of the first.
static enum gs_status find_commit(struct look *look, const struct task *task, struct gs_error *err)
{
    const struct gs_sync_request *request = &task->request;
    struct gs_mirror *mirror = look->repo.mirror;
    struct resolved resolved;
    size_t first;
    if (request->cursor && (!gs_listing_read_cursor(request->cursor, &look->head, &first) ||
                            !gs_mirror_has(mirror, &look->head)))
        return gs_fail(err, GS_CODE_INVALID_INPUT, "cursor",
                       "cursor must be the nextCursor of an earlier page");
    if (request->cursor)
        return GS_OK;
    enum gs_status status = gs_session_resolve_here(&look->session, request->ref, &resolved, err);
    if (status == GS_OK)
        look->head = resolved.commit;
    return status;
}

// Leaves head as none when the mirror does not know the branch.
static enum gs_status open_mirror(struct look *look, const struct task *task, struct gs_error *err)
{
    struct session *session = &look->session;
    const char *folder =
        gs_sync_mirror_folder(session->sync, session->config.git_url, session->arena);
    if (!gs_mirror_is_made(folder))
        return GS_OK;
    gs_mirrors_touch(folder);
    enum gs_status status = gs_mirror_open(folder, &look->repo.mirror, err);
    if (status == GS_OK && gs_look_has_ref(&task->request))
        return find_commit(look, task, err);
    if (status == GS_OK)
        status =
            gs_mirror_find_ref(look->repo.mirror, gs_session_branch_ref(session), &look->head, err);
    if (status != GS_NOT_FOUND)
        return status;
    gs_error_release(err);
    return GS_OK;
}

static enum gs_status open_look(struct look *look, struct gs_sync *sync, const struct task *task,
                                struct gs_error *err)
{
    *look = (struct look){.repo.sync = sync};
    look->session = (struct session){.sync = sync, .repo = &look->repo, .arena = gs_arena_new()};
    enum gs_status status = read_config(look, task->organization_id, err);
    return status == GS_OK && look->has_config ? open_mirror(look, task, err) : status;
}

bool gs_is_look(const struct gs_sync_request *request)
{
    switch (request->kind) {
    case GS_SYNC_STATUS:
    case GS_SYNC_HISTORY:
    case GS_SYNC_LIST:
    case GS_SYNC_CHECK:
    case GS_SYNC_RERELEASE:
        return true;
    case GS_SYNC_ROLLBACK:
        return !request->push;
    default:
        return false;
    }
}

static enum gs_status answer(struct session *session, const struct gs_oid *head, struct task *task,
                             struct gs_error *err)
{
    switch (task->request.kind) {
    case GS_SYNC_HISTORY:
        return gs_history_write(session, head, task, err);
    case GS_SYNC_LIST:
        return gs_listing_write(session, head, task, err);
    case GS_SYNC_CHECK:
        return gs_check_write(session, head, task, err);
    case GS_SYNC_ROLLBACK:
        return gs_rollback_run(session, task, err);
    case GS_SYNC_RERELEASE:
        return gs_rerelease_run(session, task, err);
    default:
        return gs_status_write(session, head, task, err);
    }
}

// A repository without any ref is empty, which is an answer and no failure to a call that looks at all of it.
static enum gs_status resolve(struct session *session, const struct gs_sync_request *request,
                              struct resolved *out_resolved, struct gs_error *err)
{
    if (!gs_look_has_ref(request))
        return gs_session_resolve(session, NULL, out_resolved, err);
    session->ref_field = "ref";
    const struct gs_git_advert *advert;
    enum gs_status status = gs_session_upload_advert(session, &advert, err);
    if (status != GS_OK)
        return status;
    *out_resolved = (struct resolved){.branch = NULL};
    if (advert->count == 0 && !request->ref)
        return GS_OK;
    return gs_session_resolve(session, request->ref, out_resolved, err);
}

enum gs_status gs_look_run(struct session *session, struct task *task, struct gs_error *err)
{
    struct resolved resolved;
    if (task->request.kind == GS_SYNC_ROLLBACK)
        return gs_rollback_run(session, task, err);
    enum gs_status status = resolve(session, &task->request, &resolved, err);
    return status == GS_OK ? answer(session, &resolved.commit, task, err) : status;
}

// Whether git has a part in the answer at all: an app that was never pushed needs no look at the host.
static enum gs_status has_link(struct gs_tx *tx, const struct task *task, bool *out_yes,
                               struct gs_error *err)
{
    struct gs_app one = {.id = task->request.app_id}, *apps = &one;
    size_t count = 1;
    enum gs_status status = GS_OK;
    if (!one.id)
        status = gs_store_list_apps(tx, task->organization_id, task->arena, &apps, &count, err);
    bool found = false;
    for (size_t i = 0; status == GS_OK && !found && i < count; i++) {
        struct gs_git_link link;
        status = gs_store_get_link(tx, apps[i].id, task->arena, &link, err);
        found = status == GS_OK;
        if (status != GS_NOT_FOUND)
            continue;
        gs_error_release(err);
        status = GS_OK;
    }
    if (status == GS_OK)
        *out_yes = found;
    return status;
}

static enum gs_status check(struct gs_sync *sync, struct task *task, bool *out_linked,
                            struct gs_error *err)
{
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    struct gs_app app;
    enum gs_status status = gs_tx_read(sync->options.store, &tx, err);
    if (status != GS_OK)
        return status;
    if (task->request.app_id) {
        status = gs_store_get_app(tx, task->request.app_id, task->arena, &app, err);
        if (status == GS_NOT_FOUND)
            return gs_fail(err, GS_CODE_APP_NOT_FOUND, NULL, "App not found");
        task->organization_id = app.organization_id;
    } else {
        task->organization_id = task->request.organization_id;
        status = gs_workspace_check_organization(tx, task->organization_id, task->arena, err);
    }
    if (status == GS_OK && gs_look_has_ref(&task->request)) {
        *out_linked = true;
        return GS_OK;
    }
    return status == GS_OK ? has_link(tx, task, out_linked, err) : status;
}

// Gives the call to its repository's queue, which asks the host.
static enum gs_status ask_host(struct look *look, struct task *task, bool *out_queued,
                               struct gs_error *err)
{
    const struct gs_git_config *config = &look->session.config;
    if (!config->enabled)
        return gs_fail(err, GS_CODE_GIT_NOT_CONFIGURED, NULL, "Git is not enabled");
    enum gs_status status = gs_sync_enqueue(look->session.sync, config->git_url, task, err);
    *out_queued = status == GS_OK;
    return status;
}

static bool needs_host(const struct look *look, const struct gs_sync_request *request)
{
    struct gs_oid commit;
    switch (request->kind) {
    case GS_SYNC_RERELEASE:
        return false;
    case GS_SYNC_ROLLBACK:
        return request->commit && gs_oid_parse(gs_slice_str(request->commit), &commit) &&
               (!look->repo.mirror || !gs_mirror_has(look->repo.mirror, &commit));
    default:
        return (request->refresh && !(request->cursor && gs_look_has_ref(request))) ||
               gs_oid_is_none(&look->head);
    }
}

static enum gs_status run(struct gs_sync *sync, struct task *task, bool *out_queued,
                          struct gs_error *err)
{
    bool linked = false;
    enum gs_status status = check(sync, task, &linked, err);
    if (status == GS_OK && gs_is_recorded(&task->request))
        status = gs_operation_insert(sync, task, err);
    if (status != GS_OK)
        return status;
    struct look look;
    status = open_look(&look, sync, task, err);
    if (status == GS_OK && !look.has_config && gs_look_has_ref(&task->request))
        status = gs_fail(err, GS_CODE_GIT_NOT_CONFIGURED, NULL, "No git configuration found");
    bool can_ask = look.has_config && linked;
    bool must_ask = can_ask && needs_host(&look, &task->request);
    if (status == GS_OK && !must_ask)
        status = answer(&look.session, look.has_config ? &look.head : NULL, task, err);
    // The worker makes a damaged mirror anew.
    if (can_ask && status == GS_INTERNAL && err->code == GS_CODE_INTERNAL) {
        gs_error_release(err);
        status = GS_OK;
        must_ask = true;
    }
    if (status == GS_OK && must_ask)
        status = ask_host(&look, task, out_queued, err);
    close_look(&look);
    return status;
}

void gs_look_start(struct gs_sync *sync, const struct gs_sync_request *request, gs_sync_done *done,
                   void *arg)
{
    GS_CLEANUP(gs_error_release) struct gs_error err = GS_ERROR_INIT;
    struct task *task = gs_task_new();
    gs_task_copy_request(task, request);
    task->done = done;
    task->arg = arg;
    bool queued = false;
    enum gs_status status = run(sync, task, &queued, &err);
    if (queued)
        return;
    if (status != GS_OK)
        gs_task_fail(sync, task, &err);
    gs_task_finish(task);
}
