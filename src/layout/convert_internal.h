// A branch on its way from one layout to the other, shared by the files convert*.c. Nobody outside of this folder includes it.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_LAYOUT_CONVERT_INTERNAL_H
#define GS_LAYOUT_CONVERT_INTERNAL_H

#include "layout/per_entity_internal.h"

enum { GS_CONVERT_DOCUMENT_MAX = 100 << 20, GS_CONVERT_BYTES_MAX = 1 << 30 };

struct conversion {
    struct gs_mirror *mirror;
    const struct gs_conversion *request;
    struct gs_arena *arena;
    struct gs_catalog catalog;
    // Applied in this order: what was kept beside comes back, the old layout leaves, the new one arrives.
    struct gs_edits restore, leave, arrive;
    size_t bytes; // of what arrives
    struct gs_problems refusals, warnings;
    size_t app_count, kept_count;
};

// An app on its way.
struct converting {
    const struct gs_git_app *app;
    const char *version_id, *version_name; // of its document
    const char *path;                      // where it goes
    const char *when;                      // what the new metadata say of its last push
    size_t meta;                           // per-entity: which metadata
};

// What entries say that the other layout has no member for, so that they are the same every time.
extern const char gs_convert_message[], gs_convert_user[];

// ---- convert.c ---------------------------------------------------------------------------

// Where the file of a layout is kept while the branch has the other one.
const char *gs_convert_kept(struct conversion *conversion, enum gs_layout layout, const char *path);
// Whether a failure is the repository's, in which case it is noted for the list of refusals and forgotten.
bool gs_convert_refuses(struct conversion *conversion, const char *path, enum gs_status *status,
                        struct gs_error *err);
// The content must live in the arena.
enum gs_status gs_convert_write(struct conversion *conversion, const char *path,
                                struct gs_slice content, struct gs_error *err) GS_MUST_CHECK;
// Brings a file back from where it was kept; notes a refusal when something is in its place.
enum gs_status gs_convert_restore(struct conversion *conversion, struct gs_edits *edits,
                                  enum gs_layout layout, const char *path,
                                  struct gs_error *err) GS_MUST_CHECK;
// Takes a file away: keeps it, or deletes it.
void gs_convert_leave(struct conversion *conversion, enum gs_layout layout, const char *path,
                      bool keep);
// The document of an app; *out_found is false when it is not there, or cannot be read and is noted as refused.
enum gs_status gs_convert_read(struct conversion *conversion, const struct gs_git_app *app,
                               struct gs_buf *out, bool *out_found,
                               struct gs_error *err) GS_MUST_CHECK;
// ISO 8601 with milliseconds and Z as it is, anything else as the beginning of time: always the same.
const char *gs_convert_date(struct conversion *conversion, struct gs_slice text);
// Whether the file holds exactly what the draft would be written as. A draft that is not there is no file.
enum gs_status gs_convert_is_same(struct conversion *conversion, struct gs_meta_draft *draft,
                                  const char *path, bool *out_same,
                                  struct gs_error *err) GS_MUST_CHECK;

// ---- convert_leave.c -----------------------------------------------------------------------

// document is what the app is as a single file.
enum gs_status gs_convert_leave_folder(struct conversion *conversion, const struct converting *app,
                                       struct gs_slice document,
                                       struct gs_error *err) GS_MUST_CHECK;

// ---- convert_entity.c, convert_single.c -----------------------------------------------------

enum gs_status gs_convert_to_entities(struct conversion *conversion,
                                      struct gs_error *err) GS_MUST_CHECK;
enum gs_status gs_convert_to_single(struct conversion *conversion,
                                    struct gs_error *err) GS_MUST_CHECK;

#endif
