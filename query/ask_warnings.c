/* SPDX-License-Identifier: MIT */
/*
 * ask_warnings.c - what documents are marked with: how many of each register, or which they are.
 *
 * Counts are state, and a step on the owner's thread reads those of some registers. Documents are
 * found by a worker, over a view: the owner chooses the registers that have any of the marks, by
 * their counts, and the worker scans their rows, of which pages without marks are left out. A list
 * is of no one moment: each step is of its own, and an ordinal is shown once.
 */
#include <string.h>

#include "engine/base/assertion.h"
#include "engine/fiscal/prove.h"
#include "query/host.h"

#define LOOKS_A_STEP 256      /* registers */
#define REGISTERS_A_STEP 256  /* shown, at most 250 bytes each */
#define DOCUMENTS_A_STEP 1024 /* shown, at most 160 bytes each */

/* What marks no document. */
#define ONLY_COUNTED                                                              \
    (UINT32_C(1) << CHEK_WARNING_CONFLICT | UINT32_C(1) << CHEK_WARNING_REFUSED | \
     UINT32_C(1) << CHEK_WARNING_RETRY_DIFFERS)

struct warnings_state {
    uint32_t registration; /* looked at last, or at hand */
    uint32_t ordinal_next; /* of the one at hand */
    bool is_begun, is_one, is_at_hand;
};

_Static_assert(sizeof(struct warnings_state) <= CHEK_VISIT_STATE_SIZE, "state of a visit");

static int
decode(struct chek_visit *visit, struct chek_arena *arena, struct chek_ask_warnings *ret)
{
    return chek_ask_warnings_decode_whole(visit->question, visit->question_size, arena, ret,
                                          &visit->fault);
}

/* ---- at the origin ---------------------------------------------------------------------------- */

/* Go on behind a place that an earlier answer named. */
static int
begin_after(struct chek_query_host *host, struct chek_visit *visit,
            const struct chek_warned_place *after)
{
    struct warnings_state *state = (void *)visit->state;
    struct chek_target target = {.registration = after->registration};
    uint16_t last = visit->partition_last;
    uint32_t only = state->registration;
    int error = query__visit_register(host, visit, &target, CHEK_FIELD_ASK_WARNINGS_AFTER,
                                      &state->registration);
    if (error != CHEK_OK) {
        return error;
    }
    if (state->is_one && only != state->registration) {
        return CHEK_E_RANGE;
    }
    visit->partition_last = state->is_one ? visit->partition : last;
    state->ordinal_next = after->ordinal;
    state->is_begun = state->is_at_hand = true;
    return CHEK_OK;
}

static int
begin(struct chek_query_host *host, struct chek_visit *visit)
{
    struct warnings_state *state = (void *)visit->state;
    struct chek_ask_warnings question;

    int error = decode(visit, chek_request_arena(visit->request), &question);
    if (error != CHEK_OK) {
        return error;
    }
    if (!question.documents && (question.from != 0 || question.to != 0)) {
        visit->fault = (struct chek_fault){.field = CHEK_FIELD_ASK_WARNINGS_FROM};
        return CHEK_E_RANGE;
    }
    visit->is_long = question.documents;
    visit->partition = 1;
    visit->partition_last = chek_directory_partition_count(query__directory(host));
    if (question.target != NULL) {
        state->is_one = true;
        error = query__visit_register(host, visit, question.target, CHEK_FIELD_ASK_WARNINGS_TARGET,
                                      &state->registration);
    }
    if (error == CHEK_OK && question.documents && question.after != NULL) {
        error = begin_after(host, visit, question.after);
    }
    return error;
}

/* ---- which registers -------------------------------------------------------------------------- */

/* A register with marks that are asked for. */
struct member {
    uint32_t registration;
    uint32_t removed; /* documents below this ordinal were */
    struct chek_bytes_view key;
    uint32_t counts[CHEK_WARNING_COUNT];
};

/* Whether a register is seen and asked for; a copy of its name goes into *ret. */
static bool
is_wanted(const struct chek_visit *visit, const struct chek_visit_ground *ground,
          const struct chek_ask_warnings *question, struct member *ret)
{
    bool fits =
        chek_directory_sees(ground->directory, visit->principal, ret->registration) &&
        query__register_fits(ground, ret->registration, question->organisation, question->point);
    if (fits) {
        ret->key = query__key_copy(ground, ret->registration);
    }
    return fits;
}

/* Whether a register has any of the marks. UNREGISTERED: it was claimed, and nothing has come. */
static bool
has_marks(const struct chek_fiscal *fiscal, uint32_t wanted, struct member *ret)
{
    bool any = false;
    if (chek_fiscal_warned(fiscal, ret->registration, ret->counts) != CHEK_OK) {
        return false;
    }
    for (uint32_t i = 0; i < CHEK_WARNING_COUNT; i++) {
        ret->counts[i] = (wanted >> i & 1) != 0 ? ret->counts[i] : 0;
        any = any || ret->counts[i] != 0;
    }
    return any;
}

/* Choose the register to look at next. False: there is none. */
static bool
register_next(struct warnings_state *state, const struct chek_fiscal *fiscal)
{
    bool is_first = !state->is_begun;
    state->is_begun = true;
    if (state->is_at_hand) {
        return true;
    }
    state->ordinal_next = 0;
    return state->is_one ? is_first
                         : chek_fiscal_registration_next(fiscal, &state->registration, is_first);
}

/* Collect some registers, and move *state behind them; true when there are no more. */
static bool
members_collect(struct chek_visit *visit, const struct chek_visit_ground *ground,
                const struct chek_ask_warnings *question, uint32_t wanted, struct member *list,
                uint32_t *ret_count)
{
    struct warnings_state *state = (void *)visit->state;
    const struct chek_fiscal *fiscal = chek_partition_fiscal(ground->partition);
    *ret_count = 0;
    for (uint32_t looks = 0; looks < LOOKS_A_STEP; looks++) {
        struct member *member = &list[*ret_count];
        if (!register_next(state, fiscal)) {
            return true;
        }
        state->is_at_hand = false;
        member->registration = state->registration;
        member->removed = chek_fiscal_removed(fiscal, state->registration);
        *ret_count +=
            has_marks(fiscal, wanted, member) && is_wanted(visit, ground, question, member);
    }
    return false;
}

/* ---- how many --------------------------------------------------------------------------------- */

static void
counts_send(struct chek_visit *visit, struct chek_arena *arena, const struct member *list,
            uint32_t count)
{
    struct chek_warned_register *registers = chek_arena_take(arena, count * sizeof *registers);
    CHEK_ASSERT(registers != NULL);
    for (uint32_t i = 0; i < count; i++) {
        struct chek_warning_count *counts =
            chek_arena_take(arena, CHEK_WARNING_COUNT * sizeof *counts);
        CHEK_ASSERT(counts != NULL);
        registers[i] = (struct chek_warned_register){
            .registration = list[i].registration, .key = list[i].key, .counts = counts};
        for (uint32_t kind = 0; kind < CHEK_WARNING_COUNT; kind++) {
            if (list[i].counts[kind] != 0) {
                counts[registers[i].counts_count++] = (struct chek_warning_count){
                    .warning = (uint8_t)kind, .count = list[i].counts[kind]};
            }
        }
    }
    struct chek_warned_list answer = {.registers = registers, .registers_count = count};
    struct chek_writer out = query__chunk_begin(visit);
    chek_warned_list_encode(&out, &answer);
    query__chunk_end(visit, &out);
}

/* ---- which documents -------------------------------------------------------------------------- */

/* What the owner prepares for a worker. */
struct documents_work {
    struct chek_ask_warnings question;
    uint32_t wanted;
    struct member members[LOOKS_A_STEP];
    uint32_t member_count;
    bool is_all;             /* there are no registers behind these */
    uint64_t shown_count;    /* before this step; visit->carried */
    uint16_t partition_last; /* of the visit, unless the answer is full */
    /* of the step on the worker */
    const struct member *member;
    struct chek_warned *list;
    uint32_t count, count_max;
};

/* Of a document that was removed its mark is told, and which one it was, whether or not its bytes are
 * still there. */
static bool
on_row(void *context, const struct chek_scan_row *row)
{
    static const uint8_t kinds[] = {[CHEK_ROW_RECEIPT] = CHEK_EVENT_KIND_RECEIPT,
                                    [CHEK_ROW_MOVEMENT] = CHEK_EVENT_KIND_MOVEMENT,
                                    [CHEK_ROW_CLOSE] = CHEK_EVENT_KIND_SHIFT_CLOSED};
    struct documents_work *work = context;
    bool is_removed = row->row.ordinal < work->member->removed && row->row.kind != CHEK_ROW_CLOSE;
    work->list[work->count++] =
        (struct chek_warned){.registration = row->row.registration,
                             .key = work->member->key,
                             .ordinal = row->row.ordinal,
                             .kind = kinds[row->row.kind],
                             .time = row->time,
                             .received = is_removed ? 0 : row->row.received_us,
                             .shift = row->row.shift,
                             .document = row->document,
                             .sign = row->sign,
                             .total = is_removed ? 0 : row->total,
                             .warnings = row->row.warnings};
    return work->count < work->count_max;
}

static enum chek_visit_next
work(struct chek_visit *visit, const struct chek_visit_view *view)
{
    struct warnings_state *state = (void *)visit->state;
    struct documents_work *work = visit->prepared;
    struct chek_scan_filter filter = {.registration_count = 1,
                                      .time_min = work->question.from,
                                      .time_max = work->question.to,
                                      .warnings = work->wanted};
    uint64_t left =
        work->question.count_max != 0 ? work->question.count_max - work->shown_count : UINT64_MAX;
    visit->partition_last = work->partition_last; /* when a view was spoilt this is run again */
    work->count = 0;
    work->list = chek_arena_take(view->arena, DOCUMENTS_A_STEP * sizeof *work->list);
    CHEK_ASSERT(work->list != NULL);
    work->count_max = left < DOCUMENTS_A_STEP ? (uint32_t)left : DOCUMENTS_A_STEP;
    for (uint32_t i = 0; i < work->member_count && work->count < work->count_max; i++) {
        work->member = &work->members[i];
        filter.registrations = &work->member->registration;
        filter.ordinal_min = i == 0 ? state->ordinal_next : 0;
        visit->error = chek_store_scan(view->store, &filter, view->arena, on_row, work);
        if (visit->error != CHEK_OK) {
            return CHEK_VISIT_HOME;
        }
    }
    struct chek_warned_place next;
    struct chek_warned_list answer = {.documents = work->list, .documents_count = work->count};
    visit->done = work->is_all && work->count < work->count_max;
    visit->carried = work->shown_count + work->count;
    if (work->count == work->count_max) {
        const struct chek_warned *last = &work->list[work->count - 1];
        state->registration = (uint32_t)last->registration;
        state->ordinal_next = (uint32_t)last->ordinal + 1;
        state->is_at_hand = true;
        next = (struct chek_warned_place){.registration = last->registration,
                                          .ordinal = last->ordinal + 1};
        if (work->count == left) {
            answer.next = &next;
            visit->done = true;
            visit->partition_last = visit->partition;
        }
    }
    if (work->count != 0) {
        struct chek_writer out = query__chunk_begin(visit);
        chek_warned_list_encode(&out, &answer);
        query__chunk_end(visit, &out);
    }
    return CHEK_VISIT_HOME;
}

/* ---- at the owner ----------------------------------------------------------------------------- */

static enum chek_visit_next
run_documents(struct chek_visit *visit, const struct chek_visit_ground *ground,
              const struct chek_ask_warnings *question, uint32_t wanted)
{
    struct warnings_state *state = (void *)visit->state;
    struct documents_work *work = chek_arena_take(ground->arena, sizeof *work);
    CHEK_ASSERT(work != NULL);
    uint32_t ordinal_next = state->is_at_hand ? state->ordinal_next : 0;
    uint32_t at_hand = state->is_at_hand ? state->registration : 0;
    *work = (struct documents_work){.question = *question,
                                    .wanted = wanted & ~ONLY_COUNTED,
                                    .shown_count = visit->carried,
                                    .partition_last = visit->partition_last};
    work->is_all =
        members_collect(visit, ground, question, work->wanted, work->members, &work->member_count);
    /* The first one goes on where it was, unless it is another one by now. */
    bool is_same = work->member_count != 0 && work->members[0].registration == at_hand;
    state->ordinal_next = is_same ? ordinal_next : 0;
    visit->prepared = work;
    if (work->member_count == 0) {
        visit->done = work->is_all;
        return CHEK_VISIT_HOME;
    }
    return CHEK_VISIT_WORKER;
}

static enum chek_visit_next
run(struct chek_visit *visit, const struct chek_visit_ground *ground)
{
    struct chek_ask_warnings question;
    if (visit->prepared != NULL) {
        return CHEK_VISIT_WORKER;
    }
    int error = decode(visit, ground->arena, &question);
    CHEK_ASSERT(error == CHEK_OK);
    uint32_t wanted = question.warnings != 0 ? (uint32_t)question.warnings : UINT32_MAX;
    visit->fault = (struct chek_fault){0};
    if (question.documents) {
        return run_documents(visit, ground, &question, wanted);
    }
    uint32_t count;
    struct member *list = chek_arena_take(ground->arena, REGISTERS_A_STEP * sizeof *list);
    CHEK_ASSERT(list != NULL);
    visit->done = members_collect(visit, ground, &question, wanted, list, &count);
    if (count != 0) {
        counts_send(visit, ground->arena, list, count);
    }
    return CHEK_VISIT_HOME;
}

const struct query__kind query__warnings = {.opcode = CHEK_OPCODE_ASK_WARNINGS,
                                            .begin = begin,
                                            .run = run,
                                            .work = work};
