// What conflicts, and how a policy settles it.
// SPDX-License-Identifier: Apache-2.0
#include "merge_fixture.h"

// ---- Conflicts --------------------------------------------------------------------------------

static void the_same_member_changed_twice_conflicts(void **state)
{
    (void)state;
    assert_conflicts(
        "'components':[{'id':'c','name':'button1','properties':{'text':{'value':'a'}},'x':1}],",
        "'components':[{'id':'c','name':'button1','properties':{'text':{'value':'b'}},'x':2}],",
        "'components':[{'id':'c','name':'button1','properties':{'text':{'value':'c'}},'y':2}],",
        "[{'type':'component','id':'c','name':'button1','member':'/properties/text/value','base':"
        "'a','ours':'b','theirs':'c'},"
        "{'type':'component','id':'c','name':'button1','member':'/x','base':1,'ours':2}]",
        "'components':[{'id':'c','name':'button1','properties':{'text':{'value':'b'}},'y':2,'x':2}"
        "],",
        "'components':[{'id':'c','name':'button1','properties':{'text':{'value':'c'}},'y':2}],");
}

static void plain_lists_and_other_types_conflict_as_one_value(void **state)
{
    (void)state;
    assert_conflicts(
        "'dataQueries':[{'id':'q','o':{'url_params':[['a','1']],'h':{'x':1},'id':{'a/b~':1}}}],",
        "'dataQueries':[{'id':'q','o':{'url_params':[['a','2']],'h':'text','id':{'a/b~':2}}}],",
        "'dataQueries':[{'id':'q','o':{'url_params':[['b','1']],'h':{'x':2},'id':{'a/b~':3}}}],",
        "[{'type':'query','id':'q','name':'','member':'/o/url_params','base':[['a','1']],'ours':[["
        "'a','2']],'theirs':[['b','1']]},"
        "{'type':'query','id':'q','name':'','member':'/o/h','base':{'x':1},'ours':'text','theirs':"
        "{'x':2}},"
        "{'type':'query','id':'q','name':'','member':'/o/id/a~1b~0','base':1,'ours':2,'theirs':3}]",
        "'dataQueries':[{'id':'q','o':{'url_params':[['a','2']],'h':'text','id':{'a/b~':2}}}],",
        "'dataQueries':[{'id':'q','o':{'url_params':[['b','1']],'h':{'x':2},'id':{'a/b~':3}}}],");
}

static void both_sides_adding_one_id_conflict_where_they_differ(void **state)
{
    (void)state;
    assert_conflicts("", "'pages':[{'id':'p','name':'Home','a':1,'o':{'x':1}}],",
                     "'pages':[{'id':'p','name':'Home','a':2,'o':{'y':1}}],",
                     "[{'type':'page','id':'p','name':'Home','member':'/a','ours':1,'theirs':2}]",
                     "'pages':[{'id':'p','name':'Home','a':1,'o':{'x':1,'y':1}}],",
                     "'pages':[{'id':'p','name':'Home','a':2,'o':{'x':1,'y':1}}],");
}

static void deleting_what_the_other_side_changed_conflicts(void **state)
{
    (void)state;
    assert_conflicts("'pages':[{'id':'p','name':'Home','a':1},{'id':'q','a':1},{'id':'r'}],",
                     "'pages':[{'id':'q','a':2},{'id':'r'}],",
                     "'pages':[{'id':'p','name':'Home','a':2},{'id':'r'}],",
                     "[{'type':'page','id':'p','name':'Home','member':null,'base':{'id':'p','name':"
                     "'Home','a':1},'theirs':{'id':'p','name':'Home','a':2}},"
                     "{'type':'page','id':'q','name':'','member':null,'base':{'id':'q','a':1},"
                     "'ours':{'id':'q','a':2}}]",
                     "'pages':[{'id':'q','a':2},{'id':'r'}],",
                     "'pages':[{'id':'p','name':'Home','a':2},{'id':'r'}],");
}

static void a_removed_list_conflicts_for_what_is_disputed_in_it(void **state)
{
    (void)state;
    assert_conflicts("'modules':[{'id':'m','a':1},{'id':'n'}],", "",
                     "'modules':[{'id':'m','a':2},{'id':'n'}],",
                     "[{'type':'module','id':'m','name':'','member':null,'base':{'id':'m','a':1},"
                     "'theirs':{'id':'m','a':2}}]",
                     "", "'modules':[{'id':'m','a':2}],");
}

static void a_layout_is_one_value(void **state)
{
    (void)state;
    assert_conflicts(
        "'components':[{'id':'c','layouts':[{'id':'d','top':1,'left':1},{'id':'m','top':1}]}],",
        "'components':[{'id':'c','layouts':[{'id':'d','top':2,'left':1},{'id':'m','top':1}]}],",
        "'components':[{'id':'c','layouts':[{'id':'d','top':1,'left':2},{'id':'m','top':2}]}],",
        "[{'type':'component','id':'c','name':'','member':'/layouts/d','base':{'id':'d','top':1,"
        "'left':1},'ours':{'id':'d','top':2,'left':1},'theirs':{'id':'d','top':1,'left':2}}]",
        "'components':[{'id':'c','layouts':[{'id':'d','top':2,'left':1},{'id':'m','top':2}]}],",
        "'components':[{'id':'c','layouts':[{'id':'d','top':1,'left':2},{'id':'m','top':2}]}],");
    // As an object by name, and with stamps that never matter.
    assert_merges("'components':[{'id':'c','x':1,'layouts':{'desktop':{'top':1,'updatedAt':"
                  "'2025-01-01T00:00:00Z'},'mobile':{'top':1}}}],",
                  "'components':[{'id':'c','x':2,'layouts':{'desktop':{'top':1,'updatedAt':"
                  "'2025-01-03T00:00:00Z'},'mobile':{'top':2}}}],",
                  "'components':[{'id':'c','x':1,'layouts':{'desktop':{'top':1,'updatedAt':"
                  "'2025-01-02T00:00:00Z'},'mobile':{'top':1}}}],",
                  "'components':[{'id':'c','x':2,'layouts':{'desktop':{'top':1,'updatedAt':"
                  "'2025-01-03T00:00:00Z'},'mobile':{'top':2}}}],");
    assert_merges(
        "'components':[{'id':'c','x':1,'layouts':[{'id':'d','top':1,'updatedAt':null}]}],",
        "'components':[{'id':'c','x':2,'layouts':[{'id':'d','top':1,'updatedAt':"
        "'2025-01-03T00:00:00Z'}]}],",
        "'components':[{'id':'c','x':1,'layouts':[{'id':'d','top':9,'updatedAt':"
        "'2025-01-02T00:00:00Z'}]}],",
        "'components':[{'id':'c','x':2,'layouts':[{'id':'d','top':9,'updatedAt':"
        "'2025-01-02T00:00:00Z'}]}],");
}

static void two_different_things_are_not_mixed(void **state)
{
    (void)state;
    assert_conflicts("'editingVersion':{'id':'V','name':'v1','a':1},",
                     "'editingVersion':{'id':'W','name':'v2','a':2},",
                     "'editingVersion':{'id':'X','name':'v3','a':1},",
                     "[{'type':'app','id':'','name':'App','member':'/editingVersion','base':{'id':"
                     "'V','name':'v1','a':1},'ours':{'id':'W','name':'v2','a':2},'theirs':{'id':'X'"
                     ",'name':'v3','a':1}}]",
                     "'editingVersion':{'id':'W','name':'v2','a':2},",
                     "'editingVersion':{'id':'X','name':'v3','a':1},");
}

static void lists_without_distinct_ids_are_one_value(void **state)
{
    (void)state;
    assert_conflicts("'l':[{'id':'a'},{'id':'a'}],", "'l':[{'id':'a'}],", "'l':[{'id':'b'}],",
                     "[{'type':'app','id':'','name':'App','member':'/l','base':[{'id':'a'},{'id':"
                     "'a'}],'ours':[{'id':'a'}],'theirs':[{'id':'b'}]}]",
                     "'l':[{'id':'a'}],", "'l':[{'id':'b'}],");
}

// ---- What refers to what is deleted -------------------------------------------------------------

#define PARENT "11111111-2222-4333-8444-555555555555"

static void a_parent_is_not_deleted_under_a_new_child(void **state)
{
    (void)state;
    assert_conflicts(
        "'components':[{'id':'" PARENT "','name':'tabs1'},{'id':'old','parent':'" PARENT "'}],",
        "'components':[],",
        "'components':[{'id':'" PARENT "','name':'tabs1'},{'id':'old','parent':'" PARENT "'},{'id':"
        "'new','parent':'" PARENT "-2'}],",
        "[{'type':'component','id':'" PARENT "','name':'tabs1','member':null,'base':{'id':'" PARENT
        "','name':'tabs1'},'theirs':{'id':'" PARENT "','name':'tabs1'}}]",
        "'components':[{'id':'new','parent':'" PARENT "-2'}],",
        "'components':[{'id':'" PARENT "','name':'tabs1'},{'id':'new','parent':'" PARENT "-2'}],");
}

static void a_page_is_not_deleted_under_new_components_or_their_parents(void **state)
{
    (void)state;
    // The new component needs its parent, which is unchanged, and that needs the page.
    assert_conflicts(
        "'components':[{'id':'box','pageId':'p'}],'pages':[{'id':'p'},{'id':'q'}],",
        "'components':[{'id':'box','pageId':'p'},{'id':'new','pageId':'q','parent':'box'}],"
        "'pages':[{'id':'p'},{'id':'q'}],",
        "'components':[],'pages':[{'id':'q'}],",
        "[{'type':'component','id':'box','name':'','member':null,'base':{'id':'box','pageId':'p'},"
        "'ours':{'id':'box','pageId':'p'}},"
        "{'type':'page','id':'p','name':'','member':null,'base':{'id':'p'},'ours':{'id':'p'}}]",
        "'components':[{'id':'box','pageId':'p'},{'id':'new','pageId':'q','parent':'box'}],"
        "'pages':[{'id':'p'},{'id':'q'}],",
        "'components':[{'id':'new','pageId':'q','parent':'box'}],'pages':[{'id':'q'}],");
}

static void what_moves_to_a_deleted_page_needs_it(void **state)
{
    (void)state;
    assert_conflicts(
        "'components':[{'id':'c','pageId':'q'}],'pages':[{'id':'p'},{'id':'q'}],",
        "'components':[{'id':'c','pageId':'p'}],'pages':[{'id':'p'},{'id':'q'}],",
        "'components':[{'id':'c','pageId':'q','x':1}],'pages':[{'id':'q'}],",
        "[{'type':'page','id':'p','name':'','member':null,'base':{'id':'p'},'ours':{'id':'p'}}]",
        "'components':[{'id':'c','pageId':'p','x':1}],'pages':[{'id':'p'},{'id':'q'}],",
        "'components':[{'id':'c','pageId':'p','x':1}],'pages':[{'id':'q'}],");
}

static void a_changed_child_of_a_deleted_parent_needs_it(void **state)
{
    (void)state;
    assert_conflicts(
        "'components':[{'id':'box'},{'id':'c','parent':'box','a':1}],", "'components':[],",
        "'components':[{'id':'box'},{'id':'c','parent':'box','a':2}],",
        "[{'type':'component','id':'box','name':'','member':null,'base':{'id':'box'},"
        "'theirs':{'id':'box'}},"
        "{'type':'component','id':'c','name':'','member':null,'base':{'id':'c',"
        "'parent':'box','a':1},'theirs':{'id':'c','parent':'box','a':2}}]",
        "'components':[],", "'components':[{'id':'box'},{'id':'c','parent':'box','a':2}],");
}

static void events_need_what_they_come_from_and_what_they_run(void **state)
{
    (void)state;
    assert_conflicts(
        "'dataQueries':[{'id':'q1'},{'id':'q2'},{'id':'q3'}],'events':[],",
        "'dataQueries':[{'id':'q3'}],'events':[],",
        "'dataQueries':[{'id':'q1'},{'id':'q2'},{'id':'q3'}],'events':[{'id':'e','sourceId':'q1',"
        "'event':{'queryId':'q2','other':'q3'}}],",
        "[{'type':'query','id':'q1','name':'','member':null,'base':{'id':'q1'},'theirs':{'id':'q1'"
        "}},"
        "{'type':'query','id':'q2','name':'','member':null,'base':{'id':'q2'},'theirs':{'id':'q2'}"
        "}]",
        "'dataQueries':[{'id':'q3'}],'events':[{'id':'e','sourceId':'q1','event':{'queryId':'q2',"
        "'other':'q3'}}],",
        "'dataQueries':[{'id':'q1'},{'id':'q2'},{'id':'q3'}],'events':[{'id':'e','sourceId':'q1',"
        "'event':{'queryId':'q2','other':'q3'}}],");
}

static void what_goes_together_goes(void **state)
{
    (void)state;
    // The page goes with all that is on it, while the other side is busy elsewhere.
    assert_merges("'components':[{'id':'c','pageId':'p'},{'id':'d','pageId':'q','a':1}],'pages':[{"
                  "'id':'p'},{'id':'q'}],'events':[{'id':'e','sourceId':'c'}],",
                  "'components':[{'id':'d','pageId':'q','a':1}],'pages':[{'id':'q'}],'events':[],",
                  "'components':[{'id':'c','pageId':'p'},{'id':'d','pageId':'q','a':2}],'pages':[{"
                  "'id':'p'},{'id':'q'}],'events':[{'id':'e','sourceId':'c'}],",
                  "'components':[{'id':'d','pageId':'q','a':2}],'pages':[{'id':'q'}],'events':[],");
}

static void what_dangled_before_is_no_conflict(void **state)
{
    (void)state;
    // Ours itself left the link behind when it deleted the page.
    assert_merges("'components':[{'id':'c','pageId':'p','a':1}],'pages':[{'id':'p'}],",
                  "'components':[{'id':'c','pageId':'p','a':1}],'pages':[],",
                  "'components':[{'id':'c','pageId':'p','a':2}],'pages':[{'id':'p'}],",
                  "'components':[{'id':'c','pageId':'p','a':2}],'pages':[],");
    // Theirs did, and has the same new component on it.
    assert_merges("'components':[],'pages':[{'id':'p'}],",
                  "'components':[{'id':'c','pageId':'p'}],'pages':[{'id':'p'}],'x':1,",
                  "'components':[{'id':'c','pageId':'p'}],'pages':[],",
                  "'components':[{'id':'c','pageId':'p'}],'pages':[],'x':1,");
}

// ---- Bounds ---------------------------------------------------------------------------------------

static char *long_name(size_t len)
{
    char *name = gs_xcalloc(len + 1, 1);
    memset(name, 'n', len);
    return name;
}

static void a_path_stays_short(void **state)
{
    (void)state;
    char *name = long_name(2000);
    char members[3][5000], conflicts[500];
    for (int i = 0; i < 3; i++)
        snprintf(members[i], sizeof members[i], "'pages':[{'id':'p','o':{'%s':{'x':%d}}}],", name,
                 i);
    snprintf(conflicts, sizeof conflicts,
             "[{'type':'page','id':'p','name':'','member':'/o','base':0,'ours':1,'theirs':2}]");
    assert_conflicts(members[0], members[1], members[2], conflicts, members[1], members[2]);
    free(name);
}

static void the_list_of_conflicts_ends(void **state)
{
    (void)state;
    struct gs_buf members[3];
    for (int i = 0; i < 3; i++) {
        gs_buf_init(&members[i], 1 << 20);
        gs_buf_append_str(&members[i], "'pages':[{'id':'p'");
        for (int m = 0; m < GS_CONFLICTS_MAX + 5; m++)
            gs_buf_printf(&members[i], ",'%d':%d", m, i);
        gs_buf_append_str(&members[i], "}],");
    }
    struct merged merged = merge_texts(app_document(members[0].data), app_document(members[1].data),
                                       app_document(members[2].data));
    size_t listed = 0;
    for (const char *at = merged.conflicts; (at = strstr(at, "'base':0")); at++)
        listed++;
    assert_int_equal(listed, GS_CONFLICTS_MAX);
    assert_null(merged.bytes[GS_CONFLICT_FAIL]);
    assert_bytes(merged.bytes[GS_CONFLICT_THEIRS], app_document(members[2].data));
    release_merged(&merged);
    for (int i = 0; i < 3; i++)
        gs_buf_release(&members[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_member_changed_twice_conflicts),
        cmocka_unit_test(plain_lists_and_other_types_conflict_as_one_value),
        cmocka_unit_test(both_sides_adding_one_id_conflict_where_they_differ),
        cmocka_unit_test(deleting_what_the_other_side_changed_conflicts),
        cmocka_unit_test(a_removed_list_conflicts_for_what_is_disputed_in_it),
        cmocka_unit_test(a_layout_is_one_value),
        cmocka_unit_test(two_different_things_are_not_mixed),
        cmocka_unit_test(lists_without_distinct_ids_are_one_value),
        cmocka_unit_test(a_parent_is_not_deleted_under_a_new_child),
        cmocka_unit_test(a_page_is_not_deleted_under_new_components_or_their_parents),
        cmocka_unit_test(what_moves_to_a_deleted_page_needs_it),
        cmocka_unit_test(a_changed_child_of_a_deleted_parent_needs_it),
        cmocka_unit_test(events_need_what_they_come_from_and_what_they_run),
        cmocka_unit_test(what_goes_together_goes),
        cmocka_unit_test(what_dangled_before_is_no_conflict),
        cmocka_unit_test(a_path_stays_short),
        cmocka_unit_test(the_list_of_conflicts_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
