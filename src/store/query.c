// Statements that give no rows, and rows into structs: one that must be there, or all of them. Knows neither the database below nor any table.
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>

#include "store/store_internal.h"

// Large enough for every row type, so that a row that cannot be read leaves the caller's struct alone.
enum { STAGE_BYTES = 256 };

static void read_int(struct gs_row *row, void *out)
{
    *(int64_t *)out = gs_row_int(row);
}

static void read_text(struct gs_row *row, void *out)
{
    *(const char **)out = gs_row_text(row);
}

const struct gs_row_type gs_row_type_int = {sizeof(int64_t), read_int};
const struct gs_row_type gs_row_type_text = {sizeof(const char *), read_text};

static enum gs_status read_next(struct gs_row *row, const struct gs_row_type *type, void *out,
                                bool *out_found, struct gs_error *err)
{
    enum gs_status status = gs_sql_next(row, out_found, err);
    if (status != GS_OK || !*out_found)
        return status;
    type->read(row, out);
    return gs_row_check(row, err);
}

enum gs_status gs_sql_run(struct gs_db *db, const char *sql, struct gs_sql_args args,
                          struct gs_error *err)
{
    GS_CLEANUP(gs_sql_finish) struct gs_row *row = NULL;
    bool found;
    enum gs_status status = gs_sql_start(db, sql, args, NULL, &row, err);
    return status == GS_OK ? gs_sql_next(row, &found, err) : status;
}

enum gs_status gs_sql_change(struct gs_db *db, const char *sql, struct gs_sql_args args,
                             struct gs_error *err)
{
    enum gs_status status = gs_sql_run(db, sql, args, err);
    if (status == GS_OK && !gs_sql_changed(db))
        return gs_fail(err, GS_CODE_NOT_FOUND, NULL, "not found");
    return status;
}

enum gs_status gs_sql_find(struct gs_db *db, const char *sql, struct gs_sql_args args,
                           const struct gs_row_type *type, struct gs_arena *arena, void *out,
                           struct gs_error *err)
{
    _Alignas(max_align_t) unsigned char stage[STAGE_BYTES] = {0};
    assert(type->size <= sizeof stage);
    GS_CLEANUP(gs_sql_finish) struct gs_row *row = NULL;
    bool found = false;
    enum gs_status status = gs_sql_start(db, sql, args, arena, &row, err);
    if (status == GS_OK)
        status = read_next(row, type, stage, &found, err);
    if (status != GS_OK)
        return status;
    if (!found)
        return gs_fail(err, GS_CODE_NOT_FOUND, NULL, "not found");
    memcpy(out, stage, type->size);
    return GS_OK;
}

// Appends every row of the started statement to the array.
static enum gs_status collect(struct gs_row *row, const struct gs_row_type *type,
                              struct gs_buf *array, struct gs_error *err)
{
    for (;;) {
        _Alignas(max_align_t) unsigned char stage[STAGE_BYTES] = {0};
        bool found;
        enum gs_status status = read_next(row, type, stage, &found, err);
        if (status != GS_OK || !found)
            return status;
        if (!gs_buf_append(array, stage, type->size))
            return gs_fail(err, GS_CODE_NO_MEMORY, NULL, "not enough memory for a list of rows");
    }
}

enum gs_status gs_sql_list(struct gs_db *db, const char *sql, struct gs_sql_args args,
                           const struct gs_row_type *type, struct gs_arena *arena, void *out_rows,
                           size_t *out_count, struct gs_error *err)
{
    assert(type->size <= STAGE_BYTES);
    GS_CLEANUP(gs_buf_release) struct gs_buf array;
    gs_buf_init(&array, SIZE_MAX / 4);
    GS_CLEANUP(gs_sql_finish) struct gs_row *row = NULL;
    enum gs_status status = gs_sql_start(db, sql, args, arena, &row, err);
    if (status == GS_OK)
        status = collect(row, type, &array, err);
    if (status != GS_OK)
        return status;
    void *rows = gs_arena_dup_slice(arena, gs_buf_slice(&array));
    memcpy(out_rows, &rows, sizeof rows);
    *out_count = array.len / type->size;
    return GS_OK;
}

struct gs_sql_arg gs_sql_limit(size_t limit)
{
    return gs_sql_int(limit > INT64_MAX ? INT64_MAX : (int64_t)limit);
}
