// A thread that has the store forget what was kept long enough: every now and then, a few rows at a time, with a pause
// between them, so that calls hardly notice. What is old and why it may go is the store's business.
// SPDX-License-Identifier: Apache-2.0
#include <pthread.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/daemon_internal.h"

enum {
    SHORTEST_ROUND_MS = 1000,
    LONGEST_ROUND_MS = 3600 * 1000,
    ROUNDS_PER_TTL = 10,
    STEP_PAUSE_MS = 20,
};

struct retention {
    struct gs_store *store;
    int64_t operation_ttl_ms, release_ttl_ms; // 0: for ever
    int64_t round_ms;                         // from one to the next
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stopping; // guarded by lock
};

static int64_t before(int64_t now, int64_t ttl_ms)
{
    return ttl_ms > 0 ? now - ttl_ms : 0;
}

static enum gs_status take_step(const struct retention *retention, bool *out_some,
                                struct gs_error *err)
{
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    int64_t now = gs_clock_now_ms();
    struct gs_retention old = {.now = now,
                               .operations_before = before(now, retention->operation_ttl_ms),
                               .releases_before = before(now, retention->release_ttl_ms)};
    bool some = false;
    enum gs_status status = gs_tx_write(retention->store, &tx, err);
    if (status == GS_OK)
        status = gs_store_forget(tx, &old, &some, err);
    if (status == GS_OK && some)
        status = gs_tx_commit(&tx, err);
    if (status == GS_OK)
        *out_some = some;
    return status;
}

// False when the server stops.
static bool pause_for(struct retention *retention, int64_t ms)
{
    int64_t until_ms = gs_clock_mono_ms() + ms;
    bool in_time = true;
    pthread_mutex_lock(&retention->lock);
    while (!retention->stopping && in_time)
        in_time = gs_clock_cond_wait(&retention->wake, &retention->lock, until_ms);
    bool stopping = retention->stopping;
    pthread_mutex_unlock(&retention->lock);
    return !stopping;
}

// Until nothing is left to remove. What fails is tried again in the next round.
static void take_round(struct retention *retention)
{
    GS_CLEANUP(gs_error_release) struct gs_error err = GS_ERROR_INIT;
    int64_t steps = 0;
    bool some = true;
    while (some && pause_for(retention, STEP_PAUSE_MS)) {
        if (take_step(retention, &some, &err) != GS_OK) {
            gs_log(GS_LOG_WARN, "retention_failed", GS_F_STR("error", err.message));
            return;
        }
        steps += some;
    }
    if (steps > 0)
        gs_log(GS_LOG_INFO, "forgot_what_is_old", GS_F_INT("steps", steps));
}

static void *run(void *arg)
{
    struct retention *retention = arg;
    do
        take_round(retention);
    while (pause_for(retention, retention->round_ms));
    return NULL;
}

// A tenth of the shortest time for which something is kept, within reason.
static int64_t choose_round(const struct gs_config *config)
{
    int64_t shortest = config->idempotency_ttl_ms;
    if (config->operation_ttl_ms > 0 && config->operation_ttl_ms < shortest)
        shortest = config->operation_ttl_ms;
    if (config->release_ttl_ms > 0 && config->release_ttl_ms < shortest)
        shortest = config->release_ttl_ms;
    int64_t round = shortest / ROUNDS_PER_TTL;
    if (round < SHORTEST_ROUND_MS)
        return SHORTEST_ROUND_MS;
    return round < LONGEST_ROUND_MS ? round : LONGEST_ROUND_MS;
}

static void init_lock(struct retention *retention)
{
    gs_clock_cond_init(&retention->wake);
    pthread_mutex_init(&retention->lock, NULL);
}

static void release(struct retention *retention)
{
    pthread_cond_destroy(&retention->wake);
    pthread_mutex_destroy(&retention->lock);
    free(retention);
}

enum gs_status gs_daemon_start_retention(struct daemon *daemon, struct gs_error *err)
{
    const struct gs_config *config = &daemon->config;
    struct retention *retention = gs_xcalloc(1, sizeof *retention);
    retention->store = daemon->store;
    retention->operation_ttl_ms = config->operation_ttl_ms;
    retention->release_ttl_ms = config->release_ttl_ms;
    retention->round_ms = choose_round(config);
    init_lock(retention);
    int rc = pthread_create(&retention->thread, NULL, run, retention);
    if (rc != 0) {
        release(retention);
        return gs_fail(err, GS_CODE_INTERNAL, NULL, "cannot start a thread: %s", strerror(rc));
    }
    pthread_setname_np(retention->thread, "retention");
    daemon->retention = retention;
    return GS_OK;
}

void gs_daemon_stop_retention(struct daemon *daemon)
{
    struct retention *retention = daemon->retention;
    if (!retention)
        return;
    pthread_mutex_lock(&retention->lock);
    retention->stopping = true;
    pthread_cond_signal(&retention->wake);
    pthread_mutex_unlock(&retention->lock);
    pthread_join(retention->thread, NULL);
    release(retention);
    daemon->retention = NULL;
}
