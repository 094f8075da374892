// Remembers for which refs a mirror has everything, in the repository's own packed-refs file, so
// that git itself sees them as refs/gitsync/…. Knows neither objects nor hosts.
// SPDX-License-Identifier: Apache-2.0
//
// A ref of the host has one entry, which moves when the ref is fetched or pushed again: 2,000
// pushes to a branch leave one. The list says what a mirror certainly has (gs_mirror_has), and what
// it tells the host before a fetch. It has at most GS_GIT_KEPT_MAX entries; beyond that another
// one, any, is forgotten, which costs one more small fetch at most.
#include "base/files.h"
#include "base/random.h"
#include "git/git_internal.h"

enum { FILE_MAX = 1 << 20 };

static const char file_name[] = "packed-refs";
static const char prefix[] = "refs/gitsync/";

// Where the host's "refs/heads/main" is kept: "refs/gitsync/heads/main".
static char *kept_name(const char *ref)
{
    const char *tail = strncmp(ref, "refs/", 5) == 0 ? ref + 5 : ref;
    size_t size = strlen(prefix) + strlen(tail) + 1;
    char *name = gs_xcalloc(size, 1);
    snprintf(name, size, "%s%s", prefix, tail);
    return name;
}

// Where name is, or where it belongs.
static size_t position_of(const struct gs_kept *kept, const char *name, bool *out_found)
{
    size_t low = 0, high = kept->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(kept->refs[middle].name, name);
        if (order == 0) {
            *out_found = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *out_found = false;
    return low;
}

static void remove_at(struct gs_kept *kept, size_t at)
{
    free(kept->refs[at].name);
    kept->count--;
    memmove(kept->refs + at, kept->refs + at + 1, (kept->count - at) * sizeof *kept->refs);
}

// Takes the name. The list has room.
static void set(struct gs_kept *kept, char *name, const git_oid *oid)
{
    bool found;
    size_t at = position_of(kept, name, &found);
    if (found) {
        kept->refs[at].oid = *oid;
        free(name);
        return;
    }
    memmove(kept->refs + at + 1, kept->refs + at, (kept->count - at) * sizeof *kept->refs);
    kept->refs[at] = (struct gs_kept_ref){name, *oid};
    kept->count++;
}

static bool is_below(const char *name, const char *folder)
{
    size_t len = strlen(folder);
    return strncmp(name, folder, len) == 0 && name[len] == '/';
}

// The host cannot have both a branch "a" and a branch "a/b", so the one that is in the way is gone
// there.
static void remove_conflicting(struct gs_kept *kept, const char *name)
{
    for (size_t i = kept->count; i-- > 0;)
        if (is_below(kept->refs[i].name, name) || is_below(name, kept->refs[i].name))
            remove_at(kept, i);
}

static bool parse_line(struct gs_kept *kept, struct gs_slice line)
{
    if (line.len == 0 || line.data[0] == '#' || line.data[0] == '^')
        return true;
    struct gs_slice digits = gs_slice_split(&line, ' ');
    struct gs_oid oid;
    if (!gs_oid_parse(digits, &oid) || line.len == 0 || gs_slice_has_nul(line))
        return false;
    if (!gs_slice_starts(line, prefix) || kept->count == GS_GIT_KEPT_MAX)
        return true;
    char *name = gs_xcalloc(line.len + 1, 1);
    memcpy(name, line.data, line.len);
    git_oid id;
    gs_oid_to_git(&oid, &id);
    set(kept, name, &id);
    return true;
}

static enum gs_status read_file(const char *folder, struct gs_buf *text, struct gs_error *err)
{
    char path[GS_GIT_PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", folder, file_name);
    struct gs_error cause = GS_ERROR_INIT;
    enum gs_status status = gs_file_read(path, text, &cause);
    if (status == GS_NOT_FOUND)
        status = GS_OK;
    if (status != GS_OK)
        status = gs_fail(err, GS_CODE_INTERNAL, NULL, "the mirror is damaged: %s", cause.message);
    gs_error_release(&cause);
    return status;
}

enum gs_status gs_kept_load(const char *folder, struct gs_kept *out_kept, struct gs_error *err)
{
    GS_CLEANUP(gs_buf_release) struct gs_buf text;
    gs_buf_init(&text, FILE_MAX);
    enum gs_status status = read_file(folder, &text, err);
    if (status != GS_OK)
        return status;
    struct gs_kept kept = {0};
    for (struct gs_slice rest = gs_buf_slice(&text); rest.len > 0;) {
        if (parse_line(&kept, gs_slice_split(&rest, '\n')))
            continue;
        gs_kept_release(&kept);
        return gs_fail(err, GS_CODE_INTERNAL, NULL, "the mirror is damaged: its %s is malformed",
                       file_name);
    }
    *out_kept = kept;
    return GS_OK;
}

void gs_kept_release(struct gs_kept *kept)
{
    for (size_t i = 0; i < kept->count; i++)
        free(kept->refs[i].name);
    kept->count = 0;
}

bool gs_kept_has(const struct gs_kept *kept, const git_oid *oid)
{
    for (size_t i = 0; i < kept->count; i++)
        if (git_oid_equal(&kept->refs[i].oid, oid))
            return true;
    return false;
}

const git_oid *gs_kept_find(const struct gs_kept *kept, const char *ref)
{
    char *name = kept_name(ref);
    bool found;
    size_t at = position_of(kept, name, &found);
    free(name);
    return found ? &kept->refs[at].oid : NULL;
}

static enum gs_status save(const struct gs_kept *kept, const char *folder, struct gs_error *err)
{
    GS_CLEANUP(gs_buf_release) struct gs_buf text;
    gs_buf_init(&text, FILE_MAX);
    gs_buf_append_str(&text, "# pack-refs with: sorted \n");
    for (size_t i = 0; i < kept->count; i++) {
        struct gs_oid oid;
        gs_oid_from_git(&kept->refs[i].oid, &oid);
        gs_buf_printf(&text, "%s %s\n", oid.hex, kept->refs[i].name);
    }
    enum gs_status status = gs_buf_check(&text, "the list of complete refs", err);
    if (status != GS_OK)
        return status;
    struct gs_slice part = gs_buf_slice(&text);
    return gs_disk_write(folder, file_name, &part, 1, err);
}

enum gs_status gs_kept_put(struct gs_kept *kept, const char *folder, const char *ref,
                           const git_oid *oid, struct gs_error *err)
{
    const git_oid *before = gs_kept_find(kept, ref);
    if (before && git_oid_equal(before, oid))
        return GS_OK;
    char *name = kept_name(ref);
    if (!before) {
        remove_conflicting(kept, name);
        if (kept->count == GS_GIT_KEPT_MAX)
            remove_at(kept, gs_random_below(GS_GIT_KEPT_MAX));
    }
    set(kept, name, oid);
    return save(kept, folder, err);
}
