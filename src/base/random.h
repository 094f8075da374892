// Unpredictable bytes and the identifiers made from them.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_BASE_RANDOM_H
#define GS_BASE_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

enum { GS_UUID_TEXT = 36 };

// From getrandom(2). Thread-safe; ends the process when the kernel has none to give.
void gs_random_bytes(void *out, size_t len);
// Evenly distributed in [0, bound); bound > 0.
uint32_t gs_random_below(uint32_t bound);

// A new UUID version 7 (RFC 9562: milliseconds first, then a counter, so that ids sort by age) as lower-case text with NUL.
// Within one process each is greater than all before it, of whichever thread.
void gs_uuid_new(char out[GS_UUID_TEXT + 1]);
// 8-4-4-4-12 hexadecimal digits of any case and version.
bool gs_uuid_is_valid(struct gs_slice text);

#endif
