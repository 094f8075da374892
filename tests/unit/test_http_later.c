// Answers that come later from other threads, clients that do not wait for them, and stopping with
// all of that in flight.
// SPDX-License-Identifier: Apache-2.0
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "http_rig.h"

#define LINES " HTTP/1.1\r\nHost: x\r\n"
#define GET(path) "GET " path LINES "\r\n"
#define JSON "Content-Type: application/json\r\n"

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

static int64_t soon(void)
{
    return gs_clock_mono_ms() + 50;
}

static int64_t patiently(void)
{
    return gs_clock_mono_ms() + RIG_PATIENCE_MS;
}

static void expect_body(int fd, const char *body)
{
    struct rig_response response;
    assert_true(rig_read(fd, &response));
    assert_int_equal(response.status, 200);
    assert_string_equal(response.body, body);
}

// ---- Later ----------------------------------------------------------------------------------

static void answers_may_come_from_another_thread(void **state)
{
    int fd = rig_dial(*state);
    for (unsigned i = 0; i < 3; i++) {
        assert_true(rig_send(fd, "POST /later" LINES JSON "Content-Length: 2\r\n\r\n{}"));
        assert_true(rig_wait_held(*state, 1));
        rig_release_one(*state);
        expect_body(fd, "{}");
    }
    close(fd);
}

// More than there are threads, so that a waiting request must not occupy one.
static void many_may_wait(void **state)
{
    enum { COUNT = 100 };
    struct gs_http_counts counts;
    int fds[COUNT];
    for (int i = 0; i < COUNT; i++) {
        fds[i] = rig_dial(*state);
        assert_true(rig_send(fds[i], GET("/later")));
    }
    assert_true(rig_wait_held(*state, COUNT));
    gs_http_counts(rig_server(*state), &counts);
    assert_int_equal(counts.in_flight, COUNT);
    assert_int_equal(rig_status(*state, GET("/hello")), 200);
    for (int i = 0; i < COUNT; i++)
        rig_release_one(*state);
    for (int i = 0; i < COUNT; i++) {
        expect_body(fds[i], "hello");
        close(fds[i]);
    }
}

static void *release_at_once(void *arg)
{
    struct rig *rig = arg;
    for (int i = 0; i < 300; i++) {
        if (!rig_wait_held(rig, 1))
            return NULL;
        rig_release_one(rig);
    }
    return rig;
}

static void answers_may_overtake_the_handler(void **state)
{
    pthread_t thread;
    void *result;
    assert_int_equal(pthread_create(&thread, NULL, release_at_once, *state), 0);
    int fds[3] = {rig_dial(*state), rig_dial(*state), rig_dial(*state)};
    for (int i = 0; i < 100; i++) {
        for (size_t k = 0; k < GS_COUNT(fds); k++)
            assert_true(rig_send(fds[k], GET("/later")));
        for (size_t k = 0; k < GS_COUNT(fds); k++)
            expect_body(fds[k], "hello");
    }
    for (size_t k = 0; k < GS_COUNT(fds); k++)
        close(fds[k]);
    pthread_join(thread, &result);
    assert_non_null(result);
}

static void pipelines_wait_for_their_first(void **state)
{
    int fd = rig_dial(*state);
    assert_true(rig_send(fd, GET("/later") GET("/apps/special") GET("/later")));
    assert_true(rig_wait_held(*state, 1));
    rig_release_one(*state);
    expect_body(fd, "hello");
    expect_body(fd, "hello");
    assert_true(rig_wait_held(*state, 1));
    rig_release_one(*state);
    expect_body(fd, "hello");
    close(fd);
}

static void half_closed_clients_are_answered(void **state)
{
    int fd = rig_dial(*state);
    assert_true(rig_send(fd, GET("/later")));
    shutdown(fd, SHUT_WR);
    assert_true(rig_wait_held(*state, 1));
    rig_release_one(*state);
    expect_body(fd, "hello");
    assert_true(rig_is_closed(fd));
    close(fd);
}

static void clients_may_leave_before_the_answer(void **state)
{
    for (unsigned i = 0; i < 4; i++) {
        int fd = rig_dial(*state);
        assert_true(rig_send(fd, "POST /later" LINES JSON "Content-Length: 2\r\n\r\n{}"));
        assert_true(rig_wait_held(*state, 1));
        if (i % 2)
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1},
                       sizeof(struct linger));
        close(fd);
        rig_release_one(*state);
        assert_true(rig_wait_done(*state, i + 1));
    }
    assert_true(rig_wait_connections(*state, 0));
    assert_true(gs_http_drain(rig_server(*state), patiently()));
}

static void waiting_is_not_timed(void **state)
{
    (void)state;
    struct gs_http_options options = rig_options();
    options.header_timeout_ms = options.body_timeout_ms = options.idle_timeout_ms = 1000;
    struct rig *rig = rig_start(&options);
    int fd = rig_dial(rig);
    assert_true(rig_send(fd, GET("/later")));
    assert_true(rig_wait_held(rig, 1));
    // Long enough for every deadline, libmicrohttpd's full second included.
    gs_clock_sleep_ms(2500);
    rig_release_one(rig);
    expect_body(fd, "hello");
    close(fd);
    rig_stop(rig);
}

// ---- Stopping -------------------------------------------------------------------------------

static void quiescing_finishes_what_is_in_flight(void **state)
{
    struct gs_http_server *server = rig_server(*state);
    struct rig_response response;
    int waiting = rig_dial(*state), kept = rig_dial(*state);
    assert_true(rig_send(waiting, GET("/later")));
    assert_true(rig_wait_held(*state, 1));
    assert_true(rig_send(kept, GET("/hello")));
    expect_body(kept, "hello");

    gs_http_quiesce(server);
    gs_http_quiesce(server);
    assert_int_equal(rig_dial(*state), -1);
    assert_true(rig_send(kept, GET("/hello")));
    assert_true(rig_read(kept, &response));
    assert_int_equal(response.status, 503);
    assert_non_null(strstr(response.body, "\"shutting_down\""));
    assert_string_equal(rig_header(&response, "Connection"), "close");
    assert_true(rig_is_closed(kept));
    close(kept);
    assert_true(rig_wait_done(*state, 2));

    assert_false(gs_http_drain(server, soon()));
    rig_release_one(*state);
    assert_true(gs_http_drain(server, patiently()));
    assert_true(rig_read(waiting, &response));
    assert_int_equal(response.status, 200);
    assert_string_equal(rig_header(&response, "Connection"), "close");
    assert_true(rig_is_closed(waiting));
    close(waiting);
}

static void *drain(void *arg)
{
    return gs_http_drain(rig_server(arg), patiently()) ? arg : NULL;
}

static void draining_wakes_up(void **state)
{
    pthread_t thread;
    void *result;
    int fd = rig_dial(*state);
    assert_true(rig_send(fd, GET("/later")));
    assert_true(rig_wait_held(*state, 1));
    assert_int_equal(pthread_create(&thread, NULL, drain, *state), 0);
    rig_release_one(*state);
    pthread_join(thread, &result);
    assert_non_null(result);
    expect_body(fd, "hello");
    close(fd);
}

static void idle_servers_are_drained(void **state)
{
    int fd = rig_dial(*state);
    assert_true(rig_wait_connections(*state, 1));
    assert_true(gs_http_drain(rig_server(*state), soon()));
    close(fd);
}

// An answer that was given, but has not left when the server is torn down.
static void freeing_ends_connections(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        struct gs_http_options options = rig_options();
        struct rig *rig = rig_start(&options);
        int idle = rig_dial(rig), half = rig_dial(rig), waiting = rig_dial(rig);
        assert_true(rig_send(idle, GET("/hello")));
        expect_body(idle, "hello");
        assert_true(rig_send(half, "POST /echo" LINES JSON "Content-Length: 2\r\n\r\n{"));
        assert_true(rig_send(waiting, GET("/later")));
        assert_true(rig_wait_held(rig, 1));
        rig_stop(rig); // replies, and frees at once
        assert_true(rig_is_closed(idle));
        assert_true(rig_is_closed(half));
        assert_true(rig_is_closed(waiting));
        close(idle);
        close(half);
        close(waiting);
    }
}

// ---- Many at once ---------------------------------------------------------------------------

struct crowd {
    struct rig *rig;
    atomic_bool stop;
    atomic_int answered;
};

static void *ask_on_and_on(void *arg)
{
    struct crowd *crowd = arg;
    while (!atomic_load(&crowd->stop)) {
        struct rig_response response;
        int fd = rig_dial(crowd->rig);
        if (fd < 0)
            break;
        if (rig_send(fd, GET("/hello") "POST /echo" LINES JSON "Content-Length: 2\r\n\r\n{}") &&
            rig_read(fd, &response) && rig_read(fd, &response))
            atomic_fetch_add(&crowd->answered, 1);
        close(fd);
    }
    return NULL;
}

static void stopping_under_load_is_clean(void **state)
{
    (void)state;
    for (int round = 0; round < 5; round++) {
        struct gs_http_options options = rig_options();
        struct crowd crowd = {.rig = rig_start(&options)};
        pthread_t threads[4];
        for (size_t i = 0; i < GS_COUNT(threads); i++)
            assert_int_equal(pthread_create(&threads[i], NULL, ask_on_and_on, &crowd), 0);
        assert_true(rig_wait_done(crowd.rig, 50));
        gs_http_quiesce(rig_server(crowd.rig));
        for (size_t i = 0; i < GS_COUNT(threads); i++)
            pthread_join(threads[i], NULL);
        assert_true(gs_http_drain(rig_server(crowd.rig), patiently()));
        rig_stop(crowd.rig);
        assert_true(atomic_load(&crowd.answered) > 0);
    }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(answers_may_come_from_another_thread),
        TEST(many_may_wait),
        TEST(answers_may_overtake_the_handler),
        TEST(pipelines_wait_for_their_first),
        TEST(half_closed_clients_are_answered),
        TEST(clients_may_leave_before_the_answer),
        cmocka_unit_test(waiting_is_not_timed),
        TEST(quiescing_finishes_what_is_in_flight),
        TEST(draining_wakes_up),
        TEST(idle_servers_are_drained),
        cmocka_unit_test(freeing_ends_connections),
        cmocka_unit_test(stopping_under_load_is_clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
