/* SPDX-License-Identifier: MIT */
/*
 * server_person.c - people on receipts are erased, listed, and asked for.
 *
 * Whom a document names a list has shown; what is known of a person is the last digit of the value.
 * An erasure that was confirmed is listed ever after, whatever the machine does; one that was not asked
 * for is listed never, and nobody is erased without it.
 */
#include "engine/base/assertion.h"
#include "tests/sim/server_run.h"

#define VALUE_COUNT 9

_Static_assert(RUN_PERSON_COUNT <= RUN_LISTED_MAX, "a bit a person");

/* What a person is kept under in the journal. */
static uint8_t *
subject_of(struct run *run, unsigned person)
{
    unsigned organisation = person % STORY_ORGANISATION_COUNT;
    unsigned who = person / STORY_ORGANISATION_COUNT % VALUE_COUNT;
    return run->journal
        .subjects[person / STORY_ORGANISATION_COUNT / VALUE_COUNT][who][organisation];
}

static struct chek_bytes_view
organisation_of(const struct run *run, unsigned person)
{
    for (unsigned at = 0; at < STORY_REGISTER_COUNT; at++) {
        if (run->story.registers[at].organisation == person % STORY_ORGANISATION_COUNT) {
            return run->story.registers[at].profile.organisation;
        }
    }
    CHEK_ASSERT(false);
}

/* Somebody who was shown; false: the one that was drawn was not. */
static bool
person_draw(struct run *run, unsigned *ret)
{
    static const uint8_t nobody[16];
    *ret = (unsigned)run_below(run, RUN_PERSON_COUNT);
    return memcmp(subject_of(run, *ret), nobody, sizeof nobody) != 0;
}

static void
person_send(struct run_client *client, uint16_t opcode, unsigned person)
{
    struct run *run = client->run;
    struct run_request *request = run_request_take(client, opcode);
    if (request == NULL) {
        return;
    }
    struct chek_person_query what = {0};
    if (opcode != CHEK_OPCODE_ASK_ERASURES) {
        what.organisation = organisation_of(run, person);
        memcpy(what.subject, subject_of(run, person), sizeof what.subject);
    }
    if (opcode == CHEK_OPCODE_PERSON_ERASE) {
        run->journal.erasures[person].asked = true;
    }
    request->principal = person;
    struct chek_writer out = run_body_begin(run);
    chek_person_query_encode(&out, &what);
    run_request_send(client, request, &out);
}

void
run_person_erase(struct run_client *client)
{
    unsigned person;
    if (person_draw(client->run, &person)) {
        person_send(client, CHEK_OPCODE_PERSON_ERASE, person);
    }
}

void
run_person_list(struct run_client *client)
{
    person_send(client, CHEK_OPCODE_ASK_ERASURES, 0);
}

bool
run_person_ask(struct run_client *client)
{
    struct run *run = client->run;
    const struct run_principal *principal = &run->journal.principals[client->principal];
    unsigned person;
    if ((principal->rights & 1u << CHEK_RIGHT_PERSONS) == 0 || !run_chance(run, 10) ||
        !person_draw(run, &person) ||
        (principal->organisation >= 0 &&
         principal->organisation != (int)(person % STORY_ORGANISATION_COUNT))) {
        return false;
    }
    person_send(client, CHEK_OPCODE_ASK_PERSON, person);
    return true;
}

/* ---- answers ---------------------------------------------------------------------------------- */

static void
on_erased(struct run *run, const struct run_request *request, const struct chek_frame *frame)
{
    struct chek_erasure erasure;
    struct run_erasure *known = &run->journal.erasures[request->principal];
    int error =
        chek_erasure_decode_whole(frame->body.bytes, frame->body.size, &run->arena, &erasure, NULL);
    if (error != CHEK_OK || erasure.erased == 0 ||
        memcmp(erasure.subject, subject_of(run, request->principal), 16) != 0) {
        run_violate(run, "an erasure is answered wrongly");
    } else if (known->known_ns == 0) {
        known->known_ns = chek_world_now_ns(run->world);
    }
}

static void
on_erasures(struct run *run, struct run_request *request, const struct chek_frame *frame, bool last)
{
    struct chek_erasures list;
    uint64_t *listed = request->question.listed;
    int error =
        chek_erasures_decode_whole(frame->body.bytes, frame->body.size, &run->arena, &list, NULL);
    for (uint32_t i = 0; error == CHEK_OK && i < list.erasures_count; i++) {
        unsigned person = 0;
        while (person < RUN_PERSON_COUNT &&
               (!run->journal.erasures[person].asked ||
                memcmp(list.erasures[i].subject, subject_of(run, person), 16) != 0)) {
            person += 1;
        }
        if (person == RUN_PERSON_COUNT || (listed[person / 64] >> person % 64 & 1) != 0) {
            run_violate(run, "an erasure is listed that nobody asked for, or twice");
            return;
        }
        listed[person / 64] |= UINT64_C(1) << person % 64;
    }
    for (unsigned person = 0; last && person < RUN_PERSON_COUNT; person++) {
        const struct run_erasure *known = &run->journal.erasures[person];
        if (known->known_ns != 0 && known->known_ns < request->sent_ns &&
            (listed[person / 64] >> person % 64 & 1) == 0) {
            run_violate(run, "an erasure that was confirmed is not listed");
            return;
        }
    }
}

static void
on_person(struct run *run, const struct run_request *request, const struct chek_frame *frame)
{
    struct chek_known_person shown;
    unsigned who = request->principal / STORY_ORGANISATION_COUNT % VALUE_COUNT;
    int error = chek_known_person_decode_whole(frame->body.bytes, frame->body.size, &run->arena,
                                               &shown, NULL);
    bool is_value = error == CHEK_OK && shown.value.size != 0 && shown.erased == 0 &&
                    shown.value.bytes[shown.value.size - 1] == '0' + who;
    bool is_erased = error == CHEK_OK && shown.value.size == 0 && shown.erased != 0 &&
                     run->journal.erasures[request->principal].asked;
    if ((!is_value && !is_erased) || shown.sealed) {
        run_violate(run, "a person is shown wrongly");
    }
}

void
run_person_answer(struct run *run, struct run_request *request, const struct chek_frame *frame,
                  bool last)
{
    if (request->opcode == CHEK_OPCODE_PERSON_ERASE) {
        on_erased(run, request, frame);
    } else if (request->opcode == CHEK_OPCODE_ASK_ERASURES) {
        on_erasures(run, request, frame, last);
    } else {
        on_person(run, request, frame);
    }
}
