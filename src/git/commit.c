// Makes a commit out of edits: the tree, the commit object, and what changed. Knows nothing of the
// remote side.
// SPDX-License-Identifier: Apache-2.0
#include "git/git_internal.h"

struct gs_slice gs_ident_clean(struct gs_arena *arena, const char *text)
{
    char *copy = gs_arena_strdup(arena, text ? text : "");
    size_t len = 0;
    for (const char *p = copy; *p; p++)
        if (*p != '<' && *p != '>' && (unsigned char)*p >= 0x20 && *p != 0x7f)
            copy[len++] = *p;
    return gs_slice_trim(gs_slice_of(copy, len));
}

static enum gs_status check_request(const struct gs_commit_request *request, struct gs_slice name,
                                    struct gs_error *err)
{
    if (name.len == 0)
        return gs_fail(err, GS_CODE_INVALID_INPUT, NULL, "a commit needs the name of an author");
    if (gs_slice_has_nul(request->message))
        return gs_fail(err, GS_CODE_INVALID_INPUT, NULL,
                       "a commit message cannot have a NUL character");
    return GS_OK;
}

static void format_commit(const struct gs_commit_request *request, struct gs_arena *arena,
                          struct gs_slice name, const git_oid *tree, struct gs_buf *out)
{
    struct gs_slice email = gs_ident_clean(arena, request->author_email);
    long long when_s = (long long)(request->when_ms / 1000);
    struct gs_oid tree_id;
    gs_oid_from_git(tree, &tree_id);
    gs_buf_printf(out, "tree %s\n", tree_id.hex);
    if (!gs_oid_is_none(&request->parent))
        gs_buf_printf(out, "parent %s\n", request->parent.hex);
    static const char *const roles[] = {"author", "committer"};
    for (size_t i = 0; i < GS_COUNT(roles); i++)
        gs_buf_printf(out, "%s %.*s <%.*s> %lld +0000\n", roles[i], GS_SLICE_ARG(name),
                      GS_SLICE_ARG(email), when_s);
    gs_buf_append_char(out, '\n');
    gs_buf_append_slice(out, request->message);
    if (!gs_slice_ends(request->message, "\n"))
        gs_buf_append_char(out, '\n');
}

static enum gs_status write_commit(struct gs_mirror *mirror,
                                   const struct gs_commit_request *request, struct gs_slice name,
                                   const git_oid *tree, struct gs_arena *arena,
                                   struct gs_oid *out_commit, struct gs_error *err)
{
    GS_CLEANUP(gs_buf_release) struct gs_buf text;
    gs_buf_init(&text, GS_GIT_COMMIT_MAX);
    format_commit(request, arena, name, tree, &text);
    git_oid oid;
    enum gs_status status = gs_buf_check(&text, "the commit", err);
    if (status == GS_OK)
        status = gs_object_id(GIT_OBJECT_COMMIT, gs_buf_slice(&text), &oid, err);
    if (status == GS_OK)
        status = gs_fresh_add(mirror, GIT_OBJECT_COMMIT, &oid, gs_buf_slice(&text), err);
    if (status == GS_OK)
        gs_oid_from_git(&oid, out_commit);
    return status;
}

struct changes {
    struct gs_arena *arena;
    struct gs_file_change *list;
    size_t count, capacity;
};

static enum gs_status add_change(void *arg, const struct gs_tree_difference *difference,
                                 struct gs_error *err)
{
    (void)err;
    struct changes *changes = arg;
    const struct gs_tree_entry *before = difference->before, *after = difference->after;
    if (gs_tree_entry_is_folder(after ? after : before))
        return GS_OK;
    if (changes->count == changes->capacity) {
        changes->capacity = changes->capacity ? changes->capacity * 2 : 16;
        struct gs_file_change *grown =
            gs_arena_array(changes->arena, changes->capacity, sizeof *grown);
        if (changes->count > 0)
            memcpy(grown, changes->list, changes->count * sizeof *grown);
        changes->list = grown;
    }
    struct gs_file_change *change = &changes->list[changes->count++];
    *change = (struct gs_file_change){
        .kind = !before  ? GS_FILE_ADDED
                : !after ? GS_FILE_DELETED
                         : GS_FILE_MODIFIED,
        .path = gs_arena_strdup(changes->arena, difference->path),
    };
    if (after)
        gs_oid_from_git(&after->oid, &change->oid);
    return GS_OK;
}

static enum gs_status read_parent_tree(struct gs_mirror *mirror, const struct gs_oid *parent,
                                       git_oid *out_tree, struct gs_error *err)
{
    *out_tree = (git_oid){0};
    if (gs_oid_is_none(parent))
        return GS_OK;
    git_oid oid;
    struct gs_commit_links links;
    gs_oid_to_git(parent, &oid);
    enum gs_status status = gs_commit_read_links(mirror, &oid, &links, err);
    if (status == GS_OK)
        *out_tree = links.tree;
    return status;
}

// A repository whose last file goes has a commit of the empty tree; nothing is not a change of
// nothing.
static enum gs_status write_empty_tree(struct gs_mirror *mirror, git_oid *tree,
                                       struct gs_error *err)
{
    if (!git_oid_is_zero(tree))
        return GS_OK;
    enum gs_status status = gs_object_id(GIT_OBJECT_TREE, GS_SLICE_EMPTY, tree, err);
    if (status == GS_OK)
        status = gs_fresh_add(mirror, GIT_OBJECT_TREE, tree, GS_SLICE_EMPTY, err);
    return status;
}

enum gs_status gs_mirror_commit(struct gs_mirror *mirror, const struct gs_commit_request *request,
                                struct gs_arena *arena, struct gs_oid *out_commit,
                                struct gs_file_change **out_changes, size_t *out_count,
                                struct gs_error *err)
{
    GS_CLEANUP(gs_arena_cleanup) struct gs_arena *scratch = gs_arena_new();
    struct gs_slice name = gs_ident_clean(scratch, request->author_name);
    struct changes changes = {.arena = arena};
    git_oid before, after;
    struct gs_oid commit = request->parent;
    enum gs_status status = check_request(request, name, err);
    if (status == GS_OK)
        status = read_parent_tree(mirror, &request->parent, &before, err);
    if (status == GS_OK)
        status = gs_tree_apply(mirror, &before, request->edits, request->edit_count, scratch,
                               &after, err);
    if (status == GS_OK)
        status = gs_tree_diff(mirror, &before, &after, scratch, add_change, &changes, err);
    if (status == GS_OK && changes.count > 0)
        status = write_empty_tree(mirror, &after, err);
    if (status == GS_OK && changes.count > 0)
        status = write_commit(mirror, request, name, &after, scratch, &commit, err);
    if (status != GS_OK)
        return status;
    *out_commit = commit;
    *out_changes = changes.list;
    *out_count = changes.count;
    return GS_OK;
}

enum gs_status gs_mirror_squash(struct gs_mirror *mirror, const struct gs_commit_request *request,
                                const struct gs_oid *top, struct gs_oid *out_commit,
                                struct gs_error *err)
{
    GS_CLEANUP(gs_arena_cleanup) struct gs_arena *scratch = gs_arena_new();
    struct gs_slice name = gs_ident_clean(scratch, request->author_name);
    git_oid tree;
    enum gs_status status = check_request(request, name, err);
    if (status == GS_OK)
        status = read_parent_tree(mirror, top, &tree, err);
    if (status == GS_OK)
        status = write_empty_tree(mirror, &tree, err);
    return status == GS_OK ? write_commit(mirror, request, name, &tree, scratch, out_commit, err)
                           : status;
}
