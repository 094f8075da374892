// After a crash: every operation that was left open is settled. What may have reached the host is asked for there;
// what had not begun to travel has changed nothing and is told as interrupted.
// SPDX-License-Identifier: Apache-2.0
#include "sync/sync_internal.h"

enum { OPEN_MAX = 100000 };

static enum gs_status list_open(struct gs_sync *sync, struct gs_arena *arena,
                                struct gs_operation **out_ops, size_t *out_count,
                                struct gs_error *err)
{
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    struct gs_operation_filter filter = {.open_only = true, .limit = OPEN_MAX};
    enum gs_status status = gs_tx_read(sync->options.store, &tx, err);
    return status == GS_OK ? gs_store_list_operations(tx, &filter, arena, out_ops, out_count, err)
                           : status;
}

static void copy_operation(struct task *task, const struct gs_operation *from)
{
    struct gs_arena *arena = task->arena;
    task->op = *from;
    task->op.id = gs_arena_strdup(arena, from->id);
    task->op.kind = gs_arena_strdup(arena, from->kind);
    task->op.organization_id = gs_arena_strdup(arena, from->organization_id);
    task->op.app_id = gs_arena_strdup(arena, from->app_id);
    task->op.version_id = gs_arena_strdup(arena, from->version_id);
    task->op.request = gs_arena_strdup(arena, from->request);
    task->op.commit = gs_arena_strdup(arena, from->commit);
    task->op.result = gs_arena_strdup(arena, from->result);
    task->op.error_code = gs_arena_strdup(arena, from->error_code);
    task->op.error_message = gs_arena_strdup(arena, from->error_message);
    // Its caller was told that it failed and may have arrived; one that was interrupted has nobody who knows.
    task->ask_only = from->phase && strcmp(from->phase, gs_phase_settling) == 0;
    task->op.phase = task->ask_only ? gs_phase_settling : NULL;
    task->organization_id = task->op.organization_id;
}

// Makes the request of a recorded push again.
static enum gs_status restore_request(struct task *task, struct gs_error *err)
{
    GS_CLEANUP(gs_json_cleanup) yyjson_doc *json = NULL;
    enum gs_status status =
        gs_json_parse(gs_slice_str(task->op.request), "the recorded request", &json, err);
    if (status != GS_OK)
        return status;
    yyjson_val *root = yyjson_doc_get_root(json);
    struct gs_slice message = gs_json_get_str(root, "message");
    struct gs_slice commit = gs_json_get_str(root, "commit");
    struct gs_slice operation = gs_json_get_str(root, "operationId");
    bool rollback = strcmp(task->op.kind, "rollback") == 0;
    int64_t divergence = GS_DIVERGENCE_FAIL;
    (void)gs_slice_to_int(gs_slice_str(yyjson_get_raw(yyjson_obj_get(root, "divergence"))),
                          &divergence);
    task->request = (struct gs_sync_request){
        .kind = rollback ? GS_SYNC_ROLLBACK : GS_SYNC_PUSH,
        .app_id = task->op.app_id,
        .version_id = task->op.version_id,
        .message = gs_slice_of(gs_arena_dup_slice(task->arena, message), message.len),
        .divergence = (enum gs_divergence)divergence,
        .commit = commit.data ? gs_arena_dup_slice(task->arena, commit) : NULL,
        .from_operation_id = operation.data ? gs_arena_dup_slice(task->arena, operation) : NULL,
        .push = true,
    };
    task->settling = true;
    return GS_OK;
}

enum gs_status gs_task_restore(const struct gs_operation *op, struct task **out_task,
                               struct gs_error *err)
{
    struct task *task = gs_task_new();
    copy_operation(task, op);
    enum gs_status status = restore_request(task, err);
    if (status == GS_OK)
        *out_task = task;
    else
        gs_task_finish(task);
    return status;
}

static enum gs_status find_git_url(struct gs_sync *sync, struct task *task, const char **out_url,
                                   struct gs_error *err)
{
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    struct gs_git_config config;
    enum gs_status status = gs_tx_read(sync->options.store, &tx, err);
    if (status == GS_OK)
        status = gs_store_get_git_config(tx, task->organization_id, task->arena, &config, err);
    if (status == GS_OK)
        *out_url = config.git_url;
    return status;
}

static enum gs_status resume(struct gs_sync *sync, struct task *task, struct gs_error *err)
{
    const char *git_url = NULL;
    if (task->op.state != GS_OP_COMMITTED)
        return gs_fail(err, GS_CODE_INTERRUPTED, NULL,
                       "the server was stopped before this call had changed anything; repeat it");
    enum gs_status status = restore_request(task, err);
    if (status == GS_OK)
        status = find_git_url(sync, task, &git_url, err);
    return status == GS_OK ? gs_sync_enqueue(sync, git_url, task, err) : status;
}

enum gs_status gs_sync_recover(struct gs_sync *sync, struct gs_error *err)
{
    GS_CLEANUP(gs_arena_cleanup) struct gs_arena *arena = gs_arena_new();
    struct gs_operation *ops = NULL;
    size_t count = 0;
    enum gs_status status = list_open(sync, arena, &ops, &count, err);
    if (status != GS_OK)
        return status;
    // Oldest first, as they were asked for.
    for (size_t i = count; i-- > 0;) {
        struct task *task = gs_task_new();
        copy_operation(task, &ops[i]);
        struct gs_error failure = GS_ERROR_INIT;
        if (resume(sync, task, &failure) == GS_OK)
            continue;
        gs_task_fail(sync, task, &failure);
        gs_task_finish(task);
    }
    return GS_OK;
}
