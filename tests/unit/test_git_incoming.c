// Packs on their way into a mirror: git's own of random histories, in pieces of any size, and where
// there is no room for them.
// SPDX-License-Identifier: Apache-2.0
#include <sys/mount.h>
#include <sys/stat.h>

#include "git/git_internal.h"
#include "git_host.h"

static unsigned next_random(unsigned *seed)
{
    *seed = *seed * 1103515245u + 12345u;
    return *seed >> 16 & 0x7fff;
}

// ---- Histories -------------------------------------------------------------

static void write_file(FILE *out, unsigned *seed)
{
    static const char *const paths[] = {"a", "b/c", "b/d", "b/e/f", "g h", "b/e/ü"};
    static const char *const modes[] = {"644", "644", "755", "120000"};
    const char *path = paths[next_random(seed) % GS_COUNT(paths)];
    if (next_random(seed) % 8 == 0) {
        fprintf(out, "D \"%s\"\n", path);
        return;
    }
    GS_CLEANUP(gs_buf_release) struct gs_buf content;
    gs_buf_init(&content, 1 << 20);
    // Much of it is the same every time, so that there is something to make deltas of.
    size_t lines = next_random(seed) % 4 ? next_random(seed) % 2000 : 0;
    size_t odd = 1 + next_random(seed) % 300;
    for (size_t i = 0; i < lines; i++)
        gs_buf_printf(&content, "line %zu %u\n", i, i % odd ? 0 : next_random(seed));
    const char *mode = content.len > 0 ? modes[next_random(seed) % GS_COUNT(modes)] : "644";
    fprintf(out, "M %s inline \"%s\"\ndata %zu\n%s\n", mode, path, content.len,
            content.data ? content.data : "");
}

static void write_commit(FILE *out, unsigned *seed, int number, bool on_side)
{
    fprintf(out, "commit refs/heads/%s\ncommitter o <o@x> %d +0000\ndata 1\nx\n",
            on_side ? "side" : "main", number);
    if (on_side && number > 1)
        fprintf(out, "from refs/heads/main\n");
    else if (number > 4 && next_random(seed) % 3 == 0)
        fprintf(out, "merge refs/heads/side\n");
    for (unsigned files = next_random(seed) % 3; files > 0; files--)
        write_file(out, seed);
    fputc('\n', out);
}

// At most 15 commits, with less than 100 objects. The first one is empty.
static void make_history(struct git_host *host, unsigned *seed)
{
    char path[128];
    snprintf(path, sizeof path, "%s/history", host->folder);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fprintf(out, "commit refs/heads/main\ncommitter o <o@x> 1 +0000\ndata 1\nx\n\n");
    int count = 4 + (int)(next_random(seed) % 12);
    write_commit(out, seed, 2, true);
    for (int i = 3; i < count; i++)
        write_commit(out, seed, i, next_random(seed) % 5 == 0);
    assert_int_equal(fclose(out), 0);
    git_host_run(host, "rm -rf refs packed-refs objects && mkdir -p refs/heads objects/pack "
                       "objects/info && git fast-import --quiet <../history");
}

// ---- Taking packs ----------------------------------------------------------

static void read_pack(struct git_host *host, struct gs_buf *out)
{
    char path[128], chunk[65536];
    snprintf(path, sizeof path, "%s/the.pack", host->folder);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    gs_buf_init(out, 64 << 20);
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, file)) > 0;)
        gs_buf_append(out, chunk, n);
    fclose(file);
}

static enum gs_status take_until(struct git_host *host, size_t piece, int64_t deadline_ms)
{
    GS_CLEANUP(gs_buf_release) struct gs_buf pack;
    read_pack(host, &pack);
    struct gs_incoming incoming;
    gs_incoming_begin(&incoming, host->mirror, SIZE_MAX, deadline_ms);
    enum gs_status status = GS_OK;
    for (size_t at = 0; at < pack.len && status == GS_OK; at += piece) {
        size_t len = pack.len - at < piece ? pack.len - at : piece;
        status = gs_incoming_append(&incoming, gs_slice_of(pack.data + at, len), &host->err);
    }
    if (status == GS_OK)
        status = gs_incoming_finish(&incoming, &host->err);
    gs_incoming_release(&incoming);
    return status;
}

static enum gs_status take(struct git_host *host, size_t piece)
{
    return take_until(host, piece, INT64_MAX);
}

// What leads from one revision ("" is nothing) to another, packed in one way or the other.
static void pack_range(struct git_host *host, const char *from, const char *to, unsigned *seed)
{
    static const char *const options[] = {
        "",           "--delta-base-offset", "--depth=1",
        "--window=0", "--compression=0",     "--depth=250 --window=100"};
    git_host_run(host,
                 "printf '%%s\\n' %s %s%s | git pack-objects -q --revs --thin %s --stdout "
                 ">../the.pack",
                 to, *from ? "^" : "", from, options[next_random(seed) % GS_COUNT(options)]);
}

static void empty_mirror(struct git_host *host)
{
    GIT_OK(host, gs_mirror_discard(host->mirror_folder, &host->err));
    git_host_reopen_mirror(host);
}

static void assert_mirror_is_complete(struct git_host *host)
{
    assert_string_equal(
        git_host_run(host, "git rev-list --objects main | cut -c 1-40 | sort >../expected; "
                           "git --git-dir=../mirror cat-file --batch-all-objects "
                           "--batch-check='%%(objectname)' | sort | diff - ../expected; "
                           "git --git-dir=../mirror fsck --strict --no-dangling $(git rev-parse "
                           "main) 2>&1 | grep -v ^notice || true"),
        "");
}

static void random_histories_arrive_object_for_object(void **state)
{
    struct git_host *host = *state;
    for (unsigned i = 1; i <= 20; i++) {
        unsigned seed = i;
        make_history(host, &seed);
        empty_mirror(host);
        const char *cut = git_host_run(host,
                                       "git rev-list --first-parent main | head -n %u | "
                                       "tail -n 1",
                                       1 + next_random(&seed) % 4);
        char base[64];
        snprintf(base, sizeof base, "%s", cut);
        pack_range(host, "", base, &seed);
        GIT_OK(host, take(host, 1 + next_random(&seed)));
        pack_range(host, base, "main", &seed);
        GIT_OK(host, take(host, i % 7 == 0 ? 1 : 1 + next_random(&seed)));
        assert_mirror_is_complete(host);
        assert_string_equal(git_host_run(host, "ls ../mirror/objects/pack ../mirror"),
                            "../mirror:\nHEAD\nconfig\nobjects\nrefs\n\n../mirror/objects/pack:");
    }
}

// ---- Large ones ------------------------------------------------------------

static void many_objects_in_one_piece_are_kept_as_a_pack(void **state)
{
    struct git_host *host = *state;
    unsigned seed = 1;
    git_host_run(host,
                 "for i in $(seq 300); do echo blob; echo mark :$i; printf 'data %%d\\n%%d\\n' "
                 "${#i} $i; done >../history; (cat ../history; echo commit refs/heads/main; echo "
                 "committer o '<o@x>' 1 +0000; printf 'data 1\\nx\\n'; for i in $(seq 300); do "
                 "echo M 644 :$i f$i; done) | git fast-import --quiet");
    static const size_t pieces[] = {1 << 20, 11, 1};
    for (size_t i = 0; i < GS_COUNT(pieces); i++) {
        empty_mirror(host);
        pack_range(host, "", "main", &seed);
        GIT_OK(host, take(host, pieces[i]));
        assert_mirror_is_complete(host);
        assert_string_equal(git_host_run(host, "ls ../mirror/objects/pack | wc -l"), "2");
        assert_string_equal(git_host_run(host, "ls ../mirror"), "HEAD\nconfig\nobjects\nrefs");
    }
}

static void what_is_no_pack_is_refused(void **state)
{
    struct git_host *host = *state;
    static const struct gs_slice packs[] = {
        GS_SLICE_LIT(""),
        GS_SLICE_LIT("PACK"),
        GS_SLICE_LIT("PACK\0\0\0\2\0\0\0\0"),
        GS_SLICE_LIT("PACK\0\0\0\2\0\0\0\1xxxxxxxxxxxxxxxxxxxxxxxx"),
        GS_SLICE_LIT("PACK\0\0\0\2\xff\xff\xff\xffxxxxxxxxxxxxxxxxxxxxxxxx"),
        GS_SLICE_LIT("PACK\0\0\0\2\0\0\1\0xxxxxxxxxxxxxxxxxxxxxxxx"),
        GS_SLICE_LIT("PACK\0\0\0\3\0\0\0\1xxxxxxxxxxxxxxxxxxxxxxxx"),
        GS_SLICE_LIT("KCAP\0\0\0\2\0\0\0\1xxxxxxxxxxxxxxxxxxxxxxxx"),
    };
    for (size_t i = 0; i < GS_COUNT(packs); i++) {
        struct gs_incoming incoming;
        gs_incoming_begin(&incoming, host->mirror, SIZE_MAX, INT64_MAX);
        enum gs_status status = gs_incoming_append(&incoming, packs[i], &host->err);
        if (status == GS_OK)
            status = gs_incoming_finish(&incoming, &host->err);
        gs_incoming_release(&incoming);
        GIT_FAILS(host, GS_CODE_HOST_FAILED, status);
    }
    assert_string_equal(git_host_run(host, "ls ../mirror"), "HEAD\nconfig\nobjects\nrefs");
}

static void more_objects_than_any_repository_has_are_refused(void **state)
{
    struct git_host *host = *state;
    struct gs_incoming incoming;
    gs_incoming_begin(&incoming, host->mirror, SIZE_MAX, INT64_MAX);
    GIT_FAILS(
        host, GS_CODE_HOST_FAILED,
        gs_incoming_append(&incoming, GS_SLICE_LIT("PACK\0\0\0\2\xff\xff\xff\xff"), &host->err));
    gs_incoming_release(&incoming);
}

static void indexing_ends_at_the_deadline(void **state)
{
    struct git_host *host = *state;
    unsigned seed = 1;
    git_host_run(host, "for i in $(seq 200); do echo $i | git hash-object -w --stdin; done | "
                       "sed 's/.*/100644 blob &\\tf&/' | git mktree >../tree; git "
                       "update-ref refs/heads/main $(git commit-tree -m x $(cat ../tree))");
    pack_range(host, "", "main", &seed);
    GIT_FAILS(host, GS_CODE_HOST_TIMEOUT, take_until(host, 1 << 20, 0));
    assert_string_equal(git_host_run(host, "ls ../mirror"), "HEAD\nconfig\nobjects\nrefs");
    GIT_OK(host, take(host, 1 << 20));
}

static void a_full_disk_is_an_error(void **state)
{
    struct git_host *host = *state;
    unsigned seed = 1;
    git_host_run(host, "for i in $(seq 30); do head -c 1000000 /dev/urandom | git hash-object -w "
                       "--stdin; done | sed 's/.*/100644 blob &\\tf&/' | git mktree >../tree; git "
                       "update-ref refs/heads/main $(git commit-tree -m x $(cat ../tree))");
    pack_range(host, "", "main", &seed);
    if (mount("none", host->mirror_folder, "tmpfs", 0, "size=24m") != 0)
        skip();
    git_host_reopen_mirror(host);
    GIT_FAILS(host, GS_CODE_STORE_FAILED, take(host, 1 << 20));
    assert_string_equal(git_host_run(host, "ls ../mirror ../mirror/objects/pack"),
                        "../mirror:\nHEAD\nconfig\nobjects\nrefs\n\n../mirror/objects/pack:");
    gs_mirror_close(host->mirror);
    host->mirror = NULL;
    assert_int_equal(umount(host->mirror_folder), 0);
    git_host_reopen_mirror(host);
    GIT_OK(host, take(host, 1 << 20));
    assert_mirror_is_complete(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        GIT_TEST(random_histories_arrive_object_for_object),
        GIT_TEST(many_objects_in_one_piece_are_kept_as_a_pack),
        GIT_TEST(what_is_no_pack_is_refused),
        GIT_TEST(more_objects_than_any_repository_has_are_refused),
        GIT_TEST(indexing_ends_at_the_deadline),
        GIT_TEST(a_full_disk_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
