// Rows of the store as JSON.
// SPDX-License-Identifier: Apache-2.0
#include "api/api_internal.h"

void gs_view_version(yyjson_mut_doc *doc, yyjson_mut_val *obj, const struct gs_version *version)
{
    gs_json_add_cstr(doc, obj, "id", version->id);
    gs_json_add_cstr(doc, obj, "name", version->name);
    gs_json_add_cstr(doc, obj, "appId", version->app_id);
    gs_json_add_cstr(doc, obj, "status", version->draft ? "DRAFT" : "PUBLISHED");
    gs_json_add_cstr(doc, obj, "environmentId", version->environment_id);
    gs_json_add_cstr(doc, obj, "documentId", version->document_id);
    gs_json_add_time(doc, obj, "createdAt", version->created_at);
    gs_json_add_time(doc, obj, "updatedAt", version->updated_at);
}

void gs_view_app(yyjson_mut_doc *doc, yyjson_mut_val *obj, const struct gs_app_view *view)
{
    const struct gs_app *app = &view->app;
    gs_json_add_cstr(doc, obj, "id", app->id);
    gs_json_add_cstr(doc, obj, "name", app->name);
    gs_json_add_cstr(doc, obj, "slug", app->slug);
    gs_json_add_cstr(doc, obj, "organizationId", app->organization_id);
    gs_json_add_cstr(doc, obj, "currentVersionId", app->current_version_id);
    gs_json_add_time(doc, obj, "createdAt", app->created_at);
    gs_json_add_time(doc, obj, "updatedAt", app->updated_at);
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, obj, "versions");
    for (size_t i = 0; i < view->version_count; i++)
        gs_view_version(doc, yyjson_mut_arr_add_obj(doc, list), &view->versions[i]);
}

// What was recorded as text becomes part of the answer again.
static enum gs_status add_recorded(yyjson_mut_doc *doc, yyjson_mut_val *obj, const char *name,
                                   const char *text, struct gs_error *err)
{
    GS_CLEANUP(gs_json_cleanup) yyjson_doc *recorded = NULL;
    enum gs_status status = gs_json_parse(gs_slice_str(text), "what was recorded", &recorded, err);
    if (status == GS_OK)
        yyjson_mut_obj_add_val(doc, obj, name,
                               yyjson_val_mut_copy(doc, yyjson_doc_get_root(recorded)));
    return status;
}

static enum gs_status add_failure(yyjson_mut_doc *doc, yyjson_mut_val *obj,
                                  const struct gs_operation *op, struct gs_error *err)
{
    yyjson_mut_val *error = yyjson_mut_obj_add_obj(doc, obj, "error");
    yyjson_mut_obj_add_int(doc, error, "statusCode", op->http_status);
    gs_json_add_cstr(doc, error, "code", op->error_code);
    gs_json_add_cstr(doc, error, "message", op->error_message);
    return add_recorded(doc, error, "details", op->error_details ? op->error_details : "[]", err);
}

enum gs_status gs_view_operation(yyjson_mut_doc *doc, yyjson_mut_val *obj,
                                 const struct gs_operation *op, struct gs_error *err)
{
    gs_json_add_cstr(doc, obj, "id", op->id);
    gs_json_add_cstr(doc, obj, "kind", op->kind);
    gs_json_add_cstr(doc, obj, "state", gs_operation_state_text(op->state));
    yyjson_mut_obj_add_int(doc, obj, "progress", op->progress);
    gs_json_add_cstr(doc, obj, "phase", op->phase);
    gs_json_add_cstr(doc, obj, "organizationId", op->organization_id);
    gs_json_add_cstr(doc, obj, "appId", op->app_id);
    gs_json_add_cstr(doc, obj, "versionId", op->version_id);
    gs_json_add_cstr(doc, obj, "commit", op->commit);
    gs_json_add_time(doc, obj, "createdAt", op->created_at);
    gs_json_add_time(doc, obj, "updatedAt", op->updated_at);
    if (op->error_code)
        return add_failure(doc, obj, op, err);
    return op->state == GS_OP_DONE && op->result ? add_recorded(doc, obj, "result", op->result, err)
                                                 : GS_OK;
}
