// Takes the target of a request apart: path segments and query members, percent-decoded.
// Knows no routes, and decides nothing about what a name or value may be beyond UTF-8 without NUL.
// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"
#include "http/http_internal.h"

// The byte that "%XX" at the start of text stands for, -1 when it is malformed.
static int decode_triplet(struct gs_slice text)
{
    unsigned char byte;
    if (text.len < 3 || !gs_hex_decode(gs_slice_of(text.data + 1, 2), &byte, 1))
        return -1;
    return byte;
}

// In the arena; NULL when a triplet is malformed, or what it means is NUL or not UTF-8. In a query
// "+" is a space, as forms and URLSearchParams write it.
static const char *decode(struct gs_arena *arena, struct gs_slice text, bool in_query)
{
    char *out = gs_arena_alloc(arena, text.len + 1);
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        int c = (unsigned char)text.data[i];
        if (c == '%') {
            c = decode_triplet(gs_slice_of(text.data + i, text.len - i));
            i += 2;
        } else if (c == '+' && in_query) {
            c = ' ';
        }
        if (c <= 0)
            return NULL;
        out[n++] = (char)c;
    }
    return gs_slice_is_utf8(gs_slice_of(out, n)) ? out : NULL;
}

// What RFC 3986 has in no part of a target, and what would end it early.
static bool has_forbidden_byte(struct gs_slice raw)
{
    for (size_t i = 0; i < raw.len; i++) {
        unsigned char c = (unsigned char)raw.data[i];
        if (c <= 0x20 || c == 0x7f || c == '#')
            return true;
    }
    return false;
}

static size_t scheme_length(struct gs_slice raw)
{
    static const char *const schemes[] = {"http://", "https://"};
    for (size_t i = 0; i < GS_COUNT(schemes); i++) {
        size_t n = strlen(schemes[i]);
        if (raw.len > n && gs_slice_ieq_str(gs_slice_of(raw.data, n), schemes[i]))
            return n;
    }
    return 0;
}

// Cuts "http://host" off, as RFC 9112 section 3.2.2 asks of every server.
static bool strip_authority(struct gs_slice *raw)
{
    size_t start = scheme_length(*raw);
    if (start == 0)
        return raw->len > 0 && raw->data[0] == '/';
    size_t end = start;
    while (end < raw->len && raw->data[end] != '/' && raw->data[end] != '?') {
        if (raw->data[end] == '@')
            return false;
        end++;
    }
    bool has_authority = end > start;
    *raw = gs_slice_of(raw->data + end, raw->len - end);
    return has_authority;
}

static bool parse_path(struct gs_arena *arena, struct gs_http_target *target)
{
    struct gs_slice rest = gs_slice_of(target->path.data + 1, target->path.len - 1);
    bool more = true;
    while (more) {
        more = rest.len > 0 && memchr(rest.data, '/', rest.len) != NULL;
        const char *segment = decode(arena, gs_slice_split(&rest, '/'), false);
        if (!segment)
            return false;
        if (target->segment_count < GS_HTTP_SEGMENTS_MAX)
            target->segments[target->segment_count++] = segment;
        else
            target->segment_count = GS_HTTP_SEGMENTS_MAX + 1;
    }
    return true;
}

static enum gs_status parse_query(struct gs_arena *arena, struct gs_slice query,
                                  struct gs_http_target *target, struct gs_error *err)
{
    if (query.len > 0)
        target->members = gs_arena_array(arena, GS_HTTP_MEMBERS_MAX, sizeof *target->members);
    while (query.len > 0) {
        struct gs_slice value = gs_slice_split(&query, '&');
        if (value.len == 0)
            continue;
        if (target->member_count == GS_HTTP_MEMBERS_MAX)
            return gs_http_malformed(err, "the query has too many members");
        struct gs_slice name = gs_slice_split(&value, '=');
        struct gs_http_member *member = &target->members[target->member_count++];
        member->name = decode(arena, name, true);
        member->value = decode(arena, value, true);
        if (!member->name || !member->value)
            return gs_http_malformed(err, "the query is not percent-encoded UTF-8");
    }
    return GS_OK;
}

enum gs_status gs_http_target_parse(struct gs_arena *arena, struct gs_slice raw,
                                    struct gs_http_target *out_target, struct gs_error *err)
{
    if (has_forbidden_byte(raw))
        return gs_http_malformed(err,
                                 "the request target has characters that must be percent-encoded");
    if (!strip_authority(&raw))
        return gs_http_malformed(err, "the request target is not a path");
    struct gs_http_target target = {0};
    target.path = gs_slice_split(&raw, '?');
    if (target.path.len == 0)
        target.path = GS_SLICE_LIT("/");
    if (!parse_path(arena, &target))
        return gs_http_malformed(err, "the path is not percent-encoded UTF-8");
    enum gs_status status = parse_query(arena, raw, &target, err);
    if (status == GS_OK)
        *out_target = target;
    return status;
}
