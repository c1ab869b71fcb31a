/* SPDX-License-Identifier: MIT */
/*
 * device.h - registers that speak their country's protocol, as a partition remembers them.
 *
 * A device shows a token with each request and gets another with each document that is counted. What
 * the tokens are nobody here knows: the state has how many were given out since how many resets, and
 * who holds the data folder's key makes the token of (device, resets, count) from that. A command
 * says which state it was judged by, and changes nothing when it meets another.
 *
 *   Rules    ingest/CPCR.md R20..R29
 *   Threads  the owning shard
 */
#ifndef CHEK_PARTITION_DEVICE_H
#define CHEK_PARTITION_DEVICE_H

#include "engine/partition/partition.h"

/* Which of a device's tokens: the `count`th given out since reset `resets`. */
struct chek_device_token {
    uint64_t count;
    uint32_t resets;
    uint32_t device;
    uint32_t mask; /* of the first one (count 0); 0 of any other */
};

/* Documents counted since the device was added. */
struct chek_device_totals {
    uint64_t tickets[CHEK_OPERATION_COUNT];
    uint64_t movements[CHEK_DIRECTION_COUNT];
};

/* Wrong passwords of AUTH: so many at once, and one more each time that so many seconds are over. */
#define CHEK_DEVICE_TRY_COUNT 5
#define CHEK_DEVICE_TRY_S 60

struct chek_device {
    struct chek_device_token token; /* the one that the register has, or is about to get */
    uint64_t documents;
    uint64_t retries_differing;
    uint32_t policy;
    bool blocked;
    /* The exchange counted last, from which its repeat is answered. */
    bool has_last;
    struct chek_device_token last_token;
    uint16_t last_request;
    uint8_t last_command;
    uint64_t last_digest, last_sign;
    int64_t last_time, last_total;
    uint32_t last_ordinal, last_shift;
    /* Of the shift that the last tickets were of. */
    uint32_t ticket_shift;
    int64_t ticket_time;                   /* of its first ticket */
    struct chek_device_totals now, closed; /* and as they were at the last close */
    uint64_t tried_until_s;                /* UTC: when the last wrong password is forgiven */
};

/*
 * The device of a registration.
 *
 *   Errors     NOT_FOUND; *ret is unchanged
 */
CHEK_MUST_USE int chek_partition_device(const struct chek_partition *partition,
                                        uint32_t registration, struct chek_device *ret);

/* Whether AUTH may still be asked at a device, `now_us` being UTC. */
bool chek_device_may_try(const struct chek_device *device, uint64_t now_us);

#endif
