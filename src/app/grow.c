// Arrays that grow in an arena.
// SPDX-License-Identifier: Apache-2.0
#include "app/app_internal.h"

void *gs_arena_grow(struct gs_arena *arena, void *items, size_t count, size_t *capacity,
                    size_t size)
{
    if (count < *capacity)
        return items;
    *capacity = *capacity ? 2 * *capacity : 8;
    void *bigger = gs_arena_array(arena, *capacity, size);
    if (count > 0)
        memcpy(bigger, items, count * size);
    return bigger;
}
