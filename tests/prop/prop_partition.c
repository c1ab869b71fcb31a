/* SPDX-License-Identifier: MIT */
/*
 * prop_partition.c - laws of a partition over random histories.
 *
 *   same commands, same hash, in every build: GOLDEN_HASH below was made by one compiler and is
 *   wanted from all of them, at every optimisation level;
 *   sealing, or an image and its loading, at any moment changes neither hash nor anything later;
 *   an image that is written in steps, while commands are applied, is that of its moment;
 *   a command that was applied is skipped, a hole in the sequence is refused;
 *   event numbers have no gaps.
 */
#include <string.h>

#include "engine/base/assertion.h"
#include "engine/base/memory.h"
#include "engine/base/money.h"
#include "engine/fiscal/check.h"
#include "engine/partition/partition.h"
#include "tests/prop/prop.h"

#define REGISTERS 5
#define COMMANDS 1200
#define SEGMENT_ROWS 256
#define BODY_SIZE_MAX 8192
#define GOLDEN_SEED 20261123
#define GOLDEN_HASH UINT64_C(0x74a270c3670307a2)

/* ---- commands --------------------------------------------------------------------------------- */

struct history {
    struct chek_prng prng;
    uint32_t number[REGISTERS]; /* last regular number */
    uint32_t shift[REGISTERS];
    int64_t time;
    uint64_t seq;
    uint8_t body[BODY_SIZE_MAX];
    uint8_t last_body[BODY_SIZE_MAX]; /* of a document that may be repeated */
    size_t last_size;
    uint32_t last_register;
};

static struct chek_bytes_view
text_of(const char *const *texts, size_t count, uint64_t draw)
{
    return chek_bytes_view_text(texts[draw % count]);
}

/* A receipt in shape: lines with tax inside, one payment, sometimes a discount behind a line. */
static size_t
receipt_make(struct history *history, uint32_t index)
{
    static const char *const codes[] = {"A1", "B2", "C3", "D4", "хлеб", "молоко", "чай"};
    static const char *const people[] = {"", "Анна", "Болат", "Вера"};
    struct chek_prng *prng = &history->prng;
    struct chek_line lines[9] = {0};
    struct chek_tax taxes[9] = {0};
    uint32_t count = 0;
    int64_t total = 0;
    uint32_t wanted = 1 + (uint32_t)chek_prng_below(prng, 4);

    for (uint32_t i = 0; i < wanted; i++) {
        struct chek_line *line = &lines[count];
        line->code = text_of(codes, CHEK_COUNT(codes), chek_prng_next(prng));
        line->section = chek_bytes_view_text(chek_prng_chance(prng, 500000) ? "1" : "2");
        line->quantity = 1000000;
        line->price = line->sum = 1000 + (int64_t)chek_prng_below(prng, 100000);
        taxes[count] = (struct chek_tax){
            .kind = CHEK_TAX_KIND_VAT,
            .rate = 16000,
            .sum = chek_money_tax_included(line->sum, 16000),
        };
        line->taxes = &taxes[count];
        line->taxes_count = 1;
        total += line->sum;
        count += 1;
        if (chek_prng_chance(prng, 100000)) {
            lines[count] = (struct chek_line){.kind = CHEK_LINE_KIND_DISCOUNT, .sum = 100};
            total -= 100;
            count += 1;
        }
    }
    struct chek_payment payment = {.kind = (uint8_t)chek_prng_below(prng, 3), .sum = total};
    struct chek_receipt receipt = {
        .operation = (uint8_t)(chek_prng_chance(prng, 100000) ? 1 : 0),
        .time = history->time,
        .shift = history->shift[index],
        .document = ++history->number[index],
        .sign = chek_prng_next(prng) | 1,
        .operator= text_of(people, CHEK_COUNT(people), chek_prng_next(prng)),
        .total = total,
        .payments = &payment,
        .payments_count = 1,
        .lines = lines,
        .lines_count = count,
    };
    struct chek_document document = {.registration = index + 1, .receipt = &receipt};
    struct chek_writer out = chek_writer_over(history->body, sizeof history->body);
    chek_document_encode(&out, &document);
    CHEK_ASSERT(!out.full);
    return out.size;
}

static size_t
close_make(struct history *history, uint32_t index)
{
    struct chek_close close = {.time = history->time,
                               .shift = history->shift[index]++,
                               .document = ++history->number[index],
                               .withdraw = chek_prng_chance(&history->prng, 500000)};
    struct chek_document document = {.registration = index + 1, .close = &close};
    struct chek_writer out = chek_writer_over(history->body, sizeof history->body);
    chek_document_encode(&out, &document);
    return out.size;
}

static size_t
register_make(struct history *history, uint32_t index)
{
    char name[] = "KZ0";
    name[2] = (char)('0' + index);
    struct chek_register_key key = {.kind = 0, .value = chek_bytes_view_text(name)};
    struct chek_register profile = {
        .keys = &key,
        .keys_count = 1,
        .organisation = chek_bytes_view_text("123456789012"),
        .point = chek_bytes_view_text(chek_prng_chance(&history->prng, 500000) ? "P1" : "P2")};
    struct chek_command_register body = {.registration = index + 1, .profile = &profile};
    struct chek_writer out = chek_writer_over(history->body, sizeof history->body);
    chek_command_register_encode(&out, &body);
    return out.size;
}

static size_t
genesis_make(struct history *history)
{
    struct chek_genesis genesis = {
        .partitions = 4, .map_seed = 77, .dictionary_count_max = 1000, .dictionary_size_max = 1000};
    struct chek_writer out = chek_writer_over(history->body, sizeof history->body);
    memset(genesis.folder, 5, sizeof genesis.folder);
    chek_genesis_encode(&out, &genesis);
    return out.size;
}

/* The next command of the history. */
static struct chek_command
command_next(struct history *history)
{
    struct chek_prng *prng = &history->prng;
    uint32_t index = (uint32_t)chek_prng_below(prng, REGISTERS);
    struct chek_command command = {.envelope = {.partition = 3, .apply_version = 1}};
    struct chek_envelope *envelope = &command.envelope;
    size_t size;

    history->time += (int64_t)chek_prng_below(prng, 300);
    history->seq += 1;
    envelope->kind = CHEK_COMMAND_DOCUMENT;
    if (history->seq == 1) {
        envelope->kind = CHEK_COMMAND_GENESIS;
        size = genesis_make(history);
    } else if (history->seq <= REGISTERS + 1) {
        index = (uint32_t)history->seq - 2;
        envelope->kind = CHEK_COMMAND_REGISTER;
        size = register_make(history, index);
    } else if (chek_prng_chance(prng, 30000) && history->last_size != 0) {
        index = history->last_register;
        size = history->last_size;
        memcpy(history->body, history->last_body, size);
    } else if (chek_prng_chance(prng, 20000)) {
        size = close_make(history, index);
    } else {
        size = receipt_make(history, index);
        history->last_size = size;
        history->last_register = index;
        memcpy(history->last_body, history->body, size);
    }
    envelope->registration = index + 1;
    envelope->partition_seq = history->seq;
    envelope->time_us = UINT64_C(1800000000000000) + history->seq;
    envelope->entropy = chek_prng_next(prng);
    envelope->source = 9;
    envelope->source_offset = history->seq;
    command.body = chek_bytes_view_of(history->body, size);
    return command;
}

static void
history_begin(struct history *history, uint64_t seed)
{
    memset(history, 0, sizeof *history);
    chek_prng_init(&history->prng, seed);
    history->time = 1767225600;
    for (uint32_t i = 0; i < REGISTERS; i++) {
        history->shift[i] = 1;
    }
}

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
    struct history history;
    struct subject plain;
    struct subject busy;
    struct chek_prng when;
    struct chek_command command = {0};

    history_begin(&history, seed);
    chek_prng_init(&when, seed ^ 1);
    subject_begin(prop, &plain);
    subject_begin(prop, &busy);
    for (uint32_t i = 0; i < command_count; i++) {
        command = command_next(&history);
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
