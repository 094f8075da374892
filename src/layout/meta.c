// Metadata files: an object with one entry per id, in which people and other programs may have left things of their own. What we do
// not know stays as it is. Knows no layout.
// SPDX-License-Identifier: Apache-2.0
#include "layout/layout_internal.h"

// The cause is well explained already, but it is the repository's file and not a caller's body.
static enum gs_status parse(struct gs_slice text, const char *path, yyjson_doc **out_doc,
                            struct gs_error *err)
{
    struct gs_error cause = GS_ERROR_INIT;
    yyjson_doc *doc;
    enum gs_status status = gs_json_parse(text, path, &doc, &cause);
    if (status == GS_OK && !yyjson_is_obj(yyjson_doc_get_root(doc))) {
        gs_json_free(doc);
        return gs_fail(err, GS_CODE_META_UNREADABLE, NULL, "%s: the file must hold an object",
                       path);
    }
    if (status == GS_OK)
        *out_doc = doc;
    else if (cause.code == GS_CODE_INVALID_JSON)
        status = gs_fail(err, GS_CODE_META_UNREADABLE, NULL, "%s", cause.message);
    else
        gs_error_move(err, &cause);
    gs_error_release(&cause);
    return status;
}

enum gs_status gs_meta_read(struct gs_mirror *mirror, const struct gs_oid *commit, const char *path,
                            yyjson_doc **out_doc, struct gs_error *err)
{
    GS_CLEANUP(gs_buf_release) struct gs_buf text;
    gs_buf_init(&text, GS_META_MAX);
    bool found;
    yyjson_doc *doc = NULL;
    enum gs_status status = gs_layout_find_file(mirror, commit, path, &text, &found, err);
    if (status == GS_OK && found)
        status = parse(gs_buf_slice(&text), path, &doc, err);
    if (status == GS_OK)
        *out_doc = doc;
    return status;
}

enum gs_status gs_meta_fail(const char *path, const char *key, const char *member,
                            const char *problem, struct gs_error *err)
{
    GS_CLEANUP(gs_arena_cleanup) struct gs_arena *scratch = gs_arena_new();
    const char *pointer = gs_json_pointer(scratch, "", gs_slice_str(key));
    if (member)
        pointer = gs_json_pointer(scratch, pointer, gs_slice_str(member));
    return gs_fail(err, GS_CODE_META_UNREADABLE, pointer, "%s: %s %s", path, pointer, problem);
}

const char *gs_meta_get_text(yyjson_val *entry, const char *member, struct gs_arena *arena)
{
    struct gs_slice text = gs_json_get_str(entry, member);
    return gs_slice_has_nul(text) ? "" : gs_arena_dup_slice(arena, text);
}

enum gs_status gs_meta_draft_init(struct gs_meta_draft *draft, yyjson_doc *doc,
                                  struct gs_error *err)
{
    yyjson_mut_doc *mutable = NULL;
    if (doc) {
        enum gs_status status = gs_json_thaw(yyjson_doc_get_root(doc), &mutable, err);
        if (status != GS_OK)
            return status;
    } else {
        mutable = yyjson_mut_doc_new(NULL);
        yyjson_mut_doc_set_root(mutable, yyjson_mut_obj(mutable));
    }
    *draft = (struct gs_meta_draft){.doc = mutable};
    return GS_OK;
}

void gs_meta_draft_release(struct gs_meta_draft *draft)
{
    gs_json_free_mut(draft->doc);
}

static yyjson_mut_val *get_entry(struct gs_meta_draft *draft, const char *key)
{
    yyjson_mut_val *root = yyjson_mut_doc_get_root(draft->doc);
    yyjson_mut_val *entry = yyjson_mut_obj_get(root, key);
    if (entry)
        return entry;
    entry = yyjson_mut_obj(draft->doc);
    if (!yyjson_mut_obj_add(root, yyjson_mut_strcpy(draft->doc, key), entry))
        draft->no_memory = true;
    return entry;
}

void gs_meta_draft_put(struct gs_meta_draft *draft, const char *key, const char *member,
                       struct gs_slice text)
{
    yyjson_mut_val *entry = get_entry(draft, key);
    yyjson_mut_val *old = yyjson_mut_obj_get(entry, member);
    if (yyjson_mut_is_str(old) &&
        gs_slice_eq(gs_slice_of(yyjson_mut_get_str(old), yyjson_mut_get_len(old)), text))
        return;
    draft->changed = true;
    yyjson_mut_val *name = yyjson_mut_strcpy(draft->doc, member);
    yyjson_mut_val *value = yyjson_mut_strncpy(draft->doc, text.data ? text.data : "", text.len);
    bool done =
        old ? yyjson_mut_obj_replace(entry, name, value) : yyjson_mut_obj_add(entry, name, value);
    if (!done)
        draft->no_memory = true;
}

static enum gs_status write(struct gs_meta_draft *draft, const char *path, struct gs_arena *arena,
                            struct gs_slice *out_content, struct gs_error *err)
{
    GS_CLEANUP(gs_json_cleanup) yyjson_doc *frozen = NULL;
    GS_CLEANUP(gs_buf_release) struct gs_buf text;
    gs_buf_init(&text, GS_META_MAX);
    if (draft->no_memory)
        return gs_fail(err, GS_CODE_NO_MEMORY, NULL, "not enough memory to change %s", path);
    enum gs_status status = gs_json_freeze(draft->doc, &frozen, err);
    if (status != GS_OK)
        return status;
    gs_json_write(yyjson_doc_get_root(frozen), &text);
    status = gs_buf_check(&text, path, err);
    if (status == GS_OK)
        *out_content = gs_slice_of(gs_arena_dup_slice(arena, gs_buf_slice(&text)), text.len);
    return status;
}

enum gs_status gs_meta_draft_finish(struct gs_meta_draft *draft, const char *path,
                                    struct gs_edits *edits, struct gs_error *err)
{
    struct gs_slice content;
    if (!draft->changed)
        return GS_OK;
    enum gs_status status = write(draft, path, edits->arena, &content, err);
    if (status == GS_OK)
        gs_edits_write(edits, path, content);
    return status;
}
