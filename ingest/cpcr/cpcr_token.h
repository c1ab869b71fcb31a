/* SPDX-License-Identifier: MIT */
/*
 * cpcr_token.h - the secrets between a register and the engine, made from the data folder's key.
 *
 *   Source   libsodium: crypto_generichash (BLAKE2b)
 *   Rules    ingest/CPCR.md R20..R29, R80
 *   Threads  any; the key is read-only
 */
#ifndef CHEK_INGEST_CPCR_TOKEN_H
#define CHEK_INGEST_CPCR_TOKEN_H

#include "engine/partition/device.h"
#include "engine/partition/operator.h"
#include "ingest/subject.h"

/* The token that a device has; never 0. */
uint32_t chek_cpcr_token(const struct chek_subject_key *key, const struct chek_device_token *which);

/* The mask with which the first token after so many resets is `token`. */
uint32_t chek_cpcr_token_mask(const struct chek_subject_key *key, uint32_t device, uint32_t resets,
                              uint32_t token);

/*
 * What is kept of an operator's password: a hash of it and of whose it is (R31). `registration` is 0
 * for an operator of the whole organisation.
 */
void chek_cpcr_password(const struct chek_subject_key *key, struct chek_bytes_view organisation,
                        uint32_t registration, struct chek_bytes_view login,
                        struct chek_bytes_view password, uint8_t ret[CHEK_OPERATOR_HASH_SIZE]);

/*
 * The fiscal sign of a registration's nth document, n from 0: ten digits, another for each n below
 * 2^32, and not to be guessed from others.
 */
uint64_t chek_cpcr_sign(const struct chek_subject_key *key, uint32_t registration, uint64_t n);

#endif
