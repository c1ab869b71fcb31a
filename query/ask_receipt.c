/* SPDX-License-Identifier: MIT */
/*
 * ask_receipt.c - one document by any of its names.
 *
 * By ordinal and by regular number the way is direct. A sign is looked for among the register's
 * rows by a worker, newest first, in as many visits as it takes; a day that is given leaves out
 * pages without rows of it. Whatever was found, the copy that stands for it is shown. What else the
 * asker knows (sum, sign, operation, minute) is compared, and a difference is a
 * CONFLICT that names it: a receipt that is nearly the one on the paper is not the one.
 */
#include <stdio.h>
#include <string.h>

#include "engine/base/assertion.h"
#include "engine/base/civil.h"
#include "engine/fiscal/prove.h"
#include "engine/store/sign_search.h"
#include "query/host.h"
#include "query/qr.h"

/* Rows that a worker looks at before it may hear that nobody waits any more: some milliseconds. */
#define SEARCH_ROW_COUNT 1000000

/* What is looked for, whichever way it was named. */
struct receipt_state {
    uint32_t registration;
    uint32_t ordinal; /* + 1 */
    uint32_t document;
    uint64_t sign;
    int64_t total;      /* -1 = not said */
    int64_t minute;     /* of a QR string; 0 = not said */
    uint64_t operation; /* + 1, of a QR string; 0 = not said */
    bool is_searched;
    struct chek_sign_search search; /* by sign, when there is nothing better */
};

_Static_assert(sizeof(struct receipt_state) <= CHEK_VISIT_STATE_SIZE, "a visit's state");

static int
decode(struct chek_visit *visit, struct chek_arena *arena, struct chek_ask_receipt *ret)
{
    return chek_ask_receipt_decode_whole(visit->question, visit->question_size, arena, ret,
                                         &visit->fault);
}

static void
day_of(struct receipt_state *state, int64_t time)
{
    state->search.time_min = time / CHEK_CIVIL_DAY_S * CHEK_CIVIL_DAY_S;
    state->search.time_max = state->search.time_min + CHEK_CIVIL_DAY_S - 1;
}

static int
begin_qr(struct chek_query_host *host, struct chek_visit *visit,
         const struct chek_ask_receipt *question, struct receipt_state *state)
{
    struct chek_qr qr;
    visit->fault = (struct chek_fault){.field = CHEK_FIELD_ASK_RECEIPT_QR};
    int error = chek_qr_read(question->qr, &qr);
    if (error != CHEK_OK) {
        return error;
    }
    bool russian = qr.fiscal_drive[0] != 0;
    struct chek_target target = {
        .key = chek_bytes_view_text(russian ? qr.fiscal_drive : qr.registration_number),
        .kind = 1u + (russian ? CHEK_KEY_KIND_FISCAL_DRIVE : CHEK_KEY_KIND_REGISTRATION_NUMBER)};
    state->document = qr.document;
    state->sign = qr.sign;
    /* The paper of an offline receipt carries the autonomous sign in the place of the sign. */
    state->search.sign = state->search.autonomous = qr.sign;
    state->total = qr.total;
    state->minute = qr.time;
    state->operation = qr.operation;
    if (!russian && qr.time != 0) {
        day_of(state, qr.time);
    }
    return query__visit_register(host, visit, &target, CHEK_FIELD_ASK_RECEIPT_QR,
                                 &state->registration);
}

static int
begin_key(struct chek_query_host *host, struct chek_visit *visit,
          const struct chek_ask_receipt *question, struct receipt_state *state)
{
    struct chek_target by_drive = {.key = question->fiscal_drive,
                                   .kind = 1u + CHEK_KEY_KIND_FISCAL_DRIVE};
    const struct chek_target *target = question->target;
    uint16_t field = CHEK_FIELD_ASK_RECEIPT_TARGET;

    if (target == NULL) {
        target = &by_drive;
        field = CHEK_FIELD_ASK_RECEIPT_FISCAL_DRIVE;
    }
    state->ordinal = question->ordinal;
    state->document = question->document;
    state->sign = state->search.sign = question->sign;
    state->search.autonomous = question->autonomous;
    if (question->total != 0) {
        state->total = question->total;
    }
    if (question->day != 0) {
        day_of(state, question->day);
    }
    if (state->ordinal == 0 && state->document == 0 && question->sign == 0 &&
        question->autonomous == 0) {
        visit->fault = (struct chek_fault){.field = CHEK_FIELD_ASK_RECEIPT_SIGN};
        return CHEK_E_FIELD_MISSING;
    }
    return query__visit_register(host, visit, target, field, &state->registration);
}

static int
begin(struct chek_query_host *host, struct chek_visit *visit)
{
    struct receipt_state *state = (void *)visit->state;
    struct chek_ask_receipt question;

    int error = decode(visit, chek_request_arena(visit->request), &question);
    if (error != CHEK_OK) {
        return error;
    }
    state->total = -1;
    error = question.qr.size != 0 ? begin_qr(host, visit, &question, state)
                                  : begin_key(host, visit, &question, state);
    state->search.registration = state->registration;
    return error;
}

/* ---- on a worker ------------------------------------------------------------------------------ */

static enum chek_visit_next
work(struct chek_visit *visit, const struct chek_visit_view *view)
{
    struct receipt_state *state = (void *)visit->state;
    state->is_searched = chek_sign_search_run(&state->search, view->store, SEARCH_ROW_COUNT);
    /* Home without a chunk, and it comes again, if it is still wanted. */
    return state->is_searched ? CHEK_VISIT_AGAIN : CHEK_VISIT_HOME;
}

/* ---- at the owner ----------------------------------------------------------------------------- */

/* The ordinal of the copy that stands for what was named, or found. */
static int
find(const struct receipt_state *state, const struct chek_fiscal *fiscal, uint32_t *ret_ordinal)
{
    if (state->ordinal == 0 && state->document != 0) {
        return chek_fiscal_find_document(fiscal, state->registration, state->document, ret_ordinal);
    }
    if (state->ordinal == 0 && !state->search.found) {
        return CHEK_E_NOT_FOUND;
    }
    int error = chek_fiscal_newest_copy(
        fiscal, state->registration,
        state->ordinal != 0 ? state->ordinal - 1 : state->search.ordinal, ret_ordinal);
    return error == CHEK_E_UNREGISTERED ? CHEK_E_NOT_FOUND : error; /* claimed, and no document */
}

/* Compare what else the asker knows. CONFLICT names the field. */
static int
verify(struct chek_visit *visit, const struct receipt_state *state,
       const struct chek_document *document)
{
    const struct chek_receipt *receipt = document->receipt;
    if (receipt == NULL) {
        return CHEK_OK;
    }
    visit->fault = (struct chek_fault){.field = CHEK_FIELD_RECEIPT_SIGN};
    if (state->sign != 0 && state->sign != receipt->sign && state->sign != receipt->autonomous) {
        return CHEK_E_CONFLICT;
    }
    visit->fault.field = CHEK_FIELD_RECEIPT_TOTAL;
    if (state->total >= 0 && state->total != receipt->total) {
        return CHEK_E_CONFLICT;
    }
    visit->fault.field = CHEK_FIELD_RECEIPT_OPERATION;
    if (state->operation != 0 && state->operation != receipt->operation + 1u) {
        return CHEK_E_CONFLICT;
    }
    visit->fault.field = CHEK_FIELD_RECEIPT_TIME;
    if (state->minute != 0 && state->minute / 60 != receipt->time / 60) {
        return CHEK_E_CONFLICT;
    }
    return CHEK_OK;
}

/* A document that was removed is not said to be unknown. */
static int
document_read(struct chek_visit *visit, const struct chek_visit_ground *ground, uint32_t ordinal,
              struct chek_row *row, struct chek_document *document)
{
    const struct receipt_state *state = (const void *)visit->state;
    const struct chek_fiscal *fiscal = chek_partition_fiscal(ground->partition);
    uint64_t border_us = chek_partition_retention(ground->partition).border_us;
    char text[CHEK_CIVIL_TEXT_MAX];
    int error = chek_store_read(chek_partition_store(ground->partition), state->registration,
                                ordinal, ground->arena, row, document);
    if (error == CHEK_OK && ordinal < chek_fiscal_removed(fiscal, state->registration) &&
        row->kind != CHEK_ROW_CLOSE) {
        error = CHEK_E_REMOVED; /* its bytes are still there */
    }
    if (error == CHEK_E_REMOVED && border_us != 0) {
        size_t size = chek_civil_write_utc(border_us, text);
        (void)snprintf(visit->text, sizeof visit->text,
                       "it is stored, and was removed by retention with all that was received "
                       "before %.*s; totals and reports of its shift are kept",
                       (int)size, text);
    }
    return error;
}

static enum chek_visit_next
run(struct chek_visit *visit, const struct chek_visit_ground *ground)
{
    struct receipt_state *state = (void *)visit->state;
    struct chek_row row;
    struct chek_document document;
    struct chek_stored answer;
    uint32_t ordinal = 0;

    if (state->ordinal == 0 && state->document == 0 && !state->is_searched) {
        return CHEK_VISIT_WORKER;
    }
    visit->done = true;
    visit->fault = (struct chek_fault){0};
    visit->error = state->search.error;
    if (visit->error == CHEK_OK) {
        visit->error = find(state, chek_partition_fiscal(ground->partition), &ordinal);
    }
    if (visit->error == CHEK_OK) {
        visit->error = document_read(visit, ground, ordinal, &row, &document);
    }
    if (visit->error == CHEK_OK) {
        visit->error = verify(visit, state, &document);
    }
    if (visit->error != CHEK_OK) {
        return CHEK_VISIT_HOME;
    }
    query__stored_fill(&answer, &row, &document);
    struct chek_writer out = query__chunk_begin(visit);
    chek_stored_encode(&out, &answer);
    query__chunk_end(visit, &out);
    return CHEK_VISIT_HOME;
}

const struct query__kind query__receipt = {.opcode = CHEK_OPCODE_ASK_RECEIPT,
                                           .begin = begin,
                                           .run = run,
                                           .work = work};
