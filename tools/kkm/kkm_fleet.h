/* SPDX-License-Identifier: MIT */
/*
 * kkm_fleet.h - many registers, each with a connection of its own, in one thread.
 *
 * Registers connect from different addresses of 127.0.0.0/8 when the server is there too, so that
 * none runs out of ports. Connections are cut as the registers draw it. A server that is away is
 * tried again until the patience ends.
 */
#ifndef CHEK_KKM_FLEET_H
#define CHEK_KKM_FLEET_H

#include "tools/kkm/kkm_register.h"
#include "tools/load/histogram.h"

struct chek_kkm_run {
    struct chek_kkm_counts counts;
    struct chek_histogram
        latency; /* ns from a request, with its connecting if it has any, to its answer */
    uint64_t wall_ns;
    uint32_t at_once; /* registers, as many as the file limit allows */
    bool is_limited;  /* fewer than were asked for */
    bool gave_up;     /* the server did not answer any more */
    uint64_t connections;
};

/* Called a few times a second with what has been done so far. */
typedef void (*chek_kkm_on_progress)(void *context, const struct chek_kkm_counts *counts);

/*
 * Let all registers of a run live their lives.
 *
 *   Ownership  borrows everything for the call; `on_progress` may be NULL
 *   Errors     NOT_FOUND, USAGE the address; -ENOMEM; -errno of making a socket or an epoll. A
 *              server that is not there is no error but `gave_up`
 *   Cost       about 8 KiB a register
 */
CHEK_MUST_USE int chek_kkm_fleet_run(const struct chek_kkm_options *options,
                                     chek_kkm_on_progress on_progress, void *context,
                                     struct chek_kkm_run *ret);

#endif
