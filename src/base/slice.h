// A view of bytes that somebody else owns; nothing from outside is assumed to end in NUL.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_BASE_SLICE_H
#define GS_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct gs_slice {
    const char *data;
    size_t len;
};

#define GS_SLICE_EMPTY ((struct gs_slice){NULL, 0})
#define GS_SLICE_LIT(s) ((struct gs_slice){"" s, sizeof(s) - 1})
// For "%.*s".
#define GS_SLICE_ARG(s) (int)(s).len, (s).data

static inline struct gs_slice gs_slice_of(const char *data, size_t len)
{
    return (struct gs_slice){data, len};
}

// s may be NULL, which gives the empty slice.
static inline struct gs_slice gs_slice_str(const char *s)
{
    return (struct gs_slice){s, s ? strlen(s) : 0};
}

// Those that compare are inline, so that the length of a literal is known to the compiler: they run for each member of each document.
static inline bool gs_slice_eq(struct gs_slice a, struct gs_slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static inline bool gs_slice_eq_str(struct gs_slice a, const char *b)
{
    return gs_slice_eq(a, gs_slice_str(b));
}

// ASCII only; for HTTP names and schemes.
bool gs_slice_ieq_str(struct gs_slice a, const char *b);

static inline bool gs_slice_starts(struct gs_slice s, const char *prefix)
{
    size_t n = strlen(prefix);
    return s.len >= n && (n == 0 || memcmp(s.data, prefix, n) == 0);
}

static inline bool gs_slice_ends(struct gs_slice s, const char *suffix)
{
    size_t n = strlen(suffix);
    return s.len >= n && (n == 0 || memcmp(s.data + s.len - n, suffix, n) == 0);
}

bool gs_slice_has_nul(struct gs_slice s);

// Cuts the part before sep off *rest and returns it; without a sep the whole rest, leaving it empty.
struct gs_slice gs_slice_split(struct gs_slice *rest, char sep);
// Without blanks and tabs at both ends.
struct gs_slice gs_slice_trim(struct gs_slice s);

// A whole decimal number, optional '-', nothing else; false when malformed or out of range.
bool gs_slice_to_int(struct gs_slice s, int64_t *out_value);

// Whether the bytes are UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF).
bool gs_slice_is_utf8(struct gs_slice s);
// How many bytes from the start are.
size_t gs_slice_utf8_run(struct gs_slice s);
// Without the incomplete UTF-8 sequence that cutting text at a size can leave at its end.
struct gs_slice gs_slice_trim_utf8(struct gs_slice s);

#endif
