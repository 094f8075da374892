// What apps here are called after a pull: a rename in git is taken over, one that was made here only is kept. Where another app
// here has the name and another one in git as well, both get theirs, and so on along the line.
// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "sync/pull_internal.h"

// ---- Deciding ----------------------------------------------------------------------------

static bool takes_gits_name(enum gs_rename renamed, enum gs_divergence wish)
{
    if (renamed == GS_RENAME_NONE)
        return false;
    return renamed == GS_RENAME_GIT || renamed == GS_RENAME_UNKNOWN || wish == GS_DIVERGENCE_THEIRS;
}

static enum gs_status fail_held(const char *name, struct gs_error *err)
{
    return gs_fail(err, GS_CODE_APP_ALREADY_EXISTS, NULL,
                   "the app is called '%s' in git, and another app of this organization has "
                   "that name; rename one of them",
                   name);
}

static const struct pull_rename *find_listed(const struct pull_plan *plan, const char *app_id)
{
    const struct pull_rename *rename = plan->renames;
    while (rename && strcmp(rename->app_id, app_id) != 0)
        rename = rename->next;
    return rename;
}

// The name that the app which is in the way gets: git's, when that is another one and this call would take it over.
static enum gs_status find_gits_name(const struct incoming *incoming, const struct gs_app *holder,
                                     struct gs_tx *tx, const char **out_name, struct gs_error *err)
{
    const struct gs_catalog *catalog;
    struct gs_git_link link;
    const struct gs_git_app *entry = NULL;
    enum gs_divergence wish = incoming->task->request.divergence;
    enum gs_status status = gs_store_get_link(tx, holder->id, incoming->task->arena, &link, err);
    if (status == GS_NOT_FOUND) {
        gs_error_release(err);
        return fail_held(holder->name, err);
    }
    if (status == GS_OK)
        status = gs_session_catalog(incoming->session, &incoming->resolved.commit, &catalog, err);
    if (status != GS_OK)
        return status;
    entry = gs_catalog_find(catalog, link.git_app_id);
    if (!entry || !takes_gits_name(gs_app_find_rename(link.name, holder->name, entry->name), wish))
        return fail_held(holder->name, err);
    *out_name = gs_arena_strdup(incoming->task->arena, entry->name);
    return gs_app_check_name(gs_slice_str(*out_name), "/gitAppId", err);
}

static struct pull_rename *add_rename(struct incoming *incoming, const struct gs_app *app,
                                      const char *to)
{
    struct pull_rename *rename = gs_arena_alloc(incoming->task->arena, sizeof *rename);
    *rename = (struct pull_rename){.app_id = app->id, .from = app->name, .to = to};
    return rename;
}

// No app is listed twice, so this ends with the apps of the organization.
static enum gs_status list_renames(struct incoming *incoming, struct pull_plan *plan,
                                   struct gs_tx *tx, struct gs_error *err)
{
    struct gs_arena *arena = incoming->task->arena;
    const struct gs_app *app = &plan->view.app;
    struct pull_rename *last = plan->renames = add_rename(incoming, app, incoming->name);
    for (;;) {
        struct gs_app holder;
        const char *name = NULL;
        enum gs_status status =
            gs_store_find_app_by_name(tx, app->organization_id, last->to, arena, &holder, err);
        if (status == GS_NOT_FOUND) {
            gs_error_release(err);
            return GS_OK;
        }
        if (status == GS_OK && find_listed(plan, holder.id))
            return GS_OK;
        if (status == GS_OK)
            status = find_gits_name(incoming, &holder, tx, &name, err);
        if (status != GS_OK)
            return status;
        last = last->next = add_rename(incoming, &holder, name);
    }
}

enum gs_status gs_pull_plan_names(struct incoming *incoming, struct pull_plan *plan,
                                  struct gs_tx *tx, struct gs_error *err)
{
    struct gs_git_link link = {.name = NULL};
    const struct gs_app *app = &plan->view.app;
    enum gs_divergence wish = incoming->task->request.divergence;
    enum gs_status status = gs_store_get_link(tx, app->id, incoming->task->arena, &link, err);
    if (status == GS_NOT_FOUND)
        return gs_fail(err, GS_CODE_APP_NOT_LINKED, NULL, "App is not synced with Git");
    if (status != GS_OK)
        return status;
    plan->synced_name = link.name;
    enum gs_rename renamed = gs_app_find_rename(link.name, app->name, incoming->name);
    if (renamed == GS_RENAME_BOTH && wish == GS_DIVERGENCE_FAIL)
        return gs_app_fail_renamed(app->id, link.name, app->name, incoming->name, err);
    // One that was made here only is no conflict, so theirs does not settle it.
    if (renamed == GS_RENAME_HERE || !takes_gits_name(renamed, wish))
        return GS_OK;
    return list_renames(incoming, plan, tx, err);
}

void gs_pull_add_names(const struct pull_plan *plan, struct plan_facts *facts)
{
    gs_plan_add(facts, plan->synced_name);
    for (const struct pull_rename *rename = plan->renames; rename; rename = rename->next) {
        gs_plan_add(facts, rename->app_id);
        gs_plan_add(facts, rename->to);
    }
}

// ---- Carrying it out -----------------------------------------------------------------------

static enum gs_status fail_moved(struct gs_error *err)
{
    return gs_fail(err, GS_CODE_CONFLICT, NULL,
                   "apps were renamed here again and again while this one was being pulled");
}

// Those that another app of the same call has renamed already are done.
static enum gs_status count_pending(struct incoming *incoming, struct pull_plan *plan,
                                    struct gs_tx *tx, size_t *out_count, struct gs_error *err)
{
    size_t count = 0;
    for (struct pull_rename *rename = plan->renames; rename; rename = rename->next) {
        struct gs_app now;
        enum gs_status status =
            gs_store_get_app(tx, rename->app_id, incoming->task->arena, &now, err);
        if (status != GS_OK && status != GS_NOT_FOUND)
            return status;
        rename->done = status == GS_OK && strcmp(now.name, rename->to) == 0;
        if (status == GS_NOT_FOUND || (!rename->done && strcmp(now.name, rename->from) != 0))
            return fail_moved(err);
        count += !rename->done;
    }
    *out_count = count;
    return GS_OK;
}

// No app has a name with a control character, so this one is free.
static const char *name_meanwhile(struct gs_arena *arena, const struct pull_rename *rename)
{
    return gs_arena_printf(arena, "\n%s", rename->app_id);
}

static enum gs_status rename_all(struct incoming *incoming, struct pull_plan *plan,
                                 struct gs_tx *tx, bool meanwhile, struct gs_error *err)
{
    int64_t now = gs_clock_now_ms();
    for (const struct pull_rename *rename = plan->renames; rename; rename = rename->next) {
        if (rename->done)
            continue;
        const char *name = meanwhile ? name_meanwhile(incoming->task->arena, rename) : rename->to;
        enum gs_status status = gs_store_rename_app(tx, rename->app_id, name, now, err);
        if (status == GS_CONFLICT)
            return fail_moved(err);
        if (status != GS_OK)
            return status;
    }
    return GS_OK;
}

// The app's own link follows with all that was pulled; of the others the name is all that was.
static enum gs_status note_names(struct incoming *incoming, const struct pull_plan *plan,
                                 struct gs_tx *tx, struct gs_error *err)
{
    enum gs_status status = GS_OK;
    const struct pull_rename *rename = plan->renames->next;
    for (; status == GS_OK && rename; rename = rename->next) {
        struct gs_git_link link;
        status = gs_store_get_link(tx, rename->app_id, incoming->task->arena, &link, err);
        if (status != GS_OK)
            break;
        link.name = rename->to;
        status = gs_store_put_link(tx, &link, err);
    }
    return status == GS_NOT_FOUND ? fail_moved(err) : status;
}

enum gs_status gs_pull_apply_names(struct incoming *incoming, struct pull_plan *plan,
                                   struct gs_tx *tx, struct gs_error *err)
{
    size_t count = 0;
    if (!plan->renames)
        return GS_OK;
    enum gs_status status = count_pending(incoming, plan, tx, &count, err);
    if (status == GS_OK && count > 1)
        status = rename_all(incoming, plan, tx, true, err);
    if (status == GS_OK)
        status = rename_all(incoming, plan, tx, false, err);
    if (status == GS_OK)
        status = note_names(incoming, plan, tx, err);
    if (status == GS_OK)
        plan->view.app.name = incoming->name;
    return status;
}

// ---- Telling ---------------------------------------------------------------------------------

void gs_pull_report_names(const struct incoming *incoming, const struct pull_plan *plan,
                          yyjson_mut_doc *doc, yyjson_mut_val *root)
{
    const struct gs_app *app = &plan->view.app;
    gs_report_rename(doc, root, NULL);
    if (strcmp(app->name, incoming->name) != 0)
        gs_report_rename(doc, root,
                         &(struct told_rename){app->id, incoming->name, app->name, false});
    for (const struct pull_rename *rename = plan->renames; rename; rename = rename->next)
        gs_report_rename(doc, root,
                         &(struct told_rename){rename->app_id, rename->from, rename->to, true});
}
