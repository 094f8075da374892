// What GitHub's refusals become: the right code, a text that helps, and nothing of the host's that
// could do harm.
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "host_fixture.h"

// As the first call of a server, which no earlier answer keeps from asking.
static void expect_refusal(const char *status, const char *headers, const char *body,
                           enum gs_code code, struct gs_error *err)
{
    const char *token = NULL;
    gs_hosts_free(hosts);
    hosts = gs_hosts_new(net);
    answer_with(status, headers, body);
    assert_int_equal(ask_token(NULL, &token, err), gs_code_status(code));
    if (err->code != code)
        fail_msg("%s instead of %s: %s", gs_code_text(err->code), gs_code_text(code), err->message);
    assert_null(token);
}

static void assert_starts(const char *text, const char *start)
{
    if (strncmp(text, start, strlen(start)) != 0)
        fail_msg("\"%s\" does not start with \"%s\"", text, start);
}

static void unauthorized_is_about_app_and_key(void **state)
{
    struct gs_error err = GS_ERROR_INIT;
    (void)state;
    expect_refusal("401 Unauthorized", JSON,
                   "{\"message\":\"A JSON web token could not be decoded\"}",
                   GS_CODE_INVALID_APP_ID, &err);
    assert_starts(err.message, "Invalid GitHub App ID. 127.0.0.1:");
    assert_non_null(strstr(err.message, "does not accept App ID 12345 with this private key"));
    assert_non_null(strstr(err.message, "(the host says: A JSON web token could not be decoded)"));
}

static void unauthorized_for_its_times_is_about_the_clock(void **state)
{
    struct gs_error err = GS_ERROR_INIT;
    (void)state;
    expect_refusal("401 Unauthorized", JSON,
                   "{\"message\":\"'Expiration time' claim ('exp') is too far in the future\"}",
                   GS_CODE_INVALID_APP_ID, &err);
    assert_starts(err.message, "Invalid GitHub App ID. ");
    assert_non_null(strstr(err.message, "check the clock of this server"));
}

static void not_found_is_about_the_installation(void **state)
{
    struct gs_error err = GS_ERROR_INIT;
    (void)state;
    expect_refusal("404 Not Found", JSON, "{\"message\":\"Not Found\"}",
                   GS_CODE_INVALID_INSTALLATION_ID, &err);
    assert_starts(err.message,
                  "Invalid Installation ID. App ID 12345 has no installation 77 on 127");
    assert_null(strstr(err.message, "check its address"));
    expect_refusal("404 Not Found", "Content-Type: text/html\r\n", "<html>nothing here</html>",
                   GS_CODE_INVALID_INSTALLATION_ID, &err);
    assert_starts(err.message, "Invalid Installation ID. ");
    assert_non_null(strstr(err.message, "check its address"));
}

static void limits_say_how_long(void **state)
{
    char headers[128];
    struct gs_error err = GS_ERROR_INIT;
    (void)state;
    expect_refusal("403 Forbidden", JSON "Retry-After: 33\r\n", "{}", GS_CODE_RATE_LIMITED, &err);
    assert_int_equal(err.retry_after_s, 33);
    expect_refusal("429 Too Many", "Retry-After: 34\r\n", "", GS_CODE_RATE_LIMITED, &err);
    assert_int_equal(err.retry_after_s, 34);
    expect_refusal("429 Too Many", "", "", GS_CODE_RATE_LIMITED, &err);
    assert_int_equal(err.retry_after_s, 60);
    expect_refusal("403 Forbidden", JSON,
                   "{\"message\":\"You have exceeded a secondary rate limit\"}",
                   GS_CODE_RATE_LIMITED, &err);
    assert_int_equal(err.retry_after_s, 60);
    snprintf(headers, sizeof headers, "X-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: %lld\r\n",
             (long long)time(NULL) + 120);
    expect_refusal("403 Forbidden", headers, "{}", GS_CODE_RATE_LIMITED, &err);
    assert_in_range(err.retry_after_s, 100, 120);
    expect_refusal("403 Forbidden", "X-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: 5\r\n", "{}",
                   GS_CODE_RATE_LIMITED, &err);
    assert_int_equal(err.retry_after_s, 1);
}

static void while_it_is_limited_the_host_is_not_asked(void **state)
{
    struct gs_error err = GS_ERROR_INIT;
    const char *token = NULL;
    (void)state;
    expect_refusal("429 Too Many", "Retry-After: 1\r\n", "", GS_CODE_RATE_LIMITED, &err);
    answer_with(NULL, NULL, NULL);
    assert_int_equal(ask_token(NULL, &token, &err), GS_BUSY);
    assert_int_equal(err.code, GS_CODE_RATE_LIMITED);
    assert_int_equal(err.retry_after_s, 1);
    assert_int_equal(github.mints, 1);

    struct gs_host_account limited = account;
    account.installation_id = "78";
    assert_int_equal(ask_token(NULL, &token, &err), GS_OK);
    account = limited;
    gs_clock_sleep_ms(1050);
    assert_int_equal(ask_token(NULL, &token, &err), GS_OK);
    assert_int_equal(github.mints, 3);
}

static void forbidden_without_a_limit_is_denied(void **state)
{
    struct gs_error err = GS_ERROR_INIT;
    (void)state;
    expect_refusal("403 Forbidden", JSON "X-RateLimit-Remaining: 59\r\nX-RateLimit-Reset: 9\r\n",
                   "{\"message\":\"This installation has been suspended\"}", GS_CODE_HOST_DENIED,
                   &err);
    assert_non_null(strstr(err.message, "This installation has been suspended"));
}

static void nonsense_is_the_hosts_failure(void **state)
{
    static const char *const bodies[] = {
        "",
        "[]",
        "null",
        "{}",
        "{\"token\":5}",
        "{\"token\":\"\"}",
        "{\"token\":\"a\\nb\"}",
        "{\"token\":\"a b\"}",
        "{\"token\":\"\xc3\xa4\"}",
        "{\"token\":\"a\",\"token\":\"b\"}",
        "{\"token\":\"a\"",
        "<html></html>",
    };
    struct gs_error err = GS_ERROR_INIT;
    (void)state;
    for (size_t i = 0; i < GS_COUNT(bodies); i++)
        expect_refusal("201 Created", JSON, bodies[i], GS_CODE_HOST_FAILED, &err);
    expect_refusal("500 Oops", "", "", GS_CODE_HOST_FAILED, &err);
    assert_non_null(
        strstr(err.message, "answered 500 to POST /app/installations/77/access_tokens"));
    expect_refusal("302 Found", "Location: http://127.0.0.1:1/\r\n", "", GS_CODE_HOST_FAILED, &err);
    assert_non_null(strstr(err.message, "redirects are not followed"));
    expect_refusal("422 Unprocessable", JSON, "{\"message\":\"no\"}", GS_CODE_HOST_FAILED, &err);
}

static void quotes_are_bounded_and_on_one_line(void **state)
{
    char body[2048];
    struct gs_error err = GS_ERROR_INIT;
    (void)state;
    expect_refusal("500 Oops", JSON, "{\"message\":\"a\\nb\\u001b[31mc\"}", GS_CODE_HOST_FAILED,
                   &err);
    assert_non_null(strstr(err.message, "(the host says: a b [31mc)"));
    int n = snprintf(body, sizeof body, "{\"message\":\"x");
    for (int i = 0; i < 500; i++)
        n += snprintf(body + n, sizeof body - (size_t)n, "\xc3\xa4");
    snprintf(body + n, sizeof body - (size_t)n, "\"}");
    expect_refusal("500 Oops", JSON, body, GS_CODE_HOST_FAILED, &err);
    assert_true(strlen(err.message) < 400);
    assert_true(gs_slice_is_utf8(gs_slice_str(err.message)));
}

static void unreachable_host_is_told_as_such(void **state)
{
    struct gs_error err = GS_ERROR_INIT;
    const char *token = NULL;
    (void)state;
    account.api_url = "http://127.0.0.1:1/api/v3";
    assert_int_equal(ask_token(NULL, &token, &err), GS_UPSTREAM);
    assert_int_equal(err.code, GS_CODE_HOST_UNREACHABLE);
}

static void failures_are_not_kept(void **state)
{
    struct gs_error err = GS_ERROR_INIT;
    const char *token = NULL;
    (void)state;
    expect_refusal("500 Oops", "", "", GS_CODE_HOST_FAILED, &err);
    answer_with(NULL, NULL, NULL);
    assert_int_equal(ask_token(NULL, &token, &err), GS_OK);
    assert_string_equal(token, "ghs_2");
}

static void odd_ids_are_refused_without_asking(void **state)
{
    static const char *const ids[] = {"",
                                      ".",
                                      "..",
                                      "../x",
                                      "a/b",
                                      "a b",
                                      "a\nb",
                                      "a\"b",
                                      "-1",
                                      "a?b",
                                      "a#b",
                                      "a%2fb",
                                      "ä",
                                      "12345678901234567890123456789012345678901234567890"
                                      "123456789012345"};
    struct gs_error err = GS_ERROR_INIT;
    const char *token = NULL;
    (void)state;
    for (size_t i = 0; i < GS_COUNT(ids); i++) {
        account.app_id = ids[i];
        account.installation_id = "77";
        assert_int_equal(ask_token(NULL, &token, &err), GS_INVALID);
        assert_int_equal(err.code, GS_CODE_INVALID_APP_ID);
        assert_starts(err.message, "Invalid GitHub App ID. ");
        account.app_id = "12345";
        account.installation_id = ids[i];
        assert_int_equal(ask_token(NULL, &token, &err), GS_INVALID);
        assert_int_equal(err.code, GS_CODE_INVALID_INSTALLATION_ID);
        assert_starts(err.message, "Invalid Installation ID. ");
    }
    assert_int_equal(github.mints, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOST_TEST(unauthorized_is_about_app_and_key),
        HOST_TEST(unauthorized_for_its_times_is_about_the_clock),
        HOST_TEST(not_found_is_about_the_installation),
        HOST_TEST(limits_say_how_long),
        HOST_TEST(while_it_is_limited_the_host_is_not_asked),
        HOST_TEST(forbidden_without_a_limit_is_denied),
        HOST_TEST(nonsense_is_the_hosts_failure),
        HOST_TEST(quotes_are_bounded_and_on_one_line),
        HOST_TEST(unreachable_host_is_told_as_such),
        HOST_TEST(failures_are_not_kept),
        HOST_TEST(odd_ids_are_refused_without_asking),
    };
    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
