// Who may call: the raw token as Basic (the documented form), as Bearer, or as the password of HTTP's own Basic.
// SPDX-License-Identifier: Apache-2.0
#include "api/api_internal.h"
#include "base/text.h"
#include "crypto/crypto.h"

static const struct gs_token *find_token(const struct gs_api *api, struct gs_slice token)
{
    if (token.len == 0 || token.len > TOKEN_MAX_BYTES)
        return NULL;
    char hex[GS_SHA256_HEX + 1];
    gs_sha256_hex(token, hex);
    const struct gs_token *known = NULL;
    // Every token is compared, so that the time does not tell which one was near.
    for (size_t i = 0; i < api->token_count; i++)
        if (gs_crypto_equal(gs_slice_str(hex), gs_slice_str(api->tokens[i].sha256)))
            known = &api->tokens[i];
    return known;
}

// RFC 7617: base64 of "user:password"; the user is ignored.
static const struct gs_token *find_password(const struct gs_api *api, struct gs_slice credentials)
{
    struct gs_buf plain;
    gs_buf_init(&plain, 2 * TOKEN_MAX_BYTES);
    const struct gs_token *known = NULL;
    if (gs_base64_decode(credentials, &plain)) {
        struct gs_slice password = gs_buf_slice(&plain);
        size_t whole = password.len;
        struct gs_slice user = gs_slice_split(&password, ':');
        known = user.len < whole ? find_token(api, password) : NULL;
    }
    gs_crypto_release_secret(&plain);
    return known;
}

static const struct gs_token *find_caller(const struct gs_api *api, const char *header)
{
    if (!header)
        return NULL;
    struct gs_slice token = gs_slice_trim(gs_slice_str(header));
    struct gs_slice scheme = gs_slice_split(&token, ' ');
    token = gs_slice_trim(token);
    bool basic = gs_slice_ieq_str(scheme, "Basic");
    if (!basic && !gs_slice_ieq_str(scheme, "Bearer"))
        return NULL;
    const struct gs_token *known = find_token(api, token);
    return known || !basic ? known : find_password(api, token);
}

enum gs_status gs_api_admit(void *ctx, struct gs_http_exchange *exchange, struct gs_error *err)
{
    const struct gs_http_route *route = gs_http_route(exchange);
    if (!route || (route->flags & GS_HTTP_PUBLIC))
        return GS_OK;
    const struct gs_token *caller = find_caller(ctx, gs_http_header(exchange, "Authorization"));
    // Who it is, for what is kept for each caller apart.
    if (caller)
        gs_http_set_data(exchange, gs_arena_strdup(gs_http_arena(exchange), caller->sha256));
    if (caller)
        return GS_OK;
    return gs_fail(err, GS_CODE_UNAUTHORIZED, NULL, "Unauthorized");
}
