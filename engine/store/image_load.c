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
#include "engine/base/workspace.h"
#include "engine/store/image.h"
#include "engine/store/sealer.h"
#include "engine/store/segment.h"

/* A store that is being made from the bytes of an image. */
struct loading {
    struct chek_store *store;
    struct chek_cursor in;
    struct store__sealer *sealer;   /* for its memory: a document is decoded there */
    uint64_t row_count, line_count; /* that it says there are */
};

/* ---- the parts ---- */

static int
loading_result(const struct loading *from)
{
    return from->in.error == CHEK_OK ? CHEK_OK : CHEK_E_CORRUPT;
}

/* Read bits of which `*ret_count` should be set; bits behind the last must not be. */
static int
bits_load(struct loading *from, uint64_t *bits, uint32_t bit_count, uint32_t *ret_count)
{
    uint32_t said = chek_cursor_u32(&from->in);
    if (said == 0) {
        return loading_result(from);
    }
    size_t size = ((size_t)bit_count + 63) / 64 * sizeof *bits;
    const uint8_t *bytes = chek_cursor_take(&from->in, size);
    uint32_t count = 0;
    for (size_t at = 0; bytes != NULL && at < size; at += 8) {
        uint64_t word = chek_load_u64(bytes + at);
        bits[at / 8] = word;
        count += (uint32_t)__builtin_popcountll(word);
    }
    uint32_t tail = bit_count % 64;
    if (bytes == NULL || count != said || (tail != 0 && bits[size / 8 - 1] >> tail != 0)) {
        return CHEK_E_CORRUPT;
    }
    *ret_count = count;
    return CHEK_OK;
}

static void
chain_load(struct loading *from, struct chek_chain *ret)
{
    ret->range_count = chek_cursor_u64(&from->in);
    ret->row_count = chek_cursor_u64(&from->in);
    struct chek_bytes_view head = chek_cursor_view(&from->in, sizeof ret->head);
    if (from->in.error == CHEK_OK) {
        memcpy(ret->head, head.bytes, sizeof ret->head);
    }
}

static int
head_load(struct loading *from)
{
    struct chek_store *store = from->store;
    uint64_t magic = chek_cursor_u64(&from->in);
    uint16_t version = chek_cursor_u16(&from->in);
    uint16_t reserved = chek_cursor_u16(&from->in);
    uint32_t segment_row_count = chek_cursor_u32(&from->in);
    store->history_hash = chek_cursor_u64(&from->in);
    from->row_count = chek_cursor_u64(&from->in);
    from->line_count = chek_cursor_u64(&from->in);
    chain_load(from, &store->chain);
    if (from->in.error != CHEK_OK || magic != STORE__IMAGE_MAGIC || reserved != 0) {
        return CHEK_E_CORRUPT;
    }
    if (version != STORE__IMAGE_VERSION) {
        return CHEK_E_VERSION;
    }
    return segment_row_count == store->config.segment_row_count ? CHEK_OK : CHEK_E_CORRUPT;
}

/* Whether the chain at the end of a segment is over its rows and those before it. */
static bool
chain_rises(const struct chek_store *store, uint32_t index)
{
    const struct chek_segment *segment = store->segments[index];
    uint64_t before = index != 0 ? store->segments[index - 1]->chain.range_count : 0;
    return segment->chain.range_count == before + segment->set_count &&
           segment->chain.row_count == segment->first_row + segment->row_count;
}

static int
segments_load(struct loading *from, const struct chek_bytes_view *segments, uint32_t count)
{
    struct chek_store *store = from->store;
    if (chek_cursor_u32(&from->in) != count || from->in.error != CHEK_OK) {
        return CHEK_E_CORRUPT;
    }
    if (count == 0) {
        return CHEK_OK;
    }
    store->segments = chek_workspace_take(count * sizeof *store->segments);
    if (store->segments == NULL) {
        return -ENOMEM;
    }
    store->segment_count_max = count;
    for (uint32_t i = 0; i < count; i++) {
        struct chek_segment *segment;
        uint64_t sum = chek_cursor_u64(&from->in);
        int error = store__segment_load(&store->pool.shared->space, segments[i], &segment);
        if (error != CHEK_OK) {
            return error;
        }
        store->segments[i] = segment;
        store->segment_count += 1;
        chain_load(from, &segment->chain);
        bool is_merged = segment->set_count > 1 || segment->is_kept;
        if (segment->sum != sum || segment->first_row != store->sealed_row_count ||
            !chain_rises(store, i) || (is_merged && store->merged_count != i) ||
            (segment->is_kept && store->kept_count != i)) {
            return CHEK_E_CORRUPT;
        }
        store->kept_count += segment->is_kept;
        store->merged_count += is_merged;
        store->merged_set_count += is_merged ? segment->set_count : 0;
        store->sealed_row_count += segment->row_count;
        store->row_count += segment->row_count;
        store->line_count += segment->line_count;
        store->segment_size += store__segment_memory_size(segment);
        store->hour_size += segment->hour_size;
        error = bits_load(from, segment->replaced, segment->row_count, &segment->replaced_count);
        if (error != CHEK_OK) {
            return error;
        }
    }
    return CHEK_OK;
}

static int
dictionary_load(struct loading *from, struct store__dictionary *dictionary)
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
        if (store__pool_stock(pool, STORE__TEXT_PIECE_COUNT) != CHEK_OK) {
            return -ENOMEM;
        }
        if (store__dictionary_intern(dictionary, pool, text) != code) {
            return CHEK_E_CORRUPT; /* it was there already, or there is no room for it */
        }
    }
    return CHEK_OK;
}

static int
dictionaries_load(struct loading *from)
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

/* ---- open rows ---- */

/* Rows of a registration follow each other. */
static bool
row_follows(const struct store__set *set, const struct chek_row *row)
{
    uint32_t newest = store__set_newest(set, row->registration);
    if (newest == 0) {
        return true;
    }
    uint32_t ordinal = store__set_row(set, newest - 1)->ordinal;
    return ordinal != UINT32_MAX && ordinal + 1 == row->ordinal;
}

static bool
document_fits(const struct chek_row *row, const struct chek_document *document)
{
    bool kinds[] = {document->receipt != NULL, document->movement != NULL, document->close != NULL};
    return row->kind < CHEK_COUNT(kinds) && kinds[row->kind] &&
           kinds[0] + kinds[1] + kinds[2] == 1 && document->drive_report == NULL &&
           (document->receipt == NULL || !chek_receipt_is_personal(document->receipt));
}

static int
row_load(struct loading *from)
{
    struct chek_row row = {.registration = chek_cursor_u32(&from->in),
                           .ordinal = chek_cursor_u32(&from->in)};
    row.shift = chek_cursor_u32(&from->in);
    row.completes = chek_cursor_u32(&from->in);
    row.warnings = chek_cursor_u32(&from->in);
    row.binding = chek_cursor_u16(&from->in);
    row.kind = chek_cursor_u8(&from->in);
    uint8_t late = chek_cursor_u8(&from->in);
    row.late = late != 0;
    row.received_us = chek_cursor_u64(&from->in);
    uint32_t document_size = chek_cursor_u32(&from->in);
    uint32_t cell_size = chek_cursor_u32(&from->in);
    struct chek_bytes_view bytes = chek_cursor_view(&from->in, document_size);
    row.cell = chek_cursor_view(&from->in, cell_size);
    if (from->in.error != CHEK_OK || late > 1 || document_size > CHEK_COMMAND_BODY_SIZE_MAX ||
        cell_size > STORE__TEXT_SIZE_MAX || !row_follows(from->store->newest, &row)) {
        return CHEK_E_CORRUPT;
    }
    struct chek_document document;
    chek_arena_reset(&from->sealer->arena);
    int error =
        chek_document_decode_whole(bytes.bytes, bytes.size, &from->sealer->arena, &document, NULL);
    if (error != CHEK_OK || !document_fits(&row, &document)) {
        return CHEK_E_CORRUPT;
    }
    error = chek_store_ensure(from->store, 1, document_size, cell_size);
    if (error == CHEK_OK) {
        store__row_append(from->store, &row, &document, bytes);
    }
    return error;
}

/* Only the last set may have room left. */
static int
set_load(struct loading *from, bool last)
{
    struct store__set *set = from->store->newest;
    uint32_t count = chek_cursor_u32(&from->in);
    if (count > set->row_count_max || (!last && count < set->row_count_max) ||
        count > chek_cursor_left(&from->in) / STORE__IMAGE_ROW_SIZE) {
        return CHEK_E_CORRUPT;
    }
    int error = bits_load(from, set->replaced, count, &set->replaced_count);
    for (uint32_t i = 0; i < count && error == CHEK_OK; i++) {
        error = row_load(from);
    }
    return error;
}

/* The store was made with one empty set, which becomes the first. */
static int
sets_load(struct loading *from)
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
        error = set_load(from, i + 1 == count);
    }
    return error;
}

/* ---- chain ---- */

/* The chain is over what is sealed, whole ranges. */
static bool
chain_fits(const struct chek_store *store)
{
    static const uint8_t none[CHEK_CHAIN_SIZE];
    const struct chek_chain *chain = &store->chain;
    const struct chek_chain *last =
        store->segment_count != 0 ? &store->segments[store->segment_count - 1]->chain : chain;
    return memcmp(chain, last, sizeof *chain) == 0 && chain->row_count == store->sealed_row_count &&
           chain->range_count <= chain->row_count &&
           chek_store_range_first(store, chain->range_count) == chain->row_count &&
           (chain->range_count != 0 || memcmp(chain->head, none, sizeof none) == 0);
}

static int
store_load(struct loading *from, const struct chek_bytes_view *segments, uint32_t segment_count)
{
    struct chek_store *store = from->store;
    int error = head_load(from);
    if (error == CHEK_OK) {
        error = segments_load(from, segments, segment_count);
    }
    if (error == CHEK_OK) {
        error = dictionaries_load(from);
        store__texts_publish(store);
        store__pool_unstock(&store->pool, 0);
    }
    if (error == CHEK_OK) {
        error = store__sealer_take(store->pool.shared, &from->sealer);
    }
    if (error == CHEK_OK) {
        error = sets_load(from);
        store__sealer_give(store->pool.shared, from->sealer);
    }
    bool whole = chek_cursor_left(&from->in) == 0 && from->row_count == store->row_count &&
                 from->line_count == store->line_count && chain_fits(store);
    return error == CHEK_OK && !whole ? CHEK_E_CORRUPT : error;
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
    struct loading from = {.in = chek_cursor_over(image.bytes, image.size - 8)};
    int error = chek_store_create(config, &from.store);
    if (error != CHEK_OK) {
        return error;
    }
    error = store_load(&from, segments, segment_count);
    if (error != CHEK_OK) {
        chek_store_destroy(from.store);
        return error;
    }
    *ret = from.store;
    return CHEK_OK;
}
