// App documents as files of a repository and back: which layout a tree has, which apps it holds, and what a push changes.
// One file per layout; formats as ToolJet writes them (docs/layouts.md). Knows neither hosts nor the store.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_LAYOUT_LAYOUT_H
#define GS_LAYOUT_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "git/git.h"

enum gs_layout {
    GS_LAYOUT_NONE, // no metadata: an empty branch, or one with foreign files only
    GS_LAYOUT_SINGLE_FILE,
    GS_LAYOUT_PER_ENTITY,
};
// "single-file", "per-entity"; NULL for GS_LAYOUT_NONE.
const char *gs_layout_text(enum gs_layout layout);
bool gs_layout_from_text(const char *text, enum gs_layout *out_layout);
// By the metadata files: .meta/appMeta.json or .meta/moduleMeta.json is per-entity, else .meta/meta.json is single-file.
enum gs_status gs_layout_detect(struct gs_mirror *mirror, const struct gs_oid *commit,
                                enum gs_layout *out_layout, struct gs_error *err) GS_MUST_CHECK;

// An app as the metadata of a commit lists it.
struct gs_git_app {
    const char *id;   // the git app id: the key in the metadata
    const char *name; // gitAppName, or the last part of appPath
    const char *path; // of the app's file or folder: "Inventory/v1.json", "apps/sales/Inventory"
    const char *version_id, *version_name; // "" where the metadata does not say
    const char *last_commit_message, *last_commit_user, *last_push_date; // "" where it does not say
    bool path_shared; // by another app of the catalog: the document tells whose it is
    bool is_module;   // an app that others are made of (per-entity)
};
// Something odd in a repository that a call went on without.
struct gs_problem {
    const char *code; // stable; docs/layouts.md lists them
    const char *path; // in the repository
    const char *message;
};
struct gs_problems {
    struct gs_arena *arena; // of all texts
    struct gs_problem *items;
    size_t count, capacity;
};
// problems may be NULL: nobody wants to know.
void gs_problems_add(struct gs_problems *problems, const char *code, const char *path,
                     const char *fmt, ...) GS_PRINTF(4, 5);

struct gs_catalog {
    enum gs_layout layout;
    struct gs_git_app *apps; // in the order of the metadata
    size_t count;
    struct gs_problems problems; // of the metadata
};
// A metadata file that is no JSON is rebuilt from the newest commit that had it whole, among the last hundred, and from the
// apps that the tree holds; problems say so, as they do of entries that cannot be read.
// Errors: meta_unreadable (which file, what and where) when nothing can be rebuilt, layout_unsupported for a layout that cannot be read.
// A branch without metadata has an empty catalog. Lives in arena.
enum gs_status gs_catalog_read(struct gs_mirror *mirror, const struct gs_oid *commit,
                               struct gs_arena *arena, struct gs_catalog *out_catalog,
                               struct gs_error *err) GS_MUST_CHECK;
// NULL when there is none.
const struct gs_git_app *gs_catalog_find(const struct gs_catalog *catalog, const char *git_app_id);
// The only app of that name; NULL when there is none or more than one.
const struct gs_git_app *gs_catalog_find_by_name(const struct gs_catalog *catalog,
                                                 const char *name);
// The app whose folder this one would get under that name; NULL when the folder is free or its own. is_module matters for an app that is not
// in the catalog.
const struct gs_git_app *gs_catalog_find_holder(const struct gs_catalog *catalog,
                                                const char *git_app_id, const char *name,
                                                bool is_module);

// Everything odd in a commit. One bad app is told with its problems and stops no other. Reads all that the metadata name.
struct gs_git_version {
    const char *id, *name;
};
struct gs_checked_app {
    const struct gs_git_app *app;
    struct gs_git_version version; // NULL when the app cannot be read
    struct gs_problems problems;
};
struct gs_check {
    struct gs_catalog catalog;
    struct gs_checked_app *apps; // those of the catalog
    struct gs_problems problems; // of no app that is listed
};
enum gs_status gs_layout_check(struct gs_mirror *mirror, const struct gs_oid *commit,
                               struct gs_arena *arena, struct gs_check *out_check,
                               struct gs_error *err) GS_MUST_CHECK;

// Which version of an app a commit holds, without reading the whole app. Single-file: as the metadata says. Per-entity: from the
// files of its versions. not_in_git when its files are missing, not_an_app when they do not tell.
enum gs_status gs_layout_read_version(struct gs_mirror *mirror, const struct gs_oid *commit,
                                      enum gs_layout layout, const struct gs_git_app *app,
                                      struct gs_arena *arena, struct gs_git_version *out_version,
                                      struct gs_error *err) GS_MUST_CHECK;

// The document of an app at a commit, replacing the content of out (bounded by its maximum). Single-file: the exact bytes of the file.
// Per-entity: the document put together from the app's files, in the form of gs_json_write.
// Errors: not_in_git when the metadata names a file that is not there or that is another app's, too_large; not_an_app when
// that cannot be told, or (per-entity) a file is not what its place says.
enum gs_status gs_layout_read(struct gs_mirror *mirror, const struct gs_oid *commit,
                              enum gs_layout layout, const struct gs_git_app *app,
                              struct gs_buf *out, struct gs_error *err) GS_MUST_CHECK;
// The object of the repository that alone decides what gs_layout_read gives for the app, so that whoever has seen it before need not read it again.
// None where there is no such single object, or nothing at all.
enum gs_status gs_layout_find_object(struct gs_mirror *mirror, const struct gs_oid *commit,
                                     enum gs_layout layout, const struct gs_git_app *app,
                                     struct gs_oid *out_object, struct gs_error *err) GS_MUST_CHECK;

// Whether gs_layout_read gives just the document of a push for the app at the parent, as far as the caller knows.
enum gs_held { GS_HELD_UNKNOWN, GS_HELD_SAME, GS_HELD_OTHER };

// What a push puts into a commit.
struct gs_layout_push {
    const char *git_app_id, *app_name;
    const char *version_id, *version_name;
    const char *message; // the caller's
    const char *user;    // who is recorded as lastCommitUser
    int64_t when_ms;
    struct gs_slice document;
    // The document as a file of a commit, when that is ready: single-file needs no more, and document may then be empty. Or NULL.
    struct gs_git_blob **blob;
    enum gs_held held;
};
// The edits that make the commit's tree hold the app: one document file of this version (those of other versions of the app go), the folder moved when the app
// was renamed (with the foreign files in it), the metadata entry updated in place or added at the end, everything else untouched. No edits: the tree holds exactly
// this already (when and message aside). Edits and their content live in arena; the document's bytes are not copied.
// Per-entity: the same with one file per entity, of which only those that differ are written or removed.
// Errors: app_name_taken, meta_unreadable, invalid_name; per-entity also not_an_app and, for a document that holds what no file has a place for,
// layout_unsupported.
enum gs_status gs_layout_plan_push(struct gs_mirror *mirror, const struct gs_oid *parent,
                                   enum gs_layout layout, const struct gs_layout_push *push,
                                   struct gs_arena *arena, struct gs_edit **out_edits,
                                   size_t *out_count, struct gs_error *err) GS_MUST_CHECK;

// The document that gs_layout_read gives once this push is in git, replacing the content of out (bounded by its maximum). Single-file: the bytes as they are.
// Per-entity: files keep no order of lists and no formatting, so the same content has one form; pushing that form is the same push.
// Errors: not_an_app, layout_unsupported when the layout has no place for something in the document, too_large.
enum gs_status gs_layout_normalize(enum gs_layout layout, const struct gs_layout_push *push,
                                   struct gs_buf *out, struct gs_error *err) GS_MUST_CHECK;

// Changes a branch over to the other layout in one commit. There and back is the identity for everything that both can hold; what the new one
// has no place for (the order of lists, formatting, what the metadata say of commits, further versions) is kept below .meta/kept, where it
// changes nothing until the way back. Foreign files stay where they are.
struct gs_conversion {
    struct gs_oid parent;
    enum gs_layout target; // not GS_LAYOUT_NONE
    const char *author_name, *author_email;
    struct gs_slice message;
    int64_t when_ms;
};
struct gs_converted {
    struct gs_oid commit; // the parent when it has the layout already, or none
    struct gs_file_change *files;
    size_t file_count, app_count;
    size_t kept_count;           // files
    struct gs_problems warnings; // entries without files, which stay what they are
};
// Errors: not_convertible with a list of {code,path,reason} in the details, those of gs_catalog_read and gs_mirror_commit, too_large.
enum gs_status gs_layout_convert(struct gs_mirror *mirror, const struct gs_conversion *request,
                                 struct gs_arena *arena, struct gs_converted *out_converted,
                                 struct gs_error *err) GS_MUST_CHECK;

#endif
