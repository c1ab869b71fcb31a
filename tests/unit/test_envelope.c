/* SPDX-License-Identifier: MIT */
/* Unit tests of the envelope: every byte of the table, every refusal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/partition/envelope.h"

static const struct chek_envelope given = {
    .kind = CHEK_COMMAND_DOCUMENT,
    .verdict = 3,
    .partition = 0x1234,
    .apply_version = CHEK_APPLY_VERSION,
    .registration = 0x01020304,
    .partition_seq = 0x1112131415161718,
    .time_us = 0x2122232425262728,
    .entropy = 0x3132333435363738,
    .source = 0x4142434445464748,
    .source_offset = 0x5152535455565758,
};

static const char body[] = "body of a command";

static size_t
encode(uint8_t *bytes)
{
    chek_envelope_encode(&given, sizeof body, bytes);
    memcpy(bytes + CHEK_ENVELOPE_SIZE, body, sizeof body);
    return CHEK_ENVELOPE_SIZE + sizeof body;
}

static void
test_command_decode_gives_back_what_was_encoded(void **state)
{
    uint8_t bytes[128];
    struct chek_command command;
    size_t size = encode(bytes);
    (void)state;

    assert_int_equal(chek_command_decode(chek_bytes_view_of(bytes, size), &command), CHEK_OK);
    assert_int_equal(command.envelope.kind, given.kind);
    assert_int_equal(command.envelope.verdict, given.verdict);
    assert_int_equal(command.envelope.partition, given.partition);
    assert_int_equal(command.envelope.apply_version, given.apply_version);
    assert_int_equal(command.envelope.registration, given.registration);
    assert_int_equal(command.envelope.partition_seq, given.partition_seq);
    assert_int_equal(command.envelope.time_us, given.time_us);
    assert_int_equal(command.envelope.entropy, given.entropy);
    assert_int_equal(command.envelope.source, given.source);
    assert_int_equal(command.envelope.source_offset, given.source_offset);
    assert_int_equal(command.body.size, sizeof body);
    assert_memory_equal(command.body.bytes, body, sizeof body);
}

static void
test_envelope_encode_follows_the_byte_table(void **state)
{
    uint8_t bytes[128];
    (void)state;
    encode(bytes);
    assert_int_equal(chek_load_u32(bytes), CHEK_ENVELOPE_SIZE + sizeof body);
    assert_int_equal(bytes[4], CHEK_COMMAND_DOCUMENT);
    assert_int_equal(bytes[5], 3);
    assert_int_equal(chek_load_u16(bytes + 6), 0x1234);
    assert_int_equal(chek_load_u16(bytes + 10), 0);
    assert_int_equal(chek_load_u32(bytes + 12), 0x01020304);
    assert_int_equal(chek_load_u64(bytes + 16), 0x1112131415161718);
    assert_int_equal(chek_load_u64(bytes + 48), 0x5152535455565758);
    assert_int_equal(chek_load_u64(bytes + 56), 0);
}

/* Byte `offset` becomes `byte`, then `cut` bytes fewer are decoded. */
static struct refusal {
    const char *name;
    size_t offset;
    uint8_t byte;
    int cut;
    int want;
} refusals[] = {
    {"one_byte_short", 5, 3, 1, CHEK_E_SHORT},
    {"size_below_the_envelope", 0, 63, 0, CHEK_E_SHORT},
    {"size_above_what_is_there", 0, 0xff, 0, CHEK_E_SHORT},
    {"one_byte_more_than_its_size", 0, CHEK_ENVELOPE_SIZE + sizeof body - 1, 0, CHEK_E_TRAILING},
    {"kind_0", 4, 0, 0, CHEK_E_RANGE},
    {"kind_above_the_last", 4, CHEK_COMMAND_KIND_MAX + 1, 0, CHEK_E_RANGE},
    {"apply_version_0", 8, 0, 0, CHEK_E_APPLY_VERSION},
    {"apply_version_of_a_later_binary", 8, CHEK_APPLY_VERSION + 1, 0, CHEK_E_APPLY_VERSION},
    {"reserved_low", 10, 1, 0, CHEK_E_RESERVED},
    {"reserved_high", 63, 1, 0, CHEK_E_RESERVED},
};

static void
test_command_decode_refuses(void **state)
{
    const struct refusal *c = *state;
    uint8_t bytes[128];
    struct chek_command command = {.envelope.partition = 7};
    size_t size = encode(bytes);

    bytes[c->offset] = c->byte;
    assert_int_equal(
        chek_command_decode(chek_bytes_view_of(bytes, size - (size_t)c->cut), &command), c->want);
    assert_int_equal(command.envelope.partition, 7); /* untouched */
}

int
main(void)
{
    struct CMUnitTest tests[CHEK_COUNT(refusals) + 2] = {
        cmocka_unit_test(test_command_decode_gives_back_what_was_encoded),
        cmocka_unit_test(test_envelope_encode_follows_the_byte_table),
    };
    for (size_t i = 0; i < CHEK_COUNT(refusals); i++) {
        tests[i + 2] = (struct CMUnitTest){.name = refusals[i].name,
                                           .test_func = test_command_decode_refuses,
                                           .initial_state = &refusals[i]};
    }
    return cmocka_run_group_tests_name("envelope", tests, NULL, NULL);
}
