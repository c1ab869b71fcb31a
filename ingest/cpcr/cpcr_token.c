/* SPDX-License-Identifier: MIT */
#include "ingest/cpcr/cpcr_token.h"

#include <sodium.h>

#include "engine/base/assertion.h"

#define TOKEN_WORDS 16 /* a hash of 64 bytes: that all its words are 0 does not happen */
#define SIGN_MIN UINT64_C(1000000000)
#define SIGN_ROUNDS 6

/* What a hash is of, so that one never is another. */
enum purpose { PURPOSE_TOKEN = 1, PURPOSE_SIGN = 2, PURPOSE_PASSWORD = 3 };

static void
hash_make(const struct chek_subject_key *key, uint8_t purpose, uint32_t device, uint32_t resets,
          uint64_t count, uint8_t ret[TOKEN_WORDS * 4])
{
    uint8_t input[4 + 1 + 4 + 4 + 8] = "cpcr";
    input[4] = purpose;
    chek_store_u32(input + 5, device);
    chek_store_u32(input + 9, resets);
    chek_store_u64(input + 13, count);
    int failed = crypto_generichash(ret, (size_t)TOKEN_WORDS * 4, input, sizeof input, key->hash,
                                    sizeof key->hash);
    CHEK_ASSERT(failed == 0);
}

static uint32_t
token_unmasked(const struct chek_subject_key *key, uint32_t device, uint32_t resets, uint64_t count)
{
    uint8_t hash[TOKEN_WORDS * 4];
    uint32_t token = 0;
    hash_make(key, PURPOSE_TOKEN, device, resets, count, hash);
    for (size_t i = 0; i < sizeof hash && token == 0; i += 4) {
        token = chek_load_u32(hash + i);
    }
    sodium_memzero(hash, sizeof hash);
    CHEK_ASSERT(token != 0);
    return token;
}

uint32_t
chek_cpcr_token(const struct chek_subject_key *key, const struct chek_device_token *which)
{
    return token_unmasked(key, which->device, which->resets, which->count) ^ which->mask;
}

uint32_t
chek_cpcr_token_mask(const struct chek_subject_key *key, uint32_t device, uint32_t resets,
                     uint32_t token)
{
    CHEK_ASSERT(token != 0);
    return token_unmasked(key, device, resets, 0) ^ token;
}

/* A mix of 16 bits and a round's key: what a half is changed by. */
static uint32_t
round_mix(uint32_t half, uint32_t round_key)
{
    uint32_t mixed = (half ^ round_key) * UINT32_C(0x9e3779b1);
    mixed = (mixed ^ mixed >> 15) * UINT32_C(0x85ebca77) + round_key;
    return (mixed ^ mixed >> 13) & 0xffff;
}

uint64_t
chek_cpcr_sign(const struct chek_subject_key *key, uint32_t registration, uint64_t n)
{
    uint8_t keys[TOKEN_WORDS * 4];
    /* A Feistel network over the two halves of n: whatever the mix is, no two n meet. */
    uint32_t left = (uint32_t)n >> 16;
    uint32_t right = (uint32_t)n & 0xffff;
    hash_make(key, PURPOSE_SIGN, registration, 0, 0, keys);
    for (uint32_t i = 0; i < SIGN_ROUNDS; i++) {
        uint32_t next = left ^ round_mix(right, chek_load_u32(keys + (size_t)i * 4));
        left = right;
        right = next;
    }
    sodium_memzero(keys, sizeof keys);
    return SIGN_MIN + ((uint64_t)left << 16 | right);
}

static void
text_add(crypto_generichash_state *state, struct chek_bytes_view text)
{
    uint8_t size[4]; /* so that no two lists of texts are the same bytes */
    chek_store_u32(size, (uint32_t)text.size);
    (void)crypto_generichash_update(state, size, sizeof size);
    (void)crypto_generichash_update(state, text.bytes, text.size);
}

void
chek_cpcr_password(const struct chek_subject_key *key, struct chek_bytes_view organisation,
                   uint32_t registration, struct chek_bytes_view login,
                   struct chek_bytes_view password, uint8_t ret[CHEK_OPERATOR_HASH_SIZE])
{
    crypto_generichash_state state;
    uint8_t head[4 + 1 + 4] = "cpcr";
    head[4] = PURPOSE_PASSWORD;
    chek_store_u32(head + 5, registration);
    int failed =
        crypto_generichash_init(&state, key->hash, sizeof key->hash, CHEK_OPERATOR_HASH_SIZE);
    CHEK_ASSERT(failed == 0);
    (void)crypto_generichash_update(&state, head, sizeof head);
    text_add(&state, organisation);
    text_add(&state, login);
    text_add(&state, password);
    failed = crypto_generichash_final(&state, ret, CHEK_OPERATOR_HASH_SIZE);
    CHEK_ASSERT(failed == 0);
    sodium_memzero(&state, sizeof state);
}
