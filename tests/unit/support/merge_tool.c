// Merges and compares documents for the property tests, request by request, because a process for
// each would take longer than all the rest. A request is a line "fail|ours|theirs BYTES BYTES
// BYTES" (base, ours, theirs) or "diff BYTES BYTES" with the documents behind it; the answer is a
// line "OUTCOME BYTES" and the merged document, the conflicts or changes as JSON, or what failed.
// SPDX-License-Identifier: Apache-2.0
#include "app/app.h"

enum outcome { OUTCOME_DONE, OUTCOME_CONFLICTS, OUTCOME_FAILED };
enum { TEXT_MAX = 64 * 1024 * 1024, INPUTS_MAX = 3 };

struct request {
    char word[16];
    size_t count;
    struct gs_buf texts[INPUTS_MAX];
    struct gs_document documents[INPUTS_MAX];
};

static bool read_text(size_t len, struct gs_buf *text)
{
    gs_buf_init(text, TEXT_MAX);
    char *to = gs_buf_reserve(text, len);
    if (!to || fread(to, 1, len, stdin) != len)
        return false;
    text->len = len;
    return true;
}

// False at the end of the input.
static bool read_request(struct request *request)
{
    size_t lengths[INPUTS_MAX];
    char line[128];
    *request = (struct request){.count = 0};
    if (!fgets(line, sizeof line, stdin))
        return false;
    int fields =
        sscanf(line, "%15s %zu %zu %zu", request->word, &lengths[0], &lengths[1], &lengths[2]);
    while ((int)request->count + 1 < fields) {
        if (!read_text(lengths[request->count], &request->texts[request->count]))
            return false;
        request->count++;
    }
    return request->count >= 2;
}

static void release_request(struct request *request)
{
    for (size_t i = 0; i < INPUTS_MAX; i++) {
        gs_document_release(&request->documents[i]);
        gs_buf_release(&request->texts[i]);
    }
}

static enum gs_status write_json(yyjson_mut_doc *doc, yyjson_mut_val *root, struct gs_buf *out,
                                 struct gs_error *err)
{
    yyjson_mut_doc_set_root(doc, root);
    return gs_json_write_mut(doc, out, err);
}

static enum gs_status diff(const struct request *request, struct gs_arena *arena,
                           struct gs_buf *out, struct gs_error *err)
{
    struct gs_change *changes;
    size_t count;
    enum gs_status status = gs_document_diff(&request->documents[0], &request->documents[1], arena,
                                             &changes, &count, err);
    if (status != GS_OK)
        return status;
    GS_CLEANUP(gs_json_cleanup_mut) yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    return write_json(doc, gs_changes_to_json(doc, changes, count, true), out, err);
}

static enum gs_conflict_policy policy_of(const char *word)
{
    if (strcmp(word, "ours") == 0)
        return GS_CONFLICT_OURS;
    return strcmp(word, "theirs") == 0 ? GS_CONFLICT_THEIRS : GS_CONFLICT_FAIL;
}

static enum gs_status merge(const struct request *request, struct gs_arena *arena,
                            enum outcome *outcome, struct gs_buf *out, struct gs_error *err)
{
    struct gs_merge_side sides[INPUTS_MAX];
    for (size_t i = 0; i < INPUTS_MAX; i++)
        sides[i] = (struct gs_merge_side){&request->documents[i], gs_buf_slice(&request->texts[i])};
    struct gs_merge_result result;
    enum gs_status status = gs_document_merge(&sides[0], &sides[1], &sides[2],
                                              policy_of(request->word), arena, &result, err);
    if (status != GS_OK)
        return status;
    GS_CLEANUP(gs_json_cleanup_mut) yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    if (result.bytes.len > 0) {
        gs_buf_append_slice(out, gs_buf_slice(&result.bytes));
    } else {
        *outcome = OUTCOME_CONFLICTS;
        status = write_json(doc, gs_conflicts_to_json(doc, result.conflicts, result.conflict_count),
                            out, err);
    }
    gs_merge_result_release(&result);
    return status;
}

static enum outcome serve(struct request *request, struct gs_buf *out)
{
    GS_CLEANUP(gs_arena_cleanup) struct gs_arena *arena = gs_arena_new();
    struct gs_error err = GS_ERROR_INIT;
    enum gs_status status = GS_OK;
    enum outcome outcome = OUTCOME_DONE;
    for (size_t i = 0; i < request->count && status == GS_OK; i++)
        status = gs_document_parse(gs_buf_slice(&request->texts[i]), "the document",
                                   &request->documents[i], &err);
    if (status == GS_OK)
        status = request->count == INPUTS_MAX ? merge(request, arena, &outcome, out, &err)
                                              : diff(request, arena, out, &err);
    if (status == GS_OK)
        return outcome;
    gs_buf_append_str(out, err.message);
    return OUTCOME_FAILED;
}

int main(void)
{
    struct request request;
    bool more = true;
    while (more && (more = read_request(&request))) {
        struct gs_buf out;
        gs_buf_init(&out, TEXT_MAX);
        int outcome = serve(&request, &out);
        printf("%d %zu\n", outcome, out.len);
        fwrite(out.data, 1, out.len, stdout);
        more = fflush(stdout) == 0;
        gs_buf_release(&out);
        release_request(&request);
    }
    return 0;
}
