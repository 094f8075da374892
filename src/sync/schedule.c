// Decides when a repository gets a worker: one at a time, not before the moment its host asked for, and never so many of
// one host that the others get none. Knows nothing of what the work is.
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>

#include "base/clock.h"
#include "sync/sync_internal.h"

// The repositories of one host. Guarded by sync->lock, as is everything here.
struct lane {
    char origin[GS_NET_ORIGIN_TEXT + 1];
    size_t repositories;
    size_t running;                  // given to the pool
    struct repository *first, *last; // have work, wait for their turn
    struct lane *next;               // among those that may start one
    bool ready;                      // is among them
};

// ---- Lanes -----------------------------------------------------------------

static size_t lane_width(const struct gs_sync *sync)
{
    size_t workers = sync->options.workers, wanted = sync->options.workers_per_host;
    return wanted > 0 && wanted < workers ? wanted : wanted > 0 ? workers : workers - workers / 4;
}

void gs_schedule_join(struct repository *repo, const char *git_url)
{
    struct gs_map *lanes = &repo->sync->lanes;
    char origin[GS_NET_ORIGIN_TEXT + 1];
    gs_net_origin(git_url, origin);
    struct lane *lane = gs_map_get(lanes, gs_slice_str(origin));
    if (!lane) {
        lane = gs_xcalloc(1, sizeof *lane);
        memcpy(lane->origin, origin, sizeof origin);
        gs_map_put(lanes, gs_slice_str(lane->origin), lane);
    }
    lane->repositories++;
    repo->lane = lane;
}

void gs_schedule_leave(struct repository *repo)
{
    struct lane *lane = repo->lane;
    if (--lane->repositories > 0)
        return;
    gs_map_remove(&repo->sync->lanes, gs_slice_str(lane->origin));
    free(lane);
}

// ---- Parking ---------------------------------------------------------------

static void park(struct repository *repo, int64_t until_ms)
{
    struct gs_sync *sync = repo->sync;
    repo->turn = TURN_PARKED;
    repo->parked_until_ms = until_ms;
    repo->next = sync->parked;
    sync->parked = repo;
    pthread_cond_signal(&sync->wake);
}

static void unpark(struct repository *repo)
{
    struct repository **link = &repo->sync->parked;
    while (*link != repo)
        link = &(*link)->next;
    *link = repo->next;
    repo->turn = TURN_NONE;
}

static struct repository *find_earliest(const struct gs_sync *sync)
{
    struct repository *earliest = sync->parked;
    for (struct repository *repo = sync->parked; repo; repo = repo->next)
        if (repo->parked_until_ms < earliest->parked_until_ms)
            earliest = repo;
    return earliest;
}

// ---- Turns -----------------------------------------------------------------

static void line_up(struct repository *repo)
{
    struct lane *lane = repo->lane;
    repo->turn = TURN_LINED_UP;
    repo->next = NULL;
    *(lane->last ? &lane->last->next : &lane->first) = repo;
    lane->last = repo;
}

static struct repository *take_first(struct lane *lane)
{
    struct repository *repo = lane->first;
    lane->first = repo->next;
    if (!lane->first)
        lane->last = NULL;
    return repo;
}

static void make_ready(struct gs_sync *sync, struct lane *lane)
{
    if (lane->ready || !lane->first || lane->running >= lane_width(sync))
        return;
    lane->ready = true;
    lane->next = NULL;
    *(sync->last_ready ? &sync->last_ready->next : &sync->first_ready) = lane;
    sync->last_ready = lane;
}

static struct lane *take_ready(struct gs_sync *sync)
{
    struct lane *lane = sync->first_ready;
    sync->first_ready = lane->next;
    if (!sync->first_ready)
        sync->last_ready = NULL;
    lane->ready = false;
    return lane;
}

// The hosts take turns.
static void start_ready(struct gs_sync *sync)
{
    while (sync->first_ready && sync->running < sync->options.workers) {
        struct lane *lane = take_ready(sync);
        struct repository *repo = take_first(lane);
        repo->turn = TURN_RUNNING;
        lane->running++;
        sync->running++;
        bool taken = gs_pool_submit(sync->pool, gs_repository_run, repo);
        assert(taken); // it has a place for each worker
        (void)taken;
        make_ready(sync, lane);
    }
}

// What is unsettled is left to the next start when this one ends.
static bool has_work(const struct repository *repo)
{
    return repo->first || (repo->unsettled && !repo->sync->stopping);
}

// When it may be begun.
static int64_t due_ms(const struct repository *repo)
{
    if (repo->sync->stopping)
        return 0;
    return repo->first ? repo->not_before_ms : repo->settle_at_ms;
}

void gs_schedule(struct repository *repo)
{
    if (repo->turn == TURN_PARKED)
        unpark(repo);
    if (repo->turn != TURN_NONE || !has_work(repo))
        return;
    int64_t due = due_ms(repo);
    if (due > gs_clock_mono_ms()) {
        park(repo, due);
        return;
    }
    line_up(repo);
    make_ready(repo->sync, repo->lane);
    start_ready(repo->sync);
}

void gs_schedule_end(struct repository *repo)
{
    struct gs_sync *sync = repo->sync;
    repo->lane->running--;
    sync->running--;
    repo->turn = TURN_NONE;
    make_ready(sync, repo->lane);
    // Behind those who wait already, so that a busy one does not starve the others.
    gs_schedule(repo);
    start_ready(sync);
}

bool gs_schedule_borrow(struct repository *repo)
{
    if (repo->turn != TURN_NONE)
        return false;
    repo->turn = TURN_RUNNING;
    return true;
}

void gs_schedule_return(struct repository *repo)
{
    repo->turn = TURN_NONE;
    gs_schedule(repo);
}

// ---- The clock -------------------------------------------------------------

// Until the time or until something is parked.
static void wait_until(struct gs_sync *sync, const struct repository *earliest)
{
    if (!earliest) {
        pthread_cond_wait(&sync->wake, &sync->lock);
        return;
    }
    (void)gs_clock_cond_wait(&sync->wake, &sync->lock, earliest->parked_until_ms);
}

static void *watch_parked(void *arg)
{
    struct gs_sync *sync = arg;
    pthread_mutex_lock(&sync->lock);
    while (!sync->stopping) {
        struct repository *earliest = find_earliest(sync);
        if (earliest && earliest->parked_until_ms <= gs_clock_mono_ms())
            gs_schedule(earliest);
        else
            wait_until(sync, earliest);
    }
    pthread_mutex_unlock(&sync->lock);
    return NULL;
}

enum gs_status gs_schedule_start(struct gs_sync *sync, struct gs_error *err)
{
    int rc = pthread_create(&sync->watcher, NULL, watch_parked, sync);
    sync->watching = rc == 0;
    if (rc == 0)
        return GS_OK;
    return gs_fail(err, GS_CODE_INTERNAL, NULL, "cannot start a thread: %s", strerror(rc));
}

void gs_schedule_stop(struct gs_sync *sync)
{
    pthread_mutex_lock(&sync->lock);
    sync->stopping = true;
    while (sync->parked)
        gs_schedule(sync->parked);
    pthread_cond_signal(&sync->wake);
    pthread_mutex_unlock(&sync->lock);
    if (sync->watching)
        pthread_join(sync->watcher, NULL);
    sync->watching = false;
}
