// A store in a folder of its own and rows to put into it.
// SPDX-License-Identifier: Apache-2.0
#include "stored.h"

#include <sqlite3.h>

#include "base/files.h"

struct stored *stored_new(void)
{
    struct stored *s = gs_xcalloc(1, sizeof *s);
    snprintf(s->folder, sizeof s->folder, "/tmp/gitsync-store-XXXXXX");
    assert_non_null(mkdtemp(s->folder));
    snprintf(s->path, sizeof s->path, "%s/gitsync.db", s->folder);
    s->arena = gs_arena_new();
    return s;
}

void stored_close_and_remove(struct stored *s)
{
    stored_end(s);
    stored_close(s);
    assert_int_equal(gs_dir_remove(s->folder, NULL), GS_OK);
    gs_arena_free(s->arena);
    gs_error_release(&s->err);
    free(s);
}

int stored_set_up(void **state)
{
    struct stored *s = stored_new();
    stored_open(s);
    *state = s;
    return 0;
}

int stored_tear_down(void **state)
{
    stored_close_and_remove(*state);
    return 0;
}

void stored_expect(struct stored *s, enum gs_status expected, enum gs_status actual,
                   const char *call, int line)
{
    if (actual != expected)
        fail_msg("line %d: %s gave %d instead of %d: %s", line, call, actual, expected,
                 s->err.message);
}

void stored_open(struct stored *s)
{
    STORED_OK(s, gs_store_open(s->folder, &s->store, &s->err));
}

void stored_close(struct stored *s)
{
    gs_store_close(s->store);
    s->store = NULL;
}

void stored_reopen(struct stored *s)
{
    stored_close(s);
    stored_open(s);
}

void stored_read(struct stored *s)
{
    assert_null(s->tx);
    STORED_OK(s, gs_tx_read(s->store, &s->tx, &s->err));
}

void stored_write(struct stored *s)
{
    assert_null(s->tx);
    STORED_OK(s, gs_tx_write(s->store, &s->tx, &s->err));
}

void stored_commit(struct stored *s)
{
    STORED_OK(s, gs_tx_commit(&s->tx, &s->err));
    assert_null(s->tx);
}

void stored_end(struct stored *s)
{
    gs_tx_end(&s->tx);
    assert_null(s->tx);
}

static int keep_number(void *to, int columns, char **values, char **names)
{
    (void)columns;
    (void)names;
    int64_t *number = to;
    if (*number == 0)
        *number = values[0] ? strtoll(values[0], NULL, 10) : 0;
    return 0;
}

int64_t stored_sql(struct stored *s, const char *sql)
{
    sqlite3 *db;
    int64_t number = 0;
    assert_int_equal(sqlite3_open(s->path, &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 5000);
    if (sqlite3_exec(db, sql, keep_number, &number, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    sqlite3_close(db);
    return number;
}

void stored_add_organization(struct stored *s, const char *id)
{
    struct gs_organization org = {.id = id, .name = id, .created_at = 1};
    STORED_OK(s, gs_store_add_organization(s->tx, &org, &s->err));
}

void stored_add_app(struct stored *s, const char *organization_id, const char *id)
{
    struct gs_app app = {.id = id,
                         .organization_id = organization_id,
                         .name = id,
                         .slug = id,
                         .created_at = 1,
                         .updated_at = 1};
    STORED_OK(s, gs_store_add_app(s->tx, &app, &s->err));
}

const char *stored_put_document(struct stored *s, const char *text)
{
    GS_CLEANUP(gs_document_blob_release) struct gs_document_blob blob = {0};
    STORED_OK(s, gs_document_pack(gs_slice_str(text), &blob, &s->err));
    STORED_OK(s, gs_store_put_document(s->tx, &blob, &s->err));
    return gs_arena_strdup(s->arena, blob.id);
}

const char *stored_environment(struct stored *s, const char *organization_id, int priority)
{
    struct gs_environment *envs;
    size_t count;
    STORED_OK(s,
              gs_store_list_environments(s->tx, organization_id, s->arena, &envs, &count, &s->err));
    assert_int_equal(count, 3);
    return envs[priority - 1].id;
}

struct gs_version stored_version(struct stored *s, const char *app_id, const char *id,
                                 const char *document_id)
{
    struct gs_app app;
    STORED_OK(s, gs_store_get_app(s->tx, app_id, s->arena, &app, &s->err));
    return (struct gs_version){.id = id,
                               .app_id = app_id,
                               .name = id,
                               .draft = true,
                               .environment_id = stored_environment(s, app.organization_id, 1),
                               .document_id = document_id,
                               .created_at = 1,
                               .updated_at = 1};
}

void stored_add_version(struct stored *s, const char *app_id, const char *id,
                        const char *document_id)
{
    struct gs_version version = stored_version(s, app_id, id, document_id);
    STORED_OK(s, gs_store_add_version(s->tx, &version, &s->err));
}
