// From a file per entity to single files. They have no folders of apps, no formatting of entities and no place for more than one version:
// what the way back would not make again is kept.
// SPDX-License-Identifier: Apache-2.0
#include "layout/convert_internal.h"

struct to_single {
    struct conversion *conversion;
    yyjson_doc *kept;           // the metadata that the branch had as single files, or NULL
    struct gs_meta_draft draft; // … on their way to those that it will have
    struct gs_map names, ids;   // of the apps, to struct converting
};

// A document from when the branch had single files.
struct kept_file {
    yyjson_val *entry; // or NULL
    const char *path;  // that it will have again; NULL when there is none
    struct gs_buf text;
};

// ---- What was kept ---------------------------------------------------------------------------

static enum gs_status find_kept(struct to_single *to, const struct gs_git_app *app,
                                struct kept_file *kept, struct gs_error *err)
{
    struct conversion *conversion = to->conversion;
    struct gs_single_file_names names;
    bool found;
    kept->entry = yyjson_obj_get(yyjson_doc_get_root(to->kept), app->id);
    if (!kept->entry || gs_single_file_read_names(app->id, kept->entry, &names, NULL) != GS_OK)
        return GS_OK;
    const char *path = gs_single_file_path(conversion->arena, names.app, names.version);
    const char *at = gs_convert_kept(conversion, GS_LAYOUT_SINGLE_FILE, path);
    enum gs_status status = gs_layout_find_file(conversion->mirror, &conversion->request->parent,
                                                at, &kept->text, &found, err);
    if (status == GS_OK && found)
        kept->path = path;
    return status;
}

static enum gs_status merge(const struct kept_file *kept, struct gs_slice normal,
                            struct gs_slice now, struct gs_arena *arena,
                            struct gs_merge_result *out_result, struct gs_error *err)
{
    const struct gs_slice texts[] = {normal, gs_buf_slice(&kept->text), now};
    struct gs_document parsed[GS_COUNT(texts)] = {{0}};
    enum gs_status status = GS_OK;
    for (size_t i = 0; status == GS_OK && i < GS_COUNT(texts); i++)
        status = gs_document_parse(texts[i], kept->path, &parsed[i], err);
    struct gs_merge_side base = {&parsed[0], texts[0]}, ours = {&parsed[1], texts[1]},
                         theirs = {&parsed[2], texts[2]};
    if (status == GS_OK)
        status =
            gs_document_merge(&base, &ours, &theirs, GS_CONFLICT_THEIRS, arena, out_result, err);
    for (size_t i = 0; i < GS_COUNT(texts); i++)
        gs_document_release(&parsed[i]);
    return status;
}

// Puts what the document was in the place of what it reads as, with what changed meanwhile: the order of lists and members is
// its own again. *out_same: nothing changed.
static enum gs_status revive(struct to_single *to, const struct gs_git_app *app,
                             const struct kept_file *kept, struct gs_buf *text, bool *out_same,
                             struct gs_error *err)
{
    GS_CLEANUP(gs_buf_release) struct gs_buf normal;
    gs_buf_init(&normal, GS_CONVERT_DOCUMENT_MAX);
    struct gs_layout_push push = {
        .git_app_id = app->id, .app_name = app->name, .document = gs_buf_slice(&kept->text)};
    // One that somebody edited meanwhile and that is none any more is of no use.
    if (gs_per_entity_normalize(&push, &normal, NULL) != GS_OK)
        return GS_OK;
    *out_same = gs_slice_eq(gs_buf_slice(&normal), gs_buf_slice(text));
    if (*out_same) {
        gs_buf_clear(text);
        gs_buf_append_slice(text, gs_buf_slice(&kept->text));
        return gs_buf_check(text, kept->path, err);
    }
    struct gs_merge_result result;
    enum gs_status status =
        merge(kept, gs_buf_slice(&normal), gs_buf_slice(text), to->conversion->arena, &result, err);
    if (status != GS_OK)
        return status;
    if (result.conflict_count == 0) {
        gs_buf_clear(text);
        gs_buf_append_slice(text, gs_buf_slice(&result.bytes));
        status = gs_buf_check(text, kept->path, err);
    }
    gs_merge_result_release(&result);
    return status;
}

// ---- One app -----------------------------------------------------------------------------------

static enum gs_status read_document(struct conversion *conversion, struct converting *app,
                                    struct gs_slice text, struct gs_error *err)
{
    struct gs_document document;
    enum gs_status status = gs_document_parse(text, app->app->path, &document, err);
    if (status != GS_OK)
        return status;
    bool is_module = yyjson_equals_str(yyjson_obj_get(document.app, "type"), "module");
    app->meta = is_module ? 1 : 0;
    app->version_id = gs_arena_dup_slice(conversion->arena, document.version_id);
    app->version_name = gs_arena_dup_slice(conversion->arena, document.version_name);
    gs_document_release(&document);
    status = gs_version_check_name(gs_slice_str(app->version_name), NULL, err);
    app->path = gs_single_file_path(conversion->arena, gs_slice_str(app->app->name),
                                    gs_slice_str(app->version_name));
    return status;
}

static enum gs_status check_free(struct to_single *to, struct converting *app, struct gs_error *err)
{
    const struct converting *other = gs_map_put(&to->names, gs_slice_str(app->app->name), app);
    if (other)
        return gs_fail(err, GS_CODE_APP_NAME_TAKEN, NULL,
                       "'%s' has the same name, and single files have one folder for each name; "
                       "rename one of them",
                       other->app->path);
    if (gs_map_put(&to->ids, gs_slice_str(app->app->id), app))
        return gs_fail(err, GS_CODE_APP_NAME_TAKEN, NULL, "another app is listed under its id %s",
                       app->app->id);
    return GS_OK;
}

static void put_entry(struct to_single *to, const struct converting *app)
{
    const struct {
        const char *name, *text;
    } members[] = {{"gitAppName", app->app->name},        {"lastCommitMessage", gs_convert_message},
                   {"gitVersionId", app->version_id},     {"lastpushDate", app->when},
                   {"gitVersionName", app->version_name}, {"lastCommitUser", gs_convert_user}};
    for (size_t i = 0; i < GS_COUNT(members); i++)
        gs_meta_draft_put(&to->draft, app->app->id, members[i].name, gs_slice_str(members[i].text));
}

// Of a document that was not kept, because it is what the files read as, the entry tells whether it is still the same.
static bool entry_holds(const struct to_single *to, const struct kept_file *kept,
                        const struct converting *app)
{
    struct gs_slice when = gs_json_get_str(kept->entry, "lastpushDate");
    return kept->entry &&
           gs_slice_eq_str(gs_json_get_str(kept->entry, "gitAppName"), app->app->name) &&
           gs_slice_eq_str(gs_json_get_str(kept->entry, "gitVersionName"), app->version_name) &&
           gs_slice_eq_str(gs_json_get_str(kept->entry, "gitVersionId"), app->version_id) &&
           strcmp(gs_convert_date(to->conversion, when), app->when) == 0;
}

static enum gs_status write_document(struct to_single *to, const struct converting *app,
                                     struct gs_slice text, struct gs_error *err)
{
    struct conversion *conversion = to->conversion;
    struct gs_entry there;
    enum gs_status status = gs_layout_find_entry(conversion->mirror, &conversion->request->parent,
                                                 app->path, conversion->arena, &there, err);
    if (status != GS_OK)
        return status;
    if (there.name)
        return gs_fail(err, GS_CODE_LAYOUT_CONFLICT, NULL, "'%s' is in the way", app->path);
    struct gs_slice content = gs_slice_of(gs_arena_dup_slice(conversion->arena, text), text.len);
    return gs_convert_write(conversion, app->path, content, err);
}

static enum gs_status arrive(struct to_single *to, struct converting *app, struct kept_file *kept,
                             struct gs_buf *text, struct gs_error *err)
{
    struct conversion *conversion = to->conversion;
    bool same = false;
    enum gs_status status = GS_OK;
    if (kept->path)
        status = revive(to, app->app, kept, text, &same, err);
    if (status != GS_OK)
        return status;
    if (same && gs_slice_eq_str(gs_json_get_str(kept->entry, "gitAppName"), app->app->name))
        return gs_convert_restore(conversion, &conversion->arrive, GS_LAYOUT_SINGLE_FILE,
                                  kept->path, err);
    if (kept->path)
        gs_edits_delete(&conversion->leave,
                        gs_convert_kept(conversion, GS_LAYOUT_SINGLE_FILE, kept->path));
    if (kept->path || !entry_holds(to, kept, app))
        put_entry(to, app);
    return write_document(to, app, gs_buf_slice(text), err);
}

static enum gs_status convert_text(struct to_single *to, struct converting *app,
                                   struct gs_buf *text, struct gs_error *err)
{
    struct kept_file kept = {.text = {.max = GS_CONVERT_DOCUMENT_MAX}};
    enum gs_status status = read_document(to->conversion, app, gs_buf_slice(text), err);
    if (status == GS_OK)
        status = check_free(to, app, err);
    if (status == GS_OK)
        status = find_kept(to, app->app, &kept, err);
    if (status == GS_OK)
        status = arrive(to, app, &kept, text, err);
    gs_buf_release(&kept.text);
    return status == GS_OK ? gs_convert_leave_folder(to->conversion, app, gs_buf_slice(text), err)
                           : status;
}

static enum gs_status convert_app(struct to_single *to, const struct gs_git_app *git_app,
                                  struct gs_error *err)
{
    struct conversion *conversion = to->conversion;
    struct converting *app = gs_arena_alloc(conversion->arena, sizeof *app);
    *app = (struct converting){
        .app = git_app, .when = gs_convert_date(conversion, gs_slice_str(git_app->last_push_date))};
    GS_CLEANUP(gs_buf_release) struct gs_buf text;
    gs_buf_init(&text, GS_CONVERT_DOCUMENT_MAX);
    bool found;
    enum gs_status status = gs_convert_read(conversion, git_app, &text, &found, err);
    if (status != GS_OK || !found)
        return status;
    status = convert_text(to, app, &text, err);
    if (gs_convert_refuses(conversion, git_app->path, &status, err) || status != GS_OK)
        return status;
    conversion->app_count++;
    return GS_OK;
}

// ---- Metadata ------------------------------------------------------------------------------------

static enum gs_status open_draft(struct to_single *to, struct gs_error *err)
{
    struct conversion *conversion = to->conversion;
    struct gs_entry there;
    const char *kept = gs_convert_kept(conversion, GS_LAYOUT_SINGLE_FILE, gs_single_file_meta);
    enum gs_status status =
        gs_layout_find_entry(conversion->mirror, &conversion->request->parent, gs_single_file_meta,
                             conversion->arena, &there, err);
    if (status == GS_OK && there.name)
        gs_problems_add(&conversion->refusals, "both_layouts", gs_single_file_meta,
                        "the branch has metadata of both layouts; delete those that do not count");
    if (status == GS_OK)
        status =
            gs_meta_read(conversion->mirror, &conversion->request->parent, kept, &to->kept, err);
    (void)gs_convert_refuses(conversion, kept, &status, err);
    if (status == GS_OK)
        status = gs_meta_draft_init(&to->draft, to->kept, err);
    // A branch without metadata would be one of no layout.
    to->draft.changed = !to->kept;
    return status;
}

static void put_expected(struct to_single *to, struct gs_meta_draft *expected)
{
    size_t i, n;
    yyjson_mut_val *key, *entry;
    yyjson_mut_obj_foreach(yyjson_mut_doc_get_root(to->draft.doc), i, n, key, entry)
    {
        const char *id = yyjson_mut_get_str(key);
        const struct converting *app = gs_map_get(&to->ids, gs_slice_str(id));
        const char *when = yyjson_mut_get_str(yyjson_mut_obj_get(entry, "lastpushDate"));
        if (!app)
            continue;
        const char *path = gs_arena_printf(to->conversion->arena, "%s/%s",
                                           gs_per_entity_metas[app->meta].root, app->app->name);
        gs_meta_draft_put(&expected[app->meta], id, "appPath", gs_slice_str(path));
        gs_meta_draft_put(&expected[app->meta], id, "updatedAt",
                          gs_slice_str(gs_convert_date(to->conversion, gs_slice_str(when))));
    }
    if (!expected[0].changed && !expected[1].changed)
        expected[0].changed = true;
}

static enum gs_status leave_metas(struct to_single *to, struct gs_error *err)
{
    struct conversion *conversion = to->conversion;
    struct gs_meta_draft expected[GS_PER_ENTITY_METAS] = {{NULL, false, false}};
    enum gs_status status = GS_OK;
    // Files of apps that are kept are found by the entries that are kept with them.
    bool all = conversion->kept_count == 0;
    for (size_t i = 0; status == GS_OK && i < GS_PER_ENTITY_METAS; i++)
        status = gs_meta_draft_init(&expected[i], NULL, err);
    if (status == GS_OK)
        put_expected(to, expected);
    for (size_t i = 0; i < GS_PER_ENTITY_METAS; i++) {
        bool same = false;
        if (status == GS_OK)
            status = gs_convert_is_same(conversion, &expected[i], gs_per_entity_metas[i].path,
                                        &same, err);
        all = all && same;
        gs_meta_draft_release(&expected[i]);
    }
    for (size_t i = 0; status == GS_OK && i < GS_PER_ENTITY_METAS; i++) {
        struct gs_entry there;
        const char *path = gs_per_entity_metas[i].path;
        status = gs_layout_find_entry(conversion->mirror, &conversion->request->parent, path,
                                      conversion->arena, &there, err);
        if (status == GS_OK && there.name)
            gs_convert_leave(conversion, GS_LAYOUT_PER_ENTITY, path, !all);
    }
    return status;
}

static enum gs_status write_meta(struct to_single *to, struct gs_error *err)
{
    struct conversion *conversion = to->conversion;
    enum gs_status status = leave_metas(to, err);
    if (status != GS_OK)
        return status;
    if (!to->draft.changed)
        return gs_convert_restore(conversion, &conversion->arrive, GS_LAYOUT_SINGLE_FILE,
                                  gs_single_file_meta, err);
    if (to->kept)
        gs_edits_delete(&conversion->leave,
                        gs_convert_kept(conversion, GS_LAYOUT_SINGLE_FILE, gs_single_file_meta));
    return gs_meta_draft_finish(&to->draft, gs_single_file_meta, &conversion->arrive, err);
}

enum gs_status gs_convert_to_single(struct conversion *conversion, struct gs_error *err)
{
    struct to_single to = {.conversion = conversion};
    gs_map_init(&to.names);
    gs_map_init(&to.ids);
    enum gs_status status = open_draft(&to, err);
    for (size_t i = 0; status == GS_OK && i < conversion->catalog.count; i++)
        status = convert_app(&to, &conversion->catalog.apps[i], err);
    if (status == GS_OK)
        status = write_meta(&to, err);
    gs_meta_draft_release(&to.draft);
    gs_json_free(to.kept);
    gs_map_release(&to.names);
    gs_map_release(&to.ids);
    return status;
}
