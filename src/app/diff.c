// What leads from one document to another, entity by entity. Linear in the size of both; takes no
// side.
// SPDX-License-Identifier: Apache-2.0
#include "app/app_internal.h"

struct diff {
    struct gs_arena *arena;
    struct gs_change *changes;
    size_t count, capacity;
};

// Names of members that differ.
struct names {
    struct gs_arena *arena;
    const char **items;
    size_t count, capacity;
};

static void add_name(struct names *names, struct gs_slice name)
{
    names->items = gs_arena_grow(names->arena, names->items, names->count, &names->capacity,
                                 sizeof *names->items);
    names->items[names->count++] = gs_arena_dup_slice(names->arena, name);
}

static void add_change(struct diff *diff, struct gs_change change)
{
    diff->changes = gs_arena_grow(diff->arena, diff->changes, diff->count, &diff->capacity,
                                  sizeof *diff->changes);
    diff->changes[diff->count++] = change;
}

static struct gs_change describe_entity(struct diff *diff, enum gs_change_type kind,
                                        const char *type, yyjson_val *before, yyjson_val *after)
{
    yyjson_val *entity = after ? after : before;
    return (struct gs_change){
        .change = kind,
        .type = type,
        .id = gs_arena_dup_slice(diff->arena, gs_json_get_str(entity, "id")),
        .name = gs_arena_dup_slice(diff->arena, gs_entity_name(entity)),
        .before = before,
        .after = after,
    };
}

// A modified thing with the names of what differs in it; nothing when there are none.
static void add_modified(struct diff *diff, struct gs_change change, struct names *names)
{
    if (names->count == 0)
        return;
    names->items = gs_arena_grow(names->arena, names->items, names->count, &names->capacity,
                                 sizeof *names->items);
    names->items[names->count] = NULL;
    change.members = names->items;
    add_change(diff, change);
}

// ---- Members ------------------------------------------------------------------------------

// The members or elements of both sides.
struct pair {
    struct gs_keyed before, after;
};

static void open_members(struct diff *diff, yyjson_val *before, yyjson_val *after,
                         struct pair *pair)
{
    gs_keyed_members(before, diff->arena, &pair->before);
    gs_keyed_members(after, diff->arena, &pair->after);
}

static void close_pair(struct pair *pair)
{
    gs_keyed_release(&pair->before);
    gs_keyed_release(&pair->after);
}

// Calls back for every key of either side: those of after, then those that are only before.
typedef void visit_fn(void *context, struct gs_slice key, yyjson_val *before, yyjson_val *after);

static void visit_members(struct pair *pair, visit_fn *visit, void *context)
{
    for (size_t i = 0; i < pair->after.count; i++) {
        const struct gs_item *now = &pair->after.items[i];
        const struct gs_item *old = gs_keyed_find(&pair->before, now->key, i);
        visit(context, now->key, old ? old->value : NULL, now->value);
    }
    for (size_t i = 0; i < pair->before.count; i++) {
        const struct gs_item *old = &pair->before.items[i];
        if (!gs_keyed_find(&pair->after, old->key, i))
            visit(context, old->key, old->value, NULL);
    }
}

static void note_difference(void *context, struct gs_slice key, yyjson_val *before,
                            yyjson_val *after)
{
    if (!before || !after || !gs_json_equal(before, after))
        add_name(context, key);
}

static void compare_entity(struct diff *diff, const char *type, yyjson_val *before,
                           yyjson_val *after)
{
    if (gs_json_equal(before, after))
        return;
    struct names names = {.arena = diff->arena};
    struct pair pair;
    open_members(diff, before, after, &pair);
    visit_members(&pair, note_difference, &names);
    close_pair(&pair);
    add_modified(diff, describe_entity(diff, GS_CHANGE_MODIFIED, type, before, after), &names);
}

// ---- Lists of entities ----------------------------------------------------------------------

struct list {
    const char *type;
    struct pair pair;
    struct gs_item **matches; // for each element of after its like before, or NULL
    bool *gone;               // for each element of before
};

static void match_elements(struct diff *diff, struct list *list)
{
    struct pair *pair = &list->pair;
    list->matches = gs_arena_array(diff->arena, pair->after.count, sizeof(struct gs_item *));
    list->gone = gs_arena_array(diff->arena, pair->before.count, sizeof(bool));
    memset(list->gone, true, pair->before.count * sizeof(bool));
    size_t hint = 0;
    for (size_t i = 0; i < pair->after.count; i++) {
        struct gs_item *match = gs_keyed_find(&pair->before, pair->after.items[i].key, hint);
        list->matches[i] = match;
        if (!match)
            continue;
        hint = (size_t)(match - pair->before.items) + 1;
        list->gone[hint - 1] = false;
    }
}

// The elements that both sides have stand in another order.
static bool is_reordered(const struct list *list)
{
    const struct gs_item *last = NULL;
    for (size_t i = 0; i < list->pair.after.count; i++) {
        const struct gs_item *match = list->matches[i];
        if (match && last && match < last)
            return true;
        last = match ? match : last;
    }
    return false;
}

static void add_list_changes(struct diff *diff, const struct list *list)
{
    for (size_t i = 0; i < list->pair.after.count; i++) {
        yyjson_val *after = list->pair.after.items[i].value;
        if (list->matches[i])
            compare_entity(diff, list->type, list->matches[i]->value, after);
        else
            add_change(diff, describe_entity(diff, GS_CHANGE_ADDED, list->type, NULL, after));
    }
    for (size_t i = 0; i < list->pair.before.count; i++) {
        yyjson_val *before = list->pair.before.items[i].value;
        if (list->gone[i])
            add_change(diff, describe_entity(diff, GS_CHANGE_DELETED, list->type, before, NULL));
    }
}

// ---- The app ----------------------------------------------------------------------------------

// What the members of appV2 turn out to be.
struct app_diff {
    struct diff *diff;
    struct names names; // of the app's own members that differ
    struct list *lists;
    size_t count, capacity;
};

// False when this member is no list of entities on one of the sides that have it.
static bool open_list(struct diff *diff, yyjson_val *before, yyjson_val *after, struct list *list)
{
    if (!gs_keyed_elements(before, diff->arena, &list->pair.before))
        return false;
    if (gs_keyed_elements(after, diff->arena, &list->pair.after))
        return true;
    gs_keyed_release(&list->pair.before);
    return false;
}

static void visit_app_member(void *context, struct gs_slice key, yyjson_val *before,
                             yyjson_val *after)
{
    struct app_diff *app = context;
    struct list list = {0};
    if (!open_list(app->diff, before, after, &list)) {
        note_difference(&app->names, key, before, after);
        return;
    }
    list.type = gs_entity_type(key, app->diff->arena);
    match_elements(app->diff, &list);
    // An empty list that comes or goes has no entity that would tell.
    bool bare = list.pair.before.count + list.pair.after.count == 0 && (!before || !after);
    if (bare || is_reordered(&list))
        add_name(&app->names, key);
    app->lists =
        gs_arena_grow(app->diff->arena, app->lists, app->count, &app->capacity, sizeof *app->lists);
    app->lists[app->count++] = list;
}

static void compare_app(struct diff *diff, const struct gs_document *before,
                        const struct gs_document *after)
{
    struct app_diff app = {.diff = diff, .names = {.arena = diff->arena}};
    struct pair members;
    open_members(diff, before->app, after->app, &members);
    visit_members(&members, visit_app_member, &app);
    close_pair(&members);
    struct gs_change change = {
        .change = GS_CHANGE_MODIFIED,
        .type = "app",
        .id = "",
        .name = gs_arena_dup_slice(diff->arena, after->app_name),
        .before = before->app,
        .after = after->app,
    };
    add_modified(diff, change, &app.names);
    for (size_t i = 0; i < app.count; i++) {
        add_list_changes(diff, &app.lists[i]);
        close_pair(&app.lists[i].pair);
    }
}

// ---- The envelope -------------------------------------------------------------------------------

// Members beside those that lead to appV2.
struct level_diff {
    yyjson_val *before, *after; // what leads on
    struct names names;
};

static void visit_level_member(void *context, struct gs_slice key, yyjson_val *before,
                               yyjson_val *after)
{
    struct level_diff *level = context;
    if ((before && before == level->before) || (after && after == level->after))
        before = after = NULL;
    if (before || after)
        note_difference(&level->names, key, before, after);
}

static size_t count_level(struct diff *diff, const struct gs_envelope *before,
                          const struct gs_envelope *after, size_t at, struct names *names)
{
    struct level_diff level = {before->spine[at + 1], after->spine[at + 1], {.arena = diff->arena}};
    struct pair members;
    open_members(diff, before->spine[at], after->spine[at], &members);
    visit_members(&members, visit_level_member, &level);
    close_pair(&members);
    *names = level.names;
    return level.names.count;
}

static enum gs_status compare_envelope(struct diff *diff, yyjson_val *before, yyjson_val *after,
                                       struct gs_error *err)
{
    struct gs_envelope b, a;
    enum gs_status status = gs_envelope_find(before, "the older document", &b, err);
    if (status == GS_OK)
        status = gs_envelope_find(after, "the newer document", &a, err);
    if (status != GS_OK)
        return status;
    struct names names, inner;
    count_level(diff, &b, &a, 0, &names);
    bool moved = b.depth != a.depth;
    for (size_t at = 2; at < GS_SPINE_MAX - 1 && !moved; at++)
        moved = count_level(diff, &b, &a, at, &inner) > 0;
    if (moved)
        add_name(&names, GS_SLICE_LIT("app"));
    struct gs_change change = {
        .change = GS_CHANGE_MODIFIED,
        .type = "document",
        .id = "",
        .name = "",
        .before = before,
        .after = after,
    };
    add_modified(diff, change, &names);
    return GS_OK;
}

enum gs_status gs_document_diff(const struct gs_document *before, const struct gs_document *after,
                                struct gs_arena *arena, struct gs_change **out_changes,
                                size_t *out_count, struct gs_error *err)
{
    struct diff diff = {.arena = arena};
    enum gs_status status = compare_envelope(&diff, yyjson_doc_get_root(before->json),
                                             yyjson_doc_get_root(after->json), err);
    if (status != GS_OK)
        return status;
    compare_app(&diff, before, after);
    *out_changes = diff.changes;
    *out_count = diff.count;
    return GS_OK;
}
