// Packs what has gathered in a mirror: a push leaves half a dozen small files, and nothing else
// would ever take them away. Decides nothing about when.
// SPDX-License-Identifier: Apache-2.0
//
// It works beside the mirror's owner, on a view of its own: objects never change, libgit2 looks for
// new packs when it misses one, and nothing is removed before it was found again in a pack.
#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"
#include "git/git_internal.h"
#include "git/history.h"
#include "git/upkeep.h"

// With more packs than this the small ones are packed again as one, so that a look-up never asks
// hundreds.
enum { LOOSE_AT_ONCE = 5000, PACKS_MAX = 32, MERGED_OBJECTS_MAX = 100000 };

static const off_t small_pack_bytes = 64 << 20;

struct loose {
    struct loose *next;
    git_oid oid;
};

struct old_pack {
    struct old_pack *next;
    char stem[]; // "pack-<id>"
};

struct work {
    const struct gs_packing *how;
    struct gs_mirror *mirror; // a view of our own
    struct gs_arena *arena;
    git_packbuilder *builder;
    git_odb *packs; // what is in packs already
    struct loose *loose;
    size_t loose_count;
    struct old_pack *old_packs;
    bool stopped, more;
};

// What was stopped is no error.
static enum gs_status fail_packing(const struct work *work, struct gs_error *err)
{
    if (work->stopped)
        return GS_OK;
    const git_error *last = git_error_last();
    if (last && (last->klass == GIT_ERROR_OS || last->klass == GIT_ERROR_FILESYSTEM))
        return gs_fail(err, GS_CODE_STORE_FAILED, NULL, "the mirror cannot be packed: %s",
                       last->message);
    return gs_git_fail_mirror(err, "it cannot be packed");
}

// ---- What is to be packed --------------------------------------------------

// "12" and "3456…" are one id. False for a file of another kind.
static bool read_name(unsigned folder, const char *name, git_oid *out_oid)
{
    char hex[GIT_OID_HEXSZ + 1];
    if (strlen(name) != GIT_OID_HEXSZ - 2)
        return false;
    snprintf(hex, sizeof hex, "%02x%s", folder & 0xff, name);
    return git_oid_fromstr(out_oid, hex) == 0;
}

static enum gs_status take_loose(struct work *work, const git_oid *oid, struct gs_error *err)
{
    struct loose *loose = gs_arena_alloc(work->arena, sizeof *loose);
    *loose = (struct loose){.next = work->loose, .oid = *oid};
    work->loose = loose;
    work->loose_count++;
    if (git_odb_exists_ext(work->packs, oid, GIT_ODB_LOOKUP_NO_REFRESH))
        return GS_OK;
    return git_packbuilder_insert(work->builder, oid, NULL) == 0 ? GS_OK : fail_packing(work, err);
}

// The objects of objects/<two digits>.
static enum gs_status take_loose_folder(struct work *work, unsigned number, struct gs_error *err)
{
    char name[16], folder[GS_GIT_PATH_MAX];
    snprintf(name, sizeof name, "objects/%02x", number & 0xff);
    DIR *dir = gs_disk_join(folder, work->mirror->folder, name) ? opendir(folder) : NULL;
    enum gs_status status = GS_OK;
    for (struct dirent *entry;
         dir && status == GS_OK && !work->stopped && (entry = readdir(dir));) {
        git_oid oid;
        if (!read_name(number, entry->d_name, &oid))
            continue;
        work->more = work->loose_count == LOOSE_AT_ONCE;
        if (work->more)
            break;
        status = take_loose(work, &oid, err);
    }
    if (dir)
        closedir(dir);
    return status;
}

static int insert(const git_oid *oid, void *arg)
{
    struct work *work = arg;
    return git_packbuilder_insert(work->builder, oid, NULL);
}

static enum gs_status insert_pack(struct work *work, const char *index, struct gs_error *err)
{
    git_odb *odb;
    git_odb_backend *backend;
    if (git_odb_new(&odb) != 0)
        return fail_packing(work, err);
    int error = git_odb_backend_one_pack(&backend, index);
    if (error == 0)
        error = git_odb_add_backend(odb, backend, 1);
    if (error == 0)
        error = git_odb_foreach(odb, insert, work);
    enum gs_status status = error == 0 ? GS_OK : fail_packing(work, err);
    git_odb_free(odb);
    return status;
}

// A small pack's name without ".pack", and the path of its index.
static bool is_small_pack(struct work *work, const char *folder, const char *name,
                          struct old_pack **out_pack, char out_index[GS_GIT_PATH_MAX])
{
    struct stat st;
    char path[GS_GIT_PATH_MAX];
    struct gs_slice stem = gs_slice_str(name);
    if (!gs_slice_ends(stem, ".pack") || !gs_disk_join(path, folder, name) ||
        stat(path, &st) != 0 || st.st_size > small_pack_bytes)
        return false;
    stem.len -= strlen(".pack");
    struct old_pack *pack = gs_arena_alloc(work->arena, sizeof *pack + stem.len + 1);
    memcpy(pack->stem, stem.data, stem.len);
    pack->stem[stem.len] = '\0';
    *out_pack = pack;
    int n = snprintf(out_index, GS_GIT_PATH_MAX, "%s/%s.idx", folder, pack->stem);
    return n > 0 && n < GS_GIT_PATH_MAX;
}

static enum gs_status take_small_packs(struct work *work, struct gs_error *err)
{
    char folder[GS_GIT_PATH_MAX], index[GS_GIT_PATH_MAX];
    bool fits = gs_disk_join(folder, work->mirror->folder, "objects/pack");
    DIR *dir = fits ? opendir(folder) : NULL;
    enum gs_status status = GS_OK;
    for (struct dirent *entry;
         dir && status == GS_OK && !work->stopped && (entry = readdir(dir));) {
        struct old_pack *pack;
        if (git_packbuilder_object_count(work->builder) > MERGED_OBJECTS_MAX)
            break;
        if (!is_small_pack(work, folder, entry->d_name, &pack, index))
            continue;
        status = insert_pack(work, index, err);
        pack->next = work->old_packs;
        work->old_packs = pack;
    }
    if (dir)
        closedir(dir);
    return status;
}

// ---- The pack --------------------------------------------------------------

static int go_on(struct work *work)
{
    work->stopped |= !work->how->goes_on(work->how->arg);
    return work->stopped ? -1 : 0;
}

static int while_deltifying(int stage, uint32_t current, uint32_t total, void *arg)
{
    (void)stage;
    (void)current;
    (void)total;
    return go_on(arg);
}

static int while_writing(const git_indexer_progress *progress, void *arg)
{
    (void)progress;
    return go_on(arg);
}

static enum gs_status begin_pack(struct work *work, struct gs_error *err)
{
    if (git_packbuilder_new(&work->builder, work->mirror->repo) != 0)
        return fail_packing(work, err);
    git_packbuilder_set_threads(work->builder, 1);
    return git_packbuilder_set_callbacks(work->builder, while_deltifying, work) == 0
               ? GS_OK
               : fail_packing(work, err);
}

// In the scratch folder.
static enum gs_status write_pack(struct work *work, struct gs_error *err)
{
    if (go_on(work) != 0 ||
        git_packbuilder_write(work->builder, work->how->scratch, 0600, while_writing, work) != 0)
        return fail_packing(work, err);
    return GS_OK;
}

// The index comes last: without it the pack is not seen.
static enum gs_status move_pack(struct work *work, struct gs_error *err)
{
    static const char *const suffixes[] = {"pack", "idx"};
    const char *name = git_packbuilder_name(work->builder);
    for (size_t i = 0; i < GS_COUNT(suffixes); i++) {
        char from[GS_GIT_PATH_MAX + 64], to[GS_GIT_PATH_MAX + 64];
        snprintf(from, sizeof from, "%s/pack-%s.%s", work->how->scratch, name, suffixes[i]);
        snprintf(to, sizeof to, "%s/objects/pack/pack-%s.%s", work->mirror->folder, name,
                 suffixes[i]);
        if (rename(from, to) != 0)
            return gs_fail(err, GS_CODE_STORE_FAILED, NULL, "cannot move %s: %s", from,
                           strerror(errno));
    }
    return GS_OK;
}

// ---- What it replaces ------------------------------------------------------

static enum gs_status open_packs(struct work *work, struct gs_error *err)
{
    char path[GS_GIT_PATH_MAX];
    git_odb_backend *backend;
    git_odb_free(work->packs);
    work->packs = NULL;
    if (!gs_disk_join(path, work->mirror->folder, "objects") || git_odb_new(&work->packs) != 0 ||
        git_odb_backend_pack(&backend, path) != 0 ||
        git_odb_add_backend(work->packs, backend, 1) != 0)
        return fail_packing(work, err);
    return GS_OK;
}

static void remove_packed(struct work *work)
{
    for (struct loose *loose = work->loose; loose; loose = loose->next) {
        char path[GS_GIT_PATH_MAX + 64];
        struct gs_oid id;
        if (!git_odb_exists_ext(work->packs, &loose->oid, GIT_ODB_LOOKUP_NO_REFRESH))
            continue;
        gs_oid_from_git(&loose->oid, &id);
        snprintf(path, sizeof path, "%s/objects/%.2s/%s", work->mirror->folder, id.hex, id.hex + 2);
        unlink(path);
    }
}

// The index goes first: a pack without one is no part of the mirror.
static void remove_old_packs(struct work *work)
{
    for (struct old_pack *pack = work->old_packs; pack; pack = pack->next) {
        char path[GS_GIT_PATH_MAX + 128];
        const char *name = git_packbuilder_name(work->builder);
        if (strcmp(pack->stem + strlen("pack-"), name) == 0)
            continue; // the same objects as one of them had
        snprintf(path, sizeof path, "%s/objects/pack/%s.idx", work->mirror->folder, pack->stem);
        unlink(path);
        snprintf(path, sizeof path, "%s/objects/pack/%s.pack", work->mirror->folder, pack->stem);
        unlink(path);
    }
}

static enum gs_status replace(struct work *work, bool written, struct gs_error *err)
{
    enum gs_status status = written ? move_pack(work, err) : GS_OK;
    if (status == GS_OK)
        status = open_packs(work, err);
    if (status != GS_OK)
        return status;
    remove_packed(work);
    remove_old_packs(work);
    return GS_OK;
}

static enum gs_status finish_pack(struct work *work, struct gs_error *err)
{
    bool written = git_packbuilder_object_count(work->builder) > 0;
    enum gs_status status = written ? write_pack(work, err) : GS_OK;
    if (status != GS_OK || work->stopped)
        return status;
    work->stopped = !work->how->enter(work->how->arg);
    if (work->stopped)
        return GS_OK;
    status = replace(work, written, err);
    work->how->leave(work->how->arg);
    return status;
}

static void end_pack(struct work *work)
{
    git_packbuilder_free(work->builder);
    work->builder = NULL;
    work->loose = NULL;
    work->old_packs = NULL;
}

// ---- All of it -------------------------------------------------------------

static enum gs_status pack_loose(struct work *work, struct gs_error *err)
{
    enum gs_status status = open_packs(work, err);
    if (status == GS_OK)
        status = begin_pack(work, err);
    for (unsigned i = 0; i < 256 && status == GS_OK && !work->more && !work->stopped; i++)
        status = take_loose_folder(work, i, err);
    if (status == GS_OK && work->loose)
        status = finish_pack(work, err);
    end_pack(work);
    return status;
}

static enum gs_status merge_packs(struct work *work, struct gs_error *err)
{
    struct gs_mirror_size size;
    gs_mirror_measure(work->mirror->folder, &size);
    if (size.packs <= PACKS_MAX)
        return GS_OK;
    enum gs_status status = begin_pack(work, err);
    if (status == GS_OK)
        status = take_small_packs(work, err);
    if (status == GS_OK && work->old_packs && work->old_packs->next)
        status = finish_pack(work, err);
    end_pack(work);
    return status;
}

enum gs_status gs_mirror_pack(const char *folder, const struct gs_packing *packing, bool *out_done,
                              struct gs_error *err)
{
    if (!gs_mirror_is_made(folder)) {
        *out_done = true;
        return GS_OK;
    }
    GS_CLEANUP(gs_arena_cleanup) struct gs_arena *arena = gs_arena_new();
    struct work work = {.how = packing, .arena = arena};
    enum gs_status status = gs_dir_remove(packing->scratch, err); // of one that was killed
    if (status == GS_OK)
        status = gs_dir_make(packing->scratch, 0700, err);
    if (status == GS_OK)
        status = gs_mirror_open(folder, &work.mirror, err);
    if (status == GS_OK)
        status = pack_loose(&work, err);
    if (status == GS_OK && !work.stopped && !work.more)
        status = merge_packs(&work, err);
    git_odb_free(work.packs);
    gs_mirror_close(work.mirror);
    struct gs_error ignored = GS_ERROR_INIT; // what is left is removed by the next one
    if (gs_dir_remove(packing->scratch, &ignored) != GS_OK)
        gs_error_release(&ignored);
    if (status == GS_OK)
        *out_done = !work.stopped && !work.more;
    return status;
}
