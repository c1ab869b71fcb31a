/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "engine/base/assertion.h"
#include "engine/base/memory.h"
#include "engine/base/planted.h"
#include "tools/server/kkm.h"

/*
 * Jobs of a shard: registers' requests at work at once, or administrators' alone. As many as registers
 * wait for one flush of the log: with 256 a thousand connections got a tenth less done.
 */
#define JOB_COUNT 1024
#define JOB_COUNT_WITHOUT_CPCR 16
#define JOB_SIZE ((size_t)CHEK_CPCR_FRAME_SIZE_MAX + CHEK_CPCR_ANSWER_SIZE_MAX)

/* ---- the pool --------------------------------------------------------------------------------- */

int
server__jobs_init(struct server__shard *shard)
{
    chek_list_init(&shard->jobs_free);
    chek_list_init(&shard->jobs_wait);
    shard->job_count =
        server__config(shard->server)->cpcr != NULL ? JOB_COUNT : JOB_COUNT_WITHOUT_CPCR;
    size_t size = shard->job_count * JOB_SIZE;
    shard->jobs = chek_memory_allocate(shard->job_count * sizeof *shard->jobs);
    shard->job_memory = chek_memory_reserve(size);
    if (shard->jobs == NULL || shard->job_memory == NULL) {
        return -ENOMEM;
    }
    int error = chek_memory_commit(shard->job_memory, size);
    for (uint32_t i = 0; error == CHEK_OK && i < shard->job_count; i++) {
        struct server__job *job = &shard->jobs[i];
        job->frame = shard->job_memory + i * JOB_SIZE;
        job->answer = job->frame + CHEK_CPCR_FRAME_SIZE_MAX;
        chek_list_add(&shard->jobs_free, &job->link);
    }
    return error;
}

void
server__jobs_finish(struct server__shard *shard)
{
    chek_memory_free(shard->jobs, shard->job_count * sizeof *shard->jobs);
    if (shard->job_memory != NULL) {
        chek_memory_release(shard->job_memory, shard->job_count * JOB_SIZE);
    }
}

struct server__job *
server__job_take(struct server__shard *shard, uint8_t kind)
{
    if (chek_list_is_empty(&shard->jobs_free)) {
        return NULL;
    }
    struct server__job *job = CHEK_CONTAINER_OF(shard->jobs_free.next, struct server__job, link);
    uint8_t *frame = job->frame;
    uint8_t *answer = job->answer;
    chek_list_remove(&job->link);
    *job = (struct server__job){
        .kind = kind, .origin = (uint16_t)shard->index, .frame = frame, .answer = answer};
    job->message.payload = job;
    shard->job_open_count += 1;
    return job;
}

void
server__job_give(struct server__shard *shard, struct server__job *job)
{
    CHEK_ASSERT(shard->job_open_count > 0);
    shard->job_open_count -= 1;
    job->token = 0;
    chek_list_add(shard->jobs_free.next, &job->link);
}

/* ---- back to the origin ----------------------------------------------------------------------- */

static void
job_done(struct server__shard *shard, struct server__job *job)
{
    if (job->kind == SERVER_JOB_EXCHANGE) {
        server__cpcr_answered(shard->cpcr, job);
    } else {
        server__job_answer(shard, job);
    }
    server__job_give(shard, job);
}

static void
job_back(struct server__shard *shard, struct server__job *job)
{
    if (job->origin == shard->index) {
        job_done(shard, job);
    } else {
        server__post(shard, job->origin, SERVER_JOB_DONE, &job->message);
    }
}

/* ---- work ------------------------------------------------------------------------------------- */

static struct chek_cpcr_ground
ground_of(struct server__shard *shard, const struct server__job *job)
{
    chek_arena_reset(&shard->arena);
    return (struct chek_cpcr_ground){
        .partition = job->partition != 0 ? shard->grounds[job->partition]->partition : NULL,
        .key = server__subject_key(shard->server),
        .io = shard->io,
        .qr_url = server__config(shard->server)->qr_url,
        .arena = &shard->arena,
        .registration = job->partition != 0 ? job->registration : 0,
        .without_autonomous = job->again,
        .looks_ahead = server__cold_is_there(shard),
        .is_erasing = job->partition != 0 && shard->grounds[job->partition]->erasures_logged != 0,
    };
}

static bool
job_append(struct server__shard *shard, struct server__job *job, uint8_t kind, uint8_t verdict,
           struct chek_bytes_view body, uint8_t ticket_kind, int *ret_error)
{
    struct chek_envelope envelope = {
        .kind = kind, .verdict = verdict, .registration = job->registration};
    struct server__ticket ticket = {.owner = job, .kind = ticket_kind};
    /* Applying a document looks at the rows that chek_cpcr_take() has looked at. */
    ticket.is_held = kind == CHEK_COMMAND_EXCHANGE && server__cold_is_there(shard) &&
                     server__cold_hold(shard, job->had_rows_read);
    bool was_appended =
        server__append(shard, shard->grounds[job->partition], &envelope, body, &ticket, ret_error);
    if (ticket.is_held && (!was_appended || *ret_error != CHEK_OK)) {
        server__cold_release(shard);
    }
    return was_appended;
}

/* Between these two, rows that are not in memory are wished for; false: there were such. */
static void
asking_begin(struct server__shard *shard, const struct server__job *job)
{
    shard->cold.count = 0;
    if (job->partition != 0) {
        chek_store_ask_begin(chek_partition_store(shard->grounds[job->partition]->partition),
                             &shard->cold);
    }
}

static bool
asking_end(struct server__shard *shard, const struct server__job *job)
{
    if (job->partition != 0) {
        chek_store_ask_end(chek_partition_store(shard->grounds[job->partition]->partition));
    }
    return shard->cold.count == 0;
}

/* Write the answer; false: it needs rows that are not in memory. */
static bool
exchange_answer(struct server__shard *shard, struct server__job *job)
{
    struct chek_cpcr_ground ground = ground_of(shard, job);
    struct chek_writer out = chek_writer_over(job->answer, CHEK_CPCR_ANSWER_SIZE_MAX);
    asking_begin(shard, job);
    chek_cpcr_answer(&ground, &job->exchange, &out);
    job->answer_size = out.size;
    return asking_end(shard, job);
}

/* What became of an attempt to do a job: the last three leave it waiting. */
enum attempt { ATTEMPT_DONE, ATTEMPT_LOGGED, ATTEMPT_COLD, ATTEMPT_AT_WORK, ATTEMPT_NO_ROOM };

static enum attempt
exchange_fail(struct server__shard *shard, struct server__job *job, int error)
{
    chek_cpcr_counted(&job->exchange, NULL, error);
    bool is_whole = exchange_answer(shard, job);
    CHEK_ASSERT(is_whole); /* a refusal shows no rows */
    return ATTEMPT_DONE;
}

static enum attempt
exchange_run(struct server__shard *shard, struct server__job *job)
{
    struct chek_cpcr_ground ground = ground_of(shard, job);
    struct chek_cpcr_exchange *exchange = &job->exchange;
    int error = CHEK_OK;
    asking_begin(shard, job);
    bool is_new =
        chek_cpcr_take(&ground, chek_bytes_view_of(job->frame, job->frame_size), exchange);
    if (!asking_end(shard, job)) {
        return ATTEMPT_COLD;
    }
    shard->counters.login_wrong_count += exchange->kind == CHEK_COMMAND_TRY;
    shard->counters.login_limited_count += exchange->auth.is_limited;
    if (!is_new) {
        return exchange_answer(shard, job) ? ATTEMPT_DONE : ATTEMPT_COLD;
    }
    for (uint32_t i = 0; i < exchange->subject_count && error == CHEK_OK; i++) {
        if (!job_append(shard, job, CHEK_COMMAND_SUBJECT, 0, exchange->subject_bodies[i],
                        TICKET_NONE, &error)) {
            return ATTEMPT_NO_ROOM;
        }
    }
    if (error == CHEK_OK && !job_append(shard, job, exchange->kind, exchange->verdict,
                                        exchange->body, TICKET_JOB, &error)) {
        return ATTEMPT_NO_ROOM;
    }
    if (error == CHEK_OK) {
        return ATTEMPT_LOGGED;
    }
    return exchange_fail(shard, job, error);
}

/* The register first: a new one is not known to its partition yet, a known one may have changed. */
static enum attempt
device_run(struct server__shard *shard, struct server__job *job)
{
    uint8_t bytes[CHEK_COMMAND_DEVICE_SIZE_MAX];
    const struct chek_subject_key *key = server__subject_key(shard->server);
    if (job->kind == SERVER_JOB_ADD && !job->registered) {
        if (!job_append(shard, job, CHEK_COMMAND_REGISTER, 0,
                        chek_bytes_view_of(job->frame, job->frame_size), TICKET_NONE,
                        &job->error)) {
            return ATTEMPT_NO_ROOM;
        }
        if (job->error != CHEK_OK) {
            return ATTEMPT_DONE;
        }
        struct server__registration *known = &shard->registrations[job->registration];
        server__registration_learn(shard, shard->grounds[job->partition], job->registration);
        known->state = known->state == REGISTRATION_UNSEEN ? REGISTRATION_COMING : known->state;
        job->registered = true;
    }
    struct chek_command_device what = {.registration = job->registration,
                                       .change = job->change,
                                       .device = job->device,
                                       .policy = job->policy};
    if (job->kind == SERVER_JOB_ADD && job->token != 0) {
        what.mask = chek_cpcr_token_mask(key, job->device, 0, job->token);
    }
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    chek_command_device_encode(&out, &what);
    CHEK_ASSERT(!out.full);
    if (!job_append(shard, job, CHEK_COMMAND_DEVICE, 0, chek_bytes_view_of(bytes, out.size),
                    TICKET_JOB, &job->error)) {
        return ATTEMPT_NO_ROOM;
    }
    return job->error == CHEK_OK ? ATTEMPT_LOGGED : ATTEMPT_DONE;
}

/* A command that came whole. */
static enum attempt
whole_run(struct server__shard *shard, struct server__job *job, uint8_t kind)
{
    if (!job_append(shard, job, kind, 0, chek_bytes_view_of(job->frame, job->frame_size),
                    TICKET_JOB, &job->error)) {
        return ATTEMPT_NO_ROOM;
    }
    return job->error == CHEK_OK ? ATTEMPT_LOGGED : ATTEMPT_DONE;
}

/* Until it is applied, documents bring their persons along, whether they are there or not. */
static enum attempt
erase_run(struct server__shard *shard, struct server__job *job)
{
    job->error = server__erasure_check(shard, job);
    if (job->error != CHEK_OK) {
        return ATTEMPT_DONE;
    }
    enum attempt attempt = whole_run(shard, job, CHEK_COMMAND_ERASE);
    shard->grounds[job->partition]->erasures_logged += attempt == ATTEMPT_LOGGED;
    return attempt;
}

static enum attempt
operator_run(struct server__shard *shard, struct server__job *job)
{
    struct chek_device device;
    if (job->registration != 0) { /* a key that is claimed need not be a device yet */
        job->error = chek_partition_device(shard->grounds[job->partition]->partition,
                                           job->registration, &device);
        if (job->error != CHEK_OK) {
            return ATTEMPT_DONE;
        }
    }
    return whole_run(shard, job, CHEK_COMMAND_OPERATOR);
}

static enum attempt
ask_run(struct server__shard *shard, struct server__job *job)
{
    struct chek_partition *partition = shard->grounds[job->partition]->partition;
    const struct chek_fiscal *fiscal = chek_partition_fiscal(partition);
    struct chek_device device;
    struct chek_fiscal_now now;
    struct chek_registered known;
    chek_arena_reset(&shard->arena);
    job->error = chek_partition_device(partition, job->registration, &device);
    if (job->error == CHEK_OK) {
        job->error = chek_fiscal_now(fiscal, job->registration, &now);
    }
    if (job->error == CHEK_OK) {
        job->error = chek_fiscal_registration(fiscal, job->registration, &shard->arena, &known);
    }
    if (job->error != CHEK_OK) {
        return ATTEMPT_DONE;
    }
    struct chek_kkm_device what = {
        .device = device.token.device,
        .registration = job->registration,
        .profile = known.profile,
        .blocked = device.blocked,
        .policy = device.policy,
        .resets = device.token.resets,
        .documents = device.documents,
        .retries_differing = device.retries_differing,
        .request = device.last_request,
        .shift = now.shift_open,
        .cash = now.cash,
    };
    struct chek_writer out = chek_writer_over(job->answer, CHEK_CPCR_ANSWER_SIZE_MAX);
    chek_kkm_device_encode(&out, &what);
    CHEK_ASSERT(!out.full);
    job->answer_size = out.size;
    return ATTEMPT_DONE;
}

static enum attempt
job_run(struct server__shard *shard, struct server__job *job)
{
    switch (job->kind) {
    case SERVER_JOB_EXCHANGE:
        return exchange_run(shard, job);
    case SERVER_JOB_ASK:
        return ask_run(shard, job);
    case SERVER_JOB_OPERATOR:
        return operator_run(shard, job);
    case SERVER_JOB_OPERATORS:
        server__operators_list(shard, job);
        return ATTEMPT_DONE;
    case SERVER_JOB_NOMENCLATURE:
        return whole_run(shard, job, CHEK_COMMAND_NOMENCLATURE);
    case SERVER_JOB_ERASE:
        return erase_run(shard, job);
    case SERVER_JOB_NOMENCLATURE_ASK:
        job->error = server__nomenclature_told(shard, job, true);
        return ATTEMPT_DONE;
    case SERVER_JOB_NOMENCLATURES:
        server__nomenclatures_list(shard, job);
        return ATTEMPT_DONE;
    default:
        return device_run(shard, job);
    }
}

/* Note what an attempt came to: the register is at work, or the next job may come. */
static void
attempt_note(struct server__shard *shard, struct server__job *job, enum attempt attempt)
{
    bool is_at_work = attempt == ATTEMPT_LOGGED || attempt == ATTEMPT_COLD ||
                      (CHEK_PLANTED(STAYS_AT_WORK) && job->is_counted && job->connection == NULL);
    if (job->partition != 0) { /* a register that is not known is nobody's turn */
        shard->registrations[job->registration].at_work = is_at_work && !CHEK_PLANTED(TWO_AT_WORK);
    }
    if (attempt == ATTEMPT_DONE) {
        job_back(shard, job);
    }
}

/* Do a job, unless its register has one at work. */
static enum attempt
job_begin(struct server__shard *shard, struct server__job *job)
{
    if (job->partition != 0 && shard->registrations[job->registration].at_work) {
        return ATTEMPT_AT_WORK;
    }
    enum attempt attempt = job_run(shard, job);
    attempt_note(shard, job, attempt);
    if (attempt == ATTEMPT_COLD) {
        server__job_fetch(shard, job);
    }
    return attempt;
}

bool
server__job_again(struct server__shard *shard, struct server__job *job, int error)
{
    enum attempt attempt;
    shard->wall_us = chek_io_wall_us(shard->io);
    job->had_rows_read = true;
    if (error != CHEK_OK) {
        attempt = exchange_fail(shard, job, error);
    } else if (job->is_counted) {
        attempt = exchange_answer(shard, job) ? ATTEMPT_DONE : ATTEMPT_COLD;
    } else {
        attempt = job_run(shard, job);
    }
    if (attempt == ATTEMPT_COLD) {
        return false;
    }
    attempt_note(shard, job, attempt);
    if (attempt == ATTEMPT_NO_ROOM) {
        chek_list_add(shard->jobs_wait.next, &job->link); /* before what came after it */
    }
    return true;
}

/* Jobs of one register keep their order: one that waits is looked for by none behind it. */
static bool
waits_already(struct server__shard *shard, const struct server__job *job)
{
    for (struct chek_list *at = shard->jobs_wait.next; at != &shard->jobs_wait; at = at->next) {
        const struct server__job *other = CHEK_CONTAINER_OF(at, struct server__job, link);
        if (other == job) {
            return false;
        }
        if (other->registration == job->registration) {
            return true;
        }
    }
    return false;
}

void
server__jobs_run(struct server__shard *shard)
{
    struct chek_list *at = shard->jobs_wait.next;
    if (at != &shard->jobs_wait) {
        shard->wall_us = chek_io_wall_us(shard->io);
    }
    while (at != &shard->jobs_wait) {
        struct server__job *job = CHEK_CONTAINER_OF(at, struct server__job, link);
        struct chek_list *next = at->next;
        enum attempt attempt = ATTEMPT_AT_WORK;
        if (!waits_already(shard, job)) {
            chek_list_remove(at);
            attempt = job_begin(shard, job);
            if (attempt == ATTEMPT_AT_WORK || attempt == ATTEMPT_NO_ROOM) {
                chek_list_add(next, at);
            }
        }
        if (attempt == ATTEMPT_NO_ROOM) {
            return;
        }
        at = next;
    }
}

static void
job_arrive(struct server__shard *shard, struct server__job *job)
{
    enum attempt attempt = ATTEMPT_AT_WORK;
    shard->wall_us = chek_io_wall_us(shard->io);
    if (!waits_already(shard, job)) {
        attempt = job_begin(shard, job);
    }
    if (attempt == ATTEMPT_AT_WORK || attempt == ATTEMPT_NO_ROOM) {
        chek_list_add(&shard->jobs_wait, &job->link);
    }
}

void
server__job_submit(struct server__shard *shard, struct server__job *job)
{
    unsigned owner =
        job->partition != 0 ? server__shard_of(shard->server, job->partition) : shard->index;
    if (owner == shard->index) {
        job_arrive(shard, job);
    } else {
        server__post(shard, owner, SERVER_JOB, &job->message);
    }
}

void
server__job_applied(struct server__shard *shard, struct server__job *job,
                    const struct chek_outcome *outcome)
{
    enum attempt attempt = ATTEMPT_DONE;
    CHEK_ASSERT(shard->registrations[job->registration].at_work || CHEK_PLANTED(TWO_AT_WORK));
    if (job->kind == SERVER_JOB_EXCHANGE && !job->again &&
        chek_cpcr_comes_again(&job->exchange, &outcome->result)) {
        job->again = true;
        shard->registrations[job->registration].at_work = false;
        chek_list_add(shard->jobs_wait.next, &job->link); /* before what came after it */
        return;
    }
    if (job->kind == SERVER_JOB_EXCHANGE) {
        chek_cpcr_counted(&job->exchange, &outcome->result, CHEK_OK);
        job->is_counted = true;
        attempt = exchange_answer(shard, job) ? ATTEMPT_DONE : ATTEMPT_COLD;
    } else {
        shard->grounds[job->partition]->erasures_logged -= job->kind == SERVER_JOB_ERASE;
        job->error = outcome->error != CHEK_OK ? outcome->error : server__job_tell(shard, job);
    }
    attempt_note(shard, job, attempt);
    if (attempt == ATTEMPT_COLD) {
        server__job_fetch(shard, job);
    }
}

void
server__job_message(struct server__shard *shard, struct chek_message *message)
{
    if (message->kind == SERVER_JOB) {
        job_arrive(shard, message->payload);
    } else {
        job_done(shard, message->payload);
    }
}
