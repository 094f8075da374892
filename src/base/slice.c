// Comparing and cutting slices.
// SPDX-License-Identifier: Apache-2.0
#include "base/slice.h"

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool gs_slice_ieq_str(struct gs_slice a, const char *b)
{
    if (a.len != strlen(b))
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (lower(a.data[i]) != lower(b[i]))
            return false;
    return true;
}

bool gs_slice_has_nul(struct gs_slice s)
{
    return s.len > 0 && memchr(s.data, 0, s.len) != NULL;
}

struct gs_slice gs_slice_split(struct gs_slice *rest, char sep)
{
    struct gs_slice whole = *rest;
    const char *at = whole.len ? memchr(whole.data, sep, whole.len) : NULL;
    if (!at) {
        *rest = GS_SLICE_EMPTY;
        return whole;
    }
    size_t n = (size_t)(at - whole.data);
    *rest = gs_slice_of(at + 1, whole.len - n - 1);
    return gs_slice_of(whole.data, n);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct gs_slice gs_slice_trim(struct gs_slice s)
{
    while (s.len > 0 && is_blank(s.data[0])) {
        s.data++;
        s.len--;
    }
    while (s.len > 0 && is_blank(s.data[s.len - 1]))
        s.len--;
    return s;
}

bool gs_slice_to_int(struct gs_slice s, int64_t *out_value)
{
    bool negative = s.len > 0 && s.data[0] == '-';
    size_t i = negative ? 1 : 0;
    if (i == s.len)
        return false;
    int64_t value = 0;
    for (; i < s.len; i++) {
        int digit = s.data[i] - '0';
        if (digit < 0 || digit > 9)
            return false;
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, digit, &value))
            return false;
    }
    // Counted downwards, because the most negative number has no positive twin.
    if (!negative && __builtin_sub_overflow((int64_t)0, value, &value))
        return false;
    *out_value = value;
    return true;
}

// The length of the well-formed sequence at p, 0 when there is none (Unicode 15, table 3-7).
static size_t utf8_sequence(const unsigned char *p, size_t left)
{
    unsigned char lead = p[0];
    if (lead < 0x80)
        return 1;
    size_t n = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || left < n)
        return 0;
    unsigned char low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    unsigned char high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < n; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    return n;
}

static bool is_ascii8(const char *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof word);
    return (word & 0x8080808080808080ULL) == 0;
}

size_t gs_slice_utf8_run(struct gs_slice s)
{
    size_t i = 0;
    while (i < s.len) {
        if (s.len - i >= 8 && is_ascii8(s.data + i)) {
            i += 8;
            continue;
        }
        size_t n = utf8_sequence((const unsigned char *)s.data + i, s.len - i);
        if (n == 0)
            break;
        i += n;
    }
    return i;
}

bool gs_slice_is_utf8(struct gs_slice s)
{
    return gs_slice_utf8_run(s) == s.len;
}

struct gs_slice gs_slice_trim_utf8(struct gs_slice s)
{
    for (size_t back = 1; back <= 3 && back <= s.len; back++) {
        unsigned char c = (unsigned char)s.data[s.len - back];
        if ((c & 0xc0) == 0x80)
            continue;
        size_t need = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1;
        return need > back ? gs_slice_of(s.data, s.len - back) : s;
    }
    return s;
}
