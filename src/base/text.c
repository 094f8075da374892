// Hexadecimal and base64 (RFC 4648).
// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"

static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void gs_hex_encode(const void *data, size_t len, char *out)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *p = data;
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[p[i] >> 4];
        out[2 * i + 1] = digits[p[i] & 15];
    }
    out[2 * len] = 0;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool gs_hex_decode(struct gs_slice text, void *out, size_t len)
{
    if (text.len != 2 * len)
        return false;
    unsigned char *to = out;
    for (size_t i = 0; i < len; i++) {
        int high = hex_digit(text.data[2 * i]);
        int low = hex_digit(text.data[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        to[i] = (unsigned char)(high << 4 | low);
    }
    return true;
}

static void encode(struct gs_slice data, const char *alphabet, bool pad, struct gs_buf *out)
{
    for (size_t i = 0; i < data.len; i += 3) {
        size_t n = data.len - i < 3 ? data.len - i : 3;
        unsigned char b[3] = {0};
        memcpy(b, data.data + i, n);
        char quad[4] = {alphabet[b[0] >> 2], alphabet[(b[0] & 3) << 4 | b[1] >> 4],
                        n > 1 ? alphabet[(b[1] & 15) << 2 | b[2] >> 6] : '=',
                        n > 2 ? alphabet[b[2] & 63] : '='};
        gs_buf_append(out, quad, pad ? 4 : n + 1);
    }
}

void gs_base64_encode(struct gs_slice data, struct gs_buf *out)
{
    encode(data, standard, true, out);
}

void gs_base64url_encode(struct gs_slice data, struct gs_buf *out)
{
    encode(data, url_safe, false, out);
}

static int base64_digit(char c)
{
    const char *at = c ? strchr(standard, c) : NULL;
    return at ? (int)(at - standard) : -1;
}

// Decodes one quad; pad characters are only right at the end. Returns the bytes it stands for, 0 when malformed.
static size_t decode_quad(const char *quad, bool last, unsigned char b[3])
{
    size_t pad = last ? (size_t)(quad[3] == '=') + (size_t)(quad[2] == '=' && quad[3] == '=') : 0;
    unsigned value = 0;
    for (size_t i = 0; i < 4; i++) {
        int digit = i >= 4 - pad ? 0 : base64_digit(quad[i]);
        if (digit < 0)
            return 0;
        value = value << 6 | (unsigned)digit;
    }
    // Bits that the padding throws away must be zero, else two texts would mean the same bytes.
    if (value & ((1U << (8 * pad)) - 1))
        return 0;
    b[0] = (unsigned char)(value >> 16);
    b[1] = (unsigned char)(value >> 8);
    b[2] = (unsigned char)value;
    return 3 - pad;
}

bool gs_base64_decode(struct gs_slice text, struct gs_buf *out)
{
    if (text.len % 4 != 0)
        return false;
    size_t before = out->len;
    for (size_t i = 0; i < text.len; i += 4) {
        unsigned char b[3];
        size_t n = decode_quad(text.data + i, i + 4 == text.len, b);
        if (n == 0 || !gs_buf_append(out, b, n)) {
            gs_buf_truncate(out, before);
            return false;
        }
    }
    return true;
}
