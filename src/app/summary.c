// Summaries of documents as JSON, with the number of the rules by which they were made. See summary.h for what they are for.
// SPDX-License-Identifier: Apache-2.0
#include "app/summary.h"

// To be counted up whenever the scan looks for something else: older summaries are then not read.
enum { RULES = 1 };

void gs_document_summarize(const struct gs_document *document, struct gs_arena *arena,
                           struct gs_summary *out_summary)
{
    struct gs_summary summary = {
        .version_id = gs_arena_dup_slice(arena, document->version_id),
        .version_name = gs_arena_dup_slice(arena, document->version_name),
        .is_module = yyjson_equals_str(yyjson_obj_get(document->app, "type"), "module"),
    };
    gs_document_scan(document, arena, &summary.scan);
    *out_summary = summary;
}

// ---- Writing ---------------------------------------------------------------

// As a text, which is how our parser gives numbers back.
static void add_number(yyjson_mut_doc *doc, yyjson_mut_val *obj, const char *name, size_t number)
{
    char text[24];
    snprintf(text, sizeof text, "%zu", number);
    gs_json_add_cstr(doc, obj, name, text);
}

static void add_scan(yyjson_mut_doc *doc, yyjson_mut_val *root, const struct gs_scan *scan)
{
    yyjson_mut_val *secrets = yyjson_mut_obj_add_arr(doc, root, "secrets");
    for (size_t i = 0; i < scan->secret_count && i < GS_SCAN_SECRETS_MAX; i++) {
        yyjson_mut_val *secret = yyjson_mut_arr_add_obj(doc, secrets);
        gs_json_add_cstr(doc, secret, "path", scan->secrets[i].path);
        gs_json_add_cstr(doc, secret, "key", scan->secrets[i].key);
    }
    add_number(doc, root, "secretCount", scan->secret_count);
    yyjson_mut_val *needs = yyjson_mut_obj_add_arr(doc, root, "needs");
    for (size_t i = 0; i < scan->need_count; i++) {
        yyjson_mut_val *need = yyjson_mut_arr_add_obj(doc, needs);
        gs_json_add_cstr(doc, need, "kind", gs_need_kind_text(scan->needs[i].kind));
        gs_json_add_cstr(doc, need, "name", scan->needs[i].name);
    }
    yyjson_mut_val *modules = yyjson_mut_obj_add_arr(doc, root, "modules");
    for (size_t i = 0; i < scan->module_count; i++)
        yyjson_mut_arr_add_str(doc, modules, scan->modules[i]);
}

void gs_summary_write(const struct gs_summary *summary, struct gs_buf *out)
{
    gs_buf_clear(out);
    if (!summary->git_id || !summary->stream_id)
        return;
    GS_CLEANUP(gs_json_cleanup_mut) yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    add_number(doc, root, "rules", RULES);
    gs_json_add_cstr(doc, root, "gitId", summary->git_id);
    gs_json_add_cstr(doc, root, "streamId", summary->stream_id);
    gs_json_add_cstr(doc, root, "versionId", summary->version_id);
    gs_json_add_cstr(doc, root, "versionName", summary->version_name);
    yyjson_mut_obj_add_bool(doc, root, "module", summary->is_module);
    add_scan(doc, root, &summary->scan);
    if (gs_json_write_mut(doc, out, NULL) != GS_OK)
        gs_buf_clear(out);
}

// ---- Reading ---------------------------------------------------------------

// False when it is not there or no text.
static bool read_text(yyjson_val *obj, const char *name, struct gs_arena *arena, const char **out)
{
    yyjson_val *value = yyjson_obj_get(obj, name);
    if (!yyjson_is_str(value))
        return false;
    *out = gs_arena_dup_slice(arena, gs_json_str(value));
    return true;
}

static bool read_number(yyjson_val *obj, const char *name, size_t *out_number)
{
    int64_t number;
    if (!gs_slice_to_int(gs_json_get_str(obj, name), &number) || number < 0)
        return false;
    *out_number = (size_t)number;
    return true;
}

static bool read_secrets(yyjson_val *root, struct gs_arena *arena, struct gs_scan *scan)
{
    size_t i, n;
    yyjson_val *item, *list = gs_json_get_arr(root, "secrets");
    size_t listed = yyjson_arr_size(list);
    scan->secrets = listed ? gs_arena_array(arena, listed, sizeof *scan->secrets) : NULL;
    yyjson_arr_foreach(list, i, n, item)
    {
        if (!read_text(item, "path", arena, &scan->secrets[i].path) ||
            !read_text(item, "key", arena, &scan->secrets[i].key))
            return false;
    }
    if (!list || !read_number(root, "secretCount", &scan->secret_count))
        return false;
    size_t most = GS_SCAN_SECRETS_MAX;
    return listed == (scan->secret_count < most ? scan->secret_count : most);
}

static bool read_needs(yyjson_val *root, struct gs_arena *arena, struct gs_scan *scan)
{
    size_t i, n;
    yyjson_val *item, *list = gs_json_get_arr(root, "needs");
    scan->need_count = yyjson_arr_size(list);
    scan->needs =
        scan->need_count ? gs_arena_array(arena, scan->need_count, sizeof *scan->needs) : NULL;
    yyjson_arr_foreach(list, i, n, item)
    {
        struct gs_slice kind = gs_json_get_str(item, "kind");
        bool secret = gs_slice_eq_str(kind, gs_need_kind_text(GS_NEED_SECRET));
        scan->needs[i].kind = secret ? GS_NEED_SECRET : GS_NEED_CONSTANT;
        if (!read_text(item, "name", arena, &scan->needs[i].name))
            return false;
    }
    return list != NULL;
}

static bool read_modules(yyjson_val *root, struct gs_arena *arena, struct gs_scan *scan)
{
    size_t i, n;
    yyjson_val *item, *list = gs_json_get_arr(root, "modules");
    scan->module_count = yyjson_arr_size(list);
    scan->modules = scan->module_count
                        ? gs_arena_array(arena, scan->module_count, sizeof *scan->modules)
                        : NULL;
    yyjson_arr_foreach(list, i, n, item)
    {
        if (!yyjson_is_str(item))
            return false;
        scan->modules[i] = gs_arena_dup_slice(arena, gs_json_str(item));
    }
    return list != NULL;
}

bool gs_summary_read(struct gs_slice text, struct gs_arena *arena, struct gs_summary *out_summary)
{
    GS_CLEANUP(gs_json_cleanup) yyjson_doc *doc = NULL;
    if (text.len == 0 || gs_json_parse(text, "a summary", &doc, NULL) != GS_OK)
        return false;
    yyjson_val *root = yyjson_doc_get_root(doc);
    struct gs_summary summary = {.is_module = yyjson_get_bool(yyjson_obj_get(root, "module"))};
    size_t rules;
    if (!read_number(root, "rules", &rules) || rules != RULES ||
        !read_text(root, "gitId", arena, &summary.git_id) ||
        !read_text(root, "streamId", arena, &summary.stream_id) ||
        !read_text(root, "versionId", arena, &summary.version_id) ||
        !read_text(root, "versionName", arena, &summary.version_name) ||
        !read_secrets(root, arena, &summary.scan) || !read_needs(root, arena, &summary.scan) ||
        !read_modules(root, arena, &summary.scan))
        return false;
    *out_summary = summary;
    return true;
}
