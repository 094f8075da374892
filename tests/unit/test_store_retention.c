// What the store forgets, and above all what it does not: whatever anything still refers to.
// SPDX-License-Identifier: Apache-2.0
#include "stored.h"

#include <stdio.h>

enum { OLD = 100, CUT = 1000, NEW = 2000, MANY = 500 };

static const struct gs_retention everything_old = {
    .now = CUT, .operations_before = CUT, .releases_before = CUT};

static void set_up_app(struct stored *s)
{
    stored_write(s);
    stored_add_organization(s, "o1");
    stored_add_app(s, "o1", "a1");
    stored_add_version(s, "a1", "v1", stored_put_document(s, "first"));
    stored_commit(s);
}

static void add_operation(struct stored *s, const char *id, enum gs_operation_state state,
                          int64_t ended)
{
    struct gs_operation op = {.id = id,
                              .kind = "push",
                              .request = "{}",
                              .state = state,
                              .created_at = OLD,
                              .updated_at = ended};
    STORED_OK(s, gs_store_add_operation(s->tx, &op, &s->err));
}

// Puts another document into the version, on behalf of the operation or of nobody.
static void replace(struct stored *s, const char *text, const char *operation_id, int64_t now)
{
    struct gs_version version;
    STORED_OK(s, gs_store_get_version(s->tx, "a1", "v1", s->arena, &version, &s->err));
    version.document_id = stored_put_document(s, text);
    version.updated_at = now;
    STORED_OK(s, gs_store_update_version(s->tx, &version, operation_id, &s->err));
}

static void add_release(struct stored *s, const char *id, const char *text, int64_t now)
{
    struct gs_release release = {.id = id,
                                 .app_id = "a1",
                                 .version_id = "v1",
                                 .environment_id = stored_environment(s, "o1", 3),
                                 .document_id = stored_put_document(s, text),
                                 .created_at = now};
    STORED_OK(s, gs_store_add_release(s->tx, &release, &s->err));
}

// Steps until nothing is left; how many removed something.
static size_t forget(struct stored *s, const struct gs_retention *retention)
{
    bool some = true;
    size_t steps = 0;
    for (; some; steps += some) {
        some = false;
        stored_write(s);
        STORED_OK(s, gs_store_forget(s->tx, retention, &some, &s->err));
        stored_commit(s);
    }
    return steps;
}

static void operations_that_ended_long_ago_go(void **state)
{
    struct stored *s = *state;
    stored_write(s);
    add_operation(s, "1", GS_OP_DONE, OLD);
    add_operation(s, "2", GS_OP_FAILED, OLD);
    add_operation(s, "3", GS_OP_CANCELLED, CUT - 1);
    add_operation(s, "4", GS_OP_DONE, CUT);
    add_operation(s, "5", GS_OP_QUEUED, OLD);
    add_operation(s, "6", GS_OP_RUNNING, OLD);
    add_operation(s, "7", GS_OP_COMMITTED, OLD);
    stored_commit(s);
    assert_int_equal(forget(s, &everything_old), 1);
    assert_int_equal(stored_sql(s, "SELECT min(CAST(id AS INTEGER)) FROM operations"), 4);
    assert_int_equal(stored_sql(s, "SELECT count(*) FROM operations"), 4);
}

static void nothing_goes_that_is_kept_for_ever(void **state)
{
    struct stored *s = *state;
    const struct gs_retention for_ever = {.now = NEW};
    set_up_app(s);
    stored_write(s);
    add_operation(s, "1", GS_OP_DONE, OLD);
    replace(s, "second", "1", OLD);
    replace(s, "third", NULL, OLD);
    add_release(s, "r1", "first", OLD);
    add_release(s, "r2", "second", OLD + 1);
    stored_commit(s);
    assert_int_equal(forget(s, &for_ever), 0);
    assert_int_equal(stored_sql(s, "SELECT count(*) FROM operations"), 1);
    assert_int_equal(stored_sql(s, "SELECT count(*) FROM document_changes"), 2);
    assert_int_equal(stored_sql(s, "SELECT count(*) FROM releases"), 2);
}

static void an_operation_that_an_answer_names_stays(void **state)
{
    struct stored *s = *state;
    struct gs_recorded_answer answer = {.scope = "s",
                                        .key = "k",
                                        .request = "r",
                                        .request_id = "q",
                                        .operation_id = "1",
                                        .created_at = OLD,
                                        .expires_at = CUT + 1};
    struct gs_retention retention = everything_old;
    stored_write(s);
    add_operation(s, "1", GS_OP_DONE, OLD);
    STORED_OK(s, gs_store_put_answer(s->tx, &answer, NULL, &s->err));
    stored_commit(s);
    assert_int_equal(forget(s, &retention), 0);
    assert_int_equal(stored_sql(s, "SELECT count(*) FROM operations"), 1);
    retention.now = CUT + 1;
    assert_int_equal(forget(s, &retention), 1);
    assert_int_equal(stored_sql(s, "SELECT count(*) FROM operations"), 0);
    assert_int_equal(stored_sql(s, "SELECT count(*) FROM recorded_answers"), 0);
}

static void what_was_replaced_goes_with_its_operation(void **state)
{
    struct stored *s = *state;
    set_up_app(s);
    stored_write(s);
    add_operation(s, "old", GS_OP_DONE, OLD);
    add_operation(s, "new", GS_OP_DONE, NEW);
    replace(s, "second", "old", OLD);
    replace(s, "third", "new", OLD); // it took its time
    replace(s, "fourth", NULL, OLD);
    replace(s, "fifth", NULL, NEW);
    stored_commit(s);
    assert_int_equal(stored_sql(s, "SELECT count(*) FROM documents"), 5);
    forget(s, &everything_old);
    // Left: what the new operation replaced, what was edited lately, and what there is now.
    assert_int_equal(stored_sql(s, "SELECT count(*) FROM document_changes"), 2);
    assert_int_equal(
        stored_sql(s, "SELECT count(*) FROM document_changes WHERE operation_id = 'new'"), 1);
    assert_int_equal(stored_sql(s, "SELECT count(*) FROM documents"), 3);
}

static void a_document_that_is_used_stays(void **state)
{
    struct stored *s = *state;
    struct gs_version version;
    set_up_app(s);
    stored_write(s);
    replace(s, "synced", NULL, OLD);
    replace(s, "released", NULL, OLD);
    replace(s, "again", NULL, OLD);
    replace(s, "gone", NULL, OLD);
    replace(s, "again", NULL, OLD);
    add_release(s, "r1", "released", OLD);
    STORED_OK(s, gs_store_get_version(s->tx, "a1", "v1", s->arena, &version, &s->err));
    version.synced_document_id = stored_put_document(s, "synced");
    STORED_OK(s, gs_store_update_version(s->tx, &version, NULL, &s->err));
    stored_commit(s);
    assert_int_equal(stored_sql(s, "SELECT count(*) FROM documents"), 5);
    forget(s, &everything_old);
    assert_int_equal(stored_sql(s, "SELECT count(*) FROM document_changes"), 0);
    // The version's own, its synced base, and the newest release's.
    assert_int_equal(stored_sql(s, "SELECT count(*) FROM documents"), 3);
}

static void the_newest_release_stays(void **state)
{
    struct stored *s = *state;
    set_up_app(s);
    stored_write(s);
    stored_add_app(s, "o1", "a2");
    add_release(s, "r1", "one", OLD);
    add_release(s, "r2", "two", OLD + 1);
    add_release(s, "r3", "three", OLD + 1);
    stored_commit(s);
    forget(s, &everything_old);
    assert_int_equal(stored_sql(s, "SELECT count(*) FROM releases WHERE id = 'r3'"), 1);
    assert_int_equal(stored_sql(s, "SELECT count(*) FROM releases"), 1);
    assert_int_equal(stored_sql(s, "SELECT count(*) FROM documents"), 2);
}

static void steps_are_bounded(void **state)
{
    struct stored *s = *state;
    bool some = false;
    set_up_app(s);
    stored_write(s);
    for (int i = 0; i < MANY; i++) {
        char text[16];
        snprintf(text, sizeof text, "%d", i);
        add_operation(s, text, GS_OP_DONE, OLD);
        replace(s, text, text, OLD);
    }
    stored_commit(s);
    stored_write(s);
    STORED_OK(s, gs_store_forget(s->tx, &everything_old, &some, &s->err));
    stored_commit(s);
    assert_true(some);
    assert_in_range(stored_sql(s, "SELECT count(*) FROM operations"), MANY / 2, MANY - 1);
    assert_in_range(stored_sql(s, "SELECT count(*) FROM document_changes"), MANY - 50, MANY - 1);
    assert_in_range(forget(s, &everything_old), 2, MANY);
    assert_int_equal(stored_sql(s, "SELECT count(*) FROM operations"), 0);
    assert_int_equal(stored_sql(s, "SELECT count(*) FROM documents"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORED_TEST(operations_that_ended_long_ago_go),
        STORED_TEST(nothing_goes_that_is_kept_for_ever),
        STORED_TEST(an_operation_that_an_answer_names_stays),
        STORED_TEST(what_was_replaced_goes_with_its_operation),
        STORED_TEST(a_document_that_is_used_stays),
        STORED_TEST(the_newest_release_stays),
        STORED_TEST(steps_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
