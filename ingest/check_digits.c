/* SPDX-License-Identifier: MIT */
#include "ingest/check_digits.h"

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

/* CRC-16/CCITT-FALSE, a byte more. */
static uint16_t
crc_add(uint16_t crc, uint8_t byte)
{
    crc ^= (uint16_t)(byte << 8);
    for (unsigned bit = 0; bit < 8; bit++) {
        crc = (uint16_t)((crc & 0x8000) != 0 ? crc << 1 ^ 0x1021 : crc << 1);
    }
    return crc;
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
