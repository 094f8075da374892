// Small packs from strangers: real ones of every kind, made-up ones, and what no pack should be.
// SPDX-License-Identifier: Apache-2.0
#include <openssl/evp.h>
#include <zlib.h>

#include "git/git_internal.h"
#include "git_host.h"

enum { COMMIT = 1, TREE = 2, BLOB = 3, OFS_DELTA = 6, REF_DELTA = 7 };

// ---- Packs by hand ---------------------------------------------------------

static void begin(struct gs_buf *pack, size_t objects)
{
    gs_buf_init(pack, 64 << 20);
    gs_buf_append(pack, "PACK\0\0\0\2\0\0\0", 11);
    gs_buf_append_char(pack, (char)objects);
}

static void add_header(struct gs_buf *pack, int type, size_t size)
{
    unsigned byte = (unsigned)type << 4 | (size & 15);
    for (size >>= 4; size > 0; size >>= 7) {
        gs_buf_append_char(pack, (char)(byte | 0x80));
        byte = size & 0x7f;
    }
    gs_buf_append_char(pack, (char)byte);
}

static void add_stream(struct gs_buf *pack, struct gs_slice content)
{
    uLongf len = compressBound(content.len);
    char *to = gs_buf_reserve(pack, len);
    assert_int_equal(compress2((Bytef *)to, &len, (const Bytef *)content.data, content.len, 6),
                     Z_OK);
    pack->len += len;
}

static void add(struct gs_buf *pack, int type, struct gs_slice content)
{
    add_header(pack, type, content.len);
    add_stream(pack, content);
}

static void add_ref_delta(struct gs_buf *pack, const git_oid *base, struct gs_slice delta)
{
    add_header(pack, REF_DELTA, delta.len);
    gs_buf_append(pack, base->id, GIT_OID_RAWSZ);
    add_stream(pack, delta);
}

static void add_ofs_delta(struct gs_buf *pack, unsigned char distance, struct gs_slice delta)
{
    add_header(pack, OFS_DELTA, delta.len);
    gs_buf_append_char(pack, (char)distance);
    add_stream(pack, delta);
}

static void finish(struct gs_buf *pack)
{
    unsigned char sum[EVP_MAX_MD_SIZE];
    assert_int_equal(EVP_Digest(pack->data, pack->len, sum, NULL, EVP_sha1(), NULL), 1);
    gs_buf_append(pack, sum, 20);
}

static git_oid id_of(const char *content)
{
    git_oid oid;
    assert_int_equal(gs_object_id(GIT_OBJECT_BLOB, gs_slice_str(content), &oid, NULL), GS_OK);
    return oid;
}

// Takes the pack.
static enum gs_status unpack(struct git_host *host, struct gs_buf *pack, bool *out_done)
{
    finish(pack);
    char *exact = memcpy(gs_xcalloc(pack->len, 1), pack->data, pack->len);
    enum gs_status status =
        gs_unpack(host->mirror, gs_slice_of(exact, pack->len), out_done, &host->err);
    free(exact);
    gs_buf_release(pack);
    return status;
}

static void assert_blob(struct git_host *host, const char *content)
{
    git_oid oid = id_of(content);
    GS_CLEANUP(gs_object_cleanup) git_odb_object *object = NULL;
    GIT_OK(host, gs_object_read(host->mirror, &oid, GIT_OBJECT_BLOB, 1 << 20, &object, &host->err));
    assert_string_equal(git_odb_object_data(object), content);
}

// "0123456789" with its first half twice, and so on: base size, result size, instructions.
#define DELTA_ON_TEN "\x0a\x0d\x90\x05\x03new\x91\x05\x05"

static void every_kind_of_entry_is_taken(void **state)
{
    struct git_host *host = *state;
    struct gs_buf pack;
    bool done;
    git_oid base = id_of("0123456789");
    begin(&pack, 4);
    add(&pack, BLOB, GS_SLICE_LIT("0123456789"));
    size_t first_len = pack.len - 12;
    add(&pack, BLOB, GS_SLICE_EMPTY);
    size_t second_len = pack.len - 12 - first_len;
    add_ofs_delta(&pack, (unsigned char)(first_len + second_len), GS_SLICE_LIT(DELTA_ON_TEN));
    add_ref_delta(&pack, &base,
                  GS_SLICE_LIT("\x0a\x04\x04"
                               "abcd"));
    GIT_OK(host, unpack(host, &pack, &done));
    assert_true(done);
    assert_blob(host, "0123456789");
    assert_blob(host, "");
    assert_blob(host, "01234new56789");
    assert_blob(host, "abcd");
}

static void bases_may_follow_and_chain(void **state)
{
    struct git_host *host = *state;
    struct gs_buf pack;
    bool done;
    git_oid middle = id_of("01234new56789"), base = id_of("0123456789");
    begin(&pack, 3);
    add_ref_delta(&pack, &middle, GS_SLICE_LIT("\x0d\x02\x90\x02"));
    add_ref_delta(&pack, &base, GS_SLICE_LIT(DELTA_ON_TEN));
    add(&pack, BLOB, GS_SLICE_LIT("0123456789"));
    GIT_OK(host, unpack(host, &pack, &done));
    assert_true(done);
    assert_blob(host, "01");
}

static void bases_may_be_in_the_mirror(void **state)
{
    struct git_host *host = *state;
    struct gs_buf pack;
    bool done;
    git_oid base = id_of("0123456789");
    begin(&pack, 1);
    add_ref_delta(&pack, &base, GS_SLICE_LIT(DELTA_ON_TEN));
    GIT_FAILS(host, GS_CODE_HOST_FAILED, unpack(host, &pack, &done));
    GIT_OK(host, gs_fresh_add(host->mirror, GIT_OBJECT_BLOB, &base, GS_SLICE_LIT("0123456789"),
                              &host->err));
    begin(&pack, 1);
    add_ref_delta(&pack, &base, GS_SLICE_LIT(DELTA_ON_TEN));
    GIT_OK(host, unpack(host, &pack, &done));
    assert_blob(host, "01234new56789");
}

static void malformed_deltas_are_refused(void **state)
{
    struct git_host *host = *state;
    static const struct gs_slice deltas[] = {
        GS_SLICE_LIT(""),
        GS_SLICE_LIT("\x0a"),
        GS_SLICE_LIT("\x0b\x01\x01x"),  // another base size
        GS_SLICE_LIT("\x0a\x02\x01x"),  // too short a result
        GS_SLICE_LIT("\x0a\x01\x02xy"), // too long a result
        GS_SLICE_LIT("\x0a\x01\x02x"),  // insertion beyond the end
        GS_SLICE_LIT("\x0a\x01"
                     "\0"),                           // the reserved instruction
        GS_SLICE_LIT("\x0a\x02\x91\x09\x02"),         // copy beyond the base
        GS_SLICE_LIT("\x0a\x02\x91\x0b\x02"),         // copy from beyond the base
        GS_SLICE_LIT("\x0a\x80\x80\x04\x80"),         // copy of 64 KB
        GS_SLICE_LIT("\x0a\x02\x9f\xff\xff\xff\xff"), // numbers cut short
        GS_SLICE_LIT("\x0a\x02\xff\xff\xff\xff\xff\xff\xff\xff"),
        GS_SLICE_LIT("\x8a\x80\x80\x80\x80\x80\x80\x00\x01\x01x"), // endless size
    };
    for (size_t i = 0; i < GS_COUNT(deltas); i++) {
        struct gs_buf pack;
        bool done;
        begin(&pack, 2);
        add(&pack, BLOB, GS_SLICE_LIT("0123456789"));
        add_ofs_delta(&pack, (unsigned char)(pack.len - 12), deltas[i]);
        if (unpack(host, &pack, &done) != GS_UPSTREAM)
            fail_msg("delta %zu", i);
        assert_int_equal(host->err.code, GS_CODE_HOST_FAILED);
        gs_error_release(&host->err);
    }
}

static void malformed_packs_are_refused(void **state)
{
    struct git_host *host = *state;
    for (int i = 0; i < 11; i++) {
        struct gs_buf pack;
        bool done;
        git_oid self = id_of("self");
        begin(&pack, i == 0 ? 2 : 1);
        switch (i) {
        case 0: // says two
            add(&pack, BLOB, GS_SLICE_LIT("x"));
            break;
        case 1: // has two
            add(&pack, BLOB, GS_SLICE_LIT("x"));
            add(&pack, BLOB, GS_SLICE_LIT("y"));
            break;
        case 2: // a base before the pack, at itself, in the middle of an entry
            add_ofs_delta(&pack, 13, GS_SLICE_LIT(DELTA_ON_TEN));
            break;
        case 3:
            add_ofs_delta(&pack, 0, GS_SLICE_LIT(DELTA_ON_TEN));
            break;
        case 4:
            add_ofs_delta(&pack, 5, GS_SLICE_LIT(DELTA_ON_TEN));
            break;
        case 5:
            add_ref_delta(&pack, &self, GS_SLICE_LIT(DELTA_ON_TEN));
            break;
        case 6: // types that there are not
            add(&pack, 0, GS_SLICE_LIT("x"));
            break;
        case 7:
            add(&pack, 5, GS_SLICE_LIT("x"));
            break;
        case 8: // another size than it says
            add_header(&pack, BLOB, 2);
            add_stream(&pack, GS_SLICE_LIT("x"));
            break;
        case 9:
            add_header(&pack, BLOB, 1);
            add_stream(&pack, GS_SLICE_LIT("xy"));
            break;
        case 10: // no header that ends
            gs_buf_append(&pack, "\xbf\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10);
            break;
        }
        if (unpack(host, &pack, &done) != GS_UPSTREAM)
            fail_msg("pack %d", i);
        assert_int_equal(host->err.code, GS_CODE_HOST_FAILED);
        gs_error_release(&host->err);
    }
}

static void make_sample(struct gs_buf *pack)
{
    git_oid base = id_of("0123456789");
    begin(pack, 3);
    add(pack, BLOB, GS_SLICE_LIT("0123456789"));
    add_ofs_delta(pack, (unsigned char)(pack->len - 12), GS_SLICE_LIT(DELTA_ON_TEN));
    add_ref_delta(pack, &base, GS_SLICE_LIT(DELTA_ON_TEN));
}

// With a check sum that fits, so that what is behind it is tested.
static void truncations_and_changes_are_survived(void **state)
{
    struct git_host *host = *state;
    struct gs_buf sample;
    make_sample(&sample);
    for (size_t at = 0; at < sample.len; at++) {
        struct gs_buf pack;
        bool done;
        gs_buf_init(&pack, 1000);
        gs_buf_append(&pack, sample.data, at);
        GIT_FAILS(host, GS_CODE_HOST_FAILED, unpack(host, &pack, &done));
        for (int flip = 1; flip < 256; flip += 13) {
            gs_buf_init(&pack, 1000);
            gs_buf_append_slice(&pack, gs_buf_slice(&sample));
            pack.data[at] = (char)(pack.data[at] ^ flip);
            enum gs_status status = unpack(host, &pack, &done);
            assert_true(status == GS_OK || host->err.code == GS_CODE_HOST_FAILED);
            gs_error_release(&host->err);
        }
    }
    finish(&sample);
    sample.data[sample.len - 1] ^= 1;
    bool done;
    GIT_FAILS(host, GS_CODE_HOST_FAILED,
              gs_unpack(host->mirror, gs_buf_slice(&sample), &done, &host->err));
    gs_buf_release(&sample);
}

// What would fill the memory is left to the indexer, which has a disk.
static void bombs_are_not_held_in_memory(void **state)
{
    struct git_host *host = *state;
    struct gs_buf pack;
    bool done = true;
    begin(&pack, 1);
    add_header(&pack, BLOB, (size_t)200 << 20);
    add_stream(&pack, GS_SLICE_LIT("x"));
    GIT_OK(host, unpack(host, &pack, &done));
    assert_false(done);
    // 20 bytes that become 200 MB.
    begin(&pack, 2);
    add(&pack, BLOB, GS_SLICE_LIT("0123456789"));
    add_ofs_delta(&pack, (unsigned char)(pack.len - 12),
                  GS_SLICE_LIT("\x0a\x80\x80\x80\x64\x90\x05"));
    GIT_OK(host, unpack(host, &pack, &done));
    assert_false(done);
    git_oid oid = id_of("0123456789");
    assert_false(git_odb_exists(host->mirror->odb, &oid));
}

static void long_chains_are_resolved_and_monsters_refused(void **state)
{
    struct git_host *host = *state;
    struct gs_buf pack;
    bool done;
    begin(&pack, 2);
    add(&pack, BLOB, GS_SLICE_LIT("0123456789"));
    add_ofs_delta(&pack, (unsigned char)(pack.len - 12),
                  GS_SLICE_LIT("\x0a\x80\x80\x80\x80\x10\x90\x05"));
    GIT_FAILS(host, GS_CODE_NO_MEMORY, unpack(host, &pack, &done));
    // A hundred deltas, the last one first, each one byte longer than its base.
    git_oid ids[100];
    char text[101] = "";
    for (size_t i = 0; i < GS_COUNT(ids); i++) {
        text[i] = 'x';
        ids[i] = id_of(text);
    }
    begin(&pack, GS_COUNT(ids));
    for (size_t i = GS_COUNT(ids) - 1; i > 0; i--) {
        char delta[] = {(char)i, (char)(i + 1), (char)0x90, (char)i, 1, 'x'};
        add_ref_delta(&pack, &ids[i - 1], gs_slice_of(delta, sizeof delta));
    }
    add(&pack, BLOB, GS_SLICE_LIT("x"));
    GIT_OK(host, unpack(host, &pack, &done));
    assert_true(done);
    assert_blob(host, text);
}

static void a_huge_file_in_a_small_pack_is_indexed(void **state)
{
    struct git_host *host = *state;
    git_host_run(host, "o=$(head -c 110000000 /dev/zero | git hash-object -w --stdin); "
                       "git update-ref refs/heads/main $(git commit-tree -m x $(printf '100644 "
                       "blob %%s\\tzeros\\n' $o | git mktree))");
    git_host_fetch(host, "refs/heads/main");
    assert_string_equal(git_host_run(host, "ls ../mirror/objects/pack | wc -l"), "2");
    struct gs_oid head = git_host_head(host, "main");
    assert_true(gs_mirror_has(host->mirror, &head));
}

// ---- Packs of git's own ----------------------------------------------------

static void read_pack(struct git_host *host, const char *options, struct gs_buf *out)
{
    git_host_run(host,
                 "git rev-list --objects main | cut -c 1-40 | git pack-objects -q --window=50 %s "
                 "--stdout >../small.pack",
                 options);
    gs_buf_init(out, 8 << 20);
    char path[128];
    snprintf(path, sizeof path, "%s/small.pack", host->folder);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    char chunk[65536];
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, file)) > 0;)
        gs_buf_append(out, chunk, n);
    fclose(file);
}

static void what_git_packs_is_unpacked(void **state)
{
    struct git_host *host = *state;
    git_host_run(host,
                 "for i in 1 2 3 4 5 6 7 8 9 10; do echo commit refs/heads/main; echo committer o "
                 "'<o@x>' $i +0000; printf 'data 1\\nx\\n'; for f in a b/c; do seq $((i * 100)) "
                 "$((i * 100 + 4000)) >t; printf 'M 644 inline %%s\\ndata %%s\\n' $f $(wc -c <t); "
                 "cat t; echo; done; done | git fast-import --quiet; git tag -am t v1 main");
    static const char *const options[] = {
        "--delta-base-offset",
        "",
        "--no-reuse-delta --depth=0",
        "--delta-base-offset --depth=250",
        "--compression=0",
        "--compression=9",
    };
    for (size_t i = 0; i < GS_COUNT(options); i++) {
        struct gs_buf pack;
        bool done;
        GIT_OK(host, gs_mirror_discard(host->mirror_folder, &host->err));
        git_host_reopen_mirror(host);
        read_pack(host, options[i], &pack);
        assert_in_range(gs_pack_count_objects(gs_buf_slice(&pack)), 30, 60);
        GIT_OK(host, gs_unpack(host->mirror, gs_buf_slice(&pack), &done, &host->err));
        assert_true(done);
        gs_buf_release(&pack);
        assert_string_equal(git_host_run(host,
                                         "git --git-dir=../mirror fsck --strict --no-dangling "
                                         "$(git rev-parse main) 2>&1 | grep -v ^notice || true"),
                            "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        GIT_TEST(every_kind_of_entry_is_taken),
        GIT_TEST(bases_may_follow_and_chain),
        GIT_TEST(bases_may_be_in_the_mirror),
        GIT_TEST(malformed_deltas_are_refused),
        GIT_TEST(malformed_packs_are_refused),
        GIT_TEST(truncations_and_changes_are_survived),
        GIT_TEST(bombs_are_not_held_in_memory),
        GIT_TEST(long_chains_are_resolved_and_monsters_refused),
        GIT_TEST(a_huge_file_in_a_small_pack_is_indexed),
        GIT_TEST(what_git_packs_is_unpacked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
