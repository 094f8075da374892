// The HTTP client against a scripted host: what is sent, and which connections are reused.
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <pthread.h>
#include <unistd.h>

#include "net_fixture.h"

enum { SOME_MB = 8 << 20 };

// Answers with what it was sent: the head, then the body. Keeps the connection.
static void echo(struct loopback_conn *conn)
{
    struct gs_buf head, body, both;
    gs_buf_init(&head, 65536);
    gs_buf_init(&body, 1 << 20);
    gs_buf_init(&both, 1 << 21);
    while (loopback_read(conn, &head, &body)) {
        gs_buf_clear(&both);
        gs_buf_append_slice(&both, gs_buf_slice(&head));
        gs_buf_append_slice(&both, gs_buf_slice(&body));
        loopback_answer(conn, "200 OK", "Content-Type: Text/Plain; charset=utf-8\r\n", both.data);
    }
    gs_buf_release(&head);
    gs_buf_release(&body);
    gs_buf_release(&both);
}

static void get_sends_just_what_it_should(void **state)
{
    (void)state;
    struct loopback *server = loopback_start(echo, NULL);
    const char *const headers[] = {"Accept: application/x-test", "Git-Protocol: version=0", NULL};
    struct gs_net_request request = request_to(server, "GET");
    request.headers = headers;
    request.bearer = "token-1";
    struct gs_net_response response = perform(&request);
    char expected[512];
    snprintf(expected, sizeof expected,
             "GET /path?query=1 HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUser-Agent: gitsync/test\r\n"
             "Authorization: Bearer token-1\r\nAccept: application/x-test\r\n"
             "Git-Protocol: version=0\r\n\r\n",
             loopback_port(server));
    assert_string_equal(response.body.data, expected);
    assert_int_equal(response.status, 200);
    assert_string_equal(response.content_type, "text/plain");
    gs_net_response_release(&response);
    loopback_stop(server);
}

static void post_sends_the_parts_in_order(void **state)
{
    (void)state;
    struct loopback *server = loopback_start(echo, NULL);
    const char *const headers[] = {"Content-Type: application/json", NULL};
    const struct gs_slice parts[] = {GS_SLICE_LIT("one "), GS_SLICE_EMPTY, GS_SLICE_LIT("two "),
                                     GS_SLICE_LIT("three"), GS_SLICE_EMPTY};
    struct gs_net_request request = request_to(server, "POST");
    request.headers = headers;
    request.username = "x-access-token";
    request.password = "secret:1";
    request.body = parts;
    request.body_parts = GS_COUNT(parts);
    struct gs_net_response response = perform(&request);
    assert_non_null(strstr(response.body.data, "\r\nContent-Length: 13\r\n"));
    assert_non_null(strstr(response.body.data, "\r\nContent-Type: application/json\r\n"));
    assert_non_null(strstr(response.body.data,
                           "\r\nAuthorization: Basic eC1hY2Nlc3MtdG9rZW46c2VjcmV0OjE=\r\n"));
    assert_non_null(strstr(response.body.data, "\r\n\r\none two three"));
    assert_null(strstr(response.body.data, "Expect"));
    assert_null(strstr(response.body.data, "Accept-Encoding"));
    gs_net_response_release(&response);
    loopback_stop(server);
}

static void bodiless_and_other_methods(void **state)
{
    (void)state;
    struct loopback *server = loopback_start(echo, NULL);
    struct gs_net_request request = request_to(server, "POST");
    struct gs_net_response response = perform(&request);
    assert_non_null(strstr(response.body.data, "POST /path"));
    assert_non_null(strstr(response.body.data, "\r\nContent-Length: 0\r\n"));
    assert_null(strstr(response.body.data, "Content-Type"));
    gs_net_response_release(&response);
    const struct gs_slice body = GS_SLICE_LIT("{}");
    request = request_to(server, "PUT");
    request.body = &body;
    request.body_parts = 1;
    response = perform(&request);
    assert_non_null(strstr(response.body.data, "PUT /path"));
    assert_non_null(strstr(response.body.data, "\r\n\r\n{}"));
    gs_net_response_release(&response);
    request = request_to(server, "DELETE");
    response = perform(&request);
    assert_non_null(strstr(response.body.data, "DELETE /path"));
    assert_null(strstr(response.body.data, "Content-Length"));
    gs_net_response_release(&response);
    assert_int_equal(loopback_accepts(server), 1);
    loopback_stop(server);
}

static void headers_cannot_be_smuggled(void **state)
{
    (void)state;
    struct loopback *server = loopback_start(echo, NULL);
    struct gs_net_response response;
    struct gs_error err = GS_ERROR_INIT;
    struct gs_net_request request = request_to(server, "GET");
    request.bearer = "a\r\nX-Evil: 1";
    assert_int_equal(gs_net_perform(net, &request, &response, &err), GS_INVALID);
    const char *const headers[] = {"X-A: 1\r\nX-Evil: 1", NULL};
    request.bearer = NULL;
    request.headers = headers;
    assert_int_equal(gs_net_perform(net, &request, &response, &err), GS_INVALID);
    assert_int_equal(loopback_accepts(server), 0);
    loopback_stop(server);
}

static void connections_are_reused(void **state)
{
    (void)state;
    struct loopback *server = loopback_start(echo, NULL);
    for (int i = 0; i < 20; i++) {
        struct gs_net_request request = request_to(server, i % 2 ? "POST" : "GET");
        struct gs_net_response response = perform(&request);
        gs_net_response_release(&response);
    }
    assert_int_equal(loopback_accepts(server), 1);
    loopback_stop(server);
}

static void ask_with(struct gs_net *client, const struct loopback *server)
{
    struct gs_net_response response;
    struct gs_error err = GS_ERROR_INIT;
    struct gs_net_request request = request_to(server, "GET");
    assert_int_equal(gs_net_perform(client, &request, &response, &err), GS_OK);
    gs_net_response_release(&response);
}

static void idle_connections_are_bounded(void **state)
{
    static const int expected[] = {3, 2, 1}; // by max_idle, for the first of two hosts in turn
    (void)state;
    for (size_t max_idle = 0; max_idle < GS_COUNT(expected); max_idle++) {
        struct gs_net_options options = {
            .allow_loopback = true, .user_agent = "t", .max_idle = max_idle};
        struct gs_net *client = NULL;
        struct gs_error err = GS_ERROR_INIT;
        assert_int_equal(gs_net_new(&options, &client, &err), GS_OK);
        struct loopback *first = loopback_start(echo, NULL);
        struct loopback *second = loopback_start(echo, NULL);
        ask_with(client, first);
        ask_with(client, first);
        ask_with(client, second);
        ask_with(client, first);
        assert_int_equal(loopback_accepts(first), expected[max_idle]);
        gs_net_free(client);
        loopback_stop(first);
        loopback_stop(second);
    }
}

static void *ask_often(void *arg)
{
    struct gs_net_request request = *(const struct gs_net_request *)arg;
    for (int i = 0; i < 20; i++) {
        struct gs_net_response response;
        struct gs_error err = GS_ERROR_INIT;
        if (gs_net_perform(net, &request, &response, &err) != GS_OK || response.status != 200)
            return arg;
        gs_net_response_release(&response);
    }
    return NULL;
}

static void threads_share_the_pool(void **state)
{
    (void)state;
    pthread_t threads[8];
    struct loopback *server = loopback_start(echo, NULL);
    struct gs_net_request request = request_to(server, "GET");
    for (size_t i = 0; i < GS_COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_often, &request), 0);
    for (size_t i = 0; i < GS_COUNT(threads); i++) {
        void *failure;
        pthread_join(threads[i], &failure);
        assert_null(failure);
    }
    // 160 requests; a few connections more than threads, because only four are kept idle.
    assert_true(loopback_accepts(server) < 120);
    loopback_stop(server);
}

// The first request of the first connection is answered; what comes then meets a reset.
static void answer_once_then_reset(struct loopback_conn *conn)
{
    struct gs_buf head, body;
    gs_buf_init(&head, 65536);
    gs_buf_init(&body, SOME_MB);
    while (loopback_read(conn, &head, &body)) {
        char length[32];
        snprintf(length, sizeof length, "%zu", body.len);
        loopback_answer(conn, "200 OK", "", length);
        if (conn->number > 0)
            continue;
        loopback_read_head(conn, &head);
        loopback_skip(conn, *(const size_t *)conn->arg);
        loopback_reset_on_close(conn);
        break;
    }
    gs_buf_release(&head);
    gs_buf_release(&body);
}

// The host reads skip bytes of the second body before it goes.
static void post_over_dead_connection(size_t size, size_t skip, const char *expected)
{
    struct loopback *server = loopback_start(answer_once_then_reset, &skip);
    char *big = calloc(1, size);
    const struct gs_slice parts[] = {gs_slice_of(big, size / 2), gs_slice_of(big, size - size / 2)};
    struct gs_net_request request = request_to(server, "POST");
    request.body = parts;
    request.body_parts = 2;
    request.repeatable = true;
    struct gs_net_response first = perform(&request);
    struct gs_net_response second = perform(&request);
    assert_string_equal(first.body.data, expected);
    assert_string_equal(second.body.data, expected);
    assert_int_equal(loopback_accepts(server), 2);
    gs_net_response_release(&first);
    gs_net_response_release(&second);
    free(big);
    loopback_stop(server);
}

static void small_body_is_sent_again_on_a_new_connection(void **state)
{
    (void)state;
    post_over_dead_connection(1000, 0, "1000");
}

static void large_body_is_sent_again_on_a_new_connection(void **state)
{
    (void)state;
    // Whether reading or writing finds the reset is a matter of chance.
    for (size_t i = 0; i < 30; i++)
        post_over_dead_connection(SOME_MB, i * 99991, "8388608");
}

static void answer_and_close(struct loopback_conn *conn)
{
    struct gs_buf head, body;
    gs_buf_init(&head, 65536);
    gs_buf_init(&body, 65536);
    if (loopback_read(conn, &head, &body))
        loopback_answer(conn, "200 OK", "", "x");
    gs_buf_release(&head);
    gs_buf_release(&body);
}

static void closed_idle_connection_is_noticed(void **state)
{
    (void)state;
    struct loopback *server = loopback_start(answer_and_close, NULL);
    for (int i = 0; i < 3; i++) {
        struct gs_net_request request = request_to(server, "POST");
        struct gs_net_response response = perform(&request);
        gs_net_response_release(&response);
        gs_clock_sleep_ms(20);
    }
    assert_int_equal(loopback_accepts(server), 3);
    loopback_stop(server);
}

static void tls_with_its_ca(void **state)
{
    char path[] = "/tmp/gs-test-ca-XXXXXX";
    struct gs_net *secure = NULL;
    struct gs_error err = GS_ERROR_INIT;
    (void)state;
    close(mkstemp(path));
    struct loopback *server = loopback_start_tls(echo, NULL, path);
    struct gs_net_options options = {.ca_file = path,
                                     .allow_loopback = true,
                                     .user_agent = "t",
                                     .connect_timeout_ms = 5000,
                                     .max_idle = 4};
    assert_int_equal(gs_net_new(&options, &secure, &err), GS_OK);
    struct gs_net_request request = request_to(server, "POST");
    snprintf(url, sizeof url, "https://127.0.0.1:%d/", loopback_port(server));
    for (int i = 0; i < 3; i++) {
        struct gs_net_response response;
        if (gs_net_perform(secure, &request, &response, &err) != GS_OK)
            fail_msg("%s", err.message);
        assert_int_equal(response.status, 200);
        gs_net_response_release(&response);
    }
    assert_int_equal(loopback_accepts(server), 1);
    gs_net_free(secure);
    loopback_stop(server);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(get_sends_just_what_it_should),
        cmocka_unit_test(post_sends_the_parts_in_order),
        cmocka_unit_test(bodiless_and_other_methods),
        cmocka_unit_test(headers_cannot_be_smuggled),
        cmocka_unit_test(connections_are_reused),
        cmocka_unit_test(idle_connections_are_bounded),
        cmocka_unit_test(threads_share_the_pool),
        cmocka_unit_test(small_body_is_sent_again_on_a_new_connection),
        cmocka_unit_test(large_body_is_sent_again_on_a_new_connection),
        cmocka_unit_test(closed_idle_connection_is_noticed),
        cmocka_unit_test(tls_with_its_ca),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
