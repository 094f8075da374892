// Changes a branch over from one layout to the other in one commit, so that the way there and back is the identity: what a layout has no
// place for is kept beside, below .meta/kept, or refused with a list. Foreign files are not looked at.
// SPDX-License-Identifier: Apache-2.0
#include "layout/convert_internal.h"

const char gs_convert_message[] = "Converted from the per-entity layout";
const char gs_convert_user[] = "gitsync";

static const char date_pattern[] = "dddd-dd-ddTdd:dd:dd.dddZ";

const char *gs_convert_kept(struct conversion *conversion, enum gs_layout layout, const char *path)
{
    return gs_arena_printf(conversion->arena, ".meta/kept/%s/%s", gs_layout_text(layout), path);
}

bool gs_convert_refuses(struct conversion *conversion, const char *path, enum gs_status *status,
                        struct gs_error *err)
{
    if (*status != GS_INVALID && *status != GS_CONFLICT && *status != GS_LIMIT)
        return false;
    gs_problems_add(&conversion->refusals, gs_code_text(err->code), path, "%s", err->message);
    gs_error_release(err);
    *status = GS_OK;
    return true;
}

enum gs_status gs_convert_write(struct conversion *conversion, const char *path,
                                struct gs_slice content, struct gs_error *err)
{
    conversion->bytes += content.len;
    if (conversion->bytes > GS_CONVERT_BYTES_MAX)
        return gs_fail(err, GS_CODE_TOO_LARGE, NULL,
                       "the branch has more than %d bytes of apps, which no single commit should",
                       GS_CONVERT_BYTES_MAX);
    gs_edits_write(&conversion->arrive, path, content);
    return GS_OK;
}

enum gs_status gs_convert_restore(struct conversion *conversion, struct gs_edits *edits,
                                  enum gs_layout layout, const char *path, struct gs_error *err)
{
    struct gs_entry there;
    enum gs_status status = gs_layout_find_entry(conversion->mirror, &conversion->request->parent,
                                                 path, conversion->arena, &there, err);
    if (status != GS_OK)
        return status;
    if (there.name)
        gs_problems_add(&conversion->refusals, gs_code_text(GS_CODE_LAYOUT_CONFLICT), path,
                        "'%s' is in the way", path);
    gs_edits_move(edits, gs_convert_kept(conversion, layout, path), path);
    return GS_OK;
}

void gs_convert_leave(struct conversion *conversion, enum gs_layout layout, const char *path,
                      bool keep)
{
    if (!keep) {
        gs_edits_delete(&conversion->leave, path);
        return;
    }
    const char *kept = gs_convert_kept(conversion, layout, path);
    gs_edits_delete(&conversion->leave, kept);
    gs_edits_move(&conversion->leave, path, kept);
    conversion->kept_count++;
}

enum gs_status gs_convert_read(struct conversion *conversion, const struct gs_git_app *app,
                               struct gs_buf *out, bool *out_found, struct gs_error *err)
{
    enum gs_status status = gs_layout_read(conversion->mirror, &conversion->request->parent,
                                           conversion->catalog.layout, app, out, err);
    *out_found = status == GS_OK;
    if (status == GS_NOT_FOUND && err->code == GS_CODE_NOT_IN_GIT) {
        gs_problems_add(&conversion->warnings, "entry_without_file", app->path, "%s", err->message);
        gs_error_release(err);
        return GS_OK;
    }
    (void)gs_convert_refuses(conversion, app->path, &status, err);
    return status;
}

const char *gs_convert_date(struct conversion *conversion, struct gs_slice text)
{
    bool good = text.len == strlen(date_pattern);
    for (size_t i = 0; good && i < text.len; i++)
        good = date_pattern[i] == 'd' ? text.data[i] >= '0' && text.data[i] <= '9'
                                      : text.data[i] == date_pattern[i];
    return good ? gs_arena_dup_slice(conversion->arena, text) : "1970-01-01T00:00:00.000Z";
}

enum gs_status gs_convert_is_same(struct conversion *conversion, struct gs_meta_draft *draft,
                                  const char *path, bool *out_same, struct gs_error *err)
{
    GS_CLEANUP(gs_buf_release) struct gs_buf there;
    gs_buf_init(&there, GS_META_MAX);
    struct gs_edits written = {.arena = conversion->arena};
    bool found;
    enum gs_status status = gs_layout_find_file(conversion->mirror, &conversion->request->parent,
                                                path, &there, &found, err);
    if (status == GS_OK)
        status = gs_meta_draft_finish(draft, path, &written, err);
    if (status == GS_OK)
        *out_same = found == (written.count == 1) &&
                    (!found || gs_slice_eq(gs_buf_slice(&there), written.items[0].content));
    return status;
}

// ---- The commit ------------------------------------------------------------------------------

static enum gs_status fail_refused(const struct conversion *conversion, struct gs_error *err)
{
    const struct gs_problems *refusals = &conversion->refusals;
    GS_CLEANUP(gs_json_cleanup_mut) yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    GS_CLEANUP(gs_buf_release) struct gs_buf text = {.max = GS_META_MAX};
    yyjson_mut_val *list = yyjson_mut_arr(doc);
    yyjson_mut_doc_set_root(doc, list);
    for (size_t i = 0; i < refusals->count; i++) {
        yyjson_mut_val *obj = yyjson_mut_arr_add_obj(doc, list);
        gs_json_add_cstr(doc, obj, "code", refusals->items[i].code);
        gs_json_add_cstr(doc, obj, "path", refusals->items[i].path);
        gs_json_add_cstr(doc, obj, "reason", refusals->items[i].message);
    }
    enum gs_status status =
        gs_fail(err, GS_CODE_NOT_CONVERTIBLE, NULL,
                "the branch cannot be converted to the %s layout; the first reason of %zu: %s: %s",
                gs_layout_text(conversion->request->target), refusals->count,
                refusals->items[0].path, refusals->items[0].message);
    if (gs_json_write_mut(doc, &text, NULL) == GS_OK)
        gs_error_take_details(err, gs_buf_take(&text, NULL));
    return status;
}

static const struct gs_edit *join(const struct conversion *conversion, size_t *out_count)
{
    const struct gs_edits *parts[] = {&conversion->restore, &conversion->leave,
                                      &conversion->arrive};
    size_t count = 0;
    for (size_t i = 0; i < GS_COUNT(parts); i++)
        count += parts[i]->count;
    struct gs_edit *edits = gs_arena_array(conversion->arena, count, sizeof *edits), *next = edits;
    for (size_t i = 0; i < GS_COUNT(parts); i++)
        for (size_t j = 0; j < parts[i]->count; j++)
            *next++ = parts[i]->items[j];
    *out_count = count;
    return edits;
}

static enum gs_status commit(struct conversion *conversion, struct gs_converted *converted,
                             struct gs_error *err)
{
    const struct gs_conversion *from = conversion->request;
    struct gs_commit_request request = {.parent = from->parent,
                                        .author_name = from->author_name,
                                        .author_email = from->author_email,
                                        .message = from->message,
                                        .when_ms = from->when_ms};
    request.edits = join(conversion, &request.edit_count);
    return gs_mirror_commit(conversion->mirror, &request, conversion->arena, &converted->commit,
                            &converted->files, &converted->file_count, err);
}

// What had to be rebuilt is no ground to build on: a push writes it first. Entries that cannot be read are kept as they are.
static void check_sound(struct conversion *conversion)
{
    const struct gs_problems *problems = &conversion->catalog.problems;
    for (size_t i = 0; i < problems->count; i++) {
        bool kept = strcmp(problems->items[i].code, "entry_unreadable") == 0;
        gs_problems_add(kept ? &conversion->warnings : &conversion->refusals,
                        problems->items[i].code, problems->items[i].path, "%s",
                        problems->items[i].message);
    }
}

static enum gs_status run(struct conversion *conversion, struct gs_converted *converted,
                          struct gs_error *err)
{
    check_sound(conversion);
    enum gs_status status = conversion->request->target == GS_LAYOUT_PER_ENTITY
                                ? gs_convert_to_entities(conversion, err)
                                : gs_convert_to_single(conversion, err);
    if (status == GS_OK && conversion->refusals.count > 0)
        return fail_refused(conversion, err);
    return status == GS_OK ? commit(conversion, converted, err) : status;
}

enum gs_status gs_layout_convert(struct gs_mirror *mirror, const struct gs_conversion *request,
                                 struct gs_arena *arena, struct gs_converted *out_converted,
                                 struct gs_error *err)
{
    struct conversion conversion = {.mirror = mirror, .request = request, .arena = arena};
    struct gs_arena **arenas[] = {&conversion.restore.arena, &conversion.leave.arena,
                                  &conversion.arrive.arena, &conversion.refusals.arena,
                                  &conversion.warnings.arena};
    for (size_t i = 0; i < GS_COUNT(arenas); i++)
        *arenas[i] = arena;
    struct gs_converted converted = {.commit = request->parent};
    enum gs_status status =
        gs_catalog_read(mirror, &request->parent, arena, &conversion.catalog, err);
    enum gs_layout layout = conversion.catalog.layout;
    if (status == GS_OK && layout != GS_LAYOUT_NONE && layout != request->target)
        status = run(&conversion, &converted, err);
    if (status != GS_OK)
        return status;
    converted.app_count = conversion.app_count;
    converted.kept_count = conversion.kept_count;
    converted.warnings = conversion.warnings;
    *out_converted = converted;
    return GS_OK;
}
