// A queue per repository and workers that take whole batches from it. Different repositories run side by side,
// one repository never does twice.
// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "base/files.h"
#include "sync/ahead_internal.h"
#include "sync/group_internal.h"

enum { BATCH_MAX = 256 };

// Calls of one class and one organization share their exchanges with the host.
enum batch_class { CLASS_SETTLE, CLASS_PUSH, CLASS_PULL, CLASS_CONVERT, CLASS_CONFIGURE };

struct task *gs_task_new(void)
{
    struct task *task = gs_xcalloc(1, sizeof *task);
    task->arena = gs_arena_new();
    gs_buf_init(&task->json, RESULT_MAX_BYTES);
    return task;
}

void gs_task_finish(struct task *task)
{
    struct gs_sync_answer answer = {.operation_id = task->op.id,
                                    .recorded = task->recorded,
                                    .unsettled = task->left_open,
                                    .json = task->json,
                                    .err = task->err};
    gs_task_answer(task, &answer);
    gs_ahead_free(task->ahead);
    gs_buf_release(&answer.json);
    gs_error_release(&answer.err);
    gs_arena_free(task->arena);
    free(task);
}

static enum batch_class class_of(const struct task *task)
{
    if (task->request.kind == GS_SYNC_CONVERT)
        return CLASS_CONVERT;
    // On their own, so that what others do has no part in how they end.
    if (task->settling)
        return CLASS_SETTLE;
    switch (task->request.kind) {
    case GS_SYNC_PUSH:
        return CLASS_PUSH;
    case GS_SYNC_CREATE:
    case GS_SYNC_PULL:
    case GS_SYNC_PROMOTE:
    case GS_SYNC_STATUS:
    case GS_SYNC_HISTORY:
    case GS_SYNC_LIST:
    case GS_SYNC_CHECK:
    case GS_SYNC_RERELEASE:
        return CLASS_PULL;
    case GS_SYNC_ROLLBACK:
        return task->request.push ? CLASS_PUSH : CLASS_PULL;
    case GS_SYNC_CONVERT: // see above
    case GS_SYNC_CONFIGURE:
    case GS_SYNC_TEST:
    case GS_SYNC_PUSH_ALL: // never queued as such
    case GS_SYNC_PULL_ALL:
        break;
    }
    return CLASS_CONFIGURE;
}

static bool goes_with(const struct task *first, const struct task *task)
{
    enum batch_class class = class_of(first);
    return class != CLASS_CONFIGURE && class != CLASS_CONVERT && class_of(task) == class &&
           strcmp(task->organization_id, first->organization_id) == 0;
}

// Unlinks the first task and all that may travel with it, keeping the order of both lists.
static struct task *take_batch(struct repository *repo)
{
    struct task *batch = repo->first, *batch_last = batch;
    repo->first = batch->next;
    size_t count = 1;
    for (struct task **link = &repo->first; *link;) {
        struct task *task = *link;
        if (count >= BATCH_MAX && !gs_group_has_both(batch_last, task))
            break;
        if (!goes_with(batch, task)) {
            link = &task->next;
            continue;
        }
        *link = task->next;
        batch_last->next = task;
        batch_last = task;
        count++;
    }
    batch_last->next = NULL;
    repo->last = repo->first;
    while (repo->last && repo->last->next)
        repo->last = repo->last->next;
    repo->sync->waiting -= count;
    repo->unpacked += count;
    return batch;
}

void gs_tasks_fail(struct gs_sync *sync, struct task *tasks, const struct gs_error *err)
{
    for (struct task *task = tasks; task; task = task->next) {
        struct gs_error copy = *err;
        copy.details = NULL;
        if (!task->ended)
            gs_task_fail(sync, task, &copy);
    }
}

// Those who wait together have the same time; one that was put off keeps what is left of its own.
static int64_t give_time(struct gs_sync *sync, struct task *batch)
{
    int64_t now = gs_clock_mono_ms(), deadline = now;
    for (struct task *task = batch; task; task = task->next) {
        if (task->deadline_ms <= now)
            task->deadline_ms = now + sync->options.git_timeout_ms;
        if (task->deadline_ms > deadline)
            deadline = task->deadline_ms;
    }
    return deadline;
}

static bool is_any_left(const struct task *batch)
{
    while (batch && batch->ended)
        batch = batch->next;
    return batch != NULL;
}

// The organization may have been associated with another repository since it made the call. That has a mirror and a queue of its own.
static bool is_moved(const struct session *session, const struct task *task)
{
    char now[GS_MIRROR_NAME + 1], then[GS_MIRROR_NAME + 1];
    gs_mirrors_name(session->config.git_url, now);
    gs_mirrors_name(task->git_url ? task->git_url : session->config.git_url, then);
    return strcmp(now, session->repo->name) != 0 || strcmp(now, then) != 0;
}

static void fail_moved(struct gs_sync *sync, struct task *task)
{
    struct gs_error err = GS_ERROR_INIT;
    if (task->settling)
        (void)gs_fail(&err, GS_CODE_CONFLICT, NULL,
                      "the organization was associated with another repository before it was "
                      "known whether the push had arrived; look for commit %.12s in %s",
                      task->op.commit, task->git_url ? task->git_url : "the one before");
    else
        (void)gs_fail(&err, GS_CODE_CONFLICT, NULL,
                      "the organization was associated with another repository while the call "
                      "waited; nothing was changed, repeat it");
    gs_task_fail(sync, task, &err);
}

static enum gs_status open_stored(struct session *session, struct task *batch, struct gs_error *err)
{
    enum gs_status status = gs_session_load_config(session, batch->organization_id, err);
    for (struct task *task = batch; status == GS_OK && task; task = task->next)
        if (!task->ended && is_moved(session, task))
            fail_moved(session->sync, task);
    return status == GS_OK && is_any_left(batch) ? gs_session_connect(session, err) : status;
}

// Ends those that were cancelled while they waited; whether any is left.
static bool begin_batch(struct gs_sync *sync, struct task *batch)
{
    for (struct task *task = batch; task; task = task->next) {
        struct gs_error err = GS_ERROR_INIT;
        if (task->ended || gs_task_check(task, &err) == GS_OK)
            continue;
        gs_task_fail(sync, task, &err);
        gs_group_skip_others(sync, task, batch);
    }
    for (struct task *task = batch; task; task = task->next)
        gs_task_enter(task, PHASE_CONNECTING);
    return is_any_left(batch);
}

static void run_batch(struct repository *repo, struct task *batch)
{
    struct session session = {.sync = repo->sync,
                              .repo = repo,
                              .arena = gs_arena_new(),
                              .deadline_ms = give_time(repo->sync, batch)};
    struct gs_error err = GS_ERROR_INIT;
    enum batch_class class = class_of(batch);
    if (class == CLASS_CONFIGURE) {
        gs_sync_run_configure(&session, batch);
    } else if (open_stored(&session, batch, &err) != GS_OK) {
        gs_tasks_fail(repo->sync, batch, &err);
    } else if (class == CLASS_PULL) {
        gs_sync_run_pulls(&session, batch);
    } else if (is_any_left(batch)) {
        gs_sync_run_pushes(&session, batch);
    }
    if (repo->mirror)
        gs_mirror_drop_unsent(repo->mirror);
    gs_error_release(&err);
    // Nobody may take one for done that was not.
    (void)gs_fail(&err, GS_CODE_INTERNAL, NULL, "the call came to no end");
    gs_tasks_fail(repo->sync, batch, &err);
    gs_error_release(&err);
    gs_session_release(&session);
}

static void finish_tasks(struct task *tasks)
{
    while (tasks) {
        struct task *next = tasks->next;
        gs_task_finish(tasks);
        tasks = next;
    }
}

void gs_repository_run(void *arg)
{
    struct repository *repo = arg;
    struct gs_sync *sync = repo->sync;
    pthread_mutex_lock(&sync->lock);
    gs_repository_wake_unsettled(repo);
    struct task *batch = repo->first ? take_batch(repo) : NULL;
    pthread_mutex_unlock(&sync->lock);
    if (batch && begin_batch(sync, batch))
        run_batch(repo, batch);
    pthread_mutex_lock(&sync->lock);
    batch = gs_tasks_put_back(repo, batch);
    pthread_mutex_unlock(&sync->lock);
    finish_tasks(batch);
    gs_mirrors_touch(repo->folder);
    pthread_mutex_lock(&sync->lock);
    gs_upkeep_note(repo);
    gs_schedule_end(repo);
    gs_upkeep_close_surplus(sync);
    pthread_mutex_unlock(&sync->lock);
}

const char *gs_sync_mirror_folder(const struct gs_sync *sync, const char *git_url,
                                  struct gs_arena *arena)
{
    char name[GS_MIRROR_NAME + 1];
    gs_mirrors_name(git_url, name);
    return gs_arena_printf(arena, "%s/%s", sync->folder, name);
}

bool gs_repository_has_single_files(struct gs_sync *sync, const char *git_url)
{
    char name[GS_MIRROR_NAME + 1];
    gs_mirrors_name(git_url, name);
    pthread_mutex_lock(&sync->lock);
    const struct repository *repo = gs_map_get(&sync->repositories, gs_slice_str(name));
    bool single_files = repo && repo->single_files;
    pthread_mutex_unlock(&sync->lock);
    return single_files;
}

static struct repository *find_repository(struct gs_sync *sync, const char *git_url)
{
    char name[GS_MIRROR_NAME + 1];
    gs_mirrors_name(git_url, name);
    struct repository *repo = gs_map_get(&sync->repositories, gs_slice_str(name));
    if (repo)
        return repo;
    repo = gs_xcalloc(1, sizeof *repo);
    repo->sync = sync;
    memcpy(repo->name, name, sizeof name);
    size_t size = strlen(sync->folder) + sizeof name + 1;
    repo->folder = gs_xcalloc(size, 1);
    snprintf(repo->folder, size, "%s/%s", sync->folder, repo->name);
    repo->used_ms = gs_clock_mono_ms();
    // What gathered before the start is not known.
    repo->unpacked = UNPACKED_TASKS;
    gs_map_put(&sync->repositories, gs_slice_str(repo->name), repo);
    gs_schedule_join(repo, git_url);
    return repo;
}

// With the lock held.
static void append(struct gs_sync *sync, const char *git_url, struct task *task)
{
    struct repository *repo = find_repository(sync, git_url);
    *(repo->last ? &repo->last->next : &repo->first) = task;
    for (; task; task = task->next) {
        repo->last = task;
        sync->waiting++;
        gs_live_add(repo, task);
    }
    // What is unsettled comes before what may rest on it.
    repo->settle_at_ms = 0;
    gs_schedule(repo);
}

void gs_sync_enqueue_accepted(struct gs_sync *sync, const char *git_url, struct task *task)
{
    pthread_mutex_lock(&sync->lock);
    append(sync, git_url, task);
    pthread_mutex_unlock(&sync->lock);
}

enum gs_status gs_sync_enqueue(struct gs_sync *sync, const char *git_url, struct task *task,
                               struct gs_error *err)
{
    pthread_mutex_lock(&sync->lock);
    bool room = sync->waiting < sync->options.queue_limit;
    if (room)
        append(sync, git_url, task);
    pthread_mutex_unlock(&sync->lock);
    if (room)
        return GS_OK;
    return gs_fail(err, GS_CODE_OVERLOADED, NULL,
                   "too many calls wait for their git host; try again later");
}

void gs_sync_count(struct gs_sync *sync, struct gs_sync_counts *out_counts)
{
    pthread_mutex_lock(&sync->lock);
    struct gs_sync_counts counts = {.waiting = sync->waiting, .running = sync->running};
    for (const struct repository *repo = sync->parked; repo; repo = repo->next) {
        counts.parked++;
        for (const struct task *task = repo->unsettled; task; task = task->next)
            counts.unsettled++;
    }
    counts.mirrors = sync->upkeep.mirrors;
    counts.mirror_bytes = sync->upkeep.bytes;
    pthread_mutex_unlock(&sync->lock);
    *out_counts = counts;
}

static void init_lock(struct gs_sync *sync)
{
    gs_clock_cond_init(&sync->wake);
    gs_clock_cond_init(&sync->upkeep.wake);
    gs_clock_cond_init(&sync->upkeep.left);
    pthread_mutex_init(&sync->lock, NULL);
}

enum gs_status gs_sync_new(const struct gs_sync_options *options, struct gs_sync **out_sync,
                           struct gs_error *err)
{
    enum gs_status status = gs_dir_make(options->folder, 0700, err);
    if (status != GS_OK)
        return status;
    struct gs_sync *sync = gs_xcalloc(1, sizeof *sync);
    sync->options = *options;
    sync->folder = gs_xstrdup(options->folder);
    init_lock(sync);
    sync->known = gs_known_new();
    gs_map_init(&sync->repositories);
    gs_map_init(&sync->lanes);
    gs_map_init(&sync->live);
    // One place for each repository that may run: the others wait in their lanes.
    status = gs_pool_new("git", options->workers, options->workers, &sync->pool, err);
    if (status == GS_OK)
        status = gs_schedule_start(sync, err);
    if (status == GS_OK)
        *out_sync = sync;
    else
        gs_sync_free(sync);
    return status;
}

void gs_sync_stop(struct gs_sync *sync)
{
    gs_schedule_stop(sync);
    gs_live_dismiss(sync);
    gs_upkeep_stop(sync);
}

void gs_repository_free(struct repository *repo)
{
    // Their operations are open, and the next start settles them.
    for (struct task *task = repo->unsettled; task; task = task->next)
        (void)gs_fail(&task->err, GS_CODE_SHUTTING_DOWN, NULL, "the server is stopping");
    finish_tasks(repo->unsettled);
    gs_schedule_leave(repo);
    gs_mirror_close(repo->mirror);
    gs_rsa_key_free(repo->app_key);
    free(repo->key_owner);
    free(repo->expected.ref);
    free(repo->folder);
    free(repo);
}

void gs_sync_free(struct gs_sync *sync)
{
    if (!sync)
        return;
    gs_schedule_stop(sync);
    gs_upkeep_stop(sync);
    gs_pool_free(sync->pool);
    void *repo;
    for (size_t cursor = 0; gs_map_next(&sync->repositories, &cursor, NULL, &repo);)
        gs_repository_free(repo);
    gs_map_release(&sync->repositories);
    gs_map_release(&sync->lanes);
    gs_map_release(&sync->live);
    gs_known_free(sync->known);
    pthread_cond_destroy(&sync->wake);
    pthread_cond_destroy(&sync->upkeep.wake);
    pthread_cond_destroy(&sync->upkeep.left);
    pthread_mutex_destroy(&sync->lock);
    free(sync->folder);
    free(sync);
}
