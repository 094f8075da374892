// Turns libcurl's result codes into errors that a person can act on. No URL, header or credential
// gets into a message, only host and port.
// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "net/net_internal.h"

enum { WHERE_MAX = 2 * GS_NET_ORIGIN_MAX + 32 };

// "github.com:443", with the proxy when there is one in between.
static const char *describe_target(const struct gs_net_exchange *exchange, char out[WHERE_MAX])
{
    const char *authority = gs_net_target_authority(&exchange->target);
    if (exchange->proxy)
        snprintf(out, WHERE_MAX, "%s (through the proxy %s)", authority, exchange->proxy->name);
    else
        snprintf(out, WHERE_MAX, "%s", authority);
    return out;
}

static const char *describe_duration(int64_t ms, char out[32])
{
    if (ms < 1000)
        snprintf(out, 32, "%lld ms", (long long)ms);
    else
        snprintf(out, 32, "%lld s", (long long)((ms + 500) / 1000));
    return out;
}

static enum gs_status explain_size(const struct gs_net_exchange *exchange, const char *where,
                                   struct gs_error *err)
{
    return gs_fail(err, GS_CODE_TOO_LARGE, NULL,
                   "the answer of %s is larger than the limit of %zu bytes", where,
                   exchange->request->max_response);
}

static enum gs_status explain_stop(const struct gs_net_exchange *exchange, const char *where,
                                   struct gs_error *err)
{
    switch (exchange->stop) {
    case GS_NET_STOP_BODY_SIZE:
        return explain_size(exchange, where, err);
    case GS_NET_STOP_HEADER_SIZE:
        return gs_fail(err, GS_CODE_HOST_FAILED, NULL, "%s sent too many header bytes", where);
    case GS_NET_STOP_CONSUMER:
        return gs_fail(err, GS_CODE_HOST_FAILED, NULL, "the answer of %s cannot be used", where);
    default:
        return gs_fail(err, GS_CODE_NO_MEMORY, NULL, "not enough memory for the answer of %s",
                       where);
    }
}

static enum gs_status explain_timeout(const struct gs_net_exchange *exchange, const char *where,
                                      struct gs_error *err)
{
    char time[32];
    curl_off_t ready = 0;
    describe_duration(gs_clock_mono_ms() - exchange->started_ms, time);
    // 0 until name look-up, TCP and TLS are all done; a reused connection has them behind it.
    curl_easy_getinfo(exchange->easy, CURLINFO_PRETRANSFER_TIME_T, &ready);
    if (exchange->header_bytes > 0)
        return gs_fail(err, GS_CODE_HOST_TIMEOUT, NULL, "%s did not finish its answer within %s",
                       where, time);
    if (ready > 0)
        return gs_fail(err, GS_CODE_HOST_TIMEOUT, NULL, "%s did not answer within %s", where, time);
    return gs_fail(err, GS_CODE_HOST_TIMEOUT, NULL, "cannot connect to %s within %s", where, time);
}

// The reason alone: libcurl and OpenSSL put their own names and numbers in front of it.
static const char *skip_names(const char *detail)
{
    static const char *const marks[] = {"certificate problem: ", "routines::"};
    for (size_t i = 0; i < GS_COUNT(marks); i++) {
        const char *mark = strstr(detail, marks[i]);
        if (mark)
            return mark + strlen(marks[i]);
    }
    return detail;
}

static void quote_detail(const struct gs_net_exchange *exchange, char out[CURL_ERROR_SIZE])
{
    const char *from = skip_names(exchange->detail);
    size_t n = 0;
    for (; n < CURL_ERROR_SIZE - 1 && from[n]; n++)
        out[n] = (char)(from[n] >= 0x20 && from[n] < 0x7f ? from[n] : ' ');
    out[n] = 0;
}

static enum gs_status explain_certificate(const struct gs_net_exchange *exchange, const char *where,
                                          struct gs_error *err)
{
    char reason[CURL_ERROR_SIZE];
    quote_detail(exchange, reason);
    if (strstr(reason, "subject name"))
        return gs_fail(err, GS_CODE_HOST_UNREACHABLE, NULL,
                       "TLS: the certificate of %s was issued for another name", where);
    if (strstr(reason, "expired") || strstr(reason, "not yet valid"))
        return gs_fail(err, GS_CODE_HOST_UNREACHABLE, NULL,
                       "TLS: the certificate of %s is not valid now (%s)", where, reason);
    return gs_fail(err, GS_CODE_HOST_UNREACHABLE, NULL,
                   "TLS: the certificate of %s is not trusted (%s); set ca_file (GITSYNC_CA_FILE) "
                   "to your CA",
                   where, reason);
}

static enum gs_status explain_tls(const struct gs_net_exchange *exchange, const char *where,
                                  struct gs_error *err)
{
    char reason[CURL_ERROR_SIZE];
    quote_detail(exchange, reason);
    return gs_fail(err, GS_CODE_HOST_UNREACHABLE, NULL, "TLS: no secure connection to %s (%s)",
                   where, reason[0] ? reason : "the handshake failed");
}

// The system's reason in lower case ("connection refused"), or what is said without one.
static const char *system_reason(const struct gs_net_exchange *exchange, const char *otherwise,
                                 char out[128])
{
    long number = 0;
    curl_easy_getinfo(exchange->easy, CURLINFO_OS_ERRNO, &number);
    if (number == 0)
        return otherwise;
    snprintf(out, 128, "%s", strerror((int)number));
    if (out[0] >= 'A' && out[0] <= 'Z')
        out[0] = (char)(out[0] + ('a' - 'A'));
    return out;
}

static enum gs_status explain_connection(const struct gs_net_exchange *exchange, CURLcode rc,
                                         const char *where, struct gs_error *err)
{
    char text[128];
    const char *reason;
    switch (rc) {
    case CURLE_COULDNT_RESOLVE_HOST:
        reason = "its name does not resolve";
        break;
    case CURLE_COULDNT_RESOLVE_PROXY:
        reason = "the name of the proxy does not resolve";
        break;
    case CURLE_COULDNT_CONNECT:
        reason = system_reason(exchange, "no connection", text);
        break;
    case CURLE_SEND_FAIL_REWIND: // of a kept connection, in a request that must not be repeated
    case CURLE_GOT_NOTHING:
        reason = "the connection was closed without an answer";
        break;
    case CURLE_PARTIAL_FILE:
        reason = "the connection was closed in the middle of the answer";
        break;
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
        reason = system_reason(exchange, "the connection was lost", text);
        break;
    default:
        reason = curl_easy_strerror(rc);
    }
    return gs_fail(err, GS_CODE_HOST_UNREACHABLE, NULL, "cannot reach %s: %s", where, reason);
}

static enum gs_status explain_rest(const struct gs_net_exchange *exchange, CURLcode rc,
                                   const char *where, struct gs_error *err)
{
    switch (rc) {
    case CURLE_OPERATION_TIMEDOUT:
        return explain_timeout(exchange, where, err);
    case CURLE_FILESIZE_EXCEEDED:
        return explain_size(exchange, where, err);
    case CURLE_PEER_FAILED_VERIFICATION:
        return explain_certificate(exchange, where, err);
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CACERT_BADFILE:
        return explain_tls(exchange, where, err);
    case CURLE_UNSUPPORTED_PROTOCOL: // what libcurl calls an answer without a status line
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING:
        return gs_fail(err, GS_CODE_HOST_FAILED, NULL, "%s does not answer in HTTP", where);
    case CURLE_OUT_OF_MEMORY:
        return gs_fail(err, GS_CODE_NO_MEMORY, NULL, "not enough memory to ask %s", where);
    default:
        return explain_connection(exchange, rc, where, err);
    }
}

enum gs_status gs_net_explain(const struct gs_net_exchange *exchange, CURLcode rc,
                              struct gs_error *err)
{
    char where[WHERE_MAX];
    describe_target(exchange, where);
    if (exchange->stop != GS_NET_STOP_NONE)
        return explain_stop(exchange, where, err);
    if (exchange->refused_local && !exchange->opened_socket)
        return gs_fail(err, GS_CODE_HOST_NOT_ALLOWED, NULL,
                       "%s leads to a loopback or link-local address, which this server connects "
                       "to only with allow_loopback_hosts",
                       exchange->target.host);
    long connect_status = 0;
    curl_easy_getinfo(exchange->easy, CURLINFO_HTTP_CONNECTCODE, &connect_status);
    if (exchange->proxy && connect_status >= 300)
        return gs_fail(err, GS_CODE_HOST_UNREACHABLE, NULL,
                       "the proxy %s refused the connection to %s (status %ld%s)",
                       exchange->proxy->name, gs_net_target_authority(&exchange->target),
                       connect_status, connect_status == 407 ? ", it wants other credentials" : "");
    return explain_rest(exchange, rc, where, err);
}
