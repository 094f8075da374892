// The exchanges with GitHub's API as an App (docs.github.com, "Authenticating as a GitHub App"),
// and what its refusals mean to the person who configured it. Keeps nothing between calls.
// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "host/host_internal.h"
#include "json/json.h"

enum {
    ID_MAX = 64,
    TOKEN_MAX = 4096,
    URL_MAX = 4096,
    CLAIMS_MAX = 256,
    JWT_MAX = 4096,
    ANSWER_MAX_BYTES = 1 << 20,
    QUOTE_MAX = 200,
    // GitHub refuses JWTs from the future and those that live over ten minutes; a minute on either
    // side is for clocks that differ.
    JWT_BACK_S = 60,
    JWT_AHEAD_S = 540,
};

// One call and its answer.
struct call {
    const struct gs_host_account *account;
    const char *method, *path;
    const char *bearer;
    int64_t deadline_ms;
    struct gs_net_response response;
    yyjson_doc *doc;           // NULL: the body is no JSON
    char said[QUOTE_MAX + 32]; // " (the host says: …)" or ""
};

static void release_call(struct call *call)
{
    gs_json_free(call->doc);
    gs_crypto_release_secret(&call->response.body);
}

void gs_github_token_release(struct gs_github_token *token)
{
    if (token->text)
        gs_crypto_wipe(token->text, strlen(token->text));
    free(token->text);
    *token = (struct gs_github_token){0};
}

// ---- Identifiers -----------------------------------------------------------

static bool is_alphanumeric(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool is_id(const char *text)
{
    size_t len = strlen(text);
    if (len == 0 || len > ID_MAX || !is_alphanumeric(text[0]))
        return false;
    for (size_t i = 0; i < len; i++)
        if (!is_alphanumeric(text[i]) && !strchr("._-", text[i]))
            return false;
    return true;
}

enum gs_status gs_github_check_account(const struct gs_host_account *account, struct gs_error *err)
{
    if (!is_id(account->app_id))
        return gs_fail(err, GS_CODE_INVALID_APP_ID, NULL,
                       "Invalid GitHub App ID. It is a number, or a client id of letters, digits, "
                       "dots, underscores and hyphens");
    if (!is_id(account->installation_id))
        return gs_fail(err, GS_CODE_INVALID_INSTALLATION_ID, NULL,
                       "Invalid Installation ID. It is the number at the end of the address of the "
                       "installation's settings");
    return GS_OK;
}

// For messages.
static struct gs_slice api_host(const struct gs_host_account *account)
{
    return gs_host_authority(account->api_url);
}

// ---- One exchange ----------------------------------------------------------

static enum gs_status sign_jwt(const struct gs_host_account *account, struct gs_buf *out,
                               struct gs_error *err)
{
    GS_CLEANUP(gs_buf_release) struct gs_buf claims;
    int64_t now_s = gs_clock_now_ms() / 1000;
    gs_buf_init(&claims, CLAIMS_MAX);
    gs_buf_printf(&claims, "{\"iat\":%lld,\"exp\":%lld,\"iss\":\"%s\"}",
                  (long long)(now_s - JWT_BACK_S), (long long)(now_s + JWT_AHEAD_S),
                  account->app_id);
    enum gs_status status = gs_buf_check(&claims, "the token's claims", err);
    if (status != GS_OK)
        return status;
    return gs_jwt_sign(account->key, gs_buf_slice(&claims), out, err);
}

// The host's own explanation, bounded and on one line.
static void quote_message(struct call *call)
{
    call->said[0] = 0;
    if (!call->doc)
        return;
    struct gs_slice message = gs_json_get_str(yyjson_doc_get_root(call->doc), "message");
    if (message.len > QUOTE_MAX)
        message = gs_slice_trim_utf8(gs_slice_of(message.data, QUOTE_MAX));
    if (message.len == 0)
        return;
    snprintf(call->said, sizeof call->said, " (the host says: %.*s)", GS_SLICE_ARG(message));
    for (char *p = call->said; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = ' ';
}

// call->doc stays NULL when the host sent something else than JSON; the status decides what that
// means.
static void parse_answer(struct call *call)
{
    struct gs_error ignored = GS_ERROR_INIT;
    yyjson_doc *doc = NULL;
    if (gs_json_parse(gs_buf_slice(&call->response.body), "the answer", &doc, &ignored) == GS_OK)
        call->doc = doc;
    gs_error_release(&ignored);
    quote_message(call);
}

static enum gs_status perform(struct gs_net *net, struct call *call, struct gs_error *err)
{
    static const char *const headers[] = {"Accept: application/vnd.github+json",
                                          "X-GitHub-Api-Version: 2022-11-28", NULL};
    GS_CLEANUP(gs_buf_release) struct gs_buf url;
    gs_buf_init(&url, URL_MAX);
    gs_buf_append_str(&url, call->account->api_url);
    gs_buf_append_str(&url, call->path);
    enum gs_status status = gs_buf_check(&url, "the address of the API", err);
    if (status != GS_OK)
        return status;
    const struct gs_net_request request = {.method = call->method,
                                           .url = url.data,
                                           .headers = headers,
                                           .bearer = call->bearer,
                                           // A token that is minted twice is only one more.
                                           .repeatable = true,
                                           .deadline_ms = call->deadline_ms,
                                           .max_response = ANSWER_MAX_BYTES};
    status = gs_net_perform(net, &request, &call->response, err);
    if (status == GS_LIMIT)
        return gs_fail(err, GS_CODE_HOST_FAILED, NULL,
                       "%.*s answered %s %s with more than %d bytes; check the address of the API",
                       GS_SLICE_ARG(api_host(call->account)), call->method, call->path,
                       ANSWER_MAX_BYTES);
    if (status == GS_OK)
        parse_answer(call);
    return status;
}

// The same as the App itself, which a JWT of this moment proves.
static enum gs_status perform_as_app(struct gs_net *net, struct call *call, struct gs_error *err)
{
    GS_CLEANUP(gs_crypto_release_secret) struct gs_buf jwt;
    gs_buf_init(&jwt, JWT_MAX);
    enum gs_status status = sign_jwt(call->account, &jwt, err);
    if (status != GS_OK)
        return status;
    call->bearer = jwt.data;
    status = perform(net, call, err);
    call->bearer = NULL;
    return status;
}

// ---- Refusals --------------------------------------------------------------

static bool is_limited(const struct call *call)
{
    const struct gs_net_response *response = &call->response;
    if (response->status == 429 || (response->status == 503 && response->retry_after_s > 0))
        return true;
    // Secondary limits sometimes come without any header.
    return response->status == 403 &&
           (response->retry_after_s > 0 || response->rate_limit_reset_s > 0 ||
            strcasestr(call->said, "rate limit"));
}

static enum gs_status fail_limited(const struct call *call, struct gs_error *err)
{
    long seconds = gs_net_limit_s(&call->response);
    enum gs_status status = gs_fail(err, GS_CODE_RATE_LIMITED, NULL,
                                    "%.*s limits the calls of this App; try again in %ld s%s",
                                    GS_SLICE_ARG(api_host(call->account)), seconds, call->said);
    if (err)
        err->retry_after_s = seconds;
    return status;
}

static enum gs_status fail_jwt(const struct call *call, struct gs_error *err)
{
    struct gs_slice host = api_host(call->account);
    if (strstr(call->said, "'iat'") || strstr(call->said, "'exp'"))
        return gs_fail(
            err, GS_CODE_INVALID_APP_ID, NULL,
            "Invalid GitHub App ID. %.*s refuses the signed token for its times; check the "
            "clock of this server%s",
            GS_SLICE_ARG(host), call->said);
    return gs_fail(err, GS_CODE_INVALID_APP_ID, NULL,
                   "Invalid GitHub App ID. %.*s does not accept App ID %s with this private key; "
                   "check that both belong to the same App%s",
                   GS_SLICE_ARG(host), call->account->app_id, call->said);
}

static enum gs_status fail_installation(const struct call *call, struct gs_error *err)
{
    // The API answers in JSON; a page that is not found is no word on the installation.
    const char *hint =
        call->doc ? "" : "; the answer is not that of GitHub's API, check its address";
    return gs_fail(err, GS_CODE_INVALID_INSTALLATION_ID, NULL,
                   "Invalid Installation ID. App ID %s has no installation %s on %.*s%s%s",
                   call->account->app_id, call->account->installation_id,
                   GS_SLICE_ARG(api_host(call->account)), hint, call->said);
}

static enum gs_status fail_other(const struct call *call, struct gs_error *err)
{
    const char *hint = "";
    int status = call->response.status;
    if (status >= 300 && status <= 399)
        hint = "; redirects are not followed, give the final address of the API";
    else if (status <= 499 && !call->doc)
        hint = "; the answer is not JSON, check the address of the API";
    else if (status <= 299)
        hint = "; what should be in the answer is missing";
    return gs_fail(err, GS_CODE_HOST_FAILED, NULL, "%.*s answered %d to %s %s%s%s",
                   GS_SLICE_ARG(api_host(call->account)), status, call->method, call->path, hint,
                   call->said);
}

// What an answer means that is not the expected one.
static enum gs_status fail_call(const struct call *call, struct gs_error *err)
{
    if (is_limited(call))
        return fail_limited(call, err);
    if (call->response.status == 401)
        return fail_jwt(call, err);
    if (call->response.status == 403)
        return gs_fail(err, GS_CODE_HOST_DENIED, NULL, "%.*s denies App ID %s this call%s",
                       GS_SLICE_ARG(api_host(call->account)), call->account->app_id, call->said);
    return fail_other(call, err);
}

// ---- Tokens ----------------------------------------------------------------

static bool is_token(struct gs_slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] <= 0x20 || text.data[i] >= 0x7f)
            return false;
    return text.len > 0 && text.len <= TOKEN_MAX;
}

// "2016-07-11T22:14:10Z", a fraction of the second allowed. 0 for anything else.
static int64_t parse_time_ms(struct gs_slice text)
{
    char copy[40];
    struct tm tm = {0};
    if (text.len == 0 || text.len >= sizeof copy)
        return 0;
    memcpy(copy, text.data, text.len);
    copy[text.len] = 0;
    const char *rest = strptime(copy, "%Y-%m-%dT%H:%M:%S", &tm);
    if (rest && *rest == '.')
        rest += 1 + strspn(rest + 1, "0123456789");
    return rest && strcmp(rest, "Z") == 0 ? (int64_t)timegm(&tm) * 1000 : 0;
}

static enum gs_status take_token(const struct call *call, struct gs_github_token *out_token,
                                 struct gs_error *err)
{
    yyjson_val *root = yyjson_doc_get_root(call->doc);
    struct gs_slice token = gs_json_get_str(root, "token");
    if (!is_token(token))
        return fail_other(call, err);
    char *copy = gs_xcalloc(token.len + 1, 1);
    memcpy(copy, token.data, token.len);
    out_token->text = copy;
    out_token->expires_at_ms = parse_time_ms(gs_json_get_str(root, "expires_at"));
    return GS_OK;
}

enum gs_status gs_github_mint(struct gs_net *net, const struct gs_host_account *account,
                              int64_t deadline_ms, struct gs_github_token *out_token,
                              struct gs_error *err)
{
    char path[ID_MAX + 64];
    snprintf(path, sizeof path, "/app/installations/%s/access_tokens", account->installation_id);
    GS_CLEANUP(release_call)
    struct call call = {
        .account = account, .method = "POST", .path = path, .deadline_ms = deadline_ms};
    enum gs_status status = perform_as_app(net, &call, err);
    if (status != GS_OK)
        return status;
    if (call.response.status == 201 || call.response.status == 200)
        return take_token(&call, out_token, err);
    // An App that GitHub does not know is a 404 as well; only the words tell.
    if (call.response.status == 404 && strstr(call.said, "Integration not found"))
        return fail_jwt(&call, err);
    if (call.response.status == 404)
        return fail_installation(&call, err);
    return fail_call(&call, err);
}

// ---- Identity --------------------------------------------------------------

enum gs_status gs_github_slug(struct gs_net *net, const struct gs_host_account *account,
                              int64_t deadline_ms, struct gs_arena *arena, const char **out_slug,
                              struct gs_error *err)
{
    GS_CLEANUP(release_call)
    struct call call = {
        .account = account, .method = "GET", .path = "/app", .deadline_ms = deadline_ms};
    enum gs_status status = perform_as_app(net, &call, err);
    if (status != GS_OK)
        return status;
    if (call.response.status != 200)
        return fail_call(&call, err);
    const char *slug =
        gs_arena_dup_slice(arena, gs_json_get_str(yyjson_doc_get_root(call.doc), "slug"));
    // It goes into a URL and a commit, where only this form cannot mean anything else.
    if (!slug || !is_id(slug))
        return fail_other(&call, err);
    *out_slug = slug;
    return GS_OK;
}

static const char *copy_number(struct gs_arena *arena, yyjson_val *value)
{
    const char *text = yyjson_get_raw(value);
    if (!text || text[strspn(text, "0123456789")])
        return NULL;
    return gs_arena_strdup(arena, text);
}

enum gs_status gs_github_bot_id(struct gs_net *net, const struct gs_host_account *account,
                                const char *slug, const char *token, int64_t deadline_ms,
                                struct gs_arena *arena, const char **out_id, bool *out_refused,
                                struct gs_error *err)
{
    char path[ID_MAX + 64];
    snprintf(path, sizeof path, "/users/%s%%5Bbot%%5D", slug);
    GS_CLEANUP(release_call)
    struct call call = {.account = account,
                        .method = "GET",
                        .path = path,
                        .bearer = token,
                        .deadline_ms = deadline_ms};
    enum gs_status status = perform(net, &call, err);
    if (status != GS_OK)
        return status;
    *out_refused = call.response.status == 401;
    *out_id = NULL;
    if (call.response.status == 200)
        *out_id = copy_number(arena, yyjson_obj_get(yyjson_doc_get_root(call.doc), "id"));
    return GS_OK;
}
