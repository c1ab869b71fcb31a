/* SPDX-License-Identifier: MIT */
/*
 * source.c - what a partition remembers about senders and about the people on receipts.
 */
#include <string.h>

#include "engine/base/assertion.h"
#include "engine/partition/state.h"

/* The object of a source; 0 when it never sent a numbered document here. */
static chek_page_ref
source_find(const struct chek_partition *partition, uint64_t source)
{
    const struct partition__root *root = chek_page_heap_root(&partition->heap);
    uint32_t ref;
    return chek_page_map_find(&partition->heap, &root->sources, source, &ref, NULL) ? ref : 0;
}

void
partition__source_add(struct chek_partition *partition, uint64_t source, uint64_t offset)
{
    chek_page_ref ref = source_find(partition, source);
    if (ref == 0) {
        struct partition__root *root = chek_page_heap_root_change(&partition->heap);
        ref = chek_page_heap_allocate(&partition->heap, sizeof(struct partition__source));
        CHEK_ASSERT(ref != 0);
        int error = chek_page_map_insert(&partition->heap, &root->sources, source, ref);
        CHEK_ASSERT(error == CHEK_OK);
    }
    struct partition__source *known = chek_page_heap_change(&partition->heap, ref);
    known->source = source;
    if (offset > known->offset) {
        known->offset = offset;
    }
}

uint64_t
chek_partition_source_offset(const struct chek_partition *partition, uint64_t source)
{
    chek_page_ref ref = source_find(partition, source);
    if (ref == 0) {
        return 0;
    }
    const struct partition__source *known = chek_page_heap_read(&partition->heap, ref);
    return known->offset;
}

/* The subject's object; 0 when it is not known. */
static chek_page_ref
subject_find(const struct chek_partition *partition, const uint8_t subject[16])
{
    const struct partition__root *root = chek_page_heap_root(&partition->heap);
    struct chek_page_map_walk walk;
    uint32_t ref;
    bool more =
        chek_page_map_find(&partition->heap, &root->subjects, chek_load_u64(subject), &ref, &walk);
    for (; more; more = chek_page_map_next(&partition->heap, &walk, &ref)) {
        const struct partition__subject *known = chek_page_heap_read(&partition->heap, ref);
        if (memcmp(known->subject, subject, sizeof known->subject) == 0) {
            return ref;
        }
    }
    return 0;
}

int
partition__apply_subject(struct chek_partition *partition, const struct chek_command *command)
{
    struct chek_command_subject what;
    struct chek_fault fault;
    int error = chek_command_subject_decode_whole(command->body.bytes, command->body.size,
                                                  &partition->decode, &what, &fault);
    if (error != CHEK_OK) {
        return CHEK_E_CORRUPT;
    }
    if (subject_find(partition, what.subject) != 0) {
        return CHEK_OK; /* the value is kept once */
    }
    struct partition__root *root = chek_page_heap_root_change(&partition->heap);
    size_t size = sizeof(struct partition__subject) + what.secret.size;
    chek_page_ref ref = chek_page_heap_allocate(&partition->heap, (uint32_t)size);
    CHEK_ASSERT(ref != 0);
    struct partition__subject *known = chek_page_heap_change(&partition->heap, ref);
    memcpy(known->subject, what.subject, sizeof known->subject);
    known->size = (uint32_t)what.secret.size;
    memcpy(known + 1, what.secret.bytes, what.secret.size);
    error =
        chek_page_map_insert(&partition->heap, &root->subjects, chek_load_u64(what.subject), ref);
    CHEK_ASSERT(error == CHEK_OK);
    return CHEK_OK;
}

bool
chek_partition_has_subject(const struct chek_partition *partition, const uint8_t subject[16])
{
    return subject_find(partition, subject) != 0;
}

int
chek_partition_subject(const struct chek_partition *partition, const uint8_t subject[16],
                       struct chek_bytes_view *ret)
{
    chek_page_ref ref = subject_find(partition, subject);
    if (ref == 0) {
        return CHEK_E_NOT_FOUND;
    }
    const struct partition__subject *known = chek_page_heap_read(&partition->heap, ref);
    *ret = chek_bytes_view_of(known + 1, known->size);
    return CHEK_OK;
}

/* ---- whole? ----------------------------------------------------------------------------------- */

static bool
on_source_ref(void *context, uint32_t value)
{
    const struct chek_page_heap *heap = context;
    return chek_page_heap_holds(heap, value, sizeof(struct partition__source));
}

/* A subject says its own size, so its head is looked at first. */
static bool
on_subject_ref(void *context, uint32_t value)
{
    const struct chek_page_heap *heap = context;
    uint64_t end = (uint64_t)value * 16 + sizeof(struct partition__subject);
    if (value == 0 || end > (uint64_t)heap->page_count * CHEK_PAGE_SIZE) {
        return false;
    }
    const struct partition__subject *subject = chek_page_heap_read(heap, value);
    return subject->size <= CHEK_PAGE_OBJECT_SIZE_MAX &&
           chek_page_heap_holds(heap, value, (uint32_t)sizeof *subject + subject->size);
}

bool
chek_partition_is_valid(const struct chek_partition *partition)
{
    const struct partition__root *root = chek_page_heap_root(&partition->heap);
    void *heap = (void *)(uintptr_t)&partition->heap; /* callbacks only read it */
    return chek_page_map_is_valid(heap, &root->sources) &&
           chek_page_map_is_valid(heap, &root->subjects) &&
           chek_page_map_each(heap, &root->sources, on_source_ref, heap) &&
           chek_page_map_each(heap, &root->subjects, on_subject_ref, heap) &&
           partition__devices_are_valid(partition) &&
           partition__organisations_are_valid(partition) &&
           partition__retention_is_valid(partition) && chek_fiscal_is_valid(&partition->fiscal);
}
