// Memory that lives and dies with one request or operation: many small allocations, one release.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_BASE_ARENA_H
#define GS_BASE_ARENA_H

#include <stddef.h>

#include "base/cleanup.h"
#include "base/slice.h"

struct gs_arena;

// Never NULL: bookkeeping of a few kilobytes ends the process when the machine has no memory left.
// What a stranger can make large lives in a gs_buf, which can fail. Not thread-safe.
struct gs_arena *gs_arena_new(void);
void gs_arena_free(struct gs_arena *arena);
void gs_arena_cleanup(struct gs_arena **arena); // for GS_CLEANUP

// Zeroed and aligned for any type.
void *gs_arena_alloc(struct gs_arena *arena, size_t size);
// count elements of size bytes; ends the process on overflow, which no outside input can cause.
void *gs_arena_array(struct gs_arena *arena, size_t count, size_t size);
// NUL-terminated copies. A NULL string gives NULL.
char *gs_arena_strdup(struct gs_arena *arena, const char *s);
char *gs_arena_dup_slice(struct gs_arena *arena, struct gs_slice s);
char *gs_arena_printf(struct gs_arena *arena, const char *fmt, ...) GS_PRINTF(2, 3);

// Heap memory outside of any arena, for caches and queues; never NULL.
void *gs_xcalloc(size_t count, size_t size);
char *gs_xstrdup(const char *s); // NULL gives NULL

#endif
