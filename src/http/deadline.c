// The table of open connections: how many there are, and until when each may do what it does.
// libmicrohttpd only counts the seconds since the last byte, so that one byte now and then keeps a
// connection for ever; here every phase has an absolute end. Ending is shutdown(2): the close stays
// with libmicrohttpd.
// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "base/clock.h"
#include "http/http_internal.h"

enum {
    WRITE_BYTES_PER_MS = 64, // the slowest reader that is waited for
    HEARD_SLACK_MS = 20,     // the kernel's stamps are as coarse as its ticks
};

void gs_http_table_init(struct gs_http_table *table, const struct gs_http_options *options)
{
    *table = (struct gs_http_table){
        .max = options->max_connections,
        .max_per_ip = options->max_connections_per_ip,
        .next_check_ms = GS_HTTP_NEVER,
    };
    pthread_mutex_init(&table->lock, NULL);
}

void gs_http_table_release(struct gs_http_table *table)
{
    pthread_mutex_destroy(&table->lock);
}

static bool take_place(struct gs_http_table *table, unsigned places)
{
    pthread_mutex_lock(&table->lock);
    bool is_free = table->max == 0 || table->count + table->reserved < table->max;
    if (is_free)
        table->reserved += places;
    table->full = !is_free;
    pthread_mutex_unlock(&table->lock);
    return is_free;
}

bool gs_http_table_has_place(struct gs_http_table *table)
{
    return take_place(table, 0);
}

bool gs_http_table_reserve(struct gs_http_table *table)
{
    return take_place(table, 1);
}

void gs_http_table_unreserve(struct gs_http_table *table)
{
    pthread_mutex_lock(&table->lock);
    table->reserved--;
    pthread_mutex_unlock(&table->lock);
}

unsigned gs_http_table_count(struct gs_http_table *table)
{
    pthread_mutex_lock(&table->lock);
    unsigned count = table->count;
    pthread_mutex_unlock(&table->lock);
    return count;
}

// ---- Addresses ------------------------------------------------------------------------------

// IPv4 in its IPv6 form, so that one comparison does.
static struct in6_addr address_of(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET6)
        return ((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
    struct in6_addr mapped = {.s6_addr = {[10] = 0xff, [11] = 0xff}};
    const struct sockaddr_in *v4 = (const void *)address;
    memcpy(mapped.s6_addr + 12, &v4->sin_addr, 4);
    return mapped;
}

static void format_address(const struct in6_addr *address, char out[INET6_ADDRSTRLEN])
{
    if (IN6_IS_ADDR_V4MAPPED(address))
        inet_ntop(AF_INET, address->s6_addr + 12, out, INET6_ADDRSTRLEN);
    else
        inet_ntop(AF_INET6, address, out, INET6_ADDRSTRLEN);
}

static unsigned count_address(const struct gs_http_table *table, const struct in6_addr *address)
{
    unsigned count = 0;
    for (const struct gs_http_conn *c = table->first; c; c = c->next)
        count += IN6_ARE_ADDR_EQUAL(&c->address, address) ? 1 : 0;
    return count;
}

// ---- Connections ----------------------------------------------------------------------------

// The lock is held.
static void set_phase(struct gs_http_conn *conn, enum gs_http_phase phase, int64_t deadline_ms)
{
    struct gs_http_table *table = &conn->server->table;
    conn->phase = phase;
    conn->deadline_ms = deadline_ms;
    if (deadline_ms >= table->next_check_ms)
        return;
    table->next_check_ms = deadline_ms;
    gs_http_watcher_wake(&conn->server->watcher);
}

static void end(struct gs_http_conn *conn, int how)
{
    conn->phase = GS_HTTP_PHASE_CLOSING;
    conn->deadline_ms = GS_HTTP_NEVER;
    shutdown(conn->fd, how);
}

struct gs_http_conn *gs_http_conn_new(struct gs_http_server *server, int fd,
                                      const struct sockaddr *address)
{
    struct gs_http_table *table = &server->table;
    struct gs_http_conn *conn = gs_xcalloc(1, sizeof *conn);
    conn->server = server;
    conn->fd = fd;
    conn->address = address_of(address);
    format_address(&conn->address, conn->peer);
    pthread_mutex_lock(&table->lock);
    bool over = table->max_per_ip && count_address(table, &conn->address) >= table->max_per_ip;
    conn->next = table->first;
    if (table->first)
        table->first->prev = conn;
    table->first = conn;
    table->reserved--;
    table->count++;
    if (over)
        end(conn, SHUT_RDWR);
    else
        set_phase(conn, GS_HTTP_PHASE_HEAD, gs_clock_mono_ms() + server->options.header_timeout_ms);
    pthread_mutex_unlock(&table->lock);
    return conn;
}

void gs_http_conn_free(struct gs_http_conn *conn)
{
    struct gs_http_table *table = &conn->server->table;
    pthread_mutex_lock(&table->lock);
    if (conn->prev)
        conn->prev->next = conn->next;
    else
        table->first = conn->next;
    if (conn->next)
        conn->next->prev = conn->prev;
    table->count--;
    if (table->full)
        gs_http_watcher_wake(&conn->server->watcher);
    table->full = false;
    pthread_mutex_unlock(&table->lock);
    free(conn);
}

bool gs_http_conn_enter(struct gs_http_conn *conn, enum gs_http_phase phase, int64_t deadline_ms)
{
    pthread_mutex_t *lock = &conn->server->table.lock;
    pthread_mutex_lock(lock);
    bool in_time = conn->phase != GS_HTTP_PHASE_CLOSING;
    if (in_time)
        set_phase(conn, phase, deadline_ms);
    if (phase == GS_HTTP_PHASE_IDLE)
        conn->idle_since_ms = gs_clock_mono_ms();
    pthread_mutex_unlock(lock);
    return in_time;
}

void gs_http_conn_wake(struct gs_http_conn *conn)
{
    pthread_mutex_t *lock = &conn->server->table.lock;
    pthread_mutex_lock(lock);
    if (conn->phase == GS_HTTP_PHASE_IDLE)
        set_phase(conn, GS_HTTP_PHASE_HEAD,
                  gs_clock_mono_ms() + conn->server->options.header_timeout_ms);
    pthread_mutex_unlock(lock);
}

int64_t gs_http_write_time_ms(const struct gs_http_options *options, size_t bytes)
{
    return options->body_timeout_ms + (int64_t)(bytes / WRITE_BYTES_PER_MS);
}

// ---- Deadlines ------------------------------------------------------------------------------

// Whether the client sent anything since its last request was answered; libmicrohttpd keeps the
// first bytes of a request to itself.
static bool has_begun(const struct gs_http_conn *conn, int64_t now_ms)
{
    struct tcp_info info = {0};
    socklen_t len = sizeof info;
    if (getsockopt(conn->fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0)
        return false;
    return now_ms - info.tcpi_last_data_recv > conn->idle_since_ms + HEARD_SLACK_MS;
}

static void expire(struct gs_http_conn *conn, int64_t now_ms)
{
    if (conn->phase == GS_HTTP_PHASE_IDLE && has_begun(conn, now_ms)) {
        conn->phase = GS_HTTP_PHASE_HEAD;
        conn->deadline_ms = now_ms + conn->server->options.header_timeout_ms;
        return;
    }
    // Who is late with a body gets to know it: his half of the connection stays open for the
    // answer.
    end(conn, conn->phase == GS_HTTP_PHASE_BODY ? SHUT_RD : SHUT_RDWR);
}

int64_t gs_http_table_check(struct gs_http_server *server, int64_t now_ms)
{
    struct gs_http_table *table = &server->table;
    int64_t next_ms = GS_HTTP_NEVER;
    pthread_mutex_lock(&table->lock);
    for (struct gs_http_conn *c = table->first; c; c = c->next) {
        if (c->deadline_ms <= now_ms)
            expire(c, now_ms);
        if (c->deadline_ms < next_ms)
            next_ms = c->deadline_ms;
    }
    table->next_check_ms = next_ms;
    pthread_mutex_unlock(&table->lock);
    return next_ms;
}
