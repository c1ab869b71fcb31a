/* SPDX-License-Identifier: MIT */
/*
 * marking_again.h - sales of marked goods that were sold before and did not come back in between.
 *
 * Two receipts of one good have a hash in common, and marking tables are sorted by hashes: so one
 * range of hashes after the other is gathered from all tables and the open rows, and only documents
 * of hashes that come more than once are read. Nothing is kept, and memory is bounded.
 */
#ifndef CHEK_STORE_MARKING_AGAIN_H
#define CHEK_STORE_MARKING_AGAIN_H

#include "engine/store/marking_search.h"

#define CHEK_MARKING_HASH_END (UINT64_C(1) << 32)

/* A code of more receipts than that is no good's: it is passed over. (store README) */
#define CHEK_MARKING_SALE_COUNT_MAX 128

/* A sale, and the one before it. The code stands where the call says. */
struct chek_marking_again {
    struct chek_bytes_view code;
    struct chek_row_place sale, before;
};

#define CHEK_MARKING_AGAIN_COUNT_MAX 256 /* that a step gives at most */

/*
 * Judge the goods of some hashes from *hash_next on, CHEK_MARKING_HASH_END being behind the last one,
 * and move it behind them. Rows that are replaced do not count; of one good in the order in which
 * they came. A good that is in a receipt of another operation than a sale or its return is as it was.
 *
 *   Ownership  codes are in `arena`, of which 24 bytes an entry and a document's size is used
 *   Errors     LIMIT: the arena is smaller; COLD, CORRUPT, -errno, HALTED: *hash_next is unchanged
 *   Cost       reads what of the marking tables is in the range, at most `entry_count_max`, and the
 *              documents of hashes that come more than once; decodes open rows that have codes
 */
CHEK_MUST_USE int chek_marking_again(const struct chek_store *store, uint64_t *hash_next,
                                     uint32_t entry_count_max, struct chek_arena *arena,
                                     struct chek_marking_again ret[CHEK_MARKING_AGAIN_COUNT_MAX],
                                     uint32_t *ret_count);

#endif
