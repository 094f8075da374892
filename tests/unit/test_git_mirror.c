// A mirror on disk: reading from it, and what becomes of it when its files are torn.
// SPDX-License-Identifier: Apache-2.0
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"
#include "git/git_internal.h"
#include "git_host.h"

static const struct gs_oid none;

#define WRITE(p, c)                                                                                \
    {                                                                                              \
        .kind = GS_EDIT_WRITE, .path = (p), .content = GS_SLICE_LIT(c)                             \
    }

static struct gs_oid fill(struct git_host *host)
{
    git_host_run(host, "export GIT_INDEX_FILE=$PWD/t.index; "
                       "o=$(printf content | git hash-object -w --stdin) && git update-index --add "
                       "--cacheinfo 100644,$o,a.txt --cacheinfo 120000,$o,link "
                       "--cacheinfo 100755,$o,d/run --cacheinfo 100644,$o,d/e/deep "
                       "--cacheinfo 160000,1111111111111111111111111111111111111111,sub && "
                       "git update-ref refs/heads/main $(git commit-tree -m x $(git write-tree))");
    git_host_fetch(host, "refs/heads/main");
    return git_host_head(host, "main");
}

static void ids_are_parsed_strictly(void **state)
{
    (void)state;
    struct gs_oid oid;
    assert_true(gs_oid_parse(GS_SLICE_LIT("ABCDEF7890123456789012345678901234567890"), &oid));
    assert_string_equal(oid.hex, "abcdef7890123456789012345678901234567890");
    assert_false(gs_oid_is_none(&oid));
    assert_true(gs_oid_parse(GS_SLICE_LIT("0000000000000000000000000000000000000000"), &oid));
    assert_true(gs_oid_is_none(&oid));
    assert_true(gs_oid_eq(&oid, &none));
    static const char *const bad[] = {"",
                                      "abc",
                                      "g234567890123456789012345678901234567890",
                                      "12345678901234567890123456789012345678901",
                                      "123456789012345678901234567890123456789 ",
                                      "0x34567890123456789012345678901234567890"};
    for (size_t i = 0; i < GS_COUNT(bad); i++)
        assert_false(gs_oid_parse(gs_slice_str(bad[i]), &oid));
    assert_false(gs_oid_parse(GS_SLICE_LIT("12345678901234567890\0"
                                           "2345678901234567890"),
                              &oid));
}

static void branch_names_are_gits(void **state)
{
    struct git_host *host = *state;
    static const char *const names[] = {
        "main", "a/b/c", "@",   "HEAD",  "-x",     "a..b",     "a.lock",       "a/.b",     "a//b",
        "/a",   "a/",    "a b", "a~",    "a^",     "a:",       "a?",           "a*",       "a[",
        "a\\b", "a@{b",  "a.",  "a\x7f", "a\x01",  "\xc3\xa9", "refs/heads/x", "a.lock/b", ".a",
        "a/@",  "@a",    "x-",  "{x}",   "a,b;c!", "",
    };
    for (size_t i = 0; i < GS_COUNT(names); i++) {
        const char *git = git_host_run(host,
                                       "git check-ref-format --branch '%s' >/dev/null 2>&1 && "
                                       "echo yes || echo no",
                                       names[i]);
        if (gs_git_branch_is_valid(names[i]) != (strcmp(git, "yes") == 0))
            fail_msg("'%s': git says %s", names[i], git);
    }
}

static void files_are_read(void **state)
{
    struct git_host *host = *state;
    struct gs_oid commit = fill(host);
    GS_CLEANUP(gs_buf_release) struct gs_buf out;
    gs_buf_init(&out, 7);
    static const char *const there[] = {"a.txt", "d/run", "d/e/deep"};
    for (size_t i = 0; i < GS_COUNT(there); i++) {
        GIT_OK(host, gs_mirror_read_file(host->mirror, &commit, there[i], &out, &host->err));
        assert_string_equal(out.data, "content");
    }
    static const char *const missing[] = {"",       "a",       "a.txt/x",    "d",    "d/e",
                                          "link",   "sub",     "sub/x",      "d/",   "/a.txt",
                                          "d//run", "./a.txt", "d/../a.txt", "A.TXT"};
    for (size_t i = 0; i < GS_COUNT(missing); i++)
        GIT_FAILS(host, GS_CODE_NOT_FOUND,
                  gs_mirror_read_file(host->mirror, &commit, missing[i], &out, &host->err));
    GIT_FAILS(host, GS_CODE_NOT_FOUND,
              gs_mirror_read_file(host->mirror, &none, "a.txt", &out, &host->err));
    assert_string_equal(out.data, "content"); // untouched by failures
    GS_CLEANUP(gs_buf_release) struct gs_buf small;
    gs_buf_init(&small, 6);
    GIT_FAILS(host, GS_CODE_TOO_LARGE,
              gs_mirror_read_file(host->mirror, &commit, "a.txt", &small, &host->err));
}

static void folders_are_listed(void **state)
{
    struct git_host *host = *state;
    struct gs_oid commit = fill(host);
    struct gs_entry *entries, entry;
    size_t count;
    GIT_OK(host,
           gs_mirror_list(host->mirror, &commit, "", host->arena, &entries, &count, &host->err));
    static const struct {
        const char *name;
        enum gs_entry_kind kind;
    } expected[] = {{"a.txt", GS_ENTRY_FILE},
                    {"d", GS_ENTRY_FOLDER},
                    {"link", GS_ENTRY_OTHER},
                    {"sub", GS_ENTRY_OTHER}};
    assert_int_equal(count, GS_COUNT(expected));
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(entries[i].name, expected[i].name);
        assert_int_equal(entries[i].kind, expected[i].kind);
        GIT_OK(host, gs_mirror_stat(host->mirror, &commit, entries[i].name, host->arena, &entry,
                                    &host->err));
        assert_string_equal(entry.oid.hex, entries[i].oid.hex);
        assert_int_equal(entry.kind, entries[i].kind);
    }
    GIT_OK(host,
           gs_mirror_list(host->mirror, &commit, "d/e", host->arena, &entries, &count, &host->err));
    assert_int_equal(count, 1);
    GIT_OK(host, gs_mirror_stat(host->mirror, &commit, "", host->arena, &entry, &host->err));
    assert_int_equal(entry.kind, GS_ENTRY_FOLDER);
    GIT_OK(host,
           gs_mirror_list(host->mirror, &none, "", host->arena, &entries, &count, &host->err));
    assert_int_equal(count, 0);
    static const char *const missing[] = {"x", "a.txt", "link", "sub", "d/x"};
    for (size_t i = 0; i < GS_COUNT(missing); i++)
        GIT_FAILS(host, GS_CODE_NOT_FOUND,
                  gs_mirror_list(host->mirror, &commit, missing[i], host->arena, &entries, &count,
                                 &host->err));
}

static void a_commit_tells_of_itself(void **state)
{
    struct git_host *host = *state;
    struct gs_oid first = fill(host);
    git_host_run(
        host,
        "export GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_DATE='1700000000 +0200'; "
        "c=$(git commit-tree -p main -m 'two lines' -m body main^{tree}); "
        "git update-ref refs/heads/main $c");
    git_host_fetch(host, "refs/heads/main");
    struct gs_oid commit = git_host_head(host, "main");
    struct gs_commit_info info;
    GIT_OK(host, gs_mirror_commit_info(host->mirror, &commit, host->arena, &info, &host->err));
    assert_string_equal(info.oid.hex, commit.hex);
    assert_string_equal(info.parent.hex, first.hex);
    assert_string_equal(info.message, "two lines\n\nbody\n");
    assert_string_equal(info.author_name, "A");
    assert_string_equal(info.author_email, "a@b");
    assert_int_equal(info.committed_at_ms, 1700000000000);
    GIT_OK(host, gs_mirror_commit_info(host->mirror, &first, host->arena, &info, &host->err));
    assert_true(gs_oid_is_none(&info.parent));
}

static void an_old_encoding_becomes_utf8(void **state)
{
    struct git_host *host = *state;
    fill(host);
    git_host_run(
        host, "t=$(git rev-parse main^{tree}); c=$(printf 'tree %%s\\nauthor J\\351r <j@x> 1 "
              "+0000\\ncommitter J\\351r <j@x> 1 +0000\\n\\nL\\366schen\\n' $t | git hash-object "
              "-t commit -w --stdin); git update-ref refs/heads/main $c");
    git_host_fetch(host, "refs/heads/main");
    struct gs_oid commit = git_host_head(host, "main");
    struct gs_commit_info info;
    GIT_OK(host, gs_mirror_commit_info(host->mirror, &commit, host->arena, &info, &host->err));
    assert_string_equal(info.author_name, "J\xc3\xa9r");
    assert_string_equal(info.message, "L\xc3\xb6schen\n");
}

static void malformed_folders_are_refused(void **state)
{
    struct git_host *host = *state;
#define ID "12345678901234567890"
    static const struct gs_slice trees[] = {
        GS_SLICE_LIT("100644 b\0" ID "100644 a\0" ID), // not sorted
        GS_SLICE_LIT("100644 a\0" ID "100644 a\0" ID),
        GS_SLICE_LIT("100644 a/b\0" ID),
        GS_SLICE_LIT("100644 \0" ID),
        GS_SLICE_LIT("100644a\0" ID),
        GS_SLICE_LIT(" a\0" ID),
        GS_SLICE_LIT("1006448 a\0" ID),
        GS_SLICE_LIT("777777777777 a\0" ID),
        GS_SLICE_LIT("100644"),
        GS_SLICE_LIT("100644 a"),
        GS_SLICE_LIT("100644 a\0"
                     "1234567890123456789"),
        GS_SLICE_LIT("100644 a\0" ID "1"),
    };
    for (size_t i = 0; i < GS_COUNT(trees); i++) {
        git_oid oid;
        struct gs_tree_entry *entries;
        size_t count;
        GIT_OK(host, gs_object_id(GIT_OBJECT_TREE, trees[i], &oid, &host->err));
        GIT_OK(host, gs_fresh_add(host->mirror, GIT_OBJECT_TREE, &oid, trees[i], &host->err));
        GIT_FAILS(host, GS_CODE_LAYOUT_UNSUPPORTED,
                  gs_tree_load(host->mirror, &oid, host->arena, &entries, &count, &host->err));
    }
}

static void folders_nested_deep_are_survived(void **state)
{
    struct git_host *host = *state;
    git_host_run(
        host,
        "t=$(printf x | git hash-object -w --stdin); t=$(printf '100644 blob %%s\\tx\\n' $t | "
        "git mktree); for i in $(seq 600); do t=$(printf '040000 tree %%s\\td\\n' $t | git "
        "mktree); done; git update-ref refs/heads/main $(git commit-tree -m x $t)");
    git_host_fetch(host, "refs/heads/main");
    struct gs_oid commit = git_host_head(host, "main");
    struct gs_edit move = {.kind = GS_EDIT_MOVE, .path = "d", .to_path = "e"};
    struct gs_commit_request request = {.parent = commit,
                                        .edits = &move,
                                        .edit_count = 1,
                                        .author_name = "n",
                                        .message = GS_SLICE_LIT("m")};
    GIT_FAILS(host, GS_CODE_TOO_LARGE,
              gs_mirror_commit(host->mirror, &request, host->arena, &commit, &host->changes,
                               &host->change_count, &host->err));
}

// ---- Damage ----------------------------------------------------------------

static char files[400][200];
static size_t file_count;

static int note_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)ftw;
    if (type == FTW_F && file_count < GS_COUNT(files))
        snprintf(files[file_count++], sizeof files[0], "%s", path);
    return 0;
}

static void copy_mirror(struct git_host *host)
{
    gs_mirror_close(host->mirror);
    host->mirror = NULL;
    git_host_run(host, "rm -rf ../mirror && cp -a ../saved ../mirror");
}

// Uses everything once. Whatever happens must be GS_OK or a plain failure.
static enum gs_status use(struct git_host *host, const struct gs_oid *commit)
{
    gs_mirror_close(host->mirror);
    host->mirror = NULL;
    enum gs_status status = gs_mirror_open(host->mirror_folder, &host->mirror, &host->err);
    if (status != GS_OK || !gs_mirror_has(host->mirror, commit))
        return status;
    GS_CLEANUP(gs_buf_release) struct gs_buf out;
    gs_buf_init(&out, 1 << 20);
    static const char *const paths[] = {"a.txt", "d/run", "d/e/deep", "new/file"};
    for (size_t i = 0; i < GS_COUNT(paths) && status == GS_OK; i++) {
        status = gs_mirror_read_file(host->mirror, commit, paths[i], &out, &host->err);
        if (status == GS_OK)
            assert_string_equal(out.data, "content");
    }
    struct gs_commit_info info;
    if (status == GS_OK)
        status = gs_mirror_commit_info(host->mirror, commit, host->arena, &info, &host->err);
    return status;
}

static void heal(struct git_host *host, const struct gs_oid *commit)
{
    gs_error_release(&host->err);
    gs_mirror_close(host->mirror);
    host->mirror = NULL;
    GIT_OK(host, gs_mirror_discard(host->mirror_folder, &host->err));
    git_host_reopen_mirror(host);
    git_host_fetch(host, "refs/heads/main");
    GIT_OK(host, use(host, commit));
}

static void tear(const char *path, int how)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(chmod(path, 0600), 0);
    if (how == 0)
        assert_int_equal(truncate(path, 0), 0);
    else if (how == 1)
        assert_int_equal(truncate(path, st.st_size / 2), 0);
    else if (how == 2)
        assert_int_equal(unlink(path), 0);
    if (how == 3) { // zeros, as a power cut leaves them
        assert_int_equal(truncate(path, 0), 0);
        assert_int_equal(truncate(path, st.st_size), 0);
    }
}

// Whatever file is torn: what is read is right, or the mirror is reported as damaged and fetched
// anew.
static void torn_files_are_noticed(void **state)
{
    struct git_host *host = *state;
    struct gs_oid head = fill(host);
    struct gs_oid commit = git_host_write(host, &head, "new/file", "content");
    assert_int_equal(git_host_push(host, "refs/heads/main", &head, &commit, NULL), GS_PUSH_DONE);
    // Half of it as a pack, so that both kinds are torn.
    git_host_run(host,
                 "cd ../mirror && git --git-dir=. repack -q && p=$(ls objects/pack/*.pack) && "
                 "git --git-dir=. prune-packed && test -n \"$p\"");
    gs_mirror_close(host->mirror);
    host->mirror = NULL;
    GIT_OK(host, use(host, &commit));
    struct gs_oid last = git_host_write(host, &commit, "new/file2", "content");
    assert_int_equal(git_host_push(host, "refs/heads/main", &commit, &last, NULL), GS_PUSH_DONE);
    git_host_run(host, "cp -a ../mirror ../saved");
    file_count = 0;
    assert_int_equal(nftw(host->mirror_folder, note_file, 16, FTW_PHYS), 0);
    assert_in_range(file_count, 8, 100);
    for (size_t i = 0; i < file_count; i++) {
        for (int how = 0; how < 4; how++) {
            copy_mirror(host);
            tear(files[i], how);
            enum gs_status status = use(host, &last);
            bool survived = status == GS_OK || host->err.code == GS_CODE_INTERNAL;
            if (!survived)
                fail_msg("%s, way %d: %s", files[i], how, host->err.message);
            if (status != GS_OK || !gs_mirror_has(host->mirror, &last))
                heal(host, &last);
        }
    }
}

static void what_can_be_put_right_is_no_damage(void **state)
{
    struct git_host *host = *state;
    struct gs_oid commit = fill(host);
    static const char *const leftovers[] = {
        "rm ../mirror/HEAD",
        "rm ../mirror/HEAD ../mirror/config",
        "rm -r ../mirror/HEAD ../mirror/refs ../mirror/packed-refs",
        "rm -r ../mirror/HEAD ../mirror/objects ../mirror/packed-refs",
        "rm -r ../mirror",
        "echo '[' >../mirror/config",
        "git config -f ../mirror/config core.protectHFS false",
        "rm ../mirror/config",
        "mkdir -p ../mirror/incoming && echo x >../mirror/incoming/pack_1",
        "echo x >../mirror/unfinished && chmod 400 ../mirror/unfinished",
    };
    for (size_t i = 0; i < GS_COUNT(leftovers); i++) {
        git_host_run(host, "%s", leftovers[i]);
        git_host_reopen_mirror(host);
        git_host_fetch(host, "refs/heads/main");
        assert_true(gs_mirror_has(host->mirror, &commit));
        assert_string_equal(git_host_run(host, "git config -f ../mirror/config core.protectHFS"),
                            "true");
    }
}

static void what_is_no_mirror_is_reported(void **state)
{
    struct git_host *host = *state;
    static const char *const damages[] = {
        "rm -r ../mirror/objects",
        "echo nonsense >../mirror/packed-refs",
        "rm -r ../mirror/refs",
    };
    for (size_t i = 0; i < GS_COUNT(damages); i++) {
        gs_mirror_close(host->mirror);
        host->mirror = NULL;
        git_host_run(host, "%s", damages[i]);
        if (gs_mirror_open(host->mirror_folder, &host->mirror, &host->err) == GS_OK)
            fail_msg("%s", damages[i]);
        assert_int_equal(host->err.code, GS_CODE_INTERNAL);
        gs_error_release(&host->err);
        GIT_OK(host, gs_mirror_discard(host->mirror_folder, &host->err));
        git_host_reopen_mirror(host);
    }
    GIT_OK(host, gs_mirror_discard("/tmp/there/is/no/such/folder", &host->err));
    struct gs_mirror *other;
    GIT_FAILS(host, GS_CODE_STORE_FAILED, gs_mirror_open("/proc/no", &other, &host->err));
}

// What a commit wrote is not what a mirror has: the host must have taken it.
static void unpushed_commits_are_not_had(void **state)
{
    struct git_host *host = *state;
    struct gs_oid head = fill(host);
    struct gs_oid commit = git_host_write(host, &head, "x", "1");
    assert_false(gs_mirror_has(host->mirror, &commit));
    assert_false(gs_mirror_has(host->mirror, &none));
    bool yes;
    GIT_OK(host, gs_mirror_is_ancestor(host->mirror, &head, &commit, &yes, &host->err));
    assert_true(yes);
    struct gs_oid missing = {"1234567890123456789012345678901234567890"}, peeled;
    assert_false(gs_mirror_has(host->mirror, &missing));
    GIT_FAILS(host, GS_CODE_NOT_IN_GIT,
              gs_mirror_peel(host->mirror, &missing, &peeled, &host->err));
    GIT_FAILS(host, GS_CODE_INTERNAL,
              gs_mirror_is_ancestor(host->mirror, &head, &missing, &yes, &host->err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_are_parsed_strictly),
        GIT_TEST(branch_names_are_gits),
        GIT_TEST(files_are_read),
        GIT_TEST(folders_are_listed),
        GIT_TEST(a_commit_tells_of_itself),
        GIT_TEST(an_old_encoding_becomes_utf8),
        GIT_TEST(malformed_folders_are_refused),
        GIT_TEST(folders_nested_deep_are_survived),
        GIT_TEST(torn_files_are_noticed),
        GIT_TEST(what_can_be_put_right_is_no_damage),
        GIT_TEST(what_is_no_mirror_is_reported),
        GIT_TEST(unpushed_commits_are_not_had),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
