/* SPDX-License-Identifier: MIT */
/*
 * scan.h - the parts of a scan (of this room only): a segment, the open rows, one open row.
 */
#ifndef CHEK_STORE_SCAN_H
#define CHEK_STORE_SCAN_H

#include "engine/store/segment.h"
#include "engine/store/set.h"

struct store__scan {
    const struct chek_store *store;
    const struct chek_scan_filter *filter;
    struct chek_arena *arena;
    chek_scan_fn on_row;
    void *context;
    struct chek_cold
        *cold;          /* where groups that are not there are wished for; NULL: wait for them */
    bool only_replaced; /* of sealed rows */
    bool stopped;
};

/* Show the rows of a segment. Errors: LIMIT; as store__segment_use(). */
CHEK_MUST_USE int store__scan_segment(struct store__scan *scan, const struct chek_segment *segment);

/* Show the open rows. */
void store__scan_open(struct store__scan *scan);

/*
 * Return an open row, but for `replaced`, which the shard may change meanwhile.
 *
 *   Threads  any, while the set is full
 */
struct chek_scan_row store__scan_row_open(const struct store__row *in);

#endif
