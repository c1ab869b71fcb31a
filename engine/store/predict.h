/* SPDX-License-Identifier: MIT */
/*
 * predict.h - what a number probably is, given others of its document (of this room only).
 *
 * A segment stores what a number differs from its prediction, which for most columns is nothing:
 * the sum of a line follows from price and quantity, a tax from its rate. Any prediction is right
 * as long as writer and reader agree, so these rules never change. (format) All of it wraps.
 */
#ifndef CHEK_STORE_PREDICT_H
#define CHEK_STORE_PREDICT_H

#include "engine/base/limits.h"

/* price * quantity in 10^-6, rounded half up; 0 when that does not fit 64 bits. */
static inline uint64_t
store__predict_line_sum(uint64_t price, uint64_t quantity)
{
    uint64_t product;
    if (__builtin_mul_overflow(price, quantity, &product) ||
        __builtin_add_overflow(product, UINT64_C(500000), &product)) {
        return 0;
    }
    return product / 1000000;
}

/* The tax in an amount, or on top of it, rounded half up; 0 when that does not fit 64 bits. */
static inline uint64_t
store__predict_tax(uint64_t rate, bool on_top, uint64_t turnover, uint64_t owner_sum)
{
    uint64_t amount = turnover != 0 ? turnover : owner_sum;
    uint64_t whole = on_top ? 100000 : 100000 + rate;
    uint64_t product;
    if (__builtin_mul_overflow(amount, rate, &product) ||
        __builtin_add_overflow(product, whole / 2, &product)) {
        return 0;
    }
    return product / whole;
}

#endif
