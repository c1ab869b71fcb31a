/* SPDX-License-Identifier: MIT */
/*
 * server_ask.c - questions, and clients that ask them at any moment.
 */
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
        request->question.removed_low = client->run->journal.registers[at].removed;
        request->question.is_known = client->run->journal.registers[at].is_confirmed;
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

void
run_list_send(struct run_client *client, struct run_request *request)
{
    struct run_question *question = &request->question;
    struct chek_target target = target_of(client->run, question->at);
    struct chek_ask_receipts ask = {.target = &target, .count_max = question->page};
    struct chek_writer out = run_body_begin(client->run);
    ask.after = question->after;
    chek_ask_receipts_encode(&out, &ask);
    run_request_send(client, request, &out);
}

void
run_ask_list(struct run_client *client, unsigned at)
{
    struct run_request *request = question_take(client, CHEK_OPCODE_ASK_RECEIPTS, at);
    if (request != NULL) {
        if (run_chance(client->run, 60)) {
            request->question.page = 1 + (uint32_t)run_below(client->run, 40);
        }
        run_list_send(client, request);
    }
}

void
run_ask_report(struct run_client *client, unsigned at, uint32_t shift, bool closed)
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

void
run_ask_shifts(struct run_client *client, unsigned at)
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

void
run_ask_sums(struct run_client *client, unsigned at)
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

void
run_ask_registers(struct run_client *client)
{
    struct run_request *request = question_take(client, CHEK_OPCODE_ASK_REGISTERS, 0);
    if (request != NULL) {
        struct chek_ask_registers ask = {0};
        struct chek_writer out = run_body_begin(client->run);
        chek_ask_registers_encode(&out, &ask);
        run_request_send(client, request, &out);
    }
}

void
run_ask_events(struct run_client *client, bool from_start, bool follow)
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

/* ---- asking at any moment --------------------------------------------------------------------- */

void
run_ask_act(struct run_client *client)
{
    struct run *run = client->run;
    unsigned at = (unsigned)run_below(run, STORY_REGISTER_COUNT);
    if (run->is_verifying || run_request_count(client) > 3 || !run_chance(run, 3)) {
        return;
    }
    if (run_person_ask(client)) {
        return;
    }
    switch (run_below(run, 9)) {
    case 0:
        run_ask_list(client, at);
        break;
    case 7:
        run_ask_sums(client, at);
        break;
    case 1:
    case 2: {
        uint32_t last = run->story.registers[at].naive.last;
        run_ask_report(client, at, (uint32_t)run_below(run, last + 1), run_chance(run, 20));
        break;
    }
    case 3:
        run_ask_shifts(client, at);
        break;
    case 4:
        ask_receipt(client, at);
        break;
    case 5:
        run_ask_events(client, run_chance(run, 30), run_chance(run, 40));
        break;
    case 6:
        run_ask_registers(client);
        break;
    default:
        if (!run->options.without_status) {
            ask_status(client);
        }
    }
}
