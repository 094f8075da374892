// The folders of the mirrors: names, times and removal. Knows nothing of what is in them.
// SPDX-License-Identifier: Apache-2.0
#include "sync/mirrors.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "base/files.h"
#include "crypto/crypto.h"

enum { HASH_DIGITS = 32 };

static const char suffix[] = ".git", going[] = ".gone";

void gs_mirrors_name(const char *git_url, char out[GS_MIRROR_NAME + 1])
{
    char hex[GS_SHA256_HEX + 1];
    gs_sha256_hex(gs_slice_str(git_url), hex);
    snprintf(out, GS_MIRROR_NAME + 1, "%.*s%s", HASH_DIGITS, hex, suffix);
}

// ---- Listing ---------------------------------------------------------------

static int compare_use(const void *a, const void *b)
{
    const struct gs_mirror_entry *first = a, *second = b;
    return (first->used_at_ms > second->used_at_ms) - (first->used_at_ms < second->used_at_ms);
}

struct list {
    struct gs_arena *arena;
    struct gs_mirror_entry *entries;
    size_t count, capacity;
};

static void append(struct list *list, const char *name, const char *path, const struct stat *st)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity ? list->capacity * 2 : 64;
        struct gs_mirror_entry *grown = gs_arena_array(list->arena, list->capacity, sizeof *grown);
        if (list->count > 0)
            memcpy(grown, list->entries, list->count * sizeof *grown);
        list->entries = grown;
    }
    list->entries[list->count++] = (struct gs_mirror_entry){
        .name = gs_arena_strdup(list->arena, name),
        .folder = path,
        .used_at_ms = (int64_t)st->st_mtim.tv_sec * 1000 + st->st_mtim.tv_nsec / 1000000,
    };
}

static enum gs_status open_folder(const char *folder, DIR **out_dir, struct gs_error *err)
{
    DIR *dir = opendir(folder);
    if (!dir && errno != ENOENT)
        return gs_fail(err, GS_CODE_STORE_FAILED, NULL, "cannot open %s: %s", folder,
                       strerror(errno));
    *out_dir = dir;
    return GS_OK;
}

enum gs_status gs_mirrors_list(const char *folder, struct gs_arena *arena,
                               struct gs_mirror_entry **out_entries, size_t *out_count,
                               struct gs_error *err)
{
    DIR *dir = NULL;
    enum gs_status status = open_folder(folder, &dir, err);
    if (status != GS_OK)
        return status;
    struct list list = {.arena = arena};
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        struct stat st;
        if (!gs_slice_ends(gs_slice_str(entry->d_name), suffix))
            continue;
        const char *path = gs_arena_printf(arena, "%s/%s", folder, entry->d_name);
        if (stat(path, &st) == 0)
            append(&list, entry->d_name, path, &st);
    }
    if (dir)
        closedir(dir);
    if (list.count > 0)
        qsort(list.entries, list.count, sizeof *list.entries, compare_use);
    *out_entries = list.entries;
    *out_count = list.count;
    return GS_OK;
}

// ---- One of them -----------------------------------------------------------

void gs_mirrors_touch(const char *folder)
{
    // A time that cannot be noted makes it look older, no more.
    (void)utimensat(AT_FDCWD, folder, NULL, 0);
}

enum gs_status gs_mirrors_hide(const char *folder, struct gs_error *err)
{
    char away[PATH_MAX];
    int n = snprintf(away, sizeof away, "%s%s", folder, going);
    if (n < 0 || n >= (int)sizeof away)
        return gs_fail(err, GS_CODE_STORE_FAILED, NULL, "the path %s is too long", folder);
    if (rename(folder, away) != 0 && errno != ENOENT)
        return gs_fail(err, GS_CODE_STORE_FAILED, NULL, "cannot remove %s: %s", folder,
                       strerror(errno));
    return GS_OK;
}

void gs_mirrors_sweep(const char *folder)
{
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        char path[PATH_MAX];
        struct gs_error ignored = GS_ERROR_INIT;
        int n = snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (!gs_slice_ends(gs_slice_str(entry->d_name), going) || n < 0 || n >= (int)sizeof path)
            continue;
        if (gs_dir_remove(path, &ignored) != GS_OK)
            gs_error_release(&ignored);
    }
    if (dir)
        closedir(dir);
}
