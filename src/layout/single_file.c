// The single-file layout, reading: .meta/meta.json lists the apps, and each app is the one file <app name>/<version name>.json.
// The file's bytes are the document; nothing here looks into it but to tell whose it is.
// SPDX-License-Identifier: Apache-2.0
#include "app/app.h"
#include "layout/layout_internal.h"

const char gs_single_file_meta[] = ".meta/meta.json";

typedef enum gs_status check_fn(struct gs_slice name, const char *field, struct gs_error *err);

// A name becomes a part of a path, so one from a repository is not trusted more than one from a caller.
static enum gs_status read_name(const char *key, yyjson_val *entry, const char *member,
                                check_fn *check, struct gs_slice *out_name, struct gs_error *err)
{
    yyjson_val *value = yyjson_obj_get(entry, member);
    if (!yyjson_is_str(value))
        return gs_meta_fail(gs_single_file_meta, key, member, "must be a string", err);
    struct gs_error cause = GS_ERROR_INIT;
    struct gs_slice name = gs_json_str(value);
    enum gs_status status = check(name, NULL, &cause);
    if (status == GS_OK)
        *out_name = name;
    else
        status = gs_meta_fail(gs_single_file_meta, key, member, cause.message, err);
    gs_error_release(&cause);
    return status;
}

enum gs_status gs_single_file_read_names(const char *key, yyjson_val *entry,
                                         struct gs_single_file_names *out_names,
                                         struct gs_error *err)
{
    if (!yyjson_is_obj(entry))
        return gs_meta_fail(gs_single_file_meta, key, NULL, "must be an object", err);
    struct gs_single_file_names names;
    enum gs_status status = read_name(key, entry, "gitAppName", gs_app_check_name, &names.app, err);
    if (status == GS_OK)
        status =
            read_name(key, entry, "gitVersionName", gs_version_check_name, &names.version, err);
    if (status == GS_OK)
        *out_names = names;
    return status;
}

const char *gs_single_file_path(struct gs_arena *arena, struct gs_slice app,
                                struct gs_slice version)
{
    return gs_arena_printf(arena, "%.*s/%.*s.json", GS_SLICE_ARG(app), GS_SLICE_ARG(version));
}

// False when the entry cannot be read; that is nobody's trouble but the one app's.
static bool read_entry(yyjson_val *key, yyjson_val *entry, struct gs_problems *problems,
                       struct gs_git_app *out_app)
{
    GS_CLEANUP(gs_error_release) struct gs_error cause = GS_ERROR_INIT;
    struct gs_arena *arena = problems->arena;
    struct gs_single_file_names names = {GS_SLICE_EMPTY, GS_SLICE_EMPTY};
    struct gs_slice id = gs_json_str(key);
    if (gs_app_check_name(id, NULL, &cause) != GS_OK ||
        gs_single_file_read_names(id.data, entry, &names, &cause) != GS_OK) {
        gs_problems_add(problems, "entry_unreadable", gs_single_file_meta, "%s", cause.message);
        return false;
    }
    *out_app = (struct gs_git_app){
        .id = gs_arena_dup_slice(arena, id),
        .name = gs_arena_dup_slice(arena, names.app),
        .path = gs_single_file_path(arena, names.app, names.version),
        .version_id = gs_meta_get_text(entry, "gitVersionId", arena),
        .version_name = gs_arena_dup_slice(arena, names.version),
        .last_commit_message = gs_meta_get_text(entry, "lastCommitMessage", arena),
        .last_commit_user = gs_meta_get_text(entry, "lastCommitUser", arena),
        .last_push_date = gs_meta_get_text(entry, "lastpushDate", arena),
    };
    return true;
}

static enum gs_status read_catalog(struct gs_mirror *mirror, const struct gs_oid *commit,
                                   struct gs_arena *arena, struct gs_catalog *out_catalog,
                                   struct gs_error *err)
{
    struct gs_meta meta;
    struct gs_catalog catalog = *out_catalog;
    enum gs_status status =
        gs_meta_read_or_rebuild(mirror, commit, NULL, arena, &catalog.problems, &meta, err);
    if (status != GS_OK)
        return status;
    yyjson_val *root = yyjson_doc_get_root(meta.doc);
    catalog.apps = gs_arena_array(arena, yyjson_obj_size(root), sizeof *catalog.apps);
    size_t i, n;
    yyjson_val *key, *entry;
    yyjson_obj_foreach(root, i, n, key, entry)
    {
        if (read_entry(key, entry, &catalog.problems, &catalog.apps[catalog.count]))
            catalog.count++;
    }
    gs_json_free(meta.doc);
    gs_catalog_mark_shared_paths(&catalog);
    *out_catalog = catalog;
    return GS_OK;
}

// The file is the app's when it holds the version that the app's entry names.
static enum gs_status check_owner(const struct gs_git_app *app, struct gs_slice bytes,
                                  struct gs_error *err)
{
    struct gs_document document;
    struct gs_error cause = GS_ERROR_INIT;
    enum gs_status status = gs_document_parse(bytes, app->path, &document, &cause);
    if (status == GS_OK) {
        if (!gs_slice_eq_str(document.version_id, app->version_id))
            status = gs_fail(err, GS_CODE_NOT_IN_GIT, NULL,
                             "'%s' holds another app of the same name, which has replaced this one",
                             app->path);
        gs_document_release(&document);
    } else if (cause.code == GS_CODE_INVALID_JSON) {
        status = gs_fail(err, GS_CODE_NOT_AN_APP, NULL, "%s", cause.message);
    } else {
        gs_error_move(err, &cause);
    }
    gs_error_release(&cause);
    return status;
}

static enum gs_status fail_missing(const struct gs_git_app *app, struct gs_error *err)
{
    return gs_fail(err, GS_CODE_NOT_IN_GIT, NULL, "'%s' is listed in %s but not in the repository",
                   app->path, gs_single_file_meta);
}

static enum gs_status read_version(struct gs_mirror *mirror, const struct gs_oid *commit,
                                   const struct gs_git_app *app, struct gs_arena *arena,
                                   struct gs_git_version *out_version, struct gs_error *err)
{
    struct gs_entry entry;
    enum gs_status status = gs_layout_find_entry(mirror, commit, app->path, arena, &entry, err);
    if (status != GS_OK)
        return status;
    if (!entry.name || entry.kind != GS_ENTRY_FILE)
        return fail_missing(app, err);
    *out_version = (struct gs_git_version){app->version_id, app->version_name};
    return GS_OK;
}

static enum gs_status read_document(struct gs_mirror *mirror, const struct gs_oid *commit,
                                    const struct gs_git_app *app, struct gs_buf *out,
                                    struct gs_error *err)
{
    bool found;
    enum gs_status status = gs_layout_find_file(mirror, commit, app->path, out, &found, err);
    if (status != GS_OK)
        return status;
    if (!found)
        return fail_missing(app, err);
    return app->path_shared ? check_owner(app, gs_buf_slice(out), err) : GS_OK;
}

// Whose a shared file is, the document tells.
static enum gs_status find_object(struct gs_mirror *mirror, const struct gs_oid *commit,
                                  const struct gs_git_app *app, struct gs_oid *out_object,
                                  struct gs_error *err)
{
    GS_CLEANUP(gs_arena_cleanup) struct gs_arena *scratch = gs_arena_new();
    struct gs_entry entry;
    enum gs_status status = gs_layout_find_entry(mirror, commit, app->path, scratch, &entry, err);
    if (status != GS_OK)
        return status;
    bool decides = entry.name && entry.kind == GS_ENTRY_FILE && !app->path_shared;
    *out_object = decides ? entry.oid : (struct gs_oid){""};
    return GS_OK;
}

static enum gs_status normalize(const struct gs_layout_push *push, struct gs_buf *out,
                                struct gs_error *err)
{
    gs_buf_clear(out);
    gs_buf_append_slice(out, push->document);
    return gs_buf_check(out, "the document", err);
}

const struct gs_layout_ops gs_single_file_ops = {
    .read_catalog = read_catalog,
    .read = read_document,
    .read_version = read_version,
    .find_object = find_object,
    .plan_push = gs_single_file_plan_push,
    .normalize = normalize,
};
