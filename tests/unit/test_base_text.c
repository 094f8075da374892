// Slices, UTF-8, whole numbers, hexadecimal and base64, malformed input first of all.
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/slice.h"
#include "base/text.h"

#define LIT GS_SLICE_LIT

static void assert_slice(struct gs_slice s, const char *expected)
{
    assert_int_equal(s.len, strlen(expected));
    assert_memory_equal(s.data ? s.data : "", expected, s.len);
}

static void slices_compare_by_content(void **state)
{
    (void)state;
    assert_true(gs_slice_eq(LIT("abc"), gs_slice_of("abcd", 3)));
    assert_true(gs_slice_eq(GS_SLICE_EMPTY, LIT("")));
    assert_false(gs_slice_eq(LIT("abc"), LIT("abd")));
    assert_false(gs_slice_eq(LIT("ab"), LIT("abc")));
    assert_true(gs_slice_eq_str(LIT("abc"), "abc"));
    assert_true(gs_slice_eq_str(GS_SLICE_EMPTY, NULL));
    assert_false(gs_slice_eq_str(LIT("a\0b"), "a"));
    assert_true(gs_slice_ieq_str(LIT("Content-Type"), "content-TYPE"));
    assert_false(gs_slice_ieq_str(LIT("k"), "\xe2\x84\xaa")); // the Kelvin sign is no k
    assert_false(gs_slice_ieq_str(LIT("["), "{"));            // bit 5 is case for letters only
    assert_false(gs_slice_ieq_str(LIT("ab"), "a"));
}

static void slices_know_their_ends(void **state)
{
    (void)state;
    assert_true(gs_slice_starts(LIT("refs/heads/x"), "refs/heads/"));
    assert_true(gs_slice_starts(GS_SLICE_EMPTY, ""));
    assert_false(gs_slice_starts(LIT("ref"), "refs"));
    assert_true(gs_slice_ends(LIT("v1.json"), ".json"));
    assert_true(gs_slice_ends(LIT("v1"), ""));
    assert_false(gs_slice_ends(LIT("json"), ".json"));
    assert_true(gs_slice_has_nul(LIT("a\0")));
    assert_false(gs_slice_has_nul(gs_slice_of("a", 1)));
    assert_false(gs_slice_has_nul(GS_SLICE_EMPTY));
}

static void split_and_trim(void **state)
{
    (void)state;
    struct gs_slice rest = LIT("a//b/");
    assert_slice(gs_slice_split(&rest, '/'), "a");
    assert_slice(gs_slice_split(&rest, '/'), "");
    assert_slice(gs_slice_split(&rest, '/'), "b");
    assert_slice(gs_slice_split(&rest, '/'), "");
    assert_int_equal(rest.len, 0);
    rest = LIT("whole");
    assert_slice(gs_slice_split(&rest, '/'), "whole");
    assert_null(rest.data);
    assert_slice(gs_slice_split(&rest, '/'), "");

    assert_slice(gs_slice_trim(LIT(" \t a b\t ")), "a b");
    assert_slice(gs_slice_trim(LIT(" \t ")), "");
    assert_slice(gs_slice_trim(GS_SLICE_EMPTY), "");
    assert_slice(gs_slice_trim(LIT("\na\r")), "\na\r");
}

static void whole_numbers(void **state)
{
    (void)state;
    static const struct {
        struct gs_slice text;
        int64_t value;
    } good[] = {
        {LIT("0"), 0},
        {LIT("-0"), 0},
        {LIT("007"), 7},
        {LIT("-12"), -12},
        {LIT("9223372036854775807"), INT64_MAX},
        {LIT("-9223372036854775808"), INT64_MIN},
    };
    for (size_t i = 0; i < GS_COUNT(good); i++) {
        int64_t value = 99;
        assert_true(gs_slice_to_int(good[i].text, &value));
        assert_int_equal(value, good[i].value);
    }
    static const struct gs_slice bad[] = {
        LIT(""),    LIT("-"),   LIT("+1"),
        LIT(" 1"),  LIT("1 "),  LIT("1.0"),
        LIT("0x1"), LIT("1\0"), LIT("\xd9\xa1"),
        LIT("--1"), LIT("1e3"), LIT("9223372036854775808"),
        LIT("/"),   LIT("1:"),  LIT("-9223372036854775809"),
        LIT("-a"),  LIT("1-"),  LIT("99999999999999999999999999"),
    };
    for (size_t i = 0; i < GS_COUNT(bad); i++) {
        int64_t value = 99;
        assert_false(gs_slice_to_int(bad[i], &value));
        assert_int_equal(value, 99);
    }
}

static void utf8_accepts_what_is_well_formed(void **state)
{
    (void)state;
    static const struct gs_slice good[] = {
        LIT(""),
        LIT("ascii only, longer than a word"),
        LIT("\0"),
        LIT("\x7f\xc2\x80\xdf\xbf"),
        LIT("\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf"),
        LIT("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"),
        LIT("Gr\xc3\xb6\xc3\x9f"
            "e \xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x98\x80"),
    };
    for (size_t i = 0; i < GS_COUNT(good); i++)
        assert_true(gs_slice_is_utf8(good[i]));
}

static void utf8_refuses_the_rest(void **state)
{
    (void)state;
    static const struct gs_slice bad[] = {
        LIT("\x80"),             // a continuation alone
        LIT("\xbf"),             //
        LIT("\xc0\x80"),         // NUL, overlong
        LIT("\xc1\xbf"),         // overlong
        LIT("\xe0\x9f\xbf"),     // overlong
        LIT("\xf0\x8f\xbf\xbf"), // overlong
        LIT("\xed\xa0\x80"),     // a surrogate
        LIT("\xed\xbf\xbf"),     //
        LIT("\xf4\x90\x80\x80"), // above U+10FFFF
        LIT("\xf5\x80\x80\x80"), //
        LIT("\xff"),             //
        LIT("\xfe"),             //
        LIT("\xc3("),            // no continuation
        LIT("\xe2\x82("),        //
        LIT("\xf0\x9f\x98("),    //
        LIT("12345678\xff"),     // behind a word of ASCII
        LIT("1234567\xff"
            "8"),
    };
    for (size_t i = 0; i < GS_COUNT(bad); i++)
        assert_false(gs_slice_is_utf8(bad[i]));
    assert_int_equal(gs_slice_utf8_run(LIT("12345678\xc3\xb6x\xff")), 11);
    assert_int_equal(gs_slice_utf8_run(LIT("\xff")), 0);
}

static void utf8_cut_anywhere_is_trimmed_to_characters(void **state)
{
    (void)state;
    struct gs_slice text = LIT("a\xc3\xb6\xe6\x97\xa5\xf0\x9f\x98\x80z");
    for (size_t n = 0; n <= text.len; n++) {
        struct gs_slice cut = gs_slice_trim_utf8(gs_slice_of(text.data, n));
        assert_true(gs_slice_is_utf8(cut));
        assert_true(n - cut.len < 4);
    }
    assert_slice(gs_slice_trim_utf8(text), text.data);
    // What was no UTF-8 before the cut is nobody's incomplete sequence.
    assert_int_equal(gs_slice_trim_utf8(LIT("\x80\x80\x80\x80")).len, 4);
}

static void hex_there_and_back(void **state)
{
    (void)state;
    char text[9];
    gs_hex_encode("\x00\x1f\xa0\xff", 4, text);
    assert_string_equal(text, "001fa0ff");
    gs_hex_encode("", 0, text);
    assert_string_equal(text, "");

    unsigned char bytes[4];
    assert_true(gs_hex_decode(LIT("001FA0ff"), bytes, sizeof bytes));
    assert_memory_equal(bytes, "\x00\x1f\xa0\xff", 4);
    assert_true(gs_hex_decode(GS_SLICE_EMPTY, bytes, 0));
    static const struct gs_slice bad[] = {LIT(""),          LIT("001fa0f"),   LIT("001fa0ff0"),
                                          LIT("001fa0fg"),  LIT("001fa0f "),  LIT("0x1fa0ff"),
                                          LIT("001fa0f\0"), LIT("001fa0ff00")};
    for (size_t i = 0; i < GS_COUNT(bad); i++)
        assert_false(gs_hex_decode(bad[i], bytes, sizeof bytes));
}

static void base64_vectors(void **state)
{
    (void)state;
    static const struct {
        struct gs_slice bytes;
        const char *text, *url;
    } vectors[] = {
        {LIT(""), "", ""},
        {LIT("f"), "Zg==", "Zg"},
        {LIT("fo"), "Zm8=", "Zm8"},
        {LIT("foo"), "Zm9v", "Zm9v"},
        {LIT("foob"), "Zm9vYg==", "Zm9vYg"},
        {LIT("fooba"), "Zm9vYmE=", "Zm9vYmE"},
        {LIT("foobar"), "Zm9vYmFy", "Zm9vYmFy"},
        {LIT("\xfb\xff\xbf\x00"), "+/+/AA==", "-_-_AA"},
    };
    for (size_t i = 0; i < GS_COUNT(vectors); i++) {
        struct gs_buf buf;
        gs_buf_init(&buf, 64);
        gs_base64_encode(vectors[i].bytes, &buf);
        assert_slice(gs_buf_slice(&buf), vectors[i].text);
        gs_buf_clear(&buf);
        gs_base64url_encode(vectors[i].bytes, &buf);
        assert_slice(gs_buf_slice(&buf), vectors[i].url);
        gs_buf_clear(&buf);
        assert_true(gs_base64_decode(gs_slice_str(vectors[i].text), &buf));
        assert_true(gs_slice_eq(gs_buf_slice(&buf), vectors[i].bytes));
        gs_buf_release(&buf);
    }
}

static void base64_malformed(void **state)
{
    (void)state;
    static const struct gs_slice bad[] = {
        LIT("Z"),    LIT("Zg"),    LIT("Zg="),     LIT("Zg==="),    LIT("===="),
        LIT("Z==="), LIT("Zg=v"),  LIT("=Zg="),    LIT("Zg==Zg=="), LIT("Zm8=Zm9v"),
        LIT("Zh=="), LIT("Zm9="),  LIT("Zm-v"),    LIT("Zm_v"),     LIT("Zm9v\n"),
        LIT(" Zm9"), LIT("Zm9\0"), LIT("Zm9\x80"), LIT("Zm 9"),     LIT("Zm9vZ==="),
    };
    struct gs_buf buf;
    gs_buf_init(&buf, 64);
    gs_buf_append_str(&buf, "kept");
    for (size_t i = 0; i < GS_COUNT(bad); i++) {
        assert_false(gs_base64_decode(bad[i], &buf));
        assert_slice(gs_buf_slice(&buf), "kept");
    }
    gs_buf_release(&buf);
}

static void base64_that_does_not_fit_leaves_the_buffer(void **state)
{
    (void)state;
    struct gs_buf buf;
    gs_buf_init(&buf, 5);
    assert_false(gs_base64_decode(LIT("Zm9vYmFy"), &buf));
    assert_int_equal(buf.len, 0);
    assert_true(buf.failed);
    gs_buf_release(&buf);
}

static void base64_keeps_every_byte(void **state)
{
    (void)state;
    char bytes[256];
    for (int i = 0; i < 256; i++)
        bytes[i] = (char)i;
    for (size_t n = 0; n <= sizeof bytes; n++) {
        struct gs_buf text, back;
        gs_buf_init(&text, 1024);
        gs_buf_init(&back, 1024);
        gs_base64_encode(gs_slice_of(bytes, n), &text);
        assert_true(gs_base64_decode(gs_buf_slice(&text), &back));
        assert_true(gs_slice_eq(gs_buf_slice(&back), gs_slice_of(bytes, n)));
        gs_buf_release(&text);
        gs_buf_release(&back);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slices_compare_by_content),
        cmocka_unit_test(slices_know_their_ends),
        cmocka_unit_test(split_and_trim),
        cmocka_unit_test(whole_numbers),
        cmocka_unit_test(utf8_accepts_what_is_well_formed),
        cmocka_unit_test(utf8_refuses_the_rest),
        cmocka_unit_test(utf8_cut_anywhere_is_trimmed_to_characters),
        cmocka_unit_test(hex_there_and_back),
        cmocka_unit_test(base64_vectors),
        cmocka_unit_test(base64_malformed),
        cmocka_unit_test(base64_that_does_not_fit_leaves_the_buffer),
        cmocka_unit_test(base64_keeps_every_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
