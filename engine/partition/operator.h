/* SPDX-License-Identifier: MIT */
/*
 * operator.h - the people who may work at registers, as a partition remembers them.
 *
 * An operator is of one registration or of all registrations of an organisation; the one of the
 * registration comes first where both have the same login. Of a password the state has a hash that
 * is keyed with the data folder's key, which nobody here knows.
 *
 *   Rules    ingest/CPCR.md R30..R36
 *   Threads  the owning shard
 */
#ifndef CHEK_PARTITION_OPERATOR_H
#define CHEK_PARTITION_OPERATOR_H

#include "engine/base/bytes.h"
#include "engine/base/error.h"

struct chek_partition;

#define CHEK_OPERATOR_HASH_SIZE 32
#define CHEK_OPERATOR_COUNT_MAX 512 /* of an organisation and all its registers */

/* Borrows the heap, until the next command. */
struct chek_operator {
    uint32_t registration; /* 0: any of the organisation */
    uint32_t code;
    uint8_t roles; /* bits of enum operator_role */
    struct chek_bytes_view login, name;
    const uint8_t *hash;
};

/*
 * The operator with this login at a register.
 *
 *   Errors     NOT_FOUND; *ret is unchanged
 *   Cost       a walk over the organisation's operators
 */
CHEK_MUST_USE int chek_partition_operator(const struct chek_partition *partition,
                                          struct chek_bytes_view organisation,
                                          uint32_t registration, struct chek_bytes_view login,
                                          struct chek_operator *ret);

/*
 * All operators of an organisation and its registers; of one register and its organisation when
 * `registration` is not 0. Returns how many.
 */
uint32_t chek_partition_operators(const struct chek_partition *partition,
                                  struct chek_bytes_view organisation, uint32_t registration,
                                  struct chek_operator ret[CHEK_OPERATOR_COUNT_MAX]);

#endif
