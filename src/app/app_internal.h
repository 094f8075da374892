// What the files of this folder share: the way to appV2, writing piece by piece, lists by id,
// entity kinds and stamps. Nobody else includes it.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_APP_APP_INTERNAL_H
#define GS_APP_APP_INTERNAL_H

#include "app/app.h"
#include "base/map.h"

enum {
    GS_DOCUMENT_MAX = 100 * 1024 * 1024, // git hosts refuse larger files
    GS_EXPORT_MAX = 256 * 1024 * 1024,   // all parts of one export together
    GS_EXPORT_VERSIONS_MAX = 1000,
};

// ---- envelope.c: where appV2 hangs --------------------------------------------------

// The values from the root to appV2: root, app, app/0, definition, appV2; or, as ToolJet before
// 2.25 wrote it, root and appV2.
enum { GS_SPINE_MAX = 5 };
struct gs_envelope {
    yyjson_val *spine[GS_SPINE_MAX];
    size_t depth;
};

// not_an_app when there is not exactly one app; what names the text in the message.
enum gs_status gs_envelope_find(yyjson_val *root, const char *what,
                                struct gs_envelope *out_envelope,
                                struct gs_error *err) GS_MUST_CHECK;
yyjson_val *gs_envelope_app(const struct gs_envelope *envelope);
// JSON Pointer of appV2.
const char *gs_envelope_path(const struct gs_envelope *envelope);
bool gs_envelope_is_flat(const struct gs_envelope *envelope);

// The id of the object at path: a string of 1 to 255 bytes without control characters; not_an_app
// otherwise.
enum gs_status gs_envelope_get_id(yyjson_val *object, const char *path, const char *what,
                                  struct gs_slice *out_id, struct gs_error *err) GS_MUST_CHECK;
// The same for a name, which may be any string.
enum gs_status gs_envelope_get_name(yyjson_val *object, const char *path, const char *what,
                                    struct gs_slice *out_name, struct gs_error *err) GS_MUST_CHECK;

// ---- emit.c: JSON.stringify(value, null, 2) in pieces -------------------------------

// Failure is in the buffer (gs_buf_check).
struct gs_emitter {
    struct gs_buf *out;
    unsigned depth;
    bool filled;    // the open container has an item already
    bool after_key; // the next value belongs to the key just written
};

void gs_emit_init(struct gs_emitter *emitter, struct gs_buf *out);
void gs_emit_open(struct gs_emitter *emitter, char bracket);
void gs_emit_close(struct gs_emitter *emitter, char bracket);
void gs_emit_key(struct gs_emitter *emitter, struct gs_slice key);
void gs_emit_value(struct gs_emitter *emitter, yyjson_val *value);
void gs_emit_string(struct gs_emitter *emitter, struct gs_slice s);

// Writes the envelope from a level of its spine downwards as it is, and calls emit_app where
// appV2's value belongs.
typedef void gs_emit_app_fn(struct gs_emitter *emitter, yyjson_val *app, void *context);
void gs_emit_envelope(struct gs_emitter *emitter, const struct gs_envelope *envelope, size_t level,
                      gs_emit_app_fn *emit_app, void *context);

// ---- keyed.c: members of an object and elements of a list, found by key --------------

struct gs_item {
    struct gs_slice key;
    yyjson_val *value;
};
struct gs_keyed {
    struct gs_item *items; // in the order of the document
    size_t count;
    struct gs_map index; // built when first needed
};

// The items live in arena, the index on the heap until gs_keyed_release. A NULL object or list is
// an empty one.
void gs_keyed_members(yyjson_val *object, struct gs_arena *arena, struct gs_keyed *out_keyed);
// False, and nothing to release, unless the value is a list of objects with distinct non-empty
// string ids.
bool gs_keyed_elements(yyjson_val *list, struct gs_arena *arena, struct gs_keyed *out_keyed);
void gs_keyed_release(struct gs_keyed *keyed);
// hint is where the item is expected; a good guess saves the hashing. NULL when there is none.
struct gs_item *gs_keyed_find(struct gs_keyed *keyed, struct gs_slice key, size_t hint);

// ---- grow.c -----------------------------------------------------------------------------

// Makes room for one more item than count and returns where the items are now. What they leave
// behind stays in the arena.
void *gs_arena_grow(struct gs_arena *arena, void *items, size_t count, size_t *capacity,
                    size_t size);

// ---- entity.c: kinds, names and links ------------------------------------------------

// What the API calls the elements of a list of appV2; unknown lists under their own name.
const char *gs_entity_type(struct gs_slice list, struct gs_arena *arena);
// "" when it has none.
struct gs_slice gs_entity_name(yyjson_val *entity);

// Members by which an entity names another one's id. False when there are no more than index links.
struct gs_link {
    const char *within; // NULL, or the member that holds the object with the link
    const char *member;
};
bool gs_entity_link(size_t index, struct gs_link *out_link);
// What the link says in this entity; empty when it has none. entity may be NULL.
struct gs_slice gs_entity_get_link(yyjson_val *entity, struct gs_link link);
// The id behind the text of a link: of `<id>-<tab>` and the like the id, else the text.
struct gs_slice gs_link_target(struct gs_slice text);

// ---- stamp.c: members that change whenever ToolJet saves ------------------------------

// createdAt or updatedAt with a time or null in it.
bool gs_stamp_is(struct gs_slice name, yyjson_val *value);
// Whether a is a later time than b; null is before every time.
bool gs_stamp_later(yyjson_val *a, yyjson_val *b);
// Like gs_json_equal, but blind to stamps at every depth.
bool gs_stamp_same_content(yyjson_val *a, yyjson_val *b);

#endif
