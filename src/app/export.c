// Cuts what ToolJet exports of an app into one document per version. Which element goes where is
// owner.c's business.
// SPDX-License-Identifier: Apache-2.0
#include "app/export_internal.h"

static const char what[] = "the document";

// An export being read, and the part that is being written.
struct cut {
    struct gs_envelope envelope;
    yyjson_val *app, *versions;
    struct gs_owners owners;
    struct gs_slice app_name; // the new one, or the app's own
    yyjson_val *version;      // of the part
    unsigned part;            // from 1
};

// ---- Reading --------------------------------------------------------------------------

static enum gs_status read_names(struct cut *cut, const char *app_name, struct gs_arena *arena,
                                 struct gs_export *export, struct gs_error *err)
{
    const char *path = gs_envelope_path(&cut->envelope);
    struct gs_slice id, name;
    cut->app = gs_envelope_app(&cut->envelope);
    enum gs_status status = gs_envelope_get_id(cut->app, path, what, &id, err);
    if (status == GS_OK)
        status = gs_envelope_get_name(cut->app, path, what, &name, err);
    if (status != GS_OK)
        return status;
    cut->app_name = app_name ? gs_slice_str(app_name) : name;
    status = gs_app_check_name(cut->app_name, app_name ? "/appName" : path, err);
    if (status != GS_OK)
        return status;
    export->app_id = gs_arena_dup_slice(arena, id);
    export->app_name = gs_arena_dup_slice(arena, cut->app_name);
    export->app_slug = gs_arena_strdup(arena, yyjson_get_str(yyjson_obj_get(cut->app, "slug")));
    export->current_version_id =
        gs_arena_strdup(arena, yyjson_get_str(yyjson_obj_get(cut->app, "currentVersionId")));
    return GS_OK;
}

static enum gs_status read_version(const char *app_path, yyjson_val *version, size_t index,
                                   struct gs_arena *arena, struct gs_export_part *part,
                                   struct gs_error *err)
{
    char path[64];
    snprintf(path, sizeof path, "%s/appVersions/%zu", app_path, index);
    struct gs_slice id, name;
    enum gs_status status = gs_envelope_get_id(version, path, what, &id, err);
    if (status == GS_OK)
        status = gs_envelope_get_name(version, path, what, &name, err);
    if (status == GS_OK)
        status = gs_version_check_name(name, path, err);
    if (status != GS_OK)
        return status;
    yyjson_val *state = yyjson_obj_get(version, "status");
    part->version_id = gs_arena_dup_slice(arena, id);
    part->version_name = gs_arena_dup_slice(arena, name);
    part->has_status = yyjson_is_str(state);
    part->draft = yyjson_equals_str(state, "DRAFT");
    return GS_OK;
}

static enum gs_status check_count(const char *app_path, yyjson_val *versions, struct gs_error *err)
{
    size_t count = yyjson_arr_size(versions);
    if (count == 0)
        return gs_fail(err, GS_CODE_NOT_AN_APP, NULL,
                       "%s: %s/appVersions must be an array of at least one version", what,
                       app_path);
    if (count > GS_EXPORT_VERSIONS_MAX)
        return gs_fail(err, GS_CODE_TOO_LARGE, NULL,
                       "%s holds %zu versions, at most %d can be taken at once", what, count,
                       GS_EXPORT_VERSIONS_MAX);
    return GS_OK;
}

static enum gs_status check_distinct(const struct gs_export *export, struct gs_error *err)
{
    struct gs_map ids, names;
    gs_map_init(&ids);
    gs_map_init(&names);
    enum gs_status status = GS_OK;
    for (size_t i = 0; i < export->count && status == GS_OK; i++) {
        struct gs_export_part *part = &export->parts[i];
        if (gs_map_put(&ids, gs_slice_str(part->version_id), part))
            status = gs_fail(err, GS_CODE_CONFLICT, NULL, "%s has two versions with the id %s",
                             what, part->version_id);
        else if (gs_map_put(&names, gs_slice_str(part->version_name), part))
            status = gs_fail(err, GS_CODE_CONFLICT, NULL, "%s has two versions with the name %s",
                             what, part->version_name);
    }
    gs_map_release(&ids);
    gs_map_release(&names);
    return status;
}

static enum gs_status read_versions(struct cut *cut, struct gs_arena *arena,
                                    struct gs_export *export, struct gs_error *err)
{
    const char *path = gs_envelope_path(&cut->envelope);
    cut->versions = gs_json_get_arr(cut->app, "appVersions");
    enum gs_status status = check_count(path, cut->versions, err);
    if (status != GS_OK)
        return status;
    export->count = yyjson_arr_size(cut->versions);
    export->parts = gs_arena_array(arena, export->count, sizeof *export->parts);
    size_t i, n;
    yyjson_val *version;
    yyjson_arr_foreach(cut->versions, i, n, version)
    {
        status = read_version(path, version, i, arena, &export->parts[i], err);
        if (status != GS_OK)
            return status;
    }
    return check_distinct(export, err);
}

// ---- Writing --------------------------------------------------------------------------

static void emit_owned(struct gs_emitter *emitter, const struct gs_owned_list *list, unsigned part)
{
    size_t i, n;
    yyjson_val *element;
    gs_emit_open(emitter, '[');
    yyjson_arr_foreach(list->value, i, n, element)
    {
        if (list->owners[i] == GS_OWNER_ALL || list->owners[i] == part)
            gs_emit_value(emitter, element);
    }
    gs_emit_close(emitter, ']');
}

// editingVersion names another version of the export than the part's.
static bool edits_another(const struct cut *cut, yyjson_val *editing)
{
    unsigned part = gs_owners_find_part(&cut->owners, gs_json_get_str(editing, "id"));
    return part != 0 && part != cut->part;
}

static void emit_app(struct gs_emitter *emitter, yyjson_val *app, void *context)
{
    const struct cut *cut = context;
    size_t i, n;
    yyjson_val *key, *value;
    gs_emit_open(emitter, '{');
    yyjson_obj_foreach(app, i, n, key, value)
    {
        gs_emit_key(emitter, gs_json_str(key));
        if (cut->owners.lists[i].value)
            emit_owned(emitter, &cut->owners.lists[i], cut->part);
        else if (yyjson_equals_str(key, "name"))
            gs_emit_string(emitter, cut->app_name);
        else if (yyjson_equals_str(key, "editingVersion") && edits_another(cut, value))
            gs_emit_value(emitter, cut->version);
        else
            gs_emit_value(emitter, value);
    }
    gs_emit_close(emitter, '}');
}

// Every part carries what no version owns, so a small export with many versions can ask for a lot.
static enum gs_status write_parts(struct cut *cut, struct gs_export *export, struct gs_error *err)
{
    enum gs_status status = GS_OK;
    size_t left = GS_EXPORT_MAX;
    for (size_t i = 0; i < export->count && status == GS_OK; i++) {
        struct gs_buf *bytes = &export->parts[i].bytes;
        struct gs_emitter emitter;
        gs_buf_init(bytes, left < GS_DOCUMENT_MAX ? left : GS_DOCUMENT_MAX);
        gs_emit_init(&emitter, bytes);
        cut->version = yyjson_arr_get(cut->versions, i);
        cut->part = (unsigned)i + 1;
        gs_emit_envelope(&emitter, &cut->envelope, 0, emit_app, cut);
        status = gs_buf_check(bytes, what, err);
        left -= bytes->len;
    }
    return status;
}

static enum gs_status cut_parts(struct cut *cut, struct gs_export *export, struct gs_error *err)
{
    GS_CLEANUP(gs_arena_cleanup) struct gs_arena *work = gs_arena_new();
    gs_owners_init(&cut->owners, cut->app, work);
    enum gs_status status = write_parts(cut, export, err);
    gs_owners_release(&cut->owners);
    return status;
}

enum gs_status gs_export_split(yyjson_val *root, const char *app_name, struct gs_arena *arena,
                               struct gs_export *out_export, struct gs_error *err)
{
    struct cut cut = {0};
    struct gs_export export = {0};
    enum gs_status status = gs_envelope_find(root, what, &cut.envelope, err);
    if (status == GS_OK)
        status = read_names(&cut, app_name, arena, &export, err);
    if (status == GS_OK)
        status = read_versions(&cut, arena, &export, err);
    if (status == GS_OK)
        status = cut_parts(&cut, &export, err);
    if (status == GS_OK)
        *out_export = export;
    else
        gs_export_release(&export);
    return status;
}

void gs_export_release(struct gs_export *export)
{
    for (size_t i = 0; i < export->count; i++)
        gs_buf_release(&export->parts[i].bytes);
    *export = (struct gs_export){0};
}
