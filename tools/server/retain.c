/* SPDX-License-Identifier: MIT */
/*
 * retain.c - from the age of a segment to the command that removes its documents.
 *
 * The clock only says when to begin: the command names rows. Nothing of a proof is state, so a crash,
 * or a stop, anywhere before the command begins it anew; and a command of which only the first parts
 * are durable removes documents that were proved.
 */
#include "tools/server/retain.h"

#include <errno.h>

#include "engine/base/assertion.h"
#include "engine/base/memory.h"
#include "engine/fiscal/prove.h"

#define ROUND_COUNT_MAX 64                  /* registrations that a worker proves at a time */
#define PART_COUNT_MAX 256                  /* and what it leaves to be compared */
#define PART_SIZE_MAX ((size_t)1024 * 1024) /* bytes of these */
#define COMMAND_COUNT 256                   /* registrations that one command names */
#define COMMAND_SIZE_MAX 8192
#define PAUSE_NS_MAX UINT64_C(60000000000)
#define PAUSE_NS_MIN UINT64_C(1000000)
#define PAUSE_NS_REMADE UINT64_C(10000000) /* for a segment that is being remade */
#define PAUSES_AN_AGE 16
#define LATE_COUNT 1024 /* rows replaced while a view is open; then the round is run again */

enum phase {
    PHASE_IDLE,
    PHASE_PROVE,   /* the next round is a worker's */
    PHASE_COMPARE, /* what it left */
    PHASE_LOG,
    PHASE_APPLY, /* wait for what was logged */
};

struct server__retain {
    struct server__shard *shard;
    struct chek_op op; /* a worker's, or a timer's */
    enum phase phase;
    unsigned ground; /* whose turn it is */
    struct chek_keep_next next;
    bool hours_proved;
    bool has_kept;  /* since the last snapshot was asked for */
    bool waits;     /* for a segment to be remade: the next one comes behind it */
    uint32_t run;   /* of the segment, that is proved, or logged, next */
    uint32_t round; /* how many at a time */
    struct chek_view *view;
    struct chek_arena arena;
    const struct chek_store *shown; /* to the worker */
    struct chek_prove_ask asks[ROUND_COUNT_MAX];
    uint32_t ask_count;
    struct chek_prove_part parts[PART_COUNT_MAX];
    uint32_t part_count, part_at;
    uint8_t *part_bytes;
    size_t part_size;
    int error;                    /* of the worker */
    uint32_t registration, shift; /* where it met it */
    struct server__retained counters;
};

int
server__retain_init(struct server__shard *shard)
{
    if (server__config(shard->server)->retention_us == 0) {
        return CHEK_OK;
    }
    struct server__retain *retain = chek_memory_allocate(sizeof *retain);
    if (retain == NULL) {
        return -ENOMEM;
    }
    shard->retain = retain;
    retain->shard = shard;
    retain->part_bytes = chek_memory_allocate(PART_SIZE_MAX);
    int error = retain->part_bytes != NULL ? CHEK_OK : -ENOMEM;
    if (error == CHEK_OK) {
        error = chek_arena_init(&retain->arena, CHEK_PROVE_ARENA_SIZE);
    }
    if (error == CHEK_OK) {
        error = chek_view_create(LATE_COUNT, &retain->view);
    }
    return error;
}

void
server__retain_finish(struct server__shard *shard)
{
    struct server__retain *retain = shard->retain;
    if (retain == NULL) {
        return;
    }
    if (retain->view != NULL) {
        chek_view_close(retain->view);
        chek_view_destroy(retain->view);
    }
    chek_arena_finish(&retain->arena);
    chek_memory_free(retain->part_bytes, PART_SIZE_MAX);
    chek_memory_free(retain, sizeof *retain);
    shard->retain = NULL;
}

struct server__retained
server__retain_count(const struct server__shard *shard)
{
    return shard->retain != NULL ? shard->retain->counters : (struct server__retained){0};
}

bool
server__retain_is_idle(const struct server__shard *shard)
{
    const struct server__retain *retain = shard->retain;
    return retain == NULL || retain->phase == PHASE_IDLE;
}

/* ---- steps ------------------------------------------------------------------------------------ */

static struct server__ground *
ground_of(const struct server__retain *retain)
{
    return retain->shard->grounds[retain->ground];
}

static void
on_timer(struct chek_op *op, int64_t result)
{
    (void)op;
    (void)result; /* the turn that follows goes on */
}

/* Have another turn come. */
static void
wake(struct server__retain *retain, uint64_t pause_ns)
{
    struct chek_io *io = retain->shard->io;
    retain->op.on_done = on_timer;
    chek_io_timer(io, &retain->op, chek_io_now_ns(io) + pause_ns);
}

/* Some looks in the time that a document is kept, and at most one a minute. */
static uint64_t
pause_ns(const struct server__retain *retain)
{
    uint64_t age_us = server__config(retain->shard->server)->retention_us;
    uint64_t pause = age_us / PAUSES_AN_AGE * 1000;
    uint64_t pause_max = retain->waits ? PAUSE_NS_REMADE : PAUSE_NS_MAX;
    pause = pause < pause_max ? pause : pause_max;
    return pause > PAUSE_NS_MIN ? pause : PAUSE_NS_MIN;
}

/* The segment is done with, or given up for now. */
static void
end(struct server__retain *retain)
{
    CHEK_ASSERT(retain->phase != PHASE_IDLE);
    retain->phase = PHASE_IDLE;
    server__segments_release(ground_of(retain));
}

void
server__retain_failed(struct server__ground *ground, int error)
{
    struct server__retain *retain = ground->shard->retain;
    const struct chek_server_config *config = server__config(ground->shard->server);
    if (retain == NULL || ground->retain_stopped) {
        return;
    }
    bool is_proof = retain->phase == PHASE_PROVE || retain->phase == PHASE_COMPARE;
    ground->retain_stopped = true;
    retain->counters.stopped_count += 1;
    if (config->on_retention_stopped != NULL) {
        config->on_retention_stopped(config->context, chek_partition_number(ground->partition),
                                     is_proof ? retain->registration : 0,
                                     is_proof ? retain->shift : 0, error);
    }
}

/* ---- proof: a worker -------------------------------------------------------------------------- */

static int
on_part(void *context, const struct chek_prove_part *part)
{
    struct server__retain *retain = context;
    if (retain->part_count == PART_COUNT_MAX ||
        part->figures.size > PART_SIZE_MAX - retain->part_size) {
        return CHEK_E_FULL;
    }
    uint8_t *bytes = retain->part_bytes + retain->part_size;
    memcpy(bytes, part->figures.bytes, part->figures.size);
    retain->part_size += part->figures.size;
    retain->parts[retain->part_count] = *part;
    retain->parts[retain->part_count].figures = chek_bytes_view_of(bytes, part->figures.size);
    retain->part_count += 1;
    return CHEK_OK;
}

static void
prove_work(void *argument)
{
    struct server__retain *retain = argument;
    int error = CHEK_OK;
    retain->registration = retain->shift = 0;
    if (!retain->hours_proved) {
        error = chek_store_hours_prove(retain->shown, retain->next.index);
    }
    for (uint32_t i = 0; i < retain->ask_count && error == CHEK_OK; i++) {
        chek_arena_reset(&retain->arena);
        retain->registration = retain->asks[i].run.registration;
        error = chek_fiscal_prove(retain->shown, &retain->asks[i], &retain->arena, on_part, retain,
                                  &retain->shift);
    }
    retain->error = error;
}

static void
on_proved(struct chek_op *op, int64_t result)
{
    struct server__retain *retain = CHEK_CONTAINER_OF(op, struct server__retain, op);
    struct server__ground *ground = ground_of(retain);
    (void)result;
    server__step_is(retain->shard, STEP_MERGE);
    bool is_whole = chek_view_is_whole(retain->view);
    chek_view_close(retain->view);
    server__view_closed(ground);
    if (!is_whole) {
        return; /* what it says is of no moment: the turn that follows has it done again */
    }
    if (retain->error == CHEK_E_FULL && retain->ask_count > 1) {
        retain->round = retain->ask_count / 2;
    } else if (retain->error == CHEK_OK) {
        retain->hours_proved = true;
        retain->part_at = 0;
        retain->phase = PHASE_COMPARE;
    } else {
        /* What a disk or the memory says today is no difference: it is tried again. */
        bool is_told = retain->error <= -5000 && retain->error != CHEK_E_HALTED;
        if (is_told) {
            server__retain_failed(ground, retain->error);
        }
        end(retain);
    }
}

/* Have a worker prove the next round. */
static void
prove(struct server__retain *retain)
{
    struct server__ground *ground = ground_of(retain);
    struct chek_store *store = chek_partition_store(ground->partition);
    const struct chek_fiscal *fiscal = chek_partition_fiscal(ground->partition);
    if (chek_view_open(retain->view, store) != CHEK_OK) {
        end(retain);
        wake(retain, pause_ns(retain));
        return;
    }
    retain->shown = chek_view_store(retain->view);
    retain->ask_count = 0;
    retain->part_count = 0;
    retain->part_size = 0;
    for (uint32_t i = retain->run; i < retain->next.run_count && i < retain->run + retain->round;
         i++) {
        struct chek_keep_run run = chek_store_keep_run(store, retain->next.index, i);
        retain->asks[retain->ask_count++] = (struct chek_prove_ask){
            .run = run,
            .row_count = chek_fiscal_row_count(fiscal, run.registration),
            .removed = chek_fiscal_removed(fiscal, run.registration),
        };
    }
    retain->op.on_done = on_proved;
    chek_io_work(retain->shard->io, &retain->op, prove_work, retain);
}

/* ---- proof: the shard ------------------------------------------------------------------------- */

/* Compare one part. */
static void
compare(struct server__retain *retain)
{
    struct server__ground *ground = ground_of(retain);
    if (retain->part_at == retain->part_count) {
        retain->run += retain->ask_count;
        retain->round = ROUND_COUNT_MAX;
        retain->phase = retain->run < retain->next.run_count ? PHASE_PROVE : PHASE_LOG;
        if (retain->phase == PHASE_LOG) {
            retain->counters.proved_count += 1;
            retain->run = 0;
        }
        return;
    }
    const struct chek_prove_part *part = &retain->parts[retain->part_at++];
    chek_arena_reset(&retain->shard->arena);
    int error = chek_fiscal_prove_part(chek_partition_fiscal(ground->partition), part,
                                       &retain->shard->arena);
    if (error == CHEK_E_BUSY) { /* fewer at a time find a moment in which none of them changes */
        retain->round = retain->ask_count > 1 ? retain->ask_count / 2 : 1;
        retain->phase = PHASE_PROVE;
    } else if (error != CHEK_OK) {
        retain->registration = part->registration;
        retain->shift = part->shift;
        server__retain_failed(ground, error);
        end(retain);
    }
}

/* ---- the command ------------------------------------------------------------------------------ */

/* Append the next part of it; the last one names border and rows. False: the log has no room. */
static bool
log_part(struct server__retain *retain)
{
    static const struct server__ticket nobody = {.kind = TICKET_NONE};
    struct server__ground *ground = ground_of(retain);
    struct chek_store *store = chek_partition_store(ground->partition);
    struct chek_retained list[COMMAND_COUNT];
    uint8_t bytes[COMMAND_SIZE_MAX];
    struct chek_command_retain what = {.registers = list};
    uint32_t run = retain->run;
    int error;
    for (; run < retain->next.run_count && what.registers_count < COMMAND_COUNT; run++) {
        struct chek_keep_run at = chek_store_keep_run(store, retain->next.index, run);
        list[what.registers_count++] =
            (struct chek_retained){.registration = at.registration, .ordinal = at.ordinal_end};
    }
    if (run == retain->next.run_count) {
        what.border = retain->next.received_last + 1;
        what.rows = retain->next.row_end;
    }
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    chek_command_retain_encode(&out, &what);
    CHEK_ASSERT(!out.full);
    struct chek_envelope envelope = {.kind = CHEK_COMMAND_RETAIN};
    retain->shard->wall_us = chek_io_wall_us(retain->shard->io);
    if (!server__append(retain->shard, ground, &envelope, chek_bytes_view_of(bytes, out.size),
                        &nobody, &error)) {
        return false;
    }
    if (error != CHEK_OK) { /* the heap is full: nothing more is removed now */
        end(retain);
        return true;
    }
    retain->run = run;
    retain->phase = run == retain->next.run_count ? PHASE_APPLY : PHASE_LOG;
    return true;
}

static bool
is_applied(const struct server__retain *retain)
{
    return chek_partition_retention(ground_of(retain)->partition).row_count >= retain->next.row_end;
}

/* ---- which segment ---------------------------------------------------------------------------- */

/* Whether a partition has a segment that is old enough. */
static bool
ground_looks(struct server__retain *retain, struct server__ground *ground, uint64_t border_us)
{
    struct chek_store *store = chek_partition_store(ground->partition);
    struct chek_keep_next next;
    if (ground->retain_stopped || !chek_store_keep_next(store, &next)) {
        return false;
    }
    if (next.row_end <= chek_partition_retention(ground->partition).row_count) {
        server__merge_check(retain->shard); /* its documents are removed, and it is to be remade */
        retain->waits = true;
        return false;
    }
    retain->next = next;
    return next.received_last < border_us;
}

/* Ask for a snapshot when something was remade: until then files stay. */
static void
snapshot_want(struct server__retain *retain)
{
    struct server__shard *shard = retain->shard;
    if (retain->has_kept && !shard->is_merging && !shard->wanted_posted) {
        retain->has_kept = false;
        shard->wanted_posted = true;
        server__post(shard, 0, SERVER_SNAPSHOT_WANTED, &shard->wanted);
    }
}

/* The wall clock, as far as the log has seen it: a machine that comes up with a clock that is wrong by
 * years removes nothing before somebody sent something. */
static uint64_t
now_us(const struct server__shard *shard)
{
    uint64_t wall_us = chek_io_wall_us(shard->io);
    uint64_t logged_us = 0;
    for (unsigned i = 1; i <= chek_server_partition_count(shard->server); i++) {
        const struct server__ground *ground = shard->grounds[i];
        if (ground != NULL && ground->time_us > logged_us) {
            logged_us = ground->time_us;
        }
    }
    return wall_us < logged_us ? wall_us : logged_us;
}

/* Begin with the next old segment; false: there is none. */
static bool
look(struct server__retain *retain)
{
    struct server__shard *shard = retain->shard;
    uint64_t age_us = server__config(shard->server)->retention_us;
    uint64_t time_us = now_us(shard);
    uint64_t border_us = time_us > age_us ? time_us - age_us : 0;
    unsigned count = chek_server_partition_count(shard->server);
    retain->waits = false;
    for (unsigned i = 0; i < count; i++) {
        retain->ground = retain->ground % count + 1;
        struct server__ground *ground = shard->grounds[retain->ground];
        if (ground != NULL && border_us != 0 && ground_looks(retain, ground, border_us)) {
            server__segments_hold(ground);
            retain->phase = PHASE_PROVE;
            retain->hours_proved = false;
            retain->run = 0;
            retain->round = ROUND_COUNT_MAX;
            return true;
        }
    }
    return false;
}

void
server__retain_turn(struct server__shard *shard)
{
    struct server__retain *retain = shard->retain;
    if (retain == NULL || retain->op.in_flight) {
        return;
    }
    server__step_next(shard, STEP_MERGE);
    if (shard->stopping) {
        if (retain->phase != PHASE_IDLE) {
            end(retain);
        }
        return;
    }
    if (retain->phase == PHASE_IDLE && !look(retain)) {
        snapshot_want(retain);
        wake(retain, pause_ns(retain));
        return;
    }
    switch (retain->phase) {
    case PHASE_PROVE:
        prove(retain);
        return;
    case PHASE_COMPARE:
        compare(retain);
        break;
    case PHASE_LOG:
        if (!log_part(retain)) {
            wake(retain, PAUSE_NS_MIN);
            return;
        }
        break;
    case PHASE_APPLY:
        if (is_applied(retain)) {
            retain->has_kept = true;
            end(retain);
            server__merge_check(shard);
        } else {
            wake(retain, PAUSE_NS_MIN);
            return;
        }
        break;
    default:
        break;
    }
    wake(retain, 0);
}
