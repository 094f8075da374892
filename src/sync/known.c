// Which documents the objects of repositories are, as far as they were read or written lately; so that what git holds of an app is
// recognized without reading it. Content decides both names, so nothing here ever becomes wrong.
// SPDX-License-Identifier: Apache-2.0
#include "sync/sync_internal.h"

// One place per hash: what comes later takes it.
enum { PLACES = 1 << 13 };

struct place {
    struct gs_oid object;
    struct known_document document;
};

struct known_documents {
    pthread_mutex_t lock;
    struct place places[PLACES];
};

struct known_documents *gs_known_new(void)
{
    struct known_documents *known = gs_xcalloc(1, sizeof *known);
    pthread_mutex_init(&known->lock, NULL);
    return known;
}

void gs_known_free(struct known_documents *known)
{
    if (!known)
        return;
    pthread_mutex_destroy(&known->lock);
    free(known);
}

static struct place *place_of(struct known_documents *known, const struct gs_oid *object)
{
    return &known->places[gs_map_hash(gs_slice_str(object->hex)) % PLACES];
}

void gs_known_put(struct known_documents *known, const struct gs_oid *object,
                  const struct known_document *document)
{
    if (gs_oid_is_none(object))
        return;
    pthread_mutex_lock(&known->lock);
    *place_of(known, object) = (struct place){*object, *document};
    pthread_mutex_unlock(&known->lock);
}

bool gs_known_get(struct known_documents *known, const struct gs_oid *object,
                  struct known_document *out_document)
{
    pthread_mutex_lock(&known->lock);
    const struct place *place = place_of(known, object);
    bool found = !gs_oid_is_none(object) && gs_oid_eq(&place->object, object);
    if (found)
        *out_document = place->document;
    pthread_mutex_unlock(&known->lock);
    return found;
}
