// Dying on request; compiled in for tests alone.
// SPDX-License-Identifier: Apache-2.0
#include "base/crash.h"

#ifdef GS_TEST_HOOKS
#include <signal.h>

void gs_crash_point(const char *name)
{
    const char *wanted = getenv("GS_CRASH_AT");
    if (wanted && strcmp(wanted, name) == 0)
        raise(SIGKILL);
}
#else
// A translation unit must not be empty.
typedef int gs_no_crash_points;
#endif
