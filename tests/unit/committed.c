// A bare repository whose files are texts.
// SPDX-License-Identifier: Apache-2.0
#include "committed.h"

#include "base/files.h"

enum { FILE_MAX = 16 << 20 };

int committed_set_up(void **state)
{
    struct committed *c = gs_xcalloc(1, sizeof *c);
    snprintf(c->folder, sizeof c->folder, "/tmp/gitsync-layout-XXXXXX");
    assert_non_null(mkdtemp(c->folder));
    c->arena = gs_arena_new();
    COMMITTED_OK(c, gs_git_init(&c->err));
    COMMITTED_OK(c, gs_mirror_open(c->folder, &c->mirror, &c->err));
    *state = c;
    return 0;
}

int committed_tear_down(void **state)
{
    struct committed *c = *state;
    gs_mirror_close(c->mirror);
    gs_git_shutdown();
    gs_arena_free(c->arena);
    gs_error_release(&c->err);
    enum gs_status status = gs_dir_remove(c->folder, NULL);
    free(c);
    return status == GS_OK ? 0 : -1;
}

void committed_expect(struct committed *c, enum gs_status expected, enum gs_status actual,
                      const char *call, int line)
{
    if (actual != expected)
        fail_msg("line %d: %s gave %d instead of %d: %s", line, call, actual, expected,
                 c->err.message);
}

static enum gs_status commit(struct committed *c, const struct gs_edit *edits, size_t count)
{
    struct gs_commit_request request = {.parent = c->head,
                                        .edits = edits,
                                        .edit_count = count,
                                        .author_name = "Ada",
                                        .author_email = "ada@localhost",
                                        .message = GS_SLICE_LIT("change")};
    struct gs_file_change *changes;
    size_t change_count;
    return gs_mirror_commit(c->mirror, &request, c->arena, &c->head, &changes, &change_count,
                            &c->err);
}

void committed_put(struct committed *c, const char *path, const char *text)
{
    struct gs_edit edit = {
        .kind = text ? GS_EDIT_WRITE : GS_EDIT_DELETE, .path = path, .content = gs_slice_str(text)};
    COMMITTED_OK(c, commit(c, &edit, 1));
}

const char *committed_json(struct committed *c, const char *text)
{
    char *copy = gs_arena_strdup(c->arena, text);
    for (char *p = copy; *p; p++)
        if (*p == '\'')
            *p = '"';
    return copy;
}

void committed_put_all(struct committed *c, const struct committed_file *files, size_t count)
{
    struct gs_edit *edits = gs_arena_array(c->arena, count, sizeof *edits);
    for (size_t i = 0; i < count; i++)
        edits[i] = (struct gs_edit){.kind = GS_EDIT_WRITE,
                                    .path = files[i].path,
                                    .content = gs_slice_str(committed_json(c, files[i].text))};
    COMMITTED_OK(c, commit(c, edits, count));
}

const char *committed_get(struct committed *c, const char *path)
{
    GS_CLEANUP(gs_buf_release) struct gs_buf text;
    gs_buf_init(&text, FILE_MAX);
    enum gs_status status = gs_mirror_read_file(c->mirror, &c->head, path, &text, &c->err);
    if (status == GS_NOT_FOUND)
        return NULL;
    COMMITTED_OK(c, status);
    return gs_arena_dup_slice(c->arena, gs_buf_slice(&text));
}

static void list_below(struct committed *c, const char *folder, struct gs_buf *out)
{
    struct gs_entry *entries;
    size_t count;
    COMMITTED_OK(c,
                 gs_mirror_list(c->mirror, &c->head, folder, c->arena, &entries, &count, &c->err));
    for (size_t i = 0; i < count; i++) {
        const char *path =
            gs_arena_printf(c->arena, "%s%s%s", folder, *folder ? "/" : "", entries[i].name);
        if (entries[i].kind == GS_ENTRY_FOLDER)
            list_below(c, path, out);
        else
            gs_buf_printf(out, "%s\n", path);
    }
}

const char *committed_files(struct committed *c)
{
    GS_CLEANUP(gs_buf_release) struct gs_buf list;
    gs_buf_init(&list, FILE_MAX);
    list_below(c, "", &list);
    return gs_arena_dup_slice(c->arena, gs_buf_slice(&list));
}

const char *committed_edits(struct committed *c)
{
    static const char *const verbs[] = {
        [GS_EDIT_WRITE] = "write", [GS_EDIT_DELETE] = "delete", [GS_EDIT_MOVE] = "move"};
    GS_CLEANUP(gs_buf_release) struct gs_buf list;
    gs_buf_init(&list, FILE_MAX);
    for (size_t i = 0; i < c->edit_count; i++) {
        const struct gs_edit *edit = &c->edits[i];
        gs_buf_printf(&list, "%s %s%s%s\n", verbs[edit->kind], edit->path,
                      edit->to_path ? " to " : "", edit->to_path ? edit->to_path : "");
    }
    return gs_arena_dup_slice(c->arena, gs_buf_slice(&list));
}

enum gs_status committed_push(struct committed *c, enum gs_layout layout,
                              const struct gs_layout_push *push)
{
    enum gs_status status = gs_layout_plan_push(c->mirror, &c->head, layout, push, c->arena,
                                                &c->edits, &c->edit_count, &c->err);
    c->plan_count++;
    return status == GS_OK && c->edit_count > 0 ? commit(c, c->edits, c->edit_count) : status;
}
