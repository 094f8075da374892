// A fixed number of threads that run jobs in the order they were given.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_BASE_POOL_H
#define GS_BASE_POOL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct gs_pool;

// name (at most 15 bytes) is shown by ps and gdb. queue_max bounds the jobs that wait.
enum gs_status gs_pool_new(const char *name, size_t threads, size_t queue_max,
                           struct gs_pool **out_pool, struct gs_error *err) GS_MUST_CHECK;
// Runs everything that was submitted, then ends the threads. Nobody may submit any more.
void gs_pool_free(struct gs_pool *pool);

// run(arg) is called on one of the threads. False when queue_max jobs wait already: arg
// stays the caller's. Thread-safe; jobs may submit jobs.
bool gs_pool_submit(struct gs_pool *pool, void (*run)(void *arg), void *arg) GS_MUST_CHECK;

#endif
