// Recorded answers, and commits that wait for what belongs to them.
// SPDX-License-Identifier: Apache-2.0
#include "stored.h"

static struct gs_recorded_answer answer_of(const char *scope, const char *key, int64_t now)
{
    return (struct gs_recorded_answer){.scope = scope,
                                       .key = key,
                                       .request = "r1",
                                       .request_id = "q1",
                                       .status = 201,
                                       .created_at = now,
                                       .expires_at = now + 1000};
}

static void put(struct stored *s, const struct gs_recorded_answer *answer, const char *body)
{
    struct gs_document_blob blob;
    STORED_OK(s, gs_document_pack(gs_slice_str(body), &blob, &s->err));
    STORED_OK(s, gs_store_put_answer(s->tx, answer, &blob, &s->err));
    gs_document_blob_release(&blob);
}

static enum gs_status get(struct stored *s, const char *scope, const char *key, int64_t now,
                          struct gs_recorded_answer *out_answer, struct gs_buf *out_body)
{
    gs_buf_clear(out_body);
    return gs_store_get_answer(s->tx, scope, key, now, s->arena, out_answer, out_body, &s->err);
}

static void answers_are_put_and_found(void **state)
{
    struct stored *s = *state;
    struct gs_recorded_answer answer = answer_of("s1", "k1", 100), found;
    GS_CLEANUP(gs_buf_release) struct gs_buf body = {.max = 1 << 20};
    stored_write(s);
    put(s, &answer, "{\"a\":1}");
    stored_commit(s);
    stored_reopen(s);
    stored_read(s);
    STORED_OK(s, get(s, "s1", "k1", 1099, &found, &body));
    assert_string_equal(body.data, "{\"a\":1}");
    assert_string_equal(found.request, "r1");
    assert_string_equal(found.request_id, "q1");
    assert_null(found.operation_id);
    assert_int_equal(found.status, 201);
    assert_int_equal(found.created_at, 100);
    assert_int_equal(found.expires_at, 1100);
    STORED_IS(s, GS_NOT_FOUND, get(s, "s2", "k1", 0, &found, &body));
    STORED_IS(s, GS_NOT_FOUND, get(s, "s1", "k2", 0, &found, &body));
    STORED_IS(s, GS_NOT_FOUND, get(s, "s1", "k1", 1100, &found, &body));
    stored_end(s);
}

static void answers_may_be_an_operations(void **state)
{
    struct stored *s = *state;
    struct gs_recorded_answer answer = answer_of("s1", "k1", 100), found;
    GS_CLEANUP(gs_buf_release) struct gs_buf body = {.max = 1 << 20};
    stored_write(s);
    put(s, &answer, "{}");
    answer.request = "r2";
    answer.operation_id = "o1";
    answer.status = 0;
    answer.created_at = 200;
    STORED_OK(s, gs_store_put_answer(s->tx, &answer, NULL, &s->err));
    STORED_OK(s, get(s, "s1", "k1", 200, &found, &body));
    assert_int_equal(body.len, 0);
    assert_int_equal(found.status, 0);
    assert_string_equal(found.operation_id, "o1");
    assert_string_equal(found.request, "r2");
    stored_commit(s);
    assert_int_equal(stored_sql(s, "SELECT count(*) FROM recorded_answers"), 1);
}

static void expired_answers_go_a_few_at_a_time(void **state)
{
    struct stored *s = *state;
    char key[16];
    stored_write(s);
    for (int i = 0; i < 150; i++) {
        snprintf(key, sizeof key, "k%d", i);
        struct gs_recorded_answer answer = answer_of("s1", key, i);
        STORED_OK(s, gs_store_put_answer(s->tx, &answer, NULL, &s->err));
    }
    stored_commit(s);
    assert_int_equal(stored_sql(s, "SELECT count(*) FROM recorded_answers"), 150);
    stored_write(s);
    struct gs_recorded_answer later = answer_of("s2", "k", 1139);
    STORED_OK(s, gs_store_put_answer(s->tx, &later, NULL, &s->err));
    stored_commit(s);
    assert_int_equal(stored_sql(s, "SELECT count(*) FROM recorded_answers"), 51);
    stored_write(s);
    STORED_OK(s, gs_store_put_answer(s->tx, &later, NULL, &s->err));
    stored_commit(s);
    assert_int_equal(stored_sql(s, "SELECT count(*) FROM recorded_answers"), 11);
    assert_int_equal(stored_sql(s, "SELECT min(expires_at) FROM recorded_answers"), 1140);
}

// ---- Held commits -------------------------------------------------------------------------

static void add_organization(struct stored *s, struct gs_store *store, const char *id)
{
    struct gs_tx *tx = NULL;
    struct gs_organization org = {.id = id, .name = id, .created_at = 1};
    STORED_OK(s, gs_tx_write(store, &tx, &s->err));
    STORED_OK(s, gs_store_add_organization(tx, &org, &s->err));
    STORED_OK(s, gs_tx_commit(&tx, &s->err));
    assert_null(tx);
}

static void held_commits_wait(void **state)
{
    struct stored *s = *state;
    struct gs_store *hold = gs_store_hold(s->store);
    add_organization(s, hold, "o1");
    add_organization(s, hold, "o2");
    assert_int_equal(stored_sql(s, "SELECT count(*) FROM organizations"), 0);
    struct gs_tx *tx = gs_store_take_held(hold);
    assert_non_null(tx);
    assert_null(gs_store_take_held(hold));
    struct gs_recorded_answer answer = answer_of("s1", "k1", 100);
    STORED_OK(s, gs_store_put_answer(tx, &answer, NULL, &s->err));
    STORED_OK(s, gs_tx_commit(&tx, &s->err));
    gs_store_release_hold(&hold);
    assert_null(hold);
    assert_int_equal(stored_sql(s, "SELECT count(*) FROM organizations"), 2);
    assert_int_equal(stored_sql(s, "SELECT count(*) FROM recorded_answers"), 1);
}

static void held_commits_are_rolled_back_when_nobody_takes_them(void **state)
{
    struct stored *s = *state;
    struct gs_store *hold = gs_store_hold(s->store);
    add_organization(s, hold, "o1");
    gs_store_release_hold(&hold);
    gs_store_release_hold(&hold);
    assert_int_equal(stored_sql(s, "SELECT count(*) FROM organizations"), 0);
    // The writer is free again.
    add_organization(s, s->store, "o1");
}

static void a_held_transaction_that_goes_on_and_fails_takes_all_back(void **state)
{
    struct stored *s = *state;
    struct gs_store *hold = gs_store_hold(s->store);
    struct gs_tx *tx = NULL;
    add_organization(s, hold, "o1");
    STORED_OK(s, gs_tx_write(hold, &tx, &s->err));
    gs_tx_end(&tx);
    assert_null(gs_store_take_held(hold));
    gs_store_release_hold(&hold);
    assert_int_equal(stored_sql(s, "SELECT count(*) FROM organizations"), 0);
}

static void reading_through_a_hold_sees_what_is_durable(void **state)
{
    struct stored *s = *state;
    struct gs_store *hold = gs_store_hold(s->store);
    struct gs_organization org;
    struct gs_tx *tx = NULL;
    add_organization(s, s->store, "o1");
    add_organization(s, hold, "o2");
    STORED_OK(s, gs_tx_read(hold, &tx, &s->err));
    STORED_OK(s, gs_store_get_organization(tx, "o1", s->arena, &org, &s->err));
    STORED_IS(s, GS_NOT_FOUND, gs_store_get_organization(tx, "o2", s->arena, &org, &s->err));
    gs_tx_end(&tx);
    gs_store_release_hold(&hold);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORED_TEST(answers_are_put_and_found),
        STORED_TEST(answers_may_be_an_operations),
        STORED_TEST(expired_answers_go_a_few_at_a_time),
        STORED_TEST(held_commits_wait),
        STORED_TEST(held_commits_are_rolled_back_when_nobody_takes_them),
        STORED_TEST(a_held_transaction_that_goes_on_and_fails_takes_all_back),
        STORED_TEST(reading_through_a_hold_sees_what_is_durable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
