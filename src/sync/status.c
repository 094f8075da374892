// How an app here stands to what git holds of it: what was last synced, what is here, what is there, and whether the two
// could be brought together.
// SPDX-License-Identifier: Apache-2.0
#include "sync/look_internal.h"

enum app_state {
    STATE_NOT_LINKED,
    STATE_IN_SYNC,
    STATE_AHEAD,
    STATE_BEHIND,
    STATE_DIVERGED,
    STATE_CONFLICTED
};

static const char *const state_names[] = {
    [STATE_NOT_LINKED] = "not_linked", [STATE_IN_SYNC] = "in_sync",
    [STATE_AHEAD] = "ahead",           [STATE_BEHIND] = "behind",
    [STATE_DIVERGED] = "diverged",     [STATE_CONFLICTED] = "conflicted",
};

struct app_status {
    struct session *session;
    const struct gs_oid *head; // NULL without a git configuration
    struct gs_arena *arena;
    struct gs_app_view view;
    struct gs_git_link link;
    bool linked;
    struct remote_app remote;
    const struct gs_version *latest;   // NULL when the app has no version
    const struct gs_version *matching; // the version here of the name that git has, or NULL
    const char *base_id;               // the document that was last synced, or NULL
    bool here_changed, git_changed;
    struct gs_error conflict; // why the two cannot be merged, or none
};

static bool is_document(const char *id, const char *document_id)
{
    return id && strcmp(id, document_id) == 0;
}

static enum gs_status load_rows(struct app_status *app, const char *app_id, struct gs_error *err)
{
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    enum gs_status status = gs_tx_read(app->session->sync->options.store, &tx, err);
    if (status == GS_OK)
        status = gs_workspace_get_app(tx, app_id, app->arena, &app->view, err);
    if (status != GS_OK)
        return status;
    app->latest = app->view.version_count ? &app->view.versions[0] : NULL;
    status = gs_store_get_link(tx, app_id, app->arena, &app->link, err);
    app->linked = status == GS_OK;
    if (status != GS_NOT_FOUND)
        return status;
    gs_error_release(err);
    return GS_OK;
}

static enum gs_status load_document(struct app_status *app, const char *id, struct gs_buf *out,
                                    struct gs_error *err)
{
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    gs_buf_init(out, app->session->sync->options.document_limit);
    if (!id)
        return GS_OK;
    enum gs_status status = gs_tx_read(app->session->sync->options.store, &tx, err);
    return status == GS_OK ? gs_store_get_document(tx, id, out, err) : status;
}

// ---- Judging -------------------------------------------------------------------------

// The version that git holds, or else the latest one that was ever synced.
static void find_base(struct app_status *app)
{
    const struct gs_app_view *view = &app->view;
    for (size_t i = 0; i < view->version_count; i++) {
        const struct gs_version *version = &view->versions[i];
        if (strcmp(version->name, app->remote.entry->version_name) == 0)
            app->matching = version;
        if (!app->base_id)
            app->base_id = version->synced_document_id;
    }
    if (app->matching)
        app->base_id = app->matching->synced_document_id;
}

// Tries out what a pull would do.
static enum gs_status try_merge(struct app_status *app, struct gs_error *err)
{
    if (!app->base_id) {
        (void)gs_fail(&app->conflict, GS_CODE_MERGE_CONFLICT, NULL, "never synced");
        return GS_OK;
    }
    GS_CLEANUP(gs_buf_release) struct gs_buf base = {0};
    GS_CLEANUP(gs_buf_release) struct gs_buf ours = {0};
    GS_CLEANUP(gs_buf_release) struct gs_buf merged = {0};
    enum gs_status status = load_document(app, app->base_id, &base, err);
    if (status == GS_OK)
        status = load_document(app, app->matching->document_id, &ours, err);
    struct merge_input input = {.base = gs_buf_slice(&base),
                                .ours = gs_buf_slice(&ours),
                                .theirs = gs_buf_slice(&app->remote.document),
                                .policy = GS_CONFLICT_FAIL,
                                .advice = gs_advice_pull};
    if (status == GS_OK)
        status = gs_merge_documents(&input, &merged, err);
    if (status != GS_CONFLICT)
        return status;
    gs_error_move(&app->conflict, err);
    return GS_OK;
}

// What is new in git is looked at; the rest is known by its id.
static enum gs_status check_remote(struct app_status *app, struct gs_error *err)
{
    struct gs_document parsed;
    enum gs_status status = gs_remote_load(app->session, &app->remote, err);
    if (status == GS_OK)
        status = gs_remote_parse(&app->remote, &parsed, err);
    if (status == GS_OK)
        gs_document_release(&parsed);
    return status;
}

// Git's version is here too: three documents tell who changed it.
static enum gs_status judge_matching(struct app_status *app, struct gs_error *err)
{
    const struct gs_version *version = app->matching;
    const char *theirs = app->remote.document_id;
    bool same = is_document(version->document_id, theirs);
    bool ours_changed = !same && !is_document(app->base_id, version->document_id);
    bool theirs_changed = !same && !is_document(app->base_id, theirs);
    // A version that is newer than git's is here only.
    app->here_changed = ours_changed || version != app->latest;
    app->git_changed = theirs_changed;
    enum gs_status status = theirs_changed ? check_remote(app, err) : GS_OK;
    return status == GS_OK && ours_changed && theirs_changed ? try_merge(app, err) : status;
}

// A name of which is not known who changed it is git's to give.
static void judge_names(struct app_status *app)
{
    const char *synced = app->link.name, *git = app->remote.entry->name;
    const struct gs_app *here = &app->view.app;
    enum gs_rename renamed = gs_app_find_rename(synced, here->name, git);
    app->here_changed |= renamed == GS_RENAME_HERE || renamed == GS_RENAME_BOTH;
    app->git_changed |= renamed != GS_RENAME_NONE && renamed != GS_RENAME_HERE;
    if (renamed == GS_RENAME_BOTH) {
        gs_error_release(&app->conflict);
        (void)gs_app_fail_renamed(here->id, synced, here->name, git, &app->conflict);
    }
}

static enum gs_status judge_documents(struct app_status *app, struct gs_error *err)
{
    find_base(app);
    if (app->matching)
        return judge_matching(app, err);
    // A version that got another name here is still what git has.
    app->git_changed = !gs_find_synced_version(&app->view, app->remote.document_id);
    app->here_changed =
        app->latest && (!app->git_changed ||
                        !is_document(app->latest->synced_document_id, app->latest->document_id));
    return app->git_changed ? check_remote(app, err) : GS_OK;
}

static enum gs_status judge(struct app_status *app, struct gs_error *err)
{
    if (!app->remote.entry) {
        app->here_changed = true;
        return GS_OK;
    }
    enum gs_status status = judge_documents(app, err);
    if (status == GS_OK)
        judge_names(app);
    return status;
}

static enum app_state state_of(const struct app_status *app)
{
    if (!app->linked)
        return STATE_NOT_LINKED;
    if (app->conflict.code != GS_CODE_NONE)
        return STATE_CONFLICTED;
    if (app->here_changed)
        return app->git_changed ? STATE_DIVERGED : STATE_AHEAD;
    return app->git_changed ? STATE_BEHIND : STATE_IN_SYNC;
}

// ---- Telling -------------------------------------------------------------------------

static enum gs_status add_changes(const char *name, bool changed, struct gs_slice base,
                                  struct gs_slice now, yyjson_mut_doc *doc, yyjson_mut_val *obj,
                                  struct gs_error *err)
{
    struct comparison comparison;
    if (!changed || now.len == 0) {
        yyjson_mut_obj_add_val(doc, obj, name, gs_no_changes_to_json(doc));
        return GS_OK;
    }
    enum gs_status status = gs_compare_documents(base, now, &comparison, err);
    if (status != GS_OK)
        return status;
    yyjson_mut_obj_add_val(doc, obj, name, gs_comparison_to_json(&comparison, doc, false));
    gs_comparison_release(&comparison);
    return GS_OK;
}

static enum gs_status report_changes(struct app_status *app, yyjson_mut_doc *doc,
                                     yyjson_mut_val *obj, struct gs_error *err)
{
    GS_CLEANUP(gs_buf_release) struct gs_buf base = {0};
    GS_CLEANUP(gs_buf_release) struct gs_buf here = {0};
    yyjson_mut_val *changes = yyjson_mut_obj_add_obj(doc, obj, "changes");
    bool any = app->here_changed || app->git_changed;
    enum gs_status status = load_document(app, any ? app->base_id : NULL, &base, err);
    if (status == GS_OK && app->here_changed && app->latest)
        status = load_document(app, app->latest->document_id, &here, err);
    if (status == GS_OK && app->git_changed)
        status = gs_remote_load(app->session, &app->remote, err);
    if (status == GS_OK)
        status = add_changes("local", app->here_changed, gs_buf_slice(&base), gs_buf_slice(&here),
                             doc, changes, err);
    if (status == GS_OK)
        status = add_changes("remote", app->git_changed, gs_buf_slice(&base),
                             gs_buf_slice(&app->remote.document), doc, changes, err);
    return status;
}

static enum gs_status report_conflicts(const struct app_status *app, yyjson_mut_doc *doc,
                                       yyjson_mut_val *obj, struct gs_error *err)
{
    if (app->conflict.code == GS_CODE_NONE)
        return GS_OK;
    GS_CLEANUP(gs_json_cleanup) yyjson_doc *details = NULL;
    const char *text = app->conflict.details ? app->conflict.details : "[]";
    enum gs_status status = gs_json_parse(gs_slice_str(text), "the conflicts", &details, err);
    if (status == GS_OK)
        yyjson_mut_obj_add_val(doc, obj, "conflicts",
                               yyjson_val_mut_copy(doc, yyjson_doc_get_root(details)));
    return status;
}

static void report_sides(const struct app_status *app, yyjson_mut_doc *doc, yyjson_mut_val *obj)
{
    const struct gs_version *latest = app->latest;
    yyjson_mut_val *local = yyjson_mut_obj_add_obj(doc, obj, "local");
    gs_json_add_cstr(doc, local, "versionId", latest ? latest->id : NULL);
    gs_json_add_cstr(doc, local, "versionName", latest ? latest->name : NULL);
    gs_json_add_cstr(doc, local, "documentId", latest ? latest->document_id : NULL);
    if (!app->linked) {
        gs_json_add_cstr(doc, obj, "lastSynced", NULL);
        gs_json_add_cstr(doc, obj, "remote", NULL);
        return;
    }
    yyjson_mut_val *synced = yyjson_mut_obj_add_obj(doc, obj, "lastSynced");
    gs_json_add_cstr(doc, synced, "commit", app->link.commit);
    gs_json_add_cstr(doc, synced, "name", app->link.name);
    gs_json_add_time(doc, synced, "at", app->link.synced_at);
    const struct gs_git_app *entry = app->remote.entry;
    yyjson_mut_val *remote = yyjson_mut_obj_add_obj(doc, obj, "remote");
    gs_json_add_cstr(doc, remote, "commit", app->head->hex);
    gs_json_add_cstr(doc, remote, "name", entry ? entry->name : NULL);
    gs_json_add_cstr(doc, remote, "versionName", entry ? entry->version_name : NULL);
    gs_json_add_cstr(doc, remote, "documentId", entry ? app->remote.document_id : NULL);
}

static enum gs_status report(struct app_status *app, yyjson_mut_doc *doc, yyjson_mut_val *obj,
                             struct gs_error *err)
{
    gs_json_add_cstr(doc, obj, "state", state_names[state_of(app)]);
    gs_json_add_cstr(doc, obj, "appId", app->view.app.id);
    gs_json_add_cstr(doc, obj, "name", app->view.app.name);
    gs_json_add_cstr(doc, obj, "gitAppId", app->linked ? app->link.git_app_id : NULL);
    gs_json_add_cstr(doc, obj, "branch", app->head ? app->session->config.branch : NULL);
    report_sides(app, doc, obj);
    enum gs_status status = report_changes(app, doc, obj, err);
    return status == GS_OK ? report_conflicts(app, doc, obj, err) : status;
}

static enum gs_status look_into_git(struct app_status *app, struct gs_error *err)
{
    if (!app->linked)
        return GS_OK;
    if (!app->head)
        return gs_fail(err, GS_CODE_GIT_NOT_CONFIGURED, NULL, "No git configuration found");
    enum gs_status status =
        gs_session_find_app(app->session, app->head, app->link.git_app_id, NULL, &app->remote, err);
    return status == GS_OK ? judge(app, err) : status;
}

static enum gs_status write_app(struct session *session, const struct gs_oid *head,
                                const char *app_id, yyjson_mut_doc *doc, yyjson_mut_val *obj,
                                struct gs_error *err)
{
    GS_CLEANUP(gs_arena_cleanup) struct gs_arena *arena = gs_arena_new();
    struct app_status app = {.session = session, .head = head, .arena = arena};
    enum gs_status status = load_rows(&app, app_id, err);
    if (status == GS_OK)
        status = look_into_git(&app, err);
    if (status == GS_OK)
        status = report(&app, doc, obj, err);
    gs_buf_release(&app.remote.document);
    gs_error_release(&app.conflict);
    return status;
}

// ---- One app, and all of an organization ---------------------------------------------

// One bad app is told in its place and keeps nobody else from theirs; a damaged mirror or store concerns all.
static enum gs_status add_app(struct session *session, const struct gs_oid *head,
                              const struct gs_app *app, yyjson_mut_doc *doc, yyjson_mut_val *list,
                              struct gs_error *err)
{
    yyjson_mut_val *obj = yyjson_mut_obj(doc);
    enum gs_status status = write_app(session, head, app->id, doc, obj, err);
    if (status == GS_INTERNAL || status == GS_NOMEM)
        return status;
    // Deleted meanwhile.
    if (status != GS_OK && err->code == GS_CODE_APP_NOT_FOUND) {
        gs_error_release(err);
        return GS_OK;
    }
    if (status != GS_OK) {
        obj = yyjson_mut_obj(doc);
        gs_json_add_cstr(doc, obj, "state", NULL);
        gs_json_add_cstr(doc, obj, "appId", app->id);
        gs_json_add_cstr(doc, obj, "name", app->name);
        gs_report_failure(err, doc, obj);
        gs_error_release(err);
    }
    yyjson_mut_arr_append(list, obj);
    return GS_OK;
}

static enum gs_status write_all(struct session *session, const struct gs_oid *head,
                                struct task *task, yyjson_mut_doc *doc, yyjson_mut_val *root,
                                struct gs_error *err)
{
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    struct gs_app *apps = NULL;
    size_t count = 0;
    enum gs_status status = gs_tx_read(session->sync->options.store, &tx, err);
    if (status == GS_OK)
        status = gs_store_list_apps(tx, task->organization_id, task->arena, &apps, &count, err);
    gs_tx_end(&tx);
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, root, "data");
    for (size_t i = 0; status == GS_OK && i < count; i++)
        status = add_app(session, head, &apps[i], doc, list, err);
    return status;
}

enum gs_status gs_status_write(struct session *session, const struct gs_oid *head,
                               struct task *task, struct gs_error *err)
{
    GS_CLEANUP(gs_json_cleanup_mut) yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    enum gs_status status = task->request.app_id
                                ? write_app(session, head, task->request.app_id, doc, root, err)
                                : write_all(session, head, task, doc, root, err);
    return status == GS_OK ? gs_report_finish(task, doc, err) : status;
}
