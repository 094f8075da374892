// What the file changes of several commits come to when they are taken for one. Knows no repository.
// SPDX-License-Identifier: Apache-2.0
#include "git/git_internal.h"

// By path, and of one path in the order in which they were made.
static int compare(const void *a, const void *b)
{
    const struct gs_file_change *x = *(const struct gs_file_change *const *)a;
    const struct gs_file_change *y = *(const struct gs_file_change *const *)b;
    int order = strcmp(x->path, y->path);
    return order != 0 ? order : (x > y) - (x < y);
}

// Of the first and the last change of a path; false when nothing is left of them.
static bool join(const struct gs_file_change *first, const struct gs_file_change *last,
                 struct gs_file_change *out)
{
    bool was_there = first->kind != GS_FILE_ADDED, is_there = last->kind != GS_FILE_DELETED;
    *out = *last;
    if (is_there)
        out->kind = was_there ? GS_FILE_MODIFIED : GS_FILE_ADDED;
    return was_there || is_there;
}

void gs_file_changes_join(const struct gs_file_change *changes, size_t count,
                          struct gs_arena *arena, struct gs_file_change **out_changes,
                          size_t *out_count)
{
    const struct gs_file_change **sorted = gs_arena_array(arena, count, sizeof *sorted);
    struct gs_file_change *joined = gs_arena_array(arena, count, sizeof *joined);
    size_t left = 0;
    for (size_t i = 0; i < count; i++)
        sorted[i] = &changes[i];
    if (count > 0)
        qsort(sorted, count, sizeof *sorted, compare);
    for (size_t i = 0, end; i < count; i = end) {
        for (end = i + 1; end < count && strcmp(sorted[end]->path, sorted[i]->path) == 0;)
            end++;
        left += join(sorted[i], sorted[end - 1], &joined[left]);
    }
    *out_changes = joined;
    *out_count = left;
}
