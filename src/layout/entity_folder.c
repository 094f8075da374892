// Reads the files of one app. Trusts no file to be what its place says; knows nothing of documents.
// SPDX-License-Identifier: Apache-2.0
#include "layout/per_entity_internal.h"

// What a file costs in memory beside its bytes, so that a million tiny ones count for something.
enum { FILE_COST = 512 };

struct loader {
    struct gs_mirror *mirror;
    const struct gs_oid *commit;
    const char *path; // of the app's folder
    struct gs_arena *arena;
    struct gs_entity_folder *folder;
    struct gs_buf text; // of one file; its maximum is what may still be read
    size_t max;
    struct gs_error *err;
};

static void keep_doc(struct loader *loader, yyjson_doc *json)
{
    struct gs_entity_doc *doc = gs_arena_alloc(loader->arena, sizeof *doc);
    *doc = (struct gs_entity_doc){loader->folder->docs, json};
    loader->folder->docs = doc;
}

// The first one counts.
static void note_fault(struct loader *loader, const char *message)
{
    if (loader->folder->fault.code == GS_CODE_NONE)
        gs_fail(&loader->folder->fault, GS_CODE_NOT_AN_APP, NULL, "%s", message);
}

static void note_file(struct loader *loader, const char *file, const char *problem)
{
    if (loader->folder->fault.code == GS_CODE_NONE)
        note_fault(loader,
                   gs_arena_printf(loader->arena, "%s/%s: %s", loader->path, file, problem));
}

static enum gs_status fail_size(const struct loader *loader)
{
    return gs_fail(loader->err, GS_CODE_TOO_LARGE, NULL,
                   "the files of '%s' have more than %zu bytes together", loader->path,
                   loader->max);
}

// *out_value stays NULL when the file is no JSON.
static enum gs_status parse_text(struct loader *loader, const char *file, yyjson_val **out_value)
{
    struct gs_error cause = GS_ERROR_INIT;
    yyjson_doc *doc;
    const char *what = gs_arena_printf(loader->arena, "%s/%s", loader->path, file);
    enum gs_status status = gs_json_parse(gs_buf_slice(&loader->text), what, &doc, &cause);
    if (status == GS_OK) {
        keep_doc(loader, doc);
        *out_value = yyjson_doc_get_root(doc);
    } else if (cause.code == GS_CODE_INVALID_JSON) {
        note_fault(loader, cause.message);
        status = GS_OK;
    } else {
        gs_error_move(loader->err, &cause);
    }
    gs_error_release(&cause);
    return status;
}

static enum gs_status load_blob(struct loader *loader, const struct gs_oid *oid, const char *file,
                                yyjson_val **out_value)
{
    struct gs_error cause = GS_ERROR_INIT;
    enum gs_status status = gs_mirror_read_blob(loader->mirror, oid, &loader->text, &cause);
    size_t cost = loader->text.len + FILE_COST;
    if (status == GS_LIMIT || (status == GS_OK && cost > loader->text.max))
        status = fail_size(loader);
    else if (status != GS_OK)
        gs_error_move(loader->err, &cause);
    gs_error_release(&cause);
    if (status != GS_OK)
        return status;
    status = parse_text(loader, file, out_value);
    loader->text.max -= cost;
    return status;
}

static void set_value(struct loader *loader, struct gs_entity *entity, const char *file,
                      yyjson_val *value)
{
    struct gs_slice id = gs_json_get_str(value, "id");
    struct gs_slice stem = gs_slice_of(entity->name, strlen(entity->name) - strlen(".json"));
    if (id.len == 0 || !gs_slice_eq(id, stem))
        note_file(loader, file, "must hold an object whose id is the file's name");
    else
        entity->value = value;
}

static bool is_entity_file(const struct gs_entry *entry)
{
    return entry->kind == GS_ENTRY_FILE && gs_slice_ends(gs_slice_str(entry->name), ".json");
}

static enum gs_status load_kind(struct loader *loader, enum gs_entity_kind kind)
{
    struct gs_entry *entries;
    size_t count;
    const char *folder = gs_entity_kinds[kind].folder;
    enum gs_status status =
        gs_layout_find_list(loader->mirror, loader->commit,
                            gs_arena_printf(loader->arena, "%s/%s", loader->path, folder),
                            loader->arena, &entries, &count, loader->err);
    if (status != GS_OK)
        return status;
    struct gs_entity_list *list = &loader->folder->entities.lists[kind];
    list->items = gs_arena_array(loader->arena, count, sizeof *list->items);
    for (size_t i = 0; i < count && status == GS_OK; i++) {
        if (!is_entity_file(&entries[i]))
            continue;
        const char *file = gs_arena_printf(loader->arena, "%s/%s", folder, entries[i].name);
        struct gs_entity *entity = &list->items[list->count++];
        yyjson_val *value = NULL;
        entity->name = entries[i].name;
        status = load_blob(loader, &entries[i].oid, file, &value);
        if (value)
            set_value(loader, entity, file, value);
    }
    return status;
}

static enum gs_status load_single(struct loader *loader, const char *file, bool *out_found,
                                  yyjson_val **out_value)
{
    struct gs_entry entry;
    const char *path = gs_arena_printf(loader->arena, "%s/%s", loader->path, file);
    enum gs_status status = gs_layout_find_entry(loader->mirror, loader->commit, path,
                                                 loader->arena, &entry, loader->err);
    if (status != GS_OK || !entry.name || entry.kind != GS_ENTRY_FILE)
        return status;
    *out_found = true;
    return load_blob(loader, &entry.oid, file, out_value);
}

// What has files of its own would be there twice.
static void check_app_file(struct loader *loader, yyjson_val *app)
{
    size_t i, n;
    yyjson_val *key, *value;
    if (!yyjson_is_obj(app))
        note_file(loader, gs_entity_app_file, "must hold an object");
    yyjson_obj_foreach(app, i, n, key, value)
    {
        if (gs_entity_is_separate(gs_json_str(key)))
            note_file(loader, gs_entity_app_file,
                      gs_arena_printf(loader->arena, "/%s belongs into files of its own",
                                      yyjson_get_str(key)));
    }
}

static enum gs_status load_app(struct loader *loader)
{
    struct gs_entities *entities = &loader->folder->entities;
    enum gs_status status =
        load_single(loader, gs_entity_app_file, &loader->folder->has_app, &entities->app);
    if (status != GS_OK || !entities->app)
        return status;
    check_app_file(loader, entities->app);
    entities->tooljet_version = yyjson_obj_get(entities->app, "tooljetVersion");
    return GS_OK;
}

enum gs_status gs_entity_folder_load(struct gs_mirror *mirror, const struct gs_oid *commit,
                                     const char *path, size_t max, struct gs_arena *arena,
                                     struct gs_entity_folder *out_folder, struct gs_error *err)
{
    *out_folder = (struct gs_entity_folder){.docs = NULL};
    struct loader loader = {.mirror = mirror,
                            .commit = commit,
                            .path = path,
                            .arena = arena,
                            .folder = out_folder,
                            .max = max,
                            .err = err};
    gs_buf_init(&loader.text, max);
    enum gs_status status = load_app(&loader);
    if (status == GS_OK)
        status = load_single(&loader, gs_entity_schema_file, &out_folder->has_schema,
                             &out_folder->entities.schema);
    for (size_t kind = 0; kind < GS_ENTITY_KINDS && status == GS_OK; kind++)
        status = load_kind(&loader, (enum gs_entity_kind)kind);
    gs_buf_release(&loader.text);
    return status;
}

void gs_entity_folder_release(struct gs_entity_folder *folder)
{
    for (; folder->docs; folder->docs = folder->docs->next)
        gs_json_free(folder->docs->json);
    gs_error_release(&folder->fault);
}
