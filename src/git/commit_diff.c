// The unified diff of what a commit holds against another, file by file, as git diff shows it and git apply takes it. Does not know
// what the commits are for.
// SPDX-License-Identifier: Apache-2.0
#include "git/git_internal.h"

// The same differences twice: most are shown as text, and the rest as git's binary patches.
struct shown {
    git_diff *text, *binary;
};

static void release_shown(struct shown *shown)
{
    git_diff_free(shown->text);
    git_diff_free(shown->binary);
}

static enum gs_status load_tree(struct gs_mirror *mirror, const struct gs_oid *commit,
                                git_tree **out_tree, struct gs_error *err)
{
    git_oid oid;
    struct gs_commit_links links;
    if (gs_oid_is_none(commit))
        return GS_OK; // libgit2 takes no tree for an empty one
    gs_oid_to_git(commit, &oid);
    enum gs_status status = gs_commit_read_links(mirror, &oid, &links, err);
    if (status == GS_OK && git_tree_lookup(out_tree, mirror->repo, &links.tree) != 0)
        status = gs_git_fail_mirror(err, "a tree cannot be read");
    return status;
}

// Whole object ids, without which git takes no binary patch.
static enum gs_status compare_trees(struct gs_mirror *mirror, git_tree *before, git_tree *after,
                                    uint32_t flags, git_diff **out_diff, struct gs_error *err)
{
    git_diff_options options;
    git_diff_options_init(&options, GIT_DIFF_OPTIONS_VERSION);
    options.flags = flags | GIT_DIFF_INCLUDE_TYPECHANGE;
    options.id_abbrev = GIT_OID_HEXSZ;
    if (git_diff_tree_to_tree(out_diff, mirror->repo, before, after, &options) != 0)
        return gs_git_fail_mirror(err, "two commits cannot be compared");
    return GS_OK;
}

static enum gs_status compare(struct gs_mirror *mirror, const struct gs_oid *before,
                              const struct gs_oid *after, struct shown *out_shown,
                              struct gs_error *err)
{
    git_tree *old = NULL, *new = NULL;
    enum gs_status status = load_tree(mirror, before, &old, err);
    if (status == GS_OK)
        status = load_tree(mirror, after, &new, err);
    if (status == GS_OK)
        status = compare_trees(mirror, old, new, GIT_DIFF_FORCE_TEXT, &out_shown->text, err);
    if (status == GS_OK)
        status = compare_trees(mirror, old, new, GIT_DIFF_FORCE_BINARY | GIT_DIFF_SHOW_BINARY,
                               &out_shown->binary, err);
    git_tree_free(old);
    git_tree_free(new);
    return status;
}

static enum gs_status print_file(git_diff *diff, size_t index, git_buf *out, struct gs_error *err)
{
    git_patch *patch = NULL;
    enum gs_status status = GS_OK;
    git_buf_dispose(out);
    if (git_patch_from_diff(&patch, diff, index) != 0 || git_patch_to_buf(out, patch) != 0)
        status = gs_git_fail_mirror(err, "the change of a file cannot be shown");
    git_patch_free(patch);
    return status;
}

// What is not UTF-8, or has a NUL, is not for people to read.
static enum gs_status show_file(const struct shown *shown, size_t index, git_buf *out,
                                struct gs_error *err)
{
    enum gs_status status = print_file(shown->text, index, out, err);
    struct gs_slice text = gs_slice_of(out->ptr, out->size);
    if (status == GS_OK && (!gs_slice_is_utf8(text) || memchr(text.data, 0, text.len)))
        status = print_file(shown->binary, index, out, err);
    return status;
}

enum gs_status gs_mirror_diff(struct gs_mirror *mirror, const struct gs_oid *before,
                              const struct gs_oid *after, struct gs_buf *out, bool *out_cut,
                              struct gs_error *err)
{
    struct shown shown = {.text = NULL};
    git_buf text = GIT_BUF_INIT;
    bool cut = false;
    enum gs_status status = compare(mirror, before, after, &shown, err);
    size_t count = status == GS_OK ? git_diff_num_deltas(shown.text) : 0;
    for (size_t i = 0; status == GS_OK && !cut && i < count; i++) {
        status = show_file(&shown, i, &text, err);
        cut = status == GS_OK && text.size > out->max - out->len;
        if (status == GS_OK && !cut)
            gs_buf_append(out, text.ptr, text.size);
    }
    git_buf_dispose(&text);
    release_shown(&shown);
    if (status == GS_OK)
        status = gs_buf_check(out, "the diff", err);
    if (status == GS_OK)
        *out_cut = cut;
    return status;
}
