// Names and reads the objects of a mirror, wherever they are.
// SPDX-License-Identifier: Apache-2.0
#include <openssl/evp.h>

#include "git/git_internal.h"

// Tags of tags that we follow.
enum { TAGS_MAX = 32 };

// libgit2 hashes with a detection of forged collisions, which is for what strangers send and eight
// times slower; what is hashed here was made here.
enum gs_status gs_object_id(git_object_t type, struct gs_slice content, git_oid *out_oid,
                            struct gs_error *err)
{
    char header[48];
    int n = snprintf(header, sizeof header, "%s %zu", git_object_type2string(type), content.len);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool ok = context && EVP_DigestInit_ex(context, EVP_sha1(), NULL) == 1 &&
              EVP_DigestUpdate(context, header, (size_t)n + 1) == 1 &&
              EVP_DigestUpdate(context, content.data, content.len) == 1 &&
              EVP_DigestFinal_ex(context, out_oid->id, NULL) == 1;
    EVP_MD_CTX_free(context);
    return ok ? GS_OK
              : gs_fail(err, GS_CODE_INTERNAL, NULL, "SHA-1 cannot be computed; git needs it");
}

enum gs_status gs_git_blob_id(struct gs_slice content, struct gs_oid *out_oid, struct gs_error *err)
{
    git_oid oid;
    enum gs_status status = gs_object_id(GIT_OBJECT_BLOB, content, &oid, err);
    if (status == GS_OK)
        gs_oid_from_git(&oid, out_oid);
    return status;
}

static enum gs_status check_object(git_object_t found, git_object_t type, size_t size, size_t max,
                                   const char *what, struct gs_error *err)
{
    if (found != type)
        return gs_fail(err, GS_CODE_INTERNAL, NULL, "the mirror is damaged: %s is a %s, not a %s",
                       what, git_object_type2string(found), git_object_type2string(type));
    if (size > max)
        return gs_fail(err, GS_CODE_TOO_LARGE, NULL,
                       "a %s in the repository has %zu bytes, more than the limit of %zu",
                       type == GIT_OBJECT_BLOB ? "file" : git_object_type2string(type), size, max);
    return GS_OK;
}

enum gs_status gs_object_read(struct gs_mirror *mirror, const git_oid *oid, git_object_t type,
                              size_t max, git_odb_object **out_object, struct gs_error *err)
{
    size_t size;
    git_object_t found;
    char what[64];
    struct gs_oid id;
    gs_oid_from_git(oid, &id);
    snprintf(what, sizeof what, "object %s", gs_oid_wire(&id));
    git_odb_object *object = gs_recent_find(&mirror->recent, oid);
    if (object) {
        size = git_odb_object_size(object);
        found = git_odb_object_type(object);
    } else if (git_odb_read_header(&size, &found, mirror->odb, oid) != 0) {
        return gs_git_fail_mirror(err, what);
    }
    enum gs_status status = check_object(found, type, size, max, what, err);
    if (status == GS_OK && !object) {
        if (git_odb_read(&object, mirror->odb, oid) != 0)
            return gs_git_fail_mirror(err, what);
        if (type == GIT_OBJECT_COMMIT || type == GIT_OBJECT_TREE)
            gs_recent_put(&mirror->recent, object);
    }
    if (status == GS_OK)
        *out_object = object;
    else
        git_odb_object_free(object);
    return status;
}

void gs_object_cleanup(git_odb_object **object)
{
    git_odb_object_free(*object);
}

// Takes "<name> <40 digits>\n" off the front.
static bool take_id(struct gs_slice *rest, const char *name, git_oid *out_oid)
{
    size_t skip = strlen(name) + 1;
    if (rest->len < skip + GIT_OID_HEXSZ + 1 || !gs_slice_starts(*rest, name) ||
        git_oid_fromstrn(out_oid, rest->data + skip, GIT_OID_HEXSZ) != 0)
        return false;
    skip += GIT_OID_HEXSZ + 1;
    *rest = gs_slice_of(rest->data + skip, rest->len - skip);
    return true;
}

static struct gs_slice content_of(git_odb_object *object)
{
    return gs_slice_of(git_odb_object_data(object), git_odb_object_size(object));
}

enum gs_status gs_commit_read_links(struct gs_mirror *mirror, const git_oid *commit,
                                    struct gs_commit_links *out_links, struct gs_error *err)
{
    GS_CLEANUP(gs_object_cleanup) git_odb_object *object = NULL;
    enum gs_status status =
        gs_object_read(mirror, commit, GIT_OBJECT_COMMIT, GS_GIT_COMMIT_MAX, &object, err);
    if (status != GS_OK)
        return status;
    struct gs_slice rest = content_of(object);
    struct gs_commit_links links = {0};
    if (!take_id(&rest, "tree", &links.tree))
        return gs_fail(err, GS_CODE_LAYOUT_UNSUPPORTED, NULL,
                       "the repository has a malformed commit");
    git_oid parent;
    while (take_id(&rest, "parent", &parent))
        if (links.parent_count++ == 0)
            links.parent = parent;
    *out_links = links;
    return GS_OK;
}

static enum gs_status fail_no_commit(const git_oid *oid, struct gs_error *err)
{
    struct gs_oid id;
    gs_oid_from_git(oid, &id);
    return gs_fail(err, GS_CODE_NOT_IN_GIT, NULL, "%s is no commit of the repository",
                   gs_oid_wire(&id));
}

static enum gs_status read_tag_target(struct gs_mirror *mirror, const git_oid *tag,
                                      git_oid *out_target, struct gs_error *err)
{
    GS_CLEANUP(gs_object_cleanup) git_odb_object *object = NULL;
    enum gs_status status =
        gs_object_read(mirror, tag, GIT_OBJECT_TAG, GS_GIT_COMMIT_MAX, &object, err);
    if (status != GS_OK)
        return status;
    struct gs_slice rest = content_of(object);
    return take_id(&rest, "object", out_target) ? GS_OK : fail_no_commit(tag, err);
}

enum gs_status gs_object_peel(struct gs_mirror *mirror, const git_oid *oid, git_oid *out_commit,
                              struct gs_error *err)
{
    git_oid at = *oid;
    for (int depth = 0; depth < TAGS_MAX; depth++) {
        size_t size;
        git_object_t type;
        int error = git_odb_read_header(&size, &type, mirror->odb, &at);
        if (error != 0 && !(error == GIT_ENOTFOUND && depth == 0))
            return gs_git_fail_mirror(err, "the target of a tag cannot be read");
        if (error != 0 || (type != GIT_OBJECT_TAG && type != GIT_OBJECT_COMMIT))
            break;
        if (type == GIT_OBJECT_COMMIT) {
            *out_commit = at;
            return GS_OK;
        }
        enum gs_status status = read_tag_target(mirror, &at, &at, err);
        if (status != GS_OK)
            return status;
    }
    return fail_no_commit(oid, err);
}
