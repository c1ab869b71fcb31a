/* SPDX-License-Identifier: MIT */
/* test_frame.c - heads and checksums of frames. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/cursor.h"
#include "engine/wire/frame.h"

#define BODY_SIZE_MAX 512

/* A head of a request: opcode 0x0010, a body of 5 bytes, frame id 0x0807060504030201. */
static const uint8_t head_bytes[CHEK_FRAME_HEAD_SIZE] = {
    0x43, 0x4b, 0x01, 0x00, 0x10, 0x00, 0x00, 0x00, 0x05, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18,
};

/* The byte at `offset` becomes `byte`. */
static struct head_case {
    const char *name;
    size_t offset;
    uint8_t byte;
    int want;
} cases[] = {
    {"head_of_a_request_is_valid", 3, 0x00, CHEK_OK},
    {"head_of_an_answer_part_is_valid", 3, 0x01, CHEK_OK},
    {"head_of_an_answer_end_is_valid", 3, 0x03, CHEK_OK},
    {"head_of_a_refusal_is_valid", 3, 0x07, CHEK_OK},
    {"first_magic_byte_is_checked", 0, 0x44, CHEK_E_MAGIC},
    {"second_magic_byte_is_checked", 1, 0x42, CHEK_E_MAGIC},
    {"version_0_is_refused", 2, 0, CHEK_E_VERSION},
    {"version_2_is_refused", 2, 2, CHEK_E_VERSION},
    {"flag_3_is_reserved", 3, 0x08, CHEK_E_RESERVED},
    {"flag_7_is_reserved", 3, 0x81, CHEK_E_RESERVED},
    {"last_without_answer_is_out_of_range", 3, 0x02, CHEK_E_RANGE},
    {"refusal_without_answer_is_out_of_range", 3, 0x04, CHEK_E_RANGE},
    {"refusal_that_is_not_last_is_out_of_range", 3, 0x05, CHEK_E_RANGE},
    {"refusal_without_answer_but_last_is_out_of_range", 3, 0x06, CHEK_E_RANGE},
    {"byte_6_is_reserved", 6, 1, CHEK_E_RESERVED},
    {"byte_7_is_reserved", 7, 1, CHEK_E_RESERVED},
    {"byte_12_is_reserved", 12, 1, CHEK_E_RESERVED},
    {"byte_15_is_reserved", 15, 0x80, CHEK_E_RESERVED},
    {"empty_body_is_valid", 8, 0, CHEK_OK},
    {"body_of_517_bytes_is_above_the_limit", 9, 2, CHEK_E_LIMIT},
    {"body_of_16_mib_is_above_the_limit", 11, 1, CHEK_E_LIMIT},
};

static void
test_frame_head_decode(void **state)
{
    const struct head_case *c = *state;
    uint8_t bytes[CHEK_FRAME_HEAD_SIZE];
    struct chek_frame_head got = {.opcode = 0xdead};

    memcpy(bytes, head_bytes, sizeof bytes);
    bytes[c->offset] = c->byte;

    int error = chek_frame_head_decode(bytes, BODY_SIZE_MAX, &got);
    assert_string_equal(chek_error_name(error), chek_error_name(c->want));
    assert_int_equal(got.opcode, c->want == CHEK_OK ? 0x10 : 0xdead);
}

static void
test_frame_head_decode_reads_every_field(void **state)
{
    (void)state;
    struct chek_frame_head got;
    assert_int_equal(chek_frame_head_decode(head_bytes, BODY_SIZE_MAX, &got), CHEK_OK);
    assert_int_equal(got.opcode, 0x10);
    assert_int_equal(got.flags, 0);
    assert_int_equal(got.body_size, 5);
    assert_true(got.frame_id == UINT64_C(0x0807060504030201));
    assert_true(got.checksum == UINT64_C(0x1817161514131211));
}

static void
test_frame_head_decode_allows_a_body_of_the_limit(void **state)
{
    (void)state;
    struct chek_frame_head got;
    assert_int_equal(chek_frame_head_decode(head_bytes, 5, &got), CHEK_OK);
    assert_int_equal(chek_frame_head_decode(head_bytes, 4, &got), CHEK_E_LIMIT);
}

static size_t
write_frame(uint8_t *bytes, size_t capacity, const char *body, uint64_t frame_id)
{
    struct chek_writer out = chek_writer_over(bytes, capacity);
    size_t begin = chek_frame_begin(&out);
    chek_writer_bytes(&out, body, strlen(body));
    chek_frame_finish(&out, begin, 0x1234, CHEK_FRAME_ANSWER, frame_id);
    return out.full ? 0 : out.size;
}

static void
test_frame_finish_writes_a_head_that_decodes(void **state)
{
    (void)state;
    uint8_t bytes[64];
    struct chek_frame_head got;
    size_t size = write_frame(bytes, sizeof bytes, "body", 77);
    assert_int_equal(size, CHEK_FRAME_HEAD_SIZE + 4);
    assert_int_equal(chek_frame_head_decode(bytes, 4, &got), CHEK_OK);
    assert_int_equal(got.opcode, 0x1234);
    assert_int_equal(got.flags, CHEK_FRAME_ANSWER);
    assert_int_equal(got.body_size, 4);
    assert_true(got.frame_id == 77);
    assert_true(chek_frame_check(bytes, &got));
}

static void
test_frame_finish_appends_behind_other_frames(void **state)
{
    (void)state;
    uint8_t bytes[128];
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    chek_writer_bytes(&out, "before", 6);
    size_t begin = chek_frame_begin(&out);
    chek_writer_u8(&out, 9);
    chek_frame_finish(&out, begin, 2, 0, 1);

    struct chek_frame_head got;
    assert_int_equal(begin, 6);
    assert_memory_equal(bytes, "before", 6);
    assert_int_equal(chek_frame_head_decode(bytes + 6, 1, &got), CHEK_OK);
    assert_true(chek_frame_check(bytes + 6, &got));
}

static void
test_frame_finish_leaves_a_full_writer_alone(void **state)
{
    (void)state;
    uint8_t bytes[64] = {0};
    for (size_t capacity = 0; capacity < CHEK_FRAME_HEAD_SIZE + 4; capacity++) {
        assert_int_equal(write_frame(bytes, capacity, "body", 1), 0);
        assert_int_equal(bytes[capacity], 0);
    }
}

/* Any bit of a frame that flips is found by the head's rules or by the checksum. */
static void
test_frame_check_finds_every_flipped_bit(void **state)
{
    (void)state;
    uint8_t bytes[64];
    size_t size = write_frame(bytes, sizeof bytes, "a receipt", 5);
    for (size_t bit = 0; bit < 8 * size; bit++) {
        struct chek_frame_head got;
        bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        /* A smaller body size is found by the sum over fewer bytes, a larger one by the limit. */
        int error = chek_frame_head_decode(bytes, 9, &got);
        assert_true(error != CHEK_OK || !chek_frame_check(bytes, &got));
        bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
}

int
main(void)
{
    const struct CMUnitTest others[] = {
        cmocka_unit_test(test_frame_head_decode_reads_every_field),
        cmocka_unit_test(test_frame_head_decode_allows_a_body_of_the_limit),
        cmocka_unit_test(test_frame_finish_writes_a_head_that_decodes),
        cmocka_unit_test(test_frame_finish_appends_behind_other_frames),
        cmocka_unit_test(test_frame_finish_leaves_a_full_writer_alone),
        cmocka_unit_test(test_frame_check_finds_every_flipped_bit),
    };
    struct CMUnitTest tests[CHEK_COUNT(cases) + CHEK_COUNT(others)];

    for (size_t i = 0; i < CHEK_COUNT(cases); i++) {
        tests[i] = (struct CMUnitTest){
            .name = cases[i].name, .test_func = test_frame_head_decode, .initial_state = &cases[i]};
    }
    memcpy(tests + CHEK_COUNT(cases), others, sizeof others);
    return cmocka_run_group_tests_name("frame", tests, NULL, NULL);
}
