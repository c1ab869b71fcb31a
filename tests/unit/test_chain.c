/* SPDX-License-Identifier: MIT */
/*
 * test_chain.c - what a link is, and that nothing of what it covers can be another.
 */
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/store/chain.h"

#define VECTOR "tests/vectors/persist/chain.bin"
#define ROW_COUNT_MAX 8

/* BLAKE2b of the vector, as persist/FORMAT.md says it. */
static const uint8_t vector_head[CHEK_CHAIN_SIZE] = {
    0x50, 0x5c, 0x01, 0x22, 0xbc, 0x35, 0x8b, 0x9b, 0x30, 0x3b, 0x6a, 0x0b, 0xa8, 0x7d, 0x5f, 0x60,
    0x43, 0xe8, 0x57, 0x15, 0xa2, 0xa3, 0x53, 0x13, 0x8f, 0x89, 0x76, 0xee, 0x42, 0x62, 0x8a, 0x29};

struct item {
    struct chek_row row;
    uint8_t document[16];
    size_t document_size;
};

struct history {
    struct chek_chain before;
    uint16_t partition;
    uint32_t count; /* rows of the range; more may follow */
    struct item items[ROW_COUNT_MAX];
};

static const uint8_t cell[] = {'f', 'r', 'o', 'z', 'e', 'n'};

static struct history
example(void)
{
    struct history history = {.partition = 7, .count = 3};
    for (uint32_t i = 0; i < ROW_COUNT_MAX; i++) {
        struct item *item = &history.items[i];
        item->row = (struct chek_row){.registration = 300 + i,
                                      .ordinal = 2 * i,
                                      .shift = 5,
                                      .warnings = 1,
                                      .binding = 2,
                                      .kind = (uint8_t)(i % 3),
                                      .received_us = UINT64_C(1800000000000000) + i};
        item->document_size = 8 + i % 2;
        memset(item->document, (int)(0xa0 + i), sizeof item->document);
    }
    history.items[2].row.cell = chek_bytes_view_of(cell, sizeof cell);
    return history;
}

static struct chek_chain
chain_of(const struct history *history)
{
    struct chek_chain_link link;
    chek_chain_link_begin(&link, &history->before, history->partition, history->count);
    for (uint32_t i = 0; i < history->count; i++) {
        const struct item *item = &history->items[i];
        chek_chain_link_add(&link, &item->row,
                            chek_bytes_view_of(item->document, item->document_size));
    }
    return chek_chain_link_end(&link);
}

/* ---- the bytes -------------------------------------------------------------------------------- */

/* The link of the worked example: range 2 of partition 7, one close row. */
static void
test_chain_link_is_blake2b_of_the_vector(void **state)
{
    (void)state;
    uint8_t bytes[256], head[CHEK_CHAIN_SIZE];
    uint8_t personal[crypto_generichash_blake2b_PERSONALBYTES] = "chek link 1";
    FILE *file = fopen(VECTOR, "rb");
    assert_non_null(file);
    size_t size = fread(bytes, 1, sizeof bytes, file);
    (void)fclose(file);
    assert_int_equal(crypto_generichash_blake2b_salt_personal(head, sizeof head, bytes, size, NULL,
                                                              0, NULL, personal),
                     0);
    assert_memory_equal(head, vector_head, sizeof head);

    static const uint8_t document[] = {0x10, 0x03, 0x44, 0x33, 0x22, 0x69};
    struct history history = {
        .before = {.range_count = 2, .row_count = 31744},
        .partition = 7,
        .count = 1,
        .items = {{.row = {.registration = 300,
                           .ordinal = 1000,
                           .shift = 41,
                           .binding = 1,
                           .kind = CHEK_ROW_CLOSE,
                           .late = true,
                           .received_us = UINT64_C(0x000647a11f422800),
                           .cell = chek_bytes_view_of(cell, sizeof cell)},
                   .document_size = sizeof document}},
    };
    for (size_t i = 0; i < sizeof history.before.head; i++) {
        history.before.head[i] = (uint8_t)i;
    }
    memcpy(history.items[0].document, document, sizeof document);
    struct chek_chain got = chain_of(&history);
    assert_memory_equal(got.head, vector_head, sizeof got.head);
    assert_int_equal(got.range_count, 3);
    assert_int_equal(got.row_count, 31745);
}

/* ---- what makes another head ------------------------------------------------------------------ */

#define CHANGE(name, statement)               \
    static void name(struct history *history) \
    {                                         \
        struct item *item = history->items;   \
        (void)item;                           \
        statement;                            \
    }

CHANGE(registration, item->row.registration ^= 1)
CHANGE(ordinal, item->row.ordinal += 1)
CHANGE(shift, item->row.shift += 1)
CHANGE(completes, item->row.completes = 1)
CHANGE(warnings, item->row.warnings ^= 2)
CHANGE(binding, item->row.binding += 1)
CHANGE(kind, item->row.kind ^= 1)
CHANGE(late, item->row.late = true)
CHANGE(received, item->row.received_us += 1)
CHANGE(document_bit, item->document[7] ^= 0x80)
CHANGE(document_longer, item->document_size += 1)
CHANGE(cell_shorter, item[2].row.cell.size -= 1)
CHANGE(partition, history->partition += 1)
CHANGE(range, history->before.range_count += 1)
CHANGE(first_row, history->before.row_count += 1)
CHANGE(link_before, history->before.head[31] ^= 1)
CHANGE(row_gone, memmove(item, item + 1, 5 * sizeof *item))
CHANGE(row_gone_and_fewer, history->count -= 1)
CHANGE(row_inserted, memmove(item + 1, item, 5 * sizeof *item))
CHANGE(row_added, history->count += 1)

static void
rows_swapped(struct history *history)
{
    struct item item = history->items[0];
    history->items[0] = history->items[1];
    history->items[1] = item;
}

/* The last byte of the document is the first of the cell: the same bytes, another border. */
static void
border_moved(struct history *history)
{
    static uint8_t longer[16];
    struct item *item = &history->items[2];
    longer[0] = item->document[item->document_size - 1];
    memcpy(longer + 1, item->row.cell.bytes, item->row.cell.size);
    item->document_size -= 1;
    item->row.cell = chek_bytes_view_of(longer, item->row.cell.size + 1);
}

static struct change_case {
    const char *name;
    void (*change)(struct history *history);
} change_cases[] = {
    {"another_registration", registration},
    {"another_ordinal", ordinal},
    {"another_shift", shift},
    {"another_completed_row", completes},
    {"another_warning", warnings},
    {"another_binding", binding},
    {"another_kind", kind},
    {"late_or_not", late},
    {"another_time", received},
    {"a_flipped_bit_of_the_document", document_bit},
    {"a_longer_document", document_longer},
    {"a_shorter_cell", cell_shorter},
    {"another_partition", partition},
    {"another_range", range},
    {"another_first_row", first_row},
    {"another_link_before", link_before},
    {"a_row_taken_away", row_gone},
    {"the_last_row_taken_away", row_gone_and_fewer},
    {"a_row_inserted", row_inserted},
    {"a_row_added", row_added},
    {"two_rows_swapped", rows_swapped},
    {"a_border_moved", border_moved},
};

static void
test_chain_head_changes(void **state)
{
    const struct change_case *c = *state;
    struct history history = example();
    struct chek_chain sound = chain_of(&history);
    struct chek_chain again = chain_of(&history);
    assert_memory_equal(&sound, &again, sizeof sound);
    c->change(&history);
    struct chek_chain changed = chain_of(&history);
    assert_memory_not_equal(sound.head, changed.head, sizeof sound.head);
}

/* That a fuller copy came is said by that copy. */
static void
test_chain_head_knows_no_replaced_bit(void **state)
{
    (void)state;
    struct history history = example();
    struct chek_chain sound = chain_of(&history);
    history.items[1].row.replaced = true;
    struct chek_chain changed = chain_of(&history);
    assert_memory_equal(sound.head, changed.head, sizeof sound.head);
}

int
main(void)
{
    struct CMUnitTest tests[CHEK_COUNT(change_cases) + 2] = {
        cmocka_unit_test(test_chain_link_is_blake2b_of_the_vector),
        cmocka_unit_test(test_chain_head_knows_no_replaced_bit),
    };
    for (size_t i = 0; i < CHEK_COUNT(change_cases); i++) {
        tests[2 + i] = (struct CMUnitTest){.name = change_cases[i].name,
                                           .test_func = test_chain_head_changes,
                                           .initial_state = &change_cases[i]};
    }
    return cmocka_run_group_tests_name("chain", tests, NULL, NULL);
}
