// Three-way merge of documents: the envelope, the app's own members and its lists of entities. What
// happens inside of an entity is merge_value.c's business, what becomes of deleted ones
// merge_fate.c's.
// SPDX-License-Identifier: Apache-2.0
#include "app/merge_internal.h"

// ---- Entities -----------------------------------------------------------------------------

// Settles an entity that one side left alone without looking inside. GS_SIDE_BASE: it has to be
// merged.
static enum gs_side find_untouched(const struct gs_row *row)
{
    yyjson_val *base = row->side[GS_SIDE_BASE], *ours = row->side[GS_SIDE_OURS],
               *theirs = row->side[GS_SIDE_THEIRS];
    if ((base && gs_json_equal(base, theirs)) || gs_json_equal(ours, theirs))
        return GS_SIDE_OURS;
    return base && gs_json_equal(base, ours) ? GS_SIDE_THEIRS : GS_SIDE_BASE;
}

// Memory for what one entity needs goes when it is done.
static void merge_inside(struct gs_merge *merge, const struct gs_place *at,
                         const struct gs_row *row)
{
    GS_CLEANUP(gs_arena_cleanup) struct gs_arena *work = gs_arena_new();
    struct gs_arena *outer = merge->work;
    merge->work = work;
    gs_merge_members(merge, at, row);
    merge->work = outer;
}

static void merge_single(struct gs_merge *merge, const struct gs_place *at,
                         const struct gs_row *row)
{
    enum gs_side side =
        row->fate == GS_FATE_DISPUTED ? gs_merge_conflict(merge, at, row) : gs_row_holder(row);
    if (row->side[side])
        gs_emit_value(&merge->out, row->side[side]);
}

// What a person knows the entity by: our name for it, else theirs.
static struct gs_slice find_name(const struct gs_row *row)
{
    struct gs_slice ours = gs_entity_name(row->side[GS_SIDE_OURS]);
    return ours.len > 0 ? ours : gs_entity_name(row->side[GS_SIDE_THEIRS]);
}

static void merge_entity(struct gs_merge *merge, const char *type, const struct gs_row *row)
{
    struct gs_entity entity = {.type = type, .id = row->key, .name = find_name(row)};
    struct gs_place at = {NULL, &entity, GS_SLICE_EMPTY};
    if (row->fate == GS_FATE_DELETED)
        return;
    if (gs_row_is_single(row)) {
        merge_single(merge, &at, row);
        return;
    }
    enum gs_side untouched = find_untouched(row);
    if (untouched == GS_SIDE_BASE)
        merge_inside(merge, &at, row);
    else
        gs_emit_value(&merge->out, row->side[untouched]);
}

// ---- Lists of entities ----------------------------------------------------------------------

// Makes the list of a member of appV2; its type stays NULL when it is no list of entities on some
// side.
static void open_list(struct gs_merge *merge, const struct gs_row *member,
                      struct gs_entity_list *list)
{
    struct gs_keyed sides[GS_SIDES] = {{0}, {0}, {0}};
    bool all = true;
    for (int s = GS_SIDE_BASE; s < GS_SIDES && all; s++)
        all = gs_keyed_elements(member->side[s], merge->work, &sides[s]);
    if (all) {
        list->type = gs_entity_type(member->key, merge->arena);
        gs_merge_align(sides, merge->work, &list->rows);
    }
    for (int s = GS_SIDE_BASE; s < GS_SIDES; s++)
        gs_keyed_release(&sides[s]);
}

static bool survives(const struct gs_merge *merge, const struct gs_row *row)
{
    if (row->fate != GS_FATE_DISPUTED)
        return row->fate == GS_FATE_MERGED;
    return row->side[merge->policy == GS_CONFLICT_THEIRS ? GS_SIDE_THEIRS : GS_SIDE_OURS] != NULL;
}

// A list that one side removed stays for as long as something is in it.
static bool list_stays(const struct gs_merge *merge, const struct gs_row *member,
                       const struct gs_entity_list *list)
{
    if (!member->side[GS_SIDE_BASE] || !gs_row_is_single(member))
        return true;
    for (size_t i = 0; i < list->rows.count; i++)
        if (survives(merge, &list->rows.items[i]))
            return true;
    return false;
}

static void merge_list(struct gs_merge *merge, const struct gs_row *member,
                       const struct gs_entity_list *list)
{
    bool stays = list_stays(merge, member, list);
    if (stays) {
        gs_emit_key(&merge->out, member->key);
        gs_emit_open(&merge->out, '[');
    }
    // Conflicts are recorded here, so the rows are visited even when all of them go.
    for (size_t i = 0; i < list->rows.count; i++)
        merge_entity(merge, list->type, &list->rows.items[i]);
    if (stays)
        gs_emit_close(&merge->out, ']');
}

static void merge_app(struct gs_merge *merge)
{
    struct gs_keyed sides[GS_SIDES];
    for (int s = GS_SIDE_BASE; s < GS_SIDES; s++)
        gs_keyed_members(gs_envelope_app(&merge->sides[s]), merge->work, &sides[s]);
    struct gs_rows rows;
    gs_merge_align(sides, merge->work, &rows);
    for (int s = GS_SIDE_BASE; s < GS_SIDES; s++)
        gs_keyed_release(&sides[s]);
    struct gs_entity_list *lists = gs_arena_array(merge->work, rows.count, sizeof *lists);
    for (size_t i = 0; i < rows.count; i++)
        open_list(merge, &rows.items[i], &lists[i]);
    gs_merge_decide_fates(lists, rows.count, merge->work);
    struct gs_entity app = {.type = "app",
                            .name = gs_entity_name(gs_envelope_app(&merge->sides[GS_SIDE_OURS]))};
    struct gs_place at = {NULL, &app, GS_SLICE_EMPTY};
    gs_emit_open(&merge->out, '{');
    for (size_t i = 0; i < rows.count; i++) {
        if (lists[i].type)
            merge_list(merge, &rows.items[i], &lists[i]);
        else
            gs_merge_row(merge, &at, &rows.items[i], true);
    }
    gs_emit_close(&merge->out, '}');
}

// ---- The envelope ---------------------------------------------------------------------------

// The objects on the way to appV2 and the member of each that leads on. The old form has only the
// first, and that leads to appV2 at once.
enum { LEVELS = 3 };
static const struct {
    size_t spine; // where the object is in gs_envelope.spine
    const char *next;
} levels[LEVELS] = {{0, "app"}, {2, "definition"}, {3, "appV2"}};

// The merged document has the old form only when both sides still have it.
static bool result_is_flat(const struct gs_merge *merge)
{
    return gs_envelope_is_flat(&merge->sides[GS_SIDE_OURS]) &&
           gs_envelope_is_flat(&merge->sides[GS_SIDE_THEIRS]);
}

static const char *next_name(const struct gs_merge *merge, size_t level)
{
    return result_is_flat(merge) ? "appV2" : levels[level].next;
}

// The members of one level; what leads on has the name that it has in the result.
static void open_level(struct gs_merge *merge, enum gs_side side, size_t level,
                       struct gs_keyed *out_members)
{
    const struct gs_envelope *envelope = &merge->sides[side];
    if (level > 0 && side != GS_SIDE_BASE && gs_envelope_is_flat(envelope))
        envelope = &merge->sides[gs_side_other(side)];
    yyjson_val *object =
        level == 0 || !gs_envelope_is_flat(envelope) ? envelope->spine[levels[level].spine] : NULL;
    gs_keyed_members(object, merge->work, out_members);
    for (size_t i = 0; level == 0 && i < out_members->count; i++)
        if (out_members->items[i].value == envelope->spine[1])
            out_members->items[i].key = gs_slice_str(next_name(merge, level));
}

static void merge_level(struct gs_merge *merge, size_t level, const struct gs_place *at);

static void merge_next(struct gs_merge *merge, size_t level, const struct gs_place *at,
                       struct gs_slice key)
{
    struct gs_place next = {at, at->entity, key};
    struct gs_place first = {&next, at->entity, GS_SLICE_LIT("0")};
    gs_emit_key(&merge->out, key);
    if (level + 1 == LEVELS || result_is_flat(merge)) {
        merge_app(merge);
    } else if (level == 0) {
        gs_emit_open(&merge->out, '[');
        merge_level(merge, level + 1, &first);
        gs_emit_close(&merge->out, ']');
    } else {
        merge_level(merge, level + 1, &next);
    }
}

static void merge_level(struct gs_merge *merge, size_t level, const struct gs_place *at)
{
    struct gs_keyed sides[GS_SIDES];
    for (int s = GS_SIDE_BASE; s < GS_SIDES; s++)
        open_level(merge, (enum gs_side)s, level, &sides[s]);
    struct gs_rows rows;
    gs_merge_align(sides, merge->work, &rows);
    for (int s = GS_SIDE_BASE; s < GS_SIDES; s++)
        gs_keyed_release(&sides[s]);
    gs_emit_open(&merge->out, '{');
    for (size_t i = 0; i < rows.count; i++) {
        if (gs_slice_eq_str(rows.items[i].key, next_name(merge, level)))
            merge_next(merge, level, at, rows.items[i].key);
        else
            gs_merge_row(merge, at, &rows.items[i], true);
    }
    gs_emit_close(&merge->out, '}');
}

// ---- The document ---------------------------------------------------------------------------

static yyjson_val *root_of(const struct gs_merge_side *side)
{
    return yyjson_doc_get_root(side->document->json);
}

static bool same_bytes(const struct gs_merge_side *a, const struct gs_merge_side *b)
{
    return gs_slice_eq(a->bytes, b->bytes);
}

static bool same_document(const struct gs_merge_side *a, const struct gs_merge_side *b)
{
    return gs_json_equal(root_of(a), root_of(b));
}

// The side whose bytes are the result as they are, by one measure of what is the same; GS_SIDE_BASE
// when both changed something.
static enum gs_side find_changed(const struct gs_merge_side *sides[GS_SIDES],
                                 bool (*same)(const struct gs_merge_side *a,
                                              const struct gs_merge_side *b))
{
    const struct gs_merge_side *base = sides[GS_SIDE_BASE], *ours = sides[GS_SIDE_OURS],
                               *theirs = sides[GS_SIDE_THEIRS];
    if (same(base, theirs) || same(ours, theirs))
        return GS_SIDE_OURS;
    return same(base, ours) ? GS_SIDE_THEIRS : GS_SIDE_BASE;
}

// A version that was replaced by another one of its name has nothing in common with it but the
// name: ToolJet gives every entity of a new version a new id. Such documents are not mixed; one of
// them stands as a whole.
static enum gs_side choose_version(struct gs_merge *merge,
                                   const struct gs_merge_side *sides[GS_SIDES])
{
    if (gs_stamp_same_content(root_of(sides[GS_SIDE_BASE]), root_of(sides[GS_SIDE_THEIRS])))
        return GS_SIDE_OURS;
    if (gs_stamp_same_content(root_of(sides[GS_SIDE_BASE]), root_of(sides[GS_SIDE_OURS])))
        return GS_SIDE_THEIRS;
    const struct gs_document *ours = sides[GS_SIDE_OURS]->document;
    struct gs_entity version = {
        .type = "version", .id = ours->version_id, .name = ours->version_name};
    struct gs_place entity = {NULL, &version, GS_SLICE_EMPTY};
    struct gs_place id = {&entity, &version, GS_SLICE_LIT("id")};
    struct gs_row row = {.key = id.key};
    for (int s = GS_SIDE_BASE; s < GS_SIDES; s++)
        row.side[s] = yyjson_obj_get(sides[s]->document->version, "id");
    return gs_merge_conflict(merge, &id, &row);
}

static enum gs_status merge_documents(struct gs_merge *merge,
                                      const struct gs_merge_side *sides[GS_SIDES],
                                      struct gs_buf *out, struct gs_error *err)
{
    static const char *const names[GS_SIDES] = {"the base", "our document", "their document"};
    for (int s = GS_SIDE_BASE; s < GS_SIDES; s++) {
        enum gs_status status =
            gs_envelope_find(root_of(sides[s]), names[s], &merge->sides[s], err);
        if (status != GS_OK)
            return status;
    }
    GS_CLEANUP(gs_arena_cleanup) struct gs_arena *work = gs_arena_new();
    merge->work = work;
    struct gs_entity document = {.type = "document"};
    struct gs_place at = {NULL, &document, GS_SLICE_EMPTY};
    gs_emit_init(&merge->out, out);
    merge_level(merge, 0, &at);
    return GS_OK;
}

static enum gs_status merge_sides(struct gs_merge *merge,
                                  const struct gs_merge_side *sides[GS_SIDES], struct gs_buf *out,
                                  struct gs_error *err)
{
    enum gs_status status = GS_OK;
    enum gs_side whole = find_changed(sides, same_bytes);
    if (whole == GS_SIDE_BASE)
        whole = find_changed(sides, same_document);
    if (whole == GS_SIDE_BASE && !gs_slice_eq(sides[GS_SIDE_OURS]->document->version_id,
                                              sides[GS_SIDE_THEIRS]->document->version_id))
        whole = choose_version(merge, sides);
    if (whole != GS_SIDE_BASE)
        gs_buf_append_slice(out, sides[whole]->bytes);
    else
        status = merge_documents(merge, sides, out, err);
    return status == GS_OK ? gs_buf_check(out, "the merged document", err) : status;
}

enum gs_status gs_document_merge(const struct gs_merge_side *base, const struct gs_merge_side *ours,
                                 const struct gs_merge_side *theirs, enum gs_conflict_policy policy,
                                 struct gs_arena *arena, struct gs_merge_result *out_result,
                                 struct gs_error *err)
{
    const struct gs_merge_side *sides[GS_SIDES] = {base, ours, theirs};
    struct gs_merge merge = {.policy = policy, .arena = arena};
    struct gs_buf bytes;
    gs_buf_init(&bytes, GS_DOCUMENT_MAX);
    enum gs_status status = merge_sides(&merge, sides, &bytes, err);
    if (status != GS_OK || (merge.conflict_count > 0 && policy == GS_CONFLICT_FAIL))
        gs_buf_release(&bytes);
    if (status == GS_OK)
        *out_result = (struct gs_merge_result){bytes, merge.conflicts, merge.conflict_count};
    return status;
}

void gs_merge_result_release(struct gs_merge_result *result)
{
    gs_buf_release(&result->bytes);
    result->conflicts = NULL;
    result->conflict_count = 0;
}
