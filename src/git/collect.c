// Finds the objects that a push must carry, at a cost that grows with the change and not with the
// repository. Sends nothing.
// SPDX-License-Identifier: Apache-2.0
#include "git/git_internal.h"

enum { COMMITS_MAX = 10000 };

struct objects {
    struct gs_arena *arena;
    struct gs_pack_object *list;
    size_t count, capacity;
};

struct collection {
    struct gs_mirror *mirror;
    struct gs_arena *scratch;
    struct objects taken;      // what will be returned
    struct objects candidates; // of the commit at hand
    struct gs_map known_ids;   // what the host has for certain
    struct gs_map taken_ids;
};

static void append(struct objects *objects, const git_oid *oid, git_object_t type)
{
    if (objects->count == objects->capacity) {
        objects->capacity = objects->capacity ? objects->capacity * 2 : 16;
        struct gs_pack_object *grown =
            gs_arena_array(objects->arena, objects->capacity, sizeof *grown);
        if (objects->count > 0)
            memcpy(grown, objects->list, objects->count * sizeof *grown);
        objects->list = grown;
    }
    objects->list[objects->count++] = (struct gs_pack_object){*oid, type};
}

static bool contains(const struct gs_map *ids, const git_oid *oid)
{
    return gs_map_get(ids, gs_oid_key(oid)) != NULL;
}

static void note(struct collection *collection, struct gs_map *ids, const git_oid *oid)
{
    git_oid *copy = gs_arena_alloc(collection->scratch, sizeof *copy);
    *copy = *oid;
    gs_map_put(ids, gs_oid_key(copy), copy);
}

static void take(struct collection *collection, const struct gs_pack_object *object)
{
    if (contains(&collection->known_ids, &object->oid) ||
        contains(&collection->taken_ids, &object->oid))
        return;
    append(&collection->taken, &object->oid, object->type);
    note(collection, &collection->taken_ids, &object->oid);
}

// What a commit replaces was the host's already, unless an earlier commit of the same push brings
// it.
static void note_before(struct collection *collection, const git_oid *oid)
{
    if (!contains(&collection->taken_ids, oid))
        note(collection, &collection->known_ids, oid);
}

// A moved folder is deleted at one path and added at another: only when all of the commit was seen
// is it clear what is new, so what was added is gathered first.
static enum gs_status visit(void *arg, const struct gs_tree_difference *difference,
                            struct gs_error *err)
{
    (void)err;
    struct collection *collection = arg;
    const struct gs_tree_entry *before = difference->before, *after = difference->after;
    if (before)
        note_before(collection, &before->oid);
    if (after && gs_tree_entry_is_folder(after))
        append(&collection->candidates, &after->oid, GIT_OBJECT_TREE);
    else if (after && !gs_tree_entry_is_submodule(after))
        append(&collection->candidates, &after->oid, GIT_OBJECT_BLOB);
    return GS_OK;
}

static enum gs_status collect_commit(struct collection *collection, const git_oid *commit,
                                     struct gs_error *err)
{
    struct gs_commit_links links, parent = {0};
    enum gs_status status = gs_commit_read_links(collection->mirror, commit, &links, err);
    if (status == GS_OK && links.parent_count > 0)
        status = gs_commit_read_links(collection->mirror, &links.parent, &parent, err);
    if (status != GS_OK)
        return status;
    collection->candidates.count = 0;
    append(&collection->candidates, commit, GIT_OBJECT_COMMIT);
    append(&collection->candidates, &links.tree, GIT_OBJECT_TREE);
    note_before(collection, &parent.tree);
    status = gs_tree_diff(collection->mirror, &parent.tree, &links.tree, collection->scratch, visit,
                          collection, err);
    for (size_t i = 0; i < collection->candidates.count && status == GS_OK; i++)
        take(collection, &collection->candidates.list[i]);
    return status;
}

// A new branch may start at any commit that the host told of.
static bool is_base(const struct gs_git_advert *advert, const git_oid *old, const git_oid *commit)
{
    if (!git_oid_is_zero(old))
        return git_oid_equal(old, commit);
    struct gs_oid id;
    gs_oid_from_git(commit, &id);
    for (size_t i = 0; i < advert->count; i++)
        if (gs_oid_eq(&advert->refs[i].oid, &id))
            return true;
    return git_oid_is_zero(commit); // before the first commit
}

static enum gs_status list_commits(struct gs_mirror *mirror, const struct gs_git_advert *advert,
                                   const git_oid *old, git_oid commit, struct objects *out_commits,
                                   struct gs_error *err)
{
    while (!is_base(advert, old, &commit)) {
        struct gs_commit_links links = {0};
        enum gs_status status = GS_OK;
        if (!git_oid_is_zero(&commit))
            status = gs_commit_read_links(mirror, &commit, &links, err);
        if (status != GS_OK)
            return status;
        if (git_oid_is_zero(&commit) || links.parent_count > 1 || out_commits->count == COMMITS_MAX)
            return gs_fail(err, GS_CODE_INTERNAL, NULL,
                           "the commits to push are no chain on what the host has");
        append(out_commits, &commit, GIT_OBJECT_COMMIT);
        commit = links.parent;
    }
    return GS_OK;
}

static bool is_new_tag(struct gs_mirror *mirror, const git_oid *old, const git_oid *new)
{
    size_t size;
    git_object_t type;
    return git_oid_is_zero(old) && git_odb_read_header(&size, &type, mirror->odb, new) == 0 &&
           type == GIT_OBJECT_TAG;
}

enum gs_status gs_collect_objects(struct gs_mirror *mirror, const struct gs_git_advert *advert,
                                  const git_oid *old, const git_oid *new, struct gs_arena *arena,
                                  struct gs_pack_object **out_objects, size_t *out_count,
                                  struct gs_error *err)
{
    if (is_new_tag(mirror, old, new)) {
        struct objects alone = {.arena = arena};
        append(&alone, new, GIT_OBJECT_TAG);
        *out_objects = alone.list;
        *out_count = alone.count;
        return GS_OK;
    }
    GS_CLEANUP(gs_arena_cleanup) struct gs_arena *scratch = gs_arena_new();
    struct objects commits = {.arena = scratch};
    enum gs_status status = list_commits(mirror, advert, old, *new, &commits, err);
    if (status != GS_OK)
        return status;
    struct collection collection = {
        .mirror = mirror,
        .scratch = scratch,
        .taken = {.arena = arena},
        .candidates = {.arena = scratch},
    };
    gs_map_init(&collection.known_ids);
    gs_map_init(&collection.taken_ids);
    for (size_t i = commits.count; i-- > 0 && status == GS_OK;)
        status = collect_commit(&collection, &commits.list[i].oid, err);
    gs_map_release(&collection.known_ids);
    gs_map_release(&collection.taken_ids);
    if (status == GS_OK) {
        *out_objects = collection.taken.list;
        *out_count = collection.taken.count;
    }
    return status;
}
