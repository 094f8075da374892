// The door of the client: asks the breaker, and repeats what may be repeated when the failure looks like one that passes.
// How a single exchange works is perform.c's.
// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "base/random.h"
#include "net/net_internal.h"

enum {
    ATTEMPTS = 3,
    PAUSE_MS = 100,
    // Less time than this is no proof of a slow host.
    FAIR_MS = 500,
};

struct attempt {
    struct gs_net *net;
    const struct gs_net_request *request;
    struct gs_net_target target;
    int64_t started_ms;
    enum gs_status status;
    struct gs_net_response response; // when status is GS_OK
    struct gs_error err;             // else
    bool delivered;                  // on_body got something
};

// What the attempt says of the host as a whole.
static enum gs_net_verdict judge(const struct attempt *attempt)
{
    // One that says when to come back is alive.
    if (attempt->status == GS_OK)
        return attempt->response.status >= 500 && attempt->response.retry_after_s == 0
                   ? GS_NET_VERDICT_FAILED
                   : GS_NET_VERDICT_ALIVE;
    bool waited = gs_clock_mono_ms() - attempt->started_ms >= FAIR_MS;
    if (attempt->err.code == GS_CODE_HOST_UNREACHABLE ||
        (attempt->err.code == GS_CODE_HOST_TIMEOUT && waited))
        return GS_NET_VERDICT_FAILED;
    return attempt->delivered ? GS_NET_VERDICT_ALIVE : GS_NET_VERDICT_NONE;
}

static bool may_pass(const struct attempt *attempt)
{
    if (attempt->status != GS_OK)
        return attempt->err.code == GS_CODE_HOST_UNREACHABLE;
    int status = attempt->response.status;
    return (status == 502 || status == 503 || status == 504) &&
           attempt->response.retry_after_s == 0;
}

static void run(struct attempt *attempt)
{
    attempt->started_ms = gs_clock_mono_ms();
    attempt->status = gs_net_exchange_once(attempt->net, attempt->request, &attempt->target,
                                           &attempt->response, &attempt->delivered, &attempt->err);
    gs_net_breaker_note(&attempt->net->breaker, &attempt->target, judge(attempt));
}

// Waits before the next attempt; false when there is to be none.
static bool prepare_next(struct attempt *attempt, int number)
{
    const struct gs_net_request *request = attempt->request;
    if (!request->repeatable || number == ATTEMPTS || !may_pass(attempt))
        return false;
    int64_t most = PAUSE_MS * number;
    int64_t pause = most / 2 + gs_random_below((uint32_t)most / 2);
    if (gs_clock_mono_ms() + pause >= request->deadline_ms)
        return false;
    gs_clock_sleep_ms(pause);
    if (attempt->delivered && !(request->on_again && request->on_again(request->on_body_arg)))
        return false;
    if (gs_net_breaker_admit(&attempt->net->breaker, &attempt->target, NULL) != GS_OK)
        return false;
    if (attempt->status == GS_OK)
        gs_net_response_release(&attempt->response);
    gs_error_release(&attempt->err);
    attempt->delivered = false;
    return true;
}

static enum gs_status check_time(const struct attempt *attempt, struct gs_error *err)
{
    if (attempt->request->deadline_ms > gs_clock_mono_ms())
        return GS_OK;
    return gs_fail(err, GS_CODE_HOST_TIMEOUT, NULL, "no time is left to ask %s",
                   gs_net_target_authority(&attempt->target));
}

enum gs_status gs_net_perform(struct gs_net *net, const struct gs_net_request *request,
                              struct gs_net_response *out_response, struct gs_error *err)
{
    struct attempt attempt = {.net = net, .request = request};
    enum gs_status status = gs_net_target_parse(request->url, NULL, &attempt.target, err);
    if (status == GS_OK)
        status = gs_net_target_check(net, &attempt.target, NULL, err);
    if (status == GS_OK)
        status = check_time(&attempt, err);
    if (status == GS_OK)
        status = gs_net_breaker_admit(&net->breaker, &attempt.target, err);
    if (status != GS_OK)
        return status;
    int number = 1;
    for (run(&attempt); prepare_next(&attempt, number); number++)
        run(&attempt);
    if (attempt.status == GS_OK)
        *out_response = attempt.response;
    else
        gs_error_move(err, &attempt.err);
    return attempt.status;
}
