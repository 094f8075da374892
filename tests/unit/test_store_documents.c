// Documents in the store: byte for byte, found damaged, and removed with the last thing that uses them.
// SPDX-License-Identifier: Apache-2.0
#include "stored.h"

#include <zlib.h>

#include "base/random.h"
#include "base/text.h"
#include "store/store_internal.h"

enum { LARGE = 20 << 20 };

// Looks like JSON to a compressor: words that come again, numbers that do not.
static void fill_large(struct gs_buf *text)
{
    uint32_t seed = 1;
    while (text->len < LARGE) {
        seed = seed * 1664525 + 1013904223;
        gs_buf_printf(text, "{\"id\":\"%08x\",\"type\":\"Button\",\"top\":%u},\n", seed,
                      seed >> 20);
    }
}

static void put_and_get(struct stored *s, struct gs_slice bytes)
{
    GS_CLEANUP(gs_document_blob_release) struct gs_document_blob blob = {0};
    STORED_OK(s, gs_document_pack(bytes, &blob, &s->err));
    assert_int_equal(blob.size, bytes.len);
    stored_write(s);
    STORED_OK(s, gs_store_put_document(s->tx, &blob, &s->err));
    STORED_OK(s, gs_store_put_document(s->tx, &blob, &s->err));
    stored_commit(s);
    GS_CLEANUP(gs_buf_release) struct gs_buf out;
    gs_buf_init(&out, 64 << 20);
    gs_buf_append_str(&out, "what was there before");
    stored_read(s);
    STORED_OK(s, gs_store_get_document(s->tx, blob.id, &out, &s->err));
    assert_true(gs_slice_eq(gs_buf_slice(&out), bytes));
    assert_int_equal(out.data[out.len], 0);
    stored_end(s);
}

static void documents_come_back_byte_for_byte(void **state)
{
    struct stored *s = *state;
    put_and_get(s, GS_SLICE_LIT("{}"));
    put_and_get(s, GS_SLICE_LIT("with\0nul and \xff\xfe"));
    put_and_get(s, GS_SLICE_EMPTY);
    char noise[100000];
    gs_random_bytes(noise, sizeof noise);
    put_and_get(s, gs_slice_of(noise, sizeof noise));
    assert_int_equal(stored_sql(s, "SELECT count(*) FROM documents"), 4);
    assert_int_equal(
        stored_sql(s, "SELECT count(*) FROM documents WHERE id ="
                      " '44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a'"
                      " AND size = 2"),
        1);
}

static void twenty_megabytes_come_back(void **state)
{
    struct stored *s = *state;
    GS_CLEANUP(gs_buf_release) struct gs_buf text;
    gs_buf_init(&text, LARGE + 1024);
    fill_large(&text);
    put_and_get(s, gs_buf_slice(&text));
    assert_true(stored_sql(s, "SELECT length(packed) FROM documents") < LARGE / 2);
}

static void documents_are_limited(void **state)
{
    struct stored *s = *state;
    GS_CLEANUP(gs_buf_release) struct gs_buf out;
    gs_buf_init(&out, 9);
    stored_write(s);
    const char *id = stored_put_document(s, "ten bytes.");
    STORED_IS(s, GS_LIMIT, gs_store_get_document(s->tx, id, &out, &s->err));
    assert_int_equal(s->err.code, GS_CODE_TOO_LARGE);
    assert_int_equal(out.len, 0);
    STORED_IS(s, GS_NOT_FOUND, gs_store_get_document(s->tx, "none", &out, &s->err));
    struct gs_document_blob blob = {.size = 1};
    char nothing = 0;
    // Refused before a byte of it is read.
    STORED_IS(s, GS_LIMIT,
              gs_document_pack(gs_slice_of(&nothing, (size_t)GS_DOCUMENT_MAX + 1), &blob, &s->err));
    assert_int_equal(blob.size, 1);
}

static void what_an_older_server_stored_is_read(void **state)
{
    struct stored *s = *state;
    static const char *const id =
        "bfc545f047aaa998cb0d0837181e66f8e2fa467ce755abb2c0612ce1317f3b12";
    GS_CLEANUP(gs_buf_release) struct gs_buf out;
    gs_buf_init(&out, 1 << 20);
    // By zstd 1.5, level 1.
    stored_sql(s, "INSERT INTO documents (id, size, packed) VALUES"
                  " ('bfc545f047aaa998cb0d0837181e66f8e2fa467ce755abb2c0612ce1317f3b12', 52,"
                  "  x'28b52ffd20345501003402416e2061707020617320616e206f6"
                  "c64657220736572766572206b6570742069742c2e0100e25c9e')");
    stored_read(s);
    STORED_OK(s, gs_store_get_document(s->tx, id, &out, &s->err));
    assert_string_equal(out.data, "An app as an older server kept it, kept it, kept it.");
    struct gs_stored_document stored;
    STORED_OK(s, gs_store_get_packed_document(s->tx, id, s->arena, &stored, &s->err));
    assert_int_equal(stored.size, 52);
    assert_int_equal(stored.stream.len, 0);
    assert_int_equal(stored.summary.len, 0);
    stored_end(s);
}

// Git's objects are such streams.
static void a_document_lies_there_as_a_stream(void **state)
{
    struct stored *s = *state;
    static const char text[] = "to be pushed as it is, as it is";
    stored_write(s);
    const char *id = stored_put_document(s, text);
    stored_commit(s);
    struct gs_stored_document stored;
    stored_read(s);
    STORED_OK(s, gs_store_get_packed_document(s->tx, id, s->arena, &stored, &s->err));
    Bytef inflated[64];
    uLongf len = sizeof inflated;
    assert_int_equal(
        uncompress(inflated, &len, (const Bytef *)stored.stream.data, (uLong)stored.stream.len),
        Z_OK);
    assert_int_equal(stored.size, sizeof text - 1);
    assert_true(gs_slice_eq_str(gs_slice_of((const char *)inflated, len), text));
    stored_end(s);
}

static void put_with_summary(struct stored *s, const char *text, const char *summary)
{
    struct gs_document_blob blob;
    STORED_OK(s, gs_document_pack(gs_slice_str(text), &blob, &s->err));
    gs_buf_init(&blob.summary, 100);
    gs_buf_append_str(&blob.summary, summary);
    STORED_OK(s, gs_store_put_document(s->tx, &blob, &s->err));
    gs_document_blob_release(&blob);
}

// Pulled first, saved here later; or the other way round.
static void a_summary_comes_later_and_stays(void **state)
{
    struct stored *s = *state;
    stored_write(s);
    const char *id = stored_put_document(s, "the same bytes");
    put_with_summary(s, "the same bytes", "all about them");
    stored_put_document(s, "the same bytes");
    put_with_summary(s, "the same bytes", "something else");
    stored_commit(s);
    struct gs_stored_document stored;
    stored_read(s);
    STORED_OK(s, gs_store_get_packed_document(s->tx, id, s->arena, &stored, &s->err));
    assert_true(gs_slice_eq_str(stored.summary, "all about them"));
    STORED_IS(s, GS_NOT_FOUND,
              gs_store_get_packed_document(s->tx, "0", s->arena, &stored, &s->err));
    stored_end(s);
}

static void expect_damaged(struct stored *s, const char *id, const char *sql)
{
    GS_CLEANUP(gs_buf_release) struct gs_buf out;
    gs_buf_init(&out, 1 << 20);
    stored_sql(s, sql);
    stored_read(s);
    STORED_IS(s, GS_INTERNAL, gs_store_get_document(s->tx, id, &out, &s->err));
    assert_int_equal(s->err.code, GS_CODE_STORE_FAILED);
    assert_non_null(strstr(s->err.message, "damaged"));
    assert_int_equal(out.len, 0);
    stored_end(s);
}

static void damage_is_found(void **state)
{
    struct stored *s = *state;
    stored_write(s);
    const char *one = stored_put_document(s, "the first one");
    stored_put_document(s, "the other one");
    stored_commit(s);
    expect_damaged(s, one, "UPDATE documents SET size = 1000000000000");
    expect_damaged(s, one, "UPDATE documents SET size = 12");
    // Same size, well-formed, another content.
    expect_damaged(s, one,
                   "UPDATE documents SET size = 13, packed ="
                   " (SELECT packed FROM documents ORDER BY rowid DESC LIMIT 1)");
    expect_damaged(s, one, "UPDATE documents SET packed = substr(packed, 1, 12)");
    expect_damaged(s, one, "UPDATE documents SET packed = x''");
    expect_damaged(s, one, "UPDATE documents SET packed = randomblob(30)");
}

// Two apps, each with a version and a history, that share one document.
static void add_two_apps(struct stored *s, const char *shared)
{
    stored_add_organization(s, "o1");
    const char *production = stored_environment(s, "o1", 3);
    const char *apps[] = {"a1", "a2"};
    for (size_t i = 0; i < 2; i++) {
        const char *app_id = apps[i];
        stored_add_app(s, "o1", app_id);
        struct gs_version version = stored_version(s, app_id, app_id, shared);
        STORED_OK(s, gs_store_add_version(s->tx, &version, &s->err));
        version.document_id = stored_put_document(s, gs_arena_printf(s->arena, "%s b", app_id));
        STORED_OK(s, gs_store_update_version(s->tx, &version, NULL, &s->err));
        struct gs_release release = {.id = app_id,
                                     .app_id = app_id,
                                     .version_id = app_id,
                                     .environment_id = production,
                                     .document_id = version.document_id};
        STORED_OK(s, gs_store_add_release(s->tx, &release, &s->err));
        version.document_id = stored_put_document(s, gs_arena_printf(s->arena, "%s c", app_id));
        version.synced_document_id =
            stored_put_document(s, gs_arena_printf(s->arena, "%s d", app_id));
        STORED_OK(s, gs_store_update_version(s->tx, &version, NULL, &s->err));
        struct gs_git_link link = {.app_id = app_id,
                                   .organization_id = "o1",
                                   .git_app_id = app_id,
                                   .git_url = "https://localhost/r",
                                   .branch = "main",
                                   .commit = "c0ffee"};
        STORED_OK(s, gs_store_put_link(s->tx, &link, &s->err));
    }
}

static void apps_take_what_only_they_use_with_them(void **state)
{
    struct stored *s = *state;
    stored_write(s);
    const char *shared = stored_put_document(s, "shared");
    const char *foreign = stored_put_document(s, "of nobody yet");
    add_two_apps(s, shared);
    struct gs_operation op = {
        .id = "op1", .kind = "push", .organization_id = "o1", .app_id = "a1", .request = "{}"};
    STORED_OK(s, gs_store_add_operation(s->tx, &op, &s->err));
    stored_commit(s);
    assert_int_equal(stored_sql(s, "SELECT count(*) FROM documents"), 8);

    stored_write(s);
    STORED_OK(s, gs_store_delete_app(s->tx, "a1", &s->err));
    STORED_IS(s, GS_NOT_FOUND, gs_store_delete_app(s->tx, "a1", &s->err));
    stored_commit(s);
    assert_int_equal(stored_sql(s, "SELECT count(*) FROM apps"), 1);
    assert_int_equal(stored_sql(s, "SELECT count(*) FROM versions"), 1);
    assert_int_equal(stored_sql(s, "SELECT count(*) FROM releases"), 1);
    assert_int_equal(stored_sql(s, "SELECT count(*) FROM git_links"), 1);
    assert_int_equal(stored_sql(s, "SELECT count(*) FROM document_changes"), 2);
    assert_int_equal(stored_sql(s, "SELECT count(*) FROM operations"), 1);
    // a2's three, the shared one and the one that was not this app's business.
    assert_int_equal(stored_sql(s, "SELECT count(*) FROM documents"), 5);

    stored_write(s);
    STORED_OK(s, gs_store_delete_app(s->tx, "a2", &s->err));
    stored_commit(s);
    assert_int_equal(stored_sql(s, "SELECT count(*) FROM documents"), 1);
    stored_read(s);
    GS_CLEANUP(gs_buf_release) struct gs_buf out;
    gs_buf_init(&out, 100);
    STORED_OK(s, gs_store_get_document(s->tx, foreign, &out, &s->err));
    assert_int_equal(stored_sql(s, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
}

static void a_deletion_that_is_rolled_back_deletes_nothing(void **state)
{
    struct stored *s = *state;
    stored_write(s);
    add_two_apps(s, stored_put_document(s, "shared"));
    stored_commit(s);
    stored_write(s);
    STORED_OK(s, gs_store_delete_app(s->tx, "a1", &s->err));
    stored_end(s);
    assert_int_equal(stored_sql(s, "SELECT count(*) FROM documents"), 7);
    assert_int_equal(stored_sql(s, "SELECT count(*) FROM versions"), 2);
}

static void a_replaced_synced_document_goes_unless_it_is_used(void **state)
{
    struct stored *s = *state;
    stored_write(s);
    stored_add_organization(s, "o1");
    stored_add_app(s, "o1", "a1");
    const char *doc = stored_put_document(s, "document");
    const char *base = stored_put_document(s, "first base");
    const char *next = stored_put_document(s, "next base");
    struct gs_version version = stored_version(s, "a1", "v1", doc);
    version.synced_document_id = base;
    STORED_OK(s, gs_store_add_version(s->tx, &version, &s->err));
    version.synced_document_id = next;
    STORED_OK(s, gs_store_update_version(s->tx, &version, NULL, &s->err));
    // Unused at this point, but not at the end of the transaction.
    stored_add_version(s, "a1", "v2", base);
    stored_commit(s);
    assert_int_equal(stored_sql(s, "SELECT count(*) FROM documents"), 3);
    stored_write(s);
    version.synced_document_id = doc;
    STORED_OK(s, gs_store_update_version(s->tx, &version, NULL, &s->err));
    stored_commit(s);
    assert_int_equal(stored_sql(s, "SELECT count(*) FROM documents"), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORED_TEST(documents_come_back_byte_for_byte),
        STORED_TEST(twenty_megabytes_come_back),
        STORED_TEST(documents_are_limited),
        STORED_TEST(what_an_older_server_stored_is_read),
        STORED_TEST(a_document_lies_there_as_a_stream),
        STORED_TEST(a_summary_comes_later_and_stays),
        STORED_TEST(damage_is_found),
        STORED_TEST(apps_take_what_only_they_use_with_them),
        STORED_TEST(a_deletion_that_is_rolled_back_deletes_nothing),
        STORED_TEST(a_replaced_synced_document_goes_unless_it_is_used),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
