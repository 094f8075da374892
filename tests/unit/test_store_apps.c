// Organizations, apps, versions, their history and releases in the store.
// SPDX-License-Identifier: Apache-2.0
#include "stored.h"

static void organizations_are_added_found_and_listed(void **state)
{
    struct stored *s = *state;
    struct gs_organization newer = {.id = "o2", .name = "Second", .created_at = 20};
    struct gs_organization older = {.id = "o1", .name = "Först \"x\" '; --", .created_at = 10};
    stored_write(s);
    STORED_OK(s, gs_store_add_organization(s->tx, &newer, &s->err));
    STORED_OK(s, gs_store_add_organization(s->tx, &older, &s->err));
    stored_commit(s);
    stored_reopen(s);
    stored_read(s);
    struct gs_organization org;
    STORED_OK(s, gs_store_get_organization(s->tx, "o1", s->arena, &org, &s->err));
    assert_string_equal(org.name, older.name);
    assert_int_equal(org.created_at, 10);
    struct gs_organization *orgs;
    size_t count;
    STORED_OK(s, gs_store_list_organizations(s->tx, s->arena, &orgs, &count, &s->err));
    assert_int_equal(count, 2);
    assert_string_equal(orgs[0].id, "o1");
    assert_string_equal(orgs[1].id, "o2");
}

static void organizations_have_three_environments(void **state)
{
    struct stored *s = *state;
    stored_write(s);
    stored_add_organization(s, "o1");
    stored_add_organization(s, "o2");
    struct gs_environment *envs;
    size_t count;
    STORED_OK(s, gs_store_list_environments(s->tx, "o1", s->arena, &envs, &count, &s->err));
    assert_int_equal(count, 3);
    const char *names[] = {"development", "staging", "production"};
    for (int i = 0; i < 3; i++) {
        assert_string_equal(envs[i].name, names[i]);
        assert_int_equal(envs[i].priority, i + 1);
        assert_string_equal(envs[i].organization_id, "o1");
        assert_int_equal(strlen(envs[i].id), 36);
    }
    STORED_OK(s, gs_store_list_environments(s->tx, "none", s->arena, &envs, &count, &s->err));
    assert_int_equal(count, 0);
}

static void organizations_conflict_and_are_missed(void **state)
{
    struct stored *s = *state;
    struct gs_organization same_id = {.id = "o1", .name = "other", .created_at = 1};
    struct gs_organization same_name = {.id = "o2", .name = "o1", .created_at = 1};
    struct gs_organization org = {.id = "untouched"};
    stored_write(s);
    stored_add_organization(s, "o1");
    STORED_IS(s, GS_CONFLICT, gs_store_add_organization(s->tx, &same_id, &s->err));
    assert_int_equal(s->err.code, GS_CODE_CONFLICT);
    assert_string_equal(s->err.message, "this id exists already in organizations");
    STORED_IS(s, GS_CONFLICT, gs_store_add_organization(s->tx, &same_name, &s->err));
    assert_string_equal(s->err.message, "this name exists already in organizations");
    STORED_IS(s, GS_NOT_FOUND, gs_store_get_organization(s->tx, "o2", s->arena, &org, &s->err));
    assert_int_equal(s->err.code, GS_CODE_NOT_FOUND);
    assert_null(s->err.details);
    assert_string_equal(org.id, "untouched");
    // A refused row leaves the transaction usable.
    stored_add_organization(s, "o3");
    stored_commit(s);
    assert_int_equal(stored_sql(s, "SELECT count(*) FROM organizations"), 2);
    assert_int_equal(stored_sql(s, "SELECT count(*) FROM environments"), 6);
}

static void apps_are_found_in_every_way(void **state)
{
    struct stored *s = *state;
    stored_write(s);
    stored_add_organization(s, "o1");
    stored_add_organization(s, "o2");
    struct gs_app app = {.id = "a1",
                         .organization_id = "o1",
                         .name = "Straße",
                         .slug = "strasse",
                         .created_at = 5,
                         .updated_at = 6};
    STORED_OK(s, gs_store_add_app(s->tx, &app, &s->err));
    stored_add_app(s, "o1", "a0");
    stored_add_app(s, "o2", "Straße");
    struct gs_app found;
    STORED_OK(s, gs_store_get_app(s->tx, "a1", s->arena, &found, &s->err));
    assert_string_equal(found.slug, "strasse");
    assert_null(found.current_version_id);
    assert_int_equal(found.created_at, 5);
    assert_int_equal(found.updated_at, 6);
    STORED_OK(s, gs_store_find_app_by_slug(s->tx, "strasse", s->arena, &found, &s->err));
    assert_string_equal(found.id, "a1");
    STORED_OK(s, gs_store_find_app_by_name(s->tx, "o1", "Straße", s->arena, &found, &s->err));
    assert_string_equal(found.id, "a1");
    STORED_IS(s, GS_NOT_FOUND,
              gs_store_find_app_by_name(s->tx, "o1", "STRAßE", s->arena, &found, &s->err));
    STORED_IS(s, GS_NOT_FOUND,
              gs_store_find_app_by_slug(s->tx, "Strasse", s->arena, &found, &s->err));
    STORED_IS(s, GS_NOT_FOUND, gs_store_get_app(s->tx, "a2", s->arena, &found, &s->err));
    struct gs_app *apps;
    size_t count;
    STORED_OK(s, gs_store_list_apps(s->tx, "o1", s->arena, &apps, &count, &s->err));
    assert_int_equal(count, 2);
    assert_string_equal(apps[0].id, "a0");
    assert_string_equal(apps[1].id, "a1");
}

static void apps_conflict_by_id_name_and_slug(void **state)
{
    struct stored *s = *state;
    stored_write(s);
    stored_add_organization(s, "o1");
    stored_add_organization(s, "o2");
    stored_add_app(s, "o1", "a1");
    struct gs_app app = {.id = "a1", .organization_id = "o1", .name = "n", .slug = "s"};
    STORED_IS(s, GS_CONFLICT, gs_store_add_app(s->tx, &app, &s->err));
    app.id = "a2";
    app.name = "a1";
    STORED_IS(s, GS_CONFLICT, gs_store_add_app(s->tx, &app, &s->err));
    assert_string_equal(s->err.message, "this name exists already in apps");
    app.organization_id = "o2";
    app.slug = "a1";
    STORED_IS(s, GS_CONFLICT, gs_store_add_app(s->tx, &app, &s->err));
    assert_string_equal(s->err.message, "this slug exists already in apps");
    app.slug = "a2";
    STORED_OK(s, gs_store_add_app(s->tx, &app, &s->err));
    app = (struct gs_app){.id = "a3", .organization_id = "o3", .name = "n", .slug = "n"};
    STORED_IS(s, GS_NOT_FOUND, gs_store_add_app(s->tx, &app, &s->err));
}

static void apps_are_renamed(void **state)
{
    struct stored *s = *state;
    stored_write(s);
    stored_add_organization(s, "o1");
    stored_add_app(s, "o1", "a1");
    stored_add_app(s, "o1", "a2");
    STORED_OK(s, gs_store_rename_app(s->tx, "a1", "new", 9, &s->err));
    STORED_OK(s, gs_store_rename_app(s->tx, "a1", "new", 10, &s->err));
    STORED_IS(s, GS_CONFLICT, gs_store_rename_app(s->tx, "a1", "a2", 11, &s->err));
    STORED_IS(s, GS_NOT_FOUND, gs_store_rename_app(s->tx, "a3", "x", 11, &s->err));
    struct gs_app app;
    STORED_OK(s, gs_store_get_app(s->tx, "a1", s->arena, &app, &s->err));
    assert_string_equal(app.name, "new");
    assert_int_equal(app.updated_at, 10);
}

static void versions_are_found_and_listed(void **state)
{
    struct stored *s = *state;
    stored_write(s);
    stored_add_organization(s, "o1");
    stored_add_app(s, "o1", "a1");
    const char *doc = stored_put_document(s, "one");
    struct gs_version version = stored_version(s, "a1", "v1", doc);
    version.synced_document_id = doc;
    version.draft = false;
    version.updated_at = 7;
    STORED_OK(s, gs_store_add_version(s->tx, &version, &s->err));
    stored_add_version(s, "a1", "v2", doc);
    version.id = version.name = "v0";
    version.created_at = 2;
    STORED_OK(s, gs_store_add_version(s->tx, &version, &s->err));
    struct gs_version found;
    STORED_OK(s, gs_store_get_version(s->tx, "a1", "v1", s->arena, &found, &s->err));
    assert_false(found.draft);
    assert_string_equal(found.app_id, "a1");
    assert_string_equal(found.document_id, doc);
    assert_string_equal(found.synced_document_id, doc);
    assert_string_equal(found.environment_id, stored_environment(s, "o1", 1));
    assert_int_equal(found.updated_at, 7);
    STORED_OK(s, gs_store_find_version_by_name(s->tx, "a1", "v2", s->arena, &found, &s->err));
    assert_string_equal(found.id, "v2");
    assert_true(found.draft);
    assert_null(found.synced_document_id);
    struct gs_version *versions;
    size_t count;
    STORED_OK(s, gs_store_list_versions(s->tx, "a1", s->arena, &versions, &count, &s->err));
    assert_int_equal(count, 3);
    assert_string_equal(versions[0].id, "v0");
    assert_string_equal(versions[1].id, "v2");
    assert_string_equal(versions[2].id, "v1");
}

static void versions_conflict_and_are_missed(void **state)
{
    struct stored *s = *state;
    stored_write(s);
    stored_add_organization(s, "o1");
    stored_add_app(s, "o1", "a1");
    stored_add_app(s, "o1", "a2");
    const char *doc = stored_put_document(s, "one");
    stored_add_version(s, "a1", "v1", doc);
    struct gs_version version = stored_version(s, "a2", "v1", doc);
    STORED_IS(s, GS_CONFLICT, gs_store_add_version(s->tx, &version, &s->err));
    version = stored_version(s, "a1", "v2", doc);
    version.name = "v1";
    STORED_IS(s, GS_CONFLICT, gs_store_add_version(s->tx, &version, &s->err));
    assert_string_equal(s->err.message, "this name exists already in versions");
    version.app_id = "a2";
    STORED_OK(s, gs_store_add_version(s->tx, &version, &s->err));
    version = stored_version(s, "a1", "v3", "no such document");
    STORED_IS(s, GS_NOT_FOUND, gs_store_add_version(s->tx, &version, &s->err));
    STORED_IS(s, GS_NOT_FOUND,
              gs_store_get_version(s->tx, "a2", "v1", s->arena, &version, &s->err));
    STORED_IS(s, GS_NOT_FOUND,
              gs_store_find_version_by_name(s->tx, "a1", "V1", s->arena, &version, &s->err));
    bool exists = false;
    STORED_OK(s, gs_store_version_id_exists(s->tx, "v2", &exists, &s->err));
    assert_true(exists);
    STORED_OK(s, gs_store_version_id_exists(s->tx, "v3", &exists, &s->err));
    assert_false(exists);
}

static void updates_keep_what_they_replace(void **state)
{
    struct stored *s = *state;
    stored_write(s);
    stored_add_organization(s, "o1");
    stored_add_app(s, "o1", "a1");
    const char *docs[] = {stored_put_document(s, "one"), stored_put_document(s, "two"),
                          stored_put_document(s, "three")};
    struct gs_version version = stored_version(s, "a1", "v1", docs[0]);
    STORED_OK(s, gs_store_add_version(s->tx, &version, &s->err));
    version.document_id = docs[1];
    version.updated_at = 50;
    STORED_OK(s, gs_store_update_version(s->tx, &version, "op1", &s->err));
    version.name = "renamed";
    version.draft = false;
    version.environment_id = stored_environment(s, "o1", 3);
    STORED_OK(s, gs_store_update_version(s->tx, &version, "op2", &s->err));
    version.document_id = docs[2];
    version.updated_at = 60;
    STORED_OK(s, gs_store_update_version(s->tx, &version, NULL, &s->err));
    stored_commit(s);
    stored_read(s);
    struct gs_version found;
    STORED_OK(s, gs_store_get_version(s->tx, "a1", "v1", s->arena, &found, &s->err));
    assert_string_equal(found.name, "renamed");
    assert_false(found.draft);
    assert_string_equal(found.environment_id, version.environment_id);
    assert_string_equal(found.document_id, docs[2]);
    struct gs_document_change *changes;
    size_t count;
    STORED_OK(s,
              gs_store_list_document_changes(s->tx, "a1", 10, s->arena, &changes, &count, &s->err));
    assert_int_equal(count, 2);
    assert_string_equal(changes[0].document_id, docs[1]);
    assert_null(changes[0].operation_id);
    assert_int_equal(changes[0].replaced_at, 60);
    assert_string_equal(changes[1].document_id, docs[0]);
    assert_string_equal(changes[1].version_id, "v1");
    assert_string_equal(changes[1].operation_id, "op1");
    STORED_OK(s,
              gs_store_list_document_changes(s->tx, "a1", 1, s->arena, &changes, &count, &s->err));
    assert_int_equal(count, 1);
    assert_int_equal(changes[0].replaced_at, 60);
}

static void updates_that_are_refused_change_nothing(void **state)
{
    struct stored *s = *state;
    stored_write(s);
    stored_add_organization(s, "o1");
    stored_add_app(s, "o1", "a1");
    const char *doc = stored_put_document(s, "one");
    const char *other = stored_put_document(s, "two");
    stored_add_version(s, "a1", "v1", doc);
    stored_add_version(s, "a1", "v2", doc);
    struct gs_version version = stored_version(s, "a1", "v1", other);
    version.name = "v2";
    STORED_IS(s, GS_CONFLICT, gs_store_update_version(s->tx, &version, NULL, &s->err));
    version.name = "v1";
    version.document_id = "no such document";
    STORED_IS(s, GS_NOT_FOUND, gs_store_update_version(s->tx, &version, NULL, &s->err));
    version.id = "v3";
    STORED_IS(s, GS_NOT_FOUND, gs_store_update_version(s->tx, &version, NULL, &s->err));
    stored_commit(s);
    assert_int_equal(stored_sql(s, "SELECT count(*) FROM document_changes"), 0);
    stored_read(s);
    STORED_OK(s, gs_store_get_version(s->tx, "a1", "v1", s->arena, &version, &s->err));
    assert_string_equal(version.document_id, doc);
}

static struct gs_release release_of(const char *id, const char *app_id, const char *version_id,
                                    const char *environment_id, const char *document_id)
{
    return (struct gs_release){.id = id,
                               .app_id = app_id,
                               .version_id = version_id,
                               .environment_id = environment_id,
                               .document_id = document_id,
                               .created_at = 100};
}

static void releases_are_recorded(void **state)
{
    struct stored *s = *state;
    stored_write(s);
    stored_add_organization(s, "o1");
    stored_add_app(s, "o1", "a1");
    const char *production = stored_environment(s, "o1", 3);
    const char *doc = stored_put_document(s, "one");
    stored_add_version(s, "a1", "v1", doc);
    stored_add_version(s, "a1", "v2", doc);
    struct gs_release release = release_of("r1", "a1", "v1", production, doc);
    STORED_OK(s, gs_store_add_release(s->tx, &release, &s->err));
    STORED_IS(s, GS_CONFLICT, gs_store_add_release(s->tx, &release, &s->err));
    release = release_of("r2", "a1", "v2", production, doc);
    release.previous_version_id = "v1";
    release.commit = "c0ffee";
    release.operation_id = "op1";
    STORED_OK(s, gs_store_add_release(s->tx, &release, &s->err));
    stored_commit(s);
    stored_read(s);
    struct gs_app app;
    STORED_OK(s, gs_store_get_app(s->tx, "a1", s->arena, &app, &s->err));
    assert_string_equal(app.current_version_id, "v2");
    assert_int_equal(app.updated_at, 100);
    struct gs_release *releases;
    size_t count;
    STORED_OK(s, gs_store_list_releases(s->tx, "a1", 10, s->arena, &releases, &count, &s->err));
    assert_int_equal(count, 2);
    assert_string_equal(releases[0].id, "r2");
    assert_string_equal(releases[0].previous_version_id, "v1");
    assert_string_equal(releases[0].commit, "c0ffee");
    assert_string_equal(releases[0].operation_id, "op1");
    assert_string_equal(releases[0].environment_id, production);
    assert_string_equal(releases[1].document_id, doc);
    assert_null(releases[1].previous_version_id);
    assert_null(releases[1].commit);
    STORED_OK(s, gs_store_list_releases(s->tx, "a1", 1, s->arena, &releases, &count, &s->err));
    assert_int_equal(count, 1);
}

static void releases_are_of_the_apps_own_versions(void **state)
{
    struct stored *s = *state;
    stored_write(s);
    stored_add_organization(s, "o1");
    stored_add_app(s, "o1", "a1");
    stored_add_app(s, "o1", "a2");
    const char *production = stored_environment(s, "o1", 3);
    const char *doc = stored_put_document(s, "one");
    stored_add_version(s, "a2", "v1", doc);
    struct gs_release release = release_of("r1", "a1", "v1", production, doc);
    STORED_IS(s, GS_NOT_FOUND, gs_store_add_release(s->tx, &release, &s->err));
    release.app_id = "a3";
    STORED_IS(s, GS_NOT_FOUND, gs_store_add_release(s->tx, &release, &s->err));
    // What is added as released must be there when the transaction ends.
    struct gs_app app = {.id = "a4",
                         .organization_id = "o1",
                         .name = "a4",
                         .slug = "a4",
                         .current_version_id = "v1"};
    STORED_OK(s, gs_store_add_app(s->tx, &app, &s->err));
    STORED_IS(s, GS_NOT_FOUND, gs_tx_commit(&s->tx, &s->err));
    assert_null(s->tx);
    assert_int_equal(stored_sql(s, "SELECT count(*) FROM organizations"), 0);
}

static void constants_are_replaced_and_sorted(void **state)
{
    struct stored *s = *state;
    struct gs_environment *envs;
    struct gs_constant *found;
    size_t count;
    stored_write(s);
    stored_add_organization(s, "o1");
    STORED_OK(s, gs_store_list_environments(s->tx, "o1", s->arena, &envs, &count, &s->err));
    const struct gs_constant told[] = {
        {.name = "K", .secret = true, .environment_id = envs[0].id},
        {.name = "B", .environment_id = envs[2].id, .value = "3"},
        {.name = "B", .environment_id = envs[0].id, .value = ""},
    };
    STORED_OK(s, gs_store_put_constants(s->tx, "o1", told, 3, &s->err));
    STORED_OK(s, gs_store_list_constants(s->tx, "o1", s->arena, &found, &count, &s->err));
    assert_int_equal(count, 3);
    assert_string_equal(found[0].environment, "development");
    assert_string_equal(found[0].value, "");
    assert_string_equal(found[1].value, "3");
    assert_true(found[2].secret);
    assert_null(found[2].value);
    STORED_OK(s, gs_store_put_constants(s->tx, "o1", told, 1, &s->err));
    STORED_OK(s, gs_store_list_constants(s->tx, "o1", s->arena, &found, &count, &s->err));
    assert_int_equal(count, 1);
    const struct gs_constant twice[] = {told[0], told[0]};
    STORED_IS(s, GS_CONFLICT, gs_store_put_constants(s->tx, "o1", twice, 2, &s->err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORED_TEST(organizations_are_added_found_and_listed),
        STORED_TEST(organizations_have_three_environments),
        STORED_TEST(organizations_conflict_and_are_missed),
        STORED_TEST(constants_are_replaced_and_sorted),
        STORED_TEST(apps_are_found_in_every_way),
        STORED_TEST(apps_conflict_by_id_name_and_slug),
        STORED_TEST(apps_are_renamed),
        STORED_TEST(versions_are_found_and_listed),
        STORED_TEST(versions_conflict_and_are_missed),
        STORED_TEST(updates_keep_what_they_replace),
        STORED_TEST(updates_that_are_refused_change_nothing),
        STORED_TEST(releases_are_recorded),
        STORED_TEST(releases_are_of_the_apps_own_versions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
