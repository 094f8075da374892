// Hashes, sealed secrets and signed tokens, all on OpenSSL's EVP interface. Knows nothing of what
// they protect.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_CRYPTO_CRYPTO_H
#define GS_CRYPTO_CRYPTO_H

#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"

enum { GS_SHA256_BYTES = 32, GS_SHA256_HEX = 64, GS_LOCKBOX_KEY_BYTES = 32 };

// Ends the process when there is no memory for OpenSSL's few hundred bytes. Thread-safe.
void gs_sha256(struct gs_slice data, uint8_t out[GS_SHA256_BYTES]);
void gs_sha256_hex(struct gs_slice data, char out[GS_SHA256_HEX + 1]);
// Takes the same time wherever the bytes differ; lengths may be told apart.
bool gs_crypto_equal(struct gs_slice a, struct gs_slice b);
// Overwrites memory that held a secret; not optimised away.
void gs_crypto_wipe(void *data, size_t len);
// Wipes and releases, for GS_CLEANUP and buffers of secrets. Growing a buffer leaves copies behind:
// gs_buf_reserve the whole size before a secret goes in.
void gs_crypto_release_secret(struct gs_buf *buf);

// Seals secrets at rest: AES-256-GCM, a random 96-bit nonce per call. Thread-safe.
struct gs_lockbox;
struct gs_lockbox *gs_lockbox_new(const uint8_t key[GS_LOCKBOX_KEY_BYTES]);
void gs_lockbox_free(struct gs_lockbox *box); // wipes the key
// Appends version byte 1, nonce, ciphertext and tag. context is authenticated, not stored: a value
// sealed for one place (say "git_config:<organization id>") does not open in another.
enum gs_status gs_lockbox_seal(const struct gs_lockbox *box, struct gs_slice plain,
                               struct gs_slice context, struct gs_buf *out,
                               struct gs_error *err) GS_MUST_CHECK;
// Appends the plain text. secret_unreadable when the key or the context is another one, or the
// bytes were changed; out is then as it was.
enum gs_status gs_lockbox_open(const struct gs_lockbox *box, struct gs_slice sealed,
                               struct gs_slice context, struct gs_buf *out,
                               struct gs_error *err) GS_MUST_CHECK;

// An RSA private key. Immutable and thread-safe.
struct gs_rsa_key;
// PEM, PKCS#1 ("RSA PRIVATE KEY") or PKCS#8 ("PRIVATE KEY"); a literal backslash-n counts as a
// newline, CRLF is fine, and white space, quotes or other text around the key do not matter.
// invalid_private_key, with a message that starts with "Invalid GitHub private key format. " and
// then says which: not PEM, encrypted, a public key or certificate, not RSA, under 2048 or over
// 8192 bits, damaged (it is tried out with a signature). The message never contains key material,
// and nobody is ever asked for a passphrase.
enum gs_status gs_rsa_key_parse(struct gs_slice pem, struct gs_rsa_key **out_key,
                                struct gs_error *err) GS_MUST_CHECK;
void gs_rsa_key_free(struct gs_rsa_key *key);
void gs_rsa_key_cleanup(struct gs_rsa_key **key);
// "SHA256:" and the base64 of the SHA-256 of the public key's DER, as GitHub shows it for App keys.
void gs_rsa_key_fingerprint(const struct gs_rsa_key *key, struct gs_buf *out);

// Appends a JWT (RFC 7519) with header {"alg":"RS256","typ":"JWT"} over the given claims, which are
// a JSON object text.
enum gs_status gs_jwt_sign(const struct gs_rsa_key *key, struct gs_slice claims, struct gs_buf *out,
                           struct gs_error *err) GS_MUST_CHECK;

#endif
