// The kinds of entities an app has, and the members by which one names another (as ToolJet 2.25 to
// 3.21 write them).
// SPDX-License-Identifier: Apache-2.0
#include "app/app_internal.h"

static const struct {
    const char *list, *type;
} kinds[] = {
    {"components", "component"},
    {"pages", "page"},
    {"events", "event"},
    {"dataQueries", "query"},
    {"dataSources", "dataSource"},
    {"dataSourceOptions", "dataSourceOption"},
    {"appVersions", "version"},
    {"appEnvironments", "environment"},
    {"modules", "module"},
    {"dataQueryFolders", "queryFolder"},
    {"dataQueryFolderMappings", "queryFolderMapping"},
};

static const struct gs_link links[] = {
    {NULL, "pageId"},       {NULL, "parent"},         {NULL, "sourceId"},
    {NULL, "dataSourceId"}, {NULL, "appVersionId"},   {NULL, "environmentId"},
    {NULL, "homePageId"},   {NULL, "pageGroupId"},    {NULL, "currentEnvironmentId"},
    {NULL, "parentId"},     {NULL, "childId"},        {"event", "queryId"},
    {"event", "pageId"},    {"event", "componentId"}, {"event", "modal"},
};

enum { UUID_TEXT = 36 };

const char *gs_entity_type(struct gs_slice list, struct gs_arena *arena)
{
    for (size_t i = 0; i < GS_COUNT(kinds); i++)
        if (gs_slice_eq_str(list, kinds[i].list))
            return kinds[i].type;
    return gs_arena_dup_slice(arena, list);
}

struct gs_slice gs_entity_name(yyjson_val *entity)
{
    struct gs_slice name = gs_json_get_str(entity, "name");
    return name.len > 0 ? name : GS_SLICE_LIT("");
}

bool gs_entity_link(size_t index, struct gs_link *out_link)
{
    if (index >= GS_COUNT(links))
        return false;
    *out_link = links[index];
    return true;
}

struct gs_slice gs_entity_get_link(yyjson_val *entity, struct gs_link link)
{
    return gs_json_get_str(link.within ? yyjson_obj_get(entity, link.within) : entity, link.member);
}

struct gs_slice gs_link_target(struct gs_slice text)
{
    // A child of a tab, a modal, a header and so on names its parent as `<id>-<place>`.
    if (text.len > UUID_TEXT && text.data[UUID_TEXT] == '-')
        return gs_slice_of(text.data, UUID_TEXT);
    return text;
}
