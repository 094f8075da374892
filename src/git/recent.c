// Keeps the commits and folders that were read last, because a call reads the same few again and again. libgit2's own cache is off: it is one for the
// whole process, fills with what no later call asks for, and counts a small part of what it takes.
// SPDX-License-Identifier: Apache-2.0
#include "git/git_internal.h"

// What an object takes beside its content, about.
enum { BYTES_MAX = 1 << 20, BYTES_EACH = 256 };

git_odb_object *gs_recent_find(const struct gs_recent *recent, const git_oid *oid)
{
    git_odb_object *object = gs_map_get(&recent->by_id, gs_oid_key(oid));
    git_odb_object *found = NULL;
    if (object)
        git_odb_object_dup(&found, object); // counts; cannot fail
    return found;
}

void gs_recent_put(struct gs_recent *recent, git_odb_object *object)
{
    size_t bytes = BYTES_EACH + git_odb_object_size(object);
    struct gs_slice key = gs_oid_key(git_odb_object_id(object)); // lives in the object
    if (bytes > BYTES_MAX || gs_map_get(&recent->by_id, key))
        return;
    if (recent->bytes + bytes > BYTES_MAX)
        gs_recent_clear(recent);
    git_odb_object *kept;
    git_odb_object_dup(&kept, object);
    gs_map_put(&recent->by_id, key, kept);
    recent->bytes += bytes;
}

void gs_recent_clear(struct gs_recent *recent)
{
    size_t cursor = 0;
    struct gs_slice key;
    void *object;
    while (gs_map_next(&recent->by_id, &cursor, &key, &object))
        git_odb_object_free(object);
    gs_map_release(&recent->by_id);
    recent->bytes = 0;
}
