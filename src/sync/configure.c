// Tests a git configuration step by step against the host, and saves it when every step passed.
// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "sync/sync_internal.h"

enum { CHECK_COUNT = 6 };

struct attempt {
    struct session *session;
    struct task *task;
    struct gs_git_advert advert; // of receive-pack
    struct gs_oid head;          // of the branch; none in an empty repository
    enum gs_layout layout;
    size_t done; // steps that passed
};

static const char *host_part(const char *url)
{
    const char *at = strstr(url, "://");
    return at ? at + 3 : url;
}

static enum gs_status check_address(struct attempt *attempt, const char *url, const char *field,
                                    struct gs_error *err)
{
    const struct gs_sync_options *options = &attempt->session->sync->options;
    if (!options->allow_http && !gs_slice_starts(gs_slice_str(url), "https://"))
        return gs_fail(err, GS_CODE_INVALID_INPUT, field,
                       "%s must be a full HTTPS URL (https://…), because a token travels to it",
                       field + 1);
    return gs_net_check_url(options->net, url, field, err);
}

static enum gs_status check_settings(struct attempt *attempt, struct gs_error *err)
{
    const struct gs_git_config *config = &attempt->session->config;
    enum gs_status status = check_address(attempt, config->git_url, "/gitUrl", err);
    if (status == GS_OK && !strchr(host_part(config->git_url), '/'))
        status = gs_fail(err, GS_CODE_INVALID_INPUT, "/gitUrl",
                         "gitUrl names no repository; it looks like "
                         "https://github.com/<owner>/<repository>.git");
    if (status == GS_OK)
        status = check_address(attempt, config->api_url, "/githubEnterpriseApiUrl", err);
    if (status == GS_OK && config->enterprise_url)
        status = check_address(attempt, config->enterprise_url, "/githubEnterpriseUrl", err);
    if (status == GS_OK && !gs_git_branch_is_valid(config->branch))
        status =
            gs_fail(err, GS_CODE_INVALID_BRANCH, "/branchName",
                    "Invalid Branch Name. '%s' cannot be the name of a branch", config->branch);
    return status;
}

static enum gs_status check_key(struct attempt *attempt, struct gs_error *err)
{
    // Of a stored configuration the key was opened when it was loaded.
    if (attempt->session->key)
        return GS_OK;
    return gs_session_set_key(attempt->session, attempt->task->request.config->private_key, err);
}

static enum gs_status check_installation(struct attempt *attempt, struct gs_error *err)
{
    struct session *session = attempt->session;
    enum gs_status status = gs_session_connect(session, err);
    if (status != GS_OK || session->config.author_name)
        return status;
    struct gs_host_identity bot;
    status = gs_host_identity(session->sync->options.hosts, &session->account,
                              session->remote.deadline_ms, session->arena, &bot, err);
    if (status == GS_OK) {
        session->config.author_name = bot.name;
        session->config.author_email = bot.email;
    }
    return status;
}

static enum gs_status check_repository(struct attempt *attempt, struct gs_error *err)
{
    return gs_session_advertise(attempt->session, GS_GIT_RECEIVE_PACK, &attempt->advert, err);
}

static enum gs_status check_branch(struct attempt *attempt, struct gs_error *err)
{
    struct session *session = attempt->session;
    attempt->head = (struct gs_oid){""};
    if (attempt->advert.count == 0)
        return GS_OK;
    const struct gs_git_ref *ref =
        gs_git_advert_find(&attempt->advert, gs_session_branch_ref(session));
    if (!ref)
        return gs_fail(err, GS_CODE_INVALID_BRANCH, "/branchName",
                       "Invalid Branch Name. The repository has no branch '%s'; create it there "
                       "first",
                       session->config.branch);
    return gs_session_fetch_head(session, &attempt->advert, ref, &attempt->head, err);
}

// What the branch has counts more than what was asked for.
static enum gs_status check_layout(struct attempt *attempt, struct gs_error *err)
{
    struct session *session = attempt->session;
    struct gs_mirror *mirror = session->repo->mirror;
    enum gs_layout layout;
    enum gs_status status = gs_layout_detect(mirror, &attempt->head, &layout, err);
    if (status != GS_OK)
        return status;
    if (layout != GS_LAYOUT_NONE)
        session->config.layout = gs_layout_text(layout);
    struct gs_catalog catalog;
    status = gs_catalog_read(mirror, &attempt->head, session->arena, &catalog, err);
    // A broken metadata file is told by the calls that need it; it must not keep anybody from configuring.
    if (status == GS_OK || err->code == GS_CODE_LAYOUT_UNSUPPORTED)
        return status;
    gs_error_release(err);
    return GS_OK;
}

// In this order; the first that fails ends the attempt.
static const struct {
    const char *name;
    enum gs_status (*run)(struct attempt *attempt, struct gs_error *err);
} steps[CHECK_COUNT] = {
    {"settings", check_settings},
    {"privateKey", check_key},
    {"installation", check_installation},
    {"repository", check_repository},
    {"branch", check_branch},
    {"layout", check_layout},
};

// Those who find the cause do not know which member of the body it came from.
static void name_field(struct gs_error *err)
{
    static const struct {
        enum gs_code code;
        const char *field;
    } rows[] = {
        {GS_CODE_INVALID_PRIVATE_KEY, "/githubAppPrivateKey"},
        {GS_CODE_INVALID_APP_ID, "/githubAppId"},
        {GS_CODE_INVALID_INSTALLATION_ID, "/githubAppInstallationId"},
        {GS_CODE_REPOSITORY_NOT_FOUND, "/gitUrl"},
        {GS_CODE_REPOSITORY_NOT_WRITABLE, "/gitUrl"},
    };
    for (size_t i = 0; i < GS_COUNT(rows) && !err->field[0]; i++)
        if (rows[i].code == err->code)
            snprintf(err->field, sizeof err->field, "%s", rows[i].field);
}

static enum gs_status run_steps(struct attempt *attempt, struct gs_error *err)
{
    for (; attempt->done < CHECK_COUNT; attempt->done++) {
        enum gs_status status = steps[attempt->done].run(attempt, err);
        if (status == GS_OK)
            continue;
        name_field(err);
        return status;
    }
    return GS_OK;
}

// The configuration that was sent, with the defaults of the contract.
static void take_input(struct session *session, const struct task *task)
{
    const struct gs_git_config_input *input = task->request.config;
    const char *api = input->enterprise_api_url;
    struct gs_slice api_url =
        gs_slice_str(api ? api : gs_host_api_url(session->arena, input->git_url));
    while (gs_slice_ends(api_url, "/"))
        api_url.len--;
    session->config = (struct gs_git_config){
        .organization_id = task->organization_id,
        .git_url = input->git_url,
        .branch = input->branch,
        .github_app_id = input->github_app_id,
        .github_installation_id = input->github_installation_id,
        .api_url = gs_arena_dup_slice(session->arena, api_url),
        .enterprise_url = input->enterprise_url,
        .enterprise_api_url = input->enterprise_api_url,
        .layout = input->layout ? input->layout : gs_layout_text(GS_LAYOUT_SINGLE_FILE),
        .author_name = input->author_name,
        .author_email = input->author_email,
        .enabled = !input->disabled,
        .allow_secrets = input->allow_secrets,
        .tag = input->tag,
    };
}

static enum gs_status seal_key(struct session *session, const struct task *task,
                               struct gs_buf *out_sealed, struct gs_error *err)
{
    const char *context =
        gs_arena_printf(session->arena, "git_config:%s", session->config.organization_id);
    return gs_lockbox_seal(session->sync->options.lockbox, task->request.config->private_key,
                           gs_slice_str(context), out_sealed, err);
}

static enum gs_status report_saved(struct attempt *attempt, struct gs_error *err)
{
    GS_CLEANUP(gs_json_cleanup_mut) yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = NULL;
    enum gs_status status =
        gs_report_config(&attempt->session->config, attempt->head.hex, doc, &root, err);
    if (status != GS_OK)
        return status;
    yyjson_mut_doc_set_root(doc, root);
    return gs_report_finish(attempt->task, doc, err);
}

// The answer in the transaction that it tells about.
static enum gs_status put_record(const struct task *task, struct gs_tx *tx, struct gs_error *err)
{
    struct gs_document_blob body;
    if (!task->request.record)
        return GS_OK;
    enum gs_status status = gs_document_pack(gs_buf_slice(&task->json), &body, err);
    if (status != GS_OK)
        return status;
    status = gs_store_put_answer(tx, task->request.record, &body, err);
    gs_document_blob_release(&body);
    return status;
}

static enum gs_status save(struct attempt *attempt, struct gs_error *err)
{
    struct session *session = attempt->session;
    struct task *task = attempt->task;
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    GS_CLEANUP(gs_buf_release) struct gs_buf sealed = {.max = 1 << 20};
    GS_CLEANUP(gs_buf_release) struct gs_buf fingerprint = {.max = 256};
    enum gs_status status = seal_key(session, task, &sealed, err);
    if (status != GS_OK)
        return status;
    struct gs_git_config *config = &session->config;
    gs_rsa_key_fingerprint(session->key, &fingerprint);
    config->key_fingerprint = gs_arena_dup_slice(session->arena, gs_buf_slice(&fingerprint));
    config->sealed_key = gs_buf_slice(&sealed);
    config->updated_at = gs_clock_now_ms();
    config->created_at = config->updated_at;
    status = gs_tx_write(session->sync->options.store, &tx, err);
    if (status == GS_OK)
        status = gs_workspace_check_organization(tx, config->organization_id, session->arena, err);
    if (status == GS_OK)
        status = gs_store_put_git_config(tx, config, err);
    if (status == GS_OK)
        status = report_saved(attempt, err);
    if (status == GS_OK)
        status = put_record(task, tx, err);
    if (status == GS_OK)
        status = gs_tx_commit(&tx, err);
    task->recorded = status == GS_OK && task->request.record;
    return status;
}

// Each check with its outcome; those behind the first failure were not made.
static enum gs_status report_checks(struct attempt *attempt, const struct gs_error *failure,
                                    struct gs_error *err)
{
    GS_CLEANUP(gs_json_cleanup_mut) yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_bool(doc, root, "ok", attempt->done == CHECK_COUNT);
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, root, "checks");
    for (size_t i = 0; i < CHECK_COUNT; i++) {
        yyjson_mut_val *item = yyjson_mut_arr_add_obj(doc, list);
        bool failed = i == attempt->done;
        gs_json_add_cstr(doc, item, "name", steps[i].name);
        gs_json_add_cstr(doc, item, "outcome",
                         i < attempt->done ? "passed"
                         : failed          ? "failed"
                                           : "skipped");
        if (!failed)
            continue;
        gs_json_add_cstr(doc, item, "code", gs_code_text(failure->code));
        gs_json_add_cstr(doc, item, "message", failure->message);
    }
    return gs_report_finish(attempt->task, doc, err);
}

static enum gs_status run(struct session *session, struct task *task, struct gs_error *err)
{
    struct attempt attempt = {.session = session, .task = task};
    enum gs_status status = GS_OK;
    if (task->request.config)
        take_input(session, task);
    else
        status = gs_session_load_config(session, task->organization_id, err);
    if (status == GS_OK)
        status = run_steps(&attempt, err);
    if (gs_session_repairs(session, &status, err)) {
        attempt.done = 0;
        status = run_steps(&attempt, err);
    }
    if (task->request.kind == GS_SYNC_TEST && err->code != GS_CODE_GIT_NOT_CONFIGURED) {
        GS_CLEANUP(gs_error_release) struct gs_error failure = GS_ERROR_INIT;
        gs_error_move(&failure, err);
        return report_checks(&attempt, &failure, err);
    }
    if (status == GS_OK)
        status = save(&attempt, err);
    return status;
}

void gs_sync_run_configure(struct session *session, struct task *task)
{
    if (run(session, task, &task->err) == GS_OK ||
        gs_task_postpone(session->sync, task, &task->err))
        gs_error_release(&task->err);
    if (task->put_off)
        return;
    if (task->request.config) {
        struct gs_slice key = task->request.config->private_key;
        // The key is a copy in the task's own arena.
        gs_crypto_wipe((void *)(uintptr_t)key.data, key.len);
    }
    task->ended = true;
}
