// The way of a request, step by step: what is checked when, and who is asked. Every refusal ends
// here. Knows no sockets; mhd.c calls in as the bytes arrive.
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>

#include "http/http_internal.h"

enum {
    RESERVE_MAX = 1 << 20, // more memory comes with the bytes, not with their promise
    DISCARD_MAX = 8 << 20, // of a refused body, so that the client comes to reading the answer
    RETRY_AFTER_S = 1,
};

static bool has_body(const struct gs_http_exchange *x)
{
    return x->framing.chunked || x->framing.length > 0;
}

// ---- Refusing -------------------------------------------------------------------------------

static void answer(struct gs_http_exchange *x)
{
    assert(x->status != 0);
    atomic_store(&x->stage, GS_HTTP_STAGE_ANSWERED);
}

static void refuse(struct gs_http_exchange *x, const struct gs_error *err)
{
    const struct gs_http_owner *owner = &x->server->owner;
    gs_http_exchange_drop_body(x);
    owner->fail(owner->ctx, x, err);
    if (err->retry_after_s > 0) {
        char seconds[24];
        snprintf(seconds, sizeof seconds, "%ld", err->retry_after_s);
        gs_http_exchange_default_header(x, "Retry-After", seconds);
    }
    answer(x);
}

static void refuse_with(struct gs_http_exchange *x, enum gs_code code, const char *message)
{
    struct gs_error err = GS_ERROR_INIT;
    (void)gs_fail(&err, code, NULL, "%s", message);
    if (gs_code_http(code) == 503)
        err.retry_after_s = RETRY_AFTER_S;
    refuse(x, &err);
}

static enum gs_status busy(struct gs_error *err, enum gs_code code, const char *why)
{
    enum gs_status status = gs_fail(err, code, NULL, "%s", why);
    err->retry_after_s = RETRY_AFTER_S;
    return status;
}

// ---- The steps before the body --------------------------------------------------------------

static void keep_headers(struct gs_http_exchange *x, const struct gs_http_head *head)
{
    struct gs_http_header **end = &x->headers;
    size_t count = head->field_count;
    for (size_t i = 0; i < count && i < GS_HTTP_FIELDS_MAX; i++) {
        const struct gs_http_field *field = &head->fields[i];
        struct gs_http_header *header = gs_arena_alloc(x->arena, sizeof *header);
        header->name = gs_arena_dup_slice(x->arena, field->name);
        header->value = gs_arena_dup_slice(x->arena, gs_slice_trim(field->value));
        *end = header;
        end = &header->next;
    }
}

// What the owner may ask for even when the request is malformed.
static void keep_head(struct gs_http_exchange *x, const struct gs_http_head *head)
{
    struct gs_slice raw = x->raw_target;
    x->method = gs_arena_dup_slice(x->arena, head->method);
    x->target.path = gs_slice_split(&raw, '?');
    keep_headers(x, head);
    gs_http_exchange_name(x);
}

static enum gs_status check_head(struct gs_http_exchange *x, const struct gs_http_head *head,
                                 struct gs_error *err)
{
    enum gs_status status = gs_http_head_check(head, &x->framing, err);
    if (status == GS_OK)
        status = gs_http_target_parse(x->arena, x->raw_target, &x->target, err);
    // Where it is not sure what the bytes mean, nothing behind them may be taken for a request.
    // That holds for chunks, too: libmicrohttpd is lenient about their line ends and extensions.
    x->close = status != GS_OK || x->framing.chunked;
    return status;
}

static enum gs_status check_running(struct gs_http_exchange *x, struct gs_error *err)
{
    if (!atomic_load(&x->server->quiesced))
        return GS_OK;
    return busy(err, GS_CODE_SHUTTING_DOWN, "the server is stopping; try again");
}

static enum gs_status find_route(struct gs_http_exchange *x, struct gs_error *err)
{
    const struct gs_http_router *router = x->server->router;
    x->row = gs_http_router_find(router, x->method, &x->target);
    if (x->row)
        return GS_OK;
    const char *allow = gs_http_router_allow(router, x->arena, &x->target);
    if (!allow)
        return gs_fail(err, GS_CODE_NOT_FOUND, NULL, "no such resource");
    gs_http_add_header(x, "Allow", allow);
    if (strcmp(x->method, "OPTIONS") != 0)
        return gs_fail(err, GS_CODE_METHOD_NOT_ALLOWED, NULL, "the resource takes %s only", allow);
    gs_http_respond(x, 204, NULL, NULL);
    answer(x);
    return GS_OK;
}

static enum gs_status ask_owner(struct gs_http_exchange *x, struct gs_error *err)
{
    const struct gs_http_owner *owner = &x->server->owner;
    return owner->admit(owner->ctx, x, err);
}

static bool is_json(const char *content_type)
{
    struct gs_slice type = gs_slice_str(content_type);
    return gs_slice_ieq_str(gs_slice_trim(gs_slice_split(&type, ';')), "application/json");
}

static bool is_encoded(const struct gs_http_exchange *x)
{
    const char *encoding = gs_http_header(x, "Content-Encoding");
    return encoding && !gs_slice_ieq_str(gs_slice_str(encoding), "identity");
}

static enum gs_status check_body(struct gs_http_exchange *x, struct gs_error *err)
{
    const struct gs_http_options *options = &x->server->options;
    if (!has_body(x))
        return GS_OK;
    if (!(gs_http_route(x)->flags & GS_HTTP_BODY))
        return gs_http_malformed(err, "the resource takes no body");
    if (x->framing.length > options->body_limit)
        return gs_fail(err, GS_CODE_TOO_LARGE, NULL,
                       "the body is larger than the limit of %zu bytes", options->body_limit);
    if (!is_json(gs_http_header(x, "Content-Type")) || is_encoded(x))
        return gs_fail(err, GS_CODE_UNSUPPORTED_MEDIA_TYPE, NULL,
                       "the body must be plain application/json");
    if (x->framing.length + atomic_load(&x->server->body_held) > options->body_total_limit)
        return busy(err, GS_CODE_OVERLOADED, "too many large requests at once; try again");
    return GS_OK;
}

static enum gs_status admit(struct gs_http_exchange *x, const struct gs_http_head *head,
                            struct gs_error *err)
{
    enum gs_status (*const steps[])(struct gs_http_exchange *, struct gs_error *) = {
        check_running, find_route, ask_owner, check_body};
    enum gs_status status = check_head(x, head, err);
    for (size_t i = 0; i < GS_COUNT(steps); i++) {
        if (status != GS_OK || atomic_load(&x->stage) == GS_HTTP_STAGE_ANSWERED)
            return status;
        status = steps[i](x, err);
    }
    return status;
}

void gs_http_request_begin(struct gs_http_exchange *exchange, const struct gs_http_head *head)
{
    struct gs_error err = GS_ERROR_INIT;
    gs_http_server_enter(exchange->server);
    exchange->counted = true;
    keep_head(exchange, head);
    atomic_store(&exchange->stage, GS_HTTP_STAGE_BODY);
    if (admit(exchange, head, &err) != GS_OK)
        refuse(exchange, &err);
    gs_error_release(&err);
    bool answered = atomic_load(&exchange->stage) == GS_HTTP_STAGE_ANSWERED;
    // A body that nobody wants ends the connection.
    if (answered && has_body(exchange))
        exchange->close = true;
    uint64_t length = exchange->framing.length;
    if (!answered && length > 0)
        (void)gs_buf_reserve(&exchange->body, length < RESERVE_MAX ? length : RESERVE_MAX);
}

// ---- The body -------------------------------------------------------------------------------

static bool discard(struct gs_http_exchange *x, size_t len)
{
    x->discarded += len;
    return x->discarded <= DISCARD_MAX;
}

// What is refused here is answered when the client has sent all of it: libmicrohttpd takes no
// response earlier. So the rest is read, up to a limit.
static bool refuse_rest(struct gs_http_exchange *x, size_t len, enum gs_code code,
                        const char *message)
{
    x->close = true;
    refuse_with(x, code, message);
    return discard(x, len);
}

bool gs_http_request_take(struct gs_http_exchange *exchange, const char *data, size_t len)
{
    struct gs_buf *body = &exchange->body;
    if (atomic_load(&exchange->stage) == GS_HTTP_STAGE_ANSWERED)
        return discard(exchange, len);
    if (len > body->max - body->len)
        return refuse_rest(exchange, len, GS_CODE_TOO_LARGE, "the body is larger than the limit");
    if (!gs_http_server_charge(exchange->server, len))
        return refuse_rest(exchange, len, GS_CODE_OVERLOADED,
                           "too many large requests at once; try again");
    exchange->body_charged += len;
    if (!gs_buf_append(body, data, len))
        return refuse_rest(exchange, len, GS_CODE_NO_MEMORY,
                           "not enough memory for the body; try again");
    return true;
}

// ---- The answer -----------------------------------------------------------------------------

void gs_http_request_handle(struct gs_http_exchange *exchange)
{
    const struct gs_http_owner *owner = &exchange->server->owner;
    atomic_store(&exchange->stage, GS_HTTP_STAGE_HANDLING);
    bool later = exchange->later;
    if (later) {
        gs_http_server_owe(exchange->server);
        gs_http_exchange_ref(exchange);
    }
    owner->handle(owner->ctx, exchange);
    assert(later || atomic_load(&exchange->stage) == GS_HTTP_STAGE_ANSWERED);
}

// Whether the connection ends by our will, with a client that may still be sending.
static bool ends_here(const struct gs_http_exchange *x, enum gs_http_ending ending)
{
    if (ending == GS_HTTP_ENDING_SENT)
        return x->close;
    return ending != GS_HTTP_ENDING_BROKEN_OFF;
}

void gs_http_request_end(struct gs_http_exchange *exchange, enum gs_http_ending ending)
{
    struct gs_http_server *server = exchange->server;
    assert(atomic_load(&exchange->stage) != GS_HTTP_STAGE_HANDLING);
    if (ending == GS_HTTP_ENDING_LATE && atomic_load(&exchange->stage) == GS_HTTP_STAGE_BODY)
        (void)refuse_rest(exchange, 0, GS_CODE_REQUEST_TIMEOUT, "the body did not arrive in time");
    bool is_answered = atomic_load(&exchange->stage) == GS_HTTP_STAGE_ANSWERED;
    if (is_answered && exchange->close && !exchange->queued && !server->tls)
        gs_http_farewell_send(exchange);
    if (ends_here(exchange, ending))
        gs_http_watcher_linger(&server->watcher, exchange->conn->fd);
    exchange->conn = NULL;
    if (exchange->counted)
        server->owner.done(server->owner.ctx, exchange, gs_http_exchange_age_us(exchange));
    gs_http_exchange_unref(exchange);
}
