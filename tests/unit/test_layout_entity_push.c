// What a push changes in a tree of the per-entity layout, what it leaves alone, and that reading gives back what was pushed.
// SPDX-License-Identifier: Apache-2.0
#include "app/app.h"
#include "committed.h"
#include "crypto/crypto.h"

#define APPS ".meta/appMeta.json"
#define MODULES ".meta/moduleMeta.json"
#define SOURCES ".meta/dataSourceMeta.json"
// 2026-01-02T03:04:05.678Z
#define WHEN 1767323045678
#define WHEN_TEXT "2026-01-02T03:04:05.678Z"
enum { DOCUMENT_MAX = 1 << 16 };

// members and lists are those of appV2, with ' for ".
static const char *document_of(struct committed *c, const char *members, const char *lists)
{
    return committed_json(
        c, gs_arena_printf(c->arena, "{'app':[{'definition':{'appV2':{%s%s}}}]}", members, lists));
}

#define VERSION "'appVersions':[{'id':'v','name':'v1','appId':'a'}]"
#define HEAD "'id':'a','name':'A',"

// Each push is made a millisecond after the one before.
static struct gs_layout_push push_of(struct committed *c, const char *id, const char *name,
                                     const char *document)
{
    return (struct gs_layout_push){.git_app_id = id,
                                   .app_name = name,
                                   .version_id = "",
                                   .version_name = "",
                                   .message = "message",
                                   .user = "ada",
                                   .when_ms = WHEN + (int64_t)c->plan_count,
                                   .document = gs_slice_str(document)};
}

static enum gs_status try_push(struct committed *c, const char *id, const char *name,
                               const char *document)
{
    struct gs_layout_push push = push_of(c, id, name, document);
    return committed_push(c, GS_LAYOUT_PER_ENTITY, &push);
}

#define PUSH(c, id, name, document) COMMITTED_OK(c, try_push(c, id, name, document))

// Pushes app a, called A, with these lists.
static void push_lists(struct committed *c, const char *lists)
{
    PUSH(c, "a", "A", document_of(c, HEAD, lists));
}

static void expect_refused(struct committed *c, const char *name, const char *document,
                           enum gs_code code)
{
    struct gs_oid head = c->head;
    COMMITTED_IS(c, gs_code_status(code), try_push(c, "a", name, document));
    assert_int_equal(c->err.code, code);
    assert_true(gs_oid_eq(&head, &c->head));
}

static const char *read_app(struct committed *c, const char *id)
{
    struct gs_buf out;
    struct gs_catalog catalog;
    COMMITTED_OK(c, gs_catalog_read(c->mirror, &c->head, c->arena, &catalog, &c->err));
    const struct gs_git_app *app = gs_catalog_find(&catalog, id);
    assert_non_null(app);
    gs_buf_init(&out, DOCUMENT_MAX);
    COMMITTED_OK(c, gs_layout_read(c->mirror, &c->head, catalog.layout, app, &out, &c->err));
    const char *text = gs_arena_dup_slice(c->arena, gs_buf_slice(&out));
    gs_buf_release(&out);
    return text;
}

static const char *normalize(struct committed *c, const char *id, const char *name,
                             const char *document)
{
    struct gs_buf out;
    struct gs_layout_push push = push_of(c, id, name, document);
    gs_buf_init(&out, DOCUMENT_MAX);
    COMMITTED_OK(c, gs_layout_normalize(GS_LAYOUT_PER_ENTITY, &push, &out, &c->err));
    const char *text = gs_arena_dup_slice(c->arena, gs_buf_slice(&out));
    gs_buf_release(&out);
    return text;
}

// Reading gives what normalizing promised, and pushing that, or the document again, changes nothing.
static void expect_settled(struct committed *c, const char *id, const char *name,
                           const char *document)
{
    const char *normal = normalize(c, id, name, document);
    assert_string_equal(read_app(c, id), normal);
    assert_string_equal(normalize(c, id, name, normal), normal);
    PUSH(c, id, name, normal);
    assert_int_equal(c->edit_count, 0);
    PUSH(c, id, name, document);
    assert_int_equal(c->edit_count, 0);
}

// ---- A new app -----------------------------------------------------------------------

static void the_first_push_makes_a_file_per_entity(void **state)
{
    struct committed *c = *state;
    const char *document = committed_json(
        c, "{'tooljet_database':[{'id':'t'}],'app':[{'definition':{'appV2':{"
           "'id':'a','pages':[{'id':'p2'},{'id':'p1'}],'name':'A','schemaDetails':{},'components':"
           "[{'id':'c','text':'\303\274'}],'own':{'x':[]},'appEnvironments':[{'id':'n'}],"
           "'dataQueryFolders':[{'id':'f'}],'events':[]," VERSION "}}}],'tooljet_version':'3.20'}");
    PUSH(c, "a", "A", document);
    assert_string_equal(committed_files(c), APPS "\n"
                                                 "apps/A/app/app.json\n"
                                                 "apps/A/components/c.json\n"
                                                 "apps/A/definitions/dataQueryFolders/f.json\n"
                                                 "apps/A/environments/n.json\n"
                                                 "apps/A/pages/p1.json\n"
                                                 "apps/A/pages/p2.json\n"
                                                 "apps/A/schema/schema.json\n"
                                                 "apps/A/tooljet_database/t.json\n"
                                                 "apps/A/versions/v.json\n");
    assert_string_equal(committed_get(c, APPS), "{\n"
                                                "  \"a\": {\n"
                                                "    \"appPath\": \"apps/A\",\n"
                                                "    \"updatedAt\": \"" WHEN_TEXT "\"\n"
                                                "  }\n"
                                                "}");
    assert_string_equal(committed_get(c, "apps/A/app/app.json"), "{\n"
                                                                 "  \"id\": \"a\",\n"
                                                                 "  \"name\": \"A\",\n"
                                                                 "  \"own\": {\n"
                                                                 "    \"x\": []\n"
                                                                 "  },\n"
                                                                 "  \"tooljetVersion\": \"3.20\"\n"
                                                                 "}");
    assert_string_equal(committed_get(c, "apps/A/components/c.json"),
                        "{\n  \"id\": \"c\",\n  \"text\": \"\303\274\"\n}");
    assert_string_equal(committed_get(c, "apps/A/schema/schema.json"), "{}");
    expect_settled(c, "a", "A", document);
}

static void a_module_is_put_among_the_modules(void **state)
{
    struct committed *c = *state;
    PUSH(c, "m", "Header", document_of(c, "'id':'m','name':'Header','type':'module',", VERSION));
    assert_non_null(committed_get(c, "modules/Header/app/app.json"));
    assert_non_null(strstr(committed_get(c, MODULES), "\"modules/Header\""));
    assert_null(committed_get(c, APPS));
}

static void the_app_is_called_what_the_push_says(void **state)
{
    struct committed *c = *state;
    const char *document = document_of(c, "'id':'x','name':'X',",
                                       "'appVersions':[{'id':'v','name':'v1','appId':'x'},"
                                       "{'id':'v0','name':'v0','appId':'y'}]");
    expect_refused(c, "A", document, GS_CODE_NOT_AN_APP);
    document = document_of(c, "'id':'x','name':'X',",
                           "'appVersions':[{'id':'v','name':'v1','appId':'x'}],"
                           "'pages':[{'id':'p','appId':'x'}]");
    PUSH(c, "a", "A", document);
    assert_non_null(strstr(committed_get(c, "apps/A/app/app.json"), "\"id\": \"a\""));
    assert_non_null(strstr(committed_get(c, "apps/A/app/app.json"), "\"name\": \"A\""));
    assert_non_null(strstr(committed_get(c, "apps/A/versions/v.json"), "\"appId\": \"a\""));
    expect_settled(c, "a", "A", document);
}

static void the_name_latest_is_not_written(void **state)
{
    struct committed *c = *state;
    const char *document =
        document_of(c, HEAD, "'appVersions':[{'id':'v','status':'DRAFT','name':'latest'}]");
    PUSH(c, "a", "A", document);
    assert_string_equal(committed_get(c, "apps/A/versions/v.json"),
                        "{\n  \"id\": \"v\",\n  \"status\": \"DRAFT\"\n}");
    expect_settled(c, "a", "A", document);
}

// ---- Changes -------------------------------------------------------------------------

static void only_what_changed_is_written(void **state)
{
    struct committed *c = *state;
    push_lists(c, "'pages':[{'id':'p1','n':1},{'id':'p2','n':1},{'id':'p3','n':1}]," VERSION);
    const char *lists = "'pages':[{'id':'p4','n':1},{'id':'p3','n':1},{'id':'p1','n':2}]," VERSION;
    push_lists(c, lists);
    assert_string_equal(committed_edits(c), "write apps/A/pages/p1.json\n"
                                            "delete apps/A/pages/p2.json\n"
                                            "write apps/A/pages/p4.json\n"
                                            "write " APPS "\n");
    expect_settled(c, "a", "A", document_of(c, HEAD, lists));
}

static void the_order_of_members_is_part_of_a_file(void **state)
{
    struct committed *c = *state;
    push_lists(c, "'pages':[{'id':'p','x':1,'y':2}]," VERSION);
    push_lists(c, "'pages':[{'id':'p','y':2,'x':1}]," VERSION);
    assert_string_equal(committed_edits(c), "write apps/A/pages/p.json\nwrite " APPS "\n");
}

static void files_in_another_form_are_left_alone(void **state)
{
    struct committed *c = *state;
    const char *lists = "'pages':[{'id':'p','x':[1]}],'schemaDetails':{'a':1}," VERSION;
    push_lists(c, lists);
    committed_put(c, "apps/A/pages/p.json", committed_json(c, "{'id':'p', 'x':[1.0]}\n"));
    committed_put(c, "apps/A/app/app.json", committed_json(c, "{ 'id':'a', 'name':'A' }\n"));
    push_lists(c, lists);
    assert_int_equal(c->edit_count, 0);
    push_lists(c, "'pages':[{'id':'p','x':[1]}],'schemaDetails':{'a':2}," VERSION);
    assert_string_equal(committed_edits(c), "write apps/A/schema/schema.json\nwrite " APPS "\n");
    push_lists(c, "'pages':[{'id':'p','x':[1]}]," VERSION);
    assert_string_equal(committed_edits(c), "delete apps/A/schema/schema.json\nwrite " APPS "\n");
}

static void the_entry_is_updated_where_it_stands(void **state)
{
    struct committed *c = *state;
    committed_put(c, APPS,
                  committed_json(c, "{'z':7,'a':{'own':[],'updatedAt':null,'appPath':'apps/F/A'},"
                                    "'lastUpdatedAt':'t','b':{'appPath':'apps/B'}}\n"));
    push_lists(c, VERSION);
    assert_non_null(committed_get(c, "apps/F/A/app/app.json"));
    assert_string_equal(committed_get(c, APPS), "{\n"
                                                "  \"z\": 7,\n"
                                                "  \"a\": {\n"
                                                "    \"own\": [],\n"
                                                "    \"updatedAt\": \"" WHEN_TEXT "\",\n"
                                                "    \"appPath\": \"apps/F/A\"\n"
                                                "  },\n"
                                                "  \"lastUpdatedAt\": \"t\",\n"
                                                "  \"b\": {\n"
                                                "    \"appPath\": \"apps/B\"\n"
                                                "  }\n"
                                                "}");
}

static void other_files_stay(void **state)
{
    struct committed *c = *state;
    push_lists(c, "'pages':[{'id':'p'}]," VERSION);
    static const struct committed_file files[] = {
        {"apps/A/.git-history/main.json", "{"},
        {"apps/A/pages/notes.txt", "mine"},
        {"apps/A/later/x.json", "{'id':'x'}"},
        {"README.md", "hello"},
    };
    committed_put_all(c, files, GS_COUNT(files));
    push_lists(c, VERSION);
    for (size_t i = 0; i < GS_COUNT(files); i++)
        assert_non_null(committed_get(c, files[i].path));
    assert_null(committed_get(c, "apps/A/pages/p.json"));
}

static void a_push_puts_broken_files_right(void **state)
{
    struct committed *c = *state;
    const char *lists = "'pages':[{'id':'p'}],'schemaDetails':{}," VERSION;
    push_lists(c, lists);
    static const struct committed_file files[] = {
        {"apps/A/pages/p.json", "<<<<<<< HEAD"},
        {"apps/A/pages/q.json", "{'id':'another'}"},
        {"apps/A/app/app.json", "[]"},
        {"apps/A/schema/schema.json", ""},
    };
    committed_put_all(c, files, GS_COUNT(files));
    push_lists(c, lists);
    assert_null(committed_get(c, "apps/A/pages/q.json"));
    expect_settled(c, "a", "A", document_of(c, HEAD, lists));
}

static void an_app_whose_files_are_gone_is_written_again(void **state)
{
    struct committed *c = *state;
    push_lists(c, "'pages':[{'id':'p'}]," VERSION);
    committed_put(c, "apps/A/app/app.json", NULL);
    push_lists(c, "'pages':[{'id':'p'}]," VERSION);
    assert_string_equal(committed_edits(c), "write apps/A/app/app.json\nwrite " APPS "\n");
}

static void what_the_caller_knows_is_not_read_again(void **state)
{
    struct committed *c = *state;
    push_lists(c, "'pages':[{'id':'p'}]," VERSION);
    const char *held = read_app(c, "a");
    committed_put(c, "apps/A/pages/p.json", "{");
    struct gs_layout_push push = push_of(c, "a", "A", held);
    push.held = GS_HELD_SAME;
    COMMITTED_OK(c, committed_push(c, GS_LAYOUT_PER_ENTITY, &push));
    assert_int_equal(c->edit_count, 0);
    push.document = gs_slice_str(document_of(c, HEAD, VERSION));
    push.held = GS_HELD_OTHER;
    COMMITTED_OK(c, committed_push(c, GS_LAYOUT_PER_ENTITY, &push));
    assert_string_equal(committed_edits(c), "delete apps/A/pages/p.json\nwrite " APPS "\n");
}

// ---- Versions ------------------------------------------------------------------------

static void another_version_takes_the_place_of_the_one_before(void **state)
{
    struct committed *c = *state;
    push_lists(c, "'pages':[{'id':'p1','appVersionId':'v'}]," VERSION);
    const char *lists = "'pages':[{'id':'p2','appVersionId':'w'}],"
                        "'appVersions':[{'id':'w','name':'v2'}]";
    push_lists(c, lists);
    assert_string_equal(committed_files(c), APPS "\napps/A/app/app.json\napps/A/pages/p2.json\n"
                                                 "apps/A/versions/w.json\n");
    expect_settled(c, "a", "A", document_of(c, HEAD, lists));
}

#define MERGED(type1, type2)                                                                       \
    {APPS, "{'a':{'appPath':'apps/A'}}"}, {"apps/A/app/app.json", "{'id':'a','name':'A'}"},        \
        {"apps/A/versions/v1.json", "{'id':'v1','versionType':'" type1 "'}"},                      \
        {"apps/A/versions/v2.json", "{'id':'v2','versionType':'" type2 "'}"},                      \
        {"apps/A/pages/p1.json", "{'id':'p1','appVersionId':'v1'}"},                               \
        {"apps/A/pages/p2.json", "{'id':'p2','appVersionId':'v2'}"},                               \
        {"apps/A/components/c1.json", "{'id':'c1','pageId':'p1'}"},                                \
        {"apps/A/components/c2.json", "{'id':'c2','pageId':'p2'}"},                                \
        {"apps/A/environments/n.json", "{'id':'n'}"},                                              \
    {                                                                                              \
        "apps/A/environments/o.json", "{'id':'o'}"                                                 \
    }
#define ENVIRONMENT "'appEnvironments':[{'id':'n'}],"

static void other_versions_stay_with_what_belongs_to_them(void **state)
{
    struct committed *c = *state;
    static const struct committed_file files[] = {MERGED("branch", "branch")};
    committed_put_all(c, files, GS_COUNT(files));
    const char *lists =
        ENVIRONMENT "'appVersions':[{'id':'v1','name':'latest','versionType':'branch','n':1}]";
    push_lists(c, lists);
    assert_string_equal(committed_edits(c), "delete apps/A/components/c1.json\n"
                                            "delete apps/A/pages/p1.json\n"
                                            "write apps/A/versions/v1.json\n"
                                            "delete apps/A/environments/o.json\n"
                                            "write " APPS "\n");
    expect_settled(c, "a", "A", document_of(c, HEAD, lists));
}

static void versions_that_would_be_read_instead_go(void **state)
{
    struct committed *c = *state;
    static const struct committed_file files[] = {MERGED("branch", "branch")};
    committed_put_all(c, files, GS_COUNT(files));
    const char *lists = "'appVersions':[{'id':'v3','name':'v3','versionType':'version'}]";
    push_lists(c, lists);
    assert_string_equal(committed_files(c),
                        APPS "\napps/A/app/app.json\napps/A/versions/v3.json\n");
    expect_settled(c, "a", "A", document_of(c, HEAD, lists));
}

static void the_pushed_one_can_be_the_one_that_was_beside(void **state)
{
    struct committed *c = *state;
    static const struct committed_file files[] = {MERGED("branch", "version")};
    committed_put_all(c, files, GS_COUNT(files));
    const char *lists = ENVIRONMENT "'appVersions':[{'id':'v2','name':'v2'}],"
                                    "'pages':[{'id':'p3','appVersionId':'v2'}]";
    push_lists(c, lists);
    assert_string_equal(committed_files(c), APPS "\napps/A/app/app.json\n"
                                                 "apps/A/environments/n.json\n"
                                                 "apps/A/pages/p3.json\napps/A/versions/v2.json\n");
    expect_settled(c, "a", "A", document_of(c, HEAD, lists));
}

static void versions_among_broken_files_are_not_guessed(void **state)
{
    struct committed *c = *state;
    static const struct committed_file files[] = {MERGED("branch", "branch")};
    committed_put_all(c, files, GS_COUNT(files));
    committed_put(c, "apps/A/pages/p2.json", "{");
    expect_refused(c, "A", document_of(c, HEAD, VERSION), GS_CODE_NOT_AN_APP);
}

// ---- Places --------------------------------------------------------------------------

static void a_renamed_app_takes_its_folder_along(void **state)
{
    struct committed *c = *state;
    committed_put(c, APPS, committed_json(c, "{'a':{'appPath':'apps/F/A'}}"));
    push_lists(c, "'pages':[{'id':'p'}],'schemaDetails':{}," VERSION);
    committed_put(c, "apps/F/A/notes.txt", "mine");
    const char *document = document_of(c, HEAD, "'pages':[{'id':'p'}],'schemaDetails':{}," VERSION);
    PUSH(c, "a", "New", document);
    assert_string_equal(committed_edits(c), "move apps/F/A to apps/F/New\n"
                                            "write apps/F/New/app/app.json\n"
                                            "write " APPS "\n");
    assert_string_equal(committed_get(c, "apps/F/New/notes.txt"), "mine");
    assert_null(committed_get(c, "apps/F/A/app/app.json"));
    expect_settled(c, "a", "New", document);
}

static void only_the_app_s_files_leave_a_folder_with_other_apps(void **state)
{
    struct committed *c = *state;
    committed_put(c, APPS, committed_json(c, "{'b':{'appPath':'apps/A/B'}}"));
    PUSH(c, "b", "B", document_of(c, "'id':'b','name':'B',", VERSION));
    push_lists(c, "'pages':[{'id':'p'}],'schemaDetails':{}," VERSION);
    committed_put(c, "apps/A/notes.txt", "whose?");
    const char *document = document_of(c, HEAD, "'pages':[{'id':'p'}],'schemaDetails':{}," VERSION);
    PUSH(c, "a", "New", document);
    assert_string_equal(committed_files(c), APPS "\n"
                                                 "apps/A/B/app/app.json\n"
                                                 "apps/A/B/versions/v.json\n"
                                                 "apps/A/notes.txt\n"
                                                 "apps/New/app/app.json\n"
                                                 "apps/New/pages/p.json\n"
                                                 "apps/New/schema/schema.json\n"
                                                 "apps/New/versions/v.json\n");
    expect_settled(c, "a", "New", document);
}

static void a_folder_that_is_there_already_keeps_what_is_not_an_app_s(void **state)
{
    struct committed *c = *state;
    push_lists(c, VERSION);
    committed_put(c, "apps/New/notes.txt", "mine");
    committed_put(c, "apps/New/pages/old.json", committed_json(c, "{'id':'old'}"));
    const char *document = document_of(c, HEAD, VERSION);
    PUSH(c, "a", "New", document);
    assert_string_equal(committed_files(c), APPS "\napps/New/app/app.json\napps/New/notes.txt\n"
                                                 "apps/New/versions/v.json\n");
    expect_settled(c, "a", "New", document);
}

static void a_folder_of_another_app_is_taken(void **state)
{
    struct committed *c = *state;
    push_lists(c, VERSION);
    COMMITTED_IS(c, GS_CONFLICT, try_push(c, "b", "A", document_of(c, HEAD, VERSION)));
    assert_int_equal(c->err.code, GS_CODE_APP_NAME_TAKEN);
    PUSH(c, "b", "B", document_of(c, HEAD, VERSION));
    COMMITTED_IS(c, GS_CONFLICT, try_push(c, "b", "A", document_of(c, HEAD, VERSION)));
    PUSH(c, "m", "A", document_of(c, "'id':'m','name':'A','type':'module',", VERSION));
}

static void two_apps_in_one_folder_can_only_part(void **state)
{
    struct committed *c = *state;
    push_lists(c, VERSION);
    committed_put(c, APPS,
                  committed_json(c, "{'a':{'appPath':'apps/A'},'b':{'appPath':'apps/A'}}"));
    expect_refused(c, "A", document_of(c, HEAD, VERSION), GS_CODE_APP_NAME_TAKEN);
    PUSH(c, "b", "B", document_of(c, HEAD, VERSION));
    assert_non_null(committed_get(c, "apps/A/app/app.json"));
    assert_non_null(committed_get(c, "apps/B/app/app.json"));
    push_lists(c, VERSION);
    assert_int_equal(c->edit_count, 0);
}

static void an_own_entry_that_names_no_folder_is_told(void **state)
{
    struct committed *c = *state;
    committed_put(c, APPS, committed_json(c, "{'a':{'appPath':'apps/../x'}}"));
    expect_refused(c, "A", document_of(c, HEAD, VERSION), GS_CODE_META_UNREADABLE);
    assert_string_equal(c->err.field, "/a/appPath");
    committed_put(c, APPS, committed_json(c, "{'a':'apps/A'}"));
    expect_refused(c, "A", document_of(c, HEAD, VERSION), GS_CODE_META_UNREADABLE);
    assert_string_equal(c->err.field, "/a");
}

// ---- Documents that have no place ----------------------------------------------------

static void what_has_no_place_is_not_dropped(void **state)
{
    struct committed *c = *state;
    static const char *const documents[] = {
        "{'app':[{'definition':{'appV2':{" HEAD VERSION "}}}],'workflows':[]}",
        "{'app':[{'definition':{'appV2':{" HEAD VERSION "}},'more':1}]}",
        "{'app':[{'definition':{'appV2':{" HEAD VERSION "},'more':1}}]}",
        "{'app':[{'definition':{'appV2':{'tooljetVersion':'3.20.0'," HEAD VERSION
        "}}}],'tooljet_version':'3.21.0'}",
    };
    static const char *const pointers[] = {"/workflows", "/app/0/more", "/app/0/definition/more",
                                           "/tooljet_version"};
    for (size_t i = 0; i < GS_COUNT(documents); i++) {
        expect_refused(c, "A", committed_json(c, documents[i]), GS_CODE_LAYOUT_UNSUPPORTED);
        assert_string_equal(c->err.field, pointers[i]);
    }
}

static void what_cannot_be_a_file_is_refused(void **state)
{
    struct committed *c = *state;
    static const char *const lists[] = {
        "'pages':{}," VERSION,
        "'pages':[7]," VERSION,
        "'pages':[{}]," VERSION,
        "'pages':[{'id':''}]," VERSION,
        "'pages':[{'id':'a/b'}]," VERSION,
        "'pages':[{'id':'..'}]," VERSION,
        "'pages':[{'id':'p'},{'id':'q'},{'id':'p'}]," VERSION,
        "'appVersions':[{'id':'../v','name':'v1'}]",
    };
    for (size_t i = 0; i < GS_COUNT(lists); i++)
        expect_refused(c, "A", document_of(c, HEAD, lists[i]), GS_CODE_NOT_AN_APP);
    expect_refused(c, "A/B", document_of(c, HEAD, VERSION), GS_CODE_INVALID_NAME);
    push_lists(c, "'pages':null," VERSION);
}

// Before 2.25 appV2 stood alone, and its versions together.
static void very_old_documents_are_taken_when_they_hold_one_version(void **state)
{
    struct committed *c = *state;
    const char *document = committed_json(c, "{'appV2':{" HEAD VERSION "}}");
    PUSH(c, "a", "A", document);
    expect_settled(c, "a", "A", document);
    document = committed_json(c, "{'appV2':{" HEAD "'editingVersion':{'id':'v'},'appVersions':"
                                 "[{'id':'v','name':'v1'},{'id':'w','name':'v2'}]}}");
    expect_refused(c, "A", document, GS_CODE_LAYOUT_UNSUPPORTED);
}

// ---- Data sources of the workspace ---------------------------------------------------

static const struct committed_file workspace[] = {
    {SOURCES, "{'s':{'name':'old','kind':'k','updatedAt':'t','contentHash':'h'},"
              "'lastUpdatedAt':'t'}"},
    {"data-sources/s.json", "{'id':'s','name':'old','kind':'k','options':{'x':{}}}"},
};

static void push_source(struct committed *c, const char *name)
{
    push_lists(c, gs_arena_printf(c->arena, "'dataSources':[{'id':'s','name':'%s','kind':'k'}],%s",
                                  name, VERSION));
}

static void a_renamed_data_source_is_renamed_for_the_workspace(void **state)
{
    struct committed *c = *state;
    push_source(c, "old");
    committed_put_all(c, workspace, GS_COUNT(workspace));
    push_source(c, "new");
    assert_string_equal(committed_edits(c), "write apps/A/dataSources/s.json\n"
                                            "write data-sources/s.json\n"
                                            "write " SOURCES "\nwrite " APPS "\n");
    const char *source = committed_get(c, "data-sources/s.json");
    assert_string_equal(source, "{\n"
                                "  \"id\": \"s\",\n"
                                "  \"name\": \"new\",\n"
                                "  \"kind\": \"k\",\n"
                                "  \"options\": {\n"
                                "    \"x\": {}\n"
                                "  }\n"
                                "}");
    char hash[GS_SHA256_HEX + 1];
    gs_sha256_hex(gs_slice_str(source), hash);
    assert_string_equal(
        committed_get(c, SOURCES),
        gs_arena_printf(
            c->arena,
            "{\n  \"s\": {\n    \"name\": \"new\",\n    \"kind\": \"k\",\n"
            "    \"updatedAt\": \"2026-01-02T03:04:05.679Z\",\n    \"contentHash\": \"%s\"\n"
            "  },\n  \"lastUpdatedAt\": \"t\"\n}",
            hash));
}

static void expect_untouched(struct committed *c, const char *path, const char *text)
{
    struct gs_oid head = c->head;
    committed_put(c, path, text);
    push_source(c, "new");
    assert_string_equal(committed_edits(c), "write apps/A/dataSources/s.json\nwrite " APPS "\n");
    c->head = head;
}

static void workspace_data_sources_are_touched_in_no_other_case(void **state)
{
    struct committed *c = *state;
    push_source(c, "old");
    committed_put_all(c, workspace, GS_COUNT(workspace));
    expect_untouched(c, SOURCES, "<<<<<<< HEAD");
    expect_untouched(c, "data-sources/s.json", "{");
    expect_untouched(c, "data-sources/s.json", "[]");
    expect_untouched(c, "data-sources/s.json", NULL);
    expect_untouched(c, "data-sources/s.json", committed_json(c, "{'name':'changed meanwhile'}"));
    push_lists(c, VERSION);
    assert_string_equal(committed_edits(c), "delete apps/A/dataSources/s.json\nwrite " APPS "\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        COMMITTED_TEST(the_first_push_makes_a_file_per_entity),
        COMMITTED_TEST(a_module_is_put_among_the_modules),
        COMMITTED_TEST(the_app_is_called_what_the_push_says),
        COMMITTED_TEST(the_name_latest_is_not_written),
        COMMITTED_TEST(only_what_changed_is_written),
        COMMITTED_TEST(the_order_of_members_is_part_of_a_file),
        COMMITTED_TEST(files_in_another_form_are_left_alone),
        COMMITTED_TEST(the_entry_is_updated_where_it_stands),
        COMMITTED_TEST(other_files_stay),
        COMMITTED_TEST(a_push_puts_broken_files_right),
        COMMITTED_TEST(an_app_whose_files_are_gone_is_written_again),
        COMMITTED_TEST(what_the_caller_knows_is_not_read_again),
        COMMITTED_TEST(another_version_takes_the_place_of_the_one_before),
        COMMITTED_TEST(other_versions_stay_with_what_belongs_to_them),
        COMMITTED_TEST(versions_that_would_be_read_instead_go),
        COMMITTED_TEST(the_pushed_one_can_be_the_one_that_was_beside),
        COMMITTED_TEST(versions_among_broken_files_are_not_guessed),
        COMMITTED_TEST(a_renamed_app_takes_its_folder_along),
        COMMITTED_TEST(only_the_app_s_files_leave_a_folder_with_other_apps),
        COMMITTED_TEST(a_folder_that_is_there_already_keeps_what_is_not_an_app_s),
        COMMITTED_TEST(a_folder_of_another_app_is_taken),
        COMMITTED_TEST(two_apps_in_one_folder_can_only_part),
        COMMITTED_TEST(an_own_entry_that_names_no_folder_is_told),
        COMMITTED_TEST(what_has_no_place_is_not_dropped),
        COMMITTED_TEST(what_cannot_be_a_file_is_refused),
        COMMITTED_TEST(very_old_documents_are_taken_when_they_hold_one_version),
        COMMITTED_TEST(a_renamed_data_source_is_renamed_for_the_workspace),
        COMMITTED_TEST(workspace_data_sources_are_touched_in_no_other_case),
    };
    return cmocka_run_group_tests_name("layout: per-entity, pushing", tests, NULL, NULL);
}
