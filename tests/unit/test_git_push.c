// Pushing to the real git: what arrives, and what is said when it does not.
// SPDX-License-Identifier: Apache-2.0
#include "git_host.h"

static const struct gs_oid none;
static const char main_ref[] = "refs/heads/main";

#define WRITE(p, c)                                                                                \
    {                                                                                              \
        .kind = GS_EDIT_WRITE, .path = (p), .content = GS_SLICE_LIT(c)                             \
    }
#define MOVE(p, t)                                                                                 \
    {                                                                                              \
        .kind = GS_EDIT_MOVE, .path = (p), .to_path = (t)                                          \
    }

static void assert_head(struct git_host *host, const char *branch, const struct gs_oid *expected)
{
    struct gs_oid head = git_host_head(host, branch);
    assert_string_equal(head.hex, expected->hex);
    assert_string_equal(git_host_run(host, "git fsck --strict --no-dangling --no-progress 2>&1 | "
                                           "grep -v ^notice || true"),
                        "");
}

static struct gs_oid push_file(struct git_host *host, const struct gs_oid *old, const char *path,
                               const char *content)
{
    struct gs_oid commit = git_host_write(host, old, path, content);
    assert_int_equal(git_host_push(host, main_ref, old, &commit, NULL), GS_PUSH_DONE);
    return commit;
}

static void a_tag_travels_alone(void **state)
{
    struct git_host *host = *state;
    struct gs_oid commit = push_file(host, &none, "App/v1.json", "{}");
    struct gs_tag_request request = {.commit = commit,
                                     .name = "a/v1.1",
                                     .tagger_name = "A <B>",
                                     .tagger_email = "a@localhost",
                                     .message = GS_SLICE_LIT("Version v1.1"),
                                     .when_ms = 1500};
    struct gs_oid tag;
    GIT_OK(host, gs_mirror_tag(host->mirror, &request, &tag, &host->err));
    assert_int_equal(git_host_push(host, "refs/tags/a/v1.1", &none, &tag, NULL), GS_PUSH_DONE);
    assert_string_equal(git_host_run(host, "git cat-file tag a/v1.1 | tail -n +4"),
                        "tagger A B <a@localhost> 1 +0000\n\nVersion v1.1");
    assert_string_equal(git_host_run(host, "git rev-parse 'a/v1.1^{commit}'"), commit.hex);
    // It is the host's now: nobody makes it a second time.
    assert_int_equal(git_host_push(host, "refs/tags/a/v1.1", &none, &tag, NULL), GS_PUSH_MOVED);
    request.name = "a/v 1";
    GIT_FAILS(host, GS_CODE_INVALID_NAME, gs_mirror_tag(host->mirror, &request, &tag, &host->err));
}

static void the_first_push_makes_the_branch(void **state)
{
    struct git_host *host = *state;
    struct gs_git_advert advert = git_host_advert(host, GS_GIT_RECEIVE_PACK);
    assert_int_equal(advert.count, 0);
    struct gs_oid commit = git_host_write(host, &none, "App/v1.json", "{}");
    assert_false(gs_mirror_has(host->mirror, &commit));
    const char *reason;
    assert_int_equal(git_host_push(host, main_ref, &none, &commit, &reason), GS_PUSH_DONE);
    assert_null(reason);
    assert_head(host, "main", &commit);
    assert_string_equal(git_host_run(host, "git show main:App/v1.json"), "{}");
    assert_true(gs_mirror_has(host->mirror, &commit));
    git_host_reopen_mirror(host);
    assert_true(gs_mirror_has(host->mirror, &commit));
}

static void pushes_follow_each_other_without_a_fetch(void **state)
{
    struct git_host *host = *state;
    struct gs_oid head = none;
    for (int i = 0; i < 10; i++) {
        char content[20];
        snprintf(content, sizeof content, "%d", i);
        head = push_file(host, &head, "App/v1.json", content);
    }
    assert_int_equal(host->posts, 10);
    assert_head(host, "main", &head);
    assert_string_equal(git_host_run(host, "git log --format=%%an main | sort -u"), "Test Author");
    assert_string_equal(git_host_run(host, "git rev-list --count main"), "10");
    assert_string_equal(git_host_run(host, "wc -l <../mirror/packed-refs"), "2");
}

static void a_batch_of_commits_goes_in_one_push(void **state)
{
    struct git_host *host = *state;
    git_host_commit(host, "main", "old", "1");
    git_host_fetch(host, main_ref);
    struct gs_oid old = git_host_head(host, "main");
    struct gs_oid first = git_host_write(host, &old, "a", "1");
    struct gs_oid second = git_host_write(host, &first, "a", "2");
    struct gs_edit back[] = {WRITE("a", "1"), MOVE("old", "new/old")};
    struct gs_oid third = git_host_edit(host, &second, back, 2);
    int posts = host->posts;
    assert_int_equal(git_host_push(host, main_ref, &old, &third, NULL), GS_PUSH_DONE);
    assert_int_equal(host->posts, posts + 1);
    assert_head(host, "main", &third);
    assert_string_equal(git_host_run(host, "git show main~1:a main~2:a main:new/old"), "211");
}

// A moved folder, however large, costs the trees on its path; its files are not sent again.
static void only_new_objects_are_sent(void **state)
{
    struct git_host *host = *state;
    git_host_run(host, "mkdir w && cd w && git init -q . && mkdir -p App/pages && "
                       "for i in $(seq 50); do head -c 20000 /dev/urandom >App/pages/$i; done && "
                       "git add . && git commit -qm x && git push -q .. HEAD:main");
    git_host_fetch(host, main_ref);
    struct gs_oid old = git_host_head(host, "main");
    struct gs_edit edits[] = {MOVE("App", "Else/where"), WRITE("Else/where/pages/1", "small")};
    struct gs_oid commit = git_host_edit(host, &old, edits, 2);
    assert_int_equal(host->change_count, 100);
    host->posted_bytes = 0;
    assert_int_equal(git_host_push(host, main_ref, &old, &commit, NULL), GS_PUSH_DONE);
    assert_in_range(host->posted_bytes, 500, 5000);
    assert_head(host, "main", &commit);
}

static void a_new_branch_starts_at_a_known_commit(void **state)
{
    struct git_host *host = *state;
    git_host_run(host, "mkdir w && cd w && git init -q . && head -c 100000 /dev/urandom >large && "
                       "git add . && git commit -qm x && git push -q .. HEAD:main");
    git_host_fetch(host, main_ref);
    struct gs_oid old = git_host_head(host, "main");
    struct gs_oid commit = git_host_write(host, &old, "a", "1");
    host->posted_bytes = 0;
    assert_int_equal(git_host_push(host, "refs/heads/feature/x", &none, &commit, NULL),
                     GS_PUSH_DONE);
    assert_in_range(host->posted_bytes, 300, 3000);
    assert_head(host, "feature/x", &commit);
    // And with nothing new at all.
    assert_int_equal(git_host_push(host, "refs/tags/v1", &none, &commit, NULL), GS_PUSH_DONE);
    assert_string_equal(git_host_run(host, "git rev-parse v1"), commit.hex);
}

static void an_unfetched_restart_reads_objects_back(void **state)
{
    struct git_host *host = *state;
    struct gs_oid head = push_file(host, &none, "a", "1");
    struct gs_oid commit = git_host_write(host, &head, "dir/b", "2");
    git_host_save(host);
    git_host_reopen_mirror(host);
    assert_false(gs_mirror_has(host->mirror, &commit));
    assert_int_equal(git_host_push(host, main_ref, &head, &commit, NULL), GS_PUSH_DONE);
    assert_head(host, "main", &commit);
}

// Whether the mirror can read the commit, from the disk or not.
static bool is_readable(struct git_host *host, const struct gs_oid *commit)
{
    struct gs_commit_info info;
    enum gs_status status =
        gs_mirror_commit_info(host->mirror, commit, host->arena, &info, &host->err);
    gs_error_release(&host->err);
    return status == GS_OK;
}

static void only_what_was_sent_reaches_the_disk(void **state)
{
    struct git_host *host = *state;
    struct gs_oid head = push_file(host, &none, "a", "1");
    struct gs_oid unsent = git_host_write(host, &head, "a", "2");
    assert_true(is_readable(host, &unsent));
    git_host_reopen_mirror(host);
    assert_false(is_readable(host, &unsent));
    assert_true(is_readable(host, &head));
    assert_string_equal(git_host_run(host,
                                     "git --git-dir=../mirror fsck --strict --full %s 2>&1 "
                                     "| grep -v ^notice || true",
                                     head.hex),
                        "");
    unsent = git_host_write(host, &head, "a", "2");
    gs_mirror_drop_unsent(host->mirror);
    assert_int_equal(git_host_push(host, main_ref, &head, &head, NULL), GS_PUSH_DONE);
    git_host_reopen_mirror(host);
    assert_false(is_readable(host, &unsent));
}

static void a_moved_branch_is_told(void **state)
{
    struct git_host *host = *state;
    struct gs_oid old = push_file(host, &none, "a", "1");
    struct gs_oid commit = git_host_write(host, &old, "a", "2");
    struct gs_oid theirs = git_host_commit(host, "main", "b", "theirs");
    const char *reason;
    assert_int_equal(git_host_push(host, main_ref, &old, &commit, &reason), GS_PUSH_MOVED);
    assert_non_null(reason);
    assert_head(host, "main", &theirs);
    assert_false(gs_mirror_has(host->mirror, &commit));
    // Rebuilt on the new head it goes through.
    git_host_fetch(host, main_ref);
    commit = push_file(host, &theirs, "a", "2");
    assert_head(host, "main", &commit);
    assert_string_equal(git_host_run(host, "git show main:a main:b"), "2theirs");
}

static void created_deleted_and_rewound_branches_are_told(void **state)
{
    struct git_host *host = *state;
    struct gs_oid first = push_file(host, &none, "a", "1");
    struct gs_oid second = push_file(host, &first, "a", "2");
    struct gs_oid commit = git_host_write(host, &second, "a", "3");
    git_host_run(host, "git update-ref refs/heads/main %s", first.hex);
    assert_int_equal(git_host_push(host, main_ref, &second, &commit, NULL), GS_PUSH_MOVED);
    git_host_run(host, "git update-ref -d refs/heads/main");
    assert_int_equal(git_host_push(host, main_ref, &second, &commit, NULL), GS_PUSH_MOVED);
    struct gs_oid theirs = git_host_commit(host, "main", "b", "theirs");
    struct gs_oid fresh = git_host_write(host, &none, "a", "1");
    assert_int_equal(git_host_push(host, main_ref, &none, &fresh, NULL), GS_PUSH_MOVED);
    git_host_run(host, "touch refs/heads/main.lock");
    git_host_fetch(host, main_ref);
    commit = git_host_write(host, &theirs, "a", "3");
    assert_int_equal(git_host_push(host, main_ref, &theirs, &commit, NULL), GS_PUSH_MOVED);
    git_host_run(host, "rm refs/heads/main.lock");
    assert_int_equal(git_host_push(host, main_ref, &theirs, &commit, NULL), GS_PUSH_DONE);
}

// What a request finds that somebody on the way sent twice: the ref is where the first one put it.
static void a_push_that_arrived_before_is_done(void **state)
{
    struct git_host *host = *state;
    struct gs_oid old = push_file(host, &none, "a", "1");
    struct gs_oid commit = push_file(host, &old, "a", "2");
    assert_int_equal(git_host_push(host, main_ref, &old, &commit, NULL), GS_PUSH_DONE);
    assert_head(host, "main", &commit);
}

static void a_hook_refuses_with_its_reason(void **state)
{
    struct git_host *host = *state;
    git_host_run(
        host,
        "printf '#!/bin/sh\\necho \"no pushes on Friday\" >&2\\nexit 1\\n' >hooks/pre-receive; "
        "chmod +x hooks/pre-receive");
    struct gs_oid commit = git_host_write(host, &none, "a", "1");
    const char *reason;
    assert_int_equal(git_host_push(host, main_ref, &none, &commit, &reason), GS_PUSH_REFUSED);
    assert_string_equal(reason, "pre-receive hook declined: no pushes on Friday");
    assert_false(gs_mirror_has(host->mirror, &commit));
    git_host_run(host, "rm hooks/pre-receive; git config receive.denyCurrentBranch refuse; "
                       "git config receive.hideRefs refs/heads/hidden");
    assert_int_equal(git_host_push(host, "refs/heads/hidden", &none, &commit, &reason),
                     GS_PUSH_REFUSED);
    assert_string_equal(reason, "deny updating a hidden ref");
    assert_int_equal(git_host_push(host, main_ref, &none, &commit, NULL), GS_PUSH_DONE);
}

static void a_host_that_checks_objects_is_content(void **state)
{
    struct git_host *host = *state;
    git_host_run(host, "git config receive.fsckObjects true; git config receive.unpackLimit 1");
    struct gs_oid first = push_file(host, &none, "App: 'x'/v1.json", "1");
    struct gs_edit edits[] = {WRITE("Ünï/b", "2"), MOVE("App: 'x'", "c")};
    struct gs_oid second = git_host_edit(host, &first, edits, 2);
    assert_int_equal(git_host_push(host, main_ref, &first, &second, NULL), GS_PUSH_DONE);
    assert_head(host, "main", &second);
}

static enum gs_status try_push(struct git_host *host, const struct gs_oid *old,
                               const struct gs_oid *new, enum gs_push_outcome *out_outcome)
{
    struct gs_git_advert advert = git_host_advert(host, GS_GIT_RECEIVE_PACK);
    const char *reason;
    return gs_git_push(host->mirror, git_host_remote(host), &advert, main_ref, old, new,
                       host->arena, out_outcome, &reason, &host->err);
}

static void assert_unknown(struct git_host *host, const struct gs_oid *old,
                           const struct gs_oid *new)
{
    enum gs_push_outcome outcome;
    GIT_OK(host, try_push(host, old, new, &outcome));
    assert_int_equal(outcome, GS_PUSH_UNKNOWN);
    assert_true(host->err.code == GS_CODE_HOST_UNREACHABLE ||
                host->err.code == GS_CODE_HOST_FAILED);
    gs_error_release(&host->err);
}

static void a_lost_connection_leaves_the_outcome_unknown(void **state)
{
    struct git_host *host = *state;
    struct gs_oid old = push_file(host, &none, "a", "1");
    struct gs_oid commit = git_host_write(host, &old, "a", "2");
    host->fault = GIT_CLOSES_BEFORE;
    assert_unknown(host, &old, &commit);
    assert_head(host, "main", &old);
    assert_false(gs_mirror_has(host->mirror, &commit));
    int posts = host->posts;
    host->fault = GIT_CLOSES_AFTER;
    assert_unknown(host, &old, &commit);
    assert_int_equal(host->posts, posts + 1);
    assert_head(host, "main", &commit);
    // What sync does next: it asks, and fetches what it cannot vouch for.
    assert_false(gs_mirror_has(host->mirror, &commit));
    git_host_fetch(host, main_ref);
    assert_true(gs_mirror_has(host->mirror, &commit));
}

static void a_cut_report_leaves_the_outcome_unknown(void **state)
{
    struct git_host *host = *state;
    struct gs_oid old = push_file(host, &none, "a", "1");
    struct gs_oid commit = git_host_write(host, &old, "a", "2");
    for (size_t bytes = 0; bytes < 50; bytes += 7) {
        git_host_run(host, "git update-ref refs/heads/main %s", old.hex);
        host->fault = GIT_CUTS;
        host->fault_bytes = bytes;
        assert_unknown(host, &old, &commit);
        assert_head(host, "main", &commit);
    }
}

#define RESULT "HTTP/1.1 200 OK\r\nContent-Type: application/x-git-receive-pack-result\r\n"

static void statuses_are_judged(void **state)
{
    struct git_host *host = *state;
    static const struct {
        const char *answer;
        enum gs_code code;
        bool unknown;
    } cases[] = {
        {"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n", GS_CODE_HOST_DENIED, false},
        {"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n", GS_CODE_REPOSITORY_NOT_WRITABLE, false},
        {"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", GS_CODE_REPOSITORY_NOT_FOUND, false},
        {"HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n", GS_CODE_TOO_LARGE, false},
        {"HTTP/1.1 429 No\r\nContent-Length: 0\r\n\r\n", GS_CODE_RATE_LIMITED, false},
        {"HTTP/1.1 302 No\r\nContent-Length: 0\r\n\r\n", GS_CODE_HOST_FAILED, false},
        {"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", GS_CODE_HOST_FAILED, true},
        {"HTTP/1.1 502 No\r\nContent-Length: 0\r\n\r\n", GS_CODE_HOST_FAILED, true},
        {"HTTP/1.1 504 No\r\nContent-Length: 0\r\n\r\n", GS_CODE_HOST_FAILED, true},
        {"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>", GS_CODE_HOST_FAILED, true},
        {RESULT "Content-Length: 6\r\n\r\n<html>", GS_CODE_HOST_FAILED, true},
        {RESULT "Content-Length: 4\r\n\r\n0000", GS_CODE_HOST_FAILED, true},
    };
    struct gs_oid old = push_file(host, &none, "a", "1");
    struct gs_oid commit = git_host_write(host, &old, "a", "2");
    for (size_t i = 0; i < GS_COUNT(cases); i++) {
        host->fault = GIT_ANSWERS;
        host->fault_answer = cases[i].answer;
        enum gs_push_outcome outcome = GS_PUSH_DONE;
        enum gs_status status = try_push(host, &old, &commit, &outcome);
        if ((status == GS_OK) != cases[i].unknown || host->err.code != cases[i].code)
            fail_msg("case %zu: %s", i, host->err.message);
        assert_int_equal(outcome, cases[i].unknown ? GS_PUSH_UNKNOWN : GS_PUSH_DONE);
        gs_error_release(&host->err);
    }
    assert_int_equal(git_host_push(host, main_ref, &old, &commit, NULL), GS_PUSH_DONE);
}

static void what_cannot_be_pushed_is_refused_before_sending(void **state)
{
    struct git_host *host = *state;
    struct gs_oid first = push_file(host, &none, "a", "1");
    struct gs_oid stranger = git_host_write(host, &none, "z", "1");
    int posts = host->posts;
    struct gs_git_advert advert = git_host_advert(host, GS_GIT_RECEIVE_PACK);
    enum gs_push_outcome outcome;
    const char *reason;
    static const char *const refs[] = {"main", "refs/heads/a b", "refs/heads/..", "HEAD", ""};
    for (size_t i = 0; i < GS_COUNT(refs); i++)
        GIT_FAILS(host, GS_CODE_INVALID_BRANCH,
                  gs_git_push(host->mirror, git_host_remote(host), &advert, refs[i], &none, &first,
                              host->arena, &outcome, &reason, &host->err));
    GIT_FAILS(host, GS_CODE_INVALID_BRANCH, try_push(host, &first, &none, &outcome));
    // Not built on what is replaced.
    GIT_FAILS(host, GS_CODE_INTERNAL, try_push(host, &first, &stranger, &outcome));
    advert.report_status = false;
    GIT_FAILS(host, GS_CODE_HOST_FAILED,
              gs_git_push(host->mirror, git_host_remote(host), &advert, main_ref, &none, &first,
                          host->arena, &outcome, &reason, &host->err));
    assert_int_equal(host->posts, posts);
}

static void the_links_and_submodules_of_others_stay(void **state)
{
    struct git_host *host = *state;
    git_host_run(host, "export GIT_INDEX_FILE=$PWD/t.index; "
                       "o=$(printf 1 | git hash-object -w --stdin) && git update-index --add "
                       "--cacheinfo 120000,$o,d/link --cacheinfo 100755,$o,d/run "
                       "--cacheinfo 160000,1111111111111111111111111111111111111111,d/sub && "
                       "git update-ref refs/heads/main $(git commit-tree -m x $(git write-tree))");
    git_host_fetch(host, main_ref);
    struct gs_oid old = git_host_head(host, "main");
    struct gs_edit edits[] = {WRITE("d/file", "1"), MOVE("d", "e")};
    struct gs_oid commit = git_host_edit(host, &old, edits, 2);
    assert_int_equal(git_host_push(host, main_ref, &old, &commit, NULL), GS_PUSH_DONE);
    assert_string_equal(git_host_run(host, "git ls-tree -r main | sed 's/ .*\t/ /'"),
                        "100644 e/file\n120000 e/link\n100755 e/run\n160000 e/sub");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        GIT_TEST(a_tag_travels_alone),
        GIT_TEST(the_first_push_makes_the_branch),
        GIT_TEST(pushes_follow_each_other_without_a_fetch),
        GIT_TEST(a_batch_of_commits_goes_in_one_push),
        GIT_TEST(only_new_objects_are_sent),
        GIT_TEST(a_new_branch_starts_at_a_known_commit),
        GIT_TEST(an_unfetched_restart_reads_objects_back),
        GIT_TEST(only_what_was_sent_reaches_the_disk),
        GIT_TEST(a_moved_branch_is_told),
        GIT_TEST(created_deleted_and_rewound_branches_are_told),
        GIT_TEST(a_push_that_arrived_before_is_done),
        GIT_TEST(a_hook_refuses_with_its_reason),
        GIT_TEST(a_host_that_checks_objects_is_content),
        GIT_TEST(a_lost_connection_leaves_the_outcome_unknown),
        GIT_TEST(a_cut_report_leaves_the_outcome_unknown),
        GIT_TEST(statuses_are_judged),
        GIT_TEST(what_cannot_be_pushed_is_refused_before_sending),
        GIT_TEST(the_links_and_submodules_of_others_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
