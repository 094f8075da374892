// Parsing with the limits that yyjson does not have, and telling where a text is wrong.
// SPDX-License-Identifier: Apache-2.0
#include "json/json_internal.h"

// The first quote or bracket from at on; text.len when there is none.
static size_t find_structure(struct gs_slice text, size_t at)
{
    return at + gs_json_structure_run(gs_slice_of(text.data + at, text.len - at));
}

// Behind the closing quote of the string whose opening quote is before at.
static size_t skip_string(struct gs_slice text, size_t at)
{
    while (at < text.len) {
        at += gs_json_plain_run(gs_slice_of(text.data + at, text.len - at));
        if (at < text.len && text.data[at] == '"')
            return at + 1;
        at += at < text.len && text.data[at] == '\\' ? 2 : 1;
    }
    return text.len; // also when a backslash was the last byte
}

// Where the nesting passes the limit; text.len when it does not. What is malformed may be counted
// wrongly behind its first error: the parser stops there.
static size_t find_too_deep(struct gs_slice text)
{
    size_t depth = 0, at = 0;
    while ((at = find_structure(text, at)) < text.len) {
        char c = text.data[at];
        if (c == '"') {
            at = skip_string(text, at + 1);
            continue;
        }
        if (c == '[' || c == '{')
            depth++;
        else if (depth > 0)
            depth--;
        if (depth > GS_JSON_MAX_DEPTH)
            return at;
        at++;
    }
    return text.len;
}

// cause goes into the message with the line and the column (in characters) of offset.
static enum gs_status fail_at(struct gs_slice text, size_t offset, const char *what,
                              const char *cause, struct gs_error *err)
{
    size_t line = 1, column = 1;
    for (size_t i = 0; i < offset && i < text.len; i++) {
        if (text.data[i] == '\n') {
            line++;
            column = 1;
        } else if ((text.data[i] & 0xc0) != 0x80) {
            column++;
        }
    }
    return gs_fail(err, GS_CODE_INVALID_JSON, NULL,
                   "%s is not valid JSON: %s at line %zu, column %zu", what, cause, line, column);
}

static yyjson_val *find_twice_small(yyjson_val *obj)
{
    struct gs_slice names[GS_JSON_SMALL_OBJECT];
    size_t count = 0;
    yyjson_obj_iter members = yyjson_obj_iter_with(obj);
    for (yyjson_val *key; (key = yyjson_obj_iter_next(&members)); count++) {
        names[count] = gs_json_str(key);
        for (size_t i = 0; i < count; i++)
            if (gs_slice_eq(names[i], names[count]))
                return key;
    }
    return NULL;
}

// The second of two keys of one object with the same name, or NULL. False when memory ran out.
static bool find_twice_in(yyjson_val *obj, yyjson_val **out_key)
{
    if (yyjson_obj_size(obj) <= GS_JSON_SMALL_OBJECT) {
        *out_key = find_twice_small(obj);
        return true;
    }
    struct gs_json_index index;
    if (!gs_json_index_init(&index, obj, out_key))
        return false;
    gs_json_index_release(&index);
    return true;
}

// The same for a value and all below it.
static bool find_twice(yyjson_val *value, yyjson_val **out_key)
{
    *out_key = NULL;
    if (yyjson_is_obj(value)) {
        if (!find_twice_in(value, out_key))
            return false;
        yyjson_obj_iter members = yyjson_obj_iter_with(value);
        for (yyjson_val *key; !*out_key && (key = yyjson_obj_iter_next(&members));)
            if (!find_twice(yyjson_obj_iter_get_val(key), out_key))
                return false;
    } else if (yyjson_is_arr(value)) {
        yyjson_arr_iter items = yyjson_arr_iter_with(value);
        for (yyjson_val *item; !*out_key && (item = yyjson_arr_iter_next(&items));)
            if (!find_twice(item, out_key))
                return false;
    }
    return true;
}

// Counts the strings of a value, keys included, in the order of the text. True when it came to
// stop.
static bool count_strings(yyjson_val *value, const yyjson_val *stop, size_t *count)
{
    if (value == stop)
        return true;
    *count += yyjson_is_str(value);
    if (yyjson_is_obj(value)) {
        yyjson_obj_iter members = yyjson_obj_iter_with(value);
        for (yyjson_val *key; (key = yyjson_obj_iter_next(&members));)
            if (count_strings(key, stop, count) ||
                count_strings(yyjson_obj_iter_get_val(key), stop, count))
                return true;
    }
    if (yyjson_is_arr(value)) {
        yyjson_arr_iter items = yyjson_arr_iter_with(value);
        for (yyjson_val *item; (item = yyjson_arr_iter_next(&items));)
            if (count_strings(item, stop, count))
                return true;
    }
    return false;
}

// The opening quote of the string that has so many before it.
static size_t find_string(struct gs_slice text, size_t before)
{
    size_t at = 0;
    while ((at = find_structure(text, at)) < text.len) {
        bool quote = text.data[at] == '"';
        if (quote && before-- == 0)
            break;
        at = quote ? skip_string(text, at + 1) : at + 1;
    }
    return at;
}

static enum gs_status fail_no_memory(const char *what, struct gs_error *err)
{
    return gs_fail(err, GS_CODE_NO_MEMORY, NULL, "not enough memory to read %s", what);
}

static enum gs_status fail_twice(struct gs_slice text, yyjson_doc *doc, const yyjson_val *key,
                                 const char *what, struct gs_error *err)
{
    size_t before = 0;
    count_strings(yyjson_doc_get_root(doc), key, &before);
    return fail_at(text, find_string(text, before), what,
                   "a member name for the second time in one object", err);
}

enum gs_status gs_json_parse_checked(struct gs_slice text, const char *what, yyjson_doc **out_doc,
                                     struct gs_error *err)
{
    yyjson_read_err cause;
    if (text.len == 0)
        return fail_at(text, 0, what, "no data", err);
    // Without the INSITU flag the text is only read.
    yyjson_doc *doc = yyjson_read_opts((char *)(uintptr_t)text.data, text.len,
                                       YYJSON_READ_NUMBER_AS_RAW, NULL, &cause);
    if (!doc)
        return cause.code == YYJSON_READ_ERROR_MEMORY_ALLOCATION
                   ? fail_no_memory(what, err)
                   : fail_at(text, cause.pos, what, cause.msg, err);
    *out_doc = doc;
    return GS_OK;
}

enum gs_status gs_json_parse(struct gs_slice text, const char *what, yyjson_doc **out_doc,
                             struct gs_error *err)
{
    size_t deep = find_too_deep(text);
    if (deep < text.len)
        return fail_at(text, deep, what, "too many levels of nesting", err);
    GS_CLEANUP(gs_json_cleanup) yyjson_doc *doc = NULL;
    enum gs_status status = gs_json_parse_checked(text, what, &doc, err);
    if (status != GS_OK)
        return status;
    yyjson_val *twice;
    if (!find_twice(yyjson_doc_get_root(doc), &twice))
        return fail_no_memory(what, err);
    if (twice)
        return fail_twice(text, doc, twice, what, err);
    *out_doc = doc;
    doc = NULL;
    return GS_OK;
}
