// Rows of apps and versions: looking them up, and adding new ones under ids that are free.
// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "base/random.h"
#include "workspace/workspace.h"

enum gs_status gs_workspace_check_organization(struct gs_tx *tx, const char *organization_id,
                                               struct gs_arena *arena, struct gs_error *err)
{
    struct gs_organization org;
    enum gs_status status = gs_store_get_organization(tx, organization_id, arena, &org, err);
    if (status == GS_NOT_FOUND)
        return gs_fail(err, GS_CODE_UNKNOWN_ORGANIZATION, "/organizationId",
                       "no organization with the id '%s' on this server", organization_id);
    return status;
}

enum gs_status gs_workspace_get_app(struct gs_tx *tx, const char *app_id, struct gs_arena *arena,
                                    struct gs_app_view *out_view, struct gs_error *err)
{
    struct gs_app_view view;
    enum gs_status status = gs_store_get_app(tx, app_id, arena, &view.app, err);
    if (status == GS_NOT_FOUND)
        return gs_fail(err, GS_CODE_APP_NOT_FOUND, NULL, "App not found");
    if (status == GS_OK)
        status =
            gs_store_list_versions(tx, app_id, arena, &view.versions, &view.version_count, err);
    if (status == GS_OK)
        *out_view = view;
    return status;
}

enum gs_status gs_workspace_rename_app(struct gs_tx *tx, const char *app_id, const char *name,
                                       struct gs_arena *arena, struct gs_app_view *out_view,
                                       struct gs_error *err)
{
    struct gs_app_view view;
    enum gs_status status = gs_app_check_name(gs_slice_str(name), "/name", err);
    if (status == GS_OK)
        status = gs_workspace_get_app(tx, app_id, arena, &view, err);
    if (status == GS_OK && strcmp(view.app.name, name) != 0) {
        view.app.name = name;
        view.app.updated_at = gs_clock_now_ms();
        status = gs_store_rename_app(tx, app_id, name, view.app.updated_at, err);
    }
    if (status == GS_CONFLICT)
        return gs_fail(err, GS_CODE_APP_ALREADY_EXISTS, "/name",
                       "an app with the name '%s' already exists in this organization", name);
    if (status == GS_OK)
        *out_view = view;
    return status;
}

enum gs_status gs_workspace_environment(struct gs_tx *tx, const char *organization_id,
                                        bool production, struct gs_arena *arena,
                                        struct gs_environment *out_env, struct gs_error *err)
{
    struct gs_environment *envs;
    size_t count;
    enum gs_status status =
        gs_store_list_environments(tx, organization_id, arena, &envs, &count, err);
    if (status != GS_OK)
        return status;
    if (count == 0)
        return gs_fail(err, GS_CODE_INTERNAL, NULL, "the organization %s has no environments",
                       organization_id);
    *out_env = envs[production ? count - 1 : 0];
    return GS_OK;
}

static const char *new_id(struct gs_arena *arena)
{
    char *id = gs_arena_alloc(arena, GS_UUID_TEXT + 1);
    gs_uuid_new(id);
    return id;
}

// Keeps *id when it is a UUID that no app has, else replaces it.
static enum gs_status choose_app_id(struct gs_tx *tx, const char **id, struct gs_arena *arena,
                                    struct gs_error *err)
{
    struct gs_app other;
    enum gs_status status = GS_OK;
    if (*id && gs_uuid_is_valid(gs_slice_str(*id)))
        status = gs_store_get_app(tx, *id, arena, &other, err);
    if (status == GS_NOT_FOUND) {
        gs_error_release(err);
        return GS_OK;
    }
    *id = new_id(arena);
    return status;
}

// Keeps the slug when it is free. One in the form of an id is the slug of the app with that id alone, so that an app's
// id is always free as its slug.
static enum gs_status choose_slug(struct gs_tx *tx, const char *app_id, const char **slug,
                                  struct gs_arena *arena, struct gs_error *err)
{
    struct gs_app other;
    enum gs_status status = GS_OK;
    if (*slug && **slug && !gs_uuid_is_valid(gs_slice_str(*slug)))
        status = gs_store_find_app_by_slug(tx, *slug, arena, &other, err);
    if (status == GS_NOT_FOUND) {
        gs_error_release(err);
        return GS_OK;
    }
    *slug = app_id;
    return status;
}

enum gs_status gs_workspace_add_app(struct gs_tx *tx, const char *organization_id,
                                    const char *wanted_id, const char *name, const char *slug,
                                    struct gs_arena *arena, struct gs_app *out_app,
                                    struct gs_error *err)
{
    struct gs_app other;
    enum gs_status status =
        gs_store_find_app_by_name(tx, organization_id, name, arena, &other, err);
    if (status == GS_OK)
        return gs_fail(err, GS_CODE_APP_ALREADY_EXISTS, NULL,
                       "an app with the name '%s' already exists in this organization", name);
    if (status != GS_NOT_FOUND)
        return status;
    gs_error_release(err);
    status = choose_app_id(tx, &wanted_id, arena, err);
    if (status == GS_OK)
        status = choose_slug(tx, wanted_id, &slug, arena, err);
    if (status != GS_OK)
        return status;
    int64_t now = gs_clock_now_ms();
    struct gs_app app = {.id = wanted_id,
                         .organization_id = organization_id,
                         .name = name,
                         .slug = slug,
                         .created_at = now,
                         .updated_at = now};
    status = gs_store_add_app(tx, &app, err);
    if (status == GS_OK)
        *out_app = app;
    return status;
}

enum gs_status gs_workspace_add_version(struct gs_tx *tx, const struct gs_new_version *new_version,
                                        struct gs_arena *arena, struct gs_version *out_version,
                                        struct gs_error *err)
{
    const char *wanted_id = new_version->wanted_id;
    bool taken = true;
    enum gs_status status = GS_OK;
    if (wanted_id && gs_uuid_is_valid(gs_slice_str(wanted_id)))
        status = gs_store_version_id_exists(tx, wanted_id, &taken, err);
    struct gs_environment env;
    if (status == GS_OK)
        status = gs_workspace_environment(tx, new_version->app->organization_id, false, arena, &env,
                                          err);
    if (status != GS_OK)
        return status;
    struct gs_version version = {.id = taken ? new_id(arena) : wanted_id,
                                 .app_id = new_version->app->id,
                                 .name = new_version->name,
                                 .draft = new_version->draft,
                                 .environment_id = env.id,
                                 .document_id = new_version->document_id,
                                 .synced_document_id =
                                     new_version->synced ? new_version->document_id : NULL,
                                 .created_at = new_version->created_at,
                                 .updated_at = new_version->created_at};
    status = gs_store_add_version(tx, &version, err);
    if (status == GS_OK)
        *out_version = version;
    return status;
}
