// What follows from the address of a repository or an API alone. Asks nobody.
// SPDX-License-Identifier: Apache-2.0
#include "host/host_internal.h"

struct gs_slice gs_host_authority(const char *url)
{
    const char *start = strstr(url, "://");
    start = start ? start + strlen("://") : url;
    return gs_slice_of(start, strcspn(start, "/?#"));
}

// The authority in lower case, and its parts: "[::1]:8443" is "[::1]" and "8443".
struct authority {
    const char *whole;
    struct gs_slice host, port;
};

static struct authority split_authority(struct gs_arena *arena, const char *url)
{
    char *whole = gs_arena_dup_slice(arena, gs_host_authority(url));
    for (char *p = whole; *p; p++)
        *p = (char)(*p >= 'A' && *p <= 'Z' ? *p + ('a' - 'A') : *p);
    const char *bracket = strchr(whole, ']');
    const char *colon = strchr(bracket ? bracket : whole, ':');
    size_t host_len = colon ? (size_t)(colon - whole) : strlen(whole);
    return (struct authority){whole, gs_slice_of(whole, host_len),
                              gs_slice_str(colon ? colon + 1 : NULL)};
}

const char *gs_host_api_url(struct gs_arena *arena, const char *git_url)
{
    struct authority at = split_authority(arena, git_url);
    bool standard = at.port.len == 0 || gs_slice_eq_str(at.port, "443");
    if (standard &&
        (gs_slice_eq_str(at.host, "github.com") || gs_slice_eq_str(at.host, "www.github.com")))
        return "https://api.github.com";
    bool plain = gs_slice_ieq_str(gs_slice_of(git_url, strcspn(git_url, ":")), "http");
    return gs_arena_printf(arena, "%s://%s/api/v3", plain ? "http" : "https", at.whole);
}

const char *gs_host_noreply_domain(struct gs_arena *arena, const char *api_url)
{
    struct gs_slice host = split_authority(arena, api_url).host;
    if (gs_slice_eq_str(host, "api.github.com"))
        host = GS_SLICE_LIT("github.com");
    return gs_arena_printf(arena, "users.noreply.%.*s", GS_SLICE_ARG(host));
}
