// Splits "host:port" and judges its form alone; whether there is such a host is not known here.
// SPDX-License-Identifier: Apache-2.0
#include "base/address.h"

#include <stdio.h>
#include <string.h>

#include "base/slice.h"

const char *gs_address_parse(const char *text, struct gs_address *out_address)
{
    const char *colon = strrchr(text, ':');
    if (!colon)
        return "the port is missing, write host:port";
    struct gs_slice host = gs_slice_of(text, (size_t)(colon - text));
    if (gs_slice_starts(host, "[") && gs_slice_ends(host, "]") && host.len > 2)
        host = gs_slice_of(host.data + 1, host.len - 2);
    else if (host.len > 0 && memchr(host.data, ':', host.len))
        return "write an IPv6 address in brackets, [::1]:8080";
    int64_t port;
    if (!gs_slice_to_int(gs_slice_str(colon + 1), &port) || port < 0 || port > 65535)
        return "the port is not a number from 0 to 65535";
    if (host.len >= sizeof out_address->host)
        return "the host name is too long";
    snprintf(out_address->host, sizeof out_address->host, "%.*s", GS_SLICE_ARG(host));
    snprintf(out_address->port, sizeof out_address->port, "%d", (int)port);
    return NULL;
}
