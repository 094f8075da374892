// Packs what has gathered in a mirror: a push leaves half a dozen small files, and nothing else would ever take them away.
// Decides nothing about when.
// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "git/git_internal.h"
#include "git/upkeep.h"

// With more packs than this the small ones are packed again as one, so that a look-up never asks hundreds.
enum { PACKS_MAX = 10 };

static const off_t small_pack_bytes = 64 << 20;

struct packing {
    struct gs_mirror *mirror;
    git_packbuilder *builder;
    struct gs_arena *arena;
    struct replaced *replaced; // to be removed once all of it is in the new pack
};

struct replaced {
    struct replaced *next;
    char path[];
};

static enum gs_status fail_packing(struct gs_error *err)
{
    const git_error *last = git_error_last();
    if (last && (last->klass == GIT_ERROR_OS || last->klass == GIT_ERROR_FILESYSTEM))
        return gs_fail(err, GS_CODE_STORE_FAILED, NULL, "the mirror cannot be packed: %s",
                       last->message);
    return gs_git_fail_mirror(err, "it cannot be packed");
}

static void replace(struct packing *packing, const char *path)
{
    size_t len = strlen(path) + 1;
    struct replaced *replaced = gs_arena_alloc(packing->arena, sizeof *replaced + len);
    memcpy(replaced->path, path, len);
    replaced->next = packing->replaced;
    packing->replaced = replaced;
}

static int insert(const git_oid *oid, void *arg)
{
    struct packing *packing = arg;
    return git_packbuilder_insert(packing->builder, oid, NULL);
}

// ---- What is to be packed --------------------------------------------------

// The objects of objects/<two digits>.
static enum gs_status take_loose_folder(struct packing *packing, unsigned number,
                                        struct gs_error *err)
{
    char folder[GS_GIT_PATH_MAX], path[GS_GIT_PATH_MAX + 64], hex[GIT_OID_HEXSZ + 1];
    snprintf(folder, sizeof folder, "%s/objects/%02x", packing->mirror->folder, number);
    DIR *dir = opendir(folder);
    enum gs_status status = GS_OK;
    for (struct dirent *entry; dir && status == GS_OK && (entry = readdir(dir));) {
        git_oid oid;
        snprintf(hex, sizeof hex, "%02x%.38s", number, entry->d_name);
        if (strlen(entry->d_name) != GIT_OID_HEXSZ - 2 || git_oid_fromstr(&oid, hex) != 0)
            continue;
        snprintf(path, sizeof path, "%s/%.38s", folder, entry->d_name);
        replace(packing, path);
        if (insert(&oid, packing) != 0)
            status = fail_packing(err);
    }
    if (dir)
        closedir(dir);
    return status;
}

static enum gs_status take_pack(struct packing *packing, const char *index, struct gs_error *err)
{
    git_odb *odb;
    git_odb_backend *backend;
    if (git_odb_new(&odb) != 0)
        return fail_packing(err);
    int error = git_odb_backend_one_pack(&backend, index);
    if (error == 0)
        error = git_odb_add_backend(odb, backend, 1);
    if (error == 0)
        error = git_odb_foreach(odb, insert, packing);
    enum gs_status status = error == 0 ? GS_OK : fail_packing(err);
    git_odb_free(odb);
    return status;
}

// "…/pack-<id>.pack" of a small one becomes the path of its index.
static bool is_small_pack(const char *folder, const char *name, char out_pack[GS_GIT_PATH_MAX],
                          char out_index[GS_GIT_PATH_MAX])
{
    struct stat st;
    struct gs_slice stem = gs_slice_str(name);
    if (!gs_slice_ends(stem, ".pack"))
        return false;
    stem.len -= strlen(".pack");
    snprintf(out_pack, GS_GIT_PATH_MAX, "%s/%s", folder, name);
    snprintf(out_index, GS_GIT_PATH_MAX, "%s/%.*s.idx", folder, GS_SLICE_ARG(stem));
    return stat(out_pack, &st) == 0 && st.st_size <= small_pack_bytes;
}

static enum gs_status take_small_packs(struct packing *packing, struct gs_error *err)
{
    char folder[GS_GIT_PATH_MAX], pack[GS_GIT_PATH_MAX], index[GS_GIT_PATH_MAX];
    snprintf(folder, sizeof folder, "%s/objects/pack", packing->mirror->folder);
    DIR *dir = opendir(folder);
    enum gs_status status = GS_OK;
    for (struct dirent *entry; dir && status == GS_OK && (entry = readdir(dir));) {
        if (!is_small_pack(folder, entry->d_name, pack, index))
            continue;
        status = take_pack(packing, index, err);
        // The index goes first: a pack without one is no part of the mirror.
        replace(packing, pack);
        replace(packing, index);
    }
    if (dir)
        closedir(dir);
    return status;
}

static enum gs_status gather(struct packing *packing, struct gs_error *err)
{
    struct gs_mirror_size size;
    gs_mirror_measure(packing->mirror->folder, &size);
    enum gs_status status = GS_OK;
    for (unsigned i = 0; i < 256 && status == GS_OK; i++)
        status = take_loose_folder(packing, i, err);
    if (status == GS_OK && size.packs > PACKS_MAX)
        status = take_small_packs(packing, err);
    return status;
}

// ---- The pack --------------------------------------------------------------

static enum gs_status write_pack(struct packing *packing, struct gs_error *err)
{
    char folder[GS_GIT_PATH_MAX], name[GS_GIT_PATH_MAX];
    snprintf(folder, sizeof folder, "%s/objects/pack", packing->mirror->folder);
    if (git_packbuilder_write(packing->builder, folder, 0600, NULL, NULL) != 0)
        return fail_packing(err);
    // What made the same pack before must not be taken for what it replaces.
    snprintf(name, sizeof name, "pack-%s.", git_packbuilder_name(packing->builder));
    for (struct replaced *replaced = packing->replaced; replaced; replaced = replaced->next)
        if (!strstr(replaced->path, name))
            unlink(replaced->path);
    return GS_OK;
}

enum gs_status gs_mirror_pack(struct gs_mirror *mirror, struct gs_error *err)
{
    GS_CLEANUP(gs_arena_cleanup) struct gs_arena *arena = gs_arena_new();
    struct packing packing = {.mirror = mirror, .arena = arena};
    if (git_packbuilder_new(&packing.builder, mirror->repo) != 0)
        return fail_packing(err);
    git_packbuilder_set_threads(packing.builder, 1);
    enum gs_status status = gather(&packing, err);
    if (status == GS_OK && git_packbuilder_object_count(packing.builder) > 0)
        status = write_pack(&packing, err);
    git_packbuilder_free(packing.builder);
    return status;
}
