// AES-256-GCM over single values. The form of a sealed value: version 1 (one byte), nonce (12),
// ciphertext (as long as the plain text), tag (16).
// SPDX-License-Identifier: Apache-2.0
#include <limits.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "base/arena.h"
#include "base/random.h"
#include "crypto/crypto.h"

enum { VERSION = 1, NONCE_BYTES = 12, TAG_BYTES = 16, OVERHEAD = 1 + NONCE_BYTES + TAG_BYTES };

struct gs_lockbox {
    uint8_t key[GS_LOCKBOX_KEY_BYTES];
};

struct gs_lockbox *gs_lockbox_new(const uint8_t key[GS_LOCKBOX_KEY_BYTES])
{
    struct gs_lockbox *box = gs_xcalloc(1, sizeof *box);
    memcpy(box->key, key, sizeof box->key);
    return box;
}

void gs_lockbox_free(struct gs_lockbox *box)
{
    if (!box)
        return;
    gs_crypto_wipe(box, sizeof *box);
    free(box);
}

static void free_context(EVP_CIPHER_CTX **ctx)
{
    EVP_CIPHER_CTX_free(*ctx);
    ERR_clear_error();
}

// Runs the cipher over in. The tag is read when opening and written when sealing. OpenSSL counts in
// int.
static bool run(const struct gs_lockbox *box, bool sealing, const uint8_t *nonce,
                struct gs_slice context, struct gs_slice in, uint8_t *out, uint8_t *tag)
{
    if (in.len > INT_MAX || context.len > INT_MAX)
        return false;
    GS_CLEANUP(free_context) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n;
    uint8_t *end = out + in.len;
    if (!ctx || EVP_CipherInit_ex2(ctx, EVP_aes_256_gcm(), box->key, nonce, sealing, NULL) != 1)
        return false;
    if (!sealing && EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, tag) != 1)
        return false;
    if (context.len > 0 &&
        EVP_CipherUpdate(ctx, NULL, &n, (const uint8_t *)context.data, (int)context.len) != 1)
        return false;
    if (in.len > 0 && EVP_CipherUpdate(ctx, out, &n, (const uint8_t *)in.data, (int)in.len) != 1)
        return false;
    if (EVP_CipherFinal_ex(ctx, end, &n) != 1)
        return false;
    return !sealing || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, tag) == 1;
}

enum gs_status gs_lockbox_seal(const struct gs_lockbox *box, struct gs_slice plain,
                               struct gs_slice context, struct gs_buf *out, struct gs_error *err)
{
    if (plain.len > INT_MAX)
        return gs_fail(err, GS_CODE_TOO_LARGE, NULL, "the secret is too large to be sealed");
    uint8_t *sealed = (uint8_t *)gs_buf_reserve(out, plain.len + OVERHEAD);
    if (!sealed)
        return gs_buf_check(out, "the sealed secret", err);
    uint8_t *nonce = sealed + 1, *text = nonce + NONCE_BYTES;
    sealed[0] = VERSION;
    gs_random_bytes(nonce, NONCE_BYTES);
    if (!run(box, true, nonce, context, plain, text, text + plain.len)) {
        gs_buf_commit(out, 0);
        return gs_fail(err, GS_CODE_INTERNAL, NULL, "cannot seal a secret");
    }
    gs_buf_commit(out, plain.len + OVERHEAD);
    return GS_OK;
}

enum gs_status gs_lockbox_open(const struct gs_lockbox *box, struct gs_slice sealed,
                               struct gs_slice context, struct gs_buf *out, struct gs_error *err)
{
    if (sealed.len < OVERHEAD || sealed.data[0] != VERSION)
        return gs_fail(err, GS_CODE_SECRET_UNREADABLE, NULL, "the sealed secret is damaged");
    struct gs_slice text = {sealed.data + 1 + NONCE_BYTES, sealed.len - OVERHEAD};
    char *plain = gs_buf_reserve(out, text.len);
    if (!plain)
        return gs_buf_check(out, "the secret", err);
    uint8_t tag[TAG_BYTES];
    memcpy(tag, text.data + text.len, sizeof tag);
    if (!run(box, false, (const uint8_t *)sealed.data + 1, context, text, (uint8_t *)plain, tag)) {
        gs_crypto_wipe(plain, text.len);
        gs_buf_commit(out, 0);
        return gs_fail(
            err, GS_CODE_SECRET_UNREADABLE, NULL,
            "the secret was sealed with another LOCKBOX_MASTER_KEY or for another place, "
            "or it is damaged");
    }
    gs_buf_commit(out, text.len);
    return GS_OK;
}
