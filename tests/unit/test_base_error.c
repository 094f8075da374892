// Errors and their codes, the clock's text, and random identifiers.
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/random.h"
#include "base/slice.h"

static void codes_are_distinct_and_complete(void **state)
{
    (void)state;
    for (int code = GS_CODE_NONE + 1; code < GS_CODE_COUNT; code++) {
        enum gs_code c = (enum gs_code)code;
        assert_int_equal(gs_code_from_text(gs_code_text(c)), c); // no text stands twice
        assert_int_not_equal(gs_code_status(c), GS_OK);
        assert_in_range((unsigned)gs_code_http(c), 400, 599);
        assert_true(strlen(gs_code_help(c)) > 10);
    }
    assert_int_equal(gs_code_from_text("no_such_code"), GS_CODE_NONE);
    assert_int_equal(gs_code_from_text("none"), GS_CODE_NONE);
    assert_int_equal(gs_code_from_text(""), GS_CODE_NONE);
}

static void fail_records_and_returns_the_status(void **state)
{
    (void)state;
    struct gs_error err = GS_ERROR_INIT;
    assert_int_equal(gs_error_status(&err), GS_OK);
    assert_int_equal(gs_fail(&err, GS_CODE_INVALID_BRANCH, "/branchName", "no branch %s", "x"),
                     GS_INVALID);
    assert_int_equal(gs_error_status(&err), GS_INVALID);
    assert_string_equal(err.field, "/branchName");
    assert_string_equal(err.message, "no branch x");
    assert_int_equal(gs_fail(NULL, GS_CODE_NOT_FOUND, NULL, "nobody listens"), GS_NOT_FOUND);
    gs_error_release(&err);
    assert_int_equal(err.code, GS_CODE_NONE);
}

static void fail_may_quote_the_old_message(void **state)
{
    (void)state;
    struct gs_error err = GS_ERROR_INIT;
    gs_fail(&err, GS_CODE_HOST_FAILED, "/gitUrl", "the host said no");
    gs_error_take_details(&err, strdup("[]"));
    gs_fail(&err, GS_CODE_REPOSITORY_NOT_FOUND, err.field, "Repository not found. %s", err.message);
    assert_string_equal(err.message, "Repository not found. the host said no");
    assert_string_equal(err.field, "/gitUrl");
    assert_null(err.details);
    gs_error_release(&err);
}

static void long_messages_end_on_a_character(void **state)
{
    (void)state;
    char text[1500];
    for (size_t shift = 0; shift < 4; shift++) {
        memset(text, 'x', shift);
        for (size_t i = shift; i + 4 < sizeof text; i += 4)
            memcpy(text + i, "\xf0\x9f\x98\x80", 5);
        struct gs_error err = GS_ERROR_INIT;
        gs_fail(&err, GS_CODE_INTERNAL, text, "%s", text);
        assert_true(strlen(err.message) > 1018);
        assert_true(gs_slice_is_utf8(gs_slice_str(err.message)));
        assert_true(strlen(err.field) > 120);
        assert_true(gs_slice_is_utf8(gs_slice_str(err.field)));
        gs_error_prefix(&err, "%s", "12");
        assert_true(gs_slice_is_utf8(gs_slice_str(err.message)));
        gs_error_release(&err);
    }
}

static void prefixes_stack_up(void **state)
{
    (void)state;
    struct gs_error err = GS_ERROR_INIT;
    gs_fail(&err, GS_CODE_INTERNAL, NULL, "cause");
    gs_error_prefix(&err, "file %d", 1);
    gs_error_prefix(&err, "%s", "repository");
    gs_error_prefix(NULL, "nobody");
    assert_string_equal(err.message, "repository: file 1: cause");
    assert_int_equal(err.code, GS_CODE_INTERNAL);

    char wide[3000];
    memset(wide, 'w', sizeof wide - 1);
    wide[sizeof wide - 1] = 0;
    gs_error_prefix(&err, "%s", wide);
    assert_int_equal(strlen(err.message), sizeof err.message - 1);
    gs_error_release(&err);
}

static void errors_move_with_their_details(void **state)
{
    (void)state;
    struct gs_error from = GS_ERROR_INIT, to = GS_ERROR_INIT;
    gs_fail(&to, GS_CODE_INTERNAL, NULL, "old");
    gs_error_take_details(&to, strdup("[1]"));
    gs_fail(&from, GS_CODE_MERGE_CONFLICT, NULL, "new");
    gs_error_take_details(&from, strdup("[2]"));
    gs_error_take_details(&from, strdup("[3]"));
    gs_error_move(&to, &from);
    assert_string_equal(to.message, "new");
    assert_string_equal(to.details, "[3]");
    assert_null(from.details);
    assert_int_equal(from.code, GS_CODE_NONE);
    gs_error_move(NULL, &to);
    assert_int_equal(to.code, GS_CODE_NONE);
    gs_error_take_details(NULL, strdup("[]"));
}

static void iso_text_is_that_of_javascript(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        const char *text;
    } times[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {1, "1970-01-01T00:00:00.001Z"},
        {-1, "1969-12-31T23:59:59.999Z"},
        {-1000, "1969-12-31T23:59:59.000Z"},
        {1709210096789, "2024-02-29T12:34:56.789Z"},
        {253402300799999, "9999-12-31T23:59:59.999Z"},
        {253402300800000, "9999-12-31T23:59:59.999Z"},
        {INT64_MAX, "9999-12-31T23:59:59.999Z"},
        {-62167219200000, "0000-01-01T00:00:00.000Z"},
        {-61125148800001, "0033-01-07T23:59:59.999Z"},
        {INT64_MIN, "0000-01-01T00:00:00.000Z"},
    };
    for (size_t i = 0; i < GS_COUNT(times); i++) {
        char text[GS_ISO_TEXT + 1];
        gs_clock_format_iso(times[i].ms, text);
        assert_string_equal(text, times[i].text);
    }
}

static void clocks_run_and_shift(void **state)
{
    (void)state;
    int64_t mono = gs_clock_mono_ms(), now = gs_clock_now_ms();
    assert_true(now > 1700000000000);
    gs_clock_shift_ms(3600000);
    assert_true(gs_clock_now_ms() >= now + 3600000);
    gs_clock_shift_ms(-3600000);
    assert_true(gs_clock_now_ms() < now + 3600000);
    gs_clock_sleep_ms(20);
    gs_clock_sleep_ms(-5);
    int64_t slept = gs_clock_mono_ms() - mono;
    assert_true(slept >= 20 && slept < 10000);
}

static void uuids_are_version_7_and_sort_by_age(void **state)
{
    (void)state;
    char previous[GS_UUID_TEXT + 1] = "";
    for (int i = 0; i < 50; i++) {
        int64_t before = gs_clock_now_ms();
        char id[GS_UUID_TEXT + 1];
        gs_uuid_new(id);
        assert_int_equal(strlen(id), GS_UUID_TEXT);
        assert_true(gs_uuid_is_valid(gs_slice_str(id)));
        assert_int_equal(id[14], '7');
        assert_non_null(strchr("89ab", id[19]));
        assert_int_equal(strspn(id, "0123456789abcdef-"), GS_UUID_TEXT);
        char digits[13];
        snprintf(digits, sizeof digits, "%.8s%.4s", id, id + 9);
        int64_t ms = (int64_t)strtoull(digits, NULL, 16);
        assert_true(ms >= before && ms <= gs_clock_now_ms());
        assert_true(strncmp(previous, id, 13) <= 0);
        assert_string_not_equal(previous, id);
        memcpy(previous, id, sizeof id);
        gs_clock_sleep_ms(1);
    }
}

static void uuids_of_one_moment_sort_by_age(void **state)
{
    (void)state;
    char ids[2][GS_UUID_TEXT + 1];
    gs_uuid_new(ids[0]);
    for (int i = 1; i < 20000; i++) {
        gs_uuid_new(ids[i % 2]);
        assert_true(strcmp(ids[(i + 1) % 2], ids[i % 2]) < 0);
        assert_true(gs_uuid_is_valid(gs_slice_str(ids[i % 2])));
        assert_int_equal(ids[i % 2][14], '7');
    }
}

static void uuid_syntax(void **state)
{
    (void)state;
    static const struct gs_slice good[] = {
        GS_SLICE_LIT("01234567-89ab-cdef-0123-456789abcdef"),
        GS_SLICE_LIT("00000000-0000-0000-0000-000000000000"),
        GS_SLICE_LIT("FFFFFFFF-ffff-4FFF-bfff-ABCDEFabcdef"),
    };
    for (size_t i = 0; i < GS_COUNT(good); i++)
        assert_true(gs_uuid_is_valid(good[i]));
    static const struct gs_slice bad[] = {
        GS_SLICE_LIT(""),
        GS_SLICE_LIT("01234567-89ab-cdef-0123-456789abcde"),
        GS_SLICE_LIT("01234567-89ab-cdef-0123-456789abcdef0"),
        GS_SLICE_LIT("01234567-89ab-cdef-0123-456789abcdeg"),
        GS_SLICE_LIT("0123456789ab--cdef-0123-456789abcdef"),
        GS_SLICE_LIT("01234567-89ab-cdef-01234456789abcdef"),
        GS_SLICE_LIT("{1234567-89ab-cdef-0123-456789abcde}"),
        GS_SLICE_LIT("01234567-89ab-cdef-0123-456789abcde\0"),
        GS_SLICE_LIT("../../..-89ab-cdef-0123-456789abcdef"),
    };
    for (size_t i = 0; i < GS_COUNT(bad); i++)
        assert_false(gs_uuid_is_valid(bad[i]));
}

static void random_numbers_stay_below_and_reach_all(void **state)
{
    (void)state;
    static const uint32_t bounds[] = {1, 2, 3, 7, 100};
    for (size_t i = 0; i < GS_COUNT(bounds); i++) {
        int seen[100] = {0};
        for (int n = 0; n < 20000; n++) {
            uint32_t value = gs_random_below(bounds[i]);
            assert_true(value < bounds[i]);
            seen[value]++;
        }
        // Twenty standard deviations around the mean: fails for a bias, not for bad luck.
        int mean = 20000 / (int)bounds[i];
        for (uint32_t value = 0; bounds[i] > 1 && value < bounds[i]; value++)
            assert_true(abs(seen[value] - mean) * abs(seen[value] - mean) < 400 * mean);
    }
    gs_random_below(UINT32_MAX);
    unsigned char a[600] = {0}, b[600] = {0}; // getrandom gives at most 256 at once for sure
    gs_random_bytes(a, sizeof a);
    gs_random_bytes(b, sizeof b);
    assert_memory_not_equal(a, b, 32);
    assert_memory_not_equal(a + 568, b + 568, 32);
    gs_random_bytes(a, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_are_distinct_and_complete),
        cmocka_unit_test(fail_records_and_returns_the_status),
        cmocka_unit_test(fail_may_quote_the_old_message),
        cmocka_unit_test(long_messages_end_on_a_character),
        cmocka_unit_test(prefixes_stack_up),
        cmocka_unit_test(errors_move_with_their_details),
        cmocka_unit_test(iso_text_is_that_of_javascript),
        cmocka_unit_test(clocks_run_and_shift),
        cmocka_unit_test(uuids_are_version_7_and_sort_by_age),
        cmocka_unit_test(uuids_of_one_moment_sort_by_age),
        cmocka_unit_test(uuid_syntax),
        cmocka_unit_test(random_numbers_stay_below_and_reach_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
