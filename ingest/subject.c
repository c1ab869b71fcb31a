/* SPDX-License-Identifier: MIT */
#include "ingest/subject.h"

#include <sodium.h>
#include <string.h>

#include "engine/base/assertion.h"

static bool
is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

static size_t
normalise_email(struct chek_bytes_view value, uint8_t *ret)
{
    size_t size = 0;
    for (size_t i = 0; i < value.size; i++) {
        uint8_t byte = value.bytes[i];
        if (byte > ' ') {
            ret[size++] = byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte + 32) : byte;
        }
    }
    return size;
}

static size_t
normalise_phone(struct chek_bytes_view value, uint8_t *ret)
{
    size_t size = 0;
    ret[size++] = '+';
    for (size_t i = 0; i < value.size; i++) {
        if (is_digit(value.bytes[i])) {
            ret[size++] = value.bytes[i];
        }
    }
    if (size == 12 && ret[1] == '8') {
        ret[1] = '7';
    } else if (size == 11) { /* ten digits: the country code was left out */
        memmove(ret + 2, ret + 1, 10);
        ret[1] = '7';
        size = 12;
    }
    return size;
}

static size_t
normalise_tin(struct chek_bytes_view value, uint8_t *ret)
{
    size_t size = 0;
    for (size_t i = 0; i < value.size; i++) {
        if (is_digit(value.bytes[i])) {
            ret[size++] = value.bytes[i];
        }
    }
    if (size == 12 && ret[0] == '0' && ret[1] == '0') {
        size -= 2;
        memmove(ret, ret + 2, size);
    }
    return size;
}

static size_t
normalise_name(struct chek_bytes_view value, uint8_t *ret)
{
    size_t size = 0;
    for (size_t i = 0; i < value.size; i++) {
        uint8_t byte = value.bytes[i] > ' ' ? value.bytes[i] : ' ';
        if (byte != ' ' || (size != 0 && ret[size - 1] != ' ')) {
            ret[size++] = byte;
        }
    }
    return size != 0 && ret[size - 1] == ' ' ? size - 1 : size;
}

size_t
chek_subject_normalise(uint8_t kind, struct chek_bytes_view value,
                       uint8_t ret[CHEK_SUBJECT_VALUE_SIZE_MAX + 1])
{
    CHEK_ASSERT(value.size <= CHEK_SUBJECT_VALUE_SIZE_MAX);
    if (kind == CHEK_PERSON_KIND_TIN) {
        return normalise_tin(value, ret);
    }
    if (kind == CHEK_PERSON_KIND_NAME) {
        return normalise_name(value, ret);
    }
    CHEK_ASSERT(kind == CHEK_PERSON_KIND_CONTACT);
    if (value.size != 0 && memchr(value.bytes, '@', value.size) != NULL) {
        return normalise_email(value, ret);
    }
    return normalise_phone(value, ret);
}

void
chek_subject_id(const struct chek_subject_key *key, struct chek_bytes_view organisation,
                uint8_t kind, struct chek_bytes_view value, uint8_t ret[CHEK_SUBJECT_SIZE])
{
    uint8_t normal[CHEK_SUBJECT_VALUE_SIZE_MAX + 1];
    uint8_t size[4];
    crypto_generichash_state state;
    size_t normal_size = chek_subject_normalise(kind, value, normal);

    chek_store_u32(size, (uint32_t)organisation.size);
    int failed = crypto_generichash_init(&state, key->hash, sizeof key->hash, CHEK_SUBJECT_SIZE);
    CHEK_ASSERT(failed == 0);
    crypto_generichash_update(&state, size, sizeof size);
    crypto_generichash_update(&state, organisation.bytes, organisation.size);
    crypto_generichash_update(&state, &kind, sizeof kind);
    crypto_generichash_update(&state, normal, normal_size);
    crypto_generichash_final(&state, ret, CHEK_SUBJECT_SIZE);
    sodium_memzero(normal, sizeof normal);
}

int
chek_subject_of(const struct chek_subject_key *key, struct chek_bytes_view organisation,
                uint8_t kind, struct chek_bytes_view value, uint8_t ret[CHEK_SUBJECT_SIZE])
{
    uint8_t normal[CHEK_SUBJECT_VALUE_SIZE_MAX + 1];
    if (kind >= CHEK_PERSON_KIND_COUNT || value.size > CHEK_SUBJECT_VALUE_SIZE_MAX) {
        return CHEK_E_RANGE;
    }
    size_t size = chek_subject_normalise(kind, value, normal);
    sodium_memzero(normal, sizeof normal);
    if (size <= (kind == CHEK_PERSON_KIND_CONTACT)) { /* a phone's plus is there in any case */
        return CHEK_E_RANGE;
    }
    chek_subject_id(key, organisation, kind, value, ret);
    return CHEK_OK;
}

size_t
chek_subject_seal(const struct chek_subject_key *key, struct chek_bytes_view value,
                  const uint8_t nonce[CHEK_SUBJECT_NONCE_SIZE],
                  uint8_t ret[CHEK_SUBJECT_SECRET_SIZE_MAX])
{
    _Static_assert(CHEK_SUBJECT_NONCE_SIZE == crypto_secretbox_NONCEBYTES, "nonce");
    _Static_assert(16 == crypto_secretbox_MACBYTES, "sum");
    CHEK_ASSERT(value.size <= CHEK_SUBJECT_VALUE_SIZE_MAX);
    memcpy(ret, nonce, CHEK_SUBJECT_NONCE_SIZE);
    int failed = crypto_secretbox_easy(ret + CHEK_SUBJECT_NONCE_SIZE, value.bytes, value.size,
                                       nonce, key->secret);
    CHEK_ASSERT(failed == 0);
    return CHEK_SUBJECT_NONCE_SIZE + 16 + value.size;
}

int
chek_subject_open(const struct chek_subject_key *key, struct chek_bytes_view secret,
                  uint8_t ret[CHEK_SUBJECT_VALUE_SIZE_MAX], size_t *ret_size)
{
    if (secret.size < CHEK_SUBJECT_NONCE_SIZE + 16 || secret.size > CHEK_SUBJECT_SECRET_SIZE_MAX ||
        crypto_secretbox_open_easy(ret, secret.bytes + CHEK_SUBJECT_NONCE_SIZE,
                                   secret.size - CHEK_SUBJECT_NONCE_SIZE, secret.bytes,
                                   key->secret) != 0) {
        return CHEK_E_CORRUPT;
    }
    *ret_size = secret.size - CHEK_SUBJECT_NONCE_SIZE - 16;
    return CHEK_OK;
}

int
chek_subject_open_of(const struct chek_subject_key *key, struct chek_bytes_view organisation,
                     const uint8_t subject[CHEK_SUBJECT_SIZE], struct chek_bytes_view secret,
                     uint8_t ret[CHEK_SUBJECT_VALUE_SIZE_MAX], size_t *ret_size, uint8_t *ret_kind)
{
    uint8_t id[CHEK_SUBJECT_SIZE];
    size_t size;
    int error = chek_subject_open(key, secret, ret, &size);
    if (error != CHEK_OK) {
        return error;
    }
    for (uint8_t kind = 0; kind < CHEK_PERSON_KIND_COUNT; kind++) {
        chek_subject_id(key, organisation, kind, chek_bytes_view_of(ret, size), id);
        if (memcmp(id, subject, sizeof id) == 0) {
            *ret_size = size;
            *ret_kind = kind;
            return CHEK_OK;
        }
    }
    sodium_memzero(ret, size);
    return CHEK_E_NOT_FOUND;
}

/* ---- of a document ---------------------------------------------------------------------------- */

struct taking {
    const struct chek_subject_key *key;
    struct chek_io *io;
    struct chek_bytes_view organisation;
    struct chek_writer *out;
};

static struct chek_subject
value_take(const struct taking *from, uint8_t kind, struct chek_bytes_view value)
{
    uint8_t nonce[CHEK_SUBJECT_NONCE_SIZE];
    uint8_t secret[CHEK_SUBJECT_SECRET_SIZE_MAX];
    struct chek_command_subject command = {0};
    struct chek_subject ret;
    chek_subject_id(from->key, from->organisation, kind, value, ret.id);
    chek_io_random(from->io, nonce, sizeof nonce);
    command.secret = chek_bytes_view_of(secret, chek_subject_seal(from->key, value, nonce, secret));
    memcpy(command.subject, ret.id, sizeof command.subject);
    size_t begin = from->out->size;
    chek_command_subject_encode(from->out, &command);
    ret.body = from->out->full
                   ? (struct chek_bytes_view){0}
                   : chek_bytes_view_of(from->out->bytes + begin, from->out->size - begin);
    return ret;
}

uint32_t
chek_subjects_take(const struct chek_subject_key *key, struct chek_io *io,
                   struct chek_bytes_view organisation, struct chek_receipt *receipt,
                   struct chek_person persons[CHEK_PERSON_COUNT_MAX], struct chek_writer *out,
                   struct chek_subject ret[CHEK_SUBJECT_COUNT_MAX])
{
    struct taking from = {key, io, organisation, out};
    uint32_t count = 0;
    CHEK_ASSERT(receipt->persons_count <= CHEK_PERSON_COUNT_MAX);
    if (receipt->buyer.size != 0) {
        ret[count] = value_take(&from, CHEK_PERSON_KIND_CONTACT, receipt->buyer);
        memcpy(receipt->subject, ret[count++].id, CHEK_SUBJECT_SIZE);
        receipt->buyer = (struct chek_bytes_view){0};
    }
    for (uint32_t i = 0; i < receipt->persons_count; i++) {
        persons[i] = receipt->persons[i];
        ret[count] = value_take(&from, persons[i].kind, persons[i].value);
        memcpy(persons[i].subject, ret[count++].id, CHEK_SUBJECT_SIZE);
        persons[i].value = (struct chek_bytes_view){0};
    }
    receipt->persons = receipt->persons_count != 0 ? persons : NULL;
    return count;
}
