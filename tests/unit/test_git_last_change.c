// The commit that changed each of many paths last, over histories with merges and clocks that go wrong: always the one that
// git log tells for the path alone.
// SPDX-License-Identifier: Apache-2.0
#include "git/history.h"
#include "git_host.h"

enum { PATHS = 12, COMMITS = 40 };

static const char *const paths[PATHS] = {"a", "a.b", "a/b",   "a/c", "a-c", "d/e/f",
                                         "d", "d/e", "d.e/f", "g",   "h/i", "gone"};

// COMMITS commits, one or two parents each, with files of random content; the branch is at the last one.
static void make_history(struct git_host *host, unsigned seed)
{
    git_host_run(
        host,
        "export GIT_INDEX_FILE=$PWD/h.index; RANDOM_STATE=%u; "
        "next() { RANDOM_STATE=$(( (RANDOM_STATE * 1103515245 + 12345) %% 2147483648 )); "
        "R=$(( RANDOM_STATE / 65536 %% $1 )); }; "
        "n=0; commits=''; while [ $n -lt %d ]; do "
        "rm -f $GIT_INDEX_FILE; parents=''; "
        "if [ $n -gt 0 ]; then next $n; [ $R -lt $((n / 2)) ] && R=$((n - 1)); p=$(git rev-parse "
        "t/$R); "
        "git read-tree $p; parents=\"-p $p\"; next 3; "
        "if [ $R = 0 ] && [ $n -gt 3 ]; then next $n; q=$(git rev-parse t/$R); "
        "parents=\"$parents -p $q\"; "
        "git ls-tree -r $q -- a d | git update-index --replace --index-info; fi; fi; next 3; "
        "if [ $R != 0 ]; then next 9; set -- a.b a/b a/c a-c d/e/f d.e/f g h/i d/x; shift $R; "
        "path=$1; next 4; o=$(echo $R | git hash-object -w --stdin); "
        "git update-index --add --replace --cacheinfo 100644,$o,$path; fi; next 500; "
        "c=$(GIT_COMMITTER_DATE=\"$((1700000000 + n * 60 - R)) +0000\" "
        "git commit-tree -m $n $parents $(git write-tree) 2>/dev/null); git update-ref "
        "refs/tags/t/$n $c; "
        "n=$((n + 1)); done; git update-ref refs/heads/main $c",
        seed, COMMITS);
}

static void agrees_with_git(void **state)
{
    struct git_host *host = *state;
    for (unsigned seed = 1; seed <= 2; seed++) {
        make_history(host, seed);
        git_host_fetch(host, "refs/heads/main");
        struct gs_oid head = git_host_head(host, "main"), found[PATHS];
        GIT_OK(host, gs_mirror_last_changes(host->mirror, &head, paths, PATHS, 100000, found,
                                            &host->err));
        for (size_t i = 0; i < PATHS; i++) {
            const char *git = git_host_run(host,
                                           "git cat-file -e main:%s 2>/dev/null && "
                                           "git log -1 --format=%%H main -- %s || true",
                                           paths[i], paths[i]);
            if (strcmp(found[i].hex, git) != 0)
                fail_msg("seed %u: %s: '%s', git says '%s'", seed, paths[i], found[i].hex, git);
        }
    }
}

static void the_walk_is_bounded(void **state)
{
    struct git_host *host = *state;
    struct gs_oid first = git_host_commit(host, "main", "old", "1"), found[2];
    for (int i = 0; i < 5; i++)
        git_host_commit(host, "main", "new", i % 2 ? "1" : "2");
    git_host_fetch(host, "refs/heads/main");
    struct gs_oid head = git_host_head(host, "main");
    static const char *const both[] = {"old", "new"};
    GIT_OK(host, gs_mirror_last_changes(host->mirror, &head, both, 2, 5, found, &host->err));
    assert_string_equal(found[0].hex, "");
    assert_string_equal(found[1].hex, head.hex);
    GIT_OK(host, gs_mirror_last_changes(host->mirror, &head, both, 2, 6, found, &host->err));
    assert_string_equal(found[0].hex, first.hex);
    GIT_OK(host, gs_mirror_last_changes(host->mirror, &head, both, 0, 6, found, &host->err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        GIT_TEST(agrees_with_git),
        GIT_TEST(the_walk_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
