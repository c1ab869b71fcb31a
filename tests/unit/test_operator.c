/* SPDX-License-Identifier: MIT */
/*
 * test_operator.c - operators in a partition, and what AUTH is answered with. (ingest/CPCR.md R30..R36)
 */
#include <stdio.h>

#include "engine/partition/operator.h"
#include "tests/unit/cpcr_fixture.h"

static int
operator_set(uint32_t registration, const char *login, const char *password, uint32_t code)
{
    struct chek_outcome outcome;
    uint8_t hash[CHEK_OPERATOR_HASH_SIZE];
    struct chek_command_operator what = {.organisation = chek_bytes_view_text(ORGANISATION),
                                         .registration = registration,
                                         .login = chek_bytes_view_text(login)};
    if (password != NULL) {
        chek_cpcr_password(&key, what.organisation, registration, what.login,
                           chek_bytes_view_text(password), hash);
        what.hash = chek_bytes_view_of(hash, sizeof hash);
        what.code = code;
        what.name = chek_bytes_view_text("Aliya");
        what.roles = 5;
    }
    APPLY(CHEK_COMMAND_OPERATOR, command_operator, &what, CHEK_OK);
    return outcome.error;
}

static uint32_t
code_at(uint32_t registration, const char *login)
{
    struct chek_operator found = {0};
    int error = chek_partition_operator(partition, chek_bytes_view_text(ORGANISATION), registration,
                                        chek_bytes_view_text(login), &found);
    assert_int_equal(error, found.code != 0 ? CHEK_OK : CHEK_E_NOT_FOUND);
    return found.code;
}

static uint32_t
operator_count(const char *organisation, uint32_t registration)
{
    static struct chek_operator list[CHEK_OPERATOR_COUNT_MAX];
    return chek_partition_operators(partition, chek_bytes_view_text(organisation), registration,
                                    list);
}

static void
test_the_operator_of_the_register_comes_first(void **state)
{
    (void)state;
    assert_int_equal(code_at(REGISTRATION, "aliya"), 0);
    assert_error(operator_set(REGISTRATION, "aliya", "own", 1), CHEK_OK);
    assert_error(operator_set(0, "aliya", "all", 2), CHEK_OK);
    assert_error(operator_set(OTHER, "bolat", "other", 3), CHEK_OK);
    assert_int_equal(code_at(REGISTRATION, "aliya"), 1);
    assert_int_equal(code_at(OTHER, "aliya"), 2);
    assert_int_equal(code_at(REGISTRATION, "bolat"), 0);
    assert_int_equal(code_at(OTHER, "bolat"), 3);
    assert_int_equal(operator_count(ORGANISATION, 0), 3);
    assert_int_equal(operator_count(ORGANISATION, REGISTRATION), 2);
    assert_int_equal(operator_count("123456789013", 0), 0);
}

static void
test_an_operator_is_replaced_and_removed(void **state)
{
    (void)state;
    assert_error(operator_set(0, "aliya", NULL, 0), CHEK_E_NOT_FOUND);
    assert_error(operator_set(0, "aliya", "a", 1), CHEK_OK);
    assert_error(operator_set(0, "aliya", "b", 2), CHEK_OK);
    assert_int_equal(code_at(REGISTRATION, "aliya"), 2);
    assert_int_equal(operator_count(ORGANISATION, 0), 1);
    assert_error(operator_set(REGISTRATION, "aliya", NULL, 0), CHEK_E_NOT_FOUND);
    assert_error(operator_set(0, "aliya", NULL, 0), CHEK_OK);
    assert_int_equal(code_at(REGISTRATION, "aliya"), 0);
    assert_int_equal(operator_count(ORGANISATION, 0), 0);
    assert_true(chek_partition_is_valid(partition));
}

static void
test_operators_of_an_organisation_are_bounded(void **state)
{
    char login[16];
    (void)state;
    for (uint32_t i = 1; i <= CHEK_OPERATOR_COUNT_MAX; i++) {
        (void)snprintf(login, sizeof login, "%u", i);
        assert_error(operator_set(i % 2 == 0 ? 0 : OTHER, login, "p", i), CHEK_OK);
    }
    assert_error(operator_set(0, "more", "p", 1), CHEK_E_LIMIT);
    assert_int_equal(code_at(REGISTRATION, "more"), 0);
    assert_error(operator_set(0, "2", "p", 1000), CHEK_OK); /* in place of the one that is there */
    assert_int_equal(code_at(REGISTRATION, "2"), 1000);
    assert_int_equal(operator_count(ORGANISATION, 0), CHEK_OPERATOR_COUNT_MAX);
    assert_error(operator_set(OTHER, "1", NULL, 0), CHEK_OK);
    assert_error(operator_set(0, "more", "p", 1), CHEK_OK);
    assert_true(chek_partition_is_valid(partition));
}

static void
test_operators_are_in_the_image(void **state)
{
    (void)state;
    operator_set(0, "aliya", "a", 1);
    operator_set(REGISTRATION, "bolat", "b", 2);
    cpcr_reload();
    assert_int_equal(code_at(OTHER, "aliya"), 1);
    assert_int_equal(code_at(REGISTRATION, "bolat"), 2);
}

static void
test_commands_that_are_none_are_corrupt(void **state)
{
    struct chek_outcome outcome;
    uint8_t hash[CHEK_OPERATOR_HASH_SIZE] = {0};
    struct chek_command_operator what = {.organisation = chek_bytes_view_text(ORGANISATION),
                                         .login = chek_bytes_view_text("a"),
                                         .hash = chek_bytes_view_of(hash, sizeof hash - 1)};
    (void)state;
    APPLY(CHEK_COMMAND_OPERATOR, command_operator, &what, CHEK_E_CORRUPT);
    what.hash.size += 1;
    what.registration = OTHER + 1;
    APPLY(CHEK_COMMAND_OPERATOR, command_operator, &what, CHEK_E_CORRUPT);
    assert_int_equal(operator_count(ORGANISATION, 0), 0);
    (void)outcome;
}

/* ---- passwords -------------------------------------------------------------------------------- */

/* R31: another key, organisation, register, login or password is another hash. */
static void
test_a_hash_depends_on_all_that_names_it(void **state)
{
    static const struct chek_subject_key other_key = {.hash = {1, 2, 4}};
    static const struct {
        const struct chek_subject_key *key;
        const char *organisation, *login, *password;
        uint32_t registration;
    } rows[] = {
        {&key, "12", "34", "56", 0}, {&other_key, "12", "34", "56", 0}, {&key, "13", "34", "56", 0},
        {&key, "12", "35", "56", 0}, {&key, "12", "34", "57", 0},       {&key, "12", "34", "56", 1},
        {&key, "123", "4", "56", 0}, {&key, "12", "345", "6", 0},       {&key, "1234", "", "56", 0},
    };
    uint8_t hashes[CHEK_COUNT(rows)][CHEK_OPERATOR_HASH_SIZE];
    (void)state;
    for (size_t i = 0; i < CHEK_COUNT(rows); i++) {
        chek_cpcr_password(rows[i].key, chek_bytes_view_text(rows[i].organisation),
                           rows[i].registration, chek_bytes_view_text(rows[i].login),
                           chek_bytes_view_text(rows[i].password), hashes[i]);
        for (size_t j = 0; j < i; j++) {
            assert_memory_not_equal(hashes[i], hashes[j], CHEK_OPERATOR_HASH_SIZE);
        }
    }
}

/* ---- AUTH ------------------------------------------------------------------------------------- */

#define NO_AUTH UINT32_MAX /* the answer has no AuthResponse */

static struct auth_case {
    const char *name;
    uint32_t registration;
    const char *login, *password; /* NULL: the field is missing */
    uint32_t token_more;          /* on top of the token that is due */
    uint32_t result, auth, code;
} rows[] = {
    {"own_operator_and_password", REGISTRATION, "aliya", "own", 0, 0, 0, 1},
    {"organisation_behind_own_is_hidden", REGISTRATION, "aliya", "all", 0, 0, 1, 0},
    {"organisation_elsewhere", OTHER, "aliya", "all", 0, 0, 0, 2},
    {"own_of_another_register", OTHER, "aliya", "own", 0, 0, 1, 0},
    {"unknown_login", REGISTRATION, "bolat", "own", 0, 0, 1, 0},
    {"login_in_other_letters", REGISTRATION, "Aliya", "own", 0, 0, 1, 0},
    {"password_and_more", REGISTRATION, "aliya", "own1", 0, 0, 1, 0},
    {"empty_password", REGISTRATION, "aliya", "", 0, 0, 1, 0},
    {"empty_login", REGISTRATION, "", "own", 0, 0, 1, 0},
    {"another_token", REGISTRATION, "aliya", "own", 1, CHEK_CPCR_INVALID_TOKEN, NO_AUTH, 0},
    {"no_login", REGISTRATION, NULL, "own", 0, CHEK_CPCR_PROTOCOL_ERROR, NO_AUTH, 0},
    {"no_password", REGISTRATION, "aliya", NULL, 0, CHEK_CPCR_PROTOCOL_ERROR, NO_AUTH, 0},
};

static void
text_add(struct chek_writer *out, uint8_t field, const char *text)
{
    if (text != NULL) {
        chek_writer_u8(out, (uint8_t)(field << 3 | 2));
        chek_writer_u8(out, (uint8_t)strlen(text));
        chek_writer_bytes(out, text, strlen(text));
    }
}

/* Without its part when both texts are missing. */
static Ingest__Response *
ask(const struct auth_case *from)
{
    uint8_t texts[128];
    struct chek_writer part = chek_writer_over(texts, sizeof texts);
    text_add(&part, 1, from->login);
    text_add(&part, 2, from->password);
    return cpcr_ask(from->registration, INGEST__COMMAND_TYPE__COMMAND_AUTH, 8,
                    part.size != 0 ? &part : NULL, from->token_more);
}

static void
test_auth(void **state)
{
    const struct auth_case *from = *state;
    operator_set(REGISTRATION, "aliya", "own", 1);
    operator_set(0, "aliya", "all", 2);
    operator_set(0, "", "", 3); /* the server does not take such */
    uint64_t hash = chek_partition_hash(partition);
    Ingest__Response *answer = ask(from);
    assert_int_equal(answer->result->result_code, from->result);
    assert_int_equal(answer->auth != NULL ? answer->auth->result : NO_AUTH, from->auth);
    if (answer->auth != NULL && from->auth == 0) {
        assert_int_equal(answer->auth->operator_code, from->code);
        assert_int_equal(answer->auth->operator_name.len, 5);
        assert_memory_equal(answer->auth->operator_name.data, "Aliya", 5);
        assert_int_equal(answer->auth->n_roles, 2);
        assert_int_equal(answer->auth->roles[0], INGEST__USER_ROLE__ROLE_PAYMASTER);
        assert_int_equal(answer->auth->roles[1], INGEST__USER_ROLE__ROLE_ADMINISTRATOR);
    } else if (answer->auth != NULL) {
        assert_false(answer->auth->has_operator_code || answer->auth->has_operator_name);
        assert_int_equal(answer->auth->n_roles, 0);
    }
    /* R35: nothing is left of it but that there was a wrong password. */
    bool is_wrong = answer->auth != NULL && from->auth != 0;
    assert_int_equal(chek_partition_hash(partition) != hash, is_wrong);
    ingest__response__free_unpacked(answer, NULL);
}

/* ---- wrong ones (R37) ------------------------------------------------------------------------- */

enum said { SAID_RIGHT, SAID_WRONG, SAID_LATER };

static enum said
try_at(uint32_t registration, const char *password)
{
    struct auth_case asked = {.registration = registration, .login = "aliya", .password = password};
    uint64_t seq = chek_partition_seq(partition);
    Ingest__Response *answer = ask(&asked);
    assert_int_equal(answer->result->result_code, 0);
    bool is_right = answer->auth->result == INGEST__AUTH_RESULT__AUTH_OK;
    bool is_later = answer->result->result_text.len != 0;
    assert_false(is_right && is_later);
    ingest__response__free_unpacked(answer, NULL);
    /* Only a wrong password is logged, and only while it is looked at. */
    assert_int_equal(chek_partition_seq(partition) - seq, !is_right && !is_later);
    return is_right ? SAID_RIGHT : is_later ? SAID_LATER : SAID_WRONG;
}

static void
wait_s(uint64_t seconds)
{
    cpcr_wall_us += seconds * 1000000;
}

static void
tries_use_up(uint32_t registration)
{
    for (int i = 0; i < CHEK_DEVICE_TRY_COUNT; i++) {
        assert_int_equal(try_at(registration, "own"), SAID_RIGHT);
        assert_int_equal(try_at(registration, "wrong"), SAID_WRONG);
    }
    assert_int_equal(try_at(registration, "wrong"), SAID_LATER);
    assert_int_equal(try_at(registration, "own"), SAID_LATER);
}

static void
test_tries_are_limited(void **state)
{
    (void)state;
    operator_set(0, "aliya", "own", 1);
    wait_s(1);
    tries_use_up(REGISTRATION);
    assert_int_equal(try_at(OTHER, "own"), SAID_RIGHT); /* each register for itself */
    cpcr_reload();
    assert_int_equal(try_at(REGISTRATION, "own"), SAID_LATER);
    wait_s(CHEK_DEVICE_TRY_S - 1);
    assert_int_equal(try_at(REGISTRATION, "own"), SAID_LATER);
    wait_s(1);
    assert_int_equal(try_at(REGISTRATION, "own"), SAID_RIGHT);
    assert_int_equal(try_at(REGISTRATION, "wrong"), SAID_WRONG);
    assert_int_equal(try_at(REGISTRATION, "own"), SAID_LATER); /* one a minute, from here on */
    wait_s((uint64_t)CHEK_DEVICE_TRY_COUNT * CHEK_DEVICE_TRY_S);
    tries_use_up(REGISTRATION); /* all is forgiven, and not more than all */
    wait_s(1000000);
    tries_use_up(REGISTRATION);
}

static void
device_change(uint8_t change)
{
    struct chek_outcome outcome;
    APPLY(CHEK_COMMAND_DEVICE, command_device,
          (&(struct chek_command_device){.registration = REGISTRATION, .change = change}), CHEK_OK);
    assert_error(outcome.error, CHEK_OK);
}

static void
test_unblocking_forgives(void **state)
{
    (void)state;
    operator_set(0, "aliya", "own", 1);
    wait_s(1);
    tries_use_up(REGISTRATION);
    device_change(CHEK_DEVICE_CHANGE_RESET);
    assert_int_equal(try_at(REGISTRATION, "own"), SAID_LATER);
    device_change(CHEK_DEVICE_CHANGE_UNBLOCK);
    assert_int_equal(try_at(REGISTRATION, "own"), SAID_RIGHT);
}

/* A clock that is put back: the time of what was logged last counts, and nobody waits longer. */
static void
test_a_clock_that_is_put_back(void **state)
{
    (void)state;
    operator_set(0, "aliya", "own", 1);
    wait_s(3600);
    tries_use_up(REGISTRATION);
    cpcr_wall_us -= UINT64_C(1800) * 1000000;
    assert_int_equal(try_at(REGISTRATION, "own"), SAID_LATER);
    wait_s(1800 + CHEK_DEVICE_TRY_S);
    assert_int_equal(try_at(REGISTRATION, "own"), SAID_RIGHT);
}

static void
test_tries_that_are_none_are_corrupt(void **state)
{
    struct chek_outcome outcome;
    (void)state;
    APPLY(CHEK_COMMAND_TRY, nothing, &(struct chek_nothing){0}, CHEK_E_CORRUPT); /* of no device */
    (void)outcome;
}

/* R29, R34: without its part it is no request; a blocked device hears nothing of operators. */
static void
test_auth_of_a_blocked_device_and_without_a_part(void **state)
{
    struct chek_outcome outcome;
    struct auth_case right = rows[0], bare = {.registration = REGISTRATION};
    (void)state;
    operator_set(REGISTRATION, "aliya", "own", 1);
    Ingest__Response *answer = ask(&bare);
    assert_int_equal(answer->result->result_code, CHEK_CPCR_PROTOCOL_ERROR);
    ingest__response__free_unpacked(answer, NULL);
    APPLY(CHEK_COMMAND_DEVICE, command_device,
          (&(struct chek_command_device){.registration = REGISTRATION,
                                         .change = CHEK_DEVICE_CHANGE_BLOCK}),
          CHEK_OK);
    (void)outcome;
    answer = ask(&right);
    assert_int_equal(answer->result->result_code, CHEK_CPCR_BLOCKED);
    assert_null(answer->auth);
    ingest__response__free_unpacked(answer, NULL);
}

int
main(void)
{
    static struct table table;
    TABLE_TEST(&table, test_the_operator_of_the_register_comes_first);
    TABLE_TEST(&table, test_an_operator_is_replaced_and_removed);
    TABLE_TEST(&table, test_operators_of_an_organisation_are_bounded);
    TABLE_TEST(&table, test_operators_are_in_the_image);
    TABLE_TEST(&table, test_commands_that_are_none_are_corrupt);
    TABLE_TEST(&table, test_a_hash_depends_on_all_that_names_it);
    TABLE_ROWS(&table, test_auth, rows);
    TABLE_TEST(&table, test_tries_are_limited);
    TABLE_TEST(&table, test_unblocking_forgives);
    TABLE_TEST(&table, test_a_clock_that_is_put_back);
    TABLE_TEST(&table, test_tries_that_are_none_are_corrupt);
    TABLE_TEST(&table, test_auth_of_a_blocked_device_and_without_a_part);
    for (size_t i = 0; i < table.count; i++) {
        table.tests[i].setup_func = cpcr_setup;
        table.tests[i].teardown_func = cpcr_teardown;
    }
    return table_run(&table, "operator");
}
