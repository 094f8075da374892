// What the parser accepts, what it refuses, and where it says the fault is.
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <sys/resource.h>

#include "base/arena.h"
#include "base/clock.h"
#include "json/json.h"

#define LIT GS_SLICE_LIT

// Parses a copy that ends where its memory ends, so that a sanitizer sees a step too far.
static enum gs_status parse(struct gs_slice text, yyjson_doc **out_doc, struct gs_error *err)
{
    char *exact = gs_xcalloc(1, text.len);
    if (text.len)
        memcpy(exact, text.data, text.len);
    enum gs_status status = gs_json_parse(gs_slice_of(exact, text.len), "the body", out_doc, err);
    free(exact);
    return status;
}

static void assert_accepted(struct gs_slice text)
{
    yyjson_doc *doc = NULL;
    struct gs_error err = GS_ERROR_INIT;
    assert_int_equal(parse(text, &doc, &err), GS_OK);
    assert_int_equal(err.code, GS_CODE_NONE);
    assert_non_null(yyjson_doc_get_root(doc));
    gs_json_free(doc);
}

static void assert_refused(struct gs_slice text, const char *place)
{
    yyjson_doc *untouched = (yyjson_doc *)&text, *doc = untouched;
    struct gs_error err = GS_ERROR_INIT;
    assert_int_equal(parse(text, &doc, &err), GS_INVALID);
    assert_int_equal(err.code, GS_CODE_INVALID_JSON);
    assert_ptr_equal(doc, untouched);
    assert_int_equal(strncmp(err.message, "the body is not valid JSON: ", 28), 0);
    assert_non_null(strstr(err.message, " at line "));
    if (place)
        assert_true(gs_slice_ends(gs_slice_str(err.message), place));
    assert_int_equal(parse(text, &doc, NULL), GS_INVALID);
}

static void well_formed_texts(void **state)
{
    (void)state;
    static const struct gs_slice good[] = {
        LIT("{}"),
        LIT("[]"),
        LIT("0"),
        LIT("-0"),
        LIT("\"\""),
        LIT(" \t\r\n null \n"),
        LIT("[1,-1.5,1e5,1E+5,1.0e-5,123456789012345678901234567890]"),
        LIT("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000\\uD83D\\ude00\""),
        LIT("{\"\":{\"\":{\"\":[]}}}"),
        LIT("[{\"a\":1},{\"a\":1}]"),
        LIT("{\"a\":{\"a\":{\"a\":1}},\"A\":1,\"a\\u0000\":2}"),
        LIT("\"\x7f \xc2\x80 \xe2\x80\xa8 \xef\xbf\xbf \xf4\x8f\xbf\xbf\""),
    };
    for (size_t i = 0; i < GS_COUNT(good); i++)
        assert_accepted(good[i]);
}

static void malformed_texts(void **state)
{
    (void)state;
    static const struct gs_slice bad[] = {
        LIT(""),
        LIT(" "),
        LIT("\xef\xbb\xbf{}"),
        LIT("{} {}"),
        LIT("{}x"),
        LIT("{}\0"),
        LIT("\0"),
        LIT("[1,]"),
        LIT("{\"a\":1,}"),
        LIT("{,}"),
        LIT("[,1]"),
        LIT("[1 2]"),
        LIT("{\"a\" 1}"),
        LIT("{\"a\"}"),
        LIT("{1:2}"),
        LIT("{a:1}"),
        LIT("{'a':1}"),
        LIT("// x\n1"),
        LIT("/* x */1"),
        LIT("1 // x"),
        LIT("NaN"),
        LIT("nan"),
        LIT("Infinity"),
        LIT("-Infinity"),
        LIT("[inf]"),
        LIT("tru"),
        LIT("nullx"),
        LIT("True"),
        LIT("01"),
        LIT("-01"),
        LIT("1."),
        LIT(".5"),
        LIT("+1"),
        LIT("-"),
        LIT("1e"),
        LIT("1e+"),
        LIT("0x1"),
        LIT("1_0"),
        LIT("--1"),
        LIT("\""),
        LIT("\"\\\""),
        LIT("\"\\"),
        LIT("\"\\x\""),
        LIT("\"\\u12\""),
        LIT("\"\\u12g4\""),
        LIT("\"\n\""),
        LIT("\"\x1f\""),
        LIT("\"a\0b\""),
        LIT("\"\x80\""),
        LIT("\"\xc0\x80\""),
        LIT("\"\xed\xa0\x80\""),
        LIT("\"\xf4\x90\x80\x80\""),
        LIT("\"\xc3\""),
        LIT("\"\\ud800\""),
        LIT("\"\\udc00\""),
        LIT("\"\\ud800\\ud800\""),
        LIT("\"\\ud800x\""),
        LIT("[}"),
        LIT("{]"),
        LIT("]"),
        LIT("[[]"),
        LIT("[]]"),
        LIT("\xa0"
            "1"),
        LIT("\v1"),
        LIT("\\"),
        LIT("[\\"),
        LIT("{\"a\":\"\\"),
        LIT("\xff"),
    };
    for (size_t i = 0; i < GS_COUNT(bad); i++)
        assert_refused(bad[i], NULL);
}

static void faults_have_their_place(void **state)
{
    (void)state;
    assert_refused(LIT(""), "at line 1, column 1");
    assert_refused(LIT("x"), "at line 1, column 1");
    assert_refused(LIT("{\n  \"a\": 1,\n  \"b\": x\n}"), "at line 3, column 8");
    assert_refused(LIT("[\"Gr\xc3\xb6\xc3\x9f\xf0\x9f\x98\x80\", x]"), "at line 1, column 11");
    assert_refused(LIT("{\"a\":1} x"), "at line 1, column 9");
}

static void member_names_occur_once(void **state)
{
    (void)state;
    assert_refused(LIT("{\"a\":1,\"a\":2}"), "at line 1, column 8");
    assert_refused(LIT("{\"a\":1,\"b\":2,\"\\u0061\":3}"), "at line 1, column 14");
    assert_refused(LIT("{\"\":1,\"\":1}"), "at line 1, column 7");
    assert_refused(LIT("[\"a\",\"\\\"]{\",{\"x\":\"y\",\n\"d\":[\"d\",{\"d\":\"d\"}],\n\"d\":1}]"),
                   "at line 3, column 1");
    assert_refused(LIT("{\"o\":{\"p\":[0,{\"q\":1,\"q\":1}]}}"), "at line 1, column 21");
    assert_refused(LIT("{\"a\\u0000\":1,\"a\\u0000\":1}"), "at line 1, column 14");
}

// {"k0":0,…,"kN-1":0} with the last name changed to "k<twice>".
static void append_object(struct gs_buf *buf, size_t members, size_t twice)
{
    for (size_t i = 0; i < members; i++)
        gs_buf_printf(buf, "%s\"k%zu\":%zu", i ? "," : "{", i + 1 < members ? i : twice, i);
    gs_buf_append_char(buf, '}');
}

static void member_names_occur_once_in_objects_of_any_size(void **state)
{
    (void)state;
    static const size_t sizes[] = {2, 15, 16, 17, 18, 23, 24, 25, 100, 5000};
    struct gs_buf buf;
    gs_buf_init(&buf, 1 << 20);
    for (size_t i = 0; i < GS_COUNT(sizes); i++) {
        gs_buf_clear(&buf);
        append_object(&buf, sizes[i], sizes[i]);
        assert_accepted(gs_buf_slice(&buf));
        size_t others[] = {0, sizes[i] / 2 - (sizes[i] == 2), sizes[i] - 2};
        for (size_t n = 0; n < GS_COUNT(others); n++) {
            gs_buf_clear(&buf);
            append_object(&buf, sizes[i], others[n]);
            assert_refused(gs_buf_slice(&buf), NULL);
        }
    }
    gs_buf_release(&buf);
}

static void many_members_take_linear_time(void **state)
{
    (void)state;
    struct gs_buf buf;
    gs_buf_init(&buf, 1 << 28);
    append_object(&buf, 500000, 0);
    int64_t start = gs_clock_mono_ms();
    assert_refused(gs_buf_slice(&buf), NULL);
    assert_true(gs_clock_mono_ms() - start < 20000); // comparing all pairs would take an hour
    gs_buf_release(&buf);
}

static struct gs_slice nested(struct gs_buf *buf, size_t levels)
{
    gs_buf_clear(buf);
    for (size_t i = 0; i < levels; i++)
        gs_buf_append_str(buf, i % 2 ? "{\"[{\\\"[{\":" : "[");
    gs_buf_append_str(buf, "\"[[[[{{{{\"");
    for (size_t i = levels; i-- > 0;)
        gs_buf_append_char(buf, i % 2 ? '}' : ']');
    return gs_buf_slice(buf);
}

static void nesting_ends_at_the_limit(void **state)
{
    (void)state;
    struct gs_buf buf;
    gs_buf_init(&buf, 1 << 20);
    assert_accepted(nested(&buf, 1));
    assert_accepted(nested(&buf, GS_JSON_MAX_DEPTH));
    assert_refused(nested(&buf, GS_JSON_MAX_DEPTH + 1), NULL);
    assert_refused(nested(&buf, 5000), NULL);

    // Depth counts what is open at the same time.
    gs_buf_clear(&buf);
    gs_buf_append_char(&buf, '[');
    for (size_t i = 0; i < 1000; i++)
        gs_buf_append_str(&buf, "[{}],");
    gs_buf_append_str(&buf, "0]");
    assert_accepted(gs_buf_slice(&buf));

    gs_buf_clear(&buf);
    for (size_t i = 0; i < 300; i++)
        gs_buf_append_char(&buf, '[');
    assert_refused(gs_buf_slice(&buf), "too many levels of nesting at line 1, column 257");
    gs_buf_release(&buf);
}

static long peak_kilobytes(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

static void absurd_nesting_costs_no_memory(void **state)
{
    (void)state;
    size_t len = 64 << 20;
    char *text = malloc(len);
    assert_non_null(text);
    memset(text, '[', len);
    long before = peak_kilobytes();
    yyjson_doc *doc;
    assert_int_equal(gs_json_parse(gs_slice_of(text, len), "the body", &doc, NULL), GS_INVALID);
    assert_true(peak_kilobytes() - before < 4096);
    free(text);
}

static const char sample[] =
    "{\"app\": [{\"definition\": {\"appV2\": {\"id\": \"0197\", \"name\": "
    "\"Gr\xc3\xb6\xc3\x9f\xf0\x9f\x98\x80\\n\\u00e9\","
    " \"list\": [1, -2.50e+3, true, false, null, {}, []], \"\\ud83d\\ude00\": \"\\\\\"}}}],\n"
    " \"tooljet_version\": \"3.20.45-ee-lts\"}";

static void every_truncation_is_refused(void **state)
{
    (void)state;
    assert_accepted(gs_slice_str(sample));
    for (size_t n = 0; n < sizeof sample - 1; n++)
        assert_refused(gs_slice_of(sample, n), NULL);
}

static void every_changed_byte_is_survived(void **state)
{
    (void)state;
    char text[sizeof sample];
    for (size_t i = 0; i < sizeof sample - 1; i++) {
        for (int c = 0; c < 256; c++) {
            memcpy(text, sample, sizeof sample);
            text[i] = (char)c;
            yyjson_doc *doc = NULL;
            enum gs_status status = parse(gs_slice_of(text, sizeof sample - 1), &doc, NULL);
            assert_true(status == GS_OK || status == GS_INVALID);
            gs_json_free(doc);
        }
    }
}

static void numbers_stay_text(void **state)
{
    (void)state;
    yyjson_doc *doc;
    assert_int_equal(parse(LIT("[1.0,-0,1E2,12345678901234567890123]"), &doc, NULL), GS_OK);
    static const char *const texts[] = {"1.0", "-0", "1E2", "12345678901234567890123"};
    for (size_t i = 0; i < GS_COUNT(texts); i++) {
        yyjson_val *item = yyjson_arr_get(yyjson_doc_get_root(doc), i);
        assert_true(yyjson_is_raw(item));
        assert_int_equal(yyjson_get_len(item), strlen(texts[i]));
        assert_memory_equal(yyjson_get_raw(item), texts[i], strlen(texts[i]));
    }
    gs_json_free(doc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(well_formed_texts),
        cmocka_unit_test(malformed_texts),
        cmocka_unit_test(faults_have_their_place),
        cmocka_unit_test(member_names_occur_once),
        cmocka_unit_test(member_names_occur_once_in_objects_of_any_size),
        cmocka_unit_test(many_members_take_linear_time),
        cmocka_unit_test(nesting_ends_at_the_limit),
        cmocka_unit_test(absurd_nesting_costs_no_memory),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(every_changed_byte_is_survived),
        cmocka_unit_test(numbers_stay_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
