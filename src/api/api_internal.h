// What the resources share: a call, reading its input, and the rows of the route table.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_API_API_INTERNAL_H
#define GS_API_API_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "api/api.h"
#include "base/map.h"
#include "base/pool.h"
#include "workspace/workspace.h"
#include "json/json.h"

enum {
    ANSWER_MAX_BYTES = 1 << 30,
    TOKEN_MAX_BYTES = 4096,
    STATUS_CLASSES = 6,
    PLAN_HASH_LENGTH = 64,
    GS_HTTP_ACCEPTED = 202,
    GS_HTTP_NO_CONTENT = 204,
};

// Where a call is carried out.
enum route_mode {
    ROUTE_AT_ONCE, // on the server's thread: answers from memory or by short reads
    ROUTE_WORKER,  // on a worker: parses documents or writes to the store
    ROUTE_SYNC,    // on a worker, which hands it over; the answer comes from elsewhere
};

// Among the flags of a route.
enum {
    ROUTE_ASYNC = 1 << 8,    // with Prefer: respond-async it is answered before it is done
    ROUTE_PLANNED = 1 << 9,  // with If-Match it is bound to the plan of a dry run
    ROUTE_STREAM = 1 << 10,  // answers with server-sent events
    ROUTE_METRICS = 1 << 11, // answers with plain text
};

// One request on its way through a resource.
struct call {
    struct gs_api *api;
    struct gs_http_exchange *exchange;
    const struct api_route *route;
    struct gs_arena *arena;   // the exchange's
    yyjson_doc *body;         // NULL until gs_call_body
    yyjson_mut_doc *answer;   // the resource sets its root; without one the response has no body
    struct gs_buf raw;        // or the bytes of the response, as they are
    int status;               // of the response when it succeeds, or 0: the route's
    const char *operation_id; // to be told in a header, or NULL
    struct flight *flight;    // when it has an Idempotency-Key, or NULL
    const char *answer_of;    // the id of the request that was answered so first, or NULL
    struct call *next;        // among those that wait for the same answer
};

typedef enum gs_status route_run(struct call *call, struct gs_error *err);

struct api_route {
    const char *method, *pattern;
    unsigned flags;
    enum route_mode mode;
    int status; // of success
    route_run *run;
    const char *summary;
    const char
        *query; // names of query members, separated by blanks, required ones with "!"; or NULL
    const char *body; // JSON Schema of the body as text, or NULL
};
extern const struct api_route gs_api_table[];
extern const size_t gs_api_table_count;

struct gs_api {
    struct gs_api_options options;
    struct gs_pool *pool;
    struct gs_http_route *routes;
    struct gs_http_owner owner;
    struct gs_http_server *server;
    struct gs_arena *arena; // of the tokens
    struct gs_token *tokens;
    size_t token_count;
    pthread_mutex_t flights_lock;
    struct gs_map
        flights; // calls with an Idempotency-Key that are under way; guarded by flights_lock
    struct events *events;
    int64_t started_ms;                        // monotonic
    _Atomic int64_t ready_until_ms;            // monotonic; the store was found usable
    _Atomic uint64_t answered[STATUS_CLASSES]; // by hundreds of the status
};

// ---- call.c ----
struct call *gs_call_new(struct gs_api *api, struct gs_http_exchange *exchange);
// Ends the call with what the resource made, or with the error.
void gs_call_finish(struct call *call, enum gs_status status, struct gs_error *err);
// Sends that, and frees the call.
void gs_call_send(struct call *call, enum gs_status status, struct gs_error *err);
// The body as JSON object; an empty body is an empty object.
enum gs_status gs_call_body(struct call *call, yyjson_val **out_obj,
                            struct gs_error *err) GS_MUST_CHECK;
// The root object of the answer.
yyjson_mut_val *gs_call_answer(struct call *call);
const char *gs_call_param(const struct call *call, const char *name);
const char *gs_call_query(const struct call *call, const char *name);
enum gs_status gs_call_read(struct call *call, struct gs_tx **out_tx,
                            struct gs_error *err) GS_MUST_CHECK;
// What is committed may become durable, and be seen by gs_call_read, with the call's answer only.
enum gs_status gs_call_write(struct call *call, struct gs_tx **out_tx,
                             struct gs_error *err) GS_MUST_CHECK;
// Gives the call to the sync, which answers it.
enum gs_status gs_call_submit(struct call *call, const struct gs_sync_request *request,
                              struct gs_error *err) GS_MUST_CHECK;

// A gs_sync_done; arg is the call.
void gs_call_answer_from_sync(void *arg, struct gs_sync_answer *answer);

// ---- async.c: calls that nobody waits for ----
bool gs_call_prefers_async(const struct call *call);
// Makes the operation, as it is now, the answer.
enum gs_status gs_call_accept(struct call *call, const struct gs_operation *op,
                              struct gs_error *err) GS_MUST_CHECK;
// Ends the call as soon as the operation is recorded.
enum gs_status gs_call_submit_async(struct call *call, const struct gs_sync_request *request,
                                    struct gs_error *err) GS_MUST_CHECK;

// ---- idempotency.c: calls with an Idempotency-Key ----
enum key_turn {
    KEY_GO,       // it is to be carried out
    KEY_WAITS,    // somebody else will answer it, or has done so
    KEY_ANSWERED, // the answer is there, from an earlier call
};
// Every POST, PUT and PATCH does.
bool gs_route_takes_key(const struct api_route *route);
enum gs_status gs_key_begin(struct call *call, enum key_turn *out_turn,
                            struct gs_error *err) GS_MUST_CHECK;
// The store, for everything that a POST, PUT or PATCH writes: what is committed through it becomes durable with the call's answer.
struct gs_store *gs_call_store(const struct call *call);
// What the sync has to store for the call, and with which status; NULL when the call has no key.
const struct gs_recorded_answer *gs_key_record(struct call *call, int status);
void gs_key_set_recorded(struct call *call);
// Whether the call waited for an earlier operation which has failed in a way that makes it worth carrying out anew.
bool gs_key_retry(struct call *call, const struct gs_sync_answer *answer);
// Records the answer, and gives it to those who wait for it. Returns the status that the call ends with.
enum gs_status gs_key_end(struct call *call, enum gs_status status, struct gs_error *err);

// ---- events.c: operations as they go on ----
enum gs_status gs_events_new(struct gs_api *api, struct gs_error *err) GS_MUST_CHECK;
// Ends the thread and all streams; new ones end at once.
void gs_events_stop(struct events *events);
// They have been stopped; NULL is fine.
void gs_events_free(struct events *events);

// ---- query.c: what several calls take in their query ----
// true or false; absent is false.
enum gs_status gs_query_flag(const struct call *call, const char *name, bool *out_flag,
                             struct gs_error *err) GS_MUST_CHECK;
// ?organizationId=, which is required.
enum gs_status gs_query_organization(const struct call *call, const char **out_id,
                                     struct gs_error *err) GS_MUST_CHECK;
// ?limit= from 1 to max.
enum gs_status gs_query_limit(const struct call *call, size_t absent, size_t max, size_t *out_limit,
                              struct gs_error *err) GS_MUST_CHECK;
// "12" or "40%"; field names it in complaints.
enum gs_status gs_read_deletion_limit(struct gs_slice text, const char *field,
                                      struct gs_deletion_limit *out_limit,
                                      struct gs_error *err) GS_MUST_CHECK;
// ?maxDeletions=; absent leaves the limit as it is.
enum gs_status gs_query_deletion_limit(const struct call *call, struct gs_deletion_limit *out_limit,
                                       struct gs_error *err) GS_MUST_CHECK;
// Gives the call to the sync with what all that can be planned have in common: ?dryRun=, ?diff= and If-Match.
enum gs_status gs_call_submit_planned(struct call *call, struct gs_sync_request *request,
                                      struct gs_error *err) GS_MUST_CHECK;

// ---- fields.c: members of a body, with all complaints at once ----
struct fields {
    struct gs_arena *arena;
    yyjson_val *obj;
    const char *base; // JSON Pointer of obj, "" for the body
    yyjson_mut_doc *complaints;
    size_t count;
    char first[512], first_field[128];
};
void gs_fields_begin(struct fields *fields, struct call *call, yyjson_val *obj);
// The same of the call's body, which is read now.
enum gs_status gs_fields_begin_body(struct fields *fields, struct call *call,
                                    struct gs_error *err) GS_MUST_CHECK;
enum { FIELD_REQUIRED = 1, FIELD_UUID = 2, FIELD_EMPTY_OK = 4 };
// NULL when absent (null counts as absent) or wrong; a wrong one is complained about. At most max bytes, no NUL.
const char *gs_fields_text(struct fields *fields, const char *name, unsigned flags, size_t max);
// The same for texts that may contain any character.
struct gs_slice gs_fields_slice(struct fields *fields, const char *name, unsigned flags,
                                size_t max);
bool gs_fields_bool(struct fields *fields, const char *name, bool absent);
// A choice of the NULL-terminated words; index of the word, or absent.
int gs_fields_choice(struct fields *fields, const char *name, const char *const *words, int absent);
// "onConflict" of a push: fail (when absent), ours or merge.
enum gs_divergence gs_fields_push_divergence(struct fields *fields);
void gs_fields_complain(struct fields *fields, const char *name, const char *fmt, ...)
    GS_PRINTF(3, 4);
// GS_OK, or invalid_input with every complaint in the details. Ends the reading.
enum gs_status gs_fields_end(struct fields *fields, struct gs_error *err) GS_MUST_CHECK;

// ---- errors.c ----
void gs_api_render_error(struct gs_http_exchange *exchange, const struct gs_error *err);
// The same as an answer to another request.
void gs_api_render_error_of(struct gs_http_exchange *exchange, const struct gs_error *err,
                            const char *request_id);
enum gs_status gs_api_write_error(const struct gs_error *error, const char *request_id,
                                  struct gs_buf *out, struct gs_error *err) GS_MUST_CHECK;

// ---- auth.c ----
enum gs_status gs_api_admit(void *ctx, struct gs_http_exchange *exchange, struct gs_error *err);

// ---- resources ----
route_run gs_git_config_put, gs_git_config_get, gs_git_config_delete, gs_git_config_test;
route_run gs_git_convert;
route_run gs_version_push, gs_app_create, gs_app_pull, gs_app_promote, gs_app_release;
route_run gs_app_status, gs_workspace_status, gs_app_history, gs_git_apps, gs_git_check;
route_run gs_organization_push, gs_organization_pull;
route_run gs_app_rollback, gs_app_releases, gs_release_restore;
route_run gs_app_get, gs_app_rename, gs_app_delete, gs_app_versions;
route_run gs_version_get, gs_version_put, gs_version_save;
route_run gs_workspace_list, gs_workspace_create, gs_workspace_apps, gs_workspace_environments;
route_run gs_constants_get, gs_constants_put;
route_run gs_app_import, gs_app_export;
route_run gs_operation_get, gs_operation_list, gs_operation_cancel, gs_operation_events;
route_run gs_mirror_list_all, gs_mirror_collect;
route_run gs_health_alive, gs_health_ready, gs_health_metrics, gs_health_openapi;

// ---- operations.c ----
// The operation that the path names, as it is now. not_found.
enum gs_status gs_call_operation(struct call *call, struct gs_operation *out_op,
                                 struct gs_error *err) GS_MUST_CHECK;

// ---- view.c: rows as JSON ----
void gs_view_app(yyjson_mut_doc *doc, yyjson_mut_val *obj, const struct gs_app_view *view);
void gs_view_version(yyjson_mut_doc *doc, yyjson_mut_val *obj, const struct gs_version *version);
enum gs_status gs_view_operation(yyjson_mut_doc *doc, yyjson_mut_val *obj,
                                 const struct gs_operation *op, struct gs_error *err) GS_MUST_CHECK;

#endif
