// One push inside a batch, shared by the files push*.c.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_SYNC_PUSH_INTERNAL_H
#define GS_SYNC_PUSH_INTERNAL_H

#include "sync/ahead_internal.h"

// What the store says about the version to push; of a rollback, what it will say.
struct local_version {
    struct gs_app app;
    struct gs_version version;
    struct gs_git_link link;     // app_id is NULL when the app is not linked
    struct ready_document ready; // the document that is pushed in the end
};

// A document that the store must take over when the push has arrived: of a merge, or of a rollback.
struct takeover {
    bool wanted;
    struct gs_document_blob blob;
    const char *replaced_id;        // what the version held before
    const struct gs_version *added; // or the version that is not here yet
    bool has_draft, draft;          // what becomes of the version's state
};

// What one push did to the branch in the round at hand; started anew in every round. Strings live in the task's arena.
struct push_item {
    struct task *task;
    const char *git_app_id;
    const char *app_id, *version_id;
    struct gs_oid commit;    // none: the branch holds exactly this already
    const char *document_id; // what the branch holds of the app afterwards
    struct takeover takeover;
    const struct gs_file_change *files;
    size_t file_count;
    yyjson_mut_doc *answer; // complete but for the commit; NULL when the answer is settled already
    yyjson_mut_val *report; // in the answer: what is told of the push
    struct changed_document *changed; // of a conversion: documents that read otherwise now
    bool prepared;
    const char *name;          // that git has of the app afterwards; NULL: not known
    const char *renamed_from;  // that git had before, or NULL when it is the same
    const char *name_here;     // in whose place the app here gets git's name, or NULL
    struct push_item *modules; // that travel in the same commit
    size_t module_count;
    struct push_item *
        renames; // of apps that make way, in the same commit; version_id is NULL when none here was in step with git
    size_t rename_count;
};

struct push_batch {
    struct session *session;
    struct push_item *items;
    size_t count;
    bool one_by_one; // the host refused the whole batch; each push is tried alone
};

// One try of some of the items, by index.
struct round {
    struct push_batch *batch;
    size_t first, end; // the items that take part, by index
    bool look;         // ask the host for the head, whatever is expected
    // As of the last look:
    struct gs_git_advert advert;
    const char *ref;
    bool expected; // the head was not asked for; the push itself finds out
    struct gs_oid head, tip;
    struct gs_oid sent;   // the host may have it or not; none when that is known
    struct gs_error lost; // why that is so, or was the last time
    bool last;            // no more pushes: all that is left is to find out
};

// ---- push.c ----
// The phase of every pending item.
void gs_push_enter(struct round *round, enum phase phase);

// ---- push_head.c ----
// Sets ref, advert, head and tip, and has the mirror hold the head.
enum gs_status gs_push_find_head(struct round *round, struct gs_error *err) GS_MUST_CHECK;
// After the push was sent.
void gs_push_note_outcome(struct round *round, enum gs_push_outcome outcome);

// ---- push_round.c ----
// Builds the commits of every pending item on the tip. One that cannot be built ends with its error; on an expected head nothing is known for
// certain, so there it is the round's error and nobody ends.
enum gs_status gs_push_prepare_round(struct round *round, struct gs_error *err) GS_MUST_CHECK;
// The end of the items from first on that succeed or fail together; most are alone.
size_t gs_push_unit_end(const struct push_batch *batch, size_t first);
bool gs_push_is_pending(const struct push_item *item);
size_t gs_push_count_pending(const struct push_batch *batch, size_t first, size_t end);
void gs_push_fail_item(struct push_batch *batch, struct push_item *item, struct gs_error *err);

// ---- push_load.c ----
// local->link.app_id is NULL afterwards when there is no link.
enum gs_status gs_push_load_link(struct gs_tx *tx, struct task *task, struct local_version *local,
                                 struct gs_error *err) GS_MUST_CHECK;
// What the store has of the task's version. Release it.
enum gs_status gs_push_load_version(struct push_batch *batch, struct task *task,
                                    struct local_version *out_local,
                                    struct gs_error *err) GS_MUST_CHECK;
void gs_push_release_version(struct local_version *local);

// ---- push_item.c, push_record.c ----
// Builds the item's commit on top of *tip and moves *tip to it. Not GS_OK: *tip is as it was and err says why.
enum gs_status gs_push_prepare(struct push_batch *batch, struct push_item *item, struct gs_oid *tip,
                               struct gs_error *err) GS_MUST_CHECK;
void gs_push_item_reset(struct push_item *item);
// A step of it: the form in which git gives the version back.
enum gs_status gs_push_take_normal_form(struct push_batch *batch, struct push_item *item,
                                        const struct remote_app *remote,
                                        struct local_version *local,
                                        struct gs_error *err) GS_MUST_CHECK;
// Records in the store what the finished push means: the link, what is synced, the operation's end.
enum gs_status gs_push_record(struct push_batch *batch, struct push_item *item, struct gs_tx *tx,
                              struct gs_error *err) GS_MUST_CHECK;
// After a crash: the item's commit is on the host, and what its store has to take over is read from there.
enum gs_status gs_push_reload_takeover(struct push_batch *batch, struct push_item *item,
                                       const char *replaced_id, struct gs_error *err) GS_MUST_CHECK;

// ---- push_merge.c ----
// The document that the version here of git's version was last synced with, to compare with; NULL when there is none.
enum gs_status gs_push_find_base(struct gs_sync *sync, const struct local_version *local,
                                 const struct remote_app *remote, struct gs_arena *arena,
                                 const char **out_document_id, struct gs_error *err) GS_MUST_CHECK;
// Whether there is a base, and the same version on both sides.
bool gs_push_can_merge(const char *base_id, const struct remote_app *remote,
                       const struct local_version *local);
// Brings the document here and the one in git together; merge_conflict with details when that needs a decision. Release out_merged.
enum gs_status gs_push_merge_documents(struct session *session, const char *base_id,
                                       struct remote_app *remote, struct local_version *local,
                                       struct gs_buf *out_merged,
                                       struct gs_error *err) GS_MUST_CHECK;
// git holds a change that was not pulled: merge_conflict that says what to do, with details when a merge would have some.
enum gs_status gs_push_fail_behind(struct push_batch *batch, const struct push_item *item,
                                   struct remote_app *remote, struct local_version *local,
                                   struct gs_error *err);

// ---- push_name.c ----
// Decides which name the app has in git afterwards; of a merge it becomes the local one. Errors: merge_conflict, app_already_exists.
enum gs_status gs_push_settle_name(struct push_batch *batch, struct push_item *item,
                                   struct remote_app *remote, struct local_version *local,
                                   struct gs_error *err) GS_MUST_CHECK;
// app_already_exists when git has another name for the app, and a merge could not take it over.
enum gs_status gs_push_check_gits_name(struct push_batch *batch, const struct push_item *item,
                                       const struct remote_app *remote,
                                       const struct local_version *local,
                                       struct gs_error *err) GS_MUST_CHECK;
// Gives the app here git's name, if that was decided.
enum gs_status gs_push_record_name(struct push_item *item, struct gs_tx *tx,
                                   struct gs_error *err) GS_MUST_CHECK;
// Adds "gitAppName" and "renames"; after a crash they are known from there.
void gs_push_report_names(const struct push_item *item, yyjson_mut_doc *doc, yyjson_mut_val *obj);
void gs_push_restore_names(struct push_item *item, yyjson_val *report);

// ---- push_commit.c ----
// The layout that the push writes.
enum gs_layout gs_push_layout(const struct push_batch *batch, const struct remote_app *remote);
// Each of these makes a commit on *tip, moves *tip to it and notes the files. Of the app alone; of a rename of what git holds; of the app and
// all that travels with it.
enum gs_status gs_push_build_commit(struct push_batch *batch, struct push_item *item,
                                    const struct remote_app *remote, struct local_version *local,
                                    struct gs_oid *tip, struct gs_error *err) GS_MUST_CHECK;
enum gs_status gs_push_build_rename(struct push_batch *batch, struct push_item *item,
                                    const struct remote_app *remote, const char *name,
                                    struct gs_oid *tip, struct gs_error *err) GS_MUST_CHECK;
enum gs_status gs_push_commit_item(struct push_batch *batch, struct push_item *item,
                                   struct remote_app *remote, struct local_version *local,
                                   struct gs_oid *tip, struct gs_error *err) GS_MUST_CHECK;

// ---- push_along.c ----
// Whether an earlier item of the batch, or an app that makes way for it, is of the item's app and matches what is wanted.
typedef bool gs_push_matches(const struct push_item *made, const char *app_id, const char *wanted);
bool gs_push_made_before(const struct push_batch *batch, const struct push_item *item,
                         gs_push_matches *matches, const char *wanted);
// Adds the members of one that travels along with an item; after a crash it is known from there, its name from the member of that name.
void gs_push_report_along(const struct push_item *along, yyjson_mut_doc *doc, yyjson_mut_val *obj);
enum gs_status gs_push_restore_along(struct push_batch *batch, const struct push_item *item,
                                     yyjson_val *obj, const char *name, struct push_item *out_along,
                                     struct gs_error *err) GS_MUST_CHECK;

// ---- push_rename.c ----
// Moves the apps that hold the folder which the push needs out of the way, if they were renamed here, and, once it is there, to their new names.
// Both put commits on *tip.
enum gs_status gs_push_make_way(struct push_batch *batch, struct push_item *item,
                                const struct remote_app *remote, const struct local_version *local,
                                struct gs_oid *tip, struct gs_error *err) GS_MUST_CHECK;
enum gs_status gs_push_end_renames(struct push_batch *batch, struct push_item *item,
                                   struct gs_oid *tip, struct gs_error *err) GS_MUST_CHECK;
// Adds them to "renames"; after a crash they are known from there.
void gs_push_report_renames(const struct push_item *item, yyjson_mut_doc *doc, yyjson_mut_val *obj);
enum gs_status gs_push_restore_renames(struct push_batch *batch, struct push_item *item,
                                       yyjson_val *report, struct gs_error *err) GS_MUST_CHECK;

// ---- push_module.c ----
// Puts commits of the modules that the document shows on *tip, of those that are here and not in git. What is nowhere is told in the
// remote's problems.
enum gs_status gs_push_carry_modules(struct push_batch *batch, struct push_item *item,
                                     struct remote_app *remote, const struct gs_scan *scan,
                                     struct gs_oid *tip, struct gs_error *err) GS_MUST_CHECK;
// Adds "modules"; after a crash they are known from there.
void gs_push_report_modules(const struct push_item *item, yyjson_mut_doc *doc, yyjson_mut_val *obj);
enum gs_status gs_push_restore_modules(struct push_batch *batch, struct push_item *item,
                                       yyjson_val *report, struct gs_error *err) GS_MUST_CHECK;

// ---- push_tag.c ----
// The item's push is done and recorded: tags its version, if that is saved and wants a tag. Tells of it in the answer.
void gs_push_tag(struct round *round, struct push_item *item);

// ---- convert.c ----
// What gs_push_prepare and gs_push_record do, for the conversion of a whole branch; load finds out, by the item's commit, what the apps here take over.
enum gs_status gs_conversion_prepare(struct push_batch *batch, struct push_item *item,
                                     struct gs_oid *tip, struct gs_error *err) GS_MUST_CHECK;
enum gs_status gs_conversion_load(struct push_batch *batch, struct push_item *item,
                                  struct gs_error *err) GS_MUST_CHECK;
enum gs_status gs_conversion_record(struct push_batch *batch, struct push_item *item,
                                    struct gs_tx *tx, struct gs_error *err) GS_MUST_CHECK;
void gs_conversion_release(struct changed_document *changed);

// ---- push_answer.c ----
// Begins the answer of an item whose commit would stand on tip. restored is NULL unless it is a rollback.
struct restored;
enum gs_status gs_push_begin_answer(struct push_batch *batch, struct push_item *item,
                                    struct remote_app *remote, const struct gs_oid *tip,
                                    struct local_version *local, const struct restored *restored,
                                    struct gs_error *err) GS_MUST_CHECK;
// Completes it with the commit, now that it is known for good.
enum gs_status gs_push_end_answer(struct push_batch *batch, struct push_item *item,
                                  struct gs_error *err) GS_MUST_CHECK;

#endif
