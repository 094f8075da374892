// One thread that accepts connections, ends those that are late and drains those that were closed
// on a client still sending. Accepting is done here because libmicrohttpd cannot stop it safely:
// when one of its threads leaves the listening socket while MHD_quiesce_daemon takes it away, it
// ends the process (0.9.75).
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "http/http_internal.h"

enum {
    ACCEPT_BATCH = 64,
    ACCEPT_PAUSE_MS = 100, // when the process has no descriptor left, say
    LINGER_MS = 5000,
    DRAIN_BATCH = 1 << 20,
    POLLED_MAX = 1 + GS_HTTP_LISTENERS_MAX + GS_HTTP_LINGER_MAX,
};

// What one round waits for, and which of the polled descriptors is what.
struct round {
    struct pollfd polled[POLLED_MAX];
    size_t count;
    size_t listeners; // how many, from 1
    int64_t until_ms;
};

static void wait_for(struct round *round, int fd)
{
    round->polled[round->count++] = (struct pollfd){.fd = fd, .events = POLLIN};
}

static void be_back_at(struct round *round, int64_t ms)
{
    if (ms < round->until_ms)
        round->until_ms = ms;
}

// ---- Accepting ------------------------------------------------------------------------------

static void wait_for_connections(struct gs_http_server *server, struct round *round, int64_t now_ms)
{
    struct gs_http_listeners *listeners = &server->listeners;
    if (atomic_load(&server->quiesced))
        gs_http_listeners_close(listeners);
    if (now_ms < server->watcher.accept_again_ms) {
        be_back_at(round, server->watcher.accept_again_ms);
        return;
    }
    if (listeners->count == 0 || !gs_http_table_has_place(&server->table))
        return;
    for (size_t i = 0; i < listeners->count; i++)
        wait_for(round, listeners->fds[i]);
    round->listeners = listeners->count;
}

static bool is_passing(int error)
{
    return error == EAGAIN || error == EINTR || error == ECONNABORTED;
}

// False when there is none, or no place for it.
static bool accept_one(struct gs_http_server *server, int listener)
{
    if (!gs_http_table_reserve(&server->table))
        return false;
    struct sockaddr_storage address;
    socklen_t len = sizeof address;
    int fd = accept4(listener, (struct sockaddr *)&address, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0 && gs_http_mhd_add(server, fd, (struct sockaddr *)&address, len))
        return true;
    if (fd < 0 && !is_passing(errno))
        server->watcher.accept_again_ms = gs_clock_mono_ms() + ACCEPT_PAUSE_MS;
    gs_http_table_unreserve(&server->table);
    return fd >= 0;
}

static void accept_connections(struct gs_http_server *server, const struct round *round)
{
    for (size_t i = 1; i <= round->listeners; i++) {
        int left = round->polled[i].revents ? ACCEPT_BATCH : 0;
        while (left > 0 && accept_one(server, round->polled[i].fd))
            left--;
    }
}

// ---- Lingering ------------------------------------------------------------------------------

void gs_http_watcher_linger(struct gs_http_watcher *watcher, int fd)
{
    pthread_mutex_lock(&watcher->lock);
    // When there are too many, the client may lose its answer; that is all.
    int copy = watcher->linger_count < GS_HTTP_LINGER_MAX ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;
    if (copy >= 0)
        watcher->lingering[watcher->linger_count++] =
            (struct gs_http_linger){.fd = copy, .until_ms = gs_clock_mono_ms() + LINGER_MS};
    pthread_mutex_unlock(&watcher->lock);
    if (copy >= 0)
        gs_http_watcher_wake(watcher);
}

static void wait_for_lingering(struct gs_http_watcher *watcher, struct round *round)
{
    pthread_mutex_lock(&watcher->lock);
    for (size_t i = 0; i < watcher->linger_count; i++) {
        wait_for(round, watcher->lingering[i].fd);
        be_back_at(round, watcher->lingering[i].until_ms);
    }
    pthread_mutex_unlock(&watcher->lock);
}

// Whether the client has ended its side, too.
static bool drain(int fd)
{
    // MSG_TRUNC on TCP: thrown away in the kernel (tcp(7)).
    ssize_t n = recv(fd, NULL, DRAIN_BATCH, MSG_TRUNC | MSG_DONTWAIT);
    return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

static void drain_lingering(struct gs_http_watcher *watcher, const struct round *round)
{
    size_t first = 1 + round->listeners;
    int64_t now_ms = gs_clock_mono_ms();
    pthread_mutex_lock(&watcher->lock);
    // Backwards, because the last one takes the place of one that is done.
    for (size_t i = round->count - first; i-- > 0;) {
        struct gs_http_linger *linger = &watcher->lingering[i];
        bool is_readable = round->polled[first + i].revents != 0;
        if (now_ms < linger->until_ms && !(is_readable && drain(linger->fd)))
            continue;
        close(linger->fd);
        *linger = watcher->lingering[--watcher->linger_count];
    }
    pthread_mutex_unlock(&watcher->lock);
}

// ---- The thread ---------------------------------------------------------------------------

static int poll_timeout(int64_t until_ms, int64_t now_ms)
{
    if (until_ms == GS_HTTP_NEVER)
        return -1;
    int64_t left = until_ms - now_ms;
    return left < 0 ? 0 : left > 60000 ? 60000 : (int)left;
}

static void clear_wake(int fd)
{
    uint64_t count;
    ssize_t n = read(fd, &count, sizeof count);
    (void)n; // EAGAIN: nobody called
}

static void *run(void *arg)
{
    struct gs_http_server *server = arg;
    struct gs_http_watcher *watcher = &server->watcher;
    pthread_setname_np(pthread_self(), "http-watch");
    while (!atomic_load(&watcher->stop)) {
        int64_t now_ms = gs_clock_mono_ms();
        struct round round = {.until_ms = gs_http_table_check(server, now_ms)};
        wait_for(&round, watcher->wake_fd);
        wait_for_connections(server, &round, now_ms);
        wait_for_lingering(watcher, &round);
        if (poll(round.polled, round.count, poll_timeout(round.until_ms, now_ms)) < 0)
            continue;
        clear_wake(watcher->wake_fd);
        accept_connections(server, &round);
        drain_lingering(watcher, &round);
    }
    return NULL;
}

enum gs_status gs_http_watcher_init(struct gs_http_watcher *watcher, struct gs_error *err)
{
    pthread_mutex_init(&watcher->lock, NULL);
    watcher->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (watcher->wake_fd < 0)
        return gs_fail(err, GS_CODE_INTERNAL, NULL, "cannot make an event descriptor: %s",
                       strerror(errno));
    return GS_OK;
}

enum gs_status gs_http_watcher_start(struct gs_http_server *server, struct gs_error *err)
{
    struct gs_http_watcher *watcher = &server->watcher;
    int rc = pthread_create(&watcher->thread, NULL, run, server);
    if (rc != 0)
        return gs_fail(err, GS_CODE_INTERNAL, NULL, "cannot start a thread: %s", strerror(rc));
    watcher->running = true;
    return GS_OK;
}

void gs_http_watcher_wake(struct gs_http_watcher *watcher)
{
    ssize_t n = write(watcher->wake_fd, &(uint64_t){1}, sizeof(uint64_t));
    (void)n; // EAGAIN: it has been called often enough
}

void gs_http_watcher_stop(struct gs_http_server *server)
{
    struct gs_http_watcher *watcher = &server->watcher;
    if (!watcher->running)
        return;
    atomic_store(&watcher->stop, true);
    gs_http_watcher_wake(watcher);
    pthread_join(watcher->thread, NULL);
    watcher->running = false;
}

void gs_http_watcher_release(struct gs_http_watcher *watcher)
{
    for (size_t i = 0; i < watcher->linger_count; i++)
        close(watcher->lingering[i].fd);
    if (watcher->wake_fd >= 0)
        close(watcher->wake_fd);
    pthread_mutex_destroy(&watcher->lock);
}
