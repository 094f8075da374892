// What a document holds beside being an app, for calls that refuse it or tell it: secrets in the open. Never tells a secret's
// value.
// SPDX-License-Identifier: Apache-2.0
#include "app/scan.h"
#include "sync/sync_internal.h"

// Both forms in which a secret is told: a detail of a refusal, with the app, and a warning.
static const char *describe_secret(struct gs_arena *arena, const struct gs_secret *secret)
{
    return gs_arena_printf(arena, "'%s' is a secret and is not encrypted", secret->key);
}

static void put_secrets(const struct gs_scan *scan, const char *app_id, struct gs_arena *arena,
                        struct gs_error *err)
{
    GS_CLEANUP(gs_json_cleanup_mut) yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    GS_CLEANUP(gs_buf_release) struct gs_buf text = {.max = RESULT_MAX_BYTES};
    yyjson_mut_val *list = yyjson_mut_arr(doc);
    yyjson_mut_doc_set_root(doc, list);
    for (size_t i = 0; i < scan->secret_count && i < GS_SCAN_SECRETS_MAX; i++) {
        yyjson_mut_val *obj = yyjson_mut_arr_add_obj(doc, list);
        gs_json_add_cstr(doc, obj, "appId", app_id);
        gs_json_add_cstr(doc, obj, "path", scan->secrets[i].path);
        gs_json_add_cstr(doc, obj, "message", describe_secret(arena, &scan->secrets[i]));
    }
    if (gs_json_write_mut(doc, &text, NULL) == GS_OK)
        gs_error_take_details(err, gs_buf_take(&text, NULL));
}

enum gs_status gs_check_secrets(const struct session *session, const struct task *task,
                                const struct gs_app *app, const struct gs_document *document,
                                struct gs_error *err)
{
    struct gs_scan scan;
    if (session->config.allow_secrets || task->request.allow_secrets)
        return GS_OK;
    gs_document_scan(document, task->arena, &scan);
    if (scan.secret_count == 0)
        return GS_OK;
    enum gs_status status = gs_fail(
        err, GS_CODE_SECRET_IN_DOCUMENT, NULL,
        "app '%s' holds %zu value%s that must not be in git (the first is %s); encrypt them, use "
        "{{constants.…}} or {{secrets.…}} instead, or push with \"allowSecrets\":true",
        app->name, scan.secret_count, scan.secret_count == 1 ? "" : "s", scan.secrets[0].path);
    put_secrets(&scan, app->id, task->arena, err);
    return status;
}

void gs_report_warnings(const struct gs_scan *scan, struct gs_arena *arena, yyjson_mut_doc *doc,
                        yyjson_mut_val *root)
{
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, root, "warnings");
    for (size_t i = 0; i < scan->secret_count && i < GS_SCAN_SECRETS_MAX; i++) {
        yyjson_mut_val *obj = yyjson_mut_arr_add_obj(doc, list);
        gs_json_add_cstr(doc, obj, "code", gs_code_text(GS_CODE_SECRET_IN_DOCUMENT));
        gs_json_add_cstr(doc, obj, "path", scan->secrets[i].path);
        gs_json_add_cstr(doc, obj, "message", describe_secret(arena, &scan->secrets[i]));
    }
}
