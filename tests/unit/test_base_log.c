// Log lines as they reach the file descriptor: strict JSON, bounded, whole, whatever the fields
// hold.
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <pthread.h>
#include <unistd.h>
#include <yyjson.h>

#include "base/files.h"
#include "base/log.h"

static char log_path[32];
static int saved_stderr = -1;

// Sends standard error to a file until log_text is called.
static void capture_log(void)
{
    fflush(stderr);
    snprintf(log_path, sizeof log_path, "/tmp/gitsync-log-XXXXXX");
    saved_stderr = dup(STDERR_FILENO);
    int fd = mkstemp(log_path);
    assert_true(saved_stderr >= 0 && fd >= 0);
    dup2(fd, STDERR_FILENO);
    close(fd);
}

static void log_text(struct gs_buf *out)
{
    dup2(saved_stderr, STDERR_FILENO);
    close(saved_stderr);
    gs_buf_init(out, 1 << 24);
    assert_int_equal(gs_file_read(log_path, out, NULL), GS_OK);
    unlink(log_path);
}

// Every line has to be strict JSON of at most 8 KB; returns how many there are.
static size_t count_valid_lines(struct gs_slice text)
{
    size_t lines = 0;
    while (text.len > 0) {
        struct gs_slice line = gs_slice_split(&text, '\n');
        assert_true(line.len < 8192);
        yyjson_doc *doc = yyjson_read(line.data, line.len, 0);
        assert_non_null(doc);
        assert_non_null(yyjson_obj_get(yyjson_doc_get_root(doc), "event"));
        yyjson_doc_free(doc);
        lines++;
    }
    return lines;
}

static void log_line_has_its_fields_in_order(void **state)
{
    (void)state;
    capture_log();
    gs_log(GS_LOG_INFO, "listening", GS_F_STR("address", "::1"), GS_F_INT("pid", -7));
    gs_log(GS_LOG_ERROR, "bare", GS_F_NONE);
    gs_log(GS_LOG_WARN, "null", GS_F_STR("text", (const char *)NULL));
    gs_log(GS_LOG_DEBUG, "dropped", GS_F_NONE);
    struct gs_buf text;
    log_text(&text);
    assert_int_equal(count_valid_lines(gs_buf_slice(&text)), 3);
    struct gs_slice rest = gs_buf_slice(&text);
    struct gs_slice line = gs_slice_split(&rest, '\n');
    assert_true(gs_slice_starts(line, "{\"time\":\"20"));
    assert_true(gs_slice_ends(line, "Z\",\"level\":\"info\",\"event\":\"listening\","
                                    "\"address\":\"::1\",\"pid\":-7}"));
    line = gs_slice_split(&rest, '\n');
    assert_true(gs_slice_ends(line, "\"level\":\"error\",\"event\":\"bare\"}"));
    line = gs_slice_split(&rest, '\n');
    assert_true(gs_slice_ends(line, "\"text\":\"\"}"));
    gs_buf_release(&text);
}

static void log_keeps_its_lines_whole_for_any_text(void **state)
{
    (void)state;
    char every[512], wide[20000];
    for (int i = 0; i < 255; i++)
        every[i] = (char)(i + 1);
    every[255] = 0;
    capture_log();
    size_t written = 0;
    gs_log(GS_LOG_INFO, every, GS_F_STR("latin", every), GS_F_STR("utf8", "\xc3\xb6\x7f\n\"\\"));
    written++;
    static const char *const fills[] = {
        "x", "\"", "\n", "\xc3\xb6", "\xe6\x97\xa5", "\xf0\x9f\x98\x80", "\xff"};
    for (size_t f = 0; f < GS_COUNT(fills); f++) {
        size_t n = strlen(fills[f]);
        for (size_t shift = 0; shift < 8; shift++) {
            memset(wide, 'a', shift);
            for (size_t i = shift; i + n < sizeof wide; i += n)
                memcpy(wide + i, fills[f], n + 1);
            gs_log(GS_LOG_INFO, "wide", GS_F_STR("text", wide), GS_F_STR("after", "b"),
                   GS_F_INT("n", 1));
            written++;
        }
    }
    for (size_t n = 7900; n < 8200; n++) { // every place where a field can meet the end
        memset(wide, 'x', n);
        wide[n] = 0;
        gs_log(GS_LOG_INFO, "edge", GS_F_STR("text", wide), GS_F_STR("next", "0123456789abcdef"),
               GS_F_INT("number", INT64_MIN));
        written++;
    }
    struct gs_buf text;
    log_text(&text);
    assert_int_equal(count_valid_lines(gs_buf_slice(&text)), written);
    gs_buf_release(&text);
}

static void *log_many(void *arg)
{
    (void)arg;
    for (int i = 0; i < 500; i++)
        gs_log(GS_LOG_INFO, "thread", GS_F_INT("number", i),
               GS_F_STR("who", "a text of some length, so that mixing would show"));
    return NULL;
}

static void log_lines_of_threads_do_not_mix(void **state)
{
    (void)state;
    capture_log();
    pthread_t ids[4];
    for (size_t i = 0; i < GS_COUNT(ids); i++)
        pthread_create(&ids[i], NULL, log_many, NULL);
    for (size_t i = 0; i < GS_COUNT(ids); i++)
        pthread_join(ids[i], NULL);
    struct gs_buf text;
    log_text(&text);
    assert_int_equal(count_valid_lines(gs_buf_slice(&text)), 2000);
    gs_buf_release(&text);
}

static void log_levels(void **state)
{
    (void)state;
    enum gs_log_level level = GS_LOG_DEBUG;
    assert_true(gs_log_level_from_text("warn", &level));
    assert_int_equal(level, GS_LOG_WARN);
    assert_false(gs_log_level_from_text("WARN", &level));
    assert_false(gs_log_level_from_text("", &level));
    assert_int_equal(level, GS_LOG_WARN);
    capture_log();
    gs_log_set_level(GS_LOG_ERROR);
    gs_log(GS_LOG_WARN, "dropped", GS_F_NONE);
    gs_log(GS_LOG_ERROR, "kept", GS_F_NONE);
    gs_log_set_level(GS_LOG_DEBUG);
    gs_log(GS_LOG_DEBUG, "kept", GS_F_NONE);
    gs_log_set_level(GS_LOG_INFO);
    struct gs_buf text;
    log_text(&text);
    assert_int_equal(count_valid_lines(gs_buf_slice(&text)), 2);
    gs_buf_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(log_line_has_its_fields_in_order),
        cmocka_unit_test(log_keeps_its_lines_whole_for_any_text),
        cmocka_unit_test(log_lines_of_threads_do_not_mix),
        cmocka_unit_test(log_levels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
