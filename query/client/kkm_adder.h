/* SPDX-License-Identifier: MIT */
/*
 * kkm_adder.h - libchek: many registers of Kazakhstan added over one connection.
 *
 * Some are on their way at a time, as each waits for two syncs of the server; the answer to each is
 * handed over with the number that the caller gave it.
 *
 *   Threads  the client's
 */
#ifndef CHEK_CLIENT_KKM_ADDER_H
#define CHEK_CLIENT_KKM_ADDER_H

#include "query/client/client.h"

#define CHEK_KKM_ADDER_WINDOW 8 /* the server works on few such changes at once */

/*
 * One was added, or refused: then `added` is NULL and `failure` tells why. Anything but CHEK_OK ends
 * the call that it came in and is what that returns.
 */
typedef int (*chek_kkm_on_added)(void *context, uint64_t number, const struct chek_kkm_added *added,
                                 const struct chek_failure *failure);

/* Embedded by callers; all zero but these three. */
struct chek_kkm_adder {
    struct chek_client *client; /* nothing else is in flight on it */
    chek_kkm_on_added on_added;
    void *context;
    struct {
        uint64_t frame_id, number;
        bool is_open;
    } rows[CHEK_KKM_ADDER_WINDOW];
};

/*
 * Send one; waits for answers until there is room for it. What was sent by a call that failed is
 * unknown: it may be added again, and is refused with EXISTS when it is there.
 *
 *   Ownership  borrows `what` for the call
 *   Errors     LIMIT it is too long, nothing was sent; what on_added returned; as chek_client_send()
 *              and chek_client_receive(); an answer that cannot be read
 */
CHEK_MUST_USE int chek_kkm_adder_add(struct chek_kkm_adder *adder, uint64_t number,
                                     const struct chek_kkm_add *what);

/* Wait for the answers that are still to come. Errors: as above. */
CHEK_MUST_USE int chek_kkm_adder_finish(struct chek_kkm_adder *adder);

#endif
