// What merges, in which order, and what a merge of whole documents does. Conflicts are in
// test_app_merge_conflicts.c, random merges in test_app_merge_random.c.
// SPDX-License-Identifier: Apache-2.0
#include "merge_fixture.h"

// ---- What merges ----------------------------------------------------------------------------

static void different_entities_merge(void **state)
{
    (void)state;
    assert_merges("'pages':[{'id':'p1','a':1},{'id':'p2','a':1},{'id':'p3'}],",
                  "'pages':[{'id':'p1','a':2},{'id':'p2','a':1},{'id':'p3'},{'id':'p4'}],",
                  "'pages':[{'id':'p1','a':1},{'id':'p2','a':2}],'icon':'x',",
                  "'pages':[{'id':'p1','a':2},{'id':'p2','a':2},{'id':'p4'}],'icon':'x',");
}

static void different_members_of_one_entity_merge(void **state)
{
    (void)state;
    assert_merges(
        "'components':[{'id':'c','name':'b1','properties':{'text':{'value':'a'},'visible':{'value':"
        "true,'fx':false}},'styles':{'gone':1}}],",
        "'components':[{'id':'c','name':'b2','properties':{'text':{'value':'a'},'visible':{'value':"
        "false,'fx':false}},'styles':{'gone':1}}],",
        "'components':[{'id':'c','name':'b1','properties':{'text':{'value':'b'},'visible':{'value':"
        "true,'fx':true},'new':{}},'styles':{}}],",
        "'components':[{'id':'c','name':'b2','properties':{'text':{'value':'b'},'visible':{'value':"
        "false,'fx':true},'new':{}},'styles':{}}],");
}

static void the_same_change_on_both_sides_merges(void **state)
{
    (void)state;
    assert_merges("'pages':[{'id':'p','a':1,'b':1},{'id':'q'}],'x':1,",
                  "'pages':[{'id':'p','a':2,'b':1},{'id':'n','z':[1]}],'x':2,'y':{'a':1,'b':2},",
                  "'pages':[{'id':'p','a':2,'b':2},{'id':'n','z':[1]}],'x':2,'y':{'b':2,'a':1},",
                  "'pages':[{'id':'p','a':2,'b':2},{'id':'n','z':[1]}],'x':2,'y':{'a':1,'b':2},");
}

static void lists_by_id_merge_inside_of_entities(void **state)
{
    (void)state;
    assert_merges(
        "'components':[{'id':'c','columns':[{'id':'1','w':1},{'id':'2','w':1},{'id':'3'}]}],",
        "'components':[{'id':'c','columns':[{'id':'1','w':2},{'id':'2','w':1},{'id':'3'},{'id':'4'"
        "}]}],",
        "'components':[{'id':'c','columns':[{'id':'1','w':1,'new':1},{'id':'2','w':2}]}],",
        "'components':[{'id':'c','columns':[{'id':'1','w':2,'new':1},{'id':'2','w':2},{'id':'4'}]}"
        "],");
}

static void the_edited_version_merges_like_the_version(void **state)
{
    (void)state;
    assert_merges("'editingVersion':{'id':'V','homePageId':'p','globalSettings':{'a':1,'b':1}},",
                  "'editingVersion':{'id':'V','homePageId':'p','globalSettings':{'a':2,'b':1}},",
                  "'editingVersion':{'id':'V','homePageId':'q','globalSettings':{'a':1,'b':2}},",
                  "'editingVersion':{'id':'V','homePageId':'q','globalSettings':{'a':2,'b':2}},");
}

static void stamps_never_conflict(void **state)
{
    (void)state;
    assert_merges(
        "'updatedAt':'2025-01-01T00:00:00.000Z','pages':[{'id':'p','updatedAt':null,'a':1,'b':1}],",
        "'updatedAt':'2025-01-03T00:00:00.000Z','pages':[{'id':'p','updatedAt':"
        "'2025-01-02T00:00:00.000Z','a':2,'b':1}],",
        "'updatedAt':'2025-01-02T00:00:00.000Z','pages':[{'id':'p','updatedAt':"
        "'2025-01-02T00:00:00.001Z','a':1,'b':2}],",
        "'updatedAt':'2025-01-03T00:00:00.000Z','pages':[{'id':'p','updatedAt':"
        "'2025-01-02T00:00:00.001Z','a':2,'b':2}],");
    // A deletion wins against what is no change, and a stamp that one side removed stays.
    assert_merges("'pages':[{'id':'p','updatedAt':'2025-01-01T00:00:00Z','n':[{'createdAt':null}]},"
                  "{'id':'q','updatedAt':'2025-01-01T00:00:00Z','a':1}],",
                  "'pages':[{'id':'q','a':2}],",
                  "'pages':[{'id':'p','updatedAt':'2025-01-02T00:00:00Z','n':[{'createdAt':"
                  "'2025-01-02T00:00:00Z'}]},{'id':'q','updatedAt':'2025-01-02T00:00:00Z','a':1}],",
                  "'pages':[{'id':'q','updatedAt':'2025-01-02T00:00:00Z','a':2}],");
}

static void text_that_only_looks_like_a_stamp_conflicts(void **state)
{
    (void)state;
    assert_conflicts("'l':1,'pages':[{'id':'p','updatedAt':'today'}],",
                     "'l':2,'pages':[{'id':'p','updatedAt':'yesterday'}],",
                     "'l':1,'pages':[{'id':'p','updatedAt':'tomorrow'}],",
                     "[{'type':'page','id':'p','name':'','member':'/updatedAt','base':'today',"
                     "'ours':'yesterday','theirs':'tomorrow'}]",
                     "'l':2,'pages':[{'id':'p','updatedAt':'yesterday'}],",
                     "'l':2,'pages':[{'id':'p','updatedAt':'tomorrow'}],");
}

static void a_list_that_one_side_removed_stays_for_what_is_in_it(void **state)
{
    (void)state;
    assert_merges("'modules':[{'id':'m'}],'a':1,", "'a':1,'b':1,", "'modules':[{'id':'m'}],'a':2,",
                  "'a':2,'b':1,");
    assert_merges("'modules':[{'id':'m'}],'a':1,", "'a':2,",
                  "'modules':[{'id':'m'},{'id':'n'}],'a':1,", "'modules':[{'id':'n'}],'a':2,");
    assert_merges("'modules':[],'a':1,", "'a':2,", "'modules':[],'a':1,'b':1,", "'a':2,'b':1,");
    assert_merges("'a':1,", "'a':2,", "'modules':[],'a':1,", "'modules':[],'a':2,");
}

// ---- Order ----------------------------------------------------------------------------------

static void assert_order(const char *base, const char *ours, const char *theirs,
                         const char *expected)
{
    const char *orders[4] = {base, ours, theirs, expected};
    char lists[4][400], members[4][200];
    for (int i = 0; i < 4; i++) {
        size_t list = (size_t)snprintf(lists[i], sizeof lists[i], "'l':["), member = 0;
        for (const char *c = orders[i]; *c; c++) {
            list += (size_t)snprintf(lists[i] + list, sizeof lists[i] - list, "%s{'id':'%c'}",
                                     c > orders[i] ? "," : "", *c);
            member +=
                (size_t)snprintf(members[i] + member, sizeof members[i] - member, "'%c':0,", *c);
        }
        // Both sides change something, so that neither is the base in another order.
        snprintf(lists[i] + list, sizeof lists[i] - list, "],'here':%d,'there':%d,",
                 i == 1 || i == 3, i >= 2);
        snprintf(members[i] + member, sizeof members[i] - member, "'here':%d,'there':%d,",
                 i == 1 || i == 3, i >= 2);
    }
    assert_merges(lists[0], lists[1], lists[2], lists[3]);
    assert_merges(members[0], members[1], members[2], members[3]);
}

static void order_follows_ours_with_theirs_between(void **state)
{
    (void)state;
    assert_order("abc", "abc", "axbc", "axbc");
    assert_order("abc", "abcx", "abcy", "abcxy");
    assert_order("abc", "xabc", "yabc", "xyabc");
    assert_order("abc", "axbc", "aybc", "axybc");
    assert_order("abc", "axbcz", "ayxbc", "ayxbcz");
    assert_order("abc", "ac", "abxc", "axc");
    assert_order("abc", "bc", "abxyc", "bxyc");
    assert_order("abc", "xbc", "ayzbc", "xyzbc");
    assert_order("abc", "", "abxc", "x");
    assert_order("", "abc", "xyz", "abcxyz");
    assert_order("abcd", "dcba", "abxcd", "dcbxa");
    assert_order("abcd", "abxcd", "dcba", "dcbxa");
    assert_order("abcd", "acbd", "abdc", "acbd");
    assert_order("abcd", "acbd", "acbd", "acbd");
    assert_order("abc", "cab", "ac", "ca");
}

static void long_lists_keep_their_order(void **state)
{
    (void)state;
    assert_order("abcdefghijklmnopqrst", "abcdefghijklmnopqrstUV", "bcdefghij1klmnopqrs2t3",
                 "bcdefghij1klmnopqrs2tUV3");
    assert_order("abcdefghijklmnopqrst", "abcdefghijklmnopqrst", "tsrqponmlkjihgfedcba",
                 "tsrqponmlkjihgfedcba");
}

// ---- Documents ------------------------------------------------------------------------------------

static char *document_with(const char *version_id, const char *members)
{
    struct gs_buf json;
    gs_buf_init(&json, 10000);
    gs_buf_printf(&json,
                  "{'appV2':{'id':'A','name':'App',%s'appVersions':[{'id':'%s','name':'v1'}]}}",
                  members, version_id);
    char *text = app_text(json.data);
    gs_buf_release(&json);
    return text;
}

static void a_replaced_version_is_taken_as_a_whole(void **state)
{
    (void)state;
    struct merged merged = merge_texts(document_with("V", "'x':1,'pages':[{'id':'p'}],"),
                                       document_with("V", "'x':2,'pages':[{'id':'p'}],"),
                                       document_with("W", "'x':1,'pages':[{'id':'q'}],"));
    assert_string_equal(merged.conflicts,
                        "[{'type':'version','id':'V','name':'v1','member':'/id','base':'V','ours':"
                        "'V','theirs':'W'}]");
    assert_bytes(merged.bytes[GS_CONFLICT_OURS], document_with("V", "'x':2,'pages':[{'id':'p'}],"));
    assert_bytes(merged.bytes[GS_CONFLICT_THEIRS],
                 document_with("W", "'x':1,'pages':[{'id':'q'}],"));
    release_merged(&merged);

    // Only a stamp stands against it: no conflict.
    merged = merge_texts(document_with("V", "'updatedAt':'2025-01-01T00:00:00Z',"),
                         document_with("V", "'updatedAt':'2025-01-02T00:00:00Z',"),
                         document_with("W", "'x':1,"));
    assert_string_equal(merged.conflicts, "[]");
    assert_bytes(merged.bytes[GS_CONFLICT_FAIL], document_with("W", "'x':1,"));
    release_merged(&merged);
    merged = merge_texts(document_with("V", "'updatedAt':'2025-01-01T00:00:00Z',"),
                         document_with("W", "'x':1,"),
                         document_with("V", "'updatedAt':'2025-01-02T00:00:00Z',"));
    assert_string_equal(merged.conflicts, "[]");
    assert_bytes(merged.bytes[GS_CONFLICT_FAIL], document_with("W", "'x':1,"));
    release_merged(&merged);
}

#define APP(members)                                                                               \
    "'appV2':{'id':'A','name':'App'," members "'appVersions':[{'id':'V','name':'v1'}]}"

static void the_envelope_merges_too(void **state)
{
    (void)state;
    struct merged merged = merge_texts(
        app_text("{'tooljet_database':[{'id':'t','a':1}],'app':[{'definition':{" APP(
            "") ",'d':1},'h':1}],'tooljet_version':'3.19'}"),
        app_text("{'tooljet_database':[{'id':'t','a':2}],'app':[{'definition':{" APP(
            "'x':1,") ",'d':2},'h':1}],'tooljet_version':'3.20'}"),
        app_text("{'tooljet_database':[{'id':'t','a':1},{'id':'u'}],'app':[{'definition':{" APP(
            "'y':1,") ",'d':3},'h':2}],'tooljet_version':'3.21'}"));
    assert_string_equal(merged.conflicts,
                        "[{'type':'document','id':'','name':'','member':'/app/0/definition/d',"
                        "'base':1,'ours':2,'theirs':3},"
                        "{'type':'document','id':'','name':'','member':'/tooljet_version','base':"
                        "'3.19','ours':'3.20','theirs':'3.21'}]");
    assert_bytes(
        merged.bytes[GS_CONFLICT_THEIRS],
        app_text("{'tooljet_database':[{'id':'t','a':2},{'id':'u'}],'app':[{'definition':{" APP(
            "'x':1,'y':1,") ",'d':3},'h':2}],'tooljet_version':'3.21'}"));
    release_merged(&merged);
}

static void the_old_form_merges_into_the_new_one(void **state)
{
    (void)state;
    static const char *const expected =
        "{'app':[{'definition':{" APP("'x':1,'y':1,") "}}],'tooljet_version':'3.20'}";
    char *old = app_text("{" APP("'x':1,") "}");
    char *new = app_text("{'app':[{'definition':{" APP("'y':1,") "}}],'tooljet_version':'3.20'}");
    struct merged merged = merge_texts(app_text("{" APP("") "}"), gs_xstrdup(old), gs_xstrdup(new));
    assert_string_equal(merged.conflicts, "[]");
    assert_bytes(merged.bytes[GS_CONFLICT_FAIL], app_text(expected));
    release_merged(&merged);

    merged = merge_texts(app_text("{" APP("") "}"), gs_xstrdup(new), gs_xstrdup(old));
    assert_string_equal(merged.conflicts, "[]");
    assert_bytes(merged.bytes[GS_CONFLICT_FAIL],
                 app_text("{'app':[{'definition':{" APP("'y':1,'x':1,") "}}],'tooljet_version':"
                                                                        "'3.20'}"));
    release_merged(&merged);

    merged =
        merge_texts(app_text("{" APP("") "}"), app_text("{" APP("'z':1,") "}"), gs_xstrdup(old));
    assert_bytes(merged.bytes[GS_CONFLICT_FAIL], app_text("{" APP("'z':1,'x':1,") "}"));
    release_merged(&merged);
    free(old);
    free(new);
}

static void an_unchanged_side_gives_the_others_bytes(void **state)
{
    (void)state;
    // Not in the form that the writer gives, as after an edit by hand.
    static const char odd[] = "{\"appV2\" : {\"name\":\"n\",\"id\":\"A\",\n\t\"x\":1.50, "
                              "\"appVersions\":[{\"id\":\"V\",\"name\":\"v\"}] } }\n";
    static const char *const plain =
        "{'appV2':{'id':'A','name':'n','x':1,'appVersions':[{'id':'V','name':'v'}]}}";
    static const char reformatted[] = "{\"appV2\":{\"name\":\"n\",\"id\":\"A\",\"x\":1,"
                                      "\"appVersions\":[{\"id\":\"V\",\"name\":\"v\"}]}}";
    struct merged merged = merge_texts(app_text(plain), gs_xstrdup(odd), app_text(plain));
    assert_bytes(merged.bytes[GS_CONFLICT_FAIL], gs_xstrdup(odd));
    release_merged(&merged);
    merged = merge_texts(app_text(plain), app_text(plain), gs_xstrdup(odd));
    assert_bytes(merged.bytes[GS_CONFLICT_FAIL], gs_xstrdup(odd));
    release_merged(&merged);
    merged = merge_texts(app_text(plain), gs_xstrdup(odd), gs_xstrdup(odd));
    assert_bytes(merged.bytes[GS_CONFLICT_FAIL], gs_xstrdup(odd));
    release_merged(&merged);
    merged = merge_texts(app_text(plain), gs_xstrdup(reformatted), gs_xstrdup(odd));
    assert_bytes(merged.bytes[GS_CONFLICT_FAIL], gs_xstrdup(odd));
    release_merged(&merged);
    // Another form alone is a change too, as long as nobody else made one.
    merged = merge_texts(app_text(plain), app_text(plain), gs_xstrdup(reformatted));
    assert_bytes(merged.bytes[GS_CONFLICT_FAIL], gs_xstrdup(reformatted));
    release_merged(&merged);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(different_entities_merge),
        cmocka_unit_test(different_members_of_one_entity_merge),
        cmocka_unit_test(the_same_change_on_both_sides_merges),
        cmocka_unit_test(lists_by_id_merge_inside_of_entities),
        cmocka_unit_test(the_edited_version_merges_like_the_version),
        cmocka_unit_test(stamps_never_conflict),
        cmocka_unit_test(text_that_only_looks_like_a_stamp_conflicts),
        cmocka_unit_test(a_list_that_one_side_removed_stays_for_what_is_in_it),
        cmocka_unit_test(order_follows_ours_with_theirs_between),
        cmocka_unit_test(long_lists_keep_their_order),
        cmocka_unit_test(a_replaced_version_is_taken_as_a_whole),
        cmocka_unit_test(the_envelope_merges_too),
        cmocka_unit_test(the_old_form_merges_into_the_new_one),
        cmocka_unit_test(an_unchanged_side_gives_the_others_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
