// Reads what git-receive-pack answers (gitprotocol-pack, report-status inside side-band-64k) and
// judges it. Sends nothing.
// SPDX-License-Identifier: Apache-2.0
#include "git/git_internal.h"
#include "git/pktline.h"

enum { REPORT_MAX = 64 << 10, TEXT_MAX = 16 << 10, REASON_MAX = 700 };
enum { BAND_REPORT = 1, BAND_TEXT = 2, BAND_ERROR = 3 };

struct gs_push_report {
    struct gs_pkt_stream stream;
    struct gs_buf report; // what came on band 1
    struct gs_buf text;   // what came on bands 2 and 3, as far as there is room
    bool malformed, failed, ended;
};

static bool take_packet(void *arg, const struct gs_pkt *pkt)
{
    struct gs_push_report *report = arg;
    if (report->ended)
        return false;
    if (pkt->flush) {
        report->ended = true;
        return true;
    }
    int band = pkt->data.len > 0 ? pkt->data.data[0] : 0;
    if (band < BAND_REPORT || band > BAND_ERROR)
        return false;
    struct gs_slice payload = gs_slice_of(pkt->data.data + 1, pkt->data.len - 1);
    if (band == BAND_REPORT)
        return gs_buf_append_slice(&report->report, payload);
    size_t room = report->text.max - report->text.len;
    if (payload.len > room)
        payload.len = room;
    report->failed |= band == BAND_ERROR;
    return gs_buf_append_slice(&report->text, payload);
}

struct gs_push_report *gs_push_report_new(void)
{
    struct gs_push_report *report = gs_xcalloc(1, sizeof *report);
    gs_pkt_stream_init(&report->stream, take_packet, report);
    gs_buf_init(&report->report, REPORT_MAX);
    gs_buf_init(&report->text, TEXT_MAX);
    return report;
}

void gs_push_report_free(struct gs_push_report *report)
{
    if (!report)
        return;
    gs_pkt_stream_release(&report->stream);
    gs_buf_release(&report->report);
    gs_buf_release(&report->text);
    free(report);
}

void gs_push_report_cleanup(struct gs_push_report **report)
{
    gs_push_report_free(*report);
}

// The host has acted by now whatever it answers, so the rest is taken in and thrown away rather
// than cut off.
bool gs_push_report_feed(void *arg, const char *data, size_t len)
{
    struct gs_push_report *report = arg;
    if (!report->malformed && !gs_pkt_stream_feed(&report->stream, gs_slice_of(data, len)))
        report->malformed = true;
    return true;
}

// What the lines say of one ref.
struct verdict {
    bool whole;             // the final flush is there
    struct gs_slice unpack; // "ok" or what went wrong
    bool ok;
    struct gs_slice ng; // why the host did not move the ref; data is NULL when it does not say so
};

static void read_line(struct gs_slice line, const char *ref, struct verdict *verdict)
{
    struct gs_slice word = gs_slice_split(&line, ' ');
    if (gs_slice_eq_str(word, "unpack")) {
        verdict->unpack = line;
        return;
    }
    struct gs_slice name = gs_slice_split(&line, ' ');
    if (!gs_slice_eq_str(name, ref))
        return;
    if (gs_slice_eq_str(word, "ok"))
        verdict->ok = true;
    else if (gs_slice_eq_str(word, "ng"))
        verdict->ng = line.data ? line : GS_SLICE_LIT("no reason given");
}

static struct verdict read_verdict(struct gs_slice rest, const char *ref)
{
    struct verdict verdict = {0};
    struct gs_pkt pkt;
    while (gs_pkt_next(&rest, &pkt) == GS_PKT_OK) {
        if (pkt.flush) {
            verdict.whole = rest.len == 0;
            break;
        }
        read_line(gs_pkt_text(&pkt), ref, &verdict);
    }
    return verdict;
}

// The reasons of git, GitHub and GitLab that mean "not at the commit you said", now or in a moment.
static bool means_moved(struct gs_slice reason)
{
    static const char *const signs[] = {
        "non-fast-forward", "fetch first",    "failed to update ref",
        "cannot lock ref",  "failed to lock", "incorrect old value",
        "already exists",   "stale info",     "but expected",
    };
    GS_CLEANUP(gs_buf_release) struct gs_buf text;
    gs_buf_init(&text, REASON_MAX);
    gs_remote_clean_text(reason, &text);
    for (size_t i = 0; i < GS_COUNT(signs); i++)
        if (text.data && strstr(text.data, signs[i]))
            return true;
    return false;
}

// "<short>: <what the host said besides>" on one line.
static const char *format_reason(const struct gs_push_report *report, struct gs_slice brief,
                                 struct gs_arena *arena)
{
    GS_CLEANUP(gs_buf_release) struct gs_buf first, second;
    gs_buf_init(&first, REASON_MAX / 3);
    gs_buf_init(&second, REASON_MAX - REASON_MAX / 3);
    gs_remote_clean_text(brief, &first);
    gs_remote_clean_text(gs_buf_slice(&report->text), &second);
    return gs_arena_printf(arena, "%s%s%s", first.len ? first.data : "",
                           first.len && second.len ? ": " : "", second.len ? second.data : "");
}

enum gs_status gs_push_report_read(struct gs_push_report *report, const char *ref,
                                   struct gs_arena *arena, enum gs_push_outcome *out_outcome,
                                   const char **out_reason, struct gs_error *err)
{
    struct verdict verdict = read_verdict(gs_buf_slice(&report->report), ref);
    bool whole = report->ended && gs_pkt_stream_is_whole(&report->stream) && verdict.whole &&
                 !report->malformed && !report->failed && verdict.unpack.data &&
                 (verdict.ok || verdict.ng.data);
    if (!whole) {
        const char *said =
            format_reason(report, GS_SLICE_LIT("the git host's report is not whole"), arena);
        gs_fail(err, GS_CODE_HOST_FAILED, NULL, "%s", said);
        *out_outcome = GS_PUSH_UNKNOWN;
        *out_reason = said;
        return GS_OK;
    }
    if (!gs_slice_eq_str(verdict.unpack, "ok"))
        return gs_fail(err, GS_CODE_HOST_FAILED, NULL, "the git host cannot take the pack: %s",
                       format_reason(report, verdict.unpack, arena));
    *out_outcome = verdict.ng.data == NULL   ? GS_PUSH_DONE
                   : means_moved(verdict.ng) ? GS_PUSH_MOVED
                                             : GS_PUSH_REFUSED;
    *out_reason = verdict.ng.data ? format_reason(report, verdict.ng, arena) : NULL;
    return GS_OK;
}
