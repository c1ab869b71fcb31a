/* SPDX-License-Identifier: MIT */
#include "engine/fiscal/check_digits.h"

#define COUNTRY_RU 643 /* ISO 3166 */
#define NUMBER_SIZE 16
#define NUMBER_HEAD_SIZE 10
#define INN_SIZE_MAX 12
#define FACTORY_SIZE_MAX 20

static bool
is_digits(struct chek_bytes_view text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.bytes[i] < '0' || text.bytes[i] > '9') {
            return false;
        }
    }
    return true;
}

/* Whether the digit at `at` is the weighted sum of those before it. */
static bool
control_is_right(struct chek_bytes_view inn, size_t at)
{
    static const unsigned weights[] = {3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8};
    unsigned sum = 0;
    for (size_t i = 0; i < at; i++) {
        sum += (unsigned)(inn.bytes[i] - '0') * weights[CHEK_COUNT(weights) - at + i];
    }
    return sum % 11 % 10 == (unsigned)(inn.bytes[at] - '0');
}

bool
chek_inn_is_valid(struct chek_bytes_view inn)
{
    if (!is_digits(inn)) {
        return false;
    }
    return inn.size == 10   ? control_is_right(inn, 9)
           : inn.size == 12 ? control_is_right(inn, 10) && control_is_right(inn, 11)
                            : false;
}

/* CRC-16/CCITT-FALSE, a byte more, in halves: it is asked of every document that names its register. */
static uint16_t
crc_add(uint16_t crc, uint8_t byte)
{
    static const uint16_t halves[] = {0x0000, 0x1021, 0x2042, 0x3063, 0x4084, 0x50a5,
                                      0x60c6, 0x70e7, 0x8108, 0x9129, 0xa14a, 0xb16b,
                                      0xc18c, 0xd1ad, 0xe1ce, 0xf1ef};
    crc = (uint16_t)(crc << 4 ^ halves[crc >> 12 ^ byte >> 4]);
    return (uint16_t)(crc << 4 ^ halves[crc >> 12 ^ (byte & 15)]);
}

/* A text, with zeros before it up to a size. */
static uint16_t
crc_add_padded(uint16_t crc, struct chek_bytes_view text, size_t size)
{
    for (size_t i = text.size; i < size; i++) {
        crc = crc_add(crc, '0');
    }
    for (size_t i = 0; i < text.size; i++) {
        crc = crc_add(crc, text.bytes[i]);
    }
    return crc;
}

bool
chek_kkt_number_is_valid(struct chek_bytes_view number, struct chek_bytes_view inn,
                         struct chek_bytes_view factory_number)
{
    uint32_t stated = 0;
    if (number.size != NUMBER_SIZE || !is_digits(number) || inn.size > INN_SIZE_MAX ||
        factory_number.size > FACTORY_SIZE_MAX) {
        return false;
    }
    for (size_t i = NUMBER_HEAD_SIZE; i < NUMBER_SIZE; i++) {
        stated = stated * 10 + (uint32_t)(number.bytes[i] - '0');
    }
    uint16_t crc = crc_add_padded(0xffff, chek_bytes_view_of(number.bytes, NUMBER_HEAD_SIZE),
                                  NUMBER_HEAD_SIZE);
    crc = crc_add_padded(crc, inn, INN_SIZE_MAX);
    crc = crc_add_padded(crc, factory_number, FACTORY_SIZE_MAX);
    return stated == crc;
}

static struct chek_bytes_view
key_of(const struct chek_register *what, uint8_t kind)
{
    for (uint32_t i = 0; i < what->keys_count; i++) {
        if (what->keys[i].kind == kind) {
            return what->keys[i].value;
        }
    }
    return (struct chek_bytes_view){0};
}

uint32_t
chek_register_doubts(const struct chek_register *what)
{
    uint32_t doubts = 0;
    if (what->country != COUNTRY_RU) {
        return 0;
    }
    if (!chek_inn_is_valid(what->organisation)) {
        doubts |= UINT32_C(1) << CHEK_WARNING_TIN_WRONG;
    }
    struct chek_bytes_view number = key_of(what, CHEK_KEY_KIND_REGISTRATION_NUMBER);
    struct chek_bytes_view factory = key_of(what, CHEK_KEY_KIND_FACTORY_NUMBER);
    if (number.size != 0 && factory.size != 0 &&
        !chek_kkt_number_is_valid(number, what->organisation, factory)) {
        doubts |= UINT32_C(1) << CHEK_WARNING_REGISTER_NUMBER_WRONG;
    }
    return doubts;
}
