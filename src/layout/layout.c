// Which layout a tree has, and the way from a call to the layout that serves it. Knows no layout from inside.
// SPDX-License-Identifier: Apache-2.0
#include "layout/layout_internal.h"

static const struct {
    const char *text;
    const struct gs_layout_ops *ops;
} layouts[] = {
    [GS_LAYOUT_NONE] = {NULL, NULL},
    [GS_LAYOUT_SINGLE_FILE] = {"single-file", &gs_single_file_ops},
    [GS_LAYOUT_PER_ENTITY] = {"per-entity", &gs_per_entity_ops},
};

const char *gs_layout_text(enum gs_layout layout)
{
    return layouts[layout].text;
}

bool gs_layout_from_text(const char *text, enum gs_layout *out_layout)
{
    for (size_t i = GS_LAYOUT_NONE + 1; i < GS_COUNT(layouts); i++) {
        if (!text || strcmp(text, layouts[i].text) != 0)
            continue;
        *out_layout = (enum gs_layout)i;
        return true;
    }
    return false;
}

// A branch without metadata gets the layout that every ToolJet can read.
static const struct gs_layout_ops *find_ops(enum gs_layout layout)
{
    return layouts[layout == GS_LAYOUT_NONE ? GS_LAYOUT_SINGLE_FILE : layout].ops;
}

static enum gs_status has_file(struct gs_mirror *mirror, const struct gs_oid *commit,
                               const char *path, struct gs_arena *arena, bool *out_yes,
                               struct gs_error *err)
{
    struct gs_entry entry;
    enum gs_status status = gs_layout_find_entry(mirror, commit, path, arena, &entry, err);
    if (status == GS_OK)
        *out_yes = entry.name && entry.kind == GS_ENTRY_FILE;
    return status;
}

enum gs_status gs_layout_detect(struct gs_mirror *mirror, const struct gs_oid *commit,
                                enum gs_layout *out_layout, struct gs_error *err)
{
    // A branch that was changed over may still have the old file beside the new ones.
    static const struct {
        const char *path;
        enum gs_layout layout;
    } signs[] = {
        {".meta/appMeta.json", GS_LAYOUT_PER_ENTITY},
        {".meta/moduleMeta.json", GS_LAYOUT_PER_ENTITY},
        {gs_single_file_meta, GS_LAYOUT_SINGLE_FILE},
    };
    GS_CLEANUP(gs_arena_cleanup) struct gs_arena *scratch = gs_arena_new();
    bool found = false;
    for (size_t i = 0; i < GS_COUNT(signs); i++) {
        enum gs_status status = has_file(mirror, commit, signs[i].path, scratch, &found, err);
        if (status != GS_OK)
            return status;
        if (!found)
            continue;
        *out_layout = signs[i].layout;
        return GS_OK;
    }
    *out_layout = GS_LAYOUT_NONE;
    return GS_OK;
}

enum gs_status gs_catalog_read(struct gs_mirror *mirror, const struct gs_oid *commit,
                               struct gs_arena *arena, struct gs_catalog *out_catalog,
                               struct gs_error *err)
{
    struct gs_catalog catalog = {.count = 0, .problems = {.arena = arena}};
    enum gs_status status = gs_layout_detect(mirror, commit, &catalog.layout, err);
    if (status == GS_OK && catalog.layout != GS_LAYOUT_NONE)
        status = find_ops(catalog.layout)->read_catalog(mirror, commit, arena, &catalog, err);
    if (status == GS_OK)
        *out_catalog = catalog;
    return status;
}

enum gs_status gs_layout_read(struct gs_mirror *mirror, const struct gs_oid *commit,
                              enum gs_layout layout, const struct gs_git_app *app,
                              struct gs_buf *out, struct gs_error *err)
{
    return find_ops(layout)->read(mirror, commit, app, out, err);
}

enum gs_status gs_layout_read_version(struct gs_mirror *mirror, const struct gs_oid *commit,
                                      enum gs_layout layout, const struct gs_git_app *app,
                                      struct gs_arena *arena, struct gs_git_version *out_version,
                                      struct gs_error *err)
{
    return find_ops(layout)->read_version(mirror, commit, app, arena, out_version, err);
}

enum gs_status gs_layout_find_object(struct gs_mirror *mirror, const struct gs_oid *commit,
                                     enum gs_layout layout, const struct gs_git_app *app,
                                     struct gs_oid *out_object, struct gs_error *err)
{
    const struct gs_layout_ops *ops = find_ops(layout);
    if (ops->find_object)
        return ops->find_object(mirror, commit, app, out_object, err);
    *out_object = (struct gs_oid){""};
    return GS_OK;
}

enum gs_status gs_layout_plan_push(struct gs_mirror *mirror, const struct gs_oid *parent,
                                   enum gs_layout layout, const struct gs_layout_push *push,
                                   struct gs_arena *arena, struct gs_edit **out_edits,
                                   size_t *out_count, struct gs_error *err)
{
    return find_ops(layout)->plan_push(mirror, parent, push, arena, out_edits, out_count, err);
}

enum gs_status gs_layout_normalize(enum gs_layout layout, const struct gs_layout_push *push,
                                   struct gs_buf *out, struct gs_error *err)
{
    return find_ops(layout)->normalize(push, out, err);
}
