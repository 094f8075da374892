// Documents as they lie in the store: named by the SHA-256 of their bytes, compressed as a zlib stream (RFC 1950). Knows nothing of the database.
// SPDX-License-Identifier: Apache-2.0
//
// zstd would need a fifth less room and a fifth of the time, but git's objects are zlib streams: what is compressed once, when it is saved, is copied
// into the pack of every push. Servers before used zstd (RFC 8878), which is still read.
#include <libdeflate.h>
#include <zstd.h>

#include "crypto/crypto.h"
#include "store/store_internal.h"

// Measured on app documents of 280 KB: a sixth smaller than level 1, on the disk and on each way to git, for a millisecond more at each save.
enum { LEVEL = 6 };

static const char zstd_magic[] = "\x28\xb5\x2f\xfd";

_Static_assert((int)GS_DOCUMENT_ID == (int)GS_SHA256_HEX, "a document's id is its SHA-256");

// Neither C nor zstd promises much about NULL and no bytes.
static const char *bytes_of(struct gs_slice s)
{
    return s.data ? s.data : "";
}

static bool compress(struct gs_slice bytes, struct gs_buf *out)
{
    struct libdeflate_compressor *compressor = libdeflate_alloc_compressor(LEVEL);
    if (!compressor)
        return false;
    size_t room = libdeflate_zlib_compress_bound(compressor, bytes.len);
    gs_buf_init(out, room);
    char *to = gs_buf_reserve(out, room);
    if (to) {
        out->len = libdeflate_zlib_compress(compressor, bytes_of(bytes), bytes.len, to, room);
        to[out->len] = 0;
    }
    libdeflate_free_compressor(compressor);
    return to != NULL;
}

enum gs_status gs_document_pack(struct gs_slice bytes, struct gs_document_blob *out_blob,
                                struct gs_error *err)
{
    if (bytes.len > GS_DOCUMENT_MAX)
        return gs_fail(err, GS_CODE_TOO_LARGE, NULL, "the document has %zu bytes, the limit is %d",
                       bytes.len, GS_DOCUMENT_MAX);
    struct gs_document_blob blob = {.size = bytes.len};
    if (!compress(bytes, &blob.packed))
        return gs_fail(err, GS_CODE_NO_MEMORY, NULL, "not enough memory to compress a document");
    gs_sha256_hex(gs_slice_of(bytes_of(bytes), bytes.len), blob.id);
    *out_blob = blob;
    return GS_OK;
}

void gs_document_blob_release(struct gs_document_blob *blob)
{
    gs_buf_release(&blob->packed);
    gs_buf_release(&blob->summary);
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

bool gs_document_is_zlib(struct gs_slice packed)
{
    return !gs_slice_starts(packed, zstd_magic);
}

// Exactly size bytes.
static bool decompress(struct gs_slice packed, char *to, size_t size)
{
    if (!gs_document_is_zlib(packed))
        return ZSTD_getFrameContentSize(packed.data, packed.len) == size &&
               ZSTD_decompress(to, size, packed.data, packed.len) == size;
    struct libdeflate_decompressor *decompressor = libdeflate_alloc_decompressor();
    bool ok = decompressor && libdeflate_zlib_decompress(decompressor, bytes_of(packed), packed.len,
                                                         to, size, NULL) == LIBDEFLATE_SUCCESS;
    libdeflate_free_decompressor(decompressor);
    return ok;
}

enum gs_status gs_document_unpack(struct gs_slice packed, size_t size, const char *id,
                                  struct gs_buf *out, struct gs_error *err)
{
    if (size > GS_DOCUMENT_MAX)
        return fail_damaged(id, err);
    char *to = gs_buf_reserve(out, size);
    if (!to)
        return gs_buf_check(out, "the document", err);
    if (!decompress(packed, to, size) || !has_id(gs_slice_of(to, size), id)) {
        gs_buf_clear(out);
        return fail_damaged(id, err);
    }
    out->len += size;
    to[size] = 0;
    return GS_OK;
}
