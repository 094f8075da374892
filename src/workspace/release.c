// Puts a version into production and remembers that it was released.
// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "base/random.h"
#include "workspace/workspace.h"

enum gs_status gs_workspace_release(struct gs_tx *tx, const struct gs_release_input *input,
                                    struct gs_arena *arena, struct gs_environment *out_env,
                                    struct gs_error *err)
{
    struct gs_environment production;
    enum gs_status status =
        gs_workspace_environment(tx, input->app->organization_id, true, arena, &production, err);
    if (status != GS_OK)
        return status;
    input->version->environment_id = production.id;
    input->version->updated_at = gs_clock_now_ms();
    status = gs_store_update_version(tx, input->version, input->operation_id, err);
    if (status != GS_OK)
        return status;
    char id[GS_UUID_TEXT + 1];
    gs_uuid_new(id);
    struct gs_release release = {.id = id,
                                 .app_id = input->app->id,
                                 .version_id = input->version->id,
                                 .environment_id = production.id,
                                 .document_id = input->version->document_id,
                                 .previous_version_id = input->app->current_version_id,
                                 .commit = input->commit,
                                 .operation_id = input->operation_id,
                                 .created_at = input->version->updated_at};
    status = gs_store_add_release(tx, &release, err);
    if (status == GS_OK)
        *out_env = production;
    return status;
}
