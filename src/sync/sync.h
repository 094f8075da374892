// The use cases between the store and git: configure, push, create, pull, promote; a queue per repository, and operations that outlive a crash.
// Knows nothing of HTTP.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_SYNC_SYNC_H
#define GS_SYNC_SYNC_H

#include <stdbool.h>
#include <stdint.h>

#include "app/app.h"
#include "base/error.h"
#include "crypto/crypto.h"
#include "host/host.h"
#include "net/net.h"
#include "store/store.h"
#include "json/json.h"

struct gs_sync;

struct gs_sync_options {
    struct gs_store *store; // these four outlive the sync
    struct gs_net *net;
    struct gs_hosts *hosts;
    const struct gs_lockbox *lockbox;
    const char *folder;     // of the mirrors; made when missing
    int64_t git_timeout_ms; // for all exchanges of one batch
    bool allow_http;        // git hosts without TLS, for trials on one machine
    size_t document_limit, pack_limit;
    size_t workers;          // repositories worked on at one time
    size_t workers_per_host; // of one host; 0: three quarters of them
    size_t queue_limit;      // calls that wait, over all repositories
    uint64_t mirror_limit;   // bytes of all mirrors on disk; those unused for longest go first
    size_t mirrors_open;     // mirrors that stay open for the next call
};
enum gs_status gs_sync_new(const struct gs_sync_options *options, struct gs_sync **out_sync,
                           struct gs_error *err) GS_MUST_CHECK;
// Settles the operations that a crash left open: asks the remote whether what was committed arrived, and pushes it again if not. Queues the work and returns.
// Mirrors are looked after from then on.
enum gs_status gs_sync_recover(struct gs_sync *sync, struct gs_error *err) GS_MUST_CHECK;
// From now on nobody waits for a moment that a host named: such calls are tried at once, and told what the host says.
void gs_sync_stop(struct gs_sync *sync);
// Finishes what runs and everything that waits. Nobody may submit any more.
void gs_sync_free(struct gs_sync *sync);

// For the metrics. Thread-safe.
struct gs_sync_counts {
    size_t waiting;   // calls that wait for their repository
    size_t running;   // repositories that are worked on
    size_t parked;    // that wait for a moment
    size_t unsettled; // pushes of which is not known whether they arrived
    size_t mirrors;   // on disk, some seconds ago
    uint64_t mirror_bytes;
};
void gs_sync_count(struct gs_sync *sync, struct gs_sync_counts *out_counts);

// How a call ended. err.code is GS_CODE_NONE on success, and json then is the response's body.
struct gs_sync_answer {
    const char *operation_id; // NULL for configure, test and dry runs
    bool recorded;            // the request's record is in the store
    bool unsettled; // failed, but what was sent may have arrived: the operation is still open
    struct gs_buf json;
    struct gs_error err;
};
// Called exactly once, on a worker's thread. What answer holds is released after the return; json may be taken.
typedef void gs_sync_done(void *arg, struct gs_sync_answer *answer);

enum gs_sync_kind {
    GS_SYNC_PUSH,
    GS_SYNC_CREATE,
    GS_SYNC_PULL,
    GS_SYNC_PROMOTE,
    GS_SYNC_CONFIGURE, // check and save the git configuration
    GS_SYNC_TEST,      // check it, save nothing
    GS_SYNC_STATUS,    // look: how an app, or all of an organization, stand to git
    GS_SYNC_HISTORY,   // look: the commits of an app
    GS_SYNC_ROLLBACK,  // give an app a document of its past back, and push it if that is wanted
    GS_SYNC_RERELEASE, // make what was released once the released one again
    GS_SYNC_PUSH_ALL,  // push the latest version of each app of an organization
    GS_SYNC_PULL_ALL,  // pull into each linked app of an organization
    GS_SYNC_LIST,      // look: the apps that a branch, tag or commit holds
    GS_SYNC_CHECK,     // look: everything odd in it
    GS_SYNC_CONVERT,   // change the branch over to another layout
};

enum gs_divergence {
    GS_DIVERGENCE_FAIL,
    GS_DIVERGENCE_OURS,
    GS_DIVERGENCE_THEIRS,
    GS_DIVERGENCE_MERGE
};

// How many entities of an app a pull or a promotion may delete before the caller has to say that this is meant.
struct gs_deletion_limit {
    enum gs_deletion_limit_kind {
        GS_DELETIONS_USUAL, // a quarter of the app's entities, but five at any rate
        GS_DELETIONS_COUNT,
        GS_DELETIONS_PERCENT, // of the app's entities
    } kind;
    size_t value;
};

// A git configuration as a stranger gives it; views of the caller's memory, which submit copies.
struct gs_git_config_input {
    const char *git_url, *branch, *github_app_id, *github_installation_id;
    struct gs_slice private_key; // PEM; empty: the one that is stored (test only)
    const char *enterprise_url, *enterprise_api_url; // or NULL
    const char *layout;                              // or NULL
    const char *author_name, *author_email;          // or NULL: the App's bot
    bool disabled;                                   // keep, but refuse pushes and pulls
    bool allow_secrets;                              // push documents that hold some
    bool tag;                                        // tag saved versions
};

struct gs_sync_request {
    enum gs_sync_kind kind;
    const char *organization_id;           // create, configure, test
    const char *app_id;                    // push, pull, promote
    const char *version_id;                // push; promote: this version, without pulling
    struct gs_slice message;               // push, rollback, convert
    const char *git_app_id, *git_app_name; // create: one of the two
    const char *ref; // create; pull, list, check: NULL for the configured branch
    enum gs_divergence
        divergence; // when both sides changed: push (fail, ours, merge), pull and promote (fail merges and fails on conflicts only, ours, theirs)
    struct gs_deletion_limit max_deletions; // pull, promote
    // push, create, pull, promote:
    bool dry_run;          // tell what would happen, change nothing
    bool want_diff;        // of a dry run: a unified diff as well
    const char *plan_hash; // of a plan that must still hold, or NULL
    bool allow_secrets;    // pushes: secrets in the document are meant to be in git
    // What is to be stored in the transaction that records the operation, whose outcome then is the answer; of configure
    // in the one that saves, with the answer. NULL: nothing.
    const struct gs_recorded_answer *record;
    const struct gs_git_config_input *config; // configure, test
    bool refresh;                             // looks: ask the host first
    size_t limit;                             // history, list
    const char *cursor;                       // history, list: where the page before ended, or NULL
    // rollback: one of the two
    const char *commit;            // what the app was in it
    const char *from_operation_id; // what the app was before it
    bool push;
    const char *release_id; // rerelease
    const char *layout;     // convert: its text
    // push and pull of all apps:
    bool one_commit;    // of all pushes, instead of one each
    bool stop_on_error; // when one app fails, nothing is done for any
};

// Checks what can be checked here, records the operation and queues the call. Calls that can do without the host (status, history, rollback without a push,
// rerelease) are answered before it returns, with done, unless it has to be asked. GS_OK: done will be called. Else err says why and done never is: app_not_found, wrong_version_id,
// unknown_organization, git_not_configured, app_not_linked, invalid_input, overloaded.
enum gs_status gs_sync_submit(struct gs_sync *sync, const struct gs_sync_request *request,
                              gs_sync_done *done, void *arg, struct gs_error *err) GS_MUST_CHECK;

// Whether the call is recorded as an operation that takes its time, so that it can be detached.
bool gs_sync_can_detach(const struct gs_sync_request *request);
// The same for such a call that nobody waits for: it is run again after a crash that came before anything was sent.
// *out_op is its row as recorded, in the arena.
enum gs_status gs_sync_submit_detached(struct gs_sync *sync, const struct gs_sync_request *request,
                                       struct gs_arena *arena, struct gs_operation *out_op,
                                       struct gs_error *err) GS_MUST_CHECK;

// ---- Operations under way -----------------------------------------------------------
bool gs_operation_is_open(const struct gs_operation *op);
// Waits for an operation that was asked for earlier, perhaps before a crash; one that was left open is settled first.
// GS_OK: done will be called, maybe before the return. Errors: not_found; interrupted when it never began and nobody will.
enum gs_status gs_sync_join(struct gs_sync *sync, const char *operation_id, gs_sync_done *done,
                            void *arg, struct gs_error *err) GS_MUST_CHECK;
// Stops an operation of which nothing was sent or stored yet; whoever waits for it is told at once, with cancelled.
// Errors: not_found, not_cancellable.
enum gs_status gs_sync_cancel(struct gs_sync *sync, const char *operation_id,
                              struct gs_error *err) GS_MUST_CHECK;
// Puts what is known of running operations over rows from the store: running, phase, progress, time.
void gs_sync_overlay(struct gs_sync *sync, struct gs_operation *ops, size_t count);
// changed is called after every step of every operation, on any thread; it must be quick and must not call the sync.
// Once this returned, what was listening before is called no more. NULL: nobody listens.
void gs_sync_listen(struct gs_sync *sync, void (*changed)(void *arg), void *arg);

// ---- Mirrors -----------------------------------------------------------------------
// {"data":[{id, gitUrl, bytes, looseObjects, packs, lastUsedAt, inUse}], "bytes", "limitBytes"}, the
// ones unused for longest first; gitUrl is null when no configuration names it any more. Walks
// through all of them.
enum gs_status gs_sync_list_mirrors(struct gs_sync *sync, yyjson_mut_doc *doc, yyjson_mut_val *root,
                                    struct gs_error *err) GS_MUST_CHECK;
// Packs all mirrors, and removes those that no configuration names and those that are too much.
// done gets {"packed", "removed", "freedBytes", "mirrors", "bytes", "limitBytes"}, maybe after
// minutes; shutting_down when the server stops first.
void gs_sync_collect_mirrors(struct gs_sync *sync, gs_sync_done *done, void *arg);

// The stored configuration of an organization in the response's form, without the key. not_found when there is none.
enum gs_status gs_sync_config_json(struct gs_store *store, const char *organization_id,
                                   struct gs_buf *out, struct gs_error *err) GS_MUST_CHECK;

#endif
