/* SPDX-License-Identifier: MIT */
/*
 * log_drive.c - one seed of the log.
 */
#include "tests/sim/log_drive.h"

#include <errno.h>

#include "engine/base/assertion.h"
#include "engine/base/limits.h"

#define STEP_COUNT_MAX 300000
#define CRASH_COUNT_MAX 10
#define TICK_NS_MAX 3000000
#define FAILED_START_COUNT_MAX 20 /* then somebody makes room on the disk */
#define CAPACITY_MAX (UINT64_C(1) << 40)

enum id_state { ID_UNSENT, ID_UNKNOWN, ID_STAYS };

struct drive {
    struct log_run run;
    struct log_result result;
    struct chek_world *world;
    unsigned machine;
    unsigned empty_machine; /* its disk replaces one whose creation was cut short */
    struct log_toy toy;
    struct chek_prng prng;
    unsigned crashes_left;
    unsigned failed_start_count; /* one after another */
    uint32_t snapshot_rate;      /* per million turns */
    bool ending;                 /* nothing new is sent */
    uint32_t id_next;
    enum id_state ids[LOG_TOY_ID_COUNT];
};

static void
violate(void *context, const char *text)
{
    struct drive *drive = context;
    if (drive->result.violation == NULL) {
        drive->result.violation = text;
    }
}

/* ---- traffic ------------------------------------------------------------------------------- */

static void
on_applied(void *context, uint32_t id)
{
    struct drive *drive = context;
    if (drive->ids[id] != ID_UNKNOWN) {
        violate(drive, "an id was applied twice, or never sent");
    }
    drive->ids[id] = ID_STAYS;
    drive->result.applied_count += 1;
}

static size_t
draw_size(struct chek_prng *prng)
{
    switch (chek_prng_below(prng, 8)) {
    case 0:
        return 0;
    case 1:
        return (size_t)chek_prng_below(prng, 9000);
    default:
        return (size_t)chek_prng_below(prng, 700);
    }
}

/* Append some ids to partitions of a shard. */
static void
send_some(struct drive *drive, struct log_toy_shard *shard)
{
    unsigned index = (unsigned)(shard - drive->toy.shards);
    uint64_t count = chek_prng_below(&drive->prng, 6);

    while (count-- > 0 && drive->id_next < LOG_TOY_ID_COUNT && !drive->ending) {
        uint32_t partition = (uint32_t)chek_prng_below(&drive->prng, LOG_TOY_PARTITION_COUNT);
        partition -= partition % drive->toy.shard_count;
        partition += index;
        if (partition >= LOG_TOY_PARTITION_COUNT) {
            partition = index;
        }
        /* Before the append: it may become known at any moment from then on. */
        drive->ids[drive->id_next] = ID_UNKNOWN;
        if (!log_toy_append(shard, partition, drive->id_next, draw_size(&drive->prng))) {
            drive->ids[drive->id_next] = ID_UNSENT;
            return;
        }
        drive->id_next += 1;
    }
}

static void
on_tick(struct chek_op *op, int64_t result)
{
    struct log_toy_shard *shard = CHEK_CONTAINER_OF(op, struct log_toy_shard, tick);
    (void)result;
    send_some(shard->toy->context, shard);
}

static void
on_shard_turn(void *context, struct log_toy_shard *shard)
{
    struct drive *drive = context;
    if (drive->toy.latch_error != CHEK_OK) {
        return;
    }
    if (!shard->tick.in_flight && !drive->ending) {
        shard->tick.on_done = on_tick;
        uint64_t wait_ns = chek_prng_below(&drive->prng, TICK_NS_MAX);
        chek_io_timer(shard->io, &shard->tick, chek_io_now_ns(shard->io) + wait_ns);
    }
    if (chek_prng_chance(&drive->prng, drive->snapshot_rate)) {
        int error = log_toy_snapshot(&drive->toy);
        drive->result.snapshot_count += error == CHEK_OK;
        if (error != CHEK_OK) {
            drive->toy.latch_error = error;
        }
    }
}

/* ---- the oracle ---------------------------------------------------------------------------- */

/* What has to stay is there, nothing is there twice, and what is there now has to stay. */
static void
check_recovered(struct drive *drive)
{
    bool is_there[LOG_TOY_ID_COUNT] = {false};

    for (uint32_t i = 0; i < LOG_TOY_PARTITION_COUNT; i++) {
        for (uint64_t j = 0; j < drive->toy.state.counts[i]; j++) {
            uint32_t id = drive->toy.state.ids[i][j];
            if (is_there[id]) {
                violate(drive, "an id is there twice");
            }
            if (drive->ids[id] == ID_UNSENT) {
                violate(drive, "an id is there that was never sent");
            }
            if (j > 0 && id <= drive->toy.state.ids[i][j - 1]) {
                violate(drive, "ids are out of order");
            }
            is_there[id] = true;
        }
    }
    for (uint32_t id = 0; id < LOG_TOY_ID_COUNT; id++) {
        if (drive->ids[id] == ID_STAYS && !is_there[id]) {
            violate(drive, "an acknowledged id is lost");
        }
        drive->ids[id] = is_there[id] ? ID_STAYS : drive->ids[id];
    }
}

/* ---- the machine --------------------------------------------------------------------------- */

static enum chek_world_crash
draw_crash(struct drive *drive)
{
    return chek_prng_below(&drive->prng, 4) != 0 ? CHEK_CRASH_POWER : CHEK_CRASH_KILL;
}

static void
plan_crash(struct drive *drive)
{
    if (drive->run.first_crash != 0 || drive->crashes_left == 0) {
        chek_world_crash_after(drive->world, drive->machine, 0, CHEK_CRASH_POWER);
        return;
    }
    drive->crashes_left -= 1;
    bool is_soon = chek_prng_below(&drive->prng, 3) == 0; /* while it starts */
    uint64_t n = 1 + chek_prng_below(&drive->prng, is_soon ? 80 : 900);
    chek_world_crash_after(drive->world, drive->machine, n, draw_crash(drive));
}

static struct log_toy_options
draw_options(struct drive *drive)
{
    bool is_large = chek_prng_below(&drive->prng, 4) == 0;
    return (struct log_toy_options){
        .file_block_count = 8 + (uint32_t)chek_prng_below(&drive->prng, is_large ? 120 : 12),
        .method = (enum chek_sync_method)chek_prng_below(&drive->prng, 3),
        .snapshot_at_start = chek_prng_below(&drive->prng, 8) == 0,
    };
}

/* The creation of the data folder was cut short; then nothing can have been acknowledged. */
static void
start_over(struct drive *drive)
{
    for (uint32_t id = 0; id < LOG_TOY_ID_COUNT; id++) {
        if (drive->ids[id] == ID_STAYS) {
            violate(drive, "a data folder in use looks as if its creation was cut short");
        }
    }
    if (chek_world_is_up(drive->world, drive->machine)) {
        chek_world_crash(drive->world, drive->machine, CHEK_CRASH_POWER);
    }
    chek_world_disk_copy(drive->world, drive->empty_machine, drive->machine);
}

/* Stop what there was and start again on the same disk. Returns what the start said. */
static int
restart(struct drive *drive)
{
    unsigned shard_count = 1 + (unsigned)chek_prng_below(&drive->prng, LOG_TOY_SHARD_COUNT_MAX);
    struct chek_io *ios[LOG_TOY_SHARD_COUNT_MAX];

    log_toy_stop(&drive->toy);
    drive->toy = (struct log_toy){
        .context = drive,
        .on_applied = on_applied,
        .on_violation = violate,
        .on_shard_turn = on_shard_turn,
    };
    chek_world_restart(drive->world, drive->machine, shard_count);
    for (unsigned i = 0; i < shard_count; i++) {
        ios[i] = chek_world_io(drive->world, drive->machine, i);
    }
    const struct log_toy_options options = draw_options(drive);
    int error = log_toy_start(&drive->toy, ios, shard_count, &options);
    drive->result.cut_count += drive->toy.cut_count;
    if (error == CHEK_OK && chek_world_is_up(drive->world, drive->machine)) {
        check_recovered(drive);
    }
    if (error == CHEK_E_EXISTS) {
        start_over(drive);
    }
    if (error == CHEK_E_CORRUPT || error == CHEK_E_FOREIGN || error == CHEK_E_VERSION) {
        violate(drive, "a start says CORRUPT although nothing but a crash happened");
    }
    return error;
}

static void
note_files(struct drive *drive)
{
    for (unsigned i = 0; i < drive->toy.shard_count && drive->toy.is_up; i++) {
        drive->result.file_count += chek_log_count(drive->toy.shards[i].log).file_count;
    }
}

/* Keep the machine running: stop it when its log latched or its start failed, start it again. */
static void
machine_step(struct drive *drive)
{
    bool is_up = chek_world_is_up(drive->world, drive->machine);
    if (is_up && drive->toy.is_up && drive->toy.latch_error == CHEK_OK) {
        return;
    }
    drive->result.latch_count += drive->toy.latch_error != CHEK_OK && is_up;
    if (is_up) {
        chek_world_crash(drive->world, drive->machine, draw_crash(drive));
    }
    note_files(drive);
    drive->result.crash_count += 1;
    plan_crash(drive);
    if (restart(drive) == CHEK_OK) {
        drive->failed_start_count = 0;
        return;
    }
    drive->failed_start_count += 1; /* the next step starts again */
    if (drive->failed_start_count > FAILED_START_COUNT_MAX) {
        chek_world_options(drive->world)->disk_capacity = CAPACITY_MAX;
    }
}

/* ---- the end ------------------------------------------------------------------------------- */

/* Cut the power and start; nothing but damage may keep it from starting. */
static int
cut_power_and_start(struct drive *drive)
{
    chek_world_crash(drive->world, drive->machine, CHEK_CRASH_POWER);
    int error = restart(drive);
    if (error != CHEK_OK) {
        violate(drive, "it does not start although the faults have stopped");
    }
    return error;
}

/* A log file of the last run. */
static void
file_name(const struct drive *drive, uint32_t stream, uint32_t number, char ret[64])
{
    int size = snprintf(ret, 64, CHEK_LOG_FOLDER "/%016llx-%04x-%08x.log",
                        (unsigned long long)drive->toy.manifest.generation, stream, number);
    CHEK_ASSERT(size > 0 && size < 64);
}

/* Find a sector that was written, by chance; false when the run wrote too little. */
static bool
draw_sector(struct drive *drive, char name[64], uint64_t *ret_offset, uint8_t ret[512])
{
    static const uint8_t zeros[512];
    for (unsigned i = 0; i < 2000; i++) {
        uint32_t stream = (uint32_t)chek_prng_below(&drive->prng, drive->toy.shard_count);
        const struct chek_log *log = drive->toy.shards[stream].log;
        uint32_t first = chek_log_known_at(log, chek_log_count(log).durable_lsn).file_first;
        file_name(drive, stream, first, name);
        *ret_offset = chek_prng_below(&drive->prng, 128 * 8) * CHEK_SECTOR_SIZE;
        int64_t got = chek_world_peek(drive->world, drive->machine, name, ret, 512, *ret_offset);
        if (got == 512 && memcmp(ret, zeros, 512) != 0) {
            return true;
        }
    }
    return false;
}

/*
 * The log is quiet and says so on disk. A sector that is lost or damaged now must stop the start,
 * unless everything is there without it; put back, it starts.
 */
static void
damage(struct drive *drive)
{
    char name[64];
    uint64_t offset;
    uint8_t sector[512], bad[512] = {0};
    if (!draw_sector(drive, name, &offset, sector)) {
        return;
    }
    drive->result.damage_count += 1;
    if (chek_prng_below(&drive->prng, 3) == 0) {
        memcpy(bad, sector, sizeof bad);
        bad[chek_prng_below(&drive->prng, 512)] ^= (uint8_t)(1 << chek_prng_below(&drive->prng, 8));
    }
    chek_world_crash(drive->world, drive->machine, CHEK_CRASH_POWER);
    chek_world_poke(drive->world, drive->machine, name, bad, sizeof bad, offset);
    const char *before = drive->result.violation;
    int error = restart(drive);
    if (error == CHEK_E_CORRUPT) {
        drive->result.violation = before; /* this time it is what we want */
        chek_world_crash(drive->world, drive->machine, CHEK_CRASH_POWER);
        chek_world_poke(drive->world, drive->machine, name, sector, sizeof sector, offset);
        error = restart(drive);
    }
    if (error != CHEK_OK) {
        violate(drive, "it does not start although the damage is repaired");
    }
}

/* No faults any more: all that was appended becomes durable and the logs quiet. */
static void
finish(struct drive *drive)
{
    chek_world_heal(drive->world);
    chek_world_options(drive->world)->disk_capacity = CAPACITY_MAX;
    chek_world_crash_after(drive->world, drive->machine, 0, CHEK_CRASH_POWER);
    drive->crashes_left = 0;
    drive->ending = true;
    drive->snapshot_rate = 0;
    for (uint64_t step = 0; drive->result.violation == NULL; step++) {
        machine_step(drive);
        if (log_toy_is_quiet(&drive->toy)) {
            break;
        }
        if (!chek_world_step(drive->world) || step == STEP_COUNT_MAX) {
            violate(drive, "the logs do not become quiet although the faults have stopped");
        }
    }
    note_files(drive);
    if (drive->result.violation == NULL && chek_prng_below(&drive->prng, 2) == 0) {
        damage(drive);
    }
    for (int i = 0; i < 2 && drive->result.violation == NULL; i++) {
        if (cut_power_and_start(drive) != CHEK_OK) {
            break;
        }
    }
}

/* ---- a run --------------------------------------------------------------------------------- */

struct chek_world_options
log_drive_options(const struct log_run *run)
{
    if (run->calm) {
        return chek_world_options_calm(run->seed);
    }
    static const uint64_t sync_error_rates[] = {0, 0, 1000, 10000};
    static const uint64_t capacities[] = {CAPACITY_MAX, CAPACITY_MAX, 400000, 4000000};
    struct chek_world_options options = chek_world_options_drawn(run->seed);
    struct chek_prng prng;
    chek_prng_init(&prng, run->seed);
    options.disk_sync_error_rate =
        sync_error_rates[chek_prng_below(&prng, CHEK_COUNT(sync_error_rates))];
    options.disk_capacity = capacities[chek_prng_below(&prng, CHEK_COUNT(capacities))];
    return options;
}

struct log_result
log_drive(const struct log_run *run)
{
    static struct drive drive;
    static const uint32_t snapshot_rates[] = {0, 500, 5000, 20000};
    struct chek_world_options options = log_drive_options(run);

    drive = (struct drive){.run = *run, .world = chek_world_create(&options)};
    chek_prng_init(&drive.prng, run->seed + 1);
    drive.machine = chek_world_machine_add(drive.world, 1);
    drive.empty_machine = chek_world_machine_add(drive.world, 1);
    chek_world_crash(drive.world, drive.empty_machine, CHEK_CRASH_POWER);
    drive.snapshot_rate = snapshot_rates[chek_prng_below(&drive.prng, CHEK_COUNT(snapshot_rates))];
    drive.crashes_left = (unsigned)chek_prng_below(&drive.prng, CRASH_COUNT_MAX + 1);
    chek_world_crash(drive.world, drive.machine, CHEK_CRASH_POWER); /* then it starts */
    if (run->first_crash != 0) {
        chek_world_crash_after(drive.world, drive.machine, run->first_crash, run->kind);
    } else {
        plan_crash(&drive);
    }
    int ignored = restart(&drive);
    (void)ignored;
    for (uint64_t step = 0; drive.id_next < LOG_TOY_ID_COUNT && step < STEP_COUNT_MAX &&
                            drive.result.violation == NULL;
         step++) {
        machine_step(&drive);
        (void)chek_world_step(drive.world);
    }
    drive.result.crash_point_count = chek_world_crash_point_count(drive.world, drive.machine);
    if (drive.result.violation == NULL) {
        finish(&drive);
    }
    drive.result.trace = chek_world_trace(drive.world);
    if (chek_world_is_up(drive.world, drive.machine)) {
        chek_world_crash(drive.world, drive.machine, CHEK_CRASH_POWER);
    }
    log_toy_stop(&drive.toy);
    chek_world_destroy(drive.world);
    return drive.result;
}
