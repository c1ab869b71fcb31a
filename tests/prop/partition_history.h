/* SPDX-License-Identifier: MIT */
/*
 * partition_history.h - a random history of one partition: what some registers sell, shift by shift.
 *
 * The first command is the genesis of partition 3, the next ones are registrations; then receipts
 * with lines and taxes, discounts, returns, closes, and repeats of the document before. Equal seeds
 * give equal commands.
 */
#ifndef CHEK_TESTS_PARTITION_HISTORY_H
#define CHEK_TESTS_PARTITION_HISTORY_H

#include "engine/base/prng.h"
#include "engine/partition/partition.h"

#define PARTITION_HISTORY_REGISTERS 5
#define PARTITION_HISTORY_BODY_SIZE_MAX 8192

struct partition_history {
    struct chek_prng prng;
    uint32_t number[PARTITION_HISTORY_REGISTERS]; /* last regular number */
    uint32_t shift[PARTITION_HISTORY_REGISTERS];
    int64_t time;
    uint64_t seq;
    uint8_t body[PARTITION_HISTORY_BODY_SIZE_MAX];
    uint8_t last_body[PARTITION_HISTORY_BODY_SIZE_MAX]; /* of a document that may be repeated */
    size_t last_size;
    uint32_t last_register;
};

void partition_history_begin(struct partition_history *history, uint64_t seed);

/* The next command; its body is in the history until the next call. */
struct chek_command partition_history_next(struct partition_history *history);

#endif
