// Apps that make way for the name of a pushed one: they were renamed here and hold in git the folder that the push needs. Their renames travel
// in the same commit, over names that nobody has; of their documents nothing but what git holds.
// SPDX-License-Identifier: Apache-2.0
#include "base/random.h"
#include "sync/push_internal.h"

// ---- Who has to make way -----------------------------------------------------------------

// The line of apps each of which has the folder that the one before it needs.
struct line {
    struct push_batch *batch;
    struct push_item *item;
    struct push_item *renames;
    size_t count, capacity;
};

static struct push_item *add_rename(struct line *line)
{
    if (line->count == line->capacity) {
        size_t capacity = line->capacity ? 2 * line->capacity : 4;
        struct push_item *grown = gs_arena_array(line->item->task->arena, capacity, sizeof *grown);
        if (line->count > 0)
            memcpy(grown, line->renames, line->count * sizeof *grown);
        line->renames = grown;
        line->capacity = capacity;
    }
    return &line->renames[line->count++];
}

static bool is_in_line(const struct line *line, const char *git_app_id)
{
    bool found = strcmp(line->item->git_app_id, git_app_id) == 0;
    for (size_t i = 0; !found && i < line->count; i++)
        found = strcmp(line->renames[i].git_app_id, git_app_id) == 0;
    return found;
}

// A rename of theirs that nobody here has seen is not undone, unless the push is to.
static bool may_move(const struct push_item *item, enum gs_rename renamed)
{
    if (renamed == GS_RENAME_HERE || renamed == GS_RENAME_UNKNOWN)
        return true;
    return renamed != GS_RENAME_NONE && item->task->request.divergence == GS_DIVERGENCE_OURS;
}

static enum gs_status find_here(struct line *line, const struct gs_git_app *holder, bool *out_moves,
                                struct gs_error *err)
{
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    struct session *session = line->batch->session;
    struct task *task = line->item->task;
    struct gs_git_link link;
    struct gs_app app;
    *out_moves = false;
    enum gs_status status = gs_tx_read(session->sync->options.store, &tx, err);
    if (status == GS_OK)
        status = gs_store_find_link(tx, session->config.organization_id, holder->id, task->arena,
                                    &link, err);
    if (status == GS_OK)
        status = gs_store_get_app(tx, link.app_id, task->arena, &app, err);
    if (status == GS_NOT_FOUND) {
        gs_error_release(err);
        return GS_OK;
    }
    if (status != GS_OK)
        return status;
    *out_moves = may_move(line->item, gs_app_find_rename(link.name, app.name, holder->name));
    if (*out_moves)
        *add_rename(line) =
            (struct push_item){.task = task,
                               .git_app_id = holder->id,
                               .app_id = app.id,
                               .name = app.name,
                               .renamed_from = gs_arena_strdup(task->arena, holder->name)};
    return GS_OK;
}

// Nobody is in the line twice, so it ends with the apps of the branch. Where somebody in it cannot move, nobody does, and the
// layout says who has the folder.
static enum gs_status find_line(struct line *line, const struct gs_catalog *catalog,
                                const struct local_version *local, struct gs_error *err)
{
    bool is_module = local->ready.summary.is_module; // of a new one
    const char *id = line->item->git_app_id, *name = local->app.name;
    for (;;) {
        bool moves = false;
        const struct gs_git_app *holder = gs_catalog_find_holder(catalog, id, name, is_module);
        if (!holder || is_in_line(line, holder->id))
            return GS_OK;
        enum gs_status status = find_here(line, holder, &moves, err);
        if (status != GS_OK)
            return status;
        if (!moves) {
            line->count = 0;
            return GS_OK;
        }
        id = holder->id;
        name = line->renames[line->count - 1].name;
    }
}

// ---- Moving ----------------------------------------------------------------------------------

static enum gs_status move(struct push_batch *batch, struct push_item *rename, const char *name,
                           struct gs_oid *tip, struct gs_error *err)
{
    struct remote_app remote;
    enum gs_status status =
        gs_session_read_app(batch->session, tip, rename->git_app_id, NULL, &remote, err);
    if (status == GS_OK && !remote.entry)
        status = gs_fail(err, GS_CODE_NOT_IN_GIT, NULL, "it is not in git any more");
    if (status == GS_OK) {
        if (!rename->document_id)
            rename->document_id = gs_arena_strdup(rename->task->arena, remote.document_id);
        status = gs_push_build_rename(batch, rename, &remote, name, tip, err);
        gs_buf_release(&remote.document);
    }
    if (status != GS_OK)
        gs_error_prefix(err, "app '%s', which makes way", rename->name);
    return status;
}

static const char *name_meanwhile(struct gs_arena *arena)
{
    char id[GS_UUID_TEXT + 1];
    gs_uuid_new(id);
    return gs_arena_printf(arena, "renamed-%s", id);
}

enum gs_status gs_push_make_way(struct push_batch *batch, struct push_item *item,
                                const struct remote_app *remote, const struct local_version *local,
                                struct gs_oid *tip, struct gs_error *err)
{
    struct line line = {.batch = batch, .item = item};
    const struct gs_catalog *catalog;
    if (remote->entry && strcmp(remote->entry->name, local->app.name) == 0)
        return GS_OK;
    enum gs_status status = gs_session_catalog(batch->session, tip, &catalog, err);
    if (status == GS_OK)
        status = find_line(&line, catalog, local, err);
    if (status != GS_OK)
        return status;
    item->renames = line.renames;
    item->rename_count = line.count;
    for (size_t i = 0; status == GS_OK && i < line.count; i++)
        status = move(batch, &line.renames[i], name_meanwhile(item->task->arena), tip, err);
    return status;
}

// The version here that was in step with git stays so, in the form in which git gives the app back under its new name.
static enum gs_status find_synced(struct push_batch *batch, struct push_item *rename,
                                  struct gs_error *err)
{
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    struct gs_app_view view;
    enum gs_status status = gs_tx_read(batch->session->sync->options.store, &tx, err);
    if (status == GS_OK)
        status = gs_workspace_get_app(tx, rename->app_id, rename->task->arena, &view, err);
    if (status != GS_OK)
        return status;
    const struct gs_version *version = gs_find_synced_version(&view, rename->document_id);
    rename->version_id = version ? version->id : NULL;
    return GS_OK;
}

static enum gs_status end_rename(struct push_batch *batch, struct push_item *rename,
                                 struct gs_oid *tip, struct gs_error *err)
{
    struct remote_app remote;
    const char *before = rename->document_id;
    enum gs_status status = move(batch, rename, rename->name, tip, err);
    if (status == GS_OK)
        status = find_synced(batch, rename, err);
    if (status == GS_OK)
        status = gs_session_read_app(batch->session, tip, rename->git_app_id, NULL, &remote, err);
    if (status != GS_OK)
        return status;
    rename->document_id = gs_arena_strdup(rename->task->arena, remote.document_id);
    if (strcmp(before, rename->document_id) != 0) {
        status = gs_document_pack(gs_buf_slice(&remote.document), &rename->takeover.blob, err);
        rename->takeover.wanted = status == GS_OK;
        rename->takeover.replaced_id = before;
    }
    gs_buf_release(&remote.document);
    return status;
}

enum gs_status gs_push_end_renames(struct push_batch *batch, struct push_item *item,
                                   struct gs_oid *tip, struct gs_error *err)
{
    enum gs_status status = GS_OK;
    for (size_t i = 0; status == GS_OK && i < item->rename_count; i++)
        status = end_rename(batch, &item->renames[i], tip, err);
    return status;
}

// ---- Telling, and reading that again ---------------------------------------------------------

void gs_push_report_renames(const struct push_item *item, yyjson_mut_doc *doc, yyjson_mut_val *obj)
{
    for (size_t i = 0; i < item->rename_count; i++) {
        const struct push_item *rename = &item->renames[i];
        struct told_rename told = {rename->app_id, rename->renamed_from, rename->name, false};
        yyjson_mut_val *one = gs_report_rename(doc, obj, &told);
        gs_push_report_along(rename, doc, one);
    }
}

enum gs_status gs_push_restore_renames(struct push_batch *batch, struct push_item *item,
                                       yyjson_val *report, struct gs_error *err)
{
    size_t i, n;
    yyjson_val *list = gs_json_get_arr(report, "renames"), *one;
    enum gs_status status = GS_OK;
    item->renames = gs_arena_array(item->task->arena, yyjson_arr_size(list), sizeof *item->renames);
    yyjson_arr_foreach(list, i, n, one)
    {
        bool own = gs_slice_eq_str(gs_json_get_str(one, "appId"), item->app_id);
        if (status == GS_OK && !own)
            status = gs_push_restore_along(batch, item, one, "to",
                                           &item->renames[item->rename_count++], err);
    }
    return status;
}
