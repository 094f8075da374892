// A growing byte buffer that is born with a maximum and remembers when it was reached.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_BASE_BUF_H
#define GS_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/slice.h"

// data is NUL-terminated behind len whenever it is not NULL; the NUL does not count in len or max.
struct gs_buf {
    char *data;
    size_t len;
    size_t cap;
    size_t max;
    bool failed;    // an append did not fit or memory ran out; nothing is appended from then on
    bool no_memory; // it was memory
};

// No allocation until the first append.
void gs_buf_init(struct gs_buf *buf, size_t max);
// Frees the bytes; the buffer is empty and usable with the same maximum afterwards.
void gs_buf_release(struct gs_buf *buf);
// Forgets the content and a failure but keeps the memory.
void gs_buf_clear(struct gs_buf *buf);
// Forgets what is behind the first len bytes; a failure stays.
void gs_buf_truncate(struct gs_buf *buf, size_t len);

// All appends return false once the buffer failed; checking once at the end (gs_buf_check) is enough.
bool gs_buf_append(struct gs_buf *buf, const void *data, size_t len);
bool gs_buf_append_str(struct gs_buf *buf, const char *s);
bool gs_buf_append_slice(struct gs_buf *buf, struct gs_slice s);
bool gs_buf_append_char(struct gs_buf *buf, char c);
bool gs_buf_printf(struct gs_buf *buf, const char *fmt, ...) GS_PRINTF(2, 3);
// Makes room for len more bytes and returns where they go, NULL when there is none. They count once
// the caller has written them and says how many with gs_buf_commit (0 to take nothing).
char *gs_buf_reserve(struct gs_buf *buf, size_t len);
void gs_buf_commit(struct gs_buf *buf, size_t len);

// GS_OK, or too_large / no_memory when an append failed; what names the content ("the body").
enum gs_status gs_buf_check(const struct gs_buf *buf, const char *what,
                            struct gs_error *err) GS_MUST_CHECK;

// A view of the content, valid until the next append.
struct gs_slice gs_buf_slice(const struct gs_buf *buf);
// Hands the bytes to the caller (free() them); the buffer is empty afterwards. NULL only when it is empty.
char *gs_buf_take(struct gs_buf *buf, size_t *out_len);

#endif
