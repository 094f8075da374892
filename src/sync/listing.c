// The apps that a commit of the repository holds, page by page, with the commit that changed each last. One bad app is told
// in its place and hides no other.
// SPDX-License-Identifier: Apache-2.0
#include "git/history.h"
#include "sync/look_internal.h"

// Commits that are looked at for one page; an app that none of them changed is told as such.
enum { HISTORY_MAX = 10000 };

struct listing {
    struct session *session;
    struct task *task;
    const struct gs_oid *commit;
    const struct gs_catalog *catalog;
    size_t first, end;         // of the page
    struct gs_oid *last;       // of each app on it: the commit that changed it last, or none
    const char **linked;       // … and the app here, or NULL
    struct gs_commit_info one; // the last one that was read: neighbours often share it
};

// A page begins at an app of a commit, so that all pages show the same state: "<commit>-<index>".
bool gs_listing_read_cursor(const char *cursor, struct gs_oid *out_commit, size_t *out_first)
{
    struct gs_slice rest = gs_slice_str(cursor);
    struct gs_slice digits = gs_slice_split(&rest, '-');
    int64_t first;
    if (!gs_oid_parse(digits, out_commit) || !gs_slice_to_int(rest, &first) || first < 0)
        return false;
    *out_first = (size_t)first;
    return true;
}

static enum gs_status find_last_changes(struct listing *listing, struct gs_error *err)
{
    struct gs_arena *arena = listing->task->arena;
    size_t count = listing->end - listing->first;
    const char **paths = gs_arena_array(arena, count, sizeof *paths);
    for (size_t i = 0; i < count; i++)
        paths[i] = listing->catalog->apps[listing->first + i].path;
    listing->last = gs_arena_array(arena, count, sizeof *listing->last);
    if (count == 0)
        return GS_OK;
    return gs_mirror_last_changes(listing->session->repo->mirror, listing->commit, paths, count,
                                  HISTORY_MAX, listing->last, err);
}

static enum gs_status find_linked(struct listing *listing, struct gs_error *err)
{
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    struct task *task = listing->task;
    listing->linked =
        gs_arena_array(task->arena, listing->end - listing->first, sizeof *listing->linked);
    enum gs_status status = gs_tx_read(listing->session->sync->options.store, &tx, err);
    for (size_t i = listing->first; status == GS_OK && i < listing->end; i++) {
        struct gs_git_link link;
        status = gs_store_find_link(tx, task->organization_id, listing->catalog->apps[i].id,
                                    task->arena, &link, err);
        if (status == GS_OK)
            listing->linked[i - listing->first] = link.app_id;
        if (status != GS_NOT_FOUND)
            continue;
        gs_error_release(err);
        status = GS_OK;
    }
    return status;
}

// ---- Telling -------------------------------------------------------------------------

static void add_text(yyjson_mut_doc *doc, yyjson_mut_val *obj, const char *name,
                     struct gs_slice text)
{
    if (gs_slice_is_utf8(text))
        gs_json_add_str(doc, obj, name, text);
    else
        gs_json_add_cstr(doc, obj, name, NULL);
}

static void report_commit(const struct gs_commit_info *info, yyjson_mut_doc *doc,
                          yyjson_mut_val *obj)
{
    struct gs_slice message = gs_slice_str(info->message);
    yyjson_mut_val *commit = yyjson_mut_obj_add_obj(doc, obj, "lastCommit");
    gs_json_add_cstr(doc, commit, "sha", info->oid.hex);
    yyjson_mut_val *author = yyjson_mut_obj_add_obj(doc, commit, "author");
    add_text(doc, author, "name", gs_slice_str(info->author_name));
    add_text(doc, author, "email", gs_slice_str(info->author_email));
    gs_json_add_time(doc, commit, "committedAt", info->committed_at_ms);
    add_text(doc, commit, "message", gs_slice_split(&message, '\n'));
}

static enum gs_status add_last_commit(struct listing *listing, const struct gs_oid *oid,
                                      yyjson_mut_doc *doc, yyjson_mut_val *obj,
                                      struct gs_error *err)
{
    if (gs_oid_is_none(oid)) {
        gs_json_add_cstr(doc, obj, "lastCommit", NULL);
        return GS_OK;
    }
    enum gs_status status = GS_OK;
    if (!gs_oid_eq(&listing->one.oid, oid))
        status = gs_mirror_commit_info(listing->session->repo->mirror, oid, listing->task->arena,
                                       &listing->one, err);
    if (status == GS_OK)
        report_commit(&listing->one, doc, obj);
    return status;
}

static void add_version(const struct gs_git_version *version, yyjson_mut_doc *doc,
                        yyjson_mut_val *obj)
{
    yyjson_mut_val *val = yyjson_mut_obj_add_obj(doc, obj, "version");
    gs_json_add_cstr(doc, val, "id", version->id);
    gs_json_add_cstr(doc, val, "name", version->name);
}

static enum gs_status add_app(struct listing *listing, size_t index, yyjson_mut_doc *doc,
                              yyjson_mut_val *obj, struct gs_error *err)
{
    const struct gs_git_app *app = &listing->catalog->apps[index];
    size_t at = index - listing->first;
    GS_CLEANUP(gs_error_release) struct gs_error cause = GS_ERROR_INIT;
    struct gs_git_version version = {NULL, NULL};
    enum gs_status status = gs_layout_read_version(listing->session->repo->mirror, listing->commit,
                                                   listing->catalog->layout, app,
                                                   listing->task->arena, &version, &cause);
    if (status == GS_INTERNAL || status == GS_NOMEM) {
        gs_error_move(err, &cause);
        return status;
    }
    gs_json_add_cstr(doc, obj, "gitAppId", app->id);
    gs_json_add_cstr(doc, obj, "name", app->name);
    gs_json_add_cstr(doc, obj, "type", app->is_module ? "module" : "app");
    gs_json_add_cstr(doc, obj, "path", app->path);
    gs_json_add_cstr(doc, obj, "layout", gs_layout_text(listing->catalog->layout));
    add_version(&version, doc, obj);
    gs_json_add_cstr(doc, obj, "appId", listing->linked[at]);
    enum gs_status told = add_last_commit(listing, &listing->last[at], doc, obj, err);
    bool beyond = gs_oid_is_none(&listing->last[at]) && status != GS_NOT_FOUND;
    yyjson_mut_obj_add_bool(doc, obj, "lastCommitBeyondLimit", beyond);
    if (status != GS_OK)
        gs_report_failure(&cause, doc, obj);
    return told;
}

static void add_head(const struct listing *listing, yyjson_mut_doc *doc, yyjson_mut_val *root)
{
    const struct gs_sync_request *request = &listing->task->request;
    const struct gs_catalog *catalog = listing->catalog;
    gs_json_add_cstr(doc, root, "ref",
                     request->ref ? request->ref : listing->session->config.branch);
    gs_json_add_cstr(doc, root, "commit",
                     gs_oid_is_none(listing->commit) ? NULL : listing->commit->hex);
    gs_json_add_cstr(doc, root, "layout", gs_layout_text(catalog->layout));
    yyjson_mut_obj_add_uint(doc, root, "total", catalog->count);
}

static enum gs_status write_page(struct listing *listing, struct gs_error *err)
{
    GS_CLEANUP(gs_json_cleanup_mut) yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    add_head(listing, doc, root);
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, root, "data");
    enum gs_status status = GS_OK;
    for (size_t i = listing->first; status == GS_OK && i < listing->end; i++)
        status = add_app(listing, i, doc, yyjson_mut_arr_add_obj(doc, list), err);
    gs_report_problems(&listing->catalog->problems, WARNINGS_MAX, doc,
                       yyjson_mut_obj_add_arr(doc, root, "warnings"));
    bool more = listing->end < listing->catalog->count;
    gs_json_add_cstr(
        doc, root, "nextCursor",
        more ? gs_arena_printf(listing->task->arena, "%s-%zu", listing->commit->hex, listing->end)
             : NULL);
    return status == GS_OK ? gs_report_finish(listing->task, doc, err) : status;
}

enum gs_status gs_listing_write(struct session *session, const struct gs_oid *commit,
                                struct task *task, struct gs_error *err)
{
    struct listing listing = {.session = session, .task = task, .commit = commit};
    struct gs_oid ignored;
    enum gs_status status = gs_session_catalog(session, commit, &listing.catalog, err);
    if (status != GS_OK)
        return status;
    size_t count = listing.catalog->count;
    if (task->request.cursor)
        (void)gs_listing_read_cursor(task->request.cursor, &ignored, &listing.first);
    listing.first = listing.first < count ? listing.first : count;
    size_t left = count - listing.first;
    listing.end = listing.first + (left < task->request.limit ? left : task->request.limit);
    status = find_last_changes(&listing, err);
    if (status == GS_OK)
        status = find_linked(&listing, err);
    return status == GS_OK ? write_page(&listing, err) : status;
}
