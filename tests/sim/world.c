/* SPDX-License-Identifier: MIT */
/*
 * world.c - the world and its machines: switch on, dispatch, crash, switch on again.
 */
#include "tests/sim/world.h"

#include "tests/sim/sim.h"

#define SECOND_NS UINT64_C(1000000000)
#define BATCH_WINDOW_NS 20000 /* what comes while a shard is busy waits for it */
#define PORT_FIRST 40000      /* for listeners that ask for port 0 */

const struct chek_io_table sim__table = {
    .submit = sim__submit,
    .now_ns = sim__now_ns,
    .wall_us = sim__wall_us,
    .random = sim__random,
    .post = sim__post,
    .listen = sim__listen,
    .listen_stop = sim__listen_stop,
    .refuse = sim__refuse,
    .stream_start = sim__stream_start,
    .stream_pause = sim__stream_pause,
    .stream_resume = sim__stream_resume,
    .stream_send = sim__stream_send,
    .stream_close = sim__stream_close,
    .open = sim__open,
    .close = sim__close,
    .size = sim__size,
    .read = sim__read,
    .write = sim__write,
    .truncate = sim__truncate,
    .sync = sim__sync,
    .make_folder = sim__make_folder,
    .rename = sim__rename,
    .unlink = sim__unlink,
    .sync_folder = sim__sync_folder,
    .list = sim__list,
    .lock = sim__lock,
    .free_size = sim__free_size,
    .lanes_open = sim__lanes_open,
    .lanes_put = sim__lanes_put,
    .lanes_close = sim__lanes_close,
};

/* ---- the world ----------------------------------------------------------------------------- */

struct chek_world *
chek_world_create(const struct chek_world_options *options)
{
    sim__memory_prepare();
    struct chek_world *world = sim__allocate(sizeof(*world));
    world->options = *options;
    sim__prng_start(world, &world->turn_prng, SIM_STREAM_TURN, 0);
    return world;
}

static void
machine_destroy(struct sim_machine *machine)
{
    while (machine->all != NULL) {
        struct sim_shard *shard = machine->all;
        machine->all = shard->next;
        sim__free(shard->message_time_ns);
        sim__free(shard->message_count);
        sim__free(shard);
    }
    sim__disk_destroy(machine->disk);
    sim__free(machine->shards);
    sim__free(machine->listeners);
    sim__free(machine);
}

void
chek_world_destroy(struct chek_world *world)
{
    if (world == NULL) {
        return;
    }
    sim__net_destroy(world);
    for (size_t i = 0; i < world->machine_count; i++) {
        machine_destroy(world->machines[i]);
    }
    sim__free(world->machines);
    sim__free(world->queue.events);
    sim__free(world);
}

uint64_t
chek_world_now_ns(const struct chek_world *world)
{
    return world->now_ns;
}

uint64_t
chek_world_step_count(const struct chek_world *world)
{
    return world->step_count;
}

uint64_t
chek_world_trace(const struct chek_world *world)
{
    return world->trace;
}

void
chek_world_advance(struct chek_world *world, uint64_t wait_ns)
{
    world->now_ns += wait_ns;
}

void
chek_world_observe(struct chek_world *world,
                   void (*on_event)(void *context, const struct chek_world_event *event),
                   void *context)
{
    CHEK_ASSERT(world->observer_count < SIM_OBSERVER_COUNT_MAX);
    world->observers[world->observer_count++] =
        (struct sim_observer){.on_event = on_event, .context = context};
}

/* ---- machines ------------------------------------------------------------------------------ */

static struct sim_machine *
machine_of(const struct chek_world *world, unsigned index)
{
    CHEK_ASSERT(index < world->machine_count);
    return world->machines[index];
}

static struct sim_shard *
shard_create(struct sim_machine *machine, unsigned index)
{
    struct sim_shard *shard = sim__allocate(sizeof(*shard));
    unsigned count = machine->shard_count;
    shard->io =
        (struct chek_io){.table = &sim__table, .shard = index, .shard_count = machine->shard_count};
    shard->machine = machine;
    shard->next = machine->all;
    machine->all = shard;
    shard->message_time_ns = sim__allocate(count * sizeof(*shard->message_time_ns));
    shard->message_count = sim__allocate(count * sizeof(*shard->message_count));
    sim__prng_start(machine->world, &shard->prng, SIM_STREAM_RANDOM,
                    sim__mix(sim__mix(machine->index, machine->life), index));
    return shard;
}

/* The shards of a new life. Each has a first turn of its own, as the real loop has. */
static void
switch_on(struct sim_machine *machine, unsigned shard_count)
{
    CHEK_ASSERT(shard_count > 0);
    machine->life += 1;
    machine->up = true;
    machine->shard_count = shard_count;
    machine->clock_offset_ns = sim__between(&machine->time_prng, 1, 1000000) * SECOND_NS;
    machine->shards = sim__grow(machine->shards, shard_count * sizeof(struct sim_shard *));
    for (unsigned i = 0; i < shard_count; i++) {
        machine->shards[i] = shard_create(machine, i);
        uint64_t delay_ns = sim__between(&machine->time_prng, 0, 100000);
        sim__event_add(machine->world, delay_ns, SIM_WAKE, machine->shards[i], NULL);
    }
}

unsigned
chek_world_machine_add(struct chek_world *world, unsigned shard_count)
{
    struct sim_machine *machine = sim__allocate(sizeof(*machine));
    machine->world = world;
    machine->index = (unsigned)world->machine_count;
    machine->port_next = PORT_FIRST;
    sim__prng_start(world, &machine->crash_prng, SIM_STREAM_CRASH, machine->index);
    sim__prng_start(world, &machine->time_prng, SIM_STREAM_TIME, machine->index);
    sim__prng_start(world, &machine->message_prng, SIM_STREAM_MESSAGE, machine->index);
    sim__prng_start(world, &machine->work_prng, SIM_STREAM_WORK, machine->index);
    machine->disk = sim__disk_create(machine);
    world->machines = sim__array_room(world->machines, world->machine_count,
                                      &world->machine_capacity, sizeof(struct sim_machine *));
    world->machines[world->machine_count++] = machine;
    switch_on(machine, shard_count);
    return machine->index;
}

struct chek_io *
chek_world_io(struct chek_world *world, unsigned machine, unsigned shard)
{
    CHEK_ASSERT(shard < machine_of(world, machine)->shard_count);
    return &machine_of(world, machine)->shards[shard]->io;
}

bool
chek_world_is_up(const struct chek_world *world, unsigned machine)
{
    return machine_of(world, machine)->up;
}

void
chek_world_restart(struct chek_world *world, unsigned machine, unsigned shard_count)
{
    struct sim_machine *stopped = machine_of(world, machine);
    CHEK_ASSERT(!stopped->up);
    switch_on(stopped, shard_count);
    sim__trace(world, CHEK_WORLD_RESTART, machine, shard_count);
    sim__observe(world, &(struct chek_world_event){.kind = CHEK_WORLD_RESTART, .machine = machine});
}

/* ---- crash --------------------------------------------------------------------------------- */

static void
drop_event(struct chek_world *world, const struct sim_event *event)
{
    (void)world;
    struct sim_machine *machine = event->shard->machine;
    if (event->kind == SIM_OP || event->kind == SIM_WORK) {
        struct chek_op *op = event->subject;
        op->in_flight = false;
        if (op->kind == CHEK_OP_WRITE) {
            sim__disk_crash_write(machine->disk, op, machine->crash_kind);
        }
    } else if (event->kind != SIM_WAKE && event->kind != SIM_MESSAGE) {
        sim__net_forget(event);
    }
}

void
sim__halt(struct sim_machine *machine, enum chek_world_crash kind)
{
    struct chek_world *world = machine->world;
    if (!machine->up) {
        return;
    }
    machine->up = false;
    machine->crash_kind = kind;
    for (unsigned i = 0; i < machine->shard_count; i++) {
        machine->shards[i]->halted = true;
    }
    sim__event_drop(world, drop_event);
    sim__net_crash(machine);
    sim__disk_crash(machine->disk, kind);
    machine->listener_count = 0;
    sim__trace(world, CHEK_WORLD_CRASH, machine->index, (uint64_t)kind);
    sim__observe(world, &(struct chek_world_event){
                            .kind = CHEK_WORLD_CRASH, .machine = machine->index, .result = kind});
}

void
chek_world_crash(struct chek_world *world, unsigned machine, enum chek_world_crash kind)
{
    sim__halt(machine_of(world, machine), kind);
}

void
chek_world_crash_after(struct chek_world *world, unsigned machine, uint64_t n,
                       enum chek_world_crash kind)
{
    machine_of(world, machine)->crash_countdown = n;
    machine_of(world, machine)->crash_kind = kind;
}

uint64_t
chek_world_crash_point_count(const struct chek_world *world, unsigned machine)
{
    return machine_of(world, machine)->crash_point_count;
}

bool
sim__crash_point(struct sim_machine *machine)
{
    machine->crash_point_count += 1;
    return machine->crash_countdown != 0 && --machine->crash_countdown == 0;
}

/* ---- turns --------------------------------------------------------------------------------- */

static void
dispatch(struct chek_world *world, const struct sim_event *event)
{
    struct sim_shard *shard = event->shard;
    switch (event->kind) {
    case SIM_WAKE:
        break;
    case SIM_OP:
        sim__op_complete(shard, event->subject);
        break;
    case SIM_WORK:
        sim__work_run(shard, event->subject);
        break;
    case SIM_MESSAGE:
        sim__message_deliver(shard, event->subject);
        break;
    default:
        sim__net_dispatch(world, event);
        break;
    }
}

/* Take the earliest event, unless the machine crashes at it. */
static bool
take_event(struct chek_world *world, struct sim_event *ret)
{
    const struct sim_event *next = sim__event_peek(world);
    struct sim_machine *machine = next->shard != NULL ? next->shard->machine : NULL;
    world->now_ns = next->time_ns > world->now_ns ? next->time_ns : world->now_ns;
    if (machine != NULL && sim__crash_point(machine)) {
        sim__halt(machine, machine->crash_kind);
        return false;
    }
    *ret = sim__event_take(world);
    uint64_t place =
        ret->shard != NULL ? sim__mix(ret->shard->machine->index + 1, ret->shard->io.shard) : 0;
    sim__trace(world, (uint64_t)ret->kind, world->now_ns, place);
    return true;
}

/* A product that was halted within a callback may be gone by the time it returns. */
static void
step_end(struct sim_shard *shard)
{
    if (!shard->halted) {
        chek_io_step(&shard->io.owner);
    }
}

static void
end_turn(struct sim_shard *shard)
{
    if (!shard->halted && shard->io.owner.on_turn != NULL) {
        shard->turn_steps += 1;
        shard->io.owner.on_turn(shard->io.owner.context);
        step_end(shard);
    }
    shard->turn_steps_last = shard->turn_steps;
    if (shard->turn_steps > shard->turn_steps_max) {
        shard->turn_steps_max = shard->turn_steps;
    }
}

/* A batch of one shard's events, as they would have piled up while it was busy, and its turn. */
static void
run_turn(struct chek_world *world, struct sim_event event)
{
    struct sim_shard *shard = event.shard;
    uint64_t batch_count = sim__between(&world->turn_prng, 1, world->options.batch_count_max);
    shard->turn_steps = 0;
    world->turn = shard;
    chek_io_wake(&shard->io.owner);
    for (;;) {
        sim__turn_step(shard, 0);
        dispatch(world, &event);
        step_end(shard);
        const struct sim_event *next = sim__event_peek(world);
        bool is_due = next != NULL && next->shard == shard && next->kind != SIM_WORK &&
                      next->time_ns <= world->now_ns + BATCH_WINDOW_NS;
        if (shard->halted || --batch_count == 0 || !is_due || !take_event(world, &event)) {
            break;
        }
    }
    end_turn(shard);
    world->turn = NULL;
}

bool
chek_world_step(struct chek_world *world)
{
    struct sim_event event;
    if (sim__event_peek(world) == NULL || world->step_count >= world->options.step_count_max) {
        return false;
    }
    world->step_count += 1;
    if (!take_event(world, &event)) {
        return true;
    }
    if (event.shard != NULL && event.kind != SIM_WORK) {
        run_turn(world, event);
    } else {
        dispatch(world, &event);
    }
    return true;
}

bool
chek_world_run(struct chek_world *world, uint64_t step_count_max, bool (*done)(void *context),
               void *context)
{
    for (uint64_t i = 0; i < step_count_max; i++) {
        if (done != NULL && done(context)) {
            return true;
        }
        if (!chek_world_step(world)) {
            break;
        }
    }
    return done != NULL && done(context);
}

static const struct sim_shard *
shard_of(const struct chek_io *io)
{
    CHEK_ASSERT(io->table == &sim__table);
    return (const struct sim_shard *)(const void *)((const char *)io -
                                                    offsetof(struct sim_shard, io));
}

uint64_t
chek_world_turn_steps(const struct chek_io *io)
{
    return shard_of(io)->turn_steps_last;
}

uint64_t
chek_world_turn_steps_max(const struct chek_io *io)
{
    return shard_of(io)->turn_steps_max;
}

uint64_t
chek_world_turn_disk_calls(const struct chek_io *io)
{
    return shard_of(io)->turn_disk_calls;
}
