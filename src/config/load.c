// Brings defaults, file, environment and flags together, the later over the earlier.
// SPDX-License-Identifier: Apache-2.0
#include <ctype.h>

#include "config/config_internal.h"

#define VARIABLE_PREFIX "GITSYNC_"

// Variables with our prefix that are not the server's settings: where the command line finds the server.
static const char *const foreign_variables[] = {"GITSYNC_CONFIG", "GITSYNC_SERVER",
                                                "GITSYNC_TOKEN"};

static enum gs_status set_defaults(struct gs_arena *arena, struct gs_config *config,
                                   struct gs_error *err)
{
    *config = (struct gs_config){0};
    for (size_t i = 0; i < gs_settings_count; i++) {
        const struct gs_setting *setting = &gs_settings[i];
        if (!setting->initial)
            continue;
        enum gs_status status =
            gs_setting_read(setting, gs_slice_str(setting->initial), "default", arena, config, err);
        if (status != GS_OK)
            return status;
    }
    return GS_OK;
}

// A flag or variable name in the form of a file key.
static const char *to_key(struct gs_arena *arena, struct gs_slice name)
{
    char *key = gs_arena_dup_slice(arena, name);
    for (char *p = key; *p; p++)
        *p = *p == '-' ? '_' : (char)tolower((unsigned char)*p);
    return key;
}

static bool is_foreign(struct gs_slice name)
{
    for (size_t i = 0; i < GS_COUNT(foreign_variables); i++)
        if (gs_slice_eq_str(name, foreign_variables[i]))
            return true;
    return false;
}

static const struct gs_setting *find_variable(struct gs_arena *arena, struct gs_slice name)
{
    for (size_t i = 0; i < gs_settings_count; i++)
        if (gs_settings[i].variable && gs_slice_eq_str(name, gs_settings[i].variable))
            return &gs_settings[i];
    if (!gs_slice_starts(name, VARIABLE_PREFIX))
        return NULL;
    size_t prefix = strlen(VARIABLE_PREFIX);
    return gs_setting_find(
        gs_slice_str(to_key(arena, gs_slice_of(name.data + prefix, name.len - prefix))));
}

static enum gs_status read_variable(const char *entry, struct gs_arena *arena,
                                    struct gs_config *config, struct gs_error *err)
{
    struct gs_slice value = gs_slice_str(entry);
    struct gs_slice name = gs_slice_split(&value, '=');
    const struct gs_setting *setting = find_variable(arena, name);
    if (!setting) {
        if (!gs_slice_starts(name, VARIABLE_PREFIX) || is_foreign(name))
            return GS_OK;
        return gs_fail(err, GS_CODE_CONFIG_INVALID, NULL,
                       "the variable %.*s names no setting; gitsync serve --help lists them",
                       GS_SLICE_ARG(name));
    }
    // CI systems pass variables that were never filled in as empty ones.
    if (value.len == 0)
        return GS_OK;
    const char *origin = gs_arena_printf(arena, "the variable %.*s", GS_SLICE_ARG(name));
    return gs_setting_read(setting, value, origin, arena, config, err);
}

static enum gs_status read_environment(char *const *environ, struct gs_arena *arena,
                                       struct gs_config *config, struct gs_error *err)
{
    for (; *environ; environ++) {
        enum gs_status status = read_variable(*environ, arena, config, err);
        if (status != GS_OK)
            return status;
    }
    return GS_OK;
}

struct flag {
    struct gs_slice name; // without the dashes
    struct gs_slice value;
    const struct gs_setting *setting; // NULL: the flag is --config
};

// Takes one flag off the arguments; a flag without a value is a boolean one that is switched on.
static enum gs_status next_flag(int argc, char *const *argv, int *at, struct gs_arena *arena,
                                struct flag *out_flag, struct gs_error *err)
{
    const char *arg = argv[(*at)++];
    if (strncmp(arg, "--", 2) != 0 || !arg[2])
        return gs_fail(err, GS_CODE_CONFIG_INVALID, NULL,
                       "'%s' is not a flag; gitsync serve --help lists them", arg);
    struct gs_slice value = gs_slice_str(arg + 2);
    struct gs_slice name = gs_slice_split(&value, '=');
    const struct gs_setting *setting = gs_setting_find(gs_slice_str(to_key(arena, name)));
    if (!setting && !gs_slice_eq_str(name, "config"))
        return gs_fail(err, GS_CODE_CONFIG_INVALID, NULL,
                       "there is no flag --%.*s; gitsync serve --help lists them",
                       GS_SLICE_ARG(name));
    *out_flag = (struct flag){name, value, setting};
    if (arg[2 + name.len] == '=')
        return GS_OK;
    if (setting && setting->type == GS_SETTING_BOOL) {
        out_flag->value = GS_SLICE_LIT("true");
        return GS_OK;
    }
    if (*at >= argc)
        return gs_fail(err, GS_CODE_CONFIG_INVALID, NULL, "the flag %s needs a value", arg);
    out_flag->value = gs_slice_str(argv[(*at)++]);
    return GS_OK;
}

static enum gs_status read_flag(const struct flag *flag, struct gs_arena *arena,
                                struct gs_config *config, struct gs_error *err)
{
    const struct gs_setting *setting = flag->setting;
    if (!setting)
        return GS_OK;
    if (setting->type == GS_SETTING_SECRET)
        return gs_fail(err, GS_CODE_CONFIG_INVALID, setting->key,
                       "--%.*s would show the secret in the process list; use the variable %s or "
                       "--%.*s-file",
                       GS_SLICE_ARG(flag->name), setting->variable, GS_SLICE_ARG(flag->name));
    const char *origin = gs_arena_printf(arena, "the flag --%.*s", GS_SLICE_ARG(flag->name));
    return gs_setting_read(setting, flag->value, origin, arena, config, err);
}

static enum gs_status read_flags(int argc, char *const *argv, struct gs_arena *arena,
                                 struct gs_config *config, struct gs_error *err)
{
    for (int at = 0; at < argc;) {
        struct flag flag;
        enum gs_status status = next_flag(argc, argv, &at, arena, &flag, err);
        if (status == GS_OK)
            status = read_flag(&flag, arena, config, err);
        if (status != GS_OK)
            return status;
    }
    return GS_OK;
}

// The settings file is named before anything else is read, because the rest goes over it.
static enum gs_status find_file(int argc, char *const *argv, char *const *environ,
                                struct gs_arena *arena, const char **out_path, struct gs_error *err)
{
    static const char variable[] = "GITSYNC_CONFIG=";
    const char *path = NULL;
    for (; *environ; environ++)
        if (strncmp(*environ, variable, strlen(variable)) == 0 && (*environ)[strlen(variable)])
            path = *environ + strlen(variable);
    for (int at = 0; at < argc;) {
        struct flag flag;
        enum gs_status status = next_flag(argc, argv, &at, arena, &flag, err);
        if (status != GS_OK)
            return status;
        if (!flag.setting)
            path = gs_arena_dup_slice(arena, flag.value);
    }
    *out_path = path;
    return GS_OK;
}

static enum gs_status check_together(const struct gs_config *config, struct gs_error *err)
{
    if (!config->tls_cert != !config->tls_key)
        return gs_fail(err, GS_CODE_CONFIG_INVALID, config->tls_cert ? "tls_key" : "tls_cert",
                       "tls_cert and tls_key go together; one of them is missing");
    if (config->access_token && config->access_token_file)
        return gs_fail(err, GS_CODE_CONFIG_INVALID, "external_api_access_token_file",
                       "external_api_access_token and external_api_access_token_file are both "
                       "set; keep one");
    if (config->master_key && config->master_key_file)
        return gs_fail(err, GS_CODE_CONFIG_INVALID, "lockbox_master_key_file",
                       "lockbox_master_key and lockbox_master_key_file are both set; keep one");
    if (config->body_total_limit < config->body_limit)
        return gs_fail(err, GS_CODE_CONFIG_INVALID, "body_total_limit",
                       "body_total_limit is less than body_limit, so that no large body would "
                       "ever be taken");
    return GS_OK;
}

enum gs_status gs_config_load(int argc, char *const *argv, char *const *environ,
                              struct gs_arena *arena, struct gs_config *out_config,
                              struct gs_error *err)
{
    struct gs_config config;
    const char *path = NULL;
    enum gs_status status = set_defaults(arena, &config, err);
    if (status == GS_OK)
        status = find_file(argc, argv, environ, arena, &path, err);
    if (status == GS_OK && path)
        status = gs_config_read_file(path, arena, &config, err);
    if (status == GS_OK)
        status = read_environment(environ, arena, &config, err);
    if (status == GS_OK)
        status = read_flags(argc, argv, arena, &config, err);
    if (status == GS_OK)
        status = check_together(&config, err);
    if (status == GS_OK)
        *out_config = config;
    return status;
}
