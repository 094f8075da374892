// Pushes with one POST to git-receive-pack (gitprotocol-pack): the command and a pack, moved by
// slices and never copied. Which objects and what the host's answer means is decided elsewhere.
// SPDX-License-Identifier: Apache-2.0
#include <openssl/evp.h>

#include "base/version.h"
#include "git/git_internal.h"
#include "git/pktline.h"

enum { COMMAND_MAX = 4096, RESPONSE_MAX = 4 << 20, PACK_HEADER = 12, SHA1_BYTES = 20 };

// Command, pack header, the entries, and the pack's check sum.
enum { EXTRA_PARTS = 3 };

// GitHub refuses more in one push.
static const size_t pack_max = (size_t)2 << 30;

struct request {
    struct gs_buf command;
    unsigned char header[PACK_HEADER], sum[SHA1_BYTES];
    struct gs_slice *parts;
    size_t count;
};

static void write_command(const char *ref, const struct gs_oid *old, const struct gs_oid *new,
                          struct gs_buf *out)
{
    GS_CLEANUP(gs_buf_release) struct gs_buf line;
    gs_buf_init(&line, out->max);
    gs_buf_printf(&line, "%s %s %s", gs_oid_wire(old), gs_oid_wire(new), ref);
    gs_buf_append_char(&line, 0);
    gs_buf_printf(&line, " report-status side-band-64k agent=gitsync/%s", GS_VERSION);
    out->failed |= line.failed;
    gs_pkt_append(out, gs_buf_slice(&line));
    gs_pkt_flush(out);
}

static void write_pack_header(size_t objects, unsigned char out[PACK_HEADER])
{
    memcpy(out, "PACK\0\0\0\2", 8);
    for (int i = 0; i < 4; i++)
        out[8 + i] = (unsigned char)(objects >> (24 - 8 * i));
}

static enum gs_status sum_pack(const struct gs_slice *parts, size_t count,
                               unsigned char out[SHA1_BYTES], struct gs_error *err)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool ok = context && EVP_DigestInit_ex(context, EVP_sha1(), NULL) == 1;
    for (size_t i = 0; i < count && ok; i++)
        ok = EVP_DigestUpdate(context, parts[i].data, parts[i].len) == 1;
    ok = ok && EVP_DigestFinal_ex(context, out, NULL) == 1;
    EVP_MD_CTX_free(context);
    return ok ? GS_OK
              : gs_fail(err, GS_CODE_INTERNAL, NULL, "SHA-1 cannot be computed; git needs it");
}

static enum gs_status add_entries(struct gs_mirror *mirror, const struct gs_pack_object *objects,
                                  size_t count, struct request *request, struct gs_error *err)
{
    size_t total = 0;
    for (size_t i = 0; i < count; i++) {
        struct gs_slice entry;
        enum gs_status status =
            gs_fresh_pack_entry(mirror, &objects[i].oid, objects[i].type, &entry, err);
        if (status != GS_OK)
            return status;
        total += entry.len;
        if (total > pack_max)
            return gs_fail(err, GS_CODE_TOO_LARGE, NULL,
                           "the push has more than %zu bytes; git hosts refuse that", pack_max);
        request->parts[request->count++] = entry;
    }
    return GS_OK;
}

static enum gs_status build_pack(struct gs_mirror *mirror, const struct gs_pack_object *objects,
                                 size_t count, struct gs_arena *arena, struct request *request,
                                 struct gs_error *err)
{
    request->parts = gs_arena_array(arena, count + EXTRA_PARTS, sizeof *request->parts);
    write_pack_header(count, request->header);
    request->parts[0] = gs_buf_slice(&request->command);
    request->parts[1] = gs_slice_of((const char *)request->header, PACK_HEADER);
    request->count = 2;
    enum gs_status status = add_entries(mirror, objects, count, request, err);
    if (status == GS_OK)
        status = sum_pack(request->parts + 1, request->count - 1, request->sum, err);
    if (status == GS_OK)
        request->parts[request->count++] = gs_slice_of((const char *)request->sum, SHA1_BYTES);
    return status;
}

// A 4xx comes before git was run. A 5xx may come from a proxy in front of a host that is still at
// work.
static bool is_clear_failure(int status)
{
    return status < 500 && status != 200;
}

// A proxy on the way may send a request twice. The second finds the ref where the first put it, and
// git says so.
static bool is_there_already(const char *reason, const struct gs_oid *new)
{
    char wanted[64];
    snprintf(wanted, sizeof wanted, "is at %s", new->hex);
    return strstr(reason, wanted) != NULL;
}

static enum gs_status judge(const struct gs_net_response *response, struct gs_push_report *report,
                            const char *ref, const struct gs_oid *new, struct gs_arena *arena,
                            enum gs_push_outcome *out_outcome, const char **out_reason,
                            struct gs_error *err)
{
    enum gs_status status = gs_remote_check(GS_GIT_RECEIVE_PACK, response, "result", err);
    if (status == GS_OK) {
        status = gs_push_report_read(report, ref, arena, out_outcome, out_reason, err);
        if (status == GS_OK && *out_outcome == GS_PUSH_MOVED && is_there_already(*out_reason, new))
            *out_outcome = GS_PUSH_DONE;
        return status;
    }
    if (is_clear_failure(response->status))
        return status;
    *out_outcome = GS_PUSH_UNKNOWN;
    *out_reason = NULL;
    return GS_OK;
}

// Of the client's errors the others say that nothing was sent.
static bool may_have_arrived(enum gs_code code, bool handed_out)
{
    return handed_out && (code == GS_CODE_HOST_UNREACHABLE || code == GS_CODE_HOST_TIMEOUT ||
                          code == GS_CODE_HOST_FAILED || code == GS_CODE_TOO_LARGE);
}

// While the host is at work. What fails here is tried once more at the end.
static void save(void *arg)
{
    struct gs_error ignored = GS_ERROR_INIT;
    if (gs_fresh_save(arg, &ignored) != GS_OK)
        gs_error_release(&ignored);
}

static enum gs_status send(struct gs_mirror *mirror, const struct gs_git_remote *remote,
                           const struct request *request, const char *ref, const struct gs_oid *new,
                           struct gs_arena *arena, enum gs_push_outcome *out_outcome,
                           const char **out_reason, struct gs_error *err)
{
    GS_CLEANUP(gs_push_report_cleanup) struct gs_push_report *report = gs_push_report_new();
    bool handed_out = false;
    struct gs_remote_post post = {
        .service = GS_GIT_RECEIVE_PACK,
        .body = request->parts,
        .body_parts = request->count,
        .max_response = RESPONSE_MAX,
        .on_body = gs_push_report_feed,
        .on_body_arg = report,
        .on_sent = save,
        .on_sent_arg = mirror,
        .handed_out = &handed_out,
    };
    struct gs_error cause = GS_ERROR_INIT;
    struct gs_net_response response;
    enum gs_status status = gs_remote_post(remote, &post, &response, &cause);
    if (status == GS_OK) {
        status = judge(&response, report, ref, new, arena, out_outcome, out_reason, &cause);
        gs_net_response_release(&response);
    } else if (may_have_arrived(cause.code, handed_out)) {
        *out_outcome = GS_PUSH_UNKNOWN;
        *out_reason = NULL;
        status = GS_OK;
    }
    if (err)
        gs_error_move(err, &cause);
    gs_error_release(&cause);
    return status;
}

static enum gs_status check_ability(const struct gs_git_advert *advert, const char *ref,
                                    const struct gs_oid *new, struct gs_error *err)
{
    if (!gs_slice_starts(gs_slice_str(ref), "refs/") || !gs_git_ref_is_valid(ref) ||
        gs_oid_is_none(new))
        return gs_fail(err, GS_CODE_INVALID_BRANCH, NULL, "'%s' cannot be pushed to", ref);
    if (!advert->report_status || !advert->side_band_64k)
        return gs_fail(err, GS_CODE_HOST_FAILED, NULL,
                       "the git host is too old: it lacks report-status or side-band-64k");
    return GS_OK;
}

// The push is done whether or not we can note it; without the note the next call fetches once more.
static void keep(struct gs_mirror *mirror, const char *ref, const git_oid *oid)
{
    struct gs_error ignored = GS_ERROR_INIT;
    enum gs_status status = gs_fresh_save(mirror, &ignored);
    if (status == GS_OK)
        status = gs_kept_put(&mirror->kept, mirror->folder, ref, oid, &ignored);
    if (status != GS_OK)
        gs_error_release(&ignored);
    gs_fresh_clear(&mirror->fresh);
}

enum gs_status gs_git_push(struct gs_mirror *mirror, const struct gs_git_remote *remote,
                           const struct gs_git_advert *advert, const char *ref,
                           const struct gs_oid *old, const struct gs_oid *new,
                           struct gs_arena *arena, enum gs_push_outcome *out_outcome,
                           const char **out_reason, struct gs_error *err)
{
    git_oid from, to;
    gs_oid_to_git(old, &from);
    gs_oid_to_git(new, &to);
    struct gs_pack_object *objects;
    size_t count;
    struct request request = {0};
    GS_CLEANUP(gs_arena_cleanup) struct gs_arena *scratch = gs_arena_new();
    gs_buf_init(&request.command, COMMAND_MAX);
    enum gs_status status = check_ability(advert, ref, new, err);
    if (status == GS_OK)
        status = gs_collect_objects(mirror, advert, &from, &to, scratch, &objects, &count, err);
    if (status == GS_OK) {
        write_command(ref, old, new, &request.command);
        status = gs_buf_check(&request.command, "the push command", err);
    }
    if (status == GS_OK)
        status = build_pack(mirror, objects, count, scratch, &request, err);
    if (status == GS_OK)
        status = send(mirror, remote, &request, ref, new, arena, out_outcome, out_reason, err);
    if (status == GS_OK && *out_outcome == GS_PUSH_DONE)
        keep(mirror, ref, &to);
    gs_buf_release(&request.command);
    return status;
}
