// Repositories: a bare mirror on disk, what the host advertises, and commits pushed as
// compare-and-swap. libgit2 stays inside this folder. Gets credentials as values and knows neither
// hosts nor documents.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_GIT_GIT_H
#define GS_GIT_GIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"
#include "net/net.h"

// Once per process, before threads start: initialises libgit2 and empties its configuration search
// paths. Its network code is never used: git's protocol is spoken here, over src/net.
enum gs_status gs_git_init(struct gs_error *err) GS_MUST_CHECK;
void gs_git_shutdown(void);

// A SHA-1 object id as 40 lower-case digits; "" is "none" (the zero id).
struct gs_oid {
    char hex[41];
};
bool gs_oid_is_none(const struct gs_oid *oid);
bool gs_oid_eq(const struct gs_oid *a, const struct gs_oid *b);
// Exactly 40 hexadecimal digits.
bool gs_oid_parse(struct gs_slice text, struct gs_oid *out_oid);
// The id that the content has as a file.
enum gs_status gs_git_blob_id(struct gs_slice content, struct gs_oid *out_oid,
                              struct gs_error *err) GS_MUST_CHECK;
// git check-ref-format --branch: whether text can be a branch name.
bool gs_git_branch_is_valid(const char *name);

// Appends a unified diff with three lines of context of two texts of one path (nothing when they
// are equal). Needs no repository.
enum gs_status gs_git_diff_texts(const char *path, struct gs_slice before, struct gs_slice after,
                                 struct gs_buf *out, struct gs_error *err) GS_MUST_CHECK;

// ---- The remote side -------------------------------------------------------

// Where and as whom. Views of the caller's memory.
struct gs_git_remote {
    struct gs_net *net;
    const char *url; // as configured; ".git" is neither added nor removed
    const char *username, *password;
    int64_t deadline_ms; // for each call that gets this remote
    size_t max_pack;     // bytes of a pack that we accept
};

enum gs_git_service { GS_GIT_UPLOAD_PACK, GS_GIT_RECEIVE_PACK };

struct gs_git_ref {
    const char *name; // "refs/heads/main"
    struct gs_oid oid;
    struct gs_oid peeled; // of an annotated tag, when the host says so; else none
};

// What GET info/refs said (gitprotocol-http, gitprotocol-pack; protocol version 0).
struct gs_git_advert {
    enum gs_git_service service;
    const struct gs_git_ref *refs;
    size_t count;     // 0: an empty repository
    const char *head; // the branch HEAD points to, "refs/heads/…", or NULL when not told
    bool report_status, side_band_64k, ofs_delta, thin_pack, no_progress, atomic, delete_refs;
};

// One GET. Errors: host_denied (401: the token is not accepted; the caller may try once more with a
// new one), repository_not_found (404), repository_not_writable (403 for receive-pack), host_denied
// (403 for upload-pack), rate_limited (429, or 403 with Retry-After), host_failed (5xx, a redirect,
// HTML or anything that is not an advertisement, more than 64 MB or 500,000 refs, SHA-256
// repositories), and those of gs_net_perform. Data lives in the arena.
enum gs_status gs_git_advertise(const struct gs_git_remote *remote, enum gs_git_service service,
                                struct gs_arena *arena, struct gs_git_advert *out_advert,
                                struct gs_error *err) GS_MUST_CHECK;
// NULL when there is no such ref.
const struct gs_git_ref *gs_git_advert_find(const struct gs_git_advert *advert, const char *name);

// ---- The mirror ------------------------------------------------------------

struct gs_mirror;

// Opens, or makes, the bare repository in the folder. One thread at a time may use a mirror. A
// damaged one gives internal with a message; gs_mirror_discard and opening again is the cure (a
// mirror is a cache).
enum gs_status gs_mirror_open(const char *folder, struct gs_mirror **out_mirror,
                              struct gs_error *err) GS_MUST_CHECK;
void gs_mirror_close(struct gs_mirror *mirror);
// A file's content that is compressed and whose id is known before a commit brings it. Made and freed on any thread.
struct gs_git_blob;
// stream: the content as a zlib stream (RFC 1950) without a preset dictionary, copied as it is. Nothing is checked: a host does not take a blob that is not
// what its id says. NULL when memory is out.
struct gs_git_blob *gs_git_blob_make(const struct gs_oid *oid, size_t size, struct gs_slice stream);
void gs_git_blob_free(struct gs_git_blob *blob); // NULL is fine
// The bytes that it takes.
size_t gs_git_blob_weight(const struct gs_git_blob *blob);
// Forgets the commits that were made and not pushed.
void gs_mirror_drop_unsent(struct gs_mirror *mirror);
enum gs_status gs_mirror_discard(const char *folder, struct gs_error *err) GS_MUST_CHECK;

// Whether the mirror has the commit (or tag object) and all that it needs: only objects that
// arrived by a completed fetch or were pushed. Made commits that were not pushed are not had.
bool gs_mirror_has(struct gs_mirror *mirror, const struct gs_oid *oid);
// Fetches the named ref (as advertised, by either service) with one POST, or none when it is there
// already. Marks it as complete (keeps a ref on it). Errors: branch_moved (the ref is no longer
// where the advertisement saw it: ask again), too_large (over max_pack), internal (what came does
// not go with what the mirror has), and those of gs_git_advertise.
enum gs_status gs_mirror_fetch(struct gs_mirror *mirror, const struct gs_git_remote *remote,
                               const struct gs_git_advert *advert, const struct gs_git_ref *ref,
                               struct gs_error *err) GS_MUST_CHECK;
// Follows annotated tags to their commit. not_in_git when it is no commit.
enum gs_status gs_mirror_peel(struct gs_mirror *mirror, const struct gs_oid *oid,
                              struct gs_oid *out_commit, struct gs_error *err) GS_MUST_CHECK;
// Whether ancestor is reachable from commit (or equal to it). One that the mirror has never seen is
// not; a commit that it has not is internal.
enum gs_status gs_mirror_is_ancestor(struct gs_mirror *mirror, const struct gs_oid *ancestor,
                                     const struct gs_oid *commit, bool *out_yes,
                                     struct gs_error *err) GS_MUST_CHECK;

enum gs_entry_kind { GS_ENTRY_FILE, GS_ENTRY_FOLDER, GS_ENTRY_OTHER /* link or submodule */ };
struct gs_entry {
    const char *name;
    enum gs_entry_kind kind;
    struct gs_oid oid;
};

// The file's bytes replace the content of out (bounded by its maximum: too_large). not_found when
// there is no file of that path in the commit; "" as commit is an empty tree. Paths are relative,
// separated by '/'.
enum gs_status gs_mirror_read_file(struct gs_mirror *mirror, const struct gs_oid *commit,
                                   const char *path, struct gs_buf *out,
                                   struct gs_error *err) GS_MUST_CHECK;
// The same for a file whose entry is known already, without looking for its path.
enum gs_status gs_mirror_read_blob(struct gs_mirror *mirror, const struct gs_oid *oid,
                                   struct gs_buf *out, struct gs_error *err) GS_MUST_CHECK;
// The entry at a path: not_found when there is none.
enum gs_status gs_mirror_stat(struct gs_mirror *mirror, const struct gs_oid *commit,
                              const char *path, struct gs_arena *arena, struct gs_entry *out_entry,
                              struct gs_error *err) GS_MUST_CHECK;
// The entries of a folder ("" is the root), in git's order. not_found when it is no folder.
enum gs_status gs_mirror_list(struct gs_mirror *mirror, const struct gs_oid *commit,
                              const char *path, struct gs_arena *arena,
                              struct gs_entry **out_entries, size_t *out_count,
                              struct gs_error *err) GS_MUST_CHECK;

// Appends the unified diff that leads from what one commit holds (none: nothing) to what the other
// holds, one part per file in the order of the paths, without renames; git apply takes it. A file
// that is not UTF-8 text is git's binary patch. The parts that fit are whole; *out_cut tells that
// the rest did not.
enum gs_status gs_mirror_diff(struct gs_mirror *mirror, const struct gs_oid *before,
                              const struct gs_oid *after, struct gs_buf *out, bool *out_cut,
                              struct gs_error *err) GS_MUST_CHECK;

struct gs_commit_info {
    struct gs_oid oid;
    struct gs_oid parent; // the first one, or none
    const char *message, *author_name, *author_email;
    int64_t committed_at_ms;
};
// Texts are UTF-8, whatever the commit's encoding.
enum gs_status gs_mirror_commit_info(struct gs_mirror *mirror, const struct gs_oid *commit,
                                     struct gs_arena *arena, struct gs_commit_info *out_info,
                                     struct gs_error *err) GS_MUST_CHECK;

// ---- Writing ---------------------------------------------------------------

enum gs_edit_kind {
    GS_EDIT_WRITE,  // content becomes the file at path
    GS_EDIT_DELETE, // the file at path, if any, goes; folders that become empty go too
    GS_EDIT_MOVE,   // the file or folder at path goes to to_path, keeping its object id
};
// Applied in order: an edit sees what those before it did.
struct gs_edit {
    enum gs_edit_kind kind;
    const char *path;
    const char *to_path;
    struct gs_slice content;
    // Of a file that is ready: not NULL, and what it points to is taken (and NULL then) by the commit that brings it. Instead of content.
    struct gs_git_blob **blob;
};

struct gs_commit_request {
    struct gs_oid parent; // none: the first commit of an empty repository
    const struct gs_edit *edits;
    size_t edit_count;
    const char *author_name, *author_email; // also the committer
    struct gs_slice message; // used as given, with one final newline added when it has none
    int64_t when_ms;         // recorded in whole seconds, UTC
};

enum gs_change_kind { GS_FILE_ADDED, GS_FILE_MODIFIED, GS_FILE_DELETED };
struct gs_file_change {
    enum gs_change_kind kind;
    const char *path;
    struct gs_oid oid; // of the file afterwards; none when it was deleted
};

// What changes that were made one after the other come to, sorted by path; what was added and deleted again is gone. In the arena.
void gs_file_changes_join(const struct gs_file_change *changes, size_t count,
                          struct gs_arena *arena, struct gs_file_change **out_changes,
                          size_t *out_count);

// Writes blobs, the trees on the changed paths and the commit into the mirror; cost grows with the
// edits and the folders on their paths, not with the repository. The changed files are told as git
// diff --name-status --no-renames would. When nothing changes, out_commit is the parent and no
// commit is made. Errors: layout_conflict when a file stands where a folder is needed or the other
// way round, when the target of a move is there, or when an edit meets a link or submodule (the
// message names it); not_found when the source of a move is not there; invalid_name for a path that
// git or some file system does not allow; too_large for a file over 100 MB; invalid_input for an
// author without a name, or a message with a NUL.
enum gs_status gs_mirror_commit(struct gs_mirror *mirror, const struct gs_commit_request *request,
                                struct gs_arena *arena, struct gs_oid *out_commit,
                                struct gs_file_change **out_changes, size_t *out_count,
                                struct gs_error *err) GS_MUST_CHECK;

// One commit with the tree of top, directly on the parent, in the place of those that led there.
// The request's edits are not looked at.
enum gs_status gs_mirror_squash(struct gs_mirror *mirror, const struct gs_commit_request *request,
                                const struct gs_oid *top, struct gs_oid *out_commit,
                                struct gs_error *err) GS_MUST_CHECK;

struct gs_tag_request {
    struct gs_oid commit; // that the host has
    const char *name;     // below refs/tags/
    const char *tagger_name, *tagger_email;
    struct gs_slice message; // with one final newline added when it has none
    int64_t when_ms;         // recorded in whole seconds, UTC
};
// Makes an annotated tag, which nothing refers to until it is pushed. Errors: invalid_name.
enum gs_status gs_mirror_tag(struct gs_mirror *mirror, const struct gs_tag_request *request,
                             struct gs_oid *out_tag, struct gs_error *err) GS_MUST_CHECK;

enum gs_push_outcome {
    // The host reported ok, or that the ref is at new already.
    GS_PUSH_DONE,
    // The ref is no longer at old (or is locked): nothing happened, rebuild and try again.
    GS_PUSH_MOVED,
    // A rule or hook of the host said no; the reason is in out_reason.
    GS_PUSH_REFUSED,
    // The connection broke after the request had started, or the answer is a 5xx or not whole: ask
    // the remote what happened.
    GS_PUSH_UNKNOWN,
};

// One POST to git-receive-pack that moves ref from old (none: creates it) to new, with the objects
// of the first-parent chain of commits from old to new and no others that old's side of the change
// has. old must be in the mirror; with none the chain starts at anything that the advertisement
// names; a new ref may also be at a tag that gs_mirror_tag made. GS_OK with an outcome for all four cases; for GS_PUSH_UNKNOWN err holds the cause although
// the status is GS_OK. out_reason is what the host said, on one line, or NULL. Errors of other
// kinds (nothing was sent, or the host answered with a 4xx before touching refs): those of
// gs_git_advertise, invalid_branch, too_large, and internal when there is no such chain. On
// GS_PUSH_DONE the mirror keeps new as complete.
enum gs_status gs_git_push(struct gs_mirror *mirror, const struct gs_git_remote *remote,
                           const struct gs_git_advert *advert, const char *ref,
                           const struct gs_oid *old, const struct gs_oid *new,
                           struct gs_arena *arena, enum gs_push_outcome *out_outcome,
                           const char **out_reason, struct gs_error *err) GS_MUST_CHECK;

#endif
