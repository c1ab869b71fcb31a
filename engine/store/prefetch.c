/* SPDX-License-Identifier: MIT */
/*
 * prefetch.c - what an append will look up, asked for ahead.
 *
 * Looking up a long text in a large dictionary is two loads from memory that depend on each other:
 * the bucket, then the text. The first call asks for the buckets, the second for the texts, and between
 * them there are other documents to do the same for. What is small is in a cache anyway.
 */
#include "engine/store/set.h"

/* Dictionaries of fewer texts are expected to be in a cache near by. */
#define LARGE_COUNT 1024

static inline void
ask(struct chek_store *store, enum store__dictionary_kind kind, struct chek_bytes_view text)
{
    const struct store__dictionary *dictionary = &store->dictionaries[kind];
    struct store__ahead *ahead = &store->ahead;
    if (dictionary->count < LARGE_COUNT || text.size == 0 ||
        ahead->count == STORE__AHEAD_COUNT_MAX) {
        return;
    }
    uint64_t hash = store__dictionary_prefetch_bucket(dictionary, text);
    ahead->dictionaries[ahead->count] = (uint8_t)kind;
    ahead->hashes[ahead->count] = hash;
    ahead->count += hash != 0;
}

static void
ask_receipt(struct chek_store *store, const struct chek_receipt *receipt)
{
    ask(store, STORE__DICTIONARY_OPERATOR, receipt->operator);
    ask(store, STORE__DICTIONARY_CLIENT, receipt->client);
    ask(store, STORE__DICTIONARY_FISCAL_DRIVE, receipt->fiscal_drive);
    for (uint32_t i = 0; i < receipt->lines_count; i++) {
        const struct chek_line *line = &receipt->lines[i];
        ask(store, STORE__DICTIONARY_CODE, line->code);
        ask(store, STORE__DICTIONARY_NAME, line->name);
        ask(store, STORE__DICTIONARY_SECTION, line->section);
    }
}

void
chek_store_prefetch(struct chek_store *store, uint32_t registration,
                    const struct chek_document *document)
{
    store__set_prefetch(store->newest, registration);
    if (document->receipt != NULL) {
        ask_receipt(store, document->receipt);
    }
}

void
chek_store_prefetch_texts(struct chek_store *store)
{
    struct store__ahead *ahead = &store->ahead;
    for (uint32_t i = 0; i < ahead->count; i++) {
        store__dictionary_prefetch_text(&store->dictionaries[ahead->dictionaries[i]],
                                        ahead->hashes[i]);
    }
    ahead->count = 0;
}
