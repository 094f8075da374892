// Refuses every request head that two HTTP implementations could read differently, because
// libmicrohttpd lets most of them pass. Looks at bytes only; knows no connection and no route.
// SPDX-License-Identifier: Apache-2.0
#include "http/http_internal.h"

enum gs_status gs_http_malformed(struct gs_error *err, const char *why)
{
    return gs_fail(err, GS_CODE_INVALID_REQUEST, NULL, "%s", why);
}

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_one_of(char c, const char *set)
{
    return c != 0 && strchr(set, c) != NULL;
}

static bool consists_of(struct gs_slice s, const char *others)
{
    for (size_t i = 0; i < s.len; i++)
        if (!is_alnum(s.data[i]) && !is_one_of(s.data[i], others))
            return false;
    return true;
}

// RFC 9110, section 5.6.2.
static bool is_token(struct gs_slice s)
{
    return s.len > 0 && consists_of(s, "!#$%&'*+-.^_`|~");
}

// RFC 9110, section 5.5. Bytes above 127 are opaque.
static bool is_value(struct gs_slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.data[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

static const struct gs_http_field *find_field(const struct gs_http_head *head, const char *name)
{
    for (size_t i = 0; i < head->field_count; i++)
        if (gs_slice_ieq_str(head->fields[i].name, name))
            return &head->fields[i];
    return NULL;
}

static bool is_http_1_1(const struct gs_http_head *head)
{
    return gs_slice_eq_str(head->version, "HTTP/1.1");
}

static enum gs_status check_size(const struct gs_http_head *head, struct gs_error *err)
{
    if (head->target.len > GS_HTTP_TARGET_MAX)
        return gs_fail(err, GS_CODE_HEADERS_TOO_LARGE, NULL,
                       "the request target is longer than %d bytes", GS_HTTP_TARGET_MAX);
    if (head->field_count > GS_HTTP_FIELDS_MAX)
        return gs_fail(err, GS_CODE_HEADERS_TOO_LARGE, NULL, "the request has more than %d headers",
                       GS_HTTP_FIELDS_MAX);
    if (head->size > GS_HTTP_HEAD_MAX)
        return gs_fail(err, GS_CODE_HEADERS_TOO_LARGE, NULL,
                       "the request line and the headers are longer than %d bytes",
                       GS_HTTP_HEAD_MAX);
    return GS_OK;
}

static enum gs_status check_line(const struct gs_http_head *head, struct gs_error *err)
{
    if (!is_token(head->method))
        return gs_http_malformed(err, "the request method is malformed");
    if (!is_http_1_1(head) && !gs_slice_eq_str(head->version, "HTTP/1.0"))
        return gs_http_malformed(err, "the HTTP version is neither 1.1 nor 1.0");
    if (!head->exact)
        return gs_http_malformed(err, "the request line or a header is malformed");
    return GS_OK;
}

static enum gs_status check_fields(const struct gs_http_head *head, struct gs_error *err)
{
    for (size_t i = 0; i < head->field_count; i++) {
        if (!is_token(head->fields[i].name))
            return gs_http_malformed(err, "a header name is malformed");
        if (!is_value(head->fields[i].value))
            return gs_http_malformed(err, "a header value has control characters");
    }
    return GS_OK;
}

// Two of these would be read by one as the first and by another as the last.
static enum gs_status check_single(const struct gs_http_head *head, struct gs_error *err)
{
    static const char *const singles[] = {"host",         "content-length", "transfer-encoding",
                                          "content-type", "authorization",  "expect"};
    for (size_t i = 0; i < GS_COUNT(singles); i++) {
        size_t count = 0;
        for (size_t k = 0; k < head->field_count; k++)
            count += gs_slice_ieq_str(head->fields[k].name, singles[i]);
        if (count > 1)
            return gs_fail(err, GS_CODE_INVALID_REQUEST, NULL,
                           "the request has the header %s more than once", singles[i]);
    }
    return GS_OK;
}

static enum gs_status check_host(const struct gs_http_head *head, struct gs_error *err)
{
    const struct gs_http_field *host = find_field(head, "host");
    if (!host)
        return is_http_1_1(head) ? gs_http_malformed(err, "the request has no Host header") : GS_OK;
    if (!consists_of(gs_slice_trim(host->value), "-._~:[]%!$&'()*+,;="))
        return gs_http_malformed(err, "the Host header is malformed");
    return GS_OK;
}

static bool parse_length(struct gs_slice text, uint64_t *out_length)
{
    uint64_t length = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        if (__builtin_mul_overflow(length, 10, &length) ||
            __builtin_add_overflow(length, (uint64_t)(text.data[i] - '0'), &length))
            length = UINT64_MAX;
    }
    *out_length = length;
    return text.len > 0;
}

static enum gs_status check_framing(const struct gs_http_head *head,
                                    struct gs_http_framing *out_framing, struct gs_error *err)
{
    const struct gs_http_field *encoding = find_field(head, "transfer-encoding");
    const struct gs_http_field *length = find_field(head, "content-length");
    struct gs_http_framing framing = {.chunked = encoding != NULL};
    if (encoding && length)
        return gs_http_malformed(err, "the request has both Content-Length and Transfer-Encoding");
    // With the blanks behind the value, as libmicrohttpd compares it too.
    if (encoding && !(is_http_1_1(head) && gs_slice_ieq_str(encoding->value, "chunked")))
        return gs_http_malformed(err, "the only Transfer-Encoding is chunked, in HTTP/1.1");
    if (length && !parse_length(length->value, &framing.length))
        return gs_http_malformed(err, "Content-Length is not a decimal number");
    *out_framing = framing;
    return GS_OK;
}

enum gs_status gs_http_head_check(const struct gs_http_head *head,
                                  struct gs_http_framing *out_framing, struct gs_error *err)
{
    enum gs_status (*const checks[])(const struct gs_http_head *, struct gs_error *) = {
        check_size, check_line, check_fields, check_single, check_host};
    for (size_t i = 0; i < GS_COUNT(checks); i++) {
        enum gs_status status = checks[i](head, err);
        if (status != GS_OK)
            return status;
    }
    return check_framing(head, out_framing, err);
}
