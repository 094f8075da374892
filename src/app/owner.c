// Tells which version of an export each element of appV2's lists belongs to. Every element ends up
// in at least one part:
// - appVersionId names a version of the export: that part.
// - else components follow their page, events their source, data source options their data source,
//   folder mappings what they put into the folder.
// - else what can only live in a version (those, pages, queries, folders), or names a version that
//   is not there, goes to the part of editingVersion, or to the first.
// - all else (environments, data sources of no version, modules, unknown lists): every part.
// SPDX-License-Identifier: Apache-2.0
#include "app/export_internal.h"

enum { TARGETS_MAX = 3 };

// Lists whose elements live in one version. A list comes behind those that its elements follow.
static const struct rule {
    const char *list;
    const char *lead; // the member that names an element of targets, or NULL
    const char *targets[TARGETS_MAX];
} rules[] = {
    {"pages", NULL, {NULL}},
    {"dataQueries", NULL, {NULL}},
    {"dataQueryFolders", NULL, {NULL}},
    {"components", "pageId", {"pages"}},
    {"dataSourceOptions", "dataSourceId", {"dataSources"}},
    {"dataQueryFolderMappings", "childId", {"dataQueries", "dataQueryFolders"}},
    {"events", "sourceId", {"components", "pages", "dataQueries"}},
};

static const struct rule *find_rule(struct gs_slice list)
{
    for (size_t i = 0; i < GS_COUNT(rules); i++)
        if (gs_slice_eq_str(list, rules[i].list))
            return &rules[i];
    return NULL;
}

static bool is_target(struct gs_slice list)
{
    for (size_t i = 0; i < GS_COUNT(rules); i++)
        for (size_t t = 0; t < TARGETS_MAX && rules[i].targets[t]; t++)
            if (gs_slice_eq_str(list, rules[i].targets[t]))
                return true;
    return false;
}

static struct gs_owned_list *find_list(const struct gs_owners *owners, const char *name)
{
    for (size_t i = 0; i < owners->count; i++)
        if (owners->lists[i].value && gs_slice_eq_str(owners->lists[i].name, name))
            return &owners->lists[i];
    return NULL;
}

unsigned gs_owners_find_part(const struct gs_owners *owners, struct gs_slice version_id)
{
    const unsigned *part = gs_map_get(&owners->versions->by_id, version_id);
    return part ? *part : 0;
}

// A rule with the lists it speaks of looked up; all zero where there is no rule.
struct followed {
    const struct rule *rule;
    const struct gs_owned_list *targets[TARGETS_MAX];
};

static struct followed look_up(const struct gs_owners *owners, const struct rule *rule)
{
    struct followed followed = {rule, {NULL}};
    for (size_t t = 0; rule && t < TARGETS_MAX && rule->targets[t]; t++)
        followed.targets[t] = find_list(owners, rule->targets[t]);
    return followed;
}

static const unsigned *find_leader(const struct followed *followed, yyjson_val *element)
{
    if (!followed->rule || !followed->rule->lead)
        return NULL;
    struct gs_slice id = gs_json_get_str(element, followed->rule->lead);
    for (size_t t = 0; t < TARGETS_MAX; t++) {
        const struct gs_owned_list *list = followed->targets[t];
        const unsigned *owner = list ? gs_map_get(&list->by_id, id) : NULL;
        if (owner)
            return owner;
    }
    return NULL;
}

static unsigned find_owner(const struct gs_owners *owners, const struct followed *followed,
                           yyjson_val *element)
{
    struct gs_slice version_id = gs_json_get_str(element, "appVersionId");
    unsigned part = gs_owners_find_part(owners, version_id);
    if (part != 0)
        return part;
    const unsigned *leader = find_leader(followed, element);
    if (leader)
        return *leader;
    return followed->rule || version_id.len > 0 ? owners->home : GS_OWNER_ALL;
}

static void assign(const struct gs_owners *owners, struct gs_owned_list *list,
                   const struct rule *rule)
{
    struct followed followed = look_up(owners, rule);
    bool indexed = is_target(list->name);
    size_t i, n;
    yyjson_val *element;
    yyjson_arr_foreach(list->value, i, n, element)
    {
        struct gs_slice id = gs_json_get_str(element, "id");
        list->owners[i] = find_owner(owners, &followed, element);
        if (indexed && id.len > 0)
            gs_map_put(&list->by_id, id, &list->owners[i]);
    }
}

static void assign_versions(struct gs_owners *owners)
{
    struct gs_owned_list *list = find_list(owners, "appVersions");
    owners->versions = list;
    size_t i, n;
    yyjson_val *version;
    yyjson_arr_foreach(list->value, i, n, version)
    {
        list->owners[i] = (unsigned)i + 1;
        gs_map_put(&list->by_id, gs_json_get_str(version, "id"), &list->owners[i]);
    }
}

static void collect_lists(struct gs_owners *owners, yyjson_val *app, struct gs_arena *arena)
{
    size_t i, n;
    yyjson_val *key, *value;
    yyjson_obj_foreach(app, i, n, key, value)
    {
        struct gs_owned_list *list = &owners->lists[i];
        list->name = gs_json_str(key);
        if (!yyjson_is_arr(value))
            continue;
        list->value = value;
        list->owners = gs_arena_array(arena, yyjson_arr_size(value), sizeof *list->owners);
    }
}

void gs_owners_init(struct gs_owners *owners, yyjson_val *app, struct gs_arena *arena)
{
    size_t count = yyjson_obj_size(app);
    *owners = (struct gs_owners){
        .lists = gs_arena_array(arena, count, sizeof *owners->lists), .count = count, .home = 1};
    collect_lists(owners, app, arena);
    assign_versions(owners);
    unsigned editing =
        gs_owners_find_part(owners, gs_json_get_str(yyjson_obj_get(app, "editingVersion"), "id"));
    if (editing != 0)
        owners->home = editing;
    for (size_t i = 0; i < count; i++)
        if (owners->lists[i].value && &owners->lists[i] != owners->versions &&
            !find_rule(owners->lists[i].name))
            assign(owners, &owners->lists[i], NULL);
    for (size_t i = 0; i < GS_COUNT(rules); i++) {
        struct gs_owned_list *list = find_list(owners, rules[i].list);
        if (list)
            assign(owners, list, &rules[i]);
    }
}

void gs_owners_release(struct gs_owners *owners)
{
    for (size_t i = 0; i < owners->count; i++)
        gs_map_release(&owners->lists[i].by_id);
}
