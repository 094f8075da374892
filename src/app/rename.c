// Who renamed an app, told by three names: the one that both sides had last, the one here and the one in git. Knows no store and no tree.
// SPDX-License-Identifier: Apache-2.0
#include "app/app.h"
#include "json/json.h"

enum { DETAILS_MAX = 64 << 10 };

enum gs_rename gs_app_find_rename(const char *synced, const char *here, const char *git)
{
    if (strcmp(here, git) == 0)
        return GS_RENAME_NONE;
    if (!synced)
        return GS_RENAME_UNKNOWN;
    if (strcmp(synced, git) == 0)
        return GS_RENAME_HERE;
    return strcmp(synced, here) == 0 ? GS_RENAME_GIT : GS_RENAME_BOTH;
}

enum gs_status gs_app_fail_renamed(const char *app_id, const char *synced, const char *here,
                                   const char *git, struct gs_error *err)
{
    GS_CLEANUP(gs_json_cleanup_mut) yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    GS_CLEANUP(gs_buf_release) struct gs_buf text = {.max = DETAILS_MAX};
    yyjson_mut_val *list = yyjson_mut_arr(doc), *one = yyjson_mut_arr_add_obj(doc, list);
    yyjson_mut_doc_set_root(doc, list);
    gs_json_add_cstr(doc, one, "type", "app");
    gs_json_add_cstr(doc, one, "id", app_id);
    gs_json_add_cstr(doc, one, "name", here);
    gs_json_add_cstr(doc, one, "member", "name");
    gs_json_add_cstr(doc, one, "base", synced);
    gs_json_add_cstr(doc, one, "ours", here);
    gs_json_add_cstr(doc, one, "theirs", git);
    enum gs_status status = gs_fail(err, GS_CODE_MERGE_CONFLICT, NULL,
                                    "app '%s' was renamed to '%s' here and to '%s' in git; give it "
                                    "one name on both sides, or pull with onConflict=theirs or "
                                    "onConflict=ours",
                                    synced, here, git);
    if (gs_json_write_mut(doc, &text, NULL) == GS_OK)
        gs_error_take_details(err, gs_buf_take(&text, NULL));
    return status;
}
