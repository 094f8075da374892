// Up to three app documents, separated by NULs: what is parsed can be scanned, counted, compared, merged, cut up, joined and
// brought into the form of files, and each of these keeps what app.h promises of equal documents.
// SPDX-License-Identifier: Apache-2.0
#include "app/scan.h"
#include "fuzz.h"

enum { OUT_MAX = 8 << 20 };

static struct gs_merge_side side_of(const struct gs_document *document, struct gs_slice bytes)
{
    return (struct gs_merge_side){document, bytes};
}

// Merging changes that only one side made gives that side's own bytes.
static void check_merge(const struct gs_merge_side *base, const struct gs_merge_side *ours,
                        const struct gs_merge_side *theirs, struct gs_slice expected,
                        struct gs_arena *arena)
{
    struct gs_error err = GS_ERROR_INIT;
    struct gs_merge_result result;
    if (!FUZZ_OK(gs_document_merge(base, ours, theirs, GS_CONFLICT_FAIL, arena, &result, &err),
                 &err))
        return;
    FUZZ_CHECK(result.conflict_count == 0);
    FUZZ_CHECK(gs_slice_eq(gs_buf_slice(&result.bytes), expected));
    gs_merge_result_release(&result);
}

// With nothing in common, under every policy: whatever comes out is a document again.
static void check_policies(const struct gs_merge_side *base, const struct gs_merge_side *ours,
                           const struct gs_merge_side *theirs, struct gs_arena *arena)
{
    static const enum gs_conflict_policy policies[] = {GS_CONFLICT_FAIL, GS_CONFLICT_OURS,
                                                       GS_CONFLICT_THEIRS};
    for (size_t i = 0; i < GS_COUNT(policies); i++) {
        struct gs_error err = GS_ERROR_INIT;
        struct gs_merge_result result;
        struct gs_document merged;
        if (!FUZZ_OK(gs_document_merge(base, ours, theirs, policies[i], arena, &result, &err),
                     &err))
            continue;
        FUZZ_CHECK(policies[i] == GS_CONFLICT_FAIL || result.bytes.len > 0);
        if (result.bytes.len > 0) {
            FUZZ_MUST(gs_document_parse(gs_buf_slice(&result.bytes), "merged", &merged, &err),
                      &err);
            gs_document_release(&merged);
        }
        gs_merge_result_release(&result);
    }
}

static size_t count_changes(const struct gs_document *before, const struct gs_document *after,
                            struct gs_arena *arena)
{
    struct gs_error err = GS_ERROR_INIT;
    struct gs_change *changes;
    size_t count = 0;
    return FUZZ_OK(gs_document_diff(before, after, arena, &changes, &count, &err), &err) ? count
                                                                                         : 0;
}

static void check_alone(const struct gs_document *document, struct gs_slice bytes,
                        struct gs_arena *arena)
{
    struct gs_scan scan;
    gs_document_scan(document, arena, &scan);
    FUZZ_CHECK(scan.module_count <= GS_SCAN_MODULES_MAX);
    FUZZ_CHECK(scan.need_count <= GS_SCAN_NEEDS_MAX);
    (void)gs_document_count_entities(document);
    FUZZ_CHECK(count_changes(document, document, arena) == 0);
    struct gs_merge_side side = side_of(document, bytes);
    check_merge(&side, &side, &side, bytes, arena);
}

// Lists have no order in files; once in their form, a document stays as it is.
static void check_normal_form(const struct gs_document *document, struct gs_slice bytes,
                              struct gs_arena *arena)
{
    struct gs_error err = GS_ERROR_INIT;
    GS_CLEANUP(gs_buf_release) struct gs_buf once;
    GS_CLEANUP(gs_buf_release) struct gs_buf twice;
    gs_buf_init(&once, OUT_MAX);
    gs_buf_init(&twice, OUT_MAX);
    struct gs_layout_push push = {
        .git_app_id = "id",
        .app_name = "A",
        .version_id = gs_arena_dup_slice(arena, document->version_id),
        .version_name = gs_arena_dup_slice(arena, document->version_name),
        .message = "m",
        .user = "u",
        .document = bytes,
    };
    if (!FUZZ_OK(gs_layout_normalize(GS_LAYOUT_PER_ENTITY, &push, &once, &err), &err))
        return;
    push.document = gs_buf_slice(&once);
    FUZZ_MUST(gs_layout_normalize(GS_LAYOUT_PER_ENTITY, &push, &twice, &err), &err);
    FUZZ_CHECK(gs_slice_eq(gs_buf_slice(&once), gs_buf_slice(&twice)));
}

static void check_rewrite(struct gs_slice bytes)
{
    struct gs_error err = GS_ERROR_INIT;
    GS_CLEANUP(gs_buf_release) struct gs_buf same;
    GS_CLEANUP(gs_buf_release) struct gs_buf other;
    gs_buf_init(&same, OUT_MAX);
    gs_buf_init(&other, OUT_MAX);
    FUZZ_MUST(gs_document_rewrite(bytes, NULL, NULL, &same, &err), &err);
    FUZZ_CHECK(gs_slice_eq(gs_buf_slice(&same), bytes));
    if (!FUZZ_OK(gs_document_rewrite(bytes, "PUBLISHED", "v9", &other, &err), &err))
        return;
    struct gs_document document;
    FUZZ_MUST(gs_document_parse(gs_buf_slice(&other), "rewritten", &document, &err), &err);
    gs_document_release(&document);
}

// The parts are documents, and together one export again.
static void check_export(yyjson_val *root, struct gs_arena *arena)
{
    struct gs_error err = GS_ERROR_INIT;
    struct gs_export export;
    if (!FUZZ_OK(gs_export_split(root, NULL, arena, &export, &err), &err))
        return;
    GS_CLEANUP(gs_buf_release) struct gs_buf joined;
    gs_buf_init(&joined, OUT_MAX);
    struct gs_slice *parts = gs_arena_array(arena, export.count, sizeof *parts);
    for (size_t i = 0; i < export.count; i++)
        parts[i] = gs_buf_slice(&export.parts[i].bytes);
    if (export.count > 0 && FUZZ_OK(gs_export_join(parts, export.count, &joined, &err), &err) &&
        export.count == 1)
        FUZZ_CHECK(gs_slice_eq(gs_buf_slice(&joined), parts[0]));
    gs_export_release(&export);
}

static void check_pair(const struct gs_document *a, struct gs_slice a_bytes,
                       const struct gs_document *b, struct gs_slice b_bytes, struct gs_arena *arena)
{
    struct gs_merge_side left = side_of(a, a_bytes), right = side_of(b, b_bytes);
    (void)count_changes(a, b, arena);
    check_merge(&left, &right, &right, b_bytes, arena);
    check_merge(&left, &left, &right, b_bytes, arena);
    check_merge(&left, &right, &left, b_bytes, arena);
    check_policies(&left, &right, &left, arena);
}

static void check_three(const struct gs_document documents[3], const struct gs_slice bytes[3],
                        struct gs_arena *arena)
{
    struct gs_merge_side sides[3];
    for (size_t i = 0; i < 3; i++)
        sides[i] = side_of(&documents[i], bytes[i]);
    check_policies(&sides[0], &sides[1], &sides[2], arena);
}

void fuzz_one(struct gs_slice input)
{
    GS_CLEANUP(gs_arena_cleanup) struct gs_arena *arena = gs_arena_new();
    struct gs_error err = GS_ERROR_INIT;
    struct gs_document documents[3];
    struct gs_slice bytes[3];
    size_t count = 0;
    while (count < 3 && input.len > 0) {
        bytes[count] = gs_slice_split(&input, 0);
        if (!FUZZ_OK(gs_document_parse(bytes[count], "it", &documents[count], &err), &err))
            break;
        count++;
    }
    for (size_t i = 0; i < count; i++) {
        check_alone(&documents[i], bytes[i], arena);
        check_normal_form(&documents[i], bytes[i], arena);
        check_rewrite(bytes[i]);
        check_export(yyjson_doc_get_root(documents[i].json), arena);
    }
    if (count >= 2)
        check_pair(&documents[0], bytes[0], &documents[1], bytes[1], arena);
    if (count == 3)
        check_three(documents, bytes, arena);
    for (size_t i = 0; i < count; i++)
        gs_document_release(&documents[i]);
}
