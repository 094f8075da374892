// Writes values as JSON.stringify does (ECMA-262, 25.5.2), copying runs of bytes, not single ones.
// Must not know where the text goes.
// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>

#include "json/json_internal.h"

struct writer {
    struct gs_buf *out;
    bool pretty;
    size_t depth;
};

// Room for n more bytes, NULL when the buffer takes no more.
static inline char *reserve(struct writer *w, size_t n)
{
    const struct gs_buf *out = w->out;
    if (n < out->cap - out->len && n <= out->max - out->len && !out->failed)
        return out->data + out->len;
    return gs_buf_reserve(w->out, n);
}

static inline void put(struct writer *w, const char *bytes, size_t n)
{
    char *to = reserve(w, n);
    if (!to)
        return;
    memcpy(to, bytes, n);
    w->out->len += n;
}

static inline void put_char(struct writer *w, char c)
{
    put(w, &c, 1);
}

static void put_escape(struct writer *w, unsigned char c)
{
    static const char letters[] = {['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f',
                                   ['\r'] = 'r', ['"'] = '"',  ['\\'] = '\\'};
    char escape[8];
    int n = letters[c] ? snprintf(escape, sizeof escape, "\\%c", letters[c])
                       : snprintf(escape, sizeof escape, "\\u%04x", c);
    put(w, escape, (size_t)n);
}

// Well-formed UTF-8 with what JSON wants escaped.
static void put_escaped(struct writer *w, struct gs_slice s)
{
    while (s.len > 0) {
        size_t run = gs_json_plain_run(s);
        put(w, s.data, run);
        if (run == s.len)
            return;
        put_escape(w, (unsigned char)s.data[run]);
        s = gs_slice_of(s.data + run + 1, s.len - run - 1);
    }
}

// Text from elsewhere than a parsed document may hold bytes that are no UTF-8. They become U+FFFD,
// because a response or a file that nobody can read would be worse.
static void write_string(struct writer *w, struct gs_slice s)
{
    put_char(w, '"');
    while (s.len > 0) {
        size_t run = gs_slice_utf8_run(s);
        put_escaped(w, gs_slice_of(s.data, run));
        if (run == s.len)
            break;
        put(w, "\xef\xbf\xbd", 3);
        s = gs_slice_of(s.data + run + 1, s.len - run - 1);
    }
    put_char(w, '"');
}

// Raw values that begin as no number does are finished JSON texts that were put into a built
// document.
static void write_raw(struct writer *w, struct gs_slice raw)
{
    char form[GS_JSON_NUMBER_TEXT];
    bool number = raw.len > 0 && (raw.data[0] == '-' || (raw.data[0] >= '0' && raw.data[0] <= '9'));
    size_t n = number ? gs_json_number_form(raw, form) : 0;
    put(w, n ? form : raw.data, n ? n : raw.len);
}

static void write_number(struct writer *w, yyjson_val *value)
{
    char form[GS_JSON_NUMBER_TEXT];
    size_t n;
    if (yyjson_is_uint(value))
        n = (size_t)snprintf(form, sizeof form, "%" PRIu64, yyjson_get_uint(value));
    else if (yyjson_is_sint(value))
        n = (size_t)snprintf(form, sizeof form, "%" PRId64, yyjson_get_sint(value));
    else
        n = gs_json_real_form(yyjson_get_real(value), form);
    if (n == 0)
        w->out->failed = w->out->no_memory = true;
    put(w, form, n);
}

static void write_scalar(struct writer *w, yyjson_val *value)
{
    if (yyjson_is_str(value))
        write_string(w, gs_json_str(value));
    else if (yyjson_is_raw(value))
        write_raw(w, gs_slice_of(yyjson_get_raw(value), yyjson_get_len(value)));
    else if (yyjson_is_num(value))
        write_number(w, value);
    else if (yyjson_is_bool(value))
        put(w, yyjson_get_bool(value) ? "true" : "false", yyjson_get_bool(value) ? 4 : 5);
    else
        put(w, "null", 4);
}

// The line break and indentation in front of a member, an item or a closing bracket.
static void write_break(struct writer *w)
{
    size_t n = 1 + 2 * w->depth;
    char *to = w->pretty ? reserve(w, n) : NULL;
    if (!to)
        return;
    to[0] = '\n';
    memset(to + 1, ' ', n - 1);
    w->out->len += n;
}

static void write_value(struct writer *w, yyjson_val *value);

static void write_object(struct writer *w, yyjson_val *obj)
{
    char before = '{';
    w->depth++;
    yyjson_obj_iter members = yyjson_obj_iter_with(obj);
    for (yyjson_val *key; (key = yyjson_obj_iter_next(&members)); before = ',') {
        put_char(w, before);
        write_break(w);
        write_string(w, gs_json_str(key));
        put(w, ": ", w->pretty ? 2 : 1);
        write_value(w, yyjson_obj_iter_get_val(key));
    }
    w->depth--;
    write_break(w);
    put_char(w, '}');
}

static void write_array(struct writer *w, yyjson_val *arr)
{
    char before = '[';
    w->depth++;
    yyjson_arr_iter items = yyjson_arr_iter_with(arr);
    for (yyjson_val *item; (item = yyjson_arr_iter_next(&items)); before = ',') {
        put_char(w, before);
        write_break(w);
        write_value(w, item);
    }
    w->depth--;
    write_break(w);
    put_char(w, ']');
}

static void write_value(struct writer *w, yyjson_val *value)
{
    if (!yyjson_is_ctn(value))
        write_scalar(w, value);
    else if (yyjson_get_len(value) == 0)
        put(w, yyjson_is_obj(value) ? "{}" : "[]", 2);
    else if (yyjson_is_obj(value))
        write_object(w, value);
    else
        write_array(w, value);
}

// The steps leave out the NUL behind the content.
static void terminate(struct gs_buf *out)
{
    if (out->data)
        gs_buf_commit(out, 0);
}

static void write_whole(yyjson_val *value, bool pretty, struct gs_buf *out)
{
    struct writer w = {.out = out, .pretty = pretty};
    write_value(&w, value);
    terminate(out);
}

void gs_json_write(yyjson_val *value, struct gs_buf *out)
{
    write_whole(value, true, out);
}

void gs_json_write_compact(yyjson_val *value, struct gs_buf *out)
{
    write_whole(value, false, out);
}

void gs_json_write_string(struct gs_slice s, struct gs_buf *out)
{
    struct writer w = {.out = out};
    write_string(&w, s);
    terminate(out);
}

enum gs_status gs_json_write_mut(yyjson_mut_doc *doc, struct gs_buf *out, struct gs_error *err)
{
    GS_CLEANUP(gs_json_cleanup) yyjson_doc *frozen = NULL;
    enum gs_status status = gs_json_freeze(doc, &frozen, err);
    if (status != GS_OK)
        return status;
    gs_json_write_compact(yyjson_doc_get_root(frozen), out);
    return gs_buf_check(out, "the JSON text", err);
}
