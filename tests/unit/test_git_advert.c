// What a host says it has: well-formed, malformed, cut off anywhere, and the HTTP statuses around
// it.
// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "git/git_internal.h"
#include "git/pktline.h"
#include "git_host.h"

#define ID1 "1111111111111111111111111111111111111111"
#define ID2 "2222222222222222222222222222222222222222"
#define ID3 "3333333333333333333333333333333333333333"
#define ZERO "0000000000000000000000000000000000000000"

// Lines become packets; "~" is a flush, "@" in a line a NUL.
static void frame(const char *const *lines, struct gs_buf *out)
{
    for (; *lines; lines++) {
        if (strcmp(*lines, "~") == 0) {
            gs_pkt_flush(out);
            continue;
        }
        char text[1000];
        size_t len = strlen(*lines);
        for (size_t i = 0; i < len; i++)
            text[i] = (char)((*lines)[i] == '@' ? 0 : (*lines)[i]);
        gs_pkt_append(out, gs_slice_of(text, len));
    }
}

static enum gs_status parse(struct gs_slice bytes, struct gs_arena *arena,
                            struct gs_git_advert *out_advert, struct gs_error *err)
{
    return gs_advert_parse(bytes, GS_GIT_UPLOAD_PACK, arena, out_advert, err);
}

#define ANNOUNCED "# service=git-upload-pack\n", "~"

static const char *const good[] = {
    ANNOUNCED,
    ID1 " HEAD@multi_ack thin-pack side-band-64k ofs-delta no-progress atomic delete-refs "
        "report-status symref=HEAD:refs/heads/main object-format=sha1 agent=git/2\n",
    ID1 " refs/heads/main\n",
    ID2 " refs/heads/\xc3\xa9/x\n",
    ID3 " .have\n",
    ID3 " refs/tags/v1\n",
    ID1 " refs/tags/v1^{}\n",
    ID2 " refs/tags/v2\n",
    "~",
    NULL,
};

static void what_it_says_is_read(void **state)
{
    (void)state;
    GS_CLEANUP(gs_arena_cleanup) struct gs_arena *arena = gs_arena_new();
    GS_CLEANUP(gs_buf_release) struct gs_buf bytes;
    gs_buf_init(&bytes, 10000);
    frame(good, &bytes);
    struct gs_error err = GS_ERROR_INIT;
    struct gs_git_advert advert;
    assert_int_equal(parse(gs_buf_slice(&bytes), arena, &advert, &err), GS_OK);
    assert_int_equal(advert.service, GS_GIT_UPLOAD_PACK);
    assert_int_equal(advert.count, 5);
    assert_string_equal(advert.head, "refs/heads/main");
    assert_true(advert.thin_pack && advert.side_band_64k && advert.ofs_delta && advert.no_progress);
    assert_true(advert.atomic && advert.delete_refs && advert.report_status);
    assert_string_equal(advert.refs[0].name, "HEAD");
    const struct gs_git_ref *tag = gs_git_advert_find(&advert, "refs/tags/v1");
    assert_string_equal(tag->oid.hex, ID3);
    assert_string_equal(tag->peeled.hex, ID1);
    assert_true(gs_oid_is_none(&gs_git_advert_find(&advert, "refs/tags/v2")->peeled));
    assert_null(gs_git_advert_find(&advert, "refs/tags/v"));
    assert_null(gs_git_advert_find(&advert, ".have"));
}

static void every_truncation_is_refused(void **state)
{
    (void)state;
    GS_CLEANUP(gs_arena_cleanup) struct gs_arena *arena = gs_arena_new();
    GS_CLEANUP(gs_buf_release) struct gs_buf bytes;
    gs_buf_init(&bytes, 10000);
    frame(good, &bytes);
    for (size_t len = 0; len < bytes.len; len++) {
        struct gs_error err = GS_ERROR_INIT;
        struct gs_git_advert advert;
        // A copy of that size, so that a read beyond it is found.
        char *copy = memcpy(gs_xcalloc(len, 1), bytes.data, len);
        assert_int_equal(parse(gs_slice_of(copy, len), arena, &advert, &err), GS_UPSTREAM);
        assert_int_equal(err.code, GS_CODE_HOST_FAILED);
        gs_error_release(&err);
        free(copy);
    }
}

static void every_changed_byte_is_survived(void **state)
{
    (void)state;
    GS_CLEANUP(gs_buf_release) struct gs_buf bytes;
    gs_buf_init(&bytes, 10000);
    frame(good, &bytes);
    static const unsigned char values[] = {0, '\n', ' ', '0', '^', '~', 0x7f, 0xff};
    for (size_t at = 0; at < bytes.len; at++) {
        GS_CLEANUP(gs_arena_cleanup) struct gs_arena *arena = gs_arena_new();
        for (size_t i = 0; i < sizeof values; i++) {
            char before = bytes.data[at];
            bytes.data[at] = (char)values[i];
            struct gs_error err = GS_ERROR_INIT;
            struct gs_git_advert advert;
            enum gs_status status = parse(gs_buf_slice(&bytes), arena, &advert, &err);
            assert_true(status == GS_OK || err.code == GS_CODE_HOST_FAILED);
            gs_error_release(&err);
            bytes.data[at] = before;
        }
    }
}

static void empty_repositories_are_recognised(void **state)
{
    (void)state;
    static const char *const cases[][5] = {
        {ANNOUNCED, ZERO " capabilities^{}@report-status side-band-64k\n", "~"},
        {ANNOUNCED, "~"},
    };
    for (size_t i = 0; i < GS_COUNT(cases); i++) {
        GS_CLEANUP(gs_arena_cleanup) struct gs_arena *arena = gs_arena_new();
        GS_CLEANUP(gs_buf_release) struct gs_buf bytes;
        gs_buf_init(&bytes, 10000);
        frame(cases[i], &bytes);
        struct gs_git_advert advert;
        assert_int_equal(parse(gs_buf_slice(&bytes), arena, &advert, NULL), GS_OK);
        assert_int_equal(advert.count, 0);
        assert_null(advert.head);
        assert_int_equal(advert.report_status, i == 0);
    }
}

static void malformed_ones_are_refused(void **state)
{
    (void)state;
    static const char *const cases[][8] = {
        {"~"},
        {"# service=git-receive-pack\n", "~", ID1 " HEAD@x\n", "~"},
        {"# service=git-upload-pack\n", ID1 " HEAD@x\n", "~"},
        {"version 1\n", ANNOUNCED, "~"},
        {ANNOUNCED, "version 1\n", ID1 " HEAD@x\n", "~"},
        {ANNOUNCED, ID1 " HEAD\n", "~"},
        {ANNOUNCED, ID1 " HEAD@a@b\n", "~"},
        {ANNOUNCED, ID1 " HEAD@a\n", ID1 " refs/heads/x@b\n", "~"},
        {ANNOUNCED, ID1 " HEAD@a\n", "~", "~"},
        {ANNOUNCED, ID1 " HEAD@a\n", "~", ID1 " refs/heads/x\n"},
        {ANNOUNCED, ID1 "@a\n", "~"},
        {ANNOUNCED, ID1 " @a\n", "~"},
        {ANNOUNCED, "111 HEAD@a\n", "~"},
        {ANNOUNCED, ID1 "1 HEAD@a\n", "~"},
        {ANNOUNCED, "g111111111111111111111111111111111111111 HEAD@a\n", "~"},
        {ANNOUNCED, ZERO " refs/heads/x@a\n", "~"},
        {ANNOUNCED, ID1 " HEAD@a\n", ZERO " refs/heads/x\n", "~"},
        {ANNOUNCED, ID1 " HEAD@a\n", ZERO " capabilities^{}\n", "~"},
        {ANNOUNCED, ID1 " refs/heads/../x@a\n", "~"},
        {ANNOUNCED, ID1 " refs/heads/x y@a\n", "~"},
        {ANNOUNCED, ID1 " refs/heads/x.lock@a\n", "~"},
        {ANNOUNCED, ID1 " refs/heads/x\x7f@a\n", "~"},
        {ANNOUNCED, ID1 " refs/heads/x\ny@a\n", "~"},
        {ANNOUNCED, ID1 " ../x@a\n", "~"},
        {ANNOUNCED, ID1 " refs/tags/v1^{}@a\n", "~"},
        {ANNOUNCED, ID1 " refs/tags/v2@a\n", ID1 " refs/tags/v1^{}\n", "~"},
        {ANNOUNCED, ID1 " HEAD@object-format=sha256\n", "~"},
        {ANNOUNCED, "ERR no access\n", "~"},
        {"ERR no access\n"},
    };
    for (size_t i = 0; i < GS_COUNT(cases); i++) {
        GS_CLEANUP(gs_arena_cleanup) struct gs_arena *arena = gs_arena_new();
        GS_CLEANUP(gs_buf_release) struct gs_buf bytes;
        gs_buf_init(&bytes, 10000);
        frame(cases[i], &bytes);
        struct gs_error err = GS_ERROR_INIT;
        struct gs_git_advert advert;
        if (parse(gs_buf_slice(&bytes), arena, &advert, &err) != GS_UPSTREAM)
            fail_msg("case %zu", i);
        assert_int_equal(err.code, GS_CODE_HOST_FAILED);
        gs_error_release(&err);
    }
}

static void an_error_of_the_host_is_passed_on_clean(void **state)
{
    (void)state;
    GS_CLEANUP(gs_arena_cleanup) struct gs_arena *arena = gs_arena_new();
    GS_CLEANUP(gs_buf_release) struct gs_buf bytes;
    gs_buf_init(&bytes, 10000);
    frame((const char *const[]){"ERR you \x1b[31mmay not\r\n", NULL}, &bytes);
    struct gs_error err = GS_ERROR_INIT;
    struct gs_git_advert advert;
    assert_int_equal(parse(gs_buf_slice(&bytes), arena, &advert, &err), GS_UPSTREAM);
    assert_string_equal(err.message, "the git host says: you ?[31mmay not");
    gs_error_release(&err);
}

// ---- Over HTTP -------------------------------------------------------------

static void answer_as_told(struct loopback_conn *conn)
{
    struct gs_buf head, body;
    gs_buf_init(&head, 65536);
    gs_buf_init(&body, 65536);
    while (loopback_read(conn, &head, &body))
        loopback_send(conn, conn->arg);
    gs_buf_release(&head);
    gs_buf_release(&body);
}

static void statuses_become_the_promised_errors(void **state)
{
    struct git_host *host = *state;
    static const struct {
        const char *answer;
        enum gs_git_service service;
        enum gs_code code;
        long retry_after_s;
    } cases[] = {
        {"401 Unauthorized\r\n", GS_GIT_UPLOAD_PACK, GS_CODE_HOST_DENIED, 0},
        {"401 Unauthorized\r\n", GS_GIT_RECEIVE_PACK, GS_CODE_HOST_DENIED, 0},
        {"403 Forbidden\r\n", GS_GIT_UPLOAD_PACK, GS_CODE_HOST_DENIED, 0},
        {"403 Forbidden\r\n", GS_GIT_RECEIVE_PACK, GS_CODE_REPOSITORY_NOT_WRITABLE, 0},
        {"403 Forbidden\r\nRetry-After: 7\r\n", GS_GIT_RECEIVE_PACK, GS_CODE_RATE_LIMITED, 7},
        {"404 Not Found\r\n", GS_GIT_UPLOAD_PACK, GS_CODE_REPOSITORY_NOT_FOUND, 0},
        {"429 Too Many\r\nRetry-After: 9\r\n", GS_GIT_UPLOAD_PACK, GS_CODE_RATE_LIMITED, 9},
        {"429 Too Many\r\n", GS_GIT_UPLOAD_PACK, GS_CODE_RATE_LIMITED, 60},
        {"500 Oops\r\n", GS_GIT_UPLOAD_PACK, GS_CODE_HOST_FAILED, 0},
        {"503 Busy\r\n", GS_GIT_UPLOAD_PACK, GS_CODE_HOST_FAILED, 0},
        {"301 Moved\r\nLocation: http://127.0.0.1:1/\r\n", GS_GIT_UPLOAD_PACK, GS_CODE_HOST_FAILED,
         0},
        {"200 OK\r\nContent-Type: text/html\r\n", GS_GIT_UPLOAD_PACK, GS_CODE_HOST_FAILED, 0},
        {"200 OK\r\n", GS_GIT_UPLOAD_PACK, GS_CODE_HOST_FAILED, 0},
        {"200 OK\r\nContent-Type: application/x-git-receive-pack-advertisement\r\n",
         GS_GIT_UPLOAD_PACK, GS_CODE_HOST_FAILED, 0},
        {"200 OK\r\nContent-Type: application/x-git-upload-pack-advertisement\r\n",
         GS_GIT_UPLOAD_PACK, GS_CODE_HOST_FAILED, 0},
    };
    for (size_t i = 0; i < GS_COUNT(cases); i++) {
        char answer[300];
        snprintf(answer, sizeof answer, "HTTP/1.1 %sContent-Length: 6\r\n\r\n<html>",
                 cases[i].answer);
        struct loopback *server = loopback_start(answer_as_told, answer);
        struct gs_git_remote remote = *git_host_remote(host);
        char url[64];
        snprintf(url, sizeof url, "http://127.0.0.1:%d/x", loopback_port(server));
        remote.url = url;
        struct gs_git_advert advert;
        enum gs_status status =
            gs_git_advertise(&remote, cases[i].service, host->arena, &advert, &host->err);
        if (status == GS_OK || host->err.code != cases[i].code)
            fail_msg("case %zu: %s", i, host->err.message);
        assert_int_equal(host->err.retry_after_s, cases[i].retry_after_s);
        gs_error_release(&host->err);
        loopback_stop(server);
    }
}

static void echo_head(struct loopback_conn *conn)
{
    struct gs_buf head, body;
    gs_buf_init(&head, 65536);
    gs_buf_init(&body, 65536);
    if (loopback_read(conn, &head, &body)) {
        memcpy((char *)conn->arg, head.data, head.len + 1);
        loopback_answer(conn, "404 Not Found", "", "");
    }
    gs_buf_release(&head);
    gs_buf_release(&body);
}

static void the_request_is_gits_own(void **state)
{
    struct git_host *host = *state;
    static char seen[65536];
    struct loopback *server = loopback_start(echo_head, seen);
    struct gs_git_remote remote = *git_host_remote(host);
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%d/a/b.git//", loopback_port(server));
    remote.url = url;
    struct gs_git_advert advert;
    GIT_FAILS(host, GS_CODE_REPOSITORY_NOT_FOUND,
              gs_git_advertise(&remote, GS_GIT_RECEIVE_PACK, host->arena, &advert, &host->err));
    loopback_stop(server);
    const char *line = "GET /a/b.git/info/refs?service=git-receive-pack HTTP/1.1\r\n";
    assert_memory_equal(seen, line, strlen(line));
    assert_non_null(strstr(seen, "\r\nAuthorization: Basic "));
    assert_null(strcasestr(seen, "Git-Protocol"));
}

static void the_real_git_is_understood(void **state)
{
    struct git_host *host = *state;
    for (int service = GS_GIT_UPLOAD_PACK; service <= GS_GIT_RECEIVE_PACK; service++)
        assert_int_equal(git_host_advert(host, (enum gs_git_service)service).count, 0);
    struct gs_oid main = git_host_commit(host, "main", "a", "1");
    git_host_run(host,
                 "git tag light main; git tag -a -m x heavy main; git branch odd/%%/\xc3\xa9 main; "
                 "git pack-refs --all");
    struct gs_oid other = git_host_commit(host, "other", "a", "2");
    struct gs_git_advert advert = git_host_advert(host, GS_GIT_UPLOAD_PACK);
    assert_int_equal(advert.count, 6);
    assert_string_equal(advert.head, "refs/heads/main");
    assert_string_equal(gs_git_advert_find(&advert, "refs/heads/main")->oid.hex, main.hex);
    assert_string_equal(gs_git_advert_find(&advert, "refs/heads/other")->oid.hex, other.hex);
    assert_string_equal(gs_git_advert_find(&advert, "refs/tags/heavy")->peeled.hex, main.hex);
    assert_non_null(gs_git_advert_find(&advert, "refs/heads/odd/%/\xc3\xa9"));
    assert_true(advert.side_band_64k && advert.ofs_delta && advert.thin_pack);
    advert = git_host_advert(host, GS_GIT_RECEIVE_PACK);
    assert_int_equal(advert.count, 5);
    assert_true(advert.report_status && advert.side_band_64k && advert.atomic);
}

static void a_sha256_repository_is_refused(void **state)
{
    struct git_host *host = *state;
    git_host_run(host,
                 "cd .. && rm -rf repo.git && git init -q --bare --object-format=sha256 repo.git");
    struct gs_git_advert advert;
    GIT_FAILS(host, GS_CODE_HOST_FAILED,
              gs_git_advertise(git_host_remote(host), GS_GIT_RECEIVE_PACK, host->arena, &advert,
                               &host->err));
}

static int start(void **state)
{
    (void)state;
    return gs_git_init(NULL) == GS_OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_it_says_is_read),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(every_changed_byte_is_survived),
        cmocka_unit_test(empty_repositories_are_recognised),
        cmocka_unit_test(malformed_ones_are_refused),
        cmocka_unit_test(an_error_of_the_host_is_passed_on_clean),
        GIT_TEST(statuses_become_the_promised_errors),
        GIT_TEST(the_request_is_gits_own),
        GIT_TEST(the_real_git_is_understood),
        GIT_TEST(a_sha256_repository_is_refused),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
