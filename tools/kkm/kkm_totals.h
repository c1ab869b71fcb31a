/* SPDX-License-Identifier: MIT */
/*
 * kkm_totals.h - a register's own X and Z, counted from its own documents.
 *
 * The rules are those of the protocol's reports; nothing is shared with the engine, whose answers
 * are compared with this. Documents are counted when they are acknowledged, in their order.
 *
 * Units: money in tiyn, counts, civil seconds (0: not there).
 */
#ifndef CHEK_KKM_TOTALS_H
#define CHEK_KKM_TOTALS_H

#include "engine/base/error.h"
#include "tools/kkm/kkm_document.h"

#define CHEK_KKM_SECTION_COUNT_MAX 8
#define CHEK_KKM_TAX_COUNT_MAX 8
#define CHEK_KKM_SECTION_CODE_SIZE 12

struct chek_kkm_tally {
    uint32_t count;
    int64_t sum;
};

struct chek_kkm_section_row {
    char code[CHEK_KKM_SECTION_CODE_SIZE];
    struct chek_kkm_tally operations[CHEK_KKM_OPERATION_COUNT];
};

struct chek_kkm_tax_sums {
    int64_t turnover, sum, turnover_without_tax;
};

struct chek_kkm_tax_row {
    uint32_t type, percent;
    struct chek_kkm_tax_sums operations[CHEK_KKM_OPERATION_COUNT];
};

struct chek_kkm_ticket_row {
    uint32_t total_count; /* of all shifts */
    uint32_t count, offline_count;
    int64_t sum, discount_sum, markup_sum, change_sum;
    struct chek_kkm_tally payments[CHEK_KKM_PAYMENT_TYPE_COUNT];
};

struct chek_kkm_placement_row {
    uint32_t total_count; /* of all shifts */
    uint32_t count, offline_count;
    int64_t sum;
};

struct chek_kkm_totals {
    uint32_t shift_number;
    uint32_t section_count, tax_count;
    int64_t open_s, close_s;
    struct chek_kkm_section_row sections[CHEK_KKM_SECTION_COUNT_MAX];
    struct chek_kkm_tally operations[CHEK_KKM_OPERATION_COUNT];
    struct chek_kkm_tally discounts[CHEK_KKM_OPERATION_COUNT];
    struct chek_kkm_tally markups[CHEK_KKM_OPERATION_COUNT];
    struct chek_kkm_tally total_result[CHEK_KKM_OPERATION_COUNT];
    struct chek_kkm_tax_row taxes[CHEK_KKM_TAX_COUNT_MAX];
    struct chek_kkm_ticket_row tickets[CHEK_KKM_OPERATION_COUNT];
    struct chek_kkm_placement_row placements[2]; /* deposits, withdrawals */
    int64_t start_non_nullable[CHEK_KKM_OPERATION_COUNT];
    int64_t non_nullable[CHEK_KKM_OPERATION_COUNT];
    int64_t cash_sum;
    int64_t revenue;
};

/*
 * Count one document. A close books the withdrawal it asks for and notes its time; the figures are
 * then the Z, until chek_kkm_totals_carry().
 *
 *   Errors     OVERFLOW a sum or a count does not fit; LIMIT more sections or taxes than have room;
 *              *totals is unchanged
 *   Cost       copies the totals once
 */
CHEK_MUST_USE int chek_kkm_totals_add(struct chek_kkm_totals *totals,
                                      const struct chek_kkm_document *document);

/* Begin the next shift after a close: what lives on stays, the rest is zero. */
void chek_kkm_totals_carry(struct chek_kkm_totals *totals);

/*
 * The row of a section or a tax, made when it is not there yet.
 *
 *   Ownership  part of *totals
 *   Errors     NULL when there are too many, or the code is too long
 */
struct chek_kkm_section_row *chek_kkm_totals_section(struct chek_kkm_totals *totals,
                                                     struct chek_bytes_view code);
struct chek_kkm_tax_row *chek_kkm_totals_tax(struct chek_kkm_totals *totals, uint32_t type,
                                             uint32_t percent);

#endif
