// What an app was before: going back to a commit or to before an operation, what was released, and releasing that again.
// SPDX-License-Identifier: Apache-2.0
#include "api/api_internal.h"

enum {
    ID_MAX = 128,
    COMMIT_DIGITS = 40,
    MESSAGE_MAX = 65536,
    RELEASES_USUAL = 20,
    RELEASES_MAX = 200
};

static bool is_commit(const char *text)
{
    return strlen(text) == COMMIT_DIGITS && strspn(text, "0123456789abcdefABCDEF") == COMMIT_DIGITS;
}

enum gs_status gs_app_rollback(struct call *call, struct gs_error *err)
{
    static const char *const words[] = {"fail", "ours", NULL};
    struct fields fields;
    enum gs_status status = gs_fields_begin_body(&fields, call, err);
    if (status != GS_OK)
        return status;
    struct gs_sync_request request = {
        .kind = GS_SYNC_ROLLBACK,
        .app_id = gs_call_param(call, "appId"),
        .commit = gs_fields_text(&fields, "commit", 0, ID_MAX),
        .from_operation_id = gs_fields_text(&fields, "operationId", FIELD_UUID, ID_MAX),
        .push = gs_fields_bool(&fields, "push", false),
        .message = gs_fields_slice(&fields, "commitMessage", 0, MESSAGE_MAX),
        .divergence = gs_fields_choice(&fields, "onConflict", words, 0) ? GS_DIVERGENCE_OURS
                                                                        : GS_DIVERGENCE_FAIL,
        .allow_secrets = gs_fields_bool(&fields, "allowSecrets", false),
    };
    if (request.commit && !is_commit(request.commit))
        gs_fields_complain(&fields, "commit", "commit must have 40 hexadecimal digits");
    if (fields.count == 0 && !request.commit == !request.from_operation_id)
        gs_fields_complain(&fields, "commit", "give either commit or operationId");
    status = gs_fields_end(&fields, err);
    return status == GS_OK ? gs_call_submit_planned(call, &request, err) : status;
}

enum gs_status gs_release_restore(struct call *call, struct gs_error *err)
{
    yyjson_val *body = NULL;
    struct gs_sync_request request = {.kind = GS_SYNC_RERELEASE,
                                      .app_id = gs_call_param(call, "appId"),
                                      .release_id = gs_call_param(call, "releaseId")};
    enum gs_status status = gs_call_body(call, &body, err);
    return status == GS_OK ? gs_call_submit_planned(call, &request, err) : status;
}

// ---- The list of releases --------------------------------------------------------------

// The name of the version or environment with that id; NULL when it is gone.
static const char *version_name(const struct gs_app_view *view, const char *id)
{
    for (size_t i = 0; i < view->version_count; i++)
        if (strcmp(view->versions[i].id, id) == 0)
            return view->versions[i].name;
    return NULL;
}

static const char *environment_name(const struct gs_environment *envs, size_t count, const char *id)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(envs[i].id, id) == 0)
            return envs[i].name;
    return NULL;
}

static void view_release(yyjson_mut_doc *doc, yyjson_mut_val *obj, const struct gs_release *release,
                         const char *version, const char *environment, bool current)
{
    gs_json_add_cstr(doc, obj, "id", release->id);
    gs_json_add_cstr(doc, obj, "versionId", release->version_id);
    gs_json_add_cstr(doc, obj, "versionName", version);
    gs_json_add_cstr(doc, obj, "environmentId", release->environment_id);
    gs_json_add_cstr(doc, obj, "environment", environment);
    gs_json_add_cstr(doc, obj, "documentId", release->document_id);
    gs_json_add_cstr(doc, obj, "previousVersionId", release->previous_version_id);
    gs_json_add_cstr(doc, obj, "commit", release->commit);
    gs_json_add_cstr(doc, obj, "operationId", release->operation_id);
    yyjson_mut_obj_add_bool(doc, obj, "current", current);
    gs_json_add_time(doc, obj, "createdAt", release->created_at);
}

static enum gs_status write_releases(struct call *call, struct gs_tx *tx,
                                     const struct gs_app_view *view, size_t limit,
                                     struct gs_error *err)
{
    struct gs_release *releases = NULL;
    struct gs_environment *envs = NULL;
    size_t count = 0, env_count = 0;
    enum gs_status status =
        gs_store_list_releases(tx, view->app.id, limit, call->arena, &releases, &count, err);
    if (status == GS_OK)
        status = gs_store_list_environments(tx, view->app.organization_id, call->arena, &envs,
                                            &env_count, err);
    if (status != GS_OK)
        return status;
    yyjson_mut_val *root = gs_call_answer(call);
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(call->answer, root, "data");
    for (size_t i = 0; i < count; i++)
        view_release(call->answer, yyjson_mut_arr_add_obj(call->answer, list), &releases[i],
                     version_name(view, releases[i].version_id),
                     environment_name(envs, env_count, releases[i].environment_id), i == 0);
    return GS_OK;
}

enum gs_status gs_app_releases(struct call *call, struct gs_error *err)
{
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    struct gs_app_view view;
    size_t limit = 0;
    enum gs_status status = gs_query_limit(call, RELEASES_USUAL, RELEASES_MAX, &limit, err);
    if (status == GS_OK)
        status = gs_call_read(call, &tx, err);
    if (status == GS_OK)
        status = gs_workspace_get_app(tx, gs_call_param(call, "appId"), call->arena, &view, err);
    return status == GS_OK ? write_releases(call, tx, &view, limit, err) : status;
}
