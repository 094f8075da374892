// Apps, versions and releases as people use them: import, export, edit, save, release. Works on the store alone, and of git knows only what a
// file's id is; nothing of hosts or HTTP.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_WORKSPACE_WORKSPACE_H
#define GS_WORKSPACE_WORKSPACE_H

#include "app/app.h"
#include "base/arena.h"
#include "base/error.h"
#include "store/store.h"

// An app with all its versions, latest first; rows live in the arena that was given.
struct gs_app_view {
    struct gs_app app;
    struct gs_version *versions;
    size_t version_count;
};

// A document that is about to be stored, with its summary (app/summary.h). Errors: those of gs_document_pack.
enum gs_status gs_workspace_pack(struct gs_slice bytes, struct gs_document_blob *out_blob,
                                 struct gs_error *err) GS_MUST_CHECK;

// app_not_found when there is none.
enum gs_status gs_workspace_get_app(struct gs_tx *tx, const char *app_id, struct gs_arena *arena,
                                    struct gs_app_view *out_view,
                                    struct gs_error *err) GS_MUST_CHECK;
// unknown_organization when there is none.
enum gs_status gs_workspace_check_organization(struct gs_tx *tx, const char *organization_id,
                                               struct gs_arena *arena,
                                               struct gs_error *err) GS_MUST_CHECK;
// The environment a version starts in (lowest priority), or where a release goes (highest).
enum gs_status gs_workspace_environment(struct gs_tx *tx, const char *organization_id,
                                        bool production, struct gs_arena *arena,
                                        struct gs_environment *out_env,
                                        struct gs_error *err) GS_MUST_CHECK;

// A new app's row. wanted_id and slug may be NULL; each is kept when it is free on this server, else replaced. The name must be free in the organization
// (app_already_exists).
enum gs_status gs_workspace_add_app(struct gs_tx *tx, const char *organization_id,
                                    const char *wanted_id, const char *name, const char *slug,
                                    struct gs_arena *arena, struct gs_app *out_app,
                                    struct gs_error *err) GS_MUST_CHECK;
// Gives an app another name; its id, its documents and its link stay, and git hears of it with the next push. *view is the app afterwards.
// Errors: app_not_found, invalid_name, app_already_exists when another app of the organization has the name.
enum gs_status gs_workspace_rename_app(struct gs_tx *tx, const char *app_id, const char *name,
                                       struct gs_arena *arena, struct gs_app_view *out_view,
                                       struct gs_error *err) GS_MUST_CHECK;
// A new version's row in the lowest environment; wanted_id is kept when it is free. The document must be in the store.
struct gs_new_version {
    const struct gs_app *app;
    const char *wanted_id; // or NULL
    const char *name;
    bool draft;
    const char *document_id;
    bool synced;        // git has this document
    int64_t created_at; // the latest is the one that promote releases
};
enum gs_status gs_workspace_add_version(struct gs_tx *tx, const struct gs_new_version *new_version,
                                        struct gs_arena *arena, struct gs_version *out_version,
                                        struct gs_error *err) GS_MUST_CHECK;

// Imports what ToolJet's export gives into an organization: one app, each version a document of its own. app_name may be NULL.
// Errors: unknown_organization, app_exists, invalid_name, not_an_app.
enum gs_status gs_workspace_import(struct gs_store *store, const char *organization_id,
                                   yyjson_val *export, const char *app_name, struct gs_arena *arena,
                                   struct gs_app_view *out_view,
                                   struct gs_error *err) GS_MUST_CHECK;

struct gs_export_choice {
    const char *version; // its name or id; NULL: see all
    bool all;            // every version; else the one named by version, else the latest
};
// The stored bytes of one version, or all versions joined into one export. Errors: app_not_found, unknown_version.
enum gs_status gs_workspace_export(struct gs_store *store, const char *organization_id,
                                   const char *app_id, const struct gs_export_choice *choice,
                                   struct gs_buf *out, struct gs_error *err) GS_MUST_CHECK;

// Puts a new document into a draft. Errors: app_not_found, unknown_version, already_saved, not_an_app, invalid_name (the document's version name is taken by another version).
enum gs_status gs_workspace_put_document(struct gs_store *store, const char *app_id,
                                         const char *version_id, yyjson_val *document,
                                         struct gs_arena *arena, struct gs_version *out_version,
                                         struct gs_error *err) GS_MUST_CHECK;

// Whether saved versions of the app's organization get a tag in git. false for an app that is not there.
enum gs_status gs_workspace_tags_versions(struct gs_store *store, const char *app_id,
                                          bool *out_tags, struct gs_error *err) GS_MUST_CHECK;
// Saves the latest version, under a new name when name is not NULL. *out_tag: its organization tags saved versions, and the tag of this one is
// noted as wanted. A saved one whose tag is still wanted may be saved again, which changes nothing.
// Errors: app_not_found, already_saved, version_name_invalid, conflict (name taken).
enum gs_status gs_workspace_save(struct gs_store *store, const char *app_id, const char *name,
                                 struct gs_arena *arena, struct gs_version *out_version,
                                 bool *out_tag, struct gs_error *err) GS_MUST_CHECK;
// The document of a version in its saved form, ready to be stored; equal to what is stored when it already says so.
enum gs_status gs_workspace_saved_document(struct gs_tx *tx, const char *document_id,
                                           const char *name, struct gs_document_blob *out_blob,
                                           struct gs_error *err) GS_MUST_CHECK;

// Moves a version to production and makes it the released one. version is updated in the store as given (name, draft, documents), with its new environment.
struct gs_release_input {
    const struct gs_app *app;
    struct gs_version *version;
    const char *commit, *operation_id; // or NULL
};
enum gs_status gs_workspace_release(struct gs_tx *tx, const struct gs_release_input *input,
                                    struct gs_arena *arena, struct gs_environment *out_env,
                                    struct gs_error *err) GS_MUST_CHECK;

#endif
