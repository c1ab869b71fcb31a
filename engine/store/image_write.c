/* SPDX-License-Identifier: MIT */
/*
 * image_write.c - a store as bytes.
 *
 * One walk both counts and writes, so the size is exact by construction.
 */
#include "engine/base/assertion.h"
#include "engine/base/checksum.h"
#include "engine/store/image.h"
#include "engine/store/segment.h"

/* Where bytes go: to `out`, or nowhere while they are counted. */
struct walk {
    struct chek_writer *out; /* or NULL */
    size_t size;
};

static void
put(struct walk *to, const void *bytes, size_t size)
{
    to->size += size;
    if (to->out != NULL) {
        chek_writer_bytes(to->out, bytes, size);
    }
}

static void
put_u8(struct walk *to, uint8_t value)
{
    put(to, &value, sizeof value);
}

static void
put_u16(struct walk *to, uint16_t value)
{
    put(to, &value, sizeof value);
}

static void
put_u32(struct walk *to, uint32_t value)
{
    put(to, &value, sizeof value);
}

static void
put_u64(struct walk *to, uint64_t value)
{
    put(to, &value, sizeof value);
}

static void
put_bits(struct walk *to, const uint64_t *bits, uint32_t bit_count, uint32_t set_count)
{
    put_u32(to, set_count);
    if (set_count != 0) {
        put(to, bits, ((size_t)bit_count + 63) / 64 * sizeof *bits);
    }
}

static void
put_segments(struct walk *to, const struct chek_store *store)
{
    put_u32(to, store->segment_count);
    for (uint32_t i = 0; i < store->segment_count; i++) {
        const struct chek_segment *segment = store->segments[i];
        put_u64(to, segment->sum);
        put_bits(to, segment->replaced, segment->row_count, segment->replaced_count);
    }
}

static void
put_text(struct walk *to, struct chek_bytes_view text)
{
    put_u16(to, (uint16_t)text.size);
    put(to, text.bytes, text.size);
}

static void
put_dictionary(struct walk *to, const struct store__dictionary *dictionary)
{
    put_u32(to, dictionary->count);
    if (to->out == NULL) { /* without a look at every text */
        to->size += (size_t)dictionary->count * 2 + (size_t)dictionary->text_size;
        return;
    }
    for (uint32_t code = 1; code <= dictionary->count; code++) {
        put_text(to, store__dictionary_text(dictionary, code));
    }
}

/* Texts of rows may be longer than those of dictionaries. */
static void
put_strings(struct walk *to, const struct store__set *set, enum store__column column)
{
    for (uint32_t i = 0; i < set->child_count[store__columns[column].table]; i++) {
        struct chek_bytes_view text = store__set_text(set, store__set_value(set, column, i));
        put_u32(to, (uint32_t)text.size);
        put(to, text.bytes, text.size);
    }
}

static void
put_values(struct walk *to, const struct store__set *set, enum store__column column)
{
    static const uint8_t untouched[STORE__BLOCK_ROW_COUNT * 8];
    const struct store__column_info *info = &store__columns[column];
    uint32_t left = set->child_count[info->table];
    for (uint32_t i = 0; left != 0; i++) {
        const uint8_t *block = set->blocks[info->table][i];
        bool touched = (chek_load_u64(block) >> info->bit & 1) != 0;
        uint32_t count = left < STORE__BLOCK_ROW_COUNT ? left : STORE__BLOCK_ROW_COUNT;
        put(to, touched ? block + info->offset : untouched, (size_t)count * info->width);
        left -= count;
    }
}

static void
put_table(struct walk *to, const struct store__set *set, uint32_t table)
{
    put_u32(to, set->child_count[table]);
    for (uint32_t i = store__table_begin[table]; i < store__table_begin[table + 1]; i++) {
        const struct store__column_info *info = &store__columns[i];
        if (set->child_count[table] == 0 || !store__image_has_column(set, i)) {
            continue;
        }
        put_u16(to, info->id);
        put_u8(to, info->width);
        put_u8(to, info->need);
        if (info->kind == STORE__BYTES) {
            put_strings(to, set, i);
        } else {
            put_values(to, set, i);
        }
    }
    put_u16(to, STORE__IMAGE_COLUMNS_END);
}

static void
put_set(struct walk *to, const struct store__set *set)
{
    put_u32(to, set->row_count);
    for (uint32_t i = 0; i < set->row_count; i++) {
        put_u32(to, set->heads[i].registration);
        put_u32(to, set->heads[i].ordinal);
    }
    put_bits(to, set->replaced, set->row_count, set->replaced_count);
    for (uint32_t table = 0; table < STORE__TABLE_COUNT; table++) {
        put_table(to, set, table);
    }
}

static uint32_t
set_count(const struct chek_store *store)
{
    uint32_t count = 0;
    for (const struct store__set *set = store->oldest; set != NULL; set = set->next) {
        count += 1;
    }
    return count;
}

/* Everything but the sum. */
static void
put_store(struct walk *to, const struct chek_store *store)
{
    put_u64(to, STORE__IMAGE_MAGIC);
    put_u16(to, STORE__IMAGE_VERSION);
    put_u16(to, 0);
    put_u32(to, store->config.segment_row_count);
    put_u64(to, store->history_hash);
    put_u64(to, store->row_count);
    put_u64(to, store->line_count);
    put_u64(to, store->chain.range_count);
    put_u64(to, store->chain.row_count);
    put(to, store->chain.head, sizeof store->chain.head);
    put_segments(to, store);
    put_u32(to, STORE__DICTIONARY_COUNT);
    for (uint32_t i = 0; i < STORE__DICTIONARY_COUNT; i++) {
        put_dictionary(to, &store->dictionaries[i]);
    }
    put_u32(to, set_count(store));
    for (const struct store__set *set = store->oldest; set != NULL; set = set->next) {
        put_set(to, set);
    }
}

size_t
chek_store_image_size(const struct chek_store *store)
{
    struct walk counting = {0};
    put_store(&counting, store);
    return counting.size + 8;
}

void
chek_store_image_write(const struct chek_store *store, struct chek_writer *out)
{
    size_t begin = out->size;
    struct walk to = {.out = out};
    put_store(&to, store);
    if (out->full) {
        return;
    }
    chek_writer_u64(
        out, chek_checksum_seeded(out->bytes + begin, out->size - begin, STORE__IMAGE_MAGIC));
}
