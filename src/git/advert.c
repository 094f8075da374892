// Asks a host which refs it has and reads the answer (gitprotocol-http, gitprotocol-pack, version
// 0), believing nothing of it.
// SPDX-License-Identifier: Apache-2.0
#include "git/git_internal.h"
#include "git/pktline.h"

enum { REFS_MAX = 500000 };

struct parser {
    struct gs_arena *arena;
    struct gs_slice rest;
    struct gs_git_advert advert;
    struct gs_git_ref *refs; // advert.refs, still writable
    struct gs_error *err;
};

static enum gs_status fail(struct parser *parser, const char *what)
{
    return gs_fail(parser->err, GS_CODE_HOST_FAILED, NULL,
                   "the git host's list of branches and tags is malformed: %s", what);
}

static enum gs_status next_pkt(struct parser *parser, struct gs_pkt *out_pkt)
{
    switch (gs_pkt_next(&parser->rest, out_pkt)) {
    case GS_PKT_OK:
        return GS_OK;
    case GS_PKT_MORE:
        return fail(parser, "it ends early");
    case GS_PKT_BAD:
        break;
    }
    return fail(parser, "a packet has a bad length");
}

// "ERR <text>": the host says in git's own words what an HTTP status would have said.
static enum gs_status check_not_error(struct parser *parser, struct gs_slice text)
{
    if (!gs_slice_starts(text, "ERR "))
        return GS_OK;
    GS_CLEANUP(gs_buf_release) struct gs_buf clean;
    gs_buf_init(&clean, 500);
    gs_remote_clean_text(gs_slice_of(text.data + 4, text.len - 4), &clean);
    return gs_fail(parser->err, GS_CODE_HOST_FAILED, NULL, "the git host says: %s",
                   clean.data ? clean.data : "");
}

static enum gs_status read_announcement(struct parser *parser, enum gs_git_service service)
{
    char wanted[64];
    snprintf(wanted, sizeof wanted, "# service=%s", gs_service_name(service));
    struct gs_pkt pkt;
    enum gs_status status = next_pkt(parser, &pkt);
    if (status != GS_OK)
        return status;
    struct gs_slice text = gs_pkt_text(&pkt);
    status = check_not_error(parser, text);
    if (status != GS_OK)
        return status;
    if (pkt.flush || !gs_slice_eq_str(text, wanted))
        return fail(parser, "it does not name the service");
    status = next_pkt(parser, &pkt);
    if (status == GS_OK && !pkt.flush)
        return fail(parser, "it does not name the service");
    return status;
}

static enum gs_status read_capability(struct parser *parser, struct gs_slice text)
{
    struct gs_git_advert *advert = &parser->advert;
    const struct {
        const char *name;
        bool *flag;
    } flags[] = {
        {"report-status", &advert->report_status}, {"side-band-64k", &advert->side_band_64k},
        {"ofs-delta", &advert->ofs_delta},         {"thin-pack", &advert->thin_pack},
        {"no-progress", &advert->no_progress},     {"atomic", &advert->atomic},
        {"delete-refs", &advert->delete_refs},
    };
    for (size_t i = 0; i < GS_COUNT(flags); i++)
        if (gs_slice_eq_str(text, flags[i].name))
            *flags[i].flag = true;
    if (gs_slice_starts(text, "symref=HEAD:refs/heads/") && !advert->head) {
        const char *head = gs_arena_dup_slice(parser->arena, text) + strlen("symref=HEAD:");
        if (gs_git_ref_is_valid(head))
            advert->head = head;
    }
    if (gs_slice_starts(text, "object-format=") && !gs_slice_eq_str(text, "object-format=sha1"))
        return gs_fail(parser->err, GS_CODE_HOST_FAILED, NULL,
                       "the repository uses %.*s; only SHA-1 repositories can be used",
                       GS_SLICE_ARG(text));
    return GS_OK;
}

static enum gs_status read_capabilities(struct parser *parser, struct gs_slice text)
{
    if (gs_slice_has_nul(text))
        return fail(parser, "its capabilities contain a NUL");
    enum gs_status status = GS_OK;
    while (status == GS_OK && text.len > 0)
        status = read_capability(parser, gs_slice_split(&text, ' '));
    return status;
}

// "<oid> <tag>^{}" follows the line of the tag itself.
static enum gs_status read_peeled(struct parser *parser, struct gs_slice name,
                                  const struct gs_oid *oid)
{
    size_t count = parser->advert.count;
    name.len -= strlen("^{}");
    if (count == 0 || !gs_slice_eq_str(name, parser->refs[count - 1].name))
        return fail(parser, "a peeled tag does not follow the tag");
    parser->refs[count - 1].peeled = *oid;
    return GS_OK;
}

static enum gs_status read_ref(struct parser *parser, struct gs_slice line, bool first)
{
    struct gs_oid oid;
    if (gs_slice_starts(line, "shallow "))
        return GS_OK;
    if (!gs_oid_parse(gs_slice_split(&line, ' '), &oid))
        return fail(parser, "a line has no object id");
    if (first && gs_oid_is_none(&oid) && gs_slice_eq_str(line, "capabilities^{}"))
        return GS_OK; // an empty repository
    if (gs_oid_is_none(&oid) || gs_slice_has_nul(line))
        return fail(parser, "a ref has no object");
    if (gs_slice_ends(line, "^{}"))
        return read_peeled(parser, line, &oid);
    if (gs_slice_eq_str(line, ".have")) // an object that the host borrows from another repository
        return GS_OK;
    const char *name = gs_arena_dup_slice(parser->arena, line);
    if (!gs_git_ref_is_valid(name))
        return fail(parser, "a ref has an impossible name");
    parser->refs[parser->advert.count++] = (struct gs_git_ref){.name = name, .oid = oid};
    return GS_OK;
}

static enum gs_status read_line(struct parser *parser, const struct gs_pkt *pkt, bool first)
{
    struct gs_slice rest = gs_pkt_text(pkt);
    enum gs_status status = check_not_error(parser, rest);
    if (status != GS_OK || !first)
        return status == GS_OK ? read_ref(parser, rest, false) : status;
    if (!gs_slice_has_nul(rest))
        return fail(parser, "it has no capabilities");
    struct gs_slice ref = gs_slice_split(&rest, 0);
    status = read_capabilities(parser, rest);
    return status == GS_OK ? read_ref(parser, ref, true) : status;
}

// How many packets there are up to the next flush, so that the array is made once.
static size_t count_packets(struct gs_slice rest)
{
    struct gs_pkt pkt;
    size_t count = 0;
    while (gs_pkt_next(&rest, &pkt) == GS_PKT_OK && !pkt.flush)
        count++;
    return count;
}

static enum gs_status read_refs(struct parser *parser)
{
    size_t most = count_packets(parser->rest);
    if (most > REFS_MAX)
        return gs_fail(parser->err, GS_CODE_HOST_FAILED, NULL,
                       "the repository has more than %d branches and tags", REFS_MAX);
    parser->refs = gs_arena_array(parser->arena, most, sizeof *parser->refs);
    parser->advert.refs = parser->refs;
    for (bool first = true;; first = false) {
        struct gs_pkt pkt;
        enum gs_status status = next_pkt(parser, &pkt);
        if (status == GS_OK && pkt.flush)
            return parser->rest.len > 0 ? fail(parser, "something follows its end") : GS_OK;
        if (status == GS_OK)
            status = read_line(parser, &pkt, first);
        if (status != GS_OK)
            return status;
    }
}

enum gs_status gs_advert_parse(struct gs_slice body, enum gs_git_service service,
                               struct gs_arena *arena, struct gs_git_advert *out_advert,
                               struct gs_error *err)
{
    struct parser parser = {
        .arena = arena, .rest = body, .advert = {.service = service}, .err = err};
    enum gs_status status = read_announcement(&parser, service);
    if (status == GS_OK)
        status = read_refs(&parser);
    if (status == GS_OK)
        *out_advert = parser.advert;
    return status;
}

enum gs_status gs_git_advertise(const struct gs_git_remote *remote, enum gs_git_service service,
                                struct gs_arena *arena, struct gs_git_advert *out_advert,
                                struct gs_error *err)
{
    struct gs_net_response response;
    enum gs_status status = gs_remote_get_refs(remote, service, &response, err);
    if (status != GS_OK)
        return status;
    status = gs_remote_check(service, &response, "advertisement", err);
    if (status == GS_OK)
        status = gs_advert_parse(gs_buf_slice(&response.body), service, arena, out_advert, err);
    gs_net_response_release(&response);
    return status;
}

const struct gs_git_ref *gs_git_advert_find(const struct gs_git_advert *advert, const char *name)
{
    for (size_t i = 0; i < advert->count; i++)
        if (strcmp(advert->refs[i].name, name) == 0)
            return &advert->refs[i];
    return NULL;
}
