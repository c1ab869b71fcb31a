/* SPDX-License-Identifier: MIT */
/*
 * fuzz_number_text.c - decimals, civil times and UTF-8 from any text.
 *
 * Byte 0 is the scale of the decimal; the rest is the text, given to every reader. What one accepts
 * it must read again, the same, from its own writing.
 */
#include "engine/base/assertion.h"
#include "engine/base/civil.h"
#include "engine/base/decimal.h"
#include "engine/base/utf8.h"
#include "tests/fuzz/fuzz.h"

static void
decimal_check(struct chek_bytes_view text, unsigned scale)
{
    int64_t value;
    int64_t again;
    char written[CHEK_DECIMAL_TEXT_MAX];
    if (chek_decimal_read(text, scale, &value) == CHEK_OK) {
        size_t size = chek_decimal_write(value, scale, written);
        int error = chek_decimal_read(chek_bytes_view_of(written, size), scale, &again);
        CHEK_ASSERT(error == CHEK_OK && again == value);
        size = chek_decimal_write_short(value, scale, written);
        error = chek_decimal_read(chek_bytes_view_of(written, size), scale, &again);
        CHEK_ASSERT(error == CHEK_OK && again == value);
    }
    uint64_t number;
    if (chek_decimal_read_u64(text, &number) == CHEK_OK && number <= INT64_MAX) {
        int error = chek_decimal_read(text, 0, &value);
        CHEK_ASSERT(error == CHEK_OK && (uint64_t)value == number);
    }
}

static void
civil_check(struct chek_bytes_view text)
{
    int64_t civil_s;
    char written[CHEK_CIVIL_TEXT_MAX];
    if (chek_civil_read(text, &civil_s) == CHEK_OK) {
        size_t size = chek_civil_write(civil_s, written);
        CHEK_ASSERT(text.size <= size);
        for (size_t i = 0; i < text.size; i++) { /* a space may stand for the T */
            CHEK_ASSERT(text.bytes[i] == (uint8_t)written[i] || (i == 10 && text.bytes[i] == ' '));
        }
    }
}

static void
utf8_check(struct chek_bytes_view text)
{
    if (chek_utf8_is_valid(text)) {
        CHEK_ASSERT(chek_utf8_width(text) <= text.size);
        for (size_t size_max = 0; size_max <= text.size; size_max++) {
            struct chek_bytes_view cut = chek_utf8_clip(text, size_max);
            CHEK_ASSERT(cut.size <= size_max && cut.size + 4 > size_max);
            CHEK_ASSERT(chek_utf8_is_valid(cut));
        }
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size == 0 || size > 512) {
        return 0;
    }
    struct chek_bytes_view text = chek_bytes_view_of(bytes + 1, size - 1);
    decimal_check(text, bytes[0] % (CHEK_DECIMAL_SCALE_MAX + 1));
    civil_check(text);
    utf8_check(text);
    return 0;
}
