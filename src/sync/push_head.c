// Where a push finds the head of its branch: the host tells it, or it is expected where this server left it. An expectation costs nothing, because the
// push is a compare-and-swap: it succeeds only if nobody else has moved the branch, and else the host is asked after all.
// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "git/history.h"
#include "sync/push_internal.h"

// What was seen longer ago is worth less than the exchange that it spares.
enum { EXPECT_MS = 10 * 60 * 1000 };

// What is said of the branch rests on the head, so only a push that moves the branch can be sent on a guess: not a call that promises to change nothing,
// not one that is bound to a plan, and not one that asks what came of an earlier push.
static bool may_expect(const struct round *round)
{
    if (round->look || round->last || !gs_oid_is_none(&round->sent))
        return false;
    for (size_t i = round->first; i < round->end; i++) {
        const struct task *task = round->batch->items[i].task;
        const struct gs_sync_request *request = &task->request;
        if (task->settling || request->dry_run || request->plan_hash)
            return false;
    }
    return true;
}

static bool expect_head(struct round *round, struct gs_oid *out_head)
{
    struct repository *repo = round->batch->session->repo;
    const struct expected_branch *branch = &repo->expected;
    return may_expect(round) && branch->undisturbed && strcmp(branch->ref, round->ref) == 0 &&
           gs_clock_mono_ms() - branch->seen_ms < EXPECT_MS &&
           gs_mirror_find_ref(repo->mirror, round->ref, out_head, NULL) == GS_OK &&
           gs_mirror_has(repo->mirror, out_head);
}

static void take_expected(struct round *round, const struct gs_oid *head)
{
    struct session *session = round->batch->session;
    struct gs_git_ref *ref = gs_arena_alloc(session->arena, sizeof *ref);
    *ref = (struct gs_git_ref){.name = round->ref, .oid = *head};
    round->advert = session->repo->expected.able;
    round->advert.refs = ref;
    round->advert.count = 1;
    round->head = *head;
    round->expected = true;
}

// Only where the host found the branch as this server had left it, it is expected so the next time: who shares a branch with others would guess wrong
// again and again.
static void note_seen(struct round *round, const struct gs_oid *head)
{
    struct repository *repo = round->batch->session->repo;
    struct expected_branch *branch = &repo->expected;
    struct gs_oid left;
    branch->undisturbed = gs_mirror_find_ref(repo->mirror, round->ref, &left, NULL) == GS_OK &&
                          gs_oid_eq(&left, head);
    branch->seen_ms = gs_clock_mono_ms();
    branch->able = round->advert;
    branch->able.refs = NULL;
    branch->able.count = 0;
    branch->able.head = NULL;
    free(branch->ref);
    branch->ref = gs_xstrdup(round->ref);
}

static enum gs_status ask_host(struct round *round, struct gs_error *err)
{
    struct session *session = round->batch->session;
    enum gs_status status = gs_session_advertise(session, GS_GIT_RECEIVE_PACK, &round->advert, err);
    if (status != GS_OK)
        return status;
    round->head = (struct gs_oid){""};
    const struct gs_git_ref *ref = gs_git_advert_find(&round->advert, round->ref);
    if (!ref && round->advert.count > 0)
        return gs_fail_branch(session->config.branch, err);
    if (!ref)
        return GS_OK;
    note_seen(round, &ref->oid);
    gs_push_enter(round, PHASE_FETCHING);
    return gs_session_fetch_head(session, &round->advert, ref, &round->head, err);
}

enum gs_status gs_push_find_head(struct round *round, struct gs_error *err)
{
    struct gs_oid head;
    enum gs_status status = GS_OK;
    round->ref = gs_session_branch_ref(round->batch->session);
    round->expected = false;
    if (expect_head(round, &head))
        take_expected(round, &head);
    else
        status = ask_host(round, err);
    round->tip = round->head;
    return status;
}

void gs_push_note_outcome(struct round *round, enum gs_push_outcome outcome)
{
    struct expected_branch *branch = &round->batch->session->repo->expected;
    if (outcome == GS_PUSH_DONE)
        branch->seen_ms = gs_clock_mono_ms();
    else
        branch->undisturbed = false;
}
