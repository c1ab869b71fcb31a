/* SPDX-License-Identifier: MIT */
/*
 * nomenclature.c - a nomenclature is replaced as a whole, and read.
 *
 * Its bytes are cut into parts, each an object that names the next one. The new parts stand before the
 * head names them and the old ones go; between two commands there is one or the other. A list is looked
 * for by whose it is; those of an organisation are chained, so that they can be told and counted.
 */
#include "engine/partition/nomenclature.h"

#include <string.h>

#include "engine/base/assertion.h"
#include "engine/base/planted.h"
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

/* That of an organisation is under the key that its operators are under. */
static uint64_t
whose_key(const struct chek_nomenclature_whose *whose)
{
    uint8_t bytes[sizeof((struct partition__nomenclature *)0)->organisation +
                  sizeof((struct partition__nomenclature *)0)->point + 5];
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    if (whose->device == 0 && whose->point.size == 0) {
        return partition__organisation_key(whose->organisation);
    }
    chek_writer_bytes(&out, whose->organisation.bytes, whose->organisation.size);
    chek_writer_u8(&out, 0);
    chek_writer_u32(&out, whose->device);
    chek_writer_bytes(&out, whose->point.bytes, whose->point.size);
    CHEK_ASSERT(!out.full);
    return chek_checksum(bytes, out.size);
}

static struct chek_nomenclature_whose
whose_read(const struct partition__nomenclature *known)
{
    return (struct chek_nomenclature_whose){
        .organisation = chek_bytes_view_of(known->organisation, known->organisation_size),
        .point = chek_bytes_view_of(known->point, known->point_size),
        .device = known->device,
    };
}

static bool
is_whose(const struct partition__nomenclature *known, const struct chek_nomenclature_whose *whose)
{
    struct chek_nomenclature_whose of = whose_read(known);
    return of.device == whose->device && chek_bytes_view_equal(of.point, whose->point) &&
           chek_bytes_view_equal(of.organisation, whose->organisation);
}

static chek_page_ref
nomenclature_find(const struct chek_partition *partition,
                  const struct chek_nomenclature_whose *whose)
{
    const struct chek_page_heap *heap = &partition->heap;
    const struct partition__root *root = chek_page_heap_root(heap);
    struct chek_page_map_walk walk;
    uint32_t ref;
    if (root->organisations == 0) {
        return 0;
    }
    const struct partition__organisations *all = chek_page_heap_read(heap, root->organisations);
    bool more = chek_page_map_find(heap, &all->nomenclatures, whose_key(whose), &ref, &walk);
    while (more) {
        if (is_whose(chek_page_heap_read(heap, ref), whose)) {
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
nomenclature_make(struct chek_partition *partition, const struct chek_nomenclature_whose *whose)
{
    struct partition__organisations *all = partition__organisations_change(partition);
    chek_page_ref ref =
        chek_page_heap_allocate(&partition->heap, sizeof(struct partition__nomenclature));
    CHEK_ASSERT(ref != 0);
    int error = chek_page_map_insert(&partition->heap, &all->nomenclatures, whose_key(whose), ref);
    CHEK_ASSERT(error == CHEK_OK);
    struct partition__nomenclature *made = chek_page_heap_change(&partition->heap, ref);
    made->device = whose->device;
    made->organisation_size = (uint8_t)whose->organisation.size;
    memcpy(made->organisation, whose->organisation.bytes, whose->organisation.size);
    made->point_size = (uint8_t)whose->point.size;
    if (whose->point.size != 0) {
        memcpy(made->point, whose->point.bytes, whose->point.size);
    }
    return ref;
}

/* One of a point or register, behind that of its organisation. */
static chek_page_ref
behind_make(struct chek_partition *partition, const struct chek_nomenclature_whose *whose,
            chek_page_ref head)
{
    chek_page_ref ref = nomenclature_make(partition, whose);
    struct partition__nomenclature *of_all = chek_page_heap_change(&partition->heap, head);
    chek_page_ref next = of_all->next;
    of_all->next = ref;
    of_all->list_count += 1;
    ((struct partition__nomenclature *)chek_page_heap_change(&partition->heap, ref))->next = next;
    return ref;
}

static void
behind_remove(struct chek_partition *partition, const struct chek_nomenclature_whose *whose,
              chek_page_ref head, chek_page_ref ref)
{
    struct chek_page_heap *heap = &partition->heap;
    const struct partition__nomenclature *known = chek_page_heap_read(heap, ref);
    chek_page_ref before = head, next = known->next;
    const struct partition__nomenclature *at = chek_page_heap_read(heap, head);
    while (at->next != ref) {
        CHEK_ASSERT(at->next != 0);
        before = at->next;
        at = chek_page_heap_read(heap, before);
    }
    parts_free(partition, known->first);
    ((struct partition__nomenclature *)chek_page_heap_change(heap, before))->next = next;
    ((struct partition__nomenclature *)chek_page_heap_change(heap, head))->list_count -= 1;
    bool was_there = chek_page_map_remove(
        heap, &partition__organisations_change(partition)->nomenclatures, whose_key(whose), ref);
    CHEK_ASSERT(was_there);
    chek_page_heap_free(heap, ref, sizeof(struct partition__nomenclature));
}

/*
 * That of the organisation keeps what was given out: a list that comes later is none that a register
 * may still have. (R98)
 */
static void
nomenclature_remove(struct chek_partition *partition, const struct chek_nomenclature_whose *whose,
                    chek_page_ref head, chek_page_ref ref)
{
    if (ref != 0 && ref != head) {
        behind_remove(partition, whose, head, ref);
    } else if (ref != 0) {
        struct partition__nomenclature *known = chek_page_heap_change(&partition->heap, ref);
        chek_page_ref old = known->first;
        known->created = 0;
        known->size = known->count = 0;
        known->first = 0;
        parts_free(partition, old);
    }
}

/* The next version of the organisation. (R91) */
static uint64_t
version_give(struct chek_partition *partition, chek_page_ref head, chek_page_ref ref)
{
    struct partition__nomenclature *of_all = chek_page_heap_change(&partition->heap, head);
    const struct partition__nomenclature *known = chek_page_heap_read(&partition->heap, ref);
    of_all->given += 1;
    return CHEK_PLANTED(VERSION_OF_ONE_LIST) ? known->version + 1 : of_all->given;
}

static void
nomenclature_replace(struct chek_partition *partition, const struct chek_nomenclature *what,
                     struct chek_bytes_view bytes, chek_page_ref head, chek_page_ref ref)
{
    chek_page_ref first = parts_make(partition, bytes);
    uint64_t version = version_give(partition, head, ref);
    struct partition__nomenclature *known = chek_page_heap_change(&partition->heap, ref);
    chek_page_ref old = known->first;
    known->version = version;
    known->created = what->created;
    known->size = (uint32_t)bytes.size;
    known->count = what->elements_count;
    known->first = first;
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

/* Whether this is a command. */
static bool
is_command(const struct chek_nomenclature *what)
{
    return what->organisation.size != 0 && what->version == 0 && what->count == 0 &&
           (what->device == 0 || what->point.size == 0);
}

int
partition__apply_nomenclature(struct chek_partition *partition, const struct chek_command *command,
                              struct chek_outcome *ret)
{
    struct chek_nomenclature what;
    struct chek_fault fault;
    int error = chek_nomenclature_decode_whole(command->body.bytes, command->body.size,
                                               &partition->decode, &what, &fault);
    if (error != CHEK_OK || !is_command(&what)) {
        return CHEK_E_CORRUPT;
    }
    struct chek_nomenclature_whose all = {.organisation = what.organisation};
    struct chek_nomenclature_whose whose = {what.organisation, what.point, what.device};
    chek_page_ref head = nomenclature_find(partition, &all);
    chek_page_ref ref = nomenclature_find(partition, &whose);
    if (what.elements_count == 0) {
        nomenclature_remove(partition, &whose, head, ref);
        return CHEK_OK;
    }
    struct chek_bytes_view bytes = kept_encode(partition, &what, command->body.size);
    if (ref != 0 && is_same(partition, chek_page_heap_read(&partition->heap, ref), bytes)) {
        return CHEK_OK; /* registers that have it need not fetch it again */
    }
    head = head != 0 ? head : nomenclature_make(partition, &all);
    bool is_behind = whose.device != 0 || whose.point.size != 0;
    const struct partition__nomenclature *of_all = chek_page_heap_read(&partition->heap, head);
    if (ref == 0 && is_behind && of_all->list_count >= CHEK_NOMENCLATURE_COUNT_MAX) {
        ret->error = CHEK_E_LIMIT;
        return CHEK_OK;
    }
    if (ref == 0) {
        ref = is_behind ? behind_make(partition, &whose, head) : head;
    }
    nomenclature_replace(partition, &what, bytes, head, ref);
    return CHEK_OK;
}

/* ---- reading ---------------------------------------------------------------------------------- */

static struct chek_nomenclature_state
state_read(const struct partition__nomenclature *known)
{
    return (struct chek_nomenclature_state){.version = known->version,
                                            .created = known->created,
                                            .size = known->size,
                                            .count = known->count,
                                            .first = known->first};
}

int
chek_partition_nomenclature(const struct chek_partition *partition,
                            const struct chek_nomenclature_whose *whose,
                            struct chek_nomenclature_state *ret)
{
    chek_page_ref ref = nomenclature_find(partition, whose);
    if (ref == 0) {
        return CHEK_E_NOT_FOUND;
    }
    const struct partition__nomenclature *known = chek_page_heap_read(&partition->heap, ref);
    if (known->first == 0) {
        return CHEK_E_NOT_FOUND;
    }
    *ret = state_read(known);
    return CHEK_OK;
}

int
chek_partition_nomenclature_of(const struct chek_partition *partition,
                               const struct chek_nomenclature_whose *stands,
                               struct chek_nomenclature_state *ret)
{
    const struct chek_nomenclature_whose nearest[] = {
        {.organisation = stands->organisation, .device = stands->device},
        {.organisation = stands->organisation, .point = stands->point},
        {.organisation = stands->organisation},
    };
    int error = CHEK_E_NOT_FOUND;
    for (size_t i = 0; error != CHEK_OK && i < CHEK_COUNT(nearest); i++) {
        error = chek_partition_nomenclature(partition, &nearest[i], ret);
    }
    return error;
}

void
chek_partition_nomenclature_read(const struct chek_partition *partition,
                                 const struct chek_nomenclature_state *state, uint8_t *bytes)
{
    for (chek_page_ref ref = state->first; ref != 0;) {
        const struct partition__part *part = chek_page_heap_read(&partition->heap, ref);
        memcpy(bytes, part_bytes(part), part->size);
        bytes += part->size;
        ref = part->next;
    }
}

uint32_t
chek_partition_nomenclatures(const struct chek_partition *partition,
                             struct chek_bytes_view organisation,
                             struct chek_nomenclature_known ret[CHEK_NOMENCLATURE_COUNT_MAX + 1])
{
    struct chek_nomenclature_whose all = {.organisation = organisation};
    chek_page_ref ref = nomenclature_find(partition, &all);
    uint32_t count = 0;
    while (ref != 0 && count <= CHEK_NOMENCLATURE_COUNT_MAX) { /* a loaded image may have more */
        const struct partition__nomenclature *known = chek_page_heap_read(&partition->heap, ref);
        if (known->first != 0) {
            ret[count++] = (struct chek_nomenclature_known){whose_read(known), state_read(known)};
        }
        ref = known->next;
    }
    return count;
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

/* Those behind one: as many as it says, each with whose it is, of the same organisation. */
static bool
behind_are_valid(const struct chek_page_heap *heap, const struct partition__nomenclature *head)
{
    struct chek_bytes_view organisation = whose_read(head).organisation;
    chek_page_ref ref = head->next;
    uint32_t found = 0;
    while (ref != 0 && found < head->list_count) {
        if (!chek_page_heap_holds(heap, ref, sizeof(struct partition__nomenclature))) {
            return false;
        }
        const struct partition__nomenclature *known = chek_page_heap_read(heap, ref);
        if (known->organisation_size != head->organisation_size ||
            !chek_bytes_view_equal(whose_read(known).organisation, organisation) ||
            known->version > head->given || (known->device == 0) == (known->point_size == 0)) {
            return false;
        }
        found += 1;
        ref = known->next;
    }
    return ref == 0 && found == head->list_count;
}

struct counting {
    const struct chek_page_heap *heap;
    uint64_t count; /* of those that are behind one of an organisation, and that one */
};

static bool
nomenclature_is_valid(void *context, uint32_t value)
{
    struct counting *counting = context;
    const struct chek_page_heap *heap = counting->heap;
    if (!chek_page_heap_holds(heap, value, sizeof(struct partition__nomenclature))) {
        return false;
    }
    const struct partition__nomenclature *known = chek_page_heap_read(heap, value);
    if (known->organisation_size == 0 || known->organisation_size > sizeof known->organisation ||
        known->point_size > sizeof known->point || known->size > CHEK_COMMAND_BODY_SIZE_MAX ||
        !parts_are_valid(heap, known->first, known->size)) {
        return false;
    }
    if (known->device != 0 || known->point_size != 0) {
        return known->version != 0 && known->first != 0 && known->given == 0 &&
               known->list_count == 0;
    }
    counting->count += 1 + (uint64_t)known->list_count;
    return known->given != 0 && known->version <= known->given && behind_are_valid(heap, known);
}

bool
partition__nomenclatures_are_valid(const struct chek_partition *partition,
                                   const struct chek_page_map *map)
{
    struct counting counting = {.heap = &partition->heap};
    return chek_page_map_is_valid(&partition->heap, map) &&
           chek_page_map_each(&partition->heap, map, nomenclature_is_valid, &counting) &&
           counting.count == map->count;
}
