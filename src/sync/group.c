// Calls for all apps of an organization: makes a task of each, gives them to the queue together, and gathers their answers.
// SPDX-License-Identifier: Apache-2.0
#include "base/crash.h"
#include "sync/group_internal.h"

// One app of the call, and how it ended.
struct group_part {
    struct group *group;
    const char *app_id, *name;
    const char *operation_id; // or NULL
    struct gs_buf json;
    struct gs_error err;
};

static void free_group(struct group *group)
{
    for (size_t i = 0; i < group->count; i++) {
        gs_buf_release(&group->parts[i].json);
        gs_error_release(&group->parts[i].err);
    }
    pthread_mutex_destroy(&group->lock);
    gs_arena_free(group->arena);
    free(group);
}

bool gs_group_has_both(const struct task *a, const struct task *b)
{
    return a->group && a->group == b->group;
}

void gs_group_skip_others(struct gs_sync *sync, const struct task *failed, struct task *tasks)
{
    if (!failed->group || !failed->group->all_or_none)
        return;
    for (struct task *task = tasks; task; task = task->next) {
        struct gs_error err = GS_ERROR_INIT;
        if (task == failed || task->ended || !gs_group_has_both(failed, task))
            continue;
        (void)gs_fail(&err, GS_CODE_SKIPPED, NULL,
                      "another app of the same call failed, and continueOnError is false");
        gs_task_fail(sync, task, &err);
    }
}

// ---- Gathering the answers -------------------------------------------------------------

static const char *status_of(const struct group_part *part, yyjson_doc *json)
{
    if (part->err.code == GS_CODE_SKIPPED)
        return "skipped";
    if (part->err.code != GS_CODE_NONE)
        return "failed";
    const char *status = yyjson_get_str(yyjson_obj_get(yyjson_doc_get_root(json), "status"));
    return status ? status : "failed";
}

// The members of the part's own answer, behind whose it is.
static void add_answer(yyjson_mut_doc *doc, yyjson_mut_val *obj, yyjson_doc *json)
{
    size_t i, n;
    yyjson_val *key, *value;
    yyjson_obj_foreach(yyjson_doc_get_root(json), i, n, key, value)
    {
        if (yyjson_equals_str(key, "appId") || yyjson_equals_str(key, "dryRun"))
            continue;
        yyjson_mut_obj_add(obj, yyjson_val_mut_copy(doc, key), yyjson_val_mut_copy(doc, value));
    }
}

static enum gs_status add_part(const struct group_part *part, yyjson_mut_doc *doc,
                               yyjson_mut_val *list, yyjson_mut_val *summary, struct gs_error *err)
{
    GS_CLEANUP(gs_json_cleanup) yyjson_doc *json = NULL;
    bool failed = part->err.code != GS_CODE_NONE;
    enum gs_status status =
        failed ? GS_OK : gs_json_parse(gs_buf_slice(&part->json), "an answer", &json, err);
    if (status != GS_OK)
        return status;
    const char *outcome = status_of(part, json);
    yyjson_mut_val *count = yyjson_mut_obj_get(summary, outcome);
    if (count)
        yyjson_mut_set_sint(count, yyjson_mut_get_sint(count) + 1);
    yyjson_mut_val *obj = yyjson_mut_arr_add_obj(doc, list);
    gs_json_add_cstr(doc, obj, "appId", part->app_id);
    gs_json_add_cstr(doc, obj, "name", part->name);
    if (!failed) {
        add_answer(doc, obj, json);
        return GS_OK;
    }
    gs_json_add_cstr(doc, obj, "status", outcome);
    gs_report_failure(&part->err, doc, obj);
    gs_json_add_cstr(doc, obj, "operationId", part->operation_id);
    return GS_OK;
}

static yyjson_mut_val *begin_summary(const struct group *group, yyjson_mut_doc *doc)
{
    static const char *const of_pushes[] = {"pushed", "up_to_date", "failed", "skipped", NULL};
    static const char *const of_pulls[] = {"updated", "merged",  "up_to_date",
                                           "failed",  "skipped", NULL};
    yyjson_mut_val *summary = yyjson_mut_obj(doc);
    yyjson_mut_obj_add_sint(doc, summary, "total", (int64_t)group->count);
    const char *const *words = group->request.kind == GS_SYNC_PUSH_ALL ? of_pushes : of_pulls;
    for (; *words; words++)
        yyjson_mut_obj_add_sint(doc, summary, *words, 0);
    return summary;
}

// Why the call as a whole has failed: the first part that did by itself, when one failure was to be enough.
static const struct group_part *find_failure(const struct group *group)
{
    for (size_t i = 0; group->all_or_none && i < group->count; i++) {
        enum gs_code code = group->parts[i].err.code;
        if (code != GS_CODE_NONE && code != GS_CODE_SKIPPED)
            return &group->parts[i];
    }
    return NULL;
}

static void fail_whole(const struct group_part *part, yyjson_mut_doc *doc, yyjson_mut_val *list,
                       struct gs_error *err)
{
    GS_CLEANUP(gs_buf_release) struct gs_buf text = {.max = RESULT_MAX_BYTES};
    (void)gs_fail(err, part->err.code, NULL, "app '%s': %s", part->name, part->err.message);
    err->retry_after_s = part->err.retry_after_s;
    yyjson_mut_doc_set_root(doc, list);
    if (gs_json_write_mut(doc, &text, NULL) == GS_OK)
        gs_error_take_details(err, gs_buf_take(&text, NULL));
}

static enum gs_status write_answer(const struct group *group, struct gs_buf *out,
                                   struct gs_error *err)
{
    GS_CLEANUP(gs_json_cleanup_mut) yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    if (group->request.dry_run)
        yyjson_mut_obj_add_bool(doc, root, "dryRun", true);
    yyjson_mut_val *list = yyjson_mut_arr(doc), *summary = begin_summary(group, doc);
    enum gs_status status = GS_OK;
    for (size_t i = 0; status == GS_OK && i < group->count; i++)
        status = add_part(&group->parts[i], doc, list, summary, err);
    if (status != GS_OK)
        return status;
    const struct group_part *failure = find_failure(group);
    if (failure) {
        fail_whole(failure, doc, list, err);
        return gs_error_status(err);
    }
    yyjson_mut_obj_add_val(doc, root, "data", list);
    yyjson_mut_obj_add_val(doc, root, "summary", summary);
    return gs_json_write_mut(doc, out, err);
}

static void finish(struct group *group)
{
    struct gs_sync_answer answer = {.operation_id = NULL};
    gs_buf_init(&answer.json, RESULT_MAX_BYTES);
    if (write_answer(group, &answer.json, &answer.err) != GS_OK)
        gs_buf_release(&answer.json);
    group->done(group->arg, &answer);
    gs_buf_release(&answer.json);
    gs_error_release(&answer.err);
    free_group(group);
}

// A gs_sync_done of one part.
static void take_answer(void *arg, struct gs_sync_answer *answer)
{
    struct group_part *part = arg;
    struct group *group = part->group;
    pthread_mutex_lock(&group->lock);
    part->operation_id = gs_arena_strdup(group->arena, answer->operation_id);
    part->json = answer->json;
    gs_buf_init(&answer->json, 0);
    gs_error_move(&part->err, &answer->err);
    bool last = --group->pending == 0;
    pthread_mutex_unlock(&group->lock);
    if (last)
        finish(group);
}

// ---- Making the tasks ------------------------------------------------------------------

struct gathering {
    struct group *group;
    struct gs_app *apps;
    size_t app_count;
    const char *git_url;
    struct task *first, **last;
};

// The request of one app; false when the call does not concern it.
static enum gs_status choose_version(struct gs_tx *tx, struct group *group,
                                     const struct gs_app *app, struct gs_sync_request *out_request,
                                     bool *out_chosen, struct gs_error *err)
{
    const struct gs_sync_request *request = &group->request;
    struct gs_version *versions;
    struct gs_git_link link;
    size_t count = 0;
    enum gs_status status;
    *out_request = (struct gs_sync_request){
        .app_id = app->id,
        .message = request->message,
        .divergence = request->divergence,
        .max_deletions = request->max_deletions,
        .dry_run = request->dry_run,
        .allow_secrets = request->allow_secrets,
    };
    if (request->kind == GS_SYNC_PULL_ALL) {
        out_request->kind = GS_SYNC_PULL;
        status = gs_store_get_link(tx, app->id, group->arena, &link, err);
        *out_chosen = status == GS_OK;
        if (status != GS_NOT_FOUND)
            return status;
        gs_error_release(err);
        return GS_OK;
    }
    out_request->kind = GS_SYNC_PUSH;
    status = gs_store_list_versions(tx, app->id, group->arena, &versions, &count, err);
    *out_chosen = status == GS_OK && count > 0;
    if (*out_chosen)
        out_request->version_id = versions[0].id;
    return status;
}

static void add_task(struct gathering *gathering, const struct gs_app *app,
                     const struct gs_sync_request *request)
{
    struct group *group = gathering->group;
    struct group_part *part = &group->parts[group->count++];
    *part = (struct group_part){.group = group, .app_id = app->id, .name = app->name};
    struct task *task = gs_task_new();
    gs_task_copy_request(task, request);
    task->organization_id = gs_arena_strdup(task->arena, app->organization_id);
    task->git_url = gs_arena_strdup(task->arena, gathering->git_url);
    task->group = group;
    task->done = take_answer;
    task->arg = part;
    *gathering->last = task;
    gathering->last = &task->next;
}

static enum gs_status gather(struct gs_sync *sync, struct gathering *gathering,
                             struct gs_error *err)
{
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    struct group *group = gathering->group;
    const char *organization_id = group->request.organization_id;
    enum gs_status status = gs_tx_read(sync->options.store, &tx, err);
    if (status == GS_OK)
        status = gs_workspace_check_organization(tx, organization_id, group->arena, err);
    if (status == GS_OK)
        status = gs_stored_git_url(tx, organization_id, group->arena, &gathering->git_url, err);
    if (status == GS_OK)
        status = gs_store_list_apps(tx, organization_id, group->arena, &gathering->apps,
                                    &gathering->app_count, err);
    if (status != GS_OK)
        return status;
    group->parts = gs_arena_array(group->arena, gathering->app_count, sizeof *group->parts);
    for (size_t i = 0; status == GS_OK && i < gathering->app_count; i++) {
        struct gs_sync_request request;
        bool chosen = false;
        status = choose_version(tx, group, &gathering->apps[i], &request, &chosen, err);
        if (status == GS_OK && chosen)
            add_task(gathering, &gathering->apps[i], &request);
    }
    return status;
}

static struct group *new_group(const struct gs_sync_request *request, gs_sync_done *done, void *arg)
{
    struct group *group = gs_xcalloc(1, sizeof *group);
    group->arena = gs_arena_new();
    group->request = *request;
    // The message is the caller's, and only needed while the tasks are made.
    group->request.organization_id = gs_arena_strdup(group->arena, request->organization_id);
    group->one_commit = request->one_commit;
    group->all_or_none = request->stop_on_error;
    group->done = done;
    group->arg = arg;
    pthread_mutex_init(&group->lock, NULL);
    return group;
}

// Nobody is told: the call fails as a whole.
static void abandon(struct gs_sync *sync, struct gathering *gathering, const struct gs_error *err)
{
    for (struct task *task = gathering->first, *next; task; task = next) {
        struct gs_error copy = *err;
        copy.details = NULL;
        next = task->next;
        task->done = NULL;
        gs_task_fail(sync, task, &copy);
        gs_task_finish(task);
    }
    free_group(gathering->group);
}

enum gs_status gs_group_start(struct gs_sync *sync, const struct gs_sync_request *request,
                              gs_sync_done *done, void *arg, struct gs_error *err)
{
    struct gathering gathering = {.group = new_group(request, done, arg)};
    gathering.last = &gathering.first;
    enum gs_status status = gs_request_check_message(request, err);
    if (status == GS_OK)
        status = gather(sync, &gathering, err);
    gathering.group->pending = gathering.group->count;
    if (status == GS_OK && !gathering.first) {
        finish(gathering.group);
        return GS_OK;
    }
    if (status == GS_OK && !request->dry_run)
        status = gs_operation_insert(sync, gathering.first, err);
    gs_crash_point("submit.recorded");
    if (status == GS_OK)
        status = gs_sync_enqueue(sync, gathering.git_url, gathering.first, err);
    if (status != GS_OK)
        abandon(sync, &gathering, err);
    return status;
}
