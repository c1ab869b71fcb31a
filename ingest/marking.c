/* SPDX-License-Identifier: MIT */
#include "ingest/marking.h"

#include <string.h>

#define GS 0x1d
#define GTIN_SIZE 14
#define SERIAL_AT 18 /* behind "01", GTIN, "21" */
#define SERIAL_SIZE_MAX 20
#define TOBACCO_SERIAL_SIZE 7
#define TOBACCO_SIZE (GTIN_SIZE + TOBACCO_SERIAL_SIZE + 4) /* with the highest price */
#define TOBACCO_CHECK_SIZE 4
#define FUR_SIZE 20
#define TAG_SIZE_MAX 32
#define TAG_GTIN_SIZE 6

/* Sizes of serial numbers that product groups use. */
static const uint8_t serial_sizes[] = {6, 7, 8, 13, 20};

static bool
is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

static bool
is_digits(const uint8_t *bytes, size_t size)
{
    bool is = true;
    for (size_t i = 0; i < size; i++) {
        is &= is_digit(bytes[i]);
    }
    return is;
}

static bool
is_serial_size(size_t size)
{
    bool is = false;
    for (size_t i = 0; i < sizeof serial_sizes; i++) {
        is = is || size == serial_sizes[i];
    }
    return is;
}

/* Digits, letters and !"%&'()*+,-./:;<=>?_ as bits: the alphabet of serial numbers. */
static bool
is_serial_sign(uint8_t byte)
{
    static const uint64_t signs[2] = {UINT64_C(0xffffffe600000000), UINT64_C(0x07fffffe87fffffe)};
    return byte < 0x80 && (signs[byte / 64] >> byte % 64 & 1) != 0;
}

static bool
is_serial(struct chek_bytes_view serial)
{
    bool is = true;
    for (size_t i = 0; i < serial.size; i++) {
        is &= is_serial_sign(serial.bytes[i]);
    }
    return is;
}

/* Two digits a step: of a pair the lower counts once, the upper three times. */
static uint32_t
pairs_sum(uint32_t digits)
{
    uint32_t sum = 0;
    for (; digits != 0; digits /= 100) {
        uint32_t pair = digits % 100;
        sum += pair - 7 * (pair / 10);
    }
    return sum;
}

bool
chek_gtin_is_valid(uint64_t gtin)
{
    if (gtin == 0 || gtin > UINT64_C(99999999999999)) {
        return false;
    }
    /* In two halves, that do not wait for each other. */
    return (pairs_sum((uint32_t)(gtin / 100000000)) + pairs_sum((uint32_t)(gtin % 100000000))) %
               10 ==
           0;
}

/* Whether eight bytes are digits. */
static bool
word_is_digits(uint64_t word)
{
    uint64_t above = word + UINT64_C(0x4646464646464646); /* '9' + 0x46 is 0x7f */
    uint64_t below = word - UINT64_C(0x3030303030303030);
    return ((above | below | word) & UINT64_C(0x8080808080808080)) == 0;
}

/* The number that eight digits are, the first the highest: pairs, fours, the whole. */
static uint64_t
word_value(uint64_t word)
{
    word -= UINT64_C(0x3030303030303030);
    word = (word * 10 + (word >> 8)) & UINT64_C(0x00ff00ff00ff00ff);
    word = (word * 100 + (word >> 16)) & UINT64_C(0x0000ffff0000ffff);
    return (word * 10000 + (word >> 32)) & UINT64_C(0xffffffff);
}

static bool
is_gtin(const uint8_t *digits)
{
    return word_is_digits(chek_load_u64(digits)) &&
           word_is_digits(chek_load_u64(digits + GTIN_SIZE - 8));
}

/* The words overlap: the first has eight digits of the upper six. */
static uint64_t
gtin_read(const uint8_t *digits)
{
    return word_value(chek_load_u64(digits)) / 100 * 100000000 +
           word_value(chek_load_u64(digits + GTIN_SIZE - 8));
}

static void
gtin_write(uint64_t gtin, char *digits)
{
    for (size_t i = GTIN_SIZE; i-- > 0; gtin /= 10) {
        digits[i] = (char)('0' + gtin % 10);
    }
}

static void
text_add(struct chek_marking *marking, const void *bytes, size_t size)
{
    if (size > CHEK_MARKING_TEXT_MAX - marking->text_size || size == 0) {
        marking->text_size = size == 0 ? marking->text_size : 0;
        marking->text[marking->text_size] = 0;
        return;
    }
    memcpy(marking->text + marking->text_size, bytes, size);
    marking->text_size += size;
    marking->text[marking->text_size] = 0;
}

/* A code that is kept as it came. */
static void
whole(struct chek_marking *marking, enum chek_marking_kind kind, struct chek_bytes_view code)
{
    marking->kind = kind;
    marking->notes |= kind == CHEK_MARKING_KIND_UNKNOWN ? CHEK_MARKING_NOTE_UNKNOWN : 0;
    text_add(marking, code.bytes, code.size);
}

static void
gtin_put(struct chek_marking *marking, uint64_t gtin)
{
    marking->gtin = gtin;
    marking->notes |= chek_gtin_is_valid(gtin) ? 0 : CHEK_MARKING_NOTE_GTIN;
}

/* What is noted of a GTIN and a serial number, whose text is put by the caller. */
static void
gs1_note(struct chek_marking *marking, uint64_t gtin, struct chek_bytes_view serial)
{
    marking->kind = CHEK_MARKING_KIND_GS1;
    gtin_put(marking, gtin);
    marking->notes |= is_serial_size(serial.size) ? 0 : CHEK_MARKING_NOTE_SERIAL;
    marking->notes |= is_serial(serial) ? 0 : CHEK_MARKING_NOTE_ALPHABET;
}

static void
gs1_put(struct chek_marking *marking, uint64_t gtin, struct chek_bytes_view serial)
{
    char digits[GTIN_SIZE];
    gs1_note(marking, gtin, serial);
    gtin_write(gtin, digits);
    text_add(marking, "01", 2);
    text_add(marking, digits, sizeof digits);
    text_add(marking, "21", 2);
    text_add(marking, serial.bytes, serial.size);
}

static void
tobacco_put(struct chek_marking *marking, uint64_t gtin, struct chek_bytes_view serial_and_price)
{
    char digits[GTIN_SIZE];
    marking->kind = CHEK_MARKING_KIND_TOBACCO;
    gtin_put(marking, gtin);
    marking->notes |= is_serial(serial_and_price) ? 0 : CHEK_MARKING_NOTE_ALPHABET;
    gtin_write(gtin, digits);
    text_add(marking, digits, sizeof digits);
    text_add(marking, serial_and_price.bytes, serial_and_price.size);
}

/* Whether what stands here is a check part whose separator was lost, and no more. */
static bool
is_check_part(const uint8_t *bytes, size_t size)
{
    if (size == 6) {
        return memcmp(bytes, "93", 2) == 0;
    }
    return (size == 6 + 2 + 44 || size == 6 + 2 + 88) && memcmp(bytes, "91", 2) == 0 &&
           memcmp(bytes + 6, "92", 2) == 0;
}

/* The size of a serial number that a check part follows without a separator; else of the rest. */
static size_t
serial_size_guess(struct chek_bytes_view rest)
{
    size_t found = rest.size;
    size_t count = is_serial_size(rest.size);
    for (size_t i = 0; i < sizeof serial_sizes; i++) {
        size_t size = serial_sizes[i];
        if (rest.size > size && is_check_part(rest.bytes + size, rest.size - size)) {
            found = size;
            count += 1;
        }
    }
    return count == 1 ? found : rest.size;
}

/* 01 GTIN 21 serial, up to a separator. */
static void
gs1_read(struct chek_bytes_view code, struct chek_marking *marking)
{
    struct chek_bytes_view rest = chek_bytes_view_of(code.bytes + SERIAL_AT, code.size - SERIAL_AT);
    const uint8_t *separator = memchr(rest.bytes, GS, rest.size);
    size_t size = separator != NULL ? (size_t)(separator - rest.bytes) : serial_size_guess(rest);
    if (size == 0 || size > SERIAL_SIZE_MAX) {
        whole(marking, CHEK_MARKING_KIND_UNKNOWN, code);
        return;
    }
    if (separator == NULL && size != rest.size) {
        marking->notes |= CHEK_MARKING_NOTE_SEPARATOR;
    }
    marking->notes |= size != rest.size ? CHEK_MARKING_NOTE_CHECK : 0;
    gs1_note(marking, gtin_read(code.bytes + 2), chek_bytes_view_of(rest.bytes, size));
    text_add(marking, code.bytes, SERIAL_AT + size); /* it is the canonical text already */
}

/* (01) GTIN (21) serial (91)..: written for people. A serial has brackets of its own. */
static void
brackets_read(struct chek_bytes_view code, struct chek_marking *marking)
{
    const size_t serial_at = 4 + GTIN_SIZE + 4;
    const uint8_t *serial = code.bytes + serial_at;
    size_t left = code.size - serial_at;
    size_t size = left;
    for (size_t i = 0; i < sizeof serial_sizes; i++) {
        const uint8_t *end = serial + serial_sizes[i];
        if (left >= serial_sizes[i] + 4u && memcmp(end, "(9", 2) == 0 && end[3] == ')') {
            size = serial_sizes[i];
            break;
        }
    }
    if (size == 0 || size > SERIAL_SIZE_MAX) {
        whole(marking, CHEK_MARKING_KIND_UNKNOWN, code);
        return;
    }
    marking->notes |= size != left ? CHEK_MARKING_NOTE_CHECK : 0;
    gs1_put(marking, gtin_read(code.bytes + 4), chek_bytes_view_of(serial, size));
}

static bool
is_fur(struct chek_bytes_view code)
{
    return code.size == FUR_SIZE && memcmp(code.bytes, "RU-", 3) == 0 && code.bytes[9] == '-' &&
           is_digits(code.bytes + 3, 6) && is_digits(code.bytes + 13, 7);
}

static bool
is_tobacco(struct chek_bytes_view code)
{
    return (code.size == TOBACCO_SIZE || code.size == TOBACCO_SIZE + TOBACCO_CHECK_SIZE) &&
           is_gtin(code.bytes);
}

/* "01" and a GTIN alone is a barcode too. */
static struct chek_bytes_view
barcode_of(struct chek_bytes_view code)
{
    bool has_ai = code.size == 2 + GTIN_SIZE && memcmp(code.bytes, "01", 2) == 0;
    return has_ai ? chek_bytes_view_of(code.bytes + 2, GTIN_SIZE) : code;
}

static bool
is_barcode(struct chek_bytes_view code)
{
    return (code.size == 8 || code.size == 13 || code.size == 14) &&
           is_digits(code.bytes, code.size);
}

/* What a scanner says of the kind of picture is not of the code. */
static struct chek_bytes_view
symbology_drop(struct chek_bytes_view code)
{
    size_t size = code.size >= 3 && memcmp(code.bytes, "]d2", 3) == 0 ? 3
                  : code.size >= 1 && code.bytes[0] == GS             ? 1
                                                                      : 0;
    return size == 0 ? code : chek_bytes_view_of(code.bytes + size, code.size - size);
}

static void
barcode_put(struct chek_marking *marking, struct chek_bytes_view code)
{
    uint64_t gtin = 0;
    for (size_t i = 0; i < code.size; i++) {
        gtin = gtin * 10 + (uint64_t)(code.bytes[i] - '0');
    }
    gtin_put(marking, gtin);
    whole(marking, CHEK_MARKING_KIND_BARCODE, code);
}

void
chek_marking_read(struct chek_bytes_view code, struct chek_marking *ret)
{
    ret->kind = CHEK_MARKING_KIND_UNKNOWN;
    ret->notes = 0;
    ret->gtin = 0;
    ret->text_size = 0;
    ret->text[0] = 0;
    code = symbology_drop(code);
    if (code.size > SERIAL_AT && memcmp(code.bytes, "01", 2) == 0 && is_gtin(code.bytes + 2) &&
        memcmp(code.bytes + 16, "21", 2) == 0) {
        gs1_read(code, ret);
    } else if (code.size > 4 + GTIN_SIZE + 4 && memcmp(code.bytes, "(01)", 4) == 0 &&
               is_gtin(code.bytes + 4) && memcmp(code.bytes + 18, "(21)", 4) == 0) {
        brackets_read(code, ret);
    } else if (is_tobacco(code)) {
        ret->notes |= code.size != TOBACCO_SIZE ? CHEK_MARKING_NOTE_CHECK : 0;
        tobacco_put(ret, gtin_read(code.bytes),
                    chek_bytes_view_of(code.bytes + GTIN_SIZE, TOBACCO_SIZE - GTIN_SIZE));
    } else if (is_fur(code)) {
        whole(ret, CHEK_MARKING_KIND_FUR, code);
    } else if (is_barcode(barcode_of(code))) {
        barcode_put(ret, barcode_of(code));
    } else if (code.size == 68 || code.size == 150) {
        whole(ret, CHEK_MARKING_KIND_ALCOHOL, code);
    } else {
        whole(ret, CHEK_MARKING_KIND_UNKNOWN, code);
    }
}

/* ---- tag 1162 --------------------------------------------------------------------------------- */

static uint64_t
tag_gtin(const uint8_t *bytes)
{
    uint64_t gtin = 0;
    for (size_t i = 0; i < TAG_GTIN_SIZE; i++) {
        gtin = gtin << 8 | bytes[i];
    }
    return gtin;
}

/* GTIN and serial; of tobacco, whose price follows and two spaces. */
static void
tag_gs1(struct chek_marking *marking, struct chek_bytes_view data)
{
    struct chek_bytes_view serial =
        chek_bytes_view_of(data.bytes + TAG_GTIN_SIZE, data.size - TAG_GTIN_SIZE);
    size_t size = serial.size;
    while (size > 0 && serial.bytes[size - 1] == ' ') {
        size -= 1;
    }
    bool is_tobacco = serial.size == 13 && size == TOBACCO_SIZE - GTIN_SIZE;
    serial.size = size;
    if (is_tobacco) {
        tobacco_put(marking, tag_gtin(data.bytes), serial);
    } else if (size == 0 || size > SERIAL_SIZE_MAX) {
        whole(marking, CHEK_MARKING_KIND_UNKNOWN, data);
    } else {
        gs1_put(marking, tag_gtin(data.bytes), serial);
    }
}

static void
tag_barcode(struct chek_marking *marking, const uint8_t *bytes, size_t size)
{
    char digits[GTIN_SIZE];
    gtin_write(tag_gtin(bytes), digits);
    barcode_put(marking, chek_bytes_view_of(digits + GTIN_SIZE - size, size));
}

void
chek_marking_read_tag(struct chek_bytes_view value, struct chek_marking *ret)
{
    static const uint8_t empty[1];
    uint16_t type =
        value.size >= 2 ? (uint16_t)((unsigned)value.bytes[0] << 8 | value.bytes[1]) : 0;
    size_t skipped = value.size >= 2 ? 2 : 0;
    struct chek_bytes_view data = chek_bytes_view_of(
        value.size > skipped ? value.bytes + skipped : empty, value.size - skipped);
    ret->kind = CHEK_MARKING_KIND_UNKNOWN;
    ret->notes = 0;
    ret->gtin = 0;
    ret->text_size = 0;
    ret->text[0] = 0;
    bool has_gtin = data.size >= TAG_GTIN_SIZE && tag_gtin(data.bytes) <= UINT64_C(99999999999999);
    if (type == 0x444d && has_gtin) {
        tag_gs1(ret, data);
    } else if (type == 0x4508 && has_gtin) {
        tag_barcode(ret, data.bytes, 8);
    } else if (type == 0x450d && has_gtin) {
        tag_barcode(ret, data.bytes, 13);
    } else if (type == 0x490e && has_gtin) {
        tag_barcode(ret, data.bytes, 14);
    } else if (type == 0x5246 && is_fur(data)) {
        whole(ret, CHEK_MARKING_KIND_FUR, data);
    } else if (type == 0xc51e || type == 0xc514) {
        whole(ret, CHEK_MARKING_KIND_ALCOHOL, data);
    } else {
        whole(ret, CHEK_MARKING_KIND_UNKNOWN, data);
    }
}

static int
hex_digit(uint8_t byte)
{
    uint8_t letter = byte | 0x20;
    return is_digit(byte) ? byte - '0' : letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

int
chek_marking_read_hex(struct chek_bytes_view digits, struct chek_marking *ret)
{
    uint8_t bytes[TAG_SIZE_MAX];
    size_t count = 0;
    for (size_t i = 0; i < digits.size; i++) {
        int digit = hex_digit(digits.bytes[i]);
        if (digits.bytes[i] == ' ' && count % 2 == 0) {
            continue;
        }
        if (digit < 0) {
            return CHEK_E_NUMBER;
        }
        if (count == 2 * sizeof bytes) {
            return CHEK_E_LIMIT;
        }
        bytes[count / 2] = (uint8_t)(count % 2 == 0 ? digit << 4 : bytes[count / 2] | digit);
        count += 1;
    }
    if (count % 2 != 0 || count == 0) {
        return CHEK_E_NUMBER;
    }
    chek_marking_read_tag(chek_bytes_view_of(bytes, count / 2), ret);
    return CHEK_OK;
}
