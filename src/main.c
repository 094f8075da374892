// The command `gitsync`: finds the subcommand and hands over to it.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>

#include "api/api.h"
#include "base/version.h"
#include "cli/cli.h"
#include "config/config.h"
#include "daemon/daemon.h"

enum { EXIT_USAGE = 2, PAGE_MAX_BYTES = 1 << 20 };

extern char **environ;

static const char usage_head[] =
    "usage: gitsync <command> [flags]\n"
    "\n"
    "  serve       run the server; 'gitsync serve --help' lists its settings\n";
static const char usage_tail[] =
    "  reference   print a page of the reference: settings, errors or openapi\n"
    "  version     print the version\n"
    "  help        print this\n";

static int print_page(struct gs_buf *page)
{
    size_t written = fwrite(page->data, 1, page->len, stdout);
    bool complete = written == page->len && fflush(stdout) == 0 && !page->failed;
    gs_buf_release(page);
    return complete ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int print_serve_help(void)
{
    struct gs_buf page;
    gs_buf_init(&page, PAGE_MAX_BYTES);
    gs_buf_append_str(&page, "usage: gitsync serve [flags]\n\n"
                             "Settings come from the file of --config (key = value), from the "
                             "environment and from\nflags; the later wins.\n\n"
                             "  --config FILE\n        settings file\n        GITSYNC_CONFIG\n");
    gs_config_write_help(&page);
    return print_page(&page);
}

static bool wants_help(int argc, char *const *argv)
{
    for (int i = 0; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return false;
}

static int serve(int argc, char *const *argv)
{
    return wants_help(argc, argv) ? print_serve_help() : gs_daemon_main(argc, argv, environ);
}

static int reference(int argc, char *const *argv)
{
    const char *name = argc == 1 ? argv[0] : "";
    struct gs_buf page;
    gs_buf_init(&page, PAGE_MAX_BYTES);
    if (strcmp(name, "settings") == 0) {
        gs_config_write_reference(&page);
    } else if (strcmp(name, "errors") == 0) {
        gs_api_write_errors(&page);
    } else if (strcmp(name, "openapi") == 0) {
        page.failed = gs_api_write_openapi(&page, NULL) != GS_OK;
    } else {
        fputs("usage: gitsync reference settings|errors|openapi\n", stderr);
        return EXIT_USAGE;
    }
    return print_page(&page);
}

static int print_version(int argc, char *const *argv)
{
    (void)argc;
    (void)argv;
    puts("gitsync " GS_VERSION);
    return EXIT_SUCCESS;
}

static void print_usage(FILE *out)
{
    fputs(usage_head, out);
    for (size_t i = 0; i < gs_cli_command_count; i++)
        fprintf(out, "  %-10s  %s\n", gs_cli_commands[i].name, gs_cli_commands[i].summary);
    fputs(usage_tail, out);
}

static int help(int argc, char *const *argv)
{
    (void)argc;
    (void)argv;
    print_usage(stdout);
    return EXIT_SUCCESS;
}

static const struct {
    const char *name;
    int (*run)(int argc, char *const *argv);
} commands[] = {
    {"serve", serve},
    {"reference", reference},
    {"version", print_version},
    {"--version", print_version},
    {"help", help},
    {"--help", help},
    {"-h", help},
};

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    for (size_t i = 0; i < GS_COUNT(commands); i++)
        if (strcmp(name, commands[i].name) == 0)
            return commands[i].run(argc - 2, argv + 2);
    for (size_t i = 0; i < gs_cli_command_count; i++)
        if (strcmp(name, gs_cli_commands[i].name) == 0)
            return gs_cli_commands[i].run(argc - 2, argv + 2);
    if (*name)
        fprintf(stderr, "gitsync: there is no command '%s'\n", name);
    print_usage(stderr);
    return EXIT_USAGE;
}
