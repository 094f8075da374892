// Compares two trees and descends only where they differ. Does not know what the differences are
// for.
// SPDX-License-Identifier: Apache-2.0
#include "git/git_internal.h"

struct walk {
    struct gs_mirror *mirror;
    struct gs_arena *arena;
    gs_tree_visit *visit;
    void *arg;
    struct gs_error *err;
    size_t differences;
    size_t depth;
    size_t path_len;
    char path[GS_GIT_PATH_MAX];
};

// The next entry of one side.
struct side {
    const struct gs_tree_entry *next, *end;
};

static enum gs_status walk_trees(struct walk *walk, const git_oid *before, const git_oid *after);

static enum gs_status fail_limit(struct walk *walk, const char *what)
{
    return gs_fail(walk->err, GS_CODE_TOO_LARGE, NULL, "the change has %s", what);
}

static enum gs_status descend(struct walk *walk, const struct gs_tree_entry *before,
                              const struct gs_tree_entry *after)
{
    static const git_oid none;
    if (++walk->depth > GS_GIT_DEPTH_MAX)
        return fail_limit(walk, "more folders in folders than are followed");
    walk->path[walk->path_len++] = '/';
    enum gs_status status =
        walk_trees(walk, before ? &before->oid : &none, after ? &after->oid : &none);
    walk->depth--;
    return status;
}

// At least one of the two is there; when both are, they have one name and kind.
static enum gs_status visit_difference(struct walk *walk, const struct gs_tree_entry *before,
                                       const struct gs_tree_entry *after)
{
    if (before && after && before->mode == after->mode && git_oid_equal(&before->oid, &after->oid))
        return GS_OK;
    if (++walk->differences > GS_GIT_DIFFERENCES_MAX)
        return fail_limit(walk, "more files than can be compared");
    const struct gs_tree_entry *either = after ? after : before;
    size_t parent_len = walk->path_len, name_len = strlen(either->name);
    if (parent_len + name_len + 2 > sizeof walk->path)
        return fail_limit(walk, "a path that is too long");
    memcpy(walk->path + parent_len, either->name, name_len + 1);
    walk->path_len += name_len;
    struct gs_tree_difference difference = {walk->path, before, after};
    enum gs_status status = walk->visit(walk->arg, &difference, walk->err);
    if (status == GS_OK && gs_tree_entry_is_folder(either))
        status = descend(walk, before, after);
    walk->path_len = parent_len;
    return status;
}

static enum gs_status visit_next(struct walk *walk, struct side *before, struct side *after)
{
    int order;
    if (before->next == before->end)
        order = 1;
    else if (after->next == after->end)
        order = -1;
    else
        order = gs_tree_entry_compare(before->next, after->next);
    return visit_difference(walk, order <= 0 ? before->next++ : NULL,
                            order >= 0 ? after->next++ : NULL);
}

static enum gs_status walk_trees(struct walk *walk, const git_oid *before, const git_oid *after)
{
    struct gs_tree_entry *old, *new;
    size_t old_count, new_count;
    enum gs_status status =
        gs_tree_load(walk->mirror, before, walk->arena, &old, &old_count, walk->err);
    if (status == GS_OK)
        status = gs_tree_load(walk->mirror, after, walk->arena, &new, &new_count, walk->err);
    if (status != GS_OK)
        return status;
    struct side left = {old, old + old_count}, right = {new, new + new_count};
    while (status == GS_OK && (left.next != left.end || right.next != right.end))
        status = visit_next(walk, &left, &right);
    return status;
}

enum gs_status gs_tree_diff(struct gs_mirror *mirror, const git_oid *before, const git_oid *after,
                            struct gs_arena *arena, gs_tree_visit *visit, void *arg,
                            struct gs_error *err)
{
    if (git_oid_equal(before, after))
        return GS_OK;
    struct walk walk = {.mirror = mirror, .arena = arena, .visit = visit, .arg = arg, .err = err};
    return walk_trees(&walk, before, after);
}
