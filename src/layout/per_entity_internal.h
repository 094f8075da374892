// What the files of the per-entity layout share: an app in pieces, one per file, and the ways between pieces, files and document.
// docs/layouts.md has the format. Nobody outside of this folder includes it.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_LAYOUT_PER_ENTITY_INTERNAL_H
#define GS_LAYOUT_PER_ENTITY_INTERNAL_H

#include "app/app.h"
#include "layout/layout_internal.h"

// ---- entity_kind.c -----------------------------------------------------------------

// In the order in which the lists stand in a document.
enum gs_entity_kind {
    GS_ENTITY_TABLES, // beside the app, all others are lists of appV2
    GS_ENTITY_COMPONENTS,
    GS_ENTITY_PAGES,
    GS_ENTITY_EVENTS,
    GS_ENTITY_QUERIES,
    GS_ENTITY_DATA_SOURCES,
    GS_ENTITY_VERSIONS,
    GS_ENTITY_ENVIRONMENTS,
    GS_ENTITY_OPTIONS,
    GS_ENTITY_FOLDERS,
    GS_ENTITY_MAPPINGS,
    GS_ENTITY_KINDS
};
struct gs_entity_kind_names {
    const char *folder; // below the app's
    const char *member; // of the document
};
extern const struct gs_entity_kind_names gs_entity_kinds[GS_ENTITY_KINDS];

extern const char gs_entity_app_file[], gs_entity_schema_file[]; // below the app's folder

// What a version is called that has no name: files of newer releases leave naming to the branch.
extern const char gs_entity_version_name[];

// Whether a member of appV2 is in files of its own, and so cannot be in app.json.
bool gs_entity_is_separate(struct gs_slice member);

// ---- An app in pieces --------------------------------------------------------------

struct gs_entity {
    const char *name;  // of its file: "<id>.json"
    yyjson_val *value; // NULL: the file is at fault
    bool kept;         // of a version that stays beside the one that is pushed
};
struct gs_entity_list {
    struct gs_entity *items; // by name, in git's order
    size_t count;
};
// Values view the documents that they are from.
struct gs_entities {
    yyjson_val *app; // an object; its separate members do not count. NULL: there is no app.json
    yyjson_val *tooljet_version; // or NULL
    yyjson_val *schema;          // or NULL
    struct gs_entity_list lists[GS_ENTITY_KINDS];
    size_t chosen; // of the versions: the one that reading takes
};
// What the metadata say of the app, which counts more than what app.json says.
struct gs_entity_identity {
    const char *id, *name;
};

// ---- entity_folder.c: files to pieces ----------------------------------------------

struct gs_entity_doc {
    struct gs_entity_doc *next;
    yyjson_doc *json;
};
struct gs_entity_folder {
    struct gs_entities entities; // app and schema as the files are, NULL when they are no JSON
    bool has_app, has_schema;    // whether there are such files
    struct gs_entity_doc *docs;  // what the entities are from
    struct gs_error fault;       // not_an_app: the first file that is not what its place says
};
// The files of the app whose folder is at path; no pieces when there is no such folder. max bounds their bytes together (too_large).
// Release with gs_entity_folder_release, whatever the status was.
enum gs_status gs_entity_folder_load(struct gs_mirror *mirror, const struct gs_oid *commit,
                                     const char *path, size_t max, struct gs_arena *arena,
                                     struct gs_entity_folder *out_folder,
                                     struct gs_error *err) GS_MUST_CHECK;
void gs_entity_folder_release(struct gs_entity_folder *folder);

// ---- entity_split.c: a document to pieces --------------------------------------------

// layout_unsupported when the document has what no file has a place for, not_an_app for lists whose elements cannot be files.
enum gs_status gs_entities_from_document(const struct gs_document *document, struct gs_arena *arena,
                                         struct gs_entities *out_entities,
                                         struct gs_error *err) GS_MUST_CHECK;

// ---- entity_document.c: pieces to a document and to files -----------------------------

// Each replaces the content of out. With several versions the chosen one comes first, and the others are called by their ids.
enum gs_status gs_entities_write_document(const struct gs_entities *entities,
                                          const struct gs_entity_identity *who, struct gs_buf *out,
                                          struct gs_error *err) GS_MUST_CHECK;
enum gs_status gs_entities_write_app_file(const struct gs_entities *entities,
                                          const struct gs_entity_identity *who, struct gs_buf *out,
                                          struct gs_error *err) GS_MUST_CHECK;
enum gs_status gs_entities_write_file(const struct gs_entities *entities,
                                      const struct gs_entity_identity *who,
                                      enum gs_entity_kind kind, size_t index, struct gs_buf *out,
                                      struct gs_error *err) GS_MUST_CHECK;

// ---- entity_version.c: folders with more than one version ----------------------------

// Whether reading takes a rather than b as the version of the app.
bool gs_entity_version_is_better(yyjson_val *a, yyjson_val *b);
void gs_entities_choose_version(struct gs_entities *entities);
// One part per version, the chosen one first. Release with gs_export_release.
enum gs_status gs_entities_split(const struct gs_entities *entities,
                                 const struct gs_entity_identity *who, size_t max,
                                 struct gs_arena *arena, struct gs_export *out_export,
                                 struct gs_error *err) GS_MUST_CHECK;
// Marks what belongs to no other version than those that stay beside the pushed one: all but the chosen one, which it replaces,
// and those that reading would take instead of it.
enum gs_status gs_entities_mark_kept(struct gs_entities *entities,
                                     const struct gs_entity_identity *who, yyjson_val *pushed,
                                     size_t max, struct gs_error *err) GS_MUST_CHECK;

// ---- per_entity.c --------------------------------------------------------------------

enum { GS_PER_ENTITY_METAS = 2 };
struct gs_per_entity_meta {
    const char *path; // of the metadata file
    const char *root; // of the folders of its apps
    bool modules;
};
extern const struct gs_per_entity_meta gs_per_entity_metas[GS_PER_ENTITY_METAS];

// The folder that an entry names, a view of the entry. meta_unreadable when it names none that can be one.
enum gs_status gs_per_entity_read_path(const struct gs_per_entity_meta *meta, const char *key,
                                       yyjson_val *entry, struct gs_slice *out_path,
                                       struct gs_error *err) GS_MUST_CHECK;
// The last part of the path: the app's name.
struct gs_slice gs_per_entity_name_of(struct gs_slice path);
// The document of the loaded app, replacing the content of out.
enum gs_status gs_per_entity_write_document(const struct gs_entity_folder *folder,
                                            const struct gs_entity_identity *who,
                                            struct gs_buf *out, struct gs_error *err) GS_MUST_CHECK;
// not_in_git: the metadata names a folder that holds no app.
enum gs_status gs_per_entity_fail_missing(const struct gs_git_app *app,
                                          struct gs_error *err) GS_MUST_CHECK;

// ---- per_entity_version.c --------------------------------------------------------------

enum gs_status gs_per_entity_read_version(struct gs_mirror *mirror, const struct gs_oid *commit,
                                          const struct gs_git_app *app, struct gs_arena *arena,
                                          struct gs_git_version *out_version,
                                          struct gs_error *err) GS_MUST_CHECK;

// ---- per_entity_place.c ---------------------------------------------------------------

// Where the app that is pushed was, and where it will be.
struct gs_per_entity_place {
    struct gs_meta metas[GS_PER_ENTITY_METAS];
    size_t meta;          // which one has, or gets, the entry
    const char *old_path; // NULL when git does not have the app yet
    const char *path;
    bool shared; // another entry names the old folder
    bool nested; // … or one below it
};
// app_name_taken, meta_unreadable. Release with gs_per_entity_place_release, whatever the status was.
enum gs_status gs_per_entity_find_place(struct gs_mirror *mirror, const struct gs_oid *parent,
                                        const struct gs_layout_push *push, bool is_module,
                                        struct gs_arena *arena,
                                        struct gs_per_entity_place *out_place,
                                        struct gs_error *err) GS_MUST_CHECK;
void gs_per_entity_place_release(struct gs_per_entity_place *place);

// ---- per_entity_source.c --------------------------------------------------------------

extern const char gs_per_entity_source_meta[]; // the path of the metadata

// Carries what a push changes in the name, kind or type of the app's data sources over to those of the workspace, data-sources/<id>.json,
// and their metadata. What is not there, or not readable, stays as it is.
enum gs_status gs_per_entity_update_sources(struct gs_mirror *mirror, const struct gs_oid *parent,
                                            const struct gs_entity_list *before,
                                            const struct gs_entity_list *after, int64_t when_ms,
                                            struct gs_edits *edits,
                                            struct gs_error *err) GS_MUST_CHECK;

// ---- per_entity_push.c ----------------------------------------------------------------

enum gs_status gs_per_entity_plan_push(struct gs_mirror *mirror, const struct gs_oid *parent,
                                       const struct gs_layout_push *push, struct gs_arena *arena,
                                       struct gs_edit **out_edits, size_t *out_count,
                                       struct gs_error *err) GS_MUST_CHECK;
enum gs_status gs_per_entity_normalize(const struct gs_layout_push *push, struct gs_buf *out,
                                       struct gs_error *err) GS_MUST_CHECK;

#endif
