// Finds the commit that a caller means by a branch, a tag, a commit, a full ref or the id of a version.
// SPDX-License-Identifier: Apache-2.0
#include "base/random.h"
#include "git/history.h"
#include "sync/sync_internal.h"

enum { BRANCHES_SEARCHED = 100 };

static const char heads[] = "refs/heads/", tags[] = "refs/tags/";

static enum gs_status fail_ref(const struct session *session, const char *ref, struct gs_error *err)
{
    return gs_fail(err, GS_CODE_INVALID_REF, session->ref_field,
                   "Branch \"%s\" does not exist in the repository, nor does a tag, commit or "
                   "version of that name",
                   ref);
}

// Brings the object of an advertised ref into the mirror, which may be another one afterwards, and follows it to its commit.
static enum gs_status take_ref(struct session *session, const struct gs_git_advert *advert,
                               const struct gs_git_ref *ref, struct resolved *out_resolved,
                               struct gs_error *err)
{
    // Also when the commit is there already: the mirror remembers where the ref is.
    enum gs_status status = gs_session_fetch(session, advert, ref, err);
    struct resolved resolved = {.branch = NULL};
    if (status == GS_OK)
        status = gs_mirror_peel(session->repo->mirror, &ref->oid, &resolved.commit, err);
    if (status != GS_OK)
        return status;
    if (gs_slice_starts(gs_slice_str(ref->name), heads))
        resolved.branch = ref->name + strlen(heads);
    *out_resolved = resolved;
    return GS_OK;
}

// Some releases write the dots of a version as dashes in its tag: "<app id>/v1-1" is of v1.1.
static bool is_respelled(const char *tag, const char *wanted, const char *version)
{
    if (strlen(tag) != strlen(wanted) || strncmp(tag, wanted, (size_t)(version - wanted)) != 0)
        return false;
    for (tag += version - wanted; *version; tag++, version++)
        if ((*tag == '.' ? '-' : *tag) != (*version == '.' ? '-' : *version))
            return false;
    return true;
}

// The tag of a version that is meant by another spelling; NULL when there is none, or more than one.
static const struct gs_git_ref *find_respelled(const struct gs_git_advert *advert, const char *ref)
{
    const char *slash = strrchr(ref, '/');
    const struct gs_git_ref *found = NULL;
    for (size_t i = 0; slash && i < advert->count; i++) {
        if (!gs_slice_starts(gs_slice_str(advert->refs[i].name), tags) ||
            !is_respelled(advert->refs[i].name + strlen(tags), ref, slash))
            continue;
        if (found)
            return NULL;
        found = &advert->refs[i];
    }
    return found;
}

static const struct gs_git_ref *find_named(struct session *session,
                                           const struct gs_git_advert *advert, const char *ref)
{
    if (gs_slice_starts(gs_slice_str(ref), "refs/"))
        return gs_git_advert_find(advert, ref);
    const char *const folders[] = {heads, tags};
    for (size_t i = 0; i < GS_COUNT(folders); i++) {
        const char *full = gs_arena_printf(session->arena, "%s%s", folders[i], ref);
        const struct gs_git_ref *found = gs_git_advert_find(advert, full);
        if (found)
            return found;
    }
    return find_respelled(advert, ref);
}

// A commit that is no ref's tip must be reachable from one; the configured branch is tried first.
static enum gs_status resolve_commit(struct session *session, const struct gs_git_advert *advert,
                                     const struct gs_oid *oid, struct resolved *out_resolved,
                                     struct gs_error *err)
{
    struct resolved ignored;
    const struct gs_git_ref *own = gs_git_advert_find(advert, gs_session_branch_ref(session));
    enum gs_status status = own ? take_ref(session, advert, own, &ignored, err) : GS_OK;
    size_t searched = 0;
    for (size_t i = 0; status == GS_OK && i < advert->count && searched < BRANCHES_SEARCHED; i++) {
        if (gs_mirror_has(session->repo->mirror, oid))
            break;
        if (!gs_slice_starts(gs_slice_str(advert->refs[i].name), heads))
            continue;
        status = take_ref(session, advert, &advert->refs[i], &ignored, err);
        searched++;
    }
    if (status != GS_OK)
        return status;
    if (!gs_mirror_has(session->repo->mirror, oid))
        return fail_ref(session, oid->hex, err);
    out_resolved->branch = NULL;
    return gs_mirror_peel(session->repo->mirror, oid, &out_resolved->commit, err);
}

// Whether the metadata of the commit names a version of that id.
static enum gs_status names_version(struct session *session, const struct gs_oid *commit,
                                    const char *version_id, bool *out_yes, struct gs_error *err)
{
    const struct gs_catalog *catalog;
    enum gs_status status = gs_session_catalog(session, commit, &catalog, err);
    if (status != GS_OK)
        return status;
    *out_yes = false;
    for (size_t i = 0; i < catalog->count; i++)
        *out_yes = *out_yes || strcmp(catalog->apps[i].version_id, version_id) == 0;
    return GS_OK;
}

// The id of a version stands in the metadata of the configured branch.
static enum gs_status resolve_version(struct session *session, const struct gs_git_advert *advert,
                                      const char *version_id, struct resolved *out_resolved,
                                      struct gs_error *err)
{
    const struct gs_git_ref *own = gs_git_advert_find(advert, gs_session_branch_ref(session));
    if (!own)
        return fail_ref(session, version_id, err);
    struct resolved resolved;
    bool found = false;
    enum gs_status status = take_ref(session, advert, own, &resolved, err);
    if (status == GS_OK)
        status = names_version(session, &resolved.commit, version_id, &found, err);
    if (status != GS_OK)
        return status;
    if (!found)
        return fail_ref(session, version_id, err);
    *out_resolved = resolved;
    return GS_OK;
}

enum gs_status gs_session_resolve(struct session *session, const char *ref,
                                  struct resolved *out_resolved, struct gs_error *err)
{
    const struct gs_git_advert *advert;
    enum gs_status status = gs_session_upload_advert(session, &advert, err);
    if (status != GS_OK)
        return status;
    const char *wanted = ref ? ref : gs_session_branch_ref(session);
    const struct gs_git_ref *found = find_named(session, advert, wanted);
    if (found)
        return take_ref(session, advert, found, out_resolved, err);
    if (!ref)
        return gs_fail_branch(session->config.branch, err);
    struct gs_oid oid;
    if (gs_oid_parse(gs_slice_str(ref), &oid))
        return resolve_commit(session, advert, &oid, out_resolved, err);
    if (gs_uuid_is_valid(gs_slice_str(ref)))
        return resolve_version(session, advert, ref, out_resolved, err);
    return fail_ref(session, ref, err);
}

// ---- By what the mirror knows ----------------------------------------------------------

static enum gs_status find_kept(struct session *session, const char *name, struct gs_oid *out_oid,
                                struct gs_error *err)
{
    enum gs_status status = gs_mirror_find_ref(session->repo->mirror, name, out_oid, err);
    if (status != GS_NOT_FOUND)
        return status;
    gs_error_release(err);
    *out_oid = (struct gs_oid){""};
    return GS_OK;
}

static enum gs_status find_named_here(struct session *session, const char *ref,
                                      struct resolved *resolved, struct gs_error *err)
{
    static const char *const folders[] = {"refs/heads/", "refs/tags/"};
    bool full = gs_slice_starts(gs_slice_str(ref), "refs/");
    for (size_t i = 0; i < (full ? 1 : GS_COUNT(folders)); i++) {
        const char *name = full ? ref : gs_arena_printf(session->arena, "%s%s", folders[i], ref);
        struct gs_oid oid;
        enum gs_status status = find_kept(session, name, &oid, err);
        if (status != GS_OK)
            return status;
        if (gs_oid_is_none(&oid))
            continue;
        if (gs_slice_starts(gs_slice_str(name), heads))
            resolved->branch = name + strlen(heads);
        return gs_mirror_peel(session->repo->mirror, &oid, &resolved->commit, err);
    }
    return GS_OK;
}

static enum gs_status find_version_here(struct session *session, const char *version_id,
                                        struct resolved *resolved, struct gs_error *err)
{
    struct gs_oid head;
    bool found = false;
    enum gs_status status = find_kept(session, gs_session_branch_ref(session), &head, err);
    if (status == GS_OK && !gs_oid_is_none(&head))
        status = names_version(session, &head, version_id, &found, err);
    if (status == GS_OK && found)
        resolved->commit = head;
    return status;
}

enum gs_status gs_session_resolve_here(struct session *session, const char *ref,
                                       struct resolved *out_resolved, struct gs_error *err)
{
    struct gs_mirror *mirror = session->repo->mirror;
    struct resolved resolved = {.branch = NULL};
    struct gs_oid oid;
    const char *wanted = ref ? ref : gs_session_branch_ref(session);
    enum gs_status status = find_named_here(session, wanted, &resolved, err);
    if (status == GS_OK && gs_oid_is_none(&resolved.commit) && ref) {
        if (gs_oid_parse(gs_slice_str(ref), &oid) && gs_mirror_has(mirror, &oid))
            status = gs_mirror_peel(mirror, &oid, &resolved.commit, err);
        else if (gs_uuid_is_valid(gs_slice_str(ref)))
            status = find_version_here(session, ref, &resolved, err);
    }
    if (status == GS_OK)
        *out_resolved = resolved;
    return status;
}
