// The only file that knows libmicrohttpd: one event loop per thread, fed with the connections that
// the watcher accepts, and the callbacks that turn what it parsed into exchanges. Decides nothing
// about requests.
// SPDX-License-Identifier: Apache-2.0
#include <microhttpd.h>

#include <limits.h>
#include <stdarg.h>
#include <unistd.h>

#include "base/clock.h"
#include "http/http_internal.h"

enum {
    // Per connection: the heads of request and response, and the piece of the body on its way.
    CONNECTION_MEMORY = 32 * 1024,
    // libmicrohttpd 0.9.77 got a parser that can be told to be strict.
    STREAM_BLOCK = 8 * 1024,
    LAX_BEFORE = 77,
};

#define TLS_PRIORITIES "NORMAL:%SERVER_PRECEDENCE:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

// With epoll, libmicrohttpd does not learn that the client has ended its side when that came
// together with the last bytes it read: it waits for a second event (0.9.75). Ending our side of
// reading raises one.
static void notice_end(struct gs_http_exchange *x)
{
    char byte;
    int fd = x->conn->fd;
    if (!x->server->tls && recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0)
        shutdown(fd, SHUT_RD);
}

// ---- The head of a request ------------------------------------------------------------------

static bool has_lax_parser(void)
{
    const char *version = MHD_get_version();
    return strncmp(version, "0.9.", 4) == 0 && strtol(version + 4, NULL, 10) < LAX_BEFORE;
}

struct collected {
    struct gs_http_field fields[GS_HTTP_FIELDS_MAX + 1];
    size_t count;
};

static enum MHD_Result collect(void *cls, enum MHD_ValueKind kind, const char *name,
                               size_t name_len, const char *value, size_t value_len)
{
    struct collected *collected = cls;
    (void)kind;
    collected->fields[collected->count++] = (struct gs_http_field){
        .name = gs_slice_of(name, name_len),
        .value = gs_slice_of(value ? value : "", value_len),
    };
    return collected->count <= GS_HTTP_FIELDS_MAX ? MHD_YES : MHD_NO;
}

// Up to 0.9.76 libmicrohttpd accepts bare line feeds, drops what follows a NUL, and glues a folded
// line to the name of its header, "Transfer-E: x\r\n ncoding". It parses in place, so where its
// strings lie tells whether there was anything but one CRLF between them. Addresses as numbers:
// they may belong to different objects.
static bool is_exact(const struct gs_http_head *head)
{
    if (!has_lax_parser())
        return true;
    uintptr_t start = (uintptr_t)head->method.data;
    uintptr_t at = start + head->method.len + 1 + head->target.len + 1;
    if ((uintptr_t)head->version.data != at)
        return false;
    at += head->version.len + 2;
    for (size_t i = 0; i < head->field_count; i++) {
        const struct gs_http_field *field = &head->fields[i];
        if ((uintptr_t)field->name.data != at)
            return false;
        at = (uintptr_t)field->value.data + field->value.len + 2;
    }
    return at + 2 == start + head->size;
}

static enum MHD_Result send_response(struct gs_http_exchange *x);

static enum MHD_Result begin(struct gs_http_exchange *x, const char *method, const char *version)
{
    struct collected collected = {.count = 0};
    MHD_get_connection_values_n(x->mhd, MHD_HEADER_KIND, collect, &collected);
    const union MHD_ConnectionInfo *size =
        MHD_get_connection_info(x->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    struct gs_http_head head = {
        .method = gs_slice_str(method),
        .target = x->raw_target,
        .version = gs_slice_str(version),
        .fields = collected.fields,
        .field_count = collected.count,
        .size = size ? size->header_size : 0,
    };
    head.exact = is_exact(&head);
    gs_http_request_begin(x, &head);
    // A response queued here ends the connection; any other one waits for the end of the request.
    if (atomic_load(&x->stage) == GS_HTTP_STAGE_ANSWERED && x->close)
        return send_response(x);
    if (x->framing.chunked || x->framing.length > 0)
        notice_end(x);
    int64_t deadline_ms = gs_clock_mono_ms() + x->server->options.body_timeout_ms;
    return gs_http_conn_enter(x->conn, GS_HTTP_PHASE_BODY, deadline_ms) ? MHD_YES : MHD_NO;
}

static enum MHD_Result take(struct gs_http_exchange *x, const char *data, size_t len)
{
    notice_end(x);
    return gs_http_request_take(x, data, len) ? MHD_YES : MHD_NO;
}

// ---- The response ---------------------------------------------------------------------------

static ssize_t read_stream(void *cls, uint64_t position, char *out, size_t max)
{
    size_t len = 0;
    (void)position;
    enum gs_http_stream_read result = gs_http_stream_read(cls, out, max, &len);
    return result == GS_HTTP_STREAM_END ? MHD_CONTENT_READER_END_OF_STREAM : (ssize_t)len;
}

static void release_stream(void *cls)
{
    gs_http_stream_unref(cls);
}

static struct MHD_Response *make_streamed(struct gs_http_stream *stream)
{
    struct MHD_Response *response = MHD_create_response_from_callback(
        MHD_SIZE_UNKNOWN, STREAM_BLOCK, read_stream, stream, release_stream);
    if (response)
        gs_http_stream_ref(stream);
    return response;
}

static struct MHD_Response *make_whole(struct gs_http_exchange *x)
{
    static char none[1];
    size_t len;
    char *bytes = gs_buf_take(&x->content, &len);
    struct MHD_Response *response = MHD_create_response_from_buffer(
        len, bytes ? bytes : none, bytes ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
    if (!response)
        free(bytes);
    return response;
}

static struct MHD_Response *make_response(struct gs_http_exchange *x)
{
    struct MHD_Response *response = x->stream ? make_streamed(x->stream) : make_whole(x);
    if (!response)
        return NULL;
    for (const struct gs_http_header *h = x->reply_headers; h; h = h->next)
        (void)MHD_add_response_header(response, h->name, h->value);
    return response;
}

static enum MHD_Result send_response(struct gs_http_exchange *x)
{
    int64_t deadline_ms =
        gs_clock_mono_ms() + gs_http_write_time_ms(&x->server->options, x->content_size);
    if (!gs_http_conn_enter(x->conn, GS_HTTP_PHASE_WRITE, deadline_ms))
        return MHD_NO;
    gs_http_exchange_seal(x);
    struct MHD_Response *response = make_response(x);
    if (!response)
        return MHD_NO;
    x->queued = true;
    enum MHD_Result queued = MHD_queue_response(x->mhd, (unsigned)x->status, response);
    MHD_destroy_response(response);
    return queued;
}

static enum MHD_Result complete(struct gs_http_exchange *x)
{
    if (!gs_http_conn_enter(x->conn, GS_HTTP_PHASE_BUSY, GS_HTTP_NEVER))
        return MHD_NO;
    x->later = gs_http_route(x)->flags & GS_HTTP_LATER;
    if (x->later)
        MHD_suspend_connection(x->mhd);
    bool later = x->later;
    gs_http_request_handle(x);
    return later ? MHD_YES : send_response(x);
}

void gs_http_mhd_suspend(struct gs_http_exchange *exchange)
{
    MHD_suspend_connection(exchange->mhd);
}

void gs_http_mhd_resume(struct gs_http_exchange *exchange)
{
    MHD_resume_connection(exchange->mhd);
}

const char *gs_http_mhd_reason(int status)
{
    return MHD_get_reason_phrase_for((unsigned)status);
}

// ---- Callbacks ------------------------------------------------------------------------------

static struct gs_http_conn *conn_of(struct MHD_Connection *mhd)
{
    return MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

static void on_connection(void *cls, struct MHD_Connection *mhd, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        gs_http_conn_free(*socket_context);
        *socket_context = NULL;
        return;
    }
    int fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    const struct sockaddr *address =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr;
    *socket_context = gs_http_conn_new(cls, fd, address);
}

// The request line is there, with the target as it was sent; later there is only a decoded one.
static void *on_target(void *cls, const char *target, struct MHD_Connection *mhd)
{
    (void)cls;
    struct gs_http_conn *conn = conn_of(mhd);
    gs_http_conn_wake(conn);
    return gs_http_exchange_new(conn, mhd, target);
}

// Decoding is done on our own copy, after the checks.
static size_t on_unescape(void *cls, struct MHD_Connection *mhd, char *text)
{
    (void)cls;
    (void)mhd;
    return strlen(text);
}

// Called when the headers are there, for each piece of the body, at the end of the request, and
// after a suspension.
static enum MHD_Result on_request(void *cls, struct MHD_Connection *mhd, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *data_len, void **state)
{
    (void)cls;
    (void)mhd;
    (void)url;
    struct gs_http_exchange *x = *state;
    enum gs_http_stage stage = atomic_load(&x->stage);
    if (stage == GS_HTTP_STAGE_HEAD)
        return begin(x, method, version);
    if (*data_len > 0) {
        size_t len = *data_len;
        *data_len = 0;
        return take(x, data, len);
    }
    return stage == GS_HTTP_STAGE_ANSWERED ? send_response(x) : complete(x);
}

static enum gs_http_ending ending_of(enum MHD_RequestTerminationCode code)
{
    switch (code) {
    case MHD_REQUEST_TERMINATED_COMPLETED_OK:
        return GS_HTTP_ENDING_SENT;
    case MHD_REQUEST_TERMINATED_READ_ERROR:
    case MHD_REQUEST_TERMINATED_CLIENT_ABORT:
        return GS_HTTP_ENDING_BROKEN_OFF;
    default:
        return GS_HTTP_ENDING_GIVEN_UP;
    }
}

static void on_completed(void *cls, struct MHD_Connection *mhd, void **state,
                         enum MHD_RequestTerminationCode code)
{
    (void)cls;
    (void)mhd;
    struct gs_http_exchange *x = *state;
    *state = NULL;
    if (!x)
        return;
    int64_t deadline_ms = gs_clock_mono_ms() + x->server->options.idle_timeout_ms;
    enum gs_http_ending ending = ending_of(code);
    if (!gs_http_conn_enter(x->conn, GS_HTTP_PHASE_IDLE, deadline_ms))
        ending = GS_HTTP_ENDING_LATE;
    else if (ending == GS_HTTP_ENDING_SENT && !x->close)
        notice_end(x);
    gs_http_request_end(x, ending);
}

// The first thing said while starting is the cause; nobody listens later.
static void __attribute__((format(printf, 2, 0)))
on_log(void *cls, const char *format, va_list args)
{
    struct gs_http_server *server = cls;
    if (!atomic_load(&server->starting) || server->note[0])
        return;
    vsnprintf(server->note, sizeof server->note, format, args);
    server->note[strcspn(server->note, "\n")] = 0;
}

// ---- Event loops ----------------------------------------------------------------------------

// libmicrohttpd's own clock, in seconds since the last byte, is for clients that stop reading or
// writing; ours are for those that are slow.
static unsigned silence_s(const struct gs_http_options *options)
{
    int64_t ms = options->header_timeout_ms;
    if (options->body_timeout_ms > ms)
        ms = options->body_timeout_ms;
    if (options->idle_timeout_ms > ms)
        ms = options->idle_timeout_ms;
    return (unsigned)(ms / 1000) + 1;
}

static struct MHD_Daemon *start_loop(struct gs_http_server *server, const char *cert,
                                     const char *key)
{
    // With epoll and TLS, a client that stops in the middle of its hello keeps a whole core busy
    // (0.9.75).
    unsigned flags =
        cert ? MHD_USE_TLS | MHD_USE_POLL_INTERNAL_THREAD : MHD_USE_EPOLL_INTERNAL_THREAD;
    flags |= MHD_ALLOW_SUSPEND_RESUME | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ERROR_LOG;
    struct MHD_OptionItem options[] = {
        // First, so that it hears of the others.
        {MHD_OPTION_EXTERNAL_LOGGER, (intptr_t)on_log, server},
        // The lax parser lets everything through to our own checks instead of answering itself.
        {MHD_OPTION_STRICT_FOR_CLIENT, has_lax_parser() ? 0 : 1, NULL},
        {MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)on_connection, server},
        {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)on_completed, server},
        {MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)on_target, server},
        {MHD_OPTION_UNESCAPE_CALLBACK, (intptr_t)on_unescape, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY, NULL},
        {MHD_OPTION_CONNECTION_LIMIT, INT_MAX, NULL}, // counted by the watcher
        {MHD_OPTION_CONNECTION_TIMEOUT, silence_s(&server->options), NULL},
        {cert ? MHD_OPTION_HTTPS_MEM_CERT : MHD_OPTION_END, 0, (void *)(uintptr_t)cert},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)key},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)TLS_PRIORITIES},
        {MHD_OPTION_END, 0, NULL},
    };
    return MHD_start_daemon(flags, 0, NULL, NULL, on_request, server, MHD_OPTION_ARRAY, options,
                            MHD_OPTION_END);
}

enum gs_status gs_http_mhd_start(struct gs_http_server *server, const char *cert, const char *key,
                                 struct gs_error *err)
{
    unsigned threads = server->options.threads ? server->options.threads : 1;
    server->daemons = gs_xcalloc(threads, sizeof(struct MHD_Daemon *));
    atomic_store(&server->starting, true);
    while (server->daemon_count < threads) {
        struct MHD_Daemon *daemon = start_loop(server, cert, key);
        if (!daemon)
            break;
        server->daemons[server->daemon_count++] = daemon;
    }
    atomic_store(&server->starting, false);
    if (server->daemon_count == threads)
        return GS_OK;
    if (cert)
        return gs_fail(err, GS_CODE_CONFIG_INVALID, "tls_cert",
                       "the TLS certificate and key cannot be used: %s", server->note);
    return gs_fail(err, GS_CODE_INTERNAL, NULL, "the HTTP server cannot start: %s", server->note);
}

void gs_http_mhd_stop(struct gs_http_server *server)
{
    for (unsigned i = 0; i < server->daemon_count; i++)
        MHD_stop_daemon(server->daemons[i]);
    free(server->daemons);
    server->daemons = NULL;
    server->daemon_count = 0;
}

bool gs_http_mhd_add(struct gs_http_server *server, int fd, const struct sockaddr *address,
                     socklen_t len)
{
    struct MHD_Daemon *daemon = server->daemons[server->next_daemon++ % server->daemon_count];
    return MHD_add_connection(daemon, fd, address, len) == MHD_YES;
}
