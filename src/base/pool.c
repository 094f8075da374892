// A ring of jobs under one mutex; threads sleep on a condition while it is empty.
// SPDX-License-Identifier: Apache-2.0
#include "base/pool.h"

#include <pthread.h>
#include <signal.h>

#include "base/arena.h"

struct job {
    void (*run)(void *arg);
    void *arg;
};

struct gs_pool {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct job *ring;
    size_t ring_size, first, waiting;
    bool stopping;
    size_t threads;
    pthread_t ids[];
};

static bool next_job(struct gs_pool *pool, struct job *out_job)
{
    pthread_mutex_lock(&pool->lock);
    while (pool->waiting == 0 && !pool->stopping)
        pthread_cond_wait(&pool->wake, &pool->lock);
    bool found = pool->waiting > 0;
    if (found) {
        *out_job = pool->ring[pool->first];
        pool->first = (pool->first + 1) % pool->ring_size;
        pool->waiting--;
    }
    pthread_mutex_unlock(&pool->lock);
    return found;
}

static void *work(void *arg)
{
    struct job job;
    while (next_job(arg, &job))
        job.run(job.arg);
    return NULL;
}

// Signals are the main thread's; a worker that took one would interrupt a library call.
static int start_thread(pthread_t *id, void *pool)
{
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int rc = pthread_create(id, NULL, work, pool);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return rc;
}

enum gs_status gs_pool_new(const char *name, size_t threads, size_t queue_max,
                           struct gs_pool **out_pool, struct gs_error *err)
{
    struct gs_pool *pool = gs_xcalloc(1, sizeof *pool + threads * sizeof pool->ids[0]);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->wake, NULL);
    pool->ring = gs_xcalloc(queue_max, sizeof *pool->ring);
    pool->ring_size = queue_max;
    for (; pool->threads < threads; pool->threads++) {
        int rc = start_thread(&pool->ids[pool->threads], pool);
        if (rc != 0) {
            gs_pool_free(pool);
            return gs_fail(err, GS_CODE_INTERNAL, NULL, "cannot start a thread: %s", strerror(rc));
        }
        pthread_setname_np(pool->ids[pool->threads], name);
    }
    *out_pool = pool;
    return GS_OK;
}

void gs_pool_free(struct gs_pool *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->stopping = true;
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
    for (size_t i = 0; i < pool->threads; i++)
        pthread_join(pool->ids[i], NULL);
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->lock);
    free(pool->ring);
    free(pool);
}

bool gs_pool_submit(struct gs_pool *pool, void (*run)(void *arg), void *arg)
{
    pthread_mutex_lock(&pool->lock);
    bool room = pool->waiting < pool->ring_size;
    if (room) {
        size_t at = (pool->first + pool->waiting) % pool->ring_size;
        pool->ring[at] = (struct job){run, arg};
        pool->waiting++;
        pthread_cond_signal(&pool->wake);
    }
    pthread_mutex_unlock(&pool->lock);
    return room;
}
