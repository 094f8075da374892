// Writes a response by hand. libmicrohttpd takes none while a body is on its way, and a client that
// is cut off there should still learn why. Sends what the socket takes at once; knows no TLS.
// SPDX-License-Identifier: Apache-2.0
#include "http/http_internal.h"

enum { FAREWELL_MAX = 64 * 1024 };

// IMF-fixdate (RFC 9110, section 5.6.7).
static void append_date(struct gs_buf *out)
{
    static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t now = time(NULL);
    struct tm tm;
    if (gmtime_r(&now, &tm))
        gs_buf_printf(out, "Date: %s, %02d %s %d %02d:%02d:%02d GMT\r\n", days[tm.tm_wday],
                      tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
                      tm.tm_sec);
}

void gs_http_farewell_send(struct gs_http_exchange *exchange)
{
    GS_CLEANUP(gs_buf_release) struct gs_buf out;
    gs_buf_init(&out, FAREWELL_MAX);
    gs_http_exchange_seal(exchange);
    gs_buf_printf(&out, "HTTP/1.1 %d %s\r\n", exchange->status,
                  gs_http_mhd_reason(exchange->status));
    append_date(&out);
    gs_buf_printf(&out, "Content-Length: %zu\r\n", exchange->content.len);
    for (const struct gs_http_header *h = exchange->reply_headers; h; h = h->next)
        gs_buf_printf(&out, "%s: %s\r\n", h->name, h->value);
    gs_buf_append_str(&out, "\r\n");
    gs_buf_append_slice(&out, gs_buf_slice(&exchange->content));
    if (out.failed)
        return;
    // A socket that takes nothing has a client that reads nothing.
    ssize_t sent = send(exchange->conn->fd, out.data, out.len, MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)sent;
}
