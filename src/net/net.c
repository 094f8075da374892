// The life of the HTTP client: what all its requests share.
// SPDX-License-Identifier: Apache-2.0
#include "net/net.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "base/arena.h"
#include "net/net_internal.h"

static pthread_once_t started = PTHREAD_ONCE_INIT;
static CURLcode start_result;

static void start_libcurl(void)
{
    start_result = curl_global_init(CURL_GLOBAL_DEFAULT);
    // With CURLOPT_NOSIGNAL libcurl leaves SIGPIPE to us, and OpenSSL writes to sockets without
    // MSG_NOSIGNAL: a host that hangs up would end the process.
    struct sigaction now;
    if (sigaction(SIGPIPE, NULL, &now) == 0 && now.sa_handler == SIG_DFL)
        signal(SIGPIPE, SIG_IGN);
}

static void lock_shared(CURL *easy, curl_lock_data data, curl_lock_access access, void *userdata)
{
    struct gs_net *net = userdata;
    (void)easy;
    (void)access;
    pthread_mutex_lock(&net->share_locks[data]);
}

static void unlock_shared(CURL *easy, curl_lock_data data, void *userdata)
{
    struct gs_net *net = userdata;
    (void)easy;
    pthread_mutex_unlock(&net->share_locks[data]);
}

// Only names are shared. Connections cannot be shared between threads at all, and TLS sessions not
// before libcurl 8.11, which stopped handing one OpenSSL object to several threads.
static bool init_share(struct gs_net *net)
{
    for (size_t i = 0; i < GS_COUNT(net->share_locks); i++)
        pthread_mutex_init(&net->share_locks[i], NULL);
    net->share = curl_share_init();
    return net->share && !curl_share_setopt(net->share, CURLSHOPT_LOCKFUNC, lock_shared) &&
           !curl_share_setopt(net->share, CURLSHOPT_UNLOCKFUNC, unlock_shared) &&
           !curl_share_setopt(net->share, CURLSHOPT_USERDATA, net) &&
           !curl_share_setopt(net->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS);
}

// libcurl would only say so at the first request.
static enum gs_status check_ca_file(const char *path, struct gs_error *err)
{
    if (!path || access(path, R_OK) == 0)
        return GS_OK;
    return gs_fail(err, GS_CODE_CONFIG_INVALID, "ca_file", "cannot read the CA file %s: %s", path,
                   strerror(errno));
}

static struct gs_net *copy_options(const struct gs_net_options *options)
{
    struct gs_net *net = gs_xcalloc(1, sizeof *net);
    net->ca_file = gs_xstrdup(options->ca_file);
    net->user_agent = gs_xstrdup(options->user_agent);
    net->allow_loopback = options->allow_loopback;
    net->connect_timeout_ms = options->connect_timeout_ms;
    return net;
}

static enum gs_status build(const struct gs_net_options *options, struct gs_net **out_net,
                            struct gs_error *err)
{
    struct gs_net_proxies proxies;
    enum gs_status status = gs_net_proxies_init(&proxies, err);
    if (status != GS_OK)
        return status;
    struct gs_net *net = copy_options(options);
    net->proxies = proxies;
    bool shares = init_share(net);
    gs_net_idle_init(&net->idle, options->max_idle, net->share);
    gs_net_breaker_init(&net->breaker, options->breaker_failures, options->breaker_pause_ms);
    if (!shares) {
        gs_net_free(net);
        return gs_fail(err, GS_CODE_NO_MEMORY, NULL, "not enough memory for the HTTP client");
    }
    *out_net = net;
    return GS_OK;
}

enum gs_status gs_net_new(const struct gs_net_options *options, struct gs_net **out_net,
                          struct gs_error *err)
{
    pthread_once(&started, start_libcurl);
    if (start_result != CURLE_OK)
        return gs_fail(err, GS_CODE_INTERNAL, NULL, "cannot start libcurl: %s",
                       curl_easy_strerror(start_result));
    enum gs_status status = check_ca_file(options->ca_file, err);
    return status == GS_OK ? build(options, out_net, err) : status;
}

void gs_net_free(struct gs_net *net)
{
    if (!net)
        return;
    gs_net_breaker_release(&net->breaker);
    gs_net_idle_release(&net->idle);
    curl_share_cleanup(net->share);
    gs_net_proxies_release(&net->proxies);
    for (size_t i = 0; i < GS_COUNT(net->share_locks); i++)
        pthread_mutex_destroy(&net->share_locks[i]);
    free(net->ca_file);
    free(net->user_agent);
    free(net);
}

void gs_net_response_release(struct gs_net_response *response)
{
    gs_buf_release(&response->body);
    *response = (struct gs_net_response){0};
}
