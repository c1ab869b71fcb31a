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

/* Texts that only open rows have get their codes again when those are sealed. */
static void
put_dictionary(struct walk *to, const struct chek_store *store, uint32_t kind)
{
    const struct store__texts *texts = &store->texts[kind];
    put_u32(to, texts->count);
    if (to->out == NULL) { /* without a look at every text */
        to->size += (size_t)texts->count * 2 + (size_t)texts->size;
        return;
    }
    for (uint32_t code = 1; code <= texts->count; code++) {
        put_text(to, store__dictionary_text(&store->dictionaries[kind], code));
    }
}

static void
put_row(struct walk *to, const struct store__row *row)
{
    uint8_t head[STORE__IMAGE_ROW_SIZE];
    struct chek_writer out = chek_writer_over(head, sizeof head);
    chek_writer_u32(&out, row->registration);
    chek_writer_u32(&out, row->ordinal);
    chek_writer_u32(&out, row->shift);
    chek_writer_u32(&out, row->completes);
    chek_writer_u32(&out, row->warnings);
    chek_writer_u16(&out, row->binding);
    chek_writer_u8(&out, row->flags & STORE__FLAG_KIND);
    chek_writer_u8(&out, (row->flags & STORE__FLAG_LATE) != 0);
    chek_writer_u64(&out, row->received);
    chek_writer_u32(&out, row->document_size);
    chek_writer_u32(&out, row->cell_size);
    CHEK_ASSERT(!out.full && out.size == sizeof head);
    put(to, head, sizeof head);
    put(to, row->bytes, (size_t)row->document_size + row->cell_size);
}

static void
put_set(struct walk *to, const struct store__set *set)
{
    put_u32(to, set->row_count);
    put_bits(to, set->replaced, set->row_count, set->replaced_count);
    if (to->out == NULL) { /* without a look at every row */
        to->size += (size_t)set->row_count * STORE__IMAGE_ROW_SIZE + (size_t)set->document_size +
                    (size_t)set->cell_size;
        return;
    }
    for (uint32_t i = 0; i < set->row_count; i++) {
        put_row(to, store__set_row(set, i));
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
        put_dictionary(to, store, i);
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
