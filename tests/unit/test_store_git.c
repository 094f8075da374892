// Git configurations, links, operations, tokens and settings in the store.
// SPDX-License-Identifier: Apache-2.0
#include "stored.h"

static struct gs_git_config config_of(const char *organization_id)
{
    return (struct gs_git_config){.organization_id = organization_id,
                                  .git_url = "https://github.com/acme/apps.git",
                                  .branch = "main",
                                  .github_app_id = "1",
                                  .github_installation_id = "2",
                                  .api_url = "https://api.github.com",
                                  .sealed_key = GS_SLICE_LIT("\x01sealed\0bytes"),
                                  .key_fingerprint = "SHA256:x",
                                  .layout = "single-file",
                                  .author_name = "bot",
                                  .author_email = "bot@localhost",
                                  .enabled = true,
                                  .allow_secrets = true,
                                  .created_at = 1,
                                  .updated_at = 2};
}

static void git_configs_are_put_and_deleted(void **state)
{
    struct stored *s = *state;
    struct gs_git_config config = config_of("o1");
    stored_write(s);
    stored_add_organization(s, "o1");
    STORED_OK(s, gs_store_put_git_config(s->tx, &config, &s->err));
    stored_commit(s);
    stored_reopen(s);
    stored_write(s);
    struct gs_git_config found;
    STORED_OK(s, gs_store_get_git_config(s->tx, "o1", s->arena, &found, &s->err));
    assert_string_equal(found.git_url, config.git_url);
    assert_true(gs_slice_eq(found.sealed_key, config.sealed_key));
    assert_string_equal(found.key_fingerprint, "SHA256:x");
    assert_string_equal(found.layout, "single-file");
    assert_string_equal(found.author_email, "bot@localhost");
    assert_null(found.enterprise_url);
    assert_true(found.enabled);
    assert_true(found.allow_secrets);
    STORED_OK(s, gs_store_delete_git_config(s->tx, "o1", &s->err));
    STORED_IS(s, GS_NOT_FOUND, gs_store_delete_git_config(s->tx, "o1", &s->err));
    STORED_IS(s, GS_NOT_FOUND, gs_store_get_git_config(s->tx, "o1", s->arena, &found, &s->err));
    config.organization_id = "o2";
    STORED_IS(s, GS_NOT_FOUND, gs_store_put_git_config(s->tx, &config, &s->err));
}

static void git_configs_are_replaced_but_for_their_age(void **state)
{
    struct stored *s = *state;
    struct gs_git_config config = config_of("o1");
    stored_write(s);
    stored_add_organization(s, "o1");
    STORED_OK(s, gs_store_put_git_config(s->tx, &config, &s->err));
    struct gs_git_config other = {.organization_id = "o1",
                                  .git_url = "https://git.example/r.git",
                                  .branch = "develop",
                                  .github_app_id = "3",
                                  .github_installation_id = "4",
                                  .api_url = "https://git.example/api/v3",
                                  .enterprise_url = "https://git.example",
                                  .enterprise_api_url = "https://git.example/api/v3",
                                  .sealed_key = GS_SLICE_EMPTY,
                                  .key_fingerprint = "SHA256:y",
                                  .layout = "per-entity",
                                  .author_name = "other",
                                  .author_email = "other@localhost",
                                  .created_at = 10,
                                  .updated_at = 11};
    STORED_OK(s, gs_store_put_git_config(s->tx, &other, &s->err));
    struct gs_git_config found;
    STORED_OK(s, gs_store_get_git_config(s->tx, "o1", s->arena, &found, &s->err));
    assert_string_equal(found.git_url, other.git_url);
    assert_string_equal(found.branch, "develop");
    assert_string_equal(found.github_app_id, "3");
    assert_string_equal(found.github_installation_id, "4");
    assert_string_equal(found.api_url, other.api_url);
    assert_string_equal(found.enterprise_url, other.enterprise_url);
    assert_string_equal(found.enterprise_api_url, other.enterprise_api_url);
    assert_int_equal(found.sealed_key.len, 0);
    assert_string_equal(found.key_fingerprint, "SHA256:y");
    assert_string_equal(found.layout, "per-entity");
    assert_string_equal(found.author_name, "other");
    assert_string_equal(found.author_email, "other@localhost");
    assert_false(found.enabled);
    assert_int_equal(found.created_at, 1);
    assert_int_equal(found.updated_at, 11);
}

static void links_are_put_and_found(void **state)
{
    struct stored *s = *state;
    struct gs_git_link link = {.app_id = "a1",
                               .organization_id = "o1",
                               .git_app_id = "g1",
                               .git_url = "https://localhost/r",
                               .branch = "main",
                               .commit = "c1",
                               .synced_at = 1};
    stored_write(s);
    stored_add_organization(s, "o1");
    stored_add_organization(s, "o2");
    stored_add_app(s, "o1", "a1");
    stored_add_app(s, "o1", "a2");
    stored_add_app(s, "o2", "a3");
    STORED_OK(s, gs_store_put_link(s->tx, &link, &s->err));
    struct gs_git_link found;
    STORED_OK(s, gs_store_get_link(s->tx, "a1", s->arena, &found, &s->err));
    assert_null(found.name);
    link.commit = "c2";
    link.synced_at = 2;
    link.name = "Orders";
    STORED_OK(s, gs_store_put_link(s->tx, &link, &s->err));
    STORED_OK(s, gs_store_get_link(s->tx, "a1", s->arena, &found, &s->err));
    assert_string_equal(found.commit, "c2");
    assert_string_equal(found.name, "Orders");
    assert_int_equal(found.synced_at, 2);
    assert_string_equal(found.branch, "main");
    STORED_OK(s, gs_store_find_link(s->tx, "o1", "g1", s->arena, &found, &s->err));
    assert_string_equal(found.app_id, "a1");
    assert_string_equal(found.git_url, "https://localhost/r");
    STORED_IS(s, GS_NOT_FOUND, gs_store_get_link(s->tx, "a2", s->arena, &found, &s->err));
    STORED_IS(s, GS_NOT_FOUND, gs_store_find_link(s->tx, "o2", "g1", s->arena, &found, &s->err));
    link.app_id = "a2";
    STORED_IS(s, GS_CONFLICT, gs_store_put_link(s->tx, &link, &s->err));
    link.app_id = "a3";
    link.organization_id = "o2";
    STORED_OK(s, gs_store_put_link(s->tx, &link, &s->err));
    link.app_id = "a4";
    link.git_app_id = "g4";
    STORED_IS(s, GS_NOT_FOUND, gs_store_put_link(s->tx, &link, &s->err));
}

static void operations_are_added_and_updated(void **state)
{
    struct stored *s = *state;
    struct gs_operation op = {
        .id = "1", .kind = "push", .request = "{\"a\":1}", .created_at = 1, .updated_at = 1};
    stored_write(s);
    STORED_OK(s, gs_store_add_operation(s->tx, &op, &s->err));
    STORED_IS(s, GS_CONFLICT, gs_store_add_operation(s->tx, &op, &s->err));
    struct gs_operation found;
    STORED_OK(s, gs_store_get_operation(s->tx, "1", s->arena, &found, &s->err));
    assert_int_equal(found.state, GS_OP_QUEUED);
    assert_null(found.organization_id);
    assert_null(found.commit);
    assert_null(found.phase);
    op = (struct gs_operation){.id = "1",
                               .kind = "ignored",
                               .state = GS_OP_FAILED,
                               .organization_id = "o1",
                               .app_id = "a1",
                               .version_id = "v1",
                               .request = "ignored",
                               .commit = "c1",
                               .result = "{}",
                               .error_code = "host_timeout",
                               .error_message = "no answer",
                               .error_details = "[1]",
                               .http_status = 504,
                               .progress = 40,
                               .phase = "pushing",
                               .created_at = 9,
                               .updated_at = 10};
    STORED_OK(s, gs_store_update_operation(s->tx, &op, &s->err));
    stored_commit(s);
    stored_reopen(s);
    stored_write(s);
    STORED_OK(s, gs_store_get_operation(s->tx, "1", s->arena, &found, &s->err));
    assert_string_equal(found.kind, "push");
    assert_string_equal(found.request, "{\"a\":1}");
    assert_int_equal(found.state, GS_OP_FAILED);
    assert_string_equal(found.organization_id, "o1");
    assert_string_equal(found.app_id, "a1");
    assert_string_equal(found.version_id, "v1");
    assert_string_equal(found.commit, "c1");
    assert_string_equal(found.result, "{}");
    assert_string_equal(found.error_code, "host_timeout");
    assert_string_equal(found.error_message, "no answer");
    assert_string_equal(found.error_details, "[1]");
    assert_int_equal(found.http_status, 504);
    assert_int_equal(found.progress, 40);
    assert_string_equal(found.phase, "pushing");
    assert_int_equal(found.created_at, 1);
    assert_int_equal(found.updated_at, 10);
    op.id = "2";
    STORED_IS(s, GS_NOT_FOUND, gs_store_update_operation(s->tx, &op, &s->err));
    STORED_IS(s, GS_NOT_FOUND, gs_store_get_operation(s->tx, "2", s->arena, &found, &s->err));
}

// The ids that the filter gives, as one text.
static const char *listed(struct stored *s, struct gs_operation_filter filter)
{
    struct gs_operation *ops;
    size_t count;
    STORED_OK(s, gs_store_list_operations(s->tx, &filter, s->arena, &ops, &count, &s->err));
    const char *text = "";
    for (size_t i = 0; i < count; i++)
        text = gs_arena_printf(s->arena, "%s%s", text, ops[i].id);
    return text;
}

static void operations_are_filtered(void **state)
{
    struct stored *s = *state;
    const enum gs_operation_state done = GS_OP_DONE, running = GS_OP_RUNNING;
    const char *ids[] = {"1", "2", "3", "4", "5", "6"};
    stored_write(s);
    // Operation 1 is queued, …, 6 is cancelled; odd ones are of app a1, the first four of o1.
    for (int i = 0; i < 6; i++) {
        struct gs_operation op = {.id = ids[i],
                                  .kind = "pull",
                                  .state = (enum gs_operation_state)i,
                                  .organization_id = i < 4 ? "o1" : "o2",
                                  .app_id = i % 2 == 0 ? "a1" : "a2",
                                  .request = "{}"};
        STORED_OK(s, gs_store_add_operation(s->tx, &op, &s->err));
    }
    typedef struct gs_operation_filter filter;
    assert_string_equal(listed(s, (filter){.limit = 10}), "654321");
    assert_string_equal(listed(s, (filter){.limit = SIZE_MAX}), "654321");
    assert_string_equal(listed(s, (filter){.limit = 2}), "65");
    assert_string_equal(listed(s, (filter){.limit = 0}), "");
    assert_string_equal(listed(s, (filter){.limit = 2, .before_id = "5"}), "43");
    assert_string_equal(listed(s, (filter){.limit = 9, .organization_id = "o1"}), "4321");
    assert_string_equal(listed(s, (filter){.limit = 9, .app_id = "a1"}), "531");
    assert_string_equal(listed(s, (filter){.limit = 9, .open_only = true}), "321");
    assert_string_equal(listed(s, (filter){.limit = 9, .state = &done}), "4");
    assert_string_equal(listed(s, (filter){.limit = 9, .state = &running, .open_only = true}), "2");
    assert_string_equal(listed(s, (filter){.limit = 9, .state = &done, .open_only = true}), "");
    assert_string_equal(listed(s, (filter){.limit = 9,
                                           .organization_id = "o1",
                                           .app_id = "a1",
                                           .open_only = true,
                                           .before_id = "3"}),
                        "1");
}

static void operation_states_have_texts(void **state)
{
    (void)state;
    for (int i = GS_OP_QUEUED; i <= GS_OP_CANCELLED; i++) {
        enum gs_operation_state back = GS_OP_QUEUED;
        const char *text = gs_operation_state_text((enum gs_operation_state)i);
        assert_true(gs_operation_state_from_text(text, &back));
        assert_int_equal(back, i);
    }
    enum gs_operation_state untouched = GS_OP_DONE;
    assert_false(gs_operation_state_from_text("Done", &untouched));
    assert_int_equal(untouched, GS_OP_DONE);
}

static void tokens_are_added_once(void **state)
{
    struct stored *s = *state;
    struct gs_token token = {.sha256 = "aa", .name = "admin", .created_at = 1};
    stored_write(s);
    STORED_OK(s, gs_store_add_token(s->tx, &token, &s->err));
    STORED_OK(s, gs_store_add_token(s->tx, &token, &s->err));
    token.name = "another name";
    STORED_OK(s, gs_store_add_token(s->tx, &token, &s->err));
    token = (struct gs_token){.sha256 = "bb", .name = "admin", .created_at = 2};
    STORED_IS(s, GS_CONFLICT, gs_store_add_token(s->tx, &token, &s->err));
    STORED_OK(s, gs_store_delete_token(s->tx, "admin", &s->err));
    STORED_OK(s, gs_store_delete_token(s->tx, "admin", &s->err));
    STORED_OK(s, gs_store_add_token(s->tx, &token, &s->err));
    stored_commit(s);
    stored_reopen(s);
    stored_read(s);
    struct gs_token *tokens;
    size_t count;
    STORED_OK(s, gs_store_list_tokens(s->tx, s->arena, &tokens, &count, &s->err));
    assert_int_equal(count, 1);
    assert_string_equal(tokens[0].sha256, "bb");
    assert_string_equal(tokens[0].name, "admin");
    assert_int_equal(tokens[0].created_at, 2);
}

static void settings_are_put_and_replaced(void **state)
{
    struct stored *s = *state;
    const char *value = "untouched";
    stored_write(s);
    STORED_IS(s, GS_NOT_FOUND, gs_store_get_setting(s->tx, "n", s->arena, &value, &s->err));
    assert_string_equal(value, "untouched");
    STORED_OK(s, gs_store_put_setting(s->tx, "n", "one", &s->err));
    STORED_OK(s, gs_store_put_setting(s->tx, "n", "", &s->err));
    stored_commit(s);
    stored_reopen(s);
    stored_read(s);
    STORED_OK(s, gs_store_get_setting(s->tx, "n", s->arena, &value, &s->err));
    assert_string_equal(value, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORED_TEST(git_configs_are_put_and_deleted),
        STORED_TEST(git_configs_are_replaced_but_for_their_age),
        STORED_TEST(links_are_put_and_found),
        STORED_TEST(operations_are_added_and_updated),
        STORED_TEST(operations_are_filtered),
        cmocka_unit_test(operation_states_have_texts),
        STORED_TEST(tokens_are_added_once),
        STORED_TEST(settings_are_put_and_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
