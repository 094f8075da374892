// Hashes and comparisons against known answers, and sealed secrets against every change of a byte.
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <openssl/err.h>

#include "base/text.h"
#include "crypto/crypto.h"

#define LIT GS_SLICE_LIT

static const uint8_t test_key[GS_LOCKBOX_KEY_BYTES] = {
    0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
    16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
};

static void sha256_known_answers(void **state)
{
    (void)state;
    static const struct {
        struct gs_slice data;
        const char *hex;
    } rows[] = {
        {GS_SLICE_EMPTY, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {LIT("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {LIT("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {LIT("\0"), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"},
    };
    for (size_t i = 0; i < GS_COUNT(rows); i++) {
        char hex[GS_SHA256_HEX + 1];
        uint8_t hash[GS_SHA256_BYTES], expected[GS_SHA256_BYTES];
        gs_sha256_hex(rows[i].data, hex);
        assert_string_equal(hex, rows[i].hex);
        gs_sha256(rows[i].data, hash);
        assert_true(gs_hex_decode(gs_slice_str(rows[i].hex), expected, sizeof expected));
        assert_memory_equal(hash, expected, sizeof hash);
    }
}

static void comparing_secrets(void **state)
{
    (void)state;
    assert_true(gs_crypto_equal(LIT("token"), LIT("token")));
    assert_true(gs_crypto_equal(GS_SLICE_EMPTY, LIT("")));
    assert_false(gs_crypto_equal(LIT("token"), LIT("tokeN")));
    assert_false(gs_crypto_equal(LIT("Token"), LIT("token")));
    assert_false(gs_crypto_equal(LIT("token"), LIT("token\0")));
    assert_false(gs_crypto_equal(LIT(""), LIT("t")));
}

static void wiping(void **state)
{
    (void)state;
    char secret[8] = "secret!";
    gs_crypto_wipe(secret, sizeof secret);
    assert_memory_equal(secret, "\0\0\0\0\0\0\0\0", 8);
    gs_crypto_wipe(NULL, 0);
    struct gs_buf buf;
    gs_buf_init(&buf, 100);
    gs_crypto_release_secret(&buf);
    gs_buf_append_str(&buf, "secret");
    gs_crypto_release_secret(&buf);
    assert_null(buf.data);
    assert_int_equal(buf.max, 100);
}

static void assert_opens(const struct gs_lockbox *box, struct gs_slice sealed,
                         struct gs_slice context, struct gs_slice plain)
{
    struct gs_buf out;
    gs_buf_init(&out, 100000);
    gs_buf_append_str(&out, "before");
    assert_int_equal(gs_lockbox_open(box, sealed, context, &out, NULL), GS_OK);
    assert_int_equal(out.len, 6 + plain.len);
    assert_memory_equal(out.data, "before", 6);
    if (plain.len)
        assert_memory_equal(out.data + 6, plain.data, plain.len);
    assert_int_equal(out.data[out.len], 0);
    gs_crypto_release_secret(&out);
}

static void assert_stays_closed(const struct gs_lockbox *box, struct gs_slice sealed,
                                struct gs_slice context)
{
    struct gs_buf out;
    gs_buf_init(&out, 100000);
    gs_buf_append_str(&out, "before");
    struct gs_error err = GS_ERROR_INIT;
    assert_int_equal(gs_lockbox_open(box, sealed, context, &out, &err), GS_INTERNAL);
    assert_int_equal(err.code, GS_CODE_SECRET_UNREADABLE);
    assert_string_equal(out.data, "before");
    assert_int_equal(out.len, 6);
    assert_int_equal(ERR_peek_error(), 0);
    gs_buf_release(&out);
}

static void sealed_values_come_back(void **state)
{
    (void)state;
    static char big[70000];
    memset(big, 'x', sizeof big);
    const struct gs_slice plains[] = {GS_SLICE_EMPTY, LIT("x"), LIT("a\0b"),
                                      gs_slice_of(big, sizeof big)};
    const struct gs_slice contexts[] = {GS_SLICE_EMPTY, LIT("git_config:1")};
    struct gs_lockbox *box = gs_lockbox_new(test_key);
    for (size_t i = 0; i < GS_COUNT(plains); i++) {
        for (size_t c = 0; c < GS_COUNT(contexts); c++) {
            struct gs_buf sealed;
            gs_buf_init(&sealed, 100000);
            assert_int_equal(gs_lockbox_seal(box, plains[i], contexts[c], &sealed, NULL), GS_OK);
            assert_int_equal(sealed.len, 1 + 12 + plains[i].len + 16);
            assert_int_equal(sealed.data[0], 1);
            assert_opens(box, gs_buf_slice(&sealed), contexts[c], plains[i]);
            gs_buf_release(&sealed);
        }
    }
    gs_lockbox_free(box);
    gs_lockbox_free(NULL);
}

// Made with another AES-GCM implementation: what was stored once has to open in every later
// version.
static void the_sealed_form_is_fixed(void **state)
{
    (void)state;
    static const char hex[] = "016465666768696a6b6c6d6e6f293bad031a9b33ea0579bcf1741d0186"
                              "912bfd886cd6b5d6";
    char sealed[(sizeof hex - 1) / 2];
    assert_true(gs_hex_decode(gs_slice_str(hex), sealed, sizeof sealed));
    struct gs_lockbox *box = gs_lockbox_new(test_key);
    assert_opens(box, gs_slice_of(sealed, sizeof sealed), LIT("git_config:1"), LIT("a secret"));
    gs_lockbox_free(box);
}

static void nonces_do_not_repeat(void **state)
{
    (void)state;
    struct gs_lockbox *box = gs_lockbox_new(test_key);
    struct gs_buf a, b;
    gs_buf_init(&a, 100);
    gs_buf_init(&b, 100);
    assert_int_equal(gs_lockbox_seal(box, LIT("same"), LIT("same"), &a, NULL), GS_OK);
    assert_int_equal(gs_lockbox_seal(box, LIT("same"), LIT("same"), &b, NULL), GS_OK);
    assert_memory_not_equal(a.data + 1, b.data + 1, 12);
    assert_memory_not_equal(a.data + 13, b.data + 13, 4);
    gs_buf_release(&a);
    gs_buf_release(&b);
    gs_lockbox_free(box);
}

static void changed_values_stay_closed(void **state)
{
    (void)state;
    struct gs_slice context = LIT("git_config:1");
    struct gs_lockbox *box = gs_lockbox_new(test_key);
    struct gs_buf sealed;
    gs_buf_init(&sealed, 1000);
    assert_int_equal(gs_lockbox_seal(box, LIT("the secret"), context, &sealed, NULL), GS_OK);
    for (size_t i = 0; i < sealed.len; i++) {
        for (int bit = 0; bit < 8; bit++) {
            sealed.data[i] = (char)(sealed.data[i] ^ (1 << bit));
            assert_stays_closed(box, gs_buf_slice(&sealed), context);
            sealed.data[i] = (char)(sealed.data[i] ^ (1 << bit));
        }
        assert_stays_closed(box, gs_slice_of(sealed.data, i), context);
    }
    assert_stays_closed(box, gs_slice_of(sealed.data, sealed.len + 1), context); // with its NUL
    assert_stays_closed(box, gs_buf_slice(&sealed), LIT("git_config:2"));
    assert_stays_closed(box, gs_buf_slice(&sealed), GS_SLICE_EMPTY);
    assert_stays_closed(box, GS_SLICE_EMPTY, context);

    uint8_t other_key[GS_LOCKBOX_KEY_BYTES];
    memcpy(other_key, test_key, sizeof other_key);
    other_key[31] ^= 1;
    struct gs_lockbox *other = gs_lockbox_new(other_key);
    assert_stays_closed(other, gs_buf_slice(&sealed), context);
    assert_opens(box, gs_buf_slice(&sealed), context, LIT("the secret"));
    gs_lockbox_free(other);
    gs_buf_release(&sealed);
    gs_lockbox_free(box);
}

static void small_buffers_are_reported(void **state)
{
    (void)state;
    struct gs_lockbox *box = gs_lockbox_new(test_key);
    struct gs_buf sealed, small;
    gs_buf_init(&sealed, 1000);
    assert_int_equal(gs_lockbox_seal(box, LIT("secret"), LIT(""), &sealed, NULL), GS_OK);
    gs_buf_init(&small, 34);
    assert_int_equal(gs_lockbox_seal(box, LIT("secret"), LIT(""), &small, NULL), GS_LIMIT);
    assert_int_equal(small.len, 0);
    gs_buf_release(&small);
    gs_buf_init(&small, 5);
    assert_int_equal(gs_lockbox_open(box, gs_buf_slice(&sealed), LIT(""), &small, NULL), GS_LIMIT);
    assert_int_equal(small.len, 0);
    gs_buf_release(&small);
    gs_buf_release(&sealed);
    gs_lockbox_free(box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_known_answers),
        cmocka_unit_test(comparing_secrets),
        cmocka_unit_test(wiping),
        cmocka_unit_test(sealed_values_come_back),
        cmocka_unit_test(the_sealed_form_is_fixed),
        cmocka_unit_test(nonces_do_not_repeat),
        cmocka_unit_test(changed_values_stay_closed),
        cmocka_unit_test(small_buffers_are_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
