// The one walk over a document that finds secrets, needs and modules. Knows neither git nor the store.
// SPDX-License-Identifier: Apache-2.0
#include "app/app_internal.h"
#include "app/scan_internal.h"

enum { PATH_MAX_BYTES = 1024, INDEX_MAX_DIGITS = 20 };

// Where the walk is: in the options of a data source every member is an option, elsewhere only what says that it is
// encrypted or not.
enum zone { ZONE_ANY, ZONE_SOURCES, ZONE_SOURCE, ZONE_OPTIONS };

// One step down from the root. Pointers are written only for what is found.
struct step {
    const struct step *up; // NULL: the root
    struct gs_slice key;   // data NULL: an element
    size_t index;
    enum zone zone; // of the value that it leads to
};

// ---- What was found ----------------------------------------------------------------------

// False: from here on downwards it would be too long, and *path is that of an ancestor.
static bool write_path(struct gs_arena *arena, const struct step *step, const char **path)
{
    char digits[INDEX_MAX_DIGITS + 1];
    if (!step->up)
        return true;
    if (!write_path(arena, step->up, path))
        return false;
    struct gs_slice name = step->key;
    if (!name.data) {
        snprintf(digits, sizeof digits, "%zu", step->index);
        name = gs_slice_str(digits);
    }
    if (strlen(*path) + name.len >= PATH_MAX_BYTES)
        return false;
    *path = gs_json_pointer(arena, *path, name);
    return true;
}

static void add_secret(struct gs_scanner *scanner, const struct step *at, struct gs_slice key)
{
    struct gs_scan *found = &scanner->found;
    if (found->secret_count++ >= GS_SCAN_SECRETS_MAX)
        return;
    size_t listed = found->secret_count - 1;
    found->secrets = gs_arena_grow(scanner->arena, found->secrets, listed,
                                   &scanner->secret_capacity, sizeof *found->secrets);
    const char *path = "";
    (void)write_path(scanner->arena, at, &path);
    key.len = key.len < GS_CONSTANT_NAME_MAX ? key.len : GS_CONSTANT_NAME_MAX;
    found->secrets[listed] = (struct gs_secret){
        .path = path,
        .key = gs_arena_dup_slice(scanner->arena, gs_slice_trim_utf8(key)),
    };
}

// False when it was there, or cannot be a name.
static bool is_new(struct gs_scanner *scanner, char kind, struct gs_slice name)
{
    if (name.len == 0 || name.len > GS_CONSTANT_NAME_MAX || gs_slice_has_nul(name))
        return false;
    struct gs_slice key =
        gs_slice_str(gs_arena_printf(scanner->arena, "%c%.*s", kind, GS_SLICE_ARG(name)));
    if (gs_map_get(&scanner->seen, key))
        return false;
    gs_map_put(&scanner->seen, key, scanner);
    return true;
}

void gs_scan_add_need(struct gs_scanner *scanner, enum gs_need_kind kind, struct gs_slice name)
{
    struct gs_scan *found = &scanner->found;
    if (found->need_count == GS_SCAN_NEEDS_MAX ||
        !is_new(scanner, gs_need_kind_text(kind)[0], name))
        return;
    found->needs = gs_arena_grow(scanner->arena, found->needs, found->need_count,
                                 &scanner->need_capacity, sizeof *found->needs);
    found->needs[found->need_count++] =
        (struct gs_need){kind, gs_arena_dup_slice(scanner->arena, name)};
}

static void add_module(struct gs_scanner *scanner, struct gs_slice id)
{
    struct gs_scan *found = &scanner->found;
    if (found->module_count == GS_SCAN_MODULES_MAX || !is_new(scanner, 'm', id))
        return;
    found->modules = gs_arena_grow(scanner->arena, found->modules, found->module_count,
                                   &scanner->module_capacity, sizeof *found->modules);
    found->modules[found->module_count++] = gs_arena_dup_slice(scanner->arena, id);
}

// ---- What a member is --------------------------------------------------------------------

static bool is_secret_text(yyjson_val *value)
{
    return yyjson_is_raw(value) ||
           (yyjson_is_str(value) && !gs_text_is_reference(gs_json_str(value)));
}

static void check_value(struct gs_scanner *scanner, yyjson_val *value, const struct step *at,
                        struct gs_slice key)
{
    if (is_secret_text(value))
        add_secret(scanner, at, key);
}

// {"value":…,"encrypted":…}, as options are written; inside of a data source also without the second, or the bare value.
static void check_option(struct gs_scanner *scanner, yyjson_val *option, const struct step *at,
                         struct gs_slice key)
{
    struct step below = {.up = at, .key = GS_SLICE_LIT("value")};
    if (!yyjson_is_obj(option)) {
        if (at->zone == ZONE_OPTIONS)
            check_value(scanner, option, at, key);
        return;
    }
    yyjson_val *encrypted = yyjson_obj_get(option, "encrypted");
    if (yyjson_is_true(encrypted) || (!encrypted && at->zone != ZONE_OPTIONS))
        return;
    check_value(scanner, yyjson_obj_get(option, "value"), &below, key);
}

static void check_module(struct gs_scanner *scanner, yyjson_val *value)
{
    struct gs_slice id =
        yyjson_is_obj(value) ? gs_json_get_str(value, "value") : gs_json_str(value);
    if (!gs_text_is_reference(id))
        add_module(scanner, id);
}

static void check_member(struct gs_scanner *scanner, yyjson_val *value, const struct step *at)
{
    if (gs_slice_eq_str(at->key, "workflowApiToken"))
        check_value(scanner, value, at, at->key);
    else if (gs_slice_eq_str(at->key, "moduleAppId"))
        check_module(scanner, value);
    else if ((yyjson_is_obj(value) || at->zone == ZONE_OPTIONS) && gs_key_names_secret(at->key))
        check_option(scanner, value, at, at->key);
}

// {"key":"password","value":…} and, as headers are written, ["Authorization", …].
static void check_element(struct gs_scanner *scanner, yyjson_val *value, const struct step *at)
{
    struct gs_slice key = gs_json_get_str(value, "key");
    if (key.len > 0 && gs_key_names_secret(key))
        check_option(scanner, value, at, key);
    if (at->zone != ZONE_OPTIONS || yyjson_arr_size(value) != 2)
        return;
    key = gs_json_str(yyjson_arr_get_first(value));
    struct step below = {.up = at, .index = 1};
    if (key.len > 0 && gs_key_names_secret(key))
        check_value(scanner, yyjson_arr_get_last(value), &below, key);
}

// ---- The walk ----------------------------------------------------------------------------

static enum zone zone_of_member(enum zone zone, struct gs_slice key)
{
    if (zone == ZONE_OPTIONS)
        return ZONE_OPTIONS;
    if (zone == ZONE_SOURCE)
        return gs_slice_eq_str(key, "options") ? ZONE_OPTIONS : ZONE_ANY;
    bool sources = gs_slice_eq_str(key, "dataSourceOptions") || gs_slice_eq_str(key, "dataSources");
    return sources ? ZONE_SOURCES : ZONE_ANY;
}

static enum zone zone_of_element(enum zone zone)
{
    return zone == ZONE_SOURCES ? ZONE_SOURCE : zone;
}

// The parser bounds how deep this goes.
static void walk(struct gs_scanner *scanner, yyjson_val *value, const struct step *at)
{
    size_t i, n;
    yyjson_val *key, *item;
    struct step below = {.up = at};
    if (yyjson_is_str(value))
        gs_scan_needs(scanner, gs_json_str(value));
    yyjson_obj_foreach(value, i, n, key, item)
    {
        below.key = gs_json_str(key);
        below.zone = zone_of_member(at->zone, below.key);
        check_member(scanner, item, &below);
        walk(scanner, item, &below);
    }
    below.key = GS_SLICE_EMPTY;
    below.zone = zone_of_element(at->zone);
    yyjson_arr_foreach(value, i, n, item)
    {
        below.index = i;
        check_element(scanner, item, &below);
        walk(scanner, item, &below);
    }
}

void gs_document_scan(const struct gs_document *document, struct gs_arena *arena,
                      struct gs_scan *out_scan)
{
    struct gs_scanner scanner = {.arena = arena};
    struct step root = {.up = NULL};
    gs_map_init(&scanner.seen);
    walk(&scanner, yyjson_doc_get_root(document->json), &root);
    gs_map_release(&scanner.seen);
    *out_scan = scanner.found;
}

bool gs_scan_is_empty(const struct gs_scan *scan)
{
    return scan->secret_count == 0 && scan->need_count == 0 && scan->module_count == 0;
}
