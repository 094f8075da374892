// Keeps installation tokens until shortly before they end, has only one thread at a time ask for a
// new one, and none while the host wants to be left alone. Knows of GitHub only that tokens can be
// minted.
// SPDX-License-Identifier: Apache-2.0
#include <pthread.h>

#include "base/clock.h"
#include "base/map.h"
#include "host/host_internal.h"

enum {
    KEY_MAX = 4096,
    EARLY_MS = 5 * 60 * 1000,
    // By the monotonic clock, whatever the wall clock says in between; GitHub's tokens live an
    // hour.
    KEEP_MS = 55 * 60 * 1000,
};

// One account. In the map while somebody uses it, its token is good, or it has to wait.
struct entry {
    char *key;
    struct gs_github_token token; // text NULL: none
    int64_t good_until_mono_ms;
    size_t users;
    bool minting;
    // The outcome of the last attempt, for those who waited for it.
    uint64_t attempts;
    enum gs_status status;
    struct gs_error error;
    int64_t deadline_ms;      // it had this long
    int64_t limited_until_ms; // the host's word of when to ask again
};

struct gs_hosts {
    struct gs_net *net;
    pthread_mutex_t lock;
    pthread_cond_t minted; // some entry's attempt has ended; counts by the monotonic clock
    struct gs_map entries;
};

struct gs_hosts *gs_hosts_new(struct gs_net *net)
{
    struct gs_hosts *hosts = gs_xcalloc(1, sizeof *hosts);
    gs_clock_cond_init(&hosts->minted);
    pthread_mutex_init(&hosts->lock, NULL);
    gs_map_init(&hosts->entries);
    hosts->net = net;
    return hosts;
}

static void free_entry(struct entry *entry)
{
    gs_github_token_release(&entry->token);
    gs_error_release(&entry->error);
    free(entry->key);
    free(entry);
}

void gs_hosts_free(struct gs_hosts *hosts)
{
    size_t cursor = 0;
    void *value;
    if (!hosts)
        return;
    while (gs_map_next(&hosts->entries, &cursor, NULL, &value))
        free_entry(value);
    gs_map_release(&hosts->entries);
    pthread_cond_destroy(&hosts->minted);
    pthread_mutex_destroy(&hosts->lock);
    free(hosts);
}

// ---- Entries; all with the lock held ---------------------------------------

static bool is_good(const struct entry *entry)
{
    const struct gs_github_token *token = &entry->token;
    if (!token->text || gs_clock_mono_ms() >= entry->good_until_mono_ms)
        return false;
    return token->expires_at_ms == 0 || gs_clock_now_ms() < token->expires_at_ms - EARLY_MS;
}

static struct entry *find_useless(const struct gs_hosts *hosts)
{
    size_t cursor = 0;
    void *value;
    while (gs_map_next(&hosts->entries, &cursor, NULL, &value)) {
        struct entry *entry = value;
        if (entry->users == 0 && !is_good(entry) && entry->limited_until_ms <= gs_clock_mono_ms())
            return entry;
    }
    return NULL;
}

static void drop_useless(struct gs_hosts *hosts)
{
    struct entry *entry;
    while ((entry = find_useless(hosts))) {
        gs_map_remove(&hosts->entries, gs_slice_str(entry->key));
        free_entry(entry);
    }
}

static struct entry *enter(struct gs_hosts *hosts, const char *key)
{
    struct entry *entry = gs_map_get(&hosts->entries, gs_slice_str(key));
    if (!entry) {
        entry = gs_xcalloc(1, sizeof *entry);
        entry->key = gs_xstrdup(key);
        gs_map_put(&hosts->entries, gs_slice_str(entry->key), entry);
    }
    entry->users++;
    return entry;
}

static void leave(struct gs_hosts *hosts, struct entry *entry)
{
    entry->users--;
    drop_useless(hosts);
}

// ---- Minting ---------------------------------------------------------------

// How long the token counts by the monotonic clock: as long as the host says, also when the wall clock goes back meanwhile.
static int64_t keep_ms(const struct gs_github_token *token)
{
    if (token->expires_at_ms == 0)
        return KEEP_MS;
    int64_t left = token->expires_at_ms - gs_clock_now_ms() - EARLY_MS;
    return left < KEEP_MS ? left : KEEP_MS;
}

static void store_outcome(struct entry *entry, enum gs_status status, const struct gs_error *error,
                          struct gs_github_token *token, int64_t deadline_ms)
{
    gs_github_token_release(&entry->token);
    entry->token = *token;
    entry->good_until_mono_ms = gs_clock_mono_ms() + keep_ms(token);
    entry->status = status;
    gs_error_release(&entry->error);
    entry->error = *error;
    entry->error.details = NULL; // these errors have none; a second owner would be one too many
    entry->deadline_ms = deadline_ms;
    entry->limited_until_ms = 0;
    if (error->code == GS_CODE_RATE_LIMITED)
        entry->limited_until_ms = gs_clock_mono_ms() + (int64_t)error->retry_after_s * 1000;
    entry->attempts++;
    entry->minting = false;
}

// Gives the lock away while the host is asked.
static enum gs_status mint(struct gs_hosts *hosts, struct entry *entry,
                           const struct gs_host_account *account, int64_t deadline_ms,
                           struct gs_error *err)
{
    struct gs_github_token token = {0};
    struct gs_error error = GS_ERROR_INIT;
    entry->minting = true;
    pthread_mutex_unlock(&hosts->lock);
    enum gs_status status = gs_github_mint(hosts->net, account, deadline_ms, &token, &error);
    pthread_mutex_lock(&hosts->lock);
    store_outcome(entry, status, &error, &token, deadline_ms);
    pthread_cond_broadcast(&hosts->minted);
    if (status != GS_OK)
        gs_error_move(err, &error);
    return status;
}

// False when the time is over before somebody else's attempt is.
static bool wait_for_attempt(struct gs_hosts *hosts, const struct entry *entry, int64_t deadline_ms)
{
    uint64_t seen = entry->attempts;
    while (entry->attempts == seen)
        if (!gs_clock_cond_wait(&hosts->minted, &hosts->lock, deadline_ms))
            return entry->attempts != seen;
    return true;
}

static enum gs_status share_error(const struct entry *entry, struct gs_error *err)
{
    struct gs_error copy = entry->error;
    gs_error_move(err, &copy);
    return entry->status;
}

// While the host wants to be left alone: what it said, with the time that is left.
static bool is_limited(const struct entry *entry, enum gs_status *out_status, struct gs_error *err)
{
    int64_t left = entry->limited_until_ms - gs_clock_mono_ms();
    if (left <= 0)
        return false;
    *out_status = share_error(entry, err);
    if (err)
        err->retry_after_s = (long)((left + 999) / 1000);
    return true;
}

// On GS_OK the entry has a token: a good one, or one that was minted while we waited.
static enum gs_status provide(struct gs_hosts *hosts, struct entry *entry,
                              const struct gs_host_account *account, int64_t deadline_ms,
                              struct gs_error *err)
{
    while (!is_good(entry)) {
        enum gs_status limited;
        if (is_limited(entry, &limited, err))
            return limited;
        if (!entry->minting)
            return mint(hosts, entry, account, deadline_ms, err);
        if (!wait_for_attempt(hosts, entry, deadline_ms))
            return gs_fail(err, GS_CODE_HOST_TIMEOUT, NULL,
                           "the git host did not give an access token in time");
        if (entry->status == GS_OK && entry->token.text)
            return GS_OK;
        // Somebody who had less time than we have is no reason to give up.
        bool hurried = entry->status == GS_TIMEOUT && entry->deadline_ms < deadline_ms;
        if (entry->status != GS_OK && !hurried)
            return share_error(entry, err);
    }
    return GS_OK;
}

// ---- The doors -------------------------------------------------------------

// The ids come first: they cannot contain the separator.
static enum gs_status make_key(const struct gs_host_account *account, struct gs_buf *out,
                               struct gs_error *err)
{
    gs_buf_printf(out, "%s\n%s\n", account->app_id, account->installation_id);
    gs_rsa_key_fingerprint(account->key, out);
    gs_buf_printf(out, "\n%s", account->api_url);
    return gs_buf_check(out, "the address of the API", err);
}

static void drop_refused(struct entry *entry, const char *refused)
{
    if (refused && entry->token.text && strcmp(entry->token.text, refused) == 0)
        gs_github_token_release(&entry->token);
}

enum gs_status gs_host_token(struct gs_hosts *hosts, const struct gs_host_account *account,
                             const char *refresh, int64_t deadline_ms, struct gs_arena *arena,
                             const char **out_token, struct gs_error *err)
{
    GS_CLEANUP(gs_buf_release) struct gs_buf key;
    gs_buf_init(&key, KEY_MAX);
    enum gs_status status = gs_github_check_account(account, err);
    if (status == GS_OK)
        status = make_key(account, &key, err);
    if (status != GS_OK)
        return status;
    pthread_mutex_lock(&hosts->lock);
    struct entry *entry = enter(hosts, key.data);
    drop_refused(entry, refresh);
    status = provide(hosts, entry, account, deadline_ms, err);
    if (status == GS_OK)
        *out_token = gs_arena_strdup(arena, entry->token.text);
    leave(hosts, entry);
    pthread_mutex_unlock(&hosts->lock);
    return status;
}

// With a second token when the host refuses the cached one.
static enum gs_status ask_bot_id(struct gs_hosts *hosts, const struct gs_host_account *account,
                                 const char *slug, int64_t deadline_ms, struct gs_arena *arena,
                                 const char **out_id, struct gs_error *err)
{
    const char *token = NULL;
    bool refused = true;
    for (int attempt = 0; attempt < 2 && refused; attempt++) {
        enum gs_status status =
            gs_host_token(hosts, account, token, deadline_ms, arena, &token, err);
        if (status == GS_OK)
            status = gs_github_bot_id(hosts->net, account, slug, token, deadline_ms, arena, out_id,
                                      &refused, err);
        if (status != GS_OK)
            return status;
    }
    return GS_OK;
}

enum gs_status gs_host_identity(struct gs_hosts *hosts, const struct gs_host_account *account,
                                int64_t deadline_ms, struct gs_arena *arena,
                                struct gs_host_identity *out_identity, struct gs_error *err)
{
    const char *slug, *id = NULL;
    enum gs_status status = gs_github_check_account(account, err);
    if (status == GS_OK)
        status = gs_github_slug(hosts->net, account, deadline_ms, arena, &slug, err);
    if (status == GS_OK)
        status = ask_bot_id(hosts, account, slug, deadline_ms, arena, &id, err);
    if (status != GS_OK)
        return status;
    const char *domain = gs_host_noreply_domain(arena, account->api_url);
    out_identity->slug = slug;
    out_identity->name = gs_arena_printf(arena, "%s[bot]", slug);
    out_identity->email =
        gs_arena_printf(arena, "%s%s%s[bot]@%s", id ? id : "", id ? "+" : "", slug, domain);
    return GS_OK;
}
