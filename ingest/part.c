/* SPDX-License-Identifier: MIT */
#include "ingest/part.h"

#include <errno.h>
#include <string.h>

#include "engine/base/assertion.h"
#include "engine/base/memory.h"

#define ITEMS_SIZE (CHEK_FRAME_RECEIPT_COUNT_MAX * sizeof(struct chek_part_item))
#define RESULTS_SIZE (CHEK_FRAME_RECEIPT_COUNT_MAX * sizeof(struct chek_result))
#define STRIDE ((CHEK_PART_BUFFER_SIZE + ITEMS_SIZE + RESULTS_SIZE + 4095) / 4096 * 4096)

int
chek_part_pool_init(struct chek_part_pool *pool, uint32_t part_count)
{
    size_t parts_size = part_count * sizeof(struct chek_part);
    size_t memory_size = part_count * STRIDE;
    struct chek_part *parts = chek_memory_allocate(parts_size);
    uint8_t *memory = chek_memory_reserve(memory_size);

    if (parts == NULL || memory == NULL || chek_memory_commit(memory, memory_size) != CHEK_OK) {
        chek_memory_free(parts, parts_size);
        if (memory != NULL) {
            chek_memory_release(memory, memory_size);
        }
        return -ENOMEM;
    }
    *pool = (struct chek_part_pool){
        .parts = parts, .part_count = part_count, .memory = memory, .memory_size = memory_size};
    chek_list_init(&pool->free);
    for (uint32_t i = 0; i < part_count; i++) {
        uint8_t *at = memory + i * STRIDE;
        parts[i].buffer = at;
        parts[i].items = (void *)(at + CHEK_PART_BUFFER_SIZE);
        parts[i].results = (void *)(at + CHEK_PART_BUFFER_SIZE + ITEMS_SIZE);
        chek_list_init(&parts[i].link);
        chek_part_give(pool, &parts[i]);
    }
    return CHEK_OK;
}

void
chek_part_pool_finish(struct chek_part_pool *pool)
{
    chek_memory_free(pool->parts, pool->part_count * sizeof(struct chek_part));
    chek_memory_release(pool->memory, pool->memory_size);
    *pool = (struct chek_part_pool){0};
}

struct chek_part *
chek_part_take(struct chek_part_pool *pool)
{
    if (chek_list_is_empty(&pool->free)) {
        return NULL;
    }
    /* The last one given is the first one taken: its memory is warm. */
    struct chek_part *part = CHEK_CONTAINER_OF(pool->free.next, struct chek_part, link);
    chek_list_remove(&part->link);
    pool->free_count -= 1;
    part->message = (struct chek_message){.payload = part};
    part->frame = NULL;
    part->source = 0;
    part->item_count = part->taken_count = part->done_count = 0;
    part->credit_size = 0;
    part->owns_bytes = false;
    part->buffer_size = 0;
    return part;
}

void
chek_part_give(struct chek_part_pool *pool, struct chek_part *part)
{
    CHEK_ASSERT(part >= pool->parts && part < pool->parts + pool->part_count);
    chek_list_add(pool->free.next, &part->link);
    pool->free_count += 1;
}

const uint8_t *
chek_part_copy(struct chek_part *part, const void *bytes, size_t size)
{
    if (size > CHEK_PART_BUFFER_SIZE - part->buffer_size) {
        return NULL;
    }
    uint8_t *at = part->buffer + part->buffer_size;
    memcpy(at, bytes, size);
    part->buffer_size += size;
    return at;
}

void
chek_part_own(struct chek_part *part, uint32_t first)
{
    if (part->owns_bytes) {
        return;
    }
    for (uint32_t i = first; i < part->item_count; i++) {
        struct chek_part_item *item = &part->items[i];
        if (item->body < part->buffer || item->body >= part->buffer + CHEK_PART_BUFFER_SIZE) {
            item->body = chek_part_copy(part, item->body, item->body_size);
            CHEK_ASSERT(item->body != NULL); /* bodies of one frame, at most one written anew */
        }
    }
    part->owns_bytes = true;
}
