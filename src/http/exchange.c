// One request and its response: what the owner of the routes sees of them, and who frees them.
// Knows nothing of checks and routes, nor of how bytes travel.
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>

#include "base/random.h"
#include "http/http_internal.h"

enum { REQUEST_ID_MAX = 64 };

static int64_t now_us(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

struct gs_http_exchange *gs_http_exchange_new(struct gs_http_conn *conn, struct MHD_Connection *mhd,
                                              const char *target)
{
    struct gs_arena *arena = gs_arena_new();
    struct gs_http_exchange *x = gs_arena_alloc(arena, sizeof *x);
    x->arena = arena;
    x->server = conn->server;
    x->conn = conn;
    x->mhd = mhd;
    x->peer = gs_arena_strdup(arena, conn->peer);
    x->started_us = now_us();
    x->raw_target = gs_slice_str(gs_arena_strdup(arena, target));
    x->method = "";
    x->reply_headers_end = &x->reply_headers;
    atomic_init(&x->refs, 1);
    atomic_init(&x->stage, GS_HTTP_STAGE_HEAD);
    gs_buf_init(&x->body, x->server->options.body_limit);
    return x;
}

void gs_http_exchange_ref(struct gs_http_exchange *exchange)
{
    atomic_fetch_add(&exchange->refs, 1);
}

void gs_http_exchange_unref(struct gs_http_exchange *exchange)
{
    if (atomic_fetch_sub(&exchange->refs, 1) > 1)
        return;
    struct gs_http_server *server = exchange->server;
    bool counted = exchange->counted;
    gs_http_exchange_drop_body(exchange);
    gs_buf_release(&exchange->content);
    if (exchange->stream)
        gs_http_stream_detach(exchange->stream);
    gs_arena_free(exchange->arena);
    if (counted)
        gs_http_server_leave(server);
}

void gs_http_exchange_drop_body(struct gs_http_exchange *exchange)
{
    gs_buf_release(&exchange->body);
    gs_http_server_discharge(exchange->server, exchange->body_charged);
    exchange->body_charged = 0;
}

// ---- The request ----------------------------------------------------------------------------

static bool is_sane_id(const char *id)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t n = strspn(id, allowed);
    return n > 0 && n <= REQUEST_ID_MAX && id[n] == 0;
}

const char *gs_http_request_id(const struct gs_http_exchange *exchange)
{
    return exchange->id;
}

void gs_http_exchange_name(struct gs_http_exchange *exchange)
{
    const char *given = gs_http_header(exchange, "X-Request-Id");
    if (given && is_sane_id(given)) {
        exchange->id = given;
        return;
    }
    char *id = gs_arena_alloc(exchange->arena, GS_UUID_TEXT + 1);
    gs_uuid_new(id);
    exchange->id = id;
}

const char *gs_http_method(const struct gs_http_exchange *exchange)
{
    return exchange->method;
}

struct gs_slice gs_http_path(const struct gs_http_exchange *exchange)
{
    return exchange->target.path;
}

struct gs_slice gs_http_path_and_query(const struct gs_http_exchange *exchange)
{
    return exchange->raw_target;
}

struct gs_slice gs_http_body(const struct gs_http_exchange *exchange)
{
    return gs_buf_slice(&exchange->body);
}

const char *gs_http_peer(const struct gs_http_exchange *exchange)
{
    return exchange->peer;
}

struct gs_arena *gs_http_arena(struct gs_http_exchange *exchange)
{
    return exchange->arena;
}

const struct gs_http_route *gs_http_route(const struct gs_http_exchange *exchange)
{
    return exchange->row ? gs_http_row_route(exchange->row) : NULL;
}

static const char *find_header(const struct gs_http_header *list, const char *name, size_t index)
{
    for (const struct gs_http_header *h = list; h; h = h->next)
        if (gs_slice_ieq_str(gs_slice_str(h->name), name) && index-- == 0)
            return h->value;
    return NULL;
}

const char *gs_http_header(const struct gs_http_exchange *exchange, const char *name)
{
    return find_header(exchange->headers, name, 0);
}

const char *gs_http_header_at(const struct gs_http_exchange *exchange, const char *name,
                              size_t index)
{
    return find_header(exchange->headers, name, index);
}

const char *gs_http_query(const struct gs_http_exchange *exchange, const char *name)
{
    const struct gs_http_target *target = &exchange->target;
    for (size_t i = 0; i < target->member_count; i++)
        if (strcmp(target->members[i].name, name) == 0)
            return target->members[i].value;
    return NULL;
}

const char *gs_http_param(const struct gs_http_exchange *exchange, const char *name)
{
    return exchange->row ? gs_http_row_param(exchange->row, &exchange->target, name) : NULL;
}

void gs_http_set_data(struct gs_http_exchange *exchange, void *data)
{
    exchange->data = data;
}

void *gs_http_data(const struct gs_http_exchange *exchange)
{
    return exchange->data;
}

int64_t gs_http_exchange_age_us(const struct gs_http_exchange *exchange)
{
    return now_us() - exchange->started_us;
}

// ---- The response ---------------------------------------------------------------------------

void gs_http_respond(struct gs_http_exchange *exchange, int status, const char *content_type,
                     struct gs_buf *body)
{
    gs_buf_release(&exchange->content);
    exchange->status = status;
    exchange->content_type = gs_arena_strdup(exchange->arena, content_type);
    if (body) {
        exchange->content = *body;
        gs_buf_init(body, body->max);
    }
    exchange->content_size = exchange->content.len;
}

void gs_http_add_header(struct gs_http_exchange *exchange, const char *name, const char *value)
{
    size_t n = 0;
    while ((unsigned char)value[n] >= 0x20 && value[n] != 0x7f)
        n++;
    struct gs_http_header *header = gs_arena_alloc(exchange->arena, sizeof *header);
    header->name = gs_arena_strdup(exchange->arena, name);
    header->value = gs_arena_dup_slice(exchange->arena, gs_slice_of(value, n));
    *exchange->reply_headers_end = header;
    exchange->reply_headers_end = &header->next;
}

void gs_http_exchange_default_header(struct gs_http_exchange *exchange, const char *name,
                                     const char *value)
{
    if (!find_header(exchange->reply_headers, name, 0))
        gs_http_add_header(exchange, name, value);
}

void gs_http_exchange_seal(struct gs_http_exchange *exchange)
{
    if (exchange->content_type)
        gs_http_exchange_default_header(exchange, "Content-Type", exchange->content_type);
    gs_http_exchange_default_header(exchange, "X-Request-Id", exchange->id);
    gs_http_exchange_default_header(exchange, "X-Content-Type-Options", "nosniff");
    gs_http_exchange_default_header(exchange, "Cache-Control", "no-store");
    if (atomic_load(&exchange->server->quiesced))
        exchange->close = true;
    if (exchange->close)
        gs_http_exchange_default_header(exchange, "Connection", "close");
}

void gs_http_reply(struct gs_http_exchange *exchange)
{
    struct gs_http_server *server = exchange->server;
    bool later = exchange->later;
    gs_http_exchange_drop_body(exchange);
    enum gs_http_stage before = atomic_exchange(&exchange->stage, GS_HTTP_STAGE_ANSWERED);
    assert(before == GS_HTTP_STAGE_HANDLING);
    (void)before;
    if (!later)
        return;
    gs_http_mhd_resume(exchange);
    gs_http_exchange_unref(exchange);
    gs_http_server_settle(server);
}

int gs_http_status(const struct gs_http_exchange *exchange)
{
    return exchange->status;
}

size_t gs_http_response_bytes(const struct gs_http_exchange *exchange)
{
    return exchange->content_size;
}
