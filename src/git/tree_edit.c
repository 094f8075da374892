// Changes a tree in memory, opening the folders that edits reach, and writes only the folders that
// changed. Nothing is written before every edit was found possible. Knows nothing of commits.
// SPDX-License-Identifier: Apache-2.0
#include "git/git_internal.h"

struct entry {
    struct gs_tree_entry stored;
    struct folder *folder;         // when opened
    const struct gs_edit *written; // the edit that says what is in the file
};

// The entries are sorted as git sorts them. A folder that loses its last entry is taken out of its
// parent at once.
struct folder {
    struct folder *parent;
    const char *name; // in the parent
    git_oid base;     // the tree that it was opened from
    struct entry *entries;
    size_t count, capacity;
    bool changed; // then all above are as well
};

struct session {
    struct gs_mirror *mirror;
    struct gs_arena *arena;
    struct gs_path_rules rules;
    struct folder *root;
    struct gs_error *err;
};

// ---- Folders in memory -----------------------------------------------------

static size_t position_of(const struct folder *folder, const struct gs_tree_entry *wanted)
{
    size_t low = 0, high = folder->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (gs_tree_entry_compare(&folder->entries[middle].stored, wanted) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct entry *find_as(const struct folder *folder, const char *name, uint32_t mode)
{
    struct gs_tree_entry wanted = {.name = name, .mode = mode};
    size_t at = position_of(folder, &wanted);
    if (at == folder->count || gs_tree_entry_compare(&folder->entries[at].stored, &wanted) != 0)
        return NULL;
    return &folder->entries[at];
}

// Whatever has the name: files and folders of one name have different places.
static struct entry *find(const struct folder *folder, const char *name)
{
    struct entry *entry = find_as(folder, name, GS_MODE_FILE);
    return entry ? entry : find_as(folder, name, GS_MODE_FOLDER);
}

static void mark_changed(struct folder *folder)
{
    for (; folder; folder = folder->parent)
        folder->changed = true;
}

static void make_room(struct session *session, struct folder *folder)
{
    if (folder->count < folder->capacity)
        return;
    size_t capacity = folder->capacity ? folder->capacity * 2 : 8;
    struct entry *grown = gs_arena_array(session->arena, capacity, sizeof *grown);
    if (folder->count > 0)
        memcpy(grown, folder->entries, folder->count * sizeof *grown);
    folder->entries = grown;
    folder->capacity = capacity;
}

// Pointers to entries of the folder are invalid afterwards.
static void insert(struct session *session, struct folder *folder, struct entry entry)
{
    make_room(session, folder);
    size_t at = position_of(folder, &entry.stored);
    memmove(folder->entries + at + 1, folder->entries + at,
            (folder->count - at) * sizeof *folder->entries);
    folder->entries[at] = entry;
    folder->count++;
    if (entry.folder) {
        entry.folder->parent = folder;
        entry.folder->name = entry.stored.name;
    }
    mark_changed(folder);
}

// Also takes out the folders above that have become empty.
static void take_out(struct folder *folder, struct entry *entry)
{
    size_t at = (size_t)(entry - folder->entries);
    folder->count--;
    memmove(folder->entries + at, folder->entries + at + 1,
            (folder->count - at) * sizeof *folder->entries);
    mark_changed(folder);
    if (folder->count == 0 && folder->parent)
        take_out(folder->parent, find_as(folder->parent, folder->name, GS_MODE_FOLDER));
}

static enum gs_status open_folder(struct session *session, const git_oid *tree,
                                  struct folder **out_folder)
{
    struct gs_tree_entry *stored;
    size_t count;
    enum gs_status status =
        gs_tree_load(session->mirror, tree, session->arena, &stored, &count, session->err);
    if (status != GS_OK)
        return status;
    struct folder *folder = gs_arena_alloc(session->arena, sizeof *folder);
    folder->base = *tree;
    folder->entries = gs_arena_array(session->arena, count, sizeof *folder->entries);
    folder->count = folder->capacity = count;
    for (size_t i = 0; i < count; i++)
        folder->entries[i].stored = stored[i];
    *out_folder = folder;
    return GS_OK;
}

static enum gs_status open_child(struct session *session, struct folder *parent,
                                 struct entry *entry, struct folder **out_folder)
{
    if (!entry->folder) {
        enum gs_status status = open_folder(session, &entry->stored.oid, &entry->folder);
        if (status != GS_OK)
            return status;
        entry->folder->parent = parent;
        entry->folder->name = entry->stored.name;
    }
    *out_folder = entry->folder;
    return GS_OK;
}

static struct folder *add_folder(struct session *session, struct folder *parent, const char *name)
{
    struct folder *folder = gs_arena_alloc(session->arena, sizeof *folder);
    insert(session, parent, (struct entry){{name, GS_MODE_FOLDER, {{0}}}, folder, NULL});
    return folder;
}

// ---- Edits -----------------------------------------------------------------

static enum gs_status fail_conflict(struct session *session, struct gs_slice path, const char *what)
{
    return gs_fail(session->err, GS_CODE_LAYOUT_CONFLICT, NULL, "'%.*s' in the repository %s",
                   GS_SLICE_ARG(path), what);
}

// A part of a path: where it is, and what is behind it.
struct step {
    struct folder *folder; // NULL: there is none
    const char *name;      // the last part, in this folder
};

// With create, missing folders are made and a file that is in the way is a conflict.
static enum gs_status find_parent(struct session *session, const char *path, bool create,
                                  struct step *out_step)
{
    struct folder *folder = session->root;
    struct gs_slice rest = gs_slice_str(path);
    for (;;) {
        struct gs_slice part = gs_slice_split(&rest, '/');
        const char *name = gs_arena_dup_slice(session->arena, part);
        if (rest.len == 0) {
            *out_step = (struct step){folder, name};
            return GS_OK;
        }
        struct entry *entry = find(folder, name);
        if (entry && gs_tree_entry_is_folder(&entry->stored)) {
            enum gs_status status = open_child(session, folder, entry, &folder);
            if (status != GS_OK)
                return status;
        } else if (!create) {
            *out_step = (struct step){NULL, NULL};
            return GS_OK;
        } else if (entry) {
            return fail_conflict(session, gs_slice_of(path, (size_t)(part.data + part.len - path)),
                                 "is a file where a folder is needed");
        } else {
            folder = add_folder(session, folder, name);
        }
    }
}

// What stands at the step instead of the file that an edit expects.
static enum gs_status check_is_file(struct session *session, const char *path,
                                    const struct entry *entry)
{
    if (gs_tree_entry_is_file(&entry->stored))
        return GS_OK;
    return fail_conflict(session, gs_slice_str(path),
                         gs_tree_entry_is_folder(&entry->stored)
                             ? "is a folder where a file is needed"
                             : "is a link or a submodule, which is left alone");
}

static bool is_ready(const struct gs_edit *edit)
{
    return edit->blob && *edit->blob;
}

static enum gs_status set_content(struct session *session, struct step step, struct entry *entry,
                                  const struct gs_edit *edit)
{
    git_oid oid;
    enum gs_status status = GS_OK;
    if (is_ready(edit))
        oid = *gs_git_blob_oid(*edit->blob);
    else
        status = gs_object_id(GIT_OBJECT_BLOB, edit->content, &oid, session->err);
    if (status != GS_OK)
        return status;
    if (!entry) {
        insert(session, step.folder, (struct entry){{step.name, GS_MODE_FILE, oid}, NULL, edit});
    } else if (!git_oid_equal(&entry->stored.oid, &oid)) {
        entry->stored.oid = oid;
        entry->written = edit;
        mark_changed(step.folder);
    }
    return GS_OK;
}

static enum gs_status apply_write(struct session *session, const struct gs_edit *edit)
{
    size_t size = is_ready(edit) ? gs_git_blob_size(*edit->blob) : edit->content.len;
    if (size > GS_GIT_FILE_MAX)
        return gs_fail(session->err, GS_CODE_TOO_LARGE, NULL,
                       "'%s' has %zu bytes; git hosts take files of up to %d", edit->path, size,
                       GS_GIT_FILE_MAX);
    struct step step;
    enum gs_status status = gs_path_check(&session->rules, edit->path, session->err);
    if (status == GS_OK)
        status = find_parent(session, edit->path, true, &step);
    if (status != GS_OK)
        return status;
    struct entry *entry = find(step.folder, step.name);
    if (entry)
        status = check_is_file(session, edit->path, entry);
    return status == GS_OK ? set_content(session, step, entry, edit) : status;
}

static enum gs_status fail_not_plain(struct session *session, const char *path)
{
    return gs_fail(session->err, GS_CODE_INVALID_NAME, NULL,
                   "'%.*s' cannot be a path in a git repository", GS_GIT_NAME_MAX, path);
}

static enum gs_status apply_delete(struct session *session, const struct gs_edit *edit)
{
    if (!gs_path_is_plain(edit->path))
        return fail_not_plain(session, edit->path);
    struct step step;
    enum gs_status status = find_parent(session, edit->path, false, &step);
    struct entry *entry = status == GS_OK && step.folder ? find(step.folder, step.name) : NULL;
    if (!entry)
        return status;
    status = check_is_file(session, edit->path, entry);
    if (status == GS_OK)
        take_out(step.folder, entry);
    return status;
}

// Takes the file or folder at the path out of its folder.
static enum gs_status detach(struct session *session, const char *path, struct entry *out_entry)
{
    if (!gs_path_is_plain(path))
        return fail_not_plain(session, path);
    struct step step;
    enum gs_status status = find_parent(session, path, false, &step);
    if (status != GS_OK)
        return status;
    struct entry *entry = step.folder ? find(step.folder, step.name) : NULL;
    if (!entry)
        return gs_fail(session->err, GS_CODE_NOT_FOUND, NULL, "'%s' is not in the repository",
                       path);
    if (!gs_tree_entry_is_folder(&entry->stored))
        status = check_is_file(session, path, entry);
    if (status != GS_OK)
        return status;
    *out_entry = *entry;
    take_out(step.folder, entry);
    return GS_OK;
}

static enum gs_status apply_move(struct session *session, const struct gs_edit *edit)
{
    struct entry entry;
    struct step step;
    enum gs_status status = gs_path_check(&session->rules, edit->to_path, session->err);
    if (status == GS_OK)
        status = detach(session, edit->path, &entry);
    if (status == GS_OK)
        status = find_parent(session, edit->to_path, true, &step);
    if (status != GS_OK)
        return status;
    if (find(step.folder, step.name))
        return fail_conflict(session, gs_slice_str(edit->to_path), "is there already");
    entry.stored.name = step.name;
    insert(session, step.folder, entry);
    return GS_OK;
}

static enum gs_status apply_edit(struct session *session, const struct gs_edit *edit)
{
    switch (edit->kind) {
    case GS_EDIT_WRITE:
        return apply_write(session, edit);
    case GS_EDIT_DELETE:
        return apply_delete(session, edit);
    case GS_EDIT_MOVE:
        return apply_move(session, edit);
    }
    return gs_fail(session->err, GS_CODE_INTERNAL, NULL, "an edit of no known kind");
}

// ---- Writing ---------------------------------------------------------------

static enum gs_status write_folder(struct session *session, struct folder *folder, size_t depth,
                                   git_oid *out_tree);

static enum gs_status write_entry(struct session *session, struct entry *entry, size_t depth)
{
    if (entry->written && is_ready(entry->written))
        return gs_fresh_take(session->mirror, entry->written->blob, session->err);
    if (entry->written)
        return gs_fresh_add(session->mirror, GIT_OBJECT_BLOB, &entry->stored.oid,
                            entry->written->content, session->err);
    if (entry->folder && entry->folder->changed)
        return write_folder(session, entry->folder, depth + 1, &entry->stored.oid);
    return GS_OK;
}

static enum gs_status write_tree(struct session *session, const struct folder *folder,
                                 git_oid *out_tree)
{
    GS_CLEANUP(gs_buf_release) struct gs_buf text;
    gs_buf_init(&text, GS_GIT_TREE_MAX);
    for (size_t i = 0; i < folder->count; i++) {
        const struct gs_tree_entry *entry = &folder->entries[i].stored;
        gs_buf_printf(&text, "%o %s", (unsigned)entry->mode, entry->name);
        gs_buf_append_char(&text, 0);
        gs_buf_append(&text, entry->oid.id, GIT_OID_RAWSZ);
    }
    enum gs_status status = gs_buf_check(&text, "a folder of the repository", session->err);
    git_oid oid;
    if (status == GS_OK)
        status = gs_object_id(GIT_OBJECT_TREE, gs_buf_slice(&text), &oid, session->err);
    if (status == GS_OK && !git_oid_equal(&oid, &folder->base))
        status =
            gs_fresh_add(session->mirror, GIT_OBJECT_TREE, &oid, gs_buf_slice(&text), session->err);
    if (status == GS_OK)
        *out_tree = oid;
    return status;
}

// What the folder holds is written first, so that a tree never stands without it.
static enum gs_status write_folder(struct session *session, struct folder *folder, size_t depth,
                                   git_oid *out_tree)
{
    if (depth > GS_GIT_DEPTH_MAX)
        return gs_fail(session->err, GS_CODE_TOO_LARGE, NULL, "the folders are nested too deep");
    for (size_t i = 0; i < folder->count; i++) {
        enum gs_status status = write_entry(session, &folder->entries[i], depth);
        if (status != GS_OK)
            return status;
    }
    return write_tree(session, folder, out_tree);
}

static enum gs_status apply_all(struct session *session, const git_oid *tree,
                                const struct gs_edit *edits, size_t count, git_oid *out_tree)
{
    enum gs_status status = open_folder(session, tree, &session->root);
    for (size_t i = 0; i < count && status == GS_OK; i++)
        status = apply_edit(session, &edits[i]);
    if (status != GS_OK)
        return status;
    if (session->root->count == 0)
        *out_tree = (git_oid){0};
    else if (session->root->changed)
        return write_folder(session, session->root, 1, out_tree);
    else
        *out_tree = *tree;
    return GS_OK;
}

enum gs_status gs_tree_apply(struct gs_mirror *mirror, const git_oid *tree,
                             const struct gs_edit *edits, size_t count, struct gs_arena *arena,
                             git_oid *out_tree, struct gs_error *err)
{
    struct session session = {.mirror = mirror, .arena = arena, .err = err};
    enum gs_status status = gs_path_rules_init(&session.rules, mirror->repo, err);
    if (status != GS_OK)
        return status;
    status = apply_all(&session, tree, edits, count, out_tree);
    gs_path_rules_release(&session.rules);
    return status;
}
