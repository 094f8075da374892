// Feeds the files of folders to a target once each, for compilers without a fuzzer. Knows no target.
// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <stdlib.h>

#include "base/files.h"
#include "fuzz.h"

enum { INPUT_MAX = 16 << 20, PATH_LEN_MAX = 4096 };

static void feed(const char *path)
{
    struct gs_error err = GS_ERROR_INIT;
    GS_CLEANUP(gs_buf_release) struct gs_buf input;
    gs_buf_init(&input, INPUT_MAX);
    FUZZ_MUST(gs_file_read(path, &input, &err), &err);
    // Exactly as large as the input, so that a sanitizer sees what reads beyond.
    char *exact = gs_xcalloc(input.len ? input.len : 1, 1);
    if (input.len > 0)
        memcpy(exact, input.data, input.len);
    fprintf(stderr, "%s\n", path);
    fuzz_one(gs_slice_of(exact, input.len));
    free(exact);
}

static size_t feed_folder(const char *folder)
{
    size_t count = 0;
    DIR *dir = opendir(folder);
    if (!dir)
        return 0;
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        char path[PATH_LEN_MAX];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        feed(path);
        count++;
    }
    closedir(dir);
    return count;
}

int main(int argc, char **argv)
{
    size_t count = 0;
    for (int i = 1; i < argc; i++)
        count += feed_folder(argv[i]);
    printf("%zu inputs\n", count);
    return count > 0 ? 0 : 1;
}
