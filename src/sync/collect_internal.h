// Callers that asked for all mirrors to be packed and trimmed, and wait for it.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_SYNC_COLLECT_INTERNAL_H
#define GS_SYNC_COLLECT_INTERNAL_H

#include "sync/sync_internal.h"

// One pass over the mirrors, on the thread; a thorough one when anybody asked, who then is answered.
void gs_collection_run(struct gs_sync *sync, struct collection *asked);
// Answers them that the server stops.
void gs_collection_refuse(struct collection *asked);

#endif
