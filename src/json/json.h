// JSON as the documents need it: parsed with limits and with numbers untouched, written as
// JSON.stringify writes it. Knows nothing of what the documents mean. Thread-safe.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_JSON_JSON_H
#define GS_JSON_JSON_H

#include <yyjson.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"

enum { GS_JSON_MAX_DEPTH = 256 };

// Parses one JSON text (RFC 8259, UTF-8, nothing before or behind it but white space). Numbers are
// kept as their text (yyjson's RAW type). Refused with invalid_json and line and column: malformed
// text, a byte order mark, invalid UTF-8, lone surrogates, nesting over GS_JSON_MAX_DEPTH (found
// before anything is allocated), a member name twice in one object. what names the text in the
// message ("the body", "App/v1.json"). The result does not refer to text. Free with gs_json_free.
enum gs_status gs_json_parse(struct gs_slice text, const char *what, yyjson_doc **out_doc,
                             struct gs_error *err) GS_MUST_CHECK;
// The same for a text that gs_json_parse has accepted before: nesting and names are not looked at again, which is half of
// the work.
enum gs_status gs_json_parse_checked(struct gs_slice text, const char *what, yyjson_doc **out_doc,
                                     struct gs_error *err) GS_MUST_CHECK;
void gs_json_free(yyjson_doc *doc); // NULL is fine
void gs_json_free_mut(yyjson_mut_doc *doc);
void gs_json_cleanup(yyjson_doc **doc); // for GS_CLEANUP
void gs_json_cleanup_mut(yyjson_mut_doc **doc);

// A mutable copy of a value as the root of a new document; fails only for memory.
enum gs_status gs_json_thaw(yyjson_val *value, yyjson_mut_doc **out_doc,
                            struct gs_error *err) GS_MUST_CHECK;
// The other way round; the immutable copy does not refer to the mutable document.
enum gs_status gs_json_freeze(yyjson_mut_doc *doc, yyjson_doc **out_doc,
                              struct gs_error *err) GS_MUST_CHECK;

// Appends what JSON.stringify(value, null, 2) gives (ECMA-262, 25.5.2): two spaces, LF, no final
// newline, members in order, {} and [] for empties, non-ASCII raw, \b \t \n \f \r \" \\ and
// lower-case \u00xx. Raw numbers of at most 15 significant digits come out in JavaScript's form
// (1.0 is 1, 1E2 is 100); longer ones and those beyond a normal double, which JavaScript would
// change, stay as they are. Bytes of strings that are no UTF-8 (built documents can have them)
// become U+FFFD. A NULL value gives null. Failure is in the buffer (gs_buf_check).
void gs_json_write(yyjson_val *value, struct gs_buf *out);
// The same without white space, as JSON.stringify(value) gives it.
void gs_json_write_compact(yyjson_val *value, struct gs_buf *out);
// The same for a mutable document, for responses and the store. Raw values in it may be any
// finished JSON text; those that are no numbers are copied as they are.
enum gs_status gs_json_write_mut(yyjson_mut_doc *doc, struct gs_buf *out,
                                 struct gs_error *err) GS_MUST_CHECK;
// One string with its quotes, in the same form.
void gs_json_write_string(struct gs_slice s, struct gs_buf *out);

// Whether two values mean the same: members in any order, lists in order, raw numbers by their
// text. NULL, the absent value, equals only itself. Linear time.
bool gs_json_equal(yyjson_val *a, yyjson_val *b);

// The view of a string value; empty for anything else.
static inline struct gs_slice gs_json_str(yyjson_val *value)
{
    return gs_slice_of(yyjson_get_str(value), yyjson_is_str(value) ? yyjson_get_len(value) : 0);
}

// Members of an object, by name. An absent member, another type, or an obj that is no object gives
// the empty slice or NULL. Slices view the document.
static inline struct gs_slice gs_json_get_str(yyjson_val *obj, const char *name)
{
    return gs_json_str(yyjson_obj_get(obj, name));
}
yyjson_val *gs_json_get_arr(yyjson_val *obj, const char *name);
yyjson_val *gs_json_get_obj(yyjson_val *obj, const char *name);

// name and s are copied into doc. A slice with NULL data gives null. False only when memory ran
// out.
bool gs_json_add_str(yyjson_mut_doc *doc, yyjson_mut_val *obj, const char *name, struct gs_slice s);
// s may be NULL, which gives null.
bool gs_json_add_cstr(yyjson_mut_doc *doc, yyjson_mut_val *obj, const char *name, const char *s);
// Unix milliseconds as ISO 8601; 0 gives null.
bool gs_json_add_time(yyjson_mut_doc *doc, yyjson_mut_val *obj, const char *name, int64_t unix_ms);

// base + "/" + name with ~ and / escaped (RFC 6901), in the arena.
const char *gs_json_pointer(struct gs_arena *arena, const char *base, struct gs_slice name);

#endif
