// Which paths may be written into a repository. Asks libgit2 about names that are dangerous on some
// file system.
// SPDX-License-Identifier: Apache-2.0
#include "git/git_internal.h"

static bool is_dots(struct gs_slice part)
{
    return gs_slice_eq_str(part, ".") || gs_slice_eq_str(part, "..");
}

bool gs_path_is_plain(const char *path)
{
    struct gs_slice rest = gs_slice_str(path);
    if (rest.len == 0 || rest.len >= GS_GIT_PATH_MAX || gs_slice_ends(rest, "/"))
        return false;
    size_t depth = 0;
    while (rest.len > 0) {
        struct gs_slice part = gs_slice_split(&rest, '/');
        if (part.len == 0 || part.len > GS_GIT_NAME_MAX || is_dots(part) ||
            ++depth > GS_GIT_DEPTH_MAX)
            return false;
    }
    return true;
}

static bool has_control(const char *path)
{
    for (; *path; path++)
        if ((unsigned char)*path < 0x20 || *path == 0x7f)
            return true;
    return false;
}

enum gs_status gs_path_rules_init(struct gs_path_rules *rules, git_repository *repo,
                                  struct gs_error *err)
{
    if (git_treebuilder_new(&rules->builder, repo, NULL) != 0)
        return gs_git_fail_mirror(err, "no tree can be made");
    return GS_OK;
}

void gs_path_rules_release(struct gs_path_rules *rules)
{
    git_treebuilder_free(rules->builder);
}

// .git in all its spellings (letter case, git~1, trailing dots and blanks, streams, invisible
// characters).
static bool git_allows(const struct gs_path_rules *rules, struct gs_slice part)
{
    static const git_oid any = {{1}};
    char name[GS_GIT_NAME_MAX + 1];
    memcpy(name, part.data, part.len);
    name[part.len] = 0;
    bool allowed = git_treebuilder_insert(NULL, rules->builder, name, &any, GIT_FILEMODE_TREE) == 0;
    git_treebuilder_clear(rules->builder);
    return allowed;
}

// Windows takes a backslash for a separator, so what stands between them must be allowed as well.
static bool is_allowed(const struct gs_path_rules *rules, struct gs_slice part)
{
    bool allowed = git_allows(rules, part);
    if (!memchr(part.data, '\\', part.len))
        return allowed;
    while (allowed && part.len > 0) {
        struct gs_slice piece = gs_slice_split(&part, '\\');
        allowed = piece.len == 0 || git_allows(rules, piece);
    }
    return allowed;
}

enum gs_status gs_path_check(const struct gs_path_rules *rules, const char *path,
                             struct gs_error *err)
{
    bool allowed = gs_path_is_plain(path) && !has_control(path);
    for (struct gs_slice rest = gs_slice_str(path); allowed && rest.len > 0;)
        allowed = is_allowed(rules, gs_slice_split(&rest, '/'));
    if (!allowed)
        return gs_fail(err, GS_CODE_INVALID_NAME, NULL,
                       "'%.*s' cannot be a path in a git repository", GS_GIT_NAME_MAX, path);
    return GS_OK;
}
