// A hash map from byte strings to pointers, seeded per process so that keys from outside cannot be made to collide.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_BASE_MAP_H
#define GS_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

// Keys are views: whoever puts one keeps its bytes alive and unchanged while it is in the map.
// Values are the caller's; the map never frees them. Not thread-safe.
struct gs_map {
    struct gs_map_slot *slots;
    size_t count;
    size_t capacity;
};

void gs_map_init(struct gs_map *map);
// Makes room for count keys at once.
void gs_map_reserve(struct gs_map *map, size_t count);
void gs_map_release(struct gs_map *map);

// NULL when there is no such key. Values must not be NULL.
void *gs_map_get(const struct gs_map *map, struct gs_slice key);
// Returns the value that was there before, or NULL. On replacing, the old key stays.
void *gs_map_put(struct gs_map *map, struct gs_slice key, void *value);
// Returns the removed value, or NULL.
void *gs_map_remove(struct gs_map *map, struct gs_slice key);

// Iterates in no particular order: start with cursor 0; false at the end. No put or remove meanwhile.
bool gs_map_next(const struct gs_map *map, size_t *cursor, struct gs_slice *out_key,
                 void **out_value);

// The map's own seeded hash, for tables that cannot be a gs_map. Thread-safe; not to be stored.
uint64_t gs_map_hash(struct gs_slice key);

#endif
