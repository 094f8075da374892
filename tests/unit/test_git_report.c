// What git-receive-pack answers to a push: every verdict, and every place where it can break off.
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "git/git_internal.h"
#include "git/pktline.h"

static const char ref[] = "refs/heads/main";

static void band(struct gs_buf *out, int number, struct gs_slice payload)
{
    GS_CLEANUP(gs_buf_release) struct gs_buf data;
    gs_buf_init(&data, GS_PKT_MAX);
    gs_buf_append_char(&data, (char)number);
    gs_buf_append_slice(&data, payload);
    gs_pkt_append(out, gs_buf_slice(&data));
}

// The lines as a report on band 1, then text on band 2, then the final flush.
static void frame(struct gs_buf *out, const char *unpack, const char *line, const char *text)
{
    GS_CLEANUP(gs_buf_release) struct gs_buf report;
    gs_buf_init(&report, 10000);
    gs_pkt_printf(&report, "unpack %s\n", unpack);
    if (line)
        gs_pkt_printf(&report, "%s\n", line);
    gs_pkt_flush(&report);
    if (text)
        band(out, 2, gs_slice_str(text));
    band(out, 1, gs_buf_slice(&report));
    gs_pkt_flush(out);
}

struct result {
    enum gs_status status;
    enum gs_push_outcome outcome;
    char reason[1024];
    struct gs_error err;
};

static struct result judge(struct gs_slice bytes, size_t piece)
{
    struct result result = {.outcome = GS_PUSH_UNKNOWN};
    struct gs_arena *arena = gs_arena_new();
    struct gs_push_report *report = gs_push_report_new();
    for (size_t at = 0; at < bytes.len; at += piece) {
        size_t len = bytes.len - at < piece ? bytes.len - at : piece;
        assert_true(gs_push_report_feed(report, bytes.data + at, len));
    }
    const char *reason = NULL;
    result.status = gs_push_report_read(report, ref, arena, &result.outcome, &reason, &result.err);
    snprintf(result.reason, sizeof result.reason, "%s", reason ? reason : "");
    gs_push_report_free(report);
    gs_arena_free(arena);
    return result;
}

static void verdicts_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *line, *text;
        enum gs_push_outcome outcome;
        const char *reason;
    } cases[] = {
        {"ok refs/heads/main", NULL, GS_PUSH_DONE, ""},
        {"ok refs/heads/main", "Resolving deltas: 100%\n", GS_PUSH_DONE, ""},
        {"ng refs/heads/main non-fast-forward", NULL, GS_PUSH_MOVED, "non-fast-forward"},
        {"ng refs/heads/main fetch first", NULL, GS_PUSH_MOVED, "fetch first"},
        {"ng refs/heads/main failed to update ref", "error: cannot lock ref\n", GS_PUSH_MOVED,
         "failed to update ref: error: cannot lock ref"},
        {"ng refs/heads/main incorrect old value provided", NULL, GS_PUSH_MOVED,
         "incorrect old value provided"},
        {"ng refs/heads/main reference already exists", NULL, GS_PUSH_MOVED,
         "reference already exists"},
        {"ng refs/heads/main cannot lock ref 'refs/heads/main': is at 1 but expected 2", NULL,
         GS_PUSH_MOVED, "cannot lock ref 'refs/heads/main': is at 1 but expected 2"},
        {"ng refs/heads/main pre-receive hook declined", "no\n", GS_PUSH_REFUSED,
         "pre-receive hook declined: no"},
        {"ng refs/heads/main protected branch hook declined",
         "error: GH006: Protected branch update failed.        \nerror: fetch first please.   \n",
         GS_PUSH_REFUSED,
         "protected branch hook declined: error: GH006: Protected branch update failed. error: "
         "fetch first please."},
        {"ng refs/heads/main deny updating a hidden ref", NULL, GS_PUSH_REFUSED,
         "deny updating a hidden ref"},
        {"ng refs/heads/main", NULL, GS_PUSH_REFUSED, "no reason given"},
        {"ng refs/heads/main hook declined", "10%\r50%\rdone\r\n\x1b[1mbold\xff\n", GS_PUSH_REFUSED,
         "hook declined: done ?[1mbold?"},
    };
    for (size_t i = 0; i < GS_COUNT(cases); i++) {
        GS_CLEANUP(gs_buf_release) struct gs_buf bytes;
        gs_buf_init(&bytes, 10000);
        frame(&bytes, "ok", cases[i].line, cases[i].text);
        for (size_t piece = 1; piece < 300; piece += 7) {
            struct result result = judge(gs_buf_slice(&bytes), piece);
            assert_int_equal(result.status, GS_OK);
            assert_int_equal(result.outcome, cases[i].outcome);
            assert_string_equal(result.reason, cases[i].reason);
            assert_int_equal(result.err.code, GS_CODE_NONE);
        }
    }
}

static void a_pack_that_cannot_be_unpacked_is_the_hosts_failure(void **state)
{
    (void)state;
    GS_CLEANUP(gs_buf_release) struct gs_buf bytes;
    gs_buf_init(&bytes, 10000);
    frame(&bytes, "index-pack abnormal exit", "ng refs/heads/main unpacker error", "fatal: disk\n");
    struct result result = judge(gs_buf_slice(&bytes), 1000);
    assert_int_equal(result.status, GS_UPSTREAM);
    assert_int_equal(result.err.code, GS_CODE_HOST_FAILED);
    assert_string_equal(result.err.message,
                        "the git host cannot take the pack: index-pack abnormal exit: fatal: disk");
    gs_error_release(&result.err);
}

static void assert_unknown(struct gs_slice bytes)
{
    struct result result = judge(bytes, 1000);
    assert_int_equal(result.status, GS_OK);
    assert_int_equal(result.outcome, GS_PUSH_UNKNOWN);
    assert_int_equal(result.err.code, GS_CODE_HOST_FAILED);
    gs_error_release(&result.err);
}

static void every_truncation_leaves_the_outcome_unknown(void **state)
{
    (void)state;
    static const char *const lines[] = {"ok refs/heads/main", "ng refs/heads/main fetch first"};
    for (size_t i = 0; i < GS_COUNT(lines); i++) {
        GS_CLEANUP(gs_buf_release) struct gs_buf bytes;
        gs_buf_init(&bytes, 10000);
        frame(&bytes, "ok", lines[i], "some text\n");
        for (size_t len = 0; len < bytes.len; len++)
            assert_unknown(gs_slice_of(bytes.data, len));
        // The report itself cut, in a packet that is whole.
        for (size_t len = 0; len < strlen("000eunpack ok\n") + strlen(lines[i]) + 5; len++) {
            GS_CLEANUP(gs_buf_release) struct gs_buf report, cut;
            gs_buf_init(&report, 10000);
            gs_buf_init(&cut, 10000);
            gs_pkt_printf(&report, "unpack ok\n");
            gs_pkt_printf(&report, "%s\n", lines[i]);
            band(&cut, 1, gs_slice_of(report.data, len));
            gs_pkt_flush(&cut);
            assert_unknown(gs_buf_slice(&cut));
        }
    }
}

static void nonsense_leaves_the_outcome_unknown(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "<html>",
        "0000",
        "0004",
        "0005\x04",
        "0005\x01"
        "0000",
        "00000000",
        "0010\x03"
        "fatal: no\n0000",
    };
    for (size_t i = 0; i < GS_COUNT(cases); i++)
        assert_unknown(gs_slice_str(cases[i]));
    GS_CLEANUP(gs_buf_release) struct gs_buf bytes;
    gs_buf_init(&bytes, 10000);
    frame(&bytes, "ok", "ok refs/heads/other", NULL);
    assert_unknown(gs_buf_slice(&bytes));
    gs_buf_clear(&bytes);
    frame(&bytes, "ok", "ok refs/heads/main", NULL);
    gs_buf_append_str(&bytes, "0000");
    assert_unknown(gs_buf_slice(&bytes));
}

static void endless_text_is_bounded(void **state)
{
    (void)state;
    GS_CLEANUP(gs_buf_release) struct gs_buf bytes;
    gs_buf_init(&bytes, 4 << 20);
    for (int i = 0; i < 5000; i++)
        band(&bytes, 2,
             GS_SLICE_LIT("\xc3\xa9\xc3\xa9\xc3\xa9 one more line of the hook's wisdom\n"));
    frame(&bytes, "ok", "ng refs/heads/main hook declined", NULL);
    struct result result = judge(gs_buf_slice(&bytes), 10000);
    assert_int_equal(result.outcome, GS_PUSH_REFUSED);
    assert_in_range(strlen(result.reason), 300, 800);
    assert_true(gs_slice_is_utf8(gs_slice_str(result.reason)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verdicts_are_told_apart),
        cmocka_unit_test(a_pack_that_cannot_be_unpacked_is_the_hosts_failure),
        cmocka_unit_test(every_truncation_leaves_the_outcome_unknown),
        cmocka_unit_test(nonsense_leaves_the_outcome_unknown),
        cmocka_unit_test(endless_text_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
