/* SPDX-License-Identifier: MIT */
/*
 * verify_totals.c - X, every Z and every revision against the evaluator.
 */
#include <errno.h>

#include "engine/base/memory.h"
#include "tools/verify/verify_run.h"

struct totals {
    struct verify__run *run;
    const struct chek_fiscal *fiscal;
    uint16_t partition;
    uint16_t currency;
    uint32_t registration;
    uint32_t shift_last; /* of the list */
    uint64_t shift_count;
    int error; /* of the machine */
};

__attribute__((format(printf, 4, 5))) static void
report_find(const struct totals *totals, uint32_t shift, uint32_t revision, const char *format, ...)
{
    char text[CHEK_VERIFY_TEXT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    verify__find(totals->run, totals->run->partitions[totals->partition].image, VERIFY_NO_OFFSET,
                 totals->partition, totals->registration, "shift %u, revision %u: %s", shift,
                 revision, text);
}

/* The trade point of a part of a report: that of the newest binding with a document in it. */
static bool
point_expected(const struct totals *totals, uint32_t shift, bool late, uint32_t revision,
               struct chek_bytes_view *ret)
{
    const struct chek_naive *naive = &totals->run->rows->naive;
    int32_t binding = -1;
    uint32_t late_count = 0;
    int32_t first = -1;
    for (uint32_t i = 0; i < naive->shift_count && first < 0; i++) {
        first = naive->shifts[i].number == shift ? naive->shifts[i].first : -1;
    }
    for (int32_t i = first; i >= 0; i = naive->entries[i].next) {
        const struct chek_naive_entry *entry = &naive->entries[i];
        late_count += entry->late && !entry->closes;
        if (entry->late != late || (late && late_count > revision) || entry->document == NULL ||
            entry->document->close != NULL) {
            continue;
        }
        binding = entry->binding > binding ? entry->binding : binding;
    }
    if (binding < 0) {
        return false;
    }
    *ret = chek_fiscal_point(totals->fiscal, totals->registration, (uint16_t)binding);
    return true;
}

/* Compare one part of a report: frozen, open, or late. */
static void
part_compare(const struct totals *totals, const struct chek_report *report, uint32_t revision,
             const char *part)
{
    struct verify__run *run = totals->run;
    struct chek_bytes_view point;
    bool late = part[0] == 'l';
    chek_naive_read_report(report, run->got);
    const char *name = chek_naive_differs(run->want, run->got);
    if (name != NULL) {
        report_find(totals, report->shift, revision,
                    "%s part: %s is %" PRId64 ", recomputed %" PRId64, part, name,
                    chek_naive_value(run->got, name), chek_naive_value(run->want, name));
    }
    if (report->registration != totals->registration || report->currency != totals->currency) {
        report_find(totals, report->shift, revision,
                    "%s part: it is of registration %u in currency %u", part, report->registration,
                    report->currency);
    }
    if (point_expected(totals, report->shift, late, revision, &point) &&
        !chek_bytes_view_equal(point, report->point)) {
        report_find(totals, report->shift, revision, "%s part: the trade point is another", part);
    }
}

/* Read a report, with a larger arena when it does not fit. */
static int
report_read(struct totals *totals, uint32_t shift, uint32_t revision,
            struct chek_answer_report *ret)
{
    int error;
    do {
        chek_arena_reset(&totals->run->scratch);
        error = chek_fiscal_report(totals->fiscal, totals->registration, shift, revision, false,
                                   &totals->run->scratch, ret);
    } while (error == CHEK_E_LIMIT && verify__scratch_enlarge(totals->run, &error));
    return error;
}

/* One revision of a closed shift. */
static int
closed_compare(struct totals *totals, uint32_t shift, uint32_t revision,
               const struct chek_answer_report *answer)
{
    struct verify__run *run = totals->run;
    struct chek_report frozen = *answer->report;
    if (frozen.revision != revision || (answer->late != NULL) != (revision != 0)) {
        report_find(totals, shift, revision, "the report says revision %u", frozen.revision);
        return CHEK_OK;
    }
    frozen.revision = 0;
    int error = chek_naive_frozen(&run->rows->naive, shift, run->want);
    if (error == CHEK_OK) {
        part_compare(totals, &frozen, revision, "frozen");
    }
    if (error == CHEK_OK && answer->late != NULL) {
        error = chek_naive_late(&run->rows->naive, shift, revision, run->want);
        if (error == CHEK_OK) {
            part_compare(totals, answer->late, revision, "late");
        }
    }
    return error;
}

static int
report_check(struct totals *totals, uint32_t shift, uint32_t revision,
             struct chek_verify_partition *counts)
{
    const struct chek_naive *naive = &totals->run->rows->naive;
    struct chek_answer_report answer;
    int error = report_read(totals, shift, revision, &answer);
    if (error == -ENOMEM) {
        return error;
    }
    if (error != CHEK_OK) {
        report_find(totals, shift, revision, "there is no report: %s", chek_error_text(error));
        return CHEK_OK;
    }
    counts->report_count += 1;
    if (shift != naive->open) {
        return closed_compare(totals, shift, revision, &answer);
    }
    error = chek_naive_open(naive, totals->run->want);
    if (error == CHEK_OK) {
        part_compare(totals, answer.report, 0, "open");
    }
    return error;
}

/* A shift of the engine's list must be one of the evaluator's, with as many late documents. */
static bool
on_shift(void *context, const struct chek_shift *shift)
{
    struct totals *totals = context;
    const struct chek_naive *naive = &totals->run->rows->naive;
    int32_t revision = shift->shift == naive->open ? 0 : chek_naive_revision(naive, shift->shift);
    if (shift->shift <= totals->shift_last || revision < 0 ||
        (uint32_t)revision != shift->revision) {
        report_find(totals, shift->shift, shift->revision,
                    "in the list of shifts, and recomputed as %d", revision);
    }
    totals->shift_last = shift->shift;
    totals->shift_count += 1;
    return true;
}

int
verify__totals_check(struct verify__run *run, uint16_t partition, uint32_t registration,
                     uint16_t currency, struct chek_verify_partition *counts)
{
    const struct chek_naive *naive = &run->rows->naive;
    struct totals totals = {
        .run = run,
        .fiscal = chek_partition_fiscal(run->partitions[partition].partition),
        .partition = partition,
        .registration = registration,
        .currency = currency,
    };
    int error = CHEK_OK;
    for (uint32_t i = 0; i < naive->shift_count && error == CHEK_OK; i++) {
        const struct chek_naive_shift *shift = &naive->shifts[i];
        uint32_t newest = shift->number == naive->open ? 0 : shift->revision;
        for (uint32_t r = 0; r <= newest && error == CHEK_OK; r++) {
            error = report_check(&totals, shift->number, r, counts);
        }
    }
    if (error != CHEK_OK) {
        return error;
    }
    chek_arena_reset(&run->scratch);
    error = chek_fiscal_shifts(totals.fiscal, registration, 0, 0, &run->scratch, on_shift, &totals);
    if (error != CHEK_OK) {
        report_find(&totals, 0, 0, "its shifts cannot be listed: %s", chek_error_text(error));
    } else if (totals.shift_count != naive->shift_count) {
        report_find(&totals, 0, 0, "%" PRIu64 " shifts are listed, recomputed %u",
                    totals.shift_count, naive->shift_count);
    }
    counts->shift_count += naive->shift_count;
    return CHEK_OK;
}
