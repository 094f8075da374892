// Scope-bound release of locals, so that a function needs no ladder of labels.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_BASE_CLEANUP_H
#define GS_BASE_CLEANUP_H

// GS_CLEANUP(gs_buf_release) struct gs_buf body; calls gs_buf_release(&body) at the end of the scope.
#define GS_CLEANUP(fn) __attribute__((cleanup(fn)))

// The result must be looked at; the compiler warns otherwise.
#define GS_MUST_CHECK __attribute__((warn_unused_result))

#define GS_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

#define GS_COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
