// Documents as they lie in the store: named by the SHA-256 of their bytes, compressed by zstd (RFC 8878). Knows nothing of the database.
// SPDX-License-Identifier: Apache-2.0
#include <zstd.h>

#include "crypto/crypto.h"
#include "store/store_internal.h"

// Measured on app documents of 280 KB: level 3 takes a quarter more time to save 3 % of the space.
enum { LEVEL = 1 };

_Static_assert((int)GS_DOCUMENT_ID == (int)GS_SHA256_HEX, "a document's id is its SHA-256");

// Neither C nor zstd promises much about NULL and no bytes.
static const char *bytes_of(struct gs_slice s)
{
    return s.data ? s.data : "";
}

enum gs_status gs_document_pack(struct gs_slice bytes, struct gs_document_blob *out_blob,
                                struct gs_error *err)
{
    if (bytes.len > GS_DOCUMENT_MAX)
        return gs_fail(err, GS_CODE_TOO_LARGE, NULL, "the document has %zu bytes, the limit is %d",
                       bytes.len, GS_DOCUMENT_MAX);
    struct gs_document_blob blob = {.size = bytes.len};
    size_t room = ZSTD_compressBound(bytes.len);
    gs_buf_init(&blob.packed, room);
    char *to = gs_buf_reserve(&blob.packed, room);
    // The frame header then has the size of the content, as it does whenever all is given at once.
    size_t len = to ? ZSTD_compress(to, room, bytes_of(bytes), bytes.len, LEVEL) : 0;
    if (!to || ZSTD_isError(len)) {
        gs_buf_release(&blob.packed);
        return gs_fail(err, GS_CODE_NO_MEMORY, NULL, "not enough memory to compress a document");
    }
    blob.packed.len = len;
    to[len] = 0;
    gs_sha256_hex(gs_slice_of(bytes_of(bytes), bytes.len), blob.id);
    *out_blob = blob;
    return GS_OK;
}

void gs_document_blob_release(struct gs_document_blob *blob)
{
    gs_buf_release(&blob->packed);
}

static bool has_id(struct gs_slice bytes, const char *id)
{
    char actual[GS_SHA256_HEX + 1];
    gs_sha256_hex(bytes, actual);
    return strcmp(actual, id) == 0;
}

static enum gs_status fail_damaged(const char *id, struct gs_error *err)
{
    return gs_fail(err, GS_CODE_STORE_FAILED, NULL, "the stored document %s is damaged", id);
}

enum gs_status gs_document_unpack(struct gs_slice packed, size_t size, const char *id,
                                  struct gs_buf *out, struct gs_error *err)
{
    if (size > GS_DOCUMENT_MAX ||
        ZSTD_getFrameContentSize(bytes_of(packed), packed.len) != (unsigned long long)size)
        return fail_damaged(id, err);
    char *to = gs_buf_reserve(out, size);
    if (!to)
        return gs_buf_check(out, "the document", err);
    size_t len = ZSTD_decompress(to, size, bytes_of(packed), packed.len);
    if (ZSTD_isError(len) || len != size || !has_id(gs_slice_of(to, len), id)) {
        gs_buf_clear(out);
        return fail_damaged(id, err);
    }
    out->len += len;
    to[len] = 0;
    return GS_OK;
}
