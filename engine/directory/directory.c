/* SPDX-License-Identifier: MIT */
/*
 * directory.c - the directory's commands and its pages.
 *
 * Registrations and principals are numbered from 1 without gaps, so both are found through a table
 * of tables: two loads, no hashing. What is known of a register is kept as its encoded record, the
 * same bytes that the claim brought, merged; a scope likewise. Keys of registers go through the one
 * hash map, several registrations under one key, the newest last.
 */
#include "engine/directory/directory.h"

#include <string.h>

#include "engine/base/assertion.h"
#include "engine/base/memory.h"
#include "engine/directory/home.h"

_Static_assert(sizeof(struct directory__registration) == 32, "format");
_Static_assert(sizeof(struct directory__principal) == 128, "format");
_Static_assert(sizeof(struct directory__root) <= CHEK_PAGE_ROOT_SIZE_MAX, "format");

/* On the wire: a mask, one key (count, mask, size, a character), an organisation (size, one). */
#define REGISTER_WIRE_SIZE_MIN 10

/* In the heap, at most. */
#define REGISTER_COST_MAX (DIRECTORY_REGISTER_SIZE_MAX + sizeof(struct directory__registration))
#define KEY_COST_MAX (2 * 256 + 8) /* two buckets, and its share of a table */
#define PRINCIPAL_COST_MAX (DIRECTORY_SCOPE_SIZE_MAX + sizeof(struct directory__principal))

int
chek_directory_create(uint32_t page_count_max, struct chek_directory **ret)
{
    struct chek_directory *directory = chek_memory_allocate(sizeof *directory);
    if (directory == NULL) {
        return -ENOMEM;
    }
    int error = chek_arena_init(&directory->scratch, DIRECTORY_SCRATCH_SIZE);
    if (error != CHEK_OK) {
        chek_memory_free(directory, sizeof *directory);
        return error;
    }
    error = chek_page_heap_init(&directory->heap, page_count_max, sizeof(struct directory__root));
    if (error != CHEK_OK) {
        chek_arena_finish(&directory->scratch);
        chek_memory_free(directory, sizeof *directory);
        return error;
    }
    *ret = directory;
    return CHEK_OK;
}

void
chek_directory_destroy(struct chek_directory *directory)
{
    if (directory == NULL) {
        return;
    }
    chek_page_heap_finish(&directory->heap);
    chek_arena_finish(&directory->scratch);
    chek_memory_free(directory, sizeof *directory);
}

int
chek_directory_load(uint32_t page_count_max, struct chek_bytes_view pages,
                    struct chek_directory **ret)
{
    struct chek_directory *directory = chek_memory_allocate(sizeof *directory);
    if (directory == NULL) {
        return -ENOMEM;
    }
    int error = chek_arena_init(&directory->scratch, DIRECTORY_SCRATCH_SIZE);
    if (error != CHEK_OK) {
        chek_memory_free(directory, sizeof *directory);
        return error;
    }
    error = chek_page_heap_load(&directory->heap, page_count_max, pages);
    if (error == CHEK_OK && !directory__is_valid(directory)) {
        chek_page_heap_finish(&directory->heap);
        error = CHEK_E_CORRUPT;
    }
    if (error != CHEK_OK) {
        chek_arena_finish(&directory->scratch);
        chek_memory_free(directory, sizeof *directory);
        return error;
    }
    *ret = directory;
    return CHEK_OK;
}

struct chek_page_heap *
chek_directory_heap(struct chek_directory *directory)
{
    return &directory->heap;
}

struct chek_bytes_view
chek_directory_pages(const struct chek_directory *directory)
{
    return chek_page_heap_pages(&directory->heap);
}

uint64_t
chek_directory_hash(const struct chek_directory *directory)
{
    return chek_page_heap_hash(&directory->heap);
}

int
chek_directory_ensure(struct chek_directory *directory, size_t body_size)
{
    /* A register that adds a key to one that is known moves its record to a larger class: a whole
     * record for a few bytes. Each key adds a bucket to a chain and divides one. A register with
     * one key costs the most for its bytes. Tables grow seldom: one a thousand buckets, one two
     * thousand numbers, and the tables of tables. */
    size_t register_count = body_size / REGISTER_WIRE_SIZE_MIN + 1;
    size_t size = register_count * (REGISTER_COST_MAX + KEY_COST_MAX) + PRINCIPAL_COST_MAX;
    size += 2 * CHEK_PAGE_MAP_INSERT_SIZE_MAX;
    size += (register_count / DIRECTORY_TABLE_COUNT + 4) * CHEK_PAGE_OBJECT_SIZE_MAX;
    return chek_page_heap_ensure(&directory->heap, size);
}

/* ---- tables of tables ------------------------------------------------------------------------- */

/* The reference with number `id` (from 1); 0 when the table does not reach so far. */
static chek_page_ref
table_read(const struct chek_directory *directory, chek_page_ref top, uint32_t id)
{
    uint32_t index = id - 1;
    if (top == 0 || index / DIRECTORY_TABLE_COUNT >= DIRECTORY_TABLE_COUNT) {
        return 0;
    }
    const chek_page_ref *tables = chek_page_heap_read(&directory->heap, top);
    chek_page_ref table = tables[index / DIRECTORY_TABLE_COUNT];
    if (table == 0) {
        return 0;
    }
    const chek_page_ref *refs = chek_page_heap_read(&directory->heap, table);
    return refs[index % DIRECTORY_TABLE_COUNT];
}

/* An object that apply needs. Room was ensured before logging, so that failing is our bug. */
static chek_page_ref
object_allocate(struct chek_directory *directory, uint32_t size)
{
    chek_page_ref ref = chek_page_heap_allocate(&directory->heap, size);
    CHEK_ASSERT(ref != 0);
    return ref;
}

static void
table_add(struct chek_directory *directory, chek_page_ref *top, uint32_t id, chek_page_ref ref)
{
    uint32_t index = id - 1;
    CHEK_ASSERT(index / DIRECTORY_TABLE_COUNT < DIRECTORY_TABLE_COUNT);
    if (*top == 0) {
        *top = object_allocate(directory, DIRECTORY_TABLE_COUNT * sizeof(chek_page_ref));
    }
    chek_page_ref *tables = chek_page_heap_change(&directory->heap, *top);
    if (tables[index / DIRECTORY_TABLE_COUNT] == 0) {
        tables[index / DIRECTORY_TABLE_COUNT] =
            object_allocate(directory, DIRECTORY_TABLE_COUNT * sizeof(chek_page_ref));
    }
    chek_page_ref *refs =
        chek_page_heap_change(&directory->heap, tables[index / DIRECTORY_TABLE_COUNT]);
    refs[index % DIRECTORY_TABLE_COUNT] = ref;
}

const struct directory__root *
directory__root(const struct chek_directory *directory)
{
    return chek_page_heap_root(&directory->heap);
}

static struct directory__root *
root_change(struct chek_directory *directory)
{
    return chek_page_heap_root_change(&directory->heap);
}

const struct directory__registration *
directory__registration(const struct chek_directory *directory, uint32_t registration)
{
    const struct directory__root *root = directory__root(directory);
    if (registration == 0 || registration > root->registration_count) {
        return NULL;
    }
    return chek_page_heap_read(&directory->heap,
                               table_read(directory, root->registrations, registration));
}

void
chek_directory_prefetch(const struct chek_directory *directory, uint32_t registration)
{
    const void *found = directory__registration(directory, registration);
    if (found != NULL) {
        chek_prefetch(found);
    }
}

const struct directory__principal *
directory__principal(const struct chek_directory *directory, uint32_t principal)
{
    const struct directory__root *root = directory__root(directory);
    if (principal == 0 || principal > root->principal_count) {
        return NULL;
    }
    return chek_page_heap_read(&directory->heap,
                               table_read(directory, root->principals, principal));
}

/* ---- commands --------------------------------------------------------------------------------- */

void
chek_directory_genesis(struct chek_directory *directory, const struct chek_genesis *genesis)
{
    struct directory__root *root = root_change(directory);
    CHEK_ASSERT(root->partition_count == 0);
    root->keys.seed = genesis->map_seed;
    root->partition_count = genesis->partitions;
    memcpy(root->folder_id, genesis->folder, sizeof root->folder_id);
}

void
chek_directory_principal(struct chek_directory *directory,
                         const struct chek_command_principal *what)
{
    struct directory__root *root = root_change(directory);
    const struct chek_principal *given = what->principal;
    CHEK_ASSERT(given->principal == root->principal_count + 1);
    CHEK_ASSERT(what->hash.size == CHEK_TOKEN_HASH_SIZE);

    chek_page_ref ref = object_allocate(directory, sizeof(struct directory__principal));
    struct directory__principal *principal = chek_page_heap_change(&directory->heap, ref);
    principal->number = given->principal;
    principal->rights = (uint8_t)given->rights;
    principal->trusted = given->trusted;
    principal->name_size = (uint8_t)given->name.size;
    memcpy(principal->name, given->name.bytes, given->name.size);
    memcpy(principal->hash, what->hash.bytes, CHEK_TOKEN_HASH_SIZE);
    if (given->scope != NULL) {
        uint8_t bytes[DIRECTORY_SCOPE_SIZE_MAX];
        struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
        chek_scope_encode(&out, given->scope);
        CHEK_ASSERT(!out.full);
        principal->scope = object_allocate(directory, (uint32_t)out.size);
        principal->scope_size = (uint32_t)out.size;
        memcpy(chek_page_heap_change(&directory->heap, principal->scope), bytes, out.size);
    }
    root->principal_count += 1;
    table_add(directory, &root->principals, given->principal, ref);
}

int
chek_directory_revoke(struct chek_directory *directory, uint32_t principal)
{
    if (directory__principal(directory, principal) == NULL) {
        return CHEK_E_NOT_FOUND;
    }
    chek_page_ref ref = table_read(directory, directory__root(directory)->principals, principal);
    struct directory__principal *found = chek_page_heap_change(&directory->heap, ref);
    found->revoked = 1;
    return CHEK_OK;
}

/* Keep `what` as the registration's record, in place of an older one. */
static void
register_keep(struct chek_directory *directory, struct directory__registration *registration,
              const struct chek_register *what)
{
    uint8_t bytes[DIRECTORY_REGISTER_SIZE_MAX];
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    chek_register_encode(&out, what);
    CHEK_ASSERT(!out.full);
    if (registration->what != 0) {
        chek_page_heap_free(&directory->heap, registration->what, registration->what_size);
    }
    registration->what = object_allocate(directory, (uint32_t)out.size);
    registration->what_size = (uint32_t)out.size;
    memcpy(chek_page_heap_change(&directory->heap, registration->what), bytes, out.size);
}

static void
key_add(struct chek_directory *directory, const struct chek_register_key *key,
        uint32_t registration)
{
    struct directory__root *root = root_change(directory);
    int error = chek_page_map_insert(&directory->heap, &root->keys,
                                     directory__key_hash(key->kind, key->value), registration);
    CHEK_ASSERT(error == CHEK_OK);
}

/* A register that nobody claimed for this organisation. */
static uint32_t
registration_add(struct chek_directory *directory, const struct chek_register *what)
{
    struct directory__root *root = root_change(directory);
    uint32_t number = root->registration_count + 1;
    chek_page_ref ref = object_allocate(directory, sizeof(struct directory__registration));
    struct directory__registration *registration = chek_page_heap_change(&directory->heap, ref);

    registration->number = number;
    registration->partition = directory__partition_of(what->organisation, root->partition_count);
    registration->currency = what->currency != 0 ? what->currency : DIRECTORY_CURRENCY_DEFAULT;
    register_keep(directory, registration, what);
    table_add(directory, &root->registrations, number, ref);
    root->registration_count = number;
    for (uint32_t i = 0; i < what->keys_count; i++) {
        key_add(directory, &what->keys[i], number);
    }
    return number;
}

/* What was known, with what the new claim adds: keys it did not have, texts it now gives. */
static void
registration_merge(struct chek_directory *directory, uint32_t number,
                   const struct chek_register *what)
{
    chek_page_ref ref = table_read(directory, directory__root(directory)->registrations, number);
    struct directory__registration *registration = chek_page_heap_change(&directory->heap, ref);
    struct chek_register_key keys[CHEK_REGISTER_KEY_COUNT_MAX];
    struct chek_register merged;

    chek_arena_reset(&directory->scratch);
    directory__register_decode(directory, registration, &directory->scratch, &merged);
    /* The old texts lie in the object that register_keep() frees: encode reads them before. */
    uint32_t count = merged.keys_count;
    memcpy(keys, merged.keys, count * sizeof *keys);
    for (uint32_t i = 0; i < what->keys_count; i++) {
        if (!directory__has_key(&merged, what->keys[i].kind, what->keys[i].value)) {
            CHEK_ASSERT(count < CHEK_REGISTER_KEY_COUNT_MAX); /* directory__keys_fit() */
            keys[count++] = what->keys[i];
            key_add(directory, &what->keys[i], number);
        }
    }
    merged.keys = keys;
    merged.keys_count = count;
    directory__text_merge(&merged.organisation_name, what->organisation_name);
    directory__text_merge(&merged.point, what->point);
    directory__text_merge(&merged.point_name, what->point_name);
    directory__text_merge(&merged.address, what->address);
    directory__text_merge(&merged.model, what->model);
    register_keep(directory, registration, &merged);
}

void
chek_directory_claim(struct chek_directory *directory, const struct chek_register *what,
                     struct chek_claimed *ret)
{
    uint32_t number = 0;
    bool created = false;
    int error = directory__match(directory, what, &number);

    if (error == CHEK_E_UNREGISTERED) {
        number = registration_add(directory, what);
        created = true;
        error = CHEK_OK;
    } else if (error == CHEK_OK && !directory__keys_fit(directory, number, what)) {
        error = CHEK_E_LIMIT;
    } else if (error == CHEK_OK) {
        registration_merge(directory, number, what);
    }
    *ret = (struct chek_claimed){.created = created, .error = error};
    if (error == CHEK_OK) {
        ret->registration = number;
        ret->partition = directory__registration(directory, number)->partition;
    }
}

uint16_t
chek_directory_partition_of(const struct chek_directory *directory,
                            struct chek_bytes_view organisation)
{
    return directory__partition_of(organisation, directory__root(directory)->partition_count);
}

uint32_t
chek_directory_principal_next(const struct chek_directory *directory)
{
    return directory__root(directory)->principal_count + 1;
}

uint32_t
chek_directory_find_principal(const struct chek_directory *directory, struct chek_bytes_view name,
                              uint32_t *ret)
{
    uint32_t principal_count = directory__root(directory)->principal_count;
    uint32_t count = 0;
    for (uint32_t i = 1; i <= principal_count; i++) {
        const struct directory__principal *principal = directory__principal(directory, i);
        if (principal->revoked == 0 &&
            chek_bytes_view_equal(chek_bytes_view_of(principal->name, principal->name_size),
                                  name)) {
            if (count == 0) {
                *ret = i;
            }
            count += 1;
        }
    }
    return count;
}
