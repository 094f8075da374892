// The documented API over the HTTP server: the route table, authentication, one file per resource, error rendering.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_API_API_H
#define GS_API_API_H

#include "base/buf.h"
#include "base/error.h"
#include "http/http.h"
#include "store/store.h"
#include "sync/sync.h"

struct gs_api;

struct gs_api_options {
    struct gs_store *store; // these three outlive the API
    struct gs_sync *sync;
    struct gs_net *net; // for the metrics
    size_t workers;     // threads for calls that parse documents or write to the store
    size_t queue_limit; // calls that wait for such a thread
    size_t document_limit;
    int64_t idempotency_ttl_ms; // how long the answer to a key is kept
    size_t streams_max;         // of events, open at one time
};
// Reads the access tokens from the store.
enum gs_status gs_api_new(const struct gs_api_options *options, struct gs_api **out_api,
                          struct gs_error *err) GS_MUST_CHECK;
// Ends the streams of events, which ask the sync: once, before that is freed. NULL is fine.
void gs_api_stop(struct gs_api *api);
// It must have been stopped, the server freed or drained, and the sync freed, before.
void gs_api_free(struct gs_api *api);

// For gs_http_start; both live as long as the API.
const struct gs_http_route *gs_api_routes(const struct gs_api *api, size_t *out_count);
const struct gs_http_owner *gs_api_owner(const struct gs_api *api);
// For the metrics; may be NULL until the server runs.
void gs_api_set_server(struct gs_api *api, struct gs_http_server *server);

// OpenAPI 3.1 of the route table.
enum gs_status gs_api_write_openapi(struct gs_buf *out, struct gs_error *err) GS_MUST_CHECK;
// The reference page of error codes, as Markdown.
void gs_api_write_errors(struct gs_buf *out);

#endif
