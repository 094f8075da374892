// Walks all that a commit holds and tells everything odd in it. One bad app never stops the others; changes nothing.
// SPDX-License-Identifier: Apache-2.0
#include "app/scan.h"
#include "layout/per_entity_internal.h"

enum { DOCUMENT_MAX = 100 << 20 };

struct checking {
    struct gs_mirror *mirror;
    const struct gs_oid *commit;
    struct gs_arena *arena;
    struct gs_check *check;
    struct gs_map ids, documents; // of the apps: by the metadata, by what is in the files
    struct gs_map folded;         // folders without regard to case
};

// ---- One app ---------------------------------------------------------------------------

static const char *fold(struct gs_arena *arena, const char *text)
{
    char *folded = gs_arena_strdup(arena, text);
    for (char *p = folded; *p; p++)
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p - 'A' + 'a');
    return folded;
}

// Names what another app, which comes first in the metadata, has as well.
static void check_unique(struct gs_map *seen, const char *key, const char *code, const char *what,
                         struct gs_checked_app *checked)
{
    struct gs_checked_app *other = gs_map_get(seen, gs_slice_str(key));
    if (other)
        gs_problems_add(&checked->problems, code, checked->app->path, "%s as '%s' (%s)", what,
                        other->app->path, other->app->id);
    else
        gs_map_put(seen, gs_slice_str(key), checked);
}

static void check_names(struct checking *checking, struct gs_checked_app *checked)
{
    const struct gs_git_app *app = checked->app;
    bool single = checking->check->catalog.layout == GS_LAYOUT_SINGLE_FILE;
    const char *folder = single ? app->name : app->path;
    check_unique(&checking->ids, app->id, "duplicate_id", "is listed under the same id", checked);
    struct gs_checked_app *other =
        gs_map_get(&checking->folded, gs_slice_str(fold(checking->arena, folder)));
    if (!other)
        gs_map_put(&checking->folded, gs_slice_str(fold(checking->arena, folder)), checked);
    else if (strcmp(single ? other->app->name : other->app->path, folder) == 0)
        gs_problems_add(&checked->problems, "shared_folder", app->path,
                        "is in the same folder as '%s' (%s)", other->app->path, other->app->id);
    else
        gs_problems_add(&checked->problems, "case_collision", app->path,
                        "'%s' and '%s' are one folder where case does not count", folder,
                        single ? other->app->name : other->app->path);
}

static void check_secrets(const struct gs_document *document, struct gs_checked_app *checked)
{
    struct gs_scan scan;
    gs_document_scan(document, checked->problems.arena, &scan);
    for (size_t i = 0; i < scan.secret_count && i < GS_SCAN_SECRETS_MAX; i++)
        gs_problems_add(&checked->problems, gs_code_text(GS_CODE_SECRET_IN_DOCUMENT),
                        checked->app->path, "%s: '%s' is a secret and is not encrypted",
                        scan.secrets[i].path, scan.secrets[i].key);
}

static void check_document(struct checking *checking, const struct gs_document *document,
                           struct gs_checked_app *checked)
{
    const struct gs_git_app *app = checked->app;
    checked->version = (struct gs_git_version){
        .id = gs_arena_dup_slice(checking->arena, document->version_id),
        .name = gs_arena_dup_slice(checking->arena, document->version_name)};
    if (app->version_id[0] && strcmp(app->version_id, checked->version.id) != 0)
        gs_problems_add(&checked->problems, "version_differs", app->path,
                        "holds version %s, the metadata say %s", checked->version.id,
                        app->version_id);
    if (app->version_name[0] && strcmp(app->version_name, checked->version.name) != 0)
        gs_problems_add(&checked->problems, "version_differs", app->path,
                        "holds a version '%s', the metadata say '%s'", checked->version.name,
                        app->version_name);
    check_unique(&checking->documents, gs_arena_dup_slice(checking->arena, document->app_id),
                 "duplicate_id", "holds an app of the same id", checked);
    check_secrets(document, checked);
}

static const char *code_of(const struct gs_error *cause)
{
    if (cause->code == GS_CODE_NOT_IN_GIT)
        return "entry_without_file";
    return gs_code_text(cause->code == GS_CODE_INVALID_JSON ? GS_CODE_NOT_AN_APP : cause->code);
}

static enum gs_status read(struct checking *checking, struct gs_checked_app *checked,
                           struct gs_error *err)
{
    GS_CLEANUP(gs_buf_release) struct gs_buf text;
    gs_buf_init(&text, DOCUMENT_MAX);
    struct gs_document document;
    enum gs_status status =
        gs_layout_read(checking->mirror, checking->commit, checking->check->catalog.layout,
                       checked->app, &text, err);
    if (status == GS_OK)
        status = gs_document_parse(gs_buf_slice(&text), checked->app->path, &document, err);
    if (status != GS_OK)
        return status;
    check_document(checking, &document, checked);
    gs_document_release(&document);
    return GS_OK;
}

// A damaged mirror concerns all.
static enum gs_status check_app(struct checking *checking, struct gs_checked_app *checked,
                                struct gs_error *err)
{
    struct gs_error cause = GS_ERROR_INIT;
    check_names(checking, checked);
    enum gs_status status = read(checking, checked, &cause);
    if (status == GS_INTERNAL || status == GS_NOMEM) {
        gs_error_move(err, &cause);
        return status;
    }
    if (status != GS_OK)
        gs_problems_add(&checked->problems, code_of(&cause), checked->app->path, "%s",
                        cause.message);
    gs_error_release(&cause);
    return GS_OK;
}

// ---- The branch --------------------------------------------------------------------------

static bool was_told(const struct gs_problems *problems, const char *path)
{
    for (size_t i = 0; i < problems->count; i++)
        if (strcmp(problems->items[i].path, path) == 0)
            return true;
    return false;
}

static enum gs_status check_strays(struct checking *checking, const struct gs_map *named,
                                   const struct gs_per_entity_meta *meta, struct gs_error *err)
{
    struct gs_stray *first;
    struct gs_problems *problems = &checking->check->problems;
    size_t rebuilt = problems->count; // rebuilding has told some already
    struct gs_problems told = {.items = problems->items, .count = rebuilt};
    enum gs_status status = gs_stray_find(checking->mirror, checking->commit, meta, named,
                                          checking->arena, &first, err);
    if (status != GS_OK)
        return status;
    for (const struct gs_stray *stray = first; stray; stray = stray->next)
        if (!was_told(&told, stray->path))
            gs_problems_add(problems, "file_without_entry", stray->path,
                            "holds app %s, and no entry names it", stray->id);
    return GS_OK;
}

static enum gs_status find_strays(struct checking *checking, struct gs_error *err)
{
    const struct gs_catalog *catalog = &checking->check->catalog;
    struct gs_map named;
    gs_map_init(&named);
    for (size_t i = 0; i < catalog->count; i++)
        gs_map_put(&named, gs_slice_str(catalog->apps[i].path), checking);
    enum gs_status status = GS_OK;
    if (catalog->layout != GS_LAYOUT_PER_ENTITY)
        status = check_strays(checking, &named, NULL, err);
    for (size_t i = 0; status == GS_OK && i < GS_PER_ENTITY_METAS; i++)
        if (catalog->layout != GS_LAYOUT_SINGLE_FILE)
            status = check_strays(checking, &named, &gs_per_entity_metas[i], err);
    gs_map_release(&named);
    return status;
}

static enum gs_status check_meta(struct checking *checking, const char *path, bool *out_there,
                                 struct gs_error *err)
{
    GS_CLEANUP(gs_json_cleanup) yyjson_doc *doc = NULL;
    struct gs_error cause = GS_ERROR_INIT;
    enum gs_status status = gs_meta_read(checking->mirror, checking->commit, path, &doc, &cause);
    bool broken = cause.code == GS_CODE_META_UNREADABLE;
    *out_there = broken || doc != NULL;
    if (broken && strcmp(path, gs_per_entity_source_meta) == 0)
        gs_problems_add(&checking->check->problems, "meta_unreadable", path, "%s", cause.message);
    gs_error_move(broken ? NULL : err, &cause);
    return broken ? GS_OK : status;
}

static enum gs_status check_metas(struct checking *checking, struct gs_error *err)
{
    bool single = false, entities = false, sources = false;
    enum gs_status status = check_meta(checking, gs_single_file_meta, &single, err);
    for (size_t i = 0; status == GS_OK && i < GS_PER_ENTITY_METAS; i++) {
        bool there = false;
        status = check_meta(checking, gs_per_entity_metas[i].path, &there, err);
        entities |= there;
    }
    if (status == GS_OK)
        status = check_meta(checking, gs_per_entity_source_meta, &sources, err);
    if (status == GS_OK && single && entities)
        gs_problems_add(&checking->check->problems, "both_layouts", gs_single_file_meta,
                        "the branch has metadata of both layouts; what %s names does not count",
                        gs_single_file_meta);
    return status;
}

static enum gs_status run(struct checking *checking, struct gs_error *err)
{
    struct gs_check *check = checking->check;
    enum gs_status status =
        gs_catalog_read(checking->mirror, checking->commit, checking->arena, &check->catalog, err);
    // Nothing is known of any app then, but the rest can still be told.
    if (status != GS_OK && err->code == GS_CODE_META_UNREADABLE) {
        check->catalog.problems.arena = checking->arena;
        gs_problems_add(&check->catalog.problems, "meta_unreadable", ".meta", "%s", err->message);
        gs_error_release(err);
        status = gs_layout_detect(checking->mirror, checking->commit, &check->catalog.layout, err);
    }
    if (status != GS_OK)
        return status;
    check->problems = check->catalog.problems;
    check->apps = gs_arena_array(checking->arena, check->catalog.count, sizeof *check->apps);
    status = check_metas(checking, err);
    if (status == GS_OK)
        status = find_strays(checking, err);
    for (size_t i = 0; status == GS_OK && i < check->catalog.count; i++) {
        check->apps[i] = (struct gs_checked_app){.app = &check->catalog.apps[i],
                                                 .problems = {.arena = checking->arena}};
        status = check_app(checking, &check->apps[i], err);
    }
    return status;
}

enum gs_status gs_layout_check(struct gs_mirror *mirror, const struct gs_oid *commit,
                               struct gs_arena *arena, struct gs_check *out_check,
                               struct gs_error *err)
{
    struct gs_check check = {.apps = NULL};
    struct checking checking = {
        .mirror = mirror, .commit = commit, .arena = arena, .check = &check};
    struct gs_map *maps[] = {&checking.ids, &checking.documents, &checking.folded};
    for (size_t i = 0; i < GS_COUNT(maps); i++)
        gs_map_init(maps[i]);
    enum gs_status status = run(&checking, err);
    for (size_t i = 0; i < GS_COUNT(maps); i++)
        gs_map_release(maps[i]);
    if (status == GS_OK)
        *out_check = check;
    return status;
}
