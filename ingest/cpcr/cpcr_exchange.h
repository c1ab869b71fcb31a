/* SPDX-License-Identifier: MIT */
/*
 * cpcr_exchange.h - one request of a register and its answer, on the shard that owns the register.
 *
 *   1. chek_cpcr_take() reads and judges the request by the applied state, and forms what is to be logged
 *   2. the caller logs that, if there is anything, and waits until it is applied
 *   3. chek_cpcr_counted() notes what it led to
 *   4. chek_cpcr_answer() writes the answer from the state as it then is
 *
 * Between 1 and 3 no other request of the same device is taken: the caller sees to that.
 *
 *   Rules    ingest/CPCR.md
 *   Threads  the owning shard
 */
#ifndef CHEK_INGEST_CPCR_EXCHANGE_H
#define CHEK_INGEST_CPCR_EXCHANGE_H

#include "engine/base/writer.h"
#include "engine/io/io.h"
#include "ingest/cpcr/cpcr_document.h"
#include "ingest/cpcr/cpcr_frame.h"
#include "ingest/cpcr/cpcr_nomenclature.h"
#include "ingest/cpcr/cpcr_token.h"

/* The largest answer: 256 sections and 64 taxes in every operation, with names as long as may be. */
#define CHEK_CPCR_ANSWER_SIZE_MAX (512 * 1024)

/* Bits of a device's policy: what is refused online. Offline documents are kept (R70). */
#define CHEK_CPCR_POLICY_FIELDS UINT32_C(1)   /* fields that the version makes mandatory: 15 */
#define CHEK_CPCR_POLICY_CASH UINT32_C(2)     /* more cash out than is in the drawer: 14 */
#define CHEK_CPCR_POLICY_SHIFT UINT32_C(4)    /* a ticket after 24 hours of shift: 11 */
#define CHEK_CPCR_POLICY_CUSTOMER UINT32_C(8) /* a customer who is the seller: 17 */
#define CHEK_CPCR_POLICY_DEFAULT \
    (CHEK_CPCR_POLICY_CASH | CHEK_CPCR_POLICY_SHIFT | CHEK_CPCR_POLICY_CUSTOMER)

/* What an exchange works with. */
struct chek_cpcr_ground {
    struct chek_partition *partition; /* only read */
    const struct chek_subject_key *key;
    struct chek_io *io; /* nonces; the wall clock where a register has no time yet */
    const char *qr_url;
    struct chek_arena *arena; /* of the call */
    uint32_t registration;    /* 0: the device is not known */
    bool without_autonomous;  /* the last attempt was a conflict: R76 */
    bool looks_ahead;         /* look at all the rows that applying the document will look at */
    bool is_erasing; /* persons that are there may be erased before the document is applied */
};

/* Who AUTH found. (R33) */
struct chek_cpcr_auth {
    bool is_ok;
    bool is_limited; /* R37 */
    uint8_t roles, name_size;
    uint32_t code;
    uint8_t name[64];
};

struct chek_cpcr_exchange {
    struct chek_cpcr_head head; /* of the request */
    struct chek_cpcr_fault fault;
    uint32_t command;
    int64_t time; /* of a report's request */
    bool is_document, is_offline, wants_x, wants_service;
    bool is_known, is_blocked;
    struct chek_cpcr_auth auth;
    struct chek_cpcr_goods goods;
    /* To be logged; all in the arena of chek_cpcr_take(). */
    uint8_t kind; /* of the command */
    uint8_t verdict;
    struct chek_bytes_view body;                                   /* what kind says */
    struct chek_bytes_view subject_bodies[CHEK_SUBJECT_COUNT_MAX]; /* command_subject, before it */
    uint32_t subject_count;
};

/*
 * Read and judge a whole frame (head and message).
 *
 *   Ownership  *ret keeps nothing of `frame`; its bodies are in ground->arena
 *   Returns    whether ret->body is to be logged; all is void when the partition's store was asked
 *              and wished for rows (engine/store/cold.h)
 *   Cost       a request walked, a document checked and encoded twice: bench_cpcr, and half of what
 *              it was when protobuf-c unpacked what was walked
 */
CHEK_MUST_USE bool chek_cpcr_take(const struct chek_cpcr_ground *ground,
                                  struct chek_bytes_view frame, struct chek_cpcr_exchange *ret);

/* What was logged was applied with this result, or could not be logged (a negative error). */
void chek_cpcr_counted(struct chek_cpcr_exchange *exchange, const struct chek_result *result,
                       int error);

/*
 * Whether the exchange is to be taken again, without its autonomous sign: an offline document that
 * another one has the sign and the minute of is not refused for that (R76).
 */
bool chek_cpcr_comes_again(const struct chek_cpcr_exchange *exchange,
                           const struct chek_result *result);

/*
 * Write the answer, a whole frame.
 *
 *   Ownership  `out` has room for CHEK_CPCR_ANSWER_SIZE_MAX
 *   Errors     none: rows that cannot be read make it a refusal with 254 (R77); void as above
 */
void chek_cpcr_answer(const struct chek_cpcr_ground *ground,
                      const struct chek_cpcr_exchange *exchange, struct chek_writer *out);

/* cpcr_business.c: what forbids a document now. CHEK_CPCR_OK, or the code in *fault. (R70..R75) */
CHEK_MUST_USE uint32_t ingest__cpcr_allow(const struct chek_cpcr_ground *ground,
                                          const struct chek_device *device,
                                          const struct chek_cpcr_message *message,
                                          const struct chek_document *document,
                                          struct chek_cpcr_fault *fault);

/* cpcr_business.c: the wall clock of the register's place, now. (R78) */
int64_t ingest__cpcr_wall(const struct chek_cpcr_ground *ground);

/* cpcr_business.c: the warnings of a document that depend on when it comes. (R78) */
uint32_t ingest__cpcr_late(const struct chek_cpcr_ground *ground,
                           const struct chek_cpcr_message *message, int64_t time);

/* cpcr_answer.c: the figures that a report, a close or INFO is answered with; NULL: no memory. */
Ingest__ReportResponse *ingest__cpcr_figures(const struct chek_cpcr_ground *ground,
                                             const struct chek_cpcr_exchange *exchange,
                                             const struct chek_device *device);
Ingest__ServiceResponse *ingest__cpcr_service(const struct chek_cpcr_ground *ground,
                                              const struct chek_device *device, bool is_blocked);

/*
 * cpcr_auth.c: whether there is such an operator, and what AUTH is answered with; NULL: no memory. A
 * wrong password is a command of its own; false: there is no room for it. (R37)
 */
CHEK_MUST_USE bool ingest__cpcr_auth_take(const struct chek_cpcr_ground *ground,
                                          const struct chek_device *device,
                                          const Ingest__AuthRequest *asked,
                                          struct chek_cpcr_exchange *ret);
Ingest__AuthResponse *ingest__cpcr_auth_answer(const struct chek_cpcr_auth *auth,
                                               struct chek_arena *arena);

#endif
