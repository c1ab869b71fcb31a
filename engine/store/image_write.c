/* SPDX-License-Identifier: MIT */
/*
 * image_write.c - a store as bytes, piece by piece.
 *
 * Rows and texts are only ever added, and those of before stay where they are: how many there were
 * at the moment is all that has to be remembered of it. What else changes behind that watermark is
 * small: a column of the newest set's last blocks may get its first value, which `touched` takes
 * back, and a row may be replaced, which an undo takes back. So the bytes are those of the moment,
 * whenever they are written. The same walk counts, when it has nowhere to write.
 */
#include "engine/base/assertion.h"
#include "engine/store/image.h"
#include "engine/store/segment.h"

/* What a piece costs beside its bytes, in bytes: about as much as 10 ns copy. */
#define PIECE_WORK 32
#define PIECE_ROW_COUNT 128  /* of the heads of a set */
#define PIECE_BLOCK_COUNT 64 /* of those that are asked which columns they have */

_Static_assert(STORE__SEGMENT_ROW_COUNT_MAX / 8 + 16 <= CHEK_STORE_PIECE_SIZE_MAX, "bits fit");
_Static_assert(STORE__TEXT_SIZE_MAX + 16 <= CHEK_STORE_PIECE_SIZE_MAX, "a text fits");
_Static_assert(STORE__BLOCK_ROW_COUNT * 8 <= CHEK_STORE_PIECE_SIZE_MAX, "a block's column fits");

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

/* ---- the newest set as it was ---- */

static bool
is_newest(const struct store__image *image)
{
    return image->index + 1 == image->set_count;
}

/* Rows of a table of the set at work. */
static uint32_t
row_count_of(const struct store__image *image, uint32_t table)
{
    return is_newest(image) ? image->newest_counts[table] : image->set->child_count[table];
}

static uint32_t
block_count_of(const struct store__image *image, uint32_t table)
{
    return (row_count_of(image, table) + STORE__BLOCK_ROW_COUNT - 1) / STORE__BLOCK_ROW_COUNT;
}

/* Which columns of a block had a value. */
static uint64_t
touched_of(const struct store__image *image, uint32_t table, uint32_t block)
{
    if (is_newest(image) && block + 1 == block_count_of(image, table)) {
        return image->newest_touched[table];
    }
    return chek_load_u64(image->set->blocks[table][block]);
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
    put_u32(to, image->segment_count);
    image->part = STORE__IMAGE_SEGMENTS;
}

static void
segment_put(struct store__image *image, struct walk *to)
{
    if (image->index == image->segment_count) {
        put_u32(to, STORE__DICTIONARY_COUNT);
        image->index = 0;
        image->part = STORE__IMAGE_DICTIONARIES;
        return;
    }
    const struct chek_segment *segment = image->store->segments[image->index++];
    put_u64(to, segment->sum);
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
    put_u32(to, image->text_counts[image->index]);
    image->at = 0;
    image->part = STORE__IMAGE_TEXTS;
}

static void
text_put(struct store__image *image, struct walk *to)
{
    const struct store__dictionary *dictionary = &image->store->dictionaries[image->index];
    uint32_t count = image->text_counts[image->index];
    if (to->out == NULL && image->at == 0) { /* counted without a look at every text */
        to->size += (size_t)count * 2 + (size_t)dictionary->text_size;
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
    put_u32(to, row_count_of(image, STORE__DOCUMENT));
    image->at = 0;
    image->part = STORE__IMAGE_ROWS;
}

static void
rows_put(struct store__image *image, struct walk *to)
{
    const struct store__set *set = image->set;
    uint32_t row_count = row_count_of(image, STORE__DOCUMENT);
    if (image->at == row_count) {
        put_bits(image, to, set->replaced, row_count, set->replaced_count);
        image->table = 0;
        image->part = STORE__IMAGE_TABLES;
        return;
    }
    for (uint32_t i = 0; i < PIECE_ROW_COUNT && image->at < row_count; i++, image->at++) {
        put_u32(to, set->heads[image->at].registration);
        put_u32(to, set->heads[image->at].ordinal);
    }
}

static void
table_put(struct store__image *image, struct walk *to)
{
    if (image->table == STORE__TABLE_COUNT) {
        image->set = image->set->next;
        image->index += 1;
        image->part = STORE__IMAGE_SETS;
        return;
    }
    put_u32(to, row_count_of(image, image->table));
    image->at = 0;
    image->touched = 0;
    image->column = store__table_begin[image->table];
    image->part = STORE__IMAGE_TOUCHED;
}

/* Which columns does any block of the table have? */
static void
touched_collect(struct store__image *image, struct walk *to)
{
    uint32_t block_count = block_count_of(image, image->table);
    for (uint32_t i = 0; i < PIECE_BLOCK_COUNT && image->at < block_count; i++, image->at++) {
        image->touched |= touched_of(image, image->table, image->at);
        to->work += PIECE_WORK;
    }
    if (image->at == block_count) {
        image->part = STORE__IMAGE_COLUMNS;
    }
}

static void
column_put(struct store__image *image, struct walk *to)
{
    if (image->column == store__table_begin[image->table + 1]) {
        put_u16(to, STORE__IMAGE_COLUMNS_END);
        image->table += 1;
        image->part = STORE__IMAGE_TABLES;
        return;
    }
    const struct store__column_info *info = &store__columns[image->column];
    bool has_values =
        image->column == store__table_begin[image->table] || (image->touched >> info->bit & 1) != 0;
    if (row_count_of(image, image->table) == 0 || !has_values) {
        image->column += 1;
        return;
    }
    put_u16(to, info->id);
    put_u8(to, info->width);
    put_u8(to, info->need);
    image->at = 0;
    image->part = STORE__IMAGE_VALUES;
}

/* A string of a column, which may be longer than those of dictionaries. */
static void
string_put(struct store__image *image, struct walk *to)
{
    uint64_t place = store__set_value(image->set, image->column, image->at);
    struct chek_bytes_view text = store__set_text(image->set, place);
    put_u32(to, (uint32_t)text.size);
    put(to, text.bytes, text.size);
    image->at += 1;
}

/* A block's part of a column. */
static void
block_put(struct store__image *image, struct walk *to, uint32_t row_count)
{
    static const uint8_t untouched[STORE__BLOCK_ROW_COUNT * 8];
    const struct store__column_info *info = &store__columns[image->column];
    uint32_t block = image->at / STORE__BLOCK_ROW_COUNT;
    bool touched = (touched_of(image, image->table, block) >> info->bit & 1) != 0;
    const uint8_t *values = image->set->blocks[image->table][block];
    uint32_t left = row_count - image->at;
    uint32_t count = left < STORE__BLOCK_ROW_COUNT ? left : STORE__BLOCK_ROW_COUNT;
    put(to, touched ? values + info->offset : untouched, (size_t)count * info->width);
    image->at += count;
}

static void
values_put(struct store__image *image, struct walk *to)
{
    uint32_t row_count = row_count_of(image, image->table);
    if (image->at == row_count) {
        image->column += 1;
        image->part = STORE__IMAGE_COLUMNS;
    } else if (store__columns[image->column].kind == STORE__BYTES) {
        string_put(image, to);
    } else {
        block_put(image, to, row_count);
    }
}

static void
piece_put(struct store__image *image, struct walk *to)
{
    static void (*const parts[STORE__IMAGE_SUM])(struct store__image * image, struct walk * to) = {
        [STORE__IMAGE_HEAD] = head_put,      [STORE__IMAGE_SEGMENTS] = segment_put,
        [STORE__IMAGE_TEXTS] = text_put,     [STORE__IMAGE_DICTIONARIES] = dictionary_put,
        [STORE__IMAGE_SETS] = set_put,       [STORE__IMAGE_ROWS] = rows_put,
        [STORE__IMAGE_TABLES] = table_put,   [STORE__IMAGE_TOUCHED] = touched_collect,
        [STORE__IMAGE_COLUMNS] = column_put, [STORE__IMAGE_VALUES] = values_put,
    };
    parts[image->part](image, to);
    to->work += PIECE_WORK;
}

/* ---- the walk ---- */

void
store__image_start(struct store__image *image, const struct chek_store *store)
{
    const struct store__set *newest = store->newest;
    *image = (struct store__image){
        .store = store,
        .history_hash = store->history_hash,
        .row_count = store->row_count,
        .line_count = store->line_count,
        .segment_count = store->segment_count,
    };
    for (const struct store__set *set = store->oldest; set != NULL; set = set->next) {
        image->set_count += 1;
    }
    for (uint32_t i = 0; i < STORE__DICTIONARY_COUNT; i++) {
        image->text_counts[i] = store->dictionaries[i].count;
    }
    for (uint32_t i = 0; i < STORE__TABLE_COUNT; i++) {
        uint32_t count = newest->child_count[i];
        image->newest_counts[i] = count;
        if (count != 0) {
            image->newest_touched[i] =
                chek_load_u64(newest->blocks[i][(count - 1) >> STORE__BLOCK_SHIFT]);
        }
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
