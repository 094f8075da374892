// The parts of the running server, which only the daemon holds together.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_DAEMON_DAEMON_INTERNAL_H
#define GS_DAEMON_DAEMON_INTERNAL_H

#include "api/api.h"
#include "config/config.h"
#include "crypto/crypto.h"
#include "host/host.h"
#include "http/http.h"
#include "net/net.h"
#include "store/store.h"
#include "sync/sync.h"

struct daemon {
    struct gs_arena *arena;
    struct gs_config config;
    struct gs_http_listeners listeners; // until the server has them
    int lock_fd;                        // of the data folder
    struct gs_lockbox *lockbox;
    struct gs_store *store;
    bool git_ready;
    struct gs_net *net;
    struct gs_hosts *hosts;
    struct gs_sync *sync;
    struct gs_api *api;
    struct gs_http_server *server;
    struct retention *retention;
};

// ---- retention.c: when the store is to forget what is old ----
// With the store open, until gs_daemon_stop_retention, which ends a step that is under way first.
enum gs_status gs_daemon_start_retention(struct daemon *daemon, struct gs_error *err) GS_MUST_CHECK;
void gs_daemon_stop_retention(struct daemon *daemon); // may be called when it never started

// ---- secrets.c ----
// The lockbox from the master key in the settings, the key file, or a new key file in the data folder; refused when the database was sealed with another key.
enum gs_status gs_daemon_open_lockbox(struct daemon *daemon, struct gs_error *err) GS_MUST_CHECK;
enum gs_status gs_daemon_check_lockbox(struct daemon *daemon, struct gs_error *err) GS_MUST_CHECK;
// The admin's token from the settings, or a new one, printed once, when the store has none.
enum gs_status gs_daemon_prepare_tokens(struct daemon *daemon, struct gs_error *err) GS_MUST_CHECK;

#endif
