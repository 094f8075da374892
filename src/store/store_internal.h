// The seam between the queries and the database under them: connections, statements, rows, migrations, and what a transaction is.
// For this folder only. Nothing here names the database, so that another one can be put under the same queries.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_STORE_STORE_INTERNAL_H
#define GS_STORE_STORE_INTERNAL_H

#include <pthread.h>

#include "store/store.h"

// ---- Connections (sqlite.c) ----------------------------------------------------
// One connection with its prepared statements. Used by one thread at a time.
struct gs_db;

// Opens an existing, possibly empty, file. A reading connection refuses to write. Errors: store_failed with path and reason.
enum gs_status gs_db_open(const char *path, bool writable, struct gs_db **out_db,
                          struct gs_error *err) GS_MUST_CHECK;
void gs_db_close(struct gs_db *db); // NULL is fine

enum gs_db_mode {
    GS_DB_READ,          // takes the snapshot now
    GS_DB_WRITE,         // becomes the one writer of the file, waiting for other processes
    GS_DB_WRITE_RELAXED, // the same, and its commit does not wait for the disk
};
enum gs_status gs_db_begin(struct gs_db *db, enum gs_db_mode mode,
                           struct gs_error *err) GS_MUST_CHECK;
// Fails, leaving the transaction to be rolled back, when a statement of it failed for good before.
enum gs_status gs_db_commit(struct gs_db *db, struct gs_error *err) GS_MUST_CHECK;
void gs_db_rollback(struct gs_db *db);

// ---- Statements (sqlite.c, query.c) ----------------------------------------------
// Text and blobs are views that need to live only during the call.
struct gs_sql_arg {
    enum { GS_SQL_NULL, GS_SQL_INT, GS_SQL_TEXT, GS_SQL_BLOB } type;
    int64_t number;
    struct gs_slice bytes;
};
struct gs_sql_args {
    const struct gs_sql_arg *items;
    size_t count;
};

static inline struct gs_sql_arg gs_sql_int(int64_t number)
{
    return (struct gs_sql_arg){.type = GS_SQL_INT, .number = number};
}

// NULL text is SQL's NULL.
static inline struct gs_sql_arg gs_sql_text(const char *text)
{
    return (struct gs_sql_arg){.type = text ? GS_SQL_TEXT : GS_SQL_NULL,
                               .bytes = gs_slice_str(text)};
}

static inline struct gs_sql_arg gs_sql_blob(struct gs_slice bytes)
{
    return (struct gs_sql_arg){.type = GS_SQL_BLOB, .bytes = bytes};
}

// The values of the question marks, in order: GS_SQL_ARGS(gs_sql_text(id), gs_sql_int(now)).
#define GS_SQL_ARGS(...)                                                                           \
    ((struct gs_sql_args){(const struct gs_sql_arg[]){__VA_ARGS__},                                \
                          sizeof((const struct gs_sql_arg[]){__VA_ARGS__}) /                       \
                              sizeof(struct gs_sql_arg)})
#define GS_SQL_NO_ARGS ((struct gs_sql_args){NULL, 0})

// The row a running statement stands on. Columns are taken from left to right.
struct gs_row;

// Statements are prepared once per connection and kept, so the number of different texts must be bounded by the program.
// Errors of all: store_failed and no_memory (the transaction can then only be rolled back); conflict when a unique key
// is taken; not_found when a foreign key points nowhere.
// arena takes the text of the rows; may be NULL when none is read. One row at a time per statement text.
enum gs_status gs_sql_start(struct gs_db *db, const char *sql, struct gs_sql_args args,
                            struct gs_arena *arena, struct gs_row **out_row,
                            struct gs_error *err) GS_MUST_CHECK;
// Moves to the next row; *out_found is false behind the last.
enum gs_status gs_sql_next(struct gs_row *row, bool *out_found, struct gs_error *err) GS_MUST_CHECK;
// Ends a started statement; NULL inside is fine; for GS_CLEANUP.
void gs_sql_finish(struct gs_row **row);

// Whether the statement that ran last changed a row.
bool gs_sql_changed(const struct gs_db *db);

const char *gs_row_text(struct gs_row *row); // a copy in the arena; NULL for SQL's NULL
int64_t gs_row_int(struct gs_row *row);
struct gs_slice gs_row_blob(struct gs_row *row);      // a copy in the arena
struct gs_slice gs_row_blob_view(struct gs_row *row); // valid until the next row
// no_memory when a column could not be read.
enum gs_status gs_row_check(const struct gs_row *row, struct gs_error *err) GS_MUST_CHECK;

// How a row becomes a struct: its size, and what fills a zeroed one.
struct gs_row_type {
    size_t size;
    void (*read)(struct gs_row *row, void *out);
};
extern const struct gs_row_type gs_row_type_int;  // int64_t
extern const struct gs_row_type gs_row_type_text; // const char *

// Runs a statement that gives no rows.
enum gs_status gs_sql_run(struct gs_db *db, const char *sql, struct gs_sql_args args,
                          struct gs_error *err) GS_MUST_CHECK;
// The same; not_found when it changed no row.
enum gs_status gs_sql_change(struct gs_db *db, const char *sql, struct gs_sql_args args,
                             struct gs_error *err) GS_MUST_CHECK;
// Several statements without parameters, not kept.
enum gs_status gs_sql_script(struct gs_db *db, const char *sql, struct gs_error *err) GS_MUST_CHECK;
// The first row; not_found when there is none.
enum gs_status gs_sql_find(struct gs_db *db, const char *sql, struct gs_sql_args args,
                           const struct gs_row_type *type, struct gs_arena *arena, void *out,
                           struct gs_error *err) GS_MUST_CHECK;
// All rows as an array in the arena; out_rows points to a pointer to the type's struct.
enum gs_status gs_sql_list(struct gs_db *db, const char *sql, struct gs_sql_args args,
                           const struct gs_row_type *type, struct gs_arena *arena, void *out_rows,
                           size_t *out_count, struct gs_error *err) GS_MUST_CHECK;
// For LIMIT ?: what is too large for SQL means no limit.
struct gs_sql_arg gs_sql_limit(size_t limit);

// ---- Transactions (transaction.c) -------------------------------------------------
enum {
    GS_STORE_READERS_FIRST =
        4, // opened at start, so that running out of descriptors later leaves these
    GS_STORE_READERS_MAX = 16,
};

// Somebody who waits for the writer; lives on the waiting thread's stack.
struct gs_turn {
    struct gs_turn *next;
    pthread_cond_t came;
    bool here;
};

struct gs_store {
    char *path;
    pthread_mutex_t lock; // guards what follows; never held during a statement
    struct gs_db *writer;
    bool writing;                   // somebody has the writer
    struct gs_turn *turns;          // who waits for the writer, the longest first
    pthread_cond_t reader_returned; // also signalled when reader_count shrinks
    struct gs_db *idle[GS_STORE_READERS_MAX];
    size_t idle_count;
    size_t reader_count; // idle, lent or being opened
    // Of a handle whose commits wait (gs_store_hold); it has nothing of the above.
    struct gs_store *base;
    struct gs_tx *held; // was committed through this handle and is not yet taken
};

struct gs_tx {
    struct gs_store *store;
    struct gs_db *db;
    bool writable;
    struct gs_store *hold; // the handle that keeps it open at its commit, or NULL
    // Ids, each with its NUL, of documents that something stopped using; looked at when the transaction commits.
    struct gs_buf loose_documents;
};

// ---- Migrations (migrate.c; the table is generated from sql/*.sql) -----------------
struct gs_migration {
    unsigned number; // 1, 2, 3, … without gaps
    const char *name;
    const char *sql;
};
extern const struct gs_migration gs_migrations[];
extern const size_t gs_migrations_count;

// Applies what is missing, each in a transaction of its own. store_failed when the database has migrations that are not in the list, or
// other ones under the same number; the message does not name the file.
enum gs_status gs_store_migrate(struct gs_store *store, const struct gs_migration *list,
                                size_t count, struct gs_error *err) GS_MUST_CHECK;

// ---- Documents (pack.c, documents.c) ------------------------------------------------
enum { GS_DOCUMENT_MAX = 256 << 20 };

// Fills an empty buffer with the size bytes that packed holds, and checks them against the id.
enum gs_status gs_document_unpack(struct gs_slice packed, size_t size, const char *id,
                                  struct gs_buf *out, struct gs_error *err) GS_MUST_CHECK;
// Whether it is a zlib stream, which all are but those of servers that are older.
bool gs_document_is_zlib(struct gs_slice packed);
// Says that something in this transaction stopped using the document; NULL is fine.
void gs_documents_loosen(struct gs_tx *tx, const char *id);
// Removes those loosened documents that nothing uses by now.
enum gs_status gs_documents_sweep(struct gs_tx *tx, struct gs_error *err) GS_MUST_CHECK;

#endif
