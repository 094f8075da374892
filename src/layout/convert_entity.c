// From single files to a file per entity. Documents lose the order of their lists and how they were formatted, metadata what commits
// said: such files are kept.
// SPDX-License-Identifier: Apache-2.0
#include "layout/convert_internal.h"

struct to_entities {
    struct conversion *conversion;
    struct gs_oid stage; // the parent with what was kept in its place: what plans are made on
    struct gs_map paths; // of the apps' new folders
    struct gs_map ids;   // to struct converting
};

// ---- What was kept comes back --------------------------------------------------------------

static enum gs_status restore_folder(struct conversion *conversion, const char *path, int depth,
                                     struct gs_error *err)
{
    enum { FOLDERS_IN_FOLDERS_MAX = 64 };
    struct gs_entry *entries;
    size_t count;
    const char *kept = gs_convert_kept(conversion, GS_LAYOUT_PER_ENTITY, path);
    enum gs_status status = gs_layout_find_list(conversion->mirror, &conversion->request->parent,
                                                kept, conversion->arena, &entries, &count, err);
    for (size_t i = 0; status == GS_OK && i < count && depth < FOLDERS_IN_FOLDERS_MAX; i++) {
        const char *child = gs_arena_printf(conversion->arena, "%s/%s", path, entries[i].name);
        status = entries[i].kind == GS_ENTRY_FOLDER
                     ? restore_folder(conversion, child, depth + 1, err)
                     : gs_convert_restore(conversion, &conversion->restore, GS_LAYOUT_PER_ENTITY,
                                          child, err);
    }
    return status;
}

static enum gs_status restore_apps(struct conversion *conversion,
                                   const struct gs_per_entity_meta *meta, yyjson_val *root,
                                   struct gs_error *err)
{
    enum gs_status status = GS_OK;
    for (size_t i = 0; status == GS_OK && i < conversion->catalog.count; i++) {
        const char *id = conversion->catalog.apps[i].id;
        yyjson_val *entry = yyjson_obj_get(root, id);
        struct gs_slice path;
        if (entry && gs_per_entity_read_path(meta, id, entry, &path, NULL) == GS_OK)
            status =
                restore_folder(conversion, gs_arena_dup_slice(conversion->arena, path), 0, err);
    }
    return status;
}

static enum gs_status restore_meta(struct conversion *conversion,
                                   const struct gs_per_entity_meta *meta, struct gs_error *err)
{
    GS_CLEANUP(gs_json_cleanup) yyjson_doc *doc = NULL;
    const char *kept = gs_convert_kept(conversion, GS_LAYOUT_PER_ENTITY, meta->path);
    enum gs_status status =
        gs_meta_read(conversion->mirror, &conversion->request->parent, kept, &doc, err);
    if (gs_convert_refuses(conversion, kept, &status, err) || status != GS_OK || !doc)
        return status;
    status =
        gs_convert_restore(conversion, &conversion->restore, GS_LAYOUT_PER_ENTITY, meta->path, err);
    return status == GS_OK ? restore_apps(conversion, meta, yyjson_doc_get_root(doc), err) : status;
}

static enum gs_status restore(struct to_entities *to, struct gs_error *err)
{
    struct conversion *conversion = to->conversion;
    enum gs_status status = GS_OK;
    for (size_t i = 0; status == GS_OK && i < GS_PER_ENTITY_METAS; i++)
        status = restore_meta(conversion, &gs_per_entity_metas[i], err);
    to->stage = conversion->request->parent;
    if (status != GS_OK || conversion->restore.count == 0 || conversion->refusals.count > 0)
        return status;
    struct gs_commit_request request = {.parent = to->stage,
                                        .edits = conversion->restore.items,
                                        .edit_count = conversion->restore.count,
                                        .author_name = conversion->request->author_name,
                                        .author_email = conversion->request->author_email,
                                        .message = conversion->request->message,
                                        .when_ms = conversion->request->when_ms};
    struct gs_file_change *changes;
    size_t count;
    return gs_mirror_commit(conversion->mirror, &request, conversion->arena, &to->stage, &changes,
                            &count, err);
}

// ---- One app ---------------------------------------------------------------------------------

// Files that look like entities but never were would be taken for the app's own.
static enum gs_status check_place(struct to_entities *to, const char *path, struct gs_error *err)
{
    struct conversion *conversion = to->conversion;
    struct gs_entity_folder folder;
    enum gs_status status =
        gs_entity_folder_load(conversion->mirror, &conversion->request->parent, path,
                              GS_CONVERT_DOCUMENT_MAX, conversion->arena, &folder, err);
    bool taken = folder.has_app || folder.has_schema;
    for (size_t kind = 0; kind < GS_ENTITY_KINDS; kind++)
        taken = taken || folder.entities.lists[kind].count > 0;
    gs_entity_folder_release(&folder);
    if (status == GS_OK && gs_map_put(&to->paths, gs_slice_str(path), conversion))
        return gs_fail(err, GS_CODE_APP_NAME_TAKEN, NULL,
                       "two apps would be in the folder '%s'; rename one of them", path);
    if (status == GS_OK && taken)
        return gs_fail(err, GS_CODE_LAYOUT_CONFLICT, NULL,
                       "the folder '%s' has files that would be taken for the app's", path);
    return status;
}

static enum gs_status find_place(struct to_entities *to, const struct gs_layout_push *push,
                                 bool is_module, struct converting *app, struct gs_error *err)
{
    struct conversion *conversion = to->conversion;
    struct gs_per_entity_place place;
    enum gs_status status = gs_per_entity_find_place(conversion->mirror, &to->stage, push,
                                                     is_module, conversion->arena, &place, err);
    if (status == GS_OK) {
        app->path = place.path;
        app->meta = place.meta;
    }
    gs_per_entity_place_release(&place);
    return status == GS_OK ? check_place(to, app->path, err) : status;
}

// The edits of a push, but for those of metadata, which are made once for all apps.
static enum gs_status take_edits(struct conversion *conversion, const struct gs_edit *edits,
                                 size_t count, struct gs_error *err)
{
    enum gs_status status = GS_OK;
    for (size_t i = 0; status == GS_OK && i < count; i++) {
        struct gs_slice path = gs_slice_str(edits[i].path);
        if (gs_slice_starts(path, ".meta/") || gs_slice_starts(path, "data-sources/"))
            continue;
        if (edits[i].kind == GS_EDIT_WRITE)
            status = gs_convert_write(conversion, edits[i].path, edits[i].content, err);
        else if (edits[i].kind == GS_EDIT_DELETE)
            gs_edits_delete(&conversion->arrive, edits[i].path);
        else
            gs_edits_move(&conversion->arrive, edits[i].path, edits[i].to_path);
    }
    return status;
}

// Whether what was kept reads as the document: then nothing is written, not even what a push would put right in such files.
static enum gs_status is_settled(struct to_entities *to, const struct gs_layout_push *push,
                                 const struct converting *app, bool *out_yes, struct gs_error *err)
{
    struct gs_git_app there = {.id = push->git_app_id, .name = push->app_name, .path = app->path};
    struct gs_error cause = GS_ERROR_INIT;
    GS_CLEANUP(gs_buf_release) struct gs_buf held;
    GS_CLEANUP(gs_buf_release) struct gs_buf normal;
    gs_buf_init(&held, GS_CONVERT_DOCUMENT_MAX);
    gs_buf_init(&normal, GS_CONVERT_DOCUMENT_MAX);
    enum gs_status status = gs_layout_read(to->conversion->mirror, &to->stage, GS_LAYOUT_PER_ENTITY,
                                           &there, &held, &cause);
    if (status == GS_NOT_FOUND || status == GS_INVALID) {
        gs_error_release(&cause);
        *out_yes = false;
        return GS_OK;
    }
    gs_error_move(err, &cause);
    if (status == GS_OK)
        status = gs_per_entity_normalize(push, &normal, err);
    if (status == GS_OK)
        *out_yes = gs_slice_eq(gs_buf_slice(&held), gs_buf_slice(&normal));
    return status;
}

static enum gs_status plan(struct to_entities *to, const struct gs_layout_push *push,
                           struct converting *app, struct gs_error *err)
{
    struct conversion *conversion = to->conversion;
    struct gs_document document;
    struct gs_edit *edits = NULL;
    size_t count = 0;
    bool settled = false;
    enum gs_status status = gs_document_parse(push->document, app->app->path, &document, err);
    if (status != GS_OK)
        return status;
    bool is_module = yyjson_equals_str(yyjson_obj_get(document.app, "type"), "module");
    app->version_id = gs_arena_dup_slice(conversion->arena, document.version_id);
    app->version_name = gs_arena_dup_slice(conversion->arena, document.version_name);
    status = find_place(to, push, is_module, app, err);
    if (status == GS_OK && conversion->restore.count > 0)
        status = is_settled(to, push, app, &settled, err);
    if (status == GS_OK && !settled)
        status = gs_per_entity_plan_push(conversion->mirror, &to->stage, push, conversion->arena,
                                         &edits, &count, err);
    gs_document_release(&document);
    return status == GS_OK ? take_edits(conversion, edits, count, err) : status;
}

// Whether the file is what the app will be read as, under the name that it will have again.
static enum gs_status is_derived(struct conversion *conversion, const struct gs_layout_push *push,
                                 const struct converting *app, bool *out_yes, struct gs_error *err)
{
    GS_CLEANUP(gs_buf_release) struct gs_buf normal;
    gs_buf_init(&normal, GS_CONVERT_DOCUMENT_MAX);
    enum gs_status status = gs_per_entity_normalize(push, &normal, err);
    const char *path = gs_single_file_path(conversion->arena, gs_slice_str(app->app->name),
                                           gs_slice_str(app->version_name));
    if (status == GS_OK)
        *out_yes =
            strcmp(path, app->app->path) == 0 && gs_slice_eq(gs_buf_slice(&normal), push->document);
    return status;
}

static enum gs_status convert_app(struct to_entities *to, const struct gs_git_app *git_app,
                                  struct gs_error *err)
{
    struct conversion *conversion = to->conversion;
    struct converting *app = gs_arena_alloc(conversion->arena, sizeof *app);
    *app = (struct converting){
        .app = git_app, .when = gs_convert_date(conversion, gs_slice_str(git_app->last_push_date))};
    GS_CLEANUP(gs_buf_release) struct gs_buf text;
    gs_buf_init(&text, GS_CONVERT_DOCUMENT_MAX);
    bool found, derived = false;
    enum gs_status status = gs_convert_read(conversion, git_app, &text, &found, err);
    if (status != GS_OK || !found)
        return status;
    struct gs_layout_push push = {
        .git_app_id = git_app->id, .app_name = git_app->name, .document = gs_buf_slice(&text)};
    status = plan(to, &push, app, err);
    if (status == GS_OK)
        status = is_derived(conversion, &push, app, &derived, err);
    if (gs_convert_refuses(conversion, git_app->path, &status, err) || status != GS_OK)
        return status;
    gs_convert_leave(conversion, GS_LAYOUT_SINGLE_FILE, git_app->path, !derived);
    gs_map_put(&to->ids, gs_slice_str(git_app->id), app);
    conversion->app_count++;
    return GS_OK;
}

// ---- Metadata ----------------------------------------------------------------------------------

// An entry that came back says when its app was changed in a form of its own, which counts while it means the same.
static void put_entry(struct conversion *conversion, struct gs_meta_draft *draft,
                      yyjson_val *kept_root, const struct converting *app)
{
    yyjson_val *kept = yyjson_obj_get(kept_root, app->app->id);
    gs_meta_draft_put(draft, app->app->id, "appPath", gs_slice_str(app->path));
    struct gs_slice when = gs_json_get_str(kept, "updatedAt");
    if (!kept || strcmp(gs_convert_date(conversion, when), app->when) != 0)
        gs_meta_draft_put(draft, app->app->id, "updatedAt", gs_slice_str(app->when));
}

static enum gs_status open_drafts(struct to_entities *to, struct gs_meta_draft *drafts,
                                  struct gs_error *err)
{
    struct conversion *conversion = to->conversion;
    enum gs_status status = GS_OK;
    bool any = false;
    for (size_t i = 0; status == GS_OK && i < GS_PER_ENTITY_METAS; i++) {
        GS_CLEANUP(gs_json_cleanup) yyjson_doc *doc = NULL;
        status =
            gs_meta_read(conversion->mirror, &to->stage, gs_per_entity_metas[i].path, &doc, err);
        if (status == GS_OK)
            status = gs_meta_draft_init(&drafts[i], doc, err);
        any = any || doc;
        for (size_t j = 0; status == GS_OK && j < conversion->catalog.count; j++) {
            const struct converting *app =
                gs_map_get(&to->ids, gs_slice_str(conversion->catalog.apps[j].id));
            if (app && app->meta == i)
                put_entry(conversion, &drafts[i], yyjson_doc_get_root(doc), app);
        }
    }
    // A branch without any would be one of no layout.
    if (status == GS_OK && !any && !drafts[1].changed)
        drafts[0].changed = true;
    return status;
}

// What the way back would make of the entries, in its order.
static void put_expected(struct to_entities *to, struct gs_meta_draft *expected,
                         const struct gs_meta_draft *draft)
{
    size_t i, n;
    yyjson_mut_val *key, *entry;
    yyjson_mut_obj_foreach(yyjson_mut_doc_get_root(draft->doc), i, n, key, entry)
    {
        const char *id = yyjson_mut_get_str(key);
        const struct converting *app = gs_map_get(&to->ids, gs_slice_str(id));
        const char *when = yyjson_mut_get_str(yyjson_mut_obj_get(entry, "updatedAt"));
        if (!app)
            continue;
        const struct {
            const char *name, *text;
        } members[] = {{"gitAppName", app->app->name},
                       {"lastCommitMessage", gs_convert_message},
                       {"gitVersionId", app->version_id},
                       {"lastpushDate", gs_convert_date(to->conversion, gs_slice_str(when))},
                       {"gitVersionName", app->version_name},
                       {"lastCommitUser", gs_convert_user}};
        for (size_t j = 0; j < GS_COUNT(members); j++)
            gs_meta_draft_put(expected, id, members[j].name, gs_slice_str(members[j].text));
    }
}

static enum gs_status leave_meta(struct to_entities *to, const struct gs_meta_draft *drafts,
                                 struct gs_error *err)
{
    struct gs_meta_draft expected;
    bool same = false;
    enum gs_status status = gs_meta_draft_init(&expected, NULL, err);
    if (status != GS_OK)
        return status;
    expected.changed = true;
    for (size_t i = 0; i < GS_PER_ENTITY_METAS; i++)
        put_expected(to, &expected, &drafts[i]);
    status = gs_convert_is_same(to->conversion, &expected, gs_single_file_meta, &same, err);
    gs_meta_draft_release(&expected);
    // Documents that are kept are found by the entries that are kept with them.
    bool keep = !same || to->conversion->kept_count > 0;
    if (status == GS_OK)
        gs_convert_leave(to->conversion, GS_LAYOUT_SINGLE_FILE, gs_single_file_meta, keep);
    return status;
}

static enum gs_status write_metas(struct to_entities *to, struct gs_error *err)
{
    struct gs_meta_draft drafts[GS_PER_ENTITY_METAS] = {{NULL, false, false}};
    enum gs_status status = open_drafts(to, drafts, err);
    if (status == GS_OK)
        status = leave_meta(to, drafts, err);
    for (size_t i = 0; i < GS_PER_ENTITY_METAS; i++) {
        if (status == GS_OK)
            status = gs_meta_draft_finish(&drafts[i], gs_per_entity_metas[i].path,
                                          &to->conversion->arrive, err);
        gs_meta_draft_release(&drafts[i]);
    }
    return status;
}

enum gs_status gs_convert_to_entities(struct conversion *conversion, struct gs_error *err)
{
    struct to_entities to = {.conversion = conversion};
    gs_map_init(&to.paths);
    gs_map_init(&to.ids);
    enum gs_status status = restore(&to, err);
    for (size_t i = 0; status == GS_OK && i < conversion->catalog.count; i++)
        status = convert_app(&to, &conversion->catalog.apps[i], err);
    if (status == GS_OK)
        status = write_metas(&to, err);
    gs_map_release(&to.paths);
    gs_map_release(&to.ids);
    return status;
}
