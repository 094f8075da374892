// The name that a push gives an app in git: the one here, unless somebody renamed the app in git and nobody here has seen that.
// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "sync/push_internal.h"

// The store does not know of an earlier push of the same batch yet.
static bool has_named(const struct push_item *made, const char *app_id, const char *name)
{
    return made->name && strcmp(made->app_id, app_id) == 0 && strcmp(made->name, name) == 0;
}

static enum gs_status check_free(struct push_batch *batch, const struct push_item *item,
                                 const struct gs_app *app, const char *name, struct gs_error *err)
{
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    struct gs_app holder;
    enum gs_status status = gs_tx_read(batch->session->sync->options.store, &tx, err);
    if (status == GS_OK)
        status = gs_store_find_app_by_name(tx, app->organization_id, name, item->task->arena,
                                           &holder, err);
    if (status == GS_OK)
        return gs_fail(err, GS_CODE_APP_ALREADY_EXISTS, NULL,
                       "the app is called '%s' in git, and another app of this organization has "
                       "that name; rename one of them, or pull",
                       name);
    if (status != GS_NOT_FOUND)
        return status;
    gs_error_release(err);
    return GS_OK;
}

enum gs_status gs_push_check_gits_name(struct push_batch *batch, const struct push_item *item,
                                       const struct remote_app *remote,
                                       const struct local_version *local, struct gs_error *err)
{
    const char *git = remote->entry->name;
    if (gs_app_find_rename(local->link.name, local->app.name, git) != GS_RENAME_GIT)
        return GS_OK;
    return check_free(batch, item, &local->app, git, err);
}

static enum gs_status take_over(struct push_batch *batch, struct push_item *item,
                                struct local_version *local, const char *name, struct gs_error *err)
{
    enum gs_status status = check_free(batch, item, &local->app, name, err);
    if (status != GS_OK)
        return status;
    item->name_here = local->app.name;
    item->name = local->app.name = gs_arena_strdup(item->task->arena, name);
    return GS_OK;
}

enum gs_status gs_push_settle_name(struct push_batch *batch, struct push_item *item,
                                   struct remote_app *remote, struct local_version *local,
                                   struct gs_error *err)
{
    enum gs_divergence wish = item->task->request.divergence;
    const char *synced = local->link.name, *here = local->app.name;
    item->name = here;
    if (!remote->entry)
        return GS_OK;
    const char *git = remote->entry->name;
    enum gs_rename renamed = gs_app_find_rename(synced, here, git);
    bool unseen = renamed == GS_RENAME_GIT || renamed == GS_RENAME_BOTH;
    if (unseen && wish != GS_DIVERGENCE_OURS && !gs_push_made_before(batch, item, has_named, git)) {
        if (renamed == GS_RENAME_BOTH)
            return gs_app_fail_renamed(local->app.id, synced, here, git, err);
        return wish == GS_DIVERGENCE_MERGE ? take_over(batch, item, local, git, err)
                                           : gs_push_fail_behind(batch, item, remote, local, err);
    }
    if (renamed != GS_RENAME_NONE)
        item->renamed_from = gs_arena_strdup(item->task->arena, git);
    return GS_OK;
}

enum gs_status gs_push_record_name(struct push_item *item, struct gs_tx *tx, struct gs_error *err)
{
    struct gs_app app;
    if (!item->name_here)
        return GS_OK;
    enum gs_status status = gs_store_get_app(tx, item->app_id, item->task->arena, &app, err);
    // Renamed here once more meanwhile: that stays, and the next push tells git.
    if (status == GS_OK && strcmp(app.name, item->name_here) == 0)
        status = gs_store_rename_app(tx, app.id, item->name, gs_clock_now_ms(), err);
    // Another app here took the name meanwhile: the next pull tells.
    if (status != GS_CONFLICT)
        return status;
    gs_error_release(err);
    return GS_OK;
}

// ---- Telling, and reading that again ---------------------------------------------------------

void gs_push_report_names(const struct push_item *item, yyjson_mut_doc *doc, yyjson_mut_val *obj)
{
    gs_json_add_cstr(doc, obj, "gitAppName", item->name);
    gs_report_rename(doc, obj, NULL);
    if (item->renamed_from)
        gs_report_rename(
            doc, obj, &(struct told_rename){item->app_id, item->renamed_from, item->name, false});
    if (item->name_here)
        gs_report_rename(doc, obj,
                         &(struct told_rename){item->app_id, item->name_here, item->name, true});
    gs_push_report_renames(item, doc, obj);
}

void gs_push_restore_names(struct push_item *item, yyjson_val *report)
{
    size_t i, n;
    yyjson_val *one;
    struct gs_arena *arena = item->task->arena;
    if (yyjson_obj_get(report, "gitAppName"))
        item->name = gs_arena_dup_slice(arena, gs_json_get_str(report, "gitAppName"));
    yyjson_arr_foreach(gs_json_get_arr(report, "renames"), i, n, one)
    {
        bool in_git = gs_slice_eq_str(gs_json_get_str(one, "madeIn"), "git");
        if (in_git && gs_slice_eq_str(gs_json_get_str(one, "appId"), item->app_id))
            item->name_here = gs_arena_dup_slice(arena, gs_json_get_str(one, "from"));
    }
}
