/* SPDX-License-Identifier: MIT */
/*
 * test_log_format.c - the bytes of a block, a watermark and a name are what the vectors say.
 *
 *   test_log_format --write-vectors   make the vectors anew (a change of format)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "engine/base/cursor.h"
#include "tests/unit/log_fixture.h"

#define VECTOR_BLOCK "tests/vectors/log/block.bin"
#define VECTOR_WATERMARK "tests/vectors/log/watermark.bin"

/* The block of the worked example in persist/FORMAT.md: one group, two commands. */
static const struct log_place place = {
    .folder_id = {UINT64_C(0x1122334455667788), UINT64_C(0x99aabbccddeeff00)},
    .generation = 7,
    .stream = 3,
    .file = 2,
};
static const struct log_place watermark_place = {
    .folder_id = {UINT64_C(0x1122334455667788), UINT64_C(0x99aabbccddeeff00)},
    .generation = 7,
    .stream = 3,
};

#define BLOCK_INDEX 5
#define FIRST_LSN 1000
#define DURABLE_LSN 900

static void
example_block(uint8_t *block)
{
    static const char *const commands[] = {"receipt", "close"};
    uint8_t payload[64];
    size_t size = 0;
    for (size_t i = 0; i < CHEK_COUNT(commands); i++) {
        memcpy(payload + size + CHEK_LOG_COMMAND_OVERHEAD, commands[i], strlen(commands[i]));
        persist__log_command_encode(payload + size, strlen(commands[i]), FIRST_LSN + size);
        size += CHEK_LOG_COMMAND_OVERHEAD + strlen(commands[i]);
    }
    const struct log_head head = {
        .flags = LOG_FLAG_GROUP_FIRST | LOG_FLAG_GROUP_LAST,
        .payload_size = (uint16_t)size,
        .lsn = FIRST_LSN,
        .durable_lsn = DURABLE_LSN,
        .block = BLOCK_INDEX,
        .file_block_count = 8,
    };
    persist__log_block_encode(block, &place, persist__log_file_seed(&place), &head, payload);
}

static void
vector_read(const char *path, uint8_t block[CHEK_BLOCK_SIZE])
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fread(block, 1, CHEK_BLOCK_SIZE, file), CHEK_BLOCK_SIZE);
    assert_int_equal(fgetc(file), EOF);
    (void)fclose(file);
}

static void
test_log_block_decodes_and_encodes_the_vector(void **state)
{
    (void)state;
    uint8_t block[CHEK_BLOCK_SIZE], again[CHEK_BLOCK_SIZE];
    struct log_head head;
    vector_read(VECTOR_BLOCK, block);

    assert_int_equal(persist__log_head_decode(block, &place, BLOCK_INDEX, &head), CHEK_OK);
    assert_int_equal(head.flags, LOG_FLAG_GROUP_FIRST | LOG_FLAG_GROUP_LAST);
    assert_int_equal(head.lsn, FIRST_LSN);
    assert_int_equal(head.durable_lsn, DURABLE_LSN);
    assert_int_equal(head.file_block_count, 8);
    for (uint32_t i = 1; i < LOG_SECTOR_COUNT; i++) {
        assert_true(persist__log_sector_matches(block, persist__log_file_seed(&place), &head, i));
    }
    struct chek_cursor in = chek_cursor_over(block + LOG_HEAD_SIZE, head.payload_size);
    struct chek_bytes_view command = persist__log_command_take(&in, FIRST_LSN);
    assert_true(chek_bytes_view_equal(command, chek_bytes_view_text("receipt")));
    command = persist__log_command_take(&in, FIRST_LSN + in.at);
    assert_true(chek_bytes_view_equal(command, chek_bytes_view_text("close")));
    assert_int_equal(in.error, CHEK_OK);
    assert_int_equal(chek_cursor_left(&in), 0);

    example_block(again);
    assert_memory_equal(again, block, sizeof block);
}

static void
test_log_block_is_made_the_same_by_the_tests_own_sums(void **state)
{
    (void)state;
    uint8_t block[CHEK_BLOCK_SIZE], again[CHEK_BLOCK_SIZE];
    example_block(block);
    memcpy(again, block, sizeof block);
    memset(again + 64, 0, 64);
    log_block_seal(again, &place, BLOCK_INDEX);
    assert_memory_equal(again, block, sizeof block);
}

static void
test_log_watermark_decodes_and_encodes_the_vector(void **state)
{
    (void)state;
    uint8_t block[CHEK_BLOCK_SIZE], again[CHEK_BLOCK_SIZE];
    uint64_t lsn = 0;
    vector_read(VECTOR_WATERMARK, block);

    assert_int_equal(persist__log_watermark_decode(block, &watermark_place, 1, &lsn), CHEK_OK);
    assert_int_equal(lsn, 123456789);
    persist__log_watermark_encode(again, &watermark_place, 1, 123456789);
    assert_memory_equal(again, block, sizeof block);
    assert_int_equal(persist__log_watermark_decode(block, &watermark_place, 0, &lsn),
                     CHEK_E_CORRUPT); /* the other copy's place */
}

/* Each command's sum depends on where it stands. */
static void
test_log_command_take_refuses_a_command_of_another_place(void **state)
{
    (void)state;
    uint8_t bytes[16] = {[8] = 'a', 'b'};
    persist__log_command_encode(bytes, 2, 500);
    struct chek_cursor in = chek_cursor_over(bytes, 10);
    (void)persist__log_command_take(&in, 501);
    assert_int_equal(in.error, CHEK_E_CHECKSUM);
    in = chek_cursor_over(bytes, 10);
    assert_int_equal(persist__log_command_take(&in, 500).size, 2);
    for (size_t cut = 0; cut < 10; cut++) {
        in = chek_cursor_over(bytes, cut);
        (void)persist__log_command_take(&in, 500);
        assert_int_equal(in.error, CHEK_E_SHORT);
        assert_int_equal(in.at, 0);
    }
}

static struct name_case {
    const char *name;
    bool is_ours;
} name_cases[] = {
    {"0000000000000007-0003-00000002.log", true},
    {"ffffffffffffffff-ffff-ffffffff.log", true},
    {"0000000000000007-0003.mark", true},
    {"0000000000000007-0003-00000000.log", false},
    {"0000000000000007-0003-00000002.lo", false},
    {"0000000000000007-0003-00000002.log1", false},
    {"000000000000007-0003-00000002.log", false},
    {"0000000000000007_0003-00000002.log", false},
    {"0000000000000007-0003-0000000A.log", false},
    {"0000000000000007-0003.marks", false},
    {"0000000000000007", false},
    {"", false},
};

static void
test_log_name_parse(void **state)
{
    const struct name_case *c = *state;
    struct log_place parsed = {.file = 77};
    char made[LOG_NAME_SIZE];

    assert_true(persist__log_name_parse(c->name, &parsed) == c->is_ours);
    if (c->is_ours) {
        persist__log_name(made, &parsed);
        assert_string_equal(made + strlen(CHEK_LOG_FOLDER) + 1, c->name);
    } else {
        assert_int_equal(parsed.file, 77);
    }
}

static int
vector_write(const char *path, const uint8_t *block)
{
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(block, CHEK_BLOCK_SIZE, 1, file) != 1) {
        return 1;
    }
    return fclose(file);
}

int
main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--write-vectors") == 0) {
        uint8_t block[CHEK_BLOCK_SIZE];
        example_block(block);
        int failed = vector_write(VECTOR_BLOCK, block);
        persist__log_watermark_encode(block, &watermark_place, 1, 123456789);
        return failed | vector_write(VECTOR_WATERMARK, block);
    }
    static const struct CMUnitTest plain[] = {
        cmocka_unit_test(test_log_block_decodes_and_encodes_the_vector),
        cmocka_unit_test(test_log_block_is_made_the_same_by_the_tests_own_sums),
        cmocka_unit_test(test_log_watermark_decodes_and_encodes_the_vector),
        cmocka_unit_test(test_log_command_take_refuses_a_command_of_another_place),
    };
    struct CMUnitTest tests[CHEK_COUNT(plain) + CHEK_COUNT(name_cases)];
    size_t count = 0;
    for (size_t i = 0; i < CHEK_COUNT(plain); i++) {
        tests[count++] = plain[i];
    }
    for (size_t i = 0; i < CHEK_COUNT(name_cases); i++) {
        tests[count++] = (struct CMUnitTest){.name = name_cases[i].name,
                                             .test_func = test_log_name_parse,
                                             .initial_state = &name_cases[i]};
    }
    return cmocka_run_group_tests_name("log_format", tests, NULL, NULL);
}
