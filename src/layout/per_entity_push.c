// The per-entity layout, writing: the files of the entities that a push changes, adds or removes, and the app's entry in the metadata.
// SPDX-License-Identifier: Apache-2.0
//
// A file is left alone when it already means what the document says, however it is formatted. Files that are no entities are
// somebody's and stay; they follow a renamed app when its folder is its own and the new place is free.
#include "base/clock.h"
#include "layout/per_entity_internal.h"

enum { FILES_MAX = 256 << 20 };

struct plan {
    struct gs_mirror *mirror;
    const struct gs_oid *parent;
    const struct gs_layout_push *push;
    struct gs_entity_identity who;
    struct gs_edits edits;
    struct gs_document document;
    struct gs_entities pushed;
    struct gs_per_entity_place place;
    struct gs_entity_folder there; // what the app's folder holds, after a move
};

static const char *path_of(struct plan *plan, const char *file)
{
    return gs_arena_printf(plan->edits.arena, "%s/%s", plan->place.path, file);
}

static const char *file_of(struct plan *plan, enum gs_entity_kind kind,
                           const struct gs_entity *entity)
{
    return gs_arena_printf(plan->edits.arena, "%s/%s", gs_entity_kinds[kind].folder, entity->name);
}

static bool is_renamed(const struct plan *plan)
{
    return plan->place.old_path && strcmp(plan->place.old_path, plan->place.path) != 0;
}

// ---- Getting there -------------------------------------------------------------------

// Folders move as a whole when all in them is the app's and there is nothing at the new place yet.
static enum gs_status move_folder(struct plan *plan, bool *out_moved, struct gs_error *err)
{
    struct gs_per_entity_place *place = &plan->place;
    struct gs_arena *arena = plan->edits.arena;
    struct gs_entry old, new;
    enum gs_status status =
        gs_layout_find_entry(plan->mirror, plan->parent, place->old_path, arena, &old, err);
    if (status == GS_OK)
        status = gs_layout_find_entry(plan->mirror, plan->parent, place->path, arena, &new, err);
    if (status != GS_OK)
        return status;
    *out_moved =
        !place->shared && !place->nested && old.name && old.kind == GS_ENTRY_FOLDER && !new.name;
    if (*out_moved)
        gs_edits_move(&plan->edits, place->old_path, place->path);
    return GS_OK;
}

static void delete_all(struct plan *plan, const char *path, const struct gs_entity_folder *folder)
{
    struct gs_arena *arena = plan->edits.arena;
    if (folder->has_app)
        gs_edits_delete(&plan->edits, gs_arena_printf(arena, "%s/%s", path, gs_entity_app_file));
    if (folder->has_schema)
        gs_edits_delete(&plan->edits, gs_arena_printf(arena, "%s/%s", path, gs_entity_schema_file));
    for (size_t kind = 0; kind < GS_ENTITY_KINDS; kind++) {
        const struct gs_entity_list *list = &folder->entities.lists[kind];
        for (size_t i = 0; i < list->count; i++)
            gs_edits_delete(&plan->edits, gs_arena_printf(arena, "%s/%s", path,
                                                          file_of(plan, (enum gs_entity_kind)kind,
                                                                  &list->items[i])));
    }
}

// The app's own files leave a folder that cannot move.
static enum gs_status leave_folder(struct plan *plan, struct gs_error *err)
{
    if (plan->place.shared)
        return GS_OK;
    struct gs_entity_folder folder;
    enum gs_status status = gs_entity_folder_load(plan->mirror, plan->parent, plan->place.old_path,
                                                  FILES_MAX, plan->edits.arena, &folder, err);
    if (status == GS_OK)
        delete_all(plan, plan->place.old_path, &folder);
    gs_entity_folder_release(&folder);
    return status;
}

static enum gs_status go_to_place(struct plan *plan, struct gs_error *err)
{
    bool moved = false;
    enum gs_status status = GS_OK;
    if (is_renamed(plan)) {
        status = move_folder(plan, &moved, err);
        if (status == GS_OK && !moved)
            status = leave_folder(plan, err);
    }
    if (status != GS_OK)
        return status;
    const char *source = moved ? plan->place.old_path : plan->place.path;
    return gs_entity_folder_load(plan->mirror, plan->parent, source, FILES_MAX, plan->edits.arena,
                                 &plan->there, err);
}

// Other versions in the folder, which a merge of branches brought, are told apart only when all files can be read.
static enum gs_status find_kept(struct plan *plan, struct gs_error *err)
{
    const struct gs_error *fault = &plan->there.fault;
    if (plan->there.entities.lists[GS_ENTITY_VERSIONS].count < 2)
        return GS_OK;
    if (fault->code != GS_CODE_NONE)
        return gs_fail(err, fault->code, NULL, "%s", fault->message);
    gs_entities_choose_version(&plan->there.entities);
    return gs_entities_mark_kept(&plan->there.entities, &plan->who, plan->document.version,
                                 FILES_MAX, err);
}

// ---- Comparing and writing -----------------------------------------------------------

static enum gs_status compare_documents(const struct plan *plan, struct gs_slice there,
                                        bool *out_same, struct gs_error *err)
{
    GS_CLEANUP(gs_buf_release) struct gs_buf here;
    gs_buf_init(&here, FILES_MAX);
    enum gs_status status = gs_entities_write_document(&plan->pushed, &plan->who, &here, err);
    if (status == GS_OK)
        *out_same = gs_slice_eq(gs_buf_slice(&here), there);
    return status;
}

static bool has_rebuilt(const struct plan *plan)
{
    for (size_t i = 0; i < GS_PER_ENTITY_METAS; i++)
        if (plan->place.metas[i].rebuilt)
            return true;
    return false;
}

// By what the caller knows, before the files are read, or by the files.
static enum gs_status is_up_to_date(const struct plan *plan, bool *out_yes, struct gs_error *err)
{
    GS_CLEANUP(gs_buf_release) struct gs_buf there;
    gs_buf_init(&there, FILES_MAX);
    *out_yes = false;
    if (!plan->place.old_path || is_renamed(plan) || has_rebuilt(plan))
        return GS_OK;
    if (plan->push->held != GS_HELD_UNKNOWN) {
        *out_yes = plan->push->held == GS_HELD_SAME;
        return GS_OK;
    }
    if (!plan->there.has_app || plan->there.fault.code != GS_CODE_NONE)
        return GS_OK;
    enum gs_status status = gs_per_entity_write_document(&plan->there, &plan->who, &there, err);
    return status == GS_OK ? compare_documents(plan, gs_buf_slice(&there), out_yes, err) : status;
}

// text is what the file is to hold, old what it holds (NULL: no file, or one at fault).
static enum gs_status write_file(struct plan *plan, const char *file, struct gs_slice text,
                                 yyjson_val *old, struct gs_error *err)
{
    GS_CLEANUP(gs_buf_release) struct gs_buf before;
    gs_buf_init(&before, FILES_MAX);
    if (old) {
        gs_json_write(old, &before);
        enum gs_status status = gs_buf_check(&before, file, err);
        if (status != GS_OK || gs_slice_eq(gs_buf_slice(&before), text))
            return status;
    }
    gs_edits_write(&plan->edits, path_of(plan, file),
                   gs_slice_of(gs_arena_dup_slice(plan->edits.arena, text), text.len));
    return GS_OK;
}

static enum gs_status write_entity(struct plan *plan, enum gs_entity_kind kind, size_t index,
                                   yyjson_val *old, struct gs_buf *text, struct gs_error *err)
{
    enum gs_status status =
        gs_entities_write_file(&plan->pushed, &plan->who, kind, index, text, err);
    const struct gs_entity *entity = &plan->pushed.lists[kind].items[index];
    return status == GS_OK
               ? write_file(plan, file_of(plan, kind, entity), gs_buf_slice(text), old, err)
               : status;
}

// Both lists are sorted by name.
static enum gs_status write_kind(struct plan *plan, enum gs_entity_kind kind, struct gs_buf *text,
                                 struct gs_error *err)
{
    const struct gs_entity_list *new = &plan->pushed.lists[kind];
    const struct gs_entity_list *old = &plan->there.entities.lists[kind];
    enum gs_status status = GS_OK;
    for (size_t i = 0, j = 0; (i < new->count || j < old->count) && status == GS_OK;) {
        int order = i == new->count   ? 1
                    : j == old->count ? -1
                                      : strcmp(new->items[i].name, old->items[j].name);
        if (order <= 0)
            status =
                write_entity(plan, kind, i, order == 0 ? old->items[j].value : NULL, text, err);
        else if (!old->items[j].kept)
            gs_edits_delete(&plan->edits, path_of(plan, file_of(plan, kind, &old->items[j])));
        i += order <= 0;
        j += order >= 0;
    }
    return status;
}

static enum gs_status write_schema(struct plan *plan, struct gs_buf *text, struct gs_error *err)
{
    if (!plan->pushed.schema) {
        if (plan->there.has_schema)
            gs_edits_delete(&plan->edits, path_of(plan, gs_entity_schema_file));
        return GS_OK;
    }
    gs_buf_clear(text);
    gs_json_write(plan->pushed.schema, text);
    enum gs_status status = gs_buf_check(text, gs_entity_schema_file, err);
    return status == GS_OK ? write_file(plan, gs_entity_schema_file, gs_buf_slice(text),
                                        plan->there.entities.schema, err)
                           : status;
}

static enum gs_status write_files(struct plan *plan, struct gs_error *err)
{
    GS_CLEANUP(gs_buf_release) struct gs_buf text;
    gs_buf_init(&text, FILES_MAX);
    enum gs_status status = gs_entities_write_app_file(&plan->pushed, &plan->who, &text, err);
    if (status == GS_OK)
        status = write_file(plan, gs_entity_app_file, gs_buf_slice(&text), plan->there.entities.app,
                            err);
    if (status == GS_OK)
        status = write_schema(plan, &text, err);
    for (size_t kind = 0; kind < GS_ENTITY_KINDS && status == GS_OK; kind++)
        status = write_kind(plan, (enum gs_entity_kind)kind, &text, err);
    return status;
}

// An entry that is there already says when its app was changed, and nothing else has to be written then.
static enum gs_status write_meta(struct plan *plan, size_t index, bool changed,
                                 struct gs_error *err)
{
    const struct gs_per_entity_place *place = &plan->place;
    bool own = changed && index == place->meta;
    if (!own && !place->metas[index].rebuilt)
        return GS_OK;
    char when[GS_ISO_TEXT + 1];
    gs_clock_format_iso(plan->push->when_ms, when);
    struct gs_meta_draft draft;
    enum gs_status status = gs_meta_draft_init(&draft, place->metas[index].doc, err);
    if (status != GS_OK)
        return status;
    draft.changed = place->metas[index].rebuilt;
    if (own) {
        gs_meta_draft_put(&draft, plan->who.id, "appPath", gs_slice_str(place->path));
        gs_meta_draft_put(&draft, plan->who.id, "updatedAt", gs_slice_str(when));
    }
    status = gs_meta_draft_finish(&draft, gs_per_entity_metas[index].path, &plan->edits, err);
    gs_meta_draft_release(&draft);
    return status;
}

static enum gs_status write_metas(struct plan *plan, struct gs_error *err)
{
    bool changed = plan->edits.count > 0 || !plan->place.old_path;
    enum gs_status status = GS_OK;
    for (size_t i = 0; status == GS_OK && i < GS_PER_ENTITY_METAS; i++)
        status = write_meta(plan, i, changed, err);
    return status;
}

// ---- The plan ------------------------------------------------------------------------

static enum gs_status take_apart(const struct gs_layout_push *push, struct gs_arena *arena,
                                 struct gs_document *document, struct gs_entities *entities,
                                 struct gs_error *err)
{
    enum gs_status status = gs_app_check_name(gs_slice_str(push->app_name), NULL, err);
    if (status == GS_OK)
        status = gs_document_parse(push->document, "the document", document, err);
    return status == GS_OK ? gs_entities_from_document(document, arena, entities, err) : status;
}

static enum gs_status change_files(struct plan *plan, struct gs_error *err)
{
    enum gs_status status = write_files(plan, err);
    if (status == GS_OK)
        status = gs_per_entity_update_sources(
            plan->mirror, plan->parent, &plan->there.entities.lists[GS_ENTITY_DATA_SOURCES],
            &plan->pushed.lists[GS_ENTITY_DATA_SOURCES], plan->push->when_ms, &plan->edits, err);
    return status == GS_OK ? write_metas(plan, err) : status;
}

static enum gs_status load_place(struct plan *plan, struct gs_error *err)
{
    enum gs_status status = go_to_place(plan, err);
    return status == GS_OK ? find_kept(plan, err) : status;
}

static enum gs_status make_plan(struct plan *plan, struct gs_error *err)
{
    bool done = false;
    struct gs_arena *arena = plan->edits.arena;
    enum gs_status status = take_apart(plan->push, arena, &plan->document, &plan->pushed, err);
    if (status == GS_OK)
        status = gs_per_entity_find_place(
            plan->mirror, plan->parent, plan->push,
            yyjson_equals_str(yyjson_obj_get(plan->document.app, "type"), "module"), arena,
            &plan->place, err);
    if (status == GS_OK && plan->push->held != GS_HELD_UNKNOWN)
        status = is_up_to_date(plan, &done, err);
    if (status == GS_OK && !done)
        status = load_place(plan, err);
    if (status == GS_OK && !done && plan->push->held == GS_HELD_UNKNOWN)
        status = is_up_to_date(plan, &done, err);
    return status != GS_OK || done ? status : change_files(plan, err);
}

enum gs_status gs_per_entity_plan_push(struct gs_mirror *mirror, const struct gs_oid *parent,
                                       const struct gs_layout_push *push, struct gs_arena *arena,
                                       struct gs_edit **out_edits, size_t *out_count,
                                       struct gs_error *err)
{
    struct plan plan = {.mirror = mirror,
                        .parent = parent,
                        .push = push,
                        .who = {push->git_app_id, push->app_name},
                        .edits = {.arena = arena}};
    enum gs_status status = make_plan(&plan, err);
    gs_entity_folder_release(&plan.there);
    gs_per_entity_place_release(&plan.place);
    gs_document_release(&plan.document);
    if (status != GS_OK)
        return status;
    *out_edits = plan.edits.items;
    *out_count = plan.edits.count;
    return GS_OK;
}

enum gs_status gs_per_entity_normalize(const struct gs_layout_push *push, struct gs_buf *out,
                                       struct gs_error *err)
{
    GS_CLEANUP(gs_arena_cleanup) struct gs_arena *scratch = gs_arena_new();
    const struct gs_entity_identity who = {push->git_app_id, push->app_name};
    struct gs_document document = {.json = NULL};
    struct gs_entities entities;
    enum gs_status status = take_apart(push, scratch, &document, &entities, err);
    if (status == GS_OK)
        status = gs_entities_write_document(&entities, &who, out, err);
    gs_document_release(&document);
    return status;
}
