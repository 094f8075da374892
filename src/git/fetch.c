// Fetches one ref with one POST to git-upload-pack (gitprotocol-pack, version 0): what we want,
// some of what we have, done. The pack is indexed while it arrives. Pushes and trees are not known
// here.
// SPDX-License-Identifier: Apache-2.0
//
// Because the request says "done" at once, the host answers with the pack in the same exchange,
// however much or little of what we have it knows; it leaves out what can be reached from the
// newest that it does know. What we have is told by the kept refs and, for the ref's own last
// position, by ancestors at growing distance, so that a branch that was rewound still costs only
// what is new.
#include "base/version.h"
#include "git/git_internal.h"
#include "git/pktline.h"

enum {
    REQUEST_MAX = 64 << 10,
    ANCESTORS_MAX = 64,
    FRAMING = 1 << 20,
    HOST_TEXT_MAX = 500,
    // Beyond the time of the exchange: a large repository has come by then and is to be indexed.
    INDEXING_MS = 5 * 60 * 1000,
};

// ---- The request -----------------------------------------------------------

// receive-pack's advertisement names the same refs, but not what upload-pack is able to do. These
// two every one has been able to do for many years.
static bool can(const struct gs_git_advert *advert, bool told)
{
    return told || advert->service == GS_GIT_RECEIVE_PACK;
}

static void write_want(const struct gs_git_advert *advert, const struct gs_oid *oid,
                       struct gs_buf *out)
{
    gs_pkt_printf(out, "want %s side-band-64k%s%s%s agent=gitsync/%s\n", oid->hex,
                  advert->ofs_delta ? " ofs-delta" : "",
                  can(advert, advert->thin_pack) ? " thin-pack" : "",
                  can(advert, advert->no_progress) ? " no-progress" : "", GS_VERSION);
    gs_pkt_flush(out);
}

static void write_have(const git_oid *oid, struct gs_buf *out)
{
    struct gs_oid id;
    gs_oid_from_git(oid, &id);
    gs_pkt_printf(out, "have %s\n", id.hex);
}

// The ancestors 1, 2, 4, 8, … steps back. The walk ends quietly where it cannot go on.
static void write_ancestors(struct gs_mirror *mirror, git_oid commit, struct gs_buf *out)
{
    size_t next = 1;
    for (size_t steps = 1; steps <= ANCESTORS_MAX; steps++) {
        struct gs_commit_links links;
        if (gs_commit_read_links(mirror, &commit, &links, NULL) != GS_OK || links.parent_count == 0)
            return;
        commit = links.parent;
        if (steps == next) {
            write_have(&commit, out);
            next *= 2;
        }
    }
}

static void write_request(struct gs_mirror *mirror, const struct gs_git_advert *advert,
                          const struct gs_git_ref *ref, struct gs_buf *out)
{
    write_want(advert, &ref->oid, out);
    const git_oid *last = gs_kept_find(&mirror->kept, ref->name);
    if (last)
        write_ancestors(mirror, *last, out);
    for (size_t i = 0; i < mirror->kept.count; i++)
        write_have(&mirror->kept.refs[i].oid, out);
    gs_pkt_printf(out, "done\n");
}

// ---- The answer ------------------------------------------------------------

enum { BAND_DATA = 1, BAND_PROGRESS = 2, BAND_ERROR = 3 };

struct answer {
    struct gs_incoming *incoming;
    struct gs_mirror *mirror;
    const struct gs_git_remote *remote;
    struct gs_pkt_stream stream;
    bool ended;             // the flush that ends the pack came
    struct gs_error *cause; // set when feeding stopped
};

static bool stop(struct answer *answer, const char *what)
{
    gs_fail(answer->cause, GS_CODE_HOST_FAILED, NULL, "the git host's answer is malformed: %s",
            what);
    return false;
}

// The host may have moved the ref between the advertisement and this request.
static bool stop_with_text(struct answer *answer, struct gs_slice text)
{
    GS_CLEANUP(gs_buf_release) struct gs_buf clean;
    gs_buf_init(&clean, HOST_TEXT_MAX);
    gs_remote_clean_text(text, &clean);
    const char *says = clean.data ? clean.data : "";
    if (strstr(says, "not our ref"))
        gs_fail(answer->cause, GS_CODE_BRANCH_MOVED, NULL,
                "the branch or tag moved while it was fetched");
    else
        gs_fail(answer->cause, GS_CODE_HOST_FAILED, NULL, "the git host says: %s", says);
    return false;
}

static bool is_acknowledgement(struct gs_slice data)
{
    return gs_slice_starts(data, "NAK") || gs_slice_starts(data, "ACK ");
}

static bool take_packet(void *arg, const struct gs_pkt *pkt)
{
    struct answer *answer = arg;
    struct gs_slice data = pkt->data;
    if (answer->ended)
        return stop(answer, "something follows its end");
    if (pkt->flush) {
        answer->ended = true;
        return true;
    }
    if (is_acknowledgement(data))
        return true;
    if (gs_slice_starts(data, "ERR "))
        return stop_with_text(answer, gs_slice_of(data.data + 4, data.len - 4));
    int band = data.len > 0 ? data.data[0] : 0;
    struct gs_slice payload = band ? gs_slice_of(data.data + 1, data.len - 1) : data;
    switch (band) {
    case BAND_DATA:
        return gs_incoming_append(answer->incoming, payload, answer->cause) == GS_OK;
    case BAND_PROGRESS:
        return true;
    case BAND_ERROR:
        return stop_with_text(answer, payload);
    default:
        return stop(answer, "a packet is of no known kind");
    }
}

static bool take_body(void *arg, const char *data, size_t len)
{
    struct answer *answer = arg;
    if (gs_pkt_stream_feed(&answer->stream, gs_slice_of(data, len)))
        return true;
    return answer->cause->code != GS_CODE_NONE ? false : stop(answer, "a packet has a bad length");
}

static void begin(struct answer *answer)
{
    const struct gs_git_remote *remote = answer->remote;
    gs_pkt_stream_init(&answer->stream, take_packet, answer);
    gs_incoming_begin(answer->incoming, answer->mirror, remote->max_pack,
                      remote->deadline_ms + INDEXING_MS);
}

// The connection broke within the pack: what came of it is forgotten.
static bool take_again(void *arg)
{
    struct answer *answer = arg;
    if (answer->cause->code != GS_CODE_NONE)
        return false;
    gs_incoming_release(answer->incoming);
    gs_pkt_stream_release(&answer->stream);
    answer->ended = false;
    begin(answer);
    return true;
}

static enum gs_status check_answer(struct answer *answer, const struct gs_net_response *response,
                                   struct gs_error *err)
{
    enum gs_status status = gs_remote_check(GS_GIT_UPLOAD_PACK, response, "result", err);
    if (status == GS_OK && !(answer->ended && gs_pkt_stream_is_whole(&answer->stream)))
        return gs_fail(err, GS_CODE_HOST_FAILED, NULL, "the git host's answer ends early");
    return status;
}

static enum gs_status receive(const struct gs_git_remote *remote, const struct gs_buf *request,
                              struct answer *answer, struct gs_error *err)
{
    struct gs_slice body = gs_buf_slice(request);
    struct gs_remote_post post = {
        .service = GS_GIT_UPLOAD_PACK,
        .body = &body,
        .body_parts = 1,
        .max_response = remote->max_pack + remote->max_pack / 64 + FRAMING,
        .on_body = take_body,
        .on_again = take_again,
        .on_body_arg = answer,
    };
    struct gs_net_response response;
    enum gs_status status = gs_remote_post(remote, &post, &response, err);
    if (answer->cause->code != GS_CODE_NONE) {
        if (status == GS_OK)
            gs_net_response_release(&response);
        status = gs_error_status(answer->cause);
        if (err)
            gs_error_move(err, answer->cause);
        return status;
    }
    if (status != GS_OK)
        return status;
    status = check_answer(answer, &response, err);
    gs_net_response_release(&response);
    return status;
}

// The host sends what goes with what we said to have. When that does not fit, either of the two is
// to blame; the mirror can be made anew.
static enum gs_status blame_mirror(const struct gs_mirror *mirror, enum gs_status status,
                                   struct gs_error *err)
{
    if (status != GS_UPSTREAM || mirror->kept.count == 0)
        return status;
    struct gs_error cause = GS_ERROR_INIT;
    if (err)
        gs_error_move(&cause, err);
    status = gs_fail(err, GS_CODE_INTERNAL, NULL, "the mirror is damaged: %s", cause.message);
    gs_error_release(&cause);
    return status;
}

static enum gs_status finish(struct gs_incoming *incoming, const git_oid *wanted,
                             struct gs_error *err)
{
    enum gs_status status = gs_incoming_finish(incoming, err);
    if (status == GS_OK && !git_odb_exists(incoming->mirror->odb, wanted))
        status = gs_fail(err, GS_CODE_HOST_FAILED, NULL,
                         "the git host sent a pack without what was asked for");
    return blame_mirror(incoming->mirror, status, err);
}

static enum gs_status fetch_pack(struct gs_mirror *mirror, const struct gs_git_remote *remote,
                                 const struct gs_buf *request, const git_oid *wanted,
                                 struct gs_error *err)
{
    struct gs_error cause = GS_ERROR_INIT;
    struct gs_incoming incoming;
    struct answer answer = {
        .incoming = &incoming, .mirror = mirror, .remote = remote, .cause = &cause};
    begin(&answer);
    enum gs_status status = receive(remote, request, &answer, err);
    if (status == GS_OK)
        status = finish(&incoming, wanted, err);
    gs_incoming_release(&incoming);
    gs_pkt_stream_release(&answer.stream);
    gs_error_release(&cause);
    return status;
}

enum gs_status gs_mirror_fetch(struct gs_mirror *mirror, const struct gs_git_remote *remote,
                               const struct gs_git_advert *advert, const struct gs_git_ref *ref,
                               struct gs_error *err)
{
    git_oid oid;
    gs_oid_to_git(&ref->oid, &oid);
    if (!gs_mirror_has(mirror, &ref->oid)) {
        if (!advert->side_band_64k)
            return gs_fail(err, GS_CODE_HOST_FAILED, NULL,
                           "the git host is too old: it lacks side-band-64k");
        GS_CLEANUP(gs_buf_release) struct gs_buf request;
        gs_buf_init(&request, REQUEST_MAX);
        write_request(mirror, advert, ref, &request);
        enum gs_status status = gs_buf_check(&request, "the request", err);
        if (status == GS_OK)
            status = fetch_pack(mirror, remote, &request, &oid, err);
        if (status != GS_OK)
            return status;
    }
    return gs_kept_put(&mirror->kept, mirror->folder, ref->name, &oid, err);
}
