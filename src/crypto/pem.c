// Takes the key's bytes out of a PEM text, as people paste it: escaped, quoted, re-wrapped.
// OpenSSL's own reader is not used because it may ask for a passphrase on the terminal.
// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"
#include "crypto/crypto_internal.h"

static const struct {
    const char *label;
    enum gs_pem_kind kind;
} labels[] = {
    {"RSA PRIVATE KEY", GS_PEM_PKCS1},
    {"PRIVATE KEY", GS_PEM_PKCS8},
    {"ENCRYPTED PRIVATE KEY", GS_PEM_ENCRYPTED},
    {"OPENSSH PRIVATE KEY", GS_PEM_OPENSSH},
    {"EC PRIVATE KEY", GS_PEM_OTHER_KEY},
    {"DSA PRIVATE KEY", GS_PEM_OTHER_KEY},
    {"PUBLIC KEY", GS_PEM_PUBLIC},
    {"RSA PUBLIC KEY", GS_PEM_PUBLIC},
    {"CERTIFICATE", GS_PEM_CERTIFICATE},
    {"TRUSTED CERTIFICATE", GS_PEM_CERTIFICATE},
};

static enum gs_pem_kind kind_of(struct gs_slice label)
{
    for (size_t i = 0; i < GS_COUNT(labels); i++)
        if (gs_slice_eq_str(label, labels[i].label))
            return labels[i].kind;
    return GS_PEM_OTHER;
}

static bool is_private(enum gs_pem_kind kind)
{
    return kind >= GS_PEM_PKCS1 && kind <= GS_PEM_OTHER_KEY;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

// Copies text with each run of backslashes in front of n or r, and that letter, as one line feed.
static void unescape(struct gs_slice text, struct gs_buf *out)
{
    gs_buf_reserve(out, text.len); // at once, because growing would leave copies behind
    size_t i = 0;
    while (i < text.len) {
        size_t end = i;
        while (end < text.len && text.data[end] == '\\')
            end++;
        if (end > i && end < text.len && (text.data[end] == 'n' || text.data[end] == 'r')) {
            gs_buf_append_char(out, '\n');
            i = end + 1;
            continue;
        }
        end += end == i;
        gs_buf_append(out, text.data + i, end - i);
        i = end;
    }
}

static const char *find(struct gs_slice s, const char *mark)
{
    return s.data ? memmem(s.data, s.len, mark, strlen(mark)) : NULL;
}

// Cuts what is before mark, and mark itself, off *rest. False when mark does not occur.
static bool cut(struct gs_slice *rest, const char *mark, struct gs_slice *out_before)
{
    const char *at = find(*rest, mark);
    if (!at)
        return false;
    *out_before = gs_slice_of(rest->data, (size_t)(at - rest->data));
    size_t used = out_before->len + strlen(mark);
    *rest = gs_slice_of(rest->data + used, rest->len - used);
    return true;
}

// Decodes what stands between the BEGIN and the END line.
static enum gs_pem_kind read_body(struct gs_slice body, enum gs_pem_kind kind, struct gs_buf *der)
{
    // Headers are only in use for encryption ("Proc-Type: 4,ENCRYPTED"); base64 has no colon.
    if (find(body, ":"))
        return find(body, "ENCRYPTED") ? GS_PEM_ENCRYPTED : GS_PEM_DAMAGED;
    GS_CLEANUP(gs_crypto_release_secret) struct gs_buf base64;
    gs_buf_init(&base64, body.len);
    gs_buf_reserve(&base64, body.len);
    for (size_t i = 0; i < body.len; i++)
        if (!is_space(body.data[i]))
            gs_buf_append_char(&base64, body.data[i]);
    gs_buf_reserve(der, body.len);
    bool decoded = base64.len > 0 && gs_base64_decode(gs_buf_slice(&base64), der);
    return decoded ? kind : GS_PEM_DAMAGED;
}

// rest begins behind the BEGIN line of a private key.
static enum gs_pem_kind read_key(struct gs_slice rest, struct gs_slice label, enum gs_pem_kind kind,
                                 struct gs_buf *der)
{
    if (kind != GS_PEM_PKCS1 && kind != GS_PEM_PKCS8)
        return kind;
    char end_line[64];
    snprintf(end_line, sizeof end_line, "-----END %.*s-----", GS_SLICE_ARG(label));
    struct gs_slice body;
    return cut(&rest, end_line, &body) ? read_body(body, kind, der) : GS_PEM_DAMAGED;
}

enum gs_pem_kind gs_pem_read(struct gs_slice text, struct gs_buf *der)
{
    GS_CLEANUP(gs_crypto_release_secret) struct gs_buf clean;
    gs_buf_init(&clean, text.len);
    unescape(text, &clean);
    enum gs_pem_kind first = GS_PEM_NONE;
    struct gs_slice rest = gs_buf_slice(&clean), before, label;
    while (cut(&rest, "-----BEGIN ", &before) && cut(&rest, "-----", &label)) {
        enum gs_pem_kind kind = kind_of(label);
        if (is_private(kind))
            return read_key(rest, label, kind, der);
        first = first == GS_PEM_NONE ? kind : first;
    }
    return first;
}
