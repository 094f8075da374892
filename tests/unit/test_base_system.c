// The thread pool, and whole files and folders.
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/files.h"
#include "base/pool.h"

static atomic_int ran;

static void count_job(void *arg)
{
    atomic_fetch_add(&ran, *(int *)arg);
}

static void pool_runs_everything_before_it_ends(void **state)
{
    (void)state;
    struct gs_pool *pool;
    assert_int_equal(gs_pool_new("unit", 3, 1000, &pool, NULL), GS_OK);
    atomic_store(&ran, 0);
    int one = 1;
    for (int i = 0; i < 1000; i++)
        assert_true(gs_pool_submit(pool, count_job, &one));
    gs_pool_free(pool);
    assert_int_equal(atomic_load(&ran), 1000);
    gs_pool_free(NULL);
}

struct gate {
    pthread_mutex_t lock;
    char order[16];
    size_t count;
};

static struct gate gate = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void pass_gate(void *arg)
{
    pthread_mutex_lock(&gate.lock);
    gate.order[gate.count++] = *(char *)arg;
    pthread_mutex_unlock(&gate.lock);
}

static void wait_until_started(void)
{
    while (atomic_load(&ran) == 0)
        gs_clock_sleep_ms(1);
}

static void start_and_pass_gate(void *arg)
{
    atomic_store(&ran, 1);
    pass_gate(arg);
}

static void pool_is_bounded_and_in_order(void **state)
{
    (void)state;
    struct gs_pool *pool;
    char names[] = "abcd";
    atomic_store(&ran, 0);
    pthread_mutex_lock(&gate.lock);
    assert_int_equal(gs_pool_new("unit", 1, 2, &pool, NULL), GS_OK);
    assert_true(gs_pool_submit(pool, start_and_pass_gate, &names[0]));
    wait_until_started(); // from here on one job runs and none waits
    assert_true(gs_pool_submit(pool, pass_gate, &names[1]));
    assert_true(gs_pool_submit(pool, pass_gate, &names[2]));
    assert_false(gs_pool_submit(pool, pass_gate, &names[3]));
    pthread_mutex_unlock(&gate.lock);
    gs_pool_free(pool);
    assert_string_equal(gate.order, "abc");
}

static struct gs_pool *chain_pool;

static void submit_next(void *arg)
{
    int *left = arg;
    if (--*left > 0)
        assert_true(gs_pool_submit(chain_pool, submit_next, left));
}

static void pool_jobs_may_submit_jobs(void **state)
{
    (void)state;
    int left = 100;
    assert_int_equal(gs_pool_new("unit", 2, 1, &chain_pool, NULL), GS_OK);
    assert_true(gs_pool_submit(chain_pool, submit_next, &left));
    gs_pool_free(chain_pool);
    assert_int_equal(left, 0);
}

static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/gitsync-unit-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return gs_dir_remove(folder, NULL) == GS_OK ? 0 : -1;
}

// The path of a name in the test's folder, valid until the call after the next three.
static const char *at(const char *name)
{
    static _Thread_local char paths[4][256];
    static _Thread_local size_t next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static size_t count_entries(const char *path)
{
    DIR *dir = opendir(path);
    assert_non_null(dir);
    size_t count = 0;
    while (readdir(dir))
        count++;
    closedir(dir);
    return count - 2; // "." and ".."
}

static void file_there_and_back(void **state)
{
    (void)state;
    struct gs_slice content = GS_SLICE_LIT("line\n\0binary\xff");
    assert_int_equal(gs_file_write(at("file"), content, 0640, NULL), GS_OK);
    struct stat st;
    assert_int_equal(stat(at("file"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    struct gs_buf buf;
    gs_buf_init(&buf, 100);
    gs_buf_append_str(&buf, "old");
    assert_int_equal(gs_file_read(at("file"), &buf, NULL), GS_OK);
    assert_true(gs_slice_eq(gs_buf_slice(&buf), content));

    assert_int_equal(gs_file_write(at("file"), GS_SLICE_EMPTY, 0600, NULL), GS_OK);
    assert_int_equal(stat(at("file"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(gs_file_read(at("file"), &buf, NULL), GS_OK);
    assert_int_equal(buf.len, 0);
    assert_int_equal(count_entries(folder), 1); // no temporary file is left
    gs_buf_release(&buf);
}

static void file_read_is_bounded(void **state)
{
    (void)state;
    static char big[100000];
    assert_int_equal(gs_file_write(at("big"), gs_slice_of(big, sizeof big), 0600, NULL), GS_OK);
    struct gs_buf buf;
    gs_buf_init(&buf, sizeof big);
    assert_int_equal(gs_file_read(at("big"), &buf, NULL), GS_OK);
    assert_int_equal(buf.len, sizeof big);
    gs_buf_release(&buf);
    gs_buf_init(&buf, sizeof big - 1);
    struct gs_error err = GS_ERROR_INIT;
    assert_int_equal(gs_file_read(at("big"), &buf, &err), GS_LIMIT);
    assert_non_null(strstr(err.message, "/big is larger than the limit of 99999 bytes"));
    gs_buf_release(&buf);
}

static void file_errors_name_the_path(void **state)
{
    (void)state;
    struct gs_buf buf;
    gs_buf_init(&buf, 100);
    struct gs_error err = GS_ERROR_INIT;
    assert_int_equal(gs_file_read(at("none"), &buf, &err), GS_NOT_FOUND);
    assert_non_null(strstr(err.message, "/none"));
    assert_int_equal(gs_file_write(at("file"), GS_SLICE_LIT("x"), 0600, NULL), GS_OK);
    assert_int_equal(gs_file_read(at("file/below"), &buf, &err), GS_NOT_FOUND);
    assert_int_equal(gs_file_read(folder, &buf, &err), GS_INTERNAL);
    assert_int_equal(gs_file_write(at("none/file"), GS_SLICE_LIT("x"), 0600, &err), GS_INTERNAL);
    assert_non_null(strstr(err.message, "cannot write"));

    // A folder stands where the file should go: nothing changes and nothing is left behind.
    assert_int_equal(gs_dir_make(at("folder"), 0700, NULL), GS_OK);
    assert_int_equal(gs_file_write(at("folder"), GS_SLICE_LIT("x"), 0600, &err), GS_INTERNAL);
    assert_int_equal(count_entries(folder), 2);
    char wide[5000];
    memset(wide, 'x', sizeof wide - 1);
    wide[sizeof wide - 1] = 0;
    assert_int_equal(gs_file_write(wide, GS_SLICE_LIT("x"), 0600, &err), GS_INTERNAL);
    assert_int_equal(gs_dir_make(wide, 0700, &err), GS_INTERNAL);
    gs_buf_release(&buf);
}

struct writer {
    pthread_t id;
    char letter;
};

static void *write_often(void *arg)
{
    struct writer *writer = arg;
    char content[20000];
    memset(content, writer->letter, sizeof content);
    for (int i = 0; i < 20; i++)
        assert_int_equal(
            gs_file_write(at("shared"), gs_slice_of(content, sizeof content), 0600, NULL), GS_OK);
    return NULL;
}

static void file_writers_do_not_mix(void **state)
{
    (void)state;
    struct writer writers[2] = {{.letter = 'a'}, {.letter = 'b'}};
    assert_int_equal(gs_file_write(at("shared"), GS_SLICE_LIT("a"), 0600, NULL), GS_OK);
    for (size_t i = 0; i < GS_COUNT(writers); i++)
        pthread_create(&writers[i].id, NULL, write_often, &writers[i]);
    struct gs_buf buf;
    gs_buf_init(&buf, 100000);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(gs_file_read(at("shared"), &buf, NULL), GS_OK);
        assert_int_equal(strspn(buf.data, buf.data[0] == 'a' ? "a" : "b"), buf.len);
        assert_true(buf.len == 1 || buf.len == 20000);
    }
    for (size_t i = 0; i < GS_COUNT(writers); i++)
        pthread_join(writers[i].id, NULL);
    gs_buf_release(&buf);
    assert_int_equal(count_entries(folder), 1);
}

static void folders_are_made_and_removed_whole(void **state)
{
    (void)state;
    assert_int_equal(gs_dir_make(at("a/b//c/"), 0700, NULL), GS_OK);
    assert_int_equal(gs_dir_make(at("a/b/c"), 0700, NULL), GS_OK);
    struct stat st;
    assert_int_equal(stat(at("a/b/c"), &st), 0);
    assert_true(S_ISDIR(st.st_mode));
    assert_int_equal(gs_file_write(at("a/b/file"), GS_SLICE_LIT("x"), 0600, NULL), GS_OK);
    assert_int_equal(gs_file_write(at("kept"), GS_SLICE_LIT("x"), 0600, NULL), GS_OK);
    assert_int_equal(symlink(folder, at("a/b/c/up")), 0);

    struct gs_error err = GS_ERROR_INIT;
    assert_int_equal(gs_dir_make(at("a/b/file"), 0700, &err), GS_INTERNAL);
    assert_int_equal(gs_dir_make(at("a/b/file/below"), 0700, &err), GS_INTERNAL);
    assert_int_equal(gs_dir_make("", 0700, &err), GS_INTERNAL);

    assert_int_equal(gs_dir_remove(at("a"), NULL), GS_OK);
    assert_int_equal(gs_dir_remove(at("a"), NULL), GS_OK);
    assert_int_equal(count_entries(folder), 1); // the link was removed, not followed
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pool_runs_everything_before_it_ends),
        cmocka_unit_test(pool_is_bounded_and_in_order),
        cmocka_unit_test(pool_jobs_may_submit_jobs),
        cmocka_unit_test_setup_teardown(file_there_and_back, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(file_read_is_bounded, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(file_errors_name_the_path, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(file_writers_do_not_mix, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(folders_are_made_and_removed_whole, make_folder,
                                        remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
