// What the mirrors weigh, packing them, and removing those that were not used for longest when all together take too much room.
// On the thread of the upkeep; a mirror that somebody works on, or may have to settle a push on, is never removed.
// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "git/upkeep.h"
#include "sync/sync_internal.h"

// Weighing walks through a mirror; a busy one is weighed so seldom that this takes a hundredth of the time.
enum { PAUSE_FACTOR = 100 };

struct weight {
    char name[GS_MIRROR_NAME + 1];
    int64_t used_at_ms; // of the mirror when it was weighed
    int64_t again_ms;   // not before, on the monotonic clock; 0: never weighed
    uint64_t bytes;
};

struct mirrors {
    struct gs_sync *sync;
    struct gs_arena *arena;
    struct gs_mirror_entry *entries;
    size_t count;
    struct tally *tally;
};

// ---- Packing ---------------------------------------------------------------

static bool goes_on(void *arg)
{
    struct gs_sync *sync = arg;
    pthread_mutex_lock(&sync->lock);
    bool yes = !sync->upkeep.stopping && !sync->upkeep.spoiled;
    pthread_mutex_unlock(&sync->lock);
    return yes;
}

static bool enter(void *arg)
{
    struct gs_sync *sync = arg;
    pthread_mutex_lock(&sync->lock);
    bool yes = !sync->upkeep.stopping && !sync->upkeep.spoiled;
    sync->upkeep.inside = yes;
    pthread_mutex_unlock(&sync->lock);
    return yes;
}

static void leave(void *arg)
{
    struct gs_sync *sync = arg;
    pthread_mutex_lock(&sync->lock);
    sync->upkeep.inside = false;
    pthread_cond_broadcast(&sync->upkeep.left);
    pthread_mutex_unlock(&sync->lock);
}

// Whether it was thrown away meanwhile.
static bool set_packing(struct gs_sync *sync, const char *name)
{
    pthread_mutex_lock(&sync->lock);
    bool spoiled = sync->upkeep.spoiled;
    sync->upkeep.packing = name;
    sync->upkeep.spoiled = false;
    pthread_mutex_unlock(&sync->lock);
    return spoiled;
}

static bool evict(struct gs_sync *sync, const struct gs_mirror_entry *entry);

static void pack(struct mirrors *mirrors, const struct gs_mirror_entry *entry)
{
    struct gs_sync *sync = mirrors->sync;
    const struct gs_packing packing = {
        .scratch = gs_arena_printf(mirrors->arena, "%s/packing", sync->folder),
        .goes_on = goes_on,
        .enter = enter,
        .leave = leave,
        .arg = sync,
    };
    struct gs_error err = GS_ERROR_INIT;
    bool done = false;
    enum gs_status status = GS_OK;
    (void)set_packing(sync, entry->name);
    while (status == GS_OK && !done && goes_on(sync))
        status = gs_mirror_pack(entry->folder, &packing, &done, &err);
    bool spoiled = set_packing(sync, NULL);
    mirrors->tally->packed += done;
    // It would never be packed; the next call fetches it anew. A full disk is not its fault.
    if (status == GS_INTERNAL && err.code == GS_CODE_INTERNAL && !spoiled)
        mirrors->tally->removed += evict(sync, entry);
    gs_error_release(&err);
}

// Whether enough was done on it to look at it again.
static bool take_unpacked(struct gs_sync *sync, const char *name)
{
    pthread_mutex_lock(&sync->lock);
    struct repository *repo = gs_map_get(&sync->repositories, gs_slice_str(name));
    bool due = repo && repo->unpacked >= UNPACKED_TASKS;
    if (due)
        repo->unpacked = 0;
    pthread_mutex_unlock(&sync->lock);
    return due;
}

static void pack_them(struct mirrors *mirrors, bool all)
{
    for (size_t i = 0; i < mirrors->count && !gs_upkeep_is_stopping(mirrors->sync); i++) {
        const struct gs_mirror_entry *entry = &mirrors->entries[i];
        bool due = take_unpacked(mirrors->sync, entry->name);
        if (all || (due && gs_mirror_wants_packing(entry->folder)))
            pack(mirrors, entry);
    }
}

// ---- Weighing --------------------------------------------------------------

static struct weight *get_weight(struct gs_map *weights, const char *name)
{
    struct weight *weight = gs_map_get(weights, gs_slice_str(name));
    if (weight)
        return weight;
    weight = gs_xcalloc(1, sizeof *weight);
    snprintf(weight->name, sizeof weight->name, "%s", name);
    gs_map_put(weights, gs_slice_str(weight->name), weight);
    return weight;
}

static uint64_t weigh(struct gs_sync *sync, const struct gs_mirror_entry *entry, bool now)
{
    struct weight *weight = get_weight(&sync->upkeep.weights, entry->name);
    int64_t begin = gs_clock_mono_ms();
    bool stale = weight->used_at_ms != entry->used_at_ms && begin >= weight->again_ms;
    if (now || stale || weight->again_ms == 0) {
        struct gs_mirror_size size;
        gs_mirror_measure(entry->folder, &size);
        weight->bytes = size.bytes;
        weight->used_at_ms = entry->used_at_ms;
        int64_t end = gs_clock_mono_ms();
        weight->again_ms = end + (end - begin) * PAUSE_FACTOR;
    }
    return weight->bytes;
}

static void forget_weight(struct gs_sync *sync, const char *name)
{
    free(gs_map_remove(&sync->upkeep.weights, gs_slice_str(name)));
}

void gs_room_release(struct gs_sync *sync)
{
    void *weight;
    for (size_t cursor = 0; gs_map_next(&sync->upkeep.weights, &cursor, NULL, &weight);)
        free(weight);
    gs_map_release(&sync->upkeep.weights);
}

static uint64_t weigh_all(const struct mirrors *mirrors, bool now)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < mirrors->count; i++)
        bytes += weigh(mirrors->sync, &mirrors->entries[i], now);
    return bytes;
}

// ---- Room ------------------------------------------------------------------

// Renaming is one step, so that nobody has to wait for the removal of all the files. False when somebody works on it.
static bool evict(struct gs_sync *sync, const struct gs_mirror_entry *entry)
{
    struct gs_error ignored = GS_ERROR_INIT;
    pthread_mutex_lock(&sync->lock);
    struct repository *repo = gs_map_get(&sync->repositories, gs_slice_str(entry->name));
    bool mine = !repo || (!repo->unsettled && gs_schedule_borrow(repo));
    // Nobody can begin to work on one that has no owner, because the lock is held.
    bool gone = mine && !repo && gs_mirrors_hide(entry->folder, &ignored) == GS_OK;
    pthread_mutex_unlock(&sync->lock);
    if (mine && repo) {
        gs_mirror_close(repo->mirror);
        repo->mirror = NULL;
        gone = gs_mirrors_hide(entry->folder, &ignored) == GS_OK;
        pthread_mutex_lock(&sync->lock);
        gs_upkeep_note(repo);
        gs_schedule_return(repo);
        pthread_mutex_unlock(&sync->lock);
    }
    gs_error_release(&ignored);
    if (gone)
        forget_weight(sync, entry->name);
    return gone;
}

// The one that was used last stays in any case: it would only be fetched again.
static void make_room(struct mirrors *mirrors, uint64_t bytes)
{
    struct gs_sync *sync = mirrors->sync;
    for (size_t i = 0; i + 1 < mirrors->count && bytes > sync->options.mirror_limit; i++) {
        uint64_t weight = weigh(sync, &mirrors->entries[i], false);
        if (!evict(sync, &mirrors->entries[i]))
            continue;
        mirrors->tally->removed++;
        bytes -= weight;
    }
}

static void remove_unnamed(struct mirrors *mirrors)
{
    struct gs_error ignored = GS_ERROR_INIT;
    struct gs_map urls;
    gs_map_init(&urls);
    if (gs_mirrors_map_urls(mirrors->sync, mirrors->arena, &urls, &ignored) == GS_OK)
        for (size_t i = 0; i < mirrors->count; i++)
            if (!gs_map_get(&urls, gs_slice_str(mirrors->entries[i].name)))
                mirrors->tally->removed += evict(mirrors->sync, &mirrors->entries[i]);
    gs_map_release(&urls);
    gs_error_release(&ignored);
}

static bool list(struct mirrors *mirrors)
{
    struct gs_error ignored = GS_ERROR_INIT; // then the next pass
    enum gs_status status = gs_mirrors_list(mirrors->sync->folder, mirrors->arena,
                                            &mirrors->entries, &mirrors->count, &ignored);
    gs_error_release(&ignored);
    return status == GS_OK;
}

static void note_total(const struct mirrors *mirrors, uint64_t bytes)
{
    struct gs_sync *sync = mirrors->sync;
    pthread_mutex_lock(&sync->lock);
    sync->upkeep.mirrors = mirrors->count;
    sync->upkeep.bytes = bytes;
    pthread_mutex_unlock(&sync->lock);
}

void gs_room_check(struct gs_sync *sync, bool all, struct tally *tally)
{
    GS_CLEANUP(gs_arena_cleanup) struct gs_arena *arena = gs_arena_new();
    struct mirrors mirrors = {.sync = sync, .arena = arena, .tally = tally};
    gs_mirrors_sweep(sync->folder); // what a kill left
    if (!list(&mirrors))
        return;
    uint64_t before = weigh_all(&mirrors, all);
    if (all)
        remove_unnamed(&mirrors);
    if (!list(&mirrors))
        return;
    pack_them(&mirrors, all);
    if (list(&mirrors))
        make_room(&mirrors, weigh_all(&mirrors, all));
    gs_mirrors_sweep(sync->folder);
    if (!list(&mirrors))
        return;
    uint64_t after = weigh_all(&mirrors, false);
    tally->freed = before > after ? before - after : 0;
    note_total(&mirrors, after);
}
