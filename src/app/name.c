// Which names can be a folder or a file in git on every system that may clone it. Knows no tree and
// no store.
// SPDX-License-Identifier: Apache-2.0
#include "app/app.h"

// What is left of a name when it is compared with those that git reserves; longer ones match none.
enum { FOLDED_MAX = 8 };

// Takes the first code point off well-formed UTF-8.
static uint32_t take_code_point(struct gs_slice *rest)
{
    const unsigned char *p = (const unsigned char *)rest->data;
    size_t n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : p[0] >= 0xc0 ? 2 : 1;
    uint32_t c = n == 1 ? p[0] : p[0] & (0x7fU >> n);
    for (size_t i = 1; i < n; i++)
        c = c << 6 | (p[i] & 0x3fU);
    rest->data += n;
    rest->len -= n;
    return c;
}

// C0, DEL and C1.
static bool is_control(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0);
}

// What JavaScript's String.prototype.trim and \s take (ECMA-262, 22.1.3.32).
static bool is_space(uint32_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r') || c == 0xa0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f ||
           c == 0x205f || c == 0x3000 || c == 0xfeff;
}

// Code points that HFS+ leaves out when it compares names (git's utf8.c has the same set).
static bool is_ignored_by_hfs(uint32_t c)
{
    return (c >= 0x200c && c <= 0x200f) || (c >= 0x202a && c <= 0x202e) ||
           (c >= 0x206a && c <= 0x206f) || c == 0xfeff;
}

// The name's first characters as HFS+ and NTFS see them: lower case, nothing ignored, and without
// the dots and spaces that NTFS drops at the end. Returns the length, at most FOLDED_MAX.
static size_t fold(struct gs_slice name, char out[FOLDED_MAX])
{
    size_t n = 0;
    while (name.len > 0 && n < FOLDED_MAX) {
        uint32_t c = take_code_point(&name);
        if (is_ignored_by_hfs(c))
            continue;
        out[n++] = c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c < 0x80 ? (char)c : '?';
    }
    while (name.len == 0 && n > 0 && (out[n - 1] == '.' || out[n - 1] == ' '))
        n--;
    return n;
}

static bool is_reserved(struct gs_slice name)
{
    char folded[FOLDED_MAX];
    struct gs_slice s = gs_slice_of(folded, fold(name, folded));
    // git~1 is the short name that NTFS gives .git.
    return gs_slice_starts(s, ".git") || gs_slice_starts(s, "git~1") || gs_slice_eq_str(s, ".meta");
}

// What is wrong with the characters of a name, NULL when nothing is.
static const char *find_bad_character(struct gs_slice name)
{
    bool blank = true;
    while (name.len > 0) {
        uint32_t c = take_code_point(&name);
        if (c == '/')
            return "must not contain '/'";
        if (is_control(c))
            return "must not contain control characters";
        blank = blank && is_space(c);
    }
    return blank ? "must not be blank" : NULL;
}

static const char *find_fault(struct gs_slice name)
{
    if (name.len == 0)
        return "must not be empty";
    if (!gs_slice_is_utf8(name))
        return "must be UTF-8";
    const char *fault = find_bad_character(name);
    if (fault)
        return fault;
    if (gs_slice_eq_str(name, ".") || gs_slice_eq_str(name, ".."))
        return "must not be '.' or '..'";
    if (is_reserved(name))
        return "must not look like '.git' or '.meta'";
    return NULL;
}

static enum gs_status check(struct gs_slice name, size_t max, const char *what, const char *field,
                            struct gs_error *err)
{
    if (name.len > max)
        return gs_fail(err, GS_CODE_INVALID_NAME, field, "the %s must not be longer than %zu bytes",
                       what, max);
    const char *fault = find_fault(name);
    if (fault)
        return gs_fail(err, GS_CODE_INVALID_NAME, field, "the %s %s", what, fault);
    return GS_OK;
}

enum gs_status gs_app_check_name(struct gs_slice name, const char *field, struct gs_error *err)
{
    return check(name, GS_APP_NAME_MAX, "app name", field, err);
}

enum gs_status gs_version_check_name(struct gs_slice name, const char *field, struct gs_error *err)
{
    return check(name, GS_VERSION_NAME_MAX, "version name", field, err);
}

static bool is_forbidden_on_save(uint32_t c)
{
    return is_space(c) || (c < 0x80 && c != 0 && strchr("~^:?*[]\\@{", (int)c) != NULL);
}

enum gs_status gs_version_check_save_name(struct gs_slice name, const char *field,
                                          struct gs_error *err)
{
    enum gs_status status = gs_version_check_name(name, field, err);
    size_t characters = 0;
    for (struct gs_slice rest = name; status == GS_OK && rest.len > 0; characters++)
        if (is_forbidden_on_save(take_code_point(&rest)))
            return gs_fail(err, GS_CODE_VERSION_NAME_GIVEN, field,
                           "the version name must not contain white space or any of "
                           "~ ^ : ? * [ ] \\ @ {");
    if (characters > GS_VERSION_SAVE_NAME_MAX)
        return gs_fail(err, GS_CODE_VERSION_NAME_GIVEN, field,
                       "the version name must not be longer than %d characters",
                       GS_VERSION_SAVE_NAME_MAX);
    return status;
}
