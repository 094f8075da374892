// Finds apps in a catalog. Knows no layout.
// SPDX-License-Identifier: Apache-2.0
#include "base/map.h"
#include "layout/layout_internal.h"

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
