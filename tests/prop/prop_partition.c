/* SPDX-License-Identifier: MIT */
/*
 * prop_partition.c - laws of a partition over random histories.
 *
 *   same commands, same hash, in every build that has this test: GOLDEN_HASH below (other compilers
 *   and levels are tests/state's job);
 *   sealing, or an image and its loading, at any moment changes neither hash nor anything later;
 *   an image that is written in steps, while commands are applied, is that of its moment;
 *   a command that was applied is skipped, a hole in the sequence is refused;
 *   event numbers have no gaps.
 */
#include <string.h>

#include "engine/base/assertion.h"
#include "engine/base/memory.h"
#include "engine/partition/partition.h"
#include "tests/prop/partition_history.h"
#include "tests/prop/prop.h"

#define COMMANDS 1200
#define SEGMENT_ROWS 256
#define GOLDEN_SEED 20261123
#define GOLDEN_HASH UINT64_C(0x74a270c3670307a2)

/* ---- a partition under test ------------------------------------------------------------------- */

struct subject {
    struct chek_partition *partition;
    struct chek_seal *seal; /* run, and waiting for the image that is being written */
    uint8_t *want;          /* the image as it was at its moment; NULL = none is being written */
    size_t want_size;
    struct chek_writer out;
    uint64_t event_seq; /* last one seen */
    bool event_gap;
};

static void
on_event(void *context, uint16_t partition, uint64_t event_seq, const struct chek_event *event)
{
    struct subject *subject = context;
    (void)event;
    subject->event_gap |= partition != 3 || event_seq != subject->event_seq + 1;
    subject->event_seq = event_seq;
}

static const struct chek_partition_config config = {.number = 3,
                                                    .page_count_max = 65536,
                                                    .segment_row_count = SEGMENT_ROWS};

static void
subject_begin(struct prop *prop, struct subject *subject)
{
    struct chek_partition_sink sink = {subject, on_event};
    *subject = (struct subject){0};
    int error = chek_partition_create(&config, &sink, &subject->partition);
    PROP_CHECK(prop, error == CHEK_OK);
}

static void
subject_apply(struct prop *prop, struct subject *subject, const struct chek_command *command)
{
    struct chek_outcome outcome;
    int error = chek_partition_ensure(subject->partition, command->body.size);
    PROP_CHECK(prop, error == CHEK_OK);
    error = chek_partition_apply(subject->partition, command, &outcome);
    PROP_CHECK(prop, error == CHEK_OK);
    PROP_CHECK(prop, !subject->event_gap);
    PROP_CHECK(prop, chek_partition_event_seq(subject->partition) == subject->event_seq);
}

static void
subject_seal(struct subject *subject)
{
    struct chek_store *store = chek_partition_store(subject->partition);
    if (subject->seal == NULL) {
        subject->seal = chek_store_seal_begin(store);
        if (subject->seal != NULL) {
            chek_seal_run(subject->seal);
        }
    }
    if (subject->seal != NULL && !chek_store_image_is_open(store)) {
        chek_seal_adopt(subject->seal);
        subject->seal = NULL;
    }
}

static void
image_begin(struct prop *prop, struct subject *subject)
{
    struct chek_partition_heaps heaps;
    subject->want_size = chek_partition_image_size(subject->partition);
    subject->want = chek_memory_allocate(subject->want_size);
    size_t room_size = subject->want_size + 2 * CHEK_PARTITION_PIECE_SIZE_MAX;
    uint8_t *room = chek_memory_allocate(room_size);
    PROP_CHECK(prop, subject->want != NULL && room != NULL);
    subject->out = chek_writer_over(room, room_size);
    struct chek_writer want = chek_writer_over(subject->want, subject->want_size);
    chek_partition_image_write(subject->partition, &want);
    PROP_CHECK(prop, !want.full && want.size == subject->want_size);
    chek_partition_heaps(subject->partition, &heaps);
    PROP_CHECK(prop, chek_partition_heaps_prepare(&heaps) == CHEK_OK);
    PROP_CHECK(prop, chek_partition_image_begin(subject->partition) == CHEK_OK);
}

static void
image_end(struct subject *subject)
{
    struct chek_partition_heaps heaps;
    chek_partition_image_end(subject->partition);
    chek_partition_heaps(subject->partition, &heaps);
    chek_partition_heaps_discard(&heaps);
    if (subject->want != NULL) {
        chek_memory_free(subject->want, subject->want_size);
        chek_memory_free(subject->out.bytes, subject->out.capacity);
        subject->want = NULL;
    }
}

static void
image_step(struct prop *prop, struct subject *subject, struct chek_prng *when)
{
    size_t before = subject->out.size;
    size_t work = 1 + (size_t)chek_prng_below(when, 2 * CHEK_PAGE_SIZE);
    bool is_whole = chek_partition_image_step(subject->partition, work, &subject->out);
    size_t size = subject->out.size - before;
    PROP_CHECK(prop, size <= work + CHEK_PARTITION_PIECE_SIZE_MAX);
    if (is_whole) {
        PROP_CHECK(prop, subject->out.size == subject->want_size);
        PROP_CHECK(prop, memcmp(subject->out.bytes, subject->want, subject->want_size) == 0);
        image_end(subject);
    }
}

/* Out into an image and its segments, and back. */
static void
subject_reload(struct prop *prop, struct subject *subject)
{
    struct chek_partition_sink sink = {subject, on_event};
    struct chek_store *store = chek_partition_store(subject->partition);
    uint32_t count = chek_segment_count(store);
    struct chek_bytes_view segments[COMMANDS / SEGMENT_ROWS + 2];
    struct chek_partition *loaded;
    size_t size = chek_partition_image_size(subject->partition);
    uint8_t *bytes = chek_memory_allocate(size);
    PROP_CHECK(prop, bytes != NULL && count < CHEK_COUNT(segments));
    struct chek_writer out = chek_writer_over(bytes, size);
    chek_partition_image_write(subject->partition, &out);
    PROP_CHECK(prop, !out.full);
    for (uint32_t i = 0; i < count; i++) {
        segments[i] = chek_segment_bytes(store, i);
    }
    int error = chek_partition_load(&config, &sink, chek_bytes_view_of(bytes, out.size), segments,
                                    count, &loaded);
    PROP_CHECK(prop, error == CHEK_OK);
    PROP_CHECK(prop, chek_partition_hash(loaded) == chek_partition_hash(subject->partition));
    PROP_CHECK(prop, chek_partition_seq(loaded) == chek_partition_seq(subject->partition));
    chek_partition_destroy(subject->partition);
    subject->partition = loaded;
    chek_memory_free(bytes, size);
}

/* ---- laws ------------------------------------------------------------------------------------- */

/* Skipping, holes, sources: the sequence is the partition's own business. */
static void
check_sequence(struct prop *prop, struct subject *subject, const struct chek_command *last)
{
    struct chek_outcome outcome;
    struct chek_command command = *last;
    uint64_t hash = chek_partition_hash(subject->partition);
    PROP_CHECK(prop, chek_partition_apply(subject->partition, &command, &outcome) == 1);
    command.envelope.partition_seq += 2;
    PROP_CHECK(prop, chek_partition_apply(subject->partition, &command, &outcome) == CHEK_E_GAP);
    PROP_CHECK(prop, chek_partition_hash(subject->partition) == hash);
    PROP_CHECK(prop,
               chek_partition_source_offset(subject->partition, 9) == last->envelope.source_offset);
    PROP_CHECK(prop, chek_partition_source_offset(subject->partition, 8) == 0);
}

/* One history through a plain partition, and through one that seals and reloads when it likes. */
static uint64_t
round_run(struct prop *prop, uint64_t seed, uint32_t command_count)
{
    struct partition_history history;
    struct subject plain;
    struct subject busy;
    struct chek_prng when;
    struct chek_command command = {0};

    partition_history_begin(&history, seed);
    chek_prng_init(&when, seed ^ 1);
    subject_begin(prop, &plain);
    subject_begin(prop, &busy);
    for (uint32_t i = 0; i < command_count; i++) {
        command = partition_history_next(&history);
        subject_apply(prop, &plain, &command);
        subject_apply(prop, &busy, &command);
        if (chek_prng_chance(&when, 20000)) {
            subject_seal(&busy);
        }
        if (chek_prng_chance(&when, 5000) && busy.seal == NULL) {
            image_end(&busy);
            subject_reload(prop, &busy);
        }
        if (busy.want != NULL && chek_prng_chance(&when, 300000)) {
            image_step(prop, &busy, &when);
        } else if (busy.want == NULL && chek_prng_chance(&when, 50000)) {
            image_begin(prop, &busy);
        }
    }
    check_sequence(prop, &plain, &command);
    PROP_CHECK(prop, plain.event_seq == busy.event_seq);
    uint64_t hash = chek_partition_hash(plain.partition);
    PROP_CHECK(prop, hash == chek_partition_hash(busy.partition));
    image_end(&busy);
    chek_seal_drop(busy.seal);
    chek_partition_destroy(plain.partition);
    chek_partition_destroy(busy.partition);
    return hash;
}

int
main(int argc, char **argv)
{
    struct prop prop = prop_begin(argc, argv, 8);
    struct chek_prng prng;

    uint64_t golden = round_run(&prop, GOLDEN_SEED, COMMANDS);
    if (golden != GOLDEN_HASH) {
        fprintf(stderr,
                "the state hash of seed %d is 0x%016" PRIx64 " here, not GOLDEN_HASH; when state "
                "changed its format on purpose, write that into the test and into the changelog\n",
                GOLDEN_SEED, golden);
    }
    PROP_CHECK(&prop, golden == GOLDEN_HASH);
    while (prop_next(&prop, &prng)) {
        (void)round_run(&prop, chek_prng_next(&prng), 200 + (uint32_t)chek_prng_below(&prng, 600));
    }
    return 0;
}
