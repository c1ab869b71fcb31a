/* SPDX-License-Identifier: MIT */
#include "query/qr.h"

#include "engine/base/civil.h"
#include "engine/base/decimal.h"

#define TEXT_SIZE_MAX 2048

static int
hex_digit(uint8_t byte)
{
    if (byte >= '0' && byte <= '9') {
        return byte - '0';
    }
    byte |= 0x20;
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

/* Undo %XX and drop white space; the result is never longer. */
static size_t
decode(struct chek_bytes_view text, uint8_t *out)
{
    size_t size = 0;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.bytes[i];
        if (byte == '%' && i + 2 < text.size && hex_digit(text.bytes[i + 1]) >= 0 &&
            hex_digit(text.bytes[i + 2]) >= 0) {
            byte = (uint8_t)(hex_digit(text.bytes[i + 1]) * 16 + hex_digit(text.bytes[i + 2]));
            i += 2;
        }
        if (byte > ' ') {
            out[size++] = byte;
        }
    }
    return size;
}

/* YYYYMMDD, an optional T or t, HHMM and optional SS. */
static int
read_time(struct chek_bytes_view value, struct chek_qr *qr)
{
    uint8_t digits[14];
    size_t count = 0;
    for (size_t i = 0; i < value.size; i++) {
        uint8_t byte = value.bytes[i];
        if (byte >= '0' && byte <= '9' && count < sizeof digits) {
            digits[count++] = (uint8_t)(byte - '0');
        } else if (count != 8 || (byte | 0x20) != 't') {
            return CHEK_E_DATE;
        }
    }
    if (count != 12 && count != 14) {
        return CHEK_E_DATE;
    }
    struct chek_civil_parts parts = {
        .year = digits[0] * 1000 + digits[1] * 100 + digits[2] * 10 + digits[3],
        .month = (uint8_t)(digits[4] * 10 + digits[5]),
        .day = (uint8_t)(digits[6] * 10 + digits[7]),
        .hour = (uint8_t)(digits[8] * 10 + digits[9]),
        .minute = (uint8_t)(digits[10] * 10 + digits[11]),
        .second = count == 14 ? (uint8_t)(digits[12] * 10 + digits[13]) : 0,
    };
    qr->has_seconds = count == 14;
    int error = chek_civil_from_parts(&parts, &qr->time);
    return error == CHEK_OK && !chek_civil_is_valid(qr->time) ? CHEK_E_DATE : error;
}

/* A sum of money, which a sign before it does not make. */
static int
read_total(struct chek_bytes_view value, int64_t *ret)
{
    int error = chek_decimal_read(value, 2, ret);
    return error == CHEK_OK && *ret < 0 ? CHEK_E_NUMBER : error;
}

/* Digits only, kept as text. */
static int
read_digits(struct chek_bytes_view value, char *out, size_t size_max)
{
    if (value.size == 0 || value.size > size_max) {
        return CHEK_E_NUMBER;
    }
    for (size_t i = 0; i < value.size; i++) {
        if (value.bytes[i] < '0' || value.bytes[i] > '9') {
            return CHEK_E_NUMBER;
        }
    }
    memcpy(out, value.bytes, value.size);
    out[value.size] = 0;
    return CHEK_OK;
}

static bool
name_is(struct chek_bytes_view name, const char *wanted)
{
    return chek_bytes_view_equal(name, chek_bytes_view_text(wanted));
}

/* One name=value; names that are not ours are passed over. */
static int
read_pair(struct chek_bytes_view name, struct chek_bytes_view value, struct chek_qr *qr,
          uint64_t *number)
{
    if (name_is(name, "t")) {
        return read_time(value, qr);
    }
    if (name_is(name, "s")) {
        return read_total(value, &qr->total);
    }
    if (name_is(name, "fn")) {
        return read_digits(value, qr->fiscal_drive, sizeof qr->fiscal_drive - 1);
    }
    if (name_is(name, "f")) {
        return read_digits(value, qr->registration_number, sizeof qr->registration_number - 1);
    }
    if (name_is(name, "i")) {
        return chek_decimal_read_u64(value, number);
    }
    if (name_is(name, "fp")) {
        return chek_decimal_read_u64(value, &qr->sign);
    }
    if (name_is(name, "n")) {
        uint64_t operation = 0;
        int error = chek_decimal_read_u64(value, &operation);
        if (error == CHEK_OK && operation > 4) {
            return CHEK_E_NUMBER;
        }
        qr->operation = (uint8_t)operation;
        return error;
    }
    return CHEK_OK;
}

/* What stands behind the last '?', which a URL before the pairs ends with. */
static struct chek_bytes_view
pairs_of(const uint8_t *bytes, size_t size)
{
    size_t start = 0;
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] == '?') {
            start = i + 1;
        }
    }
    return chek_bytes_view_of(bytes + start, size - start);
}

/* Values hold no '=' and no '/', so that "https://host/t=1" and "qr=t=1" both are t=1. */
static int
read_pairs(struct chek_bytes_view text, struct chek_qr *qr, uint64_t *number)
{
    size_t at = 0;
    while (at < text.size) {
        size_t end = at;
        size_t name = at;
        size_t equals = SIZE_MAX;
        while (end < text.size && text.bytes[end] != '&') {
            if (text.bytes[end] == '=' || text.bytes[end] == '/') {
                name = equals != SIZE_MAX ? equals + 1 : name;
                name = text.bytes[end] == '/' ? end + 1 : name;
                equals = text.bytes[end] == '=' ? end : SIZE_MAX;
            }
            end += 1;
        }
        if (equals != SIZE_MAX) {
            int error = read_pair(chek_bytes_view_of(text.bytes + name, equals - name),
                                  chek_bytes_view_of(text.bytes + equals + 1, end - equals - 1), qr,
                                  number);
            if (error != CHEK_OK) {
                return error;
            }
        }
        at = end + 1;
    }
    return CHEK_OK;
}

int
chek_qr_read(struct chek_bytes_view text, struct chek_qr *ret)
{
    uint8_t bytes[TEXT_SIZE_MAX];
    struct chek_qr qr = {.total = -1};
    uint64_t number = 0;

    if (text.size > sizeof bytes) {
        return CHEK_E_LIMIT;
    }
    size_t size = decode(text, bytes);
    int error = read_pairs(pairs_of(bytes, size), &qr, &number);
    if (error != CHEK_OK) {
        return error;
    }
    if (qr.fiscal_drive[0] != 0 && qr.sign != 0 && number != 0 && number <= UINT32_MAX) {
        qr.document = (uint32_t)number;
        qr.registration_number[0] = 0;
    } else if (qr.registration_number[0] != 0 && number != 0) {
        qr.sign = number;
        qr.fiscal_drive[0] = 0;
    } else {
        return CHEK_E_FIELD_MISSING;
    }
    *ret = qr;
    return CHEK_OK;
}
