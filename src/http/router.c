// Finds the row of the route table for a method and a path. Knows patterns, not what the routes do.
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>

#include "http/http_internal.h"

struct part {
    bool is_capture;
    const char *text; // literal, or the capture's name
};

struct gs_http_row {
    const struct gs_http_route *route;
    struct part parts[GS_HTTP_SEGMENTS_MAX];
    size_t part_count;
};

struct gs_http_router {
    struct gs_arena *arena;   // of the texts
    struct gs_http_row *rows; // more literal ones first
    size_t count;
};

static void compile(struct gs_arena *arena, const struct gs_http_route *route,
                    struct gs_http_row *row)
{
    assert(route->pattern[0] == '/');
    row->route = route;
    struct gs_slice rest = gs_slice_str(route->pattern + 1);
    do {
        assert(row->part_count < GS_HTTP_SEGMENTS_MAX);
        struct gs_slice text = gs_slice_split(&rest, '/');
        bool is_capture = gs_slice_starts(text, ":");
        if (is_capture)
            text = gs_slice_of(text.data + 1, text.len - 1);
        row->parts[row->part_count++] =
            (struct part){.is_capture = is_capture, .text = gs_arena_dup_slice(arena, text)};
    } while (rest.len > 0);
}

// Literals before captures, at the first segment where two patterns differ.
static int compare_shapes(const struct gs_http_row *a, const struct gs_http_row *b)
{
    if (a->part_count != b->part_count)
        return a->part_count < b->part_count ? -1 : 1;
    for (size_t i = 0; i < a->part_count; i++) {
        const struct part *x = &a->parts[i], *y = &b->parts[i];
        if (x->is_capture != y->is_capture)
            return x->is_capture ? 1 : -1;
        int order = x->is_capture ? 0 : strcmp(x->text, y->text);
        if (order != 0)
            return order;
    }
    return 0;
}

static int compare_rows(const void *a, const void *b)
{
    const struct gs_http_row *x = a, *y = b;
    int order = compare_shapes(x, y);
    return order != 0 ? order : strcmp(x->route->method, y->route->method);
}

struct gs_http_router *gs_http_router_new(const struct gs_http_route *routes, size_t count)
{
    struct gs_http_router *router = gs_xcalloc(1, sizeof *router);
    router->arena = gs_arena_new();
    router->rows = gs_xcalloc(count, sizeof *router->rows);
    router->count = count;
    for (size_t i = 0; i < count; i++)
        compile(router->arena, &routes[i], &router->rows[i]);
    qsort(router->rows, count, sizeof *router->rows, compare_rows);
    for (size_t i = 1; i < count; i++)
        assert(compare_rows(&router->rows[i - 1], &router->rows[i]) != 0);
    return router;
}

void gs_http_router_free(struct gs_http_router *router)
{
    if (!router)
        return;
    gs_arena_free(router->arena);
    free(router->rows);
    free(router);
}

// An id is never a step in the folder tree, whoever uses it for one later.
static bool is_capturable(const char *segment)
{
    return segment[0] != 0 && strcmp(segment, ".") != 0 && strcmp(segment, "..") != 0;
}

static bool has_path(const struct gs_http_row *row, const struct gs_http_target *target)
{
    if (row->part_count != target->segment_count)
        return false;
    for (size_t i = 0; i < row->part_count; i++) {
        const struct part *part = &row->parts[i];
        const char *segment = target->segments[i];
        if (part->is_capture ? !is_capturable(segment) : strcmp(part->text, segment) != 0)
            return false;
    }
    return true;
}

static const struct gs_http_row *find(const struct gs_http_router *router, const char *method,
                                      const struct gs_http_target *target)
{
    for (size_t i = 0; i < router->count; i++) {
        const struct gs_http_row *row = &router->rows[i];
        if (strcmp(row->route->method, method) == 0 && has_path(row, target))
            return row;
    }
    return NULL;
}

const struct gs_http_row *gs_http_router_find(const struct gs_http_router *router,
                                              const char *method,
                                              const struct gs_http_target *target)
{
    const struct gs_http_row *row = find(router, method, target);
    if (!row && strcmp(method, "HEAD") == 0)
        row = find(router, "GET", target);
    return row;
}

static bool is_listed(const char *list, const char *method)
{
    struct gs_slice rest = gs_slice_str(list);
    while (rest.len > 0)
        if (gs_slice_eq_str(gs_slice_trim(gs_slice_split(&rest, ',')), method))
            return true;
    return false;
}

const char *gs_http_router_allow(const struct gs_http_router *router, struct gs_arena *arena,
                                 const struct gs_http_target *target)
{
    const char *list = NULL;
    for (size_t i = 0; i < router->count; i++) {
        const char *method = router->rows[i].route->method;
        if (!has_path(&router->rows[i], target) || is_listed(list ? list : "", method))
            continue;
        list = list ? gs_arena_printf(arena, "%s, %s", list, method) : method;
    }
    if (!list)
        return NULL;
    bool add_head = is_listed(list, "GET") && !is_listed(list, "HEAD");
    return gs_arena_printf(arena, "%s%s%s", list, add_head ? ", HEAD" : "",
                           is_listed(list, "OPTIONS") ? "" : ", OPTIONS");
}

const struct gs_http_route *gs_http_row_route(const struct gs_http_row *row)
{
    return row->route;
}

const char *gs_http_row_param(const struct gs_http_row *row, const struct gs_http_target *target,
                              const char *name)
{
    for (size_t i = 0; i < row->part_count; i++)
        if (row->parts[i].is_capture && strcmp(row->parts[i].text, name) == 0)
            return target->segments[i];
    return NULL;
}
