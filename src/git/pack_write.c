// Writes a pack from finished entries, and its index (gitformat-pack, both version 2). Knows nothing
// of where the entries come from.
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <libdeflate.h>
#include <unistd.h>

#include "base/text.h"
#include "git/pack_internal.h"

enum { FAN = 256, INDEX_VERSION = 2, PACK_VERSION = 2 };

// The highest bit of an offset in 32 bits says that it is a place in the table of large ones.
static const uint32_t is_large = 0x80000000;

static enum gs_status fail(const struct gs_pack_writer *writer, struct gs_error *err)
{
    return gs_fail(err, GS_CODE_STORE_FAILED, NULL, "cannot write a pack in %s: %s", writer->folder,
                   strerror(errno));
}

// ---- Files with a sum ------------------------------------------------------

static bool open_summed(struct gs_summed *summed, const char *folder, const char *name)
{
    char path[GS_GIT_PATH_MAX];
    if (!gs_disk_join(path, folder, name)) {
        errno = ENAMETOOLONG;
        return false;
    }
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    summed->file = fdopen(fd, "w");
    if (!summed->file) {
        close(fd);
        return false;
    }
    summed->sum = EVP_MD_CTX_new();
    errno = ENOTSUP;
    return summed->sum && EVP_DigestInit_ex(summed->sum, EVP_sha1(), NULL) == 1;
}

static bool put(struct gs_summed *summed, const void *data, size_t len)
{
    return EVP_DigestUpdate(summed->sum, data, len) == 1 &&
           fwrite(data, 1, len, summed->file) == len;
}

// Most significant bytes first.
static bool put_number(struct gs_summed *summed, uint64_t number, size_t bytes)
{
    unsigned char out[sizeof number];
    for (size_t i = 0; i < bytes; i++)
        out[i] = (unsigned char)(number >> (8 * (bytes - 1 - i)));
    return put(summed, out, bytes);
}

static void release_summed(struct gs_summed *summed)
{
    if (summed->file)
        (void)fclose(summed->file); // of one that was not finished
    EVP_MD_CTX_free(summed->sum);
    *summed = (struct gs_summed){0};
}

// With the sum as the file's end.
static bool close_summed(struct gs_summed *summed, unsigned char out_sum[EVP_MAX_MD_SIZE])
{
    bool ok = EVP_DigestFinal_ex(summed->sum, out_sum, NULL) == 1 &&
              fwrite(out_sum, 1, GS_PACK_TRAILER, summed->file) == GS_PACK_TRAILER;
    ok = fclose(summed->file) == 0 && ok;
    summed->file = NULL;
    return ok;
}

// ---- The pack --------------------------------------------------------------

enum gs_status gs_pack_writer_begin(struct gs_pack_writer *writer, const char *folder,
                                    size_t expected, struct gs_error *err)
{
    *writer = (struct gs_pack_writer){.folder = folder,
                                      .objects = gs_xcalloc(expected, sizeof *writer->objects),
                                      .expected = expected,
                                      .offset = GS_PACK_HEADER,
                                      .large_from = is_large};
    bool ok = open_summed(&writer->pack, folder, "new.pack") && put(&writer->pack, "PACK", 4) &&
              put_number(&writer->pack, PACK_VERSION, 4) && put_number(&writer->pack, expected, 4);
    return ok ? GS_OK : fail(writer, err);
}

enum gs_status gs_pack_writer_add(struct gs_pack_writer *writer, const git_oid *oid,
                                  const struct gs_slice *parts, size_t count, struct gs_error *err)
{
    assert(writer->count < writer->expected);
    uint32_t crc = 0;
    uint64_t offset = writer->offset;
    for (size_t i = 0; i < count; i++) {
        if (!put(&writer->pack, parts[i].data, parts[i].len))
            return fail(writer, err);
        crc = libdeflate_crc32(crc, parts[i].data, parts[i].len);
        writer->offset += parts[i].len;
    }
    writer->objects[writer->count++] =
        (struct gs_packed){.oid = *oid, .crc = crc, .offset = offset};
    return GS_OK;
}

void gs_pack_writer_release(struct gs_pack_writer *writer)
{
    release_summed(&writer->pack);
    free(writer->objects);
    writer->objects = NULL;
}

// ---- The index -------------------------------------------------------------

static int compare_ids(const void *a, const void *b)
{
    const struct gs_packed *left = a, *right = b;
    return git_oid_cmp(&left->oid, &right->oid);
}

// How many ids begin with each byte or a lower one.
static bool put_fanout(struct gs_summed *index, const struct gs_pack_writer *writer)
{
    bool ok = true;
    size_t below = 0;
    for (unsigned byte = 0; byte < FAN && ok; byte++) {
        while (below < writer->count && writer->objects[below].oid.id[0] <= byte)
            below++;
        ok = put_number(index, below, 4);
    }
    return ok;
}

static bool put_offsets(struct gs_summed *index, const struct gs_pack_writer *writer)
{
    bool ok = true;
    uint32_t large = 0;
    for (size_t i = 0; i < writer->count && ok; i++) {
        uint64_t offset = writer->objects[i].offset;
        ok = put_number(index, offset < writer->large_from ? offset : is_large | large++, 4);
    }
    for (size_t i = 0; i < writer->count && ok; i++)
        if (writer->objects[i].offset >= writer->large_from)
            ok = put_number(index, writer->objects[i].offset, 8);
    return ok;
}

static bool put_index(struct gs_summed *index, const struct gs_pack_writer *writer,
                      const unsigned char pack_sum[GS_PACK_TRAILER])
{
    bool ok = put(index, "\377tOc", 4) && put_number(index, INDEX_VERSION, 4) &&
              put_fanout(index, writer);
    for (size_t i = 0; i < writer->count && ok; i++)
        ok = put(index, writer->objects[i].oid.id, GIT_OID_RAWSZ);
    for (size_t i = 0; i < writer->count && ok; i++)
        ok = put_number(index, writer->objects[i].crc, 4);
    return ok && put_offsets(index, writer) && put(index, pack_sum, GS_PACK_TRAILER);
}

enum gs_status gs_pack_writer_finish(struct gs_pack_writer *writer, struct gs_error *err)
{
    assert(writer->count == writer->expected);
    unsigned char pack_sum[EVP_MAX_MD_SIZE], index_sum[EVP_MAX_MD_SIZE];
    struct gs_summed index = {0};
    qsort(writer->objects, writer->count, sizeof *writer->objects, compare_ids);
    bool ok = close_summed(&writer->pack, pack_sum) &&
              open_summed(&index, writer->folder, "new.idx") &&
              put_index(&index, writer, pack_sum) && close_summed(&index, index_sum);
    enum gs_status status = ok ? GS_OK : fail(writer, err);
    release_summed(&index);
    if (ok)
        gs_hex_encode(pack_sum, GS_PACK_TRAILER, writer->name.hex);
    return status;
}

// The index comes last: without it the pack is not seen.
enum gs_status gs_pack_move(const char *stem, const char *name, const char *mirror_folder,
                            struct gs_error *err)
{
    static const char *const suffixes[] = {"pack", "idx"};
    for (size_t i = 0; i < GS_COUNT(suffixes); i++) {
        char from[GS_GIT_PATH_MAX + 64], to[GS_GIT_PATH_MAX + 64];
        snprintf(from, sizeof from, "%s.%s", stem, suffixes[i]);
        snprintf(to, sizeof to, "%s/objects/pack/pack-%s.%s", mirror_folder, name, suffixes[i]);
        if (rename(from, to) != 0)
            return gs_fail(err, GS_CODE_STORE_FAILED, NULL, "cannot move %s: %s", from,
                           strerror(errno));
    }
    return GS_OK;
}
