// Bounded growth by doubling, with a sticky failure flag.
// SPDX-License-Identifier: Apache-2.0
#include "base/buf.h"

#include <assert.h>
#include <stdarg.h>

// No object can be larger than this, and sums of two such sizes do not overflow.
static const size_t most = SIZE_MAX / 2 - 1;

void gs_buf_init(struct gs_buf *buf, size_t max)
{
    *buf = (struct gs_buf){.max = max < most ? max : most};
}

void gs_buf_release(struct gs_buf *buf)
{
    free(buf->data);
    gs_buf_init(buf, buf->max);
}

void gs_buf_clear(struct gs_buf *buf)
{
    buf->len = 0;
    buf->failed = false;
    buf->no_memory = false;
    if (buf->data)
        buf->data[0] = 0;
}

void gs_buf_truncate(struct gs_buf *buf, size_t len)
{
    if (len >= buf->len)
        return;
    buf->len = len;
    buf->data[len] = 0;
}

static size_t next_capacity(const struct gs_buf *buf, size_t need)
{
    size_t cap = buf->cap ? buf->cap : 64;
    while (cap < need)
        cap = cap > buf->max / 2 ? buf->max + 1 : cap * 2;
    return cap;
}

char *gs_buf_reserve(struct gs_buf *buf, size_t len)
{
    if (buf->failed || len > buf->max - buf->len) {
        buf->failed = true;
        return NULL;
    }
    size_t need = buf->len + len + 1;
    if (need > buf->cap) {
        size_t cap = next_capacity(buf, need);
        char *grown = realloc(buf->data, cap);
        if (!grown) {
            buf->failed = true;
            buf->no_memory = true;
            return NULL;
        }
        buf->data = grown;
        buf->cap = cap;
        buf->data[buf->len] = 0;
    }
    return buf->data + buf->len;
}

void gs_buf_commit(struct gs_buf *buf, size_t len)
{
    assert(buf->len + len < buf->cap);
    buf->len += len;
    buf->data[buf->len] = 0;
}

bool gs_buf_append(struct gs_buf *buf, const void *data, size_t len)
{
    char *to = gs_buf_reserve(buf, len);
    if (!to)
        return false;
    if (len)
        memcpy(to, data, len);
    gs_buf_commit(buf, len);
    return true;
}

bool gs_buf_append_str(struct gs_buf *buf, const char *s)
{
    return gs_buf_append(buf, s, strlen(s));
}

bool gs_buf_append_slice(struct gs_buf *buf, struct gs_slice s)
{
    return gs_buf_append(buf, s.data, s.len);
}

bool gs_buf_append_char(struct gs_buf *buf, char c)
{
    return gs_buf_append(buf, &c, 1);
}

bool gs_buf_printf(struct gs_buf *buf, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (n < 0)
        buf->failed = true;
    char *to = n < 0 ? NULL : gs_buf_reserve(buf, (size_t)n);
    if (!to)
        return false;
    va_start(args, fmt);
    vsnprintf(to, (size_t)n + 1, fmt, args);
    va_end(args);
    gs_buf_commit(buf, (size_t)n);
    return true;
}

enum gs_status gs_buf_check(const struct gs_buf *buf, const char *what, struct gs_error *err)
{
    if (!buf->failed)
        return GS_OK;
    if (buf->no_memory)
        return gs_fail(err, GS_CODE_NO_MEMORY, NULL, "not enough memory for %s", what);
    return gs_fail(err, GS_CODE_TOO_LARGE, NULL, "%s is larger than the limit of %zu bytes", what,
                   buf->max);
}

struct gs_slice gs_buf_slice(const struct gs_buf *buf)
{
    return gs_slice_of(buf->data, buf->len);
}

char *gs_buf_take(struct gs_buf *buf, size_t *out_len)
{
    char *data = buf->data;
    if (out_len)
        *out_len = buf->len;
    gs_buf_init(buf, buf->max);
    return data;
}
