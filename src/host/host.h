// Who lends us a repository: turns a GitHub App's key into installation tokens and tells the App's
// identity.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_HOST_HOST_H
#define GS_HOST_HOST_H

#include "base/arena.h"
#include "base/error.h"
#include "crypto/crypto.h"
#include "net/net.h"

struct gs_hosts;

// Thread-safe; keeps net, which must outlive it.
struct gs_hosts *gs_hosts_new(struct gs_net *net);
void gs_hosts_free(struct gs_hosts *hosts);

// One installation of one App. Views of the caller's memory for the duration of a call.
struct gs_host_account {
    const char *api_url; // "https://api.github.com" or "https://<host>/api/v3", no final slash
    const char *app_id;
    const char *installation_id;
    const struct gs_rsa_key *key;
};

// The default API address for a repository: https://api.github.com for github.com (and
// www.github.com), else <scheme>://<host>[:port]/api/v3.
const char *gs_host_api_url(struct gs_arena *arena, const char *git_url);

// An installation token (docs.github.com: "Generating an installation access token"), from the
// cache while it has at least five minutes left (and for at most 55 minutes, should the wall clock
// be wrong), else minted: JWT with iat 60 s back and exp 9 min ahead. One mint at a time per
// account; those who wait share its result. refresh != NULL names a token that the host has just
// refused: it is dropped from the cache if it still is there. The token is copied into the arena.
// Errors: invalid_github_app_id ("Invalid GitHub App ID. …": 401, or malformed),
// invalid_installation_id ("Invalid Installation ID. …": 404, or malformed), rate_limited with
// retry_after_s (429, and 403 that tells of a limit; until then the host is not asked for this
// account), host_denied (403 else), host_failed (other
// statuses, no JSON, no token), and those of gs_net_perform. None names a field: only the caller
// knows where its ids came from.
enum gs_status gs_host_token(struct gs_hosts *hosts, const struct gs_host_account *account,
                             const char *refresh, int64_t deadline_ms, struct gs_arena *arena,
                             const char **out_token, struct gs_error *err) GS_MUST_CHECK;

// The App's bot as a git identity: "<slug>[bot]" and "<user id>+<slug>[bot]@users.noreply.<host>"
// (without "<user id>+" when the host does not tell the id). GET /app and GET /users/<slug>[bot],
// every time: it does not change, so keep it. Errors as gs_host_token.
struct gs_host_identity {
    const char *slug;
    const char *name;
    const char *email;
};
enum gs_status gs_host_identity(struct gs_hosts *hosts, const struct gs_host_account *account,
                                int64_t deadline_ms, struct gs_arena *arena,
                                struct gs_host_identity *out_identity,
                                struct gs_error *err) GS_MUST_CHECK;

#endif
