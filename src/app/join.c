// Puts the documents of an app's versions together into one export. Knows nothing of which element
// belongs where: lists are united by id.
// SPDX-License-Identifier: Apache-2.0
#include "app/app_internal.h"

static const char what[] = "a stored version";

struct join {
    struct gs_document *documents;
    struct gs_envelope *envelopes;
    struct gs_keyed *roots, *apps; // members of the documents' roots and of their appV2
    size_t count;
    struct gs_arena *arena;
};

static void release(struct join *join)
{
    for (size_t i = 0; i < join->count; i++) {
        gs_keyed_release(&join->roots[i]);
        gs_keyed_release(&join->apps[i]);
        gs_document_release(&join->documents[i]);
    }
    gs_arena_free(join->arena);
}

static enum gs_status read_one(struct join *join, size_t i, struct gs_slice bytes,
                               struct gs_error *err)
{
    enum gs_status status = gs_document_parse(bytes, what, &join->documents[i], err);
    if (status != GS_OK)
        return status;
    yyjson_val *root = yyjson_doc_get_root(join->documents[i].json);
    gs_keyed_members(root, join->arena, &join->roots[i]);
    gs_keyed_members(join->documents[i].app, join->arena, &join->apps[i]);
    return gs_envelope_find(root, what, &join->envelopes[i], err);
}

// One version twice would lose the second one.
static enum gs_status check_distinct(const struct join *join, struct gs_error *err)
{
    struct gs_map ids;
    gs_map_init(&ids);
    enum gs_status status = GS_OK;
    for (size_t i = 0; i < join->count && status == GS_OK; i++) {
        struct gs_slice id = join->documents[i].version_id;
        if (gs_map_put(&ids, id, &join->documents[i]))
            status = gs_fail(err, GS_CODE_CONFLICT, NULL, "two versions have the id %.*s",
                             GS_SLICE_ARG(id));
    }
    gs_map_release(&ids);
    return status;
}

static enum gs_status read_all(struct join *join, const struct gs_slice *documents, size_t count,
                               struct gs_error *err)
{
    join->arena = gs_arena_new();
    join->documents = gs_arena_array(join->arena, count, sizeof *join->documents);
    join->envelopes = gs_arena_array(join->arena, count, sizeof *join->envelopes);
    join->roots = gs_arena_array(join->arena, count, sizeof *join->roots);
    join->apps = gs_arena_array(join->arena, count, sizeof *join->apps);
    join->count = count;
    enum gs_status status = GS_OK;
    for (size_t i = 0; i < count && status == GS_OK; i++)
        status = read_one(join, i, documents[i], err);
    return status == GS_OK ? check_distinct(join, err) : status;
}

// ---- Writing --------------------------------------------------------------------------

// What was written into one list so far.
struct seen {
    struct gs_map ids, texts;
};

// Elements without an id are told apart by their text.
static bool is_new(const struct join *join, struct seen *seen, yyjson_val *element)
{
    struct gs_slice id = gs_json_get_str(element, "id");
    if (id.len > 0)
        return gs_map_put(&seen->ids, id, element) == NULL;
    GS_CLEANUP(gs_buf_release) struct gs_buf text;
    gs_buf_init(&text, GS_DOCUMENT_MAX);
    gs_json_write_compact(element, &text);
    struct gs_slice key = gs_buf_slice(&text);
    if (gs_map_get(&seen->texts, key))
        return false;
    gs_map_put(&seen->texts, gs_slice_of(gs_arena_dup_slice(join->arena, key), key.len), element);
    return true;
}

static void emit_elements(const struct join *join, struct gs_emitter *emitter, struct seen *seen,
                          yyjson_val *list)
{
    size_t i, n;
    yyjson_val *element;
    yyjson_arr_foreach(list, i, n, element)
    {
        if (is_new(join, seen, element))
            gs_emit_value(emitter, element);
    }
}

// The list of that name in all objects; where it is no list it has nothing to add. An export lists
// its versions the other way round: the latest is the last.
static void emit_united_list(const struct join *join, struct gs_emitter *emitter,
                             struct gs_keyed *objects, struct gs_slice key, size_t hint)
{
    struct seen seen = {{0}, {0}};
    bool backwards = objects == join->apps && gs_slice_eq_str(key, "appVersions");
    gs_emit_open(emitter, '[');
    for (size_t i = 0; i < join->count; i++) {
        struct gs_keyed *object = &objects[backwards ? join->count - 1 - i : i];
        const struct gs_item *list = gs_keyed_find(object, key, hint);
        if (list && yyjson_is_arr(list->value))
            emit_elements(join, emitter, &seen, list->value);
    }
    gs_emit_close(emitter, ']');
    gs_map_release(&seen.ids);
    gs_map_release(&seen.texts);
}

static void emit_app(struct gs_emitter *emitter, yyjson_val *app, void *context);

static void emit_member(struct join *join, struct gs_emitter *emitter, struct gs_keyed *objects,
                        const struct gs_item *member, size_t hint)
{
    gs_emit_key(emitter, member->key);
    if (member->value == join->envelopes[0].spine[1])
        gs_emit_envelope(emitter, &join->envelopes[0], 1, emit_app, join);
    else if (yyjson_is_arr(member->value))
        emit_united_list(join, emitter, objects, member->key, hint);
    else
        gs_emit_value(emitter, member->value);
}

// All members of all objects: the first object that has one decides on its place and, unless it is
// a list, its value.
static void emit_united_object(struct join *join, struct gs_emitter *emitter,
                               struct gs_keyed *objects)
{
    struct gs_map names;
    gs_map_init(&names);
    gs_emit_open(emitter, '{');
    for (size_t d = 0; d < join->count; d++) {
        for (size_t i = 0; i < objects[d].count; i++) {
            struct gs_item *member = &objects[d].items[i];
            bool other_spine = d > 0 && member->value == join->envelopes[d].spine[1];
            if (!other_spine && !gs_map_put(&names, member->key, member))
                emit_member(join, emitter, objects, member, i);
        }
    }
    gs_emit_close(emitter, '}');
    gs_map_release(&names);
}

static void emit_app(struct gs_emitter *emitter, yyjson_val *app, void *context)
{
    struct join *join = context;
    (void)app;
    emit_united_object(join, emitter, join->apps);
}

enum gs_status gs_export_join(const struct gs_slice *documents, size_t count, struct gs_buf *out,
                              struct gs_error *err)
{
    GS_CLEANUP(release) struct join join = {0};
    enum gs_status status = read_all(&join, documents, count, err);
    if (status != GS_OK)
        return status;
    if (count == 1) {
        gs_buf_append_slice(out, documents[0]);
    } else {
        struct gs_emitter emitter;
        gs_emit_init(&emitter, out);
        emit_united_object(&join, &emitter, join.roots);
    }
    return gs_buf_check(out, "the export", err);
}
