// The HTTP client against hosts that misbehave: every failure ends in time, with the right code and
// a message that helps.
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <netdb.h>
#include <netinet/in.h>
#include <unistd.h>

#include "base/clock.h"
#include "loopback.h"
#include "net/net_internal.h"

static char url[512];

// Stands in front of the system's resolver, also for libcurl: names of our own that resolve to
// loopback, or after a long time to nothing.
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **list)
{
    int (*system_one)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    *(void **)&system_one = dlsym(RTLD_NEXT, "getaddrinfo");
    if (node && strcmp(node, "inside.example") == 0)
        return system_one("127.0.0.1", service, hints, list);
    if (!node || strcmp(node, "hanging.example") != 0)
        return system_one(node, service, hints, list);
    gs_clock_sleep_ms(6000);
    return EAI_AGAIN;
}

static int clear_environment(void **state)
{
    (void)state;
    unsetenv("http_proxy");
    unsetenv("https_proxy");
    unsetenv("HTTPS_PROXY");
    unsetenv("all_proxy");
    unsetenv("ALL_PROXY");
    return 0;
}

static struct gs_net *new_net_within(bool allow_loopback, int64_t connect_timeout_ms)
{
    struct gs_net_options options = {.allow_loopback = allow_loopback,
                                     .user_agent = "t",
                                     .connect_timeout_ms = connect_timeout_ms,
                                     .max_idle = 4};
    struct gs_net *net = NULL;
    struct gs_error err = GS_ERROR_INIT;
    assert_int_equal(gs_net_new(&options, &net, &err), GS_OK);
    return net;
}

static struct gs_net *new_net(bool allow_loopback)
{
    return new_net_within(allow_loopback, 5000);
}

// Performs with the given client and expects the code; err has the message.
static void expect_failure_with(struct gs_net *net, const struct gs_net_request *request,
                                enum gs_code code, struct gs_error *err)
{
    struct gs_net_response response = {.status = -1};
    enum gs_status status = gs_net_perform(net, request, &response, err);
    if (err->code != code)
        fail_msg("%s instead of %s: %s", gs_code_text(err->code), gs_code_text(code), err->message);
    assert_int_equal(status, gs_code_status(code));
    assert_int_equal(response.status, -1);
    assert_null(strstr(err->message, "hunter2"));
}

static struct gs_net_request request_for(const char *address)
{
    snprintf(url, sizeof url, "%s", address);
    return (struct gs_net_request){.method = "GET",
                                   .url = url,
                                   .bearer = "hunter2",
                                   .deadline_ms = gs_clock_mono_ms() + 5000,
                                   .max_response = 1000};
}

static struct gs_net_request request_to(const struct loopback *server, const char *scheme)
{
    char address[128];
    snprintf(address, sizeof address, "%s://127.0.0.1:%d/?t=hunter2", scheme,
             loopback_port(server));
    return request_for(address);
}

// The code and message of a GET to a server that runs serve, with the given time.
static void expect_failure(loopback_serve *serve, const char *arg, int64_t time_ms,
                           enum gs_code code, struct gs_error *err)
{
    struct gs_net *net = new_net(true);
    struct loopback *server = loopback_start(serve, arg);
    struct gs_net_request request = request_to(server, "http");
    request.deadline_ms = gs_clock_mono_ms() + time_ms;
    expect_failure_with(net, &request, code, err);
    gs_net_free(net);
    loopback_stop(server);
}

static void recite(struct loopback_conn *conn)
{
    struct gs_buf head;
    gs_buf_init(&head, 65536);
    if (loopback_read_head(conn, &head))
        loopback_send(conn, conn->arg);
    gs_buf_release(&head);
}

static void recite_and_wait(struct loopback_conn *conn)
{
    recite(conn);
    loopback_wait_closed(conn);
}

static void recite_and_reset(struct loopback_conn *conn)
{
    recite(conn);
    loopback_reset_on_close(conn);
}

static void drip(struct loopback_conn *conn)
{
    if (!loopback_send(conn, "HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n"))
        return;
    while (loopback_send(conn, "."))
        gs_clock_sleep_ms(20);
}

static void send_headers_forever(struct loopback_conn *conn)
{
    loopback_send(conn, "HTTP/1.1 200 OK\r\n");
    while (loopback_send(conn, "X-Filler: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n"))
        continue;
}

static void silent_host_ends_at_the_deadline(void **state)
{
    struct gs_error err = GS_ERROR_INIT;
    (void)state;
    int64_t start = gs_clock_mono_ms();
    expect_failure(recite_and_wait, "", 400, GS_CODE_HOST_TIMEOUT, &err);
    assert_in_range(gs_clock_mono_ms() - start, 390, 4000);
    assert_non_null(strstr(err.message, "did not answer within "));
}

static void dripping_host_ends_at_the_deadline(void **state)
{
    struct gs_error err = GS_ERROR_INIT;
    (void)state;
    int64_t start = gs_clock_mono_ms();
    expect_failure(drip, NULL, 400, GS_CODE_HOST_TIMEOUT, &err);
    assert_in_range(gs_clock_mono_ms() - start, 390, 4000);
    assert_non_null(strstr(err.message, "did not finish its answer within"));
}

static void passed_deadline_opens_no_connection(void **state)
{
    struct gs_error err = GS_ERROR_INIT;
    (void)state;
    struct gs_net *net = new_net(true);
    struct loopback *server = loopback_start(recite, "");
    struct gs_net_request request = request_to(server, "http");
    request.deadline_ms = gs_clock_mono_ms() - 1;
    expect_failure_with(net, &request, GS_CODE_HOST_TIMEOUT, &err);
    assert_int_equal(loopback_accepts(server), 0);
    gs_net_free(net);
    loopback_stop(server);
}

static void connection_refused(void **state)
{
    char expected[128];
    struct gs_error err = GS_ERROR_INIT;
    (void)state;
    struct gs_net *net = new_net(true);
    struct loopback *server = loopback_start(recite, "");
    struct gs_net_request request = request_to(server, "http");
    snprintf(expected, sizeof expected, "cannot reach 127.0.0.1:%d: connection refused",
             loopback_port(server));
    loopback_stop(server);
    expect_failure_with(net, &request, GS_CODE_HOST_UNREACHABLE, &err);
    assert_string_equal(err.message, expected);
    gs_net_free(net);
}

// A label of 64 bytes fails without asking any name server.
static void name_that_does_not_resolve(void **state)
{
    char address[128];
    struct gs_error err = GS_ERROR_INIT;
    (void)state;
    struct gs_net *net = new_net(true);
    snprintf(address, sizeof address, "http://%064d.example/?t=hunter2", 0);
    struct gs_net_request request = request_for(address);
    expect_failure_with(net, &request, GS_CODE_HOST_UNREACHABLE, &err);
    assert_non_null(strstr(err.message, ".example:80: its name does not resolve"));
    gs_net_free(net);
}

static void reset_before_the_answer(void **state)
{
    struct gs_error err = GS_ERROR_INIT;
    (void)state;
    expect_failure(recite_and_reset, "", 5000, GS_CODE_HOST_UNREACHABLE, &err);
    assert_non_null(strstr(err.message, "cannot reach 127.0.0.1:"));
    assert_non_null(strstr(err.message, "connection reset by peer"));
}

static void close_before_the_answer(void **state)
{
    struct gs_error err = GS_ERROR_INIT;
    (void)state;
    expect_failure(recite, "", 5000, GS_CODE_HOST_UNREACHABLE, &err);
    assert_non_null(strstr(err.message, "closed without an answer"));
}

static void truncated_bodies(void **state)
{
    struct gs_error err = GS_ERROR_INIT;
    (void)state;
    expect_failure(recite, "HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\nhalf", 5000,
                   GS_CODE_HOST_UNREACHABLE, &err);
    assert_non_null(strstr(err.message, "in the middle of the answer"));
    expect_failure(recite, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", 5000,
                   GS_CODE_HOST_UNREACHABLE, &err);
    expect_failure(recite_and_reset, "HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\nhalf", 5000,
                   GS_CODE_HOST_UNREACHABLE, &err);
}

static void too_large_bodies(void **state)
{
    char chunked[2048];
    struct gs_error err = GS_ERROR_INIT;
    (void)state;
    int n = snprintf(chunked, sizeof chunked,
                     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n");
    memset(chunked + n, 'x', 1001);
    chunked[n + 1001] = 0;
    expect_failure(recite_and_wait, chunked, 5000, GS_CODE_TOO_LARGE, &err);
    assert_non_null(strstr(err.message, "larger than the limit of 1000 bytes"));
    // A length that says so is enough.
    expect_failure(recite_and_wait, "HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n", 5000,
                   GS_CODE_TOO_LARGE, &err);
}

static void endless_headers(void **state)
{
    struct gs_error err = GS_ERROR_INIT;
    (void)state;
    expect_failure(send_headers_forever, NULL, 5000, GS_CODE_HOST_FAILED, &err);
}

static void no_http(void **state)
{
    struct gs_error err = GS_ERROR_INIT;
    (void)state;
    expect_failure(recite, "SSH-2.0-OpenSSH_9.2\r\nhello\r\n\r\n", 5000, GS_CODE_HOST_FAILED, &err);
    assert_non_null(strstr(err.message, "does not answer in HTTP"));
}

static void untrusted_certificate(void **state)
{
    char path[] = "/tmp/gs-test-ca-XXXXXX";
    struct gs_error err = GS_ERROR_INIT;
    (void)state;
    close(mkstemp(path));
    struct gs_net *net = new_net(true);
    struct loopback *server = loopback_start_tls(recite, "", path);
    struct gs_net_request request = request_to(server, "https");
    expect_failure_with(net, &request, GS_CODE_HOST_UNREACHABLE, &err);
    assert_non_null(strstr(err.message, "TLS: the certificate of 127.0.0.1:"));
    assert_non_null(strstr(err.message, "is not trusted (self-signed certificate); set ca_file "
                                        "(GITSYNC_CA_FILE) to your CA"));
    gs_net_free(net);
    loopback_stop(server);
    unlink(path);
}

static void certificate_for_another_name(void **state)
{
    char path[] = "/tmp/gs-test-ca-XXXXXX";
    struct gs_net *net = NULL;
    struct gs_error err = GS_ERROR_INIT;
    (void)state;
    close(mkstemp(path));
    struct loopback *server = loopback_start_tls(recite, "", path);
    struct gs_net_options options = {
        .ca_file = path, .allow_loopback = true, .user_agent = "t", .connect_timeout_ms = 5000};
    assert_int_equal(gs_net_new(&options, &net, &err), GS_OK);
    struct gs_net_request request = request_to(server, "https");
    snprintf(url, sizeof url, "https://localhost:%d/", loopback_port(server));
    expect_failure_with(net, &request, GS_CODE_HOST_UNREACHABLE, &err);
    assert_non_null(strstr(err.message, "was issued for another name"));
    gs_net_free(net);
    loopback_stop(server);
    unlink(path);
}

static void tls_to_a_plain_port(void **state)
{
    struct gs_error err = GS_ERROR_INIT;
    (void)state;
    struct gs_net *net = new_net(true);
    struct loopback *server = loopback_start(drip, NULL);
    struct gs_net_request request = request_to(server, "https");
    expect_failure_with(net, &request, GS_CODE_HOST_UNREACHABLE, &err);
    assert_non_null(strstr(err.message, "TLS: no secure connection to 127.0.0.1:"));
    assert_non_null(strstr(err.message, "(wrong version number)"));
    gs_net_free(net);
    loopback_stop(server);
}

static void silence_in_the_handshake(void **state)
{
    struct gs_error err = GS_ERROR_INIT;
    (void)state;
    struct gs_net *net = new_net_within(true, 300);
    struct loopback *server = loopback_start(loopback_wait_closed, NULL);
    struct gs_net_request request = request_to(server, "https");
    int64_t start = gs_clock_mono_ms();
    expect_failure_with(net, &request, GS_CODE_HOST_TIMEOUT, &err);
    assert_in_range(gs_clock_mono_ms() - start, 290, 4000);
    assert_non_null(strstr(err.message, "cannot connect to 127.0.0.1:"));
    gs_net_free(net);
    loopback_stop(server);
}

static void loopback_guard_by_literal(void **state)
{
    struct gs_error err = GS_ERROR_INIT;
    (void)state;
    struct gs_net *net = new_net(false);
    struct loopback *server = loopback_start(recite, "");
    struct gs_net_request request = request_to(server, "http");
    expect_failure_with(net, &request, GS_CODE_HOST_NOT_ALLOWED, &err);
    request = request_for("http://user@127.0.0.1/");
    expect_failure_with(net, &request, GS_CODE_INVALID_INPUT, &err);
    assert_int_equal(loopback_accepts(server), 0);
    gs_net_free(net);
    loopback_stop(server);
}

static void loopback_guard_by_name(void **state)
{
    struct gs_error err = GS_ERROR_INIT;
    (void)state;
    struct gs_net *net = new_net(false);
    struct gs_net *open = new_net(true);
    struct loopback *server = loopback_start(recite, "");
    char address[128];
    snprintf(address, sizeof address, "http://inside.example:%d/", loopback_port(server));
    assert_int_equal(gs_net_check_url(net, address, "/gitUrl", &err), GS_OK);
    struct gs_net_request request = request_for(address);
    expect_failure_with(net, &request, GS_CODE_HOST_NOT_ALLOWED, &err);
    assert_non_null(
        strstr(err.message, "inside.example leads to a loopback or link-local address"));
    assert_int_equal(loopback_accepts(server), 0);
    expect_failure_with(open, &request, GS_CODE_HOST_UNREACHABLE, &err);
    assert_int_equal(loopback_accepts(server), 1);
    gs_net_free(net);
    gs_net_free(open);
    loopback_stop(server);
}

// The resolver cannot be told to stop, but nobody has to wait for it.
static void hanging_look_up_ends_at_the_deadline(void **state)
{
    struct gs_error err = GS_ERROR_INIT;
    (void)state;
    struct gs_net *net = new_net_within(true, 300);
    struct gs_net_request request = request_for("http://hanging.example/");
    int64_t start = gs_clock_mono_ms();
    expect_failure_with(net, &request, GS_CODE_HOST_TIMEOUT, &err);
    assert_in_range(gs_clock_mono_ms() - start, 290, 4000);
    assert_non_null(strstr(err.message, "cannot connect to hanging.example:80 within"));
    gs_net_free(net);
}

static void set_proxy(const struct loopback *server)
{
    char proxy[64];
    snprintf(proxy, sizeof proxy, "http://me:hunter2@127.0.0.1:%d", loopback_port(server));
    setenv("http_proxy", proxy, 1);
    setenv("https_proxy", proxy, 1);
}

static void proxy_on_loopback_is_used(void **state)
{
    struct gs_net_response response;
    struct gs_error err = GS_ERROR_INIT;
    (void)state;
    struct loopback *server =
        loopback_start(recite, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    set_proxy(server);
    struct gs_net *net = new_net(false);
    struct gs_net_request request = request_for("http://git.example.com/x");
    if (gs_net_perform(net, &request, &response, &err) != GS_OK)
        fail_msg("%s", err.message);
    assert_string_equal(response.body.data, "ok");
    assert_int_equal(loopback_accepts(server), 1);
    gs_net_response_release(&response);
    gs_net_free(net);
    loopback_stop(server);
}

static void proxy_does_not_open_the_guard(void **state)
{
    struct gs_error err = GS_ERROR_INIT;
    (void)state;
    struct loopback *server =
        loopback_start(recite, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    set_proxy(server);
    struct gs_net *net = new_net(false);
    struct gs_net_request request = request_to(server, "http");
    expect_failure_with(net, &request, GS_CODE_HOST_NOT_ALLOWED, &err);
    request = request_for("http://169.254.169.254/latest/meta-data");
    expect_failure_with(net, &request, GS_CODE_HOST_NOT_ALLOWED, &err);
    assert_int_equal(loopback_accepts(server), 0);
    gs_net_free(net);
    loopback_stop(server);
}

static void proxy_that_refuses(void **state)
{
    struct gs_error err = GS_ERROR_INIT;
    (void)state;
    struct loopback *server = loopback_start(
        recite,
        "HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=x\r\nContent-Length: 0\r\n\r\n");
    set_proxy(server);
    struct gs_net *net = new_net(false);
    struct gs_net_request request = request_for("https://git.example.com/x");
    expect_failure_with(net, &request, GS_CODE_HOST_UNREACHABLE, &err);
    assert_non_null(strstr(err.message, "the proxy 127.0.0.1:"));
    assert_non_null(
        strstr(err.message, "refused the connection to git.example.com:443 (status 407"));
    request = request_for("http://git.example.com/x");
    expect_failure_with(net, &request, GS_CODE_HOST_UNREACHABLE, &err);
    assert_non_null(strstr(err.message, "refused the request to git.example.com:80"));
    gs_net_free(net);
    loopback_stop(server);
}

static void proxy_that_is_down(void **state)
{
    struct gs_error err = GS_ERROR_INIT;
    (void)state;
    struct loopback *server = loopback_start(recite, "");
    set_proxy(server);
    loopback_stop(server);
    struct gs_net *net = new_net(false);
    struct gs_net_request request = request_for("https://git.example.com/x");
    expect_failure_with(net, &request, GS_CODE_HOST_UNREACHABLE, &err);
    assert_non_null(strstr(err.message, "git.example.com:443 (through the proxy 127.0.0.1:"));
    assert_non_null(strstr(err.message, "connection refused"));
    gs_net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(silent_host_ends_at_the_deadline, clear_environment),
        cmocka_unit_test_setup(dripping_host_ends_at_the_deadline, clear_environment),
        cmocka_unit_test_setup(passed_deadline_opens_no_connection, clear_environment),
        cmocka_unit_test_setup(connection_refused, clear_environment),
        cmocka_unit_test_setup(name_that_does_not_resolve, clear_environment),
        cmocka_unit_test_setup(reset_before_the_answer, clear_environment),
        cmocka_unit_test_setup(close_before_the_answer, clear_environment),
        cmocka_unit_test_setup(truncated_bodies, clear_environment),
        cmocka_unit_test_setup(too_large_bodies, clear_environment),
        cmocka_unit_test_setup(endless_headers, clear_environment),
        cmocka_unit_test_setup(no_http, clear_environment),
        cmocka_unit_test_setup(untrusted_certificate, clear_environment),
        cmocka_unit_test_setup(certificate_for_another_name, clear_environment),
        cmocka_unit_test_setup(tls_to_a_plain_port, clear_environment),
        cmocka_unit_test_setup(silence_in_the_handshake, clear_environment),
        cmocka_unit_test_setup(loopback_guard_by_literal, clear_environment),
        cmocka_unit_test_setup(loopback_guard_by_name, clear_environment),
        cmocka_unit_test_setup(hanging_look_up_ends_at_the_deadline, clear_environment),
        cmocka_unit_test_setup(proxy_on_loopback_is_used, clear_environment),
        cmocka_unit_test_setup(proxy_does_not_open_the_guard, clear_environment),
        cmocka_unit_test_setup(proxy_that_refuses, clear_environment),
        cmocka_unit_test_setup(proxy_that_is_down, clear_environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
