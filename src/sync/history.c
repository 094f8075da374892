// The commits of the configured branch that changed an app's file, newest first, page by page. Follows the app through new
// names of its own and of its versions by its entry in the metadata.
// SPDX-License-Identifier: Apache-2.0
#include "git/history.h"
#include "sync/look_internal.h"

// Commits looked at for one page; a page can be short or empty and still have a next one.
enum { WALK_MAX = 1000 };

struct history {
    struct session *session;
    struct task *task;
    const char *git_app_id;
    const char *path;
    struct gs_oid at;
};

static enum gs_status find_link(struct history *history, struct gs_error *err)
{
    struct task *task = history->task;
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    struct gs_git_link link;
    enum gs_status status = gs_tx_read(history->session->sync->options.store, &tx, err);
    if (status == GS_OK)
        status = gs_store_get_link(tx, task->request.app_id, task->arena, &link, err);
    if (status == GS_NOT_FOUND)
        return gs_fail(err, GS_CODE_APP_NOT_LINKED, NULL, "App is not synced with Git");
    if (status == GS_OK)
        history->git_app_id = link.git_app_id;
    return status;
}

// Where the app was at the commit; NULL when it was nowhere.
static enum gs_status find_path(const struct history *history, const struct gs_oid *commit,
                                const char **out_path, struct gs_error *err)
{
    const struct gs_catalog *catalog;
    enum gs_status status = gs_session_catalog(history->session, commit, &catalog, err);
    if (status != GS_OK)
        return status;
    const struct gs_git_app *entry = gs_catalog_find(catalog, history->git_app_id);
    *out_path = entry ? entry->path : NULL;
    return GS_OK;
}

static enum gs_status fail_cursor(struct gs_error *err)
{
    return gs_fail(err, GS_CODE_INVALID_INPUT, "cursor",
                   "cursor must be the nextCursor of an earlier page");
}

// Starts at the branch's head, or where the page before has ended.
static enum gs_status start(struct history *history, const struct gs_oid *head,
                            struct gs_error *err)
{
    const char *cursor = history->task->request.cursor;
    struct gs_oid commit;
    enum gs_status status = find_path(history, head, &history->path, err);
    if (status != GS_OK)
        return status;
    history->at = *head;
    if (!cursor && !history->path)
        return gs_fail(err, GS_CODE_NOT_IN_GIT, NULL, "branch '%s' does not have the app",
                       history->session->config.branch);
    if (!cursor)
        return GS_OK;
    if (!gs_oid_parse(gs_slice_str(cursor), &commit))
        return fail_cursor(err);
    status = gs_mirror_peel(history->session->repo->mirror, &commit, &history->at, err);
    if (status == GS_NOT_FOUND) {
        gs_error_release(err);
        return fail_cursor(err);
    }
    if (status == GS_OK)
        status = find_path(history, &history->at, &history->path, err);
    // Metadata that somebody broke and mended later is no reason to stop: the app may well be where it is now.
    if (status != GS_INVALID)
        return status;
    gs_error_release(err);
    return find_path(history, head, &history->path, err);
}

// Behind a commit that put the file where it is, the app may have had another place.
static enum gs_status follow_rename(struct history *history, const struct gs_path_change *change,
                                    struct gs_error *err)
{
    if (!change->appeared)
        return GS_OK;
    history->path = NULL;
    enum gs_status status = GS_OK;
    if (!gs_oid_is_none(&change->parent))
        status = find_path(history, &change->parent, &history->path, err);
    if (status == GS_INVALID) {
        gs_error_release(err);
        status = GS_OK;
    }
    if (!history->path)
        history->at = (struct gs_oid){""};
    return status;
}

static enum gs_status walk(struct history *history, yyjson_mut_doc *doc, yyjson_mut_val *list,
                           struct gs_error *err)
{
    struct session *session = history->session;
    size_t budget = WALK_MAX;
    enum gs_status status = GS_OK;
    for (size_t found = 0; found < history->task->request.limit; found++) {
        struct gs_path_change change;
        status = gs_mirror_next_change(session->repo->mirror, history->path, &history->at, &budget,
                                       &change, err);
        if (status != GS_OK || gs_oid_is_none(&change.commit))
            break;
        status = gs_report_commit_members(session, &change.commit, doc,
                                          yyjson_mut_arr_add_obj(doc, list), err);
        if (status == GS_OK)
            status = follow_rename(history, &change, err);
        if (status != GS_OK || gs_oid_is_none(&history->at))
            break;
    }
    return status;
}

static enum gs_status write_page(struct history *history, const struct gs_oid *head,
                                 struct gs_error *err)
{
    GS_CLEANUP(gs_json_cleanup_mut) yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    gs_json_add_cstr(doc, root, "branch", history->session->config.branch);
    gs_json_add_cstr(doc, root, "head", head->hex);
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, root, "data");
    enum gs_status status = history->path ? walk(history, doc, list, err) : GS_OK;
    bool more = history->path && !gs_oid_is_none(&history->at);
    gs_json_add_cstr(doc, root, "nextCursor", more ? history->at.hex : NULL);
    return status == GS_OK ? gs_report_finish(history->task, doc, err) : status;
}

enum gs_status gs_history_write(struct session *session, const struct gs_oid *head,
                                struct task *task, struct gs_error *err)
{
    struct history history = {.session = session, .task = task};
    enum gs_status status = find_link(&history, err);
    if (status == GS_OK && !head)
        return gs_fail(err, GS_CODE_GIT_NOT_CONFIGURED, NULL, "No git configuration found");
    if (status == GS_OK)
        status = start(&history, head, err);
    return status == GS_OK ? write_page(&history, head, err) : status;
}
