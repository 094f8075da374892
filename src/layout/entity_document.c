// Puts the pieces of an app together to a document, and says what each one is as a file. Knows nothing of where files are.
// SPDX-License-Identifier: Apache-2.0
#include "layout/per_entity_internal.h"

// Memory that ran out is told once, at the end.
struct builder {
    yyjson_mut_doc *doc;
    const struct gs_entities *entities;
    const struct gs_entity_identity *who;
    bool no_memory;
};

static void add(struct builder *builder, yyjson_mut_val *obj, struct gs_slice name,
                yyjson_mut_val *value)
{
    yyjson_mut_val *key = yyjson_mut_strncpy(builder->doc, name.data, name.len);
    if (!yyjson_mut_obj_add(obj, key, value))
        builder->no_memory = true;
}

static void add_as(struct builder *builder, yyjson_mut_val *obj, const char *name,
                   yyjson_mut_val *value)
{
    add(builder, obj, gs_slice_str(name), value);
}

static yyjson_mut_val *copy(struct builder *builder, yyjson_val *value)
{
    return yyjson_val_mut_copy(builder->doc, value);
}

static yyjson_mut_val *text(struct builder *builder, const char *s)
{
    return yyjson_mut_strcpy(builder->doc, s);
}

// The id of the app in app.json gives way to that of the metadata, here as well.
static bool names_the_app(const struct builder *builder, yyjson_val *key, yyjson_val *value)
{
    return yyjson_equals_str(key, "appId") && yyjson_is_str(value) &&
           yyjson_equals(value, yyjson_obj_get(builder->entities->app, "id"));
}

// With a name, that stands behind the id, in the place of the version's own.
static yyjson_mut_val *build_version(struct builder *builder, yyjson_val *version, bool own_name,
                                     const char *name)
{
    yyjson_mut_val *result = yyjson_mut_obj(builder->doc);
    size_t i, n;
    yyjson_val *key, *value;
    yyjson_obj_foreach(version, i, n, key, value)
    {
        if (!own_name && yyjson_equals_str(key, "name"))
            continue;
        add(builder, result, gs_json_str(key),
            names_the_app(builder, key, value) ? text(builder, builder->who->id)
                                               : copy(builder, value));
        if (name && yyjson_equals_str(key, "id"))
            add_as(builder, result, "name", text(builder, name));
    }
    return result;
}

// Files of newer releases have no name in them; see gs_entity_version_name.
static bool has_own_name(yyjson_val *version)
{
    yyjson_val *name = yyjson_obj_get(version, "name");
    return name && !yyjson_equals_str(name, gs_entity_version_name);
}

static yyjson_mut_val *build_element(struct builder *builder, enum gs_entity_kind kind,
                                     size_t index)
{
    const struct gs_entities *entities = builder->entities;
    yyjson_val *value = entities->lists[kind].items[index].value;
    if (kind != GS_ENTITY_VERSIONS)
        return copy(builder, value);
    if (index != entities->chosen)
        return build_version(builder, value, false, yyjson_get_str(yyjson_obj_get(value, "id")));
    return has_own_name(value) ? build_version(builder, value, true, NULL)
                               : build_version(builder, value, false, gs_entity_version_name);
}

static void append(struct builder *builder, yyjson_mut_val *list, yyjson_mut_val *value)
{
    if (!yyjson_mut_arr_append(list, value))
        builder->no_memory = true;
}

static void add_list(struct builder *builder, yyjson_mut_val *obj, enum gs_entity_kind kind)
{
    yyjson_mut_val *list = yyjson_mut_arr(builder->doc);
    size_t count = builder->entities->lists[kind].count;
    bool first_is_chosen = kind == GS_ENTITY_VERSIONS && count > 0;
    if (first_is_chosen)
        append(builder, list, build_element(builder, kind, builder->entities->chosen));
    for (size_t i = 0; i < count; i++)
        if (!first_is_chosen || i != builder->entities->chosen)
            append(builder, list, build_element(builder, kind, i));
    add_as(builder, obj, gs_entity_kinds[kind].member, list);
}

static void add_app_members(struct builder *builder, yyjson_mut_val *app)
{
    size_t i, n;
    yyjson_val *key, *value;
    yyjson_obj_foreach(builder->entities->app, i, n, key, value)
    {
        struct gs_slice name = gs_json_str(key);
        if (gs_entity_is_separate(name) || gs_slice_eq_str(name, "tooljetVersion"))
            continue;
        bool is_id = gs_slice_eq_str(name, "id"), is_name = gs_slice_eq_str(name, "name");
        add(builder, app, name,
            is_id     ? text(builder, builder->who->id)
            : is_name ? text(builder, builder->who->name)
                      : copy(builder, value));
    }
}

static yyjson_mut_val *build_app(struct builder *builder)
{
    yyjson_mut_val *app = yyjson_mut_obj(builder->doc);
    add_app_members(builder, app);
    for (size_t kind = GS_ENTITY_TABLES + 1; kind < GS_ENTITY_KINDS; kind++)
        add_list(builder, app, (enum gs_entity_kind)kind);
    if (builder->entities->schema)
        add_as(builder, app, "schemaDetails", copy(builder, builder->entities->schema));
    return app;
}

// What is around appV2: the form in which ToolJet exports one app.
static yyjson_mut_val *build_document(struct builder *builder)
{
    yyjson_mut_doc *doc = builder->doc;
    yyjson_mut_val *root = yyjson_mut_obj(doc), *apps = yyjson_mut_arr(doc);
    yyjson_mut_val *app = yyjson_mut_obj(doc), *definition = yyjson_mut_obj(doc);
    if (builder->entities->lists[GS_ENTITY_TABLES].count > 0)
        add_list(builder, root, GS_ENTITY_TABLES);
    add_as(builder, definition, "appV2", build_app(builder));
    add_as(builder, app, "definition", definition);
    append(builder, apps, app);
    add_as(builder, root, "app", apps);
    if (builder->entities->tooljet_version)
        add_as(builder, root, "tooljet_version", copy(builder, builder->entities->tooljet_version));
    return root;
}

static yyjson_mut_val *build_app_file(struct builder *builder)
{
    yyjson_mut_val *app = yyjson_mut_obj(builder->doc);
    add_app_members(builder, app);
    if (builder->entities->tooljet_version)
        add_as(builder, app, "tooljetVersion", copy(builder, builder->entities->tooljet_version));
    return app;
}

static enum gs_status write(const struct builder *builder, yyjson_mut_val *root, struct gs_buf *out,
                            struct gs_error *err)
{
    GS_CLEANUP(gs_json_cleanup) yyjson_doc *frozen = NULL;
    const char *name = builder->who->name;
    if (!root || builder->no_memory)
        return gs_fail(err, GS_CODE_NO_MEMORY, NULL, "not enough memory for the app '%s'", name);
    yyjson_mut_doc_set_root(builder->doc, root);
    enum gs_status status = gs_json_freeze(builder->doc, &frozen, err);
    if (status != GS_OK)
        return status;
    gs_buf_clear(out);
    gs_json_write(yyjson_doc_get_root(frozen), out);
    return gs_buf_check(out, name, err);
}

enum gs_status gs_entities_write_document(const struct gs_entities *entities,
                                          const struct gs_entity_identity *who, struct gs_buf *out,
                                          struct gs_error *err)
{
    GS_CLEANUP(gs_json_cleanup_mut) yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    struct builder builder = {.doc = doc, .entities = entities, .who = who};
    yyjson_mut_val *root = build_document(&builder);
    return write(&builder, root, out, err);
}

enum gs_status gs_entities_write_app_file(const struct gs_entities *entities,
                                          const struct gs_entity_identity *who, struct gs_buf *out,
                                          struct gs_error *err)
{
    GS_CLEANUP(gs_json_cleanup_mut) yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    struct builder builder = {.doc = doc, .entities = entities, .who = who};
    yyjson_mut_val *root = build_app_file(&builder);
    return write(&builder, root, out, err);
}

enum gs_status gs_entities_write_file(const struct gs_entities *entities,
                                      const struct gs_entity_identity *who,
                                      enum gs_entity_kind kind, size_t index, struct gs_buf *out,
                                      struct gs_error *err)
{
    yyjson_val *value = entities->lists[kind].items[index].value;
    if (kind != GS_ENTITY_VERSIONS) {
        gs_buf_clear(out);
        gs_json_write(value, out);
        return gs_buf_check(out, who->name, err);
    }
    GS_CLEANUP(gs_json_cleanup_mut) yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    struct builder builder = {.doc = doc, .entities = entities, .who = who};
    yyjson_mut_val *root = build_version(&builder, value, has_own_name(value), NULL);
    return write(&builder, root, out, err);
}
