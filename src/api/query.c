// Reads the members of a query that several calls have in common: flags, choices and bounds.
// SPDX-License-Identifier: Apache-2.0
#include "api/api_internal.h"

enum { DELETIONS_MAX = 1000000, PERCENT_MAX = 100 };

enum gs_status gs_query_flag(const struct call *call, const char *name, bool *out_flag,
                             struct gs_error *err)
{
    const char *text = gs_call_query(call, name);
    bool flag = text && strcmp(text, "true") == 0;
    if (text && !flag && strcmp(text, "false") != 0)
        return gs_fail(err, GS_CODE_INVALID_INPUT, name, "%s must be true or false", name);
    *out_flag = flag;
    return GS_OK;
}

enum gs_status gs_query_organization(const struct call *call, const char **out_id,
                                     struct gs_error *err)
{
    const char *id = gs_call_query(call, "organizationId");
    if (!id || !*id)
        return gs_fail(err, GS_CODE_INVALID_INPUT, "organizationId",
                       "the query member organizationId is required");
    *out_id = id;
    return GS_OK;
}

enum gs_status gs_query_limit(const struct call *call, size_t absent, size_t max, size_t *out_limit,
                              struct gs_error *err)
{
    const char *text = gs_call_query(call, "limit");
    int64_t limit = (int64_t)absent;
    if (text && (!gs_slice_to_int(gs_slice_str(text), &limit) || limit < 1 || limit > (int64_t)max))
        return gs_fail(err, GS_CODE_INVALID_INPUT, "limit",
                       "limit must be a whole number from 1 to %zu", max);
    *out_limit = (size_t)limit;
    return GS_OK;
}

enum gs_status gs_read_deletion_limit(struct gs_slice text, const char *field,
                                      struct gs_deletion_limit *out_limit, struct gs_error *err)
{
    bool percent = gs_slice_ends(text, "%");
    struct gs_slice digits = gs_slice_of(text.data, text.len - percent);
    int64_t value;
    if (!gs_slice_to_int(digits, &value) || value < 0 ||
        value > (percent ? PERCENT_MAX : DELETIONS_MAX))
        return gs_fail(err, GS_CODE_INVALID_INPUT, field,
                       "maxDeletions must be a number of entities from 0 to %d, or a share of "
                       "them like 40%%",
                       DELETIONS_MAX);
    *out_limit = (struct gs_deletion_limit){
        .kind = percent ? GS_DELETIONS_PERCENT : GS_DELETIONS_COUNT, .value = (size_t)value};
    return GS_OK;
}

enum gs_status gs_query_deletion_limit(const struct call *call, struct gs_deletion_limit *out_limit,
                                       struct gs_error *err)
{
    const char *text = gs_call_query(call, "maxDeletions");
    return text ? gs_read_deletion_limit(gs_slice_str(text), "maxDeletions", out_limit, err)
                : GS_OK;
}

// If-Match holds a planHash, in the quotes of an entity tag (RFC 9110, 13.1.1) or without.
static enum gs_status read_plan_hash(struct call *call, const char **out_hash, struct gs_error *err)
{
    const char *header = gs_http_header(call->exchange, "If-Match");
    if (!header)
        return GS_OK;
    struct gs_slice tag = gs_slice_trim(gs_slice_str(header));
    if (tag.len >= 2 && tag.data[0] == '"' && tag.data[tag.len - 1] == '"')
        tag = gs_slice_of(tag.data + 1, tag.len - 2);
    if (tag.len != PLAN_HASH_LENGTH)
        return gs_fail(err, GS_CODE_INVALID_INPUT, "If-Match",
                       "If-Match must hold the planHash of a dry run");
    *out_hash = gs_arena_dup_slice(call->arena, tag);
    return GS_OK;
}

enum gs_status gs_call_submit_planned(struct call *call, struct gs_sync_request *request,
                                      struct gs_error *err)
{
    enum gs_status status = gs_query_flag(call, "dryRun", &request->dry_run, err);
    if (status == GS_OK)
        status = gs_query_flag(call, "diff", &request->want_diff, err);
    if (status == GS_OK)
        status = read_plan_hash(call, &request->plan_hash, err);
    return status == GS_OK ? gs_call_submit(call, request, err) : status;
}
