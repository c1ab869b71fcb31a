/* SPDX-License-Identifier: MIT */
/*
 * server_report.c - reports and sums compared with what the documents come to.
 *
 * While others feed, a report, or sums, are those of some prefix between what was certain when it was asked
 * for and what has been sent by now. The first one that fits is from then on certain.
 */
#include "engine/base/assertion.h"
#include "tests/sim/server_run.h"

static struct chek_naive_figures want, shown, shown_late;

static void
computed(int error)
{
    CHEK_ASSERT(error == CHEK_OK);
}

/* What the answer must be if `naive` is what the server holds; NULL: it is. */
static const char *
misfit(const struct chek_naive *naive, const struct run_question *question,
       const struct chek_answer_report *answer, int error)
{
    uint32_t shift = question->shift != 0      ? question->shift
                     : naive->open != 0        ? naive->open
                     : question->closed_wanted ? naive->last
                                               : 0;
    bool is_open = naive->open != 0 && shift == naive->open;
    int32_t revision = shift != 0 && !is_open ? chek_naive_revision(naive, shift) : 0;
    int want_error = is_open && question->closed_wanted ? CHEK_E_SHIFT_OPEN
                     : shift == 0 || revision < 0       ? CHEK_E_NOT_FOUND
                                                        : CHEK_OK;
    if (error != want_error) {
        return error != CHEK_OK ? "the refusal" : "that it is shown";
    }
    if (error != CHEK_OK) {
        return NULL;
    }
    if (is_open) {
        computed(chek_naive_open(naive, &want));
        return chek_naive_differs(&want, &shown);
    }
    if (answer->report->revision != (uint32_t)revision ||
        (answer->late != NULL) != (revision != 0)) {
        return "revision";
    }
    computed(chek_naive_frozen(naive, shift, &want));
    const char *name = chek_naive_differs(&want, &shown);
    if (name == NULL && answer->late != NULL) {
        computed(chek_naive_late(naive, shift, (uint32_t)revision, &want));
        name = chek_naive_differs(&want, &shown_late);
    }
    return name;
}

static void
figures_read(const struct chek_answer_report *answer)
{
    struct chek_report report = *answer->report;
    report.revision = 0; /* compared apart */
    chek_naive_read_report(&report, &shown);
    if (answer->late != NULL) {
        chek_naive_read_report(answer->late, &shown_late);
    }
}

void
run_learn_report(struct run *run, const struct run_question *question,
                 const struct chek_answer_report *answer, int error)
{
    const struct run_register *known = &run->journal.registers[question->at];
    uint32_t low = question->exact ? known->low : question->low;
    uint32_t high = question->exact ? known->low : known->high;
    const char *name = NULL;

    if (error == CHEK_E_UNREGISTERED && low == 0) {
        return; /* claimed, and nothing was fed yet */
    }
    if (error == CHEK_OK) {
        if (answer->report->registration != known->registration) {
            run_violate(run, "register %u: a report of another is shown", question->at);
            return;
        }
        figures_read(answer);
    }
    for (uint32_t count = low; count <= high; count++) {
        const char *differs =
            misfit(story_prefix(&run->story, question->at, count), question, answer, error);
        if (differs == NULL) {
            run_learn_low(run, question->at, count);
            return;
        }
        name = name == NULL ? differs : name;
    }
    run_violate(run,
                "register %u: the report of shift %u (%s, %s) fits no prefix of %u to %u "
                "documents; of the shortest differs %s, %lld of %lld",
                question->at, question->shift, question->closed_wanted ? "Z" : "X or Z",
                chek_error_name(error), low, high, name, (long long)chek_naive_value(&shown, name),
                (long long)chek_naive_value(&want, name));
}

/* ---- sums ------------------------------------------------------------------------------------- */

static void
sums_add(const struct chek_receipt *receipt, struct chek_sums_row *row)
{
    row->tickets += 1;
    row->net += receipt->total;
    for (uint32_t i = 0; i < receipt->lines_count; i++) {
        const struct chek_line *line = &receipt->lines[i];
        if (line->kind == CHEK_LINE_KIND_COMMODITY) {
            row->positions += !line->storno;
            row->gross += line->storno ? -line->sum : line->sum;
        }
    }
}

/* Which operation is not what the register's first documents come to; -1: none. */
static int
sums_misfit(struct run *run, unsigned at, uint32_t count, const struct chek_sums_rows *rows)
{
    const struct chek_naive *naive = story_prefix(&run->story, at, count);
    struct chek_sums_row wanted[CHEK_OPERATION_COUNT] = {{0}};
    for (uint32_t i = 0; i < naive->count; i++) {
        const struct chek_naive_entry *entry = &naive->entries[i];
        if (entry->copy < 0 && entry->document != NULL && entry->document->receipt != NULL) {
            sums_add(entry->document->receipt, &wanted[entry->document->receipt->operation]);
        }
    }
    for (uint32_t i = 0; i < rows->rows_count; i++) {
        const struct chek_sums_row *row = &rows->rows[i];
        struct chek_sums_row *want_row = &wanted[row->operation];
        if (row->tickets != want_row->tickets || row->net != want_row->net ||
            row->positions != want_row->positions || row->gross != want_row->gross) {
            return row->operation;
        }
        want_row->tickets = 0;
    }
    for (int i = 0; i < CHEK_OPERATION_COUNT; i++) {
        if (wanted[i].tickets != 0) {
            return i;
        }
    }
    return -1;
}

/* The first prefix that fits is from then on certain, as with reports. */
void
run_learn_sums(struct run *run, const struct run_question *question,
               const struct chek_sums_rows *rows)
{
    const struct run_register *known = &run->journal.registers[question->at];
    uint32_t low = question->exact ? known->low : question->low;
    uint32_t high = question->exact ? known->low : known->high;
    int operation = -1;
    for (uint32_t count = low; count <= high; count++) {
        int differs = sums_misfit(run, question->at, count, rows);
        if (differs < 0) {
            run_learn_low(run, question->at, count);
            return;
        }
        operation = operation < 0 ? differs : operation;
    }
    run_violate(run,
                "register %u: the sums fit no prefix of %u to %u documents; of the shortest "
                "differs operation %d",
                question->at, low, high, operation);
}
