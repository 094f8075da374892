// SQLite under the statements of the store: the only file that knows it. Must not know any table.
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <sqlite3.h>

#include "base/clock.h"
#include "base/map.h"
#include "store/store_internal.h"

enum { BUSY_TIMEOUT_MS = 5000, BUSY_PAUSE_MS = 10 };

// The log keeps at most this much disk once its content is in the database. It is above the four
// megabytes at which SQLite moves the content, so that commits overwrite blocks that are there.
#define JOURNAL_SIZE_LIMIT "33554432"

// Each connection's cache of pages is small (in KiB): what is read again soon is in the kernel's, and documents would fill any.
#define PAGE_CACHE_KIB "256"

struct gs_db {
    sqlite3 *handle;
    char *path;
    bool writable;
    bool relaxed;             // commits do not wait for the disk
    bool failed;              // a statement failed for good: only a rollback helps
    struct gs_map statements; // SQL text to struct gs_row, which owns the text
};

struct gs_row {
    struct gs_db *db;
    sqlite3_stmt *statement;
    struct gs_arena *arena;
    int column; // the next one to take
    bool running;
    bool no_memory;
};

// ---- Errors --------------------------------------------------------------------

// SQLite says "UNIQUE constraint failed: apps.organization_id, apps.name"; the last column is the
// one that a person can change.
static enum gs_status fail_taken(const char *reason, struct gs_error *err)
{
    struct gs_slice rest = gs_slice_str(reason);
    struct gs_slice column = GS_SLICE_EMPTY;
    while (rest.len > 0)
        column = gs_slice_split(&rest, ' ');
    struct gs_slice table = gs_slice_split(&column, '.');
    return gs_fail(err, GS_CODE_CONFLICT, NULL, "this %.*s exists already in %.*s",
                   GS_SLICE_ARG(column), GS_SLICE_ARG(table));
}

// What the operating system said, where SQLite keeps it.
static const char *system_reason(const struct gs_db *db)
{
    int primary = sqlite3_errcode(db->handle) & 0xff;
    int number = sqlite3_system_errno(db->handle);
    bool known = number != 0 && (primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN);
    return known ? strerror(number) : NULL;
}

static enum gs_status fail_read_only(const struct gs_db *db, struct gs_error *err)
{
    return gs_fail(err, GS_CODE_STORE_FAILED, NULL, "%s: the file or its folder cannot be written",
                   db->path);
}

static enum gs_status fail(struct gs_db *db, struct gs_error *err)
{
    int code = sqlite3_extended_errcode(db->handle);
    const char *reason = sqlite3_errmsg(db->handle);
    if (code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY)
        return fail_taken(reason, err);
    if (code == SQLITE_CONSTRAINT_FOREIGNKEY)
        return gs_fail(err, GS_CODE_NOT_FOUND, NULL, "what this refers to does not exist");
    db->failed = true;
    if ((code & 0xff) == SQLITE_NOMEM)
        return gs_fail(err, GS_CODE_NO_MEMORY, NULL, "not enough memory for the database");
    if ((code & 0xff) == SQLITE_BUSY)
        return gs_fail(err, GS_CODE_STORE_FAILED, NULL,
                       "%s: another process keeps the database locked", db->path);
    if ((code & 0xff) == SQLITE_READONLY)
        return fail_read_only(db, err);
    if ((code & 0xff) == SQLITE_FULL)
        return gs_fail(err, GS_CODE_STORE_FAILED, NULL,
                       "%s: the disk is full; make room, and make the call again", db->path);
    const char *system = system_reason(db);
    return gs_fail(err, GS_CODE_STORE_FAILED, NULL, "%s: %s%s%s", db->path, reason,
                   system ? ": " : "", system ? system : "");
}

// ---- Connections ---------------------------------------------------------------

static int keep_text(void *to, int columns, char **values, char **names)
{
    (void)columns;
    (void)names;
    snprintf(to, 16, "%s", values[0] ? values[0] : "");
    return 0;
}

// The switch of a new file needs it alone for a moment, and SQLite does not wait there when two
// processes start together.
static enum gs_status use_write_ahead_log(struct gs_db *db, struct gs_error *err)
{
    char mode[16] = "";
    int64_t deadline = gs_clock_mono_ms() + BUSY_TIMEOUT_MS;
    for (;;) {
        int rc = sqlite3_exec(db->handle, "PRAGMA journal_mode=WAL", keep_text, mode, NULL);
        if (rc == SQLITE_OK)
            break;
        if ((rc & 0xff) != SQLITE_BUSY || gs_clock_mono_ms() > deadline)
            return fail(db, err);
        gs_clock_sleep_ms(BUSY_PAUSE_MS);
    }
    if (strcmp(mode, "wal") == 0)
        return GS_OK;
    return gs_fail(err, GS_CODE_STORE_FAILED, NULL,
                   "%s: the file system cannot keep a write-ahead log", db->path);
}

static enum gs_status set_up(struct gs_db *db, struct gs_error *err)
{
    static const char common[] = "PRAGMA foreign_keys=ON;"
                                 "PRAGMA trusted_schema=OFF;"
                                 "PRAGMA cell_size_check=ON;"
                                 "PRAGMA mmap_size=0;"
                                 "PRAGMA temp_store=MEMORY;"
                                 "PRAGMA cache_size=-" PAGE_CACHE_KIB ";"
                                 "PRAGMA synchronous=FULL;"
                                 "PRAGMA journal_size_limit=" JOURNAL_SIZE_LIMIT ";";
    sqlite3_busy_timeout(db->handle, BUSY_TIMEOUT_MS);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    // SQLite opens a file that it may not write without a word.
    if (sqlite3_db_readonly(db->handle, "main") != 0)
        return fail_read_only(db, err);
    if (sqlite3_exec(db->handle, common, NULL, NULL, NULL) != SQLITE_OK)
        return fail(db, err);
    if (db->writable)
        return use_write_ahead_log(db, err);
    return gs_sql_script(db, "PRAGMA query_only=ON", err);
}

enum gs_status gs_db_open(const char *path, bool writable, struct gs_db **out_db,
                          struct gs_error *err)
{
    struct gs_db *db = gs_xcalloc(1, sizeof *db);
    db->path = gs_xstrdup(path);
    db->writable = writable;
    gs_map_init(&db->statements);
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    int rc = sqlite3_open_v2(path, &db->handle, flags, NULL);
    enum gs_status status = rc == SQLITE_OK ? set_up(db, err) : fail(db, err);
    if (status != GS_OK) {
        gs_db_close(db);
        return status;
    }
    *out_db = db;
    return GS_OK;
}

void gs_db_close(struct gs_db *db)
{
    if (!db)
        return;
    size_t cursor = 0;
    struct gs_slice sql;
    void *value;
    while (gs_map_next(&db->statements, &cursor, &sql, &value)) {
        struct gs_row *row = value;
        sqlite3_finalize(row->statement);
        free(row);
    }
    gs_map_release(&db->statements);
    sqlite3_close(db->handle);
    free(db->path);
    free(db);
}

// SQLite takes the setting between transactions only. With a write-ahead log NORMAL skips the one
// wait at the commit; the log is written in order, so that the next FULL commit covers it.
static enum gs_status set_relaxed(struct gs_db *db, bool relaxed, struct gs_error *err)
{
    if (db->relaxed == relaxed)
        return GS_OK;
    enum gs_status status =
        gs_sql_script(db, relaxed ? "PRAGMA synchronous=NORMAL" : "PRAGMA synchronous=FULL", err);
    if (status == GS_OK)
        db->relaxed = relaxed;
    return status;
}

enum gs_status gs_db_begin(struct gs_db *db, enum gs_db_mode mode, struct gs_error *err)
{
    db->failed = false;
    enum gs_status status;
    if (mode != GS_DB_READ) {
        status = set_relaxed(db, mode == GS_DB_WRITE_RELAXED, err);
        return status == GS_OK ? gs_sql_run(db, "BEGIN IMMEDIATE", GS_SQL_NO_ARGS, err) : status;
    }
    status = gs_sql_run(db, "BEGIN", GS_SQL_NO_ARGS, err);
    // The snapshot is the one of the first statement that reads.
    if (status == GS_OK)
        status = gs_sql_run(db, "SELECT 1 FROM sqlite_schema LIMIT 1", GS_SQL_NO_ARGS, err);
    if (status != GS_OK)
        gs_db_rollback(db);
    return status;
}

enum gs_status gs_db_commit(struct gs_db *db, struct gs_error *err)
{
    return gs_sql_run(db, "COMMIT", GS_SQL_NO_ARGS, err);
}

void gs_db_rollback(struct gs_db *db)
{
    // Some failures have rolled back already; apart from that this cannot fail.
    if (!sqlite3_get_autocommit(db->handle))
        sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
}

// ---- Statements ----------------------------------------------------------------

// NULL when SQLite does not take it.
static struct gs_row *prepare(struct gs_db *db, const char *sql)
{
    struct gs_row *row = gs_map_get(&db->statements, gs_slice_str(sql));
    sqlite3_stmt *statement;
    if (row || sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement,
                                  NULL) != SQLITE_OK)
        return row;
    row = gs_xcalloc(1, sizeof *row);
    row->db = db;
    row->statement = statement;
    gs_map_put(&db->statements, gs_slice_str(sqlite3_sql(statement)), row);
    return row;
}

static int bind(sqlite3_stmt *statement, int index, const struct gs_sql_arg *arg)
{
    // SQLite takes a NULL pointer for NULL, whatever its length.
    const char *data = arg->bytes.data ? arg->bytes.data : "";
    switch (arg->type) {
    case GS_SQL_INT:
        return sqlite3_bind_int64(statement, index, arg->number);
    case GS_SQL_TEXT:
        return sqlite3_bind_text64(statement, index, data, arg->bytes.len, SQLITE_STATIC,
                                   SQLITE_UTF8);
    case GS_SQL_BLOB:
        return sqlite3_bind_blob64(statement, index, data, arg->bytes.len, SQLITE_STATIC);
    case GS_SQL_NULL:
        break;
    }
    return sqlite3_bind_null(statement, index);
}

enum gs_status gs_sql_start(struct gs_db *db, const char *sql, struct gs_sql_args args,
                            struct gs_arena *arena, struct gs_row **out_row, struct gs_error *err)
{
    // A failure can end the transaction inside SQLite; what came after it would commit by itself.
    if (db->failed)
        return gs_fail(err, GS_CODE_STORE_FAILED, NULL,
                       "%s: the transaction failed before and can only be rolled back", db->path);
    struct gs_row *row = prepare(db, sql);
    if (!row)
        return fail(db, err);
    assert(!row->running && (size_t)sqlite3_bind_parameter_count(row->statement) == args.count);
    row->arena = arena;
    row->running = true;
    row->no_memory = false;
    for (size_t i = 0; i < args.count; i++) {
        if (bind(row->statement, (int)i + 1, &args.items[i]) != SQLITE_OK) {
            enum gs_status status = fail(db, err);
            gs_sql_finish(&row);
            return status;
        }
    }
    *out_row = row;
    return GS_OK;
}

enum gs_status gs_sql_next(struct gs_row *row, bool *out_found, struct gs_error *err)
{
    row->column = 0;
    int rc = sqlite3_step(row->statement);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        return fail(row->db, err);
    *out_found = rc == SQLITE_ROW;
    return GS_OK;
}

void gs_sql_finish(struct gs_row **row)
{
    struct gs_row *done = *row;
    if (!done)
        return;
    // The result repeats the failure of the last step, which was reported there.
    sqlite3_reset(done->statement);
    sqlite3_clear_bindings(done->statement);
    done->running = false;
    *row = NULL;
}

bool gs_sql_changed(const struct gs_db *db)
{
    return sqlite3_changes64(db->handle) > 0;
}

enum gs_status gs_sql_script(struct gs_db *db, const char *sql, struct gs_error *err)
{
    if (sqlite3_exec(db->handle, sql, NULL, NULL, NULL) != SQLITE_OK)
        return fail(db, err);
    return GS_OK;
}

// ---- Columns ---------------------------------------------------------------------

int64_t gs_row_int(struct gs_row *row)
{
    return sqlite3_column_int64(row->statement, row->column++);
}

struct gs_slice gs_row_blob_view(struct gs_row *row)
{
    int column = row->column++;
    const char *data = sqlite3_column_blob(row->statement, column);
    size_t len = (size_t)sqlite3_column_bytes(row->statement, column);
    if (!data && sqlite3_errcode(row->db->handle) == SQLITE_NOMEM)
        row->no_memory = true;
    return gs_slice_of(data, data ? len : 0);
}

struct gs_slice gs_row_blob(struct gs_row *row)
{
    struct gs_slice view = gs_row_blob_view(row);
    return gs_slice_of(gs_arena_dup_slice(row->arena, view), view.len);
}

const char *gs_row_text(struct gs_row *row)
{
    if (sqlite3_column_type(row->statement, row->column) != SQLITE_NULL)
        return gs_arena_dup_slice(row->arena, gs_row_blob_view(row));
    row->column++;
    return NULL;
}

enum gs_status gs_row_check(const struct gs_row *row, struct gs_error *err)
{
    if (!row->no_memory)
        return GS_OK;
    return gs_fail(err, GS_CODE_NO_MEMORY, NULL, "not enough memory to read a row");
}
