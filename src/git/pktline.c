// Reads and writes pkt-lines. Knows no git command.
// SPDX-License-Identifier: Apache-2.0
#include "git/pktline.h"

#include <stdarg.h>

enum { HEAD = 4 };

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// -1 when the four bytes are no length.
static int read_length(const char *head)
{
    int length = 0;
    for (int i = 0; i < HEAD; i++) {
        int digit = hex_digit(head[i]);
        if (digit < 0)
            return -1;
        length = length * 16 + digit;
    }
    return length;
}

enum gs_pkt_result gs_pkt_next(struct gs_slice *rest, struct gs_pkt *out_pkt)
{
    if (rest->len < HEAD)
        return GS_PKT_MORE;
    int length = read_length(rest->data);
    bool flush = length == 0;
    if (!flush && (length < HEAD || length > GS_PKT_MAX))
        return GS_PKT_BAD;
    size_t whole = flush ? HEAD : (size_t)length;
    if (rest->len < whole)
        return GS_PKT_MORE;
    *out_pkt = (struct gs_pkt){flush, gs_slice_of(rest->data + HEAD, whole - HEAD)};
    *rest = gs_slice_of(rest->data + whole, rest->len - whole);
    return GS_PKT_OK;
}

struct gs_slice gs_pkt_text(const struct gs_pkt *pkt)
{
    struct gs_slice text = pkt->data;
    if (text.len > 0 && text.data[text.len - 1] == '\n')
        text.len--;
    return text;
}

void gs_pkt_append(struct gs_buf *out, struct gs_slice data)
{
    if (data.len > GS_PKT_MAX - HEAD) {
        out->failed = true;
        return;
    }
    gs_buf_printf(out, "%04zx", data.len + HEAD);
    gs_buf_append_slice(out, data);
}

void gs_pkt_printf(struct gs_buf *out, const char *fmt, ...)
{
    GS_CLEANUP(gs_buf_release) struct gs_buf text;
    gs_buf_init(&text, GS_PKT_MAX - HEAD);
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    char *to = n < 0 ? NULL : gs_buf_reserve(&text, (size_t)n);
    if (!to) {
        out->failed = true;
        return;
    }
    va_start(args, fmt);
    vsnprintf(to, (size_t)n + 1, fmt, args);
    va_end(args);
    gs_pkt_append(out, gs_slice_of(to, (size_t)n));
}

void gs_pkt_flush(struct gs_buf *out)
{
    gs_buf_append_str(out, "0000");
}

void gs_pkt_stream_init(struct gs_pkt_stream *stream,
                        bool (*on_pkt)(void *arg, const struct gs_pkt *pkt), void *arg)
{
    gs_buf_init(&stream->partial, GS_PKT_MAX);
    stream->on_pkt = on_pkt;
    stream->arg = arg;
}

void gs_pkt_stream_release(struct gs_pkt_stream *stream)
{
    gs_buf_release(&stream->partial);
}

bool gs_pkt_stream_is_whole(const struct gs_pkt_stream *stream)
{
    return stream->partial.len == 0;
}

// Hands out the packets that data holds whole; *data is what remains.
static bool drain(struct gs_pkt_stream *stream, struct gs_slice *data)
{
    for (;;) {
        struct gs_pkt pkt;
        enum gs_pkt_result result = gs_pkt_next(data, &pkt);
        if (result != GS_PKT_OK)
            return result == GS_PKT_MORE;
        if (!stream->on_pkt(stream->arg, &pkt))
            return false;
    }
}

// Moves bytes from *data to the partial packet until that is whole or *data is empty.
static bool complete_partial(struct gs_pkt_stream *stream, struct gs_slice *data)
{
    while (data->len > 0) {
        size_t have = stream->partial.len;
        size_t whole_len = have < HEAD ? HEAD : (size_t)read_length(stream->partial.data);
        size_t want = whole_len - have;
        size_t take = want < data->len ? want : data->len;
        if (!gs_buf_append(&stream->partial, data->data, take))
            return false;
        *data = gs_slice_of(data->data + take, data->len - take);
        struct gs_slice whole = gs_buf_slice(&stream->partial);
        if (!drain(stream, &whole))
            return false;
        if (whole.len == 0) {
            gs_buf_clear(&stream->partial);
            return true;
        }
    }
    return true;
}

bool gs_pkt_stream_feed(struct gs_pkt_stream *stream, struct gs_slice data)
{
    if (stream->partial.len > 0 && !complete_partial(stream, &data))
        return false;
    return drain(stream, &data) && gs_buf_append_slice(&stream->partial, data);
}
