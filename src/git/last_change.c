// Finds for many paths at once the commit that changed each of them last: one walk into the past that compares trees by
// object ids. Reads no file; knows nothing of the remote side.
// SPDX-License-Identifier: Apache-2.0
//
// Every path is at one commit at a time. It goes on to the first parent that has the same there, and has found its commit
// when no parent does, as git log would for that path alone. Newer commits come first, so that paths which took different
// sides of a merge meet again where the sides do, and a commit is compared once.
#include "git/git_internal.h"
#include "git/history.h"

// Where some of the paths are.
struct place {
    git_oid commit;
    git_time_t when;
    bool used;
};

// A tree that was read lately: what is the parent's now is the child's in the next step.
struct loaded {
    git_oid id;
    struct gs_tree_entry *entries;
    size_t count;
};
struct shelf {
    struct gs_arena *arena;
    struct gs_map trees; // by id
};

struct path {
    const char *text;
    size_t index; // of the caller
    size_t at;    // the place, or NOWHERE
    bool changed; // in the comparison at hand
};
static const size_t NOWHERE = SIZE_MAX;

struct walk {
    struct gs_mirror *mirror;
    struct gs_arena *arena;
    struct path *paths; // sorted, so that those below one folder stand together
    size_t count;
    struct path **group; // those that are compared, in the same order
    size_t group_count;
    struct place *places; // one for each path at most
    size_t place_count;
    struct shelf now, before;
    struct gs_error *err;
};

// ---- Trees ---------------------------------------------------------------------------

static void init_shelf(struct shelf *shelf)
{
    shelf->arena = gs_arena_new();
    gs_map_init(&shelf->trees);
}

static void release_shelf(struct shelf *shelf)
{
    gs_map_release(&shelf->trees);
    gs_arena_free(shelf->arena);
}

static void next_shelf(struct walk *walk)
{
    release_shelf(&walk->before);
    walk->before = walk->now;
    init_shelf(&walk->now);
}

static enum gs_status load(struct walk *walk, const git_oid *tree, struct loaded *out_loaded)
{
    struct gs_slice key = gs_oid_key(tree);
    struct loaded *found = gs_map_get(&walk->now.trees, key);
    found = found ? found : gs_map_get(&walk->before.trees, key);
    if (found) {
        *out_loaded = *found;
        return GS_OK;
    }
    struct loaded *fresh = gs_arena_alloc(walk->now.arena, sizeof *fresh);
    fresh->id = *tree;
    enum gs_status status = gs_tree_load(walk->mirror, tree, walk->now.arena, &fresh->entries,
                                         &fresh->count, walk->err);
    if (status != GS_OK)
        return status;
    gs_map_put(&walk->now.trees, gs_oid_key(&fresh->id), fresh);
    *out_loaded = *fresh;
    return GS_OK;
}

// ---- Comparing -------------------------------------------------------------------------

// The part of a path that begins at an offset.
static struct gs_slice part_at(const struct path *path, size_t offset)
{
    struct gs_slice rest = gs_slice_str(path->text + offset);
    return gs_slice_split(&rest, '/');
}

static int compare_parts(struct gs_slice a, struct gs_slice b)
{
    int order = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static int compare_paths(const void *a, const void *b)
{
    struct gs_slice left = gs_slice_str(((const struct path *)a)->text);
    struct gs_slice right = gs_slice_str(((const struct path *)b)->text);
    int order = 0;
    while (order == 0 && left.len > 0 && right.len > 0)
        order = compare_parts(gs_slice_split(&left, '/'), gs_slice_split(&right, '/'));
    return order != 0 ? order : (left.len > 0) - (right.len > 0);
}

// Members of the group, which agree in everything before offset.
struct range {
    size_t first, end, offset;
};

// Those of the range whose next part is name.
static struct range narrow(const struct walk *walk, const struct range *range, const char *name)
{
    struct gs_slice wanted = gs_slice_str(name);
    size_t low = range->first, high = range->end;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (compare_parts(part_at(walk->group[middle], range->offset), wanted) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    struct range found = {low, low, range->offset + wanted.len};
    while (found.end < range->end &&
           compare_parts(part_at(walk->group[found.end], range->offset), wanted) == 0)
        found.end++;
    return found;
}

static enum gs_status compare_trees(struct walk *walk, const git_oid *a, const git_oid *b,
                                    const struct range *range);

static const git_oid *folder_of(const struct gs_tree_entry *entry)
{
    static const git_oid none;
    return entry && gs_tree_entry_is_folder(entry) ? &entry->oid : &none;
}

// Something of that name differs; one of the two is NULL when there is nothing.
static enum gs_status note_difference(struct walk *walk, const struct gs_tree_entry *a,
                                      const struct gs_tree_entry *b, const struct range *range)
{
    struct range below = narrow(walk, range, a ? a->name : b->name);
    while (below.first < below.end && walk->group[below.first]->text[below.offset] == 0)
        walk->group[below.first++]->changed = true;
    if (below.first == below.end)
        return GS_OK;
    below.offset++; // the slash
    return compare_trees(walk, folder_of(a), folder_of(b), &below);
}

static bool is_same(const struct gs_tree_entry *a, const struct gs_tree_entry *b)
{
    return a && b && a->mode == b->mode && git_oid_equal(&a->oid, &b->oid);
}

static enum gs_status compare_trees(struct walk *walk, const git_oid *a, const git_oid *b,
                                    const struct range *range)
{
    struct loaded old, new;
    if (git_oid_equal(a, b))
        return GS_OK;
    enum gs_status status = load(walk, a, &new);
    if (status == GS_OK)
        status = load(walk, b, &old);
    for (size_t i = 0, j = 0; status == GS_OK && (i < new.count || j < old.count);) {
        int order = i == new.count   ? 1
                    : j == old.count ? -1
                                     : gs_tree_entry_compare(&new.entries[i], &old.entries[j]);
        const struct gs_tree_entry *left = order <= 0 ? &new.entries[i++] : NULL;
        const struct gs_tree_entry *right = order >= 0 ? &old.entries[j++] : NULL;
        if (!is_same(left, right))
            status = note_difference(walk, left, right, range);
    }
    return status;
}

static enum gs_status compare_group(struct walk *walk, const git_oid *tree, const git_oid *other)
{
    struct range all = {0, walk->group_count, 0};
    for (size_t i = 0; i < walk->group_count; i++)
        walk->group[i]->changed = false;
    return compare_trees(walk, tree, other, &all);
}

// ---- Walking ---------------------------------------------------------------------------

static enum gs_status look_up(struct walk *walk, const git_oid *oid, git_commit **out_commit)
{
    if (git_commit_lookup(out_commit, walk->mirror->repo, oid) != 0)
        return gs_git_fail_mirror(walk->err, "a commit cannot be read");
    return GS_OK;
}

static size_t find_place(struct walk *walk, const git_oid *oid, git_time_t when)
{
    size_t unused = walk->place_count;
    for (size_t i = 0; i < walk->place_count; i++) {
        if (!walk->places[i].used)
            unused = i;
        else if (git_oid_equal(&walk->places[i].commit, oid))
            return i;
    }
    walk->places[unused] = (struct place){*oid, when, true};
    walk->place_count += unused == walk->place_count;
    return unused;
}

// Sends those of the group that are the same in the parent there; the others stay in the group.
static enum gs_status follow_parent(struct walk *walk, const git_oid *tree, const git_oid *parent)
{
    git_commit *commit;
    enum gs_status status = look_up(walk, parent, &commit);
    if (status != GS_OK)
        return status;
    status = compare_group(walk, tree, git_commit_tree_id(commit));
    size_t left = 0, place = NOWHERE;
    for (size_t i = 0; status == GS_OK && i < walk->group_count; i++) {
        if (walk->group[i]->changed) {
            walk->group[left++] = walk->group[i];
            continue;
        }
        if (place == NOWHERE)
            place = find_place(walk, parent, git_commit_time(commit));
        walk->group[i]->at = place;
    }
    walk->group_count = left;
    git_commit_free(commit);
    return status;
}

static enum gs_status take_step(struct walk *walk, size_t from, struct gs_oid *out_commits)
{
    git_commit *commit;
    git_oid oid = walk->places[from].commit;
    enum gs_status status = look_up(walk, &oid, &commit);
    if (status != GS_OK)
        return status;
    walk->group_count = 0;
    for (size_t i = 0; i < walk->count; i++)
        if (walk->paths[i].at == from) {
            walk->paths[i].at = NOWHERE;
            walk->group[walk->group_count++] = &walk->paths[i];
        }
    walk->places[from].used = false;
    unsigned parents = git_commit_parentcount(commit);
    for (unsigned i = 0; status == GS_OK && i < parents && walk->group_count > 0; i++)
        status = follow_parent(walk, git_commit_tree_id(commit), git_commit_parent_id(commit, i));
    for (size_t i = 0; status == GS_OK && i < walk->group_count; i++)
        gs_oid_from_git(&oid, &out_commits[walk->group[i]->index]);
    next_shelf(walk);
    git_commit_free(commit);
    return status;
}

static size_t find_newest(const struct walk *walk)
{
    size_t newest = NOWHERE;
    for (size_t i = 0; i < walk->place_count; i++)
        if (walk->places[i].used &&
            (newest == NOWHERE || walk->places[i].when > walk->places[newest].when))
            newest = i;
    return newest;
}

// Paths that are not there have no commit.
static enum gs_status start(struct walk *walk, const git_oid *head)
{
    static const git_oid none;
    git_commit *commit;
    enum gs_status status = look_up(walk, head, &commit);
    if (status != GS_OK)
        return status;
    for (size_t i = 0; i < walk->count; i++)
        walk->group[i] = &walk->paths[i];
    walk->group_count = walk->count;
    status = compare_group(walk, git_commit_tree_id(commit), &none);
    size_t place = find_place(walk, head, git_commit_time(commit));
    for (size_t i = 0; i < walk->count; i++)
        walk->paths[i].at = walk->paths[i].changed ? place : NOWHERE;
    git_commit_free(commit);
    return status;
}

static enum gs_status run(struct walk *walk, const git_oid *head, size_t budget,
                          struct gs_oid *out_commits)
{
    enum gs_status status = start(walk, head);
    for (size_t from; status == GS_OK && budget > 0; budget--) {
        from = find_newest(walk);
        if (from == NOWHERE)
            break;
        status = take_step(walk, from, out_commits);
    }
    return status;
}

enum gs_status gs_mirror_last_changes(struct gs_mirror *mirror, const struct gs_oid *head,
                                      const char *const *paths, size_t count, size_t budget,
                                      struct gs_oid *out_commits, struct gs_error *err)
{
    GS_CLEANUP(gs_arena_cleanup) struct gs_arena *arena = gs_arena_new();
    struct walk walk = {.mirror = mirror, .arena = arena, .count = count, .err = err};
    git_oid oid;
    gs_oid_to_git(head, &oid);
    walk.paths = gs_arena_array(arena, count, sizeof *walk.paths);
    walk.group = gs_arena_array(arena, count, sizeof *walk.group);
    walk.places = gs_arena_array(arena, count + 1, sizeof *walk.places);
    for (size_t i = 0; i < count; i++) {
        walk.paths[i] = (struct path){.text = paths[i], .index = i};
        out_commits[i] = (struct gs_oid){""};
    }
    qsort(walk.paths, count, sizeof *walk.paths, compare_paths);
    init_shelf(&walk.now);
    init_shelf(&walk.before);
    enum gs_status status = run(&walk, &oid, budget, out_commits);
    release_shelf(&walk.now);
    release_shelf(&walk.before);
    return status;
}
