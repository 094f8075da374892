// Data sources are described twice: in each app that uses them, and once for the workspace in data-sources/. This carries a change of the
// first over to the second; options, which differ in form and hold secrets, are left alone.
// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "crypto/crypto.h"
#include "layout/per_entity_internal.h"

enum { SOURCE_MAX = 16 << 20 };

const char gs_per_entity_source_meta[] = ".meta/dataSourceMeta.json";
static const char *const members[] = {"name", "kind", "type"};

struct update {
    struct gs_mirror *mirror;
    const struct gs_oid *parent;
    struct gs_edits *edits;
    yyjson_val *meta; // entries of the metadata, or NULL
    struct gs_meta_draft draft;
    char when[GS_ISO_TEXT + 1];
};

// The member's new text when the push changes it; empty otherwise.
static struct gs_slice find_change(yyjson_val *before, yyjson_val *after, const char *member)
{
    struct gs_slice old = gs_json_get_str(before, member), new = gs_json_get_str(after, member);
    return gs_slice_eq(old, new) ? GS_SLICE_EMPTY : new;
}

static bool is_changed(yyjson_val *before, yyjson_val *after)
{
    for (size_t i = 0; i < GS_COUNT(members); i++)
        if (find_change(before, after, members[i]).len > 0)
            return true;
    return false;
}

// Only what still says the same as the app said before: it may have been changed for all apps meanwhile.
static bool apply(yyjson_mut_doc *source, yyjson_val *before, yyjson_val *after)
{
    bool changed = false;
    yyjson_mut_val *root = yyjson_mut_doc_get_root(source);
    for (size_t i = 0; i < GS_COUNT(members); i++) {
        struct gs_slice text = find_change(before, after, members[i]);
        struct gs_slice old = gs_json_get_str(before, members[i]);
        yyjson_mut_val *value = yyjson_mut_obj_get(root, members[i]);
        if (text.len == 0 || !yyjson_mut_is_str(value) ||
            !gs_slice_eq(gs_slice_of(yyjson_mut_get_str(value), yyjson_mut_get_len(value)), old))
            continue;
        yyjson_mut_val *name = yyjson_mut_str(source, members[i]);
        changed |=
            yyjson_mut_obj_replace(root, name, yyjson_mut_strncpy(source, text.data, text.len));
    }
    return changed;
}

static void put_meta(struct update *update, const char *id, yyjson_mut_doc *source,
                     struct gs_slice content)
{
    if (!yyjson_is_obj(yyjson_obj_get(update->meta, id)))
        return;
    yyjson_mut_val *root = yyjson_mut_doc_get_root(source);
    char hash[GS_SHA256_HEX + 1];
    gs_sha256_hex(content, hash);
    const char *name = yyjson_mut_get_str(yyjson_mut_obj_get(root, "name"));
    const char *kind = yyjson_mut_get_str(yyjson_mut_obj_get(root, "kind"));
    gs_meta_draft_put(&update->draft, id, "name", gs_slice_str(name));
    gs_meta_draft_put(&update->draft, id, "kind", gs_slice_str(kind));
    gs_meta_draft_put(&update->draft, id, "updatedAt", gs_slice_str(update->when));
    gs_meta_draft_put(&update->draft, id, "contentHash", gs_slice_str(hash));
}

static enum gs_status write_source(struct update *update, const char *path, const char *id,
                                   yyjson_mut_doc *source, struct gs_error *err)
{
    GS_CLEANUP(gs_json_cleanup) yyjson_doc *frozen = NULL;
    GS_CLEANUP(gs_buf_release) struct gs_buf text;
    gs_buf_init(&text, SOURCE_MAX);
    enum gs_status status = gs_json_freeze(source, &frozen, err);
    if (status != GS_OK)
        return status;
    gs_json_write(yyjson_doc_get_root(frozen), &text);
    status = gs_buf_check(&text, path, err);
    if (status != GS_OK)
        return status;
    struct gs_slice content =
        gs_slice_of(gs_arena_dup_slice(update->edits->arena, gs_buf_slice(&text)), text.len);
    gs_edits_write(update->edits, path, content);
    put_meta(update, id, source, content);
    return GS_OK;
}

static enum gs_status update_one(struct update *update, const char *name, yyjson_val *before,
                                 yyjson_val *after, struct gs_error *err)
{
    const char *path = gs_arena_printf(update->edits->arena, "data-sources/%s", name);
    GS_CLEANUP(gs_json_cleanup) yyjson_doc *doc = NULL;
    GS_CLEANUP(gs_json_cleanup_mut) yyjson_mut_doc *source = NULL;
    GS_CLEANUP(gs_buf_release) struct gs_buf text;
    gs_buf_init(&text, SOURCE_MAX);
    bool found;
    enum gs_status status =
        gs_layout_find_file(update->mirror, update->parent, path, &text, &found, err);
    if (status != GS_OK || !found || gs_json_parse(gs_buf_slice(&text), path, &doc, NULL) != GS_OK)
        return status;
    status = gs_json_thaw(yyjson_doc_get_root(doc), &source, err);
    if (status != GS_OK || !apply(source, before, after))
        return status;
    return write_source(update, path, yyjson_get_str(yyjson_obj_get(after, "id")), source, err);
}

static enum gs_status update_changed(struct update *update, const struct gs_entity_list *before,
                                     const struct gs_entity_list *after, struct gs_error *err)
{
    enum gs_status status = GS_OK;
    for (size_t i = 0, j = 0; i < before->count && j < after->count && status == GS_OK;) {
        const struct gs_entity *old = &before->items[i], *new = &after->items[j];
        int order = strcmp(old->name, new->name);
        if (order == 0 && is_changed(old->value, new->value))
            status = update_one(update, new->name, old->value, new->value, err);
        i += order <= 0;
        j += order >= 0;
    }
    return status;
}

enum gs_status gs_per_entity_update_sources(struct gs_mirror *mirror, const struct gs_oid *parent,
                                            const struct gs_entity_list *before,
                                            const struct gs_entity_list *after, int64_t when_ms,
                                            struct gs_edits *edits, struct gs_error *err)
{
    GS_CLEANUP(gs_json_cleanup) yyjson_doc *meta = NULL;
    struct gs_error cause = GS_ERROR_INIT;
    struct update update = {.mirror = mirror, .parent = parent, .edits = edits};
    enum gs_status status = gs_meta_read(mirror, parent, gs_per_entity_source_meta, &meta, &cause);
    // Metadata that somebody broke do not stop an app; but then its hashes would no longer be true.
    if (cause.code == GS_CODE_META_UNREADABLE) {
        gs_error_release(&cause);
        return GS_OK;
    }
    gs_error_move(err, &cause);
    if (status == GS_OK)
        status = gs_meta_draft_init(&update.draft, meta, err);
    if (status != GS_OK)
        return status;
    update.meta = yyjson_doc_get_root(meta);
    gs_clock_format_iso(when_ms, update.when);
    status = update_changed(&update, before, after, err);
    if (status == GS_OK)
        status = gs_meta_draft_finish(&update.draft, gs_per_entity_source_meta, edits, err);
    gs_meta_draft_release(&update.draft);
    return status;
}
