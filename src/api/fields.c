// Reads the members of a body by name and type, and gathers every complaint, so that a caller mends all at once.
// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>

#include "api/api_internal.h"
#include "base/random.h"

void gs_fields_begin(struct fields *fields, struct call *call, yyjson_val *obj)
{
    *fields = (struct fields){
        .arena = call->arena, .obj = obj, .base = "", .complaints = yyjson_mut_doc_new(NULL)};
    yyjson_mut_doc_set_root(fields->complaints, yyjson_mut_arr(fields->complaints));
}

enum gs_status gs_fields_begin_body(struct fields *fields, struct call *call, struct gs_error *err)
{
    yyjson_val *body = NULL;
    enum gs_status status = gs_call_body(call, &body, err);
    if (status == GS_OK)
        gs_fields_begin(fields, call, body);
    return status;
}

void gs_fields_complain(struct fields *fields, const char *name, const char *fmt, ...)
{
    char message[sizeof fields->first];
    va_list args;
    va_start(args, fmt);
    vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    const char *field = gs_json_pointer(fields->arena, fields->base, gs_slice_str(name));
    if (fields->count++ == 0) {
        memcpy(fields->first, message, sizeof message);
        snprintf(fields->first_field, sizeof fields->first_field, "%s", field);
    }
    yyjson_mut_doc *doc = fields->complaints;
    yyjson_mut_val *item = yyjson_mut_arr_add_obj(doc, yyjson_mut_doc_get_root(doc));
    gs_json_add_cstr(doc, item, "field", field);
    gs_json_add_cstr(doc, item, "message", message);
}

// The member's value; NULL when it is absent or null, which a required one must not be.
static yyjson_val *find(struct fields *fields, const char *name, unsigned flags)
{
    yyjson_val *value = yyjson_obj_get(fields->obj, name);
    if (value && !yyjson_is_null(value))
        return value;
    if (flags & FIELD_REQUIRED)
        gs_fields_complain(fields, name, "%s is required", name);
    return NULL;
}

struct gs_slice gs_fields_slice(struct fields *fields, const char *name, unsigned flags, size_t max)
{
    yyjson_val *value = find(fields, name, flags);
    if (!value)
        return GS_SLICE_EMPTY;
    struct gs_slice text = gs_json_str(value);
    if (!yyjson_is_str(value))
        gs_fields_complain(fields, name, "%s must be a string", name);
    else if (text.len == 0 && !(flags & FIELD_EMPTY_OK))
        gs_fields_complain(fields, name, "%s must not be empty", name);
    else if (text.len > max)
        gs_fields_complain(fields, name, "%s must have at most %zu bytes", name, max);
    else
        return text;
    return GS_SLICE_EMPTY;
}

const char *gs_fields_text(struct fields *fields, const char *name, unsigned flags, size_t max)
{
    struct gs_slice text = gs_fields_slice(fields, name, flags, max);
    if (!text.data)
        return NULL;
    if (gs_slice_has_nul(text)) {
        gs_fields_complain(fields, name, "%s must not contain a NUL character", name);
        return NULL;
    }
    if ((flags & FIELD_UUID) && !gs_uuid_is_valid(text)) {
        gs_fields_complain(fields, name, "%s must be a UUID", name);
        return NULL;
    }
    return gs_arena_dup_slice(fields->arena, text);
}

bool gs_fields_bool(struct fields *fields, const char *name, bool absent)
{
    yyjson_val *value = find(fields, name, 0);
    if (!value)
        return absent;
    if (!yyjson_is_bool(value))
        gs_fields_complain(fields, name, "%s must be true or false", name);
    return yyjson_get_bool(value);
}

int gs_fields_choice(struct fields *fields, const char *name, const char *const *words, int absent)
{
    const char *text = gs_fields_text(fields, name, 0, 64);
    if (!text)
        return absent;
    char list[256] = "";
    for (int i = 0; words[i]; i++) {
        if (strcmp(text, words[i]) == 0)
            return i;
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", words[i]);
    }
    gs_fields_complain(fields, name, "%s must be one of %s", name, list);
    return absent;
}

enum gs_divergence gs_fields_push_divergence(struct fields *fields)
{
    static const char *const words[] = {"fail", "ours", "merge", NULL};
    static const enum gs_divergence meanings[] = {GS_DIVERGENCE_FAIL, GS_DIVERGENCE_OURS,
                                                  GS_DIVERGENCE_MERGE};
    return meanings[gs_fields_choice(fields, "onConflict", words, 0)];
}

enum gs_status gs_fields_end(struct fields *fields, struct gs_error *err)
{
    enum gs_status status = GS_OK;
    if (fields->count > 0) {
        status = gs_fail(err, GS_CODE_INVALID_INPUT, fields->first_field, "%s", fields->first);
        struct gs_buf text;
        gs_buf_init(&text, 1 << 20);
        if (gs_json_write_mut(fields->complaints, &text, NULL) == GS_OK)
            gs_error_take_details(err, gs_buf_take(&text, NULL));
        gs_buf_release(&text);
    }
    gs_json_free_mut(fields->complaints);
    fields->complaints = NULL;
    return status;
}
