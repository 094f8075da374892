// The app document: what an export of ToolJet holds, its versions, entities, differences and
// merges. Works on bytes and JSON values alone; knows neither git nor the store.
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
    GS_CONFLICTS_MAX = 10000, // that a merge lists
};

// Whether a name can be a folder (app) or a file before ".json" (version) in git and in ToolJet's
// layouts: 1 to max bytes of UTF-8, not only white space, no '/', no control characters (C0, DEL,
// C1), not "." or "..", not starting with ".git" in any case nor with what HFS+ or NTFS take for
// it, not ".meta" in any case. Spaces, ':', '\\', trailing dots and non-ASCII are fine.
// Errors: invalid_name with the field and what is wrong.
enum gs_status gs_app_check_name(struct gs_slice name, const char *field,
                                 struct gs_error *err) GS_MUST_CHECK;
enum gs_status gs_version_check_name(struct gs_slice name, const char *field,
                                     struct gs_error *err) GS_MUST_CHECK;
// Who has renamed an app since here and git last agreed on its name.
enum gs_rename {
    GS_RENAME_NONE,    // both call it the same
    GS_RENAME_HERE,    // git still has the name that both had
    GS_RENAME_GIT,     // here still is the name that both had
    GS_RENAME_BOTH,    // each to another name
    GS_RENAME_UNKNOWN, // the names differ, and no common one is known
};
// synced is the name that both had, or NULL.
enum gs_rename gs_app_find_rename(const char *synced, const char *here, const char *git);
// merge_conflict, with the member "name" and the three values in the details.
enum gs_status gs_app_fail_renamed(const char *app_id, const char *synced, const char *here,
                                   const char *git, struct gs_error *err);

// ToolJet's stricter rule for a name given on saving: at most 25 characters (code points), none of
// white space ~ ^ : ? * [ ] \ @ {. Errors: as above, and version_name_invalid.
enum gs_status gs_version_check_save_name(struct gs_slice name, const char *field,
                                          struct gs_error *err) GS_MUST_CHECK;

// One version of one app, parsed. Slices view json.
struct gs_document {
    yyjson_doc *json;
    yyjson_val *app;     // appV2
    yyjson_val *version; // of appVersions: the only one, or the edited one
    struct gs_slice app_id, app_name, app_slug;
    struct gs_slice version_id, version_name;
    bool has_status;                 // the version's status is a string
    bool draft;                      // … and it is DRAFT
    struct gs_slice tooljet_version; // empty in very old documents
};
// Exactly one app and one version (or several, as very old documents carry them along, of which
// editingVersion.id tells the one), each with a name and an id (1 to 255 bytes, no control
// characters) as strings. appV2 is at /app/0/definition/appV2 or, in documents older than 2.25, at
// /appV2. what names the text in messages ("App/v1.json"). Release with gs_document_release.
// Errors: invalid_json, not_an_app ("App/v1.json: /app/0/definition/appV2/appVersions is missing").
enum gs_status gs_document_parse(struct gs_slice bytes, const char *what,
                                 struct gs_document *out_document,
                                 struct gs_error *err) GS_MUST_CHECK;
// The same for a document that comes out of the store, which holds none that was not parsed before.
enum gs_status gs_document_parse_stored(struct gs_slice bytes, const char *what,
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
// Splits what ToolJet's export gives (one app, one or more versions) into one document per version.
// Of appV2's lists a part has its own version and
// - what names that version in appVersionId;
// - else components of its pages (pageId), events of its components, pages and queries (sourceId),
//   options of its data sources (dataSourceId), folder mappings of its queries and folders
//   (childId);
// - what no version owns: environments, data sources without appVersionId and their options,
//   modules, elements of unknown lists.
// What can only live in a version but leads to none of the export's goes to the part of
// editingVersion, or to the first one, so that no element is lost: the parts together hold every
// element. In every part editingVersion becomes the part's version where it names another one of
// the export. Everything else, unknown members included, stays in place in every part. app_name,
// when not NULL, replaces appV2.name. Strings and parts live in arena; release with
// gs_export_release (the bytes are heap memory). An export of one version without a new name whose
// bytes are gs_json_write's comes out unchanged. Linear.
// Errors: not_an_app (what and where), invalid_name, conflict for two versions with one id or name,
// too_large for over 1,000 versions, 100 MiB in one part or 256 MiB in all.
enum gs_status gs_export_split(yyjson_val *root, const char *app_name, struct gs_arena *arena,
                               struct gs_export *out_export, struct gs_error *err) GS_MUST_CHECK;
void gs_export_release(struct gs_export *export);
// The other way round: documents of one app's versions (at least one), the latest first, become one
// export. Lists of appV2 and of the root are united: by id, elements without one by their text;
// appVersions ends with the latest. Of other members the first document that has one wins. One
// document comes out byte for byte.
// Errors: those of gs_document_parse, conflict for one version twice, too_large (out's maximum).
enum gs_status gs_export_join(const struct gs_slice *documents, size_t count, struct gs_buf *out,
                              struct gs_error *err) GS_MUST_CHECK;

// Appends the document with the version's status and name replaced, where these members exist; NULL
// leaves one alone. Everything else keeps its bytes (a document that is not in
// JSON.stringify's form is brought into it). Nothing to change: the bytes as they came.
// Errors: those of gs_document_parse, too_large (out's maximum).
enum gs_status gs_document_rewrite(struct gs_slice bytes, const char *status, const char *name,
                                   struct gs_buf *out, struct gs_error *err) GS_MUST_CHECK;

// ---- Differences -----------------------------------------------------------------

enum gs_change_type { GS_CHANGE_ADDED, GS_CHANGE_MODIFIED, GS_CHANGE_DELETED };

// One entity that differs. Entities are the elements of appV2's lists, unknown ones included, as
// long as all elements of the list are objects with distinct string ids; plus the app itself (type
// "app": appV2's other members, lists of something else among them) and the envelope (type
// "document": what is beside appV2). A list of entities whose order changed, or an empty one that
// came or went, is a member of the app.
struct gs_change {
    enum gs_change_type change;
    // "component", "page", "event", "query", "dataSource", "dataSourceOption", "version",
    // "environment", "module", "queryFolder", "queryFolderMapping"; else the list's name.
    const char *type;
    const char *id;             // "" for app and document
    const char *name;           // "" when it has none
    const char *const *members; // of a modified one: what differs, NULL-terminated; else NULL
    yyjson_val *before, *after; // the whole entity on each side, or NULL
};
// What leads from before to after: the document, the app, then list by list in the order of after,
// the deleted behind the others. None exactly when the two are gs_json_equal. Changes live in arena
// and view both documents. Linear in their sizes.
enum gs_status gs_document_diff(const struct gs_document *before, const struct gs_document *after,
                                struct gs_arena *arena, struct gs_change **out_changes,
                                size_t *out_count, struct gs_error *err) GS_MUST_CHECK;

// How many entities the document has, the app and the envelope aside.
size_t gs_document_count_entities(const struct gs_document *document);

// ---- Three-way merge ----------------------------------------------------------------

enum gs_conflict_policy { GS_CONFLICT_FAIL, GS_CONFLICT_OURS, GS_CONFLICT_THEIRS };

struct gs_conflict {
    const char *type, *id, *name; // of the entity, as in gs_change
    // JSON Pointer below the entity, with ids in place of indexes ("/properties/text/value",
    // "/layouts/<id>"); of an ancestor when it would be over 1 KiB. NULL: one side deleted the
    // entity, and the other changed it or refers to it in what it added or changed.
    const char *member;
    yyjson_val *base, *ours, *theirs; // NULL where absent
};
struct gs_merge_result {
    // The merged document; empty when there are conflicts and the policy is to fail.
    struct gs_buf bytes;
    // All of them, but no more than GS_CONFLICTS_MAX; also when the policy settled them.
    struct gs_conflict *conflicts;
    size_t conflict_count;
};
// Merges by entity id, and inside an entity member by member: objects at every depth, lists of
// objects with ids by id, other lists and each layout of a component as one value. Changing
// different things merges; changing the same member to different values, or deleting what the other
// side changed, is a conflict, and so is deleting what something that the other side added or
// changed refers to (pageId, parent, sourceId, a query run by an event, …). Both sides adding one
// id with different content is a conflict of the differing members.
// - createdAt and updatedAt never conflict: the later time wins.
// - Order of lists and members is ours', or theirs' where only they changed it; what only the other
//   side has comes behind what it follows there.
// - An entity that neither side deleted is never dropped. A policy settles each conflict and
//   nothing else: one that settles for a deletion leaves those that refer to it as they are.
// - Documents of two versions with different ids are not mixed: a conflict of the version's "/id",
//   settled by taking one document as a whole, unless one side is the base's.
// merge(base, x, x) = x, merge(base, base, x) = x, merge(base, x, base) = x byte for byte (x's own
// bytes), for gs_json_equal documents too. Linear time. The documents must be parsed from the bytes
// given. Conflicts live in arena and view the documents. Release with gs_merge_result_release.
// Conflicts are no error. Errors: too_large.
struct gs_merge_side {
    const struct gs_document *document;
    struct gs_slice bytes;
};
enum gs_status gs_document_merge(const struct gs_merge_side *base, const struct gs_merge_side *ours,
                                 const struct gs_merge_side *theirs, enum gs_conflict_policy policy,
                                 struct gs_arena *arena, struct gs_merge_result *out_result,
                                 struct gs_error *err) GS_MUST_CHECK;
void gs_merge_result_release(struct gs_merge_result *result);

// The response forms. {"added":[…],"modified":[…],"deleted":[…]} of
// {"change":"modified","type":…,"id":…, "name":…,"members":[…]} (members of modified ones only);
// with_values adds "before" and "after": the whole entity, of a modified one an object of the
// members that differ; what is absent is left out.
yyjson_mut_val *gs_changes_to_json(yyjson_mut_doc *doc, const struct gs_change *changes,
                                   size_t count, bool with_values);
// [{"type":…,"id":…,"name":…,"member":…,"base":…,"ours":…,"theirs":…}]; absent values are left out,
// an absent member is null.
yyjson_mut_val *gs_conflicts_to_json(yyjson_mut_doc *doc, const struct gs_conflict *conflicts,
                                     size_t count);

#endif
