// Brings a database to the schema that this program knows, and refuses one that it does not know. Knows no table but its own.
// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "crypto/crypto.h"
#include "store/store_internal.h"

struct applied {
    int64_t number;
    const char *name;
    const char *checksum;
};

static void read_applied(struct gs_row *row, void *out)
{
    struct applied *applied = out;
    applied->number = gs_row_int(row);
    applied->name = gs_row_text(row);
    applied->checksum = gs_row_text(row);
}

static const struct gs_row_type applied_type = {sizeof(struct applied), read_applied};

static enum gs_status list_applied(struct gs_db *db, struct gs_arena *arena,
                                   struct applied **out_applied, size_t *out_count,
                                   struct gs_error *err)
{
    enum gs_status status = gs_sql_run(db,
                                       "CREATE TABLE IF NOT EXISTS schema_migrations ("
                                       " number INTEGER NOT NULL PRIMARY KEY,"
                                       " name TEXT NOT NULL,"
                                       " checksum TEXT NOT NULL,"
                                       " applied_at INTEGER NOT NULL) STRICT",
                                       GS_SQL_NO_ARGS, err);
    if (status != GS_OK)
        return status;
    return gs_sql_list(db, "SELECT number, name, checksum FROM schema_migrations ORDER BY number",
                       GS_SQL_NO_ARGS, &applied_type, arena, out_applied, out_count, err);
}

static enum gs_status fail_newer(const struct applied *newest, const struct gs_migration *known,
                                 const char *path, struct gs_error *err)
{
    return gs_fail(err, GS_CODE_STORE_FAILED, NULL,
                   "%s has schema version %lld (%s), this program knows versions up to %u (%s); "
                   "run the newer gitsync that wrote it",
                   path, (long long)newest->number, newest->name, known->number, known->name);
}

static enum gs_status check_applied(const struct applied *applied, size_t applied_count,
                                    const struct gs_migration *list, size_t count, const char *path,
                                    struct gs_error *err)
{
    if (applied_count > count)
        return fail_newer(&applied[applied_count - 1], &list[count - 1], path, err);
    for (size_t i = 0; i < applied_count; i++) {
        char checksum[GS_SHA256_HEX + 1];
        gs_sha256_hex(gs_slice_str(list[i].sql), checksum);
        if (applied[i].number == (int64_t)list[i].number &&
            strcmp(applied[i].checksum, checksum) == 0)
            continue;
        return gs_fail(err, GS_CODE_STORE_FAILED, NULL,
                       "%s was made with another version of migration %u (%s) than this program "
                       "has; run the gitsync that made it",
                       path, list[i].number, list[i].name);
    }
    return GS_OK;
}

static enum gs_status apply(struct gs_db *db, const struct gs_migration *migration,
                            struct gs_error *err)
{
    enum gs_status status = gs_sql_script(db, migration->sql, err);
    if (status != GS_OK) {
        gs_error_prefix(err, "migration %u (%s)", migration->number, migration->name);
        return status;
    }
    char checksum[GS_SHA256_HEX + 1];
    gs_sha256_hex(gs_slice_str(migration->sql), checksum);
    return gs_sql_run(db,
                      "INSERT INTO schema_migrations (number, name, checksum, applied_at)"
                      " VALUES (?, ?, ?, ?)",
                      GS_SQL_ARGS(gs_sql_int(migration->number), gs_sql_text(migration->name),
                                  gs_sql_text(checksum), gs_sql_int(gs_clock_now_ms())),
                      err);
}

// Looks again in every transaction, because another process may be doing the same.
static enum gs_status apply_next(struct gs_store *store, const struct gs_migration *list,
                                 size_t count, bool *out_done, struct gs_error *err)
{
    GS_CLEANUP(gs_arena_cleanup) struct gs_arena *arena = gs_arena_new();
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    struct applied *applied;
    size_t applied_count;
    enum gs_status status = gs_tx_write(store, &tx, err);
    if (status == GS_OK)
        status = list_applied(tx->db, arena, &applied, &applied_count, err);
    if (status == GS_OK)
        status = check_applied(applied, applied_count, list, count, store->path, err);
    if (status != GS_OK)
        return status;
    *out_done = applied_count == count;
    if (*out_done)
        return GS_OK;
    status = apply(tx->db, &list[applied_count], err);
    return status == GS_OK ? gs_tx_commit(&tx, err) : status;
}

enum gs_status gs_store_migrate(struct gs_store *store, const struct gs_migration *list,
                                size_t count, struct gs_error *err)
{
    bool done = false;
    enum gs_status status = GS_OK;
    while (status == GS_OK && !done)
        status = apply_next(store, list, count, &done, err);
    return status;
}
