/* SPDX-License-Identifier: MIT */
/*
 * load_flow.c - images are read beside one another and made partitions of, a lane a shard.
 *
 * A start from a snapshot is mostly two things: waiting for the disk, and decoding open rows. So
 * some readers are ahead of the lanes, and the partitions of a shard, which share a pool, are made
 * one after another on its own lane. Nobody serves yet, so there is nothing else to do.
 */
#include "tools/server/load_flow.h"

#include <errno.h>
#include <string.h>

#include "engine/base/memory.h"
#include "persist/snapshot.h"
#include "tools/server/cold_read.h"

#define READER_COUNT 2 /* what they are ahead is in memory: READ_AHEAD images */
#define READ_AHEAD (READER_COUNT * (CHEK_LANE_AHEAD + 2))

struct loading;

/* A partition on its way. */
struct load {
    struct loading *loading;
    unsigned number;
    struct chek_partition_config config;
    uint8_t *bytes;
    size_t size;
    struct chek_bytes_view image;
    struct server__fronts fronts;
    int error;
};

struct loading {
    struct chek_server *server;
    struct server__folder *folder;
    struct chek_lanes *readers, *makers;
    struct load *loads; /* partition_count + 1 */
    int event_error;
};

/* ---- reading ---------------------------------------------------------------------------------- */

static void
read_work(void *argument)
{
    struct load *load = argument;
    struct server__folder *folder = load->loading->folder;
    struct chek_immutable file = {.folder_id = {folder->id[0], folder->id[1]},
                                  .number = folder->entries[load->number].number,
                                  .partition = (uint16_t)load->number,
                                  .kind = CHEK_IMMUTABLE_IMAGE};
    load->error = chek_immutable_read(folder->io, &file, &load->bytes, &load->size, &load->image);
    if (load->error == CHEK_OK) {
        load->error = server__fronts_read(folder, load->number, &load->fronts);
    }
}

static void
events_work(void *argument)
{
    struct loading *loading = argument;
    struct server__folder *folder = loading->folder;
    loading->event_error = chek_event_index_load(folder->io, folder->id, folder->partition_count,
                                                 &folder->event_index);
}

/* ---- making ----------------------------------------------------------------------------------- */

/* Whether a partition is the one that the manifest speaks of. */
static bool
partition_fits(struct chek_partition *partition, const struct server__entry *entry)
{
    const struct chek_store *store = chek_partition_store(partition);
    struct chek_chain chain = store != NULL ? *chek_store_chain(store) : (struct chek_chain){0};
    return chek_partition_seq(partition) == entry->partition_seq &&
           chain.range_count == entry->chain.range_count &&
           chain.row_count == entry->chain.row_count &&
           memcmp(chain.head, entry->chain.head, sizeof chain.head) == 0;
}

/* Whether the manifest numbers the segments as the store does, which is how files are named. */
static bool
segments_are_named(struct server__folder *folder, unsigned number)
{
    struct chek_segments *named = &folder->entries[number].segments;
    struct chek_store *store = chek_partition_store(folder->partitions[number]);
    struct chek_segments held = store != NULL ? chek_store_segments(store) : *named;
    bool are = held.merged_count == named->merged_count &&
               held.single_count == named->single_count &&
               (held.single_count == 0 || held.single_first == named->single_first);
    named->single_first = held.single_first; /* which no name tells when there are no single ones */
    return are;
}

static void
make_work(void *argument)
{
    struct load *load = argument;
    struct server__folder *folder = load->loading->folder;
    struct chek_partition_sink sink = {load->loading->server, server__on_event};
    struct chek_partition **to = &folder->partitions[load->number];
    int error = load->error;
    if (error == CHEK_OK) {
        error = chek_partition_load(&load->config, &sink, load->image, load->fronts.views,
                                    load->fronts.count, to);
    }
    server__fronts_free(&load->fronts);
    chek_memory_free(load->bytes, load->size);
    load->bytes = NULL;
    if (error == CHEK_OK && (!partition_fits(*to, &folder->entries[load->number]) ||
                             !segments_are_named(folder, load->number))) {
        error = CHEK_E_CORRUPT;
    }
    if (error == CHEK_OK && load->number != 0) {
        chek_store_segments_stored(chek_partition_store(*to), (uint16_t)load->number,
                                   &folder->entries[load->number].segments);
    }
    load->error = error;
}

/* ---- the whole -------------------------------------------------------------------------------- */

static void
make_begin(struct loading *loading, unsigned number)
{
    unsigned lane = number == 0 ? 0 : (number - 1) % loading->folder->shard_count;
    chek_lanes_put(loading->makers, lane, make_work, &loading->loads[number]);
}

/* What was given to a reader so many times ago was read. */
static void
lanes_run(struct loading *loading)
{
    unsigned count = loading->folder->partition_count + 1u;
    unsigned made = 0;
    chek_lanes_put(loading->readers, READER_COUNT, events_work, loading);
    for (unsigned i = 0; i < count; i++) {
        chek_lanes_put(loading->readers, i % READER_COUNT, read_work, &loading->loads[i]);
        if (i >= READ_AHEAD) {
            make_begin(loading, made++);
        }
    }
    chek_lanes_close(loading->readers);
    while (made < count) {
        make_begin(loading, made++);
    }
    chek_lanes_close(loading->makers);
}

static int
lanes_open(struct loading *loading)
{
    struct server__folder *folder = loading->folder;
    int error = chek_lanes_open(folder->io, READER_COUNT + 1, &loading->readers);
    if (error == CHEK_OK) {
        error = chek_lanes_open(folder->io, folder->shard_count, &loading->makers);
        if (error != CHEK_OK) {
            chek_lanes_close(loading->readers);
        }
    }
    return error;
}

int
server__partitions_load(struct chek_server *server, struct server__folder *folder,
                        const struct chek_server_config *config, unsigned *ret_partition)
{
    unsigned count = folder->partition_count + 1u;
    struct loading loading = {.server = server, .folder = folder};
    *ret_partition = 0;
    loading.loads = chek_memory_allocate(count * sizeof *loading.loads);
    if (loading.loads == NULL) {
        return -ENOMEM;
    }
    for (unsigned i = 0; i < count; i++) {
        loading.loads[i] = (struct load){.loading = &loading,
                                         .number = i,
                                         .config = server__partition_config(folder, config, i)};
    }
    int error = lanes_open(&loading);
    if (error == CHEK_OK) {
        lanes_run(&loading);
    }
    for (unsigned i = 0; i < count && error == CHEK_OK; i++) {
        *ret_partition = i;
        error = loading.loads[i].error;
    }
    chek_memory_free(loading.loads, count * sizeof *loading.loads);
    folder->event_error = loading.event_error;
    return error;
}
