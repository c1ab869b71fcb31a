/* SPDX-License-Identifier: MIT */
/*
 * prop_directory.c - the directory against plain arrays, over random histories of few names.
 *
 * Few organisations, kinds and values, so that claims meet, merge and contradict each other. Every
 * command goes to two copies, one of which is now and then dumped and loaded: their hashes must be
 * equal after every command. Answers are those of a search through everything.
 */
#include <sodium.h>
#include <string.h>

#include "engine/base/checksum.h"
#include "engine/directory/directory.h"
#include "tests/prop/prop.h"

#define PAGE_COUNT_MAX 8192
#define STEP_COUNT 400
#define REGISTER_COUNT_MAX STEP_COUNT
#define PRINCIPAL_COUNT_MAX 32
#define KEY_COUNT_MAX 8 /* CHEK_REGISTER_KEY_COUNT_MAX, said a second time */
#define NAME_COUNT 24
#define PARTITION_COUNT 7

/* All texts are one of these names; 0 stands for none. */
static char names[NAME_COUNT][8];

struct plain_key {
    uint8_t kind, name;
};

struct plain_register {
    struct plain_key keys[KEY_COUNT_MAX];
    uint32_t key_count;
    uint8_t organisation, organisation_name, point, point_name, address, model;
    uint16_t currency;
};

struct plain_principal {
    uint32_t rights;
    bool trusted, revoked, bounded;
    uint8_t lists[3][2]; /* organisations, points, register keys; 0 = nothing in the place */
};

static struct plain_register registers[REGISTER_COUNT_MAX];
static struct plain_principal principals[PRINCIPAL_COUNT_MAX];
static uint32_t register_count, principal_count;
static struct chek_directory *copies[2];

/* ---- plain ------------------------------------------------------------------------------------ */

static bool
plain_has_key(const struct plain_register *what, struct plain_key key)
{
    for (uint32_t i = 0; i < what->key_count; i++) {
        if (what->keys[i].kind == key.kind && what->keys[i].name == key.name) {
            return true;
        }
    }
    return false;
}

/* Both have fiscal drives, and none in common. */
static bool
plain_drives_differ(const struct plain_register *a, const struct plain_register *b)
{
    bool has[2] = {false, false};
    bool common = false;
    for (uint32_t k = 0; k < a->key_count; k++) {
        bool drive = a->keys[k].kind == CHEK_KEY_KIND_FISCAL_DRIVE;
        has[0] = has[0] || drive;
        common = common || (drive && plain_has_key(b, a->keys[k]));
    }
    for (uint32_t k = 0; k < b->key_count; k++) {
        has[1] = has[1] || b->keys[k].kind == CHEK_KEY_KIND_FISCAL_DRIVE;
    }
    return has[0] && has[1] && !common;
}

/* The number of the register, 0 when there is none, UINT32_MAX when there are several. */
static uint32_t
plain_match(const struct plain_register *what)
{
    uint32_t found = 0;
    for (uint32_t i = 0; i < register_count; i++) {
        bool meets = false;
        for (uint32_t k = 0; k < what->key_count; k++) {
            meets = meets || plain_has_key(&registers[i], what->keys[k]);
        }
        if (meets && registers[i].organisation == what->organisation &&
            !plain_drives_differ(&registers[i], what)) {
            found = found == 0 ? i + 1 : UINT32_MAX;
        }
    }
    return found;
}

/* What a claim of a register that is known ends with; keys are added when all of them fit. */
static int
plain_merge(struct plain_register *into, const struct plain_register *what)
{
    struct plain_key added[KEY_COUNT_MAX];
    uint32_t added_count = 0;
    for (uint32_t k = 0; k < what->key_count; k++) {
        if (!plain_has_key(into, what->keys[k])) {
            added[added_count++] = what->keys[k];
        }
    }
    if (into->key_count + added_count > KEY_COUNT_MAX) {
        return CHEK_E_LIMIT;
    }
    memcpy(into->keys + into->key_count, added, added_count * sizeof *added);
    into->key_count += added_count;
    uint8_t *texts[] = {&into->organisation_name, &into->point, &into->point_name, &into->address,
                        &into->model};
    const uint8_t given[] = {what->organisation_name, what->point, what->point_name, what->address,
                             what->model};
    for (size_t i = 0; i < CHEK_COUNT(texts); i++) {
        *texts[i] = given[i] != 0 ? given[i] : *texts[i];
    }
    return CHEK_OK;
}

static bool
list_has(const uint8_t list[2], uint8_t name)
{
    return (list[0] == 0 && list[1] == 0) || (name != 0 && (list[0] == name || list[1] == name));
}

static bool
plain_sees(uint32_t principal, const struct plain_register *what)
{
    if (principal == 0 || principal > principal_count || principals[principal - 1].revoked) {
        return false;
    }
    const struct plain_principal *who = &principals[principal - 1];
    bool sees_key = list_has(who->lists[2], 0);
    for (uint32_t k = 0; k < what->key_count; k++) {
        sees_key = sees_key || list_has(who->lists[2], what->keys[k].name);
    }
    return !who->bounded || (list_has(who->lists[0], what->organisation) &&
                             list_has(who->lists[1], what->point) && sees_key);
}

/* ---- the same as records ---------------------------------------------------------------------- */

static struct chek_bytes_view
view_of(uint8_t name)
{
    return chek_bytes_view_of(names[name], name != 0 ? strlen(names[name]) : 0);
}

static struct chek_register
record_of(const struct plain_register *plain, struct chek_register_key keys[KEY_COUNT_MAX])
{
    for (uint32_t k = 0; k < plain->key_count; k++) {
        keys[k] = (struct chek_register_key){.kind = plain->keys[k].kind,
                                             .value = view_of(plain->keys[k].name)};
    }
    return (struct chek_register){.keys = keys,
                                  .keys_count = plain->key_count,
                                  .organisation = view_of(plain->organisation),
                                  .organisation_name = view_of(plain->organisation_name),
                                  .point = view_of(plain->point),
                                  .point_name = view_of(plain->point_name),
                                  .address = view_of(plain->address),
                                  .model = view_of(plain->model),
                                  .currency = plain->currency};
}

static uint8_t
any_name(struct chek_prng *prng, bool or_none)
{
    return (uint8_t)(or_none ? chek_prng_below(prng, NAME_COUNT)
                             : 1 + chek_prng_below(prng, NAME_COUNT - 1));
}

static struct plain_register
any_register(struct chek_prng *prng)
{
    struct plain_register what = {.organisation = (uint8_t)(1 + chek_prng_below(prng, 4)),
                                  .organisation_name = any_name(prng, true),
                                  .point = (uint8_t)chek_prng_below(prng, 4),
                                  .point_name = any_name(prng, true),
                                  .address = any_name(prng, true),
                                  .model = any_name(prng, true),
                                  .currency = chek_prng_below(prng, 2) == 0 ? 643 : 0};
    uint64_t wanted = 1 + chek_prng_below(prng, 4);
    for (uint64_t i = 0; i < wanted; i++) {
        struct plain_key key = {.kind = (uint8_t)chek_prng_below(prng, CHEK_KEY_KIND_COUNT),
                                .name = any_name(prng, false)};
        if (!plain_has_key(&what, key)) {
            what.keys[what.key_count++] = key;
        }
    }
    return what;
}

/* ---- commands --------------------------------------------------------------------------------- */

static void
claim_step(struct prop *prop, struct chek_prng *prng)
{
    struct plain_register what = any_register(prng);
    struct chek_register_key keys[KEY_COUNT_MAX];
    struct chek_register record = record_of(&what, keys);
    uint32_t match = plain_match(&what);
    bool is_new = match == 0;
    int found_want = is_new ? CHEK_E_UNREGISTERED : match == UINT32_MAX ? CHEK_E_EXISTS : CHEK_OK;
    int want = found_want;

    if (is_new) {
        registers[register_count++] = what;
        match = register_count;
        want = CHEK_OK;
    } else if (want == CHEK_OK) {
        want = plain_merge(&registers[match - 1], &what);
    }
    for (size_t i = 0; i < 2; i++) {
        struct chek_claimed claimed;
        uint32_t found = 0;
        int error = chek_directory_find_register(copies[i], &record, &found);
        PROP_CHECK(prop, error == found_want);
        PROP_CHECK(prop, error != CHEK_OK || found == match);
        PROP_CHECK(prop, chek_directory_claim_check(copies[i], &record) == want);
        PROP_CHECK(prop, chek_directory_ensure(copies[i], 1024) == CHEK_OK);
        chek_directory_claim(copies[i], &record, &claimed);
        PROP_CHECK(prop, claimed.created == is_new);
        PROP_CHECK(prop, claimed.error == want);
        PROP_CHECK(prop, claimed.registration == (want == CHEK_OK ? match : 0));
    }
}

static void
secret_of(uint32_t principal, uint8_t ret[CHEK_TOKEN_SECRET_SIZE])
{
    struct chek_prng prng;
    chek_prng_init(&prng, principal);
    for (size_t i = 0; i < CHEK_TOKEN_SECRET_SIZE; i++) {
        ret[i] = (uint8_t)chek_prng_next(&prng);
    }
}

static uint32_t
list_fill(const uint8_t names_listed[2], struct chek_bytes_view ret[2])
{
    uint32_t count = 0;
    for (size_t i = 0; i < 2; i++) {
        if (names_listed[i] != 0) {
            ret[count++] = view_of(names_listed[i]);
        }
    }
    return count;
}

static void
principal_step(struct prop *prop, struct chek_prng *prng)
{
    struct chek_bytes_view lists[3][2];
    uint8_t secret[CHEK_TOKEN_SECRET_SIZE], hash[CHEK_TOKEN_HASH_SIZE];

    if (principal_count == PRINCIPAL_COUNT_MAX) {
        return;
    }
    struct plain_principal who = {.rights = (uint32_t)chek_prng_below(prng, 8),
                                  .trusted = chek_prng_below(prng, 2) == 0,
                                  .bounded = chek_prng_below(prng, 4) != 0};
    for (size_t i = 0; i < 3 && who.bounded; i++) {
        for (size_t j = 0; j < 2; j++) {
            who.lists[i][j] = (uint8_t)chek_prng_below(prng, i < 2 ? 5 : NAME_COUNT);
        }
        if (chek_prng_below(prng, 2) == 0) {
            who.lists[i][0] = who.lists[i][1] = 0;
        }
    }
    principals[principal_count++] = who;
    struct chek_scope scope = {.organisations = lists[0],
                               .organisations_count = list_fill(who.lists[0], lists[0]),
                               .points = lists[1],
                               .points_count = list_fill(who.lists[1], lists[1]),
                               .registers = lists[2],
                               .registers_count = list_fill(who.lists[2], lists[2])};
    struct chek_principal record = {.principal = principal_count,
                                    .name = view_of(any_name(prng, true)),
                                    .rights = who.rights,
                                    .trusted = who.trusted,
                                    .scope = who.bounded ? &scope : NULL};
    secret_of(principal_count, secret);
    chek_token_hash(secret, hash);
    struct chek_command_principal command = {.principal = &record,
                                             .hash = chek_bytes_view_of(hash, sizeof hash)};
    for (size_t i = 0; i < 2; i++) {
        PROP_CHECK(prop, chek_directory_principal_next(copies[i]) == principal_count);
        PROP_CHECK(prop, chek_directory_ensure(copies[i], 1024) == CHEK_OK);
        chek_directory_principal(copies[i], &command);
    }
}

static void
revoke_step(struct prop *prop, struct chek_prng *prng)
{
    uint32_t principal = (uint32_t)chek_prng_below(prng, principal_count + 2);
    bool exists = principal != 0 && principal <= principal_count;
    for (size_t i = 0; i < 2; i++) {
        PROP_CHECK(prop, chek_directory_revoke(copies[i], principal) ==
                             (exists ? CHEK_OK : CHEK_E_NOT_FOUND));
    }
    if (exists) {
        principals[principal - 1].revoked = true;
    }
}

static void
reload_step(struct prop *prop)
{
    struct chek_directory *loaded = NULL;
    PROP_CHECK(prop, chek_directory_load(PAGE_COUNT_MAX, chek_directory_pages(copies[1]),
                                         &loaded) == CHEK_OK);
    chek_directory_destroy(copies[1]);
    copies[1] = loaded;
}

/* ---- questions -------------------------------------------------------------------------------- */

static void
register_check(struct prop *prop, uint32_t number)
{
    static uint8_t memory[16384];
    struct chek_arena arena;
    struct chek_register_key keys[KEY_COUNT_MAX];
    struct chek_registered got;
    struct chek_home home;
    uint8_t bytes[2][2048];
    struct chek_register want = record_of(&registers[number - 1], keys);

    chek_arena_init_over(&arena, memory, sizeof memory);
    PROP_CHECK(prop, chek_directory_registered(copies[0], number, &arena, &got) == CHEK_OK);
    struct chek_writer got_bytes = chek_writer_over(bytes[0], sizeof bytes[0]);
    struct chek_writer want_bytes = chek_writer_over(bytes[1], sizeof bytes[1]);
    chek_register_encode(&got_bytes, got.profile);
    chek_register_encode(&want_bytes, &want);
    PROP_CHECK(prop, got_bytes.size == want_bytes.size);
    PROP_CHECK(prop, memcmp(bytes[0], bytes[1], got_bytes.size) == 0);
    PROP_CHECK(prop, chek_directory_home(copies[0], number, &home) == CHEK_OK);
    PROP_CHECK(prop, home.registration == number && home.partition == got.partition);
    PROP_CHECK(prop, home.currency == (want.currency != 0 ? want.currency : 398));
    PROP_CHECK(prop, home.partition ==
                         1 + chek_checksum(want.organisation.bytes, want.organisation.size) %
                                 PARTITION_COUNT);
}

static void
find_check(struct prop *prop, struct chek_prng *prng)
{
    uint8_t name = any_name(prng, false);
    int kind = (int)chek_prng_below(prng, CHEK_KEY_KIND_COUNT + 1) - 1;
    uint32_t principal = (uint32_t)chek_prng_below(prng, principal_count + 2);
    uint32_t count_max = (uint32_t)chek_prng_below(prng, 6);
    uint32_t found[6];
    uint32_t want_count = 0;
    uint32_t got_count =
        chek_directory_find(copies[0], principal, kind, view_of(name), found, count_max);

    for (uint32_t i = register_count; i > 0; i--) {
        bool has = false;
        for (uint8_t k = 0; k < CHEK_KEY_KIND_COUNT; k++) {
            has = has || ((kind < 0 || kind == k) &&
                          plain_has_key(&registers[i - 1], (struct plain_key){k, name}));
        }
        if (has && plain_sees(principal, &registers[i - 1])) {
            PROP_CHECK(prop, want_count >= count_max || found[want_count] == i);
            want_count += 1;
        }
    }
    PROP_CHECK(prop, got_count == want_count);
}

static void
principal_check(struct prop *prop, struct chek_prng *prng)
{
    uint32_t number = (uint32_t)chek_prng_below(prng, principal_count + 2);
    bool exists = number != 0 && number <= principal_count;
    const struct plain_principal *who = &principals[exists ? number - 1 : 0];
    bool is_live = exists && !who->revoked;
    uint32_t asked = (uint32_t)chek_prng_below(prng, 8);
    uint8_t secret[CHEK_TOKEN_SECRET_SIZE];
    char token[CHEK_TOKEN_TEXT_MAX];
    uint32_t found = 0;

    PROP_CHECK(prop, chek_directory_may(copies[0], number, asked) ==
                         (is_live && (who->rights & asked) == asked));
    PROP_CHECK(prop, chek_directory_is_trusted(copies[0], number) == (is_live && who->trusted));
    PROP_CHECK(prop, chek_directory_is_unbounded(copies[0], number) == (is_live && !who->bounded));
    bool is_right = chek_prng_below(prng, 3) != 0;
    secret_of(number, secret);
    secret[chek_prng_below(prng, sizeof secret)] ^= is_right ? 0 : 0x10;
    chek_token_write(number, secret, token);
    PROP_CHECK(prop, chek_directory_authenticate(copies[0], chek_bytes_view_text(token), &found) ==
                         (is_live && is_right ? CHEK_OK : CHEK_E_AUTHENTICATION));
    PROP_CHECK(prop, found == (is_live && is_right ? number : 0));
    for (uint32_t i = 1; i <= register_count + 1; i += 1 + (uint32_t)chek_prng_below(prng, 5)) {
        bool want = i <= register_count && plain_sees(number, &registers[i - 1]);
        PROP_CHECK(prop, chek_directory_sees(copies[0], number, i) == want);
    }
    struct plain_register stranger = any_register(prng);
    struct chek_register_key keys[KEY_COUNT_MAX];
    struct chek_register record = record_of(&stranger, keys);
    PROP_CHECK(prop, chek_directory_sees_register(copies[0], number, &record) ==
                         plain_sees(number, &stranger));
}

/* ---- rounds ----------------------------------------------------------------------------------- */

static void
step(struct prop *prop, struct chek_prng *prng)
{
    switch (chek_prng_below(prng, 16)) {
    case 0:
    case 1:
        principal_step(prop, prng);
        break;
    case 2:
        if (chek_prng_below(prng, 4) == 0) {
            revoke_step(prop, prng);
        }
        break;
    case 3:
        if (chek_prng_below(prng, 4) == 0) {
            reload_step(prop);
        }
        break;
    default:
        claim_step(prop, prng);
        break;
    }
    PROP_CHECK(prop, chek_directory_hash(copies[0]) == chek_directory_hash(copies[1]));
    PROP_CHECK(prop, chek_directory_registration_count(copies[0]) == register_count);
    PROP_CHECK(prop, chek_directory_principal_count(copies[0]) == principal_count);
    find_check(prop, prng);
    principal_check(prop, prng);
}

static void
round_run(struct prop *prop, struct chek_prng *prng)
{
    struct chek_genesis genesis = {.partitions = PARTITION_COUNT, .map_seed = chek_prng_next(prng)};
    register_count = principal_count = 0;
    for (size_t i = 0; i < 2; i++) {
        PROP_CHECK(prop, chek_directory_create(PAGE_COUNT_MAX, &copies[i]) == CHEK_OK);
        chek_directory_genesis(copies[i], &genesis);
    }
    for (size_t i = 0; i < STEP_COUNT; i++) {
        step(prop, prng);
    }
    reload_step(prop);
    for (uint32_t i = 1; i <= register_count; i++) {
        register_check(prop, i);
    }
    for (size_t i = 0; i < 2; i++) {
        chek_directory_destroy(copies[i]);
    }
}

int
main(int argument_count, char **arguments)
{
    struct prop prop = prop_begin(argument_count, arguments, 30);
    struct chek_prng prng;

    if (sodium_init() < 0) {
        return 1;
    }
    for (int i = 0; i < NAME_COUNT; i++) {
        snprintf(names[i], sizeof names[i], "%d", i * i);
    }
    while (prop_next(&prop, &prng)) {
        round_run(&prop, &prng);
    }
    return 0;
}
