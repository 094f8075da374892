// Copies the entries of several packs into one, as they are compressed and deltified. Reads packs
// and their indexes (gitformat-pack, version 2) without belief. Knows nothing of which packs.
// SPDX-License-Identifier: Apache-2.0
//
// Every delta is written as one on an offset, and its base before it. So no chain of deltas can be
// closed to a ring, whichever of two packs with the same object has it copied.
#include "base/files.h"
#include "git/pack_internal.h"

enum { FAN = 256, INDEX_HEADER = 8, IDS_AT = INDEX_HEADER + 4 * FAN, INDEX_PER_OBJECT = 28 };
enum { INDEX_MAX = IDS_AT + (GS_MERGE_OBJECTS_MAX + 100) * INDEX_PER_OBJECT };

struct gs_merge_entry {
    git_oid oid;
    size_t offset, end;           // in its pack
    struct gs_merge_entry *first; // the same object in the first pack that has it
    struct gs_merge_entry *next;  // of a chain that is being copied
    uint64_t copied_to;           // the offset in the new pack; 0: not there yet
    bool in_chain;
};

struct gs_merge_pack {
    struct gs_merge_pack *next;
    const char *stem;
    struct gs_merge_entry *entries;    // by id
    struct gs_merge_entry **by_offset; // the same
    size_t count;
    char sum[GS_PACK_TRAILER]; // what the index says that the pack ends in
};

// A pack that is being copied.
struct copying {
    struct gs_merge_pack *pack;
    struct gs_slice bytes; // of the pack, without its sum
    struct gs_pack_writer *writer;
    struct gs_error *err;
};

static enum gs_status fail(const char *stem, const char *what, struct gs_error *err)
{
    return gs_fail(err, GS_CODE_INTERNAL, NULL, "the mirror is damaged: %s of the pack %s", what,
                   stem);
}

// A file of ours, with a sum at its end.
static enum gs_status read_summed(const char *stem, const char *suffix, struct gs_buf *out,
                                  struct gs_error *err)
{
    char path[GS_GIT_PATH_MAX];
    int n = snprintf(path, sizeof path, "%s%s", stem, suffix);
    if (n < 0 || n >= (int)sizeof path)
        return gs_fail(err, GS_CODE_STORE_FAILED, NULL, "the path %s is too long", stem);
    enum gs_status status = gs_file_read(path, out, err);
    if (status == GS_OK && !gs_pack_sum_is_right(gs_buf_slice(out)))
        return fail(stem, suffix, err);
    return status;
}

// ---- Indexes ---------------------------------------------------------------

static uint64_t read_number(const char *from, int bytes)
{
    uint64_t number = 0;
    for (int i = 0; i < bytes; i++)
        number = number << 8 | (unsigned char)from[i];
    return number;
}

size_t gs_merge_estimate(uint64_t index_bytes)
{
    return (size_t)(index_bytes / INDEX_PER_OBJECT);
}

// False when they are out of order. A pack of that size has no large offsets.
static bool read_entries(struct gs_slice index, struct gs_merge_pack *pack)
{
    const char *id = index.data + IDS_AT;
    const char *offset = id + pack->count * (GIT_OID_RAWSZ + 4);
    for (size_t i = 0; i < pack->count; i++) {
        struct gs_merge_entry *entry = &pack->entries[i];
        memcpy(entry->oid.id, id + i * GIT_OID_RAWSZ, GIT_OID_RAWSZ);
        entry->offset = (size_t)read_number(offset + i * 4, 4);
        if (entry->offset < GS_PACK_HEADER ||
            (i > 0 && git_oid_cmp(&entry[-1].oid, &entry->oid) >= 0))
            return false;
        pack->by_offset[i] = entry;
    }
    memcpy(pack->sum, offset + pack->count * 4, GS_PACK_TRAILER);
    return true;
}

static enum gs_status read_index(struct gs_merge_pack *pack, struct gs_arena *arena,
                                 struct gs_error *err)
{
    GS_CLEANUP(gs_buf_release) struct gs_buf file;
    gs_buf_init(&file, INDEX_MAX);
    enum gs_status status = read_summed(pack->stem, ".idx", &file, err);
    if (status != GS_OK)
        return status;
    bool ok = file.len >= IDS_AT + 2 * GS_PACK_TRAILER &&
              memcmp(file.data, "\377tOc\0\0\0\2", INDEX_HEADER) == 0;
    pack->count = ok ? (size_t)read_number(file.data + IDS_AT - 4, 4) : 0;
    if (!ok || file.len != IDS_AT + pack->count * INDEX_PER_OBJECT + 2 * GS_PACK_TRAILER)
        return fail(pack->stem, "the index", err);
    pack->entries = gs_arena_array(arena, pack->count, sizeof *pack->entries);
    pack->by_offset = gs_arena_array(arena, pack->count, sizeof *pack->by_offset);
    return read_entries(gs_buf_slice(&file), pack) ? GS_OK : fail(pack->stem, "the index", err);
}

static void choose_first(struct gs_merge *merge, struct gs_merge_pack *pack)
{
    for (size_t i = 0; i < pack->count; i++) {
        struct gs_merge_entry *entry = &pack->entries[i];
        struct gs_slice id = gs_oid_key(&entry->oid);
        struct gs_merge_entry *first = gs_map_get(&merge->by_id, id);
        entry->first = first ? first : entry;
        if (!first)
            gs_map_put(&merge->by_id, id, entry);
    }
}

void gs_merge_init(struct gs_merge *merge, struct gs_arena *arena)
{
    *merge = (struct gs_merge){.arena = arena};
    merge->end = &merge->packs;
    gs_map_init(&merge->by_id);
}

void gs_merge_release(struct gs_merge *merge)
{
    gs_map_release(&merge->by_id);
}

enum gs_status gs_merge_add(struct gs_merge *merge, const char *stem, struct gs_error *err)
{
    struct gs_merge_pack *pack = gs_arena_alloc(merge->arena, sizeof *pack);
    pack->stem = gs_arena_strdup(merge->arena, stem);
    enum gs_status status = read_index(pack, merge->arena, err);
    if (status != GS_OK)
        return status;
    choose_first(merge, pack);
    *merge->end = pack;
    merge->end = &pack->next;
    return GS_OK;
}

// ---- Finding entries -------------------------------------------------------

static int compare_offsets(const void *a, const void *b)
{
    const struct gs_merge_entry *left = *(struct gs_merge_entry *const *)a,
                                *right = *(struct gs_merge_entry *const *)b;
    return (left->offset > right->offset) - (left->offset < right->offset);
}

static int compare_ids(const void *a, const void *b)
{
    const struct gs_merge_entry *left = a, *right = b;
    return git_oid_cmp(&left->oid, &right->oid);
}

// Each entry ends where the next one begins. False when two begin at one place, or outside.
static bool find_ends(struct copying *copying)
{
    struct gs_merge_entry **entries = copying->pack->by_offset;
    size_t count = copying->pack->count;
    qsort(entries, count, sizeof(struct gs_merge_entry *), compare_offsets);
    for (size_t i = 0; i < count; i++) {
        entries[i]->end = i + 1 < count ? entries[i + 1]->offset : copying->bytes.len;
        if (entries[i]->end <= entries[i]->offset)
            return false;
    }
    return true;
}

// NULL when the pack does not have it.
static struct gs_merge_entry *find_base(const struct copying *copying,
                                        const struct gs_pack_entry *head)
{
    const struct gs_merge_pack *pack = copying->pack;
    struct gs_merge_entry key = {.offset = head->base_offset, .oid = head->base_id};
    if (head->type == GS_PACK_REF_DELTA)
        return bsearch(&key, pack->entries, pack->count, sizeof key, compare_ids);
    const struct gs_merge_entry *wanted = &key;
    struct gs_merge_entry **found =
        bsearch(&wanted, pack->by_offset, pack->count, sizeof *found, compare_offsets);
    return found ? *found : NULL;
}

static bool read_head(const struct copying *copying, const struct gs_merge_entry *entry,
                      struct gs_pack_entry *out_head)
{
    struct gs_slice up_to_end = gs_slice_of(copying->bytes.data, entry->end);
    return gs_pack_entry_read(up_to_end, entry->offset, out_head);
}

// ---- Copying ---------------------------------------------------------------

// The base is there already.
static enum gs_status copy_entry(struct copying *copying, struct gs_merge_entry *entry)
{
    char head_bytes[GS_PACK_ENTRY_MAX];
    size_t head_len;
    struct gs_pack_entry head;
    if (!read_head(copying, entry, &head))
        return fail(copying->pack->stem, "an entry", copying->err);
    uint64_t at = copying->writer->offset;
    if (head.type < GS_PACK_OFS_DELTA) {
        head_len = gs_pack_entry_write(head.type, head.size, head_bytes);
    } else {
        uint64_t base = find_base(copying, &head)->first->copied_to;
        head_len = gs_pack_entry_write_delta(head.size, at - base, head_bytes);
    }
    const struct gs_slice parts[] = {
        gs_slice_of(head_bytes, head_len),
        gs_slice_of(copying->bytes.data + head.stream_at, entry->end - head.stream_at),
    };
    entry->copied_to = at;
    return gs_pack_writer_add(copying->writer, &entry->oid, parts, GS_COUNT(parts), copying->err);
}

// Puts the bases that are not in the new pack yet in front of *chain. Only a damaged pack has a
// delta that leads back to itself, or a base elsewhere.
static enum gs_status collect_bases(struct copying *copying, struct gs_merge_entry **chain)
{
    for (;;) {
        struct gs_pack_entry head;
        if (!read_head(copying, *chain, &head))
            return fail(copying->pack->stem, "an entry", copying->err);
        if (head.type < GS_PACK_OFS_DELTA)
            return GS_OK;
        struct gs_merge_entry *base = find_base(copying, &head);
        if (!base || (base->in_chain && !base->first->copied_to))
            return fail(copying->pack->stem, "the base of a delta", copying->err);
        if (base->first->copied_to)
            return GS_OK;
        base->in_chain = true;
        base->next = *chain;
        *chain = base;
    }
}

static enum gs_status copy_with_bases(struct copying *copying, struct gs_merge_entry *entry)
{
    if (entry->first->copied_to)
        return GS_OK;
    struct gs_merge_entry *chain = entry;
    entry->in_chain = true;
    entry->next = NULL;
    enum gs_status status = collect_bases(copying, &chain);
    for (; chain && status == GS_OK; chain = chain->next)
        status = copy_entry(copying, chain);
    return status;
}

static enum gs_status copy_pack(struct gs_merge_pack *pack, struct gs_pack_writer *writer,
                                struct gs_error *err)
{
    GS_CLEANUP(gs_buf_release) struct gs_buf file;
    gs_buf_init(&file, GS_MERGE_PACK_MAX);
    enum gs_status status = read_summed(pack->stem, ".pack", &file, err);
    if (status != GS_OK)
        return status;
    struct copying copying = {.pack = pack,
                              .bytes = gs_slice_of(file.data, file.len - GS_PACK_TRAILER),
                              .writer = writer,
                              .err = err};
    if (memcmp(file.data + copying.bytes.len, pack->sum, GS_PACK_TRAILER) != 0 ||
        gs_pack_count_objects(gs_buf_slice(&file)) != pack->count || !find_ends(&copying))
        return fail(pack->stem, "the index", err);
    for (size_t i = 0; i < pack->count && status == GS_OK; i++)
        status = copy_with_bases(&copying, pack->by_offset[i]);
    return status;
}

enum gs_status gs_merge_copy(struct gs_merge *merge, struct gs_pack_writer *writer,
                             bool (*goes_on)(void *arg), void *arg, struct gs_error *err)
{
    enum gs_status status = GS_OK;
    for (struct gs_merge_pack *pack = merge->packs; pack && status == GS_OK && goes_on(arg);
         pack = pack->next)
        status = copy_pack(pack, writer, err);
    return status;
}
