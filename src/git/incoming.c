// Takes a pack from the host into a mirror. It is indexed in a folder of its own, so that a pack
// that breaks off or is damaged never becomes part of the mirror. Knows nothing of how it travels.
// SPDX-License-Identifier: Apache-2.0
//
// A small pack is taken apart into loose objects, as git does below fetch.unpackLimit: a mirror
// that fetches after every push of somebody else would otherwise collect thousands of packs, and
// every look-up asks each of them.
#include <errno.h>
#include <git2/sys/odb_backend.h>
#include <sys/stat.h>

#include "base/files.h"
#include "git/git_internal.h"

enum { UNPACK_OBJECTS_MAX = 100, UNPACK_BYTES_MAX = 8 << 20 };

static enum gs_status fail_indexer(struct gs_error *err)
{
    const git_error *last = git_error_last();
    const char *reason = last ? last->message : "no reason given";
    if (last && last->klass == GIT_ERROR_NOMEMORY)
        return gs_fail(err, GS_CODE_NO_MEMORY, NULL, "not enough memory for the pack");
    if (last && (last->klass == GIT_ERROR_OS || last->klass == GIT_ERROR_FILESYSTEM))
        return gs_fail(err, GS_CODE_STORE_FAILED, NULL, "cannot store the pack: %s", reason);
    return gs_fail(err, GS_CODE_HOST_FAILED, NULL, "the git host sent a pack that is damaged: %s",
                   reason);
}

enum gs_status gs_incoming_begin(struct gs_incoming *incoming, struct gs_mirror *mirror, size_t max,
                                 struct gs_error *err)
{
    *incoming = (struct gs_incoming){.mirror = mirror, .max = max};
    char *folder = incoming->folder;
    snprintf(folder, sizeof incoming->folder, "%s/incoming", mirror->folder);
    enum gs_status status = gs_dir_remove(folder, err); // of a fetch that was killed
    if (status == GS_OK && mkdir(folder, 0700) != 0)
        status = gs_fail(err, GS_CODE_STORE_FAILED, NULL, "cannot make folder %s: %s", folder,
                         strerror(errno));
    if (status == GS_OK &&
        git_indexer_new(&incoming->indexer, folder, 0600, mirror->odb, NULL) != 0)
        status = fail_indexer(err);
    return status;
}

enum gs_status gs_incoming_append(struct gs_incoming *incoming, struct gs_slice data,
                                  struct gs_error *err)
{
    if (data.len > incoming->max - incoming->received)
        return gs_fail(err, GS_CODE_TOO_LARGE, NULL,
                       "the git host sends more than the limit of %zu bytes", incoming->max);
    incoming->received += data.len;
    if (git_indexer_append(incoming->indexer, data.data, data.len, &incoming->progress) != 0)
        return fail_indexer(err);
    return GS_OK;
}

struct unpacking {
    struct gs_mirror *mirror;
    git_odb *pack;
    struct gs_error *err;
    enum gs_status status;
};

// Bases that the indexer added to complete a thin pack are in the mirror already.
static int unpack_object(const git_oid *oid, void *arg)
{
    struct unpacking *unpacking = arg;
    if (git_odb_exists_ext(unpacking->mirror->odb, oid, GIT_ODB_LOOKUP_NO_REFRESH))
        return 0;
    GS_CLEANUP(gs_object_cleanup) git_odb_object *object = NULL;
    if (git_odb_read(&object, unpacking->pack, oid) != 0) {
        unpacking->status = fail_indexer(unpacking->err);
        return -1;
    }
    struct gs_slice content = gs_slice_of(git_odb_object_data(object), git_odb_object_size(object));
    unpacking->status = gs_object_write_loose(unpacking->mirror, git_odb_object_type(object), oid,
                                              content, unpacking->err);
    return unpacking->status == GS_OK ? 0 : -1;
}

static enum gs_status unpack(struct gs_incoming *incoming, const char *name, struct gs_error *err)
{
    char index[GS_GIT_PATH_MAX + 64];
    snprintf(index, sizeof index, "%s/pack-%s.idx", incoming->folder, name);
    struct unpacking unpacking = {.mirror = incoming->mirror, .err = err};
    git_odb_backend *backend;
    if (git_odb_new(&unpacking.pack) != 0)
        return fail_indexer(err);
    if (git_odb_backend_one_pack(&backend, index) != 0 ||
        git_odb_add_backend(unpacking.pack, backend, 1) != 0 ||
        (git_odb_foreach(unpacking.pack, unpack_object, &unpacking) != 0 &&
         unpacking.status == GS_OK))
        unpacking.status = fail_indexer(err);
    git_odb_free(unpacking.pack);
    return unpacking.status;
}

// The index comes last: without it the pack is not seen.
static enum gs_status keep_pack(struct gs_incoming *incoming, const char *name,
                                struct gs_error *err)
{
    static const char *const suffixes[] = {"pack", "idx"};
    for (size_t i = 0; i < GS_COUNT(suffixes); i++) {
        char from[GS_GIT_PATH_MAX + 64], to[GS_GIT_PATH_MAX + 64];
        snprintf(from, sizeof from, "%s/pack-%s.%s", incoming->folder, name, suffixes[i]);
        snprintf(to, sizeof to, "%s/objects/pack/pack-%s.%s", incoming->mirror->folder, name,
                 suffixes[i]);
        if (rename(from, to) != 0)
            return gs_fail(err, GS_CODE_STORE_FAILED, NULL, "cannot move %s: %s", from,
                           strerror(errno));
    }
    if (git_odb_refresh(incoming->mirror->odb) != 0)
        return gs_git_fail_mirror(err, "the new pack cannot be opened");
    return GS_OK;
}

enum gs_status gs_incoming_finish(struct gs_incoming *incoming, struct gs_error *err)
{
    if (git_indexer_commit(incoming->indexer, &incoming->progress) != 0)
        return fail_indexer(err);
    const char *name = git_indexer_name(incoming->indexer);
    bool small = incoming->progress.total_objects <= UNPACK_OBJECTS_MAX &&
                 incoming->received <= UNPACK_BYTES_MAX;
    return small ? unpack(incoming, name, err) : keep_pack(incoming, name, err);
}

void gs_incoming_release(struct gs_incoming *incoming)
{
    git_indexer_free(incoming->indexer);
    incoming->indexer = NULL;
    struct gs_error ignored = GS_ERROR_INIT; // what is left is removed by the next fetch
    if (gs_dir_remove(incoming->folder, &ignored) != GS_OK)
        gs_error_release(&ignored);
}
