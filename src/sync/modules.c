// The modules that an app shows, and those that they show: what is pulled with the app, from the same commit, in the same
// transaction. What is not in git is told and left out; each is taken once, so that a circle of modules ends.
// SPDX-License-Identifier: Apache-2.0
#include "sync/pull_internal.h"

enum { MODULES_MAX = 100 };

struct module {
    struct task task; // a copy of the app's, about this module
    struct incoming incoming;
    const char *id;       // in git
    const char *shown_by; // path of the app that shows it
    enum {
        MODULE_LEFT_OUT,
        MODULE_NEW,  // is not here yet
        MODULE_HERE, // is linked to an app
    } state;
    struct pull_plan plan;        // of one that is here
    struct gs_document_blob blob; // of one that is new
    struct gs_app app;
    struct gs_version version;
};

// ---- Finding them in git -----------------------------------------------------------------

static bool is_listed(const struct incoming *incoming, const char *id)
{
    bool listed = strcmp(incoming->remote.entry->id, id) == 0;
    for (size_t i = 0; !listed && i < incoming->module_count; i++)
        listed = strcmp(incoming->modules[i].id, id) == 0;
    return listed;
}

static void list_shown(struct incoming *incoming, const struct incoming *by)
{
    struct gs_problems *problems = &incoming->remote.problems;
    for (size_t i = 0; i < by->scan.module_count; i++) {
        const char *id = by->scan.modules[i];
        if (is_listed(incoming, id))
            continue;
        if (incoming->module_count == MODULES_MAX) {
            gs_problems_add(problems, gs_code_text(GS_CODE_MODULE_MISSING), by->remote.entry->path,
                            "module '%s' is not pulled: the app and its modules show more than %d",
                            id, MODULES_MAX);
            return;
        }
        incoming->modules[incoming->module_count++] =
            (struct module){.id = id, .shown_by = by->remote.entry->path};
    }
}

// A document that cannot be used stays in git as it is; the app comes without it.
static bool is_modules_fault(enum gs_status status)
{
    return status == GS_NOT_FOUND || status == GS_INVALID || status == GS_LIMIT;
}

static void release_document(struct module *module)
{
    gs_document_release(&module->incoming.parsed);
    gs_buf_release(&module->incoming.remote.document);
}

static void report_secrets(struct incoming *incoming, const struct incoming *module)
{
    struct gs_arena *arena = incoming->task->arena;
    for (size_t i = 0; i < module->scan.secret_count && i < GS_SCAN_SECRETS_MAX; i++) {
        const struct gs_secret *secret = &module->scan.secrets[i];
        const char *path =
            gs_arena_printf(arena, "%s#%s", module->remote.entry->path, secret->path);
        gs_problems_add(&incoming->remote.problems, gs_code_text(GS_CODE_SECRET_IN_DOCUMENT), path,
                        "'%s' is a secret and is not encrypted", secret->key);
    }
}

static enum gs_status read_module(struct incoming *incoming, struct module *module,
                                  struct gs_error *err)
{
    struct incoming *own = &module->incoming;
    module->task = (struct task){.arena = incoming->task->arena,
                                 .request = incoming->task->request,
                                 .organization_id = incoming->task->organization_id,
                                 .op = incoming->task->op,
                                 .group = incoming->task->group};
    module->task.request.kind = GS_SYNC_PULL;
    module->task.request.plan_hash = NULL;
    module->task.request.want_diff = false;
    *own = (struct incoming){
        .task = &module->task, .session = incoming->session, .resolved = incoming->resolved};
    enum gs_status status = gs_session_read_app(own->session, &own->resolved.commit, module->id,
                                                NULL, &own->remote, err);
    if (status == GS_OK && !own->remote.entry)
        status = gs_fail(err, GS_CODE_NOT_IN_GIT, NULL, "it is not in git at commit %.12s",
                         own->resolved.commit.hex);
    if (status == GS_OK)
        status = gs_pull_check_incoming(own, err);
    module->state = status == GS_OK ? MODULE_NEW : MODULE_LEFT_OUT;
    if (!is_modules_fault(status))
        return status;
    gs_problems_add(&incoming->remote.problems, gs_code_text(GS_CODE_MODULE_MISSING),
                    module->shown_by, "module '%s' is not pulled: %s", module->id, err->message);
    gs_error_release(err);
    release_document(module);
    return GS_OK;
}

enum gs_status gs_modules_read(struct incoming *incoming, struct gs_error *err)
{
    enum gs_status status = GS_OK;
    if (incoming->scan.module_count == 0)
        return GS_OK;
    struct gs_problems *problems = &incoming->remote.problems;
    problems->capacity = problems->count; // the list stays the catalog's
    incoming->modules =
        gs_arena_array(incoming->task->arena, MODULES_MAX, sizeof *incoming->modules);
    list_shown(incoming, incoming);
    for (size_t i = 0; status == GS_OK && i < incoming->module_count; i++) {
        struct module *module = &incoming->modules[i];
        status = read_module(incoming, module, err);
        if (status != GS_OK || module->state == MODULE_LEFT_OUT)
            continue;
        report_secrets(incoming, &module->incoming);
        list_shown(incoming, &module->incoming);
    }
    return status;
}

// ---- Planning ------------------------------------------------------------------------------

static void release_plan(struct module *module)
{
    gs_pull_plan_release(&module->plan);
    gs_document_blob_release(&module->blob);
    module->blob = (struct gs_document_blob){.size = 0};
}

void gs_modules_release(struct incoming *incoming)
{
    for (size_t i = 0; i < incoming->module_count; i++) {
        release_plan(&incoming->modules[i]);
        release_document(&incoming->modules[i]);
    }
    incoming->module_count = 0;
}

// Which app here it is. One of a call for all apps is pulled there by itself.
static enum gs_status find_here(struct incoming *incoming, struct module *module,
                                struct gs_error *err)
{
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    struct task *task = &module->task;
    struct gs_git_link link;
    struct gs_app app;
    enum gs_status status = gs_tx_read(incoming->session->sync->options.store, &tx, err);
    if (status == GS_OK)
        status = gs_store_find_link(tx, task->organization_id, module->id, task->arena, &link, err);
    if (status == GS_OK) {
        task->request.app_id = link.app_id;
        module->state = task->group ? MODULE_LEFT_OUT : MODULE_HERE;
        return GS_OK;
    }
    if (status != GS_NOT_FOUND)
        return status;
    gs_error_release(err);
    module->state = MODULE_NEW;
    status = gs_store_get_app(tx, module->id, task->arena, &app, err);
    if (status == GS_NOT_FOUND) {
        gs_error_release(err);
        return GS_OK;
    }
    if (status != GS_OK || strcmp(app.organization_id, task->organization_id) != 0)
        return status;
    module->state = MODULE_LEFT_OUT;
    gs_problems_add(&incoming->remote.problems, gs_code_text(GS_CODE_MODULE_MISSING),
                    module->shown_by,
                    "module '%s' is not pulled: it is here and not linked to git; push it to link "
                    "it, or delete it",
                    module->id);
    return GS_OK;
}

static enum gs_status plan_module(struct incoming *incoming, struct module *module,
                                  struct gs_error *err)
{
    release_plan(module);
    enum gs_status status = find_here(incoming, module, err);
    if (status == GS_OK && module->state == MODULE_HERE)
        status = gs_pull_plan(&module->incoming, &module->plan, err);
    if (status == GS_OK && module->state == MODULE_NEW)
        status =
            gs_document_pack(gs_buf_slice(&module->incoming.remote.document), &module->blob, err);
    if (status != GS_OK)
        gs_error_prefix(err, "module '%s'", module->incoming.name);
    return status;
}

enum gs_status gs_modules_plan(struct incoming *incoming, struct gs_error *err)
{
    enum gs_status status = GS_OK;
    for (size_t i = 0; status == GS_OK && i < incoming->module_count; i++)
        if (incoming->modules[i].incoming.name)
            status = plan_module(incoming, &incoming->modules[i], err);
    return status;
}

void gs_modules_add_facts(const struct incoming *incoming, struct plan_facts *facts)
{
    for (size_t i = 0; i < incoming->module_count; i++) {
        const struct module *module = &incoming->modules[i];
        const struct gs_app_view *view = &module->plan.view;
        if (module->state == MODULE_LEFT_OUT)
            continue;
        gs_plan_add(facts, module->id);
        gs_plan_add(facts, module->incoming.remote.document_id);
        for (size_t v = 0; v < view->version_count; v++)
            gs_plan_add(facts, view->versions[v].document_id);
    }
}

// ---- Carrying it out ---------------------------------------------------------------------

static enum gs_status apply_module(struct module *module, struct gs_tx *tx, struct gs_error *err)
{
    enum gs_status status = GS_OK;
    if (module->state == MODULE_NEW) {
        status = gs_pull_add_rows(&module->incoming, &module->blob, tx, &module->app,
                                  &module->version, err);
    } else if (module->state == MODULE_HERE) {
        status = gs_pull_apply_rows(&module->incoming, &module->plan, tx, err);
        module->app = module->plan.view.app;
        module->version = module->plan.version;
    }
    if (status != GS_OK)
        gs_error_prefix(err, "module '%s'", module->incoming.name);
    return status;
}

enum gs_status gs_modules_apply(struct incoming *incoming, struct gs_tx *tx, struct gs_error *err)
{
    enum gs_status status = GS_OK;
    for (size_t i = 0; status == GS_OK && i < incoming->module_count; i++)
        status = apply_module(&incoming->modules[i], tx, err);
    return status;
}

void gs_modules_report(const struct incoming *incoming, yyjson_mut_doc *doc, yyjson_mut_val *root)
{
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, root, "modules");
    gs_report_rename(doc, root, NULL);
    for (size_t i = 0; i < incoming->module_count; i++) {
        const struct module *module = &incoming->modules[i];
        if (module->state == MODULE_LEFT_OUT)
            continue;
        yyjson_mut_val *obj = yyjson_mut_arr_add_obj(doc, list);
        gs_json_add_cstr(doc, obj, "appId", module->app.id);
        gs_json_add_cstr(doc, obj, "name", module->app.name);
        gs_json_add_cstr(doc, obj, "gitAppId", module->id);
        gs_json_add_cstr(doc, obj, "status",
                         module->state == MODULE_NEW ? "created" : gs_pull_status(&module->plan));
        gs_report_version(doc, obj, &module->version, NULL);
        if (module->state == MODULE_HERE)
            gs_pull_report_names(&module->incoming, &module->plan, doc, root);
    }
}
