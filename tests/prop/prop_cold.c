/* SPDX-License-Identifier: MIT */
/*
 * prop_cold.c - a store whose sealed rows come and go, against one that has all of them.
 *
 * Both get the same rows, seal and merge at the same moments. Segments of one are copied to files;
 * from then on their groups leave memory at random. Whether a question waits for them or asks and
 * is run again, the answers are the same. When a bit of a file is turned, what needs its group is
 * CORRUPT, everything else is right, and so is that again when the bit is turned back. A load from
 * fronts alone is the same store.
 */
#include "engine/base/memory.h"
#include "engine/store/cold.h"
#include "engine/store/marking_search.h"
#include "engine/store/segment.h"
#include "engine/store/sign_search.h"
#include "engine/store/sums.h"
#include "tests/prop/prop.h"
#include "tests/prop/random_document.h"

#define STEP_COUNT 1200
#define REGISTRATION_COUNT 5
#define TIME_MIN INT64_C(1767225600)
#define TIME_RANGE 172800
#define ROW_COUNT_MAX 1200
#define FILE_COUNT_MAX 2048
#define ARENA_SIZE ((size_t)64 * 1024 * 1024)
#define PARTITION 9

static struct chek_arena documents;

struct file {
    uint64_t number;
    uint8_t *bytes;
    size_t size;
};

struct round {
    struct prop *prop;
    struct chek_prng *prng;
    struct chek_store *cold, *whole;
    struct chek_store_pool *pool;
    struct chek_store_config config;
    struct random_document_options options;
    struct chek_row rows[ROW_COUNT_MAX];
    uint64_t signs[ROW_COUNT_MAX];
    struct {
        uint8_t size, bytes[CHEK_MARKING_SIZE_MAX];
    } codes[ROW_COUNT_MAX]; /* of marked goods: the first of a row; size 0: none */
    uint32_t row_count;
    uint32_t ordinals[REGISTRATION_COUNT];
    struct file files[FILE_COUNT_MAX];
    uint32_t file_count, told_count;
    uint32_t wait_count, ask_count, corrupt_count;
};

static uint32_t
below(struct round *round, uint64_t bound)
{
    return (uint32_t)chek_prng_below(round->prng, bound);
}

/* ---- files ------------------------------------------------------------------------------------ */

static struct file *
file_find(struct round *round, uint64_t number)
{
    for (uint32_t i = 0; i < round->file_count; i++) {
        if (round->files[i].number == number) {
            return &round->files[i];
        }
    }
    return NULL;
}

static int
file_read(void *context, const struct chek_segment_file *file, uint64_t offset, uint8_t *bytes,
          size_t size)
{
    struct round *round = context;
    const struct file *from = file_find(round, file->number);
    PROP_CHECK(round->prop, from != NULL && file->partition == PARTITION);
    PROP_CHECK(round->prop, offset <= from->size && size <= from->size - offset);
    memcpy(bytes, from->bytes + offset, size);
    return CHEK_OK;
}

static void
file_rotten(void *context, const struct chek_segment_file *file, uint64_t offset)
{
    struct round *round = context;
    PROP_CHECK(round->prop, file->partition == PARTITION && offset != 0);
    round->told_count += 1;
}

/* What a snapshot does: segments get files, and the manifest names them. */
static void
store_files(struct round *round)
{
    struct chek_segments held = chek_store_segments(round->cold);
    for (uint32_t i = 0; i < chek_segments_count(&held); i++) {
        uint64_t number = chek_segments_number(&held, i);
        if (file_find(round, number) != NULL) {
            continue;
        }
        struct chek_bytes_view bytes = chek_segment_bytes(round->cold, i);
        struct file *file = &round->files[round->file_count++];
        PROP_CHECK(round->prop, round->file_count <= FILE_COUNT_MAX);
        *file = (struct file){number, malloc(bytes.size), bytes.size};
        PROP_CHECK(round->prop, file->bytes != NULL);
        memcpy(file->bytes, bytes.bytes, bytes.size);
    }
    chek_store_segments_stored(round->cold, PARTITION, &held);
}

static void
leave(struct round *round)
{
    struct chek_cold leaving;
    struct chek_residency before = chek_store_pool_residency(round->pool);
    if (!chek_cold_choose(round->cold, 1 + below(round, 100000), &leaving)) {
        return;
    }
    chek_cold_leave(&leaving);
    struct chek_residency after = chek_store_pool_residency(round->pool);
    PROP_CHECK(round->prop, after.left_count - before.left_count == leaving.count);
    PROP_CHECK(round->prop, after.resident_size < before.resident_size);
    PROP_CHECK(round->prop,
               after.resident_size + after.cold_size == before.resident_size + before.cold_size);
}

/* ---- history ---------------------------------------------------------------------------------- */

/* Remember a marking code of the row that comes next. */
static void
code_note(struct round *round, const struct chek_receipt *receipt)
{
    round->codes[round->row_count].size = 0;
    for (uint32_t i = 0; receipt != NULL && i < receipt->lines_count; i++) {
        const struct chek_line *line = &receipt->lines[i];
        if (line->markings_count != 0 && line->markings[0].size != 0) {
            round->codes[round->row_count].size = (uint8_t)line->markings[0].size;
            memcpy(round->codes[round->row_count].bytes, line->markings[0].bytes,
                   line->markings[0].size);
        }
    }
}

static void
append(struct round *round)
{
    struct chek_document document;
    if (round->row_count == ROW_COUNT_MAX) {
        return;
    }
    size_t mark = chek_arena_mark(&documents);
    int error = random_document_make(round->prng, &round->options, &documents, &document);
    PROP_CHECK(round->prop, error == CHEK_OK);
    document.raw = (struct chek_bytes_view){0};
    uint32_t index = below(round, REGISTRATION_COUNT);
    struct chek_row row = {
        .registration = 7 + index,
        .ordinal = round->ordinals[index],
        .shift = round->row_count / 300,
        .kind = document.receipt != NULL    ? CHEK_ROW_RECEIPT
                : document.movement != NULL ? CHEK_ROW_MOVEMENT
                                            : CHEK_ROW_CLOSE,
        .cell = document.close != NULL ? chek_bytes_view_text("frozen totals, frozen totals")
                                       : (struct chek_bytes_view){0},
    };
    struct chek_store *stores[] = {round->cold, round->whole};
    for (uint32_t i = 0; i < CHEK_COUNT(stores); i++) {
        PROP_CHECK(round->prop, chek_store_ensure(stores[i], 1, 1u << 20, 1u << 20) == CHEK_OK);
        chek_store_append(stores[i], &row, &document);
    }
    round->signs[round->row_count] = document.receipt != NULL ? document.receipt->sign : 0;
    code_note(round, document.receipt);
    round->rows[round->row_count++] = row;
    round->ordinals[index] += 1;
    chek_arena_rewind(&documents, mark);
}

static void
replace(struct round *round)
{
    const struct chek_row *row = &round->rows[below(round, round->row_count)];
    struct chek_store *stores[] = {round->cold, round->whole};
    for (uint32_t i = 0; round->row_count != 0 && i < CHEK_COUNT(stores); i++) {
        int error = chek_store_replace(stores[i], row->registration, row->ordinal);
        PROP_CHECK(round->prop, error == CHEK_OK);
    }
}

static void
seal(struct round *round)
{
    struct chek_store *stores[] = {round->cold, round->whole};
    for (uint32_t i = 0; i < CHEK_COUNT(stores); i++) {
        struct chek_seal *job = chek_store_seal_begin(stores[i]);
        if (job != NULL) {
            chek_seal_run(job);
            chek_seal_adopt(job);
        }
    }
}

static void
merge(struct round *round)
{
    struct chek_store *stores[] = {round->cold, round->whole};
    for (uint32_t i = 0; i < CHEK_COUNT(stores); i++) {
        struct chek_merge *job = chek_store_merge_begin(stores[i]);
        if (job != NULL) {
            chek_merge_run(job);
            PROP_CHECK(round->prop, chek_merge_adopt(job));
            chek_merge_drop(job);
        }
    }
}

/* From an image and what a start reads of the files. */
static void
reload(struct round *round)
{
    store_files(round);
    struct chek_segments held = chek_store_segments(round->cold);
    uint32_t count = chek_segments_count(&held);
    size_t size = chek_store_image_size(round->cold);
    size_t mark = chek_arena_mark(&documents);
    uint8_t *bytes = chek_arena_take(&documents, size);
    struct chek_bytes_view *fronts = chek_arena_take(&documents, (count + 1) * sizeof *fronts);
    PROP_CHECK(round->prop, bytes != NULL && fronts != NULL);
    struct chek_writer out = chek_writer_over(bytes, size);
    chek_store_image_write(round->cold, &out);
    chek_store_destroy(round->cold);
    for (uint32_t i = 0; i < count; i++) {
        const struct file *file = file_find(round, chek_segments_number(&held, i));
        uint64_t front_size, whole_size;
        struct chek_bytes_view head = chek_bytes_view_of(file->bytes, CHEK_SEGMENT_HEAD_SIZE);
        PROP_CHECK(round->prop, chek_segment_front(head, &front_size, &whole_size) == CHEK_OK);
        PROP_CHECK(round->prop, whole_size == file->size);
        fronts[i] = chek_bytes_view_of(file->bytes, (size_t)front_size);
    }
    int error = chek_store_load(&round->config, chek_bytes_view_of(bytes, size), fronts, count,
                                &round->cold);
    PROP_CHECK(round->prop, error == CHEK_OK);
    PROP_CHECK(round->prop, chek_store_pool_residency(round->pool).resident_size == 0);
    chek_store_segments_stored(round->cold, PARTITION, &held);
    chek_arena_rewind(&documents, mark);
}

/* ---- questions -------------------------------------------------------------------------------- */

/* What a question comes to: a hash of what it showed. */
struct answer {
    int error;
    uint64_t hash;
};

static void
hash_add(uint64_t *hash, uint64_t value)
{
    *hash = (*hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    *hash ^= *hash >> 29;
}

static bool
on_row(void *context, const struct chek_scan_row *row)
{
    hash_add(context, (uint64_t)row->row.registration << 32 | row->row.ordinal);
    hash_add(context, (uint64_t)row->total ^ (uint64_t)row->gross ^ row->sign);
    hash_add(context, row->row.replaced);
    return true;
}

/* The order of addends is nothing to rely on: they are added up. */
static bool
on_addend(void *context, const struct chek_addend *addend)
{
    *(uint64_t *)context += (uint64_t)addend->net * 31 + (uint64_t)addend->tickets +
                            (uint64_t)addend->tax * 7 + (uint64_t)addend->cash * 3;
    return true;
}

struct question {
    uint32_t kind, row;
    struct chek_scan_filter filter;
    uint32_t registration;
};

static struct question
question_draw(struct round *round)
{
    struct question question = {.kind = below(round, 5), .row = below(round, round->row_count)};
    question.registration = 7 + below(round, REGISTRATION_COUNT);
    question.filter.with_replaced = below(round, 3) == 0;
    if (below(round, 2) == 0) {
        question.filter.registration_count = 1;
    }
    if (below(round, 2) == 0) {
        question.filter.time_min = TIME_MIN + below(round, TIME_RANGE);
        question.filter.time_max = question.filter.time_min + below(round, TIME_RANGE / 4);
    }
    return question;
}

static struct answer
read_ask(struct round *round, struct chek_store *store, const struct question *question,
         struct chek_arena *arena, struct chek_document *ret)
{
    const struct chek_row *want = &round->rows[question->row];
    struct answer answer = {0};
    struct chek_row row = {0};
    answer.error = chek_store_read(store, want->registration, want->ordinal, arena, &row, ret);
    hash_add(&answer.hash,
             (uint64_t)row.shift << 32 | (uint64_t)row.kind << 1 | (uint64_t)row.replaced);
    hash_add(&answer.hash, row.cell.size);
    return answer;
}

static struct answer
search_ask(struct round *round, struct chek_store *store, const struct question *question)
{
    struct chek_sign_search search = {.registration = round->rows[question->row].registration,
                                      .sign = round->signs[question->row] | 1};
    struct answer answer = {0};
    if (question->filter.time_max != 0) {
        search.time_min = question->filter.time_min;
        search.time_max = question->filter.time_max;
    }
    while (!chek_sign_search_run(&search, store, 500)) {
    }
    answer.error = search.error;
    hash_add(&answer.hash, search.found ? search.ordinal + UINT64_C(1) : 0);
    return answer;
}

static struct answer
marking_ask(struct round *round, struct chek_store *store, const struct question *question,
            struct chek_arena *arena)
{
    static struct chek_row_place list[ROW_COUNT_MAX];
    struct chek_bytes_view code =
        chek_bytes_view_of(round->codes[question->row].bytes, round->codes[question->row].size);
    struct chek_marking_search search = {.codes = &code, .code_count = 1};
    struct answer answer = {0};
    uint32_t count = 0;
    if (code.size == 0) {
        code = chek_bytes_view_text("no receipt has it");
    }
    answer.error = chek_marking_search(store, &search, arena, ROW_COUNT_MAX, list, &count);
    for (uint32_t i = 0; i < count; i++) {
        hash_add(&answer.hash, (uint64_t)list[i].registration << 32 | list[i].ordinal);
    }
    return answer;
}

static struct answer
ask(struct round *round, struct chek_store *store, const struct question *question,
    struct chek_arena *arena, struct chek_document *ret_document)
{
    struct chek_scan_filter filter = question->filter;
    struct answer answer = {0};
    filter.registrations = filter.registration_count != 0 ? &question->registration : NULL;
    switch (question->kind) {
    case 0:
        return read_ask(round, store, question, arena, ret_document);
    case 1:
        answer.error = chek_store_scan(store, &filter, arena, on_row, &answer.hash);
        return answer;
    case 2:
        answer.error = chek_store_sum(store, &filter, arena, on_addend, &answer.hash);
        return answer;
    case 3:
        return search_ask(round, store, question);
    default:
        return marking_ask(round, store, question, arena);
    }
}

/* Ask as a shard does: run it again when what it wished for was read. */
static struct answer
ask_again(struct round *round, const struct question *question, struct chek_arena *arena,
          struct chek_document *ret_document)
{
    struct chek_cold cold;
    for (;;) {
        size_t mark = chek_arena_mark(arena);
        chek_store_ask_begin(round->cold, &cold);
        struct answer answer = ask(round, round->cold, question, arena, ret_document);
        chek_store_ask_end(round->cold);
        if (cold.count == 0) {
            PROP_CHECK(round->prop, answer.error != CHEK_E_COLD);
            return answer;
        }
        PROP_CHECK(round->prop, answer.error == CHEK_E_COLD);
        chek_cold_fetch(&cold);
        if (cold.error != CHEK_OK) {
            PROP_CHECK(round->prop, cold.error == CHEK_E_CORRUPT);
            PROP_CHECK(round->prop, file_find(round, cold.file.number) != NULL);
            return (struct answer){.error = cold.error};
        }
        chek_arena_rewind(arena, mark);
        round->ask_count += 1;
    }
}

/* The same question to both stores; whether the one with cold rows could be answered. */
static bool
compare(struct round *round, bool may_fail)
{
    struct chek_document got_document = {0};
    struct chek_document want_document = {0};
    if (round->row_count == 0) {
        return true;
    }
    size_t mark = chek_arena_mark(&documents);
    struct question question = question_draw(round);
    struct answer want = ask(round, round->whole, &question, &documents, &want_document);
    bool waits = below(round, 2) == 0;
    struct answer got = waits ? ask(round, round->cold, &question, &documents, &got_document)
                              : ask_again(round, &question, &documents, &got_document);
    round->wait_count += waits;
    PROP_CHECK(round->prop, want.error == CHEK_OK);
    if (got.error != CHEK_OK) {
        PROP_CHECK(round->prop, may_fail && got.error == CHEK_E_CORRUPT);
        round->corrupt_count += 1;
    } else {
        PROP_CHECK(round->prop, got.hash == want.hash);
        PROP_CHECK(round->prop, question.kind != 0 || random_document_difference(
                                                          &got_document, &want_document) == NULL);
    }
    chek_arena_rewind(&documents, mark);
    return got.error == CHEK_OK;
}

/* A bit of a file's groups turns while they are out of memory; then it turns back. */
static void
rot(struct round *round)
{
    struct chek_segments held = chek_store_segments(round->cold);
    uint32_t count = chek_segments_count(&held);
    if (count == 0) {
        return;
    }
    store_files(round);
    uint32_t index = below(round, count);
    struct file *file = file_find(round, chek_segments_number(&held, index));
    uint64_t front_size, size;
    int error = chek_segment_front(chek_bytes_view_of(file->bytes, CHEK_SEGMENT_HEAD_SIZE),
                                   &front_size, &size);
    PROP_CHECK(round->prop, error == CHEK_OK);
    size_t at = (size_t)front_size + below(round, size - front_size);
    uint8_t bit = (uint8_t)(1u << below(round, 8));
    for (uint32_t i = 0; i < 200; i++) {
        leave(round);
    }
    file->bytes[at] ^= bit;
    for (uint32_t i = 0; i < 20; i++) {
        compare(round, true);
    }
    const struct chek_segment *segment = round->cold->segments[index];
    for (uint32_t i = 0; i < segment->group_count; i++) {
        const struct store__group *group = &segment->groups[i];
        bool is_it = at >= group->offset && at - group->offset < group->size;
        bool was_cold = atomic_load(&group->state) == STORE__GROUP_COLD;
        error = store__group_hold(segment, i, NULL);
        PROP_CHECK(round->prop, error == (is_it && was_cold ? CHEK_E_CORRUPT : CHEK_OK));
        if (error == CHEK_OK) {
            store__group_release(segment, i);
        }
    }
    file->bytes[at] ^= bit;
    for (uint32_t i = 0; i < 10; i++) {
        compare(round, false);
    }
}

/* ---- rounds ----------------------------------------------------------------------------------- */

static void
step(struct round *round)
{
    uint32_t choice = below(round, 200);
    if (choice < 120) {
        append(round);
    } else if (choice < 125) {
        replace(round);
    } else if (choice < 140) {
        seal(round);
    } else if (choice < 144) {
        merge(round);
    } else if (choice < 150) {
        store_files(round);
    } else if (choice < 168) {
        leave(round);
    } else if (choice < 170) {
        reload(round);
    } else if (choice < 172) {
        rot(round);
    } else {
        compare(round, false);
    }
}

static void
round_run(struct round *round)
{
    static const uint32_t segment_sizes[] = {1, 3, 8, 40, 100};
    struct chek_cold_reader reader = {round, file_read, file_rotten};
    struct chek_store_config whole = {
        .dictionary_count_max = below(round, 2) == 0 ? 7 : 1000000,
        .dictionary_size_max = 64u << 20,
        .segment_row_count = segment_sizes[below(round, CHEK_COUNT(segment_sizes))],
        .segment_merge_count = 2 + below(round, CHEK_MERGE_COUNT - 1),
    };
    round->options = (struct random_document_options){
        .line_count_max = 6,
        .text_count = below(round, 2) == 0 ? 0 : 20,
        .with_profile = true,
        .time_min = TIME_MIN,
        .time_max = TIME_MIN + TIME_RANGE,
    };
    chek_arena_reset(&documents);
    PROP_CHECK(round->prop, chek_store_pool_create(&round->pool) == CHEK_OK);
    chek_store_pool_cold(round->pool, &reader, 1);
    round->config = whole;
    round->config.pool = round->pool;
    PROP_CHECK(round->prop, chek_store_create(&round->config, &round->cold) == CHEK_OK);
    PROP_CHECK(round->prop, chek_store_create(&whole, &round->whole) == CHEK_OK);
    for (uint32_t i = 0; i < STEP_COUNT; i++) {
        step(round);
    }
    struct chek_residency end = chek_store_pool_residency(round->pool);
    PROP_CHECK(round->prop, end.rotten_count == round->told_count);
    printf("%u rows, %" PRIu64 " groups read, %" PRIu64 " left, %u waited, %u asked again, "
           "%u corrupt\n",
           round->row_count, end.read_count, end.left_count, round->wait_count, round->ask_count,
           round->corrupt_count);
    chek_store_destroy(round->cold);
    chek_store_destroy(round->whole);
    end = chek_store_pool_residency(round->pool);
    PROP_CHECK(round->prop, end.resident_size == 0 && end.cold_size == 0);
    chek_store_pool_destroy(round->pool);
    for (uint32_t i = 0; i < round->file_count; i++) {
        free(round->files[i].bytes);
    }
}

int
main(int argument_count, char **arguments)
{
    static struct round round;
    struct prop prop = prop_begin(argument_count, arguments, 20);
    struct chek_prng prng;
    PROP_CHECK(&prop, chek_arena_init(&documents, ARENA_SIZE) == CHEK_OK);
    while (prop_next(&prop, &prng)) {
        memset(&round, 0, sizeof round);
        round.prop = &prop;
        round.prng = &prng;
        round_run(&round);
    }
    chek_arena_finish(&documents);
    return 0;
}
