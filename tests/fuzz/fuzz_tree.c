// Whole trees: the input is a list of files (see fuzz_files). What can be read must come out again after it was pushed, pushing
// it once more must change nothing, and changing layouts there and back must give the same tree.
// SPDX-License-Identifier: Apache-2.0
#include "app/app.h"
#include "fuzz.h"

enum { OUT_MAX = 8 << 20 };

struct tree {
    struct gs_mirror *mirror;
    struct gs_arena *arena;
    struct gs_oid commit;
    struct gs_catalog catalog;
};

static bool read_catalog(struct tree *tree, const struct gs_oid *commit,
                         struct gs_catalog *out_catalog)
{
    struct gs_error err = GS_ERROR_INIT;
    return FUZZ_OK(gs_catalog_read(tree->mirror, commit, tree->arena, out_catalog, &err), &err);
}

// False when the app's document is none that could be pushed.
static bool make_push(struct tree *tree, const struct gs_git_app *app, struct gs_slice text,
                      struct gs_layout_push *out_push)
{
    struct gs_error err = GS_ERROR_INIT;
    struct gs_document document;
    if (!FUZZ_OK(gs_document_parse(text, app->path, &document, &err), &err))
        return false;
    *out_push = (struct gs_layout_push){
        .git_app_id = app->id,
        .app_name = app->name,
        .version_id = gs_arena_dup_slice(tree->arena, document.version_id),
        .version_name = gs_arena_dup_slice(tree->arena, document.version_name),
        .message = "m",
        .user = "u",
        .when_ms = 1,
        .document = text};
    gs_document_release(&document);
    return FUZZ_OK(gs_app_check_name(gs_slice_str(out_push->app_name), NULL, &err), &err) &&
           FUZZ_OK(gs_version_check_name(gs_slice_str(out_push->version_name), NULL, &err), &err);
}

static bool push(struct tree *tree, const struct gs_layout_push *push, size_t *out_edits,
                 struct gs_oid *out_commit)
{
    struct gs_error err = GS_ERROR_INIT;
    struct gs_edit *edits;
    return FUZZ_OK(gs_layout_plan_push(tree->mirror, out_commit, tree->catalog.layout, push,
                                       tree->arena, &edits, out_edits, &err),
                   &err) &&
           fuzz_commit(tree->mirror, out_commit, edits, *out_edits, tree->arena, out_commit);
}

// What was promised of the document is what a catalog of the new commit leads to.
static void expect_pushed(struct tree *tree, const struct gs_oid *commit,
                          const struct gs_layout_push *pushed)
{
    struct gs_error err = GS_ERROR_INIT;
    struct gs_catalog after;
    struct gs_slice text;
    GS_CLEANUP(gs_buf_release) struct gs_buf normal;
    gs_buf_init(&normal, OUT_MAX);
    FUZZ_MUST(gs_layout_normalize(tree->catalog.layout, pushed, &normal, &err), &err);
    FUZZ_CHECK(read_catalog(tree, commit, &after));
    const struct gs_git_app *app = gs_catalog_find(&after, pushed->git_app_id);
    FUZZ_CHECK(app != NULL);
    FUZZ_CHECK(fuzz_read(tree->mirror, commit, &after, app, tree->arena, &text) != NULL);
    FUZZ_CHECK(gs_slice_eq(text, gs_buf_slice(&normal)));
}

static void check_app(struct tree *tree, const struct gs_git_app *app)
{
    struct gs_error err = GS_ERROR_INIT;
    struct gs_git_version version;
    struct gs_layout_push again;
    struct gs_slice text;
    struct gs_oid commit = tree->commit;
    size_t edits;
    (void)FUZZ_OK(gs_layout_read_version(tree->mirror, &commit, tree->catalog.layout, app,
                                         tree->arena, &version, &err),
                  &err);
    if (!fuzz_read(tree->mirror, &commit, &tree->catalog, app, tree->arena, &text) ||
        !make_push(tree, app, text, &again) || !push(tree, &again, &edits, &commit))
        return;
    expect_pushed(tree, &commit, &again);
    FUZZ_CHECK(push(tree, &again, &edits, &commit));
    FUZZ_CHECK(edits == 0);
}

static void check_all(struct tree *tree)
{
    struct gs_error err = GS_ERROR_INIT;
    struct gs_check check;
    FUZZ_MUST(gs_layout_check(tree->mirror, &tree->commit, tree->arena, &check, &err), &err);
    FUZZ_CHECK(check.catalog.count == tree->catalog.count);
}

static bool convert(struct tree *tree, enum gs_layout target, struct gs_oid *commit)
{
    struct gs_error err = GS_ERROR_INIT;
    struct gs_converted converted;
    struct gs_conversion request = {.parent = *commit,
                                    .target = target,
                                    .author_name = "Ada",
                                    .author_email = "ada@localhost",
                                    .message = GS_SLICE_LIT("convert")};
    if (!FUZZ_OK(gs_layout_convert(tree->mirror, &request, tree->arena, &converted, &err), &err))
        return false;
    *commit = converted.commit;
    return true;
}

static const char *tree_id(struct tree *tree, const struct gs_oid *commit)
{
    struct gs_error err = GS_ERROR_INIT;
    struct gs_entry root;
    FUZZ_MUST(gs_mirror_stat(tree->mirror, commit, "", tree->arena, &root, &err), &err);
    return gs_arena_strdup(tree->arena, root.oid.hex);
}

static void check_conversion(struct tree *tree)
{
    enum gs_layout layout = tree->catalog.layout;
    enum gs_layout other =
        layout == GS_LAYOUT_SINGLE_FILE ? GS_LAYOUT_PER_ENTITY : GS_LAYOUT_SINGLE_FILE;
    struct gs_oid commit = tree->commit;
    if (layout == GS_LAYOUT_NONE || !convert(tree, other, &commit))
        return;
    FUZZ_CHECK(convert(tree, layout, &commit));
    FUZZ_CHECK(strcmp(tree_id(tree, &commit), tree_id(tree, &tree->commit)) == 0);
}

void fuzz_one(struct gs_slice input)
{
    GS_CLEANUP(gs_arena_cleanup) struct gs_arena *arena = gs_arena_new();
    struct tree tree = {.mirror = fuzz_mirror(), .arena = arena, .commit = {""}};
    struct gs_edit *edits;
    size_t count = fuzz_files(input, arena, &edits);
    if (!fuzz_commit(tree.mirror, &tree.commit, edits, count, arena, &tree.commit) ||
        gs_oid_is_none(&tree.commit) || !read_catalog(&tree, &tree.commit, &tree.catalog))
        return;
    for (size_t i = 0; i < tree.catalog.count; i++)
        check_app(&tree, &tree.catalog.apps[i]);
    check_all(&tree);
    check_conversion(&tree);
}
