// Reading members, building documents, comparing values and naming places in them.
// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "json/json_internal.h"

void gs_json_free(yyjson_doc *doc)
{
    yyjson_doc_free(doc);
}

void gs_json_free_mut(yyjson_mut_doc *doc)
{
    yyjson_mut_doc_free(doc);
}

void gs_json_cleanup(yyjson_doc **doc)
{
    yyjson_doc_free(*doc);
}

void gs_json_cleanup_mut(yyjson_mut_doc **doc)
{
    yyjson_mut_doc_free(*doc);
}

static enum gs_status fail_memory(struct gs_error *err)
{
    return gs_fail(err, GS_CODE_NO_MEMORY, NULL, "not enough memory for a JSON document");
}

enum gs_status gs_json_thaw(yyjson_val *value, yyjson_mut_doc **out_doc, struct gs_error *err)
{
    GS_CLEANUP(gs_json_cleanup_mut) yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = doc ? yyjson_val_mut_copy(doc, value) : NULL;
    if (!root)
        return fail_memory(err);
    yyjson_mut_doc_set_root(doc, root);
    *out_doc = doc;
    doc = NULL;
    return GS_OK;
}

enum gs_status gs_json_freeze(yyjson_mut_doc *doc, yyjson_doc **out_doc, struct gs_error *err)
{
    yyjson_doc *frozen = yyjson_mut_doc_imut_copy(doc, NULL);
    if (!frozen)
        return fail_memory(err);
    *out_doc = frozen;
    return GS_OK;
}

yyjson_val *gs_json_get_arr(yyjson_val *obj, const char *name)
{
    yyjson_val *value = yyjson_obj_get(obj, name);
    return yyjson_is_arr(value) ? value : NULL;
}

yyjson_val *gs_json_get_obj(yyjson_val *obj, const char *name)
{
    yyjson_val *value = yyjson_obj_get(obj, name);
    return yyjson_is_obj(value) ? value : NULL;
}

bool gs_json_add_str(yyjson_mut_doc *doc, yyjson_mut_val *obj, const char *name, struct gs_slice s)
{
    yyjson_mut_val *value = s.data ? yyjson_mut_strncpy(doc, s.data, s.len) : yyjson_mut_null(doc);
    return yyjson_mut_obj_add(obj, yyjson_mut_strcpy(doc, name), value);
}

bool gs_json_add_cstr(yyjson_mut_doc *doc, yyjson_mut_val *obj, const char *name, const char *s)
{
    return gs_json_add_str(doc, obj, name, gs_slice_str(s));
}

bool gs_json_add_time(yyjson_mut_doc *doc, yyjson_mut_val *obj, const char *name, int64_t unix_ms)
{
    if (unix_ms == 0)
        return gs_json_add_str(doc, obj, name, GS_SLICE_EMPTY);
    char text[GS_ISO_TEXT + 1];
    gs_clock_format_iso(unix_ms, text);
    return gs_json_add_cstr(doc, obj, name, text);
}

const char *gs_json_pointer(struct gs_arena *arena, const char *base, struct gs_slice name)
{
    size_t before = strlen(base);
    char *pointer = gs_arena_alloc(arena, before + 1 + 2 * name.len + 1);
    char *to = mempcpy(pointer, base, before);
    *to++ = '/';
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        bool special = c == '~' || c == '/';
        *to++ = special ? '~' : c;
        if (special)
            *to++ = c == '~' ? '0' : '1';
    }
    return pointer;
}
