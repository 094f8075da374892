// The subcommands that talk to a running server. They know its API and nothing else of it: neither its data nor its code.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_CLI_CLI_H
#define GS_CLI_CLI_H

#include <stddef.h>

// argv holds what follows the command's name. Returns the exit status: 0 done, 1 failed, 2 not understood.
struct gs_cli_command {
    const char *name;
    const char *summary; // for the list of commands
    int (*run)(int argc, char *const *argv);
};
extern const struct gs_cli_command gs_cli_commands[];
extern const size_t gs_cli_command_count;

#endif
