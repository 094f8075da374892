// Tells the version of a per-entity app from the files of its versions alone: a listing of many apps must not read all that
// is in them.
// SPDX-License-Identifier: Apache-2.0
#include "layout/per_entity_internal.h"

enum { VERSION_MAX = 16 << 20 };

struct search {
    struct gs_mirror *mirror;
    const struct gs_git_app *app;
    struct gs_arena *arena;
    yyjson_doc *best; // the version that reading the app would take, or NULL
};

static enum gs_status fail_version(const struct search *search, const char *file,
                                   const char *problem, struct gs_error *err)
{
    return gs_fail(err, GS_CODE_NOT_AN_APP, NULL, "%s/%s%s%s: %s", search->app->path,
                   gs_entity_kinds[GS_ENTITY_VERSIONS].folder, *file ? "/" : "", file, problem);
}

static enum gs_status parse(const struct search *search, const struct gs_entry *entry,
                            yyjson_doc **out_doc, struct gs_error *err)
{
    GS_CLEANUP(gs_buf_release) struct gs_buf text;
    gs_buf_init(&text, VERSION_MAX);
    struct gs_error cause = GS_ERROR_INIT;
    enum gs_status status = gs_mirror_read_blob(search->mirror, &entry->oid, &text, err);
    if (status != GS_OK)
        return status;
    status = gs_json_parse(gs_buf_slice(&text), entry->name, out_doc, &cause);
    if (cause.code == GS_CODE_INVALID_JSON)
        status = fail_version(search, entry->name, "is no JSON", err);
    else
        gs_error_move(err, &cause);
    gs_error_release(&cause);
    return status;
}

static enum gs_status consider(struct search *search, const struct gs_entry *entry,
                               struct gs_error *err)
{
    GS_CLEANUP(gs_json_cleanup) yyjson_doc *doc = NULL;
    enum gs_status status = parse(search, entry, &doc, err);
    if (status != GS_OK)
        return status;
    yyjson_val *version = yyjson_doc_get_root(doc);
    if (gs_json_get_str(version, "id").len == 0)
        return fail_version(search, entry->name, "must hold an object with an id", err);
    if (search->best && !gs_entity_version_is_better(version, yyjson_doc_get_root(search->best)))
        return GS_OK;
    gs_json_free(search->best);
    search->best = doc;
    doc = NULL;
    return GS_OK;
}

static enum gs_status find_best(struct search *search, const struct gs_oid *commit,
                                struct gs_error *err)
{
    struct gs_entry *entries;
    size_t count;
    const char *folder = gs_arena_printf(search->arena, "%s/%s", search->app->path,
                                         gs_entity_kinds[GS_ENTITY_VERSIONS].folder);
    enum gs_status status =
        gs_layout_find_list(search->mirror, commit, folder, search->arena, &entries, &count, err);
    for (size_t i = 0; status == GS_OK && i < count; i++)
        if (entries[i].kind == GS_ENTRY_FILE &&
            gs_slice_ends(gs_slice_str(entries[i].name), ".json"))
            status = consider(search, &entries[i], err);
    if (status == GS_OK && !search->best)
        return fail_version(search, "", "has no version", err);
    return status;
}

// What the folder holds must be an app.
static enum gs_status check_app(const struct search *search, const struct gs_oid *commit,
                                struct gs_error *err)
{
    struct gs_entry entry;
    const char *path =
        gs_arena_printf(search->arena, "%s/%s", search->app->path, gs_entity_app_file);
    enum gs_status status =
        gs_layout_find_entry(search->mirror, commit, path, search->arena, &entry, err);
    if (status == GS_OK && (!entry.name || entry.kind != GS_ENTRY_FILE))
        return gs_per_entity_fail_missing(search->app, err);
    return status;
}

enum gs_status gs_per_entity_read_version(struct gs_mirror *mirror, const struct gs_oid *commit,
                                          const struct gs_git_app *app, struct gs_arena *arena,
                                          struct gs_git_version *out_version, struct gs_error *err)
{
    struct search search = {.mirror = mirror, .app = app, .arena = arena};
    enum gs_status status = check_app(&search, commit, err);
    if (status == GS_OK)
        status = find_best(&search, commit, err);
    if (status == GS_OK) {
        yyjson_val *version = yyjson_doc_get_root(search.best);
        struct gs_slice name = gs_json_get_str(version, "name");
        *out_version =
            (struct gs_git_version){.id = gs_meta_get_text(version, "id", arena),
                                    .name = name.len > 0 ? gs_meta_get_text(version, "name", arena)
                                                         : gs_entity_version_name};
    }
    gs_json_free(search.best);
    return status;
}
