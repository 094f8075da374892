// Credentials, connection and mirror of one batch.
// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "git/history.h"
#include "git/upkeep.h"
#include "sync/sync_internal.h"

enum { KEY_MAX_BYTES = 64 << 10 };

// GitHub takes an installation token as the password of this user (docs.github.com, "Authenticating as a GitHub App installation").
static const char token_user[] = "x-access-token";

static void use_key(struct session *session, const struct gs_rsa_key *key)
{
    session->key = key;
    session->account = (struct gs_host_account){
        .api_url = session->config.api_url,
        .app_id = session->config.github_app_id,
        .installation_id = session->config.github_installation_id,
        .key = key,
    };
}

enum gs_status gs_session_set_key(struct session *session, struct gs_slice pem,
                                  struct gs_error *err)
{
    enum gs_status status = gs_rsa_key_parse(pem, &session->own_key, err);
    if (status == GS_OK)
        use_key(session, session->own_key);
    return status;
}

static enum gs_status open_key(struct session *session, struct gs_rsa_key **out_key,
                               struct gs_error *err)
{
    struct gs_buf pem;
    gs_buf_init(&pem, KEY_MAX_BYTES);
    const char *context =
        gs_arena_printf(session->arena, "git_config:%s", session->config.organization_id);
    enum gs_status status =
        gs_lockbox_open(session->sync->options.lockbox, session->config.sealed_key,
                        gs_slice_str(context), &pem, err);
    if (status == GS_OK)
        status = gs_rsa_key_parse(gs_buf_slice(&pem), out_key, err);
    gs_crypto_release_secret(&pem);
    return status;
}

// The key of the stored configuration, kept with the repository until the configuration changes.
static enum gs_status use_stored_key(struct session *session, struct gs_error *err)
{
    struct repository *repo = session->repo;
    const struct gs_git_config *config = &session->config;
    if (!repo->app_key || repo->key_updated_at != config->updated_at ||
        strcmp(repo->key_owner, config->organization_id) != 0) {
        struct gs_rsa_key *key;
        enum gs_status status = open_key(session, &key, err);
        if (status != GS_OK)
            return status;
        gs_rsa_key_free(repo->app_key);
        free(repo->key_owner);
        repo->app_key = key;
        repo->key_owner = gs_xstrdup(config->organization_id);
        repo->key_updated_at = config->updated_at;
    }
    use_key(session, repo->app_key);
    return GS_OK;
}

enum gs_status gs_session_load_config(struct session *session, const char *organization_id,
                                      struct gs_error *err)
{
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    enum gs_status status = gs_tx_read(session->sync->options.store, &tx, err);
    if (status == GS_OK)
        status =
            gs_store_get_git_config(tx, organization_id, session->arena, &session->config, err);
    if (status == GS_NOT_FOUND)
        return gs_fail(err, GS_CODE_GIT_NOT_CONFIGURED, NULL, "No git configuration found");
    return status == GS_OK ? use_stored_key(session, err) : status;
}

static enum gs_status renew_token(struct session *session, const char *refused,
                                  struct gs_error *err)
{
    return gs_host_token(session->sync->options.hosts, &session->account, refused,
                         session->remote.deadline_ms, session->arena, &session->remote.password,
                         err);
}

static enum gs_status open_mirror(struct repository *repo, struct gs_error *err)
{
    if (repo->mirror)
        return GS_OK;
    gs_upkeep_stand_aside(repo, false);
    gs_mirror_tidy(repo->folder);
    enum gs_status status = gs_mirror_open(repo->folder, &repo->mirror, err);
    if (status != GS_INTERNAL)
        return status;
    gs_error_release(err);
    gs_upkeep_stand_aside(repo, true);
    status = gs_mirror_discard(repo->folder, err);
    return status == GS_OK ? gs_mirror_open(repo->folder, &repo->mirror, err) : status;
}

enum gs_status gs_session_connect(struct session *session, struct gs_error *err)
{
    const struct gs_sync_options *options = &session->sync->options;
    session->remote = (struct gs_git_remote){
        .net = options->net,
        .url = session->config.git_url,
        .username = token_user,
        .deadline_ms = session->deadline_ms,
        .max_pack = options->pack_limit,
    };
    enum gs_status status = renew_token(session, NULL, err);
    return status == GS_OK ? open_mirror(session->repo, err) : status;
}

void gs_session_release(struct session *session)
{
    gs_rsa_key_free(session->own_key);
    gs_arena_free(session->arena);
}

static enum gs_status rebuild_mirror(struct session *session, struct gs_error *err)
{
    struct repository *repo = session->repo;
    gs_mirror_close(repo->mirror);
    repo->mirror = NULL;
    gs_upkeep_stand_aside(repo, true);
    enum gs_status status = gs_mirror_discard(repo->folder, err);
    return status == GS_OK ? open_mirror(repo, err) : status;
}

// Whether the mirror cannot be used as it is; a full disk or one that cannot be written to is not its fault.
static bool is_mirrors_fault(const struct session *session, enum gs_status status,
                             const struct gs_error *err)
{
    return status == GS_INTERNAL &&
           (err->code == GS_CODE_INTERNAL ||
            (err->code == GS_CODE_STORE_FAILED && !gs_mirror_is_made(session->repo->folder)));
}

bool gs_session_repairs(struct session *session, enum gs_status *status, struct gs_error *err)
{
    if (session->repaired || !is_mirrors_fault(session, *status, err))
        return false;
    session->repaired = true;
    gs_error_release(err);
    *status = rebuild_mirror(session, err);
    return *status == GS_OK;
}

// Whether it was the token that the host refused, and there is another one now.
static bool has_new_token(struct session *session, enum gs_status *status, struct gs_error *err)
{
    if (*status != GS_UPSTREAM || err->code != GS_CODE_HOST_DENIED)
        return false;
    gs_error_release(err);
    *status = renew_token(session, session->remote.password, err);
    return *status == GS_OK;
}

enum gs_status gs_session_advertise(struct session *session, enum gs_git_service service,
                                    struct gs_git_advert *out_advert, struct gs_error *err)
{
    enum gs_status status =
        gs_git_advertise(&session->remote, service, session->arena, out_advert, err);
    if (has_new_token(session, &status, err))
        status = gs_git_advertise(&session->remote, service, session->arena, out_advert, err);
    return status;
}

static enum gs_status fetch(struct session *session, const struct gs_git_advert *advert,
                            const struct gs_git_ref *ref, struct gs_error *err)
{
    return gs_mirror_fetch(session->repo->mirror, &session->remote, advert, ref, err);
}

enum gs_status gs_session_fetch(struct session *session, const struct gs_git_advert *advert,
                                const struct gs_git_ref *ref, struct gs_error *err)
{
    enum gs_status status = fetch(session, advert, ref, err);
    if (has_new_token(session, &status, err))
        status = fetch(session, advert, ref, err);
    if (gs_session_repairs(session, &status, err))
        status = fetch(session, advert, ref, err);
    return status;
}

static enum gs_status push(struct session *session, const struct branch_move *move,
                           enum gs_push_outcome *out_outcome, const char **out_reason,
                           struct gs_error *err)
{
    return gs_git_push(session->repo->mirror, &session->remote, move->advert, move->ref, move->from,
                       move->to, session->arena, out_outcome, out_reason, err);
}

enum gs_status gs_session_push(struct session *session, const struct branch_move *move,
                               enum gs_push_outcome *out_outcome, const char **out_reason,
                               struct gs_error *err)
{
    enum gs_status status = push(session, move, out_outcome, out_reason, err);
    if (has_new_token(session, &status, err))
        status = push(session, move, out_outcome, out_reason, err);
    return status;
}

enum gs_status gs_session_upload_advert(struct session *session,
                                        const struct gs_git_advert **out_advert,
                                        struct gs_error *err)
{
    if (!session->has_upload_advert) {
        enum gs_status status =
            gs_session_advertise(session, GS_GIT_UPLOAD_PACK, &session->upload_advert, err);
        if (status != GS_OK)
            return status;
        session->has_upload_advert = true;
    }
    *out_advert = &session->upload_advert;
    return GS_OK;
}

const char *gs_session_branch_ref(struct session *session)
{
    return gs_arena_printf(session->arena, "refs/heads/%s", session->config.branch);
}

enum gs_status gs_fail_branch(const char *branch, struct gs_error *err)
{
    return gs_fail(err, GS_CODE_INVALID_BRANCH, "/branchName",
                   "Branch \"%s\" does not exist in the repository; create it there, or configure "
                   "another one",
                   branch);
}

// Asks upload-pack what there is; the head may have moved on meanwhile.
static enum gs_status fetch_advertised(struct session *session, const char *name,
                                       struct gs_oid *out_head, struct gs_error *err)
{
    session->has_upload_advert = false;
    const struct gs_git_advert *advert;
    enum gs_status status = gs_session_upload_advert(session, &advert, err);
    if (status != GS_OK)
        return status;
    const struct gs_git_ref *ref = gs_git_advert_find(advert, name);
    if (!ref)
        return gs_fail_branch(session->config.branch, err);
    status = gs_session_fetch(session, advert, ref, err);
    if (status == GS_OK)
        *out_head = ref->oid;
    return status;
}

// A push has asked receive-pack, which tells the head as well, so the fetch need not ask again what there is to want. Its answer
// does not tell what upload-pack can do, but these two every git of the last fifteen years can.
enum gs_status gs_session_fetch_head(struct session *session, const struct gs_git_advert *advert,
                                     const struct gs_git_ref *ref, struct gs_oid *out_head,
                                     struct gs_error *err)
{
    struct gs_git_advert able = *advert;
    able.thin_pack = true;
    able.no_progress = true;
    enum gs_status status = gs_session_fetch(session, &able, ref, err);
    if (status == GS_OK) {
        *out_head = ref->oid;
        return GS_OK;
    }
    if (status != GS_CONFLICT)
        return status;
    gs_error_release(err);
    return fetch_advertised(session, ref->name, out_head, err);
}
