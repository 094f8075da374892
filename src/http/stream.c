// Responses that are written piece by piece: a bounded buffer between whoever writes and the server thread that sends,
// which sleeps while there is nothing to send. Knows nothing of what the bytes mean.
// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "http/http_internal.h"

enum { KEPT_BYTES = 64 * 1024 }; // of an empty buffer's memory

// Shared by the writer, the exchange and libmicrohttpd's response; the last one frees it.
struct gs_http_stream {
    struct gs_http_server *server;
    struct gs_http_stream *prev, *next; // of the server's list, under its lock
    atomic_int refs;
    pthread_mutex_t lock;              // guards what follows; taken after the server's
    struct gs_http_exchange *exchange; // NULL when it is over
    struct gs_buf waiting;
    size_t sent;    // of what is waiting
    bool ended;     // nothing will be added
    bool suspended; // the connection sleeps until something is
};

void gs_http_stream_ref(struct gs_http_stream *stream)
{
    atomic_fetch_add(&stream->refs, 1);
}

void gs_http_stream_unref(struct gs_http_stream *stream)
{
    if (atomic_fetch_sub(&stream->refs, 1) > 1)
        return;
    gs_buf_release(&stream->waiting);
    pthread_mutex_destroy(&stream->lock);
    free(stream);
}

// ---- The server's list, for its end -----------------------------------------------------------

static void enlist(struct gs_http_stream *stream)
{
    struct gs_http_server *server = stream->server;
    pthread_mutex_lock(&server->lock);
    stream->ended = atomic_load(&server->quiesced);
    stream->next = server->streams;
    if (stream->next)
        stream->next->prev = stream;
    server->streams = stream;
    pthread_mutex_unlock(&server->lock);
}

static void delist(struct gs_http_stream *stream)
{
    struct gs_http_server *server = stream->server;
    pthread_mutex_lock(&server->lock);
    *(stream->prev ? &stream->prev->next : &server->streams) = stream->next;
    if (stream->next)
        stream->next->prev = stream->prev;
    pthread_mutex_unlock(&server->lock);
}

// The stream's lock is held. A connection that sleeps cannot be over, so its exchange is there.
static void wake(struct gs_http_stream *stream)
{
    if (!stream->suspended)
        return;
    stream->suspended = false;
    gs_http_mhd_resume(stream->exchange);
}

static void end(struct gs_http_stream *stream)
{
    pthread_mutex_lock(&stream->lock);
    stream->ended = true;
    wake(stream);
    pthread_mutex_unlock(&stream->lock);
}

void gs_http_streams_end(struct gs_http_server *server)
{
    pthread_mutex_lock(&server->lock);
    for (struct gs_http_stream *stream = server->streams; stream; stream = stream->next)
        end(stream);
    pthread_mutex_unlock(&server->lock);
}

// ---- The writer's side ------------------------------------------------------------------------

struct gs_http_stream *gs_http_stream_begin(struct gs_http_exchange *exchange, int status,
                                            const char *content_type, size_t limit)
{
    struct gs_http_stream *stream = gs_xcalloc(1, sizeof *stream);
    stream->server = exchange->server;
    stream->exchange = exchange;
    atomic_init(&stream->refs, 2);
    pthread_mutex_init(&stream->lock, NULL);
    gs_buf_init(&stream->waiting, limit);
    gs_http_respond(exchange, status, content_type, NULL);
    exchange->stream = stream;
    enlist(stream);
    gs_http_reply(exchange);
    return stream;
}

static void make_room(struct gs_http_stream *stream)
{
    struct gs_buf *waiting = &stream->waiting;
    if (stream->sent == 0)
        return;
    memmove(waiting->data, waiting->data + stream->sent, waiting->len - stream->sent);
    gs_buf_truncate(waiting, waiting->len - stream->sent);
    stream->sent = 0;
}

bool gs_http_stream_write(struct gs_http_stream *stream, struct gs_slice bytes)
{
    pthread_mutex_lock(&stream->lock);
    bool open = stream->exchange && !stream->ended;
    if (open) {
        make_room(stream);
        open = gs_buf_append_slice(&stream->waiting, bytes);
        // A piece that is missing cannot be made up for.
        stream->ended = !open;
        wake(stream);
    }
    pthread_mutex_unlock(&stream->lock);
    return open;
}

void gs_http_stream_end(struct gs_http_stream *stream)
{
    end(stream);
    gs_http_stream_unref(stream);
}

// ---- The server thread's side -----------------------------------------------------------------

void gs_http_stream_detach(struct gs_http_stream *stream)
{
    delist(stream);
    pthread_mutex_lock(&stream->lock);
    stream->exchange = NULL;
    stream->suspended = false;
    pthread_mutex_unlock(&stream->lock);
    gs_http_stream_unref(stream);
}

static size_t take(struct gs_http_stream *stream, char *out, size_t max)
{
    struct gs_buf *waiting = &stream->waiting;
    size_t n = waiting->len - stream->sent;
    n = n < max ? n : max;
    memcpy(out, waiting->data + stream->sent, n);
    stream->sent += n;
    if (stream->sent < waiting->len)
        return n;
    stream->sent = 0;
    if (waiting->cap > KEPT_BYTES)
        gs_buf_release(waiting);
    else
        gs_buf_clear(waiting);
    return n;
}

// Whoever reads slowly is timed as with any other answer; nobody is timed while there is nothing to read.
static bool set_time(struct gs_http_exchange *x, size_t bytes)
{
    if (bytes == 0)
        return gs_http_conn_enter(x->conn, GS_HTTP_PHASE_BUSY, GS_HTTP_NEVER);
    int64_t now_ms = gs_clock_mono_ms();
    return gs_http_conn_enter(x->conn, GS_HTTP_PHASE_WRITE,
                              now_ms + gs_http_write_time_ms(&x->server->options, bytes));
}

enum gs_http_stream_read gs_http_stream_read(struct gs_http_stream *stream, char *out, size_t max,
                                             size_t *out_len)
{
    pthread_mutex_lock(&stream->lock);
    struct gs_http_exchange *x = stream->exchange;
    bool empty = stream->waiting.len == stream->sent;
    enum gs_http_stream_read result = GS_HTTP_STREAM_BYTES;
    if (!set_time(x, stream->waiting.len - stream->sent) || (empty && stream->ended)) {
        result = GS_HTTP_STREAM_END;
    } else if (empty) {
        stream->suspended = true;
        gs_http_mhd_suspend(x);
        result = GS_HTTP_STREAM_NOTHING;
    } else {
        *out_len = take(stream, out, max);
        x->content_size += *out_len;
    }
    pthread_mutex_unlock(&stream->lock);
    return result;
}
