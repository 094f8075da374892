// What the files that read and write packs share (gitformat-pack, versions 2). Nobody else includes it.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_GIT_PACK_INTERNAL_H
#define GS_GIT_PACK_INTERNAL_H

#include <openssl/evp.h>
#include <stdio.h>

#include "git/git_internal.h"

// With more packs than this in a mirror the small ones are packed again as one, so that a look-up never asks hundreds.
enum { GS_PACKS_MAX = 32 };

enum {
    GS_PACK_HEADER = 12,
    GS_PACK_TRAILER = 20,
    GS_PACK_ENTRY_MAX = 32, // bytes in front of the zlib stream of an entry that we write
};

// What is said of the type of an entry, besides git_object_t.
enum { GS_PACK_OFS_DELTA = 6, GS_PACK_REF_DELTA = 7 };

// ---- unpack.c --------------------------------------------------------------

// Whether a pack or an index ends in its own SHA-1.
bool gs_pack_sum_is_right(struct gs_slice file);

// ---- pack_entry.c ----------------------------------------------------------

// What stands in front of the zlib stream of an entry.
struct gs_pack_entry {
    int type;           // commit to tag, or one of the deltas
    size_t size;        // inflated, of the object or the delta
    size_t base_offset; // of the base of an offset delta, in the same pack
    git_oid base_id;    // of the base of a reference delta
    size_t stream_at;   // where the zlib stream begins
};

// Reads the entry at an offset. False when it is malformed; the base is in front of it, if anywhere.
bool gs_pack_entry_read(struct gs_slice pack, size_t at, struct gs_pack_entry *out_entry);
// Both give the number of bytes. An offset delta has the distance to its base behind the header.
size_t gs_pack_entry_write(int type, size_t size, char out[GS_PACK_ENTRY_MAX]);
size_t gs_pack_entry_write_delta(size_t size, uint64_t distance, char out[GS_PACK_ENTRY_MAX]);

// ---- pack_write.c ----------------------------------------------------------

// An object of a pack that is being written.
struct gs_packed {
    git_oid oid;
    uint32_t crc;
    uint64_t offset;
};

// A file that ends in the SHA-1 of all that is in front.
struct gs_summed {
    FILE *file;
    EVP_MD_CTX *sum;
};

// A pack and its index, new.pack and new.idx of a folder. Nothing is synced: what a power cut tears
// is noticed when it is read.
struct gs_pack_writer {
    const char *folder; // the caller's
    struct gs_summed pack;
    uint64_t offset; // where the next entry begins
    struct gs_packed *objects;
    size_t count, expected;
    uint64_t large_from; // offsets from here on go into the index's table of large ones
    struct gs_oid name;  // when it is finished
};

// For exactly so many objects. Release it in every case. Errors of all: store_failed.
enum gs_status gs_pack_writer_begin(struct gs_pack_writer *writer, const char *folder,
                                    size_t expected, struct gs_error *err) GS_MUST_CHECK;
// An entry from parts; no object twice.
enum gs_status gs_pack_writer_add(struct gs_pack_writer *writer, const git_oid *oid,
                                  const struct gs_slice *parts, size_t count,
                                  struct gs_error *err) GS_MUST_CHECK;
// Writes the trailer and the index.
enum gs_status gs_pack_writer_finish(struct gs_pack_writer *writer,
                                     struct gs_error *err) GS_MUST_CHECK;
void gs_pack_writer_release(struct gs_pack_writer *writer);
// Makes <stem>.pack and <stem>.idx the mirror's, by the name that git gives them: pack-<name>. store_failed.
enum gs_status gs_pack_move(const char *stem, const char *name, const char *mirror_folder,
                            struct gs_error *err) GS_MUST_CHECK;

// ---- pack_loose.c ----------------------------------------------------------

// Adds the object of a loose file, after it was checked against its id. Errors: internal when it is
// another one or damaged, store_failed.
enum gs_status gs_pack_add_loose(struct gs_pack_writer *writer, struct gs_mirror *mirror,
                                 const git_oid *oid, struct gs_error *err) GS_MUST_CHECK;

// ---- pack_merge.c ----------------------------------------------------------

// Larger packs are left as they are; and so many objects are held in mind at once.
enum { GS_MERGE_PACK_MAX = 64 << 20, GS_MERGE_OBJECTS_MAX = 100000 };

struct gs_merge_entry;
struct gs_merge_pack;

// Packs that are to become one. Everything lives in the arena but the map.
struct gs_merge {
    struct gs_arena *arena;
    struct gs_map by_id;         // to the entry that is copied
    struct gs_merge_pack *packs; // in the order in which they were added
    struct gs_merge_pack **end;
};

// How many objects, at most, the pack has whose index has so many bytes.
size_t gs_merge_estimate(uint64_t index_bytes);

void gs_merge_init(struct gs_merge *merge, struct gs_arena *arena);
// Reads the index of a pack, named by its path without the suffix. Errors of both: internal.
enum gs_status gs_merge_add(struct gs_merge *merge, const char *stem,
                            struct gs_error *err) GS_MUST_CHECK;
// Copies what they have to a pack for by_id.count objects, each object once and nothing inflated.
// Holds one of the packs in memory. Ends early, with GS_OK, when goes_on says so.
enum gs_status gs_merge_copy(struct gs_merge *merge, struct gs_pack_writer *writer,
                             bool (*goes_on)(void *arg), void *arg,
                             struct gs_error *err) GS_MUST_CHECK;
void gs_merge_release(struct gs_merge *merge);

#endif
