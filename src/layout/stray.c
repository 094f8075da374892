// Finds the apps that a tree holds although no metadata names them: by what the files themselves say. Changes nothing.
// SPDX-License-Identifier: Apache-2.0
#include "layout/per_entity_internal.h"

enum { DOCUMENT_MAX = 100 << 20, APP_FILE_MAX = 16 << 20, FOLDERS_IN_FOLDERS_MAX = 16 };

struct search {
    struct gs_mirror *mirror;
    const struct gs_oid *commit;
    const struct gs_map *named;
    struct gs_arena *arena;
    struct gs_stray **last;
};

static void add(struct search *search, const struct gs_stray *stray)
{
    struct gs_stray *copy = gs_arena_alloc(search->arena, sizeof *copy);
    *copy = *stray;
    copy->next = NULL;
    *search->last = copy;
    search->last = &copy->next;
}

static enum gs_status list(struct search *search, const char *path, struct gs_entry **out_entries,
                           size_t *out_count, struct gs_error *err)
{
    return gs_layout_find_list(search->mirror, search->commit, path, search->arena, out_entries,
                               out_count, err);
}

// A file that is larger than an app can be is none; other trouble concerns the mirror.
static enum gs_status read(struct search *search, const struct gs_oid *oid, struct gs_buf *out,
                           bool *out_read, struct gs_error *err)
{
    struct gs_error cause = GS_ERROR_INIT;
    enum gs_status status = gs_mirror_read_blob(search->mirror, oid, out, &cause);
    *out_read = status == GS_OK;
    if (status == GS_OK || status == GS_LIMIT) {
        gs_error_release(&cause);
        return GS_OK;
    }
    gs_error_move(err, &cause);
    return status;
}

// ---- Single files ----------------------------------------------------------------------

static enum gs_status try_document(struct search *search, const char *folder,
                                   const struct gs_entry *entry, struct gs_error *err)
{
    struct gs_slice name = gs_slice_str(entry->name);
    if (entry->kind != GS_ENTRY_FILE || !gs_slice_ends(name, ".json"))
        return GS_OK;
    const char *path = gs_arena_printf(search->arena, "%s/%s", folder, entry->name);
    if (gs_map_get(search->named, gs_slice_str(path)))
        return GS_OK;
    GS_CLEANUP(gs_buf_release) struct gs_buf text;
    gs_buf_init(&text, DOCUMENT_MAX);
    struct gs_document document;
    bool found;
    enum gs_status status = read(search, &entry->oid, &text, &found, err);
    if (status != GS_OK || !found ||
        gs_document_parse(gs_buf_slice(&text), path, &document, NULL) != GS_OK)
        return status;
    name.len -= strlen(".json");
    struct gs_stray stray = {.path = path,
                             .id = gs_arena_dup_slice(search->arena, document.app_id),
                             .name = folder,
                             .version_id = gs_arena_dup_slice(search->arena, document.version_id),
                             .version_name = gs_arena_dup_slice(search->arena, name)};
    gs_document_release(&document);
    add(search, &stray);
    return GS_OK;
}

static enum gs_status find_documents(struct search *search, struct gs_error *err)
{
    struct gs_entry *folders, *files;
    size_t folder_count, file_count;
    enum gs_status status = list(search, "", &folders, &folder_count, err);
    for (size_t i = 0; status == GS_OK && i < folder_count; i++) {
        if (folders[i].kind != GS_ENTRY_FOLDER ||
            gs_app_check_name(gs_slice_str(folders[i].name), NULL, NULL) != GS_OK)
            continue;
        status = list(search, folders[i].name, &files, &file_count, err);
        for (size_t j = 0; status == GS_OK && j < file_count; j++)
            status = try_document(search, folders[i].name, &files[j], err);
    }
    return status;
}

// ---- Folders with a file per entity ------------------------------------------------------

static enum gs_status try_app(struct search *search, const char *path, const struct gs_entry *entry,
                              struct gs_error *err)
{
    GS_CLEANUP(gs_json_cleanup) yyjson_doc *doc = NULL;
    GS_CLEANUP(gs_buf_release) struct gs_buf text;
    gs_buf_init(&text, APP_FILE_MAX);
    bool found;
    enum gs_status status = read(search, &entry->oid, &text, &found, err);
    if (status != GS_OK || !found || gs_json_parse(gs_buf_slice(&text), path, &doc, NULL) != GS_OK)
        return status;
    struct gs_slice id = gs_json_get_str(yyjson_doc_get_root(doc), "id");
    if (gs_app_check_name(id, NULL, NULL) != GS_OK)
        return GS_OK;
    struct gs_slice name = gs_per_entity_name_of(gs_slice_str(path));
    struct gs_stray stray = {.path = path,
                             .id = gs_arena_dup_slice(search->arena, id),
                             .name = gs_arena_dup_slice(search->arena, name),
                             .version_id = "",
                             .version_name = ""};
    add(search, &stray);
    return GS_OK;
}

// An app, or a folder of apps.
static enum gs_status visit_folder(struct search *search, const char *path, int depth,
                                   struct gs_error *err)
{
    struct gs_entry *entries, app;
    size_t count;
    enum gs_status status =
        gs_layout_find_entry(search->mirror, search->commit,
                             gs_arena_printf(search->arena, "%s/%s", path, gs_entity_app_file),
                             search->arena, &app, err);
    if (status != GS_OK || gs_map_get(search->named, gs_slice_str(path)))
        return status;
    if (app.name && app.kind == GS_ENTRY_FILE)
        return try_app(search, path, &app, err);
    status = list(search, path, &entries, &count, err);
    for (size_t i = 0; status == GS_OK && i < count && depth < FOLDERS_IN_FOLDERS_MAX; i++)
        if (entries[i].kind == GS_ENTRY_FOLDER)
            status =
                visit_folder(search, gs_arena_printf(search->arena, "%s/%s", path, entries[i].name),
                             depth + 1, err);
    return status;
}

enum gs_status gs_stray_find(struct gs_mirror *mirror, const struct gs_oid *commit,
                             const struct gs_per_entity_meta *meta, const struct gs_map *named,
                             struct gs_arena *arena, struct gs_stray **out_first,
                             struct gs_error *err)
{
    struct gs_stray *first = NULL;
    struct search search = {
        .mirror = mirror, .commit = commit, .named = named, .arena = arena, .last = &first};
    enum gs_status status =
        meta ? visit_folder(&search, meta->root, 0, err) : find_documents(&search, err);
    if (status == GS_OK)
        *out_first = first;
    return status;
}
