/* SPDX-License-Identifier: MIT */
/*
 * nomenclature.c - a nomenclature is replaced as a whole, and read.
 *
 * Its bytes are cut into parts, each an object that names the next one. The new parts stand before the
 * head names them and the old ones go; between two commands there is one or the other.
 */
#include "engine/partition/nomenclature.h"

#include <string.h>

#include "engine/base/assertion.h"
#include "engine/partition/state.h"

#define PART_SIZE_MAX (CHEK_PAGE_OBJECT_SIZE_MAX - sizeof(struct partition__part))

static const uint8_t *
part_bytes(const struct partition__part *part)
{
    return (const uint8_t *)(part + 1);
}

static uint32_t
part_size(const struct partition__part *part)
{
    return (uint32_t)sizeof *part + part->size;
}

static chek_page_ref
nomenclature_find(const struct chek_partition *partition, struct chek_bytes_view organisation)
{
    const struct chek_page_heap *heap = &partition->heap;
    const struct partition__root *root = chek_page_heap_root(heap);
    struct chek_page_map_walk walk;
    uint32_t ref;
    if (root->organisations == 0) {
        return 0;
    }
    const struct partition__organisations *all = chek_page_heap_read(heap, root->organisations);
    bool more = chek_page_map_find(heap, &all->nomenclatures,
                                   partition__organisation_key(organisation), &ref, &walk);
    while (more) {
        const struct partition__nomenclature *known = chek_page_heap_read(heap, ref);
        if (chek_bytes_view_equal(chek_bytes_view_of(known->organisation, known->organisation_size),
                                  organisation)) {
            return ref;
        }
        more = chek_page_map_next(heap, &walk, &ref);
    }
    return 0;
}

/* ---- changes ---------------------------------------------------------------------------------- */

/* Keep bytes as parts; the first one of them. */
static chek_page_ref
parts_make(struct chek_partition *partition, struct chek_bytes_view bytes)
{
    struct chek_page_heap *heap = &partition->heap;
    chek_page_ref next = 0;
    size_t end = bytes.size;
    while (end > 0) { /* from the last one, so that each names the next when it is made */
        size_t begin = (end - 1) / PART_SIZE_MAX * PART_SIZE_MAX;
        uint32_t size = (uint32_t)(end - begin);
        chek_page_ref ref =
            chek_page_heap_allocate(heap, (uint32_t)sizeof(struct partition__part) + size);
        CHEK_ASSERT(ref != 0); /* chek_partition_ensure() */
        struct partition__part *part = chek_page_heap_change(heap, ref);
        part->next = next;
        part->size = size;
        memcpy(part + 1, bytes.bytes + begin, size);
        next = ref;
        end = begin;
    }
    return next;
}

static void
parts_free(struct chek_partition *partition, chek_page_ref ref)
{
    while (ref != 0) {
        const struct partition__part *part = chek_page_heap_read(&partition->heap, ref);
        chek_page_ref next = part->next;
        chek_page_heap_free(&partition->heap, ref, part_size(part));
        ref = next;
    }
}

static bool
is_same(const struct chek_partition *partition, const struct partition__nomenclature *known,
        struct chek_bytes_view bytes)
{
    chek_page_ref ref = known->first;
    size_t at = 0;
    if (known->size != bytes.size) {
        return false;
    }
    while (ref != 0) {
        const struct partition__part *part = chek_page_heap_read(&partition->heap, ref);
        if (memcmp(part_bytes(part), bytes.bytes + at, part->size) != 0) {
            return false;
        }
        at += part->size;
        ref = part->next;
    }
    return true;
}

static chek_page_ref
nomenclature_make(struct chek_partition *partition, struct chek_bytes_view organisation)
{
    struct partition__organisations *all = partition__organisations_change(partition);
    chek_page_ref ref =
        chek_page_heap_allocate(&partition->heap, sizeof(struct partition__nomenclature));
    CHEK_ASSERT(ref != 0);
    int error = chek_page_map_insert(&partition->heap, &all->nomenclatures,
                                     partition__organisation_key(organisation), ref);
    CHEK_ASSERT(error == CHEK_OK);
    struct partition__nomenclature *made = chek_page_heap_change(&partition->heap, ref);
    made->organisation_size = (uint8_t)organisation.size;
    memcpy(made->organisation, organisation.bytes, organisation.size);
    return ref;
}

/* The version stays: a list that comes later is none that a register may still have. (R98) */
static void
nomenclature_remove(struct chek_partition *partition, chek_page_ref ref)
{
    if (ref == 0) {
        return;
    }
    struct partition__nomenclature *known = chek_page_heap_change(&partition->heap, ref);
    chek_page_ref old = known->first;
    known->created = 0;
    known->size = 0;
    known->first = 0;
    parts_free(partition, old);
}

/* What is kept: the record without what the head has. */
static struct chek_bytes_view
kept_encode(struct chek_partition *partition, const struct chek_nomenclature *what, size_t size)
{
    struct chek_nomenclature kept = {.organisation = what->organisation,
                                     .elements = what->elements,
                                     .elements_count = what->elements_count};
    chek_arena_reset(&partition->scratch);
    uint8_t *bytes = chek_arena_take(&partition->scratch, size);
    CHEK_ASSERT(bytes != NULL);
    struct chek_writer out = chek_writer_over(bytes, size);
    chek_nomenclature_encode(&out, &kept);
    CHEK_ASSERT(!out.full); /* it is part of a command of this size */
    return chek_bytes_view_of(bytes, out.size);
}

int
partition__apply_nomenclature(struct chek_partition *partition, const struct chek_command *command)
{
    struct chek_nomenclature what;
    struct chek_fault fault;
    int error = chek_nomenclature_decode_whole(command->body.bytes, command->body.size,
                                               &partition->decode, &what, &fault);
    if (error != CHEK_OK || what.organisation.size == 0 || what.version != 0) {
        return CHEK_E_CORRUPT;
    }
    struct chek_bytes_view bytes = kept_encode(partition, &what, command->body.size);
    chek_page_ref ref = nomenclature_find(partition, what.organisation);
    if (what.elements_count == 0) {
        nomenclature_remove(partition, ref);
        return CHEK_OK;
    }
    if (ref == 0) {
        ref = nomenclature_make(partition, what.organisation);
    } else if (is_same(partition, chek_page_heap_read(&partition->heap, ref), bytes)) {
        return CHEK_OK; /* registers that have it need not fetch it again */
    }
    chek_page_ref first = parts_make(partition, bytes);
    struct partition__nomenclature *known = chek_page_heap_change(&partition->heap, ref);
    chek_page_ref old = known->first;
    known->version += 1;
    known->created = what.created;
    known->size = (uint32_t)bytes.size;
    known->first = first;
    parts_free(partition, old);
    return CHEK_OK;
}

/* ---- reading ---------------------------------------------------------------------------------- */

int
chek_partition_nomenclature(const struct chek_partition *partition,
                            struct chek_bytes_view organisation,
                            struct chek_nomenclature_state *ret)
{
    chek_page_ref ref = nomenclature_find(partition, organisation);
    if (ref == 0) {
        return CHEK_E_NOT_FOUND;
    }
    const struct partition__nomenclature *known = chek_page_heap_read(&partition->heap, ref);
    if (known->first == 0) {
        return CHEK_E_NOT_FOUND;
    }
    *ret = (struct chek_nomenclature_state){
        .version = known->version, .created = known->created, .size = known->size};
    return CHEK_OK;
}

void
chek_partition_nomenclature_read(const struct chek_partition *partition,
                                 struct chek_bytes_view organisation, uint8_t *bytes)
{
    chek_page_ref ref = nomenclature_find(partition, organisation);
    CHEK_ASSERT(ref != 0);
    const struct partition__nomenclature *known = chek_page_heap_read(&partition->heap, ref);
    for (ref = known->first; ref != 0;) {
        const struct partition__part *part = chek_page_heap_read(&partition->heap, ref);
        memcpy(bytes, part_bytes(part), part->size);
        bytes += part->size;
        ref = part->next;
    }
}

/* ---- whole? ----------------------------------------------------------------------------------- */

/* Parts say their own size, so the head of each is looked at first. */
static bool
parts_are_valid(const struct chek_page_heap *heap, chek_page_ref ref, uint32_t size)
{
    uint32_t found = 0;
    while (ref != 0 && found < size) {
        uint64_t end = (uint64_t)ref * 16 + sizeof(struct partition__part);
        if (end > (uint64_t)heap->page_count * CHEK_PAGE_SIZE) {
            return false;
        }
        const struct partition__part *part = chek_page_heap_read(heap, ref);
        if (part->size == 0 || part->size > PART_SIZE_MAX ||
            !chek_page_heap_holds(heap, ref, part_size(part))) {
            return false;
        }
        found += part->size;
        ref = part->next;
    }
    return ref == 0 && found == size;
}

bool
partition__nomenclature_is_valid(void *context, uint32_t value)
{
    const struct chek_partition *partition = context;
    const struct chek_page_heap *heap = &partition->heap;
    if (!chek_page_heap_holds(heap, value, sizeof(struct partition__nomenclature))) {
        return false;
    }
    const struct partition__nomenclature *known = chek_page_heap_read(heap, value);
    return known->version != 0 && known->organisation_size <= sizeof known->organisation &&
           known->size <= CHEK_COMMAND_BODY_SIZE_MAX &&
           parts_are_valid(heap, known->first, known->size);
}
