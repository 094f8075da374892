// Merges of three documents under every policy, and what is expected of them. For the programs that test merges.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_TESTS_MERGE_FIXTURE_H
#define GS_TESTS_MERGE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "app_fixture.h"

// One merge of three documents, under every policy.
struct merged {
    char *bytes[3];  // by policy; NULL for an empty result
    char *conflicts; // with ' in place of "; the same under every policy
};

static void release_merged(struct merged *merged)
{
    for (int policy = 0; policy < 3; policy++)
        free(merged->bytes[policy]);
    free(merged->conflicts);
}

static char *conflicts_of(const struct gs_merge_result *result)
{
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_doc_set_root(doc,
                            gs_conflicts_to_json(doc, result->conflicts, result->conflict_count));
    char *text = app_quoted(doc);
    gs_json_free_mut(doc);
    return text;
}

static void merge_with(const struct app_side sides[3], enum gs_conflict_policy policy,
                       struct merged *merged)
{
    struct gs_arena *arena = gs_arena_new();
    struct gs_merge_side base = app_merge_side(&sides[0]), ours = app_merge_side(&sides[1]),
                         theirs = app_merge_side(&sides[2]);
    struct gs_merge_result result;
    assert_int_equal(gs_document_merge(&base, &ours, &theirs, policy, arena, &result, NULL), GS_OK);
    char *conflicts = conflicts_of(&result);
    if (merged->conflicts)
        assert_string_equal(conflicts, merged->conflicts);
    free(merged->conflicts);
    merged->conflicts = conflicts;
    assert_int_equal(result.bytes.len == 0,
                     policy == GS_CONFLICT_FAIL && result.conflict_count > 0);
    merged->bytes[policy] = gs_buf_take(&result.bytes, NULL);
    gs_merge_result_release(&result);
    gs_arena_free(arena);
}

// Takes the texts.
static struct merged merge_texts(char *base, char *ours, char *theirs)
{
    struct app_side sides[3] = {app_side_of(base), app_side_of(ours), app_side_of(theirs)};
    struct merged merged = {{NULL, NULL, NULL}, NULL};
    for (int policy = 0; policy < 3; policy++)
        merge_with(sides, (enum gs_conflict_policy)policy, &merged);
    for (int i = 0; i < 3; i++)
        app_side_release(&sides[i]);
    return merged;
}

static void assert_bytes(const char *bytes, char *expected)
{
    assert_string_equal(bytes, expected);
    free(expected);
}

// The members of appV2 on the three sides and in the result, without a conflict.
static void assert_merges(const char *base, const char *ours, const char *theirs,
                          const char *expected)
{
    struct merged merged =
        merge_texts(app_document(base), app_document(ours), app_document(theirs));
    assert_string_equal(merged.conflicts, "[]");
    for (int policy = 0; policy < 3; policy++)
        assert_bytes(merged.bytes[policy], app_document(expected));
    release_merged(&merged);
}

static void assert_conflicts(const char *base, const char *ours, const char *theirs,
                             const char *conflicts, const char *with_ours, const char *with_theirs)
{
    struct merged merged =
        merge_texts(app_document(base), app_document(ours), app_document(theirs));
    assert_string_equal(merged.conflicts, conflicts);
    assert_bytes(merged.bytes[GS_CONFLICT_OURS], app_document(with_ours));
    assert_bytes(merged.bytes[GS_CONFLICT_THEIRS], app_document(with_theirs));
    release_merged(&merged);
}

#endif
