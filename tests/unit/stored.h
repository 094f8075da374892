// A store in a folder of its own and rows to put into it, for the unit tests of the store. Ends the
// test when something basic fails.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_TESTS_STORED_H
#define GS_TESTS_STORED_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "store/store.h"

struct stored {
    char folder[64];
    char path[96]; // of the database
    struct gs_store *store;
    struct gs_arena *arena;
    struct gs_tx *tx; // what stored_read and stored_write began
    struct gs_error err;
};

// For cmocka: a fresh folder with an open store in *state, and its removal.
int stored_set_up(void **state);
int stored_tear_down(void **state);
#define STORED_TEST(name) cmocka_unit_test_setup_teardown(name, stored_set_up, stored_tear_down)

// Without opening it. stored_close_and_remove takes what is still open with it.
struct stored *stored_new(void);
void stored_close_and_remove(struct stored *s);
void stored_open(struct stored *s);
void stored_close(struct stored *s);
void stored_reopen(struct stored *s);

void stored_read(struct stored *s);
void stored_write(struct stored *s);
void stored_commit(struct stored *s);
void stored_end(struct stored *s);

// STORED_OK(s, gs_store_add_app(s->tx, &app, &s->err)); shows the message when it is not GS_OK.
#define STORED_OK(s, call) stored_expect((s), GS_OK, (call), #call, __LINE__)
#define STORED_IS(s, status, call) stored_expect((s), (status), (call), #call, __LINE__)
void stored_expect(struct stored *s, enum gs_status expected, enum gs_status actual,
                   const char *call, int line);
// Runs SQL on the file through a connection of its own; returns the first column of the first row as a number, 0 without one.
int64_t stored_sql(struct stored *s, const char *sql);

// In the open writing transaction. The names of things are also their ids.
void stored_add_organization(struct stored *s, const char *id);
void stored_add_app(struct stored *s, const char *organization_id, const char *id);
// Returns the document's id.
const char *stored_put_document(struct stored *s, const char *text);
// A draft in the lowest environment.
struct gs_version stored_version(struct stored *s, const char *app_id, const char *id,
                                 const char *document_id);
void stored_add_version(struct stored *s, const char *app_id, const char *id,
                        const char *document_id);
const char *stored_environment(struct stored *s, const char *organization_id, int priority);

#endif
