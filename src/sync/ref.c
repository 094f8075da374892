// Finds the commit that a caller means by a branch, a tag, a commit, a full ref or the id of a version.
// SPDX-License-Identifier: Apache-2.0
#include "base/random.h"
#include "sync/sync_internal.h"

enum { BRANCHES_SEARCHED = 100 };

static const char heads[] = "refs/heads/";

static enum gs_status fail_ref(const char *ref, struct gs_error *err)
{
    return gs_fail(err, GS_CODE_INVALID_REF, "/gitVersionId",
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

static const struct gs_git_ref *find_named(struct session *session,
                                           const struct gs_git_advert *advert, const char *ref)
{
    if (gs_slice_starts(gs_slice_str(ref), "refs/"))
        return gs_git_advert_find(advert, ref);
    static const char *const folders[] = {"refs/heads/", "refs/tags/"};
    for (size_t i = 0; i < GS_COUNT(folders); i++) {
        const char *full = gs_arena_printf(session->arena, "%s%s", folders[i], ref);
        const struct gs_git_ref *found = gs_git_advert_find(advert, full);
        if (found)
            return found;
    }
    return NULL;
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
        return fail_ref(oid->hex, err);
    out_resolved->branch = NULL;
    return gs_mirror_peel(session->repo->mirror, oid, &out_resolved->commit, err);
}

// The id of a version stands in the metadata of the configured branch.
static enum gs_status resolve_version(struct session *session, const struct gs_git_advert *advert,
                                      const char *version_id, struct resolved *out_resolved,
                                      struct gs_error *err)
{
    const struct gs_git_ref *own = gs_git_advert_find(advert, gs_session_branch_ref(session));
    if (!own)
        return fail_ref(version_id, err);
    struct resolved resolved;
    struct gs_catalog catalog = {.count = 0};
    enum gs_status status = take_ref(session, advert, own, &resolved, err);
    if (status == GS_OK)
        status =
            gs_catalog_read(session->repo->mirror, &resolved.commit, session->arena, &catalog, err);
    if (status != GS_OK)
        return status;
    for (size_t i = 0; i < catalog.count; i++) {
        if (strcmp(catalog.apps[i].version_id, version_id) != 0)
            continue;
        *out_resolved = resolved;
        return GS_OK;
    }
    return fail_ref(version_id, err);
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
    return fail_ref(ref, err);
}
