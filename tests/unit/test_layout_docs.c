// The examples of docs/layouts.md: what they say is in a repository is read, pushed elsewhere and compared byte for byte.
// SPDX-License-Identifier: Apache-2.0
#include "base/files.h"
#include "committed.h"

enum { PAGE_MAX = 1 << 20, EXAMPLES_MAX = 64 };

// A block of the page: "```json PATH", its lines, "```". The last line break is not the file's.
struct example {
    const char *path, *text;
};
struct page {
    struct example examples[EXAMPLES_MAX];
    size_t count;
    const char *document; // the block of that name, or NULL
};

static void add_example(struct committed *c, struct page *page, struct gs_slice path,
                        struct gs_slice text)
{
    const char *content = gs_arena_dup_slice(c->arena, text);
    if (gs_slice_eq_str(path, "document")) {
        page->document = content;
        return;
    }
    assert_true(page->count < EXAMPLES_MAX);
    page->examples[page->count++] = (struct example){gs_arena_dup_slice(c->arena, path), content};
}

static void read_section(struct committed *c, struct gs_slice section, struct page *page)
{
    const char *start = NULL;
    struct gs_slice path = GS_SLICE_EMPTY;
    while (section.len > 0) {
        struct gs_slice line = gs_slice_split(&section, '\n');
        if (start && gs_slice_eq_str(line, "```")) {
            add_example(c, page, path,
                        gs_slice_of(start, (size_t)(line.data - start) - strlen("\n")));
            start = NULL;
        } else if (!start && gs_slice_starts(line, "```json ")) {
            size_t skip = strlen("```json ");
            path = gs_slice_of(line.data + skip, line.len - skip);
            start = section.data;
        }
    }
}

static struct page read_page(struct committed *c, const char *heading)
{
    struct gs_buf text;
    struct page page = {.count = 0};
    const char *root = getenv("GITSYNC_SOURCE_ROOT");
    gs_buf_init(&text, PAGE_MAX);
    COMMITTED_OK(c, gs_file_read(gs_arena_printf(c->arena, "%s/docs/layouts.md", root ? root : "."),
                                 &text, &c->err));
    char *start = strstr(text.data, heading);
    assert_non_null(start);
    char *end = strstr(start + 1, "\n## ");
    read_section(c, gs_slice_of(start, end ? (size_t)(end - start) : strlen(start)), &page);
    gs_buf_release(&text);
    assert_true(page.count > 1);
    return page;
}

static void put_page(struct committed *c, const struct page *page)
{
    for (size_t i = 0; i < page->count; i++)
        committed_put(c, page->examples[i].path, page->examples[i].text);
}

static struct gs_catalog read_only_app(struct committed *c, struct gs_buf *document)
{
    struct gs_catalog catalog;
    COMMITTED_OK(c, gs_catalog_read(c->mirror, &c->head, c->arena, &catalog, &c->err));
    assert_int_equal(catalog.count, 1);
    COMMITTED_OK(c, gs_layout_read(c->mirror, &c->head, catalog.layout, &catalog.apps[0], document,
                                   &c->err));
    return catalog;
}

static struct gs_layout_push push_of(const struct gs_git_app *app, const struct gs_buf *document)
{
    return (struct gs_layout_push){.git_app_id = app->id,
                                   .app_name = app->name,
                                   .version_id = app->version_id,
                                   .version_name = app->version_name,
                                   .message = app->last_commit_message,
                                   .user = app->last_commit_user,
                                   .when_ms = 1772442000000, // 2026-03-02T09:00:00.000Z
                                   .document = gs_buf_slice(document)};
}

// The first example is the metadata; in a per-entity repository it tells the folder of folders.
static void push_elsewhere(struct committed *c, const struct page *page, enum gs_layout layout,
                           const struct gs_layout_push *push)
{
    c->head = (struct gs_oid){""};
    if (layout == GS_LAYOUT_PER_ENTITY)
        committed_put(c, page->examples[0].path, page->examples[0].text);
    COMMITTED_OK(c, committed_push(c, layout, push));
    for (size_t i = 0; i < page->count; i++) {
        const char *copy = committed_get(c, page->examples[i].path);
        assert_non_null(copy);
        assert_string_equal(copy, page->examples[i].text);
    }
}

static void check_examples(struct committed *c, const char *heading, enum gs_layout layout)
{
    GS_CLEANUP(gs_buf_release) struct gs_buf document;
    gs_buf_init(&document, PAGE_MAX);
    struct page page = read_page(c, heading);
    put_page(c, &page);
    struct gs_catalog catalog = read_only_app(c, &document);
    assert_int_equal(catalog.layout, layout);
    assert_string_equal(document.data, page.document ? page.document : page.examples[1].text);
    struct gs_layout_push push = push_of(&catalog.apps[0], &document);
    COMMITTED_OK(c, committed_push(c, layout, &push));
    assert_int_equal(c->edit_count, 0);
    push_elsewhere(c, &page, layout, &push);
}

static void the_single_file_examples_are_true(void **state)
{
    check_examples(*state, "\n## Single-file\n", GS_LAYOUT_SINGLE_FILE);
}

static void the_per_entity_examples_are_true(void **state)
{
    check_examples(*state, "\n## Per-entity\n", GS_LAYOUT_PER_ENTITY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        COMMITTED_TEST(the_single_file_examples_are_true),
        COMMITTED_TEST(the_per_entity_examples_are_true),
    };
    return cmocka_run_group_tests_name("layout: documentation", tests, NULL, NULL);
}
