// Summaries of documents: what is written is what is read, and nothing else is.
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "app/summary.h"
#include "app_fixture.h"

#define GIT_ID "3c2c0adac3df435b04b1a1a876d55e01d3490f4c"
#define STREAM_ID "8af0b25c116d8c3972339034b1568e39a04a339099b15eee9101f523b8e63b59"

struct summed {
    struct app_side side;
    struct gs_arena *arena;
    struct gs_summary made, read;
    struct gs_buf text;
};

static void begin(struct summed *s, const char *members)
{
    *s = (struct summed){.side = app_side_of(app_document(members)), .arena = gs_arena_new()};
    gs_buf_init(&s->text, 64 << 10);
    gs_document_summarize(&s->side.document, s->arena, &s->made);
    s->made.git_id = GIT_ID;
    s->made.stream_id = STREAM_ID;
    gs_summary_write(&s->made, &s->text);
}

static void end(struct summed *s)
{
    gs_buf_release(&s->text);
    gs_arena_free(s->arena);
    app_side_release(&s->side);
}

static void assert_same_scan(const struct gs_scan *a, const struct gs_scan *b)
{
    assert_int_equal(a->secret_count, b->secret_count);
    for (size_t i = 0; i < a->secret_count && i < GS_SCAN_SECRETS_MAX; i++) {
        assert_string_equal(a->secrets[i].path, b->secrets[i].path);
        assert_string_equal(a->secrets[i].key, b->secrets[i].key);
    }
    assert_int_equal(a->need_count, b->need_count);
    for (size_t i = 0; i < a->need_count; i++) {
        assert_int_equal(a->needs[i].kind, b->needs[i].kind);
        assert_string_equal(a->needs[i].name, b->needs[i].name);
    }
    assert_int_equal(a->module_count, b->module_count);
    for (size_t i = 0; i < a->module_count; i++)
        assert_string_equal(a->modules[i], b->modules[i]);
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "'type':'module',",
        "'workflowApiToken':'t','dataSources':[{'options':{'a~/b':{'private_key':'x'}}}],",
        "'x':'{{constants.A}} {{secrets.B}} {{secrets.A}}',",
        "'components':[{'properties':{'moduleAppId':{'value':'M1'}}},"
        "{'properties':{'moduleAppId':'M2'}}],",
    };
    for (size_t i = 0; i < GS_COUNT(cases); i++) {
        struct summed s;
        begin(&s, cases[i]);
        assert_true(gs_summary_read(gs_buf_slice(&s.text), s.arena, &s.read));
        assert_string_equal(s.read.git_id, GIT_ID);
        assert_string_equal(s.read.stream_id, STREAM_ID);
        assert_string_equal(s.read.version_id, "V");
        assert_string_equal(s.read.version_name, "v1");
        assert_int_equal(s.read.is_module, i == 1);
        assert_int_equal(gs_scan_is_empty(&s.read.scan), i < 2);
        assert_same_scan(&s.made.scan, &s.read.scan);
        end(&s);
    }
}

static void secrets_beyond_the_list_are_counted(void **state)
{
    (void)state;
    GS_CLEANUP(gs_buf_release) struct gs_buf text = {.max = 1 << 20};
    gs_buf_append_str(&text, "'dataSources':[{'options':[");
    for (size_t i = 0; i < GS_SCAN_SECRETS_MAX + 50; i++)
        gs_buf_append_str(&text, "{'token':'t'},");
    gs_buf_append_str(&text, "0]}],");
    struct summed s;
    begin(&s, text.data);
    assert_true(gs_summary_read(gs_buf_slice(&s.text), s.arena, &s.read));
    assert_int_equal(s.read.scan.secret_count, GS_SCAN_SECRETS_MAX + 50);
    assert_same_scan(&s.made.scan, &s.read.scan);
    end(&s);
}

// Better none than half of one.
static void what_is_too_long_or_not_whole_is_not_written(void **state)
{
    (void)state;
    struct summed s;
    begin(&s, "");
    GS_CLEANUP(gs_buf_release) struct gs_buf small = {.max = 100};
    gs_summary_write(&s.made, &small);
    assert_int_equal(small.len, 0);
    s.made.git_id = NULL;
    gs_summary_write(&s.made, &s.text);
    assert_int_equal(s.text.len, 0);
    end(&s);
}

// Replaces the first from by to.
static char *changed(const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    assert_non_null(at);
    struct gs_buf out = {.max = 1 << 20};
    gs_buf_append(&out, text, (size_t)(at - text));
    gs_buf_append_str(&out, to);
    gs_buf_append_str(&out, at + strlen(from));
    return gs_buf_take(&out, NULL);
}

static void what_others_wrote_is_not_read(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to;
    } cases[] = {
        {"\"rules\":\"1\"", "\"rules\":\"0\""},
        {"\"rules\":\"1\"", "\"rules\":1"},
        {"\"gitId\"", "\"git\""},
        {"\"" STREAM_ID "\"", "null"},
        {"\"versionId\":\"V\"", "\"v\":\"V\""},
        {"\"secretCount\":\"1\"", "\"secretCount\":\"2\""},
        {"\"secretCount\":\"1\"", "\"c\":\"1\""},
        {"\"path\"", "\"p\""},
        {"\"needs\":[", "\"n\":["},
        {"\"name\":\"A\"", "\"name\":7"},
        {"\"modules\":[", "\"modules\":[null,"},
        {"{", "["},
    };
    struct summed s;
    begin(&s, "'workflowApiToken':'t','x':'{{constants.A}}',");
    for (size_t i = 0; i < GS_COUNT(cases); i++) {
        char *text = changed(s.text.data, cases[i].from, cases[i].to);
        assert_false(gs_summary_read(gs_slice_str(text), s.arena, &s.read));
        free(text);
    }
    assert_false(gs_summary_read(GS_SLICE_EMPTY, s.arena, &s.read));
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(secrets_beyond_the_list_are_counted),
        cmocka_unit_test(what_is_too_long_or_not_whole_is_not_written),
        cmocka_unit_test(what_others_wrote_is_not_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
