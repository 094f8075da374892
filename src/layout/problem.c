// A growing list of what is odd in a repository. Knows nothing of what is.
// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>

#include "layout/layout_internal.h"

enum { MESSAGE_MAX = 2048 };

void gs_problems_add(struct gs_problems *problems, const char *code, const char *path,
                     const char *fmt, ...)
{
    if (!problems)
        return;
    if (problems->count == problems->capacity) {
        problems->capacity = problems->capacity ? problems->capacity * 2 : 4;
        struct gs_problem *grown =
            gs_arena_array(problems->arena, problems->capacity, sizeof *grown);
        if (problems->count > 0)
            memcpy(grown, problems->items, problems->count * sizeof *grown);
        problems->items = grown;
    }
    char message[MESSAGE_MAX];
    va_list args;
    va_start(args, fmt);
    vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    struct gs_slice whole = gs_slice_trim_utf8(gs_slice_str(message));
    problems->items[problems->count++] =
        (struct gs_problem){.code = gs_arena_strdup(problems->arena, code),
                            .path = gs_arena_strdup(problems->arena, path),
                            .message = gs_arena_dup_slice(problems->arena, whole)};
}
