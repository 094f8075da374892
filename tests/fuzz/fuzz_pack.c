// Packs from a git host, into a mirror. The first byte chooses: 'p' is a pack whose checksum is put right here; anything else is a list of
// entries (two bytes of length, one of type, one of distance, content) that is made into a pack, so that what is inside of the
// compressed streams, deltas above all, is reached too.
// SPDX-License-Identifier: Apache-2.0
#include <openssl/evp.h>
#include <zlib.h>

#include "fuzz.h"
#include "git/git_internal.h"

enum { PACK_MAX = 16 << 20, SUM_LEN = 20, OFS_DELTA = 6, REF_DELTA = 7, ENTRIES_MAX = 100 };

static void add_sum(struct gs_buf *pack)
{
    unsigned char sum[EVP_MAX_MD_SIZE];
    FUZZ_CHECK(EVP_Digest(pack->data, pack->len, sum, NULL, EVP_sha1(), NULL) == 1);
    gs_buf_append(pack, sum, SUM_LEN);
}

static void add_entry_header(struct gs_buf *pack, unsigned type, size_t size)
{
    unsigned byte = type << 4 | (size & 15);
    for (size >>= 4; size > 0; size >>= 7) {
        gs_buf_append_char(pack, (char)(byte | 0x80));
        byte = size & 0x7f;
    }
    gs_buf_append_char(pack, (char)byte);
}

// A delta against a blob of the same pack needs its id.
static void add_base(struct gs_buf *pack, unsigned type, unsigned char distance,
                     struct gs_slice first)
{
    git_oid oid;
    struct gs_error err = GS_ERROR_INIT;
    if (type == OFS_DELTA) {
        gs_buf_append_char(pack, (char)(distance & 0x7f));
    } else if (type == REF_DELTA) {
        FUZZ_MUST(gs_object_id(GIT_OBJECT_BLOB, first, &oid, &err), &err);
        gs_buf_append(pack, oid.id, GIT_OID_RAWSZ);
    }
}

static void add_stream(struct gs_buf *pack, struct gs_slice content)
{
    uLongf len = compressBound(content.len);
    char *to = gs_buf_reserve(pack, len);
    FUZZ_CHECK(to != NULL);
    // Not compressed: what a mutation changes stays in one place.
    FUZZ_CHECK(compress2((Bytef *)to, &len, (const Bytef *)content.data, content.len, 0) == Z_OK);
    gs_buf_commit(pack, len);
}

static void build(struct gs_slice records, struct gs_buf *pack)
{
    struct gs_slice first = GS_SLICE_LIT("");
    unsigned count = 0;
    gs_buf_append(pack, "PACK\0\0\0\2\0\0\0\0", 12);
    while (records.len >= 4 && count < ENTRIES_MAX) {
        const unsigned char *head = (const unsigned char *)records.data;
        size_t len = (size_t)head[0] << 8 | head[1];
        unsigned type = head[2] & 7;
        size_t left = records.len - 4;
        len = len < left ? len : left;
        struct gs_slice content = gs_slice_of(records.data + 4, len);
        if (count == 0)
            first = content;
        add_entry_header(pack, type, content.len);
        add_base(pack, type, head[3], first);
        add_stream(pack, content);
        records = gs_slice_of(content.data + len, left - len);
        count++;
    }
    pack->data[11] = (char)count;
}

static bool take(struct gs_mirror *mirror, struct gs_slice pack, size_t piece)
{
    struct gs_error err = GS_ERROR_INIT;
    struct gs_incoming incoming;
    enum gs_status status = GS_OK;
    gs_incoming_begin(&incoming, mirror, PACK_MAX, INT64_MAX);
    for (size_t at = 0; at < pack.len && status == GS_OK; at += piece) {
        size_t len = pack.len - at < piece ? pack.len - at : piece;
        status = gs_incoming_append(&incoming, gs_slice_of(pack.data + at, len), &err);
    }
    if (status == GS_OK)
        status = gs_incoming_finish(&incoming, &err);
    gs_incoming_release(&incoming);
    if (status == GS_NOMEM) { // libgit2's word for a size in the pack that overflows
        gs_error_release(&err);
        return false;
    }
    return FUZZ_OK(status, &err);
}

void fuzz_one(struct gs_slice input)
{
    GS_CLEANUP(gs_buf_release) struct gs_buf pack;
    gs_buf_init(&pack, PACK_MAX);
    if (input.len == 0)
        return;
    struct gs_slice rest = gs_slice_of(input.data + 1, input.len - 1);
    if (input.data[0] == 'p')
        gs_buf_append_slice(&pack, rest);
    else
        build(rest, &pack);
    if (pack.len == 0)
        return;
    add_sum(&pack);
    struct gs_mirror *mirror = fuzz_mirror();
    bool whole = take(mirror, gs_buf_slice(&pack), pack.len);
    // What was taken once is there; cut anywhere it is the same pack.
    FUZZ_CHECK(take(mirror, gs_buf_slice(&pack), 7) || !whole);
}
