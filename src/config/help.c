// Writes the table of settings for people: as the help of the command and as a Markdown page.
// SPDX-License-Identifier: Apache-2.0
#include <ctype.h>

#include "config/config_internal.h"

static void write_mapped(struct gs_buf *out, const char *key, int (*map)(int c))
{
    for (; *key; key++)
        gs_buf_append_char(out, (char)map((unsigned char)*key));
}

static int to_flag(int c)
{
    return c == '_' ? '-' : c;
}

static const char *value_form(enum gs_setting_type type)
{
    static const char *const forms[] = {
        [GS_SETTING_TEXT] = "TEXT",       [GS_SETTING_FILE] = "FILE",
        [GS_SETTING_ADDRESS] = "ADDRESS", [GS_SETTING_SECRET] = "",
        [GS_SETTING_BOOL] = "[BOOL]",     [GS_SETTING_SIZE] = "SIZE",
        [GS_SETTING_DURATION] = "TIME",   [GS_SETTING_COUNT] = "N",
        [GS_SETTING_LEVEL] = "LEVEL"};
    return forms[type];
}

static void write_variable(struct gs_buf *out, const struct gs_setting *setting)
{
    if (setting->variable) {
        gs_buf_append_str(out, setting->variable);
        return;
    }
    gs_buf_append_str(out, "GITSYNC_");
    write_mapped(out, setting->key, toupper);
}

void gs_config_write_help(struct gs_buf *out)
{
    for (size_t i = 0; i < gs_settings_count; i++) {
        const struct gs_setting *setting = &gs_settings[i];
        if (setting->type == GS_SETTING_SECRET) {
            gs_buf_printf(out, "  %s (file key or variable only)\n", setting->key);
        } else {
            gs_buf_append_str(out, "  --");
            write_mapped(out, setting->key, to_flag);
            gs_buf_printf(out, " %s\n", value_form(setting->type));
        }
        gs_buf_printf(out, "        %s\n        ", setting->help);
        write_variable(out, setting);
        if (setting->initial)
            gs_buf_printf(out, "; default %s", setting->initial);
        gs_buf_append_char(out, '\n');
    }
}

void gs_config_write_reference(struct gs_buf *out)
{
    gs_buf_append_str(out,
                      "# Settings of `gitsync serve`\n\n"
                      "Later sources win: default, file (`--config FILE` or "
                      "`GITSYNC_CONFIG`), environment, flag.\n"
                      "In the file a setting is a line `key = value`, once; the flag is `--key` "
                      "with `-` for `_`. Sizes take K, M or G, times take ms, s, m or h.\n"
                      "Secrets have no flag, because the process list shows flags.\n\n"
                      "| key | variable | default | what it is |\n|---|---|---|---|\n");
    for (size_t i = 0; i < gs_settings_count; i++) {
        const struct gs_setting *setting = &gs_settings[i];
        gs_buf_printf(out, "| `%s` | `", setting->key);
        write_variable(out, setting);
        gs_buf_append_str(out, "` | ");
        if (setting->initial)
            gs_buf_printf(out, "`%s`", setting->initial);
        gs_buf_printf(out, " | %s |\n", setting->help);
    }
}
