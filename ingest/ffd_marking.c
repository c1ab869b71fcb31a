/* SPDX-License-Identifier: MIT */
#include "ingest/ffd_marking.h"

#include <stdio.h>

#define GTIN_SIZE 14
#define NUMBER_SIZE 6 /* of a product's number in tag 1162 */
#define CODE_SIZE_MAX 64

enum {
    TAG_CODE = 1162,
    TAG_EAN_8 = 1301,
    TAG_ITF_14 = 1303,
    TAG_GS1 = 1304,
    TAG_GS1_MARKED = 1305,
};

/* What the first two bytes of tag 1162 say, the first one high. */
enum { PREFIX_GS1 = 0x444d, PREFIX_EAN_8 = 0x4508, PREFIX_EAN_13 = 0x450d, PREFIX_ITF = 0x490e };

static int
text_copy(struct chek_arena *arena, const char *text, size_t size, struct chek_bytes_view *ret)
{
    char *copy = chek_arena_take(arena, size + 1);
    if (copy == NULL) {
        return CHEK_E_LIMIT;
    }
    memcpy(copy, text, size);
    *ret = chek_bytes_view_of(copy, size);
    return CHEK_OK;
}

/* Tag 1162: a prefix, and mostly a product's number of six bytes, the highest first. */
static int
old_read(struct chek_bytes_view value, struct chek_arena *arena, struct ingest__ffd_marking *ret)
{
    struct chek_cursor in = chek_cursor_over(value.bytes, value.size);
    uint16_t prefix = (uint16_t)(chek_cursor_u8(&in) << 8);
    prefix |= chek_cursor_u8(&in);
    bool numbered = prefix == PREFIX_GS1 || prefix == PREFIX_EAN_8 || prefix == PREFIX_EAN_13 ||
                    prefix == PREFIX_ITF;
    uint64_t gtin = 0;
    for (size_t i = 0; numbered && i < NUMBER_SIZE; i++) {
        gtin = gtin << 8 | chek_cursor_u8(&in);
    }
    if (in.error != CHEK_OK) {
        return in.error;
    }
    struct chek_bytes_view serial = chek_cursor_view(&in, chek_cursor_left(&in));
    int error = chek_ffd_text_read(serial, arena, &ret->code);
    if (error != CHEK_OK || !numbered) {
        return error;
    }
    char text[CODE_SIZE_MAX];
    int size = snprintf(text, sizeof text, "%0*llu", GTIN_SIZE, (unsigned long long)gtin);
    if (prefix != PREFIX_GS1) {
        ret->code = chek_bytes_view_of("", 0);
        return text_copy(arena, text, (size_t)size, &ret->gtin);
    }
    struct chek_bytes_view tail = ret->code;
    error = text_copy(arena, text, (size_t)size, &ret->gtin);
    if (error == CHEK_OK) {
        char code[2 * CODE_SIZE_MAX];
        size = snprintf(code, sizeof code, "01%.*s21%.*s", (int)ret->gtin.size,
                        (const char *)ret->gtin.bytes, (int)tail.size, (const char *)tail.bytes);
        error = text_copy(arena, code, (size_t)size, &ret->code);
    }
    return error;
}

static bool
has_gtin(struct chek_bytes_view code)
{
    if (code.size < 2 + GTIN_SIZE || code.bytes[0] != '0' || code.bytes[1] != '1') {
        return false;
    }
    for (size_t i = 2; i < 2 + GTIN_SIZE; i++) {
        if (code.bytes[i] < '0' || code.bytes[i] > '9') {
            return false;
        }
    }
    return true;
}

int
ingest__ffd_marking_read(const struct chek_ffd_element *element, struct chek_arena *arena,
                         struct ingest__ffd_marking *ret)
{
    *ret = (struct ingest__ffd_marking){0};
    if (element->tag == TAG_CODE) {
        return old_read(element->value, arena, ret);
    }
    struct chek_bytes_view text;
    int error = chek_ffd_text_read(element->value, arena, &text);
    if (error != CHEK_OK) {
        return error;
    }
    if (element->tag >= TAG_EAN_8 && element->tag <= TAG_ITF_14) {
        ret->gtin = text;
        return CHEK_OK;
    }
    ret->code = text;
    if ((element->tag == TAG_GS1 || element->tag == TAG_GS1_MARKED) && has_gtin(text)) {
        ret->gtin = chek_bytes_view_of(text.bytes + 2, GTIN_SIZE);
    }
    return CHEK_OK;
}
