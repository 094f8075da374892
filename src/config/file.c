// Reads a settings file: "key = value" lines, comments after ';' or '#', no sections. The syntax is inih's.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <ini.h>

#include "config/config_internal.h"

struct reading {
    FILE *stream;
    const char *path;
    int line;
    int error_line; // of the first setting that was refused
    int *lines;     // where each setting of the table stands, 0: nowhere yet
    struct gs_arena *arena;
    struct gs_config *config;
    struct gs_error *err;
};

// inih does not tell the handler where it is, so lines are counted on their way in.
static char *next_line(char *text, int size, void *stream)
{
    struct reading *reading = stream;
    char *line = fgets(text, size, reading->stream);
    if (line)
        reading->line++;
    return line;
}

static enum gs_status read_setting(struct reading *reading, const char *section, const char *key,
                                   const char *value)
{
    if (section[0])
        return gs_fail(reading->err, GS_CODE_CONFIG_INVALID, key,
                       "line %d of %s: the section [%s] is not known; settings stand without one",
                       reading->line, reading->path, section);
    const struct gs_setting *setting = gs_setting_find(gs_slice_str(key));
    if (!setting)
        return gs_fail(reading->err, GS_CODE_CONFIG_INVALID, key,
                       "line %d of %s: there is no setting '%s'; gitsync serve --help lists them",
                       reading->line, reading->path, key);
    int *first = &reading->lines[setting - gs_settings];
    if (*first)
        return gs_fail(reading->err, GS_CODE_CONFIG_INVALID, key,
                       "line %d of %s: %s stands in line %d already; keep one of them",
                       reading->line, reading->path, key, *first);
    *first = reading->line;
    char origin[512];
    snprintf(origin, sizeof origin, "line %d of %s", reading->line, reading->path);
    return gs_setting_read(setting, gs_slice_str(value), origin, reading->arena, reading->config,
                           reading->err);
}

static int on_setting(void *user, const char *section, const char *key, const char *value)
{
    struct reading *reading = user;
    if (reading->error_line)
        return 1;
    if (read_setting(reading, section, key, value) == GS_OK)
        return 1;
    reading->error_line = reading->line;
    return 0;
}

enum gs_status gs_config_read_file(const char *path, struct gs_arena *arena,
                                   struct gs_config *config, struct gs_error *err)
{
    FILE *stream = fopen(path, "re");
    if (!stream)
        return gs_fail(err, GS_CODE_CONFIG_INVALID, "config",
                       "cannot read the settings file %s: %s", path, strerror(errno));
    struct reading reading = {.stream = stream,
                              .path = path,
                              .lines = gs_arena_array(arena, gs_settings_count, sizeof(int)),
                              .arena = arena,
                              .config = config,
                              .err = err};
    int first_error = ini_parse_stream(next_line, &reading, on_setting, &reading);
    fclose(stream);
    if (first_error == 0)
        return GS_OK;
    if (reading.error_line && reading.error_line <= first_error)
        return GS_INVALID;
    return gs_fail(err, GS_CODE_CONFIG_INVALID, NULL,
                   "line %d of %s: not of the form key = value (lines have at most 200 bytes)",
                   first_error, path);
}
