// Responses that go on: what is written arrives, in pieces, and nobody waits for a client that has gone or does not read.
// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "http_rig.h"

enum { LIMIT = 1 << 20 };

#define LATER "GET /later HTTP/1.1\r\nHost: a\r\n\r\n"

static int set_up(void **state)
{
    struct gs_http_options options = rig_options();
    *state = rig_start(&options);
    return 0;
}

static int tear_down(void **state)
{
    rig_stop(*state);
    return 0;
}

static int64_t patiently(void)
{
    return gs_clock_mono_ms() + RIG_PATIENCE_MS;
}

static struct gs_http_stream *begin(struct rig *rig, int fd, size_t limit)
{
    assert_true(rig_send(fd, LATER));
    assert_true(rig_wait_held(rig, 1));
    return gs_http_stream_begin(rig_take_one(rig), 200, "text/event-stream", limit);
}

static bool write_text(struct gs_http_stream *stream, const char *text)
{
    return gs_http_stream_write(stream, gs_slice_str(text));
}

// Reads until the text has come.
static void expect_text(int fd, const char *text)
{
    char bytes[65536];
    size_t n = 0;
    while (n < sizeof bytes - 1) {
        ssize_t got = recv(fd, bytes + n, 1, 0);
        if (got <= 0)
            break;
        bytes[++n] = 0;
        if (strstr(bytes, text))
            return;
    }
    bytes[n] = 0;
    fail_msg("\"%s\" did not come: %s", text, bytes);
}

static void pieces_arrive_as_they_are_written(void **state)
{
    int fd = rig_dial(*state);
    struct gs_http_stream *stream = begin(*state, fd, LIMIT);
    expect_text(fd, "HTTP/1.1 200");
    expect_text(fd, "Content-Type: text/event-stream");
    expect_text(fd, "\r\n\r\n");
    assert_true(write_text(stream, "first"));
    expect_text(fd, "first");
    assert_true(write_text(stream, "second"));
    assert_true(write_text(stream, "third"));
    expect_text(fd, "third");
    gs_http_stream_end(stream);
    expect_text(fd, "\r\n0\r\n\r\n");
    // The connection goes on.
    assert_true(rig_send(fd, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"));
    expect_text(fd, "hello");
    close(fd);
}

static void what_was_written_before_the_end_arrives(void **state)
{
    int fd = rig_dial(*state);
    struct gs_http_stream *stream = begin(*state, fd, LIMIT);
    assert_true(write_text(stream, "all at once"));
    gs_http_stream_end(stream);
    expect_text(fd, "all at once");
    expect_text(fd, "\r\n0\r\n\r\n");
    assert_true(rig_wait_done(*state, 1));
    close(fd);
}

static void clients_without_chunks_get_it_until_the_close(void **state)
{
    int fd = rig_dial(*state);
    assert_true(rig_send(fd, "GET /later HTTP/1.0\r\nHost: a\r\n\r\n"));
    assert_true(rig_wait_held(*state, 1));
    struct gs_http_stream *stream =
        gs_http_stream_begin(rig_take_one(*state), 200, "text/plain", LIMIT);
    assert_true(write_text(stream, "plain"));
    expect_text(fd, "plain");
    gs_http_stream_end(stream);
    assert_true(rig_is_closed(fd));
    close(fd);
}

static void heads_have_no_body(void **state)
{
    struct rig_response response;
    int fd = rig_dial(*state);
    assert_true(rig_send(fd, "HEAD /later HTTP/1.1\r\nHost: a\r\n\r\n"));
    assert_true(rig_wait_held(*state, 1));
    struct gs_http_stream *stream =
        gs_http_stream_begin(rig_take_one(*state), 200, "text/plain", LIMIT);
    assert_true(rig_read_to_head(fd, &response));
    assert_int_equal(response.status, 200);
    assert_true(rig_wait_done(*state, 1));
    assert_false(write_text(stream, "nobody reads this"));
    gs_http_stream_end(stream);
    close(fd);
}

static void a_client_that_has_gone_is_noticed(void **state)
{
    int fd = rig_dial(*state);
    struct gs_http_stream *stream = begin(*state, fd, LIMIT);
    assert_true(write_text(stream, "first"));
    expect_text(fd, "first");
    close(fd);
    int64_t deadline_ms = patiently();
    while (write_text(stream, "more") && gs_clock_mono_ms() < deadline_ms)
        gs_clock_sleep_ms(5);
    assert_false(write_text(stream, "more"));
    gs_http_stream_end(stream);
    assert_true(rig_wait_connections(*state, 0));
}

static void a_client_that_does_not_read_is_given_up(void **state)
{
    int fd = rig_dial_narrow(*state);
    struct gs_http_stream *stream = begin(*state, fd, 64 * 1024);
    char *piece = gs_xcalloc(16 * 1024, 1);
    int written = 0;
    // What the kernel takes is bounded, too.
    while (written < 100000 && gs_http_stream_write(stream, gs_slice_of(piece, 16 * 1024)))
        written++;
    assert_true(written < 100000);
    assert_false(write_text(stream, "more"));
    gs_http_stream_end(stream);
    free(piece);
    close(fd);
}

static void nobody_is_timed_while_there_is_nothing_to_read(void **state)
{
    (void)state;
    struct gs_http_options options = rig_options();
    options.header_timeout_ms = options.body_timeout_ms = options.idle_timeout_ms = 1000;
    struct rig *rig = rig_start(&options);
    int fd = rig_dial(rig);
    struct gs_http_stream *stream = begin(rig, fd, LIMIT);
    assert_true(write_text(stream, "first"));
    expect_text(fd, "first");
    // Long enough for every deadline, libmicrohttpd's full second included.
    gs_clock_sleep_ms(2500);
    assert_true(write_text(stream, "second"));
    expect_text(fd, "second");
    gs_http_stream_end(stream);
    expect_text(fd, "\r\n0\r\n\r\n");
    close(fd);
    rig_stop(rig);
}

// ---- Stopping -------------------------------------------------------------------------------

static void quiescing_ends_streams(void **state)
{
    int fd = rig_dial(*state), late = rig_dial(*state);
    struct gs_http_stream *stream = begin(*state, fd, LIMIT);
    assert_true(write_text(stream, "last words"));
    assert_true(rig_send(late, LATER));
    assert_true(rig_wait_held(*state, 1));
    gs_http_quiesce(rig_server(*state));
    assert_false(write_text(stream, "more"));
    expect_text(fd, "last words");
    expect_text(fd, "\r\n0\r\n\r\n");
    // One that begins later ends at once.
    struct gs_http_stream *after =
        gs_http_stream_begin(rig_take_one(*state), 200, "text/plain", LIMIT);
    assert_false(write_text(after, "more"));
    assert_true(rig_is_closed(late));
    assert_true(gs_http_drain(rig_server(*state), patiently()));
    gs_http_stream_end(stream);
    gs_http_stream_end(after);
    close(fd);
    close(late);
}

static void freeing_ends_streams(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        struct gs_http_options options = rig_options();
        struct rig *rig = rig_start(&options);
        int fd = rig_dial(rig);
        struct gs_http_stream *stream = begin(rig, fd, LIMIT);
        assert_true(write_text(stream, "bytes"));
        gs_http_stream_end(stream);
        rig_stop(rig);
        assert_true(rig_is_closed(fd));
        close(fd);
    }
}

// ---- Many at once ---------------------------------------------------------------------------

enum { PIECES = 500, CROWD = 8 };

static void *write_pieces(void *arg)
{
    struct gs_http_stream *stream = arg;
    for (int i = 0; i < PIECES; i++)
        if (!write_text(stream, "0123456789"))
            return NULL;
    gs_http_stream_end(stream);
    return arg;
}

// Counts the digits behind the head until the server closes.
static size_t count_digits(int fd)
{
    char bytes[4096];
    size_t count = 0;
    ssize_t n;
    expect_text(fd, "\r\n\r\n");
    while ((n = recv(fd, bytes, sizeof bytes, 0)) > 0)
        for (ssize_t i = 0; i < n; i++)
            count += bytes[i] == '7';
    return count;
}

static void writers_and_the_server_do_not_lose_each_other(void **state)
{
    int fds[CROWD];
    pthread_t threads[CROWD];
    for (size_t i = 0; i < CROWD; i++) {
        fds[i] = rig_dial(*state);
        // Without chunks, whose lengths have digits of their own.
        assert_true(rig_send(fds[i], "GET /later HTTP/1.0\r\nHost: a\r\n\r\n"));
        assert_true(rig_wait_held(*state, 1));
        struct gs_http_stream *stream =
            gs_http_stream_begin(rig_take_one(*state), 200, "text/plain", LIMIT);
        assert_int_equal(pthread_create(&threads[i], NULL, write_pieces, stream), 0);
    }
    for (size_t i = 0; i < CROWD; i++) {
        void *result;
        assert_int_equal(count_digits(fds[i]), PIECES);
        pthread_join(threads[i], &result);
        assert_non_null(result);
        close(fds[i]);
    }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(pieces_arrive_as_they_are_written),
        TEST(what_was_written_before_the_end_arrives),
        TEST(clients_without_chunks_get_it_until_the_close),
        TEST(heads_have_no_body),
        TEST(a_client_that_has_gone_is_noticed),
        TEST(a_client_that_does_not_read_is_given_up),
        cmocka_unit_test(nobody_is_timed_while_there_is_nothing_to_read),
        TEST(quiescing_ends_streams),
        cmocka_unit_test(freeing_ends_streams),
        TEST(writers_and_the_server_do_not_lose_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
