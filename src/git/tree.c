// Reads tree objects: "<octal mode> <name>\0<20 bytes>", sorted (gitformat-pack's objects as git
// hash-object makes them). Modes and names are carried as they are, so that what others wrote is
// written back unchanged.
// SPDX-License-Identifier: Apache-2.0
#include "git/git_internal.h"

enum { MODE_MAX = 0177777, TYPE_MASK = 0170000, TYPE_FILE = 0100000, TYPE_SUBMODULE = 0160000 };

bool gs_tree_entry_is_folder(const struct gs_tree_entry *entry)
{
    return (entry->mode & TYPE_MASK) == GS_MODE_FOLDER;
}

bool gs_tree_entry_is_file(const struct gs_tree_entry *entry)
{
    return (entry->mode & TYPE_MASK) == TYPE_FILE;
}

bool gs_tree_entry_is_submodule(const struct gs_tree_entry *entry)
{
    return (entry->mode & TYPE_MASK) == TYPE_SUBMODULE;
}

// The byte behind the common part: NUL for a file, '/' for a folder.
static int end_byte(const struct gs_tree_entry *entry, size_t at)
{
    unsigned char c = (unsigned char)entry->name[at];
    return c == 0 && gs_tree_entry_is_folder(entry) ? '/' : c;
}

int gs_tree_entry_compare(const struct gs_tree_entry *a, const struct gs_tree_entry *b)
{
    size_t at = 0;
    while (a->name[at] && a->name[at] == b->name[at])
        at++;
    return end_byte(a, at) - end_byte(b, at);
}

static const struct gs_tree_entry *find_as(const struct gs_tree_entry *entries, size_t count,
                                           const struct gs_tree_entry *wanted)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = gs_tree_entry_compare(&entries[middle], wanted);
        if (order == 0)
            return &entries[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const struct gs_tree_entry *gs_tree_find(const struct gs_tree_entry *entries, size_t count,
                                         const char *name)
{
    struct gs_tree_entry wanted = {.name = name, .mode = GS_MODE_FILE};
    const struct gs_tree_entry *entry = find_as(entries, count, &wanted);
    if (entry)
        return entry;
    wanted.mode = GS_MODE_FOLDER;
    return find_as(entries, count, &wanted);
}

static bool take_mode(struct gs_slice *rest, uint32_t *out_mode)
{
    uint32_t mode = 0;
    size_t n = 0;
    for (; n < rest->len && rest->data[n] >= '0' && rest->data[n] <= '7'; n++) {
        mode = mode * 8 + (uint32_t)(rest->data[n] - '0');
        if (mode > MODE_MAX)
            return false;
    }
    if (n == 0 || n == rest->len || rest->data[n] != ' ')
        return false;
    *out_mode = mode;
    *rest = gs_slice_of(rest->data + n + 1, rest->len - n - 1);
    return true;
}

// The name stays where it is: the object has a NUL behind it.
static bool take_entry(struct gs_slice *rest, struct gs_tree_entry *out_entry)
{
    if (!take_mode(rest, &out_entry->mode))
        return false;
    const char *end = memchr(rest->data, 0, rest->len);
    if (!end || end == rest->data || memchr(rest->data, '/', (size_t)(end - rest->data)))
        return false;
    size_t used = (size_t)(end - rest->data) + 1 + GIT_OID_RAWSZ;
    if (used > rest->len)
        return false;
    out_entry->name = rest->data;
    memcpy(out_entry->oid.id, end + 1, GIT_OID_RAWSZ);
    *rest = gs_slice_of(rest->data + used, rest->len - used);
    return true;
}

// SIZE_MAX when the object is malformed.
static size_t count_entries(struct gs_slice rest)
{
    size_t count = 0;
    struct gs_tree_entry entry;
    for (; rest.len > 0; count++)
        if (!take_entry(&rest, &entry))
            return SIZE_MAX;
    return count;
}

static bool parse_entries(struct gs_slice rest, struct gs_tree_entry *entries, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!take_entry(&rest, &entries[i]))
            return false;
        if (i > 0 && gs_tree_entry_compare(&entries[i - 1], &entries[i]) >= 0)
            return false;
    }
    return true;
}

// Git knows the empty tree without storing it, so a mirror may have commits of it and not the
// object.
static bool is_empty(const git_oid *tree)
{
    static const git_oid known = {{0x4b, 0x82, 0x5d, 0xc6, 0x42, 0xcb, 0x6e, 0xb9, 0xa0, 0x60,
                                   0xe5, 0x4b, 0xf8, 0xd6, 0x92, 0x88, 0xfb, 0xee, 0x49, 0x04}};
    return git_oid_is_zero(tree) || git_oid_equal(tree, &known);
}

static enum gs_status fail_malformed(const git_oid *tree, struct gs_error *err)
{
    struct gs_oid oid;
    gs_oid_from_git(tree, &oid);
    return gs_fail(err, GS_CODE_LAYOUT_UNSUPPORTED, NULL,
                   "the repository has a malformed folder (tree %s)", oid.hex);
}

enum gs_status gs_tree_load(struct gs_mirror *mirror, const git_oid *tree, struct gs_arena *arena,
                            struct gs_tree_entry **out_entries, size_t *out_count,
                            struct gs_error *err)
{
    if (is_empty(tree)) {
        *out_entries = NULL;
        *out_count = 0;
        return GS_OK;
    }
    GS_CLEANUP(gs_object_cleanup) git_odb_object *object = NULL;
    enum gs_status status =
        gs_object_read(mirror, tree, GIT_OBJECT_TREE, GS_GIT_TREE_MAX, &object, err);
    if (status != GS_OK)
        return status;
    struct gs_slice raw = gs_slice_of(git_odb_object_data(object), git_odb_object_size(object));
    size_t count = count_entries(raw);
    if (count == SIZE_MAX)
        return fail_malformed(tree, err);
    raw.data = gs_arena_dup_slice(arena, raw);
    struct gs_tree_entry *entries = gs_arena_array(arena, count, sizeof *entries);
    if (!parse_entries(raw, entries, count))
        return fail_malformed(tree, err);
    *out_entries = entries;
    *out_count = count;
    return GS_OK;
}
