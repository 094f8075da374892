// Metadata files. The first byte chooses which one the rest becomes ('m', 'a', 'o': .meta/meta.json, appMeta.json, moduleMeta.json), in a
// tree with one app of each layout. Reading must answer; a push of that app must leave every other entry as it was.
// SPDX-License-Identifier: Apache-2.0
#include "fuzz.h"

static const char document[] =
    "{\n  \"app\": [\n    {\n      \"definition\": {\n        \"appV2\": {\n          \"id\": "
    "\"a\",\n"
    "          \"name\": \"A\",\n          \"slug\": \"a\",\n          \"appVersions\": [\n"
    "            {\n              \"id\": \"v\",\n              \"name\": \"v1\"\n            }\n"
    "          ],\n          \"editingVersion\": {\n            \"id\": \"v\",\n"
    "            \"name\": \"v1\"\n          }\n        }\n      }\n    }\n  ],\n"
    "  \"tooljet_version\": \"3.20.0\"\n}";

static const char entity_app[] = "{\"id\":\"a\",\"name\":\"A\",\"tooljetVersion\":\"3.21.0\"}";
static const char entity_version[] = "{\"id\":\"v\"}";

static const char *meta_path(char kind)
{
    return kind == 'a'   ? ".meta/appMeta.json"
           : kind == 'o' ? ".meta/moduleMeta.json"
                         : ".meta/meta.json";
}

static bool read_catalog(struct gs_mirror *mirror, const struct gs_oid *commit,
                         struct gs_arena *arena, struct gs_catalog *out_catalog)
{
    struct gs_error err = GS_ERROR_INIT;
    return FUZZ_OK(gs_catalog_read(mirror, commit, arena, out_catalog, &err), &err);
}

static void check_apps(struct gs_mirror *mirror, const struct gs_oid *commit,
                       const struct gs_catalog *catalog, struct gs_arena *arena)
{
    struct gs_error err = GS_ERROR_INIT;
    struct gs_check check;
    for (size_t i = 0; i < catalog->count; i++) {
        struct gs_git_version version;
        struct gs_slice text;
        FUZZ_CHECK(gs_catalog_find(catalog, catalog->apps[i].id) != NULL);
        (void)FUZZ_OK(gs_layout_read_version(mirror, commit, catalog->layout, &catalog->apps[i],
                                             arena, &version, &err),
                      &err);
        (void)fuzz_read(mirror, commit, catalog, &catalog->apps[i], arena, &text);
    }
    FUZZ_MUST(gs_layout_check(mirror, commit, arena, &check, &err), &err);
    FUZZ_CHECK(check.catalog.count == catalog->count);
}

// Whether the catalog after still has all apps of the one before, at their places.
static void expect_all(const struct gs_catalog *before, const struct gs_catalog *after)
{
    for (size_t i = 0; i < before->count; i++) {
        const struct gs_git_app *app = gs_catalog_find(after, before->apps[i].id);
        FUZZ_CHECK(app != NULL);
        if (strcmp(app->id, "a") != 0)
            FUZZ_CHECK(strcmp(app->path, before->apps[i].path) == 0);
    }
}

static void check_push(struct gs_mirror *mirror, const struct gs_oid *commit,
                       const struct gs_catalog *catalog, struct gs_arena *arena)
{
    struct gs_error err = GS_ERROR_INIT;
    struct gs_edit *edits;
    size_t count;
    struct gs_oid pushed;
    struct gs_catalog after;
    struct gs_layout_push push = {.git_app_id = "a",
                                  .app_name = "A",
                                  .version_id = "v",
                                  .version_name = "v1",
                                  .message = "m",
                                  .user = "u",
                                  .when_ms = 1,
                                  .document = gs_slice_str(document)};
    enum gs_layout layout =
        catalog->layout == GS_LAYOUT_NONE ? GS_LAYOUT_SINGLE_FILE : catalog->layout;
    if (!FUZZ_OK(gs_layout_plan_push(mirror, commit, layout, &push, arena, &edits, &count, &err),
                 &err) ||
        !fuzz_commit(mirror, commit, edits, count, arena, &pushed))
        return;
    FUZZ_CHECK(read_catalog(mirror, &pushed, arena, &after));
    expect_all(catalog, &after);
    FUZZ_CHECK(gs_catalog_find(&after, "a") != NULL);
    FUZZ_MUST(gs_layout_plan_push(mirror, &pushed, layout, &push, arena, &edits, &count, &err),
              &err);
    FUZZ_CHECK(count == 0);
}

void fuzz_one(struct gs_slice input)
{
    if (input.len == 0)
        return;
    GS_CLEANUP(gs_arena_cleanup) struct gs_arena *arena = gs_arena_new();
    struct gs_mirror *mirror = fuzz_mirror();
    struct gs_oid commit = {""};
    struct gs_catalog catalog;
    const struct gs_edit edits[] = {
        {.path = "A/v1.json", .content = gs_slice_str(document)},
        {.path = "apps/A/app/app.json", .content = gs_slice_str(entity_app)},
        {.path = "apps/A/versions/v.json", .content = gs_slice_str(entity_version)},
        {.path = meta_path(input.data[0]), .content = gs_slice_of(input.data + 1, input.len - 1)},
    };
    if (!fuzz_commit(mirror, &commit, edits, GS_COUNT(edits), arena, &commit) ||
        !read_catalog(mirror, &commit, arena, &catalog))
        return;
    check_apps(mirror, &commit, &catalog, arena);
    check_push(mirror, &commit, &catalog, arena);
}
