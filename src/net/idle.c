// Keeps easy handles with their open connections between requests, the last used first: it is the
// least likely to have been closed by the host. Nothing runs in the background; what is too old
// goes when the next request comes by.
// SPDX-License-Identifier: Apache-2.0
#include "base/arena.h"
#include "base/clock.h"
#include "net/net_internal.h"

enum { IDLE_MAX_MS = 60000 };

struct gs_net_parked {
    char origin[GS_NET_ORIGIN_MAX + 1];
    CURL *easy;
    int64_t since_ms;
};

void gs_net_idle_init(struct gs_net_idle *idle, size_t max, CURLSH *share)
{
    idle->share = share;
    pthread_mutex_init(&idle->lock, NULL);
    idle->parked = max ? gs_xcalloc(max, sizeof *idle->parked) : NULL;
    idle->count = 0;
    idle->max = max;
}

void gs_net_idle_release(struct gs_net_idle *idle)
{
    for (size_t i = 0; i < idle->count; i++)
        curl_easy_cleanup(idle->parked[i].easy);
    free(idle->parked);
    pthread_mutex_destroy(&idle->lock);
}

static CURL *remove_at(struct gs_net_idle *idle, size_t i)
{
    CURL *easy = idle->parked[i].easy;
    idle->count--;
    memmove(&idle->parked[i], &idle->parked[i + 1], (idle->count - i) * sizeof *idle->parked);
    return easy;
}

// One at a time, because closing a connection may write to it and must not happen under the lock.
static CURL *remove_stale(struct gs_net_idle *idle)
{
    CURL *easy = NULL;
    pthread_mutex_lock(&idle->lock);
    if (idle->count && gs_clock_mono_ms() - idle->parked[0].since_ms > IDLE_MAX_MS)
        easy = remove_at(idle, 0);
    pthread_mutex_unlock(&idle->lock);
    return easy;
}

static void drop_stale(struct gs_net_idle *idle)
{
    CURL *easy;
    while ((easy = remove_stale(idle)))
        curl_easy_cleanup(easy);
}

// The share survives curl_easy_reset.
static CURL *new_handle(const struct gs_net_idle *idle)
{
    CURL *easy = curl_easy_init();
    if (easy)
        curl_easy_setopt(easy, CURLOPT_SHARE, idle->share);
    return easy;
}

CURL *gs_net_idle_take(struct gs_net_idle *idle, const char *origin)
{
    CURL *easy = NULL;
    drop_stale(idle);
    pthread_mutex_lock(&idle->lock);
    for (size_t i = idle->count; i-- > 0 && !easy;)
        if (strcmp(idle->parked[i].origin, origin) == 0)
            easy = remove_at(idle, i);
    pthread_mutex_unlock(&idle->lock);
    return easy ? easy : new_handle(idle);
}

void gs_net_idle_park(struct gs_net_idle *idle, const char *origin, CURL *easy)
{
    CURL *surplus = NULL;
    curl_easy_reset(easy);
    drop_stale(idle);
    pthread_mutex_lock(&idle->lock);
    if (idle->max == 0) {
        surplus = easy;
    } else {
        if (idle->count == idle->max)
            surplus = remove_at(idle, 0);
        struct gs_net_parked *slot = &idle->parked[idle->count++];
        snprintf(slot->origin, sizeof slot->origin, "%s", origin);
        slot->easy = easy;
        slot->since_ms = gs_clock_mono_ms();
    }
    pthread_mutex_unlock(&idle->lock);
    if (surplus)
        curl_easy_cleanup(surplus);
}
