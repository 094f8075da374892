// A document of the past that an app gets back, shared by rollback.c and the push of it.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_SYNC_ROLLBACK_INTERNAL_H
#define GS_SYNC_ROLLBACK_INTERNAL_H

#include "sync/sync_internal.h"

// What comes back, and which version takes it.
struct restored {
    struct gs_app app;
    struct gs_buf document;
    struct gs_document parsed;
    char document_id[GS_DOCUMENT_ID + 1];
    struct gs_version version;    // as it is; when it is new, as it will be
    bool is_new;                  // the app has no version of the document's version name
    bool draft;                   // what becomes of the version's state
    struct gs_buf before;         // what the version holds; empty when it is new
    struct comparison comparison; // from that
};
// Finds the task's commit or operation. Asks the host only for a commit that the mirror lacks. Errors: app_not_found, not_found, app_not_linked,
// commit_without_app, not_an_app, invalid_name.
enum gs_status gs_restored_load(struct session *session, struct task *task,
                                struct restored *out_restored, struct gs_error *err) GS_MUST_CHECK;
void gs_restored_release(struct restored *restored);
// Whether the version holds that document already.
bool gs_restored_is_here(const struct restored *restored);
void gs_restored_report(const struct restored *restored, const struct task *task,
                        yyjson_mut_doc *doc, yyjson_mut_val *root);

// A rollback without a push: changes the store and ends the task's answer.
enum gs_status gs_rollback_run(struct session *session, struct task *task,
                               struct gs_error *err) GS_MUST_CHECK;

#endif
