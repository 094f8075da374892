// The JSON that answers carry, in the contract's names and order.
// SPDX-License-Identifier: Apache-2.0
#include "sync/sync_internal.h"

void gs_report_version(yyjson_mut_doc *doc, yyjson_mut_val *obj, const struct gs_version *version,
                       const char *environment)
{
    yyjson_mut_val *val = yyjson_mut_obj_add_obj(doc, obj, "version");
    gs_json_add_cstr(doc, val, "id", version->id);
    gs_json_add_cstr(doc, val, "name", version->name);
    gs_json_add_cstr(doc, val, "status", version->draft ? "DRAFT" : "PUBLISHED");
    if (environment)
        gs_json_add_cstr(doc, val, "environment", environment);
}

// Where the host shows a commit in a browser.
static const char *commit_url(struct session *session, const struct gs_oid *commit)
{
    struct gs_slice url = gs_slice_str(session->config.git_url);
    while (gs_slice_ends(url, "/"))
        url.len--;
    if (gs_slice_ends(url, ".git"))
        url.len -= strlen(".git");
    return gs_arena_printf(session->arena, "%.*s/commit/%s", GS_SLICE_ARG(url), commit->hex);
}

// Without the line feed that git ends it with. One that is not UTF-8 came from elsewhere; JSON cannot carry it.
static void add_message(yyjson_mut_doc *doc, yyjson_mut_val *obj, const char *text)
{
    struct gs_slice message = gs_slice_str(text);
    if (gs_slice_ends(message, "\n"))
        message.len--;
    if (gs_slice_is_utf8(message))
        gs_json_add_str(doc, obj, "message", message);
    else
        gs_json_add_cstr(doc, obj, "message", NULL);
}

enum gs_status gs_report_commit_members(struct session *session, const struct gs_oid *commit,
                                        yyjson_mut_doc *doc, yyjson_mut_val *obj,
                                        struct gs_error *err)
{
    struct gs_commit_info info;
    enum gs_status status =
        gs_mirror_commit_info(session->repo->mirror, commit, session->arena, &info, err);
    if (status != GS_OK)
        return status;
    gs_json_add_cstr(doc, obj, "sha", commit->hex);
    gs_json_add_cstr(doc, obj, "parent", gs_oid_is_none(&info.parent) ? NULL : info.parent.hex);
    add_message(doc, obj, info.message);
    yyjson_mut_val *author = yyjson_mut_obj_add_obj(doc, obj, "author");
    bool sane = gs_slice_is_utf8(gs_slice_str(info.author_name)) &&
                gs_slice_is_utf8(gs_slice_str(info.author_email));
    gs_json_add_cstr(doc, author, "name", sane ? info.author_name : NULL);
    gs_json_add_cstr(doc, author, "email", sane ? info.author_email : NULL);
    gs_json_add_time(doc, obj, "committedAt", info.committed_at_ms);
    gs_json_add_cstr(doc, obj, "url", commit_url(session, commit));
    return GS_OK;
}

enum gs_status gs_report_commit(struct session *session, const struct gs_oid *commit,
                                yyjson_mut_doc *doc, yyjson_mut_val *obj, struct gs_error *err)
{
    yyjson_mut_val *val = yyjson_mut_obj_add_obj(doc, obj, "commit");
    return gs_report_commit_members(session, commit, doc, val, err);
}

void gs_report_problems(const struct gs_problems *problems, size_t most, yyjson_mut_doc *doc,
                        yyjson_mut_val *list)
{
    for (size_t i = 0; i < problems->count && i < most; i++) {
        yyjson_mut_val *obj = yyjson_mut_arr_add_obj(doc, list);
        gs_json_add_cstr(doc, obj, "code", problems->items[i].code);
        gs_json_add_cstr(doc, obj, "path", problems->items[i].path);
        gs_json_add_cstr(doc, obj, "message", problems->items[i].message);
    }
}

yyjson_mut_val *gs_report_rename(yyjson_mut_doc *doc, yyjson_mut_val *root,
                                 const struct told_rename *rename)
{
    yyjson_mut_val *list = yyjson_mut_obj_get(root, "renames");
    list = list ? list : yyjson_mut_obj_add_arr(doc, root, "renames");
    if (!rename)
        return NULL;
    yyjson_mut_val *one = yyjson_mut_arr_add_obj(doc, list);
    gs_json_add_cstr(doc, one, "appId", rename->app_id);
    gs_json_add_cstr(doc, one, "from", rename->from);
    gs_json_add_cstr(doc, one, "to", rename->to);
    gs_json_add_cstr(doc, one, "madeIn", rename->in_git ? "git" : "here");
    return one;
}

void gs_report_failure(const struct gs_error *failure, yyjson_mut_doc *doc, yyjson_mut_val *obj)
{
    GS_CLEANUP(gs_json_cleanup) yyjson_doc *details = NULL;
    yyjson_mut_val *val = yyjson_mut_obj_add_obj(doc, obj, "error");
    yyjson_mut_obj_add_int(doc, val, "statusCode", gs_code_http(failure->code));
    gs_json_add_cstr(doc, val, "code", gs_code_text(failure->code));
    gs_json_add_cstr(doc, val, "message", failure->message);
    const char *text = failure->details ? failure->details : "[]";
    if (gs_json_parse(gs_slice_str(text), "the details", &details, NULL) == GS_OK)
        yyjson_mut_obj_add_val(doc, val, "details",
                               yyjson_val_mut_copy(doc, yyjson_doc_get_root(details)));
}

enum gs_status gs_report_config(const struct gs_git_config *config, const char *branch_head,
                                yyjson_mut_doc *doc, yyjson_mut_val **out_obj, struct gs_error *err)
{
    yyjson_mut_val *obj = yyjson_mut_obj(doc);
    if (!obj)
        return gs_fail(err, GS_CODE_NO_MEMORY, NULL, "not enough memory");
    gs_json_add_cstr(doc, obj, "organizationId", config->organization_id);
    gs_json_add_cstr(doc, obj, "gitUrl", config->git_url);
    gs_json_add_cstr(doc, obj, "branchName", config->branch);
    gs_json_add_cstr(doc, obj, "githubAppId", config->github_app_id);
    gs_json_add_cstr(doc, obj, "githubAppInstallationId", config->github_installation_id);
    gs_json_add_cstr(doc, obj, "githubEnterpriseUrl", config->enterprise_url);
    gs_json_add_cstr(doc, obj, "githubEnterpriseApiUrl", config->enterprise_api_url);
    gs_json_add_cstr(doc, obj, "layout", config->layout);
    yyjson_mut_val *author = yyjson_mut_obj_add_obj(doc, obj, "commitAuthor");
    gs_json_add_cstr(doc, author, "name", config->author_name);
    gs_json_add_cstr(doc, author, "email", config->author_email);
    gs_json_add_cstr(doc, obj, "keyFingerprint", config->key_fingerprint);
    yyjson_mut_obj_add_bool(doc, obj, "isEnabled", config->enabled);
    yyjson_mut_obj_add_bool(doc, obj, "allowSecrets", config->allow_secrets);
    yyjson_mut_obj_add_bool(doc, obj, "tag", config->tag);
    gs_json_add_time(doc, obj, "createdAt", config->created_at);
    gs_json_add_time(doc, obj, "updatedAt", config->updated_at);
    if (branch_head)
        gs_json_add_cstr(doc, obj, "branchHead", *branch_head ? branch_head : NULL);
    *out_obj = obj;
    return GS_OK;
}

enum gs_status gs_report_finish(struct task *task, yyjson_mut_doc *doc, struct gs_error *err)
{
    gs_buf_clear(&task->json);
    return gs_json_write_mut(doc, &task->json, err);
}

enum gs_status gs_sync_config_json(struct gs_store *store, const char *organization_id,
                                   struct gs_buf *out, struct gs_error *err)
{
    GS_CLEANUP(gs_arena_cleanup) struct gs_arena *arena = gs_arena_new();
    GS_CLEANUP(gs_json_cleanup_mut) yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    struct gs_git_config config;
    enum gs_status status = gs_tx_read(store, &tx, err);
    if (status == GS_OK)
        status = gs_store_get_git_config(tx, organization_id, arena, &config, err);
    if (status == GS_NOT_FOUND)
        return gs_fail(err, GS_CODE_NOT_FOUND, "organizationId",
                       "the organization has no git configuration");
    yyjson_mut_val *obj = NULL;
    if (status == GS_OK)
        status = gs_report_config(&config, NULL, doc, &obj, err);
    if (status != GS_OK)
        return status;
    yyjson_mut_doc_set_root(doc, obj);
    return gs_json_write_mut(doc, out, err);
}
