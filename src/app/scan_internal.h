// What the files that scan a document share. Nobody outside of this folder includes it.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_APP_SCAN_INTERNAL_H
#define GS_APP_SCAN_INTERNAL_H

#include "app/scan.h"
#include "base/map.h"

struct gs_scanner {
    struct gs_arena *arena;
    struct gs_scan found;
    struct gs_map seen; // what is listed already, by kind and name
    size_t secret_capacity, need_capacity, module_capacity;
};

// Lists it, unless the name is empty or too long, or it is listed.
void gs_scan_add_need(struct gs_scanner *scanner, enum gs_need_kind kind, struct gs_slice name);
// ---- needs.c: adds what a text refers to. Linear.
void gs_scan_needs(struct gs_scanner *scanner, struct gs_slice text);

#endif
