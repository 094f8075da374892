// Walks commits into the past and compares what is at one path, by object ids alone: no file is
// read. Knows nothing of the remote side.
// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>

#include "git/git_internal.h"
#include "git/history.h"

enum { PARENTS_MAX = 64 }; // of one merge that are looked at

struct node {
    git_oid tree;
    git_oid parents[PARENTS_MAX];
    size_t parent_count;
};

bool gs_mirror_is_made(const char *folder)
{
    char path[GS_GIT_PATH_MAX];
    struct stat st;
    snprintf(path, sizeof path, "%s/HEAD", folder);
    return stat(path, &st) == 0;
}

enum gs_status gs_mirror_find_ref(struct gs_mirror *mirror, const char *ref, struct gs_oid *out_oid,
                                  struct gs_error *err)
{
    const git_oid *oid = gs_kept_find(&mirror->kept, ref);
    if (!oid)
        return gs_fail(err, GS_CODE_NOT_FOUND, NULL, "%s was never fetched", ref);
    gs_oid_from_git(oid, out_oid);
    return GS_OK;
}

static enum gs_status read_merge_parents(struct gs_mirror *mirror, const git_oid *oid,
                                         struct node *node, struct gs_error *err)
{
    git_commit *commit;
    if (git_commit_lookup(&commit, mirror->repo, oid) != 0)
        return gs_git_fail_mirror(err, "a commit cannot be read");
    size_t count = git_commit_parentcount(commit);
    node->parent_count = count < PARENTS_MAX ? count : PARENTS_MAX;
    for (size_t i = 0; i < node->parent_count; i++)
        node->parents[i] = *git_commit_parent_id(commit, (unsigned)i);
    git_commit_free(commit);
    return GS_OK;
}

static enum gs_status read_node(struct gs_mirror *mirror, const git_oid *oid, struct node *node,
                                struct gs_error *err)
{
    struct gs_commit_links links;
    enum gs_status status = gs_commit_read_links(mirror, oid, &links, err);
    if (status != GS_OK)
        return status;
    node->tree = links.tree;
    node->parents[0] = links.parent;
    node->parent_count = links.parent_count;
    return links.parent_count > 1 ? read_merge_parents(mirror, oid, node, err) : GS_OK;
}

// The id of what is at the path, the zero id when nothing is.
static enum gs_status find_entry(struct gs_mirror *mirror, const git_oid *commit, const char *path,
                                 git_oid *out_entry, struct gs_error *err)
{
    GS_CLEANUP(gs_arena_cleanup) struct gs_arena *scratch = gs_arena_new();
    struct gs_error cause = GS_ERROR_INIT;
    struct gs_oid id;
    struct gs_entry entry;
    gs_oid_from_git(commit, &id);
    enum gs_status status = gs_mirror_stat(mirror, &id, path, scratch, &entry, &cause);
    if (status == GS_OK)
        gs_oid_to_git(&entry.oid, out_entry);
    else if (status == GS_NOT_FOUND)
        *out_entry = (git_oid){0};
    else
        gs_error_move(err, &cause);
    gs_error_release(&cause);
    return status == GS_NOT_FOUND ? GS_OK : status;
}

// What a commit did to the path, and where the path's history goes on.
struct step {
    git_oid next; // zero: nowhere
    bool changed, appeared;
};

static enum gs_status compare_parent(struct gs_mirror *mirror, const struct node *node,
                                     const git_oid *entry, const git_oid *parent, const char *path,
                                     git_oid *out_entry, struct gs_error *err)
{
    struct gs_commit_links links;
    enum gs_status status = gs_commit_read_links(mirror, parent, &links, err);
    if (status != GS_OK)
        return status;
    if (git_oid_equal(&links.tree, &node->tree)) {
        *out_entry = *entry;
        return GS_OK;
    }
    return find_entry(mirror, parent, path, out_entry, err);
}

static enum gs_status take_step(struct gs_mirror *mirror, const git_oid *commit, const char *path,
                                struct step *out_step, struct gs_error *err)
{
    struct node node;
    git_oid entry;
    enum gs_status status = read_node(mirror, commit, &node, err);
    if (status == GS_OK)
        status = find_entry(mirror, commit, path, &entry, err);
    if (status != GS_OK)
        return status;
    struct step step = {.changed = true, .appeared = true};
    for (size_t i = 0; i < node.parent_count; i++) {
        git_oid old;
        status = compare_parent(mirror, &node, &entry, &node.parents[i], path, &old, err);
        if (status != GS_OK)
            return status;
        if (git_oid_equal(&old, &entry)) {
            *out_step = (struct step){.next = node.parents[i]};
            return GS_OK;
        }
        // Of several parents the first one that has something there is the one to go on with.
        if (i == 0 || (step.appeared && !git_oid_is_zero(&old)))
            step = (struct step){
                .next = node.parents[i], .changed = true, .appeared = git_oid_is_zero(&old)};
    }
    step.changed = node.parent_count > 0 || !git_oid_is_zero(&entry);
    *out_step = step;
    return GS_OK;
}

enum gs_status gs_mirror_next_change(struct gs_mirror *mirror, const char *path, struct gs_oid *at,
                                     size_t *budget, struct gs_path_change *out_change,
                                     struct gs_error *err)
{
    struct gs_path_change change = {.appeared = false};
    while (*budget > 0 && !gs_oid_is_none(at) && gs_oid_is_none(&change.commit)) {
        git_oid commit;
        struct step step;
        gs_oid_to_git(at, &commit);
        enum gs_status status = take_step(mirror, &commit, path, &step, err);
        if (status != GS_OK)
            return status;
        if (step.changed) {
            change = (struct gs_path_change){.commit = *at, .appeared = step.appeared};
            gs_oid_from_git(&step.next, &change.parent);
        }
        gs_oid_from_git(&step.next, at);
        (*budget)--;
    }
    *out_change = change;
    return GS_OK;
}
