/* SPDX-License-Identifier: MIT */
/* directory_fixture.c - see the header. */
#include "tests/unit/directory_fixture.h"

#include "tests/unit/table.h"

struct chek_bytes_view
directory_text(const char *value)
{
    return chek_bytes_view_of(value, value != NULL ? strlen(value) : 0);
}

struct chek_directory *
directory_open(void)
{
    struct chek_directory *directory = NULL;
    assert_error(chek_directory_create(DIRECTORY_PAGE_COUNT_MAX, &directory), CHEK_OK);
    struct chek_genesis genesis = {.partitions = DIRECTORY_PARTITION_COUNT, .map_seed = 11};
    for (uint8_t i = 0; i < 16; i++) {
        genesis.folder[i] = i;
    }
    chek_directory_genesis(directory, &genesis);
    return directory;
}

const struct chek_register *
register_build(const struct register_row *row, struct register_built *ret)
{
    uint32_t count = 0;
    while (count < REGISTER_ROW_KEY_COUNT_MAX && row->keys[count] != NULL) {
        ret->keys[count] =
            (struct chek_register_key){.kind = (uint8_t)(row->keys[count][0] - '0'),
                                       .value = directory_text(row->keys[count] + 2)};
        count += 1;
    }
    ret->what = (struct chek_register){.keys = ret->keys,
                                       .keys_count = count,
                                       .organisation = directory_text(row->organisation),
                                       .organisation_name = directory_text(row->organisation_name),
                                       .point = directory_text(row->point),
                                       .point_name = directory_text(row->point_name),
                                       .address = directory_text(row->address),
                                       .model = directory_text(row->model),
                                       .currency = row->currency};
    return &ret->what;
}

struct chek_claimed
directory_claim(struct chek_directory *directory, const struct register_row *row)
{
    struct register_built built;
    struct chek_claimed claimed = {.registration = 777};
    assert_error(chek_directory_ensure(directory, 4096), CHEK_OK);
    chek_directory_claim(directory, register_build(row, &built), &claimed);
    return claimed;
}

void
directory_secret(uint32_t principal, uint8_t ret[CHEK_TOKEN_SECRET_SIZE])
{
    for (size_t i = 0; i < CHEK_TOKEN_SECRET_SIZE; i++) {
        ret[i] = (uint8_t)(200 - principal * 3 - i);
    }
}

uint32_t
directory_principal_add(struct chek_directory *directory, uint32_t rights, bool trusted,
                        const struct chek_scope *scope)
{
    uint32_t number = chek_directory_principal_next(directory);
    uint8_t secret[CHEK_TOKEN_SECRET_SIZE], hash[CHEK_TOKEN_HASH_SIZE];
    struct chek_principal principal = {.principal = number,
                                       .name = directory_text("till"),
                                       .rights = rights,
                                       .trusted = trusted,
                                       .scope = scope};
    directory_secret(number, secret);
    chek_token_hash(secret, hash);
    struct chek_command_principal command = {.principal = &principal,
                                             .hash = chek_bytes_view_of(hash, sizeof hash)};
    assert_error(chek_directory_ensure(directory, 4096), CHEK_OK);
    chek_directory_principal(directory, &command);
    return number;
}

const struct register_row directory_scene[DIRECTORY_SCENE_COUNT] = {
    {.organisation = "1", .keys = {"0:a", "1:f1"}, .point = "north"},
    {.organisation = "1", .keys = {"0:b", "1:f2"}, .point = "south"},
    {.organisation = "2", .keys = {"0:a", "1:f3"}, .point = "north"},
    {.organisation = "2", .keys = {"0:c", "3:a"}},
};

struct chek_directory *
directory_open_scene(void)
{
    struct chek_directory *directory = directory_open();
    for (size_t i = 0; i < DIRECTORY_SCENE_COUNT; i++) {
        assert_int_equal(directory_claim(directory, &directory_scene[i]).registration, i + 1);
    }
    return directory;
}
