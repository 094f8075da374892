// What the files of this folder share: the table that a layout fills in, metadata files, and lists of edits. Nobody else includes it.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_LAYOUT_INTERNAL_H
#define GS_LAYOUT_INTERNAL_H

#include "base/map.h"
#include "layout/layout.h"
#include "json/json.h"

// Of one metadata file: some 80,000 apps.
enum { GS_META_MAX = 32 << 20 };

// What there is to a layout. Each function does for its layout what the function of that name in layout.h promises.
struct gs_layout_ops {
    // *out_catalog has the layout and an empty list of problems already.
    enum gs_status (*read_catalog)(struct gs_mirror *mirror, const struct gs_oid *commit,
                                   struct gs_arena *arena, struct gs_catalog *out_catalog,
                                   struct gs_error *err);
    enum gs_status (*read)(struct gs_mirror *mirror, const struct gs_oid *commit,
                           const struct gs_git_app *app, struct gs_buf *out, struct gs_error *err);
    enum gs_status (*read_version)(struct gs_mirror *mirror, const struct gs_oid *commit,
                                   const struct gs_git_app *app, struct gs_arena *arena,
                                   struct gs_git_version *out_version, struct gs_error *err);
    // NULL: there is no such object.
    enum gs_status (*find_object)(struct gs_mirror *mirror, const struct gs_oid *commit,
                                  const struct gs_git_app *app, struct gs_oid *out_object,
                                  struct gs_error *err);
    enum gs_status (*plan_push)(struct gs_mirror *mirror, const struct gs_oid *parent,
                                const struct gs_layout_push *push, struct gs_arena *arena,
                                struct gs_edit **out_edits, size_t *out_count,
                                struct gs_error *err);
    enum gs_status (*normalize)(const struct gs_layout_push *push, struct gs_buf *out,
                                struct gs_error *err);
};
extern const struct gs_layout_ops gs_single_file_ops, gs_per_entity_ops;

// ---- find.c ------------------------------------------------------------------------

// What is at a path; out_entry->name is NULL when nothing is.
enum gs_status gs_layout_find_entry(struct gs_mirror *mirror, const struct gs_oid *commit,
                                    const char *path, struct gs_arena *arena,
                                    struct gs_entry *out_entry, struct gs_error *err) GS_MUST_CHECK;
// Like gs_mirror_read_file, but *out_found is false when there is no such file.
enum gs_status gs_layout_find_file(struct gs_mirror *mirror, const struct gs_oid *commit,
                                   const char *path, struct gs_buf *out, bool *out_found,
                                   struct gs_error *err) GS_MUST_CHECK;

// The entries of a folder; none when there is no such folder.
enum gs_status gs_layout_find_list(struct gs_mirror *mirror, const struct gs_oid *commit,
                                   const char *path, struct gs_arena *arena,
                                   struct gs_entry **out_entries, size_t *out_count,
                                   struct gs_error *err) GS_MUST_CHECK;

// ---- edits.c -----------------------------------------------------------------------

// Grows in the arena; paths and contents are the caller's and live as long.
struct gs_edits {
    struct gs_arena *arena;
    struct gs_edit *items;
    size_t count, capacity;
};
void gs_edits_write(struct gs_edits *edits, const char *path, struct gs_slice content);
void gs_edits_write_blob(struct gs_edits *edits, const char *path, struct gs_git_blob **blob);
void gs_edits_delete(struct gs_edits *edits, const char *path);
void gs_edits_move(struct gs_edits *edits, const char *path, const char *to_path);

// ---- meta.c: objects of objects, keyed by id ----------------------------------------

// The root is an object. NULL when there is no such file, which every function here takes for an empty object.
// meta_unreadable when it is no JSON or no object. Free with gs_json_free.
enum gs_status gs_meta_read(struct gs_mirror *mirror, const struct gs_oid *commit, const char *path,
                            yyjson_doc **out_doc, struct gs_error *err) GS_MUST_CHECK;
struct gs_per_entity_meta;
struct gs_meta {
    yyjson_doc *doc; // free with gs_json_free
    bool rebuilt;    // the repository's own cannot be read
};
// The same, rebuilt where it is no JSON and enough is known; see gs_catalog_read. meta is NULL for that of single files.
enum gs_status gs_meta_read_or_rebuild(struct gs_mirror *mirror, const struct gs_oid *commit,
                                       const struct gs_per_entity_meta *meta,
                                       struct gs_arena *arena, struct gs_problems *problems,
                                       struct gs_meta *out_meta,
                                       struct gs_error *err) GS_MUST_CHECK;
// meta_unreadable: what is wrong with the member of the entry of that key; the entry itself when member is NULL.
enum gs_status gs_meta_fail(const char *path, const char *key, const char *member,
                            const char *problem, struct gs_error *err);
// The member's text in the arena; "" when it is none, or one with a NUL in it.
const char *gs_meta_get_text(yyjson_val *entry, const char *member, struct gs_arena *arena);

// A metadata file that is being changed. Failures are kept until gs_meta_draft_finish.
struct gs_meta_draft {
    yyjson_mut_doc *doc;
    bool changed, no_memory;
};
enum gs_status gs_meta_draft_init(struct gs_meta_draft *draft, yyjson_doc *doc,
                                  struct gs_error *err) GS_MUST_CHECK;
void gs_meta_draft_release(struct gs_meta_draft *draft);
// Sets a member of an entry in place. What is missing, entry or member, is added at the end.
// An entry that is no object must have been refused before.
void gs_meta_draft_put(struct gs_meta_draft *draft, const char *key, const char *member,
                       struct gs_slice text);
// Adds the edit that writes the file; none when nothing changed.
enum gs_status gs_meta_draft_finish(struct gs_meta_draft *draft, const char *path,
                                    struct gs_edits *edits, struct gs_error *err) GS_MUST_CHECK;

// ---- stray.c -------------------------------------------------------------------------

// An app that is in the tree under a path which is not in the map.
struct gs_stray {
    struct gs_stray *next;
    const char *path, *id, *name;
    const char *version_id, *version_name; // "" in the per-entity layout
};
// In the order of the paths. meta: where its apps are; NULL: single files.
enum gs_status gs_stray_find(struct gs_mirror *mirror, const struct gs_oid *commit,
                             const struct gs_per_entity_meta *meta, const struct gs_map *named,
                             struct gs_arena *arena, struct gs_stray **out_first,
                             struct gs_error *err) GS_MUST_CHECK;

// ---- catalog.c ----------------------------------------------------------------------

// Two apps of one path overwrite each other in ToolJet; the metadata still lists both.
void gs_catalog_mark_shared_paths(struct gs_catalog *catalog);

// ---- single_file.c -----------------------------------------------------------------

extern const char gs_single_file_meta[]; // the path of the metadata

// What an entry says of where its app is; views of the entry.
struct gs_single_file_names {
    struct gs_slice app, version;
};
// meta_unreadable when the entry is no object, or has no names that can be paths.
enum gs_status gs_single_file_read_names(const char *key, yyjson_val *entry,
                                         struct gs_single_file_names *out_names,
                                         struct gs_error *err) GS_MUST_CHECK;
// "Inventory/v1.json", in the arena.
const char *gs_single_file_path(struct gs_arena *arena, struct gs_slice app,
                                struct gs_slice version);

// ---- single_file_push.c ------------------------------------------------------------

enum gs_status gs_single_file_plan_push(struct gs_mirror *mirror, const struct gs_oid *parent,
                                        const struct gs_layout_push *push, struct gs_arena *arena,
                                        struct gs_edit **out_edits, size_t *out_count,
                                        struct gs_error *err) GS_MUST_CHECK;

#endif
