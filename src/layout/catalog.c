// Finds apps in a catalog, by what they are called and by where they are.
// SPDX-License-Identifier: Apache-2.0
#include "base/map.h"
#include "layout/per_entity_internal.h"

const struct gs_git_app *gs_catalog_find(const struct gs_catalog *catalog, const char *git_app_id)
{
    for (size_t i = 0; i < catalog->count; i++)
        if (strcmp(catalog->apps[i].id, git_app_id) == 0)
            return &catalog->apps[i];
    return NULL;
}

const struct gs_git_app *gs_catalog_find_by_name(const struct gs_catalog *catalog, const char *name)
{
    const struct gs_git_app *found = NULL;
    for (size_t i = 0; i < catalog->count; i++) {
        if (strcmp(catalog->apps[i].name, name) != 0)
            continue;
        if (found)
            return NULL;
        found = &catalog->apps[i];
    }
    return found;
}

// The folders above a path; of a single file there are none above the app's own.
static struct gs_slice above(enum gs_layout layout, const char *path)
{
    const char *last = layout == GS_LAYOUT_PER_ENTITY ? strrchr(path, '/') : NULL;
    return gs_slice_of(path, last ? (size_t)(last - path) : 0);
}

const struct gs_git_app *gs_catalog_find_holder(const struct gs_catalog *catalog,
                                                const char *git_app_id, const char *name,
                                                bool is_module)
{
    enum gs_layout layout = catalog->layout;
    const struct gs_git_app *own = gs_catalog_find(catalog, git_app_id);
    struct gs_slice place = GS_SLICE_EMPTY;
    if (own)
        place = above(layout, own->path);
    else if (layout == GS_LAYOUT_PER_ENTITY)
        place = gs_slice_str(gs_per_entity_metas[is_module ? 1 : 0].root);
    for (size_t i = 0; i < catalog->count; i++) {
        const struct gs_git_app *app = &catalog->apps[i];
        if (app != own && strcmp(app->name, name) == 0 &&
            gs_slice_eq(above(layout, app->path), place))
            return app;
    }
    return NULL;
}

void gs_catalog_mark_shared_paths(struct gs_catalog *catalog)
{
    struct gs_map seen;
    gs_map_init(&seen);
    gs_map_reserve(&seen, catalog->count);
    for (size_t i = 0; i < catalog->count; i++) {
        struct gs_git_app *app = &catalog->apps[i];
        struct gs_git_app *other = gs_map_put(&seen, gs_slice_str(app->path), app);
        if (other)
            app->path_shared = other->path_shared = true;
    }
    gs_map_release(&seen);
}
