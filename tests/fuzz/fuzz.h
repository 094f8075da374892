// What the fuzz targets share: a scratch mirror in memory, inputs cut into files, and the end of the process when something does
// not hold. Each target defines fuzz_one; fuzzer.c and replay.c call it.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_TESTS_FUZZ_H
#define GS_TESTS_FUZZ_H

#include "layout/layout.h"

// The target: must return, leave nothing behind and end the process when a promise is broken.
void fuzz_one(struct gs_slice input);

// Shows what did not hold and aborts, which the fuzzer keeps the input for.
#define FUZZ_CHECK(holds)                                                                          \
    do {                                                                                           \
        if (!(holds))                                                                              \
            fuzz_fail(__FILE__, __LINE__, #holds, NULL);                                           \
    } while (0)
_Noreturn void fuzz_fail(const char *file, int line, const char *what, const struct gs_error *err);

// Whether the call worked. A failure must have a code and a message, and must not be our own fault: what the input says
// is never one. Releases err.
#define FUZZ_OK(status, err) fuzz_judge((status), (err), __FILE__, __LINE__)
bool fuzz_judge(enum gs_status status, struct gs_error *err, const char *file, int line);
// The call must work.
#define FUZZ_MUST(status, err)                                                                     \
    do {                                                                                           \
        if ((status) != GS_OK)                                                                     \
            fuzz_fail(__FILE__, __LINE__, #status, (err));                                         \
    } while (0)

// The mirror of the process, below TMPDIR or in memory where the system has a file system for that. Made anew after some hundred inputs.
struct gs_mirror *fuzz_mirror(void);
// What the mirror holds in memory of objects that were made is forgotten.
void fuzz_mirror_forget(struct gs_mirror *mirror);

// Commits the edits onto the parent; false when the input asks for what no tree can be.
bool fuzz_commit(struct gs_mirror *mirror, const struct gs_oid *parent, const struct gs_edit *edits,
                 size_t count, struct gs_arena *arena, struct gs_oid *out_commit);
// "PATH\nCONTENT\0PATH\nCONTENT" as edits in the arena that write these files; content views the input.
size_t fuzz_files(struct gs_slice input, struct gs_arena *arena, struct gs_edit **out_edits);

// NULL when the layout cannot give the document.
const char *fuzz_read(struct gs_mirror *mirror, const struct gs_oid *commit,
                      const struct gs_catalog *catalog, const struct gs_git_app *app,
                      struct gs_arena *arena, struct gs_slice *out_document);

#endif
