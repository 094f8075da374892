// The text of numbers as JavaScript writes it (ECMA-262, 6.1.6.1.20), worked out on the decimal
// digits: no floating point takes part, so nothing is rounded.
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <math.h>

#include "json/json_internal.h"

// A double keeps any 15 significant digits (DBL_DIG), and 17 tell all doubles apart.
enum { DIGITS_KEPT = 15, DIGITS_MAX = 17, EXPONENT_MAX = 1000000000 };

// The outermost numbers of 15 digits that are normal doubles.
static const char largest[] = "179769313486231", smallest[] = "222507385850721";
enum { LARGEST_POINT = 309, SMALLEST_POINT = -307 };

// The value 0.DIGITS * 10^point without zeros at either end; no digits for zero.
struct decimal {
    char digits[DIGITS_MAX];
    size_t count;
    int64_t point;
    bool negative;
};

// Reads the digits up to the exponent and moves *text there. False when there are over max.
static bool read_digits(struct gs_slice *text, size_t max, struct decimal *out)
{
    bool fraction = false, significant = false;
    size_t zeros = 0;
    for (; text->len > 0; text->data++, text->len--) {
        char c = text->data[0];
        if (c == 'e' || c == 'E')
            break;
        if (c == '.') {
            fraction = true;
            continue;
        }
        significant = significant || c != '0';
        out->point += significant && !fraction ? 1 : !significant && fraction ? -1 : 0;
        if (c == '0') {
            zeros += significant;
            continue;
        }
        if (zeros >= max - out->count)
            return false;
        memset(out->digits + out->count, '0', zeros);
        out->count += zeros;
        out->digits[out->count++] = c;
        zeros = 0;
    }
    return true;
}

// The number behind "e"; what is beyond any double stops growing, so that it cannot overflow.
static int64_t read_exponent(struct gs_slice text)
{
    if (text.len == 0)
        return 0;
    bool negative = text.data[1] == '-';
    int64_t exponent = 0;
    for (size_t i = 1; i < text.len; i++)
        if (text.data[i] >= '0' && exponent < EXPONENT_MAX)
            exponent = exponent * 10 + (text.data[i] - '0');
    return negative ? -exponent : exponent;
}

static bool read_decimal(struct gs_slice raw, size_t max, struct decimal *out)
{
    *out = (struct decimal){.negative = raw.data[0] == '-'};
    if (out->negative)
        raw = gs_slice_of(raw.data + 1, raw.len - 1);
    if (!read_digits(&raw, max, out))
        return false;
    out->point += read_exponent(raw);
    return true;
}

static char *put(char *to, const char *bytes, size_t n)
{
    memcpy(to, bytes, n);
    return to + n;
}

static char *put_zeros(char *to, int64_t n)
{
    memset(to, '0', (size_t)n);
    return to + n;
}

static char *put_scientific(char *to, const struct decimal *d)
{
    to = put(to, d->digits, 1);
    if (d->count > 1) {
        *to++ = '.';
        to = put(to, d->digits + 1, d->count - 1);
    }
    return to + snprintf(to, 8, "e%+d", (int)(d->point - 1));
}

// The cases of Number::toString, where the standard's k is count and its n is point.
static char *put_decimal(char *to, const struct decimal *d)
{
    int64_t count = (int64_t)d->count;
    if (count == 0)
        return put(to, "0", 1);
    if (d->negative)
        *to++ = '-';
    if (d->point > 21 || d->point <= -6)
        return put_scientific(to, d);
    if (d->point <= 0)
        return put(put_zeros(put(to, "0.", 2), -d->point), d->digits, d->count);
    if (count <= d->point)
        return put_zeros(put(to, d->digits, d->count), d->point - count);
    to = put(to, d->digits, (size_t)d->point);
    *to++ = '.';
    return put(to, d->digits + d->point, (size_t)(count - d->point));
}

// Compares the digits with those of a bound, which has DIGITS_KEPT of them.
static int compare_digits(const struct decimal *d, const char *bound)
{
    int order = memcmp(d->digits, bound, d->count);
    return order == 0 && d->count < DIGITS_KEPT ? -1 : order;
}

static bool is_normal_double(const struct decimal *d)
{
    if (d->count == 0)
        return true;
    if (d->point == LARGEST_POINT)
        return compare_digits(d, largest) <= 0;
    if (d->point == SMALLEST_POINT)
        return compare_digits(d, smallest) >= 0;
    return d->point > SMALLEST_POINT && d->point < LARGEST_POINT;
}

size_t gs_json_number_form(struct gs_slice raw, char out[GS_JSON_NUMBER_TEXT])
{
    struct decimal d;
    if (!read_decimal(raw, DIGITS_KEPT, &d) || !is_normal_double(&d))
        return 0;
    return (size_t)(put_decimal(out, &d) - out);
}

size_t gs_json_real_form(double value, char out[GS_JSON_NUMBER_TEXT])
{
    if (!isfinite(value))
        return (size_t)(put(out, "null", 4) - out);
    // yyjson finds the shortest digits that give the value back, as the standard asks for.
    yyjson_val number = {0};
    yyjson_set_real(&number, value);
    size_t len;
    char *text = yyjson_val_write(&number, YYJSON_WRITE_NOFLAG, &len);
    if (!text)
        return 0;
    struct decimal d;
    bool read = read_decimal(gs_slice_of(text, len), DIGITS_MAX, &d);
    assert(read);
    free(text);
    return (size_t)(put_decimal(out, &d) - out);
}
