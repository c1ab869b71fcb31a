/* SPDX-License-Identifier: MIT */
/*
 * kkm_life.h - what happens at a register, made from a seed.
 *
 * A life is a row of steps: documents, X and Z reports, shift after shift, some of the documents in
 * a time without connection. It depends on the seed and on what was acknowledged, not on when: the
 * same seed against a server that takes everything is the same life, however often connections
 * break.
 *
 * A shift is a day. A deposit may open it; sells, returns, buys and cash movements follow; the
 * drawer may be emptied, by a document or with the close. Tickets stay within what rules of reports
 * say without doubt: one rate on a ticket whose discount, markup or tax is the whole ticket's, a
 * storno of something on the same ticket, cash net of change, no withdrawal with a close that is
 * made offline.
 */
#ifndef CHEK_KKM_LIFE_H
#define CHEK_KKM_LIFE_H

#include "engine/base/prng.h"
#include "tools/kkm/kkm_document.h"

#define CHEK_KKM_TICKET_COUNT_MAX 20000 /* a shift has less than 24 hours */
#define CHEK_KKM_OFFLINE_COUNT_MAX 7    /* documents made in one time without connection */

struct chek_kkm_life_options {
    int64_t begin_s;       /* civil midnight of the first shift's day */
    uint32_t ticket_count; /* a shift */
    uint32_t shift_count;
    uint32_t offline_per_million; /* documents at which the connection is lost */
};

enum chek_kkm_step {
    CHEK_KKM_STEP_DOCUMENT,
    CHEK_KKM_STEP_X,
    CHEK_KKM_STEP_Z,
    CHEK_KKM_STEP_END,
};

struct chek_kkm_life {
    struct chek_prng prng;
    const struct chek_kkm_life_options *options;
    int64_t now_s;  /* civil time of the last document */
    int64_t drawer; /* cash, with what is not acknowledged yet */
    uint32_t shift_index, shift_number, document_number, ticket_left;
    uint8_t phase, cashier;
    uint8_t offline_left; /* documents still to be made without connection */
    bool breaks;          /* the connection is lost while the document just made is sent */
    struct chek_kkm_basis bases[2]; /* what may be returned: a sell, a buy */
};

/*
 * Begin a life with an empty drawer before shift 1.
 *
 *   Ownership  borrows `options` for ever
 */
void chek_kkm_life_init(struct chek_kkm_life *life, const struct chek_kkm_life_options *options,
                        uint64_t seed);

/* Go on where the register stands: the shift it is in, the cash it has, no earlier than then. */
void chek_kkm_life_resume(struct chek_kkm_life *life, uint32_t shift_number, int64_t cash,
                          int64_t after_s);

/* The next step; `*document` is written when it is one. */
enum chek_kkm_step chek_kkm_life_next(struct chek_kkm_life *life,
                                      struct chek_kkm_document *document);

/* A document was acknowledged, a ticket under `number`; a later return may name it. */
void chek_kkm_life_acknowledged(struct chek_kkm_life *life,
                                const struct chek_kkm_document *document, const char *number);

/* The shift is to be closed with the next document, whatever was still to come. */
void chek_kkm_life_close(struct chek_kkm_life *life);

/* Fill in a ticket; life's drawer follows when it has been made. Inside the room. */
void kkm__ticket_make(struct chek_kkm_life *life, struct chek_kkm_ticket *ticket);

#endif
