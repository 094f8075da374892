// Gives an app a document of its past back, from a commit or from before an operation, as a new change. History is never
// rewritten: what is replaced stays in it too.
// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "base/random.h"
#include "crypto/crypto.h"
#include "sync/pull_internal.h"
#include "sync/rollback_internal.h"

void gs_restored_release(struct restored *restored)
{
    gs_document_release(&restored->parsed);
    gs_buf_release(&restored->document);
    gs_buf_release(&restored->before);
    if (restored->comparison.arena)
        gs_comparison_release(&restored->comparison);
}

bool gs_restored_is_here(const struct restored *restored)
{
    return !restored->is_new && strcmp(restored->version.document_id, restored->document_id) == 0;
}

// ---- Where the document comes from ---------------------------------------------------

static enum gs_status load_replaced(struct gs_tx *tx, struct task *task, struct restored *restored,
                                    struct gs_error *err)
{
    struct gs_document_change change;
    enum gs_status status = gs_store_find_document_change(
        tx, restored->app.id, task->request.from_operation_id, task->arena, &change, err);
    if (status == GS_NOT_FOUND)
        return gs_fail(err, GS_CODE_NOT_FOUND, "/operationId",
                       "no operation with the id '%s' has replaced a document of this app",
                       task->request.from_operation_id);
    if (status == GS_OK)
        status = gs_store_get_document(tx, change.document_id, &restored->document, err);
    return status;
}

static enum gs_status find_commit(struct session *session, const char *text,
                                  struct gs_oid *out_commit, struct gs_error *err)
{
    struct gs_oid oid;
    struct resolved resolved;
    if (!gs_oid_parse(gs_slice_str(text), &oid))
        return gs_fail(err, GS_CODE_INVALID_INPUT, "/commit", "commit must have 40 digits");
    struct gs_mirror *mirror = session->repo->mirror;
    if (mirror && gs_mirror_has(mirror, &oid))
        return gs_mirror_peel(mirror, &oid, out_commit, err);
    enum gs_status status = GS_INVALID;
    if (session->remote.net)
        status = gs_session_resolve(session, oid.hex, &resolved, err);
    if (status == GS_INVALID && (!session->remote.net || err->code == GS_CODE_INVALID_REF))
        return gs_fail(err, GS_CODE_NOT_FOUND, "/commit", "the repository has no commit %s", text);
    if (status == GS_OK)
        *out_commit = resolved.commit;
    return status;
}

static enum gs_status load_committed(struct session *session, struct task *task,
                                     const struct gs_git_link *link, struct restored *restored,
                                     struct gs_error *err)
{
    struct gs_oid commit;
    struct remote_app remote;
    enum gs_status status = find_commit(session, task->request.commit, &commit, err);
    if (status == GS_OK)
        status = gs_session_read_app(session, &commit, link->git_app_id, NULL, &remote, err);
    if (status == GS_NOT_FOUND && err->code != GS_CODE_NOT_IN_GIT)
        return status;
    if (status == GS_NOT_FOUND || (status == GS_OK && !remote.entry))
        return gs_fail(err, GS_CODE_COMMIT_WITHOUT_APP, "/commit",
                       "commit %.12s does not have the app '%s'", task->request.commit,
                       restored->app.name);
    if (status != GS_OK)
        return status;
    gs_buf_release(&restored->document);
    restored->document = remote.document;
    return GS_OK;
}

static enum gs_status load_rows(struct session *session, struct task *task,
                                struct restored *restored, struct gs_git_link *out_link,
                                struct gs_error *err)
{
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    enum gs_status status = gs_tx_read(session->sync->options.store, &tx, err);
    if (status == GS_OK)
        status = gs_store_get_app(tx, task->request.app_id, task->arena, &restored->app, err);
    if (status == GS_NOT_FOUND)
        return gs_fail(err, GS_CODE_APP_NOT_FOUND, NULL, "App not found");
    if (status == GS_OK && task->request.from_operation_id)
        return load_replaced(tx, task, restored, err);
    if (status == GS_OK)
        status = gs_store_get_link(tx, task->request.app_id, task->arena, out_link, err);
    if (status == GS_NOT_FOUND)
        return gs_fail(err, GS_CODE_APP_NOT_LINKED, NULL, "App is not synced with Git");
    if (status == GS_OK && !session->config.organization_id)
        return gs_fail(err, GS_CODE_GIT_NOT_CONFIGURED, NULL, "No git configuration found");
    return status;
}

// ---- Where it goes -------------------------------------------------------------------

static enum gs_status new_version(struct gs_tx *tx, struct task *task, struct restored *restored,
                                  const char *name, struct gs_error *err)
{
    char *id = gs_arena_alloc(task->arena, GS_UUID_TEXT + 1);
    bool taken = true;
    enum gs_status status = GS_OK;
    gs_uuid_new(id);
    const char *wanted = gs_arena_dup_slice(task->arena, restored->parsed.version_id);
    if (gs_uuid_is_valid(gs_slice_str(wanted)))
        status = gs_store_version_id_exists(tx, wanted, &taken, err);
    restored->is_new = true;
    restored->version = (struct gs_version){
        .id = taken ? id : wanted, .app_id = restored->app.id, .name = name, .draft = true};
    return status;
}

static enum gs_status find_version(struct session *session, struct task *task,
                                   struct restored *restored, struct gs_error *err)
{
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    const char *name = gs_arena_dup_slice(task->arena, restored->parsed.version_name);
    enum gs_status status = gs_tx_read(session->sync->options.store, &tx, err);
    if (status == GS_OK)
        status = gs_store_find_version_by_name(tx, restored->app.id, name, task->arena,
                                               &restored->version, err);
    if (status == GS_OK)
        return gs_store_get_document(tx, restored->version.document_id, &restored->before, err);
    if (status != GS_NOT_FOUND)
        return status;
    gs_error_release(err);
    return new_version(tx, task, restored, name, err);
}

static enum gs_status choose_version(struct session *session, struct task *task,
                                     struct restored *restored, struct gs_error *err)
{
    struct gs_slice bytes = gs_buf_slice(&restored->document);
    gs_sha256_hex(bytes, restored->document_id);
    enum gs_status status = gs_version_check_name(restored->parsed.version_name, "/commit", err);
    if (status == GS_OK)
        status = find_version(session, task, restored, err);
    if (status != GS_OK)
        return status;
    // What says nothing of its state came from git when it was saved, and else leaves the version's state alone.
    restored->draft = restored->parsed.has_status
                          ? restored->parsed.draft
                          : !task->request.commit && restored->version.draft;
    return gs_compare_documents(gs_buf_slice(&restored->before), bytes, &restored->comparison, err);
}

static enum gs_status parse(struct task *task, struct restored *restored, struct gs_error *err)
{
    const char *what = task->request.commit ? task->request.commit : "the replaced document";
    enum gs_status status =
        gs_document_parse(gs_buf_slice(&restored->document), what, &restored->parsed, err);
    // A body that is not JSON is the caller's fault, a file that is not JSON is the repository's.
    if (status == GS_INVALID && err->code == GS_CODE_INVALID_JSON)
        err->code = GS_CODE_NOT_AN_APP;
    return status;
}

enum gs_status gs_restored_load(struct session *session, struct task *task,
                                struct restored *out_restored, struct gs_error *err)
{
    struct restored restored = {.is_new = false};
    struct gs_git_link link;
    gs_buf_init(&restored.document, session->sync->options.document_limit);
    gs_buf_init(&restored.before, session->sync->options.document_limit);
    enum gs_status status = load_rows(session, task, &restored, &link, err);
    if (status == GS_OK && task->request.commit)
        status = load_committed(session, task, &link, &restored, err);
    if (status == GS_OK)
        status = parse(task, &restored, err);
    if (status == GS_OK)
        status = choose_version(session, task, &restored, err);
    if (status == GS_OK)
        *out_restored = restored;
    else
        gs_restored_release(&restored);
    return status;
}

// ---- Doing it here -------------------------------------------------------------------

void gs_restored_report(const struct restored *restored, const struct task *task,
                        yyjson_mut_doc *doc, yyjson_mut_val *root)
{
    struct gs_version version = restored->version;
    version.draft = restored->draft;
    gs_json_add_cstr(doc, root, "status",
                     gs_restored_is_here(restored) ? "up_to_date" : "restored");
    gs_json_add_cstr(doc, root, "appId", restored->app.id);
    gs_report_version(doc, root, &version, NULL);
    yyjson_mut_val *from = yyjson_mut_obj_add_obj(doc, root, "restoredFrom");
    gs_json_add_cstr(doc, from, "commit", task->request.commit);
    gs_json_add_cstr(doc, from, "operationId", task->request.from_operation_id);
    gs_json_add_cstr(doc, from, "documentId", restored->document_id);
    gs_json_add_cstr(doc, root, "replacedDocumentId", version.document_id);
    yyjson_mut_obj_add_val(
        doc, root, "changes",
        gs_comparison_to_json(&restored->comparison, doc, task->request.dry_run));
}

static enum gs_status fail_edited(struct gs_error *err)
{
    return gs_fail(err, GS_CODE_CONFLICT, NULL,
                   "the version was edited here again and again while it was being restored");
}

static enum gs_status add_version(struct restored *restored, struct gs_tx *tx, struct task *task,
                                  struct gs_error *err)
{
    struct gs_new_version added = {.app = &restored->app,
                                   .wanted_id = restored->version.id,
                                   .name = restored->version.name,
                                   .draft = restored->draft,
                                   .document_id = restored->document_id,
                                   .created_at = gs_clock_now_ms()};
    struct gs_version version;
    enum gs_status status = gs_workspace_add_version(tx, &added, task->arena, &version, err);
    return status == GS_CONFLICT ? fail_edited(err) : status;
}

static enum gs_status replace_version(struct restored *restored, struct gs_tx *tx,
                                      struct task *task, struct gs_error *err)
{
    struct gs_version now;
    enum gs_status status =
        gs_store_get_version(tx, restored->app.id, restored->version.id, task->arena, &now, err);
    if (status == GS_NOT_FOUND ||
        (status == GS_OK && strcmp(now.document_id, restored->version.document_id) != 0))
        return fail_edited(err);
    if (status != GS_OK)
        return status;
    now.document_id = restored->document_id;
    now.draft = restored->draft;
    now.updated_at = gs_clock_now_ms();
    return gs_store_update_version(tx, &now, task->op.id, err);
}

static enum gs_status store_restored(struct restored *restored, struct gs_tx *tx, struct task *task,
                                     const struct gs_document_blob *blob, struct gs_error *err)
{
    if (gs_restored_is_here(restored))
        return GS_OK;
    enum gs_status status = gs_store_put_document(tx, blob, err);
    if (status != GS_OK)
        return status;
    return restored->is_new ? add_version(restored, tx, task, err)
                            : replace_version(restored, tx, task, err);
}

static enum gs_status bind_plan(struct session *session, struct task *task,
                                const struct restored *restored, yyjson_mut_doc *doc,
                                yyjson_mut_val *root, struct gs_error *err)
{
    struct plan_facts facts;
    gs_plan_begin(&facts, session, task);
    gs_plan_add(&facts, restored->document_id);
    gs_plan_add(&facts, restored->version.name);
    gs_plan_add(&facts, restored->version.document_id);
    return gs_plan_end(&facts, task, doc, root, err);
}

static enum gs_status show(const struct task *task, const struct restored *restored,
                           yyjson_mut_doc *doc, yyjson_mut_val *root, struct gs_error *err)
{
    const char *label = gs_arena_printf(task->arena, "%s/%s (document)", restored->app.name,
                                        restored->version.name);
    return gs_plan_add_document_diff(task, label, gs_buf_slice(&restored->before),
                                     gs_buf_slice(&restored->document), doc, root, err);
}

static enum gs_status apply(struct session *session, struct task *task, struct restored *restored,
                            const struct gs_document_blob *blob, struct gs_error *err)
{
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    GS_CLEANUP(gs_json_cleanup_mut) yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    gs_restored_report(restored, task, doc, root);
    task->op.version_id = restored->version.id;
    enum gs_status status = bind_plan(session, task, restored, doc, root, err);
    if (status == GS_OK)
        status = show(task, restored, doc, root, err);
    if (status == GS_OK)
        status = gs_tx_write(session->sync->options.store, &tx, err);
    if (status == GS_OK)
        status = store_restored(restored, tx, task, blob, err);
    return status == GS_OK ? gs_pull_end(task, &tx, doc, err) : status;
}

static enum gs_status try_rollback(struct session *session, struct task *task, struct gs_error *err)
{
    struct restored restored;
    struct gs_document_blob blob;
    enum gs_status status = gs_restored_load(session, task, &restored, err);
    if (status != GS_OK)
        return status;
    status = gs_document_pack(gs_buf_slice(&restored.document), &blob, err);
    if (status == GS_OK) {
        status = apply(session, task, &restored, &blob, err);
        gs_document_blob_release(&blob);
    }
    gs_restored_release(&restored);
    return status;
}

enum gs_status gs_rollback_run(struct session *session, struct task *task, struct gs_error *err)
{
    enum gs_status status = GS_OK;
    for (int attempt = 0; attempt < PULL_ATTEMPTS; attempt++) {
        gs_error_release(err);
        status = try_rollback(session, task, err);
        // Only an edit between the look and its transaction is worth another one.
        if (status != GS_CONFLICT || err->code != GS_CODE_CONFLICT)
            break;
    }
    return status;
}
