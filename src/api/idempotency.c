// Idempotency-Key: a call that is repeated with its key is told what the first one was told, and carried out once.
// Calls that come while the first one is under way wait for it, suspended; later ones, also after a restart, find its record.
// SPDX-License-Identifier: Apache-2.0
#include "api/api_internal.h"
#include "base/clock.h"
#include "base/crash.h"
#include "crypto/crypto.h"

// Recorded is what was carried out: successes, and refusals that would be given again. What may turn out differently the
// next time is not, and a repetition is carried out: 5xx and 408, and where others were in the way.
//
// The record and the effect are one transaction. Of an operation, the record is written with its row and names it; what
// became of the operation, in whose row that is written with its effect, is the answer. What works on the store alone
// runs on a handle that holds its commits, so that the answer can be added. Calls without an effect (dry runs, exports,
// tests of a configuration) are recorded afterwards, as are those for all apps of an organization: after a crash in the
// middle these are carried out again, which does what is left to do.

enum {
    KEY_MAX = 255,
    // Of an answer that is no part of a change: an export can be large, and making it again does no harm.
    KEPT_MAX_BYTES = 16 << 20,
};

// A call that has a key and is the first of those under way. Lives in its arena.
struct flight {
    struct gs_slice name; // scope and key
    struct gs_recorded_answer record;
    struct gs_store *hold; // NULL until the resource itself wants to write
    bool recorded;         // in the store already, or not to be recorded
    bool joined;           // waits for an operation of an earlier call
    struct call *waiting;  // the same calls that came since; guarded by flights_lock
};

static bool is_final(enum gs_code code)
{
    int http = gs_code_http(code);
    return http < 500 && http != 408 && code != GS_CODE_CONFLICT && code != GS_CODE_BRANCH_MOVED;
}

// ---- The key and what it stands for ---------------------------------------------------------

static enum gs_status read_key(const struct call *call, const char **out_key, struct gs_error *err)
{
    const char *key = gs_http_header(call->exchange, "Idempotency-Key");
    size_t len = key ? strlen(key) : 0;
    bool visible = len > 0;
    for (size_t i = 0; i < len; i++)
        visible &= key[i] > ' ' && key[i] < 0x7f;
    if (!visible || len > KEY_MAX || gs_http_header_at(call->exchange, "Idempotency-Key", 1))
        return gs_fail(err, GS_CODE_INVALID_INPUT, "Idempotency-Key",
                       "Idempotency-Key must be one header of 1 to %d visible ASCII characters",
                       KEY_MAX);
    *out_key = key;
    return GS_OK;
}

static const char *hash_text(struct gs_arena *arena, struct gs_slice text)
{
    char *hex = gs_arena_alloc(arena, GS_SHA256_HEX + 1);
    gs_sha256_hex(text, hex);
    return hex;
}

// Who calls what: the token, the method, the path and the query as they were sent.
static const char *scope_of(const struct call *call)
{
    struct gs_slice target = gs_http_path_and_query(call->exchange);
    const char *token = gs_http_data(call->exchange);
    const char *method = gs_http_method(call->exchange);
    const char *text =
        gs_arena_printf(call->arena, "%s %s %.*s", token, method, GS_SLICE_ARG(target));
    return hash_text(call->arena, gs_slice_str(text));
}

// What was sent: the body, and the plan it is bound to.
static const char *request_of(const struct call *call)
{
    const char *plan = gs_http_header(call->exchange, "If-Match");
    const char *body = hash_text(call->arena, gs_http_body(call->exchange));
    const char *text = gs_arena_printf(call->arena, "%s %s", body, plan ? plan : "");
    return hash_text(call->arena, gs_slice_str(text));
}

static struct flight *new_flight(struct call *call, const char *key)
{
    struct flight *flight = gs_arena_alloc(call->arena, sizeof *flight);
    int64_t now = gs_clock_now_ms();
    flight->record = (struct gs_recorded_answer){
        .scope = scope_of(call),
        .key = key,
        .request = request_of(call),
        .request_id = gs_http_request_id(call->exchange),
        .created_at = now,
        .expires_at = now + call->api->options.idempotency_ttl_ms,
    };
    flight->name = gs_slice_str(gs_arena_printf(call->arena, "%s%s", flight->record.scope, key));
    return flight;
}

static enum gs_status fail_reused(struct gs_error *err)
{
    return gs_fail(err, GS_CODE_KEY_REUSED, "Idempotency-Key",
                   "this Idempotency-Key came earlier with another request; use a new key for "
                   "each call, and the same one only to repeat it");
}

// Becomes the first of its kind, or waits for the one that is.
static enum gs_status take_off(struct call *call, struct flight *flight, bool *out_waits,
                               struct gs_error *err)
{
    struct gs_api *api = call->api;
    enum gs_status status = GS_OK;
    pthread_mutex_lock(&api->flights_lock);
    struct flight *first = gs_map_get(&api->flights, flight->name);
    bool same = first && strcmp(first->record.request, flight->record.request) == 0;
    if (!first) {
        gs_map_put(&api->flights, flight->name, flight);
        call->flight = flight;
    } else if (same) {
        call->next = first->waiting;
        first->waiting = call;
    } else {
        status = fail_reused(err);
    }
    // Who waits may be answered, and gone, from here on.
    pthread_mutex_unlock(&api->flights_lock);
    *out_waits = same;
    return status;
}

// ---- What the store knows of the key --------------------------------------------------------

static enum gs_status find_record(struct call *call, struct gs_recorded_answer *out_found,
                                  struct gs_operation *out_op, struct gs_error *err)
{
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    const struct gs_recorded_answer *record = &call->flight->record;
    enum gs_status status = gs_tx_read(call->api->options.store, &tx, err);
    if (status == GS_OK)
        status = gs_store_get_answer(tx, record->scope, record->key, record->created_at,
                                     call->arena, out_found, &call->raw, err);
    if (status == GS_OK && out_found->operation_id)
        status = gs_store_get_operation(tx, out_found->operation_id, call->arena, out_op, err);
    return status;
}

// Waits for the operation, or takes its end. The call may be gone on GS_OK.
static enum gs_status join(struct call *call, const char *operation_id, enum key_turn *out_turn,
                           struct gs_error *err)
{
    struct flight *flight = call->flight;
    flight->recorded = flight->joined = true;
    *out_turn = KEY_WAITS;
    enum gs_status status =
        gs_sync_join(call->api->options.sync, operation_id, gs_call_answer_from_sync, call, err);
    if (status == GS_OK)
        return GS_OK;
    flight->joined = false;
    call->answer_of = NULL;
    if (err->code != GS_CODE_INTERRUPTED)
        return status;
    // It never began, so it begins now.
    flight->recorded = false;
    *out_turn = KEY_GO;
    gs_error_release(err);
    return GS_OK;
}

static bool may_end_differently(const struct gs_operation *op)
{
    return op->state == GS_OP_FAILED && !is_final(gs_code_from_text(op->error_code));
}

static enum gs_status answer_again(struct call *call, const struct gs_recorded_answer *found,
                                   const struct gs_operation *op, enum key_turn *out_turn,
                                   struct gs_error *err)
{
    call->answer_of = found->request_id;
    if (found->status == 0)
        return join(call, op->id, out_turn, err);
    call->status = found->status;
    call->operation_id = found->operation_id;
    *out_turn = KEY_ANSWERED;
    return found->status == GS_HTTP_ACCEPTED ? gs_call_accept(call, op, err) : GS_OK;
}

static enum gs_status look_up(struct call *call, enum key_turn *out_turn, struct gs_error *err)
{
    struct flight *flight = call->flight;
    struct gs_recorded_answer found;
    struct gs_operation op;
    *out_turn = KEY_GO;
    enum gs_status status = find_record(call, &found, &op, err);
    if (status == GS_NOT_FOUND) {
        gs_error_release(err);
        return GS_OK;
    }
    // Whatever is told now takes nobody's place.
    flight->recorded = true;
    if (status != GS_OK)
        return status;
    if (strcmp(found.request, flight->record.request) != 0)
        return fail_reused(err);
    if (!found.operation_id || !may_end_differently(&op))
        return answer_again(call, &found, &op, out_turn, err);
    flight->recorded = false;
    return GS_OK;
}

bool gs_route_takes_key(const struct api_route *route)
{
    bool changes = strcmp(route->method, "POST") == 0 || strcmp(route->method, "PUT") == 0 ||
                   strcmp(route->method, "PATCH") == 0;
    return changes && (route->flags & GS_HTTP_LATER);
}

enum gs_status gs_key_begin(struct call *call, enum key_turn *out_turn, struct gs_error *err)
{
    const char *key = NULL;
    bool waits = false;
    *out_turn = KEY_GO;
    if (!gs_route_takes_key(call->route) || !gs_http_header(call->exchange, "Idempotency-Key"))
        return GS_OK;
    enum gs_status status = read_key(call, &key, err);
    if (status == GS_OK)
        status = take_off(call, new_flight(call, key), &waits, err);
    if (status != GS_OK)
        return status;
    if (waits) {
        *out_turn = KEY_WAITS;
        return GS_OK;
    }
    return look_up(call, out_turn, err);
}

struct gs_store *gs_call_store(const struct call *call)
{
    struct flight *flight = call->flight;
    if (!flight)
        return call->api->options.store;
    if (!flight->hold)
        flight->hold = gs_store_hold(call->api->options.store);
    return flight->hold;
}

const struct gs_recorded_answer *gs_key_record(struct call *call, int status)
{
    if (!call->flight)
        return NULL;
    call->flight->record.status = status;
    return &call->flight->record;
}

void gs_key_set_recorded(struct call *call)
{
    if (call->flight)
        call->flight->recorded = true;
}

bool gs_key_retry(struct call *call, const struct gs_sync_answer *answer)
{
    struct flight *flight = call->flight;
    if (!flight || !flight->joined || answer->unsettled || answer->err.code == GS_CODE_NONE ||
        is_final(answer->err.code))
        return false;
    flight->joined = flight->recorded = false;
    call->answer_of = NULL;
    return true;
}

// ---- The end --------------------------------------------------------------------------------

static enum gs_status store_record(struct flight *flight, struct gs_store *store, struct gs_tx *tx,
                                   struct gs_slice body, struct gs_error *err)
{
    GS_CLEANUP(gs_tx_end) struct gs_tx *own = tx;
    struct gs_document_blob packed;
    enum gs_status status = gs_document_pack(body, &packed, err);
    if (status != GS_OK)
        return status;
    if (!own)
        status = gs_tx_write(store, &own, err);
    if (status == GS_OK)
        status = gs_store_put_answer(own, &flight->record, &packed, err);
    gs_document_blob_release(&packed);
    return status == GS_OK ? gs_tx_commit(&own, err) : status;
}

static void record_failure(struct call *call, const struct gs_error *failure)
{
    GS_CLEANUP(gs_error_release) struct gs_error ignored = GS_ERROR_INIT;
    GS_CLEANUP(gs_buf_release) struct gs_buf body = {.max = ANSWER_MAX_BYTES};
    struct flight *flight = call->flight;
    if (!is_final(failure->code) ||
        gs_api_write_error(failure, flight->record.request_id, &body, &ignored) != GS_OK)
        return;
    flight->record.status = gs_code_http(failure->code);
    // Nothing was changed: at worst the repetition is refused by itself.
    (void)store_record(flight, call->api->options.store, NULL, gs_buf_slice(&body), &ignored);
}

// What was done becomes durable together with the answer to it; when that fails it was not done.
static enum gs_status record_success(struct call *call, struct gs_error *err)
{
    struct flight *flight = call->flight;
    struct gs_tx *held = flight->hold ? gs_store_take_held(flight->hold) : NULL;
    bool has_effect = held;
    if (!has_effect && call->raw.len > KEPT_MAX_BYTES)
        return GS_OK;
    flight->record.status = call->status ? call->status : call->route->status;
    struct gs_error failure = GS_ERROR_INIT;
    gs_crash_point("key.held");
    enum gs_status status =
        store_record(flight, call->api->options.store, held, gs_buf_slice(&call->raw), &failure);
    gs_crash_point("key.recorded");
    if (status == GS_OK || !has_effect) {
        gs_error_release(&failure);
        return GS_OK;
    }
    gs_error_move(err, &failure);
    return status;
}

// The calls that have waited; nobody finds the flight any more.
static struct call *land(struct call *call)
{
    struct gs_api *api = call->api;
    pthread_mutex_lock(&api->flights_lock);
    gs_map_remove(&api->flights, call->flight->name);
    struct call *waiting = call->flight->waiting;
    pthread_mutex_unlock(&api->flights_lock);
    return waiting;
}

static void share(const struct call *first, struct call *call, enum gs_status status,
                  const struct gs_error *err)
{
    struct gs_error copy = *err;
    copy.details = gs_xstrdup(err->details);
    call->status = first->status;
    call->operation_id = gs_arena_strdup(call->arena, first->operation_id);
    call->answer_of = gs_arena_strdup(call->arena, first->flight->record.request_id);
    if (first->answer_of)
        call->answer_of = gs_arena_strdup(call->arena, first->answer_of);
    gs_buf_append_slice(&call->raw, gs_buf_slice(&first->raw));
    if (status == GS_OK)
        status = gs_buf_check(&call->raw, "the answer", &copy);
    gs_call_send(call, status, &copy);
}

enum gs_status gs_key_end(struct call *call, enum gs_status status, struct gs_error *err)
{
    struct flight *flight = call->flight;
    if (!flight)
        return status;
    // What a call that failed had done is taken back.
    if (status != GS_OK)
        gs_store_release_hold(&flight->hold);
    if (!flight->recorded && status == GS_OK)
        status = record_success(call, err);
    else if (!flight->recorded)
        record_failure(call, err);
    gs_store_release_hold(&flight->hold);
    for (struct call *waiting = land(call), *next; waiting; waiting = next) {
        next = waiting->next;
        share(call, waiting, status, err);
    }
    return status;
}
