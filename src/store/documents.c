// Documents in the database, and which of them nothing uses any more. How they are packed is pack.c's business.
// SPDX-License-Identifier: Apache-2.0
#include "store/store_internal.h"

enum gs_status gs_store_put_document(struct gs_tx *tx, const struct gs_document_blob *blob,
                                     struct gs_error *err)
{
    return gs_sql_run(tx->db,
                      "INSERT INTO documents (id, size, packed) VALUES (?, ?, ?)"
                      " ON CONFLICT (id) DO NOTHING",
                      GS_SQL_ARGS(gs_sql_text(blob->id), gs_sql_int((int64_t)blob->size),
                                  gs_sql_blob(gs_buf_slice(&blob->packed))),
                      err);
}

static void keep_stream(struct gs_slice packed, struct gs_buf *stream)
{
    gs_buf_clear(stream);
    if (gs_document_is_zlib(packed) && !gs_buf_append_slice(stream, packed))
        gs_buf_clear(stream);
}

enum gs_status gs_store_get_document_packed(struct gs_tx *tx, const char *id, struct gs_buf *out,
                                            struct gs_buf *stream, struct gs_error *err)
{
    GS_CLEANUP(gs_sql_finish) struct gs_row *row = NULL;
    bool found = false;
    gs_buf_clear(out);
    enum gs_status status = gs_sql_start(tx->db, "SELECT size, packed FROM documents WHERE id = ?",
                                         GS_SQL_ARGS(gs_sql_text(id)), NULL, &row, err);
    if (status == GS_OK)
        status = gs_sql_next(row, &found, err);
    if (status != GS_OK)
        return status;
    if (!found)
        return gs_fail(err, GS_CODE_NOT_FOUND, NULL, "not found");
    int64_t size = gs_row_int(row);
    // Unpacked from where it lies: a copy of something this large is worth avoiding.
    struct gs_slice packed = gs_row_blob_view(row);
    status = gs_row_check(row, err);
    if (status == GS_OK)
        status = gs_document_unpack(packed, (size_t)size, id, out, err);
    if (status == GS_OK && stream)
        keep_stream(packed, stream);
    return status;
}

enum gs_status gs_store_get_document(struct gs_tx *tx, const char *id, struct gs_buf *out,
                                     struct gs_error *err)
{
    return gs_store_get_document_packed(tx, id, out, NULL, err);
}

void gs_documents_loosen(struct gs_tx *tx, const char *id)
{
    if (id)
        gs_buf_append(&tx->loose_documents, id, strlen(id) + 1);
}

// Each EXISTS has an index of its own.
static enum gs_status remove_unused(struct gs_db *db, const char *id, struct gs_error *err)
{
    return gs_sql_run(
        db,
        "DELETE FROM documents WHERE id = ?"
        " AND NOT EXISTS (SELECT 1 FROM versions v WHERE v.document_id = documents.id)"
        " AND NOT EXISTS (SELECT 1 FROM versions s WHERE s.synced_document_id = documents.id)"
        " AND NOT EXISTS (SELECT 1 FROM document_changes c WHERE c.document_id = documents.id)"
        " AND NOT EXISTS (SELECT 1 FROM releases r WHERE r.document_id = documents.id)",
        GS_SQL_ARGS(gs_sql_text(id)), err);
}

enum gs_status gs_documents_sweep(struct gs_tx *tx, struct gs_error *err)
{
    const struct gs_buf *loose = &tx->loose_documents;
    enum gs_status status = GS_OK;
    if (loose->failed)
        return gs_fail(err, GS_CODE_NO_MEMORY, NULL, "not enough memory for a list of documents");
    for (size_t at = 0; at < loose->len && status == GS_OK; at += strlen(loose->data + at) + 1)
        status = remove_unused(tx->db, loose->data + at, err);
    return status;
}
