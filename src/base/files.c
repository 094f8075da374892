// open, write, fsync, rename; nothing is left behind on failure.
// SPDX-License-Identifier: Apache-2.0
#include "base/files.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

static enum gs_status fail_errno(struct gs_error *err, const char *verb, const char *path)
{
    return gs_fail(err, GS_CODE_STORE_FAILED, NULL, "cannot %s %s: %s", verb, path,
                   strerror(errno));
}

static void close_fd(const int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

enum gs_status gs_file_read(const char *path, struct gs_buf *buf, struct gs_error *err)
{
    GS_CLEANUP(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return gs_fail(err, GS_CODE_NOT_FOUND, NULL, "there is no file %s", path);
    if (fd < 0)
        return fail_errno(err, "open", path);
    gs_buf_clear(buf);
    for (;;) {
        char block[16384];
        ssize_t n = read(fd, block, sizeof block);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail_errno(err, "read", path);
        if (n == 0)
            return GS_OK;
        if (!gs_buf_append(buf, block, (size_t)n))
            return gs_buf_check(buf, path, err);
    }
}

static int write_all(int fd, struct gs_slice content)
{
    while (content.len > 0) {
        ssize_t n = write(fd, content.data, content.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        content.data += n;
        content.len -= (size_t)n;
    }
    return fsync(fd);
}

static void sync_folder_of(const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path) + 1 : 1,
             slash ? path : ".");
    GS_CLEANUP(close_fd) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0)
        fsync(fd);
}

enum gs_status gs_file_write(const char *path, struct gs_slice content, mode_t mode,
                             struct gs_error *err)
{
    // A name of its own, so that two writers of one path cannot mix their bytes.
    char temporary[PATH_MAX];
    int n = snprintf(temporary, sizeof temporary, "%s.XXXXXX", path);
    if (n < 0 || (size_t)n >= sizeof temporary)
        return gs_fail(err, GS_CODE_STORE_FAILED, NULL, "the path %s is too long", path);
    GS_CLEANUP(close_fd) int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return fail_errno(err, "write", path);
    if (fchmod(fd, mode) != 0 || write_all(fd, content) != 0 || rename(temporary, path) != 0) {
        enum gs_status status = fail_errno(err, "write", path);
        unlink(temporary);
        return status;
    }
    sync_folder_of(path);
    return GS_OK;
}

enum gs_status gs_dir_make(const char *path, mode_t mode, struct gs_error *err)
{
    char part[PATH_MAX];
    int n = snprintf(part, sizeof part, "%s", path);
    if (n <= 0 || (size_t)n >= sizeof part)
        return gs_fail(err, GS_CODE_STORE_FAILED, NULL, "the path %s is empty or too long", path);
    for (char *p = part + 1; *p; p++) {
        if (*p != '/')
            continue;
        *p = 0;
        if (mkdir(part, mode) != 0 && errno != EEXIST)
            return fail_errno(err, "make folder", part);
        *p = '/';
    }
    if (mkdir(part, mode) != 0 && errno != EEXIST)
        return fail_errno(err, "make folder", part);
    struct stat st;
    if (stat(part, &st) != 0 || !S_ISDIR(st.st_mode))
        return gs_fail(err, GS_CODE_STORE_FAILED, NULL, "%s is not a folder", part);
    return GS_OK;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    // What another thread removed meanwhile is as gone as it should be.
    return remove(path) == 0 || errno == ENOENT ? 0 : -1;
}

enum gs_status gs_dir_remove(const char *path, struct gs_error *err)
{
    if (nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0 && errno != ENOENT)
        return fail_errno(err, "remove", path);
    return GS_OK;
}
