// One pull, creation or promotion inside a batch, shared by pull.c and pull_apply.c.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_SYNC_PULL_INTERNAL_H
#define GS_SYNC_PULL_INTERNAL_H

#include "app/scan.h"
#include "sync/sync_internal.h"

enum { PULL_ATTEMPTS = 3 };

// What git holds of the app at the commit that was asked for, checked and ready to be stored.
struct incoming {
    struct task *task;
    struct session *session;
    struct resolved resolved;
    struct remote_app remote; // remote.entry is set
    bool checked;             // the document was loaded and is one; else there is no parsed
    struct gs_document parsed;
    struct gs_scan scan;
    const char *name, *version_id, *version_name, *slug; // in the task's arena; slug may be NULL
    bool draft;
    struct module *modules; // that it shows, in the task's arena
    size_t module_count;
};

enum pull_action {
    PULL_NOTHING, // git has nothing new for us
    PULL_ADD,     // a version of a name that is not here yet
    PULL_REPLACE, // only git changed
    PULL_MERGE,   // both sides changed
};

// An app that a pull gives the name that it has in git.
struct pull_rename {
    struct pull_rename *next;
    const char *app_id, *from, *to;
    bool done; // by another app of the same transaction
};

// What a pull is going to do, made from a snapshot of the store and applied only if that still holds.
struct pull_plan {
    enum pull_action action;
    struct gs_app_view view;
    struct gs_version version;    // as it was; unused for PULL_ADD
    struct gs_document_blob blob; // what the version holds afterwards
    bool has_blob;                // not for PULL_NOTHING
    struct gs_document_blob
        theirs; // git's document, where the store does not get it as the version's own
    bool has_theirs;
    const char *synced_name; // what git called the app when it was last synced, or NULL
    struct pull_rename
        *renames;         // the app first, then those that are in its way; NULL: it keeps its name
    yyjson_mut_doc *json; // owner of changes
    yyjson_mut_val *changes; // {"added":…}
};

// The parts of pull_apply.c and release.c that others need: the link to the commit, the app's members in an answer, and the end of the task (the answer, the
// operation and everything before it become durable; *tx is NULL afterwards).
enum gs_status gs_pull_put_link(struct incoming *incoming, const struct gs_app *app,
                                struct gs_tx *tx, struct gs_error *err) GS_MUST_CHECK;
void gs_report_app(const struct gs_app *app, const char *current_version_id, yyjson_mut_doc *doc,
                   yyjson_mut_val *root);
enum gs_status gs_pull_end(struct task *task, struct gs_tx **tx, yyjson_mut_doc *doc,
                           struct gs_error *err) GS_MUST_CHECK;

// Loads the document and checks it, unless that was done.
enum gs_status gs_incoming_load(struct incoming *incoming, struct gs_error *err) GS_MUST_CHECK;
// Reads a snapshot and decides; release the plan whatever the status is.
enum gs_status gs_pull_plan(struct incoming *incoming, struct pull_plan *plan,
                            struct gs_error *err) GS_MUST_CHECK;
void gs_pull_plan_release(struct pull_plan *plan);
// Saves and releases the app's latest version inside the pull's transaction, and reports it in root.
enum gs_status gs_pull_promote(struct incoming *incoming, struct pull_plan *plan, struct gs_tx *tx,
                               yyjson_mut_val *root, struct gs_error *err) GS_MUST_CHECK;

// ---- pull_names.c ----
// Decides what becomes of the app's name. Errors: merge_conflict, app_already_exists.
enum gs_status gs_pull_plan_names(struct incoming *incoming, struct pull_plan *plan,
                                  struct gs_tx *tx, struct gs_error *err) GS_MUST_CHECK;
void gs_pull_add_names(const struct pull_plan *plan, struct plan_facts *facts);
// conflict when the names here are not as the plan saw them any more.
enum gs_status gs_pull_apply_names(struct incoming *incoming, struct pull_plan *plan,
                                   struct gs_tx *tx, struct gs_error *err) GS_MUST_CHECK;
void gs_pull_report_names(const struct incoming *incoming, const struct pull_plan *plan,
                          yyjson_mut_doc *doc, yyjson_mut_val *root);

// What the commit holds of an app, once it is read: fit to be stored.
enum gs_status gs_pull_check_incoming(struct incoming *incoming,
                                      struct gs_error *err) GS_MUST_CHECK;
// The rows of a new app with its link, and of a planned pull into one that is here, in somebody's transaction. conflict when the store is not
// as the plan saw it any more.
enum gs_status gs_pull_add_rows(struct incoming *incoming, const struct gs_document_blob *blob,
                                struct gs_tx *tx, struct gs_app *out_app,
                                struct gs_version *out_version, struct gs_error *err) GS_MUST_CHECK;
enum gs_status gs_pull_apply_rows(struct incoming *incoming, struct pull_plan *plan,
                                  struct gs_tx *tx, struct gs_error *err) GS_MUST_CHECK;
// "updated", "merged" or "up_to_date".
const char *gs_pull_status(const struct pull_plan *plan);

// ---- modules.c: in this order; what is not worth failing for is told in incoming->remote.problems ----
// Reads the modules that the app shows from its commit. Release them whatever the status is.
enum gs_status gs_modules_read(struct incoming *incoming, struct gs_error *err) GS_MUST_CHECK;
void gs_modules_release(struct incoming *incoming);
// Decides what becomes of each; may be done again.
enum gs_status gs_modules_plan(struct incoming *incoming, struct gs_error *err) GS_MUST_CHECK;
void gs_modules_add_facts(const struct incoming *incoming, struct plan_facts *facts);
enum gs_status gs_modules_apply(struct incoming *incoming, struct gs_tx *tx,
                                struct gs_error *err) GS_MUST_CHECK;
// Adds "modules": [{appId,name,gitAppId,status,version}].
void gs_modules_report(const struct incoming *incoming, yyjson_mut_doc *doc, yyjson_mut_val *root);

// Creates the app that git holds. Ends the task's answer, in one transaction.
enum gs_status gs_pull_create(struct incoming *incoming, struct gs_error *err) GS_MUST_CHECK;
// Plans and applies a pull into the task's app, and releases it when the task is a promotion.
enum gs_status gs_pull_update(struct incoming *incoming, struct gs_error *err) GS_MUST_CHECK;
// Releases a version that is here already, without asking git.
enum gs_status gs_pull_release_version(struct session *session, struct task *task,
                                       struct gs_error *err) GS_MUST_CHECK;

#endif
