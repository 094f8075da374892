// The table of subcommands that talk to a server.
// SPDX-License-Identifier: Apache-2.0
#include "cli/cli_internal.h"

const struct gs_cli_command gs_cli_commands[] = {
    {"mirror", "list the server's mirrors of repositories, or clean them up", gs_cli_mirror},
};
const size_t gs_cli_command_count = GS_COUNT(gs_cli_commands);
