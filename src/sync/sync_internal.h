// What the files of this folder share: tasks, repositories with their queues, and the session of one batch.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_SYNC_SYNC_INTERNAL_H
#define GS_SYNC_SYNC_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/map.h"
#include "base/pool.h"
#include "git/git.h"
#include "layout/layout.h"
#include "sync/mirrors.h"
#include "sync/sync.h"
#include "workspace/workspace.h"
#include "json/json.h"

// A mirror is looked at for packing after so many tasks.
enum { UNPACKED_TASKS = 100 };
enum { PUSH_ATTEMPTS = 5, MESSAGE_MAX_BYTES = 65536, RESULT_MAX_BYTES = 64 << 20 };

// What an operation is doing, in the order of a call's way.
enum phase {
    PHASE_QUEUED,
    PHASE_CONNECTING,
    PHASE_FETCHING,
    PHASE_MERGING,
    PHASE_COMMITTING,
    PHASE_PUSHING,
    PHASE_RECORDING,
    PHASE_SETTLING, // open although its caller was told a failure
};

// One call on its way. Everything it points to lives in its arena.
struct task {
    struct task *next;
    struct repository *repo; // whose queue it was given to, or NULL
    // Of a task with an operation, guarded by sync->lock.
    struct {
        bool started, sealed, cancelled;
        enum phase phase;
        int progress;
        int64_t updated_at;
    } live;
    struct gs_arena *arena;
    struct gs_sync_request request;
    const char *organization_id; // whose git configuration it uses
    const char *git_url;         // the repository that it was accepted for; NULL: not known
    struct gs_operation op;      // as last stored; op.id is NULL when it is not recorded
    bool settling;               // op.commit may already be on the host
    bool ask_only;               // of settling: when it is not there, that is the end of it
    int64_t deadline_ms;         // of its exchanges with the host; 0 until the first one
    bool put_off;                // it is not ended, but tried again at again_ms
    int64_t again_ms;
    unsigned tries;      // of settling
    struct group *group; // of a call for several apps, or NULL
    gs_sync_done *done;  // NULL when nobody waits for it; guarded by sync->lock once it is queued
    void *arg;
    bool detached;       // nobody ever waited for it
    bool recorded;       // what request.record asks for is in the store
    struct ahead *ahead; // of a push: what was made ready for it, or NULL
    bool left_open;      // it failed, but another task finds out whether it arrived
    struct gs_buf json;  // the answer, unless err is set
    struct gs_error err;
    bool ended;
};

enum turn {
    TURN_NONE,     // nothing to do, or nothing that anybody knows of yet
    TURN_PARKED,   // not before a certain time
    TURN_LINED_UP, // as soon as there is a worker
    TURN_RUNNING,  // somebody owns it
};

// What is expected of the branch that was pushed to last; where it is, the mirror tells.
struct expected_branch {
    char *ref;                 // "refs/heads/main"; NULL before the first push
    struct gs_git_advert able; // what the host said it can do
    int64_t seen_ms;
    bool undisturbed; // it was last found where this server had left it
};

// A repository on a host: its mirror and those who wait for it. Whoever runs it owns what is not guarded by sync->lock.
struct repository {
    struct gs_sync *sync;
    char name[GS_MIRROR_NAME + 1]; // of the mirror's folder; the key of the map
    char *folder;
    struct gs_mirror *mirror; // NULL until first used
    // Of the configuration that was used last; opening a key takes milliseconds.
    struct gs_rsa_key *app_key;
    char *key_owner;        // its organization
    int64_t key_updated_at; // and which state of its configuration
    struct expected_branch expected;
    // Guarded by sync->lock:
    struct task *first, *last;
    struct task *unsettled; // pushes that were told as failed but may have arrived
    int64_t not_before_ms;  // for the tasks
    int64_t settle_at_ms;   // for the unsettled ones
    bool single_files;      // its documents were files by themselves when it was last looked at
    enum turn turn;
    struct lane *lane;
    struct repository *next; // in the lane, or among the parked
    int64_t parked_until_ms;
    size_t unpacked; // tasks since the mirror was last looked at for packing
    int64_t used_ms; // the end of its last turn
    bool is_open;    // among those that have their mirror open
    struct repository *used_before, *used_after; // there
};

// What looks after the mirrors. Guarded by sync->lock but for the weights.
struct upkeep {
    pthread_t thread;
    pthread_cond_t wake, left; // count by the monotonic clock
    bool running, stopping;
    struct collection *asked; // by callers that wait
    size_t mirrors;           // on disk, at the last pass
    uint64_t bytes;           // of them
    const char *packing;      // the name of the mirror that is packed, or NULL
    bool inside;              // its files are moved and removed
    bool spoiled;             // somebody threw it away meanwhile
    // Repositories whose mirror is open, by their last use.
    struct repository *longest_unused, *just_used;
    size_t open;
    struct gs_map weights; // the thread's own: what each mirror weighed when it was looked at
};

struct gs_sync {
    struct gs_sync_options options;
    char *folder;
    struct gs_pool *pool; // of the repositories' workers
    struct known_documents *known;
    atomic_size_t ahead_bytes;  // that what was made ready for waiting pushes holds
    pthread_mutex_t lock;       // guards what follows
    struct gs_map repositories; // by key
    size_t waiting;             // tasks in all queues
    struct gs_map live;         // tasks with an operation, by its id
    void (*listener)(void *arg);
    void *listener_arg;
    struct gs_map lanes; // by origin
    struct lane *first_ready, *last_ready;
    size_t running; // repositories
    struct repository *parked;
    pthread_cond_t wake; // of the watcher; counts by the monotonic clock
    pthread_t watcher;
    bool watching, stopping;
    struct upkeep upkeep;
};

// One batch at work: who asks, with which credentials, on which mirror. Lives in its own arena.
struct session {
    struct gs_sync *sync;
    struct repository *repo;
    struct gs_arena *arena;
    struct gs_git_config config;
    const struct gs_rsa_key *key;
    struct gs_rsa_key *own_key; // when the key is not the repository's
    struct gs_host_account account;
    int64_t deadline_ms;         // of all exchanges
    struct gs_git_remote remote; // with the token as password
    const char *ref_field;       // what names a ref in the request, told when there is no such ref
    bool repaired;               // the mirror was made anew
    bool has_upload_advert;
    struct gs_git_advert upload_advert;
    bool has_catalog; // of the commit that was read last
    struct gs_oid catalog_commit;
    struct gs_catalog catalog;
};

// ---- queue.c: tasks and who runs them ----
struct task *gs_task_new(void);
// Ends a task: fills in nothing, tells whoever waits, frees it.
void gs_task_finish(struct task *task);
// Takes the task and those that hang on it, or gives overloaded and leaves them.
enum gs_status gs_sync_enqueue(struct gs_sync *sync, const char *git_url, struct task *task,
                               struct gs_error *err) GS_MUST_CHECK;
// The same for one that was accepted before the limit was, or after many others: it is not refused any more.
void gs_sync_enqueue_accepted(struct gs_sync *sync, const char *git_url, struct task *task);

// Whether documents were files by themselves in the repository when it was last looked at; false for one that was never.
bool gs_repository_has_single_files(struct gs_sync *sync, const char *git_url);
// Ends those of the list that have not ended.
void gs_tasks_fail(struct gs_sync *sync, struct task *tasks, const struct gs_error *err);
// What a worker does for a repository in one turn.
void gs_repository_run(void *repo);

// Out of the map, and idle.
void gs_repository_free(struct repository *repo);

// The folder of the mirror of a repository.
const char *gs_sync_mirror_folder(const struct gs_sync *sync, const char *git_url,
                                  struct gs_arena *arena);

// ---- schedule.c: when a repository gets a worker; all but start and stop with sync->lock held ----
enum gs_status gs_schedule_start(struct gs_sync *sync, struct gs_error *err) GS_MUST_CHECK;
// Ends all waiting for a time: what is parked runs at once, and nothing is parked any more.
void gs_schedule_stop(struct gs_sync *sync);
// Makes it one of its host's, and takes it out again.
void gs_schedule_join(struct repository *repo, const char *git_url);
void gs_schedule_leave(struct repository *repo);
// After something was given to it, or its times have changed.
void gs_schedule(struct repository *repo);
// At the end of a turn.
void gs_schedule_end(struct repository *repo);
// Owns an idle one outside of any turn, until it is returned; false when it is not idle.
bool gs_schedule_borrow(struct repository *repo);
void gs_schedule_return(struct repository *repo);

// ---- upkeep.c: the mirrors stay few, small, and closed when nobody needs them ----
enum gs_status gs_upkeep_start(struct gs_sync *sync, struct gs_error *err) GS_MUST_CHECK;
void gs_upkeep_stop(struct gs_sync *sync);
// With sync->lock held, by the owner at the end of its turn.
void gs_upkeep_note(struct repository *repo);
// With sync->lock held, which is let go meanwhile: closes those that were not used for longest.
void gs_upkeep_close_surplus(struct gs_sync *sync);
// Before the owner tidies the folder, or throws it away: waits while a pack is moved into it.
void gs_upkeep_stand_aside(struct repository *repo, bool discarding);
// On the thread: whether it is to end.
bool gs_upkeep_is_stopping(struct gs_sync *sync);

// ---- room.c: what they weigh, and which have to go; on the thread ----
struct tally {
    size_t packed, removed; // mirrors
    uint64_t freed;         // bytes
};
// Packs what wants it (all: whatever can be packed), then removes what is too much.
void gs_room_check(struct gs_sync *sync, bool all, struct tally *tally);
void gs_room_release(struct gs_sync *sync);

// ---- collect.c ----
// Fills the map with the URLs of all configurations by the names of their mirrors; all of it lives in the arena.
enum gs_status gs_mirrors_map_urls(struct gs_sync *sync, struct gs_arena *arena,
                                   struct gs_map *urls, struct gs_error *err) GS_MUST_CHECK;

// ---- postpone.c: tasks that are tried again later instead of being ended ----
bool gs_sync_is_stopping(struct gs_sync *sync);
// Whether the task, which this error would end, runs again later: it has ended for this batch then. Else it is as it was.
bool gs_task_postpone(struct gs_sync *sync, struct task *task, const struct gs_error *err);
// With sync->lock held: puts the postponed tasks of a batch back, and gives the rest.
struct task *gs_tasks_put_back(struct repository *repo, struct task *batch);
// With sync->lock held: brings what is unsettled and due to the front of the queue.
void gs_repository_wake_unsettled(struct repository *repo);
// The push was sent and nobody knows what came of it: its caller is told, and the host is asked until it answers.
void gs_task_leave_open(struct session *session, struct task *task, struct gs_error *err);

// ---- recover.c ----
// A task for a push that is recorded as committed: the host will be asked whether it arrived.
enum gs_status gs_task_restore(const struct gs_operation *op, struct task **out_task,
                               struct gs_error *err) GS_MUST_CHECK;

// ---- submit.c ----
// Copies the request into the task's arena.
void gs_task_copy_request(struct task *task, const struct gs_sync_request *from);
// What a push has to say.
enum gs_status gs_request_check_message(const struct gs_sync_request *request,
                                        struct gs_error *err) GS_MUST_CHECK;
// The repository of an organization; git_not_configured when there is none, or it is switched off.
enum gs_status gs_stored_git_url(struct gs_tx *tx, const char *organization_id,
                                 struct gs_arena *arena, const char **out_url,
                                 struct gs_error *err) GS_MUST_CHECK;

// ---- session.c: opening one and asking the host ----
enum gs_status gs_session_load_config(struct session *session, const char *organization_id,
                                      struct gs_error *err) GS_MUST_CHECK;
// With session->config filled in and the key's PEM at hand: parses the key, gets a token, opens the mirror.
enum gs_status gs_session_set_key(struct session *session, struct gs_slice pem,
                                  struct gs_error *err) GS_MUST_CHECK;
enum gs_status gs_session_connect(struct session *session, struct gs_error *err) GS_MUST_CHECK;
void gs_session_release(struct session *session);
// Whether that failure was a damaged mirror's, in whose place there is a new, empty one now; once per session. *status and err are those of making it.
bool gs_session_repairs(struct session *session, enum gs_status *status, struct gs_error *err);
// One exchange each; a token that is refused is renewed once.
enum gs_status gs_session_fetch(struct session *session, const struct gs_git_advert *advert,
                                const struct gs_git_ref *ref, struct gs_error *err) GS_MUST_CHECK;
struct branch_move {
    const struct gs_git_advert *advert;
    const char *ref;
    const struct gs_oid *from, *to;
};
enum gs_status gs_session_push(struct session *session, const struct branch_move *move,
                               enum gs_push_outcome *out_outcome, const char **out_reason,
                               struct gs_error *err) GS_MUST_CHECK;
enum gs_status gs_session_advertise(struct session *session, enum gs_git_service service,
                                    struct gs_git_advert *out_advert,
                                    struct gs_error *err) GS_MUST_CHECK;
// What the host offers to fetch; asked at most once per session.
enum gs_status gs_session_upload_advert(struct session *session,
                                        const struct gs_git_advert **out_advert,
                                        struct gs_error *err) GS_MUST_CHECK;
// Makes the mirror have the branch at the head that receive-pack told, in one exchange or none. The head may have moved on meanwhile: then
// *out_head is the newer one.
enum gs_status gs_session_fetch_head(struct session *session, const struct gs_git_advert *advert,
                                     const struct gs_git_ref *ref, struct gs_oid *out_head,
                                     struct gs_error *err) GS_MUST_CHECK;
const char *gs_session_branch_ref(struct session *session);
enum gs_status gs_fail_branch(const char *branch, struct gs_error *err);

// ---- live.c: operations under way ----
const char *gs_phase_name(enum phase phase);
int gs_phase_progress(enum phase phase);
// With sync->lock held: from here on the task can be found by its operation.
void gs_live_add(struct repository *repo, struct task *task);
// Becomes the one who waits for a task; false when there is none, or somebody waits for it.
bool gs_live_join(struct gs_sync *sync, const char *operation_id, gs_sync_done *done, void *arg);
// Tells whoever waits for the task, which can no longer be found.
void gs_task_answer(struct task *task, struct gs_sync_answer *answer);
// Tells him that nobody knows yet, and goes on with the task.
extern const char gs_maybe_arrived[];
void gs_task_tell_unsettled(struct task *task, const struct gs_error *err);
// The same for all that wait for a better moment: the server stops.
void gs_live_dismiss(struct gs_sync *sync);
void gs_task_enter(struct task *task, enum phase phase);
// cancelled when somebody cancelled it.
enum gs_status gs_task_check(struct task *task, struct gs_error *err) GS_MUST_CHECK;
// The same, and the point of no return: from here on it cannot be cancelled any more.
enum gs_status gs_task_seal(struct task *task, struct gs_error *err) GS_MUST_CHECK;

// ---- operation.c: rows of operations ----
// A copy whose texts live in the arena.
struct gs_operation gs_operation_copy(struct gs_arena *arena, const struct gs_operation *from);
// A text of a recorded request or answer, in the arena; NULL when it is absent or null.
const char *gs_recorded_text(yyjson_val *obj, const char *name, struct gs_arena *arena);
// Makes the request again that was recorded with the operation.
enum gs_status gs_operation_restore(struct task *task, struct gs_error *err) GS_MUST_CHECK;
// What changes something in the store or in git leaves a record; looking does not.
bool gs_is_recorded(const struct gs_sync_request *request);
// Rows for the task and those that hang on it.
enum gs_status gs_operation_insert(struct gs_sync *sync, struct task *task,
                                   struct gs_error *err) GS_MUST_CHECK;
// Stores the task's outcome as the operation's end (state done with json, or failed with err) in the transaction.
enum gs_status gs_operation_end(struct gs_tx *tx, struct task *task,
                                struct gs_error *err) GS_MUST_CHECK;
// Sets the task's error and records the failure in a transaction of its own.
void gs_task_fail(struct gs_sync *sync, struct task *task, struct gs_error *err);

// ---- ref.c: which commit a text means ----
struct resolved {
    struct gs_oid commit;
    const char *branch; // that it was found on, or NULL
};
// By the order: configured branch (NULL), full ref, branch, tag (its version with dots or with dashes), commit, version id in the metadata of the configured branch. Fetches what the mirror lacks.
enum gs_status gs_session_resolve(struct session *session, const char *ref,
                                  struct resolved *out_resolved,
                                  struct gs_error *err) GS_MUST_CHECK;
// The same by what the mirror knows, without asking the host; the commit is none when it does not know.
enum gs_status gs_session_resolve_here(struct session *session, const char *ref,
                                       struct resolved *out_resolved,
                                       struct gs_error *err) GS_MUST_CHECK;

// ---- known.c: documents by the objects that hold them; from any thread ----
struct known_documents *gs_known_new(void);
void gs_known_free(struct known_documents *known);
struct known_document {
    char id[GS_DOCUMENT_ID + 1];
    bool plain; // it was scanned, and there is nothing in it that an answer has to tell
};
// Nothing happens for no object.
void gs_known_put(struct known_documents *known, const struct gs_oid *object,
                  const struct known_document *document);
bool gs_known_get(struct known_documents *known, const struct gs_oid *object,
                  struct known_document *out_document);

// ---- divergence.c: what git holds of an app against what we synced ----
// The apps of a commit; the one that was asked for last is kept.
enum gs_status gs_session_catalog(struct session *session, const struct gs_oid *commit,
                                  const struct gs_catalog **out_catalog,
                                  struct gs_error *err) GS_MUST_CHECK;
struct remote_app {
    struct gs_oid commit;
    const struct gs_git_app *entry; // NULL: git has no such app
    enum gs_layout layout;
    struct gs_problems problems; // of the repository, that do not keep the call from going on
    struct gs_oid object;        // that alone is the document, or none
    char document_id[GS_DOCUMENT_ID + 1];
    bool plain;             // see known_document
    bool loaded;            // else the document is known by its id alone, so far
    struct gs_buf document; // release it
};
// What git has, without the document where its id is known.
enum gs_status gs_session_find_app(struct session *session, const struct gs_oid *commit,
                                   const char *git_app_id, const char *git_app_name,
                                   struct remote_app *out_remote,
                                   struct gs_error *err) GS_MUST_CHECK;
// The document as well, unless it is there.
enum gs_status gs_remote_load(struct session *session, struct remote_app *remote,
                              struct gs_error *err) GS_MUST_CHECK;
// Makes what was found out about the document known for the next time.
void gs_remote_note(struct session *session, const struct remote_app *remote);
// Both in one.
enum gs_status gs_session_read_app(struct session *session, const struct gs_oid *commit,
                                   const char *git_app_id, const char *git_app_name,
                                   struct remote_app *out_remote,
                                   struct gs_error *err) GS_MUST_CHECK;
// The same for a push, which puts right what it can: an app whose entry names a file that is not there is told among the problems
// and taken for one that git does not have.
enum gs_status gs_session_find_app_to_push(struct session *session, const struct gs_oid *commit,
                                           const char *git_app_id, struct remote_app *out_remote,
                                           struct gs_error *err) GS_MUST_CHECK;
// The version that was last synced with that document; NULL when there is none.
const struct gs_version *gs_find_synced_version(const struct gs_app_view *view,
                                                const char *document_id);
// What was loaded, which must have an entry; not_an_app when it is none. Release the document.
enum gs_status gs_remote_parse(const struct remote_app *remote, struct gs_document *out_document,
                               struct gs_error *err) GS_MUST_CHECK;
// Three-way merge of stored and remote documents. OK: out_merged holds the result. merge_conflict with details when it needs a decision.
struct merge_input {
    struct gs_slice base, ours, theirs;
    enum gs_conflict_policy policy;
    const char *advice; // what the caller can do about a conflict
};
extern const char gs_advice_pull[]; // of a pull, or of what tries one out
enum gs_status gs_merge_documents(const struct merge_input *input, struct gs_buf *out_merged,
                                  struct gs_error *err) GS_MUST_CHECK;
// ---- compare.c: what leads from one document to another ----
struct comparison {
    struct gs_arena *arena;           // of the changes
    bool has_before;                  // false: everything is new, and there are no changes
    struct gs_document before, after; // what the changes view
    struct gs_change *changes;
    size_t count;
};
// An empty before is none. Release the comparison.
enum gs_status gs_compare_documents(struct gs_slice before, struct gs_slice after,
                                    struct comparison *out_comparison,
                                    struct gs_error *err) GS_MUST_CHECK;
void gs_comparison_release(struct comparison *comparison);
// {"added":[…],"modified":[…],"deleted":[…]}.
yyjson_mut_val *gs_comparison_to_json(const struct comparison *comparison, yyjson_mut_doc *doc,
                                      bool with_values);
yyjson_mut_val *gs_no_changes_to_json(yyjson_mut_doc *doc);
// Both in one; a dry run tells old and new values as well.
enum gs_status gs_report_changes(const struct task *task, struct gs_slice before,
                                 struct gs_slice after, yyjson_mut_doc *doc,
                                 yyjson_mut_val **out_changes, struct gs_error *err) GS_MUST_CHECK;
// too_many_deletions, with what would go in the details, unless the call allows that many.
enum gs_status gs_check_deletions(const struct task *task, const struct comparison *comparison,
                                  struct gs_error *err) GS_MUST_CHECK;

// ---- plan.c: what a call rests on, and telling it without doing it ----
// Gathers the facts that a plan rests on; their order counts. NULL is a fact too.
struct plan_facts {
    struct gs_buf text;
};
void gs_plan_begin(struct plan_facts *facts, const struct session *session,
                   const struct task *task);
void gs_plan_add(struct plan_facts *facts, const char *fact);
// Ends the gathering: puts the hash into the answer as planHash when it is a dry run; plan_changed when the caller expects
// another one.
enum gs_status gs_plan_end(struct plan_facts *facts, const struct task *task, yyjson_mut_doc *doc,
                           yyjson_mut_val *root, struct gs_error *err) GS_MUST_CHECK;
// Each adds "diff", when it was asked for, and whether it is all of it: "diffCut". Of a document, whose bytes may be spread over many
// files; label tells which it is.
enum gs_status gs_plan_add_document_diff(const struct task *task, const char *label,
                                         struct gs_slice before, struct gs_slice after,
                                         yyjson_mut_doc *doc, yyjson_mut_val *root,
                                         struct gs_error *err) GS_MUST_CHECK;
const char *gs_remote_label(const struct remote_app *remote, struct gs_arena *arena);
// Of the files that a commit changes; commit is none when it changes none.
enum gs_status gs_plan_add_commit_diff(const struct session *session, const struct task *task,
                                       const struct gs_oid *parent, const struct gs_oid *commit,
                                       yyjson_mut_doc *doc, yyjson_mut_val *root,
                                       struct gs_error *err) GS_MUST_CHECK;

// ---- contents.c: what a document holds beside being an app ----
struct gs_scan;
// secret_in_document, with where they are in the details, unless the call or the configuration allows them.
enum gs_status gs_check_secrets(const struct session *session, const struct task *task,
                                const struct gs_app *app, const struct gs_scan *scan,
                                struct gs_error *err) GS_MUST_CHECK;
// Adds "warnings": [{code,path,message}], of what is no reason to refuse the call.
void gs_report_warnings(const struct gs_scan *scan, const struct gs_problems *problems,
                        struct gs_arena *arena, yyjson_mut_doc *doc, yyjson_mut_val *root);
// Whose constants count, and in which environment they have to be.
struct needs_place {
    const char *organization_id, *environment_id;
    struct gs_arena *arena;
};
// Adds "requires": [{kind,name,present,environments}], of the constants and secrets that a document refers to.
enum gs_status gs_report_needs(struct gs_tx *tx, const struct gs_scan *scan,
                               const struct needs_place *place, yyjson_mut_doc *doc,
                               yyjson_mut_val *root, struct gs_error *err) GS_MUST_CHECK;
// What a document of the store holds, by its summary or by looking.
enum gs_status gs_scan_stored(struct gs_sync *sync, struct gs_tx *tx, const char *document_id,
                              struct gs_arena *arena, struct gs_scan *out_scan,
                              struct gs_error *err) GS_MUST_CHECK;

// ---- report.c: the JSON of answers ----
void gs_report_version(yyjson_mut_doc *doc, yyjson_mut_val *obj, const struct gs_version *version,
                       const char *environment);
// The members of a commit, and an object "commit" of them.
enum gs_status gs_report_commit_members(struct session *session, const struct gs_oid *commit,
                                        yyjson_mut_doc *doc, yyjson_mut_val *obj,
                                        struct gs_error *err) GS_MUST_CHECK;
enum gs_status gs_report_commit(struct session *session, const struct gs_oid *commit,
                                yyjson_mut_doc *doc, yyjson_mut_val *obj,
                                struct gs_error *err) GS_MUST_CHECK;
// Appends {code,path,message} of each, but no more than most. WARNINGS_MAX is what a person reads beside something else.
enum { WARNINGS_MAX = 100 };
void gs_report_problems(const struct gs_problems *problems, size_t most, yyjson_mut_doc *doc,
                        yyjson_mut_val *list);
// Adds one to "renames", [{appId,from,to,madeIn}], after adding that if need be; NULL adds none. Made in git: from is the name here;
// made here: from is the name in git. Gives its object.
struct told_rename {
    const char *app_id, *from, *to;
    bool in_git;
};
yyjson_mut_val *gs_report_rename(yyjson_mut_doc *doc, yyjson_mut_val *root,
                                 const struct told_rename *rename);
// An object "error", of one app among several.
void gs_report_failure(const struct gs_error *failure, yyjson_mut_doc *doc, yyjson_mut_val *obj);
enum gs_status gs_report_config(const struct gs_git_config *config, const char *branch_head,
                                yyjson_mut_doc *doc, yyjson_mut_val **out_obj,
                                struct gs_error *err) GS_MUST_CHECK;
// Replaces the task's answer by the document's text.
enum gs_status gs_report_finish(struct task *task, yyjson_mut_doc *doc,
                                struct gs_error *err) GS_MUST_CHECK;

// ---- the batches; each ends every task it is given (task->ended) ----
void gs_sync_run_pushes(struct session *session, struct task *tasks);
void gs_sync_run_pulls(struct session *session, struct task *tasks);
void gs_sync_run_configure(struct session *session, struct task *task);

#endif
