// What stands in front of the zlib stream of a pack's entry (gitformat-pack), read without belief
// and written. Knows nothing of files.
// SPDX-License-Identifier: Apache-2.0
#include "git/pack_internal.h"

// ---- Reading ---------------------------------------------------------------

static bool next_byte(struct gs_slice pack, size_t *at, unsigned char *out_byte)
{
    if (*at >= pack.len)
        return false;
    *out_byte = (unsigned char)pack.data[(*at)++];
    return true;
}

// Three bits of type and the size, least significant bits first.
static bool read_type_and_size(struct gs_slice pack, size_t *at, struct gs_pack_entry *entry)
{
    unsigned char byte;
    if (!next_byte(pack, at, &byte))
        return false;
    entry->type = byte >> 4 & 7;
    entry->size = byte & 15;
    for (unsigned shift = 4; byte & 0x80; shift += 7) {
        if (shift > 32 || !next_byte(pack, at, &byte))
            return false;
        entry->size |= (size_t)(byte & 0x7f) << shift;
    }
    return true;
}

// How far back the base is: each further byte adds one besides its bits.
static bool read_base_offset(struct gs_slice pack, size_t offset, size_t *at,
                             struct gs_pack_entry *entry)
{
    unsigned char byte;
    if (!next_byte(pack, at, &byte))
        return false;
    size_t distance = byte & 0x7f;
    while (byte & 0x80) {
        if (distance > pack.len || !next_byte(pack, at, &byte))
            return false;
        distance = (distance + 1) << 7 | (byte & 0x7f);
    }
    if (distance == 0 || distance > offset)
        return false;
    entry->base_offset = offset - distance;
    return true;
}

static bool read_base_id(struct gs_slice pack, size_t *at, struct gs_pack_entry *entry)
{
    if (pack.len - *at < GIT_OID_RAWSZ)
        return false;
    memcpy(entry->base_id.id, pack.data + *at, GIT_OID_RAWSZ);
    *at += GIT_OID_RAWSZ;
    return true;
}

bool gs_pack_entry_read(struct gs_slice pack, size_t at, struct gs_pack_entry *out_entry)
{
    struct gs_pack_entry entry = {0};
    size_t offset = at;
    bool ok = read_type_and_size(pack, &at, &entry);
    if (ok && entry.type == GS_PACK_OFS_DELTA)
        ok = read_base_offset(pack, offset, &at, &entry);
    else if (ok && entry.type == GS_PACK_REF_DELTA)
        ok = read_base_id(pack, &at, &entry);
    else if (ok)
        ok = git_object_typeisloose((git_object_t)entry.type);
    if (!ok)
        return false;
    entry.stream_at = at;
    *out_entry = entry;
    return true;
}

// ---- Writing ---------------------------------------------------------------

size_t gs_pack_entry_write(int type, size_t size, char out[GS_PACK_ENTRY_MAX])
{
    size_t n = 0;
    unsigned byte = (unsigned)type << 4 | (size & 15);
    for (size >>= 4; size > 0; size >>= 7) {
        out[n++] = (char)(byte | 0x80);
        byte = size & 0x7f;
    }
    out[n++] = (char)byte;
    return n;
}

// Most significant bits first, and one less for each further byte.
static size_t write_distance(uint64_t distance, char *out)
{
    char digits[sizeof distance * 8 / 7 + 1];
    size_t at = sizeof digits;
    digits[--at] = (char)(distance & 0x7f);
    while (distance >>= 7)
        digits[--at] = (char)(0x80 | (--distance & 0x7f));
    memcpy(out, digits + at, sizeof digits - at);
    return sizeof digits - at;
}

size_t gs_pack_entry_write_delta(size_t size, uint64_t distance, char out[GS_PACK_ENTRY_MAX])
{
    size_t n = gs_pack_entry_write(GS_PACK_OFS_DELTA, size, out);
    return n + write_distance(distance, out + n);
}
