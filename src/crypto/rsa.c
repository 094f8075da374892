// Reads, judges and uses RSA private keys. Nothing of a key's text or numbers gets into a message.
// SPDX-License-Identifier: Apache-2.0
#include <openssl/decoder.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#include "base/arena.h"
#include "base/text.h"
#include "crypto/crypto_internal.h"

// No key of a GitHub App is near the upper bounds; they keep the cost of a hostile one small.
enum { PEM_MAX = 65536, BITS_MIN = 2048, BITS_MAX = 8192 };

#define ASK_FOR_FILE "paste the whole .pem file that GitHub gave out for the App"

static void free_decoder(OSSL_DECODER_CTX **ctx)
{
    OSSL_DECODER_CTX_free(*ctx);
    ERR_clear_error();
}

static void free_digest(EVP_MD_CTX **ctx)
{
    EVP_MD_CTX_free(*ctx);
    ERR_clear_error();
}

static enum gs_status refuse(struct gs_error *err, const char *why)
{
    return gs_fail(err, GS_CODE_INVALID_PRIVATE_KEY, NULL, "Invalid GitHub private key format. %s",
                   why);
}

static const char *why_unusable(enum gs_pem_kind kind)
{
    switch (kind) {
    case GS_PEM_ENCRYPTED:
        return "The key is encrypted with a passphrase; decrypt it with openssl pkey first";
    case GS_PEM_OPENSSH:
        return "This is an OpenSSH key; " ASK_FOR_FILE;
    case GS_PEM_OTHER_KEY:
        return "The key is not an RSA key; " ASK_FOR_FILE;
    case GS_PEM_PUBLIC:
        return "This is a public key; " ASK_FOR_FILE;
    case GS_PEM_CERTIFICATE:
        return "This is a certificate; " ASK_FOR_FILE;
    case GS_PEM_DAMAGED:
        return "The key is damaged or cut off; " ASK_FOR_FILE;
    default:
        return "The text is not a private key in PEM form; " ASK_FOR_FILE;
    }
}

// Stands in for OpenSSL's prompt on the terminal.
static int refuse_passphrase(char *text, int size, int writing, void *arg)
{
    (void)writing;
    (void)arg;
    if (size > 0)
        text[0] = 0;
    return -1;
}

// The key in DER, of whatever algorithm; NULL when the bytes are no private key.
static EVP_PKEY *decode(enum gs_pem_kind kind, struct gs_slice der)
{
    EVP_PKEY *pkey = NULL;
    bool pkcs1 = kind == GS_PEM_PKCS1;
    GS_CLEANUP(free_decoder)
    OSSL_DECODER_CTX *ctx =
        OSSL_DECODER_CTX_new_for_pkey(&pkey, "DER", pkcs1 ? "type-specific" : "PrivateKeyInfo",
                                      pkcs1 ? "RSA" : NULL, EVP_PKEY_KEYPAIR, NULL, NULL);
    const unsigned char *data = (const unsigned char *)der.data;
    size_t left = der.len;
    if (!ctx || !OSSL_DECODER_CTX_set_pem_password_cb(ctx, refuse_passphrase, NULL) ||
        !OSSL_DECODER_from_data(ctx, &data, &left) || left > 0) {
        EVP_PKEY_free(pkey);
        return NULL;
    }
    return pkey;
}

bool gs_rsa_sign(const struct gs_rsa_key *key, struct gs_slice data, struct gs_buf *out)
{
    GS_CLEANUP(free_digest) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    size_t len = (size_t)EVP_PKEY_get_size(key->pkey);
    unsigned char *to = (unsigned char *)gs_buf_reserve(out, len);
    if (!to)
        return false;
    bool signed_it = ctx && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key->pkey) == 1 &&
                     EVP_DigestSign(ctx, to, &len, (const unsigned char *)data.data, data.len) == 1;
    gs_buf_commit(out, signed_it ? len : 0);
    return signed_it;
}

static bool verifies(const struct gs_rsa_key *key, struct gs_slice data, struct gs_slice signature)
{
    GS_CLEANUP(free_digest) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    return ctx && EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key->pkey) == 1 &&
           EVP_DigestVerify(ctx, (const unsigned char *)signature.data, signature.len,
                            (const unsigned char *)data.data, data.len) == 1;
}

// A changed digit of the text gives a well-formed key with wrong numbers. Only its use shows that.
static bool works(const struct gs_rsa_key *key)
{
    GS_CLEANUP(gs_buf_release) struct gs_buf signature;
    gs_buf_init(&signature, BITS_MAX / 8);
    return gs_rsa_sign(key, GS_SLICE_LIT("probe"), &signature) &&
           verifies(key, GS_SLICE_LIT("probe"), gs_buf_slice(&signature));
}

static bool hash_public_part(struct gs_rsa_key *key)
{
    unsigned char *der = NULL;
    int len = i2d_PUBKEY(key->pkey, &der);
    if (len > 0)
        gs_sha256(gs_slice_of((const char *)der, (size_t)len), key->public_hash);
    OPENSSL_free(der);
    ERR_clear_error();
    return len > 0;
}

static enum gs_status judge(struct gs_rsa_key *key, size_t der_len, struct gs_error *err)
{
    if (!key->pkey)
        return refuse(err, why_unusable(GS_PEM_DAMAGED));
    if (!EVP_PKEY_is_a(key->pkey, "RSA"))
        return refuse(err, why_unusable(GS_PEM_OTHER_KEY));
    int bits = EVP_PKEY_get_bits(key->pkey);
    if (bits < BITS_MIN || bits > BITS_MAX)
        return gs_fail(err, GS_CODE_INVALID_PRIVATE_KEY, NULL,
                       "Invalid GitHub private key format. The key has %d bits; from %d to %d are "
                       "accepted",
                       bits, BITS_MIN, BITS_MAX);
    // The numbers of a true key take 4.5 times the modulus. Longer exponents would cost time.
    bool plausible = der_len <= (size_t)bits / 8 * 5 + 256;
    if (!plausible || !works(key) || !hash_public_part(key))
        return refuse(err, why_unusable(GS_PEM_DAMAGED));
    return GS_OK;
}

enum gs_status gs_rsa_key_parse(struct gs_slice pem, struct gs_rsa_key **out_key,
                                struct gs_error *err)
{
    if (pem.len > PEM_MAX)
        return refuse(err, "The text is too long for a key; " ASK_FOR_FILE);
    GS_CLEANUP(gs_crypto_release_secret) struct gs_buf der;
    gs_buf_init(&der, PEM_MAX);
    enum gs_pem_kind kind = gs_pem_read(pem, &der);
    if (kind != GS_PEM_PKCS1 && kind != GS_PEM_PKCS8)
        return refuse(err, why_unusable(kind));
    struct gs_rsa_key *key = gs_xcalloc(1, sizeof *key);
    key->pkey = decode(kind, gs_buf_slice(&der));
    enum gs_status status = judge(key, der.len, err);
    if (status == GS_OK)
        *out_key = key;
    else
        gs_rsa_key_free(key);
    return status;
}

void gs_rsa_key_free(struct gs_rsa_key *key)
{
    if (!key)
        return;
    EVP_PKEY_free(key->pkey);
    free(key);
}

void gs_rsa_key_cleanup(struct gs_rsa_key **key)
{
    gs_rsa_key_free(*key);
}

void gs_rsa_key_fingerprint(const struct gs_rsa_key *key, struct gs_buf *out)
{
    gs_buf_append_str(out, "SHA256:");
    gs_base64_encode(gs_slice_of((const char *)key->public_hash, sizeof key->public_hash), out);
}
