// What a request head may be, how its target is taken apart and which route it finds, without any
// socket.
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/http_internal.h"

// ---- Heads ----------------------------------------------------------------------------------

struct head_case {
    const char *method, *version;
    const char *fields; // "Name: value|Name: value"
    enum gs_code code;
};

static enum gs_code check(const struct head_case *c, struct gs_http_framing *framing)
{
    struct gs_http_field fields[8];
    struct gs_http_head head = {
        .method = gs_slice_str(c->method),
        .target = GS_SLICE_LIT("/"),
        .version = gs_slice_str(c->version),
        .fields = fields,
        .size = 100,
        .exact = true,
    };
    struct gs_slice rest = gs_slice_str(c->fields);
    while (rest.len > 0) {
        struct gs_slice value = gs_slice_split(&rest, '|');
        struct gs_http_field *field = &fields[head.field_count++];
        field->name = gs_slice_split(&value, ':');
        field->value = value.len > 0 ? gs_slice_of(value.data + 1, value.len - 1) : value;
    }
    struct gs_error err = GS_ERROR_INIT;
    enum gs_status status = gs_http_head_check(&head, framing, &err);
    assert_int_equal(status, gs_error_status(&err));
    return err.code;
}

#define BAD GS_CODE_INVALID_REQUEST
#define FINE GS_CODE_NONE

static void heads_are_checked(void **state)
{
    (void)state;
    static const struct head_case cases[] = {
        {"GET", "HTTP/1.1", "Host: a", FINE},
        {"GET", "HTTP/1.1", "Host: a.example:8080", FINE},
        {"GET", "HTTP/1.1", "Host: [::1]:8080", FINE},
        {"GET", "HTTP/1.1", "host: ", FINE},
        {"GET", "HTTP/1.1", "", BAD},
        {"GET", "HTTP/1.1", "Host: a|HOST: a", BAD},
        {"GET", "HTTP/1.1", "Host: a b", BAD},
        {"GET", "HTTP/1.1", "Host: a/b", BAD},
        {"GET", "HTTP/1.1", "Host: a@b", BAD},
        {"GET", "HTTP/1.0", "", FINE},
        {"GET", "HTTP/1.2", "Host: a", BAD},
        {"GET", "http/1.1", "Host: a", BAD},
        {"GET", "", "Host: a", BAD},
        {"G(T", "HTTP/1.1", "Host: a", BAD},
        {"", "HTTP/1.1", "Host: a", BAD},
        {"M-SEARCH", "HTTP/1.1", "Host: a", FINE},
        {"GET", "HTTP/1.1", "Host: a|X y: 1", BAD},
        {"GET", "HTTP/1.1", "Host: a|X : 1", BAD},
        {"GET", "HTTP/1.1", "Host: a|: 1", BAD},
        {"GET", "HTTP/1.1", "Host: a|X\xc3\xa4: 1", BAD},
        {"GET", "HTTP/1.1", "Host: a|X: \x01", BAD},
        {"GET", "HTTP/1.1", "Host: a|X: a\rb", BAD},
        {"GET", "HTTP/1.1", "Host: a|X: \x7f", BAD},
        {"GET", "HTTP/1.1", "Host: a|X: a\tb \xc3\xa4", FINE},
        {"GET", "HTTP/1.1", "Host: a|Authorization: a|authorization: a", BAD},
        {"GET", "HTTP/1.1", "Host: a|Content-Type: a|Content-Type: a", BAD},
        {"GET", "HTTP/1.1", "Host: a|Accept: a|Accept: b", FINE},
        {"POST", "HTTP/1.1", "Host: a|Content-Length: 5", FINE},
        {"POST", "HTTP/1.1", "Host: a|Content-Length: 5|Content-Length: 5", BAD},
        {"POST", "HTTP/1.1", "Host: a|Content-Length: 5, 5", BAD},
        {"POST", "HTTP/1.1", "Host: a|Content-Length: ", BAD},
        {"POST", "HTTP/1.1", "Host: a|Content-Length: +5", BAD},
        {"POST", "HTTP/1.1", "Host: a|Content-Length: -5", BAD},
        {"POST", "HTTP/1.1", "Host: a|Content-Length: 0x5", BAD},
        {"POST", "HTTP/1.1", "Host: a|Content-Length: 5 ", BAD},
        {"POST", "HTTP/1.1", "Host: a|Content-Length: 5|Transfer-Encoding: chunked", BAD},
        {"POST", "HTTP/1.1", "Host: a|Transfer-Encoding: chunked", FINE},
        {"POST", "HTTP/1.1", "Host: a|Transfer-Encoding: CHUNKED", FINE},
        {"POST", "HTTP/1.0", "Host: a|Transfer-Encoding: chunked", BAD},
        {"POST", "HTTP/1.1", "Host: a|Transfer-Encoding: chunked ", BAD},
        {"POST", "HTTP/1.1", "Host: a|Transfer-Encoding: gzip, chunked", BAD},
        {"POST", "HTTP/1.1", "Host: a|Transfer-Encoding: identity", BAD},
        {"POST", "HTTP/1.1", "Host: a|Transfer-Encoding: ", BAD},
        {"POST", "HTTP/1.1", "Host: a|Transfer-Encoding: chunked|Transfer-Encoding: x", BAD},
    };
    for (size_t i = 0; i < GS_COUNT(cases); i++) {
        struct gs_http_framing framing;
        enum gs_code code = check(&cases[i], &framing);
        if (code != cases[i].code)
            fail_msg("%s %s: %s", cases[i].version, cases[i].fields, gs_code_text(code));
    }
}

static void lengths_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *field;
        uint64_t length;
    } cases[] = {
        {"Host: a|Content-Length: 0", 0},
        {"Host: a|Content-Length: 007", 7},
        {"Host: a|Content-Length: 2147483648", 2147483648},
        {"Host: a|Content-Length: 18446744073709551615", UINT64_MAX},
        {"Host: a|Content-Length: 1000000000000000000000000000000", UINT64_MAX},
    };
    for (size_t i = 0; i < GS_COUNT(cases); i++) {
        struct gs_http_framing framing;
        struct head_case head = {"POST", "HTTP/1.1", cases[i].field, GS_CODE_NONE};
        assert_int_equal(check(&head, &framing), GS_CODE_NONE);
        assert_false(framing.chunked);
        assert_true(framing.length == cases[i].length);
    }
}

static void heads_have_a_size(void **state)
{
    (void)state;
    static struct gs_http_field fields[GS_HTTP_FIELDS_MAX + 1];
    static char path[GS_HTTP_TARGET_MAX + 1];
    memset(path, 'a', sizeof path);
    for (size_t i = 0; i < GS_COUNT(fields); i++)
        fields[i] = (struct gs_http_field){GS_SLICE_LIT("X"), GS_SLICE_LIT("y")};
    fields[0].name = GS_SLICE_LIT("Host");
    struct gs_http_head head = {
        .method = GS_SLICE_LIT("GET"),
        .target = gs_slice_of(path, GS_HTTP_TARGET_MAX),
        .version = GS_SLICE_LIT("HTTP/1.1"),
        .fields = fields,
        .field_count = GS_HTTP_FIELDS_MAX,
        .size = GS_HTTP_HEAD_MAX,
        .exact = true,
    };
    struct gs_http_framing framing;
    assert_int_equal(gs_http_head_check(&head, &framing, NULL), GS_OK);
    struct gs_http_head more = head;
    more.size++;
    assert_int_equal(gs_http_head_check(&more, &framing, NULL), GS_LIMIT);
    more = head;
    more.field_count++;
    assert_int_equal(gs_http_head_check(&more, &framing, NULL), GS_LIMIT);
    more = head;
    more.target.len++;
    assert_int_equal(gs_http_head_check(&more, &framing, NULL), GS_LIMIT);
    more = head;
    more.exact = false;
    assert_int_equal(gs_http_head_check(&more, &framing, NULL), GS_INVALID);
}

// ---- Targets --------------------------------------------------------------------------------

static const char *member(const struct gs_http_target *target, const char *name)
{
    for (size_t i = 0; i < target->member_count; i++)
        if (strcmp(target->members[i].name, name) == 0)
            return target->members[i].value;
    return "(absent)";
}

static void targets_are_taken_apart(void **state)
{
    (void)state;
    static const struct {
        const char *raw, *path, *segments, *a;
    } cases[] = {
        {"/", "/", "", "(absent)"},
        {"/x/y", "/x/y", "x|y", "(absent)"},
        {"/x/", "/x/", "x|", "(absent)"},
        {"//x", "//x", "|x", "(absent)"},
        {"/x%2fy/%C3%a4?", "/x%2fy/%C3%a4", "x/y|\xc3\xa4", "(absent)"},
        {"/../x/.", "/../x/.", "..|x|.", "(absent)"},
        {"/x?a", "/x", "x", ""},
        {"/x?a=", "/x", "x", ""},
        {"/x?a=1&a=2", "/x", "x", "1"},
        {"/x?b&&a=%3d%26&c", "/x", "x", "=&"},
        {"/x?a=1=2", "/x", "x", "1=2"},
        {"/x?a=b+c%2Bd", "/x", "x", "b c+d"},
        {"/x+y?%61=1", "/x+y", "x+y", "1"},
        {"/x?a=?/", "/x", "x", "?/"},
        {"http://host/x?a=1", "/x", "x", "1"},
        {"HTTPS://host:8443/x", "/x", "x", "(absent)"},
        {"http://host", "/", "", "(absent)"},
        {"http://host?a=1", "/", "", "1"},
    };
    for (size_t i = 0; i < GS_COUNT(cases); i++) {
        GS_CLEANUP(gs_arena_cleanup) struct gs_arena *arena = gs_arena_new();
        struct gs_http_target target;
        assert_int_equal(gs_http_target_parse(arena, gs_slice_str(cases[i].raw), &target, NULL),
                         GS_OK);
        const char *segments = target.segments[0];
        for (size_t k = 1; k < target.segment_count; k++)
            segments = gs_arena_printf(arena, "%s|%s", segments, target.segments[k]);
        assert_string_equal(segments, cases[i].segments);
        assert_true(gs_slice_eq_str(target.path, cases[i].path));
        assert_string_equal(member(&target, "a"), cases[i].a);
    }
}

static void bad_targets_are_refused(void **state)
{
    (void)state;
    static const char *const targets[] = {
        "",          "x",           "*",        "host:80",  "ftp://host/x", "http://",
        "http:///x", "http://u@h/", "/%",       "/%4",      "/%4g",         "/%%20",
        "/%00",      "/x%00y",      "/%c3",     "/%c0%af",  "/\xff",        "/%ed%a0%80",
        "/a b",      "/a\tb",       "/a#b",     "/\x7f",    "/a\x01",       "/x?a=%",
        "/x?%zz=1",  "/x?a=%00",    "/x?a=%ff", "/x?a=1#f",
    };
    for (size_t i = 0; i < GS_COUNT(targets); i++) {
        GS_CLEANUP(gs_arena_cleanup) struct gs_arena *arena = gs_arena_new();
        struct gs_http_target target;
        struct gs_error err = GS_ERROR_INIT;
        if (gs_http_target_parse(arena, gs_slice_str(targets[i]), &target, &err) == GS_OK)
            fail_msg("accepted: %s", targets[i]);
        assert_int_equal(err.code, GS_CODE_INVALID_REQUEST);
    }
}

static void targets_have_limits(void **state)
{
    (void)state;
    GS_CLEANUP(gs_arena_cleanup) struct gs_arena *arena = gs_arena_new();
    char text[1000] = "/x?";
    for (size_t i = 0; i < GS_HTTP_MEMBERS_MAX; i++)
        memcpy(text + strlen(text), "&a=1", 5);
    struct gs_http_target target;
    assert_int_equal(gs_http_target_parse(arena, gs_slice_str(text), &target, NULL), GS_OK);
    assert_int_equal(target.member_count, GS_HTTP_MEMBERS_MAX);
    memcpy(text + strlen(text), "&a=1", 5);
    assert_int_equal(gs_http_target_parse(arena, gs_slice_str(text), &target, NULL), GS_INVALID);
    char deep[100];
    memset(deep, '/', sizeof deep);
    assert_int_equal(gs_http_target_parse(arena, gs_slice_of(deep, sizeof deep), &target, NULL),
                     GS_OK);
    assert_int_equal(target.segment_count, GS_HTTP_SEGMENTS_MAX + 1);
}

// ---- Routes ---------------------------------------------------------------------------------

static const struct gs_http_route table[] = {
    {"GET", "/", 0, NULL},
    {"GET", "/apps/:id", 0, NULL},
    {"DELETE", "/apps/:id", 0, NULL},
    {"POST", "/apps/import", 0, NULL},
    {"GET", "/apps/:id/versions/latest", 0, NULL},
    {"GET", "/apps/:id/versions/:version", 0, NULL},
    {"HEAD", "/own", 0, NULL},
    {"GET", "/own", 0, NULL},
};

static void routes_are_found(void **state)
{
    (void)state;
    static const struct {
        const char *method, *path, *found, *allow;
    } cases[] = {
        {"GET", "/", "GET /", "GET, HEAD, OPTIONS"},
        {"GET", "/apps/1", "GET /apps/:id", "DELETE, GET, HEAD, OPTIONS"},
        {"HEAD", "/apps/1", "GET /apps/:id", "DELETE, GET, HEAD, OPTIONS"},
        {"PUT", "/apps/1", NULL, "DELETE, GET, HEAD, OPTIONS"},
        {"get", "/apps/1", NULL, "DELETE, GET, HEAD, OPTIONS"},
        {"POST", "/apps/import", "POST /apps/import", "POST, DELETE, GET, HEAD, OPTIONS"},
        {"GET", "/apps/import", "GET /apps/:id", "POST, DELETE, GET, HEAD, OPTIONS"},
        {"GET", "/apps/1/versions/latest", "GET /apps/:id/versions/latest", "GET, HEAD, OPTIONS"},
        {"GET", "/apps/1/versions/2", "GET /apps/:id/versions/:version", "GET, HEAD, OPTIONS"},
        {"HEAD", "/own", "HEAD /own", "GET, HEAD, OPTIONS"},
        {"GET", "/%61pps/1", "GET /apps/:id", "DELETE, GET, HEAD, OPTIONS"},
        {"GET", "/apps", NULL, NULL},
        {"GET", "/apps/", NULL, NULL},
        {"GET", "/apps/1/", NULL, NULL},
        {"GET", "/apps/.", NULL, NULL},
        {"GET", "/apps/..", NULL, NULL},
        {"GET", "/apps/%2e%2E", NULL, NULL},
        {"GET", "/apps//versions/2", NULL, NULL},
        {"GET", "/Apps/1", NULL, NULL},
        {"GET", "//apps/1", NULL, NULL},
        {"GET", "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18", NULL, NULL},
    };
    struct gs_http_router *router = gs_http_router_new(table, GS_COUNT(table));
    for (size_t i = 0; i < GS_COUNT(cases); i++) {
        GS_CLEANUP(gs_arena_cleanup) struct gs_arena *arena = gs_arena_new();
        struct gs_http_target target;
        assert_int_equal(gs_http_target_parse(arena, gs_slice_str(cases[i].path), &target, NULL),
                         GS_OK);
        const struct gs_http_row *row = gs_http_router_find(router, cases[i].method, &target);
        const char *allow = gs_http_router_allow(router, arena, &target);
        const char *found = NULL;
        if (row)
            found = gs_arena_printf(arena, "%s %s", gs_http_row_route(row)->method,
                                    gs_http_row_route(row)->pattern);
        assert_string_equal(found ? found : "-", cases[i].found ? cases[i].found : "-");
        assert_string_equal(allow ? allow : "-", cases[i].allow ? cases[i].allow : "-");
    }
    gs_http_router_free(router);
}

static void captures_are_decoded(void **state)
{
    (void)state;
    GS_CLEANUP(gs_arena_cleanup) struct gs_arena *arena = gs_arena_new();
    struct gs_http_router *router = gs_http_router_new(table, GS_COUNT(table));
    struct gs_http_target target;
    assert_int_equal(
        gs_http_target_parse(arena, GS_SLICE_LIT("/apps/a%2Fb/versions/%C3%BC+%20"), &target, NULL),
        GS_OK);
    const struct gs_http_row *row = gs_http_router_find(router, "GET", &target);
    assert_string_equal(gs_http_row_param(row, &target, "id"), "a/b");
    assert_string_equal(gs_http_row_param(row, &target, "version"), "\xc3\xbc+ ");
    assert_null(gs_http_row_param(row, &target, "versions"));
    gs_http_router_free(router);
}

// ---- Addresses ------------------------------------------------------------------------------

static void addresses_are_bound(void **state)
{
    (void)state;
    static const struct {
        const char *text, *bound;
    } cases[] = {
        {"127.0.0.1:0", "127.0.0.1:"}, {"[::1]:0", "[::1]:"}, {":0", "[::]:"},
        {"0.0.0.0:0", "0.0.0.0:"},     {"localhost:0", NULL},
    };
    for (size_t i = 0; i < GS_COUNT(cases); i++) {
        struct gs_http_listeners listeners;
        struct gs_error err = GS_ERROR_INIT;
        if (gs_http_listen(cases[i].text, &listeners, &err) != GS_OK) {
            // Not every machine has IPv6.
            assert_non_null(strchr(cases[i].text, '['));
            continue;
        }
        assert_true(listeners.count >= 1);
        assert_false(gs_slice_ends(gs_slice_str(listeners.address), ":0"));
        if (cases[i].bound && cases[i].bound[1] != ':')
            assert_true(gs_slice_starts(gs_slice_str(listeners.address), cases[i].bound));
        gs_http_listeners_close(&listeners);
    }
}

static void bad_addresses_are_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",     "8080",    "127.0.0.1",   "::1:8080", "127.0.0.1:", "127.0.0.1:x",
        "h:-1", "h:65536", "192.0.2.1:0",
    };
    for (size_t i = 0; i < GS_COUNT(texts); i++) {
        struct gs_http_listeners listeners = {0};
        struct gs_error err = GS_ERROR_INIT;
        assert_int_equal(gs_http_listen(texts[i], &listeners, &err), GS_INVALID);
        assert_int_equal(err.code, GS_CODE_CONFIG_INVALID);
        assert_string_equal(err.field, "listen");
        assert_int_equal(listeners.count, 0);
    }
}

static void taken_ports_are_refused(void **state)
{
    (void)state;
    struct gs_http_listeners first, second;
    struct gs_error err = GS_ERROR_INIT;
    assert_int_equal(gs_http_listen("127.0.0.1:0", &first, NULL), GS_OK);
    assert_int_equal(gs_http_listen(first.address, &second, &err), GS_INVALID);
    assert_non_null(strstr(err.message, "in use"));
    gs_http_listeners_close(&first);
}

// ---- Deadlines ------------------------------------------------------------------------------

static void large_answers_have_more_time(void **state)
{
    (void)state;
    struct gs_http_options options = {.body_timeout_ms = 1000};
    assert_int_equal(gs_http_write_time_ms(&options, 0), 1000);
    assert_int_equal(gs_http_write_time_ms(&options, 64 << 20), 1000 + (1 << 20));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads_are_checked),       cmocka_unit_test(lengths_are_read),
        cmocka_unit_test(heads_have_a_size),       cmocka_unit_test(targets_are_taken_apart),
        cmocka_unit_test(bad_targets_are_refused), cmocka_unit_test(targets_have_limits),
        cmocka_unit_test(routes_are_found),        cmocka_unit_test(captures_are_decoded),
        cmocka_unit_test(addresses_are_bound),     cmocka_unit_test(bad_addresses_are_refused),
        cmocka_unit_test(taken_ports_are_refused), cmocka_unit_test(large_answers_have_more_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
