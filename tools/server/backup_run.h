/* SPDX-License-Identifier: MIT */
/*
 * backup_run.h - a backup under way, shared by what drives it (backup.c) and what reads for it.
 */
#ifndef CHEK_SERVER_BACKUP_RUN_H
#define CHEK_SERVER_BACKUP_RUN_H

#include "persist/log_copy.h"
#include "tools/server/folder.h"

#define SERVER_BACKUP_PIECE_SIZE 131072

_Static_assert(CHEK_LOG_PIECE_SIZE <= SERVER_BACKUP_PIECE_SIZE, "a piece of a log is a piece");

enum server__backup_phase {
    BACKUP_SNAPSHOT, /* shard 0 takes one */
    BACKUP_LIST,     /* a worker lists what there is to copy */
    BACKUP_MOMENT,   /* shards say how far their logs are durable */
    BACKUP_READ,     /* a worker reads a piece, */
    BACKUP_SEND,     /* which waits for room */
    BACKUP_RELEASE,  /* shard 0 is told that it is over */
};

struct server__backup_file {
    char name[CHEK_MANIFEST_NAME_SIZE];
    uint64_t size;
};

/* A piece of a file, in `buffer`. No name: all was sent. */
struct server__backup_piece {
    char name[CHEK_MANIFEST_NAME_SIZE];
    uint64_t offset, file_size;
    size_t size;
};

struct server__backup {
    struct chek_message message;  /* to shard 0 and back */
    struct chek_op op;            /* a worker has everything below while it is in flight */
    struct server__shard *shard;  /* of the asker */
    struct chek_request *request; /* NULL = abandoned */
    enum server__backup_phase phase;
    bool is_held;    /* shard 0 waits for the end */
    bool has_others; /* the moment: all shards but the first have said */
    int error;
    uint64_t moment_us;
    uint64_t lsns[CHEK_SHARD_COUNT_MAX];
    struct server__backup_file *files;
    uint32_t file_count, file_capacity, file; /* the one at work */
    int handle;                               /* of it, -1 = not open */
    uint64_t offset;
    unsigned stream; /* of the logs, which come after the files */
    bool log_is_open, manifest_is_open, manifest_is_sent;
    struct chek_log_copy log;
    uint64_t done, total;
    struct server__backup_piece piece;
    uint8_t *buffer; /* at a block's border */
};

/* On a worker: list the files that the manifest names and the events; backup->error says. */
void server__backup_list(void *backup);

/* On a worker: the next piece, without a name when all was read; backup->error says. */
void server__backup_read(void *backup);

#endif
