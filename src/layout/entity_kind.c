// Which folder of an app holds which list of its document.
// SPDX-License-Identifier: Apache-2.0
#include "layout/per_entity_internal.h"

const struct gs_entity_kind_names gs_entity_kinds[GS_ENTITY_KINDS] = {
    [GS_ENTITY_TABLES] = {"tooljet_database", "tooljet_database"},
    [GS_ENTITY_COMPONENTS] = {"components", "components"},
    [GS_ENTITY_PAGES] = {"pages", "pages"},
    [GS_ENTITY_EVENTS] = {"events", "events"},
    [GS_ENTITY_QUERIES] = {"queries", "dataQueries"},
    [GS_ENTITY_DATA_SOURCES] = {"dataSources", "dataSources"},
    [GS_ENTITY_VERSIONS] = {"versions", "appVersions"},
    [GS_ENTITY_ENVIRONMENTS] = {"environments", "appEnvironments"},
    [GS_ENTITY_OPTIONS] = {"dataSourceOptions", "dataSourceOptions"},
    [GS_ENTITY_FOLDERS] = {"definitions/dataQueryFolders", "dataQueryFolders"},
    [GS_ENTITY_MAPPINGS] = {"definitions/dataQueryFolderMappings", "dataQueryFolderMappings"},
};

const char gs_entity_app_file[] = "app/app.json";
const char gs_entity_schema_file[] = "schema/schema.json";
const char gs_entity_version_name[] = "latest";

bool gs_entity_is_separate(struct gs_slice member)
{
    for (size_t kind = GS_ENTITY_TABLES + 1; kind < GS_ENTITY_KINDS; kind++)
        if (gs_slice_eq_str(member, gs_entity_kinds[kind].member))
            return true;
    return gs_slice_eq_str(member, "schemaDetails");
}
