/* SPDX-License-Identifier: MIT */
/*
 * server_machine.c - the machine that the server runs on: starts, crashes, stops, and state that
 * must be the same behind each of them.
 */
#include <inttypes.h>
#include <stdio.h>

#include "engine/base/workspace.h"
#include "tests/sim/server_run.h"
#include "tools/server/folder.h"

#define MANIFEST_WAIT_NS 10000000 /* after a worker's way home, to give up */
#define FAILED_START_COUNT_MAX 12 /* then somebody makes room on the disk */

/* ---- the server ------------------------------------------------------------------------------- */

static void
on_ready(void *context, const struct chek_server_ports *ports)
{
    struct run *run = context;
    char token[CHEK_TOKEN_TEXT_MAX + 1] = {0};
    int64_t got =
        chek_world_peek(run->world, run->machine, "admin.token", token, sizeof token - 1, 0);
    if (got < 66 || run->is_ready) {
        run_violate(run, "the server is ready, and the first token has %d bytes", (int)got);
        return;
    }
    token[strcspn(token, "\n")] = 0;
    memcpy(run->admin_token, token, sizeof run->admin_token);
    (void)snprintf(run->address, sizeof run->address, "%s", ports->listen);
    run->is_ready = true;
}

static void
on_stopped(void *context, int error)
{
    struct run *run = context;
    run->has_stopped = true;
    run->stop_error = error;
    run_say(run, "stopped: %s", chek_error_name(error));
}

static void
on_retention_stopped(void *context, uint16_t partition, uint32_t registration, uint32_t shift,
                     int error)
{
    struct run *run = context;
    if (!run->is_rotten || error != CHEK_E_CORRUPT) {
        run_violate(run, "partition %u, registration %u, shift %u: totals are not proved: %s",
                    partition, registration, shift, chek_error_name(error));
    }
}

/* Half of the servers remove what is older than this. It is drawn from a stream of its own, so that
 * the others do what they did before there was retention. */
void
run_retention_draw(struct run *run)
{
    static const uint64_t ages_us[] = {1, 5000, 100000, 2000000};
    struct chek_prng prng;
    chek_prng_init(&prng, run->options.seed + 4);
    uint64_t age_us = ages_us[chek_prng_below(&prng, CHEK_COUNT(ages_us))];
    run->retention_us = chek_prng_below(&prng, 2) != 0 ? age_us : 0;
}

struct chek_server_config
run_config_draw(struct run *run)
{
    static const uint64_t credit_sizes[] = {3000, 20000, 8 * 1024 * 1024};
    static const uint32_t row_counts[] = {2, 5, 16, 64}; /* few, so that much is merged */
    static const uint64_t page_cache_sizes[] = {0, 1, 2000, 20000};
    struct chek_server_config config = {
        .listen = RUN_ADDRESS,
        .partition_count = (uint16_t)(1 + run_below(run, RUN_PARTITION_COUNT_MAX)),
        .segment_row_count = row_counts[run_below(run, CHEK_COUNT(row_counts))],
        .segment_merge_count = 2 + (uint32_t)run_below(run, 4),
        .log_file_size = CHEK_BLOCK_SIZE * (8 + run_below(run, 24)),
        .snapshot_log_size = 20000 + run_below(run, 400000),
        .snapshot_step_size = 1 + (uint32_t)run_below(run, 4 * CHEK_PAGE_SIZE),
        .view_late_count = run_chance(run, 50) ? 1 + (uint32_t)run_below(run, 3) : 0,
        .sync_method = (enum chek_sync_method)run_below(run, 3),
        .connection_count_max = RUN_CLIENT_COUNT + 3 + (uint32_t)run_below(run, 8),
        .intake_credit_size = credit_sizes[run_below(run, CHEK_COUNT(credit_sizes))],
        .page_cache_size = page_cache_sizes[run_below(run, CHEK_COUNT(page_cache_sizes))],
        .scrub_rate = UINT64_C(1) << (10 + run_below(run, 14)),
        .retention_us = run->retention_us,
        .on_retention_stopped = on_retention_stopped,
        .context = run,
        .on_ready = on_ready,
        .on_stopped = on_stopped,
    };
    if (config.log_file_size / CHEK_BLOCK_SIZE % 2 != 0) { /* files that grow */
        config.log_file_size_first = CHEK_LOG_FILE_SIZE_MIN;
    }
    config.replay_open_size =
        config.page_cache_size; /* who has little memory seals while it replays */
    return config;
}

/* Everything that the server took it gave back. */
void
run_server_destroy(struct run *run)
{
    run->result.merge_count +=
        run->server != NULL ? (unsigned)chek_server_merge_count(run->server) : 0;
    if (run->server != NULL) {
        struct chek_residency residency;
        run->result.kept_count += (unsigned)chek_server_kept_count(run->server);
        chek_server_residency(run->server, &residency);
        run->result.cold_read_count += (unsigned)residency.read_count;
        run->result.cold_leave_count += (unsigned)residency.left_count;
    }
    chek_server_destroy(run->server);
    run->server = NULL;
    run->is_ready = run->has_stopped = run->stop_asked = false;
    run->manifest_failed_ns = 0;
    uint64_t taken_size = chek_workspace_count().size;
    if (taken_size == 0) {
        chek_workspace_finish();
    }
    struct chek_memory_counters now = chek_memory_count();
    const struct chek_memory_counters *then = &run->baseline;
    if (taken_size != 0 || now.heap_size != then->heap_size ||
        now.reserved_size != then->reserved_size || now.committed_size != then->committed_size ||
        now.allocation_count - now.free_count != then->allocation_count - then->free_count) {
        run_violate(run,
                    "after its end the server holds %" PRId64 " bytes in %" PRId64
                    " blocks, %" PRId64 " reserved, %" PRIu64 " of the workspace",
                    (int64_t)(now.heap_size - then->heap_size),
                    (int64_t)(now.allocation_count - now.free_count - then->allocation_count +
                              then->free_count),
                    (int64_t)(now.reserved_size - then->reserved_size), taken_size);
    }
}

/* A start that fails without a reason that the disk gave. */
static bool
is_bad_start(int error)
{
    return error < -5000 && error != CHEK_E_HALTED;
}

int
run_server_create(struct run *run, unsigned machine, unsigned shard_count, struct chek_server **ret)
{
    struct chek_server_fault fault = {0};
    for (unsigned i = 0; i < shard_count; i++) {
        run->ios[i] = chek_world_io(run->world, machine, i);
    }
    int error = chek_server_create(run->ios, shard_count, &run->config, &fault, ret);
    if (error != CHEK_OK) {
        run_say(run, "machine %u, %u shards: %s", machine, shard_count, fault.text);
    }
    if (error != CHEK_OK && is_bad_start(error) && chek_world_is_up(run->world, machine)) {
        run_violate(run, "it does not start: %s", fault.text);
    }
    return error;
}

static unsigned
shards_draw(struct run *run)
{
    return 1 + (unsigned)run_below(run, RUN_SHARD_COUNT_MAX);
}

/* ---- state hashes ----------------------------------------------------------------------------- */

static void
hashes_take(const struct run *run, const struct chek_server *server,
            uint64_t ret[RUN_PARTITION_COUNT_MAX + 1])
{
    (void)run;
    for (unsigned i = 0; i <= chek_server_partition_count(server); i++) {
        ret[i] = chek_server_partition_hash(server, (uint16_t)i);
    }
}

static void
hashes_compare(struct run *run, const struct chek_server *server, const uint64_t *hashes,
               const char *what)
{
    for (unsigned i = 0; i <= chek_server_partition_count(server); i++) {
        if (chek_server_partition_hash(server, (uint16_t)i) != hashes[i]) {
            run_violate(run, "partition %u has another state hash %s", i, what);
        }
    }
}

/*
 * A head that was shown once is that of so many rows for ever: behind every crash, every stop and
 * every number of shards. What was sealed after the last snapshot is sealed again after a start.
 */
static void
chains_look(struct run *run, const struct chek_server *server)
{
    for (unsigned i = 1; i <= chek_server_partition_count(server); i++) {
        struct run_chain *known = &run->chains[i];
        struct chek_chain chain = chek_server_partition_chain(server, (uint16_t)i);
        if (chain.range_count > RUN_RANGE_COUNT_MAX) {
            run_violate(run, "partition %u has %" PRIu64 " ranges", i, chain.range_count);
            return;
        }
        struct chek_chain *seen = &known->seen[chain.range_count];
        if (seen->range_count != 0 && memcmp(seen, &chain, sizeof chain) != 0) {
            run_violate(run, "partition %u has another head over %" PRIu64 " rows", i,
                        chain.row_count);
        }
        *seen = chain;
        if (chain.range_count > known->range_count) {
            known->range_count = chain.range_count;
            run->result.range_count += 1;
        }
    }
}

/* The same disk, brought back on another machine by another number of shards: the same state. */
static void
twin_compare(struct run *run)
{
    struct chek_server *twin;
    uint64_t hashes[RUN_PARTITION_COUNT_MAX + 1];
    unsigned shard_count = shards_draw(run);
    chek_world_restart(run->world, run->twin, shard_count);
    if (run_server_create(run, run->twin, shard_count, &twin) == CHEK_OK) {
        hashes_take(run, twin, hashes);
        chains_look(run, twin);
        run->result.twin_count += 1;
        chek_world_crash(run->world, run->twin, CHEK_CRASH_POWER);
        chek_server_destroy(twin);
        hashes_compare(run, run->server, hashes, "on a machine that has a copy of the disk");
    } else if (chek_world_is_up(run->world, run->twin)) {
        chek_world_crash(run->world, run->twin, CHEK_CRASH_POWER);
    }
}

/* ---- the machine ------------------------------------------------------------------------------ */

static enum chek_world_crash
crash_draw(struct run *run)
{
    return run_below(run, 4) != 0 ? CHEK_CRASH_POWER : CHEK_CRASH_KILL;
}

void
run_crash_plan(struct run *run)
{
    if (run->options.first_crash != 0 || run->crashes_left == 0) {
        chek_world_crash_after(run->world, run->machine, 0, CHEK_CRASH_POWER);
        return;
    }
    run->crashes_left -= 1;
    bool is_soon = run_chance(run, 30); /* while it starts */
    uint64_t n = 1 + run_below(run, is_soon ? 120 : 4000);
    chek_world_crash_after(run->world, run->machine, n, crash_draw(run));
}

/* Stop what there was and start again on the same disk. */
int
run_restart(struct run *run)
{
    bool with_twin = !run->options.calm && run->server != NULL && run_chance(run, 40);
    run_server_destroy(run);
    if (with_twin) {
        chek_world_disk_copy(run->world, run->machine, run->twin);
    }
    run->shard_count = shards_draw(run);
    chek_world_restart(run->world, run->machine, run->shard_count);
    int error = run_server_create(run, run->machine, run->shard_count, &run->server);
    if (error != CHEK_OK) {
        run->server = NULL;
        if (chek_world_is_up(run->world, run->machine)) {
            chek_world_crash(run->world, run->machine, CHEK_CRASH_KILL); /* the process ends */
        }
        return error;
    }
    run_say(run, "started with %u shards", run->shard_count);
    if (!run->is_ending) {
        chek_world_fail_folder_sync(run->world, run->machine, run->options.folder_failing);
    }
    run->result.start_count += 1;
    run->started_ns = chek_world_now_ns(run->world);
    if (chek_world_is_up(run->world, run->machine)) {
        chains_look(run, run->server);
    }
    if (run->has_hashes && chek_world_is_up(run->world, run->machine)) {
        hashes_compare(run, run->server, run->hashes, "after an orderly stop");
    }
    run->has_hashes = false;
    if (with_twin && chek_world_is_up(run->world, run->machine)) {
        twin_compare(run);
    }
    if (!run->is_ending && run_chance(run, 50)) {
        run_verify_begin(run, 0);
    }
    return CHEK_OK;
}

/* Who was stopped in order has nothing to replay: its last snapshot has everything. */
static void
logs_look(struct run *run)
{
    const struct chek_manifest *manifest = server__folder(run->server)->manifest;
    for (size_t i = 0; i < manifest->log_count; i++) {
        const struct chek_log_known *log = &manifest->logs[i];
        if (!log->ended || log->lsn_end != log->lsn_first) {
            run_violate(run, "stream %u is to be replayed after an orderly stop", log->stream);
        }
    }
}

/* A stop that was asked for is over: nothing of it may get lost any more. */
static void
stopped_note(struct run *run)
{
    if (run->stop_error != CHEK_OK) {
        run->result.latch_count += 1;
        if (run->options.calm) {
            run_violate(run, "it gave up: %s", chek_error_name(run->stop_error));
        }
    } else if (!run->stop_asked) {
        run_violate(run, "it stopped and was not asked to");
    } else {
        run->result.stop_count += 1;
        logs_look(run);
        hashes_take(run, run->server, run->hashes);
        run->has_hashes = true;
    }
}

static void
clients_drop(struct run *run)
{
    for (unsigned i = 0; i < RUN_CLIENT_COUNT; i++) {
        if (run_chance(run, 50)) {
            run_client_drop(&run->clients[i]); /* else it finds out by itself */
        }
    }
}

/* A start leads to a server that serves, and a stop that was asked for to its end. */
static void
check_patience(struct run *run)
{
    uint64_t now_ns = chek_world_now_ns(run->world);
    if (!run->is_ready && now_ns - run->started_ns > RUN_PATIENCE_NS) {
        run_violate(run, "it has started and does not serve");
    }
    if (run->stop_asked && now_ns - run->stop_asked_ns > run_patience_ns(run)) {
        run_violate(run, "it does not stop");
    }
}

/* However much there is to answer, to seal or to store: what a shard does of it in a step has
 * bounds. How many documents come in at once has others. */
static void
steps_look(struct run *run)
{
    static const struct step_bound {
        enum server__step part;
        uint32_t rows, documents;
    } bounds[] = {
        {STEP_VISIT, 0, RUN_VISIT_DOCUMENTS_MAX},
        {STEP_QUESTION, 0, 0},
        {STEP_SESSION, 0, 0},
        {STEP_SNAPSHOT, 0, 0},
        {STEP_SEAL, 0, 0},
        {STEP_MERGE, 0, 0},
        {STEP_MESSAGE, 0, 0},
        {STEP_OTHER, 0, 0},
    };
    for (size_t i = 0; i < CHEK_COUNT(bounds); i++) {
        struct chek_store_effort most = server__step_most(run->server, bounds[i].part);
        if (most.rows > bounds[i].rows || most.documents > bounds[i].documents ||
            most.bytes > run->config.snapshot_step_size + CHEK_STORE_PIECE_SIZE_MAX) {
            run_violate(run,
                        "part %d of a step looks at %llu rows, reads %llu documents, writes %llu "
                        "bytes of an image",
                        bounds[i].part, (unsigned long long)most.rows,
                        (unsigned long long)most.documents, (unsigned long long)most.bytes);
        }
    }
}

/* Keep the machine running: start it again when it is down, or when its server has ended. */
void
run_machine_step(struct run *run)
{
    bool is_up = chek_world_is_up(run->world, run->machine);
    if (is_up && run->server != NULL && !run->has_stopped) {
        uint64_t wait_ns = MANIFEST_WAIT_NS + chek_world_options(run->world)->work_delay_ns_max;
        if (run->manifest_failed_ns != 0 &&
            chek_world_now_ns(run->world) > run->manifest_failed_ns + wait_ns) {
            run_violate(run, "it goes on, and nobody knows which manifest a start would find");
        }
        check_patience(run);
        steps_look(run);
        run_backup_step(run);
        chains_look(run, run->server);
        return;
    }
    if (is_up && run->has_stopped) {
        stopped_note(run);
    }
    run->result.crash_count += !is_up;
    run_say(run, "%s", is_up ? "ends" : "crashed");
    if (is_up) {
        chek_world_crash(run->world, run->machine, crash_draw(run));
    }
    clients_drop(run);
    run_crash_plan(run);
    if (run_restart(run) == CHEK_OK) {
        run->failed_start_count = 0;
        return;
    }
    run->result.failed_start_count += 1;
    run->failed_start_count += 1; /* the next step starts again */
    if (run->failed_start_count > FAILED_START_COUNT_MAX) {
        chek_world_options(run->world)->disk_capacity = RUN_CAPACITY_MAX;
        chek_world_heal(run->world);
    }
}

void
run_stop_ask(struct run *run)
{
    if (run->server != NULL && run->is_ready && !run->stop_asked && !run->has_stopped &&
        chek_world_is_up(run->world, run->machine)) {
        run_say(run, "is asked to stop");
        run->stop_asked = true;
        run->stop_asked_ns = chek_world_now_ns(run->world);
        chek_server_stop(run->server, run->ios[run_below(run, run->shard_count)]);
    }
}
