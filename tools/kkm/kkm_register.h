/* SPDX-License-Identifier: MIT */
/*
 * kkm_register.h - one register: its life, its queue, its token, its own figures.
 *
 * No socket and no clock. The caller asks for the next request, sends it, and hands back the answer
 * or the news that there is none. One request is in flight at a time.
 *
 *   Token     A request takes the next number. Without an answer the same bytes are sent again,
 *             sometimes behind a SYSTEM; a document that was counted then gets its stored answer.
 *             A register that lost the newest token (INVALID_TOKEN) sends its last acknowledged
 *             document again and learns it.
 *   Queue     Documents made without connection wait in order, numbered when they are sent. When
 *             the connection broke with a document on the way, that one is first; otherwise a
 *             SYSTEM. New documents join the queue while it is not empty.
 *   Figures   A document counts when it is acknowledged. Every X and Z that comes is compared.
 */
#ifndef CHEK_KKM_REGISTER_H
#define CHEK_KKM_REGISTER_H

#include "tools/kkm/kkm_answer.h"
#include "tools/kkm/kkm_compare.h"
#include "tools/kkm/kkm_decide.h"
#include "tools/kkm/kkm_message.h"

#define CHEK_KKM_QUEUE_COUNT_MAX (CHEK_KKM_OFFLINE_COUNT_MAX + 1)
#define CHEK_KKM_TOLD_SIZE 256

/* What all registers of a run have done. */
struct chek_kkm_counts {
    uint64_t tickets, documents, offline, shifts; /* acknowledged */
    uint64_t requests, cuts, retries, pings, recoveries;
    uint64_t auths, auths_denied, nomenclatures; /* answered as they should be */
    uint64_t x_compared, x_differences, z_compared, z_differences, fields_different;
    uint64_t wrong_answers; /* that the protocol does not allow */
    uint64_t refused, blocked, finished;
    char first_difference[CHEK_KKM_TOLD_SIZE];
    char first_refusal[CHEK_KKM_TOLD_SIZE];
    char first_wrong_answer[CHEK_KKM_TOLD_SIZE];
};

/* What registers share; one thread. */
struct chek_kkm_shared {
    const struct chek_kkm_options *options;
    struct chek_kkm_counts counts;
    struct chek_arena request_arena, answer_arena;
    struct chek_kkm_answer answer;
    struct chek_kkm_totals totals;
};

enum chek_kkm_register_state {
    CHEK_KKM_REGISTER_FRESH, /* asks where it stands first */
    CHEK_KKM_REGISTER_WORKING,
    CHEK_KKM_REGISTER_FINISHED, /* all shifts are closed */
    CHEK_KKM_REGISTER_BLOCKED,  /* refused, or answered against the protocol */
};

/* The request that is to be answered before the next one. */
struct chek_kkm_pending {
    bool is_there;
    bool is_recovery;
    enum chek_kkm_request_kind kind;
    uint16_t reqnum;
    uint32_t token;
    uint32_t attempt_count;
    int64_t now_s, lost_s, back_s;
    struct chek_kkm_question question;
};

struct chek_kkm_register {
    struct chek_kkm_identity identity;
    enum chek_kkm_register_state state;
    struct chek_prng trouble;
    struct chek_kkm_life life;
    struct chek_kkm_asker asker;
    struct chek_kkm_totals totals;
    struct chek_kkm_pending pending;
    uint32_t token;
    uint16_t reqnum;
    bool pings_first;   /* a SYSTEM goes before the pending request is sent again */
    bool is_pinging;    /* it is on the way */
    bool must_break;    /* the connection breaks with what is sent next */
    bool must_recover;  /* the last document goes before everything else */
    bool was_recovered; /* since a document was acknowledged */
    bool is_token_old;  /* it was lost; what the simulator knows and the register does not */
    int64_t lost_s;     /* since when there is no connection; 0: there is */
    uint32_t queue_at, queue_count;
    struct chek_kkm_document queue[CHEK_KKM_QUEUE_COUNT_MAX];
    bool has_last;
    uint16_t last_reqnum;
    uint32_t last_token;
    int64_t last_lost_s, last_back_s;
    char last_number[CHEK_KKM_NUMBER_SIZE];
    struct chek_kkm_document last; /* acknowledged */
};

/* How a send is to go wrong. */
enum chek_kkm_cut_kind {
    CHEK_KKM_CUT_NOT,
    CHEK_KKM_CUT_SENDING, /* after `at` bytes of the request */
    CHEK_KKM_CUT_WAITING, /* when all is sent */
    CHEK_KKM_CUT_READING, /* after `at` bytes of the answer, unless it has no more */
};

struct chek_kkm_cut {
    enum chek_kkm_cut_kind kind;
    uint32_t at;
    bool is_reset; /* RST, not FIN */
};

/*
 * Make what registers share.
 *
 *   Ownership  borrows `options` for ever; chek_kkm_shared_finish()
 *   Errors     -ENOMEM; nothing is kept
 */
CHEK_MUST_USE int chek_kkm_shared_init(struct chek_kkm_shared *shared,
                                       const struct chek_kkm_options *options);
void chek_kkm_shared_finish(struct chek_kkm_shared *shared);

/* Make the register of a run at `index`, from 0. */
void chek_kkm_register_init(struct chek_kkm_register *kkm, const struct chek_kkm_options *options,
                            uint32_t index);

/* Decide what the register says next. Returns false when there is nothing: it is finished or
 * blocked. */
bool chek_kkm_register_plans(struct chek_kkm_register *kkm, struct chek_kkm_shared *shared);

/* Write what the register says next. Returns the size; 0: it is finished or blocked. */
size_t chek_kkm_register_request(struct chek_kkm_register *kkm, struct chek_kkm_shared *shared,
                                 uint8_t into[CHEK_KKM_REQUEST_SIZE_MAX]);

/* Draw how the send of a request of `size` bytes goes. */
struct chek_kkm_cut chek_kkm_register_cut(struct chek_kkm_register *kkm,
                                          struct chek_kkm_shared *shared, size_t size);

/* There will be no answer to what was said. */
void chek_kkm_register_broken(struct chek_kkm_register *kkm, const struct chek_kkm_shared *shared);

/* Take an answer, one whole message. Returns whether the register may go on at once; otherwise it
 * waits before it says the same again. */
bool chek_kkm_register_answer(struct chek_kkm_register *kkm, struct chek_kkm_shared *shared,
                              struct chek_bytes_view bytes);

/* Make documents while life has no connection; a report waits for another time. Inside the room. */
void kkm__queue_fill(struct chek_kkm_register *kkm);

#endif
