/* SPDX-License-Identifier: MIT */
/*
 * suspect.c - what is found out about a document before it is logged.
 *
 * A look at the highest number of its register is enough for nearly all of them. Only who may match
 * a row that was applied is decoded and compared, and only then rows are needed that may be cold.
 */
#include "tools/server/shard.h"

void
server__registration_learn(struct server__shard *shard, const struct server__ground *ground,
                           uint32_t registration)
{
    struct server__registration *known = &shard->registrations[registration];
    const struct chek_fiscal *fiscal = chek_partition_fiscal(ground->partition);
    if (known->state == REGISTRATION_UNSEEN && chek_fiscal_is_registered(fiscal, registration)) {
        known->state = REGISTRATION_KNOWN;
        known->number_last = chek_fiscal_number_last(fiscal, registration);
        known->has_numberless = chek_fiscal_has_numberless(fiscal, registration);
    }
}

/* Whether a document names somebody who was erased and is not there: if it is a repeat, what came with
 * it went for good. */
static bool
names_erased(const struct server__ground *ground, const struct chek_part_item *item)
{
    for (uint32_t i = 0; i < item->subject_count; i++) {
        const uint8_t *subject = item->subjects[i].id;
        if (chek_partition_erased_us(ground->partition, subject) != 0 &&
            !chek_partition_has_subject(ground->partition, subject)) {
            return true;
        }
    }
    return false;
}

enum server__suspicion
server__suspect(struct server__shard *shard, const struct server__ground *ground,
                const struct chek_part_item *item, struct chek_result *ret)
{
    const struct server__registration *known = &shard->registrations[item->registration];
    struct chek_store *store = chek_partition_store(ground->partition);
    struct chek_document document;
    struct chek_fault fault;
    server__registration_learn(shard, ground, item->registration);
    bool has_number = item->number != 0 && item->number <= known->number_last;
    bool is_answered = has_number && item->source_offset == 0 && item->subject_count == 0;
    bool is_searched = item->number == 0 || known->has_numberless;
    bool is_compared = server__cold_is_there(shard) || names_erased(ground, item);
    if (!is_answered && !((has_number || is_searched) && is_compared)) {
        return ITEM_IS_NEW;
    }
    chek_arena_reset(&shard->arena);
    if (chek_document_decode_whole(item->body, item->body_size, &shard->arena, &document, &fault) !=
        CHEK_OK) {
        return ITEM_IS_NEW;
    }
    chek_store_ask_begin(store, &shard->cold);
    bool repeats = chek_fiscal_is_repeat(chek_partition_fiscal(ground->partition),
                                         item->registration, &document, ret);
    chek_store_ask_end(store);
    if (shard->cold.count != 0) {
        return ITEM_IS_COLD;
    }
    return !repeats ? ITEM_MAY_MATCH : is_answered ? ITEM_REPEATS : ITEM_REPEATS_LOGGED;
}
