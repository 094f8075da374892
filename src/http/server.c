// Starts and stops the server and counts what is in flight. Knows neither requests nor sockets.
// SPDX-License-Identifier: Apache-2.0

#include "base/clock.h"
#include "base/files.h"
#include "http/http_internal.h"

enum { PEM_MAX = 256 * 1024 };

// ---- Start ----------------------------------------------------------------------------------

static enum gs_status read_pem(const char *path, const char *field, struct gs_buf *out,
                               struct gs_error *err)
{
    struct gs_error cause = GS_ERROR_INIT;
    if (gs_file_read(path, out, &cause) != GS_OK) {
        enum gs_status status = gs_fail(err, GS_CODE_CONFIG_INVALID, field, "%s", cause.message);
        gs_error_release(&cause);
        return status;
    }
    if (out->len == 0 || gs_slice_has_nul(gs_buf_slice(out)))
        return gs_fail(err, GS_CODE_CONFIG_INVALID, field, "%s is not a PEM file", path);
    return GS_OK;
}

// Key material does not stay in freed memory.
static void wipe(struct gs_buf *secret)
{
    if (secret->data)
        explicit_bzero(secret->data, secret->cap);
    gs_buf_release(secret);
}

static enum gs_status start_threads(struct gs_http_server *server,
                                    const struct gs_http_options *options, struct gs_error *err)
{
    if (!options->tls_cert && !options->tls_key)
        return gs_http_mhd_start(server, NULL, NULL, err);
    if (!options->tls_cert || !options->tls_key)
        return gs_fail(err, GS_CODE_CONFIG_INVALID, options->tls_cert ? "tls_key" : "tls_cert",
                       "a TLS certificate and its key go together, and one of them is missing");
    GS_CLEANUP(gs_buf_release) struct gs_buf cert;
    GS_CLEANUP(wipe) struct gs_buf key;
    gs_buf_init(&cert, PEM_MAX);
    gs_buf_init(&key, PEM_MAX);
    enum gs_status status = read_pem(options->tls_cert, "tls_cert", &cert, err);
    if (status == GS_OK)
        status = read_pem(options->tls_key, "tls_key", &key, err);
    if (status == GS_OK)
        status = gs_http_mhd_start(server, cert.data, key.data, err);
    return status;
}

static void init_lock(struct gs_http_server *server)
{
    pthread_mutex_init(&server->lock, NULL);
    gs_clock_cond_init(&server->changed);
}

static enum gs_status take_listeners(struct gs_http_server *server,
                                     const struct gs_http_options *options, struct gs_error *err)
{
    if (!options->bound)
        return gs_http_listen(options->listen, &server->listeners, err);
    server->listeners = *options->bound;
    options->bound->count = 0;
    return GS_OK;
}

enum gs_status gs_http_start(const struct gs_http_options *options,
                             const struct gs_http_route *routes, size_t route_count,
                             const struct gs_http_owner *owner, struct gs_http_server **out_server,
                             struct gs_error *err)
{
    struct gs_http_server *server = gs_xcalloc(1, sizeof *server);
    server->owner = *owner;
    server->options = *options;
    server->tls = options->tls_cert != NULL;
    server->router = gs_http_router_new(routes, route_count);
    gs_http_table_init(&server->table, options);
    init_lock(server);
    enum gs_status status = gs_http_watcher_init(&server->watcher, err);
    if (status == GS_OK)
        status = take_listeners(server, options, err);
    if (status == GS_OK)
        status = start_threads(server, options, err);
    if (status == GS_OK)
        status = gs_http_watcher_start(server, err);
    server->options.listen = server->options.tls_cert = server->options.tls_key = NULL;
    server->options.bound = NULL;
    if (status != GS_OK) {
        gs_http_free(server);
        return status;
    }
    *out_server = server;
    return GS_OK;
}

const char *gs_http_address(const struct gs_http_server *server)
{
    return server->listeners.address;
}

// ---- Stop -----------------------------------------------------------------------------------

void gs_http_quiesce(struct gs_http_server *server)
{
    pthread_mutex_lock(&server->lock);
    // From here on connecting fails. Once the flag is up the sockets are the watcher's, to close
    // them.
    if (!atomic_load(&server->quiesced))
        gs_http_listeners_shut(&server->listeners);
    atomic_store(&server->quiesced, true);
    pthread_mutex_unlock(&server->lock);
    gs_http_streams_end(server);
    gs_http_watcher_wake(&server->watcher);
}

bool gs_http_drain(struct gs_http_server *server, int64_t deadline_ms)
{
    bool in_time = true;
    pthread_mutex_lock(&server->lock);
    while (server->in_flight > 0 && in_time)
        in_time = gs_clock_cond_wait(&server->changed, &server->lock, deadline_ms);
    bool idle = server->in_flight == 0;
    pthread_mutex_unlock(&server->lock);
    return idle;
}

// libmicrohttpd ends the process when it is stopped with a suspended connection.
static void wait_for_replies(struct gs_http_server *server)
{
    pthread_mutex_lock(&server->lock);
    while (server->owed > 0)
        pthread_cond_wait(&server->changed, &server->lock);
    pthread_mutex_unlock(&server->lock);
}

void gs_http_free(struct gs_http_server *server)
{
    if (!server)
        return;
    gs_http_quiesce(server);
    gs_http_watcher_stop(server);
    wait_for_replies(server);
    gs_http_mhd_stop(server);
    gs_http_watcher_release(&server->watcher);
    gs_http_listeners_close(&server->listeners);
    gs_http_table_release(&server->table);
    gs_http_router_free(server->router);
    pthread_cond_destroy(&server->changed);
    pthread_mutex_destroy(&server->lock);
    free(server);
}

// ---- Counts ---------------------------------------------------------------------------------

void gs_http_counts(struct gs_http_server *server, struct gs_http_counts *out_counts)
{
    unsigned connections = gs_http_table_count(&server->table);
    pthread_mutex_lock(&server->lock);
    *out_counts = (struct gs_http_counts){
        .requests = server->requests,
        .in_flight = server->in_flight,
        .connections = connections,
    };
    pthread_mutex_unlock(&server->lock);
}

void gs_http_server_enter(struct gs_http_server *server)
{
    pthread_mutex_lock(&server->lock);
    server->requests++;
    server->in_flight++;
    pthread_mutex_unlock(&server->lock);
}

static void count_down(struct gs_http_server *server, unsigned *count)
{
    pthread_mutex_lock(&server->lock);
    if (--*count == 0)
        pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
}

void gs_http_server_leave(struct gs_http_server *server)
{
    count_down(server, &server->in_flight);
}

void gs_http_server_owe(struct gs_http_server *server)
{
    pthread_mutex_lock(&server->lock);
    server->owed++;
    pthread_mutex_unlock(&server->lock);
}

void gs_http_server_settle(struct gs_http_server *server)
{
    count_down(server, &server->owed);
}

bool gs_http_server_charge(struct gs_http_server *server, size_t bytes)
{
    size_t limit = server->options.body_total_limit;
    if (bytes <= limit && atomic_fetch_add(&server->body_held, bytes) <= limit - bytes)
        return true;
    if (bytes <= limit)
        gs_http_server_discharge(server, bytes);
    return false;
}

void gs_http_server_discharge(struct gs_http_server *server, size_t bytes)
{
    atomic_fetch_sub(&server->body_held, bytes);
}
