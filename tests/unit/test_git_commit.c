// Commits made of edits, checked with the real git: what is in them, what they changed, and what
// they refuse.
// SPDX-License-Identifier: Apache-2.0
#include "git_host.h"

static const struct gs_oid none;

#define WRITE(p, c)                                                                                \
    {                                                                                              \
        .kind = GS_EDIT_WRITE, .path = (p), .content = GS_SLICE_LIT(c)                             \
    }
#define DELETE(p)                                                                                  \
    {                                                                                              \
        .kind = GS_EDIT_DELETE, .path = (p)                                                        \
    }
#define MOVE(p, t)                                                                                 \
    {                                                                                              \
        .kind = GS_EDIT_MOVE, .path = (p), .to_path = (t)                                          \
    }

// The host's repository has: a file, one that is executable, a link, a submodule, folders of two
// levels.
static struct gs_oid start_tree(struct git_host *host)
{
    git_host_run(host, "export GIT_INDEX_FILE=$PWD/t.index; "
                       "o=$(printf 1 | git hash-object -w --stdin) && "
                       "l=$(printf README | git hash-object -w --stdin) && "
                       "git update-index --add --cacheinfo 100644,$o,README "
                       "--cacheinfo 100755,$o,bin/run --cacheinfo 120000,$l,link "
                       "--cacheinfo 160000,1111111111111111111111111111111111111111,sub "
                       "--cacheinfo 100644,$o,App/v1.json --cacheinfo 100644,$o,App/pages/p1.json "
                       "--cacheinfo 100644,$o,App/pages/p2.json && "
                       "git update-ref refs/heads/main $(git commit-tree -m x $(git write-tree))");
    git_host_fetch(host, "refs/heads/main");
    return git_host_head(host, "main");
}

// "A path" and so on, one a line, as git diff --name-status has them.
static const char *changes_text(struct git_host *host)
{
    struct gs_buf text;
    gs_buf_init(&text, 1 << 20);
    static const char letters[] = {'A', 'M', 'D'};
    for (size_t i = 0; i < host->change_count; i++)
        gs_buf_printf(&text, "%s%c %s", i ? "\n" : "", letters[host->changes[i].kind],
                      host->changes[i].path);
    const char *copy = gs_arena_dup_slice(host->arena, gs_buf_slice(&text));
    gs_buf_release(&text);
    return copy;
}

// Applies the edits, and has git check the repository and compare what it sees with what we told.
static struct gs_oid apply(struct git_host *host, const struct gs_oid *parent,
                           const struct gs_edit *edits, size_t count)
{
    struct gs_oid commit = git_host_edit(host, parent, edits, count);
    git_host_save(host);
    const char *fsck = git_host_run(host,
                                    "git --git-dir=../mirror fsck --strict --no-dangling %s 2>&1 "
                                    "| grep -v ^notice || true",
                                    commit.hex);
    assert_string_equal(fsck, "");
    if (!gs_oid_is_none(parent) && !gs_oid_eq(parent, &commit)) {
        const char *seen = git_host_run(host,
                                        "git --git-dir=../mirror -c core.quotePath=false diff-tree "
                                        "-r --name-status --no-renames %s %s | tr '\t' ' '",
                                        parent->hex, commit.hex);
        assert_string_equal(changes_text(host), seen);
    }
    return commit;
}

static const char *files_of(struct git_host *host, const struct gs_oid *commit)
{
    return git_host_run(host,
                        "git --git-dir=../mirror -c core.quotePath=false ls-tree -r "
                        "--name-only %s",
                        commit->hex);
}

#define APPLY(host, parent, ...)                                                                   \
    apply(host, parent, (const struct gs_edit[]){__VA_ARGS__},                                     \
          GS_COUNT(((const struct gs_edit[]){__VA_ARGS__})))

static enum gs_status try_edits(struct git_host *host, const struct gs_oid *parent,
                                const struct gs_edit *edits, size_t count)
{
    struct gs_commit_request request = {.parent = *parent,
                                        .edits = edits,
                                        .edit_count = count,
                                        .author_name = "n",
                                        .author_email = "e",
                                        .message = GS_SLICE_LIT("m")};
    struct gs_oid commit;
    return gs_mirror_commit(host->mirror, &request, host->arena, &commit, &host->changes,
                            &host->change_count, &host->err);
}

#define REFUSES(host, parent, code, ...)                                                           \
    GIT_FAILS(host, code,                                                                          \
              try_edits(host, parent, (const struct gs_edit[]){__VA_ARGS__},                       \
                        GS_COUNT(((const struct gs_edit[]){__VA_ARGS__}))))

static void the_first_commit_has_no_parent(void **state)
{
    struct git_host *host = *state;
    struct gs_oid commit = APPLY(host, &none, WRITE("b/c", "2"), WRITE("a", ""));
    assert_string_equal(files_of(host, &commit), "a\nb/c");
    assert_string_equal(changes_text(host), "A a\nA b/c");
    assert_string_equal(
        git_host_run(host, "git --git-dir=../mirror cat-file commit %s | tail -n +2", commit.hex),
        "author Test Author <author@example.org> 1700000000 +0000\n"
        "committer Test Author <author@example.org> 1700000000 +0000\n\n"
        "a change");
}

static void writes_add_and_replace(void **state)
{
    struct git_host *host = *state;
    struct gs_oid parent = start_tree(host);
    struct gs_oid commit = APPLY(host, &parent, WRITE("App/v1.json", "new"), WRITE("bin/run", "x"),
                                 WRITE("x/y/z", "deep"), WRITE("README", "1"));
    assert_string_equal(changes_text(host), "M App/v1.json\nM bin/run\nA x/y/z");
    // The mode of an executable stays, and so do the link and the submodule.
    assert_string_equal(git_host_run(host,
                                     "git --git-dir=../mirror ls-tree -r %s | cut -c 1-6 | "
                                     "sort | uniq -c | tr -s ' ' | tr '\\n' ';'",
                                     commit.hex),
                        " 5 100644; 1 100755; 1 120000; 1 160000;");
    assert_string_equal(
        git_host_run(host, "git --git-dir=../mirror cat-file commit %s | sed -n 2p", commit.hex) +
            strlen("parent "),
        parent.hex);
}

static void the_last_write_to_a_path_counts(void **state)
{
    struct git_host *host = *state;
    struct gs_oid parent = start_tree(host);
    struct gs_oid commit = APPLY(host, &parent, WRITE("a", "1"), WRITE("a", "2"),
                                 WRITE("README", "x"), WRITE("README", "1"));
    assert_string_equal(changes_text(host), "A a");
    assert_string_equal(git_host_run(host, "git --git-dir=../mirror show %s:a", commit.hex), "2");
}

static void nothing_changed_makes_no_commit(void **state)
{
    struct git_host *host = *state;
    struct gs_oid parent = start_tree(host);
    struct gs_oid commit = APPLY(host, &parent, WRITE("App/v1.json", "1"), DELETE("nothing"),
                                 DELETE("README/below/a/file"), MOVE("App", "B"), MOVE("B", "App"),
                                 WRITE("new", "1"), DELETE("new"));
    assert_string_equal(commit.hex, parent.hex);
    assert_int_equal(host->change_count, 0);
    commit = APPLY(host, &none, DELETE("x"));
    assert_true(gs_oid_is_none(&commit));
}

static void empty_folders_vanish(void **state)
{
    struct git_host *host = *state;
    struct gs_oid parent = start_tree(host);
    struct gs_oid commit =
        APPLY(host, &parent, WRITE("x/y/z", "1"), DELETE("x/y/z"), DELETE("App/pages/p1.json"),
              DELETE("App/pages/p2.json"), DELETE("App/v1.json"), DELETE("bin/run"));
    assert_string_equal(files_of(host, &commit), "README\nlink\nsub");
    // A folder that went makes room for a file of its name, and the other way round.
    commit = APPLY(host, &commit, WRITE("App", "file"), DELETE("README"), WRITE("README/now", "1"));
    assert_string_equal(files_of(host, &commit), "App\nREADME/now\nlink\nsub");
}

static void the_last_file_can_go(void **state)
{
    struct git_host *host = *state;
    struct gs_oid first = APPLY(host, &none, WRITE("a/b", "1"));
    struct gs_oid second = APPLY(host, &first, DELETE("a/b"));
    assert_string_equal(files_of(host, &second), "");
    struct gs_oid third = APPLY(host, &second, WRITE("c", "1"));
    assert_string_equal(files_of(host, &third), "c");
}

static void moves_keep_the_objects(void **state)
{
    struct git_host *host = *state;
    struct gs_oid parent = start_tree(host);
    struct gs_entry before, after;
    GIT_OK(host,
           gs_mirror_stat(host->mirror, &parent, "App/pages", host->arena, &before, &host->err));
    struct gs_oid commit = APPLY(host, &parent, MOVE("App", "New/place"),
                                 MOVE("New/place/v1.json", "New/place/v2.json"),
                                 WRITE("New/place/v2.json", "2"), MOVE("bin/run", "run"));
    assert_string_equal(changes_text(host),
                        "D App/pages/p1.json\nD App/pages/p2.json\nD App/v1.json\n"
                        "A New/place/pages/p1.json\nA New/place/pages/p2.json\n"
                        "A New/place/v2.json\nD bin/run\nA run");
    GIT_OK(host, gs_mirror_stat(host->mirror, &commit, "New/place/pages", host->arena, &after,
                                &host->err));
    assert_string_equal(after.oid.hex, before.oid.hex);
}

static void moves_in_every_order(void **state)
{
    struct git_host *host = *state;
    struct gs_oid parent = start_tree(host);
    // Into itself, out of itself, over its own parent, swapped.
    struct gs_oid commit = APPLY(host, &parent, MOVE("App", "App/inner"));
    assert_string_equal(
        changes_text(host),
        "A App/inner/pages/p1.json\nA App/inner/pages/p2.json\nA App/inner/v1.json\n"
        "D App/pages/p1.json\nD App/pages/p2.json\nD App/v1.json");
    commit = APPLY(host, &commit, MOVE("App/inner", "App"));
    struct gs_oid back = commit;
    assert_string_equal(
        git_host_run(host, "git --git-dir=../mirror rev-parse %s^{tree}", back.hex),
        git_host_run(host, "git --git-dir=../mirror rev-parse %s^{tree}", parent.hex));
    commit = APPLY(host, &parent, MOVE("bin", "t"), MOVE("App", "bin"), MOVE("t", "App"),
                   DELETE("App/run"), WRITE("App/new", "1"));
    assert_string_equal(
        files_of(host, &commit),
        "App/new\nREADME\nbin/pages/p1.json\nbin/pages/p2.json\nbin/v1.json\nlink\nsub");
    commit = APPLY(host, &parent, WRITE("w", "1"), MOVE("w", "App/w"), MOVE("App", "Z"),
                   WRITE("Z/w", "2"));
    assert_string_equal(git_host_run(host, "git --git-dir=../mirror show %s:Z/w", commit.hex), "2");
}

static void case_twins_are_two(void **state)
{
    struct git_host *host = *state;
    struct gs_oid parent = start_tree(host);
    struct gs_oid commit =
        APPLY(host, &parent, WRITE("app/v1.json", "2"), WRITE("readme", "2"), MOVE("bin", "BIN"));
    assert_string_equal(files_of(host, &commit),
                        "App/pages/p1.json\nApp/pages/p2.json\nApp/v1.json\nBIN/run\nREADME\n"
                        "app/v1.json\nlink\nreadme\nsub");
}

static void gits_order_of_names_is_kept(void **state)
{
    struct git_host *host = *state;
    // As a folder "a" sorts behind "a.b" and "a-b", as a file before them.
    struct gs_oid commit =
        APPLY(host, &none, WRITE("a/x", "1"), WRITE("a.b", "1"), WRITE("a-b", "1"),
              WRITE("a0", "1"), WRITE("b", "1"), WRITE("b.c/x", "1"));
    commit = APPLY(host, &commit, MOVE("a", "t"), MOVE("b", "a"), MOVE("t", "b"));
    assert_string_equal(files_of(host, &commit), "a\na-b\na.b\na0\nb.c/x\nb/x");
    commit = APPLY(host, &commit, DELETE("a"), WRITE("a/1", "1"));
    assert_string_equal(changes_text(host), "D a\nA a/1");
}

static void odd_names_are_fine(void **state)
{
    struct git_host *host = *state;
    struct gs_oid commit = APPLY(
        host, &none, WRITE("My App (v1): 'x' & y/v1.0.json", "1"), WRITE("Ünï/日本.json", "1"),
        WRITE(" lead", "1"), WRITE("trail ", "1"), WRITE("dots...", "1"), WRITE("...", "1"),
        WRITE("a\\b", "1"), WRITE("-n", "1"), WRITE("a\xff", "1"), WRITE(".gitignore", "1"),
        WRITE("git~2", "1"), WRITE("con.txt", "1"), WRITE("*?[", "1"), WRITE("\xc2\xa0", "1"));
    assert_int_equal(host->change_count, 14);
    GS_CLEANUP(gs_buf_release) struct gs_buf content;
    gs_buf_init(&content, 10);
    GIT_OK(host, gs_mirror_read_file(host->mirror, &commit, "Ünï/日本.json", &content, &host->err));
    assert_string_equal(content.data, "1");
}

static void impossible_names_are_refused(void **state)
{
    struct git_host *host = *state;
    static char long_part[300], long_path[5000];
    memset(long_part, 'x', 256);
    for (size_t i = 0; i + 2 < sizeof long_path; i += 2)
        memcpy(long_path + i, "x/", 3);
    long_path[4998] = 'x';
    const char *const names[] = {
        "",
        "/",
        "/a",
        "a/",
        "a//b",
        ".",
        "..",
        "a/..",
        "../a",
        "a/./b",
        "./a",
        ".git",
        ".git/config",
        "a/.git",
        "a/.git/b",
        ".GIT",
        ".Git",
        "git~1",
        "GIT~1/x",
        ".git ",
        ".git.",
        ".git. .",
        ".git::$INDEX_ALLOCATION",
        ".git:x",
        ".g\xe2\x80\x8cit",
        "\xef\xbb\xbf.git",
        "a\\.git\\b",
        "a\\..\\b",
        "a\\.git",
        "a\nb",
        "a\tb",
        "\x7f",
        "a/\x01",
        long_part,
        long_path,
    };
    for (size_t i = 0; i < GS_COUNT(names); i++) {
        struct gs_edit edits[] = {WRITE("fine", "1"), WRITE("", "1")};
        edits[1].path = names[i];
        if (try_edits(host, &none, edits, 2) != GS_INVALID)
            fail_msg("%s", names[i]);
        assert_int_equal(host->err.code, GS_CODE_INVALID_NAME);
        edits[1] = (struct gs_edit)MOVE("fine", names[i]);
        GIT_FAILS(host, GS_CODE_INVALID_NAME, try_edits(host, &none, edits, 2));
    }
    REFUSES(host, &none, GS_CODE_INVALID_NAME, DELETE("a/../b"));
    REFUSES(host, &none, GS_CODE_INVALID_NAME, DELETE(""));
    REFUSES(host, &none, GS_CODE_INVALID_NAME, MOVE("", "a"));
    REFUSES(host, &none, GS_CODE_INVALID_NAME, MOVE("/a", "a"));
}

static void conflicts_of_files_and_folders_are_told(void **state)
{
    struct git_host *host = *state;
    struct gs_oid parent = start_tree(host);
    assert_int_equal(
        try_edits(host, &parent, (const struct gs_edit[]){WRITE("README/a/b", "1")}, 1),
        GS_CONFLICT);
    assert_string_equal(host->err.message,
                        "'README' in the repository is a file where a folder is needed");
    REFUSES(host, &parent, GS_CODE_LAYOUT_CONFLICT, WRITE("App", "1"));
    REFUSES(host, &parent, GS_CODE_LAYOUT_CONFLICT, WRITE("link", "1"));
    REFUSES(host, &parent, GS_CODE_LAYOUT_CONFLICT, WRITE("link/x", "1"));
    REFUSES(host, &parent, GS_CODE_LAYOUT_CONFLICT, WRITE("sub", "1"));
    REFUSES(host, &parent, GS_CODE_LAYOUT_CONFLICT, WRITE("sub/x", "1"));
    REFUSES(host, &parent, GS_CODE_LAYOUT_CONFLICT, DELETE("App"));
    REFUSES(host, &parent, GS_CODE_LAYOUT_CONFLICT, DELETE("link"));
    REFUSES(host, &parent, GS_CODE_LAYOUT_CONFLICT, DELETE("sub"));
    REFUSES(host, &parent, GS_CODE_LAYOUT_CONFLICT, MOVE("App", "bin"));
    REFUSES(host, &parent, GS_CODE_LAYOUT_CONFLICT, MOVE("App", "README"));
    REFUSES(host, &parent, GS_CODE_LAYOUT_CONFLICT, MOVE("README", "App"));
    REFUSES(host, &parent, GS_CODE_LAYOUT_CONFLICT, MOVE("README", "bin/run"));
    REFUSES(host, &parent, GS_CODE_LAYOUT_CONFLICT, MOVE("App", "README/x"));
    REFUSES(host, &parent, GS_CODE_LAYOUT_CONFLICT, MOVE("link", "x"));
    REFUSES(host, &parent, GS_CODE_LAYOUT_CONFLICT, MOVE("sub", "x"));
    REFUSES(host, &parent, GS_CODE_NOT_FOUND, MOVE("no", "x"));
    REFUSES(host, &parent, GS_CODE_NOT_FOUND, MOVE("README/no", "x"));
}

static void messages_and_authors_are_cleaned(void **state)
{
    struct git_host *host = *state;
    struct gs_edit edit = WRITE("a", "1");
    struct gs_commit_request request = {
        .edits = &edit,
        .edit_count = 1,
        .author_name = "  Zoë <x>\n Müller ",
        .author_email = " <a@b>\ninjected ",
        .message = GS_SLICE_LIT("subject\n\nbody\n"),
        .when_ms = 1999,
    };
    struct gs_oid commit;
    GIT_OK(host, gs_mirror_commit(host->mirror, &request, host->arena, &commit, &host->changes,
                                  &host->change_count, &host->err));
    git_host_save(host);
    assert_string_equal(
        git_host_run(host, "git --git-dir=../mirror cat-file commit %s | sed 1d", commit.hex),
        "author Zoë x Müller <a@binjected> 1 +0000\n"
        "committer Zoë x Müller <a@binjected> 1 +0000\n\nsubject\n\nbody");
    assert_string_equal(git_host_run(host,
                                     "git --git-dir=../mirror cat-file commit %s | tail -c 6 | "
                                     "od -An -c | tr -d ' '",
                                     commit.hex),
                        "\\nbody\\n");
    request.author_name = " <>\n";
    GIT_FAILS(host, GS_CODE_INVALID_INPUT,
              gs_mirror_commit(host->mirror, &request, host->arena, &commit, &host->changes,
                               &host->change_count, &host->err));
    request.author_name = "n";
    request.message = gs_slice_of("a\0b", 3);
    GIT_FAILS(host, GS_CODE_INVALID_INPUT,
              gs_mirror_commit(host->mirror, &request, host->arena, &commit, &host->changes,
                               &host->change_count, &host->err));
}

static void too_large_a_file_is_refused(void **state)
{
    struct git_host *host = *state;
    size_t size = ((size_t)100 << 20) + 1;
    char *bytes = gs_xcalloc(size, 1);
    struct gs_edit edit = {.kind = GS_EDIT_WRITE, .path = "a", .content = gs_slice_of(bytes, size)};
    GIT_FAILS(host, GS_CODE_TOO_LARGE, try_edits(host, &none, &edit, 1));
    free(bytes);
}

static void a_large_folder_is_edited(void **state)
{
    struct git_host *host = *state;
    enum { FILES = 3000 };
    struct gs_edit *edits = gs_arena_array(host->arena, FILES, sizeof *edits);
    for (size_t i = 0; i < FILES; i++) {
        char *path = gs_arena_printf(host->arena, "f/%zu.json", i * 7919 % FILES);
        edits[i] =
            (struct gs_edit){.kind = GS_EDIT_WRITE, .path = path, .content = gs_slice_str(path)};
    }
    struct gs_oid commit = apply(host, &none, edits, FILES);
    assert_int_equal(host->change_count, FILES);
    for (size_t i = 0; i < FILES; i++)
        edits[i].kind = i % 3 ? GS_EDIT_DELETE : GS_EDIT_WRITE;
    commit = apply(host, &commit, edits, FILES);
    assert_int_equal(host->change_count, FILES - FILES / 3);
    assert_string_equal(
        git_host_run(host, "git --git-dir=../mirror ls-tree -r %s | wc -l", commit.hex), "1000");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        GIT_TEST(the_first_commit_has_no_parent),
        GIT_TEST(writes_add_and_replace),
        GIT_TEST(the_last_write_to_a_path_counts),
        GIT_TEST(nothing_changed_makes_no_commit),
        GIT_TEST(empty_folders_vanish),
        GIT_TEST(the_last_file_can_go),
        GIT_TEST(moves_keep_the_objects),
        GIT_TEST(moves_in_every_order),
        GIT_TEST(case_twins_are_two),
        GIT_TEST(gits_order_of_names_is_kept),
        GIT_TEST(odd_names_are_fine),
        GIT_TEST(impossible_names_are_refused),
        GIT_TEST(conflicts_of_files_and_folders_are_told),
        GIT_TEST(messages_and_authors_are_cleaned),
        GIT_TEST(too_large_a_file_is_refused),
        GIT_TEST(a_large_folder_is_edited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
