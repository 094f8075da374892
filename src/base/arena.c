// A chain of chunks with a bump pointer in the newest one; large requests get a chunk of their own.
// SPDX-License-Identifier: Apache-2.0
#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>

enum { CHUNK_SIZE = 8192, ALIGNMENT = 16 };

struct chunk {
    struct chunk *next;
    size_t used;
    size_t size;
    _Alignas(ALIGNMENT) unsigned char data[];
};

struct gs_arena {
    struct chunk *head;
};

void *gs_xcalloc(size_t count, size_t size)
{
    void *p = calloc(count ? count : 1, size ? size : 1);
    if (!p) {
        fputs("gitsync: out of memory\n", stderr);
        abort();
    }
    return p;
}

char *gs_xstrdup(const char *s)
{
    if (!s)
        return NULL;
    size_t n = strlen(s) + 1;
    return memcpy(gs_xcalloc(n, 1), s, n);
}

struct gs_arena *gs_arena_new(void)
{
    return gs_xcalloc(1, sizeof(struct gs_arena));
}

void gs_arena_free(struct gs_arena *arena)
{
    if (!arena)
        return;
    for (struct chunk *c = arena->head; c;) {
        struct chunk *next = c->next;
        free(c);
        c = next;
    }
    free(arena);
}

void gs_arena_cleanup(struct gs_arena **arena)
{
    gs_arena_free(*arena);
}

static struct chunk *add_chunk(struct gs_arena *arena, size_t size)
{
    struct chunk *c = gs_xcalloc(1, sizeof *c + size);
    c->size = size;
    // A chunk for one large block goes behind the current one, which still has room.
    if (arena->head && size > CHUNK_SIZE) {
        c->next = arena->head->next;
        arena->head->next = c;
    } else {
        c->next = arena->head;
        arena->head = c;
    }
    return c;
}

void *gs_arena_alloc(struct gs_arena *arena, size_t size)
{
    if (size > SIZE_MAX / 2)
        abort();
    size = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    struct chunk *c = arena->head;
    if (!c || c->size - c->used < size)
        c = add_chunk(arena, size > CHUNK_SIZE ? size : CHUNK_SIZE);
    void *p = c->data + c->used;
    c->used += size;
    return p;
}

void *gs_arena_array(struct gs_arena *arena, size_t count, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(count, size, &total))
        abort();
    return gs_arena_alloc(arena, total);
}

char *gs_arena_dup_slice(struct gs_arena *arena, struct gs_slice s)
{
    char *copy = gs_arena_alloc(arena, s.len + 1);
    if (s.len)
        memcpy(copy, s.data, s.len);
    return copy;
}

char *gs_arena_strdup(struct gs_arena *arena, const char *s)
{
    return s ? gs_arena_dup_slice(arena, gs_slice_str(s)) : NULL;
}

char *gs_arena_printf(struct gs_arena *arena, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    size_t size = n < 0 ? 1 : (size_t)n + 1;
    char *text = gs_arena_alloc(arena, size);
    va_start(args, fmt);
    vsnprintf(text, size, fmt, args);
    va_end(args);
    return text;
}
