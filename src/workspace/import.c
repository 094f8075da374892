// An export of ToolJet becomes an app with a document per version, in one transaction.
// SPDX-License-Identifier: Apache-2.0
#include "workspace/workspace.h"

static void release_blobs(struct gs_document_blob *blobs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        gs_document_blob_release(&blobs[i]);
}

// Compresses every part; on failure none is left. Done before the transaction, which must be short.
static enum gs_status pack_parts(const struct gs_export *export, struct gs_document_blob *blobs,
                                 struct gs_error *err)
{
    for (size_t i = 0; i < export->count; i++) {
        enum gs_status status =
            gs_workspace_pack(gs_buf_slice(&export->parts[i].bytes), &blobs[i], err);
        if (status == GS_OK)
            continue;
        release_blobs(blobs, i);
        return status;
    }
    return GS_OK;
}

static enum gs_status check_names(const struct gs_export *export, struct gs_error *err)
{
    enum gs_status status = gs_app_check_name(gs_slice_str(export->app_name), "/appName", err);
    for (size_t i = 0; status == GS_OK && i < export->count; i++)
        status = gs_version_check_name(gs_slice_str(export->parts[i].version_name),
                                       "/app/0/definition/appV2/appVersions", err);
    return status;
}

// Exports list versions from the oldest to the latest; a millisecond between them keeps that order here.
static enum gs_status add_versions(struct gs_tx *tx, const struct gs_export *export,
                                   const struct gs_document_blob *blobs, struct gs_arena *arena,
                                   struct gs_app_view *view, struct gs_error *err)
{
    view->versions = gs_arena_array(arena, export->count, sizeof *view->versions);
    view->version_count = export->count;
    for (size_t i = 0; i < export->count; i++) {
        const struct gs_export_part *part = &export->parts[i];
        struct gs_new_version version = {
            .app = &view->app,
            .wanted_id = part->version_id,
            .name = part->version_name,
            .draft = part->has_status ? part->draft : true,
            .document_id = gs_arena_strdup(arena, blobs[i].id),
            .created_at = view->app.created_at + (int64_t)i,
        };
        enum gs_status status = gs_store_put_document(tx, &blobs[i], err);
        if (status == GS_OK)
            status = gs_workspace_add_version(tx, &version, arena,
                                              &view->versions[export->count - 1 - i], err);
        if (status != GS_OK)
            return status;
    }
    return GS_OK;
}

static enum gs_status add_all(struct gs_store *store, const char *organization_id,
                              const struct gs_export *export, const struct gs_document_blob *blobs,
                              struct gs_arena *arena, struct gs_app_view *out_view,
                              struct gs_error *err)
{
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    enum gs_status status = gs_tx_write(store, &tx, err);
    if (status == GS_OK)
        status = gs_workspace_check_organization(tx, organization_id, arena, err);
    if (status != GS_OK)
        return status;
    status = gs_workspace_add_app(tx, organization_id, export->app_id, export->app_name,
                                  export->app_slug, arena, &out_view->app, err);
    if (status == GS_CONFLICT)
        return gs_fail(err, GS_CODE_APP_EXISTS, "/appName",
                       "App with name %s already exists; pass another appName", export->app_name);
    if (status == GS_OK)
        status = add_versions(tx, export, blobs, arena, out_view, err);
    return status == GS_OK ? gs_tx_commit(&tx, err) : status;
}

enum gs_status gs_workspace_import(struct gs_store *store, const char *organization_id,
                                   yyjson_val *export, const char *app_name, struct gs_arena *arena,
                                   struct gs_app_view *out_view, struct gs_error *err)
{
    struct gs_export split;
    enum gs_status status = gs_export_split(export, app_name, arena, &split, err);
    if (status != GS_OK)
        return status;
    struct gs_document_blob *blobs = gs_arena_array(arena, split.count, sizeof *blobs);
    status = check_names(&split, err);
    if (status == GS_OK)
        status = pack_parts(&split, blobs, err);
    if (status == GS_OK) {
        status = add_all(store, organization_id, &split, blobs, arena, out_view, err);
        release_blobs(blobs, split.count);
    }
    gs_export_release(&split);
    return status;
}
