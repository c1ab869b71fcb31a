/* SPDX-License-Identifier: MIT */
/*
 * test_folder_bits.c - a flipped bit, a cut, a swap anywhere in a data folder is found.
 *
 *   test_folder_bits FOLDER
 *
 * Every bit of the manifest, of segments, events and heads is flipped, and a bit of every byte of
 * the rest (long runs of zeros: of some bytes), and read by the part of recovery that reads it. The
 * whole check runs over a sample of these, and names the file.
 *
 * What a start does not look at, and must then change nothing: log bytes behind the end of a stream
 * that the manifest has recorded, and zeros that fill up its blocks; the whole check notes them. What
 * a crash may leave as well is a note and no finding, and changes nothing either: events that the log
 * makes again, bytes behind the last block of the current log.
 */
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "persist/log_format.h"
#include "tests/crash/golden_folder.h"
#include "tests/crash/golden_read.h"

/* Under a sanitizer, which is slow, every so many positions. */
#ifdef __SANITIZE_ADDRESS__
#    define STRIDE 23
#else
#    define STRIDE 1
#endif
#define SAMPLE_COUNT (400 / STRIDE) /* of the whole check */
#define ZERO_LINE_SIZE 64
#define ZERO_STEP 16
#define KEY_NAME "secret.key"
#define TOKEN_NAME "admin.token"
#define EVENTS_BEFORE "event/000000000001-" /* the first of them is older than the snapshot */
#define HEADS_SIZE 128                      /* of an immutable file with an image, of a log block */

static const char *folder_path;
static struct fake_disk *disk;
static struct golden_outcome sound;

static bool
begins(const char *name, const char *prefix)
{
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

/* ---- what is covered -------------------------------------------------------------------------- */

enum cover {
    COVERED,  /* damage is a finding */
    NOTICED,  /* damage is a finding or a note */
    HARMLESS, /* damage may go unseen */
};

static enum cover
cover_of(const struct fake_file *file, size_t offset)
{
    if (begins(file->name, "event/")) {
        return NOTICED;
    }
    if (!begins(file->name, "log/") || file->size != GOLDEN_LOG_FILE_SIZE) {
        return COVERED;
    }
    return golden_read_log_is_ended(file->name)
               ? (golden_read_log_is_replayed(file, offset) ? COVERED : HARMLESS)
               : (golden_read_log_is_written(file, offset) ? COVERED : NOTICED);
}

static bool
is_zero_line(const struct fake_file *file, size_t offset)
{
    size_t begin = offset / ZERO_LINE_SIZE * ZERO_LINE_SIZE;
    size_t left = file->size - begin;
    return persist__log_is_zero(file->bytes + begin, left < ZERO_LINE_SIZE ? left : ZERO_LINE_SIZE);
}

/* The bits of a byte that are flipped, as a mask. */
static unsigned
mask_of(const struct fake_file *file, size_t offset)
{
    bool is_log = begins(file->name, "log/");
    bool is_image = begins(file->name, "snapshot/");
    if (offset % STRIDE != 0) {
        return 0;
    }
    if ((is_log && offset % CHEK_BLOCK_SIZE < HEADS_SIZE) || (is_image && offset < HEADS_SIZE) ||
        (!is_log && !is_image)) {
        return cover_of(file, offset) == HARMLESS ? 1 : 0xff;
    }
    if (is_zero_line(file, offset) && offset % ZERO_STEP != 5 % ZERO_STEP) {
        return 0;
    }
    return 1u << offset % 8;
}

/* ---- flips, read by recovery ------------------------------------------------------------------ */

static void
flip_read(struct fake_file *file, size_t offset, uint8_t bit)
{
    if (strcmp(file->name, TOKEN_NAME) == 0) {
        return; /* a start does not read it */
    }
    enum cover cover = cover_of(file, offset);
    file->bytes[offset] ^= bit;
    enum golden_read read = golden_read_file(disk, file->name);
    file->bytes[offset] ^= bit;
    if (read > (enum golden_read)cover) {
        fail_msg("%s, offset %zu, bit %02x: %s", file->name, offset, bit,
                 read == GOLDEN_READ_NOTED ? "only noted" : "not seen");
    }
}

/* Flip the bits of a byte that its mask asks for; returns how many. */
static unsigned
byte_flip(struct fake_file *file, size_t offset)
{
    unsigned count = 0;
    unsigned mask = mask_of(file, offset);
    for (unsigned bit = 1; bit <= mask; bit <<= 1) {
        if ((mask & bit) != 0) {
            flip_read(file, offset, (uint8_t)bit);
            count += 1;
        }
    }
    return count;
}

static void
test_folder_finds_flipped_bits_while_it_reads(void **state)
{
    (void)state;
    unsigned count = 0;
    for (unsigned i = 0; i < FAKE_FILE_COUNT_MAX; i++) {
        struct fake_file *file = &disk->files[i];
        for (size_t offset = 0; file->exists && offset < file->size; offset++) {
            count += byte_flip(file, offset);
        }
    }
    printf("%u flips\n", count);
}

/* ---- damage, seen by the whole check ---------------------------------------------------------- */

/*
 * Whether a finding says where damage to a file is, in other words: a stream whose file is cut to
 * nothing ends where the next one begins; events that are gone are gone from the folder; and
 * without a manifest nothing else is said.
 */
static bool
is_of(const char *file, const char *found)
{
    if (begins(file, "manifest.")) {
        return found[0] == '\0';
    }
    if (begins(file, "event/")) {
        return strcmp(found, "event") == 0;
    }
    return begins(file, "log/") &&
           strncmp(file, found, sizeof "log/0000000000000001-0000-" - 1) == 0;
}

/*
 * What is wrong with the check of the folder as it is now, or "": damage is found and its file is
 * named, or what is there is what was there.
 */
static const char *
damage_check(const char *file, enum cover cover)
{
    static char text[512];
    struct golden_outcome got = golden_folder_verify(disk);
    bool noted = got.note_count > sound.note_count;
    text[0] = '\0';
    if (got.error != CHEK_OK) {
        (void)snprintf(text, sizeof text, "the check ended with %d", got.error);
    } else if (got.finding_count != 0) {
        bool is_named = golden_outcome_names(&got, file) || is_of(file, got.first.file);
        if (!is_named) {
            (void)snprintf(text, sizeof text, "the finding is of '%s': %s", got.first.file,
                           got.first.text);
        }
    } else if (cover == COVERED || (cover == NOTICED && !noted)) {
        (void)snprintf(text, sizeof text, "not found");
    } else if (got.state != sound.state) {
        (void)snprintf(text, sizeof text, "not found, and the state is another");
    }
    return text;
}

/* Once the damage is undone. */
static void
damage_judge(const char *wrong, const char *file, const char *what, size_t offset)
{
    if (wrong[0] != '\0') {
        fail_msg("%s, %s at %zu: %s", file, what, offset, wrong);
    }
}

static void
test_folder_check_names_the_file_of_a_flipped_bit(void **state)
{
    (void)state;
    size_t total = 0;
    for (unsigned i = 0; i < FAKE_FILE_COUNT_MAX; i++) {
        total += disk->files[i].exists;
    }
    for (unsigned i = 0; i < FAKE_FILE_COUNT_MAX; i++) {
        struct fake_file *file = &disk->files[i];
        size_t step = file->exists ? file->size * total / SAMPLE_COUNT + 1 : 1;
        for (size_t offset = 0; file->exists && offset < file->size; offset += step) {
            uint8_t bit = (uint8_t)(1 << offset % 8);
            enum cover cover = cover_of(file, offset);
            file->bytes[offset] ^= bit;
            const char *wrong = damage_check(file->name, cover);
            file->bytes[offset] ^= bit;
            damage_judge(wrong, file->name, "a bit flipped", offset);
        }
    }
}

/*
 * The cover of what is lost when a file is cut at an offset. A log file that was made ahead and not
 * written to may be there or not; so may events that the log makes again.
 */
static enum cover
cover_from(const struct fake_file *file, size_t offset)
{
    if (begins(file->name, "log/") && file->size == GOLDEN_LOG_FILE_SIZE &&
        persist__log_is_zero(file->bytes, file->size)) {
        return HARMLESS;
    }
    if (begins(file->name, "event/")) {
        return begins(file->name, EVENTS_BEFORE) && offset == 0 ? COVERED : HARMLESS;
    }
    for (size_t i = offset; i < file->size; i += CHEK_BLOCK_SIZE) {
        if (cover_of(file, i) == COVERED) {
            return COVERED;
        }
    }
    return offset < file->size ? cover_of(file, offset) : HARMLESS;
}

static void
test_folder_check_finds_files_cut_short(void **state)
{
    (void)state;
    for (unsigned i = 0; i < FAKE_FILE_COUNT_MAX; i++) {
        struct fake_file *file = &disk->files[i];
        const size_t size = file->exists ? file->size : 0;
        size_t lengths[] = {0,       1, 63, size / 3, size / 2 / CHEK_BLOCK_SIZE * CHEK_BLOCK_SIZE,
                            size - 1};
        for (size_t j = 0; size != 0 && j < CHEK_COUNT(lengths); j++) {
            enum cover cover = cover_from(file, lengths[j]);
            file->size = lengths[j] < size ? lengths[j] : size - 1;
            const char *wrong = damage_check(file->name, cover);
            file->size = size;
            damage_judge(wrong, file->name, "cut", lengths[j]);
        }
    }
}

/* What stands behind the end of a stream counts for nothing, and is told all the same. */
static void
test_folder_check_notes_bits_behind_an_end(void **state)
{
    (void)state;
    unsigned count = 0;
    for (unsigned i = 0; i < FAKE_FILE_COUNT_MAX; i++) {
        struct fake_file *file = &disk->files[i];
        if (!file->exists || !begins(file->name, "log/") || file->size != GOLDEN_LOG_FILE_SIZE ||
            !golden_read_log_is_ended(file->name) || golden_read_log_is_torn(file->name)) {
            continue;
        }
        for (size_t offset = 0; offset < file->size; offset += CHEK_SECTOR_SIZE - 7) {
            if (golden_read_log_is_replayed(file, offset)) {
                continue;
            }
            file->bytes[offset] ^= 0x20;
            const char *wrong = damage_check(file->name, NOTICED);
            file->bytes[offset] ^= 0x20;
            damage_judge(wrong, file->name, "a bit flipped behind the end", offset);
            count += 1;
        }
    }
    printf("%u flips behind ends\n", count);
}

/* Every bit of the small files that only this check reads, or a start. */
static void
test_folder_check_finds_flipped_bits_of_private_files(void **state)
{
    (void)state;
    static const char *const names[] = {KEY_NAME, TOKEN_NAME};
    for (size_t i = 0; i < CHEK_COUNT(names); i++) {
        struct fake_file *file = golden_folder_file(disk, names[i]);
        for (size_t bit = 0; bit < file->size * 8; bit += STRIDE) {
            file->bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
            const char *wrong = damage_check(file->name, COVERED);
            file->bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
            damage_judge(wrong, file->name, "a bit flipped", bit / 8);
        }
    }
}

/* A folder may be without these two: a backup has no key, and a token is taken away. */
static enum cover
cover_gone(const struct fake_file *file)
{
    return strcmp(file->name, KEY_NAME) == 0     ? NOTICED
           : strcmp(file->name, TOKEN_NAME) == 0 ? HARMLESS
                                                 : cover_from(file, 0);
}

static void
test_folder_check_finds_files_that_are_gone(void **state)
{
    (void)state;
    for (unsigned i = 0; i < FAKE_FILE_COUNT_MAX; i++) {
        struct fake_file *file = &disk->files[i];
        if (file->exists) {
            enum cover cover = cover_gone(file);
            file->exists = false;
            const char *wrong = damage_check(file->name, cover);
            file->exists = true;
            damage_judge(wrong, file->name, "gone", 0);
        }
    }
}

static void
block_swap(uint8_t *first, uint8_t *second)
{
    uint8_t block[CHEK_BLOCK_SIZE];
    memcpy(block, first, sizeof block);
    memcpy(first, second, sizeof block);
    memcpy(second, block, sizeof block);
}

static void
test_folder_check_finds_swapped_blocks(void **state)
{
    (void)state;
    for (unsigned i = 0; i < FAKE_FILE_COUNT_MAX; i++) {
        struct fake_file *file = &disk->files[i];
        size_t count = file->exists ? file->size / CHEK_BLOCK_SIZE : 0;
        for (size_t at = 0; at + 1 < count; at++) {
            uint8_t *first = file->bytes + at * CHEK_BLOCK_SIZE;
            if (memcmp(first, first + CHEK_BLOCK_SIZE, CHEK_BLOCK_SIZE) == 0) {
                continue;
            }
            enum cover cover = cover_from(file, at * CHEK_BLOCK_SIZE);
            block_swap(first, first + CHEK_BLOCK_SIZE);
            const char *wrong = damage_check(file->name, cover);
            block_swap(first, first + CHEK_BLOCK_SIZE);
            damage_judge(wrong, file->name, "blocks swapped", at);
        }
    }
}

static void
names_swap(struct fake_file *first, struct fake_file *second)
{
    char name[sizeof first->name];
    memcpy(name, first->name, sizeof name);
    memcpy(first->name, second->name, sizeof name);
    memcpy(second->name, name, sizeof name);
}

static void
swap_check(struct fake_file *first, struct fake_file *second)
{
    bool is_noticed = begins(first->name, "event/") && begins(second->name, "event/");
    names_swap(first, second);
    struct golden_outcome got = golden_folder_verify(disk);
    names_swap(first, second);
    if (is_noticed && got.note_count > sound.note_count && got.state == sound.state) {
        return;
    }
    if (got.finding_count == 0 ||
        (!golden_outcome_names(&got, first->name) && !golden_outcome_names(&got, second->name))) {
        fail_msg("%s and %s swapped: the finding is of '%s': %s", first->name, second->name,
                 got.first.file, got.first.text);
    }
}

/* Files whose absence alone would be seen. */
static bool
is_swapped(const struct fake_file *file)
{
    return cover_from(file, 0) != HARMLESS && !begins(file->name, "manifest.");
}

/* Each file with each other one: of the same kind and of others. */
static void
test_folder_check_finds_swapped_files(void **state)
{
    (void)state;
    for (unsigned i = 0; i < FAKE_FILE_COUNT_MAX; i++) {
        for (unsigned j = i + 1; j < FAKE_FILE_COUNT_MAX; j++) {
            struct fake_file *first = &disk->files[i], *second = &disk->files[j];
            if (first->exists && second->exists && is_swapped(first) && is_swapped(second)) {
                swap_check(first, second);
            }
        }
    }
}

/* ---- all -------------------------------------------------------------------------------------- */

static int
setup(void **state)
{
    (void)state;
    disk = golden_folder_load(folder_path);
    sound = golden_folder_verify(disk);
    golden_read_begin(disk);
    return sound.error == CHEK_OK && sound.finding_count == 0 ? 0 : -1;
}

static int
teardown(void **state)
{
    (void)state;
    golden_read_end();
    fake_disk_destroy(disk);
    return 0;
}

int
main(int count, char **arguments)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_folder_finds_flipped_bits_while_it_reads),
        cmocka_unit_test(test_folder_check_names_the_file_of_a_flipped_bit),
        cmocka_unit_test(test_folder_check_finds_files_cut_short),
        cmocka_unit_test(test_folder_check_notes_bits_behind_an_end),
        cmocka_unit_test(test_folder_check_finds_flipped_bits_of_private_files),
        cmocka_unit_test(test_folder_check_finds_files_that_are_gone),
        cmocka_unit_test(test_folder_check_finds_swapped_blocks),
        cmocka_unit_test(test_folder_check_finds_swapped_files),
    };
    if (count != 2 || sodium_init() < 0) {
        return 2;
    }
    folder_path = arguments[1];
    return cmocka_run_group_tests_name("folder_bits", tests, setup, teardown);
}
