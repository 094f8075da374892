// Makes annotated tags, which name a commit for good. Knows nothing of the remote side.
// SPDX-License-Identifier: Apache-2.0
#include "git/git_internal.h"

static void format_tag(const struct gs_tag_request *request, struct gs_arena *arena,
                       struct gs_buf *out)
{
    struct gs_slice name = gs_ident_clean(arena, request->tagger_name);
    struct gs_slice email = gs_ident_clean(arena, request->tagger_email);
    gs_buf_printf(out, "object %s\ntype commit\ntag %s\n", request->commit.hex, request->name);
    gs_buf_printf(out, "tagger %.*s <%.*s> %lld +0000\n\n", GS_SLICE_ARG(name), GS_SLICE_ARG(email),
                  (long long)(request->when_ms / 1000));
    gs_buf_append_slice(out, request->message);
    if (!gs_slice_ends(request->message, "\n"))
        gs_buf_append_char(out, '\n');
}

enum gs_status gs_mirror_tag(struct gs_mirror *mirror, const struct gs_tag_request *request,
                             struct gs_oid *out_tag, struct gs_error *err)
{
    GS_CLEANUP(gs_arena_cleanup) struct gs_arena *scratch = gs_arena_new();
    GS_CLEANUP(gs_buf_release) struct gs_buf text = {.max = GS_GIT_COMMIT_MAX};
    git_oid oid;
    if (!gs_git_branch_is_valid(request->name))
        return gs_fail(err, GS_CODE_INVALID_NAME, NULL, "'%s' cannot be the name of a tag",
                       request->name);
    format_tag(request, scratch, &text);
    enum gs_status status = gs_buf_check(&text, "the tag", err);
    if (status == GS_OK)
        status = gs_object_id(GIT_OBJECT_TAG, gs_buf_slice(&text), &oid, err);
    if (status == GS_OK)
        status = gs_fresh_add(mirror, GIT_OBJECT_TAG, &oid, gs_buf_slice(&text), err);
    if (status == GS_OK)
        gs_oid_from_git(&oid, out_tag);
    return status;
}
