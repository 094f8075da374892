// Answers what a commit holds: files, folders, and what it says of itself. Changes nothing.
// SPDX-License-Identifier: Apache-2.0
#include "git/git_internal.h"

static enum gs_status fail_not_found(const char *path, struct gs_error *err)
{
    return gs_fail(err, GS_CODE_NOT_FOUND, NULL, "'%.*s' is not in the repository", GS_GIT_NAME_MAX,
                   path);
}

static enum gs_status read_root(struct gs_mirror *mirror, const struct gs_oid *commit,
                                struct gs_tree_entry *out_entry, struct gs_error *err)
{
    *out_entry = (struct gs_tree_entry){.name = "", .mode = GS_MODE_FOLDER};
    if (gs_oid_is_none(commit))
        return GS_OK;
    git_oid oid;
    struct gs_commit_links links;
    gs_oid_to_git(commit, &oid);
    enum gs_status status = gs_commit_read_links(mirror, &oid, &links, err);
    if (status == GS_OK)
        out_entry->oid = links.tree;
    return status;
}

static enum gs_status read_child(struct gs_mirror *mirror, const git_oid *tree, const char *name,
                                 const char *path, struct gs_arena *arena,
                                 struct gs_tree_entry *out_entry, struct gs_error *err)
{
    struct gs_tree_entry *entries;
    size_t count;
    enum gs_status status = gs_tree_load(mirror, tree, arena, &entries, &count, err);
    if (status != GS_OK)
        return status;
    const struct gs_tree_entry *found = gs_tree_find(entries, count, name);
    if (!found)
        return fail_not_found(path, err);
    *out_entry = *found;
    return GS_OK;
}

// The root for "". The name lives in the arena, with the folders that were read on the way.
static enum gs_status find(struct gs_mirror *mirror, const struct gs_oid *commit, const char *path,
                           struct gs_arena *arena, struct gs_tree_entry *out_entry,
                           struct gs_error *err)
{
    struct gs_tree_entry entry;
    enum gs_status status = read_root(mirror, commit, &entry, err);
    if (status != GS_OK)
        return status;
    if (*path && !gs_path_is_plain(path))
        return fail_not_found(path, err);
    for (struct gs_slice rest = gs_slice_str(path); rest.len > 0;) {
        if (!gs_tree_entry_is_folder(&entry))
            return fail_not_found(path, err);
        const char *name = gs_arena_dup_slice(arena, gs_slice_split(&rest, '/'));
        status = read_child(mirror, &entry.oid, name, path, arena, &entry, err);
        if (status != GS_OK)
            return status;
    }
    *out_entry = entry;
    return GS_OK;
}

static struct gs_entry public_entry(const struct gs_tree_entry *entry, struct gs_arena *arena)
{
    struct gs_entry result = {.name = gs_arena_strdup(arena, entry->name)};
    result.kind = gs_tree_entry_is_folder(entry) ? GS_ENTRY_FOLDER
                  : gs_tree_entry_is_file(entry) ? GS_ENTRY_FILE
                                                 : GS_ENTRY_OTHER;
    gs_oid_from_git(&entry->oid, &result.oid);
    return result;
}

static enum gs_status read_blob(struct gs_mirror *mirror, const git_oid *oid, const char *what,
                                struct gs_buf *out, struct gs_error *err)
{
    GS_CLEANUP(gs_object_cleanup) git_odb_object *object = NULL;
    enum gs_status status = gs_object_read(mirror, oid, GIT_OBJECT_BLOB, out->max, &object, err);
    if (status != GS_OK)
        return status;
    gs_buf_clear(out);
    gs_buf_append(out, git_odb_object_data(object), git_odb_object_size(object));
    return gs_buf_check(out, what, err);
}

enum gs_status gs_mirror_read_blob(struct gs_mirror *mirror, const struct gs_oid *oid,
                                   struct gs_buf *out, struct gs_error *err)
{
    git_oid id;
    gs_oid_to_git(oid, &id);
    return read_blob(mirror, &id, "a file of the repository", out, err);
}

enum gs_status gs_mirror_read_file(struct gs_mirror *mirror, const struct gs_oid *commit,
                                   const char *path, struct gs_buf *out, struct gs_error *err)
{
    GS_CLEANUP(gs_arena_cleanup) struct gs_arena *scratch = gs_arena_new();
    struct gs_tree_entry entry;
    enum gs_status status = find(mirror, commit, path, scratch, &entry, err);
    if (status == GS_OK && !gs_tree_entry_is_file(&entry))
        status = fail_not_found(path, err);
    return status == GS_OK ? read_blob(mirror, &entry.oid, path, out, err) : status;
}

enum gs_status gs_mirror_stat(struct gs_mirror *mirror, const struct gs_oid *commit,
                              const char *path, struct gs_arena *arena, struct gs_entry *out_entry,
                              struct gs_error *err)
{
    GS_CLEANUP(gs_arena_cleanup) struct gs_arena *scratch = gs_arena_new();
    struct gs_tree_entry entry;
    enum gs_status status = find(mirror, commit, path, scratch, &entry, err);
    if (status == GS_OK)
        *out_entry = public_entry(&entry, arena);
    return status;
}

enum gs_status gs_mirror_list(struct gs_mirror *mirror, const struct gs_oid *commit,
                              const char *path, struct gs_arena *arena,
                              struct gs_entry **out_entries, size_t *out_count,
                              struct gs_error *err)
{
    GS_CLEANUP(gs_arena_cleanup) struct gs_arena *scratch = gs_arena_new();
    struct gs_tree_entry folder, *stored;
    size_t count;
    enum gs_status status = find(mirror, commit, path, scratch, &folder, err);
    if (status == GS_OK && !gs_tree_entry_is_folder(&folder))
        status = fail_not_found(path, err);
    if (status == GS_OK)
        status = gs_tree_load(mirror, &folder.oid, scratch, &stored, &count, err);
    if (status != GS_OK)
        return status;
    struct gs_entry *entries = gs_arena_array(arena, count, sizeof *entries);
    for (size_t i = 0; i < count; i++)
        entries[i] = public_entry(&stored[i], arena);
    *out_entries = entries;
    *out_count = count;
    return GS_OK;
}

// Old commits may be in Latin-1, which becomes UTF-8; nothing else leaves this folder as a text for
// people.
static const char *to_utf8(struct gs_arena *arena, const char *text)
{
    if (!text)
        return "";
    size_t len = strlen(text), n = 0;
    if (gs_slice_is_utf8(gs_slice_of(text, len)))
        return gs_arena_strdup(arena, text);
    char *out = gs_arena_alloc(arena, 2 * len + 1);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c >= 0x80)
            out[n++] = (char)(0xc0 | c >> 6);
        out[n++] = (char)(c >= 0x80 ? 0x80 | (c & 0x3f) : c);
    }
    return out;
}

enum gs_status gs_mirror_commit_info(struct gs_mirror *mirror, const struct gs_oid *commit,
                                     struct gs_arena *arena, struct gs_commit_info *out_info,
                                     struct gs_error *err)
{
    git_oid oid;
    git_commit *object;
    struct gs_commit_links links;
    gs_oid_to_git(commit, &oid);
    enum gs_status status = gs_commit_read_links(mirror, &oid, &links, err);
    if (status != GS_OK)
        return status;
    if (git_commit_lookup(&object, mirror->repo, &oid) != 0)
        return gs_git_fail_mirror(err, "a commit cannot be read");
    struct gs_commit_info info = {
        .oid = *commit,
        .message = to_utf8(arena, git_commit_message_raw(object)),
        .author_name = to_utf8(arena, git_commit_author(object)->name),
        .author_email = to_utf8(arena, git_commit_author(object)->email),
        .committed_at_ms = (int64_t)git_commit_time(object) * 1000,
    };
    gs_oid_from_git(&links.parent, &info.parent);
    git_commit_free(object);
    *out_info = info;
    return GS_OK;
}
