// How many entities a document has, as the differences count them.
// SPDX-License-Identifier: Apache-2.0
#include "app/app_internal.h"

size_t gs_document_count_entities(const struct gs_document *document)
{
    GS_CLEANUP(gs_arena_cleanup) struct gs_arena *scratch = gs_arena_new();
    size_t total = 0;
    size_t i, n;
    yyjson_val *key, *list;
    yyjson_obj_foreach(document->app, i, n, key, list)
    {
        struct gs_keyed elements;
        if (!yyjson_is_arr(list) || !gs_keyed_elements(list, scratch, &elements))
            continue;
        total += elements.count;
        gs_keyed_release(&elements);
    }
    return total;
}
