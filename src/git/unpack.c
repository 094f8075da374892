// Takes a small pack apart in memory (gitformat-pack, version 2) and writes its objects as loose
// files, believing nothing of what it says. Knows nothing of how it came.
// SPDX-License-Identifier: Apache-2.0
#include <zlib.h>

#include "git/pack_internal.h"

// What all objects and deltas of the pack may have together, inflated: eight times the bytes of the
// largest pack that comes here, which JSON seldom reaches. More is left to the indexer.
enum { INFLATED_MAX = 64 << 20 };

// An entry of the pack. A delta has no object until its base is known.
struct item {
    size_t offset;
    int stored_type; // as in the entry's header
    size_t base_offset;
    git_oid base_id;
    bool base_is_elsewhere;   // not in the mirror
    struct gs_slice stream;   // the entry's zlib stream, in the pack
    struct gs_slice inflated; // the object, or the delta
    git_object_t type;        // GIT_OBJECT_INVALID until the object is known
    struct gs_slice content;
    git_oid oid;
};

struct unpacking {
    struct gs_mirror *mirror;
    struct gs_slice pack; // without the trailer
    size_t at;
    struct item items[GS_UNPACK_OBJECTS_MAX];
    size_t count, known;
    size_t inflated;
    bool too_large;
    struct gs_error *err;
};

static enum gs_status fail(struct unpacking *unpacking, const char *what)
{
    return gs_fail(unpacking->err, GS_CODE_HOST_FAILED, NULL,
                   "the git host sent a pack that is damaged: %s", what);
}

// ---- Reading ---------------------------------------------------------------

size_t gs_pack_count_objects(struct gs_slice start)
{
    if (start.len < GS_PACK_HEADER || memcmp(start.data, "PACK\0\0\0\2", 8) != 0)
        return SIZE_MAX;
    size_t count = 0;
    for (size_t i = 8; i < GS_PACK_HEADER; i++)
        count = count << 8 | (unsigned char)start.data[i];
    return count;
}

bool gs_pack_sum_is_right(struct gs_slice file)
{
    unsigned char sum[EVP_MAX_MD_SIZE];
    if (file.len < GS_PACK_TRAILER)
        return false;
    size_t len = file.len - GS_PACK_TRAILER;
    return EVP_Digest(file.data, len, sum, NULL, EVP_sha1(), NULL) == 1 &&
           memcmp(sum, file.data + len, GS_PACK_TRAILER) == 0;
}

// Memory for what is inflated; NULL, with too_large or without, when there is to be none. What no
// object may have is not left to the indexer, which would believe it.
static char *take_memory(struct unpacking *unpacking, size_t size)
{
    if (size > GS_GIT_OBJECT_MAX)
        return NULL;
    if (size > INFLATED_MAX - unpacking->inflated) {
        unpacking->too_large = true;
        return NULL;
    }
    unpacking->inflated += size;
    return malloc(size + 1);
}

// Exactly size bytes, then the end of the stream, which is also where the next entry begins.
static enum gs_status inflate_entry(struct unpacking *unpacking, struct item *item, size_t size)
{
    char *to = take_memory(unpacking, size);
    if (!to)
        return gs_fail(unpacking->err, GS_CODE_NO_MEMORY, NULL, "not enough memory for the pack");
    item->inflated = gs_slice_of(to, size);
    z_stream stream = {0};
    const char *from = unpacking->pack.data + unpacking->at;
    stream.next_in = (Bytef *)from;
    stream.avail_in = (uInt)(unpacking->pack.len - unpacking->at);
    stream.next_out = (Bytef *)to;
    stream.avail_out = (uInt)size;
    int result = inflateInit(&stream);
    if (result == Z_OK)
        result = inflate(&stream, Z_FINISH);
    inflateEnd(&stream);
    if (result != Z_STREAM_END || stream.avail_out != 0)
        return fail(unpacking, "an object cannot be inflated");
    item->stream = gs_slice_of(from, (size_t)((const char *)stream.next_in - from));
    unpacking->at += item->stream.len;
    return GS_OK;
}

static enum gs_status read_item(struct unpacking *unpacking, struct item *item)
{
    struct gs_pack_entry entry;
    if (!gs_pack_entry_read(unpacking->pack, unpacking->at, &entry))
        return fail(unpacking, "an entry has a malformed header");
    *item = (struct item){.offset = unpacking->at,
                          .stored_type = entry.type,
                          .base_offset = entry.base_offset,
                          .base_id = entry.base_id,
                          .type = GIT_OBJECT_INVALID};
    unpacking->at = entry.stream_at;
    return inflate_entry(unpacking, item, entry.size);
}

static enum gs_status read_items(struct unpacking *unpacking)
{
    unpacking->at = GS_PACK_HEADER;
    for (size_t i = 0; i < unpacking->count; i++) {
        enum gs_status status = read_item(unpacking, &unpacking->items[i]);
        if (status != GS_OK)
            return status;
    }
    return unpacking->at == unpacking->pack.len ? GS_OK
                                                : fail(unpacking, "something follows its end");
}

// ---- Deltas ----------------------------------------------------------------

static bool take_size(struct gs_slice *rest, size_t *out_size)
{
    size_t size = 0;
    for (unsigned shift = 0; shift <= 28; shift += 7) {
        if (rest->len == 0)
            return false;
        unsigned char byte = (unsigned char)*rest->data++;
        rest->len--;
        size |= (size_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            *out_size = size;
            return true;
        }
    }
    return false;
}

// The bytes of a number that the bits of an instruction announce, least significant first.
static bool take_number(struct gs_slice *rest, unsigned bits, unsigned count, size_t *out_number)
{
    size_t number = 0;
    for (unsigned i = 0; i < count; i++) {
        if (!(bits >> i & 1))
            continue;
        if (rest->len == 0)
            return false;
        number |= (size_t)(unsigned char)*rest->data++ << (8 * i);
        rest->len--;
    }
    *out_number = number;
    return true;
}

// The bytes that one instruction stands for: from the base, or from the delta itself.
static bool take_piece(struct gs_slice *rest, struct gs_slice base, struct gs_slice *out_piece)
{
    unsigned char op = (unsigned char)*rest->data++;
    size_t offset, size;
    rest->len--;
    if (!(op & 0x80)) {
        *out_piece = gs_slice_of(rest->data, op);
        if (op == 0 || op > rest->len)
            return false;
        *rest = gs_slice_of(rest->data + op, rest->len - op);
        return true;
    }
    if (!take_number(rest, op & 0x0f, 4, &offset) || !take_number(rest, op >> 4 & 7, 3, &size))
        return false;
    size = size ? size : 0x10000;
    if (offset > base.len || size > base.len - offset)
        return false;
    *out_piece = gs_slice_of(base.data + offset, size);
    return true;
}

static enum gs_status apply_delta(struct unpacking *unpacking, struct item *item,
                                  struct gs_slice base)
{
    static const char malformed[] = "a delta is malformed";
    struct gs_slice rest = item->inflated;
    size_t base_size, size, at = 0;
    if (!take_size(&rest, &base_size) || !take_size(&rest, &size) || base_size != base.len)
        return fail(unpacking, malformed);
    char *to = take_memory(unpacking, size);
    if (!to)
        return gs_fail(unpacking->err, GS_CODE_NO_MEMORY, NULL, "not enough memory for the pack");
    item->content = gs_slice_of(to, size);
    while (rest.len > 0) {
        struct gs_slice piece;
        if (!take_piece(&rest, base, &piece) || piece.len > size - at)
            return fail(unpacking, malformed);
        memcpy(to + at, piece.data, piece.len);
        at += piece.len;
    }
    return at == size ? GS_OK : fail(unpacking, malformed);
}

// ---- Objects ---------------------------------------------------------------

// libgit2's hash, unlike object.c's, notices forged collisions.
static enum gs_status know(struct unpacking *unpacking, struct item *item, git_object_t type)
{
    if (git_odb_hash(&item->oid, item->content.data, item->content.len, type) != 0)
        return fail(unpacking, "an object cannot be hashed");
    item->type = type;
    unpacking->known++;
    return GS_OK;
}

static const struct item *find_known(const struct unpacking *unpacking, const struct item *delta)
{
    for (size_t i = 0; i < unpacking->count; i++) {
        const struct item *item = &unpacking->items[i];
        bool is_base = delta->stored_type == GS_PACK_OFS_DELTA
                           ? item->offset == delta->base_offset
                           : git_oid_equal(&item->oid, &delta->base_id);
        if (is_base && item->type != GIT_OBJECT_INVALID)
            return item;
    }
    return NULL;
}

// A thin pack has deltas on what the mirror told that it has.
static enum gs_status resolve_on_mirror(struct unpacking *unpacking, struct item *delta)
{
    size_t size;
    git_object_t type;
    GS_CLEANUP(gs_object_cleanup) git_odb_object *base = NULL;
    if (delta->base_is_elsewhere)
        return GS_OK;
    if (git_odb_read_header(&size, &type, unpacking->mirror->odb, &delta->base_id) != 0) {
        delta->base_is_elsewhere = true; // perhaps it is in the pack, not known yet
        return GS_OK;
    }
    if (size > GS_GIT_FILE_MAX) {
        unpacking->too_large = true;
        return GS_OK;
    }
    if (git_odb_read(&base, unpacking->mirror->odb, &delta->base_id) != 0)
        return gs_git_fail_mirror(unpacking->err, "the base of a delta cannot be read");
    struct gs_slice content = gs_slice_of(git_odb_object_data(base), git_odb_object_size(base));
    enum gs_status status = apply_delta(unpacking, delta, content);
    return status == GS_OK ? know(unpacking, delta, type) : status;
}

static enum gs_status resolve(struct unpacking *unpacking, struct item *item)
{
    if (item->stored_type < GS_PACK_OFS_DELTA) {
        item->content = item->inflated;
        return know(unpacking, item, (git_object_t)item->stored_type);
    }
    const struct item *base = find_known(unpacking, item);
    if (!base)
        return item->stored_type == GS_PACK_REF_DELTA ? resolve_on_mirror(unpacking, item) : GS_OK;
    enum gs_status status = apply_delta(unpacking, item, base->content);
    return status == GS_OK ? know(unpacking, item, base->type) : status;
}

// Bases come before their deltas as a rule, but need not: goes over the pack until nothing more can
// be resolved.
static enum gs_status resolve_all(struct unpacking *unpacking)
{
    size_t before;
    do {
        before = unpacking->known;
        for (size_t i = 0; i < unpacking->count && !unpacking->too_large; i++) {
            struct item *item = &unpacking->items[i];
            enum gs_status status =
                item->type == GIT_OBJECT_INVALID ? resolve(unpacking, item) : GS_OK;
            if (status != GS_OK)
                return status;
        }
    } while (unpacking->known > before && unpacking->known < unpacking->count);
    return unpacking->known == unpacking->count || unpacking->too_large
               ? GS_OK
               : fail(unpacking, "the base of a delta is missing");
}

// What is no delta is compressed already.
static enum gs_status write_item(struct unpacking *unpacking, const struct item *item)
{
    struct gs_mirror *mirror = unpacking->mirror;
    if (git_odb_exists_ext(mirror->odb, &item->oid, GIT_ODB_LOOKUP_NO_REFRESH))
        return GS_OK;
    if (item->stored_type < GS_PACK_OFS_DELTA)
        return gs_loose_write(mirror->folder, &item->oid, item->type, item->content.len,
                              item->stream, unpacking->err);
    return gs_object_write_loose(mirror, item->type, &item->oid, item->content, unpacking->err);
}

static enum gs_status unpack(struct unpacking *unpacking)
{
    enum gs_status status = read_items(unpacking);
    if (status == GS_OK)
        status = resolve_all(unpacking);
    for (size_t i = 0; i < unpacking->count && status == GS_OK && !unpacking->too_large; i++)
        status = write_item(unpacking, &unpacking->items[i]);
    return status;
}

static void release(struct unpacking *unpacking)
{
    for (size_t i = 0; i < unpacking->count; i++) {
        struct item *item = &unpacking->items[i];
        if (item->content.data != item->inflated.data)
            free((char *)item->content.data);
        free((char *)item->inflated.data);
    }
    free(unpacking);
}

enum gs_status gs_unpack(struct gs_mirror *mirror, struct gs_slice pack, bool *out_done,
                         struct gs_error *err)
{
    struct unpacking *unpacking = gs_xcalloc(1, sizeof *unpacking);
    size_t count = gs_pack_count_objects(pack);
    unpacking->mirror = mirror;
    unpacking->err = err;
    enum gs_status status;
    if (count > GS_UNPACK_OBJECTS_MAX || pack.len < GS_PACK_HEADER + GS_PACK_TRAILER ||
        !gs_pack_sum_is_right(pack)) {
        status = fail(unpacking, "it is not whole");
    } else {
        unpacking->count = count;
        unpacking->pack = gs_slice_of(pack.data, pack.len - GS_PACK_TRAILER);
        status = unpack(unpacking);
    }
    if (unpacking->too_large) {
        if (status != GS_OK && err)
            gs_error_release(err);
        status = GS_OK;
    }
    if (status == GS_OK)
        *out_done = !unpacking->too_large;
    release(unpacking);
    return status;
}
