// One JSON object per line on standard error. Only the API, the workers and the daemon call it.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_BASE_LOG_H
#define GS_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum gs_log_level { GS_LOG_DEBUG, GS_LOG_INFO, GS_LOG_WARN, GS_LOG_ERROR };

// A missing text is logged as an empty one.
static inline const char *gs_log_text(const char *text)
{
    return text ? text : "";
}

struct gs_log_field {
    const char *key;
    const char *text; // NULL: number counts
    int64_t number;
};

#define GS_F_STR(k, v)                                                                             \
    {                                                                                              \
        .key = (k), .text = gs_log_text(v)                                                         \
    }
#define GS_F_INT(k, v)                                                                             \
    {                                                                                              \
        .key = (k), .number = (int64_t)(v)                                                         \
    }

// Of an event that has nothing to tell.
#define GS_F_NONE                                                                                  \
    {                                                                                              \
        .key = NULL                                                                                \
    }

// gs_log(GS_LOG_INFO, "listening", GS_F_STR("address", a), GS_F_INT("pid", p)); writes
// {"time":"…","level":"info","event":"listening","address":"…","pid":1}. Thread-safe, one write(2) a line.
// A line is at most 8 KB; a longer text is cut.
#define gs_log(level, event, ...)                                                                  \
    gs_log_write((level), (event), (const struct gs_log_field[]){__VA_ARGS__, GS_F_NONE})

// fields end with GS_F_NONE.
void gs_log_write(enum gs_log_level level, const char *event, const struct gs_log_field *fields);

// Lines under the level are dropped. Call before threads start.
void gs_log_set_level(enum gs_log_level level);
// debug, info, warn or error; false for anything else.
bool gs_log_level_from_text(const char *text, enum gs_log_level *out_level);

#endif
