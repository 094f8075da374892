// An open-addressing table of an object's keys, built once and never changed.
// SPDX-License-Identifier: Apache-2.0
#include "base/map.h"
#include "json/json_internal.h"

// The slot that holds the name, or the free one where it belongs.
static yyjson_val **find(const struct gs_json_index *index, struct gs_slice name)
{
    for (size_t i = (size_t)gs_map_hash(name) & index->mask;; i = (i + 1) & index->mask)
        if (!index->slots[i] || gs_slice_eq(gs_json_str(index->slots[i]), name))
            return &index->slots[i];
}

bool gs_json_index_init(struct gs_json_index *index, yyjson_val *obj, yyjson_val **out_twice)
{
    size_t capacity = 2 * GS_JSON_SMALL_OBJECT;
    while (capacity / 4 * 3 < yyjson_obj_size(obj))
        capacity *= 2;
    yyjson_val **slots = calloc(capacity, sizeof(yyjson_val *));
    if (!slots)
        return false;
    *index = (struct gs_json_index){slots, capacity - 1};
    *out_twice = NULL;
    yyjson_obj_iter members = yyjson_obj_iter_with(obj);
    for (yyjson_val *key; (key = yyjson_obj_iter_next(&members)) && !*out_twice;) {
        yyjson_val **slot = find(index, gs_json_str(key));
        if (*slot)
            *out_twice = key;
        *slot = key;
    }
    return true;
}

void gs_json_index_release(struct gs_json_index *index)
{
    free(index->slots);
    *index = (struct gs_json_index){0};
}

yyjson_val *gs_json_index_get(const struct gs_json_index *index, struct gs_slice name)
{
    return yyjson_obj_iter_get_val(*find(index, name));
}
