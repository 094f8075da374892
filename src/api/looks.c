// The calls that look at git without changing anything: how apps stand to it, and an app's commits.
// SPDX-License-Identifier: Apache-2.0
#include "api/api_internal.h"

enum { COMMITS_USUAL = 20, COMMITS_MAX = 100 };

static enum gs_status look(struct call *call, struct gs_sync_request *request, struct gs_error *err)
{
    enum gs_status status = gs_query_flag(call, "refresh", &request->refresh, err);
    return status == GS_OK ? gs_call_submit(call, request, err) : status;
}

enum gs_status gs_app_status(struct call *call, struct gs_error *err)
{
    struct gs_sync_request request = {.kind = GS_SYNC_STATUS,
                                      .app_id = gs_call_param(call, "appId")};
    return look(call, &request, err);
}

enum gs_status gs_workspace_status(struct call *call, struct gs_error *err)
{
    struct gs_sync_request request = {.kind = GS_SYNC_STATUS,
                                      .organization_id = gs_call_param(call, "workspaceId")};
    return look(call, &request, err);
}

enum gs_status gs_app_history(struct call *call, struct gs_error *err)
{
    struct gs_sync_request request = {.kind = GS_SYNC_HISTORY,
                                      .app_id = gs_call_param(call, "appId"),
                                      .cursor = gs_call_query(call, "cursor")};
    enum gs_status status = gs_query_limit(call, COMMITS_USUAL, COMMITS_MAX, &request.limit, err);
    return status == GS_OK ? look(call, &request, err) : status;
}
