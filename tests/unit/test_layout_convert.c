// Branches that change layouts there and back: where what is kept has to be found again.
// SPDX-License-Identifier: Apache-2.0
#include "committed.h"

static void convert(struct committed *c, enum gs_layout target)
{
    struct gs_conversion request = {.parent = c->head,
                                    .target = target,
                                    .author_name = "Ada",
                                    .author_email = "ada@localhost",
                                    .message = GS_SLICE_LIT("convert")};
    struct gs_converted converted;
    COMMITTED_OK(c, gs_layout_convert(c->mirror, &request, c->arena, &converted, &c->err));
    c->head = converted.commit;
}

static const char *tree_of(struct committed *c)
{
    struct gs_entry root;
    COMMITTED_OK(c, gs_mirror_stat(c->mirror, &c->head, "", c->arena, &root, &c->err));
    return gs_arena_strdup(c->arena, root.oid.hex);
}

static void expect_same_tree_after(struct committed *c, enum gs_layout there, enum gs_layout back)
{
    const char *before = tree_of(c);
    convert(c, there);
    assert_string_not_equal(tree_of(c), before);
    convert(c, back);
    assert_string_equal(tree_of(c), before);
}

// The metadata in the form that the way back would write, so that nothing but the files asks to keep them.
static const char usual_metadata[] = "{\n  \"a\": {\n    \"appPath\": \"apps/A\",\n"
                                     "    \"updatedAt\": \"2026-03-02T09:00:00.000Z\"\n  }\n}";

static void files_that_are_kept_come_back_although_the_metadata_are_usual(void **state)
{
    struct committed *c = *state;
    const struct committed_file files[] = {
        {"apps/A/app/app.json", "{'id':'a','name':'A'}"},
        {"apps/A/versions/v.json", "{'id':'v'}"},
    };
    committed_put_all(c, files, GS_COUNT(files));
    committed_put(c, ".meta/appMeta.json", usual_metadata);
    expect_same_tree_after(c, GS_LAYOUT_SINGLE_FILE, GS_LAYOUT_PER_ENTITY);
}

static void an_app_file_of_another_id_comes_back_as_it_was(void **state)
{
    struct committed *c = *state;
    const struct committed_file files[] = {
        {"apps/A/app/app.json", "{'id':'copied from here','name':'Before'}"},
        {"apps/A/versions/v.json", "{'id':'v'}"},
    };
    committed_put_all(c, files, GS_COUNT(files));
    committed_put(c, ".meta/appMeta.json", usual_metadata);
    expect_same_tree_after(c, GS_LAYOUT_SINGLE_FILE, GS_LAYOUT_PER_ENTITY);
}

static void a_document_that_is_kept_comes_back_although_the_metadata_are_usual(void **state)
{
    struct committed *c = *state;
    committed_put(c, "A/v1.json",
                  committed_json(c, "{'app':[{'definition':{'appV2':{'name':'A','id':'a',"
                                    "'appVersions':[{'name':'v1','id':'v'}]}}}]}"));
    committed_put(c, ".meta/meta.json",
                  "{\n  \"a\": {\n    \"gitAppName\": \"A\",\n"
                  "    \"lastCommitMessage\": \"Converted from the per-entity layout\",\n"
                  "    \"gitVersionId\": \"v\",\n"
                  "    \"lastpushDate\": \"2026-03-02T09:00:00.000Z\",\n"
                  "    \"gitVersionName\": \"v1\",\n    \"lastCommitUser\": \"gitsync\"\n  }\n}");
    expect_same_tree_after(c, GS_LAYOUT_PER_ENTITY, GS_LAYOUT_SINGLE_FILE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        COMMITTED_TEST(files_that_are_kept_come_back_although_the_metadata_are_usual),
        COMMITTED_TEST(an_app_file_of_another_id_comes_back_as_it_was),
        COMMITTED_TEST(a_document_that_is_kept_comes_back_although_the_metadata_are_usual),
    };
    return cmocka_run_group_tests_name("layout: conversion", tests, NULL, NULL);
}
