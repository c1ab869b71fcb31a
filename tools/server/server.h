/* SPDX-License-Identifier: MIT */
/*
 * server.h - the wiring: rooms put together into a server over any io.
 *
 * A server is one shard or several, each with an io of its own: io_uring's in chekd, the
 * simulator's in tests/sim. Nothing here knows which. The server opens a data folder (making a
 * fresh one when it is empty), recovers, listens, serves, takes snapshots, and stops; a simulated
 * crash is simply that it is destroyed in the middle.
 *
 *   Threads  create, recover and destroy on one thread while no shard runs; everything else
 *            happens on the shards' threads
 */
#ifndef CHEK_SERVER_SERVER_H
#define CHEK_SERVER_SERVER_H

#include "engine/directory/directory.h"
#include "engine/io/io.h"
#include "engine/store/store.h"
#include "persist/log.h"

struct chek_server;

/* Addresses as bound: HOST:PORT; "" = not served. */
struct chek_server_ports {
    char listen[CHEK_ADDRESS_TEXT_MAX];
    char cpcr[CHEK_ADDRESS_TEXT_MAX];
    char ffd[CHEK_ADDRESS_TEXT_MAX];
    char metrics[CHEK_ADDRESS_TEXT_MAX];
};

struct chek_server_config {
    const char *listen;           /* HOST:PORT of the native protocol */
    uint16_t partition_count;     /* of a fresh folder; 0 = CHEK_PARTITION_COUNT_DEFAULT */
    uint32_t segment_row_count;   /* 0 = CHEK_SEGMENT_RECEIPT_COUNT */
    uint32_t segment_merge_count; /* 0 = CHEK_MERGE_COUNT */
    uint64_t log_file_size;       /* 0 = CHEK_LOG_FILE_SIZE_DEFAULT */
    uint64_t log_file_size_first; /* 0 = 16 MiB, or log_file_size when that is less */
    uint64_t replay_open_size;    /* bytes of open rows at which a replay seals; 0 = 2 GiB */
    uint64_t snapshot_log_size;   /* bytes of log after which a snapshot is taken; 0 = 4 GiB */
    uint32_t snapshot_step_size;  /* bytes that a snapshot copies at a time; 0 = 64 KiB */
    uint64_t page_cache_size;     /* bytes of sealed rows in memory, of those that are in files too;
                                   * 0 = whatever was read or sealed stays */
    uint64_t retention_us; /* documents received longer ago are removed; 0 = none ever is. What they
                            * came to is kept (engine/store/keep.h) */
    uint32_t view_late_count; /* rows replaced while a view is open; 0 = CHEK_VIEW_LATE_COUNT */
    enum chek_sync_method sync_method;
    uint32_t connection_count_max; /* a shard; 0 = 1024 */
    uint64_t intake_credit_size; /* bytes of parts under way from one shard to another; 0 = 8 MiB */
    const char *cpcr;            /* HOST:PORT for Kazakh registers; NULL = none */
    const char *qr_url;          /* what the QR codes of their tickets begin with; NULL = default */
    const char *ffd;             /* HOST:PORT for Russian registers; NULL = none */
    const char *ffd_inn; /* the operator's INN in their acknowledgements; NULL = left away */
    const char *metrics; /* HOST:PORT of GET /metrics; NULL = none */
    void *context;
    uint64_t scrub_rate; /* bytes of segment files that are compared with their sums a second, by
                          * all shards; 0 = 8 MiB */
    /* Stored rows were found damaged, told once a place. NULL = nobody wants to know. Threads: any. */
    void (*on_damage)(void *context, const char *file, uint64_t offset);
    /* Totals of a partition are not what its documents come to: nothing of it is removed until the
     * next start. Registration and shift 0: its sums by hour. NULL = nobody wants to know. From a
     * shard's thread. */
    void (*on_retention_stopped)(void *context, uint16_t partition, uint32_t registration,
                                 uint32_t shift, int error);
    /* Once, when every shard serves; from shard 0's thread. */
    void (*on_ready)(void *context, const struct chek_server_ports *ports);
    /* Asked about ten times a second by shard 0: whether to stop in order. NULL = never. */
    bool (*stop_asked)(void *context);
    /* Once, when a stop asked for is complete (CHEK_OK), or when the server cannot go on: the log
     * latched, or which manifest a start would find is not known. From a shard's thread; the caller then ends the loops. */
    void (*on_stopped)(void *context, int error);
};

/* What went wrong at the start, for people. */
struct chek_server_fault {
    int error;
    char text[512]; /* says what to do */
};

/*
 * Put a server together over `shard_count` ios and recover the folder.
 *
 *   Ownership  ios outlive the server; config is copied, `listen` too
 *   Errors     LOCKED, FOREIGN, VERSION, APPLY_VERSION, CORRUPT, GAP, -errno, -ENOMEM, HALTED:
 *              *ret_fault says what and where; nothing was changed in the folder that a second
 *              try would not find again
 *   Cost       synchronous; reads snapshots and log
 */
CHEK_MUST_USE int chek_server_create(struct chek_io **ios, unsigned shard_count,
                                     const struct chek_server_config *config,
                                     struct chek_server_fault *ret_fault, struct chek_server **ret);
void chek_server_destroy(struct chek_server *server); /* takes NULL */

/* Ask for an orderly stop: drain, snapshot, close. Threads: any; a posted message does it. */
void chek_server_stop(struct chek_server *server, struct chek_io *from);

/* State hash of a partition, for tests and verify. Threads: while no shard runs, or in a test. */
uint64_t chek_server_partition_hash(const struct chek_server *server, uint16_t partition);
uint16_t chek_server_partition_count(const struct chek_server *server);

/* The chain over a partition's rows, partitions from 1. Threads: as above. */
struct chek_chain chek_server_partition_chain(const struct chek_server *server, uint16_t partition);

/* Of all shards' stored rows: what is in memory, what was read. Threads: as above. */
struct chek_residency;
void chek_server_residency(const struct chek_server *server, struct chek_residency *ret);

/* Segments that were kept without their documents. Threads: as above. */
uint64_t chek_server_kept_count(const struct chek_server *server);

/* Merges of segments that this run adopted. Threads: as above. */
uint64_t chek_server_merge_count(const struct chek_server *server);

#endif
