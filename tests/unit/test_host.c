// Installation tokens from a scripted GitHub: minted once, kept, renewed, shared between threads.
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <pthread.h>

#include "host_fixture.h"

static void token_is_minted_as_the_api_wants_it(void **state)
{
    struct gs_error err = GS_ERROR_INIT;
    (void)state;
    const char *token = NULL;
    assert_int_equal(ask_token(NULL, &token, &err), GS_OK);
    assert_string_equal(token, "ghs_1");
    assert_non_null(
        strstr(github.head, "POST /api/v3/app/installations/77/access_tokens HTTP/1.1"));
    assert_non_null(strstr(github.head, "\r\nAccept: application/vnd.github+json\r\n"));
    assert_non_null(strstr(github.head, "\r\nX-GitHub-Api-Version: 2022-11-28\r\n"));
    assert_non_null(strstr(github.head, "\r\nContent-Length: 0\r\n"));
}

// The payload of the JWT in the Authorization header, from base64url.
static void decode_claims(const char *head, struct gs_buf *out)
{
    const char *jwt = strstr(head, "Authorization: Bearer ");
    assert_non_null(jwt);
    const char *payload = strchr(jwt, '.') + 1;
    char text[512];
    size_t n = strcspn(payload, ".");
    assert_true(n + 4 < sizeof text);
    for (size_t i = 0; i < n; i++)
        text[i] = (char)(payload[i] == '-' ? '+' : payload[i] == '_' ? '/' : payload[i]);
    while (n % 4)
        text[n++] = '=';
    assert_true(gs_base64_decode(gs_slice_of(text, n), out));
}

static void jwt_names_the_app_and_allows_for_clocks(void **state)
{
    struct gs_error err = GS_ERROR_INIT;
    const char *token = NULL;
    long long issued, expires;
    char issuer[65];
    GS_CLEANUP(gs_buf_release) struct gs_buf claims;
    (void)state;
    gs_buf_init(&claims, 1024);
    assert_int_equal(ask_token(NULL, &token, &err), GS_OK);
    long long now = gs_clock_now_ms() / 1000;
    decode_claims(github.head, &claims);
    assert_int_equal(sscanf(claims.data, "{\"iat\":%lld,\"exp\":%lld,\"iss\":\"%64[^\"]\"}",
                            &issued, &expires, issuer),
                     3);
    assert_string_equal(issuer, "12345");
    assert_in_range(now - issued, 60, 75);
    assert_in_range(expires - now, 525, 540);
}

static void token_is_kept(void **state)
{
    struct gs_error err = GS_ERROR_INIT;
    const char *first = NULL, *second = NULL;
    (void)state;
    assert_int_equal(ask_token(NULL, &first, &err), GS_OK);
    assert_int_equal(ask_token(NULL, &second, &err), GS_OK);
    assert_string_equal(first, second);
    assert_int_equal(github.mints, 1);
}

static void refused_token_is_replaced_once(void **state)
{
    struct gs_error err = GS_ERROR_INIT;
    const char *first = NULL, *second = NULL, *third = NULL;
    (void)state;
    assert_int_equal(ask_token(NULL, &first, &err), GS_OK);
    assert_int_equal(ask_token(first, &second, &err), GS_OK);
    assert_string_equal(second, "ghs_2");
    // Another call that still had the first one must not throw the second away.
    assert_int_equal(ask_token(first, &third, &err), GS_OK);
    assert_string_equal(third, "ghs_2");
    assert_int_equal(github.mints, 2);
}

static void token_is_renewed_five_minutes_early(void **state)
{
    struct gs_error err = GS_ERROR_INIT;
    const char *token = NULL;
    (void)state;
    assert_int_equal(ask_token(NULL, &token, &err), GS_OK);
    gs_clock_shift_ms(54 * 60000);
    assert_int_equal(ask_token(NULL, &token, &err), GS_OK);
    assert_string_equal(token, "ghs_1");
    gs_clock_shift_ms(2 * 60000);
    assert_int_equal(ask_token(NULL, &token, &err), GS_OK);
    gs_clock_shift_ms(-56 * 60000);
    assert_string_equal(token, "ghs_2");
}

static void short_lived_token_is_used_but_not_kept(void **state)
{
    struct gs_error err = GS_ERROR_INIT;
    const char *token = NULL;
    (void)state;
    github.lifetime_s = 4 * 60;
    assert_int_equal(ask_token(NULL, &token, &err), GS_OK);
    assert_string_equal(token, "ghs_1");
    assert_int_equal(ask_token(NULL, &token, &err), GS_OK);
    assert_string_equal(token, "ghs_2");
}

static void token_without_expiry_is_kept(void **state)
{
    struct gs_error err = GS_ERROR_INIT;
    const char *token = NULL;
    (void)state;
    answer_with("201 Created", JSON, "{\"token\":\"ghs_x\",\"expires_at\":\"tomorrow\"}");
    assert_int_equal(ask_token(NULL, &token, &err), GS_OK);
    assert_int_equal(ask_token(NULL, &token, &err), GS_OK);
    assert_string_equal(token, "ghs_x");
    assert_int_equal(github.mints, 1);
}

static void accounts_have_tokens_of_their_own(void **state)
{
    struct gs_error err = GS_ERROR_INIT;
    const char *token = NULL;
    (void)state;
    assert_int_equal(ask_token(NULL, &token, &err), GS_OK);
    account.installation_id = "78";
    assert_int_equal(ask_token(NULL, &token, &err), GS_OK);
    assert_string_equal(token, "ghs_2");
    account.app_id = "Iv23liAbCdEf";
    assert_int_equal(ask_token(NULL, &token, &err), GS_OK);
    assert_string_equal(token, "ghs_3");
    account.key = other_key;
    assert_int_equal(ask_token(NULL, &token, &err), GS_OK);
    assert_string_equal(token, "ghs_4");
}

// ---- Threads ---------------------------------------------------------------

struct asker {
    pthread_t thread;
    int64_t time_ms;
    char token[32];
    enum gs_status status;
    struct gs_error err;
};

static void *ask(void *arg)
{
    struct asker *asker = arg;
    GS_CLEANUP(gs_arena_cleanup) struct gs_arena *own = gs_arena_new();
    const char *token = "";
    asker->status = gs_host_token(hosts, &account, NULL, gs_clock_mono_ms() + asker->time_ms, own,
                                  &token, &asker->err);
    snprintf(asker->token, sizeof asker->token, "%s", token);
    return NULL;
}

static void ask_together(struct asker *askers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_int_equal(pthread_create(&askers[i].thread, NULL, ask, &askers[i]), 0);
    for (size_t i = 0; i < count; i++)
        pthread_join(askers[i].thread, NULL);
}

static void threads_share_one_mint(void **state)
{
    struct asker askers[16] = {0};
    (void)state;
    github.delay_ms = 200;
    for (size_t i = 0; i < GS_COUNT(askers); i++)
        askers[i].time_ms = 10000;
    ask_together(askers, GS_COUNT(askers));
    for (size_t i = 0; i < GS_COUNT(askers); i++) {
        assert_int_equal(askers[i].status, GS_OK);
        assert_string_equal(askers[i].token, "ghs_1");
    }
    assert_int_equal(github.mints, 1);
}

static void threads_share_one_failure(void **state)
{
    struct asker askers[16] = {0};
    (void)state;
    github.delay_ms = 1000;
    answer_with("401 Unauthorized", JSON, "{\"message\":\"no\"}");
    for (size_t i = 0; i < GS_COUNT(askers); i++)
        askers[i].time_ms = 10000;
    ask_together(askers, GS_COUNT(askers));
    for (size_t i = 0; i < GS_COUNT(askers); i++) {
        assert_int_equal(askers[i].status, GS_INVALID);
        assert_int_equal(askers[i].err.code, GS_CODE_INVALID_APP_ID);
        assert_string_equal(askers[i].err.message, askers[0].err.message);
    }
    assert_int_equal(github.mints, 1);
}

// The one who mints runs out of time; who waits for it has more, and tries again.
static void hurried_failure_is_not_shared(void **state)
{
    struct asker hurried = {.time_ms = 300}, patient = {.time_ms = 10000};
    (void)state;
    github.delay_ms = 700;
    assert_int_equal(pthread_create(&hurried.thread, NULL, ask, &hurried), 0);
    gs_clock_sleep_ms(100);
    ask_together(&patient, 1);
    pthread_join(hurried.thread, NULL);
    assert_int_equal(hurried.err.code, GS_CODE_HOST_TIMEOUT);
    assert_int_equal(patient.status, GS_OK);
}

static void waiting_ends_at_the_deadline(void **state)
{
    struct asker minter = {.time_ms = 10000}, waiter = {.time_ms = 200};
    (void)state;
    github.delay_ms = 2000;
    assert_int_equal(pthread_create(&minter.thread, NULL, ask, &minter), 0);
    gs_clock_sleep_ms(100);
    int64_t start = gs_clock_mono_ms();
    ask_together(&waiter, 1);
    assert_in_range(gs_clock_mono_ms() - start, 190, 1800);
    pthread_join(minter.thread, NULL);
    assert_int_equal(waiter.err.code, GS_CODE_HOST_TIMEOUT);
    assert_int_equal(minter.status, GS_OK);
}

// ---- Identity --------------------------------------------------------------

static enum gs_status ask_identity(struct gs_host_identity *out_identity, struct gs_error *err)
{
    return gs_host_identity(hosts, &account, gs_clock_mono_ms() + 5000, arena, out_identity, err);
}

static void identity_has_the_bots_number(void **state)
{
    struct gs_host_identity identity;
    struct gs_error err = GS_ERROR_INIT;
    (void)state;
    assert_int_equal(ask_identity(&identity, &err), GS_OK);
    assert_string_equal(identity.slug, "acme-sync");
    assert_string_equal(identity.name, "acme-sync[bot]");
    assert_string_equal(identity.email, "4242+acme-sync[bot]@users.noreply.127.0.0.1");
    assert_non_null(strstr(github.head, "GET /api/v3/users/acme-sync%5Bbot%5D HTTP/1.1"));
    assert_non_null(strstr(github.head, "Authorization: Bearer ghs_1\r\n"));
}

static void identity_does_without_the_number(void **state)
{
    struct gs_host_identity identity;
    struct gs_error err = GS_ERROR_INIT;
    (void)state;
    github.user_status = "404 Not Found";
    assert_int_equal(ask_identity(&identity, &err), GS_OK);
    assert_string_equal(identity.email, "acme-sync[bot]@users.noreply.127.0.0.1");
}

static void identity_renews_a_refused_token_once(void **state)
{
    struct gs_host_identity identity;
    struct gs_error err = GS_ERROR_INIT;
    (void)state;
    github.user_status = "401 Unauthorized";
    assert_int_equal(ask_identity(&identity, &err), GS_OK);
    assert_int_equal(github.mints, 2);
    assert_string_equal(identity.email, "acme-sync[bot]@users.noreply.127.0.0.1");
}

static void identity_refuses_odd_slugs(void **state)
{
    struct gs_host_identity identity = {0};
    struct gs_error err = GS_ERROR_INIT;
    (void)state;
    github.slug = "../x";
    assert_int_equal(ask_identity(&identity, &err), GS_UPSTREAM);
    github.slug = "a<b@c>\\n";
    assert_int_equal(ask_identity(&identity, &err), GS_UPSTREAM);
    assert_null(identity.slug);
}

static void api_address_follows_from_the_repository(void **state)
{
    static const char *const cases[][2] = {
        {"https://github.com/acme/apps.git", "https://api.github.com"},
        {"https://GitHub.com/acme/apps", "https://api.github.com"},
        {"http://www.github.com:443/acme", "https://api.github.com"},
        {"https://git.corp.example/acme/apps", "https://git.corp.example/api/v3"},
        {"https://Git.corp.example:8443/a", "https://git.corp.example:8443/api/v3"},
        {"http://127.0.0.1:9000/a.git", "http://127.0.0.1:9000/api/v3"},
        {"https://[2001:db8::1]:444/a.git", "https://[2001:db8::1]:444/api/v3"},
        {"https://notgithub.com/a", "https://notgithub.com/api/v3"},
        {"https://github.com.example/a", "https://github.com.example/api/v3"},
        {"https://git.example?x", "https://git.example/api/v3"},
    };
    (void)state;
    for (size_t i = 0; i < GS_COUNT(cases); i++)
        assert_string_equal(gs_host_api_url(arena, cases[i][0]), cases[i][1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOST_TEST(token_is_minted_as_the_api_wants_it),
        HOST_TEST(jwt_names_the_app_and_allows_for_clocks),
        HOST_TEST(token_is_kept),
        HOST_TEST(refused_token_is_replaced_once),
        HOST_TEST(token_is_renewed_five_minutes_early),
        HOST_TEST(short_lived_token_is_used_but_not_kept),
        HOST_TEST(token_without_expiry_is_kept),
        HOST_TEST(accounts_have_tokens_of_their_own),
        HOST_TEST(threads_share_one_mint),
        HOST_TEST(threads_share_one_failure),
        HOST_TEST(hurried_failure_is_not_shared),
        HOST_TEST(waiting_ends_at_the_deadline),
        HOST_TEST(identity_has_the_bots_number),
        HOST_TEST(identity_does_without_the_number),
        HOST_TEST(identity_renews_a_refused_token_once),
        HOST_TEST(identity_refuses_odd_slugs),
        HOST_TEST(api_address_follows_from_the_repository),
    };
    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
