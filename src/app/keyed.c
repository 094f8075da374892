// Members of objects and elements of lists as items that are found by name or id. Knows no entity
// kinds.
// SPDX-License-Identifier: Apache-2.0
#include "app/app_internal.h"

// Up to this many items are searched one by one.
enum { FEW = 8 };

void gs_keyed_members(yyjson_val *object, struct gs_arena *arena, struct gs_keyed *out_keyed)
{
    size_t count = yyjson_obj_size(object);
    struct gs_keyed keyed = {gs_arena_array(arena, count, sizeof *keyed.items), count, {0}};
    size_t i, n;
    yyjson_val *key, *value;
    yyjson_obj_foreach(object, i, n, key, value)
    {
        keyed.items[i] = (struct gs_item){gs_json_str(key), value};
    }
    *out_keyed = keyed;
}

void gs_keyed_release(struct gs_keyed *keyed)
{
    gs_map_release(&keyed->index);
}

// False when a key is there twice.
static bool build_index(struct gs_keyed *keyed)
{
    gs_map_reserve(&keyed->index, keyed->count);
    for (size_t i = 0; i < keyed->count; i++)
        if (gs_map_put(&keyed->index, keyed->items[i].key, &keyed->items[i]))
            return false;
    return true;
}

static struct gs_item *search(struct gs_item *items, size_t count, struct gs_slice key)
{
    for (size_t i = 0; i < count; i++)
        if (gs_slice_eq(items[i].key, key))
            return &items[i];
    return NULL;
}

static bool are_distinct(struct gs_keyed *keyed)
{
    if (keyed->count > FEW)
        return build_index(keyed);
    for (size_t i = 1; i < keyed->count; i++)
        if (search(keyed->items, i, keyed->items[i].key))
            return false;
    return true;
}

// False at the first element that has no id.
static bool collect_elements(yyjson_val *list, struct gs_keyed *keyed)
{
    size_t i, n;
    yyjson_val *element;
    yyjson_arr_foreach(list, i, n, element)
    {
        keyed->items[i] = (struct gs_item){gs_json_get_str(element, "id"), element};
        if (keyed->items[i].key.len == 0)
            return false;
    }
    return true;
}

bool gs_keyed_elements(yyjson_val *list, struct gs_arena *arena, struct gs_keyed *out_keyed)
{
    if (list && !yyjson_is_arr(list))
        return false;
    // Most lists without ids show it in the first element.
    if (yyjson_arr_size(list) > 0 && !yyjson_is_obj(yyjson_arr_get_first(list)))
        return false;
    size_t count = yyjson_arr_size(list);
    struct gs_keyed keyed = {gs_arena_array(arena, count, sizeof *keyed.items), count, {0}};
    if (!collect_elements(list, &keyed) || !are_distinct(&keyed)) {
        gs_keyed_release(&keyed);
        return false;
    }
    *out_keyed = keyed;
    return true;
}

struct gs_item *gs_keyed_find(struct gs_keyed *keyed, struct gs_slice key, size_t hint)
{
    if (hint < keyed->count && gs_slice_eq(keyed->items[hint].key, key))
        return &keyed->items[hint];
    if (keyed->count <= FEW)
        return search(keyed->items, keyed->count, key);
    if (keyed->index.count == 0)
        build_index(keyed);
    return gs_map_get(&keyed->index, key);
}
