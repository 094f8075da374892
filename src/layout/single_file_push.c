// The single-file layout, writing: what a push changes in the tree, so that the app has one document file and nobody else loses theirs.
// SPDX-License-Identifier: Apache-2.0
//
// Which version file is the app's, only its entry in the metadata tells. All other files of a folder are somebody's, and stay; they
// follow a renamed app when its folder is its own and the new place is free.
#include "app/app.h"
#include "base/clock.h"
#include "layout/layout_internal.h"

struct plan {
    struct gs_mirror *mirror;
    const struct gs_oid *parent;
    const struct gs_layout_push *push;
    struct gs_edits edits;
    yyjson_doc *meta;
    bool rebuilt;                    // the metadata in git cannot be read
    yyjson_val *entry;               // of the app; NULL when git does not have it yet
    struct gs_single_file_names old; // what the entry says
    bool folder_shared;              // other entries name the old folder
    bool file_shared;                // … and the same file in it
    const char *old_path, *new_path; // of the document; old_path is NULL without an entry
};

static enum gs_status check_names(const struct gs_layout_push *push, struct gs_error *err)
{
    enum gs_status status = gs_app_check_name(gs_slice_str(push->app_name), NULL, err);
    return status == GS_OK ? gs_version_check_name(gs_slice_str(push->version_name), NULL, err)
                           : status;
}

static enum gs_status find_entry(struct plan *plan, struct gs_error *err)
{
    struct gs_arena *arena = plan->edits.arena;
    const struct gs_layout_push *push = plan->push;
    plan->new_path =
        gs_single_file_path(arena, gs_slice_str(push->app_name), gs_slice_str(push->version_name));
    plan->entry = yyjson_obj_get(yyjson_doc_get_root(plan->meta), push->git_app_id);
    if (!plan->entry)
        return GS_OK;
    enum gs_status status =
        gs_single_file_read_names(push->git_app_id, plan->entry, &plan->old, err);
    if (status == GS_OK)
        plan->old_path = gs_single_file_path(arena, plan->old.app, plan->old.version);
    return status;
}

static enum gs_status fail_taken(const struct plan *plan, yyjson_val *owner, struct gs_error *err)
{
    return gs_fail(err, GS_CODE_APP_NAME_TAKEN, NULL,
                   "the folder '%s' in git belongs to another app, %s; rename one of the two",
                   plan->push->app_name, yyjson_get_str(owner));
}

// An entry that cannot be read in whole still owns the folder that it names.
static enum gs_status check_folders(struct plan *plan, struct gs_error *err)
{
    size_t i, n;
    yyjson_val *key, *entry;
    yyjson_obj_foreach(yyjson_doc_get_root(plan->meta), i, n, key, entry)
    {
        struct gs_slice folder = gs_json_get_str(entry, "gitAppName");
        if (entry == plan->entry || folder.len == 0)
            continue;
        if (gs_slice_eq_str(folder, plan->push->app_name))
            return fail_taken(plan, key, err);
        if (!gs_slice_eq(folder, plan->old.app))
            continue;
        plan->folder_shared = true;
        if (gs_slice_eq(gs_json_get_str(entry, "gitVersionName"), plan->old.version))
            plan->file_shared = true;
    }
    return GS_OK;
}

static enum gs_status has_same_document(const struct plan *plan, bool *out_same,
                                        struct gs_error *err)
{
    struct gs_slice document = plan->push->document;
    if (plan->push->held != GS_HELD_UNKNOWN) {
        *out_same = plan->push->held == GS_HELD_SAME;
        return GS_OK;
    }
    GS_CLEANUP(gs_buf_release) struct gs_buf bytes;
    gs_buf_init(&bytes, document.len);
    struct gs_error cause = GS_ERROR_INIT;
    bool found;
    enum gs_status status =
        gs_layout_find_file(plan->mirror, plan->parent, plan->new_path, &bytes, &found, &cause);
    // A larger one is another one.
    if (status == GS_OK || status == GS_LIMIT) {
        *out_same = status == GS_OK && found && gs_slice_eq(gs_buf_slice(&bytes), document);
        status = GS_OK;
    } else {
        gs_error_move(err, &cause);
    }
    gs_error_release(&cause);
    return status;
}

static enum gs_status is_up_to_date(const struct plan *plan, bool *out_yes, struct gs_error *err)
{
    if (plan->rebuilt || !plan->entry || strcmp(plan->old_path, plan->new_path) != 0 ||
        !gs_slice_eq_str(gs_json_get_str(plan->entry, "gitVersionId"), plan->push->version_id)) {
        *out_yes = false;
        return GS_OK;
    }
    return has_same_document(plan, out_yes, err);
}

static bool is_renamed(const struct plan *plan)
{
    return plan->entry && !gs_slice_eq_str(plan->old.app, plan->push->app_name);
}

// Moves the folder of a renamed app, when all in it is the app's and there is nothing at the new place yet.
static enum gs_status move_folder(struct plan *plan, bool *out_moved, struct gs_error *err)
{
    struct gs_arena *arena = plan->edits.arena;
    const char *from = gs_arena_dup_slice(arena, plan->old.app);
    struct gs_entry old, new;
    enum gs_status status =
        gs_layout_find_entry(plan->mirror, plan->parent, from, arena, &old, err);
    if (status == GS_OK)
        status = gs_layout_find_entry(plan->mirror, plan->parent, plan->push->app_name, arena, &new,
                                      err);
    if (status != GS_OK)
        return status;
    *out_moved = old.name && old.kind == GS_ENTRY_FOLDER && !new.name;
    if (*out_moved)
        gs_edits_move(&plan->edits, from, plan->push->app_name);
    return GS_OK;
}

// The metadata may name a file that somebody has deleted or put something else in the place of.
static enum gs_status delete_old_file(struct plan *plan, bool moved, struct gs_error *err)
{
    struct gs_arena *arena = plan->edits.arena;
    const char *path =
        moved ? gs_single_file_path(arena, gs_slice_str(plan->push->app_name), plan->old.version)
              : plan->old_path;
    if (plan->file_shared || strcmp(path, plan->new_path) == 0)
        return GS_OK;
    struct gs_entry entry;
    enum gs_status status =
        gs_layout_find_entry(plan->mirror, plan->parent, plan->old_path, arena, &entry, err);
    if (status == GS_OK && entry.name && entry.kind == GS_ENTRY_FILE)
        gs_edits_delete(&plan->edits, path);
    return status;
}

static enum gs_status leave_old_place(struct plan *plan, struct gs_error *err)
{
    if (!plan->entry)
        return GS_OK;
    bool moved = false;
    enum gs_status status = GS_OK;
    if (is_renamed(plan) && !plan->folder_shared)
        status = move_folder(plan, &moved, err);
    return status == GS_OK ? delete_old_file(plan, moved, err) : status;
}

// The members in ToolJet's order and spelling.
static enum gs_status write_entry(struct plan *plan, struct gs_error *err)
{
    const struct gs_layout_push *push = plan->push;
    char when[GS_ISO_TEXT + 1];
    gs_clock_format_iso(push->when_ms, when);
    const struct {
        const char *name, *text;
    } members[] = {
        {"gitAppName", push->app_name},         {"lastCommitMessage", push->message},
        {"gitVersionId", push->version_id},     {"lastpushDate", when},
        {"gitVersionName", push->version_name}, {"lastCommitUser", push->user},
    };
    struct gs_meta_draft draft;
    enum gs_status status = gs_meta_draft_init(&draft, plan->meta, err);
    if (status != GS_OK)
        return status;
    draft.changed = plan->rebuilt;
    for (size_t i = 0; i < GS_COUNT(members); i++)
        gs_meta_draft_put(&draft, push->git_app_id, members[i].name, gs_slice_str(members[i].text));
    status = gs_meta_draft_finish(&draft, gs_single_file_meta, &plan->edits, err);
    gs_meta_draft_release(&draft);
    return status;
}

static void write_document(struct plan *plan)
{
    const struct gs_layout_push *push = plan->push;
    if (push->blob && *push->blob)
        gs_edits_write_blob(&plan->edits, plan->new_path, push->blob);
    else
        gs_edits_write(&plan->edits, plan->new_path, push->document);
}

static enum gs_status make_plan(struct plan *plan, struct gs_error *err)
{
    bool done = false;
    struct gs_meta meta = {.doc = NULL};
    enum gs_status status = gs_meta_read_or_rebuild(plan->mirror, plan->parent, NULL,
                                                    plan->edits.arena, NULL, &meta, err);
    plan->meta = meta.doc;
    plan->rebuilt = meta.rebuilt;
    if (status == GS_OK)
        status = find_entry(plan, err);
    if (status == GS_OK)
        status = check_folders(plan, err);
    if (status == GS_OK)
        status = is_up_to_date(plan, &done, err);
    if (status != GS_OK || done)
        return status;
    status = leave_old_place(plan, err);
    if (status != GS_OK)
        return status;
    write_document(plan);
    return write_entry(plan, err);
}

enum gs_status gs_single_file_plan_push(struct gs_mirror *mirror, const struct gs_oid *parent,
                                        const struct gs_layout_push *push, struct gs_arena *arena,
                                        struct gs_edit **out_edits, size_t *out_count,
                                        struct gs_error *err)
{
    struct plan plan = {
        .mirror = mirror, .parent = parent, .push = push, .edits = {.arena = arena}};
    enum gs_status status = check_names(push, err);
    if (status == GS_OK)
        status = make_plan(&plan, err);
    gs_json_free(plan.meta);
    if (status != GS_OK)
        return status;
    *out_edits = plan.edits.items;
    *out_count = plan.edits.count;
    return GS_OK;
}
