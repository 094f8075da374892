// Workspaces, which are the organizations of the git calls.
// SPDX-License-Identifier: Apache-2.0
#include "api/api_internal.h"
#include "base/clock.h"
#include "base/random.h"

enum { NAME_MAX_BYTES = 255 };

static void view_workspace(yyjson_mut_doc *doc, yyjson_mut_val *obj,
                           const struct gs_organization *org)
{
    gs_json_add_cstr(doc, obj, "id", org->id);
    gs_json_add_cstr(doc, obj, "name", org->name);
    gs_json_add_time(doc, obj, "createdAt", org->created_at);
}

// The lists of ToolJet's API are bare arrays.
static yyjson_mut_val *answer_list(struct call *call)
{
    call->answer = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *list = yyjson_mut_arr(call->answer);
    yyjson_mut_doc_set_root(call->answer, list);
    return list;
}

enum gs_status gs_workspace_list(struct call *call, struct gs_error *err)
{
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    struct gs_organization *orgs;
    size_t count = 0;
    enum gs_status status = gs_call_read(call, &tx, err);
    if (status == GS_OK)
        status = gs_store_list_organizations(tx, call->arena, &orgs, &count, err);
    if (status != GS_OK)
        return status;
    yyjson_mut_val *list = answer_list(call);
    for (size_t i = 0; i < count; i++)
        view_workspace(call->answer, yyjson_mut_arr_add_obj(call->answer, list), &orgs[i]);
    return GS_OK;
}

static enum gs_status add(struct call *call, const struct gs_organization *org,
                          struct gs_error *err)
{
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    enum gs_status status = gs_call_write(call, &tx, err);
    if (status == GS_OK)
        status = gs_store_add_organization(tx, org, err);
    return status == GS_OK ? gs_tx_commit(&tx, err) : status;
}

enum gs_status gs_workspace_create(struct call *call, struct gs_error *err)
{
    struct fields fields;
    enum gs_status status = gs_fields_begin_body(&fields, call, err);
    if (status != GS_OK)
        return status;
    char new_id[GS_UUID_TEXT + 1];
    gs_uuid_new(new_id);
    const char *id = gs_fields_text(&fields, "id", FIELD_UUID, GS_UUID_TEXT);
    struct gs_organization org = {
        .id = id ? id : new_id,
        .name = gs_fields_text(&fields, "name", FIELD_REQUIRED, NAME_MAX_BYTES),
        .created_at = gs_clock_now_ms()};
    status = gs_fields_end(&fields, err);
    if (status == GS_OK)
        status = add(call, &org, err);
    if (status == GS_OK) {
        yyjson_mut_val *root = gs_call_answer(call);
        view_workspace(call->answer, root, &org);
    }
    return status;
}

static enum gs_status add_app(struct call *call, struct gs_tx *tx, yyjson_mut_val *list,
                              const struct gs_app *app, struct gs_error *err)
{
    struct gs_version *versions;
    size_t count;
    enum gs_status status =
        gs_store_list_versions(tx, app->id, call->arena, &versions, &count, err);
    if (status != GS_OK)
        return status;
    yyjson_mut_doc *doc = call->answer;
    yyjson_mut_val *obj = yyjson_mut_arr_add_obj(doc, list);
    gs_json_add_cstr(doc, obj, "id", app->id);
    gs_json_add_cstr(doc, obj, "name", app->name);
    gs_json_add_cstr(doc, obj, "slug", app->slug);
    gs_json_add_cstr(doc, obj, "organizationId", app->organization_id);
    gs_json_add_time(doc, obj, "createdAt", app->created_at);
    yyjson_mut_val *names = yyjson_mut_obj_add_arr(doc, obj, "versions");
    for (size_t i = 0; i < count; i++) {
        yyjson_mut_val *version = yyjson_mut_arr_add_obj(doc, names);
        gs_json_add_cstr(doc, version, "id", versions[i].id);
        gs_json_add_cstr(doc, version, "name", versions[i].name);
    }
    return GS_OK;
}

enum gs_status gs_workspace_apps(struct call *call, struct gs_error *err)
{
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    const char *id = gs_call_param(call, "workspaceId");
    struct gs_app *apps;
    size_t count = 0;
    enum gs_status status = gs_call_read(call, &tx, err);
    if (status == GS_OK)
        status = gs_workspace_check_organization(tx, id, call->arena, err);
    if (status == GS_OK)
        status = gs_store_list_apps(tx, id, call->arena, &apps, &count, err);
    if (status != GS_OK)
        return status;
    yyjson_mut_val *list = answer_list(call);
    for (size_t i = 0; status == GS_OK && i < count; i++)
        status = add_app(call, tx, list, &apps[i], err);
    return status;
}

enum gs_status gs_workspace_environments(struct call *call, struct gs_error *err)
{
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    const char *id = gs_call_param(call, "workspaceId");
    struct gs_environment *envs;
    size_t count = 0;
    enum gs_status status = gs_call_read(call, &tx, err);
    if (status == GS_OK)
        status = gs_workspace_check_organization(tx, id, call->arena, err);
    if (status == GS_OK)
        status = gs_store_list_environments(tx, id, call->arena, &envs, &count, err);
    if (status != GS_OK)
        return status;
    yyjson_mut_val *list = answer_list(call);
    yyjson_mut_doc *doc = call->answer;
    for (size_t i = 0; i < count; i++) {
        yyjson_mut_val *obj = yyjson_mut_arr_add_obj(doc, list);
        gs_json_add_cstr(doc, obj, "id", envs[i].id);
        gs_json_add_cstr(doc, obj, "name", envs[i].name);
        yyjson_mut_obj_add_int(doc, obj, "priority", envs[i].priority);
    }
    return GS_OK;
}
