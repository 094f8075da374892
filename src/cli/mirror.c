// gitsync mirror: the mirrors on the server's disk.
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "cli/cli_internal.h"

// Packing many large mirrors takes its time.
enum { LIST_SECONDS = 120, COLLECT_SECONDS = 6 * 3600 };

static const char help[] =
    "usage: gitsync mirror list [flags]\n"
    "       gitsync mirror gc [flags]\n"
    "\n"
    "list tells which mirrors of repositories are on the server's disk, those unused for\n"
    "longest first. gc packs them, removes those that no organization needs any more, keeps\n"
    "the server's mirror_limit, and tells what that freed.\n"
    "\n" CLI_COMMON_HELP;

static void print_mirror(yyjson_val *mirror)
{
    char size[CLI_SIZE_TEXT];
    gs_cli_format_size(gs_cli_number(mirror, "bytes"), size);
    printf("%-12s  ", size);
    gs_cli_print_text(mirror, "lastUsedAt", "never");
    printf("  %s  ", yyjson_is_true(yyjson_obj_get(mirror, "inUse")) ? "in use" : "      ");
    gs_cli_print_text(mirror, "gitUrl", "(of no organization any more)");
    putchar('\n');
}

static void print_sum(yyjson_val *root, size_t count)
{
    char bytes[CLI_SIZE_TEXT], limit[CLI_SIZE_TEXT];
    gs_cli_format_size(gs_cli_number(root, "bytes"), bytes);
    gs_cli_format_size(gs_cli_number(root, "limitBytes"), limit);
    printf("%zu mirror%s, %s of at most %s\n", count, count == 1 ? "" : "s", bytes, limit);
}

static enum gs_status list(struct cli *cli, struct gs_error *err)
{
    enum gs_status status = gs_cli_request(cli, "GET", "/mirrors", LIST_SECONDS, err);
    if (status != GS_OK)
        return status;
    if (cli->json) {
        gs_cli_print_answer(cli);
        return GS_OK;
    }
    yyjson_val *root = yyjson_doc_get_root(cli->answer), *mirror;
    yyjson_val *mirrors = gs_json_get_arr(root, "data");
    yyjson_arr_iter iter = yyjson_arr_iter_with(mirrors);
    while ((mirror = yyjson_arr_iter_next(&iter)))
        print_mirror(mirror);
    print_sum(root, yyjson_arr_size(mirrors));
    return GS_OK;
}

static enum gs_status collect(struct cli *cli, struct gs_error *err)
{
    enum gs_status status = gs_cli_request(cli, "POST", "/mirrors/gc", COLLECT_SECONDS, err);
    if (status != GS_OK)
        return status;
    if (cli->json) {
        gs_cli_print_answer(cli);
        return GS_OK;
    }
    char freed[CLI_SIZE_TEXT];
    yyjson_val *root = yyjson_doc_get_root(cli->answer);
    gs_cli_format_size(gs_cli_number(root, "freedBytes"), freed);
    printf("%lld packed, %lld removed, %s freed\n", (long long)gs_cli_number(root, "packed"),
           (long long)gs_cli_number(root, "removed"), freed);
    print_sum(root, (size_t)gs_cli_number(root, "mirrors"));
    return GS_OK;
}

int gs_cli_mirror(int argc, char *const *argv)
{
    static const struct cli_action actions[] = {{"list", list}, {"gc", collect}};
    return gs_cli_run("mirror", help, actions, GS_COUNT(actions), argc, argv);
}
