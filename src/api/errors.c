// Errors as responses: the one JSON form of the contract, and the reference page of codes.
// SPDX-License-Identifier: Apache-2.0
#include "api/api_internal.h"
#include "base/log.h"

enum { RETRY_DEFAULT_S = 5 };

static const char *reason_phrase(int status)
{
    switch (status) {
    case 400:
        return "Bad Request";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 408:
        return "Request Timeout";
    case 409:
        return "Conflict";
    case 412:
        return "Precondition Failed";
    case 413:
        return "Payload Too Large";
    case 415:
        return "Unsupported Media Type";
    case 422:
        return "Unprocessable Entity";
    case 431:
        return "Request Header Fields Too Large";
    case 502:
        return "Bad Gateway";
    case 503:
        return "Service Unavailable";
    case 504:
        return "Gateway Timeout";
    default:
        return "Internal Server Error";
    }
}

// Several wrong fields give a list of messages, one gives a text.
static void add_message(yyjson_mut_doc *doc, yyjson_mut_val *root, const struct gs_error *err,
                        yyjson_val *details)
{
    if (err->code != GS_CODE_INVALID_INPUT || yyjson_arr_size(details) < 2) {
        struct gs_slice message = gs_slice_str(err->message);
        bool utf8 = gs_slice_is_utf8(message);
        gs_json_add_cstr(doc, root, "message", utf8 ? err->message : gs_code_help(err->code));
        return;
    }
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, root, "message");
    size_t at, count;
    yyjson_val *item;
    yyjson_arr_foreach(details, at, count, item)
    {
        struct gs_slice text = gs_json_get_str(item, "message");
        yyjson_mut_arr_add_strncpy(doc, list, text.data ? text.data : "", text.len);
    }
}

static void add_details(yyjson_mut_doc *doc, yyjson_mut_val *root, const struct gs_error *err,
                        yyjson_val *details)
{
    yyjson_mut_val *list = details ? yyjson_val_mut_copy(doc, details) : yyjson_mut_arr(doc);
    if (!details && err->field[0]) {
        yyjson_mut_val *item = yyjson_mut_arr_add_obj(doc, list);
        gs_json_add_cstr(doc, item, "field", err->field);
    }
    yyjson_mut_obj_add_val(doc, root, "details", list);
}

enum gs_status gs_api_write_error(const struct gs_error *error, const char *request_id,
                                  struct gs_buf *out, struct gs_error *err)
{
    GS_CLEANUP(gs_json_cleanup_mut) yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    GS_CLEANUP(gs_json_cleanup) yyjson_doc *details = NULL;
    int status = gs_code_http(error->code);
    if (error->details &&
        gs_json_parse(gs_slice_str(error->details), "the details", &details, NULL) != GS_OK)
        details = NULL;
    yyjson_val *list = details ? yyjson_doc_get_root(details) : NULL;
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_int(doc, root, "statusCode", status);
    gs_json_add_cstr(doc, root, "error", reason_phrase(status));
    gs_json_add_cstr(doc, root, "code", gs_code_text(error->code));
    add_message(doc, root, error, list);
    add_details(doc, root, error, list);
    gs_json_add_cstr(doc, root, "requestId", request_id);
    return gs_json_write_mut(doc, out, err);
}

// Whoever is asked to come again is told when; what gives no advice of its own (a full queue, a server that stops) has passed soon.
static void add_retry_after(struct gs_http_exchange *exchange, const struct gs_error *err)
{
    long wait_s = err->retry_after_s;
    if (wait_s == 0 && gs_code_http(err->code) == 503)
        wait_s = RETRY_DEFAULT_S;
    if (wait_s == 0)
        return;
    char seconds[24];
    snprintf(seconds, sizeof seconds, "%ld", wait_s);
    gs_http_add_header(exchange, "Retry-After", seconds);
}

void gs_api_render_error(struct gs_http_exchange *exchange, const struct gs_error *err)
{
    gs_api_render_error_of(exchange, err, gs_http_request_id(exchange));
}

void gs_api_render_error_of(struct gs_http_exchange *exchange, const struct gs_error *err,
                            const char *request_id)
{
    GS_CLEANUP(gs_buf_release) struct gs_buf body = {.max = ANSWER_MAX_BYTES};
    // Refusals are the caller's business; what an operator may have to act on says why.
    if (gs_code_http(err->code) >= 500)
        gs_log(GS_LOG_WARN, "call_failed", GS_F_STR("requestId", request_id),
               GS_F_STR("code", gs_code_text(err->code)), GS_F_STR("error", err->message));
    if (gs_api_write_error(err, request_id, &body, NULL) != GS_OK)
        gs_buf_clear(&body);
    add_retry_after(exchange, err);
    gs_http_respond(exchange, gs_code_http(err->code), "application/json; charset=utf-8", &body);
}

void gs_api_write_errors(struct gs_buf *out)
{
    gs_buf_append_str(out, "# Error codes\n\n"
                           "Every failure is answered with "
                           "`{\"statusCode\",\"error\",\"code\",\"message\",\"details\","
                           "\"requestId\"}`. `code` is stable and has one cause; `message` is for "
                           "a person and may change. Every 503 has a `Retry-After`.\n\n"
                           "| code | status | what it means |\n|---|---|---|\n");
    for (int code = GS_CODE_NONE + 1; code < GS_CODE_COUNT; code++)
        gs_buf_printf(out, "| `%s` | %d | %s |\n", gs_code_text((enum gs_code)code),
                      gs_code_http((enum gs_code)code), gs_code_help((enum gs_code)code));
}
