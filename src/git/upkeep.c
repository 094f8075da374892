// What a mirror's folder weighs, and sweeping it. Reads no git data.
// SPDX-License-Identifier: Apache-2.0
#include "git/upkeep.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"
#include "git/pack_internal.h"

enum { DEPTH_MAX = 8, BLOCK = 512, FAN = 256 };

// Ids are spread evenly over the 256 folders, so one of them tells of all (git's own measure). Two
// thousand objects are some 300 pushes.
enum { LOOSE_MAX = 2000, FULL_FOLDER = LOOSE_MAX / FAN + 1 };
static const char probed_folder[] = "objects/17";

static bool is_dot(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

// ---- Measuring -------------------------------------------------------------

static bool is_pack(struct gs_slice name)
{
    return gs_slice_ends(name, ".pack");
}

static void count_name(const char *folder, const char *name, struct gs_mirror_size *size)
{
    const char *slash = strrchr(folder, '/');
    bool in_hex = slash && strlen(slash + 1) == 2 && strlen(name) == GIT_OID_HEXSZ - 2;
    size->loose += in_hex;
    size->packs += is_pack(gs_slice_str(name));
}

static void measure(const char *folder, int depth, struct gs_mirror_size *size)
{
    DIR *dir = depth < DEPTH_MAX ? opendir(folder) : NULL;
    if (!dir)
        return;
    for (struct dirent *entry; (entry = readdir(dir));) {
        char path[GS_GIT_PATH_MAX];
        struct stat st;
        if (is_dot(entry->d_name) || !gs_disk_join(path, folder, entry->d_name) ||
            lstat(path, &st) != 0)
            continue;
        size->bytes += (uint64_t)st.st_blocks * BLOCK;
        if (S_ISDIR(st.st_mode))
            measure(path, depth + 1, size);
        else
            count_name(folder, entry->d_name, size);
    }
    closedir(dir);
}

void gs_mirror_measure(const char *folder, struct gs_mirror_size *out_size)
{
    *out_size = (struct gs_mirror_size){0};
    measure(folder, 0, out_size);
}

static bool is_loose(struct gs_slice name)
{
    return name.len == GIT_OID_HEXSZ - 2;
}

static size_t count_in(const char *mirror_folder, const char *name,
                       bool (*counts)(struct gs_slice name))
{
    char path[GS_GIT_PATH_MAX];
    size_t count = 0;
    DIR *dir = gs_disk_join(path, mirror_folder, name) ? opendir(path) : NULL;
    if (!dir)
        return 0;
    for (struct dirent *entry; (entry = readdir(dir));)
        count += counts(gs_slice_str(entry->d_name));
    closedir(dir);
    return count;
}

bool gs_mirror_wants_packing(const char *folder)
{
    return count_in(folder, probed_folder, is_loose) >= FULL_FOLDER ||
           count_in(folder, "objects/pack", is_pack) > GS_PACKS_MAX;
}

// ---- Sweeping --------------------------------------------------------------

static void remove_entry(const char *folder, const char *name)
{
    char path[GS_GIT_PATH_MAX];
    struct gs_error ignored = GS_ERROR_INIT;
    if (!gs_disk_join(path, folder, name) || unlink(path) == 0)
        return;
    if (gs_dir_remove(path, &ignored) != GS_OK)
        gs_error_release(&ignored);
}

// What we make ourselves; whatever else there is was to become one of these.
static bool belongs_to_mirror(const char *folder, const char *name)
{
    static const char *const names[] = {"HEAD", "config", "packed-refs", "objects", "refs"};
    (void)folder;
    for (size_t i = 0; i < GS_COUNT(names); i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

// A pack and its index count only together.
static bool belongs_to_packs(const char *folder, const char *name)
{
    static const char *const pair[] = {".pack", ".idx"};
    struct gs_slice stem = gs_slice_str(name);
    if (!gs_slice_starts(stem, "pack-") ||
        (!gs_slice_ends(stem, pair[0]) && !gs_slice_ends(stem, pair[1])))
        return false;
    stem.len -= gs_slice_ends(stem, pair[0]) ? strlen(pair[0]) : strlen(pair[1]);
    for (size_t i = 0; i < GS_COUNT(pair); i++) {
        char path[GS_GIT_PATH_MAX];
        int n = snprintf(path, sizeof path, "%s/%.*s%s", folder, GS_SLICE_ARG(stem), pair[i]);
        if (n < 0 || n >= (int)sizeof path || access(path, F_OK) != 0)
            return false;
    }
    return true;
}

static void sweep(const char *folder, bool (*belongs)(const char *folder, const char *name))
{
    DIR *dir = opendir(folder);
    if (!dir)
        return;
    for (struct dirent *entry; (entry = readdir(dir));)
        if (!is_dot(entry->d_name) && !belongs(folder, entry->d_name))
            remove_entry(folder, entry->d_name);
    closedir(dir);
}

// The name that disk.c gives to what it has not written whole.
static void sweep_objects(const char *folder)
{
    char path[GS_GIT_PATH_MAX], name[32];
    for (unsigned i = 0; i < FAN; i++) {
        snprintf(name, sizeof name, "objects/%02x/" GS_DISK_UNFINISHED, i);
        if (gs_disk_join(path, folder, name))
            unlink(path);
    }
}

void gs_mirror_tidy(const char *folder)
{
    char path[GS_GIT_PATH_MAX];
    sweep(folder, belongs_to_mirror);
    if (gs_disk_join(path, folder, "objects/pack"))
        sweep(path, belongs_to_packs);
    sweep_objects(folder);
}
