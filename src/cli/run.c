// Runs a subcommand: its flags, its action, and the message when it fails.
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "base/version.h"
#include "cli/cli_internal.h"

enum { CONNECT_MS = 10000 };

static const char default_server[] = "http://127.0.0.1:8080";

struct flags {
    const char *server, *token_file, *ca_file;
    const char *action;
    bool json, help;
};

// "--name VALUE" or "--name=VALUE"; NULL, and *ok false, when the value is missing.
static bool take_value(int argc, char *const *argv, int *at, const char *name,
                       const char **out_value, bool *ok)
{
    size_t len = strlen(name);
    if (strncmp(argv[*at], name, len) != 0 || (argv[*at][len] && argv[*at][len] != '='))
        return false;
    *ok = argv[*at][len] || *at + 1 < argc;
    if (*ok)
        *out_value = argv[*at][len] ? argv[*at] + len + 1 : argv[++*at];
    return true;
}

// False at the first argument that is not understood, which is argv[*at] then.
static bool read_flags(int argc, char *const *argv, struct flags *flags, int *at)
{
    bool ok = true;
    for (*at = 0; ok && *at < argc; (*at)++) {
        const char *arg = argv[*at];
        if (take_value(argc, argv, at, "--server", &flags->server, &ok) ||
            take_value(argc, argv, at, "--token-file", &flags->token_file, &ok) ||
            take_value(argc, argv, at, "--ca-file", &flags->ca_file, &ok)) {
            if (!ok)
                return false;
        } else if (strcmp(arg, "--json") == 0) {
            flags->json = true;
        } else if (strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0) {
            flags->help = true;
        } else if (*arg != '-' && !flags->action) {
            flags->action = arg;
        } else {
            return false;
        }
    }
    return true;
}

static const struct cli_action *find_action(const struct cli_action *actions, size_t count,
                                            const char *name)
{
    for (size_t i = 0; name && i < count; i++)
        if (strcmp(actions[i].name, name) == 0)
            return &actions[i];
    return NULL;
}

static const char *without_slash(struct gs_arena *arena, const char *url)
{
    size_t len = strlen(url);
    while (len > 0 && url[len - 1] == '/')
        len--;
    return gs_arena_printf(arena, "%.*s", (int)len, url);
}

static enum gs_status prepare(struct cli *cli, const struct flags *flags, struct gs_error *err)
{
    const char *from_environment = getenv("GITSYNC_SERVER");
    const char *server = flags->server                           ? flags->server
                         : from_environment && *from_environment ? from_environment
                                                                 : default_server;
    const struct gs_net_options options = {.ca_file = flags->ca_file,
                                           .allow_loopback = true,
                                           .user_agent = "gitsync/" GS_VERSION,
                                           .connect_timeout_ms = CONNECT_MS,
                                           .max_idle = 1};
    cli->server = without_slash(cli->arena, server);
    enum gs_status status = gs_net_new(&options, &cli->net, err);
    if (status == GS_OK)
        status = gs_net_check_url(cli->net, cli->server, NULL, err);
    if (status != GS_OK)
        gs_error_prefix(err, "the server's address %s", cli->server);
    return status == GS_OK ? gs_cli_load_token(cli, flags->token_file, err) : status;
}

static int carry_out(const struct cli_action *action, const struct flags *flags)
{
    struct gs_error err = GS_ERROR_INIT;
    struct cli cli = {.arena = gs_arena_new(), .json = flags->json};
    gs_buf_init(&cli.body, 0);
    int exit_status = CLI_USAGE;
    enum gs_status status = prepare(&cli, flags, &err);
    if (status == GS_OK) {
        exit_status = CLI_FAILED;
        status = action->run(&cli, &err);
    }
    if (status == GS_OK)
        exit_status = fflush(stdout) == 0 ? CLI_DONE : CLI_FAILED;
    else
        fprintf(stderr, "gitsync: %s\n", err.message);
    gs_error_release(&err);
    gs_json_free(cli.answer);
    gs_buf_release(&cli.body);
    gs_net_free(cli.net);
    gs_arena_free(cli.arena);
    return exit_status;
}

int gs_cli_run(const char *command, const char *help, const struct cli_action *actions,
               size_t count, int argc, char *const *argv)
{
    struct flags flags = {0};
    int at;
    if (!read_flags(argc, argv, &flags, &at)) {
        fprintf(stderr, "gitsync %s: '%s' is not understood; see 'gitsync %s --help'\n", command,
                argv[at], command);
        return CLI_USAGE;
    }
    if (flags.help) {
        fputs(help, stdout);
        return fflush(stdout) == 0 ? CLI_DONE : CLI_FAILED;
    }
    const struct cli_action *action = find_action(actions, count, flags.action);
    if (action)
        return carry_out(action, &flags);
    fputs(help, stderr);
    return CLI_USAGE;
}
