/* SPDX-License-Identifier: MIT */
/*
 * marking.h - codes of marked goods ("Chestny Znak"), printed or out of a receipt.
 *
 * A code is met as the whole of what a scanner reads (AI 01 and 21, a check part behind a group
 * separator), as a receipt keeps it (the same without check part), as a tobacco pack has it (no AIs
 * at all), as tag 1162 of FFD up to 1.1 (two bytes of type, six of GTIN, the serial number), in
 * brackets for people. One good has one canonical text, whichever form came: GTIN and serial number
 * as "01..21..", of tobacco the first 25 characters. Serial numbers have almost every sign in them,
 * so nothing is ever looked for as a text: places count.
 *
 *   Source   ingest/FFD_JSON.md "Marking codes"
 *   Threads  any; nothing is kept
 */
#ifndef CHEK_INGEST_MARKING_H
#define CHEK_INGEST_MARKING_H

#include "engine/base/bytes.h"
#include "engine/base/error.h"

#define CHEK_MARKING_TEXT_MAX 64 /* of a canonical text */

enum chek_marking_kind {
    CHEK_MARKING_KIND_UNKNOWN, /* kept as it came */
    CHEK_MARKING_KIND_GS1,     /* 01 GTIN 21 serial */
    CHEK_MARKING_KIND_TOBACCO, /* GTIN, 7 of serial, 4 of the highest price, perhaps 4 of check */
    CHEK_MARKING_KIND_FUR,     /* RU-NNNNNN-AAANNNNNNN */
    CHEK_MARKING_KIND_ALCOHOL, /* EGAIS */
    CHEK_MARKING_KIND_BARCODE, /* EAN or ITF: a kind of goods, not one good */
};

/* What is odd about a code; a set of bits. */
enum chek_marking_note {
    CHEK_MARKING_NOTE_GTIN = 1 << 0,      /* its check digit is wrong */
    CHEK_MARKING_NOTE_SERIAL = 1 << 1,    /* no product group has serials of this size */
    CHEK_MARKING_NOTE_ALPHABET = 1 << 2,  /* a sign that no serial has */
    CHEK_MARKING_NOTE_CHECK = 1 << 3,     /* a check part, which no receipt keeps */
    CHEK_MARKING_NOTE_SEPARATOR = 1 << 4, /* the separator before the check part was lost */
    CHEK_MARKING_NOTE_UNKNOWN = 1 << 5,   /* no structure that we know */
};

struct chek_marking {
    enum chek_marking_kind kind;
    uint32_t notes;
    uint64_t gtin;                        /* 0: none */
    char text[CHEK_MARKING_TEXT_MAX + 1]; /* canonical, NUL behind it; "" when it is too long */
    size_t text_size;
};

/*
 * Understand a code as it is printed or as FFD 1.2 keeps it. Never fails: what has no known
 * structure is UNKNOWN, and its text is what came.
 *
 *   Cost   below 100 ns; no allocation
 */
void chek_marking_read(struct chek_bytes_view code, struct chek_marking *ret);

/* Understand the value of tag 1162. As above. */
void chek_marking_read_tag(struct chek_bytes_view value, struct chek_marking *ret);

/* The same as hexadecimal digits, with or without spaces between bytes. Errors: NUMBER when they
 * are none, LIMIT above 32 bytes; *ret is unchanged. */
CHEK_MUST_USE int chek_marking_read_hex(struct chek_bytes_view digits, struct chek_marking *ret);

/* Whether the last digit of a GTIN of 8, 12, 13 or 14 digits is right; leading zeros do not count. */
bool chek_gtin_is_valid(uint64_t gtin);

#endif
