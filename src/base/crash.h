// Named places where a test build can be made to die, so that what a crash leaves behind can be tested.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_BASE_CRASH_H
#define GS_BASE_CRASH_H

// In builds with the option test_hooks: kills the process, as kill -9 does, when the variable GS_CRASH_AT names
// this point. In others nothing is left of it.
#ifdef GS_TEST_HOOKS
void gs_crash_point(const char *name);
#else
#define gs_crash_point(name) ((void)0)
#endif

#endif
