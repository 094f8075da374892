// The door of the room: checks a call against the store, records it, and gives it to its repository's queue.
// SPDX-License-Identifier: Apache-2.0
#include "base/crash.h"
#include "sync/ahead_internal.h"
#include "sync/group_internal.h"
#include "sync/look_internal.h"
#include "sync/sync_internal.h"

static struct gs_slice copy_slice(struct gs_arena *arena, struct gs_slice s)
{
    return s.data ? gs_slice_of(gs_arena_dup_slice(arena, s), s.len) : GS_SLICE_EMPTY;
}

static const struct gs_git_config_input *copy_config(struct gs_arena *arena,
                                                     const struct gs_git_config_input *from)
{
    if (!from)
        return NULL;
    struct gs_git_config_input *to = gs_arena_alloc(arena, sizeof *to);
    *to = (struct gs_git_config_input){
        .git_url = gs_arena_strdup(arena, from->git_url),
        .branch = gs_arena_strdup(arena, from->branch),
        .github_app_id = gs_arena_strdup(arena, from->github_app_id),
        .github_installation_id = gs_arena_strdup(arena, from->github_installation_id),
        .private_key = copy_slice(arena, from->private_key),
        .enterprise_url = gs_arena_strdup(arena, from->enterprise_url),
        .enterprise_api_url = gs_arena_strdup(arena, from->enterprise_api_url),
        .layout = gs_arena_strdup(arena, from->layout),
        .author_name = gs_arena_strdup(arena, from->author_name),
        .author_email = gs_arena_strdup(arena, from->author_email),
        .disabled = from->disabled,
        .allow_secrets = from->allow_secrets,
        .tag = from->tag,
    };
    return to;
}

static const struct gs_recorded_answer *copy_record(struct gs_arena *arena,
                                                    const struct gs_recorded_answer *from)
{
    if (!from)
        return NULL;
    struct gs_recorded_answer *to = gs_arena_alloc(arena, sizeof *to);
    *to = *from;
    to->scope = gs_arena_strdup(arena, from->scope);
    to->key = gs_arena_strdup(arena, from->key);
    to->request = gs_arena_strdup(arena, from->request);
    to->request_id = gs_arena_strdup(arena, from->request_id);
    return to;
}

void gs_task_copy_request(struct task *task, const struct gs_sync_request *from)
{
    struct gs_arena *arena = task->arena;
    task->request = (struct gs_sync_request){
        .kind = from->kind,
        .organization_id = gs_arena_strdup(arena, from->organization_id),
        .app_id = gs_arena_strdup(arena, from->app_id),
        .version_id = gs_arena_strdup(arena, from->version_id),
        .message = copy_slice(arena, from->message),
        .git_app_id = gs_arena_strdup(arena, from->git_app_id),
        .git_app_name = gs_arena_strdup(arena, from->git_app_name),
        .ref = gs_arena_strdup(arena, from->ref),
        .divergence = from->divergence,
        .max_deletions = from->max_deletions,
        .dry_run = from->dry_run,
        .want_diff = from->want_diff,
        .plan_hash = gs_arena_strdup(arena, from->plan_hash),
        .allow_secrets = from->allow_secrets,
        .record = copy_record(arena, from->record),
        .config = copy_config(arena, from->config),
        .refresh = from->refresh,
        .limit = from->limit,
        .cursor = gs_arena_strdup(arena, from->cursor),
        .commit = gs_arena_strdup(arena, from->commit),
        .from_operation_id = gs_arena_strdup(arena, from->from_operation_id),
        .push = from->push,
        .release_id = gs_arena_strdup(arena, from->release_id),
        .layout = gs_arena_strdup(arena, from->layout),
        .one_commit = from->one_commit,
        .stop_on_error = from->stop_on_error,
    };
}

enum gs_status gs_request_check_message(const struct gs_sync_request *request, struct gs_error *err)
{
    struct gs_slice message = request->message;
    bool required = request->kind == GS_SYNC_PUSH || request->kind == GS_SYNC_PUSH_ALL;
    if (!required && !message.data)
        return GS_OK;
    if (message.len == 0 || message.len > MESSAGE_MAX_BYTES)
        return gs_fail(err, GS_CODE_INVALID_INPUT, "/commitMessage",
                       "commitMessage must have 1 to %d bytes", MESSAGE_MAX_BYTES);
    if (gs_slice_has_nul(message))
        return gs_fail(err, GS_CODE_INVALID_INPUT, "/commitMessage",
                       "commitMessage contains a NUL character");
    return GS_OK;
}

// The app of the call, its version and its link, so that a call that cannot work is refused before it waits.
static enum gs_status check_app(struct gs_tx *tx, struct task *task, struct gs_error *err)
{
    const struct gs_sync_request *request = &task->request;
    struct gs_app app;
    struct gs_version version;
    struct gs_git_link link;
    enum gs_status status = gs_store_get_app(tx, request->app_id, task->arena, &app, err);
    if (status == GS_NOT_FOUND)
        return gs_fail(err, GS_CODE_APP_NOT_FOUND, NULL, "App not found");
    if (status != GS_OK)
        return status;
    task->organization_id = app.organization_id;
    if (request->kind == GS_SYNC_PUSH) {
        status = gs_store_get_version(tx, app.id, request->version_id, task->arena, &version, err);
        return status == GS_NOT_FOUND
                   ? gs_fail(err, GS_CODE_WRONG_VERSION_ID, NULL, "Wrong version Id")
                   : status;
    }
    // A rollback finds out for itself what it needs.
    if (request->kind == GS_SYNC_ROLLBACK)
        return GS_OK;
    status = gs_store_get_link(tx, app.id, task->arena, &link, err);
    return status == GS_NOT_FOUND
               ? gs_fail(err, GS_CODE_APP_NOT_LINKED, NULL, "App is not synced with Git")
               : status;
}

static enum gs_status get_config(struct gs_tx *tx, const char *organization_id,
                                 struct gs_arena *arena, struct gs_git_config *out_config,
                                 struct gs_error *err)
{
    enum gs_status status = gs_store_get_git_config(tx, organization_id, arena, out_config, err);
    if (status == GS_NOT_FOUND)
        return gs_fail(err, GS_CODE_GIT_NOT_CONFIGURED, NULL, "No git configuration found");
    return status;
}

enum gs_status gs_stored_git_url(struct gs_tx *tx, const char *organization_id,
                                 struct gs_arena *arena, const char **out_url, struct gs_error *err)
{
    struct gs_git_config config;
    enum gs_status status = get_config(tx, organization_id, arena, &config, err);
    if (status == GS_OK && !config.enabled)
        return gs_fail(err, GS_CODE_GIT_NOT_CONFIGURED, NULL, "Git is not enabled");
    if (status == GS_OK)
        *out_url = config.git_url;
    return status;
}

// A configuration can be tested although it is switched off, or before it is there.
static enum gs_status find_git_url(struct gs_tx *tx, struct task *task, const char **out_url,
                                   struct gs_error *err)
{
    struct gs_git_config config;
    if (task->request.config) {
        *out_url = task->request.config->git_url;
        return GS_OK;
    }
    if (task->request.kind != GS_SYNC_TEST)
        return gs_stored_git_url(tx, task->organization_id, task->arena, out_url, err);
    enum gs_status status = get_config(tx, task->organization_id, task->arena, &config, err);
    if (status == GS_OK)
        *out_url = config.git_url;
    return status;
}

static enum gs_status check_request(struct gs_sync *sync, struct task *task, const char **out_url,
                                    struct gs_error *err)
{
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    enum gs_status status = gs_request_check_message(&task->request, err);
    if (status == GS_OK)
        status = gs_tx_read(sync->options.store, &tx, err);
    if (status != GS_OK)
        return status;
    if (task->request.app_id) {
        status = check_app(tx, task, err);
    } else {
        task->organization_id = task->request.organization_id;
        status = gs_workspace_check_organization(tx, task->organization_id, task->arena, err);
    }
    return status == GS_OK ? find_git_url(tx, task, out_url, err) : status;
}

// Checks the call and records it; after this it is known and not yet under way.
static enum gs_status record(struct gs_sync *sync, struct task *task,
                             const struct gs_sync_request *request, struct gs_error *err)
{
    gs_task_copy_request(task, request);
    enum gs_status status = check_request(sync, task, &task->git_url, err);
    if (status == GS_OK)
        gs_ahead_prepare(sync, task, task->git_url);
    if (status == GS_OK && gs_is_recorded(request))
        status = gs_operation_insert(sync, task, err);
    gs_crash_point("submit.recorded");
    return status;
}

// Takes the task over, also when it fails; then nobody is told.
static enum gs_status start(struct gs_sync *sync, struct task *task, gs_sync_done *done, void *arg,
                            struct gs_error *err)
{
    task->done = done;
    task->arg = arg;
    enum gs_status status = gs_sync_enqueue(sync, task->git_url, task, err);
    if (status == GS_OK)
        return GS_OK;
    struct gs_error copy = *err;
    copy.details = NULL;
    gs_task_fail(sync, task, &copy);
    task->done = NULL;
    gs_task_finish(task);
    return status;
}

enum gs_status gs_sync_submit(struct gs_sync *sync, const struct gs_sync_request *request,
                              gs_sync_done *done, void *arg, struct gs_error *err)
{
    if (request->kind == GS_SYNC_PUSH_ALL || request->kind == GS_SYNC_PULL_ALL)
        return gs_group_start(sync, request, done, arg, err);
    if (gs_is_look(request)) {
        gs_look_start(sync, request, done, arg);
        return GS_OK;
    }
    struct task *task = gs_task_new();
    enum gs_status status = record(sync, task, request, err);
    if (status == GS_OK)
        return start(sync, task, done, arg, err);
    gs_task_finish(task);
    return status;
}

bool gs_sync_can_detach(const struct gs_sync_request *request)
{
    return gs_is_recorded(request) && !gs_is_look(request);
}

enum gs_status gs_sync_submit_detached(struct gs_sync *sync, const struct gs_sync_request *request,
                                       struct gs_arena *arena, struct gs_operation *out_op,
                                       struct gs_error *err)
{
    struct task *task = gs_task_new();
    task->detached = true;
    enum gs_status status = record(sync, task, request, err);
    if (status != GS_OK) {
        gs_task_finish(task);
        return status;
    }
    // Once it is under way it may be gone at any time.
    struct gs_operation op = gs_operation_copy(arena, &task->op);
    status = start(sync, task, NULL, NULL, err);
    if (status == GS_OK)
        *out_op = op;
    return status;
}
