// getrandom(2) and UUIDs.
// SPDX-License-Identifier: Apache-2.0
#include "base/random.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/random.h>

#include "base/clock.h"

void gs_random_bytes(void *out, size_t len)
{
    unsigned char *p = out;
    while (len > 0) {
        ssize_t n = getrandom(p, len, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            abort();
        p += n;
        len -= (size_t)n;
    }
}

uint32_t gs_random_below(uint32_t bound)
{
    // Values under the threshold would make small results more frequent; draw again for those.
    uint32_t threshold = -bound % bound;
    uint32_t value;
    do
        gs_random_bytes(&value, sizeof value);
    while (value < threshold);
    return value % bound;
}

// The milliseconds and 12 bits that count within one: greater than any before, also when the clock was set back.
static uint64_t next_tick(void)
{
    static _Atomic uint64_t last;
    uint64_t now = (uint64_t)gs_clock_now_ms() << 12;
    uint64_t before = atomic_load(&last);
    uint64_t next;
    do
        next = now > before ? now : before + 1;
    while (!atomic_compare_exchange_weak(&last, &before, next));
    return next;
}

void gs_uuid_new(char out[GS_UUID_TEXT + 1])
{
    unsigned char b[16];
    gs_random_bytes(b, sizeof b);
    uint64_t tick = next_tick();
    for (int i = 0; i < 6; i++)
        b[i] = (unsigned char)(tick >> (8 * (5 - i) + 12));
    b[6] = (unsigned char)(0x70 | ((tick >> 8) & 0x0f));
    b[7] = (unsigned char)tick;
    b[8] = (unsigned char)(0x80 | (b[8] & 0x3f));
    snprintf(out, GS_UUID_TEXT + 1,
             "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
             b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
             b[15]);
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool gs_uuid_is_valid(struct gs_slice text)
{
    if (text.len != GS_UUID_TEXT)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text.data[i] != '-' : !is_hex(text.data[i]))
            return false;
    }
    return true;
}
