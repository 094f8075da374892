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

enum gs_status gs_version_save(struct call *call, struct gs_error *err)
{
    yyjson_val *body = NULL;
    struct gs_version version;
    enum gs_status status = gs_call_body(call, &body, err);
    if (status != GS_OK)
        return status;
    struct fields fields;
    gs_fields_begin(&fields, call, body);
    const char *name = gs_fields_text(&fields, "name", 0, SAVE_NAME_MAX);
    status = gs_fields_end(&fields, err);
    if (status == GS_OK)
        status = gs_workspace_save(gs_call_store(call), gs_call_param(call, "appId"), name,
                                   call->arena, &version, err);
    if (status == GS_OK)
        answer_version(call, &version);
    return status;
}
