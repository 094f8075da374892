// Tells by the name of an option whether it is a secret, and by its text whether it is one in the open. Knows no document.
// SPDX-License-Identifier: Apache-2.0
#include "app/scan.h"

enum { NAME_MAX_LETTERS = 64 };

// What the keys of secrets end with, written without case and separators. Names that only begin so tell about a secret
// (access_token_url, add_token_to) and are none; an AWS access key is an id, its secret key is not.
static const char *const endings[] = {
    "password",   "passwd",          "passphrase",       "pwd",
    "secret",     "token",           "apikey",           "secretkey",
    "privatekey", "accountkey",      "encryptionkey",    "signingkey",
    "masterkey",  "sharedkey",       "servicekey",       "authkey",
    "gcpkey",     "secretaccesskey", "connectionstring", "authorization",
};

static const char *const schemes[] = {"bearer", "basic", "token", "apikey"};

// In lower case; 0 when it is neither a letter nor a digit.
static char plain(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (char)(c - 'A' + 'a');
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? c : 0;
}

// The last letters and digits of the key, at most so many, in lower case.
static struct gs_slice plain_name(struct gs_slice key, char out[NAME_MAX_LETTERS], size_t max)
{
    size_t at = NAME_MAX_LETTERS;
    for (size_t i = key.len; i > 0 && at > NAME_MAX_LETTERS - max; i--) {
        char c = plain(key.data[i - 1]);
        if (c)
            out[--at] = c;
    }
    return gs_slice_of(out + at, NAME_MAX_LETTERS - at);
}

// Whether a name may end with one of the endings: the last two letters of most keys are not theirs.
static bool may_name_secret(struct gs_slice key)
{
    char letters[NAME_MAX_LETTERS];
    struct gs_slice end = plain_name(key, letters, 2);
    if (end.len < 2)
        return false;
    switch (end.data[1]) {
    case 'd':
        return end.data[0] == 'r' || end.data[0] == 'w';
    case 'e':
        return end.data[0] == 's';
    case 't':
    case 'y':
        return end.data[0] == 'e';
    case 'n':
        return end.data[0] == 'e' || end.data[0] == 'o';
    case 'g':
        return end.data[0] == 'n';
    default:
        return false;
    }
}

bool gs_key_names_secret(struct gs_slice key)
{
    char letters[NAME_MAX_LETTERS];
    if (!may_name_secret(key))
        return false;
    struct gs_slice name = plain_name(key, letters, NAME_MAX_LETTERS);
    for (size_t i = 0; i < GS_COUNT(endings); i++)
        if (gs_slice_ends(name, endings[i]))
            return true;
    return false;
}

static bool is_one_of(char c, const char *set)
{
    return c && strchr(set, c);
}

static struct gs_slice skip(struct gs_slice text, const char *set)
{
    while (text.len > 0 && is_one_of(text.data[0], set))
        text = gs_slice_of(text.data + 1, text.len - 1);
    return text;
}

static struct gs_slice trim(struct gs_slice text)
{
    text = skip(text, " \t\r\n");
    while (text.len > 0 && is_one_of(text.data[text.len - 1], " \t\r\n"))
        text.len--;
    return text;
}

// An expression that quotes a text may be the secret itself.
static bool is_expression_safe(struct gs_slice expression)
{
    static const char *const holders[] = {"constants", "secrets", "globals"};
    expression = trim(expression);
    for (size_t i = 0; i < GS_COUNT(holders); i++) {
        size_t len = strlen(holders[i]);
        if (gs_slice_starts(expression, holders[i]) && expression.len > len &&
            (expression.data[len] == '.' || expression.data[len] == '['))
            return true;
    }
    for (size_t i = 0; i < expression.len; i++)
        if (is_one_of(expression.data[i], "'\"`"))
            return false;
    return true;
}

// The length of the reference that the text begins with, 0 when it begins with none. %%…%% is what old documents write.
static size_t reference_length(struct gs_slice text, bool *out_safe)
{
    const char *close = gs_slice_starts(text, "{{") ? "}}" : "%%";
    if (text.len < 4 || (close[0] == '%' && !gs_slice_starts(text, "%%")))
        return 0;
    const char *end = memmem(text.data + 2, text.len - 2, close, 2);
    if (!end)
        return 0;
    size_t inside = (size_t)(end - text.data) - 2;
    *out_safe = is_expression_safe(gs_slice_of(text.data + 2, inside));
    return inside + 4;
}

static struct gs_slice skip_scheme(struct gs_slice text)
{
    for (size_t i = 0; i < GS_COUNT(schemes); i++) {
        size_t len = strlen(schemes[i]);
        if (text.len > len && text.data[len] == ' ' &&
            gs_slice_ieq_str(gs_slice_of(text.data, len), schemes[i]))
            return trim(gs_slice_of(text.data + len, text.len - len));
    }
    return text;
}

bool gs_text_is_reference(struct gs_slice text)
{
    text = skip_scheme(trim(text));
    while (text.len > 0) {
        bool safe = false;
        size_t length = reference_length(text, &safe);
        if (length == 0 || !safe)
            return false;
        // What joins references: "{{constants.user}}:{{secrets.password}}".
        text = skip(gs_slice_of(text.data + length, text.len - length), " \t\r\n:.,;/@-");
    }
    return true;
}
