// Finds the constants and secrets of a workspace that a text refers to: {{constants.X}}, {{secrets["X"]}}. Knows no document.
// SPDX-License-Identifier: Apache-2.0
#include "app/scan_internal.h"

static const struct {
    const char *word;
    enum gs_need_kind kind;
} holders[] = {{"constants", GS_NEED_CONSTANT}, {"secrets", GS_NEED_SECRET}};

const char *gs_need_kind_text(enum gs_need_kind kind)
{
    return kind == GS_NEED_SECRET ? "secret" : "constant";
}

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '$';
}

static struct gs_slice from(struct gs_slice text, size_t at)
{
    return gs_slice_of(text.data + at, text.len - at);
}

// What stands between the first {{ and the last }}.
static struct gs_slice expressions_of(struct gs_slice text)
{
    const char *open = text.data ? memmem(text.data, text.len, "{{", 2) : NULL;
    if (!open)
        return GS_SLICE_EMPTY;
    struct gs_slice inside = from(text, (size_t)(open - text.data) + 2);
    while (inside.len > 0 && !gs_slice_ends(inside, "}}"))
        inside.len--;
    return inside;
}

// The name behind a holder: of ".X", "?.X", "[\"X\"]". Empty when it is computed.
static struct gs_slice name_behind(struct gs_slice rest)
{
    if (gs_slice_starts(rest, "?."))
        rest = from(rest, 1);
    if (gs_slice_starts(rest, ".[")) // of ?.["X"]
        rest = from(rest, 1);
    size_t len = 0;
    if (gs_slice_starts(rest, ".")) {
        rest = from(rest, 1);
        while (len < rest.len && is_name_char(rest.data[len]))
            len++;
        return gs_slice_of(rest.data, len);
    }
    if (rest.len < 2 || rest.data[0] != '[' || (rest.data[1] != '"' && rest.data[1] != '\''))
        return GS_SLICE_EMPTY;
    char quote = rest.data[1];
    rest = from(rest, 2);
    while (len < rest.len && len <= GS_CONSTANT_NAME_MAX && rest.data[len] != quote)
        len++;
    return len < rest.len && rest.data[len] == quote ? gs_slice_of(rest.data, len) : GS_SLICE_EMPTY;
}

// The word that begins at a place and is no part of a longer one.
static struct gs_slice word_at(struct gs_slice text, size_t at)
{
    size_t len = 0;
    while (at + len < text.len && is_name_char(text.data[at + len]))
        len++;
    bool is_member = at > 0 && text.data[at - 1] == '.';
    return is_member ? gs_slice_of(text.data + at + len, 0) : gs_slice_of(text.data + at, len);
}

void gs_scan_needs(struct gs_scanner *scanner, struct gs_slice text)
{
    text = expressions_of(text);
    for (size_t at = 0; at < text.len;) {
        struct gs_slice word = word_at(text, at);
        size_t end = (size_t)(word.data - text.data) + word.len;
        for (size_t i = 0; i < GS_COUNT(holders); i++)
            if (gs_slice_eq_str(word, holders[i].word))
                gs_scan_add_need(scanner, holders[i].kind, name_behind(from(text, end)));
        at = end > at ? end : at + 1;
    }
}
