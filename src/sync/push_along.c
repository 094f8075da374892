// What travels in the commit of an app that is pushed: modules that it shows, and apps that make way for its name. Told in the answer, from
// where it is known after a crash.
// SPDX-License-Identifier: Apache-2.0
#include "sync/push_internal.h"

bool gs_push_made_before(const struct push_batch *batch, const struct push_item *item,
                         gs_push_matches *matches, const char *wanted)
{
    bool found = false;
    for (const struct push_item *other = batch->items; !found && other < item; other++) {
        found = other->prepared && matches(other, item->app_id, wanted);
        for (size_t i = 0; !found && other->prepared && i < other->rename_count; i++)
            found = matches(&other->renames[i], item->app_id, wanted);
    }
    return found;
}

void gs_push_report_along(const struct push_item *along, yyjson_mut_doc *doc, yyjson_mut_val *obj)
{
    gs_json_add_cstr(doc, obj, "gitAppId", along->git_app_id);
    gs_json_add_cstr(doc, obj, "versionId", along->version_id);
    gs_json_add_cstr(doc, obj, "documentId", along->document_id);
    if (along->takeover.wanted)
        gs_json_add_cstr(doc, obj, "replacedDocumentId", along->takeover.replaced_id);
}

enum gs_status gs_push_restore_along(struct push_batch *batch, const struct push_item *item,
                                     yyjson_val *obj, const char *name, struct push_item *out_along,
                                     struct gs_error *err)
{
    struct gs_arena *arena = item->task->arena;
    *out_along = (struct push_item){
        .task = item->task,
        .commit = item->commit,
        .app_id = gs_recorded_text(obj, "appId", arena),
        .git_app_id = gs_recorded_text(obj, "gitAppId", arena),
        .version_id = gs_recorded_text(obj, "versionId", arena),
        .document_id = gs_recorded_text(obj, "documentId", arena),
        .name = gs_recorded_text(obj, name, arena),
    };
    const char *replaced = gs_recorded_text(obj, "replacedDocumentId", arena);
    return replaced ? gs_push_reload_takeover(batch, out_along, replaced, err) : GS_OK;
}
