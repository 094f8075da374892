// The writer's bytes against those of JSON.stringify, which were taken from a JavaScript engine.
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <math.h>

#include "json/json.h"

#define LIT GS_SLICE_LIT

static void assert_text(struct gs_buf *buf, const char *expected)
{
    assert_int_equal(gs_buf_check(buf, "the text", NULL), GS_OK);
    assert_string_equal(buf->data, expected);
    assert_int_equal(buf->len, strlen(expected));
    gs_buf_clear(buf);
}

// Parses text and compares both forms of what is written.
static void assert_written(struct gs_slice text, const char *pretty, const char *compact)
{
    yyjson_doc *doc = NULL;
    assert_int_equal(gs_json_parse(text, "the text", &doc, NULL), GS_OK);
    struct gs_buf buf;
    gs_buf_init(&buf, 1 << 20);
    if (pretty) {
        gs_json_write(yyjson_doc_get_root(doc), &buf);
        assert_text(&buf, pretty);
    }
    gs_json_write_compact(yyjson_doc_get_root(doc), &buf);
    assert_text(&buf, compact);
    gs_buf_release(&buf);
    gs_json_free(doc);
}

static void structures(void **state)
{
    (void)state;
    assert_written(LIT("{}"), "{}", "{}");
    assert_written(LIT(" [ ] "), "[]", "[]");
    assert_written(LIT("null"), "null", "null");
    assert_written(LIT("[1]"), "[\n  1\n]", "[1]");
    assert_written(LIT("{\"b\":[],\"a\":{},\"\":[{\"x\":[true,false,null,[[]]]}]}"),
                   "{\n"
                   "  \"b\": [],\n"
                   "  \"a\": {},\n"
                   "  \"\": [\n"
                   "    {\n"
                   "      \"x\": [\n"
                   "        true,\n"
                   "        false,\n"
                   "        null,\n"
                   "        [\n"
                   "          []\n"
                   "        ]\n"
                   "      ]\n"
                   "    }\n"
                   "  ]\n"
                   "}",
                   "{\"b\":[],\"a\":{},\"\":[{\"x\":[true,false,null,[[]]]}]}");
}

static void strings(void **state)
{
    (void)state;
    static const struct {
        struct gs_slice text;
        const char *written;
    } rows[] = {
        {LIT("\"\""), "\"\""},
        {LIT("\"\\u0008\\u0009\\u000a\\u000c\\u000d\\u0022\\u005c\""),
         "\"\\b\\t\\n\\f\\r\\\"\\\\\""},
        {LIT("\"\\/ \\u002f\""), "\"/ /\""},
        {LIT("\"\\u0000\\u0001\\u000b\\u001A\\u001f\\u0020\""),
         "\"\\u0000\\u0001\\u000b\\u001a\\u001f \""},
        {LIT("\"\\u007f\\u0080\\u00e9\\u2028\\u2029\\ufeff\\uffff\""),
         "\"\x7f\xc2\x80\xc3\xa9\xe2\x80\xa8\xe2\x80\xa9\xef\xbb\xbf\xef\xbf\xbf\""},
        {LIT("\"\\ud83d\\ude00 \xf0\x9f\x98\x80\""), "\"\xf0\x9f\x98\x80 \xf0\x9f\x98\x80\""},
        {LIT("\"<script>&'\""), "\"<script>&'\""},
        {LIT("\"1234567\\n\""), "\"1234567\\n\""},
        {LIT("\"12345678\\n\""), "\"12345678\\n\""},
        {LIT("\"123456789\\n123\\\"12345678\\\\\""), "\"123456789\\n123\\\"12345678\\\\\""},
    };
    for (size_t i = 0; i < GS_COUNT(rows); i++)
        assert_written(rows[i].text, rows[i].written, rows[i].written);
}

// Every byte that needs an escape, at every offset from a word boundary.
static void escapes_at_every_offset(void **state)
{
    (void)state;
    struct gs_buf buf;
    gs_buf_init(&buf, 1000);
    for (size_t at = 0; at < 20; at++) {
        for (int c = 0; c < 0x80; c++) {
            char text[20], escape[8], expected[64];
            memset(text, 'x', sizeof text);
            text[at] = (char)c;
            const char *letter = c ? strchr("\bb\tt\nn\ff\rr\"\"\\\\", c) : NULL;
            bool special = letter && c != 'b' && c != 't' && c != 'n' && c != 'f' && c != 'r';
            if (special)
                snprintf(escape, sizeof escape, "\\%c", letter[1]);
            else
                snprintf(escape, sizeof escape, c < 0x20 ? "\\u%04x" : "%c", c);
            snprintf(expected, sizeof expected, "\"%.*s%s%.*s\"", (int)at, "xxxxxxxxxxxxxxxxxxxx",
                     escape, (int)(19 - at), "xxxxxxxxxxxxxxxxxxxx");
            gs_json_write_string(gs_slice_of(text, sizeof text), &buf);
            assert_text(&buf, expected);
        }
    }
    gs_buf_release(&buf);
}

static void bytes_that_are_no_utf8_are_replaced(void **state)
{
    (void)state;
    static const struct {
        struct gs_slice bytes;
        const char *written;
    } rows[] = {
        {GS_SLICE_EMPTY, "\"\""},
        {LIT("M\xfcller"), "\"M\xef\xbf\xbdller\""},
        {LIT("\xff"), "\"\xef\xbf\xbd\""},
        {LIT("a\n\xc3"), "\"a\\n\xef\xbf\xbd\""},
        {LIT("\xed\xa0\x80\""), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\\\"\""},
        {LIT("\xc3\xb6\x80\xc3\xb6"), "\"\xc3\xb6\xef\xbf\xbd\xc3\xb6\""},
    };
    struct gs_buf buf;
    gs_buf_init(&buf, 1000);
    for (size_t i = 0; i < GS_COUNT(rows); i++) {
        gs_json_write_string(rows[i].bytes, &buf);
        assert_text(&buf, rows[i].written);
    }
    gs_buf_release(&buf);
}

static void numbers_take_the_form_of_javascript(void **state)
{
    (void)state;
    static const struct {
        struct gs_slice text;
        const char *written;
    } rows[] = {
        {LIT("0"), "0"},
        {LIT("-0"), "0"},
        {LIT("0.000"), "0"},
        {LIT("-0.0e-7"), "0"},
        {LIT("0e309"), "0"},
        {LIT("1.0"), "1"},
        {LIT("-1.50"), "-1.5"},
        {LIT("1E2"), "100"},
        {LIT("1e+2"), "100"},
        {LIT("12.5e0"), "12.5"},
        {LIT("0.1"), "0.1"},
        {LIT("100"), "100"},
        {LIT("1200e-2"), "12"},
        {LIT("1234e-2"), "12.34"},
        {LIT("0.000001"), "0.000001"},
        {LIT("0.00000123"), "0.00000123"},
        {LIT("0.0000001"), "1e-7"},
        {LIT("-0.000000123"), "-1.23e-7"},
        {LIT("1e-7"), "1e-7"},
        {LIT("1E-06"), "0.000001"},
        {LIT("1e20"), "100000000000000000000"},
        {LIT("123456789012345e6"), "123456789012345000000"},
        {LIT("1e21"), "1e+21"},
        {LIT("1000000000000000000000"), "1e+21"},
        {LIT("1230000000000000000000"), "1.23e+21"},
        {LIT("-5e+300"), "-5e+300"},
        {LIT("1e00000000000000000000005"), "100000"},
        {LIT("999999999999999"), "999999999999999"},
        {LIT("99999999999999.9"), "99999999999999.9"},
        {LIT("1.00000000000000000000000"), "1"},
        {LIT("0.000000000000000000000000000001"), "1e-30"},
        {LIT("1.79769313486231e308"), "1.79769313486231e+308"},
        {LIT("2.22507385850721e-308"), "2.22507385850721e-308"},
    };
    for (size_t i = 0; i < GS_COUNT(rows); i++)
        assert_written(rows[i].text, rows[i].written, rows[i].written);
}

static void numbers_that_a_double_would_change_stay(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "9007199254740993",
        "1234567890123456",
        "-12345678901234567890",
        "0.30000000000000004",
        "1.7976931348623157e+308",
        "3.14159265358979323846264338327950288",
        "1.234567890123456E5",
        "100000000000000000000000001",
        "1e309",
        "1e400",
        "-1e99999999999999999999",
        "1.79769313486232e308",
        "1e-400",
        "1e-308",
        "2.2250738585072e-308",
        "5e-324",
    };
    for (size_t i = 0; i < GS_COUNT(texts); i++)
        assert_written(gs_slice_str(texts[i]), texts[i], texts[i]);
}

// A fraction of zeros and the exponent that undoes it, each longer than any double could need.
static void numbers_may_be_absurdly_long(void **state)
{
    (void)state;
    struct gs_buf text;
    gs_buf_init(&text, 1 << 20);
    gs_buf_append_str(&text, "0.");
    for (int i = 0; i < 100000; i++)
        gs_buf_append_char(&text, '0');
    size_t zeros = text.len;
    gs_buf_append_str(&text, "25e100002");
    assert_written(gs_buf_slice(&text), "25", "25");
    gs_buf_truncate(&text, zeros);
    assert_written(gs_buf_slice(&text), "0", "0");
    gs_buf_release(&text);
}

static void numbers_of_built_documents(void **state)
{
    (void)state;
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_arr(doc);
    yyjson_mut_doc_set_root(doc, root);
    static const double reals[] = {0.0,    -0.0, 1.0,      -2.5,  1e21,     1e-7,   0.1 + 0.2,
                                   5e-324, NAN,  INFINITY, 1e300, 123456.0, 2.0 / 3};
    for (size_t i = 0; i < GS_COUNT(reals); i++)
        yyjson_mut_arr_add_real(doc, root, reals[i]);
    yyjson_mut_arr_add_uint(doc, root, UINT64_MAX);
    yyjson_mut_arr_add_sint(doc, root, INT64_MIN);
    struct gs_buf buf;
    gs_buf_init(&buf, 1000);
    assert_int_equal(gs_json_write_mut(doc, &buf, NULL), GS_OK);
    assert_text(&buf, "[0,0,1,-2.5,1e+21,1e-7,0.30000000000000004,5e-324,null,null,1e+300,123456,"
                      "0.6666666666666666,18446744073709551615,-9223372036854775808]");
    gs_buf_release(&buf);
    gs_json_free_mut(doc);
}

static void finished_texts_in_built_documents(void **state)
{
    (void)state;
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_arr(doc);
    yyjson_mut_doc_set_root(doc, root);
    static const char *const texts[] = {"[ ]", "{\"a\": 1.0}", "\"x\"", "null", "1.0"};
    for (size_t i = 0; i < GS_COUNT(texts); i++)
        yyjson_mut_arr_append(root, yyjson_mut_raw(doc, texts[i]));
    struct gs_buf buf;
    gs_buf_init(&buf, 1000);
    assert_int_equal(gs_json_write_mut(doc, &buf, NULL), GS_OK);
    assert_text(&buf, "[[ ],{\"a\": 1.0},\"x\",null,1]");
    gs_buf_release(&buf);
    gs_json_free_mut(doc);
}

static void limits_fail_in_the_buffer(void **state)
{
    (void)state;
    static const char text[] =
        "{\"name\":[1,2.50,\"\\u0001 \xc3\xb6\",{}],\"long\":\"0123456789\"}";
    yyjson_doc *doc;
    assert_int_equal(gs_json_parse(gs_slice_str(text), "the text", &doc, NULL), GS_OK);
    struct gs_buf whole;
    gs_buf_init(&whole, 1000);
    gs_json_write(yyjson_doc_get_root(doc), &whole);
    for (size_t max = 0; max <= whole.len; max++) {
        struct gs_buf buf;
        gs_buf_init(&buf, max);
        gs_json_write(yyjson_doc_get_root(doc), &buf);
        assert_int_equal(gs_buf_check(&buf, "the text", NULL), max < whole.len ? GS_LIMIT : GS_OK);
        assert_true(buf.len <= max);
        assert_true(!buf.data || buf.data[buf.len] == 0);
        gs_buf_release(&buf);
    }
    yyjson_mut_doc *thawed;
    assert_int_equal(gs_json_thaw(yyjson_doc_get_root(doc), &thawed, NULL), GS_OK);
    struct gs_buf small;
    gs_buf_init(&small, 10);
    struct gs_error err = GS_ERROR_INIT;
    assert_int_equal(gs_json_write_mut(thawed, &small, &err), GS_LIMIT);
    assert_int_equal(err.code, GS_CODE_TOO_LARGE);
    gs_buf_release(&small);
    gs_buf_release(&whole);
    gs_json_free_mut(thawed);
    gs_json_free(doc);
}

static void writing_appends(void **state)
{
    (void)state;
    struct gs_buf buf;
    gs_buf_init(&buf, 100);
    gs_buf_append_str(&buf, "data: ");
    gs_json_write_compact(NULL, &buf);
    gs_buf_append_char(&buf, ' ');
    gs_json_write_string(LIT("s"), &buf);
    assert_text(&buf, "data: null \"s\"");
    gs_buf_release(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(structures),
        cmocka_unit_test(strings),
        cmocka_unit_test(escapes_at_every_offset),
        cmocka_unit_test(bytes_that_are_no_utf8_are_replaced),
        cmocka_unit_test(numbers_take_the_form_of_javascript),
        cmocka_unit_test(numbers_that_a_double_would_change_stay),
        cmocka_unit_test(numbers_may_be_absurdly_long),
        cmocka_unit_test(numbers_of_built_documents),
        cmocka_unit_test(finished_texts_in_built_documents),
        cmocka_unit_test(limits_fail_in_the_buffer),
        cmocka_unit_test(writing_appends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
