// The calls that look at git without changing anything: how apps stand to it, an app's commits, and what a branch holds.
// SPDX-License-Identifier: Apache-2.0
#include "api/api_internal.h"

enum { COMMITS_USUAL = 20, COMMITS_MAX = 100, APPS_USUAL = 100, APPS_MAX = 1000 };

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

static enum gs_status read_branch(struct call *call, struct gs_sync_request *request,
                                  struct gs_error *err)
{
    const char *ref = gs_call_query(call, "ref");
    request->ref = ref && *ref ? ref : NULL;
    return gs_query_organization(call, &request->organization_id, err);
}

enum gs_status gs_git_apps(struct call *call, struct gs_error *err)
{
    struct gs_sync_request request = {.kind = GS_SYNC_LIST,
                                      .cursor = gs_call_query(call, "cursor")};
    enum gs_status status = read_branch(call, &request, err);
    if (status == GS_OK)
        status = gs_query_limit(call, APPS_USUAL, APPS_MAX, &request.limit, err);
    return status == GS_OK ? look(call, &request, err) : status;
}

enum gs_status gs_git_check(struct call *call, struct gs_error *err)
{
    struct gs_sync_request request = {.kind = GS_SYNC_CHECK};
    enum gs_status status = read_branch(call, &request, err);
    return status == GS_OK ? look(call, &request, err) : status;
}
