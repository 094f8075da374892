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
    struct gs_document parsed;
    struct gs_scan scan;
    const char *name, *version_id, *version_name, *slug; // in the task's arena; slug may be NULL
    bool draft;
};

enum pull_action {
    PULL_NOTHING, // git has nothing new for us
    PULL_ADD,     // a version of a name that is not here yet
    PULL_REPLACE, // only git changed
    PULL_MERGE,   // both sides changed
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
    yyjson_mut_doc *json;    // owner of changes
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

// Reads a snapshot and decides; release the plan whatever the status is.
enum gs_status gs_pull_plan(struct incoming *incoming, struct pull_plan *plan,
                            struct gs_error *err) GS_MUST_CHECK;
void gs_pull_plan_release(struct pull_plan *plan);
// Saves and releases the app's latest version inside the pull's transaction, and reports it in root.
enum gs_status gs_pull_promote(struct incoming *incoming, struct pull_plan *plan, struct gs_tx *tx,
                               yyjson_mut_val *root, struct gs_error *err) GS_MUST_CHECK;

// Creates the app that git holds. Ends the task's answer, in one transaction.
enum gs_status gs_pull_create(struct incoming *incoming, struct gs_error *err) GS_MUST_CHECK;
// Plans and applies a pull into the task's app, and releases it when the task is a promotion.
enum gs_status gs_pull_update(struct incoming *incoming, struct gs_error *err) GS_MUST_CHECK;
// Releases a version that is here already, without asking git.
enum gs_status gs_pull_release_version(struct session *session, struct task *task,
                                       struct gs_error *err) GS_MUST_CHECK;

#endif
