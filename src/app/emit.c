// Writes JSON.stringify's form in pieces, so that a document can be put together from parts of
// others without copying them. Scalars are json's business.
// SPDX-License-Identifier: Apache-2.0
#include "app/app_internal.h"

void gs_emit_init(struct gs_emitter *emitter, struct gs_buf *out)
{
    *emitter = (struct gs_emitter){.out = out};
}

static void break_line(struct gs_emitter *emitter)
{
    char *to = gs_buf_reserve(emitter->out, 1 + 2 * (size_t)emitter->depth);
    if (!to)
        return;
    *to = '\n';
    memset(to + 1, ' ', 2 * (size_t)emitter->depth);
    emitter->out->len += 1 + 2 * (size_t)emitter->depth;
}

static void begin_item(struct gs_emitter *emitter)
{
    if (emitter->after_key) {
        emitter->after_key = false;
        return;
    }
    if (emitter->depth == 0)
        return;
    if (emitter->filled)
        gs_buf_append_char(emitter->out, ',');
    break_line(emitter);
    emitter->filled = true;
}

void gs_emit_open(struct gs_emitter *emitter, char bracket)
{
    begin_item(emitter);
    gs_buf_append_char(emitter->out, bracket);
    emitter->depth++;
    emitter->filled = false;
}

void gs_emit_close(struct gs_emitter *emitter, char bracket)
{
    emitter->depth--;
    if (emitter->filled)
        break_line(emitter);
    gs_buf_append_char(emitter->out, bracket);
    // The container around has at least the one that just ended.
    emitter->filled = true;
}

void gs_emit_key(struct gs_emitter *emitter, struct gs_slice key)
{
    begin_item(emitter);
    gs_json_write_string(key, emitter->out);
    gs_buf_append(emitter->out, ": ", 2);
    emitter->after_key = true;
}

void gs_emit_string(struct gs_emitter *emitter, struct gs_slice s)
{
    begin_item(emitter);
    gs_json_write_string(s, emitter->out);
}

static void emit_object(struct gs_emitter *emitter, yyjson_val *object)
{
    size_t i, n;
    yyjson_val *key, *value;
    gs_emit_open(emitter, '{');
    yyjson_obj_foreach(object, i, n, key, value)
    {
        gs_emit_key(emitter, gs_json_str(key));
        gs_emit_value(emitter, value);
    }
    gs_emit_close(emitter, '}');
}

static void emit_array(struct gs_emitter *emitter, yyjson_val *array)
{
    size_t i, n;
    yyjson_val *value;
    gs_emit_open(emitter, '[');
    yyjson_arr_foreach(array, i, n, value)
    {
        gs_emit_value(emitter, value);
    }
    gs_emit_close(emitter, ']');
}

void gs_emit_value(struct gs_emitter *emitter, yyjson_val *value)
{
    if (yyjson_is_obj(value)) {
        emit_object(emitter, value);
    } else if (yyjson_is_arr(value)) {
        emit_array(emitter, value);
    } else {
        begin_item(emitter);
        gs_json_write(value, emitter->out);
    }
}

// What the walk along the spine carries down.
struct walk {
    struct gs_emitter *emitter;
    const struct gs_envelope *envelope;
    gs_emit_app_fn *emit_app;
    void *context;
};

static void emit_level(const struct walk *walk, size_t level);

static void emit_beside(const struct walk *walk, size_t level, yyjson_val *value)
{
    if (value == walk->envelope->spine[level + 1])
        emit_level(walk, level + 1);
    else
        gs_emit_value(walk->emitter, value);
}

static void emit_level(const struct walk *walk, size_t level)
{
    size_t i, n;
    yyjson_val *key, *value;
    yyjson_val *here = walk->envelope->spine[level];
    if (level + 1 == walk->envelope->depth) {
        walk->emit_app(walk->emitter, here, walk->context);
    } else if (yyjson_is_arr(here)) {
        gs_emit_open(walk->emitter, '[');
        emit_beside(walk, level, yyjson_arr_get_first(here));
        gs_emit_close(walk->emitter, ']');
    } else {
        gs_emit_open(walk->emitter, '{');
        yyjson_obj_foreach(here, i, n, key, value)
        {
            gs_emit_key(walk->emitter, gs_json_str(key));
            emit_beside(walk, level, value);
        }
        gs_emit_close(walk->emitter, '}');
    }
}

void gs_emit_envelope(struct gs_emitter *emitter, const struct gs_envelope *envelope, size_t level,
                      gs_emit_app_fn *emit_app, void *context)
{
    struct walk walk = {emitter, envelope, emit_app, context};
    emit_level(&walk, level);
}
