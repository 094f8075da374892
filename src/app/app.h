// The app document: what an export of ToolJet holds, its versions, entities, differences and merges.
// Works on bytes and JSON values alone; knows neither git nor the store.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_APP_APP_H
#define GS_APP_APP_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"
#include "json/json.h"

enum {
    GS_APP_NAME_MAX = 255,
    GS_VERSION_NAME_MAX = 250, // with ".json" behind it a file name
    GS_VERSION_SAVE_NAME_MAX = 25,
};

// Whether a name can be a folder (app) or a file before ".json" (version) in git and in ToolJet's layouts: 1 to max bytes of UTF-8, no '/', no NUL or other
// control characters, not "." or "..", not starting with ".git" in any case (nor what HFS+ or NTFS make of it), not ".meta" in any case. Trailing dots,
// spaces, ':' and non-ASCII are fine. invalid_name with the field and what is wrong.
enum gs_status gs_app_check_name(struct gs_slice name, const char *field,
                                 struct gs_error *err) GS_MUST_CHECK;
enum gs_status gs_version_check_name(struct gs_slice name, const char *field,
                                     struct gs_error *err) GS_MUST_CHECK;
// ToolJet's stricter rule for a name given on saving: at most 25 characters, none of white space ~ ^ : ? * [ ] \ @ {.
enum gs_status gs_version_check_save_name(struct gs_slice name, const char *field,
                                          struct gs_error *err) GS_MUST_CHECK;

// One version of one app, parsed. Slices view json.
struct gs_document {
    yyjson_doc *json;
    yyjson_val *app;     // appV2
    yyjson_val *version; // appVersions[0]
    struct gs_slice app_id, app_name, app_slug;
    struct gs_slice version_id, version_name;
    bool has_status;                 // appVersions[0].status is a string
    bool draft;                      // … and it is DRAFT
    struct gs_slice tooljet_version; // empty in very old documents
};
// Exactly one app and exactly one version with id and name as strings; what names the text in messages ("App/v1.json").
// Errors: invalid_json, not_an_app ("App/v1.json: /app/0/definition/appV2/appVersions is missing").
enum gs_status gs_document_parse(struct gs_slice bytes, const char *what,
                                 struct gs_document *out_document,
                                 struct gs_error *err) GS_MUST_CHECK;
void gs_document_release(struct gs_document *document);

// One version cut out of an export.
struct gs_export_part {
    struct gs_buf bytes; // a document of its own, as gs_json_write gives it
    const char *version_id, *version_name;
    bool has_status, draft;
};
struct gs_export {
    const char *app_id, *app_name, *app_slug; // slug NULL when absent
    const char *current_version_id;           // or NULL
    struct gs_export_part *parts;             // in the order of appVersions
    size_t count;
};
// Splits what ToolJet's export gives (one app, one or more versions) into one document per version, each with only its own pages (page.appVersionId), components (component.pageId),
// queries (dataQuery.appVersionId), events (event.sourceId leads to one of its components, pages or queries; or event.appVersionId where there is one), data sources (dataSource.appVersionId where there is one; those of no version go to every one) with their dataSourceOptions, and whatever other list elements name an
// appVersionId; editingVersion becomes the part's version when it is another one. Everything else, unknown members included, stays in place in every part.
// app_name, when not NULL, replaces appV2.name. Strings and the parts live in arena; release with gs_export_release (the bytes are heap memory).
// An export of one version without a new name whose bytes already are gs_json_write's comes out unchanged.
// Errors: not_an_app (what and where), invalid_name, conflict for two versions with one id or name.
enum gs_status gs_export_split(yyjson_val *root, const char *app_name, struct gs_arena *arena,
                               struct gs_export *out_export, struct gs_error *err) GS_MUST_CHECK;
void gs_export_release(struct gs_export *export);
// The other way round: documents of one app's versions (at least one) become one export; list elements are united by id, members of the first document win.
// One document comes out byte for byte.
enum gs_status gs_export_join(const struct gs_slice *documents, size_t count, struct gs_buf *out,
                              struct gs_error *err) GS_MUST_CHECK;

// Rewrites appVersions[0].status, and appVersions[0].name when name is not NULL, where these members exist; everything else keeps its bytes (a document
// that is not in JSON.stringify's form is brought into it). Nothing to change: the bytes as they came.
enum gs_status gs_document_rewrite(struct gs_slice bytes, const char *status, const char *name,
                                   struct gs_buf *out, struct gs_error *err) GS_MUST_CHECK;

// ---- Differences -----------------------------------------------------------------

enum gs_change_type { GS_CHANGE_ADDED, GS_CHANGE_MODIFIED, GS_CHANGE_DELETED };

// One entity that differs. Entities are the elements with an "id" of appV2's lists (components, pages, events, dataQueries, dataSources, appVersions, …, unknown lists too), plus the
// app itself (type "app": appV2's own members) and the envelope (type "document": members beside app).
struct gs_change {
    enum gs_change_type change;
    const char *
        type; // "component", "page", "event", "query", "dataSource", "version", …: see entity.c's table; else the list's name
    const char *id;   // "" for app and document
    const char *name; // "" when it has none
    const char *const
        *members; // of a modified one: the names of the members that differ, NULL-terminated
    yyjson_val *before, *after; // the whole entity on each side, or NULL
};
// What leads from before to after, in the order of the document. Changes live in arena and view both documents. Linear in their sizes.
enum gs_status gs_document_diff(const struct gs_document *before, const struct gs_document *after,
                                struct gs_arena *arena, struct gs_change **out_changes,
                                size_t *out_count, struct gs_error *err) GS_MUST_CHECK;

// ---- Three-way merge ----------------------------------------------------------------

enum gs_conflict_policy { GS_CONFLICT_FAIL, GS_CONFLICT_OURS, GS_CONFLICT_THEIRS };

struct gs_conflict {
    const char *type, *id, *name;     // of the entity, as in gs_change
    const char *member;               // NULL: deleted on one side, changed on the other
    yyjson_val *base, *ours, *theirs; // NULL where absent
};
struct gs_merge_result {
    struct gs_buf
        bytes; // the merged document; empty when there are conflicts and the policy is to fail
    struct gs_conflict *conflicts; // all of them, also when the policy settled them
    size_t conflict_count;
};
// Merges by entity id, and inside an entity member by member (a component's layouts count as one member each per layout id or name; objects such as a component's properties
// are merged member by member at every depth, lists of plain values count as one value, lists of objects with ids by id). Changing different things merges; changing the same member to different
// values, or deleting what the other side changed, is a conflict. The order of lists and members follows ours, with theirs' additions behind what they follow on their side. updatedAt-like volatile stamps (updatedAt, createdAt) never conflict: the later
// one wins. An entity that neither side deleted is never dropped. Both sides adding the same id with different content is a conflict of the differing members.
// merge(base, x, x) = x, merge(base, base, x) = x, merge(base, x, base) = x byte for byte (x's own bytes). Linear time. The three documents must be parsed from the bytes given.
struct gs_merge_side {
    const struct gs_document *document;
    struct gs_slice bytes;
};
enum gs_status gs_document_merge(const struct gs_merge_side *base, const struct gs_merge_side *ours,
                                 const struct gs_merge_side *theirs, enum gs_conflict_policy policy,
                                 struct gs_arena *arena, struct gs_merge_result *out_result,
                                 struct gs_error *err) GS_MUST_CHECK;
void gs_merge_result_release(struct gs_merge_result *result);

// The response forms: [{"change":"modified","type":…,"id":…,"name":…,"members":[…]}] grouped as {"added":[…],"modified":[…],"deleted":[…]}; with_values adds before and after per
// member (modified) or the whole entity.
yyjson_mut_val *gs_changes_to_json(yyjson_mut_doc *doc, const struct gs_change *changes,
                                   size_t count, bool with_values);
// [{"type":…,"id":…,"name":…,"member":…,"base":…,"ours":…,"theirs":…}]; absent values are left out.
yyjson_mut_val *gs_conflicts_to_json(yyjson_mut_doc *doc, const struct gs_conflict *conflicts,
                                     size_t count);

#endif
