// What git holds of an app, and bringing it together with what is stored here.
// SPDX-License-Identifier: Apache-2.0
#include "crypto/crypto.h"
#include "sync/sync_internal.h"

enum gs_status gs_session_catalog(struct session *session, const struct gs_oid *commit,
                                  const struct gs_catalog **out_catalog, struct gs_error *err)
{
    if (!session->has_catalog || !gs_oid_eq(&session->catalog_commit, commit)) {
        struct gs_catalog catalog;
        enum gs_status status =
            gs_catalog_read(session->repo->mirror, commit, session->arena, &catalog, err);
        if (status != GS_OK)
            return status;
        session->catalog = catalog;
        session->catalog_commit = *commit;
        session->has_catalog = true;
        pthread_mutex_lock(&session->sync->lock);
        session->repo->single_files = catalog.layout == GS_LAYOUT_SINGLE_FILE;
        pthread_mutex_unlock(&session->sync->lock);
    }
    *out_catalog = &session->catalog;
    return GS_OK;
}

// Only the document tells the version where the metadata does not.
static enum gs_status name_version(struct session *session, struct remote_app *remote,
                                   struct gs_error *err)
{
    if (remote->entry->version_name[0])
        return GS_OK;
    struct gs_document document;
    enum gs_status status =
        gs_document_parse(gs_buf_slice(&remote->document), remote->entry->path, &document, err);
    if (status != GS_OK)
        return status;
    struct gs_git_app *named = gs_arena_alloc(session->arena, sizeof *named);
    *named = *remote->entry;
    named->version_id = gs_arena_dup_slice(session->arena, document.version_id);
    named->version_name = gs_arena_dup_slice(session->arena, document.version_name);
    remote->entry = named;
    gs_document_release(&document);
    return GS_OK;
}

enum gs_status gs_remote_load(struct session *session, struct remote_app *remote,
                              struct gs_error *err)
{
    if (remote->loaded)
        return GS_OK;
    gs_buf_init(&remote->document, session->sync->options.document_limit);
    enum gs_status status = gs_layout_read(session->repo->mirror, &remote->commit, remote->layout,
                                           remote->entry, &remote->document, err);
    if (status != GS_OK) {
        gs_buf_release(&remote->document);
        return status;
    }
    gs_sha256_hex(gs_buf_slice(&remote->document), remote->document_id);
    remote->loaded = true;
    return GS_OK;
}

void gs_remote_note(struct session *session, const struct remote_app *remote)
{
    struct known_document document = {.plain = remote->plain};
    snprintf(document.id, sizeof document.id, "%s", remote->document_id);
    gs_known_put(session->sync->known, &remote->object, &document);
}

// What was seen before is known by its object; what is seen now will be.
static enum gs_status identify(struct session *session, struct remote_app *remote,
                               struct gs_error *err)
{
    struct known_document known;
    enum gs_status status =
        gs_layout_find_object(session->repo->mirror, &remote->commit, remote->layout, remote->entry,
                              &remote->object, err);
    if (status != GS_OK)
        return status;
    if (remote->entry->version_name[0] &&
        gs_known_get(session->sync->known, &remote->object, &known)) {
        snprintf(remote->document_id, sizeof remote->document_id, "%s", known.id);
        remote->plain = known.plain;
        return GS_OK;
    }
    status = gs_remote_load(session, remote, err);
    if (status != GS_OK)
        return status;
    gs_remote_note(session, remote);
    return name_version(session, remote, err);
}

enum gs_status gs_session_find_app(struct session *session, const struct gs_oid *commit,
                                   const char *git_app_id, const char *git_app_name,
                                   struct remote_app *out_remote, struct gs_error *err)
{
    struct remote_app remote = {.commit = *commit};
    const struct gs_catalog *catalog;
    enum gs_status status = gs_session_catalog(session, commit, &catalog, err);
    if (status != GS_OK)
        return status;
    remote.layout = catalog->layout;
    remote.problems = catalog->problems;
    remote.entry = git_app_id ? gs_catalog_find(catalog, git_app_id)
                              : gs_catalog_find_by_name(catalog, git_app_name);
    if (remote.entry)
        status = identify(session, &remote, err);
    if (status == GS_OK)
        *out_remote = remote;
    else
        gs_buf_release(&remote.document);
    return status;
}

enum gs_status gs_session_find_app_to_push(struct session *session, const struct gs_oid *commit,
                                           const char *git_app_id, struct remote_app *out_remote,
                                           struct gs_error *err)
{
    enum gs_status status = gs_session_find_app(session, commit, git_app_id, NULL, out_remote, err);
    if (status != GS_NOT_FOUND || err->code != GS_CODE_NOT_IN_GIT)
        return status;
    const struct gs_catalog *catalog;
    GS_CLEANUP(gs_error_release) struct gs_error cause = GS_ERROR_INIT;
    gs_error_move(&cause, err);
    status = gs_session_catalog(session, commit, &catalog, err);
    if (status != GS_OK)
        return status;
    struct remote_app remote = {.layout = catalog->layout, .problems = catalog->problems};
    remote.problems.capacity = remote.problems.count; // the list stays the catalog's
    gs_problems_add(&remote.problems, "entry_without_file",
                    gs_catalog_find(catalog, git_app_id)->path, "%s; this push puts it there",
                    cause.message);
    gs_buf_init(&remote.document, session->sync->options.document_limit);
    *out_remote = remote;
    return GS_OK;
}

enum gs_status gs_session_read_app(struct session *session, const struct gs_oid *commit,
                                   const char *git_app_id, const char *git_app_name,
                                   struct remote_app *out_remote, struct gs_error *err)
{
    struct remote_app remote;
    enum gs_status status =
        gs_session_find_app(session, commit, git_app_id, git_app_name, &remote, err);
    if (status == GS_OK && remote.entry)
        status = gs_remote_load(session, &remote, err);
    if (status == GS_OK)
        *out_remote = remote;
    return status;
}

const struct gs_version *gs_find_synced_version(const struct gs_app_view *view,
                                                const char *document_id)
{
    for (size_t i = 0; i < view->version_count; i++) {
        const char *synced = view->versions[i].synced_document_id;
        if (synced && strcmp(synced, document_id) == 0)
            return &view->versions[i];
    }
    return NULL;
}

enum gs_status gs_remote_parse(const struct remote_app *remote, struct gs_document *out_document,
                               struct gs_error *err)
{
    enum gs_status status =
        gs_document_parse(gs_buf_slice(&remote->document), remote->entry->path, out_document, err);
    // A body that is not JSON is the caller's fault, a file that is not JSON is the repository's.
    if (status == GS_INVALID && err->code == GS_CODE_INVALID_JSON)
        err->code = GS_CODE_NOT_AN_APP;
    return status;
}

static void put_details(const struct gs_merge_result *result, struct gs_error *err)
{
    GS_CLEANUP(gs_json_cleanup_mut) yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    GS_CLEANUP(gs_buf_release) struct gs_buf text = {.max = RESULT_MAX_BYTES};
    yyjson_mut_doc_set_root(doc,
                            gs_conflicts_to_json(doc, result->conflicts, result->conflict_count));
    if (gs_json_write_mut(doc, &text, NULL) == GS_OK)
        gs_error_take_details(err, gs_buf_take(&text, NULL));
}

const char gs_advice_pull[] =
    "settle it there or here, or say onConflict=theirs or onConflict=ours";

static enum gs_status fail_conflicts(const struct gs_merge_result *result, const char *advice,
                                     struct gs_error *err)
{
    const struct gs_conflict *first = &result->conflicts[0];
    enum gs_status status =
        gs_fail(err, GS_CODE_MERGE_CONFLICT, NULL, "both sides changed %s '%s'%s%s%s; %s",
                first->type, first->name[0] ? first->name : first->id, first->member ? " in " : "",
                first->member ? first->member : "",
                result->conflict_count > 1 ? " and more, see details" : "", advice);
    put_details(result, err);
    return status;
}

static enum gs_status merge_parsed(const struct merge_input *input, struct gs_document *parsed,
                                   struct gs_arena *arena, struct gs_buf *out_merged,
                                   struct gs_error *err)
{
    struct gs_merge_side sides[] = {
        {&parsed[0], input->base}, {&parsed[1], input->ours}, {&parsed[2], input->theirs}};
    struct gs_merge_result result;
    enum gs_status status =
        gs_document_merge(&sides[0], &sides[1], &sides[2], input->policy, arena, &result, err);
    if (status != GS_OK)
        return status;
    if (result.conflict_count > 0 && input->policy == GS_CONFLICT_FAIL) {
        status = fail_conflicts(&result, input->advice, err);
    } else {
        *out_merged = result.bytes;
        gs_buf_init(&result.bytes, 0);
    }
    gs_merge_result_release(&result);
    return status;
}

enum gs_status gs_merge_documents(const struct merge_input *input, struct gs_buf *out_merged,
                                  struct gs_error *err)
{
    static const char *const names[] = {"the last synced document", "the document here",
                                        "the document in git"};
    const struct gs_slice texts[] = {input->base, input->ours, input->theirs};
    struct gs_document parsed[3] = {0};
    GS_CLEANUP(gs_arena_cleanup) struct gs_arena *arena = gs_arena_new();
    enum gs_status status = GS_OK;
    for (size_t i = 0; status == GS_OK && i < GS_COUNT(parsed); i++)
        status = gs_document_parse(texts[i], names[i], &parsed[i], err);
    if (status == GS_OK)
        status = merge_parsed(input, parsed, arena, out_merged, err);
    for (size_t i = 0; i < GS_COUNT(parsed); i++)
        gs_document_release(&parsed[i]);
    return status;
}
