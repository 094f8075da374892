// Records failures and answers questions about their codes. Knows nothing of who asks.
// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"

#include <stdarg.h>

#include "base/slice.h"

struct code_row {
    const char *text;
    enum gs_status status;
    int http;
    const char *help;
};

static const struct code_row rows[GS_CODE_COUNT] = {
    [GS_CODE_NONE] = {"none", GS_OK, 200, "no error"},
#define X(name, text, status, http, help) [GS_CODE_##name] = {text, status, http, help},
#include "base/codes.def"
#undef X
};

// A text that did not fit must not end inside a character: it goes into JSON responses.
static void end_on_character(char *text)
{
    text[gs_slice_trim_utf8(gs_slice_str(text)).len] = 0;
}

enum gs_status gs_fail(struct gs_error *err, enum gs_code code, const char *field, const char *fmt,
                       ...)
{
    if (!err)
        return rows[code].status;
    // Written beside err first, because an argument may be err's own old message.
    struct gs_error fresh = {.code = code};
    snprintf(fresh.field, sizeof fresh.field, "%s", field ? field : "");
    end_on_character(fresh.field);
    va_list args;
    va_start(args, fmt);
    vsnprintf(fresh.message, sizeof fresh.message, fmt, args);
    va_end(args);
    end_on_character(fresh.message);
    gs_error_move(err, &fresh);
    return rows[code].status;
}

void gs_error_prefix(struct gs_error *err, const char *fmt, ...)
{
    if (!err)
        return;
    char old[sizeof err->message];
    memcpy(old, err->message, sizeof old);
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(err->message, sizeof err->message, fmt, args);
    va_end(args);
    size_t used = n < 0 ? 0 : (size_t)n;
    if (used < sizeof err->message)
        snprintf(err->message + used, sizeof err->message - used, ": %s", old);
    end_on_character(err->message);
}

void gs_error_take_details(struct gs_error *err, char *json_array)
{
    if (!err) {
        free(json_array);
        return;
    }
    free(err->details);
    err->details = json_array;
}

void gs_error_move(struct gs_error *dst, struct gs_error *src)
{
    if (!dst) {
        gs_error_release(src);
        return;
    }
    gs_error_release(dst);
    *dst = *src;
    *src = (struct gs_error)GS_ERROR_INIT;
}

void gs_error_release(struct gs_error *err)
{
    free(err->details);
    *err = (struct gs_error)GS_ERROR_INIT;
}

const char *gs_code_text(enum gs_code code)
{
    return rows[code].text;
}

enum gs_status gs_code_status(enum gs_code code)
{
    return rows[code].status;
}

int gs_code_http(enum gs_code code)
{
    return rows[code].http;
}

const char *gs_code_help(enum gs_code code)
{
    return rows[code].help;
}

enum gs_code gs_code_from_text(const char *text)
{
    for (int code = GS_CODE_NONE + 1; code < GS_CODE_COUNT; code++)
        if (strcmp(rows[code].text, text) == 0)
            return (enum gs_code)code;
    return GS_CODE_NONE;
}
