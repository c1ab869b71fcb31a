/* SPDX-License-Identifier: MIT */
/*
 * event_scan.h - every block of every event file, read whole and checked.
 *
 * A start reads what it needs (event_log.h); an offline check reads everything. A file is believed
 * as far as a start would believe it: up to the first block that is not whole, or not the next of
 * its partition. Whether what follows was lost or merely never finished, only the numbers tell: a
 * torn tail is made again by the replay of the log, under the same numbers, in a later file.
 *
 *   Source   persist/FORMAT.md "Events"
 *   Threads  one at a time; synchronous
 */
#ifndef CHEK_PERSIST_EVENT_SCAN_H
#define CHEK_PERSIST_EVENT_SCAN_H

#include "engine/base/bytes.h"
#include "engine/base/error.h"
#include "engine/io/io.h"

struct chek_event_block {
    const char *file; /* path inside the data folder */
    uint64_t offset;
    uint16_t partition;
    uint64_t seq;                /* of the first event */
    uint32_t count;              /* events */
    struct chek_bytes_view body; /* entries of u16 size and an encoded event, lent for the call */
};

struct chek_event_visitor {
    void *context;
    /* A block that counts. An error ends the scan and is returned. */
    int (*on_block)(void *context, const struct chek_event_block *block);
    /* From `offset` on the file is not believed: CORRUPT (not whole), GAP (whole, but not the next
     * of its partition), FOREIGN; or its padding is not zero: RESERVED, and the scan goes on. */
    void (*on_fault)(void *context, const char *file, uint64_t offset, int error);
};

/*
 * Read all event files in the order in which they were written.
 *
 *   Errors     -errno, -ENOMEM, HALTED; VERSION; what on_block returned
 */
CHEK_MUST_USE int chek_event_scan(struct chek_io *io, const uint64_t folder_id[2],
                                  unsigned partition_count,
                                  const struct chek_event_visitor *visitor);

#endif
