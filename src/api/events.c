// Operations as they go on, as server-sent events (WHATWG HTML, 9.2): one thread looks after all streams whenever an
// operation made a step, and lets those hear of it whose operation it was.
// SPDX-License-Identifier: Apache-2.0
#include "api/api_internal.h"
#include "base/clock.h"
#include "base/random.h"

enum {
    BEAT_MS = 15000,
    EVENT_MAX_BYTES = 1 << 20,
    WAITING_MAX_BYTES = 2 * EVENT_MAX_BYTES, // for a client that reads slowly
    EVENT_ID_SIZE = 64,
    FULL_AGAIN_S = 5,
};

// What was last known of an operation, to see whether there is anything to tell.
struct glimpse {
    enum gs_operation_state state;
    int progress;
    char phase[32];
    int64_t updated_at;
};

struct watch {
    struct watch *next;
    struct gs_http_stream *stream;
    char id[GS_UUID_TEXT + 1];
    struct glimpse live, told;
    int64_t beat_ms; // monotonic; when something has to be sent at the latest
};

struct events {
    struct gs_api *api;
    pthread_t thread;
    pthread_mutex_t lock; // guards what follows
    pthread_cond_t wake;
    struct watch *added; // not yet the thread's
    size_t count;        // of all
    bool changed, stopping;
    struct watch *watches; // the thread's own
};

// ---- One stream -----------------------------------------------------------------------------

static struct glimpse glimpse_of(const struct gs_operation *op)
{
    struct glimpse glimpse = {
        .state = op->state, .progress = op->progress, .updated_at = op->updated_at};
    snprintf(glimpse.phase, sizeof glimpse.phase, "%s", op->phase ? op->phase : "");
    return glimpse;
}

static bool is_same(const struct glimpse *a, const struct glimpse *b)
{
    return a->state == b->state && a->progress == b->progress && a->updated_at == b->updated_at &&
           strcmp(a->phase, b->phase) == 0;
}

// The id of the event that tells it, for a client that comes back with it as Last-Event-ID.
static void name_event(const struct glimpse *glimpse, char out[EVENT_ID_SIZE])
{
    snprintf(out, EVENT_ID_SIZE, "%lld-%s%s%s", (long long)glimpse->updated_at,
             gs_operation_state_text(glimpse->state), glimpse->phase[0] ? "-" : "", glimpse->phase);
}

// Whether another look at the store can tell something new; a running operation's steps are in memory alone.
static bool has_moved(struct events *events, struct watch *watch)
{
    struct gs_operation probe = {.id = watch->id, .state = GS_OP_QUEUED};
    gs_sync_overlay(events->api->options.sync, &probe, 1);
    struct glimpse live = glimpse_of(&probe);
    bool unchanged = live.updated_at > 0 && is_same(&live, &watch->live);
    watch->live = live;
    return !unchanged;
}

static enum gs_status read_operation(struct events *events, const struct watch *watch,
                                     struct gs_arena *arena, struct gs_operation *out_op)
{
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    enum gs_status status = gs_tx_read(events->api->options.store, &tx, NULL);
    if (status == GS_OK)
        status = gs_store_get_operation(tx, watch->id, arena, out_op, NULL);
    if (status == GS_OK)
        gs_sync_overlay(events->api->options.sync, out_op, 1);
    return status;
}

static bool write_event(const struct gs_operation *op, yyjson_mut_doc *doc, struct gs_buf *out)
{
    struct glimpse glimpse = glimpse_of(op);
    char id[EVENT_ID_SIZE];
    name_event(&glimpse, id);
    gs_buf_clear(out);
    gs_buf_printf(out, "event: %s\nid: %s\ndata: ", gs_operation_is_open(op) ? "progress" : "end",
                  id);
    // The text has no line feed of its own: those in strings are escaped.
    return gs_json_write_mut(doc, out, NULL) == GS_OK && gs_buf_append_str(out, "\n\n");
}

static bool send_event(const struct watch *watch, const struct gs_operation *op)
{
    GS_CLEANUP(gs_json_cleanup_mut) yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    GS_CLEANUP(gs_buf_release) struct gs_buf text = {.max = EVENT_MAX_BYTES};
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    if (gs_view_operation(doc, root, op, NULL) != GS_OK)
        return false;
    if (!write_event(op, doc, &text)) {
        // What is too long for a stream is asked for with GET.
        yyjson_mut_obj_remove_key(root, "result");
        yyjson_mut_obj_remove_key(yyjson_mut_obj_get(root, "error"), "details");
        if (!write_event(op, doc, &text))
            return false;
    }
    return gs_http_stream_write(watch->stream, gs_buf_slice(&text));
}

// Tells the client what is new, or that the server is there. False: the stream is over.
static bool serve(struct events *events, struct watch *watch)
{
    GS_CLEANUP(gs_arena_cleanup) struct gs_arena *arena = gs_arena_new();
    int64_t now = gs_clock_mono_ms();
    struct gs_operation op;
    bool is_new = has_moved(events, watch);
    if (is_new) {
        enum gs_status status = read_operation(events, watch, arena, &op);
        if (status == GS_NOT_FOUND)
            return false;
        struct glimpse seen = status == GS_OK ? glimpse_of(&op) : watch->told;
        // Between the look at the row and the one at its steps the operation may have ended; that is told next.
        bool went_back = seen.progress < watch->told.progress;
        is_new = !went_back && !is_same(&seen, &watch->told);
        if (is_new)
            watch->told = seen;
    }
    if (!is_new && now < watch->beat_ms)
        return true;
    watch->beat_ms = now + BEAT_MS;
    if (!is_new)
        return gs_http_stream_write(watch->stream, GS_SLICE_LIT(":\n\n"));
    return send_event(watch, &op) && gs_operation_is_open(&op);
}

static void end_watch(struct events *events, struct watch *watch)
{
    // First of all: a client that has seen the end finds the place free.
    pthread_mutex_lock(&events->lock);
    events->count--;
    pthread_mutex_unlock(&events->lock);
    gs_http_stream_end(watch->stream);
    free(watch);
}

// ---- All of them ----------------------------------------------------------------------------

// Returns when it has to be done again at the latest.
static int64_t serve_all(struct events *events)
{
    int64_t next_ms = INT64_MAX;
    for (struct watch **link = &events->watches; *link;) {
        struct watch *watch = *link;
        if (!serve(events, watch)) {
            *link = watch->next;
            end_watch(events, watch);
            continue;
        }
        if (watch->beat_ms < next_ms)
            next_ms = watch->beat_ms;
        link = &watch->next;
    }
    return next_ms;
}

static void adopt(struct events *events)
{
    while (events->added) {
        struct watch *watch = events->added;
        events->added = watch->next;
        watch->next = events->watches;
        events->watches = watch;
    }
}

static void wait_until(struct events *events, int64_t ms)
{
    bool in_time = true;
    while (!events->changed && !events->stopping && in_time) {
        if (ms == INT64_MAX)
            pthread_cond_wait(&events->wake, &events->lock);
        else
            in_time = gs_clock_cond_wait(&events->wake, &events->lock, ms);
    }
}

static void *look_after(void *arg)
{
    struct events *events = arg;
    pthread_mutex_lock(&events->lock);
    while (!events->stopping) {
        events->changed = false;
        adopt(events);
        pthread_mutex_unlock(&events->lock);
        int64_t next_ms = serve_all(events);
        pthread_mutex_lock(&events->lock);
        wait_until(events, next_ms);
    }
    adopt(events);
    pthread_mutex_unlock(&events->lock);
    return NULL;
}

static void note_change(void *arg)
{
    struct events *events = arg;
    pthread_mutex_lock(&events->lock);
    events->changed = true;
    pthread_cond_signal(&events->wake);
    pthread_mutex_unlock(&events->lock);
}

// A place for one more stream.
static bool reserve(struct events *events)
{
    pthread_mutex_lock(&events->lock);
    bool room = !events->stopping && events->count < events->api->options.streams_max;
    events->count += room;
    pthread_mutex_unlock(&events->lock);
    return room;
}

static void add_watch(struct events *events, struct watch *watch)
{
    pthread_mutex_lock(&events->lock);
    bool stopping = events->stopping;
    if (!stopping) {
        watch->next = events->added;
        events->added = watch;
        events->changed = true;
        pthread_cond_signal(&events->wake);
    }
    pthread_mutex_unlock(&events->lock);
    if (stopping)
        end_watch(events, watch);
}

enum gs_status gs_events_new(struct gs_api *api, struct gs_error *err)
{
    struct events *events = gs_xcalloc(1, sizeof *events);
    events->api = api;
    pthread_mutex_init(&events->lock, NULL);
    gs_clock_cond_init(&events->wake);
    int rc = pthread_create(&events->thread, NULL, look_after, events);
    if (rc != 0) {
        pthread_cond_destroy(&events->wake);
        pthread_mutex_destroy(&events->lock);
        free(events);
        return gs_fail(err, GS_CODE_INTERNAL, NULL, "cannot start a thread: %s", strerror(rc));
    }
    pthread_setname_np(events->thread, "events");
    api->events = events;
    gs_sync_listen(api->options.sync, note_change, events);
    return GS_OK;
}

void gs_events_stop(struct events *events)
{
    gs_sync_listen(events->api->options.sync, NULL, NULL);
    pthread_mutex_lock(&events->lock);
    events->stopping = true;
    pthread_cond_signal(&events->wake);
    pthread_mutex_unlock(&events->lock);
    pthread_join(events->thread, NULL);
    for (struct watch *watch = events->watches, *next; watch; watch = next) {
        next = watch->next;
        end_watch(events, watch);
    }
}

void gs_events_free(struct events *events)
{
    if (!events)
        return;
    pthread_cond_destroy(&events->wake);
    pthread_mutex_destroy(&events->lock);
    free(events);
}

// ---- The call -------------------------------------------------------------------------------

// Whether the client has heard that already: an EventSource comes back with the id of the last event.
static bool has_heard(const struct call *call, const struct glimpse *now)
{
    const char *last = gs_http_header(call->exchange, "Last-Event-ID");
    char id[EVENT_ID_SIZE];
    name_event(now, id);
    return last && strcmp(last, id) == 0;
}

static void open_stream(struct call *call, const struct gs_operation *op, bool heard)
{
    struct watch *watch = gs_xcalloc(1, sizeof *watch);
    snprintf(watch->id, sizeof watch->id, "%s", op->id);
    watch->beat_ms = gs_clock_mono_ms() + BEAT_MS;
    if (heard)
        watch->told = glimpse_of(op);
    struct events *events = call->api->events;
    // A proxy that gathers the events for later would defeat them.
    gs_http_add_header(call->exchange, "X-Accel-Buffering", "no");
    watch->stream = gs_http_stream_begin(call->exchange, call->route->status, "text/event-stream",
                                         WAITING_MAX_BYTES);
    add_watch(events, watch);
}

enum gs_status gs_operation_events(struct call *call, struct gs_error *err)
{
    struct gs_operation op;
    enum gs_status status = gs_call_operation(call, &op, err);
    if (status != GS_OK)
        return status;
    struct glimpse now = glimpse_of(&op);
    bool heard = has_heard(call, &now);
    if (heard && !gs_operation_is_open(&op)) {
        // The answer after which an EventSource stays away.
        call->status = GS_HTTP_NO_CONTENT;
        gs_call_finish(call, GS_OK, err);
        return GS_OK;
    }
    if (!reserve(call->api->events)) {
        status = gs_fail(err, GS_CODE_OVERLOADED, NULL,
                         "too many streams of events are open; ask for the operation instead");
        err->retry_after_s = FULL_AGAIN_S;
        return status;
    }
    open_stream(call, &op, heard);
    return GS_OK;
}
