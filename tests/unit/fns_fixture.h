/* SPDX-License-Identifier: MIT */
/*
 * fns_fixture.h - what reading JSON of receipts told, as text.
 *
 * A document is a line or several, so that a row reads as what is expected of its JSON.
 */
#ifndef CHEK_TESTS_FNS_FIXTURE_H
#define CHEK_TESTS_FNS_FIXTURE_H

#include <stddef.h>

#include "engine/base/attribute.h"

#define FNS_TEXT_SIZE 16384

struct fns_text {
    char bytes[FNS_TEXT_SIZE];
    size_t size;
    unsigned document_count, refusal_count;
};

void fns_put(struct fns_text *text, const char *format, ...) CHEK_PRINTF(2, 3);

/* Read bytes in pieces of a size; the error it ended with. */
int fns_read(const char *bytes, size_t size, size_t piece, struct fns_text *text);

/* Both ways of reading: whole and byte by byte. */
void fns_check(const char *json, int error, const char *want);

/* The receipt that most tests change one thing of, as text, and its line. */
#define FNS_RECEIPT "99 inn 27\nsell 2024-01-01T10:00:00 shift 0/0 fd 1 fp 2 total 100"
#define FNS_LINE "\n  a 1000000*100=100"

#endif
