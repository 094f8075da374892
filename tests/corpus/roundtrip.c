// Reads every app of given commits and pushes it again: onto the commit itself, where nothing may change, and into an empty
// repository, where the same files must come out. Knows nothing of where the repository is from.
// SPDX-License-Identifier: Apache-2.0
//
// roundtrip REPOSITORY SCRATCH < ids of commits; writes the counts as one JSON object, or what went wrong and exits with 1.
#include "layout/layout.h"
#include "json/json.h"

enum { DOCUMENT_MAX = 100 << 20, LINE_MAX_LEN = 128 };

static const char meta_path[] = ".meta/meta.json";

struct tally {
    size_t commits, apps, files, missing, unreadable, exact_metas;
};

struct trip {
    struct gs_mirror *mirror, *scratch;
    struct gs_oid commit; // being read
    struct gs_oid copy;   // what was pushed into the empty repository so far
    struct gs_arena *arena;
    struct tally tally;
    struct gs_error err;
};

static enum gs_status complain(struct trip *trip, const char *what, const char *which)
{
    return gs_fail(&trip->err, GS_CODE_INTERNAL, NULL, "commit %s: %s: %s", trip->commit.hex, which,
                   what);
}

// "2025-02-23T21:08:16.458Z" as Unix milliseconds.
static int64_t parse_iso(const char *text)
{
    struct tm tm = {.tm_year = 0};
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S.", &tm);
    int64_t ms = 0;
    if (!rest || !gs_slice_to_int(gs_slice_of(rest, strlen(rest) > 3 ? 3 : 0), &ms))
        return 0;
    return (int64_t)timegm(&tm) * 1000 + ms;
}

static struct gs_layout_push push_of(const struct gs_git_app *app, const struct gs_buf *document)
{
    return (struct gs_layout_push){.git_app_id = app->id,
                                   .app_name = app->name,
                                   .version_id = app->version_id,
                                   .version_name = app->version_name,
                                   .message = app->last_commit_message,
                                   .user = app->last_commit_user,
                                   .when_ms = parse_iso(app->last_push_date),
                                   .document = gs_buf_slice(document)};
}

static enum gs_status expect_no_edits(struct trip *trip, enum gs_layout layout,
                                      const struct gs_layout_push *push)
{
    struct gs_edit *edits;
    size_t count;
    enum gs_status status = gs_layout_plan_push(trip->mirror, &trip->commit, layout, push,
                                                trip->arena, &edits, &count, &trip->err);
    if (status == GS_OK && count > 0)
        return complain(trip, "pushing what was read changes something", edits[0].path);
    return status;
}

static enum gs_status copy_app(struct trip *trip, enum gs_layout layout,
                               const struct gs_layout_push *push)
{
    struct gs_edit *edits;
    struct gs_commit_request request = {.parent = trip->copy,
                                        .author_name = "Ada",
                                        .author_email = "ada@localhost",
                                        .message = GS_SLICE_LIT("copy")};
    enum gs_status status =
        gs_layout_plan_push(trip->scratch, &trip->copy, layout, push, trip->arena, &edits,
                            &request.edit_count, &trip->err);
    if (status != GS_OK)
        return status;
    struct gs_file_change *changes;
    size_t count;
    request.edits = edits;
    return gs_mirror_commit(trip->scratch, &request, trip->arena, &trip->copy, &changes, &count,
                            &trip->err);
}

static enum gs_status expect_same_object(struct trip *trip, const char *path)
{
    struct gs_entry here, there;
    enum gs_status status =
        gs_mirror_stat(trip->mirror, &trip->commit, path, trip->arena, &here, &trip->err);
    if (status == GS_OK)
        status = gs_mirror_stat(trip->scratch, &trip->copy, path, trip->arena, &there, &trip->err);
    if (status == GS_OK && !gs_oid_eq(&here.oid, &there.oid))
        return complain(trip, "the copy has other bytes", path);
    return status;
}

static enum gs_status travel(struct trip *trip, enum gs_layout layout, const struct gs_git_app *app,
                             bool *out_copied)
{
    GS_CLEANUP(gs_buf_release) struct gs_buf document;
    gs_buf_init(&document, DOCUMENT_MAX);
    enum gs_status status =
        gs_layout_read(trip->mirror, &trip->commit, layout, app, &document, &trip->err);
    if (status == GS_NOT_FOUND) {
        trip->tally.missing++;
        return GS_OK;
    }
    if (status != GS_OK)
        return status;
    struct gs_layout_push push = push_of(app, &document);
    status = expect_no_edits(trip, layout, &push);
    if (status == GS_OK)
        status = copy_app(trip, layout, &push);
    if (status == GS_OK)
        status = expect_same_object(trip, app->path);
    trip->tally.apps++;
    trip->tally.files++;
    *out_copied = true;
    return status;
}

static enum gs_status read_json(struct trip *trip, struct gs_mirror *mirror,
                                const struct gs_oid *commit, const char *path, yyjson_doc **out_doc)
{
    GS_CLEANUP(gs_buf_release) struct gs_buf text;
    gs_buf_init(&text, DOCUMENT_MAX);
    enum gs_status status = gs_mirror_read_file(mirror, commit, path, &text, &trip->err);
    return status == GS_OK ? gs_json_parse(gs_buf_slice(&text), path, out_doc, &trip->err) : status;
}

static bool is_written_alike(yyjson_doc *a, yyjson_doc *b)
{
    GS_CLEANUP(gs_buf_release) struct gs_buf left;
    GS_CLEANUP(gs_buf_release) struct gs_buf right;
    gs_buf_init(&left, DOCUMENT_MAX);
    gs_buf_init(&right, DOCUMENT_MAX);
    gs_json_write(yyjson_doc_get_root(a), &left);
    gs_json_write(yyjson_doc_get_root(b), &right);
    return gs_slice_eq(gs_buf_slice(&left), gs_buf_slice(&right));
}

// The metadata must mean the same; that they are also the same to the letter is counted.
static enum gs_status compare_metadata(struct trip *trip)
{
    GS_CLEANUP(gs_json_cleanup) yyjson_doc *here = NULL;
    GS_CLEANUP(gs_json_cleanup) yyjson_doc *there = NULL;
    enum gs_status status = read_json(trip, trip->mirror, &trip->commit, meta_path, &here);
    if (status == GS_OK)
        status = read_json(trip, trip->scratch, &trip->copy, meta_path, &there);
    if (status != GS_OK)
        return status;
    if (!gs_json_equal(yyjson_doc_get_root(here), yyjson_doc_get_root(there)))
        return complain(trip, "the copy says something else", meta_path);
    trip->tally.exact_metas += is_written_alike(here, there);
    trip->tally.files++;
    return GS_OK;
}

static enum gs_status travel_commit(struct trip *trip)
{
    struct gs_catalog catalog;
    enum gs_status status =
        gs_catalog_read(trip->mirror, &trip->commit, trip->arena, &catalog, &trip->err);
    trip->copy = (struct gs_oid){""};
    trip->tally.commits++;
    if (trip->err.code == GS_CODE_META_UNREADABLE || trip->err.code == GS_CODE_LAYOUT_UNSUPPORTED) {
        trip->tally.unreadable++;
        gs_error_release(&trip->err);
        return GS_OK;
    }
    bool copied = false;
    size_t missing = trip->tally.missing;
    for (size_t i = 0; i < catalog.count && status == GS_OK; i++)
        status = travel(trip, catalog.layout, &catalog.apps[i], &copied);
    if (status == GS_OK && copied && trip->tally.missing == missing)
        status = compare_metadata(trip);
    return status;
}

static enum gs_status travel_all(struct trip *trip)
{
    enum gs_status status = GS_OK;
    char line[LINE_MAX_LEN];
    while (status == GS_OK && fgets(line, sizeof line, stdin)) {
        struct gs_slice rest = gs_slice_str(line);
        if (!gs_oid_parse(gs_slice_split(&rest, '\n'), &trip->commit))
            return complain(trip, "is no commit", line);
        trip->arena = gs_arena_new();
        status = travel_commit(trip);
        gs_arena_free(trip->arena);
    }
    return status;
}

static void print(const struct tally *tally)
{
    printf("{\"commits\":%zu,\"apps\":%zu,\"files\":%zu,\"missing\":%zu,\"unreadable\":%zu,"
           "\"exactMetas\":%zu}\n",
           tally->commits, tally->apps, tally->files, tally->missing, tally->unreadable,
           tally->exact_metas);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fputs("usage: roundtrip REPOSITORY SCRATCH < commits\n", stderr);
        return 2;
    }
    struct trip trip = {.err = GS_ERROR_INIT};
    enum gs_status status = gs_git_init(&trip.err);
    if (status == GS_OK)
        status = gs_mirror_open(argv[1], &trip.mirror, &trip.err);
    if (status == GS_OK)
        status = gs_mirror_open(argv[2], &trip.scratch, &trip.err);
    if (status == GS_OK)
        status = travel_all(&trip);
    if (status == GS_OK)
        print(&trip.tally);
    else
        fprintf(stderr, "roundtrip: commit %s: %s\n", trip.commit.hex, trip.err.message);
    gs_mirror_close(trip.scratch);
    gs_mirror_close(trip.mirror);
    gs_error_release(&trip.err);
    gs_git_shutdown();
    return status == GS_OK ? 0 : 1;
}
