// What libcurl calls while a transfer runs: hands out the request body, collects headers and body
// under their caps. Decides nothing about connections.
// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "net/net_internal.h"

enum {
    HEADERS_MAX_BYTES = 65536,
    ERROR_BODY_MAX_BYTES = 65536,
    RETRY_AFTER_MAX_S = 86400,
    LIMIT_DEFAULT_S = 60,
    LIMIT_MAX_S = 3600,
};

size_t gs_net_read_body(char *to, size_t size, size_t count, void *userdata)
{
    struct gs_net_exchange *exchange = userdata;
    const struct gs_net_request *request = exchange->request;
    size_t room = size * count, done = 0;
    while (done < room && exchange->part < request->body_parts) {
        const struct gs_slice *part = &request->body[exchange->part];
        size_t left = part->len - exchange->part_offset;
        size_t n = left < room - done ? left : room - done;
        exchange->body_began = true;
        if (n)
            memcpy(to + done, part->data + exchange->part_offset, n);
        done += n;
        exchange->part_offset += n;
        if (exchange->part_offset == part->len) {
            exchange->part++;
            exchange->part_offset = 0;
        }
    }
    if (exchange->part == request->body_parts && request->handed_out)
        *request->handed_out = true;
    return done;
}

int gs_net_watch_progress(void *userdata, curl_off_t down_total, curl_off_t down,
                          curl_off_t up_total, curl_off_t up)
{
    (void)down_total;
    (void)down;
    struct gs_net_exchange *exchange = userdata;
    if (up_total > 0 && up == up_total && !exchange->told_sent) {
        exchange->told_sent = true;
        exchange->request->on_sent(exchange->request->on_sent_arg);
    }
    return 0;
}

// libcurl only ever goes back to a position that it had, mostly the start.
int gs_net_seek_body(void *userdata, curl_off_t offset, int origin)
{
    struct gs_net_exchange *exchange = userdata;
    const struct gs_net_request *request = exchange->request;
    if (origin != SEEK_SET || offset < 0)
        return CURL_SEEKFUNC_FAIL;
    // libcurl goes back when a kept connection ends without an answer. The host may have done its work all the same.
    if (exchange->body_began && !request->repeatable)
        return CURL_SEEKFUNC_FAIL;
    size_t part = 0, left = (size_t)offset;
    while (part < request->body_parts && left >= request->body[part].len)
        left -= request->body[part++].len;
    if (part == request->body_parts && left > 0)
        return CURL_SEEKFUNC_FAIL;
    exchange->part = part;
    exchange->part_offset = left;
    return CURL_SEEKFUNC_OK;
}

static void set_content_type(struct gs_net_response *response, struct gs_slice value)
{
    struct gs_slice type = gs_slice_trim(gs_slice_split(&value, ';'));
    if (type.len >= sizeof response->content_type)
        type.len = 0;
    for (size_t i = 0; i < type.len; i++) {
        char c = type.data[i];
        response->content_type[i] = (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
    }
    response->content_type[type.len] = 0;
}

// RFC 9110, 10.2.3: seconds or a date. 0 for anything else.
static long parse_retry_after(struct gs_slice value)
{
    char text[64];
    int64_t seconds;
    if (!gs_slice_to_int(value, &seconds)) {
        if (value.len >= sizeof text)
            return 0;
        memcpy(text, value.data, value.len);
        text[value.len] = 0;
        time_t date = curl_getdate(text, NULL);
        if (date == -1)
            return 0;
        // A date that has just passed still means that waiting was asked for.
        seconds = (int64_t)date - gs_clock_now_ms() / 1000;
        seconds = seconds > 0 ? seconds : 1;
    }
    if (seconds < 0)
        return 0;
    return seconds < RETRY_AFTER_MAX_S ? (long)seconds : RETRY_AFTER_MAX_S;
}

long gs_net_limit_s(const struct gs_net_response *response)
{
    int64_t seconds = response->retry_after_s;
    if (seconds == 0 && response->rate_limit_reset_s > 0)
        seconds = response->rate_limit_reset_s - gs_clock_now_ms() / 1000;
    else if (seconds == 0)
        seconds = LIMIT_DEFAULT_S;
    return seconds < 1 ? 1 : seconds > LIMIT_MAX_S ? LIMIT_MAX_S : (long)seconds;
}

static void take_field(struct gs_net_exchange *exchange, struct gs_slice name,
                       struct gs_slice value)
{
    int64_t number;
    if (gs_slice_ieq_str(name, "content-type")) {
        set_content_type(&exchange->response, value);
    } else if (gs_slice_ieq_str(name, "retry-after")) {
        exchange->response.retry_after_s = parse_retry_after(value);
    } else if (gs_slice_ieq_str(name, "x-ratelimit-remaining")) {
        exchange->limit_exhausted = gs_slice_eq_str(value, "0");
    } else if (gs_slice_ieq_str(name, "x-ratelimit-reset")) {
        if (gs_slice_to_int(value, &number) && number > 0)
            exchange->limit_reset_s = number;
    }
}

// A new head: interim answers (1xx) come before the one that counts and leave nothing behind.
static void take_status_line(struct gs_net_exchange *exchange, struct gs_slice line)
{
    int64_t status = 0;
    gs_slice_split(&line, ' ');
    if (!gs_slice_to_int(gs_slice_split(&line, ' '), &status))
        status = 0;
    exchange->response.status = (int)(status >= 100 && status <= 999 ? status : 0);
    exchange->response.content_type[0] = 0;
    exchange->response.retry_after_s = 0;
    exchange->limit_exhausted = false;
    exchange->limit_reset_s = 0;
}

static struct gs_slice without_line_end(struct gs_slice line)
{
    while (gs_slice_ends(line, "\n") || gs_slice_ends(line, "\r"))
        line.len--;
    return line;
}

size_t gs_net_take_header(char *line, size_t size, size_t count, void *userdata)
{
    struct gs_net_exchange *exchange = userdata;
    size_t len = size * count;
    exchange->header_bytes += len;
    if (exchange->header_bytes > HEADERS_MAX_BYTES) {
        exchange->stop = GS_NET_STOP_HEADER_SIZE;
        return 0;
    }
    struct gs_slice rest = without_line_end(gs_slice_of(line, len));
    if (gs_slice_starts(rest, "HTTP/")) {
        take_status_line(exchange, rest);
    } else if (exchange->body_bytes == 0) { // not a trailer
        struct gs_slice name = gs_slice_split(&rest, ':');
        take_field(exchange, name, gs_slice_trim(rest));
    }
    return len;
}

static enum gs_net_stop store_body(struct gs_net_exchange *exchange, const char *data, size_t len)
{
    const struct gs_net_request *request = exchange->request;
    struct gs_buf *body = &exchange->response.body;
    if (request->on_body && exchange->response.status == 200)
        return request->on_body(request->on_body_arg, data, len) ? GS_NET_STOP_NONE
                                                                 : GS_NET_STOP_CONSUMER;
    // max_response is then meant for what on_body takes, which may be far more than an error
    // message needs.
    if (request->on_body && len > ERROR_BODY_MAX_BYTES - body->len)
        len = ERROR_BODY_MAX_BYTES - body->len;
    return gs_buf_append(body, data, len) ? GS_NET_STOP_NONE : GS_NET_STOP_MEMORY;
}

size_t gs_net_take_body(char *data, size_t size, size_t count, void *userdata)
{
    struct gs_net_exchange *exchange = userdata;
    size_t len = size * count;
    if (len > exchange->request->max_response - exchange->body_bytes) {
        exchange->stop = GS_NET_STOP_BODY_SIZE;
        return 0;
    }
    exchange->body_bytes += len;
    exchange->stop = store_body(exchange, data, len);
    return exchange->stop == GS_NET_STOP_NONE ? len : 0;
}
