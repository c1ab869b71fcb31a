/* SPDX-License-Identifier: MIT */
/*
 * image_write.c - a store as bytes, piece by piece.
 *
 * Rows are only ever added, and those of before stay where they are: how many there were at the
 * moment is all that has to be remembered of them. Texts, the chain and the list of segments change
 * when a segment is adopted, which waits for the end; a worker that seals meanwhile adds texts behind
 * those that are known. What else changes is that rows are replaced, which an undo takes back. So
 * the bytes are those of the moment, whenever they are written. The same walk counts, when it has
 * nowhere to write.
 */
#include "engine/base/assertion.h"
#include "engine/store/image.h"
#include "engine/store/segment.h"

/* What a piece costs beside its bytes, in bytes: about as much as 10 ns copy. */
#define PIECE_WORK 32
#define PIECE_BYTES_SIZE_MAX 65536 /* of the bytes of a row */

_Static_assert(STORE__SEGMENT_ROW_COUNT_MAX / 8 + 16 <= CHEK_STORE_PIECE_SIZE_MAX, "bits fit");
_Static_assert(STORE__DICTIONARY_TEXT_SIZE_MAX + 16 <= CHEK_STORE_PIECE_SIZE_MAX, "a text fits");
_Static_assert(PIECE_BYTES_SIZE_MAX <= CHEK_STORE_PIECE_SIZE_MAX, "a part of a row fits");

/* Where bytes go: to `out`, or nowhere while they are counted. */
struct walk {
    struct chek_writer *out; /* or NULL */
    size_t size;
    size_t work; /* the time that it took, as bytes */
};

static void
put(struct walk *to, const void *bytes, size_t size)
{
    to->size += size;
    to->work += size;
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

/* Bits as they were: without those that were set since. */
static void
put_bits(const struct store__image *image, struct walk *to, const uint64_t *bits,
         uint32_t bit_count, uint32_t set_count)
{
    for (uint32_t i = 0; i < image->undo_count; i++) {
        set_count -= image->undos[i].bits == bits;
    }
    to->work += image->undo_count;
    put_u32(to, set_count);
    if (set_count == 0) {
        return;
    }
    size_t size = ((size_t)bit_count + 63) / 64 * sizeof *bits;
    put(to, bits, size);
    if (to->out == NULL || to->out->full) {
        return;
    }
    uint8_t *written = to->out->bytes + to->out->size - size;
    for (uint32_t i = 0; i < image->undo_count; i++) {
        const struct store__image_undo *undo = &image->undos[i];
        if (undo->bits == bits && undo->row / 8 < size) {
            written[undo->row / 8] &= (uint8_t) ~(1u << (undo->row % 8));
        }
    }
}

static void
put_chain(struct walk *to, const struct chek_chain *chain)
{
    put_u64(to, chain->range_count);
    put_u64(to, chain->row_count);
    put(to, chain->head, sizeof chain->head);
}

/* Rows of the set at work, as of the moment. */
static uint32_t
set_row_count(const struct store__image *image)
{
    return image->index + 1 == image->set_count ? image->newest_row_count : image->set->row_count;
}

/* ---- pieces ---- */

static void
head_put(struct store__image *image, struct walk *to)
{
    put_u64(to, STORE__IMAGE_MAGIC);
    put_u16(to, STORE__IMAGE_VERSION);
    put_u16(to, 0);
    put_u32(to, image->store->config.segment_row_count);
    put_u64(to, image->history_hash);
    put_u64(to, image->row_count);
    put_u64(to, image->line_count);
    put_chain(to, &image->store->chain);
    put_u32(to, image->store->segment_count);
    image->part = STORE__IMAGE_SEGMENTS;
}

static void
segment_put(struct store__image *image, struct walk *to)
{
    if (image->index == image->store->segment_count) {
        put_u32(to, STORE__DICTIONARY_COUNT);
        image->index = 0;
        image->part = STORE__IMAGE_DICTIONARIES;
        return;
    }
    const struct chek_segment *segment = image->store->segments[image->index++];
    put_u64(to, segment->sum);
    put_chain(to, &segment->chain);
    put_bits(image, to, segment->replaced, segment->row_count, segment->replaced_count);
}

static void
dictionary_put(struct store__image *image, struct walk *to)
{
    if (image->index == STORE__DICTIONARY_COUNT) {
        put_u32(to, image->set_count);
        image->index = 0;
        image->set = image->store->oldest;
        image->part = STORE__IMAGE_SETS;
        return;
    }
    put_u32(to, image->store->texts[image->index].count);
    image->at = 0;
    image->part = STORE__IMAGE_TEXTS;
}

/* Texts that only open rows have get their codes again when those are sealed. */
static void
text_put(struct store__image *image, struct walk *to)
{
    const struct store__dictionary *dictionary = &image->store->dictionaries[image->index];
    uint32_t count = image->store->texts[image->index].count;
    if (to->out == NULL && image->at == 0) { /* counted without a look at every text */
        to->size += (size_t)count * 2 + (size_t)image->store->texts[image->index].size;
        image->at = count;
    }
    if (image->at == count) {
        image->index += 1;
        image->part = STORE__IMAGE_DICTIONARIES;
        return;
    }
    image->at += 1;
    struct chek_bytes_view text = store__dictionary_text(dictionary, image->at);
    put_u16(to, (uint16_t)text.size);
    put(to, text.bytes, text.size);
}

static void
set_put(struct store__image *image, struct walk *to)
{
    if (image->index == image->set_count) {
        image->part = STORE__IMAGE_SUM;
        return;
    }
    const struct store__set *set = image->set;
    uint32_t row_count = set_row_count(image);
    put_u32(to, row_count);
    put_bits(image, to, set->replaced, row_count, set->replaced_count);
    image->at = 0;
    image->part = STORE__IMAGE_ROWS;
    if (to->out == NULL) { /* counted at the moment itself, without a look at every row */
        to->size += (size_t)row_count * STORE__IMAGE_ROW_SIZE + (size_t)set->document_size +
                    (size_t)set->cell_size;
        image->at = row_count;
    }
}

static void
row_head_put(struct walk *to, const struct store__row *row)
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
}

static void
row_put(struct store__image *image, struct walk *to)
{
    if (image->at == set_row_count(image)) {
        image->set = image->set->next;
        image->index += 1;
        image->part = STORE__IMAGE_SETS;
        return;
    }
    row_head_put(to, store__set_row(image->set, image->at));
    image->byte_at = 0;
    image->part = STORE__IMAGE_BYTES;
}

/* The document and its cell, which stands behind it; both may be larger than a piece. */
static void
bytes_put(struct store__image *image, struct walk *to)
{
    const struct store__row *row = store__set_row(image->set, image->at);
    uint32_t left = row->document_size + row->cell_size - image->byte_at;
    uint32_t size = left < PIECE_BYTES_SIZE_MAX ? left : PIECE_BYTES_SIZE_MAX;
    put(to, row->bytes + image->byte_at, size);
    image->byte_at += size;
    if (size == left) {
        image->at += 1;
        image->part = STORE__IMAGE_ROWS;
    }
}

static void
piece_put(struct store__image *image, struct walk *to)
{
    static void (*const parts[STORE__IMAGE_SUM])(struct store__image * image, struct walk * to) = {
        [STORE__IMAGE_HEAD] = head_put,   [STORE__IMAGE_SEGMENTS] = segment_put,
        [STORE__IMAGE_TEXTS] = text_put,  [STORE__IMAGE_DICTIONARIES] = dictionary_put,
        [STORE__IMAGE_SETS] = set_put,    [STORE__IMAGE_ROWS] = row_put,
        [STORE__IMAGE_BYTES] = bytes_put,
    };
    parts[image->part](image, to);
    to->work += PIECE_WORK;
}

/* ---- the walk ---- */

void
store__image_start(struct store__image *image, const struct chek_store *store)
{
    *image = (struct store__image){
        .store = store,
        .history_hash = store->history_hash,
        .row_count = store->row_count,
        .line_count = store->line_count,
        .newest_row_count = store->newest->row_count,
    };
    for (const struct store__set *set = store->oldest; set != NULL; set = set->next) {
        image->set_count += 1;
    }
    chek_checksum_stream_init_seeded(&image->sum, STORE__IMAGE_MAGIC);
}

bool
store__image_run(struct store__image *image, size_t work, struct chek_writer *out)
{
    struct walk to = {.out = out};
    size_t begin = out->size;
    while (image->part != STORE__IMAGE_SUM && to.work < work && !out->full) {
        piece_put(image, &to);
    }
    chek_checksum_stream_add(&image->sum, out->bytes + begin, out->size - begin);
    if (image->part != STORE__IMAGE_SUM || out->full) {
        return false;
    }
    chek_writer_u64(out, chek_checksum_stream_sum(&image->sum));
    return true;
}

size_t
chek_store_image_size(const struct chek_store *store)
{
    struct store__image image;
    struct walk counting = {0};
    store__image_start(&image, store);
    while (image.part != STORE__IMAGE_SUM) {
        piece_put(&image, &counting);
    }
    return counting.size + 8;
}

void
chek_store_image_write(const struct chek_store *store, struct chek_writer *out)
{
    struct store__image image;
    store__image_start(&image, store);
    (void)store__image_run(&image, SIZE_MAX, out);
}
