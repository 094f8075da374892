// A batch of pushes: one look at the branch, a commit per call on top of each other, one exchange that moves the branch,
// and another round when somebody else was faster.
// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "base/crash.h"
#include "base/random.h"
#include "sync/group_internal.h"
#include "sync/push_internal.h"

enum { BACKOFF_MS = 50, ASK_BACKOFF_STEPS = 6 };

// How a round went for the items it carried.
enum round_result {
    ROUND_SETTLED, // every item of the round has ended
    ROUND_AGAIN,   // the branch moved: build them anew
    ROUND_LOOK, // the branch may not be where it was expected: the same at once, on the head that the host tells
};

void gs_push_enter(struct round *round, enum phase phase)
{
    for (size_t i = round->first; i < round->end; i++)
        gs_task_enter(round->batch->items[i].task, phase);
}

static void fail_pending(struct round *round, const struct gs_error *err)
{
    bool unknown = !gs_oid_is_none(&round->sent);
    if (unknown && round->lost.code != GS_CODE_NONE)
        err = &round->lost;
    for (size_t i = round->first; i < round->end; i++) {
        struct push_item *item = &round->batch->items[i];
        struct gs_error copy = *err;
        copy.details = NULL;
        if (!gs_push_is_pending(item))
            continue;
        if (!unknown || gs_oid_is_none(&item->commit)) {
            gs_push_fail_item(round->batch, item, &copy);
            continue;
        }
        gs_push_item_reset(item);
        gs_task_leave_open(round->batch->session, item->task, &copy);
    }
}

// What is durable as committed is settled by asking the host, should the record of its end be lost in a power cut.
static enum gs_status begin_record(const struct round *round, struct gs_tx **out_tx,
                                   struct gs_error *err)
{
    struct gs_store *store = round->batch->session->sync->options.store;
    for (size_t i = round->first; i < round->end; i++) {
        const struct push_item *item = &round->batch->items[i];
        if (gs_push_is_pending(item) && item->task->op.state != GS_OP_COMMITTED)
            return gs_tx_write(store, out_tx, err);
    }
    return gs_tx_write_relaxed(store, out_tx, err);
}

// The item's commit is on the host: tells the store, and the caller.
static enum gs_status record_items(struct round *round, struct gs_error *err)
{
    struct push_batch *batch = round->batch;
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    enum gs_status status = begin_record(round, &tx, err);
    for (size_t i = round->first; status == GS_OK && i < round->end; i++) {
        struct push_item *item = &batch->items[i];
        if (!gs_push_is_pending(item))
            continue;
        if (gs_oid_is_none(&item->commit))
            item->task->op.commit = round->tip.hex;
        status = gs_push_record(batch, item, tx, err);
    }
    return status == GS_OK ? gs_tx_commit(&tx, err) : status;
}

static enum gs_status finish_items(struct round *round, struct gs_error *err)
{
    gs_push_enter(round, PHASE_RECORDING);
    enum gs_status status = record_items(round, err);
    gs_crash_point("push.recorded");
    if (status != GS_OK) {
        round->sent = round->tip;
        return status;
    }
    for (size_t i = round->first; i < round->end; i++) {
        if (!gs_push_is_pending(&round->batch->items[i]))
            continue;
        gs_push_tag(round, &round->batch->items[i]);
        gs_push_item_reset(&round->batch->items[i]);
        round->batch->items[i].task->ended = true;
    }
    return GS_OK;
}

// Makes the commit ids durable before anything travels, so that a crash can be settled by asking the host.
static enum gs_status record_commits(struct round *round, struct gs_error *err)
{
    struct push_batch *batch = round->batch;
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    enum gs_status status = gs_tx_write(batch->session->sync->options.store, &tx, err);
    for (size_t i = round->first; status == GS_OK && i < round->end; i++) {
        struct push_item *item = &batch->items[i];
        if (!gs_push_is_pending(item) || gs_oid_is_none(&item->commit))
            continue;
        struct task *task = item->task;
        task->op.state = GS_OP_COMMITTED;
        task->op.phase = gs_phase_name(PHASE_PUSHING);
        task->op.progress = gs_phase_progress(PHASE_PUSHING);
        task->op.commit = gs_arena_strdup(task->arena, item->commit.hex);
        task->op.result = gs_arena_dup_slice(task->arena, gs_buf_slice(&task->json));
        task->op.updated_at = gs_clock_now_ms();
        status = gs_store_update_operation(tx, &task->op, err);
    }
    return status == GS_OK ? gs_tx_commit(&tx, err) : status;
}

// After a push whose answer was lost only the host knows what came of it.
static enum gs_status find_sent(struct round *round, bool *out_arrived, struct gs_error *err)
{
    if (gs_oid_is_none(&round->sent) || gs_oid_is_none(&round->head)) {
        *out_arrived = false;
        return GS_OK;
    }
    return gs_mirror_is_ancestor(round->batch->session->repo->mirror, &round->sent, &round->head,
                                 out_arrived, err);
}

static enum gs_status take_outcome(struct round *round, enum gs_push_outcome outcome,
                                   const char *reason, enum round_result *out_result,
                                   struct gs_error *err)
{
    *out_result = outcome == GS_PUSH_DONE ? ROUND_SETTLED : ROUND_AGAIN;
    gs_push_note_outcome(round, outcome);
    if (round->expected && (outcome == GS_PUSH_MOVED || outcome == GS_PUSH_REFUSED)) {
        *out_result = ROUND_LOOK;
        return GS_OK;
    }
    switch (outcome) {
    case GS_PUSH_DONE:
        return finish_items(round, err);
    case GS_PUSH_REFUSED:
        if (gs_push_count_pending(round->batch, round->first, round->end) == 1 ||
            gs_push_unit_end(round->batch, round->first) == round->end)
            return gs_fail(err, GS_CODE_PUSH_REJECTED, NULL, "the git host refused the push: %s",
                           reason);
        // One bad commit must not take the others down with it.
        round->batch->one_by_one = true;
        return GS_OK;
    case GS_PUSH_UNKNOWN:
        gs_error_move(&round->lost, err);
        round->sent = round->tip;
        return GS_OK;
    case GS_PUSH_MOVED:
        break;
    }
    return GS_OK;
}

// Past this nothing is cancelled any more. False: somebody cancelled meanwhile, and others are built on his commit.
static bool seal_items(struct round *round)
{
    struct push_batch *batch = round->batch;
    bool sealed = true;
    for (size_t i = round->first; i < round->end; i++) {
        struct push_item *item = &batch->items[i];
        struct gs_error err = GS_ERROR_INIT;
        if (!gs_push_is_pending(item) || gs_task_seal(item->task, &err) == GS_OK)
            continue;
        gs_push_fail_item(batch, item, &err);
        gs_group_skip_others(batch->session->sync, item->task, batch->items[0].task);
        sealed = false;
    }
    return sealed;
}

static enum gs_status send_round(struct round *round, enum round_result *out_result,
                                 struct gs_error *err)
{
    struct branch_move move = {&round->advert, round->ref, &round->head, &round->tip};
    enum gs_push_outcome outcome;
    const char *reason = "";
    enum gs_status status = record_commits(round, err);
    gs_crash_point("push.committed");
    gs_push_enter(round, PHASE_PUSHING);
    if (status == GS_OK)
        status = gs_session_push(round->batch->session, &move, &outcome, &reason, err);
    gs_crash_point("push.pushed");
    // Nothing has arrived. Without the base that was expected there a host may fail in many ways, and asking it, which is repeated where that
    // helps, tells which.
    bool ask = err->code == GS_CODE_HOST_FAILED || err->code == GS_CODE_HOST_UNREACHABLE;
    if (status != GS_OK && round->expected && ask) {
        gs_error_release(err);
        *out_result = ROUND_LOOK;
        return GS_OK;
    }
    return status == GS_OK ? take_outcome(round, outcome, reason, out_result, err) : status;
}

// Every push was in vain, and nothing has come of any.
static enum gs_status give_up(struct round *round, struct gs_error *err)
{
    if (round->lost.code != GS_CODE_NONE) {
        enum gs_status status = gs_error_status(&round->lost);
        gs_error_move(err, &round->lost);
        return status;
    }
    return gs_fail(
        err, GS_CODE_BRANCH_MOVED, NULL,
        "others pushed to branch '%s' each of the %d times that we tried; nothing was changed, "
        "try again",
        round->batch->session->config.branch, PUSH_ATTEMPTS);
}

// On an expected head only a commit for each item is certain, because it cannot be pushed if the head is another one. That there is nothing to push, or
// that something cannot be pushed, is not.
static bool is_doubtful(const struct round *round, enum gs_status prepared)
{
    bool doubtful = prepared != GS_OK;
    for (size_t i = round->first; i < round->end; i++) {
        const struct push_item *item = &round->batch->items[i];
        doubtful |= gs_push_is_pending(item) && gs_oid_is_none(&item->commit);
    }
    return round->expected && doubtful;
}

static enum gs_status try_round(struct round *round, enum round_result *out_result,
                                struct gs_error *err)
{
    *out_result = ROUND_SETTLED;
    bool arrived = false;
    if (round->last && gs_oid_is_none(&round->sent))
        return give_up(round, err);
    enum gs_status status = gs_push_find_head(round, err);
    gs_crash_point("push.looked");
    if (status == GS_CONFLICT && err->code == GS_CODE_BRANCH_MOVED && !round->last) {
        gs_error_release(err);
        *out_result = ROUND_AGAIN; // it was forced away while it was fetched
        return GS_OK;
    }
    if (status == GS_OK)
        status = find_sent(round, &arrived, err);
    if (status != GS_OK)
        return status;
    if (arrived) {
        round->tip = round->sent;
        return finish_items(round, err);
    }
    round->sent = (struct gs_oid){""};
    if (round->last)
        return give_up(round, err);
    status = gs_push_prepare_round(round, err);
    if (is_doubtful(round, status)) {
        gs_error_release(err);
        *out_result = ROUND_LOOK;
        return GS_OK;
    }
    if (status != GS_OK)
        return status;
    gs_crash_point("push.prepared");
    bool sealed = seal_items(round);
    if (gs_push_count_pending(round->batch, round->first, round->end) == 0)
        return GS_OK;
    if (!sealed) {
        *out_result = ROUND_AGAIN;
        return GS_OK;
    }
    if (gs_oid_eq(&round->tip, &round->head))
        return finish_items(round, err);
    return send_round(round, out_result, err);
}

static void wait_a_little(int attempt)
{
    uint32_t most = BACKOFF_MS << (attempt < PUSH_ATTEMPTS ? attempt : PUSH_ATTEMPTS);
    gs_clock_sleep_ms(most / 2 + gs_random_below(most / 2));
}

// A push may have arrived, so giving up would leave its caller in doubt: waits before the host is asked again, as long as there
// is time.
static bool wait_to_ask(const struct round *round, int attempt, const struct gs_error *err)
{
    enum gs_status status = gs_error_status(err);
    if (gs_oid_is_none(&round->sent) || (status != GS_UPSTREAM && status != GS_BUSY))
        return false;
    int64_t wait_ms = BACKOFF_MS << (attempt < ASK_BACKOFF_STEPS ? attempt : ASK_BACKOFF_STEPS);
    if (err->retry_after_s * 1000 > wait_ms)
        wait_ms = err->retry_after_s * 1000;
    if (gs_clock_mono_ms() + wait_ms >= round->batch->session->deadline_ms)
        return false;
    gs_clock_sleep_ms(wait_ms);
    return true;
}

static bool is_over(const struct round *round, enum round_result result)
{
    bool is_unit = gs_push_unit_end(round->batch, round->first) == round->end;
    return result == ROUND_SETTLED || (round->batch->one_by_one && !is_unit);
}

// Tries until the items have ended, a bounded number of times.
static void push_items(struct push_batch *batch, size_t first, size_t end)
{
    GS_CLEANUP(gs_error_release) struct gs_error err = GS_ERROR_INIT;
    struct round round = {.batch = batch, .first = first, .end = end};
    for (int attempt = 0, asked = 0; attempt <= PUSH_ATTEMPTS;) {
        enum round_result result = ROUND_SETTLED;
        round.last = attempt == PUSH_ATTEMPTS;
        enum gs_status status = try_round(&round, &result, &err);
        // Once, and no try of the push.
        if (gs_session_repairs(batch->session, &status, &err)) {
            round.look = true;
            continue;
        }
        if (status != GS_OK && wait_to_ask(&round, asked++, &err)) {
            gs_error_release(&err);
            continue;
        }
        if (status != GS_OK)
            fail_pending(&round, &err);
        if (status != GS_OK || is_over(&round, result))
            break;
        round.look = true;
        if (result == ROUND_AGAIN)
            wait_a_little(attempt++);
    }
    gs_error_release(&round.lost);
}

void gs_sync_run_pushes(struct session *session, struct task *tasks)
{
    struct push_batch batch = {.session = session};
    for (const struct task *task = tasks; task; task = task->next)
        batch.count++;
    batch.items = gs_arena_array(session->arena, batch.count, sizeof *batch.items);
    for (size_t i = 0; tasks; tasks = tasks->next)
        batch.items[i++].task = tasks;
    push_items(&batch, 0, batch.count);
    for (size_t i = 0, end; batch.one_by_one && i < batch.count; i = end) {
        end = gs_push_unit_end(&batch, i);
        if (gs_push_count_pending(&batch, i, end) > 0)
            push_items(&batch, i, end);
    }
    for (size_t i = 0; i < batch.count; i++)
        gs_push_item_reset(&batch.items[i]);
}
