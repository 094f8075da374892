// Converts the whole tree of given commits to the other layout and back, where the same tree must come out, object id for object id,
// and there once more, where the same must come out as the first time. Each tree once, however many commits have it.
// SPDX-License-Identifier: Apache-2.0
//
// conversion REPOSITORY < ids of commits; writes the counts as one JSON object, or what went wrong and exits with 1.
#include "base/map.h"
#include "layout/layout.h"

enum { LINE_MAX_LEN = 128, TREES_PER_MIRROR = 50 };

// refused: trees that were refused with a list of reasons. empty: that have no layout. kept: files kept beside.
struct tally {
    size_t commits, trees, apps, files, refused, reasons, empty, kept;
};

struct trip {
    const char *folder;
    struct gs_mirror *mirror;
    struct gs_arena *arena; // of the commit
    struct gs_map seen;     // trees
    struct gs_arena *names; // of those
    struct tally tally;
    struct gs_error err;
};

static enum gs_status find_tree(struct trip *trip, const struct gs_oid *commit,
                                struct gs_oid *out_tree)
{
    struct gs_entry root;
    enum gs_status status =
        gs_mirror_stat(trip->mirror, commit, "", trip->arena, &root, &trip->err);
    if (status == GS_OK)
        *out_tree = root.oid;
    return status;
}

static enum gs_status convert(struct trip *trip, const struct gs_oid *parent, enum gs_layout target,
                              struct gs_converted *out_converted)
{
    struct gs_conversion request = {.parent = *parent,
                                    .target = target,
                                    .author_name = "Ada",
                                    .author_email = "ada@localhost",
                                    .message = GS_SLICE_LIT("convert")};
    return gs_layout_convert(trip->mirror, &request, trip->arena, out_converted, &trip->err);
}

static enum gs_status expect_tree(struct trip *trip, const struct gs_oid *commit,
                                  const struct gs_oid *converted, const struct gs_oid *expected,
                                  const char *what)
{
    struct gs_oid tree;
    enum gs_status status = find_tree(trip, converted, &tree);
    if (status == GS_OK && !gs_oid_eq(&tree, expected))
        return gs_fail(&trip->err, GS_CODE_INTERNAL, NULL,
                       "commit %s: %s: commit %s has tree %s, not %s", commit->hex, what,
                       converted->hex, tree.hex, expected->hex);
    return status;
}

static enum gs_status travel_tree(struct trip *trip, const struct gs_oid *commit,
                                  const struct gs_oid *tree)
{
    struct gs_converted there, back, again;
    struct gs_oid converted;
    enum gs_layout layout;
    enum gs_status status = gs_layout_detect(trip->mirror, commit, &layout, &trip->err);
    if (status != GS_OK)
        return status;
    trip->tally.empty += layout == GS_LAYOUT_NONE;
    if (layout == GS_LAYOUT_NONE)
        return GS_OK;
    enum gs_layout other =
        layout == GS_LAYOUT_SINGLE_FILE ? GS_LAYOUT_PER_ENTITY : GS_LAYOUT_SINGLE_FILE;
    status = convert(trip, commit, other, &there);
    if (trip->err.code == GS_CODE_NOT_CONVERTIBLE && trip->err.details) {
        trip->tally.refused++;
        for (const char *at = trip->err.details; (at = strstr(at, "\"reason\"")); at++)
            trip->tally.reasons++;
        fprintf(stderr, "%s: %s\n", commit->hex, trip->err.message);
        gs_error_release(&trip->err);
        return GS_OK;
    }
    if (status == GS_OK)
        status = convert(trip, &there.commit, layout, &back);
    if (status == GS_OK)
        status = expect_tree(trip, commit, &back.commit, tree, "there and back is another tree");
    if (status == GS_OK)
        status = convert(trip, &back.commit, other, &again);
    if (status == GS_OK)
        status = find_tree(trip, &there.commit, &converted);
    if (status == GS_OK)
        status =
            expect_tree(trip, commit, &again.commit, &converted, "there again is another tree");
    if (status != GS_OK)
        return status;
    trip->tally.apps += there.app_count;
    trip->tally.files += there.file_count;
    trip->tally.kept += there.kept_count;
    return GS_OK;
}

static enum gs_status travel(struct trip *trip, const struct gs_oid *commit)
{
    struct gs_oid tree;
    enum gs_status status = find_tree(trip, commit, &tree);
    trip->tally.commits++;
    if (status != GS_OK ||
        gs_map_put(&trip->seen, gs_slice_str(gs_arena_strdup(trip->names, tree.hex)), trip))
        return status;
    // What was made and never pushed is remembered by the mirror.
    if (trip->tally.trees++ % TREES_PER_MIRROR == TREES_PER_MIRROR - 1) {
        gs_mirror_close(trip->mirror);
        trip->mirror = NULL;
        status = gs_mirror_open(trip->folder, &trip->mirror, &trip->err);
    }
    return status == GS_OK ? travel_tree(trip, commit, &tree) : status;
}

static enum gs_status travel_all(struct trip *trip)
{
    char line[LINE_MAX_LEN];
    enum gs_status status = GS_OK;
    while (status == GS_OK && fgets(line, sizeof line, stdin)) {
        struct gs_oid commit;
        line[strcspn(line, "\n")] = 0;
        if (!gs_oid_parse(gs_slice_str(line), &commit))
            return gs_fail(&trip->err, GS_CODE_INVALID_INPUT, NULL, "'%s' is no commit", line);
        trip->arena = gs_arena_new();
        status = travel(trip, &commit);
        if (status != GS_OK)
            gs_error_prefix(&trip->err, "%s", commit.hex);
        gs_arena_free(trip->arena);
    }
    return status;
}

static void print(const struct tally *tally)
{
    printf("{\"commits\":%zu,\"trees\":%zu,\"apps\":%zu,\"files\":%zu,\"refused\":%zu,"
           "\"reasons\":%zu,\"empty\":%zu,\"kept\":%zu}\n",
           tally->commits, tally->trees, tally->apps, tally->files, tally->refused, tally->reasons,
           tally->empty, tally->kept);
}

int main(int argc, char **argv)
{
    struct trip trip = {.err = GS_ERROR_INIT};
    if (argc != 2) {
        fprintf(stderr, "usage: conversion REPOSITORY < commits\n");
        return 2;
    }
    trip.folder = argv[1];
    trip.names = gs_arena_new();
    gs_map_init(&trip.seen);
    enum gs_status status = gs_git_init(&trip.err);
    if (status == GS_OK)
        status = gs_mirror_open(trip.folder, &trip.mirror, &trip.err);
    if (status == GS_OK)
        status = travel_all(&trip);
    if (status == GS_OK)
        print(&trip.tally);
    else
        fprintf(stderr, "%s\n", trip.err.message);
    gs_mirror_close(trip.mirror);
    gs_map_release(&trip.seen);
    gs_arena_free(trip.names);
    gs_error_release(&trip.err);
    gs_git_shutdown();
    return status == GS_OK ? 0 : 1;
}
