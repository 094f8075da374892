// What the subcommands share: their flags, one exchange with the server, and showing what came.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_CLI_CLI_INTERNAL_H
#define GS_CLI_CLI_INTERNAL_H

#include "cli/cli.h"
#include "net/net.h"
#include "json/json.h"

enum cli_exit { CLI_DONE = 0, CLI_FAILED = 1, CLI_USAGE = 2 };

// One run. Lives in its arena.
struct cli {
    struct gs_arena *arena;
    const char *server; // without a slash at its end
    const char *token;
    const char *ca_file;
    bool json; // print the answer as it came
    struct gs_net *net;
    struct gs_buf body; // of the last answer
    yyjson_doc *answer; // the same, parsed
};

// What a word behind the command's name does, "list" say.
struct cli_action {
    const char *name;
    enum gs_status (*run)(struct cli *cli, struct gs_error *err);
};
// Finds the action, reads the flags, runs it and tells what went wrong. help is printed for --help.
int gs_cli_run(const char *command, const char *help, const struct cli_action *actions,
               size_t count, int argc, char *const *argv);

// ---- request.c ----
// The token, from where it may come from; never from an argument, which every process can see.
enum gs_status gs_cli_load_token(struct cli *cli, const char *file,
                                 struct gs_error *err) GS_MUST_CHECK;
// One exchange that must end within some seconds; the path begins with a slash. GS_OK: cli->answer is the object that came.
enum gs_status gs_cli_request(struct cli *cli, const char *method, const char *path,
                              int64_t seconds, struct gs_error *err) GS_MUST_CHECK;

// ---- show.c: the answer for a person ----
// The answer's bytes as they came.
void gs_cli_print_answer(const struct cli *cli);
int64_t gs_cli_number(yyjson_val *obj, const char *name); // 0 when it is none
// "1.5 MB"; in powers of 1024.
enum { CLI_SIZE_TEXT = 32 };
void gs_cli_format_size(int64_t bytes, char out[CLI_SIZE_TEXT]);
// A string member, without what could steer a terminal; otherwise when it is none.
void gs_cli_print_text(yyjson_val *obj, const char *name, const char *otherwise);

// What all commands have in common, for their help.
#define CLI_COMMON_HELP                                                                            \
    "  --server URL       where the server is; default http://127.0.0.1:8080\n"                    \
    "                     GITSYNC_SERVER\n"                                                        \
    "  --token-file FILE  file that holds the access token\n"                                      \
    "                     GITSYNC_TOKEN or EXTERNAL_API_ACCESS_TOKEN hold the token itself\n"      \
    "  --ca-file FILE     PEM file of the authorities that the server's certificate is checked\n"  \
    "                     against, instead of the system's\n"                                      \
    "  --json             print the server's answer\n"                                             \
    "  --help             print this\n"                                                            \
    "\n"                                                                                           \
    "Exit status: 0 done, 1 failed, 2 not understood.\n"

// ---- the commands ----
int gs_cli_mirror(int argc, char *const *argv);

#endif
