/* SPDX-License-Identifier: MIT */
/*
 * test_retain.c - documents are removed, and what is said of them afterwards. (rule F28 of
 * engine/fiscal/README.md)
 *
 * One register sells through a shift in segments of four rows. Answers are the same before its
 * documents' bytes are gone, and after; and so is the state.
 */
#include "engine/base/civil.h"
#include "engine/base/limits.h"
#include "engine/base/memory.h"
#include "engine/base/writer.h"
#include "engine/fiscal/prove.h"
#include "engine/partition/partition.h"
#include "tests/unit/table.h"

#define REGISTRATION 12
#define BODY_SIZE 8192
#define DAY INT64_C(1767607200)
#define BORDER_US (UINT64_C(1767607200000000) + 1000)

static struct chek_partition *partition;
static struct chek_arena arena;

static const struct chek_partition_config config = {.number = 1,
                                                    .page_count_max = 1024,
                                                    .segment_row_count = 4,
                                                    .segment_merge_count = 2};

static struct chek_outcome
apply(uint8_t kind, const uint8_t *body, size_t size, int want)
{
    struct chek_outcome outcome = {0};
    struct chek_command command = {
        .envelope = {.kind = kind,
                     .partition = 1,
                     .apply_version = CHEK_APPLY_VERSION,
                     .registration = REGISTRATION,
                     .partition_seq = chek_partition_seq(partition) + 1,
                     .time_us = UINT64_C(1767607200000000) + chek_partition_seq(partition)},
        .body = chek_bytes_view_of(body, size),
    };
    assert_error(chek_partition_ensure(partition, size), CHEK_OK);
    assert_error(chek_partition_apply(partition, &command, &outcome), want);
    return outcome;
}

#define APPLY(kind, name, record, want)                                  \
    do {                                                                 \
        uint8_t body_[BODY_SIZE];                                        \
        struct chek_writer out_ = chek_writer_over(body_, sizeof body_); \
        chek_##name##_encode(&out_, record);                             \
        assert_false(out_.full);                                         \
        outcome = apply(kind, body_, out_.size, want);                   \
    } while (0)

/* ---- documents -------------------------------------------------------------------------------- */

/* A receipt that may carry a line's name, which makes it fuller. */
static struct chek_result
sell(uint32_t document, uint64_t sign, int64_t total, const char *name)
{
    struct chek_outcome outcome;
    struct chek_payment payment = {.sum = total};
    struct chek_line line = {.sum = total, .name = chek_bytes_view_text(name)};
    struct chek_receipt receipt = {.time = DAY + 60 * (int64_t)(sign % 100),
                                   .document = document,
                                   .sign = sign,
                                   .total = total,
                                   .payments = &payment,
                                   .payments_count = 1,
                                   .lines = &line,
                                   .lines_count = 1};
    struct chek_document what = {.registration = REGISTRATION, .receipt = &receipt};
    APPLY(CHEK_COMMAND_DOCUMENT, document, &what, CHEK_OK);
    return outcome.result;
}

static struct chek_result
move(uint32_t document, int64_t sum)
{
    struct chek_outcome outcome;
    struct chek_movement movement = {.time = DAY + 300, .document = document, .sum = sum};
    struct chek_document what = {.registration = REGISTRATION, .movement = &movement};
    APPLY(CHEK_COMMAND_DOCUMENT, document, &what, CHEK_OK);
    return outcome.result;
}

static struct chek_result
close_shift(uint32_t document, bool withdraw)
{
    struct chek_outcome outcome;
    struct chek_close close = {.time = DAY + 3600, .document = document, .withdraw = withdraw};
    struct chek_document what = {.registration = REGISTRATION, .close = &close};
    APPLY(CHEK_COMMAND_DOCUMENT, document, &what, CHEK_OK);
    return outcome.result;
}

static void
seal(void)
{
    struct chek_store *store = chek_partition_store(partition);
    for (struct chek_seal *job = chek_store_seal_begin(store); job != NULL;
         job = chek_store_seal_begin(store)) {
        chek_seal_run(job);
        chek_seal_adopt(job);
    }
}

/* Rows 0..7 are sealed: five receipts, one without a number, a movement, a close; 8 and 9 are open. */
static int
setup(void **state)
{
    struct chek_outcome outcome;
    struct chek_register_key name = {.kind = CHEK_KEY_KIND_DEVICE,
                                     .value = chek_bytes_view_text("201873")};
    struct chek_register profile = {
        .keys = &name, .keys_count = 1, .organisation = chek_bytes_view_text("123456789012")};
    (void)state;
    assert_error(chek_arena_init(&arena, CHEK_PROVE_ARENA_SIZE), CHEK_OK);
    assert_error(chek_partition_create(&config, NULL, &partition), CHEK_OK);
    APPLY(CHEK_COMMAND_GENESIS, genesis,
          (&(struct chek_genesis){.partitions = 1, .map_seed = 5, .folder = {1}}), CHEK_OK);
    APPLY(CHEK_COMMAND_REGISTER, command_register,
          (&(struct chek_command_register){.registration = REGISTRATION, .profile = &profile}),
          CHEK_OK);
    (void)sell(1, 101, 1000, "");
    (void)sell(2, 102, 2000, "");
    (void)sell(0, 103, 3000, "");
    (void)move(3, 500);
    (void)sell(4, 104, 4000, "");
    (void)sell(2, 102, 2000, "Bread"); /* fuller: row 5 takes the place of row 1 */
    (void)close_shift(5, true);
    (void)sell(6, 106, 6000, "");
    (void)sell(7, 107, 7000, "");
    (void)sell(8, 108, 8000, "");
    seal();
    assert_int_equal(chek_segment_count(chek_partition_store(partition)), 2);
    return outcome.error;
}

static int
teardown(void **state)
{
    (void)state;
    chek_partition_destroy(partition);
    chek_arena_finish(&arena);
    return 0;
}

/* ---- removing --------------------------------------------------------------------------------- */

static void
retain(uint32_t registration, uint32_t ordinal, uint64_t border_us, uint64_t rows, int want)
{
    struct chek_outcome outcome;
    struct chek_retained list = {.registration = registration, .ordinal = ordinal};
    struct chek_command_retain what = {
        .border = border_us, .rows = rows, .registers = &list, .registers_count = 1};
    APPLY(CHEK_COMMAND_RETAIN, command_retain, &what, want);
    (void)outcome;
}

/* Have the store remake every segment whose documents were removed. */
static void
keep(void)
{
    struct chek_store *store = chek_partition_store(partition);
    uint64_t rows = chek_partition_retention(partition).row_count;
    for (struct chek_merge *job = chek_store_keep_begin(store, rows); job != NULL;
         job = chek_store_keep_begin(store, rows)) {
        chek_merge_run(job);
        assert_true(chek_merge_adopt(job));
        chek_merge_drop(job);
    }
}

/* What is asked of a removed document, in this order; kept by the numbers of the answers. */
static void
answers_check(void)
{
    struct chek_result result = sell(1, 101, 1000, "");
    assert_int_equal(result.status, CHEK_STATUS_DUPLICATE);
    assert_int_equal(result.ordinal, 0);
    assert_int_equal(result.shift, 1);
    result = sell(1, 101, 1001, ""); /* what it came to is not known any more */
    assert_int_equal(result.status, CHEK_STATUS_DUPLICATE);
    result = sell(1, 999, 1000, "");
    assert_int_equal(result.status, CHEK_STATUS_CONFLICT);
    assert_int_equal(result.field, CHEK_FIELD_RECEIPT_SIGN);
    result = move(1, 1000);
    assert_int_equal(result.status, CHEK_STATUS_CONFLICT);
    assert_int_equal(result.field, CHEK_FIELD_MOVEMENT_DOCUMENT);
    result = sell(1, 101, 1000, "Milk"); /* no fuller copy is stored */
    assert_int_equal(result.status, CHEK_STATUS_DUPLICATE);
    assert_int_equal(result.ordinal, 0);
    result = sell(0, 103, 3000, ""); /* by its sign */
    assert_int_equal(result.status, CHEK_STATUS_DUPLICATE);
    assert_int_equal(result.ordinal, 2);
    result = sell(2, 102, 2000, ""); /* the copy that stood */
    assert_int_equal(result.status, CHEK_STATUS_DUPLICATE);
    assert_int_equal(result.ordinal, 5);
    result = move(3, 500);
    assert_int_equal(result.status, CHEK_STATUS_DUPLICATE);
    result = close_shift(5, true); /* a close stays whole */
    assert_int_equal(result.status, CHEK_STATUS_DUPLICATE);
    assert_int_equal(result.ordinal, 6);
}

static struct chek_bytes_view
report_bytes(uint32_t shift)
{
    static uint8_t bytes[2][BODY_SIZE];
    static unsigned turn;
    struct chek_answer_report answer;
    turn ^= 1;
    chek_arena_reset(&arena);
    assert_error(chek_fiscal_report(chek_partition_fiscal(partition), REGISTRATION, shift,
                                    UINT32_MAX, false, &arena, &answer),
                 CHEK_OK);
    struct chek_writer out = chek_writer_over(bytes[turn], sizeof bytes[turn]);
    chek_answer_report_encode(&out, &answer);
    assert_false(out.full);
    return chek_bytes_view_of(bytes[turn], out.size);
}

static void
test_F28_answers_are_of_removed_documents_before_and_after_their_bytes_go(void **state)
{
    (void)state;
    struct chek_bytes_view before = report_bytes(1);
    retain(REGISTRATION, 8, BORDER_US, 8, CHEK_OK);
    assert_int_equal(chek_fiscal_removed(chek_partition_fiscal(partition), REGISTRATION), 8);
    answers_check();
    keep();
    assert_int_equal(chek_store_count(chek_partition_store(partition)).kept_count, 2);
    answers_check();
    assert_true(chek_bytes_view_equal(report_bytes(1), before));
    struct chek_result result = sell(8, 108, 8001, ""); /* one that is there is compared */
    assert_int_equal(result.status, CHEK_STATUS_CONFLICT);
    assert_int_equal(sell(9, 109, 900, "").status, CHEK_STATUS_STORED);
}

/* Where rows live is no state: it is the same with kept segments, without, and from an image. */
static void
test_F28_state_does_not_depend_on_what_was_remade(void **state)
{
    (void)state;
    static uint8_t bytes[1 << 20];
    struct chek_bytes_view segments[2];
    struct chek_partition *loaded;
    retain(REGISTRATION, 8, BORDER_US, 8, CHEK_OK);
    uint64_t hash = chek_partition_hash(partition);
    keep();
    assert_true(chek_partition_hash(partition) == hash);
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    chek_partition_image_write(partition, &out);
    assert_false(out.full);
    for (uint32_t i = 0; i < 2; i++) {
        segments[i] = chek_segment_bytes(chek_partition_store(partition), i);
    }
    assert_error(chek_partition_load(&config, NULL, chek_bytes_view_of(bytes, out.size), segments,
                                     2, &loaded),
                 CHEK_OK);
    assert_true(chek_partition_hash(loaded) == hash);
    assert_true(chek_partition_is_valid(loaded));
    assert_true(chek_partition_retention(loaded).border_us == BORDER_US);
    assert_int_equal(chek_partition_retention(loaded).row_count, 8);
    chek_partition_destroy(partition);
    partition = loaded;
    answers_check();
}

/* ---- commands that do not fit ----------------------------------------------------------------- */

static struct retain_case {
    const char *name;
    uint32_t registration, ordinal;
    uint64_t border_us, rows;
    int want;
} retain_cases[] = {
    {"F28_a_later_border_is_one", REGISTRATION, 8, BORDER_US + 1, 8, CHEK_OK},
    {"F28_a_part_names_neither_border_nor_rows", REGISTRATION, 8, 0, 0, CHEK_OK},
    {"F28_a_part_has_no_rows", REGISTRATION, 8, 0, 8, CHEK_E_CORRUPT},
    {"F28_a_register_is_known", REGISTRATION + 1, 1, BORDER_US + 1, 8, CHEK_E_CORRUPT},
    {"F28_a_register_has_that_many_rows", REGISTRATION, 11, BORDER_US + 1, 8, CHEK_E_CORRUPT},
    {"F28_what_was_removed_stays_removed", REGISTRATION, 3, BORDER_US + 1, 8, CHEK_E_CORRUPT},
    {"F28_a_border_rises", REGISTRATION, 8, BORDER_US, 8, CHEK_E_CORRUPT},
    {"F28_rows_rise", REGISTRATION, 8, BORDER_US + 1, 4, CHEK_E_CORRUPT},
    {"F28_rows_are_there", REGISTRATION, 8, BORDER_US + 1, 11, CHEK_E_CORRUPT},
};

static void
test_retain(void **state)
{
    const struct retain_case *row = *state;
    retain(REGISTRATION, 4, BORDER_US, 4, CHEK_OK);
    uint64_t hash = chek_partition_hash(partition);
    retain(row->registration, row->ordinal, row->border_us, row->rows, row->want);
    if (row->want != CHEK_OK) {
        assert_true(chek_partition_hash(partition) == hash);
    }
}

/* ---- proofs ----------------------------------------------------------------------------------- */

struct parts {
    uint32_t count;
    int error;
};

static int
on_part(void *context, const struct chek_prove_part *part)
{
    struct parts *parts = context;
    static struct chek_arena scratch;
    if (scratch.capacity == 0) {
        assert_error(chek_arena_init(&scratch, 8 * 1024 * 1024), CHEK_OK);
    }
    chek_arena_reset(&scratch);
    parts->count += 1;
    if (parts->error == CHEK_OK) {
        parts->error = chek_fiscal_prove_part(chek_partition_fiscal(partition), part, &scratch);
    }
    return CHEK_OK;
}

/* Prove rows 0..ordinal_end-1 as if the registration had `row_count`. */
static int
prove(uint32_t ordinal_end, uint32_t row_count, struct parts *parts, uint32_t *shift)
{
    struct chek_prove_ask ask = {
        .run = {.registration = REGISTRATION, .ordinal_end = ordinal_end},
        .row_count = row_count,
        .removed = chek_fiscal_removed(chek_partition_fiscal(partition), REGISTRATION),
    };
    chek_arena_reset(&arena);
    *parts = (struct parts){0};
    return chek_fiscal_prove(chek_partition_store(partition), &ask, &arena, on_part, parts, shift);
}

static void
test_F28_totals_are_proved_from_documents(void **state)
{
    (void)state;
    struct parts parts;
    uint32_t shift;
    assert_error(prove(8, 10, &parts, &shift), CHEK_OK);
    assert_int_equal(parts.count, 1); /* the open shift */
    assert_error(parts.error, CHEK_OK);
    (void)sell(9, 109, 900, "");
    assert_error(prove(8, 10, &parts, &shift), CHEK_OK);
    assert_error(parts.error, CHEK_E_BUSY); /* there is one more row: made again */
    assert_error(prove(8, 11, &parts, &shift), CHEK_OK);
    assert_error(parts.error, CHEK_OK);
}

/* A row that fiscal does not know of, as if a total had lost it. */
static void
row_smuggle(uint32_t shift, bool late)
{
    struct chek_payment payment = {.sum = 5};
    struct chek_line line = {.sum = 5};
    struct chek_receipt receipt = {.time = DAY,
                                   .total = 5,
                                   .payments = &payment,
                                   .payments_count = 1,
                                   .lines = &line,
                                   .lines_count = 1};
    struct chek_document document = {.receipt = &receipt};
    struct chek_row row = {.registration = REGISTRATION,
                           .ordinal = 10,
                           .shift = shift,
                           .late = late,
                           .received_us = BORDER_US};
    assert_error(chek_store_ensure(chek_partition_store(partition), 1, 4096, 0), CHEK_OK);
    chek_store_append(chek_partition_store(partition), &row, &document);
}

static struct smuggle_case {
    const char *name;
    uint32_t shift;
    bool late;
    int want, want_part;
} smuggle_cases[] = {
    {"F28_a_closed_shift_that_lost_a_document_is_found", 1, false, CHEK_E_CONFLICT, CHEK_OK},
    {"F28_a_late_document_that_was_not_counted_is_found", 1, true, CHEK_OK, CHEK_E_BUSY},
    {"F28_an_open_shift_that_lost_a_document_is_found", 2, false, CHEK_OK, CHEK_E_BUSY},
};

/* The shard would say that rows came meanwhile; then, with as many rows as it knows of, nothing. */
static void
test_smuggled(void **state)
{
    const struct smuggle_case *row = *state;
    struct parts parts;
    uint32_t shift;
    row_smuggle(row->shift, row->late);
    assert_error(prove(8, 11, &parts, &shift), row->want);
    if (row->want != CHEK_OK) {
        assert_int_equal(shift, row->shift);
        return;
    }
    assert_error(parts.error, row->want_part);
}

/* Figures that are not the heap's, of as many rows. */
static void
test_F28_a_part_that_differs_is_found(void **state)
{
    (void)state;
    static const uint8_t other[] = {0, 0, 0, 0};
    struct chek_prove_part part = {.registration = REGISTRATION,
                                   .shift = 2,
                                   .row_count = 10,
                                   .figures = chek_bytes_view_of(other, sizeof other)};
    chek_arena_reset(&arena);
    const struct chek_fiscal *fiscal = chek_partition_fiscal(partition);
    assert_error(chek_fiscal_prove_part(fiscal, &part, &arena), CHEK_E_CONFLICT);
    part.is_late = true; /* nothing came late */
    assert_error(chek_fiscal_prove_part(fiscal, &part, &arena), CHEK_E_CONFLICT);
    part.registration += 1;
    assert_error(chek_fiscal_prove_part(fiscal, &part, &arena), CHEK_E_CONFLICT);
}

/* What of a shift was removed before was proved then; a shift that has gone in part is passed over. */
static void
test_F28_a_shift_is_proved_when_its_first_document_goes(void **state)
{
    (void)state;
    struct parts parts;
    uint32_t shift;
    retain(REGISTRATION, 4, BORDER_US, 4, CHEK_OK);
    keep();
    assert_error(prove(8, 10, &parts, &shift), CHEK_OK);
    assert_int_equal(parts.count, 1);
    assert_error(parts.error, CHEK_OK);
}

/* What a fuller copy took the place of may be gone before it: it was there when its part was proved. */
static void
test_F28_a_part_with_a_copy_of_a_removed_document_was_proved(void **state)
{
    (void)state;
    struct parts parts;
    uint32_t shift;
    assert_int_equal(sell(4, 104, 4000, "Milk").status, CHEK_STATUS_COMPLETED); /* late, row 10 */
    assert_error(prove(8, 11, &parts, &shift), CHEK_OK);
    assert_int_equal(parts.count, 2); /* that part, and the open shift */
    assert_error(parts.error, CHEK_OK);
    retain(REGISTRATION, 8, BORDER_US, 8, CHEK_OK);
    assert_error(prove(11, 11, &parts, &shift), CHEK_OK);
    assert_int_equal(parts.count, 0);
    keep();
    assert_error(prove(11, 11, &parts, &shift), CHEK_OK);
    assert_int_equal(parts.count, 0);
}

int
main(void)
{
#define ROW(name)          \
    {                      \
#        name, test_##name \
    }
    static const struct {
        const char *name;
        CMUnitTestFunction function;
    } tests[] = {
        ROW(F28_answers_are_of_removed_documents_before_and_after_their_bytes_go),
        ROW(F28_state_does_not_depend_on_what_was_remade),
        ROW(F28_totals_are_proved_from_documents),
        ROW(F28_a_part_that_differs_is_found),
        ROW(F28_a_shift_is_proved_when_its_first_document_goes),
        ROW(F28_a_part_with_a_copy_of_a_removed_document_was_proved),
#undef ROW
    };
    struct table table = {0};
    for (size_t i = 0; i < CHEK_COUNT(tests); i++) {
        table.tests[table.count++] = (struct CMUnitTest){.name = tests[i].name,
                                                         .test_func = tests[i].function,
                                                         .setup_func = setup,
                                                         .teardown_func = teardown};
    }
    TABLE_ROWS(&table, test_retain, retain_cases);
    TABLE_ROWS(&table, test_smuggled, smuggle_cases);
    for (size_t i = CHEK_COUNT(tests); i < table.count; i++) {
        table.tests[i].setup_func = setup;
        table.tests[i].teardown_func = teardown;
    }
    return table_run(&table, "retain");
}
