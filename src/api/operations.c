// Operations: what was asked for, how far it is, how it ended.
// SPDX-License-Identifier: Apache-2.0
#include "api/api_internal.h"
#include "base/random.h"

enum { LIMIT_DEFAULT = 50, LIMIT_MAX = 200 };

static const enum gs_operation_state waiting = GS_OP_QUEUED;

enum gs_status gs_call_operation(struct call *call, struct gs_operation *out_op,
                                 struct gs_error *err)
{
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    struct gs_operation op;
    enum gs_status status = gs_call_read(call, &tx, err);
    if (status == GS_OK)
        status =
            gs_store_get_operation(tx, gs_call_param(call, "operationId"), call->arena, &op, err);
    if (status == GS_NOT_FOUND)
        return gs_fail(err, GS_CODE_NOT_FOUND, NULL, "no operation with this id");
    if (status != GS_OK)
        return status;
    gs_sync_overlay(call->api->options.sync, &op, 1);
    *out_op = op;
    return GS_OK;
}

static enum gs_status answer(struct call *call, const struct gs_operation *op, struct gs_error *err)
{
    yyjson_mut_val *root = gs_call_answer(call);
    return gs_view_operation(call->answer, root, op, err);
}

enum gs_status gs_operation_get(struct call *call, struct gs_error *err)
{
    struct gs_operation op;
    enum gs_status status = gs_call_operation(call, &op, err);
    return status == GS_OK ? answer(call, &op, err) : status;
}

enum gs_status gs_operation_cancel(struct call *call, struct gs_error *err)
{
    GS_CLEANUP(gs_error_release) struct gs_error refusal = GS_ERROR_INIT;
    struct gs_operation op;
    const char *id = gs_call_param(call, "operationId");
    enum gs_status refused = gs_sync_cancel(call->api->options.sync, id, &refusal);
    enum gs_status status = gs_call_operation(call, &op, err);
    if (status != GS_OK)
        return status;
    // What is cancelled already is as the caller wants it.
    if (refused == GS_OK || op.state == GS_OP_CANCELLED)
        return answer(call, &op, err);
    gs_error_move(err, &refusal);
    return refused;
}

static enum gs_status read_filter(struct call *call, struct gs_operation_filter *filter,
                                  enum gs_operation_state *state, struct gs_error *err)
{
    const char *state_text = gs_call_query(call, "state");
    size_t limit;
    enum gs_status status = gs_query_limit(call, LIMIT_DEFAULT, LIMIT_MAX, &limit, err);
    if (status != GS_OK)
        return status;
    if (state_text && !gs_operation_state_from_text(state_text, state))
        return gs_fail(err, GS_CODE_INVALID_INPUT, "state",
                       "state must be one of queued, running, committed, done, failed, cancelled");
    const char *cursor = gs_call_query(call, "cursor");
    if (cursor && !gs_uuid_is_valid(gs_slice_str(cursor)))
        return gs_fail(err, GS_CODE_INVALID_INPUT, "cursor",
                       "cursor must be the nextCursor of an earlier page");
    *filter = (struct gs_operation_filter){
        .organization_id = gs_call_query(call, "organizationId"),
        .app_id = gs_call_query(call, "appId"),
        .before_id = cursor,
        // Whether a waiting operation runs already is known in memory alone.
        .state = state_text ? (*state == GS_OP_RUNNING ? &waiting : state) : NULL,
        .limit = limit + 1, // one more than asked for tells whether there is a next page
    };
    return GS_OK;
}

enum gs_status gs_operation_list(struct call *call, struct gs_error *err)
{
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    struct gs_operation_filter filter;
    enum gs_operation_state state;
    struct gs_operation *ops = NULL;
    size_t count = 0;
    enum gs_status status = read_filter(call, &filter, &state, err);
    if (status == GS_OK)
        status = gs_call_read(call, &tx, err);
    if (status == GS_OK)
        status = gs_store_list_operations(tx, &filter, call->arena, &ops, &count, err);
    if (status != GS_OK)
        return status;
    gs_sync_overlay(call->api->options.sync, ops, count);
    yyjson_mut_val *root = gs_call_answer(call);
    yyjson_mut_doc *doc = call->answer;
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, root, "data");
    bool more = count == filter.limit;
    size_t shown = more ? count - 1 : count;
    for (size_t i = 0; status == GS_OK && i < shown; i++)
        if (!filter.state || ops[i].state == state)
            status = gs_view_operation(doc, yyjson_mut_arr_add_obj(doc, list), &ops[i], err);
    gs_json_add_cstr(doc, root, "nextCursor", more ? ops[shown - 1].id : NULL);
    return status;
}
