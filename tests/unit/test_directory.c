/* SPDX-License-Identifier: MIT */
/* test_directory.c - who is who, whose register it is, and that loaded pages are believed last. */
#include "engine/directory/directory.h"

#include <sodium.h>
#include <stdlib.h>

#include "engine/base/checksum.h"
#include "engine/base/memory.h"
#include "tests/unit/table.h"

#define PAGE_COUNT_MAX 4096
#define PARTITION_COUNT 64

static struct chek_bytes_view
text(const char *value)
{
    return chek_bytes_view_of(value, value != NULL ? strlen(value) : 0);
}

static struct chek_directory *
directory_begin(void)
{
    struct chek_directory *directory = NULL;
    assert_error(chek_directory_create(PAGE_COUNT_MAX, &directory), CHEK_OK);
    struct chek_genesis genesis = {.partitions = PARTITION_COUNT, .map_seed = 11};
    for (uint8_t i = 0; i < 16; i++) {
        genesis.folder[i] = i;
    }
    chek_directory_genesis(directory, &genesis);
    return directory;
}

/* ---- registers -------------------------------------------------------------------------------- */

#define KEY_COUNT_MAX 9

/* A register in a row of a table: up to nine keys, "kind:value". */
struct row {
    const char *organisation;
    const char *keys[KEY_COUNT_MAX];
    const char *point, *point_name, *address, *model, *organisation_name;
    uint16_t currency;
};

struct built {
    struct chek_register what;
    struct chek_register_key keys[KEY_COUNT_MAX];
};

static const struct chek_register *
build(const struct row *row, struct built *ret)
{
    uint32_t count = 0;
    while (count < KEY_COUNT_MAX && row->keys[count] != NULL) {
        ret->keys[count] = (struct chek_register_key){.kind = (uint8_t)(row->keys[count][0] - '0'),
                                                      .value = text(row->keys[count] + 2)};
        count += 1;
    }
    ret->what = (struct chek_register){.keys = ret->keys,
                                       .keys_count = count,
                                       .organisation = text(row->organisation),
                                       .organisation_name = text(row->organisation_name),
                                       .point = text(row->point),
                                       .point_name = text(row->point_name),
                                       .address = text(row->address),
                                       .model = text(row->model),
                                       .currency = row->currency};
    return &ret->what;
}

static struct chek_claimed
claim(struct chek_directory *directory, const struct row *row)
{
    struct built built;
    struct chek_claimed claimed = {.registration = 777};
    assert_error(chek_directory_ensure(directory, 4096), CHEK_OK);
    chek_directory_claim(directory, build(row, &built), &claimed);
    return claimed;
}

/* Two registers claimed one after the other: is the second the first? */
static struct claim_case {
    const char *name;
    struct row first, second;
    bool is_same;
} claim_cases[] = {
    {"same_keys_are_the_same_register",
     {.organisation = "1", .keys = {"0:a", "1:b"}},
     {.organisation = "1", .keys = {"0:a", "1:b"}},
     true},
    {"one_key_in_common_is_enough",
     {.organisation = "1", .keys = {"0:a", "1:b"}},
     {.organisation = "1", .keys = {"2:c", "1:b"}},
     true},
    {"other_value_is_another_register",
     {.organisation = "1", .keys = {"0:a"}},
     {.organisation = "1", .keys = {"0:b"}},
     false},
    {"same_value_of_another_kind_is_another_register",
     {.organisation = "1", .keys = {"0:a"}},
     {.organisation = "1", .keys = {"1:a"}},
     false},
    {"other_organisation_is_another_registration",
     {.organisation = "1", .keys = {"0:a"}},
     {.organisation = "2", .keys = {"0:a"}},
     false},
    {"prefix_of_a_value_is_another_register",
     {.organisation = "1", .keys = {"0:ab"}},
     {.organisation = "1", .keys = {"0:a"}},
     false},
};

static void
test_claim(void **state)
{
    const struct claim_case *c = *state;
    struct chek_directory *directory = directory_begin();

    struct chek_claimed first = claim(directory, &c->first);
    assert_error(first.error, CHEK_OK);
    assert_true(first.created);
    assert_int_equal(first.registration, 1);
    struct chek_claimed second = claim(directory, &c->second);
    assert_error(second.error, CHEK_OK);
    assert_int_equal(second.created, !c->is_same);
    assert_int_equal(second.registration, c->is_same ? 1 : 2);
    assert_int_equal(chek_directory_registration_count(directory), c->is_same ? 1 : 2);
    /* The first is what it was. */
    struct chek_claimed again = claim(directory, &c->first);
    assert_false(again.created);
    assert_int_equal(again.registration, 1);
    assert_int_equal(again.partition, first.partition);
    chek_directory_destroy(directory);
}

static void
test_home_is_the_partition_of_the_organisation(void **state)
{
    (void)state;
    struct chek_directory *directory = directory_begin();
    struct row row = {.organisation = "123456789012", .keys = {"0:a"}};
    struct row other = {.organisation = "123456789012", .keys = {"0:b"}, .currency = 643};
    struct chek_home home = {.registration = 9};

    struct chek_claimed first = claim(directory, &row);
    struct chek_claimed second = claim(directory, &other);
    assert_int_equal(first.partition, 1 + chek_checksum("123456789012", 12) % PARTITION_COUNT);
    assert_int_equal(second.partition, first.partition);
    assert_error(chek_directory_home(directory, 1, &home), CHEK_OK);
    assert_int_equal(home.registration, 1);
    assert_int_equal(home.partition, first.partition);
    assert_int_equal(home.currency, 398); /* the tenge when nothing is said */
    assert_error(chek_directory_home(directory, 2, &home), CHEK_OK);
    assert_int_equal(home.currency, 643);
    home.registration = 9;
    assert_error(chek_directory_home(directory, 0, &home), CHEK_E_UNREGISTERED);
    assert_error(chek_directory_home(directory, 3, &home), CHEK_E_UNREGISTERED);
    assert_error(chek_directory_home(directory, UINT32_MAX, &home), CHEK_E_UNREGISTERED);
    assert_int_equal(home.registration, 9);
    chek_directory_destroy(directory);
}

static void
expect_text(struct chek_bytes_view got, const char *want)
{
    assert_true(chek_bytes_view_equal(got, text(want)));
}

static void
test_claim_of_a_known_register_adds_what_is_new(void **state)
{
    (void)state;
    struct chek_directory *directory = directory_begin();
    struct chek_arena arena;
    struct chek_registered known;

    assert_int_equal(chek_arena_init(&arena, 65536), CHEK_OK);
    (void)claim(directory, &(struct row){.organisation = "1",
                                         .keys = {"0:a", "1:b"},
                                         .point = "p1",
                                         .address = "old street",
                                         .model = "m",
                                         .currency = 643});
    (void)claim(directory, &(struct row){.organisation = "1",
                                         .keys = {"1:b", "2:c", "3:d"},
                                         .organisation_name = "Horns and Hooves",
                                         .point = "p2",
                                         .point_name = "market",
                                         .address = "new street"});
    assert_error(chek_directory_registered(directory, 1, &arena, &known), CHEK_OK);
    assert_int_equal(known.registration, 1);
    assert_int_equal(known.profile->keys_count, 4);
    static const char *const values[] = {"a", "b", "c", "d"};
    for (uint8_t i = 0; i < 4; i++) {
        assert_int_equal(known.profile->keys[i].kind, i);
        expect_text(known.profile->keys[i].value, values[i]);
    }
    expect_text(known.profile->organisation, "1");
    expect_text(known.profile->organisation_name, "Horns and Hooves");
    expect_text(known.profile->point, "p2");
    expect_text(known.profile->point_name, "market");
    expect_text(known.profile->address, "new street");
    expect_text(known.profile->model, "m"); /* what is not said stays */
    assert_int_equal(known.profile->currency, 643);
    /* It is found by each of its keys. */
    struct chek_claimed by_new_key =
        claim(directory, &(struct row){.organisation = "1", .keys = {"3:d"}});
    assert_int_equal(by_new_key.registration, 1);
    assert_error(chek_directory_registered(directory, 2, &arena, &known), CHEK_E_UNREGISTERED);
    struct chek_arena tiny;
    uint8_t bytes[16];
    chek_arena_init_over(&tiny, bytes, sizeof bytes);
    assert_error(chek_directory_registered(directory, 1, &tiny, &known), CHEK_E_LIMIT);
    chek_arena_finish(&arena);
    chek_directory_destroy(directory);
}

static void
test_claim_that_names_two_registrations_exists_and_changes_nothing(void **state)
{
    (void)state;
    struct chek_directory *directory = directory_begin();
    struct row both = {.organisation = "1", .keys = {"0:a", "0:b", "1:new"}};
    struct built built;
    uint32_t found = 77;

    (void)claim(directory, &(struct row){.organisation = "1", .keys = {"0:a"}});
    (void)claim(directory, &(struct row){.organisation = "1", .keys = {"0:b"}});
    assert_error(chek_directory_ensure(directory, 4096), CHEK_OK);
    uint64_t hash = chek_directory_hash(directory);
    struct chek_claimed claimed = claim(directory, &both);
    assert_error(claimed.error, CHEK_E_EXISTS);
    assert_int_equal(claimed.registration, 0);
    assert_false(claimed.created);
    assert_error(chek_directory_find_register(directory, build(&both, &built), &found),
                 CHEK_E_EXISTS);
    assert_int_equal(found, 77);
    assert_true(chek_directory_hash(directory) == hash);
    both.organisation = "2"; /* it is nobody's there */
    assert_true(claim(directory, &both).created);
    chek_directory_destroy(directory);
}

static void
test_find_register_says_where_a_claim_would_end(void **state)
{
    (void)state;
    struct chek_directory *directory = directory_begin();
    struct built built;
    uint32_t found = 77;
    const struct row row = {.organisation = "1", .keys = {"0:a"}};

    assert_error(chek_directory_find_register(directory, build(&row, &built), &found),
                 CHEK_E_UNREGISTERED);
    assert_int_equal(found, 77);
    assert_int_equal(chek_directory_registration_count(directory), 0);
    (void)claim(directory, &row);
    assert_error(chek_directory_find_register(directory, build(&row, &built), &found), CHEK_OK);
    assert_int_equal(found, 1);
    chek_directory_destroy(directory);
}

static void
test_keys_beyond_eight_are_not_kept(void **state)
{
    (void)state;
    struct chek_directory *directory = directory_begin();
    struct chek_arena arena;
    struct chek_registered known;

    assert_int_equal(chek_arena_init(&arena, 65536), CHEK_OK);
    (void)claim(directory, &(struct row){.organisation = "1",
                                         .keys = {"2:1", "2:2", "2:3", "2:4", "2:5", "2:6"}});
    (void)claim(directory,
                &(struct row){.organisation = "1", .keys = {"2:1", "2:7", "2:8", "2:9"}});
    assert_error(chek_directory_registered(directory, 1, &arena, &known), CHEK_OK);
    assert_int_equal(known.profile->keys_count, 8);
    expect_text(known.profile->keys[7].value, "8");
    chek_arena_finish(&arena);
    chek_directory_destroy(directory);
}

/* ---- principals ------------------------------------------------------------------------------- */

static void
secret_of(uint32_t principal, uint8_t ret[CHEK_TOKEN_SECRET_SIZE])
{
    for (size_t i = 0; i < CHEK_TOKEN_SECRET_SIZE; i++) {
        ret[i] = (uint8_t)(200 - principal * 3 - i);
    }
}

static uint32_t
principal_add(struct chek_directory *directory, uint32_t rights, bool trusted,
              const struct chek_scope *scope)
{
    uint32_t number = chek_directory_principal_next(directory);
    uint8_t secret[CHEK_TOKEN_SECRET_SIZE], hash[CHEK_TOKEN_HASH_SIZE];
    struct chek_principal principal = {.principal = number,
                                       .name = text("till"),
                                       .rights = rights,
                                       .trusted = trusted,
                                       .scope = scope};
    secret_of(number, secret);
    chek_token_hash(secret, hash);
    struct chek_command_principal command = {.principal = &principal,
                                             .hash = chek_bytes_view_of(hash, sizeof hash)};
    assert_error(chek_directory_ensure(directory, 4096), CHEK_OK);
    chek_directory_principal(directory, &command);
    return number;
}

static struct token_case {
    const char *name;
    const char *format; /* with %s for the 64 digits of principal 2's secret */
    int want;
} token_cases[] = {
    {"right_token_is_its_principal", "2.%s", CHEK_OK},
    {"leading_zero_is_the_same_number", "02.%s", CHEK_OK},
    {"wrong_number_is_refused", "1.%s", CHEK_E_AUTHENTICATION},
    {"unknown_number_is_refused", "44.%s", CHEK_E_AUTHENTICATION},
    {"number_zero_is_refused", "0.%s", CHEK_E_AUTHENTICATION},
    {"revoked_principal_is_refused", "3.%s", CHEK_E_AUTHENTICATION},
    {"number_above_32_bits_is_refused", "4294967298.%s", CHEK_E_AUTHENTICATION},
    {"endless_number_is_refused", "00000000000000000000000002.%s", CHEK_E_AUTHENTICATION},
    {"missing_number_is_refused", ".%s", CHEK_E_AUTHENTICATION},
    {"negative_number_is_refused", "-2.%s", CHEK_E_AUTHENTICATION},
    {"missing_point_is_refused", "2%s", CHEK_E_AUTHENTICATION},
    {"other_mark_than_a_point_is_refused", "2:%s", CHEK_E_AUTHENTICATION},
    {"missing_secret_is_refused", "2.", CHEK_E_AUTHENTICATION},
    {"empty_token_is_refused", "", CHEK_E_AUTHENTICATION},
    {"long_secret_is_refused", "2.%s0", CHEK_E_AUTHENTICATION},
    {"space_in_front_is_refused", " 2.%s", CHEK_E_AUTHENTICATION},
    {"wrong_digit_is_refused", "2.g%s", CHEK_E_AUTHENTICATION},
};

static void
test_token(void **state)
{
    const struct token_case *c = *state;
    struct chek_directory *directory = directory_begin();
    char written[CHEK_TOKEN_TEXT_MAX];
    char token[200];
    uint8_t secret[CHEK_TOKEN_SECRET_SIZE];
    uint32_t found = 77;

    for (unsigned i = 0; i < 3; i++) {
        (void)principal_add(directory, 1, false, NULL);
    }
    assert_error(chek_directory_revoke(directory, 3), CHEK_OK);
    secret_of(strncmp(c->format, "3", 1) == 0 ? 3 : 2, secret);
    chek_token_write(2, secret, written);
    assert_int_equal(strlen(written), 2 + 64);
    assert_int_equal(strncmp(written, "2.", 2), 0);
    /* The tables are ours: the format is one of those above. */
    const char *at = strstr(c->format, "%s");
    snprintf(token, sizeof token, "%.*s%s%s",
             (int)(at != NULL ? (size_t)(at - c->format) : strlen(c->format)), c->format,
             at != NULL ? written + 2 : "", at != NULL ? at + 2 : "");
    if (strstr(c->name, "wrong_digit") != NULL) {
        token[strlen(token) - 1] = '\0'; /* 64 characters, one of them no digit */
    }
    assert_error(chek_directory_authenticate(directory, text(token), &found), c->want);
    assert_int_equal(found, c->want == CHEK_OK ? 2 : 77);
    chek_directory_destroy(directory);
}

static void
test_every_bit_of_the_secret_counts(void **state)
{
    (void)state;
    struct chek_directory *directory = directory_begin();
    char token[CHEK_TOKEN_TEXT_MAX];
    uint8_t secret[CHEK_TOKEN_SECRET_SIZE];
    uint32_t found = 77;

    (void)principal_add(directory, 1, false, NULL);
    for (size_t bit = 0; bit < 8 * CHEK_TOKEN_SECRET_SIZE; bit++) {
        secret_of(1, secret);
        secret[bit / 8] ^= (uint8_t)(1 << bit % 8);
        chek_token_write(1, secret, token);
        assert_error(chek_directory_authenticate(directory, text(token), &found),
                     CHEK_E_AUTHENTICATION);
    }
    assert_int_equal(found, 77);
    chek_directory_destroy(directory);
}

static void
test_rights_are_had_all_or_not(void **state)
{
    (void)state;
    struct chek_directory *directory = directory_begin();
    for (uint32_t rights = 0; rights < 8; rights++) {
        uint32_t principal = principal_add(directory, rights, rights % 2 == 1, NULL);
        assert_int_equal(principal, rights + 1);
        assert_int_equal(chek_directory_is_trusted(directory, principal), rights % 2 == 1);
        assert_true(chek_directory_is_unbounded(directory, principal));
        for (uint32_t asked = 0; asked < 8; asked++) {
            assert_int_equal(chek_directory_may(directory, principal, asked),
                             (rights & asked) == asked);
        }
    }
    assert_int_equal(chek_directory_principal_count(directory), 8);
    assert_false(chek_directory_may(directory, 0, 0));
    assert_false(chek_directory_may(directory, 9, 0));
    assert_error(chek_directory_revoke(directory, 8), CHEK_OK);
    assert_error(chek_directory_revoke(directory, 8), CHEK_OK); /* for ever, once is enough */
    for (uint32_t asked = 0; asked < 8; asked++) {
        assert_false(chek_directory_may(directory, 8, asked));
    }
    assert_false(chek_directory_is_trusted(directory, 8));
    assert_false(chek_directory_is_unbounded(directory, 8));
    uint64_t hash = chek_directory_hash(directory);
    assert_error(chek_directory_revoke(directory, 9), CHEK_E_NOT_FOUND);
    assert_error(chek_directory_revoke(directory, 0), CHEK_E_NOT_FOUND);
    assert_true(chek_directory_hash(directory) == hash);
    chek_directory_destroy(directory);
}

static void
test_principal_is_read_without_its_secret(void **state)
{
    (void)state;
    struct chek_directory *directory = directory_begin();
    struct chek_bytes_view points[] = {text("p1"), text("p2")};
    struct chek_scope scope = {.points = points, .points_count = 2};
    struct chek_principal principal;
    struct chek_arena arena;

    assert_int_equal(chek_arena_init(&arena, 65536), CHEK_OK);
    (void)principal_add(directory, 3, true, &scope);
    assert_error(chek_directory_principal_read(directory, 1, &arena, &principal), CHEK_OK);
    assert_int_equal(principal.principal, 1);
    assert_int_equal(principal.rights, 3);
    assert_true(principal.trusted && !principal.revoked);
    expect_text(principal.name, "till");
    assert_int_equal(principal.scope->points_count, 2);
    expect_text(principal.scope->points[1], "p2");
    assert_error(chek_directory_revoke(directory, 1), CHEK_OK);
    assert_error(chek_directory_principal_read(directory, 1, &arena, &principal), CHEK_OK);
    assert_true(principal.revoked && principal.trusted);
    assert_int_equal(principal.rights, 3); /* what it had, for who looks back */
    assert_error(chek_directory_principal_read(directory, 2, &arena, &principal), CHEK_E_NOT_FOUND);
    chek_arena_finish(&arena);
    chek_directory_destroy(directory);
}

/* ---- scopes ----------------------------------------------------------------------------------- */

/* Registers 1..4 of the tests below. */
static const struct row scene_rows[] = {
    {.organisation = "1", .keys = {"0:a", "1:f1"}, .point = "north"},
    {.organisation = "1", .keys = {"0:b", "1:f2"}, .point = "south"},
    {.organisation = "2", .keys = {"0:a", "1:f3"}, .point = "north"},
    {.organisation = "2", .keys = {"0:c", "3:a"}},
};

static struct chek_directory *
scene_begin(void)
{
    struct chek_directory *directory = directory_begin();
    for (size_t i = 0; i < CHEK_COUNT(scene_rows); i++) {
        assert_int_equal(claim(directory, &scene_rows[i]).registration, i + 1);
    }
    return directory;
}

static struct scope_case {
    const char *name;
    const char *organisations[3], *points[3], *registers[3];
    const char *want; /* of registers 1..4 */
    bool is_bounded;
} scope_cases[] = {
    {"no_scope_sees_all", {0}, {0}, {0}, "1111", false},
    {"empty_scope_sees_all", {0}, {0}, {0}, "1111", true},
    {"organisation_bounds", {"1"}, {0}, {0}, "1100", true},
    {"several_organisations_add_up", {"1", "2"}, {0}, {0}, "1111", true},
    {"organisation_of_nobody_sees_nothing", {"3"}, {0}, {0}, "0000", true},
    {"point_bounds_in_every_organisation", {0}, {"north"}, {0}, "1010", true},
    {"point_and_organisation_must_both_agree", {"2"}, {"north"}, {0}, "0010", true},
    {"register_bounds_by_any_of_its_keys", {0}, {0}, {"f2", "c"}, "0101", true},
    {"register_key_is_of_any_kind", {0}, {0}, {"a"}, "1011", true},
    {"all_three_must_agree", {"1"}, {"south"}, {"a", "f2"}, "0100", true},
    {"all_three_that_never_agree_see_nothing", {"1"}, {"south"}, {"a"}, "0000", true},
};

static uint32_t
views_of(const char *const *values, struct chek_bytes_view *ret)
{
    uint32_t count = 0;
    while (count < 3 && values[count] != NULL) {
        ret[count] = text(values[count]);
        count += 1;
    }
    return count;
}

static void
test_scope(void **state)
{
    const struct scope_case *c = *state;
    struct chek_directory *directory = scene_begin();
    struct chek_bytes_view organisations[3], points[3], registers[3];
    struct chek_scope scope = {
        .organisations = organisations, .points = points, .registers = registers};
    struct built built;
    uint32_t found[4];

    scope.organisations_count = views_of(c->organisations, organisations);
    scope.points_count = views_of(c->points, points);
    scope.registers_count = views_of(c->registers, registers);
    uint32_t principal = principal_add(directory, 1, false, c->is_bounded ? &scope : NULL);
    assert_int_equal(chek_directory_is_unbounded(directory, principal), !c->is_bounded);
    uint32_t a_count = 0;
    for (uint32_t i = 1; i <= 4; i++) {
        bool want = c->want[i - 1] == '1';
        assert_int_equal(chek_directory_sees(directory, principal, i), want);
        assert_int_equal(
            chek_directory_sees_register(directory, principal, build(&scene_rows[i - 1], &built)),
            want);
        a_count += want && i != 2; /* 1, 3 and 4 have the key a */
    }
    assert_int_equal(chek_directory_find(directory, principal, -1, text("a"), found, 4), a_count);
    assert_false(chek_directory_sees(directory, principal, 5));
    assert_false(chek_directory_sees(directory, principal, 0));
    assert_error(chek_directory_revoke(directory, principal), CHEK_OK);
    for (uint32_t i = 1; i <= 4; i++) {
        assert_false(chek_directory_sees(directory, principal, i));
    }
    assert_int_equal(chek_directory_find(directory, principal, -1, text("a"), found, 4), 0);
    chek_directory_destroy(directory);
}

/* ---- find ------------------------------------------------------------------------------------- */

static struct find_case {
    const char *name;
    int kind;
    const char *value;
    uint32_t count_max, want_count;
    uint32_t want[4]; /* newest first */
} find_cases[] = {
    {"find_by_one_kind", 1, "f2", 4, 1, {2}},
    {"find_by_the_wrong_kind_is_nothing", 2, "f2", 4, 0, {0}},
    {"find_in_two_organisations_newest_first", 0, "a", 4, 2, {3, 1}},
    {"find_by_any_kind_newest_first", -1, "a", 4, 3, {4, 3, 1}},
    {"find_shows_the_newest_of_more", -1, "a", 2, 3, {4, 3}},
    {"find_shows_the_newest_of_one_kind", 0, "a", 1, 2, {3}},
    {"find_only_counts_when_nothing_is_wanted", -1, "a", 0, 3, {0}},
    {"find_of_nobody_is_nothing", -1, "zzz", 4, 0, {0}},
    {"find_of_the_empty_value_is_nothing", -1, "", 4, 0, {0}},
    {"find_by_an_unknown_kind_is_nothing", 200, "a", 4, 0, {0}},
};

static void
test_find(void **state)
{
    const struct find_case *c = *state;
    struct chek_directory *directory = scene_begin();
    uint32_t principal = principal_add(directory, 1, false, NULL);
    uint32_t found[4] = {99, 99, 99, 99};

    assert_int_equal(
        chek_directory_find(directory, principal, c->kind, text(c->value), found, c->count_max),
        c->want_count);
    for (uint32_t i = 0; i < 4; i++) {
        bool is_shown = i < c->want_count && i < c->count_max;
        assert_int_equal(found[i], is_shown ? c->want[i] : 99);
    }
    chek_directory_destroy(directory);
}

static void
test_register_with_one_value_under_two_kinds_is_found_once(void **state)
{
    (void)state;
    struct chek_directory *directory = scene_begin();
    uint32_t principal = principal_add(directory, 1, false, NULL);
    uint32_t found[1] = {99};

    (void)claim(directory, &(struct row){.organisation = "3", .keys = {"1:x", "3:x", "4:x"}});
    (void)claim(directory, &(struct row){.organisation = "4", .keys = {"4:x", "0:x"}});
    assert_int_equal(chek_directory_find(directory, principal, -1, text("x"), found, 1), 2);
    assert_int_equal(found[0], 6);
    chek_directory_destroy(directory);
}

/* ---- images ----------------------------------------------------------------------------------- */

static void
test_load_is_the_same_directory(void **state)
{
    (void)state;
    struct chek_directory *directory = scene_begin();
    struct chek_bytes_view points[] = {text("north")};
    struct chek_scope scope = {.points = points, .points_count = 1};
    struct chek_directory *loaded = NULL;
    uint64_t folder[2], want_folder[2];
    char token[CHEK_TOKEN_TEXT_MAX];
    uint8_t secret[CHEK_TOKEN_SECRET_SIZE];
    uint32_t found = 0;

    (void)principal_add(directory, 1, false, &scope);
    (void)principal_add(directory, 7, true, NULL);
    assert_error(chek_directory_load(PAGE_COUNT_MAX, chek_directory_pages(directory), &loaded),
                 CHEK_OK);
    assert_true(chek_directory_hash(loaded) == chek_directory_hash(directory));
    assert_int_equal(chek_directory_partition_count(loaded), PARTITION_COUNT);
    chek_directory_folder_id(loaded, folder);
    chek_directory_folder_id(directory, want_folder);
    assert_memory_equal(folder, want_folder, sizeof folder);
    secret_of(2, secret);
    chek_token_write(2, secret, token);
    assert_error(chek_directory_authenticate(loaded, text(token), &found), CHEK_OK);
    assert_true(chek_directory_sees(loaded, 1, 3) && !chek_directory_sees(loaded, 1, 2));
    /* They go on alike. */
    struct row row = {.organisation = "1", .keys = {"1:f1", "2:new"}, .address = "there"};
    struct chek_claimed here = claim(directory, &row);
    struct chek_claimed there = claim(loaded, &row);
    assert_int_equal(here.registration, there.registration);
    assert_int_equal(principal_add(directory, 1, false, NULL), 3);
    assert_int_equal(principal_add(loaded, 1, false, NULL), 3);
    assert_true(chek_directory_hash(loaded) == chek_directory_hash(directory));
    chek_directory_destroy(loaded);
    chek_directory_destroy(directory);
}

/* What loads answers every question without harm. */
static void
ask_everything(const struct chek_directory *directory)
{
    static uint8_t memory[65536];
    struct chek_arena arena;
    struct chek_registered registered;
    struct chek_principal principal;
    struct chek_home home;
    uint32_t found[4];

    for (uint32_t i = 0; i <= chek_directory_registration_count(directory); i++) {
        chek_arena_init_over(&arena, memory, sizeof memory);
        int error = chek_directory_registered(directory, i, &arena, &registered);
        assert_int_equal(error == CHEK_OK, i != 0);
        assert_int_equal(chek_directory_home(directory, i, &home) == CHEK_OK, i != 0);
        /* Others use it as an index. */
        assert_true(i == 0 || (home.registration == i && home.partition > 0 &&
                               home.partition <= chek_directory_partition_count(directory)));
        for (uint32_t who = 0; who <= chek_directory_principal_count(directory); who++) {
            (void)chek_directory_sees(directory, who, i);
        }
    }
    for (uint32_t who = 0; who <= chek_directory_principal_count(directory); who++) {
        chek_arena_init_over(&arena, memory, sizeof memory);
        int error = chek_directory_principal_read(directory, who, &arena, &principal);
        assert_int_equal(error == CHEK_OK, who != 0);
        assert_true(who == 0 || (principal.name.size <= 64 && principal.rights < 8));
        (void)chek_directory_find(directory, who, -1, text("a"), found, 4);
    }
}

/* Load the pages with one byte changed: CORRUPT, or harmless. Returns whether they loaded. */
static bool
load_damaged(uint8_t *pages, size_t size, size_t at, uint8_t flip)
{
    struct chek_directory *loaded = NULL;

    pages[at] ^= flip;
    int error = chek_directory_load(PAGE_COUNT_MAX, chek_bytes_view_of(pages, size), &loaded);
    pages[at] ^= flip;
    if (error != CHEK_OK) {
        assert_true(error == CHEK_E_CORRUPT || error == CHEK_E_FULL);
        assert_null(loaded);
        return false;
    }
    ask_everything(loaded);
    chek_directory_destroy(loaded);
    return true;
}

static void
test_damaged_pages_are_refused_or_harmless(void **state)
{
    (void)state;
    struct chek_directory *directory = scene_begin();
    struct chek_bytes_view points[] = {text("north")};
    struct chek_scope scope = {.points = points, .points_count = 1};
    (void)principal_add(directory, 1, false, &scope);
    struct chek_bytes_view pages = chek_directory_pages(directory);
    uint8_t *damaged = malloc(pages.size);
    unsigned count = 0, loaded_count = 0;

    assert_non_null(damaged);
    memcpy(damaged, pages.bytes, pages.size);
    for (size_t at = 0; at < pages.size; at++) {
        if (at >= 512 && pages.bytes[at] == 0 && at % 97 != 0) {
            continue; /* zeros behind zeros: a sample will do */
        }
        loaded_count += load_damaged(damaged, pages.size, at, (uint8_t)(1 << at % 8));
        loaded_count += load_damaged(damaged, pages.size, at, 0xff);
        count += 2;
    }
    /* Names and hashes may change and nobody can tell; structure may not. */
    assert_true(loaded_count > 60 && loaded_count < count / 2);
    free(damaged);
    chek_directory_destroy(directory);
}

static void
test_pages_of_another_owner_are_refused(void **state)
{
    (void)state;
    struct chek_page_heap heap;
    struct chek_directory *loaded = NULL;

    assert_error(chek_page_heap_init(&heap, 16, 8), CHEK_OK);
    assert_error(chek_directory_load(PAGE_COUNT_MAX, chek_page_heap_pages(&heap), &loaded),
                 CHEK_E_CORRUPT);
    assert_null(loaded);
    chek_page_heap_finish(&heap);
}

/* ---- memory ----------------------------------------------------------------------------------- */

static void
test_create_and_load_without_memory_leave_nothing_behind(void **state)
{
    (void)state;
    struct chek_directory *directory = scene_begin();
    struct chek_directory *made = NULL;
    for (unsigned loads = 0; loads < 2; loads++) {
        struct chek_memory_counters before = chek_memory_count();
        int error = -1;
        for (uint64_t fail_at = 1; error != CHEK_OK; fail_at++) {
            assert_true(fail_at < 100);
            chek_memory_fail_at(fail_at);
            error = loads != 0 ? chek_directory_load(PAGE_COUNT_MAX,
                                                     chek_directory_pages(directory), &made)
                               : chek_directory_create(PAGE_COUNT_MAX, &made);
            chek_memory_fail_at(0);
            struct chek_memory_counters after = chek_memory_count();
            assert_true(error == CHEK_OK || (made == NULL && after.heap_size == before.heap_size &&
                                             after.reserved_size == before.reserved_size));
        }
        chek_directory_destroy(made);
        made = NULL;
    }
    chek_directory_destroy(NULL);
    chek_directory_destroy(directory);
}

/* A register whose record just fits into the class of 1,168 bytes. */
struct large {
    char key[8], more[8], keys[5][64], text[256], address[256], point[65];
    struct row row;
};

static void
large_make(struct large *large, unsigned number)
{
    memset(large, 0, sizeof *large);
    snprintf(large->key, sizeof large->key, "0:%u", number);
    snprintf(large->more, sizeof large->more, "1:%u", number);
    memset(large->text, 'n', 255);
    memset(large->address, 'a', 255);
    memset(large->point, 'p', 64);
    large->row = (struct row){.organisation = "1",
                              .keys = {large->key},
                              .organisation_name = large->text,
                              .point_name = large->text,
                              .address = large->address,
                              .point = large->point,
                              .model = large->point};
    for (unsigned i = 0; i < 5; i++) {
        snprintf(large->keys[i], sizeof large->keys[i], "4:%u of %050u", i, number);
        large->row.keys[1 + i] = large->keys[i];
    }
    uint8_t bytes[2048];
    struct built built;
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    chek_register_encode(&out, build(&large->row, &built));
    assert_true(out.size > 1168 && out.size < 1168 + 250);
    large->address[255 - (out.size - 1168)] = '\0';
}

enum { LARGE_COUNT = 8000 };

/* A directory of large registers in a heap of so many pages, after which `size` bytes of claims
 * were promised; NULL when it is too small for that. */
static struct chek_directory *
large_begin(uint32_t page_count_max, size_t size)
{
    struct chek_directory *directory = NULL;
    assert_error(chek_directory_create(page_count_max, &directory), CHEK_OK);
    chek_directory_genesis(directory, &(struct chek_genesis){.partitions = 1});
    for (unsigned i = 0; i < LARGE_COUNT; i++) {
        struct large large;
        struct built built;
        struct chek_claimed claimed;
        large_make(&large, i);
        if (chek_directory_ensure(directory, 1400) != CHEK_OK) {
            chek_directory_destroy(directory);
            return NULL;
        }
        chek_directory_claim(directory, build(&large.row, &built), &claimed);
    }
    if (chek_directory_ensure(directory, size) != CHEK_OK) {
        chek_directory_destroy(directory);
        return NULL;
    }
    return directory;
}

/* The worst for what is ensured: every second register grows by one short key into a larger class, and
 * the pages that they leave stay in use. In the smallest heap in which that is promised it must be possible. */
static void
test_ensure_is_enough_for_records_that_grow(void **state)
{
    (void)state;
    struct chek_directory *directory = NULL;
    uint32_t too_small = 100, enough = 8000; /* pages */

    while (enough - too_small > 1) {
        uint32_t middle = (too_small + enough) / 2;
        directory = large_begin(middle, (size_t)LARGE_COUNT / 2 * 15);
        if (directory != NULL) {
            enough = middle;
            chek_directory_destroy(directory);
        } else {
            too_small = middle;
        }
    }
    directory = large_begin(enough, (size_t)LARGE_COUNT / 2 * 15);
    assert_non_null(directory);
    for (unsigned i = 0; i < LARGE_COUNT; i += 2) {
        struct large large;
        struct built built;
        struct chek_claimed claimed;
        large_make(&large, i);
        struct row row = {.organisation = "1", .keys = {large.key, large.more}};
        chek_directory_claim(directory, build(&row, &built), &claimed);
        assert_int_equal(claimed.registration, i + 1);
    }
    chek_directory_destroy(directory);
}

static void
test_claims_again_and_again_take_no_more_room(void **state)
{
    (void)state;
    struct chek_directory *directory = directory_begin();
    char address[256] = {0};
    size_t size = 0;

    for (unsigned i = 0; i < 2000; i++) {
        memset(address, 'a', 255);
        address[1 + i % 255] = '\0';
        (void)claim(directory,
                    &(struct row){.organisation = "1", .keys = {"0:a"}, .address = address});
        if (i == 300) {
            size = chek_directory_pages(directory).size;
        }
    }
    assert_int_equal(chek_directory_pages(directory).size, size);
    chek_directory_destroy(directory);
}

int
main(void)
{
    struct table table = {0};
    if (sodium_init() < 0) {
        return 1;
    }
    TABLE_ROWS(&table, test_claim, claim_cases);
    TABLE_TEST(&table, test_home_is_the_partition_of_the_organisation);
    TABLE_TEST(&table, test_claim_of_a_known_register_adds_what_is_new);
    TABLE_TEST(&table, test_claim_that_names_two_registrations_exists_and_changes_nothing);
    TABLE_TEST(&table, test_find_register_says_where_a_claim_would_end);
    TABLE_TEST(&table, test_keys_beyond_eight_are_not_kept);
    TABLE_ROWS(&table, test_token, token_cases);
    TABLE_TEST(&table, test_every_bit_of_the_secret_counts);
    TABLE_TEST(&table, test_rights_are_had_all_or_not);
    TABLE_TEST(&table, test_principal_is_read_without_its_secret);
    TABLE_ROWS(&table, test_scope, scope_cases);
    TABLE_ROWS(&table, test_find, find_cases);
    TABLE_TEST(&table, test_register_with_one_value_under_two_kinds_is_found_once);
    TABLE_TEST(&table, test_load_is_the_same_directory);
    TABLE_TEST(&table, test_damaged_pages_are_refused_or_harmless);
    TABLE_TEST(&table, test_pages_of_another_owner_are_refused);
    TABLE_TEST(&table, test_create_and_load_without_memory_leave_nothing_behind);
    TABLE_TEST(&table, test_claims_again_and_again_take_no_more_room);
    TABLE_TEST(&table, test_ensure_is_enough_for_records_that_grow);
    return table_run(&table, "directory");
}
