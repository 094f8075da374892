// The one commit of a push: the app's, with the modules that it shows and git lacks, and with the apps that make way for its name.
// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "sync/push_internal.h"

enum gs_layout gs_push_layout(const struct push_batch *batch, const struct remote_app *remote)
{
    enum gs_layout layout = remote->layout;
    if (layout == GS_LAYOUT_NONE)
        (void)gs_layout_from_text(batch->session->config.layout, &layout);
    return layout;
}

static enum gs_held held_by(const struct remote_app *remote, const struct local_version *local)
{
    if (!remote->entry)
        return GS_HELD_UNKNOWN;
    return strcmp(remote->document_id, local->version.document_id) == 0 ? GS_HELD_SAME
                                                                        : GS_HELD_OTHER;
}

static bool brings_document(const struct gs_edit *edit, const struct local_version *local)
{
    const struct ready_document *ready = &local->ready;
    return edit->blob ? edit->blob == &ready->blob
                      : ready->opened && edit->content.data == ready->bytes.data;
}

// The next push of the app meets what this one writes.
static void note_written(struct push_batch *batch, const struct push_item *item,
                         const struct local_version *local, const struct gs_commit_request *made)
{
    struct known_document known = {.plain = gs_scan_is_empty(&local->ready.summary.scan)};
    snprintf(known.id, sizeof known.id, "%s", item->document_id);
    for (size_t i = 0; i < made->edit_count; i++)
        for (size_t j = 0; brings_document(&made->edits[i], local) && j < item->file_count; j++)
            if (strcmp(made->edits[i].path, item->files[j].path) == 0)
                gs_known_put(batch->session->sync->known, &item->files[j].oid, &known);
}

static enum gs_status build(struct push_batch *batch, struct push_item *item, enum gs_layout layout,
                            const struct gs_layout_push *push, struct gs_oid *tip,
                            struct gs_commit_request *out_request, struct gs_error *err)
{
    struct session *session = batch->session;
    struct gs_arena *arena = item->task->arena;
    struct gs_edit *edits;
    struct gs_commit_request request = {.parent = *tip,
                                        .author_name = session->config.author_name,
                                        .author_email = session->config.author_email,
                                        .message = item->task->request.message,
                                        .when_ms = push->when_ms};
    enum gs_status status = gs_layout_plan_push(session->repo->mirror, tip, layout, push, arena,
                                                &edits, &request.edit_count, err);
    if (status != GS_OK)
        return status;
    struct gs_oid commit = *tip;
    struct gs_file_change *changes = NULL;
    size_t count = 0;
    request.edits = edits;
    if (request.edit_count > 0)
        status = gs_mirror_commit(session->repo->mirror, &request, arena, &commit, &changes, &count,
                                  err);
    if (status != GS_OK)
        return status;
    item->commit = commit;
    if (gs_oid_eq(&commit, tip))
        item->commit.hex[0] = 0;
    item->files = changes;
    item->file_count = count;
    *tip = commit;
    *out_request = request;
    return GS_OK;
}

enum gs_status gs_push_build_commit(struct push_batch *batch, struct push_item *item,
                                    const struct remote_app *remote, struct local_version *local,
                                    struct gs_oid *tip, struct gs_error *err)
{
    struct gs_commit_request made;
    struct ready_document *ready = &local->ready;
    enum gs_layout layout = gs_push_layout(batch, remote);
    enum gs_status status = GS_OK;
    if (layout != GS_LAYOUT_SINGLE_FILE || !ready->blob)
        status = gs_ready_open(batch->session->sync, ready, err);
    if (status != GS_OK)
        return status;
    struct gs_layout_push push = {
        .git_app_id = item->git_app_id,
        .app_name = local->app.name,
        .version_id = ready->summary.version_id,
        .version_name = ready->summary.version_name,
        .message = gs_arena_dup_slice(item->task->arena, item->task->request.message),
        .user = batch->session->config.author_name,
        .when_ms = gs_clock_now_ms(),
        .document = gs_buf_slice(&ready->bytes),
        .blob = &ready->blob,
        .held = held_by(remote, local),
    };
    status = build(batch, item, layout, &push, tip, &made, err);
    if (status == GS_OK)
        note_written(batch, item, local, &made);
    return status;
}

enum gs_status gs_push_build_rename(struct push_batch *batch, struct push_item *item,
                                    const struct remote_app *remote, const char *name,
                                    struct gs_oid *tip, struct gs_error *err)
{
    struct gs_arena *arena = item->task->arena;
    struct gs_commit_request made;
    struct gs_layout_push push = {
        .git_app_id = item->git_app_id,
        .app_name = name,
        .version_id = remote->entry->version_id,
        .version_name = remote->entry->version_name,
        .message = gs_arena_dup_slice(arena, item->task->request.message),
        .user = batch->session->config.author_name,
        .when_ms = gs_clock_now_ms(),
        .document = gs_buf_slice(&remote->document),
        .held = GS_HELD_SAME,
    };
    return build(batch, item, remote->layout, &push, tip, &made, err);
}

// ---- One commit of all -------------------------------------------------------------------

// The file changes of the commits that become one, in their order.
struct change_log {
    struct gs_file_change *items;
    size_t count, capacity;
};

static void log_changes(struct change_log *log, const struct push_item *made)
{
    struct gs_arena *arena = made->task->arena;
    if (log->count + made->file_count > log->capacity) {
        log->capacity = 2 * (log->count + made->file_count);
        struct gs_file_change *grown = gs_arena_array(arena, log->capacity, sizeof *grown);
        if (log->count > 0)
            memcpy(grown, log->items, log->count * sizeof *grown);
        log->items = grown;
    }
    if (made->file_count > 0)
        memcpy(log->items + log->count, made->files, made->file_count * sizeof *log->items);
    log->count += made->file_count;
}

static void log_all(struct change_log *log, const struct push_item *made, size_t count)
{
    for (size_t i = 0; i < count; i++)
        log_changes(log, &made[i]);
}

static enum gs_status unite(struct push_batch *batch, struct push_item *item,
                            const struct change_log *log, const struct gs_oid *base,
                            struct gs_oid *tip, struct gs_error *err)
{
    struct session *session = batch->session;
    struct gs_commit_request request = {.parent = *base,
                                        .author_name = session->config.author_name,
                                        .author_email = session->config.author_email,
                                        .message = item->task->request.message,
                                        .when_ms = gs_clock_now_ms()};
    struct gs_oid united;
    struct gs_file_change *files;
    enum gs_status status = gs_mirror_squash(session->repo->mirror, &request, tip, &united, err);
    if (status != GS_OK)
        return status;
    gs_file_changes_join(log->items, log->count, item->task->arena, &files, &item->file_count);
    item->files = files;
    item->commit = united;
    *tip = united;
    return GS_OK;
}

enum gs_status gs_push_commit_item(struct push_batch *batch, struct push_item *item,
                                   struct remote_app *remote, struct local_version *local,
                                   struct gs_oid *tip, struct gs_error *err)
{
    struct gs_oid top = *tip;
    struct change_log log = {.items = NULL};
    enum gs_status status = gs_push_make_way(batch, item, remote, local, &top, err);
    log_all(&log, item->renames, item->rename_count);
    if (status == GS_OK)
        status = gs_push_carry_modules(batch, item, remote, &local->ready.summary.scan, &top, err);
    log_all(&log, item->modules, item->module_count);
    if (status == GS_OK)
        status = gs_push_build_commit(batch, item, remote, local, &top, err);
    if (status == GS_OK && item->module_count + item->rename_count > 0)
        log_changes(&log, item);
    if (status == GS_OK)
        status = gs_push_end_renames(batch, item, &top, err);
    log_all(&log, item->renames, item->rename_count);
    if (status == GS_OK && log.count > 0 && !gs_oid_eq(&top, tip))
        status = unite(batch, item, &log, tip, &top, err);
    if (status == GS_OK)
        *tip = top;
    return status;
}
