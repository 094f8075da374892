// A metadata file that is no JSON any more, as merges leave them, made anew: from the newest commit that had it whole, and from the
// apps that the tree holds. What cannot be told is left to people.
// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "layout/per_entity_internal.h"

enum { COMMITS_BACK = 100 };

struct repair {
    struct gs_mirror *mirror;
    const struct gs_oid *commit;
    const struct gs_per_entity_meta *meta; // NULL: of single files
    const char *path;
    struct gs_arena *arena;
    struct gs_problems *problems;
    struct gs_meta_draft draft;
    struct gs_map named; // paths of apps that have an entry
    char when[GS_ISO_TEXT + 1];
};

// Not finding one is no failure.
static enum gs_status find_whole(struct repair *repair, yyjson_doc **out_doc, struct gs_error *err)
{
    struct gs_oid at = *repair->commit;
    for (int i = 0; i < COMMITS_BACK; i++) {
        struct gs_commit_info info;
        struct gs_error cause = GS_ERROR_INIT;
        enum gs_status status =
            gs_mirror_commit_info(repair->mirror, &at, repair->arena, &info, err);
        if (status != GS_OK)
            return status;
        if (i == 0)
            gs_clock_format_iso(info.committed_at_ms, repair->when);
        status = gs_meta_read(repair->mirror, &at, repair->path, out_doc, &cause);
        bool broken = cause.code == GS_CODE_META_UNREADABLE;
        gs_error_move(broken ? NULL : err, &cause);
        if (!broken)
            return status;
        at = info.parent;
        if (gs_oid_is_none(&at))
            break;
    }
    return GS_OK;
}

static const char *path_of(const struct repair *repair, const char *key, yyjson_val *entry)
{
    struct gs_single_file_names names;
    struct gs_slice path;
    if (repair->meta)
        return gs_per_entity_read_path(repair->meta, key, entry, &path, NULL) == GS_OK
                   ? gs_arena_dup_slice(repair->arena, path)
                   : NULL;
    return gs_single_file_read_names(key, entry, &names, NULL) == GS_OK
               ? gs_single_file_path(repair->arena, names.app, names.version)
               : NULL;
}

static void note_names(struct repair *repair, yyjson_val *root)
{
    size_t i, n;
    yyjson_val *key, *entry;
    yyjson_obj_foreach(root, i, n, key, entry)
    {
        const char *path = path_of(repair, yyjson_get_str(key), entry);
        if (path)
            gs_map_put(&repair->named, gs_slice_str(path), repair);
    }
}

// ---- Apps that no entry names ------------------------------------------------------------

static bool names_folder(yyjson_mut_val *root, const char *name)
{
    size_t i, n;
    yyjson_mut_val *key, *entry;
    yyjson_mut_obj_foreach(root, i, n, key, entry)
    {
        if (yyjson_mut_equals_str(yyjson_mut_obj_get(entry, "gitAppName"), name))
            return true;
    }
    return false;
}

// Of two files in one folder nobody can tell which one is the app.
static bool has_twin(const struct gs_stray *first, const struct gs_stray *stray)
{
    for (const struct gs_stray *other = first; other; other = other->next)
        if (other != stray && strcmp(other->name, stray->name) == 0)
            return true;
    return false;
}

static void add_entry(struct repair *repair, const struct gs_stray *stray)
{
    const struct {
        const char *name, *text;
    } single[] = {{"gitAppName", stray->name},
                  {"lastCommitMessage", ""},
                  {"gitVersionId", stray->version_id},
                  {"lastpushDate", repair->when},
                  {"gitVersionName", stray->version_name},
                  {"lastCommitUser", ""}},
      folder[] = {{"appPath", stray->path}, {"updatedAt", repair->when}};
    if (repair->meta)
        for (size_t i = 0; i < GS_COUNT(folder); i++)
            gs_meta_draft_put(&repair->draft, stray->id, folder[i].name,
                              gs_slice_str(folder[i].text));
    else
        for (size_t i = 0; i < GS_COUNT(single); i++)
            gs_meta_draft_put(&repair->draft, stray->id, single[i].name,
                              gs_slice_str(single[i].text));
}

static void add_stray(struct repair *repair, const struct gs_stray *first,
                      const struct gs_stray *stray)
{
    yyjson_mut_val *root = yyjson_mut_doc_get_root(repair->draft.doc);
    bool taken = yyjson_mut_obj_get(root, stray->id) != NULL;
    if (!repair->meta)
        taken = taken || names_folder(root, stray->name) || has_twin(first, stray);
    if (taken)
        gs_problems_add(repair->problems, "file_without_entry", stray->path,
                        "'%s' is an app that %s does not name; which one it is cannot be told",
                        stray->path, repair->path);
    else
        add_entry(repair, stray);
}

static enum gs_status add_strays(struct repair *repair, struct gs_error *err)
{
    struct gs_stray *first;
    enum gs_status status = gs_stray_find(repair->mirror, repair->commit, repair->meta,
                                          &repair->named, repair->arena, &first, err);
    if (status != GS_OK)
        return status;
    for (const struct gs_stray *stray = first; stray; stray = stray->next)
        add_stray(repair, first, stray);
    return GS_OK;
}

static enum gs_status build(struct repair *repair, yyjson_doc **out_doc, struct gs_error *err)
{
    GS_CLEANUP(gs_json_cleanup) yyjson_doc *whole = NULL;
    enum gs_status status = find_whole(repair, &whole, err);
    if (status == GS_OK)
        status = gs_meta_draft_init(&repair->draft, whole, err);
    if (status != GS_OK)
        return status;
    note_names(repair, yyjson_doc_get_root(whole));
    status = add_strays(repair, err);
    if (status == GS_OK && yyjson_mut_obj_size(yyjson_mut_doc_get_root(repair->draft.doc)) > 0)
        status = gs_json_freeze(repair->draft.doc, out_doc, err);
    gs_meta_draft_release(&repair->draft);
    return status;
}

enum gs_status gs_meta_read_or_rebuild(struct gs_mirror *mirror, const struct gs_oid *commit,
                                       const struct gs_per_entity_meta *meta,
                                       struct gs_arena *arena, struct gs_problems *problems,
                                       struct gs_meta *out_meta, struct gs_error *err)
{
    const char *path = meta ? meta->path : gs_single_file_meta;
    GS_CLEANUP(gs_error_release) struct gs_error cause = GS_ERROR_INIT;
    struct gs_meta result = {.doc = NULL};
    enum gs_status status = gs_meta_read(mirror, commit, path, &result.doc, &cause);
    if (status == GS_OK)
        *out_meta = result;
    if (cause.code != GS_CODE_META_UNREADABLE) {
        gs_error_move(err, &cause);
        return status;
    }
    struct repair repair = {.mirror = mirror,
                            .commit = commit,
                            .meta = meta,
                            .path = path,
                            .arena = arena,
                            .problems = problems};
    gs_problems_add(problems, "meta_rebuilt", path,
                    "%s; what it said is taken from an earlier commit and from the apps in the "
                    "repository, the next push writes it anew",
                    cause.message);
    gs_map_init(&repair.named);
    enum gs_status built = build(&repair, &result.doc, err);
    gs_map_release(&repair.named);
    if (built != GS_OK)
        return built;
    if (!result.doc) {
        gs_error_move(err, &cause);
        return status;
    }
    result.rebuilt = true;
    *out_meta = result;
    return GS_OK;
}
