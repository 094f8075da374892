// A git host for unit tests: a bare repository in a temporary folder behind the scripted server,
// which hands every request to the real `git http-backend`, and can be told to misbehave. Ends the
// test when something basic fails.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_TESTS_GIT_HOST_H
#define GS_TESTS_GIT_HOST_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "git/git.h"
#include "loopback.h"

enum git_fault {
    GIT_WORKS,
    GIT_CLOSES_BEFORE, // takes the request and hangs up
    GIT_CLOSES_AFTER,  // does what was asked and hangs up without an answer
    GIT_CUTS,          // hangs up after fault_bytes of the answer's body
    GIT_ANSWERS,       // does nothing and answers fault_answer, headers and all
};

struct git_host {
    char folder[64];
    char repo[96]; // the bare repository; its default branch is main
    char mirror_folder[96];
    char url[128];
    struct loopback *server;
    struct gs_net *net;
    struct gs_git_remote remote; // with a deadline of 20 s from the last git_host_remote
    struct gs_mirror *mirror;
    struct gs_arena *arena;
    struct gs_error err;
    struct gs_file_change *changes; // of the last git_host_edit
    size_t change_count;
    // For the next POST; then it works again.
    enum git_fault fault;
    size_t fault_bytes;
    const char *fault_answer;
    // What came since the test last set them.
    int gets, posts;
    size_t posted_bytes;
};

// For cmocka: a fresh host with an open mirror in *state, and its removal. libgit2 is started and
// stopped with it.
int git_host_set_up(void **state);
int git_host_tear_down(void **state);
#define GIT_TEST(name) cmocka_unit_test_setup_teardown(name, git_host_set_up, git_host_tear_down)

void git_host_reopen_mirror(struct git_host *host);
// Writes the commits that were made to the mirror's disk, as a push does.
void git_host_save(struct git_host *host);
const struct gs_git_remote *git_host_remote(struct git_host *host);

// Runs a shell command in the host's repository and gives its output without the last newline; it
// must succeed.
const char *git_host_run(struct git_host *host, const char *fmt, ...) GS_PRINTF(2, 3);
// The commit that a branch of the host is at; none when there is no such branch.
struct gs_oid git_host_head(struct git_host *host, const char *branch);
// Somebody else commits a file to a branch of the host.
struct gs_oid git_host_commit(struct git_host *host, const char *branch, const char *path,
                              const char *content);

#define GIT_OK(host, call)                                                                         \
    do {                                                                                           \
        if ((call) != GS_OK)                                                                       \
            fail_msg("%s: %s", #call, (host)->err.message);                                        \
    } while (0)

// Expects the error of that code and forgets it.
#define GIT_FAILS(host, code_expected, call)                                                       \
    do {                                                                                           \
        assert_int_not_equal((call), GS_OK);                                                       \
        assert_string_equal(gs_code_text((host)->err.code), gs_code_text(code_expected));          \
        gs_error_release(&(host)->err);                                                            \
    } while (0)

// ---- The steps of a sync, each of which must succeed ------------------------

struct gs_git_advert git_host_advert(struct git_host *host, enum gs_git_service service);
void git_host_fetch(struct git_host *host, const char *ref);
// A commit of one test author on parent.
struct gs_oid git_host_edit(struct git_host *host, const struct gs_oid *parent,
                            const struct gs_edit *edits, size_t count);
struct gs_oid git_host_write(struct git_host *host, const struct gs_oid *parent, const char *path,
                             const char *content);
enum gs_push_outcome git_host_push(struct git_host *host, const char *ref, const struct gs_oid *old,
                                   const struct gs_oid *new, const char **out_reason);

#endif
