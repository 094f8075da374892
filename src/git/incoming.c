// Takes a pack from the host into a mirror, which has it only when all of it came. Knows nothing of
// how it travels.
// SPDX-License-Identifier: Apache-2.0
//
// A small pack is gathered in memory and taken apart into loose objects, as git does below
// fetch.unpackLimit: a mirror that fetches after every push of somebody else would otherwise
// collect thousands of packs, and every look-up asks each of them. A large one is indexed while it
// comes, in a folder of its own, so that one that breaks off never becomes part of the mirror.
#include <errno.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/files.h"
#include "git/pack_internal.h"

// Small: it is held in memory, once per worker. A change of a few apps is; a first fetch is not.
enum { SMALL_BYTES_MAX = 8 << 20 };

static enum gs_status fail_indexer(const struct gs_incoming *incoming, struct gs_error *err)
{
    if (incoming->too_slow)
        return gs_fail(err, GS_CODE_HOST_TIMEOUT, NULL,
                       "the git host sent a pack that takes too long to be taken apart");
    const git_error *last = git_error_last();
    const char *reason = last ? last->message : "no reason given";
    if (last && last->klass == GIT_ERROR_NOMEMORY)
        return gs_fail(err, GS_CODE_NO_MEMORY, NULL, "not enough memory for the pack");
    if (last && (last->klass == GIT_ERROR_OS || last->klass == GIT_ERROR_FILESYSTEM))
        return gs_fail(err, GS_CODE_STORE_FAILED, NULL, "cannot store the pack: %s", reason);
    return gs_fail(err, GS_CODE_HOST_FAILED, NULL, "the git host sent a pack that is damaged: %s",
                   reason);
}

void gs_incoming_begin(struct gs_incoming *incoming, struct gs_mirror *mirror, size_t max,
                       int64_t deadline_ms)
{
    *incoming = (struct gs_incoming){.mirror = mirror, .max = max, .deadline_ms = deadline_ms};
    snprintf(incoming->folder, sizeof incoming->folder, "%s/incoming", mirror->folder);
    gs_buf_init(&incoming->small, SMALL_BYTES_MAX);
}

// ---- Large ones ------------------------------------------------------------

// libgit2 tells of every object, and of every delta that it has resolved.
static int look_at_clock(const git_indexer_progress *progress, void *arg)
{
    (void)progress;
    struct gs_incoming *incoming = arg;
    incoming->too_slow = gs_clock_mono_ms() > incoming->deadline_ms;
    return incoming->too_slow ? GIT_EUSER : 0;
}

static enum gs_status append_large(struct gs_incoming *incoming, struct gs_slice data,
                                   struct gs_error *err)
{
    if (git_indexer_append(incoming->indexer, data.data, data.len, &incoming->progress) != 0)
        return fail_indexer(incoming, err);
    return GS_OK;
}

// From here on it is indexed, beginning with what was gathered. The indexer takes memory for as many objects as the pack says
// that it has.
static enum gs_status become_large(struct gs_incoming *incoming, struct gs_error *err)
{
    size_t count = gs_pack_count_objects(gs_buf_slice(&incoming->small));
    if (count > GS_PACK_OBJECTS_MAX && count != SIZE_MAX)
        return gs_fail(err, GS_CODE_HOST_FAILED, NULL,
                       "the git host sent a pack that is damaged: it cannot have %zu objects",
                       count);
    git_indexer_options options = {.version = GIT_INDEXER_OPTIONS_VERSION,
                                   .progress_cb = look_at_clock,
                                   .progress_cb_payload = incoming};
    enum gs_status status = gs_dir_remove(incoming->folder, err); // of a fetch that was killed
    if (status == GS_OK && mkdir(incoming->folder, 0700) != 0)
        status = gs_fail(err, GS_CODE_STORE_FAILED, NULL, "cannot make folder %s: %s",
                         incoming->folder, strerror(errno));
    if (status == GS_OK && git_indexer_new(&incoming->indexer, incoming->folder, 0600,
                                           incoming->mirror->odb, &options) != 0)
        status = fail_indexer(incoming, err);
    if (status == GS_OK)
        status = append_large(incoming, gs_buf_slice(&incoming->small), err);
    gs_buf_release(&incoming->small);
    return status;
}

static enum gs_status keep_pack(struct gs_incoming *incoming, const char *name,
                                struct gs_error *err)
{
    char stem[GS_GIT_PATH_MAX + 64];
    snprintf(stem, sizeof stem, "%s/pack-%s", incoming->folder, name);
    enum gs_status status = gs_pack_move(stem, name, incoming->mirror->folder, err);
    if (status == GS_OK && git_odb_refresh(incoming->mirror->odb) != 0)
        status = gs_git_fail_mirror(err, "the new pack cannot be opened");
    return status;
}

static enum gs_status finish_large(struct gs_incoming *incoming, struct gs_error *err)
{
    if (git_indexer_commit(incoming->indexer, &incoming->progress) != 0)
        return fail_indexer(incoming, err);
    return keep_pack(incoming, git_indexer_name(incoming->indexer), err);
}

// ---- All of them -----------------------------------------------------------

// Too few bytes to tell, and what is no pack, is told by the end.
static bool is_small(const struct gs_incoming *incoming)
{
    size_t count = gs_pack_count_objects(gs_buf_slice(&incoming->small));
    return count <= GS_UNPACK_OBJECTS_MAX || count == SIZE_MAX;
}

enum gs_status gs_incoming_append(struct gs_incoming *incoming, struct gs_slice data,
                                  struct gs_error *err)
{
    if (data.len > incoming->max - incoming->received)
        return gs_fail(err, GS_CODE_TOO_LARGE, NULL,
                       "the git host sends more than the limit of %zu bytes", incoming->max);
    incoming->received += data.len;
    if (incoming->indexer)
        return append_large(incoming, data, err);
    if (data.len > SMALL_BYTES_MAX - incoming->small.len) {
        enum gs_status status = become_large(incoming, err);
        return status == GS_OK ? append_large(incoming, data, err) : status;
    }
    gs_buf_append_slice(&incoming->small, data);
    enum gs_status status = gs_buf_check(&incoming->small, "the pack", err);
    return status != GS_OK || is_small(incoming) ? status : become_large(incoming, err);
}

enum gs_status gs_incoming_finish(struct gs_incoming *incoming, struct gs_error *err)
{
    if (incoming->indexer)
        return finish_large(incoming, err);
    bool done;
    enum gs_status status = gs_unpack(incoming->mirror, gs_buf_slice(&incoming->small), &done, err);
    if (status != GS_OK || done)
        return status;
    status = become_large(incoming, err); // a few bytes, but much in them
    return status == GS_OK ? finish_large(incoming, err) : status;
}

void gs_incoming_release(struct gs_incoming *incoming)
{
    gs_buf_release(&incoming->small);
    if (!incoming->indexer)
        return;
    git_indexer_free(incoming->indexer);
    incoming->indexer = NULL;
    struct gs_error ignored = GS_ERROR_INIT; // what is left is removed by the next fetch
    if (gs_dir_remove(incoming->folder, &ignored) != GS_OK)
        gs_error_release(&ignored);
}
