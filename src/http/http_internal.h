// What the rooms of the HTTP server share: the server, its connections, and one exchange per
// request. The MHD_ names are only names here; mhd.c alone knows what they are.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_HTTP_HTTP_INTERNAL_H
#define GS_HTTP_HTTP_INTERNAL_H

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include "http/http.h"

struct MHD_Connection;
struct MHD_Daemon;

enum {
    GS_HTTP_HEAD_MAX = 16 * 1024,  // request line and headers
    GS_HTTP_TARGET_MAX = 8 * 1024, // path and query
    GS_HTTP_FIELDS_MAX = 100,
    GS_HTTP_SEGMENTS_MAX = 16,
    GS_HTTP_MEMBERS_MAX = 64, // of the query
    GS_HTTP_LINGER_MAX = 128, // closed connections that still get their answer read
};

#define GS_HTTP_NEVER INT64_MAX

// ---- strict.c: the request line and the headers, before anybody acts on them ----------------

struct gs_http_field {
    struct gs_slice name, value; // value without blanks in front, but with those behind
};

struct gs_http_head {
    struct gs_slice method, target, version;
    const struct gs_http_field *fields;
    size_t field_count; // GS_HTTP_FIELDS_MAX + 1 stands for any number above
    size_t size;        // of the request line and all headers in bytes
    bool exact; // false when the parser skipped or joined bytes that are not in the members above
};

struct gs_http_framing {
    bool chunked;
    uint64_t length; // UINT64_MAX stands for any number above
};

// invalid_request with that message.
enum gs_status gs_http_malformed(struct gs_error *err, const char *why);
// RFC 9112 without its leniencies, and RFC 9110 for names and values. Errors: invalid_request,
// headers_too_large.
enum gs_status gs_http_head_check(const struct gs_http_head *head,
                                  struct gs_http_framing *out_framing,
                                  struct gs_error *err) GS_MUST_CHECK;

// ---- query.c: the request target --------------------------------------------------------------

struct gs_http_member {
    const char *name, *value;
};

struct gs_http_target {
    struct gs_slice path;                       // as sent
    const char *segments[GS_HTTP_SEGMENTS_MAX]; // of the path, decoded
    size_t segment_count;           // GS_HTTP_SEGMENTS_MAX + 1 stands for any number above
    struct gs_http_member *members; // of the query, decoded
    size_t member_count;
};

// Origin-form or absolute-form (RFC 9112, section 3.2). Everything in it lives in the arena; raw
// must, too.
enum gs_status gs_http_target_parse(struct gs_arena *arena, struct gs_slice raw,
                                    struct gs_http_target *out_target,
                                    struct gs_error *err) GS_MUST_CHECK;

// ---- router.c: the route table ----------------------------------------------------------------

struct gs_http_router;
struct gs_http_row;

// Asserts that patterns are well-formed and no two rows are for the same requests: the table is
// ours.
struct gs_http_router *gs_http_router_new(const struct gs_http_route *routes, size_t count);
void gs_http_router_free(struct gs_http_router *router);
// A literal segment wins over a capture. HEAD finds the row of GET when it has none. NULL when
// there is none.
const struct gs_http_row *gs_http_router_find(const struct gs_http_router *router,
                                              const char *method,
                                              const struct gs_http_target *target);
// The value of Allow for a path, in the arena; NULL when no row has that path.
const char *gs_http_router_allow(const struct gs_http_router *router, struct gs_arena *arena,
                                 const struct gs_http_target *target);
const struct gs_http_route *gs_http_row_route(const struct gs_http_row *row);
// The segment that a capture of the row took; NULL when the pattern has no such name.
const char *gs_http_row_param(const struct gs_http_row *row, const struct gs_http_target *target,
                              const char *name);

// ---- deadline.c: the open connections and how long each may take for what it does ------------

enum gs_http_phase {
    GS_HTTP_PHASE_HEAD,
    GS_HTTP_PHASE_BODY,
    GS_HTTP_PHASE_BUSY, // the request is with its handler
    GS_HTTP_PHASE_WRITE,
    GS_HTTP_PHASE_IDLE,
    GS_HTTP_PHASE_CLOSING, // its time was up
};

struct gs_http_conn {
    struct gs_http_server *server;
    struct gs_http_conn *prev, *next;
    int fd; // belongs to libmicrohttpd, and is open as long as the connection is in the table
    struct in6_addr address;
    char peer[INET6_ADDRSTRLEN];
    // Under the table's lock:
    enum gs_http_phase phase;
    int64_t deadline_ms; // monotonic
    int64_t idle_since_ms;
};

struct gs_http_table {
    pthread_mutex_t lock;
    struct gs_http_conn *first;
    unsigned count;
    // Accepted, but not yet taken over by a server thread; where that finds no memory for the
    // connection, its place stays reserved.
    unsigned reserved;
    unsigned max, max_per_ip;
    bool full;             // somebody waits for a free place
    int64_t next_check_ms; // when the watcher looks again
};

void gs_http_table_init(struct gs_http_table *table, const struct gs_http_options *options);
void gs_http_table_release(struct gs_http_table *table);
// When there is none, the watcher is woken as soon as one becomes free.
bool gs_http_table_has_place(struct gs_http_table *table);
// A place for a connection that is about to be accepted; false when there is none.
bool gs_http_table_reserve(struct gs_http_table *table);
void gs_http_table_unreserve(struct gs_http_table *table);
// Ends what is over its deadline and returns when to come again.
int64_t gs_http_table_check(struct gs_http_server *server, int64_t now_ms);
unsigned gs_http_table_count(struct gs_http_table *table);

// Takes a reserved place. The connection is ended at once when its address has too many already.
struct gs_http_conn *gs_http_conn_new(struct gs_http_server *server, int fd,
                                      const struct sockaddr *address);
// Before libmicrohttpd closes the socket.
void gs_http_conn_free(struct gs_http_conn *conn);
// False when the time of the phase before was up: the connection is being closed and takes no
// answer.
bool gs_http_conn_enter(struct gs_http_conn *conn, enum gs_http_phase phase, int64_t deadline_ms);
// The first line of the next request on a kept-alive connection is there.
void gs_http_conn_wake(struct gs_http_conn *conn);
// How long the client may take to read an answer of so many bytes.
int64_t gs_http_write_time_ms(const struct gs_http_options *options, size_t bytes);

// ---- listen.c: addresses ----------------------------------------------------------------------

// Connecting fails from now on; the sockets stay open.
void gs_http_listeners_shut(struct gs_http_listeners *listeners);

// ---- watcher.c: the thread that accepts connections, ends late ones and lingers on closed ones -

struct gs_http_linger {
    int fd;
    int64_t until_ms;
};

struct gs_http_watcher {
    pthread_t thread;
    bool running;
    int wake_fd;
    atomic_bool stop;
    int64_t accept_again_ms; // the thread's own
    pthread_mutex_t lock;
    struct gs_http_linger
        lingering[GS_HTTP_LINGER_MAX]; // under the lock; removed by the thread only
    size_t linger_count;
};

enum gs_status gs_http_watcher_init(struct gs_http_watcher *watcher,
                                    struct gs_error *err) GS_MUST_CHECK;
enum gs_status gs_http_watcher_start(struct gs_http_server *server,
                                     struct gs_error *err) GS_MUST_CHECK;
void gs_http_watcher_wake(struct gs_http_watcher *watcher);
// After this nothing is accepted and no deadline is enforced; wake and linger still work.
void gs_http_watcher_stop(struct gs_http_server *server);
void gs_http_watcher_release(struct gs_http_watcher *watcher);
// Keeps the connection open for a while after libmicrohttpd closed fd, and throws away what the
// client still sends: a close with unread bytes is a reset, which takes the answer from the client.
void gs_http_watcher_linger(struct gs_http_watcher *watcher, int fd);

// ---- mhd.c: all that libmicrohttpd is asked for ---------------------------------------------

// Certificate and key as PEM text, or NULL; only needed during the call.
enum gs_status gs_http_mhd_start(struct gs_http_server *server, const char *cert, const char *key,
                                 struct gs_error *err) GS_MUST_CHECK;
void gs_http_mhd_stop(struct gs_http_server *server);
// Takes fd, also when it fails.
bool gs_http_mhd_add(struct gs_http_server *server, int fd, const struct sockaddr *address,
                     socklen_t len);
// On the server thread.
void gs_http_mhd_suspend(struct gs_http_exchange *exchange);
void gs_http_mhd_resume(struct gs_http_exchange *exchange);
const char *gs_http_mhd_reason(int status);

// ---- exchange.c: one request and its response ----------------------------------------------

enum gs_http_stage {
    GS_HTTP_STAGE_HEAD,
    GS_HTTP_STAGE_BODY,
    GS_HTTP_STAGE_HANDLING, // the owner has it and owes the reply
    GS_HTTP_STAGE_ANSWERED,
};

struct gs_http_header {
    struct gs_http_header *next;
    const char *name, *value;
};

// Owned by the server thread, and from handle() to the reply of a LATER route by whoever answers as
// well; the last of the two frees it.
struct gs_http_exchange {
    struct gs_http_server *server;
    struct gs_http_conn *conn; // until libmicrohttpd is done with the request
    struct MHD_Connection *mhd;
    struct gs_arena *arena; // the exchange itself is in it
    const char *peer;
    atomic_int refs;
    _Atomic enum gs_http_stage stage;
    int64_t started_us;
    bool counted; // it is one of those in flight
    bool later;
    void *data;

    const char *id;
    const char *method;
    struct gs_slice raw_target;
    struct gs_http_target target;
    struct gs_http_framing framing;
    struct gs_http_header *headers; // of the request
    const struct gs_http_row *row;
    struct gs_buf body;
    size_t body_charged; // what it counts in the server's body_held
    size_t discarded;    // bytes of the body that came after it was refused

    int status;
    const char *content_type;
    struct gs_buf content;
    struct gs_http_stream *stream; // in place of content, or NULL
    size_t content_size;
    struct gs_http_header *reply_headers, **reply_headers_end;
    bool close;  // the connection ends with this response
    bool queued; // libmicrohttpd has the response
};

struct gs_http_exchange *gs_http_exchange_new(struct gs_http_conn *conn, struct MHD_Connection *mhd,
                                              const char *target);
void gs_http_exchange_ref(struct gs_http_exchange *exchange);
void gs_http_exchange_unref(struct gs_http_exchange *exchange);
// Frees the body early; its bytes no longer count.
void gs_http_exchange_drop_body(struct gs_http_exchange *exchange);
// Takes the caller's request id, or makes one.
void gs_http_exchange_name(struct gs_http_exchange *exchange);
// Adds a header unless it is there.
void gs_http_exchange_default_header(struct gs_http_exchange *exchange, const char *name,
                                     const char *value);
int64_t gs_http_exchange_age_us(const struct gs_http_exchange *exchange);
// Adds the headers that every response has. Once, right before it is sent.
void gs_http_exchange_seal(struct gs_http_exchange *exchange);

// ---- request.c: the way of a request ------------------------------------------------------

// The headers are there: checks, route, admission. Afterwards the exchange is in the stage BODY, or
// ANSWERED; then it is sent at once when `close` is set and after the request's end otherwise.
void gs_http_request_begin(struct gs_http_exchange *exchange, const struct gs_http_head *head);
// A piece of the body. False: the client sends on although it was refused; close.
bool gs_http_request_take(struct gs_http_exchange *exchange, const char *data, size_t len);
// The request is complete. The route is a LATER one: the exchange may be gone for the caller on
// return.
void gs_http_request_handle(struct gs_http_exchange *exchange);
enum gs_http_ending {
    GS_HTTP_ENDING_SENT,       // the response is
    GS_HTTP_ENDING_LATE,       // its time was up
    GS_HTTP_ENDING_BROKEN_OFF, // by the client
    GS_HTTP_ENDING_GIVEN_UP,   // by us or libmicrohttpd
};

// Everything of the request has happened; the connection is still open. Drops the server thread's
// share of the exchange.
void gs_http_request_end(struct gs_http_exchange *exchange, enum gs_http_ending ending);

// ---- farewell.c: an answer where libmicrohttpd takes none any more ---------------------------

// Sends the response as far as it goes without waiting, on a connection without TLS that is about
// to be closed.
void gs_http_farewell_send(struct gs_http_exchange *exchange);

// ---- stream.c: a response that is written piece by piece ------------------------------------

void gs_http_stream_ref(struct gs_http_stream *stream);
void gs_http_stream_unref(struct gs_http_stream *stream);
// The exchange is over, whether or not all was sent.
void gs_http_stream_detach(struct gs_http_stream *stream);
// Lets every stream of the server end behind what was written so far, also those that come later.
void gs_http_streams_end(struct gs_http_server *server);

enum gs_http_stream_read {
    GS_HTTP_STREAM_BYTES,
    GS_HTTP_STREAM_NOTHING, // the connection was suspended until there is something
    GS_HTTP_STREAM_END,
};
// On the server thread, while the response is being sent.
enum gs_http_stream_read gs_http_stream_read(struct gs_http_stream *stream, char *out, size_t max,
                                             size_t *out_len);

// ---- server.c -----------------------------------------------------------------------------

struct gs_http_server {
    struct gs_http_owner owner;
    struct gs_http_options options; // without its strings
    bool tls;
    struct gs_http_router *router;
    struct gs_http_stream *streams; // under the lock
    struct gs_http_listeners listeners;
    struct gs_http_table table;
    struct gs_http_watcher watcher;
    struct MHD_Daemon **daemons; // one per thread
    unsigned daemon_count, next_daemon;
    char note[200]; // what libmicrohttpd said first while it started
    atomic_bool starting;
    atomic_bool quiesced;
    atomic_size_t body_held; // bytes of bodies in memory

    pthread_mutex_t lock;
    pthread_cond_t changed;
    // Under the lock:
    uint64_t requests;
    unsigned in_flight;
    unsigned owed; // replies of LATER routes that have not come, or are being given right now
};

void gs_http_server_enter(struct gs_http_server *server);
void gs_http_server_leave(struct gs_http_server *server);
// From handle() of a LATER route to the end of its reply, so that the server is not torn down under
// it.
void gs_http_server_owe(struct gs_http_server *server);
void gs_http_server_settle(struct gs_http_server *server);
// False: the limit of bytes in memory is reached.
bool gs_http_server_charge(struct gs_http_server *server, size_t bytes);
void gs_http_server_discharge(struct gs_http_server *server, size_t bytes);

#endif
