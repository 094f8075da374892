// clock_gettime(2) and its text form.
// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"

#include <errno.h>
#include <stdatomic.h>

static _Atomic int64_t shift_ms;

static int64_t read_ms(clockid_t id)
{
    struct timespec ts;
    clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

#ifdef GS_TEST_HOOKS
// What the file that the variable GS_CLOCK_SHIFT_MS names says at this moment; 0 without either.
static int64_t read_shift_file(void)
{
    const char *path = getenv("GS_CLOCK_SHIFT_MS");
    char text[32] = "";
    FILE *file = path ? fopen(path, "re") : NULL;
    if (!file)
        return 0;
    size_t len = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[len] = 0;
    return strtoll(text, NULL, 10);
}
#else
static int64_t read_shift_file(void)
{
    return 0;
}
#endif

int64_t gs_clock_now_ms(void)
{
    return read_ms(CLOCK_REALTIME) + atomic_load_explicit(&shift_ms, memory_order_relaxed) +
           read_shift_file();
}

int64_t gs_clock_mono_ms(void)
{
    return read_ms(CLOCK_MONOTONIC);
}

void gs_clock_shift_ms(int64_t offset_ms)
{
    atomic_fetch_add_explicit(&shift_ms, offset_ms, memory_order_relaxed);
}

// The years that have four digits.
static const int64_t first_ms = -62167219200000, last_ms = 253402300799999;

void gs_clock_format_iso(int64_t unix_ms, char out[GS_ISO_TEXT + 1])
{
    unix_ms = unix_ms < first_ms ? first_ms : unix_ms > last_ms ? last_ms : unix_ms;
    int64_t ms = unix_ms % 1000;
    time_t seconds = (time_t)(unix_ms / 1000);
    if (ms < 0) {
        ms += 1000;
        seconds--;
    }
    struct tm tm;
    gmtime_r(&seconds, &tm);
    char text[96]; // what the compiler can prove; the range above makes it 24
    snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900,
             tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int)ms);
    memcpy(out, text, GS_ISO_TEXT);
    out[GS_ISO_TEXT] = 0;
}

static struct timespec timespec_of(int64_t ms)
{
    return (struct timespec){.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
}

void gs_clock_sleep_ms(int64_t ms)
{
    struct timespec ts = timespec_of(ms);
    while (nanosleep(&ts, &ts) != 0 && errno == EINTR) {
    }
}

void gs_clock_cond_init(pthread_cond_t *out_cond)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(out_cond, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

bool gs_clock_cond_wait(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t until_ms)
{
    struct timespec until = timespec_of(until_ms);
    return pthread_cond_timedwait(cond, lock, &until) == 0;
}
