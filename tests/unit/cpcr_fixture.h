/* SPDX-License-Identifier: MIT */
/*
 * cpcr_fixture.h - a partition with two Kazakh registers of one organisation, commands applied to it
 * as the log would hand them over, and requests that go through the same two steps as in the server.
 */
#ifndef CHEK_TESTS_CPCR_FIXTURE_H
#define CHEK_TESTS_CPCR_FIXTURE_H

#include "engine/base/writer.h"
#include "ingest/cpcr/cpcr_exchange.h"
#include "tests/unit/table.h"

#define REGISTRATION 12
#define OTHER 13
#define ORGANISATION "123456789012"

extern struct chek_partition *partition;
extern struct chek_arena arena; /* reset by the test */
extern const struct chek_subject_key key;
extern uint64_t cpcr_wall_us; /* the clock of the server that is asked */

#define CPCR_TIME_US UINT64_C(1767607200000000) /* it stands at this at first */

int cpcr_setup(void **state);
int cpcr_teardown(void **state);

/* Apply a command with this body; `want`: what applying it returns. */
struct chek_outcome cpcr_apply(uint8_t kind, const struct chek_writer *body, int want);

#define APPLY_SIZE CHEK_COMMAND_BODY_SIZE_MAX
#define APPLY(kind, name, record, want)                                \
    do {                                                               \
        static uint8_t body_[APPLY_SIZE];                              \
        struct chek_writer out_ = chek_writer_over(body_, APPLY_SIZE); \
        chek_##name##_encode(&out_, record);                           \
        outcome = cpcr_apply(kind, &out_, want);                       \
    } while (0)

/* Write an image of the partition and load it in its place: the same state. */
void cpcr_reload(void);

/*
 * Send a command with the one part (field `field`; nothing when it is empty) to a register's shard,
 * with the token that is due and so much more. What it logs is applied. Free the answer.
 */
Ingest__Response *cpcr_ask(uint32_t registration, uint8_t command, uint8_t field,
                           const struct chek_writer *part, uint32_t token_more);

#endif
