/* SPDX-License-Identifier: MIT */
/*
 * subject.h - personal values leave the stream of data before it is logged.
 *
 * A phone, an e-mail, a taxpayer's number, a name becomes a subject id: a keyed hash of
 * (organisation, kind, normalised value), so that the same person is the same subject within an organisation and nothing outside of
 * it. The value itself is encrypted under the data folder's key and kept once in the partition's
 * subject table; columns, events and the log hold the id and the cipher text only.
 *
 *   Source   libsodium: crypto_generichash (BLAKE2b), crypto_secretbox (XSalsa20-Poly1305)
 *   Threads  any; the key is read-only
 */
#ifndef CHEK_INGEST_SUBJECT_H
#define CHEK_INGEST_SUBJECT_H

#include "engine/base/bytes.h"
#include "engine/base/error.h"
#include "engine/base/limits.h"
#include "engine/io/io.h"
#include "engine/wire/protocol.h"

#define CHEK_SUBJECT_SIZE 16
#define CHEK_SUBJECT_NONCE_SIZE 24
#define CHEK_SUBJECT_VALUE_SIZE_MAX 255
#define CHEK_SUBJECT_SECRET_SIZE_MAX (CHEK_SUBJECT_NONCE_SIZE + 16 + CHEK_SUBJECT_VALUE_SIZE_MAX)

/* The data folder's key (DIR/secret.key): 64 bytes, never in log, snapshot or backup. */
struct chek_subject_key {
    uint8_t hash[32];
    uint8_t secret[32];
};

/*
 * Normalise a value by its kind (enum chek_person_kind). A contact that is an e-mail is trimmed and
 * its ASCII letters made small; a phone keeps its digits and gets a leading +, the Russian and
 * Kazakh 8 becoming +7. A taxpayer's number keeps its digits; of 12 digits that begin with two
 * zeros, as registers pad ten, these go. Of a name blanks at the ends go, and those inside are one.
 *
 *   Returns    the size written into `ret`
 */
size_t chek_subject_normalise(uint8_t kind, struct chek_bytes_view value,
                              uint8_t ret[CHEK_SUBJECT_VALUE_SIZE_MAX + 1]);

/* The subject id of a value in an organisation. `value` is normalised here. */
void chek_subject_id(const struct chek_subject_key *key, struct chek_bytes_view organisation,
                     uint8_t kind, struct chek_bytes_view value, uint8_t ret[CHEK_SUBJECT_SIZE]);

/*
 * The same, of a value that somebody asks by.
 *
 *   Errors     RANGE: a kind that is none, or nothing is left of the value; *ret is unchanged
 */
CHEK_MUST_USE int chek_subject_of(const struct chek_subject_key *key,
                                  struct chek_bytes_view organisation, uint8_t kind,
                                  struct chek_bytes_view value, uint8_t ret[CHEK_SUBJECT_SIZE]);

/* Encrypt a value as given; returns the size. `nonce` is random. */
size_t chek_subject_seal(const struct chek_subject_key *key, struct chek_bytes_view value,
                         const uint8_t nonce[CHEK_SUBJECT_NONCE_SIZE],
                         uint8_t ret[CHEK_SUBJECT_SECRET_SIZE_MAX]);

/*
 * Decrypt. Errors: CORRUPT when it was not made with this key; *ret_size is unchanged.
 */
CHEK_MUST_USE int chek_subject_open(const struct chek_subject_key *key,
                                    struct chek_bytes_view secret,
                                    uint8_t ret[CHEK_SUBJECT_VALUE_SIZE_MAX], size_t *ret_size);

/*
 * Decrypt the value of a subject that is said to be of an organisation.
 *
 *   Errors     CORRUPT as above; NOT_FOUND the subject is another organisation's, or another value's;
 *              *ret_kind and *ret_size are unchanged
 */
CHEK_MUST_USE int chek_subject_open_of(const struct chek_subject_key *key,
                                       struct chek_bytes_view organisation,
                                       const uint8_t subject[CHEK_SUBJECT_SIZE],
                                       struct chek_bytes_view secret,
                                       uint8_t ret[CHEK_SUBJECT_VALUE_SIZE_MAX], size_t *ret_size,
                                       uint8_t *ret_kind);

/* A receipt names its buyer and so many more. */
#define CHEK_SUBJECT_COUNT_MAX (1 + CHEK_PERSON_COUNT_MAX)

/* A value that was taken out of a document. */
struct chek_subject {
    uint8_t id[CHEK_SUBJECT_SIZE];
    struct chek_bytes_view body; /* an encoded command_subject, to be logged before the document */
};

/*
 * Take the personal values out of a receipt: subjects stand in their place, and the values are
 * encrypted, with nonces of `io`.
 *
 *   Ownership  `persons` is what receipt->persons refers to afterwards; the bodies are in `out`
 *   Returns    how many there were; *out is full when there was no room for all
 */
uint32_t chek_subjects_take(const struct chek_subject_key *key, struct chek_io *io,
                            struct chek_bytes_view organisation, struct chek_receipt *receipt,
                            struct chek_person persons[CHEK_PERSON_COUNT_MAX],
                            struct chek_writer *out,
                            struct chek_subject ret[CHEK_SUBJECT_COUNT_MAX]);

#endif
