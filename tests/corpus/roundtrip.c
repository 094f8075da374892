// Reads every app of given commits and pushes it again: onto the commit itself, where nothing may change, and into an empty
// repository, where the same files must come out. Single-file apps also change over to the per-entity layout and must come back
// with the same content. Knows nothing of where the repository is from.
// SPDX-License-Identifier: Apache-2.0
//
// roundtrip REPOSITORY SCRATCH < ids of commits; writes the counts as one JSON object, or what went wrong and exits with 1.
#include "base/map.h"
#include "layout/layout.h"
#include "json/json.h"

enum { DOCUMENT_MAX = 100 << 20, LINE_MAX_LEN = 128 };

// The metadata files of both layouts.
static const char *const metas[] = {".meta/meta.json", ".meta/appMeta.json",
                                    ".meta/moduleMeta.json"};

// apps: of all commits. files: that were compared, each app as often as it changed. missing: apps that the metadata list and the
// repository does not have. left: files in the folders of apps that are not in the copy. converted: apps that changed layouts.
struct tally {
    size_t commits, apps, files, missing, unreadable, left, converted, metas, exact_metas;
};

struct trip {
    struct gs_mirror *mirror, *scratch;
    struct gs_oid commit;   // being read
    struct gs_oid copy;     // what was pushed into the empty repository so far
    struct gs_arena *arena; // of the commit
    struct gs_map carried;  // folders that went through already: "apps/Orders@<id>"
    struct gs_arena *names; // of those
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

static enum gs_status commit_copy(struct trip *trip, const struct gs_edit *edits, size_t count)
{
    struct gs_commit_request request = {.parent = trip->copy,
                                        .edits = edits,
                                        .edit_count = count,
                                        .author_name = "Ada",
                                        .author_email = "ada@localhost",
                                        .message = GS_SLICE_LIT("copy")};
    struct gs_file_change *changes;
    return gs_mirror_commit(trip->scratch, &request, trip->arena, &trip->copy, &changes, &count,
                            &trip->err);
}

static enum gs_status copy_app(struct trip *trip, enum gs_layout layout,
                               const struct gs_layout_push *push)
{
    struct gs_edit *edits;
    size_t count;
    enum gs_status status = gs_layout_plan_push(trip->scratch, &trip->copy, layout, push,
                                                trip->arena, &edits, &count, &trip->err);
    return status == GS_OK ? commit_copy(trip, edits, count) : status;
}

// In which folder of apps an app is, only an entry that is there already tells, so the copy begins with the metadata.
static enum gs_status copy_metadata(struct trip *trip)
{
    enum gs_status status = GS_OK;
    for (size_t i = 1; i < GS_COUNT(metas) && status == GS_OK; i++) {
        GS_CLEANUP(gs_buf_release) struct gs_buf text;
        gs_buf_init(&text, DOCUMENT_MAX);
        status = gs_mirror_read_file(trip->mirror, &trip->commit, metas[i], &text, &trip->err);
        struct gs_edit edit = {
            .kind = GS_EDIT_WRITE, .path = metas[i], .content = gs_buf_slice(&text)};
        if (status == GS_OK) {
            status = commit_copy(trip, &edit, 1);
        } else if (status == GS_NOT_FOUND) {
            gs_error_release(&trip->err);
            status = GS_OK;
        }
    }
    return status;
}

static enum gs_status expect_normal(struct trip *trip, enum gs_layout layout,
                                    const struct gs_layout_push *push)
{
    GS_CLEANUP(gs_buf_release) struct gs_buf normal;
    gs_buf_init(&normal, DOCUMENT_MAX);
    enum gs_status status = gs_layout_normalize(layout, push, &normal, &trip->err);
    if (status == GS_OK && !gs_slice_eq(gs_buf_slice(&normal), push->document))
        return complain(trip, "what was read is not in its normal form", push->app_name);
    return status;
}

static enum gs_status compare_folder(struct trip *trip, const char *path);

static enum gs_status compare_entry(struct trip *trip, const char *path, enum gs_entry_kind kind,
                                    const struct gs_oid *here, const struct gs_oid *there)
{
    if (!there && kind == GS_ENTRY_FILE)
        trip->tally.left++;
    if (kind == GS_ENTRY_FOLDER)
        return compare_folder(trip, path);
    trip->tally.files += there != NULL;
    if (there && !gs_oid_eq(here, there))
        return complain(trip, "the copy has other bytes", path);
    return GS_OK;
}

static const struct gs_oid *find_oid(const struct gs_entry *entries, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(entries[i].name, name) == 0)
            return &entries[i].oid;
    return NULL;
}

// Lists the copy's folder too; none counts as an empty one.
static enum gs_status list_both(struct trip *trip, const char *path, struct gs_entry **here,
                                size_t *here_count, struct gs_entry **there, size_t *there_count)
{
    enum gs_status status = gs_mirror_list(trip->mirror, &trip->commit, path, trip->arena, here,
                                           here_count, &trip->err);
    if (status != GS_OK)
        return status;
    status = gs_mirror_list(trip->scratch, &trip->copy, path, trip->arena, there, there_count,
                            &trip->err);
    if (status != GS_NOT_FOUND)
        return status;
    gs_error_release(&trip->err);
    *there_count = 0;
    return GS_OK;
}

// What the copy has must be in the original, object for object.
static enum gs_status compare_folder(struct trip *trip, const char *path)
{
    struct gs_entry *here = NULL, *there = NULL;
    size_t here_count = 0, there_count = 0;
    enum gs_status status = list_both(trip, path, &here, &here_count, &there, &there_count);
    for (size_t i = 0; i < there_count && status == GS_OK; i++)
        if (!find_oid(here, here_count, there[i].name))
            status = complain(trip, "the copy has one file more", there[i].name);
    for (size_t i = 0; i < here_count && status == GS_OK; i++)
        status =
            compare_entry(trip, gs_arena_printf(trip->arena, "%s/%s", path, here[i].name),
                          here[i].kind, &here[i].oid, find_oid(there, there_count, here[i].name));
    return status;
}

// A file is compared itself, a folder in all its depth.
static enum gs_status compare_app(struct trip *trip, const char *path)
{
    struct gs_entry here, there;
    enum gs_status status =
        gs_mirror_stat(trip->mirror, &trip->commit, path, trip->arena, &here, &trip->err);
    if (status == GS_OK)
        status = gs_mirror_stat(trip->scratch, &trip->copy, path, trip->arena, &there, &trip->err);
    return status == GS_OK ? compare_entry(trip, path, here.kind, &here.oid, &there.oid) : status;
}

// Reads the only app of the copy.
static enum gs_status read_copy(struct trip *trip, struct gs_buf *out)
{
    struct gs_catalog catalog;
    enum gs_status status =
        gs_catalog_read(trip->scratch, &trip->copy, trip->arena, &catalog, &trip->err);
    if (status == GS_OK && catalog.count != 1)
        return complain(trip, "the copy has not one app", "");
    return status == GS_OK ? gs_layout_read(trip->scratch, &trip->copy, catalog.layout,
                                            &catalog.apps[0], out, &trip->err)
                           : status;
}

// The other layout keeps the content of a document in its normal form.
static enum gs_status change_layout(struct trip *trip, struct gs_layout_push *push)
{
    GS_CLEANUP(gs_buf_release) struct gs_buf normal;
    GS_CLEANUP(gs_buf_release) struct gs_buf back;
    gs_buf_init(&normal, DOCUMENT_MAX);
    gs_buf_init(&back, DOCUMENT_MAX);
    enum gs_status status = gs_layout_normalize(GS_LAYOUT_PER_ENTITY, push, &normal, &trip->err);
    // What is no app, or carries earlier versions along, stays in the layout that it is in.
    if (status == GS_INVALID) {
        gs_error_release(&trip->err);
        return GS_OK;
    }
    if (status == GS_OK)
        status = copy_app(trip, GS_LAYOUT_PER_ENTITY, push);
    if (status == GS_OK)
        status = read_copy(trip, &back);
    if (status == GS_OK && !gs_slice_eq(gs_buf_slice(&normal), gs_buf_slice(&back)))
        return complain(trip, "comes back from the other layout with other content",
                        push->app_name);
    trip->tally.converted++;
    return status;
}

static enum gs_status convert(struct trip *trip, struct gs_layout_push *push)
{
    struct gs_oid copy = trip->copy;
    trip->copy = (struct gs_oid){""};
    enum gs_status status = change_layout(trip, push);
    trip->copy = copy;
    return status;
}

// Most commits change one app of many. The apps of single-file commits are few, and all are needed for their metadata.
static bool was_carried(struct trip *trip, const struct gs_git_app *app)
{
    struct gs_entry entry;
    if (gs_mirror_stat(trip->mirror, &trip->commit, app->path, trip->arena, &entry, NULL) != GS_OK)
        return false;
    const char *name = gs_arena_printf(trip->names, "%s@%s", app->path, entry.oid.hex);
    return gs_map_put(&trip->carried, gs_slice_str(name), trip) != NULL;
}

static enum gs_status travel(struct trip *trip, enum gs_layout layout, const struct gs_git_app *app)
{
    trip->tally.apps++;
    if (layout == GS_LAYOUT_PER_ENTITY && was_carried(trip, app))
        return GS_OK;
    GS_CLEANUP(gs_buf_release) struct gs_buf document;
    gs_buf_init(&document, DOCUMENT_MAX);
    enum gs_status status =
        gs_layout_read(trip->mirror, &trip->commit, layout, app, &document, &trip->err);
    if (status == GS_NOT_FOUND) {
        gs_error_release(&trip->err);
        trip->tally.missing++;
        return GS_OK;
    }
    if (status != GS_OK)
        return status;
    struct gs_layout_push push = push_of(app, &document);
    status = expect_no_edits(trip, layout, &push);
    if (status == GS_OK)
        status = expect_normal(trip, layout, &push);
    if (status == GS_OK)
        status = copy_app(trip, layout, &push);
    if (status == GS_OK)
        status = compare_app(trip, app->path);
    if (status == GS_OK && layout == GS_LAYOUT_SINGLE_FILE)
        status = convert(trip, &push);
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

// What the copy says of an app must be what the original says; that the whole file is the same to the letter is counted.
static enum gs_status compare_metadata(struct trip *trip, const char *path)
{
    GS_CLEANUP(gs_json_cleanup) yyjson_doc *here = NULL;
    GS_CLEANUP(gs_json_cleanup) yyjson_doc *there = NULL;
    enum gs_status status = read_json(trip, trip->scratch, &trip->copy, path, &there);
    if (status == GS_NOT_FOUND) {
        gs_error_release(&trip->err);
        return GS_OK;
    }
    if (status == GS_OK)
        status = read_json(trip, trip->mirror, &trip->commit, path, &here);
    size_t i, n;
    yyjson_val *key, *entry;
    yyjson_obj_foreach(yyjson_doc_get_root(there), i, n, key, entry)
    {
        const char *id = yyjson_get_str(key);
        if (!gs_json_equal(entry, yyjson_obj_get(yyjson_doc_get_root(here), id)))
            return complain(trip, "the copy of the metadata differs", id);
    }
    trip->tally.metas += status == GS_OK;
    trip->tally.exact_metas += status == GS_OK && is_written_alike(here, there);
    return status;
}

static bool was_rebuilt(const struct gs_catalog *catalog)
{
    for (size_t i = 0; i < catalog->problems.count; i++)
        if (strcmp(catalog->problems.items[i].code, "meta_rebuilt") == 0)
            return true;
    return false;
}

static enum gs_status travel_commit(struct trip *trip)
{
    struct gs_catalog catalog;
    enum gs_status status =
        gs_catalog_read(trip->mirror, &trip->commit, trip->arena, &catalog, &trip->err);
    trip->copy = (struct gs_oid){""};
    trip->tally.commits++;
    // Metadata that had to be rebuilt would be written by the first push.
    if (trip->err.code == GS_CODE_META_UNREADABLE || (status == GS_OK && was_rebuilt(&catalog))) {
        trip->tally.unreadable++;
        gs_error_release(&trip->err);
        return GS_OK;
    }
    if (status == GS_OK && catalog.layout == GS_LAYOUT_PER_ENTITY)
        status = copy_metadata(trip);
    for (size_t i = 0; status == GS_OK && i < catalog.count; i++)
        status = travel(trip, catalog.layout, &catalog.apps[i]);
    for (size_t i = 0; status == GS_OK && i < GS_COUNT(metas); i++)
        status = compare_metadata(trip, metas[i]);
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
           "\"left\":%zu,\"converted\":%zu,\"metas\":%zu,\"exactMetas\":%zu}\n",
           tally->commits, tally->apps, tally->files, tally->missing, tally->unreadable,
           tally->left, tally->converted, tally->metas, tally->exact_metas);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fputs("usage: roundtrip REPOSITORY SCRATCH < commits\n", stderr);
        return 2;
    }
    struct trip trip = {.names = gs_arena_new(), .err = GS_ERROR_INIT};
    gs_map_init(&trip.carried);
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
    gs_map_release(&trip.carried);
    gs_arena_free(trip.names);
    gs_error_release(&trip.err);
    gs_git_shutdown();
    return status == GS_OK ? 0 : 1;
}
