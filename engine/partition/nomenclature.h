/* SPDX-License-Identifier: MIT */
/*
 * nomenclature.h - what registers of an organisation sell, as a partition remembers it.
 *
 * An organisation has one nomenclature: a list of groups and items that its registers fetch, with a
 * version that rises whenever it is replaced by another one. It is kept as the bytes of a record
 * `nomenclature`; a partition does not look into it. One without elements removes what there is.
 *
 *   Rules    ingest/CPCR.md R90..R98
 *   Threads  the owning shard
 */
#ifndef CHEK_PARTITION_NOMENCLATURE_H
#define CHEK_PARTITION_NOMENCLATURE_H

#include "engine/base/bytes.h"
#include "engine/base/error.h"

struct chek_partition;

struct chek_nomenclature_state {
    uint64_t version; /* from 1 */
    int64_t created;  /* civil; 0: not said */
    uint32_t size;    /* of its bytes */
};

/*
 * What there is of an organisation.
 *
 *   Errors     NOT_FOUND none was loaded, or it was removed; *ret is unchanged
 */
CHEK_MUST_USE int chek_partition_nomenclature(const struct chek_partition *partition,
                                              struct chek_bytes_view organisation,
                                              struct chek_nomenclature_state *ret);

/*
 * Copy its bytes, an encoded `nomenclature` of organisation and elements, to `bytes`, which has room
 * for chek_nomenclature_state.size of them. It is there (asserted).
 */
void chek_partition_nomenclature_read(const struct chek_partition *partition,
                                      struct chek_bytes_view organisation, uint8_t *bytes);

#endif
