// Which addresses stay on this machine or this link, however they are written. Knows neither URLs
// nor connections.
// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <netinet/in.h>

#include "net/net_internal.h"

// IPv6 prefixes whose last four bytes are an IPv4 address: compatible and mapped (RFC 4291),
// translated (RFC 2765), NAT64 (RFC 6052).
static const unsigned char v4_carriers[][12] = {
    {0},
    {[10] = 0xff, [11] = 0xff},
    {[8] = 0xff, [9] = 0xff},
    {0x00, 0x64, 0xff, 0x9b},
};

// 0/8 is "this host": Linux connects 0.0.0.0 to itself. It also makes :: and ::1 local, which lie
// in the compatible prefix as 0.0.0.0 and 0.0.0.1.
static bool v4_is_local(const unsigned char *ip)
{
    return ip[0] == 127 || ip[0] == 0 || (ip[0] == 169 && ip[1] == 254);
}

static bool v6_is_local(const unsigned char *ip)
{
    if (ip[0] == 0xfe && (ip[1] & 0xc0) == 0x80)
        return true;
    if (ip[0] == 0x20 && ip[1] == 0x02) // 6to4 (RFC 3056)
        return v4_is_local(ip + 2);
    for (size_t i = 0; i < GS_COUNT(v4_carriers); i++)
        if (memcmp(ip, v4_carriers[i], sizeof v4_carriers[i]) == 0)
            return v4_is_local(ip + 12);
    return false;
}

bool gs_net_address_is_local(const struct gs_net_address *address)
{
    return address->len == 4 ? v4_is_local(address->bytes) : v6_is_local(address->bytes);
}

bool gs_net_address_of(const struct sockaddr *from, struct gs_net_address *out_address)
{
    const void *bytes;
    size_t len;
    if (from->sa_family == AF_INET) {
        bytes = &((const struct sockaddr_in *)from)->sin_addr;
        len = 4;
    } else if (from->sa_family == AF_INET6) {
        bytes = &((const struct sockaddr_in6 *)from)->sin6_addr;
        len = 16;
    } else {
        return false;
    }
    out_address->len = len;
    memcpy(out_address->bytes, bytes, len);
    return true;
}

// The host without brackets, zone and final dot.
static bool bare_host(const char *host, char out[GS_NET_HOST_MAX + 1])
{
    struct gs_slice rest = gs_slice_str(host);
    if (gs_slice_starts(rest, "[") && gs_slice_ends(rest, "]"))
        rest = gs_slice_of(rest.data + 1, rest.len - 2);
    struct gs_slice bare = gs_slice_split(&rest, '%');
    if (gs_slice_ends(bare, "."))
        bare.len--;
    if (bare.len == 0 || bare.len > GS_NET_HOST_MAX)
        return false;
    memcpy(out, bare.data, bare.len);
    out[bare.len] = 0;
    return true;
}

bool gs_net_address_parse(const char *host, struct gs_net_address *out_address)
{
    char bare[GS_NET_HOST_MAX + 1];
    if (!bare_host(host, bare))
        return false;
    struct in_addr v4;
    if (inet_aton(bare, &v4)) {
        out_address->len = 4;
        memcpy(out_address->bytes, &v4, 4);
        return true;
    }
    struct in6_addr v6;
    if (inet_pton(AF_INET6, bare, &v6) != 1)
        return false;
    out_address->len = 16;
    memcpy(out_address->bytes, &v6, 16);
    return true;
}

bool gs_net_host_is_local(const char *host)
{
    struct gs_net_address address;
    if (gs_net_address_parse(host, &address))
        return gs_net_address_is_local(&address);
    size_t len = strlen(host), n = strlen("localhost");
    if (len > 0 && host[len - 1] == '.')
        len--;
    if (len < n)
        return false;
    const char *tail = host + len - n;
    return gs_slice_ieq_str(gs_slice_of(tail, n), "localhost") && (len == n || tail[-1] == '.');
}
