// The HTTP server: strict parsing, limits, deadlines, a route table and answers that may come later
// from another thread. libmicrohttpd stays inside mhd.c. Knows neither JSON nor what the routes do.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_HTTP_HTTP_H
#define GS_HTTP_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"

struct gs_http_server;
struct gs_http_exchange; // one request and its response

enum gs_http_route_flags {
    // The connection is suspended before handle() is called; the reply may come from any thread.
    GS_HTTP_LATER = 1,
    GS_HTTP_BODY = 2,   // takes a JSON body (or none); without the flag a body is refused
    GS_HTTP_PUBLIC = 4, // for the owner of the routes: needs no authentication
};

// A row of the route table. Patterns are literal segments and ":name" captures, which match one
// non-empty, percent-decoded segment other than "." and "..".
struct gs_http_route {
    const char *method;
    const char *pattern; // "/api/ext/apps/:appId"
    unsigned flags;
    const void *target; // the owner's own row; the server never looks at it
};

// What the owner of the routes does; each is called at most once per exchange, on a server thread.
struct gs_http_owner {
    void *ctx;
    // The headers are there, the body is not read yet: authentication. Not GS_OK: answered by
    // fail() with err, the body is never read.
    enum gs_status (*admit)(void *ctx, struct gs_http_exchange *exchange, struct gs_error *err);
    // The request is complete. Leads to exactly one gs_http_reply, before the return unless the
    // route is GS_HTTP_LATER.
    void (*handle)(void *ctx, struct gs_http_exchange *exchange);
    // Fills in the response for an error that the server found (404, 405, 413, 415, 408, malformed
    // requests) or admit() gave; does not reply.
    void (*fail)(void *ctx, struct gs_http_exchange *exchange, const struct gs_error *err);
    // The response was sent or the client went away: the place for the access log.
    void (*done)(void *ctx, const struct gs_http_exchange *exchange, int64_t duration_us);
};

enum { GS_HTTP_LISTENERS_MAX = 8 };

// Sockets that the kernel takes connections on, which wait there for a server.
struct gs_http_listeners {
    int fds[GS_HTTP_LISTENERS_MAX];
    size_t count;
    char address[80]; // of the first
};

// "127.0.0.1:8080", "[::1]:8080", "host:port" on all addresses of the host, ":8080" on all of the
// machine, IPv4 and IPv6; port 0 picks one.
enum gs_status gs_http_listen(const char *text, struct gs_http_listeners *out_listeners,
                              struct gs_error *err) GS_MUST_CHECK;
void gs_http_listeners_close(struct gs_http_listeners *listeners); // those of {0}: nothing to do

struct gs_http_options {
    const char *listen; // as gs_http_listen takes it
    // What that gave for the address already; count is 0 once they are the server's. NULL: the start
    // binds.
    struct gs_http_listeners *bound;
    const char *tls_cert, *tls_key; // PEM files, both or none
    size_t body_limit;
    // Bytes of bodies held at one time over all connections; more is overloaded (503).
    size_t body_total_limit;
    unsigned max_connections;        // those above wait in the kernel's queue; 0: no bound
    unsigned max_connections_per_ip; // those above are closed; 0: no bound
    unsigned threads;
    // For the headers, absolute: from accepting the connection, TLS handshake included; on a
    // kept-alive one from its next request line, or from idle_timeout_ms when a request has begun
    // by then.
    int64_t header_timeout_ms;
    // For the whole body, absolute; for reading an answer as well, plus a second for each 64 KB of
    // it.
    int64_t body_timeout_ms;
    // For keep-alive connections without a request.
    int64_t idle_timeout_ms;
};

// Binds and starts. routes and owner stay the caller's and must live until gs_http_free.
enum gs_status gs_http_start(const struct gs_http_options *options,
                             const struct gs_http_route *routes, size_t route_count,
                             const struct gs_http_owner *owner, struct gs_http_server **out_server,
                             struct gs_error *err) GS_MUST_CHECK;
// "127.0.0.1:40123", as bound.
const char *gs_http_address(const struct gs_http_server *server);
// Stops listening at once and refuses new requests on open connections (503 shutting_down,
// Connection: close); those in flight go on.
void gs_http_quiesce(struct gs_http_server *server);
// Waits until nothing is in flight or deadline_ms (monotonic) passed; whether it became idle.
bool gs_http_drain(struct gs_http_server *server, int64_t deadline_ms);
// Closes everything; waits for the replies of LATER routes that have not come.
void gs_http_free(struct gs_http_server *server);

struct gs_http_counts {
    uint64_t requests;
    unsigned in_flight, connections;
};
void gs_http_counts(struct gs_http_server *server, struct gs_http_counts *out_counts);

// ---- The request. Views live until the reply. --------------------------------

// X-Request-Id of the caller when it is sane ([A-Za-z0-9._-]{1,64}), else a new UUIDv7.
const char *gs_http_request_id(const struct gs_http_exchange *exchange);
const char *gs_http_method(const struct gs_http_exchange *exchange);
struct gs_slice gs_http_path(const struct gs_http_exchange *exchange); // as sent, without the query
struct gs_slice gs_http_path_and_query(const struct gs_http_exchange *exchange); // as sent
struct gs_slice gs_http_body(const struct gs_http_exchange *exchange);
const char *gs_http_peer(const struct gs_http_exchange *exchange); // "127.0.0.1"
// Lives as long as the exchange. One thread at a time.
struct gs_arena *gs_http_arena(struct gs_http_exchange *exchange);
// NULL when no route matched.
const struct gs_http_route *gs_http_route(const struct gs_http_exchange *exchange);
// NULL when absent; names in any case. The first one of several.
const char *gs_http_header(const struct gs_http_exchange *exchange, const char *name);
// The one at that index of several; NULL behind the last.
const char *gs_http_header_at(const struct gs_http_exchange *exchange, const char *name,
                              size_t index);
// The percent-decoded value (UTF-8, no NUL: else the request is refused; "+" is a space, as forms
// write it) of the first such member of the query; NULL when absent, "" when without a value.
const char *gs_http_query(const struct gs_http_exchange *exchange, const char *name);
// A capture of the pattern, percent-decoded (UTF-8, no NUL); never NULL for a name that the pattern
// has.
const char *gs_http_param(const struct gs_http_exchange *exchange, const char *name);
// Whatever the owner wants to keep with the exchange (the authenticated caller, say), in its arena.
void gs_http_set_data(struct gs_http_exchange *exchange, void *data);
void *gs_http_data(const struct gs_http_exchange *exchange);

// ---- The response -----------------------------------------------------------

// Takes over the bytes of body (which is empty afterwards; NULL for none). The server adds
// Content-Length, Date, Connection and, unless the owner did, X-Request-Id, X-Content-Type-Options:
// nosniff, Cache-Control: no-store, Allow on 405 and Retry-After where the error has one. Replaces
// what an earlier call set, but not added headers.
void gs_http_respond(struct gs_http_exchange *exchange, int status, const char *content_type,
                     struct gs_buf *body);
// Adds a header; name and value are copied, control characters in value end it.
void gs_http_add_header(struct gs_http_exchange *exchange, const char *name, const char *value);
// Sends what was set. The exchange must not be touched by the caller afterwards. Thread-safe.
void gs_http_reply(struct gs_http_exchange *exchange);
int gs_http_status(const struct gs_http_exchange *exchange); // as set so far, 0 when not
size_t gs_http_response_bytes(const struct gs_http_exchange *exchange);

// ---- A response that goes on ------------------------------------------------

struct gs_http_stream;
// In place of gs_http_respond and gs_http_reply, on a GS_HTTP_LATER route: sends the head, with the headers added so
// far; the body is what is written from now on. At most limit bytes wait for a client that reads slowly. Never NULL.
struct gs_http_stream *gs_http_stream_begin(struct gs_http_exchange *exchange, int status,
                                            const char *content_type, size_t limit);
// False when nobody gets it: the client has gone or reads too slowly, or the server stops. A client's going is noticed
// when something is sent. Any thread.
bool gs_http_stream_write(struct gs_http_stream *stream, struct gs_slice bytes);
// Ends the response behind what was written; the stream must not be touched any more. Once, before gs_http_free.
void gs_http_stream_end(struct gs_http_stream *stream);

#endif
