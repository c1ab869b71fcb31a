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

size_t
chek_subject_normalise(struct chek_bytes_view value, uint8_t ret[CHEK_SUBJECT_VALUE_SIZE_MAX + 1])
{
    CHEK_ASSERT(value.size <= CHEK_SUBJECT_VALUE_SIZE_MAX);
    if (value.size != 0 && memchr(value.bytes, '@', value.size) != NULL) {
        return normalise_email(value, ret);
    }
    return normalise_phone(value, ret);
}

void
chek_subject_id(const struct chek_subject_key *key, struct chek_bytes_view organisation,
                struct chek_bytes_view value, uint8_t ret[CHEK_SUBJECT_SIZE])
{
    uint8_t normal[CHEK_SUBJECT_VALUE_SIZE_MAX + 1];
    uint8_t size[4];
    crypto_generichash_state state;
    size_t normal_size = chek_subject_normalise(value, normal);

    chek_store_u32(size, (uint32_t)organisation.size);
    int failed = crypto_generichash_init(&state, key->hash, sizeof key->hash, CHEK_SUBJECT_SIZE);
    CHEK_ASSERT(failed == 0);
    crypto_generichash_update(&state, size, sizeof size);
    crypto_generichash_update(&state, organisation.bytes, organisation.size);
    crypto_generichash_update(&state, normal, normal_size);
    crypto_generichash_final(&state, ret, CHEK_SUBJECT_SIZE);
    sodium_memzero(normal, sizeof normal);
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
