// Packing a mirror: nothing is lost, whenever it is stopped, killed or out of room, and who has the
// mirror open notices nothing.
// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "git/git_internal.h"
#include "git/upkeep.h"
#include "git_host.h"

// When the packing is ended, or its process killed.
struct script {
    int calls_left; // of goes_on; -1: any number
    bool refuse, die, die_at_enter, die_at_leave;
    bool entered;
};

static bool goes_on(void *arg)
{
    struct script *script = arg;
    if (script->calls_left < 0 || script->calls_left-- > 0)
        return true;
    if (script->die)
        raise(SIGKILL);
    return false;
}

static bool enter(void *arg)
{
    struct script *script = arg;
    if (script->die_at_enter)
        raise(SIGKILL);
    script->entered = !script->refuse;
    return script->entered;
}

static void leave(void *arg)
{
    struct script *script = arg;
    assert_true(script->entered);
    script->entered = false;
    if (script->die_at_leave)
        raise(SIGKILL);
}

static enum gs_status pack(struct git_host *host, struct script *script, bool *out_done)
{
    char scratch[128];
    snprintf(scratch, sizeof scratch, "%s/packing", host->folder);
    const struct gs_packing packing = {
        .scratch = scratch, .goes_on = goes_on, .enter = enter, .leave = leave, .arg = script};
    enum gs_status status = gs_mirror_pack(host->mirror_folder, &packing, out_done, &host->err);
    assert_int_not_equal(access(scratch, F_OK), 0);
    assert_false(script->entered);
    return status;
}

static void pack_all(struct git_host *host)
{
    struct script script = {.calls_left = -1};
    bool done = false;
    GIT_OK(host, pack(host, &script, &done));
    assert_true(done);
}

static struct gs_mirror_size measure(const struct git_host *host)
{
    struct gs_mirror_size size;
    gs_mirror_measure(host->mirror_folder, &size);
    return size;
}

// Pushes commits, each of which leaves a commit, two trees and a blob in files of their own, as if each were pushed by itself.
static struct gs_oid push_commits(struct git_host *host, int count)
{
    struct gs_oid old = git_host_head(host, "main"), head = old;
    static int number = 0;
    for (int i = 0; i < count; i++) {
        GS_CLEANUP(gs_buf_release) struct gs_buf content;
        gs_buf_init(&content, 1 << 20);
        for (int line = 0; line < 300; line++)
            gs_buf_printf(&content, "line %d of %d\n", line, line % 100 ? 0 : number);
        number++;
        head = git_host_write(host, &head, "folder/file", content.data);
        if (i % 5 == 4)
            git_host_save(host);
    }
    assert_int_equal(git_host_push(host, "refs/heads/main", &old, &head, NULL), GS_PUSH_DONE);
    return head;
}

static void assert_nothing_is_lost(struct git_host *host)
{
    assert_string_equal(git_host_run(host, "git --git-dir=../mirror fsck --strict --no-dangling "
                                           "2>&1 | grep -v ^notice || true"),
                        "");
    assert_string_equal(git_host_run(host, "git rev-list --objects main | sort >../expected; "
                                           "git --git-dir=../mirror rev-list --objects "
                                           "refs/gitsync/heads/main | sort | diff ../expected -"),
                        "");
}

static void assert_readable(struct git_host *host, const struct gs_oid *head)
{
    GS_CLEANUP(gs_buf_release) struct gs_buf out;
    gs_buf_init(&out, 1 << 20);
    GIT_OK(host, gs_mirror_read_file(host->mirror, head, "folder/file", &out, &host->err));
    assert_true(gs_mirror_has(host->mirror, head));
}

static void loose_objects_become_one_small_pack(void **state)
{
    struct git_host *host = *state;
    struct gs_oid head = push_commits(host, 200);
    struct gs_mirror_size before = measure(host);
    assert_int_equal(before.loose, 800);
    pack_all(host);
    struct gs_mirror_size after = measure(host);
    assert_int_equal(after.loose, 0);
    assert_int_equal(after.packs, 1);
    assert_true(after.bytes < before.bytes / 2);
    assert_nothing_is_lost(host);
    // The mirror that was open all the time finds them, and so does a new one.
    assert_readable(host, &head);
    head = push_commits(host, 3);
    git_host_reopen_mirror(host);
    assert_readable(host, &head);
    pack_all(host);
    assert_int_equal(measure(host).packs, 2);
    assert_nothing_is_lost(host);
}

static void an_empty_mirror_is_packed_as_well(void **state)
{
    struct git_host *host = *state;
    pack_all(host);
    GIT_OK(host, gs_mirror_discard(host->mirror_folder, &host->err));
    pack_all(host);
    assert_int_not_equal(access(host->mirror_folder, F_OK), 0);
}

static void many_small_packs_become_one(void **state)
{
    struct git_host *host = *state;
    for (int i = 0; i < 33; i++) {
        assert_true(measure(host).packs <= 32);
        push_commits(host, 2);
        pack_all(host);
    }
    struct gs_oid head = git_host_head(host, "main");
    assert_int_equal(measure(host).packs, 1);
    assert_nothing_is_lost(host);
    assert_readable(host, &head);
}

static void it_can_be_stopped_anywhere(void **state)
{
    struct git_host *host = *state;
    push_commits(host, 20);
    for (int calls = 0; calls < 10; calls++) {
        struct script script = {.calls_left = calls % 5 == 4 ? -1 : calls,
                                .refuse = calls % 5 == 4};
        bool done = true;
        GIT_OK(host, pack(host, &script, &done));
        if (!done)
            assert_int_equal(measure(host).loose, 80);
        assert_nothing_is_lost(host);
    }
}

// Runs a packing that a signal ends, at a point of the script or after a while.
static void pack_and_die(struct git_host *host, struct script script, int64_t after_us)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        bool done;
        (void)pack(host, &script, &done);
        _exit(0);
    }
    usleep((useconds_t)after_us);
    if (after_us > 0)
        kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void a_kill_loses_nothing_and_leaves_nothing(void **state)
{
    struct git_host *host = *state;
    static const struct script scripts[] = {
        {.calls_left = 0, .die = true},
        {.calls_left = 3, .die = true},
        {.calls_left = -1, .die_at_enter = true},
        {.calls_left = -1, .die_at_leave = true},
        {.calls_left = -1},
    };
    for (size_t i = 0; i < 60; i++) {
        push_commits(host, 10);
        pack_and_die(host, scripts[i < 20 ? i % GS_COUNT(scripts) : 4],
                     i < 20 ? 0 : 500 + 400 * (int64_t)(i - 20));
        gs_mirror_tidy(host->mirror_folder);
        git_host_reopen_mirror(host);
        assert_nothing_is_lost(host);
    }
    pack_all(host);
    assert_string_equal(git_host_run(host, "ls ../mirror; ls .. | grep -c packing; ls "
                                           "../mirror/objects/pack | grep -v '^pack-' | wc -l"),
                        "HEAD\nconfig\nobjects\npacked-refs\nrefs\n0\n0");
    assert_int_equal(measure(host).loose, 0);
}

static void a_torn_object_is_told(void **state)
{
    struct git_host *host = *state;
    push_commits(host, 5);
    git_host_run(host, "f=$(find ../mirror/objects -type f | head -n 1); chmod u+w $f; : >$f");
    struct script script = {.calls_left = -1};
    bool done;
    GIT_FAILS(host, GS_CODE_INTERNAL, pack(host, &script, &done));
}

static void a_full_disk_is_harmless(void **state)
{
    struct git_host *host = *state;
    gs_mirror_close(host->mirror);
    host->mirror = NULL;
    bool mounted = mount("none", host->mirror_folder, "tmpfs", 0, "size=3m") == 0;
    git_host_reopen_mirror(host);
    if (!mounted)
        skip(); // it takes the right to mount
    struct gs_oid head = push_commits(host, 100);
    git_host_run(host,
                 "dd if=/dev/zero of=../mirror/objects/info/filler bs=4k 2>/dev/null || true");
    // The scratch folder is where there is no room.
    char scratch[128];
    snprintf(scratch, sizeof scratch, "%s/objects/packing", host->mirror_folder);
    struct script script = {.calls_left = -1};
    const struct gs_packing how = {
        .scratch = scratch, .goes_on = goes_on, .enter = enter, .leave = leave, .arg = &script};
    bool done;
    GIT_FAILS(host, GS_CODE_STORE_FAILED,
              gs_mirror_pack(host->mirror_folder, &how, &done, &host->err));
    assert_int_equal(measure(host).loose, 400);
    assert_readable(host, &head);
    git_host_run(host, "rm ../mirror/objects/info/filler");
    GIT_OK(host, gs_mirror_pack(host->mirror_folder, &how, &done, &host->err));
    assert_nothing_is_lost(host);
    assert_readable(host, &head);
    gs_mirror_close(host->mirror);
    host->mirror = NULL;
    assert_int_equal(umount(host->mirror_folder), 0);
    git_host_reopen_mirror(host);
}

static void junk_is_swept_and_nothing_else(void **state)
{
    struct git_host *host = *state;
    struct gs_oid head = push_commits(host, 5);
    pack_all(host);
    push_commits(host, 5);
    git_host_run(host, "cd ../mirror && mkdir -p incoming/x objects/ab && touch unfinished "
                       "incoming/pack_git2_1 HEAD.lock config.tmp objects/ab/unfinished "
                       "objects/pack/pack-12.pack objects/pack/pack-34.idx objects/pack/tmp_1");
    gs_mirror_tidy(host->mirror_folder);
    assert_string_equal(git_host_run(host, "cd ../mirror && ls && find . -name unfinished && ls "
                                           "objects/pack | wc -l"),
                        "HEAD\nconfig\nobjects\npacked-refs\nrefs\n2");
    git_host_reopen_mirror(host);
    assert_nothing_is_lost(host);
    assert_readable(host, &head);
}

static void packing_is_wanted_when_it_is_worth_it(void **state)
{
    struct git_host *host = *state;
    assert_false(gs_mirror_wants_packing(host->mirror_folder));
    push_commits(host, 100);
    assert_false(gs_mirror_wants_packing(host->mirror_folder));
    push_commits(host, 900);
    assert_true(gs_mirror_wants_packing(host->mirror_folder));
    pack_all(host);
    assert_false(gs_mirror_wants_packing(host->mirror_folder));
}

// Pushes many commits at once.
static struct gs_oid push_together(struct git_host *host, int count)
{
    struct gs_oid old = git_host_head(host, "main"), head = old;
    static int number = 0;
    for (int i = 0; i < count; i++) {
        char content[32];
        snprintf(content, sizeof content, "number %d\n", number++);
        head = git_host_write(host, &head, "folder/file", content);
    }
    assert_int_equal(git_host_push(host, "refs/heads/main", &old, &head, NULL), GS_PUSH_DONE);
    return head;
}

static void what_travels_together_becomes_a_pack(void **state)
{
    struct git_host *host = *state;
    push_together(host, 3);
    assert_int_equal(measure(host).packs, 0);
    assert_int_equal(measure(host).loose, 12);
    struct gs_oid head = push_together(host, 20);
    assert_int_equal(measure(host).packs, 1);
    assert_int_equal(measure(host).loose, 12);
    assert_string_equal(
        git_host_run(host, "cd ../mirror && ls && git verify-pack objects/pack/*.idx"),
        "HEAD\nconfig\nobjects\npacked-refs\nrefs");
    assert_nothing_is_lost(host);
    assert_readable(host, &head);
    git_host_reopen_mirror(host);
    assert_readable(host, &head);
    head = push_together(host, 1);
    assert_readable(host, &head);
}

static void many_packs_are_worth_packing(void **state)
{
    struct git_host *host = *state;
    struct gs_oid head;
    for (int i = 0; i < 33; i++) {
        assert_false(gs_mirror_wants_packing(host->mirror_folder));
        head = push_together(host, 8);
    }
    assert_true(gs_mirror_wants_packing(host->mirror_folder));
    pack_all(host);
    assert_false(gs_mirror_wants_packing(host->mirror_folder));
    assert_int_equal(measure(host).packs, 1);
    assert_nothing_is_lost(host);
    assert_readable(host, &head);
}

// The push is done all the same; the next one fetches what the mirror lacks.
static void a_pack_that_cannot_be_saved_is_fetched(void **state)
{
    struct git_host *host = *state;
    push_together(host, 3);
    git_host_run(host, "cd ../mirror && mv objects/pack elsewhere");
    struct gs_oid head = push_together(host, 20);
    assert_string_equal(git_host_run(host, "cd ../mirror && mv elsewhere objects/pack && ls"),
                        "HEAD\nconfig\nobjects\npacked-refs\nrefs");
    assert_false(gs_mirror_has(host->mirror, &head));
    git_host_fetch(host, "refs/heads/main");
    assert_true(gs_mirror_has(host->mirror, &head));
    assert_nothing_is_lost(host);
    head = push_together(host, 20);
    assert_true(gs_mirror_has(host->mirror, &head));
    assert_nothing_is_lost(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        GIT_TEST(loose_objects_become_one_small_pack),
        GIT_TEST(an_empty_mirror_is_packed_as_well),
        GIT_TEST(many_small_packs_become_one),
        GIT_TEST(it_can_be_stopped_anywhere),
        GIT_TEST(a_kill_loses_nothing_and_leaves_nothing),
        GIT_TEST(a_torn_object_is_told),
        GIT_TEST(a_full_disk_is_harmless),
        GIT_TEST(junk_is_swept_and_nothing_else),
        GIT_TEST(packing_is_wanted_when_it_is_worth_it),
        GIT_TEST(what_travels_together_becomes_a_pack),
        GIT_TEST(many_packs_are_worth_packing),
        GIT_TEST(a_pack_that_cannot_be_saved_is_fetched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
