// Opens and closes the database file: its folder and mode, its connections, its schema. Knows nothing of what is stored.
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/files.h"
#include "store/store_internal.h"

enum { FOLDER_MODE = 0700, FILE_MODE = 0600 };

static enum gs_status fail_errno(struct gs_error *err, const char *verb, const char *path)
{
    return gs_fail(err, GS_CODE_STORE_FAILED, NULL, "cannot %s %s: %s", verb, path,
                   strerror(errno));
}

// The files that SQLite makes beside the database get its mode. An existing file is never opened
// here: closing it again would drop the locks that other connections of this process hold on it.
static enum gs_status make_file(const char *path, struct gs_error *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);
    if (fd < 0)
        return errno == EEXIST ? GS_OK : fail_errno(err, "create", path);
    int rc = fchmod(fd, FILE_MODE);
    enum gs_status status = rc == 0 ? GS_OK : fail_errno(err, "set the mode of", path);
    close(fd);
    return status;
}

// For files that came from elsewhere, a backup for example.
static enum gs_status make_private(const char *path, struct gs_error *err)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return errno == ENOENT ? GS_OK : fail_errno(err, "look at", path);
    if (!S_ISREG(st.st_mode))
        return gs_fail(err, GS_CODE_STORE_FAILED, NULL, "%s is not a file", path);
    if ((st.st_mode & 077) == 0 || chmod(path, FILE_MODE) == 0)
        return GS_OK;
    return fail_errno(err, "set the mode of", path);
}

static enum gs_status prepare_files(const char *folder, const char *path, struct gs_error *err)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    enum gs_status status = gs_dir_make(folder, FOLDER_MODE, err);
    if (status == GS_OK)
        status = make_file(path, err);
    GS_CLEANUP(gs_buf_release) struct gs_buf name;
    gs_buf_init(&name, 2 * strlen(path) + 16);
    for (size_t i = 0; i < GS_COUNT(suffixes) && status == GS_OK; i++) {
        gs_buf_clear(&name);
        gs_buf_printf(&name, "%s%s", path, suffixes[i]);
        status = gs_buf_check(&name, "the path of the database", err);
        if (status == GS_OK)
            status = make_private(name.data, err);
    }
    return status;
}

static enum gs_status open_readers(struct gs_store *store, struct gs_error *err)
{
    enum gs_status status = GS_OK;
    while (status == GS_OK && store->reader_count < GS_STORE_READERS_FIRST) {
        status = gs_db_open(store->path, false, &store->idle[store->idle_count], err);
        if (status == GS_OK)
            store->reader_count = ++store->idle_count;
    }
    return status;
}

static enum gs_status open_connections(struct gs_store *store, struct gs_error *err)
{
    enum gs_status status = gs_db_open(store->path, true, &store->writer, err);
    if (status == GS_OK)
        status = gs_store_migrate(store, gs_migrations, gs_migrations_count, err);
    if (status == GS_OK)
        status = open_readers(store, err);
    return status;
}

enum gs_status gs_store_open(const char *folder, struct gs_store **out_store, struct gs_error *err)
{
    GS_CLEANUP(gs_buf_release) struct gs_buf path;
    gs_buf_init(&path, strlen(folder) + 16);
    gs_buf_printf(&path, "%s/gitsync.db", folder);
    enum gs_status status = gs_buf_check(&path, "the path of the database", err);
    if (status == GS_OK)
        status = prepare_files(folder, path.data, err);
    if (status != GS_OK)
        return status;
    struct gs_store *store = gs_xcalloc(1, sizeof *store);
    store->path = gs_xstrdup(path.data);
    pthread_mutex_init(&store->lock, NULL);
    pthread_cond_init(&store->reader_returned, NULL);
    status = open_connections(store, err);
    if (status != GS_OK) {
        gs_store_close(store);
        return status;
    }
    *out_store = store;
    return GS_OK;
}

void gs_store_close(struct gs_store *store)
{
    if (!store)
        return;
    assert(!store->writing && store->idle_count == store->reader_count);
    while (store->idle_count > 0)
        gs_db_close(store->idle[--store->idle_count]);
    gs_db_close(store->writer);
    pthread_cond_destroy(&store->reader_returned);
    pthread_mutex_destroy(&store->lock);
    free(store->path);
    free(store);
}

enum gs_status gs_store_check(struct gs_store *store, struct gs_error *err)
{
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    enum gs_status status = gs_tx_write(store, &tx, err);
    // Only a commit shows that the disk has room.
    if (status == GS_OK)
        status = gs_sql_change(tx->db, "UPDATE health SET checked_at = ?",
                               GS_SQL_ARGS(gs_sql_int(gs_clock_now_ms())), err);
    return status == GS_OK ? gs_tx_commit(&tx, err) : status;
}
