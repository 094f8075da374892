// Operations under way: how far each is, who may still stop it, and who wants to hear of it. All of it is memory beside
// the rows in the store, which say only what must outlive a crash.
// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "sync/sync_internal.h"

static const struct {
    const char *name;
    int progress;
} phases[] = {
    [PHASE_QUEUED] = {"queued", 0},          [PHASE_CONNECTING] = {"connecting", 5},
    [PHASE_FETCHING] = {"fetching", 20},     [PHASE_MERGING] = {"merging", 40},
    [PHASE_COMMITTING] = {"committing", 50}, [PHASE_PUSHING] = {"pushing", 60},
    [PHASE_RECORDING] = {"recording", 90},   [PHASE_SETTLING] = {"settling", 60},
};

const char *gs_phase_name(enum phase phase)
{
    return phases[phase].name;
}

int gs_phase_progress(enum phase phase)
{
    return phases[phase].progress;
}

// ---- The register; the lock of the sync is held -------------------------------------------

static void tell_listener(const struct gs_sync *sync)
{
    if (sync->listener)
        sync->listener(sync->listener_arg);
}

static struct task *find_live(const struct gs_sync *sync, const char *operation_id)
{
    return gs_map_get(&sync->live, gs_slice_str(operation_id));
}

void gs_live_add(struct repository *repo, struct task *task)
{
    struct gs_sync *sync = repo->sync;
    task->repo = repo;
    if (!task->op.id)
        return;
    task->live.updated_at = gs_clock_now_ms();
    // The map keeps the key of the first one, which may end before this one.
    gs_map_remove(&sync->live, gs_slice_str(task->op.id));
    gs_map_put(&sync->live, gs_slice_str(task->op.id), task);
    tell_listener(sync);
}

static void forget(struct gs_sync *sync, const struct task *task)
{
    if (!task->op.id || find_live(sync, task->op.id) != task)
        return;
    gs_map_remove(&sync->live, gs_slice_str(task->op.id));
    tell_listener(sync);
}

// Who waits for a task.
struct waiter {
    gs_sync_done *done;
    void *arg;
};

// From here on nobody waits for it any more.
static struct waiter take_waiter(struct task *task)
{
    struct waiter waiter = {task->done, task->arg};
    task->done = NULL;
    return waiter;
}

// ---- The task's own side ------------------------------------------------------------------

const char gs_maybe_arrived[] = "the push was sent and may have arrived; repeat it to be sure";

void gs_task_answer(struct task *task, struct gs_sync_answer *answer)
{
    struct gs_sync *sync = task->repo ? task->repo->sync : NULL;
    if (sync)
        pthread_mutex_lock(&sync->lock);
    struct waiter waiter = take_waiter(task);
    if (sync) {
        forget(sync, task);
        pthread_mutex_unlock(&sync->lock);
    }
    if (waiter.done)
        waiter.done(waiter.arg, answer);
}

static void tell_unsettled(const struct waiter *waiter, const char *operation_id,
                           const struct gs_error *err)
{
    // It is the operation that the record names, or the caller would not have found it.
    struct gs_sync_answer answer = {
        .operation_id = operation_id, .recorded = true, .unsettled = true, .err = *err};
    answer.err.details = NULL;
    gs_buf_init(&answer.json, 0);
    gs_error_prefix(&answer.err, "%s", gs_maybe_arrived);
    if (waiter->done)
        waiter->done(waiter->arg, &answer);
    gs_error_release(&answer.err);
}

void gs_task_tell_unsettled(struct task *task, const struct gs_error *err)
{
    if (!task->repo)
        return;
    pthread_mutex_lock(&task->repo->sync->lock);
    struct waiter waiter = take_waiter(task);
    pthread_mutex_unlock(&task->repo->sync->lock);
    tell_unsettled(&waiter, task->op.id, err);
}

// The first one that waits for a better moment while somebody waits for it; its id is the caller's to free.
static char *dismiss_one(struct gs_sync *sync, struct waiter *out_waiter)
{
    char *operation_id = NULL;
    void *value;
    pthread_mutex_lock(&sync->lock);
    for (size_t at = 0; !operation_id && gs_map_next(&sync->live, &at, NULL, &value);) {
        struct task *task = value;
        if (task->live.phase != PHASE_SETTLING || !task->done)
            continue;
        operation_id = gs_xstrdup(task->op.id);
        *out_waiter = take_waiter(task);
    }
    pthread_mutex_unlock(&sync->lock);
    return operation_id;
}

void gs_live_dismiss(struct gs_sync *sync)
{
    struct gs_error err = GS_ERROR_INIT;
    struct waiter waiter;
    (void)gs_fail(&err, GS_CODE_SHUTTING_DOWN, NULL, "the server is stopping");
    for (char *id; (id = dismiss_one(sync, &waiter));) {
        tell_unsettled(&waiter, id, &err);
        free(id);
    }
}

void gs_task_enter(struct task *task, enum phase phase)
{
    if (!task->repo || !task->op.id || task->ended)
        return;
    struct gs_sync *sync = task->repo->sync;
    pthread_mutex_lock(&sync->lock);
    task->live.started = true;
    task->live.phase = phase;
    // Another round starts from the beginning; what people watch does not go back.
    if (phases[phase].progress > task->live.progress)
        task->live.progress = phases[phase].progress;
    task->live.updated_at = gs_clock_now_ms();
    tell_listener(sync);
    pthread_mutex_unlock(&sync->lock);
}

static const char cancelled_text[] = "the operation was cancelled";

static enum gs_status check(struct task *task, bool seal, struct gs_error *err)
{
    if (!task->repo)
        return GS_OK;
    struct gs_sync *sync = task->repo->sync;
    pthread_mutex_lock(&sync->lock);
    bool cancelled = task->live.cancelled;
    task->live.sealed |= seal && !cancelled;
    pthread_mutex_unlock(&sync->lock);
    return cancelled ? gs_fail(err, GS_CODE_CANCELLED, NULL, "%s", cancelled_text) : GS_OK;
}

enum gs_status gs_task_seal(struct task *task, struct gs_error *err)
{
    return check(task, true, err);
}

enum gs_status gs_task_check(struct task *task, struct gs_error *err)
{
    return check(task, false, err);
}

// ---- For everybody ------------------------------------------------------------------------

void gs_sync_listen(struct gs_sync *sync, void (*changed)(void *arg), void *arg)
{
    pthread_mutex_lock(&sync->lock);
    sync->listener = changed;
    sync->listener_arg = arg;
    pthread_mutex_unlock(&sync->lock);
}

bool gs_operation_is_open(const struct gs_operation *op)
{
    return op->state == GS_OP_QUEUED || op->state == GS_OP_RUNNING || op->state == GS_OP_COMMITTED;
}

static void overlay(const struct task *task, struct gs_operation *op)
{
    if (task->live.started && op->state == GS_OP_QUEUED)
        op->state = GS_OP_RUNNING;
    op->phase = phases[task->live.phase].name;
    if (task->live.progress > op->progress)
        op->progress = task->live.progress;
    if (task->live.updated_at > op->updated_at)
        op->updated_at = task->live.updated_at;
}

void gs_sync_overlay(struct gs_sync *sync, struct gs_operation *ops, size_t count)
{
    pthread_mutex_lock(&sync->lock);
    for (size_t i = 0; i < count; i++) {
        const struct task *task = gs_operation_is_open(&ops[i]) ? find_live(sync, ops[i].id) : NULL;
        if (task)
            overlay(task, &ops[i]);
    }
    pthread_mutex_unlock(&sync->lock);
}

bool gs_live_join(struct gs_sync *sync, const char *operation_id, gs_sync_done *done, void *arg)
{
    pthread_mutex_lock(&sync->lock);
    struct task *task = find_live(sync, operation_id);
    // One that waits for a better moment has none any more in a server that stops.
    bool waits_in_vain = task && sync->stopping && task->live.phase == PHASE_SETTLING;
    bool joined = task && !task->done && !task->live.cancelled && !waits_in_vain;
    if (joined) {
        task->done = done;
        task->arg = arg;
        // It may be waiting for a better moment; now somebody wants to know.
        task->repo->settle_at_ms = 0;
        gs_schedule(task->repo);
    }
    pthread_mutex_unlock(&sync->lock);
    return joined;
}

// ---- Cancelling ---------------------------------------------------------------------------

static bool try_cancel(struct gs_sync *sync, const char *operation_id, struct waiter *out_waiter)
{
    pthread_mutex_lock(&sync->lock);
    struct task *task = find_live(sync, operation_id);
    // Also one that somebody else is cancelling right now.
    bool cancelled = task && !task->live.sealed;
    if (cancelled) {
        task->live.cancelled = true;
        // A call for several apps is answered as a whole, when all of them have ended.
        *out_waiter = task->group ? (struct waiter){NULL, NULL} : take_waiter(task);
    }
    pthread_mutex_unlock(&sync->lock);
    return cancelled;
}

static enum gs_status check_exists(struct gs_sync *sync, const char *operation_id,
                                   struct gs_arena *arena, struct gs_error *err)
{
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    struct gs_operation op;
    enum gs_status status = gs_tx_read(sync->options.store, &tx, err);
    if (status == GS_OK)
        status = gs_store_get_operation(tx, operation_id, arena, &op, err);
    if (status == GS_NOT_FOUND)
        return gs_fail(err, GS_CODE_NOT_FOUND, NULL, "no operation with this id");
    return status;
}

static enum gs_status record_cancelled(struct gs_sync *sync, const char *operation_id,
                                       struct gs_arena *arena, struct gs_error *err)
{
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    struct gs_operation op;
    enum gs_status status = gs_tx_write(sync->options.store, &tx, err);
    if (status == GS_OK)
        status = gs_store_get_operation(tx, operation_id, arena, &op, err);
    if (status != GS_OK)
        return status;
    op.state = GS_OP_CANCELLED;
    op.progress = 100;
    op.phase = NULL;
    op.updated_at = gs_clock_now_ms();
    op.http_status = gs_code_http(GS_CODE_CANCELLED);
    op.error_code = gs_code_text(GS_CODE_CANCELLED);
    op.error_message = cancelled_text;
    status = gs_store_update_operation(tx, &op, err);
    return status == GS_OK ? gs_tx_commit(&tx, err) : status;
}

// The row has ended, although the task may still have to notice.
static void tell_row_changed(struct gs_sync *sync, const char *operation_id)
{
    pthread_mutex_lock(&sync->lock);
    struct task *task = find_live(sync, operation_id);
    if (task)
        task->live.updated_at = gs_clock_now_ms();
    tell_listener(sync);
    pthread_mutex_unlock(&sync->lock);
}

static void answer_cancelled(const struct waiter *waiter, const char *operation_id)
{
    struct gs_sync_answer answer = {.operation_id = operation_id, .recorded = true};
    gs_buf_init(&answer.json, 0);
    (void)gs_fail(&answer.err, GS_CODE_CANCELLED, NULL, "%s", cancelled_text);
    if (waiter->done)
        waiter->done(waiter->arg, &answer);
    gs_error_release(&answer.err);
}

enum gs_status gs_sync_cancel(struct gs_sync *sync, const char *operation_id, struct gs_error *err)
{
    GS_CLEANUP(gs_arena_cleanup) struct gs_arena *arena = gs_arena_new();
    struct waiter waiter;
    enum gs_status status = check_exists(sync, operation_id, arena, err);
    if (status != GS_OK)
        return status;
    if (!try_cancel(sync, operation_id, &waiter))
        return gs_fail(err, GS_CODE_NOT_CANCELLABLE, NULL,
                       "the operation has ended or cannot be stopped any more");
    // The task ends by itself, without any effect; what is told does not wait for that.
    status = record_cancelled(sync, operation_id, arena, err);
    tell_row_changed(sync, operation_id);
    answer_cancelled(&waiter, operation_id);
    return status;
}
