/* SPDX-License-Identifier: MIT */
/*
 * test_ffd_tlv.c - elements of Russian fiscal documents: every tag of the table, every type, bounds.
 */
#include <stdio.h>
#include <stdlib.h>

#include "ingest/ffd_tlv.h"
#include "tests/unit/table.h"

#define MEMORY_SIZE (1 << 16)

static size_t
hex_read(const char *hex, uint8_t *ret, size_t size_max)
{
    size_t size = 0;
    unsigned byte;
    for (; *hex != 0; hex += 2) {
        assert_true(size < size_max && sscanf(hex, "%2x", &byte) == 1);
        ret[size++] = (uint8_t)byte;
    }
    return size;
}

/* ---- numbers ---------------------------------------------------------------------------------- */

static struct number_case {
    const char *name, *hex;
    int want;
    uint64_t value;
} vlns[] = {
    {"empty_is_zero", "", CHEK_OK, 0},
    {"one_zero_byte_is_zero", "00", CHEK_OK, 0},
    {"lowest_byte_first", "563412", CHEK_OK, 0x123456},
    {"zeros_behind_are_padding", "563412000000", CHEK_OK, 0x123456},
    {"eight_bytes", "ffffffffffffffff", CHEK_OK, UINT64_MAX},
    {"nine_bytes_are_too_many", "010000000000000000", CHEK_E_LIMIT, 0},
};

static void
test_vln(void **state)
{
    const struct number_case *c = *state;
    uint8_t bytes[16];
    uint64_t got = 77;
    size_t size = hex_read(c->hex, bytes, sizeof bytes);
    assert_error(chek_ffd_vln_read(chek_bytes_view_of(bytes, size), &got), c->want);
    assert_int_equal(got, c->want == CHEK_OK ? c->value : 77);
}

static struct fraction_case {
    const char *name, *hex;
    int want;
    uint64_t value;
    unsigned decimals;
} fvlns[] = {
    {"no_decimals", "0001", CHEK_OK, 1, 0},
    {"three_decimals", "03e803", CHEK_OK, 1000, 3},
    {"six_decimals", "0640420f", CHEK_OK, 1000000, 6},
    {"padded_with_zeros", "02d7370200000000", CHEK_OK, 145367, 2},
    {"mantissa_may_be_missing", "03", CHEK_OK, 0, 3},
    {"empty_is_short", "", CHEK_E_SHORT, 0, 0},
    {"eighteen_decimals", "1201", CHEK_OK, 1, 18},
    {"nineteen_decimals_are_too_many", "1301", CHEK_E_RANGE, 0, 0},
    {"ten_bytes_are_too_many", "00010000000000000000", CHEK_E_LIMIT, 0, 0},
};

static void
test_fvln(void **state)
{
    const struct fraction_case *c = *state;
    uint8_t bytes[16];
    uint64_t got = 77;
    unsigned decimals = 88;
    size_t size = hex_read(c->hex, bytes, sizeof bytes);
    assert_error(chek_ffd_fvln_read(chek_bytes_view_of(bytes, size), &got, &decimals), c->want);
    assert_int_equal(got, c->want == CHEK_OK ? c->value : 77);
    assert_int_equal(decimals, c->want == CHEK_OK ? c->decimals : 88);
}

/* ---- texts ------------------------------------------------------------------------------------ */

static void
test_text_every_byte_comes_back(void **state)
{
    static uint8_t memory[MEMORY_SIZE];
    (void)state;
    for (unsigned byte = 0x21; byte < 256; byte++) {
        struct chek_arena arena;
        struct chek_bytes_view text;
        uint8_t one = (uint8_t)byte;
        uint8_t again[8];
        struct chek_writer out = chek_writer_over(again, sizeof again);
        chek_arena_init_over(&arena, memory, sizeof memory);
        assert_error(chek_ffd_text_read(chek_bytes_view_of(&one, 1), &arena, &text), CHEK_OK);
        assert_error(chek_ffd_put_text(&out, 1030, text, 0), CHEK_OK);
        assert_int_equal(out.size, 5);
        assert_int_equal(again[4], byte);
    }
}

static struct text_case {
    const char *name, *hex;
    int want;
    const char *text;
} texts[] = {
    {"cyrillic", "8fa0aaa5e2", CHEK_OK, "Пакет"},
    {"the_other_quarter_of_small_letters", "e0efe1", CHEK_OK, "ряс"},
    {"number_sign_and_io", "fcf0f1", CHEK_OK, "№Ёё"},
    {"box", "c4b3db", CHEK_OK, "─│█"},
    {"padding_goes", "20203120200000", CHEK_OK, "1"},
    {"new_line_inside_stays", "310d0a32", CHEK_OK, "1\r\n2"},
    {"nul_inside_is_no_text", "310032", CHEK_E_TEXT, NULL},
    {"empty", "", CHEK_OK, ""},
};

static void
test_text(void **state)
{
    const struct text_case *c = *state;
    static uint8_t memory[MEMORY_SIZE];
    uint8_t bytes[64];
    struct chek_arena arena;
    struct chek_bytes_view text = chek_bytes_view_text("as before");
    size_t size = hex_read(c->hex, bytes, sizeof bytes);
    chek_arena_init_over(&arena, memory, sizeof memory);
    assert_error(chek_ffd_text_read(chek_bytes_view_of(bytes, size), &arena, &text), c->want);
    const char *want = c->text != NULL ? c->text : "as before";
    assert_int_equal(text.size, strlen(want));
    assert_memory_equal(text.bytes, want, text.size);
}

static void
test_text_of_no_room_is_refused(void **state)
{
    uint8_t memory[16];
    struct chek_arena arena;
    struct chek_bytes_view text;
    (void)state;
    chek_arena_init_over(&arena, memory, sizeof memory);
    assert_error(chek_ffd_text_read(chek_bytes_view_text("abcdef"), &arena, &text), CHEK_E_LIMIT);
}

static void
test_text_that_has_no_letter_is_not_written(void **state)
{
    uint8_t bytes[16];
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    (void)state;
    assert_error(chek_ffd_put_text(&out, 1030, chek_bytes_view_text("é"), 0), CHEK_E_TEXT);
    assert_error(chek_ffd_put_text(&out, 1030, chek_bytes_view_text("\xff"), 0), CHEK_E_TEXT);
    assert_error(chek_ffd_put_text(&out, 1030, chek_bytes_view_text("😀"), 0), CHEK_E_TEXT);
    assert_int_equal(out.size, 0);
    assert_error(chek_ffd_put_text(&out, 1018, chek_bytes_view_text("12"), 4), CHEK_OK);
    assert_memory_equal(bytes,
                        "\xfa\x03\x04\x00"
                        "12  ",
                        8);
}

/* ---- the table -------------------------------------------------------------------------------- */

/* A parent in which a place is, 0 for the document. */
static uint16_t
parent_of(uint32_t place)
{
    for (uint32_t tag = 1000; tag < 2200; tag++) {
        const struct chek_ffd_tag *known = chek_ffd_tag_at((uint16_t)tag, UINT32_MAX);
        if (known != NULL && known->inside == place) {
            return (uint16_t)tag;
        }
    }
    return 0;
}

/* Bytes of a value that its type allows. */
static size_t
size_of(const struct chek_ffd_tag *known)
{
    switch (known->type) {
    case CHEK_FFD_U32:
    case CHEK_FFD_TIME:
        return 4;
    case CHEK_FFD_NESTED:
        return 0;
    default:
        return 1;
    }
}

/* Walk one element in its place; what came of it. */
static int
element_walk(uint16_t tag, uint32_t place, size_t size, struct chek_ffd_element *ret)
{
    static uint8_t bytes[80000];
    static const uint8_t zeros[65536];
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    struct chek_ffd_walk walk;
    uint16_t parents[CHEK_FFD_DEPTH_MAX];
    size_t opened[CHEK_FFD_DEPTH_MAX];
    size_t depth = 0;
    for (uint32_t at = place; at != CHEK_FFD_IN_DOCUMENT; depth++) {
        parents[depth] = parent_of(at);
        assert_true(parents[depth] != 0);
        uint32_t places = chek_ffd_tag_at(parents[depth], UINT32_MAX)->places;
        at = places & -places;
    }
    for (size_t i = depth; i > 0; i--) {
        opened[i - 1] = chek_ffd_open(&out, parents[i - 1]);
    }
    chek_ffd_put_bytes(&out, tag, chek_bytes_view_of(zeros, size));
    for (size_t i = 0; i < depth; i++) {
        chek_ffd_close(&out, opened[i]);
    }
    if (out.full) {
        return CHEK_E_FULL;
    }
    chek_ffd_walk_begin(&walk, chek_bytes_view_of(bytes, out.size));
    while (chek_ffd_walk_next(&walk, ret)) {
    }
    return walk.error;
}

static void
test_every_tag_in_every_place(void **state)
{
    unsigned count = 0;
    (void)state;
    for (uint32_t tag = 0; tag <= UINT16_MAX; tag++) {
        const struct chek_ffd_tag *known = chek_ffd_tag_at((uint16_t)tag, UINT32_MAX);
        if (known == NULL) {
            continue;
        }
        assert_int_equal(known->tag, tag);
        assert_int_equal(known->type == CHEK_FFD_NESTED, known->inside != 0);
        for (uint32_t place = 1; place <= CHEK_FFD_IN_ANSWER; place <<= 1) {
            struct chek_ffd_element element = {0};
            bool belongs = (known->places & place) != 0;
            assert_error(element_walk((uint16_t)tag, place, size_of(known), &element), CHEK_OK);
            assert_int_equal(element.tag, tag);
            assert_ptr_equal(element.known, belongs ? known : NULL);
            count += belongs;
        }
    }
    assert_in_range(count, 190, 250);
}

static void
test_every_tag_has_its_size(void **state)
{
    (void)state;
    for (uint32_t tag = 1000; tag < 2200; tag++) {
        const struct chek_ffd_tag *known = chek_ffd_tag_at((uint16_t)tag, UINT32_MAX);
        struct chek_ffd_element element;
        if (known == NULL || known->type == CHEK_FFD_NESTED) {
            continue;
        }
        uint32_t place = known->places & -known->places;
        size_t fixed = known->type == CHEK_FFD_BYTE                                  ? 1
                       : known->type == CHEK_FFD_U32 || known->type == CHEK_FFD_TIME ? 4
                                                                                     : 0;
        if (known->size_max < UINT16_MAX) {
            assert_error(element_walk((uint16_t)tag, place, known->size_max, &element), CHEK_OK);
            assert_error(element_walk((uint16_t)tag, place, (size_t)known->size_max + 1, &element),
                         CHEK_E_LIMIT);
        }
        bool wants_some =
            fixed != 0 || known->type == CHEK_FFD_UINT || known->type == CHEK_FFD_FVLN;
        assert_error(element_walk((uint16_t)tag, place, 0, &element),
                     wants_some ? CHEK_E_RANGE : CHEK_OK);
        if (fixed == 4) {
            assert_error(element_walk((uint16_t)tag, place, 3, &element), CHEK_E_RANGE);
        }
    }
}

static void
test_every_kind_has_its_code(void **state)
{
    static const uint16_t codes[] = {1, 2, 3, 4, 5, 6, 7, 11, 21, 31, 41, 81, 82, 83, 84};
    unsigned count = 0;
    (void)state;
    for (uint32_t code = 0; code <= UINT16_MAX; code++) {
        count += chek_ffd_kind_find((uint16_t)code) != NULL;
    }
    assert_int_equal(count, CHEK_COUNT(codes));
    for (size_t i = 0; i < CHEK_COUNT(codes); i++) {
        assert_int_equal(chek_ffd_kind_find(codes[i])->code, codes[i]);
    }
}

/* ---- walks ------------------------------------------------------------------------------------ */

static struct walk_case {
    const char *name, *hex;
    int want;
    unsigned count; /* of elements before the end */
    size_t at;      /* of the error */
} walks[] = {
    {"empty", "", CHEK_OK, 0, 0},
    {"byte", "1e04010001", CHEK_OK, 1, 0},
    {"unknown_tag_is_passed_over", "ffff0300aabbcc1e04010001", CHEK_OK, 2, 0},
    {"head_is_cut", "1e0401", CHEK_E_SHORT, 0, 0},
    {"value_is_cut", "1e04020001", CHEK_E_SHORT, 0, 0},
    {"second_value_is_cut", "1e04010001fc030200ff", CHEK_E_SHORT, 1, 5},
    {"line_with_price_and_sum", "23040a0037040100011304010002", CHEK_OK, 3, 0},
    {"child_ends_behind_its_parent", "2304050037040200011304010002", CHEK_E_SHORT, 1, 4},
    {"head_of_a_child_ends_behind_its_parent", "230403003704010001", CHEK_E_SHORT, 1, 4},
    {"byte_of_two", "1e0402000101", CHEK_E_LIMIT, 0, 0},
    {"four_bytes_are_three", "10040300010203", CHEK_E_RANGE, 0, 0},
    {"time_of_five", "f40305000102030405", CHEK_E_LIMIT, 0, 0},
    {"child_after_empty_parent", "230400002304000013040100ff", CHEK_OK, 3, 0},
    {"grandchild_ends_behind_its_parent", "aa040b00690407006f040400010203", CHEK_E_SHORT, 2, 8},
};

static void
test_walk(void **state)
{
    const struct walk_case *c = *state;
    uint8_t bytes[128];
    struct chek_ffd_walk walk;
    struct chek_ffd_element element;
    unsigned count = 0;
    size_t size = hex_read(c->hex, bytes, sizeof bytes);
    chek_ffd_walk_begin(&walk, chek_bytes_view_of(bytes, size));
    while (chek_ffd_walk_next(&walk, &element)) {
        count += 1;
    }
    assert_error(walk.error, c->want);
    assert_int_equal(count, c->count);
    assert_int_equal(walk.error != CHEK_OK ? walk.at : 0, c->at);
    assert_false(chek_ffd_walk_next(&walk, &element)); /* the end stays the end */
}

static void
test_walk_gives_parents(void **state)
{
    uint8_t bytes[256];
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    static const struct {
        uint16_t tag, parent, depth;
    } want[] = {{1194, 0, 0},    {1134, 1194, 1}, {1129, 1194, 1}, {1135, 1129, 2}, {1201, 1129, 2},
                {1133, 1194, 1}, {1145, 1133, 2}, {1201, 1145, 3}, {1038, 0, 0}};
    size_t counters = chek_ffd_open(&out, 1194);
    (void)state;
    chek_ffd_put_u32(&out, 1134, 7);
    size_t operation = chek_ffd_open(&out, 1129);
    chek_ffd_put_u32(&out, 1135, 5);
    chek_ffd_put_vln(&out, 1201, 123456);
    chek_ffd_close(&out, operation);
    size_t corrections = chek_ffd_open(&out, 1133);
    operation = chek_ffd_open(&out, 1145);
    chek_ffd_put_vln(&out, 1201, 0);
    chek_ffd_close(&out, operation);
    chek_ffd_close(&out, corrections);
    chek_ffd_close(&out, counters);
    chek_ffd_put_u32(&out, 1038, 12);
    assert_false(out.full);

    struct chek_ffd_walk walk;
    struct chek_ffd_element element;
    chek_ffd_walk_begin(&walk, chek_bytes_view_of(bytes, out.size));
    for (size_t i = 0; i < CHEK_COUNT(want); i++) {
        assert_true(chek_ffd_walk_next(&walk, &element));
        assert_int_equal(element.tag, want[i].tag);
        assert_int_equal(element.depth, want[i].depth);
        assert_int_equal(element.parent != NULL ? element.parent->tag : 0, want[i].parent);
    }
    assert_false(chek_ffd_walk_next(&walk, &element));
    assert_error(walk.error, CHEK_OK);
}

/* ---- the writer ------------------------------------------------------------------------------- */

static void
test_writer_writes_shortest_forms(void **state)
{
    static const struct {
        uint64_t value;
        size_t size;
    } rows[] = {{0, 1}, {255, 1}, {256, 2}, {UINT64_C(1) << 40, 6}, {UINT64_MAX, 8}};
    (void)state;
    for (size_t i = 0; i < CHEK_COUNT(rows); i++) {
        uint8_t bytes[32];
        uint64_t again = 1;
        unsigned decimals;
        struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
        chek_ffd_put_vln(&out, 1020, rows[i].value);
        assert_int_equal(out.size, 4 + rows[i].size);
        assert_error(chek_ffd_vln_read(chek_bytes_view_of(bytes + 4, rows[i].size), &again),
                     CHEK_OK);
        assert_int_equal(again, rows[i].value);
        out.size = 0;
        chek_ffd_put_fvln(&out, 1023, rows[i].value, 3);
        assert_int_equal(out.size, 5 + rows[i].size);
        assert_error(
            chek_ffd_fvln_read(chek_bytes_view_of(bytes + 4, 1 + rows[i].size), &again, &decimals),
            CHEK_OK);
        assert_int_equal(again, rows[i].value);
        assert_int_equal(decimals, 3);
    }
}

static void
test_writer_is_full_and_stays(void **state)
{
    static uint8_t bytes[70000], zeros[65536];
    struct chek_writer small = chek_writer_over(bytes, 6);
    struct chek_writer large = chek_writer_over(bytes, sizeof bytes);
    (void)state;
    size_t opened = chek_ffd_open(&small, 3);
    chek_ffd_put_u32(&small, 1040, 1);
    chek_ffd_close(&small, opened);
    assert_true(small.full);
    chek_ffd_put_bytes(&large, 1162, chek_bytes_view_of(zeros, sizeof zeros));
    assert_true(large.full); /* no size can say so much */
    large = chek_writer_over(bytes, sizeof bytes);
    opened = chek_ffd_open(&large, 3);
    chek_ffd_put_bytes(&large, 1162, chek_bytes_view_of(zeros, 65532));
    assert_false(large.full);
    chek_ffd_close(&large, opened);
    assert_true(large.full);
}

int
main(void)
{
    static struct table table;
    TABLE_ROWS(&table, test_vln, vlns);
    TABLE_ROWS(&table, test_fvln, fvlns);
    TABLE_ROWS(&table, test_text, texts);
    TABLE_TEST(&table, test_text_every_byte_comes_back);
    TABLE_TEST(&table, test_text_of_no_room_is_refused);
    TABLE_TEST(&table, test_text_that_has_no_letter_is_not_written);
    TABLE_TEST(&table, test_every_tag_in_every_place);
    TABLE_TEST(&table, test_every_tag_has_its_size);
    TABLE_TEST(&table, test_every_kind_has_its_code);
    TABLE_ROWS(&table, test_walk, walks);
    TABLE_TEST(&table, test_walk_gives_parents);
    TABLE_TEST(&table, test_writer_writes_shortest_forms);
    TABLE_TEST(&table, test_writer_is_full_and_stays);
    return table_run(&table, "ffd_tlv");
}
