/* SPDX-License-Identifier: MIT */
/*
 * directory_check.c - whether loaded pages are a directory.
 *
 * The heap has vouched for its own objects. Here every reference is asked of it before it is
 * followed, every record is decoded, and every key is looked up where a claim will look for it.
 */
#include "engine/directory/home.h"

static bool
zero_is_zero(const uint8_t *bytes, size_t size)
{
    uint8_t rest = 0;
    for (size_t i = 0; i < size; i++) {
        rest |= bytes[i];
    }
    return rest == 0;
}

/* Whether the tables under `top` reach `count` numbers, and no further. */
static bool
tables_are_sound(const struct chek_page_heap *heap, chek_page_ref top, uint32_t count)
{
    const uint32_t size = DIRECTORY_TABLE_COUNT * sizeof(chek_page_ref);
    uint32_t table_count =
        (uint32_t)(((uint64_t)count + DIRECTORY_TABLE_COUNT - 1) / DIRECTORY_TABLE_COUNT);

    if (count == 0 || table_count > DIRECTORY_TABLE_COUNT) {
        return count == 0 && top == 0;
    }
    if (!chek_page_heap_holds(heap, top, size)) {
        return false;
    }
    const chek_page_ref *tables = chek_page_heap_read(heap, top);
    for (uint32_t i = 0; i < DIRECTORY_TABLE_COUNT; i++) {
        bool is_sound =
            i < table_count ? chek_page_heap_holds(heap, tables[i], size) : tables[i] == 0;
        if (!is_sound) {
            return false;
        }
    }
    return true;
}

/* The object with number `id` under sound tables; NULL when it is none of that size. */
static const void *
object_at(const struct chek_page_heap *heap, chek_page_ref top, uint32_t id, uint32_t size)
{
    uint32_t index = id - 1;
    const chek_page_ref *tables = chek_page_heap_read(heap, top);
    const chek_page_ref *refs = chek_page_heap_read(heap, tables[index / DIRECTORY_TABLE_COUNT]);
    chek_page_ref ref = refs[index % DIRECTORY_TABLE_COUNT];
    return chek_page_heap_holds(heap, ref, size) ? chek_page_heap_read(heap, ref) : NULL;
}

static bool
bytes_are_held(const struct chek_page_heap *heap, chek_page_ref ref, uint32_t size,
               uint32_t size_max)
{
    return size > 0 && size <= size_max && chek_page_heap_holds(heap, ref, size);
}

static bool
key_is_mapped(const struct chek_directory *directory, const struct chek_register_key *key,
              uint32_t registration)
{
    struct chek_page_map_walk walk;
    uint32_t found;
    bool more = chek_page_map_find(&directory->heap, &directory__root(directory)->keys,
                                   directory__key_hash(key->kind, key->value), &found, &walk);
    while (more && found != registration) {
        more = chek_page_map_next(&directory->heap, &walk, &found);
    }
    return more;
}

/* Returns how many keys the registration has; 0 when it is not sound. */
static uint32_t
registration_check(struct chek_directory *directory, uint32_t id)
{
    const struct directory__root *root = directory__root(directory);
    const struct directory__registration *found =
        object_at(&directory->heap, root->registrations, id, sizeof *found);
    struct chek_register what;
    struct chek_fault fault;

    if (found == NULL || found->number != id || found->partition == 0 ||
        found->partition > root->partition_count ||
        !zero_is_zero(found->zero, sizeof found->zero) ||
        !bytes_are_held(&directory->heap, found->what, found->what_size,
                        DIRECTORY_REGISTER_SIZE_MAX)) {
        return 0;
    }
    chek_arena_reset(&directory->scratch);
    if (chek_register_decode_whole(chek_page_heap_read(&directory->heap, found->what),
                                   found->what_size, &directory->scratch, &what,
                                   &fault) != CHEK_OK) {
        return 0;
    }
    for (uint32_t i = 0; i < what.keys_count; i++) {
        if (!key_is_mapped(directory, &what.keys[i], id)) {
            return 0;
        }
    }
    return what.keys_count;
}

static bool
principal_is_sound(struct chek_directory *directory, uint32_t id)
{
    const struct directory__principal *found =
        object_at(&directory->heap, directory__root(directory)->principals, id, sizeof *found);
    struct chek_scope scope;
    struct chek_fault fault;

    if (found == NULL || found->number != id || found->rights >= 1u << CHEK_RIGHT_COUNT ||
        found->trusted > 1 || found->revoked > 1 || found->name_size > sizeof found->name ||
        !zero_is_zero(found->zero, sizeof found->zero)) {
        return false;
    }
    if (found->scope == 0) {
        return found->scope_size == 0;
    }
    chek_arena_reset(&directory->scratch);
    return bytes_are_held(&directory->heap, found->scope, found->scope_size,
                          DIRECTORY_SCOPE_SIZE_MAX) &&
           chek_scope_decode_whole(chek_page_heap_read(&directory->heap, found->scope),
                                   found->scope_size, &directory->scratch, &scope,
                                   &fault) == CHEK_OK;
}

bool
directory__is_valid(struct chek_directory *directory)
{
    const struct chek_page_heap *heap = &directory->heap;
    if (chek_page_heap_root_size(heap) != sizeof(struct directory__root)) {
        return false;
    }
    const struct directory__root *root = directory__root(directory);
    uint64_t key_count = 0;
    if (!zero_is_zero(root->zero, sizeof root->zero) ||
        !chek_page_map_is_valid(heap, &root->keys) ||
        !tables_are_sound(heap, root->registrations, root->registration_count) ||
        !tables_are_sound(heap, root->principals, root->principal_count)) {
        return false;
    }
    for (uint32_t id = 1; id <= root->registration_count; id++) {
        uint32_t count = registration_check(directory, id);
        if (count == 0) {
            return false;
        }
        key_count += count;
    }
    for (uint32_t id = 1; id <= root->principal_count; id++) {
        if (!principal_is_sound(directory, id)) {
            return false;
        }
    }
    return key_count == root->keys.count;
}
