// Apps with more than one version in their folder, as merges of branches leave them: which one is the app's, and what belongs to which.
// SPDX-License-Identifier: Apache-2.0
#include "layout/per_entity_internal.h"

static bool is_stub(yyjson_val *version)
{
    return yyjson_is_true(yyjson_obj_get(version, "isStub"));
}

static bool is_of_branch(yyjson_val *version)
{
    return yyjson_equals_str(yyjson_obj_get(version, "versionType"), "branch");
}

// Whatever says something first; the id, so that there is always an answer and always the same.
bool gs_entity_version_is_better(yyjson_val *a, yyjson_val *b)
{
    if (is_stub(a) != is_stub(b))
        return is_stub(b);
    if (is_of_branch(a) != is_of_branch(b))
        return is_of_branch(a);
    return strcmp(yyjson_get_str(yyjson_obj_get(a, "id")),
                  yyjson_get_str(yyjson_obj_get(b, "id"))) < 0;
}

void gs_entities_choose_version(struct gs_entities *entities)
{
    const struct gs_entity_list *list = &entities->lists[GS_ENTITY_VERSIONS];
    entities->chosen = 0;
    for (size_t i = 1; i < list->count; i++)
        if (gs_entity_version_is_better(list->items[i].value, list->items[entities->chosen].value))
            entities->chosen = i;
}

enum gs_status gs_entities_split(const struct gs_entities *entities,
                                 const struct gs_entity_identity *who, size_t max,
                                 struct gs_arena *arena, struct gs_export *out_export,
                                 struct gs_error *err)
{
    GS_CLEANUP(gs_buf_release) struct gs_buf whole;
    GS_CLEANUP(gs_json_cleanup) yyjson_doc *doc = NULL;
    gs_buf_init(&whole, max);
    enum gs_status status = gs_entities_write_document(entities, who, &whole, err);
    if (status == GS_OK)
        status = gs_json_parse(gs_buf_slice(&whole), who->name, &doc, err);
    return status == GS_OK ? gs_export_split(yyjson_doc_get_root(doc), NULL, arena, out_export, err)
                           : status;
}

// ---- What stays beside a pushed version ----------------------------------------------

struct marking {
    struct gs_entities *entities;
    const struct gs_export *export;
    unsigned *owners[GS_ENTITY_KINDS]; // per entity: the part it was found in, from 1
};

// Found in more than one part, so it belongs to no version.
static const unsigned shared = UINT32_MAX;

static int compare_name(const void *name, const void *entity)
{
    return strcmp(name, ((const struct gs_entity *)entity)->name);
}

static struct gs_entity *find_entity(const struct gs_entity_list *list, const char *id,
                                     struct gs_arena *arena)
{
    return list->count == 0 ? NULL
                            : bsearch(gs_arena_printf(arena, "%s.json", id), list->items,
                                      list->count, sizeof *list->items, compare_name);
}

static void note_owners(struct marking *marking, enum gs_entity_kind kind, yyjson_val *elements,
                        unsigned part, struct gs_arena *arena)
{
    const struct gs_entity_list *list = &marking->entities->lists[kind];
    size_t i, n;
    yyjson_val *element;
    yyjson_arr_foreach(elements, i, n, element)
    {
        const char *id = yyjson_get_str(yyjson_obj_get(element, "id"));
        unsigned *owner = &marking->owners[kind][find_entity(list, id, arena) - list->items];
        *owner = *owner == 0 ? part : shared;
    }
}

static enum gs_status note_part(struct marking *marking, unsigned part, struct gs_arena *arena,
                                struct gs_error *err)
{
    struct gs_document document;
    enum gs_status status = gs_document_parse(gs_buf_slice(&marking->export->parts[part - 1].bytes),
                                              marking->export->app_name, &document, err);
    if (status != GS_OK)
        return status;
    for (size_t kind = GS_ENTITY_TABLES + 1; kind < GS_ENTITY_KINDS; kind++)
        note_owners(marking, (enum gs_entity_kind)kind,
                    yyjson_obj_get(document.app, gs_entity_kinds[kind].member), part, arena);
    gs_document_release(&document);
    return GS_OK;
}

static bool stays(const struct marking *marking, unsigned part, yyjson_val *pushed,
                  struct gs_arena *arena)
{
    if (part <= 1 || part == shared)
        return false;
    const char *id = marking->export->parts[part - 1].version_id;
    yyjson_val *version =
        find_entity(&marking->entities->lists[GS_ENTITY_VERSIONS], id, arena)->value;
    return !yyjson_equals_str(yyjson_obj_get(pushed, "id"), id) &&
           !gs_entity_version_is_better(version, pushed);
}

static enum gs_status mark(struct marking *marking, yyjson_val *pushed, struct gs_arena *arena,
                           struct gs_error *err)
{
    enum gs_status status = GS_OK;
    for (size_t kind = 0; kind < GS_ENTITY_KINDS; kind++)
        marking->owners[kind] =
            gs_arena_array(arena, marking->entities->lists[kind].count, sizeof(unsigned));
    for (unsigned part = 1; part <= marking->export->count && status == GS_OK; part++)
        status = note_part(marking, part, arena, err);
    if (status != GS_OK)
        return status;
    for (size_t kind = GS_ENTITY_TABLES + 1; kind < GS_ENTITY_KINDS; kind++) {
        const struct gs_entity_list *list = &marking->entities->lists[kind];
        for (size_t i = 0; i < list->count; i++)
            list->items[i].kept = stays(marking, marking->owners[kind][i], pushed, arena);
    }
    return GS_OK;
}

enum gs_status gs_entities_mark_kept(struct gs_entities *entities,
                                     const struct gs_entity_identity *who, yyjson_val *pushed,
                                     size_t max, struct gs_error *err)
{
    GS_CLEANUP(gs_arena_cleanup) struct gs_arena *scratch = gs_arena_new();
    struct gs_export export;
    enum gs_status status = gs_entities_split(entities, who, max, scratch, &export, err);
    if (status != GS_OK)
        return status;
    struct marking marking = {.entities = entities, .export = &export};
    status = mark(&marking, pushed, scratch, err);
    gs_export_release(&export);
    return status;
}
