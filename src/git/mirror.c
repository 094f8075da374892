// A bare repository on disk that holds what the host has, as far as it was needed. It is a cache: what is damaged is
// reported, not repaired.
// SPDX-License-Identifier: Apache-2.0
//
// What a mirror "has" is decided by its kept refs (kept.c) alone, never by an object being there: objects of a push that was
// not finished are no less on disk. A kept ref is set only after its pack was taken in whole, or the host reported
// that it took ours.
#include <sys/stat.h>

#include "base/files.h"
#include "git/git_internal.h"

// The rest of the path to an object must fit as well.
enum { FOLDER_MAX = GS_GIT_PATH_MAX - 128 };

static const char config_text[] = "[core]\n"
                                  "\trepositoryformatversion = 0\n"
                                  "\tfilemode = true\n"
                                  "\tbare = true\n"
                                  "\tprotectHFS = true\n"
                                  "\tprotectNTFS = true\n";

static enum gs_status make_file(const char *folder, const char *name, const char *text,
                                struct gs_error *err)
{
    char path[GS_GIT_PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return gs_file_write(path, gs_slice_str(text), 0600, err);
}

// HEAD comes last: a folder without it is made again, whatever a crash left of it.
static enum gs_status make_repository(const char *folder, struct gs_error *err)
{
    static const char *const folders[] = {"objects/pack", "objects/info", "refs/heads",
                                          "refs/tags"};
    enum gs_status status = GS_OK;
    for (size_t i = 0; i < GS_COUNT(folders) && status == GS_OK; i++) {
        char path[GS_GIT_PATH_MAX];
        snprintf(path, sizeof path, "%s/%s", folder, folders[i]);
        status = gs_dir_make(path, 0700, err);
    }
    if (status == GS_OK)
        status = make_file(folder, "config", config_text, err);
    if (status == GS_OK)
        status = make_file(folder, "HEAD", "ref: refs/heads/main\n", err);
    return status;
}

static bool is_made(const char *folder)
{
    char path[GS_GIT_PATH_MAX];
    struct stat st;
    snprintf(path, sizeof path, "%s/HEAD", folder);
    return stat(path, &st) == 0;
}

static enum gs_status open_repository(struct gs_mirror *mirror, struct gs_error *err)
{
    if (git_repository_open_bare(&mirror->repo, mirror->folder) != 0)
        return gs_git_fail_mirror(err, "it cannot be opened");
    if (git_repository_odb(&mirror->odb, mirror->repo) != 0)
        return gs_git_fail_mirror(err, "its objects cannot be opened");
    return gs_kept_load(mirror->folder, &mirror->kept, err);
}

enum gs_status gs_mirror_open(const char *folder, struct gs_mirror **out_mirror,
                              struct gs_error *err)
{
    if (strlen(folder) > FOLDER_MAX)
        return gs_fail(err, GS_CODE_STORE_FAILED, NULL, "the path %s is too long", folder);
    enum gs_status status = is_made(folder) ? GS_OK : make_repository(folder, err);
    if (status != GS_OK)
        return status;
    struct gs_mirror *mirror = gs_xcalloc(1, sizeof *mirror);
    mirror->folder = gs_xstrdup(folder);
    gs_fresh_init(&mirror->fresh);
    status = open_repository(mirror, err);
    if (status != GS_OK) {
        gs_mirror_close(mirror);
        return status;
    }
    *out_mirror = mirror;
    return GS_OK;
}

void gs_mirror_close(struct gs_mirror *mirror)
{
    if (!mirror)
        return;
    gs_fresh_clear(&mirror->fresh);
    gs_kept_release(&mirror->kept);
    git_odb_free(mirror->odb);
    git_repository_free(mirror->repo);
    free(mirror->folder);
    free(mirror);
}

enum gs_status gs_mirror_discard(const char *folder, struct gs_error *err)
{
    return gs_dir_remove(folder, err);
}

// ---- What it has -----------------------------------------------------------

// Whether the commit can be reached from a kept ref. Only asked when it is not a kept one itself but its object is
// there, so that the usual cases do not walk.
static bool is_reachable(struct gs_mirror *mirror, const git_oid *commit)
{
    git_oid tips[GS_GIT_KEPT_MAX];
    size_t count = 0;
    for (size_t i = 0; i < mirror->kept.count; i++) {
        if (gs_object_peel(mirror, &mirror->kept.refs[i].oid, &tips[count], NULL) != GS_OK)
            continue;
        if (git_oid_equal(&tips[count], commit))
            return true;
        count++;
    }
    return count > 0 && git_graph_reachable_from_any(mirror->repo, commit, tips, count) == 1;
}

bool gs_mirror_has(struct gs_mirror *mirror, const struct gs_oid *oid)
{
    git_oid id, commit;
    gs_oid_to_git(oid, &id);
    if (git_oid_is_zero(&id) || !git_odb_exists(mirror->odb, &id))
        return false;
    if (gs_kept_has(&mirror->kept, &id))
        return true;
    // A tag needs no more than itself and its commit.
    return gs_object_peel(mirror, &id, &commit, NULL) == GS_OK && is_reachable(mirror, &commit);
}

enum gs_status gs_mirror_peel(struct gs_mirror *mirror, const struct gs_oid *oid,
                              struct gs_oid *out_commit, struct gs_error *err)
{
    git_oid id, commit;
    gs_oid_to_git(oid, &id);
    enum gs_status status = gs_object_peel(mirror, &id, &commit, err);
    if (status == GS_OK)
        gs_oid_from_git(&commit, out_commit);
    return status;
}

enum gs_status gs_mirror_is_ancestor(struct gs_mirror *mirror, const struct gs_oid *ancestor,
                                     const struct gs_oid *commit, bool *out_yes,
                                     struct gs_error *err)
{
    git_oid from, to;
    gs_oid_to_git(commit, &from);
    gs_oid_to_git(ancestor, &to);
    int found = git_oid_equal(&from, &to);
    if (!found && git_odb_exists(mirror->odb, &to))
        found = git_graph_descendant_of(mirror->repo, &from, &to);
    if (found < 0)
        return gs_git_fail_mirror(err, "its history cannot be read");
    *out_yes = found != 0;
    return GS_OK;
}
