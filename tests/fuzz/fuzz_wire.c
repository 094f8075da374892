// What a git host says beside packs. The first byte chooses who reads: an advertisement of one of the services, or the report
// on a push, which comes in pieces of any size and must mean the same however it is cut.
// SPDX-License-Identifier: Apache-2.0
#include "fuzz.h"
#include "git/git_internal.h"

struct verdict {
    enum gs_status status;
    enum gs_push_outcome outcome;
    const char *reason;
};

static void check_advert(struct gs_slice bytes, enum gs_git_service service)
{
    GS_CLEANUP(gs_arena_cleanup) struct gs_arena *arena = gs_arena_new();
    struct gs_error err = GS_ERROR_INIT;
    struct gs_git_advert advert;
    if (!FUZZ_OK(gs_advert_parse(bytes, service, arena, &advert, &err), &err))
        return;
    for (size_t i = 0; i < advert.count; i++) {
        struct gs_oid oid;
        FUZZ_CHECK(gs_oid_parse(gs_slice_str(advert.refs[i].oid.hex), &oid));
        FUZZ_CHECK(gs_git_advert_find(&advert, advert.refs[i].name) != NULL);
    }
}

static struct verdict judge(struct gs_slice bytes, size_t piece, struct gs_arena *arena)
{
    struct gs_error err = GS_ERROR_INIT;
    struct verdict verdict = {.outcome = GS_PUSH_UNKNOWN};
    GS_CLEANUP(gs_push_report_cleanup) struct gs_push_report *report = gs_push_report_new();
    for (size_t at = 0; at < bytes.len; at += piece) {
        size_t len = bytes.len - at < piece ? bytes.len - at : piece;
        if (!gs_push_report_feed(report, bytes.data + at, len))
            break;
    }
    verdict.status = gs_push_report_read(report, "refs/heads/main", arena, &verdict.outcome,
                                         &verdict.reason, &err);
    // An outcome that nobody knows has its cause beside it.
    if (verdict.status == GS_OK && verdict.outcome == GS_PUSH_UNKNOWN)
        FUZZ_CHECK(err.code != GS_CODE_NONE);
    else
        (void)FUZZ_OK(verdict.status, &err);
    if (verdict.reason)
        FUZZ_CHECK(gs_slice_is_utf8(gs_slice_str(verdict.reason)));
    gs_error_release(&err);
    return verdict;
}

static void check_report(struct gs_slice bytes, size_t piece)
{
    GS_CLEANUP(gs_arena_cleanup) struct gs_arena *arena = gs_arena_new();
    struct verdict whole = judge(bytes, bytes.len + 1, arena), cut = judge(bytes, piece, arena);
    FUZZ_CHECK(whole.status == cut.status);
    FUZZ_CHECK(whole.outcome == cut.outcome);
    FUZZ_CHECK(gs_slice_eq(gs_slice_str(whole.reason), gs_slice_str(cut.reason)));
}

void fuzz_one(struct gs_slice input)
{
    if (input.len == 0)
        return;
    unsigned char kind = (unsigned char)input.data[0];
    struct gs_slice rest = gs_slice_of(input.data + 1, input.len - 1);
    if (kind == 'u')
        check_advert(rest, GS_GIT_UPLOAD_PACK);
    else if (kind == 'r')
        check_advert(rest, GS_GIT_RECEIVE_PACK);
    else
        check_report(rest, kind % 16u + 1);
}
