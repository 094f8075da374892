// A small scripted HTTP server on 127.0.0.1 for unit tests: one thread per connection, each running
// the test's own function, so that a test can misbehave in any way it needs. Never for anything but
// tests.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_TESTS_LOOPBACK_H
#define GS_TESTS_LOOPBACK_H

#include <stdbool.h>

#include "base/buf.h"

struct loopback;

// One accepted connection, closed when the test's function returns.
struct loopback_conn {
    struct loopback *server;
    int number; // counts from 0, over the life of the server
    const void *arg;
};

typedef void loopback_serve(struct loopback_conn *conn);

// Ends the test program when something basic fails.
struct loopback *loopback_start(loopback_serve *serve, const void *arg);
// With TLS and a fresh self-signed certificate for 127.0.0.1, written to ca_path.
struct loopback *loopback_start_tls(loopback_serve *serve, const void *arg, const char *ca_path);
// Closes what is open and waits for the connections' functions.
void loopback_stop(struct loopback *server);
int loopback_port(const struct loopback *server);
int loopback_accepts(struct loopback *server);

// Request line and headers in head (with the empty line), the bytes of Content-Length in body.
// Both are cleared first. False at the end of the connection.
bool loopback_read(struct loopback_conn *conn, struct gs_buf *head, struct gs_buf *body);
// The same, but the body stays unread.
bool loopback_read_head(struct loopback_conn *conn, struct gs_buf *head);
bool loopback_send(struct loopback_conn *conn, const char *text);
bool loopback_send_bytes(struct loopback_conn *conn, const void *data, size_t len);
// Throws away so many bytes of what comes; false when the connection ends before.
bool loopback_skip(struct loopback_conn *conn, size_t bytes);
// "HTTP/1.1 <status>", the extra header lines (each with CRLF, or ""), Content-Length and the body.
void loopback_answer(struct loopback_conn *conn, const char *status, const char *headers,
                     const char *body);
// Makes the close at the end of the function a TCP reset.
void loopback_reset_on_close(struct loopback_conn *conn);
// Until the client, or loopback_stop, closes the connection; what still comes is thrown away.
void loopback_wait_closed(struct loopback_conn *conn);

#endif
