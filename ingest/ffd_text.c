/* SPDX-License-Identifier: MIT */
/*
 * ffd_text.c - texts of Russian fiscal documents: CP866 to UTF-8 and back.
 */
#include "engine/base/utf8.h"
#include "ingest/ffd_tlv.h"

#define UPPER 0x80
#define ONES UINT64_C(0x0101010101010101)
#define TOPS UINT64_C(0x8080808080808080)
#define SPREAD 3 /* bytes of UTF-8 that a byte becomes at most */

/*
 * The upper half of CP866 as UTF-8: its bytes from the lowest on, and their count on top. ASCII is
 * LETTER(byte) too, so that a text is read without asking what each byte is.
 */
#define LETTER(point)                                                                              \
    ((point) < 0x80 ? UINT32_C(0x01000000) | (uint32_t)(point)                                     \
     : (point) < 0x800                                                                             \
         ? UINT32_C(0x020080c0) | (uint32_t)(point) >> 6 | ((uint32_t)(point)&0x3f) << 8           \
         : UINT32_C(0x038080e0) | (uint32_t)(point) >> 12 | ((uint32_t)(point) >> 6 & 0x3f) << 8 | \
               ((uint32_t)(point)&0x3f) << 16)
#define L LETTER
static const uint32_t letters[256 - UPPER] = {
    L(0x0410), L(0x0411), L(0x0412), L(0x0413), L(0x0414), L(0x0415), L(0x0416), L(0x0417),
    L(0x0418), L(0x0419), L(0x041a), L(0x041b), L(0x041c), L(0x041d), L(0x041e), L(0x041f),
    L(0x0420), L(0x0421), L(0x0422), L(0x0423), L(0x0424), L(0x0425), L(0x0426), L(0x0427),
    L(0x0428), L(0x0429), L(0x042a), L(0x042b), L(0x042c), L(0x042d), L(0x042e), L(0x042f),
    L(0x0430), L(0x0431), L(0x0432), L(0x0433), L(0x0434), L(0x0435), L(0x0436), L(0x0437),
    L(0x0438), L(0x0439), L(0x043a), L(0x043b), L(0x043c), L(0x043d), L(0x043e), L(0x043f),
    L(0x2591), L(0x2592), L(0x2593), L(0x2502), L(0x2524), L(0x2561), L(0x2562), L(0x2556),
    L(0x2555), L(0x2563), L(0x2551), L(0x2557), L(0x255d), L(0x255c), L(0x255b), L(0x2510),
    L(0x2514), L(0x2534), L(0x252c), L(0x251c), L(0x2500), L(0x253c), L(0x255e), L(0x255f),
    L(0x255a), L(0x2554), L(0x2569), L(0x2566), L(0x2560), L(0x2550), L(0x256c), L(0x2567),
    L(0x2568), L(0x2564), L(0x2565), L(0x2559), L(0x2558), L(0x2552), L(0x2553), L(0x256b),
    L(0x256a), L(0x2518), L(0x250c), L(0x2588), L(0x2584), L(0x258c), L(0x2590), L(0x2580),
    L(0x0440), L(0x0441), L(0x0442), L(0x0443), L(0x0444), L(0x0445), L(0x0446), L(0x0447),
    L(0x0448), L(0x0449), L(0x044a), L(0x044b), L(0x044c), L(0x044d), L(0x044e), L(0x044f),
    L(0x0401), L(0x0451), L(0x0404), L(0x0454), L(0x0407), L(0x0457), L(0x040e), L(0x045e),
    L(0x00b0), L(0x2219), L(0x00b7), L(0x221a), L(0x2116), L(0x00a4), L(0x25a0), L(0x00a0),
};
#undef L

static bool
is_padding(uint8_t byte)
{
    return byte == ' ' || byte == 0 || byte == '\t' || byte == '\r' || byte == '\n';
}

/* Copy ASCII without a NUL in words, as far as it goes; returns how far. */
static size_t
ascii_copy(struct chek_bytes_view from, uint8_t *to)
{
    size_t at = 0;
    while (from.size - at >= sizeof(uint64_t)) {
        uint64_t word = chek_load_u64(from.bytes + at);
        if (((word | (word - ONES)) & TOPS) != 0) {
            break;
        }
        chek_store_u64(to + at, word);
        at += sizeof word;
    }
    return at;
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
    uint8_t *text = chek_arena_take(arena, value.size * SPREAD + sizeof letters[0]);
    if (text == NULL) {
        return CHEK_E_LIMIT;
    }
    size_t at = ascii_copy(value, text);
    size_t size = at;
    bool has_nul = false;
    for (; at < value.size; at++) {
        uint8_t byte = value.bytes[at];
        uint32_t upper = letters[byte & (UPPER - 1)];
        uint32_t letter = byte < UPPER ? LETTER(byte & (UPPER - 1)) : upper;
        has_nul |= byte == 0;
        chek_store_u32(text + size, letter);
        size += letter >> 24;
    }
    if (has_nul) {
        return CHEK_E_TEXT;
    }
    *ret = chek_bytes_view_of(text, size);
    return CHEK_OK;
}

/* The next letter of valid UTF-8, as the table has it. */
static uint32_t
letter_take(struct chek_cursor *in)
{
    uint32_t letter = chek_cursor_u8(in);
    unsigned size = letter < 0x80 ? 1 : letter < 0xe0 ? 2 : letter < 0xf0 ? 3 : 4;
    for (unsigned i = 1; i < size; i++) {
        letter |= (uint32_t)chek_cursor_u8(in) << (8 * (i & 3));
    }
    return size == 4 ? 0 : letter | (uint32_t)size << 24; /* CP866 has none of four bytes */
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
        uint32_t letter = letter_take(&in);
        size_t at = letter >> 24 == 1 ? letter & (UPPER - 1) : UPPER;
        while (at >= UPPER && at < 256 && letters[at - UPPER] != letter) {
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
