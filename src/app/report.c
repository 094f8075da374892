// The JSON forms of differences and conflicts, for responses. Values are copied, so the documents
// may go.
// SPDX-License-Identifier: Apache-2.0
#include "app/app_internal.h"

static const struct {
    enum gs_change_type type;
    const char *word;
} groups[] = {
    {GS_CHANGE_ADDED, "added"},
    {GS_CHANGE_MODIFIED, "modified"},
    {GS_CHANGE_DELETED, "deleted"},
};

// An absent value is left out.
static void add_value(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *name,
                      yyjson_val *value)
{
    if (value)
        yyjson_mut_obj_add_val(doc, object, name, yyjson_val_mut_copy(doc, value));
}

static yyjson_mut_val *members_to_json(yyjson_mut_doc *doc, const struct gs_change *change)
{
    yyjson_mut_val *members = yyjson_mut_arr(doc);
    for (size_t i = 0; change->members[i]; i++)
        yyjson_mut_arr_add_strcpy(doc, members, change->members[i]);
    return members;
}

// Of one side, the members that differ.
static yyjson_mut_val *values_to_json(yyjson_mut_doc *doc, const struct gs_change *change,
                                      yyjson_val *side)
{
    GS_CLEANUP(gs_arena_cleanup) struct gs_arena *arena = gs_arena_new();
    struct gs_keyed members;
    gs_keyed_members(side, arena, &members);
    yyjson_mut_val *values = yyjson_mut_obj(doc);
    for (size_t i = 0; change->members[i]; i++) {
        const struct gs_item *member = gs_keyed_find(&members, gs_slice_str(change->members[i]), i);
        if (member)
            yyjson_mut_obj_add(values, yyjson_mut_strcpy(doc, change->members[i]),
                               yyjson_val_mut_copy(doc, member->value));
    }
    gs_keyed_release(&members);
    return values;
}

static void add_values(yyjson_mut_doc *doc, yyjson_mut_val *object, const struct gs_change *change)
{
    if (change->members) {
        yyjson_mut_obj_add_val(doc, object, "before", values_to_json(doc, change, change->before));
        yyjson_mut_obj_add_val(doc, object, "after", values_to_json(doc, change, change->after));
    } else {
        add_value(doc, object, "before", change->before);
        add_value(doc, object, "after", change->after);
    }
}

static yyjson_mut_val *change_to_json(yyjson_mut_doc *doc, const struct gs_change *change,
                                      const char *word, bool with_values)
{
    yyjson_mut_val *object = yyjson_mut_obj(doc);
    yyjson_mut_obj_add_str(doc, object, "change", word);
    gs_json_add_cstr(doc, object, "type", change->type);
    gs_json_add_cstr(doc, object, "id", change->id);
    gs_json_add_cstr(doc, object, "name", change->name);
    if (change->members)
        yyjson_mut_obj_add_val(doc, object, "members", members_to_json(doc, change));
    if (with_values)
        add_values(doc, object, change);
    return object;
}

yyjson_mut_val *gs_changes_to_json(yyjson_mut_doc *doc, const struct gs_change *changes,
                                   size_t count, bool with_values)
{
    yyjson_mut_val *result = yyjson_mut_obj(doc);
    for (size_t g = 0; g < GS_COUNT(groups); g++) {
        yyjson_mut_val *group = yyjson_mut_arr(doc);
        for (size_t i = 0; i < count; i++)
            if (changes[i].change == groups[g].type)
                yyjson_mut_arr_append(
                    group, change_to_json(doc, &changes[i], groups[g].word, with_values));
        yyjson_mut_obj_add_val(doc, result, groups[g].word, group);
    }
    return result;
}

yyjson_mut_val *gs_conflicts_to_json(yyjson_mut_doc *doc, const struct gs_conflict *conflicts,
                                     size_t count)
{
    yyjson_mut_val *result = yyjson_mut_arr(doc);
    for (size_t i = 0; i < count; i++) {
        const struct gs_conflict *conflict = &conflicts[i];
        yyjson_mut_val *object = yyjson_mut_obj(doc);
        gs_json_add_cstr(doc, object, "type", conflict->type);
        gs_json_add_cstr(doc, object, "id", conflict->id);
        gs_json_add_cstr(doc, object, "name", conflict->name);
        gs_json_add_cstr(doc, object, "member", conflict->member);
        add_value(doc, object, "base", conflict->base);
        add_value(doc, object, "ours", conflict->ours);
        add_value(doc, object, "theirs", conflict->theirs);
        yyjson_mut_arr_append(result, object);
    }
    return result;
}
