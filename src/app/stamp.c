// Times that ToolJet writes whenever it saves. They say nothing about what an app is, so they never
// stand in the way of a merge.
// SPDX-License-Identifier: Apache-2.0
#include "app/app_internal.h"

bool gs_stamp_is(struct gs_slice name, yyjson_val *value)
{
    if (!gs_slice_eq_str(name, "createdAt") && !gs_slice_eq_str(name, "updatedAt"))
        return false;
    if (yyjson_is_null(value))
        return true;
    // 2025-06-03T08:00:22.164Z: enough of it to tell it from a person's own text.
    static const char form[] = "dddd-dd-ddTdd:dd";
    struct gs_slice s = gs_json_str(value);
    for (size_t i = 0; i + 1 < sizeof form; i++)
        if (i >= s.len ||
            (form[i] == 'd' ? s.data[i] < '0' || s.data[i] > '9' : s.data[i] != form[i]))
            return false;
    return true;
}

bool gs_stamp_later(yyjson_val *a, yyjson_val *b)
{
    struct gs_slice x = gs_json_str(a), y = gs_json_str(b);
    size_t n = x.len < y.len ? x.len : y.len;
    int order = n ? memcmp(x.data, y.data, n) : 0;
    return order != 0 ? order > 0 : x.len > y.len;
}

static bool same_content(yyjson_val *a, yyjson_val *b, struct gs_arena *arena);

static bool same_elements(yyjson_val *a, yyjson_val *b, struct gs_arena *arena)
{
    if (yyjson_arr_size(a) != yyjson_arr_size(b))
        return false;
    yyjson_arr_iter other = yyjson_arr_iter_with(b);
    size_t i, n;
    yyjson_val *element;
    yyjson_arr_foreach(a, i, n, element)
    {
        if (!same_content(element, yyjson_arr_iter_next(&other), arena))
            return false;
    }
    return true;
}

static size_t count_content(const struct gs_keyed *members)
{
    size_t count = 0;
    for (size_t i = 0; i < members->count; i++)
        count += !gs_stamp_is(members->items[i].key, members->items[i].value);
    return count;
}

// Every member of a that is no stamp has its equal in b.
static bool covers(const struct gs_keyed *a, struct gs_keyed *b, struct gs_arena *arena)
{
    for (size_t i = 0; i < a->count; i++) {
        if (gs_stamp_is(a->items[i].key, a->items[i].value))
            continue;
        struct gs_item *other = gs_keyed_find(b, a->items[i].key, i);
        if (!other || !same_content(a->items[i].value, other->value, arena))
            return false;
    }
    return true;
}

static bool same_members(yyjson_val *a, yyjson_val *b, struct gs_arena *arena)
{
    struct gs_keyed x, y;
    gs_keyed_members(a, arena, &x);
    gs_keyed_members(b, arena, &y);
    bool same = count_content(&x) == count_content(&y) && covers(&x, &y, arena);
    gs_keyed_release(&x);
    gs_keyed_release(&y);
    return same;
}

static bool same_content(yyjson_val *a, yyjson_val *b, struct gs_arena *arena)
{
    if (yyjson_is_obj(a) && yyjson_is_obj(b))
        return same_members(a, b, arena);
    if (yyjson_is_arr(a) && yyjson_is_arr(b))
        return same_elements(a, b, arena);
    return gs_json_equal(a, b);
}

bool gs_stamp_same_content(yyjson_val *a, yyjson_val *b)
{
    GS_CLEANUP(gs_arena_cleanup) struct gs_arena *arena = gs_arena_new();
    return same_content(a, b, arena);
}
