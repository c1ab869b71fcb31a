/* SPDX-License-Identifier: MIT */
/*
 * toy_log.h - the smallest server that can lose an acknowledged record, for testing the simulator.
 *
 * Clients send record ids (8 bytes) and get each id back once its record is durable. A record is a
 * 512-byte sector of a log file; a group of records is one direct write and one sync; files are
 * rotated on a worker. On request the toy makes one of the classical mistakes.
 */
#ifndef CHEK_SIM_TOY_LOG_H
#define CHEK_SIM_TOY_LOG_H

#include "engine/io/io.h"

#define TOY_ID_COUNT 256
#define TOY_CONNECTION_COUNT 8
#define TOY_WAITER_COUNT 64
#define TOY_GROUP_COUNT_MAX 8 /* records of a group: one block */
#define TOY_FILE_GROUP_COUNT 4
#define TOY_BLOCK_SIZE 4096
#define TOY_PATH_MAX 32
#define TOY_ADDRESS "127.0.0.1:7420"

enum toy_mistake {
    TOY_RIGHT,
    TOY_ACKS_BEFORE_SYNC,
    TOY_SYNCS_BESIDE_WRITE,  /* submits the sync without waiting for the write */
    TOY_SKIPS_FOLDER_SYNC,   /* after the creation of a file */
    TOY_RETRIES_FAILED_SYNC, /* and believes the second answer */
    TOY_TRUSTS_CACHE,        /* acknowledges at recovery what it reads, without a sync */
    TOY_MISTAKE_COUNT
};

enum toy_state { TOY_UNKNOWN, TOY_QUEUED, TOY_WRITING, TOY_DURABLE };

struct toy_connection {
    struct toy_log *toy;
    struct chek_stream stream;
    bool used, sending, broken;
    uint8_t in[8];
    size_t in_size;
    uint8_t out[1024], sent[1024];
    size_t out_size;
};

struct toy_waiter {
    bool used;
    uint64_t id;
    struct toy_connection *connection;
};

/* Where a record stands. */
struct toy_place {
    unsigned file_number;
    uint64_t offset;
};

struct toy_log {
    struct chek_io *io;
    enum toy_mistake mistake;
    struct chek_listener listener;
    struct toy_connection connections[TOY_CONNECTION_COUNT];
    struct toy_waiter waiters[TOY_WAITER_COUNT];
    enum toy_state states[TOY_ID_COUNT];
    struct toy_place places[TOY_ID_COUNT];
    unsigned recovered_twice; /* records found on disk a second time */
    int latched;              /* the first error of the log; nothing is acknowledged any more */

    struct chek_op write, sync, rotate;
    bool group_is_open;
    uint64_t group[TOY_GROUP_COUNT_MAX];
    size_t group_count;
    int file;
    unsigned file_number, file_group_count, next_number;
    int rotate_result;
    uint8_t space[TOY_BLOCK_SIZE * 2]; /* an aligned block lies in it */
};

/*
 * Recover from the data folder, begin a new file, listen.
 *
 *   Errors     what the disk said; the toy is to be thrown away
 */
CHEK_MUST_USE int toy_log_start(struct toy_log *toy, struct chek_io *io, enum toy_mistake mistake);

/* The path of a log file. */
void toy_log_path(unsigned file_number, char path[TOY_PATH_MAX]);

#endif
