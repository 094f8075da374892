// What the files of this folder share: scanning of bytes, forms of numbers, lookups in large
// objects.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_JSON_JSON_INTERNAL_H
#define GS_JSON_JSON_INTERNAL_H

#include "json/json.h"

// How many bytes from the start of s mean themselves inside a JSON string: up to a quote, a
// backslash or a control character.
size_t gs_json_plain_run(struct gs_slice s);
// The same up to a quote or a bracket, outside of strings.
size_t gs_json_structure_run(struct gs_slice s);

enum { GS_JSON_NUMBER_TEXT = 32 };

// Writes JavaScript's form of the text of a JSON number (without NUL) and returns its length; 0
// when a double might not keep the number: over 15 significant digits, or beyond the normal
// doubles.
size_t gs_json_number_form(struct gs_slice raw, char out[GS_JSON_NUMBER_TEXT]);
// The same for a double, "null" when it is not finite; 0 when memory ran out.
size_t gs_json_real_form(double value, char out[GS_JSON_NUMBER_TEXT]);

// Members of one object by name. It is not a gs_map, because a stranger chooses how many members an
// object has: this takes 8 bytes a slot and fails when there is no memory. Refers to the object.
struct gs_json_index {
    yyjson_val **slots; // keys
    size_t mask;
};

// Objects of up to this many members are searched faster without an index.
enum { GS_JSON_SMALL_OBJECT = 16 };

// False when memory ran out. *out_twice becomes the second of two keys with one name, NULL when
// there is none; the index is complete only then.
bool gs_json_index_init(struct gs_json_index *index, yyjson_val *obj, yyjson_val **out_twice);
void gs_json_index_release(struct gs_json_index *index);
// The value of the member, NULL when there is none.
yyjson_val *gs_json_index_get(const struct gs_json_index *index, struct gs_slice name);

#endif
