/* SPDX-License-Identifier: MIT */
/*
 * ask_marked.c - the receipts that a marked good is in, by its code, or that name a person, newest first.
 *
 * A worker looks for the code over a view, some rows a step; what the asker does not see the owner
 * takes out; then a worker reads the documents. The code may be of any register, so the question
 * goes to every partition, unless it names one. A person is of one organisation, so of one partition.
 */
#include "engine/base/assertion.h"
#include "engine/store/marking_search.h"
#include "engine/store/person_search.h"
#include "query/host.h"

#define PLACES_A_STEP 128 /* rows */

struct marked_state {
    uint32_t registration;        /* 0: any */
    bool is_searched;             /* the owner comes next, then a worker that reads */
    struct chek_row_place before; /* where the next step begins */
    bool is_person;               /* then what is looked for is `person`: no question is read */
    uint32_t count_max;
    struct chek_person_search person;
};

_Static_assert(sizeof(struct marked_state) <= CHEK_VISIT_STATE_SIZE, "state of a visit");

static int
decode(struct chek_visit *visit, struct chek_arena *arena, struct chek_ask_marked *ret)
{
    return chek_ask_marked_decode_whole(visit->question, visit->question_size, arena, ret,
                                        &visit->fault);
}

/* ---- at the origin ---------------------------------------------------------------------------- */

static int
begin(struct chek_query_host *host, struct chek_visit *visit)
{
    struct marked_state *state = (void *)visit->state;
    struct chek_ask_marked question;
    int error = decode(visit, chek_request_arena(visit->request), &question);
    if (error != CHEK_OK) {
        return error;
    }
    visit->fault = (struct chek_fault){.field = CHEK_FIELD_ASK_MARKED_CODES};
    if (question.codes_count == 0) {
        return CHEK_E_FIELD_MISSING;
    }
    for (uint32_t i = 0; i < question.codes_count; i++) {
        if (question.codes[i].size == 0) {
            visit->fault.index = (uint16_t)i;
            return CHEK_E_RANGE;
        }
    }
    visit->partition = 1;
    visit->partition_last = chek_directory_partition_count(query__directory(host));
    return question.target == NULL
               ? CHEK_OK
               : query__visit_register(host, visit, question.target, CHEK_FIELD_ASK_MARKED_TARGET,
                                       &state->registration);
}

static int
begin_person(struct chek_query_host *host, struct chek_visit *visit)
{
    const struct chek_directory *directory = query__directory(host);
    struct chek_arena *arena = chek_request_arena(visit->request);
    struct marked_state *state = (void *)visit->state;
    struct chek_person_query question;
    struct chek_registered known;
    int error = chek_person_query_decode_whole(visit->question, visit->question_size, arena,
                                               &question, &visit->fault);
    if (error != CHEK_OK) {
        return error;
    }
    if (!chek_directory_may(directory, visit->principal, 1u << CHEK_RIGHT_READ)) {
        return CHEK_E_PERMISSION;
    }
    state->is_person = true;
    state->count_max = (uint32_t)question.count_max;
    state->person.time_min = question.from;
    state->person.time_max = question.to != 0 ? question.to : question.from != 0 ? INT64_MAX : 0;
    struct chek_bytes_view organisation = question.organisation;
    if (question.target == NULL) { /* what is not seen of it is taken out row by row */
        visit->fault = (struct chek_fault){.field = CHEK_FIELD_PERSON_QUERY_ORGANISATION};
        error = organisation.size != 0 ? CHEK_OK : CHEK_E_FIELD_MISSING;
        visit->partition = visit->partition_last =
            chek_directory_partition_of(directory, organisation);
    } else {
        error = query__visit_register(host, visit, question.target, CHEK_FIELD_PERSON_QUERY_TARGET,
                                      &state->registration);
        if (error == CHEK_OK) {
            error = chek_directory_registered(directory, state->registration, arena, &known);
        }
        if (error == CHEK_OK) {
            organisation = known.profile->organisation;
        }
    }
    return error == CHEK_OK
               ? query__subject(host, visit, &question, organisation, state->person.subject)
               : error;
}

/* ---- what a step has ------------------------------------------------------------------------- */

struct marked_work {
    struct chek_ask_marked question; /* of codes */
    struct chek_row_place places[PLACES_A_STEP];
    struct chek_bytes_view keys[PLACES_A_STEP];
    struct chek_marked list[PLACES_A_STEP];
    struct chek_stored stored[PLACES_A_STEP];
    uint64_t shown_count;      /* before this step; visit->carried */
    uint32_t count;            /* rows that were found, and that the asker sees */
    uint32_t count_max;        /* found in a step */
    bool is_end;               /* there are no more of the partition */
    struct chek_row_place end; /* behind what was found */
};

/* ---- on a worker: looking --------------------------------------------------------------------- */

static void
look(struct chek_visit *visit, const struct chek_visit_view *view)
{
    struct marked_state *state = (void *)visit->state;
    struct marked_work *work = visit->prepared;
    struct chek_marking_search search = {.codes = work->question.codes,
                                         .code_count = work->question.codes_count,
                                         .registration = state->registration,
                                         .before = state->before};
    work->count = 0;
    if (state->is_person) {
        state->person.registration = state->registration;
        state->person.before = state->before;
        visit->error = chek_person_search(view->store, &state->person, view->arena, work->count_max,
                                          work->places, &work->count);
    } else {
        visit->error = chek_marking_search(view->store, &search, view->arena, work->count_max,
                                           work->places, &work->count);
    }
    work->is_end = work->count < work->count_max;
    work->end = work->count != 0 ? work->places[work->count - 1] : state->before;
    state->is_searched = true;
}

/* ---- on a worker: reading --------------------------------------------------------------------- */

/* Documents are of any size: read as many as fit, and show as many. One always does. */
static void
show(struct chek_visit *visit, const struct chek_visit_view *view)
{
    struct marked_state *state = (void *)visit->state;
    struct marked_work *work = visit->prepared;
    struct chek_marked_list answer = {.receipts = work->list};
    while (answer.receipts_count < work->count) {
        uint32_t at = answer.receipts_count;
        struct chek_row row;
        struct chek_document document;
        int error = chek_store_read(view->store, work->places[at].registration,
                                    work->places[at].ordinal, view->arena, &row, &document);
        if (error == CHEK_E_LIMIT && at != 0) {
            break;
        }
        if (error != CHEK_OK) {
            visit->error = error;
            return;
        }
        query__stored_fill(&work->stored[at], &row, &document);
        work->list[at] = (struct chek_marked){.key = work->keys[at], .stored = &work->stored[at]};
        answer.receipts_count += 1;
    }
    struct chek_writer out = query__chunk_begin(visit);
    chek_marked_list_encode(&out, &answer);
    while (out.full) {
        CHEK_ASSERT(answer.receipts_count > 1);
        answer.receipts_count = (answer.receipts_count + 1) / 2;
        out = query__chunk_begin(visit);
        chek_marked_list_encode(&out, &answer);
    }
    query__chunk_end(visit, &out);
    bool is_whole = answer.receipts_count == work->count;
    state->before = is_whole ? work->end : work->places[answer.receipts_count - 1];
    visit->carried = work->shown_count + answer.receipts_count;
    visit->done = is_whole && work->is_end;
}

static enum chek_visit_next
work(struct chek_visit *visit, const struct chek_visit_view *view)
{
    struct marked_state *state = (void *)visit->state;
    if (!state->is_searched) {
        look(visit, view);
        return visit->error == CHEK_OK ? CHEK_VISIT_AGAIN : CHEK_VISIT_HOME;
    }
    state->is_searched = false;
    show(visit, view);
    return CHEK_VISIT_HOME;
}

/* ---- at the owner ----------------------------------------------------------------------------- */

/* Take out what the asker does not see, and note what the others are called. */
static void
places_filter(struct chek_visit *visit, const struct chek_visit_ground *ground)
{
    struct marked_work *work = visit->prepared;
    uint32_t count = 0;
    for (uint32_t i = 0; i < work->count; i++) {
        uint32_t registration = work->places[i].registration;
        if (!query__sees_document(visit, ground, registration, work->places[i].ordinal) ||
            !query__register_fits(ground, registration, work->question.organisation,
                                  work->question.point)) {
            continue;
        }
        work->places[count] = work->places[i];
        work->keys[count++] = query__key_copy(ground, registration);
    }
    work->count = count;
}

static struct marked_work *
prepare(struct chek_visit *visit, const struct chek_visit_ground *ground)
{
    struct marked_state *state = (void *)visit->state;
    struct marked_work *work = chek_arena_take(ground->arena, sizeof *work);
    CHEK_ASSERT(work != NULL);
    state->is_searched = false;
    int error = state->is_person ? CHEK_OK : decode(visit, ground->arena, &work->question);
    CHEK_ASSERT(error == CHEK_OK);
    visit->fault = (struct chek_fault){0};
    work->shown_count = visit->carried;
    uint64_t wanted = state->is_person ? state->count_max : work->question.count_max;
    uint64_t left = wanted != 0 ? wanted - visit->carried : UINT64_MAX;
    work->count_max = left < PLACES_A_STEP ? (uint32_t)left : PLACES_A_STEP;
    return work;
}

static enum chek_visit_next
run(struct chek_visit *visit, const struct chek_visit_ground *ground)
{
    struct marked_state *state = (void *)visit->state;
    struct marked_work *work = visit->prepared;
    if (work == NULL) {
        visit->prepared = work = prepare(visit, ground);
        if (work->count_max == 0) { /* as many as were wanted are shown */
            visit->done = true;
            visit->partition_last = visit->partition;
            return CHEK_VISIT_HOME;
        }
        return CHEK_VISIT_WORKER;
    }
    if (!state->is_searched) {
        return CHEK_VISIT_WORKER; /* what was found is void */
    }
    places_filter(visit, ground);
    if (work->count != 0) {
        return CHEK_VISIT_WORKER;
    }
    state->is_searched = false;
    state->before = work->end;
    visit->done = work->is_end;
    return CHEK_VISIT_HOME;
}

const struct query__kind query__marked = {.opcode = CHEK_OPCODE_ASK_MARKED,
                                          .begin = begin,
                                          .run = run,
                                          .work = work,
                                          .is_long = true};

const struct query__kind query__person_receipts = {.opcode = CHEK_OPCODE_ASK_PERSON_RECEIPTS,
                                                   .begin = begin_person,
                                                   .run = run,
                                                   .work = work,
                                                   .is_long = true};
