/* SPDX-License-Identifier: MIT */
/*
 * operator.c - operators are set, removed and looked for.
 *
 * An organisation's operators stand under one key of a map, so that one is found, and all are listed,
 * by one short walk; their number is bounded for that.
 */
#include "engine/partition/operator.h"

#include <string.h>

#include "engine/base/assertion.h"
#include "engine/partition/state.h"

/* A walk over the operators of an organisation, which need not have any. */
struct walk {
    const struct chek_partition *partition;
    struct chek_bytes_view organisation;
    struct chek_page_map_walk at;
    bool has_begun;
};

static struct chek_bytes_view
organisation_of(const struct partition__operator *operator)
{
    return chek_bytes_view_of(operator->organisation, operator->organisation_size);
}

/* The next one; 0 at the end. */
static chek_page_ref
walk_next(struct walk *walk)
{
    const struct chek_page_heap *heap = &walk->partition->heap;
    const struct partition__root *root = chek_page_heap_root(heap);
    uint32_t ref = 0;
    bool more = root->organisations != 0;
    while (more) {
        if (walk->has_begun) {
            more = chek_page_map_next(heap, &walk->at, &ref);
        } else {
            const struct partition__organisations *all =
                chek_page_heap_read(heap, root->organisations);
            more = chek_page_map_find(heap, &all->operators,
                                      partition__organisation_key(walk->organisation), &ref,
                                      &walk->at);
        }
        walk->has_begun = true;
        if (more && chek_bytes_view_equal(organisation_of(chek_page_heap_read(heap, ref)),
                                          walk->organisation)) {
            return ref;
        }
    }
    return 0;
}

/* ---- changes ---------------------------------------------------------------------------------- */

/* The operator of exactly this scope and login, 0 when there is none; and how many there are. */
static chek_page_ref
operator_find(const struct chek_partition *partition, const struct chek_command_operator *what,
              uint32_t *ret_count)
{
    struct walk walk = {.partition = partition, .organisation = what->organisation};
    chek_page_ref found = 0;
    *ret_count = 0;
    for (chek_page_ref ref = walk_next(&walk); ref != 0; ref = walk_next(&walk)) {
        const struct partition__operator *known = chek_page_heap_read(&partition->heap, ref);
        *ret_count += 1;
        if (known->registration == what->registration &&
            chek_bytes_view_equal(chek_bytes_view_of(known->login, known->login_size),
                                  what->login)) {
            found = ref;
        }
    }
    return found;
}

static chek_page_ref
operator_make(struct chek_partition *partition, struct chek_bytes_view organisation)
{
    struct partition__organisations *all = partition__organisations_change(partition);
    chek_page_ref ref =
        chek_page_heap_allocate(&partition->heap, sizeof(struct partition__operator));
    CHEK_ASSERT(ref != 0);
    int error = chek_page_map_insert(&partition->heap, &all->operators,
                                     partition__organisation_key(organisation), ref);
    CHEK_ASSERT(error == CHEK_OK);
    return ref;
}

static void
operator_remove(struct chek_partition *partition, struct chek_bytes_view organisation,
                chek_page_ref ref)
{
    struct partition__organisations *all = partition__organisations_change(partition);
    bool was_there = chek_page_map_remove(&partition->heap, &all->operators,
                                          partition__organisation_key(organisation), ref);
    CHEK_ASSERT(was_there);
    chek_page_heap_free(&partition->heap, ref, sizeof(struct partition__operator));
}

static void
operator_write(struct partition__operator *operator, const struct chek_command_operator * what)
{
    *operator=(struct partition__operator){
        .registration = what->registration,
        .code = what->code,
        .roles = (uint8_t)what->roles,
        .organisation_size = (uint8_t)what->organisation.size,
        .login_size = (uint8_t)what->login.size,
        .name_size = (uint8_t)what->name.size,
    };
    memcpy(operator->hash, what->hash.bytes, sizeof operator->hash);
    memcpy(operator->organisation, what->organisation.bytes, what->organisation.size);
    memcpy(operator->login, what->login.bytes, what->login.size);
    if (what->name.size != 0) {
        memcpy(operator->name, what->name.bytes, what->name.size);
    }
}

static bool
is_whole(const struct chek_partition *partition, const struct chek_command_operator *what)
{
    return (what->hash.size == 0 || what->hash.size == CHEK_OPERATOR_HASH_SIZE) &&
           (what->registration == 0 ||
            chek_fiscal_is_registered(&partition->fiscal, what->registration));
}

int
partition__apply_operator(struct chek_partition *partition, const struct chek_command *command,
                          struct chek_outcome *ret)
{
    struct chek_command_operator what;
    struct chek_fault fault;
    uint32_t count;
    int error = chek_command_operator_decode_whole(command->body.bytes, command->body.size,
                                                   &partition->decode, &what, &fault);
    if (error != CHEK_OK || !is_whole(partition, &what)) {
        return CHEK_E_CORRUPT;
    }
    chek_page_ref ref = operator_find(partition, &what, &count);
    if (what.hash.size == 0 && ref == 0) {
        ret->error = CHEK_E_NOT_FOUND;
    } else if (what.hash.size == 0) {
        operator_remove(partition, what.organisation, ref);
    } else if (ref == 0 && count >= CHEK_OPERATOR_COUNT_MAX) {
        ret->error = CHEK_E_LIMIT;
    } else {
        ref = ref != 0 ? ref : operator_make(partition, what.organisation);
        operator_write(chek_page_heap_change(&partition->heap, ref), &what);
    }
    return CHEK_OK;
}

/* ---- reading ---------------------------------------------------------------------------------- */

static struct chek_operator
operator_read(const struct partition__operator *known)
{
    return (struct chek_operator){
        .registration = known->registration,
        .code = known->code,
        .roles = known->roles,
        .login = chek_bytes_view_of(known->login, known->login_size),
        .name = chek_bytes_view_of(known->name, known->name_size),
        .hash = known->hash,
    };
}

int
chek_partition_operator(const struct chek_partition *partition, struct chek_bytes_view organisation,
                        uint32_t registration, struct chek_bytes_view login,
                        struct chek_operator *ret)
{
    struct walk walk = {.partition = partition, .organisation = organisation};
    const struct partition__operator *found = NULL;
    for (chek_page_ref ref = walk_next(&walk); ref != 0; ref = walk_next(&walk)) {
        const struct partition__operator *known = chek_page_heap_read(&partition->heap, ref);
        bool is_own = known->registration == registration;
        if ((is_own || (known->registration == 0 && found == NULL)) &&
            chek_bytes_view_equal(chek_bytes_view_of(known->login, known->login_size), login)) {
            found = known;
            if (is_own) {
                break;
            }
        }
    }
    if (found == NULL) {
        return CHEK_E_NOT_FOUND;
    }
    *ret = operator_read(found);
    return CHEK_OK;
}

uint32_t
chek_partition_operators(const struct chek_partition *partition,
                         struct chek_bytes_view organisation, uint32_t registration,
                         struct chek_operator ret[CHEK_OPERATOR_COUNT_MAX])
{
    struct walk walk = {.partition = partition, .organisation = organisation};
    uint32_t count = 0;
    for (chek_page_ref ref = walk_next(&walk); ref != 0; ref = walk_next(&walk)) {
        const struct partition__operator *known = chek_page_heap_read(&partition->heap, ref);
        if ((registration == 0 || known->registration == 0 ||
             known->registration == registration) &&
            count < CHEK_OPERATOR_COUNT_MAX) { /* a loaded image may have more */
            ret[count++] = operator_read(known);
        }
    }
    return count;
}

/* ---- whole? ----------------------------------------------------------------------------------- */

bool
partition__operator_is_valid(void *context, uint32_t value)
{
    const struct chek_partition *partition = context;
    if (!chek_page_heap_holds(&partition->heap, value, sizeof(struct partition__operator))) {
        return false;
    }
    const struct partition__operator *known = chek_page_heap_read(&partition->heap, value);
    return known->organisation_size <= sizeof known->organisation &&
           known->login_size <= sizeof known->login && known->name_size <= sizeof known->name &&
           (known->registration == 0 ||
            chek_fiscal_is_registered(&partition->fiscal, known->registration));
}
