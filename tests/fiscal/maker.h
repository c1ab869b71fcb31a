/* SPDX-License-Identifier: MIT */
/*
 * maker.h - documents made up, as a register might say them next.
 *
 * What is made is in shape and covers what figures are made of: stornos, discounts, taxes of lines
 * and of tickets, change, numbers that are left out and come late, shifts by number and by silence,
 * poor copies and fuller ones. Everything follows from the random numbers, in one order of draws.
 */
#ifndef CHEK_TESTS_FISCAL_MAKER_H
#define CHEK_TESTS_FISCAL_MAKER_H

#include "engine/base/arena.h"
#include "engine/base/prng.h"
#include "tools/verify/naive/naive.h"

#define MAKER_SKIPPED_MAX 64

/* Where everything comes from. Ownership: borrows both; what is made lives in the arena. */
struct maker {
    struct chek_prng *prng;
    struct chek_arena *arena;
};

/* A register as far as it decides what comes next. */
struct maker_register {
    const struct chek_naive *naive; /* what it has said */
    uint32_t number;
    uint32_t skipped[MAKER_SKIPPED_MAX]; /* numbers that will come late */
    uint32_t skipped_count;
    uint64_t sign;
    int64_t time;
    uint32_t first_shift;
    uint32_t key_variety; /* sections, operators and rates to choose from */
    bool is_wide;         /* so many keys and lines that the caps of a cell are reached */
    bool with_names;      /* of goods and of buyers */
};

/* ---- draws ---- */

uint64_t maker_below(const struct maker *maker, uint64_t bound);
bool maker_chance(const struct maker *maker, uint64_t percent);

/* Zeroed memory of the arena, which is large enough (asserted). */
void *maker_take(const struct maker *maker, size_t size);
struct chek_bytes_view maker_text(const struct maker *maker, const char *prefix, uint64_t number);

/* ---- documents ---- */

/* A receipt without number and shift. It has a sign in the sender's order, or none. */
struct chek_receipt *maker_receipt(const struct maker *maker, struct maker_register *to);

/* Give a receipt a shift and a number, or neither number nor sign but an autonomous one. */
void maker_number_receipt(const struct maker *maker, struct maker_register *to,
                          struct chek_receipt *receipt);

/* The document of a receipt. */
struct chek_document *maker_wrap(const struct maker *maker, const struct chek_receipt *receipt);

/* A poorer copy of a receipt: some of what it carries is not there. */
const struct chek_document *maker_poorer(const struct maker *maker,
                                         const struct chek_receipt *receipt);

const struct chek_document *maker_movement(const struct maker *maker, struct maker_register *to);

/* A close: of the open shift mostly; else of a shift that nobody of the register has closed. */
const struct chek_document *maker_close(const struct maker *maker, struct maker_register *to);

/*
 * Another document under the keys of one: a conflict in the field *ret_field. In the arena; draws
 * nothing.
 */
const struct chek_document *maker_conflict(const struct maker *maker,
                                           const struct chek_document *document,
                                           uint16_t *ret_field);

#endif
