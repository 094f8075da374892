// Turns the text of a setting into its typed value. Messages never contain a secret.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/address.h"
#include "base/log.h"
#include "config/config_internal.h"

struct unit {
    const char *suffix;
    int64_t factor;
};

static const struct unit size_units[] = {
    {"KB", 1 << 10}, {"MB", 1 << 20}, {"GB", 1 << 30}, {"K", 1 << 10},
    {"M", 1 << 20},  {"G", 1 << 30},  {"B", 1},        {"", 1},
};
static const struct unit duration_units[] = {
    {"ms", 1}, {"s", 1000}, {"m", 60 * 1000}, {"h", 3600 * 1000}};
static const struct unit plain_units[] = {{"", 1}};

// A whole number followed by one of the units; false when it is anything else.
static bool read_number(struct gs_slice text, const struct unit *units, size_t count,
                        int64_t *out_number)
{
    size_t digits = 0;
    while (digits < text.len && text.data[digits] >= '0' && text.data[digits] <= '9')
        digits++;
    struct gs_slice suffix = gs_slice_trim(gs_slice_of(text.data + digits, text.len - digits));
    int64_t number;
    if (!gs_slice_to_int(gs_slice_of(text.data, digits), &number))
        return false;
    for (size_t i = 0; i < count; i++)
        if (gs_slice_ieq_str(suffix, units[i].suffix))
            return !__builtin_mul_overflow(number, units[i].factor, out_number);
    return false;
}

static bool read_bool(struct gs_slice text, bool *out_value)
{
    static const char *const yes[] = {"true", "yes", "on", "1"};
    static const char *const no[] = {"false", "no", "off", "0"};
    for (size_t i = 0; i < GS_COUNT(yes); i++) {
        bool is_yes = gs_slice_ieq_str(text, yes[i]);
        if (!is_yes && !gs_slice_ieq_str(text, no[i]))
            continue;
        *out_value = is_yes;
        return true;
    }
    return false;
}

static enum gs_status fail_value(const struct gs_setting *setting, struct gs_slice value,
                                 const char *origin, const char *want, struct gs_error *err)
{
    return gs_fail(err, GS_CODE_CONFIG_INVALID, setting->key, "%s: %s is '%.*s', but must be %s",
                   origin, setting->key, value.len > 200 ? 200 : (int)value.len, value.data, want);
}

static const char *number_form(enum gs_setting_type type)
{
    switch (type) {
    case GS_SETTING_SIZE:
        return "a size such as 64M (K, M, G)";
    case GS_SETTING_DURATION:
        return "a time such as 30s (ms, s, m, h)";
    default:
        return "a whole number";
    }
}

static enum gs_status read_numeric(const struct gs_setting *setting, struct gs_slice value,
                                   const char *origin, int64_t *out, struct gs_error *err)
{
    const struct unit *units = plain_units;
    size_t count = GS_COUNT(plain_units);
    if (setting->type == GS_SETTING_SIZE) {
        units = size_units;
        count = GS_COUNT(size_units);
    } else if (setting->type == GS_SETTING_DURATION) {
        units = duration_units;
        count = GS_COUNT(duration_units);
    }
    int64_t number;
    if (!read_number(value, units, count, &number))
        return fail_value(setting, value, origin, number_form(setting->type), err);
    if (number < setting->min || number > setting->max) {
        char range[128];
        snprintf(range, sizeof range, "from %lld to %lld%s", (long long)setting->min,
                 (long long)setting->max,
                 setting->type == GS_SETTING_SIZE       ? " bytes"
                 : setting->type == GS_SETTING_DURATION ? " ms"
                                                        : "");
        return fail_value(setting, value, origin, range, err);
    }
    *out = number;
    return GS_OK;
}

static enum gs_status check_address(const struct gs_setting *setting, const char *text,
                                    const char *origin, struct gs_error *err)
{
    struct gs_address address;
    const char *why = gs_address_parse(text, &address);
    return why ? gs_fail(err, GS_CODE_CONFIG_INVALID, setting->key, "%s: %s is '%.200s': %s",
                         origin, setting->key, text, why)
               : GS_OK;
}

static enum gs_status check_file(const struct gs_setting *setting, const char *path,
                                 const char *origin, struct gs_error *err)
{
    if (faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) == 0)
        return GS_OK;
    return gs_fail(err, GS_CODE_CONFIG_INVALID, setting->key, "%s: cannot read %s %s: %s", origin,
                   setting->key, path, strerror(errno));
}

static enum gs_status check_text(const struct gs_setting *setting, const char *text,
                                 const char *origin, struct gs_error *err)
{
    if (!*text)
        return gs_fail(err, GS_CODE_CONFIG_INVALID, setting->key, "%s: %s is empty", origin,
                       setting->key);
    if (setting->type == GS_SETTING_ADDRESS)
        return check_address(setting, text, origin, err);
    return setting->type == GS_SETTING_FILE ? check_file(setting, text, origin, err) : GS_OK;
}

enum gs_status gs_setting_read(const struct gs_setting *setting, struct gs_slice value,
                               const char *origin, struct gs_arena *arena, struct gs_config *config,
                               struct gs_error *err)
{
    void *member = (char *)config + setting->offset;
    enum gs_log_level level;
    enum gs_status status;
    const char *text = gs_arena_dup_slice(arena, value);
    switch (setting->type) {
    case GS_SETTING_LEVEL:
        if (!gs_log_level_from_text(text, &level))
            return fail_value(setting, value, origin, "debug, info, warn or error", err);
        __attribute__((fallthrough));
    case GS_SETTING_TEXT:
    case GS_SETTING_FILE:
    case GS_SETTING_ADDRESS:
    case GS_SETTING_SECRET:
        status = check_text(setting, text, origin, err);
        if (status == GS_OK)
            *(const char **)member = text;
        return status;
    case GS_SETTING_BOOL:
        if (!read_bool(value, member))
            return fail_value(setting, value, origin, "true or false", err);
        return GS_OK;
    case GS_SETTING_SIZE:
    case GS_SETTING_DURATION:
    case GS_SETTING_COUNT:
        break;
    }
    return read_numeric(setting, value, origin, member, err);
}
