// Several threads and processes at one store: what each of them sees, who waits for whom, and what a killed process leaves.
// SPDX-License-Identifier: Apache-2.0
#include "stored.h"

#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/random.h"
#include "store/store_internal.h"

enum { THREADS = 8, ROUNDS = 40 };

// In threads and children, where an assertion of the test library would not be heard.
static void must(enum gs_status status, const struct gs_error *err, const char *what)
{
    if (status == GS_OK)
        return;
    fprintf(stderr, "%s: %d %s\n", what, status, err->message);
    abort();
}

#define MUST(err, call) must((call), (err), #call)

static size_t count_organizations(struct gs_tx *tx)
{
    GS_CLEANUP(gs_arena_cleanup) struct gs_arena *arena = gs_arena_new();
    struct gs_error err = GS_ERROR_INIT;
    struct gs_organization *orgs;
    size_t count;
    MUST(&err, gs_store_list_organizations(tx, arena, &orgs, &count, &err));
    return count;
}

static void add_one_organization(struct gs_store *store, char id[GS_UUID_TEXT + 1])
{
    struct gs_error err = GS_ERROR_INIT;
    struct gs_tx *tx = NULL;
    gs_uuid_new(id);
    struct gs_organization org = {.id = id, .name = id, .created_at = 1};
    MUST(&err, gs_tx_write(store, &tx, &err));
    MUST(&err, gs_store_add_organization(tx, &org, &err));
    MUST(&err, gs_tx_commit(&tx, &err));
}

static void a_reader_sees_its_snapshot(void **state)
{
    struct stored *s = *state;
    char id[GS_UUID_TEXT + 1];
    GS_CLEANUP(gs_tx_end) struct gs_tx *early = NULL, *middle = NULL;
    // Nothing was read in it yet when the writer commits.
    STORED_OK(s, gs_tx_read(s->store, &early, &s->err));
    stored_write(s);
    stored_add_organization(s, "o1");
    STORED_OK(s, gs_tx_read(s->store, &middle, &s->err));
    assert_int_equal(count_organizations(middle), 0);
    stored_commit(s);
    add_one_organization(s->store, id);
    assert_int_equal(count_organizations(early), 0);
    assert_int_equal(count_organizations(middle), 0);
    stored_read(s);
    assert_int_equal(count_organizations(s->tx), 2);
}

static void what_is_not_committed_is_rolled_back(void **state)
{
    struct stored *s = *state;
    stored_write(s);
    stored_add_organization(s, "o1");
    assert_int_equal(count_organizations(s->tx), 1);
    stored_end(s);
    gs_tx_end(&s->tx);
    stored_read(s);
    assert_int_equal(count_organizations(s->tx), 0);
}

struct queue_test {
    struct gs_store *store;
    atomic_int order;
    int got[THREADS];
};

struct queue_member {
    struct queue_test *test;
    int number;
};

static void *write_in_turn(void *arg)
{
    struct queue_member *member = arg;
    struct gs_error err = GS_ERROR_INIT;
    struct gs_tx *tx = NULL;
    MUST(&err, gs_tx_write(member->test->store, &tx, &err));
    member->test->got[member->number] = atomic_fetch_add(&member->test->order, 1);
    gs_tx_end(&tx);
    return NULL;
}

static void wait_for_waiting(struct gs_store *store, int wanted)
{
    int waiting;
    do {
        gs_clock_sleep_ms(1);
        waiting = 0;
        pthread_mutex_lock(&store->lock);
        for (struct gs_turn *turn = store->turns; turn; turn = turn->next)
            waiting++;
        pthread_mutex_unlock(&store->lock);
    } while (waiting < wanted);
}

static void writers_wait_in_turn(void **state)
{
    struct stored *s = *state;
    struct queue_test test = {.store = s->store};
    struct queue_member members[THREADS];
    pthread_t threads[THREADS];
    stored_write(s);
    for (int i = 0; i < THREADS; i++) {
        members[i] = (struct queue_member){&test, i};
        assert_int_equal(pthread_create(&threads[i], NULL, write_in_turn, &members[i]), 0);
        wait_for_waiting(s->store, i + 1);
    }
    assert_int_equal(atomic_load(&test.order), 0);
    stored_end(s);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(test.got[i], i);
}

static void *read_once(void *arg)
{
    struct queue_test *test = arg;
    struct gs_error err = GS_ERROR_INIT;
    struct gs_tx *tx = NULL;
    MUST(&err, gs_tx_read(test->store, &tx, &err));
    atomic_fetch_add(&test->order, 1);
    gs_tx_end(&tx);
    return NULL;
}

static void readers_are_bounded(void **state)
{
    struct stored *s = *state;
    struct queue_test test = {.store = s->store};
    struct gs_tx *txs[GS_STORE_READERS_MAX] = {NULL};
    pthread_t thread;
    assert_int_equal(s->store->reader_count, GS_STORE_READERS_FIRST);
    for (size_t i = 0; i < GS_STORE_READERS_MAX; i++)
        STORED_OK(s, gs_tx_read(s->store, &txs[i], &s->err));
    assert_int_equal(pthread_create(&thread, NULL, read_once, &test), 0);
    gs_clock_sleep_ms(50);
    assert_int_equal(atomic_load(&test.order), 0);
    gs_tx_end(&txs[7]);
    pthread_join(thread, NULL);
    assert_int_equal(atomic_load(&test.order), 1);
    for (size_t i = 0; i < GS_STORE_READERS_MAX; i++)
        gs_tx_end(&txs[i]);
    assert_int_equal(s->store->idle_count, GS_STORE_READERS_MAX);
}

static void readers_do_without_descriptors(void **state)
{
    struct stored *s = *state;
    struct queue_test test = {.store = s->store};
    struct gs_tx *txs[GS_STORE_READERS_FIRST] = {NULL};
    struct rlimit before, none = {.rlim_cur = 3};
    pthread_t thread;
    for (size_t i = 0; i < GS_STORE_READERS_FIRST; i++)
        STORED_OK(s, gs_tx_read(s->store, &txs[i], &s->err));
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none.rlim_max = before.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    assert_int_equal(pthread_create(&thread, NULL, read_once, &test), 0);
    gs_clock_sleep_ms(50);
    assert_int_equal(atomic_load(&test.order), 0);
    gs_tx_end(&txs[0]);
    pthread_join(thread, NULL);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(atomic_load(&test.order), 1);
    assert_int_equal(s->store->reader_count, GS_STORE_READERS_FIRST);
    for (size_t i = 0; i < GS_STORE_READERS_FIRST; i++)
        gs_tx_end(&txs[i]);
}

// An app with a version and a document, changed twice and deleted again by every second thread.
static void live_an_apps_life(struct gs_store *store, int number, int round)
{
    struct gs_error err = GS_ERROR_INIT;
    GS_CLEANUP(gs_arena_cleanup) struct gs_arena *arena = gs_arena_new();
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    GS_CLEANUP(gs_document_blob_release) struct gs_document_blob own = {0}, shared = {0};
    const char *id = gs_arena_printf(arena, "app %d %d", number, round);
    MUST(&err, gs_document_pack(gs_slice_str(id), &own, &err));
    MUST(&err, gs_document_pack(GS_SLICE_LIT("shared by all"), &shared, &err));
    struct gs_environment *envs;
    size_t count;
    MUST(&err, gs_tx_write(store, &tx, &err));
    MUST(&err, gs_store_list_environments(tx, "o1", arena, &envs, &count, &err));
    struct gs_app app = {.id = id, .organization_id = "o1", .name = id, .slug = id};
    struct gs_version version = {.id = id,
                                 .app_id = id,
                                 .name = "v1",
                                 .environment_id = envs[0].id,
                                 .document_id = own.id,
                                 .synced_document_id = shared.id};
    MUST(&err, gs_store_put_document(tx, &own, &err));
    MUST(&err, gs_store_put_document(tx, &shared, &err));
    MUST(&err, gs_store_add_app(tx, &app, &err));
    MUST(&err, gs_store_add_version(tx, &version, &err));
    MUST(&err, gs_tx_commit(&tx, &err));
    MUST(&err, gs_tx_write(store, &tx, &err));
    version.document_id = shared.id;
    version.synced_document_id = NULL;
    MUST(&err, gs_store_update_version(tx, &version, NULL, &err));
    MUST(&err, gs_tx_commit(&tx, &err));
    if (number % 2 == 0)
        return;
    MUST(&err, gs_tx_write(store, &tx, &err));
    MUST(&err, gs_store_delete_app(tx, id, &err));
    MUST(&err, gs_tx_commit(&tx, &err));
}

// Every app that is seen has its version and both documents.
static void read_every_app(struct gs_store *store)
{
    struct gs_error err = GS_ERROR_INIT;
    GS_CLEANUP(gs_arena_cleanup) struct gs_arena *arena = gs_arena_new();
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    GS_CLEANUP(gs_buf_release) struct gs_buf bytes;
    gs_buf_init(&bytes, 1000);
    struct gs_app *apps;
    size_t count;
    MUST(&err, gs_tx_read(store, &tx, &err));
    MUST(&err, gs_store_list_apps(tx, "o1", arena, &apps, &count, &err));
    for (size_t i = 0; i < count; i++) {
        struct gs_version version;
        MUST(&err, gs_store_get_version(tx, apps[i].id, apps[i].id, arena, &version, &err));
        MUST(&err, gs_store_get_document(tx, version.document_id, &bytes, &err));
    }
}

static void *write_and_read(void *arg)
{
    struct queue_member *member = arg;
    for (int round = 0; round < ROUNDS; round++) {
        live_an_apps_life(member->test->store, member->number, round);
        if (round % 4 == 0)
            read_every_app(member->test->store);
    }
    return NULL;
}

static void threads_do_not_disturb_each_other(void **state)
{
    struct stored *s = *state;
    struct queue_test test = {.store = s->store};
    struct queue_member members[THREADS];
    pthread_t threads[THREADS];
    stored_write(s);
    stored_add_organization(s, "o1");
    stored_commit(s);
    for (int i = 0; i < THREADS; i++) {
        members[i] = (struct queue_member){&test, i};
        assert_int_equal(pthread_create(&threads[i], NULL, write_and_read, &members[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    int64_t left = THREADS / 2 * ROUNDS;
    assert_int_equal(stored_sql(s, "SELECT count(*) FROM apps"), left);
    assert_int_equal(stored_sql(s, "SELECT count(*) FROM document_changes"), left);
    // The replaced ones are in the history; the shared one is what all have now.
    assert_int_equal(stored_sql(s, "SELECT count(*) FROM documents"), left + 1);
}

static void wait_for(pid_t pid)
{
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("a child ended with %d", status);
}

// Opens a store of its own in a child process and adds organizations to it.
static pid_t start_adding(const char *folder, int count)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid > 0)
        return pid;
    struct gs_error err = GS_ERROR_INIT;
    struct gs_store *store;
    char id[GS_UUID_TEXT + 1];
    MUST(&err, gs_store_open(folder, &store, &err));
    for (int i = 0; i < count; i++)
        add_one_organization(store, id);
    gs_store_close(store);
    _exit(0);
}

static void processes_share_a_new_store(void **state)
{
    (void)state;
    struct stored *s = stored_new();
    pid_t children[THREADS];
    for (int i = 0; i < THREADS; i++)
        children[i] = start_adding(s->folder, ROUNDS);
    for (int i = 0; i < THREADS; i++)
        wait_for(children[i]);
    assert_int_equal(stored_sql(s, "SELECT count(*) FROM organizations"), THREADS * ROUNDS);
    assert_int_equal(stored_sql(s, "SELECT count(*) FROM schema_migrations"),
                     (int64_t)gs_migrations_count);
    stored_close_and_remove(s);
}

static void two_processes_write_at_once(void **state)
{
    (void)state;
    struct stored *s = stored_new();
    char id[GS_UUID_TEXT + 1];
    // An open database must not be taken through a fork.
    pid_t child = start_adding(s->folder, 200);
    stored_open(s);
    for (int i = 0; i < 200; i++)
        add_one_organization(s->store, id);
    wait_for(child);
    stored_read(s);
    assert_int_equal(count_organizations(s->tx), 400);
    stored_close_and_remove(s);
}

// Tells on fd what is committed, until somebody kills it.
static pid_t start_telling(const char *folder, int fd)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid > 0)
        return pid;
    struct gs_error err = GS_ERROR_INIT;
    struct gs_store *store;
    char id[GS_UUID_TEXT + 1];
    MUST(&err, gs_store_open(folder, &store, &err));
    do
        add_one_organization(store, id);
    while (write(fd, id, sizeof id) == sizeof id);
    _exit(1);
}

static void expect_whole(struct stored *s, const struct gs_buf *told)
{
    struct gs_organization org;
    assert_int_equal(stored_sql(s, "SELECT count(*) FROM pragma_integrity_check"
                                   " WHERE integrity_check = 'ok'"),
                     1);
    assert_int_equal(stored_sql(s, "SELECT count(*) FROM organizations o WHERE 3 <> (SELECT"
                                   " count(*) FROM environments WHERE organization_id = o.id)"),
                     0);
    stored_read(s);
    for (size_t at = 0; at < told->len; at += GS_UUID_TEXT + 1)
        STORED_OK(s, gs_store_get_organization(s->tx, told->data + at, s->arena, &org, &s->err));
    stored_end(s);
}

// Appends at most max of the ids that the child tells; fewer when it ended.
static void hear(int fd, struct gs_buf *told, int max)
{
    char id[GS_UUID_TEXT + 1];
    for (int i = 0; i < max && read(fd, id, sizeof id) == sizeof id; i++)
        gs_buf_append(told, id, sizeof id);
}

static void a_killed_process_loses_nothing_it_committed(void **state)
{
    (void)state;
    struct stored *s = stored_new();
    GS_CLEANUP(gs_buf_release) struct gs_buf told;
    gs_buf_init(&told, 16 << 20);
    for (int round = 0; round < 12; round++) {
        int fds[2];
        assert_int_equal(pipe(fds), 0);
        pid_t pid = start_telling(s->folder, fds[1]);
        close(fds[1]);
        // The first rounds are meant to end while the schema is being made.
        hear(fds[0], &told, round < 4 ? 0 : 4 * round);
        gs_clock_sleep_ms(gs_random_below(10));
        assert_int_equal(kill(pid, SIGKILL), 0);
        hear(fds[0], &told, INT_MAX);
        close(fds[0]);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        stored_open(s);
        expect_whole(s, &told);
        stored_close(s);
    }
    assert_true(told.len > 0);
    stored_close_and_remove(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORED_TEST(a_reader_sees_its_snapshot),
        STORED_TEST(what_is_not_committed_is_rolled_back),
        STORED_TEST(writers_wait_in_turn),
        STORED_TEST(readers_are_bounded),
        STORED_TEST(readers_do_without_descriptors),
        STORED_TEST(threads_do_not_disturb_each_other),
        cmocka_unit_test(processes_share_a_new_store),
        cmocka_unit_test(two_processes_write_at_once),
        cmocka_unit_test(a_killed_process_loses_nothing_it_committed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
