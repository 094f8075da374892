// Turns "host:port" into listening sockets and bound sockets into text. Knows nothing of what is
// served there.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <netdb.h>
#include <unistd.h>

#include "base/address.h"
#include "http/http_internal.h"

static enum gs_status bad_address(const char *text, const char *why, struct gs_error *err)
{
    return gs_fail(err, GS_CODE_CONFIG_INVALID, "listen", "cannot listen on \"%s\": %s", text, why);
}

static enum gs_status look_up(const char *text, const struct gs_address *place,
                              struct addrinfo **out_list, struct gs_error *err)
{
    struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
    int rc = getaddrinfo(place->host[0] ? place->host : NULL, place->port, &hints, out_list);
    return rc == 0 ? GS_OK : bad_address(text, gai_strerror(rc), err);
}

static void set_option(int fd, int level, int name, int value)
{
    // Each of them improves a socket that also works without it.
    (void)setsockopt(fd, level, name, &value, sizeof value);
}

static int open_socket(const struct sockaddr *address, socklen_t len, bool dual)
{
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (address->sa_family == AF_INET6)
        set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, !dual);
    if (bind(fd, address, len) == 0 && listen(fd, SOMAXCONN) == 0)
        return fd;
    int saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

static in_port_t *port_of(struct sockaddr *address)
{
    return address->sa_family == AF_INET6 ? &((struct sockaddr_in6 *)(void *)address)->sin6_port
                                          : &((struct sockaddr_in *)(void *)address)->sin_port;
}

static socklen_t bound_address(int fd, struct sockaddr_storage *out)
{
    socklen_t len = sizeof *out;
    memset(out, 0, sizeof *out);
    return getsockname(fd, (struct sockaddr *)out, &len) == 0 ? len : 0;
}

static in_port_t bound_port(int fd)
{
    struct sockaddr_storage bound;
    bound_address(fd, &bound);
    return *port_of((struct sockaddr *)&bound);
}

static void format_bound(int fd, char *out, size_t size)
{
    struct sockaddr_storage bound;
    char host[64] = "", port[8] = "";
    socklen_t len = bound_address(fd, &bound);
    getnameinfo((struct sockaddr *)&bound, len, host, sizeof host, port, sizeof port,
                NI_NUMERICHOST | NI_NUMERICSERV);
    snprintf(out, size, bound.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}

// One IPv6 socket for both families where the machine has it, else IPv4 alone.
static bool listen_everywhere(struct addrinfo *list, struct gs_http_listeners *listeners)
{
    static const int families[] = {AF_INET6, AF_INET};
    errno = EAFNOSUPPORT;
    for (size_t i = 0; i < GS_COUNT(families); i++) {
        for (struct addrinfo *a = list; a; a = a->ai_next) {
            if (a->ai_family != families[i])
                continue;
            int fd = open_socket(a->ai_addr, a->ai_addrlen, true);
            if (fd < 0 && errno == EADDRINUSE)
                return false;
            if (fd < 0)
                continue;
            listeners->fds[listeners->count++] = fd;
            return true;
        }
    }
    return false;
}

static bool is_same_host(const struct sockaddr *a, const struct sockaddr *b)
{
    if (a->sa_family != b->sa_family)
        return false;
    if (a->sa_family == AF_INET6)
        return memcmp(&((const struct sockaddr_in6 *)(const void *)a)->sin6_addr,
                      &((const struct sockaddr_in6 *)(const void *)b)->sin6_addr, 16) == 0;
    return memcmp(&((const struct sockaddr_in *)(const void *)a)->sin_addr,
                  &((const struct sockaddr_in *)(const void *)b)->sin_addr, 4) == 0;
}

// A hosts file may name an address twice.
static bool is_repeated(const struct addrinfo *list, const struct addrinfo *item)
{
    for (; list != item; list = list->ai_next)
        if (is_same_host(list->ai_addr, item->ai_addr))
            return true;
    return false;
}

// All addresses of a name, on the same port.
static bool listen_on_each(struct addrinfo *list, struct gs_http_listeners *listeners)
{
    for (struct addrinfo *a = list; a && listeners->count < GS_HTTP_LISTENERS_MAX; a = a->ai_next) {
        if (is_repeated(list, a))
            continue;
        if (listeners->count > 0)
            *port_of(a->ai_addr) = bound_port(listeners->fds[0]);
        int fd = open_socket(a->ai_addr, a->ai_addrlen, false);
        // A name may have an address of a family that this machine lacks.
        if (fd < 0 && (errno == EADDRNOTAVAIL || errno == EAFNOSUPPORT))
            continue;
        if (fd < 0)
            return false;
        listeners->fds[listeners->count++] = fd;
    }
    return listeners->count > 0;
}

enum gs_status gs_http_listen(const char *text, struct gs_http_listeners *out_listeners,
                              struct gs_error *err)
{
    struct gs_address place;
    struct addrinfo *list;
    const char *why = gs_address_parse(text, &place);
    enum gs_status status = why ? bad_address(text, why, err) : look_up(text, &place, &list, err);
    if (status != GS_OK)
        return status;
    struct gs_http_listeners listeners = {0};
    bool listening =
        place.host[0] ? listen_on_each(list, &listeners) : listen_everywhere(list, &listeners);
    int saved = errno;
    freeaddrinfo(list);
    if (!listening) {
        gs_http_listeners_close(&listeners);
        return bad_address(text, strerror(saved), err);
    }
    format_bound(listeners.fds[0], listeners.address, sizeof listeners.address);
    *out_listeners = listeners;
    return GS_OK;
}

void gs_http_listeners_shut(struct gs_http_listeners *listeners)
{
    for (size_t i = 0; i < listeners->count; i++)
        shutdown(listeners->fds[i], SHUT_RDWR);
}

void gs_http_listeners_close(struct gs_http_listeners *listeners)
{
    for (size_t i = 0; i < listeners->count; i++)
        close(listeners->fds[i]);
    listeners->count = 0;
}
