/* SPDX-License-Identifier: MIT */
/*
 * home.h - the directory's pages, shared by the files of this room. (format)
 */
#ifndef CHEK_DIRECTORY_HOME_H
#define CHEK_DIRECTORY_HOME_H

#include <errno.h>

#include "engine/base/page_map.h"
#include "engine/directory/directory.h"

#define DIRECTORY_TABLE_COUNT 2040 /* references in an object of the largest class */
#define DIRECTORY_REGISTER_SIZE_MAX 2048
#define DIRECTORY_SCOPE_SIZE_MAX CHEK_DIRECTORY_SCOPE_SIZE_MAX
#define DIRECTORY_SCRATCH_SIZE (256 * 1024)
#define DIRECTORY_CURRENCY_DEFAULT 398 /* KZT */

struct directory__root {
    struct chek_page_map keys; /* hash of (kind, value) -> registration */
    uint64_t folder_id[2];
    uint32_t registration_count;
    uint32_t principal_count;
    chek_page_ref registrations; /* table of tables of references */
    chek_page_ref principals;
    uint16_t partition_count;
    uint8_t zero[6];
};

struct directory__registration {
    uint32_t number;
    uint16_t partition;
    uint16_t currency;
    chek_page_ref what; /* the encoded record `register` */
    uint32_t what_size;
    uint8_t zero[16];
};

struct directory__principal {
    uint32_t number;
    uint8_t rights;
    uint8_t trusted;
    uint8_t revoked;
    uint8_t name_size;
    uint8_t hash[CHEK_TOKEN_HASH_SIZE];
    uint8_t name[64];
    chek_page_ref scope; /* the encoded record `scope`; 0 = no bounds */
    uint32_t scope_size;
    uint8_t zero[16];
};

struct chek_directory {
    struct chek_page_heap heap;
    struct chek_arena scratch; /* for the length of one call */
};

const struct directory__root *directory__root(const struct chek_directory *directory);
/* NULL when there is no such number. */
const struct directory__registration *directory__registration(
    const struct chek_directory *directory, uint32_t registration);
const struct directory__principal *directory__principal(const struct chek_directory *directory,
                                                        uint32_t principal);

/* Whether the pages are a directory, whatever is in them; walks everything, uses the scratch. */
bool directory__is_valid(struct chek_directory *directory);

/* Hash of a register's key, and the partition of an organisation. (format) */
uint64_t directory__key_hash(uint8_t kind, struct chek_bytes_view value);
uint16_t directory__partition_of(struct chek_bytes_view organisation, uint16_t partition_count);

/* Decode what is known of a registration; our own bytes, so that failing is our bug. */
void directory__register_decode(const struct chek_directory *directory,
                                const struct directory__registration *registration,
                                struct chek_arena *arena, struct chek_register *ret);
bool directory__has_key(const struct chek_register *what, uint8_t kind,
                        struct chek_bytes_view value);
/* Whether a registration has room for the keys of a claim that it does not have yet. */
bool directory__keys_fit(const struct chek_directory *directory, uint32_t registration,
                         const struct chek_register *what);
void directory__text_merge(struct chek_bytes_view *into, struct chek_bytes_view text);

/* The registration of the same organisation that has one of the keys: UNREGISTERED, or EXISTS
 * when the keys lead to two of them. */
CHEK_MUST_USE int directory__match(const struct chek_directory *directory,
                                   const struct chek_register *what, uint32_t *ret);

#endif
