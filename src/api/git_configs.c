// The git configuration of an organization, and the layout of its branch.
// SPDX-License-Identifier: Apache-2.0
#include "api/api_internal.h"

enum { URL_MAX = 2048, ID_MAX = 128, BRANCH_MAX = 244, KEY_MAX = 65536, NAME_MAX_BYTES = 255 };

static const char *const layouts[] = {"single-file", "per-entity", NULL};

static void read_author(struct fields *fields, struct gs_git_config_input *input)
{
    yyjson_val *author = yyjson_obj_get(fields->obj, "commitAuthor");
    if (!author || yyjson_is_null(author))
        return;
    if (!yyjson_is_obj(author)) {
        gs_fields_complain(fields, "commitAuthor", "commitAuthor must be an object");
        return;
    }
    yyjson_val *outer = fields->obj;
    fields->obj = author;
    fields->base = "/commitAuthor";
    input->author_name = gs_fields_text(fields, "name", FIELD_REQUIRED, NAME_MAX_BYTES);
    input->author_email = gs_fields_text(fields, "email", FIELD_REQUIRED, NAME_MAX_BYTES);
    // These would end the header line of a commit or its parts.
    if (input->author_name && strpbrk(input->author_name, "<>\n\r"))
        gs_fields_complain(fields, "name", "name must not contain < > or line breaks");
    if (input->author_email && strpbrk(input->author_email, "<>\n\r"))
        gs_fields_complain(fields, "email", "email must not contain < > or line breaks");
    fields->obj = outer;
    fields->base = "";
}

static enum gs_status read_config(struct call *call, yyjson_val *body, const char **out_id,
                                  struct gs_git_config_input *out_input, struct gs_error *err)
{
    struct fields fields;
    gs_fields_begin(&fields, call, body);
    *out_id = gs_fields_text(&fields, "organizationId", FIELD_REQUIRED | FIELD_UUID, ID_MAX);
    struct gs_git_config_input input = {
        .git_url = gs_fields_text(&fields, "gitUrl", FIELD_REQUIRED, URL_MAX),
        .branch = gs_fields_text(&fields, "branchName", FIELD_REQUIRED, BRANCH_MAX),
        .github_app_id = gs_fields_text(&fields, "githubAppId", FIELD_REQUIRED, ID_MAX),
        .github_installation_id =
            gs_fields_text(&fields, "githubAppInstallationId", FIELD_REQUIRED, ID_MAX),
        .private_key = gs_fields_slice(&fields, "githubAppPrivateKey", FIELD_REQUIRED, KEY_MAX),
        .enterprise_url = gs_fields_text(&fields, "githubEnterpriseUrl", FIELD_EMPTY_OK, URL_MAX),
        .enterprise_api_url =
            gs_fields_text(&fields, "githubEnterpriseApiUrl", FIELD_EMPTY_OK, URL_MAX),
    };
    // Pipelines pass variables that were never filled in as empty texts.
    if (input.enterprise_url && !*input.enterprise_url)
        input.enterprise_url = NULL;
    if (input.enterprise_api_url && !*input.enterprise_api_url)
        input.enterprise_api_url = NULL;
    int layout = gs_fields_choice(&fields, "layout", layouts, -1);
    input.layout = layout < 0 ? NULL : layouts[layout];
    input.disabled = !gs_fields_bool(&fields, "isEnabled", true);
    input.allow_secrets = gs_fields_bool(&fields, "allowSecrets", false);
    input.tag = gs_fields_bool(&fields, "tag", false);
    read_author(&fields, &input);
    *out_input = input;
    return gs_fields_end(&fields, err);
}

enum gs_status gs_git_convert(struct call *call, struct gs_error *err)
{
    enum { MESSAGE_MAX = 65536 };
    struct fields fields;
    enum gs_status status = gs_fields_begin_body(&fields, call, err);
    if (status != GS_OK)
        return status;
    struct gs_sync_request request = {
        .kind = GS_SYNC_CONVERT,
        .organization_id =
            gs_fields_text(&fields, "organizationId", FIELD_REQUIRED | FIELD_UUID, ID_MAX),
        .message = gs_fields_slice(&fields, "commitMessage", 0, MESSAGE_MAX),
    };
    int layout = gs_fields_choice(&fields, "layout", layouts, -1);
    if (layout >= 0)
        request.layout = layouts[layout];
    else if (fields.count == 0)
        gs_fields_complain(&fields, "layout", "layout is required (single-file or per-entity)");
    status = gs_fields_end(&fields, err);
    return status == GS_OK ? gs_call_submit_planned(call, &request, err) : status;
}

static enum gs_status submit(struct call *call, enum gs_sync_kind kind, const char *organization_id,
                             const struct gs_git_config_input *input, struct gs_error *err)
{
    struct gs_sync_request request = {
        .kind = kind, .organization_id = organization_id, .config = input};
    return gs_call_submit(call, &request, err);
}

enum gs_status gs_git_config_put(struct call *call, struct gs_error *err)
{
    yyjson_val *body = NULL;
    const char *organization_id = NULL;
    struct gs_git_config_input input = {0};
    enum gs_status status = gs_call_body(call, &body, err);
    if (status == GS_OK)
        status = read_config(call, body, &organization_id, &input, err);
    return status == GS_OK ? submit(call, GS_SYNC_CONFIGURE, organization_id, &input, err) : status;
}

// Whether the body has nothing of a configuration; members that are not known are not counted.
static bool names_organization_alone(yyjson_val *body)
{
    static const char *const members[] = {"gitUrl",
                                          "branchName",
                                          "githubAppId",
                                          "githubAppInstallationId",
                                          "githubAppPrivateKey",
                                          "githubEnterpriseUrl",
                                          "githubEnterpriseApiUrl",
                                          "layout",
                                          "commitAuthor",
                                          "isEnabled",
                                          "allowSecrets",
                                          "tag"};
    for (size_t i = 0; i < GS_COUNT(members); i++) {
        yyjson_val *value = yyjson_obj_get(body, members[i]);
        if (value && !yyjson_is_null(value))
            return false;
    }
    return true;
}

// With the organization alone the stored configuration is tested.
enum gs_status gs_git_config_test(struct call *call, struct gs_error *err)
{
    yyjson_val *body = NULL;
    const char *organization_id = NULL;
    struct gs_git_config_input input = {0};
    enum gs_status status = gs_call_body(call, &body, err);
    if (status != GS_OK)
        return status;
    bool stored = names_organization_alone(body);
    if (stored) {
        struct fields fields;
        gs_fields_begin(&fields, call, body);
        organization_id =
            gs_fields_text(&fields, "organizationId", FIELD_REQUIRED | FIELD_UUID, ID_MAX);
        status = gs_fields_end(&fields, err);
    } else {
        status = read_config(call, body, &organization_id, &input, err);
    }
    return status == GS_OK
               ? submit(call, GS_SYNC_TEST, organization_id, stored ? NULL : &input, err)
               : status;
}

enum gs_status gs_git_config_get(struct call *call, struct gs_error *err)
{
    const char *id = NULL;
    enum gs_status status = gs_query_organization(call, &id, err);
    return status == GS_OK ? gs_sync_config_json(call->api->options.store, id, &call->raw, err)
                           : status;
}

enum gs_status gs_git_config_delete(struct call *call, struct gs_error *err)
{
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    const char *id = NULL;
    struct gs_git_config config;
    enum gs_status status = gs_query_organization(call, &id, err);
    if (status == GS_OK)
        status = gs_call_write(call, &tx, err);
    if (status == GS_OK)
        status = gs_store_get_git_config(tx, id, call->arena, &config, err);
    if (status == GS_NOT_FOUND)
        return gs_fail(err, GS_CODE_NOT_FOUND, "organizationId",
                       "the organization has no git configuration");
    if (status == GS_OK)
        status = gs_store_delete_git_config(tx, id, err);
    return status == GS_OK ? gs_tx_commit(&tx, err) : status;
}
