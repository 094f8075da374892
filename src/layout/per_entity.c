// The per-entity layout, reading: .meta/appMeta.json and .meta/moduleMeta.json list the apps, and each app is a folder with a file per
// entity. Which file is what of a document, entity_kind.c knows.
// SPDX-License-Identifier: Apache-2.0
#include "layout/per_entity_internal.h"

const struct gs_per_entity_meta gs_per_entity_metas[GS_PER_ENTITY_METAS] = {
    {".meta/appMeta.json", "apps", false},
    {".meta/moduleMeta.json", "modules", true},
};

// Each part becomes a folder, so none is trusted.
static bool is_app_path(struct gs_slice path)
{
    if (!gs_slice_starts(path, "apps/") && !gs_slice_starts(path, "modules/"))
        return false;
    if (gs_slice_ends(path, "/"))
        return false;
    for (gs_slice_split(&path, '/'); path.len > 0;)
        if (gs_app_check_name(gs_slice_split(&path, '/'), NULL, NULL) != GS_OK)
            return false;
    return true;
}

enum gs_status gs_per_entity_read_path(const struct gs_per_entity_meta *meta, const char *key,
                                       yyjson_val *entry, struct gs_slice *out_path,
                                       struct gs_error *err)
{
    if (!yyjson_is_obj(entry))
        return gs_meta_fail(meta->path, key, NULL, "must be an object", err);
    struct gs_slice path = gs_json_get_str(entry, "appPath");
    if (!is_app_path(path))
        return gs_meta_fail(meta->path, key, "appPath",
                            "must be a path such as apps/Name or modules/Name", err);
    *out_path = path;
    return GS_OK;
}

struct gs_slice gs_per_entity_name_of(struct gs_slice path)
{
    struct gs_slice name = path;
    while (path.len > 0)
        name = gs_slice_split(&path, '/');
    return name;
}

// False when the entry cannot be read; that is nobody's trouble but the one app's.
static bool read_entry(const struct gs_per_entity_meta *meta, yyjson_val *key, yyjson_val *entry,
                       struct gs_problems *problems, struct gs_git_app *out_app)
{
    GS_CLEANUP(gs_error_release) struct gs_error cause = GS_ERROR_INIT;
    struct gs_arena *arena = problems->arena;
    struct gs_slice path = GS_SLICE_EMPTY, id = gs_json_str(key);
    if (gs_app_check_name(id, NULL, &cause) != GS_OK ||
        gs_per_entity_read_path(meta, id.data, entry, &path, &cause) != GS_OK) {
        gs_problems_add(problems, "entry_unreadable", meta->path, "%s", cause.message);
        return false;
    }
    *out_app = (struct gs_git_app){
        .id = gs_arena_dup_slice(arena, id),
        .name = gs_arena_dup_slice(arena, gs_per_entity_name_of(path)),
        .path = gs_arena_dup_slice(arena, path),
        .version_id = "",
        .version_name = "",
        .last_commit_message = "",
        .last_commit_user = "",
        .last_push_date = gs_meta_get_text(entry, "updatedAt", arena),
        .is_module = meta->modules,
    };
    return true;
}

// Some releases note when they wrote the file, among the entries.
static bool is_note(yyjson_val *key, yyjson_val *entry)
{
    return yyjson_equals_str(key, "lastUpdatedAt") && yyjson_is_str(entry);
}

static void add_entries(struct gs_catalog *catalog, const struct gs_per_entity_meta *meta,
                        yyjson_val *root)
{
    size_t i, n;
    yyjson_val *key, *entry;
    yyjson_obj_foreach(root, i, n, key, entry)
    {
        if (!is_note(key, entry) &&
            read_entry(meta, key, entry, &catalog->problems, &catalog->apps[catalog->count]))
            catalog->count++;
    }
}

static enum gs_status read_catalog(struct gs_mirror *mirror, const struct gs_oid *commit,
                                   struct gs_arena *arena, struct gs_catalog *out_catalog,
                                   struct gs_error *err)
{
    struct gs_meta metas[GS_PER_ENTITY_METAS] = {{NULL, false}};
    struct gs_catalog catalog = *out_catalog;
    enum gs_status status = GS_OK;
    size_t count = 0;
    for (size_t i = 0; i < GS_PER_ENTITY_METAS && status == GS_OK; i++) {
        status = gs_meta_read_or_rebuild(mirror, commit, &gs_per_entity_metas[i], arena,
                                         &catalog.problems, &metas[i], err);
        count += yyjson_obj_size(yyjson_doc_get_root(metas[i].doc));
    }
    if (status == GS_OK) {
        catalog.apps = gs_arena_array(arena, count, sizeof *catalog.apps);
        for (size_t i = 0; i < GS_PER_ENTITY_METAS; i++)
            add_entries(&catalog, &gs_per_entity_metas[i], yyjson_doc_get_root(metas[i].doc));
        gs_catalog_mark_shared_paths(&catalog);
        *out_catalog = catalog;
    }
    for (size_t i = 0; i < GS_PER_ENTITY_METAS; i++)
        gs_json_free(metas[i].doc);
    return status;
}

// The version that reading takes comes first.
static enum gs_status write_first_part(const struct gs_entities *entities,
                                       const struct gs_entity_identity *who, struct gs_buf *out,
                                       struct gs_error *err)
{
    GS_CLEANUP(gs_arena_cleanup) struct gs_arena *scratch = gs_arena_new();
    struct gs_export export;
    enum gs_status status = gs_entities_split(entities, who, out->max, scratch, &export, err);
    if (status != GS_OK)
        return status;
    gs_buf_clear(out);
    gs_buf_append_slice(out, gs_buf_slice(&export.parts[0].bytes));
    gs_export_release(&export);
    return gs_buf_check(out, who->name, err);
}

enum gs_status gs_per_entity_write_document(const struct gs_entity_folder *folder,
                                            const struct gs_entity_identity *who,
                                            struct gs_buf *out, struct gs_error *err)
{
    const struct gs_entities *entities = &folder->entities;
    return entities->lists[GS_ENTITY_VERSIONS].count > 1
               ? write_first_part(entities, who, out, err)
               : gs_entities_write_document(entities, who, out, err);
}

enum gs_status gs_per_entity_fail_missing(const struct gs_git_app *app, struct gs_error *err)
{
    return gs_fail(err, GS_CODE_NOT_IN_GIT, NULL,
                   "'%s' is listed in the metadata, but '%s/%s' is not in the repository",
                   app->name, app->path, gs_entity_app_file);
}

static enum gs_status check_folder(const struct gs_entity_folder *folder,
                                   const struct gs_git_app *app, struct gs_error *err)
{
    if (!folder->has_app)
        return gs_per_entity_fail_missing(app, err);
    if (app->path_shared && !gs_slice_eq_str(gs_json_get_str(folder->entities.app, "id"), app->id))
        return gs_fail(err, GS_CODE_NOT_IN_GIT, NULL,
                       "'%s' holds another app of the same name, which has replaced this one",
                       app->path);
    return GS_OK;
}

static enum gs_status read_folder(struct gs_entity_folder *folder, const struct gs_git_app *app,
                                  struct gs_buf *out, struct gs_error *err)
{
    const struct gs_entity_identity who = {app->id, app->name};
    if (folder->fault.code != GS_CODE_NONE)
        return gs_fail(err, folder->fault.code, NULL, "%s", folder->fault.message);
    enum gs_status status = check_folder(folder, app, err);
    if (status != GS_OK)
        return status;
    gs_entities_choose_version(&folder->entities);
    return gs_per_entity_write_document(folder, &who, out, err);
}

static enum gs_status read_document(struct gs_mirror *mirror, const struct gs_oid *commit,
                                    const struct gs_git_app *app, struct gs_buf *out,
                                    struct gs_error *err)
{
    GS_CLEANUP(gs_arena_cleanup) struct gs_arena *scratch = gs_arena_new();
    struct gs_entity_folder folder;
    enum gs_status status =
        gs_entity_folder_load(mirror, commit, app->path, out->max, scratch, &folder, err);
    if (status == GS_OK)
        status = read_folder(&folder, app, out, err);
    gs_entity_folder_release(&folder);
    return status;
}

const struct gs_layout_ops gs_per_entity_ops = {
    .read_catalog = read_catalog,
    .read = read_document,
    .read_version = gs_per_entity_read_version,
    .plan_push = gs_per_entity_plan_push,
    .normalize = gs_per_entity_normalize,
};
