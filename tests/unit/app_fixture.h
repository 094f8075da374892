// Small app documents written with ' in place of ", for the programs that test src/app.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_TESTS_APP_FIXTURE_H
#define GS_TESTS_APP_FIXTURE_H

#include "app/app.h"

// All texts are free()d by the caller.

// The JSON in JSON.stringify's form.
char *app_text(const char *json);
// A document of app A ("App") with one version V ("v1"); members, which may be "", are further ones of appV2
// in front of appVersions, each followed by a comma.
char *app_document(const char *members);
// Compact, with ' in place of ".
char *app_quoted(yyjson_mut_doc *doc);

// A parsed document with its bytes.
struct app_side {
    struct gs_document document;
    char *text;
};
// Takes the text.
struct app_side app_side_of(char *text);
void app_side_release(struct app_side *side);
struct gs_merge_side app_merge_side(const struct app_side *side);

#endif
