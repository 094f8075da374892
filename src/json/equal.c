// Whether two values mean the same, in linear time also for objects whose members are in another
// order.
// SPDX-License-Identifier: Apache-2.0
#include "json/json_internal.h"

static bool equal_lists(yyjson_val *a, yyjson_val *b)
{
    yyjson_arr_iter left = yyjson_arr_iter_with(a), right = yyjson_arr_iter_with(b);
    for (yyjson_val *item; (item = yyjson_arr_iter_next(&left));)
        if (!gs_json_equal(item, yyjson_arr_iter_next(&right)))
            return false;
    return true;
}

// Finds members of one object; without an index (it is small, or there was no memory) by searching.
struct lookup {
    yyjson_val *obj;
    struct gs_json_index index;
};

static void release_lookup(struct lookup *lookup)
{
    gs_json_index_release(&lookup->index);
}

static yyjson_val *find_member(struct lookup *lookup, struct gs_slice name)
{
    yyjson_val *twice;
    bool large = yyjson_obj_size(lookup->obj) > GS_JSON_SMALL_OBJECT;
    if (large && !lookup->index.slots)
        large = gs_json_index_init(&lookup->index, lookup->obj, &twice);
    return large ? gs_json_index_get(&lookup->index, name)
                 : yyjson_obj_getn(lookup->obj, name.data, name.len);
}

// Names occur once in an object and there are as many on both sides, so one direction is enough.
// Most objects have their members in the same order; only what is out of step is looked up.
static bool equal_objects(yyjson_val *a, yyjson_val *b)
{
    GS_CLEANUP(release_lookup) struct lookup lookup = {.obj = b};
    yyjson_obj_iter left = yyjson_obj_iter_with(a), right = yyjson_obj_iter_with(b);
    for (yyjson_val *key; (key = yyjson_obj_iter_next(&left));) {
        struct gs_slice name = gs_json_str(key);
        yyjson_val *other = yyjson_obj_iter_next(&right);
        yyjson_val *value = gs_slice_eq(name, gs_json_str(other)) ? yyjson_obj_iter_get_val(other)
                                                                  : find_member(&lookup, name);
        if (!value || !gs_json_equal(yyjson_obj_iter_get_val(key), value))
            return false;
    }
    return true;
}

bool gs_json_equal(yyjson_val *a, yyjson_val *b)
{
    if (!a || !b)
        return a == b;
    if (yyjson_get_type(a) != yyjson_get_type(b))
        return false;
    if (!yyjson_is_ctn(a))
        return yyjson_equals(a, b);
    if (yyjson_get_len(a) != yyjson_get_len(b))
        return false;
    return yyjson_is_obj(a) ? equal_objects(a, b) : equal_lists(a, b);
}
