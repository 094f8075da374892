// Starts libgit2 with nothing of the machine's or a user's configuration, and turns what it says
// into our errors.
// SPDX-License-Identifier: Apache-2.0
#include "git/git_internal.h"

enum { OPEN_PACKS_MAX = 256 }; // of all mirrors together

// A pack from a host may not declare more than this; stops bombs before they are inflated.
static const size_t pack_objects_max = 20 * 1000 * 1000;

static int set_search_paths(void)
{
    static const git_config_level_t levels[] = {
        GIT_CONFIG_LEVEL_PROGRAMDATA,
        GIT_CONFIG_LEVEL_SYSTEM,
        GIT_CONFIG_LEVEL_XDG,
        GIT_CONFIG_LEVEL_GLOBAL,
    };
    int failed = 0;
    for (size_t i = 0; i < GS_COUNT(levels); i++)
        failed |= git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, levels[i], "");
    return failed;
}

static int set_options(void)
{
    int failed = set_search_paths();
    // Mirrors belong to whoever made the data folder, which need not be the user that we run as.
    failed |= git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
    // Objects are written by object.c; the one thing left that this would slow down is asking for
    // allowed names.
    failed |= git_libgit2_opts(GIT_OPT_ENABLE_STRICT_OBJECT_CREATION, 0);
    // Each object carries zlib's check sum, which tells what a power cut tore; hashing it again on
    // every read tells no more.
    failed |= git_libgit2_opts(GIT_OPT_ENABLE_STRICT_HASH_VERIFICATION, 0);
    failed |= git_libgit2_opts(GIT_OPT_DISABLE_PACK_KEEP_FILE_CHECKS, 1);
    failed |= git_libgit2_opts(GIT_OPT_ENABLE_CACHING, 0); // see recent.c
    failed |= git_libgit2_opts(GIT_OPT_SET_MWINDOW_FILE_LIMIT, (size_t)OPEN_PACKS_MAX);
    failed |= git_libgit2_opts(GIT_OPT_SET_PACK_MAX_OBJECTS, pack_objects_max);
    failed |= git_libgit2_opts(GIT_OPT_SET_PACK_MAX_OBJECT_SIZE, (size_t)GS_GIT_OBJECT_MAX);
    return failed;
}

enum gs_status gs_git_init(struct gs_error *err)
{
    if (git_libgit2_init() < 0)
        return gs_fail(err, GS_CODE_INTERNAL, NULL, "libgit2 does not start: %s",
                       git_error_last() ? git_error_last()->message : "no reason given");
    if (set_options() != 0) {
        git_libgit2_shutdown();
        return gs_fail(err, GS_CODE_INTERNAL, NULL, "libgit2 refuses an option that we need");
    }
    return GS_OK;
}

void gs_git_shutdown(void)
{
    git_libgit2_shutdown();
}

enum gs_status gs_git_fail_mirror(struct gs_error *err, const char *what)
{
    const git_error *last = git_error_last();
    if (last && last->klass == GIT_ERROR_NOMEMORY)
        return gs_fail(err, GS_CODE_NO_MEMORY, NULL, "not enough memory: %s", what);
    return gs_fail(err, GS_CODE_INTERNAL, NULL, "the mirror is damaged: %s: %s", what,
                   last ? last->message : "no reason given");
}
