// After a crash: every operation that was left open is settled. What may have reached the host is asked for there. What had
// not begun to travel has changed nothing: it is run again when nobody waited for it, and told as interrupted else.
// SPDX-License-Identifier: Apache-2.0
#include "sync/sync_internal.h"

// An operation that nobody waits for is run again at so many starts; of one that is still not ended then, the server may have died.
enum { OPEN_MAX = 100000, RESUMED_MAX = 5 };

// Durable before anything is run again.
static enum gs_status count_start(struct gs_sync *sync, struct gs_error *err)
{
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    enum gs_status status = gs_tx_write(sync->options.store, &tx, err);
    if (status == GS_OK)
        status = gs_store_count_resumed(tx, err);
    return status == GS_OK ? gs_tx_commit(&tx, err) : status;
}

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

static struct task *take_operation(const struct gs_operation *op)
{
    struct task *task = gs_task_new();
    const char *settling = gs_phase_name(PHASE_SETTLING);
    task->op = gs_operation_copy(task->arena, op);
    // Its caller was told that it failed and may have arrived; one that was interrupted has nobody who knows.
    task->ask_only = op->phase && strcmp(op->phase, settling) == 0;
    task->op.phase = task->ask_only ? settling : NULL;
    task->organization_id = task->op.organization_id;
    return task;
}

static enum gs_status prepare(struct task *task, struct gs_error *err)
{
    bool committed = task->op.state == GS_OP_COMMITTED;
    enum gs_status status = gs_operation_restore(task, err);
    if (status != GS_OK)
        return status;
    if (!committed && !task->detached)
        return gs_fail(err, GS_CODE_INTERRUPTED, NULL,
                       "the server was stopped before this call had changed anything; repeat it");
    if (!committed && task->op.resumed > RESUMED_MAX)
        return gs_fail(err, GS_CODE_INTERRUPTED, NULL,
                       "the server was stopped %d times before this call had changed anything; it "
                       "is not tried again. Look in the log whether the call stops it, and repeat "
                       "the call if it does not",
                       RESUMED_MAX + 1);
    // What nobody waited for is wanted as much as ever.
    task->ask_only &= !task->detached;
    task->settling = committed;
    task->live.sealed = committed;
    task->live.phase = committed ? PHASE_SETTLING : PHASE_QUEUED;
    return GS_OK;
}

enum gs_status gs_task_restore(const struct gs_operation *op, struct task **out_task,
                               struct gs_error *err)
{
    struct task *task = take_operation(op);
    enum gs_status status = prepare(task, err);
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
    enum gs_status status = prepare(task, err);
    if (status == GS_OK)
        status = find_git_url(sync, task, &git_url, err);
    if (status == GS_OK)
        gs_sync_enqueue_accepted(sync, git_url, task);
    return status;
}

enum gs_status gs_sync_recover(struct gs_sync *sync, struct gs_error *err)
{
    GS_CLEANUP(gs_arena_cleanup) struct gs_arena *arena = gs_arena_new();
    struct gs_operation *ops = NULL;
    size_t count = 0;
    enum gs_status status = count_start(sync, err);
    if (status == GS_OK)
        status = list_open(sync, arena, &ops, &count, err);
    if (status != GS_OK)
        return status;
    // Oldest first, as they were asked for.
    for (size_t i = count; i-- > 0;) {
        struct task *task = take_operation(&ops[i]);
        struct gs_error failure = GS_ERROR_INIT;
        if (resume(sync, task, &failure) == GS_OK)
            continue;
        gs_task_fail(sync, task, &failure);
        gs_task_finish(task);
    }
    // Only now every mirror that a push may have to be settled on has an owner.
    return gs_upkeep_start(sync, err);
}

// ---- Waiting for an earlier operation -----------------------------------------------------

static enum gs_status answer_ended(const struct gs_operation *op, gs_sync_done *done, void *arg)
{
    struct gs_sync_answer answer = {.operation_id = op->id, .recorded = true};
    gs_buf_init(&answer.json, RESULT_MAX_BYTES);
    if (op->error_code) {
        (void)gs_fail(&answer.err, gs_code_from_text(op->error_code), NULL, "%s",
                      op->error_message);
        if (op->error_details)
            gs_error_take_details(&answer.err, gs_xstrdup(op->error_details));
    } else {
        gs_buf_append_str(&answer.json, op->result);
    }
    done(arg, &answer);
    gs_buf_release(&answer.json);
    gs_error_release(&answer.err);
    return GS_OK;
}

static enum gs_status get_operation(struct gs_sync *sync, const char *operation_id,
                                    struct gs_arena *arena, struct gs_operation *out_op,
                                    struct gs_error *err)
{
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    enum gs_status status = gs_tx_read(sync->options.store, &tx, err);
    return status == GS_OK ? gs_store_get_operation(tx, operation_id, arena, out_op, err) : status;
}

// It is open and nobody works on it: its end could not be told or could not be recorded.
static enum gs_status settle(struct gs_sync *sync, const struct gs_operation *op,
                             gs_sync_done *done, void *arg, struct gs_error *err)
{
    struct task *task = take_operation(op);
    task->done = done;
    task->arg = arg;
    task->recorded = true;
    enum gs_status status = resume(sync, task, err);
    if (status == GS_OK)
        return GS_OK;
    struct gs_error copy = *err;
    copy.details = NULL;
    task->done = NULL;
    gs_task_fail(sync, task, &copy);
    gs_task_finish(task);
    return status;
}

enum gs_status gs_sync_join(struct gs_sync *sync, const char *operation_id, gs_sync_done *done,
                            void *arg, struct gs_error *err)
{
    if (gs_live_join(sync, operation_id, done, arg))
        return GS_OK;
    GS_CLEANUP(gs_arena_cleanup) struct gs_arena *arena = gs_arena_new();
    struct gs_operation op;
    enum gs_status status = get_operation(sync, operation_id, arena, &op, err);
    if (status != GS_OK)
        return status;
    if (!gs_operation_is_open(&op))
        return answer_ended(&op, done, arg);
    if (gs_sync_is_stopping(sync))
        return gs_fail(err, GS_CODE_SHUTTING_DOWN, NULL, "the server is stopping");
    return settle(sync, &op, done, arg, err);
}
