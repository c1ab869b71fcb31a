/* SPDX-License-Identifier: MIT */
/*
 * fuzz_partition.c - damaged images of a partition are refused, or are a partition that goes on.
 *
 * An image is large and mostly content, so the input is damage of a sound one, of some registers'
 * history with sealed segments: each four bytes {offset u24, value} behind byte 0 change one. By
 * byte 0 sums are left as they are, and any damage is refused, or made right: then what loads and is
 * whole (chek_partition_is_valid()) is asked, writes the image that it was loaded from, and applies
 * what comes next.
 */
#include <errno.h>
#include <string.h>

#include "engine/base/assertion.h"
#include "engine/base/checksum.h"
#include "engine/base/cursor.h"
#include "engine/base/memory.h"
#include "engine/partition/partition.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/store_resum.h"
#include "tests/prop/partition_history.h"

#define COMMAND_COUNT 60
#define NEXT_COUNT 20
#define SEGMENT_COUNT_MAX 16
#define DAMAGE_COUNT_MAX 64
#define TAIL_SIZE 48
#define TAIL_SUMMED_SIZE 40
#define TAIL_MAGIC 0x504b4843u

static const struct chek_partition_config config = {.number = 3,
                                                    .page_count_max = 4096,
                                                    .segment_row_count = 8};

/* What all inputs damage, made once. */
static struct {
    struct partition_history history;
    struct chek_partition *partition; /* lends the segments' bytes */
    struct chek_bytes_view segments[SEGMENT_COUNT_MAX];
    uint32_t segment_count;
    uint64_t hash;
    uint8_t *image;
    size_t size;
} sound;

static uint8_t arena_bytes[1 << 20];

static void
on_event(void *context, uint16_t partition, uint64_t event_seq, const struct chek_event *event)
{
    (void)context;
    (void)partition;
    (void)event_seq;
    (void)event;
}

static const struct chek_partition_sink sink = {NULL, on_event};

static void
seal(struct chek_partition *partition)
{
    struct chek_seal *job = chek_store_seal_begin(chek_partition_store(partition));
    if (job != NULL) {
        chek_seal_run(job);
        chek_seal_adopt(job);
    }
}

/* Go on with a history, by so many commands; until one does not fit. */
static void
history_apply(struct chek_partition *partition, struct partition_history *history, unsigned count)
{
    int error = CHEK_OK;
    for (unsigned i = 0; i < count && error == CHEK_OK; i++) {
        struct chek_command command = partition_history_next(history);
        struct chek_outcome outcome;
        error = chek_partition_ensure(partition, command.body.size);
        if (error == CHEK_OK) {
            error = chek_partition_apply(partition, &command, &outcome);
        }
        seal(partition);
    }
}

static void
sound_make(void)
{
    int error = chek_partition_create(&config, &sink, &sound.partition);
    CHEK_ASSERT(error == CHEK_OK);
    partition_history_begin(&sound.history, 1);
    history_apply(sound.partition, &sound.history, COMMAND_COUNT);
    CHEK_ASSERT(chek_partition_seq(sound.partition) == COMMAND_COUNT);
    const struct chek_store *store = chek_partition_store(sound.partition);
    sound.segment_count = chek_segment_count(store);
    CHEK_ASSERT(sound.segment_count > 2 && sound.segment_count <= SEGMENT_COUNT_MAX);
    for (uint32_t i = 0; i < sound.segment_count; i++) {
        sound.segments[i] = chek_segment_bytes(store, i);
    }
    sound.size = chek_partition_image_size(sound.partition);
    sound.image = chek_memory_allocate(sound.size);
    CHEK_ASSERT(sound.image != NULL);
    struct chek_writer out = chek_writer_over(sound.image, sound.size);
    chek_partition_image_write(sound.partition, &out);
    CHEK_ASSERT(!out.full && out.size == sound.size);
    sound.hash = chek_partition_hash(sound.partition);
}

/* ---- images ----------------------------------------------------------------------------------- */

/* The sum of the store's part, of both parts, of the tail. */
static void
resum(uint8_t *image, size_t size)
{
    uint8_t *tail = image + size - TAIL_SIZE;
    uint64_t pages_size = chek_load_u64(tail + 16);
    size_t parts_size = size - TAIL_SIZE;
    if (pages_size < parts_size) {
        store_resum_image(image + pages_size, parts_size - (size_t)pages_size);
    }
    chek_store_u64(tail + 32, chek_checksum(image, parts_size));
    chek_store_u64(tail + 40, chek_checksum_seeded(tail, TAIL_SUMMED_SIZE, TAIL_MAGIC));
}

/* Whether anything is not what it was. */
static bool
damage(uint8_t *image, struct chek_cursor *in)
{
    for (unsigned i = 0; i < DAMAGE_COUNT_MAX && chek_cursor_left(in) >= 4; i++) {
        size_t offset = chek_cursor_u8(in);
        offset = (offset << 16 | chek_cursor_u16(in)) % sound.size;
        image[offset] = chek_cursor_u8(in);
    }
    return memcmp(image, sound.image, sound.size) != 0;
}

/* What was loaded and not changed is written as it was. */
static void
image_judge(const struct chek_partition *partition, const uint8_t *image)
{
    size_t size = chek_partition_image_size(partition);
    uint8_t *bytes = chek_memory_allocate(size);
    CHEK_ASSERT(bytes != NULL && size == sound.size);
    struct chek_writer out = chek_writer_over(bytes, size);
    chek_partition_image_write(partition, &out);
    CHEK_ASSERT(!out.full && memcmp(bytes, image, size) == 0);
    chek_memory_free(bytes, size);
}

/* ---- questions -------------------------------------------------------------------------------- */

static bool
on_shift(void *context, const struct chek_shift *shift)
{
    *(uint64_t *)context += shift->shift;
    return true;
}

static void
ask(const struct chek_partition *partition)
{
    const struct chek_fiscal *fiscal = chek_partition_fiscal(partition);
    uint64_t count = chek_partition_registration_count(partition);
    for (uint32_t i = 1; i <= count + 1 && i < 10; i++) {
        struct chek_fiscal_now now;
        struct chek_registered known;
        struct chek_answer_report report;
        struct chek_arena arena;
        uint32_t warned[CHEK_WARNING_COUNT];
        uint32_t ordinal;
        uint64_t sum = 0;
        if (chek_fiscal_now(fiscal, i, &now) != CHEK_OK) {
            continue;
        }
        chek_arena_init_over(&arena, arena_bytes, sizeof arena_bytes);
        (void)!chek_fiscal_registration(fiscal, i, &arena, &known);
        (void)!chek_fiscal_warned(fiscal, i, warned);
        (void)!chek_fiscal_find_document(fiscal, i, 1, &ordinal);
        for (uint32_t shift = 1; shift <= 3; shift++) {
            chek_arena_init_over(&arena, arena_bytes, sizeof arena_bytes);
            (void)!chek_fiscal_report(fiscal, i, shift, 0, false, &arena, &report);
            (void)!chek_fiscal_close_find(fiscal, i, shift, &ordinal);
        }
        chek_arena_init_over(&arena, arena_bytes, sizeof arena_bytes);
        (void)!chek_fiscal_shifts(fiscal, i, 0, 0, &arena, on_shift, &sum);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct chek_cursor in = chek_cursor_over(bytes, size);
    struct chek_partition *partition;
    bool is_resummed = chek_cursor_u8(&in) % 2 != 0;
    if (sound.image == NULL) {
        sound_make();
    }
    uint8_t *image = chek_memory_allocate(sound.size);
    CHEK_ASSERT(image != NULL);
    memcpy(image, sound.image, sound.size);
    bool is_damaged = damage(image, &in);
    if (is_resummed) {
        resum(image, sound.size);
    }
    int error = chek_partition_load(&config, &sink, chek_bytes_view_of(image, sound.size),
                                    sound.segments, sound.segment_count, &partition);
    CHEK_ASSERT(error == CHEK_OK || error == CHEK_E_CORRUPT || error == CHEK_E_VERSION ||
                error == CHEK_E_FULL || error == -ENOMEM);
    CHEK_ASSERT(is_damaged || error == CHEK_OK);
    CHEK_ASSERT(!is_damaged || is_resummed || error != CHEK_OK);
    if (error == CHEK_OK && chek_partition_is_valid(partition)) {
        struct partition_history history = sound.history;
        CHEK_ASSERT(is_damaged || chek_partition_hash(partition) == sound.hash);
        ask(partition);
        image_judge(partition, image);
        history_apply(partition, &history, NEXT_COUNT);
        CHEK_ASSERT(is_damaged || chek_partition_seq(partition) == COMMAND_COUNT + NEXT_COUNT);
    }
    if (error == CHEK_OK) {
        chek_partition_destroy(partition);
    }
    chek_memory_free(image, sound.size);
    return 0;
}
