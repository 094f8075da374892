// Whole files and folders, written so that a crash leaves the old content or the new, never a mixture.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_BASE_FILES_H
#define GS_BASE_FILES_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"

// Reads at most buf->max bytes, replacing the content of buf. GS_NOT_FOUND when there is no such file.
enum gs_status gs_file_read(const char *path, struct gs_buf *buf,
                            struct gs_error *err) GS_MUST_CHECK;
// Writes a temporary file beside path, syncs it, renames it over path and syncs the folder.
enum gs_status gs_file_write(const char *path, struct gs_slice content, mode_t mode,
                             struct gs_error *err) GS_MUST_CHECK;
// Makes the folder and those above it; an existing one is fine.
enum gs_status gs_dir_make(const char *path, mode_t mode, struct gs_error *err) GS_MUST_CHECK;
// Removes a folder with all its content; one that is not there is fine.
enum gs_status gs_dir_remove(const char *path, struct gs_error *err) GS_MUST_CHECK;

#endif
