// Shows members of an answer to a person at a terminal.
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "cli/cli_internal.h"

void gs_cli_print_answer(const struct cli *cli)
{
    fwrite(cli->body.data, 1, cli->body.len, stdout);
    putchar('\n');
}

int64_t gs_cli_number(yyjson_val *obj, const char *name)
{
    yyjson_val *value = yyjson_obj_get(obj, name);
    int64_t number;
    return yyjson_is_raw(value) && gs_slice_to_int(gs_slice_str(yyjson_get_raw(value)), &number)
               ? number
               : 0;
}

void gs_cli_format_size(int64_t bytes, char out[CLI_SIZE_TEXT])
{
    static const char *const units[] = {"bytes", "KB", "MB", "GB", "TB"};
    size_t unit = 0;
    double size = (double)bytes;
    for (; size >= 1024 && unit + 1 < GS_COUNT(units); unit++)
        size /= 1024;
    snprintf(out, CLI_SIZE_TEXT, unit ? "%.1f %s" : "%.0f %s", size, units[unit]);
}

void gs_cli_print_text(yyjson_val *obj, const char *name, const char *otherwise)
{
    struct gs_slice text = gs_json_get_str(obj, name);
    if (!text.data) {
        fputs(otherwise, stdout);
        return;
    }
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        putchar(c < 0x20 || c == 0x7f ? '?' : c);
    }
}
