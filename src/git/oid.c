// Object ids and the names of refs. Touches no repository.
// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"
#include "git/git_internal.h"

static const char zeros[] = "0000000000000000000000000000000000000000";

bool gs_oid_is_none(const struct gs_oid *oid)
{
    return oid->hex[0] == 0;
}

bool gs_oid_eq(const struct gs_oid *a, const struct gs_oid *b)
{
    return strcmp(a->hex, b->hex) == 0;
}

bool gs_oid_parse(struct gs_slice text, struct gs_oid *out_oid)
{
    git_oid oid;
    if (!gs_hex_decode(text, oid.id, sizeof oid.id))
        return false;
    gs_oid_from_git(&oid, out_oid);
    return true;
}

void gs_oid_to_git(const struct gs_oid *oid, git_oid *out_oid)
{
    // What is no id becomes the one that no object has.
    if (!gs_hex_decode(gs_slice_str(oid->hex), out_oid->id, sizeof out_oid->id))
        *out_oid = (git_oid){0};
}

void gs_oid_from_git(const git_oid *oid, struct gs_oid *out_oid)
{
    *out_oid = (struct gs_oid){0};
    if (!git_oid_is_zero(oid))
        gs_hex_encode(oid->id, sizeof oid->id, out_oid->hex);
}

const char *gs_oid_wire(const struct gs_oid *oid)
{
    return gs_oid_is_none(oid) ? zeros : oid->hex;
}

// libgit2 lets DEL through, which git does not.
static bool has_del(const char *name)
{
    return strchr(name, 0x7f) != NULL;
}

bool gs_git_branch_is_valid(const char *name)
{
    int valid = 0;
    return !has_del(name) && git_branch_name_is_valid(&valid, name) == 0 && valid;
}

bool gs_git_ref_is_valid(const char *name)
{
    int valid = 0;
    return strlen(name) <= GS_GIT_REF_MAX && !has_del(name) &&
           git_reference_name_is_valid(&valid, name) == 0 && valid;
}
