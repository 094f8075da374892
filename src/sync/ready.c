// The document of a push as far as it is needed: where git has it as a file, its summary and its compressed bytes do, as they lie in the store. Decides
// nothing about the push.
// SPDX-License-Identifier: Apache-2.0
#include "crypto/crypto.h"
#include "sync/ahead_internal.h"

// Not read is not unchecked: the stream must be the one that the summary was written for.
static bool is_intact(const struct gs_stored_document *stored, const struct gs_summary *summary)
{
    char actual[GS_SHA256_HEX + 1];
    gs_sha256_hex(stored->stream, actual);
    return strcmp(actual, summary->stream_id) == 0;
}

static bool take_stored(const struct gs_stored_document *stored, struct gs_arena *arena,
                        struct ready_document *ready)
{
    struct gs_oid oid;
    struct gs_summary summary;
    if (stored->stream.len == 0 || !gs_summary_read(stored->summary, arena, &summary) ||
        !gs_oid_parse(gs_slice_str(summary.git_id), &oid) || !is_intact(stored, &summary))
        return false;
    ready->summary = summary;
    ready->blob = gs_git_blob_make(&oid, stored->size, stored->stream);
    return ready->blob != NULL;
}

static void take_summary(struct gs_document *document, struct gs_arena *arena,
                         struct ready_document *ready)
{
    gs_document_summarize(document, arena, &ready->summary);
    gs_document_release(document);
}

static enum gs_status open_and_summarize(struct gs_tx *tx, size_t limit, struct gs_arena *arena,
                                         struct ready_document *ready, struct gs_error *err)
{
    gs_buf_init(&ready->bytes, limit);
    enum gs_status status = gs_store_get_document(tx, ready->id, &ready->bytes, err);
    if (status != GS_OK)
        return status;
    ready->opened = true;
    struct gs_document document;
    status = gs_document_parse_stored(gs_buf_slice(&ready->bytes), "the version's document",
                                      &document, err);
    if (status == GS_OK)
        take_summary(&document, arena, ready);
    return status;
}

enum gs_status gs_ready_load(struct gs_sync *sync, struct gs_tx *tx, const char *document_id,
                             bool as_file, struct gs_arena *arena, struct ready_document *out_ready,
                             struct gs_error *err)
{
    struct ready_document ready = {.id = gs_arena_strdup(arena, document_id)};
    struct gs_stored_document stored = {.size = 0};
    GS_CLEANUP(gs_arena_cleanup) struct gs_arena *scratch = gs_arena_new();
    enum gs_status status = GS_OK;
    if (as_file)
        status = gs_store_get_packed_document(tx, document_id, scratch, &stored, err);
    if (status == GS_OK && !take_stored(&stored, arena, &ready))
        status = open_and_summarize(tx, sync->options.document_limit, arena, &ready, err);
    if (status == GS_OK)
        *out_ready = ready;
    else
        gs_ready_release(&ready);
    return status;
}

enum gs_status gs_ready_open(struct gs_sync *sync, struct ready_document *ready,
                             struct gs_error *err)
{
    if (ready->opened)
        return GS_OK;
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    gs_buf_init(&ready->bytes, sync->options.document_limit);
    enum gs_status status = gs_tx_read(sync->options.store, &tx, err);
    if (status == GS_OK)
        status = gs_store_get_document(tx, ready->id, &ready->bytes, err);
    ready->opened = status == GS_OK;
    return status;
}

enum gs_status gs_ready_replace(struct ready_document *ready, const char *document_id,
                                struct gs_buf bytes, const char *what, struct gs_arena *arena,
                                struct gs_error *err)
{
    gs_ready_release(ready);
    *ready = (struct ready_document){
        .id = gs_arena_strdup(arena, document_id), .bytes = bytes, .opened = true};
    struct gs_document document;
    enum gs_status status = gs_document_parse(gs_buf_slice(&bytes), what, &document, err);
    if (status == GS_OK)
        take_summary(&document, arena, ready);
    return status;
}

void gs_ready_release(struct ready_document *ready)
{
    gs_buf_release(&ready->bytes);
    gs_git_blob_free(ready->blob);
    ready->blob = NULL;
    ready->opened = false;
}
