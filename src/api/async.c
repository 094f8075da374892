// Prefer: respond-async (RFC 7240): the call is answered as soon as it is recorded, with the operation to ask after.
// SPDX-License-Identifier: Apache-2.0
#include "api/api_internal.h"

// Up to the next separator outside of quotes, which is cut off as well.
static struct gs_slice cut(struct gs_slice *rest, char separator)
{
    bool quoted = false;
    size_t n = 0;
    for (; n < rest->len && (quoted || rest->data[n] != separator); n++) {
        if (quoted && rest->data[n] == '\\' && n + 1 < rest->len)
            n++;
        else if (rest->data[n] == '"')
            quoted = !quoted;
    }
    struct gs_slice item = gs_slice_of(rest->data, n);
    size_t used = n < rest->len ? n + 1 : n;
    *rest = gs_slice_of(rest->data + used, rest->len - used);
    return item;
}

static bool is_respond_async(struct gs_slice preference)
{
    struct gs_slice token = cut(&preference, ';');
    return gs_slice_ieq_str(gs_slice_trim(token), "respond-async");
}

bool gs_call_prefers_async(const struct call *call)
{
    const char *header;
    for (size_t i = 0; (header = gs_http_header_at(call->exchange, "Prefer", i)); i++) {
        struct gs_slice rest = gs_slice_str(header);
        while (rest.len > 0)
            if (is_respond_async(cut(&rest, ',')))
                return true;
    }
    return false;
}

enum gs_status gs_call_accept(struct call *call, const struct gs_operation *op,
                              struct gs_error *err)
{
    struct gs_operation now = *op;
    gs_sync_overlay(call->api->options.sync, &now, 1);
    call->status = GS_HTTP_ACCEPTED;
    call->operation_id = op->id;
    yyjson_mut_val *root = gs_call_answer(call);
    return gs_view_operation(call->answer, root, &now, err);
}

enum gs_status gs_call_submit_async(struct call *call, const struct gs_sync_request *request,
                                    struct gs_error *err)
{
    struct gs_operation op;
    enum gs_status status =
        gs_sync_submit_detached(call->api->options.sync, request, call->arena, &op, err);
    if (status != GS_OK)
        return status;
    gs_key_set_recorded(call);
    status = gs_call_accept(call, &op, err);
    gs_call_finish(call, status, err);
    return GS_OK;
}
