// What a document says beside being an app: secrets in the open, constants and modules that it needs. Works on the
// parsed document alone; knows neither git nor the store.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_APP_SCAN_H
#define GS_APP_SCAN_H

#include "app/app.h"

enum {
    GS_SCAN_SECRETS_MAX = 100, // that are listed
    GS_SCAN_NEEDS_MAX = 1000,
    GS_SCAN_MODULES_MAX = 1000,
    GS_CONSTANT_NAME_MAX = 255,
};

// A value that must not travel: a workflowApiToken, or an option of a data source that is not encrypted and whose key
// names a secret.
struct gs_secret {
    const char *path; // JSON Pointer of the value; of what holds it when it would be over 1 KiB
    const char *key;
};

enum gs_need_kind { GS_NEED_CONSTANT, GS_NEED_SECRET };
// {{constants.X}} or {{secrets.X}}, however often the document says so.
struct gs_need {
    enum gs_need_kind kind;
    const char *name;
};

struct gs_scan {
    struct gs_secret *secrets; // the first ones, in the order of the document
    size_t secret_count;       // how many there are, listed or not
    struct gs_need *needs;     // each once, in the order of the document
    size_t need_count;
    const char **modules; // the ids of the module apps that it shows, each once
    size_t module_count;
};
// One walk over the whole document, linear in its size. Lists live in the arena; what is beyond their maxima is left out.
void gs_document_scan(const struct gs_document *document, struct gs_arena *arena,
                      struct gs_scan *out_scan);
// Whether nothing was found.
bool gs_scan_is_empty(const struct gs_scan *scan);

// ---- Parts of it, for those that look at single values ----

// "constant", "secret".
const char *gs_need_kind_text(enum gs_need_kind kind);
// Whether a key is one of passwords, tokens and keys: client_secret, apiKey, "X-API-Key", but not access_token_url.
bool gs_key_names_secret(struct gs_slice key);
// Whether nothing in the text is a secret by itself: it is empty, or all of it are references, {{constants.X}},
// {{secrets.X}}, {{globals.x}} or another expression without a quoted text, perhaps behind the name of a scheme.
bool gs_text_is_reference(struct gs_slice text);

#endif
