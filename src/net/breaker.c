// Leaves a host alone that failed several times in a row, so that its callers learn it at once and it is not hammered
// while it recovers. Sends nothing itself.
// SPDX-License-Identifier: Apache-2.0
//
// A host has an entry only while it fails. After the pause one request is let through; when that fails too, the pause
// doubles, when it succeeds the entry is gone.
#include "base/arena.h"
#include "base/clock.h"
#include "base/random.h"
#include "net/net_internal.h"

enum { FIRST_PAUSE_MS = 1000, HOSTS_MAX = 10000, FORGET_MS = 10 * 60 * 1000 };

struct host {
    char origin[GS_NET_ORIGIN_MAX + 1];
    unsigned failures; // in a row
    unsigned pauses;   // in a row; 0: it is still asked
    int64_t until_ms;  // of the pause
    int64_t failed_ms; // the last time
    bool probing;      // the request after the pause is on its way
};

void gs_net_breaker_init(struct gs_net_breaker *breaker, unsigned failures, int64_t pause_max_ms)
{
    pthread_mutex_init(&breaker->lock, NULL);
    gs_map_init(&breaker->hosts);
    breaker->failures = failures;
    breaker->pause_max_ms = pause_max_ms;
}

void gs_net_breaker_release(struct gs_net_breaker *breaker)
{
    void *host;
    for (size_t cursor = 0; gs_map_next(&breaker->hosts, &cursor, NULL, &host);)
        free(host);
    gs_map_release(&breaker->hosts);
    pthread_mutex_destroy(&breaker->lock);
}

// ---- With the lock held ----------------------------------------------------

static void forget(struct gs_net_breaker *breaker, struct host *host)
{
    gs_map_remove(&breaker->hosts, gs_slice_str(host->origin));
    free(host);
}

static struct host *find_old(const struct gs_net_breaker *breaker, int64_t now)
{
    void *value;
    for (size_t cursor = 0; gs_map_next(&breaker->hosts, &cursor, NULL, &value);) {
        struct host *host = value;
        if (!host->probing && now - host->failed_ms > FORGET_MS)
            return host;
    }
    return NULL;
}

// Hosts that nobody asks any more must not fill the memory. NULL when there are too many at one time.
static struct host *add_host(struct gs_net_breaker *breaker, const char *origin, int64_t now)
{
    struct host *old = breaker->hosts.count < HOSTS_MAX ? NULL : find_old(breaker, now);
    if (old)
        forget(breaker, old);
    if (breaker->hosts.count >= HOSTS_MAX)
        return NULL;
    struct host *host = gs_xcalloc(1, sizeof *host);
    snprintf(host->origin, sizeof host->origin, "%s", origin);
    gs_map_put(&breaker->hosts, gs_slice_str(host->origin), host);
    return host;
}

static void begin_pause(struct gs_net_breaker *breaker, struct host *host, int64_t now)
{
    int64_t pause = FIRST_PAUSE_MS;
    for (unsigned i = 0; i < host->pauses && pause < breaker->pause_max_ms; i++)
        pause *= 2;
    if (pause > breaker->pause_max_ms)
        pause = breaker->pause_max_ms;
    // Not all servers that wait for a host come back in the same moment.
    host->until_ms = now + pause - gs_random_below((uint32_t)pause / 4 + 1);
    host->pauses++;
}

static void note_failure(struct gs_net_breaker *breaker, const char *origin)
{
    int64_t now = gs_clock_mono_ms();
    struct host *host = gs_map_get(&breaker->hosts, gs_slice_str(origin));
    if (!host)
        host = add_host(breaker, origin, now);
    if (!host)
        return;
    host->failures++;
    host->failed_ms = now;
    // What was on its way when the pause began says nothing new.
    if (host->probing || (host->pauses == 0 && host->failures >= breaker->failures))
        begin_pause(breaker, host, now);
    host->probing = false;
}

// Milliseconds that are left of the pause; 0 when the request may go, which then is the probe.
static int64_t begin_request(struct host *host)
{
    int64_t left = host->until_ms - gs_clock_mono_ms();
    if (left <= 0 && host->probing)
        return 1;
    if (left > 0)
        return left;
    host->probing = true;
    return 0;
}

// ---- The doors -------------------------------------------------------------

enum gs_status gs_net_breaker_admit(struct gs_net_breaker *breaker,
                                    const struct gs_net_target *target, struct gs_error *err)
{
    if (breaker->failures == 0)
        return GS_OK;
    pthread_mutex_lock(&breaker->lock);
    struct host *host = gs_map_get(&breaker->hosts, gs_slice_str(target->origin));
    int64_t left = host && host->pauses > 0 ? begin_request(host) : 0;
    unsigned failures = host ? host->failures : 0;
    pthread_mutex_unlock(&breaker->lock);
    if (left == 0)
        return GS_OK;
    long seconds = (long)((left + 999) / 1000);
    enum gs_status status =
        gs_fail(err, GS_CODE_HOST_DOWN, NULL,
                "%s has failed %u times in a row and is not asked for now; try again in %ld s",
                gs_net_target_authority(target), failures, seconds);
    if (err)
        err->retry_after_s = seconds;
    return status;
}

void gs_net_breaker_note(struct gs_net_breaker *breaker, const struct gs_net_target *target,
                         enum gs_net_verdict verdict)
{
    if (breaker->failures == 0)
        return;
    pthread_mutex_lock(&breaker->lock);
    struct host *host = gs_map_get(&breaker->hosts, gs_slice_str(target->origin));
    if (verdict == GS_NET_VERDICT_FAILED)
        note_failure(breaker, target->origin);
    else if (host && verdict == GS_NET_VERDICT_ALIVE)
        forget(breaker, host);
    else if (host)
        host->probing = false; // the next one probes
    pthread_mutex_unlock(&breaker->lock);
}

void gs_net_list_failing(struct gs_net *net, gs_net_visit_host *visit, void *arg)
{
    struct gs_net_breaker *breaker = &net->breaker;
    int64_t now = gs_clock_mono_ms();
    void *value;
    pthread_mutex_lock(&breaker->lock);
    for (size_t cursor = 0; gs_map_next(&breaker->hosts, &cursor, NULL, &value);) {
        const struct host *host = value;
        const struct gs_net_failing failing = {
            .origin = host->origin,
            .failures = host->failures,
            .state = host->pauses == 0                            ? GS_NET_HOST_ASKED
                     : host->probing || host->until_ms - now <= 0 ? GS_NET_HOST_PROBED
                                                                  : GS_NET_HOST_PAUSED,
        };
        visit(arg, &failing);
    }
    pthread_mutex_unlock(&breaker->lock);
}
