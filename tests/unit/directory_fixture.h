/* SPDX-License-Identifier: MIT */
/* directory_fixture.h - directories, registers and principals in few words; cmocka's asserts. */
#ifndef CHEK_TESTS_DIRECTORY_FIXTURE_H
#define CHEK_TESTS_DIRECTORY_FIXTURE_H

#include "engine/directory/directory.h"

#define DIRECTORY_PAGE_COUNT_MAX 4096
#define DIRECTORY_PARTITION_COUNT 64
#define REGISTER_ROW_KEY_COUNT_MAX 9

/* A register in a row of a table: up to nine keys, "kind:value". */
struct register_row {
    const char *organisation;
    const char *keys[REGISTER_ROW_KEY_COUNT_MAX];
    const char *point, *point_name, *address, *model, *organisation_name;
    uint16_t currency;
};

struct register_built {
    struct chek_register what;
    struct chek_register_key keys[REGISTER_ROW_KEY_COUNT_MAX];
};

/* The bytes of a text; NULL is the empty one. */
struct chek_bytes_view directory_text(const char *value);

/* An empty directory after its genesis. */
struct chek_directory *directory_open(void);

const struct chek_register *register_build(const struct register_row *row,
                                           struct register_built *ret);
struct chek_claimed directory_claim(struct chek_directory *directory,
                                    const struct register_row *row);

/* The secret that a principal gets; add one, returns its number. */
void directory_secret(uint32_t principal, uint8_t ret[CHEK_TOKEN_SECRET_SIZE]);
uint32_t directory_principal_add(struct chek_directory *directory, uint32_t rights, bool trusted,
                                 const struct chek_scope *scope);

/* Four registers of two organisations, and a directory that has them as 1..4. */
#define DIRECTORY_SCENE_COUNT 4
extern const struct register_row directory_scene[DIRECTORY_SCENE_COUNT];
struct chek_directory *directory_open_scene(void);

#endif
