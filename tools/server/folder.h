/* SPDX-License-Identifier: MIT */
/*
 * folder.h - the data folder: opened, made when empty, recovered; and its manifest in memory.
 *
 *   manifest.*      names everything else (persist/manifest.h)
 *   secret.key      64 random bytes, 0600; never in log, snapshot or backup
 *   admin.token     the first administrator's token, 0600; to be taken away by its owner
 *   log/ snapshot/ segment/ event/
 *
 *   Source  persist/FORMAT.md "Data folder"
 */
#ifndef CHEK_SERVER_FOLDER_H
#define CHEK_SERVER_FOLDER_H

#include "persist/event_log.h"
#include "persist/manifest.h"
#include "tools/server/server.h"
#include "tools/server/shard.h"

#define SERVER_PAGE_COUNT_MAX (1024 * 1024) /* 16 GiB of address space a heap */

struct server__folder {
    struct chek_io *io;
    uint64_t id[2];
    uint64_t generation; /* of this start */
    uint16_t partition_count;
    struct chek_subject_key key;
    struct chek_partition **partitions; /* partition_count + 1 */
    struct server__ground *grounds;     /* the same */
    struct chek_store_pool **pools;     /* one a shard */
    struct server__entry *entries;      /* the same: what the next manifest says of each */
    struct chek_manifest *manifest;     /* the newest, as on disk */
    struct chek_log_known *ends;        /* streams as they were replayed */
    size_t end_count;
    uint64_t generation_last;
    uint32_t cut_count; /* torn tails that were cut at this start */
    struct chek_event_index *event_index;
    int event_error;                    /* of making it, while partitions were loaded */
    struct chek_event_log **event_logs; /* one a shard */
    unsigned shard_count;
    uint64_t replay_open_size; /* of open rows, over all shards */
    void (*on_damage)(void *context, const char *file, uint64_t offset);
    void *damage_context;
    bool snapshot_running;
    uint64_t snapshot_number; /* of the newest begun */
    uint64_t snapshot_count;  /* finished in this run */
};

/*
 * Lock and open the folder; make it when it is empty; load its snapshot and replay its log; write
 * the manifest of this start.
 *
 *   Errors     as chek_server_create(); what was opened is closed by server__folder_close()
 */
CHEK_MUST_USE int server__folder_open(struct chek_server *server, struct server__folder *folder,
                                      struct chek_io **ios, const struct chek_server_config *config,
                                      struct chek_server_fault *fault);
void server__folder_close(struct server__folder *folder);

struct server__folder *server__folder(struct chek_server *server);

/* How a partition of the folder is made; draws a random number. */
struct chek_partition_config server__partition_config(const struct server__folder *folder,
                                                      const struct chek_server_config *config,
                                                      unsigned number);

#endif
