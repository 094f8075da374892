// The server side answers from a fixed table; the client side is plain poll and recv.
// SPDX-License-Identifier: Apache-2.0
#include "http_rig.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

enum { HELD_MAX = 256 };

struct rig {
    struct gs_http_server *server;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct rig_counts counts;
    struct gs_http_exchange *held[HELD_MAX]; // first come, first released
    unsigned held_count;
};

static void die(const char *what)
{
    fprintf(stderr, "http_rig: %s: %s\n", what, strerror(errno));
    abort();
}

// ---- The owner of the routes ----------------------------------------------------------------

typedef void answer_fn(struct gs_http_exchange *exchange);

static void respond_bytes(struct gs_http_exchange *exchange, const void *data, size_t len)
{
    struct gs_buf body;
    gs_buf_init(&body, 64 << 20);
    gs_buf_append(&body, data, len);
    gs_http_respond(exchange, 200, "text/plain", &body);
    gs_buf_release(&body);
}

static void answer_hello(struct gs_http_exchange *exchange)
{
    respond_bytes(exchange, "hello", 5);
}

static void answer_echo(struct gs_http_exchange *exchange)
{
    struct gs_slice body = gs_http_body(exchange);
    respond_bytes(exchange, body.data, body.len);
}

static void answer_app(struct gs_http_exchange *exchange)
{
    const char *app = gs_http_param(exchange, "appId");
    const char *version = gs_http_param(exchange, "versionId");
    char *text = gs_arena_printf(gs_http_arena(exchange), "app=%s version=%s route=%s", app,
                                 version ? version : "-", gs_http_route(exchange)->pattern);
    respond_bytes(exchange, text, strlen(text));
}

static void answer_query(struct gs_http_exchange *exchange)
{
    const char *value = gs_http_query(exchange, "name");
    char *text = gs_arena_printf(gs_http_arena(exchange), "%s", value ? value : "(absent)");
    respond_bytes(exchange, text, strlen(text));
}

static void answer_describe(struct gs_http_exchange *exchange)
{
    const char *agent = gs_http_header(exchange, "user-AGENT");
    struct gs_slice path = gs_http_path(exchange);
    char *text = gs_arena_printf(
        gs_http_arena(exchange), "%s %.*s %s %s %s", gs_http_method(exchange), GS_SLICE_ARG(path),
        gs_http_peer(exchange), agent ? agent : "-", (const char *)gs_http_data(exchange));
    gs_http_add_header(exchange, "X-Note", "first\r\nX-Evil: 1");
    respond_bytes(exchange, text, strlen(text));
}

static void answer_big(struct gs_http_exchange *exchange)
{
    int64_t len = 0;
    if (!gs_slice_to_int(gs_slice_str(gs_http_query(exchange, "bytes")), &len))
        len = 0;
    void *bytes = gs_xcalloc((size_t)len, 1);
    respond_bytes(exchange, bytes, (size_t)len);
    free(bytes);
}

static void answer_nothing(struct gs_http_exchange *exchange)
{
    gs_http_respond(exchange, 204, NULL, NULL);
}

static const struct gs_http_route routes[] = {
    {"GET", "/", 0, answer_hello},
    {"GET", "/hello", 0, answer_hello},
    {"DELETE", "/hello", 0, answer_nothing},
    {"POST", "/echo", GS_HTTP_BODY, answer_echo},
    {"PUT", "/echo", GS_HTTP_BODY, answer_echo},
    {"GET", "/denied", 0, answer_hello},
    {"POST", "/denied", GS_HTTP_BODY, answer_echo},
    {"GET", "/apps/:appId", 0, answer_app},
    {"GET", "/apps/special", 0, answer_hello},
    {"GET", "/apps/:appId/versions/:versionId", 0, answer_app},
    {"POST", "/apps", GS_HTTP_BODY, answer_echo},
    {"GET", "/query", 0, answer_query},
    {"GET", "/describe/:what", 0, answer_describe},
    {"GET", "/big", 0, answer_big},
    {"GET", "/later", GS_HTTP_LATER, answer_hello},
    {"POST", "/later", GS_HTTP_LATER | GS_HTTP_BODY, answer_echo},
};

static void bump(struct rig *rig, unsigned *counter)
{
    pthread_mutex_lock(&rig->lock);
    ++*counter;
    pthread_cond_broadcast(&rig->changed);
    pthread_mutex_unlock(&rig->lock);
}

static enum gs_status admit(void *ctx, struct gs_http_exchange *exchange, struct gs_error *err)
{
    struct rig *rig = ctx;
    bump(rig, &rig->counts.admitted);
    gs_http_set_data(exchange, gs_arena_strdup(gs_http_arena(exchange), "data"));
    if (strcmp(gs_http_route(exchange)->pattern, "/denied") == 0)
        return gs_fail(err, GS_CODE_UNAUTHORIZED, NULL, "Unauthorized");
    return GS_OK;
}

static void hold(struct rig *rig, struct gs_http_exchange *exchange)
{
    pthread_mutex_lock(&rig->lock);
    if (rig->held_count == HELD_MAX)
        die("too many held");
    rig->held[rig->held_count++] = exchange;
    pthread_cond_broadcast(&rig->changed);
    pthread_mutex_unlock(&rig->lock);
}

static void answer_and_reply(struct gs_http_exchange *exchange)
{
    answer_fn *answer = (answer_fn *)gs_http_route(exchange)->target;
    answer(exchange);
    gs_http_reply(exchange);
}

static void handle(void *ctx, struct gs_http_exchange *exchange)
{
    struct rig *rig = ctx;
    bump(rig, &rig->counts.handled);
    if (gs_http_route(exchange)->flags & GS_HTTP_LATER)
        hold(rig, exchange);
    else
        answer_and_reply(exchange);
}

static void fail(void *ctx, struct gs_http_exchange *exchange, const struct gs_error *err)
{
    struct rig *rig = ctx;
    struct gs_buf body;
    bump(rig, &rig->counts.failed);
    gs_buf_init(&body, 4096);
    gs_buf_printf(&body, "{\"code\":\"%s\",\"message\":\"%s\"}", gs_code_text(err->code),
                  err->message);
    gs_http_respond(exchange, gs_code_http(err->code), "application/json", &body);
}

static void done(void *ctx, const struct gs_http_exchange *exchange, int64_t duration_us)
{
    struct rig *rig = ctx;
    if (duration_us < 0 || !gs_http_request_id(exchange))
        die("done");
    pthread_mutex_lock(&rig->lock);
    rig->counts.done++;
    rig->counts.last_status = gs_http_status(exchange);
    pthread_cond_broadcast(&rig->changed);
    pthread_mutex_unlock(&rig->lock);
}

// ---- The rig --------------------------------------------------------------------------------

struct gs_http_options rig_options(void)
{
    return (struct gs_http_options){
        .listen = "127.0.0.1:0",
        .body_limit = 1 << 20,
        .body_total_limit = 16 << 20,
        .max_connections = 500,
        .threads = 2,
        .header_timeout_ms = 60000,
        .body_timeout_ms = 60000,
        .idle_timeout_ms = 60000,
    };
}

struct rig *rig_start(const struct gs_http_options *options)
{
    struct rig *rig = gs_xcalloc(1, sizeof *rig);
    struct gs_http_owner owner = {
        .ctx = rig, .admit = admit, .handle = handle, .fail = fail, .done = done};
    struct gs_error err = GS_ERROR_INIT;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&rig->lock, NULL);
    pthread_cond_init(&rig->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    if (gs_http_start(options, routes, GS_COUNT(routes), &owner, &rig->server, &err) != GS_OK) {
        fprintf(stderr, "%s\n", err.message);
        die("start");
    }
    return rig;
}

void rig_stop(struct rig *rig)
{
    while (rig->held_count > 0)
        rig_release_one(rig);
    gs_http_free(rig->server);
    pthread_cond_destroy(&rig->changed);
    pthread_mutex_destroy(&rig->lock);
    free(rig);
}

struct gs_http_server *rig_server(struct rig *rig)
{
    return rig->server;
}

struct rig_counts rig_counts(struct rig *rig)
{
    pthread_mutex_lock(&rig->lock);
    struct rig_counts counts = rig->counts;
    pthread_mutex_unlock(&rig->lock);
    return counts;
}

static bool wait_at_least(struct rig *rig, const unsigned *counter, unsigned count)
{
    int64_t ms = gs_clock_mono_ms() + RIG_PATIENCE_MS;
    struct timespec until = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
    int rc = 0;
    pthread_mutex_lock(&rig->lock);
    while (*counter < count && rc == 0)
        rc = pthread_cond_timedwait(&rig->changed, &rig->lock, &until);
    bool reached = *counter >= count;
    pthread_mutex_unlock(&rig->lock);
    return reached;
}

bool rig_wait_done(struct rig *rig, unsigned count)
{
    return wait_at_least(rig, &rig->counts.done, count);
}

bool rig_wait_held(struct rig *rig, unsigned count)
{
    return wait_at_least(rig, &rig->held_count, count);
}

// The server tells nobody when a connection comes or goes, so this one has to ask.
bool rig_wait_connections(struct rig *rig, unsigned count)
{
    int64_t until = gs_clock_mono_ms() + RIG_PATIENCE_MS;
    struct gs_http_counts counts;
    do {
        gs_http_counts(rig->server, &counts);
        if (counts.connections == count)
            return true;
        gs_clock_sleep_ms(2);
    } while (gs_clock_mono_ms() < until);
    return false;
}

struct gs_http_exchange *rig_take_one(struct rig *rig)
{
    pthread_mutex_lock(&rig->lock);
    if (rig->held_count == 0)
        die("nothing is held");
    struct gs_http_exchange *exchange = rig->held[0];
    memmove(rig->held, rig->held + 1, --rig->held_count * sizeof rig->held[0]);
    pthread_mutex_unlock(&rig->lock);
    return exchange;
}

void rig_release_one(struct rig *rig)
{
    answer_and_reply(rig_take_one(rig));
}

// ---- The client -----------------------------------------------------------------------------

static int dial(struct rig *rig, int receive_buffer)
{
    char host[64];
    const char *address = gs_http_address(rig->server);
    const char *colon = strrchr(address, ':');
    bool v6 = address[0] == '[';
    snprintf(host, sizeof host, "%.*s", (int)(colon - address) - (v6 ? 2 : 0), address + v6);
    struct addrinfo *list, hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM};
    if (getaddrinfo(host, colon + 1, &hints, &list) != 0)
        die(address);
    int fd = socket(list->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (receive_buffer > 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    if (connect(fd, list->ai_addr, list->ai_addrlen) != 0) {
        close(fd);
        fd = -1;
    }
    freeaddrinfo(list);
    return fd;
}

int rig_dial(struct rig *rig)
{
    return dial(rig, 0);
}

int rig_dial_narrow(struct rig *rig)
{
    return dial(rig, 2048);
}

static bool wait_until(int fd, short events)
{
    struct pollfd p = {.fd = fd, .events = events};
    return poll(&p, 1, RIG_PATIENCE_MS) == 1;
}

bool rig_send_bytes(int fd, const void *data, size_t len)
{
    const char *p = data;
    while (len > 0) {
        ssize_t n = wait_until(fd, POLLOUT) ? send(fd, p, len, MSG_NOSIGNAL | MSG_DONTWAIT) : -1;
        if (n < 0)
            return false;
        p += n;
        len -= (size_t)n;
    }
    return true;
}

bool rig_send(int fd, const char *text)
{
    return rig_send_bytes(fd, text, strlen(text));
}

bool rig_send_filler(int fd, size_t len)
{
    static const char filler[64 * 1024];
    while (len > 0) {
        size_t n = len < sizeof filler ? len : sizeof filler;
        if (!rig_send_bytes(fd, filler, n))
            return false;
        len -= n;
    }
    return true;
}

bool rig_is_closed(int fd)
{
    char bytes[4096];
    while (wait_until(fd, POLLIN)) {
        ssize_t n = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno == ECONNRESET))
            return true;
        if (n < 0)
            return false;
    }
    return false;
}

// Byte by byte up to the empty line, so that nothing of the next response is taken.
static bool read_head(int fd, struct rig_response *out)
{
    size_t n = 0;
    while (n + 1 < sizeof out->head) {
        if (!wait_until(fd, POLLIN) || recv(fd, out->head + n, 1, 0) != 1)
            return false;
        out->head[++n] = 0;
        if (n >= 4 && memcmp(out->head + n - 4, "\r\n\r\n", 4) == 0)
            return sscanf(out->head, "HTTP/1.1 %d", &out->status) == 1;
    }
    return false;
}

static bool read_body(int fd, size_t len, struct rig_response *out)
{
    char bytes[4096];
    while (out->body_len < len) {
        size_t want = len - out->body_len < sizeof bytes ? len - out->body_len : sizeof bytes;
        ssize_t n = wait_until(fd, POLLIN) ? recv(fd, bytes, want, 0) : -1;
        if (n <= 0)
            return false;
        size_t room = sizeof out->body - 1;
        if (out->body_len < room) {
            size_t keep = room - out->body_len < (size_t)n ? room - out->body_len : (size_t)n;
            memcpy(out->body + out->body_len, bytes, keep);
        }
        out->body_len += (size_t)n;
    }
    return true;
}

static bool read_response(int fd, bool to_head, struct rig_response *out)
{
    *out = (struct rig_response){0};
    if (!read_head(fd, out))
        return false;
    const char *length = rig_header(out, "Content-Length");
    int64_t len = 0;
    if (to_head || out->status == 204 || !length)
        return true;
    return gs_slice_to_int(gs_slice_str(length), &len) && read_body(fd, (size_t)len, out);
}

bool rig_read(int fd, struct rig_response *out)
{
    return read_response(fd, false, out);
}

bool rig_read_to_head(int fd, struct rig_response *out)
{
    return read_response(fd, true, out);
}

const char *rig_header(const struct rig_response *response, const char *name)
{
    static _Thread_local char value[512];
    struct gs_slice rest = gs_slice_str(response->head);
    while (rest.len > 0) {
        struct gs_slice line = gs_slice_split(&rest, '\n');
        struct gs_slice key = gs_slice_split(&line, ':');
        if (!gs_slice_ieq_str(key, name))
            continue;
        line = gs_slice_trim(line);
        if (gs_slice_ends(line, "\r"))
            line.len--;
        snprintf(value, sizeof value, "%.*s", GS_SLICE_ARG(line));
        return value;
    }
    return NULL;
}

struct rig_response rig_ask(struct rig *rig, const char *request)
{
    struct rig_response response = {0};
    int fd = rig_dial(rig);
    if (!rig_send(fd, request) || !rig_read(fd, &response))
        response.status = 0;
    close(fd);
    return response;
}

int rig_status(struct rig *rig, const char *request)
{
    return rig_ask(rig, request).status;
}
