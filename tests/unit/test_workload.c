/* SPDX-License-Identifier: MIT */
/*
 * test_workload.c - the reference workload is the stream that its description says.
 *
 * The vectors are of tests/vectors/workload; test_workload.py makes the same ones independently.
 */
#include "tools/load/workload.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/base/arena.h"
#include "engine/fiscal/check.h"
#include "tests/unit/table.h"

#define VECTOR_FILE "tests/vectors/workload/streams.txt"

static struct chek_workload *
workload_of(enum chek_workload_profile profile, uint64_t seed, uint64_t receipt_count,
            uint32_t register_count)
{
    struct chek_workload_options options = {.profile = profile,
                                            .seed = seed,
                                            .receipt_count = receipt_count,
                                            .register_count = register_count};
    struct chek_workload *workload = NULL;
    assert_int_equal(chek_workload_create(&options, &workload), CHEK_OK);
    return workload;
}

static void
run_out(struct chek_workload *workload)
{
    uint8_t bytes[CHEK_WORKLOAD_DOCUMENT_SIZE_MAX];
    struct chek_workload_document document;
    while (chek_workload_next(workload, bytes, &document)) {
    }
}

/* ---- vectors ---------------------------------------------------------------------------------- */

static void
test_workload_is_its_vectors(void **state)
{
    (void)state;
    char line[256];
    unsigned compared = 0;
    FILE *file = fopen(VECTOR_FILE, "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        char profile;
        unsigned long long seed, receipts, count, size, total, hash;
        if (line[0] == '#') {
            continue;
        }
        assert_int_equal(sscanf(line, "%c %llu %llu %llu %llu %llu %llx", &profile, &seed,
                                &receipts, &count, &size, &total, &hash),
                         7);
        struct chek_workload *workload =
            workload_of(profile == 'a' ? CHEK_WORKLOAD_A : CHEK_WORKLOAD_B, seed, receipts, 0);
        run_out(workload);
        const struct chek_workload_counters *counters = chek_workload_count(workload);
        assert_true(counters->receipt_count == receipts);
        assert_true(counters->document_count == count);
        assert_true(counters->size == size);
        assert_true(counters->total == (chek_i128)total);
        assert_true(chek_workload_hash(workload) == hash);
        chek_workload_destroy(workload);
        compared += 1;
    }
    (void)fclose(file);
    assert_true(compared >= 7);
}

/* The sum is of the stream, not of the ids that a server gave out. */
static void
test_workload_hash_is_the_same_under_other_registrations(void **state)
{
    (void)state;
    struct chek_workload *plain = workload_of(CHEK_WORKLOAD_A, 7, 3000, 200);
    struct chek_workload *moved = workload_of(CHEK_WORKLOAD_A, 7, 3000, 200);
    for (uint32_t i = 0; i < 200; i++) {
        chek_workload_register_home(moved, i, 100000 - 491 * i);
    }
    run_out(plain);
    run_out(moved);
    assert_true(chek_workload_hash(plain) == chek_workload_hash(moved));
    assert_true(chek_workload_count(moved)->size > chek_workload_count(plain)->size);
    chek_workload_destroy(plain);
    chek_workload_destroy(moved);
}

static void
test_workload_refuses_options_that_make_no_stream(void **state)
{
    (void)state;
    struct chek_workload *workload = NULL;
    struct chek_workload_options none = {.seed = 1};
    struct chek_workload_options many = {.receipt_count = 1,
                                         .register_count = CHEK_WORKLOAD_REGISTER_COUNT_MAX + 1};
    assert_int_equal(chek_workload_create(&none, &workload), CHEK_E_USAGE);
    assert_int_equal(chek_workload_create(&many, &workload), CHEK_E_USAGE);
    assert_null(workload);
}

/* ---- every document --------------------------------------------------------------------------- */

static struct profile_case {
    const char *name;
    enum chek_workload_profile profile;
    uint64_t receipt_count;
    uint32_t register_count;
} profile_cases[] = {
    {"profile_a", CHEK_WORKLOAD_A, 20000, 0},
    {"profile_b", CHEK_WORKLOAD_B, 20000, 300},
};

static void
compare_receipt(const struct chek_receipt *receipt, const struct chek_workload_document *made)
{
    int64_t tax = 0;
    for (uint32_t i = 0; i < receipt->lines_count; i++) {
        tax += receipt->lines[i].taxes[0].sum;
    }
    assert_true(receipt->total == made->total);
    assert_true(tax == made->tax);
    assert_true(receipt->sign == made->sign);
    assert_true(receipt->time == made->time);
    assert_int_equal(receipt->shift, made->shift);
    assert_int_equal(receipt->document, made->document);
    assert_int_equal(receipt->operation, made->operation);
    assert_int_equal(receipt->payments[0].kind, made->payment);
    assert_int_equal(receipt->lines_count, made->line_count);
    assert_int_equal(receipt->offline, made->is_offline);
    assert_true(receipt->autonomous == (made->is_offline ? made->document : 0));
}

/* The workload's own encoder against the generated codec, and the rules of shape. */
static void
test_workload_documents_are_right_and_as_the_codec_writes_them(void **state)
{
    const struct profile_case *c = *state;
    static uint8_t memory[65536];
    struct chek_workload *workload =
        workload_of(c->profile, 3, c->receipt_count, c->register_count);
    struct chek_arena arena;
    uint8_t bytes[CHEK_WORKLOAD_DOCUMENT_SIZE_MAX];
    uint8_t again[CHEK_WORKLOAD_DOCUMENT_SIZE_MAX];
    struct chek_workload_document made;

    chek_arena_init_over(&arena, memory, sizeof memory);
    while (chek_workload_next(workload, bytes, &made)) {
        struct chek_document document;
        struct chek_fault fault;
        uint32_t warnings;
        chek_arena_reset(&arena);
        assert_int_equal(chek_document_decode_whole(bytes, made.size, &arena, &document, &fault),
                         CHEK_OK);
        assert_int_equal(chek_document_check(&document, &warnings, &fault), CHEK_OK);
        assert_int_equal(warnings, 0);
        assert_int_equal(document.registration, made.register_index + 1);
        assert_int_equal(document.close != NULL, made.is_close);
        if (!made.is_close) {
            compare_receipt(document.receipt, &made);
        }
        struct chek_writer out = chek_writer_over(again, sizeof again);
        chek_document_encode(&out, &document);
        assert_int_equal(out.size, made.size);
        assert_memory_equal(again, bytes, made.size);
    }
    chek_workload_destroy(workload);
}

/* ---- the order of a register's documents ------------------------------------------------------- */

#define NUMBER_COUNT 4096

struct seen {
    uint64_t sums[NUMBER_COUNT]; /* by number: of the first copy's bytes; 0 = not seen */
    uint32_t number_max, shift_closed;
};

static void
see_close(struct seen *seen, const struct chek_workload_document *made)
{
    assert_int_equal(made->shift, seen->shift_closed + 1);
    seen->shift_closed = made->shift;
}

static void
see_receipt(struct seen *seen, const struct chek_workload_document *made, uint64_t sum)
{
    uint64_t first = seen->sums[made->document];
    if (made->fate == CHEK_WORKLOAD_NEW) {
        assert_true(first == 0);
        assert_true(made->is_late || made->shift == seen->shift_closed + 1);
        seen->sums[made->document] = sum;
    } else {
        assert_true(first != 0);
        assert_true((first == sum) == (made->fate == CHEK_WORKLOAD_REPEAT));
    }
}

/* Numbers and shifts of a register are without gaps, a close is the last of its shift but for late
 * receipts, a repeat comes behind its original and equals it, a conflict differs. */
static void
test_workload_registers_count_without_gaps(void **state)
{
    const struct profile_case *c = *state;
    uint32_t register_count = 50;
    struct seen *all = calloc(register_count, sizeof *all);
    struct chek_workload *workload = workload_of(c->profile, 5, 50000, register_count);
    uint8_t bytes[CHEK_WORKLOAD_DOCUMENT_SIZE_MAX];
    struct chek_workload_document made;
    uint32_t time = 0;

    while (chek_workload_next(workload, bytes, &made)) {
        struct seen *seen = &all[made.register_index];
        assert_true(made.document < NUMBER_COUNT);
        if (!made.is_late && made.fate == CHEK_WORKLOAD_NEW) {
            assert_true(made.time >= time);
            time = made.time;
        }
        if (made.is_close) {
            see_close(seen, &made);
            seen->sums[made.document] = 1;
        } else {
            see_receipt(seen, &made, made.sign + (uint64_t)made.total);
        }
        seen->number_max = made.document > seen->number_max ? made.document : seen->number_max;
    }
    for (uint32_t i = 0; i < register_count; i++) {
        for (uint32_t number = 1; number <= all[i].number_max; number++) {
            assert_true(all[i].sums[number] != 0);
        }
    }
    chek_workload_destroy(workload);
    free(all);
}

/* ---- distributions ---------------------------------------------------------------------------- */

/* `part` of `whole` is `per_million`, give or take a tenth of it. */
static void
assert_share(uint64_t part, uint64_t whole, uint64_t per_million)
{
    uint64_t share = part * 1000000 / whole;
    if (share < per_million * 9 / 10 || share > per_million * 11 / 10) {
        fail_msg("%llu of a million, not %llu", (unsigned long long)share,
                 (unsigned long long)per_million);
    }
}

struct shares {
    uint64_t operations[4], payments[3], offline, late_closed, names_size, names_count;
    uint32_t shift_closed[2000];
};

static void
shares_count(struct shares *shares, const struct chek_workload_document *made)
{
    if (made->is_close) {
        shares->shift_closed[made->register_index] = made->shift;
    } else if (made->fate == CHEK_WORKLOAD_NEW) {
        shares->operations[made->operation] += 1;
        shares->payments[made->payment] += 1;
        shares->offline += made->is_offline && !made->is_late;
        shares->late_closed +=
            made->is_late && shares->shift_closed[made->register_index] >= made->shift;
    }
}

static void
test_workload_shares_are_those_of_the_description(void **state)
{
    const struct profile_case *c = *state;
    bool is_b = c->profile == CHEK_WORKLOAD_B;
    static struct shares shares;
    struct chek_workload *workload = workload_of(c->profile, 11, 300000, 2000);
    uint8_t bytes[CHEK_WORKLOAD_DOCUMENT_SIZE_MAX];
    struct chek_workload_document made;

    shares = (struct shares){0};
    while (chek_workload_next(workload, bytes, &made)) {
        shares_count(&shares, &made);
    }
    const struct chek_workload_counters *counters = chek_workload_count(workload);
    assert_share(shares.operations[0], 300000, 960000);
    assert_share(shares.operations[1], 300000, 20000);
    assert_share(shares.operations[2], 300000, 10000);
    assert_share(shares.operations[3], 300000, 10000);
    assert_share(shares.payments[0], 300000, 400000);
    assert_share(shares.payments[1], 300000, 400000);
    assert_share(shares.payments[2], 300000, 200000);
    assert_share(shares.offline, 300000 - counters->late_count, 30000);
    assert_share(counters->line_count, 300000, 3000000);
    if (is_b) {
        assert_share(counters->late_count, 300000, 30000);
        assert_share(shares.late_closed, counters->late_count, 500000);
        assert_share(counters->repeat_count, 300000, 10000);
        assert_share(counters->conflict_count, 300000, 1000);
    } else {
        assert_true(counters->late_count + counters->repeat_count + counters->conflict_count == 0);
    }
    chek_workload_destroy(workload);
}

/* Products of profile B: Zipf's law makes the first about 1 in 11.4 lines; names are text of 8 to
 * 60 bytes, 28 on average. */
static void
test_workload_products_of_b_are_skewed_and_named(void **state)
{
    (void)state;
    static uint8_t memory[65536];
    struct chek_workload *workload = workload_of(CHEK_WORKLOAD_B, 1, 30000, 100);
    struct chek_arena arena;
    uint8_t bytes[CHEK_WORKLOAD_DOCUMENT_SIZE_MAX];
    struct chek_workload_document made;
    uint64_t line_count = 0, first_count = 0, size = 0;

    chek_arena_init_over(&arena, memory, sizeof memory);
    while (chek_workload_next(workload, bytes, &made)) {
        struct chek_document document;
        chek_arena_reset(&arena);
        assert_int_equal(chek_document_decode_whole(bytes, made.size, &arena, &document, NULL), 0);
        for (uint32_t i = 0; !made.is_close && i < document.receipt->lines_count; i++) {
            const struct chek_line *line = &document.receipt->lines[i];
            assert_in_range(line->name.size, 8, 60);
            size += line->name.size;
            first_count += line->code.size == 1 && line->code.bytes[0] == '0';
            line_count += 1;
        }
    }
    assert_share(first_count, line_count, 87700);
    assert_true(size / line_count >= 20 && size / line_count <= 36);
    chek_workload_destroy(workload);
}

/* ---- claims ----------------------------------------------------------------------------------- */

static void
test_workload_registers_have_owners(void **state)
{
    (void)state;
    struct chek_workload *workload = workload_of(CHEK_WORKLOAD_A, 9, 1, 0);
    struct chek_workload_register_text text;
    struct chek_register record;
    struct chek_fault fault;

    assert_int_equal(chek_workload_register_count(workload), 2000);
    chek_workload_register(workload, 1237, &text, &record);
    assert_int_equal(chek_register_check(&record, &fault), CHEK_OK);
    assert_string_equal(text.organisation, "100000000123"); /* ten registers an organisation */
    assert_string_equal(text.point, "P4");                  /* two a point */
    assert_string_equal(text.number, "A-9-1237");
    chek_workload_destroy(workload);
}

int
main(void)
{
    struct table table = {.count = 0};

    TABLE_TEST(&table, test_workload_is_its_vectors);
    TABLE_TEST(&table, test_workload_hash_is_the_same_under_other_registrations);
    TABLE_TEST(&table, test_workload_refuses_options_that_make_no_stream);
    TABLE_ROWS(&table, test_workload_documents_are_right_and_as_the_codec_writes_them,
               profile_cases);
    TABLE_ROWS(&table, test_workload_registers_count_without_gaps, profile_cases);
    TABLE_ROWS(&table, test_workload_shares_are_those_of_the_description, profile_cases);
    TABLE_TEST(&table, test_workload_products_of_b_are_skewed_and_named);
    TABLE_TEST(&table, test_workload_registers_have_owners);
    return table_run(&table, "workload");
}
