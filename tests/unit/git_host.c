// The host of git_host.h: CGI over memory files, so that neither side can block the other.
// SPDX-License-Identifier: Apache-2.0
#include "git_host.h"

#include "git/git_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/files.h"

enum { BODY_MAX = 256 << 20, COMMAND_MAX = 4096, OUTPUT_MAX = 16 << 20 };

// For the server's threads, where cmocka's assertions must not be used.
static void require(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "git host: %s failed\n", what);
    abort();
}

// ---- CGI -------------------------------------------------------------------

static int memory_file(const char *name, struct gs_slice content)
{
    int fd = memfd_create(name, 0);
    require(fd >= 0, "memfd_create");
    while (content.len > 0) {
        ssize_t n = write(fd, content.data, content.len);
        require(n > 0, "write");
        content = gs_slice_of(content.data + n, content.len - (size_t)n);
    }
    lseek(fd, 0, SEEK_SET);
    return fd;
}

// The value of a request header, "" when it is missing; for CGI variables.
static struct gs_slice header(const struct gs_buf *head, const char *name)
{
    const char *at = strcasestr(head->data, name);
    if (!at)
        return GS_SLICE_EMPTY;
    at += strlen(name);
    return gs_slice_of(at, strcspn(at, "\r"));
}

static void spawn_backend(const struct git_host *host, const struct gs_buf *head, size_t body_len,
                          int in, int out)
{
    struct gs_slice line = gs_buf_slice(head);
    struct gs_slice method = gs_slice_split(&line, ' ');
    struct gs_slice query = gs_slice_split(&line, ' ');
    struct gs_slice path = gs_slice_split(&query, '?');
    struct gs_slice type = header(head, "\r\nContent-Type: ");
    char variables[6][256];
    snprintf(variables[0], 256, "GIT_PROJECT_ROOT=%s", host->folder);
    snprintf(variables[1], 256, "REQUEST_METHOD=%.*s", GS_SLICE_ARG(method));
    snprintf(variables[2], 256, "PATH_INFO=%.*s", GS_SLICE_ARG(path));
    snprintf(variables[3], 256, "QUERY_STRING=%.*s", GS_SLICE_ARG(query));
    snprintf(variables[4], 256, "CONTENT_TYPE=%.*s", GS_SLICE_ARG(type));
    snprintf(variables[5], 256, "CONTENT_LENGTH=%zu", body_len);
    char executable_path[4096];
    snprintf(executable_path, sizeof executable_path, "PATH=%s", getenv("PATH"));
    const char *env[] = {variables[0],
                         variables[1],
                         variables[2],
                         variables[3],
                         variables[4],
                         variables[5],
                         executable_path,
                         "GIT_HTTP_EXPORT_ALL=1",
                         "REMOTE_USER=t",
                         "GIT_CONFIG_NOSYSTEM=1",
                         "HOME=/",
                         "GIT_CONFIG_GLOBAL=/dev/null",
                         NULL};
    const char *argv[] = {"git", "http-backend", NULL};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    pid_t pid;
    int status;
    require(posix_spawnp(&pid, "git", &actions, NULL, (char *const *)argv, (char *const *)env) == 0,
            "posix_spawnp");
    posix_spawn_file_actions_destroy(&actions);
    while (waitpid(pid, &status, 0) < 0)
        require(errno == EINTR, "waitpid");
}

static void run_backend(const struct git_host *host, const struct gs_buf *head,
                        const struct gs_buf *body, struct gs_buf *out)
{
    int in = memory_file("request", gs_buf_slice(body));
    int answer = memory_file("answer", GS_SLICE_EMPTY);
    spawn_backend(host, head, body->len, in, answer);
    close(in);
    off_t len = lseek(answer, 0, SEEK_END);
    lseek(answer, 0, SEEK_SET);
    gs_buf_clear(out);
    char *to = gs_buf_reserve(out, (size_t)len);
    require(to && read(answer, to, (size_t)len) == len, "read");
    out->len += (size_t)len;
    to[len] = 0;
    close(answer);
}

// "Status: 404 Not Found" and headers, an empty line, the body. Cut short, the length still
// promises all of it.
static void send_answer(struct loopback_conn *conn, const struct gs_buf *cgi, size_t most)
{
    const char *end = strstr(cgi->data, "\r\n\r\n");
    require(end != NULL, "finding the end of the headers");
    struct gs_slice body = gs_slice_of(end + 4, cgi->len - (size_t)(end + 4 - cgi->data));
    const char *status = "200 OK", *headers = cgi->data;
    char status_text[64];
    if (strncmp(headers, "Status: ", 8) == 0) {
        snprintf(status_text, sizeof status_text, "%.*s", (int)strcspn(headers + 8, "\r"),
                 headers + 8);
        status = status_text;
    }
    GS_CLEANUP(gs_buf_release) struct gs_buf text;
    gs_buf_init(&text, BODY_MAX);
    gs_buf_printf(&text, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n%.*s\r\n\r\n", status, body.len,
                  (int)(end - headers), headers);
    gs_buf_append(&text, body.data, body.len < most ? body.len : most);
    loopback_send_bytes(conn, text.data, text.len);
}

// False when the connection is to be closed.
static bool handle(struct loopback_conn *conn, struct git_host *host, const struct gs_buf *head,
                   const struct gs_buf *body)
{
    bool is_post = gs_slice_starts(gs_buf_slice(head), "POST ");
    enum git_fault fault = is_post ? host->fault : GIT_WORKS;
    if (is_post) {
        host->fault = GIT_WORKS;
        host->posts++;
        host->posted_bytes += body->len;
    } else {
        host->gets++;
    }
    if (fault == GIT_CLOSES_BEFORE)
        return false;
    if (fault == GIT_ANSWERS)
        return loopback_send(conn, host->fault_answer);
    GS_CLEANUP(gs_buf_release) struct gs_buf cgi;
    gs_buf_init(&cgi, BODY_MAX);
    run_backend(host, head, body, &cgi);
    if (fault != GIT_CLOSES_AFTER)
        send_answer(conn, &cgi, fault == GIT_CUTS ? host->fault_bytes : SIZE_MAX);
    return fault == GIT_WORKS;
}

static void serve(struct loopback_conn *conn)
{
    struct git_host *host = (struct git_host *)conn->arg;
    GS_CLEANUP(gs_buf_release) struct gs_buf head, body;
    gs_buf_init(&head, 65536);
    gs_buf_init(&body, BODY_MAX);
    while (loopback_read(conn, &head, &body) && handle(conn, host, &head, &body))
        continue;
}

// ---- The fixture -----------------------------------------------------------

static void start_client(struct git_host *host)
{
    struct gs_net_options options = {.allow_loopback = true,
                                     .user_agent = "gitsync/test",
                                     .connect_timeout_ms = 5000,
                                     .max_idle = 4};
    unsetenv("http_proxy");
    unsetenv("all_proxy");
    unsetenv("ALL_PROXY");
    GIT_OK(host, gs_net_new(&options, &host->net, &host->err));
    snprintf(host->url, sizeof host->url, "http://127.0.0.1:%d/repo.git",
             loopback_port(host->server));
    host->remote = (struct gs_git_remote){.net = host->net,
                                          .url = host->url,
                                          .username = "x-access-token",
                                          .password = "token",
                                          .max_pack = 256 << 20};
}

int git_host_set_up(void **state)
{
    struct git_host *host = gs_xcalloc(1, sizeof *host);
    *state = host;
    snprintf(host->folder, sizeof host->folder, "/tmp/gitsync-test-XXXXXX");
    assert_non_null(mkdtemp(host->folder));
    snprintf(host->repo, sizeof host->repo, "%s/repo.git", host->folder);
    snprintf(host->mirror_folder, sizeof host->mirror_folder, "%s/mirror", host->folder);
    host->arena = gs_arena_new();
    GIT_OK(host, gs_git_init(&host->err));
    GIT_OK(host, gs_dir_make(host->repo, 0700, &host->err));
    git_host_run(host, "git init -q --bare -b main . && git config http.receivepack true");
    host->server = loopback_start(serve, host);
    start_client(host);
    git_host_reopen_mirror(host);
    return 0;
}

int git_host_tear_down(void **state)
{
    struct git_host *host = *state;
    gs_mirror_close(host->mirror);
    gs_net_free(host->net);
    loopback_stop(host->server);
    gs_git_shutdown();
    GIT_OK(host, gs_dir_remove(host->folder, &host->err));
    gs_error_release(&host->err);
    gs_arena_free(host->arena);
    free(host);
    return 0;
}

void git_host_save(struct git_host *host)
{
    GIT_OK(host, gs_fresh_save(host->mirror, &host->err));
}

void git_host_reopen_mirror(struct git_host *host)
{
    gs_mirror_close(host->mirror);
    host->mirror = NULL;
    GIT_OK(host, gs_mirror_open(host->mirror_folder, &host->mirror, &host->err));
}

const struct gs_git_remote *git_host_remote(struct git_host *host)
{
    host->remote.deadline_ms = gs_clock_mono_ms() + 20000;
    return &host->remote;
}

const char *git_host_run(struct git_host *host, const char *fmt, ...)
{
    GS_CLEANUP(gs_buf_release) struct gs_buf command, output;
    gs_buf_init(&command, COMMAND_MAX);
    gs_buf_init(&output, OUTPUT_MAX);
    gs_buf_printf(&command,
                  "cd %s && unset GIT_DIR && export GIT_CONFIG_NOSYSTEM=1 "
                  "GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_NAME=o GIT_AUTHOR_EMAIL=o@x "
                  "GIT_COMMITTER_NAME=o GIT_COMMITTER_EMAIL=o@x && ",
                  host->repo);
    va_list args;
    va_start(args, fmt);
    char text[COMMAND_MAX];
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    gs_buf_append_str(&command, text);
    FILE *pipe = popen(command.data, "r");
    assert_non_null(pipe);
    char chunk[4096];
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, pipe)) > 0;)
        gs_buf_append(&output, chunk, n);
    if (pclose(pipe) != 0)
        fail_msg("%s", text);
    struct gs_slice result = gs_buf_slice(&output);
    if (gs_slice_ends(result, "\n"))
        result.len--;
    return gs_arena_dup_slice(host->arena, result);
}

struct gs_oid git_host_head(struct git_host *host, const char *branch)
{
    struct gs_oid oid = {0};
    const char *hex = git_host_run(host, "git rev-parse -q --verify refs/heads/%s || true", branch);
    assert_true(*hex == 0 || gs_oid_parse(gs_slice_str(hex), &oid));
    return oid;
}

struct gs_oid git_host_commit(struct git_host *host, const char *branch, const char *path,
                              const char *content)
{
    git_host_run(host,
                 "export GIT_INDEX_FILE=$PWD/index.test; rm -f $GIT_INDEX_FILE; b=refs/heads/%s; "
                 "git read-tree -q $b 2>/dev/null; "
                 "o=$(printf %%s '%s' | git hash-object -w --stdin) && "
                 "git update-index --add --cacheinfo \"100644,$o,%s\" && "
                 "p=$(git rev-parse -q --verify $b) && p=\"-p $p\"; "
                 "git update-ref $b $(git commit-tree $p -m other $(git write-tree))",
                 branch, content, path);
    return git_host_head(host, branch);
}

// ---- The steps of a sync ---------------------------------------------------

struct gs_git_advert git_host_advert(struct git_host *host, enum gs_git_service service)
{
    struct gs_git_advert advert;
    GIT_OK(host,
           gs_git_advertise(git_host_remote(host), service, host->arena, &advert, &host->err));
    return advert;
}

void git_host_fetch(struct git_host *host, const char *ref)
{
    struct gs_git_advert advert = git_host_advert(host, GS_GIT_UPLOAD_PACK);
    const struct gs_git_ref *found = gs_git_advert_find(&advert, ref);
    assert_non_null(found);
    GIT_OK(host, gs_mirror_fetch(host->mirror, git_host_remote(host), &advert, found, &host->err));
}

struct gs_oid git_host_edit(struct git_host *host, const struct gs_oid *parent,
                            const struct gs_edit *edits, size_t count)
{
    struct gs_commit_request request = {.parent = *parent,
                                        .edits = edits,
                                        .edit_count = count,
                                        .author_name = "Test Author",
                                        .author_email = "author@example.org",
                                        .message = GS_SLICE_LIT("a change"),
                                        .when_ms = 1700000000123};
    struct gs_oid commit;
    GIT_OK(host, gs_mirror_commit(host->mirror, &request, host->arena, &commit, &host->changes,
                                  &host->change_count, &host->err));
    return commit;
}

struct gs_oid git_host_write(struct git_host *host, const struct gs_oid *parent, const char *path,
                             const char *content)
{
    struct gs_edit edit = {.kind = GS_EDIT_WRITE, .path = path, .content = gs_slice_str(content)};
    return git_host_edit(host, parent, &edit, 1);
}

enum gs_push_outcome git_host_push(struct git_host *host, const char *ref, const struct gs_oid *old,
                                   const struct gs_oid *new, const char **out_reason)
{
    struct gs_git_advert advert = git_host_advert(host, GS_GIT_RECEIVE_PACK);
    enum gs_push_outcome outcome;
    const char *reason;
    GIT_OK(host, gs_git_push(host->mirror, git_host_remote(host), &advert, ref, old, new,
                             host->arena, &outcome, &reason, &host->err));
    gs_error_release(&host->err);
    if (out_reason)
        *out_reason = reason;
    return outcome;
}
