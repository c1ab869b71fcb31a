/* SPDX-License-Identifier: MIT */
/*
 * report_print.h - an X or a Z on a strip of paper's width.
 */
#ifndef CHEK_TOOLS_CHEK_REPORT_PRINT_H
#define CHEK_TOOLS_CHEK_REPORT_PRINT_H

#include "tools/chek/run.h"

/* Print a report; of a Z the part that came after the close, when there is one, and its chain. */
void chek__report_print(const struct chek_registered *whose,
                        const struct chek_answer_report *answer);

/* A line with something at its left and at its right end; a line of dashes. */
void chek__strip(const char *left, const char *right);
void chek__strip_rule(void);

/* A line in the middle; nothing for an empty text. */
void chek__strip_middle(struct chek_bytes_view text);
void chek__strip_view(const char *left, struct chek_bytes_view right);

/* Names for people, of enums. */
const char *chek__operation_name(uint8_t operation);
const char *chek__payment_name(uint8_t kind);
/* "VAT 20%", "VAT 20/120", "no VAT". */
void chek__tax_name(uint8_t kind, uint32_t rate, char text[48]);

#endif
