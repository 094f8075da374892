// SHA-256, and handling of memory that holds secrets.
// SPDX-License-Identifier: Apache-2.0
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/text.h"
#include "crypto/crypto.h"

void gs_sha256(struct gs_slice data, uint8_t out[GS_SHA256_BYTES])
{
    // It can only fail for a few hundred bytes of memory, and a wrong hash must never be returned.
    if (EVP_Digest(data.data, data.len, out, NULL, EVP_sha256(), NULL) != 1)
        abort();
}

void gs_sha256_hex(struct gs_slice data, char out[GS_SHA256_HEX + 1])
{
    uint8_t hash[GS_SHA256_BYTES];
    gs_sha256(data, hash);
    gs_hex_encode(hash, sizeof hash, out);
}

bool gs_crypto_equal(struct gs_slice a, struct gs_slice b)
{
    return a.len == b.len && (a.len == 0 || CRYPTO_memcmp(a.data, b.data, a.len) == 0);
}

void gs_crypto_wipe(void *data, size_t len)
{
    OPENSSL_cleanse(data, len);
}

void gs_crypto_release_secret(struct gs_buf *buf)
{
    if (buf->data)
        OPENSSL_cleanse(buf->data, buf->cap);
    gs_buf_release(buf);
}
