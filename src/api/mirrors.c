// The mirrors on disk: which there are, and making room at once.
// SPDX-License-Identifier: Apache-2.0
#include "api/api_internal.h"

enum gs_status gs_mirror_list_all(struct call *call, struct gs_error *err)
{
    yyjson_mut_val *root = gs_call_answer(call);
    return gs_sync_list_mirrors(call->api->options.sync, call->answer, root, err);
}

enum gs_status gs_mirror_collect(struct call *call, struct gs_error *err)
{
    (void)err;
    gs_sync_collect_mirrors(call->api->options.sync, gs_call_answer_from_sync, call);
    return GS_OK;
}
