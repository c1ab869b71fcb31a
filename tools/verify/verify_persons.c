/* SPDX-License-Identifier: MIT */
/*
 * verify_persons.c - whoever a document names is kept, or was erased; what is kept opens and is who it
 * should be.
 *
 * The documents of a partition are read once: whom they name is noted, and looked for when all are
 * noted. Then every value that is kept is looked for among those.
 */
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>

#include "engine/base/memory.h"
#include "ingest/subject.h"
#include "persist/private_file.h"
#include "tools/verify/verify_run.h"

_Static_assert(sizeof(struct chek_subject_key) == CHEK_SECRET_SIZE, "the folder's keys");

/* Somebody whom a document names. */
struct verify__named {
    uint8_t subject[CHEK_SUBJECT_SIZE];
    uint32_t registration, ordinal;
};

int
verify__persons_open(struct verify__run *run)
{
    uint8_t key[CHEK_SECRET_SIZE];
    int error = chek_secret_read(run->io, key);
    run->persons.key = chek_memory_allocate(sizeof key);
    if (run->persons.key == NULL) {
        return -ENOMEM;
    }
    if (error == CHEK_OK) { /* what is wrong with it is told with the folder's files */
        memcpy(run->persons.key, key, sizeof key);
        sodium_memzero(key, sizeof key);
        run->persons.has_key = true;
    }
    return CHEK_OK;
}

void
verify__persons_close(struct verify__run *run)
{
    struct verify__persons *persons = &run->persons;
    if (persons->key != NULL) {
        sodium_memzero(persons->key, CHEK_SECRET_SIZE);
        chek_memory_free(persons->key, CHEK_SECRET_SIZE);
    }
    chek_memory_free(persons->named, persons->capacity * sizeof *persons->named);
}

/* ---- documents -------------------------------------------------------------------------------- */

static int
named_add(struct verify__persons *persons, const uint8_t subject[CHEK_SUBJECT_SIZE],
          uint32_t registration, uint32_t ordinal)
{
    static const uint8_t nobody[CHEK_SUBJECT_SIZE];
    if (memcmp(subject, nobody, sizeof nobody) == 0) {
        return CHEK_OK;
    }
    if (persons->count == persons->capacity) {
        size_t capacity = 2 * persons->capacity + 1024;
        struct verify__named *grown = chek_memory_grow(
            persons->named, persons->capacity * sizeof *grown, capacity * sizeof *grown);
        if (grown == NULL) {
            return -ENOMEM;
        }
        persons->named = grown;
        persons->capacity = capacity;
    }
    struct verify__named *named = &persons->named[persons->count++];
    *named = (struct verify__named){.registration = registration, .ordinal = ordinal};
    memcpy(named->subject, subject, sizeof named->subject);
    return CHEK_OK;
}

int
verify__persons_of(struct verify__run *run, uint32_t registration, uint32_t ordinal,
                   const struct chek_document *document)
{
    const struct chek_receipt *receipt = document != NULL ? document->receipt : NULL;
    if (receipt == NULL) {
        return CHEK_OK;
    }
    int error = named_add(&run->persons, receipt->subject, registration, ordinal);
    for (uint32_t i = 0; i < receipt->persons_count && error == CHEK_OK; i++) {
        error = named_add(&run->persons, receipt->persons[i].subject, registration, ordinal);
    }
    return error;
}

int
verify__persons_add(struct verify__run *run, uint32_t registration)
{
    const struct chek_naive *naive = &run->rows->naive;
    int error = CHEK_OK;
    for (uint32_t i = 0; i < naive->count && error == CHEK_OK; i++) {
        const struct chek_naive_entry *entry = &naive->entries[i];
        error = verify__persons_of(run, registration, entry->ordinal, entry->document);
    }
    return error;
}

/* ---- the table -------------------------------------------------------------------------------- */

static int
by_subject(const void *a, const void *b)
{
    const struct verify__named *left = a;
    const struct verify__named *right = b;
    int order = memcmp(left->subject, right->subject, sizeof left->subject);
    return order != 0 ? order
           : left->registration != right->registration
               ? (left->registration > right->registration) * 2 - 1
           : left->ordinal != right->ordinal ? (left->ordinal > right->ordinal) * 2 - 1
                                             : 0;
}

/* What the table of a partition comes to. */
struct table {
    struct verify__run *run;
    uint16_t partition;
    uint64_t sealed_count, unnamed_count;
};

__attribute__((format(printf, 4, 5))) static void
person_find(struct verify__run *run, uint16_t partition, const struct verify__named *named,
            const char *format, ...)
{
    char text[CHEK_VERIFY_TEXT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    verify__find(run, run->partitions[partition].image, VERIFY_NO_OFFSET, partition,
                 named->registration, "row %u names a person %s", named->ordinal, text);
}

/* Whom a document names: the value is there and makes this subject, or was erased. */
static void
named_check(struct table *table, const struct verify__named *named)
{
    struct verify__run *run = table->run;
    const struct chek_partition *partition = run->partitions[table->partition].partition;
    uint8_t value[CHEK_SUBJECT_VALUE_SIZE_MAX];
    struct chek_bytes_view secret;
    struct chek_registered known;
    size_t size;
    uint8_t kind;
    if (chek_partition_subject(partition, named->subject, &secret) != CHEK_OK) {
        if (chek_partition_erased_us(partition, named->subject) == 0) {
            person_find(run, table->partition, named, "of whom nothing is kept or erased");
        }
        return;
    }
    chek_arena_reset(&run->pages);
    if (!run->persons.has_key ||
        chek_fiscal_registration(chek_partition_fiscal(partition), named->registration, &run->pages,
                                 &known) != CHEK_OK) {
        return;
    }
    int error = chek_subject_open_of(run->persons.key, known.profile->organisation, named->subject,
                                     secret, value, &size, &kind);
    if (error == CHEK_E_NOT_FOUND) {
        person_find(run, table->partition, named, "whose value makes another subject");
    }
    sodium_memzero(value, sizeof value);
}

static bool
on_subject(void *context, const uint8_t subject[CHEK_SUBJECT_SIZE], struct chek_bytes_view secret)
{
    struct table *table = context;
    const struct verify__persons *persons = &table->run->persons;
    uint8_t value[CHEK_SUBJECT_VALUE_SIZE_MAX];
    size_t size;
    size_t low = 0;
    size_t high = persons->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (memcmp(persons->named[middle].subject, subject, CHEK_SUBJECT_SIZE) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    table->unnamed_count += low == persons->count ||
                            memcmp(persons->named[low].subject, subject, CHEK_SUBJECT_SIZE) != 0;
    table->sealed_count +=
        persons->has_key && chek_subject_open(persons->key, secret, value, &size) != CHEK_OK;
    sodium_memzero(value, sizeof value);
    return true;
}

void
verify__persons_check(struct verify__run *run, uint16_t partition)
{
    struct verify__persons *persons = &run->persons;
    const struct verify__partition *from = &run->partitions[partition];
    struct table table = {.run = run, .partition = partition};
    if (!chek_partition_is_valid(from->partition)) {
        return; /* it was said when the partition was loaded */
    }
    if (persons->count != 0) {
        qsort(persons->named, persons->count, sizeof *persons->named, by_subject);
    }
    for (size_t i = 0; i < persons->count; i++) {
        if (i == 0 || memcmp(persons->named[i].subject, persons->named[i - 1].subject,
                             CHEK_SUBJECT_SIZE) != 0) {
            named_check(&table, &persons->named[i]);
        }
    }
    chek_partition_subjects_each(from->partition, on_subject, &table);
    if (table.sealed_count != 0) {
        verify__find(run, from->image, VERIFY_NO_OFFSET, partition, 0,
                     "%" PRIu64 " values of persons do not open with " CHEK_SECRET_NAME,
                     table.sealed_count);
    }
    if (table.unnamed_count != 0) {
        verify__note(run, from->image,
                     "partition %u keeps %" PRIu64 " persons whom no document that is there names",
                     partition, table.unnamed_count);
    }
    persons->count = 0;
}
