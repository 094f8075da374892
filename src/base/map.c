// Open addressing with linear probing over SipHash-1-3 (Aumasson and Bernstein, 2012).
// SPDX-License-Identifier: Apache-2.0
#include "base/map.h"

#include <assert.h>
#include <pthread.h>

#include "base/arena.h"
#include "base/random.h"

struct gs_map_slot {
    struct gs_slice key;
    uint64_t hash;
    void *value; // NULL: free
};

static uint64_t seed[2];
static pthread_once_t seeded = PTHREAD_ONCE_INIT;

static void make_seed(void)
{
    gs_random_bytes(seed, sizeof seed);
}

static uint64_t rotate(uint64_t x, int bits)
{
    return (x << bits) | (x >> (64 - bits));
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] = rotate(v[0], 32);
    v[2] += v[1];
    v[0] += v[3];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] = rotate(v[2], 32);
}

uint64_t gs_map_hash(struct gs_slice key)
{
    pthread_once(&seeded, make_seed);
    uint64_t v[4] = {seed[0] ^ 0x736f6d6570736575ULL, seed[1] ^ 0x646f72616e646f6dULL,
                     seed[0] ^ 0x6c7967656e657261ULL, seed[1] ^ 0x7465646279746573ULL};
    size_t i = 0;
    for (; i + 8 <= key.len; i += 8) {
        uint64_t word;
        memcpy(&word, key.data + i, 8);
        v[3] ^= word;
        sip_round(v);
        v[0] ^= word;
    }
    uint64_t last = (uint64_t)key.len << 56;
    for (size_t shift = 0; i < key.len; i++, shift += 8)
        last |= (uint64_t)(unsigned char)key.data[i] << shift;
    v[3] ^= last;
    sip_round(v);
    v[0] ^= last;
    v[2] ^= 0xff;
    for (int r = 0; r < 3; r++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void gs_map_init(struct gs_map *map)
{
    *map = (struct gs_map){0};
}

void gs_map_release(struct gs_map *map)
{
    free(map->slots);
    gs_map_init(map);
}

// The slot of the key, or the free one where it belongs.
static struct gs_map_slot *find(const struct gs_map *map, struct gs_slice key, uint64_t hash)
{
    size_t mask = map->capacity - 1;
    for (size_t i = (size_t)hash & mask;; i = (i + 1) & mask) {
        struct gs_map_slot *slot = &map->slots[i];
        if (!slot->value || (slot->hash == hash && gs_slice_eq(slot->key, key)))
            return slot;
    }
}

static void grow_to(struct gs_map *map, size_t capacity)
{
    struct gs_map bigger = {gs_xcalloc(capacity, sizeof *bigger.slots), map->count, capacity};
    for (size_t i = 0; i < map->capacity; i++)
        if (map->slots[i].value)
            *find(&bigger, map->slots[i].key, map->slots[i].hash) = map->slots[i];
    free(map->slots);
    *map = bigger;
}

void gs_map_reserve(struct gs_map *map, size_t count)
{
    size_t capacity = 16;
    while (capacity / 4 * 3 < count)
        capacity *= 2;
    if (capacity > map->capacity)
        grow_to(map, capacity);
}

void *gs_map_get(const struct gs_map *map, struct gs_slice key)
{
    return map->count ? find(map, key, gs_map_hash(key))->value : NULL;
}

void *gs_map_put(struct gs_map *map, struct gs_slice key, void *value)
{
    assert(value);
    gs_map_reserve(map, map->count + 1);
    uint64_t hash = gs_map_hash(key);
    struct gs_map_slot *slot = find(map, key, hash);
    void *old = slot->value;
    if (old) {
        slot->value = value;
        return old;
    }
    *slot = (struct gs_map_slot){key, hash, value};
    map->count++;
    return NULL;
}

// Moves later members of the probe run back, so that no tombstones are needed.
static void close_gap(struct gs_map *map, size_t gap)
{
    size_t mask = map->capacity - 1;
    for (size_t i = (gap + 1) & mask; map->slots[i].value; i = (i + 1) & mask) {
        size_t home = (size_t)map->slots[i].hash & mask;
        if (((i - home) & mask) < ((i - gap) & mask))
            continue;
        map->slots[gap] = map->slots[i];
        gap = i;
    }
    map->slots[gap] = (struct gs_map_slot){0};
}

void *gs_map_remove(struct gs_map *map, struct gs_slice key)
{
    if (!map->count)
        return NULL;
    struct gs_map_slot *slot = find(map, key, gs_map_hash(key));
    void *old = slot->value;
    if (!old)
        return NULL;
    close_gap(map, (size_t)(slot - map->slots));
    map->count--;
    return old;
}

bool gs_map_next(const struct gs_map *map, size_t *cursor, struct gs_slice *out_key,
                 void **out_value)
{
    while (*cursor < map->capacity) {
        const struct gs_map_slot *slot = &map->slots[(*cursor)++];
        if (!slot->value)
            continue;
        if (out_key)
            *out_key = slot->key;
        *out_value = slot->value;
        return true;
    }
    return false;
}
