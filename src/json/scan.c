// Finds the bytes of a JSON text that matter, eight at a time. Knows nothing of values.
// SPDX-License-Identifier: Apache-2.0
#include <endian.h>

#include "json/json_internal.h"

#define EACH_BYTE(b) (0x0101010101010101ULL * (b))

// The eight bytes at p, the first one lowest, so that the lowest set bit belongs to the first
// match.
static uint64_t load(const char *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof word);
    return le64toh(word);
}

// The top bit of each byte that is less than the bound (at most 128). Bytes above a match may be
// marked wrongly; the lowest mark is right.
static uint64_t mark_below(uint64_t word, uint64_t bound)
{
    return (word - EACH_BYTE(bound)) & ~word & EACH_BYTE(0x80);
}

static uint64_t mark_equal(uint64_t word, char c)
{
    return mark_below(word ^ EACH_BYTE((unsigned char)c), 1);
}

static size_t first_mark(uint64_t marks)
{
    return (size_t)__builtin_ctzll(marks) / 8;
}

static bool is_plain(char c)
{
    return (unsigned char)c >= 0x20 && c != '"' && c != '\\';
}

size_t gs_json_plain_run(struct gs_slice s)
{
    size_t at = 0;
    for (; s.len - at >= 8; at += 8) {
        uint64_t word = load(s.data + at);
        uint64_t marks = mark_below(word, 0x20) | mark_equal(word, '"') | mark_equal(word, '\\');
        if (marks)
            return at + first_mark(marks);
    }
    while (at < s.len && is_plain(s.data[at]))
        at++;
    return at;
}

static bool is_structure(char c)
{
    return c == '"' || c == '[' || c == ']' || c == '{' || c == '}';
}

size_t gs_json_structure_run(struct gs_slice s)
{
    size_t at = 0;
    for (; s.len - at >= 8; at += 8) {
        uint64_t word = load(s.data + at);
        uint64_t folded =
            word | EACH_BYTE(0x20); // '[' and '{' differ in that bit, as do ']' and '}'
        uint64_t marks = mark_equal(word, '"') | mark_equal(folded, '{') | mark_equal(folded, '}');
        if (marks)
            return at + first_mark(marks);
    }
    while (at < s.len && !is_structure(s.data[at]))
        at++;
    return at;
}
