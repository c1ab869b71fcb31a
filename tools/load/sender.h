/* SPDX-License-Identifier: MIT */
/*
 * sender.h - the stream over many connections, from one thread, without ever waiting for one.
 *
 * Documents are put into the frame of their register's connection (register mod connections, so
 * their order holds), finished frames wait in a ring a connection, and what may be sent goes out
 * in one call a connection. One thread makes, sends and receives: on two processors that are
 * shared with the server a second one costs more in wake-ups than it takes off.
 *
 * Without a rate, frames are sent as fast as answers come back (closed loop), and latency counts
 * from the sending. With a rate the loop is open: a frame is due when the last of its receipts is
 * due, at a time fixed by the stream and the rate alone, and latency counts from there, whether
 * the frame could be sent then or not.
 */
#ifndef CHEK_LOAD_SENDER_H
#define CHEK_LOAD_SENDER_H

#include "query/client/client.h"
#include "tools/load/account.h"
#include "tools/load/histogram.h"

#define CHEK_SENDER_CONNECTION_COUNT_MAX 1024

struct chek_sender_options {
    struct chek_client_options connection;
    uint32_t connection_count;
    uint32_t frame_size; /* about so many bytes, head included; one document at least */
    uint32_t frame_document_count_max;
    bool send_each;      /* a call a frame */
    uint32_t window;     /* frames in flight on a connection at most, credits permitting */
    uint64_t warm_up_ns; /* answers of after it are told apart; 0: none are */
    uint64_t rate;       /* receipts a second; 0: as fast as it goes */
    bool prepared;       /* make all frames before the first is sent */
    bool fresh;          /* the server holds nothing of the stream: new ones must be stored */
    void *context;
    /* About five times a second: how many documents were acknowledged. May be NULL. */
    void (*on_progress)(void *context, uint64_t acknowledged_count);
};

struct chek_sender_result {
    uint64_t wall_ns; /* from the first send to the last answer */
    uint64_t document_count, stored_count, duplicate_count, conflict_count, refused_count;
    uint64_t frame_count, send_count, busy_count, sent_size;
    uint64_t wrong_count;               /* frames with another mix of statuses than is due */
    struct chek_histogram latency;      /* of answers; nanoseconds, one value a frame */
    struct chek_histogram warm_latency; /* of these, of frames due or sent after the warm-up */
    struct chek_histogram send_lag;     /* from due to sent; open loop only */
    struct chek_result wrong_result;    /* the first of another status than is due, when refused */
};

struct chek_sender;

/*
 * Connect all connections.
 *
 *   Ownership  borrows workload and account until destroyed; destroy with chek_sender_destroy()
 *   Errors     as chek_client_connect(), -ENOMEM
 */
CHEK_MUST_USE int chek_sender_create(const struct chek_sender_options *options,
                                     struct chek_workload *workload, struct chek_account *account,
                                     struct chek_sender **ret, struct chek_failure *failure);
void chek_sender_destroy(struct chek_sender *sender); /* takes NULL */

/*
 * Send the whole stream and wait for its answers.
 *
 *   Errors     what the server refuses a frame with (BUSY apart, which is waited out), TIMEOUT
 *              nothing came for 30 s, CLOSED, -errno; *failure tells more
 */
CHEK_MUST_USE int chek_sender_run(struct chek_sender *sender, struct chek_failure *failure);

const struct chek_sender_result *chek_sender_result(const struct chek_sender *sender);

#endif
