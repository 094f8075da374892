// A second handle on a store whose commits wait: what a use case wrote becomes durable together with what its caller
// adds, or not at all. Knows no table.
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>

#include "store/store_internal.h"

struct gs_store *gs_store_hold(struct gs_store *store)
{
    assert(!store->base);
    struct gs_store *hold = gs_xcalloc(1, sizeof *hold);
    hold->base = store;
    return hold;
}

struct gs_tx *gs_store_take_held(struct gs_store *hold)
{
    struct gs_tx *tx = hold->held;
    hold->held = NULL;
    return tx;
}

void gs_store_release_hold(struct gs_store **hold)
{
    if (!*hold)
        return;
    gs_tx_end(&(*hold)->held);
    free(*hold);
    *hold = NULL;
}
