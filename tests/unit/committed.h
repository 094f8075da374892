// A bare repository in a folder of its own, whose files tests write and read as texts, for the unit tests of the layouts.
// Ends the test when something basic fails.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_TESTS_COMMITTED_H
#define GS_TESTS_COMMITTED_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "layout/layout.h"

struct committed {
    char folder[64];
    struct gs_mirror *mirror;
    struct gs_arena *arena;
    struct gs_oid head;
    struct gs_error err;
    struct gs_edit *edits; // of the last plan
    size_t edit_count;
    size_t plan_count; // plans made so far
};

// For cmocka: an empty repository in *state, and its removal.
int committed_set_up(void **state);
int committed_tear_down(void **state);
#define COMMITTED_TEST(name)                                                                       \
    cmocka_unit_test_setup_teardown(name, committed_set_up, committed_tear_down)

// COMMITTED_IS(c, GS_OK, call); shows the message when it is another status.
#define COMMITTED_OK(c, call) committed_expect((c), GS_OK, (call), #call, __LINE__)
#define COMMITTED_IS(c, status, call) committed_expect((c), (status), (call), #call, __LINE__)
void committed_expect(struct committed *c, enum gs_status expected, enum gs_status actual,
                      const char *call, int line);

// One more commit, in which path holds text; there is no such file when text is NULL.
void committed_put(struct committed *c, const char *path, const char *text);
// The same for several files, whose texts have ' for ".
struct committed_file {
    const char *path, *text;
};
void committed_put_all(struct committed *c, const struct committed_file *files, size_t count);
// The text with " for '.
const char *committed_json(struct committed *c, const char *text);
// NULL when there is no such file at the head.
const char *committed_get(struct committed *c, const char *path);
// The paths of all files at the head in git's order, one a line.
const char *committed_files(struct committed *c);
// The edits of the last plan, one a line: "write PATH", "delete PATH", "move PATH to PATH".
const char *committed_edits(struct committed *c);

// Plans a push onto the head and commits it. Nothing to do is not an error, see edit_count.
enum gs_status committed_push(struct committed *c, enum gs_layout layout,
                              const struct gs_layout_push *push);

#endif
