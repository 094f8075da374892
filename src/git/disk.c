// Writes files of a mirror. A mirror is a cache, so nothing is synced: what a power cut tears is
// noticed when it is read.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "git/git_internal.h"

// A packing takes a folder away once; the next one comes seconds later.
enum { TRIES_MAX = 4 };

static bool write_all(int fd, struct gs_slice data)
{
    while (data.len > 0) {
        ssize_t n = write(fd, data.data, data.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        data = gs_slice_of(data.data + n, data.len - (size_t)n);
    }
    return true;
}

static void make_folder_of(const char *path)
{
    char folder[PATH_MAX];
    snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(path, '/') - path), path);
    mkdir(folder, 0700); // when it fails, the next step does and says why
}

// The folder need not be there yet, and packing (pack.c) takes it away when it finds it empty,
// perhaps just when it was made.
static int open_new(const char *path, bool makes_folder)
{
    for (int tries = 0;; tries++) {
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (fd >= 0 || errno != ENOENT || !makes_folder || tries == TRIES_MAX)
            return fd;
        make_folder_of(path);
    }
}

static bool write_file(const char *path, bool makes_folder, const struct gs_slice *parts,
                       size_t count)
{
    int fd = open_new(path, makes_folder);
    if (fd < 0)
        return false;
    bool ok = true;
    for (size_t i = 0; i < count && ok; i++)
        ok = write_all(fd, parts[i]);
    return close(fd) == 0 && ok;
}

enum gs_status gs_disk_write(const char *folder, const char *name, const struct gs_slice *parts,
                             size_t count, struct gs_error *err)
{
    // In the file's own folder, where the file system finds it a place. One user at a time, so one
    // name will do.
    char path[PATH_MAX], temporary[PATH_MAX];
    const char *slash = strrchr(name, '/');
    int parent_len = slash ? (int)(slash - name) + 1 : 0;
    int n = snprintf(path, sizeof path, "%s/%s", folder, name);
    int m = snprintf(temporary, sizeof temporary, "%s/%.*s" GS_DISK_UNFINISHED, folder, parent_len,
                     name);
    if (n < 0 || (size_t)n >= sizeof path || m < 0 || (size_t)m >= sizeof temporary)
        return gs_fail(err, GS_CODE_STORE_FAILED, NULL, "the path %s is too long", folder);
    if (write_file(temporary, slash != NULL, parts, count) && rename(temporary, path) == 0)
        return GS_OK;
    enum gs_status status =
        gs_fail(err, GS_CODE_STORE_FAILED, NULL, "cannot write %s: %s%s", path, strerror(errno),
                errno == ENOSPC ? "; make room, and make the call again" : "");
    unlink(temporary);
    return status;
}

bool gs_disk_join(char out[GS_GIT_PATH_MAX], const char *folder, const char *name)
{
    int n = snprintf(out, GS_GIT_PATH_MAX, "%s/%s", folder, name);
    return n > 0 && n < GS_GIT_PATH_MAX;
}
