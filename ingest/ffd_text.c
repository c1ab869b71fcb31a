/* SPDX-License-Identifier: MIT */
/*
 * ffd_text.c - texts of Russian fiscal documents: CP866 to UTF-8 and back.
 */
#include "engine/base/utf8.h"
#include "ingest/ffd_tlv.h"

#define UPPER 0x80
#define SPREAD 3 /* bytes of UTF-8 that a byte becomes at most */

/* The upper half of CP866. */
static const uint16_t letters[256 - UPPER] = {
    0x0410, 0x0411, 0x0412, 0x0413, 0x0414, 0x0415, 0x0416, 0x0417, 0x0418, 0x0419, 0x041a, 0x041b,
    0x041c, 0x041d, 0x041e, 0x041f, 0x0420, 0x0421, 0x0422, 0x0423, 0x0424, 0x0425, 0x0426, 0x0427,
    0x0428, 0x0429, 0x042a, 0x042b, 0x042c, 0x042d, 0x042e, 0x042f, 0x0430, 0x0431, 0x0432, 0x0433,
    0x0434, 0x0435, 0x0436, 0x0437, 0x0438, 0x0439, 0x043a, 0x043b, 0x043c, 0x043d, 0x043e, 0x043f,
    0x2591, 0x2592, 0x2593, 0x2502, 0x2524, 0x2561, 0x2562, 0x2556, 0x2555, 0x2563, 0x2551, 0x2557,
    0x255d, 0x255c, 0x255b, 0x2510, 0x2514, 0x2534, 0x252c, 0x251c, 0x2500, 0x253c, 0x255e, 0x255f,
    0x255a, 0x2554, 0x2569, 0x2566, 0x2560, 0x2550, 0x256c, 0x2567, 0x2568, 0x2564, 0x2565, 0x2559,
    0x2558, 0x2552, 0x2553, 0x256b, 0x256a, 0x2518, 0x250c, 0x2588, 0x2584, 0x258c, 0x2590, 0x2580,
    0x0440, 0x0441, 0x0442, 0x0443, 0x0444, 0x0445, 0x0446, 0x0447, 0x0448, 0x0449, 0x044a, 0x044b,
    0x044c, 0x044d, 0x044e, 0x044f, 0x0401, 0x0451, 0x0404, 0x0454, 0x0407, 0x0457, 0x040e, 0x045e,
    0x00b0, 0x2219, 0x00b7, 0x221a, 0x2116, 0x00a4, 0x25a0, 0x00a0,
};

static size_t
letter_put(uint8_t byte, uint8_t *at)
{
    if (byte < UPPER) {
        at[0] = byte;
        return 1;
    }
    uint16_t letter = letters[byte - UPPER];
    if (letter < 0x800) {
        at[0] = (uint8_t)(0xc0 | letter >> 6);
        at[1] = (uint8_t)(0x80 | (letter & 0x3f));
        return 2;
    }
    at[0] = (uint8_t)(0xe0 | letter >> 12);
    at[1] = (uint8_t)(0x80 | (letter >> 6 & 0x3f));
    at[2] = (uint8_t)(0x80 | (letter & 0x3f));
    return 3;
}

static bool
is_padding(uint8_t byte)
{
    return byte == ' ' || byte == 0 || byte == '\t' || byte == '\r' || byte == '\n';
}

int
chek_ffd_text_read(struct chek_bytes_view value, struct chek_arena *arena,
                   struct chek_bytes_view *ret)
{
    while (value.size > 0 && is_padding(value.bytes[value.size - 1])) {
        value.size -= 1;
    }
    while (value.size > 0 && is_padding(value.bytes[0])) {
        value.bytes += 1;
        value.size -= 1;
    }
    uint8_t *text = chek_arena_take(arena, value.size * SPREAD + 1);
    size_t size = 0;
    if (text == NULL) {
        return CHEK_E_LIMIT;
    }
    for (size_t i = 0; i < value.size; i++) {
        if (value.bytes[i] == 0) {
            return CHEK_E_TEXT;
        }
        size += letter_put(value.bytes[i], text + size);
    }
    *ret = chek_bytes_view_of(text, size);
    return CHEK_OK;
}

/* The next code point of valid UTF-8. */
static uint32_t
point_take(struct chek_cursor *in)
{
    uint32_t point = chek_cursor_u8(in);
    unsigned more = point < 0x80 ? 0 : point < 0xe0 ? 1 : point < 0xf0 ? 2 : 3;
    point &= more == 0 ? 0x7f : 0x3fu >> more;
    for (unsigned i = 0; i < more; i++) {
        point = point << 6 | (chek_cursor_u8(in) & 0x3f);
    }
    return point;
}

int
chek_ffd_put_text(struct chek_writer *out, uint16_t tag, struct chek_bytes_view text, size_t width)
{
    uint8_t bytes[256];
    size_t size = 0;
    struct chek_cursor in = chek_cursor_over(text.bytes, text.size);
    if (!chek_utf8_is_valid(text)) {
        return CHEK_E_TEXT;
    }
    while (chek_cursor_left(&in) != 0) {
        uint32_t point = point_take(&in);
        size_t at = point < UPPER ? point : UPPER;
        while (at >= UPPER && at < 256 && letters[at - UPPER] != point) {
            at += 1;
        }
        if (at == 256 || size == sizeof bytes) {
            return CHEK_E_TEXT;
        }
        bytes[size++] = (uint8_t)at;
    }
    while (size < width && size < sizeof bytes) {
        bytes[size++] = ' ';
    }
    chek_ffd_put_bytes(out, tag, chek_bytes_view_of(bytes, size));
    return CHEK_OK;
}
