// Apps: reading, renaming, deleting, importing, exporting.
// SPDX-License-Identifier: Apache-2.0
#include "api/api_internal.h"

enum { APP_NAME_MAX = 4096 };

static enum gs_status get_view(struct call *call, struct gs_app_view *out_view,
                               struct gs_error *err)
{
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    enum gs_status status = gs_call_read(call, &tx, err);
    if (status != GS_OK)
        return status;
    status = gs_workspace_get_app(tx, gs_call_param(call, "appId"), call->arena, out_view, err);
    // Reading a resource that is not there is 404; only the documented git calls say 400.
    return err->code == GS_CODE_APP_NOT_FOUND
               ? gs_fail(err, GS_CODE_NOT_FOUND, NULL, "App not found")
               : status;
}

enum gs_status gs_app_get(struct call *call, struct gs_error *err)
{
    struct gs_app_view view;
    enum gs_status status = get_view(call, &view, err);
    if (status == GS_OK) {
        yyjson_mut_val *root = gs_call_answer(call);
        gs_view_app(call->answer, root, &view);
    }
    return status;
}

enum gs_status gs_app_versions(struct call *call, struct gs_error *err)
{
    struct gs_app_view view;
    enum gs_status status = get_view(call, &view, err);
    if (status != GS_OK)
        return status;
    yyjson_mut_val *root = gs_call_answer(call);
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(call->answer, root, "versions");
    for (size_t i = 0; i < view.version_count; i++)
        gs_view_version(call->answer, yyjson_mut_arr_add_obj(call->answer, list),
                        &view.versions[i]);
    return GS_OK;
}

static enum gs_status rename_app(struct call *call, const char *name, struct gs_app_view *out_view,
                                 struct gs_error *err)
{
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    enum gs_status status = gs_call_write(call, &tx, err);
    if (status == GS_OK)
        status = gs_workspace_rename_app(tx, gs_call_param(call, "appId"), name, call->arena,
                                         out_view, err);
    return status == GS_OK ? gs_tx_commit(&tx, err) : status;
}

enum gs_status gs_app_rename(struct call *call, struct gs_error *err)
{
    struct fields fields;
    struct gs_app_view view;
    enum gs_status status = gs_fields_begin_body(&fields, call, err);
    if (status != GS_OK)
        return status;
    const char *name = gs_fields_text(&fields, "name", FIELD_REQUIRED, APP_NAME_MAX);
    status = gs_fields_end(&fields, err);
    if (status == GS_OK)
        status = rename_app(call, name, &view, err);
    if (err->code == GS_CODE_APP_NOT_FOUND)
        return gs_fail(err, GS_CODE_NOT_FOUND, NULL, "App not found");
    if (status == GS_OK) {
        yyjson_mut_val *root = gs_call_answer(call);
        gs_view_app(call->answer, root, &view);
    }
    return status;
}

enum gs_status gs_app_delete(struct call *call, struct gs_error *err)
{
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    const char *app_id = gs_call_param(call, "appId");
    struct gs_app app;
    enum gs_status status = gs_call_write(call, &tx, err);
    if (status == GS_OK)
        status = gs_store_get_app(tx, app_id, call->arena, &app, err);
    if (status == GS_NOT_FOUND)
        return gs_fail(err, GS_CODE_NOT_FOUND, NULL, "App not found");
    if (status == GS_OK)
        status = gs_store_delete_app(tx, app_id, err);
    return status == GS_OK ? gs_tx_commit(&tx, err) : status;
}

// appName is a word to us, not part of the document.
static enum gs_status strip_app_name(struct call *call, yyjson_val **body, const char **out_name,
                                     struct gs_error *err)
{
    *out_name = NULL;
    if (!yyjson_obj_get(*body, "appName"))
        return GS_OK;
    struct fields fields;
    gs_fields_begin(&fields, call, *body);
    *out_name = gs_fields_text(&fields, "appName", 0, APP_NAME_MAX);
    enum gs_status status = gs_fields_end(&fields, err);
    if (status != GS_OK)
        return status;
    GS_CLEANUP(gs_json_cleanup_mut) yyjson_mut_doc *copy = NULL;
    yyjson_doc *stripped = NULL;
    status = gs_json_thaw(*body, &copy, err);
    if (status != GS_OK)
        return status;
    yyjson_mut_obj_remove_key(yyjson_mut_doc_get_root(copy), "appName");
    status = gs_json_freeze(copy, &stripped, err);
    if (status != GS_OK)
        return status;
    gs_json_free(call->body);
    call->body = stripped;
    *body = yyjson_doc_get_root(stripped);
    return GS_OK;
}

static void answer_import(struct call *call, const struct gs_app_view *view)
{
    yyjson_mut_val *root = gs_call_answer(call);
    yyjson_mut_doc *doc = call->answer;
    gs_json_add_cstr(doc, root, "message", "App imported successfully.");
    gs_json_add_cstr(doc, root, "id", view->app.id);
    gs_json_add_cstr(doc, root, "name", view->app.name);
    gs_json_add_cstr(doc, root, "slug", view->app.slug);
    gs_json_add_cstr(doc, root, "organizationId", view->app.organization_id);
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, root, "versions");
    for (size_t i = 0; i < view->version_count; i++)
        gs_view_version(doc, yyjson_mut_arr_add_obj(doc, list), &view->versions[i]);
}

enum gs_status gs_app_import(struct call *call, struct gs_error *err)
{
    yyjson_val *body = NULL;
    const char *app_name = NULL;
    struct gs_app_view view;
    enum gs_status status = gs_call_body(call, &body, err);
    if (status == GS_OK)
        status = strip_app_name(call, &body, &app_name, err);
    if (status == GS_OK)
        status = gs_workspace_import(gs_call_store(call), gs_call_param(call, "workspaceId"), body,
                                     app_name, call->arena, &view, err);
    if (status == GS_OK)
        answer_import(call, &view);
    return status;
}

enum gs_status gs_app_export(struct call *call, struct gs_error *err)
{
    const char *version = gs_call_query(call, "appVersion");
    struct gs_export_choice choice = {.version = version && *version ? version : NULL};
    enum gs_status status = gs_query_flag(call, "exportAllVersions", &choice.all, err);
    if (status != GS_OK)
        return status;
    return gs_workspace_export(call->api->options.store, gs_call_param(call, "workspaceId"),
                               gs_call_param(call, "appId"), &choice, &call->raw, err);
}
