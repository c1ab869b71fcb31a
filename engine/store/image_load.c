/* SPDX-License-Identifier: MIT */
/*
 * image_load.c - a store from its image and its segments.
 *
 * The bytes come from a disk: everything is read through the cursor, and a count is compared with
 * the bytes that are left before memory is asked for.
 */
#include <errno.h>

#include "engine/base/assertion.h"
#include "engine/base/checksum.h"
#include "engine/base/cursor.h"
#include "engine/base/memory.h"
#include "engine/store/image.h"
#include "engine/store/segment.h"

/* ---- the parts ---- */

static int
head_load(struct store__loading *from)
{
    struct chek_store *store = from->store;
    uint64_t magic = chek_cursor_u64(&from->in);
    uint16_t version = chek_cursor_u16(&from->in);
    uint16_t reserved = chek_cursor_u16(&from->in);
    uint32_t segment_row_count = chek_cursor_u32(&from->in);
    store->history_hash = chek_cursor_u64(&from->in);
    store->row_count = chek_cursor_u64(&from->in);
    store->line_count = chek_cursor_u64(&from->in);
    if (from->in.error != CHEK_OK || magic != STORE__IMAGE_MAGIC || reserved != 0) {
        return CHEK_E_CORRUPT;
    }
    if (version != STORE__IMAGE_VERSION) {
        return CHEK_E_VERSION;
    }
    return segment_row_count == store->config.segment_row_count ? CHEK_OK : CHEK_E_CORRUPT;
}

static int
segment_load(struct chek_bytes_view bytes, struct chek_segment **ret)
{
    uint8_t *copy = chek_memory_allocate(bytes.size + STORE__PAGE_SLACK);
    if (copy == NULL) {
        return -ENOMEM;
    }
    if (bytes.size != 0) {
        memcpy(copy, bytes.bytes, bytes.size);
    }
    int error = store__segment_open(copy, bytes.size, ret);
    if (error != CHEK_OK) {
        chek_memory_free(copy, bytes.size + STORE__PAGE_SLACK);
    }
    return error;
}

static int
segments_load(struct store__loading *from, const struct chek_bytes_view *segments, uint32_t count)
{
    struct chek_store *store = from->store;
    if (chek_cursor_u32(&from->in) != count || from->in.error != CHEK_OK) {
        return CHEK_E_CORRUPT;
    }
    if (count == 0) {
        return CHEK_OK;
    }
    store->segments = chek_memory_allocate(count * sizeof *store->segments);
    if (store->segments == NULL) {
        return -ENOMEM;
    }
    store->segment_count_max = count;
    for (uint32_t i = 0; i < count; i++) {
        struct chek_segment *segment;
        uint64_t sum = chek_cursor_u64(&from->in);
        int error = segment_load(segments[i], &segment);
        if (error != CHEK_OK) {
            return error;
        }
        store->segments[i] = segment;
        store->segment_count += 1;
        bool is_merged = segment->set_count > 1;
        if (segment->sum != sum || segment->first_row != store->sealed_row_count ||
            (is_merged && store->merged_count != i)) {
            return CHEK_E_CORRUPT;
        }
        store->merged_count += is_merged;
        store->merged_set_count += is_merged ? segment->set_count : 0;
        store->sealed_row_count += segment->row_count;
        store->segment_size += store__segment_memory_size(segment);
        store->hour_size += segment->hour_size;
        error = store__image_bits_load(from, segment->replaced, segment->row_count,
                                       &segment->replaced_count);
        if (error != CHEK_OK) {
            return error;
        }
    }
    return CHEK_OK;
}

static int
dictionary_load(struct store__loading *from, struct store__dictionary *dictionary)
{
    struct store__pool *pool = &from->store->pool;
    uint32_t count = chek_cursor_u32(&from->in);
    size_t left = chek_cursor_left(&from->in);
    if (count > left / 3) { /* two bytes of size, and at least one of text */
        return CHEK_E_CORRUPT;
    }
    for (uint32_t code = 1; code <= count; code++) {
        uint16_t size = chek_cursor_u16(&from->in);
        struct chek_bytes_view text = chek_cursor_view(&from->in, size);
        if (text.size == 0) {
            return CHEK_E_CORRUPT;
        }
        uint32_t pieces = store__dictionary_pieces_needed(dictionary, 1) +
                          store__dictionary_text_pieces_needed(1, text.size);
        if (store__pool_ensure_pieces(pool, pieces) != CHEK_OK) {
            return -ENOMEM;
        }
        if (store__dictionary_intern(dictionary, pool, text) != code) {
            return CHEK_E_CORRUPT; /* it was there already, or there is no room for it */
        }
    }
    return CHEK_OK;
}

static int
dictionaries_load(struct store__loading *from)
{
    if (chek_cursor_u32(&from->in) != STORE__DICTIONARY_COUNT) {
        return CHEK_E_CORRUPT;
    }
    int error = CHEK_OK;
    for (uint32_t i = 0; i < STORE__DICTIONARY_COUNT && error == CHEK_OK; i++) {
        error = dictionary_load(from, &from->store->dictionaries[i]);
    }
    return error;
}

/* ---- open sets ---- */

/* The store was made with one empty set, which becomes the first. */
static int
sets_load(struct store__loading *from)
{
    struct chek_store *store = from->store;
    uint32_t count = chek_cursor_u32(&from->in);
    int error = count != 0 ? CHEK_OK : CHEK_E_CORRUPT;
    if (store->segment_count != 0) {
        store->newest->row_count_max =
            store->newest->row_capacity; /* it is not the first any more */
    }
    for (uint32_t i = 0; i < count && error == CHEK_OK; i++) {
        if (i != 0) {
            struct store__set *set;
            error = store__set_create(store->config.segment_row_count, &set);
            if (error != CHEK_OK) {
                return error;
            }
            store->newest->next = set;
            store->newest = set;
        }
        error = store__image_set_load(from, store->newest, i + 1 == count);
    }
    return error;
}

static int
counters_check(const struct chek_store *store)
{
    uint64_t rows = store->sealed_row_count;
    uint64_t lines = 0;
    for (uint32_t i = 0; i < store->segment_count; i++) {
        lines += store->segments[i]->line_count;
    }
    for (const struct store__set *set = store->oldest; set != NULL; set = set->next) {
        rows += set->row_count;
        lines += set->child_count[STORE__LINE];
    }
    return rows == store->row_count && lines == store->line_count ? CHEK_OK : CHEK_E_CORRUPT;
}

static int
store_load(struct store__loading *from, const struct chek_bytes_view *segments,
           uint32_t segment_count)
{
    int error = head_load(from);
    if (error == CHEK_OK) {
        error = segments_load(from, segments, segment_count);
    }
    if (error == CHEK_OK) {
        error = dictionaries_load(from);
    }
    if (error == CHEK_OK) {
        error = sets_load(from);
    }
    if (error == CHEK_OK && chek_cursor_left(&from->in) != 0) {
        error = CHEK_E_CORRUPT;
    }
    return error == CHEK_OK ? counters_check(from->store) : error;
}

int
chek_store_load(const struct chek_store_config *config, struct chek_bytes_view image,
                const struct chek_bytes_view *segments, uint32_t segment_count,
                struct chek_store **ret)
{
    if (image.size < 8 ||
        chek_load_u64(image.bytes + image.size - 8) !=
            chek_checksum_seeded(image.bytes, image.size - 8, STORE__IMAGE_MAGIC)) {
        return CHEK_E_CORRUPT;
    }
    struct store__loading from = {.in = chek_cursor_over(image.bytes, image.size - 8)};
    int error = chek_store_create(config, &from.store);
    if (error != CHEK_OK) {
        return error;
    }
    chek_memory_unsealed_begin();
    error = store_load(&from, segments, segment_count);
    chek_memory_unsealed_end();
    if (error != CHEK_OK) {
        chek_store_destroy(from.store);
        return error;
    }
    *ret = from.store;
    return CHEK_OK;
}
