// The row of an operation: made before anything happens, ended in the transaction that holds its effect.
// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "base/random.h"
#include "sync/sync_internal.h"

static const char *const kind_names[] = {
    [GS_SYNC_PUSH] = "push",       [GS_SYNC_CREATE] = "create",     [GS_SYNC_PULL] = "pull",
    [GS_SYNC_PROMOTE] = "promote", [GS_SYNC_ROLLBACK] = "rollback", [GS_SYNC_RERELEASE] = "release",
};

// What is needed to run a push again after a crash.
static enum gs_status request_json(struct task *task, struct gs_error *err)
{
    GS_CLEANUP(gs_json_cleanup_mut) yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    GS_CLEANUP(gs_buf_release) struct gs_buf text = {.max = RESULT_MAX_BYTES};
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    if (task->request.message.data)
        gs_json_add_str(doc, root, "message", task->request.message);
    if (task->request.ref)
        gs_json_add_cstr(doc, root, "ref", task->request.ref);
    if (task->request.commit)
        gs_json_add_cstr(doc, root, "commit", task->request.commit);
    if (task->request.from_operation_id)
        gs_json_add_cstr(doc, root, "operationId", task->request.from_operation_id);
    yyjson_mut_obj_add_int(doc, root, "divergence", task->request.divergence);
    enum gs_status status = gs_json_write_mut(doc, &text, err);
    if (status == GS_OK)
        task->op.request = gs_arena_dup_slice(task->arena, gs_buf_slice(&text));
    return status;
}

static enum gs_status insert(struct gs_tx *tx, struct task *task, struct gs_error *err)
{
    char *id = gs_arena_alloc(task->arena, GS_UUID_TEXT + 1);
    gs_uuid_new(id);
    int64_t now = gs_clock_now_ms();
    task->op = (struct gs_operation){
        .id = id,
        .kind = kind_names[task->request.kind],
        .state = GS_OP_QUEUED,
        .organization_id = task->organization_id,
        .app_id = task->request.app_id,
        .version_id = task->request.version_id,
        .created_at = now,
        .updated_at = now,
    };
    enum gs_status status = request_json(task, err);
    return status == GS_OK ? gs_store_add_operation(tx, &task->op, err) : status;
}

enum gs_status gs_operation_insert(struct gs_sync *sync, struct task *task, struct gs_error *err)
{
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    enum gs_status status = gs_tx_write(sync->options.store, &tx, err);
    for (; status == GS_OK && task; task = task->next)
        status = insert(tx, task, err);
    return status == GS_OK ? gs_tx_commit(&tx, err) : status;
}

enum gs_status gs_operation_end(struct gs_tx *tx, struct task *task, struct gs_error *err)
{
    struct gs_operation *op = &task->op;
    bool failed = task->err.code != GS_CODE_NONE;
    op->state = failed ? GS_OP_FAILED : GS_OP_DONE;
    op->progress = 100;
    op->phase = NULL;
    op->updated_at = gs_clock_now_ms();
    op->http_status = failed ? gs_code_http(task->err.code) : 200;
    op->error_code = failed ? gs_code_text(task->err.code) : NULL;
    op->error_message = failed ? task->err.message : NULL;
    op->result = failed ? NULL : gs_arena_dup_slice(task->arena, gs_buf_slice(&task->json));
    return gs_store_update_operation(tx, op, err);
}

void gs_task_fail(struct gs_sync *sync, struct task *task, struct gs_error *err)
{
    if (gs_task_postpone(sync, task, err)) {
        gs_error_release(err);
        return;
    }
    gs_error_move(&task->err, err);
    task->ended = true;
    if (!task->op.id)
        return;
    // The caller gets the failure whether or not its row can be written; an unwritten one is settled at the next start.
    GS_CLEANUP(gs_error_release) struct gs_error ignored = GS_ERROR_INIT;
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    if (gs_tx_write(sync->options.store, &tx, &ignored) == GS_OK &&
        gs_operation_end(tx, task, &ignored) == GS_OK && gs_tx_commit(&tx, &ignored) == GS_OK)
        return;
    task->op.state = GS_OP_FAILED;
}
