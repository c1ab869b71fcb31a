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

/* What must stand in the log before a document: its register, the person on it. */
static bool
append_before(struct server__shard *shard, struct server__ground *ground,
              const struct chek_part_item *item, int *ret_error)
{
    static const struct server__ticket nobody = {.kind = TICKET_NONE};
    *ret_error = CHEK_OK;
    struct server__registration *known = &shard->registrations[item->registration];
    const struct chek_fiscal *fiscal = chek_partition_fiscal(ground->partition);
    if (known->state == REGISTRATION_UNSEEN &&
        chek_fiscal_is_registered(fiscal, item->registration)) {
        known->state = REGISTRATION_KNOWN;
        known->number_last = chek_fiscal_number_last(fiscal, item->registration);
    }
    if (known->state == REGISTRATION_UNSEEN) {
        if (!append_register(shard, ground, item->registration, ret_error)) {
            return false;
        }
        if (*ret_error != CHEK_OK) {
            return true;
        }
    }
    if (item->subject && !chek_partition_has_subject(ground->partition, item->subject_id)) {
        struct chek_envelope envelope = {.kind = CHEK_COMMAND_SUBJECT,
                                         .registration = item->registration};
        return server__append(shard, ground, &envelope,
                              chek_bytes_view_of(item->subject_body, item->subject_body_size),
                              &nobody, ret_error);
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

/*
 * Whether a document repeats one that was applied: it is answered now and leaves no trace in the
 * log. What is on its way through the log is not looked at: its repeat goes the same way behind it.
 * So does the document of a numbered stream, whose offset has to be kept, and one that brings a
 * person along.
 */
static bool
is_repeat(struct server__shard *shard, const struct server__ground *ground,
          const struct chek_part_item *item, struct chek_result *ret)
{
    struct chek_document document;
    struct chek_fault fault;
    if (item->number == 0 || item->source_offset != 0 || item->subject ||
        item->number > shard->registrations[item->registration].number_last) {
        return false;
    }
    chek_arena_reset(&shard->arena);
    int error =
        chek_document_decode_whole(item->body, item->body_size, &shard->arena, &document, &fault);
    return error == CHEK_OK && chek_fiscal_is_repeat(chek_partition_fiscal(ground->partition),
                                                     item->registration, &document, ret);
}

/* Log one item, or answer it. False: no room; it stays. */
static bool
item_take(struct server__shard *shard, struct chek_part *part, uint32_t index)
{
    const struct chek_part_item *item = &part->items[index];
    struct server__ground *ground = shard->grounds[item->partition];
    struct chek_envelope envelope = {.kind = item->kind,
                                     .registration = item->registration,
                                     .source = part->source,
                                     .source_offset = item->source_offset};
    struct server__ticket ticket = {.owner = part, .index = index, .kind = TICKET_PART};
    struct chek_result result;
    int error = CHEK_OK;

    CHEK_ASSERT(ground != NULL);
    if (item->kind == CHEK_COMMAND_DOCUMENT && is_repeat(shard, ground, item, &result)) {
        shard->counters.repeat_count += 1;
        part->taken_count += 1;
        item_result(shard, part, index, &result);
        return true;
    }
    if (item->kind == CHEK_COMMAND_DOCUMENT && !append_before(shard, ground, item, &error)) {
        return false;
    }
    if (error == CHEK_OK &&
        !server__append(shard, ground, &envelope, chek_bytes_view_of(item->body, item->body_size),
                        &ticket, &error)) {
        return false;
    }
    part->taken_count += 1;
    if (error != CHEK_OK) {
        item_result(shard, part, index,
                    &(struct chek_result){.status = CHEK_STATUS_REFUSED,
                                          .code = (uint32_t)-error,
                                          .registration = item->registration});
    } else if (item->kind == CHEK_COMMAND_REGISTER) {
        shard->registrations[item->registration].state = REGISTRATION_COMING;
    }
    return true;
}

void
server__intake_run(struct server__shard *shard)
{
    shard->wall_us = chek_io_wall_us(shard->io); /* one look at the clock for all of them */
    while (!chek_list_is_empty(&shard->intake)) {
        struct chek_part *part = CHEK_CONTAINER_OF(shard->intake.next, struct chek_part, link);
        uint32_t item_count = part->item_count;
        while (part->taken_count < item_count) {
            /* The last item's answer gives the part back: it is not touched after that. */
            bool last = part->taken_count + 1 == item_count;
            if (last) {
                chek_list_remove(&part->link);
            }
            if (!item_take(shard, part, part->taken_count)) {
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
    if (command->document != NULL && outcome.result.status == CHEK_STATUS_STORED) {
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
    }
    chek_arena_reset(&shard->ahead);
    chek_partition_prefetch(targets, count, &shard->ahead);
    for (uint32_t i = 0; i < count; i++) {
        command_apply(shard, &targets[i]);
    }
}

void
server__on_durable_end(void *context, uint64_t lsn)
{
    (void)lsn;
    /* There is room in the log again, and this turn can still use it. */
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
