/* SPDX-License-Identifier: MIT */
/*
 * verify_identity.c - numbers and ordinals lead to the rows, and nowhere else.
 */
#include <stdlib.h>

#include "tools/verify/verify_run.h"

struct identity {
    struct verify__run *run;
    const struct chek_fiscal *fiscal;
    uint16_t partition;
    uint32_t registration;
    uint64_t hole_size; /* numbers in holes, as the engine says */
};

__attribute__((format(printf, 2, 3))) static void
identity_find(const struct identity *identity, const char *format, ...)
{
    char text[CHEK_VERIFY_TEXT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    verify__find(identity->run, identity->run->partitions[identity->partition].image,
                 VERIFY_NO_OFFSET, identity->partition, identity->registration, "%s", text);
}

static uint32_t
number_of(const struct chek_document *document)
{
    return document->receipt != NULL    ? document->receipt->document
           : document->movement != NULL ? document->movement->document
                                        : document->close->document;
}

/* The row that stands for an entry, by ordinal and by number; and the marks on the row itself. */
static void
entry_check(const struct identity *identity, const struct chek_naive_entry *entry)
{
    const struct chek_naive *naive = &identity->run->rows->naive;
    uint32_t standing = (uint32_t)chek_naive_standing(naive, (int32_t)entry->ordinal);
    uint32_t ordinal = UINT32_MAX;
    int error =
        chek_fiscal_newest_copy(identity->fiscal, identity->registration, entry->ordinal, &ordinal);
    if (error != CHEK_OK || ordinal != standing) {
        identity_find(identity, "row %u leads to row %u, not to %u", entry->ordinal, ordinal,
                      standing);
    }
    uint32_t number = entry->document != NULL ? number_of(entry->document) : 0;
    if (number == 0) {
        return;
    }
    ordinal = UINT32_MAX;
    error = chek_fiscal_find_document(identity->fiscal, identity->registration, number, &ordinal);
    if (error != CHEK_OK || ordinal != standing) {
        identity_find(identity, "document number %u leads to row %u, not to %u", number, ordinal,
                      standing);
    }
}

/* The replaced mark of every row, without reading its document. */
static bool
on_scan_row(void *context, const struct chek_scan_row *scan)
{
    const struct identity *identity = context;
    const struct chek_naive *naive = &identity->run->rows->naive;
    bool wanted = scan->row.ordinal < naive->count && naive->entries[scan->row.ordinal].copy >= 0;
    if (scan->row.replaced != wanted) {
        identity_find(identity, "row %u is %smarked as replaced", scan->row.ordinal,
                      wanted ? "not " : "");
    }
    return true;
}

static void
on_gap(void *context, uint32_t first, uint32_t count)
{
    struct identity *identity = context;
    (void)first;
    identity->hole_size += count;
}

static int
number_compare(const void *a, const void *b)
{
    const uint32_t *left = a;
    const uint32_t *right = b;
    return *left < *right ? -1 : *left > *right;
}

/* How many numbers are missing between the first and the last of documents and reports: what lies
 * between them, and is neither. A number may be in both. */
static uint64_t
missing_count(const struct verify__rows *rows)
{
    const struct chek_naive *naive = &rows->naive;
    uint64_t there = 0;
    uint32_t first = UINT32_MAX;
    uint32_t last = 0;
    for (uint32_t i = 0; i < rows->number_count; i++) {
        there += i == 0 || rows->numbers[i] != rows->numbers[i - 1];
    }
    for (uint32_t i = 0; i < naive->noted_count; i++) {
        uint32_t number = naive->noted[i];
        there += bsearch(&number, rows->numbers, rows->number_count, sizeof number,
                         number_compare) == NULL;
        first = number < first ? number : first;
        last = number > last ? number : last;
    }
    if (rows->number_count != 0) {
        uint32_t lowest = rows->numbers[0];
        uint32_t highest = rows->numbers[rows->number_count - 1];
        first = lowest < first ? lowest : first;
        last = highest > last ? highest : last;
    }
    return there != 0 ? (uint64_t)last - first + 1 - there : 0;
}

static void
numbers_check(struct identity *identity)
{
    struct verify__rows *rows = identity->run->rows;
    uint32_t from = 0;
    uint32_t looks = UINT32_MAX;
    int error =
        chek_fiscal_gaps(identity->fiscal, identity->registration, &from, &looks, on_gap, identity);
    if (error != CHEK_OK) {
        identity_find(identity, "its numbers cannot be listed: %s", chek_error_text(error));
        return;
    }
    if (rows->number_count != 0) {
        qsort(rows->numbers, rows->number_count, sizeof *rows->numbers, number_compare);
    }
    for (uint32_t i = 1; i < rows->number_count; i++) {
        if (rows->numbers[i] == rows->numbers[i - 1]) {
            identity_find(identity, "document number %u is there twice", rows->numbers[i]);
        }
    }
    uint64_t missing = missing_count(rows);
    if (missing != identity->hole_size) {
        identity_find(identity, "%" PRIu64 " numbers are said to be missing, and %" PRIu64 " are",
                      identity->hole_size, missing);
    }
}

int
verify__identity_check(struct verify__run *run, uint16_t partition, uint32_t registration)
{
    const struct chek_naive *naive = &run->rows->naive;
    struct chek_partition *from = run->partitions[partition].partition;
    struct identity identity = {.run = run,
                                .fiscal = chek_partition_fiscal(from),
                                .partition = partition,
                                .registration = registration};
    uint32_t ordinal;
    for (uint32_t i = 0; i < naive->count; i++) {
        entry_check(&identity, &naive->entries[i]);
    }
    if (chek_fiscal_newest_copy(identity.fiscal, registration, naive->count, &ordinal) !=
        CHEK_E_NOT_FOUND) {
        identity_find(&identity, "an ordinal behind its %u rows is taken", naive->count);
    }
    struct chek_scan_filter filter = {
        .registrations = &registration, .registration_count = 1, .with_replaced = true};
    chek_arena_reset(&run->scratch);
    int error =
        chek_store_scan(chek_partition_store(from), &filter, &run->scratch, on_scan_row, &identity);
    if (error != CHEK_OK) {
        identity_find(&identity, "its rows cannot be scanned: %s", chek_error_text(error));
    }
    numbers_check(&identity);
    return CHEK_OK;
}
