// The HTTP client against a scripted host: what it makes of status, headers and body.
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>

#include <cmocka.h>

#include "net_fixture.h"

// Sends the text given as the argument to whoever asks.
static void recite(struct loopback_conn *conn)
{
    struct gs_buf head;
    gs_buf_init(&head, 65536);
    if (loopback_read_head(conn, &head))
        loopback_send(conn, conn->arg);
    gs_buf_release(&head);
}

static struct gs_net_response answer_of(const char *text)
{
    struct loopback *server = loopback_start(recite, text);
    struct gs_net_request request = request_to(server, "GET");
    struct gs_net_response response = perform(&request);
    loopback_stop(server);
    return response;
}

static void redirects_are_a_status(void **state)
{
    (void)state;
    struct gs_net_response response =
        answer_of("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/"
                  "\r\nContent-Length: 0\r\n\r\n");
    assert_int_equal(response.status, 302);
    gs_net_response_release(&response);
}

static void unauthorized_is_a_status_with_its_body(void **state)
{
    (void)state;
    struct gs_net_response response = answer_of(
        "HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=x\r\nContent-Type: text/HTML\r\n"
        "Content-Length: 4\r\n\r\nnope");
    assert_int_equal(response.status, 401);
    assert_string_equal(response.content_type, "text/html");
    assert_string_equal(response.body.data, "nope");
    gs_net_response_release(&response);
}

static void interim_answers_leave_nothing(void **state)
{
    (void)state;
    struct gs_net_response response =
        answer_of("HTTP/1.1 103 Early Hints\r\nRetry-After: 7\r\nContent-Type: a/b\r\n\r\n"
                  "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    assert_int_equal(response.status, 200);
    assert_int_equal(response.retry_after_s, 0);
    assert_string_equal(response.content_type, "");
    assert_string_equal(response.body.data, "ok");
    gs_net_response_release(&response);
}

static void compressed_bodies_stay_as_they_are(void **state)
{
    (void)state;
    struct gs_net_response response = answer_of(
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f\x8bz");
    assert_string_equal(response.body.data, "\x1f\x8bz");
    gs_net_response_release(&response);
}

static long retry_after_of(const char *value)
{
    char text[256];
    snprintf(text, sizeof text, "HTTP/1.1 429 No\r\nRetry-After: %s\r\nContent-Length: 0\r\n\r\n",
             value);
    struct gs_net_response response = answer_of(text);
    long seconds = response.retry_after_s;
    gs_net_response_release(&response);
    return seconds;
}

static void retry_after_in_both_forms(void **state)
{
    char date[64];
    struct tm tm;
    time_t later = time(NULL) + 100;
    (void)state;
    assert_int_equal(retry_after_of("17"), 17);
    assert_int_equal(retry_after_of("-5"), 0);
    assert_int_equal(retry_after_of("soon"), 0);
    assert_int_equal(retry_after_of("99999999999999999999"), 0);
    assert_int_equal(retry_after_of("999999999"), 86400);
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&later, &tm));
    assert_in_range(retry_after_of(date), 80, 100);
    assert_int_equal(retry_after_of("Sun, 06 Nov 1994 08:49:37 GMT"), 1);
}

static void rate_limit_counts_when_exhausted(void **state)
{
    (void)state;
    struct gs_net_response response =
        answer_of("HTTP/1.1 403 No\r\nX-RateLimit-Reset: 1900000000\r\nX-RateLimit-Remaining: 0\r\n"
                  "Content-Length: 0\r\n\r\n");
    assert_int_equal(response.rate_limit_reset_s, 1900000000);
    gs_net_response_release(&response);
    response = answer_of(
        "HTTP/1.1 200 OK\r\nX-RateLimit-Remaining: 10\r\nX-RateLimit-Reset: 1900000000\r\n"
        "Content-Length: 0\r\n\r\n");
    assert_int_equal(response.rate_limit_reset_s, 0);
    gs_net_response_release(&response);
}

struct sum {
    size_t bytes, refuse_after;
};

static bool count_bytes(void *arg, const char *data, size_t len)
{
    struct sum *sum = arg;
    (void)data;
    sum->bytes += len;
    return sum->bytes <= sum->refuse_after;
}

static void send_a_megabyte(struct loopback_conn *conn)
{
    struct gs_buf head;
    const char *status = conn->arg;
    char line[128];
    char *body = calloc(1, 1 << 20);
    gs_buf_init(&head, 65536);
    if (loopback_read_head(conn, &head)) {
        snprintf(line, sizeof line, "HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n", status, 1 << 20);
        loopback_send(conn, line);
        loopback_send_bytes(conn, body, 1 << 20);
    }
    free(body);
    gs_buf_release(&head);
}

static void bodies_can_be_streamed(void **state)
{
    (void)state;
    struct loopback *server = loopback_start(send_a_megabyte, "200 OK");
    struct sum sum = {0, SIZE_MAX};
    struct gs_net_request request = request_to(server, "GET");
    request.on_body = count_bytes;
    request.on_body_arg = &sum;
    struct gs_net_response response = perform(&request);
    assert_int_equal(sum.bytes, 1 << 20);
    assert_int_equal(response.body.len, 0);
    gs_net_response_release(&response);
    sum = (struct sum){0, 1000};
    struct gs_error err = GS_ERROR_INIT;
    assert_int_equal(gs_net_perform(net, &request, &response, &err), GS_UPSTREAM);
    assert_int_equal(err.code, GS_CODE_HOST_FAILED);
    loopback_stop(server);
}

// What the caller does when his body was sent, and the server waits for before it answers.
static atomic_int times_sent;

static void count_sent(void *arg)
{
    (void)arg;
    atomic_fetch_add(&times_sent, 1);
}

static void answer_when_told(struct loopback_conn *conn)
{
    struct gs_buf head, body;
    gs_buf_init(&head, 65536);
    gs_buf_init(&body, 4 << 20);
    while (loopback_read(conn, &head, &body)) {
        int64_t give_up = gs_clock_mono_ms() + 5000;
        while (atomic_load(&times_sent) == 0 && gs_clock_mono_ms() < give_up)
            gs_clock_sleep_ms(1);
        loopback_answer(conn, atomic_load(&times_sent) ? "200 OK" : "500 Not told", "", "");
    }
    gs_buf_release(&head);
    gs_buf_release(&body);
}

static void the_caller_learns_when_the_body_was_sent(void **state)
{
    (void)state;
    static char body[3 << 20];
    const size_t sizes[] = {1, 100000, sizeof body};
    struct loopback *server = loopback_start(answer_when_told, NULL);
    for (size_t i = 0; i < GS_COUNT(sizes); i++) {
        atomic_store(&times_sent, 0);
        const struct gs_slice part = gs_slice_of(body, sizes[i]);
        struct gs_net_request request = request_to(server, "POST");
        request.body = &part;
        request.body_parts = 1;
        request.on_sent = count_sent;
        struct gs_net_response response = perform(&request);
        assert_int_equal(response.status, 200);
        assert_int_equal(atomic_load(&times_sent), 1);
        gs_net_response_release(&response);
        // The next request on the same connection is nobody's business.
        request.on_sent = NULL;
        response = perform(&request);
        assert_int_equal(atomic_load(&times_sent), 1);
        gs_net_response_release(&response);
    }
    loopback_stop(server);
}

static void streams_keep_a_bit_of_an_error_page(void **state)
{
    (void)state;
    struct loopback *server = loopback_start(send_a_megabyte, "500 Oops");
    struct sum sum = {0, SIZE_MAX};
    struct gs_net_request request = request_to(server, "GET");
    request.on_body = count_bytes;
    request.on_body_arg = &sum;
    struct gs_net_response response = perform(&request);
    assert_int_equal(response.status, 500);
    assert_int_equal(sum.bytes, 0);
    assert_int_equal(response.body.len, 65536);
    gs_net_response_release(&response);
    loopback_stop(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(redirects_are_a_status),
        cmocka_unit_test(unauthorized_is_a_status_with_its_body),
        cmocka_unit_test(interim_answers_leave_nothing),
        cmocka_unit_test(compressed_bodies_stay_as_they_are),
        cmocka_unit_test(retry_after_in_both_forms),
        cmocka_unit_test(rate_limit_counts_when_exhausted),
        cmocka_unit_test(bodies_can_be_streamed),
        cmocka_unit_test(the_caller_learns_when_the_body_was_sent),
        cmocka_unit_test(streams_keep_a_bit_of_an_error_page),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
