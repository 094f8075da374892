// The scripted server of loopback.h over plain sockets and OpenSSL.
// SPDX-License-Identifier: Apache-2.0
#include "loopback.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"

enum { CONNECTIONS_MAX = 256 };

struct link {
    struct loopback_conn conn; // first, so that the test's view leads back here
    pthread_t thread;
    int fd; // -1 once closed
    SSL *ssl;
};

struct loopback {
    int fd, port;
    SSL_CTX *tls;
    loopback_serve *serve;
    const void *arg;
    pthread_t acceptor;
    pthread_mutex_t lock; // guards links, count and each link's fd
    struct link *links[CONNECTIONS_MAX];
    int count;
};

static void require(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "loopback server: %s failed\n", what);
    abort();
}

static struct link *link_of(struct loopback_conn *conn)
{
    return (struct link *)conn;
}

static void close_link(struct link *link)
{
    pthread_mutex_lock(&link->conn.server->lock);
    close(link->fd);
    link->fd = -1;
    pthread_mutex_unlock(&link->conn.server->lock);
}

static void *run_link(void *arg)
{
    struct link *link = arg;
    bool ready = true;
    if (link->conn.server->tls) {
        link->ssl = SSL_new(link->conn.server->tls);
        SSL_set_fd(link->ssl, link->fd);
        ready = SSL_accept(link->ssl) == 1;
    }
    if (ready)
        link->conn.server->serve(&link->conn);
    if (link->ssl)
        SSL_shutdown(link->ssl);
    SSL_free(link->ssl);
    close_link(link);
    return NULL;
}

static void add_link(struct loopback *server, int fd)
{
    struct link *link = gs_xcalloc(1, sizeof *link);
    pthread_mutex_lock(&server->lock);
    require(server->count < CONNECTIONS_MAX, "connection limit");
    link->conn = (struct loopback_conn){server, server->count, server->arg};
    link->fd = fd;
    server->links[server->count++] = link;
    require(pthread_create(&link->thread, NULL, run_link, link) == 0, "pthread_create");
    pthread_mutex_unlock(&server->lock);
}

static void *accept_all(void *arg)
{
    struct loopback *server = arg;
    int fd;
    while ((fd = accept4(server->fd, NULL, NULL, SOCK_CLOEXEC)) >= 0)
        add_link(server, fd);
    return NULL;
}

static void listen_on(struct loopback *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    require(bind(server->fd, (struct sockaddr *)&address, len) == 0, "bind");
    require(listen(server->fd, 64) == 0, "listen");
    require(getsockname(server->fd, (struct sockaddr *)&address, &len) == 0, "getsockname");
    server->port = ntohs(address.sin_port);
}

static struct loopback *start(loopback_serve *serve, const void *arg, SSL_CTX *tls)
{
    struct loopback *server = gs_xcalloc(1, sizeof *server);
    server->serve = serve;
    server->arg = arg;
    server->tls = tls;
    pthread_mutex_init(&server->lock, NULL);
    listen_on(server);
    require(pthread_create(&server->acceptor, NULL, accept_all, server) == 0, "pthread_create");
    return server;
}

struct loopback *loopback_start(loopback_serve *serve, const void *arg)
{
    return start(serve, arg, NULL);
}

static X509 *self_signed(EVP_PKEY *key)
{
    X509 *cert = X509_new();
    X509_set_version(cert, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_set_pubkey(cert, key);
    X509_NAME *name = X509_get_subject_name(cert);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"loopback", -1, -1,
                               0);
    X509_set_issuer_name(cert, name);
    X509_EXTENSION *names = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "IP:127.0.0.1");
    require(names && X509_add_ext(cert, names, -1) == 1, "certificate extension");
    X509_EXTENSION_free(names);
    require(X509_sign(cert, key, EVP_sha256()) > 0, "certificate signature");
    return cert;
}

struct loopback *loopback_start_tls(loopback_serve *serve, const void *arg, const char *ca_path)
{
    EVP_PKEY *key = EVP_RSA_gen(2048);
    require(key != NULL, "key");
    X509 *cert = self_signed(key);
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    require(SSL_CTX_use_certificate(tls, cert) == 1, "certificate");
    require(SSL_CTX_use_PrivateKey(tls, key) == 1, "private key");
    FILE *file = fopen(ca_path, "w");
    require(file && PEM_write_X509(file, cert) == 1, "writing the certificate");
    fclose(file);
    X509_free(cert);
    EVP_PKEY_free(key);
    return start(serve, arg, tls);
}

static void stop_link(struct loopback *server, struct link *link)
{
    pthread_mutex_lock(&server->lock);
    if (link->fd >= 0)
        shutdown(link->fd, SHUT_RDWR);
    pthread_mutex_unlock(&server->lock);
    pthread_join(link->thread, NULL);
    free(link);
}

void loopback_stop(struct loopback *server)
{
    shutdown(server->fd, SHUT_RDWR);
    pthread_join(server->acceptor, NULL);
    close(server->fd);
    for (int i = 0; i < server->count; i++)
        stop_link(server, server->links[i]);
    SSL_CTX_free(server->tls);
    pthread_mutex_destroy(&server->lock);
    free(server);
}

int loopback_port(const struct loopback *server)
{
    return server->port;
}

int loopback_accepts(struct loopback *server)
{
    pthread_mutex_lock(&server->lock);
    int count = server->count;
    pthread_mutex_unlock(&server->lock);
    return count;
}

static ssize_t receive(struct link *link, void *to, size_t len)
{
    return link->ssl ? SSL_read(link->ssl, to, (int)len) : recv(link->fd, to, len, 0);
}

bool loopback_read_head(struct loopback_conn *conn, struct gs_buf *head)
{
    char c;
    gs_buf_clear(head);
    while (!gs_slice_ends(gs_buf_slice(head), "\r\n\r\n"))
        if (receive(link_of(conn), &c, 1) != 1 || !gs_buf_append_char(head, c))
            return false;
    return true;
}

bool loopback_read(struct loopback_conn *conn, struct gs_buf *head, struct gs_buf *body)
{
    char chunk[16384];
    gs_buf_clear(body);
    if (!loopback_read_head(conn, head))
        return false;
    const char *length = strcasestr(head->data, "\r\nContent-Length: ");
    size_t left = length ? strtoul(length + strlen("\r\nContent-Length: "), NULL, 10) : 0;
    while (left > 0) {
        ssize_t n = receive(link_of(conn), chunk, left < sizeof chunk ? left : sizeof chunk);
        if (n <= 0 || !gs_buf_append(body, chunk, (size_t)n))
            return false;
        left -= (size_t)n;
    }
    return true;
}

bool loopback_skip(struct loopback_conn *conn, size_t bytes)
{
    char chunk[4096];
    while (bytes > 0) {
        ssize_t n = receive(link_of(conn), chunk, bytes < sizeof chunk ? bytes : sizeof chunk);
        if (n <= 0)
            return false;
        bytes -= (size_t)n;
    }
    return true;
}

bool loopback_send_bytes(struct loopback_conn *conn, const void *data, size_t len)
{
    struct link *link = link_of(conn);
    const char *at = data;
    while (len > 0) {
        ssize_t n =
            link->ssl ? SSL_write(link->ssl, at, (int)len) : send(link->fd, at, len, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        at += n;
        len -= (size_t)n;
    }
    return true;
}

bool loopback_send(struct loopback_conn *conn, const char *text)
{
    return loopback_send_bytes(conn, text, strlen(text));
}

void loopback_answer(struct loopback_conn *conn, const char *status, const char *headers,
                     const char *body)
{
    GS_CLEANUP(gs_buf_release) struct gs_buf text;
    gs_buf_init(&text, 1 << 20);
    gs_buf_printf(&text, "HTTP/1.1 %s\r\n%sContent-Length: %zu\r\n\r\n%s", status, headers,
                  strlen(body), body);
    loopback_send_bytes(conn, text.data, text.len);
}

void loopback_reset_on_close(struct loopback_conn *conn)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    setsockopt(link_of(conn)->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

void loopback_wait_closed(struct loopback_conn *conn)
{
    char chunk[4096];
    while (receive(link_of(conn), chunk, sizeof chunk) > 0)
        continue;
}
