// Calls for all apps of an organization at once.
// SPDX-License-Identifier: Apache-2.0
#include "api/api_internal.h"

enum { MESSAGE_MAX = 65536 };

static const char *const pull_words[] = {"fail", "ours", "theirs", NULL};
static const enum gs_divergence pull_meanings[] = {GS_DIVERGENCE_FAIL, GS_DIVERGENCE_OURS,
                                                   GS_DIVERGENCE_THEIRS};

static enum gs_status submit(struct call *call, struct gs_sync_request *request,
                             struct gs_error *err)
{
    // A condition that nobody looks at must not pass for one that holds (RFC 9110, 13.1.1).
    if (gs_http_header(call->exchange, "If-Match"))
        return gs_fail(err, GS_CODE_INVALID_INPUT, "If-Match",
                       "a call for a whole organization cannot be bound to a plan; leave If-Match "
                       "out, or make the apps' own calls with it");
    enum gs_status status = gs_query_flag(call, "dryRun", &request->dry_run, err);
    return status == GS_OK ? gs_call_submit(call, request, err) : status;
}

enum gs_status gs_organization_push(struct call *call, struct gs_error *err)
{
    struct fields fields;
    enum gs_status status = gs_fields_begin_body(&fields, call, err);
    if (status != GS_OK)
        return status;
    struct gs_sync_request request = {
        .kind = GS_SYNC_PUSH_ALL,
        .organization_id = gs_call_param(call, "organizationId"),
        .message = gs_fields_slice(&fields, "commitMessage", FIELD_REQUIRED, MESSAGE_MAX),
        .one_commit = !gs_fields_bool(&fields, "commitPerApp", true),
        .stop_on_error = !gs_fields_bool(&fields, "continueOnError", true),
        .divergence = gs_fields_push_divergence(&fields),
        .allow_secrets = gs_fields_bool(&fields, "allowSecrets", false),
    };
    status = gs_fields_end(&fields, err);
    return status == GS_OK ? submit(call, &request, err) : status;
}

// A number, or text as in ?maxDeletions=.
static enum gs_status read_deletion_limit(yyjson_val *body, struct gs_deletion_limit *out_limit,
                                          struct gs_error *err)
{
    yyjson_val *value = yyjson_obj_get(body, "maxDeletions");
    if (!value || yyjson_is_null(value))
        return GS_OK;
    struct gs_slice text =
        yyjson_is_raw(value) ? gs_slice_str(yyjson_get_raw(value)) : gs_json_str(value);
    return gs_read_deletion_limit(text, "/maxDeletions", out_limit, err);
}

enum gs_status gs_organization_pull(struct call *call, struct gs_error *err)
{
    struct fields fields;
    enum gs_status status = gs_fields_begin_body(&fields, call, err);
    if (status != GS_OK)
        return status;
    struct gs_sync_request request = {
        .kind = GS_SYNC_PULL_ALL,
        .organization_id = gs_call_param(call, "organizationId"),
        .stop_on_error = !gs_fields_bool(&fields, "continueOnError", true),
        .divergence = pull_meanings[gs_fields_choice(&fields, "onConflict", pull_words, 0)],
    };
    status = gs_fields_end(&fields, err);
    if (status == GS_OK)
        status = read_deletion_limit(fields.obj, &request.max_deletions, err);
    return status == GS_OK ? submit(call, &request, err) : status;
}
