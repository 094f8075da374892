// JSON Web Tokens signed with RS256 (RFC 7515, RFC 7519). Knows nothing of the claims.
// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"
#include "crypto/crypto_internal.h"

enum { SIGNATURE_MAX = 1024 };

// Appends to out, which may be left with a part of the token.
static bool append_token(const struct gs_rsa_key *key, struct gs_slice claims, struct gs_buf *out)
{
    size_t start = out->len;
    gs_base64url_encode(GS_SLICE_LIT("{\"alg\":\"RS256\",\"typ\":\"JWT\"}"), out);
    gs_buf_append_char(out, '.');
    gs_base64url_encode(claims, out);
    if (out->failed)
        return false;
    GS_CLEANUP(gs_buf_release) struct gs_buf signature;
    gs_buf_init(&signature, SIGNATURE_MAX);
    if (!gs_rsa_sign(key, gs_slice_of(out->data + start, out->len - start), &signature))
        return false;
    gs_buf_append_char(out, '.');
    gs_base64url_encode(gs_buf_slice(&signature), out);
    return !out->failed;
}

enum gs_status gs_jwt_sign(const struct gs_rsa_key *key, struct gs_slice claims, struct gs_buf *out,
                           struct gs_error *err)
{
    size_t before = out->len;
    if (append_token(key, claims, out))
        return GS_OK;
    gs_buf_truncate(out, before);
    enum gs_status status = gs_buf_check(out, "the token", err);
    return status != GS_OK ? status : gs_fail(err, GS_CODE_INTERNAL, NULL, "cannot sign a token");
}
