/* SPDX-License-Identifier: MIT */
/*
 * lookup.c - questions to the directory: whose token, whose register, may he see it.
 */
#include <sodium.h>
#include <string.h>

#include "engine/base/assertion.h"
#include "engine/base/checksum.h"
#include "engine/base/cursor.h"
#include "engine/directory/home.h"

uint64_t
directory__key_hash(uint8_t kind, struct chek_bytes_view value)
{
    return chek_checksum_seeded(value.bytes, value.size, kind + 1u);
}

uint16_t
directory__partition_of(struct chek_bytes_view organisation, uint16_t partition_count)
{
    CHEK_ASSERT(partition_count > 0);
    return (uint16_t)(1 + chek_checksum(organisation.bytes, organisation.size) % partition_count);
}

void
directory__register_decode(const struct chek_directory *directory,
                           const struct directory__registration *registration,
                           struct chek_arena *arena, struct chek_register *ret)
{
    struct chek_fault fault;
    int error =
        chek_register_decode_whole(chek_page_heap_read(&directory->heap, registration->what),
                                   registration->what_size, arena, ret, &fault);
    CHEK_ASSERT(error == CHEK_OK);
}

bool
directory__has_key(const struct chek_register *what, uint8_t kind, struct chek_bytes_view value)
{
    for (uint32_t i = 0; i < what->keys_count; i++) {
        if (what->keys[i].kind == kind && chek_bytes_view_equal(what->keys[i].value, value)) {
            return true;
        }
    }
    return false;
}

void
directory__text_merge(struct chek_bytes_view *into, struct chek_bytes_view text)
{
    if (text.size != 0) {
        *into = text;
    }
}

/* Decode into the scratch; its content lives until the next call of the kind. */
static struct chek_register
register_read(const struct chek_directory *directory, uint32_t registration)
{
    /* The scratch is no state: looking things up leaves the directory as it was. */
    struct chek_arena *scratch = (struct chek_arena *)(uintptr_t)&directory->scratch;
    struct chek_register what;
    chek_arena_reset(scratch);
    directory__register_decode(directory, directory__registration(directory, registration), scratch,
                               &what);
    return what;
}

/*
 * Whether two name different fiscal drives. Documents are numbered within a drive: a register that
 * gets a new one is another registration, though its other names stay.
 */
static bool
drives_differ(const struct chek_register *known, const struct chek_register *what)
{
    bool known_has = false;
    bool what_has = false;
    for (uint32_t i = 0; i < known->keys_count; i++) {
        known_has = known_has || known->keys[i].kind == CHEK_KEY_KIND_FISCAL_DRIVE;
    }
    for (uint32_t i = 0; i < what->keys_count; i++) {
        if (what->keys[i].kind != CHEK_KEY_KIND_FISCAL_DRIVE) {
            continue;
        }
        what_has = true;
        if (directory__has_key(known, what->keys[i].kind, what->keys[i].value)) {
            return false;
        }
    }
    return known_has && what_has;
}

int
directory__match(const struct chek_directory *directory, const struct chek_register *what,
                 uint32_t *ret)
{
    uint32_t found = 0;
    for (uint32_t i = 0; i < what->keys_count; i++) {
        const struct chek_register_key *key = &what->keys[i];
        struct chek_page_map_walk walk;
        uint32_t candidate;
        bool more =
            chek_page_map_find(&directory->heap, &directory__root(directory)->keys,
                               directory__key_hash(key->kind, key->value), &candidate, &walk);
        for (; more; more = chek_page_map_next(&directory->heap, &walk, &candidate)) {
            struct chek_register known = register_read(directory, candidate);
            if (!directory__has_key(&known, key->kind, key->value) ||
                !chek_bytes_view_equal(known.organisation, what->organisation) ||
                drives_differ(&known, what)) {
                continue;
            }
            if (found != 0 && found != candidate) {
                return CHEK_E_EXISTS;
            }
            found = candidate;
        }
    }
    if (found == 0) {
        return CHEK_E_UNREGISTERED;
    }
    *ret = found;
    return CHEK_OK;
}

bool
directory__keys_fit(const struct chek_directory *directory, uint32_t registration,
                    const struct chek_register *what)
{
    struct chek_register known = register_read(directory, registration);
    uint32_t count = known.keys_count;
    for (uint32_t i = 0; i < what->keys_count; i++) {
        count += !directory__has_key(&known, what->keys[i].kind, what->keys[i].value);
    }
    return count <= CHEK_REGISTER_KEY_COUNT_MAX;
}

int
chek_directory_claim_check(const struct chek_directory *directory, const struct chek_register *what)
{
    uint32_t registration = 0;
    int error = directory__match(directory, what, &registration);
    if (error == CHEK_E_UNREGISTERED) {
        return CHEK_OK; /* a new one, whose keys the check of its shape has counted */
    }
    return error != CHEK_OK || directory__keys_fit(directory, registration, what) ? error
                                                                                  : CHEK_E_LIMIT;
}

int
chek_directory_find_register(const struct chek_directory *directory,
                             const struct chek_register *what, uint32_t *ret)
{
    return directory__match(directory, what, ret);
}

int
chek_directory_home(const struct chek_directory *directory, uint32_t registration,
                    struct chek_home *ret)
{
    const struct directory__registration *found = directory__registration(directory, registration);
    if (found == NULL) {
        return CHEK_E_UNREGISTERED;
    }
    *ret = (struct chek_home){
        .registration = registration, .partition = found->partition, .currency = found->currency};
    return CHEK_OK;
}

/* ---- tokens ----------------------------------------------------------------------------------- */

void
chek_token_hash(const uint8_t secret[CHEK_TOKEN_SECRET_SIZE], uint8_t ret[CHEK_TOKEN_HASH_SIZE])
{
    int failed =
        crypto_generichash(ret, CHEK_TOKEN_HASH_SIZE, secret, CHEK_TOKEN_SECRET_SIZE, NULL, 0);
    CHEK_ASSERT(failed == 0);
}

void
chek_token_write(uint32_t principal, const uint8_t secret[CHEK_TOKEN_SECRET_SIZE],
                 char ret[CHEK_TOKEN_TEXT_MAX])
{
    char digits[11];
    size_t at = sizeof digits;
    size_t size = 0;

    do {
        digits[--at] = (char)('0' + principal % 10);
        principal /= 10;
    } while (principal != 0);
    size = sizeof digits - at;
    memcpy(ret, digits + at, size);
    ret[size] = '.';
    sodium_bin2hex(ret + size + 1, 2 * CHEK_TOKEN_SECRET_SIZE + 1, secret, CHEK_TOKEN_SECRET_SIZE);
}

/* "<principal>.<64 hex digits>": false when it is anything else. */
static bool
token_read(struct chek_bytes_view token, uint32_t *ret_principal,
           uint8_t ret_secret[CHEK_TOKEN_SECRET_SIZE])
{
    uint64_t principal = 0;
    size_t at = 0;
    size_t size = 0;

    while (at < token.size && at < 10 && token.bytes[at] >= '0' && token.bytes[at] <= '9') {
        principal = principal * 10 + (token.bytes[at++] - '0');
    }
    if (at == 0 || principal > UINT32_MAX ||
        token.size != at + 1 + (size_t)2 * CHEK_TOKEN_SECRET_SIZE || token.bytes[at] != '.') {
        return false;
    }
    if (sodium_hex2bin(ret_secret, CHEK_TOKEN_SECRET_SIZE, (const char *)token.bytes + at + 1,
                       token.size - at - 1, NULL, &size, NULL) != 0 ||
        size != CHEK_TOKEN_SECRET_SIZE) {
        return false;
    }
    *ret_principal = (uint32_t)principal;
    return true;
}

int
chek_directory_authenticate(const struct chek_directory *directory, struct chek_bytes_view token,
                            uint32_t *ret)
{
    static const uint8_t nobody[CHEK_TOKEN_HASH_SIZE];
    uint8_t secret[CHEK_TOKEN_SECRET_SIZE] = {0};
    uint8_t hash[CHEK_TOKEN_HASH_SIZE];
    uint32_t number = 0;

    /* Unknown, wrong and revoked walk the same way: hash, compare, answer. */
    bool well_formed = token_read(token, &number, secret);
    const struct directory__principal *principal = directory__principal(directory, number);
    chek_token_hash(secret, hash);
    bool equal =
        sodium_memcmp(hash, principal != NULL ? principal->hash : nobody, sizeof hash) == 0;
    sodium_memzero(secret, sizeof secret);
    if (!well_formed || principal == NULL || !equal || principal->revoked) {
        return CHEK_E_AUTHENTICATION;
    }
    *ret = number;
    return CHEK_OK;
}

/* ---- rights and scopes ------------------------------------------------------------------------ */

bool
chek_directory_may(const struct chek_directory *directory, uint32_t principal, uint32_t rights)
{
    const struct directory__principal *found = directory__principal(directory, principal);
    return found != NULL && !found->revoked && (found->rights & rights) == rights;
}

bool
chek_directory_is_trusted(const struct chek_directory *directory, uint32_t principal)
{
    const struct directory__principal *found = directory__principal(directory, principal);
    return found != NULL && !found->revoked && found->trusted;
}

bool
chek_directory_is_unbounded(const struct chek_directory *directory, uint32_t principal)
{
    const struct directory__principal *found = directory__principal(directory, principal);
    return found != NULL && !found->revoked && found->scope == 0;
}

static bool
scope_has(const struct chek_bytes_view *values, uint32_t count, struct chek_bytes_view value)
{
    for (uint32_t i = 0; i < count; i++) {
        if (chek_bytes_view_equal(values[i], value)) {
            return true;
        }
    }
    return count == 0;
}

/* A list that is empty has no bounds; what is listed must all agree. */
static bool
scope_contains(const struct chek_scope *scope, const struct chek_register *what)
{
    if (!scope_has(scope->organisations, scope->organisations_count, what->organisation) ||
        !scope_has(scope->points, scope->points_count, what->point)) {
        return false;
    }
    for (uint32_t i = 0; i < what->keys_count; i++) {
        if (scope_has(scope->registers, scope->registers_count, what->keys[i].value)) {
            return true;
        }
    }
    return scope->registers_count == 0;
}

static void
scope_read(const struct chek_directory *directory, const struct directory__principal *principal,
           struct chek_arena *arena, struct chek_scope *ret)
{
    struct chek_fault fault;
    int error = chek_scope_decode_whole(chek_page_heap_read(&directory->heap, principal->scope),
                                        principal->scope_size, arena, ret, &fault);
    CHEK_ASSERT(error == CHEK_OK);
}

bool
chek_directory_sees_register(const struct chek_directory *directory, uint32_t principal,
                             const struct chek_register *what)
{
    const struct directory__principal *found = directory__principal(directory, principal);
    if (found == NULL || found->revoked) {
        return false;
    }
    if (found->scope == 0) {
        return true;
    }
    struct chek_arena *scratch = (struct chek_arena *)(uintptr_t)&directory->scratch;
    size_t mark = chek_arena_mark(scratch);
    struct chek_scope scope;
    scope_read(directory, found, scratch, &scope);
    bool sees = scope_contains(&scope, what);
    chek_arena_rewind(scratch, mark);
    return sees;
}

bool
chek_directory_sees(const struct chek_directory *directory, uint32_t principal,
                    uint32_t registration)
{
    if (directory__registration(directory, registration) == NULL) {
        return false;
    }
    if (chek_directory_is_unbounded(directory, principal)) {
        return true;
    }
    struct chek_register what = register_read(directory, registration);
    return chek_directory_sees_register(directory, principal, &what);
}

/* What is looked for, and the newest of what was found. */
struct search {
    struct chek_bytes_view value;
    uint32_t principal;
    bool sees_all; /* no principal asks */
    bool any_kind;
    uint32_t count;
    uint32_t *newest;
    uint32_t newest_count_max;
};

/* Whether the value is also a key of a lower kind: then it was found under that. */
static bool
has_lower_kind(const struct chek_register *what, uint8_t kind, struct chek_bytes_view value)
{
    for (uint8_t i = 0; i < kind; i++) {
        if (directory__has_key(what, i, value)) {
            return true;
        }
    }
    return false;
}

/* Numbers only grow: the newest is the largest. */
static void
search_add(struct search *search, uint32_t registration)
{
    for (uint32_t i = 0; i < search->newest_count_max; i++) {
        if (i >= search->count) {
            search->newest[i] = registration;
            break;
        }
        if (search->newest[i] < registration) {
            uint32_t older = search->newest[i];
            search->newest[i] = registration;
            registration = older;
        }
    }
    search->count += 1;
}

static void
search_kind(const struct chek_directory *directory, struct search *search, uint8_t kind)
{
    struct chek_page_map_walk walk;
    uint32_t candidate;
    bool more = chek_page_map_find(&directory->heap, &directory__root(directory)->keys,
                                   directory__key_hash(kind, search->value), &candidate, &walk);
    for (; more; more = chek_page_map_next(&directory->heap, &walk, &candidate)) {
        struct chek_register known = register_read(directory, candidate);
        if (directory__has_key(&known, kind, search->value) &&
            !(search->any_kind && has_lower_kind(&known, kind, search->value)) &&
            (search->sees_all || chek_directory_sees(directory, search->principal, candidate))) {
            search_add(search, candidate);
        }
    }
}

uint32_t
chek_directory_find(const struct chek_directory *directory, uint32_t principal, int kind,
                    struct chek_bytes_view value, uint32_t *ret, uint32_t count_max)
{
    struct search search = {.value = value,
                            .principal = principal,
                            .any_kind = kind < 0,
                            .newest = ret,
                            .newest_count_max = count_max};
    for (uint8_t i = 0; i < CHEK_KEY_KIND_COUNT; i++) {
        if (kind < 0 || kind == i) {
            search_kind(directory, &search, i);
        }
    }
    return search.count;
}

int
chek_directory_find_key(const struct chek_directory *directory, uint8_t kind,
                        struct chek_bytes_view value, uint32_t *ret)
{
    uint32_t newest;
    struct search search = {
        .value = value, .sees_all = true, .newest = &newest, .newest_count_max = 1};
    search_kind(directory, &search, kind);
    if (search.count == 0) {
        return CHEK_E_NOT_FOUND;
    }
    *ret = newest;
    return CHEK_OK;
}

int
chek_directory_registered(const struct chek_directory *directory, uint32_t registration,
                          struct chek_arena *arena, struct chek_registered *ret)
{
    const struct directory__registration *found = directory__registration(directory, registration);
    if (found == NULL) {
        return CHEK_E_UNREGISTERED;
    }
    struct chek_register *what = chek_arena_take(arena, sizeof *what);
    struct chek_fault fault;
    if (what == NULL) {
        return CHEK_E_LIMIT;
    }
    int error = chek_register_decode_whole(chek_page_heap_read(&directory->heap, found->what),
                                           found->what_size, arena, what, &fault);
    if (error != CHEK_OK) {
        return error;
    }
    *ret = (struct chek_registered){
        .registration = registration, .partition = found->partition, .profile = what};
    return CHEK_OK;
}

int
chek_directory_principal_read(const struct chek_directory *directory, uint32_t principal,
                              struct chek_arena *arena, struct chek_principal *ret)
{
    const struct directory__principal *found = directory__principal(directory, principal);
    struct chek_scope *scope = NULL;
    if (found == NULL) {
        return CHEK_E_NOT_FOUND;
    }
    if (found->scope != 0) {
        struct chek_fault fault;
        scope = chek_arena_take(arena, sizeof *scope);
        if (scope == NULL) {
            return CHEK_E_LIMIT;
        }
        int error = chek_scope_decode_whole(chek_page_heap_read(&directory->heap, found->scope),
                                            found->scope_size, arena, scope, &fault);
        if (error != CHEK_OK) {
            return error;
        }
    }
    *ret = (struct chek_principal){.principal = principal,
                                   .name = chek_bytes_view_of(found->name, found->name_size),
                                   .rights = found->rights,
                                   .scope = scope,
                                   .trusted = found->trusted != 0,
                                   .revoked = found->revoked != 0};
    return CHEK_OK;
}

uint32_t
chek_directory_registration_count(const struct chek_directory *directory)
{
    return directory__root(directory)->registration_count;
}

uint32_t
chek_directory_principal_count(const struct chek_directory *directory)
{
    return directory__root(directory)->principal_count;
}

uint16_t
chek_directory_partition_count(const struct chek_directory *directory)
{
    return directory__root(directory)->partition_count;
}

void
chek_directory_folder_id(const struct chek_directory *directory, uint64_t ret[2])
{
    memcpy(ret, directory__root(directory)->folder_id, 2 * sizeof *ret);
}
