// What leads from one document of an app to another: compared once, told in answers, and held against the limit of what a
// call may delete.
// SPDX-License-Identifier: Apache-2.0
#include "sync/sync_internal.h"

enum { DELETIONS_PERCENT = 25, DELETIONS_FLOOR = 5 };

void gs_comparison_release(struct comparison *comparison)
{
    gs_document_release(&comparison->before);
    gs_document_release(&comparison->after);
    gs_arena_free(comparison->arena);
    *comparison = (struct comparison){.arena = NULL};
}

enum gs_status gs_compare_documents(struct gs_slice before, struct gs_slice after,
                                    struct comparison *out_comparison, struct gs_error *err)
{
    struct comparison made = {.arena = gs_arena_new(), .has_before = before.len > 0};
    enum gs_status status = gs_document_parse(after, "the new document", &made.after, err);
    if (status == GS_OK && made.has_before)
        status = gs_document_parse(before, "the old document", &made.before, err);
    if (status == GS_OK && made.has_before)
        status = gs_document_diff(&made.before, &made.after, made.arena, &made.changes, &made.count,
                                  err);
    if (status == GS_OK)
        *out_comparison = made;
    else
        gs_comparison_release(&made);
    return status;
}

yyjson_mut_val *gs_no_changes_to_json(yyjson_mut_doc *doc)
{
    return gs_changes_to_json(doc, NULL, 0, false);
}

// A document that was not there before: everything in it is new, told as one addition.
static yyjson_mut_val *all_new_to_json(yyjson_mut_doc *doc, const struct gs_document *after)
{
    yyjson_mut_val *changes = gs_no_changes_to_json(doc);
    yyjson_mut_val *version = yyjson_mut_arr_add_obj(doc, yyjson_mut_obj_get(changes, "added"));
    gs_json_add_cstr(doc, version, "type", "version");
    gs_json_add_str(doc, version, "id", after->version_id);
    gs_json_add_str(doc, version, "name", after->version_name);
    return changes;
}

yyjson_mut_val *gs_comparison_to_json(const struct comparison *comparison, yyjson_mut_doc *doc,
                                      bool with_values)
{
    if (!comparison->has_before)
        return all_new_to_json(doc, &comparison->after);
    return gs_changes_to_json(doc, comparison->changes, comparison->count, with_values);
}

enum gs_status gs_report_changes(const struct task *task, struct gs_slice before,
                                 struct gs_slice after, yyjson_mut_doc *doc,
                                 yyjson_mut_val **out_changes, struct gs_error *err)
{
    struct comparison comparison;
    enum gs_status status = gs_compare_documents(before, after, &comparison, err);
    if (status != GS_OK)
        return status;
    *out_changes = gs_comparison_to_json(&comparison, doc, task->request.dry_run);
    gs_comparison_release(&comparison);
    return GS_OK;
}

// ---- How much a call may delete ----------------------------------------------------

static size_t count_deleted(const struct comparison *comparison)
{
    size_t count = 0;
    for (size_t i = 0; i < comparison->count; i++)
        count += comparison->changes[i].change == GS_CHANGE_DELETED;
    return count;
}

static size_t most_deletions(const struct gs_deletion_limit *limit, size_t entities)
{
    switch (limit->kind) {
    case GS_DELETIONS_COUNT:
        return limit->value;
    case GS_DELETIONS_PERCENT:
        return entities * limit->value / 100;
    case GS_DELETIONS_USUAL:
        break;
    }
    size_t most = entities * DELETIONS_PERCENT / 100;
    return most > DELETIONS_FLOOR ? most : DELETIONS_FLOOR;
}

static void put_deleted(const struct comparison *comparison, struct gs_error *err)
{
    GS_CLEANUP(gs_json_cleanup_mut) yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    GS_CLEANUP(gs_buf_release) struct gs_buf text = {.max = RESULT_MAX_BYTES};
    yyjson_mut_val *changes = gs_comparison_to_json(comparison, doc, false);
    yyjson_mut_doc_set_root(doc, yyjson_mut_obj_get(changes, "deleted"));
    if (gs_json_write_mut(doc, &text, NULL) == GS_OK)
        gs_error_take_details(err, gs_buf_take(&text, NULL));
}

enum gs_status gs_check_deletions(const struct task *task, const struct comparison *comparison,
                                  struct gs_error *err)
{
    size_t deleted = count_deleted(comparison);
    if (deleted == 0)
        return GS_OK;
    size_t entities = gs_document_count_entities(&comparison->before);
    size_t most = most_deletions(&task->request.max_deletions, entities);
    if (deleted <= most)
        return GS_OK;
    enum gs_status status =
        gs_fail(err, GS_CODE_TOO_MANY_DELETIONS, "maxDeletions",
                "%zu of the %zu entities here would be deleted, and the limit is %zu; look at them "
                "in details, and say maxDeletions=%zu if that is meant",
                deleted, entities, most, deleted);
    put_deleted(comparison, err);
    return status;
}
