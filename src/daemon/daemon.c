// Ordered start, reverse stop. Nothing that matters is only in memory, so a stop that takes too long may simply end.
// SPDX-License-Identifier: Apache-2.0
#include "daemon/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "base/clock.h"
#include "base/files.h"
#include "base/log.h"
#include "base/version.h"
#include "daemon/daemon_internal.h"
#include "git/git.h"

enum { EXIT_START = 1, EXIT_SETTINGS = 2, IDLE_CONNECTIONS = 64 };

// Keys are in memory: no core file may hold them, and nobody else's ptrace.
static void protect_memory(void)
{
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0);
}

// Each of malloc's arenas keeps what was freed in it. By default there are eight for a processor, and calls wander over the threads; more than the
// processors cannot be at work at once. Before the first thread.
static void bound_arenas(void)
{
#ifdef __GLIBC__
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    mallopt(M_ARENA_MAX, processors > 0 ? (int)processors : 1);
#endif
}

// A connection is a descriptor, and the default soft limit is low.
static void raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static void block_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    pthread_sigmask(SIG_BLOCK, set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

// Two servers on one folder would both settle the same interrupted operations.
static enum gs_status lock_folder(struct daemon *daemon, struct gs_error *err)
{
    const char *path = gs_arena_printf(daemon->arena, "%s/lock", daemon->config.data);
    daemon->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (daemon->lock_fd < 0)
        return gs_fail(err, GS_CODE_STORE_FAILED, "data", "cannot open %s: %s", path,
                       strerror(errno));
    if (flock(daemon->lock_fd, LOCK_EX | LOCK_NB) == 0)
        return GS_OK;
    return gs_fail(err, GS_CODE_STORE_FAILED, "data",
                   "another server is running on the data folder %s; stop it, or give this one a "
                   "folder of its own",
                   daemon->config.data);
}

// What depends on the settings and the machine alone comes first: when it fails, nothing was made.
static enum gs_status start_network(struct daemon *daemon, struct gs_error *err)
{
    const struct gs_config *config = &daemon->config;
    struct gs_net_options net = {.ca_file = config->ca_file,
                                 .allow_loopback = config->allow_loopback_hosts,
                                 .user_agent = "gitsync/" GS_VERSION,
                                 .connect_timeout_ms = config->connect_timeout_ms,
                                 .max_idle = IDLE_CONNECTIONS,
                                 .breaker_failures = (unsigned)config->breaker_failures,
                                 .breaker_pause_ms = config->breaker_pause_ms};
    enum gs_status status = gs_http_listen(config->listen, &daemon->listeners, err);
    if (status == GS_OK)
        status = gs_git_init(err);
    daemon->git_ready = status == GS_OK;
    return status == GS_OK ? gs_net_new(&net, &daemon->net, err) : status;
}

static enum gs_status start_store(struct daemon *daemon, struct gs_error *err)
{
    enum gs_status status = gs_dir_make(daemon->config.data, 0700, err);
    if (status == GS_OK)
        status = lock_folder(daemon, err);
    if (status == GS_OK)
        status = gs_daemon_open_lockbox(daemon, err);
    if (status == GS_OK)
        status = gs_store_open(daemon->config.data, &daemon->store, err);
    if (status == GS_OK)
        status = gs_daemon_check_lockbox(daemon, err);
    return status == GS_OK ? gs_daemon_prepare_tokens(daemon, err) : status;
}

static enum gs_status start_sync(struct daemon *daemon, struct gs_error *err)
{
    const struct gs_config *config = &daemon->config;
    daemon->hosts = gs_hosts_new(daemon->net);
    struct gs_sync_options options = {
        .store = daemon->store,
        .net = daemon->net,
        .hosts = daemon->hosts,
        .lockbox = daemon->lockbox,
        .folder = gs_arena_printf(daemon->arena, "%s/mirrors", config->data),
        .git_timeout_ms = config->git_timeout_ms,
        .allow_http = config->allow_loopback_hosts,
        .document_limit = (size_t)config->document_limit,
        .pack_limit = (size_t)config->pack_limit,
        .workers = (size_t)config->git_workers,
        .workers_per_host = (size_t)config->git_workers_per_host,
        .queue_limit = (size_t)config->queue_limit,
        .mirror_limit = (uint64_t)config->mirror_limit,
        .mirrors_open = (size_t)config->mirrors_open,
    };
    enum gs_status status = gs_sync_new(&options, &daemon->sync, err);
    return status == GS_OK ? gs_sync_recover(daemon->sync, err) : status;
}

static enum gs_status start_server(struct daemon *daemon, struct gs_error *err)
{
    const struct gs_config *config = &daemon->config;
    struct gs_api_options api = {.store = daemon->store,
                                 .sync = daemon->sync,
                                 .net = daemon->net,
                                 .workers = (size_t)config->api_workers,
                                 .queue_limit = (size_t)config->queue_limit,
                                 .document_limit = (size_t)config->document_limit,
                                 .idempotency_ttl_ms = config->idempotency_ttl_ms,
                                 // Who watches leaves room for those who work.
                                 .streams_max = (size_t)(config->max_connections + 1) / 2};
    enum gs_status status = gs_api_new(&api, &daemon->api, err);
    if (status != GS_OK)
        return status;
    struct gs_http_options http = {
        .listen = config->listen,
        .bound = &daemon->listeners,
        .tls_cert = config->tls_cert,
        .tls_key = config->tls_key,
        .body_limit = (size_t)config->body_limit,
        .body_total_limit = (size_t)config->body_total_limit,
        .max_connections = (unsigned)config->max_connections,
        .max_connections_per_ip = (unsigned)config->max_connections_per_ip,
        .threads = (unsigned)config->http_threads,
        .header_timeout_ms = config->header_timeout_ms,
        .body_timeout_ms = config->body_timeout_ms,
        .idle_timeout_ms = config->idle_timeout_ms,
    };
    size_t count;
    const struct gs_http_route *routes = gs_api_routes(daemon->api, &count);
    status = gs_http_start(&http, routes, count, gs_api_owner(daemon->api), &daemon->server, err);
    if (status == GS_OK)
        gs_api_set_server(daemon->api, daemon->server);
    return status;
}

static enum gs_status start(struct daemon *daemon, struct gs_error *err)
{
    enum gs_status status = start_network(daemon, err);
    if (status == GS_OK)
        status = start_store(daemon, err);
    if (status == GS_OK)
        status = start_sync(daemon, err);
    if (status == GS_OK)
        status = start_server(daemon, err);
    return status == GS_OK ? gs_daemon_start_retention(daemon, err) : status;
}

static void release(struct daemon *daemon)
{
    gs_daemon_stop_retention(daemon);
    // The streams ask the sync.
    gs_api_stop(daemon->api);
    // The sync goes before the server, because its last answers are replies of the server.
    gs_sync_free(daemon->sync);
    gs_http_free(daemon->server);
    gs_http_listeners_close(&daemon->listeners);
    gs_api_free(daemon->api);
    gs_hosts_free(daemon->hosts);
    gs_net_free(daemon->net);
    if (daemon->git_ready)
        gs_git_shutdown();
    gs_store_close(daemon->store);
    gs_lockbox_free(daemon->lockbox);
    if (daemon->lock_fd >= 0)
        close(daemon->lock_fd);
}

// Ends the process at the deadline, whatever still runs: every operation is settled at the next start.
static void *end_at_deadline(void *arg)
{
    const int64_t *deadline_ms = arg;
    int64_t left = *deadline_ms - gs_clock_mono_ms();
    if (left > 0)
        gs_clock_sleep_ms(left);
    gs_log(GS_LOG_WARN, "stopped_with_work_left",
           GS_F_STR("advice", "the next start settles what was interrupted"));
    _exit(0);
}

static void stop(struct daemon *daemon)
{
    static int64_t deadline_ms;
    pthread_t watchdog;
    deadline_ms = gs_clock_mono_ms() + daemon->config.stop_timeout_ms;
    gs_log(GS_LOG_INFO, "stopping", GS_F_NONE);
    if (pthread_create(&watchdog, NULL, end_at_deadline, &deadline_ms) == 0)
        pthread_detach(watchdog);
    gs_http_quiesce(daemon->server);
    gs_sync_stop(daemon->sync);
    (void)gs_http_drain(daemon->server, deadline_ms);
    release(daemon);
    gs_log(GS_LOG_INFO, "stopped", GS_F_NONE);
}

static int fail_start(struct daemon *daemon, struct gs_error *err, int exit_status)
{
    fprintf(stderr, "gitsync: %s\n", err->message);
    gs_error_release(err);
    release(daemon);
    gs_arena_free(daemon->arena);
    return exit_status;
}

int gs_daemon_main(int argc, char *const *argv, char *const *environ)
{
    struct daemon daemon = {.arena = gs_arena_new(), .lock_fd = -1};
    struct gs_error err = GS_ERROR_INIT;
    enum gs_log_level level = GS_LOG_INFO;
    sigset_t signals;
    protect_memory();
    if (gs_config_load(argc, argv, environ, daemon.arena, &daemon.config, &err) != GS_OK)
        return fail_start(&daemon, &err, EXIT_SETTINGS);
    (void)gs_log_level_from_text(daemon.config.log_level, &level);
    gs_log_set_level(level);
    umask(077);
    raise_file_limit();
    bound_arenas();
    block_signals(&signals);
    if (start(&daemon, &err) != GS_OK)
        return fail_start(&daemon, &err,
                          err.code == GS_CODE_CONFIG_INVALID ? EXIT_SETTINGS : EXIT_START);
    gs_log(GS_LOG_INFO, "listening", GS_F_STR("address", gs_http_address(daemon.server)),
           GS_F_STR("scheme", daemon.config.tls_cert ? "https" : "http"),
           GS_F_STR("data", daemon.config.data), GS_F_STR("version", GS_VERSION),
           GS_F_INT("pid", getpid()));
    int signal_number = 0;
    sigwait(&signals, &signal_number);
    stop(&daemon);
    gs_arena_free(daemon.arena);
    return 0;
}
