// The scratch mirror and the judgement of outcomes.
// SPDX-License-Identifier: Apache-2.0
#include "fuzz.h"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/files.h"
#include "git/git_internal.h"

// Objects of old inputs make every look-up slower and are never asked for again.
enum { INPUTS_PER_MIRROR = 500, FILES_MAX = 64, DOCUMENT_MAX = 1 << 20 };

static char folder[PATH_MAX];
static struct gs_mirror *scratch;

void fuzz_fail(const char *file, int line, const char *what, const struct gs_error *err)
{
    fprintf(stderr, "%s:%d: does not hold: %s%s%s\n", file, line, what, err ? ": " : "",
            err ? err->message : "");
    abort();
}

static bool is_own_fault(enum gs_code code)
{
    return code == GS_CODE_INTERNAL || code == GS_CODE_STORE_FAILED || code == GS_CODE_NO_MEMORY;
}

bool fuzz_judge(enum gs_status status, struct gs_error *err, const char *file, int line)
{
    if (status == GS_OK) {
        if (err->code != GS_CODE_NONE)
            fuzz_fail(file, line, "success without an error", err);
        return true;
    }
    if (gs_error_status(err) != status || !*err->message || is_own_fault(err->code))
        fuzz_fail(file, line, "a failure tells its cause", err);
    gs_error_release(err);
    *err = (struct gs_error)GS_ERROR_INIT;
    return false;
}

static void remove_folder(void)
{
    gs_mirror_close(scratch);
    scratch = NULL;
    if (gs_dir_remove(folder, NULL) != GS_OK)
        fprintf(stderr, "cannot remove %s\n", folder);
}

static void open_mirror(void)
{
    struct gs_error err = GS_ERROR_INIT;
    FUZZ_MUST(gs_mirror_open(folder, &scratch, &err), &err);
}

static void start(void)
{
    struct gs_error err = GS_ERROR_INIT;
    const char *room = getenv("TMPDIR");
    if (!room)
        room = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(folder, sizeof folder, "%s/gitsync-fuzz-XXXXXX", room);
    FUZZ_CHECK(mkdtemp(folder) != NULL);
    FUZZ_MUST(gs_git_init(&err), &err);
    atexit(remove_folder);
    open_mirror();
}

struct gs_mirror *fuzz_mirror(void)
{
    static unsigned inputs;
    if (!scratch)
        start();
    if (++inputs % INPUTS_PER_MIRROR == 0) {
        struct gs_error err = GS_ERROR_INIT;
        gs_mirror_close(scratch);
        FUZZ_MUST(gs_mirror_discard(folder, &err), &err);
        open_mirror();
    }
    fuzz_mirror_forget(scratch);
    return scratch;
}

void fuzz_mirror_forget(struct gs_mirror *mirror)
{
    gs_fresh_clear(&mirror->fresh);
}

bool fuzz_commit(struct gs_mirror *mirror, const struct gs_oid *parent, const struct gs_edit *edits,
                 size_t count, struct gs_arena *arena, struct gs_oid *out_commit)
{
    struct gs_error err = GS_ERROR_INIT;
    struct gs_file_change *changes;
    size_t change_count;
    struct gs_commit_request request = {.parent = *parent,
                                        .edits = edits,
                                        .edit_count = count,
                                        .author_name = "Ada",
                                        .author_email = "ada@localhost",
                                        .message = GS_SLICE_LIT("change")};
    return FUZZ_OK(
        gs_mirror_commit(mirror, &request, arena, out_commit, &changes, &change_count, &err), &err);
}

size_t fuzz_files(struct gs_slice input, struct gs_arena *arena, struct gs_edit **out_edits)
{
    struct gs_edit *edits = gs_arena_array(arena, FILES_MAX, sizeof *edits);
    size_t count = 0;
    while (input.len > 0 && count < FILES_MAX) {
        struct gs_slice content = gs_slice_split(&input, 0);
        struct gs_slice path = gs_slice_split(&content, '\n');
        edits[count++] = (struct gs_edit){
            .kind = GS_EDIT_WRITE, .path = gs_arena_dup_slice(arena, path), .content = content};
    }
    *out_edits = edits;
    return count;
}

const char *fuzz_read(struct gs_mirror *mirror, const struct gs_oid *commit,
                      const struct gs_catalog *catalog, const struct gs_git_app *app,
                      struct gs_arena *arena, struct gs_slice *out_document)
{
    struct gs_error err = GS_ERROR_INIT;
    GS_CLEANUP(gs_buf_release) struct gs_buf text;
    gs_buf_init(&text, DOCUMENT_MAX);
    if (!FUZZ_OK(gs_layout_read(mirror, commit, catalog->layout, app, &text, &err), &err))
        return NULL;
    *out_document = gs_slice_of(gs_arena_dup_slice(arena, gs_buf_slice(&text)), text.len);
    return out_document->data;
}
