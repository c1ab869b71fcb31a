/* SPDX-License-Identifier: MIT */
/*
 * account.h - what the server must say afterwards, by the most naive way of adding.
 *
 * One cell a register and operation; and for a few registers, one a shift and operation, to
 * compare with X and Z. A receipt counts when its first copy was made; that the server
 * acknowledged each document with the status due to it is the sender's to see.
 */
#ifndef CHEK_LOAD_ACCOUNT_H
#define CHEK_LOAD_ACCOUNT_H

#include "tools/load/workload.h"

#define CHEK_ACCOUNT_SAMPLE_COUNT_MAX 16
#define CHEK_ACCOUNT_SHIFT_COUNT_MAX 64 /* of a sampled register; later ones are not compared */
#define CHEK_ACCOUNT_PAYMENT_COUNT 3    /* cash, card, mobile */

struct chek_account_cell {
    uint64_t tickets, positions, offline;
    int64_t net, tax;
    uint64_t payment_counts[CHEK_ACCOUNT_PAYMENT_COUNT];
    int64_t payment_sums[CHEK_ACCOUNT_PAYMENT_COUNT];
};

struct chek_account {
    uint32_t register_count, sample_count, sample_step;
    struct chek_account_cell *cells;         /* register, operation */
    struct chek_account_cell *sampled_cells; /* sample, shift - 1, operation */
    uint32_t *sampled_shifts;                /* sample: the last one closed */
};

/* Errors: -ENOMEM. */
CHEK_MUST_USE int chek_account_init(struct chek_account *account, uint32_t register_count);
void chek_account_finish(struct chek_account *account);

void chek_account_add(struct chek_account *account, const struct chek_workload_document *document);

const struct chek_account_cell *chek_account_cell(const struct chek_account *account,
                                                  uint32_t register_index, uint8_t operation);
const struct chek_account_cell *chek_account_sampled_cell(const struct chek_account *account,
                                                          uint32_t sample, uint32_t shift,
                                                          uint8_t operation);

#endif
