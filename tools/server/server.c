/* SPDX-License-Identifier: MIT */
/*
 * server.c - shards put together, and what all of them share.
 *
 * What is shared is set before the shards run, or is an atomic flag; everything else travels in
 * messages.
 */
#include "tools/server/server.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/assertion.h"
#include "engine/base/memory.h"
#include "tools/server/folder.h"
#include "tools/server/shard.h"

#define QR_URL_DEFAULT "http://consumer.oofd.kz"
#define LOG_FILE_SIZE_FIRST (UINT64_C(16) << 20) /* nobody is served until it is full of zeros */

struct chek_server {
    struct chek_server_config config;
    char listen[CHEK_ADDRESS_TEXT_MAX];
    struct chek_io **ios;
    unsigned shard_count;
    struct server__shard *shards;
    struct server__folder folder;
    struct chek_message stop[CHEK_SHARD_COUNT_MAX];
    atomic_bool stop_asked;
    atomic_bool latched;
    atomic_bool ended;
};

/* ---- what all shards share -------------------------------------------------------------------- */

unsigned
server__shard_of(const struct chek_server *server, uint16_t partition)
{
    return partition == 0 ? 0 : (partition - 1u) % server->shard_count;
}

unsigned
server__shard_count(const struct chek_server *server)
{
    return server->shard_count;
}

const struct chek_server_config *
server__config(const struct chek_server *server)
{
    return &server->config;
}

const struct chek_subject_key *
server__subject_key(const struct chek_server *server)
{
    return &server->folder.key;
}

struct server__folder *
server__folder(struct chek_server *server)
{
    return &server->folder;
}

void
server__folder_id(const struct chek_server *server, uint64_t ret[2])
{
    memcpy(ret, server->folder.id, 2 * sizeof *ret);
}

struct server__shard *
server__shard(struct chek_server *server, unsigned index)
{
    CHEK_ASSERT(index < server->shard_count);
    return &server->shards[index];
}

const struct server__shard *
server__shard_read(const struct chek_server *server, unsigned index)
{
    CHEK_ASSERT(index < server->shard_count);
    return &server->shards[index];
}

void
server__latch(struct chek_server *server)
{
    atomic_store(&server->latched, true);
}

bool
server__is_latched(const struct chek_server *server)
{
    return atomic_load(&server->latched);
}

bool
server__end_once(struct chek_server *server)
{
    return !atomic_exchange(&server->ended, true);
}

uint16_t
chek_server_partition_count(const struct chek_server *server)
{
    return server->folder.partition_count;
}

uint64_t
chek_server_partition_hash(const struct chek_server *server, uint16_t partition)
{
    return chek_partition_hash(server->folder.partitions[partition]);
}

struct chek_chain
chek_server_partition_chain(const struct chek_server *server, uint16_t partition)
{
    return *chek_store_chain(chek_partition_store(server->folder.partitions[partition]));
}

uint64_t
chek_server_merge_count(const struct chek_server *server)
{
    uint64_t count = 0;
    for (unsigned i = 0; i < server->shard_count; i++) {
        count += server->shards[i].merge_count;
    }
    return count;
}

uint64_t
chek_server_kept_count(const struct chek_server *server)
{
    uint64_t count = 0;
    for (unsigned i = 1; i <= server->folder.partition_count; i++) {
        struct chek_partition *partition = server->folder.partitions[i];
        count += chek_store_count(chek_partition_store(partition)).kept_count;
    }
    return count;
}

void
chek_server_residency(const struct chek_server *server, struct chek_residency *ret)
{
    *ret = (struct chek_residency){0};
    for (unsigned i = 0; i < server->shard_count; i++) {
        struct chek_residency of = chek_store_pool_residency(server->folder.pools[i]);
        ret->budget += of.budget;
        ret->resident_size += of.resident_size;
        ret->cold_size += of.cold_size;
        ret->read_count += of.read_count;
        ret->read_size += of.read_size;
        ret->left_count += of.left_count;
        ret->rotten_count += of.rotten_count;
    }
}

/* ---- putting together ------------------------------------------------------------------------- */

static void
fault_set(struct chek_server_fault *fault, int error, const char *what)
{
    fault->error = error;
    (void)snprintf(fault->text, sizeof fault->text, "%s: %s", what, chek_error_text(error));
}

static struct chek_server_config
config_complete(const struct chek_server_config *config)
{
    struct chek_server_config full = *config;
    if (full.partition_count == 0) {
        full.partition_count = CHEK_PARTITION_COUNT_DEFAULT;
    }
    if (full.log_file_size == 0) {
        full.log_file_size = CHEK_LOG_FILE_SIZE_DEFAULT;
    }
    if (full.log_file_size_first == 0) {
        full.log_file_size_first =
            full.log_file_size < LOG_FILE_SIZE_FIRST ? full.log_file_size : LOG_FILE_SIZE_FIRST;
    }
    if (full.replay_open_size == 0) {
        full.replay_open_size = UINT64_C(2) << 30;
    }
    if (full.snapshot_log_size == 0) {
        full.snapshot_log_size = UINT64_C(4) << 30;
    }
    if (full.qr_url == NULL) {
        full.qr_url = QR_URL_DEFAULT;
    }
    if (full.connection_count_max == 0) {
        full.connection_count_max = 1024;
    }
    if (full.scrub_rate == 0) {
        full.scrub_rate = UINT64_C(8) << 20;
    }
    if (full.intake_credit_size == 0) {
        full.intake_credit_size = 8 * 1024 * 1024;
    }
    return full;
}

/* Give a shard the partitions that are its own, and its copy of the directory. */
static int
shard_settle(struct chek_server *server, struct server__shard *shard)
{
    for (unsigned i = 0; i <= server->folder.partition_count; i++) {
        if (server__shard_of(server, (uint16_t)i) != shard->index) {
            continue;
        }
        struct server__ground *ground = &server->folder.grounds[i];
        ground->partition = server->folder.partitions[i];
        ground->shard = shard;
        ground->seq_next = chek_partition_seq(ground->partition) + 1;
        ground->time_us = chek_partition_time_us(ground->partition);
        ground->segments = server->folder.entries[i].segments;
        shard->grounds[i] = ground;
    }
    shard->events = server->folder.event_logs[shard->index];
    shard->pool = server->folder.pools[shard->index];
    if (shard->index == 0) {
        return CHEK_OK;
    }
    const struct chek_directory *directory = chek_partition_directory(server->folder.partitions[0]);
    return chek_directory_load(SERVER_PAGE_COUNT_MAX, chek_directory_pages(directory),
                               &shard->copy);
}

static void
on_latch(void *context, int error)
{
    server__on_latch(((struct server__shard *)context)->server, error);
}

static int
shard_log_open(struct chek_server *server, struct server__shard *shard)
{
    struct chek_log_config config = {
        .stream = shard->index,
        .generation = server->folder.generation,
        .file_size = server->config.log_file_size,
        .file_size_first = server->config.log_file_size_first,
        .method = server->config.sync_method,
        .context = shard,
        .on_durable = server__on_durable,
        .on_durable_end = server__on_durable_end,
        .on_latch = on_latch,
    };
    server__folder_id(server, config.folder_id);
    return chek_log_open(shard->io, &config, &shard->log);
}

static int
shards_create(struct chek_server *server, struct chek_server_fault *fault)
{
    server->shards = chek_memory_allocate(server->shard_count * sizeof *server->shards);
    if (server->shards == NULL) {
        fault_set(fault, -ENOMEM, "making the shards");
        return -ENOMEM;
    }
    for (unsigned i = 0; i < server->shard_count; i++) {
        struct server__shard *shard = &server->shards[i];
        int error = server__shard_init(shard, server, server->ios[i], i);
        if (error == CHEK_OK) {
            error = shard_settle(server, shard);
        }
        if (error != CHEK_OK) {
            fault_set(fault, error, "making a shard");
            return error;
        }
        error = shard_log_open(server, shard);
        if (error != CHEK_OK) {
            fault_set(fault, error, "opening the log in the data folder");
            return error;
        }
    }
    return CHEK_OK;
}

int
chek_server_create(struct chek_io **ios, unsigned shard_count,
                   const struct chek_server_config *config, struct chek_server_fault *ret_fault,
                   struct chek_server **ret)
{
    CHEK_ASSERT(shard_count > 0 && shard_count <= CHEK_SHARD_COUNT_MAX);
    struct chek_server *server = chek_memory_allocate(sizeof *server);
    if (server == NULL) {
        fault_set(ret_fault, -ENOMEM, "making the server");
        return -ENOMEM;
    }
    server->config = config_complete(config);
    (void)snprintf(server->listen, sizeof server->listen, "%s", config->listen);
    server->config.listen = server->listen;
    server->ios = ios;
    server->shard_count = shard_count;
    int error = server__folder_open(server, &server->folder, ios, &server->config, ret_fault);
    if (error == CHEK_OK) {
        error = shards_create(server, ret_fault);
    }
    if (error != CHEK_OK) {
        chek_server_destroy(server);
        return error;
    }
    *ret = server;
    return CHEK_OK;
}

void
chek_server_destroy(struct chek_server *server)
{
    if (server == NULL) {
        return;
    }
    for (unsigned i = 0; server->shards != NULL && i < server->shard_count; i++) {
        if (server->shards[i].server != NULL) {
            server__shard_finish(&server->shards[i]);
        }
    }
    chek_memory_free(server->shards, server->shard_count * sizeof *server->shards);
    server__folder_close(&server->folder);
    chek_memory_free(server, sizeof *server);
}

void
chek_server_stop(struct chek_server *server, struct chek_io *from)
{
    if (atomic_exchange(&server->stop_asked, true)) {
        return;
    }
    struct server__shard *shard = &server->shards[chek_io_shard(from)];
    for (unsigned i = 0; i < server->shard_count; i++) {
        server->stop[i] = (struct chek_message){0};
        server__post(shard, i, SERVER_STOP, &server->stop[i]);
    }
}
