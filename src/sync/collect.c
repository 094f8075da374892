// What callers ask of the mirrors as a whole: to list them, and to look after them at once.
// SPDX-License-Identifier: Apache-2.0
#include "git/upkeep.h"
#include "sync/collect_internal.h"

struct collection {
    struct collection *next;
    gs_sync_done *done;
    void *arg;
};

// ---- Listing ---------------------------------------------------------------

enum gs_status gs_mirrors_map_urls(struct gs_sync *sync, struct gs_arena *arena,
                                   struct gs_map *urls, struct gs_error *err)
{
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    struct gs_organization *orgs = NULL;
    size_t count = 0;
    enum gs_status status = gs_tx_read(sync->options.store, &tx, err);
    if (status == GS_OK)
        status = gs_store_list_organizations(tx, arena, &orgs, &count, err);
    for (size_t i = 0; status == GS_OK && i < count; i++) {
        struct gs_git_config config;
        status = gs_store_get_git_config(tx, orgs[i].id, arena, &config, err);
        if (status == GS_OK) {
            char *name = gs_arena_alloc(arena, GS_MIRROR_NAME + 1);
            gs_mirrors_name(config.git_url, name);
            gs_map_put(urls, gs_slice_str(name), gs_arena_strdup(arena, config.git_url));
        } else if (status == GS_NOT_FOUND) {
            gs_error_release(err);
            status = GS_OK;
        }
    }
    return status;
}

static bool is_in_use(struct gs_sync *sync, const char *name)
{
    pthread_mutex_lock(&sync->lock);
    const struct repository *repo = gs_map_get(&sync->repositories, gs_slice_str(name));
    bool yes = repo && (repo->turn != TURN_NONE || repo->unsettled);
    pthread_mutex_unlock(&sync->lock);
    return yes;
}

static uint64_t write_mirror(struct gs_sync *sync, const struct gs_mirror_entry *entry,
                             const char *url, yyjson_mut_doc *doc, yyjson_mut_val *list)
{
    struct gs_mirror_size size;
    gs_mirror_measure(entry->folder, &size);
    yyjson_mut_val *obj = yyjson_mut_arr_add_obj(doc, list);
    gs_json_add_str(doc, obj, "id", gs_slice_of(entry->name, strlen(entry->name) - strlen(".git")));
    gs_json_add_cstr(doc, obj, "gitUrl", url);
    yyjson_mut_obj_add_uint(doc, obj, "bytes", size.bytes);
    yyjson_mut_obj_add_uint(doc, obj, "looseObjects", size.loose);
    yyjson_mut_obj_add_uint(doc, obj, "packs", size.packs);
    gs_json_add_time(doc, obj, "lastUsedAt", entry->used_at_ms);
    yyjson_mut_obj_add_bool(doc, obj, "inUse", is_in_use(sync, entry->name));
    return size.bytes;
}

enum gs_status gs_sync_list_mirrors(struct gs_sync *sync, yyjson_mut_doc *doc, yyjson_mut_val *root,
                                    struct gs_error *err)
{
    GS_CLEANUP(gs_arena_cleanup) struct gs_arena *arena = gs_arena_new();
    struct gs_mirror_entry *entries = NULL;
    size_t count = 0;
    uint64_t bytes = 0;
    struct gs_map urls;
    gs_map_init(&urls);
    enum gs_status status = gs_mirrors_map_urls(sync, arena, &urls, err);
    if (status == GS_OK)
        status = gs_mirrors_list(sync->folder, arena, &entries, &count, err);
    if (status == GS_OK) {
        yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, root, "data");
        for (size_t i = 0; i < count; i++)
            bytes += write_mirror(sync, &entries[i],
                                  gs_map_get(&urls, gs_slice_str(entries[i].name)), doc, list);
        yyjson_mut_obj_add_uint(doc, root, "bytes", bytes);
        yyjson_mut_obj_add_uint(doc, root, "limitBytes", sync->options.mirror_limit);
    }
    gs_map_release(&urls);
    return status;
}

// ---- Looking after them at once --------------------------------------------

static void tell(struct collection *asked, struct gs_sync_answer *answer)
{
    asked->done(asked->arg, answer);
    gs_buf_release(&answer->json);
    gs_error_release(&answer->err);
    free(asked);
}

static void answer_with_tally(struct gs_sync *sync, struct collection *asked,
                              const struct tally *tally)
{
    struct gs_sync_counts counts;
    struct gs_sync_answer told = {.recorded = false};
    gs_sync_count(sync, &counts);
    gs_buf_init(&told.json, RESULT_MAX_BYTES);
    gs_buf_printf(&told.json,
                  "{\"packed\":%zu,\"removed\":%zu,\"freedBytes\":%llu,"
                  "\"mirrors\":%zu,\"bytes\":%llu,\"limitBytes\":%llu}",
                  tally->packed, tally->removed, (unsigned long long)tally->freed, counts.mirrors,
                  (unsigned long long)counts.mirror_bytes,
                  (unsigned long long)sync->options.mirror_limit);
    tell(asked, &told);
}

void gs_collection_refuse(struct collection *asked)
{
    for (struct collection *next; asked; asked = next) {
        struct gs_sync_answer told = {.recorded = false};
        next = asked->next;
        gs_buf_init(&told.json, 0);
        (void)gs_fail(&told.err, GS_CODE_SHUTTING_DOWN, NULL, "the server is stopping");
        tell(asked, &told);
    }
}

void gs_collection_run(struct gs_sync *sync, struct collection *asked)
{
    struct tally tally = {0};
    gs_room_check(sync, asked != NULL, &tally);
    if (gs_upkeep_is_stopping(sync)) {
        gs_collection_refuse(asked);
        return;
    }
    for (struct collection *next; asked; asked = next) {
        next = asked->next;
        answer_with_tally(sync, asked, &tally);
    }
}

void gs_sync_collect_mirrors(struct gs_sync *sync, gs_sync_done *done, void *arg)
{
    struct collection *asked = gs_xcalloc(1, sizeof *asked);
    asked->done = done;
    asked->arg = arg;
    pthread_mutex_lock(&sync->lock);
    bool refused = sync->upkeep.stopping || !sync->upkeep.running;
    if (!refused) {
        asked->next = sync->upkeep.asked;
        sync->upkeep.asked = asked;
        pthread_cond_signal(&sync->upkeep.wake);
    }
    pthread_mutex_unlock(&sync->lock);
    if (refused)
        gs_collection_refuse(asked);
}
