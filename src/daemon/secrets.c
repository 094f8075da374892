// Where the master key and the access token come from. Neither is ever logged; a token that is made here is printed once.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/files.h"
#include "base/log.h"
#include "base/random.h"
#include "base/text.h"
#include "daemon/daemon_internal.h"

enum { SECRET_FILE_MAX = 4096, TOKEN_BYTES = 32, TOKEN_MIN_LENGTH = 8 };

static const char check_setting[] = "lockbox_check";
static const char check_text[] = "gitsync";
static const char admin_token[] = "admin";

// The one line that a secret's file holds.
static enum gs_status read_secret(const char *path, struct gs_buf *out, struct gs_error *err)
{
    enum gs_status status = gs_file_read(path, out, err);
    while (status == GS_OK && out->len > 0 && strchr("\r\n \t", out->data[out->len - 1]))
        out->data[--out->len] = 0;
    return status;
}

static enum gs_status take_key(struct daemon *daemon, struct gs_slice hex, const char *origin,
                               struct gs_error *err)
{
    uint8_t key[GS_LOCKBOX_KEY_BYTES];
    if (!gs_hex_decode(hex, key, sizeof key))
        return gs_fail(err, GS_CODE_CONFIG_INVALID, "lockbox_master_key",
                       "%s does not hold 64 hexadecimal digits (it has %zu characters)", origin,
                       hex.len);
    daemon->lockbox = gs_lockbox_new(key);
    gs_crypto_wipe(key, sizeof key);
    return GS_OK;
}

static enum gs_status check_mode(const char *path, struct gs_error *err)
{
    struct stat st;
    if (stat(path, &st) == 0 && (st.st_mode & 077) != 0)
        return gs_fail(err, GS_CODE_CONFIG_INVALID, "lockbox_master_key_file",
                       "the key file %s can be read by others (mode %03o); chmod 600 it", path,
                       (unsigned)(st.st_mode & 0777));
    return GS_OK;
}

static enum gs_status make_key_file(struct daemon *daemon, const char *path, struct gs_error *err)
{
    uint8_t key[GS_LOCKBOX_KEY_BYTES];
    char hex[2 * sizeof key + 2];
    gs_random_bytes(key, sizeof key);
    gs_hex_encode(key, sizeof key, hex);
    hex[2 * sizeof key] = '\n';
    enum gs_status status = gs_file_write(path, gs_slice_of(hex, 2 * sizeof key + 1), 0600, err);
    if (status == GS_OK) {
        daemon->lockbox = gs_lockbox_new(key);
        gs_log(GS_LOG_WARN, "master_key_made", GS_F_STR("file", path),
               GS_F_STR("advice", "back it up apart from the database; without it the stored git "
                                  "credentials cannot be read"));
    }
    gs_crypto_wipe(key, sizeof key);
    gs_crypto_wipe(hex, sizeof hex);
    return status;
}

static enum gs_status read_key_file(struct daemon *daemon, const char *path, struct gs_error *err)
{
    struct gs_buf text;
    gs_buf_init(&text, SECRET_FILE_MAX);
    enum gs_status status = read_secret(path, &text, err);
    if (status == GS_OK)
        status = check_mode(path, err);
    if (status == GS_OK)
        status = take_key(daemon, gs_buf_slice(&text), path, err);
    gs_crypto_release_secret(&text);
    return status;
}

enum gs_status gs_daemon_open_lockbox(struct daemon *daemon, struct gs_error *err)
{
    const struct gs_config *config = &daemon->config;
    if (config->master_key)
        return take_key(daemon, gs_slice_str(config->master_key), "LOCKBOX_MASTER_KEY", err);
    if (config->master_key_file)
        return read_key_file(daemon, config->master_key_file, err);
    const char *path = gs_arena_printf(daemon->arena, "%s/master.key", config->data);
    enum gs_status status = read_key_file(daemon, path, err);
    if (status != GS_NOT_FOUND)
        return status;
    gs_error_release(err);
    return make_key_file(daemon, path, err);
}

static enum gs_status verify_check(struct daemon *daemon, const char *sealed_hex,
                                   struct gs_error *err)
{
    GS_CLEANUP(gs_buf_release) struct gs_buf plain = {.max = 256};
    uint8_t sealed[256];
    size_t len = strlen(sealed_hex) / 2;
    if (len > sizeof sealed || !gs_hex_decode(gs_slice_str(sealed_hex), sealed, len))
        return gs_fail(err, GS_CODE_STORE_FAILED, NULL, "the database's check value is damaged");
    enum gs_status status = gs_lockbox_open(daemon->lockbox, gs_slice_of((const char *)sealed, len),
                                            gs_slice_str(check_setting), &plain, err);
    if (status != GS_OK)
        return gs_fail(err, GS_CODE_SECRET_UNREADABLE, "lockbox_master_key",
                       "the database in %s was sealed with another master key; start with the key "
                       "it was made with (LOCKBOX_MASTER_KEY or master.key)",
                       daemon->config.data);
    return GS_OK;
}

static enum gs_status write_check(struct daemon *daemon, struct gs_tx **tx, struct gs_error *err)
{
    GS_CLEANUP(gs_buf_release) struct gs_buf sealed = {.max = 256};
    enum gs_status status = gs_lockbox_seal(daemon->lockbox, gs_slice_str(check_text),
                                            gs_slice_str(check_setting), &sealed, err);
    if (status != GS_OK)
        return status;
    char *hex = gs_arena_alloc(daemon->arena, 2 * sealed.len + 1);
    gs_hex_encode(sealed.data, sealed.len, hex);
    status = gs_store_put_setting(*tx, check_setting, hex, err);
    return status == GS_OK ? gs_tx_commit(tx, err) : status;
}

enum gs_status gs_daemon_check_lockbox(struct daemon *daemon, struct gs_error *err)
{
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    const char *sealed = NULL;
    enum gs_status status = gs_tx_write(daemon->store, &tx, err);
    if (status == GS_OK)
        status = gs_store_get_setting(tx, check_setting, daemon->arena, &sealed, err);
    if (status == GS_OK)
        return verify_check(daemon, sealed, err);
    if (status != GS_NOT_FOUND)
        return status;
    gs_error_release(err);
    return write_check(daemon, &tx, err);
}

// Replaces the admin's token by this one.
static enum gs_status store_token(struct daemon *daemon, struct gs_slice token,
                                  struct gs_error *err)
{
    if (token.len < TOKEN_MIN_LENGTH)
        return gs_fail(err, GS_CODE_CONFIG_INVALID, "external_api_access_token",
                       "the access token is shorter than %d characters", TOKEN_MIN_LENGTH);
    char hex[GS_SHA256_HEX + 1];
    gs_sha256_hex(token, hex);
    struct gs_token row = {.sha256 = hex, .name = admin_token, .created_at = gs_clock_now_ms()};
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    enum gs_status status = gs_tx_write(daemon->store, &tx, err);
    if (status == GS_OK)
        status = gs_store_delete_token(tx, admin_token, err);
    if (status == GS_OK)
        status = gs_store_add_token(tx, &row, err);
    return status == GS_OK ? gs_tx_commit(&tx, err) : status;
}

static enum gs_status make_token(struct daemon *daemon, struct gs_error *err)
{
    uint8_t bytes[TOKEN_BYTES];
    char token[2 * TOKEN_BYTES + 1];
    gs_random_bytes(bytes, sizeof bytes);
    gs_hex_encode(bytes, sizeof bytes, token);
    enum gs_status status = store_token(daemon, gs_slice_str(token), err);
    if (status == GS_OK) {
        printf("access token, shown only this once: %s\n", token);
        fflush(stdout);
    }
    gs_crypto_wipe(token, sizeof token);
    gs_crypto_wipe(bytes, sizeof bytes);
    return status;
}

static enum gs_status count_tokens(struct daemon *daemon, size_t *out_count, struct gs_error *err)
{
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    struct gs_token *tokens;
    enum gs_status status = gs_tx_read(daemon->store, &tx, err);
    return status == GS_OK ? gs_store_list_tokens(tx, daemon->arena, &tokens, out_count, err)
                           : status;
}

enum gs_status gs_daemon_prepare_tokens(struct daemon *daemon, struct gs_error *err)
{
    const struct gs_config *config = &daemon->config;
    if (config->access_token)
        return store_token(daemon, gs_slice_str(config->access_token), err);
    if (config->access_token_file) {
        struct gs_buf text;
        gs_buf_init(&text, SECRET_FILE_MAX);
        enum gs_status status = read_secret(config->access_token_file, &text, err);
        if (status == GS_OK)
            status = store_token(daemon, gs_buf_slice(&text), err);
        gs_crypto_release_secret(&text);
        return status;
    }
    size_t count = 0;
    enum gs_status status = count_tokens(daemon, &count, err);
    return status == GS_OK && count == 0 ? make_token(daemon, err) : status;
}
