/* SPDX-License-Identifier: MIT */
/*
 * intake.c - from parts to the log, from the durable log to results.
 *
 * Parts are taken strictly in the order in which they came, and their items in theirs: that, and
 * the session's sticky BUSY, is what keeps a register's documents in order. Beside every command in
 * the log stands a ticket in the same order, which says who waits for what it leads to.
 */
#include <string.h>

#include "engine/base/assertion.h"
#include "engine/base/prng.h"
#include "engine/fiscal/check.h"
#include "tools/server/event_flow.h"
#include "tools/server/kkm.h"
#include "tools/server/shard.h"

/* ---- into the log ----------------------------------------------------------------------------- */

/* Times rise, so that rows by time are rows in the order they came (persist/FORMAT.md "Chain"). */
static uint64_t
time_next(struct server__shard *shard, struct server__ground *ground)
{
    uint64_t next = ground->time_us + 1;
    ground->time_us = shard->wall_us > next ? shard->wall_us : next;
    return ground->time_us;
}

static void
ticket_add(struct server__shard *shard, const struct server__ticket *ticket)
{
    CHEK_ASSERT(shard->ticket_count < SERVER_TICKET_COUNT);
    uint32_t at = (shard->ticket_first + shard->ticket_count) % SERVER_TICKET_COUNT;
    shard->tickets[at] = *ticket;
    shard->ticket_count += 1;
}

static struct server__ticket
ticket_take(struct server__shard *shard)
{
    CHEK_ASSERT(shard->ticket_count > 0);
    struct server__ticket ticket = shard->tickets[shard->ticket_first];
    shard->ticket_first = (shard->ticket_first + 1) % SERVER_TICKET_COUNT;
    shard->ticket_count -= 1;
    return ticket;
}

bool
server__append(struct server__shard *shard, struct server__ground *ground,
               const struct chek_envelope *envelope, struct chek_bytes_view body,
               const struct server__ticket *ticket, int *ret_error)
{
    size_t size = CHEK_ENVELOPE_SIZE + body.size;
    if (shard->ticket_count == SERVER_TICKET_COUNT || !chek_log_fits(shard->log, size) ||
        !server__events_have_room(shard)) {
        return false;
    }
    int error = chek_partition_ensure(ground->partition, body.size);
    if (error != CHEK_OK) {
        *ret_error = error;
        return true;
    }
    CHEK_ASSERT(!shard->log_is_over); /* the last manifest says that nothing follows */
    uint8_t *place = chek_log_append_begin(shard->log, size);
    CHEK_ASSERT(place != NULL);
    struct chek_envelope full = *envelope;
    full.partition = chek_partition_number(ground->partition);
    full.apply_version = CHEK_APPLY_VERSION;
    full.partition_seq = ground->seq_next;
    full.time_us = time_next(shard, ground);
    full.entropy = chek_prng_next(&shard->prng);
    chek_envelope_encode(&full, body.size, place);
    memcpy(place + CHEK_ENVELOPE_SIZE, body.bytes, body.size);
    (void)chek_log_append_end(shard->log, size);
    ground->seq_next += 1;
    shard->counters.appended_count += 1;
    ticket_add(shard, ticket);
    *ret_error = CHEK_OK;
    return true;
}

/*
 * Tell a partition about a register that it does not know, from the shard's copy of the directory: a
 * crash may have come between the claim and the telling. Another shard's copy may be newer, and its
 * parts come before the change does: they wait for it.
 */
static bool
append_register(struct server__shard *shard, struct server__ground *ground, uint32_t registration,
                int *ret_error)
{
    static const struct server__ticket nobody = {.kind = TICKET_NONE};
    struct chek_registered registered;
    uint8_t bytes[4096];

    chek_arena_reset(&shard->arena);
    int error = chek_directory_registered(server__directory(shard), registration, &shard->arena,
                                          &registered);
    if (error == CHEK_E_UNREGISTERED) {
        return false; /* the origin was told of it, this shard is about to be: it comes again */
    }
    CHEK_ASSERT(error == CHEK_OK);
    struct chek_command_register body = {.registration = registration,
                                         .profile = registered.profile};
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    chek_command_register_encode(&out, &body);
    CHEK_ASSERT(!out.full);
    struct chek_envelope envelope = {.kind = CHEK_COMMAND_REGISTER, .registration = registration};
    if (!server__append(shard, ground, &envelope, chek_bytes_view_of(bytes, out.size), &nobody,
                        ret_error)) {
        return false;
    }
    if (*ret_error == CHEK_OK) {
        shard->registrations[registration].state = REGISTRATION_COMING;
    }
    return true;
}

/* What must stand in the log before a document: its register, those on it that are new. */
static bool
append_before(struct server__shard *shard, struct server__ground *ground,
              const struct chek_part_item *item, uint32_t subject_count, int *ret_error)
{
    static const struct server__ticket nobody = {.kind = TICKET_NONE};
    *ret_error = CHEK_OK;
    const struct server__registration *known = &shard->registrations[item->registration];
    if (known->state == REGISTRATION_UNSEEN) {
        if (!append_register(shard, ground, item->registration, ret_error)) {
            return false;
        }
        if (*ret_error != CHEK_OK) {
            return true;
        }
    }
    for (uint32_t i = 0; i < subject_count && *ret_error == CHEK_OK; i++) {
        const struct chek_subject *subject = &item->subjects[i];
        struct chek_envelope envelope = {.kind = CHEK_COMMAND_SUBJECT,
                                         .registration = item->registration};
        bool is_there = ground->erasures_logged == 0 &&
                        chek_partition_has_subject(ground->partition, subject->id);
        if (!is_there &&
            !server__append(shard, ground, &envelope, subject->body, &nobody, ret_error)) {
            return false;
        }
    }
    return true;
}

static void
item_result(struct server__shard *shard, struct chek_part *part, uint32_t index,
            const struct chek_result *result)
{
    part->results[index] = *result;
    part->done_count += 1;
    if (part->done_count == part->item_count && part->taken_count == part->item_count) {
        server__part_done(shard, part);
    }
}

enum taking { ITEM_TAKEN, ITEM_STAYS, ITEM_WAITS };

static void
item_refuse(struct server__shard *shard, struct chek_part *part, uint32_t index, int error)
{
    item_result(shard, part, index,
                &(struct chek_result){.status = CHEK_STATUS_REFUSED,
                                      .code = (uint32_t)-error,
                                      .registration = part->items[index].registration});
}

/* Log an item that has to be. */
static enum taking
item_log(struct server__shard *shard, struct chek_part *part, uint32_t index,
         enum server__suspicion suspicion)
{
    const struct chek_part_item *item = &part->items[index];
    struct server__ground *ground = shard->grounds[item->partition];
    struct chek_envelope envelope = {.kind = item->kind,
                                     .registration = item->registration,
                                     .source = part->source,
                                     .source_offset = item->source_offset};
    struct server__ticket ticket = {.owner = part, .index = index, .kind = TICKET_PART};
    int error = CHEK_OK;
    uint32_t subject_count = suspicion != ITEM_REPEATS_LOGGED ? item->subject_count : 0;
    if (item->kind == CHEK_COMMAND_DOCUMENT &&
        !append_before(shard, ground, item, subject_count, &error)) {
        return ITEM_STAYS;
    }
    ticket.is_held = suspicion != ITEM_IS_NEW && server__cold_hold(shard, ground->fetch_holds);
    bool was_appended =
        error == CHEK_OK &&
        server__append(shard, ground, &envelope, chek_bytes_view_of(item->body, item->body_size),
                       &ticket, &error);
    if (ticket.is_held && (!was_appended || error != CHEK_OK)) {
        server__cold_release(shard);
    }
    if (error != CHEK_OK) {
        item_refuse(shard, part, index, error);
    } else if (!was_appended) {
        return ITEM_STAYS;
    } else if (item->kind == CHEK_COMMAND_REGISTER) {
        struct server__registration *known = &shard->registrations[item->registration];
        server__registration_learn(shard, ground, item->registration);
        known->state = known->state == REGISTRATION_UNSEEN ? REGISTRATION_COMING : known->state;
    }
    return ITEM_TAKEN;
}

#define ITEM_AHEAD_COUNT 4

/* Log one item, or answer it, when there is room and what it may need is in memory. */
static enum taking
item_take(struct server__shard *shard, struct chek_part *part, uint32_t index)
{
    const struct chek_part_item *item = &part->items[index];
    struct server__ground *ground = shard->grounds[item->partition];
    enum server__suspicion suspicion = ITEM_IS_NEW;
    struct chek_result result;
    if (index + ITEM_AHEAD_COUNT < part->item_count) {
        const struct chek_part_item *ahead = &part->items[index + ITEM_AHEAD_COUNT];
        chek_prefetch(&shard->registrations[ahead->registration]);
        chek_prefetch(shard->grounds[ahead->partition]);
    }
    if (item->kind == CHEK_COMMAND_DOCUMENT) {
        suspicion = server__suspect(shard, ground, item, &result);
    }
    if (suspicion == ITEM_IS_COLD) {
        return ITEM_WAITS;
    }
    if (suspicion == ITEM_REPEATS) {
        shard->counters.repeat_count += 1;
        item_result(shard, part, index, &result);
        return ITEM_TAKEN;
    }
    return item_log(shard, part, index, suspicion);
}

/* ---- in front of a partition ------------------------------------------------------------------- */

/* Put an item aside, behind those of its partition; false: there are too many. */
static bool
item_park(struct server__shard *shard, struct chek_part *part, uint32_t index)
{
    struct server__ground *ground = shard->grounds[part->items[index].partition];
    struct server__parked *parked = shard->parked_free;
    if (parked == NULL) {
        return false;
    }
    shard->parked_free = parked->next;
    shard->parked_count += 1;
    *parked = (struct server__parked){.part = part, .index = index};
    if (ground->parked_first == NULL) {
        ground->parked_first = parked;
    } else {
        ground->parked_last->next = parked;
    }
    ground->parked_last = parked;
    chek_part_own(part, index);
    return true;
}

static void
parked_remove(struct server__ground *ground)
{
    struct server__shard *shard = ground->shard;
    struct server__parked *parked = ground->parked_first;
    ground->parked_first = parked->next;
    parked->next = shard->parked_free;
    shard->parked_free = parked;
    shard->parked_count -= 1;
    if (ground->fetch_holds) {
        ground->fetch_holds = false;
        server__cold_release(shard);
    }
}

static void
parked_run(struct server__ground *ground)
{
    struct server__shard *shard = ground->shard;
    while (ground->parked_first != NULL && !ground->fetch.op.in_flight && !ground->fetch_waits) {
        const struct server__parked *parked = ground->parked_first;
        enum taking taking = item_take(shard, parked->part, parked->index);
        if (taking == ITEM_STAYS) {
            return;
        }
        if (taking == ITEM_WAITS) {
            server__cold_fetch(ground);
            return;
        }
        parked_remove(ground);
    }
}

/* A document that cannot be compared with a row that it may repeat is refused before it is logged:
 * it stays with its sender, is stored neither once more nor less, and its partition goes on. */
void
server__parked_fetched(struct server__ground *ground)
{
    struct server__shard *shard = ground->shard;
    const struct server__parked *parked = ground->parked_first;
    if (ground->fetch.cold.error != CHEK_OK) {
        item_refuse(shard, parked->part, parked->index, ground->fetch.cold.error);
        parked_remove(ground);
    }
    parked_run(ground);
}

static void
parked_run_all(struct server__shard *shard)
{
    for (unsigned i = 1;
         shard->parked_count != 0 && i <= chek_server_partition_count(shard->server); i++) {
        if (shard->grounds[i] != NULL) {
            parked_run(shard->grounds[i]);
        }
    }
}

/* ---- parts ------------------------------------------------------------------------------------ */

/* Take the next item of a part: it is logged, answered or put aside. False: no room; it stays. */
static bool
part_step(struct server__shard *shard, struct chek_part *part)
{
    uint32_t index = part->taken_count;
    struct server__ground *ground = shard->grounds[part->items[index].partition];
    CHEK_ASSERT(ground != NULL);
    part->taken_count += 1; /* an answer to the last item gives the part back */
    enum taking taking = ground->parked_first != NULL ? ITEM_WAITS : item_take(shard, part, index);
    if (taking == ITEM_WAITS && !item_park(shard, part, index)) {
        taking = ITEM_STAYS;
    } else if (taking == ITEM_WAITS && ground->parked_first == ground->parked_last) {
        shard->counters.item_cold_count += 1;
        server__cold_fetch(ground);
    }
    if (taking == ITEM_STAYS) {
        part->taken_count -= 1;
    }
    return taking != ITEM_STAYS;
}

void
server__intake_run(struct server__shard *shard)
{
    shard->wall_us = chek_io_wall_us(shard->io); /* one look at the clock for all of them */
    parked_run_all(shard);
    while (!chek_list_is_empty(&shard->intake)) {
        struct chek_part *part = CHEK_CONTAINER_OF(shard->intake.next, struct chek_part, link);
        uint32_t item_count = part->item_count;
        while (part->taken_count < item_count) {
            /* The last item's answer gives the part back: it is not touched after that. */
            bool last = part->taken_count + 1 == item_count;
            if (last) {
                chek_list_remove(&part->link);
            }
            if (!part_step(shard, part)) {
                if (last) {
                    chek_list_add(shard->intake.next, &part->link);
                }
                return;
            }
            if (last) {
                break;
            }
        }
    }
}

void
server__intake(struct server__shard *shard, struct chek_part *part)
{
    server__step_next(shard, STEP_INTAKE);
    CHEK_ASSERT(part->item_count > 0);
    chek_list_add(&shard->intake, &part->link);
    server__intake_run(shard);
    if (chek_list_is_empty(&shard->intake)) {
        return;
    }
    /* Only the part that came last can still borrow its bytes from the caller. */
    struct chek_part *last = CHEK_CONTAINER_OF(shard->intake.previous, struct chek_part, link);
    if (last == part) {
        chek_part_own(part, part->taken_count);
    }
}

/* ---- out of the log --------------------------------------------------------------------------- */

static void
part_apply(struct server__shard *shard, const struct server__ticket *ticket,
           const struct chek_command *command, const struct chek_outcome *outcome)
{
    struct chek_part *part = ticket->owner;
    struct chek_result result = outcome->result;
    if (command->envelope.kind == CHEK_COMMAND_REGISTER) {
        result = (struct chek_result){.registration = command->envelope.registration};
    }
    item_result(shard, part, ticket->index, &result);
}

static void
number_note(struct server__registration *known, const struct chek_document *document)
{
    uint32_t number = chek_document_number(document);
    known->number_last = number > known->number_last ? number : known->number_last;
    known->has_numberless |= number == 0;
}

static void
command_apply(struct server__shard *shard, const struct chek_partition_target *target)
{
    const struct chek_command *command = &target->command;
    struct chek_outcome outcome;
    int error = chek_partition_apply(target->partition, command, &outcome);
    CHEK_ASSERT(error == CHEK_OK);
    shard->counters.applied_count += 1;
    if (command->envelope.partition != 0) {
        server__seal_check(shard, shard->grounds[command->envelope.partition]);
    }

    struct server__ticket ticket = ticket_take(shard);
    if (ticket.is_held) {
        server__cold_release(shard);
    }
    bool is_new =
        outcome.result.status == CHEK_STATUS_STORED || outcome.result.status == CHEK_STATUS_NOTED;
    if (command->document != NULL && is_new) {
        number_note(&shard->registrations[command->envelope.registration], command->document);
    }
    if (command->envelope.kind == CHEK_COMMAND_REGISTER) {
        shard->registrations[command->envelope.registration].state = REGISTRATION_KNOWN;
    }
    if (ticket.kind == TICKET_PART) {
        part_apply(shard, &ticket, command, &outcome);
    } else if (ticket.kind == TICKET_CHANGE) {
        server__change_applied(shard, ticket.owner, &outcome);
    } else if (ticket.kind == TICKET_JOB) {
        server__job_applied(shard, ticket.owner, &outcome);
    }
}

void
server__on_durable(void *context, const struct chek_log_command *commands, uint32_t count)
{
    struct server__shard *shard = context;
    struct chek_partition_target targets[CHEK_LOG_BATCH_COUNT];

    for (uint32_t i = 0; i < count; i++) {
        int error = chek_command_decode(commands[i].bytes, &targets[i].command);
        CHEK_ASSERT(error == CHEK_OK); /* our own bytes, a moment old */
        targets[i].partition = shard->grounds[targets[i].command.envelope.partition]->partition;
        chek_prefetch_write(&shard->registrations[targets[i].command.envelope.registration]);
    }
    server__step_next(shard, STEP_APPLY);
    chek_arena_reset(&shard->ahead);
    chek_partition_prefetch(targets, count, &shard->ahead);
    for (uint32_t i = 0; i < count; i++) {
        command_apply(shard, &targets[i]);
        if (targets[i].command.envelope.kind == CHEK_COMMAND_ERASE) {
            server__erasure_note(shard, commands[i].lsn, targets[i].command.envelope.time_us);
        }
    }
    server__step_next(shard, STEP_LOG);
}

void
server__on_durable_end(void *context, uint64_t lsn)
{
    (void)lsn;
    /* There is room in the log again, and this turn can still use it. */
    server__step_next(context, STEP_INTAKE);
    server__intake_run(context);
    server__jobs_run(context);
}

/* ---- parts on their way ----------------------------------------------------------------------- */

bool
server__has_credit(void *context, unsigned to, size_t size)
{
    struct server__shard *shard = context;
    uint64_t limit = server__config(shard->server)->intake_credit_size;
    /* A part larger than the whole budget may go when nothing else is under way. */
    return shard->credits[to] == 0 || shard->credits[to] + size <= limit;
}

void
server__submit(void *context, struct chek_part *part)
{
    struct server__shard *shard = context;
    shard->credits[part->owner] += part->credit_size;
    if (part->owner == shard->index) {
        server__intake(shard, part);
    } else {
        server__post(shard, part->owner, SERVER_PART, &part->message);
    }
}

/* Back at its origin: the budget is free again. */
void
server__part_back(struct server__shard *shard, struct chek_part *part)
{
    CHEK_ASSERT(shard->credits[part->owner] >= part->credit_size);
    shard->credits[part->owner] -= part->credit_size;
    chek_feed_part_done(shard->feeds, part);
}

void
server__part_done(struct server__shard *shard, struct chek_part *part)
{
    if (part->origin == shard->index) {
        server__part_back(shard, part);
    } else {
        server__post(shard, part->origin, SERVER_PART_DONE, &part->message);
    }
}
