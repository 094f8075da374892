// Makes loose files entries of a pack. What fresh.c compressed is copied as it is: no object is
// compressed twice. Knows nothing of which objects are to be packed.
// SPDX-License-Identifier: Apache-2.0
#include <libdeflate.h>

#include "git/pack_internal.h"

enum { SUM_BYTES = 4 };

static enum gs_status fail_object(const git_oid *oid, struct gs_error *err)
{
    struct gs_oid id;
    gs_oid_from_git(oid, &id);
    return gs_fail(err, GS_CODE_INTERNAL, NULL,
                   "the mirror is damaged: the file of object %s holds something else",
                   gs_oid_wire(&id));
}

// ---- Our own files ---------------------------------------------------------

// Without zlib's own header and sum, which are of the whole file. False for what is no such stream,
// or not of that size, or larger than the memory.
static bool inflate_content(const struct gs_loose_parts *parts, char *to)
{
    size_t used, size;
    struct libdeflate_decompressor *decompressor = libdeflate_alloc_decompressor();
    bool ok =
        decompressor && to &&
        libdeflate_deflate_decompress_ex(decompressor, parts->deflated.data, parts->deflated.len,
                                         to, parts->size, &used, &size) == LIBDEFLATE_SUCCESS;
    libdeflate_free_decompressor(decompressor);
    return ok && used == parts->deflated.len && size == parts->size;
}

// Whether the content alone, as it lies in the file, is the object; and the sum of it that a zlib
// stream ends in.
static bool is_object(const struct gs_loose_parts *parts, const git_oid *oid, uint32_t *out_sum)
{
    git_oid id;
    char *content = malloc(parts->size + 1);
    bool ok = inflate_content(parts, content) &&
              gs_object_id(parts->type, gs_slice_of(content, parts->size), &id, NULL) == GS_OK &&
              git_oid_equal(&id, oid);
    if (ok)
        *out_sum = libdeflate_adler32(1, content, parts->size);
    free(content);
    return ok;
}

static enum gs_status copy(struct gs_pack_writer *writer, const git_oid *oid,
                           const struct gs_loose_parts *parts, uint32_t content_sum,
                           struct gs_error *err)
{
    char header[GS_PACK_ENTRY_MAX], sum[SUM_BYTES];
    size_t header_len = gs_pack_entry_write((int)parts->type, parts->size, header);
    for (int i = 0; i < SUM_BYTES; i++)
        sum[i] = (char)(content_sum >> (24 - 8 * i));
    const struct gs_slice entry[] = {
        gs_slice_of(header, header_len),
        parts->zlib_head,
        parts->deflated,
        gs_slice_of(sum, sizeof sum),
    };
    return gs_pack_writer_add(writer, oid, entry, GS_COUNT(entry), err);
}

// ---- Others ----------------------------------------------------------------

// Reading tells what is torn, the id what was exchanged.
static enum gs_status check_read(struct gs_mirror *mirror, const git_oid *oid,
                                 git_object_t *out_type, struct gs_error *err)
{
    GS_CLEANUP(gs_object_cleanup) git_odb_object *object = NULL;
    if (git_odb_read(&object, mirror->odb, oid) != 0)
        return gs_git_fail_mirror(err, "an object cannot be read");
    git_oid id;
    git_object_t type = git_odb_object_type(object);
    struct gs_slice content = gs_slice_of(git_odb_object_data(object), git_odb_object_size(object));
    enum gs_status status = gs_object_id(type, content, &id, err);
    if (status != GS_OK)
        return status;
    if (!git_oid_equal(&id, oid))
        return fail_object(oid, err);
    *out_type = type;
    return GS_OK;
}

// A file as git writes it has the header in the same compressed block as the content.
static enum gs_status compress_anew(struct gs_pack_writer *writer, struct gs_mirror *mirror,
                                    const git_oid *oid, struct gs_error *err)
{
    git_object_t type;
    struct gs_slice entry;
    enum gs_status status = check_read(mirror, oid, &type, err);
    if (status == GS_OK)
        status = gs_fresh_pack_entry(mirror, oid, type, &entry, err);
    if (status == GS_OK)
        status = gs_pack_writer_add(writer, oid, &entry, 1, err);
    gs_fresh_clear(&mirror->fresh);
    return status;
}

enum gs_status gs_pack_add_loose(struct gs_pack_writer *writer, struct gs_mirror *mirror,
                                 const git_oid *oid, struct gs_error *err)
{
    GS_CLEANUP(gs_buf_release) struct gs_buf file;
    struct gs_loose_parts parts;
    uint32_t sum;
    gs_buf_init(&file, 0);
    if (gs_loose_read_file(mirror->folder, oid, &file) != 0)
        return gs_git_fail_mirror(err, "an object cannot be read");
    if (gs_loose_take_apart(gs_buf_slice(&file), &parts) && is_object(&parts, oid, &sum))
        return copy(writer, oid, &parts, sum, err);
    return compress_anew(writer, mirror, oid, err);
}
