/* SPDX-License-Identifier: MIT */
/*
 * test_folder_resum.c - content that is wrong under sums that are right: only recomputing finds it.
 *
 *   test_folder_resum FOLDER
 *
 * Numbers that follow from the rows are changed in the image of a partition, rows are taken away and
 * brought back, a command of the log is changed, what a receipt sold is another product; then every
 * sum over them is made right again. The check must say so, of the right partition. Who also makes
 * the chain anew is found by a head that was noted before.
 */
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/base/checksum.h"
#include "engine/fiscal/fiscal_state.h"
#include "engine/store/segment.h"
#include "persist/log_format.h"
#include "tests/crash/folder_resum.h"
#include "tests/crash/golden_folder.h"
#include "tests/fuzz/store_resum.h"

#define HEAP_AT FOLDER_FILE_HEAD
#define ROOT_MAPS_AT (256 + 32)          /* in page 0: the first of four */
#define ROOT_COUNTERS_AT (256 + 96 + 64) /* in page 0: registrations, documents */
#define STORE_ROWS_AT 24                 /* in the store's image */
#define STORE_CHAIN_ROWS_AT 48
#define STORE_CHAIN_HEAD_AT 56
#define REGISTRATION_COUNT 2

/* Under a sanitizer, which is slow, every so many bytes. */
#ifdef __SANITIZE_ADDRESS__
#    define STRIDE 13
#else
#    define STRIDE 2
#endif

static const char *folder_path;
static struct fake_disk *disk;
static struct fake_file *image;
static uint8_t *image_sound;
static struct golden_outcome sound;
static unsigned found_count;

/* ---- the image -------------------------------------------------------------------------------- */

static size_t
heap_size(void)
{
    return folder_heap_size(image);
}

static uint8_t *
store_bytes(void)
{
    return folder_store_image(image);
}

static void
image_resum(void)
{
    folder_resum_image(image);
}

/* The changed image is found to be wrong; then it is sound again. */
static void
image_judge(const char *what, size_t offset)
{
    image_resum();
    struct golden_outcome got = golden_folder_verify(disk);
    memcpy(image->bytes, image_sound, image->size);
    if (got.error == CHEK_OK && got.finding_count == 0 && got.state == sound.state) {
        return; /* what the log has on top of the image wrote over it */
    }
    if (got.error != CHEK_OK || got.finding_count == 0) {
        fail_msg("%s at %zu: not found (%d)", what, offset, got.error);
    }
    assert_int_equal(got.first.partition, 1);
    found_count += 1;
}

static void
test_resum_sound_bytes_stay(void **state)
{
    (void)state;
    image_resum();
    assert_memory_equal(image->bytes, image_sound, image->size);
}

/* ---- objects of the heap ---------------------------------------------------------------------- */

/* An object by its reference, copied out. Returns where it is in the file, 0 when nowhere. */
static size_t
object_read(chek_page_ref ref, void *ret, size_t size)
{
    size_t at = (size_t)ref * 16;
    if (ref == 0 || at + size > heap_size()) {
        return 0;
    }
    memcpy(ret, image_sound + HEAP_AT + at, size);
    return HEAP_AT + at;
}

/* Registrations are found by what they are: one of the two numbers, and an open shift that is it. */
static size_t
registration_find(uint32_t id, struct fiscal__registration *ret, struct fiscal__shift *ret_shift)
{
    for (chek_page_ref ref = 1; ref < heap_size() / 16; ref++) {
        size_t at = object_read(ref, ret, sizeof *ret);
        if (at != 0 && ret->id == id && ret->binding_count != 0 &&
            object_read(ret->shift, ret_shift, sizeof *ret_shift) != 0 &&
            ret_shift->number == ret->shift_last && ret_shift->number != 0) {
            return at;
        }
    }
    fail_msg("no registration %u", id);
    return 0;
}

/* Flip the lowest bit of each byte of a run of numbers, one at a time. */
static void
numbers_judge(const char *what, size_t offset, size_t size)
{
    for (size_t i = 0; i < size; i += STRIDE) {
        image->bytes[offset + i] ^= 1;
        image_judge(what, offset + i);
    }
}

#define MEMBER_JUDGE(what, at, type, first, end)             \
    numbers_judge(what, (at) + offsetof(struct type, first), \
                  offsetof(struct type, end) - offsetof(struct type, first))

static void
test_resum_finds_numbers_of_registrations(void **state)
{
    (void)state;
    unsigned warned_count = 0;
    for (uint32_t id = 1; id <= REGISTRATION_COUNT; id++) {
        struct fiscal__registration registration = {0};
        struct fiscal__shift shift = {0};
        size_t at = registration_find(id, &registration, &shift);
        size_t shift_at = object_read(registration.shift, &shift, sizeof shift);
        struct fiscal__warned warned;
        size_t warned_at = object_read(registration.warned, &warned, sizeof warned);
        if (warned_at != 0) {
            numbers_judge("counts of warnings", warned_at, CHEK_WARNING_COUNT * sizeof(uint32_t));
            warned_count += 1;
        }
        MEMBER_JUDGE("cash and sums", at, fiscal__registration, cash, binding);
        MEMBER_JUDGE("opened and last", shift_at, fiscal__shift, opened, magnitude);
        MEMBER_JUDGE("documents and starts", shift_at, fiscal__shift, documents, start);
        numbers_judge("starts", shift_at + offsetof(struct fiscal__shift, start),
                      sizeof shift.start);
    }
    assert_int_not_equal(warned_count, 0);
}

static void
cell_judge(chek_page_ref ref)
{
    struct fiscal__cell cell = {0};
    struct fiscal__operation operation;
    struct fiscal__row row;
    size_t at = object_read(ref, &cell, sizeof cell);
    assert_int_not_equal(at, 0);
    numbers_judge("movements", at + offsetof(struct fiscal__cell, movements),
                  sizeof cell.movements);
    for (size_t i = 0; i < CHEK_COUNT(cell.operations); i++) {
        size_t operation_at = object_read(cell.operations[i], &operation, sizeof operation);
        if (operation_at != 0) {
            numbers_judge("an operation", operation_at, sizeof operation);
        }
    }
    for (size_t i = 0; i < CHEK_COUNT(cell.rows); i++) {
        size_t row_at = object_read(cell.rows[i], &row, sizeof row);
        if (row_at == 0) {
            continue;
        }
        if (i < FISCAL__SECTION_BUCKETS + FISCAL__OPERATOR_BUCKETS) {
            MEMBER_JUDGE("a section or an operator", row_at, fiscal__row, count, turnover);
        } else {
            MEMBER_JUDGE("a tax", row_at, fiscal__row, sum, key);
        }
    }
}

static void
test_resum_finds_totals_of_the_open_shift(void **state)
{
    (void)state;
    for (uint32_t id = 1; id <= REGISTRATION_COUNT; id++) {
        struct fiscal__registration registration = {0};
        struct fiscal__shift shift = {0};
        (void)registration_find(id, &registration, &shift);
        assert_int_not_equal(shift.cells, 0);
        cell_judge(shift.cells);
    }
}

static void
test_resum_finds_counters(void **state)
{
    (void)state;
    numbers_judge("registrations", HEAP_AT + ROOT_COUNTERS_AT, 8);
    numbers_judge("documents", HEAP_AT + ROOT_COUNTERS_AT + 8, 8);
    numbers_judge("rows", (size_t)(store_bytes() - image->bytes) + STORE_ROWS_AT, 8);
}

/* ---- references ------------------------------------------------------------------------------- */

/* Let references lead elsewhere: beside, far away, outside. The check survives and says so. */
static void
references_judge(const char *what, size_t offset, size_t size)
{
    static const uint32_t flips[] = {1, 0x40, 0x8000, 0x7fffffff};
    for (size_t i = 0; i < size; i += sizeof(chek_page_ref)) {
        for (size_t j = 0; j < CHEK_COUNT(flips); j++) {
            uint8_t *at = image->bytes + offset + i;
            chek_store_u32(at, chek_load_u32(at) ^ flips[j]);
            image_judge(what, offset + i);
        }
    }
}

#define REFERENCES_JUDGE(at, type, member)                          \
    references_judge(#member, (at) + offsetof(struct type, member), \
                     sizeof(((struct type *)NULL)->member))

static void
test_resum_finds_references_that_lead_elsewhere(void **state)
{
    (void)state;
    struct fiscal__registration registration = {0};
    struct fiscal__shift shift = {0};
    size_t at = registration_find(1, &registration, &shift);
    REFERENCES_JUDGE(at, fiscal__registration, next);
    REFERENCES_JUDGE(at, fiscal__registration, shift);
    REFERENCES_JUDGE(at, fiscal__registration, runs.root);
    REFERENCES_JUDGE(at, fiscal__registration, shifts.root);
    REFERENCES_JUDGE(at, fiscal__registration, completions.root);
    REFERENCES_JUDGE(at, fiscal__registration, binding);
    REFERENCES_JUDGE(at, fiscal__registration, keys);
    REFERENCES_JUDGE(at, fiscal__registration, organisation);
    size_t shift_at = object_read(registration.shift, &shift, sizeof shift);
    REFERENCES_JUDGE(shift_at, fiscal__shift, cells);
    struct fiscal__cell cell = {0};
    size_t cell_at = object_read(shift.cells, &cell, sizeof cell);
    REFERENCES_JUDGE(cell_at, fiscal__cell, next);
    REFERENCES_JUDGE(cell_at, fiscal__cell, operations);
    REFERENCES_JUDGE(cell_at, fiscal__cell, rows);
    for (size_t map = 0; map < 4; map++) { /* sources, subjects, registrations, keys */
        references_judge("a map", HEAP_AT + ROOT_MAPS_AT + map * sizeof(struct chek_page_map) + 16,
                         sizeof(chek_page_ref));
    }
}

/* ---- rows ------------------------------------------------------------------------------------- */

/* A row of the segment is taken away: it counts as replaced by a fuller copy, which it is not. And
 * a row that was replaced is brought back: the document is there twice. */
static void
test_resum_finds_rows_that_are_gone_or_back(void **state)
{
    (void)state;
    size_t at = (size_t)(store_bytes() - image->bytes) + FOLDER_STORE_SEGMENTS_AT;
    unsigned gone_count = 0, back_count = 0;
    assert_int_equal(chek_load_u32(image->bytes + at), 1);
    size_t replaced_at = at + FOLDER_SEGMENT_REPLACED_AT - FOLDER_STORE_SEGMENTS_AT;
    uint32_t replaced = chek_load_u32(image->bytes + replaced_at);
    assert_int_not_equal(replaced, 0); /* else there are no bits */
    for (unsigned row = 0; row < 64; row++) {
        uint8_t bit = (uint8_t)(1 << row % 8);
        bool was = (image->bytes[replaced_at + 4 + row / 8] & bit) != 0;
        if (was && replaced == 1) {
            continue; /* without bits there would be no room for them */
        }
        image->bytes[replaced_at + 4 + row / 8] ^= bit;
        chek_store_u32(image->bytes + replaced_at, was ? replaced - 1 : replaced + 1);
        image_judge(was ? "a row that is back" : "a row that is gone", row);
        gone_count += !was;
        back_count += was;
    }
    printf("%u rows gone, %u back\n", gone_count, back_count);
}

/* ---- hours ------------------------------------------------------------------------------------ */

/* A value of all cells of a page is one more than its rows come to. */
static void
test_resum_finds_changed_sums_of_hours(void **state)
{
    (void)state;
    struct fake_file *file = golden_folder_file(disk, "segment/0001-");
    uint8_t *content = file->bytes + FOLDER_FILE_HEAD;
    uint8_t *whole = malloc(file->size);
    unsigned judged_count = 0;
    memcpy(whole, file->bytes, file->size);
    for (unsigned column = STORE__HOUR_POSITIONS; column <= STORE__HOUR_TAX; column++) {
        bool of_base = folder_hours_change(file, column);
        uint8_t *sum_at = store_bytes() + FOLDER_SEGMENT_SUM_AT;
        chek_store_u64(sum_at, store_resum_segment_sum(content, file->size - FOLDER_FILE_HEAD));
        memcpy(image_sound, image->bytes, image->size);
        if (of_base) {
            image_judge("sums of hours", column);
            judged_count += 1;
        }
        memcpy(file->bytes, whole, file->size);
        chek_store_u64(sum_at, store_resum_segment_sum(content, file->size - FOLDER_FILE_HEAD));
        image_resum();
        memcpy(image_sound, image->bytes, image->size);
    }
    assert_true(judged_count >= 4);
    free(whole);
}

/* ---- commands --------------------------------------------------------------------------------- */

/* The last command of the current log came a millisecond later: its event says so too. */
static void
test_resum_finds_a_changed_command(void **state)
{
    (void)state;
    struct fake_file *file = golden_folder_file(disk, "log/0000000000000002-0000-00000001");
    struct log_place place;
    struct log_head head;
    uint8_t block[CHEK_BLOCK_SIZE], payload[LOG_PAYLOAD_SIZE];
    assert_true(persist__log_name_parse(strchr(file->name, '/') + 1, &place));
    memcpy(place.folder_id, file->bytes + 8, sizeof place.folder_id);
    memcpy(block, file->bytes, sizeof block);
    for (unsigned at = 0; at < file->size / CHEK_BLOCK_SIZE; at++) {
        uint8_t *to = file->bytes + (size_t)at * CHEK_BLOCK_SIZE;
        if (persist__log_is_zero(to, CHEK_SECTOR_SIZE)) {
            continue;
        }
        assert_int_equal(persist__log_head_decode(to, &place, at, &head), CHEK_OK);
        bool is_document = to[LOG_HEAD_SIZE + CHEK_LOG_COMMAND_OVERHEAD + 4] == 3;
        if ((head.flags & LOG_FLAG_IDLE) != 0 || !is_document) {
            continue;
        }
        memcpy(block, to, sizeof block);
        memcpy(payload, to + LOG_HEAD_SIZE, sizeof payload);
        payload[CHEK_LOG_COMMAND_OVERHEAD + 24] ^= 1; /* its time */
        persist__log_command_encode(payload, chek_load_u32(payload), head.lsn);
        persist__log_block_encode(to, &place, persist__log_file_seed(&place), &head, payload);
        struct golden_outcome got = golden_folder_verify(disk);
        memcpy(to, block, sizeof block);
        assert_int_equal(got.error, CHEK_OK);
        if (got.finding_count == 0) {
            fail_msg("block %u: not found", at);
        }
        assert_string_equal(got.first.file, "event");
        return;
    }
    fail_msg("no document in the current log");
}

/* ---- the chain -------------------------------------------------------------------------------- */

/* The dictionaries of the store's image: the offset of the first text of each that has one. */
static size_t
texts_find(size_t ret[16])
{
    const uint8_t *bytes = store_bytes();
    size_t found = 0;
    size_t at = FOLDER_STORE_SEGMENTS_AT;
    uint32_t count = chek_load_u32(bytes + at);
    uint32_t row_count =
        chek_load_u32(golden_folder_file(disk, "segment/0001-")->bytes + FOLDER_FILE_HEAD + 12);
    assert_int_equal(count, 1);
    at += FOLDER_SEGMENT_REPLACED_AT - FOLDER_STORE_SEGMENTS_AT;
    at += chek_load_u32(bytes + at) != 0 ? 4 + (row_count + 63) / 64 * 8 : 4;
    uint32_t dictionary_count = chek_load_u32(bytes + at);
    at += 4;
    assert_in_range(dictionary_count, 1, 16);
    for (uint32_t i = 0; i < dictionary_count; i++) {
        uint32_t text_count = chek_load_u32(bytes + at);
        at += 4;
        if (text_count != 0) {
            ret[found++] = (size_t)(bytes - image->bytes) + at + 2;
        }
        for (uint32_t j = 0; j < text_count; j++) {
            at += 2 + chek_load_u16(bytes + at);
        }
    }
    return found;
}

/* Sums of money know nothing of what was sold, or who sold it. */
static void
test_resum_finds_texts_that_no_total_knows(void **state)
{
    (void)state;
    size_t texts[16];
    size_t count = texts_find(texts);
    unsigned before = found_count;
    assert_in_range(count, 3, 16);
    for (size_t i = 0; i < count; i++) {
        image->bytes[texts[i]] ^= 1;
        image_judge("a text", texts[i]);
    }
    assert_int_equal(found_count - before, count);
}

/* Put a head where the image says it: of the store, and of the end of its last segment. */
static void
image_head_put(const uint8_t head[32])
{
    memcpy(store_bytes() + STORE_CHAIN_HEAD_AT, head, 32);
    memcpy(store_bytes() + FOLDER_SEGMENT_CHAIN_AT + FOLDER_CHAIN_SIZE - 32, head, 32);
}

/* A head that is wrong, in the image and in the manifest, over rows that are right. */
static void
test_resum_finds_another_head(void **state)
{
    (void)state;
    struct fake_file *manifest = golden_folder_file(disk, "manifest.");
    size_t size = chek_load_u32(manifest->bytes + 12);
    uint64_t number = chek_load_u64(manifest->bytes + 16);
    uint32_t chain_count = chek_load_u32(manifest->bytes + 60);
    uint8_t changed[32];
    assert_int_not_equal(chain_count, 0);
    memcpy(changed, store_bytes() + STORE_CHAIN_HEAD_AT, sizeof changed);
    changed[0] ^= 1;
    image_head_put(changed);
    image_judge("the head in the image", STORE_CHAIN_HEAD_AT);
    store_bytes()[STORE_CHAIN_HEAD_AT] ^= 1;
    image_judge("one of the two heads in the image", STORE_CHAIN_HEAD_AT);

    uint8_t *head = manifest->bytes + size - 8 - 32;
    *head ^= 1;
    chek_store_u64(manifest->bytes + size - 8,
                   chek_checksum_seeded(manifest->bytes, size - 8, number));
    struct golden_outcome got = golden_folder_verify(disk);
    *head ^= 1;
    chek_store_u64(manifest->bytes + size - 8,
                   chek_checksum_seeded(manifest->bytes, size - 8, number));
    assert_int_equal(got.error, CHEK_OK);
    assert_int_not_equal(got.finding_count, 0);
    assert_string_equal(got.first.file, manifest->name);
}

/* Put a head where partition 1 has its own, in image and manifest, with right sums. */
static void
head_forge(const uint8_t *head)
{
    struct fake_file *manifest = golden_folder_file(disk, "manifest.");
    size_t size = chek_load_u32(manifest->bytes + 12);
    uint8_t *chain = manifest->bytes + size - 8 - 52;
    while (chek_load_u32(chain) != 1) {
        chain -= 52;
    }
    memcpy(chain + 20, head, 32);
    chek_store_u64(
        manifest->bytes + size - 8,
        chek_checksum_seeded(manifest->bytes, size - 8, chek_load_u64(manifest->bytes + 16)));
    image_head_put(head);
    image_resum();
}

/*
 * The head that the rows have, as the check says when another was wanted; false when it has
 * something else to say.
 */
static bool
head_told(const struct golden_outcome *outcome, uint8_t ret[32])
{
    static const char before[] = "has the head ";
    const char *at = strstr(outcome->first.text, before);
    return at != NULL && sodium_hex2bin(ret, 32, at + sizeof before - 1, 64, NULL, NULL, NULL) == 0;
}

/* Make a text another one that nothing but the chain knows; the head is the rows' then. */
static void
text_change(uint8_t ret_head[32])
{
    size_t texts[16];
    size_t count = texts_find(texts);
    for (size_t i = 0; i < count; i++) {
        image->bytes[texts[i]] ^= 1;
        image_resum();
        struct golden_outcome changed = golden_folder_verify(disk);
        if (changed.finding_count == 2 && head_told(&changed, ret_head)) {
            return;
        }
        memcpy(image->bytes, image_sound, image->size);
    }
    fail_msg("every text is in some total");
}

/* The whole folder is made anew around another text: only a head that is elsewhere tells. */
static void
test_resum_of_the_chain_is_found_by_a_noted_head(void **state)
{
    (void)state;
    uint8_t head[32];
    struct chek_verify_anchor noted = {.partition = 1};
    noted.row_count = chek_load_u64(store_bytes() + STORE_CHAIN_ROWS_AT);
    memcpy(noted.head, store_bytes() + STORE_CHAIN_HEAD_AT, sizeof noted.head);
    assert_int_not_equal(noted.row_count, 0);
    assert_int_equal(golden_folder_verify_head(disk, &noted).finding_count, 0);

    text_change(head);
    head_forge(head);
    struct golden_outcome forged = golden_folder_verify(disk);
    struct golden_outcome told = golden_folder_verify_head(disk, &noted);
    memcpy(image->bytes, image_sound, image->size);
    head_forge(noted.head);
    assert_memory_equal(image->bytes, image_sound, image->size);
    assert_int_equal(forged.finding_count, 0);
    assert_int_equal(told.finding_count, 1);
    assert_int_equal(told.first.partition, 1);

    struct chek_verify_anchor more = noted; /* rows that the folder has not, or not any more */
    more.row_count += 1000000;
    assert_int_equal(golden_folder_verify_head(disk, &more).finding_count, 1);
    more.row_count = noted.row_count - 1; /* no range ends there */
    assert_int_equal(golden_folder_verify_head(disk, &more).finding_count, 1);
}

/* ---- all -------------------------------------------------------------------------------------- */

static int
setup(void **state)
{
    (void)state;
    disk = golden_folder_load(folder_path);
    image = golden_folder_file(disk, "snapshot/0001-");
    image_sound = malloc(image->size);
    sound = golden_folder_verify(disk);
    if (image_sound == NULL || sound.error != CHEK_OK || sound.finding_count != 0) {
        return -1;
    }
    memcpy(image_sound, image->bytes, image->size);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    printf("%u changes of the image found\n", found_count);
    free(image_sound);
    fake_disk_destroy(disk);
    return 0;
}

int
main(int count, char **arguments)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resum_sound_bytes_stay),
        cmocka_unit_test(test_resum_finds_numbers_of_registrations),
        cmocka_unit_test(test_resum_finds_totals_of_the_open_shift),
        cmocka_unit_test(test_resum_finds_counters),
        cmocka_unit_test(test_resum_finds_references_that_lead_elsewhere),
        cmocka_unit_test(test_resum_finds_rows_that_are_gone_or_back),
        cmocka_unit_test(test_resum_finds_changed_sums_of_hours),
        cmocka_unit_test(test_resum_finds_a_changed_command),
        cmocka_unit_test(test_resum_finds_texts_that_no_total_knows),
        cmocka_unit_test(test_resum_finds_another_head),
        cmocka_unit_test(test_resum_of_the_chain_is_found_by_a_noted_head),
    };
    if (count != 2 || sodium_init() < 0) {
        return 2;
    }
    folder_path = arguments[1];
    return cmocka_run_group_tests_name("folder_resum", tests, setup, teardown);
}
