// What a scan finds in a document: secrets in the open, constants and secrets that it needs, modules that it shows.
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "app/scan.h"
#include "app_fixture.h"

#define APP "/app/0/definition/appV2"

struct scanned {
    struct app_side side;
    struct gs_arena *arena;
    struct gs_scan scan;
};

static struct scanned scan_of(const char *members)
{
    struct scanned s = {.side = app_side_of(app_document(members)), .arena = gs_arena_new()};
    gs_document_scan(&s.side.document, s.arena, &s.scan);
    return s;
}

static void release(struct scanned *s)
{
    gs_arena_free(s->arena);
    app_side_release(&s->side);
}

static void the_names_of_secrets_are_known(void **state)
{
    (void)state;
    static const char *const secrets[] = {"password",         "PASSWORD",      "db_password",
                                          "client_secret",    "apiKey",        "api_key",
                                          "API-Key",          "token",         "bearerToken",
                                          "secret_key",       "X-API-Key",     "ssh_passphrase",
                                          "gcp_key",          "Auth.Key",      "private_key",
                                          "accountKey",       "Authorization", "connection_string",
                                          "passwd",           "db-pwd",        "clientSecret",
                                          "encryptionKey",    "signing_key",   "masterKey",
                                          "shared key",       "service_key",   "secret_access_key",
                                          "connectionString", "pwd__",         "Token!"};
    static const char *const others[] = {
        "",           "host",     "access_key",      "access_token_url",
        "tokenData",  "username", "add_token_to",    "access_token_custom_headers",
        "key",        "tokens",   "password_policy", "instance_metadata_credentials",
        "max_tokens", "🔑",        "ssh_auth_type",   "header_prefix"};
    for (size_t i = 0; i < GS_COUNT(secrets); i++)
        assert_true(gs_key_names_secret(gs_slice_str(secrets[i])));
    for (size_t i = 0; i < GS_COUNT(others); i++)
        assert_false(gs_key_names_secret(gs_slice_str(others[i])));
}

static void a_reference_is_no_secret(void **state)
{
    (void)state;
    static const char *const references[] = {
        "",
        "  \n",
        "{{constants.PASSWORD}}",
        " {{ secrets.db }} ",
        "{{secrets[\"db password\"]}}",
        "{{globals.server.token}}",
        "Bearer {{secrets.token}}",
        "bearer   {{secrets.token}}",
        "{{constants.user}}:{{secrets.password}}",
        "{{queries.login.data.token}}",
        "%%server.PASSWORD%%",
    };
    static const char *const texts[] = {
        "hunter2",
        "Bearer",
        "Bearer eyJhbGciOi",
        "{{'hunter2'}}",
        "{{\"hunter2\"}}",
        "{{`hunter2`}}",
        "hunter2{{constants.X}}",
        "{{constants.X}}hunter2",
        "{{constants.X",
        "{{",
        "%%",
        "{{constantsX + 'a'}}",
    };
    for (size_t i = 0; i < GS_COUNT(references); i++)
        assert_true(gs_text_is_reference(gs_slice_str(references[i])));
    for (size_t i = 0; i < GS_COUNT(texts); i++)
        assert_false(gs_text_is_reference(gs_slice_str(texts[i])));
}

static void secrets_in_the_open_are_found(void **state)
{
    (void)state;
    static const struct {
        const char *members, *path, *key;
    } cases[] = {
        {"'workflowApiToken':'t',", APP "/workflowApiToken", "workflowApiToken"},
        {"'dataSourceOptions':[{},{'options':{'password':{'value':'x','encrypted':false}}}],",
         APP "/dataSourceOptions/1/options/password/value", "password"},
        {"'dataSourceOptions':[{'options':{'password':{'value':'x'}}}],",
         APP "/dataSourceOptions/0/options/password/value", "password"},
        {"'dataSourceOptions':[{'options':{'password':{'value':4711,'encrypted':false}}}],",
         APP "/dataSourceOptions/0/options/password/value", "password"},
        {"'dataSourceOptions':[{'options':{'api_key':'x'}}],",
         APP "/dataSourceOptions/0/options/api_key", "api_key"},
        {"'dataSources':[{'options':{'token':{'value':'x','encrypted':null}}}],",
         APP "/dataSources/0/options/token/value", "token"},
        {"'dataSources':[{'options':[{'key':'token','value':'x'}]}],",
         APP "/dataSources/0/options/0/value", "token"},
        {"'dataSources':[{'options':{'headers':{'value':[['a','b'],['Authorization','x']]}}}],",
         APP "/dataSources/0/options/headers/value/1/1", "Authorization"},
        {"'dataSources':[{'options':{'a~/b':{'private_key':'x'}}}],",
         APP "/dataSources/0/options/a~0~1b/private_key", "private_key"},
        {"'anything':{'client_secret':{'value':'x','encrypted':false}},",
         APP "/anything/client_secret/value", "client_secret"},
    };
    for (size_t i = 0; i < GS_COUNT(cases); i++) {
        struct scanned s = scan_of(cases[i].members);
        assert_int_equal(s.scan.secret_count, 1);
        assert_string_equal(s.scan.secrets[0].path, cases[i].path);
        assert_string_equal(s.scan.secrets[0].key, cases[i].key);
        release(&s);
    }
}

static void what_is_no_secret_is_left_alone(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "'workflowApiToken':null,",
        "'workflowApiToken':'',",
        "'dataSourceOptions':[{'options':{'password':{'credential_id':'c','encrypted':true}}}],",
        "'dataSourceOptions':[{'options':{'password':{'value':'abc','encrypted':true}}}],",
        "'dataSourceOptions':[{'options':{'password':{'value':'','encrypted':false}}}],",
        "'dataSourceOptions':[{'options':{'password':{'value':null,'encrypted':false}}}],",
        "'dataSourceOptions':[{'options':{'password':{'value':true,'encrypted':false}}}],",
        "'dataSourceOptions':[{'options':{'password':{'encrypted':false}}}],",
        "'dataSourceOptions':[{'options':{'password':{'value':'{{secrets.p}}','encrypted':false}}}]"
        ",",
        "'dataSourceOptions':[{'options':{'host':{'value':'db.example.com','encrypted':false}}}],",
        "'dataSourceOptions':[{'options':null,'token':'x'}],",
        // What a form asks for, and what a query sends, is not an option of a data source.
        "'components':[{'properties':{'password':{'value':'Your password'}}}],",
        "'dataQueries':[{'options':{'password':'{{components.p.value}}','token':'x'}}],",
    };
    for (size_t i = 0; i < GS_COUNT(cases); i++) {
        struct scanned s = scan_of(cases[i]);
        assert_int_equal(s.scan.secret_count, 0);
        release(&s);
    }
}

static void secrets_without_end_are_counted(void **state)
{
    (void)state;
    GS_CLEANUP(gs_buf_release) struct gs_buf text = {.max = 1 << 20};
    gs_buf_append_str(&text, "'dataSources':[{'options':{'");
    for (size_t i = 0; i < 2000; i++)
        gs_buf_append_char(&text, 'x');
    gs_buf_append_str(&text, "':[");
    for (size_t i = 0; i < 150; i++)
        gs_buf_append_str(&text, "{'token':'t'},");
    gs_buf_append_str(&text, "0]}}],");
    struct scanned s = scan_of(text.data);
    assert_int_equal(s.scan.secret_count, 150);
    assert_string_equal(s.scan.secrets[GS_SCAN_SECRETS_MAX - 1].path, APP "/dataSources/0/options");
    release(&s);
}

static void needs_are_found(void **state)
{
    (void)state;
    struct scanned s = scan_of(
        "'a':'{{constants.URL}}/x?{{ secrets.TOKEN + constants.URL }}','b':['{{secrets[\\'my "
        "key\\']}}','{{constants?.lang}}','{{constants[x]}}','constants.plain','{{x.constants.no}}'"
        ","
        "'{{myconstants.no}}','{{constants}}','{{secrets.}}','{{ f({a:{b:1}}) + constants.last "
        "}}'],");
    static const struct gs_need expected[] = {
        {GS_NEED_CONSTANT, "URL"},  {GS_NEED_SECRET, "TOKEN"},  {GS_NEED_SECRET, "my key"},
        {GS_NEED_CONSTANT, "lang"}, {GS_NEED_CONSTANT, "last"},
    };
    assert_int_equal(s.scan.need_count, GS_COUNT(expected));
    for (size_t i = 0; i < GS_COUNT(expected); i++) {
        assert_int_equal(s.scan.needs[i].kind, expected[i].kind);
        assert_string_equal(s.scan.needs[i].name, expected[i].name);
    }
    release(&s);
}

static void modules_are_found(void **state)
{
    (void)state;
    struct scanned s = scan_of("'components':[{'properties':{'moduleAppId':{'value':'M1'}}},"
                               "{'properties':{'moduleAppId':{'value':''}}},"
                               "{'properties':{'moduleAppId':{'value':'{{x}}'}}},"
                               "{'properties':{'moduleAppId':'M2'}},"
                               "{'properties':{'moduleAppId':{'value':'M1'}}},"
                               "{'properties':{'moduleAppId':{'value':7}}}],");
    assert_int_equal(s.scan.module_count, 2);
    assert_string_equal(s.scan.modules[0], "M1");
    assert_string_equal(s.scan.modules[1], "M2");
    release(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_names_of_secrets_are_known),
        cmocka_unit_test(a_reference_is_no_secret),
        cmocka_unit_test(secrets_in_the_open_are_found),
        cmocka_unit_test(what_is_no_secret_is_left_alone),
        cmocka_unit_test(secrets_without_end_are_counted),
        cmocka_unit_test(needs_are_found),
        cmocka_unit_test(modules_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
