// Tasks that are tried again later instead of being ended: calls whose host asked to wait, and pushes of which nobody knows
// whether they arrived.
// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "base/random.h"
#include "sync/sync_internal.h"

enum {
    // A host's clock is not ours, and its callers need not come back all in one moment.
    LATER_MS = 50,
    JITTER_MS = 200,
    FIRST_SETTLE_MS = 500,
    LAST_SETTLE_MS = 60000,
};

// ---- Waiting ---------------------------------------------------------------

bool gs_sync_is_stopping(struct gs_sync *sync)
{
    pthread_mutex_lock(&sync->lock);
    bool stopping = sync->stopping;
    pthread_mutex_unlock(&sync->lock);
    return stopping;
}

// Whether another answer of the host could say something else.
static bool says_nothing(const struct gs_error *err)
{
    enum gs_status status = gs_error_status(err);
    return status == GS_UPSTREAM || status == GS_TIMEOUT || status == GS_BUSY ||
           status == GS_NOMEM || status == GS_INTERNAL;
}

static int64_t settle_pause_ms(const struct task *task, const struct gs_error *err)
{
    int64_t pause = FIRST_SETTLE_MS;
    for (unsigned i = 0; i < task->tries && pause < LAST_SETTLE_MS; i++)
        pause *= 2;
    if (pause > LAST_SETTLE_MS)
        pause = LAST_SETTLE_MS;
    int64_t asked_for = (int64_t)err->retry_after_s * 1000;
    return asked_for > pause ? asked_for : pause;
}

static void put_off(struct task *task, int64_t again_ms)
{
    task->put_off = true;
    task->again_ms = again_ms;
    task->ended = true;
    gs_buf_clear(&task->json);
}

bool gs_task_postpone(struct gs_sync *sync, struct task *task, const struct gs_error *err)
{
    int64_t now = gs_clock_mono_ms();
    if (task->settling && says_nothing(err)) {
        // Whoever made the call has gone, or was told that it failed, or is told so now.
        task->ask_only = !task->detached;
        gs_task_tell_unsettled(task, err);
        put_off(task, now + settle_pause_ms(task, err));
        task->tries++;
        return true;
    }
    int64_t again =
        now + (int64_t)err->retry_after_s * 1000 + LATER_MS + gs_random_below(JITTER_MS);
    if (err->code != GS_CODE_RATE_LIMITED || err->retry_after_s == 0 ||
        again >= task->deadline_ms || gs_sync_is_stopping(sync))
        return false;
    put_off(task, again);
    return true;
}

// ---- The queue; with its lock held -----------------------------------------

static void push_front(struct repository *repo, struct task *task)
{
    task->next = repo->first;
    repo->first = task;
    if (!repo->last)
        repo->last = task;
    repo->sync->waiting++;
}

static void take_back(struct repository *repo, struct task *task)
{
    if (task->settling) {
        bool first = !repo->unsettled || task->again_ms < repo->settle_at_ms;
        if (first)
            repo->settle_at_ms = task->again_ms;
        task->next = repo->unsettled;
        repo->unsettled = task;
    } else {
        if (task->again_ms > repo->not_before_ms)
            repo->not_before_ms = task->again_ms;
        push_front(repo, task);
    }
    task->live.phase = task->settling ? PHASE_SETTLING : PHASE_QUEUED;
    task->put_off = false;
    task->ended = false;
}

struct task *gs_tasks_put_back(struct repository *repo, struct task *batch)
{
    struct task *rest = NULL, **last = &rest, *again = NULL;
    for (struct task *task = batch, *next; task; task = next) {
        next = task->next;
        task->next = NULL;
        if (task->put_off) {
            task->next = again;
            again = task;
        } else {
            *last = task;
            last = &task->next;
        }
    }
    // They were gathered in reverse, so that putting each in front keeps their order.
    for (struct task *next; again; again = next) {
        next = again->next;
        take_back(repo, again);
    }
    return rest;
}

void gs_repository_wake_unsettled(struct repository *repo)
{
    if (!repo->unsettled || repo->settle_at_ms > gs_clock_mono_ms())
        return;
    struct task *due = repo->unsettled;
    repo->unsettled = NULL;
    for (struct task *next; due; due = next) {
        next = due->next;
        push_front(repo, due);
    }
}

// ---- Unknown outcomes ------------------------------------------------------

// The failure that its caller was told stays with the open operation, for the case that nothing arrived.
static enum gs_status record_failure(struct gs_sync *sync, struct task *task,
                                     struct gs_operation *out_op, struct gs_error *err)
{
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    struct gs_operation op = task->op;
    op.phase = gs_phase_name(PHASE_SETTLING);
    op.error_code = gs_code_text(task->err.code);
    op.error_message = task->err.message;
    op.http_status = gs_code_http(task->err.code);
    op.updated_at = gs_clock_now_ms();
    *out_op = op;
    enum gs_status status = gs_tx_write(sync->options.store, &tx, err);
    if (status == GS_OK)
        status = gs_store_update_operation(tx, &op, err);
    return status == GS_OK ? gs_tx_commit(&tx, err) : status;
}

// What cannot be recorded is settled all the same, and else by the next start.
static void settle_later(struct session *session, struct task *task)
{
    struct repository *repo = session->repo;
    struct gs_error ignored = GS_ERROR_INIT;
    struct gs_operation op;
    struct task *later = NULL;
    if (record_failure(session->sync, task, &op, &ignored) != GS_OK)
        gs_error_release(&ignored);
    if (gs_task_restore(&op, &later, &ignored) != GS_OK) {
        gs_error_release(&ignored);
        return;
    }
    put_off(later, gs_clock_mono_ms() + settle_pause_ms(later, &task->err));
    pthread_mutex_lock(&session->sync->lock);
    gs_live_add(repo, later);
    take_back(repo, later);
    pthread_mutex_unlock(&session->sync->lock);
}

void gs_task_leave_open(struct session *session, struct task *task, struct gs_error *err)
{
    if (task->settling) {
        gs_task_fail(session->sync, task, err);
        return;
    }
    gs_error_move(&task->err, err);
    task->ended = true;
    task->left_open = true;
    settle_later(session, task);
    gs_error_prefix(&task->err, "%s", gs_maybe_arrived);
}
