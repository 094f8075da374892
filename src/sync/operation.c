// The row of an operation: made before anything happens, ended in the transaction that holds its effect.
// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "base/random.h"
#include "sync/sync_internal.h"

static const char *const kind_names[] = {
    [GS_SYNC_PUSH] = "push",       [GS_SYNC_CREATE] = "create",     [GS_SYNC_PULL] = "pull",
    [GS_SYNC_PROMOTE] = "promote", [GS_SYNC_ROLLBACK] = "rollback", [GS_SYNC_RERELEASE] = "release",
    [GS_SYNC_CONVERT] = "convert",
};

bool gs_is_recorded(const struct gs_sync_request *request)
{
    return request->kind < GS_COUNT(kind_names) && kind_names[request->kind] && !request->dry_run;
}

static void write_deletion_limit(yyjson_mut_doc *doc, yyjson_mut_val *root,
                                 const struct gs_deletion_limit *limit)
{
    yyjson_mut_val *obj = yyjson_mut_obj_add_obj(doc, root, "maxDeletions");
    yyjson_mut_obj_add_int(doc, obj, "kind", limit->kind);
    yyjson_mut_obj_add_int(doc, obj, "value", (int64_t)limit->value);
}

// What is needed to run the call again after a crash.
static enum gs_status request_json(struct task *task, struct gs_error *err)
{
    GS_CLEANUP(gs_json_cleanup_mut) yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    GS_CLEANUP(gs_buf_release) struct gs_buf text = {.max = RESULT_MAX_BYTES};
    const struct gs_sync_request *request = &task->request;
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    if (request->message.data)
        gs_json_add_str(doc, root, "message", request->message);
    gs_json_add_cstr(doc, root, "gitUrl", task->git_url);
    gs_json_add_cstr(doc, root, "gitAppId", request->git_app_id);
    gs_json_add_cstr(doc, root, "gitAppName", request->git_app_name);
    gs_json_add_cstr(doc, root, "ref", request->ref);
    gs_json_add_cstr(doc, root, "planHash", request->plan_hash);
    gs_json_add_cstr(doc, root, "commit", request->commit);
    gs_json_add_cstr(doc, root, "operationId", request->from_operation_id);
    gs_json_add_cstr(doc, root, "releaseId", request->release_id);
    gs_json_add_cstr(doc, root, "layout", request->layout);
    yyjson_mut_obj_add_bool(doc, root, "push", request->push);
    yyjson_mut_obj_add_bool(doc, root, "allowSecrets", request->allow_secrets);
    yyjson_mut_obj_add_int(doc, root, "divergence", request->divergence);
    write_deletion_limit(doc, root, &request->max_deletions);
    yyjson_mut_obj_add_bool(doc, root, "detached", task->detached);
    enum gs_status status = gs_json_write_mut(doc, &text, err);
    if (status == GS_OK)
        task->op.request = gs_arena_dup_slice(task->arena, gs_buf_slice(&text));
    return status;
}

static int64_t read_int(yyjson_val *obj, const char *name)
{
    int64_t value = 0;
    (void)gs_slice_to_int(gs_slice_str(yyjson_get_raw(yyjson_obj_get(obj, name))), &value);
    return value;
}

const char *gs_recorded_text(yyjson_val *obj, const char *name, struct gs_arena *arena)
{
    struct gs_slice text = gs_json_get_str(obj, name);
    return text.data ? gs_arena_dup_slice(arena, text) : NULL;
}

static enum gs_sync_kind kind_of(const struct gs_operation *op)
{
    enum gs_sync_kind kind = GS_SYNC_PUSH;
    for (size_t i = 0; i < GS_COUNT(kind_names); i++)
        if (kind_names[i] && strcmp(kind_names[i], op->kind) == 0)
            kind = (enum gs_sync_kind)i;
    return kind;
}

enum gs_status gs_operation_restore(struct task *task, struct gs_error *err)
{
    GS_CLEANUP(gs_json_cleanup) yyjson_doc *json = NULL;
    const struct gs_operation *op = &task->op;
    enum gs_status status =
        gs_json_parse(gs_slice_str(op->request), "the recorded request", &json, err);
    if (status != GS_OK)
        return status;
    yyjson_val *root = yyjson_doc_get_root(json), *limit = gs_json_get_obj(root, "maxDeletions");
    struct gs_slice message = gs_json_get_str(root, "message");
    task->request = (struct gs_sync_request){
        .kind = kind_of(op),
        .organization_id = op->organization_id,
        .app_id = op->app_id,
        .version_id = op->version_id,
        .message = gs_slice_of(gs_arena_dup_slice(task->arena, message), message.len),
        .git_app_id = gs_recorded_text(root, "gitAppId", task->arena),
        .git_app_name = gs_recorded_text(root, "gitAppName", task->arena),
        .ref = gs_recorded_text(root, "ref", task->arena),
        .plan_hash = gs_recorded_text(root, "planHash", task->arena),
        .commit = gs_recorded_text(root, "commit", task->arena),
        .from_operation_id = gs_recorded_text(root, "operationId", task->arena),
        .release_id = gs_recorded_text(root, "releaseId", task->arena),
        .layout = gs_recorded_text(root, "layout", task->arena),
        .push = yyjson_is_true(yyjson_obj_get(root, "push")),
        .allow_secrets = yyjson_is_true(yyjson_obj_get(root, "allowSecrets")),
        .divergence = (enum gs_divergence)read_int(root, "divergence"),
        .max_deletions = {.kind = (enum gs_deletion_limit_kind)read_int(limit, "kind"),
                          .value = (size_t)read_int(limit, "value")},
    };
    task->git_url = gs_recorded_text(root, "gitUrl", task->arena);
    task->detached = yyjson_is_true(yyjson_obj_get(root, "detached"));
    return GS_OK;
}

struct gs_operation gs_operation_copy(struct gs_arena *arena, const struct gs_operation *from)
{
    struct gs_operation op = *from;
    op.id = gs_arena_strdup(arena, from->id);
    op.kind = gs_arena_strdup(arena, from->kind);
    op.organization_id = gs_arena_strdup(arena, from->organization_id);
    op.app_id = gs_arena_strdup(arena, from->app_id);
    op.version_id = gs_arena_strdup(arena, from->version_id);
    op.request = gs_arena_strdup(arena, from->request);
    op.commit = gs_arena_strdup(arena, from->commit);
    op.result = gs_arena_strdup(arena, from->result);
    op.error_code = gs_arena_strdup(arena, from->error_code);
    op.error_message = gs_arena_strdup(arena, from->error_message);
    op.error_details = gs_arena_strdup(arena, from->error_details);
    op.phase = gs_arena_strdup(arena, from->phase);
    return op;
}

// The call's record in the same transaction, so that its repetition finds the operation as soon as there is one.
static enum gs_status put_record(struct gs_tx *tx, struct task *task, struct gs_error *err)
{
    if (!task->request.record)
        return GS_OK;
    struct gs_recorded_answer record = *task->request.record;
    record.operation_id = task->op.id;
    return gs_store_put_answer(tx, &record, NULL, err);
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
        .phase = gs_phase_name(PHASE_QUEUED),
        .organization_id = task->organization_id,
        .app_id = task->request.app_id,
        .version_id = task->request.version_id,
        .created_at = now,
        .updated_at = now,
    };
    enum gs_status status = request_json(task, err);
    if (status == GS_OK)
        status = gs_store_add_operation(tx, &task->op, err);
    return status == GS_OK ? put_record(tx, task, err) : status;
}

enum gs_status gs_operation_insert(struct gs_sync *sync, struct task *tasks, struct gs_error *err)
{
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    // Whoever waits for his answer has been told nothing yet, and until a push is sent there is nothing to lose.
    enum gs_status status = tasks->detached ? gs_tx_write(sync->options.store, &tx, err)
                                            : gs_tx_write_relaxed(sync->options.store, &tx, err);
    for (struct task *task = tasks; status == GS_OK && task; task = task->next)
        status = insert(tx, task, err);
    if (status == GS_OK)
        status = gs_tx_commit(&tx, err);
    for (struct task *task = tasks; status == GS_OK && task; task = task->next)
        task->recorded = task->request.record;
    return status;
}

// As the caller gets them: a field alone becomes a detail of its own.
static const char *details_of(const struct gs_error *err, struct gs_arena *arena)
{
    if (err->details)
        return gs_arena_strdup(arena, err->details);
    if (!err->field[0])
        return NULL;
    GS_CLEANUP(gs_buf_release) struct gs_buf text = {.max = 8 * sizeof err->field};
    gs_buf_append_str(&text, "[{\"field\":");
    gs_json_write_string(gs_slice_str(err->field), &text);
    gs_buf_append_str(&text, "}]");
    return gs_arena_strdup(arena, text.data);
}

static enum gs_operation_state end_state(enum gs_code code)
{
    if (code == GS_CODE_CANCELLED)
        return GS_OP_CANCELLED;
    return code == GS_CODE_NONE ? GS_OP_DONE : GS_OP_FAILED;
}

enum gs_status gs_operation_end(struct gs_tx *tx, struct task *task, struct gs_error *err)
{
    struct gs_operation *op = &task->op;
    bool failed = task->err.code != GS_CODE_NONE;
    op->state = end_state(task->err.code);
    op->progress = 100;
    op->phase = NULL;
    op->updated_at = gs_clock_now_ms();
    op->http_status = failed ? gs_code_http(task->err.code) : 200;
    op->error_code = failed ? gs_code_text(task->err.code) : NULL;
    op->error_message = failed ? task->err.message : NULL;
    op->error_details = failed ? details_of(&task->err, task->arena) : NULL;
    op->result = failed ? NULL : gs_arena_dup_slice(task->arena, gs_buf_slice(&task->json));
    return gs_store_update_operation(tx, op, err);
}

// One that is recorded as committed, or that nobody waits for, would be run again by the next start; any other would be told as interrupted.
static enum gs_status begin_failure(struct gs_sync *sync, const struct task *task,
                                    struct gs_tx **out_tx, struct gs_error *err)
{
    bool told_as_interrupted = task->op.state != GS_OP_COMMITTED && !task->detached;
    return told_as_interrupted ? gs_tx_write_relaxed(sync->options.store, out_tx, err)
                               : gs_tx_write(sync->options.store, out_tx, err);
}

void gs_task_fail(struct gs_sync *sync, struct task *task, struct gs_error *err)
{
    if (gs_task_postpone(sync, task, err)) {
        gs_error_release(err);
        return;
    }
    struct gs_error cancelled = GS_ERROR_INIT;
    if (gs_task_seal(task, &cancelled) != GS_OK)
        gs_error_move(err, &cancelled);
    gs_error_move(&task->err, err);
    task->ended = true;
    if (!task->op.id)
        return;
    // The caller gets the failure whether or not its row can be written; an unwritten one is settled at the next start.
    GS_CLEANUP(gs_error_release) struct gs_error ignored = GS_ERROR_INIT;
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    if (begin_failure(sync, task, &tx, &ignored) == GS_OK &&
        gs_operation_end(tx, task, &ignored) == GS_OK && gs_tx_commit(&tx, &ignored) == GS_OK)
        return;
    task->op.state = GS_OP_FAILED;
}
