// The server as a process: starts the parts in order, waits for a signal, stops them in reverse.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_DAEMON_DAEMON_H
#define GS_DAEMON_DAEMON_H

// Runs `gitsync serve` with its flags until SIGTERM or SIGINT; returns the exit status (0, 1 for a failed start, 2 for bad settings).
int gs_daemon_main(int argc, char *const *argv, char *const *environ);

#endif
