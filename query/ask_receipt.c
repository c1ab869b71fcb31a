/* SPDX-License-Identifier: MIT */
/*
 * ask_receipt.c - one document by any of its names.
 *
 * By ordinal and by regular number the way is direct. A sign is looked for among the register's
 * rows, newest first, in as many visits as it takes; a day that is given leaves out pages without
 * rows of it. What else the asker knows (sum, sign, operation, minute) is compared, and a difference is a
 * CONFLICT that names it: a receipt that is nearly the one on the paper is not the one.
 */
#include <string.h>

#include "engine/base/assertion.h"
#include "engine/base/civil.h"
#include "engine/store/sign_search.h"
#include "query/host.h"
#include "query/qr.h"

/* Rows that a visit looks at: some tens of microseconds. */
#define SEARCH_ROW_COUNT 8192

/* What is looked for, whichever way it was named. */
struct receipt_state {
    uint32_t registration;
    uint32_t ordinal; /* + 1 */
    uint32_t document;
    uint64_t sign;
    int64_t total;                  /* -1 = not said */
    int64_t minute;                 /* of a QR string; 0 = not said */
    uint64_t operation;             /* + 1, of a QR string; 0 = not said */
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

/* ---- at the owner ----------------------------------------------------------------------------- */

static bool
is_search(const struct receipt_state *state)
{
    return state->ordinal == 0 && state->document == 0;
}

static int
find(const struct receipt_state *state, const struct chek_visit_ground *ground,
     uint32_t *ret_ordinal)
{
    if (state->ordinal != 0) {
        *ret_ordinal = state->ordinal - 1;
        return CHEK_OK;
    }
    if (state->document != 0) {
        return chek_fiscal_find_document(chek_partition_fiscal(ground->partition),
                                         state->registration, state->document, ret_ordinal);
    }
    if (!state->search.found) {
        return CHEK_E_NOT_FOUND;
    }
    *ret_ordinal = state->search.ordinal;
    return CHEK_OK;
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

struct completion {
    uint32_t completes;
    uint32_t ordinal;
    bool found;
};

static bool
on_completion(void *context, const struct chek_scan_row *row)
{
    struct completion *completion = context;
    if (row->row.completes == completion->completes) {
        completion->ordinal = row->row.ordinal;
        completion->found = true;
        completion->completes = row->row.ordinal + 1; /* it may be completed in its turn */
    }
    return true;
}

/* The fullest copy of a document whose poorer one was found. */
static uint32_t
newest_copy(const struct chek_visit_ground *ground, uint32_t registration, uint32_t ordinal)
{
    struct completion completion = {.completes = ordinal + 1};
    struct chek_scan_filter filter = {.registrations = &registration,
                                      .registration_count = 1,
                                      .ordinal_min = ordinal + 1,
                                      .with_replaced = true};
    int error = chek_store_scan(chek_partition_store(ground->partition), &filter, ground->arena,
                                on_completion, &completion);
    return error == CHEK_OK && completion.found ? completion.ordinal : ordinal;
}

static void
step(struct chek_visit *visit, const struct chek_visit_ground *ground)
{
    struct receipt_state *state = (void *)visit->state;
    const struct chek_store *store = chek_partition_store(ground->partition);
    struct chek_row row;
    struct chek_document document;
    struct chek_stored answer;
    uint32_t ordinal = 0;

    if (is_search(state) && !chek_sign_search_run(&state->search, store, SEARCH_ROW_COUNT)) {
        return; /* the visit goes home without a chunk and comes again */
    }
    visit->done = true;
    visit->fault = (struct chek_fault){0};
    visit->error = state->search.error;
    if (visit->error == CHEK_OK) {
        visit->error = find(state, ground, &ordinal);
    }
    if (visit->error == CHEK_OK) {
        visit->error =
            chek_store_read(store, state->registration, ordinal, ground->arena, &row, &document);
    }
    if (visit->error == CHEK_OK && row.replaced) {
        ordinal = newest_copy(ground, state->registration, ordinal);
        visit->error =
            chek_store_read(store, state->registration, ordinal, ground->arena, &row, &document);
    }
    if (visit->error == CHEK_OK) {
        visit->error = verify(visit, state, &document);
    }
    if (visit->error != CHEK_OK) {
        return;
    }
    query__stored_fill(&answer, &row, &document);
    struct chek_writer out = query__chunk_begin(visit);
    chek_stored_encode(&out, &answer);
    query__chunk_end(visit, &out);
}

const struct query__kind query__receipt = {CHEK_OPCODE_ASK_RECEIPT, begin, step};
