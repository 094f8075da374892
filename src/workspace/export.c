// Gives documents back as they were stored, one version alone or all of them joined.
// SPDX-License-Identifier: Apache-2.0
#include "workspace/workspace.h"

enum { EXPORT_MAX_BYTES = 1 << 30 };

static enum gs_status choose_version(const struct gs_app_view *view, const char *wanted,
                                     const struct gs_version **out_version, struct gs_error *err)
{
    for (size_t i = 0; i < view->version_count; i++) {
        const struct gs_version *version = &view->versions[i];
        if (wanted && strcmp(version->name, wanted) != 0 && strcmp(version->id, wanted) != 0)
            continue;
        *out_version = version;
        return GS_OK;
    }
    return gs_fail(err, GS_CODE_UNKNOWN_VERSION, "appVersion", "the app has no version '%s'",
                   wanted ? wanted : "");
}

static enum gs_status read_all(struct gs_tx *tx, const struct gs_app_view *view,
                               struct gs_buf *buffers, struct gs_slice *documents,
                               struct gs_error *err)
{
    for (size_t i = 0; i < view->version_count; i++) {
        gs_buf_init(&buffers[i], EXPORT_MAX_BYTES);
        enum gs_status status =
            gs_store_get_document(tx, view->versions[i].document_id, &buffers[i], err);
        if (status != GS_OK)
            return status;
        documents[i] = gs_buf_slice(&buffers[i]);
    }
    return GS_OK;
}

static enum gs_status join_all(struct gs_tx *tx, const struct gs_app_view *view,
                               struct gs_arena *arena, struct gs_buf *out, struct gs_error *err)
{
    struct gs_buf *buffers = gs_arena_array(arena, view->version_count, sizeof *buffers);
    struct gs_slice *documents = gs_arena_array(arena, view->version_count, sizeof *documents);
    enum gs_status status = read_all(tx, view, buffers, documents, err);
    if (status == GS_OK)
        status = gs_export_join(documents, view->version_count, out, err);
    for (size_t i = 0; i < view->version_count; i++)
        gs_buf_release(&buffers[i]);
    return status;
}

enum gs_status gs_workspace_export(struct gs_store *store, const char *organization_id,
                                   const char *app_id, const struct gs_export_choice *choice,
                                   struct gs_buf *out, struct gs_error *err)
{
    GS_CLEANUP(gs_arena_cleanup) struct gs_arena *arena = gs_arena_new();
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    struct gs_app_view view;
    enum gs_status status = gs_tx_read(store, &tx, err);
    if (status == GS_OK)
        status = gs_workspace_get_app(tx, app_id, arena, &view, err);
    if (status != GS_OK)
        return status;
    if (strcmp(view.app.organization_id, organization_id) != 0)
        return gs_fail(err, GS_CODE_APP_NOT_FOUND, NULL, "App not found");
    if (choice->all)
        return join_all(tx, &view, arena, out, err);
    const struct gs_version *version = NULL;
    status = choose_version(&view, choice->version, &version, err);
    return status == GS_OK ? gs_store_get_document(tx, version->document_id, out, err) : status;
}
