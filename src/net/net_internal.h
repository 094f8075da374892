// What the files of this folder share: the client, a parsed address, the proxies and the idle
// connections. Not for other folders.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_NET_NET_INTERNAL_H
#define GS_NET_NET_INTERNAL_H

#include <curl/curl.h>
#include <pthread.h>
#include <sys/socket.h>

#include "base/map.h"
#include "net/net.h"

enum {
    GS_NET_HOST_MAX = 255,
    GS_NET_ORIGIN_MAX = GS_NET_ORIGIN_TEXT, // "https://", host, ":65535"
};

// An IP address in network order; len is 4 or 16.
struct gs_net_address {
    size_t len;
    unsigned char bytes[16];
};

// Reads a host as the resolver would: IPv4 in every form of inet_aton(3), IPv6 with or without
// brackets and zone, one final dot allowed. False when it is a name.
bool gs_net_address_parse(const char *host, struct gs_net_address *out_address);
// False for families other than IPv4 and IPv6.
bool gs_net_address_of(const struct sockaddr *from, struct gs_net_address *out_address);
// Whether connections to it stay on this machine or this link (the list is in net.h).
bool gs_net_address_is_local(const struct gs_net_address *address);
// The same for a host of a URL; localhost and names under it count. Other names are not resolved.
bool gs_net_host_is_local(const char *host);

// Where a request goes, taken from its URL by libcurl's own parser, so that what is checked is what
// is used.
struct gs_net_target {
    bool tls;
    char host[GS_NET_HOST_MAX + 1];     // ASCII, lower-case; IPv6 with brackets
    char origin[GS_NET_ORIGIN_MAX + 1]; // "https://github.com:443"
};

// "github.com:443", for messages.
static inline const char *gs_net_target_authority(const struct gs_net_target *target)
{
    return target->origin + (target->tls ? strlen("https://") : strlen("http://"));
}

// For GS_CLEANUP of what libcurl's URL functions give.
void gs_net_parts_cleanup(CURLU **parts);
void gs_net_text_cleanup(char **text);

// invalid_input with the field: not http or https, no host, user info, control characters or
// blanks. Any length.
enum gs_status gs_net_target_parse(const char *url, const char *field,
                                   struct gs_net_target *out_target,
                                   struct gs_error *err) GS_MUST_CHECK;
// host_not_allowed when the URL itself names a local host and the client does not allow them.
enum gs_status gs_net_target_check(const struct gs_net *net, const struct gs_net_target *target,
                                   const char *field, struct gs_error *err) GS_MUST_CHECK;

struct gs_net_proxy {
    char *url;                        // NULL: none. May hold a password
    char name[GS_NET_ORIGIN_MAX + 1]; // "proxy.example.com:3128", for messages
};

struct gs_net_proxies {
    struct gs_net_proxy http, https; // by the scheme of the request
    char *exceptions;                // no_proxy, or NULL
};

// Reads the environment. config_invalid names the variable; its value is never in a message.
enum gs_status gs_net_proxies_init(struct gs_net_proxies *proxies,
                                   struct gs_error *err) GS_MUST_CHECK;
void gs_net_proxies_release(struct gs_net_proxies *proxies);
// NULL: the request goes straight to the host.
const struct gs_net_proxy *gs_net_proxy_for(const struct gs_net_proxies *proxies,
                                            const struct gs_net_target *target);

// Easy handles between two requests, each with the one connection that it keeps open. Thread-safe.
struct gs_net_idle {
    pthread_mutex_t lock;
    struct gs_net_parked *parked; // oldest first
    size_t count, max;
    CURLSH *share;
};

// share must outlive it.
void gs_net_idle_init(struct gs_net_idle *idle, size_t max, CURLSH *share);
void gs_net_idle_release(struct gs_net_idle *idle);
// The handle that was parked last for the origin, else a new one; NULL when memory ran out. The
// caller's until it is parked or cleaned up.
CURL *gs_net_idle_take(struct gs_net_idle *idle, const char *origin);
// Takes ownership; options are reset, the connection stays open.
void gs_net_idle_park(struct gs_net_idle *idle, const char *origin, CURL *easy);

// The hosts that fail. Thread-safe.
struct gs_net_breaker {
    pthread_mutex_t lock;
    struct gs_map hosts; // by origin
    unsigned failures;   // in a row until a pause; 0: never
    int64_t pause_max_ms;
};

void gs_net_breaker_init(struct gs_net_breaker *breaker, unsigned failures, int64_t pause_max_ms);
void gs_net_breaker_release(struct gs_net_breaker *breaker);
// host_down with retry_after_s during a pause. Whoever is admitted notes the outcome.
enum gs_status gs_net_breaker_admit(struct gs_net_breaker *breaker,
                                    const struct gs_net_target *target,
                                    struct gs_error *err) GS_MUST_CHECK;
// What is learned of a host: nothing when there was no time, or no memory, to ask it.
enum gs_net_verdict { GS_NET_VERDICT_NONE, GS_NET_VERDICT_ALIVE, GS_NET_VERDICT_FAILED };
void gs_net_breaker_note(struct gs_net_breaker *breaker, const struct gs_net_target *target,
                         enum gs_net_verdict verdict);

struct gs_net {
    char *ca_file, *user_agent;
    bool allow_loopback;
    int64_t connect_timeout_ms;
    struct gs_net_proxies proxies;
    struct gs_net_idle idle;
    struct gs_net_breaker breaker;
    CURLSH *share;
    pthread_mutex_t share_locks[CURL_LOCK_DATA_LAST];
};

// One request on its way; lives on the stack of gs_net_perform. libcurl calls back with it.
struct gs_net_exchange {
    const struct gs_net *net;
    const struct gs_net_request *request;
    struct gs_net_target target;
    const struct gs_net_proxy *proxy; // NULL: none
    CURL *easy;
    int64_t started_ms;
    struct gs_net_response response;
    bool limit_exhausted;  // x-ratelimit-remaining: 0
    int64_t limit_reset_s; // x-ratelimit-reset
    // The position in the request body.
    size_t part, part_offset;
    bool body_began; // some of it was handed out
    bool told_sent;  // on_sent was called
    // What has arrived, and why we cut it short, if we did.
    size_t header_bytes, body_bytes;
    enum gs_net_stop {
        GS_NET_STOP_NONE,
        GS_NET_STOP_BODY_SIZE,
        GS_NET_STOP_HEADER_SIZE,
        GS_NET_STOP_CONSUMER, // on_body said so
        GS_NET_STOP_MEMORY,
    } stop;
    // What the connection guard saw.
    bool refused_local, opened_socket;
    char detail[CURL_ERROR_SIZE]; // libcurl's own words
};

// One exchange, as gs_net_perform without breaker and repetition. The target is that of the request's URL. *out_delivered
// tells whether on_body was called.
enum gs_status gs_net_exchange_once(struct gs_net *net, const struct gs_net_request *request,
                                    const struct gs_net_target *target,
                                    struct gs_net_response *out_response, bool *out_delivered,
                                    struct gs_error *err) GS_MUST_CHECK;

// libcurl's callbacks; userdata is the exchange.
int gs_net_watch_progress(void *userdata, curl_off_t down_total, curl_off_t down,
                          curl_off_t up_total, curl_off_t up);
size_t gs_net_read_body(char *to, size_t size, size_t count, void *userdata);
int gs_net_seek_body(void *userdata, curl_off_t offset, int origin);
size_t gs_net_take_header(char *line, size_t size, size_t count, void *userdata);
size_t gs_net_take_body(char *data, size_t size, size_t count, void *userdata);

// Turns the outcome of a transfer that did not end with an HTTP answer into an error for a person.
enum gs_status gs_net_explain(const struct gs_net_exchange *exchange, CURLcode rc,
                              struct gs_error *err) GS_MUST_CHECK;

#endif
