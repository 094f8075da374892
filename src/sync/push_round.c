// What a round of pushes puts on the branch: the commits of its items, alone or in units that succeed or fail together, and what
// became of those that may have arrived before.
// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "sync/group_internal.h"
#include "sync/push_internal.h"

bool gs_push_is_pending(const struct push_item *item)
{
    return !item->task->ended;
}

void gs_push_fail_item(struct push_batch *batch, struct push_item *item, struct gs_error *err)
{
    gs_push_item_reset(item);
    gs_task_fail(batch->session->sync, item->task, err);
}

// The version that a rollback made for what came back; the store does not have it yet.
static const struct gs_version *recorded_version(const struct push_item *item, yyjson_val *told)
{
    struct gs_arena *arena = item->task->arena;
    struct gs_version *version = gs_arena_alloc(arena, sizeof *version);
    *version = (struct gs_version){.id = gs_recorded_text(told, "id", arena),
                                   .app_id = item->app_id,
                                   .name = gs_recorded_text(told, "name", arena)};
    return version;
}

// What the version here takes over from the push, as the answer tells it.
static enum gs_status restore_takeover(struct push_batch *batch, struct push_item *item,
                                       yyjson_val *root, struct gs_error *err)
{
    const char *replaced = gs_recorded_text(root, "replacedDocumentId", item->task->arena);
    bool restored = gs_slice_eq_str(gs_json_get_str(root, "status"), "restored");
    if (!replaced && !restored)
        return GS_OK;
    enum gs_status status = gs_push_reload_takeover(batch, item, replaced, err);
    if (status != GS_OK || !restored || !item->takeover.wanted)
        return status;
    yyjson_val *version = gs_json_get_obj(root, "version");
    item->takeover.has_draft = true;
    item->takeover.draft = gs_slice_eq_str(gs_json_get_str(version, "status"), "DRAFT");
    if (!replaced)
        item->takeover.added = recorded_version(item, version);
    return GS_OK;
}

// The answer that was recorded before the push began to travel is the answer still.
static enum gs_status take_recorded(struct push_batch *batch, struct push_item *item,
                                    struct gs_error *err)
{
    GS_CLEANUP(gs_json_cleanup) yyjson_doc *json = NULL;
    struct task *task = item->task;
    enum gs_status status =
        gs_json_parse(gs_slice_str(task->op.result), "the recorded result", &json, err);
    if (status != GS_OK)
        return status;
    // Of a rollback, the push is a part of it.
    yyjson_val *root = yyjson_doc_get_root(json), *report = gs_json_get_obj(root, "push");
    report = report ? report : root;
    item->app_id = task->request.app_id;
    item->version_id = task->op.version_id;
    item->git_app_id = gs_arena_dup_slice(task->arena, gs_json_get_str(report, "gitAppId"));
    item->document_id = gs_arena_dup_slice(task->arena, gs_json_get_str(report, "documentId"));
    gs_push_restore_names(item, report);
    gs_buf_clear(&task->json);
    gs_buf_append_str(&task->json, task->op.result);
    status = gs_buf_check(&task->json, "the recorded result", err);
    if (status == GS_OK)
        status = restore_takeover(batch, item, root, err);
    if (status == GS_OK)
        status = gs_push_restore_modules(batch, item, report, err);
    if (status == GS_OK)
        status = gs_push_restore_renames(batch, item, report, err);
    if (status == GS_OK && task->request.kind == GS_SYNC_CONVERT)
        status = gs_conversion_load(batch, item, err);
    item->prepared = status == GS_OK;
    return status;
}

static enum gs_status find_recorded(struct round *round, const struct task *task,
                                    struct gs_oid *out_commit, bool *out_arrived,
                                    struct gs_error *err)
{
    bool arrived = false;
    enum gs_status status = GS_OK;
    if (task->op.commit && gs_oid_parse(gs_slice_str(task->op.commit), out_commit) &&
        !gs_oid_is_none(&round->head))
        status = gs_mirror_is_ancestor(round->batch->session->repo->mirror, out_commit,
                                       &round->head, &arrived, err);
    if (status == GS_NOT_FOUND) {
        gs_error_release(err);
        status = GS_OK;
    }
    if (status == GS_OK)
        *out_arrived = arrived;
    return status;
}

// Its caller was told that it failed and may have edited on since, so it is not for us to send it again.
static enum gs_status fail_lost(const struct task *task, struct gs_error *err)
{
    const char *text = task->op.error_code, *reason = task->op.error_message;
    enum gs_code code = text ? gs_code_from_text(text) : GS_CODE_NONE;
    return gs_fail(err, code == GS_CODE_NONE ? GS_CODE_HOST_UNREACHABLE : code, NULL,
                   "the push did not arrive%s%s", reason ? ": " : "", reason ? reason : "");
}

// A push that may have arrived: then it is done as it was recorded.
static enum gs_status settle_interrupted(struct round *round, struct push_item *item,
                                         struct gs_error *err)
{
    struct task *task = item->task;
    struct gs_oid commit;
    bool arrived = false;
    enum gs_status status = find_recorded(round, task, &commit, &arrived, err);
    if (status != GS_OK)
        return status;
    task->settling = arrived;
    if (!arrived)
        return task->ask_only ? fail_lost(task, err) : GS_OK;
    item->commit = commit;
    return take_recorded(round->batch, item, err);
}

// Builds a pending item on the tip; one that cannot be built ends alone. Not GS_OK: none can.
static enum gs_status prepare_item(struct round *round, struct push_item *item,
                                   struct gs_error *err)
{
    gs_push_item_reset(item);
    enum gs_status status = gs_task_check(item->task, err);
    if (status == GS_OK && item->task->settling)
        status = settle_interrupted(round, item, err);
    if (status == GS_OK && !item->prepared)
        status = gs_push_prepare(round->batch, item, &round->tip, err);
    if (status == GS_INTERNAL || status == GS_NOMEM || status == GS_OK || round->expected)
        return status;
    gs_push_fail_item(round->batch, item, err);
    gs_group_skip_others(round->batch->session->sync, item->task, round->batch->items[0].task);
    return GS_OK;
}

size_t gs_push_unit_end(const struct push_batch *batch, size_t first)
{
    const struct task *task = batch->items[first].task;
    size_t end = first + 1;
    if (!task->group || !(task->group->one_commit || task->group->all_or_none))
        return end;
    while (end < batch->count && gs_group_has_both(task, batch->items[end].task))
        end++;
    return end;
}

// Puts one commit in the place of those that the items of a unit have made on top of base.
static enum gs_status unite_commits(struct round *round, const struct gs_oid *base, size_t first,
                                    size_t end, struct gs_error *err)
{
    struct session *session = round->batch->session;
    struct push_item *items = round->batch->items;
    struct gs_commit_request request = {.parent = *base,
                                        .author_name = session->config.author_name,
                                        .author_email = session->config.author_email,
                                        .message = items[first].task->request.message,
                                        .when_ms = gs_clock_now_ms()};
    struct gs_oid united;
    enum gs_status status =
        gs_mirror_squash(session->repo->mirror, &request, &round->tip, &united, err);
    if (status != GS_OK)
        return status;
    for (size_t i = first; i < end; i++)
        if (!gs_oid_is_none(&items[i].commit))
            items[i].commit = united;
    round->tip = united;
    return GS_OK;
}

// Now that the commits of a unit are known for good, the answers are as well. A dry run has looked at the branch as it is, and
// leaves no commit behind for the others to build on.
static enum gs_status end_unit(struct round *round, const struct gs_oid *base, size_t first,
                               size_t end, struct gs_error *err)
{
    struct push_item *items = round->batch->items;
    bool dry = items[first].task->request.dry_run;
    for (size_t i = first; i < end; i++) {
        if (!gs_push_is_pending(&items[i]))
            continue;
        enum gs_status status = gs_push_end_answer(round->batch, &items[i], err);
        if (status != GS_OK)
            return status;
        if (!dry)
            continue;
        gs_push_item_reset(&items[i]);
        items[i].task->ended = true;
    }
    if (dry)
        round->tip = *base;
    return GS_OK;
}

size_t gs_push_count_pending(const struct push_batch *batch, size_t first, size_t end)
{
    size_t count = 0;
    for (size_t i = first; i < end; i++)
        count += gs_push_is_pending(&batch->items[i]);
    return count;
}

static enum gs_status prepare_unit(struct round *round, size_t first, size_t end,
                                   struct gs_error *err)
{
    struct push_item *items = round->batch->items;
    const struct group *group = items[first].task->group;
    struct gs_oid base = round->tip;
    for (size_t i = first; i < end; i++) {
        enum gs_status status =
            gs_push_is_pending(&items[i]) ? prepare_item(round, &items[i], err) : GS_OK;
        if (status != GS_OK)
            return status;
    }
    // When the others were not to be attempted, what they have built is forgotten.
    if (gs_push_count_pending(round->batch, first, end) == 0)
        round->tip = base;
    enum gs_status status = GS_OK;
    if (group && group->one_commit && !gs_oid_eq(&round->tip, &base))
        status = unite_commits(round, &base, first, end, err);
    return status == GS_OK ? end_unit(round, &base, first, end, err) : status;
}

enum gs_status gs_push_prepare_round(struct round *round, struct gs_error *err)
{
    enum gs_status status = GS_OK;
    for (size_t i = round->first, next; status == GS_OK && i < round->end; i = next) {
        next = gs_push_unit_end(round->batch, i);
        status = prepare_unit(round, i, next, err);
    }
    return status;
}
