// The table of settings and the reading of one value, for this folder only.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_CONFIG_CONFIG_INTERNAL_H
#define GS_CONFIG_CONFIG_INTERNAL_H

#include "config/config.h"

enum gs_setting_type {
    GS_SETTING_TEXT,
    GS_SETTING_FILE,    // that is there and can be read
    GS_SETTING_ADDRESS, // to serve on
    GS_SETTING_SECRET, // a text that is never taken from a flag, because ps shows flags to everybody
    GS_SETTING_BOOL,
    GS_SETTING_SIZE,     // bytes, with K, M or G behind
    GS_SETTING_DURATION, // milliseconds, written with ms, s, m or h
    GS_SETTING_COUNT,
    GS_SETTING_LEVEL, // debug, info, warn, error
};

struct gs_setting {
    const char *
        key; // file key; the flag has '-' for '_'; the variable is GITSYNC_ and the key in capitals
    enum gs_setting_type type;
    size_t offset;        // of the member in struct gs_config
    const char *initial;  // as it would be written; NULL: unset
    int64_t min, max;     // of sizes, durations (ms) and counts
    const char *variable; // a second name in the environment, or NULL
    const char *help;
};

extern const struct gs_setting gs_settings[];
extern const size_t gs_settings_count;

// NULL when there is no such key.
const struct gs_setting *gs_setting_find(struct gs_slice key);
// Reads a value into config. origin says where it stands ("line 3 of /etc/gitsync.conf").
enum gs_status gs_setting_read(const struct gs_setting *setting, struct gs_slice value,
                               const char *origin, struct gs_arena *arena, struct gs_config *config,
                               struct gs_error *err) GS_MUST_CHECK;
enum gs_status gs_config_read_file(const char *path, struct gs_arena *arena,
                                   struct gs_config *config, struct gs_error *err) GS_MUST_CHECK;

#endif
