// What others need to know of a document without reading it again: written down when it is saved, so that a push or a release neither parses it nor
// walks through it. Knows neither git nor the store.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_APP_SUMMARY_H
#define GS_APP_SUMMARY_H

#include "app/scan.h"

struct gs_summary {
    const char *version_id, *version_name;
    bool is_module; // an app that others are made of
    struct gs_scan scan;
    // Of the document as a file in git, and of its stored form: NULL where nobody has told them.
    const char *git_id;    // the blob's id
    const char *stream_id; // the SHA-256 of the zlib stream
};

// All but git_id and stream_id. Lives in the arena.
void gs_document_summarize(const struct gs_document *document, struct gs_arena *arena,
                           struct gs_summary *out_summary);
// Replaces the content of out. Nothing, when it does not fit or the two ids are missing: then the document is read when somebody wants to know.
void gs_summary_write(const struct gs_summary *summary, struct gs_buf *out);
// False for a text that this server would not have written, as after a change of what is looked for.
bool gs_summary_read(struct gs_slice text, struct gs_arena *arena, struct gs_summary *out_summary);

#endif
