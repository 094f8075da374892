// The server's settings: one typed table, filled from defaults, a file, the environment and flags, in this order.
// Help and the reference page come from the same table.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_CONFIG_CONFIG_H
#define GS_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

// Texts live in the arena given to gs_config_load; an unset text is NULL. Sizes are bytes, times milliseconds.
struct gs_config {
    const char *listen;
    const char *data;
    const char *ca_file;
    const char *tls_cert, *tls_key;
    const char *log_level;
    const char *access_token, *access_token_file;
    const char *master_key, *master_key_file;
    bool allow_loopback_hosts;
    int64_t body_limit, body_total_limit, document_limit, pack_limit;
    int64_t git_timeout_ms, connect_timeout_ms;
    int64_t breaker_failures, breaker_pause_ms;
    int64_t mirror_limit, mirrors_open;
    int64_t header_timeout_ms, body_timeout_ms, idle_timeout_ms, stop_timeout_ms;
    int64_t max_connections, max_connections_per_ip;
    int64_t idempotency_ttl_ms, operation_ttl_ms, release_ttl_ms;
    int64_t http_threads, api_workers, git_workers, git_workers_per_host, queue_limit;
};

// argv holds the flags alone ("--listen", "127.0.0.1:8080", "--data=/srv"); environ is a NULL-terminated
// list of NAME=VALUE. The file is named by --config or GITSYNC_CONFIG. Errors: config_invalid with field = the key and a message
// that says where (file and line, variable or flag) and why. Values of secrets are never in a message.
enum gs_status gs_config_load(int argc, char *const *argv, char *const *environ,
                              struct gs_arena *arena, struct gs_config *out_config,
                              struct gs_error *err) GS_MUST_CHECK;

// The lines of `gitsync serve --help`, and the same as a Markdown page.
void gs_config_write_help(struct gs_buf *out);
void gs_config_write_reference(struct gs_buf *out);

#endif
