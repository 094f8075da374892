// Plans: the facts that a call rests on as one hash, so that the real call can be bound to what was seen before.
// SPDX-License-Identifier: Apache-2.0
#include "crypto/crypto.h"
#include "sync/sync_internal.h"

enum { FACTS_MAX_BYTES = 1 << 20 };

void gs_plan_begin(struct plan_facts *facts, const struct session *session, const struct task *task)
{
    const struct gs_git_config *config = &session->config;
    gs_buf_init(&facts->text, FACTS_MAX_BYTES);
    gs_buf_printf(&facts->text, "%d %d %lld", (int)task->request.kind,
                  (int)task->request.divergence, (long long)config->updated_at);
    gs_plan_add(facts, config->git_url);
    gs_plan_add(facts, config->branch);
    gs_plan_add(facts, task->organization_id);
    gs_plan_add(facts, task->request.app_id);
    gs_plan_add(facts, task->request.version_id);
    gs_plan_add(facts, task->request.ref);
}

// Each fact with its length in front, so that two lists of facts never read the same.
void gs_plan_add(struct plan_facts *facts, const char *fact)
{
    gs_buf_printf(&facts->text, " %zd:%s", fact ? (ssize_t)strlen(fact) : -1, fact ? fact : "");
}

enum gs_status gs_plan_end(struct plan_facts *facts, const struct task *task, yyjson_mut_doc *doc,
                           yyjson_mut_val *root, struct gs_error *err)
{
    char hash[GS_SHA256_HEX + 1];
    enum gs_status status = gs_buf_check(&facts->text, "the plan", err);
    gs_sha256_hex(gs_buf_slice(&facts->text), hash);
    gs_buf_release(&facts->text);
    if (status != GS_OK)
        return status;
    if (task->request.dry_run) {
        yyjson_mut_obj_add_bool(doc, root, "dryRun", true);
        gs_json_add_cstr(doc, root, "planHash", hash);
    }
    const char *expected = task->request.plan_hash;
    if (!expected || strcmp(expected, hash) == 0)
        return GS_OK;
    return gs_fail(err, GS_CODE_PLAN_CHANGED, "If-Match",
                   "the document, the branch or the configuration has changed since this plan was "
                   "made; make a new one with dryRun=true");
}

// ---- What it would look like ------------------------------------------------------------

// An answer has the values of what changes as well, and all of it escaped.
enum { DIFF_MAX_BYTES = RESULT_MAX_BYTES / 2 };

static bool wants_diff(const struct task *task)
{
    return task->request.dry_run && task->request.want_diff;
}

static void put_diff(const struct gs_buf *diff, bool cut, yyjson_mut_doc *doc, yyjson_mut_val *root)
{
    struct gs_slice text = gs_buf_slice(diff);
    gs_json_add_str(doc, root, "diff", text.data ? text : GS_SLICE_LIT(""));
    yyjson_mut_obj_add_bool(doc, root, "diffCut", cut);
}

enum gs_status gs_plan_add_document_diff(const struct task *task, const char *label,
                                         struct gs_slice before, struct gs_slice after,
                                         yyjson_mut_doc *doc, yyjson_mut_val *root,
                                         struct gs_error *err)
{
    if (!wants_diff(task))
        return GS_OK;
    GS_CLEANUP(gs_buf_release) struct gs_buf diff = {.max = DIFF_MAX_BYTES};
    enum gs_status status = gs_git_diff_texts(label, before, after, &diff, err);
    bool cut = status != GS_OK && err->code == GS_CODE_TOO_LARGE;
    if (status != GS_OK && !cut)
        return status;
    if (cut)
        gs_error_release(err);
    put_diff(&diff, cut, doc, root);
    return GS_OK;
}

const char *gs_remote_label(const struct remote_app *remote, struct gs_arena *arena)
{
    const char *path = remote->entry->path;
    return remote->layout == GS_LAYOUT_PER_ENTITY ? gs_arena_printf(arena, "%s (document)", path)
                                                  : path;
}

enum gs_status gs_plan_add_commit_diff(const struct session *session, const struct task *task,
                                       const struct gs_oid *parent, const struct gs_oid *commit,
                                       yyjson_mut_doc *doc, yyjson_mut_val *root,
                                       struct gs_error *err)
{
    if (!wants_diff(task))
        return GS_OK;
    GS_CLEANUP(gs_buf_release) struct gs_buf diff = {.max = DIFF_MAX_BYTES};
    bool cut = false;
    enum gs_status status = GS_OK;
    if (!gs_oid_is_none(commit))
        status = gs_mirror_diff(session->repo->mirror, parent, commit, &diff, &cut, err);
    if (status == GS_OK)
        put_diff(&diff, cut, doc, root);
    return status;
}
