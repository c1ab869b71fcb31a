/* SPDX-License-Identifier: MIT */
/*
 * nomenclature.h - what registers of an organisation sell, as a partition remembers it.
 *
 * A nomenclature is a list of groups and items that registers fetch. An organisation may have one for
 * all its registers, one for each trade point and one for each register; a register is told the one
 * that is nearest to it. Whenever one is replaced by another list it gets the next version of the
 * organisation, so that a version says which list a register has, whatever came or went meanwhile. A list is
 * kept as the bytes of a record `nomenclature`; a partition does not look into it. One without
 * elements removes what there is.
 *
 *   Rules    ingest/CPCR.md R90..R99
 *   Threads  the owning shard
 */
#ifndef CHEK_PARTITION_NOMENCLATURE_H
#define CHEK_PARTITION_NOMENCLATURE_H

#include "engine/base/bytes.h"
#include "engine/base/error.h"

struct chek_partition;

#define CHEK_NOMENCLATURE_COUNT_MAX 2048 /* of points and registers of an organisation */

/* Whose: of the register `device`, or if it is 0 of `point`, or if that is empty of all. */
struct chek_nomenclature_whose {
    struct chek_bytes_view organisation, point;
    uint32_t device;
};

struct chek_nomenclature_state {
    uint64_t version; /* from 1; no other list of the organisation has it or had it */
    int64_t created;  /* civil; 0: not said */
    uint32_t size;    /* of its bytes */
    uint32_t count;   /* of its elements */
    uint32_t first;   /* where its bytes are, until the next command */
};

/* Borrows the heap, until the next command. */
struct chek_nomenclature_known {
    struct chek_nomenclature_whose whose;
    struct chek_nomenclature_state state;
};

/*
 * The one of exactly this register, point or organisation.
 *
 *   Errors     NOT_FOUND none was loaded, or it was removed; *ret is unchanged
 */
CHEK_MUST_USE int chek_partition_nomenclature(const struct chek_partition *partition,
                                              const struct chek_nomenclature_whose *whose,
                                              struct chek_nomenclature_state *ret);

/*
 * The one that a register is told: its own, else that of the point where it stands, else that of
 * its organisation. (R99)
 *
 *   Errors     NOT_FOUND there is none of these; *ret is unchanged
 */
CHEK_MUST_USE int chek_partition_nomenclature_of(const struct chek_partition *partition,
                                                 const struct chek_nomenclature_whose *stands,
                                                 struct chek_nomenclature_state *ret);

/*
 * Copy its bytes, an encoded `nomenclature` of organisation and elements, to `bytes`, which has room
 * for `state->size` of them.
 */
void chek_partition_nomenclature_read(const struct chek_partition *partition,
                                      const struct chek_nomenclature_state *state, uint8_t *bytes);

/* All of an organisation, that of all its registers first. Returns how many. */
uint32_t chek_partition_nomenclatures(
    const struct chek_partition *partition, struct chek_bytes_view organisation,
    struct chek_nomenclature_known ret[CHEK_NOMENCLATURE_COUNT_MAX + 1]);

#endif
