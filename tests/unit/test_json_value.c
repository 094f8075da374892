// Members by name, built and copied documents, equality, and pointers.
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/clock.h"
#include "json/json.h"

#define LIT GS_SLICE_LIT

static yyjson_doc *parsed(struct gs_slice text)
{
    yyjson_doc *doc = NULL;
    assert_int_equal(gs_json_parse(text, "the text", &doc, NULL), GS_OK);
    return doc;
}

static void assert_mut(yyjson_mut_doc *doc, const char *expected)
{
    struct gs_buf buf;
    gs_buf_init(&buf, 1000);
    assert_int_equal(gs_json_write_mut(doc, &buf, NULL), GS_OK);
    assert_string_equal(buf.data, expected);
    gs_buf_release(&buf);
}

static void members_by_name_and_type(void **state)
{
    (void)state;
    GS_CLEANUP(gs_json_cleanup)
    yyjson_doc *doc =
        parsed(LIT("{\"s\":\"a\\u0000b\",\"e\":\"\",\"n\":1,\"a\":[1],\"o\":{\"x\":\"y\"}}"));
    yyjson_val *root = yyjson_doc_get_root(doc);
    assert_true(gs_slice_eq(gs_json_get_str(root, "s"), LIT("a\0b")));
    assert_non_null(gs_json_get_str(root, "e").data); // there, but empty
    assert_int_equal(gs_json_get_str(root, "e").len, 0);
    static const char *const no_strings[] = {"n", "a", "o", "none", ""};
    for (size_t i = 0; i < GS_COUNT(no_strings); i++) {
        assert_null(gs_json_get_str(root, no_strings[i]).data);
        assert_int_equal(gs_json_get_str(root, no_strings[i]).len, 0);
    }
    assert_int_equal(yyjson_arr_size(gs_json_get_arr(root, "a")), 1);
    assert_null(gs_json_get_arr(root, "o"));
    assert_null(gs_json_get_arr(root, "none"));
    assert_true(gs_slice_eq_str(gs_json_get_str(gs_json_get_obj(root, "o"), "x"), "y"));
    assert_null(gs_json_get_obj(root, "a"));

    yyjson_val *list = gs_json_get_arr(root, "a");
    assert_null(gs_json_get_str(list, "s").data);
    assert_null(gs_json_get_arr(list, "s"));
    assert_null(gs_json_get_obj(NULL, "s"));
    assert_null(gs_json_get_str(NULL, "s").data);
    assert_null(gs_json_str(NULL).data);
    gs_json_free(NULL);
    gs_json_free_mut(NULL);
}

static void built_documents_own_their_text(void **state)
{
    (void)state;
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    char name[] = "name", text[] = "text";
    assert_true(gs_json_add_str(doc, root, name, gs_slice_of(text, 3)));
    memset(name, 'x', 4);
    memset(text, 'x', 4);
    assert_true(gs_json_add_str(doc, root, "empty", LIT("")));
    assert_true(gs_json_add_str(doc, root, "null", GS_SLICE_EMPTY));
    assert_true(gs_json_add_cstr(doc, root, "c", "d\"e"));
    assert_true(gs_json_add_cstr(doc, root, "cnull", NULL));
    assert_true(gs_json_add_time(doc, root, "time", 1709210096789));
    assert_true(gs_json_add_time(doc, root, "never", 0));
    assert_true(gs_json_add_cstr(doc, root, "latin", "M\xfcller"));
    assert_mut(doc,
               "{\"name\":\"tex\",\"empty\":\"\",\"null\":null,\"c\":\"d\\\"e\",\"cnull\":null,"
               "\"time\":\"2024-02-29T12:34:56.789Z\",\"never\":null,"
               "\"latin\":\"M\xef\xbf\xbdller\"}");
    gs_json_free_mut(doc);
}

static void thaw_and_freeze_are_copies(void **state)
{
    (void)state;
    static const char text[] = "{\"a\":[1.50,\"x\\u0000y\",{}],\"b\":{\"c\":null}}";
    yyjson_doc *doc = parsed(gs_slice_str(text));
    yyjson_mut_doc *thawed;
    assert_int_equal(gs_json_thaw(gs_json_get_arr(yyjson_doc_get_root(doc), "a"), &thawed, NULL),
                     GS_OK);
    gs_json_free(doc);
    assert_true(yyjson_mut_is_raw(yyjson_mut_arr_get_first(yyjson_mut_doc_get_root(thawed))));
    yyjson_mut_arr_add_true(thawed, yyjson_mut_doc_get_root(thawed));

    yyjson_doc *frozen;
    assert_int_equal(gs_json_freeze(thawed, &frozen, NULL), GS_OK);
    yyjson_mut_arr_clear(yyjson_mut_doc_get_root(thawed));
    assert_mut(thawed, "[]");
    gs_json_free_mut(thawed);
    struct gs_buf buf;
    gs_buf_init(&buf, 1000);
    gs_json_write_compact(yyjson_doc_get_root(frozen), &buf);
    assert_string_equal(buf.data, "[1.5,\"x\\u0000y\",{},true]");
    gs_buf_release(&buf);
    gs_json_free(frozen);
}

static void equality(void **state)
{
    (void)state;
    static const struct {
        struct gs_slice a, b;
        bool equal;
    } rows[] = {
        {LIT("null"), LIT("null"), true},
        {LIT("true"), LIT("true"), true},
        {LIT("true"), LIT("false"), false},
        {LIT("false"), LIT("null"), false},
        {LIT("1"), LIT("1"), true},
        {LIT("1"), LIT("1.0"), false},
        {LIT("1"), LIT("\"1\""), false},
        {LIT("\"\\u00e9\\n\""), LIT("\"\xc3\xa9\\u000a\""), true},
        {LIT("\"a\\u0000b\""), LIT("\"a\\u0000c\""), false},
        {LIT("[]"), LIT("{}"), false},
        {LIT("[1,2]"), LIT("[1,2]"), true},
        {LIT("[1,2]"), LIT("[2,1]"), false},
        {LIT("[1,2]"), LIT("[1]"), false},
        {LIT("[1]"), LIT("[1,2]"), false},
        {LIT("{\"a\":1,\"b\":[{}]}"), LIT("{\"b\":[{}],\"a\":1}"), true},
        {LIT("{\"a\":1,\"b\":2,\"c\":3}"), LIT("{\"c\":3,\"a\":1,\"b\":2}"), true},
        {LIT("{\"a\":1}"), LIT("{\"a\":1,\"b\":2}"), false},
        {LIT("{\"a\":1,\"b\":2}"), LIT("{\"a\":1}"), false},
        {LIT("{\"a\":1,\"b\":2}"), LIT("{\"a\":1,\"c\":2}"), false},
        {LIT("{\"a\":1,\"b\":2}"), LIT("{\"a\":2,\"b\":1}"), false},
        {LIT("{\"a\":null}"), LIT("{\"b\":null}"), false},
        {LIT("{\"a\":{\"x\":[1,{\"y\":2,\"z\":3}]}}"), LIT("{\"a\":{\"x\":[1,{\"z\":3,\"y\":2}]}}"),
         true},
        {LIT("{\"a\":{\"x\":[1,{\"y\":2,\"z\":3}]}}"), LIT("{\"a\":{\"x\":[1,{\"z\":2,\"y\":3}]}}"),
         false},
    };
    for (size_t i = 0; i < GS_COUNT(rows); i++) {
        yyjson_doc *a = parsed(rows[i].a), *b = parsed(rows[i].b);
        yyjson_val *left = yyjson_doc_get_root(a), *right = yyjson_doc_get_root(b);
        assert_int_equal(gs_json_equal(left, right), rows[i].equal);
        assert_int_equal(gs_json_equal(right, left), rows[i].equal);
        assert_true(gs_json_equal(left, left));
        assert_false(gs_json_equal(left, NULL));
        assert_false(gs_json_equal(NULL, left));
        gs_json_free(a);
        gs_json_free(b);
    }
    assert_true(gs_json_equal(NULL, NULL));
}

// Members k0 to kN-1 in rising or falling order, where the value of one is another.
static yyjson_doc *numbered(size_t count, bool falling, size_t changed)
{
    struct gs_buf buf;
    gs_buf_init(&buf, 1 << 24);
    for (size_t n = 0; n < count; n++) {
        size_t i = falling ? count - 1 - n : n;
        gs_buf_printf(&buf, "%s\"k%zu\":%zu", n ? "," : "{", i, i == changed ? count : i);
    }
    gs_buf_append_char(&buf, '}');
    yyjson_doc *doc = parsed(gs_buf_slice(&buf));
    gs_buf_release(&buf);
    return doc;
}

static void equality_of_large_objects_in_any_order(void **state)
{
    (void)state;
    static const size_t sizes[] = {16, 17, 24, 25, 1000, 200000};
    int64_t start = gs_clock_mono_ms();
    for (size_t i = 0; i < GS_COUNT(sizes); i++) {
        yyjson_doc *rising = numbered(sizes[i], false, sizes[i]);
        yyjson_doc *falling = numbered(sizes[i], true, sizes[i]);
        yyjson_doc *changed = numbered(sizes[i], true, 1);
        yyjson_val *root = yyjson_doc_get_root(rising);
        assert_true(gs_json_equal(root, yyjson_doc_get_root(falling)));
        assert_false(gs_json_equal(root, yyjson_doc_get_root(changed)));
        gs_json_free(rising);
        gs_json_free(falling);
        gs_json_free(changed);
    }
    assert_true(gs_clock_mono_ms() - start < 20000); // searching each member would take minutes
}

static void pointers_escape_their_names(void **state)
{
    (void)state;
    GS_CLEANUP(gs_arena_cleanup) struct gs_arena *arena = gs_arena_new();
    assert_string_equal(gs_json_pointer(arena, "", LIT("app")), "/app");
    assert_string_equal(gs_json_pointer(arena, "/app/0", LIT("a/b~c")), "/app/0/a~1b~0c");
    assert_string_equal(gs_json_pointer(arena, "/x", LIT("~1")), "/x/~01");
    assert_string_equal(gs_json_pointer(arena, "/x", GS_SLICE_EMPTY), "/x/");
    assert_string_equal(gs_json_pointer(arena, "", LIT("//~~")), "/~1~1~0~0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_by_name_and_type),
        cmocka_unit_test(built_documents_own_their_text),
        cmocka_unit_test(thaw_and_freeze_are_copies),
        cmocka_unit_test(equality),
        cmocka_unit_test(equality_of_large_objects_in_any_order),
        cmocka_unit_test(pointers_escape_their_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
