/* SPDX-License-Identifier: MIT */
/*
 * verify_markings.c - marking tables lead to every document with a code, and to no other.
 *
 * Both sides are taken apart into (registration, ordinal, hash of a code), and summed up by a hash of
 * that: an entry that is missing, of another row or of another code changes the sum.
 */
#include <errno.h>

#include "engine/base/checksum.h"
#include "engine/fiscal/prove.h"
#include "engine/store/marking_search.h"
#include "tools/verify/verify_run.h"

static void
on_entry(void *context, const struct chek_marking_entry *entry)
{
    struct verify__markings *markings = context;
    uint32_t words[] = {entry->registration, entry->ordinal, entry->hash};
    markings->count += 1;
    markings->sum += chek_checksum(words, sizeof words);
}

void
verify__markings_begin(struct verify__run *run)
{
    run->markings = (struct verify__markings){.finding_count = run->summary.finding_count};
}

void
verify__markings_of(struct verify__run *run, uint32_t registration, uint32_t ordinal,
                    const struct chek_document *document)
{
    const struct chek_receipt *receipt = document != NULL ? document->receipt : NULL;
    for (uint32_t k = 0; receipt != NULL && k < receipt->lines_count; k++) {
        const struct chek_line *line = &receipt->lines[k];
        for (uint32_t code = 0; code < line->markings_count; code++) {
            on_entry(&run->markings,
                     &(struct chek_marking_entry){.registration = registration,
                                                  .ordinal = ordinal,
                                                  .hash = chek_marking_hash(line->markings[code])});
        }
    }
}

void
verify__markings_add(struct verify__run *run, uint32_t registration)
{
    const struct chek_naive *naive = &run->rows->naive;
    for (uint32_t i = 0; i < naive->count; i++) {
        const struct chek_naive_entry *entry = &naive->entries[i];
        verify__markings_of(run, registration, entry->ordinal, entry->document);
    }
}

/* Entries that are read, of one partition. */
struct reading {
    struct verify__markings got;
    const struct chek_fiscal *fiscal;
};

/* Segments of documents that were removed may be there for a while. */
static void
on_entry_read(void *context, const struct chek_marking_entry *entry)
{
    struct reading *reading = context;
    if (entry->ordinal >= chek_fiscal_removed(reading->fiscal, entry->registration)) {
        on_entry(&reading->got, entry);
    }
}

int
verify__markings_check(struct verify__run *run, uint16_t partition)
{
    const struct verify__partition *from = &run->partitions[partition];
    struct reading reading = {.fiscal = chek_partition_fiscal(from->partition)};
    const struct verify__markings *got = &reading.got;
    if (run->summary.finding_count != run->markings.finding_count) {
        return CHEK_OK; /* not all of its rows were read */
    }
    int error;
    do {
        reading.got = (struct verify__markings){0};
        chek_arena_reset(&run->scratch);
        error = chek_marking_entries(chek_partition_store(from->partition), &run->scratch,
                                     on_entry_read, &reading);
    } while (error == CHEK_E_LIMIT && verify__scratch_enlarge(run, &error));
    if (error == -ENOMEM) {
        return error;
    }
    if (error != CHEK_OK) {
        verify__find(run, from->image, VERIFY_NO_OFFSET, partition, 0,
                     "its marking tables cannot be read: %s", chek_error_text(error));
    } else if (got->count != run->markings.count || got->sum != run->markings.sum) {
        verify__find(run, from->image, VERIFY_NO_OFFSET, partition, 0,
                     "its marking tables have %" PRIu64 " codes, and its rows %" PRIu64
                     ", or others",
                     got->count, run->markings.count);
    }
    return CHEK_OK;
}
