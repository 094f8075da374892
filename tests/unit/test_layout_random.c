// What holds for every push in both layouts, over histories of random documents, edits and new names.
// SPDX-License-Identifier: Apache-2.0
#include "app_random.h"
#include "committed.h"

enum { HISTORIES = 12, PUSHES = 12, DOCUMENT_MAX = 1 << 20 };

static const char *const names[] = {"A", "a", "Two words", "It's \"odd\": 1."};

struct history {
    struct committed *c;
    struct app_random random;
    enum gs_layout layout;
    yyjson_mut_doc *doc;
};

static struct gs_slice write_document(struct history *history)
{
    GS_CLEANUP(gs_json_cleanup) yyjson_doc *frozen = NULL;
    GS_CLEANUP(gs_buf_release) struct gs_buf out;
    gs_buf_init(&out, DOCUMENT_MAX);
    COMMITTED_OK(history->c, gs_json_freeze(history->doc, &frozen, &history->c->err));
    gs_json_write(yyjson_doc_get_root(frozen), &out);
    return gs_slice_of(gs_arena_dup_slice(history->c->arena, gs_buf_slice(&out)), out.len);
}

static struct gs_layout_push make_push(struct history *history)
{
    struct gs_document document;
    struct committed *c = history->c;
    struct gs_slice bytes = write_document(history);
    COMMITTED_OK(c, gs_document_parse(bytes, "it", &document, &c->err));
    struct gs_layout_push push = {
        .git_app_id = "id",
        .app_name = names[app_random_below(&history->random, GS_COUNT(names))],
        .version_id = gs_arena_dup_slice(c->arena, document.version_id),
        .version_name = gs_arena_dup_slice(c->arena, document.version_name),
        .message = "m",
        .user = "u",
        .when_ms = (int64_t)c->plan_count,
        .document = bytes,
    };
    gs_document_release(&document);
    return push;
}

static const char *read_only_app(struct committed *c)
{
    struct gs_catalog catalog;
    struct gs_buf out;
    gs_buf_init(&out, DOCUMENT_MAX);
    COMMITTED_OK(c, gs_catalog_read(c->mirror, &c->head, c->arena, &catalog, &c->err));
    assert_int_equal(catalog.count, 1);
    COMMITTED_OK(
        c, gs_layout_read(c->mirror, &c->head, catalog.layout, &catalog.apps[0], &out, &c->err));
    const char *text = gs_arena_dup_slice(c->arena, gs_buf_slice(&out));
    gs_buf_release(&out);
    return text;
}

// What is read is what was promised, pushing either again changes nothing, and no file is left over.
static void check_settled(struct history *history, const struct gs_layout_push *push,
                          const char *normal)
{
    struct committed *c = history->c;
    assert_string_equal(read_only_app(c), normal);
    COMMITTED_OK(c, committed_push(c, history->layout, push));
    assert_int_equal(c->edit_count, 0);
    struct gs_layout_push again = *push;
    again.document = gs_slice_str(normal);
    COMMITTED_OK(c, committed_push(c, history->layout, &again));
    assert_int_equal(c->edit_count, 0);
    struct gs_oid head = c->head;
    const char *files = committed_files(c);
    c->head = (struct gs_oid){""};
    COMMITTED_OK(c, committed_push(c, history->layout, &again));
    assert_string_equal(committed_files(c), files);
    c->head = head;
}

static void push_once(struct history *history)
{
    struct committed *c = history->c;
    GS_CLEANUP(gs_buf_release) struct gs_buf normal;
    gs_buf_init(&normal, DOCUMENT_MAX);
    struct gs_layout_push push = make_push(history);
    COMMITTED_OK(c, gs_layout_normalize(history->layout, &push, &normal, &c->err));
    COMMITTED_OK(c, committed_push(c, history->layout, &push));
    check_settled(history, &push, normal.data);
}

static void run_history(struct committed *c, enum gs_layout layout, uint64_t seed)
{
    struct history history = {
        .c = c, .random = {seed * 0x9e3779b97f4a7c15ULL + 1, 0}, .layout = layout};
    c->head = (struct gs_oid){""};
    history.doc = app_random_document(&history.random);
    for (size_t i = 0; i < PUSHES; i++) {
        push_once(&history);
        app_random_edit(&history.random, history.doc, app_random_below(&history.random, 8));
    }
    gs_json_free_mut(history.doc);
}

static void single_file_histories_settle(void **state)
{
    for (uint64_t seed = 1; seed <= HISTORIES; seed++)
        run_history(*state, GS_LAYOUT_SINGLE_FILE, seed);
}

static void per_entity_histories_settle(void **state)
{
    for (uint64_t seed = 1; seed <= HISTORIES; seed++)
        run_history(*state, GS_LAYOUT_PER_ENTITY, seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        COMMITTED_TEST(single_file_histories_settle),
        COMMITTED_TEST(per_entity_histories_settle),
    };
    return cmocka_run_group_tests_name("layout: at random", tests, NULL, NULL);
}
