// Where a pushed app belongs in a per-entity repository, and whose the place is. Reads the metadata alone.
// SPDX-License-Identifier: Apache-2.0
#include "layout/per_entity_internal.h"

struct search {
    const struct gs_layout_push *push;
    struct gs_arena *arena;
    struct gs_per_entity_place *place;
};

static enum gs_status read_metas(struct search *search, struct gs_mirror *mirror,
                                 const struct gs_oid *parent, struct gs_error *err)
{
    enum gs_status status = GS_OK;
    for (size_t i = 0; i < GS_PER_ENTITY_METAS && status == GS_OK; i++)
        status = gs_meta_read_or_rebuild(mirror, parent, &gs_per_entity_metas[i], search->arena,
                                         NULL, &search->place->metas[i], err);
    return status;
}

// The folder stays in the folder that people have put it into; only its last part is the app's name.
static const char *path_beside(struct gs_arena *arena, struct gs_slice old, const char *name)
{
    size_t above = old.len - gs_per_entity_name_of(old).len;
    return gs_arena_printf(arena, "%.*s%s", (int)above, old.data, name);
}

static enum gs_status find_entry(struct search *search, bool is_module, struct gs_error *err)
{
    struct gs_per_entity_place *place = search->place;
    const struct gs_layout_push *push = search->push;
    for (size_t i = 0; i < GS_PER_ENTITY_METAS; i++) {
        const struct gs_per_entity_meta *meta = &gs_per_entity_metas[i];
        yyjson_val *entry =
            yyjson_obj_get(yyjson_doc_get_root(place->metas[i].doc), push->git_app_id);
        if (!entry)
            continue;
        struct gs_slice path;
        enum gs_status status = gs_per_entity_read_path(meta, push->git_app_id, entry, &path, err);
        if (status != GS_OK)
            return status;
        place->meta = i;
        place->old_path = gs_arena_dup_slice(search->arena, path);
        place->path = path_beside(search->arena, path, push->app_name);
        return GS_OK;
    }
    place->meta = is_module ? 1 : 0;
    place->path = gs_arena_printf(search->arena, "%s/%s", gs_per_entity_metas[place->meta].root,
                                  push->app_name);
    return GS_OK;
}

static bool is_below(struct gs_slice path, const char *folder)
{
    size_t len = strlen(folder);
    return path.len > len && memcmp(path.data, folder, len) == 0 && path.data[len] == '/';
}

// An entry that cannot be read in whole still owns the folder that it names.
static enum gs_status check_others(struct search *search, yyjson_val *root, struct gs_error *err)
{
    struct gs_per_entity_place *place = search->place;
    size_t i, n;
    yyjson_val *key, *entry;
    yyjson_obj_foreach(root, i, n, key, entry)
    {
        struct gs_slice path = gs_json_get_str(entry, "appPath");
        if (path.len == 0 || yyjson_equals_str(key, search->push->git_app_id))
            continue;
        if (gs_slice_eq_str(path, place->path))
            return gs_fail(err, GS_CODE_APP_NAME_TAKEN, NULL,
                           "the folder '%s' in git belongs to another app, %s; rename one of the "
                           "two",
                           place->path, yyjson_get_str(key));
        if (!place->old_path)
            continue;
        place->shared = place->shared || gs_slice_eq_str(path, place->old_path);
        place->nested = place->nested || is_below(path, place->old_path);
    }
    return GS_OK;
}

enum gs_status gs_per_entity_find_place(struct gs_mirror *mirror, const struct gs_oid *parent,
                                        const struct gs_layout_push *push, bool is_module,
                                        struct gs_arena *arena,
                                        struct gs_per_entity_place *out_place, struct gs_error *err)
{
    *out_place = (struct gs_per_entity_place){.path = NULL};
    struct search search = {push, arena, out_place};
    enum gs_status status = read_metas(&search, mirror, parent, err);
    if (status == GS_OK)
        status = find_entry(&search, is_module, err);
    for (size_t i = 0; i < GS_PER_ENTITY_METAS && status == GS_OK; i++)
        status = check_others(&search, yyjson_doc_get_root(out_place->metas[i].doc), err);
    return status;
}

void gs_per_entity_place_release(struct gs_per_entity_place *place)
{
    for (size_t i = 0; i < GS_PER_ENTITY_METAS; i++)
        gs_json_free(place->metas[i].doc);
    *place = (struct gs_per_entity_place){.path = NULL};
}
