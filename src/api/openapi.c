// The route table as an OpenAPI 3.1 description, so that the two cannot disagree.
// SPDX-License-Identifier: Apache-2.0
#include "api/api_internal.h"
#include "base/version.h"

// What a parameter holds, by its name; those that are not here hold any text.
static const struct {
    const char *name, *schema;
} schemas[] = {
    {"createMode", "{\"enum\":[\"git\"]}"},
    {"diff", "{\"type\":\"boolean\"}"},
    {"dryRun", "{\"type\":\"boolean\"}"},
    {"exportAllVersions", "{\"type\":\"boolean\"}"},
    {"limit", "{\"type\":\"integer\",\"minimum\":1}"},
    {"maxDeletions", "{\"type\":\"string\",\"pattern\":\"^[0-9]+%?$\"}"},
    {"onConflict", "{\"enum\":[\"fail\",\"ours\",\"theirs\"]}"},
    {"refresh", "{\"type\":\"boolean\"}"},
    {"state",
     "{\"enum\":[\"queued\",\"running\",\"committed\",\"done\",\"failed\",\"cancelled\"]}"},
};

static const char *find_schema(struct gs_slice name)
{
    for (size_t i = 0; i < GS_COUNT(schemas); i++)
        if (gs_slice_eq_str(name, schemas[i].name))
            return schemas[i].schema;
    return "{\"type\":\"string\"}";
}

static void add_parameter(yyjson_mut_doc *doc, yyjson_mut_val *list, struct gs_slice name,
                          const char *in, bool required)
{
    yyjson_mut_val *item = yyjson_mut_arr_add_obj(doc, list);
    gs_json_add_str(doc, item, "name", name);
    gs_json_add_cstr(doc, item, "in", in);
    if (required)
        yyjson_mut_obj_add_bool(doc, item, "required", true);
    yyjson_mut_obj_add_val(doc, item, "schema", yyjson_mut_raw(doc, find_schema(name)));
}

static void add_headers(yyjson_mut_doc *doc, yyjson_mut_val *list, const struct api_route *row)
{
    if (gs_route_takes_key(row))
        add_parameter(doc, list, GS_SLICE_LIT("Idempotency-Key"), "header", false);
    if (row->flags & ROUTE_PLANNED)
        add_parameter(doc, list, GS_SLICE_LIT("If-Match"), "header", false);
    if (row->flags & ROUTE_ASYNC)
        add_parameter(doc, list, GS_SLICE_LIT("Prefer"), "header", false);
    if (row->flags & ROUTE_STREAM)
        add_parameter(doc, list, GS_SLICE_LIT("Last-Event-ID"), "header", false);
}

static void add_parameters(yyjson_mut_doc *doc, yyjson_mut_val *operation,
                           const struct api_route *row)
{
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, operation, "parameters");
    struct gs_slice path = gs_slice_str(row->pattern);
    while (path.len > 0) {
        struct gs_slice segment = gs_slice_split(&path, '/');
        if (gs_slice_starts(segment, ":"))
            add_parameter(doc, list, gs_slice_of(segment.data + 1, segment.len - 1), "path", true);
    }
    struct gs_slice query = gs_slice_str(row->query);
    while (query.len > 0) {
        struct gs_slice name = gs_slice_split(&query, ' ');
        bool required = name.data[name.len - 1] == '!';
        add_parameter(doc, list, gs_slice_of(name.data, name.len - required), "query", required);
    }
    add_headers(doc, list, row);
}

static enum gs_status add_body(yyjson_mut_doc *doc, yyjson_mut_val *operation,
                               const struct api_route *row, struct gs_error *err)
{
    if (!row->body)
        return GS_OK;
    GS_CLEANUP(gs_json_cleanup) yyjson_doc *schema = NULL;
    enum gs_status status = gs_json_parse(gs_slice_str(row->body), row->pattern, &schema, err);
    if (status != GS_OK)
        return status;
    yyjson_mut_val *body = yyjson_mut_obj_add_obj(doc, operation, "requestBody");
    yyjson_mut_val *content = yyjson_mut_obj_add_obj(doc, body, "content");
    yyjson_mut_val *json = yyjson_mut_obj_add_obj(doc, content, "application/json");
    yyjson_mut_obj_add_val(doc, json, "schema",
                           yyjson_val_mut_copy(doc, yyjson_doc_get_root(schema)));
    return GS_OK;
}

static void add_response(yyjson_mut_doc *doc, yyjson_mut_val *responses, int status,
                         const char *text, const char *content)
{
    char number[8];
    snprintf(number, sizeof number, "%d", status);
    yyjson_mut_val *response = yyjson_mut_obj(doc);
    yyjson_mut_obj_add(responses, yyjson_mut_strcpy(doc, number), response);
    gs_json_add_cstr(doc, response, "description", text);
    if (content)
        yyjson_mut_obj_add_obj(doc, yyjson_mut_obj_add_obj(doc, response, "content"), content);
}

static void add_responses(yyjson_mut_doc *doc, yyjson_mut_val *operation,
                          const struct api_route *row)
{
    yyjson_mut_val *responses = yyjson_mut_obj_add_obj(doc, operation, "responses");
    const char *content = "application/json";
    if (row->flags & (ROUTE_STREAM | ROUTE_METRICS))
        content = row->flags & ROUTE_STREAM ? "text/event-stream" : "text/plain";
    add_response(doc, responses, row->status, row->summary, row->status == 204 ? NULL : content);
    if (row->flags & ROUTE_ASYNC)
        add_response(doc, responses, 202, "with Prefer: respond-async, the operation to ask after",
                     content);
    if (row->flags & ROUTE_STREAM)
        add_response(doc, responses, 204, "nothing comes behind Last-Event-ID any more", NULL);
    yyjson_mut_val *failure = yyjson_mut_obj_add_obj(doc, responses, "default");
    gs_json_add_cstr(doc, failure, "$ref", "#/components/responses/Error");
}

// "/apps/:appId" becomes "/apps/{appId}".
static void write_path(struct gs_buf *out, const char *pattern)
{
    struct gs_slice path = gs_slice_str(pattern + 1);
    while (path.len > 0) {
        struct gs_slice segment = gs_slice_split(&path, '/');
        bool capture = gs_slice_starts(segment, ":");
        gs_buf_append_char(out, '/');
        if (capture)
            gs_buf_printf(out, "{%.*s}", (int)segment.len - 1, segment.data + 1);
        else
            gs_buf_append_slice(out, segment);
    }
}

static enum gs_status add_operation(yyjson_mut_doc *doc, yyjson_mut_val *paths,
                                    const struct api_route *row, struct gs_error *err)
{
    GS_CLEANUP(gs_buf_release) struct gs_buf path = {.max = 1024};
    write_path(&path, row->pattern);
    yyjson_mut_val *item = yyjson_mut_obj_getn(paths, path.data, path.len);
    if (!item) {
        item = yyjson_mut_obj(doc);
        yyjson_mut_obj_add(paths, yyjson_mut_strncpy(doc, path.data, path.len), item);
    }
    char method[16];
    size_t i = 0;
    for (; i < sizeof method - 1 && row->method[i]; i++)
        method[i] = (char)(row->method[i] + ('a' - 'A'));
    method[i] = 0;
    yyjson_mut_val *operation = yyjson_mut_obj(doc);
    yyjson_mut_obj_add(item, yyjson_mut_strcpy(doc, method), operation);
    gs_json_add_cstr(doc, operation, "summary", row->summary);
    if (row->flags & GS_HTTP_PUBLIC)
        yyjson_mut_obj_add_arr(doc, operation, "security");
    add_parameters(doc, operation, row);
    add_responses(doc, operation, row);
    return add_body(doc, operation, row, err);
}

static const char components[] =
    "{\"securitySchemes\":{\"token\":{\"type\":\"apiKey\",\"in\":\"header\","
    "\"name\":\"Authorization\",\"description\":\"Basic <access_token>, the raw token; also "
    "Bearer <access_token>, or HTTP Basic with the token as password\"}},"
    "\"responses\":{\"Error\":{\"description\":\"what went wrong\",\"content\":{"
    "\"application/json\":{\"schema\":{\"type\":\"object\",\"required\":[\"statusCode\",\"error\","
    "\"code\",\"message\",\"details\",\"requestId\"],\"properties\":{\"statusCode\":{"
    "\"type\":\"integer\"},\"error\":{\"type\":\"string\"},\"code\":{\"type\":\"string\"},"
    "\"message\":{\"oneOf\":[{\"type\":\"string\"},{\"type\":\"array\",\"items\":{"
    "\"type\":\"string\"}}]},\"details\":{\"type\":\"array\"},\"requestId\":{"
    "\"type\":\"string\"}}}}}}}}";

static enum gs_status add_components(yyjson_mut_doc *doc, yyjson_mut_val *root,
                                     struct gs_error *err)
{
    GS_CLEANUP(gs_json_cleanup) yyjson_doc *parsed = NULL;
    enum gs_status status = gs_json_parse(gs_slice_str(components), "the components", &parsed, err);
    if (status != GS_OK)
        return status;
    yyjson_mut_obj_add_val(doc, root, "components",
                           yyjson_val_mut_copy(doc, yyjson_doc_get_root(parsed)));
    yyjson_mut_val *security = yyjson_mut_obj_add_arr(doc, root, "security");
    yyjson_mut_obj_add_arr(doc, yyjson_mut_arr_add_obj(doc, security), "token");
    return GS_OK;
}

enum gs_status gs_api_write_openapi(struct gs_buf *out, struct gs_error *err)
{
    GS_CLEANUP(gs_json_cleanup_mut) yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    gs_json_add_cstr(doc, root, "openapi", "3.1.0");
    yyjson_mut_val *info = yyjson_mut_obj_add_obj(doc, root, "info");
    gs_json_add_cstr(doc, info, "title", "gitsync");
    gs_json_add_cstr(doc, info, "version", GS_VERSION);
    yyjson_mut_val *paths = yyjson_mut_obj_add_obj(doc, root, "paths");
    enum gs_status status = GS_OK;
    for (size_t i = 0; status == GS_OK && i < gs_api_table_count; i++)
        status = add_operation(doc, paths, &gs_api_table[i], err);
    if (status == GS_OK)
        status = add_components(doc, root, err);
    return status == GS_OK ? gs_json_write_mut(doc, out, err) : status;
}
