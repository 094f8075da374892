// The one way out: HTTP requests over a pool of libcurl connections, with deadlines and size caps.
// Knows nothing of git or GitHub.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_NET_NET_H
#define GS_NET_NET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"

struct gs_net;

struct gs_net_options {
    const char *ca_file; // NULL: the system's certificates
    // Else connections to loopback and link-local addresses are refused, whatever name led there.
    bool allow_loopback;
    const char *user_agent;     // "gitsync/0.1.0"
    int64_t connect_timeout_ms; // name look-up, TCP and TLS together
    size_t max_idle;            // connections kept open for reuse, over all hosts
    // A host that fails so often in a row (unreachable, no answer in time, a 5xx without Retry-After) is
    // left alone for a pause of 1 s, which doubles up to the longest; 0: never.
    unsigned breaker_failures;
    int64_t breaker_pause_ms; // the longest
};

// Proxies come from the usual variables (https_proxy, http_proxy, all_proxy, no_proxy), which are
// read here and not again; requests to loopback hosts never go to one. A proxy may itself be on
// loopback whatever allow_loopback says, and what a name means behind it is the proxy's business.
// Copies what it needs. Makes the process ignore SIGPIPE unless somebody handles it. Errors:
// config_invalid (ca_file, or a proxy variable that is no URL).
enum gs_status gs_net_new(const struct gs_net_options *options, struct gs_net **out_net,
                          struct gs_error *err) GS_MUST_CHECK;
// No request may be running.
void gs_net_free(struct gs_net *net);

struct gs_net_request {
    const char *method;         // GET, POST, PUT or DELETE
    const char *url;            // http or https, absolute, without user info
    const char *const *headers; // "Name: value", NULL-terminated; or NULL
    // Credentials are sent at once, without waiting for a challenge. At most one of the two.
    const char *bearer;
    const char *username, *password; // Basic
    const struct gs_slice *body;     // the parts of the body in order; not copied
    size_t body_parts;
    // It does no harm to send it twice: tried up to three times, with jitter, when the host cannot be
    // reached, the connection is cut, or the answer is a 502, 503 or 504 without Retry-After. Without it, a
    // request whose body has begun to travel is never sent again.
    bool repeatable;
    int64_t deadline_ms; // gs_clock_mono_ms() at which all of it must have ended
    size_t max_response; // bytes of the response body; more is too_large
    // Where the response body of a 200 goes piece by piece, instead of into response->body; false
    // stops with host_failed. Of the body of any other status response->body then gets the first
    // 64 KB.
    bool (*on_body)(void *arg, const char *data, size_t len);
    // Before a repetition, when on_body got something already: forgets it. NULL, or false: no repetition.
    bool (*on_again)(void *arg);
    void *on_body_arg;
    // Once the whole body was handed to the system, for what can be done while the host is at work. At most once, on the calling thread; the
    // transfer waits for it. Not called when there is no body, or the answer is there before it was sent.
    void (*on_sent)(void *arg);
    void *on_sent_arg;
    // Set when the last byte of the body was handed out: until then the host cannot have all of it, whatever the error is. Or NULL.
    bool *handed_out;
};

struct gs_net_response {
    int status;
    char content_type[128]; // lower-case, without parameters; "" when absent
    long retry_after_s;     // from Retry-After, seconds or a date, at most a day; 0 when absent
    // x-ratelimit-reset as Unix seconds when x-ratelimit-remaining is 0; else 0.
    int64_t rate_limit_reset_s;
    struct gs_buf body;
};

// For how many seconds a host that limits calls is to be left alone: as it says, but at least one and at most an hour; 60 when it
// does not say, as GitHub asks for (docs.github.com, "Rate limits for the REST API").
long gs_net_limit_s(const struct gs_net_response *response);

// One exchange, blocking, thread-safe. GS_OK for every HTTP status; redirects are not followed (a
// 3xx is a status like others) and bodies not decompressed. Connections are reused per origin; a
// repeatable request on a reused connection that turns out to be dead is sent on a new one. Errors:
// host_down with retry_after_s (nothing was sent: the host is in its pause), host_unreachable (name, connection, TLS, proxy, cut off; the message says which and to where),
// host_timeout, too_large, host_not_allowed, host_failed (no HTTP, endless headers),
// invalid_input (a URL or header that cannot be sent). Messages name host and port, never the rest
// of a URL. out_response is filled on GS_OK only; release it.
enum gs_status gs_net_perform(struct gs_net *net, const struct gs_net_request *request,
                              struct gs_net_response *out_response,
                              struct gs_error *err) GS_MUST_CHECK;
void gs_net_response_release(struct gs_net_response *response);

// The hosts that failed the last time they were asked, for the metrics.
enum gs_net_host_state {
    GS_NET_HOST_ASKED,  // not often enough for a pause
    GS_NET_HOST_PROBED, // the pause is over, the next request decides
    GS_NET_HOST_PAUSED,
};
struct gs_net_failing {
    const char *origin; // "https://github.com:443"
    unsigned failures;  // in a row
    enum gs_net_host_state state;
};
typedef void gs_net_visit_host(void *arg, const struct gs_net_failing *failing);
// Thread-safe; visit must not call the client.
void gs_net_list_failing(struct gs_net *net, gs_net_visit_host *visit, void *arg);

enum { GS_NET_ORIGIN_TEXT = 271 };
// "https://github.com:443" of an absolute URL, with NUL; "" when it is none that could be asked.
void gs_net_origin(const char *url, char out[GS_NET_ORIGIN_TEXT + 1]);

// Whether an address from a stranger may be used at all: http or https, a host in plain ASCII, no
// user info, no fragment, no control characters, at most 2048 bytes; and, without allow_loopback,
// no literal loopback or link-local address (127/8, ::1, 0/8, ::, 169.254/16, fe80::/10, and the
// same IPv4 inside IPv6, in every spelling that libcurl and the resolver understand) and not
// localhost. invalid_input or host_not_allowed with the given field.
enum gs_status gs_net_check_url(const struct gs_net *net, const char *url, const char *field,
                                struct gs_error *err) GS_MUST_CHECK;

#endif
