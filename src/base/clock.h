// The two clocks: wall time for what people read, monotonic time for deadlines.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_BASE_CLOCK_H
#define GS_BASE_CLOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { GS_ISO_TEXT = 24 };

// Milliseconds since the Unix epoch; may jump. Thread-safe. In builds with the option test_hooks the file that the variable
// GS_CLOCK_SHIFT_MS names moves it by the milliseconds that it holds at that moment.
int64_t gs_clock_now_ms(void);
// Milliseconds that only grow; for deadlines and durations. Thread-safe.
int64_t gs_clock_mono_ms(void);

// For tests: adds offset_ms to every later gs_clock_now_ms of the process.
void gs_clock_shift_ms(int64_t offset_ms);

// ISO 8601 in UTC with milliseconds and Z, as JavaScript's toISOString gives it, with NUL. Times
// outside of the years 0 to 9999 come out as the nearest one inside.
void gs_clock_format_iso(int64_t unix_ms, char out[GS_ISO_TEXT + 1]);
// Sleeps without being cut short by signals.
void gs_clock_sleep_ms(int64_t ms);

// A condition whose waits go by the monotonic clock; destroyed with pthread_cond_destroy.
void gs_clock_cond_init(pthread_cond_t *out_cond);
// Waits until somebody signals it or gs_clock_mono_ms is until_ms; may wake early, as all waits.
// lock is held before and after. False when the time has come.
bool gs_clock_cond_wait(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t until_ms);

#endif
