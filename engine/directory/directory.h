/* SPDX-License-Identifier: MIT */
/*
 * directory.h - who may come in, and where a register's home is.
 *
 * The state machine of partition 0: principals with their tokens, rights and scopes, and keys of
 * registers -> registrations -> partitions. A register is claimed here before its first document is
 * logged, in the partition of its organisation, and stays there for ever; the same register under
 * another organisation is another registration. Every shard keeps a copy that applies the same
 * commands in the same order; a change is confirmed when every copy has it.
 *
 *   Threads  each copy belongs to one shard
 */
#ifndef CHEK_DIRECTORY_DIRECTORY_H
#define CHEK_DIRECTORY_DIRECTORY_H

#include "engine/base/arena.h"
#include "engine/base/page_heap.h"
#include "engine/wire/protocol.h"

struct chek_directory;

#define CHEK_TOKEN_SECRET_SIZE 32          /* random bytes of a token's secret half */
#define CHEK_TOKEN_HASH_SIZE 32            /* BLAKE2b-256 of the secret */
#define CHEK_TOKEN_TEXT_MAX 80             /* "<principal>.<64 hex digits>" and NUL */
#define CHEK_DIRECTORY_SCOPE_SIZE_MAX 8000 /* bytes of a principal's encoded scope */

/* A registration as the directory knows it. */
struct chek_home {
    uint32_t registration;
    uint16_t partition;
    uint16_t currency;
};

/* One register of a claim. */
struct chek_claimed {
    uint32_t registration; /* 0 when refused */
    uint16_t partition;
    bool created;
    int error; /* CHEK_OK; EXISTS: a key names another register of the same organisation; LIMIT:
                  it would have more than CHEK_REGISTER_KEY_COUNT_MAX keys; nothing changes then */
};

CHEK_MUST_USE int chek_directory_create(uint32_t page_count_max, struct chek_directory **ret);
void chek_directory_destroy(struct chek_directory *directory); /* takes NULL */

/* Reserve the worst case of a command of this size. Errors: FULL, -ENOMEM. */
CHEK_MUST_USE int chek_directory_ensure(struct chek_directory *directory, size_t body_size);

/* ---- commands, applied in order ------------------------------------------------------------- */

void chek_directory_genesis(struct chek_directory *directory, const struct chek_genesis *genesis);

/* Add a principal; the number is the next (asserted: what the command carries is it). */
void chek_directory_principal(struct chek_directory *directory,
                              const struct chek_command_principal *what);

/* Revoke for ever. NOT_FOUND leaves all as it was. */
CHEK_MUST_USE int chek_directory_revoke(struct chek_directory *directory, uint32_t principal);

/*
 * Claim a register: an existing registration of the same organisation that has one of the keys
 * (new keys and names are added to it), or a new one in the partition of its organisation. One
 * that is known with another fiscal drive is not it: documents are numbered within a drive.
 */
void chek_directory_claim(struct chek_directory *directory, const struct chek_register *what,
                          struct chek_claimed *ret);

/* Number that the next principal will get. */
uint32_t chek_directory_principal_next(const struct chek_directory *directory);

/* ---- asking ----------------------------------------------------------------------------------- */

/*
 * Which principal is this token? Unknown id, wrong secret and revoked cost the same and give the
 * same answer.
 *
 *   Errors     AUTHENTICATION; *ret is unchanged
 */
CHEK_MUST_USE int chek_directory_authenticate(const struct chek_directory *directory,
                                              struct chek_bytes_view token, uint32_t *ret);

/* Whether the principal exists, is not revoked and has all of `rights` (bits of enum right). */
bool chek_directory_may(const struct chek_directory *directory, uint32_t principal,
                        uint32_t rights);
bool chek_directory_is_trusted(const struct chek_directory *directory, uint32_t principal);

/* Whether the principal's scope has no bounds, and whether it contains a registration. */
bool chek_directory_is_unbounded(const struct chek_directory *directory, uint32_t principal);
bool chek_directory_sees(const struct chek_directory *directory, uint32_t principal,
                         uint32_t registration);

/* The same of a register that is not claimed yet. */
bool chek_directory_sees_register(const struct chek_directory *directory, uint32_t principal,
                                  const struct chek_register *what);

/* Start loading what chek_directory_home() will read; any number will do. */
void chek_directory_prefetch(const struct chek_directory *directory, uint32_t registration);

/* Where a registration lives. Cost: one indexed load. Errors: UNREGISTERED. */
CHEK_MUST_USE int chek_directory_home(const struct chek_directory *directory, uint32_t registration,
                                      struct chek_home *ret);

/*
 * Resolve a key (`kind` of enum key_kind, or -1 for any) among what the principal sees.
 *
 *   Returns    how many fit; the newest `count_max` of them in `ret`, newest first
 */
uint32_t chek_directory_find(const struct chek_directory *directory, uint32_t principal, int kind,
                             struct chek_bytes_view value, uint32_t *ret, uint32_t count_max);

/*
 * The newest registration that has a key, whoever asks: for registers themselves, which show what
 * they are by other means.
 *
 *   Errors     NOT_FOUND; *ret is unchanged
 */
CHEK_MUST_USE int chek_directory_find_key(const struct chek_directory *directory, uint8_t kind,
                                          struct chek_bytes_view value, uint32_t *ret);

/* Whether a claim of this register would succeed now. Errors: EXISTS, LIMIT, as in chek_claimed. */
CHEK_MUST_USE int chek_directory_claim_check(const struct chek_directory *directory,
                                             const struct chek_register *what);

/*
 * The registration that has one of the keys of this register, and so is it; others that it would
 * bring do not matter. UNREGISTERED, EXISTS as in chek_claimed.
 */
CHEK_MUST_USE int chek_directory_find_register(const struct chek_directory *directory,
                                               const struct chek_register *what, uint32_t *ret);

/* The partition that all registers of an organisation live in, known or not. */
uint16_t chek_directory_partition_of(const struct chek_directory *directory,
                                     struct chek_bytes_view organisation);

/* All that is known of a registration; in `arena`. Errors: UNREGISTERED, LIMIT. */
CHEK_MUST_USE int chek_directory_registered(const struct chek_directory *directory,
                                            uint32_t registration, struct chek_arena *arena,
                                            struct chek_registered *ret);
/*
 * Principals of this name that are not revoked: how many, and the first in `ret`. A name is one
 * principal's since names that are taken are refused; folders from before may have more.
 *
 *   Cost       walks all principals
 */
uint32_t chek_directory_find_principal(const struct chek_directory *directory,
                                       struct chek_bytes_view name, uint32_t *ret);
/* A principal without its secret; NOT_FOUND, LIMIT. */
CHEK_MUST_USE int chek_directory_principal_read(const struct chek_directory *directory,
                                                uint32_t principal, struct chek_arena *arena,
                                                struct chek_principal *ret);

uint32_t chek_directory_registration_count(const struct chek_directory *directory); /* ids 1..n */
uint32_t chek_directory_principal_count(const struct chek_directory *directory);    /* 1..n */
uint16_t chek_directory_partition_count(const struct chek_directory *directory);
void chek_directory_folder_id(const struct chek_directory *directory, uint64_t ret[2]);

/* ---- tokens ----------------------------------------------------------------------------------- */

/*
 * Text of a token from its principal and secret; hash of the secret as stored.
 *
 *   Threads  sodium_init() was called by the program before
 */
void chek_token_write(uint32_t principal, const uint8_t secret[CHEK_TOKEN_SECRET_SIZE],
                      char ret[CHEK_TOKEN_TEXT_MAX]);
void chek_token_hash(const uint8_t secret[CHEK_TOKEN_SECRET_SIZE],
                     uint8_t ret[CHEK_TOKEN_HASH_SIZE]);

/* ---- images ----------------------------------------------------------------------------------- */

/* The heap itself, to be marked. */
struct chek_page_heap *chek_directory_heap(struct chek_directory *directory);
struct chek_bytes_view chek_directory_pages(const struct chek_directory *directory);
uint64_t chek_directory_hash(const struct chek_directory *directory);
/* Errors: CORRUPT when the pages are not a sound directory; FULL, -ENOMEM. Cost: walks all. */
CHEK_MUST_USE int chek_directory_load(uint32_t page_count_max, struct chek_bytes_view pages,
                                      struct chek_directory **ret);

#endif
