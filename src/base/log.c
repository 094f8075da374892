// Builds a line in a fixed buffer and writes it at once, so that lines of threads never mix.
// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <errno.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"

enum { LINE_MAX_BYTES = 8192 };

static const char *const level_names[] = {"debug", "info", "warn", "error"};
static enum gs_log_level threshold = GS_LOG_INFO;

void gs_log_set_level(enum gs_log_level level)
{
    threshold = level;
}

bool gs_log_level_from_text(const char *text, enum gs_log_level *out_level)
{
    for (int i = 0; i < (int)GS_COUNT(level_names); i++) {
        if (strcmp(text, level_names[i]) != 0)
            continue;
        *out_level = (enum gs_log_level)i;
        return true;
    }
    return false;
}

struct line {
    char text[LINE_MAX_BYTES];
    size_t len;
};

static void put(struct line *line, const char *bytes, size_t n)
{
    // Room is kept for the closing quote, brace and newline of a cut line.
    if (line->len + n > sizeof line->text - 4)
        return;
    memcpy(line->text + line->len, bytes, n);
    line->len += n;
}

static void put_string(struct line *line, const char *s)
{
    bool utf8 = gs_slice_is_utf8(gs_slice_str(s));
    put(line, "\"", 1);
    size_t start = line->len;
    for (; *s && line->len < sizeof line->text - 16; s++) {
        unsigned char c = (unsigned char)*s;
        char escaped[8];
        if (c == '"' || c == '\\') {
            escaped[0] = '\\';
            escaped[1] = (char)c;
            put(line, escaped, 2);
        } else if (c < 0x20 || c == 0x7f || (c >= 0x80 && !utf8)) {
            int n = snprintf(escaped, sizeof escaped, "\\u%04x", c);
            put(line, escaped, (size_t)n);
        } else {
            put(line, s, 1);
        }
    }
    if (utf8)
        line->len =
            start + gs_slice_trim_utf8(gs_slice_of(line->text + start, line->len - start)).len;
    line->text[line->len++] = '"';
}

static void put_field(struct line *line, const struct gs_log_field *field)
{
    if (line->len > sizeof line->text - 256)
        return;
    put(line, ",", 1);
    put_string(line, field->key);
    put(line, ":", 1);
    if (field->text) {
        put_string(line, field->text);
        return;
    }
    char number[24];
    int n = snprintf(number, sizeof number, "%lld", (long long)field->number);
    put(line, number, (size_t)n);
}

void gs_log_write(enum gs_log_level level, const char *event, const struct gs_log_field *fields)
{
    if (level < threshold)
        return;
    char now[GS_ISO_TEXT + 1];
    gs_clock_format_iso(gs_clock_now_ms(), now);
    struct line line = {.len = 0};
    put(&line, "{\"time\":", 8);
    put_string(&line, now);
    put_field(&line, &(struct gs_log_field)GS_F_STR("level", level_names[level]));
    put_field(&line, &(struct gs_log_field)GS_F_STR("event", event));
    for (; fields->key; fields++)
        put_field(&line, fields);
    line.text[line.len++] = '}';
    line.text[line.len++] = '\n';
    // A log that cannot be written must not stop the work that it tells of.
    while (write(STDERR_FILENO, line.text, line.len) < 0 && errno == EINTR) {
    }
}
