// Private keys in the forms in which people paste them, what is refused and with which words, and
// signed tokens. The keys are made anew in every run.
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <pthread.h>

#include "base/text.h"
#include "crypto/crypto.h"

#define LIT GS_SLICE_LIT
#define PREFIX "Invalid GitHub private key format. "

static EVP_PKEY *rsa;
static struct gs_buf pkcs1, pkcs8; // its texts

// The text that OpenSSL wrote to bio, which is freed.
static void take_bio(BIO *bio, struct gs_buf *out)
{
    char *data;
    long len = BIO_get_mem_data(bio, &data);
    gs_buf_init(out, 1 << 16);
    assert_true(gs_buf_append(out, data, (size_t)len));
    BIO_free(bio);
}

static void write_pkcs1(EVP_PKEY *pkey, const EVP_CIPHER *cipher, struct gs_buf *out)
{
    BIO *bio = BIO_new(BIO_s_mem());
    unsigned char pass[] = "pass";
    assert_int_equal(PEM_write_bio_PrivateKey_traditional(bio, pkey, cipher, cipher ? pass : NULL,
                                                          cipher ? 4 : 0, NULL, NULL),
                     1);
    take_bio(bio, out);
}

static void write_pkcs8(EVP_PKEY *pkey, const EVP_CIPHER *cipher, struct gs_buf *out)
{
    BIO *bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, pkey, cipher, cipher ? "pass" : NULL,
                                                   cipher ? 4 : 0, NULL, NULL),
                     1);
    take_bio(bio, out);
}

static int make_keys(void **state)
{
    (void)state;
    rsa = EVP_RSA_gen(2048);
    assert_non_null(rsa);
    write_pkcs1(rsa, NULL, &pkcs1);
    write_pkcs8(rsa, NULL, &pkcs8);
    return 0;
}

static int free_keys(void **state)
{
    (void)state;
    EVP_PKEY_free(rsa);
    gs_buf_release(&pkcs1);
    gs_buf_release(&pkcs8);
    return 0;
}

static struct gs_rsa_key *accepted(struct gs_slice pem)
{
    struct gs_rsa_key *key = NULL;
    struct gs_error err = GS_ERROR_INIT;
    enum gs_status status = gs_rsa_key_parse(pem, &key, &err);
    if (status != GS_OK)
        print_error("%s\n", err.message);
    assert_int_equal(status, GS_OK);
    assert_int_equal(ERR_peek_error(), 0);
    return key;
}

static void assert_accepted(struct gs_slice pem)
{
    gs_rsa_key_free(accepted(pem));
}

// Refused, and why says which way; the message shows nothing of the text.
static void assert_refused(struct gs_slice pem, const char *why)
{
    struct gs_rsa_key *untouched = (struct gs_rsa_key *)&pem, *key = untouched;
    struct gs_error err = GS_ERROR_INIT;
    assert_int_equal(gs_rsa_key_parse(pem, &key, &err), GS_INVALID);
    assert_int_equal(err.code, GS_CODE_INVALID_PRIVATE_KEY);
    assert_ptr_equal(key, untouched);
    assert_int_equal(strncmp(err.message, PREFIX, strlen(PREFIX)), 0);
    if (why && !strstr(err.message, why))
        fail_msg("'%s' has no '%s'", err.message, why);
    for (size_t i = 100; i + 6 <= pem.len && i < 400; i++)
        assert_null(memmem(err.message, strlen(err.message), pem.data + i, 6));
    assert_int_equal(ERR_peek_error(), 0);
}

// Replaces each from by to.
static void replace(struct gs_slice text, const char *from, const char *to, struct gs_buf *out)
{
    gs_buf_init(out, 1 << 16);
    for (size_t i = 0; i < text.len;) {
        bool hit = text.len - i >= strlen(from) && memcmp(text.data + i, from, strlen(from)) == 0;
        gs_buf_append(out, hit ? to : text.data + i, hit ? strlen(to) : 1);
        i += hit ? strlen(from) : 1;
    }
}

static void forms_of_one_key(void **state)
{
    (void)state;
    const struct gs_buf *texts[] = {&pkcs1, &pkcs8};
    static const char *const line_ends[] = {"\n",    "\r\n",  "\r",   "\\n", "\\r\\n",
                                            "\\\\n", "\\n\n", "\n\n", " ",   "\t\n  "};
    static const char *const around[] = {"%s",       "\"%s\"",
                                         "'%s'\n",   " \r\n\t%s \n\n",
                                         "\\n%s\\n", "Bag Attributes\n    localKeyID: 01\n%s"};
    for (size_t t = 0; t < GS_COUNT(texts); t++) {
        for (size_t e = 0; e < GS_COUNT(line_ends); e++) {
            struct gs_buf text;
            replace(gs_buf_slice(texts[t]), "\n", line_ends[e], &text);
            assert_accepted(gs_buf_slice(&text));
            gs_buf_release(&text);
        }
        for (size_t a = 0; a < GS_COUNT(around); a++) {
            struct gs_buf text;
            replace(gs_slice_str(around[a]), "%s", texts[t]->data, &text);
            assert_accepted(gs_buf_slice(&text));
            gs_buf_release(&text);
        }
    }
}

static void the_key_is_found_among_other_blocks(void **state)
{
    (void)state;
    struct gs_buf text;
    gs_buf_init(&text, 1 << 16);
    gs_buf_append_str(&text, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    gs_buf_append_str(&text, "-----BEGIN UNHEARD OF-----\nAAAA\n-----END UNHEARD OF-----\n");
    gs_buf_append_slice(&text, gs_buf_slice(&pkcs1));
    assert_accepted(gs_buf_slice(&text));
    gs_buf_release(&text);
}

static void both_forms_have_the_fingerprint_of_the_public_key(void **state)
{
    (void)state;
    unsigned char *der = NULL;
    int len = i2d_PUBKEY(rsa, &der);
    uint8_t hash[GS_SHA256_BYTES];
    gs_sha256(gs_slice_of((const char *)der, (size_t)len), hash);
    OPENSSL_free(der);
    struct gs_buf expected, shown;
    gs_buf_init(&expected, 100);
    gs_buf_append_str(&expected, "SHA256:");
    gs_base64_encode(gs_slice_of((const char *)hash, sizeof hash), &expected);
    const struct gs_buf *texts[] = {&pkcs1, &pkcs8};
    for (size_t i = 0; i < GS_COUNT(texts); i++) {
        GS_CLEANUP(gs_rsa_key_cleanup) struct gs_rsa_key *key = accepted(gs_buf_slice(texts[i]));
        gs_buf_init(&shown, 100);
        gs_rsa_key_fingerprint(key, &shown);
        assert_string_equal(shown.data, expected.data);
        assert_int_equal(shown.len, 7 + 44);
        gs_buf_release(&shown);
    }
    gs_buf_release(&expected);
}

static void texts_that_are_no_pem(void **state)
{
    (void)state;
    static const struct gs_slice texts[] = {
        GS_SLICE_EMPTY,
        LIT(" "),
        LIT("\\"),
        LIT("\\n"),
        LIT("secret"),
        LIT("ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQC7"),
        LIT("LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVktLS0tLQo="),
        LIT("-----BEGIN RSA PRIVATE KEY"),
        LIT("-----BEGIN "),
        LIT("-----BEGIN -----"),
        LIT("-----END RSA PRIVATE KEY-----"),
        LIT("-----BEGIN PGP MESSAGE-----\nAAAA\n-----END PGP MESSAGE-----\n"),
        LIT("\0\0\0\0"),
    };
    for (size_t i = 0; i < GS_COUNT(texts); i++)
        assert_refused(texts[i], "not a private key in PEM form");
    static char big[70000];
    memset(big, '\\', sizeof big);
    assert_refused(gs_slice_of(big, sizeof big), "too long");
    assert_refused(gs_slice_of(big, 65536), "not a private key in PEM form");
}

static void other_keys(void **state)
{
    (void)state;
    struct gs_buf text;
    EVP_PKEY *ec = EVP_EC_gen("P-256");
    write_pkcs1(ec, NULL, &text);
    assert_refused(gs_buf_slice(&text), "not an RSA key");
    gs_buf_release(&text);
    write_pkcs8(ec, NULL, &text);
    assert_refused(gs_buf_slice(&text), "not an RSA key");
    gs_buf_release(&text);
    EVP_PKEY_free(ec);

    EVP_PKEY *edwards = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    write_pkcs8(edwards, NULL, &text);
    assert_refused(gs_buf_slice(&text), "not an RSA key");
    gs_buf_release(&text);
    EVP_PKEY_free(edwards);

    EVP_PKEY *weak = EVP_RSA_gen(1024);
    write_pkcs1(weak, NULL, &text);
    assert_refused(gs_buf_slice(&text), "has 1024 bits");
    gs_buf_release(&text);
    EVP_PKEY_free(weak);

    assert_refused(LIT("-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEA\n"
                       "-----END OPENSSH PRIVATE KEY-----\n"),
                   "OpenSSH");
}

static void encrypted_keys_do_not_ask_for_a_passphrase(void **state)
{
    (void)state;
    struct gs_buf text, mislabelled;
    write_pkcs1(rsa, EVP_aes_256_cbc(), &text);
    assert_refused(gs_buf_slice(&text), "encrypted with a passphrase");
    gs_buf_release(&text);
    write_pkcs8(rsa, EVP_aes_256_cbc(), &text);
    assert_refused(gs_buf_slice(&text), "encrypted with a passphrase");
    replace(gs_buf_slice(&text), "ENCRYPTED PRIVATE", "PRIVATE", &mislabelled);
    assert_refused(gs_buf_slice(&mislabelled), "damaged");
    gs_buf_release(&mislabelled);
    gs_buf_release(&text);
}

static void public_keys_and_certificates(void **state)
{
    (void)state;
    struct gs_buf text;
    BIO *bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PUBKEY(bio, rsa);
    take_bio(bio, &text);
    assert_refused(gs_buf_slice(&text), "a public key");
    gs_buf_release(&text);
    assert_refused(LIT("-----BEGIN RSA PUBLIC KEY-----\nAAAA\n-----END RSA PUBLIC KEY-----"),
                   "a public key");

    X509 *certificate = X509_new();
    X509_set_pubkey(certificate, rsa);
    assert_true(X509_sign(certificate, rsa, EVP_sha256()) > 0);
    bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(bio, certificate);
    X509_free(certificate);
    take_bio(bio, &text);
    assert_refused(gs_buf_slice(&text), "a certificate");
    gs_buf_release(&text);
}

static void every_truncation_is_refused(void **state)
{
    (void)state;
    const struct gs_buf *texts[] = {&pkcs1, &pkcs8};
    for (size_t t = 0; t < GS_COUNT(texts); t++) {
        size_t len = texts[t]->len - 1; // the final newline is not needed
        for (size_t n = 0; n < len; n++) {
            char *exact = malloc(n + !n);
            assert_non_null(exact);
            memcpy(exact, texts[t]->data, n);
            assert_refused(gs_slice_of(exact, n), n > 40 ? "damaged or cut off" : NULL);
            free(exact);
        }
        assert_accepted(gs_slice_of(texts[t]->data, len));
    }
}

// Cuts n characters out of the base64 and closes the gap, as a lost line does.
static void lost_pieces_are_refused(void **state)
{
    (void)state;
    static const size_t lost[] = {1, 2, 3, 4, 8, 65, 130, 1000};
    for (size_t i = 0; i < GS_COUNT(lost); i++) {
        for (size_t at = 40; at + lost[i] + 40 < pkcs1.len; at += 97) {
            struct gs_buf text;
            gs_buf_init(&text, 1 << 16);
            gs_buf_append(&text, pkcs1.data, at);
            gs_buf_append_str(&text, pkcs1.data + at + lost[i]);
            assert_refused(gs_buf_slice(&text), "damaged or cut off");
            gs_buf_release(&text);
        }
    }
}

// A wrong character may leave a key that still works (some of its numbers are redundant). It must
// never be a crash, nor half a result.
static void wrong_characters_are_survived(void **state)
{
    (void)state;
    struct gs_buf text;
    gs_buf_init(&text, 1 << 16);
    gs_buf_append_slice(&text, gs_buf_slice(&pkcs1));
    for (size_t i = 0; i < text.len; i += 3) {
        char right = text.data[i];
        static const char wrong[] = "A/=\n\\-\"\xff";
        text.data[i] = wrong[i / 3 % 8];
        struct gs_rsa_key *key = NULL;
        struct gs_error err = GS_ERROR_INIT;
        enum gs_status status = gs_rsa_key_parse(gs_buf_slice(&text), &key, &err);
        assert_true(status == GS_OK || status == GS_INVALID);
        assert_int_equal(status == GS_OK, key != NULL);
        gs_rsa_key_free(key);
        text.data[i] = right;
    }
    gs_buf_release(&text);
}

// Decodes the URL alphabet by way of the standard one.
static void decode_url(struct gs_slice part, struct gs_buf *out)
{
    struct gs_buf text;
    gs_buf_init(&text, 1 << 16);
    for (size_t i = 0; i < part.len; i++) {
        char c = part.data[i];
        assert_true(c != '=' && c != '+' && c != '/');
        gs_buf_append_char(&text, c == '-' ? '+' : c == '_' ? '/' : c);
    }
    while (text.len % 4)
        gs_buf_append_char(&text, '=');
    gs_buf_init(out, 1 << 16);
    assert_true(gs_base64_decode(gs_buf_slice(&text), out));
    gs_buf_release(&text);
}

static void assert_signs(const struct gs_rsa_key *key, EVP_PKEY *public_key)
{
    struct gs_slice claims = LIT("{\"iat\":1700000000,\"exp\":1700000600,\"iss\":\"1234\"}");
    struct gs_buf token, signature, back;
    gs_buf_init(&token, 1 << 16);
    assert_int_equal(gs_jwt_sign(key, claims, &token, NULL), GS_OK);
    struct gs_slice rest = gs_buf_slice(&token);
    assert_true(
        gs_slice_eq_str(gs_slice_split(&rest, '.'), "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9"));
    decode_url(gs_slice_split(&rest, '.'), &back);
    assert_true(gs_slice_eq(gs_buf_slice(&back), claims));
    decode_url(rest, &signature);

    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, public_key), 1);
    assert_int_equal(EVP_DigestVerify(ctx, (unsigned char *)signature.data, signature.len,
                                      (unsigned char *)token.data,
                                      (size_t)(rest.data - token.data) - 1),
                     1);
    EVP_MD_CTX_free(ctx);
    gs_buf_release(&token);
    gs_buf_release(&signature);
    gs_buf_release(&back);
}

static void tokens_verify(void **state)
{
    (void)state;
    GS_CLEANUP(gs_rsa_key_cleanup) struct gs_rsa_key *key = accepted(gs_buf_slice(&pkcs8));
    assert_signs(key, rsa);
    struct gs_buf small;
    gs_buf_init(&small, 100);
    gs_buf_append_str(&small, "before");
    struct gs_error err = GS_ERROR_INIT;
    assert_int_equal(gs_jwt_sign(key, LIT("{}"), &small, &err), GS_LIMIT);
    assert_string_equal(small.data, "before");
    gs_buf_release(&small);
}

static void *sign_often(void *arg)
{
    for (int i = 0; i < 50; i++)
        assert_signs(arg, rsa);
    return NULL;
}

static void one_key_signs_in_many_threads(void **state)
{
    (void)state;
    GS_CLEANUP(gs_rsa_key_cleanup) struct gs_rsa_key *key = accepted(gs_buf_slice(&pkcs1));
    pthread_t ids[4];
    for (size_t i = 0; i < GS_COUNT(ids); i++)
        pthread_create(&ids[i], NULL, sign_often, key);
    for (size_t i = 0; i < GS_COUNT(ids); i++)
        pthread_join(ids[i], NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms_of_one_key),
        cmocka_unit_test(the_key_is_found_among_other_blocks),
        cmocka_unit_test(both_forms_have_the_fingerprint_of_the_public_key),
        cmocka_unit_test(texts_that_are_no_pem),
        cmocka_unit_test(other_keys),
        cmocka_unit_test(encrypted_keys_do_not_ask_for_a_passphrase),
        cmocka_unit_test(public_keys_and_certificates),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(lost_pieces_are_refused),
        cmocka_unit_test(wrong_characters_are_survived),
        cmocka_unit_test(tokens_verify),
        cmocka_unit_test(one_key_signs_in_many_threads),
    };
    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
