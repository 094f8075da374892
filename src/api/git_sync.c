// The calls that go to git: push, create, pull, promote, release.
// SPDX-License-Identifier: Apache-2.0
#include "api/api_internal.h"

enum {
    ID_MAX = 128,
    REF_MAX = 1024,
    APP_NAME_MAX = 255,
    MESSAGE_MAX = 65536,
};

enum gs_status gs_version_push(struct call *call, struct gs_error *err)
{
    struct fields fields;
    enum gs_status status = gs_fields_begin_body(&fields, call, err);
    if (status != GS_OK)
        return status;
    struct gs_sync_request request = {
        .kind = GS_SYNC_PUSH,
        .app_id = gs_call_param(call, "appId"),
        .version_id = gs_call_param(call, "versionId"),
        .message = gs_fields_slice(&fields, "commitMessage", FIELD_REQUIRED, MESSAGE_MAX),
        .divergence = gs_fields_push_divergence(&fields),
        .allow_secrets = gs_fields_bool(&fields, "allowSecrets", false),
    };
    status = gs_fields_end(&fields, err);
    return status == GS_OK ? gs_call_submit_planned(call, &request, err) : status;
}

static enum gs_status check_create_mode(struct call *call, struct gs_error *err)
{
    const char *mode = gs_call_query(call, "createMode");
    if (mode && strcmp(mode, "git") == 0)
        return GS_OK;
    return gs_fail(err, GS_CODE_INVALID_CREATE_MODE, "createMode",
                   "createMode must be git (…?createMode=git)");
}

enum gs_status gs_app_create(struct call *call, struct gs_error *err)
{
    struct fields fields;
    enum gs_status status = check_create_mode(call, err);
    if (status == GS_OK)
        status = gs_fields_begin_body(&fields, call, err);
    if (status != GS_OK)
        return status;
    struct gs_sync_request request = {
        .kind = GS_SYNC_CREATE,
        .organization_id =
            gs_fields_text(&fields, "organizationId", FIELD_REQUIRED | FIELD_UUID, ID_MAX),
        .git_app_id = gs_fields_text(&fields, "gitAppId", 0, ID_MAX),
        .git_app_name = gs_fields_text(&fields, "gitAppName", 0, APP_NAME_MAX),
        .ref = gs_fields_text(&fields, "gitVersionId", 0, REF_MAX),
    };
    const char *branch = gs_fields_text(&fields, "gitBranchName", 0, REF_MAX);
    request.ref = request.ref ? request.ref : branch;
    if (!request.git_app_id && !request.git_app_name && fields.count == 0)
        gs_fields_complain(&fields, "gitAppId", "gitAppId is required (or gitAppName)");
    if (!request.ref && fields.count == 0)
        gs_fields_complain(&fields, "gitVersionId", "gitVersionId is required (or gitBranchName)");
    status = gs_fields_end(&fields, err);
    return status == GS_OK ? gs_call_submit_planned(call, &request, err) : status;
}

// ?onConflict= of pull, promote and release.
static enum gs_status read_divergence(struct call *call, enum gs_divergence *out_divergence,
                                      struct gs_error *err)
{
    static const struct {
        const char *word;
        enum gs_divergence meaning;
    } words[] = {{"fail", GS_DIVERGENCE_FAIL},
                 {"ours", GS_DIVERGENCE_OURS},
                 {"theirs", GS_DIVERGENCE_THEIRS}};
    const char *text = gs_call_query(call, "onConflict");
    for (size_t i = 0; i < GS_COUNT(words); i++) {
        if (text && strcmp(text, words[i].word) != 0)
            continue;
        *out_divergence = words[i].meaning;
        return GS_OK;
    }
    return gs_fail(err, GS_CODE_INVALID_INPUT, "onConflict",
                   "onConflict must be one of fail, ours, theirs");
}

enum gs_status gs_app_pull(struct call *call, struct gs_error *err)
{
    yyjson_val *body = NULL;
    const char *ref = gs_call_query(call, "ref");
    struct gs_sync_request request = {.kind = GS_SYNC_PULL,
                                      .app_id = gs_call_param(call, "appId"),
                                      .ref = ref && *ref ? ref : NULL};
    enum gs_status status = check_create_mode(call, err);
    if (status == GS_OK)
        status = read_divergence(call, &request.divergence, err);
    if (status == GS_OK)
        status = gs_query_deletion_limit(call, &request.max_deletions, err);
    if (status == GS_OK)
        status = gs_call_body(call, &body, err);
    return status == GS_OK ? gs_call_submit_planned(call, &request, err) : status;
}

enum gs_status gs_app_promote(struct call *call, struct gs_error *err)
{
    yyjson_val *body = NULL;
    struct gs_sync_request request = {.kind = GS_SYNC_PROMOTE,
                                      .app_id = gs_call_param(call, "appId")};
    enum gs_status status = read_divergence(call, &request.divergence, err);
    if (status == GS_OK)
        status = gs_query_deletion_limit(call, &request.max_deletions, err);
    if (status == GS_OK)
        status = gs_call_body(call, &body, err);
    return status == GS_OK ? gs_call_submit_planned(call, &request, err) : status;
}

static enum gs_status find_app_id(struct call *call, const char **out_id, struct gs_error *err)
{
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    const char *wanted = gs_call_param(call, "appIdOrSlug");
    struct gs_app app;
    enum gs_status status = gs_call_read(call, &tx, err);
    if (status == GS_OK)
        status = gs_store_get_app(tx, wanted, call->arena, &app, err);
    if (status == GS_NOT_FOUND)
        status = gs_store_find_app_by_slug(tx, wanted, call->arena, &app, err);
    if (status == GS_NOT_FOUND)
        return gs_fail(err, GS_CODE_APP_NOT_FOUND, NULL, "App not found");
    if (status == GS_OK)
        *out_id = app.id;
    return status;
}

enum gs_status gs_app_release(struct call *call, struct gs_error *err)
{
    yyjson_val *body = NULL;
    struct gs_sync_request request = {.kind = GS_SYNC_PROMOTE};
    enum gs_status status = find_app_id(call, &request.app_id, err);
    if (status == GS_OK)
        status = read_divergence(call, &request.divergence, err);
    if (status == GS_OK)
        status = gs_query_deletion_limit(call, &request.max_deletions, err);
    if (status == GS_OK)
        status = gs_call_body(call, &body, err);
    if (status != GS_OK)
        return status;
    yyjson_val *name = yyjson_obj_get(body, "versionName");
    if (name && !yyjson_is_null(name))
        return gs_fail(err, GS_CODE_VERSION_NAME_GIVEN, "/versionName",
                       "versionName does not select a version; give its versionId, or nothing for "
                       "the latest one");
    struct fields fields;
    gs_fields_begin(&fields, call, body);
    request.version_id = gs_fields_text(&fields, "versionId", 0, ID_MAX);
    status = gs_fields_end(&fields, err);
    return status == GS_OK ? gs_call_submit_planned(call, &request, err) : status;
}
