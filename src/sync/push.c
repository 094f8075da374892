// A batch of pushes: one look at the branch, a commit per call on top of each other, one exchange that moves the branch,
// and another round when somebody else was faster.
// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "base/crash.h"
#include "base/random.h"
#include "sync/push_internal.h"

enum { BACKOFF_MS = 50 };

// How a round went for the items it carried.
enum round_result {
    ROUND_SETTLED, // every item of the round has ended
    ROUND_AGAIN,   // the branch moved: build them anew
};

struct round {
    struct push_batch *batch;
    struct gs_git_advert advert;
    const char *ref;
    struct gs_oid head, tip;
    size_t first, end;     // the items that take part, by index
    bool may_have_arrived; // what was committed may be on the host although the round failed
};

static bool is_pending(const struct push_item *item)
{
    return !item->task->ended;
}

static void fail_item(struct push_batch *batch, struct push_item *item, struct gs_error *err)
{
    gs_push_item_reset(item);
    gs_task_fail(batch->session->sync, item->task, err);
}

// The caller learns that it failed, but the operation stays open: the next start asks the host what came of it.
static void leave_open(struct push_item *item, struct gs_error *err)
{
    gs_error_prefix(err, "the push was sent and may have arrived; repeat it to be sure");
    gs_push_item_reset(item);
    gs_error_move(&item->task->err, err);
    item->task->ended = true;
}

static void fail_pending(struct round *round, const struct gs_error *err)
{
    for (size_t i = round->first; i < round->end; i++) {
        struct push_item *item = &round->batch->items[i];
        struct gs_error copy = *err;
        copy.details = NULL;
        if (!is_pending(item))
            continue;
        if (round->may_have_arrived && !gs_oid_is_none(&item->commit))
            leave_open(item, &copy);
        else
            fail_item(round->batch, item, &copy);
    }
}

// Learns the head from the advertisement that the push needs anyway, and fetches only what the mirror lacks.
static enum gs_status look_at_branch(struct round *round, struct gs_error *err)
{
    struct session *session = round->batch->session;
    enum gs_status status = gs_session_advertise(session, GS_GIT_RECEIVE_PACK, &round->advert, err);
    if (status != GS_OK)
        return status;
    round->ref = gs_session_branch_ref(session);
    round->head = (struct gs_oid){""};
    const struct gs_git_ref *ref = gs_git_advert_find(&round->advert, round->ref);
    if (!ref && round->advert.count > 0)
        return gs_fail_branch(session->config.branch, err);
    if (ref)
        status = gs_session_fetch_head(session, &round->advert, ref, &round->head, err);
    round->tip = round->head;
    return status;
}

// The item's commit is on the host: tells the store, and the caller.
static enum gs_status record_items(struct round *round, struct gs_error *err)
{
    struct push_batch *batch = round->batch;
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    enum gs_status status = gs_tx_write(batch->session->sync->options.store, &tx, err);
    for (size_t i = round->first; status == GS_OK && i < round->end; i++) {
        struct push_item *item = &batch->items[i];
        if (!is_pending(item))
            continue;
        if (gs_oid_is_none(&item->commit))
            item->task->op.commit = round->tip.hex;
        status = gs_push_record(batch, item, tx, err);
    }
    return status == GS_OK ? gs_tx_commit(&tx, err) : status;
}

static enum gs_status finish_items(struct round *round, struct gs_error *err)
{
    enum gs_status status = record_items(round, err);
    gs_crash_point("push.recorded");
    if (status != GS_OK) {
        round->may_have_arrived = true;
        return status;
    }
    for (size_t i = round->first; i < round->end; i++) {
        if (!is_pending(&round->batch->items[i]))
            continue;
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
        if (!is_pending(item) || gs_oid_is_none(&item->commit))
            continue;
        struct task *task = item->task;
        task->op.state = GS_OP_COMMITTED;
        task->op.phase = "pushing";
        task->op.progress = 60;
        task->op.commit = gs_arena_strdup(task->arena, item->commit.hex);
        task->op.result = gs_arena_dup_slice(task->arena, gs_buf_slice(&task->json));
        task->op.updated_at = gs_clock_now_ms();
        status = gs_store_update_operation(tx, &task->op, err);
    }
    return status == GS_OK ? gs_tx_commit(&tx, err) : status;
}

// An operation that a crash interrupted may have arrived: then it is done as it was recorded.
static enum gs_status settle_interrupted(struct round *round, struct push_item *item,
                                         struct gs_error *err)
{
    struct session *session = round->batch->session;
    struct task *task = item->task;
    struct gs_oid commit;
    bool arrived = false;
    task->settling = false;
    if (!task->op.commit || !gs_oid_parse(gs_slice_str(task->op.commit), &commit) ||
        gs_oid_is_none(&round->head))
        return GS_OK;
    enum gs_status status =
        gs_mirror_is_ancestor(session->repo->mirror, &commit, &round->head, &arrived, err);
    if (status == GS_NOT_FOUND) {
        gs_error_release(err);
        status = GS_OK;
    }
    if (status != GS_OK || !arrived)
        return status;
    GS_CLEANUP(gs_json_cleanup) yyjson_doc *json = NULL;
    status = gs_json_parse(gs_slice_str(task->op.result), "the recorded result", &json, err);
    if (status != GS_OK)
        return status;
    yyjson_val *root = yyjson_doc_get_root(json);
    item->app_id = task->request.app_id;
    item->version_id = task->request.version_id;
    item->git_app_id = gs_arena_dup_slice(task->arena, gs_json_get_str(root, "gitAppId"));
    item->document_id = gs_arena_dup_slice(task->arena, gs_json_get_str(root, "documentId"));
    item->commit = commit;
    item->prepared = true;
    gs_buf_clear(&task->json);
    gs_buf_append_str(&task->json, task->op.result);
    return gs_buf_check(&task->json, "the recorded result", err);
}

// Builds every pending item on the tip; one that cannot be built ends alone.
static enum gs_status prepare_items(struct round *round, struct gs_error *err)
{
    for (size_t i = round->first; i < round->end; i++) {
        struct push_item *item = &round->batch->items[i];
        if (!is_pending(item))
            continue;
        gs_push_item_reset(item);
        enum gs_status status = GS_OK;
        if (item->task->settling)
            status = settle_interrupted(round, item, err);
        // A dry run looks at the branch as it is and leaves no commit behind for the others to build on.
        struct gs_oid looked_at = round->tip;
        bool dry = item->task->request.dry_run;
        if (status == GS_OK && !item->prepared)
            status = gs_push_prepare(round->batch, item, dry ? &looked_at : &round->tip, err);
        if (status == GS_INTERNAL || status == GS_NOMEM)
            return status;
        if (status != GS_OK)
            fail_item(round->batch, item, err);
        if (dry) {
            gs_push_item_reset(item);
            item->task->ended = true;
        }
    }
    return GS_OK;
}

// The connection broke while the host was working: only the host knows what came of it.
static enum gs_status ask_outcome(struct round *round, bool *out_arrived, struct gs_error *err)
{
    struct session *session = round->batch->session;
    struct gs_git_advert advert;
    gs_error_release(err);
    enum gs_status status = gs_session_advertise(session, GS_GIT_RECEIVE_PACK, &advert, err);
    if (status != GS_OK)
        return status;
    const struct gs_git_ref *ref = gs_git_advert_find(&advert, round->ref);
    *out_arrived = ref && gs_oid_eq(&ref->oid, &round->tip);
    if (!ref || *out_arrived || gs_oid_eq(&ref->oid, &round->head))
        return GS_OK;
    struct gs_oid head;
    status = gs_session_fetch_head(session, &advert, ref, &head, err);
    if (status == GS_OK)
        status = gs_mirror_is_ancestor(session->repo->mirror, &round->tip, &head, out_arrived, err);
    return status;
}

static size_t count_pending(const struct round *round)
{
    size_t count = 0;
    for (size_t i = round->first; i < round->end; i++)
        count += is_pending(&round->batch->items[i]);
    return count;
}

static enum gs_status take_outcome(struct round *round, enum gs_push_outcome outcome,
                                   const char *reason, enum round_result *out_result,
                                   struct gs_error *err)
{
    bool arrived = outcome == GS_PUSH_DONE;
    enum gs_status status = GS_OK;
    if (outcome == GS_PUSH_UNKNOWN) {
        round->may_have_arrived = true;
        status = ask_outcome(round, &arrived, err);
    }
    if (status != GS_OK)
        return status;
    round->may_have_arrived = false;
    if (outcome == GS_PUSH_REFUSED && count_pending(round) == 1)
        return gs_fail(err, GS_CODE_PUSH_REJECTED, NULL, "the git host refused the push: %s",
                       reason);
    *out_result = arrived ? ROUND_SETTLED : ROUND_AGAIN;
    // One bad commit must not take the others down with it.
    if (outcome == GS_PUSH_REFUSED)
        round->batch->one_by_one = true;
    return arrived ? finish_items(round, err) : GS_OK;
}

static enum gs_status try_round(struct round *round, enum round_result *out_result,
                                struct gs_error *err)
{
    struct session *session = round->batch->session;
    enum gs_status status = look_at_branch(round, err);
    gs_crash_point("push.looked");
    if (status == GS_OK)
        status = prepare_items(round, err);
    if (status != GS_OK)
        return status;
    gs_crash_point("push.prepared");
    *out_result = ROUND_SETTLED;
    if (count_pending(round) == 0)
        return GS_OK;
    if (gs_oid_eq(&round->tip, &round->head))
        return finish_items(round, err);
    status = record_commits(round, err);
    gs_crash_point("push.committed");
    enum gs_push_outcome outcome;
    const char *reason = "";
    if (status == GS_OK)
        status = gs_git_push(session->repo->mirror, &session->remote, &round->advert, round->ref,
                             &round->head, &round->tip, session->arena, &outcome, &reason, err);
    gs_crash_point("push.pushed");
    return status == GS_OK ? take_outcome(round, outcome, reason, out_result, err) : status;
}

static void wait_a_little(int attempt)
{
    uint32_t most = BACKOFF_MS << attempt;
    gs_clock_sleep_ms(most / 2 + gs_random_below(most / 2));
}

// Tries until the items have ended, a bounded number of times; a mirror that turns out to be damaged is made anew once.
static void push_items(struct push_batch *batch, size_t first, size_t end)
{
    GS_CLEANUP(gs_error_release) struct gs_error err = GS_ERROR_INIT;
    bool rebuilt = false;
    for (int attempt = 0; attempt < PUSH_ATTEMPTS; attempt++) {
        struct round round = {.batch = batch, .first = first, .end = end};
        enum round_result result = ROUND_SETTLED;
        enum gs_status status = try_round(&round, &result, &err);
        if (status == GS_INTERNAL && err.code == GS_CODE_INTERNAL && !rebuilt) {
            rebuilt = true;
            gs_error_release(&err);
            status = gs_session_rebuild_mirror(batch->session, &err);
            result = ROUND_AGAIN;
        }
        if (status != GS_OK)
            fail_pending(&round, &err);
        if (status != GS_OK || result == ROUND_SETTLED || (batch->one_by_one && end - first > 1))
            return;
        wait_a_little(attempt);
    }
    struct round last = {.batch = batch, .first = first, .end = end};
    gs_fail(&err, GS_CODE_BRANCH_MOVED, NULL,
            "others pushed to branch '%s' each of the %d times that we tried; nothing was changed, "
            "try again",
            batch->session->config.branch, PUSH_ATTEMPTS);
    fail_pending(&last, &err);
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
    for (size_t i = 0; batch.one_by_one && i < batch.count; i++)
        if (is_pending(&batch.items[i]))
            push_items(&batch, i, i + 1);
    for (size_t i = 0; i < batch.count; i++)
        gs_push_item_reset(&batch.items[i]);
}
