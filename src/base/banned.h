// Turns calls that are never safe enough here into compile errors. It is included before every
// source by the build, so it first pulls in the headers that declare what it poisons.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_BASE_BANNED_H
#define GS_BASE_BANNED_H

#include <alloca.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define GS_BANNED(name, instead) gs_banned_##name##_use_##instead

#undef strcpy
#define strcpy(d, s) GS_BANNED(strcpy, gs_buf_or_snprintf)
#undef strcat
#define strcat(d, s) GS_BANNED(strcat, gs_buf)
#undef strncpy
#define strncpy(d, s, n) GS_BANNED(strncpy, snprintf)
#undef strncat
#define strncat(d, s, n) GS_BANNED(strncat, gs_buf)
#undef sprintf
#define sprintf(...) GS_BANNED(sprintf, snprintf)
#undef vsprintf
#define vsprintf(b, f, a) GS_BANNED(vsprintf, vsnprintf)
#undef strtok
#define strtok(s, d) GS_BANNED(strtok, gs_slice_split)
#undef gmtime
#define gmtime(t) GS_BANNED(gmtime, gmtime_r)
#undef localtime
#define localtime(t) GS_BANNED(localtime, localtime_r)
#undef atoi
#define atoi(s) GS_BANNED(atoi, gs_slice_to_int)
#undef atol
#define atol(s) GS_BANNED(atol, gs_slice_to_int)
#undef system
#define system(c) GS_BANNED(system, a_library)
#undef alloca
#define alloca(n) GS_BANNED(alloca, gs_arena)

#endif
