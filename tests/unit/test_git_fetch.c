// Fetching from the real git: what arrives, what is asked for, what a mirror then has, and what a
// broken host leaves behind.
// SPDX-License-Identifier: Apache-2.0
#include "git/git_internal.h"
#include "git_host.h"

static bool has(struct git_host *host, const struct gs_oid *oid)
{
    return gs_mirror_has(host->mirror, oid);
}

static const char *content_of(struct git_host *host, const struct gs_oid *commit, const char *path)
{
    struct gs_buf content;
    gs_buf_init(&content, 1 << 20);
    GIT_OK(host, gs_mirror_read_file(host->mirror, commit, path, &content, &host->err));
    const char *copy = gs_arena_dup_slice(host->arena, gs_buf_slice(&content));
    gs_buf_release(&content);
    return copy;
}

static const char *fsck(struct git_host *host)
{
    return git_host_run(host, "git --git-dir=../mirror fsck --strict --no-dangling "
                              "--no-progress 2>&1 | grep -v ^notice || true");
}

static void a_branch_arrives_with_one_post(void **state)
{
    struct git_host *host = *state;
    git_host_commit(host, "main", "a", "1");
    git_host_commit(host, "main", "b", "2");
    struct gs_oid head = git_host_commit(host, "main", "a", "3");
    assert_false(has(host, &head));
    git_host_fetch(host, "refs/heads/main");
    assert_int_equal(host->gets, 1);
    assert_int_equal(host->posts, 1);
    assert_true(has(host, &head));
    assert_string_equal(content_of(host, &head, "a"), "3");
    assert_string_equal(content_of(host, &head, "b"), "2");
    assert_string_equal(fsck(host), "");
    // Everything is there: no second POST, not even from another process.
    git_host_fetch(host, "refs/heads/main");
    git_host_reopen_mirror(host);
    git_host_fetch(host, "refs/heads/main");
    assert_int_equal(host->posts, 1);
    assert_true(has(host, &head));
}

static void only_what_is_new_is_sent(void **state)
{
    struct git_host *host = *state;
    git_host_run(host,
                 "o=$(head -c 300000 /dev/urandom | git hash-object -w --stdin); "
                 "git update-ref refs/heads/main $(git commit-tree -m x $(printf '100644 blob "
                 "%%s\tlarge\\n' $o | git mktree))");
    git_host_fetch(host, "refs/heads/main");
    for (int i = 0; i < 5; i++) {
        char content[20];
        snprintf(content, sizeof content, "%d", i);
        struct gs_oid head = git_host_commit(host, "main", "small", content);
        host->posted_bytes = 0;
        git_host_fetch(host, "refs/heads/main");
        assert_string_equal(content_of(host, &head, "small"), content);
        assert_in_range(host->posted_bytes, 100, 1000);
    }
    assert_int_equal(host->posts, 6);
    const char *size = git_host_run(host, "du -sk --apparent-size ../mirror | cut -f 1");
    int64_t kilobytes;
    assert_true(gs_slice_to_int(gs_slice_str(size), &kilobytes));
    assert_in_range(kilobytes, 300, 700); // the large file came once
    // Small packs were taken apart.
    assert_string_equal(git_host_run(host, "ls ../mirror/objects/pack; ls -d ../mirror/incoming "
                                           "2>/dev/null || true"),
                        "");
    assert_string_equal(fsck(host), "");
}

// A push that finds the branch moved need not ask upload-pack where to.
static void the_other_services_advertisement_will_do(void **state)
{
    struct git_host *host = *state;
    git_host_run(host,
                 "o=$(seq 100000 | git hash-object -w --stdin); git update-ref refs/heads/main "
                 "$(git commit-tree -m x $(printf '100644 blob %%s\tseq\\n' $o | git mktree))");
    git_host_fetch(host, "refs/heads/main");
    git_host_run(host,
                 "o=$(seq 100001 | git hash-object -w --stdin); git update-ref refs/heads/main "
                 "$(git commit-tree -p main -m y $(printf '100644 blob %%s\tseq\\n' $o | "
                 "git mktree))");
    struct gs_oid head = git_host_head(host, "main");
    struct gs_git_advert advert = git_host_advert(host, GS_GIT_RECEIVE_PACK);
    host->remote.max_pack = 10000; // the difference alone fits
    GIT_OK(host, gs_mirror_fetch(host->mirror, git_host_remote(host), &advert,
                                 gs_git_advert_find(&advert, "refs/heads/main"), &host->err));
    assert_int_equal(strlen(content_of(host, &head, "seq")), 588902);
}

static void tags_arrive_by_name(void **state)
{
    struct git_host *host = *state;
    struct gs_oid first = git_host_commit(host, "main", "a", "1");
    git_host_run(host, "git tag light; git tag -am x heavy; git -c advice.nestedTag=false tag -am "
                       "y heavier heavy; git pack-refs --all");
    git_host_commit(host, "main", "a", "2");
    git_host_run(host, "git tag -am z blob $(git rev-parse main:a)");
    git_host_fetch(host, "refs/tags/heavier");
    struct gs_git_advert advert = git_host_advert(host, GS_GIT_UPLOAD_PACK);
    const struct gs_git_ref *heavier = gs_git_advert_find(&advert, "refs/tags/heavier");
    const struct gs_git_ref *heavy = gs_git_advert_find(&advert, "refs/tags/heavy");
    assert_string_equal(heavier->peeled.hex, first.hex);
    assert_true(has(host, &heavier->oid));
    assert_true(has(host, &heavy->oid));
    assert_true(has(host, &first));
    struct gs_oid commit;
    GIT_OK(host, gs_mirror_peel(host->mirror, &heavier->oid, &commit, &host->err));
    assert_string_equal(commit.hex, first.hex);
    // No other ref came along.
    const struct gs_git_ref *main = gs_git_advert_find(&advert, "refs/heads/main");
    assert_false(has(host, &main->oid));
    int posts = host->posts;
    git_host_fetch(host, "refs/tags/light");
    git_host_fetch(host, "refs/tags/heavy");
    assert_int_equal(host->posts, posts);
    git_host_fetch(host, "refs/tags/blob");
    const struct gs_git_ref *blob = gs_git_advert_find(&advert, "refs/tags/blob");
    GIT_FAILS(host, GS_CODE_NOT_IN_GIT,
              gs_mirror_peel(host->mirror, &blob->oid, &commit, &host->err));
    assert_true(has(host, &blob->oid));
    assert_string_equal(fsck(host), "");
}

static void a_rewound_branch_is_followed(void **state)
{
    struct git_host *host = *state;
    struct gs_oid first = git_host_commit(host, "main", "a", "1");
    struct gs_oid second = git_host_commit(host, "main", "a", "2");
    git_host_fetch(host, "refs/heads/main");
    git_host_run(host,
                 "git update-ref refs/heads/main %s; git reflog expire --expire=now --all; "
                 "git gc -q --prune=now",
                 first.hex);
    struct gs_oid other = git_host_commit(host, "main", "b", "3");
    git_host_fetch(host, "refs/heads/main");
    assert_true(has(host, &first));
    assert_true(has(host, &other));
    assert_false(has(host, &second)); // its objects are here, but nobody promises that they are all
    assert_string_equal(content_of(host, &other, "a"), "1");
    // Back to a commit that the mirror has below another: no POST.
    int posts = host->posts;
    git_host_run(host, "git update-ref refs/heads/main %s", first.hex);
    git_host_fetch(host, "refs/heads/main");
    assert_int_equal(host->posts, posts);
    assert_string_equal(fsck(host), "");
}

static void unrelated_histories_arrive(void **state)
{
    struct git_host *host = *state;
    git_host_commit(host, "main", "a", "1");
    git_host_fetch(host, "refs/heads/main");
    git_host_run(host, "git update-ref -d refs/heads/main");
    struct gs_oid head = git_host_commit(host, "main", "z", "9");
    git_host_fetch(host, "refs/heads/main");
    assert_true(has(host, &head));
    assert_string_equal(content_of(host, &head, "z"), "9");
}

static void a_branch_that_became_a_folder_is_kept(void **state)
{
    struct git_host *host = *state;
    git_host_commit(host, "a", "f", "1");
    git_host_fetch(host, "refs/heads/a");
    git_host_run(host, "git branch -D -q a");
    git_host_commit(host, "a/b", "f", "2");
    git_host_fetch(host, "refs/heads/a/b");
    assert_string_equal(
        git_host_run(host, "git --git-dir=../mirror for-each-ref --format='%%(refname)'"),
        "refs/gitsync/heads/a/b");
    git_host_run(host, "git branch -D -q a/b");
    git_host_commit(host, "a", "f", "3");
    git_host_fetch(host, "refs/heads/a");
    assert_string_equal(
        git_host_run(host, "git --git-dir=../mirror for-each-ref --format='%%(refname)'"),
        "refs/gitsync/heads/a");
}

static void a_large_history_becomes_a_pack(void **state)
{
    struct git_host *host = *state;
    git_host_run(
        host,
        "for i in $(seq 300); do printf 'commit refs/heads/main\\ncommitter o <o@x> %%s +0000\\n"
        "data 1\\nx\\nM 644 inline d/f%%s\\ndata 3\\n%%s\\n\\n' $((1000 + i)) $((i %% 50)) "
        "$((i + 100)); done | git fast-import --quiet; git repack -adq");
    struct gs_oid head = git_host_head(host, "main");
    git_host_fetch(host, "refs/heads/main");
    assert_true(has(host, &head));
    assert_string_equal(content_of(host, &head, "d/f0"), "400");
    assert_string_equal(git_host_run(host, "ls ../mirror/objects/pack | wc -l"), "2");
    assert_string_equal(fsck(host), "");
    bool yes;
    struct gs_oid root;
    assert_true(
        gs_oid_parse(gs_slice_str(git_host_run(host, "git rev-list --max-parents=0 main")), &root));
    GIT_OK(host, gs_mirror_is_ancestor(host->mirror, &root, &head, &yes, &host->err));
    assert_true(yes);
    GIT_OK(host, gs_mirror_is_ancestor(host->mirror, &head, &root, &yes, &host->err));
    assert_false(yes);
    GIT_OK(host, gs_mirror_is_ancestor(host->mirror, &head, &head, &yes, &host->err));
    assert_true(yes);
    struct gs_oid missing = {"1234567890123456789012345678901234567890"};
    GIT_OK(host, gs_mirror_is_ancestor(host->mirror, &missing, &head, &yes, &host->err));
    assert_false(yes);
    // The branch is rewound by more than the request tells of: dear, but right.
    git_host_run(host, "git update-ref refs/heads/main main~250");
    struct gs_oid other = git_host_commit(host, "main", "d/new", "1");
    git_host_fetch(host, "refs/heads/main");
    assert_true(has(host, &other));
    assert_string_equal(fsck(host), "");
}

static enum gs_status try_fetch(struct git_host *host, const struct gs_git_advert *advert)
{
    return gs_mirror_fetch(host->mirror, git_host_remote(host), advert,
                           gs_git_advert_find(advert, "refs/heads/main"), &host->err);
}

static void a_ref_that_moved_away_is_told(void **state)
{
    struct git_host *host = *state;
    git_host_commit(host, "main", "a", "1");
    struct gs_git_advert advert = git_host_advert(host, GS_GIT_UPLOAD_PACK);
    git_host_run(host, "git update-ref -d refs/heads/main");
    git_host_commit(host, "main", "a", "2");
    GIT_FAILS(host, GS_CODE_BRANCH_MOVED, try_fetch(host, &advert));
}

static void a_pack_over_the_limit_is_refused(void **state)
{
    struct git_host *host = *state;
    git_host_run(host,
                 "o=$(head -c 3000000 /dev/urandom | git hash-object -w --stdin); "
                 "git update-ref refs/heads/main $(git commit-tree -m x $(printf '100644 blob "
                 "%%s\tlarge\\n' $o | git mktree))");
    struct gs_git_advert advert = git_host_advert(host, GS_GIT_UPLOAD_PACK);
    host->remote.max_pack = 1 << 20;
    GIT_FAILS(host, GS_CODE_TOO_LARGE, try_fetch(host, &advert));
    struct gs_oid head = git_host_head(host, "main");
    assert_false(has(host, &head));
    host->remote.max_pack = 4 << 20;
    GIT_OK(host, try_fetch(host, &advert));
    struct gs_buf content;
    gs_buf_init(&content, 1 << 20);
    GIT_FAILS(host, GS_CODE_TOO_LARGE,
              gs_mirror_read_file(host->mirror, &head, "large", &content, &host->err));
    gs_buf_release(&content);
}

// Cut off anywhere, the answer leaves nothing that the mirror would take for complete.
static void a_broken_answer_leaves_no_trace(void **state)
{
    struct git_host *host = *state;
    struct gs_oid head = git_host_commit(host, "main", "a", "1");
    struct gs_git_advert advert = git_host_advert(host, GS_GIT_UPLOAD_PACK);
    for (size_t bytes = 0; bytes < 400; bytes += 3) {
        host->fault = GIT_CUTS;
        host->fault_bytes = bytes;
        if (try_fetch(host, &advert) == GS_OK)
            break; // the whole answer is shorter
        assert_true(host->err.code == GS_CODE_HOST_UNREACHABLE ||
                    host->err.code == GS_CODE_HOST_FAILED);
        gs_error_release(&host->err);
        assert_false(has(host, &head));
    }
    GIT_OK(host, try_fetch(host, &advert));
    assert_true(has(host, &head));
    assert_string_equal(fsck(host), "");
}

#define RESULT "HTTP/1.1 200 OK\r\nContent-Type: application/x-git-upload-pack-result\r\n"

static void nonsense_is_refused(void **state)
{
    struct git_host *host = *state;
    static const struct {
        const char *answer;
        enum gs_code code;
    } cases[] = {
        {RESULT "Content-Length: 0\r\n\r\n", GS_CODE_HOST_FAILED},
        {RESULT "Content-Length: 6\r\n\r\n<html>", GS_CODE_HOST_FAILED},
        {RESULT "Content-Length: 12\r\n\r\n0008NAK\n0000", GS_CODE_HOST_FAILED},
        {RESULT "Content-Length: 17\r\n\r\n0008NAK\n0005\x01"
                "0000",
         GS_CODE_HOST_FAILED},
        {RESULT "Content-Length: 21\r\n\r\n0008NAK\n0009\x01PACK0000", GS_CODE_HOST_FAILED},
        {RESULT "Content-Length: 21\r\n\r\n0008NAK\n0009\x01KCAP0000", GS_CODE_HOST_FAILED},
        {RESULT "Content-Length: 16\r\n\r\n0008NAK\n00000000", GS_CODE_HOST_FAILED},
        {RESULT "Content-Length: 16\r\n\r\n0008NAK\n0008what", GS_CODE_HOST_FAILED},
        {RESULT "Content-Length: 12\r\n\r\n000c\x03go away", GS_CODE_HOST_FAILED},
        {RESULT "Content-Length: 15\r\n\r\n000fERR go away", GS_CODE_HOST_FAILED},
        {RESULT "Content-Length: 19\r\n\r\n0013ERR not our ref", GS_CODE_BRANCH_MOVED},
        {"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n0008NAK\n", GS_CODE_HOST_FAILED},
        {"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n", GS_CODE_HOST_DENIED},
        {"HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nno", GS_CODE_HOST_FAILED},
    };
    git_host_commit(host, "main", "a", "1");
    struct gs_git_advert advert = git_host_advert(host, GS_GIT_UPLOAD_PACK);
    for (size_t i = 0; i < GS_COUNT(cases); i++) {
        host->fault = GIT_ANSWERS;
        host->fault_answer = cases[i].answer;
        if (try_fetch(host, &advert) == GS_OK || host->err.code != cases[i].code)
            fail_msg("case %zu: %s", i, host->err.message);
        gs_error_release(&host->err);
    }
    struct gs_oid head = git_host_head(host, "main");
    assert_false(has(host, &head));
    GIT_OK(host, try_fetch(host, &advert));
}

// A pack of no objects, as a host sends it when it thinks that we have everything.
static void an_empty_pack_is_no_crash(void **state)
{
    struct git_host *host = *state;
    git_host_run(host, "git pack-objects --stdout </dev/null 2>/dev/null >../empty.pack");
    GS_CLEANUP(gs_buf_release) struct gs_buf pack;
    gs_buf_init(&pack, 1000);
    const char *hex = git_host_run(host, "od -An -v -tx1 ../empty.pack | tr -d ' \\n'");
    for (; *hex; hex += 2)
        gs_buf_append_char(&pack, (char)strtoul((char[]){hex[0], hex[1], 0}, NULL, 16));
    assert_int_equal(pack.len, 32);
    struct gs_incoming incoming;
    gs_incoming_begin(&incoming, host->mirror, 1000, INT64_MAX);
    GIT_OK(host, gs_incoming_append(&incoming, gs_buf_slice(&pack), &host->err));
    GIT_OK(host, gs_incoming_finish(&incoming, &host->err));
    gs_incoming_release(&incoming);
}

static void the_kept_refs_stay_few(void **state)
{
    struct git_host *host = *state;
    struct gs_oid head = git_host_commit(host, "main", "a", "1");
    git_host_run(host, "for i in $(seq 400); do echo create refs/heads/b$i main; done | "
                       "git update-ref --stdin");
    struct gs_git_advert advert = git_host_advert(host, GS_GIT_UPLOAD_PACK);
    for (size_t i = 0; i < advert.count; i++)
        GIT_OK(host, gs_mirror_fetch(host->mirror, git_host_remote(host), &advert, &advert.refs[i],
                                     &host->err));
    assert_int_equal(host->posts, 1);
    assert_string_equal(git_host_run(host, "git --git-dir=../mirror for-each-ref | wc -l"), "256");
    git_host_reopen_mirror(host);
    assert_true(has(host, &head));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        GIT_TEST(a_branch_arrives_with_one_post),
        GIT_TEST(only_what_is_new_is_sent),
        GIT_TEST(the_other_services_advertisement_will_do),
        GIT_TEST(tags_arrive_by_name),
        GIT_TEST(a_rewound_branch_is_followed),
        GIT_TEST(unrelated_histories_arrive),
        GIT_TEST(a_branch_that_became_a_folder_is_kept),
        GIT_TEST(a_large_history_becomes_a_pack),
        GIT_TEST(a_ref_that_moved_away_is_told),
        GIT_TEST(a_pack_over_the_limit_is_refused),
        GIT_TEST(a_broken_answer_leaves_no_trace),
        GIT_TEST(nonsense_is_refused),
        GIT_TEST(an_empty_pack_is_no_crash),
        GIT_TEST(the_kept_refs_stay_few),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
