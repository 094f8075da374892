// The modules that a pushed app shows and git does not have yet: they travel in the app's own commit, so that nobody can have the
// app without them. Modules that git has are left as they are.
// SPDX-License-Identifier: Apache-2.0
#include "sync/push_internal.h"

enum { MODULES_MAX = 100 };

// What is shown, in the order in which it was found.
struct carrying {
    struct push_batch *batch;
    struct push_item *item; // of the app
    struct remote_app *remote;
    struct gs_oid *tip;
    const char *ids[MODULES_MAX];
    size_t count;
};

static void list_shown(struct carrying *carrying, const struct gs_scan *scan)
{
    for (size_t i = 0; i < scan->module_count && carrying->count < MODULES_MAX; i++) {
        bool listed = strcmp(scan->modules[i], carrying->item->git_app_id) == 0;
        for (size_t k = 0; !listed && k < carrying->count; k++)
            listed = strcmp(carrying->ids[k], scan->modules[i]) == 0;
        if (!listed)
            carrying->ids[carrying->count++] = scan->modules[i];
    }
}

// The app here that the module is, as the request of a task of its own; false when there is none.
static enum gs_status find_here(struct carrying *carrying, const char *id, struct task *task,
                                bool *out_found, struct gs_error *err)
{
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    struct gs_git_link link = {.app_id = id};
    struct gs_app app;
    struct gs_version *versions;
    size_t count = 0;
    enum gs_status status = gs_tx_read(carrying->batch->session->sync->options.store, &tx, err);
    if (status == GS_OK)
        status = gs_store_find_link(tx, task->organization_id, id, task->arena, &link, err);
    if (status == GS_NOT_FOUND) {
        gs_error_release(err);
        status = GS_OK;
    }
    if (status == GS_OK)
        status = gs_store_get_app(tx, link.app_id, task->arena, &app, err);
    if (status == GS_NOT_FOUND) {
        gs_error_release(err);
        return GS_OK;
    }
    if (status == GS_OK && strcmp(app.organization_id, task->organization_id) == 0)
        status = gs_store_list_versions(tx, app.id, task->arena, &versions, &count, err);
    if (status != GS_OK || count == 0)
        return status;
    task->request.app_id = app.id;
    task->request.version_id = versions[0].id;
    *out_found = true;
    return GS_OK;
}

static enum gs_status build_module(struct carrying *carrying, struct push_item *module,
                                   struct local_version *local, struct gs_error *err)
{
    struct push_batch *batch = carrying->batch;
    struct remote_app remote = {.layout = carrying->remote->layout};
    module->app_id = local->app.id;
    module->version_id = local->version.id;
    module->document_id = local->version.document_id;
    module->git_app_id = local->link.app_id ? local->link.git_app_id : local->app.id;
    enum gs_status status = gs_push_take_normal_form(batch, module, &remote, local, err);
    module->name = local->app.name;
    if (status == GS_OK) {
        const struct gs_scan *scan = &local->ready.summary.scan;
        list_shown(carrying, scan);
        status = gs_check_secrets(batch->session, module->task, &local->app, scan, err);
    }
    if (status == GS_OK)
        status = gs_push_build_commit(batch, module, &remote, local, carrying->tip, err);
    if (status != GS_OK)
        gs_error_prefix(err, "module '%s'", local->app.name);
    return status;
}

static enum gs_status carry_module(struct carrying *carrying, const char *id, struct gs_error *err)
{
    struct push_batch *batch = carrying->batch;
    struct push_item *item = carrying->item;
    const struct gs_catalog *catalog;
    enum gs_status status = gs_session_catalog(batch->session, carrying->tip, &catalog, err);
    if (status != GS_OK || gs_catalog_find(catalog, id))
        return status;
    struct task *task = gs_arena_alloc(item->task->arena, sizeof *task);
    *task = (struct task){.arena = item->task->arena,
                          .request = item->task->request,
                          .organization_id = item->task->organization_id};
    bool found = false;
    status = find_here(carrying, id, task, &found, err);
    if (status == GS_OK && !found)
        gs_problems_add(&carrying->remote->problems, gs_code_text(GS_CODE_MODULE_MISSING), "",
                        "module '%s' is neither in git nor here", id);
    if (status != GS_OK || !found)
        return status;
    struct local_version local;
    status = gs_push_load_version(batch, task, &local, err);
    if (status != GS_OK)
        return status;
    struct push_item *module = &item->modules[item->module_count++];
    module->task = task;
    status = build_module(carrying, module, &local, err);
    module->task = item->task;
    gs_push_release_version(&local);
    return status;
}

enum gs_status gs_push_carry_modules(struct push_batch *batch, struct push_item *item,
                                     struct remote_app *remote, const struct gs_scan *scan,
                                     struct gs_oid *tip, struct gs_error *err)
{
    struct carrying carrying = {.batch = batch, .item = item, .remote = remote, .tip = tip};
    // In a call for all apps each module has a push of its own.
    if (item->task->group)
        return GS_OK;
    list_shown(&carrying, scan);
    if (carrying.count == 0)
        return GS_OK;
    item->modules = gs_arena_array(item->task->arena, MODULES_MAX, sizeof *item->modules);
    remote->problems.capacity = remote->problems.count; // the list stays the catalog's
    enum gs_status status = GS_OK;
    for (size_t i = 0; status == GS_OK && i < carrying.count; i++)
        status = carry_module(&carrying, carrying.ids[i], err);
    return status;
}

// ---- Telling, and reading that again ---------------------------------------------------------

void gs_push_report_modules(const struct push_item *item, yyjson_mut_doc *doc, yyjson_mut_val *obj)
{
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, obj, "modules");
    for (size_t i = 0; i < item->module_count; i++) {
        const struct push_item *module = &item->modules[i];
        yyjson_mut_val *one = yyjson_mut_arr_add_obj(doc, list);
        gs_json_add_cstr(doc, one, "appId", module->app_id);
        gs_json_add_cstr(doc, one, "name", module->name);
        gs_push_report_along(module, doc, one);
    }
}

enum gs_status gs_push_restore_modules(struct push_batch *batch, struct push_item *item,
                                       yyjson_val *report, struct gs_error *err)
{
    size_t i, n;
    yyjson_val *list = gs_json_get_arr(report, "modules"), *one;
    enum gs_status status = GS_OK;
    item->modules = gs_arena_array(item->task->arena, yyjson_arr_size(list), sizeof *item->modules);
    yyjson_arr_foreach(list, i, n, one)
    {
        if (status == GS_OK)
            status = gs_push_restore_along(batch, item, one, "name",
                                           &item->modules[item->module_count++], err);
    }
    return status;
}
