// Runs one request: options, the connection guard, and the one repetition that a dead reused
// connection deserves.
// SPDX-License-Identifier: Apache-2.0
#include <limits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "net/net_internal.h"

enum { HEADER_LINE_MAX = 16384, RECEIVE_BUFFER = 131072, KEEPALIVE_S = 30 };

// Options that are the same for every request. HTTP/1.1 because a handle carries one request at a
// time, which leaves nothing for HTTP/2 to do but its flow control.
static const struct {
    CURLoption option;
    long value;
} fixed_options[] = {
    {CURLOPT_NOSIGNAL, 1},
    // Else a name look-up that hangs would be waited for beyond the deadline.
    {CURLOPT_QUICK_EXIT, 1},
    {CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1},
    {CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2},
    {CURLOPT_FOLLOWLOCATION, 0},
    {CURLOPT_NETRC, CURL_NETRC_IGNORED},
    {CURLOPT_SUPPRESS_CONNECT_HEADERS, 1},
    {CURLOPT_TCP_NODELAY, 1},
    {CURLOPT_TCP_KEEPALIVE, 1},
    {CURLOPT_TCP_KEEPIDLE, KEEPALIVE_S},
    {CURLOPT_TCP_KEEPINTVL, KEEPALIVE_S},
    {CURLOPT_BUFFERSIZE, RECEIVE_BUFFER},
    {CURLOPT_MAXCONNECTS, 1}, // a handle is parked by origin, so one is all it can use
};

static bool set_long(CURL *easy, CURLoption option, long value)
{
    return curl_easy_setopt(easy, option, value) == CURLE_OK;
}

static bool set_str(CURL *easy, CURLoption option, const char *value)
{
    return curl_easy_setopt(easy, option, value) == CURLE_OK;
}

static bool set_fixed(CURL *easy)
{
    for (size_t i = 0; i < GS_COUNT(fixed_options); i++)
        if (!set_long(easy, fixed_options[i].option, fixed_options[i].value))
            return false;
    return set_str(easy, CURLOPT_PROTOCOLS_STR, "http,https");
}

static bool set_client(CURL *easy, const struct gs_net *net)
{
    if (net->ca_file &&
        (!set_str(easy, CURLOPT_CAINFO, net->ca_file) ||
         !set_str(easy, CURLOPT_PROXY_CAINFO, net->ca_file) ||
         !set_str(easy, CURLOPT_CAPATH, NULL) || !set_str(easy, CURLOPT_PROXY_CAPATH, NULL)))
        return false;
    return set_str(easy, CURLOPT_USERAGENT, net->user_agent);
}

// Both are always set, so that libcurl does not look at the environment by itself.
static bool set_proxy(CURL *easy, const struct gs_net_proxy *proxy)
{
    return set_str(easy, CURLOPT_PROXY, proxy ? proxy->url : "") &&
           set_str(easy, CURLOPT_NOPROXY, "");
}

// The address is the real one, after name look-up, so that no name can lead to this machine or its
// link.
static curl_socket_t open_socket(void *userdata, curlsocktype purpose, struct curl_sockaddr *to)
{
    struct gs_net_exchange *exchange = userdata;
    struct gs_net_address address;
    (void)purpose;
    if (!gs_net_address_of(&to->addr, &address))
        return CURL_SOCKET_BAD;
    if (!exchange->net->allow_loopback && !exchange->proxy && gs_net_address_is_local(&address)) {
        exchange->refused_local = true;
        return CURL_SOCKET_BAD;
    }
    exchange->opened_socket = true;
    return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

static bool set_callbacks(CURL *easy, struct gs_net_exchange *exchange)
{
    return !curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket) &&
           !curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, exchange) &&
           !curl_easy_setopt(easy, CURLOPT_READFUNCTION, gs_net_read_body) &&
           !curl_easy_setopt(easy, CURLOPT_READDATA, exchange) &&
           !curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, gs_net_seek_body) &&
           !curl_easy_setopt(easy, CURLOPT_SEEKDATA, exchange) &&
           !curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, gs_net_take_header) &&
           !curl_easy_setopt(easy, CURLOPT_HEADERDATA, exchange) &&
           !curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, gs_net_take_body) &&
           !curl_easy_setopt(easy, CURLOPT_WRITEDATA, exchange) &&
           !curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, exchange->detail);
}

static bool set_progress(CURL *easy, struct gs_net_exchange *exchange)
{
    bool watched = exchange->request->on_sent != NULL;
    return set_long(easy, CURLOPT_NOPROGRESS, !watched) &&
           !curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION,
                             watched ? gs_net_watch_progress : NULL) &&
           !curl_easy_setopt(easy, CURLOPT_XFERINFODATA, exchange);
}

static bool set_body(CURL *easy, const struct gs_net_request *request)
{
    size_t size = 0;
    for (size_t i = 0; i < request->body_parts; i++)
        size += request->body[i].len;
    return set_long(easy, CURLOPT_POST, 1) &&
           !curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)size);
}

// Zero would mean no limit; the count of what arrives has the last word anyway.
static curl_off_t size_cap(const struct gs_net_request *request)
{
    return (curl_off_t)(request->max_response < INT64_MAX ? request->max_response : INT64_MAX);
}

static bool set_request(CURL *easy, const struct gs_net_request *request,
                        struct curl_slist *headers)
{
    bool sends = request->body_parts > 0 || strcmp(request->method, "POST") == 0;
    return (!sends || set_body(easy, request)) &&
           set_str(easy, CURLOPT_CUSTOMREQUEST, request->method) &&
           set_str(easy, CURLOPT_URL, request->url) &&
           // A Content-Length over the cap ends it at once; what comes without one is counted.
           !curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, size_cap(request)) &&
           !curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
}

static bool set_timeouts(CURL *easy, const struct gs_net *net, int64_t left_ms)
{
    int64_t connect_ms = net->connect_timeout_ms;
    return set_long(easy, CURLOPT_TIMEOUT_MS, (long)(left_ms < INT_MAX ? left_ms : INT_MAX)) &&
           set_long(easy, CURLOPT_CONNECTTIMEOUT_MS,
                    (long)(connect_ms < INT_MAX ? connect_ms : INT_MAX));
}

static enum gs_status configure(struct gs_net_exchange *exchange, struct curl_slist *headers,
                                struct gs_error *err)
{
    CURL *easy = exchange->easy;
    int64_t left_ms = exchange->request->deadline_ms - gs_clock_mono_ms();
    if (left_ms <= 0)
        return gs_fail(err, GS_CODE_HOST_TIMEOUT, NULL, "no time is left to ask %s",
                       gs_net_target_authority(&exchange->target));
    if (set_fixed(easy) && set_client(easy, exchange->net) && set_proxy(easy, exchange->proxy) &&
        set_callbacks(easy, exchange) && set_progress(easy, exchange) &&
        set_request(easy, exchange->request, headers) && set_timeouts(easy, exchange->net, left_ms))
        return GS_OK;
    return gs_fail(err, GS_CODE_NO_MEMORY, NULL, "not enough memory for a request");
}

// ---- Headers ---------------------------------------------------------------

static bool has_control(const char *text)
{
    for (const char *p = text; *p; p++)
        if (((unsigned char)*p < 0x20 && *p != '\t') || *p == 0x7f)
            return true;
    return false;
}

static bool add_header(struct curl_slist **headers, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*headers, line);
    if (longer)
        *headers = longer;
    return longer != NULL;
}

static void format_authorization(const struct gs_net_request *request, struct gs_buf *out)
{
    if (request->bearer) {
        gs_buf_printf(out, "Authorization: Bearer %s", request->bearer);
        return;
    }
    struct gs_buf pair;
    gs_buf_init(&pair, out->max);
    gs_buf_printf(&pair, "%s:%s", request->username, request->password ? request->password : "");
    gs_buf_append_str(out, "Authorization: Basic ");
    gs_base64_encode(gs_buf_slice(&pair), out);
    if (pair.data)
        explicit_bzero(pair.data, pair.cap);
    gs_buf_release(&pair);
}

static bool add_authorization(struct curl_slist **headers, const struct gs_net_request *request)
{
    if (!request->bearer && !request->username)
        return true;
    struct gs_buf line;
    gs_buf_init(&line, HEADER_LINE_MAX);
    // At once in its final size: growing would leave copies behind.
    gs_buf_reserve(&line, HEADER_LINE_MAX);
    format_authorization(request, &line);
    bool added = !line.failed && !has_control(line.data) && add_header(headers, line.data);
    if (line.data)
        explicit_bzero(line.data, line.cap);
    gs_buf_release(&line);
    return added;
}

static enum gs_status build_headers(const struct gs_net_request *request,
                                    struct curl_slist **headers, struct gs_error *err)
{
    // An empty value keeps libcurl from adding its own: no waiting for 100 Continue, no form type.
    bool good = add_header(headers, "Expect:") && add_header(headers, "Content-Type:") &&
                add_authorization(headers, request);
    for (const char *const *line = request->headers; good && line && *line; line++)
        good = !has_control(*line) && add_header(headers, *line);
    if (good)
        return GS_OK;
    return gs_fail(err, GS_CODE_INVALID_INPUT, NULL,
                   "a request header is too long or contains control characters");
}

static void free_headers(struct curl_slist *headers)
{
    for (struct curl_slist *node = headers; node; node = node->next)
        explicit_bzero(node->data, strlen(node->data));
    curl_slist_free_all(headers);
}

// ---- The exchange ----------------------------------------------------------

// A host may close a connection in the moment in which we start to use it. libcurl repeats the
// request when it finds that out by reading; when it finds out by writing (a large body), it does
// not.
static bool hit_dead_connection(const struct gs_net_exchange *exchange, CURLcode rc)
{
    long connects = 0;
    if (rc != CURLE_SEND_ERROR || exchange->header_bytes > 0)
        return false;
    if (exchange->body_began && !exchange->request->repeatable)
        return false;
    curl_easy_getinfo(exchange->easy, CURLINFO_NUM_CONNECTS, &connects);
    return connects == 0;
}

static enum gs_status transfer(struct gs_net_exchange *exchange, struct curl_slist *headers,
                               struct gs_error *err)
{
    enum gs_status status = configure(exchange, headers, err);
    if (status != GS_OK)
        return status;
    CURLcode rc = curl_easy_perform(exchange->easy);
    if (hit_dead_connection(exchange, rc)) {
        gs_net_seek_body(exchange, 0, SEEK_SET);
        status = configure(exchange, headers, err);
        if (status != GS_OK)
            return status;
        set_long(exchange->easy, CURLOPT_FRESH_CONNECT, 1);
        rc = curl_easy_perform(exchange->easy);
    }
    if (rc != CURLE_OK)
        return gs_net_explain(exchange, rc, err);
    if (exchange->proxy && !exchange->target.tls && exchange->response.status == 407)
        return gs_fail(err, GS_CODE_HOST_UNREACHABLE, NULL,
                       "the proxy %s refused the request to %s: it wants other credentials",
                       exchange->proxy->name, gs_net_target_authority(&exchange->target));
    return GS_OK;
}

static enum gs_status run(struct gs_net *net, struct gs_net_exchange *exchange,
                          struct curl_slist *headers, struct gs_error *err)
{
    exchange->easy = gs_net_idle_take(&net->idle, exchange->target.origin);
    if (!exchange->easy)
        return gs_fail(err, GS_CODE_NO_MEMORY, NULL, "not enough memory for a connection");
    enum gs_status status = transfer(exchange, headers, err);
    if (status == GS_OK)
        gs_net_idle_park(&net->idle, exchange->target.origin, exchange->easy);
    else
        curl_easy_cleanup(exchange->easy);
    return status;
}

enum gs_status gs_net_exchange_once(struct gs_net *net, const struct gs_net_request *request,
                                    const struct gs_net_target *target,
                                    struct gs_net_response *out_response, bool *out_delivered,
                                    struct gs_error *err)
{
    struct gs_net_exchange exchange = {.net = net,
                                       .request = request,
                                       .target = *target,
                                       .proxy = gs_net_proxy_for(&net->proxies, target),
                                       .started_ms = gs_clock_mono_ms()};
    gs_buf_init(&exchange.response.body, request->max_response);
    struct curl_slist *headers = NULL;
    enum gs_status status = build_headers(request, &headers, err);
    if (status == GS_OK)
        status = run(net, &exchange, headers, err);
    free_headers(headers);
    *out_delivered = request->on_body && exchange.body_bytes > 0;
    if (status != GS_OK) {
        gs_net_response_release(&exchange.response);
        return status;
    }
    if (exchange.limit_exhausted)
        exchange.response.rate_limit_reset_s = exchange.limit_reset_s;
    *out_response = exchange.response;
    return GS_OK;
}
