// Editing and saving a version. A draft takes new documents; a saved version takes none.
// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "workspace/workspace.h"

enum { DOCUMENT_MAX_BYTES = 1 << 30 };

static enum gs_status get_version(struct gs_tx *tx, const char *app_id, const char *version_id,
                                  struct gs_arena *arena, struct gs_version *out_version,
                                  struct gs_error *err)
{
    struct gs_app app;
    enum gs_status status = gs_store_get_app(tx, app_id, arena, &app, err);
    if (status == GS_NOT_FOUND)
        return gs_fail(err, GS_CODE_APP_NOT_FOUND, NULL, "App not found");
    if (status == GS_OK)
        status = gs_store_get_version(tx, app_id, version_id, arena, out_version, err);
    if (status == GS_NOT_FOUND)
        return gs_fail(err, GS_CODE_UNKNOWN_VERSION, NULL,
                       "the app has no version with the id '%s'", version_id);
    return status;
}

static enum gs_status check_draft(const struct gs_version *version, struct gs_error *err)
{
    if (version->draft)
        return GS_OK;
    return gs_fail(err, GS_CODE_ALREADY_SAVED, NULL, "Version is already saved");
}

static enum gs_status pack_one(yyjson_val *document, struct gs_arena *arena,
                               struct gs_export *out_export, struct gs_document_blob *out_blob,
                               struct gs_error *err)
{
    enum gs_status status = gs_export_split(document, NULL, arena, out_export, err);
    if (status != GS_OK)
        return status;
    if (out_export->count != 1)
        status = gs_fail(err, GS_CODE_NOT_AN_APP, "/app/0/definition/appV2/appVersions",
                         "the document of a version has exactly one entry in appVersions, this has "
                         "%zu",
                         out_export->count);
    else
        status = gs_version_check_name(gs_slice_str(out_export->parts[0].version_name),
                                       "/app/0/definition/appV2/appVersions/0/name", err);
    if (status == GS_OK)
        status = gs_workspace_pack(gs_buf_slice(&out_export->parts[0].bytes), out_blob, err);
    if (status != GS_OK)
        gs_export_release(out_export);
    return status;
}

static enum gs_status replace_document(struct gs_store *store, const char *app_id,
                                       const char *version_id, const struct gs_export_part *part,
                                       const struct gs_document_blob *blob, struct gs_arena *arena,
                                       struct gs_version *out_version, struct gs_error *err)
{
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    struct gs_version version;
    enum gs_status status = gs_tx_write(store, &tx, err);
    if (status == GS_OK)
        status = get_version(tx, app_id, version_id, arena, &version, err);
    if (status == GS_OK)
        status = check_draft(&version, err);
    if (status == GS_OK)
        status = gs_store_put_document(tx, blob, err);
    if (status != GS_OK)
        return status;
    version.name = part->version_name;
    version.draft = part->has_status ? part->draft : true;
    version.document_id = gs_arena_strdup(arena, blob->id);
    version.updated_at = gs_clock_now_ms();
    status = gs_store_update_version(tx, &version, NULL, err);
    if (status == GS_OK)
        status = gs_tx_commit(&tx, err);
    if (status == GS_OK)
        *out_version = version;
    return status;
}

enum gs_status gs_workspace_put_document(struct gs_store *store, const char *app_id,
                                         const char *version_id, yyjson_val *document,
                                         struct gs_arena *arena, struct gs_version *out_version,
                                         struct gs_error *err)
{
    struct gs_export export;
    struct gs_document_blob blob;
    enum gs_status status = pack_one(document, arena, &export, &blob, err);
    if (status != GS_OK)
        return status;
    status = replace_document(store, app_id, version_id, &export.parts[0], &blob, arena,
                              out_version, err);
    gs_document_blob_release(&blob);
    gs_export_release(&export);
    return status;
}

enum gs_status gs_workspace_saved_document(struct gs_tx *tx, const char *document_id,
                                           const char *name, struct gs_document_blob *out_blob,
                                           struct gs_error *err)
{
    GS_CLEANUP(gs_buf_release) struct gs_buf before = {.max = DOCUMENT_MAX_BYTES};
    GS_CLEANUP(gs_buf_release) struct gs_buf after = {.max = DOCUMENT_MAX_BYTES};
    enum gs_status status = gs_store_get_document(tx, document_id, &before, err);
    if (status == GS_OK)
        status = gs_document_rewrite(gs_buf_slice(&before), "PUBLISHED", name, &after, err);
    if (status == GS_OK)
        status = gs_workspace_pack(gs_buf_slice(&after), out_blob, err);
    return status;
}

static bool has_tagging(struct gs_tx *tx, const struct gs_app *app, struct gs_arena *arena)
{
    GS_CLEANUP(gs_error_release) struct gs_error ignored = GS_ERROR_INIT;
    struct gs_git_config config;
    return gs_store_get_git_config(tx, app->organization_id, arena, &config, &ignored) == GS_OK &&
           config.enabled && config.tag;
}

enum gs_status gs_workspace_tags_versions(struct gs_store *store, const char *app_id,
                                          bool *out_tags, struct gs_error *err)
{
    GS_CLEANUP(gs_arena_cleanup) struct gs_arena *arena = gs_arena_new();
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    struct gs_app app;
    enum gs_status status = gs_tx_read(store, &tx, err);
    if (status == GS_OK)
        status = gs_store_get_app(tx, app_id, arena, &app, err);
    if (status != GS_OK && status != GS_NOT_FOUND)
        return status;
    *out_tags = status == GS_OK && has_tagging(tx, &app, arena);
    gs_error_release(err);
    return GS_OK;
}

// Whether the version was saved under that name, and only its tag is missing.
static bool lacks_tag(struct gs_tx *tx, const struct gs_version *version, const char *name,
                      struct gs_arena *arena)
{
    GS_CLEANUP(gs_error_release) struct gs_error ignored = GS_ERROR_INIT;
    struct gs_version_tag tag;
    return !version->draft && (!name || strcmp(name, version->name) == 0) &&
           gs_store_get_tag(tx, version->id, arena, &tag, &ignored) == GS_OK && !tag.commit;
}

// A version on its way to be saved.
struct saving {
    struct gs_version version; // as it was read
    bool tag, saved_already;
    struct gs_document_blob blob; // its saved form, unless it is saved
};

// The latest version, which must be a draft unless all that it lacks is a tag.
static enum gs_status prepare_save(struct gs_store *store, const char *app_id, const char *name,
                                   struct gs_arena *arena, struct saving *out_saving,
                                   struct gs_error *err)
{
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    struct gs_app_view view;
    enum gs_status status = gs_tx_read(store, &tx, err);
    if (status == GS_OK)
        status = gs_workspace_get_app(tx, app_id, arena, &view, err);
    if (status != GS_OK)
        return status;
    if (view.version_count == 0)
        return gs_fail(err, GS_CODE_UNKNOWN_VERSION, NULL, "the app has no version");
    struct saving saving = {.version = view.versions[0], .tag = has_tagging(tx, &view.app, arena)};
    saving.saved_already = saving.tag && lacks_tag(tx, &saving.version, name, arena);
    if (!saving.saved_already)
        status = check_draft(&saving.version, err);
    if (status == GS_OK && !saving.saved_already)
        status =
            gs_workspace_saved_document(tx, saving.version.document_id, name, &saving.blob, err);
    if (status == GS_OK)
        *out_saving = saving;
    return status;
}

// Stores the saved form, unless somebody edited the version since it was read.
static enum gs_status store_saved(struct gs_store *store, const struct saving *saving,
                                  const char *name, struct gs_arena *arena,
                                  struct gs_version *out_version, struct gs_error *err)
{
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    const struct gs_version *read = &saving->version;
    struct gs_version version;
    enum gs_status status = gs_tx_write(store, &tx, err);
    if (status == GS_OK)
        status = get_version(tx, read->app_id, read->id, arena, &version, err);
    if (status == GS_OK)
        status = check_draft(&version, err);
    if (status == GS_OK && strcmp(version.document_id, read->document_id) != 0)
        status = gs_fail(err, GS_CODE_CONFLICT, NULL,
                         "the version was edited while it was being saved; save it again");
    if (status == GS_OK)
        status = gs_store_put_document(tx, &saving->blob, err);
    if (status != GS_OK)
        return status;
    version.name = name ? name : version.name;
    version.draft = false;
    version.document_id = gs_arena_strdup(arena, saving->blob.id);
    version.updated_at = gs_clock_now_ms();
    status = gs_store_update_version(tx, &version, NULL, err);
    struct gs_version_tag tag = {.version_id = version.id};
    if (status == GS_OK && saving->tag)
        status = gs_store_put_tag(tx, &tag, err);
    if (status == GS_OK)
        status = gs_tx_commit(&tx, err);
    if (status == GS_OK)
        *out_version = version;
    return status;
}

enum gs_status gs_workspace_save(struct gs_store *store, const char *app_id, const char *name,
                                 struct gs_arena *arena, struct gs_version *out_version,
                                 bool *out_tag, struct gs_error *err)
{
    enum gs_status status =
        name ? gs_version_check_save_name(gs_slice_str(name), "/name", err) : GS_OK;
    struct saving saving;
    if (status == GS_OK)
        status = prepare_save(store, app_id, name, arena, &saving, err);
    if (status != GS_OK)
        return status;
    struct gs_version saved = saving.version;
    if (!saving.saved_already) {
        status = store_saved(store, &saving, name, arena, &saved, err);
        gs_document_blob_release(&saving.blob);
    }
    if (status != GS_OK)
        return status;
    *out_version = saved;
    *out_tag = saving.tag;
    return GS_OK;
}
