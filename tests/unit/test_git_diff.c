// The diff from one commit to another, checked with the real git: applied to what the one holds, it gives what the other holds.
// SPDX-License-Identifier: Apache-2.0
#include "base/files.h"
#include "git_host.h"

static const struct gs_oid none;

#define WRITE(p, c)                                                                                \
    {                                                                                              \
        .kind = GS_EDIT_WRITE, .path = (p), .content = GS_SLICE_LIT(c)                             \
    }

// Gives the text, in the arena.
static struct gs_slice diff(struct git_host *host, const struct gs_oid *before,
                            const struct gs_oid *after, size_t max, bool *out_cut)
{
    struct gs_buf text;
    gs_buf_init(&text, max);
    GIT_OK(host, gs_mirror_diff(host->mirror, before, after, &text, out_cut, &host->err));
    size_t len = text.len;
    char *copy = gs_arena_dup_slice(host->arena, gs_buf_slice(&text));
    gs_buf_release(&text);
    return gs_slice_of(copy, len);
}

static void assert_applies(struct git_host *host, const struct gs_oid *before,
                           const struct gs_oid *after)
{
    bool cut = true;
    struct gs_slice text = diff(host, before, after, 1 << 20, &cut);
    assert_false(cut);
    char *path = gs_arena_printf(host->arena, "%s/the.diff", host->folder);
    GIT_OK(host, gs_file_write(path, text, 0600, &host->err));
    git_host_save(host);
    const char *tree = git_host_run(host,
                                    "export GIT_DIR=../mirror GIT_INDEX_FILE=$PWD/d.index; "
                                    "rm -f $GIT_INDEX_FILE; "
                                    "test -z '%s' || git read-tree '%s'; "
                                    "git apply --cached --whitespace=nowarn %s && git write-tree",
                                    before->hex, before->hex, path);
    const char *wanted =
        git_host_run(host, "git --git-dir=../mirror rev-parse %s^{tree}", after->hex);
    assert_string_equal(tree, wanted);
}

static struct gs_oid commit_all(struct git_host *host, const struct gs_oid *parent)
{
    struct gs_edit edits[] = {WRITE("App/v1.json", "{\n  \"a\": 1\n}"),
                              WRITE("App/with space.txt", "1\n2\n3\n"),
                              WRITE("App/K\xc3\xa4ufe \"x\".json", "{}\n"),
                              WRITE("App/latin.txt", "caf\xe9\n"),
                              WRITE("App/nul", "a\0b"),
                              WRITE("App/empty", ""),
                              WRITE("README", "read me\n")};
    return git_host_edit(host, parent, edits, GS_COUNT(edits));
}

static void additions_changes_and_deletions_apply(void **state)
{
    struct git_host *host = *state;
    struct gs_oid first = commit_all(host, &none);
    assert_applies(host, &none, &first);
    struct gs_edit edits[] = {WRITE("App/v1.json", "{\n  \"a\": 2\n}\n"),
                              WRITE("App/latin.txt", "caf\xe8\n"),
                              WRITE("App/nul", "text now\n"),
                              {.kind = GS_EDIT_DELETE, .path = "README"},
                              WRITE("b", "no line feed")};
    struct gs_oid second = git_host_edit(host, &first, edits, GS_COUNT(edits));
    assert_applies(host, &first, &second);
    assert_applies(host, &second, &first);
    struct gs_edit move = {.kind = GS_EDIT_MOVE, .path = "App", .to_path = "Other"};
    struct gs_oid third = git_host_edit(host, &second, &move, 1);
    assert_applies(host, &second, &third);
}

static void equal_commits_have_no_diff(void **state)
{
    struct git_host *host = *state;
    bool cut = true;
    struct gs_oid first = commit_all(host, &none);
    assert_int_equal(diff(host, &first, &first, 100, &cut).len, 0);
    assert_false(cut);
    assert_int_equal(diff(host, &none, &none, 100, &cut).len, 0);
}

// What is left of a diff that is too long are whole parts of files.
static void a_long_diff_is_cut_between_files(void **state)
{
    struct git_host *host = *state;
    bool cut = false;
    struct gs_edit edits[] = {WRITE("a", "1\n"), WRITE("b", "2\n"), WRITE("c", "3\n")};
    struct gs_oid commit = git_host_edit(host, &none, edits, GS_COUNT(edits));
    struct gs_slice whole = diff(host, &none, &commit, 1 << 20, &cut);
    assert_false(cut);
    struct gs_slice most = diff(host, &none, &commit, whole.len - 1, &cut);
    assert_true(cut);
    assert_int_equal(most.len, whole.len / 3 * 2);
    assert_memory_equal(most.data, whole.data, most.len);
    assert_int_equal(diff(host, &none, &commit, whole.len, &cut).len, whole.len);
    assert_false(cut);
    assert_int_equal(diff(host, &none, &commit, 10, &cut).len, 0);
    assert_true(cut);
}

static void a_commit_that_is_not_there_is_told(void **state)
{
    struct git_host *host = *state;
    struct gs_oid absent;
    bool cut;
    GS_CLEANUP(gs_buf_release) struct gs_buf text = {.max = 100};
    assert_true(gs_oid_parse(GS_SLICE_LIT("1111111111111111111111111111111111111111"), &absent));
    GIT_FAILS(host, GS_CODE_INTERNAL,
              gs_mirror_diff(host->mirror, &none, &absent, &text, &cut, &host->err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        GIT_TEST(additions_changes_and_deletions_apply),
        GIT_TEST(equal_commits_have_no_diff),
        GIT_TEST(a_long_diff_is_cut_between_files),
        GIT_TEST(a_commit_that_is_not_there_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
