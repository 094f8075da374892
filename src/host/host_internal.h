// What the files of this folder share: one exchange with GitHub each, without any cache. Not for
// other folders.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_HOST_HOST_INTERNAL_H
#define GS_HOST_HOST_INTERNAL_H

#include "host/host.h"

// Host and port of a URL, as written there.
struct gs_slice gs_host_authority(const char *url);
// Where the host takes mail for people who do not show their address: "users.noreply.github.com",
// and the same under its own name for any other.
const char *gs_host_noreply_domain(struct gs_arena *arena, const char *api_url);

// An installation token fresh from the host.
struct gs_github_token {
    char *text;            // on the heap, a secret: gs_github_token_release
    int64_t expires_at_ms; // by the host's word, as wall time; 0 when it did not say
};

void gs_github_token_release(struct gs_github_token *token);

// Whether the ids can be part of a URL and a JWT at all: 1 to 64 of A-Z a-z 0-9 . _ -, the first a
// letter or digit. invalid_github_app_id or invalid_installation_id.
enum gs_status gs_github_check_account(const struct gs_host_account *account,
                                       struct gs_error *err) GS_MUST_CHECK;

// POST /app/installations/{id}/access_tokens. The errors are those of gs_host_token.
enum gs_status gs_github_mint(struct gs_net *net, const struct gs_host_account *account,
                              int64_t deadline_ms, struct gs_github_token *out_token,
                              struct gs_error *err) GS_MUST_CHECK;

// GET /app: the App's slug, in the arena.
enum gs_status gs_github_slug(struct gs_net *net, const struct gs_host_account *account,
                              int64_t deadline_ms, struct gs_arena *arena, const char **out_slug,
                              struct gs_error *err) GS_MUST_CHECK;

// GET /users/{slug}[bot]: the bot's user id as decimal text in the arena, or NULL when the host
// does not tell. out_refused says that it was the token that the host did not accept (401). Fails
// only when no answer came.
enum gs_status gs_github_bot_id(struct gs_net *net, const struct gs_host_account *account,
                                const char *slug, const char *token, int64_t deadline_ms,
                                struct gs_arena *arena, const char **out_id, bool *out_refused,
                                struct gs_error *err) GS_MUST_CHECK;

#endif
