// A bare repository on disk that holds what the host has, as far as it was needed. It is a cache:
// what is damaged is reported, not repaired.
// SPDX-License-Identifier: Apache-2.0
//
// What a mirror "has" is decided by its kept refs (kept.c) alone, never by an object being there:
// objects of a push that was not finished are no less on disk. A kept ref is set only after its
// pack was taken in whole, or the host reported that it took ours.
#include <git2/sys/repository.h>
#include <sys/stat.h>

#include "base/files.h"
#include "git/git_internal.h"

// The rest of the path to an object must fit as well.
enum { FOLDER_MAX = GS_GIT_PATH_MAX - 128 };

// The higher one is asked first.
enum { LOOSE_PRIORITY = 1, PACK_PRIORITY = 2, FRESH_PRIORITY = 3 };

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

static bool has_file(const char *folder, const char *name)
{
    char path[GS_GIT_PATH_MAX];
    struct stat st;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return stat(path, &st) == 0;
}

// Which names are dangerous depends on the configuration (path.c), so it must be ours to the byte.
static enum gs_status restore_config(const char *folder, struct gs_error *err)
{
    char path[GS_GIT_PATH_MAX];
    snprintf(path, sizeof path, "%s/config", folder);
    GS_CLEANUP(gs_buf_release) struct gs_buf text;
    gs_buf_init(&text, sizeof config_text);
    if (gs_file_read(path, &text, NULL) == GS_OK &&
        gs_slice_eq_str(gs_buf_slice(&text), config_text))
        return GS_OK;
    return make_file(folder, "config", config_text, err);
}

// Takes the backend, whatever comes of it.
static int add_backend(git_odb *odb, git_odb_backend *backend, int priority)
{
    int error = git_odb_add_backend(odb, backend, priority);
    if (error != 0)
        backend->free(backend);
    return error;
}

static int open_objects(struct gs_mirror *mirror)
{
    char path[GS_GIT_PATH_MAX];
    snprintf(path, sizeof path, "%s/objects", mirror->folder);
    git_odb_backend *packs;
    int error = git_odb_new(&mirror->odb);
    if (error == 0)
        error = add_backend(mirror->odb, gs_loose_backend_new(mirror->folder), LOOSE_PRIORITY);
    if (error == 0)
        error = add_backend(mirror->odb, gs_fresh_backend_new(&mirror->fresh), FRESH_PRIORITY);
    if (error == 0)
        error = git_odb_backend_pack(&packs, path);
    if (error == 0)
        error = add_backend(mirror->odb, packs, PACK_PRIORITY);
    return error == 0 ? git_repository_set_odb(mirror->repo, mirror->odb) : error;
}

static enum gs_status open_repository(struct gs_mirror *mirror, struct gs_error *err)
{
    if (git_repository_open_bare(&mirror->repo, mirror->folder) != 0)
        return gs_git_fail_mirror(err, "it cannot be opened");
    if (open_objects(mirror) != 0)
        return gs_git_fail_mirror(err, "its objects cannot be opened");
    return gs_kept_load(mirror->folder, &mirror->kept, err);
}

enum gs_status gs_mirror_open(const char *folder, struct gs_mirror **out_mirror,
                              struct gs_error *err)
{
    if (strlen(folder) > FOLDER_MAX)
        return gs_fail(err, GS_CODE_STORE_FAILED, NULL, "the path %s is too long", folder);
    enum gs_status status =
        has_file(folder, "HEAD") ? restore_config(folder, err) : make_repository(folder, err);
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
    gs_kept_release(&mirror->kept);
    gs_recent_clear(&mirror->recent);
    git_odb_free(mirror->odb);
    git_repository_free(mirror->repo);
    gs_fresh_clear(&mirror->fresh);
    free(mirror->folder);
    free(mirror);
}

void gs_mirror_drop_unsent(struct gs_mirror *mirror)
{
    gs_fresh_clear(&mirror->fresh);
    gs_recent_clear(&mirror->recent); // some may be of those
}

enum gs_status gs_mirror_discard(const char *folder, struct gs_error *err)
{
    return gs_dir_remove(folder, err);
}

// ---- What it has -----------------------------------------------------------

// Whether the commit can be reached from a kept ref. Only asked when it is not a kept one itself
// but its object is there, so that the usual cases do not walk.
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
    if (!found && git_odb_exists(mirror->odb, &to)) {
        struct gs_commit_links links; // libgit2 1.5 leaks when the commit it starts at is missing
        enum gs_status status = gs_commit_read_links(mirror, &from, &links, err);
        if (status != GS_OK)
            return status;
        found = git_graph_descendant_of(mirror->repo, &from, &to);
    }
    if (found < 0)
        return gs_git_fail_mirror(err, "its history cannot be read");
    *out_yes = found != 0;
    return GS_OK;
}
