// The same server behind TLS, with a certificate made for the occasion: what works, what a client
// may not do, and what a wrong file is answered with at the start.
// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/ssl.h>

#include "base/clock.h"
#include "base/files.h"
#include "http_rig.h"

#define LINES " HTTP/1.1\r\nHost: localhost\r\n"
#define GET(path) "GET " path LINES "\r\n"
#define JSON "Content-Type: application/json\r\n"

enum { SHORT_MS = 2000, MB = 1 << 20 };

static char folder[] = "/tmp/test_http_tls.XXXXXX";
static char cert_path[64], key_path[64], other_key_path[64];

static void make_pair(char *cert, char *key)
{
    pid_t pid = fork();
    if (pid == 0) {
        dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO); // it shows its progress there
        execlp("openssl", "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
               "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", cert, "-days", "2",
               "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", (char *)NULL);
        _exit(127);
    }
    int status = -1;
    waitpid(pid, &status, 0);
    assert_int_equal(status, 0);
}

static int make_certificates(void **state)
{
    (void)state;
    char other_cert[64];
    if (!mkdtemp(folder))
        return -1;
    snprintf(cert_path, sizeof cert_path, "%s/cert.pem", folder);
    snprintf(key_path, sizeof key_path, "%s/key.pem", folder);
    snprintf(other_cert, sizeof other_cert, "%s/other-cert.pem", folder);
    snprintf(other_key_path, sizeof other_key_path, "%s/other-key.pem", folder);
    make_pair(cert_path, key_path);
    make_pair(other_cert, other_key_path);
    return 0;
}

static int remove_certificates(void **state)
{
    (void)state;
    return gs_dir_remove(folder, NULL) == GS_OK ? 0 : -1;
}

static struct gs_http_options tls_options(void)
{
    struct gs_http_options options = rig_options();
    options.tls_cert = cert_path;
    options.tls_key = key_path;
    return options;
}

static struct rig *start_tls(void)
{
    struct gs_http_options options = tls_options();
    return rig_start(&options);
}

// ---- A client -------------------------------------------------------------------------------

struct client {
    int fd;
    SSL_CTX *context;
    SSL *ssl;
};

// Whether the handshake came to an end, with the certificate trusted for localhost.
static bool client_open(struct client *client, struct rig *rig, int max_version)
{
    client->fd = rig_dial(rig);
    client->context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_load_verify_locations(client->context, cert_path, NULL);
    SSL_CTX_set_verify(client->context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_min_proto_version(client->context, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(client->context, max_version);
    SSL_CTX_set_security_level(client->context, 0);
    client->ssl = SSL_new(client->context);
    SSL_set_tlsext_host_name(client->ssl, "localhost");
    SSL_set1_host(client->ssl, "localhost");
    SSL_set_fd(client->ssl, client->fd);
    struct timeval patience = {.tv_sec = RIG_PATIENCE_MS / 1000};
    setsockopt(client->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return SSL_connect(client->ssl) == 1;
}

static void client_close(struct client *client)
{
    SSL_free(client->ssl);
    SSL_CTX_free(client->context);
    close(client->fd);
}

static bool client_send(struct client *client, const char *text)
{
    return SSL_write(client->ssl, text, (int)strlen(text)) > 0;
}

// Reads until so many bytes have come. How many did.
static size_t client_read(struct client *client, char *out, size_t size)
{
    size_t n = 0, got;
    while (n < size && SSL_read_ex(client->ssl, out + n, size - n, &got) == 1)
        n += got;
    return n;
}

static bool client_is_closed(struct client *client)
{
    char byte;
    size_t got;
    while (SSL_read_ex(client->ssl, &byte, 1, &got) == 1)
        continue;
    int why = SSL_get_error(client->ssl, 0);
    return why == SSL_ERROR_ZERO_RETURN || why == SSL_ERROR_SSL || why == SSL_ERROR_SYSCALL;
}

// The head of a response and as much of the body as it says.
static void client_expect(struct client *client, int status, const char *body)
{
    char head[4096];
    size_t n = 0;
    do
        assert_int_equal(client_read(client, head + n++, 1), 1);
    while (n < 4 || memcmp(head + n - 4, "\r\n\r\n", 4) != 0);
    head[n] = 0;
    int got = 0;
    assert_int_equal(sscanf(head, "HTTP/1.1 %d", &got), 1);
    assert_int_equal(got, status);
    char text[256];
    size_t len = strlen(body);
    assert_int_equal(client_read(client, text, len), len);
    assert_memory_equal(text, body, len);
}

// ---- Tests ----------------------------------------------------------------------------------

static void requests_are_answered(void **state)
{
    (void)state;
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    struct rig *rig = start_tls();
    for (size_t i = 0; i < GS_COUNT(versions); i++) {
        struct client client;
        assert_true(client_open(&client, rig, versions[i]));
        assert_int_equal(SSL_version(client.ssl), versions[i]);
        assert_true(client_send(&client, GET("/hello") GET("/hello")));
        client_expect(&client, 200, "hello");
        client_expect(&client, 200, "hello");
        assert_true(client_send(&client, "POST /echo" LINES JSON "Content-Length: 2\r\n\r\n{}"));
        client_expect(&client, 200, "{}");
        assert_true(client_send(&client, "GET /hello" LINES "Connection: close\r\n\r\n"));
        client_expect(&client, 200, "hello");
        assert_true(client_is_closed(&client));
        client_close(&client);
    }
    assert_true(rig_wait_connections(rig, 0));
    rig_stop(rig);
}

static void answers_may_come_later(void **state)
{
    (void)state;
    struct rig *rig = start_tls();
    struct client client;
    assert_true(client_open(&client, rig, 0));
    for (int i = 0; i < 5; i++) {
        assert_true(client_send(&client, GET("/later") GET("/hello")));
        assert_true(rig_wait_held(rig, 1));
        rig_release_one(rig);
        client_expect(&client, 200, "hello");
        client_expect(&client, 200, "hello");
    }
    client_close(&client);
    rig_stop(rig);
}

static void large_bodies_pass(void **state)
{
    (void)state;
    struct rig *rig = start_tls();
    struct client client;
    static char bytes[MB], back[MB];
    memset(bytes, 'x', sizeof bytes);
    assert_true(client_open(&client, rig, 0));
    assert_true(client_send(&client, "POST /echo" LINES JSON "Content-Length: 1048576\r\n\r\n"));
    assert_int_equal(SSL_write(client.ssl, bytes, MB), MB);
    client_expect(&client, 200, "");
    assert_int_equal(client_read(&client, back, MB), MB);
    assert_memory_equal(bytes, back, MB);
    client_close(&client);
    rig_stop(rig);
}

static void refusals_are_sent(void **state)
{
    (void)state;
    struct rig *rig = start_tls();
    struct client client;
    assert_true(client_open(&client, rig, 0));
    assert_true(client_send(&client, "POST /echo" LINES JSON "Content-Length: 99999999\r\n\r\n{"));
    client_expect(&client, 413, "{\"code\":\"too_large\"");
    assert_true(client_is_closed(&client));
    client_close(&client);
    rig_stop(rig);
}

static void slow_clients_are_cut_off(void **state)
{
    (void)state;
    static const char hello[] = "\x16\x03\x01\x02\x00\x01";
    struct gs_http_options options = tls_options();
    options.header_timeout_ms = options.body_timeout_ms = SHORT_MS;
    struct rig *rig = rig_start(&options);
    struct client client;
    int fd = rig_dial(rig);
    assert_true(rig_is_closed(fd));
    close(fd);
    fd = rig_dial(rig);
    assert_true(rig_send_bytes(fd, hello, sizeof hello - 1));
    clock_t before = clock();
    assert_true(rig_is_closed(fd));
    // A busy loop would take all of that time.
    assert_true(clock() - before < CLOCKS_PER_SEC * SHORT_MS / 2000);
    close(fd);
    assert_true(client_open(&client, rig, 0));
    assert_true(client_send(&client, "POST /echo" LINES JSON "Content-Length: 5\r\n\r\nab"));
    assert_true(client_is_closed(&client));
    client_close(&client);
    assert_true(rig_wait_done(rig, 1));
    assert_int_equal(rig_counts(rig).last_status, 408);
    assert_true(rig_wait_connections(rig, 0));
    rig_stop(rig);
}

static void other_protocols_are_refused(void **state)
{
    (void)state;
    struct rig *rig = start_tls();
    struct client client;
    assert_false(client_open(&client, rig, TLS1_1_VERSION));
    client_close(&client);
    int fd = rig_dial(rig);
    assert_true(rig_send(fd, GET("/hello")));
    assert_true(rig_is_closed(fd));
    close(fd);
    assert_int_equal(rig_counts(rig).admitted, 0);
    rig_stop(rig);
}

static void wrong_files_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *cert, *key, *field;
    } cases[] = {
        {cert_path, NULL, "tls_key"},           {NULL, key_path, "tls_cert"},
        {"/nonexistent", key_path, "tls_cert"}, {cert_path, "/nonexistent", "tls_key"},
        {"/dev/null", key_path, "tls_cert"},    {key_path, key_path, "tls_cert"},
        {cert_path, cert_path, "tls_cert"},     {cert_path, other_key_path, "tls_cert"},
    };
    for (size_t i = 0; i < GS_COUNT(cases); i++) {
        struct gs_http_options options = rig_options();
        struct gs_http_server *server = NULL;
        struct gs_http_owner owner = {0};
        struct gs_error err = GS_ERROR_INIT;
        options.tls_cert = cases[i].cert;
        options.tls_key = cases[i].key;
        assert_int_equal(gs_http_start(&options, NULL, 0, &owner, &server, &err), GS_INVALID);
        assert_null(server);
        assert_int_equal(err.code, GS_CODE_CONFIG_INVALID);
        assert_string_equal(err.field, cases[i].field);
        assert_true(strlen(err.message) > 20);
        print_message("%s\n", err.message);
        gs_error_release(&err);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_answered),    cmocka_unit_test(answers_may_come_later),
        cmocka_unit_test(large_bodies_pass),        cmocka_unit_test(refusals_are_sent),
        cmocka_unit_test(slow_clients_are_cut_off), cmocka_unit_test(other_protocols_are_refused),
        cmocka_unit_test(wrong_files_are_named),
    };
    return cmocka_run_group_tests(tests, make_certificates, remove_certificates);
}
