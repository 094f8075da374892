// What a document holds beside being an app, for calls that refuse it or tell it: secrets in the open, and the
// constants and secrets of the organization that it refers to. Never tells a secret's value.
// SPDX-License-Identifier: Apache-2.0
#include "base/map.h"
#include "sync/ahead_internal.h"

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
                                const struct gs_app *app, const struct gs_scan *scan,
                                struct gs_error *err)
{
    if (scan->secret_count == 0 || session->config.allow_secrets || task->request.allow_secrets)
        return GS_OK;
    enum gs_status status = gs_fail(
        err, GS_CODE_SECRET_IN_DOCUMENT, NULL,
        "app '%s' holds %zu value%s that must not be in git (the first is %s); encrypt them, use "
        "{{constants.…}} or {{secrets.…}} instead, or push with \"allowSecrets\":true",
        app->name, scan->secret_count, scan->secret_count == 1 ? "" : "s", scan->secrets[0].path);
    put_secrets(scan, app->id, task->arena, err);
    return status;
}

void gs_report_warnings(const struct gs_scan *scan, const struct gs_problems *problems,
                        struct gs_arena *arena, yyjson_mut_doc *doc, yyjson_mut_val *root)
{
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, root, "warnings");
    gs_report_problems(problems, WARNINGS_MAX, doc, list);
    for (size_t i = 0; i < scan->secret_count && i < GS_SCAN_SECRETS_MAX; i++) {
        yyjson_mut_val *obj = yyjson_mut_arr_add_obj(doc, list);
        gs_json_add_cstr(doc, obj, "code", gs_code_text(GS_CODE_SECRET_IN_DOCUMENT));
        gs_json_add_cstr(doc, obj, "path", scan->secrets[i].path);
        gs_json_add_cstr(doc, obj, "message", describe_secret(arena, &scan->secrets[i]));
    }
}

// ---- What it needs ---------------------------------------------------------------------

// The constants of an organization; each is found by kind and name, and its environments are in the rows from there on.
struct kept_constants {
    struct gs_constant *rows;
    size_t count;
    struct gs_map first;
};

static struct gs_slice kept_key(struct gs_arena *arena, enum gs_need_kind kind, const char *name)
{
    return gs_slice_str(gs_arena_printf(arena, "%d%s", (int)kind, name));
}

static enum gs_need_kind kind_of(const struct gs_constant *row)
{
    return row->secret ? GS_NEED_SECRET : GS_NEED_CONSTANT;
}

static enum gs_status load_kept(struct gs_tx *tx, const char *organization_id,
                                struct gs_arena *arena, struct kept_constants *kept,
                                struct gs_error *err)
{
    enum gs_status status =
        gs_store_list_constants(tx, organization_id, arena, &kept->rows, &kept->count, err);
    if (status != GS_OK)
        return status;
    for (size_t i = kept->count; i > 0; i--) {
        struct gs_constant *row = &kept->rows[i - 1];
        gs_map_put(&kept->first, kept_key(arena, kind_of(row), row->name), row);
    }
    return GS_OK;
}

static void report_need(const struct kept_constants *kept, const struct gs_need *need,
                        const struct needs_place *place, yyjson_mut_doc *doc, yyjson_mut_val *list)
{
    const struct gs_constant *row =
        gs_map_get(&kept->first, kept_key(place->arena, need->kind, need->name));
    yyjson_mut_val *obj = yyjson_mut_arr_add_obj(doc, list);
    yyjson_mut_val *environments = yyjson_mut_arr(doc);
    bool present = false;
    for (; row && row < kept->rows + kept->count && kind_of(row) == need->kind &&
           strcmp(row->name, need->name) == 0;
         row++) {
        present |= strcmp(row->environment_id, place->environment_id) == 0;
        yyjson_mut_arr_add_strcpy(doc, environments, row->environment);
    }
    gs_json_add_cstr(doc, obj, "kind", gs_need_kind_text(need->kind));
    gs_json_add_cstr(doc, obj, "name", need->name);
    yyjson_mut_obj_add_bool(doc, obj, "present", present);
    yyjson_mut_obj_add_val(doc, obj, "environments", environments);
}

enum gs_status gs_report_needs(struct gs_tx *tx, const struct gs_scan *scan,
                               const struct needs_place *place, yyjson_mut_doc *doc,
                               yyjson_mut_val *root, struct gs_error *err)
{
    struct kept_constants kept = {.count = 0};
    enum gs_status status = GS_OK;
    gs_map_init(&kept.first);
    if (scan->need_count > 0)
        status = load_kept(tx, place->organization_id, place->arena, &kept, err);
    if (status == GS_OK) {
        yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, root, "requires");
        for (size_t i = 0; i < scan->need_count; i++)
            report_need(&kept, &scan->needs[i], place, doc, list);
    }
    gs_map_release(&kept.first);
    return status;
}

enum gs_status gs_scan_stored(struct gs_sync *sync, struct gs_tx *tx, const char *document_id,
                              struct gs_arena *arena, struct gs_scan *out_scan,
                              struct gs_error *err)
{
    struct ready_document ready;
    enum gs_status status = gs_ready_load(sync, tx, document_id, true, arena, &ready, err);
    if (status != GS_OK)
        return status;
    *out_scan = ready.summary.scan;
    gs_ready_release(&ready);
    return GS_OK;
}
