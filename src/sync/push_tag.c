// Gives a saved version that wants one its tag, once a push has brought the version to the host: in an exchange of its own, because
// a push of several refs is not atomic. What fails here undoes nothing: it is told, and tried again with the next push.
// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "sync/push_internal.h"

static const char tags[] = "refs/tags/";

// One tag on its way.
struct tagging {
    struct round *round;
    struct push_item *item;
    struct session *session;
    struct gs_version version;
    struct gs_oid wanted; // the commit that holds the version
    const char *name;     // "<app id>/<version>"
    const char *ref;
    bool existed;
    struct gs_oid found; // the commit that the tag is at in the end
};

// False when there is nothing to do, or nothing that can be found out.
static bool is_wanted(struct tagging *tagging)
{
    GS_CLEANUP(gs_error_release) struct gs_error ignored = GS_ERROR_INIT;
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    const struct push_item *item = tagging->item;
    struct gs_arena *arena = item->task->arena;
    struct gs_version_tag tag = {.commit = NULL};
    if (!tagging->session->config.tag || !item->version_id ||
        gs_tx_read(tagging->session->sync->options.store, &tx, &ignored) != GS_OK ||
        gs_store_get_tag(tx, item->version_id, arena, &tag, &ignored) != GS_OK || tag.commit)
        return false;
    return gs_store_get_version(tx, item->app_id, item->version_id, arena, &tagging->version,
                                &ignored) == GS_OK &&
           !tagging->version.draft && strcmp(tagging->version.document_id, item->document_id) == 0;
}

// Receive-pack tells where a tag is, and not at which commit.
static enum gs_status find_commit(struct tagging *tagging, const struct gs_git_advert *advert,
                                  const struct gs_git_ref *ref, struct gs_oid *out_commit,
                                  struct gs_error *err)
{
    struct gs_oid at;
    enum gs_status status = gs_session_fetch_head(tagging->session, advert, ref, &at, err);
    return status == GS_OK ? gs_mirror_peel(tagging->session->repo->mirror, &at, out_commit, err)
                           : status;
}

// A tag that is there already is as good as ours when its commit holds exactly this version.
static enum gs_status accept(struct tagging *tagging, const struct gs_git_advert *advert,
                             const struct gs_git_ref *ref, struct gs_error *err)
{
    struct remote_app held;
    enum gs_status status = find_commit(tagging, advert, ref, &tagging->found, err);
    tagging->existed = true;
    if (status != GS_OK || gs_oid_eq(&tagging->found, &tagging->wanted))
        return status;
    bool same = false;
    struct gs_error ignored = GS_ERROR_INIT;
    if (gs_session_read_app(tagging->session, &tagging->found, tagging->item->git_app_id, NULL,
                            &held, &ignored) == GS_OK) {
        same = held.entry && strcmp(held.document_id, tagging->item->document_id) == 0;
        gs_buf_release(&held.document);
    }
    gs_error_release(&ignored);
    if (same)
        return GS_OK;
    return gs_fail(err, GS_CODE_TAG_EXISTS, NULL,
                   "the tag '%s' exists and is at commit %.12s, which does not hold this version; "
                   "delete it in git, or save under another name",
                   tagging->name, tagging->found.hex);
}

static enum gs_status send(struct tagging *tagging, const struct gs_git_advert *advert,
                           enum gs_push_outcome *out_outcome, struct gs_error *err)
{
    struct session *session = tagging->session;
    const struct gs_version *version = &tagging->version;
    const char *message = gs_arena_printf(session->arena, "Version %s created", version->name);
    struct gs_tag_request request = {
        .commit = tagging->wanted,
        .name = tagging->name,
        .tagger_name = session->config.author_name,
        .tagger_email = session->config.author_email,
        .message = gs_slice_str(message),
        .when_ms = gs_clock_now_ms(),
    };
    static const struct gs_oid none;
    struct gs_oid tag;
    const char *reason = NULL;
    enum gs_status status = gs_mirror_tag(session->repo->mirror, &request, &tag, err);
    struct branch_move move = {advert, tagging->ref, &none, &tag};
    if (status == GS_OK)
        status = gs_session_push(session, &move, out_outcome, &reason, err);
    if (status == GS_OK && *out_outcome == GS_PUSH_REFUSED)
        status = gs_fail(err, GS_CODE_PUSH_REJECTED, NULL, "the git host refused the tag: %s",
                         reason ? reason : "it did not say why");
    return status;
}

// Whatever became of the push of the tag, the host knows.
static enum gs_status look_again(struct tagging *tagging, struct gs_error *err)
{
    struct gs_error lost = GS_ERROR_INIT;
    struct gs_git_advert advert;
    gs_error_move(&lost, err);
    enum gs_status status =
        gs_session_advertise(tagging->session, GS_GIT_RECEIVE_PACK, &advert, err);
    const struct gs_git_ref *ref =
        status == GS_OK ? gs_git_advert_find(&advert, tagging->ref) : NULL;
    if (ref) {
        gs_error_release(&lost);
        return accept(tagging, &advert, ref, err);
    }
    if (status == GS_OK && lost.code != GS_CODE_NONE) {
        status = gs_error_status(&lost);
        gs_error_move(err, &lost);
    } else if (status == GS_OK) {
        status = gs_fail(err, GS_CODE_HOST_FAILED, NULL, "the git host did not take the tag");
    }
    gs_error_release(&lost);
    return status;
}

static enum gs_status push_tag(struct tagging *tagging, struct gs_error *err)
{
    const struct gs_git_advert *advert = &tagging->round->advert;
    if (!gs_git_branch_is_valid(tagging->name))
        return gs_fail(err, GS_CODE_INVALID_NAME, NULL,
                       "'%s' cannot be the name of a tag; save the version under another name",
                       tagging->name);
    const struct gs_git_ref *ref = gs_git_advert_find(advert, tagging->ref);
    if (ref)
        return accept(tagging, advert, ref, err);
    enum gs_push_outcome outcome;
    enum gs_status status = send(tagging, advert, &outcome, err);
    if (status != GS_OK)
        return status;
    tagging->found = tagging->wanted;
    return outcome == GS_PUSH_DONE ? GS_OK : look_again(tagging, err);
}

// ---- Telling ---------------------------------------------------------------------------

static void describe(const struct tagging *tagging, const struct gs_error *failure,
                     yyjson_mut_doc *doc)
{
    enum gs_status status = gs_error_status(failure);
    bool later = status == GS_UPSTREAM || status == GS_TIMEOUT || status == GS_BUSY;
    yyjson_mut_val *obj = yyjson_mut_obj_add_obj(doc, yyjson_mut_doc_get_root(doc), "tag");
    gs_json_add_cstr(doc, obj, "name", tagging->name);
    if (status == GS_OK) {
        gs_json_add_cstr(doc, obj, "status", tagging->existed ? "exists" : "created");
        gs_json_add_cstr(doc, obj, "commit", tagging->found.hex);
        return;
    }
    gs_json_add_cstr(doc, obj, "status", later ? "pending" : "failed");
    gs_report_failure(failure, doc, obj);
}

// The answer, which was complete without the tag, tells of it too.
static enum gs_status add_to_answer(const struct tagging *tagging, const struct gs_error *failure,
                                    struct gs_error *err)
{
    struct task *task = tagging->item->task;
    GS_CLEANUP(gs_json_cleanup) yyjson_doc *json = NULL;
    GS_CLEANUP(gs_json_cleanup_mut) yyjson_mut_doc *doc = NULL;
    enum gs_status status = gs_json_parse(gs_buf_slice(&task->json), "the answer", &json, err);
    if (status == GS_OK)
        status = gs_json_thaw(yyjson_doc_get_root(json), &doc, err);
    if (status != GS_OK)
        return status;
    describe(tagging, failure, doc);
    return gs_report_finish(task, doc, err);
}

static enum gs_status record(const struct tagging *tagging, bool done, struct gs_error *err)
{
    struct task *task = tagging->item->task;
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    struct gs_version_tag tag = {.version_id = tagging->version.id, .commit = tagging->found.hex};
    enum gs_status status = gs_tx_write(tagging->session->sync->options.store, &tx, err);
    if (status == GS_OK && done)
        status = gs_store_put_tag(tx, &tag, err);
    task->op.result = gs_arena_dup_slice(task->arena, gs_buf_slice(&task->json));
    if (status == GS_OK)
        status = gs_store_update_operation(tx, &task->op, err);
    return status == GS_OK ? gs_tx_commit(&tx, err) : status;
}

void gs_push_tag(struct round *round, struct push_item *item)
{
    struct session *session = round->batch->session;
    struct tagging tagging = {.round = round, .item = item, .session = session};
    GS_CLEANUP(gs_error_release) struct gs_error failure = GS_ERROR_INIT;
    GS_CLEANUP(gs_error_release) struct gs_error ignored = GS_ERROR_INIT;
    if (!is_wanted(&tagging) || !item->task->op.commit ||
        !gs_oid_parse(gs_slice_str(item->task->op.commit), &tagging.wanted))
        return;
    tagging.name = gs_arena_printf(session->arena, "%s/%s", item->git_app_id, tagging.version.name);
    tagging.ref = gs_arena_printf(session->arena, "%s%s", tags, tagging.name);
    bool done = push_tag(&tagging, &failure) == GS_OK;
    // A tag that is there and was not noted is found by the next push.
    if (add_to_answer(&tagging, &failure, &ignored) == GS_OK &&
        record(&tagging, done, &ignored) != GS_OK)
        gs_error_release(&ignored);
}
