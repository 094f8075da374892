// The proxies of the usual environment variables: read once, then every request is decided here and
// libcurl is told. A request that goes to a proxy opens exactly one connection, to that proxy,
// which is why the guard against local addresses lets it pass: the operator named it. No other
// request gets that right.
// SPDX-License-Identifier: Apache-2.0
#include "base/arena.h"
#include "net/net_internal.h"

static const char *first_set(const char *const *names, const char **out_name)
{
    for (; *names; names++) {
        const char *value = getenv(*names);
        if (!value || !*value)
            continue;
        *out_name = *names;
        return value;
    }
    return NULL;
}

// host:port as libcurl will understand it: http and port 1080 are its defaults for a proxy.
static bool name_proxy(const char *url, char out[GS_NET_ORIGIN_MAX + 1])
{
    GS_CLEANUP(gs_net_parts_cleanup) CURLU *parts = curl_url();
    GS_CLEANUP(gs_net_text_cleanup) char *scheme = NULL;
    GS_CLEANUP(gs_net_text_cleanup) char *host = NULL;
    GS_CLEANUP(gs_net_text_cleanup) char *port = NULL;
    if (curl_url_set(parts, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME | CURLU_GUESS_SCHEME) ||
        curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) ||
        curl_url_get(parts, CURLUPART_HOST, &host, 0) || strlen(host) > GS_NET_HOST_MAX)
        return false;
    const char *standard = gs_slice_ieq_str(gs_slice_str(scheme), "https") ? "443" : "1080";
    bool given = curl_url_get(parts, CURLUPART_PORT, &port, 0) == CURLUE_OK;
    snprintf(out, GS_NET_ORIGIN_MAX + 1, "%s:%s", host, given ? port : standard);
    return true;
}

static enum gs_status read_proxy(const char *const *names, struct gs_net_proxy *out_proxy,
                                 struct gs_error *err)
{
    const char *name = NULL;
    const char *url = first_set(names, &name);
    if (!url)
        return GS_OK;
    if (!name_proxy(url, out_proxy->name))
        return gs_fail(err, GS_CODE_CONFIG_INVALID, name,
                       "the environment variable %s is not the URL of a proxy", name);
    out_proxy->url = gs_xstrdup(url);
    return GS_OK;
}

enum gs_status gs_net_proxies_init(struct gs_net_proxies *proxies, struct gs_error *err)
{
    // HTTP_PROXY in capitals is left out on purpose: CGI programs get it from a request header.
    static const char *const http[] = {"http_proxy", "all_proxy", "ALL_PROXY", NULL};
    static const char *const https[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY",
                                        NULL};
    static const char *const except[] = {"no_proxy", "NO_PROXY", NULL};
    const char *name;
    *proxies = (struct gs_net_proxies){0};
    enum gs_status status = read_proxy(http, &proxies->http, err);
    if (status == GS_OK)
        status = read_proxy(https, &proxies->https, err);
    if (status == GS_OK)
        proxies->exceptions = gs_xstrdup(first_set(except, &name));
    else
        gs_net_proxies_release(proxies);
    return status;
}

static void wipe_proxy(struct gs_net_proxy *proxy)
{
    if (proxy->url)
        explicit_bzero(proxy->url, strlen(proxy->url));
    free(proxy->url);
}

void gs_net_proxies_release(struct gs_net_proxies *proxies)
{
    wipe_proxy(&proxies->http);
    wipe_proxy(&proxies->https);
    free(proxies->exceptions);
    *proxies = (struct gs_net_proxies){0};
}

static bool prefix_equals(const struct gs_net_address *a, const struct gs_net_address *b,
                          size_t bits)
{
    size_t whole = bits / 8;
    unsigned char rest = (unsigned char)(0xff00 >> bits % 8);
    return memcmp(a->bytes, b->bytes, whole) == 0 &&
           (bits % 8 == 0 || ((a->bytes[whole] ^ b->bytes[whole]) & rest) == 0);
}

// entry: an address, or a network as address/bits.
static bool network_has(struct gs_slice entry, const struct gs_net_address *host)
{
    char text[GS_NET_HOST_MAX + 1];
    struct gs_net_address network;
    struct gs_slice rest = entry;
    struct gs_slice address = gs_slice_split(&rest, '/');
    if (address.len >= sizeof text)
        return false;
    memcpy(text, address.data, address.len);
    text[address.len] = 0;
    if (!gs_net_address_parse(text, &network) || network.len != host->len)
        return false;
    int64_t bits = (int64_t)network.len * 8;
    if (address.len < entry.len && (!gs_slice_to_int(rest, &bits) || bits < 0))
        return false;
    return bits <= (int64_t)network.len * 8 && prefix_equals(&network, host, (size_t)bits);
}

// entry: a domain, with or without a dot in front; it stands for itself and everything under it.
static bool domain_has(struct gs_slice entry, struct gs_slice host)
{
    while (gs_slice_starts(entry, ".")) {
        entry.data++;
        entry.len--;
    }
    if (gs_slice_ends(entry, "."))
        entry.len--;
    if (gs_slice_ends(host, "."))
        host.len--;
    if (entry.len == 0 || host.len < entry.len)
        return false;
    const char *tail = host.data + host.len - entry.len;
    return strncasecmp(tail, entry.data, entry.len) == 0 &&
           (host.len == entry.len || tail[-1] == '.');
}

// Entries are separated by commas or blanks, as curl(1) documents it.
static bool is_exception(const char *list, const char *host)
{
    struct gs_net_address address;
    bool numeric = gs_net_address_parse(host, &address);
    for (const char *p = list + strspn(list, ", \t"); *p; p += strspn(p, ", \t")) {
        struct gs_slice entry = gs_slice_of(p, strcspn(p, ", \t"));
        p += entry.len;
        if (gs_slice_eq_str(entry, "*") ||
            (numeric ? network_has(entry, &address) : domain_has(entry, gs_slice_str(host))))
            return true;
    }
    return false;
}

const struct gs_net_proxy *gs_net_proxy_for(const struct gs_net_proxies *proxies,
                                            const struct gs_net_target *target)
{
    const struct gs_net_proxy *proxy = target->tls ? &proxies->https : &proxies->http;
    if (!proxy->url)
        return NULL;
    // This machine as the proxy sees it would be another one.
    if (gs_net_host_is_local(target->host))
        return NULL;
    if (proxies->exceptions && is_exception(proxies->exceptions, target->host))
        return NULL;
    return proxy;
}
