// Random app documents and random edits of them, always the same for the same seed.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_TESTS_APP_RANDOM_H
#define GS_TESTS_APP_RANDOM_H

#include "app/app.h"

struct app_random {
    uint64_t state; // any but 0
    unsigned next_id;
};

// A number below bound.
unsigned app_random_below(struct app_random *random, unsigned bound);
// An app with pages, components (parents, layouts, columns), queries and events that refer to each other.
yyjson_mut_doc *app_random_document(struct app_random *random);
// Some edits, as a person makes them and as nobody does.
void app_random_edit(struct app_random *random, yyjson_mut_doc *doc, unsigned edits);

#endif
