// One exchange with the server, and what its refusals mean to a person.
// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "base/files.h"
#include "cli/cli_internal.h"

enum { TOKEN_MAX = 4096, ANSWER_MAX = 64 << 20 };

static enum gs_status read_token(struct cli *cli, const char *file, struct gs_error *err)
{
    GS_CLEANUP(gs_buf_release) struct gs_buf text;
    gs_buf_init(&text, TOKEN_MAX);
    enum gs_status status = gs_file_read(file, &text, err);
    if (status != GS_OK)
        return status;
    struct gs_slice rest = gs_buf_slice(&text);
    struct gs_slice line = gs_slice_trim(gs_slice_split(&rest, '\n'));
    if (gs_slice_ends(line, "\r"))
        line.len--;
    cli->token = gs_arena_printf(cli->arena, "%.*s", GS_SLICE_ARG(line));
    return GS_OK;
}

enum gs_status gs_cli_load_token(struct cli *cli, const char *file, struct gs_error *err)
{
    static const char *const names[] = {"GITSYNC_TOKEN", "EXTERNAL_API_ACCESS_TOKEN"};
    if (file)
        return read_token(cli, file, err);
    for (size_t i = 0; i < GS_COUNT(names) && !cli->token; i++) {
        const char *value = getenv(names[i]);
        if (value && *value)
            cli->token = value;
    }
    if (cli->token)
        return GS_OK;
    return gs_fail(err, GS_CODE_CONFIG_INVALID, NULL,
                   "there is no access token: set GITSYNC_TOKEN, or name a file with --token-file");
}

static enum gs_status fail_strange(const struct cli *cli, int status, struct gs_error *err)
{
    return gs_fail(err, GS_CODE_HOST_FAILED, NULL,
                   "%s does not answer as a gitsync server does (status %d); is that its address?",
                   cli->server, status);
}

static enum gs_status parse(struct cli *cli, const struct gs_net_response *response,
                            struct gs_error *err)
{
    gs_json_free(cli->answer);
    cli->answer = NULL;
    if (strcmp(response->content_type, "application/json") != 0 ||
        gs_json_parse(gs_buf_slice(&response->body), "the answer", &cli->answer, NULL) != GS_OK ||
        !yyjson_is_obj(yyjson_doc_get_root(cli->answer)))
        return fail_strange(cli, response->status, err);
    return GS_OK;
}

// The server's own words, in one line.
static enum gs_status judge(struct cli *cli, const struct gs_net_response *response,
                            struct gs_error *err)
{
    enum gs_status status = parse(cli, response, err);
    if (status != GS_OK || response->status / 100 == 2)
        return status;
    struct gs_slice message = gs_json_get_str(yyjson_doc_get_root(cli->answer), "message");
    if (response->status == 403)
        return gs_fail(err, GS_CODE_UNAUTHORIZED, NULL,
                       "the server does not accept this access token");
    if (message.len == 0)
        return fail_strange(cli, response->status, err);
    return gs_fail(err, GS_CODE_HOST_FAILED, NULL, "the server says: %.*s", GS_SLICE_ARG(message));
}

enum gs_status gs_cli_request(struct cli *cli, const char *method, const char *path,
                              int64_t seconds, struct gs_error *err)
{
    const struct gs_net_request request = {
        .method = method,
        .url = gs_arena_printf(cli->arena, "%s/api/ext%s", cli->server, path),
        .bearer = cli->token,
        .repeatable = strcmp(method, "GET") == 0,
        .deadline_ms = gs_clock_mono_ms() + seconds * 1000,
        .max_response = ANSWER_MAX,
    };
    struct gs_net_response response;
    enum gs_status status = gs_net_perform(cli->net, &request, &response, err);
    if (status != GS_OK)
        return status;
    status = judge(cli, &response, err);
    gs_buf_release(&cli->body);
    cli->body = response.body;
    gs_buf_init(&response.body, 0);
    gs_net_response_release(&response);
    return status;
}
