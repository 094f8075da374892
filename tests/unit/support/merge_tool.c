// Merges three files for the property tests: prints the merged document, or the conflicts as JSON. With two
// files it prints their differences.
// SPDX-License-Identifier: Apache-2.0
#include "app/app.h"
#include "base/files.h"

enum { EXIT_MERGED = 0, EXIT_CONFLICTS = 1, EXIT_FAILED = 2 };
enum { FILE_MAX = 64 * 1024 * 1024, INPUTS_MAX = 3 };

struct input {
    struct gs_buf bytes;
    struct gs_document document;
};

static enum gs_status read_input(const char *path, struct input *input, struct gs_error *err)
{
    gs_buf_init(&input->bytes, FILE_MAX);
    enum gs_status status = gs_file_read(path, &input->bytes, err);
    return status == GS_OK
               ? gs_document_parse(gs_buf_slice(&input->bytes), path, &input->document, err)
               : status;
}

static void release_input(struct input *input)
{
    gs_document_release(&input->document);
    gs_buf_release(&input->bytes);
}

static enum gs_status print_json(yyjson_mut_doc *doc, yyjson_mut_val *root, struct gs_error *err)
{
    GS_CLEANUP(gs_buf_release) struct gs_buf out;
    gs_buf_init(&out, FILE_MAX);
    yyjson_mut_doc_set_root(doc, root);
    enum gs_status status = gs_json_write_mut(doc, &out, err);
    fwrite(out.data, 1, out.len, stdout);
    return status;
}

static enum gs_status diff(const struct input inputs[], struct gs_arena *arena,
                           struct gs_error *err)
{
    struct gs_change *changes;
    size_t count;
    enum gs_status status =
        gs_document_diff(&inputs[0].document, &inputs[1].document, arena, &changes, &count, err);
    if (status != GS_OK)
        return status;
    GS_CLEANUP(gs_json_cleanup_mut) yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    return print_json(doc, gs_changes_to_json(doc, changes, count, true), err);
}

static enum gs_conflict_policy policy_of(const char *word)
{
    if (strcmp(word, "ours") == 0)
        return GS_CONFLICT_OURS;
    return strcmp(word, "theirs") == 0 ? GS_CONFLICT_THEIRS : GS_CONFLICT_FAIL;
}

// Sets *out_clean when there was no conflict.
static enum gs_status merge(const struct input inputs[], const char *policy, struct gs_arena *arena,
                            bool *out_clean, struct gs_error *err)
{
    struct gs_merge_side sides[INPUTS_MAX];
    for (size_t i = 0; i < INPUTS_MAX; i++)
        sides[i] = (struct gs_merge_side){&inputs[i].document, gs_buf_slice(&inputs[i].bytes)};
    struct gs_merge_result result;
    enum gs_status status =
        gs_document_merge(&sides[0], &sides[1], &sides[2], policy_of(policy), arena, &result, err);
    if (status != GS_OK)
        return status;
    GS_CLEANUP(gs_json_cleanup_mut) yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    *out_clean = result.bytes.len > 0;
    if (*out_clean)
        fwrite(result.bytes.data, 1, result.bytes.len, stdout);
    else
        status = print_json(doc, gs_conflicts_to_json(doc, result.conflicts, result.conflict_count),
                            err);
    gs_merge_result_release(&result);
    return status;
}

int main(int argc, char **argv)
{
    size_t count = argc == 5 ? 3 : 2;
    if (argc != 5 && argc != 3) {
        fputs("usage: merge_tool BASE OURS THEIRS fail|ours|theirs\n"
              "       merge_tool BEFORE AFTER\n",
              stderr);
        return EXIT_FAILED;
    }
    GS_CLEANUP(gs_arena_cleanup) struct gs_arena *arena = gs_arena_new();
    struct input inputs[INPUTS_MAX] = {0};
    struct gs_error err = GS_ERROR_INIT;
    enum gs_status status = GS_OK;
    bool clean = true;
    for (size_t i = 0; i < count && status == GS_OK; i++)
        status = read_input(argv[i + 1], &inputs[i], &err);
    if (status == GS_OK)
        status =
            argc == 5 ? merge(inputs, argv[4], arena, &clean, &err) : diff(inputs, arena, &err);
    for (size_t i = 0; i < INPUTS_MAX; i++)
        release_input(&inputs[i]);
    if (status != GS_OK) {
        fprintf(stderr, "%s\n", err.message);
        return EXIT_FAILED;
    }
    return clean ? EXIT_MERGED : EXIT_CONFLICTS;
}
