// Versions of an app: reading, editing, saving.
// SPDX-License-Identifier: Apache-2.0
#include "api/api_internal.h"

enum { SAVE_NAME_MAX = 1024 };

static enum gs_status read_version(struct call *call, struct gs_version *out_version,
                                   struct gs_buf *out_document, struct gs_error *err)
{
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    enum gs_status status = gs_call_read(call, &tx, err);
    if (status == GS_OK)
        status =
            gs_store_get_version(tx, gs_call_param(call, "appId"), gs_call_param(call, "versionId"),
                                 call->arena, out_version, err);
    if (status == GS_NOT_FOUND)
        return gs_fail(err, GS_CODE_UNKNOWN_VERSION, NULL, "no such version of such an app");
    if (status == GS_OK)
        status = gs_store_get_document(tx, out_version->document_id, out_document, err);
    return status;
}

// The document goes into the answer as the bytes that it is, behind the version's own members.
enum gs_status gs_version_get(struct call *call, struct gs_error *err)
{
    GS_CLEANUP(gs_json_cleanup_mut) yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    GS_CLEANUP(gs_buf_release) struct gs_buf document = {.max = ANSWER_MAX_BYTES};
    struct gs_version version;
    enum gs_status status = read_version(call, &version, &document, err);
    if (status != GS_OK)
        return status;
    yyjson_mut_doc_set_root(doc, yyjson_mut_obj(doc));
    gs_view_version(doc, yyjson_mut_doc_get_root(doc), &version);
    status = gs_json_write_mut(doc, &call->raw, err);
    if (status != GS_OK)
        return status;
    call->raw.len--; // the closing brace
    gs_buf_append_str(&call->raw, ",\"document\":");
    gs_buf_append_slice(&call->raw, gs_buf_slice(&document));
    gs_buf_append_char(&call->raw, '}');
    return gs_buf_check(&call->raw, "the answer", err);
}

static void answer_version(struct call *call, const struct gs_version *version)
{
    yyjson_mut_val *root = gs_call_answer(call);
    gs_view_version(call->answer, root, version);
}

enum gs_status gs_version_put(struct call *call, struct gs_error *err)
{
    yyjson_val *body = NULL;
    struct gs_version version;
    enum gs_status status = gs_call_body(call, &body, err);
    if (status != GS_OK)
        return status;
    // What GET gave may be sent back as it is.
    yyjson_val *inner = gs_json_get_obj(body, "document");
    status = gs_workspace_put_document(gs_call_store(call), gs_call_param(call, "appId"),
                                       gs_call_param(call, "versionId"), inner ? inner : body,
                                       call->arena, &version, err);
    if (status == GS_OK)
        answer_version(call, &version);
    return status;
}

// ---- Saving, with a push and a tag where the organization wants them ----------------------------

// A version that is saved, while its push and its tag are on their way.
struct saved {
    struct call *call;
    struct gs_version version;
};

// Saving has worked in any case; why there is no tag yet is told beside it.
static void answer_untagged(struct saved *saved, const struct gs_error *failure,
                            const char *operation_id)
{
    yyjson_mut_doc *doc = saved->call->answer;
    yyjson_mut_val *tag = yyjson_mut_obj_add_obj(doc, yyjson_mut_doc_get_root(doc), "tag");
    gs_json_add_cstr(doc, tag, "status", "pending");
    yyjson_mut_val *error = yyjson_mut_obj_add_obj(doc, tag, "error");
    gs_json_add_cstr(doc, error, "code", gs_code_text(failure->code));
    gs_json_add_cstr(doc, error, "message", failure->message);
    if (operation_id)
        gs_json_add_cstr(doc, tag, "operationId", operation_id);
}

static void answer_tagged(struct saved *saved, struct gs_slice json, const char *operation_id)
{
    GS_CLEANUP(gs_json_cleanup) yyjson_doc *pushed = NULL;
    yyjson_mut_doc *doc = saved->call->answer;
    yyjson_mut_val *root = yyjson_mut_doc_get_root(doc);
    if (gs_json_parse(json, "the answer", &pushed, NULL) != GS_OK)
        return;
    static const char *const members[] = {"tag", "commit"};
    for (size_t i = 0; i < GS_COUNT(members); i++) {
        yyjson_val *member = yyjson_obj_get(yyjson_doc_get_root(pushed), members[i]);
        if (member)
            yyjson_mut_obj_add_val(doc, root, members[i], yyjson_val_mut_copy(doc, member));
    }
    gs_json_add_cstr(doc, root, "operationId", operation_id);
}

// A gs_sync_done.
static void finish_save(void *arg, struct gs_sync_answer *answer)
{
    struct saved *saved = arg;
    struct call *call = saved->call;
    struct gs_error none = GS_ERROR_INIT;
    answer_version(call, &saved->version);
    if (answer->err.code == GS_CODE_NONE)
        answer_tagged(saved, gs_buf_slice(&answer->json), answer->operation_id);
    else
        answer_untagged(saved, &answer->err, answer->operation_id);
    call->operation_id = gs_arena_strdup(call->arena, answer->operation_id);
    gs_call_finish(call, GS_OK, &none);
}

static enum gs_status get_app(struct call *call, struct gs_app *out_app, struct gs_error *err)
{
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    struct gs_git_link link;
    enum gs_status status = gs_call_read(call, &tx, err);
    if (status == GS_OK)
        status = gs_store_get_app(tx, gs_call_param(call, "appId"), call->arena, out_app, err);
    if (status == GS_OK)
        status = gs_store_get_link(tx, out_app->id, call->arena, &link, err);
    if (status == GS_NOT_FOUND)
        return gs_fail(err, GS_CODE_APP_NOT_LINKED, NULL,
                       "the app is not in git; its first push tags the version");
    return status;
}

// Pushes the saved version, which tags it. The call ends here or in finish_save.
static void push_saved(struct call *call, const struct gs_version *version)
{
    GS_CLEANUP(gs_error_release) struct gs_error err = GS_ERROR_INIT;
    struct saved *saved = gs_arena_alloc(call->arena, sizeof *saved);
    struct gs_app app;
    *saved = (struct saved){.call = call, .version = *version};
    enum gs_status status = get_app(call, &app, &err);
    if (status == GS_OK) {
        const char *message =
            gs_arena_printf(call->arena, "Version %s Created of app %s", version->name, app.name);
        struct gs_sync_request request = {.kind = GS_SYNC_PUSH,
                                          .app_id = app.id,
                                          .version_id = version->id,
                                          .message = gs_slice_str(message)};
        status = gs_sync_submit(call->api->options.sync, &request, finish_save, saved, &err);
    }
    if (status == GS_OK)
        return;
    answer_version(call, version);
    answer_untagged(saved, &err, NULL);
    struct gs_error none = GS_ERROR_INIT;
    gs_call_finish(call, GS_OK, &none);
}

enum gs_status gs_version_save(struct call *call, struct gs_error *err)
{
    const char *app_id = gs_call_param(call, "appId");
    struct gs_version version;
    bool tagging = false, tag = false;
    struct fields fields;
    enum gs_status status = gs_fields_begin_body(&fields, call, err);
    if (status != GS_OK)
        return status;
    const char *name = gs_fields_text(&fields, "name", 0, SAVE_NAME_MAX);
    status = gs_fields_end(&fields, err);
    if (status == GS_OK)
        status = gs_workspace_tags_versions(call->api->options.store, app_id, &tagging, err);
    if (status != GS_OK)
        return status;
    // What waits for its key to be answered would keep the push from being recorded.
    struct gs_store *store = tagging ? call->api->options.store : gs_call_store(call);
    status = gs_workspace_save(store, app_id, name, call->arena, &version, &tag, err);
    if (status != GS_OK)
        return status;
    if (tagging && tag) {
        push_saved(call, &version);
        return GS_OK;
    }
    answer_version(call, &version);
    gs_call_finish(call, GS_OK, err);
    return GS_OK;
}
