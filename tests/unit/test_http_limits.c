// Clients that are slow, silent or send too much: what each of them may cost, and that it learns
// why when it can.
// SPDX-License-Identifier: Apache-2.0
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "http_rig.h"

#define LINES " HTTP/1.1\r\nHost: x\r\n"
#define GET(path) "GET " path LINES "\r\n"
#define JSON "Content-Type: application/json\r\n"
#define CHUNKED "Transfer-Encoding: chunked\r\n"

enum { SHORT_MS = 300, DRIP_MS = 20, MB = 1 << 20 };

static struct rig *start(void)
{
    struct gs_http_options options = rig_options();
    return rig_start(&options);
}

// One byte at a time, for as long as the server goes along. The milliseconds since the start, which is a moment before the one
// from which the server counts.
static int64_t drip(int fd, int64_t start_ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    while (gs_clock_mono_ms() - start_ms < RIG_PATIENCE_MS) {
        if (send(fd, "a", 1, MSG_NOSIGNAL) < 0 || poll(&p, 1, DRIP_MS) > 0)
            break;
    }
    return gs_clock_mono_ms() - start_ms;
}

static bool is_about(int64_t ms, int64_t wanted_ms)
{
    return ms >= wanted_ms - DRIP_MS && ms < RIG_PATIENCE_MS / 2;
}

// ---- Time -----------------------------------------------------------------------------------

static void silent_connections_are_closed(void **state)
{
    (void)state;
    struct gs_http_options options = rig_options();
    options.header_timeout_ms = SHORT_MS;
    struct rig *rig = rig_start(&options);
    int64_t start_ms = gs_clock_mono_ms();
    int fd = rig_dial(rig);
    assert_true(rig_is_closed(fd));
    assert_true(is_about(gs_clock_mono_ms() - start_ms, SHORT_MS));
    close(fd);
    assert_int_equal(rig_counts(rig).done, 0);
    rig_stop(rig);
}

static void dripping_headers_are_cut_off(void **state)
{
    (void)state;
    static const char *const starts[] = {"", "GET /hel", "GET /hello" LINES "X: "};
    struct gs_http_options options = rig_options();
    options.header_timeout_ms = SHORT_MS;
    struct rig *rig = rig_start(&options);
    for (size_t i = 0; i < GS_COUNT(starts); i++) {
        int64_t start_ms = gs_clock_mono_ms();
        int fd = rig_dial(rig);
        assert_true(rig_send(fd, starts[i]));
        assert_true(is_about(drip(fd, start_ms), SHORT_MS));
        assert_true(rig_is_closed(fd));
        close(fd);
    }
    assert_true(rig_wait_connections(rig, 0));
    assert_int_equal(rig_counts(rig).admitted, 0);
    rig_stop(rig);
}

static void dripping_bodies_are_told(void **state)
{
    (void)state;
    static const char *const starts[] = {
        "POST /echo" LINES JSON "Content-Length: 1000\r\n\r\n",
        "POST /echo" LINES JSON "Content-Length: 1000\r\n\r\n{",
        "POST /echo" LINES JSON CHUNKED "\r\n3e8\r\n{",
    };
    struct gs_http_options options = rig_options();
    options.body_timeout_ms = SHORT_MS;
    struct rig *rig = rig_start(&options);
    for (unsigned i = 0; i < GS_COUNT(starts); i++) {
        struct rig_response response;
        int64_t start_ms = gs_clock_mono_ms();
        int fd = rig_dial(rig);
        assert_true(rig_send(fd, starts[i]));
        assert_true(is_about(drip(fd, start_ms), SHORT_MS));
        assert_true(rig_read(fd, &response));
        assert_int_equal(response.status, 408);
        assert_non_null(strstr(response.body, "\"request_timeout\""));
        assert_string_equal(rig_header(&response, "Connection"), "close");
        assert_non_null(rig_header(&response, "Date"));
        assert_non_null(rig_header(&response, "X-Request-Id"));
        assert_true(rig_is_closed(fd));
        close(fd);
        assert_true(rig_wait_done(rig, i + 1));
        assert_int_equal(rig_counts(rig).last_status, 408);
    }
    assert_int_equal(rig_counts(rig).handled, 0);
    assert_true(rig_wait_connections(rig, 0));
    rig_stop(rig);
}

static void idle_connections_are_closed(void **state)
{
    (void)state;
    struct gs_http_options options = rig_options();
    struct rig_response response;
    options.idle_timeout_ms = options.header_timeout_ms = SHORT_MS;
    struct rig *rig = rig_start(&options);
    int fd = rig_dial(rig);
    int64_t start_ms = gs_clock_mono_ms();
    assert_true(rig_send(fd, GET("/hello")));
    assert_true(rig_read(fd, &response));
    assert_true(rig_is_closed(fd));
    assert_true(is_about(gs_clock_mono_ms() - start_ms, SHORT_MS));
    close(fd);
    // A next request that never gets complete is no way around it.
    fd = rig_dial(rig);
    start_ms = gs_clock_mono_ms();
    assert_true(rig_send(fd, GET("/hello")));
    assert_true(rig_read(fd, &response));
    assert_true(is_about(drip(fd, start_ms), SHORT_MS));
    assert_true(rig_is_closed(fd));
    close(fd);
    rig_stop(rig);
}

static void requests_reset_the_clock(void **state)
{
    (void)state;
    struct gs_http_options options = rig_options();
    options.idle_timeout_ms = options.header_timeout_ms = 4 * SHORT_MS;
    struct rig *rig = rig_start(&options);
    int fd = rig_dial(rig);
    int64_t start_ms = gs_clock_mono_ms();
    while (gs_clock_mono_ms() - start_ms < 8 * SHORT_MS) {
        struct rig_response response;
        assert_true(rig_send(fd, GET("/hello")));
        assert_true(rig_read(fd, &response));
        gs_clock_sleep_ms(DRIP_MS);
    }
    close(fd);
    rig_stop(rig);
}

static void clients_that_read_nothing_are_cut_off(void **state)
{
    (void)state;
    struct gs_http_options options = rig_options();
    options.header_timeout_ms = options.body_timeout_ms = options.idle_timeout_ms = 1000;
    struct rig *rig = rig_start(&options);
    int fd = rig_dial_narrow(rig);
    assert_true(rig_send(fd, GET("/big?bytes=50000000")));
    assert_true(rig_wait_done(rig, 1));
    assert_int_equal(rig_counts(rig).last_status, 200);
    assert_true(rig_wait_connections(rig, 0));
    close(fd);
    rig_stop(rig);
}

// ---- Size -----------------------------------------------------------------------------------

static void announced_bodies_are_refused_unread(void **state)
{
    (void)state;
    static const char *const lengths[] = {"1048577", "2147483648", "18446744073709551615",
                                          "1000000000000000000000000000000"};
    struct rig *rig = start();
    for (size_t i = 0; i < GS_COUNT(lengths); i++) {
        char request[256];
        snprintf(request, sizeof request, "POST /echo" LINES JSON "Content-Length: %s\r\n\r\n",
                 lengths[i]);
        struct rig_response response;
        int fd = rig_dial(rig);
        assert_true(rig_send(fd, request));
        assert_true(rig_read(fd, &response));
        assert_int_equal(response.status, 413);
        assert_string_equal(rig_header(&response, "Connection"), "close");
        assert_true(rig_is_closed(fd));
        close(fd);
    }
    assert_int_equal(rig_counts(rig).handled, 0);
    rig_stop(rig);
}

static void send_chunk(int fd, size_t len)
{
    char line[32];
    snprintf(line, sizeof line, "%zx\r\n", len);
    assert_true(rig_send(fd, line));
    assert_true(rig_send_filler(fd, len));
    assert_true(rig_send(fd, "\r\n"));
}

static void bodies_up_to_the_limit_are_taken(void **state)
{
    (void)state;
    struct rig *rig = start();
    struct rig_response response;
    int fd = rig_dial(rig);
    assert_true(rig_send(fd, "POST /echo" LINES JSON "Content-Length: 1048576\r\n\r\n"));
    assert_true(rig_send_filler(fd, MB));
    assert_true(rig_read(fd, &response));
    assert_int_equal(response.status, 200);
    assert_int_equal(response.body_len, MB);
    assert_true(rig_send(fd, "POST /echo" LINES JSON CHUNKED "\r\n"));
    send_chunk(fd, MB - 1);
    send_chunk(fd, 1);
    assert_true(rig_send(fd, "0\r\n\r\n"));
    assert_true(rig_read(fd, &response));
    assert_int_equal(response.status, 200);
    assert_int_equal(response.body_len, MB);
    close(fd);
    rig_stop(rig);
}

static void chunks_are_counted(void **state)
{
    (void)state;
    struct rig *rig = start();
    struct rig_response response;
    int fd = rig_dial(rig);
    assert_true(rig_send(fd, "POST /echo" LINES JSON CHUNKED "\r\n"));
    send_chunk(fd, MB);
    send_chunk(fd, 1);
    assert_true(rig_send(fd, "0\r\n\r\n"));
    assert_true(rig_read(fd, &response));
    assert_int_equal(response.status, 413);
    assert_non_null(strstr(response.body, "\"too_large\""));
    assert_true(rig_is_closed(fd));
    close(fd);
    assert_int_equal(rig_counts(rig).handled, 0);
    rig_stop(rig);
}

static void endless_chunks_are_cut_off(void **state)
{
    (void)state;
    struct rig *rig = start();
    struct rig_response response;
    int fd = rig_dial(rig);
    assert_true(rig_send(fd, "POST /echo" LINES JSON CHUNKED "\r\nfffffffff\r\n"));
    while (rig_counts(rig).done == 0 && rig_send_filler(fd, MB))
        continue;
    assert_true(rig_read(fd, &response));
    assert_int_equal(response.status, 413);
    assert_true(rig_is_closed(fd));
    close(fd);
    rig_stop(rig);
}

// As a client does that reads only when it has sent everything.
static void refusals_reach_clients_that_send_on(void **state)
{
    (void)state;
    static const struct {
        const char *head;
        int status;
    } cases[] = {
        {"POST /echo" LINES JSON "Content-Length: 104857600\r\n\r\n", 413},
        {"POST /denied" LINES JSON "Content-Length: 104857600\r\n\r\n", 403},
        {"POST /none" LINES JSON "Content-Length: 104857600\r\n\r\n", 404},
        {"POST /echo?%00" LINES JSON "Content-Length: 104857600\r\n\r\n", 400},
    };
    struct rig *rig = start();
    for (size_t i = 0; i < GS_COUNT(cases); i++) {
        struct rig_response response;
        int fd = rig_dial(rig);
        assert_true(rig_send(fd, cases[i].head));
        assert_true(rig_send_filler(fd, 100 * MB));
        assert_true(rig_read(fd, &response));
        assert_int_equal(response.status, cases[i].status);
        close(fd);
    }
    rig_stop(rig);
}

static int dial_with_body(struct rig *rig, const char *path, size_t len)
{
    char head[256];
    snprintf(head, sizeof head, "POST %s" LINES JSON "Content-Length: %zu\r\n\r\n", path, len);
    int fd = rig_dial(rig);
    assert_true(rig_send(fd, head));
    assert_true(rig_send_filler(fd, len));
    return fd;
}

static void expect_overloaded(int fd)
{
    struct rig_response response;
    assert_true(rig_read(fd, &response));
    assert_int_equal(response.status, 503);
    assert_non_null(strstr(response.body, "\"overloaded\""));
    assert_string_equal(rig_header(&response, "Retry-After"), "1");
    close(fd);
}

static void bodies_in_memory_are_bounded(void **state)
{
    (void)state;
    struct gs_http_options options = rig_options();
    options.body_total_limit = MB + MB / 2;
    struct rig *rig = rig_start(&options);
    struct rig_response response;
    int held = dial_with_body(rig, "/later", MB);
    assert_true(rig_wait_held(rig, 1));
    expect_overloaded(dial_with_body(rig, "/echo", MB));
    int chunked = rig_dial(rig);
    assert_true(rig_send(chunked, "POST /echo" LINES JSON CHUNKED "\r\n"));
    send_chunk(chunked, MB);
    assert_true(rig_send(chunked, "0\r\n\r\n"));
    expect_overloaded(chunked);
    int small = dial_with_body(rig, "/echo", MB / 2);
    assert_true(rig_read(small, &response));
    assert_int_equal(response.status, 200);
    close(small);
    rig_release_one(rig);
    assert_true(rig_read(held, &response));
    assert_int_equal(response.body_len, MB);
    close(held);
    // The memory counts no longer, and neither does that of refused bodies.
    int again = dial_with_body(rig, "/echo", MB);
    assert_true(rig_read(again, &response));
    assert_int_equal(response.status, 200);
    close(again);
    rig_stop(rig);
}

// ---- Number ---------------------------------------------------------------------------------

static void connections_over_the_limit_wait(void **state)
{
    (void)state;
    struct gs_http_options options = rig_options();
    options.max_connections = 2;
    struct rig *rig = rig_start(&options);
    struct rig_response response;
    struct gs_http_counts counts;
    int first = rig_dial(rig), second = rig_dial(rig);
    assert_true(rig_wait_connections(rig, 2));
    int third = rig_dial(rig);
    assert_true(rig_send(third, GET("/apps/3")));
    assert_true(rig_send(first, GET("/hello")));
    assert_true(rig_read(first, &response));
    gs_http_counts(rig_server(rig), &counts);
    assert_int_equal(counts.connections, 2);
    assert_int_equal(counts.requests, 1);
    close(second);
    assert_true(rig_read(third, &response));
    assert_true(gs_slice_starts(gs_slice_str(response.body), "app=3"));
    close(first);
    close(third);
    rig_stop(rig);
}

static void connections_of_one_address_are_bounded(void **state)
{
    (void)state;
    struct gs_http_options options = rig_options();
    options.max_connections_per_ip = 2;
    struct rig *rig = rig_start(&options);
    struct rig_response response;
    int first = rig_dial(rig), second = rig_dial(rig);
    assert_true(rig_wait_connections(rig, 2));
    int third = rig_dial(rig);
    assert_true(rig_is_closed(third));
    close(third);
    assert_true(rig_wait_connections(rig, 2));
    assert_true(rig_send(first, GET("/hello")));
    assert_true(rig_read(first, &response));
    close(second);
    assert_true(rig_wait_connections(rig, 1));
    assert_int_equal(rig_status(rig, GET("/hello")), 200);
    close(first);
    rig_stop(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(silent_connections_are_closed),
        cmocka_unit_test(dripping_headers_are_cut_off),
        cmocka_unit_test(dripping_bodies_are_told),
        cmocka_unit_test(idle_connections_are_closed),
        cmocka_unit_test(requests_reset_the_clock),
        cmocka_unit_test(clients_that_read_nothing_are_cut_off),
        cmocka_unit_test(announced_bodies_are_refused_unread),
        cmocka_unit_test(bodies_up_to_the_limit_are_taken),
        cmocka_unit_test(chunks_are_counted),
        cmocka_unit_test(endless_chunks_are_cut_off),
        cmocka_unit_test(refusals_reach_clients_that_send_on),
        cmocka_unit_test(bodies_in_memory_are_bounded),
        cmocka_unit_test(connections_over_the_limit_wait),
        cmocka_unit_test(connections_of_one_address_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
