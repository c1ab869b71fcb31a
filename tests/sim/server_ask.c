/* SPDX-License-Identifier: MIT */
/*
 * server_ask.c - clients that ask at any moment, and the verifier, who asks for everything while
 * nobody feeds.
 */
#include "engine/base/assertion.h"
#include "tests/sim/server_run.h"

#define SOME_DAY INT64_C(1767225600)
#define PERIOD_S (INT64_C(60) * 86400)

/* ---- questions -------------------------------------------------------------------------------- */

static struct run_request *
question_take(struct run_client *client, uint16_t opcode, unsigned at)
{
    struct run_request *request = run_request_take(client, opcode);
    if (request != NULL) {
        request->question.at = at;
        request->question.exact = client->run->is_verifying;
        request->question.low = client->run->journal.registers[at].low;
        request->question.is_known = client->run->journal.registers[at].registration != 0;
        client->run->result.question_count += 1;
    }
    return request;
}

static struct chek_target
target_of(struct run *run, unsigned at)
{
    uint32_t registration = run->journal.registers[at].registration;
    if (registration != 0 && run_chance(run, 70)) {
        return (struct chek_target){.registration = registration};
    }
    const struct chek_register_key *key = &run->story.registers[at].profile.keys[run_below(run, 2)];
    return (struct chek_target){.key = key->value,
                                .kind = run_chance(run, 50) ? key->kind + 1u : 0};
}

/* A list, or the next page of one. */
static void
list_send(struct run_client *client, struct run_request *request)
{
    struct run_question *question = &request->question;
    struct chek_target target = target_of(client->run, question->at);
    struct chek_ask_receipts ask = {.target = &target, .count_max = question->page};
    struct chek_writer out = run_body_begin(client->run);
    ask.after = question->after;
    chek_ask_receipts_encode(&out, &ask);
    run_request_send(client, request, &out);
}

static void
ask_list(struct run_client *client, unsigned at)
{
    struct run_request *request = question_take(client, CHEK_OPCODE_ASK_RECEIPTS, at);
    if (request != NULL) {
        if (run_chance(client->run, 60)) {
            request->question.page = 1 + (uint32_t)run_below(client->run, 40);
        }
        list_send(client, request);
    }
}

static void
ask_report(struct run_client *client, unsigned at, uint32_t shift, bool closed)
{
    struct run_request *request = question_take(client, CHEK_OPCODE_ASK_REPORT, at);
    if (request != NULL) {
        struct chek_target target = target_of(client->run, at);
        struct chek_ask_report ask = {.target = &target, .shift = shift, .closed = closed};
        struct chek_writer out = run_body_begin(client->run);
        request->question.shift = shift;
        request->question.closed_wanted = closed;
        chek_ask_report_encode(&out, &ask);
        run_request_send(client, request, &out);
    }
}

static void
ask_shifts(struct run_client *client, unsigned at)
{
    struct run_request *request = question_take(client, CHEK_OPCODE_ASK_SHIFTS, at);
    if (request != NULL) {
        struct chek_target target = target_of(client->run, at);
        struct chek_ask_shifts ask = {.target = &target};
        struct chek_writer out = run_body_begin(client->run);
        chek_ask_shifts_encode(&out, &ask);
        run_request_send(client, request, &out);
    }
}

/* One document that is certain to be there, by one of its names. */
static void
ask_receipt(struct run_client *client, unsigned at)
{
    struct run *run = client->run;
    const struct story_register *story = &run->story.registers[at];
    uint32_t low = run->journal.registers[at].low;
    struct run_request *request =
        low != 0 ? question_take(client, CHEK_OPCODE_ASK_RECEIPT, at) : NULL;
    if (request == NULL) {
        return;
    }
    uint32_t index = (uint32_t)run_below(run, low);
    const struct chek_receipt *receipt = story->documents[index].document->receipt;
    struct chek_target target = target_of(run, at);
    struct chek_ask_receipt ask = {.target = &target};
    request->question.document = index;
    if (receipt != NULL && receipt->document != 0 && run_chance(run, 50)) {
        ask.document = receipt->document;
    } else if (receipt != NULL && run_chance(run, 50)) {
        ask.sign = receipt->sign;
    } else {
        ask.ordinal = story->documents[index].entry + 1;
    }
    struct chek_writer out = run_body_begin(run);
    chek_ask_receipt_encode(&out, &ask);
    run_request_send(client, request, &out);
}

static void
ask_sums(struct run_client *client, unsigned at)
{
    struct run_request *request = question_take(client, CHEK_OPCODE_ASK_SUMS, at);
    if (request != NULL) {
        struct chek_target target = target_of(client->run, at);
        struct chek_ask_sums ask = {.targets = &target,
                                    .targets_count = 1,
                                    .by = CHEK_SUMS_BY_REGISTER,
                                    .step = CHEK_SUMS_STEP_ALL,
                                    .from = SOME_DAY,
                                    .to = SOME_DAY + PERIOD_S};
        struct chek_writer out = run_body_begin(client->run);
        chek_ask_sums_encode(&out, &ask);
        run_request_send(client, request, &out);
    }
}

static void
ask_registers(struct run_client *client)
{
    struct run_request *request = question_take(client, CHEK_OPCODE_ASK_REGISTERS, 0);
    if (request != NULL) {
        struct chek_ask_registers ask = {0};
        struct chek_writer out = run_body_begin(client->run);
        chek_ask_registers_encode(&out, &ask);
        run_request_send(client, request, &out);
    }
}

static void
ask_events(struct run_client *client, bool from_start, bool follow)
{
    struct run_request *request = question_take(client, CHEK_OPCODE_ASK_EVENTS, 0);
    if (request != NULL) {
        struct chek_ask_events ask = {.follow = follow};
        struct chek_writer out = run_body_begin(client->run);
        request->question.follow = follow;
        request->question.from_start = from_start;
        if (!from_start && client->cursor[0] != 0) {
            ask.cursor = chek_bytes_view_text(client->cursor);
            memcpy(request->question.seqs, client->cursor_seqs, sizeof client->cursor_seqs);
        }
        chek_ask_events_encode(&out, &ask);
        run_request_send(client, request, &out);
    }
}

static void
ask_status(struct run_client *client)
{
    struct run_request *request = question_take(client, CHEK_OPCODE_ASK_STATUS, 0);
    if (request != NULL) {
        struct chek_nothing nothing = {0};
        struct chek_writer out = run_body_begin(client->run);
        chek_nothing_encode(&out, &nothing);
        run_request_send(client, request, &out);
    }
}

void
run_ask_act(struct run_client *client)
{
    struct run *run = client->run;
    unsigned at = (unsigned)run_below(run, STORY_REGISTER_COUNT);
    if (run->is_verifying || run_request_count(client) > 3 || !run_chance(run, 3)) {
        return;
    }
    switch (run_below(run, 8)) {
    case 0:
        ask_list(client, at);
        break;
    case 1:
    case 2: {
        uint32_t last = run->story.registers[at].naive.last;
        ask_report(client, at, (uint32_t)run_below(run, last + 1), run_chance(run, 20));
        break;
    }
    case 3:
        ask_shifts(client, at);
        break;
    case 4:
        ask_receipt(client, at);
        break;
    case 5:
        ask_events(client, run_chance(run, 30), run_chance(run, 40));
        break;
    case 6:
        ask_registers(client);
        break;
    default:
        if (!run->options.without_status) {
            ask_status(client);
        }
    }
}

/* ---- answers ---------------------------------------------------------------------------------- */

static void
unreadable(struct run *run, const struct run_request *request, int error)
{
    run_violate(run, "an answer of opcode %u cannot be read: %s", request->opcode,
                chek_error_name(error));
}

static void
on_list(struct run_client *client, struct run_request *request, const struct chek_frame *frame,
        bool last)
{
    struct run *run = client->run;
    struct run_question *question = &request->question;
    struct chek_stored_list list;
    struct chek_fault fault;
    int error = chek_stored_list_decode_whole(frame->body.bytes, frame->body.size, &run->arena,
                                              &list, &fault);
    if (error != CHEK_OK) {
        unreadable(run, request, error);
        return;
    }
    for (uint32_t i = 0; i < list.receipts_count; i++) {
        const struct chek_stored *stored = &list.receipts[i];
        if (stored->ordinal < question->end || stored->ordinal >= RUN_LISTED_MAX) {
            run_violate(run, "register %u: ordinal %u is listed behind %u", question->at,
                        stored->ordinal, question->end);
            return;
        }
        if (run->journal.registers[question->at].registration == 0) {
            run_learn_registration(run, question->at, stored->registration);
        }
        run_learn_stored(run, question->at, stored);
        question->listed[stored->ordinal / 64] |= UINT64_C(1) << stored->ordinal % 64;
        question->end = stored->ordinal + 1;
        question->count += 1;
    }
    bool more = (list.present & 1u << (2 - 1)) != 0;
    if (last && more) {
        if (question->page == 0 || question->count % question->page != 0) {
            run_violate(run, "register %u: a page of %u ends after %u", question->at,
                        question->page, question->count);
        }
        question->after = list.next;
        list_send(client, request);
    } else if (last) {
        run_learn_list(run, question);
    }
}

static void
on_report(struct run_client *client, struct run_request *request, const struct chek_frame *frame)
{
    struct chek_answer_report answer;
    struct chek_fault fault;
    int error = chek_answer_report_decode_whole(frame->body.bytes, frame->body.size,
                                                &client->run->arena, &answer, &fault);
    if (error != CHEK_OK) {
        unreadable(client->run, request, error);
        return;
    }
    if (client->run->journal.registers[request->question.at].registration == 0) {
        run_learn_registration(client->run, request->question.at, answer.report->registration);
    }
    run_learn_report(client->run, &request->question, &answer, CHEK_OK);
}

static void
on_shifts(struct run_client *client, struct run_request *request, const struct chek_frame *frame,
          bool last)
{
    struct run *run = client->run;
    struct run_question *question = &request->question;
    struct chek_shifts shifts;
    struct chek_fault fault;
    int error =
        chek_shifts_decode_whole(frame->body.bytes, frame->body.size, &run->arena, &shifts, &fault);
    if (error != CHEK_OK) {
        unreadable(run, request, error);
        return;
    }
    const struct chek_naive *naive =
        story_prefix(&run->story, question->at, run->journal.registers[question->at].low);
    for (uint32_t i = 0; i < shifts.shifts_count; i++) {
        const struct chek_shift *shift = &shifts.shifts[i];
        if (shift->shift <= question->shift) {
            run_violate(run, "register %u: shift %u is listed behind %u", question->at,
                        shift->shift, question->shift);
        }
        int32_t revision =
            shift->shift == naive->open ? 0 : chek_naive_revision(naive, shift->shift);
        if (question->exact && (int32_t)shift->revision != revision) {
            run_violate(run, "register %u: shift %u is listed with revision %u, not %d",
                        question->at, shift->shift, shift->revision, revision);
        }
        question->shift = shift->shift;
        question->count += 1;
    }
    if (last && question->exact) {
        uint32_t count = naive->open != 0;
        for (uint32_t i = 1; i <= naive->last; i++) {
            count += i != naive->open && chek_naive_revision(naive, i) >= 0;
        }
        if (question->count != count) {
            run_violate(run, "register %u: %u shifts are listed of %u", question->at,
                        question->count, count);
        }
    }
}

static void
on_receipt(struct run_client *client, struct run_request *request, const struct chek_frame *frame)
{
    struct run *run = client->run;
    const struct run_question *question = &request->question;
    struct chek_stored stored;
    struct chek_fault fault;
    int error =
        chek_stored_decode_whole(frame->body.bytes, frame->body.size, &run->arena, &stored, &fault);
    if (error != CHEK_OK) {
        unreadable(run, request, error);
        return;
    }
    run_learn_stored(run, question->at, &stored);
    if (!run_is_copy(run, question->at, question->document, stored.ordinal)) {
        run_violate(run, "register %u: document %u is found at ordinal %u", question->at,
                    question->document, stored.ordinal);
    }
}

static void
on_sums(struct run_client *client, struct run_request *request, const struct chek_frame *frame,
        bool last)
{
    struct chek_sums_rows rows;
    struct chek_fault fault;
    int error = chek_sums_rows_decode_whole(frame->body.bytes, frame->body.size,
                                            &client->run->arena, &rows, &fault);
    if (error != CHEK_OK) {
        unreadable(client->run, request, error);
    } else if (rows.rows_count != 0 || (last && request->question.count == 0)) {
        run_learn_sums(client->run, &request->question, &rows);
        request->question.count += 1;
    }
}

/* Which register of the story has this profile; -1: none. */
static int
register_of_profile(const struct run *run, const struct chek_register *profile)
{
    for (int i = 0; i < STORY_REGISTER_COUNT; i++) {
        const struct chek_register *story = &run->story.registers[i].profile;
        if (profile->keys_count != 0 &&
            chek_bytes_view_equal(profile->keys[0].value, story->keys[0].value) &&
            chek_bytes_view_equal(profile->organisation, story->organisation)) {
            return i;
        }
    }
    return -1;
}

static bool
is_seen(const struct run_client *client, unsigned at)
{
    int organisation = client->run->journal.principals[client->principal].organisation;
    return organisation < 0 || organisation == (int)client->run->story.registers[at].organisation;
}

static void
on_registers(struct run_client *client, struct run_request *request, const struct chek_frame *frame,
             bool last)
{
    struct run *run = client->run;
    struct run_question *question = &request->question;
    struct chek_registers answer;
    struct chek_fault fault;
    int error = chek_registers_decode_whole(frame->body.bytes, frame->body.size, &run->arena,
                                            &answer, &fault);
    if (error != CHEK_OK) {
        unreadable(run, request, error);
        return;
    }
    for (uint32_t i = 0; i < answer.registers_count; i++) {
        int at = register_of_profile(run, answer.registers[i].profile);
        if (at < 0 || !is_seen(client, (unsigned)at) || (question->listed[0] >> at & 1) != 0) {
            run_violate(run, "registration %u is listed as register %d",
                        answer.registers[i].registration, at);
            return;
        }
        run_learn_registration(run, (unsigned)at, answer.registers[i].registration);
        question->listed[0] |= UINT64_C(1) << at;
    }
    for (unsigned at = 0; last && question->exact && at < STORY_REGISTER_COUNT; at++) {
        const struct run_register *known = &run->journal.registers[at];
        bool is_listed = (question->listed[0] >> at & 1) != 0;
        if (is_seen(client, at) && !is_listed && known->registration != 0) {
            run_violate(run, "register %u, registration %u, is not listed", at,
                        known->registration);
        }
    }
}

/* An event that somebody of one organisation sees. */
static void
event_in_scope(struct run_client *client, const struct chek_event *event)
{
    int at = run_register_of(client->run, event->registration);
    if (event->registration != 0 && at >= 0 && !is_seen(client, (unsigned)at)) {
        run_violate(client->run, "an event of register %d is shown to %s", at,
                    client->run->journal.principals[client->principal].name);
    }
}

static void
on_events(struct run_client *client, struct run_request *request, const struct chek_frame *frame,
          bool last)
{
    struct run *run = client->run;
    struct run_question *question = &request->question;
    bool sees_all = run->journal.principals[client->principal].organisation < 0;
    struct chek_events events;
    struct chek_fault fault;
    int error =
        chek_events_decode_whole(frame->body.bytes, frame->body.size, &run->arena, &events, &fault);
    if (error != CHEK_OK) {
        unreadable(run, request, error);
        return;
    }
    for (uint32_t i = 0; i < events.events_count; i++) {
        const struct chek_event_entry *entry = &events.events[i];
        event_in_scope(client, entry->event);
        if (!sees_all || entry->partition > RUN_PARTITION_COUNT_MAX) {
            continue;
        }
        if (entry->seq != question->seqs[entry->partition] + 1) {
            run_violate(run, "event %u:%llu is shown behind %u", entry->partition,
                        (unsigned long long)entry->seq, question->seqs[entry->partition]);
        }
        question->seqs[entry->partition] = (uint32_t)entry->seq;
        run_learn_event(run, entry);
    }
    if (sees_all && events.cursor.size < sizeof client->cursor) {
        memcpy(client->cursor, events.cursor.bytes, events.cursor.size);
        client->cursor[events.cursor.size] = 0;
        memcpy(client->cursor_seqs, question->seqs, sizeof client->cursor_seqs);
    }
    for (unsigned i = 0; last && question->exact && i <= RUN_PARTITION_COUNT_MAX; i++) {
        if (question->seqs[i] != run->journal.streams[i].count) {
            run_violate(run, "events of partition %u end at %u of %u", i, question->seqs[i],
                        run->journal.streams[i].count);
        }
    }
    if (last && question->exact) {
        run_learn_events_complete(run);
    }
}

static void
on_claimed(struct run_client *client, struct run_request *request, const struct chek_frame *frame)
{
    struct run *run = client->run;
    struct chek_registers answer;
    struct chek_fault fault;
    int error = chek_registers_decode_whole(frame->body.bytes, frame->body.size, &run->arena,
                                            &answer, &fault);
    if (error != CHEK_OK || answer.registers_count != request->item_count) {
        run_violate(run, "a claim of %u is answered with %u", request->item_count,
                    error == CHEK_OK ? answer.registers_count : 0);
        return;
    }
    for (uint32_t i = 0; i < answer.registers_count; i++) {
        run_learn_registration(run, request->items[i].at, answer.registers[i].registration);
    }
}

void
run_ask_answer(struct run_client *client, struct run_request *request,
               const struct chek_frame *frame, bool last)
{
    if (request->opcode != CHEK_OPCODE_ASK_REGISTERS && request->opcode != CHEK_OPCODE_CLAIM &&
        request->opcode != CHEK_OPCODE_ASK_EVENTS && !is_seen(client, request->question.at)) {
        run_violate(client->run, "register %u is shown to %s", request->question.at,
                    client->run->journal.principals[client->principal].name);
    }
    switch (request->opcode) {
    case CHEK_OPCODE_ASK_RECEIPTS:
        on_list(client, request, frame, last);
        break;
    case CHEK_OPCODE_ASK_REPORT:
        on_report(client, request, frame);
        break;
    case CHEK_OPCODE_ASK_SHIFTS:
        on_shifts(client, request, frame, last);
        break;
    case CHEK_OPCODE_ASK_RECEIPT:
        on_receipt(client, request, frame);
        break;
    case CHEK_OPCODE_ASK_SUMS:
        on_sums(client, request, frame, last);
        break;
    case CHEK_OPCODE_ASK_REGISTERS:
        on_registers(client, request, frame, last);
        break;
    case CHEK_OPCODE_ASK_EVENTS:
        on_events(client, request, frame, last);
        break;
    case CHEK_OPCODE_CLAIM:
        on_claimed(client, request, frame);
        break;
    default:
        break;
    }
}

void
run_ask_refused(struct run_client *client, struct run_request *request, int error)
{
    struct run *run = client->run;
    const struct run_question *question = &request->question;
    bool of_register =
        request->opcode != CHEK_OPCODE_ASK_REGISTERS && request->opcode != CHEK_OPCODE_ASK_EVENTS;

    request->id = 0;
    if (error == CHEK_E_BUSY || error == CHEK_E_CANCELLED || error > -5000) {
        client->task_sent = false; /* nothing was said; a disk that fails may say so */
        if (error > -5000 && (run->options.calm || run->is_ending)) {
            run_violate(run, "opcode %u is refused with %s", request->opcode,
                        chek_error_name(error));
        }
    } else if (of_register && !is_seen(client, question->at)) {
        if (error != CHEK_E_NOT_FOUND) {
            run_violate(run, "what is out of scope is %s", chek_error_name(error));
        }
    } else if (of_register && !question->is_known && error == CHEK_E_NOT_FOUND) {
        return; /* it was fed while the question was on its way */
    } else if (request->opcode == CHEK_OPCODE_ASK_REPORT) {
        run_learn_report(run, question, NULL, error);
    } else if (!of_register || error != CHEK_E_UNREGISTERED || question->low != 0) {
        run_violate(run, "opcode %u of register %u is refused with %s", request->opcode,
                    question->at, chek_error_name(error));
    }
}

/* ---- the verifier ----------------------------------------------------------------------------- */

/* What it asks for of each register, in this order. */
enum { TASK_LIST, TASK_REPORTS, TASK_SHIFTS, TASK_SUMS, TASK_COUNT };
#define TASK_REGISTERS 0
#define TASK_EVENTS (1 + STORY_REGISTER_COUNT * TASK_COUNT)

void
run_verify_begin(struct run *run, uint64_t wait_steps)
{
    struct run_client *verifier = &run->clients[RUN_CLIENT_COUNT - 1];
    run->is_verifying = true;
    run->is_verified = false;
    verifier->task = verifier->task_shift = 0;
    verifier->task_sent = false;
    verifier->wait_steps = wait_steps;
}

/* What was in flight when the others fell silent has to come to its end. */
static bool
is_silent(struct run_client *client)
{
    for (unsigned i = 0; i < RUN_FEEDER_COUNT; i++) {
        if (run_request_count(&client->run->clients[i]) != 0) {
            return false;
        }
    }
    client->wait_steps -= client->wait_steps != 0;
    return client->wait_steps == 0;
}

static void
task_next(struct run_client *client)
{
    unsigned at = client->task != TASK_REGISTERS && client->task != TASK_EVENTS
                      ? (client->task - 1) / TASK_COUNT
                      : 0;
    bool is_report = client->task != TASK_REGISTERS && client->task != TASK_EVENTS &&
                     (client->task - 1) % TASK_COUNT == TASK_REPORTS;
    if (is_report && client->task_shift < client->run->story.registers[at].naive.last) {
        client->task_shift += 1;
        return;
    }
    client->task += 1;
    client->task_shift = 0;
}

/* Ask the next thing; false when there is nothing to ask about this one. */
static bool
task_send(struct run_client *client)
{
    struct run *run = client->run;
    if (client->task == TASK_REGISTERS) {
        ask_registers(client);
        return true;
    }
    if (client->task == TASK_EVENTS) {
        ask_events(client, true, false);
        return true;
    }
    unsigned at = (client->task - 1) / TASK_COUNT;
    if (run->journal.registers[at].registration == 0) {
        return false;
    }
    switch ((client->task - 1) % TASK_COUNT) {
    case TASK_LIST:
        ask_list(client, at);
        break;
    case TASK_REPORTS:
        /* Of a long story not every old shift every time. */
        if (client->task_shift != 0 && !run->is_ending && !run_chance(run, 50)) {
            return false;
        }
        ask_report(client, at, client->task_shift, false);
        break;
    case TASK_SHIFTS:
        ask_shifts(client, at);
        break;
    default:
        ask_sums(client, at);
    }
    return true;
}

void
run_verify_act(struct run_client *client)
{
    struct run *run = client->run;
    if (!run->is_verifying || run->is_verified || run_request_count(client) != 0 ||
        !is_silent(client)) {
        return;
    }
    if (client->task_sent) {
        client->task_sent = false;
        task_next(client);
    }
    if (client->task > TASK_EVENTS) {
        run->is_verified = true;
        return;
    }
    if (task_send(client)) {
        client->task_sent = true;
    } else {
        task_next(client);
    }
}
