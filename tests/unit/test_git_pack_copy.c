// What the packer copies: git finds every object that was there before, whichever program wrote it
// and in whatever form; damage is told and nothing is removed.
// SPDX-License-Identifier: Apache-2.0
#include <pthread.h>
#include <unistd.h>

#include "base/random.h"
#include "git/history.h"
#include "git/pack_internal.h"
#include "git/upkeep.h"
#include "git_host.h"

static bool always(void *arg)
{
    (void)arg;
    return true;
}

static void ignore(void *arg)
{
    (void)arg;
}

static enum gs_status pack(struct git_host *host, bool *out_done)
{
    char scratch[128];
    snprintf(scratch, sizeof scratch, "%s/packing", host->folder);
    const struct gs_packing packing = {
        .scratch = scratch, .goes_on = always, .enter = always, .leave = ignore};
    return gs_mirror_pack(host->mirror_folder, &packing, out_done, &host->err);
}

static void pack_all(struct git_host *host)
{
    bool done = false;
    GIT_OK(host, pack(host, &done));
    assert_true(done);
}

#define IN_MIRROR "export GIT_DIR=../mirror; "

// Names, types and sizes of all objects, whichever files they are in.
static const char *list_objects(struct git_host *host)
{
    return git_host_run(host, IN_MIRROR "git cat-file --batch-check --batch-all-objects");
}

static void assert_sound(struct git_host *host)
{
    assert_string_equal(git_host_run(host, IN_MIRROR "git fsck --strict --full --no-dangling 2>&1 "
                                                     "| grep -v ^notice || true"),
                        "");
    git_host_run(host, IN_MIRROR "for i in ../mirror/objects/pack/*.idx; do "
                                 "git verify-pack -v $i >/dev/null || exit 1; done");
}

// Commits of three files that change a little each time, from a seed, by git itself; after each one
// a command.
static void make_history(struct git_host *host, int count, unsigned seed, const char *after)
{
    git_host_run(
        host,
        IN_MIRROR
        "for i in $(seq %d); do for j in 1 2 3; do "
        "o=$(awk -v i=$i -v j=$j -v s=%u 'BEGIN { srand(s + 100 * i + j); for (n = 0; n < 400; "
        "n++) print (n %% 50 == (i * j) %% 50 ? rand() : j n) }' | git hash-object -w --stdin); "
        "printf '100644 blob %%s\\tfile%%s\\n' $o $j; done | git mktree >../tree || exit 1; "
        "p=$(git rev-parse -q --verify refs/heads/main) && p=\"-p $p\"; "
        "git update-ref refs/heads/main $(git commit-tree $p -m $i $(cat ../tree)) || exit 1; "
        "%s; done",
        count, seed, after);
}

static void files_of_git_are_packed(void **state)
{
    struct git_host *host = *state;
    make_history(host, 10, 1, ":");
    const char *before = list_objects(host);
    pack_all(host);
    assert_string_equal(list_objects(host), before);
    assert_sound(host);
    assert_string_equal(git_host_run(host, "find ../mirror/objects -type f | wc -l"), "2");
    assert_string_equal(git_host_run(host, "ls ../mirror/objects"), "info\npack");
}

static void contents_of_every_kind_are_packed(void **state)
{
    struct git_host *host = *state;
    static const size_t sizes[] = {0, 1, 15, 16, 17, 2047, 2048, 65535, 65536, 300000, 9000000};
    for (size_t i = 0; i < GS_COUNT(sizes); i++) {
        git_oid oid;
        char *bytes = gs_xcalloc(1, sizes[i] + 1);
        if (i % 2 == 0)
            gs_random_bytes(bytes, sizes[i]); // does not compress
        struct gs_slice content = gs_slice_of(bytes, sizes[i]);
        GIT_OK(host, gs_object_id(GIT_OBJECT_BLOB, content, &oid, &host->err));
        GIT_OK(host,
               gs_object_write_loose(host->mirror, GIT_OBJECT_BLOB, &oid, content, &host->err));
        free(bytes);
    }
    const char *before = list_objects(host);
    pack_all(host);
    assert_string_equal(list_objects(host), before);
    assert_sound(host);
}

// Packs with deltas of both kinds, one with every object, in which other objects are the bases.
static void packs_of_git_become_one(void **state)
{
    struct git_host *host = *state;
    for (unsigned seed = 1; seed <= 3; seed++) {
        make_history(host, 12, seed,
                     "case $((i % 4)) in 0) git -c repack.useDeltaBaseOffset=false repack -q -d;; "
                     "1) git -c repack.writeBitmaps=false repack -q -a -f --depth=20;; "
                     "*) git repack -q -d --depth=50;; esac");
        const char *before = list_objects(host);
        pack_all(host);
        assert_string_equal(list_objects(host), before);
        assert_sound(host);
    }
    git_host_run(host, IN_MIRROR "git rev-list --objects main >/dev/null");
    struct gs_mirror_size size;
    gs_mirror_measure(host->mirror_folder, &size);
    assert_int_equal(size.packs, 1);
    assert_int_equal(size.loose, 0);
    // They were copied as deltas.
    assert_string_not_equal(git_host_run(host, IN_MIRROR "git verify-pack -v "
                                                         "../mirror/objects/pack/*.idx | "
                                                         "grep '^chain length = ' | head -n 1"),
                            "");
}

// ---- Damage ----------------------------------------------------------------

static void assert_told(struct git_host *host)
{
    bool done;
    const char *before = git_host_run(host, "find ../mirror/objects -type f | sort");
    GIT_FAILS(host, GS_CODE_INTERNAL, pack(host, &done));
    assert_string_equal(git_host_run(host, "find ../mirror/objects -type f | sort"), before);
}

static void another_objects_file_is_told(void **state)
{
    struct git_host *host = *state;
    make_history(host, 1, 1, ":");
    git_host_run(host, "cd ../mirror/objects; set -- $(ls [0-9a-f][0-9a-f]/*); mv -f $1 $2");
    assert_told(host);
}

static void our_file_with_a_changed_byte_is_told(void **state)
{
    struct git_host *host = *state;
    git_oid oid;
    char text[4000];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)('a' + i * i % 23);
    struct gs_slice content = gs_slice_of(text, sizeof text);
    GIT_OK(host, gs_object_id(GIT_OBJECT_BLOB, content, &oid, &host->err));
    for (int at = 0; at < 40; at++) {
        GIT_OK(host,
               gs_object_write_loose(host->mirror, GIT_OBJECT_BLOB, &oid, content, &host->err));
        git_host_run(host,
                     "f=$(find ../mirror/objects -type f); "
                     "printf '\\377' | dd of=$f bs=1 seek=%d conv=notrunc 2>/dev/null",
                     at);
        bool done;
        if (pack(host, &done) == GS_OK) // it had been that byte
            git_host_run(host, IN_MIRROR "git fsck --full 2>&1 && rm ../mirror/objects/pack/*");
        else
            gs_error_release(&host->err);
    }
}

static void damaged_packs_are_told(void **state)
{
    struct git_host *host = *state;
    make_history(host, 34, 1, "git repack -q -d");
    git_host_run(host, "cp -r ../mirror/objects ../sound");
    static const char *const damages[] = {
        "f=$(ls *.pack | head -n 1); chmod u+w $f; truncate -s -1 $f",
        "f=$(ls *.idx | head -n 1); chmod u+w $f; truncate -s -1 $f",
        "f=$(ls *.idx | head -n 1); chmod u+w $f; : >$f",
        "f=$(ls *.pack | head -n 1); chmod u+w $f; : >$f",
        "f=$(ls *.pack | tail -n 1); chmod u+w $f; "
        "printf x | dd of=$f bs=1 seek=40 conv=notrunc 2>/dev/null",
        "f=$(ls *.idx | tail -n 1); chmod u+w $f; "
        "printf x | dd of=$f bs=1 seek=1100 conv=notrunc 2>/dev/null",
        "set -- *.idx; mv -f $1 $2",
    };
    for (size_t i = 0; i < GS_COUNT(damages); i++) {
        git_host_run(host, "cd ../mirror/objects/pack; %s", damages[i]);
        assert_told(host);
        git_host_run(host, "rm -rf ../mirror/objects; cp -r ../sound ../mirror/objects");
    }
    pack_all(host);
    assert_sound(host);
}

// An entry of a pack that has the right sums and is wrong otherwise.
struct forged {
    char id;
    int type;
    char base;
};

static void write_forged(struct git_host *host, const struct forged *entries, size_t count,
                         struct gs_pack_writer *writer)
{
    GIT_OK(host, gs_pack_writer_begin(writer, host->folder, count, &host->err));
    for (size_t i = 0; i < count; i++) {
        git_oid id = {.id = {(unsigned char)entries[i].id}},
                base = {.id = {(unsigned char)entries[i].base}};
        char head[GS_PACK_ENTRY_MAX];
        const struct gs_slice parts[] = {
            gs_slice_of(head, gs_pack_entry_write(entries[i].type, 7, head)),
            gs_slice_of((const char *)base.id,
                        entries[i].type == GS_PACK_REF_DELTA ? sizeof base.id : 1),
        };
        GIT_OK(host, gs_pack_writer_add(writer, &id, parts, GS_COUNT(parts), &host->err));
    }
    GIT_OK(host, gs_pack_writer_finish(writer, &host->err));
    gs_pack_writer_release(writer);
}

static enum gs_status merge_forged(struct git_host *host, const struct forged *entries,
                                   size_t count)
{
    struct gs_pack_writer writer;
    struct gs_merge merge;
    char stem[128];
    write_forged(host, entries, count, &writer);
    snprintf(stem, sizeof stem, "%s/new", host->folder);
    gs_merge_init(&merge, host->arena);
    GIT_OK(host, gs_merge_add(&merge, stem, &host->err));
    GIT_OK(host, gs_pack_writer_begin(&writer, host->repo, merge.by_id.count, &host->err));
    enum gs_status status = gs_merge_copy(&merge, &writer, always, NULL, &host->err);
    gs_pack_writer_release(&writer);
    gs_merge_release(&merge);
    return status;
}

static void forged_packs_are_told(void **state)
{
    struct git_host *host = *state;
    enum { REF = GS_PACK_REF_DELTA, OFS = GS_PACK_OFS_DELTA };
    static const struct forged packs[][3] = {
        {{'a', REF, 'b'}, {'b', REF, 'c'}, {'c', REF, 'a'}}, // a ring
        {{'a', REF, 'a'}, {'b', GIT_OBJECT_BLOB, 0}, {'c', GIT_OBJECT_BLOB, 0}},
        {{'a', REF, 'x'}, {'b', GIT_OBJECT_BLOB, 0}, {'c', GIT_OBJECT_BLOB, 0}},
        {{'a', GIT_OBJECT_BLOB, 0}, {'b', OFS, 1}, {'c', GIT_OBJECT_BLOB, 0}},
        {{'a', GIT_OBJECT_BLOB, 0}, {'b', OFS, 0}, {'c', GIT_OBJECT_BLOB, 0}},
        {{'a', GIT_OBJECT_BLOB, 0}, {'b', 5, 0}, {'c', GIT_OBJECT_BLOB, 0}},
    };
    for (size_t i = 0; i < GS_COUNT(packs); i++)
        GIT_FAILS(host, GS_CODE_INTERNAL, merge_forged(host, packs[i], 3));
    // The bases behind.
    static const struct forged sound[] = {
        {'a', REF, 'b'}, {'b', REF, 'c'}, {'c', GIT_OBJECT_BLOB, 0}};
    GIT_OK(host, merge_forged(host, sound, 3));
}

// ---- Beside a writer -------------------------------------------------------

enum { RACED = 3000 };

static void *write_many(void *arg)
{
    struct git_host *host = arg;
    for (int i = 0; i < RACED; i++) {
        char text[32];
        git_oid oid;
        snprintf(text, sizeof text, "object %d", i);
        struct gs_slice content = gs_slice_str(text);
        if (gs_object_id(GIT_OBJECT_BLOB, content, &oid, NULL) != GS_OK ||
            gs_object_write_loose(host->mirror, GIT_OBJECT_BLOB, &oid, content, NULL) != GS_OK)
            return host; // a write failed
    }
    return NULL;
}

static void folders_are_removed_beside_a_writer(void **state)
{
    struct git_host *host = *state;
    pthread_t thread;
    void *failure;
    assert_int_equal(pthread_create(&thread, NULL, write_many, host), 0);
    while (pthread_tryjoin_np(thread, &failure) != 0) {
        bool done;
        GIT_OK(host, pack(host, &done));
    }
    assert_null(failure);
    pack_all(host);
    assert_string_equal(git_host_run(host, IN_MIRROR "git cat-file --batch-check "
                                                     "--batch-all-objects | wc -l"),
                        "3000");
    assert_string_equal(git_host_run(host, "ls ../mirror/objects"), "info\npack");
    assert_sound(host);
}

// ---- The format ------------------------------------------------------------

static void offsets_of_64_bits_are_found(void **state)
{
    struct git_host *host = *state;
    make_history(host, 6, 1, ":");
    const char *before = list_objects(host);
    const char *ids =
        git_host_run(host, "cd ../mirror/objects; ls -d [0-9a-f][0-9a-f]/* | tr -d /");
    char folder[128];
    snprintf(folder, sizeof folder, "%s/objects/pack", host->mirror_folder);
    struct gs_slice rest = gs_slice_str(ids);
    size_t count = (rest.len + 1) / (GIT_OID_HEXSZ + 1);
    struct gs_pack_writer writer;
    GIT_OK(host, gs_pack_writer_begin(&writer, folder, count, &host->err));
    writer.large_from = 2000;
    for (size_t i = 0; i < count; i++) {
        struct gs_slice hex = gs_slice_split(&rest, '\n');
        git_oid oid;
        assert_int_equal(git_oid_fromstrn(&oid, hex.data, hex.len), 0);
        GIT_OK(host, gs_pack_add_loose(&writer, host->mirror, &oid, &host->err));
    }
    assert_true(writer.offset > 4 * writer.large_from);
    GIT_OK(host, gs_pack_writer_finish(&writer, &host->err));
    git_host_run(host,
                 "cd ../mirror/objects; mv pack/new.pack pack/pack-%s.pack; "
                 "mv pack/new.idx pack/pack-%s.idx; rm -r [0-9a-f][0-9a-f]",
                 writer.name.hex, writer.name.hex);
    gs_pack_writer_release(&writer);
    assert_string_equal(list_objects(host), before);
    assert_sound(host);
    git_host_reopen_mirror(host);
    for (rest = gs_slice_str(ids); rest.len > 0;) {
        struct gs_slice hex = gs_slice_split(&rest, '\n');
        git_oid oid;
        git_odb_object *object;
        assert_int_equal(git_oid_fromstrn(&oid, hex.data, hex.len), 0);
        assert_int_equal(git_odb_read(&object, host->mirror->odb, &oid), 0);
        git_odb_object_free(object);
    }
}

static void entries_are_read_as_written(void **state)
{
    (void)state;
    enum { SIZE = 4 << 20 };
    char *pack = gs_xcalloc(1, SIZE);
    for (size_t shift = 1; shift < 36; shift++) {
        for (size_t less = 0; less < 2; less++) {
            size_t size = ((size_t)1 << shift) - less, at = shift < 22 ? size : 100;
            struct gs_pack_entry entry;
            size_t n = gs_pack_entry_write(GIT_OBJECT_BLOB, size, pack);
            assert_true(gs_pack_entry_read(gs_slice_of(pack, n), 0, &entry));
            assert_int_equal(entry.type, GIT_OBJECT_BLOB);
            assert_int_equal(entry.size, size);
            assert_int_equal(entry.stream_at, n);
            assert_false(gs_pack_entry_read(gs_slice_of(pack, n - 1), 0, &entry));
            n = gs_pack_entry_write_delta(size, at - 1 + (at == 1), pack + at);
            assert_true(gs_pack_entry_read(gs_slice_of(pack, at + n), at, &entry));
            assert_int_equal(entry.type, GS_PACK_OFS_DELTA);
            assert_int_equal(entry.base_offset, at == 1 ? 0 : 1);
            assert_int_equal(entry.stream_at, at + n);
        }
    }
    free(pack);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        GIT_TEST(files_of_git_are_packed),
        GIT_TEST(contents_of_every_kind_are_packed),
        GIT_TEST(packs_of_git_become_one),
        GIT_TEST(another_objects_file_is_told),
        GIT_TEST(our_file_with_a_changed_byte_is_told),
        GIT_TEST(damaged_packs_are_told),
        GIT_TEST(forged_packs_are_told),
        GIT_TEST(folders_are_removed_beside_a_writer),
        GIT_TEST(offsets_of_64_bits_are_found),
        cmocka_unit_test(entries_are_read_as_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
