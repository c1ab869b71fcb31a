/* SPDX-License-Identifier: MIT */
/* test_directory.c - who is who, and whose register it is. */
#include "tests/unit/directory_fixture.h"

#include <sodium.h>
#include <stdio.h>

#include "engine/base/checksum.h"
#include "tests/unit/table.h"

/* Two registers claimed one after the other: is the second the first? */
static struct claim_case {
    const char *name;
    struct register_row first, second;
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
    {"other_fiscal_drive_is_another_registration",
     {.organisation = "1", .keys = {"0:a", "2:x"}},
     {.organisation = "1", .keys = {"0:a", "2:y"}},
     false},
    {"fiscal_drive_that_was_not_known_is_added",
     {.organisation = "1", .keys = {"0:a"}},
     {.organisation = "1", .keys = {"0:a", "2:y"}},
     true},
    {"fiscal_drive_that_is_not_named_does_not_matter",
     {.organisation = "1", .keys = {"0:a", "2:x"}},
     {.organisation = "1", .keys = {"0:a"}},
     true},
    {"prefix_of_a_value_is_another_register",
     {.organisation = "1", .keys = {"0:ab"}},
     {.organisation = "1", .keys = {"0:a"}},
     false},
};

static void
test_claim(void **state)
{
    const struct claim_case *c = *state;
    struct chek_directory *directory = directory_open();

    struct chek_claimed first = directory_claim(directory, &c->first);
    assert_error(first.error, CHEK_OK);
    assert_true(first.created);
    assert_int_equal(first.registration, 1);
    struct chek_claimed second = directory_claim(directory, &c->second);
    assert_error(second.error, CHEK_OK);
    assert_int_equal(second.created, !c->is_same);
    assert_int_equal(second.registration, c->is_same ? 1 : 2);
    assert_int_equal(chek_directory_registration_count(directory), c->is_same ? 1 : 2);
    /* The first is what it was. */
    struct chek_claimed again = directory_claim(directory, &c->first);
    assert_false(again.created);
    assert_int_equal(again.registration, 1);
    assert_int_equal(again.partition, first.partition);
    chek_directory_destroy(directory);
}

static void
test_home_is_the_partition_of_the_organisation(void **state)
{
    (void)state;
    struct chek_directory *directory = directory_open();
    struct register_row row = {.organisation = "123456789012", .keys = {"0:a"}};
    struct register_row other = {.organisation = "123456789012", .keys = {"0:b"}, .currency = 643};
    struct chek_home home = {.registration = 9};

    struct chek_claimed first = directory_claim(directory, &row);
    struct chek_claimed second = directory_claim(directory, &other);
    assert_int_equal(first.partition,
                     1 + chek_checksum("123456789012", 12) % DIRECTORY_PARTITION_COUNT);
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
    assert_true(chek_bytes_view_equal(got, directory_text(want)));
}

static void
test_claim_of_a_known_register_adds_what_is_new(void **state)
{
    (void)state;
    struct chek_directory *directory = directory_open();
    struct chek_arena arena;
    struct chek_registered known;

    assert_int_equal(chek_arena_init(&arena, 65536), CHEK_OK);
    (void)directory_claim(directory, &(struct register_row){.organisation = "1",
                                                            .keys = {"0:a", "1:b"},
                                                            .point = "p1",
                                                            .address = "old street",
                                                            .model = "m",
                                                            .currency = 643});
    (void)directory_claim(directory, &(struct register_row){.organisation = "1",
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
        directory_claim(directory, &(struct register_row){.organisation = "1", .keys = {"3:d"}});
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
    struct chek_directory *directory = directory_open();
    struct register_row both = {.organisation = "1", .keys = {"0:a", "0:b", "1:new"}};
    struct register_built built;
    uint32_t found = 77;

    (void)directory_claim(directory, &(struct register_row){.organisation = "1", .keys = {"0:a"}});
    (void)directory_claim(directory, &(struct register_row){.organisation = "1", .keys = {"0:b"}});
    assert_error(chek_directory_ensure(directory, 4096), CHEK_OK);
    uint64_t hash = chek_directory_hash(directory);
    struct chek_claimed claimed = directory_claim(directory, &both);
    assert_error(claimed.error, CHEK_E_EXISTS);
    assert_int_equal(claimed.registration, 0);
    assert_false(claimed.created);
    assert_error(chek_directory_find_register(directory, register_build(&both, &built), &found),
                 CHEK_E_EXISTS);
    assert_int_equal(found, 77);
    assert_true(chek_directory_hash(directory) == hash);
    both.organisation = "2"; /* it is nobody's there */
    assert_true(directory_claim(directory, &both).created);
    chek_directory_destroy(directory);
}

static void
test_find_register_says_where_a_claim_would_end(void **state)
{
    (void)state;
    struct chek_directory *directory = directory_open();
    struct register_built built;
    uint32_t found = 77;
    const struct register_row row = {.organisation = "1", .keys = {"0:a"}};

    assert_error(chek_directory_find_register(directory, register_build(&row, &built), &found),
                 CHEK_E_UNREGISTERED);
    assert_int_equal(found, 77);
    assert_int_equal(chek_directory_registration_count(directory), 0);
    (void)directory_claim(directory, &row);
    assert_error(chek_directory_find_register(directory, register_build(&row, &built), &found),
                 CHEK_OK);
    assert_int_equal(found, 1);
    chek_directory_destroy(directory);
}

/* A register with eight keys, and what another claim of it ends with. */
static struct eight_case {
    const char *name;
    struct register_row second;
    int want;
    uint32_t key_count; /* afterwards */
} eight_cases[] = {
    {"known_keys_are_no_more", {.organisation = "1", .keys = {"3:7", "3:1"}}, CHEK_OK, 7},
    {"eighth_key_is_added", {.organisation = "1", .keys = {"3:1", "3:8"}}, CHEK_OK, 8},
    {"ninth_key_is_refused", {.organisation = "1", .keys = {"3:1", "3:8", "3:9"}}, CHEK_E_LIMIT, 7},
    {"nothing_of_a_refused_claim_is_taken",
     {.organisation = "1", .keys = {"3:8", "3:1", "3:9"}, .model = "other"},
     CHEK_E_LIMIT,
     7},
};

static void
test_eight_keys(void **state)
{
    const struct eight_case *c = *state;
    struct chek_directory *directory = directory_open();
    struct register_built built;
    struct chek_registered known;
    struct chek_arena arena;

    assert_int_equal(chek_arena_init(&arena, 65536), CHEK_OK);
    (void)directory_claim(
        directory, &(struct register_row){.organisation = "1",
                                          .keys = {"3:1", "3:2", "3:3", "3:4", "3:5", "3:6", "3:7"},
                                          .model = "m"});
    uint64_t before = chek_directory_hash(directory);
    assert_error(chek_directory_claim_check(directory, register_build(&c->second, &built)),
                 c->want);
    struct chek_claimed claimed = directory_claim(directory, &c->second);
    assert_error(claimed.error, c->want);
    assert_int_equal(claimed.registration, c->want == CHEK_OK ? 1 : 0);
    assert_true(c->want == CHEK_OK || chek_directory_hash(directory) == before);
    assert_error(chek_directory_registered(directory, 1, &arena, &known), CHEK_OK);
    assert_int_equal(known.profile->keys_count, c->key_count);
    chek_arena_finish(&arena);
    chek_directory_destroy(directory);
}

/* A document finds its register by any of its keys, whatever else it says of it. */
static void
test_register_is_found_by_a_profile_with_a_ninth_key(void **state)
{
    (void)state;
    struct chek_directory *directory = directory_open();
    struct register_row eight = {.organisation = "1",
                                 .keys = {"3:1", "3:2", "3:3", "3:4", "3:5", "3:6", "3:7", "3:8"}};
    struct register_row ninth = {.organisation = "1", .keys = {"3:9", "3:8"}};
    struct register_built built;
    uint32_t found = 0;

    (void)directory_claim(directory, &eight);
    assert_error(chek_directory_find_register(directory, register_build(&ninth, &built), &found),
                 CHEK_OK);
    assert_int_equal(found, 1);
    chek_directory_destroy(directory);
}

static void
test_claim_check_says_what_a_claim_would_end_with(void **state)
{
    (void)state;
    struct chek_directory *directory = directory_open();
    struct register_row both = {.organisation = "1", .keys = {"0:a", "0:b"}};
    struct register_built built;

    (void)directory_claim(directory, &(struct register_row){.organisation = "1", .keys = {"0:a"}});
    assert_error(chek_directory_claim_check(directory, register_build(&both, &built)), CHEK_OK);
    (void)directory_claim(directory, &(struct register_row){.organisation = "1", .keys = {"0:b"}});
    assert_error(chek_directory_claim_check(directory, register_build(&both, &built)),
                 CHEK_E_EXISTS);
    both.organisation = "2";
    assert_error(chek_directory_claim_check(directory, register_build(&both, &built)), CHEK_OK);
    chek_directory_destroy(directory);
}

/* ---- principals ------------------------------------------------------------------------------- */

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
    struct chek_directory *directory = directory_open();
    char written[CHEK_TOKEN_TEXT_MAX];
    char token[200];
    uint8_t secret[CHEK_TOKEN_SECRET_SIZE];
    uint32_t found = 77;

    for (unsigned i = 0; i < 3; i++) {
        (void)directory_principal_add(directory, 1, false, NULL);
    }
    assert_error(chek_directory_revoke(directory, 3), CHEK_OK);
    directory_secret(strncmp(c->format, "3", 1) == 0 ? 3 : 2, secret);
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
    assert_error(chek_directory_authenticate(directory, directory_text(token), &found), c->want);
    assert_int_equal(found, c->want == CHEK_OK ? 2 : 77);
    chek_directory_destroy(directory);
}

static void
test_every_bit_of_the_secret_counts(void **state)
{
    (void)state;
    struct chek_directory *directory = directory_open();
    char token[CHEK_TOKEN_TEXT_MAX];
    uint8_t secret[CHEK_TOKEN_SECRET_SIZE];
    uint32_t found = 77;

    (void)directory_principal_add(directory, 1, false, NULL);
    for (size_t bit = 0; bit < 8 * CHEK_TOKEN_SECRET_SIZE; bit++) {
        directory_secret(1, secret);
        secret[bit / 8] ^= (uint8_t)(1 << bit % 8);
        chek_token_write(1, secret, token);
        assert_error(chek_directory_authenticate(directory, directory_text(token), &found),
                     CHEK_E_AUTHENTICATION);
    }
    assert_int_equal(found, 77);
    chek_directory_destroy(directory);
}

static void
test_rights_are_had_all_or_not(void **state)
{
    (void)state;
    struct chek_directory *directory = directory_open();
    for (uint32_t rights = 0; rights < 16; rights++) {
        uint32_t principal = directory_principal_add(directory, rights, rights % 2 == 1, NULL);
        assert_int_equal(principal, rights + 1);
        assert_int_equal(chek_directory_is_trusted(directory, principal), rights % 2 == 1);
        assert_true(chek_directory_is_unbounded(directory, principal));
        for (uint32_t asked = 0; asked < 16; asked++) {
            assert_int_equal(chek_directory_may(directory, principal, asked),
                             (rights & asked) == asked);
        }
    }
    assert_int_equal(chek_directory_principal_count(directory), 16);
    assert_false(chek_directory_may(directory, 0, 0));
    assert_false(chek_directory_may(directory, 17, 0));
    assert_error(chek_directory_revoke(directory, 16), CHEK_OK);
    assert_error(chek_directory_revoke(directory, 16), CHEK_OK); /* for ever, once is enough */
    for (uint32_t asked = 0; asked < 16; asked++) {
        assert_false(chek_directory_may(directory, 16, asked));
    }
    assert_false(chek_directory_is_trusted(directory, 16));
    assert_false(chek_directory_is_unbounded(directory, 16));
    uint64_t hash = chek_directory_hash(directory);
    assert_error(chek_directory_revoke(directory, 17), CHEK_E_NOT_FOUND);
    assert_error(chek_directory_revoke(directory, 0), CHEK_E_NOT_FOUND);
    assert_true(chek_directory_hash(directory) == hash);
    chek_directory_destroy(directory);
}

static void
test_principal_is_found_by_its_name(void **state)
{
    (void)state;
    struct chek_directory *directory = directory_open();
    uint32_t found = 7;

    assert_int_equal(chek_directory_find_principal(directory, directory_text("till"), &found), 0);
    assert_int_equal(found, 7);
    for (uint32_t i = 1; i <= 3; i++) { /* all are named "till", as older logs may have it */
        assert_int_equal(directory_principal_add(directory, 1, false, NULL), i);
    }
    assert_int_equal(chek_directory_find_principal(directory, directory_text("till"), &found), 3);
    assert_int_equal(found, 1);
    assert_error(chek_directory_revoke(directory, 1), CHEK_OK);
    assert_error(chek_directory_revoke(directory, 3), CHEK_OK);
    assert_int_equal(chek_directory_find_principal(directory, directory_text("till"), &found), 1);
    assert_int_equal(found, 2);
    assert_int_equal(chek_directory_find_principal(directory, directory_text("til"), &found), 0);
    assert_int_equal(chek_directory_find_principal(directory, directory_text("tills"), &found), 0);
    assert_error(chek_directory_revoke(directory, 2), CHEK_OK);
    assert_int_equal(chek_directory_find_principal(directory, directory_text("till"), &found), 0);
    chek_directory_destroy(directory);
}

static void
test_principal_is_read_without_its_secret(void **state)
{
    (void)state;
    struct chek_directory *directory = directory_open();
    struct chek_bytes_view points[] = {directory_text("p1"), directory_text("p2")};
    struct chek_scope scope = {.points = points, .points_count = 2};
    struct chek_principal principal;
    struct chek_arena arena;

    assert_int_equal(chek_arena_init(&arena, 65536), CHEK_OK);
    (void)directory_principal_add(directory, 3, true, &scope);
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
        ret[count] = directory_text(values[count]);
        count += 1;
    }
    return count;
}

static void
test_scope(void **state)
{
    const struct scope_case *c = *state;
    struct chek_directory *directory = directory_open_scene();
    struct chek_bytes_view organisations[3], points[3], registers[3];
    struct chek_scope scope = {
        .organisations = organisations, .points = points, .registers = registers};
    struct register_built built;
    uint32_t found[4];

    scope.organisations_count = views_of(c->organisations, organisations);
    scope.points_count = views_of(c->points, points);
    scope.registers_count = views_of(c->registers, registers);
    uint32_t principal =
        directory_principal_add(directory, 1, false, c->is_bounded ? &scope : NULL);
    assert_int_equal(chek_directory_is_unbounded(directory, principal), !c->is_bounded);
    uint32_t a_count = 0;
    for (uint32_t i = 1; i <= 4; i++) {
        bool want = c->want[i - 1] == '1';
        assert_int_equal(chek_directory_sees(directory, principal, i), want);
        assert_int_equal(chek_directory_sees_register(
                             directory, principal, register_build(&directory_scene[i - 1], &built)),
                         want);
        a_count += want && i != 2; /* 1, 3 and 4 have the key a */
    }
    assert_int_equal(chek_directory_find(directory, principal, -1, directory_text("a"), found, 4),
                     a_count);
    assert_false(chek_directory_sees(directory, principal, 5));
    assert_false(chek_directory_sees(directory, principal, 0));
    assert_error(chek_directory_revoke(directory, principal), CHEK_OK);
    for (uint32_t i = 1; i <= 4; i++) {
        assert_false(chek_directory_sees(directory, principal, i));
    }
    assert_int_equal(chek_directory_find(directory, principal, -1, directory_text("a"), found, 4),
                     0);
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
    struct chek_directory *directory = directory_open_scene();
    uint32_t principal = directory_principal_add(directory, 1, false, NULL);
    uint32_t found[4] = {99, 99, 99, 99};

    assert_int_equal(chek_directory_find(directory, principal, c->kind, directory_text(c->value),
                                         found, c->count_max),
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
    struct chek_directory *directory = directory_open_scene();
    uint32_t principal = directory_principal_add(directory, 1, false, NULL);
    uint32_t found[1] = {99};

    (void)directory_claim(
        directory, &(struct register_row){.organisation = "3", .keys = {"1:x", "3:x", "4:x"}});
    (void)directory_claim(directory,
                          &(struct register_row){.organisation = "4", .keys = {"4:x", "0:x"}});
    assert_int_equal(chek_directory_find(directory, principal, -1, directory_text("x"), found, 1),
                     2);
    assert_int_equal(found[0], 6);
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
    TABLE_ROWS(&table, test_eight_keys, eight_cases);
    TABLE_TEST(&table, test_register_is_found_by_a_profile_with_a_ninth_key);
    TABLE_TEST(&table, test_claim_check_says_what_a_claim_would_end_with);
    TABLE_ROWS(&table, test_token, token_cases);
    TABLE_TEST(&table, test_every_bit_of_the_secret_counts);
    TABLE_TEST(&table, test_rights_are_had_all_or_not);
    TABLE_TEST(&table, test_principal_is_found_by_its_name);
    TABLE_TEST(&table, test_principal_is_read_without_its_secret);
    TABLE_ROWS(&table, test_scope, scope_cases);
    TABLE_ROWS(&table, test_find, find_cases);
    TABLE_TEST(&table, test_register_with_one_value_under_two_kinds_is_found_once);
    return table_run(&table, "directory");
}
