// One version of one app: taking a document apart, and changing the few members the server owns.
// SPDX-License-Identifier: Apache-2.0
#include "app/app_internal.h"

// Documents older than 2.30 may carry earlier versions along; the one they are about is the edited one.
static yyjson_val *find_edited(yyjson_val *app, yyjson_val *versions, size_t *out_index)
{
    yyjson_val *edited = yyjson_obj_get(yyjson_obj_get(app, "editingVersion"), "id");
    size_t i, n;
    yyjson_val *version;
    yyjson_arr_foreach(versions, i, n, version)
    {
        if (n > 1 && !(edited && yyjson_equals(edited, yyjson_obj_get(version, "id"))))
            continue;
        *out_index = i;
        return version;
    }
    return NULL;
}

static enum gs_status get_version(yyjson_val *app, const char *path, const char *what,
                                  yyjson_val **out_version, size_t *out_index, struct gs_error *err)
{
    yyjson_val *versions = yyjson_obj_get(app, "appVersions");
    if (!versions)
        return gs_fail(err, GS_CODE_NOT_AN_APP, path, "%s: %s is missing", what, path);
    yyjson_val *version = find_edited(app, versions, out_index);
    if (!version)
        return gs_fail(err, GS_CODE_NOT_AN_APP, path,
                       "%s: %s must be an array of one version, or of several that editingVersion "
                       "tells apart; it holds %zu",
                       what, path, yyjson_arr_size(versions));
    if (!yyjson_is_obj(version))
        return gs_fail(err, GS_CODE_NOT_AN_APP, path, "%s: %s/%zu must be an object", what, path,
                       *out_index);
    *out_version = version;
    return GS_OK;
}

static enum gs_status read_app(struct gs_document *document, const char *path, const char *what,
                               struct gs_error *err)
{
    enum gs_status status = gs_envelope_get_id(document->app, path, what, &document->app_id, err);
    if (status == GS_OK)
        status = gs_envelope_get_name(document->app, path, what, &document->app_name, err);
    document->app_slug = gs_json_get_str(document->app, "slug");
    return status;
}

static enum gs_status read_version(struct gs_document *document, const char *app_path,
                                   const char *what, struct gs_error *err)
{
    char path[96];
    size_t index = 0;
    snprintf(path, sizeof path, "%s/appVersions", app_path);
    enum gs_status status = get_version(document->app, path, what, &document->version, &index, err);
    if (status != GS_OK)
        return status;
    snprintf(path, sizeof path, "%s/appVersions/%zu", app_path, index);
    status = gs_envelope_get_id(document->version, path, what, &document->version_id, err);
    if (status == GS_OK)
        status = gs_envelope_get_name(document->version, path, what, &document->version_name, err);
    yyjson_val *state = yyjson_obj_get(document->version, "status");
    document->has_status = yyjson_is_str(state);
    document->draft = yyjson_equals_str(state, "DRAFT");
    return status;
}

static enum gs_status read_document(struct gs_document *document, const char *what,
                                    struct gs_error *err)
{
    yyjson_val *root = yyjson_doc_get_root(document->json);
    struct gs_envelope envelope;
    enum gs_status status = gs_envelope_find(root, what, &envelope, err);
    if (status != GS_OK)
        return status;
    document->app = gs_envelope_app(&envelope);
    document->tooljet_version = gs_json_get_str(root, "tooljet_version");
    status = read_app(document, gs_envelope_path(&envelope), what, err);
    return status == GS_OK ? read_version(document, gs_envelope_path(&envelope), what, err)
                           : status;
}

// Takes json, whatever comes of it.
static enum gs_status take_apart(yyjson_doc *json, const char *what,
                                 struct gs_document *out_document, struct gs_error *err)
{
    struct gs_document document = {.json = json};
    enum gs_status status = read_document(&document, what, err);
    if (status == GS_OK)
        *out_document = document;
    else
        gs_document_release(&document);
    return status;
}

enum gs_status gs_document_parse(struct gs_slice bytes, const char *what,
                                 struct gs_document *out_document, struct gs_error *err)
{
    yyjson_doc *json;
    enum gs_status status = gs_json_parse(bytes, what, &json, err);
    return status == GS_OK ? take_apart(json, what, out_document, err) : status;
}

enum gs_status gs_document_parse_stored(struct gs_slice bytes, const char *what,
                                        struct gs_document *out_document, struct gs_error *err)
{
    yyjson_doc *json;
    enum gs_status status = gs_json_parse_checked(bytes, what, &json, err);
    return status == GS_OK ? take_apart(json, what, out_document, err) : status;
}

void gs_document_release(struct gs_document *document)
{
    gs_json_free(document->json);
    *document = (struct gs_document){0};
}

// What to put into the version; a NULL leaves the member alone.
struct rewrite {
    yyjson_val *version;
    const char *status, *name;
};

static const char *find_replacement(const struct rewrite *rewrite, struct gs_slice member)
{
    if (gs_slice_eq_str(member, "status"))
        return rewrite->status;
    if (gs_slice_eq_str(member, "name"))
        return rewrite->name;
    return NULL;
}

static bool changes_member(yyjson_val *version, const char *member, const char *value)
{
    yyjson_val *old = yyjson_obj_get(version, member);
    return old && value && !yyjson_equals_str(old, value);
}

static void emit_version(struct gs_emitter *emitter, yyjson_val *version,
                         const struct rewrite *rewrite)
{
    size_t i, n;
    yyjson_val *key, *value;
    gs_emit_open(emitter, '{');
    yyjson_obj_foreach(version, i, n, key, value)
    {
        const char *replacement = find_replacement(rewrite, gs_json_str(key));
        gs_emit_key(emitter, gs_json_str(key));
        if (replacement)
            gs_emit_string(emitter, gs_slice_str(replacement));
        else
            gs_emit_value(emitter, value);
    }
    gs_emit_close(emitter, '}');
}

static void emit_versions(struct gs_emitter *emitter, yyjson_val *versions,
                          const struct rewrite *rewrite)
{
    size_t i, n;
    yyjson_val *version;
    gs_emit_open(emitter, '[');
    yyjson_arr_foreach(versions, i, n, version)
    {
        if (version == rewrite->version)
            emit_version(emitter, version, rewrite);
        else
            gs_emit_value(emitter, version);
    }
    gs_emit_close(emitter, ']');
}

static void emit_app(struct gs_emitter *emitter, yyjson_val *app, void *context)
{
    size_t i, n;
    yyjson_val *key, *value;
    gs_emit_open(emitter, '{');
    yyjson_obj_foreach(app, i, n, key, value)
    {
        gs_emit_key(emitter, gs_json_str(key));
        if (!yyjson_equals_str(key, "appVersions")) {
            gs_emit_value(emitter, value);
            continue;
        }
        emit_versions(emitter, value, context);
    }
    gs_emit_close(emitter, '}');
}

static enum gs_status emit_rewritten(const struct gs_document *document, struct rewrite *rewrite,
                                     struct gs_buf *out, struct gs_error *err)
{
    struct gs_envelope envelope;
    enum gs_status status =
        gs_envelope_find(yyjson_doc_get_root(document->json), "the document", &envelope, err);
    if (status != GS_OK)
        return status;
    struct gs_emitter emitter;
    gs_emit_init(&emitter, out);
    gs_emit_envelope(&emitter, &envelope, 0, emit_app, rewrite);
    return gs_buf_check(out, "the document", err);
}

enum gs_status gs_document_rewrite(struct gs_slice bytes, const char *status, const char *name,
                                   struct gs_buf *out, struct gs_error *err)
{
    GS_CLEANUP(gs_document_release) struct gs_document document = {0};
    enum gs_status result = gs_document_parse(bytes, "the document", &document, err);
    if (result != GS_OK)
        return result;
    struct rewrite rewrite = {document.version, status, name};
    if (changes_member(document.version, "status", status) ||
        changes_member(document.version, "name", name))
        return emit_rewritten(&document, &rewrite, out, err);
    gs_buf_append_slice(out, bytes);
    return gs_buf_check(out, "the document", err);
}
