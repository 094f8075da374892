// What holds for every merge, over thousands of random documents and edits of them.
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "app_fixture.h"
#include "app_random.h"
#include "base/map.h"

enum { ROUNDS = 1000 };

// Three documents of one round, and what is needed to make sense of a merge of them.
struct round {
    struct gs_arena *arena;
    struct app_side base, ours, theirs;
};

static struct app_side write_side(yyjson_mut_doc *doc)
{
    GS_CLEANUP(gs_json_cleanup) yyjson_doc *frozen = NULL;
    struct gs_buf out;
    gs_buf_init(&out, 1 << 20);
    assert_int_equal(gs_json_freeze(doc, &frozen, NULL), GS_OK);
    gs_json_write(yyjson_doc_get_root(frozen), &out);
    return app_side_of(gs_buf_take(&out, NULL));
}

static struct app_side edited(struct app_random *random, yyjson_mut_doc *base, unsigned edits)
{
    yyjson_mut_doc *doc = yyjson_mut_doc_mut_copy(base, NULL);
    app_random_edit(random, doc, edits);
    struct app_side side = write_side(doc);
    gs_json_free_mut(doc);
    return side;
}

static struct round make_round(uint64_t seed)
{
    struct app_random random = {seed * 0x9e3779b97f4a7c15ULL + 1, 0};
    struct round round = {.arena = gs_arena_new()};
    yyjson_mut_doc *base = app_random_document(&random);
    round.base = write_side(base);
    unsigned first = random.next_id;
    round.ours = edited(&random, base, app_random_below(&random, 12));
    // Every other round both sides add under the same ids.
    if (seed % 2)
        random.next_id = first;
    round.theirs = edited(&random, base, app_random_below(&random, 12));
    gs_json_free_mut(base);
    return round;
}

static void release_round(struct round *round)
{
    app_side_release(&round->base);
    app_side_release(&round->ours);
    app_side_release(&round->theirs);
    gs_arena_free(round->arena);
}

static struct gs_merge_result merge(const struct round *round, const struct app_side *base,
                                    const struct app_side *ours, const struct app_side *theirs,
                                    enum gs_conflict_policy policy)
{
    struct gs_merge_side b = app_merge_side(base), o = app_merge_side(ours),
                         t = app_merge_side(theirs);
    struct gs_merge_result result;
    assert_int_equal(gs_document_merge(&b, &o, &t, policy, round->arena, &result, NULL), GS_OK);
    return result;
}

static struct app_side take_side(struct gs_merge_result *result)
{
    struct app_side side = app_side_of(gs_buf_take(&result->bytes, NULL));
    gs_merge_result_release(result);
    return side;
}

static void every_round(void (*check)(const struct round *round))
{
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        struct round round = make_round(seed);
        check(&round);
        release_round(&round);
    }
}

// ---- Entities of a document -------------------------------------------------------------------

// Every entity under "list/id".
static void index_entities(const struct round *round, const struct app_side *side,
                           struct gs_map *entities)
{
    size_t i, n, e, m;
    yyjson_val *key, *list, *entity;
    gs_map_init(entities);
    yyjson_obj_foreach(side->document.app, i, n, key, list)
    {
        yyjson_arr_foreach(list, e, m, entity)
        {
            const char *name = gs_arena_printf(round->arena, "%s/%s", yyjson_get_str(key),
                                               yyjson_get_str(yyjson_obj_get(entity, "id")));
            assert_null(gs_map_put(entities, gs_slice_str(name), entity)); // no id twice
        }
    }
}

static bool has_id(const struct app_side *side, struct gs_slice id)
{
    size_t i, n, e, m;
    yyjson_val *key, *list, *entity;
    yyjson_obj_foreach(side->document.app, i, n, key, list)
    {
        yyjson_arr_foreach(list, e, m, entity)
        {
            if (gs_slice_eq(gs_json_get_str(entity, "id"), id))
                return true;
        }
    }
    return false;
}

// ---- The rules ----------------------------------------------------------------------------------

static void check_identities(const struct round *round)
{
    const struct app_side *b = &round->base, *x = &round->ours;
    const struct app_side *cases[3][2] = {{x, x}, {b, x}, {x, b}};
    for (size_t i = 0; i < GS_COUNT(cases); i++) {
        struct gs_merge_result result = merge(round, b, cases[i][0], cases[i][1], GS_CONFLICT_FAIL);
        assert_int_equal(result.conflict_count, 0);
        assert_string_equal(result.bytes.data, x->text);
        gs_merge_result_release(&result);
    }
}

static void a_merge_with_nothing_gives_the_bytes(void **state)
{
    (void)state;
    every_round(check_identities);
}

static void assert_kept(const struct round *round, enum gs_conflict_policy policy)
{
    struct gs_merge_result result =
        merge(round, &round->base, &round->ours, &round->theirs, policy);
    struct app_side merged = take_side(&result);
    const struct app_side *sides[2] = {&round->ours, &round->theirs};
    struct gs_map before, after, other;
    index_entities(round, &round->base, &before);
    index_entities(round, &merged, &after);
    for (int s = 0; s < 2; s++) {
        struct gs_map mine;
        index_entities(round, sides[s], &mine);
        index_entities(round, sides[1 - s], &other);
        struct gs_slice key;
        void *entity;
        for (size_t cursor = 0; gs_map_next(&mine, &cursor, &key, &entity);)
            if (!gs_map_get(&before, key) || gs_map_get(&other, key))
                assert_non_null(gs_map_get(&after, key));
        gs_map_release(&mine);
        gs_map_release(&other);
    }
    gs_map_release(&before);
    gs_map_release(&after);
    app_side_release(&merged);
}

static void check_kept(const struct round *round)
{
    assert_kept(round, GS_CONFLICT_OURS);
    assert_kept(round, GS_CONFLICT_THEIRS);
}

static void what_neither_side_deleted_is_kept(void **state)
{
    (void)state;
    every_round(check_kept);
}

static bool is_disputed(const struct gs_merge_result *result, yyjson_val *entity)
{
    for (size_t i = 0; i < result->conflict_count; i++)
        if (gs_slice_eq_str(gs_json_get_str(entity, "id"), result->conflicts[i].id))
            return true;
    return false;
}

// An entity that only one side touched comes out as that side has it, unless it is in a conflict.
static void assert_one_sided(const struct gs_merge_result *result, const struct gs_map maps[4])
{
    const struct gs_map *before = &maps[0], *after = &maps[3];
    for (int s = 1; s <= 2; s++) {
        struct gs_slice key;
        void *entity;
        for (size_t cursor = 0; gs_map_next(before, &cursor, &key, &entity);) {
            if (!gs_json_equal(entity, gs_map_get(&maps[3 - s], key)) ||
                is_disputed(result, entity))
                continue;
            assert_true(gs_json_equal(gs_map_get(&maps[s], key), gs_map_get(after, key)));
        }
    }
    struct gs_slice key;
    void *entity;
    for (size_t cursor = 0; gs_map_next(after, &cursor, &key, &entity);)
        assert_true(gs_map_get(&maps[1], key) || gs_map_get(&maps[2], key));
}

static void check_one_sided(const struct round *round)
{
    for (int policy = GS_CONFLICT_OURS; policy <= GS_CONFLICT_THEIRS; policy++) {
        struct gs_merge_result result = merge(round, &round->base, &round->ours, &round->theirs,
                                              (enum gs_conflict_policy)policy);
        struct app_side merged = app_side_of(gs_xstrdup(result.bytes.data));
        struct gs_map maps[4];
        index_entities(round, &round->base, &maps[0]);
        index_entities(round, &round->ours, &maps[1]);
        index_entities(round, &round->theirs, &maps[2]);
        index_entities(round, &merged, &maps[3]);
        assert_one_sided(&result, maps);
        for (int i = 0; i < 4; i++)
            gs_map_release(&maps[i]);
        app_side_release(&merged);
        gs_merge_result_release(&result);
    }
}

static void what_one_side_touched_is_as_that_side_has_it(void **state)
{
    (void)state;
    every_round(check_one_sided);
}

static int by_id(const void *a, const void *b)
{
    yyjson_mut_val *const *x = a, *const *y = b;
    return strcmp(yyjson_mut_get_str(yyjson_mut_obj_get(*x, "id")),
                  yyjson_mut_get_str(yyjson_mut_obj_get(*y, "id")));
}

// Puts lists by id into an order of their own.
static void sort_lists(yyjson_mut_val *value)
{
    size_t i, n;
    yyjson_mut_val *key, *child;
    if (yyjson_mut_is_obj(value)) {
        yyjson_mut_obj_foreach(value, i, n, key, child)
        {
            sort_lists(child);
        }
    } else if (yyjson_mut_is_arr(value) &&
               yyjson_mut_obj_get(yyjson_mut_arr_get_first(value), "id")) {
        size_t count = yyjson_mut_arr_size(value);
        yyjson_mut_val **elements = gs_xcalloc(count, sizeof(yyjson_mut_val *));
        for (size_t at = 0; at < count; at++)
            elements[at] = yyjson_mut_arr_remove_first(value);
        qsort(elements, count, sizeof(yyjson_mut_val *), by_id);
        for (size_t at = 0; at < count; at++) {
            sort_lists(elements[at]);
            yyjson_mut_arr_append(value, elements[at]);
        }
        free(elements);
    }
}

static yyjson_mut_doc *sorted(const struct gs_merge_result *result)
{
    GS_CLEANUP(gs_json_cleanup) yyjson_doc *doc = NULL;
    yyjson_mut_doc *thawed = NULL;
    assert_int_equal(gs_json_parse(gs_buf_slice(&result->bytes), "the result", &doc, NULL), GS_OK);
    assert_int_equal(gs_json_thaw(yyjson_doc_get_root(doc), &thawed, NULL), GS_OK);
    sort_lists(yyjson_mut_doc_get_root(thawed));
    return thawed;
}

static void check_symmetry(const struct round *round)
{
    struct gs_merge_result one =
        merge(round, &round->base, &round->ours, &round->theirs, GS_CONFLICT_OURS);
    struct gs_merge_result two =
        merge(round, &round->base, &round->theirs, &round->ours, GS_CONFLICT_THEIRS);
    yyjson_mut_doc *x = sorted(&one), *y = sorted(&two);
    assert_true(yyjson_mut_equals(yyjson_mut_doc_get_root(x), yyjson_mut_doc_get_root(y)));
    assert_int_equal(one.conflict_count, two.conflict_count);
    gs_json_free_mut(x);
    gs_json_free_mut(y);
    gs_merge_result_release(&one);
    gs_merge_result_release(&two);
}

static void the_sides_can_change_places(void **state)
{
    (void)state;
    every_round(check_symmetry);
}

// A link of an entity to nothing, in a merge without a conflict, was one to nothing on one of the sides.
static void assert_no_new_gap(const struct round *round, const struct app_side *merged,
                              yyjson_val *entity, const char *within, const char *member)
{
    yyjson_val *holder = within ? yyjson_obj_get(entity, within) : entity;
    struct gs_slice to = gs_json_get_str(holder, member);
    if (to.len > 36)
        to.len = 36;
    if (to.len == 0 || has_id(merged, to))
        return;
    const struct app_side *sides[2] = {&round->ours, &round->theirs};
    bool before = false;
    for (int s = 0; s < 2; s++)
        before =
            before || (has_id(sides[s], gs_json_get_str(entity, "id")) && !has_id(sides[s], to));
    assert_true(before);
}

static void check_links(const struct round *round)
{
    struct gs_merge_result result =
        merge(round, &round->base, &round->ours, &round->theirs, GS_CONFLICT_OURS);
    bool clean = result.conflict_count == 0;
    struct app_side merged = take_side(&result);
    size_t i, n, e, m;
    yyjson_val *key, *list, *entity;
    yyjson_obj_foreach(merged.document.app, i, n, key, list)
    {
        yyjson_arr_foreach(list, e, m, entity)
        {
            if (!clean)
                continue;
            assert_no_new_gap(round, &merged, entity, NULL, "pageId");
            assert_no_new_gap(round, &merged, entity, NULL, "parent");
            assert_no_new_gap(round, &merged, entity, NULL, "sourceId");
            assert_no_new_gap(round, &merged, entity, NULL, "homePageId");
            assert_no_new_gap(round, &merged, entity, "event", "queryId");
        }
    }
    app_side_release(&merged);
}

static void no_link_is_left_to_nothing_without_a_conflict(void **state)
{
    (void)state;
    every_round(check_links);
}

static void check_diff(const struct round *round)
{
    struct gs_change *changes;
    size_t count;
    assert_int_equal(gs_document_diff(&round->ours.document, &round->theirs.document, round->arena,
                                      &changes, &count, NULL),
                     GS_OK);
    bool equal = gs_json_equal(yyjson_doc_get_root(round->ours.document.json),
                               yyjson_doc_get_root(round->theirs.document.json));
    assert_int_equal(count == 0, equal);
}

static void equal_documents_and_only_they_have_no_difference(void **state)
{
    (void)state;
    every_round(check_diff);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_merge_with_nothing_gives_the_bytes),
        cmocka_unit_test(what_neither_side_deleted_is_kept),
        cmocka_unit_test(what_one_side_touched_is_as_that_side_has_it),
        cmocka_unit_test(the_sides_can_change_places),
        cmocka_unit_test(no_link_is_left_to_nothing_without_a_conflict),
        cmocka_unit_test(equal_documents_and_only_they_have_no_difference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
