// Which URLs and addresses the HTTP client refuses, in all their spellings, and which requests go
// to a proxy.
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>

#include "net/net_internal.h"

static const char *const variables[] = {"http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY",
                                        "all_proxy",  "ALL_PROXY",  "no_proxy",    "NO_PROXY"};

static int clear_environment(void **state)
{
    (void)state;
    for (size_t i = 0; i < GS_COUNT(variables); i++)
        unsetenv(variables[i]);
    return 0;
}

static struct gs_net *new_net(bool allow_loopback)
{
    struct gs_net_options options = {
        .allow_loopback = allow_loopback, .user_agent = "test", .connect_timeout_ms = 2000};
    struct gs_net *net = NULL;
    struct gs_error err = GS_ERROR_INIT;
    assert_int_equal(gs_net_new(&options, &net, &err), GS_OK);
    return net;
}

static enum gs_code check(const struct gs_net *net, const char *url)
{
    struct gs_error err = GS_ERROR_INIT;
    enum gs_status status = gs_net_check_url(net, url, "/gitUrl", &err);
    assert_int_equal(status, gs_error_status(&err));
    if (status != GS_OK)
        assert_string_equal(err.field, "/gitUrl");
    return err.code;
}

static void good_urls_pass(void **state)
{
    static const char *const urls[] = {
        "https://github.com/acme/apps.git",
        "https://GitHub.COM/acme/apps",
        "http://git.example.com:8080/x",
        "https://xn--bcher-kva.example/x",
        "HTTPS://git.example.com",
        "https://[2001:db8::1]/x",
        "https://203.0.113.9/x",
        "https://10.0.0.7/x",
        "https://mylocalhost/x",
        "https://localhost.example.com/x",
        "https://git.example.com/a?x=1",
        "https://128.0.0.1/",
        "https://169.253.0.1/",
    };
    (void)state;
    struct gs_net *net = new_net(false);
    for (size_t i = 0; i < GS_COUNT(urls); i++)
        if (check(net, urls[i]) != GS_CODE_NONE)
            fail_msg("%s was refused", urls[i]);
    gs_net_free(net);
}

static void local_addresses_are_refused_in_every_spelling(void **state)
{
    static const char *const urls[] = {
        "https://localhost/x",
        "https://LOCALHOST/x",
        "https://localhost./x",
        "https://a.localhost/x",
        "https://a.LocalHost.:99/x",
        "https://%6cocalhost/x",
        "https://127.0.0.1/x",
        "https://127.0.0.1./x",
        "https://127.1/x",
        "https://127.255.255.254/x",
        "https://0x7f.1/x",
        "https://0x7f000001/x",
        "https://0X7F.0.0.1/x",
        "https://2130706433/x",
        "https://017700000001/x",
        "https://0177.0.0.1/x",
        "https://%31%32%37.0.0.1/x",
        "https://0%78%37f.1/x",
        "https://127%2e1/x",
        "https://0/x",
        "https://0.0.0.0/x",
        "https://169.254.169.254/latest",
        "https://0xa9fea9fe/latest",
        "https://[::1]/x",
        "https://[::]/x",
        "https://[0:0:0:0:0:0:0:1]/x",
        "https://[::ffff:127.0.0.1]/x",
        "https://[::ffff:7f00:1]/x",
        "https://[::127.0.0.1]/x",
        "https://[::ffff:0:127.0.0.1]/x",
        "https://[64:ff9b::127.0.0.1]/x",
        "https://[64:ff9b::a9fe:a9fe]/x",
        "https://[2002:7f00:1::]/x",
        "https://[fe80::1]/x",
        "https://[febf::1]/x",
        "https://[fe80::1%25eth0]/x",
        "http://127.0.0.1:8080",
    };
    (void)state;
    struct gs_net *strict = new_net(false);
    struct gs_net *open = new_net(true);
    for (size_t i = 0; i < GS_COUNT(urls); i++) {
        if (check(strict, urls[i]) != GS_CODE_HOST_NOT_ALLOWED)
            fail_msg("%s was not refused as local", urls[i]);
        if (check(open, urls[i]) != GS_CODE_NONE)
            fail_msg("%s was refused although loopback is allowed", urls[i]);
    }
    gs_net_free(strict);
    gs_net_free(open);
}

static void malformed_urls_are_refused(void **state)
{
    static const char *const urls[] = {
        "",
        "github.com/acme/apps",
        "//github.com/x",
        "ssh://git@github.com/x",
        "git@github.com:acme/apps.git",
        "file:///etc/passwd",
        "ftp://github.com/x",
        "https:github.com/x",
        "https:/github.com/x",
        "https:///github.com/x",
        "https://",
        "https://:443/x",
        "https://user@github.com/x",
        "https://user:secret@github.com/x",
        "https://@github.com/x",
        "https://:@github.com/x",
        "https://github.com@127.0.0.1/x",
        "https://github.com\\@127.0.0.1/x",
        "https://github.com\\x",
        "https://github.com/x#frag",
        "https://github.com#@127.0.0.1/",
        "https://github.com/a b",
        " https://github.com/a",
        "https://github.com/a\n",
        "https://github.com\r\nHost: x/",
        "https://git\thub.com/",
        "https://github.com/a\x7f",
        "https://github.com:99999/x",
        "https://github.com:12a/x",
        "https://github.com%00.example.com/x",
        "https://%2531%2532%2537.0.0.1/x",
        "https://[::1/x",
        "https://[::g]/x",
        "https://a[::1]/x",
        "https://bücher.example/x",
        "https://b%c3%bccher.example/x",
        "https://１２７.０.０.１/x",
        "https://127。0。0。1/x",
        "https://ⓛocalhost/x",
    };
    (void)state;
    struct gs_net *net = new_net(false);
    for (size_t i = 0; i < GS_COUNT(urls); i++)
        if (check(net, urls[i]) != GS_CODE_INVALID_INPUT)
            fail_msg("%s was not refused as malformed", urls[i]);
    gs_net_free(net);
}

static void long_urls_are_refused(void **state)
{
    char url[2050];
    (void)state;
    struct gs_net *net = new_net(false);
    memset(url, 'a', sizeof url);
    memcpy(url, "https://g.example/", strlen("https://g.example/"));
    url[2048] = 0;
    assert_int_equal(check(net, url), GS_CODE_NONE);
    url[2048] = 'a';
    url[2049] = 0;
    assert_int_equal(check(net, url), GS_CODE_INVALID_INPUT);
    memset(url + strlen("https://"), 'h', 300);
    url[400] = 0;
    assert_int_equal(check(net, url), GS_CODE_INVALID_INPUT);
    gs_net_free(net);
}

static void messages_keep_secrets(void **state)
{
    struct gs_error err = GS_ERROR_INIT;
    (void)state;
    struct gs_net *net = new_net(false);
    assert_int_equal(
        gs_net_check_url(net, "https://u:hunter2@h.example/?t=hunter2", "/gitUrl", &err),
        GS_INVALID);
    assert_null(strstr(err.message, "hunter2"));
    assert_int_equal(gs_net_check_url(net, "https://127.0.0.1/?t=hunter2", "/gitUrl", &err),
                     GS_INVALID);
    assert_null(strstr(err.message, "hunter2"));
    gs_net_free(net);
}

static void socket_addresses(void **state)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    struct sockaddr unix_socket = {.sa_family = AF_UNIX};
    struct gs_net_address address;
    (void)state;
    inet_pton(AF_INET, "127.8.8.8", &v4.sin_addr);
    assert_true(gs_net_address_of((const struct sockaddr *)&v4, &address));
    assert_true(gs_net_address_is_local(&address));
    inet_pton(AF_INET, "192.0.2.1", &v4.sin_addr);
    assert_true(gs_net_address_of((const struct sockaddr *)&v4, &address));
    assert_false(gs_net_address_is_local(&address));
    inet_pton(AF_INET6, "::ffff:169.254.169.254", &v6.sin6_addr);
    assert_true(gs_net_address_of((const struct sockaddr *)&v6, &address));
    assert_true(gs_net_address_is_local(&address));
    inet_pton(AF_INET6, "2001:db8::7f00:1", &v6.sin6_addr);
    assert_true(gs_net_address_of((const struct sockaddr *)&v6, &address));
    assert_false(gs_net_address_is_local(&address));
    assert_false(gs_net_address_of(&unix_socket, &address));
}

// The name of the proxy for a URL, "" for none.
static const char *proxy_of(const struct gs_net_proxies *proxies, const char *url)
{
    struct gs_net_target target;
    struct gs_error err = GS_ERROR_INIT;
    assert_int_equal(gs_net_target_parse(url, NULL, &target, &err), GS_OK);
    const struct gs_net_proxy *proxy = gs_net_proxy_for(proxies, &target);
    return proxy ? proxy->name : "";
}

static struct gs_net_proxies read_proxies(void)
{
    struct gs_net_proxies proxies;
    struct gs_error err = GS_ERROR_INIT;
    assert_int_equal(gs_net_proxies_init(&proxies, &err), GS_OK);
    return proxies;
}

static void proxy_by_scheme(void **state)
{
    (void)state;
    setenv("HTTP_PROXY", "http://capital.example:1", 1);
    struct gs_net_proxies proxies = read_proxies();
    assert_string_equal(proxy_of(&proxies, "http://a.example/"), "");
    gs_net_proxies_release(&proxies);
    setenv("ALL_PROXY", "socks5h://all.example:1081", 1);
    setenv("HTTPS_PROXY", "user:pw@secure.example", 1);
    proxies = read_proxies();
    assert_string_equal(proxy_of(&proxies, "http://a.example/"), "all.example:1081");
    assert_string_equal(proxy_of(&proxies, "https://a.example/"), "secure.example:1080");
    gs_net_proxies_release(&proxies);
    setenv("https_proxy", "https://lower.example", 1);
    proxies = read_proxies();
    assert_string_equal(proxy_of(&proxies, "https://a.example/"), "lower.example:443");
    assert_string_equal(proxy_of(&proxies, "https://127.0.0.1/"), "");
    assert_string_equal(proxy_of(&proxies, "https://localhost/"), "");
    gs_net_proxies_release(&proxies);
}

static void proxy_exceptions(void **state)
{
    static const struct {
        const char *exceptions, *url;
        bool direct;
    } cases[] = {
        {"*", "https://a.example/", true},
        {"example", "https://a.EXAMPLE/", true},
        {".a.example", "https://a.example./", true},
        {"b.example,a.example.", "https://x.a.example/", true},
        {"b.example a.example", "https://a.example/", true},
        {"a.example", "https://ba.example/", false},
        {"xa.example", "https://a.example/", false},
        {"a.example:443", "https://a.example/", false},
        {" , ,", "https://a.example/", false},
        {"10.1.2.3", "https://10.1.2.3/", true},
        {"10.0.0.0/8", "https://10.1.2.3/", true},
        {"10.1.2.0/23", "https://10.1.3.3/", true},
        {"10.1.2.0/24", "https://10.1.3.3/", false},
        {"10.0.0.0/33", "https://10.0.0.0/", false},
        {"10.0.0.0/-1", "https://10.0.0.0/", false},
        {"10.0.0.0/", "https://10.0.0.0/", false},
        {"0.0.0.0/0", "https://10.0.0.1/", true},
        {"2.3", "https://10.1.2.3/", false},
        {"2001:db8::/32", "https://[2001:db8:1::1]/", true},
        {"[2001:db8::1]", "https://[2001:db8::1]/", true},
        {"2001:db8::/33", "https://[2001:db8:8000::1]/", false},
        {"32.1.0.0/16", "https://[2001:db8::1]/", false},
    };
    (void)state;
    setenv("https_proxy", "http://p.example:3128", 1);
    for (size_t i = 0; i < GS_COUNT(cases); i++) {
        setenv("no_proxy", cases[i].exceptions, 1);
        struct gs_net_proxies proxies = read_proxies();
        if ((*proxy_of(&proxies, cases[i].url) == 0) != cases[i].direct)
            fail_msg("no_proxy=%s for %s", cases[i].exceptions, cases[i].url);
        gs_net_proxies_release(&proxies);
    }
}

static void bad_proxy_is_named_without_its_value(void **state)
{
    struct gs_net_options options = {.user_agent = "test"};
    struct gs_net *net = NULL;
    struct gs_error err = GS_ERROR_INIT;
    (void)state;
    setenv("https_proxy", "http://user:hunter2@p.example:99999", 1);
    assert_int_equal(gs_net_new(&options, &net, &err), GS_INVALID);
    assert_int_equal(err.code, GS_CODE_CONFIG_INVALID);
    assert_string_equal(err.field, "https_proxy");
    assert_null(strstr(err.message, "hunter2"));
    assert_null(net);
}

static void unreadable_ca_file_fails_at_start(void **state)
{
    struct gs_net_options options = {.user_agent = "test", .ca_file = "/nonexistent/ca.pem"};
    struct gs_net *net = NULL;
    struct gs_error err = GS_ERROR_INIT;
    (void)state;
    assert_int_equal(gs_net_new(&options, &net, &err), GS_INVALID);
    assert_int_equal(err.code, GS_CODE_CONFIG_INVALID);
    assert_string_equal(err.field, "ca_file");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(good_urls_pass, clear_environment),
        cmocka_unit_test_setup(local_addresses_are_refused_in_every_spelling, clear_environment),
        cmocka_unit_test_setup(malformed_urls_are_refused, clear_environment),
        cmocka_unit_test_setup(long_urls_are_refused, clear_environment),
        cmocka_unit_test_setup(messages_keep_secrets, clear_environment),
        cmocka_unit_test_setup(socket_addresses, clear_environment),
        cmocka_unit_test_setup(proxy_by_scheme, clear_environment),
        cmocka_unit_test_setup(proxy_exceptions, clear_environment),
        cmocka_unit_test_setup(bad_proxy_is_named_without_its_value, clear_environment),
        cmocka_unit_test_setup(unreadable_ca_file_fails_at_start, clear_environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
