// Objects that were made here and are not on the disk yet: compressed once, in the form that the pack of a push, a pack of the mirror and a loose file all
// need. libgit2 finds them like any others. Knows nothing of what they mean.
// SPDX-License-Identifier: Apache-2.0
//
// They are saved while a host is at work on the push that carries them; those of a push that never came, or of a plan that was only looked at, never
// touch the disk.
#include <libdeflate.h>

#include "base/files.h"
#include "git/pack_internal.h"

// Half the time of zlib's level 3 on JSON, and a little smaller.
enum { COMPRESSION = 1 };

// Beyond this they go to the disk at once.
enum { FRESH_BYTES_MAX = 64 << 20 };

// A push makes half a dozen objects, which become files of their own. So many are several pushes that travel together, or a conversion: a pack is two
// files, however many objects it has.
enum { PACK_FROM = 32 };

struct gs_fresh_object {
    git_oid oid;
    git_object_t type;
    size_t size;       // of the content
    size_t header_len; // of the pack entry; the zlib stream follows
    size_t len;
    bool saved;
    unsigned char bytes[];
};

void gs_fresh_init(struct gs_fresh *fresh)
{
    *fresh = (struct gs_fresh){.bytes = 0};
    gs_map_init(&fresh->by_id);
}

void gs_fresh_clear(struct gs_fresh *fresh)
{
    size_t cursor = 0;
    struct gs_slice key;
    void *object;
    while (gs_map_next(&fresh->by_id, &cursor, &key, &object))
        free(object);
    gs_map_release(&fresh->by_id);
    libdeflate_free_compressor(fresh->compressor);
    gs_fresh_init(fresh);
}

static struct gs_fresh_object *find(const struct gs_fresh *fresh, const git_oid *oid)
{
    return gs_map_get(&fresh->by_id, gs_oid_key(oid));
}

static struct gs_slice entry_of(const struct gs_fresh_object *object)
{
    return gs_slice_of((const char *)object->bytes, object->len);
}

static struct gs_slice stream_of(const struct gs_fresh_object *object)
{
    return gs_slice_of((const char *)object->bytes + object->header_len,
                       object->len - object->header_len);
}

// ---- Making ----------------------------------------------------------------

// With the header of the entry and room for a stream; NULL when memory is out.
static struct gs_fresh_object *new_object(const git_oid *oid, git_object_t type, size_t size,
                                          size_t room)
{
    char header[GS_PACK_ENTRY_MAX];
    size_t header_len = gs_pack_entry_write((int)type, size, header);
    struct gs_fresh_object *object = malloc(sizeof *object + header_len + room);
    if (!object)
        return NULL;
    // Before the bytes, which begin in the padding of the structure.
    *object = (struct gs_fresh_object){
        .oid = *oid, .type = type, .size = size, .header_len = header_len, .len = header_len};
    memcpy(object->bytes, header, header_len);
    return object;
}

static struct gs_fresh_object *compress(struct gs_fresh *fresh, const git_oid *oid,
                                        git_object_t type, struct gs_slice content)
{
    if (!fresh->compressor)
        fresh->compressor = libdeflate_alloc_compressor(COMPRESSION);
    if (!fresh->compressor)
        return NULL;
    size_t room = libdeflate_zlib_compress_bound(fresh->compressor, content.len);
    struct gs_fresh_object *object = new_object(oid, type, content.len, room);
    if (!object)
        return NULL;
    const char *data = content.data ? content.data : "";
    object->len += libdeflate_zlib_compress(fresh->compressor, data, content.len,
                                            object->bytes + object->header_len, room);
    void *cut = realloc(object, sizeof *object + object->len);
    if (cut)
        object = cut;
    return object;
}

static enum gs_status fail_memory(struct gs_error *err, size_t size)
{
    return gs_fail(err, GS_CODE_NO_MEMORY, NULL, "not enough memory for an object of %zu bytes",
                   size);
}

static enum gs_status make_room(struct gs_mirror *mirror, struct gs_error *err)
{
    if (mirror->fresh.bytes <= FRESH_BYTES_MAX)
        return GS_OK;
    enum gs_status status = gs_fresh_save(mirror, err);
    if (status == GS_OK)
        gs_fresh_clear(&mirror->fresh);
    return status;
}

static void remember(struct gs_fresh *fresh, struct gs_fresh_object *object)
{
    gs_map_put(&fresh->by_id, gs_oid_key(&object->oid), object);
    fresh->bytes += object->len;
}

enum gs_status gs_fresh_add(struct gs_mirror *mirror, git_object_t type, const git_oid *oid,
                            struct gs_slice content, struct gs_error *err)
{
    if (find(&mirror->fresh, oid))
        return GS_OK;
    enum gs_status status = make_room(mirror, err);
    if (status != GS_OK)
        return status;
    struct gs_fresh_object *object = compress(&mirror->fresh, oid, type, content);
    if (!object)
        return fail_memory(err, content.len);
    remember(&mirror->fresh, object);
    return GS_OK;
}

enum gs_status gs_fresh_take(struct gs_mirror *mirror, struct gs_git_blob **blob,
                             struct gs_error *err)
{
    enum gs_status status = make_room(mirror, err);
    if (status != GS_OK)
        return status;
    struct gs_fresh_object *object = (struct gs_fresh_object *)*blob;
    *blob = NULL;
    if (find(&mirror->fresh, &object->oid))
        free(object);
    else
        remember(&mirror->fresh, object);
    return GS_OK;
}

// ---- Ready before there is a mirror ----------------------------------------

struct gs_git_blob *gs_git_blob_make(const struct gs_oid *oid, size_t size, struct gs_slice stream)
{
    git_oid id;
    gs_oid_to_git(oid, &id);
    struct gs_fresh_object *object = new_object(&id, GIT_OBJECT_BLOB, size, stream.len);
    if (!object)
        return NULL;
    if (stream.len > 0)
        memcpy(object->bytes + object->len, stream.data, stream.len);
    object->len += stream.len;
    return (struct gs_git_blob *)object;
}

void gs_git_blob_free(struct gs_git_blob *blob)
{
    free(blob);
}

size_t gs_git_blob_weight(const struct gs_git_blob *blob)
{
    return ((const struct gs_fresh_object *)blob)->len;
}

const git_oid *gs_git_blob_oid(const struct gs_git_blob *blob)
{
    return &((const struct gs_fresh_object *)blob)->oid;
}

size_t gs_git_blob_size(const struct gs_git_blob *blob)
{
    return ((const struct gs_fresh_object *)blob)->size;
}

enum gs_status gs_fresh_pack_entry(struct gs_mirror *mirror, const git_oid *oid, git_object_t type,
                                   struct gs_slice *out_entry, struct gs_error *err)
{
    struct gs_fresh_object *object = find(&mirror->fresh, oid);
    if (!object) {
        GS_CLEANUP(gs_object_cleanup) git_odb_object *stored = NULL;
        enum gs_status status = gs_object_read(mirror, oid, type, GS_GIT_FILE_MAX, &stored, err);
        if (status != GS_OK)
            return status;
        size_t size = git_odb_object_size(stored);
        object =
            compress(&mirror->fresh, oid, type, gs_slice_of(git_odb_object_data(stored), size));
        if (!object)
            return fail_memory(err, size);
        object->saved = true;
        remember(&mirror->fresh, object);
    }
    *out_entry = entry_of(object);
    return GS_OK;
}

// ---- Saving ----------------------------------------------------------------

static enum gs_status save(const struct gs_mirror *mirror, struct gs_fresh_object *object,
                           struct gs_error *err)
{
    if (object->saved)
        return GS_OK;
    enum gs_status status = gs_loose_write(mirror->folder, &object->oid, object->type, object->size,
                                           stream_of(object), err);
    object->saved = status == GS_OK;
    return status;
}

static enum gs_status save_loose(struct gs_mirror *mirror, struct gs_error *err)
{
    size_t cursor = 0;
    void *object;
    enum gs_status status = GS_OK;
    while (status == GS_OK && gs_map_next(&mirror->fresh.by_id, &cursor, NULL, &object))
        status = save(mirror, object, err);
    return status;
}

static enum gs_status add_all(const struct gs_fresh *fresh, struct gs_pack_writer *writer,
                              struct gs_error *err)
{
    size_t cursor = 0;
    void *value;
    enum gs_status status = GS_OK;
    while (status == GS_OK && gs_map_next(&fresh->by_id, &cursor, NULL, &value)) {
        const struct gs_fresh_object *object = value;
        struct gs_slice entry = entry_of(object);
        if (!object->saved)
            status = gs_pack_writer_add(writer, &object->oid, &entry, 1, err);
    }
    return status;
}

static enum gs_status write_pack(struct gs_mirror *mirror, const char *folder, size_t count,
                                 struct gs_error *err)
{
    struct gs_pack_writer writer;
    char stem[GS_GIT_PATH_MAX];
    if (!gs_disk_join(stem, folder, "new"))
        return gs_fail(err, GS_CODE_STORE_FAILED, NULL, "the path %s is too long", folder);
    enum gs_status status = gs_pack_writer_begin(&writer, folder, count, err);
    if (status == GS_OK)
        status = add_all(&mirror->fresh, &writer, err);
    if (status == GS_OK)
        status = gs_pack_writer_finish(&writer, err);
    if (status == GS_OK)
        status = gs_pack_move(stem, writer.name.hex, mirror->folder, err);
    gs_pack_writer_release(&writer);
    return status;
}

// What a killed process leaves of it goes with all that is no part of a mirror (upkeep.c).
static enum gs_status save_as_pack(struct gs_mirror *mirror, size_t count, struct gs_error *err)
{
    char folder[GS_GIT_PATH_MAX];
    if (!gs_disk_join(folder, mirror->folder, "saving"))
        return gs_fail(err, GS_CODE_STORE_FAILED, NULL, "the path %s is too long", mirror->folder);
    enum gs_status status = gs_dir_make(folder, 0700, err);
    if (status == GS_OK)
        status = write_pack(mirror, folder, count, err);
    struct gs_error ignored = GS_ERROR_INIT;
    if (gs_dir_remove(folder, &ignored) != GS_OK)
        gs_error_release(&ignored);
    if (status != GS_OK)
        return status;
    void *object;
    for (size_t cursor = 0; gs_map_next(&mirror->fresh.by_id, &cursor, NULL, &object);)
        ((struct gs_fresh_object *)object)->saved = true;
    return git_odb_refresh(mirror->odb) == 0
               ? GS_OK
               : gs_git_fail_mirror(err, "the new pack cannot be opened");
}

enum gs_status gs_fresh_save(struct gs_mirror *mirror, struct gs_error *err)
{
    size_t count = 0;
    void *object;
    for (size_t cursor = 0; gs_map_next(&mirror->fresh.by_id, &cursor, NULL, &object);)
        count += !((const struct gs_fresh_object *)object)->saved;
    return count < PACK_FROM ? save_loose(mirror, err) : save_as_pack(mirror, count, err);
}

enum gs_status gs_object_write_loose(struct gs_mirror *mirror, git_object_t type,
                                     const git_oid *oid, struct gs_slice content,
                                     struct gs_error *err)
{
    struct gs_fresh_object *object = compress(&mirror->fresh, oid, type, content);
    if (!object)
        return fail_memory(err, content.len);
    enum gs_status status = save(mirror, object, err);
    free(object);
    return status;
}

// ---- Reading ---------------------------------------------------------------

struct backend {
    git_odb_backend base; // first: libgit2 hands us this
    const struct gs_fresh *fresh;
};

static const struct gs_fresh_object *find_in(git_odb_backend *base, const git_oid *oid)
{
    return find(((const struct backend *)base)->fresh, oid);
}

static bool decompress(const struct gs_fresh_object *object, char *to)
{
    struct libdeflate_decompressor *decompressor = libdeflate_alloc_decompressor();
    struct gs_slice stream = stream_of(object);
    bool ok = decompressor && libdeflate_zlib_decompress(decompressor, stream.data, stream.len, to,
                                                         object->size, NULL) == LIBDEFLATE_SUCCESS;
    libdeflate_free_decompressor(decompressor);
    return ok;
}

static int read_object(void **out_data, size_t *out_len, git_object_t *out_type,
                       git_odb_backend *base, const git_oid *oid)
{
    const struct gs_fresh_object *object = find_in(base, oid);
    if (!object)
        return GIT_ENOTFOUND;
    char *data = git_odb_backend_data_alloc(base, object->size + 1);
    if (!data || !decompress(object, data)) {
        git_odb_backend_data_free(base, data);
        git_error_set_oom();
        return GIT_ERROR;
    }
    data[object->size] = 0;
    *out_data = data;
    *out_len = object->size;
    *out_type = object->type;
    return 0;
}

static int read_header(size_t *out_len, git_object_t *out_type, git_odb_backend *base,
                       const git_oid *oid)
{
    const struct gs_fresh_object *object = find_in(base, oid);
    if (!object)
        return GIT_ENOTFOUND;
    *out_len = object->size;
    *out_type = object->type;
    return 0;
}

static int exists(git_odb_backend *base, const git_oid *oid)
{
    return find_in(base, oid) != NULL;
}

static void free_backend(git_odb_backend *base)
{
    free(base);
}

git_odb_backend *gs_fresh_backend_new(const struct gs_fresh *fresh)
{
    struct backend *backend = gs_xcalloc(1, sizeof *backend);
    git_odb_init_backend(&backend->base, GIT_ODB_BACKEND_VERSION); // fails for other versions only
    backend->base.read = read_object;
    backend->base.read_header = read_header;
    backend->base.exists = exists;
    backend->base.free = free_backend;
    backend->fresh = fresh;
    return &backend->base;
}
