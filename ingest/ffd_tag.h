/* SPDX-License-Identifier: MIT */
/*
 * ffd_tag.h - what is known of each tag of Russian fiscal documents, and of each document.
 *
 * One table: the tag, how its value is written, how long it may be, where it may stand, and the
 * name that JSON gives it there. A tag that is not in it, or that stands where it does not belong,
 * is carried and passed over (FFD.md F6).
 *
 *   Source   ingest/FFD.md "Tags"
 *   Threads  any thread
 */
#ifndef CHEK_INGEST_FFD_TAG_H
#define CHEK_INGEST_FFD_TAG_H

#include "engine/base/attribute.h"

enum chek_ffd_type {
    CHEK_FFD_TEXT,   /* CP866, no end mark */
    CHEK_FFD_BYTE,   /* one byte: a number or a mask */
    CHEK_FFD_U32,    /* four bytes */
    CHEK_FFD_UINT,   /* one to four bytes: sources disagree on the width */
    CHEK_FFD_TIME,   /* four bytes: seconds since 1970 of the wall clock */
    CHEK_FFD_VLN,    /* a number of up to eight bytes */
    CHEK_FFD_FVLN,   /* the count of decimals, then a VLN */
    CHEK_FFD_BYTES,  /* as they are */
    CHEK_FFD_NESTED, /* elements */
};

/* Where elements may stand, by what they stand in; bits. */
enum chek_ffd_place {
    CHEK_FFD_IN_DOCUMENT = 1 << 0,
    CHEK_FFD_IN_LINE = 1 << 1,        /* 1059, 1071 */
    CHEK_FFD_IN_COUNTERS = 1 << 2,    /* 1194, 1157, 1158 */
    CHEK_FFD_IN_OPERATION = 1 << 3,   /* 1129..1132, 1145, 1146, 1232, 1233 */
    CHEK_FFD_IN_CORRECTIONS = 1 << 4, /* 1133 */
    CHEK_FFD_IN_CODE = 1 << 5,        /* 1163 */
    CHEK_FFD_IN_FRACTION = 1 << 6,    /* 1291 */
    CHEK_FFD_IN_USER = 1 << 7,        /* 1084 */
    CHEK_FFD_IN_INDUSTRY = 1 << 8,    /* 1260, 1261 */
    CHEK_FFD_IN_VATS = 1 << 9,        /* 1115 */
    CHEK_FFD_IN_VAT = 1 << 10,        /* 1119 */
    CHEK_FFD_IN_CASHLESS = 1 << 11,   /* 1234 */
    CHEK_FFD_IN_PAYMENT = 1 << 12,    /* 1235 */
    CHEK_FFD_IN_BASIS = 1 << 13,      /* 1174 */
    CHEK_FFD_IN_AGENT = 1 << 14,      /* 1223 */
    CHEK_FFD_IN_SUPPLIER = 1 << 15,   /* 1224 */
    CHEK_FFD_IN_ANSWER = 1 << 16,     /* 1068 */
    CHEK_FFD_IN_BUYER = 1 << 17,      /* 1256 */
};

struct chek_ffd_tag {
    const char *name; /* as JSON says it */
    uint32_t places;  /* where it may stand */
    uint32_t inside;  /* NESTED: the place that its elements are in */
    uint16_t tag;
    uint16_t size_max; /* bytes */
    uint8_t size_min;
    uint8_t type; /* enum chek_ffd_type */
};

#define CHEK_FFD_TAG_FIRST 1000
#define CHEK_FFD_TAG_COUNT 1200

/* By tag from CHEK_FFD_TAG_FIRST on. What nothing is known of stands nowhere: `places` is 0. */
extern const struct chek_ffd_tag chek_ffd_tags[CHEK_FFD_TAG_COUNT];

/* What is known of a tag at a place; NULL: nothing. */
static inline const struct chek_ffd_tag *
chek_ffd_tag_at(uint16_t tag, uint32_t place)
{
    unsigned at = tag - (unsigned)CHEK_FFD_TAG_FIRST;
    const struct chek_ffd_tag *known = &chek_ffd_tags[at < CHEK_FFD_TAG_COUNT ? at : 0];
    return at < CHEK_FFD_TAG_COUNT && (known->places & place) != 0 ? known : NULL;
}

/* Kinds of documents: the code that the outermost element has for its tag. */
enum chek_ffd_code {
    CHEK_FFD_REGISTRATION = 1,
    CHEK_FFD_SHIFT_OPEN = 2,
    CHEK_FFD_RECEIPT = 3,
    CHEK_FFD_STRICT_FORM = 4,
    CHEK_FFD_SHIFT_CLOSE = 5,
    CHEK_FFD_DRIVE_CLOSE = 6,
    CHEK_FFD_CONFIRMATION = 7,
    CHEK_FFD_REREGISTRATION = 11,
    CHEK_FFD_STATE_OF_SETTLEMENTS = 21,
    CHEK_FFD_CORRECTION = 31,
    CHEK_FFD_STRICT_FORM_CORRECTION = 41,
    CHEK_FFD_MARKING_REQUEST = 81,
    CHEK_FFD_MARKING_NOTICE = 82,
    CHEK_FFD_MARKING_ANSWER = 83,
    CHEK_FFD_MARKING_NOTICE_ANSWER = 84,
};

struct chek_ffd_kind {
    const char *name;  /* as JSON says it */
    uint16_t size_max; /* bytes of the elements: the widest of all versions */
    uint8_t code;
};

/* What is known of a kind of document; NULL: nothing. */
const struct chek_ffd_kind *chek_ffd_kind_find(uint16_t code);

#endif
