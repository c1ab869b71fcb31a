/* SPDX-License-Identifier: MIT */
/*
 * persons.c - the people on receipts: their encrypted values, and who was erased.
 *
 * An erasure takes a subject's object away, whose bytes are zeroed with it, and is remembered for
 * ever: a copy of the folder from before it has the value, and can be told so.
 */
#include <string.h>

#include "engine/base/assertion.h"
#include "engine/partition/state.h"

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

uint64_t
chek_partition_subject_count(const struct chek_partition *partition)
{
    const struct partition__root *root = chek_page_heap_root(&partition->heap);
    return root->subjects.count;
}

struct each {
    const struct chek_page_heap *heap;
    bool (*on_subject)(void *context, const uint8_t subject[16], struct chek_bytes_view secret);
    void *context;
};

static bool
on_each(void *context, uint32_t value)
{
    const struct each *each = context;
    const struct partition__subject *known = chek_page_heap_read(each->heap, value);
    return each->on_subject(each->context, known->subject,
                            chek_bytes_view_of(known + 1, known->size));
}

void
chek_partition_subjects_each(const struct chek_partition *partition,
                             bool (*on_subject)(void *context, const uint8_t subject[16],
                                                struct chek_bytes_view secret),
                             void *context)
{
    const struct partition__root *root = chek_page_heap_root(&partition->heap);
    struct each each = {&partition->heap, on_subject, context};
    (void)chek_page_map_each(&partition->heap, &root->subjects, on_each, &each);
}

/* ---- erasures --------------------------------------------------------------------------------- */

/* The object of a subject's erasure; 0 when it never was. */
static chek_page_ref
erasure_find(const struct chek_partition *partition, const uint8_t subject[16])
{
    const struct chek_page_heap *heap = &partition->heap;
    const struct partition__root *root = chek_page_heap_root(heap);
    struct chek_page_map_walk walk;
    uint32_t ref;
    if (root->erasures == 0) {
        return 0;
    }
    const struct partition__erasures *all = chek_page_heap_read(heap, root->erasures);
    bool more = chek_page_map_find(heap, &all->subjects, chek_load_u64(subject), &ref, &walk);
    for (; more; more = chek_page_map_next(heap, &walk, &ref)) {
        const struct partition__erasure *known = chek_page_heap_read(heap, ref);
        if (memcmp(known->subject, subject, sizeof known->subject) == 0) {
            return ref;
        }
    }
    return 0;
}

/* The list of erasures, made with the first of them, to be changed. */
static struct partition__erasures *
erasures_change(struct chek_partition *partition)
{
    struct partition__root *root = chek_page_heap_root_change(&partition->heap);
    if (root->erasures != 0) {
        return chek_page_heap_change(&partition->heap, root->erasures);
    }
    root->erasures = chek_page_heap_allocate(&partition->heap, sizeof(struct partition__erasures));
    CHEK_ASSERT(root->erasures != 0); /* chek_partition_ensure() made room for it */
    struct partition__erasures *made = chek_page_heap_change(&partition->heap, root->erasures);
    made->subjects.seed = root->subjects.seed;
    return made;
}

static chek_page_ref
erasure_make(struct chek_partition *partition, const struct chek_erasure *what)
{
    struct partition__erasures *all = erasures_change(partition);
    chek_page_ref ref =
        chek_page_heap_allocate(&partition->heap, sizeof(struct partition__erasure));
    CHEK_ASSERT(ref != 0);
    int error =
        chek_page_map_insert(&partition->heap, &all->subjects, chek_load_u64(what->subject), ref);
    CHEK_ASSERT(error == CHEK_OK);
    struct partition__erasure *made = chek_page_heap_change(&partition->heap, ref);
    memcpy(made->subject, what->subject, sizeof made->subject);
    made->organisation_size = (uint8_t)what->organisation.size;
    memcpy(made->organisation, what->organisation.bytes, what->organisation.size);
    made->before = all->newest;
    all->newest = ref;
    return ref;
}

static void
subject_remove(struct chek_partition *partition, chek_page_ref ref)
{
    struct partition__root *root = chek_page_heap_root_change(&partition->heap);
    const struct partition__subject *known = chek_page_heap_read(&partition->heap, ref);
    uint32_t size = (uint32_t)sizeof *known + known->size;
    bool was_there =
        chek_page_map_remove(&partition->heap, &root->subjects, chek_load_u64(known->subject), ref);
    CHEK_ASSERT(was_there);
    chek_page_heap_free(&partition->heap, ref, size);
}

/*
 * An erasure of a list that this folder has seen is over: what came back since came from a later
 * document. One of a subject that was never here leaves no trace, so a list cannot be made to grow.
 */
int
partition__apply_erase(struct chek_partition *partition, const struct chek_command *command,
                       struct chek_outcome *ret)
{
    struct chek_erasure what;
    struct chek_fault fault;
    int error = chek_erasure_decode_whole(command->body.bytes, command->body.size,
                                          &partition->decode, &what, &fault);
    if (error != CHEK_OK || what.organisation.size == 0) {
        return CHEK_E_CORRUPT;
    }
    chek_page_ref listed = erasure_find(partition, what.subject);
    chek_page_ref row = subject_find(partition, what.subject);
    if (listed != 0 && what.erased != 0 &&
        chek_partition_erased_us(partition, what.subject) >= what.erased) {
        return CHEK_OK;
    }
    if (row == 0) {
        ret->error = listed != 0 ? CHEK_OK : CHEK_E_NOT_FOUND;
        return CHEK_OK;
    }
    listed = listed != 0 ? listed : erasure_make(partition, &what);
    struct partition__erasure *erasure = chek_page_heap_change(&partition->heap, listed);
    erasure->erased_us = what.erased != 0 ? what.erased : command->envelope.time_us;
    subject_remove(partition, row);
    return CHEK_OK;
}

void
partition__erasures_forget(struct chek_partition *partition)
{
    ((struct partition__root *)chek_page_heap_root_change(&partition->heap))->erasures = 0;
}

static struct chek_erasure
erasure_read(const struct partition__erasure *known)
{
    struct chek_erasure ret = {
        .organisation = chek_bytes_view_of(known->organisation, known->organisation_size),
        .erased = known->erased_us,
    };
    memcpy(ret.subject, known->subject, sizeof ret.subject);
    return ret;
}

int
chek_partition_erasure(const struct chek_partition *partition, const uint8_t subject[16],
                       struct chek_erasure *ret)
{
    chek_page_ref ref = erasure_find(partition, subject);
    if (ref == 0) {
        return CHEK_E_NOT_FOUND;
    }
    *ret = erasure_read(chek_page_heap_read(&partition->heap, ref));
    return CHEK_OK;
}

uint64_t
chek_partition_erased_us(const struct chek_partition *partition, const uint8_t subject[16])
{
    struct chek_erasure erasure;
    int error = chek_partition_erasure(partition, subject, &erasure);
    return error == CHEK_OK ? erasure.erased : 0;
}

static const struct partition__erasures *
erasures_read(const struct chek_partition *partition)
{
    static const struct partition__erasures none;
    const struct partition__root *root = chek_page_heap_root(&partition->heap);
    return root->erasures != 0 ? chek_page_heap_read(&partition->heap, root->erasures) : &none;
}

uint64_t
chek_partition_erasure_count(const struct chek_partition *partition)
{
    return erasures_read(partition)->subjects.count;
}

uint32_t
chek_partition_erasures(const struct chek_partition *partition, uint32_t *at,
                        struct chek_erasure *ret, uint32_t count_max)
{
    chek_page_ref ref = *at;
    uint32_t count = 0;
    if (ref == 0) {
        ref = erasures_read(partition)->newest;
    } else { /* the last one that was given: objects of erasures do not go */
        ref =
            ((const struct partition__erasure *)chek_page_heap_read(&partition->heap, ref))->before;
    }
    while (ref != 0 && count < count_max) {
        const struct partition__erasure *known = chek_page_heap_read(&partition->heap, ref);
        ret[count] = erasure_read(known);
        count += 1;
        *at = ref;
        ref = known->before;
    }
    return count;
}

/* ---- whole? ----------------------------------------------------------------------------------- */

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

static bool
on_erasure_ref(void *context, uint32_t value)
{
    const struct chek_page_heap *heap = context;
    if (!chek_page_heap_holds(heap, value, sizeof(struct partition__erasure))) {
        return false;
    }
    const struct partition__erasure *known = chek_page_heap_read(heap, value);
    return known->erased_us != 0 && known->organisation_size != 0 &&
           known->organisation_size <= sizeof known->organisation &&
           (known->before == 0 ||
            chek_page_heap_holds(heap, known->before, sizeof(struct partition__erasure)));
}

/* Whether the list has as many as the map; each of them is whole. */
static bool
list_is_whole(const struct chek_page_heap *heap, const struct partition__erasures *all)
{
    uint64_t count = 0;
    chek_page_ref ref = all->newest;
    while (ref != 0 && count <= all->subjects.count) {
        if (!chek_page_heap_holds(heap, ref, sizeof(struct partition__erasure))) {
            return false;
        }
        const struct partition__erasure *known = chek_page_heap_read(heap, ref);
        ref = known->before;
        count += 1;
    }
    return count == all->subjects.count;
}

bool
partition__subjects_are_valid(const struct chek_partition *partition)
{
    const struct chek_page_heap *heap = &partition->heap;
    const struct partition__root *root = chek_page_heap_root(heap);
    void *context = (void *)(uintptr_t)heap; /* it is only read */
    if (!chek_page_map_is_valid(heap, &root->subjects) ||
        !chek_page_map_each(heap, &root->subjects, on_subject_ref, context)) {
        return false;
    }
    if (root->erasures == 0) {
        return true;
    }
    if (!chek_page_heap_holds(heap, root->erasures, sizeof(struct partition__erasures))) {
        return false;
    }
    const struct partition__erasures *all = chek_page_heap_read(heap, root->erasures);
    return chek_page_map_is_valid(heap, &all->subjects) &&
           chek_page_map_each(heap, &all->subjects, on_erasure_ref, context) &&
           list_is_whole(heap, all);
}
