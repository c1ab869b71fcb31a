/* SPDX-License-Identifier: MIT */
/*
 * sender_run.h - a sender's inside, shared by the files that make it.
 *
 * A connection's frames are numbered from 0; number n lies in slot n mod capacity and has the
 * frame id n + 1. head <= sent <= made: below head all are answered, below sent they were sent,
 * below made they are finished, and `made` itself is being filled.
 */
#ifndef CHEK_LOAD_SENDER_RUN_H
#define CHEK_LOAD_SENDER_RUN_H

#include "engine/wire/frame.h"
#include "tools/load/sender.h"

#define SENDER_CARRY_SIZE (2 * 1024 * 1024)
#define SENDER_RECEIVE_SIZE (256 * 1024)
#define SENDER_VECTOR_COUNT 32 /* frames of one send */

struct load__frame {
    uint8_t *bytes;
    uint32_t begin, size; /* where the head begins, and how long it all is */
    uint32_t count;       /* documents */
    uint32_t counts[3];   /* by fate */
    uint64_t due_ns;      /* after the start of the run */
    uint64_t sent_ns;
    bool is_answered;
};

struct load__connection {
    struct chek_client *client;
    int socket;
    uint32_t credits;
    struct load__frame *frames;
    uint32_t capacity; /* a power of two */
    uint64_t head, sent, made;
    uint64_t in_flight_size, in_flight_count;
    uint32_t fill_size_max; /* of the frame being filled: the first ones are staggered */
    size_t sent_part;       /* bytes of frame `sent` that are on their way */
    bool is_blocked;        /* the socket takes no more; wait until it does */
    bool is_busy;           /* refused with BUSY, from frame busy_first on */
    bool wants_resume;
    uint64_t busy_first;
    uint64_t resume_ns; /* not before */
    uint64_t backoff_ns;
    struct chek_splitter splitter;
    uint8_t *carry;
};

struct chek_sender {
    struct chek_sender_options options;
    struct chek_workload *workload;
    struct chek_account *account;
    struct load__connection *connections;
    int epoll;
    uint32_t full_count; /* connections whose ring has no room */
    bool made_all;
    uint64_t start_ns, answer_ns; /* of the run; of the newest answer */
    uint64_t progress_ns;
    uint64_t receipt_count;  /* made */
    struct chek_arena arena; /* of one answer */
    uint8_t *received;
    int error;
    struct chek_failure *failure;
    struct chek_sender_result result;
};

uint64_t load__now_ns(void);

/* sender_fill.c */
void load__frame_begin(struct chek_sender *sender, struct load__connection *connection);
/* Make up to `count` documents while every connection has room; false at the end of the stream. */
bool load__fill(struct chek_sender *sender, uint32_t count);
/* Make everything, whatever room it takes. */
CHEK_MUST_USE int load__fill_all(struct chek_sender *sender);

/* sender_answer.c: take what a connection received */
void load__receive(struct chek_sender *sender, struct load__connection *connection);

/* End the run. */
void load__fail(struct chek_sender *sender, int error, const char *text);

#endif
