// A call from its arrival to its reply: on the server's thread, on a worker, or through the sync.
// SPDX-License-Identifier: Apache-2.0
#include "api/api_internal.h"
#include "base/clock.h"
#include "base/log.h"

struct call *gs_call_new(struct gs_api *api, struct gs_http_exchange *exchange)
{
    struct call *call = gs_arena_alloc(gs_http_arena(exchange), sizeof *call);
    call->api = api;
    call->exchange = exchange;
    call->route = gs_http_route(exchange)->target;
    call->arena = gs_http_arena(exchange);
    gs_buf_init(&call->raw, ANSWER_MAX_BYTES);
    return call;
}

static enum gs_status write_answer(struct call *call, struct gs_error *err)
{
    if (!call->answer)
        return GS_OK;
    return gs_json_write_mut(call->answer, &call->raw, err);
}

static void add_headers(const struct call *call, int status)
{
    struct gs_http_exchange *exchange = call->exchange;
    if (call->operation_id)
        gs_http_add_header(exchange, "X-Operation-Id", call->operation_id);
    if (call->answer_of)
        gs_http_add_header(exchange, "Idempotency-Replayed", "true");
    if (status != GS_HTTP_ACCEPTED)
        return;
    const char *location =
        gs_arena_printf(call->arena, "/api/ext/operations/%s", call->operation_id);
    gs_http_add_header(exchange, "Location", location);
    gs_http_add_header(exchange, "Preference-Applied", "respond-async");
}

void gs_call_send(struct call *call, enum gs_status status, struct gs_error *err)
{
    struct gs_http_exchange *exchange = call->exchange;
    int http = call->status ? call->status : call->route->status;
    const char *request_id = call->answer_of ? call->answer_of : gs_http_request_id(exchange);
    add_headers(call, status == GS_OK ? http : 0);
    if (status == GS_OK && gs_http_status(exchange) == 0)
        gs_http_respond(exchange, http, "application/json; charset=utf-8", &call->raw);
    else if (status != GS_OK)
        gs_api_render_error_of(exchange, err, request_id);
    gs_json_free(call->body);
    gs_json_free_mut(call->answer);
    gs_buf_release(&call->raw);
    gs_error_release(err);
    // The call lives in the exchange's arena: it is gone with the reply.
    gs_http_reply(exchange);
}

void gs_call_finish(struct call *call, enum gs_status status, struct gs_error *err)
{
    if (status == GS_OK)
        status = write_answer(call, err);
    status = gs_key_end(call, status, err);
    gs_call_send(call, status, err);
}

enum gs_status gs_call_body(struct call *call, yyjson_val **out_obj, struct gs_error *err)
{
    struct gs_slice text = gs_http_body(call->exchange);
    if (text.len == 0)
        text = GS_SLICE_LIT("{}");
    enum gs_status status = gs_json_parse(text, "the body", &call->body, err);
    if (status != GS_OK)
        return status;
    yyjson_val *root = yyjson_doc_get_root(call->body);
    if (!yyjson_is_obj(root))
        return gs_fail(err, GS_CODE_INVALID_INPUT, "", "the body must be a JSON object");
    *out_obj = root;
    return GS_OK;
}

yyjson_mut_val *gs_call_answer(struct call *call)
{
    if (!call->answer) {
        call->answer = yyjson_mut_doc_new(NULL);
        yyjson_mut_doc_set_root(call->answer, yyjson_mut_obj(call->answer));
    }
    return yyjson_mut_doc_get_root(call->answer);
}

const char *gs_call_param(const struct call *call, const char *name)
{
    return gs_http_param(call->exchange, name);
}

const char *gs_call_query(const struct call *call, const char *name)
{
    return gs_http_query(call->exchange, name);
}

enum gs_status gs_call_read(struct call *call, struct gs_tx **out_tx, struct gs_error *err)
{
    return gs_tx_read(call->api->options.store, out_tx, err);
}

enum gs_status gs_call_write(struct call *call, struct gs_tx **out_tx, struct gs_error *err)
{
    return gs_tx_write(gs_call_store(call), out_tx, err);
}

static void carry_out(struct call *call);

static void carry_out_job(void *arg)
{
    carry_out(arg);
}

void gs_call_answer_from_sync(void *arg, struct gs_sync_answer *answer)
{
    struct call *call = arg;
    if (gs_key_retry(call, answer) && gs_pool_submit(call->api->pool, carry_out_job, call))
        return;
    if (answer->recorded)
        gs_key_set_recorded(call);
    gs_buf_release(&call->raw);
    call->raw = answer->json;
    gs_buf_init(&answer->json, 0);
    call->operation_id = gs_arena_strdup(call->arena, answer->operation_id);
    gs_call_finish(call, gs_error_status(&answer->err), &answer->err);
}

// The status that the sync stores with the call's key: an operation's outcome tells its own.
static int status_to_record(const struct call *call, const struct gs_sync_request *request,
                            bool async)
{
    if (request->kind == GS_SYNC_CONFIGURE)
        return call->route->status;
    return async ? GS_HTTP_ACCEPTED : 0;
}

enum gs_status gs_call_submit(struct call *call, const struct gs_sync_request *request,
                              struct gs_error *err)
{
    struct gs_sync_request own = *request;
    bool async = gs_sync_can_detach(request) && gs_call_prefers_async(call);
    own.record = gs_key_record(call, status_to_record(call, request, async));
    if (async)
        return gs_call_submit_async(call, &own, err);
    // On success the call may be gone already; only the caller's own copy of the status is safe.
    return gs_sync_submit(call->api->options.sync, &own, gs_call_answer_from_sync, call, err);
}

static void carry_out(struct call *call)
{
    struct gs_error err = GS_ERROR_INIT;
    enum route_mode mode = call->route->mode;
    enum gs_status status = call->route->run(call, &err);
    if (status == GS_OK && mode == ROUTE_SYNC)
        return;
    gs_call_finish(call, status, &err);
}

static void begin(struct call *call)
{
    struct gs_error err = GS_ERROR_INIT;
    enum key_turn turn;
    enum gs_status status = gs_key_begin(call, &turn, &err);
    if (status == GS_OK && turn == KEY_GO)
        carry_out(call);
    else if (status != GS_OK || turn == KEY_ANSWERED)
        gs_call_finish(call, status, &err);
}

static void begin_job(void *arg)
{
    begin(arg);
}

static void handle(void *ctx, struct gs_http_exchange *exchange)
{
    struct gs_api *api = ctx;
    struct call *call = gs_call_new(api, exchange);
    if (call->route->mode == ROUTE_AT_ONCE) {
        begin(call);
        return;
    }
    if (gs_pool_submit(api->pool, begin_job, call))
        return;
    struct gs_error err = GS_ERROR_INIT;
    enum gs_status status =
        gs_fail(&err, GS_CODE_OVERLOADED, NULL, "too many calls wait; try again later");
    gs_call_finish(call, status, &err);
}

static void fail(void *ctx, struct gs_http_exchange *exchange, const struct gs_error *err)
{
    (void)ctx;
    gs_api_render_error(exchange, err);
}

static void done(void *ctx, const struct gs_http_exchange *exchange, int64_t duration_us)
{
    struct gs_api *api = ctx;
    int status = gs_http_status(exchange);
    int class = status / 100;
    if (class > 0 && class < STATUS_CLASSES)
        atomic_fetch_add_explicit(&api->answered[class], 1, memory_order_relaxed);
    struct gs_slice path = gs_http_path(exchange);
    char text[1024];
    snprintf(text, sizeof text, "%.*s", path.len > 1000 ? 1000 : (int)path.len,
             path.data ? path.data : "");
    gs_log(status >= 500 ? GS_LOG_WARN : GS_LOG_INFO, "request",
           GS_F_STR("requestId", gs_http_request_id(exchange)),
           GS_F_STR("peer", gs_http_peer(exchange)), GS_F_STR("method", gs_http_method(exchange)),
           GS_F_STR("path", text), GS_F_INT("status", status),
           GS_F_INT("bytes", gs_http_response_bytes(exchange)),
           GS_F_INT("durationUs", duration_us));
}

static enum gs_status load_tokens(struct gs_api *api, struct gs_error *err)
{
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    enum gs_status status = gs_tx_read(api->options.store, &tx, err);
    if (status == GS_OK)
        status = gs_store_list_tokens(tx, api->arena, &api->tokens, &api->token_count, err);
    return status;
}

enum gs_status gs_api_new(const struct gs_api_options *options, struct gs_api **out_api,
                          struct gs_error *err)
{
    struct gs_api *api = gs_xcalloc(1, sizeof *api);
    api->options = *options;
    api->arena = gs_arena_new();
    api->started_ms = gs_clock_mono_ms();
    pthread_mutex_init(&api->flights_lock, NULL);
    gs_map_init(&api->flights);
    api->owner = (struct gs_http_owner){
        .ctx = api, .admit = gs_api_admit, .handle = handle, .fail = fail, .done = done};
    api->routes = gs_xcalloc(gs_api_table_count, sizeof *api->routes);
    for (size_t i = 0; i < gs_api_table_count; i++) {
        const struct api_route *row = &gs_api_table[i];
        api->routes[i] = (struct gs_http_route){row->method, row->pattern, row->flags, row};
    }
    enum gs_status status = load_tokens(api, err);
    if (status == GS_OK)
        status = gs_pool_new("api", options->workers, options->queue_limit, &api->pool, err);
    if (status == GS_OK)
        status = gs_events_new(api, err);
    if (status == GS_OK)
        *out_api = api;
    else
        gs_api_free(api);
    return status;
}

void gs_api_stop(struct gs_api *api)
{
    if (api && api->events)
        gs_events_stop(api->events);
}

void gs_api_free(struct gs_api *api)
{
    if (!api)
        return;
    gs_pool_free(api->pool);
    gs_events_free(api->events);
    gs_map_release(&api->flights);
    pthread_mutex_destroy(&api->flights_lock);
    gs_arena_free(api->arena);
    free(api->routes);
    free(api);
}

const struct gs_http_route *gs_api_routes(const struct gs_api *api, size_t *out_count)
{
    *out_count = gs_api_table_count;
    return api->routes;
}

const struct gs_http_owner *gs_api_owner(const struct gs_api *api)
{
    return &api->owner;
}

void gs_api_set_server(struct gs_api *api, struct gs_http_server *server)
{
    api->server = server;
}
