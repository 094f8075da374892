// What can go wrong, as a small status for the caller's flow and one struct for the person who reads it.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_BASE_ERROR_H
#define GS_BASE_ERROR_H

#include "base/cleanup.h"

// The kind of an outcome. Callers branch on this; everything else about a failure is in struct gs_error.
enum gs_status {
    GS_OK = 0,
    GS_NOT_FOUND, // the named thing does not exist
    GS_CONFLICT,  // it exists in another state than the call needs
    GS_INVALID,   // the input can never work
    GS_DENIED,    // the caller, or we at the git host, may not
    GS_LIMIT,     // a size or count is over its bound
    GS_BUSY,      // try again later
    GS_UPSTREAM,  // the git host or the network failed
    GS_TIMEOUT,   // the git host did not answer in time
    GS_NOMEM,
    GS_INTERNAL, // our own fault, or the disk's
};

// One stable code per cause (codes.def). GS_CODE_NONE is "no error".
enum gs_code {
    GS_CODE_NONE = 0,
#define X(name, text, status, http, help) GS_CODE_##name,
#include "base/codes.def"
#undef X
    GS_CODE_COUNT
};

// Where and why a call failed. Zero-initialise (GS_ERROR_INIT), release once. Set exactly once, by
// gs_fail, where the cause is known; those above only add what they alone know (gs_error_set_*).
struct gs_error {
    enum gs_code code;
    long retry_after_s; // 0: no advice
    char field[128];    // JSON Pointer or configuration key the error speaks of, "" when none
    char message[1024]; // for a person, never a secret
    char *details;      // NULL, or a heap-allocated JSON array text for the response's "details"
};

#define GS_ERROR_INIT                                                                              \
    {                                                                                              \
        0                                                                                          \
    }

// Records the failure and returns the status that codes.def gives for the code, so that
// `return gs_fail(err, …)` is the usual form. err may be NULL. field may be NULL.
enum gs_status gs_fail(struct gs_error *err, enum gs_code code, const char *field, const char *fmt,
                       ...) GS_PRINTF(4, 5);

// Puts "prefix: " in front of the message (the file, the key, the repository). Status unchanged.
void gs_error_prefix(struct gs_error *err, const char *fmt, ...) GS_PRINTF(2, 3);

// Takes ownership of a heap-allocated JSON array text.
void gs_error_take_details(struct gs_error *err, char *json_array);

// Moves src into dst (releasing what dst held); src is empty afterwards. dst may be NULL.
void gs_error_move(struct gs_error *dst, struct gs_error *src);
void gs_error_release(struct gs_error *err);

// The policy table: stable text, status, HTTP status and one line of explanation of a code.
const char *gs_code_text(enum gs_code code);
enum gs_status gs_code_status(enum gs_code code);
int gs_code_http(enum gs_code code);
const char *gs_code_help(enum gs_code code);
// The code of a stable text, GS_CODE_NONE when there is none (for codes read back from the store).
enum gs_code gs_code_from_text(const char *text);

// The status of a recorded error; GS_OK when nothing was recorded.
static inline enum gs_status gs_error_status(const struct gs_error *err)
{
    return err->code == GS_CODE_NONE ? GS_OK : gs_code_status(err->code);
}

#endif
