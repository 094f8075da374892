// Packs what has gathered in a mirror: a push leaves half a dozen small files, and nothing else
// would ever take them away. Decides nothing about when.
// SPDX-License-Identifier: Apache-2.0
//
// What is compressed already is copied as it is (pack_loose.c, pack_merge.c): packing costs little
// more than the bytes on the disk, and does without the deltas that would make a pack smaller.
//
// It works beside the mirror's owner, on a view of its own: objects never change, libgit2 looks for
// new packs when it misses one, and nothing is removed before it was found again in a pack.
#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"
#include "git/history.h"
#include "git/pack_internal.h"
#include "git/upkeep.h"

enum { LOOSE_AT_ONCE = 5000, FAN = 256 };

// What goes into one pack, about: as much room is needed on the disk meanwhile.
static const uint64_t bytes_at_once = 1 << 30;

struct loose {
    struct loose *next;
    git_oid oid;
    bool is_packed; // before we came
};

struct old_pack {
    struct old_pack *next;
    char stem[]; // "pack-<id>"
};

struct work {
    const struct gs_packing *how;
    struct gs_mirror *mirror; // a view of our own
    struct gs_arena *arena;
    struct gs_pack_writer writer;
    git_odb *packs; // what is in packs already
    struct loose *loose;
    size_t loose_count, unpacked_count;
    struct old_pack *old_packs;
    size_t old_count, old_objects;
    uint64_t bytes; // of the files that are packed
    bool stopped, more;
};

// False when it is to end.
static bool go_on(void *arg)
{
    struct work *work = arg;
    work->stopped |= !work->how->goes_on(work->how->arg);
    return !work->stopped;
}

// ---- Loose files -----------------------------------------------------------

// "12" and "3456…" are one id. False for a file of another kind.
static bool read_name(unsigned folder, const char *name, git_oid *out_oid)
{
    char hex[GIT_OID_HEXSZ + 1];
    if (strspn(name, "0123456789abcdef") != GIT_OID_HEXSZ - 2 || name[GIT_OID_HEXSZ - 2])
        return false;
    snprintf(hex, sizeof hex, "%02x%.38s", folder & 0xff, name);
    return git_oid_fromstr(out_oid, hex) == 0;
}

static void take_loose(struct work *work, const git_oid *oid, off_t size)
{
    struct loose *loose = gs_arena_alloc(work->arena, sizeof *loose);
    bool is_packed = git_odb_exists_ext(work->packs, oid, GIT_ODB_LOOKUP_NO_REFRESH);
    *loose = (struct loose){.next = work->loose, .oid = *oid, .is_packed = is_packed};
    work->loose = loose;
    work->loose_count++;
    if (is_packed)
        return;
    work->unpacked_count++;
    work->bytes += (uint64_t)size;
}

static bool is_full(const struct work *work)
{
    return work->loose_count == LOOSE_AT_ONCE || work->bytes > bytes_at_once;
}

static bool open_folder(const struct work *work, const char *name, DIR **out_dir)
{
    char folder[GS_GIT_PATH_MAX];
    DIR *dir = gs_disk_join(folder, work->mirror->folder, name) ? opendir(folder) : NULL;
    if (dir)
        *out_dir = dir;
    return dir != NULL;
}

// The objects of objects/<two digits>.
static void take_loose_folder(struct work *work, unsigned number)
{
    char name[16];
    DIR *dir;
    snprintf(name, sizeof name, "objects/%02x", number & 0xff);
    if (!open_folder(work, name, &dir))
        return;
    for (struct dirent *entry; !work->more && (entry = readdir(dir));) {
        git_oid oid;
        struct stat st;
        if (!read_name(number, entry->d_name, &oid) ||
            fstatat(dirfd(dir), entry->d_name, &st, 0) != 0)
            continue;
        work->more = is_full(work);
        if (!work->more)
            take_loose(work, &oid, st.st_size);
    }
    closedir(dir);
}

static enum gs_status write_loose(struct work *work, struct gs_error *err)
{
    enum gs_status status =
        gs_pack_writer_begin(&work->writer, work->how->scratch, work->unpacked_count, err);
    for (struct loose *loose = work->loose; loose && status == GS_OK && go_on(work);
         loose = loose->next)
        if (!loose->is_packed)
            status = gs_pack_add_loose(&work->writer, work->mirror, &loose->oid, err);
    return status;
}

// ---- Small packs -----------------------------------------------------------

static bool measure_file(DIR *dir, const char *stem, const char *suffix, off_t *out_size)
{
    struct stat st;
    char name[NAME_MAX + 8];
    snprintf(name, sizeof name, "%s%s", stem, suffix);
    if (fstatat(dirfd(dir), name, &st, 0) != 0)
        return false;
    *out_size = st.st_size;
    return true;
}

// Unless it is a large one, or no more have room in one pack.
static void take_pack(struct work *work, DIR *dir, const char *stem)
{
    off_t size, index_size;
    if (!measure_file(dir, stem, ".pack", &size) || !measure_file(dir, stem, ".idx", &index_size))
        return;
    size_t objects = gs_merge_estimate((uint64_t)index_size);
    if (size > GS_MERGE_PACK_MAX || objects > GS_MERGE_OBJECTS_MAX - work->old_objects ||
        work->bytes > bytes_at_once)
        return;
    size_t len = strlen(stem) + 1;
    struct old_pack *pack = gs_arena_alloc(work->arena, sizeof *pack + len);
    memcpy(pack->stem, stem, len);
    pack->next = work->old_packs;
    work->old_packs = pack;
    work->old_count++;
    work->old_objects += objects;
    work->bytes += (uint64_t)size;
}

static void take_small_packs(struct work *work)
{
    DIR *dir;
    if (!open_folder(work, "objects/pack", &dir))
        return;
    for (struct dirent *entry; (entry = readdir(dir));) {
        char stem[NAME_MAX + 1];
        struct gs_slice name = gs_slice_str(entry->d_name);
        if (!gs_slice_ends(name, ".pack"))
            continue;
        snprintf(stem, sizeof stem, "%.*s", (int)(name.len - strlen(".pack")), name.data);
        take_pack(work, dir, stem);
    }
    closedir(dir);
}

static enum gs_status load_old_packs(struct work *work, struct gs_merge *merge,
                                     struct gs_error *err)
{
    enum gs_status status = GS_OK;
    for (struct old_pack *pack = work->old_packs; pack && status == GS_OK && go_on(work);
         pack = pack->next) {
        const char *stem =
            gs_arena_printf(work->arena, "%s/objects/pack/%s", work->mirror->folder, pack->stem);
        status = gs_merge_add(merge, stem, err);
    }
    return status;
}

static enum gs_status write_merged(struct work *work, struct gs_error *err)
{
    struct gs_merge merge;
    gs_merge_init(&merge, work->arena);
    enum gs_status status = load_old_packs(work, &merge, err);
    if (status == GS_OK && !work->stopped)
        status = gs_pack_writer_begin(&work->writer, work->how->scratch, merge.by_id.count, err);
    if (status == GS_OK && !work->stopped)
        status = gs_merge_copy(&merge, &work->writer, go_on, work, err);
    gs_merge_release(&merge);
    return status;
}

// ---- What it replaces ------------------------------------------------------

static enum gs_status move_pack(struct work *work, struct gs_error *err)
{
    const char *stem = gs_arena_printf(work->arena, "%s/new", work->how->scratch);
    return gs_pack_move(stem, work->writer.name.hex, work->mirror->folder, err);
}

static enum gs_status open_packs(struct work *work, struct gs_error *err)
{
    char path[GS_GIT_PATH_MAX];
    git_odb_backend *backend;
    git_odb_free(work->packs);
    work->packs = NULL;
    if (!gs_disk_join(path, work->mirror->folder, "objects") || git_odb_new(&work->packs) != 0 ||
        git_odb_backend_pack(&backend, path) != 0 ||
        git_odb_add_backend(work->packs, backend, 1) != 0)
        return gs_git_fail_mirror(err, "its packs cannot be opened");
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

// One who writes into such a folder makes it again (disk.c).
static void remove_empty_folders(struct work *work)
{
    for (unsigned i = 0; i < FAN; i++) {
        char path[GS_GIT_PATH_MAX + 16];
        snprintf(path, sizeof path, "%s/objects/%02x", work->mirror->folder, i);
        rmdir(path); // of one with something in it does nothing
    }
}

// The index goes first: a pack without one is no part of the mirror.
static void remove_old_packs(struct work *work)
{
    for (struct old_pack *pack = work->old_packs; pack; pack = pack->next) {
        char path[GS_GIT_PATH_MAX + 128];
        if (gs_slice_ends(gs_slice_str(pack->stem), work->writer.name.hex))
            continue; // the same bytes as one of them had
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
    remove_empty_folders(work);
    remove_old_packs(work);
    return GS_OK;
}

// What write makes, if anything, takes the place of what it was made from.
static enum gs_status run(struct work *work,
                          enum gs_status (*write)(struct work *work, struct gs_error *err),
                          struct gs_error *err)
{
    enum gs_status status = write && go_on(work) ? write(work, err) : GS_OK;
    if (write && status == GS_OK && go_on(work))
        status = gs_pack_writer_finish(&work->writer, err);
    if (status != GS_OK || work->stopped)
        return status;
    work->stopped = !work->how->enter(work->how->arg);
    if (work->stopped)
        return GS_OK;
    status = replace(work, write != NULL, err);
    work->how->leave(work->how->arg);
    return status;
}

// ---- All of it -------------------------------------------------------------

static enum gs_status pack_loose(struct work *work, struct gs_error *err)
{
    enum gs_status status = open_packs(work, err);
    if (status != GS_OK)
        return status;
    for (unsigned i = 0; i < FAN && !work->more && go_on(work); i++)
        take_loose_folder(work, i);
    if (work->loose)
        status = run(work, work->unpacked_count > 0 ? write_loose : NULL, err);
    gs_pack_writer_release(&work->writer);
    return status;
}

static enum gs_status merge_packs(struct work *work, struct gs_error *err)
{
    struct gs_mirror_size size;
    gs_mirror_measure(work->mirror->folder, &size);
    if (size.packs <= GS_PACKS_MAX)
        return GS_OK;
    work->loose = NULL;
    work->bytes = 0;
    take_small_packs(work);
    enum gs_status status = work->old_count > 1 ? run(work, write_merged, err) : GS_OK;
    gs_pack_writer_release(&work->writer);
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
