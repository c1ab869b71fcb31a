/* SPDX-License-Identifier: MIT */
/*
 * fuzz_directory.c - damaged pages of a directory are refused, or are a directory.
 *
 * Pages are large and mostly content, so the input is damage: each four bytes {page, offset u16,
 * value} change one byte of a sound directory's pages. What loads is asked everything about every
 * number, and takes a claim and a principal more.
 */
#include <errno.h>
#include <string.h>

#include "engine/base/assertion.h"
#include "engine/base/cursor.h"
#include "engine/base/memory.h"
#include "engine/directory/directory.h"
#include "tests/fuzz/fuzz.h"

#define PAGE_COUNT_MAX 4096
#define CLAIM_COUNT 20
#define DAMAGE_COUNT_MAX 64

static uint8_t arena_bytes[1 << 20];

static void
claim(struct chek_directory *directory, unsigned number)
{
    char names[2][8] = {"A0", "B0"};
    struct chek_register_key keys[2];
    struct chek_claimed claimed;
    for (unsigned i = 0; i < 2; i++) {
        names[i][1] = (char)('0' + number % 40);
        keys[i] =
            (struct chek_register_key){.kind = (uint8_t)i, .value = chek_bytes_view_text(names[i])};
    }
    struct chek_register what = {
        .keys = keys,
        .keys_count = 1 + number % 2,
        .organisation = chek_bytes_view_text(number % 3 != 0 ? "123456789012" : "7825706086"),
        .point = chek_bytes_view_text("P1")};
    int error = chek_directory_ensure(directory, 512);
    if (error == CHEK_OK) {
        chek_directory_claim(directory, &what, &claimed);
    }
}

static void
principal_add(struct chek_directory *directory)
{
    uint8_t hash[CHEK_TOKEN_HASH_SIZE] = {1};
    struct chek_bytes_view point = chek_bytes_view_text("P1");
    struct chek_scope scope = {.points = &point, .points_count = 1};
    uint32_t number = chek_directory_principal_next(directory);
    struct chek_principal principal = {.principal = number,
                                       .name = chek_bytes_view_text("till"),
                                       .rights = 7,
                                       .scope = number % 2 == 0 ? &scope : NULL};
    struct chek_command_principal what = {.principal = &principal,
                                          .hash = chek_bytes_view_of(hash, sizeof hash)};
    int error = chek_directory_ensure(directory, 512);
    if (error == CHEK_OK) {
        chek_directory_principal(directory, &what);
    }
}

/* A sound one, made once. */
static struct chek_bytes_view
pages_sound(void)
{
    static struct chek_directory *directory;
    if (directory == NULL) {
        struct chek_genesis genesis = {.partitions = 4, .map_seed = 77};
        int error = chek_directory_create(PAGE_COUNT_MAX, &directory);
        CHEK_ASSERT(error == CHEK_OK);
        chek_directory_genesis(directory, &genesis);
        for (unsigned i = 0; i < CLAIM_COUNT; i++) {
            claim(directory, i);
        }
        principal_add(directory);
        principal_add(directory);
    }
    return chek_directory_pages(directory);
}

static void
use(struct chek_directory *directory)
{
    struct chek_arena arena;
    struct chek_principal principal;
    struct chek_registered registered;
    struct chek_home home;
    uint32_t found[4];
    uint32_t principal_count = chek_directory_principal_count(directory);
    uint32_t count = chek_directory_registration_count(directory);
    for (uint32_t i = 1; i <= principal_count; i++) {
        chek_arena_init_over(&arena, arena_bytes, sizeof arena_bytes);
        CHEK_ASSERT(chek_directory_principal_read(directory, i, &arena, &principal) == CHEK_OK);
        (void)chek_directory_find(directory, i, -1, chek_bytes_view_text("A1"), found, 4);
        (void)chek_directory_sees(directory, i, 1);
    }
    (void)chek_directory_find_principal(directory, chek_bytes_view_text("till"), found);
    for (uint32_t i = 1; i <= count; i++) {
        chek_arena_init_over(&arena, arena_bytes, sizeof arena_bytes);
        CHEK_ASSERT(chek_directory_registered(directory, i, &arena, &registered) == CHEK_OK);
        CHEK_ASSERT(chek_directory_home(directory, i, &home) == CHEK_OK);
        CHEK_ASSERT(home.partition <= chek_directory_partition_count(directory));
    }
    claim(directory, 1);
    claim(directory, 39);
    principal_add(directory);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct chek_cursor in = chek_cursor_over(bytes, size);
    struct chek_bytes_view sound = pages_sound();
    struct chek_directory *directory;
    uint8_t *pages = chek_memory_allocate(sound.size);
    CHEK_ASSERT(pages != NULL);
    memcpy(pages, sound.bytes, sound.size);
    for (unsigned i = 0; i < DAMAGE_COUNT_MAX && chek_cursor_left(&in) >= 4; i++) {
        size_t page = chek_cursor_u8(&in) % (sound.size / CHEK_PAGE_SIZE);
        size_t offset = chek_cursor_u16(&in) % CHEK_PAGE_SIZE;
        pages[page * CHEK_PAGE_SIZE + offset] = chek_cursor_u8(&in);
    }
    int error =
        chek_directory_load(PAGE_COUNT_MAX, chek_bytes_view_of(pages, sound.size), &directory);
    chek_memory_free(pages, sound.size);
    if (error == CHEK_OK) {
        use(directory);
        chek_directory_destroy(directory);
    } else {
        CHEK_ASSERT(error == CHEK_E_CORRUPT || error == CHEK_E_FULL || error == -ENOMEM);
    }
    return 0;
}
