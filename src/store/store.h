// What the server keeps: organizations, apps, versions, documents, git configurations, links, releases, operations, recorded answers and tokens.
// Rows are plain data whose strings live in the caller's arena. Times are Unix milliseconds. Knows nothing of git or HTTP.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_STORE_STORE_H
#define GS_STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"

struct gs_store;
struct gs_tx; // a transaction: the only way to read or write

// Opens or makes folder/gitsync.db (SQLite: WAL, synchronous=FULL, foreign keys, STRICT tables) and brings it to the newest schema; a newer
// schema or a changed migration is refused. Another process that has it open is fine (busy waits 5 s). Errors: store_failed with path and reason.
enum gs_status gs_store_open(const char *folder, struct gs_store **out_store,
                             struct gs_error *err) GS_MUST_CHECK;
void gs_store_close(struct gs_store *store);
// For readiness: the database answers and can be written.
enum gs_status gs_store_check(struct gs_store *store, struct gs_error *err) GS_MUST_CHECK;

// A thread has at most one transaction at a time. Any thread may begin one; the one that did uses and ends it.
// A consistent snapshot, on one of several reading connections; never waits for the writer. Waits when 16 others read.
enum gs_status gs_tx_read(struct gs_store *store, struct gs_tx **out_tx,
                          struct gs_error *err) GS_MUST_CHECK;
// The one writer (BEGIN IMMEDIATE); waits for its turn. Keep it short: no network, no compression inside.
enum gs_status gs_tx_write(struct gs_store *store, struct gs_tx **out_tx,
                           struct gs_error *err) GS_MUST_CHECK;
// The same, but its commit becomes durable with the next one of gs_tx_write: it survives a killed process, not a power cut. For what can be
// found out again, because waiting for the disk costs more than the write. Through a handle of gs_store_hold it is gs_tx_write.
enum gs_status gs_tx_write_relaxed(struct gs_store *store, struct gs_tx **out_tx,
                                   struct gs_error *err) GS_MUST_CHECK;
// Durable (unless relaxed) when it returns GS_OK; *tx is NULL afterwards in any case.
enum gs_status gs_tx_commit(struct gs_tx **tx, struct gs_error *err) GS_MUST_CHECK;
// Rolls back what was not committed; NULL inside is fine; for GS_CLEANUP.
void gs_tx_end(struct gs_tx **tx);

// A second handle on the store for one use case on one thread. Through it gs_tx_commit makes nothing durable: it keeps the transaction
// open (and nobody else can write) until the caller has taken it, added what belongs to it, and committed that. What was committed so
// is not seen by gs_tx_read, but a next gs_tx_write goes on with it, and rolling that one back takes all back.
struct gs_store *gs_store_hold(struct gs_store *store);
// What was committed through the handle, for the caller to commit or end; NULL when nothing was.
struct gs_tx *gs_store_take_held(struct gs_store *hold);
// Rolls back what was not taken; NULL inside is fine; for GS_CLEANUP.
void gs_store_release_hold(struct gs_store **hold);

// Errors of every function below: store_failed and no_memory, after which the transaction can only be ended; get_* and
// find_*, and what changes or deletes one row, give GS_NOT_FOUND with code not_found (and no details) when there is no row, so
// that the caller says what is missing in its own words; so does adding what refers to a row that is not there. conflict where
// it is named: its message says which column. After not_found and conflict nothing is changed and the transaction goes on.

// ---- Organizations and their environments -----------------------------------
struct gs_organization {
    const char *id, *name;
    int64_t created_at;
};
// Also makes its environments development (1), staging (2) and production (3). conflict when the id or the name exists.
enum gs_status gs_store_add_organization(struct gs_tx *tx, const struct gs_organization *org,
                                         struct gs_error *err) GS_MUST_CHECK;
enum gs_status gs_store_get_organization(struct gs_tx *tx, const char *id, struct gs_arena *arena,
                                         struct gs_organization *out_org,
                                         struct gs_error *err) GS_MUST_CHECK;
// Oldest first.
enum gs_status gs_store_list_organizations(struct gs_tx *tx, struct gs_arena *arena,
                                           struct gs_organization **out_orgs, size_t *out_count,
                                           struct gs_error *err) GS_MUST_CHECK;
struct gs_environment {
    const char *id, *organization_id, *name;
    int priority; // 1 is where a version starts, the highest is production
};
// By priority, lowest first.
enum gs_status gs_store_list_environments(struct gs_tx *tx, const char *organization_id,
                                          struct gs_arena *arena, struct gs_environment **out_envs,
                                          size_t *out_count, struct gs_error *err) GS_MUST_CHECK;

// ---- Constants and secrets ----------------------------------------------------
// One of them in one environment.
struct gs_constant {
    const char *name;
    bool secret;
    const char *environment_id, *environment; // the second is its name, not needed to put one
    const char *value;                        // NULL of a secret, and only of one
};
// In the place of all that the organization has. conflict when one is there twice.
enum gs_status gs_store_put_constants(struct gs_tx *tx, const char *organization_id,
                                      const struct gs_constant *constants, size_t count,
                                      struct gs_error *err) GS_MUST_CHECK;
// Constants before secrets, by name, then by the environment's priority.
enum gs_status gs_store_list_constants(struct gs_tx *tx, const char *organization_id,
                                       struct gs_arena *arena, struct gs_constant **out_constants,
                                       size_t *out_count, struct gs_error *err) GS_MUST_CHECK;

// ---- Documents ----------------------------------------------------------------
enum { GS_DOCUMENT_ID = 64 };
// A document ready to be stored: its id (SHA-256 of the bytes, lower-case hex) and the bytes compressed as a zlib stream
// (RFC 1950). Made outside of transactions.
struct gs_document_blob {
    char id[GS_DOCUMENT_ID + 1];
    size_t size; // of the uncompressed bytes
    struct gs_buf packed;
    struct gs_buf summary; // what is kept with it for those who do not want to read it, or empty
};
enum gs_status gs_document_pack(struct gs_slice bytes, struct gs_document_blob *out_blob,
                                struct gs_error *err) GS_MUST_CHECK;
void gs_document_blob_release(struct gs_document_blob *blob);
// Stores it unless it is there already.
enum gs_status gs_store_put_document(struct gs_tx *tx, const struct gs_document_blob *blob,
                                     struct gs_error *err) GS_MUST_CHECK;
// Replaces the content of out with the exact bytes; checks them against the id (store_failed when damaged). too_large when
// they are more than out's maximum. out is empty on failure.
enum gs_status gs_store_get_document(struct gs_tx *tx, const char *id, struct gs_buf *out,
                                     struct gs_error *err) GS_MUST_CHECK;
// As it lies in the store, in the arena and not checked.
struct gs_stored_document {
    size_t size; // of the uncompressed bytes
    struct gs_slice
        stream; // the zlib stream; empty when an older server has stored it in another form
    struct gs_slice summary; // or empty
};
enum gs_status gs_store_get_packed_document(struct gs_tx *tx, const char *id,
                                            struct gs_arena *arena,
                                            struct gs_stored_document *out_document,
                                            struct gs_error *err) GS_MUST_CHECK;

// ---- Apps and versions ----------------------------------------------------------
struct gs_app {
    const char *id, *organization_id, *name, *slug;
    const char *current_version_id; // the released one, or NULL
    int64_t created_at, updated_at;
};
// conflict when the id, or the name within the organization, or the slug exists.
enum gs_status gs_store_add_app(struct gs_tx *tx, const struct gs_app *app,
                                struct gs_error *err) GS_MUST_CHECK;
enum gs_status gs_store_get_app(struct gs_tx *tx, const char *id, struct gs_arena *arena,
                                struct gs_app *out_app, struct gs_error *err) GS_MUST_CHECK;
enum gs_status gs_store_find_app_by_slug(struct gs_tx *tx, const char *slug, struct gs_arena *arena,
                                         struct gs_app *out_app,
                                         struct gs_error *err) GS_MUST_CHECK;
// Names are compared byte by byte.
enum gs_status gs_store_find_app_by_name(struct gs_tx *tx, const char *organization_id,
                                         const char *name, struct gs_arena *arena,
                                         struct gs_app *out_app,
                                         struct gs_error *err) GS_MUST_CHECK;
// Oldest first.
enum gs_status gs_store_list_apps(struct gs_tx *tx, const char *organization_id,
                                  struct gs_arena *arena, struct gs_app **out_apps,
                                  size_t *out_count, struct gs_error *err) GS_MUST_CHECK;
// conflict when the organization has another app of that name.
enum gs_status gs_store_rename_app(struct gs_tx *tx, const char *app_id, const char *name,
                                   int64_t now, struct gs_error *err) GS_MUST_CHECK;
// With versions, link, releases and documents that nobody else uses. Operations stay.
enum gs_status gs_store_delete_app(struct gs_tx *tx, const char *app_id,
                                   struct gs_error *err) GS_MUST_CHECK;

struct gs_version {
    const char *id, *app_id, *name;
    bool draft;
    const char *environment_id;     // where it was promoted to
    const char *document_id;        // the document as it is now
    const char *synced_document_id; // what git and we last agreed on (the base of a merge), or NULL
    int64_t created_at, updated_at;
};
// conflict when the id, or the name within the app, exists.
enum gs_status gs_store_add_version(struct gs_tx *tx, const struct gs_version *version,
                                    struct gs_error *err) GS_MUST_CHECK;
enum gs_status gs_store_get_version(struct gs_tx *tx, const char *app_id, const char *version_id,
                                    struct gs_arena *arena, struct gs_version *out_version,
                                    struct gs_error *err) GS_MUST_CHECK;
enum gs_status gs_store_find_version_by_name(struct gs_tx *tx, const char *app_id, const char *name,
                                             struct gs_arena *arena, struct gs_version *out_version,
                                             struct gs_error *err) GS_MUST_CHECK;
// Whether any app has a version with that id.
enum gs_status gs_store_version_id_exists(struct gs_tx *tx, const char *version_id,
                                          bool *out_exists, struct gs_error *err) GS_MUST_CHECK;
// The latest (by creation, then id) first.
enum gs_status gs_store_list_versions(struct gs_tx *tx, const char *app_id, struct gs_arena *arena,
                                      struct gs_version **out_versions, size_t *out_count,
                                      struct gs_error *err) GS_MUST_CHECK;
// Sets name, draft, environment_id, document_id, synced_document_id and updated_at of the row with version->id. A document_id that differs from the
// stored one puts the old one into the history (with operation_id, which may be NULL), so that nothing that was replaced is lost.
// A replaced synced document that nothing else uses is removed at commit: git has it. conflict as for adding.
enum gs_status gs_store_update_version(struct gs_tx *tx, const struct gs_version *version,
                                       const char *operation_id,
                                       struct gs_error *err) GS_MUST_CHECK;

struct gs_document_change {
    const char *version_id, *document_id; // what was replaced
    const char *operation_id;             // by which operation, or NULL
    int64_t replaced_at;
};
// Newest first, at most limit.
enum gs_status gs_store_list_document_changes(struct gs_tx *tx, const char *app_id, size_t limit,
                                              struct gs_arena *arena,
                                              struct gs_document_change **out_changes,
                                              size_t *out_count,
                                              struct gs_error *err) GS_MUST_CHECK;

// The first thing of the app that an operation replaced; not_found when it replaced nothing.
enum gs_status gs_store_find_document_change(struct gs_tx *tx, const char *app_id,
                                             const char *operation_id, struct gs_arena *arena,
                                             struct gs_document_change *out_change,
                                             struct gs_error *err) GS_MUST_CHECK;

struct gs_release {
    const char *id, *app_id, *version_id, *environment_id;
    const char *document_id;         // what was released
    const char *previous_version_id; // or NULL
    const char *commit;              // or NULL
    const char *operation_id;        // or NULL
    int64_t created_at;
};
// Makes version the released one of the app (whose updated_at becomes created_at) and records the release.
enum gs_status gs_store_add_release(struct gs_tx *tx, const struct gs_release *release,
                                    struct gs_error *err) GS_MUST_CHECK;
// Newest first, at most limit.
enum gs_status gs_store_list_releases(struct gs_tx *tx, const char *app_id, size_t limit,
                                      struct gs_arena *arena, struct gs_release **out_releases,
                                      size_t *out_count, struct gs_error *err) GS_MUST_CHECK;

enum gs_status gs_store_get_release(struct gs_tx *tx, const char *app_id, const char *release_id,
                                    struct gs_arena *arena, struct gs_release *out_release,
                                    struct gs_error *err) GS_MUST_CHECK;

// ---- Git ------------------------------------------------------------------------
struct gs_git_config {
    const char *organization_id, *git_url, *branch;
    const char *github_app_id, *github_installation_id;
    const char *api_url;                             // the one in use
    const char *enterprise_url, *enterprise_api_url; // as given, or NULL
    struct gs_slice sealed_key;                      // opaque
    const char *key_fingerprint;
    const char *layout; // "single-file" or "per-entity"
    const char *author_name, *author_email;
    bool enabled;
    bool allow_secrets; // documents that hold some are pushed all the same
    bool tag;           // saved versions get a tag
    int64_t created_at, updated_at;
};
// Adds or replaces (created_at stays).
enum gs_status gs_store_put_git_config(struct gs_tx *tx, const struct gs_git_config *config,
                                       struct gs_error *err) GS_MUST_CHECK;
enum gs_status gs_store_get_git_config(struct gs_tx *tx, const char *organization_id,
                                       struct gs_arena *arena, struct gs_git_config *out_config,
                                       struct gs_error *err) GS_MUST_CHECK;
enum gs_status gs_store_delete_git_config(struct gs_tx *tx, const char *organization_id,
                                          struct gs_error *err) GS_MUST_CHECK;

// The tag of a saved version.
struct gs_version_tag {
    const char *version_id;
    const char *commit; // that it is at in git; NULL: it is wanted and not there yet
};
// Adds or replaces. not_found when there is no such version.
enum gs_status gs_store_put_tag(struct gs_tx *tx, const struct gs_version_tag *tag,
                                struct gs_error *err) GS_MUST_CHECK;
enum gs_status gs_store_get_tag(struct gs_tx *tx, const char *version_id, struct gs_arena *arena,
                                struct gs_version_tag *out_tag, struct gs_error *err) GS_MUST_CHECK;

// Which app of a repository an app here is.
struct gs_git_link {
    const char *app_id, *organization_id, *git_app_id;
    const char *git_url, *branch;
    const char *commit; // the last one synced
    int64_t synced_at;
    const char *name; // what git called the app then; NULL: not known
};
// Adds or replaces. conflict when another app of the organization is linked to git_app_id.
enum gs_status gs_store_put_link(struct gs_tx *tx, const struct gs_git_link *link,
                                 struct gs_error *err) GS_MUST_CHECK;
enum gs_status gs_store_get_link(struct gs_tx *tx, const char *app_id, struct gs_arena *arena,
                                 struct gs_git_link *out_link, struct gs_error *err) GS_MUST_CHECK;
enum gs_status gs_store_find_link(struct gs_tx *tx, const char *organization_id,
                                  const char *git_app_id, struct gs_arena *arena,
                                  struct gs_git_link *out_link, struct gs_error *err) GS_MUST_CHECK;

// ---- Operations -------------------------------------------------------------------
enum gs_operation_state {
    GS_OP_QUEUED,
    GS_OP_RUNNING,
    GS_OP_COMMITTED, // its commit is in the mirror and about to be, or already, on the host
    GS_OP_DONE,
    GS_OP_FAILED,
    GS_OP_CANCELLED,
};
struct gs_operation {
    const char *id;
    const char *kind; // "push", "create", "pull", "promote"
    enum gs_operation_state state;
    const char *organization_id;            // or NULL
    const char *app_id, *version_id;        // or NULL
    const char *request;                    // JSON: all that is needed to run it again
    const char *commit;                     // or NULL
    const char *result;                     // JSON of the response, or NULL
    const char *error_code, *error_message; // or NULL
    const char *error_details;              // JSON array, or NULL
    int http_status;                        // of the response, 0 before the end
    int progress;                           // 0 to 100
    const char *phase;                      // "fetching", …, or NULL
    int64_t created_at, updated_at;
    int64_t resumed; // starts that took it up again
};
enum gs_status gs_store_add_operation(struct gs_tx *tx, const struct gs_operation *op,
                                      struct gs_error *err) GS_MUST_CHECK;
// Sets everything but id, kind, request, created_at and resumed.
enum gs_status gs_store_update_operation(struct gs_tx *tx, const struct gs_operation *op,
                                         struct gs_error *err) GS_MUST_CHECK;
// Counts one more start for each that is open and was not committed.
enum gs_status gs_store_count_resumed(struct gs_tx *tx, struct gs_error *err) GS_MUST_CHECK;
enum gs_status gs_store_get_operation(struct gs_tx *tx, const char *id, struct gs_arena *arena,
                                      struct gs_operation *out_op,
                                      struct gs_error *err) GS_MUST_CHECK;
struct gs_operation_filter {
    const char *organization_id, *app_id; // NULL: any
    bool open_only;                       // queued, running or committed
    const enum gs_operation_state *state; // NULL: any
    const char *before_id;                // only those older than this operation, or NULL
    size_t limit;
};
// Newest first (ids are UUIDv7, their order is their age).
enum gs_status gs_store_list_operations(struct gs_tx *tx, const struct gs_operation_filter *filter,
                                        struct gs_arena *arena, struct gs_operation **out_ops,
                                        size_t *out_count, struct gs_error *err) GS_MUST_CHECK;
const char *gs_operation_state_text(enum gs_operation_state state);
bool gs_operation_state_from_text(const char *text, enum gs_operation_state *out_state);

// ---- Recorded answers ---------------------------------------------------------------
// What a call that carried an Idempotency-Key was told.
struct gs_recorded_answer {
    const char *scope;        // who called what, as a hash
    const char *key;          // the caller's own
    const char *request;      // a hash of what was sent
    const char *request_id;   // of the call that was carried out
    const char *operation_id; // or NULL
    int status;               // of HTTP; 0: the answer is what became of the operation
    int64_t created_at, expires_at;
};
// Adds it or takes the place of the one with the same scope and key. body is packed as a document is; NULL when there is none.
// Removes some of those that had expired by created_at.
enum gs_status gs_store_put_answer(struct gs_tx *tx, const struct gs_recorded_answer *answer,
                                   const struct gs_document_blob *body,
                                   struct gs_error *err) GS_MUST_CHECK;
// One that has not expired by now. Replaces the content of out_body.
enum gs_status gs_store_get_answer(struct gs_tx *tx, const char *scope, const char *key,
                                   int64_t now, struct gs_arena *arena,
                                   struct gs_recorded_answer *out_answer, struct gs_buf *out_body,
                                   struct gs_error *err) GS_MUST_CHECK;

// ---- What need not be kept for ever ----------------------------------------------------
struct gs_retention {
    int64_t now; // recorded answers that have expired by then go
    // Those that ended before go, but for those that a recorded answer names; and what was replaced before and by no
    // operation that stays. 0: none.
    int64_t operations_before;
    // Those made before go, but for the newest one of each app. 0: none.
    int64_t releases_before;
};
// One step: removes a bounded number of rows, the oldest first, and the documents that nothing uses any more. *out_some: whether it
// removed any, so that another step may.
enum gs_status gs_store_forget(struct gs_tx *tx, const struct gs_retention *retention,
                               bool *out_some, struct gs_error *err) GS_MUST_CHECK;

// ---- Access tokens ----------------------------------------------------------------
struct gs_token {
    const char *sha256; // lower-case hex of the SHA-256; the token itself is never stored
    const char *name;
    int64_t created_at;
};
// Adds it unless it is there already. conflict when another token has that name.
enum gs_status gs_store_add_token(struct gs_tx *tx, const struct gs_token *token,
                                  struct gs_error *err) GS_MUST_CHECK;
// Removes the token of that name, if there is one.
enum gs_status gs_store_delete_token(struct gs_tx *tx, const char *name,
                                     struct gs_error *err) GS_MUST_CHECK;
enum gs_status gs_store_list_tokens(struct gs_tx *tx, struct gs_arena *arena,
                                    struct gs_token **out_tokens, size_t *out_count,
                                    struct gs_error *err) GS_MUST_CHECK;

// ---- Settings of the installation --------------------------------------------------
enum gs_status gs_store_get_setting(struct gs_tx *tx, const char *name, struct gs_arena *arena,
                                    const char **out_value, struct gs_error *err) GS_MUST_CHECK;
enum gs_status gs_store_put_setting(struct gs_tx *tx, const char *name, const char *value,
                                    struct gs_error *err) GS_MUST_CHECK;

#endif
