// What the files of this folder share. Nobody else includes it.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_GIT_INTERNAL_H
#define GS_GIT_INTERNAL_H

#include <git2.h>
#include <git2/sys/odb_backend.h>

#include "base/map.h"
#include "git/git.h"

enum {
    GS_GIT_FILE_MAX = 100 << 20,     // GitHub refuses larger files
    GS_GIT_OBJECT_MAX = 1 << 30,     // larger ones are not taken from a host
    GS_GIT_TREE_MAX = 64 << 20,      // bytes of one folder's object, some 1,500,000 entries
    GS_GIT_COMMIT_MAX = 4 << 20,     // bytes of one commit or tag object
    GS_GIT_PATH_MAX = 4096,          // bytes of a whole path
    GS_GIT_NAME_MAX = 255,           // bytes of one part of a path
    GS_GIT_DEPTH_MAX = 512,          // folders in folders that we follow
    GS_GIT_DIFFERENCES_MAX = 500000, // entries that two compared trees may differ in
    GS_GIT_REF_MAX = 1024,           // bytes of the name of a ref
    GS_GIT_KEPT_MAX = 256,           // refs that a mirror remembers as complete
    GS_UNPACK_OBJECTS_MAX = 100,     // of a pack that becomes loose objects
    GS_PACK_OBJECTS_MAX = 20000000,  // of any; the largest public repositories have half of it
};

// Modes of tree entries that we write ourselves; others are carried along as they are.
enum { GS_MODE_FOLDER = 0040000, GS_MODE_FILE = 0100644 };

// ---- oid.c -----------------------------------------------------------------

// "" becomes the zero id.
void gs_oid_to_git(const struct gs_oid *oid, git_oid *out_oid);
void gs_oid_from_git(const git_oid *oid, struct gs_oid *out_oid);
// The forty digits as the wire has them: forty zeros for none.
const char *gs_oid_wire(const struct gs_oid *oid);
// The 20 bytes as the key of a map; a view of the id.
static inline struct gs_slice gs_oid_key(const git_oid *oid)
{
    return gs_slice_of((const char *)oid->id, GIT_OID_RAWSZ);
}
// git check-ref-format, for a full name or HEAD, and not longer than GS_GIT_REF_MAX.
bool gs_git_ref_is_valid(const char *name);

// ---- init.c ----------------------------------------------------------------

// Records what libgit2 said last: no_memory, or internal with "the mirror is damaged: <what>: …".
enum gs_status gs_git_fail_mirror(struct gs_error *err, const char *what);

// ---- kept.c ----------------------------------------------------------------

struct gs_kept_ref {
    char *name;
    git_oid oid;
};

// The refs whose objects are all here, sorted by name. See kept.c for what keeps it small.
struct gs_kept {
    struct gs_kept_ref refs[GS_GIT_KEPT_MAX];
    size_t count;
};

// internal when the file is damaged; a missing one is an empty list.
enum gs_status gs_kept_load(const char *folder, struct gs_kept *out_kept,
                            struct gs_error *err) GS_MUST_CHECK;
void gs_kept_release(struct gs_kept *kept);
bool gs_kept_has(const struct gs_kept *kept, const git_oid *oid);
// What the ref was last time, NULL when it is not kept.
const git_oid *gs_kept_find(const struct gs_kept *kept, const char *ref);
// Remembers ref at oid, on disk and in memory.
enum gs_status gs_kept_put(struct gs_kept *kept, const char *folder, const char *ref,
                           const git_oid *oid, struct gs_error *err) GS_MUST_CHECK;

// ---- loose.c ---------------------------------------------------------------

// Writes the file of an object from its content as one zlib stream, which becomes part of the
// file's own without being compressed again.
enum gs_status gs_loose_write(const char *mirror_folder, const git_oid *oid, git_object_t type,
                              size_t size, struct gs_slice stream,
                              struct gs_error *err) GS_MUST_CHECK;
// The whole file. What it gives is libgit2's: 0, or an error that is set; GIT_ENOTFOUND when there
// is no such file. Release the buffer in every case.
int gs_loose_read_file(const char *mirror_folder, const git_oid *oid, struct gs_buf *out);

// A file as gs_loose_write makes it.
struct gs_loose_parts {
    git_object_t type;
    size_t size;
    struct gs_slice zlib_head;
    struct gs_slice header;   // "<type> <size>\0"
    struct gs_slice deflated; // the content, not checked
};
// Views into the file. False when it has another form.
bool gs_loose_take_apart(struct gs_slice file, struct gs_loose_parts *out_parts);
// Reads them for libgit2, which owns it once it was added to an object database.
git_odb_backend *gs_loose_backend_new(const char *mirror_folder);

// ---- fresh.c ---------------------------------------------------------------

// Objects that were made since the last push; see fresh.c.

struct gs_fresh {
    struct gs_map by_id; // 20 bytes to struct gs_fresh_object
    size_t bytes;
    struct libdeflate_compressor *compressor; // NULL until something is compressed
};

// ---- recent.c --------------------------------------------------------------

struct gs_recent {
    struct gs_map by_id; // 20 bytes to git_odb_object *
    size_t bytes;
};

// The object with one more reference, NULL when it is not here.
git_odb_object *gs_recent_find(const struct gs_recent *recent, const git_oid *oid);
// Takes a reference of its own. May forget the others, never more than 1 MiB is kept.
void gs_recent_put(struct gs_recent *recent, git_odb_object *object);
// Empty afterwards; zeroed it was as well.
void gs_recent_clear(struct gs_recent *recent);

struct gs_mirror {
    char *folder;
    git_repository *repo;
    git_odb *odb;
    struct gs_kept kept;
    struct gs_fresh fresh;
    struct gs_recent recent;
};

void gs_fresh_init(struct gs_fresh *fresh);
// Forgets them, whether or not they were saved.
void gs_fresh_clear(struct gs_fresh *fresh);
// Adds an object, whose id the caller knows. One that is there already costs nothing.
enum gs_status gs_fresh_add(struct gs_mirror *mirror, git_object_t type, const git_oid *oid,
                            struct gs_slice content, struct gs_error *err) GS_MUST_CHECK;
// Adds a blob that is ready, and takes it. Fails only for want of room on the disk.
enum gs_status gs_fresh_take(struct gs_mirror *mirror, struct gs_git_blob **blob,
                             struct gs_error *err) GS_MUST_CHECK;
const git_oid *gs_git_blob_oid(const struct gs_git_blob *blob);
size_t gs_git_blob_size(const struct gs_git_blob *blob);
// The object as an entry of a pack (gitformat-pack), undeltified; also one that is on the disk. Lives until gs_fresh_clear.
enum gs_status gs_fresh_pack_entry(struct gs_mirror *mirror, const git_oid *oid, git_object_t type,
                                   struct gs_slice *out_entry, struct gs_error *err) GS_MUST_CHECK;
// Writes those that are not on the disk to it: few as files of their own, many as one pack.
enum gs_status gs_fresh_save(struct gs_mirror *mirror, struct gs_error *err) GS_MUST_CHECK;
// Writes an object to the disk at once, for what arrived from the host.
enum gs_status gs_object_write_loose(struct gs_mirror *mirror, git_object_t type,
                                     const git_oid *oid, struct gs_slice content,
                                     struct gs_error *err) GS_MUST_CHECK;
// Reads them for libgit2, which owns the backend once it was added to an object database; fresh must outlive that.
git_odb_backend *gs_fresh_backend_new(const struct gs_fresh *fresh);

// ---- object.c --------------------------------------------------------------

enum gs_status gs_object_id(git_object_t type, struct gs_slice content, git_oid *out_oid,
                            struct gs_error *err) GS_MUST_CHECK;
// Reads an object that must be there; too_large over max bytes, internal when it is missing, broken
// or of another type.
enum gs_status gs_object_read(struct gs_mirror *mirror, const git_oid *oid, git_object_t type,
                              size_t max, git_odb_object **out_object,
                              struct gs_error *err) GS_MUST_CHECK;
void gs_object_cleanup(git_odb_object **object); // for GS_CLEANUP

struct gs_commit_links {
    git_oid tree;
    git_oid parent; // the first one, or zero
    size_t parent_count;
};
enum gs_status gs_commit_read_links(struct gs_mirror *mirror, const git_oid *commit,
                                    struct gs_commit_links *out_links,
                                    struct gs_error *err) GS_MUST_CHECK;

// Follows tags to their commit. not_in_git when there is none, or no such object here.
enum gs_status gs_object_peel(struct gs_mirror *mirror, const git_oid *oid, git_oid *out_commit,
                              struct gs_error *err) GS_MUST_CHECK;

// ---- disk.c ----------------------------------------------------------------

// Writes the file <folder>/<name> from parts: whole or not at all when the process dies. Makes the
// last folder of the name. Nothing is synced.
enum gs_status gs_disk_write(const char *folder, const char *name, const struct gs_slice *parts,
                             size_t count, struct gs_error *err) GS_MUST_CHECK;
// What such a file is called until it is whole, in its own folder.
#define GS_DISK_UNFINISHED "unfinished"
// "<folder>/<name>"; false when it is too long.
bool gs_disk_join(char out[GS_GIT_PATH_MAX], const char *folder, const char *name);

// ---- tree.c ----------------------------------------------------------------

struct gs_tree_entry {
    const char *name;
    uint32_t mode;
    git_oid oid;
};

bool gs_tree_entry_is_folder(const struct gs_tree_entry *entry);
bool gs_tree_entry_is_file(const struct gs_tree_entry *entry);
bool gs_tree_entry_is_submodule(const struct gs_tree_entry *entry);
// Git's order: by bytes, a folder as if its name ended in '/'.
int gs_tree_entry_compare(const struct gs_tree_entry *a, const struct gs_tree_entry *b);
// The entry of that name, whatever it is; NULL when there is none.
const struct gs_tree_entry *gs_tree_find(const struct gs_tree_entry *entries, size_t count,
                                         const char *name);
// The zero id is an empty folder. layout_unsupported when the object is malformed.
enum gs_status gs_tree_load(struct gs_mirror *mirror, const git_oid *tree, struct gs_arena *arena,
                            struct gs_tree_entry **out_entries, size_t *out_count,
                            struct gs_error *err) GS_MUST_CHECK;

// ---- tree_diff.c -----------------------------------------------------------

// One entry that differs. before is NULL when it was added, after when it was deleted; both are
// folders or both are not.
struct gs_tree_difference {
    const char *path;
    const struct gs_tree_entry *before, *after;
};
typedef enum gs_status gs_tree_visit(void *arg, const struct gs_tree_difference *difference,
                                     struct gs_error *err);
// Visits what differs, folders before what is in them, in the order of the paths. Equal subtrees
// are not read.
enum gs_status gs_tree_diff(struct gs_mirror *mirror, const git_oid *before, const git_oid *after,
                            struct gs_arena *arena, gs_tree_visit *visit, void *arg,
                            struct gs_error *err) GS_MUST_CHECK;

// ---- path.c ----------------------------------------------------------------

// Relative, '/' between parts, no part empty, "." or ".."; the length limits.
bool gs_path_is_plain(const char *path);

// Knows which names git allows.
struct gs_path_rules {
    git_treebuilder *builder;
};
enum gs_status gs_path_rules_init(struct gs_path_rules *rules, git_repository *repo,
                                  struct gs_error *err) GS_MUST_CHECK;
void gs_path_rules_release(struct gs_path_rules *rules);
// invalid_name when the path is not plain, has control characters or a part that git or some file
// system takes for .git.
enum gs_status gs_path_check(const struct gs_path_rules *rules, const char *path,
                             struct gs_error *err) GS_MUST_CHECK;

// ---- tree_edit.c -----------------------------------------------------------

// Applies the edits to the tree (zero: empty) and writes the blobs and trees that are new. out_tree
// is the zero id when nothing is left.
enum gs_status gs_tree_apply(struct gs_mirror *mirror, const git_oid *tree,
                             const struct gs_edit *edits, size_t count, struct gs_arena *arena,
                             git_oid *out_tree, struct gs_error *err) GS_MUST_CHECK;

// ---- incoming.c ------------------------------------------------------------

// A pack on its way from the host into the mirror.
struct gs_incoming {
    struct gs_mirror *mirror;
    size_t max, received;
    struct gs_buf small;  // all of it, until it is too large for that
    git_indexer *indexer; // then
    git_indexer_progress progress;
    int64_t deadline_ms; // of indexing, on the monotonic clock
    bool too_slow;       // it had not ended by then
    char folder[GS_GIT_PATH_MAX];
};
// A few bytes of a pack may say gigabytes of objects: whatever it says, indexing ends at the deadline.
void gs_incoming_begin(struct gs_incoming *incoming, struct gs_mirror *mirror, size_t max,
                       int64_t deadline_ms);
// too_large over max bytes, host_timeout behind the deadline, host_failed when it is no pack or says that it has over GS_PACK_OBJECTS_MAX.
enum gs_status gs_incoming_append(struct gs_incoming *incoming, struct gs_slice data,
                                  struct gs_error *err) GS_MUST_CHECK;
// Checks the whole pack and makes its objects part of the mirror.
enum gs_status gs_incoming_finish(struct gs_incoming *incoming, struct gs_error *err) GS_MUST_CHECK;
// In every case, last; what was not finished is forgotten.
void gs_incoming_release(struct gs_incoming *incoming);

// ---- unpack.c --------------------------------------------------------------

// What the first bytes of a pack say; SIZE_MAX when they are too few or no pack's.
size_t gs_pack_count_objects(struct gs_slice start);
// Writes the objects of a pack with at most GS_UNPACK_OBJECTS_MAX of them as loose files. Not done,
// and nothing written, when they are too large to be held in memory. Errors: host_failed when the
// pack is damaged.
enum gs_status gs_unpack(struct gs_mirror *mirror, struct gs_slice pack, bool *out_done,
                         struct gs_error *err) GS_MUST_CHECK;

// ---- commit.c --------------------------------------------------------------

// A name or address as git keeps it: no angle brackets, no control characters, no blanks at the
// ends (git's ident.c). NULL is an empty one.
struct gs_slice gs_ident_clean(struct gs_arena *arena, const char *text);

// ---- collect.c -------------------------------------------------------------

struct gs_pack_object {
    git_oid oid;
    git_object_t type;
};
// What the host lacks to have new: the first-parent chain of commits from old (none: from anything
// that the advertisement names) to new, with the trees and blobs that each adds. internal when
// there is no such chain. A new tag travels alone, because the host has the commit.
enum gs_status gs_collect_objects(struct gs_mirror *mirror, const struct gs_git_advert *advert,
                                  const git_oid *old, const git_oid *new, struct gs_arena *arena,
                                  struct gs_pack_object **out_objects, size_t *out_count,
                                  struct gs_error *err) GS_MUST_CHECK;

// ---- remote.c --------------------------------------------------------------

const char *gs_service_name(enum gs_git_service service); // "git-upload-pack"
// One exchange of the service; GS_OK for every HTTP status.
enum gs_status gs_remote_get_refs(const struct gs_git_remote *remote, enum gs_git_service service,
                                  struct gs_net_response *out_response,
                                  struct gs_error *err) GS_MUST_CHECK;

struct gs_remote_post {
    enum gs_git_service service;
    const struct gs_slice *body;
    size_t body_parts;
    size_t max_response;
    bool (*on_body)(void *arg, const char *data, size_t len);
    bool (*on_again)(void *arg); // of an upload-pack: see net.h
    void *on_body_arg;
    void (*on_sent)(void *arg); // see net.h
    void *on_sent_arg;
    bool *handed_out;
};
enum gs_status gs_remote_post(const struct gs_git_remote *remote, const struct gs_remote_post *post,
                              struct gs_net_response *out_response,
                              struct gs_error *err) GS_MUST_CHECK;
// GS_OK for 200 with the content type "application/x-<service>-<kind>", else the error that git.h
// promises.
enum gs_status gs_remote_check(enum gs_git_service service, const struct gs_net_response *response,
                               const char *kind, struct gs_error *err) GS_MUST_CHECK;
// Adds text of the host's to out as one line for a person: progress that was overwritten, control
// characters and what is not UTF-8 are gone. What does not fit is cut.
void gs_remote_clean_text(struct gs_slice text, struct gs_buf *out);

// ---- advert.c --------------------------------------------------------------

// The body of an answer to GET info/refs; see gs_git_advertise.
enum gs_status gs_advert_parse(struct gs_slice body, enum gs_git_service service,
                               struct gs_arena *arena, struct gs_git_advert *out_advert,
                               struct gs_error *err) GS_MUST_CHECK;

// ---- push_report.c ---------------------------------------------------------

struct gs_push_report;
struct gs_push_report *gs_push_report_new(void);
void gs_push_report_free(struct gs_push_report *report);
void gs_push_report_cleanup(struct gs_push_report **report); // for GS_CLEANUP
// An on_body; report is the argument.
bool gs_push_report_feed(void *report, const char *data, size_t len);
// After the last byte: what the host said of ref. GS_PUSH_UNKNOWN, with the cause in err, when the
// report is not whole; host_failed when the host could not unpack. The reason lives in the arena;
// NULL for GS_PUSH_DONE.
enum gs_status gs_push_report_read(struct gs_push_report *report, const char *ref,
                                   struct gs_arena *arena, enum gs_push_outcome *out_outcome,
                                   const char **out_reason, struct gs_error *err) GS_MUST_CHECK;

#endif
