// Malformed requests and attempts to smuggle one inside another, byte by byte over a socket.
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "http_rig.h"

#define HOST "Host: x\r\n"

struct request {
    const char *bytes;
    size_t len;
};

#define REQUEST(text)                                                                              \
    {                                                                                              \
        "" text, sizeof(text) - 1                                                                  \
    }

static int setup(void **state)
{
    struct gs_http_options options = rig_options();
    *state = rig_start(&options);
    return 0;
}

static int teardown(void **state)
{
    rig_stop(*state);
    return 0;
}

// One response of this status, the end of the connection, and no second response before it.
static void expect_refusal(struct rig *rig, const struct request *request, int status)
{
    struct rig_response response, more;
    int fd = rig_dial(rig);
    assert_true(rig_send_bytes(fd, request->bytes, request->len));
    if (!rig_read(fd, &response))
        fail_msg("no response: %s", request->bytes);
    if (response.status != status)
        fail_msg("%d: %s", response.status, request->bytes);
    if (rig_read(fd, &more))
        fail_msg("a second response: %s", request->bytes);
    assert_true(rig_is_closed(fd));
    close(fd);
}

static void malformed_requests_are_refused(void **state)
{
    static const struct request requests[] = {
        // Request line
        REQUEST("GET /hello\r\n\r\n"),
        REQUEST("GET  /hello HTTP/1.1\r\n" HOST "\r\n"),
        REQUEST("GET /hello  HTTP/1.1\r\n" HOST "\r\n"),
        REQUEST("GET /hello HTTP/1.1 \r\n" HOST "\r\n"),
        REQUEST("GET /hello HTTP/1.2\r\n" HOST "\r\n"),
        REQUEST("GET /hello HTTP/1.11\r\n" HOST "\r\n"),
        REQUEST("GET /hello http/1.1\r\n" HOST "\r\n"),
        REQUEST("GET /hello HTTP/1.1\n" HOST "\r\n"),
        REQUEST("GET /hello HTTP/1.1\r\nHost: x\n\r\n"),
        REQUEST("GET /hello HTTP/1.1\r\n" HOST "\n"),
        REQUEST("GET /hello\r HTTP/1.1\r\n" HOST "\r\n"),
        REQUEST("G\"ET /hello HTTP/1.1\r\n" HOST "\r\n"),
        REQUEST("GET /hel lo HTTP/1.1\r\n" HOST "\r\n"),
        REQUEST("GET /hel\tlo HTTP/1.1\r\n" HOST "\r\n"),
        REQUEST("GET /hel\x01lo HTTP/1.1\r\n" HOST "\r\n"),
        REQUEST("GET hello HTTP/1.1\r\n" HOST "\r\n"),
        REQUEST("GET * HTTP/1.1\r\n" HOST "\r\n"),
        REQUEST("OPTIONS * HTTP/1.1\r\n" HOST "\r\n"),
        REQUEST("GET ftp://x/hello HTTP/1.1\r\n" HOST "\r\n"),
        REQUEST("CONNECT x:443 HTTP/1.1\r\n" HOST "\r\n"),
        REQUEST("GET /hello#top HTTP/1.1\r\n" HOST "\r\n"),
        REQUEST("GET /%zz HTTP/1.1\r\n" HOST "\r\n"),
        REQUEST("GET /% HTTP/1.1\r\n" HOST "\r\n"),
        REQUEST("GET /hello%00 HTTP/1.1\r\n" HOST "\r\n"),
        REQUEST("GET /%ff HTTP/1.1\r\n" HOST "\r\n"),
        REQUEST("GET /query?name=%0 HTTP/1.1\r\n" HOST "\r\n"),
        REQUEST("GET /query?name=%00 HTTP/1.1\r\n" HOST "\r\n"),
        REQUEST("GET /query?name=%ff HTTP/1.1\r\n" HOST "\r\n"),
        // Host
        REQUEST("GET /hello HTTP/1.1\r\n\r\n"),
        REQUEST("GET /hello HTTP/1.1\r\n" HOST HOST "\r\n"),
        REQUEST("GET /hello HTTP/1.1\r\nHost: a b\r\n\r\n"),
        REQUEST("GET /hello HTTP/1.1\r\nHost: a/b\r\n\r\n"),
        REQUEST("GET http:///hello HTTP/1.1\r\n" HOST "\r\n"),
        // Header lines
        REQUEST("GET /hello HTTP/1.1\r\n" HOST "X\r\n\r\n"),
        REQUEST("GET /hello HTTP/1.1\r\n" HOST "X : 1\r\n\r\n"),
        REQUEST("GET /hello HTTP/1.1\r\n" HOST "X y: 1\r\n\r\n"),
        REQUEST("GET /hello HTTP/1.1\r\n" HOST ": 1\r\n\r\n"),
        REQUEST("GET /hello HTTP/1.1\r\n" HOST "X(): 1\r\n\r\n"),
        REQUEST("GET /hello HTTP/1.1\r\n" HOST "X\xff: 1\r\n\r\n"),
        REQUEST("GET /hello HTTP/1.1\r\n" HOST "X: a\x01\r\n\r\n"),
        REQUEST("GET /hello HTTP/1.1\r\n" HOST "X: a\0b\r\n\r\n"),
        REQUEST("GET /hello HTTP/1.1\r\n" HOST "X: a\rb\r\n\r\n"),
        REQUEST("GET /hello HTTP/1.1\r\n" HOST "X: a\x7f\r\n\r\n"),
        REQUEST("GET /hello HTTP/1.1\r\n X: a\r\n" HOST "\r\n"),
        REQUEST("GET /hello HTTP/1.1\r\n" HOST "X: a\r\n folded\r\n\r\n"),
        REQUEST("GET /hello HTTP/1.1\r\n" HOST "X: a\r\n\tfolded\r\nY: b\r\n\r\n"),
        REQUEST("GET /hello HTTP/1.1\r\n" HOST "Authorization: a\r\nAuthorization: b\r\n\r\n"),
        // Framing
        REQUEST("POST /echo HTTP/1.1\r\n" HOST "Content-Length: a\r\n\r\n"),
        REQUEST("POST /echo HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\n"),
        REQUEST("POST /echo HTTP/1.1\r\n" HOST "Content-Length: +1\r\n\r\n{"),
        REQUEST("POST /echo HTTP/1.1\r\n" HOST "Content-Length: 1 1\r\n\r\n{"),
        REQUEST("POST /echo HTTP/1.1\r\n" HOST "Content-Length: 1,1\r\n\r\n{"),
        REQUEST("POST /echo HTTP/1.1\r\n" HOST "Content-Length: \r\n\r\n"),
        REQUEST("POST /echo HTTP/1.1\r\n" HOST "Content-Length: 0x1\r\n\r\n{"),
        REQUEST("POST /echo HTTP/1.1\r\n" HOST "Content-Length: 1\r\nContent-Length: 1\r\n\r\n{"),
        REQUEST("POST /echo HTTP/1.1\r\n" HOST
                "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        REQUEST("POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip\r\n\r\n"),
        REQUEST("POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n"),
        REQUEST("POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: \x0b"
                "chunked\r\n\r\n0\r\n\r\n"),
        REQUEST("POST /echo HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        REQUEST("POST /echo HTTP/1.1\r\n" HOST
                "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n"),
        REQUEST("POST /echo HTTP/1.1\r\n" HOST
                "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n"),
        REQUEST("POST /echo HTTP/1.1\r\n" HOST
                "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n"),
    };
    for (size_t i = 0; i < GS_COUNT(requests); i++)
        expect_refusal(*state, &requests[i], 400);
    assert_int_equal(rig_counts(*state).handled, 0);
}

static void garbage_is_cut_off(void **state)
{
    static const struct request requests[] = {
        REQUEST("GET\r\n\r\n"),
        REQUEST("G\0ET /hello HTTP/1.1\r\n" HOST "\r\n"),
        REQUEST("GET /hello\0/x HTTP/1.1\r\n" HOST "\r\n"),
        REQUEST("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"),
        REQUEST("SSH-2.0-OpenSSH_9.2\r\n"),
    };
    for (size_t i = 0; i < GS_COUNT(requests); i++) {
        int fd = rig_dial(*state);
        assert_true(rig_send_bytes(fd, requests[i].bytes, requests[i].len));
        assert_true(rig_is_closed(fd));
        close(fd);
    }
    assert_int_equal(rig_counts(*state).handled, 0);
}

static void future_versions_are_refused(void **state)
{
    static const struct request requests[] = {
        REQUEST("GET /hello HTTP/2.0\r\n" HOST "\r\n"),
        REQUEST("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        REQUEST("GET /hello HTTP/0.9\r\n" HOST "\r\n"),
    };
    for (size_t i = 0; i < GS_COUNT(requests); i++)
        expect_refusal(*state, &requests[i], 505);
}

#define INNER "GET /hello HTTP/1.1\r\n" HOST "\r\n"

// Each holds a second request that must not be answered, whatever the first one gets.
static void nothing_is_smuggled(void **state)
{
    static const struct request requests[] = {
        REQUEST("POST /echo HTTP/1.1\r\n" HOST
                "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" INNER),
        REQUEST("POST /echo HTTP/1.1\r\n" HOST
                "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n" INNER),
        REQUEST("POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding : chunked\r\n"
                "Content-Length: 0\r\n\r\n" INNER),
        REQUEST("POST /echo HTTP/1.1\r\n" HOST "X: a\r\nTransfer-E: chunked\r\n ncoding\r\n"
                "\r\n0\r\n\r\n" INNER),
        REQUEST("POST /echo HTTP/1.1\r\n" HOST "X: y\nTransfer-Encoding: chunked\r\n"
                "\r\n0\r\n\r\n" INNER),
        REQUEST("POST /echo HTTP/1.1\r\n" HOST "Content-Length: 0\0005\r\n\r\n" INNER),
        REQUEST("GET /hello HTTP/1.1\r\n" HOST "Content-Length: 5\r\nContent-Length: 0\r\n\r\n"
                "12345" INNER),
    };
    for (size_t i = 0; i < GS_COUNT(requests); i++)
        expect_refusal(*state, &requests[i], 400);
    assert_int_equal(rig_counts(*state).handled, 0);
}

// libmicrohttpd reads chunks leniently; so nothing behind them counts.
static void chunks_end_the_connection(void **state)
{
#define CHUNKED                                                                                    \
    "POST /echo HTTP/1.1\r\n" HOST                                                                 \
    "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    static const struct request requests[] = {
        REQUEST(CHUNKED "2\r\n{}\r\n0\r\n\r\n" INNER),
        REQUEST(CHUNKED "2;x=\ny\r\n{}\r\n0\r\n\r\n" INNER),
        REQUEST(CHUNKED "2\n{}\n0\n\n" INNER),
        REQUEST(CHUNKED "2\r\n{}\r\n0\r\nTrailer: x\r\n\r\n" INNER),
    };
    for (size_t i = 0; i < GS_COUNT(requests); i++) {
        struct rig_response response, more;
        int fd = rig_dial(*state);
        assert_true(rig_send_bytes(fd, requests[i].bytes, requests[i].len));
        if (rig_read(fd, &response) && response.status == 200)
            assert_string_equal(response.body, "{}");
        assert_false(rig_read(fd, &more));
        close(fd);
    }
}

static void large_heads_are_refused(void **state)
{
    static char text[40000];
    static const struct {
        const char *prefix;
        size_t filler;
        const char *suffix;
    } cases[] = {
        {"GET /", 9000, " HTTP/1.1\r\n" HOST "\r\n"},
        {"GET /hello HTTP/1.1\r\n" HOST "X: ", 17000, "\r\n\r\n"},
        {"GET /hello HTTP/1.1\r\n" HOST "X: ", 35000, "\r\n\r\n"},
    };
    for (size_t i = 0; i < GS_COUNT(cases); i++) {
        size_t prefix = strlen(cases[i].prefix), suffix = strlen(cases[i].suffix) + 1;
        memcpy(text, cases[i].prefix, prefix);
        memset(text + prefix, 'a', cases[i].filler);
        memcpy(text + prefix + cases[i].filler, cases[i].suffix, suffix);
        assert_int_equal(rig_status(*state, text), 431);
    }
    char *at = text + snprintf(text, sizeof text, "GET /hello HTTP/1.1\r\n" HOST);
    for (int i = 0; i < 101; i++)
        at += snprintf(at, 10, "X: %d\r\n", i);
    snprintf(at, 3, "\r\n");
    assert_int_equal(rig_status(*state, text), 431);
}

static void refusals_have_a_code(void **state)
{
    struct rig_response response = rig_ask(*state, "GET /%00 HTTP/1.1\r\n" HOST "\r\n");
    assert_non_null(strstr(response.body, "\"invalid_request\""));
    assert_string_equal(rig_header(&response, "Connection"), "close");
    assert_string_equal(rig_header(&response, "Content-Type"), "application/json");
    assert_string_equal(rig_header(&response, "X-Content-Type-Options"), "nosniff");
}

static void lawful_oddities_are_accepted(void **state)
{
    static const char *const requests[] = {
        "GET /hello HTTP/1.0\r\n\r\n",
        "\r\nGET /hello HTTP/1.1\r\n" HOST "\r\n",
        "GET /hello HTTP/1.1\r\nHost:x\r\n\r\n",
        "GET /hello HTTP/1.1\r\nHost: \t x \t\r\n\r\n",
        "GET /hello HTTP/1.1\r\nhOST: x\r\nX:\r\n\r\n",
        "GET http://x/hello HTTP/1.1\r\n" HOST "\r\n",
        "GET http://x HTTP/1.1\r\n" HOST "\r\n",
        "GET /%68ello?x=%c3%a4&y=\xc3\xa4 HTTP/1.1\r\n" HOST "\r\n",
        "GET /hello? HTTP/1.1\r\n" HOST "\r\n",
        "GET /hello HTTP/1.1\r\n" HOST "X: \xff\xfe\r\nCookie: a=b; c\r\n\r\n",
        "GET /hello HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n",
    };
    for (size_t i = 0; i < GS_COUNT(requests); i++)
        if (rig_status(*state, requests[i]) != 200)
            fail_msg("%d: %s", rig_status(*state, requests[i]), requests[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(malformed_requests_are_refused),
        cmocka_unit_test(garbage_is_cut_off),
        cmocka_unit_test(future_versions_are_refused),
        cmocka_unit_test(nothing_is_smuggled),
        cmocka_unit_test(chunks_end_the_connection),
        cmocka_unit_test(large_heads_are_refused),
        cmocka_unit_test(refusals_have_a_code),
        cmocka_unit_test(lawful_oddities_are_accepted),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
