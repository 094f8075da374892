// The HTTP side of git's smart protocol (gitprotocol-http): addresses, headers, and what a status
// means. Reads no git data.
// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "git/git_internal.h"

enum { URL_MAX = 4096, ADVERT_BYTES_MAX = 64 << 20 };

const char *gs_service_name(enum gs_git_service service)
{
    return service == GS_GIT_UPLOAD_PACK ? "git-upload-pack" : "git-receive-pack";
}

static enum gs_status perform(const struct gs_git_remote *remote, struct gs_net_request *request,
                              const char *path, struct gs_net_response *out_response,
                              struct gs_error *err)
{
    GS_CLEANUP(gs_buf_release) struct gs_buf url;
    gs_buf_init(&url, URL_MAX);
    struct gs_slice base = gs_slice_str(remote->url);
    while (gs_slice_ends(base, "/"))
        base.len--;
    gs_buf_printf(&url, "%.*s/%s", GS_SLICE_ARG(base), path);
    enum gs_status status = gs_buf_check(&url, "the repository's address", err);
    if (status != GS_OK)
        return status;
    request->url = url.data;
    request->username = remote->username;
    request->password = remote->password;
    request->deadline_ms = remote->deadline_ms;
    return gs_net_perform(remote->net, request, out_response, err);
}

enum gs_status gs_remote_get_refs(const struct gs_git_remote *remote, enum gs_git_service service,
                                  struct gs_net_response *out_response, struct gs_error *err)
{
    char path[64];
    snprintf(path, sizeof path, "info/refs?service=%s", gs_service_name(service));
    struct gs_net_request request = {
        .method = "GET", .repeatable = true, .max_response = ADVERT_BYTES_MAX};
    enum gs_status status = perform(remote, &request, path, out_response, err);
    if (status == GS_LIMIT)
        return gs_fail(err, GS_CODE_HOST_FAILED, NULL,
                       "the git host lists more than %d MB of branches and tags",
                       ADVERT_BYTES_MAX >> 20);
    return status;
}

enum gs_status gs_remote_post(const struct gs_git_remote *remote, const struct gs_remote_post *post,
                              struct gs_net_response *out_response, struct gs_error *err)
{
    const char *service = gs_service_name(post->service);
    char content_type[80], accept[80];
    snprintf(content_type, sizeof content_type, "Content-Type: application/x-%s-request", service);
    snprintf(accept, sizeof accept, "Accept: application/x-%s-result", service);
    const char *const headers[] = {content_type, accept, NULL};
    struct gs_net_request request = {
        .method = "POST",
        .headers = headers,
        .body = post->body,
        .body_parts = post->body_parts,
        .repeatable = post->service == GS_GIT_UPLOAD_PACK, // reading changes nothing
        .max_response = post->max_response,
        .on_body = post->on_body,
        .on_again = post->on_again,
        .on_body_arg = post->on_body_arg,
        .on_sent = post->on_sent,
        .on_sent_arg = post->on_sent_arg,
        .handed_out = post->handed_out,
    };
    return perform(remote, &request, service, out_response, err);
}

static enum gs_status fail_rate_limited(const struct gs_net_response *response,
                                        struct gs_error *err)
{
    enum gs_status status = gs_fail(err, GS_CODE_RATE_LIMITED, NULL,
                                    "the git host asks us to wait before the next call");
    if (err)
        err->retry_after_s = gs_net_limit_s(response);
    return status;
}

static enum gs_status fail_forbidden(enum gs_git_service service, struct gs_error *err)
{
    if (service == GS_GIT_RECEIVE_PACK)
        return gs_fail(err, GS_CODE_REPOSITORY_NOT_WRITABLE, NULL,
                       "the App may not write to the repository; give it the permission Contents: "
                       "read and write");
    return gs_fail(err, GS_CODE_HOST_DENIED, NULL, "the git host refuses access to the repository");
}

static enum gs_status fail_status(enum gs_git_service service,
                                  const struct gs_net_response *response, struct gs_error *err)
{
    bool must_wait = response->retry_after_s > 0 || response->rate_limit_reset_s > 0;
    switch (response->status) {
    case 401:
        return gs_fail(err, GS_CODE_HOST_DENIED, NULL,
                       "the git host does not accept the credentials");
    case 403:
        return must_wait ? fail_rate_limited(response, err) : fail_forbidden(service, err);
    case 404:
    case 410:
        return gs_fail(err, GS_CODE_REPOSITORY_NOT_FOUND, NULL,
                       "Repository not found. It does not exist or the App cannot see it");
    case 413:
        return gs_fail(err, GS_CODE_TOO_LARGE, NULL, "the git host refuses a push of this size");
    case 429:
        return fail_rate_limited(response, err);
    default:
        break;
    }
    if (response->status == 503 && must_wait)
        return fail_rate_limited(response, err);
    if (response->status >= 300 && response->status < 400)
        return gs_fail(err, GS_CODE_HOST_FAILED, NULL,
                       "the git host redirects to another address (status %d); configure that one",
                       response->status);
    return gs_fail(err, GS_CODE_HOST_FAILED, NULL, "the git host answers with status %d",
                   response->status);
}

enum gs_status gs_remote_check(enum gs_git_service service, const struct gs_net_response *response,
                               const char *kind, struct gs_error *err)
{
    if (response->status != 200)
        return fail_status(service, response, err);
    char wanted[80];
    snprintf(wanted, sizeof wanted, "application/x-%s-%s", gs_service_name(service), kind);
    if (strcmp(response->content_type, wanted) != 0)
        return gs_fail(err, GS_CODE_HOST_FAILED, NULL,
                       "the git host answers with '%s' instead of git data; is the address that of "
                       "a repository?",
                       response->content_type);
    return GS_OK;
}

// How many bytes the first character has; 0 when it is not UTF-8.
static size_t character_length(struct gs_slice text)
{
    for (size_t n = 1; n <= 4 && n <= text.len; n++)
        if (gs_slice_is_utf8(gs_slice_of(text.data, n)))
            return n;
    return 0;
}

// One line, as a terminal would show it at its end: what a carriage return overwrote is gone.
static struct gs_slice visible_part(struct gs_slice line)
{
    while (line.len > 0 && (line.data[line.len - 1] == '\r' || line.data[line.len - 1] == 0))
        line.len--; // git itself ends one of its messages with a NUL
    const char *overwritten = memrchr(line.data ? line.data : "", '\r', line.len);
    if (overwritten)
        line = gs_slice_of(overwritten + 1, line.len - (size_t)(overwritten + 1 - line.data));
    return gs_slice_trim(line);
}

static void append_line(struct gs_slice line, struct gs_buf *out)
{
    if (line.len > 0 && out->len > 0)
        gs_buf_append_char(out, ' ');
    while (line.len > 0) {
        size_t n = character_length(line);
        bool printable =
            n > 1 || (n == 1 && (unsigned char)line.data[0] >= 0x20 && line.data[0] != 0x7f);
        if (!gs_buf_append(out, printable ? line.data : "?", printable ? n : 1))
            return;
        n = n ? n : 1;
        line = gs_slice_of(line.data + n, line.len - n);
    }
}

void gs_remote_clean_text(struct gs_slice text, struct gs_buf *out)
{
    while (text.len > 0)
        append_line(visible_part(gs_slice_split(&text, '\n')), out);
    out->failed = false; // what did not fit is cut
}
