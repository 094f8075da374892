// A scripted GitHub on loopback that mints numbered tokens or answers as a test says, and an
// account for it.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_TESTS_HOST_FIXTURE_H
#define GS_TESTS_HOST_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <pthread.h>

#include "base/clock.h"
#include "base/text.h"
#include "host/host_internal.h"
#include "loopback.h"

#define JSON "Content-Type: application/json; charset=utf-8\r\n"
#define HOST_TEST(name) cmocka_unit_test_setup_teardown(name, start_github, stop_github)

// What the host does; set before a call, read after it.
static struct {
    pthread_mutex_t lock; // guards mints and head
    int mints;
    char head[16384]; // of the last request
    int lifetime_s;
    int64_t delay_ms;
    const char *slug, *user_status;
    const char *status, *headers, *body; // instead of a token, when status is not NULL
} github;

static struct loopback *server;
static struct gs_net *net;
static struct gs_hosts *hosts;
static struct gs_arena *arena;
static struct gs_rsa_key *own_key, *other_key;
static struct gs_host_account account;

static void answer_with(const char *status, const char *headers, const char *body)
{
    github.status = status;
    github.headers = headers;
    github.body = body;
}

static void serve_token(struct loopback_conn *conn, int number)
{
    char expires[GS_ISO_TEXT + 1], body[256];
    gs_clock_sleep_ms(github.delay_ms);
    if (github.status) {
        loopback_answer(conn, github.status, github.headers, github.body);
        return;
    }
    gs_clock_format_iso(gs_clock_now_ms() + (int64_t)github.lifetime_s * 1000, expires);
    snprintf(body, sizeof body, "{\"token\":\"ghs_%d\",\"expires_at\":\"%.19sZ\"}", number,
             expires);
    loopback_answer(conn, "201 Created", JSON, body);
}

static void serve_rest(struct loopback_conn *conn, const char *head)
{
    char body[256];
    if (strncmp(head, "GET /api/v3/users/", strlen("GET /api/v3/users/")) == 0) {
        loopback_answer(conn, github.user_status, JSON, "{\"id\":4242}");
        return;
    }
    snprintf(body, sizeof body, "{\"id\":1,\"slug\":\"%s\"}", github.slug);
    loopback_answer(conn, "200 OK", JSON, body);
}

static void serve_github(struct loopback_conn *conn)
{
    struct gs_buf head, body;
    gs_buf_init(&head, sizeof github.head - 1);
    gs_buf_init(&body, 65536);
    while (loopback_read(conn, &head, &body)) {
        bool mint = strstr(head.data, "/access_tokens ") != NULL;
        pthread_mutex_lock(&github.lock);
        snprintf(github.head, sizeof github.head, "%s", head.data);
        int number = mint ? ++github.mints : 0;
        pthread_mutex_unlock(&github.lock);
        if (mint)
            serve_token(conn, number);
        else
            serve_rest(conn, head.data);
    }
    gs_buf_release(&head);
    gs_buf_release(&body);
}

static int start_github(void **state)
{
    static char api_url[64];
    struct gs_net_options options = {
        .allow_loopback = true, .user_agent = "t", .connect_timeout_ms = 5000, .max_idle = 4};
    struct gs_error err = GS_ERROR_INIT;
    (void)state;
    memset(&github, 0, sizeof github);
    pthread_mutex_init(&github.lock, NULL);
    github.lifetime_s = 3600;
    github.slug = "acme-sync";
    github.user_status = "200 OK";
    server = loopback_start(serve_github, NULL);
    assert_int_equal(gs_net_new(&options, &net, &err), GS_OK);
    hosts = gs_hosts_new(net);
    arena = gs_arena_new();
    snprintf(api_url, sizeof api_url, "http://127.0.0.1:%d/api/v3", loopback_port(server));
    account = (struct gs_host_account){api_url, "12345", "77", own_key};
    return 0;
}

static int stop_github(void **state)
{
    (void)state;
    gs_hosts_free(hosts);
    gs_net_free(net);
    gs_arena_free(arena);
    loopback_stop(server);
    pthread_mutex_destroy(&github.lock);
    return 0;
}

static struct gs_rsa_key *new_key(void)
{
    struct gs_rsa_key *key = NULL;
    struct gs_error err = GS_ERROR_INIT;
    char *pem;
    EVP_PKEY *made = EVP_RSA_gen(2048);
    BIO *memory = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PrivateKey(memory, made, NULL, NULL, 0, NULL, NULL), 1);
    long len = BIO_get_mem_data(memory, &pem);
    assert_int_equal(gs_rsa_key_parse(gs_slice_of(pem, (size_t)len), &key, &err), GS_OK);
    BIO_free(memory);
    EVP_PKEY_free(made);
    return key;
}

// Making keys is slow, so they are made once per program.
static int make_keys(void **state)
{
    (void)state;
    own_key = new_key();
    other_key = new_key();
    return 0;
}

static int free_keys(void **state)
{
    (void)state;
    gs_rsa_key_free(own_key);
    gs_rsa_key_free(other_key);
    return 0;
}

static enum gs_status ask_token(const char *refresh, const char **out_token, struct gs_error *err)
{
    return gs_host_token(hosts, &account, refresh, gs_clock_mono_ms() + 5000, arena, out_token,
                         err);
}

#endif
