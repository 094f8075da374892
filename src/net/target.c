// Takes a URL apart with libcurl's own parser and decides whether it may be used. Opens no
// connection.
// SPDX-License-Identifier: Apache-2.0
#include "net/net_internal.h"

enum { STRANGER_URL_MAX = 2048 };

void gs_net_parts_cleanup(CURLU **parts)
{
    curl_url_cleanup(*parts);
}

void gs_net_text_cleanup(char **text)
{
    curl_free(*text);
}

// libcurl forgives one or three slashes and guesses schemes; here only the plain form counts.
static bool split_scheme(const char *url, bool *out_tls, struct gs_slice *out_authority)
{
    struct gs_slice rest = gs_slice_str(url);
    struct gs_slice scheme = gs_slice_split(&rest, ':');
    bool tls = gs_slice_ieq_str(scheme, "https");
    if ((!tls && !gs_slice_ieq_str(scheme, "http")) || !gs_slice_starts(rest, "//"))
        return false;
    const char *authority = rest.data + 2;
    *out_tls = tls;
    *out_authority = gs_slice_of(authority, strcspn(authority, "/?#"));
    return true;
}

static bool has_blank_or_control(const char *url)
{
    for (const char *p = url; *p; p++)
        if ((unsigned char)*p <= 0x20 || *p == 0x7f)
            return true;
    return false;
}

static enum gs_status check_form(const char *url, const char *field, bool *out_tls,
                                 struct gs_error *err)
{
    struct gs_slice authority;
    if (has_blank_or_control(url))
        return gs_fail(err, GS_CODE_INVALID_INPUT, field,
                       "the URL contains blanks or control characters");
    if (!split_scheme(url, out_tls, &authority))
        return gs_fail(err, GS_CODE_INVALID_INPUT, field,
                       "the URL does not start with https:// or http:// and a host");
    if (memchr(authority.data, '@', authority.len))
        return gs_fail(err, GS_CODE_INVALID_INPUT, field,
                       "the URL contains a user name or password; give it without");
    // Some read a backslash as a slash, so that two programs would see two hosts.
    if (authority.len == 0 || memchr(authority.data, '\\', authority.len))
        return gs_fail(err, GS_CODE_INVALID_INPUT, field, "the URL has no valid host");
    return GS_OK;
}

static bool is_plain(const char *host)
{
    for (const char *p = host; *p; p++)
        if ((unsigned char)*p <= 0x20 || (unsigned char)*p >= 0x7f || *p == '%')
            return false;
    return true;
}

static void fill_target(bool tls, const char *host, const char *port, struct gs_net_target *out)
{
    out->tls = tls;
    size_t len = strlen(host);
    for (size_t i = 0; i <= len; i++)
        out->host[i] = (char)(host[i] >= 'A' && host[i] <= 'Z' ? host[i] + ('a' - 'A') : host[i]);
    int scheme = snprintf(out->origin, sizeof out->origin, "%s://", tls ? "https" : "http");
    snprintf(out->origin + scheme, sizeof out->origin - (size_t)scheme, "%s:%s", out->host, port);
}

enum gs_status gs_net_target_parse(const char *url, const char *field,
                                   struct gs_net_target *out_target, struct gs_error *err)
{
    bool tls = false;
    enum gs_status status = check_form(url, field, &tls, err);
    if (status != GS_OK)
        return status;
    GS_CLEANUP(gs_net_parts_cleanup) CURLU *parts = curl_url();
    GS_CLEANUP(gs_net_text_cleanup) char *host = NULL;
    GS_CLEANUP(gs_net_text_cleanup) char *port = NULL;
    if (!parts)
        return gs_fail(err, GS_CODE_NO_MEMORY, NULL, "not enough memory for a URL");
    if (curl_url_set(parts, CURLUPART_URL, url, CURLU_DISALLOW_USER) != CURLUE_OK ||
        curl_url_get(parts, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
        curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) != CURLUE_OK ||
        strlen(host) > GS_NET_HOST_MAX || strlen(port) > strlen("65535"))
        return gs_fail(err, GS_CODE_INVALID_INPUT, field, "the URL has no valid host and port");
    // What is not plain by now would be decoded or mapped to other characters by somebody else.
    if (!is_plain(host))
        return gs_fail(err, GS_CODE_INVALID_INPUT, field,
                       "the host of the URL is not plain ASCII; give an international name in its "
                       "xn-- form");
    fill_target(tls, host, port, out_target);
    return GS_OK;
}

enum gs_status gs_net_target_check(const struct gs_net *net, const struct gs_net_target *target,
                                   const char *field, struct gs_error *err)
{
    if (net->allow_loopback || !gs_net_host_is_local(target->host))
        return GS_OK;
    return gs_fail(err, GS_CODE_HOST_NOT_ALLOWED, field,
                   "%s is a loopback or link-local address, which this server connects to "
                   "only with allow_loopback_hosts",
                   target->host);
}

enum gs_status gs_net_check_url(const struct gs_net *net, const char *url, const char *field,
                                struct gs_error *err)
{
    struct gs_net_target target;
    if (strlen(url) > STRANGER_URL_MAX)
        return gs_fail(err, GS_CODE_INVALID_INPUT, field, "the URL is longer than %d bytes",
                       STRANGER_URL_MAX);
    if (strchr(url, '#'))
        return gs_fail(err, GS_CODE_INVALID_INPUT, field, "the URL contains a fragment (#…)");
    enum gs_status status = gs_net_target_parse(url, field, &target, err);
    if (status != GS_OK)
        return status;
    return gs_net_target_check(net, &target, field, err);
}

void gs_net_origin(const char *url, char out[GS_NET_ORIGIN_TEXT + 1])
{
    struct gs_net_target target = {.tls = false};
    if (gs_net_target_parse(url, NULL, &target, NULL) != GS_OK)
        target.origin[0] = 0;
    snprintf(out, GS_NET_ORIGIN_TEXT + 1, "%s", target.origin);
}
