/* SPDX-License-Identifier: MIT */
/*
 * verify_partition.c - one partition: its heap, its counters, its registrations one by one.
 */
#include <errno.h>

#include "engine/fiscal/reconcile.h"
#include "tools/verify/verify_run.h"

struct sums {
    uint64_t registration_count, row_count, late_count, completed_count;
    uint64_t partial_count; /* registrations that documents were removed of */
};

__attribute__((format(printf, 4, 5))) static void
partition_find(struct verify__run *run, uint16_t partition, uint32_t registration,
               const char *format, ...)
{
    char text[CHEK_VERIFY_TEXT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    verify__find(run, run->partitions[partition].image, VERIFY_NO_OFFSET, partition, registration,
                 "%s", text);
}

static void
keys_check(struct verify__run *run, uint16_t partition, uint32_t registration,
           const struct chek_register *profile)
{
    const struct chek_fiscal *fiscal = chek_partition_fiscal(run->partitions[partition].partition);
    for (uint32_t i = 0; i < profile->keys_count; i++) {
        const struct chek_register_key *key = &profile->keys[i];
        uint32_t found = 0;
        int error = chek_fiscal_find_key(fiscal, key->kind, key->value, &found);
        /* The same register under another organisation may have come later. */
        if (error != CHEK_OK || found < registration) {
            partition_find(run, partition, registration, "its key %.*s leads to registration %u",
                           (int)key->value.size, (const char *)key->value.bytes, found);
        }
    }
}

static void
on_difference(void *context, const struct chek_difference *difference)
{
    uint32_t *first = context;
    *first = *first != 0 ? *first : difference->field;
}

/* Add what was told of closed shifts whose register counted something else. Their reports are compared
 * with the rows by themselves (verify_totals.c); here the event has to say what the two say. */
static int
differences_expect(struct verify__run *run, const struct chek_fiscal *fiscal, uint32_t registration,
                   uint64_t *sum)
{
    for (uint32_t next = 0;;) {
        struct chek_reconciliation shift = {0};
        uint32_t first;
        int error;
        do {
            first = 0;
            chek_arena_reset(&run->scratch);
            error = chek_fiscal_reconcile(fiscal, registration, next, &run->scratch, on_difference,
                                          &first, &shift);
        } while (error == CHEK_E_LIMIT && verify__scratch_enlarge(run, &error));
        if (error != CHEK_OK) {
            return error == CHEK_E_NOT_FOUND ? CHEK_OK : error;
        }
        if (first != 0) {
            *sum += verify__event_sum(&(struct chek_event){
                .kind = CHEK_EVENT_KIND_DIFFERS, .shift = shift.shift, .code = first});
        }
        if (shift.shift == UINT32_MAX) {
            return CHEK_OK;
        }
        next = shift.shift + 1;
    }
}

static int
events_check(struct verify__run *run, uint16_t partition, uint32_t registration)
{
    const struct chek_fiscal *fiscal = chek_partition_fiscal(run->partitions[partition].partition);
    uint64_t sum = registration < run->told_count ? run->told[registration].sum : 0;
    uint64_t expected = run->rows->event_sum;
    if (run->log_failed || run->fault_count != 0) {
        return CHEK_OK;
    }
    int error = differences_expect(run, fiscal, registration, &expected);
    if (error == -ENOMEM) {
        return error;
    }
    if (error != CHEK_OK || sum != expected) {
        partition_find(run, partition, registration, "its events do not say what its %u rows say",
                       run->rows->row_count);
    }
    return CHEK_OK;
}

/* Counts of warnings: those of documents are in the rows, the others in events. */
static void
warned_check(struct verify__run *run, uint16_t partition, uint32_t registration)
{
    const struct chek_fiscal *fiscal = chek_partition_fiscal(run->partitions[partition].partition);
    bool is_told = !run->log_failed && run->fault_count == 0;
    struct verify__told told =
        registration < run->told_count ? run->told[registration] : (struct verify__told){0};
    uint32_t kept[CHEK_WARNING_COUNT];
    uint32_t *counted = run->rows->warned;
    counted[CHEK_WARNING_CONFLICT] = told.conflicts;
    counted[CHEK_WARNING_REFUSED] = told.refusals;
    counted[CHEK_WARNING_RETRY_DIFFERS] = told.retries;
    int error = chek_fiscal_warned(fiscal, registration, kept);
    for (uint32_t i = 0; i < CHEK_WARNING_COUNT && error == CHEK_OK; i++) {
        bool is_of_events = i == CHEK_WARNING_CONFLICT || i == CHEK_WARNING_REFUSED ||
                            i == CHEK_WARNING_RETRY_DIFFERS;
        if (kept[i] != counted[i] && (is_told || !is_of_events)) {
            partition_find(run, partition, registration,
                           "it counts warning %u %u times, and there are %u", i, kept[i],
                           counted[i]);
        }
    }
}

static int
registration_check(struct verify__run *run, uint16_t partition, uint32_t registration,
                   struct sums *sums, struct chek_verify_partition *counts)
{
    const struct verify__partition *from = &run->partitions[partition];
    struct chek_registered registered;
    chek_arena_reset(&run->pages);
    int error = chek_fiscal_registration(chek_partition_fiscal(from->partition), registration,
                                         &run->pages, &registered);
    if (error != CHEK_OK) {
        partition_find(run, partition, registration, "it cannot be read: %s",
                       chek_error_text(error));
        return CHEK_OK;
    }
    keys_check(run, partition, registration, registered.profile);
    verify__registration_home(run, partition, registration, registered.profile);
    error = verify__rows_read(run, partition, registration);
    if (error != CHEK_OK) {
        return error;
    }
    sums->row_count += run->rows->row_count;
    if (run->rows->is_partial) {
        sums->partial_count += 1;
        warned_check(run, partition, registration);
        return verify__kept_totals(run, partition, registration, counts);
    }
    if (!run->rows->sound) {
        return CHEK_OK; /* nothing can be recomputed from these */
    }
    sums->late_count += run->rows->late_count;
    sums->completed_count += run->rows->completed_count;
    warned_check(run, partition, registration);
    verify__markings_add(run, registration);
    error = verify__persons_add(run, registration);
    if (error != CHEK_OK) {
        return error;
    }
    error = events_check(run, partition, registration);
    if (error == CHEK_OK) {
        error = verify__identity_check(run, partition, registration);
    }
    if (error == CHEK_OK) {
        error = verify__hours_check(run, partition, registration);
    }
    if (error == CHEK_OK) {
        error = verify__totals_check(run, partition, registration, registered.profile->currency,
                                     counts);
    }
    return error;
}

static void
counter_compare(struct verify__run *run, uint16_t partition, const char *name, uint64_t kept,
                uint64_t counted)
{
    if (kept != counted) {
        partition_find(run, partition, 0, "it counts %" PRIu64 " %s, and has %" PRIu64, kept, name,
                       counted);
    }
}

int
verify__partition_check(struct verify__run *run, uint16_t partition,
                        struct chek_verify_partition *ret)
{
    const struct verify__partition *from = &run->partitions[partition];
    const struct chek_fiscal *fiscal = chek_partition_fiscal(from->partition);
    const uint8_t *heap_root = chek_page_heap_root(fiscal->heap);
    const struct chek_fiscal_root *root = (const void *)(heap_root + fiscal->root_offset);
    uint64_t finding_count = run->summary.finding_count;
    struct sums sums = {0};
    uint32_t registration = 0;
    int error = CHEK_OK;

    verify__chain_begin(run);
    verify__markings_begin(run);
    if (!chek_page_heap_is_valid(fiscal->heap)) {
        partition_find(run, partition, 0, "the page heap is not sound");
    }
    for (bool first = true;
         error == CHEK_OK && sums.registration_count <= root->registration_count &&
         chek_fiscal_registration_next(fiscal, &registration, first);
         first = false) {
        sums.registration_count += 1;
        error = registration_check(run, partition, registration, &sums, ret);
    }
    if (error != CHEK_OK) {
        return error;
    }
    verify__kept_partition(run, partition);
    verify__chain_check(run, partition, ret);
    verify__persons_check(run, partition);
    error = verify__markings_check(run, partition);
    if (error != CHEK_OK) {
        return error;
    }
    struct chek_store_counters store = chek_store_count(chek_partition_store(from->partition));
    counter_compare(run, partition, "registrations", root->registration_count,
                    sums.registration_count);
    counter_compare(run, partition, "rows in its store", store.row_count, sums.row_count);
    counter_compare(run, partition, "rows", root->document_count, sums.row_count);
    if (run->summary.finding_count == finding_count && sums.partial_count == 0) {
        counter_compare(run, partition, "late documents", root->late_count, sums.late_count);
        counter_compare(run, partition, "completed documents", root->completed_count,
                        sums.completed_count);
    }
    ret->registration_count = sums.registration_count;
    ret->row_count = sums.row_count;
    ret->segment_count = from->segment_count;
    return CHEK_OK;
}
