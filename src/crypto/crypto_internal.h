// What the files of this folder share: the private key behind its opaque name, and PEM texts.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_CRYPTO_CRYPTO_INTERNAL_H
#define GS_CRYPTO_CRYPTO_INTERNAL_H

#include <openssl/evp.h>

#include "crypto/crypto.h"

struct gs_rsa_key {
    EVP_PKEY *pkey;
    uint8_t public_hash[GS_SHA256_BYTES]; // of the SubjectPublicKeyInfo in DER
};

// What a PEM text holds.
enum gs_pem_kind {
    GS_PEM_NONE, // it is no PEM
    GS_PEM_PKCS1,
    GS_PEM_PKCS8,
    GS_PEM_ENCRYPTED,
    GS_PEM_OPENSSH,
    GS_PEM_OTHER_KEY, // a private key of an algorithm that is not RSA
    GS_PEM_PUBLIC,
    GS_PEM_CERTIFICATE,
    GS_PEM_OTHER,
    GS_PEM_DAMAGED, // a private key without its end, or with a body that is no base64
};

// Finds the first private key of the text (RFC 7468, and the headers of RFC 1421), else the first
// block of any kind. White space is free, also inside of the base64; a literal backslash-n or
// backslash-r is white space; what stands around the block is passed over. For GS_PEM_PKCS1 and
// GS_PEM_PKCS8 the key's bytes go into der, which the caller wipes.
enum gs_pem_kind gs_pem_read(struct gs_slice text, struct gs_buf *der);

// Appends the RSASSA-PKCS1-v1_5 signature with SHA-256 (RS256). False when the library cannot, or
// out does not take it; out is then as it was.
bool gs_rsa_sign(const struct gs_rsa_key *key, struct gs_slice data, struct gs_buf *out);

#endif
