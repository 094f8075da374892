// Every statement of the store finds its rows by an index. The statements are caught on their way to SQLite while each
// function of the store runs once, so that none can be forgotten here.
// SPDX-License-Identifier: Apache-2.0
#include "stored.h"

#include <sqlite3.h>

#include "store/store_internal.h"

enum { STATEMENTS_MAX = 200 };

static char *statements[STATEMENTS_MAX];
static size_t statement_count;

static void remember(const char *sql)
{
    for (size_t i = 0; i < statement_count; i++)
        if (strcmp(statements[i], sql) == 0)
            return;
    assert_true(statement_count < STATEMENTS_MAX);
    statements[statement_count++] = gs_xstrdup(sql);
}

static int trace(unsigned type, void *context, void *statement, void *text)
{
    (void)type;
    (void)context;
    (void)text;
    remember(sqlite3_sql(statement));
    return 0;
}

static int trace_connection(sqlite3 *db, char **message, const struct sqlite3_api_routines *api)
{
    (void)message;
    (void)api;
    return sqlite3_trace_v2(db, SQLITE_TRACE_STMT, trace, NULL);
}

static void forget_statements(void)
{
    while (statement_count > 0)
        free(statements[--statement_count]);
}

// ---- Each function once --------------------------------------------------------

static void run_organizations(struct stored *s)
{
    struct gs_organization org, *orgs;
    size_t count;
    stored_add_organization(s, "o1");
    stored_environment(s, "o1", 1);
    STORED_OK(s, gs_store_get_organization(s->tx, "o1", s->arena, &org, &s->err));
    STORED_OK(s, gs_store_list_organizations(s->tx, s->arena, &orgs, &count, &s->err));
}

static void run_apps(struct stored *s)
{
    struct gs_app app, *apps;
    size_t count;
    stored_add_app(s, "o1", "a1");
    STORED_OK(s, gs_store_find_app_by_slug(s->tx, "a1", s->arena, &app, &s->err));
    STORED_OK(s, gs_store_find_app_by_name(s->tx, "o1", "a1", s->arena, &app, &s->err));
    STORED_OK(s, gs_store_list_apps(s->tx, "o1", s->arena, &apps, &count, &s->err));
    STORED_OK(s, gs_store_rename_app(s->tx, "a1", "new", 1, &s->err));
}

static void run_versions(struct stored *s)
{
    struct gs_version version, *versions;
    struct gs_document_change *changes;
    size_t count;
    bool exists;
    const char *doc = stored_put_document(s, "one");
    version = stored_version(s, "a1", "v1", doc);
    version.synced_document_id = doc;
    STORED_OK(s, gs_store_add_version(s->tx, &version, &s->err));
    version.document_id = stored_put_document(s, "two");
    STORED_OK(s, gs_store_update_version(s->tx, &version, NULL, &s->err));
    STORED_OK(s, gs_store_get_version(s->tx, "a1", "v1", s->arena, &version, &s->err));
    STORED_OK(s, gs_store_find_version_by_name(s->tx, "a1", "v1", s->arena, &version, &s->err));
    STORED_OK(s, gs_store_version_id_exists(s->tx, "v1", &exists, &s->err));
    STORED_OK(s, gs_store_list_versions(s->tx, "a1", s->arena, &versions, &count, &s->err));
    STORED_OK(s,
              gs_store_list_document_changes(s->tx, "a1", 9, s->arena, &changes, &count, &s->err));
}

static void run_releases_and_documents(struct stored *s)
{
    struct gs_release *releases;
    size_t count;
    const char *doc = stored_put_document(s, "one");
    struct gs_release release = {.id = "r1",
                                 .app_id = "a1",
                                 .version_id = "v1",
                                 .environment_id = stored_environment(s, "o1", 3),
                                 .document_id = doc};
    STORED_OK(s, gs_store_add_release(s->tx, &release, &s->err));
    STORED_OK(s, gs_store_list_releases(s->tx, "a1", 9, s->arena, &releases, &count, &s->err));
    GS_CLEANUP(gs_buf_release) struct gs_buf bytes;
    gs_buf_init(&bytes, 100);
    STORED_OK(s, gs_store_get_document(s->tx, doc, &bytes, &s->err));
}

static void run_git(struct stored *s)
{
    struct gs_git_config config = {.organization_id = "o1",
                                   .git_url = "",
                                   .branch = "",
                                   .github_app_id = "",
                                   .github_installation_id = "",
                                   .api_url = "",
                                   .key_fingerprint = "",
                                   .layout = "single-file",
                                   .author_name = "",
                                   .author_email = ""};
    struct gs_git_link link = {.app_id = "a1",
                               .organization_id = "o1",
                               .git_app_id = "g1",
                               .git_url = "",
                               .branch = "",
                               .commit = ""};
    STORED_OK(s, gs_store_put_git_config(s->tx, &config, &s->err));
    STORED_OK(s, gs_store_get_git_config(s->tx, "o1", s->arena, &config, &s->err));
    STORED_OK(s, gs_store_delete_git_config(s->tx, "o1", &s->err));
    STORED_OK(s, gs_store_put_link(s->tx, &link, &s->err));
    STORED_OK(s, gs_store_get_link(s->tx, "a1", s->arena, &link, &s->err));
    STORED_OK(s, gs_store_find_link(s->tx, "o1", "g1", s->arena, &link, &s->err));
}

static void run_operations(struct stored *s)
{
    struct gs_operation op = {.id = "1", .kind = "push", .request = "{}"}, *ops;
    const enum gs_operation_state done = GS_OP_DONE;
    size_t count;
    STORED_OK(s, gs_store_add_operation(s->tx, &op, &s->err));
    STORED_OK(s, gs_store_update_operation(s->tx, &op, &s->err));
    STORED_OK(s, gs_store_get_operation(s->tx, "1", s->arena, &op, &s->err));
    for (unsigned i = 0; i < 32; i++) {
        struct gs_operation_filter filter = {.organization_id = i & 1 ? "o1" : NULL,
                                             .app_id = i & 2 ? "a1" : NULL,
                                             .open_only = i & 4,
                                             .state = i & 8 ? &done : NULL,
                                             .before_id = i & 16 ? "2" : NULL,
                                             .limit = 9};
        STORED_OK(s, gs_store_list_operations(s->tx, &filter, s->arena, &ops, &count, &s->err));
    }
}

static void run_answers(struct stored *s)
{
    GS_CLEANUP(gs_buf_release) struct gs_buf body = {.max = 99};
    struct gs_recorded_answer answer = {.scope = "s",
                                        .key = "k",
                                        .request = "r",
                                        .request_id = "q",
                                        .status = 200,
                                        .expires_at = 9};
    STORED_OK(s, gs_store_put_answer(s->tx, &answer, NULL, &s->err));
    STORED_OK(s, gs_store_get_answer(s->tx, "s", "k", 0, s->arena, &answer, &body, &s->err));
}

static void run_retention(struct stored *s)
{
    struct gs_release release = {.id = "r2",
                                 .app_id = "a1",
                                 .version_id = "v1",
                                 .environment_id = stored_environment(s, "o1", 3),
                                 .document_id = stored_put_document(s, "one"),
                                 .created_at = 1};
    struct gs_retention all = {
        .now = INT64_MAX, .operations_before = INT64_MAX, .releases_before = INT64_MAX};
    bool some = false;
    STORED_OK(s, gs_store_add_release(s->tx, &release, &s->err));
    STORED_OK(s, gs_store_forget(s->tx, &all, &some, &s->err));
    assert_true(some);
}

static void run_tokens_and_settings(struct stored *s)
{
    struct gs_token token = {.sha256 = "aa", .name = "n"}, *tokens;
    const char *value;
    size_t count;
    STORED_OK(s, gs_store_add_token(s->tx, &token, &s->err));
    STORED_OK(s, gs_store_list_tokens(s->tx, s->arena, &tokens, &count, &s->err));
    STORED_OK(s, gs_store_delete_token(s->tx, "n", &s->err));
    STORED_OK(s, gs_store_put_setting(s->tx, "n", "v", &s->err));
    STORED_OK(s, gs_store_get_setting(s->tx, "n", s->arena, &value, &s->err));
}

static void run_everything(struct stored *s)
{
    stored_open(s);
    // The statements of the migrations came before; they are not about finding rows.
    forget_statements();
    STORED_OK(s, gs_store_check(s->store, &s->err));
    stored_write(s);
    run_organizations(s);
    run_apps(s);
    run_versions(s);
    run_releases_and_documents(s);
    run_git(s);
    run_operations(s);
    run_answers(s);
    run_retention(s);
    run_tokens_and_settings(s);
    STORED_OK(s, gs_store_delete_app(s->tx, "a1", &s->err));
    stored_commit(s);
    stored_close(s);
}

// ---- What SQLite makes of them ---------------------------------------------------

static bool may_scan(const char *sql)
{
    static const char *const whole[] = {"FROM organizations ORDER BY", "FROM tokens ORDER BY",
                                        "FROM sqlite_schema", "UPDATE health"};
    for (size_t i = 0; i < GS_COUNT(whole); i++)
        if (strstr(sql, whole[i]))
            return true;
    // Without a filter the newest operations are at the end of the key.
    return strstr(sql, "FROM operations ORDER BY id DESC LIMIT") != NULL;
}

// Lists are read in the order of an index; only what is open anywhere is few enough to be sorted.
static bool may_sort(const char *sql)
{
    return strstr(sql, "FROM operations WHERE state IN") || strstr(sql, "UNION") ||
           strstr(sql, "FROM tokens");
}

// What is open of one organization or app must not be searched for in all that is finished.
static bool must_search_open(const char *sql)
{
    return strstr(sql, " AND state IN ") && !strstr(sql, " state = ?");
}

static void check_step(const char *sql, const char *step)
{
    bool scans = strncmp(step, "SCAN", 4) == 0 && !strstr(step, "CONSTANT ROW");
    bool sorts = strstr(step, "TEMP B-TREE");
    if ((scans && !may_scan(sql)) || (sorts && !may_sort(sql)) ||
        (must_search_open(sql) && !strstr(step, "operations_open_by_")))
        fail_msg("%s: %s", step, sql);
}

static void check_plan(sqlite3 *db, const char *sql)
{
    GS_CLEANUP(gs_buf_release) struct gs_buf text;
    gs_buf_init(&text, 8192);
    gs_buf_printf(&text, "EXPLAIN QUERY PLAN %s", sql);
    sqlite3_stmt *plan;
    if (sqlite3_prepare_v2(db, text.data, -1, &plan, NULL) != SQLITE_OK)
        fail_msg("%s: %s", text.data, sqlite3_errmsg(db));
    while (sqlite3_step(plan) == SQLITE_ROW)
        check_step(sql, (const char *)sqlite3_column_text(plan, 3));
    sqlite3_finalize(plan);
}

static void every_statement_uses_an_index(void **state)
{
    (void)state;
    struct stored *s = stored_new();
    // A cast between function types, as SQLite's own interface asks for it.
    sqlite3_auto_extension((void (*)(void))trace_connection);
    run_everything(s);
    sqlite3_cancel_auto_extension((void (*)(void))trace_connection);
    sqlite3 *db;
    assert_int_equal(sqlite3_open(s->path, &db), SQLITE_OK);
    size_t checked = 0;
    for (size_t i = 0; i < statement_count; i++) {
        const char *sql = statements[i];
        if (strncmp(sql, "PRAGMA", 6) == 0 || strncmp(sql, "BEGIN", 5) == 0 ||
            strncmp(sql, "COMMIT", 6) == 0 || strncmp(sql, "--", 2) == 0)
            continue;
        check_plan(db, sql);
        checked++;
    }
    sqlite3_close(db);
    // 38 functions, of which the list of operations has 32 statements.
    assert_true(checked >= 60);
    forget_statements();
    stored_close_and_remove(s);
}

// The rows that refer to a deleted one are looked up by SQLite itself, which shows no plan of it.
static void foreign_keys_have_indexes(void **state)
{
    struct stored *s = *state;
    static const char list[] =
        "SELECT 'SELECT 1 FROM ' || m.name || ' WHERE ' ||"
        "  group_concat(f.\"from\" || ' = ?', ' AND ')"
        " FROM sqlite_schema m JOIN pragma_foreign_key_list(m.name) f"
        // Organizations and environments are never deleted.
        " WHERE m.type = 'table' AND f.\"table\" NOT IN ('organizations', 'environments')"
        " GROUP BY m.name, f.id";
    sqlite3 *db;
    sqlite3_stmt *row;
    assert_int_equal(sqlite3_open(s->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, list, -1, &row, NULL), SQLITE_OK);
    int count = 0;
    for (; sqlite3_step(row) == SQLITE_ROW; count++)
        check_plan(db, (const char *)sqlite3_column_text(row, 0));
    sqlite3_finalize(row);
    sqlite3_close(db);
    assert_int_equal(count, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_statement_uses_an_index),
        STORED_TEST(foreign_keys_have_indexes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
