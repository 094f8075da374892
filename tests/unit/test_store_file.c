// The database file: its mode, its schema and the migrations, and files that are not what they should be.
// SPDX-License-Identifier: Apache-2.0
#include "stored.h"

#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/files.h"
#include "base/random.h"
#include "store/store_internal.h"

enum { MIGRATIONS_MAX = 64 };

// Opening must fail with store_failed, the path, and a message that has this part.
static void expect_refused(struct stored *s, const char *part)
{
    struct gs_store *store = NULL;
    assert_int_equal(gs_store_open(s->folder, &store, &s->err), GS_INTERNAL);
    assert_int_equal(s->err.code, GS_CODE_STORE_FAILED);
    assert_null(store);
    if (!strstr(s->err.message, s->path) || !strstr(s->err.message, part))
        fail_msg("the message lacks the path or \"%s\": %s", part, s->err.message);
}

static void write_file(const char *path, struct gs_slice content)
{
    assert_int_equal(gs_file_write(path, content, 0600, NULL), GS_OK);
}

static int mode_of(const struct stored *s, const char *suffix)
{
    char path[sizeof s->path + 8];
    struct stat st;
    snprintf(path, sizeof path, "%s%s", s->path, suffix);
    assert_int_equal(stat(path, &st), 0);
    return (int)(st.st_mode & 0777);
}

static void files_are_private_whatever_the_umask(void **state)
{
    (void)state;
    const mode_t masks[] = {0, 0077, 0777};
    for (size_t i = 0; i < GS_COUNT(masks); i++) {
        struct stored *s = stored_new();
        mode_t before = umask(masks[i]);
        stored_open(s);
        stored_write(s);
        stored_add_organization(s, "o1");
        stored_commit(s);
        umask(before);
        assert_int_equal(mode_of(s, ""), 0600);
        assert_int_equal(mode_of(s, "-wal"), 0600);
        assert_int_equal(mode_of(s, "-shm"), 0600);
        stored_close(s);
        assert_int_equal(chmod(s->path, 0644), 0);
        stored_open(s);
        assert_int_equal(mode_of(s, ""), 0600);
        stored_close_and_remove(s);
    }
}

static void the_folder_is_made(void **state)
{
    (void)state;
    struct stored *s = stored_new();
    char folder[128];
    snprintf(folder, sizeof folder, "%s/a/b c", s->folder);
    STORED_OK(s, gs_store_open(folder, &s->store, &s->err));
    STORED_OK(s, gs_store_check(s->store, &s->err));
    struct stat st;
    assert_int_equal(stat(folder, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    stored_close_and_remove(s);
}

static void connections_are_set_up(void **state)
{
    struct stored *s = *state;
    static const struct {
        const char *sql;
        int64_t value;
    } expected[] = {
        {"SELECT synchronous FROM pragma_synchronous", 2},
        {"SELECT foreign_keys FROM pragma_foreign_keys", 1},
        {"SELECT trusted_schema FROM pragma_trusted_schema", 0},
        {"SELECT journal_mode = 'wal' FROM pragma_journal_mode", 1},
        {"SELECT timeout FROM pragma_busy_timeout", 5000},
        {"SELECT count(*) FROM pragma_table_list WHERE schema = 'main' AND type = 'table'"
         " AND strict = 0 AND name NOT LIKE 'sqlite%'",
         0},
    };
    for (int writable = 0; writable < 2; writable++) {
        if (writable)
            stored_write(s);
        else
            stored_read(s);
        for (size_t i = 0; i < GS_COUNT(expected); i++) {
            int64_t value = -1;
            STORED_OK(s, gs_sql_find(s->tx->db, expected[i].sql, GS_SQL_NO_ARGS, &gs_row_type_int,
                                     NULL, &value, &s->err));
            assert_int_equal(value, expected[i].value);
        }
        stored_end(s);
    }
}

// 2 is FULL: a commit waits for the disk. 1 is NORMAL.
static int64_t synchronous(struct stored *s)
{
    int64_t value = -1;
    STORED_OK(s, gs_sql_find(s->tx->db, "SELECT synchronous FROM pragma_synchronous",
                             GS_SQL_NO_ARGS, &gs_row_type_int, NULL, &value, &s->err));
    return value;
}

static void only_relaxed_commits_do_not_wait_for_the_disk(void **state)
{
    struct stored *s = *state;
    stored_write(s);
    assert_int_equal(synchronous(s), 2);
    stored_add_organization(s, "o1");
    stored_commit(s);
    STORED_OK(s, gs_tx_write_relaxed(s->store, &s->tx, &s->err));
    assert_int_equal(synchronous(s), 1);
    stored_add_organization(s, "o2");
    stored_commit(s);
    stored_write(s);
    assert_int_equal(synchronous(s), 2);
    stored_end(s);
    assert_int_equal(stored_sql(s, "SELECT count(*) FROM organizations"), 2);
}

static void readers_cannot_write(void **state)
{
    struct stored *s = *state;
    stored_read(s);
    STORED_IS(s, GS_INTERNAL, gs_store_put_setting(s->tx, "n", "v", &s->err));
    // What failed for good stays failed until it ends.
    const char *value;
    STORED_IS(s, GS_INTERNAL, gs_store_get_setting(s->tx, "n", s->arena, &value, &s->err));
    STORED_IS(s, GS_INTERNAL, gs_tx_commit(&s->tx, &s->err));
    stored_read(s);
    STORED_IS(s, GS_NOT_FOUND, gs_store_get_setting(s->tx, "n", s->arena, &value, &s->err));
}

static void everything_survives_reopening(void **state)
{
    struct stored *s = *state;
    stored_write(s);
    stored_add_organization(s, "o1");
    stored_commit(s);
    for (int i = 0; i < 3; i++)
        stored_reopen(s);
    assert_int_equal(stored_sql(s, "SELECT count(*) FROM organizations"), 1);
    assert_int_equal(stored_sql(s, "SELECT count(*) FROM schema_migrations"),
                     (int64_t)gs_migrations_count);
    assert_int_equal(stored_sql(s, "SELECT count(*) FROM schema_migrations"
                                   " WHERE length(checksum) = 64 AND applied_at > 0"),
                     (int64_t)gs_migrations_count);
}

static void the_check_writes(void **state)
{
    struct stored *s = *state;
    assert_int_equal(stored_sql(s, "SELECT checked_at FROM health"), 0);
    STORED_OK(s, gs_store_check(s->store, &s->err));
    assert_true(stored_sql(s, "SELECT checked_at FROM health") > 0);
}

static void a_newer_schema_is_refused(void **state)
{
    struct stored *s = *state;
    stored_close(s);
    stored_sql(s, "INSERT INTO schema_migrations VALUES (10, 'later', 'x', 1)");
    char known[64];
    const struct gs_migration *last = &gs_migrations[gs_migrations_count - 1];
    snprintf(known, sizeof known, "versions up to %u (%s)", last->number, last->name);
    expect_refused(s, "schema version 10 (later)");
    expect_refused(s, known);
}

static void a_changed_migration_is_refused(void **state)
{
    struct stored *s = *state;
    stored_close(s);
    stored_sql(s, "UPDATE schema_migrations SET checksum = 'x' WHERE number = 1");
    expect_refused(s, "another version of migration 1 (initial)");
    stored_sql(s, "UPDATE schema_migrations SET number = -1 WHERE number = 1");
    expect_refused(s, "another version of migration 1 (initial)");
}

static void a_failing_migration_leaves_what_was(void **state)
{
    struct stored *s = *state;
    unsigned ours = (unsigned)gs_migrations_count;
    struct gs_migration list[MIGRATIONS_MAX];
    assert_true(ours + 2 <= GS_COUNT(list));
    memcpy(list, gs_migrations, ours * sizeof list[0]);
    list[ours] = (struct gs_migration){ours + 1, "good", "CREATE TABLE good (id INTEGER) STRICT;"};
    list[ours + 1] = (struct gs_migration){
        ours + 2, "bad", "CREATE TABLE half (id INTEGER) STRICT; CREATE TABLE good (id INTEGER);"};
    STORED_IS(s, GS_INTERNAL, gs_store_migrate(s->store, list, ours + 2, &s->err));
    assert_non_null(strstr(s->err.message, " (bad): "));
    assert_non_null(strstr(s->err.message, "already exists"));
    assert_int_equal(stored_sql(s, "SELECT max(number) FROM schema_migrations"), ours + 1);
    assert_int_equal(stored_sql(s, "SELECT count(*) FROM sqlite_schema WHERE name = 'half'"), 0);
    list[ours + 1].sql = "CREATE TABLE half (id INTEGER) STRICT;";
    STORED_OK(s, gs_store_migrate(s->store, list, ours + 2, &s->err));
    STORED_OK(s, gs_store_migrate(s->store, list, ours + 2, &s->err));
    assert_int_equal(stored_sql(s, "SELECT max(number) FROM schema_migrations"), ours + 2);
}

static void files_of_another_kind_are_refused(void **state)
{
    (void)state;
    struct stored *s = stored_new();
    write_file(s->path, GS_SLICE_LIT("this is a text file, and long enough for a header of SQLite, "
                                     "which has a hundred bytes; this has more of them."));
    expect_refused(s, "not a database");
    assert_int_equal(unlink(s->path), 0);
    assert_int_equal(mkdir(s->path, 0700), 0);
    expect_refused(s, "not a file");
    assert_int_equal(rmdir(s->path), 0);
    // An empty one is what a crash right after its creation leaves.
    write_file(s->path, GS_SLICE_EMPTY);
    stored_open(s);
    stored_close_and_remove(s);
}

static void fill(struct stored *s)
{
    stored_write(s);
    stored_add_organization(s, "o1");
    for (int i = 0; i < 200; i++)
        stored_add_app(s, "o1", gs_arena_printf(s->arena, "app %d", i));
    stored_commit(s);
}

// Reads all that can be read; the outcome is free, as long as there is one.
static void read_everything(struct stored *s)
{
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    struct gs_app *apps;
    struct gs_app app;
    size_t count;
    if (gs_tx_read(s->store, &tx, &s->err) != GS_OK)
        return;
    enum gs_status status = gs_store_list_apps(tx, "o1", s->arena, &apps, &count, &s->err);
    for (int i = 0; i < 200 && status != GS_INTERNAL; i++)
        status =
            gs_store_get_app(tx, gs_arena_printf(s->arena, "app %d", i), s->arena, &app, &s->err);
}

static void damage(struct gs_buf *image, size_t from, size_t count)
{
    for (size_t i = 0; i < count; i++)
        image->data[from + gs_random_below((uint32_t)(image->len - from))] ^=
            (char)(1 + gs_random_below(255));
}

static void corrupt_files_are_survived(void **state)
{
    struct stored *s = *state;
    fill(s);
    stored_close(s);
    GS_CLEANUP(gs_buf_release) struct gs_buf image, copy;
    gs_buf_init(&image, 16 << 20);
    gs_buf_init(&copy, 16 << 20);
    STORED_OK(s, gs_file_read(s->path, &image, &s->err));
    for (int round = 0; round < 40; round++) {
        gs_buf_clear(&copy);
        gs_buf_append_slice(&copy, gs_buf_slice(&image));
        damage(&copy, 100, 1 + (size_t)round * 4);
        write_file(s->path, gs_buf_slice(&copy));
        if (gs_store_open(s->folder, &s->store, &s->err) == GS_OK)
            read_everything(s);
        stored_close(s);
    }
    write_file(s->path, gs_slice_of(image.data, image.len / 2));
    expect_refused(s, "malformed");
    write_file(s->path, gs_buf_slice(&image));
    stored_open(s);
}

// Runs the body as nobody, who is not allowed what root is.
static void as_nobody(struct stored *s, void (*body)(struct stored *s))
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (getuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
            _exit(9);
        body(s);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("the child ended with %d", status);
}

static void hand_to_nobody(const struct stored *s)
{
    if (getuid() != 0)
        return;
    assert_int_equal(chown(s->folder, 65534, 65534), 0);
    if (access(s->path, F_OK) == 0)
        assert_int_equal(chown(s->path, 65534, 65534), 0);
}

// In the child, where an assertion of the test library would not be heard.
static void open_and_compare(struct stored *s, const char *part)
{
    struct gs_store *store = NULL;
    enum gs_status status = gs_store_open(s->folder, &store, &s->err);
    if (status != GS_INTERNAL || !strstr(s->err.message, s->path) ||
        !strstr(s->err.message, part)) {
        fprintf(stderr, "%d: %s\n", status, s->err.message);
        _exit(1);
    }
}

static void meet_permission_denied(struct stored *s)
{
    open_and_compare(s, "Permission denied");
}

static void meet_what_cannot_be_written(struct stored *s)
{
    open_and_compare(s, "cannot be written");
}

static void read_only_folders_are_refused(void **state)
{
    (void)state;
    struct stored *s = stored_new();
    hand_to_nobody(s);
    assert_int_equal(chmod(s->folder, 0500), 0);
    as_nobody(s, meet_permission_denied);
    assert_int_equal(chmod(s->folder, 0700), 0);
    stored_open(s);
    fill(s);
    stored_close(s);
    hand_to_nobody(s);
    assert_int_equal(chmod(s->path, 0400), 0);
    as_nobody(s, meet_what_cannot_be_written);
    assert_int_equal(chmod(s->path, 0600), 0);
    assert_int_equal(chmod(s->folder, 0500), 0);
    as_nobody(s, meet_what_cannot_be_written);
    assert_int_equal(chmod(s->folder, 0700), 0);
    stored_close_and_remove(s);
}

// Puts documents until it fails; returns how many were committed.
static int put_until_full(struct stored *s, int already)
{
    for (int i = already; i < 10000; i++) {
        char noise[8000];
        GS_CLEANUP(gs_document_blob_release) struct gs_document_blob blob = {0};
        GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
        gs_random_bytes(noise, sizeof noise);
        STORED_OK(s, gs_document_pack(gs_slice_of(noise, sizeof noise), &blob, &s->err));
        enum gs_status status = gs_tx_write(s->store, &tx, &s->err);
        if (status == GS_OK)
            status = gs_store_put_document(tx, &blob, &s->err);
        if (status == GS_OK)
            status = gs_tx_commit(&tx, &s->err);
        if (status != GS_OK)
            return i;
    }
    fail_msg("the disk did not fill up");
    return 0;
}

static void expect_full(struct stored *s)
{
    assert_int_equal(s->err.code, GS_CODE_STORE_FAILED);
    assert_non_null(strstr(s->err.message, s->path));
    if (!strstr(s->err.message, "full") && !strstr(s->err.message, "No space left"))
        fail_msg("%s", s->err.message);
}

static void a_full_database_works_again(void **state)
{
    struct stored *s = *state;
    stored_write(s);
    STORED_OK(s, gs_sql_script(s->tx->db, "PRAGMA max_page_count=200", &s->err));
    stored_end(s);
    int put = put_until_full(s, 0);
    expect_full(s);
    assert_int_equal(stored_sql(s, "SELECT count(*) FROM documents"), put);
    stored_write(s);
    STORED_OK(s, gs_sql_script(s->tx->db, "PRAGMA max_page_count=1000000", &s->err));
    stored_end(s);
    STORED_OK(s, gs_store_check(s->store, &s->err));
    stored_write(s);
    stored_put_document(s, "there is room again");
    stored_commit(s);
    assert_int_equal(stored_sql(s, "SELECT count(*) FROM documents"), put + 1);
}

static void run_on_a_small_disk(struct stored *s)
{
    char ballast[128];
    snprintf(ballast, sizeof ballast, "%s/ballast", s->folder);
    GS_CLEANUP(gs_buf_release) struct gs_buf bytes;
    gs_buf_init(&bytes, 1 << 20);
    memset(gs_buf_reserve(&bytes, 1 << 20), 1, 1 << 20);
    bytes.len = 1 << 20;
    write_file(ballast, gs_buf_slice(&bytes));
    stored_open(s);
    int put = put_until_full(s, 0);
    expect_full(s);
    put = put_until_full(s, put);
    expect_full(s);
    // Reading goes on.
    stored_read(s);
    stored_end(s);
    assert_int_equal(unlink(ballast), 0);
    STORED_OK(s, gs_store_check(s->store, &s->err));
    stored_write(s);
    stored_put_document(s, "there is room again");
    stored_commit(s);
    assert_int_equal(stored_sql(s, "SELECT count(*) FROM documents"), put + 1);
    assert_int_equal(stored_sql(s, "SELECT count(*) FROM pragma_integrity_check"
                                   " WHERE integrity_check = 'ok'"),
                     1);
    stored_close(s);
}

static void a_full_disk_is_survived(void **state)
{
    (void)state;
    struct stored *s = stored_new();
    bool mounted = mount("none", s->folder, "tmpfs", 0, "size=4m") == 0;
    if (mounted)
        run_on_a_small_disk(s);
    // Without the right to mount, the limit of the test above has to do.
    if (mounted)
        assert_int_equal(umount(s->folder), 0);
    stored_close_and_remove(s);
    if (!mounted)
        skip();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_private_whatever_the_umask),
        cmocka_unit_test(the_folder_is_made),
        STORED_TEST(connections_are_set_up),
        STORED_TEST(only_relaxed_commits_do_not_wait_for_the_disk),
        STORED_TEST(readers_cannot_write),
        STORED_TEST(everything_survives_reopening),
        STORED_TEST(the_check_writes),
        STORED_TEST(a_newer_schema_is_refused),
        STORED_TEST(a_changed_migration_is_refused),
        STORED_TEST(a_failing_migration_leaves_what_was),
        cmocka_unit_test(files_of_another_kind_are_refused),
        STORED_TEST(corrupt_files_are_survived),
        cmocka_unit_test(read_only_folders_are_refused),
        STORED_TEST(a_full_database_works_again),
        cmocka_unit_test(a_full_disk_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
