// The files of a per-entity app that becomes a single file: deleted when the way back makes the same ones of its document, kept else.
// SPDX-License-Identifier: Apache-2.0
#include "layout/convert_internal.h"

struct file {
    const char *path;
    struct gs_oid oid;
};
struct files {
    struct file *items;
    size_t count;
};

static enum gs_status list_kind(struct conversion *conversion, const char *folder,
                                struct gs_entry **out_entries, size_t *out_count,
                                struct gs_error *err)
{
    return gs_layout_find_list(conversion->mirror, &conversion->request->parent, folder,
                               conversion->arena, out_entries, out_count, err);
}

static void add_file(struct files *files, const char *path, const struct gs_oid *oid)
{
    files->items[files->count++] = (struct file){path, *oid};
}

static enum gs_status add_single(struct conversion *conversion, const char *folder,
                                 const char *name, struct files *files, struct gs_error *err)
{
    struct gs_entry entry;
    const char *path = gs_arena_printf(conversion->arena, "%s/%s", folder, name);
    enum gs_status status = gs_layout_find_entry(conversion->mirror, &conversion->request->parent,
                                                 path, conversion->arena, &entry, err);
    if (status == GS_OK && entry.name && entry.kind == GS_ENTRY_FILE)
        add_file(files, path, &entry.oid);
    return status;
}

// The app's own files; others in its folder are somebody's.
static enum gs_status list_files(struct conversion *conversion, const char *folder,
                                 struct files *out_files, struct gs_error *err)
{
    struct gs_entry *entries[GS_ENTITY_KINDS];
    size_t counts[GS_ENTITY_KINDS], most = 2;
    const char *paths[GS_ENTITY_KINDS];
    enum gs_status status = GS_OK;
    for (size_t kind = 0; status == GS_OK && kind < GS_ENTITY_KINDS; kind++) {
        paths[kind] =
            gs_arena_printf(conversion->arena, "%s/%s", folder, gs_entity_kinds[kind].folder);
        status = list_kind(conversion, paths[kind], &entries[kind], &counts[kind], err);
        most += status == GS_OK ? counts[kind] : 0;
    }
    if (status != GS_OK)
        return status;
    struct files files = {gs_arena_array(conversion->arena, most, sizeof *files.items), 0};
    for (size_t kind = 0; kind < GS_ENTITY_KINDS; kind++)
        for (size_t i = 0; i < counts[kind]; i++)
            if (entries[kind][i].kind == GS_ENTRY_FILE &&
                gs_slice_ends(gs_slice_str(entries[kind][i].name), ".json"))
                add_file(
                    &files,
                    gs_arena_printf(conversion->arena, "%s/%s", paths[kind], entries[kind][i].name),
                    &entries[kind][i].oid);
    status = add_single(conversion, folder, gs_entity_app_file, &files, err);
    if (status == GS_OK)
        status = add_single(conversion, folder, gs_entity_schema_file, &files, err);
    if (status == GS_OK)
        *out_files = files;
    return status;
}

static enum gs_status count_same(const struct files *files, const char *folder,
                                 const struct gs_edit *edits, size_t count, const char *new_folder,
                                 size_t *out_same, struct gs_error *err)
{
    struct gs_map by_path;
    enum gs_status status = GS_OK;
    size_t same = 0;
    gs_map_init(&by_path);
    for (size_t i = 0; i < files->count; i++)
        gs_map_put(&by_path, gs_slice_str(files->items[i].path + strlen(folder)), &files->items[i]);
    for (size_t i = 0; status == GS_OK && i < count; i++) {
        if (!gs_slice_starts(gs_slice_str(edits[i].path), new_folder))
            continue;
        const struct file *file =
            gs_map_get(&by_path, gs_slice_str(edits[i].path + strlen(new_folder)));
        struct gs_oid oid = {""};
        status = gs_git_blob_id(edits[i].content, &oid, err);
        same += file && gs_oid_eq(&file->oid, &oid);
    }
    gs_map_release(&by_path);
    *out_same = same;
    return status;
}

// Whether the way back makes the same files of the document, to the letter.
static enum gs_status is_derived(struct conversion *conversion, const struct converting *app,
                                 struct gs_slice document, const struct files *files, bool *out_yes,
                                 struct gs_error *err)
{
    static const struct gs_oid nothing;
    GS_CLEANUP(gs_arena_cleanup) struct gs_arena *scratch = gs_arena_new();
    struct gs_layout_push push = {
        .git_app_id = app->app->id, .app_name = app->app->name, .document = document};
    struct gs_edit *edits;
    size_t count, same = 0;
    enum gs_status status =
        gs_per_entity_plan_push(conversion->mirror, &nothing, &push, scratch, &edits, &count, err);
    const char *new_folder =
        gs_arena_printf(scratch, "%s/%s", gs_per_entity_metas[app->meta].root, app->app->name);
    if (status == GS_OK)
        status = count_same(files, gs_arena_printf(scratch, "%s/", app->app->path), edits, count,
                            gs_arena_printf(scratch, "%s/", new_folder), &same, err);
    // One edit is that of the metadata.
    if (status == GS_OK)
        *out_yes = same == files->count && same + 1 == count;
    return status;
}

enum gs_status gs_convert_leave_folder(struct conversion *conversion, const struct converting *app,
                                       struct gs_slice document, struct gs_error *err)
{
    struct files files;
    bool derived = false;
    enum gs_status status = list_files(conversion, app->app->path, &files, err);
    if (status == GS_OK)
        status = is_derived(conversion, app, document, &files, &derived, err);
    for (size_t i = 0; status == GS_OK && i < files.count; i++)
        gs_convert_leave(conversion, GS_LAYOUT_PER_ENTITY, files.items[i].path, !derived);
    return status;
}
