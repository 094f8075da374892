// The HTTP client against hosts whose failures pass: what is repeated and what never is, and when a host is left alone.
// SPDX-License-Identifier: Apache-2.0
#include "net_fixture.h"

#define SILENCE "~"

// The answers to the connections in their order, '|' between them; "" hangs up.
static void follow_script(struct loopback_conn *conn)
{
    struct gs_buf head, body;
    gs_buf_init(&head, 65536);
    gs_buf_init(&body, 65536);
    struct gs_slice rest = gs_slice_str(conn->arg), answer = GS_SLICE_EMPTY;
    for (int i = 0; i <= conn->number; i++)
        answer = gs_slice_split(&rest, '|');
    bool asked = loopback_read(conn, &head, &body);
    if (asked && gs_slice_eq_str(answer, SILENCE))
        (void)loopback_read(conn, &head, &body); // until the caller has gone
    else if (asked && answer.len > 0)
        loopback_send_bytes(conn, answer.data, answer.len);
    gs_buf_release(&head);
    gs_buf_release(&body);
}

#define ANSWER(status, tail) "HTTP/1.1 " status "\r\nConnection: close\r\nContent-Length: " tail
#define OK ANSWER("200 OK", "2\r\n\r\nok")
#define BAD_GATEWAY ANSWER("502 Bad Gateway", "0\r\n\r\n")
#define UNAVAILABLE ANSWER("503 Service Unavailable", "0\r\n\r\n")
#define WAIT ANSWER("503 Service Unavailable", "0\r\nRetry-After: 9\r\n\r\n")
#define FAILURE ANSWER("500 Internal Server Error", "0\r\n\r\n")
#define CUT ANSWER("200 OK", "9\r\n\r\nok")

struct outcome {
    enum gs_status status;
    struct gs_error err;
    int http_status, accepts;
};

static struct outcome ask(struct gs_net *client, struct loopback *server,
                          struct gs_net_request *request)
{
    struct outcome outcome = {.err = GS_ERROR_INIT};
    struct gs_net_response response = {.status = 0};
    outcome.status = gs_net_perform(client, request, &response, &outcome.err);
    outcome.http_status = response.status;
    outcome.accepts = loopback_accepts(server);
    gs_net_response_release(&response);
    return outcome;
}

static struct outcome ask_once(const char *script, const char *method, bool repeatable)
{
    struct loopback *server = loopback_start(follow_script, script);
    struct gs_net_request request = request_to(server, method);
    request.repeatable = repeatable;
    struct outcome outcome = ask(net, server, &request);
    loopback_stop(server);
    return outcome;
}

static void what_passes_is_tried_three_times(void **state)
{
    (void)state;
    static const char *const passing[] = {"||" OK, BAD_GATEWAY "|" UNAVAILABLE "|" OK,
                                          CUT "|" CUT "|" OK, "|" BAD_GATEWAY "|" OK};
    for (size_t i = 0; i < GS_COUNT(passing); i++) {
        struct outcome outcome = ask_once(passing[i], "GET", true);
        assert_int_equal(outcome.status, GS_OK);
        assert_int_equal(outcome.http_status, 200);
        assert_int_equal(outcome.accepts, 3);
    }
}

static void the_third_failure_is_told(void **state)
{
    (void)state;
    struct outcome outcome = ask_once("|||" OK, "GET", true);
    assert_int_equal(outcome.err.code, GS_CODE_HOST_UNREACHABLE);
    assert_int_equal(outcome.accepts, 3);
    outcome = ask_once("||" BAD_GATEWAY "|" OK, "GET", true);
    assert_int_equal(outcome.status, GS_OK);
    assert_int_equal(outcome.http_status, 502);
}

static void what_does_not_pass_is_not_repeated(void **state)
{
    (void)state;
    static const char *const lasting[] = {FAILURE "|" OK, WAIT "|" OK,
                                          ANSWER("404 Not Found", "0\r\n\r\n") "|" OK};
    for (size_t i = 0; i < GS_COUNT(lasting); i++)
        assert_int_equal(ask_once(lasting[i], "GET", true).accepts, 1);
}

static void what_must_not_be_repeated_is_not(void **state)
{
    (void)state;
    assert_int_equal(ask_once("|" OK, "POST", false).accepts, 1);
    assert_int_equal(ask_once(BAD_GATEWAY "|" OK, "POST", false).accepts, 1);
}

static _Atomic int requests_seen;

// Answers the first request of a connection, reads the second one to its end, and hangs up.
static void answer_once(struct loopback_conn *conn)
{
    struct gs_buf head, body;
    gs_buf_init(&head, 65536);
    gs_buf_init(&body, 65536);
    while (loopback_read(conn, &head, &body) && ++requests_seen == 1)
        loopback_answer(conn, "200 OK", "", "x");
    gs_buf_release(&head);
    gs_buf_release(&body);
}

static void not_even_on_a_kept_connection(void **state)
{
    (void)state;
    struct loopback *server = loopback_start(answer_once, NULL);
    struct gs_net_request request = request_to(server, "POST");
    const struct gs_slice part = GS_SLICE_LIT("only once");
    request.body = &part;
    request.body_parts = 1;
    struct gs_net_response first = perform(&request);
    gs_net_response_release(&first);
    struct outcome outcome = ask(net, server, &request);
    assert_int_equal(outcome.err.code, GS_CODE_HOST_UNREACHABLE);
    assert_non_null(strstr(outcome.err.message, "without an answer"));
    loopback_stop(server);
    assert_int_equal(requests_seen, 2);
}

static bool collect(void *arg, const char *data, size_t len)
{
    return gs_buf_append(arg, data, len);
}

static bool start_again(void *arg)
{
    gs_buf_clear(arg);
    return true;
}

static void a_consumer_that_cannot_start_again_gets_it_once(void **state)
{
    (void)state;
    for (int can = 0; can <= 1; can++) {
        struct loopback *server = loopback_start(follow_script, CUT "|" OK);
        struct gs_buf body;
        gs_buf_init(&body, 100);
        struct gs_net_request request = request_to(server, "GET");
        request.repeatable = true;
        request.on_body = collect;
        request.on_again = can ? start_again : NULL;
        request.on_body_arg = &body;
        struct outcome outcome = ask(net, server, &request);
        assert_int_equal(outcome.status == GS_OK, can);
        assert_int_equal(outcome.accepts, 1 + can);
        assert_true(gs_slice_eq_str(gs_buf_slice(&body), "ok"));
        gs_buf_release(&body);
        loopback_stop(server);
    }
}

static void no_repetition_beyond_the_deadline(void **state)
{
    (void)state;
    struct loopback *server = loopback_start(follow_script, "||" OK);
    struct gs_net_request request = request_to(server, "GET");
    request.repeatable = true;
    request.deadline_ms = gs_clock_mono_ms() + 40;
    enum gs_code code = ask(net, server, &request).err.code;
    // On a machine that is busy the time may be over before the first failure.
    assert_true(code == GS_CODE_HOST_UNREACHABLE || code == GS_CODE_HOST_TIMEOUT);
    assert_true(loopback_accepts(server) < 3);
    loopback_stop(server);
}

// ---- Hosts that are left alone ---------------------------------------------

enum { LONGEST_PAUSE_MS = 1500 };

static struct gs_net *new_wary_client(void)
{
    struct gs_net_options options = {.allow_loopback = true,
                                     .user_agent = "t",
                                     .connect_timeout_ms = 5000,
                                     .breaker_failures = 3,
                                     .breaker_pause_ms = LONGEST_PAUSE_MS};
    struct gs_net *client;
    assert_int_equal(gs_net_new(&options, &client, NULL), GS_OK);
    return client;
}

static void remember(void *arg, const struct gs_net_failing *failing)
{
    *(struct gs_net_failing *)arg = *failing;
}

static enum gs_net_host_state state_of(struct gs_net *client)
{
    struct gs_net_failing failing = {.failures = 0};
    gs_net_list_failing(client, remember, &failing);
    assert_true(failing.failures > 0);
    return failing.state;
}

// Asks until the pause is over.
static struct outcome ask_after_the_pause(struct gs_net *client, struct loopback *server,
                                          struct gs_net_request *request)
{
    struct outcome outcome;
    while ((outcome = ask(client, server, request)).err.code == GS_CODE_HOST_DOWN)
        gs_clock_sleep_ms(5);
    return outcome;
}

static void a_host_that_fails_is_left_alone(void **state)
{
    (void)state;
    struct gs_net *client = new_wary_client();
    struct loopback *server = loopback_start(follow_script, "|" FAILURE "||" FAILURE "|" OK "|" OK);
    struct loopback *other = loopback_start(follow_script, OK);
    struct gs_net_request request = request_to(server, "GET");
    for (int i = 0; i < 3; i++)
        (void)ask(client, server, &request);
    struct outcome refused = ask(client, server, &request);
    assert_int_equal(refused.err.code, GS_CODE_HOST_DOWN);
    assert_int_equal(refused.err.retry_after_s, 1);
    assert_int_equal(refused.accepts, 3);
    assert_int_equal(state_of(client), GS_NET_HOST_PAUSED);

    struct gs_net_request elsewhere = request_to(other, "GET");
    assert_int_equal(ask(client, other, &elsewhere).http_status, 200);

    // One request after the pause; it fails, so the next pause is longer.
    gs_clock_sleep_ms(1050);
    assert_int_equal(state_of(client), GS_NET_HOST_PROBED);
    request = request_to(server, "GET");
    int64_t probed_ms = gs_clock_mono_ms();
    assert_int_equal(ask(client, server, &request).http_status, 500);
    assert_int_equal(ask_after_the_pause(client, server, &request).http_status, 200);
    // A quarter less than the longest at most, which is more than the first one can be.
    assert_true(gs_clock_mono_ms() - probed_ms >= LONGEST_PAUSE_MS * 3 / 4);
    assert_int_equal(ask(client, server, &request).http_status, 200);
    struct gs_net_failing none = {.failures = 0};
    gs_net_list_failing(client, remember, &none);
    assert_int_equal(none.failures, 0);
    gs_net_free(client);
    loopback_stop(server);
    loopback_stop(other);
}

static void a_success_in_between_counts(void **state)
{
    (void)state;
    struct gs_net *client = new_wary_client();
    struct loopback *server = loopback_start(follow_script, "||" OK "||" OK "||" WAIT "||" OK);
    struct gs_net_request request = request_to(server, "GET");
    for (int i = 0; i < 12; i++)
        assert_int_not_equal(ask(client, server, &request).err.code, GS_CODE_HOST_DOWN);
    gs_net_free(client);
    loopback_stop(server);
}

static void who_had_no_time_to_wait_has_learned_nothing(void **state)
{
    (void)state;
    struct gs_net *client = new_wary_client();
    struct loopback *server =
        loopback_start(follow_script, "|" SILENCE "||" SILENCE "|" BAD_GATEWAY "|" OK);
    struct gs_net_request request = request_to(server, "GET");
    for (int i = 0; i < 2; i++) {
        struct gs_net_request hasty = request;
        (void)ask(client, server, &request);
        hasty.deadline_ms = gs_clock_mono_ms() + 100;
        assert_int_equal(ask(client, server, &hasty).err.code, GS_CODE_HOST_TIMEOUT);
    }
    assert_int_equal(ask(client, server, &request).http_status, 502);
    assert_int_equal(ask(client, server, &request).err.code, GS_CODE_HOST_DOWN);
    gs_net_free(client);
    loopback_stop(server);
}

static void a_repetition_ends_where_the_pause_begins(void **state)
{
    (void)state;
    struct gs_net *client = new_wary_client();
    struct loopback *server = loopback_start(follow_script, "");
    struct gs_net_request request = request_to(server, "GET");
    request.repeatable = true;
    (void)ask(client, server, &request);
    struct outcome outcome = ask(client, server, &request);
    assert_int_equal(outcome.err.code, GS_CODE_HOST_DOWN);
    assert_int_equal(outcome.accepts, 3);
    gs_net_free(client);
    loopback_stop(server);
}

static void origins(void **state)
{
    (void)state;
    char origin[GS_NET_ORIGIN_TEXT + 1];
    gs_net_origin("https://GitHub.com/acme/apps.git", origin);
    assert_string_equal(origin, "https://github.com:443");
    gs_net_origin("http://127.0.0.1:81/x", origin);
    assert_string_equal(origin, "http://127.0.0.1:81");
    gs_net_origin("no address", origin);
    assert_string_equal(origin, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_passes_is_tried_three_times),
        cmocka_unit_test(the_third_failure_is_told),
        cmocka_unit_test(what_does_not_pass_is_not_repeated),
        cmocka_unit_test(what_must_not_be_repeated_is_not),
        cmocka_unit_test(not_even_on_a_kept_connection),
        cmocka_unit_test(a_consumer_that_cannot_start_again_gets_it_once),
        cmocka_unit_test(no_repetition_beyond_the_deadline),
        cmocka_unit_test(a_host_that_fails_is_left_alone),
        cmocka_unit_test(a_success_in_between_counts),
        cmocka_unit_test(who_had_no_time_to_wait_has_learned_nothing),
        cmocka_unit_test(a_repetition_ends_where_the_pause_begins),
        cmocka_unit_test(origins),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
