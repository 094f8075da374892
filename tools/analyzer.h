// Tells clang-tidy what it cannot see from a caller: gs_fail never returns GS_OK. Only `make tidy`
// includes this, in front of every source but the one that defines gs_fail.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_TOOLS_ANALYZER_H
#define GS_TOOLS_ANALYZER_H

#include "base/error.h"

static inline enum gs_status gs_analyzer_failure(enum gs_status status)
{
    if (status == GS_OK)
        __builtin_unreachable();
    return status;
}

#define gs_fail(...) gs_analyzer_failure(gs_fail(__VA_ARGS__))

#endif
