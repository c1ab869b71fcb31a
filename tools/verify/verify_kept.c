/* SPDX-License-Identifier: MIT */
/*
 * verify_kept.c - what retention left of documents: which they were, and what they came to.
 *
 * Of documents that are gone totals cannot be made again. But they were kept twice, in reports and in
 * sums by hour, of different make and in different places; that both say the same is checked here,
 * with the rows that are left as a part of the sums.
 */
#include <errno.h>

#include "engine/fiscal/check.h"
#include "engine/fiscal/prove.h"
#include "engine/store/keep.h"
#include "engine/store/sums.h"
#include "tools/verify/verify_run.h"

__attribute__((format(printf, 4, 5))) static void
kept_find(struct verify__run *run, uint16_t partition, uint32_t registration, const char *format,
          ...)
{
    char text[CHEK_VERIFY_TEXT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    verify__find(run, run->partitions[partition].image, VERIFY_NO_OFFSET, partition, registration,
                 "%s", text);
}

void
verify__kept_partition(struct verify__run *run, uint16_t partition)
{
    struct chek_partition *from = run->partitions[partition].partition;
    struct chek_chain kept = chek_store_kept_chain(chek_partition_store(from));
    struct chek_retention retention = chek_partition_retention(from);
    if (kept.row_count > retention.row_count) {
        kept_find(run, partition, 0,
                  "the documents of its first %" PRIu64 " rows are gone, and retention removed "
                  "those of %" PRIu64,
                  kept.row_count, retention.row_count);
    }
}

/* ---- rows ------------------------------------------------------------------------------------- */

/* Marks of rows are kept, so their counts are recomputed whatever was removed. */
static void
marks_count(struct verify__run *run, const struct chek_row *row)
{
    for (uint32_t i = 0; i < CHEK_WARNING_COUNT && !row->replaced; i++) {
        run->rows->warned[i] += row->warnings >> i & 1;
    }
}

/* A row of a kept segment: its head, and a close whole. */
static void
head_check(struct verify__run *run, uint16_t partition, uint32_t registration, uint32_t ordinal)
{
    struct chek_partition *from = run->partitions[partition].partition;
    const struct chek_store *store = chek_partition_store(from);
    struct chek_row row;
    struct chek_document document;
    uint64_t sign;
    int error = chek_store_read_head(store, registration, ordinal, &row, &sign);
    if (error == CHEK_OK) {
        marks_count(run, &row);
    }
    if (error == CHEK_OK && row.kind == CHEK_ROW_CLOSE) {
        error = chek_store_read(store, registration, ordinal, &run->scratch, &row, &document);
    }
    if (error != CHEK_OK) {
        kept_find(run, partition, registration, "row %u: what was kept of it cannot be read: %s",
                  ordinal, chek_error_text(error));
    } else if (ordinal >= chek_fiscal_removed(chek_partition_fiscal(from), registration)) {
        kept_find(run, partition, registration,
                  "row %u: its document is gone, and retention did not remove it", ordinal);
    }
}

/* A row that is whole: it is in the chain, and its number leads to it. */
static int
row_check(struct verify__run *run, uint16_t partition, uint32_t registration, uint32_t ordinal)
{
    struct chek_partition *from = run->partitions[partition].partition;
    const struct chek_fiscal *fiscal = chek_partition_fiscal(from);
    struct chek_row row;
    struct chek_document document;
    struct chek_fault fault;
    uint32_t warnings = 0;
    int error = chek_store_read(chek_partition_store(from), registration, ordinal, &run->scratch,
                                &row, &document);
    if (error != CHEK_OK) {
        kept_find(run, partition, registration, "row %u: it cannot be read: %s", ordinal,
                  chek_error_text(error));
        run->has_all_places = false;
        return CHEK_OK;
    }
    marks_count(run, &row);
    error = verify__chain_row(run, &row);
    if (error != CHEK_OK) {
        return error;
    }
    uint32_t number = document.receipt != NULL    ? document.receipt->document
                      : document.movement != NULL ? document.movement->document
                                                  : document.close->document;
    uint32_t standing = 0;
    uint32_t found = 0;
    if (number != 0 &&
        (chek_fiscal_newest_copy(fiscal, registration, ordinal, &standing) != CHEK_OK ||
         chek_fiscal_find_document(fiscal, registration, number, &found) != CHEK_OK ||
         found != standing)) {
        kept_find(run, partition, registration, "document number %u leads to row %u, not to %u",
                  number, found, standing);
    }
    if (ordinal >= chek_fiscal_removed(fiscal, registration)) {
        verify__markings_of(run, registration, ordinal, &document);
        error = verify__persons_of(run, registration, ordinal, &document);
        if (error != CHEK_OK) {
            return error;
        }
    }
    document.registration = registration; /* however the document named it */
    document.profile = NULL;
    if (document.close == NULL && chek_document_check(&document, &warnings, &fault) != CHEK_OK) {
        kept_find(run, partition, registration, "row %u: its document is not in shape", ordinal);
    }
    return CHEK_OK;
}

int
verify__kept_row(struct verify__run *run, uint16_t partition, uint32_t registration,
                 uint32_t ordinal)
{
    const struct chek_store *store = chek_partition_store(run->partitions[partition].partition);
    chek_arena_reset(&run->scratch);
    if (chek_store_is_kept(store, registration, ordinal)) {
        head_check(run, partition, registration, ordinal);
        return CHEK_OK;
    }
    return row_check(run, partition, registration, ordinal);
}

/* ---- totals ----------------------------------------------------------------------------------- */

struct sums {
    int64_t tickets[CHEK_OPERATION_COUNT];
    int64_t net[CHEK_OPERATION_COUNT];
};

static bool
on_addend(void *context, const struct chek_addend *addend)
{
    struct sums *sums = context;
    if (addend->operation < CHEK_OPERATION_COUNT) {
        sums->tickets[addend->operation] += addend->tickets;
        sums->net[addend->operation] += addend->net;
    }
    return true;
}

static void
report_add(const struct chek_report *report, struct sums *to)
{
    for (uint32_t i = 0; report != NULL && i < report->operations_count; i++) {
        const struct chek_report_operation *operation = &report->operations[i];
        to->tickets[operation->operation] += (int64_t)operation->tickets;
        to->net[operation->operation] += operation->net;
    }
}

struct shifts {
    struct verify__run *run;
    uint16_t partition;
    uint32_t registration;
    struct chek_verify_partition *counts;
};

static void
shift_check(struct shifts *shifts, uint32_t shift)
{
    struct verify__run *run = shifts->run;
    struct chek_partition *from = run->partitions[shifts->partition].partition;
    struct chek_scan_filter filter = {.registrations = &shifts->registration,
                                      .registration_count = 1,
                                      .shift_min = shift,
                                      .shift_max = shift};
    struct sums hours = {0};
    struct sums reports = {0};
    struct chek_answer_report answer;
    chek_arena_reset(&run->scratch);
    int error =
        chek_store_sum(chek_partition_store(from), &filter, &run->scratch, on_addend, &hours);
    if (error == CHEK_OK) {
        chek_arena_reset(&run->scratch);
        error = chek_fiscal_report(chek_partition_fiscal(from), shifts->registration, shift,
                                   UINT32_MAX, false, &run->scratch, &answer);
    }
    if (error != CHEK_OK) {
        kept_find(run, shifts->partition, shifts->registration,
                  "shift %u: its totals cannot be read: %s", shift, chek_error_text(error));
        return;
    }
    report_add(answer.report, &reports);
    report_add(answer.late, &reports);
    shifts->counts->report_count += 1;
    if (memcmp(&hours, &reports, sizeof hours) != 0) {
        kept_find(run, shifts->partition, shifts->registration,
                  "shift %u: its report and its sums by hour do not say the same", shift);
    }
}

/* The list is kept while reports are read: the arena is the registration's. */
static bool
on_shift(void *context, const struct chek_shift *shift)
{
    struct shifts *shifts = context;
    shifts->counts->shift_count += 1;
    shift_check(shifts, shift->shift);
    return true;
}

int
verify__kept_totals(struct verify__run *run, uint16_t partition, uint32_t registration,
                    struct chek_verify_partition *counts)
{
    struct shifts shifts = {run, partition, registration, counts};
    const struct chek_fiscal *fiscal = chek_partition_fiscal(run->partitions[partition].partition);
    chek_arena_reset(&run->pages);
    int error = chek_fiscal_shifts(fiscal, registration, 0, 0, &run->pages, on_shift, &shifts);
    if (error == -ENOMEM) {
        return error;
    }
    if (error != CHEK_OK) {
        kept_find(run, partition, registration, "its shifts cannot be listed: %s",
                  chek_error_text(error));
    }
    return CHEK_OK;
}
