/* SPDX-License-Identifier: MIT */
/*
 * qr.h - the strings that are printed as QR codes on receipts.
 *
 * Russia: t=20240917T1801&s=815.30&fn=9999078900004312&i=1234&fp=3674755087&n=1. Kazakhstan: a URL with
 * i (fiscal sign), f (registration number), s, t. In the wild the order changes, the string is
 * percent-encoded, a URL stands before it or around it, the T is small or missing, seconds come or
 * not, and the sum has two decimals, one or none.
 *
 *   Source  FNS order ED-7-20/662@, appendix (Russia); MF RK order 626, p. 35 and 112 (Kazakhstan)
 */
#ifndef CHEK_QUERY_QR_H
#define CHEK_QUERY_QR_H

#include "engine/base/bytes.h"
#include "engine/base/error.h"

struct chek_qr {
    int64_t time; /* civil; 0 = not given */
    bool has_seconds;
    int64_t total;                /* minor units of a currency of two decimals; -1 = not given */
    uint64_t sign;                /* fp, or i in Kazakhstan */
    uint32_t document;            /* i in Russia; 0 in Kazakhstan */
    uint8_t operation;            /* n: 1..4, 0 = not given */
    char fiscal_drive[21];        /* fn; "" in Kazakhstan */
    char registration_number[33]; /* f; "" in Russia */
};

/*
 * Read a QR string.
 *
 *   Errors     NUMBER a value that is no number or below 0, OVERFLOW one above 64 bits, DATE a time
 *              that does not exist or that no document has, FIELD_MISSING neither (fn, i, fp) nor
 *              (f, i) are there, LIMIT a string above 2,048 bytes; *ret is unchanged
 */
CHEK_MUST_USE int chek_qr_read(struct chek_bytes_view text, struct chek_qr *ret);

#endif
