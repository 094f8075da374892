// Tells what is odd in all that a branch holds.
// SPDX-License-Identifier: Apache-2.0
#include "sync/look_internal.h"

static void add_app(const struct gs_checked_app *checked, enum gs_layout layout,
                    yyjson_mut_doc *doc, yyjson_mut_val *obj)
{
    const struct gs_git_app *app = checked->app;
    gs_json_add_cstr(doc, obj, "gitAppId", app->id);
    gs_json_add_cstr(doc, obj, "name", app->name);
    gs_json_add_cstr(doc, obj, "type", app->is_module ? "module" : "app");
    gs_json_add_cstr(doc, obj, "path", app->path);
    gs_json_add_cstr(doc, obj, "layout", gs_layout_text(layout));
    yyjson_mut_val *version = yyjson_mut_obj_add_obj(doc, obj, "version");
    gs_json_add_cstr(doc, version, "id", checked->version.id);
    gs_json_add_cstr(doc, version, "name", checked->version.name);
    yyjson_mut_obj_add_bool(doc, obj, "ok", checked->problems.count == 0);
    gs_report_problems(&checked->problems, SIZE_MAX, doc,
                       yyjson_mut_obj_add_arr(doc, obj, "problems"));
}

static void add_summary(const struct gs_check *check, yyjson_mut_doc *doc, yyjson_mut_val *root)
{
    size_t sound = 0, problems = check->problems.count;
    for (size_t i = 0; i < check->catalog.count; i++) {
        sound += check->apps[i].problems.count == 0;
        problems += check->apps[i].problems.count;
    }
    yyjson_mut_obj_add_bool(doc, root, "ok", problems == 0);
    yyjson_mut_val *summary = yyjson_mut_obj_add_obj(doc, root, "summary");
    yyjson_mut_obj_add_uint(doc, summary, "apps", check->catalog.count);
    yyjson_mut_obj_add_uint(doc, summary, "sound", sound);
    yyjson_mut_obj_add_uint(doc, summary, "problems", problems);
}

enum gs_status gs_check_write(struct session *session, const struct gs_oid *commit,
                              struct task *task, struct gs_error *err)
{
    GS_CLEANUP(gs_json_cleanup_mut) yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    struct gs_check check;
    enum gs_status status =
        gs_layout_check(session->repo->mirror, commit, task->arena, &check, err);
    if (status != GS_OK)
        return status;
    const struct gs_sync_request *request = &task->request;
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    gs_json_add_cstr(doc, root, "ref", request->ref ? request->ref : session->config.branch);
    gs_json_add_cstr(doc, root, "commit", gs_oid_is_none(commit) ? NULL : commit->hex);
    gs_json_add_cstr(doc, root, "layout", gs_layout_text(check.catalog.layout));
    add_summary(&check, doc, root);
    gs_report_problems(&check.problems, SIZE_MAX, doc,
                       yyjson_mut_obj_add_arr(doc, root, "problems"));
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, root, "data");
    for (size_t i = 0; i < check.catalog.count; i++)
        add_app(&check.apps[i], check.catalog.layout, doc, yyjson_mut_arr_add_obj(doc, list));
    return gs_report_finish(task, doc, err);
}
