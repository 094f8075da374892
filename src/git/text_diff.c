// Unified diffs of two texts, as git diff shows them.
// SPDX-License-Identifier: Apache-2.0
#include <git2.h>

#include "git/git.h"

static enum gs_status fail_diff(const char *path, struct gs_error *err)
{
    const git_error *last = git_error_last();
    return gs_fail(err, GS_CODE_INTERNAL, NULL, "cannot make a diff of %s: %s", path,
                   last ? last->message : "unknown reason");
}

enum gs_status gs_git_diff_texts(const char *path, struct gs_slice before, struct gs_slice after,
                                 struct gs_buf *out, struct gs_error *err)
{
    git_patch *patch = NULL;
    git_buf text = GIT_BUF_INIT;
    git_diff_options options;
    git_diff_options_init(&options, GIT_DIFF_OPTIONS_VERSION);
    options.flags = GIT_DIFF_FORCE_TEXT;
    enum gs_status status = GS_OK;
    if (git_patch_from_buffers(&patch, before.data ? before.data : "", before.len, path,
                               after.data ? after.data : "", after.len, path, &options) != 0 ||
        git_patch_to_buf(&text, patch) != 0) {
        status = fail_diff(path, err);
    } else {
        gs_buf_append(out, text.ptr, text.size);
        status = gs_buf_check(out, "the diff", err);
    }
    git_buf_dispose(&text);
    git_patch_free(patch);
    return status;
}
