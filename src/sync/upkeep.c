// The thread that looks after the mirrors, and keeping few of them open. Knows nothing of what they weigh.
// SPDX-License-Identifier: Apache-2.0
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "sync/collect_internal.h"

enum {
    PASS_MS = 5000,
    IDLE_CLOSE_MS = 5 * 60 * 1000,
    IDLE_FORGET_MS = 60 * 60 * 1000,
    FORGOTTEN_AT_ONCE = 64,
    NICENESS = 10, // calls that wait come first
};

// ---- Those that are open; with the lock held -------------------------------

static void take_out(struct repository *repo)
{
    struct upkeep *upkeep = &repo->sync->upkeep;
    if (!repo->is_open)
        return;
    *(repo->used_before ? &repo->used_before->used_after : &upkeep->longest_unused) =
        repo->used_after;
    *(repo->used_after ? &repo->used_after->used_before : &upkeep->just_used) = repo->used_before;
    repo->is_open = false;
    upkeep->open--;
}

static void put_last(struct repository *repo)
{
    struct upkeep *upkeep = &repo->sync->upkeep;
    repo->used_before = upkeep->just_used;
    repo->used_after = NULL;
    *(upkeep->just_used ? &upkeep->just_used->used_after : &upkeep->longest_unused) = repo;
    upkeep->just_used = repo;
    repo->is_open = true;
    upkeep->open++;
}

void gs_upkeep_note(struct repository *repo)
{
    repo->used_ms = gs_clock_mono_ms();
    take_out(repo);
    if (repo->mirror)
        put_last(repo);
}

// The lock is let go while it is closed. Idle ones only.
static void close_one(struct repository *repo)
{
    struct gs_sync *sync = repo->sync;
    take_out(repo);
    (void)gs_schedule_borrow(repo);
    pthread_mutex_unlock(&sync->lock);
    gs_mirror_close(repo->mirror);
    repo->mirror = NULL;
    pthread_mutex_lock(&sync->lock);
    gs_schedule_return(repo);
}

static struct repository *find_idle(const struct gs_sync *sync)
{
    struct repository *repo = sync->upkeep.longest_unused;
    while (repo && repo->turn != TURN_NONE)
        repo = repo->used_after;
    return repo;
}

void gs_upkeep_close_surplus(struct gs_sync *sync)
{
    struct repository *repo;
    while (sync->upkeep.open > sync->options.mirrors_open && (repo = find_idle(sync)))
        close_one(repo);
}

static bool is_idle_for(const struct repository *repo, int64_t ms)
{
    return gs_clock_mono_ms() - repo->used_ms > ms;
}

static void close_unused(struct gs_sync *sync)
{
    struct repository *repo;
    while ((repo = find_idle(sync)) && is_idle_for(repo, IDLE_CLOSE_MS))
        close_one(repo);
}

// A server that has seen many repositories need not remember each for ever.
static void forget_unused(struct gs_sync *sync)
{
    struct repository *found[FORGOTTEN_AT_ONCE];
    size_t count = 0;
    void *value;
    for (size_t cursor = 0;
         count < FORGOTTEN_AT_ONCE && gs_map_next(&sync->repositories, &cursor, NULL, &value);) {
        struct repository *repo = value;
        if (repo->turn == TURN_NONE && !repo->is_open && !repo->unsettled &&
            is_idle_for(repo, IDLE_FORGET_MS))
            found[count++] = repo;
    }
    for (size_t i = 0; i < count; i++) {
        gs_map_remove(&sync->repositories, gs_slice_str(found[i]->name));
        gs_repository_free(found[i]);
    }
}

// ---- Beside the owner ------------------------------------------------------

void gs_upkeep_stand_aside(struct repository *repo, bool discarding)
{
    struct gs_sync *sync = repo->sync;
    struct upkeep *upkeep = &sync->upkeep;
    pthread_mutex_lock(&sync->lock);
    while (upkeep->packing && strcmp(upkeep->packing, repo->name) == 0) {
        upkeep->spoiled |= discarding;
        if (!upkeep->inside)
            break;
        pthread_cond_wait(&upkeep->left, &sync->lock);
    }
    pthread_mutex_unlock(&sync->lock);
}

bool gs_upkeep_is_stopping(struct gs_sync *sync)
{
    pthread_mutex_lock(&sync->lock);
    bool stopping = sync->upkeep.stopping;
    pthread_mutex_unlock(&sync->lock);
    return stopping;
}

// ---- The thread ------------------------------------------------------------

static void wait_for_pass(struct gs_sync *sync)
{
    int64_t until_ms = gs_clock_mono_ms() + PASS_MS;
    while (!sync->upkeep.stopping && !sync->upkeep.asked &&
           gs_clock_cond_wait(&sync->upkeep.wake, &sync->lock, until_ms)) {
    }
}

static void *look_after(void *arg)
{
    struct gs_sync *sync = arg;
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICENESS); // of this thread alone, on Linux
    pthread_mutex_lock(&sync->lock);
    while (!sync->upkeep.stopping) {
        close_unused(sync);
        forget_unused(sync);
        struct collection *asked = sync->upkeep.asked;
        sync->upkeep.asked = NULL;
        pthread_mutex_unlock(&sync->lock);
        gs_collection_run(sync, asked);
        pthread_mutex_lock(&sync->lock);
        wait_for_pass(sync);
    }
    pthread_mutex_unlock(&sync->lock);
    return NULL;
}

enum gs_status gs_upkeep_start(struct gs_sync *sync, struct gs_error *err)
{
    gs_map_init(&sync->upkeep.weights);
    int rc = pthread_create(&sync->upkeep.thread, NULL, look_after, sync);
    sync->upkeep.running = rc == 0;
    if (rc == 0)
        return GS_OK;
    return gs_fail(err, GS_CODE_INTERNAL, NULL, "cannot start a thread: %s", strerror(rc));
}

void gs_upkeep_stop(struct gs_sync *sync)
{
    pthread_mutex_lock(&sync->lock);
    sync->upkeep.stopping = true;
    struct collection *asked = sync->upkeep.asked;
    sync->upkeep.asked = NULL;
    pthread_cond_signal(&sync->upkeep.wake);
    pthread_mutex_unlock(&sync->lock);
    if (sync->upkeep.running) {
        pthread_join(sync->upkeep.thread, NULL);
        gs_room_release(sync);
    }
    sync->upkeep.running = false;
    gs_collection_refuse(asked);
}
