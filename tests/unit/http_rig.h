// A server with a small route table of its own, and a client on raw sockets that can misbehave in
// any way a test needs. Waits for events, each with a deadline; never for time to pass.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_TESTS_HTTP_RIG_H
#define GS_TESTS_HTTP_RIG_H

#include <stdbool.h>

#include "http/http.h"

enum { RIG_PATIENCE_MS = 20000 };

// What the owner of the routes was called for.
struct rig_counts {
    unsigned admitted, handled, failed, done;
    int last_status; // of the exchange that was done last
};

struct rig;

// Localhost, any port, two threads, generous limits: change what the test is about.
struct gs_http_options rig_options(void);
// Ends the test program when the server does not start.
struct rig *rig_start(const struct gs_http_options *options);
// Answers what is still held first.
void rig_stop(struct rig *rig);
struct gs_http_server *rig_server(struct rig *rig);
struct rig_counts rig_counts(struct rig *rig);

// Whether it came to pass in time.
bool rig_wait_done(struct rig *rig, unsigned count);
bool rig_wait_held(struct rig *rig, unsigned count);
bool rig_wait_connections(struct rig *rig, unsigned count);
// Replies to the exchange of a LATER route that waits longest, on the thread of the caller.
void rig_release_one(struct rig *rig);
// Gives it to the test instead, which has to reply.
struct gs_http_exchange *rig_take_one(struct rig *rig);

// ---- The client -----------------------------------------------------------------------------

int rig_dial(struct rig *rig);
// With a receive buffer of few bytes, so that the server cannot get rid of much.
int rig_dial_narrow(struct rig *rig);
bool rig_send(int fd, const char *text);
bool rig_send_bytes(int fd, const void *data, size_t len);
// A number of bytes with nothing in them; stops when the server does not take them.
bool rig_send_filler(int fd, size_t len);
// Whether the other side ends the connection, by a close or a reset, in time. Reads what comes
// before.
bool rig_is_closed(int fd);

struct rig_response {
    int status;
    char head[4096];
    char body[4096]; // its start
    size_t body_len;
};

// One response, with a body unless it cannot have one; `to_head` when it answers a HEAD. False at
// the end of the connection.
bool rig_read(int fd, struct rig_response *out);
bool rig_read_to_head(int fd, struct rig_response *out);
// The value of a header of the response, or NULL; valid until the next call.
const char *rig_header(const struct rig_response *response, const char *name);

// A new connection, one request as it is, one response; status 0 when there is none.
struct rig_response rig_ask(struct rig *rig, const char *request);
int rig_status(struct rig *rig, const char *request);

#endif
