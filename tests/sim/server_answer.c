/* SPDX-License-Identifier: MIT */
/*
 * server_answer.c - answers to questions, given to the journal; and refusals that may be given.
 */
#include "tests/sim/server_run.h"

static void
unreadable(struct run *run, const struct run_request *request, int error)
{
    run_violate(run, "an answer of opcode %u cannot be read: %s", request->opcode,
                chek_error_name(error));
}

/* A list that does not begin with the first document says so, and what was removed once stays so. */
static void
removed_learn(struct run *run, struct run_question *question, const struct chek_stored_list *list)
{
    struct run_register *known = &run->journal.registers[question->at];
    bool is_first = question->count == 0 && question->after == 0 && question->removed == 0;
    if (list->removed != 0 && (run->retention_us == 0 || list->border == 0 ||
                               list->removed > run->story.registers[question->at].naive.count)) {
        run_violate(run, "register %u: %u documents are said to be removed", question->at,
                    list->removed);
    } else if (is_first && list->removed < question->removed_low) {
        run_violate(run, "register %u: %u documents are removed, and %u were before", question->at,
                    list->removed, question->removed_low);
    } else if (list->removed > question->end) {
        const struct story_register *story = &run->story.registers[question->at];
        uint32_t count = 0;
        while (count < story->count && story->documents[count].entry < list->removed) {
            count += 1;
        }
        run_learn_low(run, question->at, count); /* they were there */
        question->end = question->removed = list->removed;
        known->removed = known->removed > list->removed ? known->removed : list->removed;
    }
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
    removed_learn(run, question, &list);
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
        run_list_send(client, request);
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
    if (stored.ordinal < question->removed_low && stored.close == NULL) {
        run_violate(run, "register %u: document %u was removed, and is shown", question->at,
                    question->document);
    }
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
        /* The shard that lists it may be the first to know. */
        bool is_confirmed = run->journal.registers[at].is_confirmed;
        run_learn_registration(run, (unsigned)at, answer.registers[i].registration);
        run->journal.registers[at].is_confirmed = is_confirmed;
        question->listed[0] |= UINT64_C(1) << at;
    }
    for (unsigned at = 0; last && question->exact && at < STORY_REGISTER_COUNT; at++) {
        const struct run_register *known = &run->journal.registers[at];
        bool is_listed = (question->listed[0] >> at & 1) != 0;
        if (is_seen(client, at) && !is_listed && known->is_confirmed) {
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
    if (run->is_rotten && error == CHEK_E_CORRUPT) {
        run->result.rot_refusal_count += 1; /* what it asks for is damaged */
        return;
    }
    if (run->retention_us != 0 && error == CHEK_E_REMOVED &&
        (request->opcode == CHEK_OPCODE_ASK_RECEIPT ||
         request->opcode == CHEK_OPCODE_ASK_RECEIPTS)) {
        return; /* a document that was removed, or a list that was behind the border by then */
    }
    if (error == CHEK_E_BUSY || error == CHEK_E_CANCELLED || error > -5000) {
        client->task_sent = false; /* nothing was said; a disk that fails may say so */
        bool is_healed = run->is_ending && request->sent_ns > run->ending_ns;
        if (error > -5000 && (run->options.calm || is_healed)) {
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
