// What the caller of a push is told: begun while its commit is being built, completed when the commit is known for good.
// SPDX-License-Identifier: Apache-2.0
#include "sync/push_internal.h"
#include "sync/rollback_internal.h"

static void add_files(const struct push_item *item, yyjson_mut_doc *doc, yyjson_mut_val *obj)
{
    static const char *const names[] = {
        [GS_FILE_ADDED] = "added", [GS_FILE_MODIFIED] = "modified", [GS_FILE_DELETED] = "deleted"};
    yyjson_mut_val *files = yyjson_mut_obj_add_obj(doc, obj, "files");
    for (size_t kind = 0; kind < GS_COUNT(names); kind++) {
        yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, files, names[kind]);
        for (size_t i = 0; i < item->file_count; i++)
            if ((size_t)item->files[i].kind == kind)
                yyjson_mut_arr_add_strcpy(doc, list, item->files[i].path);
    }
}

// What the plan of a push rests on: the document here, the branch, and with it all that git holds.
static enum gs_status end_plan(struct push_batch *batch, const struct push_item *item,
                               const struct local_version *local, const struct gs_oid *tip,
                               yyjson_mut_doc *doc, yyjson_mut_val *root, struct gs_error *err)
{
    struct plan_facts facts;
    gs_plan_begin(&facts, batch->session, item->task);
    gs_plan_add(&facts, tip->hex);
    gs_plan_add(&facts, local->version.document_id);
    gs_plan_add(&facts, item->takeover.replaced_id);
    gs_plan_add(&facts, local->app.name);
    gs_plan_add(&facts, item->git_app_id);
    for (size_t i = 0; i < item->rename_count; i++) {
        gs_plan_add(&facts, item->renames[i].app_id);
        gs_plan_add(&facts, item->renames[i].name);
    }
    return gs_plan_end(&facts, item->task, doc, root, err);
}

// Of a dry run: what changes for the app in git, entity by entity, and the files if that was asked for.
static enum gs_status describe(struct session *session, struct push_item *item,
                               struct remote_app *remote, const struct gs_oid *tip,
                               struct local_version *local, yyjson_mut_doc *doc,
                               yyjson_mut_val *report, struct gs_error *err)
{
    if (!item->task->request.dry_run)
        return GS_OK;
    enum gs_status status = gs_ready_open(session->sync, &local->ready, err);
    if (status == GS_OK && remote->entry)
        status = gs_remote_load(session, remote, err);
    struct gs_slice before = gs_buf_slice(&remote->document);
    struct gs_slice after = gs_buf_slice(&local->ready.bytes);
    yyjson_mut_val *changes = NULL;
    if (status == GS_OK)
        status = gs_report_changes(item->task, before, after, doc, &changes, err);
    if (status != GS_OK)
        return status;
    yyjson_mut_obj_add_val(doc, report, "changes", changes);
    return gs_plan_add_commit_diff(session, item->task, tip, &item->commit, doc, report, err);
}

enum gs_status gs_push_begin_answer(struct push_batch *batch, struct push_item *item,
                                    struct remote_app *remote, const struct gs_oid *tip,
                                    struct local_version *local, const struct restored *restored,
                                    struct gs_error *err)
{
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    item->answer = doc;
    item->report = root;
    if (restored) {
        gs_restored_report(restored, item->task, doc, root);
        item->report = yyjson_mut_obj_add_obj(doc, root, "push");
    }
    bool pushed = !gs_oid_is_none(&item->commit);
    gs_json_add_cstr(doc, item->report, "status", pushed ? "pushed" : "up_to_date");
    gs_json_add_cstr(doc, item->report, "appId", local->app.id);
    gs_json_add_cstr(doc, item->report, "versionId", local->version.id);
    gs_json_add_cstr(doc, item->report, "versionName", local->version.name);
    gs_json_add_cstr(doc, item->report, "gitAppId", item->git_app_id);
    gs_push_report_names(item, doc, item->report);
    gs_json_add_cstr(doc, item->report, "branch", batch->session->config.branch);
    gs_json_add_cstr(doc, item->report, "documentId", item->document_id);
    if (item->takeover.wanted && !restored)
        gs_json_add_cstr(doc, root, "replacedDocumentId", item->takeover.replaced_id);
    gs_push_report_modules(item, doc, item->report);
    gs_report_problems(&remote->problems, WARNINGS_MAX, doc,
                       yyjson_mut_obj_add_arr(doc, item->report, "warnings"));
    enum gs_status status = end_plan(batch, item, local, tip, doc, root, err);
    return status == GS_OK
               ? describe(batch->session, item, remote, tip, local, doc, item->report, err)
               : status;
}

enum gs_status gs_push_end_answer(struct push_batch *batch, struct push_item *item,
                                  struct gs_error *err)
{
    yyjson_mut_doc *doc = item->answer;
    if (!doc)
        return GS_OK;
    enum gs_status status = GS_OK;
    if (!gs_oid_is_none(&item->commit) && !item->task->request.dry_run)
        status = gs_report_commit(batch->session, &item->commit, doc, item->report, err);
    // A conversion changes more files than anybody wants to read; it tells their number.
    if (item->task->request.kind != GS_SYNC_CONVERT)
        add_files(item, doc, item->report);
    if (item->task->op.id)
        gs_json_add_cstr(doc, yyjson_mut_doc_get_root(doc), "operationId", item->task->op.id);
    return status == GS_OK ? gs_report_finish(item->task, doc, err) : status;
}
