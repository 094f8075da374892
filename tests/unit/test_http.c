// The HTTP server as a well-behaved client sees it: routes, methods, bodies, connections that stay,
// and the order in which a request is judged.
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/random.h"
#include "http_rig.h"

#define LINES " HTTP/1.1\r\nHost: x\r\n"
#define GET(path) "GET " path LINES "\r\n"
#define JSON "Content-Type: application/json\r\n"
#define CHUNKED "Transfer-Encoding: chunked\r\n"

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

static void expect(struct rig *rig, const char *request, int status, const char *body)
{
    struct rig_response response = rig_ask(rig, request);
    if (response.status != status)
        fail_msg("%d %s: %s", response.status, response.body, request);
    if (body)
        assert_string_equal(response.body, body);
}

static void expect_code(struct rig *rig, const char *request, int status, const char *code)
{
    struct rig_response response = rig_ask(rig, request);
    if (response.status != status || !strstr(response.body, code))
        fail_msg("%d %s: %s", response.status, response.body, request);
}

static void routes_are_served(void **state)
{
    expect(*state, GET("/"), 200, "hello");
    expect(*state, GET("/hello"), 200, "hello");
    expect(*state, GET("/apps/special"), 200, "hello");
    expect(*state, GET("/apps/1"), 200, "app=1 version=- route=/apps/:appId");
    expect(*state, GET("/apps/a%2Fb/versions/%e2%82%ac"), 200,
           "app=a/b version=\xe2\x82\xac route=/apps/:appId/versions/:versionId");
    expect(*state, "DELETE /hello" LINES "\r\n", 204, "");
    expect_code(*state, GET("/none"), 404, "not_found");
    expect_code(*state, GET("/apps/.."), 404, "not_found");
    expect_code(*state, GET("/hello/../hello"), 404, "not_found");
}

static void query_members_are_decoded(void **state)
{
    expect(*state, GET("/query"), 200, "(absent)");
    expect(*state, GET("/query?name"), 200, "");
    expect(*state, GET("/query?other=1&name=a%20b&name=c"), 200, "a b");
    expect(*state, GET("/query?name=a+b%2b"), 200, "a b+");
    expect(*state, GET("/query?Name=1"), 200, "(absent)");
    expect(*state, GET("/query?name=%F0%9F%98%80"), 200, "\xf0\x9f\x98\x80");
}

static void requests_can_be_described(void **state)
{
    struct rig_response response =
        rig_ask(*state, "GET /describe/a%20b?c=d" LINES "User-Agent:  curl \r\n\r\n");
    assert_string_equal(response.body, "GET /describe/a%20b 127.0.0.1 curl data");
    assert_string_equal(rig_header(&response, "X-Note"), "first");
    assert_null(rig_header(&response, "X-Evil"));
}

static void responses_have_their_headers(void **state)
{
    struct rig_response response = rig_ask(*state, GET("/hello"));
    assert_string_equal(rig_header(&response, "Content-Length"), "5");
    assert_string_equal(rig_header(&response, "Content-Type"), "text/plain");
    assert_string_equal(rig_header(&response, "X-Content-Type-Options"), "nosniff");
    assert_string_equal(rig_header(&response, "Cache-Control"), "no-store");
    assert_non_null(rig_header(&response, "Date"));
    assert_true(gs_uuid_is_valid(gs_slice_str(rig_header(&response, "X-Request-Id"))));
    assert_null(rig_header(&response, "Connection"));
}

static void request_ids_are_kept_when_sane(void **state)
{
#define ID64 "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ._"
    static const struct {
        const char *request, *id;
    } cases[] = {
        {"GET /hello" LINES "X-Request-Id: build-7.1_a\r\n\r\n", "build-7.1_a"},
        {"GET /none" LINES "x-request-id: a\r\n\r\n", "a"},
        {"GET /hello" LINES "X-Request-Id: " ID64 "\r\n\r\n", ID64},
        {"GET /hello" LINES "X-Request-Id: " ID64 "x\r\n\r\n", NULL},
        {"GET /hello" LINES "X-Request-Id: a b\r\n\r\n", NULL},
        {"GET /hello" LINES "X-Request-Id: <a>\r\n\r\n", NULL},
        {"GET /hello" LINES "X-Request-Id:\r\n\r\n", NULL},
    };
    for (size_t i = 0; i < GS_COUNT(cases); i++) {
        struct rig_response response = rig_ask(*state, cases[i].request);
        const char *id = rig_header(&response, "X-Request-Id");
        if (cases[i].id)
            assert_string_equal(id, cases[i].id);
        else
            assert_true(gs_uuid_is_valid(gs_slice_str(id)));
    }
}

static void head_is_get_without_body(void **state)
{
    struct rig_response response;
    int fd = rig_dial(*state);
    assert_true(rig_send(fd, "HEAD /hello" LINES "\r\n"));
    assert_true(rig_read_to_head(fd, &response));
    assert_int_equal(response.status, 200);
    assert_string_equal(rig_header(&response, "Content-Length"), "5");
    assert_true(rig_send(fd, "HEAD /none" LINES "\r\n"
                             "HEAD /echo" LINES "\r\n"));
    assert_true(rig_read_to_head(fd, &response));
    assert_int_equal(response.status, 404);
    assert_true(rig_read_to_head(fd, &response));
    assert_int_equal(response.status, 405);
    // What follows is the next response and not the body of one of those.
    assert_true(rig_send(fd, GET("/hello")));
    assert_true(rig_read(fd, &response));
    assert_int_equal(response.status, 200);
    close(fd);
}

static void methods_are_listed(void **state)
{
    static const struct {
        const char *request;
        int status;
        const char *allow;
    } cases[] = {
        {"OPTIONS /hello" LINES "\r\n", 204, "DELETE, GET, HEAD, OPTIONS"},
        {"OPTIONS /echo" LINES "\r\n", 204, "POST, PUT, OPTIONS"},
        {"POST /hello" LINES "\r\n", 405, "DELETE, GET, HEAD, OPTIONS"},
        {"GET /echo" LINES "\r\n", 405, "POST, PUT, OPTIONS"},
        {"BREW /hello" LINES "\r\n", 405, "DELETE, GET, HEAD, OPTIONS"},
        {"TRACE /hello" LINES "\r\n", 405, "DELETE, GET, HEAD, OPTIONS"},
    };
    for (size_t i = 0; i < GS_COUNT(cases); i++) {
        struct rig_response response = rig_ask(*state, cases[i].request);
        assert_int_equal(response.status, cases[i].status);
        assert_string_equal(rig_header(&response, "Allow"), cases[i].allow);
    }
    expect_code(*state, "OPTIONS /none" LINES "\r\n", 404, "not_found");
    expect_code(*state, "POST /hello" LINES "\r\n", 405, "method_not_allowed");
    assert_int_equal(rig_counts(*state).admitted, 0);
}

static void bodies_arrive(void **state)
{
    expect(*state, "POST /echo" LINES JSON "Content-Length: 7\r\n\r\n{\"a\":1}", 200, "{\"a\":1}");
    expect(*state, "PUT /echo" LINES JSON "Content-Length: 2\r\n\r\n{}", 200, "{}");
    expect(*state,
           "POST /echo" LINES "Content-Type: Application/JSON; charset=utf-8\r\n"
           "Content-Length: 2\r\n\r\n{}",
           200, "{}");
    expect(*state, "POST /echo" LINES JSON CHUNKED "\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n", 200, "{}");
    expect(*state, "POST /echo" LINES JSON CHUNKED "\r\n0\r\n\r\n", 200, "");
}

static void empty_bodies_need_no_type(void **state)
{
    expect(*state, "POST /echo" LINES "\r\n", 200, "");
    expect(*state, "POST /echo" LINES "Content-Length: 0\r\n\r\n", 200, "");
    expect(*state, "PUT /echo" LINES JSON "Content-Length: 0\r\n\r\n", 200, "");
    expect(*state,
           "POST /echo" LINES "Content-Type: application/x-www-form-urlencoded\r\n"
           "Content-Length: 0\r\n\r\n",
           200, "");
    expect(*state, "DELETE /hello" LINES "Content-Length: 0\r\n\r\n", 204, "");
}

static void other_types_are_refused(void **state)
{
#define BODY "Content-Length: 2\r\n\r\n{}"
    expect_code(*state, "POST /echo" LINES BODY, 415, "unsupported_media_type");
    expect_code(*state,
                "POST /echo" LINES "Content-Type: application/x-www-form-urlencoded\r\n" BODY, 415,
                "unsupported_media_type");
    expect_code(*state, "POST /echo" LINES "Content-Type: application/json5\r\n" BODY, 415, "");
    expect_code(*state, "POST /echo" LINES "Content-Type: text/json\r\n" BODY, 415, "");
    expect_code(*state, "POST /echo" LINES JSON "Content-Encoding: gzip\r\n" BODY, 415, "");
    expect(*state, "POST /echo" LINES JSON "Content-Encoding: identity\r\n" BODY, 200, "{}");
    expect_code(*state, "POST /echo" LINES CHUNKED "\r\n2\r\n{}\r\n0\r\n\r\n", 415, "");
    expect_code(*state, "GET /hello" LINES JSON BODY, 400, "takes no body");
    expect_code(*state, "DELETE /hello" LINES JSON BODY, 400, "invalid_request");
    expect_code(*state, "GET /hello" LINES CHUNKED "\r\n0\r\n\r\n", 400, "invalid_request");
}

// Malformed, then route, then admission, then the body.
static void requests_are_judged_in_order(void **state)
{
#define HUGE_BODY "Content-Length: 99999999\r\n\r\n"
    struct rig *rig = *state;
    expect(rig, "POST /denied?%00" LINES HUGE_BODY, 400, NULL);
    expect(rig, "POST /none" LINES HUGE_BODY, 404, NULL);
    expect(rig, "PUT /denied" LINES HUGE_BODY, 405, NULL);
    assert_int_equal(rig_counts(rig).admitted, 0);
    expect_code(rig, "POST /denied" LINES HUGE_BODY, 403, "unauthorized");
    expect_code(rig, "POST /denied" LINES JSON BODY, 403, "unauthorized");
    expect(rig, GET("/denied"), 403, NULL);
    assert_int_equal(rig_counts(rig).admitted, 3);
    expect(rig, "POST /echo" LINES HUGE_BODY, 413, NULL);
    expect(rig, "POST /echo" LINES BODY, 415, NULL);
    assert_int_equal(rig_counts(rig).handled, 0);
    // Of each exchange the owner is told once that it failed and once that it is over.
    assert_true(rig_wait_done(rig, 8));
    assert_int_equal(rig_counts(rig).failed, 8);
    assert_int_equal(rig_counts(rig).done, 8);
}

static void connections_are_kept(void **state)
{
    struct rig_response response;
    static const char *const requests[] = {GET("/hello"),
                                           GET("/none"),
                                           GET("/denied"),
                                           "POST /echo" LINES JSON BODY,
                                           "OPTIONS /hello" LINES "\r\n",
                                           GET("/hello")};
    int fd = rig_dial(*state);
    for (size_t i = 0; i < GS_COUNT(requests); i++) {
        assert_true(rig_send(fd, requests[i]));
        assert_true(rig_read(fd, &response));
        assert_null(rig_header(&response, "Connection"));
    }
    assert_true(rig_send(fd, "GET /hello" LINES "Connection: close\r\n\r\n"));
    assert_true(rig_read(fd, &response));
    assert_string_equal(rig_header(&response, "Connection"), "close");
    assert_true(rig_is_closed(fd));
    close(fd);
}

static void old_clients_are_served(void **state)
{
    struct rig_response response;
    int fd = rig_dial(*state);
    assert_true(rig_send(fd, "GET /hello HTTP/1.0\r\n\r\n"));
    assert_true(rig_read(fd, &response));
    assert_string_equal(response.body, "hello");
    assert_true(rig_is_closed(fd));
    close(fd);
}

static void pipelines_are_answered_in_order(void **state)
{
    struct rig_response response;
    int fd = rig_dial(*state);
    assert_true(rig_send(fd, GET("/apps/1") "POST /echo" LINES JSON BODY GET("/none") GET("/hello")
                                 GET("/apps/2")));
    static const int statuses[] = {200, 200, 404, 200, 200};
    for (size_t i = 0; i < GS_COUNT(statuses); i++) {
        assert_true(rig_read(fd, &response));
        assert_int_equal(response.status, statuses[i]);
    }
    assert_true(gs_slice_starts(gs_slice_str(response.body), "app=2"));
    close(fd);
}

static void requests_may_come_in_pieces(void **state)
{
    static const char request[] = "POST /echo" LINES JSON "Content-Length: 7\r\n\r\n{\"a\":1}";
    struct rig_response response;
    int fd = rig_dial(*state);
    for (size_t i = 0; i + 1 < sizeof request; i++)
        assert_true(rig_send_bytes(fd, request + i, 1));
    assert_true(rig_read(fd, &response));
    assert_string_equal(response.body, "{\"a\":1}");
    close(fd);
}

static void half_closed_clients_get_their_answer(void **state)
{
    static const char *const requests[] = {GET("/hello"), GET("/none") GET("/none") GET("/hello"),
                                           "POST /echo" LINES JSON
                                           "Content-Length: 5\r\n\r\nhello"};
    for (size_t i = 0; i < GS_COUNT(requests); i++) {
        struct rig_response response = {0};
        int fd = rig_dial(*state);
        assert_true(rig_send(fd, requests[i]));
        shutdown(fd, SHUT_WR);
        while (response.status != 200)
            assert_true(rig_read(fd, &response));
        assert_string_equal(response.body, "hello");
        assert_true(rig_is_closed(fd));
        close(fd);
    }
}

static void clients_that_break_off_are_forgotten(void **state)
{
    static const char *const requests[] = {"", "GET /hel", "GET /hello" LINES,
                                           "POST /echo" LINES JSON "Content-Length: 5\r\n\r\n",
                                           "POST /echo" LINES JSON "Content-Length: 5\r\n\r\nhe"};
    (void)state;
    struct gs_http_options options = rig_options();
    // Where libmicrohttpd does not notice, the deadline of the headers does.
    options.header_timeout_ms = 2000;
    struct rig *rig = rig_start(&options);
    for (size_t i = 0; i < GS_COUNT(requests); i++) {
        int fd = rig_dial(rig);
        assert_true(rig_send(fd, requests[i]));
        assert_true(rig_wait_connections(rig, 1));
        close(fd);
        assert_true(rig_wait_connections(rig, 0));
    }
    assert_int_equal(rig_counts(rig).handled, 0);
    assert_int_equal(rig_counts(rig).done, 2);
    rig_stop(rig);
}

static void continue_comes_after_admission(void **state)
{
    struct rig_response response;
    int fd = rig_dial(*state);
    assert_true(
        rig_send(fd, "POST /echo" LINES JSON "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n"));
    assert_true(rig_read(fd, &response));
    assert_int_equal(response.status, 100);
    assert_true(rig_send(fd, "{}"));
    assert_true(rig_read(fd, &response));
    assert_int_equal(response.status, 200);
    assert_string_equal(response.body, "{}");
    close(fd);
    expect(*state, "POST /denied" LINES "Expect: 100-continue\r\n" JSON BODY, 403, NULL);
    expect(*state, "POST /echo" LINES "Expect: 100-continue\r\n" HUGE_BODY, 413, NULL);
}

static void large_answers_are_sent_whole(void **state)
{
    struct rig_response response;
    int fd = rig_dial_narrow(*state);
    assert_true(rig_send(fd, GET("/big?bytes=5000000") GET("/hello")));
    assert_true(rig_read(fd, &response));
    assert_int_equal(response.body_len, 5000000);
    assert_true(rig_read(fd, &response));
    assert_string_equal(response.body, "hello");
    close(fd);
}

static void exchanges_are_counted(void **state)
{
    struct gs_http_counts counts;
    int fd = rig_dial(*state);
    struct rig_response response;
    assert_true(rig_send(fd, GET("/hello") GET("/none")));
    assert_true(rig_read(fd, &response));
    assert_true(rig_read(fd, &response));
    assert_true(rig_wait_done(*state, 2));
    gs_http_counts(rig_server(*state), &counts);
    assert_int_equal(counts.requests, 2);
    assert_int_equal(counts.connections, 1);
    close(fd);
    assert_true(rig_wait_connections(*state, 0));
    assert_int_equal(rig_counts(*state).last_status, 404);
}

static void names_are_bound_on_all_their_addresses(void **state)
{
    (void)state;
    static const char *const listens[] = {"localhost:0", ":0", "[::1]:0"};
    for (size_t i = 0; i < GS_COUNT(listens); i++) {
        struct gs_http_options options = rig_options();
        options.listen = listens[i];
        struct rig *rig = rig_start(&options);
        assert_int_equal(rig_status(rig, GET("/hello")), 200);
        rig_stop(rig);
    }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(routes_are_served),
        TEST(query_members_are_decoded),
        TEST(requests_can_be_described),
        TEST(responses_have_their_headers),
        TEST(request_ids_are_kept_when_sane),
        TEST(head_is_get_without_body),
        TEST(methods_are_listed),
        TEST(bodies_arrive),
        TEST(empty_bodies_need_no_type),
        TEST(other_types_are_refused),
        TEST(requests_are_judged_in_order),
        TEST(connections_are_kept),
        TEST(old_clients_are_served),
        TEST(pipelines_are_answered_in_order),
        TEST(requests_may_come_in_pieces),
        TEST(half_closed_clients_get_their_answer),
        cmocka_unit_test(clients_that_break_off_are_forgotten),
        TEST(continue_comes_after_admission),
        TEST(large_answers_are_sent_whole),
        TEST(exchanges_are_counted),
        cmocka_unit_test(names_are_bound_on_all_their_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
