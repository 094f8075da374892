// Hexadecimal and base64 text.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_BASE_TEXT_H
#define GS_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/slice.h"

// Lower-case; out gets 2 * len digits and a NUL.
void gs_hex_encode(const void *data, size_t len, char *out);
// Exactly 2 * len digits of any case; false otherwise, out may then be partly written.
bool gs_hex_decode(struct gs_slice text, void *out, size_t len);

// RFC 4648 section 4 with padding, or section 5 (URL alphabet) without, as JWTs need it.
void gs_base64_encode(struct gs_slice data, struct gs_buf *out);
void gs_base64url_encode(struct gs_slice data, struct gs_buf *out);
// Section 4 with correct padding only; false, and out as it was, when malformed or out does not take it.
bool gs_base64_decode(struct gs_slice text, struct gs_buf *out);

#endif
