// Takes a document apart into what becomes files, and refuses what no file has a place for: nothing is lost without a word.
// SPDX-License-Identifier: Apache-2.0
#include "layout/per_entity_internal.h"

// The members of an object, besides those of appV2, that the layout has a place for.
static enum gs_status check_members(yyjson_val *object, const char *path,
                                    const char *const *allowed, struct gs_arena *arena,
                                    struct gs_error *err)
{
    size_t i, n;
    yyjson_val *key, *value;
    yyjson_obj_foreach(object, i, n, key, value)
    {
        bool known = false;
        for (const char *const *name = allowed; *name; name++)
            known = known || yyjson_equals_str(key, *name);
        if (known)
            continue;
        const char *pointer = gs_json_pointer(arena, path, gs_json_str(key));
        return gs_fail(err, GS_CODE_LAYOUT_UNSUPPORTED, pointer,
                       "the per-entity layout has no place for %s of the document", pointer);
    }
    return GS_OK;
}

static enum gs_status check_envelope(yyjson_val *root, struct gs_arena *arena, struct gs_error *err)
{
    static const char *const around[] = {"app", "tooljet_database", "tooljet_version", NULL};
    static const char *const around_flat[] = {"appV2", "tooljet_database", "tooljet_version", NULL};
    static const char *const beside_definition[] = {"definition", NULL};
    static const char *const beside_app[] = {"appV2", NULL};
    yyjson_val *app = yyjson_arr_get_first(yyjson_obj_get(root, "app"));
    enum gs_status status = check_members(root, "", app ? around : around_flat, arena, err);
    if (status == GS_OK)
        status = check_members(app, "/app/0", beside_definition, arena, err);
    if (status == GS_OK)
        status = check_members(yyjson_obj_get(app, "definition"), "/app/0/definition", beside_app,
                               arena, err);
    return status;
}

static enum gs_status fail_list(enum gs_entity_kind kind, size_t index, const char *problem,
                                struct gs_error *err)
{
    return gs_fail(err, GS_CODE_NOT_AN_APP, NULL, "the document: %s/%zu %s",
                   gs_entity_kinds[kind].member, index, problem);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const struct gs_entity *)a)->name, ((const struct gs_entity *)b)->name);
}

static enum gs_status sort(enum gs_entity_kind kind, struct gs_entity_list *list,
                           struct gs_error *err)
{
    qsort(list->items, list->count, sizeof *list->items, compare_names);
    for (size_t i = 1; i < list->count; i++)
        if (strcmp(list->items[i - 1].name, list->items[i].name) == 0)
            return gs_fail(err, GS_CODE_NOT_AN_APP, NULL,
                           "the document: %s has two elements for the file '%s'",
                           gs_entity_kinds[kind].member, list->items[i].name);
    return GS_OK;
}

static enum gs_status take_list(yyjson_val *value, enum gs_entity_kind kind, struct gs_arena *arena,
                                struct gs_entity_list *list, struct gs_error *err)
{
    if (!value || yyjson_is_null(value))
        return GS_OK;
    if (!yyjson_is_arr(value))
        return gs_fail(err, GS_CODE_NOT_AN_APP, NULL, "the document: %s must be an array",
                       gs_entity_kinds[kind].member);
    list->items = gs_arena_array(arena, yyjson_arr_size(value), sizeof *list->items);
    size_t i, n;
    yyjson_val *element;
    yyjson_arr_foreach(value, i, n, element)
    {
        // The same rule as for the name of a version: it becomes a file's name with ".json" behind it.
        struct gs_slice id = gs_json_get_str(element, "id");
        if (gs_version_check_name(id, NULL, NULL) != GS_OK)
            return fail_list(kind, i, "must be an object with an id that can be a file's name",
                             err);
        list->items[list->count++] = (struct gs_entity){
            .name = gs_arena_printf(arena, "%.*s.json", GS_SLICE_ARG(id)), .value = element};
    }
    return sort(kind, list, err);
}

// The layout has one place for both.
static enum gs_status take_tooljet_version(yyjson_val *root, yyjson_val *app,
                                           yyjson_val **out_version, struct gs_error *err)
{
    yyjson_val *around = yyjson_obj_get(root, "tooljet_version");
    yyjson_val *inside = yyjson_obj_get(app, "tooljetVersion");
    if (around && inside && !yyjson_equals(around, inside))
        return gs_fail(err, GS_CODE_LAYOUT_UNSUPPORTED, "/tooljet_version",
                       "tooljet_version and the app's tooljetVersion differ, and the per-entity "
                       "layout has a place for one of them; remove the other");
    *out_version = around ? around : inside;
    return GS_OK;
}

enum gs_status gs_entities_from_document(const struct gs_document *document, struct gs_arena *arena,
                                         struct gs_entities *out_entities, struct gs_error *err)
{
    yyjson_val *root = yyjson_doc_get_root(document->json);
    struct gs_entities entities = {.app = document->app,
                                   .schema = yyjson_obj_get(document->app, "schemaDetails")};
    enum gs_status status = check_envelope(root, arena, err);
    if (status == GS_OK)
        status = take_tooljet_version(root, document->app, &entities.tooljet_version, err);
    for (size_t kind = 0; kind < GS_ENTITY_KINDS && status == GS_OK; kind++) {
        yyjson_val *parent = kind == GS_ENTITY_TABLES ? root : document->app;
        status = take_list(yyjson_obj_get(parent, gs_entity_kinds[kind].member),
                           (enum gs_entity_kind)kind, arena, &entities.lists[kind], err);
    }
    if (status == GS_OK && entities.lists[GS_ENTITY_VERSIONS].count > 1)
        status = gs_fail(err, GS_CODE_LAYOUT_UNSUPPORTED, NULL,
                         "the document carries earlier versions along, which the per-entity layout "
                         "has no place for; save and import the app with a newer ToolJet first");
    if (status == GS_OK)
        *out_entities = entities;
    return status;
}
