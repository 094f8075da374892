// Documents on their way into the store, with the summary by which they are pushed and released without being read again.
// SPDX-License-Identifier: Apache-2.0
#include "app/summary.h"
#include "crypto/crypto.h"
#include "git/git.h"
#include "workspace/workspace.h"

// What has a longer summary is read when it is pushed.
enum { SUMMARY_MAX_BYTES = 64 << 10 };

// What cannot be summarized is stored without: whoever reads it tells why.
static void summarize(struct gs_slice bytes, struct gs_document_blob *blob)
{
    GS_CLEANUP(gs_arena_cleanup) struct gs_arena *arena = gs_arena_new();
    struct gs_document document;
    struct gs_summary summary;
    struct gs_oid oid;
    char stream_id[GS_SHA256_HEX + 1];
    if (gs_git_blob_id(bytes, &oid, NULL) != GS_OK ||
        gs_document_parse_stored(bytes, "the version's document", &document, NULL) != GS_OK)
        return;
    gs_document_summarize(&document, arena, &summary);
    gs_document_release(&document);
    gs_sha256_hex(gs_buf_slice(&blob->packed), stream_id);
    summary.git_id = oid.hex;
    summary.stream_id = stream_id;
    gs_buf_init(&blob->summary, SUMMARY_MAX_BYTES);
    gs_summary_write(&summary, &blob->summary);
}

enum gs_status gs_workspace_pack(struct gs_slice bytes, struct gs_document_blob *out_blob,
                                 struct gs_error *err)
{
    enum gs_status status = gs_document_pack(bytes, out_blob, err);
    if (status == GS_OK)
        summarize(bytes, out_blob);
    return status;
}
