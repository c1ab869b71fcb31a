/* SPDX-License-Identifier: MIT */
/*
 * toy_drive.c - one seed of the toy.
 */
#include "tests/sim/toy_drive.h"

#include "engine/base/assertion.h"
#include "engine/base/prng.h"

#define CLIENT_COUNT 3
#define ID_COUNT_EACH 80
#define WINDOW_COUNT 4
#define STEP_COUNT_MAX 400000
#define CRASH_COUNT_MAX 12

struct drive;

struct client {
    struct drive *drive;
    struct chek_world_client *link;
    uint64_t id_first;
    unsigned sent_count; /* on this connection, beyond what is acknowledged */
    uint8_t in[8];
    size_t in_size;
    bool lost; /* the connection broke */
};

struct drive {
    struct toy_run run;
    struct toy_result result;
    struct chek_world *world;
    unsigned machine;
    struct toy_log toy;
    bool toy_is_up;
    struct chek_prng prng;
    unsigned crashes_left;
    struct client clients[CLIENT_COUNT];
    bool acked[TOY_ID_COUNT];
};

static void
violate(struct drive *drive, const char *what)
{
    if (drive->result.violation == NULL) {
        drive->result.violation = what;
    }
}

/* ---- clients ------------------------------------------------------------------------------- */

/* The first id that is not acknowledged; ID_COUNT_EACH when all are. */
static unsigned
first_open(const struct client *client)
{
    unsigned at = 0;
    while (at < ID_COUNT_EACH && client->drive->acked[client->id_first + at]) {
        at++;
    }
    return at;
}

static void
on_receive(void *context, const uint8_t *bytes, size_t size, int error)
{
    struct client *client = context;
    struct drive *drive = client->drive;
    if (size == 0 || error != 0) {
        client->lost = true;
        return;
    }
    for (size_t i = 0; i < size; i++) {
        client->in[client->in_size++] = bytes[i];
        if (client->in_size < sizeof(client->in)) {
            continue;
        }
        client->in_size = 0;
        uint64_t id = chek_load_u64(client->in);
        if (id < client->id_first || id >= client->id_first + ID_COUNT_EACH) {
            violate(drive, "a client got an answer that is not its own");
            return;
        }
        drive->acked[id] = true;
    }
}

static void
on_connected(void *context, int error)
{
    struct client *client = context;
    client->lost = client->lost || error != 0;
}

static void
client_send(struct client *client)
{
    unsigned open = first_open(client);
    while (client->sent_count < open + WINDOW_COUNT && client->sent_count < ID_COUNT_EACH) {
        uint8_t bytes[8];
        chek_store_u64(bytes, client->id_first + client->sent_count++);
        chek_world_client_send(client->link, bytes, sizeof(bytes));
    }
}

/* Connect again after a loss, from the first id that is open. */
static void
client_step(struct client *client)
{
    struct drive *drive = client->drive;
    if (client->link != NULL && client->lost) {
        chek_world_client_close(client->link);
        client->link = NULL;
    }
    if (client->link == NULL) {
        struct chek_world_client_owner owner = {
            .context = client, .on_connected = on_connected, .on_receive = on_receive};
        client->lost = false;
        client->in_size = 0;
        client->sent_count = first_open(client);
        client->link = chek_world_client_connect(drive->world, drive->machine, TOY_ADDRESS, &owner);
    }
    client_send(client);
}

/* ---- the machine --------------------------------------------------------------------------- */

static enum chek_world_crash
draw_crash(struct drive *drive)
{
    return chek_prng_below(&drive->prng, 3) != 0 ? CHEK_CRASH_POWER : CHEK_CRASH_KILL;
}

static void
plan_crash(struct drive *drive)
{
    if (drive->crashes_left == 0) {
        chek_world_crash_after(drive->world, drive->machine, 0, CHEK_CRASH_POWER);
        return;
    }
    drive->crashes_left -= 1;
    bool is_soon = chek_prng_below(&drive->prng, 3) == 0; /* while it recovers */
    uint64_t n = 1 + chek_prng_below(&drive->prng, is_soon ? 25 : 150);
    chek_world_crash_after(drive->world, drive->machine, n, draw_crash(drive));
}

/* After every recovery all that was acknowledged must be there, once. */
static void
check_recovered(struct drive *drive)
{
    for (size_t id = 0; id < TOY_ID_COUNT; id++) {
        if (drive->acked[id] && drive->toy.states[id] != TOY_DURABLE) {
            violate(drive, "an acknowledged record is lost");
        }
    }
    if (drive->toy.recovered_twice != 0) {
        violate(drive, "a record is there twice");
    }
}

static void
start_toy(struct drive *drive)
{
    struct chek_io *io = chek_world_io(drive->world, drive->machine, 0);
    int error = toy_log_start(&drive->toy, io, drive->run.mistake);
    drive->toy_is_up = error == CHEK_OK && chek_world_is_up(drive->world, drive->machine);
    if (drive->toy_is_up) {
        check_recovered(drive);
    } else if (chek_world_is_up(drive->world, drive->machine)) {
        chek_world_crash(drive->world, drive->machine, draw_crash(drive)); /* it gave up */
    }
}

/* Keep the machine running: restart it when it is down, stop it when its log latched. */
static void
machine_step(struct drive *drive)
{
    if (drive->toy_is_up && drive->toy.latched != 0) {
        chek_world_crash(drive->world, drive->machine, draw_crash(drive));
    }
    if (!chek_world_is_up(drive->world, drive->machine)) {
        drive->result.crash_count += 1;
        drive->toy_is_up = false;
        plan_crash(drive);
        chek_world_restart(drive->world, drive->machine, 1);
        start_toy(drive);
    }
}

/* ---- rules over the trace ------------------------------------------------------------------ */

static void
on_event(void *context, const struct chek_world_event *event)
{
    struct drive *drive = context;
    if (!drive->run.check_sends || event->kind != CHEK_WORLD_SEND) {
        return;
    }
    for (size_t at = 0; at + 8 <= event->size; at += 8) {
        char path[TOY_PATH_MAX];
        struct toy_place place = drive->toy.places[chek_load_u64(event->bytes + at)];
        toy_log_path(place.file_number, path);
        if (!chek_world_is_durable(drive->world, drive->machine, path, place.offset, 512)) {
            violate(drive, "an acknowledgement was sent before its record was durable");
        }
    }
}

/* ---- a run --------------------------------------------------------------------------------- */

struct chek_world_options
toy_drive_options(const struct toy_run *run)
{
    if (run->calm) {
        return chek_world_options_calm(run->seed);
    }
    static const uint64_t sync_error_rates[] = {0, 0, 5000, 30000};
    struct chek_world_options options = chek_world_options_drawn(run->seed);
    struct chek_prng prng;
    chek_prng_init(&prng, run->seed);
    options.disk_sync_error_rate =
        sync_error_rates[chek_prng_below(&prng, CHEK_COUNT(sync_error_rates))];
    return options;
}

static bool
all_acked(struct drive *drive)
{
    unsigned count = 0;
    for (size_t i = 0; i < CLIENT_COUNT; i++) {
        count += first_open(&drive->clients[i]);
    }
    drive->result.acked_count = count;
    return count == CLIENT_COUNT * ID_COUNT_EACH;
}

static void
drive_until_done(struct drive *drive)
{
    for (uint64_t step = 0; !all_acked(drive) && drive->result.violation == NULL; step++) {
        if (step == STEP_COUNT_MAX / 2) {
            chek_world_heal(drive->world);
            drive->crashes_left = 0;
        }
        machine_step(drive);
        for (size_t i = 0; i < CLIENT_COUNT; i++) {
            client_step(&drive->clients[i]);
        }
        if (!chek_world_step(drive->world) || step == STEP_COUNT_MAX) {
            violate(drive, "the clients do not finish although the faults have stopped");
        }
    }
}

/* Twice: a second recovery must see what the first one saw. */
static void
cut_power_at_the_end(struct drive *drive)
{
    chek_world_heal(drive->world);
    chek_world_crash_after(drive->world, drive->machine, 0, CHEK_CRASH_POWER);
    for (int i = 0; i < 2 && drive->result.violation == NULL; i++) {
        chek_world_crash(drive->world, drive->machine, CHEK_CRASH_POWER);
        chek_world_restart(drive->world, drive->machine, 1);
        start_toy(drive);
        if (!drive->toy_is_up) {
            violate(drive, "the toy does not start although the faults have stopped");
        }
    }
}

struct toy_result
toy_drive(const struct toy_run *run)
{
    static struct drive drive;
    struct chek_world_options options = toy_drive_options(run);
    drive = (struct drive){.run = *run, .world = chek_world_create(&options)};
    chek_prng_init(&drive.prng, run->seed + 1);
    drive.machine = chek_world_machine_add(drive.world, 1);
    chek_world_observe(drive.world, on_event, &drive);
    for (size_t i = 0; i < CLIENT_COUNT; i++) {
        drive.clients[i] = (struct client){.drive = &drive, .id_first = i * ID_COUNT_EACH};
    }
    if (run->first_crash != 0) {
        chek_world_crash_after(drive.world, drive.machine, run->first_crash, run->kind);
    } else {
        drive.crashes_left = (unsigned)chek_prng_below(&drive.prng, CRASH_COUNT_MAX + 1);
        plan_crash(&drive);
    }
    start_toy(&drive);
    drive_until_done(&drive);
    if (drive.result.violation == NULL) {
        cut_power_at_the_end(&drive);
    }
    drive.result.trace = chek_world_trace(drive.world);
    drive.result.crash_point_count = chek_world_crash_point_count(drive.world, drive.machine);
    chek_world_destroy(drive.world);
    return drive.result;
}
